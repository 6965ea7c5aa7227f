// SPDX-License-Identifier: Apache-2.0
// TB-11: every arrow of the state diagram, and the Christmas tree of TB-29 in every state.
#include "../support.hpp"

namespace tiptoe::conformance::cases {

namespace {

void listen_to_syn_sent(Tester& t) {
  t.listen();
  const Handle listener = *t.c().listener;
  t.open(CallStatus::ok, {.from_listener = listener});
  t.expect_syn();
  t.probe_state(State::syn_sent);
  t.step("it is no listener any more");
  Conn& other = t.stranger();
  other.send_syn();
  other.expect_rst_ack(0, other.isn + 1);
}

void listen_close(Tester& t) {
  t.listen();
  const CallResult result = t.dut().close(*t.c().listener);
  t.check(result.status == CallStatus::ok, std::string("CLOSE returned ") + to_string(result.status));
  t.send_syn();
  t.expect_rst_ack(0, t.c().isn + 1);
}

void syn_received_rst_passive(Tester& t) {
  t.reach(State::syn_received);
  t.send({.flags = RST});
  t.expect_nothing();
  t.accept(CallStatus::would_block);
  t.probe_gone();
  t.probe_state(State::listen);
}

void syn_received_rst_active(Tester& t) {
  t.reach(State::syn_received, Role::active);
  t.send({.flags = RST});
  t.expect_nothing();
  t.expect_notification(refused | closed);
  t.probe_gone();
  t.step("and no listener has come out of it");
  Conn& other = t.stranger();
  other.send_syn();
  other.expect_rst_ack(0, other.isn + 1);
}

void syn_received_close(Tester& t) {
  t.reach(State::syn_received, Role::active);
  t.close();
  t.expect_fin();
  t.expect_status(State::fin_wait_1);
  t.send_ack();  // of SYN and FIN
  t.expect_nothing();
  t.expect_status(State::fin_wait_2);
}

void kamikaze(Tester& t, State state, Role role) {
  t.reach(state, role);
  const bool synchronized = state != State::closed && state != State::listen && state != State::syn_sent;
  const std::uint32_t r = t.R();
  const std::uint32_t s = t.S();
  // In TIME_WAIT a SYN at RCV.NXT may open anew; one below it may not.
  const std::uint32_t at = state == State::time_wait ? r - 1000 : r;
  Segment lamp{.seq = synchronized ? at : t.c().isn,
               .flags = SYN | URG | PSH | FIN,
               .urgent = std::uint16_t{1},
               .payload = Bytes{0x2A}};
  t.send(lamp);
  switch (state) {
    case State::closed:
      t.expect_rst_ack(0, t.c().isn + 3);  // SYN, one octet, FIN
      t.probe_state(State::closed);
      return;
    case State::listen:
      t.c().R = t.c().isn + 1;
      if (t.may("syn_fin_in_listen", "discarded")) {
        const auto answer = t.next();
        const bool opens = answer && answer->flags == (SYN | ACK) && seq_le(t.R(), *answer->ack);
        t.check(opens ? t.may("syn_fin_in_listen", "answered") : !answer, "it draws " + (answer ? answer->form() : ""));
        if (!answer) return t.probe_state(State::listen);
      } else {
        t.expect_loose({.flags = SYN | ACK});
      }
      t.step("the connection opens or can be reset; the port lives");
      t.send({.flags = RST});
      t.expect_nothing();
      t.probe_state(State::listen);
      return;
    case State::syn_sent: t.expect_loose({.seq = t.c().iss, .flags = SYN | ACK}); return;
    case State::syn_received:
      if (role == Role::passive) {  // back to LISTEN without a segment, or a challenge ACK
        if (!t.allow({.flags = ACK})) t.probe_state(State::listen);
        return;
      }
      t.expect_one_of({{.flags = ACK}, {.seq = 0, .ack = r + 3, .flags = RST | ACK}});
      return;
    default: break;
  }
  t.expect({.seq = s, .ack = r, .flags = ACK});
  t.probe_state(state);
}

}  // namespace

void register_textbook_states(Registry& r) {
  const auto arrow = [&r](const std::string& name, const std::string& title, std::vector<std::string> rules,
                          const std::string& description, std::function<void(Tester&)> run) {
    rules.insert(rules.begin(), "TB-11");
    r.add({.id = "textbook/TB-11-" + name,
           .title = title,
           .rules = std::move(rules),
           .description = description,
           .run = std::move(run)});
  };
  arrow("closed-listen", "CLOSED to LISTEN: passive OPEN", {"ST-CLOSED-U-OPEN-P"},
        "After a passive OPEN the port answers as LISTEN does.", [](Tester& t) {
          t.listen();
          t.expect_nothing();
          t.probe_state(State::listen);
        });
  arrow("closed-syn-sent", "CLOSED to SYN_SENT: active OPEN", {"ST-CLOSED-U-OPEN-A"},
        "After an active OPEN and its SYN the connection answers as SYN_SENT does.", [](Tester& t) {
          t.reach(State::syn_sent, Role::active);
          t.probe_state(State::syn_sent);
        });
  arrow("listen-closed", "LISTEN to CLOSED: CLOSE", {"ST-LISTEN-U-CLOSE"},
        "CLOSE of the listener; a SYN then draws RST,ACK.", listen_close);
  arrow("listen-syn-sent", "LISTEN to SYN_SENT: the listener becomes an active open", {"ST-LISTEN-U-OPEN-A"},
        "OPEN active on the listener sends a SYN; the port does not listen any more.", listen_to_syn_sent);
  arrow("listen-syn-received", "LISTEN to SYN_RECEIVED: SYN", {"ST-LISTEN-SYN-IN"},
        "A SYN draws SYN,ACK, which is repeated.", [](Tester& t) {
          t.reach(State::syn_received);
          t.probe_state(State::syn_received);
        });
  arrow("syn-sent-closed", "SYN_SENT to CLOSED: CLOSE", {"ST-SYN-SENT-U-CLOSE"},
        "CLOSE ends the attempt: nothing is sent, the SYN is not repeated, the SYN,ACK draws RST.", [](Tester& t) {
          t.reach(State::syn_sent, Role::active);
          t.close();
          t.expect_nothing(100_s);
          t.send({.seq = t.c().isn, .flags = SYN | ACK});
          t.expect_rst(t.S());
        });
  arrow("syn-sent-syn-received", "SYN_SENT to SYN_RECEIVED: SYN", {"ST-SYN-SENT-SYN-IN", "MUST-10"},
        "A SYN that crosses draws SYN,ACK, which is repeated.", [](Tester& t) {
          t.reach(State::syn_received, Role::active);
          t.probe_state(State::syn_received);
        });
  arrow("syn-sent-established", "SYN_SENT to ESTABLISHED: SYN,ACK", {"ST-SYN-SENT-SYNACK"},
        "SYN,ACK draws ACK; data passes both ways.", [](Tester& t) {
          t.reach(State::established, Role::active);
          t.probe_state(State::established);
        });
  arrow("syn-received-established", "SYN_RECEIVED to ESTABLISHED: ACK of SYN", {"ST-SYN-RECEIVED-ACK-NEW"},
        "The ACK draws nothing; data passes both ways.", [](Tester& t) {
          t.reach(State::established);
          t.probe_state(State::established);
        });
  arrow("syn-received-fin-wait-1", "SYN_RECEIVED to FIN_WAIT_1: CLOSE", {"ST-SYN-RECEIVED-U-CLOSE"},
        "CLOSE in SYN_RECEIVED sends <SEQ=S><ACK=R><CTL=FIN,ACK>; one ACK of SYN and FIN leads to FIN_WAIT_2.",
        syn_received_close);
  arrow("syn-received-listen", "SYN_RECEIVED to LISTEN: RST, after a passive open",
        {"ST-SYN-RECEIVED-RST-EXACT", "MUST-11", "RFC1122-4.2.2.8-1"},
        "RST at RCV.NXT: silence, nothing for the user, and the port listens.", syn_received_rst_passive);
  arrow("syn-received-closed", "SYN_RECEIVED to CLOSED: RST, after an active open",
        {"ST-SYN-RECEIVED-RST-EXACT", "MUST-11"},
        "SYNs have crossed; RST at RCV.NXT: the user is told REFUSED, and the port does not listen.",
        syn_received_rst_active);
  const struct {
    State state;
    const char* name;
    const char* title;
    const char* rule;
  } rest[] = {
      {State::fin_wait_1, "established-fin-wait-1", "ESTABLISHED to FIN_WAIT_1: CLOSE", "ST-ESTABLISHED-U-CLOSE"},
      {State::close_wait, "established-close-wait", "ESTABLISHED to CLOSE_WAIT: FIN", "ST-ESTABLISHED-FIN"},
      {State::fin_wait_2, "fin-wait-1-fin-wait-2", "FIN_WAIT_1 to FIN_WAIT_2: ACK of FIN", "ST-FIN-WAIT-1-ACK-FIN"},
      {State::closing, "fin-wait-1-closing", "FIN_WAIT_1 to CLOSING: FIN", "ST-FIN-WAIT-1-FIN"},
      {State::time_wait, "fin-wait-2-time-wait", "FIN_WAIT_2 to TIME_WAIT: FIN", "ST-FIN-WAIT-2-FIN"},
      {State::last_ack, "close-wait-last-ack", "CLOSE_WAIT to LAST_ACK: CLOSE", "ST-CLOSE-WAIT-U-CLOSE"},
  };
  for (const auto& entry : rest) {
    for (const Role role : {Role::passive, Role::active}) {
      const State state = entry.state;
      arrow(std::string(entry.name) + "-" + to_string(role),
            std::string(entry.title) + ", " + to_string(role) + " open", {entry.rule},
            "The state is reached and answers as it must; CLOSING and LAST_ACK are followed to their end.",
            [state, role](Tester& t) {
              t.reach(state, role);
              t.probe_state(state);
            });
    }
  }
  arrow("fin-wait-1-time-wait", "FIN_WAIT_1 to TIME_WAIT: FIN with the ACK of ours", {"ST-FIN-WAIT-1-FINACK"},
        "<SEQ=R><ACK=S><CTL=FIN,ACK> draws one ACK.", [](Tester& t) {
          t.reach(State::fin_wait_1);
          t.send_fin();
          t.expect_ack();
          t.probe_state(State::time_wait);
        });
  arrow("last-ack-closed", "LAST_ACK to CLOSED: ACK of FIN", {"ST-LAST-ACK-ACK-FIN"},
        "The ACK draws nothing; the next segment draws RST.", [](Tester& t) {
          t.reach(State::last_ack);
          t.send_ack();
          t.expect_nothing();
          t.expect_notification(closed);
          t.probe_gone();
        });
  arrow("closing-time-wait", "CLOSING to TIME_WAIT: ACK of FIN", {"ST-CLOSING-ACK-FIN"},
        "The ACK draws nothing; the FIN again draws ACK.", [](Tester& t) {
          t.reach(State::closing);
          t.send_ack();
          t.expect_nothing();
          t.probe_state(State::time_wait);
        });
  arrow("time-wait-closed", "TIME_WAIT to CLOSED: 2 MSL", {"ST-TIME-WAIT-TO-TW", "MUST-13"},
        "After 2 MSL (240 s) a segment draws RST.", [](Tester& t) {
          t.reach(State::time_wait);
          t.advance(240'010_ms);
          t.probe_gone();
        });

  for (const State state :
       {State::closed, State::listen, State::syn_sent, State::syn_received, State::established, State::fin_wait_1,
        State::fin_wait_2, State::close_wait, State::closing, State::last_ack, State::time_wait}) {
    for (const Role role : {Role::passive, Role::active}) {
      if (state == State::syn_sent && role == Role::passive) continue;
      if ((state == State::closed || state == State::listen) && role == Role::active) continue;
      std::string name = to_string(state);
      for (char& ch : name) ch = ch == '_' ? '-' : ch;
      const bool synchronized =
          state != State::closed && state != State::listen && state != State::syn_sent && state != State::syn_received;
      r.add({.id = "textbook/TB-29-christmas-tree-" + name + "-" + to_string(role),
             .title = std::string("SYN, URG, PSH, FIN and one octet at once, ") + to_string(state) + ", " +
                      to_string(role) + " open",
             .rules = {"TB-29", "ST-" + name + "-SYN-IN"},
             .description =
                 synchronized ? "The segment of RFC 1025 at RCV.NXT: one challenge ACK, nothing taken, the state lives."
                              : "The segment of RFC 1025: RST,ACK for three numbers in CLOSED; SYN,ACK in LISTEN (or "
                                "silence, choice "
                                "syn_fin_in_listen) and SYN_SENT; in SYN_RECEIVED back to LISTEN or a challenge ACK. "
                                "No crash, no hang.",
             .run = [state, role](Tester& t) { kamikaze(t, state, role); },
             .profile = "rfc5961"});
    }
  }
}

}  // namespace tiptoe::conformance::cases
