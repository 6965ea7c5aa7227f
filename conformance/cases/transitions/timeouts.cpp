// SPDX-License-Identifier: Apache-2.0
// Section 4 of the catalogue, the rows of timeouts: user, retransmission, R2, persist and TIME-WAIT, in every state
// that has them.
#include <algorithm>

#include "rig.hpp"

namespace tiptoe::conformance::cases {

namespace {

using namespace transitions;

bool has_queue(State s) {
  return s == State::established || s == State::close_wait || s == State::fin_wait_1 || s == State::closing ||
         s == State::last_ack;
}

/// The connection ends now: silence or a RST at SND.NXT, and the user is told TIMEOUT.
void ends(Tester& t, State state, Role role, std::uint64_t within) {
  Conn& c = t.c();
  if (const auto got = t.next(within)) {
    t.check(got->has(RST) && got->seq == c.S,
            "the end of the connection sent " + got->form() + ", RST or nothing is legal");
  }
  if (c.handle) c.expect_notification(timed_out | closed);
  t.expect_nothing(100_s);
  confirm(t, state, role == Role::passive && state == State::syn_received ? State::listen : State::closed);
}

void user_timeout(Tester& t, State state, Role role) {
  bring(t, state, role, {.outstanding = has_queue(state)});
  t.c().forget_notifications();
  t.expect_nothing(4'500_ms);
  if (t.c().handle) t.c().expect_status(state);
  ends(t, state, role, 1_s);
}

/// The oldest segment again: text or, when there is none, the FIN.
void again(Tester& t, State state, std::uint64_t within) {
  Conn& c = t.c();
  if (state == State::syn_sent) {
    c.expect_syn(within);
  } else if (state == State::syn_received) {
    c.expect_syn_ack(within);
  } else if (c.user_offset(c.U) < c.user_supplied) {
    c.expect_loose({.seq = c.U,
                    .ack = c.R,
                    .payload = c.user_text(c.user_offset(c.U), 100),
                    .flags_set = ACK,
                    .flags_clear = SYN | RST | URG},
                   within);
  } else {
    c.expect({.seq = c.S - 1, .flags = FIN | ACK}, within);
  }
}

void retransmission(Tester& t, State state, Role role, bool text) {
  bring(t, state, role, {.outstanding = text});
  Conn& c = t.c();
  if (state == State::established || state == State::fin_wait_1) {
    t.step("the repetition carries the ACK of now");
    c.send({.ack = c.U, .flags = ACK | PSH, .payload = c.peer_text(20, 10)});
    c.expect({.ack = c.R + 10, .flags = ACK}, ack_delay);
    c.user_receive(10);
  }
  t.expect_nothing(400_ms);
  again(t, state, 1_s);
  if (c.handle) c.expect_status(state);
  t.expect_nothing(1'900_ms);
  again(t, state, 300_ms);
  if (text) {
    const bool waits = fin_waits(c, state);
    c.send({.ack = c.iss + 1 + static_cast<std::uint32_t>(c.user_supplied), .flags = ACK});
    if (waits) {
      c.expect_fin();
    } else if (state != State::established && state != State::close_wait)
      c.allow({.seq = c.S - 1, .flags = FIN | ACK});
    t.expect_nothing();
  }
  confirm(t, state, state);
}

void limit(Tester& t, State state, Role role) {
  bring(t, state, role, {.outstanding = has_queue(state)});
  t.c().forget_notifications();
  const std::uint64_t late = std::max<std::uint64_t>(10'000, t.tolerance());
  std::uint64_t interval = 1'000'000;
  for (int n = 0; n < 3; ++n, interval *= 2) {
    t.step("repetition " + std::to_string(n + 1));
    again(t, state, interval + late);
  }
  t.step("the limit is reached");
  ends(t, state, role, interval + late);
}

void persist(Tester& t, State state) {
  bring(t, state, Role::passive, {.blocked = true});
  Conn& c = t.c();
  const auto probe = [&](std::uint64_t within) {
    const Received got = c.expect_loose({.ack = c.R, .flags_set = ACK, .flags_clear = SYN | RST | FIN | URG}, within);
    t.check(got.text_length() <= 1, "a probe of " + std::to_string(got.text_length()) + " octets");
    t.check(got.text_length() == 1 ? got.seq == c.U : seq_lt(*got.seq, c.U), "the probe does not draw an ACK");
  };
  t.expect_nothing(900_ms);
  probe(200_ms);
  c.send({.ack = c.U, .flags = ACK});
  c.expect_status(state);
  probe(70_s);
  c.send({.ack = c.U, .flags = ACK});
  c.expect_status(state);
  t.step("the window opens: all of it");
  c.window = 5000;
  const std::uint32_t from = c.U;
  c.send({.ack = c.U, .flags = ACK});
  const Received got = c.expect_loose(
      {.seq = from, .ack = c.R, .payload = c.user_text(20, 50), .flags_set = ACK, .flags_clear = SYN | RST | URG}, 3_s);
  if (state != State::established && state != State::close_wait && !got.has(FIN)) c.expect_fin();
  c.send({.ack = from + 50, .flags = ACK});
  t.expect_nothing();
  confirm(t, state, state);
}

void time_wait_ends(Tester& t) {
  bring(t, State::time_wait, Role::passive);
  Conn& c = t.c();
  t.expect_nothing(3'800_ms);
  t.step("the peer's FIN again starts 2 MSL anew");
  c.send({.seq = c.R - 1, .flags = FIN | ACK});
  c.expect_ack();
  t.expect_nothing(3'990_ms);
  c.send({.seq = c.R - 10, .flags = ACK});
  c.expect_ack();
  t.expect_nothing(20_ms);
  t.step("2 MSL are over");
  c.send({.seq = c.R - 1, .flags = FIN | ACK});
  c.expect_rst(c.S);
  confirm(t, State::time_wait, State::closed);
  c.restart(t.random());
  c.send_syn();
  c.expect_syn_ack();
}

/// What the times in these cases are made of.
Settings one_second() {
  return {{"RTO_INIT", 1'000'000}, {"RTO_MIN", 1'000'000}, {"SYN_RTO", 1'000'000}, {"SYN_BACKOFF", 1}};
}

Settings limit_of_three() {
  Settings settings = one_second();
  settings.insert(settings.end(), {{"SYN_RETRIES", 3}, {"DATA_RETRIES", 3}, {"DELACK", 0}});
  return settings;
}

}  // namespace

void register_transitions_timeouts(Registry& r) {
  const auto add = [&r](State state, Role role, const std::string& event, const std::string& variant,
                        const std::string& title, const std::string& description, std::function<void(Tester&)> run,
                        Settings settings, std::vector<std::string> rules) {
    std::string id = "transitions/" + row_name(state) + "/" + event;
    if (state == State::syn_received) id += std::string("/") + to_string(role);
    if (!variant.empty()) id += "/" + variant;
    rules.insert(rules.begin(), "ST-" + row_name(state) + "-" + event);
    r.add({.id = id,
           .title = title + ", " + to_string(state),
           .rules = std::move(rules),
           .description = description,
           .run = std::move(run),
           .settings = std::move(settings),
           .wishes = event == "TO-USER" ? calm_wishes() : std::set<std::string>{}});
  };
  for (const State s : columns) {
    if (s == State::closed || s == State::listen) continue;
    std::vector<Role> roles = {s == State::syn_sent ? Role::active : Role::passive};
    if (s == State::syn_received) roles.push_back(Role::active);
    for (const Role role : roles) {
      if (s != State::time_wait) {
        Settings settings = calm();
        settings.emplace_back("USER_TIMEOUT", 5'000'000);
        settings.emplace_back("FW2_TIMEOUT", 5'000'000);
        add(s, role, "TO-USER", "", "user timeout",
            "Nothing comes from the peer for the user timeout of 5 s (in FIN_WAIT_2: the limit of that state): TIMEOUT "
            "for "
            "the user, silence or RST, CLOSED.",
            [s, role](Tester& t) { user_timeout(t, s, role); }, settings, {});
      }
      if (s == State::fin_wait_2 || s == State::time_wait) continue;
      for (const bool text : {false, true}) {
        if (text ? !has_queue(s) : (s == State::established || s == State::close_wait)) continue;
        add(s, role, "TO-RTX", text ? "text" : "", "retransmission timeout",
            "The oldest segment is repeated after the RTO and after twice the RTO; the state stays.",
            [s, role, text](Tester& t) { retransmission(t, s, role, text); }, one_second(), {});
      }
      add(s, role, "TO-R2", "", "the limit of retransmissions",
          "With a limit of three: repetitions after 1, 2 and 4 s, then TIMEOUT for the user and CLOSED.",
          [s, role](Tester& t) { limit(t, s, role); }, limit_of_three(), {});
      if (has_queue(s)) {
        add(s, role, "TO-PERSIST", "", "zero-window probe",
            "The window is 0 and 50 octets wait: a probe after the RTO, another one later, the state stays; when the "
            "window opens all octets come.",
            [s](Tester& t) { persist(t, s); }, one_second(), {"MUST-35", "MUST-36"});
      }
    }
  }
  add(State::time_wait, Role::passive, "TO-TW", "", "2 MSL are over",
      "MSL = 2 s: a FIN after 3.8 s restarts the timer; 3.99 s later the connection still answers, 4.01 s later RST.",
      time_wait_ends, {{"MSL", 2'000'000}}, {"MUST-13"});
}

}  // namespace tiptoe::conformance::cases
