// SPDX-License-Identifier: Apache-2.0
// The datapath's modules at every bus width. Whatever a test does, bench.hpp compares every cycle and every byte.
#include "bench.hpp"

namespace tiptoe::rtl_test {
namespace {

constexpr std::uint32_t kLocal = 0x0a000001, kRemote = 0x0a000002;

struct Shape {
  std::size_t ihl = 20, doff = 20, text = 0, padding = 0;
};

template <class Rng>
Bytes datagram(Rng& rng, const Shape& s) {
  Bytes d(s.ihl + s.doff + s.text + s.padding);
  for (auto& byte : d) byte = static_cast<std::uint8_t>(rng());
  d[0] = static_cast<std::uint8_t>(0x40 | s.ihl / 4);
  put16(d, 2, static_cast<std::uint32_t>(s.ihl + s.doff + s.text));
  put16(d, 6, 0x4000);
  d[9] = 6;
  put32(d, 12, kRemote);
  put32(d, 16, kLocal);
  d[s.ihl + 12] = static_cast<std::uint8_t>(s.doff / 4 << 4);
  seal(d);
  return d;
}

template <class V>
class Datapath : public ::testing::Test {
 protected:
  using Rig = Bench<V>;

  // Receives one datagram on its own and gives its drop reason.
  static unsigned reason(Rig& b, const Bytes& d) {
    b.receive(d);
    b.drain();
    const unsigned r = b.raws.back().reason;
    b.raws.clear();
    return r;
  }

  static void random_rates(Rig& b) {
    static constexpr std::array<unsigned, 4> kRates{100, 90, 50, 10};
    for (unsigned* rate : {&b.rx_rate, &b.m_rate, &b.txd_rate, &b.rxd_rate, &b.pop_rate, &b.grant_rate})
      *rate = kRates[b.rnd(4)];
  }

  static TxDesc segment(Rig& b, std::uint32_t len) {
    return {b.rnd() % 0x6f000000 + 0x01000000,
            b.rnd() | 0x80000000,
            b.rnd(65536),
            b.rnd(65536),
            b.rnd(),
            b.rnd(),
            b.rnd(256),
            b.rnd(65536),
            b.chance(20),
            b.rnd(65536),
            b.rnd(Rig::CONNS),
            len};
  }
};

struct WidthName {
  template <class V>
  static std::string GetName(int) {
    return std::string(1, 'w').append(std::to_string(Width<V>::value * 8));
  }
};
TYPED_TEST_SUITE(Datapath, Models, WidthName);

TYPED_TEST(Datapath, Fifo) {
  Bench<TypeParam> b(1);
  auto& top = *b.top;
  std::deque<unsigned> model;
  for (int i = 0; i < 5000; ++i) {
    const bool push = model.size() < 4 && b.chance(i / 1000 % 2 ? 70 : 40), pop = !model.empty() && b.chance(50);
    top.fifo_push_i = push, top.fifo_pop_i = pop, top.fifo_data_i = static_cast<SData>(b.rnd());
    top.clk_i = 0;
    top.eval();
    ASSERT_EQ(top.fifo_count_o, model.size());
    ASSERT_EQ(top.fifo_full_o, model.size() == 4);
    ASSERT_EQ(top.fifo_valid_o, !model.empty());
    if (!model.empty()) {
      ASSERT_EQ(top.fifo_data_o, model.front());
    }
    if (pop) model.pop_front();
    if (push) model.push_back(top.fifo_data_i);
    b.clock();
  }
}

// Both descriptions of the unaligned memory against an array of bytes: every offset, length, wrap and collision.
TYPED_TEST(Datapath, UnalignedMemory) {
  constexpr std::size_t B = Width<TypeParam>::value;
  Bench<TypeParam> b(2);
  auto& top = *b.top;
  std::array<std::uint8_t, 4096> mem{};
  std::array<std::uint8_t, B> shown{};
  const auto at = [](std::uint32_t a, std::size_t i) {
    return (a & ~1023U) | ((a + static_cast<std::uint32_t>(i)) & 1023U);
  };
  for (int i = 0; i < 40000; ++i) {
    std::array<std::uint8_t, B> word;
    for (auto& byte : word) byte = static_cast<std::uint8_t>(b.rnd());
    const std::uint32_t wa = b.rnd(4096);
    const std::uint32_t ra = b.chance(30)   ? at(wa, b.rnd(2 * B))
                             : b.chance(20) ? (b.rnd(4) << 10 | (1023U - b.rnd(B)))
                                            : b.rnd(4096);
    const std::size_t n = b.chance(30) ? B : 1 + b.rnd(B);
    const bool we = b.chance(80), re = b.chance(80);
    top.um_we_i = we, top.um_waddr_i = static_cast<SData>(wa), top.um_wlen_i = static_cast<CData>(n);
    put(top.um_wdata_i, word.data(), B);
    top.um_re_i = re, top.um_raddr_i = static_cast<SData>(ra);
    b.clock();
    for (std::size_t k = 0; re && k < B; ++k) shown[k] = mem[at(ra, k)];
    for (std::size_t k = 0; we && k < n; ++k) mem[at(wa, k)] = word[k];
    ASSERT_EQ(get<B>(top.um_merged_o), shown) << i;
    ASSERT_EQ(get<B>(top.um_strobes_o), shown) << i;
  }
}

TYPED_TEST(Datapath, OptionWalk) {
  Bench<TypeParam> b(3);
  auto& top = *b.top;
  const auto walk = [&](const std::array<std::uint8_t, 40>& opts, unsigned doff) {
    const std::size_t limit = 4 * doff - 20;
    std::size_t p = 0;
    unsigned cycles = 0;
    std::optional<unsigned> mss;
    for (;;) {  // microarchitecture 6.2, one turn per cycle from h+1 on
      ++cycles;
      if (p >= limit || opts[p] == 0) break;
      if (opts[p] == 1) {
        ++p;
        continue;
      }
      if (p + 1 >= limit || opts[p + 1] < 2 || p + opts[p + 1] > limit) break;
      if (opts[p] == 2 && opts[p + 1] == 4) mss = static_cast<unsigned>(opts[p + 2] << 8 | opts[p + 3]);
      p += opts[p + 1];
    }
    put(top.walk_opts_i, opts.data(), 40);
    top.walk_doff_i = static_cast<CData>(doff);
    top.walk_start_i = 1;
    b.clock();  // cycle h
    top.walk_start_i = 0;
    for (unsigned i = 0; i < cycles; ++i) {
      ASSERT_EQ(top.walk_done_o, 0);
      b.clock();  // cycle h+1+i
    }
    ASSERT_EQ(top.walk_done_o, 1);
    ASSERT_EQ(top.walk_mss_valid_o, mss.has_value());
    if (mss) {
      ASSERT_EQ(top.walk_mss_o, *mss);
    }
    ASSERT_LE(cycles, 41U);
  };
  std::array<std::uint8_t, 40> opts;
  opts.fill(1);
  for (unsigned doff = 5; doff <= 15; ++doff) walk(opts, doff);  // nothing but NOPs
  for (unsigned kind = 0; kind < 4; ++kind) {
    for (unsigned len = 0; len < 256; ++len) {  // a length byte of every value, 0 and 1 among them
      opts.fill(0);
      opts[0] = static_cast<std::uint8_t>(kind), opts[1] = static_cast<std::uint8_t>(len);
      walk(opts, 5 + b.rnd(11));
    }
  }
  for (int i = 0; i < 20000; ++i) {
    for (auto& byte : opts) byte = static_cast<std::uint8_t>(b.chance(50) ? b.rnd(6) : b.rnd());
    for (std::size_t p = 0; b.chance(90) && p + 4 <= 40;) {  // well-formed up to here
      const std::uint32_t kind = 1 + b.rnd(6), len = kind == 1 ? 1 : kind == 2 && b.chance(80) ? 4 : 2 + b.rnd(10);
      opts[p] = static_cast<std::uint8_t>(kind);
      if (kind != 1) opts[p + 1] = static_cast<std::uint8_t>(len);
      p += len;
    }
    walk(opts, 5 + b.rnd(11));
  }
}

TYPED_TEST(Datapath, EveryDropReasonAndTheirOrder) {
  Bench<TypeParam> b(4);
  const auto good = [&](const Shape& s = {}) { return datagram(b.rng, s); };
  const auto reason = [&](const Bytes& d) { return TestFixture::reason(b, d); };
  EXPECT_EQ(reason(good()), 0U);
  Bytes d;
  for (unsigned version = 0; version < 16; ++version) {
    d = good();
    d[0] = static_cast<std::uint8_t>(version << 4 | 5);
    EXPECT_EQ(reason(d), version == 4 ? 0U : 2U);
  }
  d = good();
  for (std::size_t n = 1; n < 20; ++n)
    EXPECT_EQ(reason(Bytes(d.begin(), d.begin() + static_cast<std::ptrdiff_t>(n))), 1U);
  for (unsigned ihl = 0; ihl < 5; ++ihl) {
    d = good();
    d[0] = static_cast<std::uint8_t>(0x40 | ihl);
    EXPECT_EQ(reason(d), 3U);
  }
  d = good();
  d[0] = 0x4b;  // 44 > 40
  EXPECT_EQ(reason(d), 3U);
  put16(d, 2, 44);
  EXPECT_EQ(reason(d), 4U);  // more than was received
  d = good();
  put16(d, 2, 19);  // less than the header: IP_IHL comes first
  EXPECT_EQ(reason(d), 3U);
  d = good({20, 20, 100, 0});
  d.pop_back();
  EXPECT_EQ(reason(d), 4U);
  for (std::size_t i : {1U, 4U, 8U, 10U, 12U, 19U}) {
    d = good();
    d[i] ^= 0x10;
    EXPECT_EQ(reason(d), 5U);
  }
  for (std::uint32_t fragment : {0x2000U, 0x0001U, 0x1fffU, 0x3000U}) {
    d = good();
    put16(d, 6, fragment);
    seal(d);
    EXPECT_EQ(reason(d), 6U);
  }
  for (std::uint32_t fragment : {0x0000U, 0x4000U, 0x8000U, 0xc000U}) {
    d = good();
    put16(d, 6, fragment);
    seal(d);
    EXPECT_EQ(reason(d), 0U);
  }
  d = good();
  d[9] = 17;
  seal(d);
  EXPECT_EQ(reason(d), 7U);
  for (std::uint32_t dst : {kLocal + 1, 0U}) {  // an unused register (0) is no address
    d = good();
    put32(d, 16, dst);
    seal(d);
    EXPECT_EQ(reason(d), 8U);
  }
  for (int i = 0; i < 4; ++i) {
    std::array<std::uint32_t, 4> local{};
    local[static_cast<std::size_t>(i)] = kLocal;
    b.set_local(local);
    EXPECT_EQ(reason(good()), 0U);
  }
  const std::array<std::pair<std::uint32_t, unsigned>, 9> sources{{{0, 9},
                                                                   {0x7f000001, 9},
                                                                   {0x7fffffff, 9},
                                                                   {0xe0000000, 9},
                                                                   {0xffffffff, 9},
                                                                   {kLocal, 9},
                                                                   {1, 0},
                                                                   {0x80000000, 0},
                                                                   {0xdfffffff, 0}}};
  for (const auto& [src, want] : sources) {
    d = good();
    put32(d, 12, src);
    seal(d);
    EXPECT_EQ(reason(d), want) << std::hex << src;
  }
  for (std::uint32_t len : {0U, 1U, 19U}) {  // the rest is padding
    d = good();
    put16(d, 2, 20 + len);
    put16(d, 10, 0);
    put16(d, 10, ip_sum(d) ^ 0xffff);
    EXPECT_EQ(reason(d), 10U);
  }
  for (unsigned doff = 0; doff < 5; ++doff) {
    d = good();
    d[32] = static_cast<std::uint8_t>(doff << 4);
    seal(d);
    EXPECT_EQ(reason(d), 11U);
  }
  d = good({20, 20, 3, 0});
  d[32] = 0x60;  // 24 > 23
  seal(d);
  EXPECT_EQ(reason(d), 11U);
  for (std::size_t i : {20U, 31U, 36U, 40U, 142U}) {
    d = good({20, 20, 103, 0});
    d[i] ^= 1;
    EXPECT_EQ(reason(d), 12U);
  }
  // Longer than a slot: dropped, and the next one is fine. 2048 bytes are not too long.
  EXPECT_EQ(reason(good({20, 20, 2008, 0})), 0U);
  EXPECT_EQ(reason(good({20, 20, 100, 1908})), 0U);
  EXPECT_EQ(reason(good({20, 20, 100, 1909})), 4U);
  EXPECT_EQ(reason(good({20, 20, 2009, 0})), 4U);
  d.assign(9000, 0);
  EXPECT_EQ(reason(d), 2U);  // earlier reasons come first
  EXPECT_EQ(reason(good({20, 20, 60000, 0})), 4U);
  EXPECT_EQ(reason(good()), 0U);
}

// Sums that are right only with both folds, odd lengths, and the two zeros.
TYPED_TEST(Datapath, ChecksumTraps) {
  Bench<TypeParam> b(5);
  // Text that brings the TCP sum to a wanted value before the complement, among all lengths.
  for (std::size_t text = 2; text <= 130; ++text) {
    for (std::uint32_t want : {0xffffU, 0x0000U, 0x0001U, 0xfffeU}) {
      Bytes d = datagram(b.rng, {20, 20, text, 0});
      std::fill(d.begin() + 40, d.end(), std::uint8_t{0xff});  // many carries
      put16(d, 40, 0);
      seal(d);
      // The checksum field now completes the sum; moving `want` from the text to the field keeps it complete.
      const std::uint32_t field = get16(d, 36);
      put16(d, 36, want);
      Checksum delta;
      delta.word(field);
      delta.word(want ^ 0xffff);
      put16(d, 40, delta.sum());
      b.receive(d);
      EXPECT_TRUE(tcp_sum(d) == 0xffff);
      put16(d, 36, want ^ 0x0100);
      b.receive(d);
    }
  }
  b.drain();
  ASSERT_EQ(b.raws.size(), 129U * 8);
  for (std::size_t i = 0; i < b.raws.size(); ++i) EXPECT_EQ(b.raws[i].reason, i % 2 ? 12U : 0U);
  // An IPv4 header checksum of 0x0000 and one of 0xffff are both fine when they complete the sum.
  unsigned zero = 0;
  for (std::uint32_t id = 0; id < 65536 && zero < 2; ++id) {
    Bytes d = datagram(b.rng, {});
    put16(d, 4, id);
    d[1] = 0, d[8] = 64;
    seal(d);
    if (get16(d, 10) != 0 && get16(d, 10) != 0xffff) continue;
    ++zero;
    for (std::uint32_t field : {0x0000U, 0xffffU}) {
      put16(d, 10, field);
      EXPECT_EQ(TestFixture::reason(b, d), 0U);
    }
  }
  EXPECT_GE(zero, 1U);
}

TYPED_TEST(Datapath, ReceiveTiming) {
  constexpr std::size_t B = Width<TypeParam>::value;
  Bench<TypeParam> b(6);
  // Bench::check knows that the descriptor is visible four cycles after the last beat. Here: no bubbles, slots, tready.
  b.pop_rate = 0;
  for (int i = 0; i < 8; ++i) b.receive(datagram(b.rng, {20, 20, 0, 0}));
  const std::size_t beats = 8 * ((40 + B - 1) / B);
  for (std::size_t i = 0; i < beats; ++i) b.tick();
  EXPECT_EQ(b.accepted_beats, beats);
  b.receive(datagram(b.rng, {}));
  for (int i = 0; i < 20; ++i) b.tick();
  EXPECT_EQ(b.accepted_beats, beats);  // all slots are taken
  EXPECT_EQ(b.top->slots_used_o, 8);
  EXPECT_EQ(b.top->raw_count_o, 8);
  EXPECT_EQ(b.top->idle_o, 0);
  b.pop_rate = 100;
  b.drain();
}

TYPED_TEST(Datapath, RandomDatagrams) {
  Bench<TypeParam> b(7);
  for (int round = 0; round < 40; ++round) {
    TestFixture::random_rates(b);
    std::array<std::uint32_t, 4> local;
    for (auto& ip : local) ip = b.chance(20) ? 0 : b.rnd();
    b.set_local(local);
    for (int i = 0; i < 25; ++i) {
      Shape s;
      s.ihl = b.chance(50) ? 20 : 20 + 4 * b.rnd(11);
      s.doff = b.chance(50) ? 20 : 20 + 4 * b.rnd(11);
      s.text = b.chance(90) ? b.rnd(200) : b.rnd(2009 - 80);
      s.padding = b.chance(70) ? 0 : b.rnd(70);
      Bytes d = datagram(b.rng, s);
      put32(d, 12, b.chance(95) ? b.rnd() % 0x6f000000 + 0x01000000 : b.rnd());
      put32(d, 16, local[b.rnd(4)] ^ (b.chance(10) ? 1U << b.rnd(32) : 0));  // may be one bit beside a local address
      seal(d);
      if (b.chance(30))
        d[b.rnd(static_cast<std::uint32_t>(std::min<std::size_t>(d.size(), 64)))] ^=
            static_cast<std::uint8_t>(1U << b.rnd(8));
      if (b.chance(10)) d.resize(1 + b.rnd(static_cast<std::uint32_t>(d.size())));
      if (b.chance(5)) {
        d[b.rnd(static_cast<std::uint32_t>(std::min<std::size_t>(d.size(), 20)))] = static_cast<std::uint8_t>(b.rnd());
        if (d.size() >= 20 && (d[0] & 15) >= 5 && 4U * (d[0] & 15U) <= d.size())
          put16(d, 10, 0), put16(d, 10, ip_sum(d) ^ 0xffff);
      }
      b.receive(d);
    }
    b.drain();
  }
  EXPECT_EQ(b.raws.size(), 1000U);
  EXPECT_GT(std::count_if(b.raws.begin(), b.raws.end(), [](const Raw& r) { return r.reason == 0; }), 200);
}

// SEND payload -> send buffer -> datagram -> receive -> receive buffer -> RECEIVE payload, all lengths, buffer wraps.
TYPED_TEST(Datapath, Loopback) {
  Bench<TypeParam> b(8);
  b.auto_release = false;
  std::vector<std::uint32_t> lengths;
  for (std::uint32_t len = 0; len <= 200; ++len) lengths.push_back(len);
  for (std::uint32_t len : {536U, 1023U, 1024U, 1025U, 1460U, 2000U, 2004U, 2007U, 2008U}) lengths.push_back(len);
  for (std::uint32_t len : lengths) {
    if (len % 10 == 0) TestFixture::random_rates(b);
    TxDesc t = TestFixture::segment(b, len);
    if (len > 2004) t.mss_valid = false;
    if (len > 0) {
      b.push_writer({t.idx, 7, t.seq, len, 0});
      const std::uint64_t done = b.writes_done();
      while (b.writes_done() == done) b.tick();
    }
    b.push_tx(t);
    b.drain();
    ASSERT_FALSE(b.sent.empty());
    const Bytes d = b.sent.back();
    ASSERT_EQ(d.size(), (t.mss_valid ? 44 : 40) + len);
    b.set_local({t.rip, 0, 0, 0});
    b.receive(d);
    while (b.raws.empty()) b.tick();
    const Raw r = b.raws.front();
    b.raws.clear();
    ASSERT_EQ(r.reason, 0U) << "length " << len;
    ASSERT_EQ(r.pay_len, len);
    ASSERT_EQ(r.seq, t.seq);
    const std::uint32_t idx = b.rnd(16), base = b.rnd();
    b.push_mover({r.slot, r.pay_off, len, idx, base});
    if (len > 0) b.push_reader({idx, 0x1234, base, len, 0});
    b.tick();
    b.drain();
    if (len > 0) {
      ASSERT_EQ(b.delivered.back(), Bytes(d.end() - static_cast<std::ptrdiff_t>(len), d.end()));
    }
  }
}

// A SEND and a RECEIVE of a whole buffer, and one octet.
TYPED_TEST(Datapath, WholeBuffer) {
  using Bench = Bench<TypeParam>;
  Bench b(10);
  b.auto_release = false;
  for (std::uint32_t len : {std::uint32_t{Bench::TX_BUF}, std::uint32_t{Bench::TX_BUF} - 1, 1U}) {
    b.push_writer({3, 5, 0xfffff001, len, 0});
    b.drain();
  }
  for (std::uint32_t len : {std::uint32_t{Bench::RX_BUF}, std::uint32_t{Bench::RX_BUF} - 1, 1U}) {
    b.push_reader({3, 5, 0xfffff001, len, 0});
    b.drain();
    EXPECT_EQ(b.delivered.back().size(), len);
  }
}

// txd_issued/txd_loaded, mv_issued/mv_done and the IPv4 identification pass 65535. At one width; they have none.
TYPED_TEST(Datapath, CounterWrap) {
  using Bench = Bench<TypeParam>;
  if constexpr (Bench::B == 64) {
    Bench b(11);
    for (std::uint32_t i = 0; i < 66000; ++i) {
      while (b.txq() >= 8) b.tick();
      b.push_tx(TestFixture::segment(b, 0));
      if (i % 1000 == 0) b.push_writer({b.rnd(Bench::CONNS), 1, b.rnd(), 1 + b.rnd(100), 0});
      if (i % 1000 == 500) b.push_reader({b.rnd(Bench::CONNS), 1, b.rnd(), 1 + b.rnd(100), 0});
      b.receive(Bytes(20));
      b.tick();
      if (this->HasFatalFailure()) return;
    }
    b.drain();
    EXPECT_EQ(b.sent.size(), 66000U);
    EXPECT_EQ(b.raws.size(), 66000U);
  }
}

// Everything at once and at random; the writer must wait for descriptors, the reader for the mover.
TYPED_TEST(Datapath, Storm) {
  using Bench = Bench<TypeParam>;
  Bench b(9);
  b.auto_release = false;
  b.set_local({kLocal, 0, 0, 0});
  for (int i = 0; i < 60000; ++i) {
    if (i % 1500 == 0) {
      TestFixture::random_rates(b);
      b.top->ttl_i = static_cast<CData>(b.rnd()), b.top->tos_i = static_cast<CData>(b.rnd()),
      b.top->df_i = b.chance(50);
    }
    if (b.chance(5)) b.receive(datagram(b.rng, {20, 20U + 4U * b.rnd(3), b.rnd(300), 0}));
    if (b.txq() < 16 && b.chance(8))
      b.push_tx(TestFixture::segment(b, b.chance(30) ? 0 : b.chance(90) ? b.rnd(200) : b.rnd(2009)));
    if (!b.raws.empty()) {
      const Raw r = b.raws.front();
      b.raws.pop_front();
      const std::uint32_t skip = r.reason || r.pay_len == 0 ? 0 : b.rnd(r.pay_len);
      b.push_mover({r.slot, r.pay_off + skip, r.reason ? 0 : r.pay_len - skip, b.rnd(Bench::CONNS), b.rnd()});
    }
    if (b.chance(50)) {  // the two share pins here
      if (b.writer_queue() < 4 && b.chance(4))
        b.push_writer(
            {b.rnd(Bench::CONNS), b.rnd(65536), b.rnd(), b.chance(80) ? 1 + b.rnd(100) : 1 + b.rnd(Bench::TX_BUF), 0});
    } else {
      if (b.reader_queue() < 4 && b.chance(4))
        b.push_reader(
            {b.rnd(Bench::CONNS), b.rnd(65536), b.rnd(), b.chance(80) ? 1 + b.rnd(100) : 1 + b.rnd(Bench::RX_BUF), 0});
    }
    b.tick();
    if (this->HasFatalFailure()) return;
  }
  EXPECT_GT(b.sent.size(), 100U);
}

}  // namespace
}  // namespace tiptoe::rtl_test
