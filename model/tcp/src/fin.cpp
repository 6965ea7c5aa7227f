// SPDX-License-Identifier: Apache-2.0
// RFC 9293 3.10.7.4 eighth: the FIN bit. text.cpp has remembered where the peer's FIN is.
#include "step.hpp"

namespace tiptoe::tcp::step {
namespace {

// "signal the user 'connection closing', advance RCV.NXT over the FIN, and send an acknowledgment for the FIN"
void take_fin(Ctx& c) {
  Record& r = c.r;
  r.rcv_nxt = r.fin_seq + (c.on(Fault::fin_no_sequence_number) ? 0 : 1);
  r.rcv_adv = seq::max(r.rcv_adv, r.rcv_nxt);
  r.fin_pend = false;
  c.ack_now = true;
  if (!c.on(Fault::fin_not_signalled)) c.d.evt |= EVT_PEER_FIN | EVT_READABLE;
  switch (r.state) {
    case State::ESTABLISHED: r.state = State::CLOSE_WAIT; break;
    case State::FIN_WAIT_1: r.state = State::CLOSING; break;  // with the own FIN acknowledged it is FIN_WAIT_2 by now
    case State::FIN_WAIT_2: enter_time_wait(c); break;
    default: break;
  }
}

}  // namespace

void fin(Ctx& c) {
  Record& r = c.r;
  if (peer_closed(r.state)) {
    // Only a repeated FIN can arrive here: acknowledge it. TIME_WAIT: restart the 2 MSL timeout.
    if (!c.seg.has(FIN)) return;
    c.ack_now = !c.on(Fault::fin_dup_silent);
    if (r.state == State::TIME_WAIT) restart_time_wait(c);
  } else if (may_receive(r.state) && r.fin_pend) {
    if (r.rcv_nxt == r.fin_seq || c.on(Fault::fin_ooo_closes)) {
      take_fin(c);
    } else if (c.seg.has(FIN)) {
      c.ack_now = true;  // known, but not yet in order
    }
  }
}

}  // namespace tiptoe::tcp::step
