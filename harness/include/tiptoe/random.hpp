// SPDX-License-Identifier: Apache-2.0
// A small generator that gives the same numbers on every machine and compiler (the standard distributions do not).
#pragma once

#include <cstdint>

namespace tiptoe {

class Random {
 public:
  using result_type = std::uint64_t;
  explicit constexpr Random(std::uint64_t seed) noexcept {  // splitmix64, so that near seeds give far states
    for (std::uint64_t* word : {&a_, &b_}) {
      seed += 0x9E37'79B9'7F4A'7C15ULL;
      std::uint64_t z = seed;
      z = (z ^ (z >> 30)) * 0xBF58'476D'1CE4'E5B9ULL;
      z = (z ^ (z >> 27)) * 0x94D0'49BB'1331'11EBULL;
      *word = z ^ (z >> 31);
    }
  }
  constexpr std::uint64_t operator()() noexcept {  // xorshift128+
    std::uint64_t x = a_;
    const std::uint64_t y = b_;
    a_ = y;
    x ^= x << 23;
    b_ = x ^ y ^ (x >> 17) ^ (y >> 26);
    return b_ + y;
  }
  /// 0 … n-1.
  constexpr std::uint64_t below(std::uint64_t n) noexcept { return n == 0 ? 0 : (*this)() % n; }
  constexpr std::uint32_t u32() noexcept { return static_cast<std::uint32_t>((*this)() >> 32); }
  /// True in `ppm` of a million cases.
  constexpr bool chance(std::uint32_t ppm) noexcept { return below(1'000'000) < ppm; }

  static constexpr std::uint64_t min() noexcept { return 0; }
  static constexpr std::uint64_t max() noexcept { return ~0ULL; }

 private:
  std::uint64_t a_ = 0, b_ = 0;
};

}  // namespace tiptoe
