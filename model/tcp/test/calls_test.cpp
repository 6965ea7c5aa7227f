// SPDX-License-Identifier: Apache-2.0
// Host commands, RFC 9293 3.10.1-3.10.6, state by state; listeners and the accept queue.
#include "bench.hpp"

namespace tiptoe::tcp {
namespace {

struct Cell {
  const char* state;
  Status status;
  const char* out;   // what is sent
  const char* next;  // nullptr: the state stays
  int evt = 0;
};

void check(Op op, std::initializer_list<Cell> cells, std::uint32_t len = 100) {
  for (const Cell& c : cells) {
    SCOPED_TRACE(c.state);
    Bench b;
    b.reach(c.state);
    const State before = b.r.state;
    b.call(op, len);
    EXPECT_EQ(b.d.status, c.status);
    EXPECT_EQ(b.out(), c.out);
    EXPECT_EQ(b.r.state, c.next == nullptr ? before : short_state(c.next));
    EXPECT_EQ(b.events(), c.evt);
    EXPECT_TRUE(b.d.respond);
  }
}

using S = Status;

TEST(OpenActive, SendsSyn) {
  Bench b;
  b.call(Op::OPEN_ACTIVE, 0, NODELAY);
  EXPECT_EQ(b.d.status, Status::OK);
  EXPECT_EQ(b.d.rsp_handle, b.handle());
  EXPECT_EQ(b.d.rsp_state, State::SYN_SENT);
  EXPECT_TRUE(b.d.take);
  EXPECT_TRUE(b.d.cam_insert);
  EXPECT_TRUE(b.d.counted(Counter::ActiveOpens));
  ASSERT_EQ(b.sent.size(), 1U);
  EXPECT_EQ(b.sent[0].mss, 1460);
  EXPECT_TRUE(b.sent[0].mss_valid);
  EXPECT_EQ(b.sent[0].wnd, 16384);
  EXPECT_EQ(b.out(), "S 0");
  EXPECT_EQ(b.r.snd_una, b.r.iss);
  EXPECT_EQ(b.r.snd_nxt, b.r.iss + 1);
  EXPECT_TRUE(b.r.nodelay);
  EXPECT_EQ(b.due(Timer::RTX), 1'000'000);
  EXPECT_EQ(b.due(Timer::USER), 300'000'000);
}

TEST(OpenActive, IsnIsHashPlusClock) {
  Bench b;
  b.cfg.features &= ~std::uint32_t{FIXED_ISS};
  b.call(Op::OPEN_ACTIVE);
  EXPECT_EQ(b.r.iss, 0x12345678 + static_cast<std::uint32_t>(b.now / 4));
}

TEST(OpenActive, Refusals) {
  const auto refused = [](const std::function<void(Bench&, Event&)>& change) {
    Bench b;
    Event e = b.command(Op::OPEN_ACTIVE);
    change(b, e);
    b.call(e);
    EXPECT_EQ(b.out(), "");
    EXPECT_FALSE(b.d.write);
    EXPECT_FALSE(b.d.take);
    EXPECT_EQ(b.d.rsp_handle, e.cmd.handle);
    return b.d.status;
  };
  EXPECT_EQ(refused([](Bench&, Event& e) { e.cmd.rip = 0; }), S::REMOTE_UNSPECIFIED);
  EXPECT_EQ(refused([](Bench&, Event& e) { e.cmd.rport = 0; }), S::REMOTE_UNSPECIFIED);
  EXPECT_EQ(refused([](Bench&, Event& e) { e.cmd.lport = 0; }), S::INVALID);
  EXPECT_EQ(refused([](Bench&, Event& e) { e.cmd.lip = 0x01020304; }), S::INVALID);
  EXPECT_EQ(refused([](Bench&, Event& e) { e.cmd.rip = 0xE0000001; }), S::INVALID);  // MUST-46, MUST-57
  EXPECT_EQ(refused([](Bench&, Event& e) { e.cmd.rip = 0x7F000001; }), S::INVALID);
  EXPECT_EQ(refused([](Bench&, Event& e) { e.cmd.rip = LIP, e.cmd.rport = LPORT; }), S::INVALID);
  EXPECT_EQ(refused([](Bench&, Event& e) { e.hit = true; }), S::EXISTS);
  EXPECT_EQ(refused([](Bench&, Event& e) { e.new_ok = false; }), S::NO_RESOURCES);
  EXPECT_EQ(refused([](Bench&, Event& e) { e.cam_room = false; }), S::NO_RESOURCES);
  EXPECT_EQ(refused([](Bench& b, Event&) { b.cfg.quiet = 20'000'000; }), S::NO_RESOURCES);
  EXPECT_EQ(refused([](Bench&, Event& e) { e.cmd.flags = FROM_LISTENER; }), S::INVALID);
  EXPECT_EQ(refused([](Bench&, Event& e) { e.cmd.flags = FROM_LISTENER, e.cmd.handle = 0x10000, e.lsn_valid = false; }),
            S::NO_CONNECTION);
}

TEST(OpenActive, FromListener) {
  for (const Op op : {Op::OPEN_ACTIVE, Op::SEND}) {
    Bench b;
    Event e = b.command(op, 0, FROM_LISTENER);
    e.cmd.handle = listener_handle(4, 9);
    b.call(e);
    EXPECT_EQ(b.out(), "S 0");
    EXPECT_EQ(b.d.listener, ListenerOp::REMOVE);
    EXPECT_EQ(b.d.lsn_idx, 4);
    EXPECT_EQ(b.d.rsp_handle, b.handle());
    EXPECT_EQ(b.r.state, State::SYN_SENT);
  }
}

TEST(OpenActive, ExistsInEveryState) {
  for (const char* s : {"SS", "SR", "ES", "F1", "F2", "CW", "CG", "LA", "TW"}) {
    Bench b;
    b.reach(s);
    const Record before = b.r;
    b.call(Op::OPEN_ACTIVE);
    EXPECT_EQ(b.d.status, S::EXISTS);
    EXPECT_EQ(b.r, before);
    EXPECT_EQ(b.out(), "");
  }
}

TEST(OpenPassive, All) {
  const auto status = [](const std::function<void(Event&)>& change) {
    Bench b;
    Event e = b.command(Op::OPEN_PASSIVE, 5);
    e.has_conn = false;
    e.cmd.rip = 0;
    e.cmd.rport = 0;
    change(e);
    b.call(e);
    if (b.d.status == S::OK) {
      EXPECT_EQ(b.d.listener, ListenerOp::INSERT);
      EXPECT_EQ(b.d.rsp_handle, listener_handle(2, 7));
      EXPECT_EQ(b.d.lsn_lport, LPORT);
      EXPECT_EQ(b.d.lsn_backlog, std::min(std::max(e.cmd.len, 1U), 16U));
    } else {
      EXPECT_EQ(b.d.listener, ListenerOp::NONE);
    }
    EXPECT_FALSE(b.d.write);
    return b.d.status;
  };
  EXPECT_EQ(status([](Event&) {}), S::OK);
  EXPECT_EQ(status([](Event& e) { e.cmd.len = 0; }), S::OK);
  EXPECT_EQ(status([](Event& e) { e.cmd.len = 1000; }), S::OK);
  EXPECT_EQ(status([](Event& e) { e.cmd.lip = 0; }), S::OK);
  EXPECT_EQ(status([](Event& e) { e.cmd.lport = 0; }), S::INVALID);
  EXPECT_EQ(status([](Event& e) { e.cmd.lip = 77; }), S::INVALID);
  EXPECT_EQ(status([](Event& e) { e.cmd.rip = 0xE0000000; }), S::INVALID);
  EXPECT_EQ(status([](Event& e) { e.lsn_duplicate = true; }), S::EXISTS);
  EXPECT_EQ(status([](Event& e) { e.lsn_free = false; }), S::NO_RESOURCES);
}

TEST(Send, EveryState) {
  check(Op::SEND, {{"CL", S::NO_CONNECTION, "", nullptr},
                   {"SS", S::OK, "", nullptr},
                   {"SR", S::NO_CONNECTION, "", nullptr},  // nobody has accepted it
                   {"SA", S::OK, "", nullptr},
                   {"ES", S::OK, "PA 1 1 100", nullptr},
                   {"F1", S::CLOSING, "", nullptr},
                   {"F2", S::CLOSING, "", nullptr},
                   {"CW", S::OK, "PA 1 2 100", nullptr},
                   {"CG", S::CLOSING, "", nullptr},
                   {"LA", S::CLOSING, "", nullptr},
                   {"TW", S::CLOSING, "", nullptr}});
}

TEST(Send, TakesWhatFits) {
  Bench b;
  b.established();
  b.auto_host = false;
  EXPECT_EQ(b.call(Op::SEND, 100'000).rsp_len, 16384U);
  EXPECT_EQ(b.d.xfer_seq, b.r.iss + 1);
  EXPECT_TRUE(b.d.writer);
  EXPECT_EQ(b.d.rsp_room, 16384U);
  EXPECT_EQ(b.call(Op::SEND, 1).status, S::WOULD_BLOCK);  // one transfer at a time
  b.done(Source::TXD, 16384);
  EXPECT_EQ(b.call(Op::SEND, 1).status, S::WOULD_BLOCK);  // full
  EXPECT_EQ(b.call(Op::SEND, 0).status, S::WOULD_BLOCK);
  EXPECT_EQ(b.d.rsp_room, 0U);
}

TEST(Send, QueuedInSynSentIsSentWhenOpen) {
  Bench b;
  b.open();
  b.call(Op::SEND, 10);
  b.out();
  b.seg(SYN | ACK, b.irs, b.S());
  EXPECT_EQ(b.out(), "PA 1 1 10");
}

TEST(Receive, EveryState) {
  check(Op::RECEIVE, {{"CL", S::NO_CONNECTION, "", nullptr},
                      {"SS", S::WOULD_BLOCK, "", nullptr},
                      {"SR", S::NO_CONNECTION, "", nullptr},
                      {"SA", S::WOULD_BLOCK, "", nullptr},
                      {"ES", S::WOULD_BLOCK, "", nullptr},
                      {"F1", S::WOULD_BLOCK, "", nullptr},
                      {"F2", S::WOULD_BLOCK, "", nullptr},
                      {"CW", S::CLOSING, "", nullptr},
                      {"CG", S::CLOSING, "", nullptr},
                      {"LA", S::CLOSING, "", nullptr},
                      {"TW", S::CLOSING, "", nullptr}});
}

TEST(Receive, WhatIsThere) {
  for (const char* s : {"ES", "F1", "F2"}) {
    Bench b;
    b.reach(s);
    b.seg(ACK, b.R(), b.U(), 100);
    EXPECT_EQ(b.events() & EVT_READABLE, EVT_READABLE);
    EXPECT_EQ(b.call(Op::RECEIVE, 0).status, S::OK);
    EXPECT_EQ(b.call(Op::RECEIVE, 60).rsp_len, 60U);
    EXPECT_EQ(b.d.xfer_seq, b.irs + 1);
    EXPECT_EQ(b.call(Op::STATUS).rsp_avail, 40U);
    b.seg(FIN | ACK, b.R(), b.U());
    EXPECT_EQ(b.call(Op::STATUS).rsp_avail, 40U);
    EXPECT_EQ(b.call(Op::RECEIVE, 60).rsp_len, 40U);
    EXPECT_EQ(b.call(Op::RECEIVE, 60).status, S::CLOSING);
  }
}

TEST(Close, EveryState) {
  check(Op::CLOSE, {{"CL", S::NO_CONNECTION, "", nullptr},
                    {"SS", S::OK, "", "CL", EVT_CLOSED},
                    {"SR", S::NO_CONNECTION, "", nullptr},
                    {"SA", S::OK, "FA 1 1", "F1"},
                    {"ES", S::OK, "FA 1 1", "F1"},
                    {"F1", S::CLOSING, "", nullptr},
                    {"F2", S::CLOSING, "", nullptr},
                    {"CW", S::OK, "FA 1 2", "LA"},
                    {"CG", S::CLOSING, "", nullptr},
                    {"LA", S::CLOSING, "", nullptr},
                    {"TW", S::CLOSING, "", nullptr}});
}

TEST(Close, DataFirst) {  // MUST-12
  Bench b;
  b.established();
  b.r.cwnd = 1000;
  b.call(Op::SEND, 1500);
  EXPECT_EQ(b.out(), "A 1 1 1000");
  b.call(Op::CLOSE);
  EXPECT_EQ(b.out(), "");
  EXPECT_EQ(b.r.state, State::FIN_WAIT_1);
  b.seg(ACK, b.R(), b.S());
  EXPECT_EQ(b.out(), "FPA 1001 1 500");
}

TEST(Close, SynReceivedWithDataWaits) {
  Bench b;
  b.syn_received_active();
  b.call(Op::SEND, 10);
  b.call(Op::CLOSE);
  b.clear();
  EXPECT_EQ(b.r.state, State::SYN_RECEIVED);
  EXPECT_EQ(b.call(Op::CLOSE).status, S::CLOSING);
  EXPECT_EQ(b.call(Op::SEND, 1).status, S::CLOSING);
  b.seg(ACK, b.R(), b.S());
  EXPECT_EQ(b.out(), "FPA 1 1 10");
  EXPECT_EQ(b.r.state, State::FIN_WAIT_1);
}

TEST(Close, SynReceivedBothLost) {
  Bench b;
  b.syn_received_active();
  b.clear();
  b.call(Op::CLOSE);
  EXPECT_EQ(b.out(), "FA 1 1");
  b.fire(Timer::RTX);
  EXPECT_EQ(b.out(), "SA 0 1; FA 1 1");
  b.seg(ACK, b.R(), b.S());
  EXPECT_EQ(b.r.state, State::FIN_WAIT_2);
}

TEST(Close, WaitsForThePayload) {
  Bench b;
  b.established();
  b.auto_host = false;
  b.call(Op::SEND, 10);
  b.call(Op::CLOSE);
  EXPECT_EQ(b.out(), "");
  b.done(Source::TXD, 10);
  EXPECT_EQ(b.out(), "FPA 1 1 10");
}

TEST(Abort, EveryState) {
  check(Op::ABORT, {{"CL", S::NO_CONNECTION, "", nullptr},
                    {"SS", S::OK, "", "CL", EVT_CLOSED},
                    {"SR", S::NO_CONNECTION, "", nullptr},
                    {"SA", S::OK, "RA 1 1", "CL", EVT_CLOSED},
                    {"ES", S::OK, "RA 1 1", "CL", EVT_CLOSED},
                    {"F1", S::OK, "RA 2 1", "CL", EVT_CLOSED},
                    {"F2", S::OK, "RA 2 1", "CL", EVT_CLOSED},
                    {"CW", S::OK, "RA 1 2", "CL", EVT_CLOSED},
                    {"CG", S::OK, "", "CL", EVT_CLOSED},
                    {"LA", S::OK, "", "CL", EVT_CLOSED},
                    {"TW", S::OK, "", "CL"}});
}

TEST(Status, EveryState) {
  for (const char* s : {"SS", "SA", "ES", "F1", "F2", "CW", "CG", "LA", "TW"}) {
    Bench b;
    b.reach(s);
    b.call(Op::STATUS);
    EXPECT_EQ(b.d.status, S::OK);
    EXPECT_EQ(b.d.rsp_state, short_state(s));
    EXPECT_EQ(b.d.rsp_room, 16384U) << s;
    EXPECT_EQ(b.d.rsp_avail, 0U) << s;
    EXPECT_EQ(b.out(), "");
  }
  Bench b;
  Event e = b.command(Op::STATUS);
  e.cmd.handle = listener_handle(1, 1);
  e.accept_count = 3;
  b.call(e);
  EXPECT_EQ(b.d.rsp_state, State::LISTEN);
  EXPECT_EQ(b.d.rsp_avail, 3U);
}

TEST(Handles, Wrong) {
  Bench b;
  b.established();
  for (const Op op : {Op::SEND, Op::RECEIVE, Op::CLOSE, Op::ABORT, Op::STATUS, Op::SETOPT}) {
    Event e = b.command(op, 1);
    e.cmd.handle = connection_handle(Bench::IDX, static_cast<std::uint8_t>(b.r.gen + 1));
    b.call(e);
    EXPECT_EQ(b.d.status, S::NO_CONNECTION);
    EXPECT_EQ(b.d.rsp_state, State::CLOSED);
    e.has_conn = false;
    b.call(e);
    EXPECT_EQ(b.d.status, S::NO_CONNECTION);
    EXPECT_FALSE(b.d.write);
    e.cmd.handle = listener_handle(1, 1);
    e.lsn_valid = false;
    b.call(e);
    EXPECT_EQ(b.d.status, op == Op::RECEIVE || op == Op::SETOPT ? S::INVALID : S::NO_CONNECTION);
  }
  EXPECT_EQ(b.call(Op::ACCEPT).status, S::INVALID);
  EXPECT_EQ(b.call(Op{0}).status, S::INVALID);
  EXPECT_EQ(b.call(Op{10}).status, S::INVALID);
}

TEST(SetOptions, Keepalive) {
  Bench b;
  b.established();
  b.call(Op::SETOPT, 0, KEEPALIVE | NODELAY);
  EXPECT_EQ(b.due(Timer::KEEP), 7'200'000'000);
  EXPECT_TRUE(b.r.nodelay);
  b.call(Op::SETOPT);
  EXPECT_EQ(b.due(Timer::KEEP), -1);
  EXPECT_FALSE(b.r.nodelay);
}

TEST(Accept, Queue) {
  Bench b;
  b.syn();
  EXPECT_EQ(b.d.backlog, 1);
  EXPECT_EQ(b.d.lsn_idx, 1);
  EXPECT_TRUE(b.d.counted(Counter::PassiveOpens));
  b.seg(ACK, b.R(), b.S());
  EXPECT_TRUE(b.d.accept_push);
  EXPECT_EQ(b.d.accept_handle, b.handle());
  EXPECT_EQ(b.d.curr_estab, 1);
  b.accept();
  EXPECT_EQ(b.d.status, S::OK);
  EXPECT_EQ(b.d.rsp_handle, b.handle());
  EXPECT_EQ(b.d.rsp_state, State::ESTABLISHED);
  EXPECT_EQ(b.d.backlog, -1);
  EXPECT_TRUE(b.d.accepted);
  EXPECT_FALSE(b.r.unaccepted);
}

TEST(Accept, EmptyAndDead) {
  Bench b;
  Event e = b.command(Op::ACCEPT);
  e.cmd.handle = listener_handle(1, 3);
  b.call(e);
  EXPECT_EQ(b.d.status, S::ABORTED);
  EXPECT_EQ(b.d.backlog, -1);
  e.accept_valid = false;
  b.call(e);
  EXPECT_EQ(b.d.status, S::WOULD_BLOCK);
}

TEST(Listener, RefusesSyn) {
  const auto reason = [](const std::function<void(Bench&)>& change) {
    Bench b;
    change(b);
    b.syn();
    EXPECT_EQ(b.out(), "");
    EXPECT_FALSE(b.d.write);
    return b.d.reason;
  };
  EXPECT_EQ(reason([](Bench& b) { b.lsn_room = false; }), Reason::BACKLOG);
  EXPECT_EQ(reason([](Bench& b) { b.new_ok = false; }), Reason::TABLE_FULL);
  EXPECT_EQ(reason([](Bench& b) { b.cam_room = false; }), Reason::CAM_FULL);
  EXPECT_EQ(reason([](Bench& b) { b.cfg.quiet = 11'000'000; }), Reason::QUIET);
}

TEST(Orphan, ResetByWhateverComesNext) {
  for (const char* s : {"SR", "ES", "CW"}) {
    Bench b;
    b.syn();
    if (s != std::string("SR")) b.seg(ACK, b.R(), b.S());
    if (s == std::string("CW")) b.seg(FIN | ACK, b.R(), b.S());
    b.clear();
    b.lsn_dead = true;
    b.seg(ACK, b.R(), b.S());
    EXPECT_EQ(b.d.reason, Reason::ORPHAN);
    EXPECT_EQ(b.out(), s == std::string("CW") ? "RA 1 2" : "RA 1 1");
    EXPECT_EQ(b.r.state, State::CLOSED);
    EXPECT_EQ(b.events(), 0);
    EXPECT_EQ(b.d.backlog, 0);
  }
}

TEST(Orphan, FoundWhenThePeerIsSilent) {
  for (const char* s : {"SR", "ES", "CW"}) {
    SCOPED_TRACE(s);
    Bench b;
    b.syn();
    if (s != std::string("SR")) b.seg(ACK, b.R(), b.S());
    if (s == std::string("CW")) b.seg(FIN | ACK, b.R(), b.S());
    b.clear();
    b.lsn_dead = true;
    b.fire(s == std::string("SR") ? Timer::RTX : Timer::WAIT);
    EXPECT_EQ(b.d.reason, Reason::ORPHAN);
    EXPECT_EQ(b.out(), s == std::string("CW") ? "RA 1 2" : "RA 1 1");
    EXPECT_EQ(b.r.state, State::CLOSED);
    EXPECT_TRUE(b.d.release);
  }
}

TEST(Accept, MayTakeItsTime) {
  Bench b;
  b.syn();
  EXPECT_EQ(b.due(Timer::WAIT), -1);
  b.seg(ACK, b.R(), b.S());
  for (int i = 0; i < 5; ++i) {
    EXPECT_EQ(b.due(Timer::WAIT), 1 << 20);
    b.clear();
    if (i == 3) b.seg(FIN | ACK, b.R(), b.S());
    b.fire(Timer::WAIT);
    EXPECT_EQ(b.out(), i == 3 ? "A 1 2" : "");
    EXPECT_EQ(b.r.state, i < 3 ? State::ESTABLISHED : State::CLOSE_WAIT);
  }
  b.accept();
  EXPECT_EQ(b.due(Timer::WAIT), -1);
  EXPECT_EQ(b.d.rsp_state, State::CLOSE_WAIT);
}

TEST(Remove, WaitsForTheHost) {
  Bench b;
  b.established();
  b.auto_host = false;
  b.call(Op::SEND, 10);
  b.seg(ACK, b.R(), b.S(), 10);
  b.call(Op::RECEIVE, 10);
  b.seg(RST, b.R(), 0);
  EXPECT_EQ(b.r.state, State::CLOSED);
  EXPECT_FALSE(b.d.release);
  const std::uint8_t gen = b.r.gen;
  b.done(Source::TXD, 10);
  EXPECT_EQ(b.r.gen, gen);
  EXPECT_EQ(b.call(Op::STATUS).status, S::NO_CONNECTION);
  Event e;
  e.source = Source::RXD;
  e.has_conn = true;
  e.handle = b.handle();
  e.n = 10;
  EXPECT_TRUE(b.run(e).release);
  EXPECT_EQ(b.r.gen, gen + 1);
}

TEST(Remove, Generation) {
  Bench b;
  b.r.gen = 63;
  b.established();
  b.call(Op::ABORT);
  EXPECT_TRUE(b.d.release);
  EXPECT_TRUE(b.d.cam_delete);
  EXPECT_EQ(b.r.gen, 0);
}

}  // namespace
}  // namespace tiptoe::tcp
