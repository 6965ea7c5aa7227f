// SPDX-License-Identifier: Apache-2.0
//
// One connection on the workbench: process() with the little that an engine does around it. The host is quick (payload
// transfers end at once), the output queue is drained after every event, and everything that was sent is noted.
//
//   Bench b;
//   b.established();
//   b.seg(ACK, b.R(), b.S(), 10);
//   EXPECT_EQ(b.out(), "");                 // a delayed ACK
//   b.fire(Timer::DACK);
//   EXPECT_EQ(b.out(), "A 1 11");           // flags, sequence and acknowledgment number relative to the ISNs
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <initializer_list>
#include <ostream>
#include <string>
#include <vector>

#include "tiptoe/tcp/process.hpp"
#include "tiptoe/tcp/seq.hpp"

namespace tiptoe::tcp {

inline void PrintTo(State s, std::ostream* os) { *os << name(s); }
inline void PrintTo(Reason r, std::ostream* os) { *os << name(r); }
inline void PrintTo(Status s, std::ostream* os) { *os << name(s); }

constexpr std::uint32_t LIP = 0x0A000001, RIP = 0x0A000002;
constexpr std::uint16_t LPORT = 80, RPORT = 40000;
constexpr std::uint64_t SECOND = 1'000'000;

class Bench {
 public:
  // Sequence numbers of both ends close to 2^32, so that everything here runs over the wrap.
  explicit Bench(std::uint32_t iss = 0xFFFFFFF0, std::uint32_t peer_iss = 0xFFFFFFF8) : irs(peer_iss) {
    cfg.local_ip[0] = LIP;
    cfg.features |= FIXED_ISS;
    cfg.isn_key[0] = iss;
  }

  Config cfg{};
  Faults faults{};
  Record r{};
  Deadlines t{};
  std::uint64_t now = 10 * SECOND;
  std::uint32_t irs;  // the peer's ISN
  bool in_cam = false, listening = true, lsn_room = true, lsn_dead = false, new_ok = true, cam_room = true;
  bool evt_pending = false, auto_host = true;
  std::uint16_t peer_wnd = 60000;
  bool peer_mss_valid = true;
  std::uint16_t peer_mss = 1000;

  Decision d{};                 // the last decision
  std::vector<TxSegment> sent;  // since the last out()
  std::uint16_t evt = 0;        // notifications since the last events()
  std::function<void(const Record&, const Deadlines&, const Event&, const Config&, const Decision&)> tap;

  static constexpr std::uint16_t IDX = 5;

  // The numbers that tests speak in.
  std::uint32_t R() const { return r.rcv_nxt; }
  std::uint32_t S() const { return r.snd_nxt; }
  std::uint32_t U() const { return r.snd_una; }
  std::uint32_t W() const { return r.rcv_adv - r.rcv_nxt; }
  std::uint32_t handle() const { return connection_handle(IDX, r.gen); }

  const Decision& run(Event e) {
    e.now = now;
    e.idx = IDX;
    e.orphan = r.unaccepted && lsn_dead;
    d = process(r, t, e, cfg, faults);
    if (tap) tap(r, t, e, cfg, d);
    if (d.write) {
      r = d.record;
      t = d.deadlines;
    }
    if (d.cam_insert) in_cam = true;
    if (d.cam_delete) in_cam = false;
    if (d.tx) sent.push_back(d.segment);
    evt = static_cast<std::uint16_t>(evt | d.evt);
    const bool out = d.out_push;
    if (d.writer && auto_host) done(Source::TXD, d.xfer_len);
    if (d.reader && auto_host) done(Source::RXD, d.xfer_len);
    if (out && ++depth_ < 1000) event(Source::OUT);
    return d;
  }

  // The payload transfer has ended.
  void done(Source source, std::uint32_t n) {
    const Decision keep = d;
    Event e;
    e.source = source;
    e.has_conn = true;
    e.n = n;
    e.handle = handle();
    run(e);
    if (source == Source::TXD || source == Source::RXD) d = keep;
  }

  void event(Source source) {
    const Decision keep = d;
    Event e;
    e.source = source;
    e.has_conn = true;
    run(e);
    d = keep;
  }

  const Decision& seg(Segment s) {
    depth_ = 0;
    Event e;
    e.source = Source::SEG;
    s.lip = LIP;
    s.lport = LPORT;
    s.rip = RIP;
    s.rport = RPORT;
    s.payload_off = 40;
    e.seg = s;
    e.hit = in_cam;
    e.has_conn = in_cam || (listening && new_ok && s.has(SYN) && !s.has(ACK) && !s.has(RST));
    e.lsn_hit = listening;
    e.lsn_idx = 1;
    e.lsn_gen = 3;
    e.lsn_room = lsn_room;
    e.new_ok = new_ok;
    e.cam_room = cam_room;
    e.evt_pending = evt_pending;
    e.isn_hash = 0x12345678;
    return run(e);
  }
  const Decision& seg(int flags, std::uint32_t seq, std::uint32_t ack, std::uint16_t len = 0) {
    return seg(make(flags, seq, ack, len));
  }
  Segment make(int flags, std::uint32_t seq, std::uint32_t ack, std::uint16_t len = 0) const {
    Segment s;
    s.flags = static_cast<std::uint8_t>(flags);
    s.seq = seq;
    s.ack = ack;
    s.len = len;
    s.wnd = peer_wnd;
    if ((flags & SYN) != 0) {
      s.mss_valid = peer_mss_valid;
      s.mss = peer_mss_valid ? peer_mss : std::uint16_t{0};
    }
    return s;
  }

  Event command(Op op, std::uint32_t len = 0, int flags = 0) const {
    Event e;
    e.source = Source::CMD;
    e.has_conn = true;
    e.cmd.op = static_cast<std::uint8_t>(op);
    e.cmd.handle = handle();
    e.cmd.flags = static_cast<std::uint8_t>(flags);
    e.cmd.len = len;
    e.cmd.lip = LIP;
    e.cmd.lport = LPORT;
    e.cmd.rip = RIP;
    e.cmd.rport = RPORT;
    e.hit = in_cam;
    e.new_ok = new_ok;
    e.cam_room = cam_room;
    e.isn_hash = 0x12345678;
    e.lsn_valid = true;
    e.lsn_free = true;
    e.lsn_free_idx = 2;
    e.lsn_free_gen = 7;
    e.accept_valid = true;
    e.accept_handle = handle();
    return e;
  }
  const Decision& call(Op op, std::uint32_t len = 0, int flags = 0) { return call(command(op, len, flags)); }
  const Decision& call(const Event& e) {
    depth_ = 0;
    return run(e);
  }
  const Decision& accept() {
    Event e = command(Op::ACCEPT);
    e.cmd.handle = listener_handle(1, 3);
    return call(e);
  }

  // Lets time pass until the timer fires. It must be armed.
  const Decision& fire(Timer timer) {
    depth_ = 0;
    EXPECT_TRUE(t.armed(timer)) << name(timer);
    if (t[timer].at > now) now = t[timer].at;
    Event e;
    e.source = Source::TMR;
    e.has_conn = true;
    e.timer = timer;
    return run(e);
  }
  // Microseconds until it fires; -1 when it is not armed.
  std::int64_t due(Timer timer) const { return t.armed(timer) ? static_cast<std::int64_t>(t[timer].at - now) : -1; }

  // What was sent since the last call: "PA 1 11 100; A 101 1" = flags, SEQ and ACK relative to the ISNs, text length.
  std::string out() {
    std::string all;
    for (const TxSegment& s : sent) {
      if (!all.empty()) all += "; ";
      all += text(s);
    }
    sent.clear();
    return all;
  }
  std::string text(const TxSegment& s) const {
    static constexpr char letters[] = "FSRPAUEC";
    std::string all;
    for (const int bit : {1, 0, 2, 3, 5, 4, 6, 7}) {
      if ((s.flags >> bit & 1) != 0) all += letters[bit];
    }
    all += ' ' + std::to_string(seq::diff(s.seq, r.iss));
    if ((s.flags & ACK) != 0) all += ' ' + std::to_string(seq::diff(s.ack, irs));
    if (s.len != 0) all += ' ' + std::to_string(s.len);
    return all;
  }
  int events() {
    const int e = evt;
    evt = 0;
    return e;
  }

  // States, reached through segments and calls alone.
  void open() { call(Op::OPEN_ACTIVE); }
  void syn() { seg(SYN, irs, 0); }
  void syn_received() { syn(); }
  void syn_received_active() {
    open();
    syn();
  }
  void established() {  // from LISTEN, accepted
    syn();
    seg(ACK, R(), S());
    accept();
    clear();
  }
  void established_active() {
    open();
    seg(SYN | ACK, irs, S());
    clear();
  }
  void fin_wait_1() {
    established();
    call(Op::CLOSE);
    clear();
  }
  void fin_wait_2() {
    fin_wait_1();
    seg(ACK, R(), S());
    clear();
  }
  void close_wait() {
    established();
    seg(FIN | ACK, R(), S());
    clear();
  }
  void closing() {
    fin_wait_1();
    seg(FIN | ACK, R(), U());
    clear();
  }
  void last_ack() {
    close_wait();
    call(Op::CLOSE);
    clear();
  }
  void time_wait() {
    fin_wait_2();
    seg(FIN | ACK, R(), S());
    clear();
  }
  void clear() {
    sent.clear();
    evt = 0;
  }
  // The state by its short name: CL LI SS SR SA ES F1 F2 CW CG LA TW (SA: SYN_RECEIVED from an active open).
  void reach(const std::string& s) {
    if (s == "CL") listening = false;
    if (s == "SS") open();
    if (s == "SR") syn_received();
    if (s == "SA") syn_received_active();
    if (s == "ES") established();
    if (s == "F1") fin_wait_1();
    if (s == "F2") fin_wait_2();
    if (s == "CW") close_wait();
    if (s == "CG") closing();
    if (s == "LA") last_ack();
    if (s == "TW") time_wait();
    clear();
  }

 private:
  int depth_ = 0;
};

inline State short_state(const std::string& s) {
  static const std::vector<std::string> names = {"CL", "LI", "SS", "SR", "ES", "F1", "F2", "CW", "CG", "LA", "TW"};
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (names[i] == s) return static_cast<State>(i);
  }
  return s == "SA" ? State::SYN_RECEIVED : State::CLOSED;
}

}  // namespace tiptoe::tcp
