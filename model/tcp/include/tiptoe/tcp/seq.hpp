// SPDX-License-Identifier: Apache-2.0
//
// Sequence arithmetic modulo 2^32 (RFC 9293 3.4). Every comparison of sequence numbers in the model goes through here.
//
//   seq::lt(0xFFFFFFFE, 2)   // true: 2 is four octets further on
#pragma once

#include <cstdint>

namespace tiptoe::tcp::seq {

// a - b, seen from b: negative when a is behind b.
constexpr std::int32_t diff(std::uint32_t a, std::uint32_t b) { return static_cast<std::int32_t>(a - b); }

// a < b means that bit 31 of (a-b) is set; a <= b means not (b < a).
constexpr bool lt(std::uint32_t a, std::uint32_t b) { return diff(a, b) < 0; }
constexpr bool le(std::uint32_t a, std::uint32_t b) { return !lt(b, a); }
constexpr bool gt(std::uint32_t a, std::uint32_t b) { return lt(b, a); }
constexpr bool ge(std::uint32_t a, std::uint32_t b) { return !lt(a, b); }

constexpr std::uint32_t max(std::uint32_t a, std::uint32_t b) { return lt(a, b) ? b : a; }
constexpr std::uint32_t min(std::uint32_t a, std::uint32_t b) { return lt(a, b) ? a : b; }

// first <= x < first + length
constexpr bool in(std::uint32_t x, std::uint32_t first, std::uint32_t length) {
  return le(first, x) && lt(x, first + length);
}

}  // namespace tiptoe::tcp::seq
