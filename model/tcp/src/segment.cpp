// SPDX-License-Identifier: Apache-2.0
// A segment in SYN_RECEIVED and later: the steps of RFC 9293 3.10.7.4 in their order.
#include "step.hpp"

namespace tiptoe::tcp::step {
namespace {

// RFC 9293 figure 7 line 7: the SYN,ACK that answers our own SYN,ACK in a simultaneous open. Its SYN is the one that we
// know already; the rest is looked at as if the segment began after it.
void second_syn_of_simultaneous_open(Ctx& c) {
  const Record& r = c.r;
  Segment& s = c.seg;
  if (r.state == State::SYN_RECEIVED && !r.passive && s.has(SYN) && s.has(ACK) && !s.has(RST) && s.seq == r.irs &&
      s.ack == r.snd_nxt) {
    s.seq += 1;
    s.flags = static_cast<std::uint8_t>(s.flags & ~SYN);
  }
}

// The peer lives.
void restart_idle_timers(Ctx& c) {
  if (c.t.armed(Timer::KEEP)) {
    start_keepalive(c);
    c.r.keep_cnt = 0;
  }
  if (c.r.state == State::FIN_WAIT_2 && c.t.armed(Timer::WAIT)) c.arm_in(Timer::WAIT, c.cfg.fw2_timeout);
}

}  // namespace

void other_states(Ctx& c) {
  second_syn_of_simultaneous_open(c);
  if (reopen(c)) return;
  restart_idle_timers(c);

  bool seq_ok = acceptable(c);  // first
  if (c.seg.has(RST)) {         // second
    rst(c);
    return;
  }
  if (c.seg.has(SYN)) {  // fourth (the third, security, has no equivalent here)
    if (syn(c, seq_ok) == Flow::STOP) return;
    seq_ok = false;
  }
  if (!seq_ok && not_acceptable(c) == Flow::STOP) return;  // first, the answer
  if (ack(c) == Flow::STOP) return;                        // fifth
  urg(c);                                                  // sixth
  text(c);                                                 // seventh
  fin(c);                                                  // eighth
}

}  // namespace tiptoe::tcp::step
