// SPDX-License-Identifier: Apache-2.0
// [8] What is sent: at most one segment for one event. RFC 9293 3.7.4 (Nagle), 3.8.6 (windows), RFC 5681, RFC 3042.
#include "step.hpp"

namespace tiptoe::tcp::step {
namespace {

TxSegment& segment(Ctx& c, std::uint32_t seq, std::uint8_t flags) {
  TxSegment& s = c.d.segment;
  c.d.tx = true;
  s.lip = c.r.lip;
  s.lport = c.r.lport;
  s.rip = c.r.rip;
  s.rport = c.r.rport;
  s.seq = s.payload_seq = seq;
  s.ack = (flags & ACK) != 0 ? c.r.rcv_nxt : 0;
  s.flags = flags;
  s.wnd = static_cast<std::uint16_t>(c.wnd());
  return s;
}

}  // namespace

// A segment outside the connection's stream. It answers c.seg, or belongs to the connection.
void send_reply(Ctx& c, std::uint32_t seq, std::uint32_t ack, std::uint8_t flags, std::uint16_t wnd) {
  TxSegment& s = segment(c, seq, flags);
  if (c.ev.source == Source::SEG) {
    s.lip = c.seg.lip;
    s.lport = c.seg.lport;
    s.rip = c.seg.rip;
    s.rport = c.seg.rport;
  }
  s.ack = ack;
  s.wnd = wnd;
  c.d.is_rst = (flags & RST) != 0;
  c.reply = true;
}

void reset_connection(Ctx& c) { send_reply(c, c.r.snd_nxt, c.r.rcv_nxt, RST | ACK); }

// [4.3] RFC 9293 3.8.6.2.2: the right edge moves when it can move far enough, and never left (SHLD-14, MUST-39).
std::uint32_t window_edge(const Ctx& c) {
  const Record& r = c.r;
  const std::uint32_t buffer = rx_buffer(c.cfg);
  const std::int32_t used = seq::diff(r.rcv_nxt, r.rcv_free) - (peer_closed(r.state) ? 1 : 0);
  std::uint32_t free = used <= 0                                   ? buffer
                       : static_cast<std::uint32_t>(used) < buffer ? buffer - static_cast<std::uint32_t>(used)
                                                                   : 0;
  free = std::min<std::uint32_t>(free, 65535);
  const std::uint32_t edge = r.rcv_nxt + free;
  const auto step = static_cast<std::int32_t>(std::min(buffer / 2, own_mss(c.cfg)));
  if (c.on(Fault::window_shrinks) && seq::lt(r.rcv_nxt + free / 2, r.rcv_adv)) return r.rcv_nxt + free / 2;
  if (c.on(Fault::silly_window_receiver)) return seq::max(edge, r.rcv_adv);
  return seq::diff(edge, r.rcv_adv) >= step ? edge : r.rcv_adv;
}

namespace {

// Every segment with ACK on a synchronized connection carries the newest window and the delayed ACK.
void acknowledge(Ctx& c, TxSegment& s) {
  if (!synchronized(c.r.state)) return;
  c.t.disarm(Timer::DACK);
  c.r.rcv_adv = window_edge(c);
  s.wnd = static_cast<std::uint16_t>(c.wnd());
}

// [8.1] SYN or SYN,ACK, for the first time or again. RFC 9293 3.7.1 SHLD-5: with the MSS option.
bool send_syn(Ctx& c) {
  Record& r = c.r;
  if (!r.syn_out || r.rtx_nxt != r.iss) return false;
  TxSegment& s = segment(c, r.iss, r.state == State::SYN_SENT ? SYN : SYN | ACK);
  if (r.state == State::SYN_SENT) s.wnd = static_cast<std::uint16_t>(initial_rcv_window(c.cfg));
  s.mss_valid = !c.on(Fault::mss_option_missing);
  const std::uint32_t mss = c.on(Fault::mss_headers_not_subtracted) ? c.cfg.mtu : own_mss(c.cfg);
  s.mss = s.mss_valid ? static_cast<std::uint16_t>(mss) : std::uint16_t{0};
  if (r.snd_nxt == r.iss) {
    r.rtt_on = true;
    r.rtt_seq = r.iss;
    r.rtt_start = c.now32();
  }
  c.d.is_retransmission = c.d.nothing_new = seq::lt(r.iss, r.snd_nxt);
  r.snd_nxt = seq::max(r.snd_nxt, r.iss + 1);
  r.rtx_nxt = r.iss + 1;
  c.arm_in(Timer::RTX, r.rto);
  c.d.out_push =
      r.fin_queued && (r.state == State::FIN_WAIT_1 || r.state == State::CLOSING || r.state == State::LAST_ACK);
  return true;
}

bool sends_data(State s) {
  return s == State::ESTABLISHED || s == State::CLOSE_WAIT || s == State::FIN_WAIT_1 || s == State::CLOSING ||
         s == State::LAST_ACK;
}

// One past the last octet that may be sent now.
std::uint32_t send_limit(const Ctx& c) {
  const Record& r = c.r;
  if (c.probe) return r.snd_una + 1;
  if (c.rtx_one) return r.snd_una + r.snd_wnd;
  std::uint32_t cw = r.cwnd;
  // RFC 3042: each of the first two duplicate ACKs releases one new segment.
  const bool limited = !r.in_recovery && (r.dupacks == 1 || r.dupacks == 2);
  if (limited && !c.on(Fault::limited_transmit_missing)) cw += r.dupacks * c.mss();
  if (c.on(Fault::send_window_ignored) && r.snd_wnd != 0) return r.snd_una + cw;
  return r.snd_una + std::min(r.snd_wnd, cw);
}

// Is a segment of `len` octets, of `left` that wait, worth sending?
bool worth_sending(const Ctx& c, std::uint32_t len, std::uint32_t left) {
  const Record& r = c.r;
  if (len == 0) return false;
  if (len == c.mss()) return true;  // RFC 9293 3.8.6.2.1 (1)
  const bool nodelay = (r.nodelay && !c.on(Fault::nodelay_ignored)) || c.on(Fault::nagle_absent);
  if (len == left && (nodelay || c.flight() == 0)) return true;                         // (2), 3.7.4 Nagle
  return 2 * len >= r.max_snd_wnd || (c.on(Fault::silly_window_sender) && len < left);  // (3)
}

// SND.UNA, as far as octets of text are concerned: our SYN is not one of them.
std::uint32_t text_una(const Record& r) { return r.syn_out ? r.iss + 1 : r.snd_una; }

// RFC 5681 4.1: no text has been sent "in an interval exceeding the retransmission timeout".
bool idle(const Ctx& c) {
  std::uint64_t since = (c.ev.now - c.r.last_sent) & TIME_MASK;
  if (c.on(Fault::restart_window_clock_wraps)) since &= 0xFFFFFFFF;
  return since > c.r.rto;
}

// [8.2] Text and FIN.
bool send_text(Ctx& c) {
  Record& r = c.r;
  if (c.on(Fault::retransmission_missing)) c.rtx_one = false;
  if (!c.rtx_one && !c.probe && seq::gt(r.snd_end, r.rtx_nxt) && idle(c)) restart_window(c);
  const std::uint32_t s = c.rtx_one || c.probe ? r.snd_una : r.rtx_nxt;
  const auto left = static_cast<std::uint32_t>(std::max(0, seq::diff(r.snd_end, s)));
  const auto usable = static_cast<std::uint32_t>(std::max(0, seq::diff(send_limit(c), s)));
  std::uint32_t len = std::min({left, usable, c.mss()});

  const bool window_ok = r.snd_end - text_una(r) <= r.snd_wnd || c.probe;
  bool fin = r.fin_queued && !r.tx_busy && s + len == r.snd_end && window_ok && !(c.probe && len > 0);
  if (c.on(Fault::fin_waits_for_acks) && r.snd_una != r.snd_end) fin = false;
  const bool again = seq::lt(s, r.snd_nxt);  // a retransmission
  if (len == 0 && !fin) return false;
  if (!again && !c.probe && !fin && !worth_sending(c, len, left)) return false;

  const bool push = len > 0 && s + len == r.snd_end && !c.on(Fault::psh_never);
  const int flags = ACK | (push ? PSH : 0) | (fin ? FIN : 0);
  TxSegment& out = segment(c, s, static_cast<std::uint8_t>(flags));
  out.len = static_cast<std::uint16_t>(len);
  if (again && len > 0 && c.on(Fault::inconsistent_retransmission)) out.payload_seq = s + 1;
  if (again && len == 0 && fin && c.on(Fault::fin_retransmission_carries_data)) {
    out.len = 1;
    out.payload_seq = s - 1;
  }
  acknowledge(c, out);
  r.last_sent = c.ev.now;

  // RFC 6298 3: one segment is timed at a time, and never one that was sent twice (Karn).
  if (again) {
    if (!c.on(Fault::karn_violated)) r.rtt_on = false;
  } else if (!r.rtt_on) {
    r.rtt_on = true;
    r.rtt_seq = s;
    r.rtt_start = c.now32();
  }
  c.d.is_retransmission = again;
  const std::uint32_t end = s + len + (fin ? 1 : 0);
  c.d.nothing_new = again && (seq::le(end, r.snd_nxt) || c.on(Fault::out_segs_mixed_missing));
  r.snd_nxt = seq::max(r.snd_nxt, end);
  r.rtx_nxt = c.rtx_one || c.probe ? seq::max(r.rtx_nxt, end) : end;
  // One segment an event: the rest follows through the output queue.
  const bool more = seq::gt(r.snd_end, r.rtx_nxt) || (r.fin_queued && r.rtx_nxt == r.snd_end);
  c.d.out_push = !c.probe && (more || c.rtx_one);
  return true;
}

// [8.3] RFC 6298 5.1: the retransmission timer runs while something is outstanding; 9293 3.8.6.1: the persist timer
// while the peer's window keeps us from sending.
void output_timers(Ctx& c, bool sent) {
  Record& r = c.r;
  const bool unacked_data = seq::gt(r.snd_end, text_una(r));
  const bool blocked = unacked_data && (r.snd_wnd == 0 || c.flight() == 0);
  if (blocked) {
    if (!r.persist) {
      r.persist = true;
      r.rtx_cnt = 0;
      r.persist_exp = 0;
      c.t.disarm(Timer::USER);
      c.arm_in(Timer::RTX, c.on(Fault::probe_too_late) ? std::max<std::uint32_t>(r.rto, 60'000'000) : r.rto);
    } else if (c.probe && sent) {
      c.arm_in(Timer::RTX, persist_interval(c));
    }
    return;
  }
  if (r.persist) {
    r.persist = false;
    c.t.disarm(Timer::RTX);
  }
  if (c.flight() == 0) {
    c.t.disarm(Timer::RTX);
    return;
  }
  if (!c.t.armed(Timer::RTX) || (c.rtx_one && sent)) c.arm_in(Timer::RTX, r.rto);
  if (!c.t.armed(Timer::USER) && c.cfg.user_timeout != 0) c.arm_in(Timer::USER, c.cfg.user_timeout);
}

// [8.4] <SEQ=SND.NXT><ACK=RCV.NXT><CTL=ACK>
void send_ack(Ctx& c) {
  TxSegment& s = segment(c, c.r.snd_nxt, ACK);
  if (c.challenge && c.on(Fault::challenge_ack_wrong_seq)) s.seq = c.seg.ack;
  acknowledge(c, s);
}

}  // namespace

void output(Ctx& c) {
  if (c.reply || c.r.state == State::CLOSED) return;
  if (send_syn(c)) return;
  bool sent = false;
  if (sends_data(c.r.state)) {
    sent = send_text(c);
    output_timers(c, sent);
  }
  if (!sent && c.ack_now && c.r.state >= State::SYN_RECEIVED) send_ack(c);
}

}  // namespace tiptoe::tcp::step
