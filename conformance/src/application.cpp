// SPDX-License-Identifier: Apache-2.0
// Connections of a device without user calls: its own application accepts, reads, perhaps sends back, perhaps closes.
// Here the cases' user calls become what that application does anyway, or the case becomes inapplicable.
//
// A service that sends back (echoes) is made to SEND: the tester sends the octets that the case wants to see, and the
// device returns them. Octet k of either direction is the same then. What comes back of text that the tester sends for
// other reasons is compared, acknowledged, and hidden from the case.
#include <algorithm>

#include "tiptoe/conformance/tester.hpp"

namespace tiptoe::conformance {

const Application* Conn::application() const { return tester_->application(*this); }

void Conn::not_by_itself(const std::string& what) const {
  const Application* own = application();
  tester_->inapplicable(what +
                        " is not possible, because the device has no user calls, only an application of its own" +
                        (own != nullptr ? std::string(" (capability ") + own->key + ")" : ""));
}

// ---- user calls

void Conn::send_by_echo(std::size_t n) {
  if (!application()->echoes) not_by_itself("SEND");
  Tester& t = *tester_;
  const std::size_t most = std::min<std::size_t>({W, mss.value_or(536), 536});
  if (n > most) {
    t.inapplicable("the case has the user SEND " + std::to_string(n) +
                   " octets at once; a service that sends back what "
                   "comes can be had to send " +
                   std::to_string(most) + " (capability service.echoes)");
  }
  if (fin_end_ || S - (iss + 1) != user_supplied) not_by_itself("SEND while earlier text has not come back");
  t.settle();
  const Segment s = fill({.seq = R, .ack = U, .flags = ACK | PSH, .payload = user_text(user_supplied, n)});
  own_from_ = S;
  own_to_ = S + static_cast<std::uint32_t>(n);
  t.call_line("SEND " + std::to_string(n) + ", by what the service sends back");
  t.inject(s);
  note_sent(s);
  took(R + static_cast<std::uint32_t>(n));
  stimulus_end_ = R;
  user_supplied += n;
}

void Conn::receive_by_itself(std::size_t n) {
  const Application& own = *application();
  if (!own.reads) not_by_itself("RECEIVE");
  if (!absorb_window_updates) not_by_itself("RECEIVE at a time that the case chooses");
  user_read += n;
  read_since_window_ = true;
  tester_->settle();
}

void Conn::close_by_itself(CallStatus expected, bool half) {
  tester_->settle();
  if (expected != CallStatus::ok || half || !application()->closes || user_closed_ || !fin_end_ || R != *fin_end_) {
    not_by_itself("CLOSE");
  }
  user_closed_ = true;
  tester_->note("CLOSE: the application of the device closes by itself");
  if (held_fin_) tester_->held_.push_back(std::move(*held_fin_));
  held_fin_.reset();
}

bool Conn::closes_unasked() const {
  const Application* own = application();
  return own != nullptr && own->closes && fin_end_ && seq_le(*fin_end_, R) && !user_closed_;
}

void Tester::nobody_closes_unasked() const {
  for (const Conn& c : conns_) {
    if (c.closes_unasked()) {
      throw Inapplicable(
          "the case leaves the device in CLOSE_WAIT, but its application closes as soon as the peer has (capability " +
          std::string(c.application()->key) + ".closes)");
    }
  }
}

// ---- what comes

std::optional<Received> Conn::filter(Received got) {
  const Application* own = application();
  if (own == nullptr || got.has(RST) || got.has(SYN)) return got;
  if (own->echoes && got.text_length() > 0) {
    auto rest = without_echo(std::move(got));
    if (!rest) return rest;
    got = std::move(*rest);
  }
  if (stimulus_end_ && got.flags == ACK && got.text_length() == 0 && *got.seq == S && seq_lt(ack_high_, *got.ack) &&
      seq_le(*got.ack, *stimulus_end_)) {
    note_received(got);
    return std::nullopt;
  }
  const bool with_ack = own->closes && fin_end_ && !user_closed_ && got.has(ACK) && seq_le(*fin_end_, *got.ack);
  if (got.has(FIN) && (closes_unasked() || with_ack)) {  // one segment for both is legal
    Received ack = got;
    ack.flags = static_cast<std::uint8_t>(*got.flags & ~(FIN | PSH));
    const bool tells = !ack_seen_ || seq_lt(ack_high_, *got.ack);
    held_fin_ = std::move(got);
    if (tells) return ack;
    return std::nullopt;
  }
  return got;
}

/// Takes text that the tester's own has drawn out of the segment, and acknowledges it. What is left is an ACK, and
/// perhaps a FIN, or nothing.
std::optional<Received> Conn::without_echo(Received got) {
  const auto length = static_cast<std::uint32_t>(got.text_length());
  if (*got.seq != S) return got;  // repeated: the case's business
  const std::uint32_t end = S + length;
  const bool wanted = own_from_ != own_to_ && seq_lt(*got.seq, own_to_) && seq_lt(own_from_, end);
  if (wanted) {
    if (seq_lt(*got.seq, own_from_) || seq_lt(own_to_, end)) {
      tester_->inapplicable("the device sends back earlier text and what the case wants to see in one segment");
    }
    return got;
  }
  const bool tells = !ack_seen_ || seq_lt(ack_high_, *got.ack);
  const bool fin = got.has(FIN);
  Received text = got;
  text.flags = static_cast<std::uint8_t>(*got.flags & ~FIN);
  note_received(text);
  // The device may be ahead of what it has acknowledged, and takes no ACK from before then.
  const Segment ack = fill({.seq = seq_max(R, in_order_end_), .ack = S, .flags = ACK});
  tester_->inject(ack);
  note_sent(ack);
  got.payload = Bytes{};
  got.seq = S;
  got.flags = static_cast<std::uint8_t>(*got.flags & ~PSH);
  if (!tells && !fin) return std::nullopt;
  got.with_echo = true;
  return got;
}

/// What a case expects not to come.
void Tester::unexpected(const std::string& expected, const Received& got) {
  if (got.with_echo) {
    throw Inapplicable(
        "the case looks at when text is acknowledged, and the service does that with what it sends back (capability "
        "service.echoes)");
  }
  fail(story(expected, &got, got.time_us, got.cycle));
}

}  // namespace tiptoe::conformance
