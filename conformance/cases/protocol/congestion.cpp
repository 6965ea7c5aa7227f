// SPDX-License-Identifier: Apache-2.0
// Congestion control: initial window, slow start, congestion avoidance, fast retransmit, NewReno, limited transmit.
#include <algorithm>

#include "../support.hpp"

namespace tiptoe::conformance::cases {

namespace {

constexpr std::uint32_t mss = 500;
constexpr std::size_t first_window = 4;  // segments, by RFC 5681 for this MSS

void established(Tester& t) {
  t.c().mss = mss;
  t.reach(State::established);
  t.c().need_send_buffer(16'000);  // feed() keeps half of that ready
}

/// Keeps the send buffer full.
void feed(Tester& t) {
  if (t.c().user_supplied - t.c().user_offset(t.U()) < 8000) t.offer(8000);
}

/// Acknowledges each segment by itself and takes what that releases: one round trip.
std::vector<Received> round_trip(Tester& t, const std::vector<Received>& flight) {
  std::vector<Received> released;
  for (const Received& s : flight) {
    const std::uint32_t end = *s.seq + s.length();
    if (!seq_lt(t.U(), end)) continue;
    const auto burst = ack_and_take(t, t.c(), end);
    released.insert(released.end(), burst.begin(), burst.end());
  }
  return released;
}

/// The first flight of the connection, n segments.
std::vector<Received> first_flight(Tester& t, std::size_t n) {
  feed(t);
  const std::uint32_t from = t.S();
  auto flight = take_burst(t, t.c());
  check_burst(t, flight, n, mss, from, "the initial window");
  return flight;
}

/// Duplicate ACK of SND.UNA.
void dup_ack(Tester& t) { t.send({.ack = t.U(), .flags = ACK}); }

std::size_t in_flight(Tester& t) { return (t.S() - t.U()) / mss; }

/// RFC 5681 3.1 gives an upper bound: less is legal.
void check_initial_window(Tester& t, const std::vector<Received>& flight, std::size_t most, std::size_t size,
                          std::uint32_t from) {
  const std::size_t n = flight.empty() ? most : std::min(most, flight.size());
  check_burst(t, flight, n, size, from, "the initial window for segments of " + std::to_string(size));
}

void initial_window(Tester& t, std::uint16_t peer_mss, std::size_t segments) {
  t.c().mss = peer_mss;
  t.reach(State::established);
  t.c().need_send_buffer((segments + 1) * peer_mss);
  t.offer(16'000);
  const std::uint32_t from = t.S();
  const auto flight = take_burst(t, t.c());
  // SMSS is what the sender can transmit; its own limit may lie below what the peer offers.
  const std::size_t size = flight.empty() ? peer_mss : std::min<std::size_t>(peer_mss, flight.front().text_length());
  const bool smaller = size < peer_mss && !t.capabilities().all_settings;
  if (smaller) segments = size > 2190 ? 2 : size > 1095 ? 3 : 4;
  check_initial_window(t, flight, segments, smaller ? size : peer_mss, from);
}

void initial_window_without_mss(Tester& t) {
  t.c().mss.reset();
  t.reach(State::established);
  t.c().need_send_buffer(5 * 536);
  t.offer(16'000);
  const std::uint32_t from = t.S();
  check_initial_window(t, take_burst(t, t.c()), 4, 536, from);
}

void initial_window_after_syn_loss(Tester& t, Role role) {
  t.c().mss = mss;
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
    t.send({.seq = t.c().isn, .flags = SYN | ACK, .options = Options().mss(mss)});
    t.expect_ack();
  }
  if (!t.may("syn_lost_window", "kept")) {
    first_flight(t, 1);
    return;
  }
  feed(t);
  const std::uint32_t from = t.S();
  check_initial_window(t, take_burst(t, t.c()), first_window, mss, from);
}

void slow_start(Tester& t) {
  established(t);
  auto flight = first_flight(t, 4);
  t.step("each ACK of new data releases two segments");
  for (int round = 0; round < 2; ++round) {
    std::vector<Received> next;
    for (const Received& s : flight) {
      feed(t);
      const std::uint32_t from = t.S();
      const auto burst = ack_and_take(t, t.c(), *s.seq + mss);
      check_burst(t, burst, 2, mss, from, "slow start, after one ACK");
      next.insert(next.end(), burst.begin(), burst.end());
    }
    flight = next;
  }
  t.check_equal(in_flight(t), std::size_t{16}, "the segments in flight after two round trips");
}

void slow_start_byte_counting(Tester& t) {
  established(t);
  auto flight = first_flight(t, 4);
  t.step("one ACK for four segments opens the window by one segment, or by what it acknowledges");
  feed(t);
  std::uint32_t from = t.S();
  const auto burst = ack_and_take(t, t.c(), t.S());
  const std::size_t most = t.may("slow_start_growth", "octets") ? 8 : 5;
  check_burst(t, burst, std::clamp<std::size_t>(burst.size(), 5, most), mss, from, "after an ACK of four segments");
  t.step("an ACK of one octet opens it by one octet");
  from = t.S();
  check_burst(t, ack_and_take(t, t.c(), t.U() + 1), 0, mss, from, "after an ACK of one octet");
}

void slow_start_no_growth_by_handshake(Tester& t) {
  established(t);
  t.step("the ACK of the SYN,ACK did not open the window");
  first_flight(t, 4);
  t.expect_nothing(500_ms);
}

/// Loses everything in flight: after the RTO one segment is repeated, and ssthresh is half the flight.
Received time_out(Tester& t) {
  const std::uint32_t una = t.U();
  Received again = t.expect_loose({.seq = una, .flags_set = ACK}, 100_s);
  t.check_equal(again.text_length(), std::size_t{mss}, "the length of the repeated segment");
  t.expect_nothing();
  return again;
}

void timeout_one_segment(Tester& t) {
  established(t);
  first_flight(t, 4);
  time_out(t);
  t.step("the ACK of it opens slow start: two segments");
  const std::uint32_t una = t.U();
  auto burst = ack_and_take(t, t.c(), una + mss);
  check_burst(t, burst, 2, mss, una + mss, "after the first ACK");
}

/// After a timeout with `flight` segments out the window grows by slow start to half of that, then by one a round trip.
void growth_after_timeout(Tester& t, bool twice) {
  established(t);
  auto flight = first_flight(t, 4);
  feed(t);
  flight = round_trip(t, flight);
  t.check_equal(in_flight(t), std::size_t{8}, "the segments in flight");
  time_out(t);
  if (twice) {
    t.step("the repetition is lost, too: the threshold stays");
    time_out(t);
  }
  t.step("everything arrives now; ACK of what was out before");
  // Acknowledge the repeated segments one by one; ssthresh is 8 / 2 = 4 segments.
  std::vector<std::size_t> rounds;
  std::uint32_t out_to = t.U() + mss;  // what has been (re)sent since the timeout
  while (rounds.size() < 7) {
    feed(t);
    std::uint32_t sent_to = out_to;
    const std::uint32_t round_end = out_to;
    rounds.push_back((round_end - t.U()) / mss);
    while (t.U() != round_end) {
      const auto burst = ack_and_take(t, t.c(), t.U() + mss);
      for (const Received& s : burst) sent_to = seq_max(sent_to, *s.seq + s.length());
      feed(t);
    }
    out_to = sent_to;
    t.check(out_to != t.U(), "nothing was released in round trip " + std::to_string(rounds.size()));
  }
  std::string came;
  for (const std::size_t n : rounds) came += (came.empty() ? "" : ", ") + std::to_string(n);
  // 1, 2, 4 by slow start; then one more a round trip at the most. At equality either algorithm may run.
  t.check(rounds[0] == 1 && rounds[1] == 2, "round trips of " + came + " segments; slow start is 1, 2, 4");
  t.check(rounds[2] == 4 || rounds[2] == 3, "round trips of " + came + " segments; the third should be 4");
  if (twice && !t.may("repeated_timeout", "lowered"))
    t.check(rounds[2] == 4, "round trips of " + came + " segments; the second timeout must not lower ssthresh again");
  for (std::size_t i = 3; i < rounds.size(); ++i) {
    t.check(rounds[i] <= rounds[i - 1] + 1,
            "round trips of " + came + " segments; beyond ssthresh they grow by one at most");
    t.check(rounds[i] >= rounds[i - 1], "round trips of " + came + " segments; they shrink without loss");
  }
  t.check(rounds.back() > rounds[2], "round trips of " + came + " segments; the window does not grow at all");
}

void fast_retransmit(Tester& t) {
  established(t);
  first_flight(t, 4);
  const std::uint32_t una = t.U();
  t.step("two duplicate ACKs repeat nothing");
  dup_ack(t);
  for (const Received& s : take_burst(t, t.c())) t.check(*s.seq != una, "a repetition at the first duplicate ACK");
  dup_ack(t);
  for (const Received& s : take_burst(t, t.c())) t.check(*s.seq != una, "a repetition at the second duplicate ACK");
  t.step("the third does, at once, one segment");
  dup_ack(t);
  const auto burst = take_burst(t, t.c());
  t.check(!burst.empty() && burst[0].seq == una && burst[0].text_length() == mss,
          "no repetition at the third duplicate ACK");
  for (std::size_t i = 1; i < burst.size(); ++i) {
    t.check(seq_le(una + 4 * mss, *burst[i].seq), "more than one segment is repeated");
  }
  t.step("a full ACK ends it");
  t.send_ack();
  for (const Received& s : take_burst(t, t.c())) t.check(seq_le(una + 4 * mss, *s.seq), "old text after the full ACK");
}

void limited_transmit(Tester& t, bool window_allows) {
  if (!window_allows) t.c().window = 4 * mss;
  established(t);
  first_flight(t, 4);
  for (int n = 0; n < 2; ++n) {
    const std::uint32_t from = t.S();
    dup_ack(t);
    check_burst(t, take_burst(t, t.c()), window_allows ? 1 : 0, mss, from, "limited transmit");
  }
}

/// In fast recovery after the loss of the first of eight segments. Returns SND.UNA.
std::uint32_t into_recovery(Tester& t) {
  established(t);
  auto flight = first_flight(t, 4);
  feed(t);
  flight = round_trip(t, flight);
  t.check_equal(in_flight(t), std::size_t{8}, "the segments in flight");
  feed(t);
  const std::uint32_t una = t.U();
  for (int n = 0; n < 2; ++n) {
    dup_ack(t);
    take_burst(t, t.c());  // limited transmit, or not
  }
  dup_ack(t);
  const auto burst = take_burst(t, t.c());
  t.check(!burst.empty() && burst[0].seq == una, "no fast retransmission");
  return una;
}

void inflation(Tester& t) {
  const std::uint32_t una = into_recovery(t);
  feed(t);
  t.step("further duplicate ACKs inflate the window; new text goes out when it reaches beyond the flight");
  // ssthresh = 8 / 2 = 4 (limited transmit not counted); cwnd = 4 + 3, then one more for each duplicate ACK.
  std::size_t cwnd = 7;
  for (int n = 0; n < 8; ++n) {
    dup_ack(t);
    ++cwnd;
    for (const Received& s : take_burst(t, t.c())) {
      t.check(seq_le(una + 8 * mss, *s.seq), "old text again in fast recovery");
    }
    std::size_t most = std::max<std::size_t>(cwnd, 10);
    if (t.may("fast_recovery", "proportional")) {
      // One for each that has arrived, and in the round trip half of the ten that were out, the repetition included.
      const auto arrived = static_cast<std::size_t>(n) + 1;
      most = std::max(most, 10 + (arrived <= 6 ? std::min<std::size_t>(arrived, 4) : arrived));
    }
    t.check(in_flight(t) <= most,
            std::to_string(in_flight(t)) + " segments in flight, at most " + std::to_string(most) + " are allowed");
  }
  t.check(in_flight(t) > 10, "duplicate ACKs release no new text");
}

/// Segments by which the window after recovery may be above ssthresh.
std::size_t one_more(Tester& t) { return t.may("recovery_exit", "one_more") ? 1 : 0; }

void deflation(Tester& t) {
  into_recovery(t);
  feed(t);
  for (int n = 0; n < 6; ++n) {
    dup_ack(t);
    take_burst(t, t.c());
  }
  t.step("the full ACK: cwnd becomes ssthresh, half of the eight segments");
  const std::uint32_t from = t.S();
  const auto burst = ack_and_take(t, t.c(), t.S());
  t.check(burst.size() <= 4 + one_more(t), std::to_string(burst.size()) + " segments after recovery, ssthresh is 4");
  t.check(!burst.empty() && *burst[0].seq == from, "no new text after recovery");
  t.step("and grows by one a round trip at most");
  feed(t);
  const auto next = round_trip(t, burst);
  t.check(next.size() <= burst.size() + 1,
          std::to_string(next.size()) + " segments in the round trip after " + std::to_string(burst.size()));
}

void half_per_round_trip(Tester& t) {
  const std::uint32_t una = into_recovery(t);
  feed(t);
  t.step("the other seven segments, and those of limited transmit, each draw a duplicate ACK");
  const std::uint32_t before = t.S();
  for (std::uint32_t n = 3; n < (before - una) / mss - 1; ++n) {
    dup_ack(t);
    take_burst(t, t.c());
  }
  const std::size_t sent = 1 + (t.S() - before) / mss;  // the repetition and what is new
  t.check(sent <= 4,
          std::to_string(sent) + " segments were sent in the round trip after the loss, half of eight are 4");
}

void two_windows_lost(Tester& t) {
  into_recovery(t);
  feed(t);
  t.step("repaired");
  auto flight = ack_and_take(t, t.c(), t.S());
  t.check(!flight.empty() && flight.size() <= 4 + one_more(t),
          std::to_string(flight.size()) + " segments after recovery");
  feed(t);
  t.step("the first segment of the next window arrives, the second is lost");
  ack_and_take(t, t.c(), t.U() + mss);
  feed(t);
  const std::uint32_t una = t.U();
  const std::size_t half = one_more(t) == 0 ? 2 : in_flight(t) / 2 + 1;
  for (int n = 0; n < 3; ++n) {
    dup_ack(t);
    const auto burst = take_burst(t, t.c());
    if (n == 2) t.check(!burst.empty() && burst[0].seq == una, "no second fast retransmission");
  }
  t.step("repaired: the window is half of the half");
  flight = ack_and_take(t, t.c(), t.S());
  t.check(!flight.empty() && flight.size() <= half,
          std::to_string(flight.size()) + " segments, at most " + std::to_string(half) + " are allowed");
}

void new_reno(Tester& t) {
  const std::uint32_t una = into_recovery(t);
  // At once, or where the window shrinks in proportion to what arrives, with one of the next duplicate ACKs.
  const auto partial_ack = [&t](std::uint32_t ack) {
    auto burst = ack_and_take(t, t.c(), ack);
    for (int n = 0; n < 2 && burst.empty() && t.may("fast_recovery", "proportional"); ++n) {
      dup_ack(t);
      burst = take_burst(t, t.c());
    }
    return burst;
  };
  t.step("the first and the fourth segment were lost: a partial ACK repeats the fourth at once");
  auto burst = partial_ack(una + 3 * mss);
  t.check(!burst.empty() && burst[0].seq == una + 3 * mss && burst[0].text_length() == mss,
          "the partial ACK does not repeat the next segment");
  for (std::size_t i = 1; i < burst.size(); ++i) {
    t.check(seq_le(una + 8 * mss, *burst[i].seq), "more than one old segment is repeated");
  }
  t.step("and the sixth, at the next partial ACK");
  burst = partial_ack(una + 5 * mss);
  t.check(!burst.empty() && burst[0].seq == una + 5 * mss, "the second partial ACK does not repeat the next segment");
  t.step("the full ACK repeats nothing");
  const std::uint32_t end = t.S();
  for (const Received& s : ack_and_take(t, t.c(), end)) t.check(seq_le(end, *s.seq), "old text after the full ACK");
}

void no_second_fast_retransmit(Tester& t) {
  const std::uint32_t una = into_recovery(t);
  t.step("the repetition is lost: the timer repeats it");
  const Received again = t.expect_loose({.seq = una, .flags_set = ACK}, 5_s);
  t.check_equal(again.text_length(), std::size_t{mss}, "the length of the repeated segment");
  take_burst(t, t.c());
  t.step("duplicate ACKs below `recover` start no fast retransmission");
  ack_and_take(t, t.c(), una + mss);
  for (int n = 0; n < 4; ++n) {
    dup_ack(t);
    for (const Received& s : take_burst(t, t.c())) {
      t.check(*s.seq != una + mss, "a fast retransmission below `recover`");
    }
  }
}

void not_duplicates(Tester& t) {
  established(t);
  first_flight(t, 4);
  const std::uint32_t una = t.U();
  t.step("segments with text are no duplicate ACKs");
  std::vector<Segment> burst;
  for (std::uint32_t n = 0; n < 5; ++n) {
    burst.push_back(t.text_at(t.R() + 10 * n, 10));
    burst.back().ack = una;
  }
  const std::uint32_t end = t.R() + 50;
  t.send_burst(burst);
  for (const Received& s : take_burst(t, t.c(), 300_ms)) {
    if (s.text_length() != 0) t.fail("text was sent or repeated: " + s.form());
  }
  t.check_equal(t.R(), end, "the ACK of the tester's text");
}

void window_change_is_no_duplicate(Tester& t) {
  t.c().window = 60'000;
  established(t);
  first_flight(t, 4);
  const std::uint32_t una = t.U();
  t.step("ACKs that change the window are no duplicate ACKs");  // it grows: a peer should not shrink it (SHLD-14)
  for (std::uint16_t n = 1; n <= 5; ++n) {
    t.send({.ack = una, .flags = ACK, .window = static_cast<std::uint16_t>(60'000 + n)});
    t.expect_nothing();
  }
}

void dup_acks_without_flight(Tester& t) {
  established(t);
  t.user_send(mss);
  t.expect_text(mss);
  t.send_ack();
  t.step("nothing is outstanding: duplicate ACKs mean nothing");
  for (int n = 0; n < 5; ++n) {
    dup_ack(t);
    t.expect_nothing();
  }
  t.step("the window is as it was");
  feed(t);
  const auto burst = take_burst(t, t.c());
  t.check(burst.size() >= 4, std::to_string(burst.size()) + " segments, the window should be four or five");
}

void congestion_avoidance_limit(Tester& t) {
  // ssthresh is brought down to two segments; from there each round trip may add one at most.
  established(t);
  first_flight(t, 4);
  time_out(t);
  std::uint32_t out_to = t.U() + mss;
  std::size_t previous = 1;
  for (int round = 0; round < 8; ++round) {
    feed(t);
    const std::uint32_t round_end = out_to;
    const std::size_t now = (round_end - t.U()) / mss;
    t.check(now <= previous + 1,
            std::to_string(now) + " segments in a round trip after one of " + std::to_string(previous));
    previous = now;
    while (t.U() != round_end) {
      for (const Received& s : ack_and_take(t, t.c(), t.U() + mss)) out_to = seq_max(out_to, *s.seq + s.length());
      feed(t);
    }
  }
  t.check(previous >= 6, "after eight round trips the window is " + std::to_string(previous) + " segments only");
}

/// Two round trips of slow start, then silence for `idle`, which a request of the peer may end.
void restart_after_idle(Tester& t, std::uint64_t idle, bool request) {
  established(t);
  auto flight = first_flight(t, 4);
  for (int round = 0; round < 2; ++round) {
    feed(t);
    flight = round_trip(t, flight);
  }
  t.step("all is acknowledged; the user is silent for " + std::to_string(idle / 1'000'000) + " s");
  for (auto burst = ack_and_take(t, t.c(), t.S()); !burst.empty(); burst = ack_and_take(t, t.c(), t.S())) {
  }
  t.advance(idle);
  if (request) {
    t.step("the peer ends the silence with a request, which the user answers");
    t.send_text(100);
    t.expect_delayed_ack();
    t.user_receive(100);
  }
  t.offer(12'000);
  const auto burst = take_burst(t, t.c());
  t.check(burst.size() <= 4, std::to_string(burst.size()) + " segments at once after " +
                                 std::to_string(idle / 1'000'000) + " s of silence, the restart window is 4");
  t.check(!burst.empty(), "nothing is sent after the silence");
  for (auto more = ack_and_take(t, t.c(), t.S()); !more.empty(); more = ack_and_take(t, t.c(), t.S())) {
  }
}

void ack_division(Tester& t) {
  established(t);
  first_flight(t, 4);
  time_out(t);
  auto burst = ack_and_take(t, t.c(), t.U() + mss);  // 2 segments: ssthresh reached
  t.check_equal(burst.size(), std::size_t{2}, "the segments after the first ACK");
  t.step("an octet at a time, many ACKs: the window must not open faster than by one segment a round trip");
  std::size_t released = 0;
  const std::uint32_t target = t.U() + 2 * mss;
  while (t.U() != target) {
    for (const Received& s : ack_and_take(t, t.c(), t.U() + 50)) released += s.text_length();
    feed(t);
  }
  t.check(released <= 3 * mss, std::to_string(released) + " octets were released by ACKs of 1000");
}

}  // namespace

void register_protocol_congestion(Registry& r) {
  const auto add = [&r](const char* name, const char* title, std::vector<std::string> rules, const char* description,
                        std::function<void(Tester&)> run, Level level = Level::must) {
    r.add_with_wrap({.id = std::string("protocol/cc-") + name,
                     .title = title,
                     .rules = std::move(rules),
                     .description = description,
                     .run = std::move(run),
                     .level = level,
                     .settings = {{"IW_SEGS", first_window}},
                     .wishes = {"IW_SEGS"}});
  };
  const struct {
    std::uint16_t size;
    std::size_t segments;
    std::uint16_t mtu;
  } initial[] = {{256, 4, 1500}, {536, 4, 1500}, {1095, 4, 1500}, {1096, 3, 1500}, {1460, 3, 1500}, {2008, 3, 2048}};
  for (const auto& i : initial) {
    r.add({.id = "protocol/cc-initial-window-" + std::to_string(i.size),
           .title = "Initial window for an MSS of " + std::to_string(i.size) + ": " + std::to_string(i.segments) +
                    " segments",
           .rules = {"RFC5681-3.1-2", "RFC5681-2-1", "MUST-19"},
           .description = "More text than that is ready; " + std::to_string(i.segments) +
                          " segments come, and no more before an ACK.",
           .run = [i](Tester& t) { initial_window(t, i.size, i.segments); },
           .settings = {{"MTU", i.mtu}}});
  }
  r.add({.id = "protocol/cc-initial-window-no-mss",
         .title = "Initial window when the peer sent no MSS option",
         .rules = {"RFC5681-3.1-2", "MUST-15"},
         .description = "Four segments of 536 octets.",
         .run = initial_window_without_mss});
  for (const Role role : {Role::passive, Role::active}) {
    r.add({.id = std::string("protocol/cc-initial-window-syn-lost-") + to_string(role),
           .title = std::string("Initial window after a lost SYN: one segment, ") + to_string(role) + " open",
           .rules = {"RFC5681-3.1-4"},
           .description = "The SYN or SYN,ACK was repeated: one segment, or by RFC 6928 as many as always, and no more "
                          "before an ACK.",
           .run = [role](Tester& t) { initial_window_after_syn_loss(t, role); },
           .settings = {{"SYN_RTO", 1'000'000}}});
  }
  add("handshake-no-growth", "SYN,ACK and its ACK do not open the window", {"RFC5681-3.1-3"},
      "After the handshake four segments of 500 octets come, no more.", slow_start_no_growth_by_handshake);
  add("slow-start", "Slow start: one more segment for each ACK of new data",
      {"MUST-19", "RFC5681-3.1-1", "RFC5681-3.1-9", "RFC5681-3.1-10", "RFC5681-3.1-6"},
      "4 segments, each ACK of one releases two; 8, then 16 in flight.", slow_start);
  add("slow-start-bytes", "Slow start counts octets, up to one segment an ACK", {"RFC5681-3.1-9", "RFC5681-3.1-10"},
      "An ACK of four segments releases five, or up to eight where octets are counted; one of an octet nothing.",
      slow_start_byte_counting);
  add("timeout", "After a timeout the window is one segment", {"RFC5681-3.1-19", "MUST-19", "RFC6298-5.4"},
      "Of four lost segments one is repeated; its ACK releases two.", timeout_one_segment);
  add("threshold", "After a timeout: slow start to half the flight, then one segment a round trip",
      {"RFC5681-3.1-17", "RFC5681-3.1-7", "RFC5681-3.1-13", "RFC5681-4.3-1a", "RFC5681-4.3-1c", "RFC5681-3-1",
       "MUST-19"},
      "Eight segments are lost. The round trips after the timeout have 1, 2, 4 and then one more segment each at most.",
      [](Tester& t) { growth_after_timeout(t, false); });
  add("threshold-once", "A second timeout of the same segment leaves the threshold", {"RFC5681-3.1-18"},
      "The same with two timeouts in a row.", [](Tester& t) { growth_after_timeout(t, true); });
  add("avoidance", "Congestion avoidance: one segment a round trip at most",
      {"RFC5681-3.1-13", "RFC5681-3.1-12", "RFC5681-3.1-1"},
      "ssthresh is two segments; eight round trips grow by one segment at most each, and do grow.",
      congestion_avoidance_limit);
  add("ack-division", "ACKs of a few octets each do not open the window faster",
      {"RFC5681-5-1", "RFC5681-3.1-13", "RFC5681-3.1-14"},
      "Two segments are acknowledged 50 octets at a time: three segments are released at most.", ack_division);
  add(
      "restart-after-idle", "After an idle time the window starts again at its initial value", {"RFC5681-4.1-1"},
      "Two round trips of slow start, 10 s of silence, then 24 segments are ready: four go out at once.",
      [](Tester& t) { restart_after_idle(t, 10_s, false); }, Level::should);
  add(
      "restart-after-request", "What counts as idle time is the time since the last text sent, not received",
      {"RFC5681-4.1-1"}, "The same, and the peer ends the silence with a request: four segments answer it at once.",
      [](Tester& t) { restart_after_idle(t, 10_s, true); }, Level::should);
  add(
      "restart-after-long-idle", "An idle time of 2^32 microseconds is no short one", {"RFC5681-4.1-1"},
      "The same after 2^32 microseconds (71.6 minutes) and 200 ms: a clock of 32 bits must not take that for 200 ms.",
      [](Tester& t) { restart_after_idle(t, (std::uint64_t{1} << 32) + 200'000, false); }, Level::should);
  add("fast-retransmit", "The third duplicate ACK repeats the first segment, at once",
      {"RFC5681-3.2-3", "RFC5681-3.2-8", "MUST-19"},
      "Four segments out; duplicate ACKs one and two repeat nothing, the third repeats one segment.", fast_retransmit);
  add(
      "limited-transmit", "The first two duplicate ACKs release one new segment each",
      {"RFC3042-2-1", "RFC5681-3.2-4", "RFC3042-2-3", "RFC3042-2-4", "RFC5681-3.2-5"},
      "Four segments out, more ready: one new segment for each of two duplicate ACKs.",
      [](Tester& t) { limited_transmit(t, true); }, Level::should);
  add(
      "limited-transmit-window", "Limited transmit keeps to the peer's window", {"RFC3042-2-2", "RFC5681-2-1"},
      "The window has room for four segments: the two duplicate ACKs release nothing.",
      [](Tester& t) { limited_transmit(t, false); }, Level::should);
  add("inflation", "Each further duplicate ACK inflates the window by one segment",
      {"RFC5681-3.2-9", "RFC5681-3.2-7", "RFC5681-3.2-11", "RFC5681-3.2-8"},
      "Eight segments out, the first lost. After the fast retransmission cwnd is 4 + 3 segments and grows by one for "
      "each "
      "duplicate ACK; the flight never exceeds it.",
      inflation);
  add("deflation", "A full ACK deflates the window to the threshold",
      {"RFC5681-3.2-12", "RFC5681-3.2-7", "RFC6582-3.2-3", "RFC5681-4.3-1c", "RFC5681-4.3-1a"},
      "Eight segments out, the first lost and repeated: after the full ACK at most four segments go out, and the next "
      "round trip has one more at most.",
      deflation);
  add("half-per-round-trip", "In recovery at most half of the flight is sent in a round trip",
      {"RFC5681-4.3-1b", "RFC5681-3.2-7"},
      "Eight segments out, the first lost, a duplicate ACK for each that arrives: the repetition and three new ones at "
      "most.",
      half_per_round_trip);
  add("two-windows", "Loss in two successive windows halves twice",
      {"RFC5681-4.3-1d", "RFC5681-3.2-7", "RFC5681-3.1-7"},
      "Eight segments, the first lost: four go out after the repair; the second of them lost: two.", two_windows_lost);
  add("new-reno", "A partial ACK repeats the next lost segment", {"RFC6582-3.2-4", "RFC5681-4.3-2"},
      "Three of eight segments are lost: each partial ACK repeats one segment at once, the full ACK none.", new_reno,
      Level::should);
  add("no-second-fast-retransmit", "After a timeout old duplicate ACKs start no fast retransmission",
      {"RFC6582-3.2-2", "RFC6582-3.2-6"},
      "The fast retransmission is lost and repeated by the timer; duplicate ACKs below `recover` repeat nothing.",
      no_second_fast_retransmit, Level::should);
  add("text-is-no-duplicate", "Segments with text are no duplicate ACKs", {"RFC5681-2-2"},
      "Text segments that acknowledge SND.UNA: nothing is repeated before the timer.", not_duplicates);
  add("window-is-no-duplicate", "ACKs with another window are no duplicate ACKs", {"RFC5681-2-2"},
      "Five ACKs of SND.UNA with different windows: nothing is repeated.", window_change_is_no_duplicate);
  add("no-flight", "Without text in flight ACKs are no duplicate ACKs", {"RFC5681-2-2"},
      "Five repeated ACKs with nothing outstanding: silence, and the window is as it was.", dup_acks_without_flight);
}

}  // namespace tiptoe::conformance::cases
