// SPDX-License-Identifier: Apache-2.0
#include "soak_world.hpp"

#include <algorithm>
#include <stdexcept>

namespace tiptoe {

const RecordField& soak_field(std::string_view name) {
  for (const RecordField& f : record_fields()) {
    if (f.name == name) return f;
  }
  throw std::out_of_range(std::string(name));
}

void SoakWorld::begin(std::uint64_t seed) {
  random = Random(seed);
  draining = false;
  std::fill(shadow.begin(), shadow.end(), SoakShadow{});
}

const SoakShadow* SoakWorld::target() {
  const SoakShadow* chosen = nullptr;
  std::uint64_t weight = 0;
  for (const SoakShadow& s : shadow) {
    if (s.state == 0) continue;
    const std::uint64_t w = s.state == 4 ? 1 : 3;
    weight += w;
    if (random.below(weight) < w) chosen = &s;
  }
  return chosen;
}

void SoakWorld::log(const std::string& text) const {
  options.log(std::to_string(device.cycle()) + " " + std::to_string(device.now_us()) + " us " + text);
}

}  // namespace tiptoe
