// SPDX-License-Identifier: Apache-2.0
#include "siphash.hpp"

#include <bit>

namespace tiptoe::model {
namespace {

struct State {
  std::uint64_t v0, v1, v2, v3;

  void round() {
    v0 += v1;
    v1 = std::rotl(v1, 13) ^ v0;
    v0 = std::rotl(v0, 32);
    v2 += v3;
    v3 = std::rotl(v3, 16) ^ v2;
    v0 += v3;
    v3 = std::rotl(v3, 21) ^ v0;
    v2 += v1;
    v1 = std::rotl(v1, 17) ^ v2;
    v2 = std::rotl(v2, 32);
  }
  void absorb(std::uint64_t m) {
    v3 ^= m;
    round();
    round();
    v0 ^= m;
  }
};

}  // namespace

std::uint64_t siphash_2_4(std::uint64_t k0, std::uint64_t k1, std::span<const std::uint8_t> message) {
  State s{k0 ^ 0x736f6d6570736575U, k1 ^ 0x646f72616e646f6dU, k0 ^ 0x6c7967656e657261U, k1 ^ 0x7465646279746573U};
  std::uint64_t m = 0;
  std::size_t i = 0;
  for (; i < message.size(); ++i) {
    m |= std::uint64_t{message[i]} << (8 * (i % 8));
    if (i % 8 == 7) {
      s.absorb(m);
      m = 0;
    }
  }
  s.absorb(m | std::uint64_t{message.size()} << 56);
  s.v2 ^= 0xff;
  for (int r = 0; r < 4; ++r) s.round();
  return s.v0 ^ s.v1 ^ s.v2 ^ s.v3;
}

std::uint32_t isn_hash(const std::array<std::uint32_t, 4>& key, std::uint32_t lip, std::uint16_t lport,
                       std::uint32_t rip, std::uint16_t rport) {
  const auto byte = [](std::uint32_t value, unsigned shift) { return static_cast<std::uint8_t>(value >> shift); };
  const std::array<std::uint8_t, 12> message{byte(lip, 24),  byte(lip, 16),  byte(lip, 8),   byte(lip, 0),
                                             byte(lport, 8), byte(lport, 0), byte(rip, 24),  byte(rip, 16),
                                             byte(rip, 8),   byte(rip, 0),   byte(rport, 8), byte(rport, 0)};
  const auto word64 = [](std::uint32_t high, std::uint32_t low) { return std::uint64_t{high} << 32 | low; };
  return static_cast<std::uint32_t>(siphash_2_4(word64(key[1], key[0]), word64(key[3], key[2]), message));
}

}  // namespace tiptoe::model
