// SPDX-License-Identifier: Apache-2.0
#include "tiptoe/conformance/conn.hpp"

#include <algorithm>

#include "tiptoe/conformance/tester.hpp"
#include "words.hpp"

namespace tiptoe::conformance {

namespace {

/// The flags of a pattern mean exactly these, PSH aside, and for RST an ACK; a pattern that names flags_set or
/// flags_clear is taken as it is.
Segment matcher(Segment p) {
  if (p.flags && !p.flags_set && !p.flags_clear) {
    p.flags_set = *p.flags;
    p.flags_clear = static_cast<std::uint8_t>(~*p.flags & ~PSH);
    if (*p.flags == RST) p.flags_clear = static_cast<std::uint8_t>(*p.flags_clear & ~ACK);
    p.flags.reset();
  }
  return p;
}

std::string join(const std::vector<std::string>& sentences) {
  std::string out;
  for (const std::string& s : sentences) out += (out.empty() ? "" : "; ") + s;
  return out;
}

std::uint32_t low32(std::size_t n) { return static_cast<std::uint32_t>(n); }

}  // namespace

const char* to_string(Role role) noexcept { return role == Role::passive ? "passive" : "active"; }

Conn::Conn(Tester& tester, Endpoint device_end, Endpoint peer_end, std::uint32_t the_isn, std::uint64_t the_salt)
    : device(device_end), peer(peer_end), salt(the_salt), tester_(&tester) {
  restart(the_isn);
}

void Conn::restart(std::uint32_t the_isn) {
  isn = the_isn;
  R = isn + 1;
  W = 65535;
  S = U = M = iss = 0;
  iss_known = wrong_ack_ = false;
  handle.reset();
  send_buffer_.reset();
  user_supplied = user_read = 0;
  alive_ = user_closed_ = false;
  fin_end_.reset();
  held_fin_.reset();
  stimulus_end_.reset();
  own_from_ = own_to_ = 0;
  peer_edge_ = isn;
  in_order_end_ = isn + 1;
  send_edge_ = ack_high_ = 0;
  send_edge_known_ = ack_seen_ = read_since_window_ = false;
}

std::string Conn::name() const { return ip_to_string(peer.ip) + "." + std::to_string(peer.port); }

// Odd seeds for one direction, even ones for the other.
Bytes Conn::peer_text(std::uint64_t offset, std::size_t n) const { return pattern(n, offset, 2 * salt + 1); }
Bytes Conn::user_text(std::uint64_t offset, std::size_t n) const {
  const Application* own = application();
  return own != nullptr && own->echoes ? peer_text(offset, n) : pattern(n, offset, 2 * salt);
}

// ---- bookkeeping

void Conn::note_sent(const Segment& s) {
  if (s.src != peer.ip || s.dst != device.ip || s.src_port != peer.port || s.dst_port != device.port) return;
  if (s.corrupt_checksum || s.corrupt_ip_checksum || s.checksum || s.ip_checksum) return;
  if (iss_known && U == iss && s.has(ACK) && *s.ack != iss + 1) wrong_ack_ = true;
  if (s.has(RST)) {
    if (*s.seq == R) alive_ = false, fin_end_.reset();
    return;
  }
  const std::uint32_t end = *s.seq + s.length();
  if (s.has(SYN)) {
    if (ack_seen_) return;  // not the SYN of this incarnation
    if (!s.has(ACK) && tester_->listeners_.contains(device.port)) alive_ = true;
    peer_edge_ = seq_max(peer_edge_, end);
    M = std::max<std::uint32_t>(M, *s.window);
    if (s.has(ACK) && iss_known && *s.ack == S) U = *s.ack;
    if (s.has(ACK) && s.has(FIN)) fin_end_ = end;
    note_edge(s.has(ACK) ? *s.ack : iss + 1, *s.window, s.has(ACK) || iss_known);
    return;
  }
  const std::uint32_t edge = R + W;
  const bool acceptable = *s.seq == R || (seq_le(R, *s.seq) && seq_lt(*s.seq, edge)) ||
                          (s.length() > 0 && seq_lt(R, end) && seq_le(end, edge));
  if (seq_le(*s.seq, edge) && seq_lt(peer_edge_, end)) peer_edge_ = end;
  if (acceptable && s.has(FIN) && s.has(ACK)) fin_end_ = end;
  if (acceptable && s.has(ACK) && seq_le(*s.seq, in_order_end_)) in_order_end_ = seq_max(in_order_end_, end);
  if (!acceptable || !s.has(ACK) || !iss_known || seq_lt(*s.ack, U) || seq_lt(S, *s.ack)) return;
  if (U == iss && application() != nullptr && application()->talks) {
    tester_->inapplicable(
        "the case completes the handshake, and from then on the service sends text of its own (capability "
        "service.talks)");
  }
  U = *s.ack;
  M = std::max<std::uint32_t>(M, *s.window);
  note_edge(*s.ack, *s.window, true);
}

void Conn::note_edge(std::uint32_t ack, std::uint32_t offered, bool known) {
  if (!known) {
    pending_window_ = offered;  // a SYN without ACK: it counts from ISS+1
    return;
  }
  send_edge_ = send_edge_known_ ? seq_max(send_edge_, ack + offered) : ack + offered;
  send_edge_known_ = true;
}

void Conn::note_received(const Received& s) {
  if (s.has(RST)) {
    alive_ = false;
    fin_end_.reset();
    return;
  }
  if (s.has(SYN) && !iss_known) {
    iss = U = *s.seq;
    S = iss + 1;
    iss_known = true;
    if (pending_window_) note_edge(iss + 1, *pending_window_, true);
    pending_window_.reset();
  }
  const std::uint32_t end = *s.seq + s.length();
  if (s.length() > 0) last_sequence_us_ = s.time_us;
  if (seq_lt(S, end)) S = end;
  if (!s.has(ACK)) return;
  if (!ack_seen_) first_window_ = *s.window;
  ack_high_ = *s.ack;
  ack_seen_ = true;
  R = seq_max(R, *s.ack);
  window_edge_ = *s.ack + *s.window;
  W = seq_lt(window_edge_, R) ? 0 : window_edge_ - R;
  if (s.flags == ACK && s.text_length() == 0) read_since_window_ = false;
}

bool Conn::is_window_update(const Segment& s) const {
  const Application* own = application();
  const bool has_read = read_since_window_ || (own != nullptr && own->reads);
  return absorb_window_updates && has_read && ack_seen_ && s.flags == ACK && s.text_length() == 0 && *s.seq == S &&
         *s.ack == ack_high_ && seq_lt(window_edge_, *s.ack + *s.window);
}

bool Conn::is_due_repetition(const Received& s) const {
  const char* timer = s.has(SYN) ? "SYN_RTO" : "RTO_MIN";
  // A segment with a wrong ACK shows that the peer is of another incarnation: some stacks try again at once.
  if (wrong_ack_ && s.flags == SYN && s.seq == iss && !tester_->can_have("SYN_RTO", 0)) return true;
  if (!tester_->denied(timer) || !iss_known || s.has(RST) || s.length() == 0) return false;
  if (*s.seq != U || seq_lt(S, *s.seq + s.length())) return false;
  return s.time_us + tester_->tolerance() >= last_sequence_us_ + tester_->setting(timer);
}

std::string Conn::check(const Segment& s) const {
  if (s.has(RST)) return {};
  if (s.has(SYN)) {
    if (iss_known && *s.seq != iss) return "its SYN does not repeat ISS " + std::to_string(iss);
  } else if (iss_known) {
    if (seq_lt(S, *s.seq)) {
      return "SEQ " + std::to_string(*s.seq) + " leaves out octets, SND.NXT is " + std::to_string(S);
    }
    const auto length = low32(s.text_length());
    const std::uint32_t end = *s.seq + length;
    if (length > 1 && send_edge_known_ && seq_lt(send_edge_, end)) {
      return "its text goes " + std::to_string(end - send_edge_) +
             " octets beyond the window that the tester has offered (RFC5681-2-1)";
    }
    const bool keepalive = length == 1 && end == U && U == S;  // one octet of garbage is legal (MAY-6)
    if (length > 0 && check_text && !keepalive) {
      const std::uint64_t offset = *s.seq - (iss + 1);
      const Application* own = application();
      const std::uint64_t supplied = own != nullptr && own->echoes ? peer_offset(peer_edge_) : user_supplied;
      if (offset + length > supplied) {
        return "its text ends " + std::to_string(offset + length) + " octets into the stream; the user has sent " +
               std::to_string(supplied);
      }
      const Bytes right = user_text(offset, length);
      if (*s.payload != right) {
        const auto at = std::mismatch(right.begin(), right.end(), s.payload->begin());
        return "octet " + std::to_string(at.first - right.begin()) + " of its text is " + std::to_string(*at.second) +
               ", the user sent " + std::to_string(*at.first);
      }
    }
  }
  if (s.has(ACK)) {
    if (seq_lt(peer_edge_, *s.ack)) {
      return "it acknowledges up to " + std::to_string(*s.ack) + ", the tester has sent up to " +
             std::to_string(peer_edge_);
    }
    if (ack_seen_ && seq_lt(*s.ack, ack_high_)) {
      return "its ACK goes back from " + std::to_string(ack_high_) + " to " + std::to_string(*s.ack);
    }
  }
  return {};
}

// ---- towards the device

Segment Conn::fill(Segment s) const {
  if (!s.src) s.src = peer.ip;
  if (!s.dst) s.dst = device.ip;
  if (!s.src_port) s.src_port = peer.port;
  if (!s.dst_port) s.dst_port = device.port;
  if (!s.seq) s.seq = R;
  if (!s.flags) s.flags = std::uint8_t{0};
  if (!s.ack) s.ack = s.has(ACK) ? S : 0;
  if (!s.window) s.window = window;
  return s;
}

void Conn::send(Segment s) {
  s = fill(std::move(s));
  tester_->nothing_pending("the tester sends " + s.form());
  tester_->last_sent_ = "the tester's " + s.form(true) + " " + tester_->when();
  if (s.has(SYN) && !s.has(ACK) && tester_->listeners_.contains(device.port)) need_place();
  for (Conn& c : tester_->conns_) c.note_sent(s);
  tester_->inject(s);
}

void Conn::send_burst(const std::vector<Segment>& segments) {
  tester_->nothing_pending("the tester sends " + std::to_string(segments.size()) + " segments");
  for (Segment s : segments) {
    s = fill(std::move(s));
    tester_->last_sent_ = "a burst of " + std::to_string(segments.size()) + " segments that ends in " + s.form(true) +
                          " " + tester_->when();
    for (Conn& c : tester_->conns_) c.note_sent(s);
    tester_->inject(s);
  }
}

void Conn::send_syn() {
  Segment s{.seq = isn, .flags = SYN};
  if (mss) s.options = Options().mss(*mss);
  send(std::move(s));
}

Segment Conn::text_at(std::uint32_t seq, std::size_t n, std::uint8_t flags) const {
  return {.seq = seq, .flags = flags, .payload = peer_text(peer_offset(seq), n)};
}

void Conn::need_unread() const {
  const Application* own = application();
  if (own == nullptr || !own->reads) return;
  tester_->inapplicable(
      "the case looks at a window that moves when the user reads, and the application of the device reads when it "
      "likes (capability " +
      std::string(own->key) + ".reads)");
}

void Conn::need_receive_buffer(std::size_t n) {
  if (application() != nullptr) return;
  const std::uint64_t unread = peer_offset(R) - user_read;
  if (ack_seen_ && n > W && unread + n > first_window_) {
    tester_->inapplicable("the case needs a receive buffer of " + std::to_string(unread + n) +
                          " octets, the device has offered a window of " + std::to_string(first_window_));
  }
}

void Conn::send_text(std::size_t n, std::uint8_t more_flags) {
  const std::uint32_t seq = R;
  need_receive_buffer(n);
  send(text_at(seq, n, static_cast<std::uint8_t>(ACK | PSH | more_flags)));
  took(seq + low32(n) + ((more_flags & FIN) != 0 ? 1 : 0));
}

void Conn::send_fin(std::optional<std::uint32_t> ack) {
  const std::uint32_t seq = R;
  send({.seq = seq, .ack = ack ? *ack : S, .flags = FIN | ACK});
  took(seq + 1);
}

void Conn::took(std::uint32_t up_to) {
  const std::uint32_t moved = up_to - R;
  W = moved > W ? 0 : W - moved;
  R = up_to;
  const Application* own = application();
  if (own != nullptr && own->echoes) user_supplied = peer_offset(fin_end_ && *fin_end_ == R ? R - 1 : R);
}

// ---- from the device

Segment Conn::addressed(Segment p) const {
  if (!p.src) p.src = device.ip;
  if (!p.dst) p.dst = peer.ip;
  if (!p.src_port) p.src_port = device.port;
  if (!p.dst_port) p.dst_port = peer.port;
  return p;
}

Segment Conn::strict(Segment p) const {
  p = addressed(std::move(p));
  if (!p.has(RST)) {
    if (!p.seq) p.seq = S;
    if (!p.ack && p.has(ACK)) p.ack = R;
  }
  if (!p.payload) p.payload = Bytes{};
  return p;
}

Received Conn::expect_pattern(Segment p, std::uint64_t within) {
  if (p.window && R != isn + 1) need_unread();
  const std::uint64_t patience = tester_->patience(within);
  const std::uint32_t before = S;
  auto got = tester_->take(patience, {matcher(p)});
  return judged(std::move(p), patience, before, std::move(got));
}

/// What came, or did not, against the pattern.
Received Conn::judged(Segment p, std::uint64_t patience, std::uint32_t before, std::optional<Received> got) {
  if (got) p = behind_echo(std::move(p), before, *got);
  const std::string wanted = p.form(true) + (patience > 1'000 ? " within " + duration(patience) : "");
  if (!got) tester_->fail(tester_->story(wanted, nullptr, tester_->now(), tester_->dut().cycles()));
  const auto differences = matcher(p).differences(*got);
  if (!differences.empty()) {
    tester_->fail(tester_->story(wanted, &*got, got->time_us, got->cycle) + ": " + join(differences));
  }
  note_form(p, *got);
  note_received(*got);
  return *got;
}

/// What is legal, but not as the text shows it.
void Conn::note_form(const Segment& pattern, const Received& got) {
  if (pattern.flags != RST || !got.has(ACK)) return;
  const std::string remark = "a RST carries an ACK field where RFC 9293 3.5.2 shows <CTL=RST> alone";
  auto& all = tester_->remarks_;
  if (std::find(all.begin(), all.end(), remark) == all.end()) all.push_back(remark);
}

/// A pattern for the next sequence number of the device, which has moved since over text that the case does not see.
Segment Conn::behind_echo(Segment p, std::uint32_t before, const Segment& got) const {
  if (S != before && p.seq == before && !got.has(RST)) p.seq = S;
  return p;
}

Received Conn::expect(const Segment& p, std::uint64_t within) { return expect_pattern(strict(p), within); }

Received Conn::expect_loose(const Segment& p, std::uint64_t within) {
  Segment q = addressed(p);
  if (q.flags && !q.flags_set && !q.flags_clear) q.flags_set = *q.flags;
  q.flags.reset();
  return expect_pattern(q, within);
}

Received Conn::expect_at(const Segment& p, std::uint64_t at) {
  const std::uint64_t tolerance = tester_->tolerance();
  const std::uint64_t latest = at + tolerance;
  Received got = expect_pattern(strict(p), latest > tester_->now() ? latest - tester_->now() : 0);
  if (got.time_us + tolerance < at) {
    tester_->fail(p.form() + " came " + duration(at - got.time_us) + " too early, " + tester_->when() +
                  "; it was due after " + duration(at));
  }
  return got;
}

Received Conn::expect_text(std::size_t n, std::uint64_t within, std::optional<std::uint32_t> seq) {
  std::uint32_t from = seq ? *seq : S;
  const std::uint64_t patience = tester_->patience(within);
  while (true) {
    Segment p = strict({.seq = from, .flags = ACK, .payload = user_text(user_offset(from), n)});
    const std::uint32_t before = S;
    auto got = tester_->take(patience, {matcher(p)});
    const std::size_t length = got ? got->text_length() : 0;
    if (length > 0 && length < n) {  // smaller segments than the window allows are legal
      Segment piece = p;
      piece.payload->resize(length);
      if (matcher(piece).matches(*got)) {
        note_received(*got);
        from += low32(length);
        n -= length;
        continue;
      }
    }
    return judged(std::move(p), patience, before, std::move(got));
  }
}

Received Conn::expect_fin_again(std::uint64_t within) {
  Received got = expect_loose({.ack = R, .flags_set = FIN | ACK, .flags_clear = SYN | RST | URG}, within);
  if (*got.seq + got.length() != S) {
    tester_->fail("the FIN came again with number " + std::to_string(*got.seq + got.length() - 1) + ", it was " +
                  std::to_string(S - 1));
  }
  return got;
}

Received Conn::expect_syn(std::uint64_t within) {
  Segment p{.flags = SYN, .payload = Bytes{}};
  if (iss_known) p.seq = iss;
  return expect_pattern(addressed(std::move(p)), within);
}

Received Conn::expect_syn_ack(std::uint64_t within) {
  Segment p{.ack = R, .flags = SYN | ACK, .payload = Bytes{}};
  if (iss_known) p.seq = iss;
  return expect_pattern(addressed(std::move(p)), within);
}

Received Conn::expect_rst(std::uint32_t seq, std::uint64_t within) {
  return expect({.seq = seq, .flags = RST}, within);
}

Received Conn::expect_rst_ack(std::uint32_t seq, std::uint32_t ack, std::uint64_t within) {
  return expect({.seq = seq, .ack = ack, .flags = RST | ACK}, within);
}

Received Conn::expect_abort_rst(std::uint64_t within) {
  Received got = expect_loose({.seq = S, .payload = Bytes{}, .flags_set = RST, .flags_clear = SYN | FIN | URG}, within);
  if (got.has(ACK) && got.ack != R) {
    tester_->fail("the RST acknowledges " + std::to_string(*got.ack) + ", RCV.NXT is " + std::to_string(R));
  }
  return got;
}

std::size_t Conn::expect_one_of(const std::vector<Segment>& patterns, std::uint64_t within) {
  const std::uint64_t patience = tester_->patience(within);
  std::string wanted;
  std::vector<Segment> all;
  for (const Segment& p : patterns) {
    wanted += (wanted.empty() ? "" : " or ") + strict(p).form(true);
    all.push_back(matcher(strict(p)));
  }
  const std::uint32_t before = S;
  auto got = tester_->take(patience, all);
  if (!got) tester_->fail(tester_->story(wanted, nullptr, tester_->now(), tester_->dut().cycles()));
  for (std::size_t i = 0; i < patterns.size(); ++i) {
    if (matcher(behind_echo(strict(patterns[i]), before, *got)).matches(*got)) {
      note_form(patterns[i], *got);
      note_received(*got);
      return i;
    }
  }
  tester_->fail(tester_->story(wanted, &*got, got->time_us, got->cycle));
}

std::optional<Received> Conn::allow(const Segment& pattern, std::uint64_t within) {
  const std::uint32_t before = S;
  auto got = tester_->take(tester_->patience(within), {matcher(strict(pattern))});
  if (!got) return std::nullopt;
  const Segment p = behind_echo(strict(pattern), before, *got);
  const auto differences = matcher(p).differences(*got);
  if (!differences.empty()) {
    tester_->fail(tester_->story("nothing, or " + p.form(true), &*got, got->time_us, got->cycle) + ": " +
                  join(differences));
  }
  note_received(*got);
  return got;
}

}  // namespace tiptoe::conformance
