// SPDX-License-Identifier: Apache-2.0
// Congestion control: RFC 5681, RFC 6582 (NewReno). RFC 3042 (limited transmit) is where data is sent.
#include "step.hpp"

namespace tiptoe::tcp::step {
namespace {

void set_cwnd(Ctx& c, std::uint32_t cwnd) { c.r.cwnd = std::min(cwnd, CWND_MAX); }

// RFC 5681 3.1 (4): half of what is in flight, two segments at least.
void halve_ssthresh(Ctx& c, std::uint32_t flight) {
  if (c.on(Fault::ssthresh_not_halved)) return;
  c.r.ssthresh = std::max(flight / 2, 2 * c.mss());
}

// RFC 5681 3.2 2., 3.; RFC 6582 3.2 2. What limited transmit has added does not count as in flight.
void enter_recovery(Ctx& c) {
  Record& r = c.r;
  halve_ssthresh(c, r.lt_nxt - r.snd_una);
  const std::uint32_t ssthresh = c.on(Fault::ssthresh_not_halved) ? r.cwnd : r.ssthresh;
  set_cwnd(c, ssthresh + 3 * c.mss());
  r.recover = r.snd_nxt;
  r.in_recovery = true;
  if (c.on(Fault::retransmission_sends_multiple)) {
    r.rtx_nxt = r.snd_una;
  } else {
    c.rtx_one = true;
  }
}

// RFC 6582 3.2 3.: all that was outstanding is acknowledged, or only a part.
void ack_in_recovery(Ctx& c, std::uint32_t acked) {
  Record& r = c.r;
  if (seq::ge(c.seg.ack, r.recover)) {
    if (!c.on(Fault::no_window_deflation)) r.cwnd = r.ssthresh;
    r.in_recovery = false;
    r.dupacks = 0;
    r.ca_acc = 0;
    return;
  }
  c.rtx_one = !c.on(Fault::partial_ack_ignored);
  const std::uint32_t deflated = r.cwnd > acked ? r.cwnd - acked : 0;
  r.cwnd = std::max(deflated + (acked >= c.mss() ? c.mss() : 0), c.mss());
}

// RFC 5681 3.1: IW, or what the user has set.
std::uint32_t initial_window(const Ctx& c) {
  const std::uint32_t segments = c.mss() > 2190 ? 2 : c.mss() > 1095 ? 3 : 4;
  return (c.cfg.iw_segs != 0 ? c.cfg.iw_segs : segments) * c.mss();
}

}  // namespace

// RFC 5681 3.1: the initial window. "If the SYN or SYN/ACK is lost, the initial window ... MUST be one segment".
void initial_cwnd(Ctx& c) {
  Record& r = c.r;
  const std::uint32_t iw = r.syn_rtx ? c.mss() : initial_window(c);
  const bool uninitialised = c.on(Fault::uninitialised_cwnd) && r.cwnd != 0;
  if (!uninitialised) r.cwnd = c.on(Fault::no_initial_slow_start) ? CWND_MAX : iw;
  r.ca_acc = 0;
}

// RFC 5681 4.1: after an idle time cwnd is no more than RW = min(IW, cwnd). The loss of a SYN, long ago, counts no
// more.
void restart_window(Ctx& c) {
  Record& r = c.r;
  const std::uint32_t iw = initial_window(c);
  if (r.cwnd <= iw || c.on(Fault::restart_window_missing)) return;
  r.cwnd = iw;
  r.ca_acc = 0;
}

void congestion_new_ack(Ctx& c, std::uint32_t acked) {
  Record& r = c.r;
  if (r.in_recovery) return ack_in_recovery(c, acked);
  // `recover` never falls 2^31 behind: RFC 6582 6.
  if (seq::lt(r.recover, r.snd_una - 1)) r.recover = r.snd_una - 1;
  r.dupacks = 0;
  if (c.on(Fault::cwnd_never_grows)) return;
  if (r.cwnd < r.ssthresh) {  // slow start, RFC 5681 3.1 (2)
    set_cwnd(c, r.cwnd + std::min(acked, c.mss()));
    return;
  }
  // Congestion avoidance, RFC 5681 3.1: one segment for every window's worth of data acknowledged.
  r.ca_acc += acked;
  if (r.ca_acc >= r.cwnd) {
    r.ca_acc -= r.cwnd;
    set_cwnd(c, r.cwnd + c.mss());
  }
  if (c.on(Fault::extra_additive_constant)) set_cwnd(c, r.cwnd + c.mss() / 8);
}

// [5.3] RFC 5681 2: what a duplicate ACK is (of the segment as it was received); 3.2: what it leads to.
void duplicate_ack(Ctx& c) {
  Record& r = c.r;
  const Segment& s = c.ev.seg;
  const bool no_data = s.len == 0 || c.on(Fault::dupack_counts_data);
  if (c.flight() == 0 || !no_data || s.has(SYN) || s.has(FIN) || s.ack != r.snd_una || s.wnd != r.snd_wnd) return;
  if (r.in_recovery) set_cwnd(c, r.cwnd + c.mss());
  if (r.dupacks == 7) return;
  if (r.dupacks == 0) r.lt_nxt = r.snd_nxt;
  r.dupacks = static_cast<std::uint8_t>(r.dupacks + 1);
  const unsigned threshold = c.on(Fault::dupack_threshold_2) ? 2 : c.on(Fault::dupack_threshold_4) ? 4 : 3;
  if (r.dupacks == threshold && !r.in_recovery && seq::lt(r.recover, s.ack)) enter_recovery(c);
}

// RFC 5681 3.1 (4), 5; RFC 6582 4: a timeout.
void congestion_timeout(Ctx& c) {
  Record& r = c.r;
  if (r.rtx_cnt == 0) halve_ssthresh(c, c.flight());
  r.cwnd = c.on(Fault::no_slow_start_after_timeout) ? std::max(c.flight() / 2, 2 * c.mss()) : c.mss();
  r.ca_acc = 0;
  r.dupacks = 0;
  r.in_recovery = false;
  r.recover = r.snd_nxt;
}

}  // namespace tiptoe::tcp::step
