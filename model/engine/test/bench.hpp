// SPDX-License-Identifier: Apache-2.0
// A bench around one engine: queues at every channel, seeded back-pressure, virtual time that jumps while quiescent,
// and the rules of valid/ready checked in every cycle.
#pragma once

#include <gtest/gtest.h>

#include <cstring>
#include <deque>
#include <map>
#include <optional>
#include <stdexcept>
#include <vector>

#include "packet.hpp"
#include "tiptoe/model/engine.hpp"
#include "tiptoe/tcp/types.hpp"

namespace tiptoe::model::test {

struct Response {
  std::uint8_t tag = 0, op = 0;
  tcp::Status status = tcp::Status::OK;
  std::uint32_t handle = 0, len = 0;
  tcp::State state = tcp::State::CLOSED;
  std::uint32_t avail = 0, room = 0;
};
struct Command {
  tcp::Op op = tcp::Op::STATUS;
  std::uint32_t handle = 0;
  std::uint8_t flags = 0;
  std::uint32_t lip = 0;
  std::uint16_t lport = 0;
  std::uint32_t rip = 0;
  std::uint16_t rport = 0;
  std::uint32_t len = 0;
};

class Bench {
 public:
  explicit Bench(const Parameters& p = Parameters(), unsigned stall_percent = 0, unsigned seed = 1)
      : engine(p), beat_(p.data_w / 8), stall_(stall_percent), random_(seed) {}

  Engine engine;
  Inputs in;
  Outputs out;  // of the last cycle
  std::uint64_t cycle = 0;
  std::deque<Bytes> network;                      // still to arrive
  std::deque<Bytes> sent;                         // by the engine, complete
  std::map<std::uint32_t, std::uint16_t> events;  // flags seen, by handle
  std::map<std::uint32_t, Bytes> received;        // rxd payload by connection handle
  std::uint64_t last_beat_in = 0;                 // cycle in which the last beat of the last datagram was accepted

  void reset(std::uint32_t local_ip = 0x0A000001) {
    in.rst = true;
    for (int i = 0; i < 3; ++i) step();
    in.rst = false;
    while (!out.cmd_ready) step();
    write(1, local_ip);
    settle();
  }
  void write(std::uint8_t address, std::uint32_t value) {
    in.reg_wr = true;
    in.reg_addr = address;
    in.reg_wdata = value;
    step();
    in.reg_wr = false;
  }
  std::uint32_t read(std::uint8_t address) {
    in.reg_addr = address;
    step();
    step();
    return out.reg_rdata;
  }

  /// One clock cycle.
  void step() {
    drive();
    const Outputs before = out;
    out = engine.eval(in);
    if (!in.rst) {
      if (cycle != 0) check_stable(before);
      transfers();
    }
    last_in_ = in;
    engine.tick();
    ++cycle;
  }
  /// Runs until nothing is left to do at this time.
  void settle(unsigned limit = 1000000) {
    for (unsigned i = 0;; ++i) {
      if (i == limit) throw std::runtime_error("the engine does not settle");
      step();
      if (out.quiescent && !taken_ && network.empty() && !in.s_axis_tvalid && txd_.empty() && !in.txd_tvalid) return;
    }
  }
  /// Lets `us` pass; the engine wakes at its deadlines.
  void advance(std::uint64_t us) {
    const std::uint64_t end = in.now_us + us;
    settle();
    while (in.now_us < end) {
      in.now_us = out.next_deadline_valid ? std::min(end, std::max(out.next_deadline, in.now_us)) : end;
      settle();
    }
  }

  Response call(const Command& c) {
    in.cmd_valid = true;
    in.cmd_op = static_cast<std::uint8_t>(c.op);
    in.cmd_tag = ++tag_;
    in.cmd_handle = c.handle;
    in.cmd_flags = c.flags;
    in.cmd_lip = c.lip;
    in.cmd_lport = c.lport;
    in.cmd_rip = c.rip;
    in.cmd_rport = c.rport;
    in.cmd_len = c.len;
    while (responses_.empty()) step();
    const Response r = responses_.front();
    responses_.pop_front();
    EXPECT_EQ(r.tag, tag_);
    EXPECT_EQ(r.op, in.cmd_op);
    return r;
  }
  Response listen(std::uint16_t port, std::uint32_t backlog = 8) {
    Command c{tcp::Op::OPEN_PASSIVE};
    c.lport = port;
    c.len = backlog;
    return call(c);
  }
  Response send(std::uint32_t handle, const Bytes& data) {
    Command c{tcp::Op::SEND, handle};
    c.len = static_cast<std::uint32_t>(data.size());
    const Response r = call(c);
    if (r.status == tcp::Status::OK)
      for (std::size_t at = 0; at < r.len; at += beat_) {
        Beat beat{};
        std::memcpy(beat.data(), data.data() + at, std::min<std::size_t>(beat_, r.len - at));
        txd_.push_back(beat);
      }
    return r;
  }
  Response receive(std::uint32_t handle, std::uint32_t max = 1U << 20) {
    Command c{tcp::Op::RECEIVE, handle};
    c.len = max;
    return call(c);
  }
  Response call(tcp::Op op, std::uint32_t handle) { return call(Command{op, handle}); }

  void inject(const Packet& p) { network.push_back(build(p)); }
  /// The next datagram that the engine has sent; its checksums must hold.
  std::optional<Packet> next() {
    if (sent.empty()) return std::nullopt;
    const Bytes b = sent.front();
    sent.pop_front();
    EXPECT_TRUE(checksums_hold(b));
    return parse(b);
  }

 private:
  bool stalled() { return stall_ != 0 && random_() % 100 < stall_; }

  void drive() {
    if (!in.s_axis_tvalid && !network.empty() && !stalled()) {
      const Bytes& b = network.front();
      const std::size_t n = std::min<std::size_t>(beat_, b.size() - at_);
      in.s_axis_tdata = {};
      std::memcpy(in.s_axis_tdata.data(), b.data() + at_, n);
      in.s_axis_tkeep = n == 64 ? ~0ULL : (1ULL << n) - 1;
      in.s_axis_tlast = at_ + n == b.size();
      in.s_axis_tvalid = true;
    }
    if (!in.txd_tvalid && !txd_.empty() && !stalled()) {
      in.txd_tdata = txd_.front();
      in.txd_tvalid = true;
      txd_.pop_front();
    }
    in.m_axis_tready = !stalled();
    in.rsp_ready = !stalled();
    in.evt_ready = !stalled();
    in.rxd_tready = !stalled();
  }

  void transfers() {
    if (in.s_axis_tvalid && out.s_axis_tready) {
      at_ += beat_;
      if (in.s_axis_tlast) {
        network.pop_front();
        at_ = 0;
        last_beat_in = cycle;
      }
      s_taken_ = true;
    }
    if (in.cmd_valid && out.cmd_ready) cmd_taken_ = true;
    if (in.txd_tvalid && out.txd_tready) txd_taken_ = true;
    if (out.m_axis_tvalid && in.m_axis_tready) {
      append(current_, out.m_axis_tdata, out.m_axis_tkeep, out.m_axis_tlast);
      if (out.m_axis_tlast) {
        sent.push_back(std::move(current_));
        current_.clear();
      }
    }
    if (out.rxd_tvalid && in.rxd_tready) append(received[out.rxd_handle], out.rxd_tdata, out.rxd_tkeep, out.rxd_tlast);
    if (out.rsp_valid && in.rsp_ready)
      responses_.push_back({out.rsp_tag, out.rsp_op, static_cast<tcp::Status>(out.rsp_status), out.rsp_handle,
                            out.rsp_len, static_cast<tcp::State>(out.rsp_state), out.rsp_avail, out.rsp_room});
    if (out.evt_valid && in.evt_ready) events[out.evt_handle] |= out.evt_flags;
    // What was taken in this cycle is withdrawn for the next.
    next_in_ = in;
    if (s_taken_) next_in_.s_axis_tvalid = false;
    if (cmd_taken_) next_in_.cmd_valid = false;
    if (txd_taken_) next_in_.txd_tvalid = false;
    taken_ = s_taken_ || cmd_taken_ || txd_taken_;  // quiescent does not know of it yet
    s_taken_ = cmd_taken_ = txd_taken_ = false;
    in = next_in_;
  }

  void append(Bytes& to, const Beat& beat, std::uint64_t keep, bool last) const {
    const auto n = static_cast<unsigned>(__builtin_popcountll(keep));
    EXPECT_EQ(keep, n == 64 ? ~0ULL : (1ULL << n) - 1);
    if (!last) {
      EXPECT_EQ(n, beat_);
    }
    std::array<std::uint8_t, 64> bytes;
    std::memcpy(bytes.data(), beat.data(), 64);
    to.insert(to.end(), bytes.begin(), bytes.begin() + n);
    for (unsigned i = n; i < 64; ++i) EXPECT_EQ(bytes[i], 0) << "unused byte " << i;
  }

  /// Once raised, valid and its payload stay until the transfer.
  void check_stable(const Outputs& b) const {
    if (last_in_.rst) return;
    const auto implies = [](bool waiting, bool unchanged) { EXPECT_TRUE(!waiting || unchanged); };
    implies(b.m_axis_tvalid && !last_in_.m_axis_tready, out.m_axis_tvalid && out.m_axis_tdata == b.m_axis_tdata &&
                                                            out.m_axis_tkeep == b.m_axis_tkeep &&
                                                            out.m_axis_tlast == b.m_axis_tlast);
    implies(b.rsp_valid && !last_in_.rsp_ready,
            out.rsp_valid && out.rsp_tag == b.rsp_tag && out.rsp_len == b.rsp_len && out.rsp_avail == b.rsp_avail);
    implies(b.evt_valid && !last_in_.evt_ready,
            out.evt_valid && out.evt_handle == b.evt_handle && out.evt_flags == b.evt_flags);
    implies(b.rxd_tvalid && !last_in_.rxd_tready,
            out.rxd_tvalid && out.rxd_tdata == b.rxd_tdata && out.rxd_tlast == b.rxd_tlast);
    implies(out.prb.ret_valid && b.prb.ret_valid, out.prb.ret_order == b.prb.ret_order + 1);
  }

  unsigned beat_, stall_;
  Random random_;
  Inputs last_in_, next_in_;
  bool taken_ = false, s_taken_ = false, cmd_taken_ = false, txd_taken_ = false;
  std::size_t at_ = 0;
  Bytes current_;
  std::deque<Beat> txd_;
  std::deque<Response> responses_;
  std::uint8_t tag_ = 0;
};

}  // namespace tiptoe::model::test
