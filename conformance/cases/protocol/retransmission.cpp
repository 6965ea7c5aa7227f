// SPDX-License-Identifier: Apache-2.0
// Retransmission: the timer of RFC 6298, Karn's rule, back-off, R1 and R2, user timeout.
#include <algorithm>

#include "../support.hpp"

namespace tiptoe::conformance::cases {

namespace {

/// The initial RTO of RFC 1122 and RFC 2988, which RFC 6298 2.1 still allows; nobody needs more.
constexpr std::uint64_t coarse = 3'000'000;

/// Sends 100 octets of the user and acknowledges them after `rtt` microseconds: one RTT sample.
void sample(Tester& t, std::uint64_t rtt) {
  t.user_send(100);
  const Received text = t.expect_text(100);
  t.advance(text.time_us + rtt - t.now());
  t.send_ack();
  t.expect_nothing();
}

/// Sends 100 octets, lets them be repeated, checks when, acknowledges at once: no RTT sample by Karn's rule.
void check_rto(Tester& t, std::uint64_t rto) {
  t.user_send(100);
  const Received text = t.expect_text(100);
  t.step("the RTO is " + std::to_string(rto) + " us");
  t.expect_at({.seq = *text.seq, .flags = ACK, .payload = *text.payload}, text.time_us + rto);
  t.step("");
}

/// The handshake takes `rtt`: the first sample.
void handshake_with_rtt(Tester& t, std::uint64_t rtt, Role role) {
  if (role == Role::passive) {
    t.listen();
    t.send_syn();
    const Received syn_ack = t.expect_syn_ack();
    t.advance(syn_ack.time_us + rtt - t.now());
    t.send_ack();
    t.expect_notification(acceptable);
    t.accept();
  } else {
    t.open();
    const Received syn = t.expect_syn();
    t.advance(syn.time_us + rtt - t.now());
    t.send({.seq = t.c().isn, .flags = SYN | ACK, .options = Options().mss(1460)});
    t.expect_ack();
  }
}

void first_sample(Tester& t, Role role) {
  handshake_with_rtt(t, 100'000, role);
  check_rto(t, 300'000);  // SRTT = 100, RTTVAR = 50
}

void later_samples(Tester& t) {
  handshake_with_rtt(t, 100'000, Role::passive);
  // SRTT and RTTVAR in microseconds, as RFC 6298 2.3 has them.
  double srtt = 100'000;
  double rttvar = 50'000;
  for (const std::uint64_t rtt : {100'000U, 200'000U, 150'000U, 280'000U, 120'000U, 120'000U}) {
    sample(t, rtt);
    const double d =
        srtt > static_cast<double>(rtt) ? srtt - static_cast<double>(rtt) : static_cast<double>(rtt) - srtt;
    rttvar = 0.75 * rttvar + 0.25 * d;
    srtt = 0.875 * srtt + 0.125 * static_cast<double>(rtt);
  }
  check_rto(t, static_cast<std::uint64_t>(srtt + 4 * rttvar));
}

void steady_rtt(Tester& t) {
  handshake_with_rtt(t, 200'000, Role::passive);
  for (int n = 0; n < 30; ++n) sample(t, 200'000);  // RTTVAR goes to zero: RTO = SRTT + G
  check_rto(t, 200'100);
}

/// What the device has said of the timer, or what may be assumed of one that has said nothing.
std::uint64_t stated(Tester& t, const std::string& name, std::uint64_t unsaid) {
  const Capabilities& has = t.capabilities();
  const bool said = has.all_settings || has.settable.contains(name) || has.fixed.contains(name);
  return said ? t.setting(name) : unsaid;
}

/// Sends 100 octets: they are repeated after a second at the earliest, and after `latest` at the latest.
void check_rto_from_one_second(Tester& t, std::uint64_t latest) {
  latest = std::max<std::uint64_t>(latest, 1'000'000);
  t.user_send(100);
  const Received text = t.expect_text(100);
  t.step("the RTO is between 1 s and " + std::to_string(latest) + " us");
  const Received again = t.expect({.seq = *text.seq, .flags = ACK, .payload = *text.payload}, latest + t.tolerance());
  t.check(again.time_us + t.tolerance() >= text.time_us + 1'000'000,
          "text is repeated after " + std::to_string(again.time_us - text.time_us) + " us, before a second has passed");
}

void minimum(Tester& t) {
  t.reach(State::established);
  for (int n = 0; n < 5; ++n) sample(t, 1'000);
  check_rto_from_one_second(t, stated(t, "RTO_MIN", stated(t, "RTO_INIT", coarse)));
}

void initial_rto(Tester& t) {
  t.reach(State::established);
  check_rto_from_one_second(t, stated(t, "RTO_INIT", coarse));
}

void adapts(Tester& t) {
  handshake_with_rtt(t, 900'000, Role::passive);
  for (int n = 0; n < 12; ++n) sample(t, 1'500'000);
  t.user_send(100);
  const Received text = t.expect_text(100);
  t.step("no repetition before the RTO that the samples make");
  t.expect_nothing(1'400_ms);
  t.expect_loose({.seq = *text.seq, .flags_set = ACK}, 4_s);
  t.send_ack();
}

void backoff_series(Tester& t) {
  t.reach(State::established);
  t.user_send(100);
  const Received text = t.expect_text(100);
  const Segment again{.seq = *text.seq, .flags = ACK, .payload = *text.payload};
  const std::uint64_t last = expect_repeats(t, t.c(), again, text.time_us, {1, 2, 4, 8, 16, 32, 60});
  t.step("an ACK ends it");
  t.advance(last + 1'000'000 - t.now());
  t.send_ack();
  t.expect_nothing(100_s);
}

void give_up(Tester& t) {
  t.reach(State::established);
  t.user_send(100);
  const Received text = t.expect_text(100);
  const Segment again{.seq = *text.seq, .flags = ACK, .payload = *text.payload};
  std::uint64_t last = text.time_us;
  std::uint64_t interval = 1'000'000;
  t.c().forget_notifications();
  int n = 0;
  while (true) {
    auto got = t.next(120_s);
    if (!got) break;
    if (got->has(RST)) break;  // tolerable
    t.check(again.seq == got->seq && again.payload == got->payload, "something else than the text: " + got->form());
    t.check(got->time_us + t.tolerance() >= last + interval,
            "a repetition after less than " + std::to_string(interval) + " us");
    last = got->time_us;
    interval = std::min<std::uint64_t>(interval * 2, 60'000'000);
    ++n;
    t.check(n < 40, "repeated for ever");
  }
  t.check(n >= 3, "given up after " + std::to_string(n) + " repetitions");
  const std::uint64_t worth = last + interval - text.time_us;
  t.check(worth >= 100'000'000, "given up after " + std::to_string(worth / 1'000'000) + " s, R2 should be worth 100 s");
  t.expect_notification(timed_out | closed);
  t.status(CallStatus::no_connection);
}

void r1_told(Tester& t) {
  t.reach(State::established);
  t.user_send(100);
  const Received text = t.expect_text(100);
  const Segment again{.seq = *text.seq, .flags = ACK, .payload = *text.payload};
  t.expect_at(again, text.time_us + 1'000'000);
  t.expect_at(again, text.time_us + 3'000'000);
  t.expect_no_notification(soft | closed);
  t.expect_at(again, text.time_us + 7'000'000);
  t.expect_notification(soft);
  t.expect_no_notification(closed);
  t.step("the peer answers after all");
  t.send_ack();
  t.expect_nothing(60_s);
  t.probe_state(State::established);
}

void r2_set(Tester& t, unsigned retries) {
  t.reach(State::established);
  t.user_send(100);
  const Received text = t.expect_text(100);
  const Segment again{.seq = *text.seq, .flags = ACK, .payload = *text.payload};
  std::uint64_t due = text.time_us;
  std::uint64_t interval = 1'000'000;
  for (unsigned n = 0; n < retries; ++n, interval *= 2) {
    due += interval;
    t.expect_at(again, due);
  }
  t.expect_no_notification(closed);
  if (t.may("r2", "time")) {  // looked at when the timer fires: one repetition more, perhaps
    t.c().forget_notifications();
    const std::uint64_t next = due + interval;
    while (t.now() < next + t.tolerance() && (t.c().pending_notifications() & closed) == 0) {
      const auto more = t.next(std::min<std::uint64_t>(next + t.tolerance() - t.now(), 100_ms));
      if (!more) continue;
      if (more->has(RST)) break;
      t.check(more->seq == again.seq && more->payload == again.payload,
              "something else than the text: " + more->form());
      t.check(due + interval == next, "two repetitions too many");
      due = next;
      interval *= 2;
    }
    if (due == next) t.allow({.flags_set = RST}, due + interval + t.tolerance() - t.now());
  } else {
    t.advance(due + interval - 10'000 - t.now());
    t.allow({.flags_set = RST}, 1_s);
  }
  t.expect_notification(timed_out | closed, 1_s);
}

void syn_r2_three_minutes(Tester& t) {
  t.reach(State::syn_sent, Role::active);
  int syns = 0;
  while (t.now() < 180'000'000) {
    if (auto got = t.c().allow({.seq = t.c().iss, .flags = SYN}, 180'000'000 - t.now())) ++syns;
  }
  t.check(syns >= 5, "only " + std::to_string(syns) + " SYNs were repeated in three minutes");
  t.expect_status(State::syn_sent);
  t.expect_no_notification(closed);
  while (t.c().allow({.seq = t.c().iss, .flags = SYN}, 120_s)) {
  }
  t.expect_notification(timed_out | closed);
}

void karn(Tester& t) {
  t.reach(State::established);
  t.step("one repetition, acknowledged 10 ms later");
  t.user_send(100);
  const Received text = t.expect_text(100);
  t.expect_at({.seq = *text.seq, .flags = ACK, .payload = *text.payload}, text.time_us + 1'000'000);
  t.advance(10_ms);
  t.send_ack();
  t.expect_nothing();
  t.step("no sample was taken: the RTO is still the doubled one");
  check_rto(t, 2'000'000);
  t.send_ack();
  t.expect_nothing();
  t.step("a new sample brings it down");
  sample(t, 1'000);
  check_rto(t, 1'000'000);
  t.send_ack();
}

void restart_on_ack(Tester& t) {
  t.reach(State::established);
  t.c().set_options(true, false);
  t.user_send(100);
  const Received first = t.expect_text(100);
  t.advance(first.time_us + 200'000 - t.now());
  t.user_send(100);
  const Received second = t.expect_text(100);
  t.advance(first.time_us + 800'000 - t.now());
  t.step("the first segment is acknowledged after 800 ms: the timer starts again");
  const std::uint64_t acked = t.now();
  t.send({.ack = *second.seq, .flags = ACK});
  // One sample of 800 ms: RTO = 0.1 + 4 * 0.2 s at the most; the minimum of 1 s holds.
  const Received again = t.expect_loose({.seq = *second.seq, .flags_set = ACK}, 3_s);
  t.check(
      again.time_us + t.tolerance() >= acked + 1'000'000,
      "the second segment was repeated " + std::to_string(again.time_us - acked) + " us after the ACK of the first");
  t.check(again.time_us <= acked + 2'000'000, "the timer was not restarted");
  t.send_ack();
  t.expect_nothing(5_s);
}

void timer_not_restarted_by_new_text(Tester& t) {
  t.reach(State::established);
  t.c().set_options(true, false);
  t.user_send(100);
  const Received first = t.expect_text(100);
  for (int n = 1; n <= 2; ++n) {  // no more than the smallest initial window in segments (RFC 5681 3.1)
    t.advance(first.time_us + static_cast<std::uint64_t>(n) * 300'000 - t.now());
    t.user_send(100);
    t.expect_text(100);
  }
  t.step("the earliest segment is repeated one RTO after it was sent");
  const Received again = t.expect_loose({.seq = *first.seq, .flags_set = ACK}, 1_s);  // with more text, perhaps
  const std::uint64_t waited = again.time_us - first.time_us;
  t.check(waited + t.tolerance() >= 1'000'000 && waited <= 1'000'000 + t.tolerance(),
          "repeated after " + std::to_string(waited) + " us");
  t.send_ack();
}

void earliest_only(Tester& t) {
  t.c().mss = 500;
  t.reach(State::established);
  t.user_send(2000);
  const auto burst = take_burst(t, t.c());
  // How much goes out at once is judged elsewhere (protocol/cc-initial-window-*): RFC 5681 3.1 gives an upper bound.
  check_burst(t, burst, std::clamp<std::size_t>(burst.size(), 2, 4), 500, t.U(), "the initial window");
  const Received again = t.expect_loose({.seq = t.U(), .flags_set = ACK}, 2_s);
  t.check_equal(again.text_length(), std::size_t{500}, "the length of the repeated segment");
  t.step("the first segment, and no other, is repeated");
  t.expect_nothing(1_s);
  do {
    t.send_ack();
  } while (!take_burst(t, t.c()).empty());
  t.expect_nothing(4_s);
}

void content_of_retransmission(Tester& t) {
  t.c().mss = 500;
  t.reach(State::established);
  for (int round = 0; round < 12; ++round) {  // 24000 octets: the send buffer goes round
    t.user_send(2000);
    auto burst = take_burst(t, t.c());
    t.check(!burst.empty(), "nothing was sent");
    t.step("lost: repeated with the same octets");  // compared by the tester for every segment
    std::uint32_t una = t.U();
    while (una != t.S() || t.S() - (t.c().iss + 1) != t.c().user_supplied) {
      const auto again = t.next(100_s);
      t.check(again.has_value(), "nothing is repeated");
      una = *again->seq + again->length();
      t.send({.ack = una, .flags = ACK});
      burst = take_burst(t, t.c());
      for (const Received& s : burst) una = seq_max(una, *s.seq + s.length());
      if (!burst.empty()) t.send({.ack = una, .flags = ACK});
    }
  }
}

void syn_lost_rto_3s(Tester& t, Role role) {
  if (role == Role::passive) {
    t.listen();
    t.send_syn();
    t.expect_syn_ack();
    t.expect_syn_ack(2_s);
    t.send_ack();
    t.expect_notification(acceptable);
    t.accept();
  } else {
    t.open();
    t.expect_syn();
    t.expect_syn(2_s);
    t.send({.seq = t.c().isn, .flags = SYN | ACK, .options = Options().mss(1460)});
    t.expect_ack();
  }
  check_rto(t, 3'000'000);
}

void syn_ack_back_off_without_sample(Tester& t) {
  t.open();
  const Received syn = t.expect_syn();
  const Received again = t.expect_at({.seq = *syn.seq, .flags = SYN}, syn.time_us + 1'000'000);
  t.expect_at({.seq = *syn.seq, .flags = SYN}, again.time_us + 2'000'000);
}

/// The user timeout expires within 200 ms: the connection ends then, or when the next retransmission is due (choice
/// user_timeout). No segment is prescribed; RST is tolerable.
void expect_user_timeout(Tester& t, std::uint64_t next_timer) {
  const std::uint64_t latest = t.may("user_timeout", "next_timer") ? next_timer + t.tolerance() : t.now() + 200'000;
  while (t.now() < latest && (t.c().pending_notifications() & closed) == 0) {
    t.allow({.flags_set = RST}, std::min<std::uint64_t>(latest - t.now(), 200_ms));
  }
  t.expect_notification(timed_out | closed);
  t.status(CallStatus::no_connection);
  t.expect_nothing(t.capabilities().real_time ? 1_s : 100_s);
}

void user_timeout(Tester& t) {
  t.reach(State::established);
  t.user_send(100);
  const Received text = t.expect_text(100);
  const Segment again{.seq = *text.seq, .flags = ACK, .payload = *text.payload};
  for (const std::uint64_t due : {1U, 3U, 7U}) t.expect_at(again, text.time_us + due * 1'000'000);
  t.advance(text.time_us + 9'900'000 - t.now());
  t.expect_no_notification(closed);
  expect_user_timeout(t, text.time_us + 15'000'000);
}

void user_timeout_restarts(Tester& t) {
  t.reach(State::established);
  t.c().set_options(true, false);
  t.step("as long as the peer acknowledges something, it does not end the connection");
  for (int n = 0; n < 6; ++n) {
    t.user_send(100);
    t.expect_text(100);
    t.advance(900_ms);
    t.user_send(100);
    t.expect_text(100);
    t.send({.ack = t.S() - 100, .flags = ACK});
    t.expect_nothing(900_ms);
    t.send_ack();
    t.expect_nothing(1_s);
  }
  t.probe_state(State::established);
}

void user_timeout_syn_sent(Tester& t) {
  t.reach(State::syn_sent, Role::active);
  const std::uint64_t begin = t.now();
  while (t.now() < begin + 9'900'000) {
    t.c().allow({.seq = t.c().iss, .flags = SYN}, std::min<std::uint64_t>(begin + 9'900'000 - t.now(), 4_s));
  }
  t.expect_no_notification(closed);
  expect_user_timeout(t, begin + 15'000'000);
}

void close_wait_retransmits(Tester& t) {
  t.reach(State::close_wait);
  t.user_send(100);
  const Received text = t.expect_text(100);
  expect_repeats(t, t.c(), {.seq = *text.seq, .flags = ACK, .payload = *text.payload}, text.time_us, {1, 2, 4});
  t.send_ack();
  t.expect_nothing(20_s);
}

void fin_with_lost_text(Tester& t) {
  t.reach(State::established);
  t.user_send(300);
  t.expect_text(300);
  t.close();
  t.expect_fin();
  const std::uint32_t una = t.U();
  t.step("both are lost: the text comes again, with the FIN or before it; the FIN carries nothing at its own number");
  const Received again = t.expect_loose({.seq = una, .flags_set = ACK}, 2_s);
  t.check_equal(again.text_length(), std::size_t{300}, "the text that is repeated");
  t.step("the text is acknowledged, the FIN is not");
  t.send({.ack = una + 300, .flags = ACK});
  std::optional<Received> fin = t.next(10_s);
  t.check(fin && fin->has(FIN) && fin->seq == una + 300 && fin->text_length() == 0, "the FIN alone was due");
  t.send_ack();
  t.expect_nothing(10_s);
  t.expect_status(State::fin_wait_2);
}

}  // namespace

void register_protocol_retransmission(Registry& r) {
  const Settings fine = {{"RTO_MIN", 10'000}, {"DATA_RETRIES", 10}};
  const auto add = [&r](const char* name, const char* title, std::vector<std::string> rules, const char* description,
                        std::function<void(Tester&)> run, Settings settings = {}, Level level = Level::must) {
    // The times in the cases are made of these; what the RTO has to be is judged by two of them.
    if (name != std::string("initial") && name != std::string("minimum")) {
      settings.insert(settings.begin(), {{"RTO_INIT", 1'000'000}, {"RTO_MIN", 1'000'000}, {"SYN_RTO", 1'000'000}});
    }
    r.add_with_wrap({.id = std::string("protocol/rto-") + name,
                     .title = title,
                     .rules = std::move(rules),
                     .description = description,
                     .run = std::move(run),
                     .level = level,
                     .settings = std::move(settings)});
  };
  for (const Role role : {Role::passive, Role::active}) {
    r.add({.id = std::string("protocol/rto-first-sample-") + to_string(role),
           .title = std::string("First RTT sample: RTO = 3 R, ") + to_string(role) + " open",
           .rules = {"RFC6298-2.2", "MUST-18", "RFC6298-5.1"},
           .description =
               "The handshake takes 100 ms, the minimum RTO is out of the way: SRTT = 100, RTTVAR = 50, text is "
               "repeated after 300 ms.",
           .run = [role](Tester& t) { first_sample(t, role); },
           .settings = fine});
    r.add({.id = std::string("protocol/rto-syn-lost-") + to_string(role),
           .title = std::string("After a repeated SYN the RTO is 3 s, ") + to_string(role) + " open",
           .rules = {"RFC6298-5.7"},
           .description =
               "The SYN (or SYN,ACK) is repeated once, then the handshake completes; the first text is repeated after "
               "3 s.",
           .run = [role](Tester& t) { syn_lost_rto_3s(t, role); },
           .settings = {{"SYN_RTO", 1'000'000}}});
  }
  add("later-samples", "Later RTT samples: alpha 1/8, beta 1/4", {"RFC6298-2.3", "RFC6298-2.3-2", "MUST-18"},
      "Samples of 100, 100, 200, 150, 280, 120 and 120 ms: the RTO is what RFC 6298 2.3 makes of them.", later_samples,
      fine);
  add("steady", "A steady RTT: RTO = SRTT + granularity", {"RFC6298-4-1", "RFC6298-2.3"},
      "31 samples of 200 ms: RTTVAR vanishes, text is repeated after 200 ms (2 ms of tolerance).", steady_rtt, fine);
  add("minimum", "The RTO is at least one second", {"RFC6298-2.4", "RFC6298-5-1"},
      "Samples of 1 ms: text is repeated after 1 s, or later if the device has a larger minimum (RTO_MIN) or a coarse "
      "clock.",
      minimum, {}, Level::should);
  add("initial", "Before any sample of text the RTO is at least one second",
      {"RFC6298-2.1", "RFC6298-5.1", "RFC6298-5.4"},
      "The first text of a connection is repeated after RTO_INIT, 1 s or more (RFC 6298 2.1: a TCP implementation MAY "
      "use any other value > 1 second).",
      initial_rto, {}, Level::should);
  add("adapts", "The RTO grows with the RTT", {"MUST-18", "RFC6298-3-2", "RFC6298-1-1", "RFC6298-5-1"},
      "Samples of 1.5 s: no repetition in the first 1.4 s.", adapts);
  add("back-off", "Each timeout doubles the RTO, up to the maximum",
      {"RFC6298-5.5", "RFC6298-5.6", "MUST-19", "RFC6298-2.5", "ST-ESTABLISHED-TO-RTX", "RFC6298-5.2"},
      "Text is repeated after 1, 2, 4, 8, 16, 32 and 60 s; an ACK stops the timer.", backoff_series);
  add("give-up", "R2: text that is never acknowledged ends the connection, not too early",
      {"MUST-20", "SHLD-11", "ST-ESTABLISHED-TO-R2", "RFC6298-5-1"},
      "The text is repeated with growing intervals; after at least 100 s the user is told TIMEOUT and CLOSED.",
      give_up);
  // The MUST of R1 (MUST-20) is advice to the IP layer, which nobody sees from outside.
  add("r1", "R1: the user is told of the trouble before R2", {"SHLD-9", "SHLD-10"},
      "At the third repetition the user is told SOFT; the connection lives on when the peer answers.", r1_told, {},
      Level::should);
  for (const unsigned retries : {1U, 3U, 5U}) {
    r.add({.id = "protocol/rto-r2-" + std::to_string(retries),
           .title = "R2 can be set: " + std::to_string(retries) + " repetitions",
           .rules = {"MUST-21", "MUST-20", "ST-ESTABLISHED-TO-R2"},
           .description = "DATA_RETRIES = " + std::to_string(retries) +
                          ": so many repetitions, or one more (choice r2), then TIMEOUT and CLOSED one RTO later.",
           .run = [retries](Tester& t) { r2_set(t, retries); },
           .settings = {{"DATA_RETRIES", retries}}});
  }
  add("syn-r2", "R2 for SYN is three minutes at least", {"MUST-23", "MUST-22", "ST-SYN-SENT-TO-R2"},
      "The open is still SYN_SENT after 180 s, and given up later.", syn_r2_three_minutes);
  add("karn", "Karn: no sample from a repeated segment", {"RFC6298-3-1", "MUST-18", "RFC6298-5-3"},
      "Text is repeated and acknowledged 10 ms later: the next text is repeated after 2 s, the doubled RTO; after a "
      "clean "
      "sample after 1 s again.",
      karn, {{"USER_TIMEOUT", 0}});
  add("restart-on-ack", "An ACK of new data restarts the timer", {"RFC6298-5.3", "RFC6298-5-1"},
      "The first of two segments is acknowledged after 800 ms: the second is not repeated before a full RTO from "
      "there.",
      restart_on_ack, {}, Level::should);
  add("not-restarted-by-text", "New text does not restart a running timer", {"RFC6298-5.1", "RFC6298-5.4"},
      "Three segments 300 ms apart: the first is repeated 1 s after it was sent.", timer_not_restarted_by_new_text, {},
      Level::should);
  add("earliest-only", "A timeout repeats the earliest segment only", {"RFC6298-5.4", "RFC5681-3.1-19"},
      "Two to four segments are lost: after 1 s the first comes again, and nothing else for a second.", earliest_only,
      {}, Level::should);
  add("content", "Repeated segments carry the same octets, around the send buffer",
      {"RFC9293-3.4-4", "RFC6298-5.4", "MUST-2"},
      "24000 octets, the first segment of each window lost: every repetition has the right octets.",
      content_of_retransmission);
  r.add({.id = "protocol/rto-syn-back-off",
         .title = "SYNs back off as text does",
         .rules = {"RFC1122-4.2.3.1-1", "RFC6298-5.5", "MUST-22"},
         .description = "SYN after 1 s and 2 s more.",
         .run = syn_ack_back_off_without_sample,
         .settings = {{"SYN_RTO", 1'000'000}}});
  add("user-timeout", "The user timeout ends a connection whose text is not acknowledged",
      {"ST-ESTABLISHED-TO-USER", "RFC9293-3.9.1.1-2"},
      "USER_TIMEOUT = 10 s: text is repeated after 1, 3 and 7 s; at 10 s (or when the next timer fires, choice "
      "user_timeout) TIMEOUT and CLOSED, and perhaps a RST.",
      user_timeout, {{"USER_TIMEOUT", 10'000'000}});
  add("user-timeout-restarts", "The user timeout does not end a connection that makes progress", {"RFC9293-3.9.1.1-2"},
      "USER_TIMEOUT = 5 s, something is acknowledged every second for 17 s: the connection lives.",
      user_timeout_restarts, {{"USER_TIMEOUT", 5'000'000}});
  r.add({.id = "protocol/rto-user-timeout-syn-sent",
         .title = "The user timeout ends an open",
         .rules = {"ST-SYN-SENT-TO-USER", "RFC9293-3.9.1.1-2", "RFC9293-3.8.3-1"},
         .description =
             "USER_TIMEOUT = 10 s: the open fails after 10 s (or when the next timer fires, choice user_timeout).",
         .run = user_timeout_syn_sent,
         .settings = {{"USER_TIMEOUT", 10'000'000}}});
  add("close-wait", "Text is repeated in CLOSE_WAIT, too", {"ST-CLOSE-WAIT-TO-RTX", "RFC9293-3.6.1-1"},
      "After the tester's FIN the device's text is repeated after 1, 2 and 4 s.", close_wait_retransmits);
  add("fin-and-text", "Text and FIN are lost: the FIN is repeated at its own number and alone",
      {"RFC9293-3.6-1", "ST-FIN-WAIT-1-TO-RTX", "RFC9293-3.4-2"},
      "300 octets and FIN are lost. The text is repeated; once it is acknowledged the FIN comes without text.",
      fin_with_lost_text);
}

}  // namespace tiptoe::conformance::cases
