// SPDX-License-Identifier: Apache-2.0
// RFC 5961: challenge ACKs, their limiter, and what does not leak from one connection to another.
#include <algorithm>
#include <set>

#include "../support.hpp"

namespace tiptoe::conformance::cases {

namespace {

/// Sends n challenges (RST inside the window), 1 ms apart; counts the ACKs that come back.
std::size_t challenges(Conn& c, std::size_t n) {
  std::size_t acks = 0;
  for (std::size_t i = 0; i < n; ++i) {
    c.send({.seq = c.R + 100 + static_cast<std::uint32_t>(i), .flags = RST});
    if (c.allow({.flags = ACK})) ++acks;
  }
  return acks;
}

void limited(Tester& t) {
  if (t.setting("RST5961") == 0) t.inapplicable("the device sends no challenge ACKs for RSTs (RST5961 = 0)");
  t.reach(State::established);
  const std::uint64_t begin = t.now();
  const std::size_t first = challenges(t.c(), 40);
  t.check(first >= 1 && first <= most_challenges(t, begin),
          std::to_string(first) + " challenge ACKs for 40 segments; the limit is " +
              std::to_string(t.setting("CH_LIMIT")) + " in " + std::to_string(t.setting("CH_WINDOW")) + " us");
  t.step("later there are challenge ACKs again");
  t.advance(2 * t.setting("CH_WINDOW") + 2_s);
  const std::size_t due = std::min<std::size_t>(3, t.setting("CH_LIMIT"));
  t.check_equal(challenges(t.c(), due), due, "the challenge ACKs after two windows");
  t.probe_state(State::established);
}

void limit_is_set(Tester& t) {
  t.reach(State::established);
  const std::size_t limit = t.setting("CH_LIMIT");
  const std::uint64_t begin = t.now();
  const std::size_t n = challenges(t.c(), 30);
  t.check(n <= most_challenges(t, begin) && n >= limit,
          std::to_string(n) + " challenge ACKs, the limit is set to " + std::to_string(limit));
  t.advance(2'200_ms);  // the window is one second, and up to one more of jitter
  t.check_equal(challenges(t.c(), limit), limit, "the challenge ACKs in the next window");
}

void per_connection(Tester& t) {
  Conn& a = t.add_conn();
  Conn& b = t.add_conn();
  a.reach(State::established);
  b.reach(State::established);
  const std::size_t due = std::min<std::size_t>(5, t.setting("CH_LIMIT"));
  const std::size_t fresh = challenges(b, due);
  t.check_equal(fresh, due, "the challenge ACKs of a fresh connection");
  t.advance(12_s);
  t.step("one connection exhausts its limit");
  challenges(a, 60);
  t.step("the other one notices nothing");
  t.check_equal(challenges(b, due), due, "the challenge ACKs of the other connection");
}

void limited_ack_of_text(Tester& t) {
  t.reach(State::established);
  challenges(t.c(), 60);
  t.step("text, duplicates and FIN are acknowledged as always");
  t.send_text(100);
  t.expect_delayed_ack();
  for (int n = 0; n < 30; ++n) {
    t.send(t.text_at(t.R() - 100, 100));
    t.expect_ack();
  }
  t.send_fin();
  t.expect_delayed_ack();
}

void limited_reset(Tester& t) {
  t.reach(State::established);
  challenges(t.c(), 60);
  t.step("RST at RCV.NXT still resets");
  t.send({.flags = RST});
  t.expect_nothing();
  t.expect_notification(was_reset | closed);
  t.probe_gone();
}

void ack_war(Tester& t) {
  t.reach(State::established);
  t.step("a peer that is out of step answers each ACK");
  std::size_t answers = 0;
  const std::uint64_t begin = t.now();
  for (int n = 0; n < 200; ++n) {
    t.send({.ack = t.S() + 5000, .flags = ACK});
    if (t.allow({.flags = ACK})) ++answers;
  }
  // Twice the limit: a device may count ACKs of this kind apart from those that answer RST and SYN.
  t.check(answers <= 2 * most_challenges(t, begin), std::to_string(answers) + " ACKs answer 200 senseless ones");
  t.probe_state(State::established);
}

void syn_everywhere(Tester& t, State state) {
  t.reach(state);
  const std::uint32_t r = t.R();
  const std::uint32_t w = t.W();
  std::vector<std::uint32_t> at = {r, r + 1, r + w - 1, r + w, r - 1, r + 0x80000000U, t.c().isn};
  if (state == State::time_wait) at = {r - 1, r - 1000, t.c().isn};
  for (const std::uint32_t seq : at) {
    t.step("SYN at RCV.NXT + " + std::to_string(static_cast<std::int32_t>(seq - r)));
    t.send({.seq = seq, .flags = SYN, .options = Options().mss(1460)});
    t.expect({.ack = r, .flags = ACK});
    t.send({.seq = seq, .ack = t.S(), .flags = SYN | ACK});
    t.expect({.ack = r, .flags = ACK});
    t.advance(6_s);
  }
  t.expect_no_notification(was_reset);
  t.expect_status(state);
}

void syn_then_rst(Tester& t) {
  t.reach(State::established);
  t.send({.seq = t.R() + 1000, .flags = SYN});
  const Received challenge = t.expect_ack();
  t.step("the peer that sent the SYN answers the challenge with RST");
  t.send({.seq = *challenge.ack, .flags = RST});
  t.expect_nothing();
  t.expect_notification(was_reset | closed);
  t.c().restart(t.random());
  t.send_syn();
  t.expect_syn_ack();
}

void syn_resets_base(Tester& t) {
  t.reach(State::established);
  const std::uint32_t seq = t.R() + 10;
  t.send({.seq = seq, .flags = SYN});
  t.expect_one_of({{.seq = 0, .ack = seq + 1, .flags = RST | ACK}, {.seq = t.S(), .flags = RST}});
  t.expect_notification(was_reset | closed);
  t.probe_gone();
}

void syn_out_of_window_base(Tester& t) {
  t.reach(State::established);
  for (const std::uint32_t seq : {t.R() - 1, t.R() + t.W() + 1000, t.c().isn}) {
    t.send({.seq = seq, .flags = SYN});
    t.expect_ack();
  }
  t.probe_state(State::established);
}

void rst_in_window_base(Tester& t) {
  t.reach(State::established);
  t.send({.seq = t.R() + 100, .flags = RST});
  t.expect_nothing();
  t.expect_notification(was_reset | closed);
  t.probe_gone();
}

void rst_behind_hole(Tester& t) {
  t.reach(State::established);
  t.send(t.text_at(t.R() + 100, 50));
  t.expect_ack();
  t.step("RST after the text above the hole: not RCV.NXT, a challenge");
  t.send({.seq = t.R() + 150, .flags = RST});
  t.expect_ack();
  t.step("RST at RCV.NXT resets");
  t.send({.flags = RST});
  t.expect_nothing();
  t.expect_notification(was_reset | closed);
}

void rst_with_text(Tester& t) {
  t.reach(State::established);
  t.send({.flags = RST | ACK, .payload = Bytes(20, 'x')});
  t.expect_nothing();
  t.expect_notification(was_reset | closed);
  t.probe_gone();
}

void slow_abort(Tester& t) {
  t.reach(State::established);
  t.step("the peer's text and RST change places");
  const std::uint32_t r = t.R();
  t.send({.seq = r + 100, .flags = RST});
  t.expect_ack();
  t.send(t.text_at(r, 100));
  t.expect({.ack = r + 100, .flags = ACK}, ack_delay);
  t.step("the peer, closed by now, answers the challenge ACK");
  t.send({.seq = r, .flags = RST});
  t.expect_nothing();
  t.send({.seq = r + 100, .flags = RST});
  t.expect_nothing();
  t.expect_notification(was_reset | closed);
}

void syn_received_5961(Tester& t) {
  t.reach(State::syn_received, Role::active);
  t.step("RST inside the window: a challenge; SYN inside the window: a challenge");
  t.send({.seq = t.R() + 10, .flags = RST});
  t.expect_ack();
  t.send({.seq = t.R() + 10, .flags = SYN});
  t.expect_ack();
  t.send_ack();
  t.expect_nothing();
  t.probe_state(State::established);
}

}  // namespace

void register_protocol_challenge(Registry& r) {
  const auto add = [&r](const std::string& name, const std::string& title, std::vector<std::string> rules,
                        const std::string& description, std::function<void(Tester&)> run,
                        const char* profile = "rfc5961", Level level = Level::must, Settings settings = {},
                        std::set<std::string> wishes = {}) {
    r.add({.id = "protocol/challenge-" + name,
           .title = title,
           .rules = std::move(rules),
           .description = description,
           .run = std::move(run),
           .level = level,
           .profile = profile,
           .settings = std::move(settings),
           .wishes = std::move(wishes)});
  };
  add("limit", "Challenge ACKs are limited", {"RFC5961-7-1", "RFC5961-9.1-1"},
      "40 RSTs inside the window within 40 ms draw between 1 and 20 ACKs (10 per window, two windows at most; a device "
      "with another limit: twice that); after 12 s there are challenge ACKs again.",
      limited, "default", Level::should, default_challenge_limit(), challenge_limit_wishes);
  add("limit-set", "The limit and its window can be set", {"RFC5961-7-2", "RFC5961-7-3"},
      "CH_LIMIT = 3, CH_WINDOW = 1 s: three to six ACKs for 30 segments, and three more two seconds later. A device "
      "whose limit is another number for good is judged by that.",
      limit_is_set, "rfc5961", Level::should, {{"CH_LIMIT", 3}, {"CH_WINDOW", 1'000'000}}, {"CH_LIMIT"});
  add("limit-per-connection", "The limit of one connection tells nothing about another", {"RFC5961-7-5"},
      "One connection exhausts its challenge ACKs; the other still gets five of five (or as many as the limit is).",
      per_connection, "rfc5961", Level::should, default_challenge_limit(), challenge_limit_wishes);
  add("limit-spares-text", "The limiter does not touch ACKs of text", {"RFC5961-7-1", "RFC9293-3.5.2-4", "MUST-40"},
      "With the limit exhausted, text, 30 duplicates and FIN are acknowledged as always.", limited_ack_of_text,
      "rfc5961", Level::must, default_challenge_limit(), challenge_limit_wishes);
  add("limit-spares-rst", "The limiter does not touch a valid RST", {"RFC5961-7-1", "RFC5961-3.2-2"},
      "With the limit exhausted RST at RCV.NXT resets.", limited_reset, "rfc5961", Level::must,
      default_challenge_limit(), challenge_limit_wishes);
  add("ack-war", "Two ends out of step do not answer each other for ever", {"RFC5961-7-1", "RFC1337-H2"},
      "200 ACKs of octets never sent draw 40 ACKs at most: four times the limit of challenge ACKs.", ack_war, "rfc5961",
      Level::should, default_challenge_limit(), challenge_limit_wishes);
  for (const State state : {State::established, State::fin_wait_1, State::fin_wait_2, State::close_wait, State::closing,
                            State::last_ack, State::time_wait}) {
    std::string name = to_string(state);
    for (char& ch : name) ch = ch == '_' ? '-' : ch;
    r.add_with_wrap(
        {.id = "protocol/challenge-syn-" + name,
         .title = std::string("SYN and SYN,ACK anywhere draw a challenge ACK, ") + to_string(state),
         .rules = {"RFC5961-4.2-1", "RFC5961-4.2-2", "RFC9293-3.10.7.4-2", "ST-" + name + "-SYN-IN",
                   "ST-" + name + "-SYN-OUT", "ST-" + name + "-SYNACK"},
         .description = "SYNs inside and outside the window, with and without ACK: <SEQ=S><ACK=R><CTL=ACK> each time, "
                        "and the state stays.",
         .run = [state](Tester& t) { syn_everywhere(t, state); },
         .profile = "rfc5961",
         .settings = {
             {"RTO_INIT", 60'000'000}, {"RTO_MIN", 60'000'000}, {"RTO_MAX", 600'000'000}, {"USER_TIMEOUT", 0}}});
  }
  add("syn-then-rst", "The RST that answers a challenge ends the connection",
      {"RFC5961-4.2-3", "RFC5961-3.2-6", "RFC5961-4.2-4"},
      "SYN, challenge ACK, RST at its ACK: RESET; the next SYN opens.", syn_then_rst);
  add("syn-resets-base", "Without RFC 5961 a SYN inside the window resets", {"ST-ESTABLISHED-SYN-IN"},
      "SYN at R+10: RST, and the user is told.", syn_resets_base, "base", Level::must, {}, bits_but({"SYN5961"}));
  add("syn-outside-base", "Without RFC 5961 a SYN outside the window draws an ACK",
      {"ST-ESTABLISHED-SYN-OUT", "RFC9293-3.5.1-1"},
      "SYNs below and above the window: <SEQ=S><ACK=R>, the connection lives.", syn_out_of_window_base, "base",
      Level::must, {}, bits_but({"SYN5961"}));
  add("rst-in-window-base", "Without RFC 5961 a RST inside the window resets",
      {"ST-ESTABLISHED-RST-INWIN", "RFC9293-3.5.3-1"}, "RST at R+100: silence, RESET.", rst_in_window_base, "base",
      Level::must, {}, bits_but({"RST5961"}));
  add("rst-behind-hole", "RST counts at the first missing octet, not behind text that is held",
      {"RFC5961-3.2-8", "RFC5961-3.2-3"},
      "With text held above a hole, RST behind it is a challenge; RST at RCV.NXT resets.", rst_behind_hole);
  add("rst-with-text", "A RST may carry text", {"SHLD-2"}, "RST at RCV.NXT with 20 octets resets.", rst_with_text,
      "rfc5961", Level::should);
  add("slow-abort", "Text and RST in the wrong order", {"RFC5961-8-1", "RFC5961-3.2-6"},
      "The RST comes before the text: challenge ACK; the text is taken; the RST at the old RCV.NXT is outside; the RST "
      "at RCV.NXT "
      "resets.",
      slow_abort);
  add("syn-received", "Challenges in SYN_RECEIVED after an active open",
      {"ST-SYN-RECEIVED-RST-INWIN", "ST-SYN-RECEIVED-SYN-IN"},
      "RST and SYN inside the window draw an ACK each; the handshake still completes.", syn_received_5961);
}

}  // namespace tiptoe::conformance::cases
