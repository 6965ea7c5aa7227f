// SPDX-License-Identifier: Apache-2.0
// A new connection: RFC 9293 3.10.1 (OPEN), 3.10.7.2 third (SYN for a listener), 3.4.1 (ISN), 3.7.1 (MSS).
#include "step.hpp"

namespace tiptoe::tcp::step {

// RFC 9293 3.4.1 MUST-8, RFC 6528 3: ISN = M + F(local address, local port, remote address, remote port, key), M a
// clock that ticks every 4 microseconds.
std::uint32_t initial_sequence_number(const Ctx& c) {
  if (c.cfg.has(FIXED_ISS)) return c.cfg.isn_key[0];
  const auto m = static_cast<std::uint32_t>(c.ev.now >> 2);
  if (c.on(Fault::isn_constant)) return 64'000;
  if (c.on(Fault::isn_not_clocked)) return c.ev.isn_hash;
  if (c.on(Fault::isn_same_for_all_tuples)) return m;
  return c.ev.isn_hash + m;
}

// RFC 9293 3.7.1: MUST-14 (use the option), MUST-15 (536 without it), MUST-16 (never more than the own MTU allows).
void peer_mss(Ctx& c) {
  std::uint32_t v = c.on(Fault::mss_default_1460) ? 1460 : 536;
  if (c.seg.mss_valid && !c.on(Fault::mss_option_ignored)) v = std::max<std::uint32_t>(c.seg.mss, 48);
  const std::uint32_t limit = c.on(Fault::mss_own_mtu_ignored) ? 2008 : own_mss(c.cfg);
  c.r.snd_mss = static_cast<std::uint16_t>(std::min(v, limit));
  if (c.on(Fault::uninitialised_cwnd) && !c.seg.mss_valid) c.r.cwnd = CWND_MAX;
}

std::uint32_t initial_rcv_window(const Config& cfg) { return std::min<std::uint32_t>(rx_buffer(cfg), 65535); }

std::uint32_t syn_rto(const Ctx& c) { return c.on(Fault::initial_rto_too_low) ? c.cfg.syn_rto / 10 : c.cfg.syn_rto; }

namespace {

void create(Ctx& c, State state, std::uint32_t iss) {
  Record& r = c.r;
  const std::uint8_t gen = r.gen;
  r = {};
  r.gen = gen;
  r.state = state;
  r.iss = r.snd_una = r.snd_nxt = r.rtx_nxt = r.recover = iss;
  r.snd_end = iss + 1;
  r.syn_out = true;
  r.ssthresh = CWND_MAX;
  r.rto = syn_rto(c);
  r.snd_mss = static_cast<std::uint16_t>(std::min<std::uint32_t>(536, own_mss(c.cfg)));
  r.ch_start = c.now32();
  c.t.disarm_all();
  // RFC 9293 3.9.1.1: the open is subject to the user timeout.
  if (c.cfg.open_timeout != 0) {
    c.arm_in(Timer::USER, c.cfg.open_timeout);
  } else if (c.cfg.user_timeout != 0) {
    c.arm_in(Timer::USER, c.cfg.user_timeout);
  }
}

}  // namespace

// RFC 9293 3.10.7.2 third. Text and FIN on the SYN are left to the peer to repeat.
void create_passive(Ctx& c, std::uint32_t iss) {
  create(c, State::SYN_RECEIVED, iss);
  Record& r = c.r;
  const Segment& s = c.seg;
  r.lip = s.lip;
  r.lport = s.lport;
  r.rip = s.rip;
  r.rport = s.rport;
  r.passive = r.unaccepted = true;
  r.lsn_idx = c.ev.lsn_idx;
  r.lsn_gen = c.ev.lsn_gen;
  r.irs = s.seq;
  r.rcv_nxt = r.rcv_user = r.rcv_free = s.seq + 1;
  r.rcv_adv = r.rcv_nxt + initial_rcv_window(c.cfg);
  r.snd_wnd = r.max_snd_wnd = s.wnd;
  r.snd_wl1 = s.seq;
  peer_mss(c);
  c.d.backlog = 1;
  c.d.lsn_idx = r.lsn_idx;
  c.d.lsn_gen = r.lsn_gen;
  c.d.count(Counter::PassiveOpens);
}

// RFC 9293 3.10.1. RCV.NXT and its kind are 0 until the peer's SYN arrives.
void create_active(Ctx& c) {
  create(c, State::SYN_SENT, initial_sequence_number(c));
  Record& r = c.r;
  const Command& cmd = c.ev.cmd;
  r.lip = cmd.lip != 0 ? cmd.lip : c.cfg.local_ip[0];
  r.lport = cmd.lport;
  r.rip = cmd.rip;
  r.rport = cmd.rport;
  r.nodelay = (cmd.flags & NODELAY) != 0;
  r.keepalive = (cmd.flags & KEEPALIVE) != 0;
  c.d.take = true;
  c.d.cam_insert = true;
  c.d.count(Counter::ActiveOpens);
}

}  // namespace tiptoe::tcp::step
