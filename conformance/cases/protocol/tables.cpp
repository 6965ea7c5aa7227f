// SPDX-License-Identifier: Apache-2.0
// Many connections: tables that fill up, ISNs, identifiers that come round.
#include <algorithm>
#include <array>
#include <set>

#include "../support.hpp"

namespace tiptoe::conformance::cases {

namespace {

/// True when the device says that the last SYN found no place in its hashed table.
bool no_place(Tester& t) {
  try {
    return t.counter_growth("CamFull") != 0;
  } catch (const DutError&) {  // it has no such counter
    return false;
  }
}

/// Opens connections until the device refuses one. Returns them.
std::vector<Conn*> fill_table(Tester& t) {
  // Devices with more connections are not filled. In real time each of them takes its time.
  const std::uint32_t most = t.capabilities().real_time ? 200 : 2000;
  std::vector<Conn*> conns;
  t.listen({.backlog = 16});
  for (std::uint32_t n = 0; n < most; ++n) {
    Conn& c = t.add_conn({device_ip, device_port}, {peer_ip + n / 200, static_cast<std::uint16_t>(1000 + n % 200)});
    c.send_syn();
    const auto answer = t.next();
    if (!answer) {
      // Ignored, as with a full backlog. A hashed table may have no place for this one while there is room for others.
      if (no_place(t)) continue;
      return conns;
    }
    t.check(answer->has(SYN | ACK), "a SYN into a full table draws " + answer->form());
    c.send_ack();
    t.expect_nothing();
    c.accept();
    conns.push_back(&c);
  }
  t.inapplicable("the device takes more than " + std::to_string(most) + " connections");
}

void table_full(Tester& t) {
  std::vector<Conn*> conns = fill_table(t);
  t.step("the table is full with " + std::to_string(conns.size()) + " connections");
  t.check(conns.size() >= 4, "the device takes " + std::to_string(conns.size()) + " connections only");
  Conn* out = &t.add_conn({device_ip, device_port_2}, {peer_ip_2, 5});
  out->open(CallStatus::no_resources);
  t.expect_nothing();
  t.step("nobody has lost anything");
  for (std::size_t i = 0; i < conns.size(); i += 7) conns[i]->probe_state(State::established);
  t.step("one ends, one comes");
  conns[3]->send({.flags = RST});
  t.expect_nothing();
  // A hashed table may have no place for this one while there is room for others.
  for (std::uint16_t port = 5;; ++port) {
    out = &t.add_conn({device_ip, device_port_2}, {peer_ip_2, port});
    const CallResult result =
        t.dut().open_active({.local_port = device_port_2, .remote_ip = peer_ip_2, .remote_port = port});
    if (result.status == CallStatus::ok) break;
    t.check(result.status == CallStatus::no_resources && port < 100,
            std::string("an active OPEN returns ") + to_string(result.status) + " although one connection has ended");
  }
  out->expect_syn();
  out->send({.seq = 1, .ack = out->iss + 1, .flags = RST | ACK});
  for (std::uint16_t port = 6;; ++port) {
    Conn& late = t.add_conn({device_ip, device_port}, {peer_ip_2, port});
    late.send_syn();
    if (const auto answer = t.next(); !answer) {
      t.check(no_place(t) && port < 100, "a SYN is ignored although one connection has ended");
      continue;
    }
    late.send_ack();
    late.accept();
    late.probe_state(State::established);
    break;
  }
  conns.front()->probe_state(State::established);
  conns.back()->probe_state(State::established);
}

void all_at_once(Tester& t) {
  std::vector<Conn*> conns = fill_table(t);
  t.step("text on every connection");
  for (std::size_t i = 0; i < conns.size(); ++i) {
    conns[i]->send_text(20 + i % 50);
    conns[i]->user_send(10 + i % 40);
    // The ACK travels with the user's text, or before it.
    const Received got = conns[i]->expect_loose({.seq = conns[i]->S, .flags_set = ACK, .flags_clear = SYN | FIN | RST});
    if (got.text_length() == 0) conns[i]->expect_text(10 + i % 40);
  }
  for (std::size_t i = 0; i < conns.size(); ++i) {
    conns[i]->send_ack();
    conns[i]->user_receive(20 + i % 50);
  }
  t.expect_nothing(600_ms);
}

void all_timers(Tester& t) {
  std::vector<Conn*> conns = fill_table(t);
  t.step("every connection loses a segment");
  std::vector<std::uint64_t> sent;
  for (Conn* c : conns) {
    c->user_send(50);
    sent.push_back(c->expect_text(50).time_us);
  }
  std::set<std::uint16_t> repeated;
  for (std::size_t n = 0; n < conns.size(); ++n) {
    const auto again = t.next(3_s);
    t.check(again.has_value(), "not every connection repeats its text");
    const auto it = std::find_if(conns.begin(), conns.end(), [&](const Conn* c) {
      return c->peer.ip == again->dst && c->peer.port == again->dst_port;
    });
    t.check(it != conns.end(), "a segment for nobody: " + again->form());
    const auto i = static_cast<std::size_t>(it - conns.begin());
    t.check(repeated.insert(static_cast<std::uint16_t>(i)).second, "one connection repeats twice, another not at all");
    const std::uint64_t waited = again->time_us - sent[i];
    t.check(waited + t.tolerance() >= 1'000'000 && waited <= 1'000'000 + t.tolerance(),
            "connection " + std::to_string(i) + " repeats after " + std::to_string(waited) + " us");
  }
  for (Conn* c : conns) c->send_ack();
  t.expect_nothing(5_s);
}

void come_and_go(Tester& t) {
  t.listen();
  for (int n = 0; n < 300; ++n) {
    Conn& c = t.add_conn({device_ip, device_port}, {peer_ip, static_cast<std::uint16_t>(2000 + n)});
    c.send_syn();
    c.expect_syn_ack();
    c.send_ack();
    t.expect_nothing(10);
    c.accept();
    c.send_text(5);
    c.expect_delayed_ack();
    c.user_receive(5);
    c.send_fin();
    c.close();  // the ACK of the tester's FIN comes before the device's FIN, or with it
    if (!c.expect_loose({.ack = c.R, .flags_set = ACK}).has(FIN)) c.expect_fin();
    c.send_ack();
    t.expect_nothing(10);
  }
  t.check_equal(t.counter("CurrEstab"), std::uint64_t{0}, "CurrEstab");
}

void listeners_full(Tester& t) {
  std::vector<Handle> handles;
  while (handles.size() < 100) {
    const CallResult result = t.dut().open_passive({.local_port = static_cast<std::uint16_t>(1000 + handles.size())});
    if (result.status == CallStatus::no_resources) break;
    t.check(result.status == CallStatus::ok, std::string("passive OPEN returned ") + to_string(result.status));
    handles.push_back(result.handle);
  }
  if (handles.size() == 100) t.inapplicable("the device takes more than 100 listeners");
  t.step(std::to_string(handles.size()) + " listeners, each of them answers");
  for (std::size_t i = 0; i < handles.size(); ++i) {
    Conn& c = t.add_conn({device_ip, static_cast<std::uint16_t>(1000 + i)}, {peer_ip, 5000});
    c.send_syn();
    c.expect_syn_ack();
    c.send({.flags = RST});
  }
  t.step("the port that did not get in does not");
  Conn& none = t.add_conn({device_ip, static_cast<std::uint16_t>(1000 + handles.size())}, {peer_ip, 5000});
  none.send_syn();
  none.expect_rst_ack(0, none.isn + 1);
  t.step("after one is closed it does");
  t.check(t.dut().close(handles[2]).status == CallStatus::ok, "CLOSE of a listener failed");
  t.check(t.dut().open_passive({.local_port = none.device.port}).status == CallStatus::ok,
          "the place is not free again");
  none.restart(t.random());
  none.send_syn();
  none.expect_syn_ack();
}

/// What the ISN is besides the clock, which has `rate` steps in a microsecond.
std::uint32_t less_clock(const Received& s, double rate) {
  return *s.seq - static_cast<std::uint32_t>(static_cast<std::uint64_t>(static_cast<double>(s.time_us) * rate));
}

std::uint32_t iss_less_clock(Tester& t, Conn& c, double rate) {
  c.restart(t.random());
  c.open();
  const Received syn = c.expect_syn();
  c.send({.seq = 0, .ack = c.iss + 1, .flags = RST | ACK});
  t.expect_nothing();
  return less_clock(syn, rate);
}

/// The two differ by 20 ms of the clock at most.
bool near(std::uint32_t a, std::uint32_t b, double rate) {
  const auto slack = static_cast<std::uint32_t>(20'000 * rate);
  return a - b + slack < 2 * slack;
}

void isn_key(Tester& t) {
  const double rate = isn_rate(t, t.c());
  const std::uint32_t first = iss_less_clock(t, t.c(), rate);
  const std::uint32_t again = iss_less_clock(t, t.c(), rate);
  t.check(near(first, again, rate), "the ISN of one 4-tuple jumps with the key unchanged");
  t.set("ISN_KEY0", 0x12345678);
  const std::uint32_t second = iss_less_clock(t, t.c(), rate);
  t.check(!near(first, second, rate), "another key makes no other ISN");
  t.set("ISN_KEY3", 0x9ABCDEF0);
  const std::uint32_t third = iss_less_clock(t, t.c(), rate);
  t.check(!near(third, second, rate), "another key word makes no other ISN");
}

void isn_same_both_roles(Tester& t) {
  t.step("the hash depends on who is local: active and passive open of one 4-tuple have one ISN sequence");
  const double rate = isn_rate(t, t.c());
  const std::uint32_t active = iss_less_clock(t, t.c(), rate);
  t.c().restart(t.random());
  t.listen();
  t.send_syn();
  const std::uint32_t passive = less_clock(t.expect_syn_ack(), rate);
  t.check(near(active, passive, rate), "an active and a passive open of one 4-tuple have unrelated ISNs");
}

void isn_spread(Tester& t) {
  const double rate = isn_rate(t, t.c());
  std::vector<std::uint32_t> values;
  for (int n = 0; n < 64; ++n) {
    Conn& c = t.add_conn({device_ip, device_port}, {peer_ip, static_cast<std::uint16_t>(3000 + n)});
    values.push_back(iss_less_clock(t, c, rate));
  }
  // Every top-bit pattern of two bits must be there: a hash that is worth the name fills the space.
  std::array<int, 4> quarter{};
  for (const std::uint32_t v : values) ++quarter[v >> 30];
  for (const int n : quarter) t.check(n >= 4, "64 ISNs leave a quarter of the sequence space nearly empty");
  std::sort(values.begin(), values.end());
  t.check(std::adjacent_find(values.begin(), values.end()) == values.end(), "two 4-tuples have the same ISN offset");
}

}  // namespace

void register_protocol_tables(Registry& r) {
  const auto add = [&r](const char* name, const char* title, std::vector<std::string> rules, const char* description,
                        std::function<void(Tester&)> run, Level level = Level::must, Settings settings = {}) {
    r.add({.id = std::string("protocol/table-") + name,
           .title = title,
           .rules = std::move(rules),
           .description = description,
           .run = std::move(run),
           .level = level,
           .settings = std::move(settings)});
  };
  add("full", "A full connection table refuses, and harms nobody", {"MUST-41", "RFC4987-2.2-1", "ST-LISTEN-SYN-IN"},
      "Connections are opened until a SYN is ignored; OPEN then returns NO_RESOURCES; the others pass data. After one "
      "has "
      "ended there is room again.",
      table_full);
  add("all-at-once", "Text on every connection",
      {"RFC9293-3.9.1.1-1", "ST-ESTABLISHED-TXT-INORD", "ST-ESTABLISHED-U-SEND"},
      "The table is filled; each connection gets and sends text of its own.", all_at_once);
  add("timers", "Every connection's timer runs by itself", {"RFC6298-5.1", "RFC6298-5.4", "RFC6298-5-1"},
      "The table is filled; each connection loses a segment and repeats it after 1 s.", all_timers, Level::should);
  add("come-and-go", "300 connections, one after the other", {"RFC9293-3.6-5", "RFC9293-3.5-1"},
      "Each opens, passes text and closes; the table does not fill up.", come_and_go);
  add("listeners-full", "A full listener table refuses, and harms nobody", {"MUST-41", "ST-CLOSED-U-OPEN-P"},
      "Passive OPENs until NO_RESOURCES: each listener answers, the next port does not; after a CLOSE there is room.",
      listeners_full);
  add("isn-key", "The ISN depends on the secret key", {"SHLD-1", "RFC6528-3-1"},
      "One 4-tuple: with the key unchanged its ISN follows the clock, with another key it jumps.", isn_key,
      Level::should);
  add("isn-roles", "One 4-tuple has one ISN sequence, whoever opens", {"SHLD-1", "RFC6528-2-1"},
      "An active and a passive open of one 4-tuple differ by the clock only.", isn_same_both_roles, Level::should);
  add("isn-spread", "ISNs of neighbouring ports fill the sequence space", {"SHLD-1", "RFC6528-3-1"},
      "64 ports of one peer: their ISNs, less the clock, are all different and lie in every quarter.", isn_spread,
      Level::should);
}

}  // namespace tiptoe::conformance::cases
