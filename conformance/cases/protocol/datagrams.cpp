// SPDX-License-Identifier: Apache-2.0
// Datagrams that are not for us, or not well: dropped in silence, and counted.
#include "../support.hpp"

namespace tiptoe::conformance::cases {

namespace {

struct Bad {
  const char* name;
  const char* what;
  const char* counter;
  std::vector<std::string> rules;
  std::function<void(Segment&)> spoil;
};

std::vector<Bad> bad_datagrams() {
  return {
      {"version-6",
       "version 6",
       "Drop.IP_VERSION",
       {"RFC1122-3.2.1.1-1"},
       [](Segment& s) { s.ip_version = std::uint8_t{6}; }},
      {"version-0",
       "version 0",
       "Drop.IP_VERSION",
       {"RFC1122-3.2.1.1-1"},
       [](Segment& s) { s.ip_version = std::uint8_t{0}; }},
      {"ihl-4", "IHL 4", "Drop.IP_IHL", {"RFC1122-3.2.1.2-1"}, [](Segment& s) { s.ihl = std::uint8_t{4}; }},
      {"ihl-0", "IHL 0", "Drop.IP_IHL", {"RFC1122-3.2.1.2-1"}, [](Segment& s) { s.ihl = std::uint8_t{0}; }},
      {"ihl-15",
       "IHL 15 in a datagram of 50 octets",
       "Drop.IP_IHL",
       {"RFC1122-3.2.1.2-1"},
       [](Segment& s) { s.ihl = std::uint8_t{15}; }},
      {"length-short",
       "a total length of 19",
       "Drop.IP_IHL",
       {"RFC9293-3.1-5"},
       [](Segment& s) { s.total_length = std::uint16_t{19}; }},
      {"length-long",
       "a total length beyond its end",
       "Drop.IP_LENGTH",
       {"RFC9293-3.1-5"},
       [](Segment& s) { s.total_length = std::uint16_t{51}; }},
      {"header-checksum",
       "a wrong IPv4 header checksum",
       "Drop.IP_CKSUM",
       {"RFC1122-3.2.1.2-1"},
       [](Segment& s) { s.corrupt_ip_checksum = true; }},
      {"first-fragment",
       "more fragments to come",
       "Drop.IP_FRAGMENT",
       {"RFC1858-3.1"},
       [](Segment& s) { s.mf = true; }},
      {"fragment-offset",
       "a fragment offset of 1",
       "Drop.IP_FRAGMENT",
       {"RFC1858-3.2.2"},
       [](Segment& s) { s.fragment_offset = std::uint16_t{1}; }},
      {"last-fragment",
       "a large fragment offset",
       "Drop.IP_FRAGMENT",
       {"RFC1858-3.2.2"},
       [](Segment& s) { s.fragment_offset = std::uint16_t{0x1000}; }},
      {"udp", "protocol 17", "Drop.IP_PROTOCOL", {"RFC9293-3.1-6"}, [](Segment& s) { s.protocol = std::uint8_t{17}; }},
      {"icmp", "protocol 1", "Drop.IP_PROTOCOL", {"RFC9293-3.1-6"}, [](Segment& s) { s.protocol = std::uint8_t{1}; }},
      {"other-host",
       "another host's address",
       "Drop.IP_DST",
       {"RFC1122-3.2.1.3-1"},
       [](Segment& s) { s.dst = ip("10.0.0.9"); }},
      {"to-broadcast",
       "the broadcast address",
       "Drop.IP_DST",
       {"MUST-57", "RFC1122-3.2.1.3-1"},
       [](Segment& s) { s.dst = ip("255.255.255.255"); }},
      {"to-multicast", "a multicast address", "Drop.IP_DST", {"MUST-57"}, [](Segment& s) { s.dst = ip("224.0.0.1"); }},
      {"to-zero",
       "the address 0.0.0.0",
       "Drop.IP_DST",
       {"RFC1122-3.2.1.3-1"},
       [](Segment& s) { s.dst = ip("0.0.0.0"); }},
      {"from-broadcast",
       "the source 255.255.255.255",
       "Drop.IP_SRC",
       {"MUST-63", "RFC1122-3.2.1.3-2", "RFC9293-3.9.2.3-1"},
       [](Segment& s) { s.src = ip("255.255.255.255"); }},
      {"from-multicast",
       "the source 224.0.0.1",
       "Drop.IP_SRC",
       {"MUST-63", "RFC1122-3.2.1.3-2", "RFC9293-3.9.2.3-1"},
       [](Segment& s) { s.src = ip("224.0.0.1"); }},
      {"from-multicast-end",
       "the source 239.255.255.255",
       "Drop.IP_SRC",
       {"MUST-63", "RFC1122-3.2.1.3-2"},
       [](Segment& s) { s.src = ip("239.255.255.255"); }},
      {"from-zero",
       "the source 0.0.0.0",
       "Drop.IP_SRC",
       {"MUST-63", "RFC1122-3.2.1.3-2"},
       [](Segment& s) { s.src = ip("0.0.0.0"); }},
      {"from-loopback",
       "the source 127.0.0.1",
       "Drop.IP_SRC",
       {"MUST-63", "RFC1122-3.2.1.3-2"},
       [](Segment& s) { s.src = ip("127.0.0.1"); }},
      {"from-itself",
       "the device's own address as source",
       "Drop.IP_SRC",
       {"RFC1122-3.2.1.3-2", "RFC9293-3.9.2.3-1"},
       [](Segment& s) { s.src = device_ip; }},
      {"doff-4",
       "data offset 4",
       "Drop.TCP_DOFF",
       {"RFC9293-3.1-5", "RFC9293-3.1-4"},
       [](Segment& s) { s.data_offset = std::uint8_t{4}; }},
      {"doff-0",
       "data offset 0",
       "Drop.TCP_DOFF",
       {"RFC9293-3.1-5", "RFC9293-3.1-4"},
       [](Segment& s) { s.data_offset = std::uint8_t{0}; }},
      {"doff-15",
       "data offset 15 in a segment of 30 octets",
       "Drop.TCP_DOFF",
       {"RFC9293-3.1-5", "RFC9293-3.1-4"},
       [](Segment& s) { s.data_offset = std::uint8_t{15}; }},
      {"tcp-checksum",
       "a wrong TCP checksum",
       "Drop.TCP_CKSUM",
       {"MUST-3"},
       [](Segment& s) { s.corrupt_checksum = true; }},
      {"checksum-0",
       "a TCP checksum of zero that is not right",
       "Drop.TCP_CKSUM",
       {"MUST-3"},
       [](Segment& s) { s.checksum = std::uint16_t{0}; }},
  };
}

void dropped(Tester& t, const Bad& bad) {
  const bool answered = std::string(bad.name) == "from-itself" && t.may("own_address_as_source", "answered");
  const bool counted = std::string(bad.name) != "from-itself" || !answered;
  const auto send = [&](Segment s, const std::string& what) {
    t.step(what + " with " + bad.what);
    s = t.c().fill(std::move(s));
    bad.spoil(s);
    t.send_raw(s.build(), what + " with " + bad.what);
    expect_answer_or_nothing(t, s, answered);
    if (counted) t.expect_counter(bad.counter, 1);
  };
  t.listen();
  send({.seq = t.c().isn, .flags = SYN, .payload = Bytes(10)}, "a SYN");
  send({.dst_port = std::uint16_t{9999}, .seq = 5, .ack = 6, .flags = ACK, .payload = Bytes(10)}, "a stray ACK");
  t.reach(State::established);
  send(t.text_at(t.R(), 10), "text");
  send({.flags = RST, .payload = Bytes(10)}, "RST");
  t.receive(10, CallStatus::would_block);
  t.probe_state(State::established);
}

void too_short(Tester& t) {
  t.listen();
  const Bytes syn = t.c().fill({.seq = t.c().isn, .flags = SYN}).build();
  for (std::size_t n = 1; n < syn.size(); ++n) {
    t.send_raw(ByteView{syn}.first(n), "the first " + std::to_string(n) + " octets of a SYN");
    t.expect_nothing(20);
  }
  t.step("TCP parts of less than 20 octets, total length to match");
  for (std::size_t n = 20; n < 40; ++n) {
    Segment s = Segment::parse(syn);
    Bytes cut(syn.begin(), syn.begin() + static_cast<std::ptrdiff_t>(n));
    cut[2] = 0;
    cut[3] = static_cast<std::uint8_t>(n);
    const std::uint16_t sum = ipv4_checksum(ByteView{cut}.first(20));
    cut[10] = static_cast<std::uint8_t>(sum >> 8);
    cut[11] = static_cast<std::uint8_t>(sum);
    t.send_raw(cut, "a datagram with " + std::to_string(n - 20) + " octets of TCP");
    t.expect_nothing(20);
  }
  t.expect_counter("Drop.TCP_SHORT", 20);
  t.reach(State::established);
  t.probe_state(State::established);
}

void padding(Tester& t) {
  t.reach(State::established);
  for (const std::size_t n : {1U, 2U, 6U, 7U, 100U}) {
    t.step(std::to_string(n) + " octets of link padding");
    Segment text = t.text_at(t.R(), 3);
    text.trailer = Bytes(n, 0xA5);
    t.send(text);
    t.expect({.ack = t.R() + 3, .flags = ACK}, ack_delay);
    t.user_receive(3);
    t.receive(1, CallStatus::would_block);
  }
  Segment fin{.flags = FIN | ACK, .trailer = Bytes(6, 0xFF)};
  t.send(fin);
  t.expect({.ack = t.R() + 1, .flags = ACK}, ack_delay);
}

void ip_options(Tester& t) {
  const Bytes options[] = {Bytes{1, 1, 1, 1}, Bytes{0x94, 4, 0, 0}, Bytes{7, 7, 4, 0, 0, 0, 0, 0}, Bytes(40, 1)};
  t.listen();
  for (const Bytes& o : options) {
    t.step(std::to_string(o.size()) + " octets of IPv4 options");
    Conn& c = t.add_conn();
    c.send({.seq = c.isn, .flags = SYN, .options = Options().mss(1000), .ip_options = o});
    c.expect_syn_ack();
    c.send({.flags = ACK, .ip_options = o});
    t.expect_nothing();
    c.accept();
    Segment text = c.text_at(c.R, 50);
    text.ip_options = o;
    c.send(text);
    c.expect({.ack = c.R + 50, .flags = ACK}, ack_delay);
    c.user_receive(50);
    c.user_send(1000);
    c.expect_text(1000);
    c.send_ack();
  }
}

void sent_fields(Tester& t) {
  t.reach(State::established);
  std::optional<std::uint16_t> last;
  for (int n = 0; n < 5; ++n) {
    t.user_send(10);
    const Received text = t.expect_text(10);
    t.check_equal(unsigned{*text.ttl}, 17U, "the TTL");
    t.check_equal(unsigned{*text.tos}, 0xB8U, "the TOS octet");
    t.check(!text.df.value_or(false), "DF is set");
    t.check(!last || text.id != last, "two datagrams in a row with the same identification and DF clear");
    last = text.id;
    t.send_ack();
  }
  t.step("changed while the connection is open");
  t.set("TTL", 255);
  t.set("TOS", 0);
  t.user_send(10);
  const Received text = t.expect_text(10);
  t.check_equal(unsigned{*text.ttl}, 255U, "the TTL");
  t.check_equal(unsigned{*text.tos}, 0U, "the TOS octet");
  t.send_ack();
}

void dont_fragment(Tester& t) {
  t.reach(State::established);
  t.user_send(10);
  const Received text = t.expect_text(10);
  t.check(text.df.value_or(false), "DF is not set");
  t.send_ack();
}

void dscp_per_segment(Tester& t) {
  t.reach(State::established);
  for (const std::uint8_t tos : {std::uint8_t{0xFC}, std::uint8_t{0x10}, std::uint8_t{0x03}}) {
    Segment text = t.text_at(t.R(), 10);
    text.tos = tos;
    t.send(text);
    t.expect({.ack = t.R() + 10, .flags = ACK}, ack_delay);
  }
  t.user_receive(30);
  Segment low = t.text_at(t.R(), 10);
  low.ttl = std::uint8_t{1};
  t.send(low);
  t.expect({.ack = t.R() + 10, .flags = ACK}, ack_delay);
}

void oversize(Tester& t) {
  t.reach(State::established);
  Segment big = t.text_at(t.R(), 2100);
  t.send(big);
  // Larger than any MTU that was announced: dropped, or taken, but never half and half.
  if (const auto ack = t.c().allow({.ack = t.R() + 2100, .flags = ACK}, ack_delay)) {
    t.user_receive(2100);
  } else {
    t.receive(1, CallStatus::would_block);
  }
  t.step("the largest that was announced is taken");
  t.send_text(1460);
  t.expect_delayed_ack();
  t.user_receive(1460);
}

}  // namespace

void register_protocol_datagrams(Registry& r) {
  for (const Bad& bad : bad_datagrams()) {
    r.add({.id = std::string("protocol/datagram-") + bad.name,
           .title = std::string("Dropped: a datagram with ") + bad.what,
           .rules = bad.rules,
           .description = std::string("A SYN, a stray ACK, text and a RST with ") + bad.what +
                          ": silence (but for the choices datagrams_for_others and own_address_as_source), nothing "
                          "happens to listener and connection, and the counter " +
                          bad.counter + " grows each time.",
           .run = [bad](Tester& t) { dropped(t, bad); }});
  }
  r.add({.id = "protocol/datagram-truncated",
         .title = "Truncated datagrams are dropped",
         .rules = {"RFC9293-3.1-5", "RFC1858-3.2.1"},
         .description = "Every prefix of a SYN, and datagrams with 0 to 19 octets of TCP: silence.",
         .run = too_short});
  r.add({.id = "protocol/datagram-padding",
         .title = "Octets beyond the total length are link padding",
         .rules = {"RFC9293-3.1-4", "MUST-3", "RFC9293-3.1-6"},
         .description = "Text and FIN with 1 … 100 octets behind them: taken, and the padding is not.",
         .run = padding});
  r.add({.id = "protocol/datagram-ip-options",
         .title = "IPv4 options are skipped",
         .rules = {"MUST-50"},
         .description =
             "SYN, ACK and text behind NOPs, router alert, record route and 40 octets of options: processed as "
             "without; the MSS option of the SYN is obeyed.",
         .run = ip_options});
  r.add({.id = "protocol/datagram-ttl-tos",
         .title = "TTL and TOS can be set, also during a connection",
         .rules = {"MUST-49", "MUST-48", "SHLD-21", "SHLD-22"},
         .description =
             "TTL 17, TOS 0xB8, DF off: every datagram has them, and a new identification each; then 255 and 0.",
         .run = sent_fields,
         .settings = {{"TTL", 17}, {"TOS", 0xB8}, {"DF", 0}}});
  r.add({.id = "protocol/datagram-df",
         .title = "DF can be set",
         .rules = {"RFC9293-3.7.2-1"},
         .description = "With DF on, text carries it.",
         .run = dont_fragment,
         .level = Level::should,
         .settings = {{"DF", 1}}});
  r.add({.id = "protocol/datagram-dscp-received",
         .title = "DSCP, ECN field and TTL of received datagrams do not matter",
         .rules = {"RFC9293-A.1-1"},
         .description = "Text with different TOS octets and a TTL of 1 is taken.",
         .run = dscp_per_segment,
         .level = Level::should});
  r.add({.id = "protocol/datagram-oversize",
         .title = "A datagram larger than announced is taken whole or not at all",
         .rules = {"RFC9293-3.1-4", "MUST-67"},
         .description =
             "A segment with 2100 octets: acknowledged and delivered whole, or dropped; the next one is taken.",
         .run = oversize});
}

}  // namespace tiptoe::conformance::cases
