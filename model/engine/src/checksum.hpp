// SPDX-License-Identifier: Apache-2.0
// The internet checksum (RFC 1071): sums of big-endian 16-bit words, carries folded back.
#pragma once

#include <cstdint>

namespace tiptoe::model {

/// Sum of the big-endian words of `n` bytes, an odd last byte padded with zero; carries not folded. `n` up to 4096.
std::uint32_t word_sum(const std::uint8_t* bytes, unsigned n);

/// Carries are added back until the value fits 16 bits. `once` is the seeded fault that loses the second carry.
constexpr std::uint16_t fold(std::uint32_t sum, bool once = false) {
  sum = (sum & 0xFFFF) + (sum >> 16);
  if (!once)
    while (sum > 0xFFFF) sum = (sum & 0xFFFF) + (sum >> 16);
  return static_cast<std::uint16_t>(sum);
}

/// Pseudo-header of RFC 9293 3.1: addresses, protocol 6, TCP length.
constexpr std::uint32_t pseudo_header_sum(std::uint32_t source, std::uint32_t destination, std::uint32_t length) {
  return (source >> 16) + (source & 0xFFFF) + (destination >> 16) + (destination & 0xFFFF) + 6 + length;
}

}  // namespace tiptoe::model
