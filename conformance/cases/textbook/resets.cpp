// SPDX-License-Identifier: Apache-2.0
// TB-17 … TB-22, TB-26, TB-27: RST, sent and received; half-open connections.
#include "../support.hpp"

namespace tiptoe::conformance::cases {

namespace {

constexpr State all_states[] = {State::closed,      State::listen,     State::syn_sent,   State::syn_received,
                                State::established, State::fin_wait_1, State::fin_wait_2, State::close_wait,
                                State::closing,     State::last_ack,   State::time_wait};

std::string dashed(State state) {
  std::string text = to_string(state);
  for (char& ch : text) ch = ch == '_' ? '-' : ch;
  return text;
}

void no_listener(Tester& t) {
  const std::uint32_t isn = t.c().isn;
  t.send({.seq = isn, .flags = SYN, .options = Options().mss(1460)});
  t.expect_rst_ack(0, isn + 1);
  t.step("a SYN with 10 octets");
  t.send({.seq = isn, .flags = SYN, .payload = Bytes(10)});
  t.expect_rst_ack(0, isn + 11);
  t.step("text and FIN without SYN and ACK");
  t.send({.seq = isn, .flags = PSH | FIN, .payload = Bytes(7)});
  t.expect_rst_ack(0, isn + 8);
  t.step("no flags at all");
  t.send({.seq = isn, .flags = std::uint8_t{0}});
  t.expect_rst_ack(0, isn);
}

void ack_to_nowhere(Tester& t) {
  const Segment segments[] = {
      {.seq = 1000, .ack = 0x12345678, .flags = ACK},
      {.seq = 1000, .ack = 0xFFFFFFFF, .flags = ACK | PSH, .payload = Bytes(10)},
      {.seq = 1000, .ack = 1, .flags = SYN | ACK},
      {.seq = 1000, .ack = 0, .flags = FIN | ACK},
  };
  for (const Segment& s : segments) {
    t.step(s.form());
    t.send(s);
    t.expect_rst(*s.ack);
  }
  t.step("the same on a port that listens");
  t.listen();
  for (const Segment& s : segments) {
    t.send(s);
    t.expect_rst(*s.ack);
  }
  t.probe_state(State::listen);
}

void abort_sends_rst(Tester& t) {
  t.c().window = 100;
  t.reach(State::established);
  t.user_send(1000);
  t.expect_text(100);
  t.step("900 octets are queued");
  t.abort();
  t.expect_abort_rst();
  t.expect_notification(closed);
  t.step("nothing of the queue is ever sent");
  t.advance(10_s);
  t.probe_gone();
}

void abort_receiver(Tester& t) {
  t.reach(State::established);
  t.user_send(100);
  t.expect_text(100);
  t.send({.ack = t.S(), .flags = RST | ACK});
  t.expect_nothing();
  t.expect_notification(was_reset | closed);
  t.expect_no_notification(peer_fin | timed_out);
  t.status(CallStatus::no_connection);
  t.advance(100_s);  // nothing is repeated
}

void rst_is_never_answered(Tester& t, State state) {
  // CLOSED, LISTEN and the synchronized states: nothing outside the window draws anything, with or without ACK.
  const Role role = state == State::syn_sent ? Role::active : Role::passive;
  t.reach(state, role);
  const std::uint32_t r = t.R();
  const std::uint32_t s = t.S();
  std::vector<Segment> stimuli;
  if (state == State::closed || state == State::listen) {
    stimuli = {{.seq = 5, .flags = RST},
               {.seq = 5, .ack = 6, .flags = RST | ACK},
               {.seq = 0, .flags = RST | SYN},
               {.seq = 5, .ack = 6, .flags = RST | FIN | ACK, .payload = Bytes(4)}};
  } else if (state == State::syn_sent) {
    stimuli = {{.seq = 5, .flags = RST},
               {.seq = 5, .ack = s + 1, .flags = RST | ACK},
               {.seq = 5, .ack = s - 1, .flags = RST | ACK}};
  } else {
    stimuli = {{.seq = r - 1, .flags = RST},
               {.seq = r - 1, .ack = s, .flags = RST | ACK},
               {.seq = r + 0x80000000U, .flags = RST},
               {.seq = r + 70'000, .ack = s, .flags = RST | ACK, .payload = Bytes(4)}};
  }
  for (const Segment& segment : stimuli) {
    t.step(segment.form());
    t.send(segment);
    t.expect_nothing();
  }
  t.probe_state(state);
}

void exact_rst_is_not_answered(Tester& t, State state) {
  const Role role = state == State::syn_sent ? Role::active : Role::passive;
  t.reach(state, role);
  if (state == State::syn_sent) {
    t.send({.seq = 0, .ack = t.S(), .flags = RST | ACK});
  } else {
    t.send({.seq = t.R(), .flags = RST});
  }
  t.expect_nothing(100_ms);
  t.probe_gone();
}

void server_restarted(Tester& t) {
  t.reach(State::established);
  t.send_text(10);
  t.expect_delayed_ack();
  const std::uint32_t r = t.R();
  const std::uint32_t s = t.S();
  t.step("the engine is reset");
  t.reset_device();
  t.send({.seq = r, .ack = s, .flags = ACK | PSH, .payload = Bytes(10)});
  t.expect_rst(s);
}

void client_finds_reset(Tester& t) {
  t.reach(State::established, Role::active);
  t.step("the peer has lost its memory and answers text with a RST");
  t.user_send(10);
  const Received text = t.expect_text(10);
  t.send({.seq = *text.ack, .flags = RST});
  t.expect_nothing();
  t.expect_notification(was_reset | closed);
  t.status(CallStatus::no_connection);
}

void peer_restarted(Tester& t) {
  t.reach(State::established);
  t.step("the peer has restarted and opens anew");
  t.send({.seq = t.R() + 200'000, .flags = SYN, .options = Options().mss(1460)});
  const Received ack = t.expect_ack();
  t.send({.seq = *ack.ack, .flags = RST});
  t.expect_nothing();
  t.expect_notification(was_reset | closed);
  t.c().restart(t.R() + 300'000);
  t.send_syn();
  t.expect_syn_ack();
}

/// The probe with no or one octet of text (MAY-6).
Received expect_keepalive(Tester& t, std::uint64_t due) {
  Received got = t.expect_loose({.seq = t.S() - 1, .ack = t.R(), .flags_set = ACK, .flags_clear = SYN | FIN | RST},
                                due + t.tolerance() - t.now());
  t.check(got.text_length() <= 1, "a keepalive probe with " + std::to_string(got.text_length()) + " octets");
  t.check(got.time_us + t.tolerance() >= due, "the probe comes too early");
  return got;
}

void keepalive_finds_nobody(Tester& t) {
  t.reach(State::established);
  t.c().set_options(false, true);
  std::uint64_t due = t.now() + 7'200'000'000;
  for (int n = 0; n < 9; ++n, due += 75'000'000) {
    t.step("probe " + std::to_string(n + 1));
    expect_keepalive(t, due);
    t.expect_no_notification(closed | timed_out);
  }
  t.step("after the last probe");
  t.advance(due - 1'000'000 - t.now());
  t.expect_no_notification(closed | timed_out);
  t.expect_notification(closed | timed_out, 2_s);
  t.allow({.flags_set = RST});
  t.status(CallStatus::no_connection);
}

void keepalive_finds_rebooted(Tester& t) {
  t.reach(State::established);
  t.c().set_options(false, true);
  const Received probe = expect_keepalive(t, t.now() + 7'200'000'000);
  t.send({.seq = *probe.ack, .flags = RST});
  t.expect_nothing();
  t.expect_notification(was_reset | closed);
}

void keepalive_answered(Tester& t) {
  t.reach(State::established);
  t.c().set_options(false, true);
  for (int n = 0; n < 3; ++n) {
    t.step("idle for two hours, again");
    expect_keepalive(t, t.now() + 7'200'000'000);
    t.send_ack();
  }
  t.probe_state(State::established);
}

void rst_in_window(Tester& t) {
  t.reach(State::established);
  const std::uint32_t r = t.R();
  const std::uint32_t w = t.W();
  for (const std::uint32_t offset : {1U, w / 2, w - 1}) {
    t.step("RST at RCV.NXT + " + std::to_string(offset));
    t.send({.seq = r + offset, .flags = RST});
    t.expect_ack();
  }
  for (const std::uint32_t offset : {w, w + 1, 0x80000000U, 0xFFFFFFFFU, 0U - w}) {
    t.step("RST at RCV.NXT + " + std::to_string(static_cast<std::int32_t>(offset)));
    t.send({.seq = r + offset, .flags = RST});
    if ((offset == w || offset == w + 1) && t.may("beyond_window", "taken")) {
      t.allow({.flags = ACK});
    } else {
      t.expect_nothing();
    }
  }
  t.probe_state(State::established);
  t.step("RST at RCV.NXT");
  t.send({.seq = t.R(), .flags = RST});
  t.expect_nothing();
  t.expect_notification(was_reset | closed);
  t.probe_gone();
}

void rst_in_syn_sent(Tester& t) {
  t.reach(State::syn_sent, Role::active);
  const std::uint32_t iss = t.c().iss;
  t.step("without ACK");
  t.send({.seq = 0, .flags = RST});
  t.expect_nothing();
  for (const std::uint32_t ack : {iss, iss + 2, iss - 1, 0x80000000U + iss}) {
    t.step("with ACK = ISS + " + std::to_string(static_cast<std::int32_t>(ack - iss)));
    t.send({.seq = 0, .ack = ack, .flags = RST | ACK});
    t.expect_nothing();
  }
  t.probe_state(State::syn_sent);
  t.step("with ACK = ISS + 1");
  t.send({.seq = 4711, .ack = iss + 1, .flags = RST | ACK});
  t.expect_nothing();
  t.expect_notification(refused | closed);
  t.status(CallStatus::no_connection);
  t.advance(10_s);
}

}  // namespace

void register_textbook_resets(Registry& r) {
  r.add({.id = "textbook/TB-17-nobody-listens",
         .title = "A SYN to a port that nobody listens on draws RST,ACK",
         .rules = {"TB-17", "RFC9293-3.5.2-1", "ST-CLOSED-SYN-IN", "ST-CLOSED-ACK-OFF", "RFC9293-3.4-2"},
         .description =
             "SYN, SYN with 10 octets, FIN with 7 octets and an empty segment, all without ACK: <SEQ=0><ACK=SEG.SEQ+"
             "SEG.LEN><CTL=RST,ACK>.",
         .run = no_listener});
  r.add({.id = "textbook/TB-18-ack-to-nowhere",
         .title = "A segment to nowhere with ACK draws <SEQ=SEG.ACK><CTL=RST>",
         .rules = {"TB-18", "RFC9293-3.5.2-1", "RFC9293-3.5.1-2", "RFC9293-3.5.1-3", "ST-CLOSED-ACK-NEW",
                   "ST-LISTEN-ACK-NEW", "ST-LISTEN-SYNACK", "RFC9293-3.5.2-3"},
         .description =
             "ACK, text, SYN,ACK and FIN,ACK to a closed and to a listening port: a RST without ACK bit whose SEQ is "
             "the ACK number that came.",
         .run = ack_to_nowhere});
  r.add_with_wrap({.id = "textbook/TB-19a-abort",
                   .title = "ABORT throws queued data away and sends RST instead of FIN",
                   .rules = {"TB-19", "RFC9293-3.9.1.6-1", "ST-ESTABLISHED-U-ABORT"},
                   .description =
                       "With 900 octets queued behind a small window the user calls ABORT: one RST at SND.NXT, with or "
                       "without ACK; nothing is sent after it.",
                   .run = abort_sends_rst});
  r.add({.id = "textbook/TB-19b-abort-by-peer",
         .title = "The receiver of a RST reports \"connection reset\" and sends nothing",
         .rules = {"TB-19", "MUST-12", "ST-ESTABLISHED-RST-EXACT", "RFC5961-3.2-2"},
         .description =
             "With text unacknowledged, RST at RCV.NXT: the user is told RESET and CLOSED, and nothing is sent or "
             "repeated.",
         .run = abort_receiver});
  for (const State state : all_states) {
    r.add({.id = "textbook/TB-20a-rst-out-of-place-" + dashed(state),
           .title = std::string("No segment answers a RST that is out of place, ") + to_string(state),
           .rules = {"TB-20", "RFC9293-3.5.2-2", "ST-" + dashed(state) + "-RST-OUT"},
           .description =
               "RSTs outside the window (CLOSED and LISTEN: any; SYN_SENT: without an acceptable ACK), with and "
               "without ACK, text and other flags: silence, and the state stays.",
           .run = [state](Tester& t) { rst_is_never_answered(t, state); },
           .profile = "base",
           .wishes = bits_but({})});
    if (state == State::closed || state == State::listen) continue;
    r.add({.id = "textbook/TB-20b-rst-" + dashed(state),
           .title = std::string("No segment answers the RST that ends a connection, ") + to_string(state),
           .rules = {"TB-20", "RFC9293-3.5.2-2", "RFC9293-3.5.3-1", "ST-" + dashed(state) + "-RST-EXACT"},
           .description = "RST at RCV.NXT (SYN_SENT: with an acceptable ACK): silence, and the connection is gone.",
           .run = [state](Tester& t) { exact_rst_is_not_answered(t, state); },
           .profile = "base",
           .wishes = state == State::time_wait ? bits_but({"RFC1337"}) : bits_but({})});
  }
  r.add({.id = "textbook/TB-21a-server-restarted",
         .title = "Half-open: after a restart, data of the old connection draws RST",
         .rules = {"TB-21", "RFC9293-3.5.1-2", "RFC9293-3.5.2-1"},
         .description = "The device is reset under an open connection; text of it draws <SEQ=SEG.ACK><CTL=RST>.",
         .run = server_restarted});
  r.add({.id = "textbook/TB-21b-client-told",
         .title = "Half-open: the client whose text draws RST reports a reset",
         .rules = {"TB-21", "RFC9293-3.5.1-2", "MUST-12", "RFC5961-3.2-2"},
         .description = "The tester answers the device's text with <SEQ=SEG.ACK><CTL=RST>: RESET and CLOSED.",
         .run = client_finds_reset});
  r.add({.id = "textbook/TB-21c-syn-of-restarted-peer",
         .title = "Half-open: the SYN of a restarted peer draws ACK, its RST ends the old connection",
         .rules = {"TB-21", "RFC9293-3.5.1-1", "RFC5961-4.2-1", "RFC5961-4.2-3", "ST-ESTABLISHED-SYN-OUT"},
         .description =
             "SYN outside the window on an ESTABLISHED connection: <SEQ=S><ACK=R><CTL=ACK>; RST at R: RESET; the "
             "next SYN opens anew.",
         .run = peer_restarted});
  r.add({.id = "textbook/TB-22a-keepalive-no-answer",
         .title = "Half-open, found by keepalive: no answer, dropped and reported",
         .rules = {"TB-22", "MAY-5", "MUST-24", "MUST-28", "MUST-29", "SHLD-12"},
         .description =
             "Keepalive is switched on. After 7200 s idle, and then every 75 s, <SEQ=S-1><ACK=R> comes with no or one "
             "octet, nine times; 75 s after the ninth the user is told TIMEOUT and CLOSED.",
         .run = keepalive_finds_nobody});
  r.add({.id = "textbook/TB-22b-keepalive-rst",
         .title = "Half-open, found by keepalive: the peer answers RST",
         .rules = {"TB-22", "RFC1122-4.2.3.6-1", "MAY-5"},
         .description = "The probe after 7200 s is answered by RST: RESET and CLOSED.",
         .run = keepalive_finds_rebooted});
  r.add({.id = "textbook/TB-22c-keepalive-answered",
         .title = "A peer that answers keepalive probes keeps its connection",
         .rules = {"TB-22", "MUST-26", "MUST-28"},
         .description = "Each probe is answered by an ACK; the next one comes after 7200 s again, three times.",
         .run = keepalive_answered});
  r.add_with_wrap(
      {.id = "textbook/TB-26-blind-reset",
       .title = "RST counts at exactly RCV.NXT only",
       .rules = {"TB-26", "RFC5961-3.2-1", "RFC5961-3.2-2", "RFC5961-3.2-3", "RFC5961-3.2-4", "RFC9293-3.10.7.4-1",
                 "ST-ESTABLISHED-RST-INWIN", "ST-ESTABLISHED-RST-OUT", "ST-ESTABLISHED-RST-EXACT"},
       .description = "RST at R+1, R+W/2, R+W-1: a challenge ACK each; at R+W, R+W+1, R-1, R-W, R+2^31: nothing; the "
                      "connection lives. At R: reset.",
       .run = rst_in_window,
       .profile = "rfc5961"});
  r.add_with_wrap(
      {.id = "textbook/TB-27-rst-in-syn-sent",
       .title = "RST in SYN_SENT counts only when it acknowledges our SYN",
       .rules = {"TB-27", "RFC9293-3.5.3-1", "RFC5961-3.2-5", "ST-SYN-SENT-RST-OUT", "ST-SYN-SENT-RST-EXACT",
                 "RFC9293-3.8.3-1"},
       .description = "RST without ACK, and with ACK = ISS, ISS+2, ISS-1, ISS+2^31: nothing happens. With ACK = ISS+1: "
                      "the open is REFUSED, with nothing sent.",
       .run = rst_in_syn_sent});
}

}  // namespace tiptoe::conformance::cases
