// SPDX-License-Identifier: Apache-2.0
// Addresses and ports of a device that has its own: what is right stays right, what is wrong stays wrong.
#include "tiptoe/translate.hpp"

#include <gtest/gtest.h>

#include "tiptoe/segment.hpp"

namespace tiptoe {
namespace {

constexpr std::uint32_t kOurs = 0x0A000001, kTheirs = 0xC0A80132, kPeer = 0x0A000101, kOther = 0xC0A80101;

AddressMap a_map() {
  AddressMap map;
  map.addresses.set(kOurs, kTheirs);
  map.addresses.set(kPeer, kOther);
  map.device_ports.set(7, 5000);
  return map;
}

Segment a_segment(std::size_t text) {
  return {.src = kPeer,
          .dst = kOurs,
          .src_port = std::uint16_t{40'000},
          .dst_port = std::uint16_t{7},
          .seq = 0xFFFF'FFF0U,
          .ack = 1U,
          .flags = ACK,
          .window = std::uint16_t{100},
          .payload = pattern(text, 0, 1)};
}

TEST(Permutation, KeepsValuesApart) {
  Permutation<std::uint16_t> p;
  EXPECT_TRUE(p.identity());
  p.set(7, 5000);
  EXPECT_EQ(p.out(7), 5000);
  EXPECT_EQ(p.out(5000), 7);
  EXPECT_EQ(p.in(5000), 7);
  p.set(2, 5000);  // somebody else takes the place
  EXPECT_EQ(p.in(5000), 2);
  for (std::uint16_t v = 0; v < 6000; ++v) EXPECT_EQ(p.in(p.out(v)), v);
}

TEST(AddressMap, ThereAndBack) {
  const AddressMap map = a_map();
  for (std::size_t text = 0; text < 5; ++text) {
    const Bytes before = a_segment(text).build();
    const Bytes wire = map.to_wire(before, true);
    const Segment s = Segment::parse(wire);
    EXPECT_EQ(s.src, kOther);
    EXPECT_EQ(s.dst, kTheirs);
    EXPECT_EQ(s.dst_port, 5000);
    EXPECT_EQ(s.src_port, 40'000);
    EXPECT_FALSE(s.defective());  // both checksums are right
    EXPECT_EQ(map.from_wire(wire, true), before);
  }
}

TEST(AddressMap, WrongChecksumsStayWrong) {
  const AddressMap map = a_map();
  for (const std::size_t field : {std::size_t{10}, std::size_t{36}}) {
    Bytes bytes = a_segment(11).build();
    bytes[field] ^= 0x55;
    const Bytes wire = map.to_wire(bytes, true);
    EXPECT_TRUE(Segment::parse(wire).defective());
    EXPECT_EQ(map.from_wire(wire, true), bytes);
  }
}

TEST(AddressMap, PortsByDirection) {
  const AddressMap map = a_map();
  Segment from_device = a_segment(0);
  std::swap(from_device.src, from_device.dst);
  std::swap(from_device.src_port, from_device.dst_port);
  const Segment wire = Segment::parse(map.to_wire(from_device.build(), false));
  EXPECT_EQ(wire.src, kTheirs);
  EXPECT_EQ(wire.src_port, 5000);
  // The tester's own port 7 is another thing.
  Segment odd = a_segment(0);
  odd.src_port = std::uint16_t{7};
  EXPECT_EQ(Segment::parse(map.to_wire(odd.build(), true)).src_port, 7);
}

TEST(AddressMap, AChosenPort) {
  AddressMap map = a_map();
  map.peer_ports.set(40'000, 6000);
  map.chosen = AddressMap::Chosen{40'000, 7, 51'234};
  Segment s = a_segment(3);
  const Segment wire = Segment::parse(map.to_wire(s.build(), true));
  EXPECT_EQ(wire.dst_port, 51'234);
  EXPECT_EQ(wire.src_port, 6000);
  EXPECT_EQ(map.from_wire(map.to_wire(s.build(), true), true), s.build());
  s.src_port = std::uint16_t{40'001};  // of another connection
  EXPECT_EQ(Segment::parse(map.to_wire(s.build(), true)).dst_port, 5000);
}

TEST(AddressMap, TheDatagramThatAnIcmpErrorQuotes) {
  const AddressMap map = a_map();
  Segment quoted = a_segment(8);
  std::swap(quoted.src, quoted.dst);  // the device sent it
  std::swap(quoted.src_port, quoted.dst_port);
  const Bytes inner = quoted.build();
  for (const std::size_t length : {std::size_t{28}, inner.size()}) {  // as little as RFC 792 wants, or all of it
    Bytes bytes = a_segment(0).build();
    bytes.resize(20);
    bytes[9] = 1;
    bytes.insert(bytes.end(), {3, 4, 0, 0, 0, 0, 2, 0});
    bytes.insert(bytes.end(), inner.begin(), inner.begin() + static_cast<std::ptrdiff_t>(length));
    bytes[2] = static_cast<std::uint8_t>(bytes.size() >> 8);
    bytes[3] = static_cast<std::uint8_t>(bytes.size());
    const auto icmp_sum = [](const Bytes& b) {
      return ones_complement_sum(std::span<const std::uint8_t>(b).subspan(20));
    };
    const std::uint16_t sum = static_cast<std::uint16_t>(~icmp_sum(bytes));
    bytes[22] = static_cast<std::uint8_t>(sum >> 8);
    bytes[23] = static_cast<std::uint8_t>(sum);
    ASSERT_EQ(icmp_sum(bytes), 0xFFFF);

    const Bytes wire = map.to_wire(bytes, true);
    EXPECT_EQ(icmp_sum(wire), 0xFFFF);
    const Segment inside = Segment::parse(std::span<const std::uint8_t>(wire).subspan(28));
    EXPECT_EQ(inside.src, kTheirs);
    EXPECT_EQ(inside.dst, kOther);
    EXPECT_EQ((wire[48] << 8) | wire[49], 5000);
    EXPECT_EQ(map.from_wire(wire, true), bytes);
  }
}

TEST(AddressMap, WhatCannotBeReadIsLeftAlone) {
  const AddressMap map = a_map();
  const Bytes whole = a_segment(4).build();
  for (std::size_t n = 0; n < whole.size(); ++n) {
    const Bytes part(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(n));
    EXPECT_EQ(map.from_wire(map.to_wire(part, true), true), part) << n;
    if (n < 20) {
      EXPECT_EQ(map.to_wire(part, true), part) << n;
    }
  }
}

}  // namespace
}  // namespace tiptoe
