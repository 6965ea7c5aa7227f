// SPDX-License-Identifier: Apache-2.0
// [4a] Host commands: RFC 9293 3.9.1 (the interface), 3.10.1-3.10.6 (what each call does in each state).
#include "step.hpp"

namespace tiptoe::tcp::step {
namespace {

void answer(Ctx& c, Status status) { c.d.status = status; }

bool is_local(const Config& cfg, std::uint32_t ip) {
  return ip != 0 && std::find(cfg.local_ip.begin(), cfg.local_ip.end(), ip) != cfg.local_ip.end();
}

constexpr std::uint32_t MULTICAST = 0xE0000000;  // 224.0.0.0 and up: MUST-57

// In-order octets that the user has not taken. The peer's FIN counts in RCV.NXT, and is not one of them.
std::uint32_t readable(const Ctx& c) {
  const std::uint32_t fin = peer_closed(c.r.state) && !c.on(Fault::fin_no_sequence_number) ? 1 : 0;
  return c.r.rcv_nxt - c.r.rcv_user - fin;
}

// Free octets of the send buffer. Our SYN and FIN take no room.
std::uint32_t room(const Ctx& c) {
  const Record& r = c.r;
  const std::int32_t used = seq::diff(r.snd_end, r.syn_out ? r.iss + 1 : r.snd_una);
  return tx_buffer(c.cfg) - (used > 0 ? static_cast<std::uint32_t>(used) : 0);
}

// The command's handle means a live connection that the host knows of; otherwise the answer is given.
bool connection(Ctx& c) {
  if (is_listener(c.ev.cmd.handle)) {
    answer(c, Status::INVALID);
    return false;
  }
  if (!c.ev.has_conn || connection_gen(c.ev.cmd.handle) != c.r.gen || c.r.state == State::CLOSED || c.r.unaccepted) {
    answer(c, Status::NO_CONNECTION);
    c.no_output = true;
    return false;
  }
  c.rsp_conn = true;
  return true;
}

bool listener(Ctx& c) {
  if (!is_listener(c.ev.cmd.handle)) {
    answer(c, Status::INVALID);
  } else if (!c.ev.lsn_valid) {
    answer(c, Status::NO_CONNECTION);
    c.no_output = true;
  } else {
    return true;
  }
  return false;
}

void remove_listener(Ctx& c) {
  c.d.listener = ListenerOp::REMOVE;
  c.d.lsn_idx = listener_index(c.ev.cmd.handle);
  c.d.lsn_gen = listener_gen(c.ev.cmd.handle);
}

void open_passive(Ctx& c) {
  const Command& cmd = c.ev.cmd;
  if (cmd.lport == 0 || (cmd.lip != 0 && !is_local(c.cfg, cmd.lip)) || cmd.rip >= MULTICAST) {
    return answer(c, Status::INVALID);
  }
  if (c.ev.lsn_duplicate && !c.on(Fault::open_duplicate_accepted)) return answer(c, Status::EXISTS);
  if (!c.ev.lsn_free) return answer(c, Status::NO_RESOURCES);
  Decision& d = c.d;
  d.listener = ListenerOp::INSERT;
  d.lsn_idx = c.ev.lsn_free_idx;
  d.lsn_gen = c.ev.lsn_free_gen;
  d.lsn_lip = cmd.lip;
  d.lsn_lport = cmd.lport;
  d.lsn_rip = cmd.rip;
  d.lsn_rport = cmd.rport;
  d.lsn_backlog = static_cast<std::uint8_t>(std::clamp<std::uint32_t>(cmd.len, 1, BACKLOG_MAX));
  d.rsp_handle = listener_handle(d.lsn_idx, d.lsn_gen);
}

void open_active(Ctx& c, bool from_listener) {
  const Command& cmd = c.ev.cmd;
  if (from_listener && !listener(c)) return;
  if (cmd.rip == 0 || cmd.rport == 0) return answer(c, Status::REMOTE_UNSPECIFIED);
  const std::uint32_t lip = cmd.lip != 0 ? cmd.lip : c.cfg.local_ip[0];
  // RFC 9293 3.9.1.1 MUST-46: no open to broadcast or multicast.
  const bool host = cmd.rip < MULTICAST && cmd.rip >> 24 != 127 && !(cmd.rip == lip && cmd.rport == cmd.lport);
  if (cmd.lport == 0 || !is_local(c.cfg, lip) || (!host && !c.on(Fault::open_invalid_remote_accepted))) {
    return answer(c, Status::INVALID);
  }
  if (c.ev.hit && !c.on(Fault::open_duplicate_accepted)) return answer(c, Status::EXISTS);
  const bool quiet = c.ev.now - c.cfg.boot_us < c.cfg.quiet;  // RFC 9293 3.4.3
  if (!c.ev.new_ok || !c.ev.cam_room || quiet) return answer(c, Status::NO_RESOURCES);
  create_active(c);
  if (from_listener) remove_listener(c);
  c.d.rsp_handle = connection_handle(c.ev.idx, c.r.gen);
  c.rsp_conn = true;
}

// 3.10.2. The payload follows on txd; SND can go on when it has arrived (TXD).
void send(Ctx& c) {
  if (is_listener(c.ev.cmd.handle)) return open_active(c, true);
  if (!connection(c)) return;
  Record& r = c.r;
  const State s = r.state;
  const bool open = syn_state(s) || s == State::ESTABLISHED || s == State::CLOSE_WAIT;
  if (!open || r.fin_queued) {
    return answer(c, c.on(Fault::send_after_close_accepted) ? Status::OK : Status::CLOSING);
  }
  const std::uint32_t free = room(c);
  if (r.tx_busy || free == 0) return answer(c, Status::WOULD_BLOCK);
  if (c.ev.cmd.len == 0) return;
  r.tx_busy = true;
  c.d.writer = true;
  c.d.xfer_seq = r.snd_end;
  c.d.xfer_len = c.d.rsp_len = std::min(c.ev.cmd.len, free);
}

// 3.10.3.
void receive(Ctx& c) {
  if (!connection(c)) return;
  Record& r = c.r;
  if (syn_state(r.state) || r.rx_busy) return answer(c, Status::WOULD_BLOCK);
  const std::uint32_t avail = readable(c);
  if (avail == 0) {
    const bool end = peer_closed(r.state) && !c.on(Fault::receive_after_fin_blocks);
    return answer(c, end ? Status::CLOSING : Status::WOULD_BLOCK);
  }
  const std::uint32_t n = std::min(c.ev.cmd.len, avail);
  if (n == 0) return;
  r.rx_busy = true;
  c.d.reader = true;
  c.d.xfer_seq = r.rcv_user;
  c.d.xfer_len = c.d.rsp_len = n;
  r.rcv_user += n;
}

// 3.10.4. The FIN follows everything that was sent before (output).
void close(Ctx& c) {
  if (is_listener(c.ev.cmd.handle)) {
    if (listener(c)) remove_listener(c);
    return;
  }
  if (!connection(c)) return;
  Record& r = c.r;
  switch (r.state) {
    case State::SYN_SENT:
      c.remove = true;
      c.d.evt |= EVT_CLOSED;
      return;
    case State::SYN_RECEIVED:
      if (r.fin_queued) return answer(c, Status::CLOSING);
      if (c.on(Fault::close_syn_received_lost)) return;
      r.fin_queued = true;
      // "If no SENDs have been issued and there is no pending data to send, then form a FIN segment and send it, and
      // enter FIN-WAIT-1 state; otherwise, queue for processing after entering ESTABLISHED state."
      if (r.snd_end == r.iss + 1 && !r.tx_busy) r.state = State::FIN_WAIT_1;
      break;
    case State::ESTABLISHED:
      r.fin_queued = true;
      r.state = State::FIN_WAIT_1;
      break;
    case State::CLOSE_WAIT:
      r.fin_queued = true;
      r.state = State::LAST_ACK;
      break;
    default: return answer(c, Status::CLOSING);
  }
  r.half = (c.ev.cmd.flags & HALF) != 0;
  if (c.on(Fault::close_discards_data)) r.snd_end = seq::min(r.snd_end, r.snd_nxt);
}

// 3.10.5.
void abort(Ctx& c) {
  if (is_listener(c.ev.cmd.handle)) {
    if (listener(c)) remove_listener(c);
    return;
  }
  if (!connection(c)) return;
  switch (c.r.state) {
    case State::SYN_RECEIVED:
    case State::ESTABLISHED:
    case State::FIN_WAIT_1:
    case State::FIN_WAIT_2:
    case State::CLOSE_WAIT:
      if (c.on(Fault::abort_sends_fin)) {
        send_reply(c, c.r.snd_nxt, c.r.rcv_nxt, FIN | ACK, static_cast<std::uint16_t>(c.wnd()));
      } else if (!c.on(Fault::abort_silent)) {
        reset_connection(c);
      }
      break;
    default: break;
  }
  if (c.r.state != State::TIME_WAIT) c.d.evt |= EVT_CLOSED;
  c.remove = true;
}

// 3.10.6.
void status(Ctx& c) {
  if (!is_listener(c.ev.cmd.handle)) {
    connection(c);
  } else if (listener(c)) {
    c.d.rsp_state = State::LISTEN;
    c.d.rsp_avail = c.ev.accept_count;
  }
}

// The oldest connection of the listener's queue, unless it died there.
void accept(Ctx& c) {
  if (!listener(c)) return;
  if (!c.ev.accept_valid) return answer(c, Status::WOULD_BLOCK);
  Record& r = c.r;
  c.d.backlog = -1;
  c.d.lsn_idx = listener_index(c.ev.cmd.handle);
  c.d.lsn_gen = listener_gen(c.ev.cmd.handle);
  if (!c.ev.has_conn || connection_gen(c.ev.accept_handle) != r.gen || r.state == State::CLOSED) {
    c.no_output = true;  // the record may be another connection's by now
    return answer(c, Status::ABORTED);
  }
  r.unaccepted = false;
  c.t.disarm(Timer::WAIT);
  c.d.accepted = true;
  c.d.rsp_handle = c.ev.accept_handle;
  c.rsp_conn = true;
}

void set_options(Ctx& c) {
  if (!connection(c)) return;
  Record& r = c.r;
  const bool before = r.keepalive;
  r.nodelay = (c.ev.cmd.flags & NODELAY) != 0;
  r.keepalive = (c.ev.cmd.flags & KEEPALIVE) != 0;
  if (!r.keepalive) {
    c.t.disarm(Timer::KEEP);
  } else if (!before && synchronized(r.state) && r.state != State::TIME_WAIT) {
    start_keepalive(c);
  }
}

}  // namespace

void call(Ctx& c) {
  c.d.respond = true;
  c.d.rsp_handle = c.ev.cmd.handle;
  switch (static_cast<Op>(c.ev.cmd.op)) {
    case Op::OPEN_PASSIVE: return open_passive(c);
    case Op::OPEN_ACTIVE: return open_active(c, (c.ev.cmd.flags & FROM_LISTENER) != 0);
    case Op::SEND: return send(c);
    case Op::RECEIVE: return receive(c);
    case Op::CLOSE: return close(c);
    case Op::ABORT: return abort(c);
    case Op::STATUS: return status(c);
    case Op::ACCEPT: return accept(c);
    case Op::SETOPT: return set_options(c);
  }
  answer(c, Status::INVALID);
}

// Microarchitecture 9: the values after the command.
void response(Ctx& c) {
  if (!c.rsp_conn || c.r.state == State::CLOSED) return;
  c.d.rsp_state = c.r.state;
  c.d.rsp_avail = readable(c);
  c.d.rsp_room = room(c);
}

}  // namespace tiptoe::tcp::step
