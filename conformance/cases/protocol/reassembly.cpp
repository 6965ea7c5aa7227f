// SPDX-License-Identifier: Apache-2.0
// Segments out of order, overlapping, repeated, beyond the window.
#include <algorithm>
#include <array>
#include <numeric>

#include "../support.hpp"

namespace tiptoe::conformance::cases {

namespace {

constexpr std::size_t piece = 100;

Segment nth(Tester& t, std::uint32_t base, std::size_t k) {
  return t.text_at(base + static_cast<std::uint32_t>(k * piece), piece);
}

/// An ACK of what fills a gap, or a part of it.
std::uint64_t gap_filled(Tester& t) { return t.may("gap_filling_ack", "delayed") ? ack_delay : at_once; }

/// Eight pieces: 1, 3, 5, 7 first (four holes), in every order; then 0, 2, 4, 6 in every order of another index.
void four_holes(Tester& t, unsigned first_order, unsigned second_order) {
  const auto permutation = [](unsigned index) {
    std::array<std::size_t, 4> order = {0, 1, 2, 3};
    for (unsigned n = 0; n < index; ++n) std::next_permutation(order.begin(), order.end());
    return order;
  };
  t.reach(State::established);
  const std::uint32_t base = t.R();
  std::array<bool, 8> have{};
  const auto edge = [&] {
    std::size_t k = 0;
    while (k < 8 && have[k]) ++k;
    return base + static_cast<std::uint32_t>(k * piece);
  };
  for (const std::size_t i : permutation(first_order)) {
    const std::size_t k = 2 * i + 1;
    have[k] = true;
    t.send(nth(t, base, k));
    t.expect({.ack = base, .flags = ACK});  // at once
  }
  for (const std::size_t i : permutation(second_order)) {
    const std::size_t k = 2 * i;
    have[k] = true;
    t.send(nth(t, base, k));
    t.expect({.ack = edge(), .flags = ACK}, gap_filled(t));
  }
  t.user_receive(8 * piece);
  t.probe_state(State::established);
}

void gap_filling_ack(Tester& t) {
  t.reach(State::established);
  const std::uint32_t base = t.R();
  t.send(nth(t, base, 2));
  t.expect({.ack = base, .flags = ACK});
  t.step("a part of the gap, and the rest of it");
  t.send(nth(t, base, 0));
  t.expect({.ack = base + piece, .flags = ACK});
  t.send(nth(t, base, 1));
  t.expect({.ack = base + 3 * piece, .flags = ACK});
  t.user_receive(3 * piece);
}

void many_holes(Tester& t) {
  t.reach(State::established);
  const std::uint32_t base = t.R();
  t.step("ten pieces above holes; a receiver may drop what it can't hold");
  for (std::size_t k = 1; k < 20; k += 2) {
    t.send(nth(t, base, k));
    t.expect({.ack = base, .flags = ACK});
  }
  t.step("everything again, in order");
  std::uint32_t edge = base;
  for (std::size_t k = 0; k < 20; ++k) {
    t.send(nth(t, base, k));
    const Received ack = t.expect_loose({.seq = t.S(), .flags_set = ACK, .flags_clear = FIN | RST | SYN}, ack_delay);
    t.check(seq_le(base + static_cast<std::uint32_t>((k + 1) * piece), *ack.ack), "the ACK lags behind");
    edge = *ack.ack;
  }
  t.check_equal(edge, base + 2000, "the last ACK");
  t.user_receive(2000);
}

void duplicate(Tester& t) {
  t.reach(State::established);
  const Segment text = t.text_at(t.R(), 100);
  t.send_text(100);
  t.expect_delayed_ack();
  t.step("the same segment again");
  t.send(text);
  t.expect_ack();
  t.send(text);
  t.expect_ack();
  t.user_receive(100);
  t.receive(1, CallStatus::would_block);
  t.send_text(10);
  t.expect_delayed_ack();
  t.user_receive(10);
}

void overlap_left(Tester& t, std::uint32_t old_octets) {
  t.reach(State::established);
  t.send_text(100);
  t.expect_delayed_ack();
  t.step("a segment that begins " + std::to_string(old_octets) + " octets before RCV.NXT");
  t.send(t.text_at(t.R() - old_octets, old_octets + 50));
  t.expect({.ack = t.R() + 50, .flags = ACK}, ack_delay);
  t.user_receive(150);
  t.receive(1, CallStatus::would_block);
  t.probe_state(State::established);
}

void overlap_ranges(Tester& t) {
  t.reach(State::established);
  const std::uint32_t base = t.R();
  const struct {
    std::uint32_t from, to;
  } pieces[] = {{200, 300}, {250, 350}, {100, 220}, {400, 500}, {340, 410}, {150, 450}};
  for (const auto& p : pieces) {
    t.send(t.text_at(base + p.from, p.to - p.from));
    t.expect({.ack = base, .flags = ACK});
  }
  t.send(t.text_at(base, 120));
  t.expect({.ack = base + 500, .flags = ACK}, gap_filled(t));
  t.user_receive(500);
  t.probe_state(State::established);
}

void covering_segment(Tester& t) {
  t.reach(State::established);
  const std::uint32_t base = t.R();
  t.send(t.text_at(base + 100, 50));
  t.expect({.ack = base, .flags = ACK});
  t.send(t.text_at(base + 300, 50));
  t.expect({.ack = base, .flags = ACK});
  t.step("one segment over both");
  t.send(t.text_at(base, 500));
  t.expect({.ack = base + 500, .flags = ACK}, ack_delay);
  t.user_receive(500);
  t.probe_state(State::established);
}

struct Across {
  std::uint32_t from, to;  ///< what is missing when a segment across the right edge was refused, behind R
  std::uint32_t beyond;    ///< octets that it had beyond the window
};

/// The ACK of the whole window, [base, base + w), after a segment across its right edge; then the user reads.
void expect_window_taken(Tester& t, std::uint32_t base, std::uint32_t w, const Across& across) {
  std::vector<Segment> legal = {{.ack = base + w, .flags = ACK}};
  if (t.may("across_window", "dropped")) legal.push_back({.ack = base + across.from, .flags = ACK});
  if (t.may("beyond_window", "taken")) legal.push_back({.ack = base + w + across.beyond, .flags = ACK});
  t.expect_one_of(legal, ack_delay);
  if (t.R() == base + across.from) {
    t.step("the segment across the edge was refused whole: what fits comes again");
    t.send(t.text_at(base + across.from, across.to - across.from));
    t.expect({.ack = base + w, .flags = ACK}, ack_delay);
  }
  if (!t.may("beyond_window", "taken")) t.check_equal(t.W(), 0U, "the window that is left");
  t.user_receive(t.R() - base);
}

void right_edge(Tester& t) {
  t.reach(State::established);
  t.c().need_unread();
  const std::uint32_t base = t.R();
  const std::uint32_t w = t.W();
  t.step("the last octet of the window is taken");
  t.send(t.text_at(base + w - 10, 10));
  t.expect({.ack = base, .flags = ACK});
  t.step("octets beyond the window are not");
  t.send(t.text_at(base + w, 10));
  t.expect({.ack = base, .flags = ACK});
  t.send(t.text_at(base + w - 20, 40));
  t.expect({.ack = base, .flags = ACK});
  t.step("the rest, in order");
  std::uint32_t at = 0;
  while (at < w - 20) {
    const std::uint32_t n = std::min<std::uint32_t>(1000, w - 20 - at);
    const bool last = at + n == w - 20;
    t.send(t.text_at(base + at, n));
    at += n;
    if (!last) t.expect({.ack = base + at, .flags = ACK}, ack_delay);
  }
  expect_window_taken(t, base, w, {w - 20, w - 10, 20});
  t.receive(1, CallStatus::would_block);
}

void beyond_window_not_kept(Tester& t) {
  t.reach(State::established);
  const std::uint32_t base = t.R();
  const std::uint32_t w = t.W();
  t.send(t.text_at(base + w, 10));
  t.expect({.ack = base, .flags = ACK});
  std::uint32_t at = 0;
  while (at < w) {
    const std::uint32_t n = std::min<std::uint32_t>(1000, w - at);
    t.send(t.text_at(base + at, n));
    at += n;
    if (at < w || !t.may("beyond_window", "taken")) {
      t.expect({.ack = base + at, .flags = ACK}, ack_delay);
    } else {  // held by a receiver with more room than it has told
      t.expect_one_of({{.ack = base + w, .flags = ACK}, {.ack = base + w + 10, .flags = ACK}}, ack_delay);
    }
  }
  t.user_receive(t.R() - base);
  t.receive(1, CallStatus::would_block);
}

void straddles_right_edge(Tester& t) {
  t.reach(State::established);
  const std::uint32_t base = t.R();
  const std::uint32_t w = t.W();
  std::uint32_t at = 0;
  while (w - at > 1000) {
    t.send(t.text_at(base + at, 1000));
    at += 1000;
    t.expect({.ack = base + at, .flags = ACK}, ack_delay);
  }
  t.step("in order, and longer than the window that is left");
  t.send(t.text_at(base + at, w - at + 100));
  expect_window_taken(t, base, w, {at, w, 100});
  t.receive(1, CallStatus::would_block);
}

void fin_out_of_order(Tester& t) {
  t.reach(State::established);
  const std::uint32_t base = t.R();
  t.send({.seq = base + 100, .flags = FIN | ACK});
  t.expect({.ack = base, .flags = ACK});
  t.expect_no_notification(peer_fin);
  t.expect_status(State::established);
  t.step("the hole is filled");
  t.send(t.text_at(base, 100));
  const Received ack = t.expect_loose({.seq = t.S(), .flags_set = ACK, .flags_clear = FIN | RST | SYN});
  if (*ack.ack == base + 100) {  // the FIN may have been dropped: again
    t.send({.seq = base + 100, .flags = FIN | ACK});
    t.expect({.ack = base + 101, .flags = ACK});
  } else {
    t.check_equal(*ack.ack, base + 101, "the ACK of text and FIN");
  }
  t.expect_notification(peer_fin);
  t.user_receive(100);
  t.receive(1, CallStatus::closing);
  t.probe_state(State::close_wait);
}

void text_and_fin_out_of_order(Tester& t) {
  t.reach(State::established);
  const std::uint32_t base = t.R();
  t.send(t.text_at(base + 100, 100, ACK | PSH | FIN));
  t.expect({.ack = base, .flags = ACK});
  t.send(t.text_at(base + 50, 50));
  t.expect({.ack = base, .flags = ACK});
  t.expect_status(State::established);
  t.send(t.text_at(base, 50));
  const Received ack = t.expect_loose({.seq = t.S(), .flags_set = ACK, .flags_clear = FIN | RST | SYN});
  if (*ack.ack == base + 200) {
    t.send({.seq = base + 200, .flags = FIN | ACK});
    t.expect({.ack = base + 201, .flags = ACK});
  } else {
    t.check_equal(*ack.ack, base + 201, "the ACK of text and FIN");
  }
  t.user_receive(200);
  t.receive(1, CallStatus::closing);
  t.probe_state(State::close_wait);
}

void text_beyond_fin(Tester& t) {
  t.reach(State::established);
  t.send_text(10, FIN);
  t.expect_delayed_ack();
  t.user_receive(10);
  t.step("text after the FIN is never delivered");
  t.send({.seq = t.R(), .flags = ACK | PSH, .payload = Bytes(20, 0x55)});
  t.allow({.flags = ACK}, ack_delay);
  t.send({.seq = t.R() - 1, .flags = ACK | PSH, .payload = Bytes(20, 0x55)});
  t.allow({.flags = ACK}, ack_delay);
  t.receive(100, CallStatus::closing);
  t.probe_state(State::close_wait);
}

void two_connections_overlap(Tester& t) {
  Conn& a = t.add_conn();
  Conn& b = t.add_conn();
  a.reach(State::established);
  b.reach(State::established);
  t.step("an overlapping segment on one, text on the other, back to back");
  for (int round = 0; round < 5; ++round) {
    const std::uint32_t ra = a.R;
    const std::uint32_t rb = b.R;
    const std::vector<Segment> burst = {a.fill(a.text_at(ra, 100)), a.fill(a.text_at(ra + 50, 100)),
                                        b.fill(b.text_at(rb, 80)), a.fill(a.text_at(ra + 120, 60)),
                                        b.fill(b.text_at(rb + 80, 80))};
    a.send_burst(burst);
    std::uint64_t until = t.now() + ack_delay;
    while (t.now() < until) {
      if (!t.next(until - t.now())) break;
    }
    t.check_equal(a.R, ra + 180, "ACK of the first connection");
    t.check_equal(b.R, rb + 160, "ACK of the second connection");
    a.user_receive(180);
    b.user_receive(160);
  }
}

void back_to_back(Tester& t) {
  std::vector<Conn*> conns;
  for (int n = 0; n < 4; ++n) {
    conns.push_back(&t.add_conn());
    conns.back()->reach(State::established);
  }
  std::vector<Segment> burst;
  for (int round = 0; round < 6; ++round) {
    for (std::size_t i = 0; i < conns.size(); ++i) {
      Conn& c = *conns[i];
      const std::size_t n = 20 + 13 * i + static_cast<std::size_t>(round);
      burst.push_back(c.fill(c.text_at(c.R, n)));
      c.R += static_cast<std::uint32_t>(n);
    }
  }
  conns[0]->send_burst(burst);
  const std::uint64_t until = t.now() + ack_delay;
  while (t.now() < until) {
    if (!t.next(until - t.now())) break;
  }
  for (std::size_t i = 0; i < conns.size(); ++i) {
    conns[i]->user_receive(6 * (20 + 13 * i) + 15);
    conns[i]->probe_state(State::established);
  }
}

}  // namespace

void register_protocol_reassembly(Registry& r) {
  for (unsigned order = 0; order < 24; ++order) {
    // One permutation of the pieces above the holes, and another one of those that fill them.
    Case c{.id = "protocol/reassembly-four-holes-" + std::to_string(order),
           .title = "Four holes, order " + std::to_string(order),
           .rules = {"SHLD-31", "ST-ESTABLISHED-TXT-OOO", "RFC5681-3.2-1", "RFC5681-3.2-2", "RFC5681-4.2-4",
                     "RFC6582-5-1", "RFC9293-3.4-4"},
           .description =
               "Pieces 1, 3, 5, 7 of eight arrive in one of the 24 orders, each drawing an ACK of RCV.NXT at once; "
               "then 0, 2, 4, 6 in another order, each drawing an ACK up to the next hole. All octets are delivered, "
               "once.",
           .run = [order](Tester& t) { four_holes(t, order, (order * 7 + 5) % 24); },
           .level = Level::should};
    if (order % 6 == 0) {
      r.add_with_wrap(std::move(c));
    } else {
      r.add(std::move(c));
    }
  }
  r.add({.id = "protocol/reassembly-gap-filling-ack",
         .title = "A segment that fills a gap, or a part of it, is acknowledged at once",
         .rules = {"RFC5681-3.2-2", "RFC5681-4.2-4", "RFC6582-5-1"},
         .description = "Two of three pieces are missing below the third: each of them draws its ACK at once.",
         .run = gap_filling_ack,
         .level = Level::should});
  const auto add = [&r](const char* name, const char* title, std::vector<std::string> rules, const char* description,
                        std::function<void(Tester&)> run, Level level = Level::must) {
    r.add_with_wrap({.id = std::string("protocol/reassembly-") + name,
                     .title = title,
                     .rules = std::move(rules),
                     .description = description,
                     .run = std::move(run),
                     .level = level});
  };
  add("many-holes", "Ten holes: what can't be held is dropped, nothing is lost for good",
      {"SHLD-31", "ST-ESTABLISHED-TXT-OOO", "RFC9293-3.4-4"},
      "Ten pieces above ten holes, then everything again in order: all 2000 octets are delivered, once.", many_holes);
  add("duplicate", "A repeated segment draws an ACK and is not delivered again",
      {"ST-ESTABLISHED-SEQ-BAD", "RFC9293-3.5.2-4", "RFC9293-3.4-3d"},
      "100 octets, and the same twice more: an ACK at once each; the user reads 100 octets.", duplicate);
  for (const std::uint32_t old_octets : {1U, 2U, 3U, 50U, 100U}) {
    const std::string n = std::to_string(old_octets);
    r.add_with_wrap({.id = "protocol/reassembly-overlap-left-" + n,
                     .title = "A segment with " + n + " old octets in front",
                     .rules = {"RFC9293-3.10.7.4-5", "ST-ESTABLISHED-TXT-OVL"},
                     .description = "The segment begins " + n +
                                    " octets before RCV.NXT and brings 50 new ones: the new ones are delivered, once.",
                     .run = [old_octets](Tester& t) { overlap_left(t, old_octets); }});
  }
  add("overlap-ranges", "Segments above a hole that overlap each other", {"SHLD-31", "RFC9293-3.10.7.4-5"},
      "Six segments above RCV.NXT, overlapping in several ways, then the first: all 500 octets are delivered, once.",
      overlap_ranges, Level::should);
  add("covering", "A segment that covers text held above holes",
      {"SHLD-31", "RFC9293-3.10.7.4-5", "ST-ESTABLISHED-TXT-OVL"},
      "Two pieces are held; one segment brings them and everything around: one ACK, 500 octets, once.",
      covering_segment);
  add("right-edge", "The window is taken to its last octet and not beyond",
      {"RFC9293-3.4-3d", "RFC9293-3.8.6-1", "RFC9293-3.10.7.4-5", "SHLD-31", "ST-ESTABLISHED-TXT-OVL"},
      "Text at the right edge, beyond it, and across it; then all before it: exactly the window is delivered.",
      right_edge, Level::should);
  add("beyond-window", "Text beyond the window is not kept", {"RFC9293-3.8.6-1", "ST-ESTABLISHED-SEQ-BAD"},
      "10 octets at R+W draw an ACK; after the whole window was filled in order, they are not there.",
      beyond_window_not_kept);
  add("straddles-right-edge", "Text across the right edge: what fits is taken",
      {"RFC9293-3.10.7.4-5", "RFC9293-3.8.6-1", "RFC9293-3.4-3d", "ST-ESTABLISHED-TXT-OVL"},
      "In-order text that is 100 octets longer than the window left: ACK up to the edge, window 0; or it is refused "
      "whole, and taken when it comes again without them.",
      straddles_right_edge);
  add("fin-out-of-order", "A FIN above a hole closes nothing until the hole is filled",
      {"ST-ESTABLISHED-FIN-OOO", "RFC9293-3.8-1"},
      "FIN 100 octets above RCV.NXT: an ACK of RCV.NXT. With the text in place the FIN counts, or counts when "
      "repeated.",
      fin_out_of_order);
  add("text-and-fin-out-of-order", "Text and FIN above holes", {"ST-ESTABLISHED-FIN-OOO", "SHLD-31"},
      "The last piece with FIN, the second piece, the first piece: all octets, then end of file.",
      text_and_fin_out_of_order, Level::should);
  add("text-beyond-fin", "Text after the FIN is not delivered", {"ST-CLOSE-WAIT-TXT-INORD", "ST-CLOSE-WAIT-TXT-OVL"},
      "In CLOSE_WAIT text at and across RCV.NXT: silence or ACK, nothing delivered, RCV.NXT does not move.",
      text_beyond_fin);
  r.add({.id = "protocol/reassembly-two-connections",
         .title = "An overlapping segment of one connection does no harm to another",
         .rules = {"RFC9293-3.10.7.4-5", "RFC9293-3.9.1.1-1"},
         .description = "Segments of two connections back to back, some overlapping: each user reads its own octets.",
         .run = two_connections_overlap});
  r.add({.id = "protocol/back-to-back",
         .title = "24 segments of four connections back to back",
         .rules = {"MUST-58", "MUST-59", "RFC5681-4.2-5", "ST-ESTABLISHED-TXT-INORD"},
         .description = "Segments of different lengths without a pause between them: all octets reach the right users.",
         .run = back_to_back});
}

}  // namespace tiptoe::conformance::cases
