// SPDX-License-Identifier: Apache-2.0
// When the device acknowledges, and what it makes of the tester's ACKs.
#include "../support.hpp"

namespace tiptoe::conformance::cases {

namespace {

void delayed_ack_in_time(Tester& t) {
  t.reach(State::established);
  for (const std::size_t n : {1U, 100U, 1460U}) {
    const std::uint64_t sent = t.now();
    t.send_text(n);
    const Received ack = t.expect_delayed_ack();
    t.check(ack.time_us - sent < ack_delay, "the ACK came 500 ms after the text or later");
  }
  t.expect_nothing(1_s);
}

void ack_is_delayed(Tester& t) {
  t.reach(State::established);
  // Some begin with ACKs at once, to learn the round-trip time.
  for (int n = 0; n < 40; ++n) {
    t.send_text(100);
    if (!t.allow({.flags = ACK}, 5_ms)) {
      t.expect_delayed_ack();
      return;
    }
  }
  t.step("40 segments of text were acknowledged within 5 ms each");
  t.send_text(100);
  t.expect_nothing(5_ms);
  t.expect_delayed_ack();
}

void every_second(Tester& t) {
  t.reach(State::established);
  for (int round = 0; round < 4; ++round) {
    t.send_text(1460);
    if (t.allow({.flags = ACK}, 1_ms)) continue;
    t.send_text(1460);
    t.expect_ack();  // at once
  }
  t.expect_nothing(1_s);
}

void delayed_ack_off(Tester& t) {
  t.reach(State::established);
  for (int n = 0; n < 5; ++n) {
    t.send_text(10);
    t.expect_ack();
  }
}

void aggregated(Tester& t) {
  t.reach(State::established);
  std::vector<Segment> burst;
  for (std::uint32_t k = 0; k < 8; ++k) burst.push_back(t.text_at(t.R() + k * 100, 100));
  const std::uint32_t end = t.R() + 800;
  t.send_burst(burst);
  std::size_t acks = 0;
  const std::uint64_t until = t.now() + ack_delay;
  while (t.R() != end && t.now() < until) {
    if (t.next(until - t.now())) ++acks;
  }
  t.check_equal(t.R(), end, "the last ACK");
  t.check(acks <= 8, std::to_string(acks) + " ACKs for 8 segments");
  t.expect_nothing(1_s);
  t.user_receive(800);
}

void ack_off(Tester& t) {
  t.reach(State::established);
  for (const std::uint8_t flags : {std::uint8_t{0}, std::uint8_t{PSH}, std::uint8_t{URG}, std::uint8_t{FIN}}) {
    Segment s = t.text_at(t.R(), 10, flags);
    if (flags == URG) s.urgent = std::uint16_t{5};
    t.send(s);
    t.expect_nothing(1_s);
  }
  t.receive(10, CallStatus::would_block);
  t.expect_no_notification(peer_fin | Notification::urgent);
  t.probe_state(State::established);
}

void cumulative(Tester& t) {
  t.reach(State::established);
  t.c().set_options(true, false);
  t.user_send(300);
  t.expect_text(300);
  t.user_send(300);
  t.expect_text(300);
  const std::uint32_t first = t.U() + 300;
  t.step("an ACK in the middle of a segment, and one of everything");
  t.send({.ack = first + 100, .flags = ACK});
  t.expect_nothing();
  t.send_ack();
  t.expect_nothing(3_s);
}

void partial_ack_repeats_rest(Tester& t) {
  t.reach(State::established);
  t.user_send(300);
  t.expect_text(300);
  const std::uint32_t una = t.U();
  t.send({.ack = una + 120, .flags = ACK});
  t.expect_nothing();
  const Received again = t.expect_loose({.flags_set = ACK, .flags_clear = SYN | FIN | RST}, 3_s);
  const bool whole = again.seq == una && again.text_length() == 300 && t.may("partial_ack", "whole");
  const bool rest = again.seq == una + 120 && again.text_length() == 180 && t.may("partial_ack", "rest");
  t.check(whole || rest, "the other 180 octets were due, came " + again.form());
  t.send_ack();
}

void future_ack(Tester& t, std::uint32_t beyond, bool with_text) {
  t.reach(State::established);
  t.user_send(100);
  t.expect_text(100);
  const std::uint32_t una = t.U();
  Segment s{.ack = t.S() + beyond, .flags = ACK};
  if (with_text) s.payload = t.c().peer_text(0, 10);
  t.send(s);
  t.expect_ack();
  t.check_equal(t.U(), una, "SND.UNA in the tester's books");
  if (with_text) t.receive(10, CallStatus::would_block);
  t.step("the text is still unacknowledged: it is repeated");
  t.expect_text(100, 3_s, una);
  t.send_ack();
  t.expect_nothing();
  t.probe_state(State::established);
}

void old_ack(Tester& t, std::uint32_t below, bool accepted) {
  t.c().window = 1000;
  t.reach(State::established);
  t.user_send(900);
  expect_released(t, 900);
  t.send_ack();
  t.user_send(900);
  expect_released(t, 900);
  t.send_ack();
  t.user_send(900);
  expect_released(t, 900);
  t.send_ack();
  t.step("text with ACK = SND.UNA - " + std::to_string(below) + "; MAX.SND.WND is 1000");
  t.send({.ack = t.U() - below, .flags = ACK | PSH, .payload = t.c().peer_text(0, 10)});
  if (accepted) {
    t.expect({.ack = t.R() + 10, .flags = ACK}, ack_delay);
    t.user_receive(10);
  } else {
    t.expect_ack();
    t.receive(10, CallStatus::would_block);
  }
  t.probe_state(State::established);
}

/// Two octets are outstanding; the window field of a segment counts or does not.
void window_from(Tester& t, const Segment& segment, bool counts, const std::string& what) {
  t.c().window = 1000;
  t.reach(State::established);
  t.step("the window comes from <SEQ=R> and text");
  t.send_text(10);
  t.expect_delayed_ack();
  t.step(what);
  Segment s = segment;
  s.seq = t.R() + *segment.seq;
  s.ack = t.S() + segment.ack.value_or(0);
  s.window = std::uint16_t{100};
  if (s.payload) s.payload = t.c().peer_text(t.c().peer_offset(*s.seq), s.payload->size());
  t.send(s);
  if (s.payload) t.expect({.ack = *s.seq + 10, .flags = ACK}, ack_delay);
  t.expect_nothing();
  t.user_send(1000);
  if (counts) {  // 100 octets are less than half of the largest window: they wait, or all of the 100 come
    const auto got = t.next(100_ms);
    t.check(!got || got->text_length() <= 100,
            "the device sends " + std::to_string(got ? got->text_length() : 0) + " octets into a window of 100");
  } else {
    expect_released(t, 1000);
    t.send_ack();
  }
}

void window_update_releases(Tester& t) {
  t.c().window = 0;
  t.reach(State::established);
  t.user_send(500);
  t.expect_nothing();
  t.step("a pure window update");
  t.send({.flags = ACK, .window = std::uint16_t{1000}});
  t.expect_text(500);
  t.send_ack();
  t.expect_nothing();
}

void window_is_unsigned(Tester& t) {
  for (const std::uint16_t window : {std::uint16_t{0x7FFF}, std::uint16_t{0x8000}, std::uint16_t{0xFFFF}}) {
    Conn& c = t.add_conn();
    c.window = window;
    c.reach(State::established);
    c.user_send(1000);
    c.expect_text(1000);
    c.send_ack();
  }
}

void window_variables_from_handshake(Tester& t, Role role) {
  t.c().window = 700;
  t.reach(State::established, role);
  t.user_send(1400);
  t.expect_text(700);
  t.expect_nothing(100_ms);
  t.send_ack();
  expect_released(t, 700);
  t.send_ack();
}

void ack_in_syn_received(Tester& t, std::uint32_t off) {
  t.reach(State::syn_received);
  t.send({.ack = t.S() + off, .flags = ACK});
  t.expect_one_of({{.seq = t.S() + off, .flags = RST}, {.flags = ACK}});
  t.accept(CallStatus::would_block);
  t.probe_state(State::syn_received);
  t.send_ack();
  t.expect_nothing();
  t.accept();
  t.probe_state(State::established);
}

void ack_alone_in_syn_sent(Tester& t) {
  t.reach(State::syn_sent, Role::active);
  t.send({.seq = t.c().isn, .flags = ACK});
  t.expect_nothing();
  t.expect_no_notification(connected);
  t.send({.seq = t.c().isn + 1, .flags = ACK | PSH, .payload = Bytes(10)});
  t.expect_nothing();
  t.probe_state(State::syn_sent);
}

void duplicate_syn(Tester& t) {
  t.listen();
  t.step("an old duplicate SYN");
  const std::uint32_t right = t.c().isn;
  t.send({.seq = right - 50'000, .flags = SYN});
  const Received wrong_answer = t.expect_loose({.ack = right - 49'999, .flags = SYN | ACK});
  t.step("the peer in SYN_SENT answers RST");
  t.send({.seq = *wrong_answer.ack, .flags = RST});
  t.expect_nothing();
  t.c().restart(right);
  t.send_syn();
  t.expect_syn_ack();
  t.send_ack();
  t.expect_nothing();
  t.accept();
  t.probe_state(State::established);
}

void old_syn_ack_in_syn_sent(Tester& t) {
  t.reach(State::syn_sent, Role::active);
  t.step("SYN,ACK that acknowledges an old SYN");
  t.send({.seq = 777, .ack = t.c().iss - 1000, .flags = SYN | ACK});
  t.expect_rst(t.c().iss - 1000);
  t.step("the right one opens");
  t.send({.seq = t.c().isn, .flags = SYN | ACK});
  t.expect_ack();
  t.probe_state(State::established);
}

}  // namespace

void register_protocol_acks(Registry& r) {
  const auto add = [&r](const char* name, const char* title, std::vector<std::string> rules, const char* description,
                        std::function<void(Tester&)> run, Level level = Level::must, const char* profile = "default",
                        Settings settings = {}) {
    r.add_with_wrap({.id = std::string("protocol/ack-") + name,
                     .title = title,
                     .rules = std::move(rules),
                     .description = description,
                     .run = std::move(run),
                     .level = level,
                     .profile = profile,
                     .settings = std::move(settings)});
  };
  add("within-500-ms", "Text is acknowledged in less than 500 ms", {"MUST-40", "RFC5681-4.2-3"},
      "Segments of 1, 100 and 1460 octets: one ACK each, in less than 500 ms, and nothing after it.",
      delayed_ack_in_time);
  add("delayed", "ACKs are delayed", {"SHLD-18", "RFC5681-4.2-1"},
      "Segments of text: after 40 of them at the latest no ACK comes in the first 5 ms, but one within 500 ms.",
      ack_is_delayed, Level::should);
  add("every-second", "Every second full-sized segment draws an ACK at once", {"SHLD-19", "RFC5681-4.2-2"},
      "Pairs of 1460 octets: the second one draws an ACK without delay.", every_second, Level::should);
  add("not-delayed", "With delayed ACKs off every segment draws an ACK at once", {"SHLD-18"},
      "DELACK = 0: five segments, five ACKs at once.", delayed_ack_off, Level::should, "default", {{"DELACK", 0}});
  add("aggregated", "Not more ACKs than segments", {"MUST-58", "MUST-59", "RFC5681-4.2-5"},
      "Eight segments back to back: at most eight ACKs, the last one for all of them, and no more afterwards.",
      aggregated);
  add("flag-off", "A segment without ACK is dropped", {"ST-ESTABLISHED-ACK-OFF", "RFC9293-3.1-2"},
      "In-order text without ACK, alone and with PSH, URG and FIN: silence, nothing delivered or announced.", ack_off);
  add("cumulative", "An ACK covers all octets below it", {"RFC9293-3.4-4", "RFC9293-3.4-5", "ST-ESTABLISHED-ACK-NEW"},
      "ACKs in the middle of the second segment and at its end: nothing is repeated.", cumulative);
  add("partial", "What a partial ACK leaves is repeated, no more",
      {"RFC9293-3.4-4", "RFC6298-5.4", "ST-ESTABLISHED-TO-RTX"},
      "120 of 300 octets are acknowledged: after the RTO the other 180 come again.", partial_ack_repeats_rest);
  for (const std::uint32_t beyond : {1U, 1000U, 0x7FFF'0000U}) {
    for (const bool text : {false, true}) {
      for (const char* profile : {"base", "rfc5961"}) {
        const std::string name = "protocol/ack-future-" + std::to_string(beyond) + (text ? "-text-" : "-") + profile;
        r.add({.id = name,
               .title = "An ACK of octets never sent (SND.NXT + " + std::to_string(beyond) + ")" +
                        (text ? ", with text" : ""),
               .rules = {"ST-ESTABLISHED-ACK-FUT", "RFC9293-3.4-5", "RFC9293-3.5.2-4",
                         std::string(profile) == "base" ? "RFC9293-3.5.2-6" : "RFC5961-5.2-3"},
               .description =
                   "With 100 octets outstanding: <SEQ=S><ACK=R> comes, the segment's text is not taken, and the 100 "
                   "octets still count as unacknowledged.",
               .run = [beyond, text](Tester& t) { future_ack(t, beyond, text); },
               .profile = profile,
               .wishes = std::string(profile) == "base" ? std::set<std::string>{} : bits_but({}),
               .same_as = std::string(profile) == "base" ? "" : "base"});
      }
    }
  }
  const struct {
    std::uint32_t below;
    bool accepted;
    const char* profile;
  } old[] = {{1, true, "rfc5961"},     {999, true, "rfc5961"},     {1000, true, "rfc5961"},
             {1001, false, "rfc5961"}, {50'000, false, "rfc5961"}, {0x7FFF0000, false, "rfc5961"},
             {1001, true, "base"},     {50'000, true, "base"}};
  for (const auto& o : old) {
    r.add_with_wrap(
        {.id = "protocol/ack-old-" + std::to_string(o.below) + "-" + o.profile,
         .title = "Text with an old ACK, SND.UNA - " + std::to_string(o.below) + ", " + o.profile,
         .rules = {"ST-ESTABLISHED-ACK-OLD", std::string(o.profile) == "base" ? "RFC5961-5.1-1" : "RFC5961-5.2-2",
                   std::string(o.profile) == "base" ? "ST-ESTABLISHED-ACK-DUP" : "MAY-12",
                   std::string(o.profile) == "base" ? "RFC9293-3.4-1" : "RFC9293-3.10.7.4-3"},
         .description = o.accepted ? "The tester has never offered more than 1000. The text is taken."
                                   : "The tester has never offered more than 1000. The segment is discarded and "
                                     "draws <SEQ=S><ACK=R>.",
         .run = [o](Tester& t) { old_ack(t, o.below, o.accepted); },
         .profile = o.profile,
         .wishes = bits_but({"ACK5961"})});
  }
  const struct {
    const char* name;
    const char* what;
    Segment segment;
    bool counts;
  } windows[] = {
      {"newer-seq", "SEG.SEQ > SND.WL1", {.seq = 0, .ack = 0, .flags = ACK | PSH, .payload = Bytes(10)}, true},
      {"same-seq-newer-ack", "SEG.SEQ = SND.WL1, SEG.ACK = SND.WL2", {.seq = 0, .ack = 0, .flags = ACK}, true},
  };
  for (const auto& w : windows) {
    r.add_with_wrap({.id = std::string("protocol/window-from-") + w.name,
                     .title = std::string("The window is taken from a segment with ") + w.what,
                     .rules = {"RFC9293-3.10.7.4-4", "RFC1122-4.2.2.20-g", "ST-ESTABLISHED-WND-UPD"},
                     .description = "The segment offers 100 instead of 1000: the device keeps to it.",
                     .run = [w](Tester& t) { window_from(t, w.segment, w.counts, w.what); }});
  }
  r.add_with_wrap({.id = "protocol/window-not-from-old-seq",
                   .title = "The window is not taken from a segment older than the last one",
                   .rules = {"RFC9293-3.10.7.4-4"},
                   .description =
                       "Text above a hole (SEG.SEQ = R+100) has set SND.WL1 and a window of 1000. An ACK with SEG.SEQ "
                       "= R offers 100: it is older, the 1000 still hold.",
                   .run = [](Tester& t) {
                     t.c().window = 1000;
                     t.reach(State::established);
                     t.send(t.text_at(t.R() + 100, 10));
                     t.expect_ack();
                     t.send({.flags = ACK, .window = std::uint16_t{100}});
                     t.expect_nothing();
                     t.user_send(1000);
                     expect_released(t, 1000);
                     t.send(t.text_at(t.R(), 100));
                     t.expect({.ack = t.R() + 110, .flags = ACK}, ack_delay);
                     t.send_ack();
                   }});
  r.add_with_wrap({.id = "protocol/window-not-from-old-ack",
                   .title = "The window is not taken from a segment with an older ACK",
                   .rules = {"RFC9293-3.10.7.4-4", "RFC1122-4.2.2.20-g"},
                   .description = "With SEG.SEQ unchanged, an ACK below SND.WL2 offers 100: the 1000 still hold.",
                   .run = [](Tester& t) {
                     t.c().window = 1000;
                     t.reach(State::established);
                     t.user_send(100);
                     t.expect_text(100);
                     t.send_ack();
                     t.send({.ack = t.S() - 50, .flags = ACK, .window = std::uint16_t{100}});
                     t.expect_nothing();
                     t.user_send(1000);
                     expect_released(t, 1000);
                     t.send_ack();
                   }});
  r.add_with_wrap(
      {.id = "protocol/window-update",
       .title = "A pure window update releases text",
       .rules = {"ST-ESTABLISHED-WND-UPD", "RFC9293-3.10.7.4-4"},
       .description = "500 octets wait behind a zero window; <SEQ=R><ACK=S><WND=1000> lets them go at once.",
       .run = window_update_releases});
  r.add({.id = "protocol/window-unsigned",
         .title = "The window field is unsigned",
         .rules = {"MUST-1"},
         .description = "Connections with windows of 0x7FFF, 0x8000 and 0xFFFF: 1000 octets go out at once on each.",
         .run = window_is_unsigned});
  for (const Role role : {Role::passive, Role::active}) {
    r.add({.id = std::string("protocol/window-from-handshake-") + to_string(role),
           .title = std::string("The window of the handshake holds, ") + to_string(role) + " open",
           .rules = {role == Role::passive ? "RFC1122-4.2.2.20-f" : "RFC1122-4.2.2.20-c", "RFC5681-2-1"},
           .description = "The tester's handshake offers 700: of 1400 octets 700 come, the rest after an ACK.",
           .run = [role](Tester& t) { window_variables_from_handshake(t, role); }});
  }
  for (const std::uint32_t off : {1U, 0xFFFFFFFFU, 100'000U}) {
    const auto signed_off = std::to_string(static_cast<std::int32_t>(off));
    r.add_with_wrap(
        {.id = "protocol/ack-wrong-in-syn-received-" + (off == 0xFFFFFFFFU ? "below" : signed_off),
         .title = "A wrong ACK in SYN_RECEIVED, SND.NXT " + signed_off,
         .rules = {off == 0xFFFFFFFFU ? "ST-SYN-RECEIVED-ACK-DUP" : "ST-SYN-RECEIVED-ACK-FUT", "RFC9293-3.5.2-3",
                   "RFC5961-5.2-7"},
         .description = "<SEQ=SEG.ACK><CTL=RST>, or with RFC 5961 an ACK; the state stays; the right ACK opens.",
         .run = [off](Tester& t) { ack_in_syn_received(t, off); }});
  }
  r.add_with_wrap({.id = "protocol/ack-alone-in-syn-sent",
                   .title = "An acceptable ACK without SYN does not open",
                   .rules = {"ST-SYN-SENT-ACK-NEW", "ST-SYN-SENT-TXT-INORD"},
                   .description = "<ACK=ISS+1>, alone and with text: silence, SYN_SENT.",
                   .run = ack_alone_in_syn_sent});
  r.add_with_wrap(
      {.id = "protocol/old-duplicate-syn",
       .title = "Recovery from an old duplicate SYN, the device listens",
       .rules = {"RFC9293-3.5-2", "MUST-11", "ST-SYN-RECEIVED-RST-EXACT", "RFC1122-4.2.2.8-1"},
       .description = "An old SYN draws SYN,ACK; the tester's RST returns the device to LISTEN; the right SYN opens.",
       .run = duplicate_syn});
  r.add_with_wrap({.id = "protocol/old-syn-ack",
                   .title = "Recovery from an old duplicate SYN, the device opens",
                   .rules = {"RFC9293-3.5-2", "ST-SYN-SENT-SYNACK", "RFC9293-3.5.2-3"},
                   .description = "SYN,ACK with a wrong ACK draws <SEQ=SEG.ACK><CTL=RST>; the right one opens.",
                   .run = old_syn_ack_in_syn_sent});
}

}  // namespace tiptoe::conformance::cases
