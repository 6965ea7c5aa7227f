// SPDX-License-Identifier: Apache-2.0
#include "tiptoe/tcp/process.hpp"

#include "step.hpp"

namespace tiptoe::tcp {
namespace {

// A segment: RFC 9293 3.10.7.
void segment(step::Ctx& c) {
  if (c.on(Fault::restart_window_by_receipt) && c.ev.hit) c.r.last_sent = c.ev.now;
  if (c.seg.drop != 0) {
    c.d.reason = static_cast<Reason>(c.seg.drop);
    c.no_output = true;
  } else if (!c.ev.hit || c.r.state == State::CLOSED) {
    step::no_connection(c);
  } else if (c.r.state == State::SYN_SENT) {
    step::syn_sent(c);
  } else {
    step::other_states(c);
  }
}

// A. Input processing.
void input(step::Ctx& c) {
  switch (c.ev.source) {
    case Source::TMR: step::timer(c); break;
    case Source::SEG: segment(c); break;
    case Source::CMD: step::call(c); break;
    case Source::TXD: step::payload_loaded(c); break;
    case Source::RXD: step::payload_drained(c); break;
    case Source::OUT: break;
  }
}

// The event looked at a free index, to create a connection there.
bool looked_for_free_index(const Event& ev) {
  if (ev.source == Source::SEG) return !ev.hit;
  if (ev.source != Source::CMD) return false;
  return ev.cmd.op == static_cast<std::uint8_t>(Op::OPEN_ACTIVE) ||
         (ev.cmd.op == static_cast<std::uint8_t>(Op::SEND) && is_listener(ev.cmd.handle));
}

// D. Bookkeeping: counters of microarchitecture 12 (RFC 4022 names).
void bookkeeping(step::Ctx& c, State before) {
  Decision& d = c.d;
  if (d.tx) {
    if (d.is_retransmission) d.count(Counter::RetransSegs);
    if (!d.nothing_new) d.count(Counter::OutSegs);
    if (d.is_rst) d.count(Counter::OutRsts);
  }
  if (c.ev.source == Source::SEG) {
    if (c.seg.drop == 0 || c.seg.drop >= 10) d.count(Counter::InSegs);
    if (c.seg.drop >= 10) d.count(Counter::InErrs);
  }
  d.curr_estab = static_cast<std::int8_t>(int{step::counts_as_established(d.record.state)} -
                                          int{step::counts_as_established(before)});
  if (c.ev.source == Source::CMD) step::response(c);
}

}  // namespace

Decision process(const Record& record, const Deadlines& deadlines, const Event& event, const Config& config,
                 const Faults& faults) {
  Decision d;
  d.record = record;
  d.deadlines = deadlines;
  step::Ctx c{event, config, faults, d, d.record, d.deadlines, event.seg};

  if (!step::orphan(c)) input(c);
  if (c.remove) step::remove(c);      // B
  if (!c.no_output) step::output(c);  // C
  d.write = event.has_conn && (d.take || !looked_for_free_index(event));
  bookkeeping(c, record.state);  // D
  return d;
}

}  // namespace tiptoe::tcp
