// SPDX-License-Identifier: Apache-2.0
//
// Two ends and a bad network between them: segments are lost, doubled and overtaken; the hosts read and write when they
// feel like it. Every octet that is delivered is compared, and after every event the invariants are checked.
// Deterministic: the same seed gives the same run.
#pragma once

#include <algorithm>
#include <map>
#include <random>

#include "bench.hpp"

namespace tiptoe::tcp {

// What must hold for every record, whatever has happened to it.
inline void check_invariants(const Record& before, const Decision& d, const Config& cfg) {
  const Record& r = d.record;
  for (const Deadline& x : d.deadlines.timer) {
    if (!x.armed) {
      ASSERT_EQ(x.at, 0U);
    }
  }
  if (d.tx) {
    ASSERT_TRUE((d.segment.flags & SYN) == 0 || d.segment.len == 0);
    ASSERT_EQ(d.segment.mss_valid, (d.segment.flags & SYN) != 0);
    ASSERT_EQ(d.segment.payload_seq, d.segment.seq);
    ASSERT_EQ(d.is_rst, (d.segment.flags & RST) != 0);
  }
  if (!d.write) return;
  if (r.state == State::CLOSED) {
    ASSERT_EQ(d.deadlines, Deadlines{});
    return;
  }
  // RFC 9293 3.4: SND.UNA =< SND.NXT, and nothing beyond what the user supplied (and the FIN) was sent.
  ASSERT_TRUE(seq::le(r.snd_una, r.rtx_nxt));
  ASSERT_TRUE(seq::le(r.rtx_nxt, r.snd_nxt));
  ASSERT_TRUE(seq::le(r.snd_nxt, r.snd_end + (r.fin_queued ? 1U : 0U)));
  ASSERT_LE(r.snd_end - r.iss - 1 - (r.snd_una == r.iss ? 0 : std::min(r.snd_una - r.iss - 1, r.snd_end - r.iss - 1)),
            1U << cfg.tx_buf_log2);
  if (r.snd_una != r.snd_nxt) {
    ASSERT_TRUE(d.deadlines.armed(Timer::RTX)) << name(r.state);
  }
  if (r.persist) {
    ASSERT_TRUE(d.deadlines.armed(Timer::RTX));
  }
  if (r.state == State::TIME_WAIT) {
    ASSERT_TRUE(d.deadlines.armed(Timer::WAIT));
  }
  if (r.state == State::SYN_SENT) return;
  // The receive side: inside the window and the buffer, ranges apart from each other.
  ASSERT_TRUE(seq::le(r.rcv_nxt, r.rcv_adv));
  ASSERT_LE(r.rcv_adv - r.rcv_nxt, 65535U);
  ASSERT_TRUE(seq::le(r.rcv_free, r.rcv_user));
  ASSERT_TRUE(seq::le(r.rcv_user, r.rcv_nxt));
  ASSERT_LE(r.rcv_adv - r.rcv_free, (1U << cfg.rx_buf_log2) + 1);
  for (const Range& o : r.ooo) {
    if (!o.valid) continue;
    ASSERT_TRUE(seq::lt(r.rcv_nxt, o.start));
    ASSERT_TRUE(seq::lt(o.start, o.end));
    ASSERT_TRUE(seq::le(o.end, r.rcv_adv));
    if (r.fin_pend) {
      ASSERT_TRUE(seq::le(o.end, r.fin_seq));
    }
    for (const Range& p : r.ooo)
      ASSERT_TRUE(&o == &p || !p.valid || seq::lt(o.end, p.start) || seq::lt(p.end, o.start));
  }
  // The right edge of the window never moves left (one and the same incarnation).
  if (before.gen == r.gen && before.state > State::SYN_SENT) {
    ASSERT_TRUE(seq::le(before.rcv_adv, r.rcv_adv));
  }
  if (d.tx && d.segment.len > 0) {
    ASSERT_LE(d.segment.len, r.snd_mss);
    ASSERT_TRUE(seq::gt(d.segment.seq, r.iss));  // the SYN's number carries no octet
    ASSERT_TRUE(seq::le(d.segment.seq + d.segment.len, r.snd_end));
  }
}

class Pair {
 public:
  struct Setup {
    std::uint32_t seed = 1;
    double loss = 0.05, twice = 0.02, late = 0.1;
    std::uint32_t octets[2] = {40'000, 20'000};
    unsigned rx_log2 = 12, tx_log2 = 12;
    std::uint16_t mss = 536;
    std::uint32_t features = 0x3F;
    bool simultaneous = false, slow_reader = false, nodelay = false, keepalive = false;
  };

  using Tap = std::function<void(const Record&, const Deadlines&, const Event&, const Config&, const Decision&)>;

  explicit Pair(const Setup& s, Tap tap = {}) : setup_(s), rng_(s.seed), tap_(std::move(tap)) {
    for (int i = 0; i < 2; ++i) {
      End& e = ends_[i];
      e.id = i;
      e.cfg.local_ip[0] = i == 0 ? LIP : RIP;
      e.cfg.features = s.features;
      e.cfg.tx_buf_log2 = s.tx_log2;
      e.cfg.rx_buf_log2 = s.rx_log2;
      e.cfg.mtu = s.mss + 40U;
      e.cfg.isn_key[0] = static_cast<std::uint32_t>(rng_());
      e.to_send = s.octets[i];
      e.buffer.resize(std::size_t{1} << s.rx_log2);
    }
  }

  // Runs until both ends are CLOSED again. True when all went well.
  bool run() {
    open(ends_[0]);
    if (setup_.simultaneous) open(ends_[1]);
    for (int i = 0; i < 2'000'000 && !testing::Test::HasFatalFailure(); ++i) {
      if (finished(ends_[0]) && finished(ends_[1]) && net_.empty()) break;
      step();
    }
    for (End& e : ends_) {
      EXPECT_TRUE(finished(e)) << name(e.r.state);
      EXPECT_EQ(e.received, setup_.octets[1 - e.id]);
      EXPECT_FALSE(e.aborted);
    }
    return !testing::Test::HasFailure();
  }

  std::uint64_t events() const { return events_; }
  std::uint64_t retransmissions() const { return retransmissions_; }

 private:
  struct End {
    int id = 0;
    Config cfg{};
    Record r{};
    Deadlines t{};
    bool in_cam = false, opened = false, closed = false, queued = false, aborted = false;
    std::uint32_t to_send = 0, supplied = 0, received = 0;
    std::vector<std::uint8_t> buffer;
  };
  struct Flying {
    int to;
    Segment s;
    std::uint32_t first;  // offset of the first octet in the sender's stream
  };

  static std::uint8_t octet(int id, std::uint32_t offset) {
    return static_cast<std::uint8_t>(offset * 7 + offset / 251 + (id == 0 ? 0 : 99));
  }
  bool chance(double p) { return std::uniform_real_distribution<>(0, 1)(rng_) < p; }
  std::uint32_t below(std::uint32_t n) { return std::uniform_int_distribution<std::uint32_t>(0, n - 1)(rng_); }
  static bool finished(const End& e) { return e.opened && e.r.state == State::CLOSED; }

  void step() {
    // The hosts.
    for (End& e : ends_) host(e);
    // Whatever is next: an arrival or a timer.
    std::uint64_t next = ~std::uint64_t{0};
    if (!net_.empty()) next = net_.begin()->first;
    for (const End& e : ends_) {
      for (const Deadline& d : e.t.timer) {
        if (d.armed) next = std::min(next, d.at);
      }
    }
    // A host that has something to do is back within two milliseconds.
    if (next > now_ + 2000 && (busy(ends_[0]) || busy(ends_[1]))) {
      now_ += 2000;
      return;
    }
    ASSERT_NE(next, ~std::uint64_t{0}) << "nothing will ever happen again";
    now_ = std::max(now_, next);
    if (!net_.empty() && net_.begin()->first <= now_) {
      const Flying f = net_.begin()->second;
      net_.erase(net_.begin());
      arrive(ends_[f.to], f);
      return;
    }
    for (End& e : ends_) {
      for (unsigned i = 0; i < TIMERS; ++i) {
        if (!e.t.timer[i].armed || e.t.timer[i].at > now_) continue;
        Event ev;
        ev.source = Source::TMR;
        ev.timer = static_cast<Timer>(i);
        ev.has_conn = true;
        run(e, ev);
        return;
      }
    }
  }

  bool busy(const End& e) const {
    if (!e.opened || e.r.state == State::CLOSED) return false;
    return !e.closed || e.received < setup_.octets[1 - e.id];
  }

  void host(End& e) {
    if (!e.opened || e.r.state == State::CLOSED) return;
    if (e.supplied < e.to_send && !e.r.fin_queued && chance(0.5)) {
      call(e, Op::SEND, std::min(e.to_send - e.supplied, 1 + below(3000)));
    }
    if (chance(setup_.slow_reader ? 0.02 : 0.4) && e.received < setup_.octets[1 - e.id]) {
      call(e, Op::RECEIVE, 1 + below(2000));
    }
    // Who closes last reads first: LAST_ACK ends with the connection.
    const bool all_read = e.r.state != State::CLOSE_WAIT || e.received == setup_.octets[1 - e.id];
    if (e.supplied == e.to_send && !e.r.fin_queued && e.r.state >= State::ESTABLISHED && all_read && chance(0.1)) {
      call(e, Op::CLOSE, 0);
      e.closed = true;
    }
  }

  void open(End& e) {
    call(e, Op::OPEN_ACTIVE, 0);
    e.opened = true;
  }

  Decision call(End& e, Op op, std::uint32_t len) {
    Event ev;
    ev.source = Source::CMD;
    ev.has_conn = true;
    ev.cmd.op = static_cast<std::uint8_t>(op);
    ev.cmd.handle = connection_handle(0, e.r.gen);
    ev.cmd.flags = static_cast<std::uint8_t>((setup_.nodelay ? NODELAY : 0) | (setup_.keepalive ? KEEPALIVE : 0));
    ev.cmd.lip = e.cfg.local_ip[0];
    ev.cmd.lport = e.id == 0 ? LPORT : RPORT;
    ev.cmd.rip = e.id == 0 ? RIP : LIP;
    ev.cmd.rport = e.id == 0 ? RPORT : LPORT;
    ev.cmd.len = len;
    ev.new_ok = ev.cam_room = true;
    ev.isn_hash = e.cfg.isn_key[0];
    const Decision d = run(e, ev);
    if (d.writer) {
      e.supplied += d.xfer_len;
      transfer(e, Source::TXD, d.xfer_len);
    }
    if (d.reader) {
      for (std::uint32_t i = 0; i < d.xfer_len; ++i) {
        const std::uint8_t got = e.buffer[(d.xfer_seq + i) % e.buffer.size()];
        EXPECT_EQ(got, octet(1 - e.id, e.received)) << "offset " << e.received;
        ++e.received;
      }
      transfer(e, Source::RXD, d.xfer_len);
    }
    return d;
  }

  void transfer(End& e, Source source, std::uint32_t n) {
    Event ev;
    ev.source = source;
    ev.has_conn = true;
    ev.n = n;
    ev.handle = connection_handle(0, e.r.gen);
    run(e, ev);
  }

  void arrive(End& e, const Flying& f) {
    Event ev;
    ev.source = Source::SEG;
    ev.seg = f.s;
    ev.hit = e.in_cam;
    ev.has_conn = e.in_cam || (f.s.has(SYN) && !f.s.has(ACK) && !f.s.has(RST));
    ev.lsn_hit = ev.lsn_room = e.id == 1 && !setup_.simultaneous && !e.closed;
    ev.new_ok = ev.cam_room = true;
    ev.isn_hash = e.cfg.isn_key[0];
    const Decision d = run(e, ev);
    if (d.take) e.opened = true;
    if (d.store) {
      for (std::uint32_t i = 0; i < d.store_len; ++i) {
        e.buffer[(d.store_seq + i) % e.buffer.size()] = octet(1 - e.id, f.first + d.store_off + i);
      }
    }
    if (d.accept_push) {
      Event a;
      a.source = Source::CMD;
      a.has_conn = true;
      a.cmd.op = static_cast<std::uint8_t>(Op::ACCEPT);
      a.cmd.handle = listener_handle(0, 0);
      a.lsn_valid = a.accept_valid = true;
      a.accept_handle = d.accept_handle;
      run(e, a);
    }
  }

  Decision run(End& e, Event& ev) {
    ev.now = now_;
    const Record before = e.r;
    const Decision d = process(e.r, e.t, ev, e.cfg);
    ++events_;
    if (tap_) tap_(e.r, e.t, ev, e.cfg, d);
    check_invariants(before, d, e.cfg);
    if (d.write) {
      e.r = d.record;
      e.t = d.deadlines;
    }
    if (d.cam_insert) e.in_cam = true;
    if (d.cam_delete) e.in_cam = false;
    e.aborted = e.aborted || (d.evt & (EVT_RESET | EVT_REFUSED | EVT_TIMEOUT)) != 0;
    if (d.is_retransmission) ++retransmissions_;
    if (d.tx) fly(e, d.segment);
    if (d.out_push && !e.queued) {
      e.queued = true;
      Event out;
      out.source = Source::OUT;
      out.has_conn = true;
      e.queued = false;
      run(e, out);
    }
    return d;
  }

  void fly(const End& e, const TxSegment& x) {
    Flying f{1 - e.id, {}, x.payload_seq - e.r.iss - 1};
    Segment& s = f.s;
    s.lip = x.rip;
    s.lport = x.rport;
    s.rip = x.lip;
    s.rport = x.lport;
    s.seq = x.seq;
    s.ack = x.ack;
    s.wnd = x.wnd;
    s.flags = x.flags;
    s.len = x.len;
    s.mss_valid = x.mss_valid;
    s.mss = x.mss;
    if (chance(setup_.loss)) return;
    const std::uint64_t at =
        now_ + 1000 + (setup_.late > 0 ? below(200) : 0) + (chance(setup_.late) ? below(20'000) : 0);
    net_.emplace(at, f);
    if (chance(setup_.twice)) net_.emplace(at + below(5000), f);
  }

  Setup setup_;
  std::mt19937 rng_;
  Tap tap_;
  End ends_[2];
  std::multimap<std::uint64_t, Flying> net_;
  std::uint64_t now_ = 1'000'000, events_ = 0, retransmissions_ = 0;
};

}  // namespace tiptoe::tcp
