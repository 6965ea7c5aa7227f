// SPDX-License-Identifier: Apache-2.0
#include "tiptoe/translate.hpp"

#include <utility>

namespace tiptoe {
namespace {

constexpr std::size_t kNone = 0;  // no checksum field stands at the very beginning

/// Rewrites 16-bit words of a datagram and keeps its checksums as right or as wrong as they were.
class Patch {
 public:
  explicit Patch(Bytes& bytes) : bytes_(&bytes) {}
  std::uint16_t word(std::size_t at) const {
    return static_cast<std::uint16_t>(((*bytes_)[at] << 8) | (*bytes_)[at + 1]);
  }
  std::uint32_t address(std::size_t at) const { return (std::uint32_t{word(at)} << 16) | word(at + 2); }

  /// Changes a word that these checksums cover.
  void set(std::size_t at, std::uint16_t value, std::initializer_list<std::size_t> checksums) {
    const std::uint16_t old = word(at);
    if (old == value) return;
    put(at, value);
    for (const std::size_t field : checksums) {
      if (field != kNone && field + 2 <= bytes_->size()) update(field, old, value);
    }
  }
  void set_address(std::size_t at, std::uint32_t value, std::initializer_list<std::size_t> checksums) {
    set(at, static_cast<std::uint16_t>(value >> 16), checksums);
    set(at + 2, static_cast<std::uint16_t>(value), checksums);
  }

 private:
  void put(std::size_t at, std::uint16_t value) {
    (*bytes_)[at] = static_cast<std::uint8_t>(value >> 8);
    (*bytes_)[at + 1] = static_cast<std::uint8_t>(value);
  }
  /// RFC 1624 equation 3: HC' = ~(~HC + ~m + m').
  void update(std::size_t field, std::uint16_t old, std::uint16_t now) {
    const auto inverted = [](std::uint16_t v) { return std::uint32_t{static_cast<std::uint16_t>(~v)}; };
    std::uint32_t sum = inverted(word(field)) + inverted(old) + now;
    while ((sum >> 16) != 0) sum = (sum & 0xFFFFU) + (sum >> 16);
    put(field, static_cast<std::uint16_t>(~sum));
  }
  Bytes* bytes_;
};

struct Direction {
  const AddressMap& map;
  bool outwards;

  std::uint32_t address(std::uint32_t a) const { return outwards ? map.addresses.out(a) : map.addresses.in(a); }
  std::uint16_t peer_port(std::uint16_t p) const { return outwards ? map.peer_ports.out(p) : map.peer_ports.in(p); }
  /// `peer`: the other port of the same datagram, on the side from which it is turned.
  std::uint16_t device_port(std::uint16_t p, std::uint16_t peer) const {
    if (map.chosen) {
      const std::uint16_t ours = outwards ? peer : peer_port(peer);
      if (ours == map.chosen->peer_port && p == (outwards ? map.chosen->ours : map.chosen->wire)) {
        return outwards ? map.chosen->wire : map.chosen->ours;
      }
    }
    return outwards ? map.device_ports.out(p) : map.device_ports.in(p);
  }
};

/// The IPv4 datagram that begins at `ip`; `quoted`: inside an ICMP message with its checksum at this place.
void turn_at(Bytes& bytes, std::size_t ip, const Direction& d, bool to_device, std::size_t quoted) {
  if (bytes.size() < ip + 20) return;
  Patch patch(bytes);
  const std::size_t header = std::size_t{bytes[ip] & 0xFU} * 4;
  const std::uint8_t protocol = bytes[ip + 9];
  const bool first = ((patch.word(ip + 6)) & 0x1FFFU) == 0;
  const std::size_t l4 = ip + header;
  const bool readable = header >= 20 && first && bytes.size() >= l4 + 8;
  const std::size_t tcp_sum = readable && protocol == 6 ? l4 + 16 : kNone;
  const bool has_udp_sum = readable && protocol == 17 && patch.word(l4 + 6) != 0;
  const std::size_t sum = has_udp_sum ? l4 + 6 : tcp_sum;

  // The header's own checksum takes the difference up, so a message around it sees none, but for one thing: the pseudo
  // header of a quoted segment, whose checksum then changes inside the message.
  const auto quoted_sum = [&] { return sum != kNone && sum + 2 <= bytes.size() ? patch.word(sum) : std::uint16_t{0}; };
  const std::uint16_t sum_before = quoted_sum();
  for (const std::size_t at : {ip + 12, ip + 16}) patch.set_address(at, d.address(patch.address(at)), {ip + 10, sum});
  if (readable && (protocol == 6 || protocol == 17)) {
    const std::size_t device = to_device ? l4 + 2 : l4;
    const std::size_t peer = to_device ? l4 : l4 + 2;
    const std::uint16_t device_was = patch.word(device);
    const std::uint16_t peer_was = patch.word(peer);
    patch.set(device, d.device_port(device_was, peer_was), {sum, quoted});
    patch.set(peer, d.peer_port(peer_was), {sum, quoted});
  }
  if (quoted != kNone && quoted_sum() != sum_before) {
    const std::uint16_t now = quoted_sum();
    patch.set(sum, sum_before, {});  // once more, with the message's checksum told
    patch.set(sum, now, {quoted});
  }
  if (readable && protocol == 1 && quoted == kNone) {
    const std::uint8_t type = bytes[l4];
    const bool error = type == 3 || type == 4 || type == 5 || type == 11 || type == 12;
    if (error) turn_at(bytes, l4 + 8, d, !to_device, l4 + 2);
  }
}

}  // namespace

Bytes AddressMap::turn(std::span<const std::uint8_t> datagram, bool to_device, bool outwards) const {
  Bytes bytes(datagram.begin(), datagram.end());
  turn_at(bytes, 0, {*this, outwards}, to_device, kNone);
  return bytes;
}

OpenArgs TranslatedDut::outwards(OpenArgs a) const {
  if (a.local_ip != 0) a.local_ip = map.addresses.out(a.local_ip);
  if (a.remote_ip != 0) a.remote_ip = map.addresses.out(a.remote_ip);
  if (a.local_port != 0) a.local_port = map.device_ports.out(a.local_port);
  if (a.remote_port != 0) a.remote_port = map.peer_ports.out(a.remote_port);
  return a;
}

std::optional<Datagram> TranslatedDut::inwards(std::optional<Datagram> d) const {
  if (d) d->bytes = map.from_wire(d->bytes, false);
  return d;
}

}  // namespace tiptoe
