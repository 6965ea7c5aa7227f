// SPDX-License-Identifier: Apache-2.0
// Register block and counters (micro-architecture, section 12).
#pragma once

#include <array>
#include <cstdint>

#include "tiptoe/tcp/types.hpp"

namespace tiptoe::model {

inline constexpr std::uint8_t kCounterBase = 0x40;
inline constexpr std::uint8_t kDropCounterBase = 0x50;

class Registers {
 public:
  Registers(unsigned tx_buf_log2, unsigned rx_buf_log2);

  /// Defaults, counters 0.
  void reset(std::uint64_t boot_us);

  std::uint32_t read(std::uint8_t address) const { return value_[address]; }
  void write(std::uint8_t address, std::uint32_t data);
  void count(std::uint8_t address, std::uint32_t by = 1) { value_[address] += by; }

  const tcp::Config& config() const { return config_; }

  /// One of the nonzero LOCAL_IP registers.
  bool is_local(std::uint32_t address) const {
    const auto& ip = config_.local_ip;
    return address != 0 && (address == ip[0] || address == ip[1] || address == ip[2] || address == ip[3]);
  }

 private:
  void load_config();

  std::array<std::uint32_t, 256> value_{};  // unused addresses stay 0
  tcp::Config config_;                      // the same, under the names of the protocol
};

}  // namespace tiptoe::model
