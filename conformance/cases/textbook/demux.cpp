// SPDX-License-Identifier: Apache-2.0
// TB-30 … TB-32: many connections, listeners and their precedence, backlog.
#include "../support.hpp"

namespace tiptoe::conformance::cases {

namespace {

void told_apart_by_tuple(Tester& t) {
  const Endpoint peers[] = {{peer_ip, 1000}, {peer_ip, 1001},    {peer_ip_2, 1000},  {peer_ip_2, 1001},
                            {peer_ip, 1002}, {0x0B000001, 1000}, {0x0A000100, 1000}, {peer_ip, 0xFFFF}};
  std::vector<Conn*> conns;
  for (const Endpoint& peer : peers) {
    Conn& c = t.add_conn({device_ip, device_port}, peer);
    c.reach(State::established);
    conns.push_back(&c);
  }
  t.step("text to each in turn, read from each in reverse");
  for (std::size_t round = 0; round < 2; ++round) {
    for (Conn* c : conns) {
      c->send_text(110);
      c->expect_delayed_ack();
    }
  }
  for (auto it = conns.rbegin(); it != conns.rend(); ++it) (*it)->user_receive(220);
  t.step("text from each in turn");
  for (Conn* c : conns) {
    c->user_send(50);
    c->expect_text(50);
  }
  for (Conn* c : conns) c->send_ack();
  t.step("a RST on one does nothing to the others");
  conns[2]->send({.flags = RST});
  t.expect_nothing();
  for (std::size_t i = 0; i < conns.size(); ++i) {
    if (i == 2) {
      conns[i]->probe_gone();
    } else {
      conns[i]->probe_state(State::established);
    }
  }
}

/// One listener per binding; a SYN must reach the one named.
struct Binding {
  std::uint32_t local, remote;
  std::uint16_t remote_port;
};

Handle listen_bound(Tester& t, const Binding& b) {
  const CallResult result = t.dut().open_passive(
      {.local_ip = b.local, .local_port = device_port, .remote_ip = b.remote, .remote_port = b.remote_port});
  t.check(result.status == CallStatus::ok, "a passive OPEN failed: " + std::string(to_string(result.status)));
  return result.handle;
}

/// Completes a handshake and checks whose accept queue it lands in.
void expect_reaches(Tester& t, Conn& c, Handle right, const std::vector<Handle>& others, const std::string& whom) {
  c.send_syn();
  c.expect_syn_ack();
  c.send_ack();
  t.expect_nothing();
  for (const Handle& h : others) {
    if (h == right) continue;
    t.check(t.dut().accept(h).status == CallStatus::would_block,
            "the connection reached another listener than " + whom);
  }
  const CallResult accepted = t.dut().accept(right);
  t.check(accepted.status == CallStatus::ok, "the connection did not reach " + whom);
  c.handle = accepted.handle;
  c.probe_state(State::established);
}

void binding_precedence(Tester& t, bool reversed) {
  std::vector<Binding> bindings = {
      {0, 0, 0}, {device_ip, 0, 0}, {device_ip, peer_ip_2, 0}, {device_ip, peer_ip_2, 5555}};
  std::vector<Handle> handles(bindings.size());
  for (std::size_t i = 0; i < bindings.size(); ++i) {
    const std::size_t k = reversed ? bindings.size() - 1 - i : i;
    handles[k] = listen_bound(t, bindings[k]);
  }
  t.step("another local address: only (any, any) fits");
  expect_reaches(t, t.add_conn({device_ip_2, device_port}, {peer_ip, 1000}), handles[0], handles, "(any, any)");
  t.step("the bound address, any peer: (local, any) beats (any, any)");
  expect_reaches(t, t.add_conn({device_ip, device_port}, {peer_ip, 1000}), handles[1], handles, "(local, any)");
  t.step("the bound peer: (local, foreign) beats (local, any)");
  expect_reaches(t, t.add_conn({device_ip, device_port}, {peer_ip_2, 1000}), handles[2], handles, "(local, foreign)");
  t.step("the fully bound pair beats all");
  expect_reaches(t, t.add_conn({device_ip, device_port}, {peer_ip_2, 5555}), handles[3], handles,
                 "(local, foreign, port)");
}

/// The same for devices that can't bind a listener to a peer.
void address_precedence(Tester& t, bool reversed) {
  std::vector<Handle> handles(2);
  for (const std::size_t k : reversed ? std::vector<std::size_t>{1, 0} : std::vector<std::size_t>{0, 1}) {
    handles[k] = listen_bound(t, {k == 0 ? 0 : device_ip, 0, 0});
  }
  for (std::uint16_t port = 1000; port < 1008; ++port) {
    t.step("another local address, from port " + std::to_string(port) + ": only (any, any) fits");
    expect_reaches(t, t.add_conn({device_ip_2, device_port}, {peer_ip, port}), handles[0], handles, "(any, any)");
    t.step("the bound address: (local, any) beats (any, any)");
    expect_reaches(t, t.add_conn({device_ip, device_port}, {peer_ip, port}), handles[1], handles, "(local, any)");
  }
}

void bound_address_refuses(Tester& t) {
  const Handle h = listen_bound(t, {device_ip, 0, 0});
  Conn& wrong = t.add_conn({device_ip_2, device_port}, {peer_ip, 1000});
  wrong.send_syn();
  wrong.expect_rst_ack(0, wrong.isn + 1);
  expect_reaches(t, t.add_conn({device_ip, device_port}, {peer_ip, 1000}), h, {}, "the listener");
}

void bound_peer_refuses(Tester& t) {
  const Handle h = listen_bound(t, {0, peer_ip, 1000});
  for (const Endpoint& peer : {Endpoint{peer_ip_2, 1000}, Endpoint{peer_ip, 1001}}) {
    Conn& wrong = t.add_conn({device_ip, device_port}, peer);
    wrong.send_syn();
    wrong.expect_rst_ack(0, wrong.isn + 1);
  }
  expect_reaches(t, t.add_conn({device_ip, device_port}, {peer_ip, 1000}), h, {}, "the listener");
}

void second_listener_refused(Tester& t) {
  t.listen();
  const CallResult again = t.dut().open_passive({.local_port = device_port});
  t.check(again.status == CallStatus::exists,
          "a second identical passive OPEN returned " + std::string(to_string(again.status)));
  t.reach(State::established);
  t.probe_state(State::established);
}

void backlog_completes_before_accept(Tester& t) {
  t.listen({.backlog = 3});
  std::vector<Conn*> conns;
  for (int n = 0; n < 3; ++n) {
    Conn& c = t.add_conn();
    conns.push_back(&c);
    c.send_syn();
    c.expect_syn_ack();
    c.send_ack();
    t.expect_nothing();
    t.step("text before ACCEPT");
    c.send_text(100);
    c.expect_delayed_ack();
  }
  t.step("first in, first out");
  for (Conn* c : conns) {
    c->accept();
    c->user_receive(100);
    c->probe_state(State::established);
  }
  t.accept(CallStatus::would_block);
}

/// The SYN has met a full backlog (choice full_backlog): true when its client has to try again.
bool expect_refused(Tester& t, Conn& c, std::uint64_t within) {
  const bool may_answer = t.may("full_backlog", "unlimited") || t.may("full_backlog", "reset");
  const auto answer = may_answer ? t.next(within) : std::nullopt;
  if (!answer) {
    if (!may_answer) t.expect_nothing(within);
    t.check(t.may("full_backlog", "silence"), "a SYN beyond the backlog draws nothing");
    return true;
  }
  const bool reset = answer->has(RST);
  t.check(reset ? t.may("full_backlog", "reset") && answer->ack == c.isn + 1
                : t.may("full_backlog", "unlimited") && answer->flags == (SYN | ACK) && answer->ack == c.isn + 1,
          "a SYN beyond the backlog draws " + answer->form());
  if (reset) c.restart(t.random());
  return reset;
}

void backlog_full(Tester& t) {
  t.listen({.backlog = 2});
  std::vector<Conn*> conns;
  for (int n = 0; n < 2; ++n) {
    Conn& c = t.add_conn();
    conns.push_back(&c);
    c.send_syn();
    c.expect_syn_ack();
    c.send_ack();
  }
  Conn& late = t.add_conn();
  t.step("the backlog is full: no SYN,ACK and no RST");
  late.send_syn();
  if (expect_refused(t, late, 500_ms)) {
    t.expect_counter("ListenDrops", 1);
    conns[0]->accept();
    t.step("the client's retry");
    late.send_syn();
    late.expect_syn_ack();
  } else {
    conns[0]->accept();
  }
  late.send_ack();
  t.expect_nothing();
  conns[1]->accept();
  late.accept();
  late.probe_state(State::established);
}

void backlog_half_open(Tester& t) {
  t.listen({.backlog = 1});
  Conn& first = t.add_conn();
  first.send_syn();
  first.expect_syn_ack();
  Conn& second = t.add_conn();
  second.send_syn();
  const bool refused = expect_refused(t, second, 100_ms);
  t.step("the half-open connection goes away");
  first.send({.flags = RST});
  t.expect_nothing();
  if (refused) {
    second.send_syn();
    second.expect_syn_ack();
  }
  second.send_ack();
  t.expect_nothing();
  second.accept();
  second.probe_state(State::established);
}

void half_open_does_not_block(Tester& t) {
  t.listen();
  t.send_syn();
  t.expect_syn_ack();
  t.step("SYN_RECEIVED of one peer, another completes");
  Conn& other = t.add_conn();
  other.reach(State::established);
  other.probe_state(State::established);
}

}  // namespace

void register_textbook_demux(Registry& r) {
  r.add({.id = "textbook/TB-30-demultiplexing",
         .title = "Connections on one listening port are told apart by the whole 4-tuple",
         .rules = {"TB-30", "RFC9293-3.9.1.1-1"},
         .description =
             "Eight connections that differ in foreign address or port only. Octets of each reach the user of that "
             "connection, text of each user its peer; a RST ends one of them only.",
         .run = told_apart_by_tuple});
  r.add({.id = "textbook/TB-31a-precedence",
         .title = "(local, foreign) beats (local, any) beats (any, any)",
         .rules = {"TB-31", "MUST-43", "RFC9293-3.9.1.1-1"},
         .description =
             "Four listeners on one port, bound more and more closely, the most general first. Each of four SYNs "
             "reaches the most specific listener that fits.",
         .run = [](Tester& t) { binding_precedence(t, false); }});
  r.add({.id = "textbook/TB-31b-precedence-reversed",
         .title = "The same, whatever order the listeners were opened in",
         .rules = {"TB-31", "MUST-43", "RFC9293-3.9.1.1-1"},
         .description = "As TB-31a, the most specific listener first.",
         .run = [](Tester& t) { binding_precedence(t, true); }});
  for (const bool reversed : {false, true}) {
    r.add(
        {.id = reversed ? "textbook/TB-31g-address-precedence-reversed" : "textbook/TB-31f-address-precedence",
         .title = reversed ? "(local, any) beats (any, any), the more specific listener first"
                           : "(local, any) beats (any, any), the more general listener first",
         .rules = {"TB-31", "MUST-43", "RFC9293-3.9.1.1-1"},
         .description =
             "Two listeners on one port, one of all addresses, one of 10.0.0.1. Sixteen connections, from eight ports "
             "to each of two addresses: each reaches the most specific listener that fits.",
         .run = [reversed](Tester& t) { address_precedence(t, reversed); }});
  }
  r.add({.id = "textbook/TB-31c-address-bound",
         .title = "A listener bound to one address refuses SYNs to another with RST",
         .rules = {"TB-31", "MUST-43", "RFC9293-3.5.2-1"},
         .description = "Listening on 10.0.0.1: a SYN to 10.0.0.2 draws RST,ACK, one to 10.0.0.1 opens.",
         .run = bound_address_refuses});
  r.add({.id = "textbook/TB-31d-peer-bound",
         .title = "A listener bound to one peer refuses others",
         .rules = {"TB-31", "RFC9293-3.9.1.1-1", "RFC9293-3.5.2-1"},
         .description = "Bound to 10.0.1.1 port 1000: SYNs from another address or port draw RST,ACK, its own opens.",
         .run = bound_peer_refuses});
  r.add({.id = "textbook/TB-31e-second-listener",
         .title = "A second identical passive OPEN fails and disturbs nothing",
         .rules = {"TB-31", "MUST-41", "ST-LISTEN-U-OPEN-P"},
         .description = "The second OPEN returns EXISTS; the first listener still takes a connection.",
         .run = second_listener_refused});
  r.add({.id = "textbook/TB-32a-before-accept",
         .title = "Handshakes complete, and text is kept, before the user accepts; first in, first out",
         .rules = {"TB-32", "MUST-42"},
         .description =
             "Backlog 3: three connections open and send 100 octets each before any ACCEPT. ACCEPT hands them out in "
             "order, with their octets.",
         .run = backlog_completes_before_accept});
  r.add({.id = "textbook/TB-32b-backlog-full",
         .title = "A full backlog ignores the SYN; the client's retry succeeds later",
         .rules = {"TB-32", "RFC4987-2.2-1"},
         .description =
             "Backlog 2 with two connections not accepted: the third SYN draws nothing, in particular no RST. After "
             "an ACCEPT its retry opens. Or a device says that it does otherwise (choice full_backlog).",
         .run = backlog_full});
  r.add({.id = "textbook/TB-32c-backlog-half-open",
         .title = "Half-open connections count, and stop counting when they go",
         .rules = {"TB-32", "RFC4987-2.2-1", "ST-SYN-RECEIVED-RST-EXACT"},
         .description =
             "Backlog 1 with one connection in SYN_RECEIVED: a second SYN draws nothing. After a RST of the first the "
             "second opens. Or a device says that it does otherwise (choice full_backlog).",
         .run = backlog_half_open});
  r.add({.id = "textbook/TB-32d-half-open-does-not-block",
         .title = "A half-open connection does not block the listening port",
         .rules = {"TB-32", "MUST-42"},
         .description = "One peer stays in SYN_RECEIVED; another opens and passes data.",
         .run = half_open_does_not_block});
}

}  // namespace tiptoe::conformance::cases
