// SPDX-License-Identifier: Apache-2.0
// Datagrams that lie about themselves: lengths, addresses, fragments; and the largest and the smallest.
#include "../support.hpp"

namespace tiptoe::conformance::cases {

namespace {

void alive(Tester& t) {
  t.step("a fresh connection");
  Conn& c = t.add_conn();
  c.reach(State::established);
  c.probe_state(State::established);
}

/// Text and RST behind such options: as if they had never been sent.
void discarded_whole(Tester& t, Conn& c, const Bytes& ip_options) {
  Segment text = c.text_at(c.R, 20);
  text.ip_options = ip_options;
  c.send(text);
  t.expect_nothing();
  c.receive(1, CallStatus::would_block);
  c.send({.flags = RST, .ip_options = ip_options});
  t.expect_nothing();
}

/// Header length 5 … 15 with options: skipped, whatever they are. A datagram with nonsense in them may be discarded
/// whole.
void header_lengths(Tester& t) {
  t.listen();
  for (std::size_t words = 5; words <= 15; ++words) {
    for (const std::uint8_t fill : {std::uint8_t{1}, std::uint8_t{0}, std::uint8_t{0xFF}}) {
      t.step("IHL " + std::to_string(words) + ", options of " + std::to_string(fill));
      Conn& c = t.add_conn();
      Bytes o(4 * (words - 5), fill);
      const bool malformed = fill == 0xFF && words > 5;
      c.send({.seq = c.isn, .flags = SYN, .options = Options().mss(1460), .ip_options = o});
      if (malformed && t.may("malformed_ip_options", "discarded")) {
        const auto answer = t.next();
        if (answer) {
          t.check(t.may("malformed_ip_options", "skipped") && answer->flags == (SYN | ACK),
                  "it draws " + answer->form());
        } else {
          c.send_syn();
          c.expect_syn_ack();
          c.send_ack();
          t.expect_nothing();
          c.accept();
          discarded_whole(t, c, o);
          o.clear();
        }
      } else {
        c.expect_syn_ack();
      }
      if (!c.handle) {
        c.send({.flags = ACK, .ip_options = o});
        t.expect_nothing();
        c.accept();
      }
      for (const std::size_t n : {1U, 2U, 33U, 1400U}) {
        Segment text = c.text_at(c.R, n);
        text.ip_options = o;
        c.send(text);
        c.expect({.ack = c.R + static_cast<std::uint32_t>(n), .flags = ACK}, ack_delay);
        c.user_receive(n);
      }
      c.send({.flags = RST, .ip_options = o});
      t.expect_nothing();
      c.expect_notification(was_reset | closed);
    }
  }
}

/// total_length against what arrived: longer is dropped, shorter cuts (and the checksum then fails), padding is
/// ignored.
void total_lengths(Tester& t) {
  t.reach(State::established);
  Conn& c = t.c();
  const Bytes good = c.fill(t.text_at(t.R(), 50)).build();
  for (unsigned length = 0; length <= 0xFFFF; length += length < 160 ? 1 : 997) {
    if (length == good.size()) continue;
    Bytes bad = good;
    bad[2] = static_cast<std::uint8_t>(length >> 8);
    bad[3] = static_cast<std::uint8_t>(length);
    const std::uint16_t sum = ipv4_checksum(ByteView{bad}.first(20));
    bad[10] = static_cast<std::uint8_t>(sum >> 8);
    bad[11] = static_cast<std::uint8_t>(sum);
    t.send_raw(bad, "total length " + std::to_string(length) + " in a datagram of 90 octets");
  }
  t.expect_nothing(ack_delay);
  t.receive(1, CallStatus::would_block);
  t.step("every prefix");
  for (std::size_t n = 1; n < good.size(); ++n) t.send_raw(ByteView{good}.first(n), "a prefix of text");
  t.expect_nothing(ack_delay);
  t.step("padding");
  for (const std::size_t n : {1U, 3U, 8U, 63U, 500U}) {
    Segment text = t.text_at(t.R(), 5);
    text.trailer = Bytes(n, 0xC3);
    t.send(text);
    t.expect({.ack = t.R() + 5, .flags = ACK}, ack_delay);
    t.user_receive(5);
  }
  t.probe_state(State::established);
}

/// From no text to 1500 octets and 2048, and a little more.
void all_sizes(Tester& t) {
  t.reach(State::established);
  for (const std::size_t n : {1U, 2U, 3U, 7U, 8U, 9U, 15U, 16U, 17U, 63U, 64U, 65U, 1459U, 1460U, 2007U, 2008U}) {
    if (n > 1460 && (n + 40 > std::max<std::uint64_t>(t.setting("MTU"), t.capabilities().mtu) || n > t.W())) continue;
    t.step(std::to_string(n) + " octets of text");
    t.send_text(n);
    t.expect_delayed_ack();
    t.user_receive(n);
  }
  t.step("no text at all, with PSH and URG");
  t.send({.flags = ACK | PSH});
  t.send({.flags = ACK | URG, .urgent = std::uint16_t{0}});
  t.expect_nothing(ack_delay);
  // An MTU limits what is sent; nobody must refuse what is longer (RFC 1122 3.3.2, EMTU_R).
  if (t.W() >= 2009) {
    t.step("larger than any MTU that was announced: all of it or nothing");
    t.send(t.text_at(t.R(), 2009));
    if (t.allow({.ack = t.R() + 2009, .flags = ACK}, ack_delay)) {
      t.user_receive(2009);
    } else if (*t.c().handle != own_handle) {
      t.receive(1, CallStatus::would_block);
    }
  }
  const Bytes huge(4000, 0x45);
  t.send_raw(huge, "4000 octets of noise");
  t.expect_nothing(ack_delay);
  t.probe_state(State::established);
  alive(t);
}

void syn_sources(Tester& t) {
  t.listen();
  Conn& c = t.add_conn();
  for (const char* from :
       {"0.0.0.0", "127.0.0.1", "127.255.255.254", "224.0.0.1", "239.1.2.3", "240.0.0.1", "255.255.255.255"}) {
    t.step(std::string("from ") + from);
    for (const std::uint16_t port : {device_port, std::uint16_t{9999}}) {
      const bool answered = std::string(from) == "240.0.0.1" && t.may("class_e_addresses", "unicast");
      Segment syn = c.fill({.seq = c.isn, .flags = SYN});
      syn.src = ip(from);
      syn.dst_port = port;
      t.send_raw(syn.build(), std::string("a SYN from ") + from);
      if (answered) expect_answer_or_nothing(t, syn, answered);
      syn.flags = std::uint8_t{ACK};
      t.send_raw(syn.build(), std::string("an ACK from ") + from);
      if (answered) expect_answer_or_nothing(t, syn, answered);
    }
    t.expect_nothing();
  }
  t.step("to others");
  for (const char* to :
       {"10.0.0.3", "10.0.0.255", "255.255.255.255", "224.0.0.1", "0.0.0.0", "127.0.0.1", "10.0.1.1"}) {
    Segment syn = c.fill({.seq = c.isn, .flags = SYN});
    syn.dst = ip(to);
    t.send_raw(syn.build(), std::string("a SYN to ") + to);
    t.expect_nothing();
  }
  alive(t);
}

void fragments(Tester& t) {
  t.reach(State::established);
  for (const unsigned offset : {0U, 1U, 2U, 3U, 185U, 0x1FFFU}) {
    for (const bool more : {false, true}) {
      if (offset == 0 && !more) continue;
      for (const std::uint8_t flags : {ACK, RST, SYN, static_cast<std::uint8_t>(FIN | ACK)}) {
        Segment s = t.c().fill({.flags = flags, .payload = Bytes(24, 7)});
        s.fragment_offset = static_cast<std::uint16_t>(offset);
        s.mf = more;
        t.send_raw(s.build(), "a fragment at " + std::to_string(8 * offset));
      }
    }
  }
  t.expect_nothing(ack_delay);
  t.step("with DF it is none");
  Segment s = t.text_at(t.R(), 24);
  s.df = true;
  t.send(s);
  t.expect({.ack = t.R() + 24, .flags = ACK}, ack_delay);
  t.user_receive(24);
  t.probe_state(State::established);
  alive(t);
}

void versions_protocols(Tester& t) {
  t.reach(State::established);
  for (unsigned v = 0; v < 16; ++v) {
    if (v == 4) continue;
    Segment s = t.c().fill(t.text_at(t.R(), 9));
    s.ip_version = static_cast<std::uint8_t>(v);
    t.send_raw(s.build(), "version " + std::to_string(v));
  }
  for (unsigned p = 0; p < 256; ++p) {
    if (p == 6) continue;
    Segment s = t.c().fill({.flags = RST});
    s.protocol = static_cast<std::uint8_t>(p);
    t.send_raw(s.build(), "protocol " + std::to_string(p));
  }
  t.expect_nothing(ack_delay);
  t.receive(1, CallStatus::would_block);
  t.probe_state(State::established);
}

void noise(Tester& t) {
  t.reach(State::established);
  for (int n = 0; n < 300; ++n) {
    Bytes bytes(1 + t.random(120));
    for (std::uint8_t& b : bytes) b = static_cast<std::uint8_t>(t.random());
    if (n % 2 != 0) bytes[0] = 0x45;
    t.send_raw(bytes, "noise");
  }
  t.expect_nothing(ack_delay);
  t.probe_state(State::established);
  alive(t);
}

}  // namespace

void register_hostile_datagrams(Registry& r) {
  const auto add = [&r](const std::string& name, const std::string& title, std::vector<std::string> rules,
                        const std::string& description, std::function<void(Tester&)> run) {
    r.add({.id = "hostile/datagram-" + name,
           .title = title,
           .rules = std::move(rules),
           .description = description,
           .run = std::move(run)});
  };
  add("header-lengths", "IHL 5 to 15", {"MUST-50"},
      "IPv4 options of every length, NOP, EOL and nonsense: skipped; with nonsense the datagram may be discarded "
      "(choice malformed_ip_options).",
      header_lengths);
  add("total-lengths", "Every total length", {"RFC9293-3.1-5", "MUST-3"},
      "A datagram of 90 octets that says another length, and every prefix of it: silence; octets beyond the total "
      "length are padding.",
      total_lengths);
  add("sizes", "From one octet of text to 2048 octets", {"RFC9293-3.1-4", "MUST-67"},
      "Text of all awkward sizes is taken; a datagram larger than announced is taken whole or dropped whole.",
      all_sizes);
  add("addresses", "Sources and destinations that cannot be",
      {"MUST-63", "MUST-57", "RFC1122-3.2.1.3-2", "RFC1122-3.2.1.3-1"},
      "SYN and ACK from loopback, multicast, broadcast, reserved and zero, and to other hosts: silence (choices "
      "class_e_addresses, datagrams_for_others).",
      syn_sources);
  add("fragments", "Fragments", {"RFC1858-3.1", "RFC1858-3.2.1", "RFC1858-3.2.2"},
      "Fragments of text, RST, SYN and FIN, first, middle and last: silence.", fragments);
  add("versions-protocols", "Every version but 4, every protocol but 6", {"RFC1122-3.2.1.1-1", "RFC9293-3.1-6"},
      "Text and RST in them: silence, nothing happens.", versions_protocols);
  add("noise", "Noise", {"RFC9293-3.1-5"}, "300 datagrams of random octets: silence, and everything works afterwards.",
      noise);
}

}  // namespace tiptoe::conformance::cases
