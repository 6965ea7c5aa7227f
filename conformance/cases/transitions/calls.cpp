// SPDX-License-Identifier: Apache-2.0
// Section 4 of the catalogue, the rows of user calls: OPEN, SEND, RECEIVE, CLOSE, ABORT and STATUS in every state.
#include "rig.hpp"

namespace tiptoe::conformance::cases {

namespace {

using namespace transitions;

bool has_text(State s) { return s == State::established || s == State::fin_wait_1 || s == State::fin_wait_2; }
bool sends(State s) { return s == State::established || s == State::close_wait; }

/// The state with a user's name for it: in CLOSED that of a connection that was, in SYN_RECEIVED after an active open.
void bring_named(Tester& t, State state, const Past& past = {}) {
  if (state == State::closed) {
    bring(t, State::established, Role::active, past);
    t.abort();
    t.expect_abort_rst();
  } else {
    bring(t, state, state == State::syn_sent || state == State::syn_received ? Role::active : Role::passive, past);
  }
  t.c().forget_notifications();
}

void expect_status_of(Tester& t, const CallResult& result, std::initializer_list<CallStatus> legal, const char* call) {
  for (const CallStatus s : legal) {
    if (result.status == s) return;
  }
  t.fail(std::string(call) + " returned " + to_string(result.status) + ", expected " + to_string(*legal.begin()));
}

/// After a call that must not have done anything.
void unharmed(Tester& t, State state) {
  t.expect_nothing(ack_delay);
  if (state != State::listen) t.c().expect_no_notification(telling);
  confirm(t, state, state);
}

void open_passive_again(Tester& t, State state) {
  bring_named(t, state);
  Conn& c = t.c();
  const CallResult result =
      t.dut().open_passive({.local_port = c.device.port, .remote_ip = c.peer.ip, .remote_port = c.peer.port});
  if (state == State::closed) {
    expect_status_of(t, result, {CallStatus::ok}, "OPEN passive");
    t.expect_nothing(ack_delay);
    c.restart(t.random());
    c.send_syn();
    c.expect_syn_ack();
    return;
  }
  expect_status_of(t, result, {CallStatus::exists, CallStatus::ok, CallStatus::no_resources}, "OPEN passive");
  if (state == State::listen) {
    const CallResult same = t.dut().open_passive({.local_port = c.device.port});
    expect_status_of(t, same, {CallStatus::exists}, "OPEN passive of the same listener");
  }
  unharmed(t, state);
}

void listen_beside(Tester& t, State state) {
  bring_named(t, state);
  Conn& other = t.add_conn({device_ip, device_port}, {peer_ip_2, peer_port_2});
  if (!t.c().listener) other.listen();  // MUST-42
  other.send_syn();
  other.expect_syn_ack();
  other.send({.flags = RST});
  t.expect_nothing();
  if (state != State::listen && state != State::closed) t.c().expect_status(state);
}

void open_active_again(Tester& t, State state) {
  if (state == State::closed) {
    bring(t, State::syn_sent, Role::active);
    confirm(t, State::syn_sent, State::syn_sent);
    return;
  }
  bring_named(t, state);
  Conn& c = t.c();
  if (state == State::listen) {
    c.open(CallStatus::ok, {.from_listener = c.listener});
    c.iss_known = false;
    c.expect_syn();
    confirm(t, State::syn_sent, State::syn_sent);
    return;
  }
  const auto handle = c.handle;
  c.open(CallStatus::exists);
  c.handle = handle;
  unharmed(t, state);
}

void open_unspecified(Tester& t, State state) {
  bring_named(t, state);
  Conn& c = t.c();
  for (const bool port : {false, true}) {
    OpenArgs args{.local_port = c.device.port,
                  .remote_ip = port ? 0 : c.peer.ip,
                  .remote_port = port ? c.peer.port : std::uint16_t{0}};
    if (state == State::listen) args.from_listener = c.listener;
    expect_status_of(t, t.dut().open_active(args), {CallStatus::remote_unspecified},
                     "OPEN active without remote socket");
  }
  unharmed(t, state);
}

void send_call(Tester& t, State state) {
  bring_named(t, state);
  Conn& c = t.c();
  switch (state) {
    case State::closed: c.offer(100, CallStatus::no_connection); return unharmed(t, state);
    case State::listen: {
      const Bytes octets(100, 0x55);
      expect_status_of(t, t.dut().send(*c.listener, octets), {CallStatus::remote_unspecified}, "SEND in LISTEN");
      return unharmed(t, state);
    }
    case State::syn_sent:
    case State::syn_received:
      c.user_send(100);
      t.expect_nothing(ack_delay);
      c.expect_status(state);
      t.step("the octets leave once the connection is open");
      if (state == State::syn_sent) {
        c.send({.seq = c.isn, .flags = SYN | ACK, .options = Options().mss(1460)});
        if (c.expect_one_of({{.flags = ACK}, {.flags = ACK, .payload = c.user_text(0, 100)}}) == 0) c.expect_text(100);
      } else {
        c.send_ack();
        c.expect_text(100);
      }
      c.send_ack();
      c.expect_notification(connected);
      return confirm(t, state, State::established);
    case State::established:
    case State::close_wait:
      c.user_send(100);
      c.expect_text(100);
      c.send_ack();
      t.expect_nothing();
      return confirm(t, state, state);
    default: c.offer(100, CallStatus::closing); return unharmed(t, state);
  }
}

void send_without_room(Tester& t, State state) {
  bring_named(t, state, {.blocked = sends(state)});
  Conn& c = t.c();
  std::size_t taken = 0;
  for (int n = 0; n < 1000; ++n) {
    const CallResult result = t.dut().send(*c.handle, c.user_text(c.user_supplied, 4000));
    if (result.status == CallStatus::would_block || result.status == CallStatus::no_resources) {
      t.check(taken > 0, "no octet was taken");
      t.expect_nothing();
      c.expect_status(state);
      if (sends(state)) return;
      t.step("what was taken leaves when the connection is open");
      if (state == State::syn_sent) {
        c.send({.seq = c.isn, .flags = SYN | ACK, .options = Options().mss(1460)});
      } else {
        c.send_ack();
      }
      std::size_t came = 0;
      while (came < taken) {
        const std::size_t before = came;
        for (const Received& s : take_burst(t, c)) came += s.text_length();
        if (came == before) t.fail("only " + std::to_string(came) + " of " + std::to_string(taken) + " octets came");
        c.send_ack();
      }
      return;
    }
    expect_status_of(t, result, {CallStatus::ok}, "SEND");
    taken += result.length;
    c.user_supplied += result.length;
  }
  t.fail("4 million octets were taken and none could leave");
}

void send_in_listen(Tester& t) {
  Conn& c = t.c();
  c.listen({.remote_ip = c.peer.ip, .remote_port = c.peer.port});
  const Bytes octets = c.user_text(0, 100);
  const CallResult result = t.dut().send(*c.listener, octets);
  expect_status_of(t, result, {CallStatus::ok}, "SEND in LISTEN, remote socket given");
  c.user_supplied = result.length;
  c.handle = result.handle;
  c.expect_syn();
  c.send({.seq = c.isn, .flags = SYN | ACK, .options = Options().mss(1460)});
  c.allow({.flags = ACK});
  if (result.length > 0) c.expect_text(result.length);
  c.send_ack();
}

void receive_call(Tester& t, State state) {
  bring_named(t, state);
  Conn& c = t.c();
  if (state == State::closed) {
    c.receive(100, CallStatus::no_connection);
  } else if (state == State::listen) {
    const CallResult result = t.dut().receive(*c.listener, 100);
    t.check(result.status != CallStatus::ok || result.data.empty(), "RECEIVE in LISTEN gave octets");
  } else if (state == State::syn_sent || state == State::syn_received) {
    c.receive(100, CallStatus::would_block);
  } else if (has_text(state)) {
    c.receive(100, CallStatus::would_block);
    c.send({.ack = c.U, .flags = ACK | PSH, .payload = c.peer_text(20, 100)});
    c.expect({.ack = c.R + 100, .flags = ACK}, ack_delay);
    c.expect_notification(readable);
    c.user_receive(30);
    c.user_receive(70);
    c.receive(1, CallStatus::would_block);
  } else {
    c.receive(100, CallStatus::closing);
  }
  unharmed(t, state);
}

void receive_rest(Tester& t, State state) {
  bring_named(t, state, {.full = true});
  Conn& c = t.c();
  c.absorb_window_updates = false;
  const std::size_t rest = unread(c) - 1;  // the FIN is none of them
  c.user_receive(rest);
  c.allow({.flags = ACK});  // a window update, of no use any more
  c.receive(100, CallStatus::closing);
  unharmed(t, state);
}

void close_call(Tester& t, State state) {
  bring_named(t, state);
  Conn& c = t.c();
  switch (state) {
    case State::closed: c.close(CallStatus::no_connection); return unharmed(t, state);
    case State::listen:
      expect_status_of(t, t.dut().close(*c.listener), {CallStatus::ok}, "CLOSE");
      t.expect_nothing();
      c.send_syn();
      c.expect_rst_ack(0, c.isn + 1);
      return;
    case State::syn_sent:
      c.close();
      t.expect_nothing(100_s);  // no FIN, no RST, no SYN again
      c.send({.seq = c.isn, .flags = SYN | ACK});
      c.expect_rst(c.S);
      c.status(CallStatus::no_connection);
      return;
    case State::syn_received:
    case State::established:
      c.close();
      c.expect_fin();
      c.send({.ack = c.S - 1, .flags = ACK});  // of the SYN; else the front of the queue is that
      t.expect_nothing();
      return confirm(t, state, State::fin_wait_1);
    case State::close_wait:
      c.close();
      c.expect_fin();
      return confirm(t, state, State::last_ack);
    case State::fin_wait_1:
    case State::fin_wait_2:
      expect_status_of(t, t.dut().close(*c.handle), {CallStatus::closing, CallStatus::ok}, "CLOSE");
      return unharmed(t, state);
    default: c.close(CallStatus::closing); return unharmed(t, state);
  }
}

void close_with_queue(Tester& t, State state) {
  bring_named(t, state, {.blocked = true});
  Conn& c = t.c();
  c.close();
  const State next = state == State::established ? State::fin_wait_1 : State::last_ack;
  c.expect_status(next);
  t.step("the FIN follows the last queued octet");
  c.window = 5000;
  c.send_ack();
  const Received got = c.expect_loose(
      {.seq = c.S, .ack = c.R, .payload = c.user_text(20, 50), .flags_set = ACK, .flags_clear = SYN | RST});
  if (!got.has(FIN)) c.expect_fin();
  c.send({.ack = c.S - 1, .flags = ACK});
  t.expect_nothing();
  confirm(t, state, next);
}

void close_syn_received_queue(Tester& t) {
  bring_named(t, State::syn_received);
  Conn& c = t.c();
  c.user_send(50);
  c.close();
  t.expect_nothing(ack_delay);
  c.expect_status(State::syn_received);
  c.send_ack();
  const Received got = c.expect_loose(
      {.seq = c.S, .ack = c.R, .payload = c.user_text(0, 50), .flags_set = ACK, .flags_clear = SYN | RST});
  if (!got.has(FIN)) c.expect_fin();
  c.send({.ack = c.S - 1, .flags = ACK});
  t.expect_nothing();
  confirm(t, State::syn_received, State::fin_wait_1);
}

void abort_call(Tester& t, State state) {
  bring_named(t, state);
  Conn& c = t.c();
  switch (state) {
    case State::closed: c.abort(CallStatus::no_connection); return unharmed(t, state);
    case State::listen:
      expect_status_of(t, t.dut().abort(*c.listener), {CallStatus::ok}, "ABORT");
      t.expect_nothing();
      c.send_syn();
      c.expect_rst_ack(0, c.isn + 1);
      return;
    case State::syn_received:
    case State::established:
    case State::fin_wait_1:
    case State::fin_wait_2:
    case State::close_wait:
      c.abort();
      c.expect_abort_rst();
      break;
    case State::closing:
    case State::last_ack:
    case State::time_wait:
      c.abort();
      if (const auto got = t.next()) {  // 3.9.1.6 against 3.10.5: silence or RST
        t.check(got->has(RST) && got->seq == c.S, "ABORT sent " + got->form() + ", RST at SND.NXT or nothing is legal");
      }
      break;
    default:
      c.abort();
      if (state == State::syn_sent) {  // likewise
        const auto got = t.next();
        t.check(!got || (got->has(RST) && got->seq == c.S), "ABORT sent more than a RST at SND.NXT");
      }
  }
  t.expect_nothing(100_s);  // nothing is repeated
  confirm(t, state, State::closed);
}

void abort_with_queue(Tester& t, State state) {
  bring_named(t, state, {.outstanding = true});
  t.abort();
  t.expect_abort_rst();
  t.expect_nothing(100_s);
  confirm(t, state, State::closed);
}

void status_call(Tester& t, State state) {
  bring_named(t, state);
  Conn& c = t.c();
  if (state == State::closed) {
    c.status(CallStatus::no_connection);
  } else {
    const CallResult result = t.dut().status(state == State::listen ? *c.listener : *c.handle);
    expect_status_of(t, result, {CallStatus::ok}, "STATUS");
    if (state != State::listen || result.state != State::unknown) {
      t.check(result.state == state || state == State::listen, std::string("STATUS tells ") + to_string(result.state));
    }
  }
  unharmed(t, state);
}

}  // namespace

void register_transitions_calls(Registry& r) {
  const auto add = [&r](State state, const std::string& event, const std::string& variant, const std::string& title,
                        const std::string& description, std::function<void(Tester&)> run, Level level,
                        std::vector<std::string> rules = {}) {
    rules.insert(rules.begin(), "ST-" + row_name(state) + "-" + event);
    r.add({.id = "transitions/" + row_name(state) + "/" + event + (variant.empty() ? "" : "/" + variant),
           .title = title + ", " + to_string(state),
           .rules = std::move(rules),
           .description = description,
           .run = std::move(run),
           .level = level,
           .settings = calm(),
           .wishes = calm_wishes()});
  };
  for (std::size_t n = 0; n < columns.size(); ++n) {
    const State s = columns[n];
    const Level should_late = n < 2 ? Level::must : Level::should;
    add(s, "U-OPEN-P", "", "passive OPEN of the same sockets",
        "CLOSED: a listener. LISTEN: an error for the same sockets, or a record of its own. Later: an error or a "
        "record "
        "of its own; nothing is sent and the connection is not disturbed.",
        [s](Tester& t) { open_passive_again(t, s); }, should_late, {"MUST-41"});
    if (n >= 2) {
      add(s, "U-OPEN-P", "beside", "LISTEN on the same local port for other peers", "Another peer's SYN is answered.",
          [s](Tester& t) { listen_beside(t, s); }, Level::must, {"MUST-42"});
    }
    add(
        s, "U-OPEN-A", "", "active OPEN of the same sockets",
        "CLOSED and LISTEN: <SEQ=ISS><CTL=SYN>. Later: EXISTS, nothing is sent, the connection is not disturbed.",
        [s](Tester& t) { open_active_again(t, s); }, n == 0 ? Level::must : Level::should);
    add(
        s, "U-OPEN-AU", "", "active OPEN without remote socket",
        "REMOTE_UNSPECIFIED without address and without port; nothing is sent, nothing is disturbed.",
        [s](Tester& t) { open_unspecified(t, s); }, Level::should);
    add(
        s, "U-SEND", "", "SEND of 100 octets",
        "CLOSED: NO_CONNECTION. LISTEN: REMOTE_UNSPECIFIED. Before ESTABLISHED: queued. ESTABLISHED and CLOSE_WAIT: on "
        "the wire. Later: CLOSING and none of the octets appears.",
        [s](Tester& t) { send_call(t, s); }, n < 2 ? Level::should : Level::must);
    if (s == State::syn_sent || s == State::syn_received || sends(s)) {
      add(
          s, "U-SEND", "no-room", "SEND until there is no room",
          "The buffer fills, then the call is refused; what was taken leaves, in order, when it can.",
          [s](Tester& t) { send_without_room(t, s); }, Level::must);
    }
    add(
        s, "U-RECV", "", "RECEIVE",
        "CLOSED: NO_CONNECTION. Nothing there: WOULD_BLOCK; with 100 octets there: these. After the peer's FIN: "
        "CLOSING.",
        [s](Tester& t) { receive_call(t, s); }, has_text(s) || s == State::close_wait ? Level::must : Level::should);
    if (n >= 7) {
      add(
          s, "U-RECV", "rest", "RECEIVE of what came before the FIN", "All octets before the FIN, then CLOSING.",
          [s](Tester& t) { receive_rest(t, s); }, s == State::close_wait ? Level::must : Level::should);
    }
    add(
        s, "U-CLOSE", "", "CLOSE",
        "LISTEN and SYN_SENT: deleted in silence. SYN_RECEIVED, ESTABLISHED: FIN, FIN_WAIT_1. CLOSE_WAIT: FIN, "
        "LAST_ACK. "
        "Otherwise an error and no second FIN.",
        [s](Tester& t) { close_call(t, s); }, n == 0 || n >= 8 ? Level::should : Level::must);
    if (sends(s)) {
      add(
          s, "U-CLOSE", "queued", "CLOSE with octets queued",
          "The state changes at once, the FIN follows the last octet.", [s](Tester& t) { close_with_queue(t, s); },
          Level::must);
    }
    add(
        s, "U-ABORT", "", "ABORT",
        "SYN_RECEIVED, ESTABLISHED, FIN_WAIT_1, FIN_WAIT_2, CLOSE_WAIT: RST at SND.NXT. CLOSING, LAST_ACK, TIME_WAIT: "
        "RST or silence. LISTEN and SYN_SENT: silence. CLOSED afterwards, nothing is repeated.",
        [s](Tester& t) { abort_call(t, s); }, n == 0 ? Level::should : Level::must);
    if (sends(s)) {
      add(
          s, "U-ABORT", "outstanding", "ABORT with octets outstanding", "RST at SND.NXT, and nothing is repeated.",
          [s](Tester& t) { abort_with_queue(t, s); }, Level::must);
    }
    add(
        s, "U-STATUS", "", "STATUS", "The state as it is; NO_CONNECTION in CLOSED. Nothing happens.",
        [s](Tester& t) { status_call(t, s); }, Level::may);
  }
  add(State::listen, "U-SEND", "specified", "SEND with the remote socket given",
      "A listener for one peer: SEND sends a SYN, and the connection opens.", send_in_listen, Level::should);
  add(State::syn_received, "U-CLOSE", "queued", "CLOSE with octets queued",
      "SYN_RECEIVED lives on without a segment; after the ACK come the octets and the FIN.", close_syn_received_queue,
      Level::must);
}

}  // namespace tiptoe::conformance::cases
