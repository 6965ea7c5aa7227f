// SPDX-License-Identifier: Apache-2.0
// TCP headers that are malformed or unusual: data offset, options, reserved bits.
#include "../support.hpp"

namespace tiptoe::conformance::cases {

namespace {

/// A fresh connection still opens and carries text both ways.
void alive(Tester& t) {
  t.step("a fresh connection");
  Conn& c = t.add_conn();
  c.reach(State::established);
  c.probe_state(State::established);
}

struct Header {
  const char* name;
  Bytes octets;
  bool impossible = false;  ///< the length of an option
};

const std::vector<Header>& headers() {
  static const std::vector<Header> all = {
      {"length-0", {77, 0, 1, 1}, true},
      {"length-1", {77, 1, 1, 1}, true},
      {"length-past-end", {77, 5, 1, 1}, true},
      {"length-255", {77, 255, 1, 1}, true},
      {"kind-at-the-end", {1, 1, 1, 77}, true},
      {"mss-kind-at-the-end", {1, 1, 1, 2}, true},
      {"mss-length-0", {2, 0, 1, 1}, true},
      {"mss-length-1", {2, 1, 1, 1}, true},
      {"mss-length-2", {2, 2, 1, 1}, true},
      {"mss-length-3", {2, 3, 5, 1}, true},
      {"mss-length-5", {2, 5, 5, 5, 5, 1, 1, 1}, true},
      {"mss-length-40", {2, 40, 5, 0xB4}, true},
      {"mss-cut", {1, 1, 2, 4}, true},
      {"eol-early", {0, 2, 4, 0, 100, 77, 0, 77}},
      {"nop-flood", Bytes(40, 1)},
      {"eol-flood", Bytes(40, 0)},
      {"unknown-kinds", {77, 2, 128, 3, 9, 254, 4, 1, 2, 255, 5, 1, 2, 3, 1, 1}},
      {"unknown-40", {77, 40, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
                      0,  0,  0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}},
      {"length-2-flood", {77, 2, 77, 2, 77, 2, 77, 2, 77, 2, 77, 2, 77, 2, 77, 2, 77, 2, 77, 2,
                          77, 2, 77, 2, 77, 2, 77, 2, 77, 2, 77, 2, 77, 2, 77, 2, 77, 2, 77, 2}},
      {"all-ones", Bytes(40, 0xFF), true},
  };
  return all;
}

/// The answer to a segment with an impossible option that was not taken as if it had none.
void check_reaction(Tester& t, const std::optional<Received>& answer, bool skipped) {
  const char* const reaction = skipped ? "skipped" : answer ? "reset" : "discarded";
  t.check(!answer || skipped || answer->has(RST), "the segment draws " + (answer ? answer->form() : ""));
  t.check(t.may("malformed_tcp_options", reaction), std::string("an option of impossible length: ") + reaction);
}

/// On a SYN: it opens (or is dropped, or reset, as MUST-7 suggests, where a length is impossible), the default MSS
/// counts; on text: the same octets arrive; the device lives.
void with_options(Tester& t, const Header& h) {
  const bool free =
      h.impossible && (t.may("malformed_tcp_options", "discarded") || t.may("malformed_tcp_options", "reset"));
  t.listen();
  Conn& c = t.add_conn();
  t.step("on a SYN");
  c.send({.seq = c.isn, .flags = SYN, .options = Options{h.octets}});
  bool skipped = true;
  if (free) {
    const auto answer = t.next();
    skipped = answer && answer->has(SYN);
    check_reaction(t, answer, skipped);
  } else {
    c.expect_syn_ack();
  }
  if (!skipped) {
    c.restart(c.isn);
    c.send({.seq = c.isn, .flags = SYN});
    c.expect_syn_ack();
  }
  c.send({.flags = ACK, .options = skipped ? Options{h.octets} : Options{}});
  t.expect_nothing();
  c.accept();
  t.step("the MSS is the default");
  c.user_send(2000);
  const auto burst = take_burst(t, c);
  for (const Received& s : burst)
    t.check(s.text_length() <= 536, "a segment of " + std::to_string(s.text_length()) + " octets");
  c.send_ack();
  while (c.user_offset(c.S) < 2000) {
    const std::uint32_t before = c.S;
    take_burst(t, c);
    if (c.S == before) t.fail_silent("the rest of 2000 octets, " + std::to_string(c.user_offset(c.S)) + " have come");
    c.send_ack();
  }
  t.step("on text");
  for (int n = 0; n < 3; ++n) {
    Segment text = c.text_at(c.R, 11);
    text.options = Options{h.octets};
    c.send(text);
    if (!skipped) {
      const auto answer = t.next(ack_delay);
      if (!answer) c.receive(1, CallStatus::would_block);
      check_reaction(t, answer, answer && answer->flags == ACK);
      if (answer && answer->has(RST)) return alive(t);
      if (!answer) continue;
    } else {
      c.expect({.ack = c.R + 11, .flags = ACK}, ack_delay);
    }
    c.user_receive(11);
  }
  if (!skipped) {
    t.step("without them the connection works");
    c.probe_state(State::established);
    return alive(t);
  }
  t.step("on a FIN");
  c.send({.flags = FIN | ACK, .options = Options{h.octets}});
  c.expect({.ack = c.R + 1, .flags = ACK}, ack_delay);
  alive(t);
}

void unaligned_mss(Tester& t, std::size_t shift) {
  t.listen();
  Conn& c = t.add_conn();
  Options o;
  for (std::size_t n = 0; n < shift; ++n) o.nop();
  c.send({.seq = c.isn, .flags = SYN, .options = o.mss(300)});
  c.expect_syn_ack();
  c.send_ack();
  t.expect_nothing();
  c.accept();
  c.user_send(600);
  for (const Received& s : take_burst(t, c)) t.check(s.text_length() <= 300, "more than the peer's MSS of 300");
  c.send_ack();
  take_burst(t, c);
}

/// Options that the device does not know, and behind them the one that it must know.
void mss_behind_unknown(Tester& t) {
  t.listen();
  const Bytes before[] = {
      {77, 2}, {77, 3, 9}, {254, 8, 1, 2, 3, 4, 5, 6}, {3, 3, 7, 1, 4, 2}, {8, 10, 0, 0, 0, 1, 0, 0, 0, 0}};
  for (const Bytes& b : before) {
    Conn& c = t.add_conn();
    c.send({.seq = c.isn, .flags = SYN, .options = Options{b}.mss(300)});
    c.expect_syn_ack();
    c.send_ack();
    t.expect_nothing();
    c.accept();
    c.user_send(300);
    c.expect_text(300);
    c.send_ack();
    c.user_send(301);
    for (const Received& s : take_burst(t, c)) t.check(s.text_length() <= 300, "more than the peer's MSS of 300");
    c.send_ack();
    take_burst(t, c);
    c.send_ack();
  }
}

void data_offset(Tester& t, std::uint8_t words, std::size_t text) {
  t.listen();
  Conn& c = t.add_conn();
  const auto bad = [&](Conn& on, Segment s) {
    s = on.fill(std::move(s));
    s.payload = Bytes(text, 0x5A);
    s.data_offset = words;
    t.send_raw(s.build(), "a segment with data offset " + std::to_string(words));
    t.expect_nothing(20_us);
  };
  bad(c, {.seq = c.isn, .flags = SYN});
  bad(c, {.seq = 5, .ack = 7, .flags = ACK});
  c.reach(State::established);
  for (const std::uint8_t flags :
       {ACK, static_cast<std::uint8_t>(ACK | FIN), RST, static_cast<std::uint8_t>(RST | ACK), SYN}) {
    bad(c, {.flags = flags});
  }
  c.expect_no_notification(static_cast<std::uint16_t>(peer_fin | was_reset | closed | readable));
  c.receive(1, CallStatus::would_block);
  c.probe_state(State::established);
  alive(t);
}

void reserved(Tester& t, std::uint8_t bits, std::uint8_t more) {
  t.listen();
  Conn& c = t.add_conn();
  const auto odd = [&](Segment s) {
    s.reserved = bits;
    s = c.fill(std::move(s));
    s.flags = static_cast<std::uint8_t>(*s.flags | more);
    return s;
  };
  c.send(odd({.seq = c.isn, .flags = SYN, .options = Options().mss(1000)}));
  c.expect_syn_ack();
  c.send(odd({.flags = ACK}));
  t.expect_nothing();
  c.accept();
  c.send(odd(c.text_at(c.R, 33)));
  c.expect({.ack = c.R + 33, .flags = ACK}, ack_delay);
  c.user_receive(33);
  c.user_send(10);
  c.expect_text(10);
  c.send(odd({.flags = ACK}));
  if (t.setting("RST5961") != 0) {  // without, a RST there counts
    c.send(odd({.seq = c.R + 5, .flags = RST}));
    c.allow({.flags = ACK});
  }
  c.send(odd({.flags = FIN | ACK}));
  c.expect({.ack = c.R + 1, .flags = ACK}, ack_delay);
  c.close();
  c.expect_fin();
  c.send(odd({.flags = ACK}));
  c.probe_gone();
}

}  // namespace

void register_hostile_options(Registry& r) {
  for (const Header& h : headers()) {
    r.add({.id = std::string("hostile/options-") + h.name,
           .title = std::string("TCP options: ") + h.name,
           .rules = {"MUST-5", "MUST-6", "MUST-7", "MUST-15", "RFC9293-3.2-3"},
           .description =
               "These option octets on SYN, ACK, text and FIN: nothing is misread, the text arrives, the MSS is "
               "the default of 536, and a fresh connection opens afterwards. Where a length is impossible the segment "
               "may "
               "be discarded or reset (choice malformed_tcp_options).",
           .run = [&h](Tester& t) { with_options(t, h); }});
  }
  for (const std::size_t shift : {1U, 2U, 3U, 5U, 7U, 35U, 36U}) {
    r.add({.id = "hostile/options-mss-at-" + std::to_string(shift),
           .title = "The MSS option behind " + std::to_string(shift) + " NOPs",
           .rules = {"MUST-64", "MUST-14", "MUST-4"},
           .description = "It is obeyed, on whatever boundary it starts.",
           .run = [shift](Tester& t) { unaligned_mss(t, shift); }});
  }
  r.add({.id = "hostile/options-mss-behind-unknown",
         .title = "The MSS option behind options that nobody knows",
         .rules = {"MUST-6", "MUST-14", "MUST-4"},
         .description = "Unknown kinds are skipped by their length, and the MSS of 300 behind them is obeyed.",
         .run = mss_behind_unknown});
  for (const unsigned words : {0U, 1U, 2U, 3U, 4U, 6U, 9U, 15U}) {
    const std::size_t text = words < 5 ? 24 : 4 * (words - 5) - 1;  // past the end by one octet
    r.add({.id = "hostile/data-offset-" + std::to_string(words),
           .title = "Data offset " + std::to_string(words) + (words < 5 ? "" : ", one octet past the end"),
           .rules = {"RFC9293-3.1-5", "RFC9293-3.1-4"},
           .description = "SYN, ACK, text, FIN and RST with it: silence, nothing happens, a fresh connection opens.",
           .run = [words, text](Tester& t) { data_offset(t, static_cast<std::uint8_t>(words), text); }});
  }
  for (const unsigned bits : {1U, 2U, 4U, 8U, 15U}) {
    r.add({.id = "hostile/reserved-" + std::to_string(bits),
           .title = "Reserved header bits " + std::to_string(bits),
           .rules = {"RFC9293-3.1-1"},
           .description = "They are ignored on receipt, from SYN to the last ACK, and are zero in every answer.",
           .run = [bits](Tester& t) { reserved(t, static_cast<std::uint8_t>(bits), 0); }});
  }
  for (const auto& [name, flags] :
       {std::pair{"ece", ECE}, std::pair{"cwr", CWR}, std::pair{"ece-cwr", static_cast<std::uint8_t>(ECE | CWR)}}) {
    const std::uint8_t more = flags;
    r.add({.id = std::string("hostile/reserved-") + name,
           .title = std::string("Header bits of ECN: ") + name,
           .rules = {"RFC9293-3.1-1"},
           .description = "A device without ECN ignores them.",
           .run = [more](Tester& t) { reserved(t, 0, more); }});
  }
}

}  // namespace tiptoe::conformance::cases
