// SPDX-License-Identifier: Apache-2.0
// [4c] Timers: RFC 9293 3.8.1, 3.8.3, 3.8.4, 3.8.6.1, 3.10.8; RFC 6298 5.
#include "step.hpp"

namespace tiptoe::tcp::step {

void start_keepalive(Ctx& c) {
  std::uint64_t idle = std::uint64_t{c.cfg.keep_idle_s} * 1'000'000;
  if (c.on(Fault::keepalive_idle_too_short)) idle = std::min<std::uint64_t>(idle, 60'000'000);
  c.arm_in(Timer::KEEP, idle);
}

// Until it is accepted, a connection looks from time to time whether it still can be: orphan() sees to the rest.
void wait_for_accept(Ctx& c) {
  if (!c.on(Fault::orphan_kept_while_silent)) c.arm_in(Timer::WAIT, ACCEPT_CHECK);
}

// RFC 9293 3.8.6.1 SHLD-30: the interval between probes grows exponentially.
std::uint64_t persist_interval(const Ctx& c) {
  if (c.on(Fault::probe_interval_constant)) return c.r.rto;
  const std::uint64_t next = std::uint64_t{c.r.rto} << c.r.persist_exp;
  return std::min<std::uint64_t>(next, c.cfg.rto_max);
}

namespace {

// R2 or a timeout of another kind: RFC 9293 3.8.3 (c), 3.10.8.
void give_up(Ctx& c) {
  c.remove = true;
  c.d.evt |= EVT_TIMEOUT | EVT_CLOSED;
}

void count_retransmission(Ctx& c) {
  if (c.on(Fault::r2_never) && c.r.rtx_cnt == 30) return;
  c.r.rtx_cnt = static_cast<std::uint8_t>((c.r.rtx_cnt + 1) & 0x1F);
}

// RFC 6298 5.5: "The host MUST set RTO <- RTO * 2". RTO_MAX limits it, but not a SYN backoff of another slope.
void back_off(Ctx& c) {
  Record& r = c.r;
  const bool syn = syn_state(r.state);
  if (c.on(syn ? Fault::syn_rto_not_doubled : Fault::rto_not_doubled)) return;
  const std::uint32_t shift = syn ? c.cfg.syn_backoff : 1;
  const std::uint64_t rto = shift < 32 ? std::uint64_t{r.rto} << shift : 0;
  r.rto = static_cast<std::uint32_t>(syn && shift != 1 ? rto : std::min<std::uint64_t>(rto, c.cfg.rto_max));
}

// The seeded faults that do not repeat something: everything happens but the repetition.
bool not_repeated(const Ctx& c) {
  const Record& r = c.r;
  if (r.state == State::SYN_SENT) return c.on(Fault::syn_not_retransmitted);
  if (r.state == State::SYN_RECEIVED) return c.on(Fault::syn_ack_not_retransmitted);
  return c.on(r.snd_una == r.snd_end ? Fault::fin_not_retransmitted : Fault::retransmission_missing);
}

// RFC 6298 5.4-5.6, RFC 9293 3.8.3.
void retransmission_timeout(Ctx& c) {
  Record& r = c.r;
  const bool syn = syn_state(r.state);
  std::uint32_t limit = syn ? c.cfg.syn_retries : c.cfg.data_retries;  // R2
  if (c.on(Fault::r2_too_early)) limit = std::min<std::uint32_t>(limit, 2);
  if (r.rtx_cnt >= limit && !c.on(Fault::r2_never)) return give_up(c);

  if (syn) {
    r.syn_rtx = true;
  } else {
    congestion_timeout(c);
  }
  count_retransmission(c);
  if (r.rtx_cnt == c.cfg.r1 && !c.on(Fault::r1_not_signalled)) c.d.evt |= EVT_SOFT;
  back_off(c);
  if (!c.on(Fault::karn_violated)) r.rtt_on = false;  // RFC 6298 3: Karn's algorithm
  if (not_repeated(c)) {
    c.arm_in(Timer::RTX, r.rto);
    return;
  }
  if (c.on(Fault::syn_retransmitted_new_isn) && r.state == State::SYN_SENT && r.snd_end == r.iss + 1) {
    r.iss += 64'000;
    r.snd_una = r.iss;
    r.snd_nxt = r.snd_end = r.iss + 1;
  }
  r.rtx_nxt = r.snd_una;  // (5.4) output sends the earliest segment that is not acknowledged
}

// RFC 9293 3.8.6.1 MUST-35, MUST-36: probe the zero window.
void persist_timeout(Ctx& c) {
  if (c.r.rtx_cnt >= c.cfg.data_retries) return give_up(c);
  if (c.on(Fault::probe_never_sent)) {
    c.arm_in(Timer::RTX, persist_interval(c));
    return;
  }
  count_retransmission(c);
  c.r.persist_exp = static_cast<std::uint8_t>(std::min(c.r.persist_exp + 1, 15));
  if (c.on(Fault::probe_without_data)) {
    c.ack_now = true;
    c.arm_in(Timer::RTX, persist_interval(c));
    return;
  }
  c.probe = true;
}

// RFC 9293 3.8.4. MUST-26: only when no data is outstanding.
void keepalive_timeout(Ctx& c) {
  Record& r = c.r;
  const State s = r.state;
  if (s != State::ESTABLISHED && s != State::CLOSE_WAIT && s != State::FIN_WAIT_1 && s != State::FIN_WAIT_2) return;
  if (c.flight() > 0 && !c.on(Fault::keepalive_with_data_outstanding)) return start_keepalive(c);
  const std::uint32_t probes = c.on(Fault::keepalive_timeout_too_short) ? 1 : c.cfg.keep_probes;
  if (r.keep_cnt >= probes) return give_up(c);
  r.keep_cnt = static_cast<std::uint8_t>((r.keep_cnt + 1) & 0xF);
  // <SEQ=SND.NXT-1><ACK=RCV.NXT><CTL=ACK>, no text: outside the peer's window, so that it must answer.
  const std::uint32_t seq = r.snd_nxt - (c.on(Fault::keepalive_probe_at_snd_nxt) ? 0 : 1);
  send_reply(c, seq, r.rcv_nxt, ACK, static_cast<std::uint16_t>(c.wnd()));
  std::uint64_t interval = std::uint64_t{c.cfg.keep_intvl_s} * 1'000'000;
  if (c.on(Fault::keepalive_interval_too_short)) interval = std::min<std::uint64_t>(interval, 1'000'000);
  c.arm_in(Timer::KEEP, interval);
}

// TIME_WAIT: 2 MSL are over. FIN_WAIT_2: the peer never closed. Before ACCEPT: the listener is still there.
void wait_timeout(Ctx& c) {
  if (c.r.state == State::TIME_WAIT) {
    c.remove = true;
  } else if (c.r.state == State::FIN_WAIT_2) {
    give_up(c);
  } else if (c.r.unaccepted) {
    if (c.on(Fault::unaccepted_given_up)) {
      reset_connection(c);
      c.remove = true;
    } else {
      wait_for_accept(c);
    }
  }
}

// RFC 9293 3.10.8: "flush all queues, signal the user 'connection aborted due to user timeout', delete the TCB".
void user_timeout(Ctx& c) {
  if (c.on(Fault::user_timeout_ignored)) return;
  c.remove = true;
  c.d.evt |= EVT_TIMEOUT | EVT_CLOSED;
  switch (c.r.state) {
    case State::SYN_RECEIVED:
    case State::ESTABLISHED:
    case State::CLOSE_WAIT:
    case State::FIN_WAIT_1:
    case State::FIN_WAIT_2: reset_connection(c); break;
    default: break;
  }
}

}  // namespace

void timer(Ctx& c) {
  const Deadline& deadline = c.t[c.ev.timer];
  if (!deadline.armed || deadline.at > c.ev.now) {  // stopped or restarted since the scan saw it
    c.no_output = true;
    return;
  }
  c.t.disarm(c.ev.timer);
  switch (c.ev.timer) {
    case Timer::RTX: c.r.persist ? persist_timeout(c) : retransmission_timeout(c); break;
    case Timer::DACK: c.ack_now = true; break;
    case Timer::KEEP: keepalive_timeout(c); break;
    case Timer::WAIT: wait_timeout(c); break;
    case Timer::USER: user_timeout(c); break;
  }
}

}  // namespace tiptoe::tcp::step
