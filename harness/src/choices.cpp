// SPDX-License-Identifier: Apache-2.0
#include "tiptoe/choices.hpp"

#include <algorithm>
#include <array>

namespace tiptoe {
namespace {

using Answers = std::array<std::string_view, 2>;

constexpr Answers zero_window_probe = {"text", "empty"};

constexpr std::array kChoices = {
    Choice{"zero_window_probe", zero_window_probe,
           "what a probe of a zero window carries: text from SND.UNA on (RFC 9293 3.8.6.1), or nothing at SND.UNA - 1, "
           "which draws the same ACK"},
};

}  // namespace

std::span<const Choice> all_choices() noexcept { return kChoices; }

const Choice* find_choice(std::string_view name) noexcept {
  const auto* const it = std::ranges::find(kChoices, name, &Choice::name);
  return it == kChoices.end() ? nullptr : &*it;
}

const std::map<std::string, std::string>& engine_choices() {
  static const std::map<std::string, std::string> all = [] {
    std::map<std::string, std::string> out;
    for (const Choice& c : kChoices) out.emplace(c.name, c.answers.front());
    return out;
  }();
  return all;
}

}  // namespace tiptoe
