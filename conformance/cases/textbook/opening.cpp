// SPDX-License-Identifier: Apache-2.0
// TB-01, TB-04 … TB-07, TB-09, TB-23: how connections begin.
#include "../support.hpp"

namespace tiptoe::conformance::cases {

namespace {

void handshake_passive(Tester& t) {
  t.listen();
  t.probe_state(State::listen);
  t.send_syn();
  const Received syn_ack = t.expect_syn_ack();
  t.check(syn_ack.mss().has_value(), "the SYN,ACK carries no MSS option");
  t.expect_no_notification(connected | acceptable);
  t.send_ack();
  t.expect_nothing();
  t.expect_notification(acceptable);
  t.accept();
  t.expect_notification(connected);
  t.expect_status(State::established);
  t.step("the first octet of either side is ISN+1: the SYN took one number");
  t.send({.seq = t.c().isn + 1, .flags = ACK | PSH, .payload = t.c().peer_text(0, 5)});
  t.expect({.ack = t.c().isn + 6, .flags = ACK}, ack_delay);
  t.user_receive(5);
  t.user_send(5);
  t.expect_text(5, at_once, t.c().iss + 1);
  t.send_ack();
  t.expect_nothing();
}

void handshake_active(Tester& t) {
  t.open();
  const Received syn = t.expect_syn();
  t.check(syn.mss().has_value(), "the SYN carries no MSS option");
  t.expect_status(State::syn_sent);
  t.expect_no_notification(connected);
  t.send({.seq = t.c().isn, .flags = SYN | ACK, .options = Options().mss(1460)});
  t.expect({.seq = t.c().iss + 1, .ack = t.c().isn + 1, .flags = ACK});
  t.expect_notification(connected);
  t.expect_status(State::established);
  t.user_send(5);
  t.expect_text(5, at_once, t.c().iss + 1);
  t.send({.seq = t.c().isn + 1, .ack = t.c().iss + 6, .flags = ACK | PSH, .payload = t.c().peer_text(0, 5)});
  t.expect({.ack = t.c().isn + 6, .flags = ACK}, ack_delay);
  t.user_receive(5);
  t.expect_status(State::established);
}

/// Opens actively, notes ISS and time of the SYN, ends the attempt with a RST.
std::pair<std::uint32_t, std::uint64_t> iss_of_open(Tester& t, Conn& c) {
  c.restart(t.random());
  c.open();
  const Received syn = c.expect_syn();
  c.send({.seq = 0, .ack = c.iss + 1, .flags = RST | ACK});
  c.expect_notification(refused | closed);
  return {c.iss, syn.time_us};
}

/// The pauses that the device may be made to wait.
std::vector<std::uint64_t> pauses(Tester& t) {
  const std::uint64_t longest = t.options().longest_wait_us.value_or(t.capabilities().longest_wait_us);
  std::vector<std::uint64_t> all = {10'000, 1'000'000, 77'777'777, 3'600'000'000};
  std::erase_if(all, [=](std::uint64_t pause) { return longest != 0 && pause > longest; });
  return all;
}

/// A clock of any rate from 4 us a step on. It is measured over the first pause, more exactly over each that follows.
void isn_clock_faster(Tester& t) {
  auto [iss, time] = iss_of_open(t, t.c());
  const double late = t.capabilities().real_time ? 20'000 : 0;  // microseconds that a SYN may be sent late
  double rate = 0;
  double off = 0;
  for (const std::uint64_t pause : pauses(t)) {
    t.advance(pause);
    const auto [next, next_time] = iss_of_open(t, t.c());
    const auto elapsed = static_cast<double>(next_time - time);
    const double due = rate * elapsed;
    const std::uint32_t more = next - iss - static_cast<std::uint32_t>(static_cast<std::uint64_t>(due));
    const double grown = rate == 0 ? more : due + static_cast<std::int32_t>(more);
    t.check(grown >= 0.9 * elapsed / 4, "the ISN has grown by " + std::to_string(next - iss) + " in " +
                                            std::to_string(next_time - time) + " us, less than one step per 4 us");
    t.check(rate == 0 || (grown > (1 - off) * due && grown < (1 + off) * due),
            "the ISN has grown by " + std::to_string(next - iss) + " in " + std::to_string(next_time - time) +
                " us, the clock makes " + std::to_string(static_cast<std::uint64_t>(due)));
    rate = grown / elapsed;
    off = 0.05 + late / elapsed;
    iss = next;
    time = next_time;
  }
}

void isn_clock(Tester& t) {
  if (t.may("isn_clock", "faster")) return isn_clock_faster(t);
  auto [iss, time] = iss_of_open(t, t.c());
  for (const std::uint64_t pause : pauses(t)) {
    t.advance(pause);
    const auto [next, next_time] = iss_of_open(t, t.c());
    const auto ticks = static_cast<std::uint32_t>((next_time - time) / 4);
    const std::uint32_t grown = next - iss;
    if (grown - ticks + 250 > 500) {
      t.fail("the ISN has grown by " + std::to_string(grown) + " in " + std::to_string(next_time - time) +
             " us, one step per 4 us makes " + std::to_string(ticks));
    }
    iss = next;
    time = next_time;
  }
}

void isn_wraps(Tester& t) {
  if (isn_rate(t, t.c()) != 0.25) t.inapplicable("the clock of the device is not that of 4 us (choice isn_clock)");
  const auto [iss, time] = iss_of_open(t, t.c());
  t.advance(time + (std::uint64_t{4} << 32) - t.now());
  const auto [again, again_time] = iss_of_open(t, t.c());
  const auto ticks = static_cast<std::uint32_t>((again_time - time) / 4);
  t.check(again - iss - ticks + 250 <= 500, "after 4.77 h the ISN is not where it was, but " +
                                                std::to_string(static_cast<std::int32_t>(again - iss)) + " beyond");
}

void isn_per_tuple(Tester& t) {
  const double rate = isn_rate(t, t.add_conn({device_ip, device_port_2}, {peer_ip, 39'999}));
  const auto slack = static_cast<std::uint32_t>(40'000 * rate);
  std::vector<std::uint32_t> offset;
  const std::vector<Endpoint> peers = {{peer_ip, 40000}, {peer_ip, 40001}, {peer_ip_2, 40000}, {peer_ip, 41000}};
  for (const Endpoint& peer : peers) {
    Conn& c = t.add_conn({device_ip, device_port}, peer);
    const auto [iss, time] = iss_of_open(t, c);
    offset.push_back(iss - static_cast<std::uint32_t>(static_cast<std::uint64_t>(static_cast<double>(time) * rate)));
  }
  for (std::size_t i = 0; i < offset.size(); ++i) {
    for (std::size_t k = 0; k < i; ++k) {
      t.check(offset[i] - offset[k] + slack > 2 * slack,
              "the ISNs of two 4-tuples differ by the clock only: there is no hash of the addresses in them");
    }
  }
}

void syn_schedule_linux(Tester& t) {
  t.open();
  const std::uint64_t first = t.expect_syn().time_us;
  const Segment syn{.seq = t.c().iss, .flags = SYN};
  std::uint64_t last = first;
  for (const std::uint64_t due : {1U, 3U, 7U, 15U, 31U, 63U}) {
    last = t.expect_at(syn, first + due * 1'000'000).time_us;
    t.expect_status(State::syn_sent);
    t.expect_no_notification(closed | timed_out);
  }
  t.advance(last + 59'000'000 - t.now());
  t.expect_status(State::syn_sent);
  t.expect_notification(timed_out | closed, 6_s);
  t.status(CallStatus::no_connection);
  t.advance(200_s);
}

void syn_schedule_bsd(Tester& t) {
  t.open();
  const std::uint64_t first = t.expect_syn().time_us;
  const Segment syn{.seq = t.c().iss, .flags = SYN};
  t.expect_at(syn, first + 6'000'000);
  t.expect_at(syn, first + 30'000'000);
  t.advance(first + 74'900'000 - t.now());
  t.expect_status(State::syn_sent);
  t.expect_no_notification(closed | timed_out);
  t.expect_notification(timed_out | closed, 200_ms);
  t.status(CallStatus::no_connection);
  t.advance(200_s);
}

void syn_ack_lost(Tester& t) {
  t.listen();
  t.send_syn();
  std::uint64_t last = t.expect_syn_ack().time_us;
  const Segment syn_ack{.seq = t.c().iss, .ack = t.c().isn + 1, .flags = SYN | ACK};
  std::uint64_t interval = 1'000'000;
  for (int n = 0; n < 5; ++n, interval *= 2) {
    last = t.expect_at(syn_ack, last + interval).time_us;
    t.accept(CallStatus::would_block);
  }
  t.expect_no_notification(connected | acceptable);
  t.step("the ACK comes at last");
  t.send_ack();
  t.expect_nothing();
  t.expect_notification(acceptable);
  t.accept();
  t.probe_state(State::established);
}

void syn_ack_given_up(Tester& t) {
  t.listen();
  t.send_syn();
  std::uint64_t last = t.expect_syn_ack().time_us;
  const Segment syn_ack{.seq = t.c().iss, .ack = t.c().isn + 1, .flags = SYN | ACK};
  last = expect_repeats(t, t.c(), syn_ack, last, {1, 2, 4});
  t.advance(last + 300'000'000 - t.now());
  t.accept(CallStatus::would_block);
  t.step("the half-open connection is gone, the port still listens");
  t.send_ack();
  t.expect_rst(t.S());
  t.probe_state(State::listen);
}

/// The user sends n octets after an open with the given MSS option; the device must use segments of `most`.
void segments_of(Tester& t, std::optional<std::uint16_t> mss, std::size_t most, Role role) {
  t.c().mss = mss;
  t.reach(State::established, role);
  const std::size_t n = 2 * most + most / 2;
  t.user_send(n);
  expect_flights(t, t.c(), 2 * most, most);
  expect_short_text(t, n - 2 * most);
  t.expect_nothing();
}

void mss_advertised(Tester& t, std::uint16_t expected) {
  t.open();
  const Received syn = t.expect_syn();
  t.check(syn.mss() == expected, "the SYN offers an MSS of " + std::to_string(syn.mss().value_or(0)) +
                                     ", MTU - 40 is " + std::to_string(expected));
  Conn& other = t.add_conn({device_ip, device_port_2}, {peer_ip, 50000});
  other.listen();
  other.send_syn();
  const Received syn_ack = other.expect_syn_ack();
  t.check(syn_ack.mss() == expected, "the SYN,ACK offers an MSS of " + std::to_string(syn_ack.mss().value_or(0)) +
                                         ", MTU - 40 is " + std::to_string(expected));
}

void simultaneous_open(Tester& t) {
  Conn& c = t.add_conn({device_ip, device_port_2}, {peer_ip, peer_port_2});
  c.open();
  c.expect_syn();
  c.expect_status(State::syn_sent);
  c.send_syn();  // crosses the device's
  c.expect_syn_ack();
  c.expect_status(State::syn_received);
  c.expect_no_notification(connected);
  c.send({.seq = c.isn, .flags = SYN | ACK, .options = Options().mss(1460)});
  c.allow({.flags = ACK});
  c.expect_notification(connected);
  c.expect_status(State::established);
  t.step("one connection, data both ways");
  c.send_text(100);
  c.expect_delayed_ack();
  c.user_receive(100);
  c.user_send(100);
  c.expect_text(100);
  c.send_ack();
  t.expect_nothing();
  c.open(CallStatus::exists);
}

void simultaneous_open_by_ack(Tester& t) {
  t.reach(State::syn_received, Role::active);
  t.send_ack();
  t.expect_nothing();
  t.expect_notification(connected);
  t.probe_state(State::established);
}

}  // namespace

void register_textbook_opening(Registry& r) {
  r.add_with_wrap({.id = "textbook/TB-01a-passive-open",
                   .title = "Three-way handshake, the device listens",
                   .rules = {"TB-01", "RFC9293-3.5-1", "RFC9293-3.4-2", "ST-CLOSED-U-OPEN-P", "ST-LISTEN-SYN-IN",
                             "ST-SYN-RECEIVED-ACK-NEW", "MUST-14", "SHLD-5"},
                   .description =
                       "The tester sends a SYN to a listening port. SYN,ACK with ACK = ISN+1 and an MSS option "
                       "must come, and nothing after the tester's ACK. The user is told. The first octet of "
                       "each side, at ISN+1, is taken by the other.",
                   .run = handshake_passive});
  r.add_with_wrap({.id = "textbook/TB-01b-active-open",
                   .title = "Three-way handshake, the device opens",
                   .rules = {"TB-01", "RFC9293-3.5-1", "RFC9293-3.4-2", "ST-CLOSED-U-OPEN-A", "ST-SYN-SENT-SYNACK",
                             "ST-SYN-SENT-U-STATUS", "MUST-14", "SHLD-5"},
                   .description =
                       "The user opens. A SYN with MSS option must come, then, after the tester's SYN,ACK, an ACK "
                       "<SEQ=ISS+1><ACK=ISN+1>. STATUS tells SYN_SENT, then ESTABLISHED; data passes both ways.",
                   .run = handshake_active});
  r.add({.id = "textbook/TB-04a-isn-clock",
         .title = "The ISN of one 4-tuple grows by one every 4 microseconds, or faster",
         .rules = {"TB-04", "MUST-8", "SHLD-1", "RFC6528-3-1", "RFC6528-2-1"},
         .description =
             "The same 4-tuple is opened again and again after 10 ms … 1 h. The ISN must have grown by the time "
             "between the SYNs divided by 4 us (250 steps of tolerance), or steadily at a higher rate (choice "
             "isn_clock).",
         .run = isn_clock});
  r.add({.id = "textbook/TB-04b-isn-wrap",
         .title = "The ISN clock wraps after 2^32 steps",
         .rules = {"TB-04", "MUST-8", "RFC6528-3-1"},
         .description = "The same 4-tuple is opened twice, 2^32 * 4 us (4.77 h) apart: the ISN is the same again.",
         .run = isn_wraps});
  r.add({.id = "textbook/TB-04c-isn-hash",
         .title = "The ISN depends on the 4-tuple",
         .rules = {"TB-04", "SHLD-1", "RFC6528-3-1"},
         .description =
             "Four 4-tuples, which differ in the foreign port or address only, are opened one after the other. "
             "Their ISNs, less the clock, must differ.",
         .run = isn_per_tuple,
         .level = Level::should});
  r.add({.id = "textbook/TB-05-syn-linux",
         .title = "SYN unanswered: repeated after 1, 2, 4, 8, 16, 32 s, then the open fails",
         .rules = {"TB-05", "ST-SYN-SENT-TO-RTX", "ST-SYN-SENT-TO-R2", "MUST-20", "MUST-22", "RFC9293-3.8.3-1",
                   "RFC6298-5.5", "MUST-19"},
         .description =
             "The user opens, the tester is silent. Seven SYNs with the same sequence number must come, at 0, 1, "
             "3, 7, 15, 31 and 63 s, STATUS telling SYN_SENT; about one more interval later the user is told "
             "TIMEOUT and the connection is gone.",
         .run = syn_schedule_linux,
         .profile = "linux-syn",
         .settings = {{"USER_TIMEOUT", 0}}});
  r.add(
      {.id = "textbook/TB-06-syn-bsd",
       .title = "SYN unanswered, BSD schedule: 6 s, 24 s more, given up at 75 s",
       .rules = {"TB-06", "ST-SYN-SENT-TO-RTX", "MUST-22"},
       .description = "The user opens, the tester is silent. SYNs at 0, 6 and 30 s; at 75 s the user is told TIMEOUT.",
       .run = syn_schedule_bsd,
       .profile = "bsd-syn"});
  r.add({.id = "textbook/TB-07a-syn-ack-lost",
         .title = "SYN,ACK lost: repeated with back-off, not ESTABLISHED without the ACK",
         .rules = {"TB-07", "ST-SYN-RECEIVED-TO-RTX", "RFC4987-4-3", "MUST-19"},
         .description =
             "The tester does not answer the SYN,ACK. It must be repeated, unchanged, after 1, 2, 4, 8 and 16 s; "
             "ACCEPT finds nothing. Then the ACK comes, and the connection is open.",
         .run = syn_ack_lost,
         .settings = {{"SYN_RTO", 1'000'000}}});
  r.add({.id = "textbook/TB-07b-syn-ack-given-up",
         .title = "SYN,ACK never acknowledged: the attempt ends, the listener stays",
         .rules = {"TB-07", "ST-SYN-RECEIVED-TO-R2", "RFC4987-2.2-2", "MUST-20", "MUST-22"},
         .description =
             "With three retries the SYN,ACK comes after 1, 2 and 4 s, and then no more. A late ACK draws a RST; "
             "the port still listens.",
         .run = syn_ack_given_up,
         .settings = {{"SYN_RETRIES", 3}}});
  r.add({.id = "textbook/TB-09a-mss-mtu-1500",
         .title = "MTU 1500: the MSS option says 1460, in SYN and SYN,ACK",
         .rules = {"TB-09", "MUST-67", "SHLD-5", "RFC9293-3.7.1-1", "MUST-14"},
         .description = "One active and one passive open: the device's SYN and SYN,ACK carry <mss 1460>.",
         .run = [](Tester& t) { mss_advertised(t, 1460); }});
  r.add({.id = "textbook/TB-09b-mss-mtu-296",
         .title = "MTU 296: the MSS option says 256",
         .rules = {"TB-09", "MUST-67", "SHLD-5", "RFC9293-3.7.1-1"},
         .description = "One active and one passive open with MTU 296: SYN and SYN,ACK carry <mss 256>.",
         .run = [](Tester& t) { mss_advertised(t, 256); },
         .settings = {{"MTU", 296}}});
  for (const Role role : {Role::passive, Role::active}) {
    const std::string who = std::string("-") + to_string(role);
    r.add({.id = "textbook/TB-09c-mss-of-peer" + who,
           .title = "The peer's MSS option limits the device's segments",
           .rules = {"TB-09", "MUST-14", "MUST-16", "SHLD-28"},
           .description =
               "The tester's SYN offers <mss 512>. 1280 octets of the user leave in segments of 512, 512, 256.",
           .run = [role](Tester& t) { segments_of(t, 512, 512, role); }});
    r.add(
        {.id = "textbook/TB-09d-mss-absent" + who,
         .title = "Without an MSS option the device sends at most 536 octets",
         .rules = {"TB-09", "MUST-15", "MUST-16"},
         .description = "The tester's SYN has no options. 1340 octets of the user leave in segments of 536, 536, 268.",
         .run = [role](Tester& t) { segments_of(t, std::nullopt, 536, role); }});
    r.add({.id = "textbook/TB-09e-mss-own-interface" + who,
           .title = "MTU 296: no segment beyond 256 octets, although 1460 was offered",
           .rules = {"TB-09", "MUST-16"},
           .description =
               "The device's MTU is 296, the tester offers <mss 1460>. 640 octets leave in segments of 256, 256, "
               "128.",
           .run = [role](Tester& t) { segments_of(t, 1460, 256, role); },
           .settings = {{"MTU", 296}}});
  }
  r.add_with_wrap({.id = "textbook/TB-23a-simultaneous-open",
                   .title = "Simultaneous open of ports 7777 and 8888: four segments, one connection",
                   .rules = {"TB-23", "MUST-10", "MUST-11", "RFC1122-4.2.2.10-1", "ST-SYN-SENT-SYN-IN",
                             "ST-SYN-RECEIVED-SYNACK", "RFC1122-4.2.2.8-1"},
                   .description =
                       "SYN crosses SYN; the device answers SYN,ACK and is SYN_RECEIVED; the tester's SYN,ACK makes "
                       "it ESTABLISHED (an ACK of it is tolerated). Data passes both ways; a second OPEN of the "
                       "pair is refused.",
                   .run = simultaneous_open});
  r.add({.id = "textbook/TB-23b-simultaneous-open-ack",
         .title = "Simultaneous open that ends with a plain ACK",
         .rules = {"TB-23", "MUST-10", "ST-SYN-RECEIVED-ACK-NEW"},
         .description =
             "After the crossing SYNs and the device's SYN,ACK the tester sends <SEQ=ISN+1><ACK=ISS+1><CTL=ACK>: "
             "ESTABLISHED, with nothing sent.",
         .run = simultaneous_open_by_ack});
}

}  // namespace tiptoe::conformance::cases
