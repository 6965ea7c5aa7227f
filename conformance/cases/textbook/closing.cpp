// SPDX-License-Identifier: Apache-2.0
// TB-02, TB-03, TB-08, TB-10, TB-16, TB-24: how connections end in order.
#include "../support.hpp"

namespace tiptoe::conformance::cases {

namespace {

void close_by_device(Tester& t) {
  t.reach(State::established);
  const std::uint32_t fin = t.S();
  t.close();
  t.expect({.seq = fin, .ack = t.R(), .flags = FIN | ACK});
  t.expect_status(State::fin_wait_1);
  t.send({.ack = fin + 1, .flags = ACK});  // the FIN took one number
  t.expect_nothing();
  t.expect_status(State::fin_wait_2);
  t.expect_no_notification(closed | peer_fin);
  t.send_fin();
  t.expect({.seq = fin + 1, .ack = t.R(), .flags = ACK});
  t.expect_status(State::time_wait);
  t.expect_notification(peer_fin | closed);
  t.expect_no_notification(was_reset | timed_out);
}

void close_by_peer(Tester& t) {
  t.reach(State::established);
  t.send_text(20);
  t.expect_delayed_ack();
  t.send_fin();
  t.expect_delayed_ack();
  t.expect_status(State::close_wait);
  t.expect_notification(peer_fin);
  t.expect_no_notification(closed);
  t.user_receive(20);
  t.step("end of file");
  t.receive(100, CallStatus::closing);
  const std::uint32_t fin = t.S();
  t.close();
  t.expect({.seq = fin, .flags = FIN | ACK});
  t.expect_status(State::last_ack);
  t.send({.ack = fin + 1, .flags = ACK});
  t.expect_nothing();
  t.expect_notification(closed);
  t.expect_no_notification(was_reset | timed_out);
  t.probe_gone();
}

void close_in_three(Tester& t) {
  t.reach(State::fin_wait_1);
  t.send_fin(t.S());  // acknowledges and closes
  t.expect_ack();
  t.expect_status(State::time_wait);
  t.expect_notification(peer_fin | closed);
  t.probe_state(State::time_wait);
}

void text_and_fin_together(Tester& t) {
  t.reach(State::established);
  t.send_text(100, FIN);
  t.expect_delayed_ack();  // one ACK for both: 101 numbers
  t.expect_notification(peer_fin);
  t.user_receive(100);
  t.receive(1, CallStatus::closing);
  t.probe_state(State::close_wait);
}

void fin_never_acknowledged(Tester& t) {
  t.reach(State::established);
  t.close();
  const Received fin = t.expect_fin();
  std::uint64_t last = fin.time_us;
  for (const std::uint64_t interval : {1U, 2U, 4U, 8U, 16U, 32U}) {
    last = t.expect_at({.seq = *fin.seq, .flags = FIN | ACK}, last + interval * 1'000'000).time_us;
    t.expect_status(State::fin_wait_1);
  }
  t.expect_no_notification(closed | timed_out);
  t.advance(59_s);
  t.expect_notification(timed_out | closed, 6_s);
  t.step("CLOSED; nothing more is sent");
  t.advance(300_s);
  t.probe_gone();
}

void half_close(Tester& t) {
  t.reach(State::fin_wait_2);
  for (int n = 0; n < 5; ++n) {
    t.send_text(700);
    t.expect_delayed_ack();
    t.user_receive(700);
    t.expect_status(State::fin_wait_2);
  }
  t.offer(1, CallStatus::closing);
  t.send_fin();
  t.expect_delayed_ack();
  t.expect_notification(peer_fin | closed);
  t.receive(1, CallStatus::closing);
  t.probe_state(State::time_wait);
}

void half_close_sort(Tester& t) {
  t.reach(State::established);
  for (int n = 0; n < 5; ++n) {
    t.send_text(500);
    t.expect_delayed_ack();
  }
  t.send_fin();  // all input is there
  t.expect_delayed_ack();
  t.expect_notification(peer_fin);
  t.user_receive(2500);
  t.receive(1, CallStatus::closing);
  t.step("all output, then FIN");
  t.user_send(3000);
  t.expect_text(1460);
  t.expect_text(1460);
  expect_short_text(t, 80);
  t.expect_nothing();
  t.close();
  t.expect_fin();
  t.send_ack();
  t.expect_nothing();
  t.probe_gone();
}

void close_after_queued_data(Tester& t) {
  t.c().window = 1000;
  t.reach(State::established);
  t.user_send(2500);
  t.close();
  t.expect_text(1000);
  t.expect_nothing(100_ms);
  t.send_ack();
  t.expect_text(1000);
  t.send_ack();
  t.step("the rest and the FIN");
  if (t.expect_one_of({{.flags = FIN | ACK, .payload = t.c().user_text(2000, 500)},
                       {.flags = ACK, .payload = t.c().user_text(2000, 500)}}) == 1) {
    t.expect_fin();
  }
  t.send_ack();
  t.expect_nothing();
  t.expect_status(State::fin_wait_2);
}

void fin_wait_2_timer(Tester& t) {
  t.reach(State::fin_wait_2);
  const std::uint64_t begin = t.now();
  t.advance(begin + 674'000'000 - t.now());
  t.expect_status(State::fin_wait_2);
  t.expect_notification(closed | timed_out, 2_s);
  t.probe_gone();
}

void fin_wait_2_timer_restarts(Tester& t) {
  t.reach(State::fin_wait_2);
  t.advance(600_s);
  t.send_text(10);
  t.expect_delayed_ack();
  const std::uint64_t active = t.now();
  t.user_receive(10);
  t.advance(active + 674'000'000 - t.now());
  t.expect_status(State::fin_wait_2);
  t.expect_notification(closed | timed_out, 2_s);
  t.probe_gone();
}

void fin_wait_2_half_close(Tester& t) {
  t.reach(State::established);
  t.close(CallStatus::ok, true);
  t.expect_fin();
  t.send_ack();
  t.advance(7200_s);
  t.expect_status(State::fin_wait_2);
  t.send_text(10);
  t.expect_delayed_ack();
  t.user_receive(10);
}

void simultaneous_close(Tester& t) {
  t.reach(State::established);
  t.close();
  t.expect_fin();
  t.send_fin(t.S() - 1);  // crosses the device's
  t.expect_ack();
  t.expect_status(State::closing);
  t.expect_notification(peer_fin);
  t.send_ack();
  t.expect_nothing();
  t.expect_status(State::time_wait);
  t.expect_notification(closed);
  t.probe_state(State::time_wait);
}

}  // namespace

void register_textbook_closing(Registry& r) {
  r.add_with_wrap({.id = "textbook/TB-02a-close-by-device",
                   .title = "Orderly close in four segments, the device closes first",
                   .rules = {"TB-02", "RFC9293-3.6-5", "RFC9293-3.4-2", "ST-ESTABLISHED-U-CLOSE",
                             "ST-FIN-WAIT-1-ACK-FIN", "ST-FIN-WAIT-2-FIN"},
                   .description =
                       "CLOSE sends <CTL=FIN,ACK>; ACK = SEQ+1 leads to FIN_WAIT_2; the tester's FIN draws ACK = "
                       "SEQ+1 and leads to TIME_WAIT. The user is told end of file and CLOSED.",
                   .run = close_by_device});
  r.add_with_wrap(
      {.id = "textbook/TB-02b-close-by-peer",
       .title = "Orderly close in four segments, the tester closes first",
       .rules = {"TB-02", "RFC9293-3.6-5", "RFC9293-3.6-3", "RFC9293-3.6-4", "RFC1122-4.2.2.20-a", "MUST-12",
                 "ST-ESTABLISHED-FIN", "ST-CLOSE-WAIT-U-CLOSE", "ST-LAST-ACK-ACK-FIN", "ST-CLOSE-WAIT-U-RECV"},
       .description = "The tester's FIN is acknowledged (CLOSE_WAIT), end of file reaches the user after the last "
                      "octet. CLOSE sends a FIN (LAST_ACK); its ACK ends the connection, with no TIME_WAIT.",
       .run = close_by_peer});
  r.add({.id = "textbook/TB-03a-close-in-three",
         .title = "Orderly close in three segments: ACK and FIN of the passive side travel together",
         .rules = {"TB-03", "RFC1122-4.2.2.8-1", "ST-FIN-WAIT-1-FINACK"},
         .description = "In FIN_WAIT_1 the tester sends <SEQ=R><ACK=S><CTL=FIN,ACK>. One ACK must come; TIME_WAIT.",
         .run = close_in_three});
  r.add({.id = "textbook/TB-03b-text-and-fin",
         .title = "Last text and FIN in one segment draw one ACK",
         .rules = {"TB-03", "RFC9293-3.4-2", "ST-ESTABLISHED-FIN", "RFC9293-3.8-1"},
         .description = "100 octets with FIN: one ACK for 101 numbers, the octets are delivered, then end of file.",
         .run = text_and_fin_together});
  r.add_with_wrap({.id = "textbook/TB-08-fin-never-acknowledged",
                   .title = "A FIN without answer is repeated with back-off, then the connection ends",
                   .rules = {"TB-08", "RFC9293-3.6-1", "ST-FIN-WAIT-1-TO-RTX", "ST-FIN-WAIT-1-TO-R2", "MUST-20",
                             "MUST-19", "RFC6298-5.5", "RFC9293-3.6-7"},
                   .description =
                       "CLOSE, and the tester is silent. The FIN, and nothing else, is repeated after 1, 2, 4 … 32 s; "
                       "about a minute after the sixth repetition the user is told TIMEOUT and CLOSED.",
                   .run = fin_never_acknowledged,
                   .settings = {{"DATA_RETRIES", 6}, {"USER_TIMEOUT", 0}}});
  r.add_with_wrap({.id = "textbook/TB-10a-half-close",
                   .title = "Half-close: the device has closed and still receives",
                   .rules = {"TB-10", "RFC9293-3.6-2", "RFC9293-3.6.1-1", "ST-FIN-WAIT-2-TXT-INORD",
                             "ST-FIN-WAIT-2-FIN", "ST-FIN-WAIT-2-U-SEND", "ST-FIN-WAIT-2-U-RECV"},
                   .description =
                       "In FIN_WAIT_2 the tester sends five segments of text, each acknowledged and delivered; SEND "
                       "is refused; the tester's FIN leads to TIME_WAIT.",
                   .run = half_close});
  r.add({.id = "textbook/TB-10b-half-close-sort",
         .title = "Half-close as sort uses it: all input, FIN, all output, FIN",
         .rules = {"TB-10", "RFC9293-3.6.1-1", "RFC9293-3.6-3", "ST-CLOSE-WAIT-U-SEND", "ST-CLOSE-WAIT-U-CLOSE"},
         .description =
             "The tester sends 2500 octets and FIN; the device's user then sends 3000 octets, which arrive, and "
             "CLOSEs.",
         .run = half_close_sort});
  r.add_with_wrap({.id = "textbook/TB-10c-close-with-queued-text",
                   .title = "CLOSE with text still queued: all of it goes out, then the FIN",
                   .rules = {"TB-10", "RFC9293-3.6-1", "RFC9293-3.8-1", "ST-ESTABLISHED-U-CLOSE", "RFC9293-3.9.1.2-1"},
                   .description =
                       "The tester offers a window of 1000. SEND 2500, CLOSE: 1000, 1000 and 500 octets come as the "
                       "tester acknowledges, the FIN with or after the last.",
                   .run = close_after_queued_data});
  r.add({.id = "textbook/TB-16a-fin-wait-2-timer",
         .title = "FIN_WAIT_2 that the peer never leaves ends after the set time",
         .rules = {"TB-16"},
         .description =
             "FW2_TIMEOUT = 675 s: nothing happens for 674 s, then the user is told TIMEOUT and CLOSED, with nothing "
             "sent; a later segment draws RST.",
         .run = fin_wait_2_timer,
         .level = Level::may,
         .settings = {{"FW2_TIMEOUT", 675'000'000}}});
  r.add(
      {.id = "textbook/TB-16b-fin-wait-2-timer-restarts",
       .title = "The FIN_WAIT_2 timer counts idle time",
       .rules = {"TB-16"},
       .description = "After 600 s in FIN_WAIT_2 the tester sends text. The connection lives on for 675 s from there.",
       .run = fin_wait_2_timer_restarts,
       .level = Level::may,
       .settings = {{"FW2_TIMEOUT", 675'000'000}}});
  r.add({.id = "textbook/TB-16c-fin-wait-2-half-close",
         .title = "A half-close has no FIN_WAIT_2 timer",
         .rules = {"TB-16", "RFC9293-3.6-2"},
         .description = "CLOSE (half) with FW2_TIMEOUT = 675 s: after two hours text is still taken.",
         .run = fin_wait_2_half_close,
         .settings = {{"FW2_TIMEOUT", 675'000'000}}});
  r.add_with_wrap({.id = "textbook/TB-24-simultaneous-close",
                   .title = "Simultaneous close: FIN crosses FIN",
                   .rules = {"TB-24", "RFC9293-3.6-6", "ST-FIN-WAIT-1-FIN", "ST-CLOSING-ACK-FIN"},
                   .description =
                       "The device's FIN crosses the tester's. Each is acknowledged: FIN_WAIT_1, CLOSING, TIME_WAIT; "
                       "four segments, as in a normal close.",
                   .run = simultaneous_close});
}

}  // namespace tiptoe::conformance::cases
