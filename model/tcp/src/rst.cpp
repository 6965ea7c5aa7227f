// SPDX-License-Identifier: Apache-2.0
// RFC 9293 3.10.7.4 second: the RST bit, with RFC 5961 3.2 and RFC 1337. A RST never continues to the next step.
#include "step.hpp"

namespace tiptoe::tcp::step {
namespace {

// "Enter the CLOSED state, delete the TCB": who is told depends on the state.
void reset(Ctx& c) {
  c.d.reason = Reason::RESET;
  c.remove = true;
  switch (c.r.state) {
    case State::SYN_RECEIVED:
      // From LISTEN: back to LISTEN, the user need not be informed. From SYN_SENT: connection refused.
      if (!c.r.passive) c.d.evt |= EVT_REFUSED | EVT_CLOSED;
      break;
    case State::ESTABLISHED:
    case State::FIN_WAIT_1:
    case State::FIN_WAIT_2:
    case State::CLOSE_WAIT: c.d.evt |= EVT_RESET | EVT_CLOSED; break;
    case State::CLOSING:
    case State::LAST_ACK: c.d.evt |= EVT_CLOSED; break;
    default: break;
  }
}

}  // namespace

Flow rst(Ctx& c) {
  const bool exact = c.seg.seq == c.r.rcv_nxt;
  const bool rfc5961 = c.cfg.has(RST5961);
  const bool deaf = (c.on(Fault::rst_exact_ignored) && exact) ||
                    (c.on(Fault::syn_received_rst_ignored) && c.r.state == State::SYN_RECEIVED);
  // 1) Outside the window: silently drop. (SEG.LEN plays no part.)
  if ((!exact && !in_window(c) && !c.on(Fault::rst_outside_window)) || deaf) {
    c.d.reason = Reason::RST_IGNORED;
  } else if (c.r.state == State::TIME_WAIT && c.cfg.has(RFC1337) && !c.on(Fault::rfc1337_ignored)) {
    // RFC 1337 fix F1: TIME_WAIT is not ended by a RST.
    if (exact || !rfc5961) {
      c.d.reason = Reason::RST_IGNORED;
    } else {
      c.d.reason = Reason::CHALLENGE;
      challenge_ack(c);
    }
  } else if (rfc5961 && !exact && !c.on(Fault::rst_anywhere_in_window) && !c.on(Fault::rst_outside_window)) {
    // 3) In the window, but not exactly RCV.NXT: challenge ACK.
    c.d.reason = Reason::CHALLENGE;
    if (!c.on(Fault::rst_in_window_silent)) challenge_ack(c);
  } else {
    // 2) Exactly RCV.NXT (or anywhere in the window, without RFC 5961): reset.
    reset(c);
  }
  return Flow::STOP;
}

}  // namespace tiptoe::tcp::step
