// SPDX-License-Identifier: Apache-2.0
// TB-28, TB-33, TB-36 … TB-38: options, checksum, urgent, PSH, reserved bits on the wire.
#include "../support.hpp"

namespace tiptoe::conformance::cases {

namespace {

/// Opens with these options on the SYN; the device must answer, and obey the MSS that is in them.
void open_with(Tester& t, const Options& options, std::size_t most) {
  t.listen();
  t.send({.seq = t.c().isn, .flags = SYN, .options = options});
  const Received syn_ack = t.expect_syn_ack();
  const ParsedOptions answer = syn_ack.parsed_options();
  const ParsedOptions asked = parse_options(options.bytes);
  t.check(!answer.wscale || asked.wscale, "window scale in the SYN,ACK, none was in the SYN");
  t.check(!answer.timestamps || asked.timestamps, "timestamps in the SYN,ACK, none were in the SYN");
  t.check(!answer.sack_permitted || asked.sack_permitted, "SACK-permitted in the SYN,ACK, it was not in the SYN");
  t.send_ack();
  t.expect_notification(acceptable);
  t.accept();
  t.user_send(2 * most);
  expect_flights(t, t.c(), 2 * most, most);
  t.send_ack();
  t.expect_nothing();
}

struct OptionCase {
  const char* name;
  const char* text;
  Options options;
  std::size_t most;
  std::vector<std::string> rules;
};

std::vector<OptionCase> option_cases() {
  const Bytes eight(8, 0xEE);
  const Bytes long_one(34, 0x55);
  return {
      {"mss", "<mss 1000>", Options().mss(1000), 1000, {"MUST-4", "MUST-14"}},
      {"nop-mss",
       "<nop,nop,nop,mss 1000>: not on a 32-bit boundary",
       Options().nop().nop().nop().mss(1000),
       1000,
       {"MUST-4", "MUST-64"}},
      {"eol", "<mss 1000,eol> and zeros", Options().mss(1000).eol().pad(12, 0), 1000, {"MUST-4", "RFC9293-3.2-1"}},
      {"mss-after-eol",
       "<eol,mss 1000>: the MSS is behind the end",
       Options().eol().mss(1000).pad(8, 0),
       536,
       {"MUST-4", "RFC9293-3.2-1", "MUST-15"}},
      {"stevens",
       "<mss 512,nop,wscale 0,nop,nop,timestamp 146647 0>",
       Options().mss(512).nop().wscale(0).nop().nop().timestamps(146647, 0),
       512,
       {"MUST-4", "MUST-6"}},
      {"all",
       "<sackOK,timestamps,nop,wscale 7,mss 1000>",
       Options().sack_permitted().timestamps(1, 0).nop().wscale(7).mss(1000),
       1000,
       {"MUST-6", "MUST-64"}},
      {"unknown",
       "<253 of 10 octets,254 of 2,mss 1000>",
       Options().unknown(253, eight).unknown(254).mss(1000),
       1000,
       {"MUST-6"}},
      {"unknown-long",
       "<76 of 36 octets,mss 1000>: 40 octets of options",
       Options().unknown(76, long_one).mss(1000),
       1000,
       {"MUST-6"}},
  };
}

void options_on_any_segment(Tester& t) {
  t.reach(State::established);
  const Options options = Options().nop().nop().timestamps(5, 6);
  t.step("text with options: it begins at the data offset");
  Segment text = t.text_at(t.R(), 10);
  text.options = options;
  t.send(text);
  t.expect({.ack = t.R() + 10, .flags = ACK}, ack_delay);
  t.user_receive(10);
  t.step("40 octets of options");
  text = t.text_at(t.R(), 11);
  text.options = Options().unknown(200, Bytes(38, 1));
  t.send(text);
  t.expect({.ack = t.R() + 11, .flags = ACK}, ack_delay);
  t.user_receive(11);
  t.step("an ACK with options");
  t.user_send(10);
  t.expect_text(10);
  t.send({.flags = ACK, .options = Options().nop().eol().pad(4, 0)});
  t.expect_nothing(3_s);
  t.step("FIN with options");
  t.send({.flags = FIN | ACK, .options = options});
  t.expect({.ack = t.R() + 1, .flags = ACK}, ack_delay);
  t.expect_notification(peer_fin);
}

void malformed_option(Tester& t, const Options& options) {
  t.listen();
  t.step("on a SYN: survived, the connection may open or not");
  t.send({.seq = t.c().isn, .flags = SYN, .options = options});
  if (const auto answer = t.next()) {
    t.check(answer->has(ACK) && answer->ack == t.c().isn + 1, "neither SYN,ACK nor RST,ACK, but " + answer->form());
  }
  Conn& other = t.stranger();
  other.reach(State::established);
  t.step("on text: survived");
  Segment text = other.text_at(other.R, 10);
  text.options = options;
  other.send(text);
  if (other.allow({.ack = other.R + 10, .flags = ACK}, ack_delay)) other.user_receive(10);
  Conn& third = t.stranger();
  third.reach(State::established);
  third.probe_state(State::established);
}

void every_flipped_bit(Tester& t) {
  t.reach(State::established);
  Segment good = t.text_at(t.R(), 21);
  const Bytes bytes = t.c().fill(good).build();
  for (std::size_t bit = 0; bit < bytes.size() * 8; ++bit) {
    Bytes bad = bytes;
    bad[bit / 8] ^= static_cast<std::uint8_t>(0x80U >> (bit % 8));
    t.send_raw(bad, "a segment with bit " + std::to_string(bit) + " of the datagram flipped");
    t.expect_nothing(20);
  }
  t.expect_no_notification(readable);
  t.step("the intact segment");
  t.send(good);
  t.expect({.ack = t.R() + 21, .flags = ACK}, ack_delay);
  t.user_receive(21);
}

void wrong_destination(Tester& t) {
  t.reach(State::established);
  const Segment good = t.c().fill(t.text_at(t.R(), 20));
  const std::uint16_t checksum = *Segment::parse(good.build()).checksum;
  t.step("delivered to the device's other address, TCP checksum as for the first");
  Segment astray = good;
  astray.dst = device_ip_2;
  astray.checksum = checksum;
  t.send(astray);
  t.expect_nothing();
  t.step("from another source, TCP checksum as for the right one");
  astray = good;
  astray.src = peer_ip_2;
  astray.checksum = checksum;
  t.send(astray);
  t.expect_nothing();
  t.step("protocol in the pseudo-header, TCP length in the pseudo-header");
  astray = good;
  astray.checksum = static_cast<std::uint16_t>(checksum + 6);
  t.send(astray);
  t.expect_nothing();
  astray.checksum = static_cast<std::uint16_t>(checksum + 40);
  t.send(astray);
  t.expect_nothing();
  t.send_text(20);
  t.expect_delayed_ack();
  t.user_receive(20);
}

void every_length(Tester& t) {
  t.reach(State::established);
  t.c().set_options(true, false);
  for (std::size_t n = 1; n <= 70; ++n) {
    t.send_text(n);
    t.expect_delayed_ack();
    t.user_receive(n);
    t.user_send(n);
    t.expect_text(n);
    t.send_ack();
  }
  t.expect_nothing();
}

/// Two octets of text decide the sum: the checksum field becomes what we want.
Segment with_checksum(Tester& t, std::uint16_t wanted) {
  Segment s = t.c().fill({.flags = ACK | PSH, .payload = Bytes(20)});
  const std::uint16_t now = *Segment::parse(s.build()).checksum;
  // checksum = ~(sum + word): word = ~wanted - ~now, in ones' complement.
  std::uint32_t word = (0xFFFFU ^ wanted) + now;
  while (word > 0xFFFF) word = (word & 0xFFFF) + (word >> 16);
  (*s.payload)[0] = static_cast<std::uint8_t>(word >> 8);
  (*s.payload)[1] = static_cast<std::uint8_t>(word);
  return s;
}

void checksum_zero(Tester& t) {
  t.c().check_text = false;
  t.reach(State::established);
  for (const std::uint16_t wanted : {std::uint16_t{0x0000}, std::uint16_t{0x0001}, std::uint16_t{0xFFFE}}) {
    Segment s = with_checksum(t, wanted);
    const std::uint16_t got = *Segment::parse(s.build()).checksum;
    t.step("a correct checksum of " + std::to_string(got));
    if (got != wanted) t.inconclusive("no text gives the checksum " + std::to_string(wanted));
    t.send(s);
    t.expect({.ack = t.R() + 20, .flags = ACK}, ack_delay);
    t.check(t.receive(100).data == *s.payload, "other octets than were sent");
  }
}

void urgent_announced(Tester& t) {
  t.reach(State::established);
  t.send_text(10);
  t.expect_delayed_ack();
  t.expect_no_notification(Notification::urgent);
  t.step("an urgent pointer without URG means nothing");
  Segment text = t.text_at(t.R(), 10);
  text.urgent = std::uint16_t{5};
  t.send(text);
  t.expect({.ack = t.R() + 10, .flags = ACK}, ack_delay);
  t.expect_no_notification(Notification::urgent);
  t.step("URG");
  text = t.text_at(t.R(), 10, ACK | PSH | URG);
  text.urgent = std::uint16_t{5};
  t.send(text);
  t.expect({.ack = t.R() + 10, .flags = ACK}, ack_delay);
  t.expect_notification(Notification::urgent);
  t.step("left: the next text is ordinary");
  t.send_text(10);
  t.expect_delayed_ack();
  t.expect_no_notification(Notification::urgent);
  t.user_receive(40);
}

void push_at_once(Tester& t) {
  t.reach(State::established);
  t.step("on the last segment of a SEND");
  t.user_send(2000);
  const Received first = t.expect_text(1460);
  const Bytes rest = t.c().user_text(t.c().user_offset(t.S()), 540);
  auto early = t.c().allow({.flags = ACK, .payload = rest});  // Nagle's algorithm may hold it back
  t.send_ack();
  const Received last = early ? *early : t.expect_text(540);
  t.check(last.has(PSH), "the last segment of a SEND has no PSH");
  t.check(!first.has(PSH) || t.may("push", "any"), "a segment in the middle of a SEND has PSH");
  t.send_ack();
  t.step("received text is handed on with or without PSH");
  for (const std::uint8_t flags : {std::uint8_t{ACK}, std::uint8_t{ACK | PSH}}) {
    t.send(t.text_at(t.R(), 10, flags));
    t.expect_notification(readable);
    t.user_receive(10);
    t.expect({.ack = t.R() + 10, .flags = ACK}, ack_delay);
  }
}

void reserved_bits(Tester& t) {
  t.listen();
  t.send({.seq = t.c().isn, .flags = SYN, .options = Options().mss(1460), .reserved = std::uint8_t{0xF}});
  t.expect_syn_ack();
  t.send({.flags = ACK, .reserved = std::uint8_t{0x5}});
  t.expect_nothing();
  t.expect_notification(acceptable);
  t.accept();
  Segment text = t.text_at(t.R(), 10);
  text.reserved = std::uint8_t{0xA};
  t.send(text);
  t.expect({.ack = t.R() + 10, .flags = ACK}, ack_delay);
  t.user_receive(10);
  t.step("CWR and ECE of a peer that was not asked are ignored");
  text = t.text_at(t.R(), 10, ACK | PSH | CWR | ECE);
  t.send(text);
  t.expect({.ack = t.R() + 10, .flags = ACK}, ack_delay);
  t.user_receive(10);
  t.send({.flags = FIN | ACK, .reserved = std::uint8_t{0xF}});
  t.expect({.ack = t.R() + 1, .flags = ACK}, ack_delay);
  t.close();
  t.expect_fin();
  t.send({.flags = ACK, .reserved = std::uint8_t{0xF}});
}

}  // namespace

void register_textbook_datagrams(Registry& r) {
  for (const OptionCase& o : option_cases()) {
    std::vector<std::string> rules = {"TB-28", "RFC9293-3.1-4"};
    rules.insert(rules.end(), o.rules.begin(), o.rules.end());
    r.add({.id = std::string("textbook/TB-28a-syn-options-") + o.name,
           .title = std::string("SYN with ") + o.text,
           .rules = rules,
           .description = std::string("A SYN with ") + o.text +
                          " is answered; SYN,ACK carries nothing that was not offered; the device's segments have " +
                          std::to_string(o.most) + " octets at most.",
           .run = [o](Tester& t) { open_with(t, o.options, o.most); }});
  }
  r.add({.id = "textbook/TB-28b-options-anywhere",
         .title = "Options on text, ACK and FIN",
         .rules = {"TB-28", "MUST-5", "MUST-6", "RFC9293-3.1-4", "RFC7323-3.2-10"},
         .description =
             "Timestamps that were not negotiated, unknown options and EOL on segments without SYN: each is processed "
             "as without options; text begins at the data offset.",
         .run = options_on_any_segment});
  const struct {
    const char* name;
    Options options;
  } malformed[] = {
      {"length-0", Options().raw(Bytes{2, 0, 5, 0xB4})},
      {"length-1", Options().raw(Bytes{2, 1, 5, 0xB4})},
      {"beyond-header", Options().raw(Bytes{1, 1, 2, 40})},
      {"kind-at-end", Options().raw(Bytes{1, 1, 1, 2})},
      {"unknown-length-0", Options().raw(Bytes{254, 0, 254, 0, 254, 0, 254, 0})},
      {"mss-length-3", Options().raw(Bytes{2, 3, 5, 1})},
      {"sack-length-1", Options().raw(Bytes{5, 1, 0, 0})},
  };
  for (const auto& m : malformed) {
    r.add({.id = std::string("textbook/TB-28c-malformed-") + m.name,
           .title = std::string("An impossible option is survived: ") + m.name,
           .rules = {"TB-28", "MUST-7"},
           .description =
               "The option comes on a SYN and on text. Whatever the device makes of them, it goes on: the next "
               "connection opens and passes data.",
           .run = [options = m.options](Tester& t) { malformed_option(t, options); }});
  }
  r.add({.id = "textbook/TB-33a-every-flipped-bit",
         .title = "One flipped bit anywhere in a datagram is caught",
         .rules = {"TB-33", "MUST-3", "RFC9293-3.1-6", "RFC1122-3.2.1.2-1", "ST-ESTABLISHED-CKSUM-BAD"},
         .description =
             "A text segment with 21 octets is sent once with each of its bits flipped: nothing is sent or delivered. "
             "The intact segment then is.",
         .run = every_flipped_bit});
  r.add(
      {.id = "textbook/TB-33b-pseudo-header",
       .title = "A segment astray is caught by the pseudo-header",
       .rules = {"TB-33", "MUST-3", "RFC9293-3.1-6"},
       .description =
           "A correct segment whose destination or source address was changed together with the IPv4 header checksum, "
           "and segments whose checksum leaves out protocol or length: nothing happens.",
       .run = wrong_destination});
  r.add_with_wrap({.id = "textbook/TB-33c-odd-lengths",
                   .title = "Checksums of all text lengths from 1 to 70, both ways",
                   .rules = {"TB-33", "MUST-2", "MUST-3", "RFC9293-3.1-6"},
                   .description = "1 … 70 octets each way: accepted and delivered here, correct checksum there.",
                   .run = every_length});
  r.add({.id = "textbook/TB-33d-checksum-zero",
         .title = "A correct checksum may be 0x0000, 0x0001 or 0xFFFE",
         .rules = {"TB-33", "MUST-3"},
         .description = "Text is chosen so that the correct checksum takes these values; each segment is accepted.",
         .run = checksum_zero});
  r.add({.id = "textbook/TB-36-urgent",
         .title = "The urgent pointer counts only with URG; urgent data is announced and stays in line",
         .rules = {"TB-36", "RFC9293-3.1-3", "MUST-30", "MUST-32", "MUST-47", "ST-ESTABLISHED-URG"},
         .description =
             "A pointer without URG announces nothing; with URG the user is told URGENT; the next segment without URG "
             "announces nothing. All octets are delivered in line.",
         .run = urgent_announced});
  r.add({.id = "textbook/TB-37-push",
         .title = "PSH ends a SEND; received text does not wait for it",
         .rules = {"TB-37", "MUST-61", "MUST-60"},
         .description =
             "Of 2000 octets of one SEND the second segment has PSH. Text without PSH is readable as is text with it.",
         .run = push_at_once});
  r.add({.id = "textbook/TB-38-reserved-bits",
         .title = "Reserved bits are ignored on receipt and sent as zero",
         .rules = {"TB-38", "RFC9293-3.1-1"},
         .description =
             "SYN, ACK, text and FIN with reserved bits set, text with CWR and ECE: processed as without. Every "
             "segment of the device has them clear.",
         .run = reserved_bits});
}

}  // namespace tiptoe::conformance::cases
