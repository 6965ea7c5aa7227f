// SPDX-License-Identifier: Apache-2.0
// A segment for which there is no connection: RFC 9293 3.10.7.1 (CLOSED); listen.cpp when a listener matches.
#include "step.hpp"

namespace tiptoe::tcp::step {

// RFC 9293 3.5.2: the RST that refuses a segment takes its sequence number from the segment.
void reset_for_segment(Ctx& c) {
  if (c.seg.has(ACK)) {
    // <SEQ=SEG.ACK><CTL=RST>
    send_reply(c, c.on(Fault::closed_rst_wrong_seq) ? 0 : c.seg.ack, 0, RST);
  } else {
    // <SEQ=0><ACK=SEG.SEQ+SEG.LEN><CTL=RST,ACK>
    const std::uint32_t len = c.on(Fault::closed_rst_wrong_ack) ? 0 : seg_len(c.seg);
    send_reply(c, 0, c.seg.seq + len, RST | ACK);
  }
}

void no_connection(Ctx& c) {
  c.d.reason = Reason::NO_CONNECTION;
  // RFC 9293 3.4.3: the quiet time after a restart.
  if (c.ev.now - c.cfg.boot_us < c.cfg.quiet) {
    c.d.reason = Reason::QUIET;
    c.d.count(Counter::ListenDrops);
    return;
  }
  // RFC 9293 3.10.7.1, 3.10.7.2 first: an incoming RST is discarded.
  if (c.seg.has(RST)) {
    if (c.on(Fault::rst_answered_by_rst)) reset_for_segment(c);
    return;
  }
  if (c.ev.lsn_hit) return listen(c);
  // RFC 9293 3.10.7.1: anything else causes a RST.
  if (!c.on(Fault::closed_silent)) reset_for_segment(c);
}

}  // namespace tiptoe::tcp::step
