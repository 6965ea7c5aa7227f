// SPDX-License-Identifier: Apache-2.0
// What holds whatever happens: transfers over a bad network, and random events in every state.
#include "pair.hpp"

namespace tiptoe::tcp {
namespace {

class Transfer : public testing::TestWithParam<std::uint32_t> {};

TEST_P(Transfer, EveryOctetArrivesOnce) {
  Pair::Setup s;
  s.seed = GetParam();
  s.rx_log2 = 11 + s.seed % 6;
  s.tx_log2 = 11 + s.seed / 2 % 6;
  s.mss = s.seed % 3 == 0 ? 1460 : s.seed % 3 == 1 ? 536 : 256;
  s.simultaneous = s.seed % 7 == 0;
  s.slow_reader = s.seed % 5 == 0;
  s.nodelay = s.seed % 2 == 0;
  s.keepalive = s.seed % 4 == 0;
  s.features = s.seed % 3 == 0 ? 0 : 0x3F;
  s.loss = s.seed % 8 == 0 ? 0 : 0.02 * (s.seed % 5);
  Pair pair(s);
  EXPECT_TRUE(pair.run()) << "events " << pair.events() << ", retransmissions " << pair.retransmissions();
  if (s.loss == 0 && s.late == 0) {
    EXPECT_EQ(pair.retransmissions(), 0U);
  }
}

INSTANTIATE_TEST_SUITE_P(Seeds, Transfer, testing::Range(1U, 121U));

TEST(GoodNetwork, NothingIsRepeatedOnAGoodNetwork) {
  for (std::uint32_t seed = 1; seed < 10; ++seed) {
    Pair::Setup s;
    s.seed = seed;
    s.loss = s.late = s.twice = 0;
    s.rx_log2 = 14;
    Pair pair(s);
    EXPECT_TRUE(pair.run());
    EXPECT_EQ(pair.retransmissions(), 0U);
  }
}

// Random segments, calls, timers and payload events.
class Chaos : public testing::TestWithParam<const char*> {};

TEST_P(Chaos, InvariantsHold) {
  std::mt19937 rng(7);
  const auto below = [&](std::uint32_t n) { return static_cast<std::uint32_t>(rng() % n); };
  for (int run = 0; run < 300; ++run) {
    Bench b(static_cast<std::uint32_t>(rng()), static_cast<std::uint32_t>(rng()));
    b.tap = [](const Record& before, const Deadlines&, const Event&, const Config& cfg, const Decision& d) {
      check_invariants(before, d, cfg);
    };
    b.cfg.rx_buf_log2 = 11 + below(6);
    b.cfg.tx_buf_log2 = 11 + below(6);
    b.cfg.features = below(256);
    b.cfg.fw2_timeout = below(2) * 1'000'000;
    b.cfg.open_timeout = below(2) * 1'000'000;
    b.cfg.data_retries = 1 + below(10);
    b.cfg.keep_idle_s = 1;
    b.reach(GetParam());
    for (int i = 0; i < 200 && !HasFatalFailure(); ++i) {
      b.now += below(4) == 0 ? below(3'000'000) : below(1000);
      const auto around = [&](std::uint32_t base) {
        switch (below(6)) {
          case 0: return base;
          case 1: return base + below(3) - 1;
          case 2: return base + below(3000);
          case 3: return base - below(3000);
          case 4: return base + b.W() + below(5) - 2;
          default: return base + below(70000);
        }
      };
      switch (below(8)) {
        case 0: b.call(static_cast<Op>(3 + below(2)), below(5000)); break;
        case 1:
          if (below(10) == 0) b.call(static_cast<Op>(1 + below(9)), below(3000), static_cast<int>(below(8)));
          break;
        case 2:
          for (const Timer t : {Timer::RTX, Timer::DACK, Timer::KEEP, Timer::WAIT, Timer::USER}) {
            if (b.t.armed(t) && below(3) == 0) {
              b.fire(t);
              break;
            }
          }
          break;
        case 3: b.event(Source::OUT); break;
        default: {
          b.peer_wnd = static_cast<std::uint16_t>(below(5) == 0 ? 0 : below(65536));
          int flags = ACK;
          if (below(10) == 0) flags = static_cast<int>(below(64));
          if (below(30) == 0) flags |= FIN;
          const std::uint32_t seq = below(3) == 0 ? b.R() : around(b.R());
          const std::uint32_t ack = below(3) == 0 ? b.U() : below(3) == 0 ? b.S() : around(b.U());
          b.seg(flags, seq, ack, static_cast<std::uint16_t>(below(2) == 0 ? 0 : below(1500)));
        }
      }
      // A connection is deleted only by something that says so.
      if (b.r.state == State::CLOSED) break;
    }
    if (HasFatalFailure()) return;
  }
}

INSTANTIATE_TEST_SUITE_P(States, Chaos,
                         testing::Values("LI", "SS", "SR", "SA", "ES", "F1", "F2", "CW", "CG", "LA", "TW"));

TEST(Pure, SameInputsSameDecision) {
  Pair::Setup s;
  s.seed = 3;
  Pair pair(s, [](const Record& r, const Deadlines& t, const Event& e, const Config& cfg, const Decision& d) {
    ASSERT_EQ(process(r, t, e, cfg), d);
  });
  EXPECT_TRUE(pair.run());
}

}  // namespace
}  // namespace tiptoe::tcp
