// SPDX-License-Identifier: Apache-2.0
// Random traffic without mercy, and measurements. One seed is one run, to the bit.
//
//   const tiptoe::SoakResult result = tiptoe::soak({.cycles = 10'000'000, .seed = 42, .dut = {.data_w = 512}});
//   if (!result.passed) std::puts(result.failure.c_str());
//
// A run is a chain of episodes, each with a random configuration, its own listeners and its own peer, which opens,
// accepts, sends, receives, closes and aborts connections both ways, over a bad wire, with valid, odd and malformed
// segments, back-pressure on every channel and jumps in time. Every octet of text is a function of its connection's
// four-tuple and sequence number, so that both ends check every octet, whatever was lost, repeated or reassembled on
// the way.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <string>

#include "tiptoe/dut.hpp"

namespace tiptoe {

struct SoakOptions {
  std::string kind = "lockstep";  ///< "model", "rtl" or "lockstep"
  std::uint64_t cycles = 1'000'000;
  std::uint64_t seed = 1;
  DutOptions dut{};    ///< parameter set; `waves` works as in make_dut
  bool stalls = true;  ///< random back-pressure
  std::uint64_t episode_cycles = 100'000;
  std::uint64_t first_episode = 0;  ///< starts there: repeats the end of a longer run (episodes are independent)
  std::string fault{};              ///< arms a seeded fault of the model; lockstep must notice it
  /// Called with a line for everything that happens, records field by field; slow, for the failing episode.
  std::function<void(const std::string&)> log{};
};

struct SoakResult {
  bool passed = true;
  bool diverged = false;  ///< the failure is a difference of model and RTL
  std::string failure{};  ///< the whole story
  std::uint64_t failed_episode = 0;

  std::uint64_t cycles = 0;
  std::uint64_t device_us = 0;  ///< virtual time, all episodes
  double seconds = 0;           ///< of this machine
  std::uint64_t episodes = 0, datagrams_in = 0, datagrams_out = 0, commands = 0, notifications = 0, retired = 0;
  std::uint64_t text_in = 0, text_out = 0;  ///< octets received by the host, new octets received by the peer
  std::array<std::uint64_t, 8> kinds{};     ///< retired events by kind
  std::array<std::uint64_t, 32> reasons{};  ///< and by reason
  std::array<std::array<std::uint64_t, 16>, 16> transitions{};  ///< [from][to] state
  std::uint64_t longest_tready_wait = 0;
  std::uint64_t digest = 0;  ///< of everything that left the device: the same for the same run

  std::string summary() const;  ///< a few lines
};

/// Never throws for what the device does; DutError when the device cannot be made.
SoakResult soak(const SoakOptions& options);

// ---- measurements

/// Cycles per second of one kind of device on busy, friendly traffic.
struct SpeedResult {
  std::uint64_t cycles = 0;
  double seconds = 0;
  double cycles_per_second() const noexcept { return seconds > 0 ? static_cast<double>(cycles) / seconds : 0; }
};
SpeedResult measure_speed(const std::string& kind, const DutOptions& options, std::uint64_t cycles);

/// Minimum-size data segments (one octet of text) back to back, dealt round robin to so many connections.
struct SegmentRate {
  std::uint64_t segments = 0;
  std::uint64_t cycles = 0;  ///< from the first one's first beat to the last one's retirement
  double cycles_per_segment() const noexcept {
    return segments != 0 ? static_cast<double>(cycles) / static_cast<double>(segments) : 0;
  }
};
SegmentRate measure_segment_rate(const std::string& kind, const DutOptions& options, unsigned connections,
                                 std::uint64_t segments, std::size_t text = 1);

}  // namespace tiptoe
