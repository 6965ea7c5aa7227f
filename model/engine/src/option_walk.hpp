// SPDX-License-Identifier: Apache-2.0
// The walk over the options of a SYN (micro-architecture 6.2): one option per cycle, MSS is the only one of interest.
#pragma once

#include <array>
#include <cstdint>

#include "tiptoe/tcp/faults.hpp"

namespace tiptoe::model {

struct OptionWalk {
  unsigned steps = 0;  ///< cycles that handle an option, the deciding one included (1 ... 41)
  bool mss_valid = false;
  std::uint16_t mss = 0;
};

inline constexpr unsigned kWalkForever = 0;  ///< `steps` of a walk that never ends (a seeded fault only)

/// `length` = 4*data offset - 20.
OptionWalk walk_options(const std::array<std::uint8_t, 40>& options, unsigned length, const tcp::Faults& faults = {});

}  // namespace tiptoe::model
