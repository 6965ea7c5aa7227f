// SPDX-License-Identifier: Apache-2.0
// Names that several parts of the tester print.
#pragma once

#include <cstdint>
#include <iterator>
#include <string>

namespace tiptoe::conformance {

inline std::string notification_names(std::uint16_t flags) {
  static constexpr const char* names[] = {"CONNECTED", "READABLE", "PEER_FIN", "SPACE",  "CLOSED", "RESET",
                                          "REFUSED",   "TIMEOUT",  "SOFT",     "ACCEPT", "URGENT"};
  std::string out;
  const std::uint32_t bits = flags;
  for (std::uint32_t i = 0; i < std::size(names); ++i) {
    if (((bits >> i) & 1U) != 0) out.append(out.empty() ? "" : "|").append(names[i]);
  }
  return out.empty() ? "nothing" : out;
}

/// "3 s", "200 ms", "17 us": the largest unit that is exact.
inline std::string duration(std::uint64_t us) {
  if (us % 1'000'000 == 0 && us != 0) return std::to_string(us / 1'000'000) + " s";
  if (us % 1'000 == 0 && us != 0) return std::to_string(us / 1'000) + " ms";
  return std::to_string(us) + " us";
}

}  // namespace tiptoe::conformance
