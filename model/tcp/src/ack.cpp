// SPDX-License-Identifier: Apache-2.0
// RFC 9293 3.10.7.4 fifth: the ACK field, with RFC 5961 5.2.
#include "step.hpp"

namespace tiptoe::tcp::step {

// [5.1] The handshake is complete.
void enter_established(Ctx& c) {
  Record& r = c.r;
  r.state = r.fin_queued ? State::FIN_WAIT_1 : State::ESTABLISHED;
  r.syn_out = false;
  c.t.disarm(Timer::RTX);
  c.t.disarm(Timer::USER);
  r.rtx_cnt = 0;
  r.persist = false;
  // RFC 6298 2, 3: the SYN gives the first sample, unless it was repeated.
  const bool sample = r.rtt_on && (!r.syn_rtx || c.on(Fault::karn_violated)) && !c.on(Fault::rto_never_adapts);
  if (sample) rtt_sample(c, c.now32() - r.rtt_start);
  r.rtt_on = false;
  if (r.syn_rtx && !c.on(Fault::syn_rtx_rto_not_3s) && !c.on(Fault::karn_violated)) {
    r.rto = std::max<std::uint32_t>(3'000'000, c.cfg.rto_min);  // RFC 6298 5.7
  } else if (!sample) {
    r.rto = c.on(Fault::initial_rto_too_low) ? c.cfg.rto_init / 10 : c.cfg.rto_init;
  }
  initial_cwnd(c);
  r.last_sent = c.ev.now;
  if (r.keepalive || c.on(Fault::keepalive_always_on)) start_keepalive(c);
  c.d.evt |= EVT_CONNECTED;
}

namespace {

// SYN_RECEIVED: "If SND.UNA < SEG.ACK =< SND.NXT, then enter ESTABLISHED ... If the segment acknowledgment is not
// acceptable, form a reset segment".
Flow syn_received(Ctx& c) {
  Record& r = c.r;
  const Segment& s = c.seg;
  if (!(seq::lt(r.snd_una, s.ack) && seq::le(s.ack, r.snd_nxt))) {
    c.d.reason = Reason::BAD_ACK;
    if (!c.on(Fault::syn_received_bad_ack_silent)) send_reply(c, s.ack, 0, RST);
    return Flow::STOP;
  }
  r.snd_una = s.ack;
  r.rtx_nxt = seq::max(r.rtx_nxt, s.ack);
  r.snd_wnd = s.wnd;
  r.max_snd_wnd = std::max(r.max_snd_wnd, r.snd_wnd);
  r.snd_wl1 = s.seq;
  r.snd_wl2 = s.ack;
  enter_established(c);
  if (r.unaccepted) {
    c.d.accept_push = true;
    c.d.accept_handle = connection_handle(c.ev.idx, r.gen);
    c.d.lsn_idx = r.lsn_idx;
    c.d.lsn_gen = r.lsn_gen;
    wait_for_accept(c);
  }
  return Flow::NEXT;
}

// [5.2] SND.UNA < SEG.ACK =< SND.NXT
void new_ack(Ctx& c) {
  Record& r = c.r;
  const std::uint32_t acked = c.seg.ack - r.snd_una;
  if (r.rtt_on && seq::lt(r.rtt_seq, c.seg.ack)) {  // RFC 6298 3
    if (!c.on(Fault::rto_never_adapts)) rtt_sample(c, c.now32() - r.rtt_start);
    r.rtt_on = false;
  }
  r.snd_una = c.seg.ack;
  r.syn_out = false;
  r.rtx_nxt = seq::max(r.rtx_nxt, r.snd_una);
  r.rtx_cnt = 0;
  c.d.evt |= EVT_SPACE;
  congestion_new_ack(c, acked);
  r.persist = false;
  if (r.snd_una == r.snd_nxt) {  // RFC 6298 5.2: all acknowledged
    c.t.disarm(Timer::RTX);
    c.t.disarm(Timer::USER);
  } else {  // RFC 6298 5.3: new data acknowledged
    if (!c.on(Fault::rto_kept_after_ack)) c.arm_in(Timer::RTX, r.rto);
    if (c.cfg.user_timeout != 0) c.arm_in(Timer::USER, c.cfg.user_timeout);
  }
}

// "If SND.UNA =< SEG.ACK =< SND.NXT, the send window should be updated."
void window(Ctx& c, bool new_data_acked) {
  Record& r = c.r;
  const Segment& s = c.seg;
  const std::uint32_t before = r.snd_wnd;
  const bool newer = seq::lt(r.snd_wl1, s.seq) || (r.snd_wl1 == s.seq && seq::le(r.snd_wl2, s.ack));
  if ((newer || c.on(Fault::window_update_wl_ignored)) && !(c.on(Fault::window_update_ignored) && !new_data_acked)) {
    r.snd_wnd = s.wnd;
    r.snd_wl1 = s.seq;
    r.snd_wl2 = s.ack;
    r.max_snd_wnd = std::max(r.max_snd_wnd, r.snd_wnd);
  }
  if (before == 0 && r.snd_wnd > 0) {  // the window opens: what was probed is sent again, the timer starts afresh
    r.persist = false;
    r.rtx_cnt = 0;
    c.t.disarm(Timer::RTX);
    if (c.flight() > 0) r.rtx_nxt = r.snd_una;
  }
  // RFC 9293 3.8.6.1 MUST-37: as long as the peer answers the probes, the connection stays.
  if (r.persist && !c.on(Fault::probe_gives_up)) r.rtx_cnt = 0;
}

// FIN_WAIT_1, CLOSING, LAST_ACK: "if our FIN is now acknowledged".
Flow own_fin(Ctx& c) {
  Record& r = c.r;
  if (!r.fin_queued || c.seg.ack != r.snd_end + 1 || r.snd_nxt != r.snd_end + 1) return Flow::NEXT;
  switch (r.state) {
    case State::FIN_WAIT_1:
      if (c.on(Fault::fin_ack_ignored_fin_wait_1)) return Flow::NEXT;
      r.state = State::FIN_WAIT_2;
      if (c.cfg.fw2_timeout != 0 && !r.half) c.arm_in(Timer::WAIT, c.cfg.fw2_timeout);
      return Flow::NEXT;
    case State::CLOSING:
      enter_time_wait(c);
      if (c.on(Fault::simultaneous_close_to_closed)) c.remove = true;
      return Flow::NEXT;
    case State::LAST_ACK:
      if (c.on(Fault::last_ack_waits)) {
        enter_time_wait(c);
        return Flow::STOP;
      }
      c.remove = true;
      c.d.evt |= EVT_CLOSED;
      c.d.reason = Reason::NONE;  // also when the segment was a probe of our zero window
      return Flow::STOP;
    default: return Flow::NEXT;
  }
}

// RFC 5961 5.2: (SND.UNA - MAX.SND.WND) =< SEG.ACK =< SND.NXT
bool rfc5961_acceptable(const Ctx& c) {
  const Record& r = c.r;
  const bool not_too_old = seq::le(r.snd_una - r.max_snd_wnd, c.seg.ack) || c.on(Fault::ack_too_old_accepted);
  return not_too_old && seq::le(c.seg.ack, r.snd_nxt);
}

}  // namespace

Flow ack(Ctx& c) {
  Record& r = c.r;
  Segment& s = c.seg;
  // "If the ACK bit is off, drop the segment and return."
  if (!s.has(ACK)) {
    if (c.on(Fault::ack_off_accepted) && synchronized(r.state)) return Flow::NEXT;
    c.d.reason = Reason::NO_ACK;
    return Flow::STOP;
  }
  if (c.on(Fault::syn_received_bad_ack_accepted) && r.state == State::SYN_RECEIVED) s.ack = r.snd_nxt;
  if (c.on(Fault::ack_beyond_snd_nxt_accepted) && synchronized(r.state)) s.ack = seq::min(s.ack, r.snd_nxt);
  if (c.on(Fault::ack_beyond_snd_nxt_silent) && synchronized(r.state) && seq::gt(s.ack, r.snd_nxt)) return Flow::STOP;

  if (c.cfg.has(ACK5961) && !rfc5961_acceptable(c)) {
    c.d.reason = Reason::CHALLENGE;
    challenge_ack(c);
    return Flow::STOP;
  }
  if (r.state == State::SYN_RECEIVED) return syn_received(c);

  // "If the ACK acks something not yet sent, then send an ACK, drop the segment, and return."
  if (seq::gt(s.ack, r.snd_nxt)) {
    c.d.reason = Reason::BAD_ACK;
    challenge_ack(c);
    return Flow::STOP;
  }
  const std::uint32_t una = r.snd_una;
  if (seq::lt(una, s.ack)) {
    new_ack(c);
  } else {
    duplicate_ack(c);
  }
  if (seq::le(una, s.ack)) window(c, una != s.ack);
  return own_fin(c);
}

}  // namespace tiptoe::tcp::step
