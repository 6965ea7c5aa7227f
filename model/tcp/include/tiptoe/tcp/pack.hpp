// SPDX-License-Identifier: Apache-2.0
//
// The bit layout of docs/microarchitecture.md 8.3: fields most significant first, least significant bit of the packed
// struct in bit 0 of word 0 (the layout of a wide port in Verilator).
//
//   auto words = pack(record);                         // std::array<uint32_t, RECORD_WORDS>
//   for_each_field(record, [](const char* name, unsigned bits, auto value) { ... });   // most significant first
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "tiptoe/tcp/types.hpp"

namespace tiptoe::tcp {

// Calls fn(name, bits, member) for every field, most significant first. R is Record or const Record.
template <typename R, typename Fn>
constexpr void for_each_field(R& r, Fn&& fn) {
  fn("state", 4U, r.state);
  fn("gen", 6U, r.gen);
  fn("passive", 1U, r.passive);
  fn("unaccepted", 1U, r.unaccepted);
  fn("lsn_idx", 5U, r.lsn_idx);
  fn("lsn_gen", 4U, r.lsn_gen);
  fn("nodelay", 1U, r.nodelay);
  fn("keepalive", 1U, r.keepalive);
  fn("half", 1U, r.half);
  fn("tx_busy", 1U, r.tx_busy);
  fn("rx_busy", 1U, r.rx_busy);
  fn("lip", 32U, r.lip);
  fn("lport", 16U, r.lport);
  fn("rip", 32U, r.rip);
  fn("rport", 16U, r.rport);
  fn("iss", 32U, r.iss);
  fn("irs", 32U, r.irs);
  fn("snd_una", 32U, r.snd_una);
  fn("snd_nxt", 32U, r.snd_nxt);
  fn("rtx_nxt", 32U, r.rtx_nxt);
  fn("snd_end", 32U, r.snd_end);
  fn("snd_wnd", 32U, r.snd_wnd);
  fn("snd_wl1", 32U, r.snd_wl1);
  fn("snd_wl2", 32U, r.snd_wl2);
  fn("max_snd_wnd", 32U, r.max_snd_wnd);
  fn("snd_mss", 16U, r.snd_mss);
  fn("syn_out", 1U, r.syn_out);
  fn("fin_queued", 1U, r.fin_queued);
  fn("persist", 1U, r.persist);
  fn("cwnd", 32U, r.cwnd);
  fn("ssthresh", 32U, r.ssthresh);
  fn("ca_acc", 32U, r.ca_acc);
  fn("recover", 32U, r.recover);
  fn("lt_nxt", 32U, r.lt_nxt);
  fn("last_sent", 48U, r.last_sent);
  fn("dupacks", 3U, r.dupacks);
  fn("in_recovery", 1U, r.in_recovery);
  fn("rcv_nxt", 32U, r.rcv_nxt);
  fn("rcv_adv", 32U, r.rcv_adv);
  fn("rcv_user", 32U, r.rcv_user);
  fn("rcv_free", 32U, r.rcv_free);
  fn("ooo[0].valid", 1U, r.ooo[0].valid);
  fn("ooo[0].start", 32U, r.ooo[0].start);
  fn("ooo[0].end", 32U, r.ooo[0].end);
  fn("ooo[1].valid", 1U, r.ooo[1].valid);
  fn("ooo[1].start", 32U, r.ooo[1].start);
  fn("ooo[1].end", 32U, r.ooo[1].end);
  fn("ooo[2].valid", 1U, r.ooo[2].valid);
  fn("ooo[2].start", 32U, r.ooo[2].start);
  fn("ooo[2].end", 32U, r.ooo[2].end);
  fn("ooo[3].valid", 1U, r.ooo[3].valid);
  fn("ooo[3].start", 32U, r.ooo[3].start);
  fn("ooo[3].end", 32U, r.ooo[3].end);
  fn("fin_pend", 1U, r.fin_pend);
  fn("fin_seq", 32U, r.fin_seq);
  fn("srtt", 32U, r.srtt);
  fn("rttvar", 32U, r.rttvar);
  fn("rto", 32U, r.rto);
  fn("rtt_valid", 1U, r.rtt_valid);
  fn("rtt_on", 1U, r.rtt_on);
  fn("rtt_seq", 32U, r.rtt_seq);
  fn("rtt_start", 32U, r.rtt_start);
  fn("rtx_cnt", 5U, r.rtx_cnt);
  fn("persist_exp", 4U, r.persist_exp);
  fn("syn_rtx", 1U, r.syn_rtx);
  fn("keep_cnt", 4U, r.keep_cnt);
  fn("ch_cnt", 8U, r.ch_cnt);
  fn("ch_start", 32U, r.ch_start);
}

// The same for the deadline record.
template <typename D, typename Fn>
constexpr void for_each_field_of_deadlines(D& d, Fn&& fn) {
  fn("rtx.armed", 1U, d.timer[0].armed);
  fn("rtx.deadline", 48U, d.timer[0].at);
  fn("dack.armed", 1U, d.timer[1].armed);
  fn("dack.deadline", 48U, d.timer[1].at);
  fn("keep.armed", 1U, d.timer[2].armed);
  fn("keep.deadline", 48U, d.timer[2].at);
  fn("wait.armed", 1U, d.timer[3].armed);
  fn("wait.deadline", 48U, d.timer[3].at);
  fn("user.armed", 1U, d.timer[4].armed);
  fn("user.deadline", 48U, d.timer[4].at);
}

namespace detail {
constexpr unsigned record_width() {
  unsigned sum = 0;
  const Record r{};
  for_each_field(r, [&](const char*, unsigned bits, const auto&) { sum += bits; });
  return sum;
}
}  // namespace detail

inline constexpr unsigned RECORD_W = detail::record_width();
inline constexpr unsigned DEADLINE_W = 49 * TIMERS;
inline constexpr std::size_t RECORD_WORDS = (RECORD_W + 31) / 32;
inline constexpr std::size_t DEADLINE_WORDS = (DEADLINE_W + 31) / 32;
static_assert(RECORD_W == 1310);
static_assert(DEADLINE_W == 245);

using RecordWords = std::array<std::uint32_t, RECORD_WORDS>;
using DeadlineWords = std::array<std::uint32_t, DEADLINE_WORDS>;

RecordWords pack(const Record& r);
DeadlineWords pack(const Deadlines& d);
Record unpack_record(const RecordWords& w);
Deadlines unpack_deadlines(const DeadlineWords& w);

}  // namespace tiptoe::tcp
