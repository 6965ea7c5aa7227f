// SPDX-License-Identifier: Apache-2.0
// A small host and a small peer around the verilated engine: datagrams as structs, one call per host command, time that
// the test moves. Checksums of everything that leaves are verified, whatever a test is about.
#pragma once
#include <gtest/gtest.h>

#include <cstdint>
#include <cstring>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#ifdef TIPTOE_NETLIST  // the design as Yosys reads it; the source runs beside it
#include "Vtop_netlist.h"
#else
#include "Vtop_w128_c16.h"
#include "Vtop_w512_c128.h"
#endif
#include "Vtop_w64_c64.h"

namespace tiptoe::rtl_test {

using Bytes = std::vector<std::uint8_t>;

inline constexpr std::uint8_t kFin = 1, kSyn = 2, kRst = 4, kPsh = 8, kAck = 16, kUrg = 32;

enum Op : std::uint8_t { kOpenPassive = 1, kOpenActive, kSend, kReceive, kClose, kAbort, kStatus, kAccept, kSetopt };
enum Status : std::uint8_t {
  kOk,
  kNoConnection,
  kExists,
  kNoResources,
  kClosing,
  kRemoteUnspecified,
  kInvalid,
  kWouldBlock,
  kAborted
};
enum State : std::uint8_t {
  kClosed,
  kListen,
  kSynSent,
  kSynReceived,
  kEstablished,
  kFinWait1,
  kFinWait2,
  kCloseWait,
  kClosingState,
  kLastAck,
  kTimeWait
};

template <class V>
struct Config;
#ifdef TIPTOE_NETLIST
template <>
struct Config<Vtop_netlist> {
  static constexpr std::size_t kBytes = 8, kConns = 64, kScan = 4;
};
using Models = ::testing::Types<Vtop_netlist>;
inline constexpr bool kNetlist = true;
#else
template <>
struct Config<Vtop_w64_c64> {
  static constexpr std::size_t kBytes = 8, kConns = 64, kScan = 4;
};
template <>
struct Config<Vtop_w512_c128> {
  static constexpr std::size_t kBytes = 64, kConns = 128, kScan = 4;
};
template <>
struct Config<Vtop_w128_c16> {  // few listeners, large receive buffers, one deadline per cycle
  static constexpr std::size_t kBytes = 16, kConns = 16, kScan = 1;
};
using Models = ::testing::Types<Vtop_w64_c64, Vtop_w512_c128, Vtop_w128_c16>;
inline constexpr bool kNetlist = false;
#endif

// Runs the source with the inputs of another model of it and compares all outputs, payloads while they are valid.
template <class V>
class Shadow {
 public:
  explicit Shadow(VerilatedContext* context) : source_(new Vtop_w64_c64(context)) {}
  ~Shadow() { source_->final(); }

  void check(const V& v, std::uint64_t cycle) {
    Vtop_w64_c64& s = *source_;
    s.rst = v.rst;
    s.now_us = v.now_us;
    s.s_axis_tdata = v.s_axis_tdata;
    s.s_axis_tkeep = v.s_axis_tkeep;
    s.s_axis_tvalid = v.s_axis_tvalid;
    s.s_axis_tlast = v.s_axis_tlast;
    s.m_axis_tready = v.m_axis_tready;
    s.cmd_valid = v.cmd_valid;
    s.cmd_op = v.cmd_op;
    s.cmd_tag = v.cmd_tag;
    s.cmd_handle = v.cmd_handle;
    s.cmd_flags = v.cmd_flags;
    s.cmd_lip = v.cmd_lip;
    s.cmd_lport = v.cmd_lport;
    s.cmd_rip = v.cmd_rip;
    s.cmd_rport = v.cmd_rport;
    s.cmd_len = v.cmd_len;
    s.rsp_ready = v.rsp_ready;
    s.evt_ready = v.evt_ready;
    s.txd_tdata = v.txd_tdata;
    s.txd_tvalid = v.txd_tvalid;
    s.rxd_tready = v.rxd_tready;
    s.reg_wr = v.reg_wr;
    s.reg_addr = v.reg_addr;
    s.reg_wdata = v.reg_wdata;
    s.eval();

    const auto same = [&](const char* pin, const auto& a, const auto& b) {
      if (std::memcmp(&a, &b, sizeof a) != 0 && ++differences_ < 10)
        ADD_FAILURE() << pin << " differs in cycle " << cycle;
    };
    if (v.rst && cycle < 2) return;  // registers still hold anything
#define TIPTOE_SAME(pin) same(#pin, v.pin, s.pin)
    TIPTOE_SAME(s_axis_tready);
    TIPTOE_SAME(m_axis_tvalid);
    TIPTOE_SAME(cmd_ready);
    TIPTOE_SAME(rsp_valid);
    TIPTOE_SAME(evt_valid);
    TIPTOE_SAME(txd_tready);
    TIPTOE_SAME(rxd_tvalid);
    TIPTOE_SAME(reg_rdata);
    TIPTOE_SAME(quiescent);
    TIPTOE_SAME(next_deadline);
    TIPTOE_SAME(next_deadline_valid);
    TIPTOE_SAME(prb_slots_used);
    TIPTOE_SAME(prb_raw_count);
    TIPTOE_SAME(prb_head_state);
    TIPTOE_SAME(prb_stage_valid);
    TIPTOE_SAME(prb_txq_count);
    TIPTOE_SAME(prb_tx_state);
    TIPTOE_SAME(prb_mover_busy);
    TIPTOE_SAME(prb_writer_state);
    TIPTOE_SAME(prb_reader_state);
    TIPTOE_SAME(prb_scan_ptr);
    TIPTOE_SAME(prb_scan_clean);
    TIPTOE_SAME(prb_outq_count);
    TIPTOE_SAME(prb_evtq_count);
    TIPTOE_SAME(prb_free_count);
    TIPTOE_SAME(prb_ret_valid);
    TIPTOE_SAME(prb_ret_kind);
    TIPTOE_SAME(prb_ret_order);
    TIPTOE_SAME(prb_ret_conn);
    TIPTOE_SAME(prb_ret_has_conn);
    TIPTOE_SAME(prb_ret_reason);
    TIPTOE_SAME(prb_ret_record);
    TIPTOE_SAME(prb_ret_deadlines);
    TIPTOE_SAME(prb_ret_tx);
    if (v.m_axis_tvalid) {
      TIPTOE_SAME(m_axis_tdata);
      TIPTOE_SAME(m_axis_tkeep);
      TIPTOE_SAME(m_axis_tlast);
    }
    if (v.rsp_valid) {
      TIPTOE_SAME(rsp_tag);
      TIPTOE_SAME(rsp_op);
      TIPTOE_SAME(rsp_status);
      TIPTOE_SAME(rsp_handle);
      TIPTOE_SAME(rsp_len);
      TIPTOE_SAME(rsp_state);
      TIPTOE_SAME(rsp_avail);
      TIPTOE_SAME(rsp_room);
    }
    if (v.evt_valid) {
      TIPTOE_SAME(evt_handle);
      TIPTOE_SAME(evt_flags);
    }
    if (v.rxd_tvalid) {
      TIPTOE_SAME(rxd_tdata);
      TIPTOE_SAME(rxd_tkeep);
      TIPTOE_SAME(rxd_tlast);
      TIPTOE_SAME(rxd_handle);
    }
#undef TIPTOE_SAME
  }
  void clock(bool high) {
    source_->clk = high;
    source_->eval();
  }

 private:
  std::unique_ptr<Vtop_w64_c64> source_;
  unsigned differences_ = 0;
};

struct Seg {
  std::uint32_t src = 0, dst = 0;
  std::uint16_t sport = 0, dport = 0;
  std::uint32_t seq = 0, ack = 0;
  std::uint8_t flags = 0;
  std::uint16_t wnd = 0, up = 0;
  std::optional<std::uint16_t> mss;
  Bytes text;
  std::uint64_t cycle = 0;  // of the last beat
  std::uint64_t at = 0;     // now_us then
};

inline std::uint32_t add16(const Bytes& d, std::size_t from, std::size_t to, std::uint32_t sum) {
  for (std::size_t i = from; i < to; i += 2) {
    sum += static_cast<std::uint32_t>(d[i] << 8 | (i + 1 < to ? d[i + 1] : 0));
    if (sum > 0xffff) sum -= 0xffff;
  }
  return sum;
}
inline void put(Bytes& d, std::size_t at, std::uint32_t v, std::size_t n) {
  for (std::size_t i = 0; i < n; ++i) d[at + i] = static_cast<std::uint8_t>(v >> (8 * (n - 1 - i)));
}
inline std::uint32_t get(const Bytes& d, std::size_t at, std::size_t n) {
  std::uint32_t v = 0;
  for (std::size_t i = 0; i < n; ++i) v = v << 8 | d[at + i];
  return v;
}

inline Bytes build(const Seg& s) {
  const std::size_t header = s.mss ? 44 : 40;
  Bytes d(header + s.text.size());
  d[0] = 0x45;
  put(d, 2, static_cast<std::uint32_t>(d.size()), 2);
  d[8] = 64;
  d[9] = 6;
  put(d, 12, s.src, 4);
  put(d, 16, s.dst, 4);
  put(d, 10, add16(d, 0, 20, 0) ^ 0xffff, 2);
  put(d, 20, s.sport, 2);
  put(d, 22, s.dport, 2);
  put(d, 24, s.seq, 4);
  put(d, 28, s.ack, 4);
  d[32] = s.mss ? 0x60 : 0x50;
  d[33] = s.flags;
  put(d, 34, s.wnd, 2);
  put(d, 38, s.up, 2);
  if (s.mss) put(d, 40, 0x02040000U | *s.mss, 4);
  std::copy(s.text.begin(), s.text.end(), d.begin() + static_cast<std::ptrdiff_t>(header));
  const std::uint32_t sum = add16(d, 12, 20, static_cast<std::uint32_t>(6 + d.size() - 20));
  put(d, 36, add16(d, 20, d.size(), sum) ^ 0xffff, 2);
  return d;
}

inline Seg parse(const Bytes& d) {
  Seg s;
  EXPECT_GE(d.size(), 40U);
  EXPECT_EQ(add16(d, 0, 20, 0), 0xffffU) << "IPv4 checksum";
  EXPECT_EQ(add16(d, 20, d.size(), add16(d, 12, 20, static_cast<std::uint32_t>(6 + d.size() - 20))), 0xffffU)
      << "TCP checksum";
  EXPECT_EQ(get(d, 2, 2), d.size());
  s.src = get(d, 12, 4);
  s.dst = get(d, 16, 4);
  s.sport = static_cast<std::uint16_t>(get(d, 20, 2));
  s.dport = static_cast<std::uint16_t>(get(d, 22, 2));
  s.seq = get(d, 24, 4);
  s.ack = get(d, 28, 4);
  const std::size_t header = 20 + 4U * (d[32] >> 4);
  s.flags = d[33];
  s.wnd = static_cast<std::uint16_t>(get(d, 34, 2));
  if (header == 44) s.mss = static_cast<std::uint16_t>(get(d, 42, 2));
  s.text.assign(d.begin() + static_cast<std::ptrdiff_t>(header), d.end());
  return s;
}

struct Command {
  std::uint8_t op = 0, tag = 0, flags = 0;
  std::uint32_t handle = 0;
  std::uint32_t lip = 0, rip = 0;
  std::uint16_t lport = 0, rport = 0;
  std::uint32_t len = 0;
};
struct Response {
  unsigned tag, op, status;
  std::uint32_t handle, len;
  unsigned state;
  std::uint32_t avail, room;
};
struct Notice {
  std::uint32_t handle;
  unsigned flags;
};
struct Retire {
  std::uint64_t cycle;
  unsigned kind, conn, reason;
  bool has_conn, tx;
};

template <class V>
class Engine {
 public:
  static constexpr std::size_t B = Config<V>::kBytes, kConns = Config<V>::kConns, kGroups = kConns / Config<V>::kScan;

  Engine() : context_(new VerilatedContext), top_(new V(context_.get())) {
    if constexpr (kNetlist) shadow_ = std::make_unique<Shadow<V>>(context_.get());
    top_->m_axis_tready = 1;
    top_->evt_ready = 1;
    top_->rsp_ready = 1;
    top_->rxd_tready = 1;
    top_->rst = 1;
    top_->now_us = now;
    for (int i = 0; i < 4; ++i) edge();
    top_->rst = 0;
    while (!running_) step();
  }
  ~Engine() { top_->final(); }

  V* operator->() { return top_.get(); }

  std::uint64_t now = 5'000'000, cycle = 0;
  std::deque<Seg> sent;  // by the engine, oldest first
  std::deque<Response> responses;
  std::deque<Notice> notices;
  std::deque<Retire> retired;
  Bytes received;  // rxd octets

  // One cycle: drive what waits, sample what is offered.
  void step() {
    drive();
    top_->eval();
    sample();
    edge();
  }
  void run(int cycles) {
    for (int i = 0; i < cycles; ++i) step();
  }
  // Until nothing is left to do before the next deadline.
  void settle() {
    for (int i = 0; i < 20000; ++i) {
      step();
      if (rx_.empty() && cmds_.empty() && txd_.empty() && quiescent_) return;
    }
    ADD_FAILURE() << "the engine does not become quiescent";
  }
  void advance(std::uint64_t us) {
    settle();
    const std::uint64_t end = now + us;
    while (deadline_valid_ && deadline_ <= end) {
      now = std::max(now, deadline_);
      settle();
    }
    now = end;
    settle();
  }

  void put_datagram(const Bytes& d) {
    for (std::size_t at = 0; at < d.size(); at += B) {
      Beat beat{};
      beat.n = std::min(B, d.size() - at);
      beat.last = at + B >= d.size();
      std::memcpy(beat.data, d.data() + at, beat.n);
      rx_.push_back(beat);
    }
  }
  void put_segment(const Seg& s) { put_datagram(build(s)); }

  void put_command(const Command& c) { cmds_.push_back(c); }
  std::size_t waiting() const { return rx_.size() + cmds_.size(); }
  // Payload of a granted SEND.
  void put_text(std::size_t n) {
    for (std::size_t at = 0; at < n; at += B) txd_.push_back(Beat{.data = {}, .n = B, .last = false});
  }

  // A command and its response.
  Response call(Command c) {
    c.tag = ++tag_;
    cmds_.push_back(c);
    for (int i = 0; i < 4000 && responses.empty(); ++i) step();
    if (responses.empty()) {
      ADD_FAILURE() << "no response to command " << int{c.op};
      return {};
    }
    const Response r = responses.front();
    responses.pop_front();
    EXPECT_EQ(r.tag, c.tag);
    EXPECT_EQ(r.op, c.op);
    return r;
  }
  Response send(std::uint32_t handle, const Bytes& text) {
    const Response r = call({.op = kSend, .handle = handle, .len = static_cast<std::uint32_t>(text.size())});
    for (std::size_t at = 0; at < r.len; at += B) {
      Beat beat{};
      beat.n = std::min<std::size_t>(B, r.len - at);
      std::memcpy(beat.data, text.data() + at, beat.n);
      txd_.push_back(beat);
    }
    return r;
  }
  Bytes receive(std::uint32_t handle, std::uint32_t n) {
    received.clear();
    const Response r = call({.op = kReceive, .handle = handle, .len = n});
    for (int i = 0; i < 20000 && received.size() < r.len; ++i) step();
    settle();
    EXPECT_EQ(received.size(), r.len);
    return received;
  }
  Response status(std::uint32_t handle) { return call({.op = kStatus, .handle = handle}); }

  void write(unsigned addr, std::uint32_t value) {
    top_->reg_wr = 1;
    top_->reg_addr = static_cast<std::uint8_t>(addr);
    top_->reg_wdata = value;
    step();
    top_->reg_wr = 0;
  }
  std::uint32_t read(unsigned addr) {
    top_->reg_addr = static_cast<std::uint8_t>(addr);
    step();
    return top_->reg_rdata;
  }

  Seg pop() {
    settle();
    if (sent.empty()) {
      ADD_FAILURE() << "nothing was sent";
      return {};
    }
    Seg s = sent.front();
    sent.pop_front();
    return s;
  }
  // Union of the flags that came for this handle.
  unsigned flags_of(std::uint32_t handle) {
    settle();
    unsigned f = 0;
    std::erase_if(notices, [&](const Notice& n) {
      if (n.handle != handle) return false;
      f |= n.flags;
      return true;
    });
    return f;
  }

 private:
  struct Beat {
    std::uint8_t data[B];
    std::size_t n;
    bool last;
  };

  static std::uint64_t keep(std::size_t n) { return n >= 64 ? ~std::uint64_t{0} : (std::uint64_t{1} << n) - 1; }

  void drive() {
    V& t = *top_;
    t.now_us = now;
    t.s_axis_tvalid = !rx_.empty();
    if (!rx_.empty()) {
      std::memset(&t.s_axis_tdata, 0, sizeof t.s_axis_tdata);
      std::memcpy(&t.s_axis_tdata, rx_.front().data, rx_.front().n);
      const std::uint64_t k = keep(rx_.front().n);
      std::memcpy(&t.s_axis_tkeep, &k, sizeof t.s_axis_tkeep);
      t.s_axis_tlast = rx_.front().last;
    }
    t.txd_tvalid = !txd_.empty();
    if (!txd_.empty()) std::memcpy(&t.txd_tdata, txd_.front().data, B);
    t.cmd_valid = !cmds_.empty();
    if (!cmds_.empty()) {
      const Command& c = cmds_.front();
      t.cmd_op = c.op;
      t.cmd_tag = c.tag;
      t.cmd_flags = c.flags;
      t.cmd_handle = c.handle;
      t.cmd_lip = c.lip;
      t.cmd_rip = c.rip;
      t.cmd_lport = c.lport;
      t.cmd_rport = c.rport;
      t.cmd_len = c.len;
    }
  }

  void sample() {
    V& t = *top_;
    const bool input =
        (t.s_axis_tvalid && t.s_axis_tready) || (t.txd_tvalid && t.txd_tready) || (t.cmd_valid && t.cmd_ready);
    quiescent_ = t.quiescent && !input;
    deadline_valid_ = t.next_deadline_valid;
    deadline_ = t.next_deadline;
    running_ = running_ || t.cmd_ready;
    if (t.s_axis_tvalid && t.s_axis_tready) rx_.pop_front();
    if (t.txd_tvalid && t.txd_tready) txd_.pop_front();
    if (t.cmd_valid && t.cmd_ready) cmds_.pop_front();
    if (t.m_axis_tvalid && t.m_axis_tready) {
      std::uint64_t k = 0;
      std::memcpy(&k, &t.m_axis_tkeep, sizeof t.m_axis_tkeep);
      std::uint8_t data[B];
      std::memcpy(data, &t.m_axis_tdata, B);
      for (std::size_t i = 0; i < B; ++i)
        if (k >> i & 1) out_.push_back(data[i]);
      if (t.m_axis_tlast) {
        sent.push_back(parse(out_));
        sent.back().cycle = cycle;
        sent.back().at = now;
        out_.clear();
      }
    }
    if (t.rxd_tvalid && t.rxd_tready) {
      std::uint64_t k = 0;
      std::memcpy(&k, &t.rxd_tkeep, sizeof t.rxd_tkeep);
      std::uint8_t data[B];
      std::memcpy(data, &t.rxd_tdata, B);
      for (std::size_t i = 0; i < B; ++i)
        if (k >> i & 1) received.push_back(data[i]);
    }
    if (t.rsp_valid && t.rsp_ready)
      responses.push_back(
          {t.rsp_tag, t.rsp_op, t.rsp_status, t.rsp_handle, t.rsp_len, t.rsp_state, t.rsp_avail, t.rsp_room});
    if (t.evt_valid && t.evt_ready) notices.push_back({t.evt_handle, t.evt_flags});
    if (t.prb_ret_valid)
      retired.push_back({cycle, t.prb_ret_kind, t.prb_ret_conn, t.prb_ret_reason, static_cast<bool>(t.prb_ret_has_conn),
                         static_cast<bool>(t.prb_ret_tx)});
  }

  void edge() {
    if constexpr (kNetlist) shadow_->check(*top_, cycle);
    for (const bool high : {true, false}) {
      top_->clk = high;
      top_->eval();
      if constexpr (kNetlist) shadow_->clock(high);
    }
    ++cycle;
  }

  std::unique_ptr<VerilatedContext> context_;
  std::unique_ptr<V> top_;
  std::unique_ptr<Shadow<V>> shadow_;
  std::deque<Beat> rx_, txd_;
  std::deque<Command> cmds_;
  Bytes out_;
  std::uint64_t deadline_ = 0;
  bool running_ = false, quiescent_ = false, deadline_valid_ = false;
  std::uint8_t tag_ = 0;
};

}  // namespace tiptoe::rtl_test
