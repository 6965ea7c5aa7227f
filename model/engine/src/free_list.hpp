// SPDX-License-Identifier: Apache-2.0
// Free connection indices, a bit each; the lowest free one is the next (micro-architecture 8.4).
#pragma once

#include <bit>
#include <cstdint>
#include <vector>

namespace tiptoe::model {

class FreeList {
 public:
  explicit FreeList(unsigned connections) : connections_(connections), bits_((connections + 63) / 64) { reset(); }

  void reset() {
    for (auto& word : bits_) word = 0;
    count_ = 0;
    for (unsigned i = 0; i < connections_; ++i) release(i);
  }
  unsigned count() const { return count_; }
  bool any() const { return count_ != 0; }
  std::uint16_t lowest() const {  // 0 when there is none
    for (std::size_t i = 0; i < bits_.size(); ++i)
      if (bits_[i] != 0) return static_cast<std::uint16_t>(64 * i + static_cast<unsigned>(std::countr_zero(bits_[i])));
    return 0;
  }
  void take(unsigned idx) {
    count_ -= static_cast<unsigned>(bits_[idx / 64] >> idx % 64 & 1U);
    bits_[idx / 64] &= ~(std::uint64_t{1} << idx % 64);
  }
  void release(unsigned idx) {
    count_ += static_cast<unsigned>(~bits_[idx / 64] >> idx % 64 & 1U);
    bits_[idx / 64] |= std::uint64_t{1} << idx % 64;
  }

 private:
  unsigned connections_, count_ = 0;
  std::vector<std::uint64_t> bits_;
};

}  // namespace tiptoe::model
