// SPDX-License-Identifier: Apache-2.0
// TB-12 … TB-15, TB-25: TIME_WAIT and quiet time.
#include "../support.hpp"

namespace tiptoe::conformance::cases {

namespace {

/// <SEQ=R><ACK=S><CTL=ACK>: silence and ACK are both tolerable, RST is not.
void expect_alive(Tester& t) {
  t.send_ack();
  t.allow({.flags = ACK});
}

void two_msl(Tester& t, std::uint64_t msl) {
  t.reach(State::time_wait);
  const std::uint64_t begin = t.now();
  t.advance(begin + 2 * msl - 1'000'000 - t.now());
  t.expect_status(State::time_wait);
  expect_alive(t);
  t.advance(begin + 2 * msl + std::max<std::uint64_t>(10'000, t.tolerance()) - t.now());
  t.probe_gone();
}

void fin_again(Tester& t) {
  t.reach(State::time_wait);
  t.advance(45_s);  // MSL 30 s: three quarters of it
  t.step("the FIN again");
  t.send({.seq = t.R() - 1, .flags = FIN | ACK});
  t.expect_ack();
  const std::uint64_t begin = t.now();
  t.advance(begin + 59'000'000 - t.now());
  expect_alive(t);
  t.advance(begin + 60'000'000 + std::max<std::uint64_t>(10'000, t.tolerance()) - t.now());
  t.probe_gone();
}

void late_segments(Tester& t) {
  t.reach(State::time_wait);
  const std::uint32_t r = t.R();
  t.step("late text below RCV.NXT");
  t.send({.seq = r - 50, .flags = ACK, .payload = t.c().peer_text(0, 10)});
  t.expect_ack();
  t.step("late text at RCV.NXT");
  t.c().forget_notifications();
  t.send({.seq = r, .flags = ACK, .payload = Bytes(10)});
  t.allow({.seq = t.S(), .ack = r, .flags = ACK});
  t.expect_no_notification(readable);
  t.receive(100, CallStatus::closing);
  t.probe_state(State::time_wait);
}

void same_pair_refused(Tester& t) {
  t.reach(State::time_wait, Role::active);
  t.step("the same pair");
  t.open(CallStatus::exists);
  t.expect_nothing();
  t.step("the same local port with another peer");
  Conn& other = t.add_conn({device_ip, device_port}, {peer_ip_2, peer_port});
  other.open();
  other.expect_syn();
  other.send({.seq = other.isn, .flags = SYN | ACK});
  other.expect_ack();
  other.probe_state(State::established);
}

/// In TIME_WAIT of a passively opened connection, with the listener still there.
std::pair<std::uint32_t, std::uint32_t> time_wait_with_listener(Tester& t) {
  t.reach(State::time_wait);
  return {t.R(), t.S()};
}

void new_syn_accepted(Tester& t, std::uint32_t beyond) {
  const auto [r, s] = time_wait_with_listener(t);
  t.c().restart(r + beyond);
  t.send_syn();
  const auto answer = t.next();
  t.check(answer.has_value(), "a SYN beyond the last sequence number draws nothing in TIME_WAIT");
  const Received& syn_ack = *answer;
  const bool opens = syn_ack.flags == (SYN | ACK) && syn_ack.ack == r + beyond + 1;
  const bool challenge = syn_ack.flags == ACK && syn_ack.seq == s && syn_ack.ack == r;
  if (beyond == 0 && challenge && t.may("time_wait_reuse", "above_rcv_nxt")) return;
  t.check(opens && (beyond > 0 || t.may("time_wait_reuse", "from_rcv_nxt")), "the SYN draws " + syn_ack.form());
  t.check(seq_lt(s - 1, *syn_ack.seq), "the new ISS " + std::to_string(*syn_ack.seq) +
                                           " is not beyond the last sequence number of the old incarnation, " +
                                           std::to_string(s - 1));
  t.send_ack();
  t.expect_nothing();
  t.expect_notification(acceptable);
  t.accept();
  t.probe_state(State::established);
}

void old_syn_refused(Tester& t, std::uint32_t below) {
  const auto [r, s] = time_wait_with_listener(t);
  t.send({.seq = r - below, .flags = SYN, .options = Options().mss(1460)});
  t.allow({.seq = s, .ack = r, .flags = ACK});  // ACK, challenge ACK or silence
  t.expect_no_notification(acceptable);
  t.accept(CallStatus::would_block);
  t.probe_state(State::time_wait);
}

void syn_without_listener(Tester& t) {
  t.reach(State::time_wait, Role::active);
  t.send({.seq = t.R() + 100'000, .flags = SYN});
  t.allow({.flags = ACK});
  t.probe_state(State::time_wait);
}

void quiet_time(Tester& t) {
  t.listen();
  t.step("during the quiet time nothing is sent");
  t.send_syn();
  t.expect_nothing();
  t.send({.ack = 12345, .flags = ACK});
  t.expect_nothing();
  Conn& out = t.add_conn({device_ip, device_port_2}, {peer_ip, 50000});
  out.open(CallStatus::no_resources);
  t.advance(29_s - t.now());
  t.send_syn();
  t.expect_nothing();
  t.step("afterwards all is as usual");
  t.advance(30'100_ms - t.now());
  t.send_syn();
  t.expect_syn_ack();
  out.open();
  out.expect_syn();
}

void no_quiet_time(Tester& t) {
  t.listen();
  t.send_syn();
  t.expect_syn_ack();
}

void assassination(Tester& t, bool survives) {
  t.reach(State::established);
  t.send_text(300);
  t.expect_delayed_ack();
  t.user_receive(300);
  t.user_send(300);
  t.expect_text(300);
  t.send_ack();
  t.close();
  t.expect_fin();
  t.send_ack();
  t.send_fin();
  t.expect_ack();
  const std::uint32_t l = t.R();
  const std::uint32_t k = t.S();
  t.step("an old duplicate");
  t.send({.seq = l - 100, .ack = k - 200, .flags = ACK});
  t.expect({.seq = k, .ack = l, .flags = ACK});
  t.step("the closed peer's answer to that ACK");
  t.send({.seq = l, .flags = RST});
  t.expect_nothing();
  if (survives) {
    t.probe_state(State::time_wait);
  } else {
    t.step("TIME_WAIT was assassinated, as RFC 9293 has it");
    t.probe_gone();
  }
}

}  // namespace

void register_textbook_time_wait(Registry& r) {
  for (const std::uint64_t msl : {30U, 60U, 120U}) {
    const std::string s = std::to_string(msl);
    r.add(
        {.id = "textbook/TB-12a-time-wait-msl-" + s,
         .title = "TIME_WAIT lasts 2 MSL, MSL = " + s + " s",
         .rules = {"TB-12", "MUST-13", "ST-TIME-WAIT-TO-TW", "RFC1122-4.2.2.13-1"},
         .description = "One second before 2 MSL a segment for the connection draws no RST; just after 2 MSL it does.",
         .run = [msl](Tester& t) { two_msl(t, msl * 1'000'000); },
         .settings = {{"MSL", msl * 1'000'000}}});
  }
  r.add_with_wrap({.id = "textbook/TB-12b-last-ack-repeated",
                   .title = "In TIME_WAIT the FIN again draws the last ACK again and restarts 2 MSL",
                   .rules = {"TB-12", "MUST-13", "ST-TIME-WAIT-FIN-DUP"},
                   .description =
                       "MSL = 30 s. 45 s into TIME_WAIT the FIN comes again: <SEQ=S><ACK=R><CTL=ACK>. The connection "
                       "is still there 59 s later, and gone after 60 s.",
                   .run = fin_again,
                   .settings = {{"MSL", 30'000'000}}});
  r.add_with_wrap({.id = "textbook/TB-12c-late-segments",
                   .title = "Late segments in TIME_WAIT are discarded",
                   .rules = {"TB-12", "ST-TIME-WAIT-SEQ-BAD", "ST-TIME-WAIT-TXT-INORD", "RFC9293-3.5.2-4"},
                   .description =
                       "Text below RCV.NXT draws an ACK; text at RCV.NXT draws an ACK or nothing, and neither is "
                       "delivered or acknowledged.",
                   .run = late_segments});
  r.add({.id = "textbook/TB-13-pair-in-time-wait",
         .title = "A pair in TIME_WAIT can't be opened again by us, the local port with another peer can",
         .rules = {"TB-13", "ST-TIME-WAIT-U-OPEN-A", "RFC9293-3.9.1.4-1"},
         .description =
             "OPEN of the same 4-tuple is refused and sends nothing; OPEN from the same local port to another peer "
             "leads to ESTABLISHED.",
         .run = same_pair_refused});
  for (const std::uint32_t beyond : {0U, 1U, 1'000'000U}) {
    r.add_with_wrap(
        {.id = "textbook/TB-14a-new-syn-accepted-" + std::to_string(beyond),
         .title = "TIME_WAIT takes a SYN beyond the old incarnation's last sequence number",
         .rules = {"TB-14", "MAY-2", "RFC6191-2-6", "ST-TIME-WAIT-SYN-IN", "RFC6191-2-8"},
         .description = "SYN with SEQ = RCV.NXT + " + std::to_string(beyond) +
                        " (the last sequence number was RCV.NXT-1): SYN,ACK with an ISS beyond the old SND.NXT; the "
                        "connection opens.",
         .run = [beyond](Tester& t) { new_syn_accepted(t, beyond); },
         .level = Level::may,
         .settings = {{"TW_REUSE", 1}}});
  }
  for (const std::uint32_t below : {1U, 2U, 1'000'000U}) {
    r.add_with_wrap({.id = "textbook/TB-14b-old-syn-refused-" + std::to_string(below),
                     .title = "TIME_WAIT refuses a SYN that is not beyond the old incarnation",
                     .rules = {"TB-14", "RFC6191-2-7", "ST-TIME-WAIT-SYN-OUT"},
                     .description = "SYN with SEQ = RCV.NXT - " + std::to_string(below) +
                                    ": an ACK of the old connection or nothing; TIME_WAIT goes on.",
                     .run = [below](Tester& t) { old_syn_refused(t, below); }});
  }
  r.add({.id = "textbook/TB-14c-syn-without-listener",
         .title = "Without a listener no SYN re-opens a connection in TIME_WAIT",
         .rules = {"TB-14", "ST-TIME-WAIT-SYN-OUT"},
         .description =
             "The connection was opened by the device; nobody listens. A SYN beyond the old numbers draws an ACK or "
             "nothing; TIME_WAIT goes on.",
         .run = syn_without_listener});
  r.add({.id = "textbook/TB-15a-quiet-time",
         .title = "Quiet time after a restart: no segment for the set time",
         .rules = {"TB-15", "RFC9293-3.4.3-1"},
         .description =
             "QUIET = 30 s: SYNs and ACKs draw nothing, OPEN is refused, until 30 s after reset; then both work.",
         .run = quiet_time,
         .level = Level::should,
         .settings = {{"QUIET", 30'000'000}}});
  r.add({.id = "textbook/TB-15b-no-quiet-time",
         .title = "Quiet time is off unless asked for",
         .rules = {"TB-15"},
         .description = "A SYN right after reset draws SYN,ACK.",
         .run = no_quiet_time,
         .level = Level::may});
  r.add_with_wrap({.id = "textbook/TB-25a-assassination-prevented",
                   .title = "TIME_WAIT assassination, with the fix of RFC 1337",
                   .rules = {"TB-25", "RFC1337-F1", "RFC1337-TWA", "ST-TIME-WAIT-RST-EXACT"},
                   .description =
                       "An old segment <SEQ=R-100><ACK=S-200> draws <SEQ=S><ACK=R><CTL=ACK>; the peer's <SEQ=R>"
                       "<CTL=RST> changes nothing: the FIN again is still acknowledged.",
                   .run = [](Tester& t) { assassination(t, true); },
                   .profile = "rfc1337"});
  r.add_with_wrap({.id = "textbook/TB-25b-assassination",
                   .title = "TIME_WAIT assassination, without the fix",
                   .rules = {"TB-25", "RFC1337-TWA", "ST-TIME-WAIT-RST-EXACT"},
                   .description = "The same without RFC 1337: the RST ends TIME_WAIT, as RFC 9293 says.",
                   .run = [](Tester& t) { assassination(t, false); },
                   .profile = "base",
                   .wishes = bits_but({"RFC1337"})});
}

}  // namespace tiptoe::conformance::cases
