// SPDX-License-Identifier: Apache-2.0
// TIME_WAIT: RFC 9293 3.6.1.
#include "step.hpp"

namespace tiptoe::tcp::step {

// MAY-2, RFC 6191 without timestamps: a SYN beyond what the old incarnation received re-opens the connection, with an
// initial sequence number beyond what the old one sent.
bool reopen(Ctx& c) {
  const Record& r = c.r;
  const Segment& s = c.seg;
  if (r.state != State::TIME_WAIT || !s.has(SYN) || s.has(ACK) || s.has(RST)) return false;
  if (!c.cfg.has(TW_REUSE) || !c.ev.lsn_hit || !c.ev.lsn_room) return false;
  if (c.ev.evt_pending || r.tx_busy || r.rx_busy || r.unaccepted) return false;
  if (!seq::le(r.rcv_nxt, s.seq) && !c.on(Fault::time_wait_reuse_old_syn)) return false;

  const std::uint32_t old_nxt = r.snd_nxt, old_iss = r.iss;
  std::uint32_t iss = initial_sequence_number(c);
  if (!seq::gt(iss, old_nxt)) iss = old_nxt + 128'000;
  if (c.on(Fault::time_wait_reuse_old_isn)) iss = old_iss;
  c.r.gen = static_cast<std::uint8_t>((c.r.gen + 1) & 0x3F);
  create_passive(c, iss);
  return true;
}

// [5.4] RFC 9293 3.10.7.4 fifth, eighth: start the time-wait timer, turn off the other timers.
void enter_time_wait(Ctx& c) {
  c.r.state = State::TIME_WAIT;
  c.r.persist = false;
  c.t.disarm_all();
  c.arm_in(Timer::WAIT, (c.on(Fault::time_wait_too_short) ? 1 : 2) * std::uint64_t{c.cfg.msl});
  c.d.evt |= EVT_CLOSED;
  if (c.on(Fault::time_wait_missing)) c.remove = true;
}

// A retransmission of the peer's FIN restarts the 2 MSL timeout.
void restart_time_wait(Ctx& c) {
  if (c.on(Fault::time_wait_not_restarted)) return;
  c.arm_in(Timer::WAIT, (c.on(Fault::time_wait_too_short) ? 1 : 2) * std::uint64_t{c.cfg.msl});
}

}  // namespace tiptoe::tcp::step
