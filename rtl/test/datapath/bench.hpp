// SPDX-License-Identifier: Apache-2.0
// A cycle-accurate stand-in for the datapath, written from docs/microarchitecture.md, and the bench that runs it beside
// the verilated one: every cycle all states, counts and offered payload are compared, every datagram byte by byte.
#pragma once
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
#include <cstring>
#include <deque>
#include <memory>
#include <optional>
#include <random>
#include <vector>

#ifdef TIPTOE_NETLIST  // the design as Yosys reads it, 64 bits wide
#include "Vdatapath_netlist.h"
#else
#include "Vdatapath_w128.h"
#include "Vdatapath_w256.h"
#include "Vdatapath_w512.h"
#include "Vdatapath_w64.h"
#endif

namespace tiptoe::rtl_test {

static_assert(std::endian::native == std::endian::little, "pins are copied as memory");

using Bytes = std::vector<std::uint8_t>;

template <class V>
struct Width;
#ifdef TIPTOE_NETLIST
template <>
struct Width<Vdatapath_netlist> : std::integral_constant<std::size_t, 8> {};
using Models = ::testing::Types<Vdatapath_netlist>;
#else
template <>
struct Width<Vdatapath_w64> : std::integral_constant<std::size_t, 8> {};
template <>
struct Width<Vdatapath_w128> : std::integral_constant<std::size_t, 16> {};
template <>
struct Width<Vdatapath_w256> : std::integral_constant<std::size_t, 32> {};
template <>
struct Width<Vdatapath_w512> : std::integral_constant<std::size_t, 64> {};
using Models = ::testing::Types<Vdatapath_w64, Vdatapath_w128, Vdatapath_w256, Vdatapath_w512>;
#endif

// Byte 0 in the low bits of the pin.
template <class Pin>
void put(Pin& pin, const std::uint8_t* bytes, std::size_t n) {
  std::memset(&pin, 0, sizeof pin);
  std::memcpy(&pin, bytes, n);
}

template <std::size_t B, class Pin>
std::array<std::uint8_t, B> get(const Pin& pin) {
  std::array<std::uint8_t, B> out;
  static_assert(sizeof(Pin) >= B);
  std::memcpy(out.data(), &pin, B);
  return out;
}

inline std::uint64_t keep_of(std::size_t n) { return n >= 64 ? ~std::uint64_t{0} : (std::uint64_t{1} << n) - 1; }

// ---- datagrams ----

inline void put16(Bytes& d, std::size_t at, std::uint32_t v) {
  d.at(at) = static_cast<std::uint8_t>(v >> 8);
  d.at(at + 1) = static_cast<std::uint8_t>(v);
}
inline void put32(Bytes& d, std::size_t at, std::uint32_t v) {
  put16(d, at, v >> 16);
  put16(d, at + 2, v & 0xffff);
}
inline std::uint32_t get16(const Bytes& d, std::size_t at) {
  return static_cast<std::uint32_t>(d.at(at) << 8 | d.at(at + 1));
}
inline std::uint32_t get32(const Bytes& d, std::size_t at) { return get16(d, at) << 16 | get16(d, at + 2); }

// RFC 1071, two bytes at a time, every carry at once.
class Checksum {
 public:
  void word(std::uint32_t v) {
    sum_ += v;
    if (sum_ > 0xffff) sum_ -= 0xffff;
  }
  void bytes(const Bytes& d, std::size_t from, std::size_t to) {
    for (std::size_t i = from; i < to; i += 2)
      word(static_cast<std::uint32_t>(d[i] << 8 | (i + 1 < to ? d[i + 1] : 0)));
  }
  std::uint32_t sum() const { return sum_; }

 private:
  std::uint32_t sum_ = 0;
};

inline std::uint32_t ip_sum(const Bytes& d) {
  Checksum c;
  c.bytes(d, 0, 4U * (d[0] & 15U));
  return c.sum();
}

inline std::uint32_t tcp_sum(const Bytes& d) {
  const std::size_t ihl = 4U * (d[0] & 15U), total = get16(d, 2);
  Checksum c;
  c.bytes(d, 12, 20);
  c.word(6);
  c.word(static_cast<std::uint32_t>(total - ihl));
  c.bytes(d, ihl, total);
  return c.sum();
}

// Writes both checksums into a datagram whose header lengths fit.
inline void seal(Bytes& d) {
  const std::size_t ihl = 4U * (d[0] & 15U);
  put16(d, 10, 0);
  put16(d, 10, ip_sum(d) ^ 0xffff);
  put16(d, ihl + 16, 0);
  put16(d, ihl + 16, tcp_sum(d) ^ 0xffff);
}

struct Raw {
  unsigned slot, reason, src, dst, sport, dport, seq, ack, wnd, up, flags, pay_off, pay_len, doff;
  std::array<std::uint8_t, 40> opts;
};

// 6.1, from the bytes of a whole datagram.
inline unsigned drop_reason(const Bytes& d, const std::array<std::uint32_t, 4>& local) {
  const std::size_t n = d.size();
  if (n < 20) return 1;
  const std::size_t ihl = 4U * (d[0] & 15U), total = get16(d, 2);
  const std::uint32_t src = get32(d, 12), dst = get32(d, 16);
  if (d[0] >> 4 != 4) return 2;
  if (ihl < 20 || ihl > total) return 3;
  if (total < 20 || total > n || n > 2048) return 4;
  if (ip_sum(d) != 0xffff) return 5;
  if (get16(d, 6) & 0x3fff) return 6;
  if (d[9] != 6) return 7;
  if (dst == 0 || std::find(local.begin(), local.end(), dst) == local.end()) return 8;
  if (src == 0 || src >> 24 == 127 || src >= 0xe0000000 || src == dst) return 9;
  if (total - ihl < 20) return 10;
  const std::size_t doff = 4U * (d[ihl + 12] >> 4);
  if (doff < 20 || doff > total - ihl) return 11;
  if (tcp_sum(d) != 0xffff) return 12;
  return 0;
}

struct TxDesc {
  std::uint32_t lip, rip, lport, rport, seq, ack, flags, wnd;
  bool mss_valid;
  std::uint32_t mss, idx, len;
};

struct HostCmd {
  std::uint32_t idx, handle, base, len;
  std::uint16_t snapshot;
};

struct MvCmd {
  std::uint32_t slot, offset, len, idx, seq;
};

// ---- the bench ----
template <class V>
class Bench {
 public:
  static constexpr std::size_t B = Width<V>::value;
  static constexpr std::size_t TX_BUF = 4096, RX_BUF = 2048, CONNS = 16;
  using Word = std::array<std::uint8_t, B>;

  explicit Bench(std::uint32_t seed) : rng(seed), context(new VerilatedContext), top(new V(context.get())) {
    top->rst_i = 1;
    top->ttl_i = 64;
    top->df_i = 1;
    for (int i = 0; i < 3; ++i) clock();
    top->rst_i = 0;
    top->running_i = 1;
    set_local({0x0a000001, 0, 0, 0});
  }
  ~Bench() { top->final(); }

  std::mt19937 rng;
  std::unique_ptr<VerilatedContext> context;
  std::unique_ptr<V> top;
  std::uint64_t now = 0;

  // Percentage of cycles in which each side is willing.
  unsigned rx_rate = 100, m_rate = 100, txd_rate = 100, rxd_rate = 100, pop_rate = 100, grant_rate = 100;
  bool auto_release = true;  // push an empty mover command for every raw descriptor that is popped

  std::uint32_t rnd() { return static_cast<std::uint32_t>(rng()); }
  std::uint32_t rnd(std::uint32_t below) { return rnd() % below; }
  bool chance(unsigned percent) { return rnd(100) < percent; }

  void set_local(const std::array<std::uint32_t, 4>& ip) {
    local = ip;
    top->ip0_i = ip[0], top->ip1_i = ip[1], top->ip2_i = ip[2], top->ip3_i = ip[3];
  }

  void receive(const Bytes& datagram) { rx_queue.push_back(datagram); }

  // One-shot commands; at most one of each per tick.
  void push_tx(const TxDesc& d) {
    tx_push = d;
    top->tx_push_i = 1;
    top->tx_lip_i = d.lip, top->tx_rip_i = d.rip;
    top->tx_lport_i = static_cast<SData>(d.lport), top->tx_rport_i = static_cast<SData>(d.rport);
    top->tx_seq_i = d.seq, top->tx_ack_i = d.ack;
    top->tx_flags_i = static_cast<CData>(d.flags), top->tx_wnd_i = static_cast<SData>(d.wnd);
    top->tx_mss_valid_i = d.mss_valid, top->tx_mss_i = static_cast<SData>(d.mss);
    top->tx_idx_i = static_cast<SData>(d.idx), top->tx_len_i = static_cast<SData>(d.len);
  }
  void push_writer(const HostCmd& c) {
    wr_push = c;
    top->wr_push_i = 1;
    host(c);
  }
  void push_reader(const HostCmd& c) {
    rd_push = c;
    top->rd_push_i = 1;
    host(c);
  }
  void push_mover(const MvCmd& c) {
    mv_push = c;
    top->mv_push_i = 1;
    top->mv_slot_i = static_cast<CData>(c.slot), top->mv_offset_i = static_cast<SData>(c.offset);
    top->mv_len_i = static_cast<SData>(c.len), top->mv_idx_i = static_cast<SData>(c.idx), top->mv_seq_i = c.seq;
  }

  // What came out.
  std::deque<Raw> raws;                         // popped raw descriptors, in order
  std::vector<Bytes> sent;                      // datagrams
  std::vector<Bytes> delivered;                 // payload of finished reader commands
  std::size_t accepted_beats = 0;               // network input
  std::uint64_t first_beat = 0, last_beat = 0;  // cycles of the last datagram
  // Nothing is under way in the datapath; drained: nor at its input.
  bool idle() const {
    return rx_at == 0 && rx_flight.empty() && raw_model.empty() && mv_fifo.empty() && tx_fifo.empty() &&
           tx_state == 0 && wr_fifo.empty() && wr_state == 0 && rd_fifo.empty() && rd_state == 0;
  }
  bool drained() const { return rx_queue.empty() && !rx_now && idle(); }
  void drain(std::uint64_t limit = 200000) {
    tick();
    for (std::uint64_t i = 0; i < limit && !drained() && !::testing::Test::HasFatalFailure(); ++i) tick();
    ASSERT_TRUE(drained());
    tick();
  }
  std::size_t txq() const { return tx_fifo.size(); }
  std::size_t writer_queue() const { return wr_fifo.size(); }
  std::size_t reader_queue() const { return rd_fifo.size(); }
  std::size_t mover_queue() const { return mv_fifo.size(); }
  std::uint64_t writes_done() const { return wr_done; }

  void tick() {
    drive();
    top->clk_i = 0;
    top->eval();
    check();
    top->eval();  // with the pops and grants that check() has decided
    step();
    top->clk_i = 1;
    top->eval();
    top->mv_push_i = top->tx_push_i = top->wr_push_i = top->rd_push_i = 0;
    top->raw_pop_i = top->txd_ev_grant_i = top->rxd_ev_grant_i = 0;
    mv_push.reset(), tx_push.reset(), wr_push.reset(), rd_push.reset();
    ++now;
  }

  void clock() {
    top->clk_i = 0;
    top->eval();
    top->clk_i = 1;
    top->eval();
  }

 private:
  void host(const HostCmd& c) {
    top->host_idx_i = static_cast<SData>(c.idx), top->host_handle_i = static_cast<SData>(c.handle);
    top->host_base_i = c.base, top->host_len_i = c.len;
  }

  static std::size_t beats(std::size_t bytes) { return (bytes + B - 1) / B; }

  void drive() {
    if (!rx_now && !rx_queue.empty() && chance(rx_rate)) {
      const Bytes& d = rx_queue.front();
      const std::size_t n = std::min(B, d.size() - rx_at);
      Word word;
      for (auto& byte : word) byte = static_cast<std::uint8_t>(rnd());  // unused lanes hold anything
      std::copy_n(d.begin() + static_cast<std::ptrdiff_t>(rx_at), n, word.begin());
      put(top->s_tdata_i, word.data(), B);
      top->s_tkeep_i = static_cast<std::remove_reference_t<decltype(top->s_tkeep_i)>>(keep_of(n));
      top->s_tlast_i = rx_at + n == d.size();
      rx_word = word;
      rx_now = true;
    }
    top->s_tvalid_i = rx_now;
    top->m_tready_i = chance(m_rate);
    top->rxd_tready_i = chance(rxd_rate);
    if (!txd_now && chance(txd_rate)) {
      for (auto& byte : txd_word) byte = static_cast<std::uint8_t>(rnd());
      put(top->txd_tdata_i, txd_word.data(), B);
      txd_now = true;
    }
    top->txd_tvalid_i = txd_now;
  }

  // Compares the outputs of this cycle.
  void check() {
    const bool ready = rx_at > 0 || slots_used < 8;
    ASSERT_EQ(top->s_tready_o, ready) << "cycle " << now;
    ASSERT_EQ(top->slots_used_o, slots_used) << "cycle " << now;
    while (!rx_flight.empty() && rx_flight.front().visible <= now) {
      raw_model.push_back(rx_flight.front());
      rx_flight.pop_front();
    }
    ASSERT_EQ(top->raw_count_o, raw_model.size()) << "cycle " << now;
    ASSERT_EQ(top->raw_valid_o, !raw_model.empty()) << "cycle " << now;
    if (!raw_model.empty()) check_raw(raw_model.front());
    ASSERT_EQ(top->mover_busy_o, mv_left > 0) << "cycle " << now;
    ASSERT_EQ(top->txq_count_o, tx_fifo.size()) << "cycle " << now;
    ASSERT_EQ(top->tx_state_o, tx_state) << "cycle " << now;
    ASSERT_EQ(top->m_tvalid_o, tx_state == 3) << "cycle " << now;
    ASSERT_EQ(top->writer_state_o, wr_state) << "cycle " << now;
    ASSERT_EQ(top->txd_tready_o, wr_state == 1) << "cycle " << now;
    ASSERT_EQ(top->txd_ev_valid_o, wr_state == 2) << "cycle " << now;
    ASSERT_EQ(top->wr_full_o, wr_fifo.size() == 4) << "cycle " << now;
    ASSERT_EQ(top->reader_state_o, rd_state) << "cycle " << now;
    ASSERT_EQ(top->rxd_tvalid_o, rd_state == 2) << "cycle " << now;
    ASSERT_EQ(top->rxd_ev_valid_o, rd_state == 3) << "cycle " << now;
    ASSERT_EQ(top->rd_full_o, rd_fifo.size() == 4) << "cycle " << now;
    ASSERT_EQ(top->idle_o, idle()) << "cycle " << now;
    if (tx_state == 3) check_beat();
    if (rd_state == 2) check_payload();
    if (wr_state == 2) {
      EXPECT_EQ(top->txd_ev_idx_o, wr.idx);
      EXPECT_EQ(top->txd_ev_handle_o, wr.handle);
      EXPECT_EQ(top->txd_ev_len_o, wr.len);
      top->txd_ev_grant_i = chance(grant_rate);
    }
    if (rd_state == 3) {
      EXPECT_EQ(top->rxd_ev_idx_o, rd.idx);
      EXPECT_EQ(top->rxd_ev_handle_o, rd.handle);
      EXPECT_EQ(top->rxd_ev_len_o, rd.len);
      top->rxd_ev_grant_i = chance(grant_rate);
    }
    top->raw_pop_i = !raw_model.empty() && !mv_push && chance(pop_rate);
  }

  struct Flight {
    Bytes datagram;
    unsigned slot;
    std::uint64_t visible;
  };

  void check_raw(const Flight& f) {
    const Bytes& d = f.datagram;
    ASSERT_EQ(top->raw_slot_o, f.slot);
    ASSERT_EQ(top->raw_reason_o, drop_reason(d, local)) << "datagram of " << d.size() << " bytes, cycle " << now;
    if (top->raw_reason_o) return;
    const std::size_t ihl = 4U * (d[0] & 15U), doff = 4U * (d[ihl + 12] >> 4), total = get16(d, 2);
    EXPECT_EQ(top->raw_src_o, get32(d, 12));
    EXPECT_EQ(top->raw_dst_o, get32(d, 16));
    EXPECT_EQ(top->raw_sport_o, get16(d, ihl));
    EXPECT_EQ(top->raw_dport_o, get16(d, ihl + 2));
    EXPECT_EQ(top->raw_seq_o, get32(d, ihl + 4));
    EXPECT_EQ(top->raw_ack_o, get32(d, ihl + 8));
    EXPECT_EQ(top->raw_flags_o, d[ihl + 13]);
    EXPECT_EQ(top->raw_wnd_o, get16(d, ihl + 14));
    EXPECT_EQ(top->raw_up_o, get16(d, ihl + 18));
    EXPECT_EQ(top->raw_doff_o, doff / 4);
    EXPECT_EQ(top->raw_pay_off_o, ihl + doff);
    EXPECT_EQ(top->raw_pay_len_o, total - ihl - doff);
    const auto opts = get<40>(top->raw_opts_o);
    for (std::size_t i = 0; i + 20 < doff; ++i) EXPECT_EQ(opts[i], d[ihl + 20 + i]);
  }

  // The beat of the datagram that the pages ask for.
  void check_beat() {
    const std::size_t at = tx_at, n = std::min(B, tx_datagram.size() - at);
    Word expected{};
    std::copy_n(tx_datagram.begin() + static_cast<std::ptrdiff_t>(at), n, expected.begin());
    ASSERT_EQ(get<B>(top->m_tdata_o), expected) << "byte " << at << " of " << tx_datagram.size() << ", cycle " << now;
    ASSERT_EQ(std::uint64_t{top->m_tkeep_o}, keep_of(n));
    ASSERT_EQ(top->m_tlast_o, at + n == tx_datagram.size());
  }

  void check_payload() {
    const std::size_t n = std::min<std::size_t>(B, rd.len - rd_at);
    Word expected{};
    std::copy_n(rd_word.begin(), n, expected.begin());
    ASSERT_EQ(get<B>(top->rxd_tdata_o), expected) << "byte " << rd_at << " of " << rd.len << ", cycle " << now;
    ASSERT_EQ(std::uint64_t{top->rxd_tkeep_o}, keep_of(n));
    ASSERT_EQ(top->rxd_tlast_o, rd_at + n == rd.len);
    ASSERT_EQ(top->rxd_handle_o, rd.handle);
  }

  Bytes build(const TxDesc& t, const Bytes& text) {
    const std::size_t h = t.mss_valid ? 44 : 40;
    Bytes d(h + text.size());
    d[0] = 0x45;
    d[1] = top->tos_i;
    put16(d, 2, static_cast<std::uint32_t>(d.size()));
    put16(d, 4, ip_id);
    put16(d, 6, top->df_i ? 0x4000 : 0);
    d[8] = top->ttl_i;
    d[9] = 6;
    put32(d, 12, t.lip);
    put32(d, 16, t.rip);
    put16(d, 20, t.lport);
    put16(d, 22, t.rport);
    put32(d, 24, t.seq);
    put32(d, 28, t.ack);
    d[32] = t.mss_valid ? 0x60 : 0x50;
    d[33] = static_cast<std::uint8_t>(t.flags);
    put16(d, 34, t.wnd);
    if (t.mss_valid) put16(d, 40, 0x0204), put16(d, 42, t.mss);
    std::copy(text.begin(), text.end(), d.begin() + static_cast<std::ptrdiff_t>(h));
    seal(d);
    return d;
  }

  // Advances the stand-in by this cycle. Reads of a memory come before writes.
  void step() {
    step_reader();  // reads the receive buffer
    step_tx();      // reads the send buffer
    step_mover();   // reads the segment store, writes the receive buffer
    step_writer();  // writes the send buffer
    step_rx();      // writes the segment store
    wr_loaded = tx_loaded, rd_moved = mv_done;
  }

  void step_rx() {
    if (top->raw_pop_i) {
      const Flight f = raw_model.front();
      raw_model.pop_front();
      Raw r{};
      r.slot = top->raw_slot_o, r.reason = top->raw_reason_o, r.src = top->raw_src_o, r.dst = top->raw_dst_o;
      r.sport = top->raw_sport_o, r.dport = top->raw_dport_o, r.seq = top->raw_seq_o, r.ack = top->raw_ack_o;
      r.wnd = top->raw_wnd_o, r.up = top->raw_up_o, r.flags = top->raw_flags_o, r.pay_off = top->raw_pay_off_o;
      r.pay_len = top->raw_pay_len_o, r.doff = top->raw_doff_o, r.opts = get<40>(top->raw_opts_o);
      raws.push_back(r);
      if (auto_release) {
        push_mover({r.slot, 0, 0, 0, 0});
        mv_issue();
      }
    }
    if (!rx_now || !top->s_tready_o) return;
    rx_now = false;
    ++accepted_beats;
    Bytes& d = rx_queue.front();
    if (rx_at == 0) {
      ++slots_used;
      first_beat = now;
    }
    if (rx_at < 2048)
      std::copy(rx_word.begin(), rx_word.end(), store[rx_slot].begin() + static_cast<std::ptrdiff_t>(rx_at));
    rx_at += B;
    if (rx_at >= d.size()) {
      rx_flight.push_back({d, rx_slot, now + 4});
      last_beat = now;
      rx_slot = (rx_slot + 1) % 8;
      rx_queue.pop_front();
      rx_at = 0;
    }
  }

  void mv_issue() {
    mv_fifo.push_back(*mv_push);
    ++mv_issued;
    mv_push.reset();
  }

  void step_mover() {
    bool release = false;
    if (mv_left > 0) {
      const MvCmd& c = mv_fifo.front();
      const std::size_t at = (beats(c.len) - mv_left) * B;
      for (std::size_t i = 0; i < B && at + i < c.len; ++i)
        rx_buf[c.idx][(c.seq + at + i) % RX_BUF] = store[c.slot][(c.offset + at + i) % 2048];
      release = --mv_left == 0;
    } else if (!mv_fifo.empty()) {
      if (mv_fifo.front().len == 0) release = true;
      mv_left = beats(mv_fifo.front().len);
    }
    if (release) {
      mv_fifo.pop_front();
      --slots_used;
      ++mv_done;
    }
    if (mv_push) mv_issue();
  }

  void step_tx() {
    if (tx_state == 0) {
      if (!tx_fifo.empty()) {
        tx = tx_fifo.front();
        tx_fifo.pop_front();
        tx_text.clear();
        tx_left = beats(tx.len) + 1;
        tx_state = tx.len == 0 ? 2 : 1;
        if (tx.len == 0) ++tx_loaded;
      }
    } else if (tx_state == 1) {
      for (std::size_t i = 0; i < B && tx_text.size() < tx.len; ++i)
        tx_text.push_back(tx_buf[tx.idx][(tx.seq + tx_text.size()) % TX_BUF]);
      if (--tx_left == 0) {
        tx_state = 2;
        ++tx_loaded;
      }
    } else if (tx_state == 2) {
      tx_datagram = build(tx, tx_text);
      ++ip_id;
      tx_at = 0;
      tx_state = 3;
    } else if (top->m_tready_i) {
      tx_at += B;
      if (tx_at >= tx_datagram.size()) {
        sent.push_back(tx_datagram);
        tx_state = 0;
      }
    }
    if (tx_push) {
      tx_fifo.push_back(*tx_push);
      ++tx_issued;
    }
  }

  void step_writer() {
    if (wr_state == 0) {
      if (!wr_fifo.empty() && static_cast<std::int16_t>(wr_loaded - wr_fifo.front().snapshot) >= 0) {
        wr = wr_fifo.front();
        wr_fifo.pop_front();
        wr_at = 0;
        wr_state = 1;
      }
    } else if (wr_state == 1) {
      if (txd_now) {
        for (std::size_t i = 0; i < B && wr_at + i < wr.len; ++i)
          tx_buf[wr.idx][(wr.base + wr_at + i) % TX_BUF] = txd_word[i];
        wr_at += B;
        if (wr_at >= wr.len) wr_state = 2;
        txd_now = false;
      }
    } else if (top->txd_ev_grant_i) {
      wr_state = 0;
      ++wr_done;
    }
    if (wr_push) {
      wr_push->snapshot = tx_issued;
      wr_fifo.push_back(*wr_push);
    }
  }

  void step_reader() {
    if (rd_state == 0) {
      if (!rd_fifo.empty() && static_cast<std::int16_t>(rd_moved - rd_fifo.front().snapshot) >= 0) {
        rd = rd_fifo.front();
        rd_fifo.pop_front();
        rd_at = 0;
        rd_state = 1;
        delivered.emplace_back();
      }
    } else if (rd_state == 1) {
      for (std::size_t i = 0; i < B; ++i) rd_word[i] = rx_buf[rd.idx][(rd.base + rd_at + i) % RX_BUF];
      rd_state = 2;
    } else if (rd_state == 2) {
      if (top->rxd_tready_i) {
        const std::size_t n = std::min<std::size_t>(B, rd.len - rd_at);
        delivered.back().insert(delivered.back().end(), rd_word.begin(),
                                rd_word.begin() + static_cast<std::ptrdiff_t>(n));
        rd_at += B;
        rd_state = rd_at >= rd.len ? 3 : 1;
      }
    } else if (top->rxd_ev_grant_i) {
      rd_state = 0;
    }
    if (rd_push) {
      rd_push->snapshot = static_cast<std::uint16_t>(mv_issued + (mv_push ? 1 : 0));
      rd_fifo.push_back(*rd_push);
    }
  }

  std::array<std::uint32_t, 4> local{};
  // receive
  std::deque<Bytes> rx_queue;
  std::size_t rx_at = 0;
  bool rx_now = false;
  Word rx_word{};
  unsigned rx_slot = 0, slots_used = 0;
  std::deque<Flight> rx_flight, raw_model;
  std::array<std::array<std::uint8_t, 2048>, 8> store{};
  // mover
  std::optional<MvCmd> mv_push;
  std::deque<MvCmd> mv_fifo;
  std::size_t mv_left = 0;
  std::uint16_t mv_issued = 0, mv_done = 0;
  std::array<std::array<std::uint8_t, RX_BUF>, CONNS> rx_buf{};
  // TX engine
  std::optional<TxDesc> tx_push;
  std::deque<TxDesc> tx_fifo;
  unsigned tx_state = 0;
  TxDesc tx{};
  std::size_t tx_left = 0, tx_at = 0;
  Bytes tx_text, tx_datagram;
  std::uint16_t ip_id = 0, tx_issued = 0, tx_loaded = 0;
  std::array<std::array<std::uint8_t, TX_BUF>, CONNS> tx_buf{};
  // writer
  std::optional<HostCmd> wr_push;
  std::deque<HostCmd> wr_fifo;
  unsigned wr_state = 0;
  HostCmd wr{};
  std::size_t wr_at = 0;
  std::uint16_t wr_loaded = 0;
  std::uint64_t wr_done = 0;
  bool txd_now = false;
  Word txd_word{};
  // reader
  std::optional<HostCmd> rd_push;
  std::deque<HostCmd> rd_fifo;
  unsigned rd_state = 0;
  HostCmd rd{};
  std::size_t rd_at = 0;
  std::uint16_t rd_moved = 0;
  Word rd_word{};
};

}  // namespace tiptoe::rtl_test
