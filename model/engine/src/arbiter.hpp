// SPDX-License-Identifier: Apache-2.0
// Arbiter (micro-architecture 8.1): six sources, round robin, one grant per cycle.
#pragma once

#include <cstdint>

#include "tiptoe/tcp/types.hpp"

namespace tiptoe::model {

class Arbiter {
 public:
  static constexpr unsigned kSources = 6;
  static constexpr int kNobody = -1;

  void reset() { rr_ = 0; }
  unsigned rr() const { return rr_; }

  /// `offered`: one bit per source. `may(source)`: the other conditions; asked in the order of the round robin until
  /// one is true. Returns the granted source and moves the pointer.
  template <class May>
  int grant(unsigned offered, May&& may) {
    for (unsigned i = 0, source = rr_; i < kSources; ++i) {
      const unsigned next = source + 1 == kSources ? 0 : source + 1;
      if ((offered >> source & 1U) != 0 && may(static_cast<tcp::Source>(source))) {
        rr_ = next;
        return static_cast<int>(source);
      }
      source = next;
    }
    return kNobody;
  }

 private:
  unsigned rr_ = 0;
};

}  // namespace tiptoe::model
