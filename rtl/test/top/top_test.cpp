// SPDX-License-Identifier: Apache-2.0
// The engine as a whole: enough of every path to see that the blocks are connected as the pages say. What TCP must do
// in every state is the business of conformance/.
#include "top_bench.hpp"

#include <array>
#include <cstdlib>
#include <map>
#include <random>

namespace tiptoe::rtl_test {
namespace {

constexpr std::uint32_t kLocal = 0x0a000001, kPeer = 0x0a000002;

Bytes pattern(std::size_t n, unsigned seed = 1) {
  Bytes b(n);
  for (std::size_t i = 0; i < n; ++i) b[i] = static_cast<std::uint8_t>(seed * 31 + i * 7 + (i >> 8));
  return b;
}

// The other end of one connection.
struct Peer {
  std::uint16_t lport = 80, port = 4000;
  std::uint32_t seq = 1000, ack = 0;
  std::uint16_t wnd = 65000;

  Seg make(std::uint8_t flags, Bytes text = {}) const {
    Seg s;
    s.src = kPeer;
    s.dst = kLocal;
    s.sport = port;
    s.dport = lport;
    s.seq = seq;
    s.ack = (flags & kAck) ? ack : 0;
    s.flags = flags;
    s.wnd = wnd;
    s.text = std::move(text);
    return s;
  }
};

template <class V>
class Top : public ::testing::Test {
 protected:
  Engine<V> engine;
  Peer peer;

  void SetUp() override { engine.write(0x01, kLocal); }

  std::uint32_t listen(std::uint16_t port = 80, std::uint32_t backlog = 4) {
    const Response r = engine.call({.op = kOpenPassive, .lport = port, .len = backlog});
    EXPECT_EQ(r.status, kOk);
    return r.handle;
  }

  // SYN, SYN-ACK, ACK; the connection's handle after ACCEPT.
  std::uint32_t accept(std::uint32_t listener) {
    Seg syn = peer.make(kSyn);
    syn.mss = 1460;
    engine.put_segment(syn);
    const Seg s = engine.pop();
    EXPECT_EQ(s.flags, kSyn | kAck);
    EXPECT_EQ(s.ack, peer.seq + 1);
    EXPECT_EQ(s.mss, 1460);
    peer.seq += 1;
    peer.ack = s.seq + 1;
    engine.put_segment(peer.make(kAck));
    engine.settle();
    EXPECT_TRUE(engine.sent.empty());
    EXPECT_EQ(engine.flags_of(listener), 0x200U);
    const Response r = engine.call({.op = kAccept, .handle = listener});
    EXPECT_EQ(r.status, kOk);
    EXPECT_EQ(r.state, kEstablished);
    EXPECT_EQ(engine.flags_of(r.handle), 0x001U);
    return r.handle;
  }
};

struct ModelName {
  template <class V>
  static std::string GetName(int) {
    return std::string(1, 'w')
        .append(std::to_string(Config<V>::kBytes * 8))
        .append("_c")
        .append(std::to_string(Config<V>::kConns));
  }
};
TYPED_TEST_SUITE(Top, Models, ModelName);

TYPED_TEST(Top, RegistersAndReset) {
  auto& e = this->engine;
  EXPECT_EQ(e.read(0x00), 0x54495031U);
  EXPECT_EQ(e.read(0x01), kLocal);
  EXPECT_EQ(e.read(0x05), 1500U);
  e.write(0x05, 100);
  EXPECT_EQ(e.read(0x05), 296U);
  e.write(0x05, 9000);
  EXPECT_EQ(e.read(0x05), 2048U);
  EXPECT_EQ(e.read(0x08), 0x3fU);
  EXPECT_EQ(e.read(0x21), 0x0f0e0d0cU);
  EXPECT_EQ(e.read(0x30), 0U);
  EXPECT_EQ(e->prb_free_count, this->engine.kConns);
}

TYPED_TEST(Top, PassiveOpenDataClose) {
  auto& e = this->engine;
  auto& p = this->peer;
  const std::uint32_t listener = this->listen();
  const std::uint32_t h = this->accept(listener);

  // Text in, RECEIVE, delayed ACK.
  const Bytes in = pattern(300);
  e.put_segment(p.make(kAck | kPsh, in));
  p.seq += 300;
  EXPECT_EQ(e.flags_of(h), 0x002U);
  EXPECT_TRUE(e.sent.empty());
  e.advance(250'000);
  Seg s = e.pop();
  EXPECT_EQ(s.flags, kAck);
  EXPECT_EQ(s.ack, p.seq);
  EXPECT_EQ(e.receive(h, 1000), in);

  // SEND larger than one segment; NODELAY, or the last part would wait for an ACK (RFC 9293 3.7.4).
  EXPECT_EQ(e.call({.op = kSetopt, .flags = 1, .handle = h}).status, kOk);
  const Bytes out = pattern(4000, 3);
  EXPECT_EQ(e.send(h, out).len, 4000U);
  e.settle();
  Bytes got;
  while (!e.sent.empty()) {
    s = e.pop();
    EXPECT_EQ(s.seq, p.ack + got.size());
    got.insert(got.end(), s.text.begin(), s.text.end());
  }
  EXPECT_EQ(got, out);
  EXPECT_TRUE(s.flags & kPsh);
  p.ack += 4000;
  e.put_segment(p.make(kAck));
  EXPECT_EQ(e.flags_of(h), 0x008U);
  EXPECT_EQ(e.status(h).room, 16384U);

  // The host closes first.
  EXPECT_EQ(e.call({.op = kClose, .handle = h}).status, kOk);
  s = e.pop();
  EXPECT_EQ(s.flags, kFin | kAck);
  EXPECT_EQ(s.seq, p.ack);
  p.ack += 1;
  e.put_segment(p.make(kAck));
  e.settle();
  EXPECT_EQ(e.status(h).state, kFinWait2);
  e.put_segment(p.make(kFin | kAck));
  p.seq += 1;
  s = e.pop();
  EXPECT_EQ(s.flags, kAck);
  EXPECT_EQ(s.ack, p.seq);
  EXPECT_EQ(e.status(h).state, kTimeWait);
  EXPECT_EQ(e.flags_of(h) & 0x014U, 0x014U);
  e.advance(241'000'000);
  EXPECT_EQ(e.status(h).status, kNoConnection);
  EXPECT_EQ(e->prb_free_count, e.kConns);
  EXPECT_EQ(e.read(0x44), 0U);
}

TYPED_TEST(Top, ActiveOpenPeerCloses) {
  auto& e = this->engine;
  auto& p = this->peer;
  const Response r = e.call({.op = kOpenActive, .rip = kPeer, .lport = 5000, .rport = 80});
  ASSERT_EQ(r.status, kOk);
  EXPECT_EQ(r.state, kSynSent);
  const std::uint32_t h = r.handle;
  Seg s = e.pop();
  EXPECT_EQ(s.flags, kSyn);
  EXPECT_EQ(s.mss, 1460);
  p.lport = 5000;
  p.port = 80;
  p.ack = s.seq + 1;
  EXPECT_EQ(e.call({.op = kOpenActive, .rip = kPeer, .lport = 5000, .rport = 80}).status, kExists);

  // The SYN again after one second.
  e.advance(1'000'000);
  s = e.pop();
  EXPECT_EQ(s.flags, kSyn);

  e.put_segment(p.make(kSyn | kAck));
  p.seq += 1;
  s = e.pop();
  EXPECT_EQ(s.flags, kAck);
  EXPECT_EQ(s.ack, p.seq);
  EXPECT_EQ(e.status(h).state, kEstablished);

  e.put_segment(p.make(kFin | kAck, pattern(10)));
  s = e.pop();
  EXPECT_EQ(s.ack, p.seq + 11);
  p.seq += 11;
  EXPECT_EQ(e.status(h).state, kCloseWait);
  EXPECT_EQ(e.receive(h, 100), pattern(10));
  EXPECT_EQ(e.call({.op = kReceive, .handle = h, .len = 10}).status, kClosing);
  EXPECT_EQ(e.call({.op = kClose, .handle = h}).status, kOk);
  s = e.pop();
  EXPECT_EQ(s.flags, kFin | kAck);
  p.ack += 1;
  e.put_segment(p.make(kAck));
  e.settle();
  EXPECT_EQ(e.status(h).status, kNoConnection);
  EXPECT_EQ(e->prb_free_count, e.kConns);
}

TYPED_TEST(Top, RetransmissionAndGiveUp) {
  auto& e = this->engine;
  auto& p = this->peer;
  const std::uint32_t h = this->accept(this->listen());
  e.send(h, pattern(100));
  Seg s = e.pop();
  std::uint64_t last = s.at;
  for (std::uint64_t rto = 1'000'000, i = 0; i < 8; ++i, rto = std::min<std::uint64_t>(2 * rto, 60'000'000)) {
    e.advance(rto + 10);
    s = e.pop();
    EXPECT_EQ(s.text, pattern(100));
    EXPECT_EQ(s.seq, p.ack);
    EXPECT_NEAR(static_cast<double>(s.at - last), static_cast<double>(rto), 20.0);
    last = s.at;
  }
  e.advance(61'000'000);
  EXPECT_TRUE(e.sent.empty());
  EXPECT_EQ(e.status(h).status, kNoConnection);
  EXPECT_EQ(e.flags_of(h), 0x190U);
  EXPECT_EQ(e.read(0x47), 8U);
}

TYPED_TEST(Top, OutOfOrderText) {
  auto& e = this->engine;
  auto& p = this->peer;
  const std::uint32_t h = this->accept(this->listen());
  const Bytes text = pattern(1000);
  const auto part = [&](std::size_t from, std::size_t to) {
    Seg s = p.make(
        kAck, Bytes(text.begin() + static_cast<std::ptrdiff_t>(from), text.begin() + static_cast<std::ptrdiff_t>(to)));
    s.seq += static_cast<std::uint32_t>(from);
    e.put_segment(s);
    return e.pop().ack - p.seq;
  };
  EXPECT_EQ(part(800, 1000), 0U);
  EXPECT_EQ(part(300, 400), 0U);
  EXPECT_EQ(part(100, 350), 0U);
  EXPECT_EQ(part(0, 120), 400U);
  EXPECT_EQ(part(390, 801), 1000U);
  EXPECT_EQ(e.receive(h, 2000), text);
}

TYPED_TEST(Top, FastRetransmit) {
  auto& e = this->engine;
  auto& p = this->peer;
  e.write(0x1c, 10);
  const std::uint32_t h = this->accept(this->listen());
  e.send(h, pattern(6 * 1460));
  e.settle();
  ASSERT_EQ(e.sent.size(), 6U);
  e.sent.clear();
  for (int i = 0; i < 3; ++i) e.put_segment(p.make(kAck));
  const Seg s = e.pop();
  EXPECT_EQ(s.seq, p.ack);
  EXPECT_EQ(s.text.size(), 1460U);
  EXPECT_TRUE(e.sent.empty());
}

// RFC 5681 4.1: after more than an RTO without text of ours the window is no larger than the initial one.
TYPED_TEST(Top, RestartWindow) {
  auto& e = this->engine;
  auto& p = this->peer;
  e.write(0x1c, 2);
  const std::uint32_t h = this->accept(this->listen());
  // Sends, counts the segments, acknowledges each of them.
  const auto round_trip = [&](std::size_t octets) {
    e.send(h, pattern(octets));
    e.settle();
    const std::size_t burst = e.sent.size();
    while (!e.sent.empty()) {
      p.ack += static_cast<std::uint32_t>(e.pop().text.size());
      e.put_segment(p.make(kAck));
      e.settle();
    }
    return burst;
  };
  EXPECT_EQ(round_trip(std::size_t{10} * 1460), 2U);
  EXPECT_GT(round_trip(std::size_t{10} * 1460), 5U);
  for (const std::uint64_t idle : {900'000ULL, 1'100'000ULL, (1ULL << 32) + 1000}) {
    e.advance(idle);
    const std::size_t burst = round_trip(std::size_t{10} * 1460);
    if (idle < 1'000'000) {
      EXPECT_GT(burst, 5U) << idle;
    } else {
      EXPECT_EQ(burst, 2U) << idle;
    }
  }
}

TYPED_TEST(Top, ZeroWindowProbe) {
  auto& e = this->engine;
  auto& p = this->peer;
  const std::uint32_t h = this->accept(this->listen());
  p.wnd = 0;
  e.put_segment(p.make(kAck));
  e.send(h, pattern(50));
  e.settle();
  EXPECT_TRUE(e.sent.empty());
  e.advance(1'000'100);
  Seg s = e.pop();
  EXPECT_EQ(s.text.size(), 1U);
  e.put_segment(p.make(kAck));
  e.advance(2'100'000);
  s = e.pop();
  EXPECT_EQ(s.text.size(), 1U);
  p.wnd = 1000;
  const std::uint32_t out = e.read(0x46), retrans = e.read(0x47);
  EXPECT_EQ(retrans, 1U);
  e.put_segment(p.make(kAck));
  s = e.pop();
  EXPECT_EQ(s.text, pattern(50));
  EXPECT_EQ(e.read(0x46), out + 1);  // old and new octets
  EXPECT_EQ(e.read(0x47), retrans + 1);
}

TYPED_TEST(Top, ClosedPort) {
  auto& e = this->engine;
  auto& p = this->peer;
  e.put_segment(p.make(kSyn));
  Seg s = e.pop();
  EXPECT_EQ(s.flags, kRst | kAck);
  EXPECT_EQ(s.seq, 0U);
  EXPECT_EQ(s.ack, p.seq + 1);
  p.ack = 77;
  e.put_segment(p.make(kAck));
  s = e.pop();
  EXPECT_EQ(s.flags, kRst);
  EXPECT_EQ(s.seq, 77U);
  e.put_segment(p.make(kRst));
  e.settle();
  EXPECT_TRUE(e.sent.empty());
  Bytes d = build(p.make(kSyn));
  d[30] ^= 1;
  e.put_datagram(d);
  e.settle();
  EXPECT_TRUE(e.sent.empty());
  EXPECT_EQ(e.read(0x5c), 1U);
  EXPECT_EQ(e.read(0x48), 1U);
  EXPECT_EQ(e.read(0x45), 4U);
}

// A listener that goes away leaves orphans, which are reset when something happens to them.
TYPED_TEST(Top, Orphan) {
  auto& e = this->engine;
  auto& p = this->peer;
  const std::uint32_t l = this->listen();
  e.put_segment(p.make(kSyn));
  Seg s = e.pop();
  EXPECT_EQ(e.call({.op = kClose, .handle = l}).status, kOk);
  p.seq += 1;
  p.ack = s.seq + 1;
  e.put_segment(p.make(kAck));
  s = e.pop();
  EXPECT_EQ(s.flags, kRst | kAck);
  e.settle();
  EXPECT_EQ(e.retired.back().reason, 30U);
  EXPECT_EQ(e->prb_free_count, e.kConns);
}

// ... or, when nothing happens, because they look for their listener themselves. Until then they wait for ACCEPT in
// peace.
TYPED_TEST(Top, SilentOrphans) {
  auto& e = this->engine;
  auto& p = this->peer;
  const std::uint32_t l = this->listen();
  for (int i = 0; i < 3; ++i) {
    p.port = static_cast<std::uint16_t>(p.port + 1);
    e.put_segment(p.make(kSyn));
    const Seg s = e.pop();
    if (i == 2) break;  // stays in SYN_RECEIVED
    p.seq += 1;
    p.ack = s.seq + 1;
    e.put_segment(p.make(kAck));
    e.settle();
  }
  e.advance(900'000);
  EXPECT_TRUE(e.sent.empty());
  EXPECT_EQ(e->prb_free_count, e.kConns - 3);
  EXPECT_EQ(e.call({.op = kClose, .handle = l}).status, kOk);
  e.settle();
  EXPECT_TRUE(e.sent.empty());
  e.advance(1'100'000);
  EXPECT_EQ(e.sent.size(), 3U);
  while (!e.sent.empty()) EXPECT_EQ(e.pop().flags, kRst | kAck);
  EXPECT_EQ(e->prb_free_count, e.kConns);
}

TYPED_TEST(Top, AcceptMayTakeItsTime) {
  auto& e = this->engine;
  auto& p = this->peer;
  const std::uint32_t l = this->listen();
  e.put_segment(p.make(kSyn));
  const Seg s = e.pop();
  p.seq += 1;
  p.ack = s.seq + 1;
  e.put_segment(p.make(kAck));
  e.advance(60'000'000);
  EXPECT_TRUE(e.sent.empty());
  const Response r = e.call({.op = kAccept, .handle = l});
  EXPECT_EQ(r.status, kOk);
  EXPECT_EQ(r.state, kEstablished);
  e.advance(60'000'000);
  EXPECT_TRUE(e.sent.empty());
  EXPECT_EQ(e.status(r.handle).state, kEstablished);
}

// Every index, then TABLE_FULL; everything comes back.
TYPED_TEST(Top, TableFull) {
  auto& e = this->engine;
  auto& p = this->peer;
  const unsigned n = static_cast<unsigned>(e.kConns);
  for (std::uint16_t i = 0; i < 8 && i <= n / 16; ++i) this->listen(static_cast<std::uint16_t>(80 + i), 16);
  for (unsigned i = 0; i < n; ++i) {
    p.lport = static_cast<std::uint16_t>(80 + i / 16);
    p.port = static_cast<std::uint16_t>(4000 + i);
    e.put_segment(p.make(kSyn));
    EXPECT_EQ(e.pop().flags, kSyn | kAck) << i;
    EXPECT_EQ(e.retired.back().conn, i);
  }
  EXPECT_EQ(e->prb_free_count, 0U);
  // A further SYN: the backlog of its listener is full, or no connection is free.
  p.port = 9999;
  p.lport = static_cast<std::uint16_t>(n == 128 ? 80 : 80 + n / 16);
  e.put_segment(p.make(kSyn));
  e.settle();
  EXPECT_TRUE(e.sent.empty());
  EXPECT_EQ(e.retired.back().reason, n == 128 ? 18U : 19U);
  EXPECT_EQ(e.call({.op = kOpenActive, .rip = kPeer, .lport = 5000, .rport = 80}).status, kNoResources);
  // Reset them from the last to the first.
  for (unsigned i = n; i-- > 0;) {
    p.lport = static_cast<std::uint16_t>(80 + i / 16);
    p.port = static_cast<std::uint16_t>(4000 + i);
    Seg s = p.make(kRst);
    s.seq += 1;
    e.put_segment(s);
    e.settle();
    EXPECT_EQ(e.retired.back().reason, 22U);
  }
  EXPECT_EQ(e->prb_free_count, n);
}

// Latencies of microarchitecture 6, 7 and 8 (diagrams in 14). Datagrams count from the acceptance of the last beat.
TYPED_TEST(Top, Latency) {
  auto& e = this->engine;
  auto& p = this->peer;
  const std::uint64_t beats = (40 + e.B - 1) / e.B;
  const auto commit_of = [&](const Seg& s) {
    e.settle();
    e.retired.clear();
    const std::uint64_t last = e.cycle + beats - 1;
    e.put_segment(s);
    e.settle();
    return e.retired.empty() ? 0 : e.retired.front().cycle - last;
  };
  const auto commit_of_command = [&](const Command& c) {
    e.settle();
    e.retired.clear();
    const std::uint64_t loaded = e.cycle;
    e.call(c);
    return e.retired.empty() ? 0 : e.retired.front().cycle - loaded;
  };

  // Head of the raw FIFO in t+4 (lookup), READY and GRANT in t+6, COMMIT in t+11; a SYN waits for its hash: GRANT in
  // t+14.
  EXPECT_EQ(commit_of(p.make(kRst)), 11U);
  EXPECT_EQ(commit_of(p.make(kSyn)), 19U);
  // A command that is loaded in c: DECODE c+1, GRANT c+2, COMMIT c+7, response c+8; an active open is granted in c+11.
  EXPECT_EQ(commit_of_command({.op = kStatus, .handle = 0}), 7U);
  EXPECT_EQ(commit_of_command({.op = kOpenPassive, .lport = 80, .len = 4}), 7U);
  EXPECT_EQ(commit_of_command({.op = kOpenActive, .lport = 5000, .rport = 80}), 7U) << "remote address missing";
  EXPECT_EQ(commit_of_command({.op = kOpenActive, .rip = kPeer, .lport = 5000, .rport = 80}), 16U);

  // COMMIT in t+11 or t+19 pushes a descriptor: popped one cycle later, SUM, first beat.
  e.settle();
  e.sent.clear();
  const std::uint64_t start = e.cycle;
  e.put_segment(p.make(kSyn));
  const Seg s = e.pop();
  EXPECT_EQ(s.flags, kSyn | kAck);
  EXPECT_EQ(s.cycle, start + beats - 1 + 19 + 3 + (44 + e.B - 1) / e.B - 1);

  // A deadline is found and granted within 2*G + 2 cycles.
  e.settle();
  e.retired.clear();
  const std::uint64_t before = e.cycle;
  e.now = e->next_deadline;
  e.settle();
  ASSERT_FALSE(e.retired.empty());
  EXPECT_EQ(e.retired.front().kind, 0U);
  EXPECT_LE(e.retired.front().cycle, before + 2 * e.kGroups + 2 + 5);
}

// A SYN whose lookup goes stale because another one is committed meanwhile: only the lookup is repeated.
TYPED_TEST(Top, StaleLookup) {
  auto& e = this->engine;
  auto& p = this->peer;
  this->listen();
  e.settle();
  e.retired.clear();
  for (std::uint16_t i = 0; i < 6; ++i) {
    p.port = static_cast<std::uint16_t>(4000 + i / 2);  // each one twice: the second finds what the first has made
    e.put_segment(p.make(kSyn));
  }
  e.settle();
  ASSERT_EQ(e.retired.size(), 6U);
  for (unsigned i = 0; i < 6; ++i) {
    EXPECT_EQ(e.retired[i].conn, i / 2);
    EXPECT_EQ(e.retired[i].reason, i % 2 ? 27U : 0U);
  }
  EXPECT_EQ(e->prb_free_count, e.kConns - 3);
}

// Anything at any time: segments around the windows of what the engine has sent, commands on good and bad handles, time
// in all step sizes, hosts and links that stall. The assertions inside the engine are the oracle, and at the end
// everything that was taken comes back.
TYPED_TEST(Top, Soak) {
  auto& e = this->engine;
  auto& p = this->peer;
  const char* env = std::getenv("TIPTOE_RTL_SOAK");
  const unsigned long cycles = env ? std::strtoul(env, nullptr, 0) : 60'000;
  const char* seed = std::getenv("TIPTOE_RTL_SEED");
  std::mt19937 rng(seed ? static_cast<std::uint32_t>(std::strtoul(seed, nullptr, 0)) : 1);
  const auto rnd = [&](std::uint32_t n) { return static_cast<std::uint32_t>(rng() % n); };
  const auto one_in = [&](std::uint32_t n) { return rnd(n) == 0; };
  const auto near = [&] {  // mostly 0, sometimes anything
    switch (rnd(24)) {
      case 0: return static_cast<std::uint32_t>(rng());
      case 1:
      case 2: return 0U - rnd(2000);
      case 3:
      case 4: return rnd(3000);
      case 5: return rnd(70000);
      default: return 0U;
    }
  };

  struct Seen {
    std::uint32_t seq = 0, ack = 0;  // what a well-behaved peer would use
  };
  std::map<std::pair<std::uint16_t, std::uint16_t>, Seen> conns;  // {local port, remote port}
  std::vector<std::uint32_t> handles, listeners;
  e.write(0x09, 100'000);  // short timers: more happens
  e.write(0x0a, 50'000);
  e.write(0x0c, 100'000);
  e.write(0x12, 1'000'000);
  e.write(0x14, 2);
  e.write(0x15, 1);
  e.write(0x17, 5'000'000);
  e.write(0x13, 700'000);

  const std::uint64_t end = e.cycle + cycles;
  std::uint32_t ports = 4;  // few connections that live, later many that crowd each other out
  while (e.cycle < end) {
    if (one_in(5000)) ports = 1 + rnd(one_in(4) ? e.kConns : 8);
    if (one_in(2000)) {
      e.write(0x08, rnd(256) & 0x7f);  // without FIXED_ISS
      e.write(0x1c, rnd(3) * rnd(20));
      e.write(0x11, rnd(2) * 20'000);
    }
    if (e.waiting() < 40 && one_in(12)) {
      Seg s;
      s.src = kPeer;
      s.dst = kLocal;
      s.dport = static_cast<std::uint16_t>(80 + rnd(4));
      s.sport = static_cast<std::uint16_t>(4000 + rnd(ports));
      if (!conns.empty() && !one_in(12)) {
        auto it = conns.begin();
        std::advance(it, rnd(static_cast<std::uint32_t>(conns.size())));
        s.dport = it->first.first;
        s.sport = it->first.second;
        s.seq = it->second.seq + near();
        s.ack = it->second.ack + (one_in(5) ? 0U - rnd(3000) : near());
        static constexpr std::array<std::uint8_t, 12> kFlags{kAck,        kAck,        kAck,        kAck,
                                                             kAck | kPsh, kAck | kPsh, kAck | kFin, kRst,
                                                             kSyn,        kSyn | kAck, kAck | kUrg, kRst | kAck};
        s.flags = one_in(100) ? static_cast<std::uint8_t>(rnd(64)) : kFlags[rnd(one_in(60) ? 12 : one_in(40) ? 7 : 6)];
      } else {
        s.flags = one_in(4) ? static_cast<std::uint8_t>(rnd(64)) : kSyn;
        s.seq = static_cast<std::uint32_t>(rng());
        s.ack = static_cast<std::uint32_t>(rng());
      }
      s.wnd = static_cast<std::uint16_t>(one_in(12) ? rnd(3) : one_in(3) ? rnd(65536) : 60000);
      s.up = static_cast<std::uint16_t>(rnd(10));
      if (s.flags & kSyn && !one_in(4)) s.mss = static_cast<std::uint16_t>(one_in(4) ? rnd(100) : 100 + rnd(1500));
      if (one_in(2)) s.text = Bytes(rnd(one_in(4) ? 1900 : 200));
      Bytes d = build(s);
      if (one_in(50)) d[rnd(static_cast<std::uint32_t>(d.size()))] ^= static_cast<std::uint8_t>(1 << rnd(8));
      e.put_datagram(d);
    }
    if (e.waiting() < 40 && one_in(60)) {
      Command c;
      static constexpr std::array<std::uint8_t, 12> kOps{kOpenPassive, kOpenActive, kSend,  kSend,   kSend,   kReceive,
                                                         kReceive,     kClose,      kAbort, kStatus, kAccept, kSetopt};
      c.op = one_in(200) ? static_cast<std::uint8_t>(rnd(16)) : kOps[rnd(12)];
      if ((c.op == kAbort || c.op == kClose) && !one_in(8)) c.op = kAccept;
      c.flags = static_cast<std::uint8_t>(rnd(16));
      const auto& from = (c.op == kAccept) != one_in(50) ? listeners : handles;
      c.handle = from.empty() || one_in(100)
                     ? rng() & 0x1ffffU
                     : from[from.size() - 1 - rnd(static_cast<std::uint32_t>(std::min<std::size_t>(8, from.size())))];
      c.lport = static_cast<std::uint16_t>(one_in(10) ? 0 : c.op == kOpenPassive ? 80 + rnd(4) : 80 + rnd(40));
      c.rip = one_in(3) ? 0 : kPeer;
      c.rport = static_cast<std::uint16_t>(one_in(3) ? 0 : 4000 + rnd(ports));
      if (c.op == kOpenPassive && !one_in(4)) c.rip = c.rport = 0;
      c.len = one_in(8) ? rnd(100000) : rnd(c.op == kOpenPassive ? 20 : 4000);
      e.put_command(c);
    }
    e->m_axis_tready = !one_in(4);
    e->evt_ready = one_in(6);
    e->rsp_ready = !one_in(3);
    e->rxd_tready = !one_in(3);
    if (one_in(4)) e.now += one_in(100) ? rnd(2'000'000) : one_in(20) ? rnd(50'000) : rnd(50);
    e.step();

    for (; !e.sent.empty(); e.sent.pop_front()) {
      const Seg& s = e.sent.front();
      if (s.flags & kRst) continue;
      Seen& c = conns[{s.sport, s.dport}];
      c.ack = s.seq + static_cast<std::uint32_t>(s.text.size()) + (s.flags & kSyn ? 1 : 0) + (s.flags & kFin ? 1 : 0);
      if (s.flags & kAck) c.seq = s.ack;
    }
    for (; !e.responses.empty(); e.responses.pop_front()) {
      const Response& r = e.responses.front();
      if (r.op == kSend && r.status == kOk) e.put_text(r.len);
      if (r.status == kOk && r.op == kOpenPassive) listeners.push_back(r.handle);
      if (r.status == kOk && (r.op == kOpenActive || r.op == kAccept)) handles.push_back(r.handle);
    }
    e.notices.clear();
    e.received.clear();
    if (conns.size() > 3 * ports) conns.clear();
  }

  // Everybody leaves: no listeners, orphans are reset by their peers' next segment, what is left is aborted.
  e->m_axis_tready = e->evt_ready = e->rsp_ready = e->rxd_tready = 1;
  const auto drain = [&] {
    for (int i = 0; i < 200; ++i) {
      e.settle();
      const bool some = !e.responses.empty();
      for (; !e.responses.empty(); e.responses.pop_front())
        if (e.responses.front().op == kSend && e.responses.front().status == kOk) e.put_text(e.responses.front().len);
      if (!some) break;
    }
  };
  drain();
  for (std::uint32_t i = 0; i < 8; ++i)
    for (std::uint32_t gen = 0; gen < 16; ++gen) e.call({.op = kClose, .handle = 0x10000U | gen << 5 | i});
  for (std::uint16_t lport = 80; lport < 84; ++lport)
    for (std::uint16_t i = 0; i < e.kConns; ++i) {
      p.lport = lport;
      p.port = static_cast<std::uint16_t>(4000 + i);
      e.put_segment(p.make(kAck));
    }
  e.settle();
  for (std::uint32_t i = 0; i < e.kConns; ++i)
    for (std::uint32_t gen = 0; gen < 64; ++gen) {
      e.call({.op = kAbort, .handle = gen << 10 | i});
      drain();
    }
  e.advance(3'000'000);  // 2 MSL of those that nobody has accepted
  EXPECT_EQ(e->prb_free_count, e.kConns);
  EXPECT_EQ(e.read(0x44), 0U) << "CurrEstab";
}

}  // namespace
}  // namespace tiptoe::rtl_test
