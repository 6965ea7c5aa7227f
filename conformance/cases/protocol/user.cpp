// SPDX-License-Identifier: Apache-2.0
// User calls: what they accept, refuse and cause.
#include "../support.hpp"

namespace tiptoe::conformance::cases {

namespace {

void invalid_remote(Tester& t) {
  for (const char* address : {"224.0.0.1", "239.1.2.3", "255.255.255.255"}) {
    t.step(address);
    Conn& c = t.add_conn({device_ip, device_port}, {ip(address), 1000});
    c.open(CallStatus::invalid);
    t.expect_nothing();
  }
  t.step("240.0.0.1");
  Conn& reserved = t.add_conn({device_ip, device_port}, {ip("240.0.0.1"), 1000});
  const CallResult opened =
      t.dut().open_active({.local_port = device_port, .remote_ip = reserved.peer.ip, .remote_port = 1000});
  if (opened && t.may("class_e_addresses", "unicast")) {
    reserved.handle = opened.handle;
    reserved.expect_syn();
    reserved.abort();
    reserved.allow({.seq = reserved.S, .flags_set = RST});
  } else {
    t.check(opened.status == CallStatus::invalid && t.may("class_e_addresses", "refused"),
            std::string("OPEN to 240.0.0.1 returned ") + to_string(opened.status));
    t.expect_nothing();
  }
}

void unspecified_remote(Tester& t) {
  t.step("the remote socket not given");
  const CallResult none = t.dut().open_active({.local_port = device_port});
  t.check(none.status == CallStatus::remote_unspecified,
          std::string("OPEN without remote socket returned ") + to_string(none.status));
  const CallResult no_port = t.dut().open_active({.local_port = device_port, .remote_ip = peer_ip});
  t.check(no_port.status == CallStatus::remote_unspecified,
          std::string("OPEN without remote port returned ") + to_string(no_port.status));
  t.expect_nothing();
  t.step("given");
  t.reach(State::established, Role::active);
  t.probe_state(State::established);
}

void local_address(Tester& t) {
  t.step("not given: one of the device's own, the same throughout");
  t.reach(State::established, Role::active);
  t.probe_state(State::established);
  t.step("given: that one");
  Conn& c = t.add_conn({device_ip_2, device_port_2}, {peer_ip, 1000});
  c.reach(State::established, Role::active);
  c.probe_state(State::established);
  t.step("not the device's: refused");
  const CallResult wrong =
      t.dut().open_active({.local_ip = 0x0A0000FE, .local_port = 99, .remote_ip = peer_ip, .remote_port = 99});
  const bool unused = t.may("foreign_local_address", "unused");
  t.check(unused || wrong.status != CallStatus::ok, "OPEN from an address that is not the device's succeeded");
  t.expect_nothing();
  const CallResult passive = t.dut().open_passive({.local_ip = 0x0A0000FE, .local_port = 99});
  t.check(unused || passive.status != CallStatus::ok, "passive OPEN on an address that is not the device's succeeded");
  t.expect_nothing();
}

void open_exists(Tester& t, State state) {
  t.reach(state, Role::active);
  Conn& same = t.add_conn(t.c().device, t.c().peer);
  same.open(CallStatus::exists);
  t.expect_nothing();
  t.probe_state(state);
}

void calls_after_close(Tester& t, State state) {
  t.reach(state);
  t.offer(10, CallStatus::closing);
  t.close(CallStatus::closing);
  t.expect_nothing();
  t.probe_state(state);
}

void receive_at_end(Tester& t, State state) {
  t.reach(State::established);
  if (state == State::close_wait || state == State::last_ack) {
    t.send_text(30, FIN);
    t.expect_delayed_ack();
  } else {
    t.close();
    t.expect_fin();
    if (state == State::time_wait) {
      t.send_ack();
      t.expect_nothing();
    }
    Segment s = t.text_at(t.R(), 30, ACK | PSH | FIN);
    s.ack = state == State::closing ? t.S() - 1 : t.S();
    t.send(s);
    t.expect({.ack = t.R() + 31, .flags = ACK}, ack_delay);
  }
  if (state == State::last_ack) {
    t.close();
    t.expect_fin();
  }
  t.expect_status(state);
  t.step("what came before the FIN can be read, then end of file");
  t.user_receive(30);
  t.receive(10, CallStatus::closing);
}

void send_in_states_before(Tester& t) {
  t.reach(State::syn_received, Role::active);
  t.user_send(200);
  t.expect_nothing();
  t.receive(10, CallStatus::would_block);
  t.send_ack();
  t.expect_text(200);
  t.send_ack();
  t.expect_nothing();
}

void close_in_syn_received_with_text(Tester& t) {
  t.reach(State::syn_received, Role::active);
  t.user_send(200);
  t.close();
  t.expect_nothing();
  t.step("with ESTABLISHED come text and FIN");
  t.send_ack();
  if (!t.expect_loose({.seq = t.c().iss + 1, .ack = t.R(), .flags_set = ACK}).has(FIN)) t.expect_fin();
  t.send_ack();
  t.expect_nothing();
  t.expect_status(State::fin_wait_2);
}

void abort_in(Tester& t, State state) {
  const Role role = state == State::syn_sent || state == State::syn_received ? Role::active : Role::passive;
  t.reach(state, role);
  t.abort();
  const bool sends = state == State::syn_received || state == State::established || state == State::fin_wait_1 ||
                     state == State::fin_wait_2 || state == State::close_wait;
  if (sends) {
    t.expect_abort_rst();
  } else {  // RFC 9293 3.10.5 sends none; 3.9.1.6 asks for one always
    t.allow({.seq = t.S(), .flags_set = RST});
  }
  t.expect_nothing(100_s);
  t.status(CallStatus::no_connection);
  if (state != State::syn_sent) t.probe_gone();
}

void full_send_buffer(Tester& t) {
  t.c().window = 0;
  t.reach(State::established);
  std::size_t taken = 0;
  while (taken < 1'000'000) {
    t.dut().settle();
    const CallResult result = t.dut().send(*t.c().handle, t.c().user_text(t.c().user_supplied, 3000));
    if (result.status == CallStatus::would_block) break;
    t.check(result.status == CallStatus::ok, std::string("SEND returned ") + to_string(result.status));
    t.c().user_supplied += result.length;
    taken += result.length;
  }
  t.check(taken >= 1000 && taken < 1'000'000, "the send buffer took " + std::to_string(taken) + " octets");
  t.offer(1, CallStatus::would_block);
  t.step("with acknowledgments there is room again");
  t.c().window = 65535;
  t.send_ack();
  std::size_t came = 0;
  for (auto burst = take_burst(t, t.c()); !burst.empty(); burst = take_burst(t, t.c())) {
    for (const Received& s : burst) came += s.text_length();
    t.send_ack();
  }
  t.check_equal(came, taken, "the octets that came");
  t.expect_notification(Notification::space);
  t.user_send(1000);
  t.expect_text(1000);
  t.send_ack();
}

void stale_handle(Tester& t) {
  t.reach(State::established);
  const Handle old = *t.c().handle;
  t.abort();
  t.expect_abort_rst();
  Conn& next = t.add_conn();
  next.reach(State::established);
  t.c().handle = old;
  t.step("the old handle is nobody's, also when its place is taken again");
  t.status(CallStatus::no_connection);
  t.offer(10, CallStatus::no_connection);
  t.receive(10, CallStatus::no_connection);
  t.close(CallStatus::no_connection);
  t.abort(CallStatus::no_connection);
  t.expect_nothing();
  next.probe_state(State::established);
}

/// The listener goes away under a connection that nobody has accepted: it must not live on unseen.
void orphan(Tester& t) {
  t.listen();
  const Handle listener = *t.c().listener;
  t.send_syn();
  t.expect_syn_ack();
  t.send_ack();
  t.expect_nothing();
  t.step("the listener is closed before ACCEPT");
  const CallResult result = t.dut().close(listener);
  t.check(result.status == CallStatus::ok, std::string("CLOSE of the listener returned ") + to_string(result.status));
  t.allow({.seq = t.S(), .flags_set = RST});
  t.step("the peer's next text draws RST");
  t.send_text(10);
  const auto rst = t.next(t.may("orphans", "kept") ? ack_delay : at_once);
  if (rst && rst->flags == ACK && rst->ack == t.R() && t.may("orphans", "kept")) {
    t.remark("the connection is kept, although nobody can accept it");
    return t.probe_state(State::established);
  }
  t.check(rst && rst->has(RST), "a connection that nobody can accept takes text");
  t.send_text(10);
  const auto again = t.next();
  t.check(again && again->has(RST), "the connection is still there");
}

/// The same when nothing reminds the device of the connection: its peer is silent, and it is not even the only one.
/// However the listener goes.
void orphan_silent(Tester& t, bool abort, bool fin) {
  t.listen();
  const Handle listener = *t.c().listener;
  std::vector<Conn*> conns{&t.c(), &t.add_conn(), &t.add_conn()};
  std::vector<Segment> resets;
  for (Conn* c : conns) {
    c->send_syn();
    c->expect_syn_ack();
    c->send_ack();
    if (fin) {
      c->send_fin();
      c->expect_ack();
    }
    resets.push_back({.dst = c->peer.ip, .dst_port = c->peer.port, .seq = c->S, .flags_set = RST, .flags_clear = SYN});
  }
  t.advance(3_s);
  t.step("the listener goes before ACCEPT, and no peer says anything");
  const CallResult result = abort ? t.dut().abort(listener) : t.dut().close(listener);
  t.check(result.status == CallStatus::ok, std::string("the call returned ") + to_string(result.status));
  if (t.may("orphans", "kept")) {
    auto first = t.next(5_s);
    if (!first) {
      t.step("the connections are kept, or reset at their peer's next segment");
      for (Conn* c : conns) {
        c->send(fin ? Segment{.seq = c->R - 1, .flags = ACK} : c->text_at(c->R, 1));
        c->expect_loose({.flags_clear = SYN | FIN}, ack_delay);
      }
      return;
    }
    t.check(first->has(RST), "it sends " + first->form());
    std::erase_if(resets, [&first](const Segment& p) { return p.matches(*first); });
    t.check(resets.size() == 2, "it sends " + first->form());
  }
  t.expect_set(resets, 5_s);
  t.step("the connections are gone");
  for (Conn* c : conns) {
    c->send_ack();
    c->expect_rst(c->S);
  }
}

/// Room for connections comes back: listeners go with their queues full, more often than the table has entries.
void orphans_leave_room(Tester& t) {
  const unsigned rounds = 40;
  std::uint16_t port = 3000;
  for (unsigned round = 0; round < rounds; ++round) {
    const CallResult opened = t.dut().open_passive({.local_port = device_port, .backlog = 8});
    t.check(opened.status == CallStatus::ok, std::string("a passive OPEN returned ") + to_string(opened.status));
    std::vector<Conn*> conns;
    for (int n = 0; n < 6; ++n) {
      Conn& c = t.add_conn({device_ip, device_port}, {peer_ip, port++});
      c.send_syn();
      c.expect_syn_ack();
      c.send_ack();
      conns.push_back(&c);
    }
    t.expect_nothing();
    t.dut().close(opened.handle);
    std::vector<Segment> resets;
    resets.reserve(conns.size());
    for (const Conn* c : conns) resets.push_back({.dst = c->peer.ip, .dst_port = c->peer.port, .flags_set = RST});
    if (t.may("orphans", "kept")) {
      const auto first = t.next(5_s);
      if (!first) t.inapplicable("the device keeps connections whose listener was closed (choice orphans)");
      std::erase_if(resets, [&first](const Segment& p) { return p.matches(*first); });
      t.check(resets.size() == 5, "it sends " + first->form());
    }
    t.expect_set(resets, 5_s);
  }
  t.reach(State::established);
  t.probe_state(State::established);
}

/// The user takes his time before ACCEPT; nothing may happen to the connection meanwhile.
void accept_late(Tester& t) {
  t.listen();
  t.send_syn();
  t.expect_syn_ack();
  t.send_ack();
  t.advance(100_s);
  t.send_text(100);
  t.expect_delayed_ack();
  t.advance(100_s);
  t.accept();
  t.user_receive(100);
  t.advance(100_s);
  t.probe_state(State::established);
}

void orphan_half_open(Tester& t) {
  t.listen();
  const Handle listener = *t.c().listener;
  t.send_syn();
  t.expect_syn_ack();
  t.dut().close(listener);
  t.allow({.seq = t.S(), .flags_set = RST});
  t.step("the ACK of the handshake");
  t.send_ack();
  const auto rst = t.next();
  if (!rst && t.may("orphans", "kept")) return t.probe_state(State::established);
  t.check(rst && rst->has(RST), "a handshake for a listener that is gone completes");
}

void accepted_outlives_listener(Tester& t) {
  t.reach(State::established);
  const CallResult result = t.dut().close(*t.c().listener);
  t.check(result.status == CallStatus::ok, "the listener can't be closed");
  t.probe_state(State::established);
  t.step("the port does not listen any more");
  Conn& other = t.stranger();
  other.send_syn();
  other.expect_rst_ack(0, other.isn + 1);
  t.step("and can be opened again");
  other.restart(t.random());
  other.listen();
  other.send_syn();
  other.expect_syn_ack();
}

void peer_fin_told_without_receive(Tester& t) {
  t.reach(State::established);
  t.expect_no_notification(peer_fin | readable);
  t.send_text(10);
  t.expect_delayed_ack();
  t.expect_notification(readable);
  t.send_fin();
  t.expect_delayed_ack();
  t.expect_notification(peer_fin);
  t.expect_no_notification(closed | was_reset);
}

void fin_or_rst(Tester& t, bool fin) {
  t.reach(State::established);
  if (fin) {
    t.send_fin();
    t.expect_delayed_ack();
    t.expect_notification(peer_fin);
    t.expect_no_notification(was_reset);
  } else {
    t.send({.flags = RST});
    t.expect_nothing();
    t.expect_notification(was_reset);
    t.expect_no_notification(peer_fin);
  }
}

void urgent_length(Tester& t) {
  t.reach(State::established);
  t.c().need_receive_buffer(3000);
  t.step("urgent data longer than a segment");
  const std::uint32_t begin = t.R();
  for (const std::uint32_t pointer : {2000U, 3000U, 3000U}) {
    const std::uint32_t at = t.R() - begin;
    Segment text = t.text_at(t.R(), 1000, ACK | PSH | URG);
    text.urgent = static_cast<std::uint16_t>(pointer - at);
    t.send(text);
    t.expect({.ack = t.R() + 1000, .flags = ACK}, ack_delay);
    // First it comes, then it moves on although nothing has been read. That it stays is no news.
    if (at < 2000) t.expect_notification(Notification::urgent);
  }
  t.user_receive(3000);
  t.step("a pointer far beyond the text, and one of zero");
  for (const std::uint16_t up : {std::uint16_t{0xFFFF}, std::uint16_t{0}}) {
    Segment text = t.text_at(t.R(), 10, ACK | PSH | URG);
    text.urgent = up;
    t.send(text);
    t.expect({.ack = t.R() + 10, .flags = ACK}, ack_delay);
    t.user_receive(10);
  }
  t.probe_state(State::established);
}

}  // namespace

void register_protocol_user(Registry& r) {
  const auto add = [&r](const std::string& name, const std::string& title, std::vector<std::string> rules,
                        const std::string& description, std::function<void(Tester&)> run, Level level = Level::must) {
    r.add({.id = "protocol/user-" + name,
           .title = title,
           .rules = std::move(rules),
           .description = description,
           .run = std::move(run),
           .level = level});
  };
  add("unspecified-remote", "OPEN without remote socket is refused", {"ST-CLOSED-U-OPEN-AU"},
      "OPEN without remote address, and without remote port: an error and no segment; with both it opens.",
      unspecified_remote);
  add("invalid-remote", "OPEN to an invalid address is refused", {"MUST-46"},
      "OPEN to multicast and broadcast addresses: an error and no segment; 240.0.0.1 may be "
      "an address like others (choice class_e_addresses).",
      invalid_remote);
  add("local-address", "The local address can be given, and stays",
      {"MUST-43", "MUST-44", "MUST-45", "RFC1122-3.2.1.3-3"},
      "OPEN without, with a good and with a foreign local address, which is refused, or at least not used (choice "
      "foreign_local_address).",
      local_address);
  for (const State state :
       {State::syn_sent, State::established, State::fin_wait_2, State::close_wait, State::time_wait}) {
    std::string name = to_string(state);
    for (char& ch : name) ch = ch == '_' ? '-' : ch;
    add("open-exists-" + name, std::string("A second OPEN of a connection is refused, ") + to_string(state),
        {"ST-" + name + "-U-OPEN-A", "MUST-41", "RFC9293-3.9.1.4-1"},
        "The same four addresses again: EXISTS, no segment, and the connection is untouched.",
        [state](Tester& t) { open_exists(t, state); });
  }
  for (const State state : {State::fin_wait_1, State::fin_wait_2, State::closing, State::last_ack, State::time_wait}) {
    std::string name = to_string(state);
    for (char& ch : name) ch = ch == '_' ? '-' : ch;
    add("after-close-" + name, std::string("SEND and CLOSE after CLOSE are refused, ") + to_string(state),
        {"ST-" + name + "-U-SEND", "ST-" + name + "-U-CLOSE"}, "Both return CLOSING and send nothing.",
        [state](Tester& t) { calls_after_close(t, state); });
  }
  for (const State state : {State::close_wait, State::last_ack, State::closing, State::time_wait}) {
    std::string name = to_string(state);
    for (char& ch : name) ch = ch == '_' ? '-' : ch;
    add("receive-at-end-" + name,
        std::string("RECEIVE gives what came before the FIN, then end of file, ") + to_string(state),
        {"RFC9293-3.8-1", "RFC9293-3.6-2", "ST-CLOSE-WAIT-U-RECV"},
        "30 octets and FIN; RECEIVE gives 30 octets, then CLOSING.", [state](Tester& t) { receive_at_end(t, state); });
  }
  add("send-syn-received", "A SEND in SYN_RECEIVED waits for ESTABLISHED",
      {"ST-SYN-RECEIVED-U-SEND", "ST-SYN-RECEIVED-U-RECV"},
      "200 octets are queued; they go out with the ACK of the handshake; RECEIVE has nothing.", send_in_states_before);
  add("close-syn-received-text", "CLOSE in SYN_RECEIVED with text queued", {"ST-SYN-RECEIVED-U-CLOSE", "RFC9293-3.6-1"},
      "The text goes out once ESTABLISHED, then the FIN.", close_in_syn_received_with_text);
  for (const State state : {State::syn_sent, State::syn_received, State::established, State::fin_wait_1,
                            State::fin_wait_2, State::close_wait, State::closing, State::last_ack, State::time_wait}) {
    std::string name = to_string(state);
    for (char& ch : name) ch = ch == '_' ? '-' : ch;
    add("abort-" + name, std::string("ABORT in ") + to_string(state), {"ST-" + name + "-U-ABORT", "RFC9293-3.9.1.6-1"},
        "A RST at SND.NXT where RFC 9293 3.10.5 has one; then the connection is gone.",
        [state](Tester& t) { abort_in(t, state); });
  }
  add("send-buffer-full", "A full send buffer is told, and is no loss", {"ST-ESTABLISHED-U-SEND", "RFC9293-3.9.1.2-1"},
      "SENDs into a zero window until one is refused; all that was taken arrives later, and there is room again.",
      full_send_buffer);
  add("stale-handle", "The handle of an ended connection is nobody's",
      {"RFC9293-3.9.1-1", "ST-CLOSED-U-SEND", "ST-CLOSED-U-RECV", "ST-CLOSED-U-CLOSE", "ST-CLOSED-U-ABORT"},
      "Every call with it returns NO_CONNECTION, also when a new connection has its place.", stale_handle);
  add("orphan", "Closing a listener ends connections that nobody has accepted",
      {"ST-LISTEN-U-CLOSE", "RFC9293-3.5.2-1"},
      "A connection waits for ACCEPT when its listener is closed: RST at once or at the peer's next segment, and it is "
      "gone.",
      orphan);
  for (const bool abort : {false, true}) {
    for (const bool fin : {false, true}) {
      add(std::string("orphan-silent-") + (abort ? "abort" : "close") + (fin ? "-close-wait" : ""),
          std::string(abort ? "ABORT" : "CLOSE") +
              " of a listener ends connections that nobody has accepted, also of silent "
              "peers" +
              (fin ? " that have closed" : ""),
          {"ST-LISTEN-U-CLOSE", "ST-LISTEN-U-ABORT"},
          "Three connections wait for ACCEPT when their listener goes; their peers are silent: each gets a RST within "
          "5 s "
          "and is gone.",
          [abort, fin](Tester& t) { orphan_silent(t, abort, fin); });
    }
  }
  add("orphans-leave-room", "Connections that nobody can accept any more take no room", {"ST-LISTEN-U-CLOSE"},
      "Forty times six connections wait for ACCEPT when their listener is closed; their peers are silent. Each time "
      "there is "
      "room again.",
      orphans_leave_room);
  add("accept-late", "A connection waits for ACCEPT as long as it takes", {"ST-LISTEN-SYN-IN", "RFC9293-3.9.1.1-1"},
      "ACCEPT comes after 200 s, text has come meanwhile: it is delivered, and the connection lives.", accept_late);
  add("orphan-half-open", "Closing a listener ends handshakes", {"ST-LISTEN-U-CLOSE"},
      "The listener is closed in SYN_RECEIVED: the ACK draws RST.", orphan_half_open);
  add("accepted-outlives-listener", "An accepted connection outlives its listener", {"MUST-41", "ST-LISTEN-U-CLOSE"},
      "The listener is closed after ACCEPT: the connection passes data, new SYNs draw RST,ACK, the port can listen "
      "again.",
      accepted_outlives_listener);
  add("peer-fin-told", "The peer's FIN is told without a RECEIVE", {"RFC9293-3.6-4"},
      "Text and FIN, no RECEIVE outstanding: READABLE, then PEER_FIN.", peer_fin_told_without_receive);
  for (const bool fin : {true, false}) {
    add(fin ? "told-fin" : "told-rst",
        fin ? "The user can tell a FIN from a RST: FIN" : "The user can tell a FIN from a RST: RST", {"MUST-12"},
        fin ? "FIN: PEER_FIN and not RESET." : "RST: RESET and not PEER_FIN.",
        [fin](Tester& t) { fin_or_rst(t, fin); });
  }
  r.add_with_wrap({.id = "protocol/urgent-length",
                   .title = "Urgent data of any length, and odd urgent pointers",
                   .rules = {"MUST-31", "MUST-32", "MUST-30", "RFC9293-3.8.5-2"},
                   .description =
                       "3000 octets of urgent data in three segments: the user is told of the pointer in the first, "
                       "and that it has moved on in the second; pointers of 65535 and 0 are survived; every octet is "
                       "delivered in line.",
                   .run = urgent_length});
}

}  // namespace tiptoe::conformance::cases
