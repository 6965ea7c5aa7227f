// SPDX-License-Identifier: Apache-2.0
#include "tiptoe/conformance/tester.hpp"

#include <algorithm>
#include <cstdio>

#include "words.hpp"

namespace tiptoe::conformance {

namespace {

std::string seconds(std::uint64_t us) {
  char buffer[40];
  std::snprintf(buffer, sizeof buffer, "%llu.%06llu", static_cast<unsigned long long>(us / 1'000'000),
                static_cast<unsigned long long>(us % 1'000'000));
  return buffer;
}

std::string at(std::uint64_t time, std::uint64_t cycle) {
  return "at " + seconds(time) + " s" + (cycle != 0 ? " (cycle " + std::to_string(cycle) + ")" : "");
}

std::uint64_t mix(std::uint64_t x) {  // splitmix64
  x += 0x9E3779B97F4A7C15U;
  x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9U;
  x = (x ^ (x >> 27)) * 0x94D049BB133111EBU;
  return x ^ (x >> 31);
}

}  // namespace

Tester::Tester(Dut& dut, const Case& the_case, const RunOptions& options)
    : dut_(&dut),
      capabilities_(&dut.capabilities()),
      at_once_us_(options.at_once_us.value_or(capabilities_->at_once_us)),
      tolerance_us_(options.timer_tolerance_us.value_or(capabilities_->timer_tolerance_us)),
      quiet_us_(options.quiet_us.value_or(capabilities_->quiet_us)),
      longest_wait_us_(options.longest_wait_us.value_or(capabilities_->longest_wait_us)),
      case_(&the_case),
      options_(&options),
      random_state_(mix(options.seed)) {
  translate();
  for (const char ch : the_case.id) random_state_ = mix(random_state_ ^ static_cast<unsigned char>(ch));
  const std::uint32_t isn = the_case.peer_isn ? *the_case.peer_isn : random() | 0x0001'0000U;
  conns_.emplace_back(*this, Endpoint{device_ip, device_port}, Endpoint{peer_ip, peer_port}, isn, 1);
  next_port_ = peer_port + 1;
}

Conn& Tester::add_conn() { return add_conn({device_ip, device_port}, {peer_ip, next_port_}); }

Conn& Tester::add_conn(Endpoint device, Endpoint peer) {
  if (device.ip == device_ip_2) need_second_address();
  if (peer.port >= next_port_ && peer.port < 65000) next_port_ = static_cast<std::uint16_t>(peer.port + 1);
  return conns_.emplace_back(*this, device, peer, random(), conns_.size() + 1);
}

std::uint32_t Tester::random() {
  random_state_ = mix(random_state_);
  return static_cast<std::uint32_t>(random_state_ >> 32);
}

// ---- start and end

void Tester::start() {
  Settings all = {{"LOCAL_IP0", device_ip}, {"LOCAL_IP1", device_ip_2}};
  const Settings& from_profile = profile(options_->profile.empty() ? case_->profile : options_->profile).settings;
  all.insert(all.end(), from_profile.begin(), from_profile.end());
  all.insert(all.end(), case_->settings.begin(), case_->settings.end());
  all.insert(all.end(), options_->settings.begin(), options_->settings.end());
  not_twice(all);
  resolved_ = resolve(granted(all));
  const Settings wanted = wanted_settings();
  try {
    dut_->reset({.settings = wanted, .seed = options_->seed});
  } catch (const DutUnsupported& e) {
    throw Inapplicable(std::string("the device does not take the settings of this case: ") + e.what());
  }
  meet_client();
}

void Tester::reset_device() {
  nothing_pending("the device was reset");
  if (service_ || client_) c().not_by_itself("a reset in the middle of the case");
  note("device: reset");
  dut_->reset({.settings = wanted_settings(), .seed = options_->seed});
  notified_.clear();
  counters_.clear();
  listeners_.clear();
  for (Conn& conn : conns_) {
    conn.handle.reset();
    conn.listener.reset();
    conn.iss_known = false;
    conn.ack_seen_ = false;
  }
}

void Tester::finish() {
  step_.clear();
  nobody_closes_unasked();
  if (const auto got = take(quiet_us_)) {
    unexpected("nothing more after the end of the case", *got);
  }
  settle();
  if (const auto got = take(0)) {
    unexpected("nothing more after the end of the case", *got);
  }
  drain_notifications();
  if (counters_skipped_ && !sent_anything_) {
    inapplicable("the case judges by counters alone, which the device does not have (capability counters)");
  }
}

// ---- the wire

void Tester::settle() { dut_->settle(); }

/// A case that never comes to its end, because the device keeps it busy, is a failed case.
void Tester::line(Line one) {
  constexpr std::size_t most = 50'000;
  lines_.push_back(std::move(one));
  if (lines_.size() == most) fail("the exchange has no end: " + std::to_string(most) + " datagrams and calls");
}

void Tester::nothing_pending(const std::string& before) {
  settle();
  nobody_closes_unasked();
  if (const auto got = take(0)) {
    unexpected("nothing more before " + before, *got);
  }
}

void Tester::inject(const Segment& segment) { inject_bytes(segment.build(), segment); }

void Tester::inject_bytes(ByteView bytes, const Segment&) {
  Datagram datagram{.bytes = Bytes(bytes.begin(), bytes.end()),
                    .time_us = dut_->now_us(),
                    .cycle = dut_->cycles(),
                    .to_device = true};
  record(datagram);
  if (bytes.size() >= 20 && !has_second_address() && Segment::parse(bytes).dst == device_ip_2) need_second_address();
  dut_->inject(bytes);
}

/// One datagram that crossed the wire, into ladder and capture.
void Tester::record(const Datagram& datagram) {
  frames_.push_back(datagram);
  if (translated_) wire_.push_back(translated_->map.to_wire(datagram.bytes, datagram.to_device));
  line({frames_.size() - 1, {}, datagram.time_us});
}

void Tester::send_raw(ByteView datagram, std::string_view what) {
  nothing_pending("the tester sends " + std::string(what));
  last_sent_ = std::string(what) + " at " + seconds(now()) + " s";
  inject_bytes(datagram, {});
}

/// What the tester has sent to another host, sent on by a device that is a router as well: the same datagram, but for
/// TTL and header checksum.
bool Tester::is_forwarded(const Datagram& datagram, const Segment& parsed) const {
  const std::uint32_t from = parsed.src.value_or(0);
  if (from == device_ip || from == device_ip_2 || !may("datagrams_for_others", "forwarded")) return false;
  constexpr std::size_t ttl = 8;
  constexpr std::size_t checksum = 10;
  const Bytes& out = datagram.bytes;
  if (out.size() < 20 || out[16] == 0 || out[16] == 127 || out[16] >= 224) return false;  // never forwarded
  const auto same = [&](const Datagram& sent) {
    Bytes in = sent.bytes;
    if (!sent.to_device || in.size() < out.size() || out[ttl] + 1 != in[ttl]) return false;
    in.resize(out.size());  // without link padding
    in[ttl] = out[ttl];
    std::copy_n(out.begin() + checksum, 2, in.begin() + checksum);
    return in == out;
  };
  return std::find_if(frames_.rbegin(), frames_.rend(), same) != frames_.rend();
}

std::optional<Received> Tester::take(std::uint64_t within, const std::vector<Segment>& wanted) {
  const bool cut = longest_wait_us_ != 0 && within > longest_wait_us_;
  const std::uint64_t until = now() + (cut ? longest_wait_us_ : within);
  while (true) {
    if (!held_.empty()) {
      Received first = std::move(held_.front());
      held_.pop_front();
      return first;
    }
    std::optional<Datagram> datagram = dut_->poll_output();
    if (!datagram && until > now()) datagram = dut_->run_until_output(until - now());
    drain_notifications();
    if (!datagram && cut) too_long(within);
    if (!datagram) return std::nullopt;
    datagram->to_device = false;
    record(*datagram);
    Received got{Segment::parse(datagram->bytes), datagram->time_us, datagram->cycle};
    if (background(got) || is_forwarded(*datagram, got)) continue;
    sent_anything_ = true;
    // What IP itself has to say is not TCP's business; but no host sends Source Quench (RFC6633-3-1).
    if (got.protocol == std::uint8_t{1}) {
      if (const std::string defect = check_icmp(datagram->bytes); !defect.empty()) {
        fail(story("a correct ICMP message; " + defect, &got, got.time_us, got.cycle));
      }
      continue;
    }
    Conn* conn = find(got);
    std::string wrong = check_datagram(got);
    if (wrong.empty() && conn != nullptr) wrong = conn->check(got);
    if (!wrong.empty()) fail(story("a correct datagram; " + wrong, &got, got.time_us, got.cycle));
    if (conn == nullptr) return got;
    const bool is_wanted = std::any_of(wanted.begin(), wanted.end(), [&](const Segment& p) { return p.matches(got); });
    if (conn->is_window_update(got) || (!is_wanted && conn->is_due_repetition(got))) {
      conn->note_received(got);
      continue;
    }
    if (auto shown = conn->filter(std::move(got))) return shown;
  }
}

std::optional<Received> Tester::next(std::uint64_t within) {
  nobody_closes_unasked();
  auto got = take(patience(within));
  if (got) {
    if (Conn* conn = find(*got)) conn->note_received(*got);
  }
  return got;
}

void Tester::expect_nothing(std::uint64_t us) {
  settle();
  nobody_closes_unasked();
  if (longest_wait_us_ != 0 && patience(us) > longest_wait_us_) too_long(patience(us));
  const std::uint64_t until = now() + patience(us);
  std::optional<Received> got = take(0);
  if (!got && until > now()) got = take(until - now());
  if (got) {
    unexpected("nothing for " + duration(patience(us)), *got);
  }
  if (until > now()) dut_->advance(until - now());
}

std::vector<Received> Tester::expect_set(const std::vector<Segment>& patterns, std::uint64_t within) {
  std::vector<Received> out(patterns.size());
  std::vector<bool> seen(patterns.size(), false);
  const std::uint64_t until = now() + patience(within);
  for (std::size_t n = 0; n < patterns.size(); ++n) {
    std::string missing;
    for (std::size_t i = 0; i < patterns.size(); ++i) {
      if (!seen[i]) missing += (missing.empty() ? "" : " and ") + patterns[i].form(true);
    }
    auto got = take(until > now() ? until - now() : 0, patterns);
    if (!got) fail(story(missing + " within " + duration(patience(within)), nullptr, now(), dut_->cycles()));
    bool found = false;
    for (std::size_t i = 0; i < patterns.size() && !found; ++i) {
      if (!seen[i] && patterns[i].matches(*got)) {
        seen[i] = found = true;
        out[i] = *got;
        if (Conn* conn = find(*got)) conn->note_received(*got);
      }
    }
    if (!found) fail(story(missing, &*got, got->time_us, got->cycle));
  }
  return out;
}

Conn* Tester::find(const Segment& s) {
  for (Conn& conn : conns_) {
    if (s.src == conn.device.ip && s.src_port == conn.device.port && s.dst == conn.peer.ip &&
        s.dst_port == conn.peer.port) {
      return &conn;
    }
  }
  return nullptr;
}

/// What no datagram of any device may be.
std::string Tester::check_datagram(const Segment& s) const {
  if (s.defective()) {
    std::string text;
    for (const DefectReport& defect : s.defects) text += (text.empty() ? "" : "; ") + defect.text;
    return text;
  }
  const std::uint8_t flags = s.flags.value_or(0);
  if (s.ttl.value_or(0) == 0) return "its TTL is 0";
  if (s.reserved.value_or(0) != 0) return "reserved header bits are set (RFC9293-3.1-1)";
  if (s.trailer && !s.trailer->empty()) return "there are octets beyond its total length";
  if ((flags & (SYN | FIN)) == (SYN | FIN)) return "SYN and FIN are set together";
  if ((flags & (SYN | RST)) == (SYN | RST)) return "SYN and RST are set together";
  if ((flags & (FIN | RST)) == (FIN | RST)) return "FIN and RST are set together";
  if ((flags & (SYN | RST | ACK)) == 0) return "it has neither ACK nor SYN nor RST (RFC9293-3.1-2)";
  const ParsedOptions options = s.parsed_options();
  if (!options.malformed.empty()) return "its options: " + options.malformed + " (MUST-68)";
  if (options.mss && (flags & SYN) == 0) return "an MSS option without SYN (MUST-65)";
  if (s.options) {  // MUST-69: after EOL nothing but zeros
    std::size_t end = 0;
    for (const Option& option : options.list) {
      end = option.offset + (option.kind == 1 ? 1 : option.data.size() + 2);
    }
    const Bytes& raw = s.options->bytes;
    if (std::any_of(raw.begin() + static_cast<std::ptrdiff_t>(std::min(end, raw.size())), raw.end(),
                    [](std::uint8_t b) { return b != 0; })) {
      return "octets after the end of its options are not zero (MUST-69)";
    }
  }
  bool local = false;
  for (const auto& [name, value] : resolved_) {
    local = local || (name.starts_with("LOCAL_IP") && value != 0 && value == s.src.value_or(0));
  }
  if (!local) return "its source is no address of the device (RFC1122-3.2.1.3-3)";
  return {};
}

/// What no ICMP message of any device may be.
std::string Tester::check_icmp(ByteView datagram) {
  const std::size_t header = std::size_t{4} * (datagram[0] & 0x0FU);
  if (datagram.size() < header + 8) return "it is shorter than its header";
  const ByteView message = datagram.subspan(header);
  if (ones_complement_sum(message) != 0xFFFF) return "its checksum is wrong (RFC 792)";
  if (message[0] == 4) return "it is a Source Quench (RFC6633-3-1)";
  return {};
}

// ---- notifications

void Tester::drain_notifications() {
  while (const auto n = dut_->poll_notification()) {
    notified_[n->handle.value] = static_cast<std::uint16_t>(notified_[n->handle.value] | n->flags);
    lines_.push_back({text_line, "user <- " + notification_names(n->flags), n->time_us});
  }
}

// ---- words

void Tester::step(std::string text) {
  step_ = std::move(text);
  note("-- " + step_);
}

void Tester::note(std::string text) { line({text_line, std::move(text), dut_->now_us()}); }

void Tester::call_line(const std::string& text) {
  note("user -> " + text);
  last_sent_ = "the user call " + text + " at " + seconds(now()) + " s";
}

std::string Tester::when() const { return at(dut_->now_us(), dut_->cycles()); }

std::string Tester::story(const std::string& expected, const Segment* got, std::uint64_t time,
                          std::uint64_t cycle) const {
  std::string text;
  if (!last_sent_.empty()) text += "after " + last_sent_ + ", ";
  text += "expected: " + expected + "; ";
  if (got == nullptr) return text + "nothing came until " + seconds(time) + " s";
  return text + "came: " + got->form(true) + " to " + ip_to_string(got->dst.value_or(0)) + "." +
         std::to_string(got->dst_port.value_or(0)) + " " + at(time, cycle);
}

void Tester::fail(const std::string& text) {
  drain_notifications();
  std::string rules;
  for (const std::string& rule : case_->rules) rules += (rules.empty() ? "" : ", ") + rule;
  throw CaseFailure(case_->id + " (" + rules + "): " + (step_.empty() ? "" : step_ + ": ") + text + ".");
}

void Tester::fail_silent(const std::string& expected) {
  fail(story(expected, nullptr, dut_->now_us(), dut_->cycles()));
}

void Tester::inapplicable(const std::string& reason) { throw Inapplicable(reason); }
void Tester::inconclusive(const std::string& reason) { throw Inconclusive(reason); }

std::string Tester::ladder() const {
  RelativeNumbers relative;
  std::string out;
  const std::string gap = "            ";
  for (const Line& line : lines_) {
    const std::string time = seconds(line.time_us);
    out += time.size() < gap.size() ? gap.substr(time.size()) + time : time;
    if (line.frame == text_line) {
      out += "  " + line.text + "\n";
      continue;
    }
    const Datagram& frame = frames_[line.frame];
    const Segment s = Segment::parse(frame);
    relative.note(s);
    out += frame.to_device ? "  -----> " : "  <----- ";
    out += s.to_string(&relative) + "\n";
  }
  return out;
}

}  // namespace tiptoe::conformance
