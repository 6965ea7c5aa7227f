// SPDX-License-Identifier: Apache-2.0
// Every one-bit error of a segment, and checksums at their corners: nothing may happen, then the intact copy works.
#include "../support.hpp"

namespace tiptoe::conformance::cases {

namespace {

/// The TCP checksum covers addresses, protocol and length too, the IPv4 checksum its header: no single bit gets
/// through. With `words` only every n-th bit is tried, so that the case stays short; the first 40 octets are tried in
/// full.
void every_bit(Tester& t, const Segment& intact, const std::string& what) {
  Conn& c = t.c();
  const Bytes good = c.fill(intact).build();
  for (std::size_t bit = 0; bit < good.size() * 8; ++bit) {
    Bytes bad = good;
    bad[bit / 8] = static_cast<std::uint8_t>(bad[bit / 8] ^ (0x80U >> (bit % 8)));
    t.send_raw(bad, what + " with bit " + std::to_string(bit) + " flipped");
  }
  t.expect_nothing(ack_delay);
}

void flipped_text(Tester& t, std::size_t n) {
  t.reach(State::established);
  every_bit(t, t.text_at(t.R(), n), "text of " + std::to_string(n) + " octets");
  t.receive(1, CallStatus::would_block);
  t.step("the intact copy is taken");
  t.send_text(n);
  t.expect_delayed_ack();
  t.user_receive(n);
  t.probe_state(State::established);
}

void flipped_syn(Tester& t) {
  t.listen();
  every_bit(t, {.seq = t.c().isn, .flags = SYN, .options = Options().mss(1400).nop().nop().sack_permitted()}, "a SYN");
  t.reach(State::established);
  t.probe_state(State::established);
}

void flipped_syn_ack(Tester& t) {
  t.reach(State::syn_sent, Role::active);
  every_bit(t, {.seq = t.c().isn, .flags = SYN | ACK, .options = Options().mss(1400)}, "a SYN,ACK");
  t.expect_status(State::syn_sent);
  t.send({.seq = t.c().isn, .flags = SYN | ACK});
  t.expect_ack();
  t.probe_state(State::established);
}

void flipped_ack(Tester& t) {
  t.reach(State::syn_received);
  every_bit(t, {.flags = ACK}, "the last ACK of the handshake");
  t.accept(CallStatus::would_block);
  t.send_ack();
  t.expect_nothing();
  t.accept();
  t.probe_state(State::established);
}

void flipped_fin(Tester& t) {
  t.reach(State::established);
  every_bit(t, {.flags = FIN | ACK}, "a FIN");
  t.expect_no_notification(peer_fin);
  t.expect_status(State::established);
  t.send_fin();
  t.expect_delayed_ack();
  t.probe_state(State::close_wait);
}

void flipped_rst(Tester& t) {
  t.reach(State::established);
  every_bit(t, {.flags = RST}, "a RST");
  t.expect_no_notification(was_reset | closed);
  t.probe_state(State::established);
  t.send({.flags = RST});
  t.expect_notification(was_reset | closed);
  t.probe_gone();
}

/// Checksum values at the corners, reached by the payload: the field is 0x0000, 0xFFFF, or the sum needs a second
/// carry.
Segment with_sum(Conn& c, std::uint16_t wanted, std::size_t n) {
  Segment s = c.fill({.flags = ACK | PSH, .payload = Bytes(n, 0xFF)});
  s.payload->at(0) = s.payload->at(1) = 0;
  const Segment base = Segment::parse(s.build());
  // sum + x = ~wanted in ones' complement, with x in the first two octets of the text
  const std::uint32_t sum = 0xFFFFU - base.checksum.value_or(0);
  const std::uint32_t target = 0xFFFFU - wanted;
  std::uint32_t x = target >= sum ? target - sum : target + 0xFFFFU - sum;
  s.payload->at(0) = static_cast<std::uint8_t>(x >> 8);
  s.payload->at(1) = static_cast<std::uint8_t>(x);
  return s;
}

void corner_sums(Tester& t) {
  t.reach(State::established);
  Conn& c = t.c();
  c.check_text = false;
  for (const std::size_t n : {2U, 3U, 536U, 537U, 1459U, 1460U}) {
    for (const std::uint16_t sum :
         {std::uint16_t{0x0000}, std::uint16_t{0x0001}, std::uint16_t{0xFFFE}, std::uint16_t{0x8000}}) {
      Segment s = with_sum(c, sum, n);
      const std::uint16_t is = Segment::parse(s.build()).checksum.value_or(1);
      t.step("checksum " + std::to_string(is) + ", " + std::to_string(n) + " octets");
      Segment wrong = s;
      for (const std::uint16_t value : {static_cast<std::uint16_t>(is ^ 0x0001U),
                                        static_cast<std::uint16_t>(is ^ 0x8000U), static_cast<std::uint16_t>(~is)}) {
        if (value == 0xFFFF && is == 0) continue;  // the other zero
        if (value == 0 && is == 0xFFFF) continue;
        wrong.checksum = value;
        t.send_raw(wrong.build(), "a wrong checksum");
      }
      t.expect_nothing(ack_delay);
      c.send(s);
      c.expect({.ack = c.R + static_cast<std::uint32_t>(n), .flags = ACK}, ack_delay);
      const CallResult got = c.receive(4000);
      t.check(got.data == *s.payload, "other octets than the tester sent reached the user");
    }
  }
}

void corner_sums_sent(Tester& t) {
  t.reach(State::established);
  Conn& c = t.c();
  c.check_text = false;
  t.set("DELACK", 0);
  for (unsigned n = 0; n < 64;
       ++n) {  // every datagram of the device has its checksum verified; here the sums are extreme
    Bytes text(2 + n % 7, static_cast<std::uint8_t>(n % 2 != 0 ? 0xFF : 0x00));
    t.check(t.dut().send(*c.handle, text).status == CallStatus::ok, "SEND failed");
    c.user_supplied += text.size();
    Received first = c.expect_loose({.seq = c.S, .payload = text, .flags_set = ACK});
    c.send_ack();
    t.expect_nothing(0);
    // Now the first two octets are chosen so that the sum becomes what is wanted.
    Bytes next(text.size(), 0);
    Segment probe = first;
    probe.seq = *first.seq + static_cast<std::uint32_t>(text.size());
    probe.payload = next;
    probe.id.reset();
    probe.checksum.reset();
    probe.ip_checksum.reset();
    const std::uint32_t sum = 0xFFFFU - Segment::parse(probe.build()).checksum.value_or(0);
    const std::uint32_t target = n % 3 == 0 ? 0xFFFFU : n % 3 == 1 ? 0xFFFEU : 0x0001U;
    const std::uint32_t x = target >= sum ? target - sum : target + 0xFFFFU - sum;
    next[0] = static_cast<std::uint8_t>(x >> 8);
    next[1] = static_cast<std::uint8_t>(x);
    t.check(t.dut().send(*c.handle, next).status == CallStatus::ok, "SEND failed");
    c.user_supplied += next.size();
    c.expect_loose({.seq = c.S, .payload = next, .flags_set = ACK});
    c.send_ack();
    t.expect_nothing(0);
  }
}

}  // namespace

void register_hostile_flips(Registry& r) {
  const auto add = [&r](const std::string& name, const std::string& title, const std::string& description,
                        std::function<void(Tester&)> run,
                        std::vector<std::string> rules = {"MUST-3", "RFC1122-3.2.1.2-1"}) {
    r.add({.id = "hostile/flip-" + name,
           .title = title,
           .rules = std::move(rules),
           .description = description,
           .run = std::move(run)});
  };
  for (const std::size_t n : {1U, 2U, 7U, 64U, 65U}) {
    add("text-" + std::to_string(n), "Every bit of a datagram with " + std::to_string(n) + " octets of text, flipped",
        "Each copy with one wrong bit, in the IPv4 header, the TCP header or the text: silence, nothing delivered; "
        "then the "
        "intact copy is taken.",
        [n](Tester& t) { flipped_text(t, n); });
  }
  add("syn", "Every bit of a SYN, flipped", "No copy opens anything; the intact one does.", flipped_syn);
  add("syn-ack", "Every bit of a SYN,ACK, flipped", "No copy completes the open; the intact one does.",
      flipped_syn_ack);
  add("ack", "Every bit of the last ACK of a handshake, flipped", "No copy opens; the intact one does.", flipped_ack);
  add("fin", "Every bit of a FIN, flipped", "No copy closes; the intact one does.", flipped_fin);
  add("rst", "Every bit of a RST, flipped", "No copy resets; the intact one does.", flipped_rst);
  r.add({.id = "hostile/checksum-corners",
         .title = "Checksums of 0x0000, 0x0001, 0x8000 and 0xFFFE",
         .rules = {"MUST-3", "RFC9293-3.1-6"},
         .description =
             "Text whose right checksum is at a corner, at odd and even lengths: wrong values are dropped, the "
             "right one is taken.",
         .run = corner_sums});
  r.add({.id = "hostile/checksum-corners-sent",
         .title = "Text whose checksum is extreme, sent by the device",
         .rules = {"MUST-2", "RFC9293-3.1-6"},
         .description = "The user sends octets that drive the sum to 0xFFFF, 0xFFFE and 1: every datagram verifies.",
         .run = corner_sums_sent});
}

}  // namespace tiptoe::conformance::cases
