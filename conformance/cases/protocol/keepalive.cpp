// SPDX-License-Identifier: Apache-2.0
// Keepalive: off by default, only when idle, and what the device answers to the peer's.
#include "../support.hpp"

namespace tiptoe::conformance::cases {

namespace {

bool is_probe(Tester& t, const Received& s) {
  return *s.seq == t.S() - 1 && s.text_length() <= 1 && s.has(ACK) && !s.has(FIN) && !s.has(RST) && !s.has(SYN);
}

void off_by_default(Tester& t) {
  t.reach(State::established);
  t.expect_nothing(20'000_s);
  t.probe_state(State::established);
}

void on_and_off(Tester& t) {
  t.reach(State::established);
  t.c().set_options(false, true);
  const auto probe = t.next(61_s);
  t.check(probe && is_probe(t, *probe), "no probe after 60 s");
  t.send_ack();
  t.step("off");
  t.c().set_options(false, false);
  t.expect_nothing(10'000_s);
}

void on_at_open(Tester& t) {
  t.open(CallStatus::ok, {.keepalive = true});
  t.expect_syn();
  t.send({.seq = t.c().isn, .flags = SYN | ACK});
  t.expect_ack();
  const std::uint64_t idle = t.now();
  const auto probe = t.next(61_s);
  t.check(probe && is_probe(t, *probe), "no probe after 60 s");
  t.check(probe->time_us + t.tolerance() >= idle + 60'000'000 - 10'000, "the probe came too early");
  t.send_ack();
}

void only_when_idle(Tester& t) {
  t.reach(State::established);
  t.c().set_options(false, true);
  for (int n = 0; n < 10; ++n) {
    t.advance(40_s);
    t.send_text(1);
    t.expect_delayed_ack();
  }
  t.step("an ACK counts as well");
  for (int n = 0; n < 3; ++n) {
    t.advance(40_s);
    t.send_ack();
  }
  const std::uint64_t idle = t.now();
  const auto probe = t.next(61_s);
  t.check(probe && is_probe(t, *probe), "no probe after 60 s");
  t.check(probe->time_us + t.tolerance() >= idle + 60'000'000 - 10'000, "the probe came too early");
  t.send_ack();
  t.user_receive(10);
}

void not_with_text_outstanding(Tester& t) {
  t.reach(State::established);
  t.c().set_options(false, true);
  t.advance(30_s);
  t.user_send(100);
  const Received text = t.expect_text(100);
  t.step("the text is repeated, no keepalive probe comes between");
  while (t.now() < text.time_us + 200'000'000) {
    const auto again = t.next(text.time_us + 200'000'000 - t.now());
    if (!again) break;
    t.check(again->seq == text.seq && again->text_length() == 100, "not the text again, but " + again->form());
  }
  t.send_ack();
  t.probe_state(State::established);
}

void interval_set(Tester& t) {
  t.reach(State::established);
  t.c().set_options(false, true);
  std::uint64_t due = t.now() + 60'000'000;
  for (int n = 0; n < 4; ++n, due += 10'000'000) {
    const auto probe = t.next(due + t.tolerance() - t.now());
    t.check(probe && is_probe(t, *probe), "no probe where one was due");
    t.check(probe->time_us + t.tolerance() >= due,
            "the probe came " + std::to_string(due - probe->time_us) + " us too early");
  }
  t.expect_no_notification(closed);
  t.expect_notification(closed | timed_out, 11_s);
  t.allow({.flags_set = RST});
}

void one_unanswered(Tester& t) {
  t.reach(State::established);
  t.c().set_options(false, true);
  const auto first = t.next(61_s);
  t.check(first && is_probe(t, *first), "no probe after 60 s");
  const auto second = t.next(11_s);
  t.check(second && is_probe(t, *second), "no second probe");
  t.expect_no_notification(closed | timed_out);
  t.send_ack();
  t.probe_state(State::established);
}

void answers_probes(Tester& t, State state) {
  t.reach(state);
  for (const std::size_t n : {0U, 1U}) {
    t.step("a keepalive probe with " + std::to_string(n) + " octets");
    Segment probe{.seq = t.R() - 1, .flags = ACK};
    if (n == 1) probe.payload = Bytes{0};
    t.send(probe);
    t.expect_ack();
  }
  t.step("nothing of it reaches the user");
  t.expect_status(state);
}

}  // namespace

void register_protocol_keepalive(Registry& r) {
  const Settings minute = {{"KEEP_IDLE_S", 60}, {"KEEP_INTVL_S", 10}, {"KEEP_PROBES", 4}};
  const auto add = [&r](const char* name, const char* title, std::vector<std::string> rules, const char* description,
                        std::function<void(Tester&)> run, Settings settings) {
    r.add_with_wrap({.id = std::string("protocol/keepalive-") + name,
                     .title = title,
                     .rules = std::move(rules),
                     .description = description,
                     .run = std::move(run),
                     .settings = std::move(settings)});
  };
  add("default-off", "Keepalive is off unless asked for", {"MUST-25"}, "Silence for 20000 s; the connection lives.",
      off_by_default, {});
  add("on-off", "Keepalive can be switched on and off", {"MUST-24", "MAY-5"},
      "On: a probe after 60 s. Off: silence for 10000 s.", on_and_off, minute);
  add("on-at-open", "Keepalive can be asked for in OPEN", {"MUST-24"}, "OPEN with keepalive: a probe after 60 s.",
      on_at_open, minute);
  add("only-when-idle", "Probes come only after the interval without anything received", {"MUST-26"},
      "Text or an ACK every 40 s for nine minutes: no probe; then 60 s of silence: a probe.", only_when_idle, minute);
  add("not-with-text", "No probes while text is outstanding", {"MUST-26"},
      "The tester does not acknowledge text for 200 s: it is repeated, and no probe comes.", not_with_text_outstanding,
      minute);
  add("interval", "Idle time, interval and number of probes can be set", {"MUST-27"},
      "60 s, 10 s, 4: probes at 60, 70, 80, 90 s, then TIMEOUT and CLOSED.", interval_set, minute);
  add("one-unanswered", "One unanswered probe does not end the connection", {"MUST-29"},
      "The first probe is not answered, the second is: the connection lives.", one_unanswered, minute);
  for (const State state : {State::established, State::close_wait, State::fin_wait_2, State::time_wait}) {
    std::string name = to_string(state);
    for (char& ch : name) ch = ch == '_' ? '-' : ch;
    r.add({.id = "protocol/keepalive-answered-" + name,
           .title = std::string("The device answers keepalive probes, ") + to_string(state),
           .rules = {"RFC9293-3.8.4-1", "RFC1122-4.2.3.6-1", "RFC9293-3.5.2-4"},
           .description = "<SEQ=R-1> with no octet and with one: an ACK each.",
           .run = [state](Tester& t) { answers_probes(t, state); }});
  }
}

}  // namespace tiptoe::conformance::cases
