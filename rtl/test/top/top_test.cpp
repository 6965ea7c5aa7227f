// SPDX-License-Identifier: Apache-2.0
// The engine as a whole: enough of every path to see that the blocks are connected as the pages say. What TCP must do in
// every state is the business of conformance/.
#include "top_bench.hpp"

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
  Engine<V> e;
  Peer p;

  void SetUp() override { e.write(0x01, kLocal); }

  std::uint32_t listen(std::uint16_t port = 80, std::uint32_t backlog = 4) {
    const Response r = e.call({.op = kOpenPassive, .lport = port, .len = backlog});
    EXPECT_EQ(r.status, kOk);
    return r.handle;
  }

  // SYN, SYN-ACK, ACK; the connection's handle after ACCEPT.
  std::uint32_t accept(std::uint32_t listener) {
    Seg syn = p.make(kSyn);
    syn.mss = 1460;
    e.put_segment(syn);
    const Seg s = e.pop();
    EXPECT_EQ(s.flags, kSyn | kAck);
    EXPECT_EQ(s.ack, p.seq + 1);
    EXPECT_EQ(s.mss, 1460);
    p.seq += 1;
    p.ack = s.seq + 1;
    e.put_segment(p.make(kAck));
    e.settle();
    EXPECT_TRUE(e.sent.empty());
    EXPECT_EQ(e.flags_of(listener), 0x200U);
    const Response r = e.call({.op = kAccept, .handle = listener});
    EXPECT_EQ(r.status, kOk);
    EXPECT_EQ(r.state, kEstablished);
    EXPECT_EQ(e.flags_of(r.handle), 0x001U);
    return r.handle;
  }
};

struct ModelName {
  template <class V>
  static std::string GetName(int) {
    return "w" + std::to_string(Config<V>::kBytes * 8) + "_c" + std::to_string(Config<V>::kConns);
  }
};
TYPED_TEST_SUITE(Top, Models, ModelName);

TYPED_TEST(Top, RegistersAndReset) {
  auto& e = this->e;
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
  EXPECT_EQ(e->prb_free_count, this->e.kConns);
}

TYPED_TEST(Top, PassiveOpenDataClose) {
  auto& e = this->e;
  auto& p = this->p;
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
  auto& e = this->e;
  auto& p = this->p;
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
  auto& e = this->e;
  auto& p = this->p;
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
  auto& e = this->e;
  auto& p = this->p;
  const std::uint32_t h = this->accept(this->listen());
  const Bytes text = pattern(1000);
  const auto part = [&](std::size_t from, std::size_t to) {
    Seg s = p.make(kAck, Bytes(text.begin() + static_cast<std::ptrdiff_t>(from), text.begin() + static_cast<std::ptrdiff_t>(to)));
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
  auto& e = this->e;
  auto& p = this->p;
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

TYPED_TEST(Top, ZeroWindowProbe) {
  auto& e = this->e;
  auto& p = this->p;
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
  e.put_segment(p.make(kAck));
  s = e.pop();
  EXPECT_EQ(s.text, pattern(50));
}

TYPED_TEST(Top, ClosedPort) {
  auto& e = this->e;
  auto& p = this->p;
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
  auto& e = this->e;
  auto& p = this->p;
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

// Every index, then TABLE_FULL; everything comes back.
TYPED_TEST(Top, TableFull) {
  auto& e = this->e;
  auto& p = this->p;
  std::vector<std::uint32_t> listeners;
  for (std::uint16_t i = 0; i < 8; ++i) listeners.push_back(this->listen(static_cast<std::uint16_t>(80 + i), 16));
  const unsigned n = static_cast<unsigned>(e.kConns);
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
  p.lport = (n == 128) ? 80 : 84;
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

// Latencies of microarchitecture 6 and 8: a dropped datagram, counted from the acceptance of its last beat.
TYPED_TEST(Top, Latency) {
  auto& e = this->e;
  Seg s = this->p.make(kRst);
  e.settle();
  e.retired.clear();
  const std::uint64_t start = e.cycle;
  e.put_segment(s);
  e.settle();
  const std::uint64_t beats = (40 + e.B - 1) / e.B;
  const std::uint64_t last = start + beats - 1;   // t: last beat; head of the raw FIFO in t+4 (lookup), READY t+6, COMMIT t+11
  ASSERT_EQ(e.retired.size(), 1U);
  EXPECT_EQ(e.retired.front().cycle, last + 11);
}

}  // namespace
}  // namespace tiptoe::rtl_test
