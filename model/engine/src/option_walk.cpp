// SPDX-License-Identifier: Apache-2.0
#include "option_walk.hpp"

namespace tiptoe::model {

OptionWalk walk_options(const std::array<std::uint8_t, 40>& options, unsigned length, const tcp::Faults& faults) {
  using tcp::Fault;
  OptionWalk walk;
  unsigned p = 0;
  for (;;) {
    ++walk.steps;
    if (p >= length || options[p] == 0) return walk;  // end of the header, or End of Option List
    const unsigned kind = options[p];
    if (kind == 1 && !faults.on(Fault::engine_option_nop_missing)) {  // No-Operation
      p += 1;
      continue;
    }
    if (p + 1 >= length) return walk;
    const unsigned n = options[p + 1];
    if (n == 0 && faults.on(Fault::engine_option_len0_hang)) {
      walk.steps = kWalkForever;
      return walk;
    }
    if (n < 2 || p + n > length) return walk;  // malformed: ignored from here on
    if (kind == 2 && n == 4) {
      walk.mss = static_cast<std::uint16_t>(options[p + 2] << 8 | options[p + 3]);
      walk.mss_valid = true;
    } else if (faults.on(Fault::engine_option_unknown_stops)) {
      return walk;
    }
    p += n;
  }
}

}  // namespace tiptoe::model
