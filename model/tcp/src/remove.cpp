// SPDX-License-Identifier: Apache-2.0
// [7] Deleting a connection, and [4a] the connections that nobody will ever accept.
#include "step.hpp"

namespace tiptoe::tcp::step {

// The index is free again. Handles of the old generation mean nothing any more.
void release(Ctx& c) {
  c.r.gen = static_cast<std::uint8_t>((c.r.gen + 1) & 0x3F);
  c.d.release = true;
}

// "Enter the CLOSED state, delete the TCB". While the host still moves payload the index stays taken.
void remove(Ctx& c) {
  Record& r = c.r;
  // RFC 4022, whatever the cause.
  if (syn_state(r.state)) c.d.count(Counter::AttemptFails);
  if (counts_as_established(r.state)) c.d.count(Counter::EstabResets);
  const bool in_handshake = r.state == State::SYN_RECEIVED;
  r.state = State::CLOSED;
  c.t.disarm_all();
  c.d.cam_delete = true;
  if (r.unaccepted) {
    c.d.evt = 0;  // the host never heard of it
    // One that waits for ACCEPT keeps its place in the backlog until ACCEPT finds it dead.
    if (in_handshake && !c.ev.orphan) {
      c.d.backlog = -1;
      c.d.lsn_idx = r.lsn_idx;
      c.d.lsn_gen = r.lsn_gen;
    }
  }
  if (!r.tx_busy && !r.rx_busy) release(c);
}

// A connection whose listener is gone before it was accepted is reset by whatever happens to it next.
bool orphan(Ctx& c) {
  if (!c.ev.orphan || c.r.state == State::CLOSED || c.r.state == State::TIME_WAIT) return false;
  const bool segment = c.ev.source == Source::SEG && c.seg.drop == 0 && !c.seg.has(RST);
  if (!segment && c.ev.source != Source::TMR && c.ev.source != Source::OUT) return false;
  if (c.on(Fault::orphan_kept)) return false;
  c.d.reason = Reason::ORPHAN;
  reset_connection(c);
  c.remove = true;
  return true;
}

}  // namespace tiptoe::tcp::step
