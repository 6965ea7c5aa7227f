// SPDX-License-Identifier: Apache-2.0
// What the parts of a soak share: the random numbers, the dials of an episode, the wire, and what the device has told
// of its connections. soak.cpp runs the episodes; soak_peers.cpp is the far side of the wire, soak_host.cpp the user.
#pragma once

#include <array>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tiptoe/engine_dut.hpp"
#include "tiptoe/link.hpp"
#include "tiptoe/random.hpp"
#include "tiptoe/registers.hpp"
#include "tiptoe/soak.hpp"

namespace tiptoe {

/// The octet that a flow carries at a sequence number.
constexpr std::uint8_t flow_octet(std::uint32_t flow, std::uint32_t seq) noexcept {
  return static_cast<std::uint8_t>(((seq ^ flow) * 0x9E37'79B1U) >> 24);
}
inline void fill_flow(Bytes& bytes, std::uint32_t flow, std::uint32_t seq) noexcept {
  for (std::uint8_t& octet : bytes) octet = flow_octet(flow, seq++);
}
constexpr std::uint32_t flow_id(std::uint32_t from, std::uint16_t from_port, std::uint32_t to, std::uint16_t to_port) {
  std::uint64_t x = (static_cast<std::uint64_t>(from) << 32 | to) * 0x9E37'79B9'7F4A'7C15ULL;
  x ^= (static_cast<std::uint64_t>(from_port) << 16 | to_port) * 0xD1B5'4A32'D192'ED03ULL;
  return static_cast<std::uint32_t>(x >> 32) ^ static_cast<std::uint32_t>(x);
}

/// A field of the connection record. Throws std::out_of_range.
const RecordField& soak_field(std::string_view name);

/// What the peers and the host may do to a device, whatever engine it is.
class SoakDevice {
 public:
  SoakDevice() = default;
  SoakDevice(const SoakDevice&) = delete;
  SoakDevice& operator=(const SoakDevice&) = delete;
  virtual ~SoakDevice() = default;

  virtual std::uint64_t cycle() const = 0;
  virtual std::uint64_t now_us() const = 0;
  virtual std::size_t datagrams_waiting() const = 0;
  virtual std::size_t commands_waiting() const = 0;
  virtual void push_command(EngineCommand command) = 0;
  virtual void watch_register(std::uint8_t address) = 0;
};

/// The fields of the last retire record of each connection that the soak needs.
struct SoakShadow {
  unsigned state = 0;
  bool tx_busy = false, rx_busy = false;
  std::uint32_t rcv_user = 0;
  std::array<std::uint32_t, model::kMaxRecordWords> record{};
};

struct SoakWorld {
  SoakWorld(const SoakOptions& the_options, SoakResult& the_result, SoakDevice& the_device)
      : options(the_options), result(the_result), device(the_device), shadow(the_options.dut.conns) {}

  /// As before the first episode, with other random numbers.
  void begin(std::uint64_t seed);

  template <class T>
  T pick(std::initializer_list<T> list) {
    return list.begin()[random.below(list.size())];
  }
  bool one_in(std::uint64_t n) { return random.below(n) == 0; }

  static std::uint16_t listen_port(unsigned i) { return static_cast<std::uint16_t>(80 + i); }
  std::uint32_t device_address() { return addresses[random.below(addresses.size())]; }
  std::uint32_t peer_address() { return 0x0A00'0064U + static_cast<std::uint32_t>(random.below(peer_hosts)); }
  std::uint16_t peer_port() { return static_cast<std::uint16_t>(2000 + random.below(peer_ports)); }

  /// A live connection of the device, preferring those in rare states.
  const SoakShadow* target();

  /// A line for options.log, which must be there.
  void log(const std::string& text) const;

  const SoakOptions& options;
  SoakResult& result;
  SoakDevice& device;
  Random random{1};
  std::optional<Channel> wire{};
  std::vector<SoakShadow> shadow;  ///< by connection
  std::vector<std::uint32_t> addresses{};
  bool calm = false;      ///< nobody falls silent, nothing times out
  bool draining = false;  ///< the end of an episode: nobody acts any more
  unsigned ports = 1;     ///< that are listened on
  unsigned hostility = 1, churn = 1, sniper = 0, lazy = 1, peer_hosts = 1, peer_ports = 1;
};

}  // namespace tiptoe
