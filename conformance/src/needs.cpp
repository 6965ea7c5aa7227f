// SPDX-License-Identifier: Apache-2.0
// What a case needs, against what the device has: settings, counters, addresses, the application of a device without
// user calls. The rules are in docs/plug-in.md.
#include <algorithm>
#include <array>
#include <stdexcept>

#include "tiptoe/choices.hpp"
#include "tiptoe/conformance/tester.hpp"
#include "tiptoe/registers.hpp"
#include "words.hpp"

namespace tiptoe::conformance {

namespace {

constexpr std::array<const char*, 8> feature_bits = {"RST5961",  "SYN5961", "ACK5961", "RFC1337",
                                                     "TW_REUSE", "DELACK",  "DF",      "FIXED_ISS"};
const std::set<std::string> timers = {"RTO_INIT", "RTO_MIN", "SYN_RTO", "SYN_BACKOFF"};
constexpr std::uint64_t default_mtu = 1500;

// No case talks to these: until a case asks for the device's own service or connection, it stays behind them.
constexpr std::uint16_t hidden_device_port = 2;
constexpr std::uint16_t hidden_peer_port = 3;

std::uint64_t reset_value(const std::string& name) {
  const RegisterInfo* info = find_register(name);
  return info == nullptr ? 0 : info->reset_value;
}

}  // namespace

void Tester::need_call(const std::string& call, const std::string& what) const {
  if (!can(call))
    throw Inapplicable("the case needs " + what + ", and the device has no `" + call + "` (capability calls)");
}

bool Tester::may(std::string_view question, std::string_view answer) const {
  const Choice* const choice = find_choice(question);
  if (choice == nullptr || std::ranges::find(choice->answers, answer) == choice->answers.end()) {
    throw std::logic_error("choices.cpp knows no " + std::string(question) + ": " + std::string(answer));
  }
  const auto said = capabilities_->choices.find(std::string(question));
  return said == capabilities_->choices.end() || said->second == answer;
}

// ---- addresses and ports

void Tester::translate() {
  const Capabilities& has = *capabilities_;
  const bool serves = has.service && !has.can("listen");
  const bool opens = has.client && !has.can("open");
  if (has.addresses.empty() && has.peers.empty() && !serves && !opens) return;
  translated_ = std::make_unique<TranslatedDut>(*dut_);
  dut_ = translated_.get();
  AddressMap& map = translated_->map;
  const std::array<std::uint32_t, 2> ours = {device_ip, device_ip_2};
  const std::array<std::uint32_t, 2> theirs = {peer_ip, peer_ip_2};
  for (std::size_t i = 0; i < std::min(ours.size(), has.addresses.size()); ++i) {
    map.addresses.set(ours[i], has.addresses[i]);
  }
  for (std::size_t i = 0; i < std::min(theirs.size(), has.peers.size()); ++i) {
    map.addresses.set(theirs[i], has.peers[i]);
  }
  if (serves) map.device_ports.set(hidden_device_port, has.service->port);
  if (opens) map.peer_ports.set(hidden_peer_port, has.client->port);
}

bool Tester::background(const Segment& s) const {
  return capabilities_->client && translated_ && !client_ && s.dst_port == hidden_peer_port;
}

/// A device that opens by itself: its SYN is waited for, and kept until the case opens.
void Tester::meet_client() {
  if (!capabilities_->client || !translated_ || can("open")) return;
  const std::uint64_t until = now() + capabilities_->client->within_us;
  while (client_syn_ == text_line) {
    std::optional<Datagram> datagram = dut_->poll_output();
    if (!datagram && until > now()) datagram = dut_->run_until_output(until - now());
    if (!datagram) return;  // open() says so
    record(*datagram);
    const Segment s = Segment::parse(datagram->bytes);
    if (s.dst_port == hidden_peer_port && s.flags == SYN) client_syn_ = frames_.size() - 1;
  }
}

void Conn::open_by_itself(CallStatus expected, const OpenArgs& extra) {
  Tester& t = *tester_;
  const Capabilities& has = t.capabilities();
  if (!has.client) t.need_call("open", "OPEN");
  if (expected != CallStatus::ok || extra.nodelay || extra.keepalive || extra.from_listener || peer.port != peer_port ||
      device.port != device_port || peer.ip != peer_ip || device.ip != device_ip) {
    not_by_itself("OPEN with anything but the device's own choice");
  }
  if (t.client_) not_by_itself("a second OPEN");
  t.nothing_pending("the user opens");
  if (t.client_syn_ == Tester::text_line) {
    t.fail("the device did not open by itself: no SYN to port " + std::to_string(has.client->port) + " within " +
           duration(has.client->within_us) + " after reset (capability client)");
  }
  AddressMap& map = t.translated_->map;
  Datagram& frame = t.frames_[t.client_syn_];
  const Bytes wire = map.to_wire(frame.bytes, false);
  const Segment syn = Segment::parse(wire);
  if (has.peers.empty()) map.addresses.set(peer_ip, *syn.dst);
  map.peer_ports.set(peer_port, has.client->port);
  map.chosen = AddressMap::Chosen{peer_port, device_port, *syn.src_port};
  frame.bytes = map.from_wire(wire, false);
  t.client_ = Application{"client", has.client->reads, false, has.client->closes};
  t.client_conn_ = this;
  handle = own_handle;
  t.note("client: the connection that the device has opened to port " + std::to_string(has.client->port));
  Received got{Segment::parse(frame.bytes), frame.time_us, frame.cycle};
  const std::string wrong = t.check_datagram(got);
  if (!wrong.empty()) t.fail(t.story("a correct datagram; " + wrong, &got, got.time_us, got.cycle));
  t.held_.push_back(std::move(got));
}

/// True when the device listens by itself, and the case has what it wants.
bool Conn::listen_by_itself(const OpenArgs& extra) {
  Tester& t = *tester_;
  if (t.can("listen")) return false;
  const Capabilities& has = t.capabilities();
  if (!has.service) t.need_call("listen", "OPEN passive (listen)");
  const OpenArgs plain;
  if (device.port != device_port || extra.local_ip != 0 || extra.remote_ip != 0 || extra.remote_port != 0 ||
      extra.backlog != plain.backlog) {
    not_by_itself("OPEN passive with anything but the device's own choice");
  }
  if (t.service_) not_by_itself("a second listener");
  t.nothing_pending("the user listens");
  t.translated_->map.device_ports.set(device_port, has.service->port);
  t.service_ = Application{"service", has.service->reads, has.service->echoes, has.service->closes, has.service->talks};
  t.note("service: the device listens on port " + std::to_string(has.service->port));
  listener = own_handle;
  t.listeners_[device.port] = own_handle;
  return true;
}

const Application* Tester::application(const Conn& c) const {
  if (client_ && client_conn_ == &c) return &*client_;
  if (service_ && c.device.port == device_port && (c.device.ip == device_ip || c.device.ip == device_ip_2)) {
    return &*service_;
  }
  return nullptr;
}

std::vector<Datagram> Tester::take_frames() {
  for (std::size_t i = 0; i < wire_.size(); ++i) frames_[i].bytes = std::move(wire_[i]);
  return std::move(frames_);
}

// ---- settings and counters

/// Adds the setting to those that the device is told, or ends the case.
void Tester::judge(Settings& out, const std::string& name, const std::string& told, std::uint64_t value,
                   std::uint64_t by_default) const {
  const Capabilities& has = *capabilities_;
  std::optional<std::uint64_t> fixed;
  if (const auto it = has.fixed.find(name); it != has.fixed.end()) fixed = it->second;
  if (name == "MTU" && !fixed && has.mtu != default_mtu && has.settable.count(name) == 0) fixed = has.mtu;
  if (fixed) {
    if (*fixed == value) return;
    throw Inapplicable("the case needs " + name + " = " + std::to_string(value) + ", the device has " +
                       std::to_string(*fixed) + " and cannot change it (capability fixed)");
  }
  if (has.all_settings || has.settable.count(name) != 0) {
    out.emplace_back(told, value);
    return;
  }
  if (value == by_default) return;
  if (name == "LOCAL_IP0") {
    throw Inapplicable(
        "the address of the device cannot be set (capability settable), and it names none of its own "
        "(capability addresses)");
  }
  throw Inapplicable("the case sets " + name + " = " + std::to_string(value) +
                     ", which the device cannot (capability settable)");
}

bool Tester::has_second_address() const {
  const Capabilities& has = *capabilities_;
  if (!has.addresses.empty()) return has.addresses.size() > 1;
  const auto fixed = has.fixed.find("LOCAL_IP1");
  if (fixed != has.fixed.end()) return fixed->second == device_ip_2;
  return has.all_settings || has.settable.contains("LOCAL_IP1");
}

void Tester::need_second_address() const {
  if (!has_second_address()) {
    throw Inapplicable("the case needs a second address of the device, it has one (capability " +
                       std::string(capabilities_->addresses.empty() ? "settable" : "addresses") + ")");
  }
}

bool Tester::can_have(const std::string& name, std::uint64_t value) const {
  const Capabilities& has = *capabilities_;
  // Calm timers would make probes wait for long; in real time what is due is passed over instead.
  if (has.real_time && timers.count(name) != 0) return false;
  if (const auto it = has.fixed.find(name); it != has.fixed.end()) return it->second == value;
  return has.all_settings || has.settable.count(name) != 0;
}

/// All settings without the wishes that the device can't fulfil. FEATURES bits that it has for good keep their value,
/// unless the case needs another.
Settings Tester::granted(const Settings& all) {
  Settings out;
  for (const char* bit : feature_bits) {
    const auto fixed = capabilities_->fixed.find(bit);
    if (fixed != capabilities_->fixed.end()) out.emplace_back(bit, fixed->second);
  }
  for (const auto& [full_name, value] : all) {
    const std::string name = full_name.starts_with("FEATURES.") ? full_name.substr(9) : full_name;
    if (case_->wishes.count(name) != 0 && !can_have(name, value)) {
      denied_.insert(name);
    } else {
      out.emplace_back(name, value);
    }
  }
  return out;
}

/// The FEATURES bit of a device that was told this value.
std::uint64_t Tester::bit_in_force(const std::string& bit, std::uint64_t told) const {
  const Capabilities& has = *capabilities_;
  if (const auto it = has.fixed.find(bit); it != has.fixed.end()) return it->second;
  if (has.all_settings || has.settable.contains(bit)) return told;
  return reset_value("FEATURES") >> find_register("FEATURES." + bit)->bit & 1U;
}

/// An exchange that depends on nothing in the profile is a case under two of them. A device that is the same under both
/// is judged once.
void Tester::not_twice(const Settings& own) const {
  if (case_->same_as.empty() || !options_->profile.empty()) return;
  const auto features = [](const Settings& settings) {
    std::uint64_t value = reset_value("FEATURES");
    for (const auto& [name, v] : resolve(settings)) {
      if (name == "FEATURES") value = v;
    }
    return value;
  };
  Settings other = profile(case_->same_as).settings;
  for (const auto& [bit, value] : other) {
    if (bit_in_force(bit, value) != value) return;  // the other one is inapplicable
  }
  other.insert(other.end(), case_->settings.begin(), case_->settings.end());
  other.insert(other.end(), options_->settings.begin(), options_->settings.end());
  const std::uint64_t here = features(own);
  const std::uint64_t there = features(other);
  for (std::size_t i = 0; i < feature_bits.size(); ++i) {
    if (bit_in_force(feature_bits[i], here >> i & 1U) != bit_in_force(feature_bits[i], there >> i & 1U)) return;
  }
  throw Inapplicable("the exchange depends on nothing in the profile, and the device is the same under profile " +
                     case_->same_as + ", where it is judged (capability fixed)");
}

std::uint64_t Tester::setting(const std::string& name) const {
  const auto fixed = capabilities_->fixed.find(name);
  if (fixed != capabilities_->fixed.end()) return fixed->second;
  const RegisterInfo* bit = find_register("FEATURES." + name);
  const std::string entry = bit != nullptr ? "FEATURES" : name;
  std::uint64_t value = reset_value(entry);
  for (const auto& [known, now] : resolved_) {
    if (known == entry) value = now;
  }
  return bit == nullptr ? value : value >> bit->bit & 1U;
}

/// What the device is told before the case. What it need not be told is left out.
Settings Tester::wanted_settings() const {
  const Capabilities& has = *capabilities_;
  const bool whole_features =
      has.all_settings && std::none_of(feature_bits.begin(), feature_bits.end(),
                                       [&](const char* bit) { return has.fixed.count(bit) != 0; });
  Settings out;
  for (const auto& [name, value] : resolved_) {
    if (name.starts_with("LOCAL_IP") && !has.addresses.empty()) continue;  // the map takes care
    if (name == "LOCAL_IP1" && !has_second_address()) continue;            // cases that use it ask for it
    if (name == "FEATURES" && !whole_features) {
      for (std::size_t i = 0; i < feature_bits.size(); ++i) {
        judge(out, feature_bits[i], std::string("FEATURES.") + feature_bits[i], (value >> i) & 1U,
              (reset_value("FEATURES") >> i) & 1U);
      }
    } else {
      judge(out, name, name, value, reset_value(name));
    }
  }
  return out;
}

void Tester::set(const std::string& name, std::uint64_t value) {
  call_line("set " + name + " = " + std::to_string(value));
  settle();
  const Settings before = wanted_settings();
  resolved_.emplace_back(name, value);
  resolved_ = resolve(resolved_);
  for (const auto& entry : wanted_settings()) {
    const bool known = std::find(before.begin(), before.end(), entry) != before.end();
    if (!known || entry.first == name) dut_->set(entry.first, entry.second);
  }
}

bool Tester::has_counter(const std::string& name) const {
  return capabilities_->all_counters || capabilities_->counters.count(name) != 0;
}

std::uint64_t Tester::counter(const std::string& name) {
  if (!has_counter(name))
    throw Inapplicable("the case reads " + name + ", which the device does not count (capability counters)");
  settle();
  return dut_->counter(name);
}

std::uint64_t Tester::counter_growth(const std::string& name) {
  const std::uint64_t value = counter(name);
  std::uint64_t& last = counters_[name];
  const std::uint64_t grown = (value - last) & 0xFFFF'FFFFU;
  last = value;
  return grown;
}

void Tester::expect_counter(const std::string& name, std::uint64_t by) {
  if (!has_counter(name)) {
    counters_skipped_ = true;
    return;
  }
  const std::uint64_t grown = counter_growth(name);
  if (grown != by) {
    fail("counter " + name + " has grown by " + std::to_string(grown) + " to " + std::to_string(counters_[name]) +
         ", it should have grown by " + std::to_string(by));
  }
}

// ---- limits

void Tester::too_long(std::uint64_t us) const {
  throw Inapplicable("the case waits " + duration(us) + ", at most " + duration(longest_wait_us_) +
                     " are wanted (capability longest_wait_us)");
}

void Conn::need_place() {
  const unsigned most = tester_->capabilities().connections;
  if (alive_ || most == 0) return;
  const auto alive =
      std::count_if(tester_->conns_.begin(), tester_->conns_.end(), [](const Conn& c) { return c.alive_; });
  if (static_cast<unsigned>(alive) >= most) {
    tester_->inapplicable("the case needs " + std::to_string(alive + 1) + " connections at a time, the device has " +
                          std::to_string(most) + " (capability connections)");
  }
}

}  // namespace tiptoe::conformance
