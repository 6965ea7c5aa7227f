// SPDX-License-Identifier: Apache-2.0
// The blocks of the engine, one by one.
#include <gtest/gtest.h>

#include <functional>

#include "arbiter.hpp"
#include "cam.hpp"
#include "checksum.hpp"
#include "fifo.hpp"
#include "free_list.hpp"
#include "listen_table.hpp"
#include "notify.hpp"
#include "option_walk.hpp"
#include "output_queue.hpp"
#include "packet.hpp"
#include "registers.hpp"
#include "rx_parser.hpp"
#include "siphash.hpp"
#include "timer_block.hpp"
#include "umem.hpp"

namespace tiptoe::model {
namespace {

using test::Bytes;
using test::Packet;

// ------------------------------------------------------------------------------------------------------ FIFO

TEST(Fifo, WhatIsPushedIsVisibleInTheNextCycle) {
  Fifo<int, 2> f;
  f.push(1);
  EXPECT_TRUE(f.empty());
  f.tick();
  EXPECT_EQ(f.front(), 1);
  EXPECT_EQ(f.count(), 1U);
}

TEST(Fifo, PushAndPopMayCoincideAndFullIsTheRegisteredCount) {
  Fifo<int, 2> f;
  f.push(1);
  f.tick();
  f.push(2);
  f.tick();
  EXPECT_TRUE(f.full());
  f.pop();
  EXPECT_TRUE(f.full());
  EXPECT_EQ(f.front(), 1);
  f.tick();
  EXPECT_EQ(f.front(), 2);
  f.push(3);
  f.pop();
  f.tick();
  EXPECT_EQ(f.count(), 1U);
  EXPECT_EQ(f.front(), 3);
}

TEST(OutputQueue, HoldsAConnectionOnceButTakesItAgainWhileItIsPopped) {
  OutputQueue q(16);
  q.push(5);
  q.tick();
  q.push(5);
  q.tick();
  EXPECT_EQ(q.count(), 1U);
  q.pop();
  q.push(5);
  q.tick();
  EXPECT_EQ(q.count(), 1U);
  EXPECT_EQ(q.front(), 5U);
}

TEST(FreeList, LowestFirst) {
  FreeList f(128);
  EXPECT_EQ(f.count(), 128U);
  EXPECT_EQ(f.lowest(), 0U);
  for (unsigned i = 0; i < 100; ++i) f.take(i);
  EXPECT_EQ(f.lowest(), 100U);
  f.release(7);
  EXPECT_EQ(f.lowest(), 7U);
  EXPECT_EQ(f.count(), 29U);
}

TEST(Arbiter, RoundRobin) {
  Arbiter a;
  const auto always = [](tcp::Source) { return true; };
  EXPECT_EQ(a.grant(0b000011, always), 0);
  EXPECT_EQ(a.grant(0b000011, always), 1);
  EXPECT_EQ(a.grant(0b000011, always), 0);
  EXPECT_EQ(a.rr(), 1U);
  EXPECT_EQ(a.grant(0b100010, [](tcp::Source s) { return s == tcp::Source::OUT; }), 5);
  EXPECT_EQ(a.rr(), 0U);
  EXPECT_EQ(a.grant(0, always), Arbiter::kNobody);
}

// ------------------------------------------------------------------------------------------------------ hash

TEST(SipHash, VectorsOfThePaper) {  // Aumasson, Bernstein: key 00 01 ... 0f, message 00 01 ... of 0 to 15 bytes
  const std::array<std::uint64_t, 16> expected{
      0x726fdb47dd0e0e31, 0x74f839c593dc67fd, 0x0d6c8009d9a94f5a, 0x85676696d7fb7e2d,
      0xcf2794e0277187b7, 0x18765564cd99a68d, 0xcbc9466e58fee3ce, 0xab0200f58b01d137,
      0x93f5f5799a932462, 0x9e0082df0ba9e4b0, 0x7a5dbbc594ddb9f3, 0xf4b32f46226bada7,
      0x751e8fbc860ee5fb, 0x14ea5627c0843d90, 0xf723ca908e7af2ee, 0xa129ca6149be45e5};
  std::array<std::uint8_t, 16> message;
  for (std::size_t i = 0; i < message.size(); ++i) message[i] = static_cast<std::uint8_t>(i);
  for (std::size_t n = 0; n < expected.size(); ++n)
    EXPECT_EQ(siphash_2_4(0x0706050403020100, 0x0f0e0d0c0b0a0908, {message.data(), n}), expected[n]) << n << " bytes";
}

TEST(SipHash, IsnHashTakesTheTupleInNetworkOrder) {
  const std::array<std::uint8_t, 12> message{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12};
  EXPECT_EQ(isn_hash({0x03020100, 0x07060504, 0x0b0a0908, 0x0f0e0d0c}, 0x01020304, 0x0506, 0x0708090A, 0x0B0C),
            static_cast<std::uint32_t>(siphash_2_4(0x0706050403020100, 0x0f0e0d0c0b0a0908, message)));
}

// ------------------------------------------------------------------------------------------------------ checksum

TEST(Checksum, AgreesWithTheSlowOne) {
  test::Random random(1);
  for (int round = 0; round < 500; ++round) {
    Bytes b(random() % 2500);
    for (auto& x : b) x = round % 5 == 0 ? 0xFF : static_cast<std::uint8_t>(random());
    EXPECT_EQ(fold(word_sum(b.data(), static_cast<unsigned>(b.size()))), test::slow_sum(b, 0, b.size()));
  }
}

TEST(Checksum, SecondFold) {
  EXPECT_EQ(fold(0x1FFFF), 1);  // 0xFFFF + 1 = 0x10000 needs a second fold
  EXPECT_EQ(fold(0x1FFFF, true), 0);
}

// ------------------------------------------------------------------------------------------------------ parser

constexpr std::uint32_t kLocal = 0x0A000001;

/// Drop reason of a datagram, through the beats.
RawDescriptor through_parser(const Bytes& bytes, unsigned beat_bytes, unsigned* latency = nullptr) {
  Registers registers(14, 14);
  registers.write(1, kLocal);
  SegmentStore store;
  RxParser::RawFifo raw;
  RxParser parser(beat_bytes);
  parser.reset();
  for (std::size_t at = 0; at < bytes.size() || at == 0; at += beat_bytes) {
    Inputs in;
    const std::size_t n = std::min<std::size_t>(beat_bytes, bytes.size() - at);
    std::memcpy(in.s_axis_tdata.data(), bytes.data() + at, n);
    in.s_axis_tvalid = true;
    in.s_axis_tkeep = n == 64 ? ~0ULL : (1ULL << n) - 1;
    in.s_axis_tlast = at + n == bytes.size();
    parser.tick(in, false, registers, store, raw, {});
    raw.tick();
  }
  unsigned t = 1;
  for (; raw.empty() && t < 10; ++t) {
    parser.tick(Inputs{}, false, registers, store, raw, {});
    raw.tick();
  }
  if (latency != nullptr) *latency = t;
  EXPECT_TRUE(parser.idle());
  return parser.descriptor(raw.front());
}

struct Reason {
  tcp::Reason reason;
  const char* what;
  std::function<Bytes()> make;
};
Packet ordinary() {
  Packet p;
  p.flags = test::kAck;
  p.seq = 0x11223344;
  p.ack = 0x55667788;
  p.payload = {'h', 'e', 'l', 'l', 'o'};
  return p;
}
Bytes changed(const std::function<void(Bytes&)>& change, bool fix_tcp = true) {
  Bytes b = build(ordinary());
  change(b);
  test::fix_ip_checksum(b);
  if (fix_tcp) test::fix_tcp_checksum(b);
  return b;
}
Bytes with_packet(const std::function<void(Packet&)>& change) {
  Packet p = ordinary();
  change(p);
  return build(p);
}

const std::vector<Reason>& reasons() {
  using R = tcp::Reason;
  static const std::vector<Reason> all{
      {R::NONE, "ordinary", [] { return build(ordinary()); }},
      {R::IP_SHORT, "19 bytes",
       [] {
         auto b = build(ordinary());
         b.resize(19);
         return b;
       }},
      {R::IP_VERSION, "version 6", [] { return changed([](Bytes& b) { b[0] = 0x65; }); }},
      {R::IP_IHL, "IHL 4", [] { return changed([](Bytes& b) { b[0] = 0x44; }, false); }},
      {R::IP_IHL, "header beyond total length",
       [] {
         return changed(
             [](Bytes& b) {
               b[0] = 0x4F;
               test::put(b, 2, 45, 2);
               b.resize(60);
             },
             false);
       }},
      {R::IP_LENGTH, "one byte missing",
       [] {
         auto b = build(ordinary());
         b.pop_back();
         return b;
       }},
      {R::IP_LENGTH, "oversize", [] { return with_packet([](Packet& p) { p.payload.resize(2009); }); }},
      {R::NONE, "2048 bytes", [] { return with_packet([](Packet& p) { p.payload.assign(2008, 0xA5); }); }},
      {R::NONE, "padding",
       [] {
         auto b = build(ordinary());
         b.insert(b.end(), 19, 0xEE);
         return b;
       }},
      {R::IP_CKSUM, "bad header checksum",
       [] {
         auto b = build(ordinary());
         b[10] ^= 1;
         return b;
       }},
      {R::IP_FRAGMENT, "MF", [] { return changed([](Bytes& b) { b[6] |= 0x20; }); }},
      {R::IP_FRAGMENT, "offset", [] { return changed([](Bytes& b) { b[7] = 1; }); }},
      {R::NONE, "reserved flag", [] { return changed([](Bytes& b) { b[6] |= 0x80; }); }},
      {R::IP_PROTOCOL, "UDP", [] { return changed([](Bytes& b) { b[9] = 17; }); }},
      {R::IP_DST, "not for us", [] { return with_packet([](Packet& p) { p.destination = 0x0A000009; }); }},
      {R::IP_DST, "not for us, and a bad source, and a bad TCP checksum",
       [] {
         auto b = with_packet([](Packet& p) {
           p.destination = 0x0A000009;
           p.source = 0;
         });
         b.back() ^= 1;
         return b;
       }},
      {R::IP_SRC, "0.0.0.0", [] { return with_packet([](Packet& p) { p.source = 0; }); }},
      {R::IP_SRC, "loopback", [] { return with_packet([](Packet& p) { p.source = 0x7F000001; }); }},
      {R::IP_SRC, "multicast", [] { return with_packet([](Packet& p) { p.source = 0xE0000001; }); }},
      {R::IP_SRC, "our own", [] { return with_packet([](Packet& p) { p.source = kLocal; }); }},
      {R::TCP_SHORT, "19 bytes of TCP",
       [] {
         return changed(
             [](Bytes& b) {
               b.resize(39);
               test::put(b, 2, 39, 2);
             },
             false);
       }},
      {R::TCP_DOFF, "data offset 4", [] { return changed([](Bytes& b) { b[32] = 0x40; }); }},
      {R::TCP_DOFF, "data offset beyond the segment", [] { return changed([](Bytes& b) { b[32] = 0x70; }); }},
      {R::TCP_CKSUM, "bad TCP checksum",
       [] {
         auto b = build(ordinary());
         b.back() ^= 1;
         return b;
       }},
      {R::NONE, "odd length", [] { return with_packet([](Packet& p) { p.payload = {0xFF}; }); }},
      {R::NONE, "IP options", [] { return with_packet([](Packet& p) { p.ip_options.assign(40, 1); }); }},
  };
  return all;
}

class Parser : public testing::TestWithParam<unsigned> {};
INSTANTIATE_TEST_SUITE_P(Widths, Parser, testing::Values(8U, 16U, 32U, 64U));

TEST_P(Parser, DropReasons) {
  for (const Reason& r : reasons())
    EXPECT_EQ(static_cast<tcp::Reason>(through_parser(r.make(), GetParam()).segment.drop), r.reason) << r.what;
}

TEST_P(Parser, RawDescriptorIsAtTheHeadFourCyclesAfterTheLastBeat) {
  unsigned latency = 0;
  through_parser(build(ordinary()), GetParam(), &latency);
  EXPECT_EQ(latency, 4U);
}

TEST_P(Parser, Fields) {
  Packet p = ordinary();
  p.flags = test::kSyn | test::kUrg;
  p.window = 0x1234;
  p.urgent = 7;
  p.options = {2, 4, 5, 0xB4};
  p.ip_options = {1, 1, 1, 1};
  const RawDescriptor d = through_parser(build(p), GetParam());
  EXPECT_EQ(d.segment.drop, 0);
  EXPECT_EQ(d.segment.rip, p.source);
  EXPECT_EQ(d.segment.lip, p.destination);
  EXPECT_EQ(d.segment.rport, p.source_port);
  EXPECT_EQ(d.segment.lport, p.destination_port);
  EXPECT_EQ(d.segment.seq, p.seq);
  EXPECT_EQ(d.segment.ack, p.ack);
  EXPECT_EQ(d.segment.flags, p.flags);
  EXPECT_EQ(d.segment.wnd, p.window);
  EXPECT_EQ(d.segment.up, p.urgent);
  EXPECT_EQ(d.segment.payload_off, 48);
  EXPECT_EQ(d.segment.len, 5);
  EXPECT_EQ(d.options_length, 4);
  EXPECT_EQ(d.options[3], 0xB4);
}

TEST_P(Parser, ReadyFallsWhenTheSlotsAreUsedUpAndADatagramUnderWayGoesOn) {
  Registers registers(14, 14);
  SegmentStore store;
  RxParser::RawFifo raw;
  RxParser parser(GetParam());
  Inputs in;
  in.s_axis_tvalid = in.s_axis_tlast = true;
  in.s_axis_tkeep = 1;
  for (unsigned i = 0; i < kSlots - 1; ++i) {
    EXPECT_TRUE(parser.ready());
    parser.tick(in, false, registers, store, raw, {});
    raw.tick();
  }
  in.s_axis_tlast = false;
  parser.tick(in, false, registers, store, raw, {});
  raw.tick();
  EXPECT_EQ(parser.slots_used(), kSlots);
  EXPECT_TRUE(parser.ready());  // inside a datagram
  in.s_axis_tlast = true;
  parser.tick(in, true, registers, store, raw, {});  // its last beat, and the mover gives a slot back
  EXPECT_EQ(parser.slots_used(), kSlots - 1);
  EXPECT_TRUE(parser.ready());
}

TEST(OptionWalk, StepsAndMss) {
  struct Case {
    const char* what;
    Bytes options;
    unsigned steps;
    int mss;  // -1: none
  };
  const Case cases[] = {
      {"no options", {}, 1, -1},
      {"MSS", {2, 4, 0x05, 0xB4}, 2, 1460},
      {"NOPs first", {1, 1, 1, 1, 2, 4, 0x02, 0x18}, 6, 536},
      {"40 NOPs", Bytes(40, 1), 41, -1},
      {"end of list before MSS", {0, 0, 0, 0, 2, 4, 1, 0}, 1, -1},
      {"unknown before MSS", {254, 4, 0, 0, 2, 4, 1, 0}, 3, 256},
      {"MSS of wrong length", {2, 3, 1, 1, 2, 4, 1, 0}, 4, 256},
      {"length 0", {3, 0, 1, 1, 2, 4, 1, 0}, 1, -1},
      {"length 1", {3, 1, 1, 1, 2, 4, 1, 0}, 1, -1},
      {"length beyond the header", {1, 1, 2, 4}, 3, -1},
      {"no room for a length", {1, 1, 1, 2}, 4, -1},
      {"MSS twice", {2, 4, 1, 0, 2, 4, 2, 0}, 3, 512},
      {"length that ends at the header's end", {254, 8, 0, 0, 0, 0, 0, 0}, 2, -1},
  };
  for (const Case& c : cases) {
    std::array<std::uint8_t, 40> options;
    options.fill(2);
    std::copy(c.options.begin(), c.options.end(), options.begin());
    const OptionWalk walk = walk_options(options, static_cast<unsigned>(c.options.size()));
    EXPECT_EQ(walk.steps, c.steps) << c.what;
    EXPECT_EQ(walk.mss_valid ? int{walk.mss} : -1, c.mss) << c.what;
  }
}

// ------------------------------------------------------------------------------------------------------ tables

FourTuple tuple(unsigned i) {
  return {kLocal, 0x0A000000U + i, static_cast<std::uint16_t>(80), static_cast<std::uint16_t>(1000 + i)};
}

TEST(Cam, Parallel) {
  Cam cam(64);
  EXPECT_FALSE(cam.hashed());
  for (unsigned i = 0; i < 64; ++i) {
    EXPECT_FALSE(cam.lookup(tuple(i), 1).hit);
    EXPECT_TRUE(cam.lookup(tuple(i), 1).room);
    cam.insert(tuple(i), static_cast<std::uint16_t>(63 - i), 1);
  }
  for (unsigned i = 0; i < 64; ++i) {
    EXPECT_TRUE(cam.lookup(tuple(i), 1).hit);
    EXPECT_EQ(cam.lookup(tuple(i), 1).idx, 63 - i);
  }
  EXPECT_TRUE(cam.lookup(tuple(99), 1).room);
  cam.erase(tuple(5), 58, 1);
  EXPECT_FALSE(cam.lookup(tuple(5), 1).hit);
  auto other_port = tuple(6);
  ++other_port.rport;
  EXPECT_FALSE(cam.lookup(other_port, 1).hit);
}

TEST(Cam, HashedFillsFourWaysAndLeavesOthersAlone) {
  constexpr std::uint32_t kKey = 0x5bd1e995;
  Cam cam(128);
  EXPECT_TRUE(cam.hashed());
  std::vector<unsigned> same;  // keys of one bucket
  const unsigned bucket = cam.bucket(tuple(0), kKey);
  EXPECT_LT(bucket, 64U);
  for (unsigned i = 0; same.size() < 5; ++i)
    if (cam.bucket(tuple(i), kKey) == bucket) same.push_back(i);
  for (unsigned i = 0; i < 4; ++i) {
    EXPECT_TRUE(cam.lookup(tuple(same[i]), kKey).room);
    cam.insert(tuple(same[i]), static_cast<std::uint16_t>(i), kKey);
  }
  EXPECT_FALSE(cam.lookup(tuple(same[4]), kKey).room);
  for (unsigned i = 0; i < 4; ++i) EXPECT_EQ(cam.lookup(tuple(same[i]), kKey).idx, i);
  cam.erase(tuple(same[1]), 1, kKey);
  EXPECT_TRUE(cam.lookup(tuple(same[4]), kKey).room);
  cam.insert(tuple(same[4]), 9, kKey);
  EXPECT_EQ(cam.lookup(tuple(same[4]), kKey).idx, 9);
  EXPECT_EQ(cam.lookup(tuple(same[3]), kKey).idx, 3);
}

TEST(Cam, BucketIsThePagesFormula) {
  const FourTuple k{0x0A000001, 0xC0A80105, 80, 40000};
  const std::uint32_t rotated = 0x0A000001U << 11 | 0x0A000001U >> 21;
  const std::uint32_t x = (0xC0A80105U ^ rotated ^ (40000U << 16 | 80U) ^ 0x5bd1e995U) * 0x9E3779B1U;
  EXPECT_EQ(Cam(1024).bucket(k, 0x5bd1e995), (x ^ (x >> 15) ^ (x >> 7)) & 511U);
}

TEST(ListenTable, MostSpecificWinsLowestIndexOnATie) {
  ListenTable t(8);
  constexpr std::uint32_t kPeer = 0x0A000002;
  const FourTuple key{kLocal, kPeer, 80, 4000};
  EXPECT_FALSE(t.match(key).hit);
  t.insert(0, {0, 0, 80, 0}, 4);
  EXPECT_EQ(t.match(key).idx, 0);
  t.insert(3, {kLocal, 0, 80, 0}, 4);  // score 1
  EXPECT_EQ(t.match(key).idx, 3);
  t.insert(4, {0, 0, 80, 4000}, 4);  // 2
  EXPECT_EQ(t.match(key).idx, 4);
  t.insert(6, {0, kPeer, 80, 0}, 4);  // 4
  EXPECT_EQ(t.match(key).idx, 6);
  t.insert(5, {0, kPeer, 80, 0}, 4);  // the same score, lower index
  EXPECT_EQ(t.match(key).idx, 5);
  t.insert(7, {kLocal, kPeer, 80, 4000}, 4);  // 7
  EXPECT_EQ(t.match(key).idx, 7);
  EXPECT_FALSE(t.match({kLocal, kPeer, 81, 4000}).hit);
  EXPECT_EQ(t.lowest_free(), 1);
  EXPECT_TRUE(t.duplicate({0, 0, 80, 4000}));
  t.remove(7);
  EXPECT_EQ(t.match(key).idx, 5);
  EXPECT_FALSE(t.live(7, 0));
  EXPECT_EQ(t[7].gen, 1);
}

TEST(ListenTable, BacklogAndAcceptQueue) {
  ListenTable t(4);
  t.insert(1, {0, 0, 80, 0}, 2);
  EXPECT_TRUE(t.room(1));
  t.add_to_backlog(1, 0, 1);
  t.add_to_backlog(1, 0, 1);
  EXPECT_FALSE(t.room(1));
  t.add_to_backlog(1, 3, -1);  // another generation
  EXPECT_FALSE(t.room(1));
  EXPECT_TRUE(t.push(1, 0, 11));
  EXPECT_TRUE(t.push(1, 0, 12));
  EXPECT_EQ(t.front(1), 11);
  t.pop(1);
  EXPECT_EQ(t.front(1), 12);
  EXPECT_EQ(t[1].queued, 1);
  t.remove(1);
  EXPECT_FALSE(t.push(1, 0, 13));
}

// ------------------------------------------------------------------------------------------------------ timers

class Timers : public testing::Test {
 protected:
  static constexpr unsigned kConns = 16, kScan = 4, kGroups = kConns / kScan;
  TimerBlock timers{kConns, kScan};

  void write(unsigned idx, const tcp::Deadlines& d, std::uint64_t now) {
    timers.tick(now, true, false);
    timers.write(idx, d, {});
  }
  static tcp::Deadlines armed(tcp::Timer t, std::uint64_t at) {
    tcp::Deadlines d;
    d.arm(t, at);
    return d;
  }
};

TEST_F(Timers, ScanBecomesCleanAfterAllGroupsAndKnowsTheNextDeadline) {
  timers.reset();
  write(9, armed(tcp::Timer::KEEP, 500), 100);
  for (unsigned i = 0; i < kGroups; ++i) {
    EXPECT_FALSE(timers.clean());
    EXPECT_FALSE(timers.next_deadline_valid());
    timers.tick(100, false, false);
  }
  EXPECT_TRUE(timers.clean());
  EXPECT_TRUE(timers.asleep(499));
  EXPECT_FALSE(timers.asleep(500));
  EXPECT_EQ(timers.next_deadline(), 500U);
  EXPECT_EQ(timers.ptr(), 0U);
  timers.tick(499, false, false);
  EXPECT_EQ(timers.ptr(), 0U);  // asleep
}

TEST_F(Timers, AnExpiredDeadlineIsFoundWithinOneRound) {
  timers.reset();
  write(13, armed(tcp::Timer::WAIT, 500), 100);
  for (unsigned i = 0; i < kGroups; ++i) timers.tick(100, false, false);
  unsigned cycles = 0;
  for (; !timers.request(); ++cycles) timers.tick(600, false, false);
  EXPECT_LE(cycles, kGroups);
  EXPECT_EQ(timers.request_idx(), 13);
  EXPECT_EQ(timers.request_timer(), tcp::Timer::WAIT);
  EXPECT_FALSE(timers.clean());
  const unsigned ptr = timers.ptr();
  timers.tick(600, false, false);  // waits
  EXPECT_EQ(timers.ptr(), ptr);
  timers.tick(600, false, true);  // granted
  EXPECT_FALSE(timers.request());
}

TEST_F(Timers, LowestConnectionAndLowestTimerOfAGroup) {
  timers.reset();
  tcp::Deadlines d = armed(tcp::Timer::USER, 10);
  d.arm(tcp::Timer::DACK, 20);
  d.arm(tcp::Timer::RTX, 1000);
  write(2, d, 0);
  write(3, armed(tcp::Timer::RTX, 5), 0);
  timers.tick(50, false, false);
  EXPECT_TRUE(timers.request());
  EXPECT_EQ(timers.request_idx(), 2);
  EXPECT_EQ(timers.request_timer(), tcp::Timer::DACK);
}

TEST_F(Timers, AWriteStopsTheScanForOneCycle) {
  timers.reset();
  timers.tick(0, false, false);
  EXPECT_EQ(timers.ptr(), 1U);
  write(0, {}, 0);
  EXPECT_EQ(timers.ptr(), 1U);
  EXPECT_FALSE(timers.clean());
  for (unsigned i = 0; i < kGroups; ++i) timers.tick(0, false, false);
  EXPECT_TRUE(timers.clean());
  EXPECT_FALSE(timers.next_deadline_valid());
}

// ------------------------------------------------------------------------------------------------------ notifications

class Notifications : public testing::Test {
 protected:
  ListenTable listeners{4};
  Notify notify{16};
  int cycle(bool committing = false, bool ready = false) {
    const int freed = notify.tick(committing, ready, listeners);
    notify.tick_queue();
    return freed;
  }
  bool commit(unsigned idx, std::uint16_t flags, bool held = false, bool accepted = false, bool release = false) {
    notify.tick(true, false, listeners);
    const bool freed = notify.commit(idx, flags, 100 + idx, held, accepted, release);
    notify.tick_queue();
    return freed;
  }
};

TEST_F(Notifications, FlagsOfOneConnectionAreOred) {
  commit(3, tcp::EVT_CONNECTED);
  commit(3, tcp::EVT_READABLE);
  EXPECT_EQ(notify.count(), 1U);
  EXPECT_TRUE(notify.pending(3));
  EXPECT_FALSE(notify.valid());
  cycle(true);
  EXPECT_FALSE(notify.valid());  // not while COMMIT is valid
  cycle();
  EXPECT_TRUE(notify.valid());
  EXPECT_EQ(notify.handle(), 103U);
  EXPECT_EQ(notify.flags(), tcp::EVT_CONNECTED | tcp::EVT_READABLE);
  EXPECT_FALSE(notify.pending(3));
  cycle(false, true);
  EXPECT_FALSE(notify.valid());
  EXPECT_TRUE(notify.idle());
}

TEST_F(Notifications, HeldUntilAccepted) {
  commit(3, tcp::EVT_CONNECTED, true);
  EXPECT_EQ(notify.count(), 0U);
  commit(3, 0, false, true);
  EXPECT_EQ(notify.count(), 1U);
}

TEST_F(Notifications, ReleaseWaitsForTheLastWord) {
  EXPECT_FALSE(commit(3, tcp::EVT_CLOSED, false, false, true));
  EXPECT_EQ(cycle(), 3);
  EXPECT_TRUE(commit(4, 0, false, false, true));
  EXPECT_TRUE(commit(5, tcp::EVT_CLOSED, true, false, true));  // nobody knew of it
}

TEST_F(Notifications, ARemovedListenerHasNothingMoreToSay) {
  notify.listener_has_something(2);
  notify.listener_removed(2);
  EXPECT_TRUE(notify.idle());
}

TEST_F(Notifications, ListenersFirst) {
  listeners.insert(2, {0, 0, 80, 0}, 1);
  commit(3, tcp::EVT_CONNECTED);
  notify.listener_has_something(2);
  cycle();
  EXPECT_EQ(notify.handle(), 0x10002U);
  EXPECT_EQ(notify.flags(), tcp::EVT_ACCEPT);
}

// ------------------------------------------------------------------------------------------------------ memories,
// registers

TEST(Buffers, WrapAndCopies) {
  Buffers a(4, 11);
  Bytes data(100), back(100);
  for (std::size_t i = 0; i < data.size(); ++i) data[i] = static_cast<std::uint8_t>(i + 1);
  a.write(2, 0xFFFFFFF0, data.data(), 100);
  const Buffers copy = a;
  a.write(2, 0xFFFFFFF0, back.data(), 100);
  copy.read(2, 0xFFFFFFF0, back.data(), 100);
  EXPECT_EQ(back, data);
  copy.read(2, 2048 * 7, back.data(), 10);  // ring address 0
  EXPECT_EQ(back[0], 17);
  copy.read(3, 0, back.data(), 100);
  EXPECT_EQ(back, Bytes(100));
}

TEST(Registers, DefaultsAndLimits) {
  Registers r(14, 14);
  EXPECT_EQ(r.read(0), 0x54495031U);
  r.write(0, 1);
  EXPECT_EQ(r.read(0), 0x54495031U);
  r.write(5, 100);
  EXPECT_EQ(r.read(5), 296U);
  r.write(5, 9000);
  EXPECT_EQ(r.config().mtu, 2048U);
  r.write(6, 0x1FF);
  EXPECT_EQ(r.read(6), 0xFFU);
  r.write(0x22, 5);
  r.write(0x40, 5);
  r.write(0xFF, 5);
  EXPECT_EQ(r.read(0x22), 0U);
  EXPECT_EQ(r.read(0x40), 0U);
  EXPECT_EQ(r.read(0xFF), 0U);
  r.write(3, 0x0A000003);
  EXPECT_TRUE(r.is_local(0x0A000003));
  EXPECT_FALSE(r.is_local(0));
  // The values after reset are those that the protocol takes as its defaults.
  const tcp::Config defaults;
  EXPECT_EQ(Registers(14, 14).config().features, defaults.features);
  EXPECT_EQ(r.config().user_timeout, defaults.user_timeout);
  EXPECT_EQ(r.config().isn_key, defaults.isn_key);
}

}  // namespace
}  // namespace tiptoe::model
