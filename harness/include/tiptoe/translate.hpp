// SPDX-License-Identifier: Apache-2.0
// Addresses and ports of a case on one side, those of the wire on the other: for devices whose addresses or ports are
// their own.
//
//   AddressMap map;
//   map.addresses.set(0x0A000001, ip("192.168.1.50"));   // 10.0.0.1 of the cases is the device's 192.168.1.50
//   map.device_ports.set(7, 5000);
//   Bytes frame = map.to_wire(datagram, /*to_device=*/true);
//
// Checksums are updated by the difference alone (RFC 1624): a wrong one stays wrong, a right one stays right. Maps are
// permutations, so that no two addresses or ports fall together.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "tiptoe/dut.hpp"
#include "tiptoe/forwarding_dut.hpp"

namespace tiptoe {

/// A permutation that moves few values.
template <class T>
class Permutation {
 public:
  /// `ours` becomes `wire`; what had that place takes the one that has become free.
  void set(T ours, T wire) {
    const T old_wire = out(ours);
    const T old_ours = in(wire);
    put(ours, wire);
    put(old_ours, old_wire);
  }
  T out(T ours) const { return find(out_, ours); }
  T in(T wire) const { return find(in_, wire); }
  bool identity() const { return out_.empty(); }

 private:
  static T find(const std::map<T, T>& map, T key) {
    const auto it = map.find(key);
    return it == map.end() ? key : it->second;
  }
  void put(T ours, T wire) {
    out_[ours] = wire;
    in_[wire] = ours;
  }
  std::map<T, T> out_{}, in_{};
};

struct AddressMap {
  Permutation<std::uint32_t> addresses{};
  Permutation<std::uint16_t> device_ports{}, peer_ports{};
  /// The device's port of one connection, which it has chosen by itself: between these two ports of the tester's side.
  struct Chosen {
    std::uint16_t peer_port = 0;  ///< ours
    std::uint16_t ours = 0, wire = 0;
  };
  std::optional<Chosen> chosen{};

  /// A copy with the other side's addresses and ports; whatever cannot be read is left as it is. Looks into IPv4, TCP,
  /// UDP, and the datagram that an ICMP error quotes.
  Bytes to_wire(std::span<const std::uint8_t> datagram, bool to_device) const {
    return turn(datagram, to_device, true);
  }
  Bytes from_wire(std::span<const std::uint8_t> datagram, bool to_device) const {
    return turn(datagram, to_device, false);
  }

 private:
  Bytes turn(std::span<const std::uint8_t> datagram, bool to_device, bool outwards) const;
};

/// A device seen through the map, its user calls too. The map may change while it runs.
class TranslatedDut final : public ForwardingDut {
 public:
  using ForwardingDut::ForwardingDut;
  AddressMap map;

  void inject(std::span<const std::uint8_t> datagram) override { inner().inject(map.to_wire(datagram, true)); }
  std::optional<Datagram> poll_output() override { return inwards(inner().poll_output()); }
  std::optional<Datagram> run_until_output(std::uint64_t us) override { return inwards(inner().run_until_output(us)); }
  CallResult open_passive(const OpenArgs& a) override { return inner().open_passive(outwards(a)); }
  CallResult open_active(const OpenArgs& a) override { return inner().open_active(outwards(a)); }

 private:
  OpenArgs outwards(OpenArgs a) const;
  std::optional<Datagram> inwards(std::optional<Datagram> d) const;
};

}  // namespace tiptoe
