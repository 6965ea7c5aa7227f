// SPDX-License-Identifier: Apache-2.0
// Attacks: correct segments with bad intentions.
#include <set>

#include "../support.hpp"

namespace tiptoe::conformance::cases {

namespace {

void alive(Tester& t) {
  t.step("a fresh connection");
  Conn& c = t.add_conn();
  c.reach(State::established);
  c.probe_state(State::established);
}

void land(Tester& t, State state) {
  t.reach(state, state == State::syn_sent ? Role::active : Role::passive);
  Conn& c = t.c();
  for (const std::uint8_t flags :
       {SYN, static_cast<std::uint8_t>(SYN | ACK), ACK, RST, static_cast<std::uint8_t>(FIN | ACK)}) {
    for (const std::uint16_t port : {device_port, device_port_2, std::uint16_t{9999}}) {
      Segment s{.src = device_ip,
                .dst = device_ip,
                .src_port = port,
                .dst_port = port,
                .seq = c.R,
                .ack = c.S,
                .flags = flags,
                .window = std::uint16_t{100}};
      t.send_raw(s.build(), "a segment from the device's own socket to itself");
      expect_answer_or_nothing(t, s, t.may("own_address_as_source", "answered"), 20_us);
    }
  }
  t.expect_nothing(ack_delay);
  if (state == State::listen) return alive(t);
  t.probe_state(state);
}

/// From the other address of the device: it may be answered or dropped, but nothing may go round for ever.
void land_cross(Tester& t) {
  t.listen();
  Segment s{
      .src = device_ip_2, .dst = device_ip, .src_port = device_port, .dst_port = device_port, .seq = 1, .flags = SYN};
  t.send_raw(s.build(), "a SYN from the device's second address");
  unsigned sent = 0;
  while (t.next(100_s)) {
    if (++sent > 20) t.fail("it goes on answering itself");
  }
  alive(t);
}

/// More half-open connections than the device has room for; afterwards the neighbours and new peers are well.
/// With as many of these listeners as the device has room for.
void syn_flood(Tester& t, unsigned most_listeners) {
  t.listen({.backlog = 8});
  unsigned listeners = 1;
  for (; listeners < most_listeners; ++listeners) {
    const CallResult result =
        t.dut().open_passive({.local_port = static_cast<std::uint16_t>(device_port + listeners), .backlog = 16});
    if (result.status == CallStatus::no_resources) break;
    t.check(result.status == CallStatus::ok, "a passive OPEN failed");
  }
  if (listeners < most_listeners) t.remark("the device takes " + std::to_string(listeners) + " listeners");
  Conn& old = t.add_conn();
  old.reach(State::established);
  unsigned answered = 0;
  for (unsigned n = 0; n < 300; ++n) {
    Segment syn{.src = 0x0A010000U + n,
                .dst = device_ip,
                .src_port = static_cast<std::uint16_t>(1024 + n),
                .dst_port = static_cast<std::uint16_t>(device_port + n % listeners),
                .seq = t.random(),
                .flags = SYN,
                .options = Options().mss(1460)};
    t.send_raw(syn.build(), "a SYN of the flood");
    while (const auto got = t.next(20_us)) {
      t.check(got->has(SYN) && got->has(ACK) && got->ack == *syn.seq + 1 && got->dst == syn.src,
              "the flood drew " + got->form());
      ++answered;
    }
  }
  t.check(answered >= 1, "no SYN was answered");
  const bool limited = !t.may("full_backlog", "unlimited");
  if (listeners == 1 && limited)
    t.check(answered <= 8, std::to_string(answered) + " SYNs were answered, the backlog is 8");
  t.remark(std::to_string(answered) + " of 300 SYNs were answered");
  t.step("the connection that was there works");
  old.send_text(100);
  while (const auto got = t.next(ack_delay)) {
    if (got->dst == old.peer.ip && got->dst_port == old.peer.port) break;
  }
  old.user_receive(100);
  t.step("the half-open ones time out");
  const std::uint64_t until = t.now() + 400_s;
  while (t.now() < until) {
    if (!t.next(30_s)) break;
  }
  while (t.now() < until) {
    if (const auto got = t.next(10_s)) t.check(got->has(SYN), "a half-open connection sent " + got->form());
  }
  old.probe_state(State::established);
  alive(t);
}

/// RST, SYN and ACK over the whole sequence space, none of them at RCV.NXT.
void sweep(Tester& t) {
  t.reach(State::established);
  Conn& c = t.c();
  c.send_text(100);
  c.expect_delayed_ack();
  c.user_receive(100);
  c.forget_notifications();
  const std::uint32_t step = 0x04000001U;
  for (const std::uint8_t flags : {RST, static_cast<std::uint8_t>(RST | ACK), SYN, ACK}) {
    t.step("a sweep of " + flags_to_string(flags));
    unsigned answers = 0;
    const bool counts = t.setting(flags == SYN ? "SYN5961" : "RST5961") == 0;
    for (std::uint32_t n = 1; n < 64; ++n) {
      const std::uint32_t seq = c.R + n * step;
      if (seq - c.R < c.W && counts) continue;  // without RFC 5961 a RST or SYN there is a hit
      c.send({.seq = seq, .ack = c.S + n * step, .flags = flags});
      if (c.allow({.flags = ACK})) ++answers;
    }
    if ((flags & RST) != 0) t.check(answers == 0, "RST outside the window draws " + std::to_string(answers) + " ACKs");
    t.check(answers <= 63, "more answers than segments");
    t.expect_no_notification(was_reset | closed | readable | peer_fin);
    t.expect_status(State::established);
    t.advance(12_s);
  }
  t.step("the window's edges");
  for (const std::uint32_t seq : {c.R - 1, c.R + c.W, c.R + c.W + 1}) {
    c.send({.seq = seq, .flags = RST});
    t.expect_nothing(20_us);
  }
  t.probe_state(State::established);
}

void rst_flood(Tester& t, bool inside) {
  t.reach(State::established);
  Conn& c = t.c();
  if (inside && t.setting("RST5961") == 0) {
    t.inapplicable("the case sends RSTs inside the window, and each of them counts (RST5961 = 0)");
  }
  unsigned acks = 0;
  for (unsigned n = 0; n < 1000; ++n) {
    c.send({.seq = inside ? c.R + 1 + t.random(c.W - 1) : c.R + c.W + t.random(0x7000'0000U), .flags = RST});
    if (c.allow({.flags = ACK}, 100)) ++acks;
  }
  // A limit is a SHOULD (RFC 5961 7), and judged by protocol/challenge-limit.
  t.check(inside ? acks >= 1 : acks == 0, std::to_string(acks) + " ACKs for 1000 RSTs");
  t.step("text passes all the same");
  t.probe_state(State::established);
  alive(t);
}

/// One connection's challenge ACKs are used up; the count of another one tells nothing of it.
void limiter(Tester& t) {
  Conn* conns[3];
  for (Conn*& c : conns) {
    c = &t.add_conn();
    c->reach(State::established);
  }
  const auto challenges = [](Conn& c, unsigned n) {
    unsigned acks = 0;
    for (unsigned k = 0; k < n; ++k) {
      c.send({.seq = c.R + 10 + k, .flags = RST});
      if (c.allow({.flags = ACK}, 100)) ++acks;
    }
    return acks;
  };
  challenges(*conns[0], 200);
  const unsigned second = challenges(*conns[1], 200);
  const auto limit = static_cast<unsigned>(t.setting("CH_LIMIT"));
  const unsigned third = challenges(*conns[2], limit);
  t.check(second >= limit,
          "the second connection sent " + std::to_string(second) + " challenge ACKs, the first took its share");
  t.check_equal(third, limit, "the challenge ACKs of the third connection");
  for (Conn* c : conns) c->probe_state(State::established);
}

/// Segments of many connections, and between them broken ones with another connection's text: every octet that reaches
/// a user is of his own connection.
void crossed(Tester& t) {
  constexpr std::size_t count = 8;
  std::vector<Conn*> conns;
  for (std::size_t n = 0; n < count; ++n) {
    conns.push_back(&t.add_conn());
    conns.back()->reach(State::established);
  }
  for (unsigned round = 0; round < 25; ++round) {
    for (std::size_t n = 0; n < count; ++n) {
      Conn& c = *conns[n];
      Conn& other = *conns[(n + 1 + t.random(count - 1)) % count];
      const std::size_t size = 1 + t.random(300);
      Segment bad = c.fill({.flags = ACK | PSH, .payload = other.peer_text(other.peer_offset(other.R), size)});
      switch (t.random(8)) {
        case 0: bad.corrupt_checksum = true; break;
        case 1: bad.data_offset = std::uint8_t{3}; break;
        case 2: bad.corrupt_ip_checksum = true; break;
        case 3: bad.mf = true; break;
        case 4: bad.protocol = std::uint8_t{17}; break;
        case 5: bad.total_length = static_cast<std::uint16_t>(40 + size + 1); break;
        case 6: bad.flags = std::uint8_t{PSH}; break;
        default:
          bad.dst_port = std::uint16_t{9};
          bad.flags = std::uint8_t{RST};
          break;
      }
      t.send_raw(bad.build(), "a broken segment with another connection's text");
      c.send_text(size);
      c.expect({.flags = ACK}, ack_delay);
      c.user_receive(size);
      c.receive(1, CallStatus::would_block);
      if (round % 5 == 4) {
        c.user_send(size);
        c.expect_text(size);
        c.send_ack();
      }
    }
  }
  for (Conn* c : conns) c->probe_state(State::established);
}

/// RFC 1025's Kamikaze: SYN, URG, PSH, FIN and text at once; also with every other combination of flags.
void every_flag(Tester& t, State state) {
  Conn& c = t.c();
  t.reach(state, state == State::syn_sent ? Role::active : Role::passive);
  const std::uint32_t r = c.R;
  unsigned answers = 0;
  for (unsigned flags = 0; flags < 256; ++flags) {
    Segment s{.seq = r - 5000,
              .ack = c.S + 5000,
              .flags = static_cast<std::uint8_t>(flags),
              .urgent = std::uint16_t{1},
              .payload = Bytes{0x2A}};
    if ((flags & (ACK | RST)) == 0 && (state == State::listen || state == State::syn_sent)) continue;  // a good SYN
    c.send(s);
    if (const auto got = t.next(100)) {
      ++answers;
      t.check((flags & RST) == 0, "a segment with RST was answered by " + got->form());
      const bool unsynchronized = state == State::closed || state == State::listen || state == State::syn_sent;
      t.check(unsynchronized ? got->has(RST) : got->flags == ACK && got->seq == c.S && got->ack == r,
              flags_to_string(static_cast<std::uint8_t>(flags)) + " drew " + got->form());
    }
    t.expect_nothing(20);
    if (flags % 8 == 7 && state != State::syn_received) t.advance(1_s);
  }
  t.check(answers > 0, "no segment was answered");
  t.probe_state(state);
  if (state != State::closed && state != State::syn_sent) alive(t);
}

}  // namespace

void register_hostile_attacks(Registry& r) {
  const auto add = [&r](const std::string& name, const std::string& title, std::vector<std::string> rules,
                        const std::string& description, std::function<void(Tester&)> run,
                        const char* profile = "default", Settings settings = {}, std::set<std::string> wishes = {},
                        const char* same_as = "") {
    r.add({.id = "hostile/" + name,
           .title = title,
           .rules = std::move(rules),
           .description = description,
           .run = std::move(run),
           .profile = profile,
           .settings = std::move(settings),
           .wishes = std::move(wishes),
           .same_as = same_as});
  };
  const Settings calm = {{"RTO_INIT", 60'000'000},
                         {"RTO_MIN", 60'000'000},
                         {"SYN_RTO", 60'000'000},
                         {"SYN_BACKOFF", 0},
                         {"USER_TIMEOUT", 0}};
  for (const State s : {State::listen, State::syn_sent, State::syn_received, State::established, State::time_wait}) {
    add(std::string("land-") + to_string(s),
        std::string("Segments from the device's own socket to itself, ") + to_string(s),
        {"RFC1122-3.2.1.3-2", "RFC9293-3.9.2.3-1"},
        "SYN, SYN,ACK, ACK, RST, FIN with source = destination: silence or one answer each (choice "
        "own_address_as_source), the state lives.",
        [s](Tester& t) { land(t, s); });
  }
  add("land-cross", "A SYN from the device's second address", {"RFC9293-3.9.2.3-1"},
      "Answered or dropped; the device does not talk to itself for ever, and a fresh connection opens.", land_cross);
  add("syn-flood", "300 SYNs that nobody completes", {"RFC4987-2.2-1", "RFC4987-2.2-2", "RFC4987-4-1"},
      "A connection that was there works through the flood; when the half-open ones have timed out, a new one opens.",
      [](Tester& t) { syn_flood(t, 1); }, "default", {{"SYN_RETRIES", 3}});
  add("syn-flood-table", "300 SYNs to eight ports: more than the device has room for",
      {"RFC4987-2.2-1", "RFC4987-2.2-2", "RFC4987-4-1"},
      "The connection table overflows; the connection that was there works, and later a new one opens.",
      [](Tester& t) { syn_flood(t, 8); }, "default", {{"SYN_RETRIES", 3}});
  for (const char* profile : {"base", "rfc5961", "rfc1337", "default"}) {
    const bool rfc5961 = std::string(profile) == "rfc5961" || std::string(profile) == "default";
    const char* const twin = std::string(profile) == "default" ? "" : "default";
    add(std::string("sweep-") + profile,
        std::string("Blind RST, SYN and ACK over the sequence space, profile ") + profile,
        {"RFC5961-3.2-1", "RFC9293-3.5.3-1", "RFC5961-4.2-1"},
        "Every 2^26 numbers one of each: nothing is reset or delivered; RST outside the window draws nothing.", sweep,
        profile, {}, {}, twin);
    add(
        std::string("rst-flood-outside-") + profile, std::string("1000 RSTs outside the window, profile ") + profile,
        {"RFC5961-3.2-1", "RFC9293-3.5.3-1"}, "Silence, and the connection works.",
        [](Tester& t) { rst_flood(t, false); }, profile, {}, {}, twin);
    if (rfc5961) {
      add(
          std::string("rst-flood-inside-") + profile, std::string("1000 RSTs inside the window, profile ") + profile,
          {"RFC5961-3.2-3"}, "Challenge ACKs, one for each RST at most, and the connection works.",
          [](Tester& t) { rst_flood(t, true); }, profile, default_challenge_limit(), challenge_limit_wishes, twin);
    }
  }
  add("limiter", "The challenge ACKs of one connection tell nothing of another's", {"RFC5961-7-5"},
      "200 challenges on one connection, 200 on the second: its limit is its own; the third answers all ten (or as "
      "many "
      "as the device's limit is).",
      limiter, "rfc5961", default_challenge_limit(), challenge_limit_wishes);
  add("crossed-text", "Text between broken segments of other connections", {"MUST-3", "RFC9293-3.1-5"},
      "Eight connections with patterns of their own, 200 segments, before each a broken one that carries another "
      "connection's "
      "text: every octet is checked.",
      crossed);
  for (const State s :
       {State::closed, State::listen, State::syn_sent, State::syn_received, State::established, State::fin_wait_1,
        State::fin_wait_2, State::close_wait, State::closing, State::last_ack, State::time_wait}) {
    std::string name = to_string(s);
    for (char& ch : name) ch = ch == '_' ? '-' : ch;
    for (const char* profile : {"base", "rfc5961"}) {
      if (s == State::syn_sent || s == State::listen || s == State::closed) {
        if (std::string(profile) == "base") continue;
      }
      add(
          std::string("kamikaze-") + name + "-" + profile,
          std::string("Every combination of flags at once, ") + to_string(s) + ", profile " + profile,
          {"TB-29", "RFC9293-3.5.2-4", "RFC9293-3.5.2-2"},
          "256 combinations of flags with text, far below the window and with an ACK of nothing: at most one empty ACK "
          "each (RST "
          "where there is no connection), never an answer to RST; the state lives.",
          [s](Tester& t) { every_flag(t, s); }, profile, calm);
    }
  }
}

}  // namespace tiptoe::conformance::cases
