// SPDX-License-Identifier: Apache-2.0
// RFC 9293 3.10.7.4 first: is the segment acceptable, and what if it is not.
#include "step.hpp"

namespace tiptoe::tcp::step {

// RCV.WND, as the acceptance test and the trimming of text see it.
std::uint32_t rcv_window(const Ctx& c) {
  if (c.on(Fault::window_edge_off_by_one)) return c.wnd() + 1;
  if (c.on(Fault::zero_window_data_accepted)) return std::max<std::uint32_t>(c.wnd(), 1);
  return c.wnd();
}

// RCV.NXT =< SEG.SEQ < RCV.NXT+RCV.WND
bool in_window(const Ctx& c) { return seq::in(c.seg.seq, c.r.rcv_nxt, c.wnd()); }

// RFC 9293 Table 6. A segment that covers the whole window is acceptable too: the table means an interval, of which the
// window must have a part.
bool acceptable(const Ctx& c) {
  const std::uint32_t nxt = c.r.rcv_nxt, wnd = rcv_window(c), len = seg_len(c.seg), first = c.seg.seq;
  if (len == 0 && wnd == 0) return first == nxt && !c.on(Fault::window_probe_deadlock);
  if (wnd == 0) return false;
  if (c.on(Fault::seq_not_wrap_safe)) return nxt <= first ? first < nxt + wnd : nxt < first + len;
  // It starts in the window, or it starts at or left of it and reaches it.
  return first - nxt < wnd || nxt - first < len;
}

// "If an incoming segment is not acceptable, an acknowledgment should be sent in reply ... and drop the segment."
Flow not_acceptable(Ctx& c) {
  Segment& s = c.seg;
  const std::uint32_t len = seg_len(s);
  c.d.reason = Reason::OUT_OF_WINDOW;
  const bool old = len > 0 && seq::le(s.seq + len, c.r.rcv_nxt);
  if (c.on(Fault::out_of_window_silent) || (c.on(Fault::old_data_silent) && old) ||
      (c.on(Fault::fin_dup_silent) && old && s.has(FIN))) {
    // the faulty end says nothing
  } else if (c.on(Fault::out_of_window_rst)) {
    reset_for_segment(c);
  } else if (len > 0) {
    c.ack_now = true;
  } else {
    challenge_ack(c);  // limited: two such ends would answer each other for ever
  }

  // TIME_WAIT: the peer's FIN again. Acknowledge it, and restart the 2 MSL timeout.
  if (c.r.state == State::TIME_WAIT && s.has(FIN) && s.seq + len == c.r.rcv_nxt) restart_time_wait(c);

  // "If the RCV.WND is zero, no segments will be acceptable, but special allowance should be made to accept valid ACKs,
  // URGs, and RSTs": of a probe of our zero window everything but the text and the FIN counts.
  if (c.wnd() == 0 && s.len > 0 && s.seq == c.r.rcv_nxt && !c.on(Fault::zero_window_ack_ignored)) {
    s.len = 0;
    s.flags = static_cast<std::uint8_t>(s.flags & ~FIN);
    return Flow::NEXT;
  }
  return Flow::STOP;
}

}  // namespace tiptoe::tcp::step
