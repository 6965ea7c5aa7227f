// SPDX-License-Identifier: Apache-2.0
// The rules of the event comparison by name, for benches that are not C++.
#include <algorithm>
#include <array>
#include <functional>
#include <limits>
#include <stdexcept>

#include "tiptoe/events.hpp"
#include "tiptoe/registers.hpp"

namespace tiptoe {
namespace {

struct Rule {
  std::string name;
  std::uint64_t largest;
  std::function<void(EventRules&, std::uint64_t)> put;
};

template <class T>
Rule bit(std::string name, T EventRules::*member, std::uint32_t mask) {
  return {std::move(name), 1, [member, mask](EventRules& rules, std::uint64_t on) {
            const auto old = static_cast<std::uint32_t>(rules.*member);
            rules.*member = static_cast<T>(on != 0 ? old | mask : old & ~mask);
          }};
}
Rule choice(std::string name, bool EventRules::*member) {
  return {std::move(name), 1, [member](EventRules& rules, std::uint64_t on) { rules.*member = on != 0; }};
}
template <class T>
Rule number(std::string name, T EventRules::*member) {
  return {std::move(name), std::numeric_limits<T>::max(),
          [member](EventRules& rules, std::uint64_t value) { rules.*member = static_cast<T>(value); }};
}

std::vector<Rule> make_rules() {
  using E = EventRules;
  using R = RetireRecord;
  std::vector<Rule> rules{
      bit("segment.ttl", &E::segment_fields, E::ttl),        bit("segment.tos", &E::segment_fields, E::tos),
      bit("segment.df", &E::segment_fields, E::df),          bit("segment.psh", &E::segment_fields, E::psh),
      bit("segment.window", &E::segment_fields, E::window),  bit("segment.urgent", &E::segment_fields, E::urgent),
      bit("segment.options", &E::segment_fields, E::options)};
  for (unsigned kind = 0; kind < 6; ++kind) {
    rules.push_back(bit("kind." + std::string(event_kind_name(kind)), &E::record_kinds, 1U << kind));
  }
  constexpr std::array<std::pair<const char*, std::uint32_t>, 13> fields{{{"reason", R::has_reason},
                                                                          {"state", R::has_state},
                                                                          {"state_before", R::has_state_before},
                                                                          {"sent", R::has_sent},
                                                                          {"flags_out", R::has_flags_out},
                                                                          {"iss", R::has_iss},
                                                                          {"irs", R::has_irs},
                                                                          {"snd_una", R::has_snd_una},
                                                                          {"snd_nxt", R::has_snd_nxt},
                                                                          {"snd_wnd", R::has_snd_wnd},
                                                                          {"rcv_nxt", R::has_rcv_nxt},
                                                                          {"rcv_wnd", R::has_rcv_wnd},
                                                                          {"rto", R::has_rto}}};
  for (const auto& [name, mask] : fields) {
    rules.push_back(bit("record." + std::string(name), &E::record_fields, mask));
  }
  rules.push_back(
      {"record.flags_mask", 255, [](E& r, std::uint64_t v) { r.record_flags = static_cast<std::uint8_t>(v); }});
  rules.push_back({"ip_id", 2, [](E& r, std::uint64_t v) { r.ip_id = static_cast<E::IpId>(v); }});
  rules.push_back(choice("exact_isn", &E::exact_isn));
  rules.push_back(choice("exact_timestamps", &E::exact_timestamps));
  rules.push_back(choice("exact_acks", &E::exact_acks));
  rules.push_back(number("ack_us", &E::ack_us));
  rules.push_back(number("answer_us", &E::answer_us));
  rules.push_back(number("late_us", &E::late_us));
  rules.push_back(number("window_slack", &E::window_slack));
  rules.push_back(number("max_mismatches", &E::max_mismatches));
  return rules;
}

const std::vector<Rule>& all_rules() {
  static const std::vector<Rule> rules = make_rules();
  return rules;
}

}  // namespace

void EventRules::set(std::string_view name, std::uint64_t value) {
  const auto& rules = all_rules();
  const auto found = std::find_if(rules.begin(), rules.end(), [&](const Rule& r) { return r.name == name; });
  if (found == rules.end()) {
    std::string text = "the comparison has no rule '" + std::string(name) + "'; there are";
    for (const Rule& rule : rules) text += (&rule == &rules.front() ? " " : ", ") + rule.name;
    throw std::invalid_argument(text);
  }
  if (value > found->largest) {
    throw std::invalid_argument("rule '" + found->name + "' takes 0 to " + std::to_string(found->largest) + ", not " +
                                std::to_string(value));
  }
  found->put(*this, value);
}

std::vector<std::string> EventRules::names() {
  std::vector<std::string> names;
  for (const Rule& rule : all_rules()) names.push_back(rule.name);
  return names;
}

}  // namespace tiptoe
