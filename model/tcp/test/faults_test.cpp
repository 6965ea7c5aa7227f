// SPDX-License-Identifier: Apache-2.0
// Every protocol fault changes some decision, and none of them changes anything unless it is active. The golden model
// is led through much of the protocol; every faulty model is asked what it would have done at each step.
#include "tiptoe/tcp/faults.hpp"

#include <set>

#include "pair.hpp"
#include "transition_table.hpp"

namespace tiptoe::tcp {
namespace {

class Catalogue : public testing::Test {
 protected:
  void look(const Record& r, const Deadlines& t, const Event& e, const Config& cfg, const Decision& golden) {
    ++looked_;
    for (const FaultInfo& f : PROTOCOL_FAULTS) {
      if (seen_.contains(f.fault)) continue;
      if (process(r, t, e, cfg, Faults{f.fault}) != golden) seen_.insert(f.fault);
    }
  }
  Pair::Tap tap() {
    return [this](const Record& r, const Deadlines& t, const Event& e, const Config& cfg, const Decision& d) {
      look(r, t, e, cfg, d);
    };
  }
  Bench bench(std::uint32_t iss = 0xFFFFFFF0) {
    Bench b(iss);
    b.tap = tap();
    return b;
  }

  std::set<Fault> seen_;
  std::uint64_t looked_ = 0;
};

// One call, and every timer until nothing is armed.
void live_and_die(Bench& b, Op op, int flags) {
  b.call(op, 700, flags);
  for (int i = 0; i < 60; ++i) {
    for (const Timer t : {Timer::DACK, Timer::RTX, Timer::KEEP, Timer::WAIT, Timer::USER}) {
      if (!b.t.armed(t)) continue;
      b.fire(t);
      break;
    }
  }
}

TEST_F(Catalogue, EveryFaultIsAlive) {
  // Segments in every state.
  for (const Row& row : transition_table()) {
    for (std::size_t i = 0; i < STATES.size(); ++i) {
      if (row.cell[i] == std::string("-")) continue;
      for (std::size_t variant = 0;; ++variant) {
        Bench b = bench();
        b.reach(STATES[i]);
        const auto stimuli = row.stimuli(b);
        if (variant == stimuli.size()) break;
        b.seg(stimuli[variant]);
      }
    }
  }
  // Calls and timers in every state.
  for (const char* s : STATES) {
    for (int op = 1; op <= 9; ++op) {
      for (const int wnd : {0, 1000}) {
        Bench b = bench();
        b.cfg.keep_idle_s = 100;
        b.reach(s);
        if (b.r.state != State::CLOSED) b.call(Op::SETOPT, 0, KEEPALIVE);
        b.peer_wnd = static_cast<std::uint16_t>(wnd);
        if (b.r.state >= State::ESTABLISHED && b.r.state != State::TIME_WAIT) b.seg(ACK, b.R(), b.U());
        live_and_die(b, static_cast<Op>(op), op % 2 == 0 ? NODELAY : KEEPALIVE);
      }
    }
  }
  // Random transfers.
  for (std::uint32_t seed = 1; seed <= 10; ++seed) {
    Pair::Setup s;
    s.seed = seed;
    s.rx_log2 = 11 + seed % 4;
    s.simultaneous = seed % 7 == 0;
    s.slow_reader = seed % 5 == 0;
    s.nodelay = seed % 2 == 0;
    s.mss = seed % 2 == 0 ? 1460 : 536;
    Pair(s, tap()).run();
  }
  // What is left.
  {  // no MSS option, other MSS, no fixed ISN, duplicate listener, full tables, quiet time
    Bench b = bench();
    b.cfg.features &= ~std::uint32_t{FIXED_ISS};
    b.peer_mss_valid = false;
    b.established();
    Bench big = bench();
    big.peer_mss = 5000;
    big.established();
    Bench full = bench();
    full.lsn_room = false;
    full.syn();
    Event e = full.command(Op::OPEN_PASSIVE);
    e.lsn_duplicate = true;
    full.call(e);
    e = bench().command(Op::OPEN_ACTIVE);
    e.cmd.rip = 0xE0000001;
    bench().call(e);
  }
  {  // an orphan
    Bench b = bench();
    b.syn();
    b.seg(ACK, b.R(), b.S());
    b.fire(Timer::WAIT);
    b.lsn_dead = true;
    b.seg(ACK, b.R(), b.S());
  }
  {  // challenge limit
    Bench b = bench();
    b.established();
    for (int i = 0; i < 12; ++i) b.seg(SYN, b.R() + 5, 0);
  }
  {  // fast retransmission, with a short round trip
    Bench b = bench();
    b.cfg.rto_min = 200'000;
    b.established();
    b.call(Op::SEND, 10'000);
    for (int i = 0; i < 5; ++i) b.seg(ACK, b.R(), b.U());
    b.seg(ACK, b.R(), b.U() + 1000);
    b.seg(ACK, b.R(), b.r.recover);
    b.call(Op::SEND, 1000);
    for (int i = 0; i < 20 && b.U() != b.S(); ++i) {
      b.now += 1000;
      b.seg(ACK, b.R(), b.U() + std::min(1000U, b.S() - b.U()));
    }
  }
  {  // the peer's window: out of date, closed with data in it, opened
    Bench b = bench();
    b.established();
    b.call(Op::SEND, 3000);
    b.seg(ACK, b.R() + 10, b.U());
    b.peer_wnd = 100;
    b.seg(ACK, b.R(), b.U());
    b.call(Op::CLOSE);
    for (int i = 0; i < 3 && b.t.armed(Timer::RTX); ++i) b.fire(Timer::RTX);
  }
  {  // our window closes; the peer probes, acknowledges, resets
    Bench b = bench();
    b.cfg.rx_buf_log2 = 11;
    b.established();
    b.call(Op::SEND, 10);
    b.seg(ACK, b.R(), b.U(), 1000);
    b.seg(ACK, b.R(), b.U(), 1000);
    b.seg(ACK, b.R(), b.U(), 48);
    b.seg(ACK, b.R(), b.S(), 1);
    b.call(Op::SEND, 10);
    b.seg(ACK, b.R(), b.S());
    b.call(Op::RECEIVE, 10);
    b.call(Op::RECEIVE, 2000);
  }
  {  // old SYN and new SYN in TIME_WAIT
    Bench b = bench(0x1000);
    b.time_wait();
    b.seg(SYN, b.R() - 100, 0);
    b.cfg.isn_key[0] = 0x100000;
    b.seg(SYN, b.R() + 100, 0);
  }
  {  // the SYN,ACK was repeated; the user loses patience
    Bench b = bench();
    b.syn();
    b.fire(Timer::RTX);
    b.seg(ACK, b.R(), b.S());
    b.accept();
    b.call(Op::SETOPT, 0, KEEPALIVE);
    b.call(Op::SEND, 10);
    b.fire(Timer::KEEP);
    b.fire(Timer::USER);
  }
  {  // the peer's FIN again, later
    Bench b = bench();
    b.time_wait();
    b.now += SECOND;
    b.seg(FIN | ACK, b.R() - 1, b.S());
  }
  {  // a window that stays closed
    Bench b = bench();
    b.established();
    b.peer_wnd = 0;
    b.seg(ACK, b.R(), b.S());
    b.call(Op::SEND, 10);
    b.fire(Timer::RTX);
    b.seg(ACK, b.R(), b.U());
  }
  {  // silence for a little more than 2^32 microseconds
    Bench b = bench();
    b.established();
    for (int i = 0; i < 3; ++i) {
      b.call(Op::SEND, 4000);
      b.seg(ACK, b.R(), b.S());
    }
    b.now += (std::uint64_t{1} << 32) + 1000;
    b.call(Op::SEND, 10'000);
  }
  {  // CLOSE with data that waits for acknowledgments
    Bench b = bench();
    b.established();
    b.call(Op::SEND, 10);
    b.call(Op::SEND, 10);
    b.call(Op::CLOSE);
    b.seg(ACK, b.R(), b.U() + 20);
    b.fire(Timer::RTX);
  }
  for (const FaultInfo& f : PROTOCOL_FAULTS) EXPECT_TRUE(seen_.contains(f.fault)) << f.id << " changes nothing";
  RecordProperty("decisions", static_cast<int>(looked_));
}

TEST_F(Catalogue, EngineFaultsDoNotTouchTheProtocol) {
  Pair::Setup s;
  s.seed = 11;
  Pair(s, [](const Record& r, const Deadlines& t, const Event& e, const Config& cfg, const Decision& d) {
    for (const FaultInfo& f : ENGINE_FAULTS) ASSERT_EQ(process(r, t, e, cfg, Faults{f.fault}), d) << f.id;
  }).run();
}

// A faulty model is wrong, but it stays inside its buffers and comes to an end.
TEST(FaultyModel, StaysInBounds) {
  for (const FaultInfo& f : PROTOCOL_FAULTS) {
    SCOPED_TRACE(f.id);
    std::mt19937 rng(3);
    const auto below = [&](std::uint32_t n) { return static_cast<std::uint32_t>(rng() % n); };
    for (int run = 0; run < 20 && !HasFatalFailure(); ++run) {
      Bench b(static_cast<std::uint32_t>(rng()), static_cast<std::uint32_t>(rng()));
      b.faults.active = f.fault;
      b.cfg.rx_buf_log2 = 11;
      b.tap = [](const Record&, const Deadlines&, const Event& e, const Config& cfg, const Decision& d) {
        if (d.tx) {
          ASSERT_LE(d.segment.len, 2048);
        }
        if (d.store) {
          ASSERT_LE(d.store_off + d.store_len, 40 + e.seg.len);
        }
        if (d.store) {
          ASSERT_GE(d.store_off, 40);
        }
        ASSERT_LE(d.rsp_avail, (1U << cfg.rx_buf_log2) + 2);
        ASSERT_LE(d.xfer_len, 1U << 14);
      };
      b.reach(STATES[1 + below(STATES.size() - 1)]);
      for (int i = 0; i < 100 && !HasFatalFailure(); ++i) {
        b.now += below(1000);
        switch (below(6)) {
          case 0: b.call(static_cast<Op>(1 + below(9)), below(3000), static_cast<int>(below(8))); break;
          case 1: {
            for (const Timer t : {Timer::RTX, Timer::DACK, Timer::KEEP, Timer::WAIT, Timer::USER}) {
              if (!b.t.armed(t) || below(2) == 0) continue;
              b.fire(t);
              break;
            }
            break;
          }
          default:
            b.peer_wnd = static_cast<std::uint16_t>(below(4) == 0 ? 0 : below(65536));
            b.seg(below(8) == 0 ? static_cast<int>(below(64)) : int{ACK}, b.R() + below(5) - 2, b.U() + below(300),
                  static_cast<std::uint16_t>(below(2) * below(1400)));
        }
      }
    }
  }
}

}  // namespace
}  // namespace tiptoe::tcp
