// SPDX-License-Identifier: Apache-2.0
// RFC 9293 3.10.7.4 seventh: the segment text; 3.8.6.3, RFC 5681 4.2: when to acknowledge it.
#include "step.hpp"

namespace tiptoe::tcp::step {
namespace {

// The text that is new and fits: octets [from, to) of the sequence space.
struct New {
  std::uint32_t from, to;
};

bool takes_text(const Ctx& c) {
  return may_receive(c.r.state) || (c.on(Fault::close_wait_text_accepted) && c.r.state == State::CLOSE_WAIT);
}

void ignore_fin(Ctx& c) { c.seg.flags = static_cast<std::uint8_t>(c.seg.flags & ~FIN); }

// "trimming off any portions that lie outside the window (including SYN and FIN)"
New trim(Ctx& c, std::uint32_t window) {
  const Record& r = c.r;
  const Segment& s = c.seg;
  const std::uint32_t text_end = s.seq + s.len;
  std::uint32_t to = seq::min(text_end, r.rcv_nxt + window);
  if (r.fin_pend) to = seq::min(to, r.fin_seq);
  if (s.len > 0 && to != text_end) ignore_fin(c);  // what follows the cut goes with it
  return {seq::max(s.seq, r.rcv_nxt), to};
}

// A FIN in the window is remembered until everything before it has arrived. One that contradicts data already accepted
// is not believed.
void remember_fin(Ctx& c, std::uint32_t window) {
  Record& r = c.r;
  if (!c.seg.has(FIN) || r.fin_pend) return;
  const std::uint32_t at = c.seg.seq + c.seg.len;
  bool believable = at - r.rcv_nxt <= window;
  for (const Range& o : r.ooo) believable = believable && !(o.valid && seq::gt(o.end, at));
  if (!believable) {
    c.ack_now = true;
    return ignore_fin(c);
  }
  r.fin_pend = true;
  r.fin_seq = at;
}

void store(Ctx& c, New n) {
  Decision& d = c.d;
  const Segment& s = c.seg;
  std::uint32_t off = s.payload_off + (n.from - s.seq), len = n.to - n.from;
  if (c.on(Fault::left_trim_off_by_one) && n.from != s.seq) off -= 1;
  if (c.on(Fault::overlap_delivered_twice)) off = s.payload_off;
  d.store = true;
  d.store_off = static_cast<std::uint16_t>(off);
  d.store_len = static_cast<std::uint16_t>(len);
  d.store_seq = n.from;
}

// SHLD-31: data above a hole is held. False when no range is free.
bool hold(Ctx& c, New n, std::uint32_t start, std::uint32_t end) {
  Record& r = c.r;
  const auto touches = [&](const Range& o) { return o.valid && seq::le(o.start, n.to) && seq::le(n.from, o.end); };
  auto slot = std::find_if(r.ooo.begin(), r.ooo.end(), touches);
  if (slot == r.ooo.end()) {
    slot = std::find_if(r.ooo.begin(), r.ooo.end(), [](const Range& o) { return !o.valid; });
    if (c.on(Fault::ooo_one_range) && slot != r.ooo.begin()) slot = r.ooo.end();
  }
  if (slot == r.ooo.end() || c.on(Fault::ooo_dropped)) return false;
  for (Range& o : r.ooo) {
    if (touches(o)) o = {};
  }
  *slot = {true, start, end};
  store(c, n);
  return true;
}

// MUST-58, SHLD-18, SHLD-19: at least every second segment, and never later than half a second (MUST-40). RFC 5681 4.2:
// at once when the segment leaves, fills or touches a gap.
void owe_ack(Ctx& c, bool gap, std::uint32_t len) {
  const bool delayed = c.cfg.has(DELACK) && c.cfg.dack != 0;
  const bool first = !c.t.armed(Timer::DACK);
  if (delayed && !gap && first) {
    if (c.on(Fault::delayed_ack_never)) return;
    c.arm_in(Timer::DACK, c.on(Fault::delayed_ack_too_long) ? 700'000 : c.cfg.dack);
    return;
  }
  if (delayed && !gap && c.on(Fault::ack_every_second_missing)) return;
  if (delayed && !gap && c.on(Fault::stretch_ack) && (c.r.rcv_nxt - c.r.irs) / len % 4 != 0) return;
  c.ack_now = true;
}

void accept(Ctx& c, New n) {
  Record& r = c.r;
  bool gap = false;
  std::uint32_t start = n.from, end = n.to;  // after joining the ranges that it overlaps or touches
  for (const Range& o : r.ooo) {
    gap = gap || o.valid;
    if (o.valid && seq::le(o.start, n.to) && seq::le(n.from, o.end)) {
      start = seq::min(start, o.start);
      end = seq::max(end, o.end);
    }
  }
  if (start == r.rcv_nxt || c.on(Fault::ooo_hole_skipped)) {  // in order
    for (Range& o : r.ooo) {
      if (o.valid && seq::le(o.start, n.to) && seq::le(n.from, o.end)) o = {};
    }
    r.rcv_nxt = end;
    store(c, n);
    c.d.evt |= EVT_READABLE;
  } else {  // out of order
    gap = true;
    if (!hold(c, n, start, end)) {
      c.d.reason = Reason::OOO_FULL;
      c.d.count(Counter::OooDrops);
    }
    if (c.on(Fault::ooo_ack_delayed)) gap = false;
  }
  owe_ack(c, gap, n.to - n.from);
}

}  // namespace

void text(Ctx& c) {
  Record& r = c.r;
  Segment& s = c.seg;
  if (!takes_text(c)) return;
  if (c.on(Fault::half_close_deaf) && r.state != State::ESTABLISHED && s.len > 0) {
    c.ack_now = true;
    ignore_fin(c);
    return;
  }
  if (c.on(Fault::overlap_delivered_twice) && s.len > 0 && seq::lt(s.seq, r.rcv_nxt)) s.seq = r.rcv_nxt;

  const std::uint32_t window = rcv_window(c);
  const New n = trim(c, window);
  remember_fin(c, window);
  if (s.len == 0) return;
  if (seq::lt(n.from, n.to)) {
    accept(c, n);
    // Taking more than was offered is a mistake of seeded faults alone.
    if (seq::gt(r.rcv_nxt, r.rcv_adv)) r.rcv_adv = r.rcv_nxt;
  } else if (!c.on(Fault::old_data_silent)) {
    c.ack_now = true;
  }
}

}  // namespace tiptoe::tcp::step
