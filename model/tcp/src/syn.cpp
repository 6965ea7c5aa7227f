// SPDX-License-Identifier: Apache-2.0
// RFC 9293 3.10.7.4 fourth: the SYN bit, with RFC 5961 4.2. Only called when it is set.
#include "step.hpp"

namespace tiptoe::tcp::step {
namespace {

// RFC 793: "If the SYN is in the window it is an error, send a reset".
Flow reset_by_syn(Ctx& c) {
  c.d.reason = Reason::RESET;
  reset_for_segment(c);
  c.remove = true;
  if (c.r.state != State::TIME_WAIT) c.d.evt |= EVT_RESET | EVT_CLOSED;
  return Flow::STOP;
}

Flow challenge(Ctx& c) {
  c.d.reason = Reason::CHALLENGE;
  if (!c.on(Fault::syn_silent)) challenge_ack(c);
  return Flow::STOP;
}

void restart(Ctx& c) {  // seeded fault syn_restarts
  c.r.irs = c.seg.seq;
  c.r.rcv_nxt = c.r.rcv_user = c.r.rcv_free = c.seg.seq + 1;
  c.r.rcv_adv = c.r.rcv_nxt + initial_rcv_window(c.cfg);
  c.r.ooo = {};
  c.r.fin_pend = false;
  c.ack_now = true;
}

}  // namespace

// NEXT: the SYN is not in the window, so that the segment is not acceptable, whatever its text: step 1 answers it.
Flow syn(Ctx& c, bool seq_ok) {
  const bool rfc5961 = c.cfg.has(SYN5961) && !c.on(Fault::syn_in_window_resets);
  if (c.r.state == State::SYN_RECEIVED) {
    if (!in_window(c)) return Flow::NEXT;
    if (!c.r.passive) return rfc5961 ? challenge(c) : reset_by_syn(c);
    // "If the connection was initiated with a passive OPEN, then return this connection to the LISTEN state".
    c.d.reason = Reason::SYN_BACK_TO_LISTEN;
    c.remove = true;
    return Flow::STOP;
  }
  if (c.on(Fault::syn_restarts) && c.r.state == State::ESTABLISHED && seq_ok) {
    restart(c);
    return Flow::STOP;
  }
  // "If the SYN bit is set, irrespective of the sequence number, TCP endpoints MUST send a challenge ACK".
  if (rfc5961) return challenge(c);
  return in_window(c) ? reset_by_syn(c) : Flow::NEXT;
}

}  // namespace tiptoe::tcp::step
