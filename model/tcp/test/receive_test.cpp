// SPDX-License-Identifier: Apache-2.0
// What arrives: trimming, out-of-order ranges, FIN, delayed ACKs, the receive window, challenge ACKs.
#include "bench.hpp"

namespace tiptoe::tcp {
namespace {

TEST(Text, DelayedAck) {  // RFC 5681 4.2
  Bench b;
  b.established();
  b.seg(ACK, b.R(), b.S(), 100);
  EXPECT_EQ(b.out(), "");
  EXPECT_EQ(b.due(Timer::DACK), 200'000);
  b.seg(ACK, b.R(), b.S(), 100);
  EXPECT_EQ(b.out(), "A 1 201");
  EXPECT_EQ(b.due(Timer::DACK), -1);
  b.seg(ACK, b.R(), b.S(), 100);
  b.call(Op::SEND, 10);
  EXPECT_EQ(b.out(), "PA 1 301 10");  // piggybacked
  EXPECT_EQ(b.due(Timer::DACK), -1);
}

TEST(Text, NoDelayedAck) {
  Bench b;
  b.cfg.dack = 0;
  b.established();
  b.seg(ACK, b.R(), b.S(), 100);
  EXPECT_EQ(b.out(), "A 1 101");
}

TEST(Text, Store) {
  Bench b;
  b.established();
  b.seg(ACK, b.R(), b.S(), 100);
  EXPECT_TRUE(b.d.store);
  EXPECT_EQ(b.d.store_off, 40);
  EXPECT_EQ(b.d.store_len, 100);
  EXPECT_EQ(b.d.store_seq, b.irs + 1);
  b.seg(ACK, b.R() - 30, b.S(), 100);  // left trim
  EXPECT_EQ(b.d.store_off, 70);
  EXPECT_EQ(b.d.store_len, 70);
  EXPECT_EQ(b.d.store_seq, b.irs + 101);
  const std::uint32_t edge = b.r.rcv_adv;
  b.seg(ACK, edge - 10, b.S(), 100);  // right trim
  EXPECT_EQ(b.d.store_len, 10);
  EXPECT_EQ(b.r.ooo[0], (Range{true, edge - 10, edge}));
}

TEST(Text, CoversTheWholeWindow) {
  Bench b;
  b.cfg.rx_buf_log2 = 11;
  b.established();
  b.seg(ACK, b.R(), b.S(), 1000);
  b.seg(ACK, b.R(), b.S(), 1000);
  EXPECT_EQ(b.W(), 48U);
  b.clear();
  b.seg(ACK, b.R() - 1, b.S(), 50);
  EXPECT_EQ(b.d.reason, Reason::NONE);
  EXPECT_EQ(b.d.store_len, 48);
  EXPECT_EQ(b.W(), 0U);
}

TEST(Text, OutOfOrder) {
  Bench b;
  b.established();
  const std::uint32_t r = b.R();
  b.seg(ACK, r + 100, b.S(), 100);
  EXPECT_EQ(b.out(), "A 1 1");
  b.seg(ACK, r + 300, b.S(), 100);
  b.seg(ACK, r + 500, b.S(), 100);
  b.seg(ACK, r + 700, b.S(), 100);
  EXPECT_EQ(b.events(), 0);
  b.out();
  b.seg(ACK, r + 900, b.S(), 100);  // no range is free
  EXPECT_EQ(b.d.reason, Reason::OOO_FULL);
  EXPECT_TRUE(b.d.counted(Counter::OooDrops));
  EXPECT_EQ(b.out(), "A 1 1");
  EXPECT_FALSE(b.d.store);
  b.seg(ACK, r + 400, b.S(), 100);  // joins two
  EXPECT_EQ(b.r.ooo[1], (Range{true, r + 300, r + 600}));
  EXPECT_FALSE(b.r.ooo[2].valid);
  b.seg(ACK, r + 850, b.S(), 50);  // the free one again
  EXPECT_TRUE(b.r.ooo[2].valid);
  b.out();
  b.seg(ACK, r, b.S(), 100);  // fills the first hole
  EXPECT_EQ(b.out(), "A 1 201");
  EXPECT_EQ(b.events(), EVT_READABLE);
  b.seg(ACK, r + 200, b.S(), 500);
  EXPECT_EQ(b.out(), "A 1 801");
  b.seg(ACK, r + 800, b.S(), 50);
  EXPECT_EQ(b.out(), "A 1 901");
  for (const Range& o : b.r.ooo) EXPECT_FALSE(o.valid);
}

TEST(Fin, OutOfOrder) {
  Bench b;
  b.established();
  const std::uint32_t r = b.R();
  b.seg(FIN | ACK, r + 100, b.S(), 100);
  EXPECT_EQ(b.out(), "A 1 1");
  EXPECT_EQ(b.r.state, State::ESTABLISHED);
  EXPECT_EQ(b.r.fin_seq, r + 200);
  b.seg(ACK, r + 150, b.S(), 100);  // beyond the FIN: cut
  EXPECT_EQ(b.r.ooo[0].end, r + 200);
  b.out();
  b.seg(ACK, r, b.S(), 100);
  EXPECT_EQ(b.out(), "A 1 202");
  EXPECT_EQ(b.r.state, State::CLOSE_WAIT);
  EXPECT_EQ(b.events(), EVT_READABLE | EVT_PEER_FIN);
}

TEST(Fin, ContradictsData) {
  Bench b;
  b.established();
  const std::uint32_t r = b.R();
  b.seg(ACK, r + 100, b.S(), 100);
  b.seg(FIN | ACK, r + 20, b.S(), 30);
  EXPECT_FALSE(b.r.fin_pend);
  b.out();
  b.seg(FIN | ACK, r + 20, b.S());
  EXPECT_EQ(b.out(), "A 1 1");
}

TEST(Fin, CutOffByTheWindow) {
  Bench b;
  b.established();
  b.seg(FIN | ACK, b.r.rcv_adv - 10, b.S(), 11);
  EXPECT_FALSE(b.r.fin_pend);
  b.seg(FIN | ACK, b.r.rcv_adv - 10, b.S(), 10);
  EXPECT_TRUE(b.r.fin_pend);
}

TEST(Window, ClosesAndOpens) {
  Bench b;
  b.cfg.rx_buf_log2 = 11;
  b.established();
  b.auto_host = true;
  b.seg(ACK, b.R(), b.S(), 1000);
  b.seg(ACK, b.R(), b.S(), 1000);
  b.seg(ACK, b.R(), b.S(), 48);
  b.fire(Timer::DACK);
  ASSERT_FALSE(b.sent.empty());
  EXPECT_EQ(b.sent.back().wnd, 0);
  b.out();
  b.seg(ACK, b.R(), b.S(), 1);  // a probe
  EXPECT_EQ(b.d.reason, Reason::OUT_OF_WINDOW);
  EXPECT_EQ(b.out(), "A 1 2049");
  b.call(Op::RECEIVE, 1000);  // RFC 9293 3.8.6.2.2: not yet
  EXPECT_EQ(b.out(), "");
  b.call(Op::RECEIVE, 100);  // min(buffer / 2, MSS) = 1024
  ASSERT_EQ(b.sent.size(), 1U);
  EXPECT_EQ(b.sent[0].wnd, 1100);
}

TEST(Window, ZeroWindowProbeAcknowledges) {
  Bench b;
  b.cfg.rx_buf_log2 = 11;
  b.established();
  b.call(Op::SEND, 100);
  b.seg(ACK, b.R(), b.U(), 1000);
  b.seg(ACK, b.R(), b.U(), 1000);
  b.seg(ACK, b.R(), b.U(), 48);
  ASSERT_EQ(b.W(), 0U);
  b.seg(ACK, b.R(), b.S(), 1);
  EXPECT_EQ(b.U(), b.S());
  b.call(Op::SEND, 100);
  b.seg(ACK, b.R(), b.S());  // RFC 2525 2.12
  EXPECT_EQ(b.U(), b.S());
}

TEST(Window, ResetInZeroWindow) {
  Bench b;
  b.cfg.rx_buf_log2 = 11;
  b.established();
  b.seg(ACK, b.R(), b.U(), 1000);
  b.seg(ACK, b.R(), b.U(), 1000);
  b.seg(ACK, b.R(), b.U(), 48);
  b.seg(RST, b.R() + 1, 0);
  EXPECT_EQ(b.d.reason, Reason::RST_IGNORED);
  b.seg(RST, b.R(), 0);
  EXPECT_EQ(b.r.state, State::CLOSED);
}

TEST(Rst, WhoIsTold) {
  const auto evt = [](const char* s) {
    Bench b;
    b.reach(s);
    b.seg(b.r.state == State::SYN_SENT ? RST | ACK : RST, b.R(), b.S());
    EXPECT_EQ(b.d.reason, s == std::string("TW") ? Reason::RST_IGNORED : Reason::RESET);
    return b.events();
  };
  EXPECT_EQ(evt("SS"), EVT_REFUSED | EVT_CLOSED);
  EXPECT_EQ(evt("SR"), 0);
  EXPECT_EQ(evt("SA"), EVT_REFUSED | EVT_CLOSED);
  for (const char* s : {"ES", "F1", "F2", "CW"}) EXPECT_EQ(evt(s), EVT_RESET | EVT_CLOSED) << s;
  for (const char* s : {"CG", "LA"}) EXPECT_EQ(evt(s), EVT_CLOSED) << s;
  EXPECT_EQ(evt("TW"), 0);
}

TEST(Challenge, Limited) {  // RFC 5961 7
  Bench b;
  b.established();
  for (int i = 0; i < 10; ++i) {
    b.seg(SYN, b.R() + 5, 0);
    EXPECT_EQ(b.out(), "A 1 1");
    EXPECT_TRUE(b.d.counted(Counter::ChallengeAcks));
  }
  b.seg(SYN, b.R() + 5, 0);
  EXPECT_EQ(b.out(), "");
  EXPECT_EQ(b.d.reason, Reason::CHALLENGE);
  EXPECT_TRUE(b.d.counted(Counter::ChallengeLimited));
  b.now = 10 * SECOND + 5 * SECOND + (b.r.iss % 1024 << 10);
  b.seg(RST, b.R() + 5, 0);
  EXPECT_EQ(b.out(), "A 1 1");
}

TEST(Sequence, FarAway) {  // an interval, not two comparisons
  for (const std::uint32_t far : {0x7FFFFFFFU, 0x80000000U, 0x80000001U}) {
    Bench b;
    b.established();
    b.seg(ACK, b.R() + far, b.S(), 3);
    EXPECT_EQ(b.d.reason, Reason::OUT_OF_WINDOW);
    EXPECT_EQ(b.out(), "A 1 1");
  }
}

TEST(Sequence, TextBehindAnOldSyn) {
  Bench b;
  b.syn();
  b.out();
  b.seg(SYN | ACK, b.irs, b.S(), 16);
  EXPECT_EQ(b.d.reason, Reason::OUT_OF_WINDOW);
  EXPECT_FALSE(b.d.store);
  EXPECT_EQ(b.out(), "A 1 1");
  EXPECT_EQ(b.r.state, State::SYN_RECEIVED);
}

TEST(Urgent, Signalled) {
  Bench b;
  b.established();
  Segment s = b.make(URG | ACK, b.R(), b.S(), 10);
  s.up = 10;
  b.seg(s);
  EXPECT_EQ(b.events(), EVT_URGENT | EVT_READABLE);
}

TEST(TimeWait, RestartedByTheFinOnly) {
  Bench b;
  b.time_wait();
  EXPECT_EQ(b.due(Timer::WAIT), 240'000'000);
  b.now += SECOND;
  b.seg(ACK, b.R(), b.S());
  EXPECT_EQ(b.due(Timer::WAIT), 239'000'000);
  b.seg(FIN | ACK, b.R() - 1, b.S());
  EXPECT_EQ(b.out(), "A 2 2");
  EXPECT_EQ(b.due(Timer::WAIT), 240'000'000);
  b.fire(Timer::WAIT);
  EXPECT_EQ(b.r.state, State::CLOSED);
  EXPECT_EQ(b.events(), 0);
}

TEST(TimeWait, Reopened) {  // MAY-2
  Bench b;
  b.time_wait();
  const std::uint32_t old = b.S();
  const std::uint8_t gen = b.r.gen;
  b.seg(SYN, b.R() + 7, 0);
  EXPECT_EQ(b.r.state, State::SYN_RECEIVED);
  EXPECT_EQ(b.r.iss, old + 128'000);
  EXPECT_EQ(b.r.gen, gen + 1);
  EXPECT_FALSE(b.d.cam_insert);
  EXPECT_FALSE(b.d.take);
  EXPECT_EQ(b.d.backlog, 1);
  EXPECT_EQ(b.due(Timer::WAIT), -1);
}

TEST(TimeWait, NotReopened) {
  const auto stays = [](const std::function<void(Bench&)>& change) {
    Bench b;
    b.time_wait();
    change(b);
    b.seg(SYN, b.R() + 7, 0);
    EXPECT_EQ(b.r.state, State::TIME_WAIT);
    EXPECT_EQ(b.out(), "A 2 2");
  };
  stays([](Bench& b) { b.lsn_room = false; });
  stays([](Bench& b) { b.listening = false; });
  stays([](Bench& b) { b.evt_pending = true; });
  stays([](Bench& b) { b.r.rx_busy = true; });
  stays([](Bench& b) { b.r.unaccepted = true; });
  stays([](Bench& b) { b.cfg.features &= ~std::uint32_t{TW_REUSE}; });
}

TEST(SynSent, TextAndFinWithSynAck) {
  Bench b;
  b.open();
  b.out();
  b.seg(SYN | FIN | ACK, b.irs, b.S(), 10);
  EXPECT_EQ(b.out(), "A 1 12");
  EXPECT_EQ(b.r.state, State::CLOSE_WAIT);
  EXPECT_EQ(b.d.store_seq, b.irs + 1);
  EXPECT_EQ(b.events(), EVT_CONNECTED | EVT_READABLE | EVT_PEER_FIN);
}

TEST(SynSent, SimultaneousOpen) {  // RFC 9293 figure 7
  Bench b;
  b.open();
  b.out();
  b.seg(SYN, b.irs, 0, 10);
  EXPECT_EQ(b.out(), "SA 0 1");
  EXPECT_EQ(b.r.state, State::SYN_RECEIVED);
  b.seg(SYN | ACK, b.irs, b.S());
  EXPECT_EQ(b.out(), "");
  EXPECT_EQ(b.r.state, State::ESTABLISHED);
  EXPECT_EQ(b.events(), EVT_CONNECTED);
}

TEST(Mss, OfBothEnds) {  // RFC 9293 3.7.1
  const auto mss = [](bool valid, std::uint16_t value, std::uint32_t mtu) {
    Bench b;
    b.cfg.mtu = mtu;
    b.peer_mss_valid = valid;
    b.peer_mss = value;
    b.established_active();
    return b.r.snd_mss;
  };
  EXPECT_EQ(mss(true, 1000, 1500), 1000);
  EXPECT_EQ(mss(true, 9000, 1500), 1460);
  EXPECT_EQ(mss(false, 0, 1500), 536);
  EXPECT_EQ(mss(false, 0, 296), 256);
  EXPECT_EQ(mss(true, 1, 1500), 48);
}

}  // namespace
}  // namespace tiptoe::tcp
