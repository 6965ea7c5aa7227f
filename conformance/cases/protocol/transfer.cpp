// SPDX-License-Identifier: Apache-2.0
// Text both ways: every octet, in order, once.
#include <algorithm>

#include "../support.hpp"

namespace tiptoe::conformance::cases {

namespace {

/// The tester sends n octets in segments of `size`, the user reads them now and then.
void to_device(Tester& t, std::size_t n, std::size_t size) {
  t.reach(State::established);
  std::size_t sent = 0;
  std::size_t unread = 0;
  while (sent < n) {
    const std::size_t now = std::min(size, n - sent);
    t.send_text(now);
    t.expect_delayed_ack();
    sent += now;
    unread += now;
    if (unread > 6000) {
      t.user_receive(unread);
      unread = 0;
    }
  }
  if (unread > 0) t.user_receive(unread);
  t.receive(1, CallStatus::would_block);
  t.probe_state(State::established);
}

/// The user sends n octets in SENDs of `size`; the tester acknowledges everything it gets.
void from_device(Tester& t, std::size_t n, std::size_t size) {
  t.reach(State::established);
  t.c().set_options(true, false);
  std::size_t offered = 0;
  while (offered < n) {
    const std::size_t now = std::min(size, n - offered);
    offered += t.offer(now).length;
    for (auto burst = take_burst(t, t.c()); !burst.empty(); burst = take_burst(t, t.c())) t.send_ack();
  }
  t.check_equal(t.S() - (t.c().iss + 1), static_cast<std::uint32_t>(n), "what has been sent");
  t.probe_state(State::established);
}

void both_ways(Tester& t) {
  t.reach(State::established);
  for (int round = 0; round < 30; ++round) {
    t.user_send(1000);
    t.expect_text(1000);
    t.send_text(900);  // acknowledges, too
    t.expect_delayed_ack();
    t.user_receive(900);
  }
}

void piggyback(Tester& t) {
  t.reach(State::established);
  t.send_text(100);
  t.user_receive(100);
  t.user_send(100);
  t.step("the ACK of the tester's text travels with the device's");
  const Received text = t.expect_loose({.seq = t.S(), .ack = t.R(), .flags_set = ACK, .flags_clear = SYN | RST | FIN});
  if (text.text_length() == 0) t.expect_text(100);  // an ACK at once is legal as well
  t.send_ack();
  t.expect_nothing(600_ms);
}

void segmentation(Tester& t, std::size_t n) {
  t.c().mss = 536;
  t.reach(State::established);
  t.c().set_options(true, false);
  t.user_send(n);
  std::size_t left = n;
  while (left > 0) {
    const auto burst = take_burst(t, t.c());
    t.check(!burst.empty(), "nothing comes, " + std::to_string(left) + " octets are left");
    for (const Received& s : burst) {
      t.check_equal(s.text_length(), std::min<std::size_t>(left, 536), "the length of a segment");
      left -= s.text_length();
    }
    t.send_ack();
  }
  t.expect_nothing();
}

void sends_in_order(Tester& t) {
  t.c().window = 0;
  t.reach(State::established);
  for (const std::size_t n : {1U, 700U, 2U, 1460U, 37U, 3000U}) t.user_send(n);
  std::size_t got = 0;
  for (const Received& s : take_burst(t, t.c())) got += s.text_length();
  if (got > 1) t.inconclusive("text comes although the window is zero, which protocol/window-zero-at-open judges");
  t.step("the window opens");
  t.c().window = 65535;
  t.send_ack();
  for (auto burst = take_burst(t, t.c()); !burst.empty(); burst = take_burst(t, t.c())) {
    for (const Received& s : burst) got += s.text_length();
    t.send_ack();
  }
  t.check_equal(got, std::size_t{5200}, "the number of octets that came");
}

void send_before_established(Tester& t) {
  t.reach(State::syn_sent, Role::active);
  t.user_send(300);
  t.expect_nothing();
  t.send({.seq = t.c().isn, .flags = SYN | ACK, .options = Options().mss(1460)});
  t.step("the ACK of the SYN,ACK, then or with it the text");
  const Received first = t.expect_loose({.seq = t.c().iss + 1, .ack = t.c().isn + 1, .flags_set = ACK});
  if (first.text_length() == 0) t.expect_text(300);
  t.send_ack();
  t.expect_nothing();
}

void text_on_syn_ack(Tester& t) {
  t.reach(State::syn_sent, Role::active);
  t.send({.seq = t.c().isn, .flags = SYN | ACK, .options = Options().mss(1460), .payload = t.c().peer_text(0, 50)});
  // RFC 9293 3.10.7.3: the text is processed, or kept for later; the peer repeats what is not acknowledged.
  const std::size_t all =
      t.expect_one_of({{.ack = t.c().isn + 51, .flags = ACK}, {.ack = t.c().isn + 1, .flags = ACK}});
  t.expect_notification(connected);
  if (all == 1) {
    if (!t.allow({.ack = t.c().isn + 51, .flags = ACK}, ack_delay)) {
      t.send(t.text_at(t.c().isn + 1, 50));
      t.expect({.ack = t.c().isn + 51, .flags = ACK}, ack_delay);
    }
  }
  t.user_receive(50);
}

void text_on_syn_delivered(Tester& t) {
  t.listen();
  t.send({.seq = t.c().isn, .flags = SYN, .options = Options().mss(1460), .payload = t.c().peer_text(0, 50)});
  const Received syn_ack = t.expect_loose({.flags = SYN | ACK});
  const bool taken = *syn_ack.ack == t.c().isn + 51;
  t.check(taken || *syn_ack.ack == t.c().isn + 1, "the SYN,ACK acknowledges neither the SYN nor SYN and text");
  t.expect_no_notification(readable);
  t.send({.seq = *syn_ack.ack, .flags = ACK});
  t.expect_nothing();
  t.expect_notification(acceptable);
  t.accept();
  if (!taken) {
    t.send(t.text_at(t.c().isn + 1, 50));
    t.expect({.ack = t.c().isn + 51, .flags = ACK}, ack_delay);
  }
  t.user_receive(50);
}

}  // namespace

void register_protocol_transfer(Registry& r) {
  for (const std::size_t size : {1U, 536U, 1459U, 1460U}) {
    const std::size_t n = size == 1 ? 60 : 40'000;
    r.add_with_wrap(
        {.id = "protocol/transfer-to-device-" + std::to_string(size),
         .title = std::to_string(n) + " octets to the device in segments of " + std::to_string(size),
         .rules = {"ST-ESTABLISHED-TXT-INORD", "RFC9293-3.4-4", "ST-ESTABLISHED-U-RECV", "MUST-40"},
         .description = "Each segment is acknowledged within 500 ms; the user reads every octet, in order, once.",
         .run = [n, size](Tester& t) { to_device(t, n, size); }});
  }
  for (const std::size_t size : {1U, 7U, 1460U, 5000U, 16'384U}) {
    const std::size_t n = size < 100 ? 50 * size : 60'000;
    r.add_with_wrap({.id = "protocol/transfer-from-device-" + std::to_string(size),
                     .title = std::to_string(n) + " octets from the device in SENDs of " + std::to_string(size),
                     .rules = {"ST-ESTABLISHED-U-SEND", "RFC9293-3.9.1.2-1", "RFC9293-3.4-4", "MUST-60"},
                     .description =
                         "All octets come, in order, with the right content, whatever the size of the SENDs; the "
                         "send buffer goes round several times.",
                     .run = [n, size](Tester& t) { from_device(t, n, size); }});
  }
  r.add_with_wrap(
      {.id = "protocol/transfer-both-ways",
       .title = "Text both ways at the same time",
       .rules = {"ST-ESTABLISHED-TXT-INORD", "ST-ESTABLISHED-U-SEND", "RFC9293-3.4-4", "RFC9293-3.1-2"},
       .description = "30 rounds of 1000 octets from and 900 octets to the device; the tester's text carries the ACK.",
       .run = both_ways});
  r.add({.id = "protocol/ack-piggyback",
         .title = "A pending ACK travels with outgoing text",
         .rules = {"RFC9293-3.10.7.4-7", "SHLD-18"},
         .description = "Text is received and text is sent before the delayed ACK is due: no separate ACK follows.",
         .run = piggyback,
         .level = Level::should});
  for (const std::size_t n : {1U, 2U, 535U, 536U, 537U, 1072U, 1073U, 5000U}) {
    r.add({.id = "protocol/segmentation-" + std::to_string(n),
           .title = "A SEND of " + std::to_string(n) + " octets with an MSS of 536",
           .rules = {"MUST-16", "SHLD-28", "MUST-17"},
           .description = "Full segments of 536 octets and one with the rest.",
           .run = [n](Tester& t) { segmentation(t, n); }});
  }
  r.add_with_wrap(
      {.id = "protocol/sends-in-order",
       .title = "Several SENDs are served in order",
       .rules = {"RFC9293-3.9.1.2-1", "SHLD-27", "MUST-60"},
       .description = "Six SENDs are queued behind a zero window. When it opens, their octets come in order.",
       .run = sends_in_order});
  r.add({.id = "protocol/send-before-established",
         .title = "A SEND in SYN_SENT goes out once ESTABLISHED",
         .rules = {"ST-SYN-SENT-U-SEND"},
         .description = "SEND of 300 octets before the SYN,ACK; they come with or after the ACK of it.",
         .run = send_before_established});
  r.add_with_wrap(
      {.id = "protocol/text-on-syn-ack",
       .title = "Text on the SYN,ACK",
       .rules = {"RFC9293-3.5-3"},
       .description = "SYN,ACK with 50 octets: acknowledged at once, or after the tester repeats them; delivered once.",
       .run = text_on_syn_ack});
  r.add_with_wrap({.id = "protocol/text-on-syn",
                   .title = "Text on the SYN is not delivered before ESTABLISHED",
                   .rules = {"RFC9293-3.5-3", "RFC4987-3.5-1"},
                   .description =
                       "SYN with 50 octets: SYN,ACK for the SYN alone or for both; nothing reaches the user before the "
                       "handshake is complete; then the octets do, once.",
                   .run = text_on_syn_delivered});
}

}  // namespace tiptoe::conformance::cases
