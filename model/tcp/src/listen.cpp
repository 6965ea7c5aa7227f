// SPDX-License-Identifier: Apache-2.0
// A segment that matches a listener and no connection: RFC 9293 3.10.7.2. A RST has been dealt with.
#include "step.hpp"

namespace tiptoe::tcp::step {

void listen(Ctx& c) {
  // Second: any acknowledgment is bad.
  if (c.seg.has(ACK)) {
    if (!c.on(Fault::listen_ack_silent)) reset_for_segment(c);
    return;
  }
  // Fourth: nothing but a SYN is left that could mean something.
  if (!c.seg.has(SYN)) return;

  // Third: a SYN makes a connection, when there is room for one. RFC 4987: a full backlog is answered by silence, so
  // that a peer tries again.
  if (!c.ev.lsn_room && !c.on(Fault::backlog_ignored)) {
    c.d.reason = Reason::BACKLOG;
    c.d.count(Counter::ListenDrops);
    if (c.on(Fault::full_backlog_answered_by_rst)) reset_for_segment(c);
  } else if (!c.ev.new_ok) {
    c.d.reason = Reason::TABLE_FULL;
    c.d.count(Counter::TableFull);
  } else if (!c.ev.cam_room) {
    c.d.reason = Reason::CAM_FULL;
    c.d.count(Counter::CamFull);
  } else {
    c.d.reason = Reason::NONE;
    create_passive(c, initial_sequence_number(c));
    c.d.take = true;
    c.d.cam_insert = true;
  }
}

}  // namespace tiptoe::tcp::step
