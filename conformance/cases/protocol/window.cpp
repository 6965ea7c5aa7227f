// SPDX-License-Identifier: Apache-2.0
// Flow control: windows that shrink, the device's own zero window, silly windows, Nagle.
#include <algorithm>

#include "../support.hpp"

namespace tiptoe::conformance::cases {

namespace {

// ---- the tester shrinks its window

/// What is out first: n segments of 1000, or one alone. Returns SND.UNA after an ACK of the first of several.
std::uint32_t first_flight(Tester& t, std::size_t n) {
  const std::uint32_t base = t.S();
  const auto flight = take_burst(t, t.c());
  if (flight.empty()) t.fail_silent("text");
  const bool alone = flight.size() == 1 && one_at_a_time(t);
  check_burst(t, flight, alone ? 1 : n, 1000, base, "the first window");
  return alone ? base : base + 1000;
}

void shrunk(Tester& t) {
  t.c().window = 4000;
  t.c().mss = 1000;
  t.reach(State::established);
  t.user_send(8000);
  const std::uint32_t una = first_flight(t, 4);
  const std::uint32_t end = t.S();
  t.step("the right edge moves back into what is out");
  t.c().window = static_cast<std::uint16_t>((end - una) / 2);
  t.send({.ack = una, .flags = ACK});
  t.expect_nothing();  // the usable window is negative: nothing new
  t.step("old text inside the window is repeated, new text is not sent");
  const Received again = t.expect_loose({.seq = una, .flags_set = ACK}, 3_s);
  t.check(again.text_length() >= 1 && again.text_length() <= 1500, "the repeated segment");
  t.check_equal(t.S(), end, "SND.NXT");
  t.step("the connection survives, and goes on when the window opens");
  t.c().window = 8000;
  t.send({.ack = end, .flags = ACK});
  const auto rest = take_burst(t, t.c());
  t.check(!rest.empty() && rest[0].seq == end, "new text does not follow");
}

void shrunk_to_zero(Tester& t) {
  t.c().mss = 1000;
  t.reach(State::established);
  t.user_send(3000);
  const std::uint32_t una = first_flight(t, 3);
  t.step("the window shrinks to 0 with text out");
  t.c().window = 0;
  t.send({.ack = una, .flags = ACK});
  t.expect_nothing();
  for (int n = 0; n < 12; ++n) {
    const auto probe = t.next(130_s);
    t.check(probe.has_value(), "a window that has shrunk to zero is not probed");
    const bool empty = probe->length() == 0 && probe->seq == una - 1;
    t.check(empty ? t.may("zero_window_probe", "empty") : probe->seq == una && probe->text_length() >= 1,
            "not a probe: " + probe->form());
    t.send({.ack = t.U(), .flags = ACK});
  }
  t.expect_no_notification(closed | timed_out);
  t.c().window = 65535;
  t.send({.ack = t.U(), .flags = ACK});
  const auto rest = take_burst(t, t.c());
  t.check(!rest.empty() && rest[0].seq == una, "the text does not go on");
  t.send_ack();
}

// ---- the device's own window

/// Fills the device's receive window with in-order text. Returns the octets.
std::uint32_t fill(Tester& t) {
  t.c().need_unread();
  constexpr std::uint32_t most = 1U << 20U;  // the right edge may move while the window fills
  std::uint32_t w = 0;
  while (t.W() != 0 && w < most) {
    const std::uint32_t n = std::min<std::uint32_t>(1460, t.W());
    t.send_text(n);
    w += n;
    t.expect_delayed_ack();
  }
  t.check_equal(t.W(), 0U, "the window that is left");
  return w;
}

void zero_window_text(Tester& t) {
  t.reach(State::established);
  const std::uint32_t w = fill(t);
  for (int n = 0; n < 3; ++n) {
    t.step("a probe");
    t.send(t.text_at(t.R(), 1));
    t.expect({.flags = ACK, .window = std::uint16_t{0}});
  }
  t.step("a longer one");
  t.send(t.text_at(t.R(), 100));
  t.expect({.flags = ACK, .window = std::uint16_t{0}});
  t.step("an octet beside it, an empty segment beside it");
  t.send(t.text_at(t.R() + 1, 1));
  t.expect({.flags = ACK, .window = std::uint16_t{0}});
  t.send({.seq = t.R() + 1, .flags = ACK});
  t.expect({.flags = ACK, .window = std::uint16_t{0}});
  t.user_receive(w);
  t.receive(1, CallStatus::would_block);
}

void zero_window_ack(Tester& t) {
  t.reach(State::established);
  fill(t);
  t.user_send(100);
  t.expect_text(100);
  t.step("the ACK on a probe counts");
  t.send(t.text_at(t.R(), 1));
  t.expect({.flags = ACK, .window = std::uint16_t{0}});
  t.expect_nothing(10_s);  // nothing is repeated
  t.step("and so does its window");
  t.send({.flags = ACK, .window = std::uint16_t{0}});
  t.user_send(200);
  t.expect_nothing(500_ms);
  t.c().window = 1000;
  t.send(t.text_at(t.R(), 1));
  const auto burst = take_burst(t, t.c());
  t.check(!burst.empty() && burst.back().text_length() == 200, "the window of the probe did not release the text");
  t.send_ack();
}

void zero_window_empty_ack(Tester& t) {
  t.reach(State::established);
  fill(t);
  t.user_send(100);
  t.expect_text(100);
  t.send_ack();
  t.expect_nothing(10_s);
}

void zero_window_rst(Tester& t, bool exact) {
  t.reach(State::established);
  fill(t);
  t.send({.seq = t.R() + (exact ? 0 : 1), .flags = RST});
  t.expect_nothing();
  if (exact) {
    t.expect_notification(was_reset | closed);
    t.probe_gone();
  } else {
    t.expect_status(State::established);
    t.expect_no_notification(was_reset | closed);
  }
}

void zero_window_urg(Tester& t) {
  t.reach(State::established);
  fill(t);
  t.send({.flags = ACK | URG, .urgent = std::uint16_t{50}});
  t.allow({.flags = ACK});
  t.expect_notification(Notification::urgent);
}

void zero_window_fin(Tester& t) {
  t.reach(State::established);
  const std::uint32_t w = fill(t);
  t.send({.flags = FIN | ACK});
  if (t.may("beyond_window", "taken")) {
    const bool refused = t.c().expect_one_of({{.ack = t.R(), .flags = ACK, .window = std::uint16_t{0}},
                                              {.ack = t.R() + 1, .flags = ACK}},
                                             ack_delay) == 0;
    if (!refused) {
      t.step("it is taken, by a receiver with more room than it has told");
      t.expect_notification(peer_fin);
      t.c().absorb_window_updates = false;  // the answer to the probe below looks like one
      t.user_receive(w);
      t.allow({.flags = ACK}, ack_delay);
      t.receive(1, CallStatus::closing);
      return t.probe_state(State::close_wait);
    }
  } else {
    t.expect({.flags = ACK, .window = std::uint16_t{0}});
  }
  t.expect_no_notification(peer_fin);
  t.user_receive(w);
  t.expect_nothing();
  t.send_fin();
  t.expect_delayed_ack();
  t.expect_notification(peer_fin);
}

void window_update_after_read(Tester& t) {
  t.reach(State::established);
  const std::uint32_t w = fill(t);
  t.c().absorb_window_updates = false;
  t.step("one octet read: no update");
  t.user_receive(1);
  t.expect_nothing(1_s);
  t.step("a segment's worth: an update");
  t.user_receive(1459);
  std::optional<Received> update = t.c().allow({.flags = ACK}, ack_delay);
  std::uint32_t read = 1460;
  while (!update && read < w) {  // RFC 1122 4.2.3.3 recommends a segment's worth or half the buffer: some wait longer
    const std::uint32_t n = std::min<std::uint32_t>(1460, w - read);
    t.user_receive(n);
    read += n;
    update = t.c().allow({.flags = ACK});
  }
  t.check(update.has_value(), "no update, although all was read");
  t.check(*update->window >= 1460, "the window that is announced is " + std::to_string(*update->window));
  t.step("and it holds");
  t.c().absorb_window_updates = true;
  t.send_text(1460);
  t.expect_delayed_ack();
  t.user_receive(w - read + 1460);
}

void no_silly_window(Tester& t) {
  t.reach(State::established);
  const std::uint32_t w = fill(t);
  const std::uint32_t least = std::min<std::uint32_t>(1460, w / 2);
  t.c().absorb_window_updates = false;
  std::size_t updates = 0;
  // An update that is late counts with the next octets; hundreds of long waits would be minutes in real time.
  const std::uint64_t wait = t.capabilities().real_time ? at_once : 300_ms;
  for (std::uint32_t n = 0; n < w / 100; ++n) {
    t.user_receive(100);
    while (const auto got = t.next(wait)) {
      const std::uint32_t now = *got->window;
      t.check(now >= least, "a window of " + std::to_string(now) + " octets is announced, the step should be " +
                                std::to_string(least));
      ++updates;
    }
  }
  t.check(updates >= 1 && updates <= w / least + 1,
          std::to_string(updates) + " window updates for " + std::to_string(w) + " octets read");
}

void edge_never_moves_left(Tester& t) {
  t.reach(State::established);
  t.c().absorb_window_updates = false;
  std::uint32_t edge = t.R() + t.W();
  std::size_t unread = 0;
  const int rounds = t.capabilities().real_time ? 60 : 200;  // each waits for an ACK that may be delayed
  for (int n = 0; n < rounds; ++n) {
    const std::size_t size = 1 + t.random(1460);
    if (size <= t.W()) {
      t.send_text(size);
      unread += size;
    }
    if (t.random(3) == 0 && unread > 0) {
      const std::size_t now = 1 + t.random(static_cast<std::uint32_t>(unread));
      t.user_receive(now);
      unread -= now;
    }
    while (const auto got = t.next(ack_delay)) {
      const std::uint32_t now = *got->ack + *got->window;
      t.check(seq_le(edge, now), "the right edge moves left by " + std::to_string(edge - now));
      edge = now;
    }
  }
}

// ---- silly windows of the sender, Nagle

void sender_silly_window(Tester& t) {
  t.c().mss = 1000;
  t.c().window = 4000;
  t.reach(State::established);
  t.user_send(8000);
  expect_flights(t, t.c(), 4000, 1000, true);
  t.expect_nothing();
  t.step("the window opens by 100 octets: too little to send into");
  t.c().window = 100;
  t.send_ack();
  t.expect_nothing(90_ms);
  t.step("by a segment: one is sent");
  t.c().window = 1000;
  t.send_ack();
  t.expect_text(1000);
  t.step("by half of the largest window: it is sent into");
  t.c().window = 2000;
  t.send_ack();
  expect_flights(t, t.c(), 2000, 1000);
}

void small_window_override(Tester& t) {
  t.c().mss = 1000;
  t.c().window = 4000;
  t.reach(State::established);
  t.user_send(4000);
  expect_flights(t, t.c(), 4000, 1000, true);
  t.expect_nothing();
  t.user_send(1000);
  t.c().window = 100;
  t.send_ack();
  t.step("text does not wait for ever for a window that stays small");
  const auto got = t.next(10_s);
  t.check(got && got->text_length() >= 1 && got->text_length() <= 100,
          "nothing that fits was sent into a window of 100");
}

void half_of_largest_window(Tester& t) {
  t.c().mss = 1460;
  t.c().window = 400;
  t.reach(State::established);
  t.user_send(2000);
  t.expect_text(400);
  t.step("the largest window ever is 400: 200 are enough to send into, if not at once then after the override timeout");
  t.c().window = 200;
  t.send_ack();
  t.expect_text(200, t.may("silly_window", "segment") ? 3_s : at_once);
}

void nagle(Tester& t) {
  t.reach(State::established);
  t.user_send(10);
  t.expect_text(10);
  t.step("small SENDs wait while something is unacknowledged");
  for (int n = 0; n < 5; ++n) t.user_send(10);
  t.expect_nothing(900_ms);
  t.step("and go out together");
  t.send_ack();
  t.expect_text(50);
  t.step("a full segment does not wait");
  t.user_send(1465);
  t.expect_text(1460);
  t.expect_nothing(100_ms);
  t.send_ack();
  t.expect_text(5);
  t.send_ack();
}

void nagle_off(Tester& t) {
  t.reach(State::established);
  t.c().set_options(true, false);
  for (int n = 0; n < 3; ++n) {  // an initial window of three segments may be counted in segments
    t.user_send(10);
    t.expect_text(10);
  }
  t.send_ack();
  t.step("and on again");
  t.c().set_options(false, false);
  t.user_send(10);
  t.expect_text(10);
  t.user_send(10);
  t.expect_nothing(500_ms);
  t.send_ack();
  t.expect_text(10);
  t.send_ack();
}

void no_old_text_beyond_window(Tester& t) {
  t.c().mss = 1000;
  t.c().window = 2500;
  t.reach(State::established);
  t.user_send(8000);
  std::uint32_t base = t.S();
  t.step("2500 octets of window: two segments, then half of the window");
  const auto burst = take_burst(t, t.c());
  std::size_t sum = 0;
  for (const Received& s : burst) sum += s.text_length();
  t.check(sum <= 2500 && sum >= (one_at_a_time(t) ? 1000U : 2000U),
          std::to_string(sum) + " octets into a window of 2500");
  for (int n = 0; n < 5; ++n) {
    base = t.S();
    t.send_ack();
    sum = 0;
    for (const Received& s : take_burst(t, t.c())) {
      sum += s.text_length();
      t.check(seq_le(*s.seq + s.length(), base + 2500), "text beyond the window");
    }
    if (t.S() - (t.c().iss + 1) == 8000) break;
    t.check(sum >= 1000, "the window is not used");
  }
}

}  // namespace

void register_protocol_window(Registry& r) {
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
  add("shrunk", "The tester shrinks its window", {"MUST-34", "SHLD-15", "SHLD-16", "SHLD-17"},
      "The right edge moves left into what is out (4000 octets, or one segment): nothing new is sent, old text inside "
      "is "
      "repeated, and the connection goes on when the window opens.",
      shrunk);
  add("shrunk-to-zero", "A window that shrinks to zero is probed", {"MUST-35", "MUST-34", "SHLD-17", "MUST-37"},
      "With text out the window becomes 0: probes, answered twelve times; then the text goes on.", shrunk_to_zero,
      Level::must, {{"USER_TIMEOUT", 0}});
  add("zero-text", "Text into the device's zero window draws an ACK with window 0 and is not taken",
      {"RFC9293-3.8.6-2", "RFC9293-3.4-3c", "RFC9293-3.4-3a", "ST-ESTABLISHED-ZWIN", "RFC9293-3.8.6-1"},
      "The window is filled. Probes of one and 100 octets, and segments beside RCV.NXT, draw <ACK=R><WND=0>; only what "
      "was in the "
      "window is delivered.",
      zero_window_text);
  add("zero-ack", "The ACK and window of a probe into the device's zero window count",
      {"RFC9293-3.4-3c", "RFC9293-3.8.6-2", "ST-ESTABLISHED-ZWIN"},
      "A probe acknowledges the device's text: it is not repeated. A probe with a new window releases text.",
      zero_window_ack);
  add("zero-empty-ack", "An empty ACK is taken while the device's window is zero",
      {"RFC9293-3.4-3a", "ST-ESTABLISHED-ACK-NEW"}, "The device's text is acknowledged by <SEQ=R>: it is not repeated.",
      zero_window_empty_ack);
  for (const bool exact : {true, false}) {
    r.add_with_wrap({.id = std::string("protocol/window-zero-rst-") + (exact ? "exact" : "beside"),
                     .title = std::string("RST while the device's window is zero, ") +
                              (exact ? "at RCV.NXT" : "one beside RCV.NXT"),
                     .rules = {"MUST-66", "RFC5961-3.2-7", exact ? "RFC5961-3.2-2" : "RFC5961-3.2-1"},
                     .description = exact ? "RST at RCV.NXT resets." : "RST at RCV.NXT + 1 is outside: silence.",
                     .run = [exact](Tester& t) { zero_window_rst(t, exact); }});
  }
  add("zero-urg", "URG is processed while the device's window is zero", {"MUST-66", "ST-ESTABLISHED-URG"},
      "<SEQ=R><UP=50><CTL=URG,ACK>: the user is told URGENT.", zero_window_urg);
  add("zero-fin", "A FIN into the device's zero window is not taken", {"RFC9293-3.4-3c", "RFC9293-3.8.6-2"},
      "FIN at RCV.NXT draws <ACK=R><WND=0>; after the user has read, the FIN again counts.", zero_window_fin);
  add("announced", "The device announces its window when the user has read", {"MUST-39", "RFC9293-3.8.6.2.2-1"},
      "After one octet read nothing comes; after 1460 an ACK with the new window.", window_update_after_read);
  add("no-silly-updates", "The window is not announced in small steps", {"MUST-39", "RFC9293-3.8.6.2.2-1"},
      "The full buffer is read 100 octets at a time: each announced step is a segment, or half of the buffer, at "
      "least.",
      no_silly_window);
  add("edge", "The right edge of the device's window never moves left", {"SHLD-14", "RFC9293-3.10.7.4-6"},
      "200 segments (60 in real time) of random length and random reads: ACK + window never falls.",
      edge_never_moves_left, Level::should);
  add("silly-sender", "The device does not send into a small window", {"MUST-38", "RFC9293-3.8.6.2.1-1"},
      "After 4000 octets the window opens by 100: nothing. By 1000: one segment. By 2000: two.", sender_silly_window);
  add("small-override", "But not for ever", {"MUST-60", "RFC9293-3.8.6.2.1-1"},
      "The window stays at 100: within 10 s something goes out.", small_window_override);
  add("half-largest", "Half of the largest window is enough to send into", {"RFC9293-3.8.6.2.1-1"},
      "The peer never offers more than 400; into a window of 200 text is sent at once.", half_of_largest_window,
      Level::should);
  add("limit", "No text beyond the window", {"RFC5681-2-1", "SHLD-28"},
      "A window of 2500 with segments of 1000: it is used, and not exceeded.", no_old_text_beyond_window);
  add("nagle", "Nagle: small SENDs wait for an ACK, and go out together", {"SHLD-7", "RFC9293-3.8.6.2.1-1"},
      "10 octets go out; five more SENDs of 10 wait and go out as 50. Full segments do not wait.", nagle,
      Level::should);
  add("nagle-off", "Nagle can be switched off and on", {"MUST-17"},
      "With NODELAY each SEND of 10 goes out at once; without it they wait again.", nagle_off);
}

}  // namespace tiptoe::conformance::cases
