// SPDX-License-Identifier: Apache-2.0
// Questions that the RFCs leave open, with their legal answers. A capability file says under `choices` which answer the
// device gives; of one that says nothing every legal answer is accepted (docs/plug-in.md).
//
//   for (const Choice& c : all_choices())
//     std::cout << c.name << ": " << c.answers[0] << "\n";   // zero_window_probe: text
//   if (tester.may("zero_window_probe", "empty")) { ... }
//
// The engine and its model are held to the first answer of each.
#pragma once

#include <map>
#include <span>
#include <string>
#include <string_view>

namespace tiptoe {

struct Choice {
  std::string_view name;
  std::span<const std::string_view> answers;  ///< the engine's own is the first
  std::string_view question;                  ///< what is open, and who leaves it open (RFC and section)
};

/// In order of name.
std::span<const Choice> all_choices() noexcept;
/// Null when there is no such question.
const Choice* find_choice(std::string_view name) noexcept;
/// What the engine and its model do: the first answer of each question.
const std::map<std::string, std::string>& engine_choices();

}  // namespace tiptoe
