// SPDX-License-Identifier: Apache-2.0
// A segment in SYN_SENT: RFC 9293 3.10.7.3.
#include "step.hpp"

namespace tiptoe::tcp::step {
namespace {

// SND.UNA =< ISS < SEG.ACK =< SND.NXT
bool ack_acceptable(const Ctx& c) { return seq::lt(c.r.iss, c.seg.ack) && seq::le(c.seg.ack, c.r.snd_nxt); }

// Fourth: the peer's SYN. What both ways of opening have in common.
void take_syn(Ctx& c) {
  Record& r = c.r;
  r.irs = c.seg.seq;
  r.rcv_nxt = r.rcv_user = r.rcv_free = c.seg.seq + 1;
  r.rcv_adv = r.rcv_nxt + initial_rcv_window(c.cfg);
  r.snd_wnd = r.max_snd_wnd = c.seg.wnd;
  r.snd_wl1 = c.seg.seq;
  r.snd_wl2 = c.seg.has(ACK) ? c.seg.ack : 0;
  peer_mss(c);
}

// SYN,ACK: the connection is open. URG, text and FIN follow in this very segment.
void open(Ctx& c) {
  c.r.snd_una = c.r.rtx_nxt = c.seg.ack;
  enter_established(c);
  c.ack_now = !c.on(Fault::handshake_ack_missing);
  c.seg.seq += 1;
  c.seg.flags = static_cast<std::uint8_t>(c.seg.flags & ~SYN);
  urg(c);
  text(c);
  fin(c);
}

// SYN alone: the two SYNs crossed (RFC 9293 3.5 MUST-10, figure 7). SYN,ACK is due at once; text and FIN are ignored.
void simultaneous_open(Ctx& c) {
  if (c.on(Fault::simultaneous_open_gives_up)) {
    reset_for_segment(c);
    c.remove = true;
    c.d.evt |= EVT_REFUSED | EVT_CLOSED;
    return;
  }
  Record& r = c.r;
  r.state = State::SYN_RECEIVED;
  r.passive = false;
  if (c.on(Fault::simultaneous_open_no_syn)) {
    c.ack_now = true;
    return;
  }
  r.rtx_nxt = r.iss;
  r.rtx_cnt = 0;
  r.rto = syn_rto(c);
  c.t.disarm(Timer::RTX);
}

}  // namespace

void syn_sent(Ctx& c) {
  Segment& s = c.seg;
  // First: the ACK bit.
  if (s.has(ACK) && !ack_acceptable(c)) {
    if (c.on(Fault::syn_sent_bad_ack_accepted)) {
      s.ack = c.r.snd_nxt;
    } else {
      c.d.reason = Reason::BAD_ACK;
      if (!s.has(RST) && !c.on(Fault::syn_sent_bad_ack_silent)) send_reply(c, s.ack, 0, RST);
      return;
    }
  }
  // Second: the RST bit. Without an acceptable ACK it could be anybody's.
  if (s.has(RST)) {
    if ((s.has(ACK) && !c.on(Fault::syn_sent_rst_ignored)) || c.on(Fault::syn_sent_rst_without_ack)) {
      c.d.reason = Reason::RESET;
      c.remove = true;
      c.d.evt |= EVT_REFUSED | EVT_CLOSED;
    } else {
      c.d.reason = Reason::RST_IGNORED;
    }
    return;
  }
  if (c.on(Fault::syn_sent_ack_alone_opens) && s.has(ACK) && !s.has(SYN)) {
    s.flags |= SYN;
    s.seq -= 1;
  }
  // Fifth: neither SYN nor RST.
  if (!s.has(SYN)) {
    c.d.reason = Reason::NO_SYN;
    return;
  }
  take_syn(c);
  if (s.has(ACK)) {
    open(c);
  } else {
    simultaneous_open(c);
  }
}

}  // namespace tiptoe::tcp::step
