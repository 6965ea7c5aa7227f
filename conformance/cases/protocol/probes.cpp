// SPDX-License-Identifier: Apache-2.0
// A peer whose window is zero: probes, and what comes when the window opens.
#include <algorithm>

#include "../support.hpp"

namespace tiptoe::conformance::cases {

namespace {

/// A probe: text at S, or what was sent and not acknowledged; one octet or more. Or an empty segment below SND.UNA, as
/// many stacks send it, which draws an ACK just as well.
Received expect_probe(Tester& t, std::uint64_t due, std::uint64_t late = 0) {
  const std::uint32_t una = t.U();
  Received probe = t.expect_loose({.ack = t.R(), .flags_set = ACK, .flags_clear = SYN | RST | URG},
                                  due + late + t.tolerance() - t.now());
  const bool empty = probe.seq == una - 1 && probe.length() == 0;
  t.check(empty ? t.may("zero_window_probe", "empty") : probe.seq == una && t.may("zero_window_probe", "text"),
          "a probe at SEQ " + std::to_string(*probe.seq) + ", SND.UNA is " + std::to_string(una));
  t.check(empty || probe.text_length() >= 1 || probe.has(FIN), "a probe without text (RFC9293-3.8.6-3)");
  t.check(probe.time_us + t.tolerance() >= due,
          "the probe came " + std::to_string(due - probe.time_us) + " us too early");
  return probe;
}

/// 1000 octets wait behind a window that has closed without shrinking: its right edge has not moved left (SHLD-14).
void closed_window(Tester& t) {
  t.c().window = 1000;
  t.reach(State::established);
  t.user_send(2000);
  t.expect_text(1000);
  t.c().window = 0;
  t.send_ack();
  t.expect_nothing();
}

void first_probe(Tester& t) {
  closed_window(t);
  const std::uint64_t begin = t.now();
  const std::uint64_t rto = t.setting("RTO_MIN");
  t.expect_nothing(rto * 9 / 10);
  expect_probe(t, begin + rto);
}

void probes_unanswered(Tester& t) {
  closed_window(t);
  std::uint64_t last = t.now();
  std::uint64_t interval = t.setting("RTO_MIN");
  for (int n = 0; n < 5; ++n, interval *= 2) {
    if (n == 0 || !t.may("probe_interval", "own")) {
      last = expect_probe(t, last + interval).time_us;
      continue;
    }
    const Received probe = expect_probe(t, last, 130_s);
    const std::uint64_t came = probe.time_us - last;
    t.check(came + t.tolerance() >= interval * 3 / 4,  // half as long again as the last one, which was `came` then
            "a probe after " + std::to_string(came / 1000) + " ms: the interval does not grow exponentially");
    last = probe.time_us;
    interval = came;
  }
  t.step("the window opens");
  t.c().window = 65535;
  t.send({.ack = t.U(), .flags = ACK});
  expect_released(t, 1000);
  t.send_ack();
  t.expect_nothing(10_s);
}

/// Two probes, then the window opens: the segment that comes then has the probed octet, and new ones.
void counted_twice(Tester& t) {
  const auto sent = [&t](std::uint64_t segments, std::uint64_t retransmitted) {
    t.expect_counter("OutSegs", segments);
    t.expect_counter("RetransSegs", retransmitted);
  };
  closed_window(t);
  try {
    t.counter_growth("OutSegs");
    t.counter_growth("RetransSegs");
  } catch (const DutError&) {
    t.inapplicable("the device does not count OutSegs and RetransSegs");
  }
  t.step("the first probe has an octet that was not sent before");
  const Received probe = expect_probe(t, t.now() + t.setting("RTO_MIN"));
  if (probe.text_length() == 0) t.inapplicable("the device probes with octets that it has sent before");
  if (probe.text_length() >= 1000) t.inapplicable("the device probes with all it has");
  sent(1, 0);
  t.step("the second one repeats it");
  expect_probe(t, probe.time_us + 2 * t.setting("RTO_MIN"));
  sent(0, 1);
  t.step("the window opens");
  t.c().window = 65535;
  t.send({.ack = t.U(), .flags = ACK});
  t.expect_text(1000, at_once, t.U());
  sent(1, 1);
}

void probes_answered(Tester& t) {
  closed_window(t);
  std::vector<std::uint64_t> times;
  const std::uint64_t begin = t.now();
  for (int n = 0; n < 6; ++n) {
    const auto probe = t.next(130_s);
    t.check(probe.has_value(), "no probe");
    t.check(probe->text_length() >= 1 || probe->seq == t.U() - 1, "a probe that draws no ACK");
    times.push_back(probe->time_us);
    t.send({.ack = t.U(), .flags = ACK});
  }
  std::uint64_t interval = t.setting("RTO_MIN");
  std::uint64_t last = begin;
  for (std::size_t n = 0; n < times.size(); ++n) {
    const std::uint64_t came = times[n] - last;
    t.check(came + t.tolerance() >= interval,
            "interval " + std::to_string(n + 1) + " between probes is " + std::to_string(came / 1000) +
                " ms; growing exponentially it would be " + std::to_string(interval / 1000));
    last = times[n];
    interval = std::min<std::uint64_t>(interval * 2, 60'000'000);
  }
}

void probed_for_ever(Tester& t) {
  closed_window(t);
  t.step("an hour of probes, each answered");
  std::size_t probes = 0;
  while (t.now() < 3'600'000'000) {
    const auto probe = t.next(130_s);
    t.check(probe.has_value(), "no probe for 130 s");
    t.check(!probe->has(RST), "the connection was aborted");
    ++probes;
    t.send({.ack = t.U(), .flags = ACK});
  }
  t.expect_no_notification(closed | timed_out);
  t.check(probes >= 20, std::to_string(probes) + " probes in an hour");
  t.step("the window opens");
  t.c().window = 65535;
  t.send({.ack = t.U(), .flags = ACK});
  expect_released(t, 1000);
  t.send_ack();
  t.expect_nothing();
  t.probe_state(State::established);
}

void probe_taken(Tester& t) {
  closed_window(t);
  const Received probe = expect_probe(t, t.now() + t.setting("RTO_MIN"));
  t.step("the probe's octet is taken, the window opens with the ACK");
  t.c().window = 65535;
  if (probe.text_length() == 0) t.inapplicable("the device probes with no octet that could be taken");
  const std::uint32_t end = *probe.seq + probe.length();
  t.send({.ack = end, .flags = ACK});
  const auto rest = expect_released(t, 1000 - probe.text_length());
  const bool whole = !rest.empty() && rest[0].seq == probe.seq && t.may("partial_ack", "whole");
  t.check(whole || (!rest.empty() && rest[0].seq == end), "the octet of the probe comes again");
  t.send_ack();
  t.expect_nothing(5_s);
}

void zero_window_at_open(Tester& t) {
  t.c().window = 0;
  t.reach(State::established);
  t.user_send(100);
  expect_probe(t, t.now() + t.setting("RTO_MIN"));
  t.c().window = 1000;
  t.send({.ack = t.U(), .flags = ACK});
  t.expect_text(100, at_once, t.U());
  t.send_ack();
}

void fin_with_closed_window(Tester& t) {
  closed_window(t);
  t.close();
  t.expect_nothing(100_ms);
  t.step("the window opens: text and FIN");
  t.c().window = 65535;
  t.send({.ack = t.U(), .flags = ACK});
  const std::uint32_t una = t.U();
  const auto all = take_burst(t, t.c());
  t.check(!all.empty() && all[0].seq == una && all.back().has(FIN) && t.S() == una + 1001,
          std::to_string(t.S() - una) + " sequence numbers came, 1000 octets and a FIN were due");
  t.send_ack();
  t.expect_status(State::fin_wait_2);
}

void no_probe_when_idle(Tester& t) {
  t.reach(State::established);
  t.send({.flags = ACK, .window = std::uint16_t{0}});
  t.expect_nothing(300_s);
}

}  // namespace

void register_protocol_probes(Registry& r) {
  const auto add = [&r](const char* name, const char* title, std::vector<std::string> rules, const char* description,
                        std::function<void(Tester&)> run, Level level = Level::must, Settings settings = {}) {
    settings.emplace_back("IW_SEGS", 4);  // by RFC 5681 for the MSS of 1000 in these cases
    r.add_with_wrap({.id = std::string("protocol/window-") + name,
                     .title = title,
                     .rules = std::move(rules),
                     .description = description,
                     .run = std::move(run),
                     .level = level,
                     .settings = std::move(settings),
                     .wishes = {"IW_SEGS"}});
  };
  add("probe-first", "A zero window is probed after one RTO",
      {"MUST-36", "SHLD-29", "RFC9293-3.8.6-3", "ST-ESTABLISHED-TO-PERSIST"},
      "1000 octets wait behind a zero window. After 1 s a probe comes, with at least one octet of them, or "
      "empty below SND.UNA.",
      first_probe, Level::should);
  add("probe-interval", "Probes follow each other at growing intervals",
      {"MUST-36", "SHLD-30", "RFC9293-3.8.6-3", "ST-ESTABLISHED-TO-PERSIST"},
      "The tester is silent: probes after 1, 2, 4, 8 and 16 s. When the window opens the text goes out.",
      probes_unanswered, Level::should);
  add("probe-counted", "A segment with old and new octets counts as sent and as retransmitted (RFC 4022)", {"MUST-36"},
      "1000 octets behind a zero window: a probe (OutSegs), its repetition (RetransSegs), then the window opens and "
      "they "
      "come in one segment (both).",
      counted_twice, Level::should);
  add("probe-interval-answered", "The interval grows also when probes are answered", {"SHLD-30"},
      "Each probe is answered by an ACK with window 0: intervals of at least 1, 2, 4, 8, 16 and 32 s.", probes_answered,
      Level::should);
  add("probe-for-ever", "A peer that answers probes is never given up",
      {"MUST-36", "MUST-37", "MAY-8", "RFC1122-4.2.2.17-1", "ST-ESTABLISHED-TO-PERSIST"},
      "An hour of probes, each answered with window 0: the connection lives, and the text goes out when the window "
      "opens.",
      probed_for_ever, Level::must, {{"USER_TIMEOUT", 0}});
  add("probe-taken", "The octet of a probe may be taken", {"MUST-36", "RFC9293-3.8.6-3"},
      "The tester acknowledges the probe's octet and opens the window: the rest follows, no octet twice.", probe_taken);
  add("zero-at-open", "A window that is zero from the handshake on is probed", {"MUST-36"},
      "SYN and ACK of the tester offer 0: a probe after 1 s.", zero_window_at_open);
  add("close-behind-zero", "CLOSE behind a zero window: text, then FIN, when it opens", {"RFC9293-3.6-1", "MUST-36"},
      "1000 octets and CLOSE wait; nothing goes out before the window opens.", fin_with_closed_window);
  add("zero-idle", "A zero window without text to send is not probed", {"RFC9293-3.8.6-3"},
      "Window 0, nothing to send: silence for five minutes.", no_probe_when_idle);
}

}  // namespace tiptoe::conformance::cases
