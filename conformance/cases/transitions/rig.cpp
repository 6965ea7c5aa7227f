// SPDX-License-Identifier: Apache-2.0
#include "rig.hpp"

#include <algorithm>
#include <stdexcept>

namespace tiptoe::conformance::cases {

namespace transitions {

namespace {

constexpr std::array<std::string_view, 11> short_names = {"CL", "LI", "SS", "SR", "ES", "F1",
                                                          "F2", "CW", "CG", "LA", "TW"};

void fill_window(Tester& t, std::size_t leave) {
  Conn& c = t.c();
  c.need_unread();
  while (c.W > leave) {
    c.send_text(std::min<std::size_t>(c.W - leave, 1000));
    c.allow({.flags = ACK});
  }
  if (c.W + c.R != 0) c.allow({.flags = ACK}, ack_delay);
}

/// The device's own application closes behind the peer's FIN: no CLOSE_WAIT that one could ask for.
bool closes_by_itself(const Tester& t, const Conn& c) {
  const Capabilities& has = t.capabilities();
  if (c.handle != own_handle) return false;
  return c.listener == own_handle ? has.service && has.service->closes : has.client && has.client->closes;
}

void close_with(Tester& t, const Past& past) {
  t.close();
  if (past.blocked) return;
  if (past.outstanding && one_at_a_time(t)) {
    t.c().allow({.flags = FIN | ACK});
  } else {
    t.expect_fin();
  }
}

}  // namespace

std::string row_name(State state) {
  std::string name = to_string(state);
  std::replace(name.begin(), name.end(), '_', '-');
  return name;
}

std::size_t unread(const Conn& c) { return c.R - (c.isn + 1) - c.user_read; }

bool fin_waits(const Conn& c, State state) {
  const bool closed_by_user = state == State::fin_wait_1 || state == State::closing || state == State::last_ack;
  return closed_by_user && c.user_offset(c.S) == c.user_supplied;
}

void bring(Tester& t, State state, Role role, const Past& past) {
  Conn& c = t.c();
  if (state == State::closed || state == State::listen) {
    c.S = c.U = t.random();
    c.M = 65535;
    c.reach(state);
    return;
  }
  if (state == State::syn_sent || state == State::syn_received) {
    c.reach(state, role);
    c.M = 65535;
    return;
  }
  c.reach(State::established, role);
  c.send_text(20);
  c.expect_delayed_ack();
  c.user_receive(20);
  c.user_send(20);
  c.expect_text(20);
  if (past.blocked) c.window = 0;  // with an ACK of new octets: some stacks take no smaller window without
  c.send_ack();
  t.expect_nothing(0);
  const bool peer_closes =
      state == State::close_wait || state == State::last_ack || state == State::closing || state == State::time_wait;
  if (past.full) fill_window(t, peer_closes ? 1 : 0);
  if (past.outstanding) {
    c.user_send(100);
    c.expect_text(100);
  }
  if (past.blocked) {
    c.user_send(50);
    t.expect_nothing(0);
  }
  switch (state) {
    case State::established: break;
    case State::fin_wait_1: close_with(t, past); break;
    case State::fin_wait_2:
    case State::time_wait:
      close_with(t, past);
      c.send_ack();
      t.expect_nothing(0);
      if (state == State::fin_wait_2) break;
      c.send_fin();
      c.expect_delayed_ack();
      break;
    case State::closing:
      close_with(t, past);
      c.send_fin(c.U);
      c.expect_delayed_ack();
      break;
    case State::close_wait:
    case State::last_ack:
      c.send_fin(c.U);
      c.expect_delayed_ack();
      if (state == State::last_ack) close_with(t, past);
      break;
    default: t.fail("no way to this state (a defect of the case)");
  }
  t.expect_nothing(0);
  c.expect_status(state);
}

std::vector<Outcome> parse_cell(std::string_view cell) {
  std::vector<Outcome> all;
  while (true) {
    const std::size_t bar = cell.find('|');
    std::string_view text = cell.substr(0, bar);
    Outcome o;
    o.text = text;
    const auto bad = [&o](const std::string& why) { return std::invalid_argument("outcome '" + o.text + "': " + why); };
    if (text.starts_with('{')) {
      const std::size_t is = text.find('=');
      const std::size_t end = text.find('}');
      if (end == std::string_view::npos || is >= end) throw bad("no {question=answer}");
      o.question = text.substr(1, is - 1);
      o.answer = text.substr(is + 1, end - is - 1);
      text.remove_prefix(end + 1);
    }
    std::size_t i = text.find_first_of("+f>!?");
    o.send = text.substr(0, i);
    static constexpr std::array<std::string_view, 6> sends = {".", "A", "D", "SA", "Ra", "R0"};
    if (std::find(sends.begin(), sends.end(), o.send) == sends.end()) throw bad("no such segment");
    while (i < text.size()) {
      const char what = text[i++];
      switch (what) {
        case '+':
          for (; i < text.size() && text[i] >= '0' && text[i] <= '9'; ++i) {
            o.octets = o.octets * 10 + static_cast<std::uint32_t>(text[i] - '0');
          }
          break;
        case 'f': o.fin = true; break;
        case '>': {
          const auto it = std::find(short_names.begin(), short_names.end(), text.substr(i, 2));
          if (it == short_names.end()) throw bad("no such state");
          o.next = columns[static_cast<std::size_t>(it - short_names.begin())];
          i += 2;
          break;
        }
        case '!':
        case '?':
          for (; i < text.size() && text[i] != '?'; ++i) {
            static constexpr std::string_view letters = "CRPXTFU";
            static constexpr std::uint16_t flags[] = {connected, readable, peer_fin, closed,
                                                      was_reset, refused,  urgent};
            const std::size_t n = letters.find(text[i]);
            if (n == std::string_view::npos) throw bad("no such notification");
            std::uint16_t& told = what == '!' ? o.told : o.may_be_told;
            told = static_cast<std::uint16_t>(told | flags[n]);
          }
          break;
        default: throw bad("cannot be read");
      }
    }
    all.push_back(std::move(o));
    if (bar == std::string_view::npos) return all;
    cell.remove_prefix(bar + 1);
  }
}

void expect_told(Tester& t, std::uint16_t flags, State next, std::uint16_t optional) {
  Conn& c = t.c();
  if (flags != 0) c.expect_notification(flags);
  // The end of a connection's life is told as CLOSED, whether or not the RFC asks for a signal. In-order octets are
  // told as READABLE, the end of the stream too.
  auto free = static_cast<std::uint16_t>(flags | optional);
  if (next == State::closed || next == State::time_wait) free |= closed;
  if (next == State::closed) free |= Notification::reset;  // the texts of CLOSING and LAST_ACK are silent about it
  if ((flags & peer_fin) != 0) free |= readable;
  c.expect_no_notification(static_cast<std::uint16_t>(telling & ~free));
}

void confirm(Tester& t, State before, State state) {
  Conn& c = t.c();
  switch (state) {
    case State::closed:
      c.probe_gone();
      if (before != State::closed && c.listener) c.probe_state(State::listen);  // the listener outlives it
      return;
    case State::listen:
      if (before != State::listen) {
        c.probe_gone();
        c.accept(CallStatus::would_block);
      }
      c.probe_state(State::listen);
      return;
    case State::syn_received:
      c.probe_state(state);
      t.step("and the handshake still completes");
      c.send_ack();
      if (!c.handle) c.accept();
      c.expect_notification(connected);
      c.probe_state(State::established);
      return;
    case State::syn_sent:
      c.probe_state(state);
      t.step("and the handshake still completes");
      c.send({.seq = c.isn, .flags = SYN | ACK, .options = Options().mss(1460)});
      c.expect_ack();
      c.expect_notification(connected);
      c.probe_state(State::established);
      return;
    case State::close_wait:
      if (closes_by_itself(t, c)) {
        c.close();
        c.expect_fin();
        return c.probe_state(State::last_ack);
      }
      return c.probe_state(state);
    case State::fin_wait_1:
      c.probe_state(state);
      c.send_ack();
      t.expect_nothing();
      c.expect_status(State::fin_wait_2);
      return;
    default: c.probe_state(state);
  }
}

Settings calm() {
  return {{"RTO_INIT", 20'000'000}, {"RTO_MIN", 20'000'000}, {"SYN_RTO", 20'000'000}, {"SYN_BACKOFF", 0}};
}

std::set<std::string> calm_wishes() { return {"RTO_INIT", "RTO_MIN", "SYN_RTO", "SYN_BACKOFF"}; }

}  // namespace transitions

/// No case of its own: this file is the rig of the others.
void register_transitions_rig(Registry&) {}

}  // namespace tiptoe::conformance::cases
