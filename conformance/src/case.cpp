// SPDX-License-Identifier: Apache-2.0
#include "tiptoe/conformance/case.hpp"

#include <algorithm>
#include <array>
#include <stdexcept>

namespace tiptoe::conformance {

namespace {

constexpr std::uint64_t default_features = 0x3F;
constexpr std::array<std::string_view, 8> feature_bits = {"RST5961",  "SYN5961", "ACK5961", "RFC1337",
                                                          "TW_REUSE", "DELACK",  "DF",      "FIXED_ISS"};

bool legal_id(std::string_view id) {
  return !id.empty() && id.find('/') != std::string_view::npos && std::all_of(id.begin(), id.end(), [](char ch) {
    return (ch >= 'a' && ch <= 'z') || (ch >= 'A' && ch <= 'Z') || (ch >= '0' && ch <= '9') || ch == '-' || ch == '_' ||
           ch == '.' || ch == '/';
  });
}

}  // namespace

const char* to_string(Level level) noexcept {
  switch (level) {
    case Level::must: return "must";
    case Level::should: return "should";
    case Level::may: return "may";
  }
  return "?";
}

const std::vector<Profile>& profiles() {
  static const std::vector<Profile> all = {
      {"default", "the device as it comes up", {}},
      {"base",
       "RFC 9293 without RFC 5961 and without the fix of RFC 1337",
       {{"RST5961", 0}, {"SYN5961", 0}, {"ACK5961", 0}, {"RFC1337", 0}}},
      {"rfc5961",
       "RFC 5961: challenge ACKs for RST and SYN, range check of ACKs; without the fix of RFC 1337",
       {{"RST5961", 1}, {"SYN5961", 1}, {"ACK5961", 1}, {"RFC1337", 0}}},
      {"rfc1337",
       "RFC 1337 fix F1: RST is ignored in TIME_WAIT; without RFC 5961",
       {{"RST5961", 0}, {"SYN5961", 0}, {"ACK5961", 0}, {"RFC1337", 1}}},
      {"linux-syn",
       "unanswered SYNs as Linux sends them: first timeout 1 s, doubled each time, 6 retries",
       {{"SYN_RTO", 1'000'000}, {"SYN_BACKOFF", 1}, {"SYN_RETRIES", 6}, {"OPEN_TIMEOUT", 0}}},
      {"bsd-syn",
       "unanswered SYNs as BSD sent them: after 6 s, then after 24 s more, given up at 75 s",
       {{"SYN_RTO", 6'000'000}, {"SYN_BACKOFF", 2}, {"SYN_RETRIES", 7}, {"OPEN_TIMEOUT", 75'000'000}}},
  };
  return all;
}

const Profile& profile(std::string_view name) {
  std::string known;
  for (const Profile& p : profiles()) {
    if (p.name == name) return p;
    known += (known.empty() ? "" : ", ") + p.name;
  }
  throw std::out_of_range("no profile '" + std::string(name) + "'; there are " + known);
}

Settings resolve(const Settings& settings) {
  Settings out;
  const auto put = [&out](const std::string& name, std::uint64_t value) {
    const auto it = std::find_if(out.begin(), out.end(), [&](const auto& entry) { return entry.first == name; });
    if (it == out.end()) {
      out.emplace_back(name, value);
    } else {
      it->second = value;
    }
  };
  std::uint64_t features = default_features;
  bool features_given = false;
  for (const auto& [full_name, value] : settings) {
    const std::string name = full_name.starts_with("FEATURES.") ? full_name.substr(9) : full_name;
    const auto bit = std::find(feature_bits.begin(), feature_bits.end(), name);
    if (bit == feature_bits.end() && name != "FEATURES") {
      put(name, value);
      continue;
    }
    if (name == "FEATURES") {
      features = value;
    } else {
      const std::uint64_t mask = std::uint64_t{1} << (bit - feature_bits.begin());
      features = value != 0 ? features | mask : features & ~mask;
    }
    features_given = true;
  }
  if (features_given) put("FEATURES", features);
  return out;
}

void Registry::add(Case c) {
  if (!legal_id(c.id)) throw std::invalid_argument("case id '" + c.id + "' is not group/name in file-name characters");
  const std::string who = "case " + c.id + ": ";
  if (find(c.id) != nullptr) throw std::invalid_argument(who + "the id is taken");
  if (c.title.empty()) throw std::invalid_argument(who + "no title");
  if (c.description.empty()) throw std::invalid_argument(who + "no description");
  if (c.rules.empty()) throw std::invalid_argument(who + "no rules");
  for (auto it = c.rules.begin(); it != c.rules.end(); ++it) {
    if (std::find(c.rules.begin(), it, *it) != it) throw std::invalid_argument(who + "rule " + *it + " twice");
  }
  if (!c.run) throw std::invalid_argument(who + "nothing to run");
  static_cast<void>(profile(c.profile));
  cases_.push_back(std::move(c));
}

void Registry::add_with_wrap(Case c) {
  add(c);
  add_wrap(std::move(c));
}

void Registry::add_wrap(Case wrapped) {
  const std::vector<std::string> rules = wrapped.rules;
  wrapped.id += "-wrap";
  wrapped.title += ", across the wrap of sequence numbers";
  if (std::find(rules.begin(), rules.end(), "RFC9293-3.4-1") == rules.end()) {
    wrapped.rules.emplace_back("RFC9293-3.4-1");
  }
  wrapped.description += " The same once more with both initial sequence numbers just below 2^32.";
  wrapped.settings.emplace_back("FIXED_ISS", 1);
  wrapped.settings.emplace_back("ISN_KEY0", wrap_iss);
  wrapped.peer_isn = wrap_isn;
  add(std::move(wrapped));
}

const Case* Registry::find(std::string_view id) const noexcept {
  const auto it = std::find_if(cases_.begin(), cases_.end(), [&](const Case& c) { return c.id == id; });
  return it == cases_.end() ? nullptr : &*it;
}

std::vector<const Case*> Registry::select(std::string_view pattern) const {
  std::vector<const Case*> out;
  for (const Case& c : cases_) {
    if (matches(pattern, c.id)) out.push_back(&c);
  }
  return out;
}

bool matches(std::string_view pattern, std::string_view id) noexcept {
  std::size_t p = 0;
  std::size_t i = 0;
  std::size_t star = std::string_view::npos;
  std::size_t after = 0;
  while (i < id.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      after = i;
    } else if (p < pattern.size() && (pattern[p] == '?' || pattern[p] == id[i])) {
      ++p;
      ++i;
    } else if (star != std::string_view::npos) {
      p = star + 1;
      i = ++after;
    } else {
      return false;
    }
  }
  while (p < pattern.size() && pattern[p] == '*') ++p;
  return p == pattern.size();
}

}  // namespace tiptoe::conformance
