// SPDX-License-Identifier: Apache-2.0
// Steps that many cases share.
#pragma once

#include <initializer_list>
#include <set>
#include <string>
#include <vector>

#include "tiptoe/conformance/tester.hpp"

namespace tiptoe::conformance::cases {

/// The segment must be repeated at these intervals (seconds), counted from `last`, the time of the previous one.
/// Returns the time of the last repetition.
inline std::uint64_t expect_repeats(Tester& t, Conn& c, const Segment& pattern, std::uint64_t last,
                                    std::initializer_list<std::uint64_t> intervals_s) {
  for (const std::uint64_t interval : intervals_s) {
    const std::uint64_t due = last + interval * 1'000'000;
    t.step("repetition " + std::to_string(interval) + " s after the last");
    last = c.expect_at(pattern, due).time_us;
  }
  t.step("");
  return last;
}

/// Takes all that the device has to send now, which must be text in order from S in segments of at most `most` octets,
/// `n` octets in all. Returns their sizes.
inline std::vector<std::size_t> expect_stream(Tester& t, Conn& c, std::size_t n, std::size_t most,
                                              std::uint64_t within = at_once) {
  std::vector<std::size_t> sizes;
  std::size_t got = 0;
  while (got < n) {
    const Received s =
        c.expect_loose({.seq = c.S, .ack = c.R, .flags_set = ACK, .flags_clear = SYN | FIN | RST | URG}, within);
    if (s.text_length() == 0) t.fail("an empty segment where text was due");
    if (s.text_length() > most) {
      t.fail("a segment with " + std::to_string(s.text_length()) + " octets of text, at most " + std::to_string(most) +
             " are allowed");
    }
    got += s.text_length();
    sizes.push_back(s.text_length());
  }
  if (got != n) t.fail("the device sent " + std::to_string(got) + " octets, " + std::to_string(n) + " were due");
  return sizes;
}

/// All that has been sent is acknowledged, the right edge of the tester's window stays where it is.
inline void ack_within_window(Conn& c) {
  c.window = static_cast<std::uint16_t>(c.window - (c.S - c.U));
  c.send_ack();
}

/// The device sends one segment at a time, and waits for its ACK (choices.hpp).
inline bool one_at_a_time(Tester& t) { return t.may("flight", "segment"); }

/// Everything that the device sends on the connection until it has been silent for `quiet`: text in order or repeated.
inline std::vector<Received> take_burst(Tester& t, Conn& c, std::uint64_t quiet = at_once) {
  std::vector<Received> out;
  while (auto got = t.next(quiet)) {
    if (got->dst != c.peer.ip || got->dst_port != c.peer.port)
      t.fail("a segment on another connection: " + got->form());
    out.push_back(*got);
  }
  return out;
}

/// Sizes of the text in segments.
inline std::vector<std::size_t> sizes(const std::vector<Received>& segments) {
  std::vector<std::size_t> out;
  out.reserve(segments.size());
  for (const Received& s : segments) out.push_back(s.text_length());
  return out;
}

/// The burst must be n segments of `size` octets, in order from `from`, none of them repeated.
inline void check_burst(Tester& t, const std::vector<Received>& burst, std::size_t n, std::size_t size,
                        std::uint32_t from, const std::string& what) {
  std::string came;
  for (const Received& s : burst) came.append(came.empty() ? "" : ", ").append(s.form());
  if (burst.size() != n) {
    t.fail(what + ": " + std::to_string(burst.size()) + " segments came (" + came + "), " + std::to_string(n) +
           " were due");
  }
  const std::uint32_t first = from;
  bool right = true;
  for (const Received& s : burst) {
    right = right && *s.seq == from && s.text_length() == size;
    from += static_cast<std::uint32_t>(size);
  }
  if (!right) {
    t.fail(what + ": segments of " + std::to_string(size) + " octets in order from " + std::to_string(first) +
           " were due, came " + came);
  }
}

/// The next n octets, in order, none longer than `most`: all at once, or the next ones with the ACK of those before.
/// The last ones are not acknowledged. With `hold` the right edge of the tester's window stays where it is.
inline std::vector<Received> expect_flights(Tester& t, Conn& c, std::size_t n, std::size_t most, bool hold = false) {
  std::vector<Received> all;
  const std::uint32_t from = c.S;
  const std::uint32_t end = from + static_cast<std::uint32_t>(n);
  std::uint32_t acknowledged = from;
  while (c.S != end) {
    const std::uint32_t before = c.S;
    const auto s = t.next();
    if (s) {
      const std::size_t length = s->text_length();
      if (s->seq != before || length == 0 || length > most || s->has(FIN)) {
        t.fail("expected: " + std::to_string(n) + " octets in segments of " + std::to_string(most) + " at most, " +
               std::to_string(before - from) + " have come; came: " + s->form());
      }
      if (seq_lt(end, c.S)) t.fail(std::to_string(c.S - from) + " octets came, " + std::to_string(n) + " were due");
      all.push_back(*s);
    } else if (one_at_a_time(t) && acknowledged != c.S) {
      if (hold) {
        ack_within_window(c);
      } else {
        c.send_ack();
      }
      acknowledged = c.S;
    } else {
      t.fail_silent(std::to_string(n) + " octets of text, of which " + std::to_string(c.S - from) + " have come");
    }
  }
  return all;
}

/// The last octets of a SEND, shorter than a segment: at once, or by Nagle's algorithm when all before is acknowledged.
inline void expect_short_text(Tester& t, std::size_t n) {
  const Bytes text = t.c().user_text(t.c().user_offset(t.S()), n);
  const auto early = t.c().allow({.flags = ACK, .payload = text});
  t.send_ack();
  if (!early) {
    t.expect_text(n);
    t.send_ack();
  }
}

/// Acknowledges octets up to `ack` and takes what that releases.
inline std::vector<Received> ack_and_take(Tester& t, Conn& c, std::uint32_t ack) {
  c.send({.ack = ack, .flags = ACK});
  return take_burst(t, c);
}

/// The choices of RFC 5961 and RFC 1337 that a profile makes, without those that the case depends on: wishes.
inline std::set<std::string> bits_but(std::initializer_list<const char*> needs) {
  std::set<std::string> out = {"RST5961", "SYN5961", "ACK5961", "RFC1337"};
  for (const char* bit : needs) out.erase(bit);
  return out;
}

/// What cases about the limit of challenge ACKs set and wish: a device whose limit is off by default puts it on, one
/// that has other numbers for good is judged by its own.
inline Settings default_challenge_limit() { return {{"CH_LIMIT", 10}, {"CH_WINDOW", 5'000'000}}; }
inline const std::set<std::string> challenge_limit_wishes = {"CH_LIMIT", "CH_WINDOW"};

/// How many challenge ACKs the limit allows (RFC 5961 section 7) from the time `since` until now: so many in each
/// window, the first and the last of which may be cut.
inline std::uint64_t most_challenges(Tester& t, std::uint64_t since) {
  return t.setting("CH_LIMIT") * ((t.now() - since) / t.setting("CH_WINDOW") + 2);
}

/// After a raw segment that a device may take or not (choices.hpp): silence, or where `answered` is legal one answer to
/// its source; a connection that it has opened is reset.
inline void expect_answer_or_nothing(Tester& t, const Segment& sent, bool answered, std::uint64_t within = at_once) {
  if (!answered) return t.expect_nothing(within);
  const auto answer = t.next(within);
  if (!answer) return;
  t.check(answer->dst == sent.src && answer->dst_port == sent.src_port, "it draws " + answer->form());
  t.check(!sent.has(RST), "a RST draws " + answer->form());
  if (answer->has(SYN)) {
    Segment rst{.src = sent.src,
                .dst = sent.dst,
                .src_port = sent.src_port,
                .dst_port = sent.dst_port,
                .seq = answer->ack,
                .flags = RST,
                .window = std::uint16_t{0}};
    t.send_raw(rst.build(), "a RST for what it has opened");
  }
  t.expect_nothing(within);
}

/// Steps of the ISN clock in a microsecond. Of a device that may have a faster one than 4 us it is measured: the
/// connection is opened twice.
inline double isn_rate(Tester& t, Conn& c) {
  constexpr double nominal = 0.25;
  if (!t.may("isn_clock", "faster")) return nominal;
  std::uint32_t iss[2];
  std::uint64_t time[2];
  for (int n = 0; n < 2; ++n) {
    c.restart(t.random());
    c.open();
    time[n] = c.expect_syn().time_us;
    iss[n] = c.iss;
    c.send({.seq = 0, .ack = c.iss + 1, .flags = RST | ACK});
    t.expect_nothing();
    if (n == 0) t.advance(t.capabilities().real_time ? 1_s : 10_ms);  // a SYN may be sent late
  }
  const double rate = static_cast<double>(iss[1] - iss[0]) / static_cast<double>(time[1] - time[0]);
  return rate < 1.1 * nominal ? nominal : rate;  // that it is slower is judged by TB-04a
}

/// n octets that the device may send now: a third of them at least at once, and the last ones with the ACK of the
/// others, where Nagle's algorithm holds back what fills no segment. Returns all segments.
inline std::vector<Received> expect_released(Tester& t, std::size_t n) {
  const std::uint32_t before = t.S();
  const std::uint32_t end = t.U() + static_cast<std::uint32_t>(n);
  std::vector<Received> out;
  for (int round = 0; round < 2 && t.S() != end; ++round) {
    if (round != 0) t.send_ack();
    for (Received& s : take_burst(t, t.c())) out.push_back(std::move(s));
    t.check(3 * (end - t.S()) <= 2 * n,
            std::to_string(t.S() - before) + " octets came, " + std::to_string(n) + " were due");
  }
  t.check_equal(t.S(), end, "SND.NXT behind the text that was due");
  return out;
}

/// Notification flags in short.
inline constexpr std::uint16_t connected = Notification::connected, readable = Notification::readable,
                               peer_fin = Notification::peer_fin, closed = Notification::closed,
                               was_reset = Notification::reset, refused = Notification::refused,
                               timed_out = Notification::timeout, soft = Notification::soft,
                               acceptable = Notification::accept, urgent = Notification::urgent;

}  // namespace tiptoe::conformance::cases
