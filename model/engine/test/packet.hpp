// SPDX-License-Identifier: Apache-2.0
// Datagrams for the tests of the engine, built and read byte by byte, with a checksum of its own.
#pragma once

#include <cstdint>
#include <random>
#include <vector>

namespace tiptoe::model::test {

using Bytes = std::vector<std::uint8_t>;

/// 32 random bits at a time.
class Random {
 public:
  explicit Random(unsigned seed) : engine_(seed) {}
  std::uint32_t operator()() { return static_cast<std::uint32_t>(engine_()); }

 private:
  std::mt19937 engine_;
};

struct Packet {
  std::uint32_t source = 0x0A000002, destination = 0x0A000001;
  std::uint16_t source_port = 40000, destination_port = 80;
  std::uint32_t seq = 0, ack = 0;
  std::uint8_t flags = 0;
  std::uint16_t window = 65535, urgent = 0;
  Bytes options;     // padded with NOPs to a multiple of 4
  Bytes ip_options;  // the same
  Bytes payload;
};
enum : std::uint8_t { kFin = 1, kSyn = 2, kRst = 4, kPsh = 8, kAck = 16, kUrg = 32 };

inline std::uint32_t slow_sum(const Bytes& b, std::size_t from, std::size_t to) {
  std::uint32_t sum = 0;
  for (std::size_t i = from; i < to; ++i) {
    sum += (i - from) % 2 == 0 ? std::uint32_t{b[i]} << 8 : b[i];
    sum = (sum & 0xFFFF) + (sum >> 16);
  }
  return sum;
}
inline std::uint32_t tcp_sum(const Bytes& b, std::size_t header, std::size_t total) {
  Bytes pseudo(b.begin() + 12, b.begin() + 20);
  const std::size_t length = total - header;
  for (const std::size_t v : {std::size_t{0}, std::size_t{6}, length >> 8, length & 0xFF})
    pseudo.push_back(static_cast<std::uint8_t>(v));
  const std::uint32_t sum = slow_sum(pseudo, 0, 12) + slow_sum(b, header, total);
  return (sum & 0xFFFF) + (sum >> 16);
}
inline void put(Bytes& b, std::size_t at, std::uint32_t value, unsigned bytes) {
  for (unsigned i = 0; i < bytes; ++i) b[at + i] = static_cast<std::uint8_t>(value >> 8 * (bytes - 1 - i));
}
inline std::uint32_t get(const Bytes& b, std::size_t at, unsigned bytes) {
  std::uint32_t v = 0;
  for (unsigned i = 0; i < bytes; ++i) v = v << 8 | b.at(at + i);
  return v;
}
inline void fix_ip_checksum(Bytes& b) {
  const std::size_t header = 4U * (b[0] & 0xF);
  put(b, 10, 0, 2);
  put(b, 10, ~slow_sum(b, 0, header) & 0xFFFF, 2);
}
inline void fix_tcp_checksum(Bytes& b) {
  const std::size_t header = 4U * (b[0] & 0xF);
  put(b, header + 16, 0, 2);
  put(b, header + 16, ~tcp_sum(b, header, get(b, 2, 2)) & 0xFFFF, 2);
}

inline Bytes build(const Packet& p) {
  const auto padded = [](Bytes o) {
    while (o.size() % 4 != 0) o.push_back(1);
    return o;
  };
  const Bytes options = padded(p.options), ip_options = padded(p.ip_options);
  const std::size_t header = 20 + ip_options.size(), tcp = 20 + options.size();
  Bytes b(header + tcp);
  b[0] = static_cast<std::uint8_t>(0x40 | header / 4);
  put(b, 2, static_cast<std::uint32_t>(header + tcp + p.payload.size()), 2);
  put(b, 6, 0x4000, 2);
  b[8] = 64;
  b[9] = 6;
  put(b, 12, p.source, 4);
  put(b, 16, p.destination, 4);
  std::copy(ip_options.begin(), ip_options.end(), b.begin() + 20);
  put(b, header, p.source_port, 2);
  put(b, header + 2, p.destination_port, 2);
  put(b, header + 4, p.seq, 4);
  put(b, header + 8, p.ack, 4);
  b[header + 12] = static_cast<std::uint8_t>(tcp / 4 << 4);
  b[header + 13] = p.flags;
  put(b, header + 14, p.window, 2);
  put(b, header + 18, p.urgent, 2);
  std::copy(options.begin(), options.end(), b.begin() + static_cast<std::ptrdiff_t>(header) + 20);
  b.insert(b.end(), p.payload.begin(), p.payload.end());
  fix_ip_checksum(b);
  fix_tcp_checksum(b);
  return b;
}

/// A datagram of the engine: IHL 5; throws std::out_of_range when it is too short.
inline Packet parse(const Bytes& b) {
  Packet p;
  p.source = get(b, 12, 4);
  p.destination = get(b, 16, 4);
  p.source_port = static_cast<std::uint16_t>(get(b, 20, 2));
  p.destination_port = static_cast<std::uint16_t>(get(b, 22, 2));
  p.seq = get(b, 24, 4);
  p.ack = get(b, 28, 4);
  const std::size_t tcp = 4U * (b.at(32) >> 4);
  p.flags = b.at(33);
  p.window = static_cast<std::uint16_t>(get(b, 34, 2));
  p.urgent = static_cast<std::uint16_t>(get(b, 38, 2));
  p.options.assign(b.begin() + 40, b.begin() + 20 + static_cast<std::ptrdiff_t>(tcp));
  p.payload.assign(b.begin() + 20 + static_cast<std::ptrdiff_t>(tcp), b.end());
  return p;
}
inline bool checksums_hold(const Bytes& b) {
  return slow_sum(b, 0, 20) == 0xFFFF && get(b, 2, 2) == b.size() && tcp_sum(b, 20, b.size()) == 0xFFFF;
}

}  // namespace tiptoe::model::test
