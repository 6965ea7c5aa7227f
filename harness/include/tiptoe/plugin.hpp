// SPDX-License-Identifier: Apache-2.0
// Devices from a shared object (tiptoe/dut_abi.h), and the checks that every device from outside passes through.
//
//   auto dut = tiptoe::load_dut("./libmine.so", {}, "--fast");   // everything that its table has
//   dut->reset({});
//
// What the device answers is not believed but checked: lengths, times, numbers that stand for something. An answer that
// no device may give throws DutNonsense, which is a verdict (`fail`). Memory that the device overwrites is its own
// process's: the suite runs such devices in processes of their own.
#pragma once

#include <memory>
#include <string>

#include "tiptoe/capabilities.hpp"
#include "tiptoe/dut.hpp"

namespace tiptoe {

/// Loads the shared object, checks its table and makes one device with these arguments. Calls that the table lacks
/// leave the capabilities. With `ethernet` among them it is put on_ethernet(). Throws DutError with one sentence: not a
/// shared object, no entry, another version, a function missing that must be there or that `calls` promises, or what
/// the device says when it can't be made.
std::unique_ptr<Dut> load_dut(const std::string& path, Capabilities capabilities = {},
                              const std::string& arguments = {});

/// Puts the checks around a device: sizes, times, statuses, states, handles, and the number of datagrams, indications
/// and records without time passing. What is wrong throws DutNonsense.
std::unique_ptr<Dut> check_answers(std::unique_ptr<Dut> device);

/// Puts Ethernet around a device that speaks it (capability `link: ethernet`): frames outside, datagrams inside. ARP is
/// answered for every address but the device's own, and asked once after reset; no answer within `at_once_us` is
/// DutNonsense, as is a frame to somebody else. Other protocols are passed over.
std::unique_ptr<Dut> on_ethernet(std::unique_ptr<Dut> device);

/// Datagrams (or indications, or records) that a device may have for us at one time. More is a flood.
inline constexpr unsigned kFlood = 20'000;

}  // namespace tiptoe
