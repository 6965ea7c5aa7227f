// SPDX-License-Identifier: Apache-2.0
// The whole engine at its pins.
#include <gtest/gtest.h>

#include <chrono>
#include <cstdio>
#include <thread>
#include <tuple>

#include "bench.hpp"
#include "tiptoe/tcp/faults.hpp"

namespace tiptoe::model {
namespace {

using tcp::Op;
using tcp::State;
using tcp::Status;
using test::Bench;
using test::Bytes;
using test::kAck;
using test::kFin;
using test::kRst;
using test::kSyn;
using test::Packet;

constexpr std::uint32_t kEngine = 0x0A000001, kPeer = 0x0A000002;

Parameters small(unsigned data_w = 64) {
  Parameters p;
  p.data_w = data_w;
  p.conns = 16;
  p.listeners = 4;
  return p;
}

Bytes pattern(std::size_t n, unsigned seed) {
  test::Random random(seed);
  Bytes b(n);
  for (auto& x : b) x = static_cast<std::uint8_t>(random());
  return b;
}

// ------------------------------------------------------------------------------------------------------ parameters

TEST(Engine, RefusesIllegalParametersWithTheReason) {
  const auto refused = [](auto change) {
    Parameters p;
    change(p);
    EXPECT_NE(why_illegal(p), nullptr);
    EXPECT_THROW(Engine{p}, std::invalid_argument);
  };
  EXPECT_EQ(why_illegal(Parameters()), nullptr);
  refused([](Parameters& p) { p.data_w = 32; });
  refused([](Parameters& p) { p.conns = 48; });
  refused([](Parameters& p) { p.conns = 2048; });
  refused([](Parameters& p) { p.listeners = 2; });
  refused([](Parameters& p) { p.tx_buf_log2 = 10; });
  refused([](Parameters& p) { p.rx_buf_log2 = 17; });
  refused([](Parameters& p) { p.timer_scan = 3; });
  refused([](Parameters& p) {
    p.conns = 16;
    p.timer_scan = 8;
  });
  Parameters largest;
  largest.conns = 1024;
  largest.tx_buf_log2 = largest.rx_buf_log2 = 16;
  EXPECT_EQ(why_illegal(largest), nullptr);
}

// ------------------------------------------------------------------------------------------------------ reset

TEST(Engine, InitialisesForOneCyclePerConnection) {
  Engine e(small());
  Inputs in;
  in.rst = true;
  e.eval(in);
  e.tick();
  in.rst = false;
  for (unsigned i = 0; i < 16; ++i) {
    const Outputs& out = e.eval(in);
    EXPECT_FALSE(out.cmd_ready || out.s_axis_tready || out.quiescent) << i;
    e.tick();
  }
  EXPECT_TRUE(e.eval(in).cmd_ready);
  EXPECT_TRUE(e.eval(in).s_axis_tready);
  for (unsigned i = 0; i < 4; ++i) {  // G = 16 / 4 groups of the timer scan
    EXPECT_FALSE(e.eval(in).quiescent);
    e.tick();
  }
  EXPECT_TRUE(e.eval(in).quiescent);
  EXPECT_TRUE(e.eval(in).prb.scan_clean);
  EXPECT_FALSE(e.eval(in).next_deadline_valid);
  EXPECT_EQ(e.eval(in).prb.free_count, 16);
  in.rst = true;
  EXPECT_FALSE(e.eval(in).cmd_ready);
  in.rst = false;
  EXPECT_TRUE(e.eval(in).cmd_ready);
}

TEST(Engine, RegisterReadTakesOneCycle) {
  Bench b(small());
  b.reset();
  b.in.reg_addr = 1;
  b.step();
  b.in.reg_addr = 0;
  b.step();
  EXPECT_EQ(b.out.reg_rdata, kEngine);
  b.step();
  EXPECT_EQ(b.out.reg_rdata, 0x54495031U);
}

// ------------------------------------------------------------------------------------------------------ cycle by cycle

/// Runs until an event retires; its COMMIT cycle.
std::uint64_t commit_cycle(Bench& b, unsigned limit = 200) {
  for (unsigned i = 0; i < limit; ++i) {
    b.step();
    if (b.out.prb.ret_valid) return b.cycle - 1;
  }
  ADD_FAILURE() << "nothing retires";
  return 0;
}

TEST(Cycles, DroppedDatagram) {
  Bench b(small());
  b.reset();
  Packet p;
  p.destination = 0x01020304;
  b.inject(p);
  const auto commit = commit_cycle(b);
  // t: last beat; t+4 at the raw FIFO's head; READY and grant in t+5; COMMIT in t+10
  EXPECT_EQ(commit, b.last_beat_in + 10);
  EXPECT_EQ(b.out.prb.ret_reason, 8);
  EXPECT_FALSE(b.out.prb.ret_has_conn);
  EXPECT_EQ(b.out.prb.slots_used, 1);
  b.step();  // the mover releases the slot
  EXPECT_EQ(b.out.prb.slots_used, 1);
  b.step();
  EXPECT_EQ(b.out.prb.slots_used, 0);
  EXPECT_EQ(b.read(0x58), 1U);
}

TEST(Cycles, SegmentWithoutConnectionAndItsReset) {
  Bench b(small());
  b.reset();
  Packet p;
  p.flags = kAck;
  p.ack = 77;
  b.inject(p);
  const auto commit = commit_cycle(b);
  // t+4 lookup, t+5 WAIT, t+6 READY and grant
  EXPECT_EQ(commit, b.last_beat_in + 11);
  EXPECT_EQ(b.out.prb.ret_reason, 17);
  EXPECT_TRUE(b.out.prb.ret_tx);
  // COMMIT in c, popped in c+1, SUM in c+2, first beat in c+3
  while (!b.out.m_axis_tvalid) b.step();
  EXPECT_EQ(b.cycle - 1, commit + 3);
  b.settle();
  const auto rst = b.next();
  ASSERT_TRUE(rst);
  EXPECT_EQ(rst->flags, kRst);
  EXPECT_EQ(rst->seq, 77U);
  EXPECT_EQ(rst->destination, kPeer);
  EXPECT_EQ(rst->destination_port, 40000);
}

TEST(Cycles, SynWaitsForItsHash) {
  Bench b(small());
  b.reset();
  ASSERT_EQ(b.listen(80).status, Status::OK);
  b.settle();
  Packet p;
  p.flags = kSyn;
  b.inject(p);
  const auto commit = commit_cycle(b);
  EXPECT_EQ(commit, b.last_beat_in + 4 + 10 + 5);
  EXPECT_TRUE(b.out.prb.ret_has_conn);
}

TEST(Cycles, FortyNops) {
  Bench b(small());
  b.reset();
  ASSERT_EQ(b.listen(80).status, Status::OK);
  b.settle();
  Packet p;
  p.flags = kSyn;
  p.options.assign(40, 1);
  b.inject(p);
  // 41 deciding cycles h+1 ... h+41, the register shows it in h+42
  const auto commit = commit_cycle(b);
  EXPECT_EQ(commit, b.last_beat_in + 4 + 42 + 5);
}

TEST(Cycles, Commands) {
  Bench b(small());
  b.reset();
  const auto from_transfer_to_commit = [&](const test::Command& c) {
    b.settle();
    b.in.cmd_valid = true;
    b.in.cmd_op = static_cast<std::uint8_t>(c.op);
    b.in.cmd_handle = c.handle;
    b.in.cmd_lport = c.lport;
    b.in.cmd_rip = c.rip;
    b.in.cmd_rport = c.rport;
    const std::uint64_t transfer = b.cycle;  // cmd_ready is high
    const std::uint64_t commit = commit_cycle(b);
    EXPECT_EQ(b.out.prb.ret_kind, 2);
    EXPECT_FALSE(b.out.rsp_valid);
    b.step();
    EXPECT_TRUE(b.out.rsp_valid);
    return commit - transfer;
  };
  EXPECT_EQ(from_transfer_to_commit({Op::STATUS, 5}), 2U + 5U);
  EXPECT_EQ(from_transfer_to_commit({Op::OPEN_PASSIVE, 0, 0, 0, 80}), 2U + 5U);
  EXPECT_EQ(from_transfer_to_commit({Op::ACCEPT, 0x10000}), 2U + 5U);
  EXPECT_EQ(from_transfer_to_commit({Op::OPEN_ACTIVE, 0, 0, 0, 80, 0, 99}), 2U + 5U);  // remote unspecified
  EXPECT_EQ(from_transfer_to_commit({Op::OPEN_ACTIVE, 0, 0, 0, 90, kPeer, 99}), 11U + 5U);
}

TEST(Cycles, OneDatagramPerThreeCyclesThroughTheHead) {
  Bench b(small(512));
  b.reset();
  for (int i = 0; i < 8; ++i) {
    Packet p;
    p.flags = kRst;
    p.source_port = static_cast<std::uint16_t>(1000 + i);
    b.inject(p);
  }
  std::vector<std::uint64_t> commits;
  while (commits.size() < 8) commits.push_back(commit_cycle(b));
  for (std::size_t i = 1; i < commits.size(); ++i) EXPECT_EQ(commits[i] - commits[i - 1], 3U);
}

// ------------------------------------------------------------------------------------------------------ smoke

struct Setup {
  unsigned data_w, conns, stall, loss;
};
std::string setup_name(const testing::TestParamInfo<Setup>& info) {
  return "w" + std::to_string(info.param.data_w) + "_c" + std::to_string(info.param.conns) + "_stall" +
         std::to_string(info.param.stall) + "_loss" + std::to_string(info.param.loss);
}
class Smoke : public testing::TestWithParam<Setup> {
 protected:
  Parameters parameters() const {
    Parameters p;
    p.data_w = GetParam().data_w;
    p.conns = GetParam().conns;
    p.tx_buf_log2 = p.rx_buf_log2 = 12;
    return p;
  }
};
INSTANTIATE_TEST_SUITE_P(Widths, Smoke,
                         testing::Values(Setup{64, 16, 0, 0}, Setup{64, 64, 30, 0}, Setup{64, 256, 50, 5},
                                         Setup{128, 32, 0, 0}, Setup{128, 64, 40, 5}, Setup{256, 64, 0, 5},
                                         Setup{256, 128, 60, 0}, Setup{512, 16, 0, 0}, Setup{512, 64, 30, 5},
                                         Setup{512, 1024, 80, 0}),
                         setup_name);

TEST_P(Smoke, PassiveOpenDataBothWaysClose) {
  Bench b(parameters(), GetParam().stall, 7);
  b.reset();
  const auto listener = b.listen(80);
  ASSERT_EQ(listener.status, Status::OK);
  EXPECT_TRUE(tcp::is_listener(listener.handle));

  Packet p;
  p.flags = kSyn;
  p.seq = 0xFFFFFFF0;
  p.options = {2, 4, 5, 0xB4};
  b.inject(p);
  b.settle();
  auto s = b.next();
  ASSERT_TRUE(s);
  EXPECT_EQ(s->flags, kSyn | kAck);
  EXPECT_EQ(s->ack, 0xFFFFFFF1);
  EXPECT_EQ(s->options, (Bytes{2, 4, 5, 0xB4}));
  const std::uint32_t iss = s->seq;

  p.flags = kAck;
  p.seq = 0xFFFFFFF1;
  p.ack = iss + 1;
  p.options.clear();
  b.inject(p);
  b.settle();
  EXPECT_FALSE(b.next());
  EXPECT_EQ(b.events[listener.handle], tcp::EVT_ACCEPT);
  const auto accepted = b.call(Op::ACCEPT, listener.handle);
  ASSERT_EQ(accepted.status, Status::OK);
  EXPECT_EQ(accepted.state, State::ESTABLISHED);
  const std::uint32_t c = accepted.handle;
  b.settle();
  EXPECT_EQ(b.events[c], tcp::EVT_CONNECTED);
  EXPECT_EQ(b.read(0x44), 1U);  // CurrEstab

  // In: across the wrap of the sequence numbers, out of order.
  const Bytes text = pattern(77, 3);
  Packet second = p;
  second.seq += 33;
  second.payload.assign(text.begin() + 33, text.end());
  b.inject(second);
  b.settle();
  s = b.next();
  ASSERT_TRUE(s);
  EXPECT_EQ(s->ack, p.seq);  // duplicate ACK
  Packet first = p;
  first.payload.assign(text.begin(), text.begin() + 33);
  b.inject(first);
  b.settle();
  s = b.next();
  ASSERT_TRUE(s);
  EXPECT_EQ(s->ack, p.seq + 77);
  const auto got = b.receive(c);
  EXPECT_EQ(got.len, 77U);
  b.settle();
  EXPECT_EQ(b.received[c], text);
  p.seq += 77;

  // Out.
  const Bytes answer = pattern(1000, 4);
  EXPECT_EQ(b.send(c, answer).len, 1000U);
  b.settle();
  s = b.next();
  ASSERT_TRUE(s);
  EXPECT_EQ(s->payload, answer);
  EXPECT_EQ(s->seq, iss + 1);
  EXPECT_NE(s->flags & test::kPsh, 0);
  b.advance(1'500'000);  // it is lost
  s = b.next();
  ASSERT_TRUE(s);
  EXPECT_EQ(s->payload, answer);
  p.ack += 1000;
  b.inject(p);
  b.settle();
  EXPECT_NE(b.events[c] & tcp::EVT_SPACE, 0);

  // Close.
  EXPECT_EQ(b.call(Op::CLOSE, c).status, Status::OK);
  b.settle();
  s = b.next();
  ASSERT_TRUE(s);
  EXPECT_EQ(s->flags, kFin | kAck);
  p.ack += 1;
  p.flags = kFin | kAck;
  b.inject(p);
  b.settle();
  s = b.next();
  ASSERT_TRUE(s);
  EXPECT_EQ(s->ack, p.seq + 1);
  EXPECT_NE(b.events[c] & tcp::EVT_CLOSED, 0);
  EXPECT_EQ(b.engine.record(tcp::connection_index(c)).state, State::TIME_WAIT);
  b.advance(239'000'000);
  EXPECT_EQ(b.out.prb.free_count, GetParam().conns - 1);
  b.advance(2'000'000);
  EXPECT_EQ(b.out.prb.free_count, GetParam().conns);
  EXPECT_FALSE(b.next());
  EXPECT_EQ(b.call(Op::STATUS, c).status, Status::NO_CONNECTION);
}

/// Two engines talk to each other.
class Pair {
 public:
  Pair(const Parameters& p, unsigned stall, unsigned loss)
      : a(p, stall, 11), b(p, stall, 12), loss_(loss), random_(13) {
    a.reset(kEngine);
    b.reset(kPeer);
  }
  Bench a, b;

  /// Exchanges datagrams until there are none.
  void settle() {
    for (;;) {
      a.settle();
      b.settle();
      if (a.sent.empty() && b.sent.empty()) return;
      move(a, b);
      move(b, a);
    }
  }
  void advance(std::uint64_t us) {
    const std::uint64_t end = a.in.now_us + us;
    settle();
    while (a.in.now_us < end) {
      std::uint64_t next = end;
      for (const Bench* bench : {&a, &b})
        if (bench->out.next_deadline_valid) next = std::min(next, bench->out.next_deadline);
      next = std::max(next, a.in.now_us);
      a.in.now_us = b.in.now_us = next;
      settle();
    }
  }

 private:
  void move(Bench& from, Bench& to) {
    for (; !from.sent.empty(); from.sent.pop_front()) {
      EXPECT_TRUE(test::checksums_hold(from.sent.front()));
      if (loss_ == 0 || random_() % 100 >= loss_) to.network.push_back(from.sent.front());
    }
  }
  unsigned loss_;
  test::Random random_;
};

TEST_P(Smoke, TwoEnginesExchangeData) {
  Pair pair(parameters(), GetParam().stall, GetParam().loss);
  Bench &a = pair.a, &b = pair.b;
  const auto listener = b.listen(80).handle;
  constexpr unsigned kConnections = 3;
  std::vector<std::uint32_t> at_a, at_b;
  for (unsigned i = 0; i < kConnections; ++i) {
    test::Command open{Op::OPEN_ACTIVE};
    open.lport = static_cast<std::uint16_t>(5000 + i);
    open.rip = kPeer;
    open.rport = 80;
    const auto r = a.call(open);
    ASSERT_EQ(r.status, Status::OK);
    at_a.push_back(r.handle);
    EXPECT_EQ(a.call(open).status, Status::EXISTS);
    for (;;) {
      pair.settle();
      const auto accepted = b.call(Op::ACCEPT, listener);
      if (accepted.status == Status::OK) {
        at_b.push_back(accepted.handle);
        break;
      }
      ASSERT_EQ(accepted.status, Status::WOULD_BLOCK);
      pair.advance(1'000'000);
      ASSERT_LT(a.in.now_us, 100'000'000U);
    }
  }
  std::vector<Bytes> to_b, to_a;
  std::vector<std::size_t> done_a(kConnections), done_b(kConnections);
  for (unsigned i = 0; i < kConnections; ++i) {
    to_b.push_back(pattern(20000 + 777 * i, 20 + i));
    to_a.push_back(pattern(9001 + 13 * i, 30 + i));
  }
  test::Random random(5);
  const auto push = [&](Bench& bench, std::uint32_t handle, const Bytes& data, std::size_t& done) {
    if (done == data.size()) return;
    const std::size_t n = std::min<std::size_t>(1 + random() % 3000, data.size() - done);
    const auto from = data.begin() + static_cast<std::ptrdiff_t>(done);
    const auto r = bench.send(handle, Bytes(from, from + static_cast<std::ptrdiff_t>(n)));
    if (r.status == Status::OK) done += r.len;
  };
  for (bool more = true; more;) {
    more = false;
    for (unsigned i = 0; i < kConnections; ++i) {
      push(a, at_a[i], to_b[i], done_a[i]);
      push(b, at_b[i], to_a[i], done_b[i]);
      a.receive(at_a[i], 1 + random() % 4000);
      b.receive(at_b[i], 1 + random() % 4000);
      more |=
          a.received[at_a[i] & 0xFFFF].size() < to_a[i].size() || b.received[at_b[i] & 0xFFFF].size() < to_b[i].size();
    }
    pair.advance(random() % 3 == 0 ? 300'000 : 0);
    ASSERT_LT(a.in.now_us, 2'000'000'000U);
  }
  for (unsigned i = 0; i < kConnections; ++i) {
    EXPECT_EQ(a.received[at_a[i]], to_a[i]);
    EXPECT_EQ(b.received[at_b[i]], to_b[i]);
    EXPECT_EQ(a.call(Op::CLOSE, at_a[i]).status, Status::OK);
  }
  pair.advance(5'000'000);
  for (unsigned i = 0; i < kConnections; ++i) EXPECT_EQ(b.call(Op::CLOSE, at_b[i]).status, Status::OK);
  pair.advance(400'000'000);
  EXPECT_EQ(a.out.prb.free_count, GetParam().conns);
  EXPECT_EQ(b.out.prb.free_count, GetParam().conns);
  EXPECT_TRUE(a.out.quiescent && b.out.quiescent);
  EXPECT_EQ(a.read(0x44), 0U);
}

// ------------------------------------------------------------------------------------------------------ snapshots,
// threads

TEST(Engine, ASnapshotGoesOnLikeTheOriginal) {
  Bench b(small(128));
  b.reset();
  b.listen(80);
  Packet p;
  p.flags = kSyn;
  b.inject(p);
  for (int i = 0; i < 20; ++i) b.step();
  Bench copy = b;
  b.advance(10'000'000);
  const auto sent = b.sent;
  EXPECT_GT(sent.size(), 2U);  // SYN,ACK and its repetitions
  copy.advance(10'000'000);
  EXPECT_EQ(copy.sent, sent);
  EXPECT_EQ(copy.cycle, b.cycle);
}

TEST(Engine, InstancesInThreadsAreIndependent) {
  std::vector<std::deque<Bytes>> results(3);
  std::vector<std::thread> threads;
  threads.reserve(results.size());
  for (auto& result : results)
    threads.emplace_back([&result] {
      Bench b(small(), 30, 3);
      b.reset();
      b.listen(80);
      for (int i = 0; i < 50; ++i) {
        Packet p;
        p.flags = kSyn;
        p.source_port = static_cast<std::uint16_t>(i);
        b.inject(p);
      }
      b.advance(3'000'000);
      result = b.sent;
    });
  for (auto& t : threads) t.join();
  EXPECT_FALSE(results[0].empty());
  EXPECT_EQ(results[0], results[1]);
  EXPECT_EQ(results[0], results[2]);
}

// ------------------------------------------------------------------------------------------------------ robustness

TEST(Engine, RandomDatagramsNeverStopIt) {
  for (const unsigned width : {64U, 512U}) {
    Bench b(small(width), 20, width);
    b.reset();
    b.listen(80);
    test::Random random(width);
    for (int i = 0; i < 2000; ++i) {
      Packet p;
      p.flags = static_cast<std::uint8_t>(random());
      p.seq = random();
      p.ack = random();
      p.source_port = static_cast<std::uint16_t>(random() % 8);
      p.options = pattern(random() % 41, random());
      p.payload = pattern(random() % 200, random());
      Bytes bytes = build(p);
      if (random() % 4 == 0) bytes[random() % bytes.size()] ^= static_cast<std::uint8_t>(1U << random() % 8);
      if (random() % 16 == 0) bytes.resize(1 + random() % bytes.size());
      b.network.push_back(bytes);
    }
    b.settle();
    EXPECT_TRUE(b.out.s_axis_tready);
    EXPECT_EQ(b.out.prb.slots_used, 0);
    while (b.next()) {
    }
  }
}

TEST(Engine, RandomCommandsAlwaysGetAnAnswer) {
  Bench b(small(), 20, 9);
  b.reset();
  test::Random random(9);
  for (int i = 0; i < 3000; ++i) {
    test::Command c;
    c.op = static_cast<Op>(random() % 16);
    c.handle = random() % 2 == 0 ? random() & 0x1FFFF : (random() & 0x100FF);
    c.flags = static_cast<std::uint8_t>(random() & 0xF);
    c.lip = random() % 3 == 0 ? kEngine : 0;
    c.lport = static_cast<std::uint16_t>(random() % 4);
    c.rip = random() % 3 == 0 ? 0 : kPeer;
    c.rport = static_cast<std::uint16_t>(random() % 4);
    c.len = random() % 5;
    if (c.op == Op::SEND) {
      b.send(c.handle, Bytes(c.len));
    } else {
      b.call(c);
    }
  }
  b.advance(1'000'000'000);
}

// ------------------------------------------------------------------------------------------------------ seeded faults

TEST(Faults, AZeroLengthOptionHangsTheHead) {
  for (const bool faulty : {false, true}) {
    Bench b(small());
    if (faulty) b.engine.set_fault(tcp::Fault::engine_option_len0_hang);
    b.reset();
    b.listen(80);
    Packet p;
    p.flags = kSyn;
    p.options = {3, 0, 0, 0};
    b.inject(p);
    if (faulty) {
      EXPECT_THROW(b.settle(10000), std::runtime_error);
    } else {
      EXPECT_NO_THROW(b.settle(10000));
    }
  }
}

TEST(Faults, DropChecksThatAreLeftOut) {
  struct Case {
    tcp::Fault fault;
    void (*spoil)(Bytes&);
  };
  const Case cases[] = {
      {tcp::Fault::engine_csum_not_verified_tcp, [](Bytes& b) { b[36] ^= 0x55; }},
      {tcp::Fault::engine_csum_not_verified_ip, [](Bytes& b) { b[10] ^= 0x55; }},
      {tcp::Fault::engine_fragment_accepted,
       [](Bytes& b) {
         b[6] = 0x20;
         test::fix_ip_checksum(b);
       }},
      {tcp::Fault::engine_wrong_protocol_accepted,
       [](Bytes& b) {
         b[9] = 17;
         test::fix_ip_checksum(b);
       }},
      {tcp::Fault::engine_bad_version_accepted,
       [](Bytes& b) {
         b[0] = 0x55;
         test::fix_ip_checksum(b);
       }},
      {tcp::Fault::engine_short_doff_accepted,
       [](Bytes& b) {
         b[32] = 0x40;
         test::fix_tcp_checksum(b);
       }},
      {tcp::Fault::engine_truncated_accepted,
       [](Bytes& b) {
         test::put(b, 2, 60, 2);
         test::fix_ip_checksum(b);
       }},
      {tcp::Fault::engine_wrong_dst_accepted,
       [](Bytes& b) {
         b[19] = 9;
         test::fix_ip_checksum(b);
         test::fix_tcp_checksum(b);
       }},
      {tcp::Fault::engine_bad_src_accepted,
       [](Bytes& b) {
         b[12] = 0xEF;
         test::fix_ip_checksum(b);
         test::fix_tcp_checksum(b);
       }},
  };
  for (const Case& c : cases)
    for (const bool faulty : {false, true}) {
      Bench b(small());
      if (faulty) b.engine.set_fault(c.fault);
      b.reset();
      Packet p;
      p.flags = kAck;
      Bytes bytes = build(p);
      c.spoil(bytes);
      b.network.push_back(bytes);
      b.settle();
      EXPECT_EQ(b.sent.size(), faulty ? 1U : 0U) << tcp::fault_info(c.fault)->id;
    }
}

// ------------------------------------------------------------------------------------------------------ speed

/// Not a test of anything: prints what the model does per second on this machine.
TEST(Speed, Print) {
  using Clock = std::chrono::steady_clock;
  const auto rate = [](std::uint64_t cycles, Clock::time_point from) {
    return static_cast<double>(cycles) / std::chrono::duration<double>(Clock::now() - from).count() / 1e6;
  };
  {
    Engine e;
    Inputs in;
    in.rst = true;
    e.eval(in);
    e.tick();
    in.rst = false;
    for (int i = 0; i < 200; ++i) {
      e.eval(in);
      e.tick();
    }
    const auto from = Clock::now();
    constexpr std::uint64_t kCycles = 5'000'000;
    bool quiescent = true;
    for (std::uint64_t i = 0; i < kCycles; ++i) {
      in.now_us = i >> 8;
      quiescent &= e.eval(in).quiescent;
      e.tick();
    }
    EXPECT_TRUE(quiescent);
    std::printf("idle:                %6.2f M cycles/s\n", rate(kCycles, from));
  }
  for (const unsigned width : {64U, 512U}) {
    Parameters p;
    p.data_w = width;
    // One connection; the peer sends 512-byte segments back to back in a ring of ready-made datagrams that are all
    // accepted as duplicates or in order; every one of them is answered.
    Bench b(p);
    b.reset();
    const auto listener = b.listen(80).handle;
    Packet syn;
    syn.flags = kSyn;
    syn.seq = 999;
    b.inject(syn);
    b.settle();
    const auto answer = b.next();
    ASSERT_TRUE(answer);
    Packet data;
    data.flags = kAck;
    data.seq = 1000;
    data.ack = answer->seq + 1;
    b.inject(data);
    b.settle();
    const auto c = b.call(Op::ACCEPT, listener).handle;
    ASSERT_EQ(b.call(Op::STATUS, c).status, Status::OK);
    data.payload = pattern(512, 1);
    const Bytes bytes = build(data);
    const unsigned beat = width / 8;
    Engine& e = b.engine;
    Inputs in = b.in;
    in.m_axis_tready = in.rsp_ready = in.evt_ready = in.rxd_tready = true;
    std::size_t at = 0;
    const auto from = Clock::now();
    constexpr std::uint64_t kCycles = 1'000'000;
    std::uint64_t datagrams = 0;
    for (std::uint64_t i = 0; i < kCycles; ++i) {
      const std::size_t n = std::min<std::size_t>(beat, bytes.size() - at);
      std::memcpy(in.s_axis_tdata.data(), bytes.data() + at, n);
      in.s_axis_tkeep = n == 64 ? ~0ULL : (1ULL << n) - 1;
      in.s_axis_tlast = at + n == bytes.size();
      in.s_axis_tvalid = true;
      if (e.eval(in).s_axis_tready) {
        at += n;
        if (in.s_axis_tlast) {
          at = 0;
          ++datagrams;
        }
      }
      e.tick();
    }
    std::printf("%3u bit, 552-byte datagrams: %6.2f M cycles/s, %.0f k datagrams\n", width, rate(kCycles, from),
                static_cast<double>(datagrams) / 1e3);
  }
}

}  // namespace
}  // namespace tiptoe::model
