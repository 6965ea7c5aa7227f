// SPDX-License-Identifier: Apache-2.0
// What is sent: Nagle, windows, retransmission, congestion control, persist, keepalive, timeouts.
#include "bench.hpp"

namespace tiptoe::tcp {
namespace {

TEST(Output, InitialWindow) {  // RFC 5681 3.1
  const auto cwnd = [](std::uint16_t mss, std::uint32_t iw_segs = 0) {
    Bench b;
    b.cfg.mtu = 2048;
    b.cfg.iw_segs = iw_segs;
    b.peer_mss = mss;
    b.established();
    return b.r.cwnd;
  };
  EXPECT_EQ(cwnd(1000), 4000U);
  EXPECT_EQ(cwnd(1095), 4380U);
  EXPECT_EQ(cwnd(1096), 3288U);
  EXPECT_EQ(cwnd(1000, 10), 10000U);
}

TEST(Output, SlowStart) {
  Bench b;
  b.established();
  b.call(Op::SEND, 16384);
  EXPECT_EQ(b.out(), "A 1 1 1000; A 1001 1 1000; A 2001 1 1000; A 3001 1 1000");
  b.seg(ACK, b.R(), b.U() + 1000);
  EXPECT_EQ(b.out(), "A 4001 1 1000; A 5001 1 1000");
  EXPECT_EQ(b.r.cwnd, 5000U);
}

TEST(Output, CongestionAvoidance) {
  Bench b;
  b.established();
  b.r.ssthresh = 4000;
  b.call(Op::SEND, 16384);
  for (int i = 0; i < 3; ++i) b.seg(ACK, b.R(), b.U() + 1000);
  EXPECT_EQ(b.r.cwnd, 4000U);
  b.seg(ACK, b.R(), b.U() + 1000);
  EXPECT_EQ(b.r.cwnd, 5000U);
}

TEST(Output, PeersWindow) {
  Bench b;
  b.peer_wnd = 2500;
  b.established();
  b.call(Op::SEND, 5000);
  // 500 octets would be a silly window.
  EXPECT_EQ(b.out(), "A 1 1 1000; A 1001 1 1000");
}

TEST(Output, Nagle) {  // RFC 9293 3.7.4
  Bench b;
  b.established();
  b.call(Op::SEND, 10);
  EXPECT_EQ(b.out(), "PA 1 1 10");
  b.call(Op::SEND, 10);
  EXPECT_EQ(b.out(), "");
  b.call(Op::SEND, 10);
  b.seg(ACK, b.R(), b.S());
  EXPECT_EQ(b.out(), "PA 11 1 20");
  b.call(Op::SETOPT, 0, NODELAY);
  b.call(Op::SEND, 10);
  EXPECT_EQ(b.out(), "PA 31 1 10");
}

TEST(Rto, FirstSampleAndLater) {  // RFC 6298 2
  Bench b;
  b.cfg.rto_min = 1000;
  b.syn();
  b.now += 100'000;
  b.seg(ACK, b.R(), b.S());
  EXPECT_EQ(b.r.srtt, 800'000U);
  EXPECT_EQ(b.r.rttvar, 200'000U);
  EXPECT_EQ(b.r.rto, 300'000U);
  b.accept();
  b.call(Op::SEND, 10);
  EXPECT_EQ(b.due(Timer::RTX), 300'000);
  b.now += 200'000;
  b.seg(ACK, b.R(), b.S());
  EXPECT_EQ(b.r.srtt, 900'000U);    // 112.5 ms
  EXPECT_EQ(b.r.rttvar, 250'000U);  // 62.5 ms
  EXPECT_EQ(b.r.rto, 362'500U);
  EXPECT_EQ(b.due(Timer::RTX), -1);
}

TEST(Rto, DoublesAndGivesUp) {  // RFC 6298 5.5, RFC 9293 3.8.3
  Bench b;
  b.established();
  b.call(Op::SEND, 10);
  std::int64_t expected = 1'000'000;
  for (int i = 1; i <= 8; ++i) {
    b.out();
    EXPECT_EQ(b.due(Timer::RTX), expected);
    b.fire(Timer::RTX);
    EXPECT_EQ(b.out(), "PA 1 1 10");
    EXPECT_TRUE(b.d.counted(Counter::RetransSegs));
    EXPECT_EQ(b.events(), i == 3 ? EVT_SOFT : 0);
    expected = std::min<std::int64_t>(2 * expected, 60'000'000);
  }
  b.fire(Timer::RTX);
  EXPECT_EQ(b.out(), "");
  EXPECT_EQ(b.r.state, State::CLOSED);
  EXPECT_EQ(b.events(), EVT_TIMEOUT | EVT_CLOSED);
}

TEST(Rto, Karn) {  // RFC 6298 3
  Bench b;
  b.established();
  b.call(Op::SEND, 10);
  b.fire(Timer::RTX);
  const std::uint32_t srtt = b.r.srtt;
  b.now += 100;
  b.seg(ACK, b.R(), b.S());
  EXPECT_EQ(b.r.srtt, srtt);
  EXPECT_EQ(b.r.rto, 2'000'000U);  // backed off until there is a new sample
}

TEST(Rto, Syn) {
  for (const char* s : {"SS", "SR"}) {
    Bench b;
    b.reach(s);
    for (int i = 0; i < 7; ++i) {
      EXPECT_EQ(b.due(Timer::RTX), std::min(1'000'000LL << i, 60'000'000LL));
      b.fire(Timer::RTX);
      EXPECT_EQ(b.out(), s == std::string("SS") ? "S 0" : "SA 0 1");
    }
    b.fire(Timer::RTX);
    EXPECT_EQ(b.out(), "");
    EXPECT_EQ(b.r.state, State::CLOSED);
    EXPECT_TRUE(b.d.counted(Counter::AttemptFails));
  }
}

TEST(Rto, AfterRepeatedSyn) {  // RFC 6298 5.7, RFC 5681 3.1
  Bench b;
  b.syn();
  b.fire(Timer::RTX);
  b.seg(ACK, b.R(), b.S());
  EXPECT_EQ(b.r.rto, 3'000'000U);
  EXPECT_EQ(b.r.cwnd, 1000U);
}

TEST(Rto, RestartedByNewAck) {
  Bench b;
  b.established();
  b.call(Op::SEND, 2000);
  b.now += 600'000;
  b.seg(ACK, b.R(), b.U() + 1000);
  EXPECT_EQ(b.due(Timer::RTX), b.r.rto);
}

TEST(Rto, GoesBack) {
  Bench b;
  b.established();
  b.call(Op::SEND, 4000);
  b.out();
  b.fire(Timer::RTX);
  EXPECT_EQ(b.out(), "A 1 1 1000");
  EXPECT_EQ(b.r.cwnd, 1000U);
  EXPECT_EQ(b.r.ssthresh, 2000U);
  b.seg(ACK, b.R(), b.U() + 1000);
  EXPECT_EQ(b.out(), "A 1001 1 1000; A 2001 1 1000");
  b.seg(ACK, b.R(), b.S());  // the rest had arrived
  EXPECT_EQ(b.out(), "");
  EXPECT_EQ(b.due(Timer::RTX), -1);
}

TEST(FastRetransmit, NewReno) {  // RFC 5681 3.2, RFC 6582, RFC 3042
  Bench b;
  b.established();
  b.call(Op::SEND, 10'000);
  b.out();
  const std::uint32_t u = b.U();
  b.seg(ACK, b.R(), u);
  b.seg(ACK, b.R(), u);
  EXPECT_EQ(b.out(), "A 4001 1 1000; A 5001 1 1000");  // limited transmit
  b.seg(ACK, b.R(), u);
  EXPECT_EQ(b.out(), "A 1 1 1000");
  EXPECT_TRUE(b.r.in_recovery);
  EXPECT_EQ(b.r.ssthresh, 2000U);  // what limited transmit added is left out
  EXPECT_EQ(b.r.cwnd, 5000U);
  b.seg(ACK, b.R(), u);
  EXPECT_EQ(b.out(), "");       // 6000 in flight, and cwnd is 6000
  b.seg(ACK, b.R(), u + 2000);  // partial
  EXPECT_EQ(b.out(), "A 2001 1 1000; A 6001 1 1000");
  EXPECT_EQ(b.r.cwnd, 5000U);
  b.seg(ACK, b.R(), u + 6000);  // all that was outstanding
  EXPECT_FALSE(b.r.in_recovery);
  EXPECT_EQ(b.r.cwnd, 2000U);
}

TEST(FastRetransmit, NotForWindowUpdatesOrData) {
  Bench b;
  b.established();
  b.call(Op::SEND, 4000);
  b.out();
  for (int i = 0; i < 5; ++i) {
    b.peer_wnd = static_cast<std::uint16_t>(b.peer_wnd - 1);
    b.seg(ACK, b.R(), b.U());
    b.seg(ACK, b.R(), b.U(), 10);
  }
  EXPECT_EQ(b.r.dupacks, 0);
  EXPECT_FALSE(b.r.in_recovery);
}

// A window of 6000 (the initial one is 4000), all acknowledged.
void grown(Bench& b) {
  b.established();
  b.call(Op::SEND, 4000);
  b.seg(ACK, b.R(), b.U() + 1000);
  b.seg(ACK, b.R(), b.S());
  b.clear();
  EXPECT_EQ(b.r.cwnd, 6000U);
  EXPECT_EQ(b.r.last_sent, b.now);
}

TEST(RestartWindow, AfterMoreThanOneRto) {  // RFC 5681 4.1
  for (const std::uint64_t idle : {1'000'000ULL, 1'000'001ULL, 1ULL << 32, (1ULL << 32) + 10, 1ULL << 47}) {
    SCOPED_TRACE(idle);
    Bench b;
    grown(b);
    b.r.ca_acc = 5;
    b.now += idle;
    b.call(Op::SEND, 10'000);
    const bool cut = idle > 1'000'000;
    EXPECT_EQ(b.sent.size(), cut ? 4U : 6U);
    EXPECT_EQ(b.r.cwnd, cut ? 4000U : 6000U);
    EXPECT_EQ(b.r.ca_acc, cut ? 0U : 5U);
    EXPECT_EQ(b.r.ssthresh, 0x3FFFFFFFU);
    EXPECT_EQ(b.r.last_sent, b.now);
  }
}

TEST(RestartWindow, WhatThePeerSendsDoesNotEndTheSilence) {
  Bench b;
  grown(b);
  b.now += 10 * SECOND;
  b.seg(ACK, b.R(), b.S(), 100);
  b.fire(Timer::DACK);
  EXPECT_EQ(b.out(), "A 4001 101");  // an ACK is no text
  EXPECT_EQ(b.r.cwnd, 6000U);        // nothing to send, nothing to restart
  b.call(Op::SEND, 10'000);
  EXPECT_EQ(b.sent.size(), 4U);
}

TEST(RestartWindow, NeverOpensTheWindow) {
  Bench b;
  grown(b);
  b.call(Op::SEND, 1000);
  b.fire(Timer::RTX);
  b.seg(ACK, b.R(), b.S());
  EXPECT_EQ(b.r.cwnd, 2000U);
  b.now += 100 * SECOND;
  b.clear();
  b.call(Op::SEND, 10'000);
  EXPECT_EQ(b.sent.size(), 2U);
}

TEST(RestartWindow, AsConfigured) {
  Bench b;
  b.cfg.iw_segs = 5;
  b.established();
  b.call(Op::SEND, 7000);
  while (b.U() != b.S()) b.seg(ACK, b.R(), b.U() + 1000);
  b.clear();
  EXPECT_GT(b.r.cwnd, 5000U);
  b.now += 2 * SECOND;
  b.call(Op::SEND, 10'000);
  EXPECT_EQ(b.sent.size(), 5U);
}

TEST(RestartWindow, ProbesAreSeldomEnough) {  // a probe a minute is no ACK clock
  Bench b;
  grown(b);
  b.peer_wnd = 0;
  b.seg(ACK, b.R(), b.S());
  b.call(Op::SEND, 10'000);
  b.fire(Timer::RTX);
  EXPECT_EQ(b.r.last_sent, b.now);
  b.now += b.r.rto + 1;
  b.clear();
  b.peer_wnd = 60'000;
  b.seg(ACK, b.R(), b.U());
  EXPECT_EQ(b.sent.size(), 4U);
}

TEST(Fin, RetransmittedAlone) {
  Bench b;
  b.established();
  b.call(Op::SEND, 10);
  b.call(Op::CLOSE);
  EXPECT_EQ(b.out(), "PA 1 1 10; FA 11 1");
  b.seg(ACK, b.R(), b.U() + 10);
  b.fire(Timer::RTX);
  EXPECT_EQ(b.out(), "FA 11 1");
  EXPECT_EQ(b.sent.size(), 0U);
  b.seg(ACK, b.R(), b.S());
  EXPECT_EQ(b.r.state, State::FIN_WAIT_2);
  EXPECT_EQ(b.due(Timer::RTX), -1);
}

TEST(Persist, Probes) {  // RFC 9293 3.8.6.1
  for (const char* s : {"ES", "CW"}) {
    Bench b;
    b.reach(s);
    b.peer_wnd = 0;
    b.seg(ACK, b.R(), b.S());
    b.call(Op::SEND, 100);
    EXPECT_EQ(b.out(), "");
    EXPECT_TRUE(b.r.persist);
    EXPECT_EQ(b.due(Timer::USER), -1);
    std::int64_t expected = 1'000'000;
    for (int i = 0; i < 20; ++i) {
      EXPECT_EQ(b.due(Timer::RTX), expected);
      b.fire(Timer::RTX);
      EXPECT_EQ(b.out(), s == std::string("ES") ? "A 1 1 1" : "A 1 2 1");
      b.seg(ACK, b.R(), b.U());  // as long as it answers: MUST-37
      expected = std::min<std::int64_t>(2 * expected, 60'000'000);
    }
    EXPECT_EQ(b.r.state, short_state(s));
    b.peer_wnd = 5000;
    b.seg(ACK, b.R(), b.U());
    EXPECT_EQ(b.out(), s == std::string("ES") ? "PA 1 1 100" : "PA 1 2 100");
    EXPECT_FALSE(b.r.persist);
    EXPECT_EQ(b.due(Timer::RTX), 1'000'000);
  }
}

TEST(Persist, IntervalGrowsAndEnds) {
  Bench b;
  b.established();
  b.peer_wnd = 0;
  b.seg(ACK, b.R(), b.S());
  b.call(Op::SEND, 100);
  for (int i = 0; i < 8; ++i) {
    EXPECT_EQ(b.due(Timer::RTX), std::min(1'000'000LL << i, 60'000'000LL));
    b.fire(Timer::RTX);
  }
  b.fire(Timer::RTX);
  EXPECT_EQ(b.r.state, State::CLOSED);
  EXPECT_EQ(b.events(), EVT_TIMEOUT | EVT_CLOSED);
}

TEST(Persist, OpenedWithNothingInFlight) {
  Bench b;
  b.established();
  b.peer_wnd = 0;
  b.seg(ACK, b.R(), b.S());
  b.call(Op::SEND, 100);
  b.peer_wnd = 1000;
  b.now += 900'000;
  b.seg(ACK, b.R(), b.S());
  EXPECT_EQ(b.out(), "PA 1 1 100");
  EXPECT_EQ(b.due(Timer::RTX), 1'000'000);  // RFC 6298 5.1: a full RTO
}

TEST(Persist, OldAndNewOctetsCountTwice) {  // RFC 4022 tcpOutSegs, tcpRetransSegs
  Bench b;
  std::string counted;
  b.tap = [&](const Record&, const Deadlines&, const Event&, const Config&, const Decision& d) {
    if (!d.tx) return;
    counted += d.counted(Counter::OutSegs) ? "O" : "";
    counted += d.counted(Counter::RetransSegs) ? "R" : "";
    counted += ' ';
  };
  b.open();
  b.fire(Timer::RTX);
  b.syn();  // crosses ours: SYN,ACK
  EXPECT_EQ(counted, "O R R ");
  b.seg(SYN | ACK, b.irs, b.S());
  b.peer_wnd = 0;
  b.seg(ACK, b.R(), b.S());
  counted.clear();
  b.call(Op::SEND, 100);
  b.fire(Timer::RTX);
  b.fire(Timer::RTX);
  b.peer_wnd = 1000;
  b.seg(ACK, b.R(), b.U());
  EXPECT_EQ(counted, "O R OR ");
}

TEST(Persist, OurSynIsNoText) {  // FIN_WAIT_1 before the SYN,ACK is acknowledged, into a closed window
  Bench b;
  b.peer_wnd = 0;
  b.syn_received_active();
  b.clear();
  b.call(Op::CLOSE);
  EXPECT_EQ(b.out(), "FA 1 1");
  EXPECT_FALSE(b.r.persist);
  b.fire(Timer::RTX);
  EXPECT_EQ(b.out(), "SA 0 1; FA 1 1");
}

TEST(Persist, FinIsNotBlocked) {
  Bench b;
  b.established();
  b.peer_wnd = 0;
  b.seg(ACK, b.R(), b.S());
  b.call(Op::CLOSE);
  EXPECT_EQ(b.out(), "FA 1 1");
  EXPECT_FALSE(b.r.persist);
  b.fire(Timer::RTX);
  EXPECT_EQ(b.out(), "FA 1 1");
}

TEST(Keepalive, Probes) {  // RFC 9293 3.8.4
  Bench b;
  b.established();
  b.call(Op::SETOPT, 0, KEEPALIVE);
  EXPECT_EQ(b.due(Timer::KEEP), 7'200'000'000);
  for (int i = 0; i < 9; ++i) {
    b.fire(Timer::KEEP);
    EXPECT_EQ(b.out(), "A 0 1");
    EXPECT_EQ(b.due(Timer::KEEP), 75'000'000);
  }
  b.seg(ACK, b.R(), b.S());
  EXPECT_EQ(b.due(Timer::KEEP), 7'200'000'000);
  for (int i = 0; i < 9; ++i) b.fire(Timer::KEEP);
  b.out();
  b.fire(Timer::KEEP);
  EXPECT_EQ(b.out(), "");
  EXPECT_EQ(b.r.state, State::CLOSED);
  EXPECT_EQ(b.events(), EVT_TIMEOUT | EVT_CLOSED);
}

TEST(Keepalive, NotWithDataOutstanding) {
  Bench b;
  b.established();
  b.call(Op::SETOPT, 0, KEEPALIVE);
  b.call(Op::SEND, 10);
  b.out();
  b.fire(Timer::KEEP);
  EXPECT_EQ(b.out(), "");
  EXPECT_EQ(b.due(Timer::KEEP), 7'200'000'000);
}

TEST(UserTimeout, EveryState) {  // RFC 9293 3.10.8
  struct Cell {
    const char* state;
    const char* out;
  };
  for (const Cell& c : {Cell{"SS", ""},
                        {"SA", "RA 1 1"},
                        {"ES", "RA 11 1"},
                        {"F1", "RA 2 1"},
                        {"CW", "RA 11 2"},
                        {"CG", ""},
                        {"LA", ""}}) {
    SCOPED_TRACE(c.state);
    Bench b;
    b.reach(c.state);
    if (b.r.state == State::ESTABLISHED || b.r.state == State::CLOSE_WAIT) b.call(Op::SEND, 10);
    b.clear();
    b.fire(Timer::USER);
    EXPECT_EQ(b.out(), c.out);
    EXPECT_EQ(b.r.state, State::CLOSED);
    EXPECT_EQ(b.events(), EVT_TIMEOUT | EVT_CLOSED);
  }
}

TEST(UserTimeout, OnlyWhileSomethingIsOutstanding) {
  Bench b;
  b.established();
  EXPECT_EQ(b.due(Timer::USER), -1);
  b.call(Op::SEND, 10);
  EXPECT_EQ(b.due(Timer::USER), 300'000'000);
  b.seg(ACK, b.R(), b.S());
  EXPECT_EQ(b.due(Timer::USER), -1);
}

TEST(FinWait2, Timeout) {
  Bench b;
  b.cfg.fw2_timeout = 60'000'000;
  b.fin_wait_2();
  EXPECT_EQ(b.due(Timer::WAIT), 60'000'000);
  b.now += SECOND;
  b.seg(ACK, b.R(), b.S(), 10);
  EXPECT_EQ(b.due(Timer::WAIT), 60'000'000);
  b.out();
  b.clear();
  b.fire(Timer::WAIT);
  EXPECT_EQ(b.out(), "");
  EXPECT_EQ(b.events(), EVT_TIMEOUT | EVT_CLOSED);
}

TEST(FinWait2, HalfCloseHasNoTimeout) {
  Bench b;
  b.cfg.fw2_timeout = 60'000'000;
  b.established();
  b.call(Op::CLOSE, 0, HALF);
  b.seg(ACK, b.R(), b.S());
  EXPECT_EQ(b.r.state, State::FIN_WAIT_2);
  EXPECT_EQ(b.due(Timer::WAIT), -1);
}

TEST(Timers, StaleRequestDoesNothing) {
  Bench b;
  b.established();
  b.call(Op::SEND, 10);
  b.clear();
  const Record before = b.r;
  Event e;
  e.source = Source::TMR;
  e.has_conn = true;
  e.timer = Timer::RTX;
  b.run(e);  // armed, but not yet due
  EXPECT_EQ(b.r, before);
  e.timer = Timer::WAIT;
  b.run(e);  // not armed
  EXPECT_EQ(b.r, before);
  EXPECT_EQ(b.out(), "");
  EXPECT_TRUE(b.d.write);
}

}  // namespace
}  // namespace tiptoe::tcp
