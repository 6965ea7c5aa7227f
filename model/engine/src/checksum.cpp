// SPDX-License-Identifier: Apache-2.0
#include "checksum.hpp"

#include <bit>
#include <cstring>

namespace tiptoe::model {
namespace {
static_assert(std::endian::native == std::endian::little, "beats and memories are read as little-endian words");

/// Adds up the four 16-bit lanes.
std::uint32_t lanes(std::uint64_t x) {
  constexpr std::uint64_t kEven = 0x0000FFFF0000FFFFU;
  x = (x & kEven) + (x >> 16 & kEven);
  return static_cast<std::uint32_t>(x + (x >> 32));
}
}  // namespace

std::uint32_t word_sum(const std::uint8_t* bytes, unsigned n) {
  constexpr std::uint64_t kBytes = 0x00FF00FF00FF00FFU;
  std::uint32_t high = 0, low = 0;
  while (n >= 8) {
    // 257 summands of 255 fit a lane; one block is at most 256 words.
    const unsigned block = n / 8 < 256 ? n / 8 : 256;
    std::uint64_t even = 0, odd = 0;
    for (unsigned i = 0; i < block; ++i) {
      std::uint64_t word;
      std::memcpy(&word, bytes + 8 * i, 8);
      even += word & kBytes;
      odd += word >> 8 & kBytes;
    }
    high += lanes(even);
    low += lanes(odd);
    bytes += 8 * block;
    n -= 8 * block;
  }
  for (unsigned i = 0; i < n; ++i) (i % 2 == 0 ? high : low) += bytes[i];
  return (high << 8) + low;
}

}  // namespace tiptoe::model
