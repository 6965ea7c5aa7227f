// SPDX-License-Identifier: Apache-2.0
// SipHash-2-4 (Aumasson, Bernstein 2012) and the ISN hash built on it (RFC 6528; micro-architecture 6.2).
#pragma once

#include <array>
#include <cstdint>
#include <span>

namespace tiptoe::model {

std::uint64_t siphash_2_4(std::uint64_t k0, std::uint64_t k1, std::span<const std::uint8_t> message);

/// Cycles from the start of the hash unit to the first cycle in which the result may be used.
inline constexpr unsigned kIsnHashCycles = 10;

/// The low 32 bits of the hash of local address, local port, remote address, remote port in network byte order.
/// key[0] is ISN_KEY0, the least significant word.
std::uint32_t isn_hash(const std::array<std::uint32_t, 4>& key, std::uint32_t lip, std::uint16_t lport,
                       std::uint32_t rip, std::uint16_t rport);

}  // namespace tiptoe::model
