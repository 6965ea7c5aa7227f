// SPDX-License-Identifier: Apache-2.0
// What --so_flags and the environment variable TIPTOE_DUT say: which device, and how it is set.
//
//   Settings s;
//   read_settings("lockstep width=512 profile=linux RTO_MIN=100000", s);   // throws SettingsError: one sentence
#pragma once

#include <cstdint>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>

#include "tiptoe/dut.hpp"

namespace tiptoe::packetdrill {

struct Settings {
  std::string kind = "model";                  ///< "model", "rtl" or "lockstep"
  DutOptions options{};                        ///< width, connections, buffers ...
  DutConfig config{};                          ///< seed, and registers by name
  std::optional<std::uint32_t> local_ip{};     ///< the device's address, host order; else learnt
  std::uint64_t patience_us = 10'800'000'000;  ///< so long an expected packet is waited for: three hours
};

class SettingsError : public std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// Words, separated by blanks or commas: a kind of device, or NAME=VALUE. Later words win.
void read_settings(std::string_view text, Settings& settings);

}  // namespace tiptoe::packetdrill
