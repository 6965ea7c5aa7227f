// SPDX-License-Identifier: Apache-2.0
// Every seeded fault of the engine changes what leaves it: one scenario, played once without and once with each fault.
#include <gtest/gtest.h>

#include <cstdio>
#include <sstream>

#include "bench.hpp"
#include "tiptoe/tcp/faults.hpp"

namespace tiptoe::model {
namespace {

using tcp::Fault;
using tcp::Op;
using test::Bench;
using test::Bytes;
using test::kAck;
using test::kPsh;
using test::kRst;
using test::kSyn;
using test::Packet;

constexpr std::uint32_t kLocal0 = 0x0A000001, kLocal1 = 0x0A000005, kPeer = 0x0A000002, kOther = 0x0A000003;

/// A peer's end of one connection to the engine.
struct Peer {
  std::uint32_t address = kPeer;
  std::uint16_t port = 40000;
  std::uint32_t snd = 1000, rcv = 0;  // next octet to send, next expected
  std::uint32_t handle = 0;
};

class Scenario {
 public:
  explicit Scenario(Fault fault) : b_(parameters()) { b_.engine.set_fault(fault); }

  /// What left the engine, with times, as text.
  std::string play() {
    try {
      script();
    } catch (const std::exception& e) {
      log_ << "exception: " << e.what() << '\n';
    }
    return log_.str();
  }

 private:
  static Parameters parameters() {
    Parameters p;
    p.conns = 16;
    p.tx_buf_log2 = p.rx_buf_log2 = 11;
    return p;
  }

  void script() {
    b_.reset(kLocal0);
    b_.write(2, kLocal1);
    test::Command listen{Op::OPEN_PASSIVE};
    listen.lport = 80;
    listen.len = 8;
    const auto any = b_.call(listen).handle;
    listen.rip = kOther;
    const auto special = b_.call(listen).handle;
    listen.rip = 0;
    listen.lport = 81;
    listen.lip = kLocal1;
    b_.call(listen);
    note("listening");

    // Two connections, accepted in order; a third from another address with the first one's port.
    Peer one{kPeer, 40000}, two{kPeer, 40001}, three{kOther, 40000};
    connect(one, {2, 4, 2, 0});                  // MSS 512
    connect(two, {1, 1, 3, 3, 7, 2, 4, 1, 44});  // NOPs and an unknown option first, MSS 300
    one.handle = b_.call(Op::ACCEPT, any).handle;
    two.handle = b_.call(Op::ACCEPT, any).handle;
    connect(three, {});
    three.handle = b_.call(Op::ACCEPT, special).handle;
    log_ << one.handle << ' ' << two.handle << ' ' << three.handle << '\n';
    note("connected");
    syn({kPeer, 41000}, 81);  // no listener there, except on the second address
    note("listener of another address");

    // Text, back to back on two connections.
    text(one, 33, 1);
    text(two, 40, 2);
    settle();
    Packet padded = segment(one, kAck);
    padded.payload = pattern(5, 3);
    Bytes bytes = build(padded);
    bytes.insert(bytes.end(), 7, 0xEE);
    b_.network.push_back(bytes);
    one.snd += 5;
    settle();
    note("text in");
    // A checksum of zero.
    Packet zero = segment(one, kAck);
    zero.payload = {0, 0, 1, 2};
    bytes = build(zero);
    const std::uint32_t missing = test::get(bytes, 36, 2);
    zero.payload[0] = static_cast<std::uint8_t>(missing >> 8);
    zero.payload[1] = static_cast<std::uint8_t>(missing);
    bytes = build(zero);
    EXPECT_EQ(test::get(bytes, 36, 2), 0U);
    b_.network.push_back(bytes);
    one.snd += 4;
    settle();
    note("checksum 0");
    Packet options = segment(one, kAck);
    options.ip_options.assign(8, 1);
    options.payload = pattern(6, 4);
    b_.inject(options);
    one.snd += 6;
    settle();
    note("IP options");
    // A segment that overlaps what is there, then others.
    Packet overlap = segment(one, kAck);
    overlap.seq -= 5;
    overlap.payload = pattern(20, 5);
    b_.inject(overlap);
    one.snd += 15;
    text(two, 21, 6);
    text(one, 21, 7);
    settle();
    for (const Peer* p : {&one, &two, &three}) b_.receive(p->handle);
    settle();
    note("overlap");

    Packet old = segment(one, kAck);
    old.seq -= 100;
    old.payload = {1};
    b_.inject(old);  // draws an ACK with the window of now
    note("old octet");

    // Out: odd, with a second carry in its checksum, lost and repeated, around the end of the send buffer.
    Bytes data = pattern(301, 8);
    carry_twice(one, data);
    b_.send(one.handle, data);
    settle();
    note("text out");
    b_.advance(1'500'000);
    note("retransmission");
    acknowledge(one, 301);
    b_.send(two.handle, pattern(450, 9));
    settle();
    b_.advance(500'000);
    acknowledge(two, 450);
    b_.send(two.handle, pattern(150, 10));
    settle();
    b_.advance(900'000);
    note("timer armed again");
    b_.advance(3'000'000);
    acknowledge(two, 150);
    for (unsigned i = 0; i < 6; ++i) {
      b_.send(one.handle, pattern(400, 20 + i));
      settle();
      acknowledge(one, 400);
    }
    note("around the buffer");

    // Things that do not belong here.
    Packet stray = segment(one, kAck);
    stray.source_port = 9;
    b_.inject(stray);
    const auto spoilt = [&](void (*spoil)(Bytes&), bool fix_tcp = false) {
      Bytes x = build(stray);
      spoil(x);
      if (fix_tcp) test::fix_tcp_checksum(x);
      b_.network.push_back(x);
      settle();
    };
    const auto address = [](Bytes& x, std::size_t at, std::uint32_t v) {
      test::put(x, at, v, 4);
      test::fix_ip_checksum(x);
      test::fix_tcp_checksum(x);
    };
    spoilt([](Bytes& x) { x[36] ^= 0x55; });
    spoilt([](Bytes& x) { x[10] ^= 0x55; });
    spoilt([](Bytes& x) { x[6] = 0x20, test::fix_ip_checksum(x); });
    spoilt([](Bytes& x) { x[9] = 17, test::fix_ip_checksum(x); });
    spoilt([](Bytes& x) { x[0] = 0x65, test::fix_ip_checksum(x); });
    spoilt([](Bytes& x) { x[32] = 0x40; }, true);
    spoilt([](Bytes& x) { test::put(x, 2, 60, 2), test::fix_ip_checksum(x); });
    bytes = build(stray);
    address(bytes, 16, 0x0A000063);
    b_.network.push_back(bytes);
    bytes = build(stray);
    address(bytes, 12, 0xE0000001);
    b_.network.push_back(bytes);
    settle();
    note("strays");

    // A connection ends, its index goes to another one, and the old peer comes back.
    Packet reset = segment(two, kRst);
    b_.inject(reset);
    settle();
    note("reset");
    Peer four{kPeer, 42000};
    connect(four, {});
    note("index used again");
    two.snd += 1;
    text(two, 3, 11);
    settle();
    note("old peer");
    Packet hang;
    hang.flags = kSyn;
    hang.source_port = 43000;
    hang.options = {3, 0, 0, 0};
    b_.inject(hang);
    settle();
    note("option of length 0");
  }

  void settle() { b_.settle(20000); }

  void note(const char* what) {
    settle();
    log_ << "-- " << what << " at " << b_.in.now_us << " us\n";
    for (; !b_.sent.empty(); b_.sent.pop_front()) {
      dump("sent", b_.sent.front());
      window_ = static_cast<std::uint16_t>(test::get(b_.sent.front(), 34, 2));
    }
    for (const auto& [handle, data] : b_.received) dump("received", data);
    for (const auto& [handle, flags] : b_.events) log_ << "event " << handle << ' ' << flags << '\n';
  }
  void dump(const char* what, const Bytes& bytes) {
    log_ << what;
    for (const std::uint8_t x : bytes) {
      char hex[4];
      std::snprintf(hex, sizeof hex, " %02x", x);
      log_ << hex;
    }
    log_ << '\n';
  }
  static Bytes pattern(std::size_t n, unsigned seed) {
    test::Random random(seed);
    Bytes b(n);
    for (auto& x : b) x = static_cast<std::uint8_t>(random());
    return b;
  }

  static Packet segment(const Peer& p, std::uint8_t flags) {
    Packet s;
    s.source = p.address;
    s.source_port = p.port;
    s.flags = flags;
    s.seq = p.snd;
    s.ack = p.rcv;
    return s;
  }
  void syn(const Peer& p, std::uint16_t to, const Bytes& options = {}) {
    Packet s = segment(p, kSyn);
    s.destination_port = to;
    s.options = options;
    b_.inject(s);
    settle();
  }
  void connect(Peer& p, const Bytes& options) {
    syn(p, 80, options);
    p.snd += 1;
    if (!b_.sent.empty()) p.rcv = test::get(b_.sent.back(), 24, 4) + 1;
    b_.inject(segment(p, kAck));
    settle();
  }
  void text(Peer& p, std::size_t n, unsigned seed) {
    Packet s = segment(p, kAck);
    s.payload = pattern(n, seed);
    b_.inject(s);
    p.snd += static_cast<std::uint32_t>(n);
  }
  void acknowledge(Peer& p, std::uint32_t n) {
    p.rcv += n;
    b_.inject(segment(p, kAck));
    settle();
  }
  /// Chooses the first two octets so that the sum of the segment that will carry `data` has a second carry.
  void carry_twice(const Peer& p, Bytes& data) {
    Packet s;
    s.source = kLocal0;
    s.destination = p.address;
    s.source_port = 80;
    s.destination_port = p.port;
    s.seq = p.rcv;
    s.ack = p.snd;
    s.flags = kAck | kPsh;
    s.window = window_;
    data[0] = data[1] = 0;
    s.payload = data;
    const Bytes b = build(s);
    std::uint32_t sum = 6 + static_cast<std::uint32_t>(b.size() - 20);
    for (std::size_t i = 12; i < b.size(); ++i)
      if (i != 36 && i != 37) sum += i % 2 == 0 ? std::uint32_t{b[i]} << 8 : b[i];
    const std::uint32_t word = 0xFFFF - (sum & 0xFFFF);
    data[0] = static_cast<std::uint8_t>(word >> 8);
    data[1] = static_cast<std::uint8_t>(word);
  }

  Bench b_;
  std::ostringstream log_;
  std::uint16_t window_ = 0;  // in the last segment that was sent
};

TEST(Faults, EachOneChangesWhatLeavesTheEngine) {
  const std::string golden = Scenario(Fault::none).play();
  EXPECT_EQ(golden, Scenario(Fault::none).play());
  EXPECT_EQ(golden.find("exception"), std::string::npos) << golden.substr(golden.size() - 200);
  for (const tcp::FaultInfo& info : tcp::ENGINE_FAULTS) EXPECT_NE(Scenario(info.fault).play(), golden) << info.id;
}

}  // namespace
}  // namespace tiptoe::model
