// SPDX-License-Identifier: Apache-2.0
// Payload memories with unaligned access (micro-architecture 6.5, decision 0002): the segment store (SLOTS slots of
// 2048 bytes) and the per-connection send and receive buffers, rings in which the sequence number is the address.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <memory>
#include <vector>

namespace tiptoe::model {

inline constexpr unsigned kSlots = 8;
inline constexpr unsigned kSlotBytes = 2048;

class SegmentStore {
 public:
  std::uint8_t* slot(unsigned index) { return bytes_.data() + index * kSlotBytes; }
  const std::uint8_t* slot(unsigned index) const { return bytes_.data() + index * kSlotBytes; }

 private:
  std::array<std::uint8_t, kSlots * kSlotBytes> bytes_{};
};

/// One ring per connection, made when its first octet is written.
class Buffers {
 public:
  Buffers(unsigned connections, unsigned log2_bytes) : rings_(connections), mask_((1U << log2_bytes) - 1) {}
  Buffers(const Buffers& other) : rings_(other.rings_.size()), mask_(other.mask_) {
    for (std::size_t i = 0; i < rings_.size(); ++i)
      if (other.rings_[i]) {
        rings_[i] = std::make_unique<std::uint8_t[]>(size());
        std::memcpy(rings_[i].get(), other.rings_[i].get(), size());
      }
  }
  Buffers(Buffers&&) = default;
  Buffers& operator=(const Buffers& other) { return *this = Buffers(other); }
  Buffers& operator=(Buffers&&) = default;
  ~Buffers() = default;

  void write(unsigned connection, std::uint32_t seq, const std::uint8_t* source, unsigned n) {
    auto& ring = rings_[connection];
    if (!ring) ring = std::make_unique<std::uint8_t[]>(size());
    while (n != 0) {  // once, or twice across the wrap
      const std::uint32_t at = seq & mask_;
      const auto part = static_cast<unsigned>(std::min<std::size_t>(n, size() - at));
      std::memcpy(ring.get() + at, source, part);
      seq += part;
      source += part;
      n -= part;
    }
  }
  void read(unsigned connection, std::uint32_t seq, std::uint8_t* target, unsigned n) const {
    const auto& ring = rings_[connection];
    if (!ring) {
      std::memset(target, 0, n);
      return;
    }
    while (n != 0) {
      const std::uint32_t at = seq & mask_;
      const auto part = static_cast<unsigned>(std::min<std::size_t>(n, size() - at));
      std::memcpy(target, ring.get() + at, part);
      seq += part;
      target += part;
      n -= part;
    }
  }

 private:
  std::size_t size() const { return std::size_t{mask_} + 1; }

  std::vector<std::unique_ptr<std::uint8_t[]>> rings_;
  std::uint32_t mask_;
};

}  // namespace tiptoe::model
