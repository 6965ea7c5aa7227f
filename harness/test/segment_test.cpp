// SPDX-License-Identifier: Apache-2.0
#include "tiptoe/segment.hpp"

#include <gtest/gtest.h>

#include <array>
#include <random>
#include <stdexcept>

namespace tiptoe {
namespace {

Segment sample() {
  return {.src = ip("10.0.0.2"),
          .dst = ip("10.0.0.1"),
          .src_port = 4000,
          .dst_port = 80,
          .seq = 1000,
          .ack = 1,
          .flags = SYN | ACK,
          .window = 4096};
}

// RFC 1071 section 3: 00 01 f2 03 f4 f5 f6 f7 sums to ddf2 after folding.
TEST(Checksum, Rfc1071Example) {
  const std::array<std::uint8_t, 8> octets{0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7};
  EXPECT_EQ(ones_complement_sum(octets), 0xddf2);
}

TEST(Checksum, OddLengthPadsWithZero) {
  const std::array<std::uint8_t, 3> odd{0x12, 0x34, 0x56};
  EXPECT_EQ(ones_complement_sum(odd), 0x1234 + 0x5600);
  EXPECT_EQ(ones_complement_sum(ByteView{}), 0);
}

TEST(Checksum, CarriesFoldTwice) {
  // 0xFFFF + 0xFFFF + 0x0001 = 0x1FFFF -> 0x10000 -> 0x0001: one fold is not enough.
  const std::array<std::uint8_t, 6> octets{0xff, 0xff, 0xff, 0xff, 0x00, 0x01};
  EXPECT_EQ(ones_complement_sum(octets), 0x0001);
}

TEST(Checksum, KnownIpv4Header) {  // the worked example of the IPv4 header checksum article in Wikipedia
  const std::array<std::uint8_t, 20> header{0x45, 0x00, 0x00, 0x73, 0x00, 0x00, 0x40, 0x00, 0x40, 0x11,
                                            0xb8, 0x61, 0xc0, 0xa8, 0x00, 0x01, 0xc0, 0xa8, 0x00, 0xc7};
  EXPECT_EQ(ipv4_checksum(header), 0xb861);
}

TEST(Segment, BuildsWhatItParses) {
  Segment s = sample();
  s.options = Options().mss(1460).nop().wscale(7).sack_permitted().nop().nop().timestamps(7, 8);
  s.payload = pattern(33);
  const Bytes octets = s.build();
  ASSERT_EQ(octets.size(), 20U + 20 + 24 + 33);  // 21 option octets, padded
  const Segment back = Segment::parse(octets);
  EXPECT_FALSE(back.defective()) << back.to_string();
  EXPECT_TRUE(s.matches(back));
  EXPECT_EQ(back.build(), octets);
  const ParsedOptions options = back.parsed_options();
  EXPECT_EQ(options.mss, 1460);
  EXPECT_EQ(options.wscale, 7);
  EXPECT_TRUE(options.sack_permitted);
  EXPECT_EQ(options.timestamps, std::make_pair(7U, 8U));
}

TEST(Segment, EveryPayloadLengthHasAGoodChecksum) {
  for (std::size_t n = 0; n < 70; ++n) {
    Segment s = sample();
    s.payload = pattern(n, n);
    EXPECT_FALSE(Segment::parse(s.build()).defective()) << n;
  }
}

TEST(Segment, RandomOctetsNeverThrow) {
  std::mt19937 random(1);
  for (int i = 0; i < 20000; ++i) {
    Bytes octets(random() % 100);
    for (auto& octet : octets) octet = static_cast<std::uint8_t>(random());
    if (!octets.empty() && random() % 2 == 0) octets[0] = 0x45;
    if (octets.size() > 3 && random() % 2 == 0) octets[2] = 0, octets[3] = static_cast<std::uint8_t>(octets.size());
    const Segment s = Segment::parse(octets);
    EXPECT_TRUE(s.defective());
    (void)s.to_string();
  }
}

TEST(Segment, OneOverrideIsOneDefect) {
  const auto only = [](const Segment& s, Defect defect) {
    const Segment back = Segment::parse(s.build());
    ASSERT_EQ(back.defects.size(), 1U) << back.to_string();
    EXPECT_EQ(back.defects[0].defect, defect) << to_string(back.defects[0].defect);
  };
  Segment s = sample();
  s.payload = pattern(10);
  Segment t = s;
  t.corrupt_checksum = true, only(t, Defect::tcp_checksum);
  t = s, t.corrupt_ip_checksum = true, only(t, Defect::ip_checksum);
  t = s, t.ip_version = 6, only(t, Defect::ip_version);
  t = s, t.total_length = 200, only(t, Defect::ip_total_length);
  t = s, t.data_offset = 4, only(t, Defect::tcp_data_offset);
  t = s, t.data_offset = 15, only(t, Defect::tcp_data_offset);
  t = s, t.mf = true, only(t, Defect::ip_fragment);
  t = s, t.fragment_offset = 1, only(t, Defect::ip_fragment);
  t = s, t.protocol = 17, only(t, Defect::ip_protocol);
  t = s, t.options = Options().unknown(77).raw(std::array<std::uint8_t, 2>{9, 0}), only(t, Defect::tcp_options);
  EXPECT_TRUE(Segment::parse(Bytes(7)).has_defect(Defect::ip_short));
}

TEST(Segment, TruncatingTotalLengthKeepsTheRestAsTrailer) {
  Segment s = sample();
  s.payload = pattern(10);
  s.total_length = 44;
  const Segment back = Segment::parse(s.build());
  EXPECT_FALSE(back.defective()) << back.to_string();
  EXPECT_EQ(back.text_length(), 4U);
  ASSERT_TRUE(back.trailer);
  EXPECT_EQ(back.trailer->size(), 6U);
}

TEST(Segment, IpOptionsMoveTheHeader) {
  Segment s = sample();
  s.ip_options = Bytes{1, 1, 1};
  const Segment back = Segment::parse(s.build());
  EXPECT_FALSE(back.defective()) << back.to_string();
  EXPECT_EQ(back.ihl, 6);
  EXPECT_EQ(back.seq, 1000U);
}

TEST(Options, MalformedListsEnd) {
  EXPECT_FALSE(parse_options(Bytes{2, 0, 0, 0}).malformed.empty());
  EXPECT_FALSE(parse_options(Bytes{2, 1, 0, 0}).malformed.empty());
  EXPECT_FALSE(parse_options(Bytes{1, 1, 1, 2}).malformed.empty());
  EXPECT_FALSE(parse_options(Bytes{2, 8, 0, 0}).malformed.empty());
  EXPECT_TRUE(parse_options(Bytes{0, 2, 0, 0}).malformed.empty());
  EXPECT_FALSE(parse_options(Bytes{2, 3, 9}).mss);
}

TEST(Segment, DifferencesAreSentences) {
  Segment want{.ack = 1001, .flags = ACK};
  Segment got = sample();
  got.ack = 1002;
  const auto differences = want.differences(got);
  ASSERT_EQ(differences.size(), 2U);
  EXPECT_EQ(differences[0], "ACK number is 1002, expected 1001");
  EXPECT_EQ(differences[1], "CTL is SYN,ACK, expected ACK");
  EXPECT_TRUE((Segment{.flags_set = SYN, .flags_clear = RST}).matches(got));
  EXPECT_FALSE((Segment{.flags_clear = SYN}).matches(got));
}

TEST(Segment, Prints) {
  Segment s = sample();
  s.options = Options().mss(1460);
  EXPECT_EQ(s.to_string(),
            "10.0.0.2.4000 > 10.0.0.1.80: Flags [S.], seq 1000, ack 1, win 4096, options [mss 1460], length 0");
  EXPECT_EQ(s.form(), "<SEQ=1000><ACK=1><CTL=SYN,ACK>");
  RelativeNumbers relative;
  relative.note(s);
  EXPECT_NE(s.to_string(&relative).find("seq 0, ack 0"), std::string::npos);
}

TEST(Segment, FormRoundTrip) {
  const Segment s = Segment::from_form("<SEQ=101><ACK=301><DATA=5><CTL=PSH,ACK>");
  EXPECT_EQ(s.seq, 101U);
  EXPECT_EQ(s.text_length(), 5U);
  EXPECT_EQ(s.flags, PSH | ACK);
  EXPECT_EQ(s.form(), "<SEQ=101><ACK=301><DATA=5><CTL=PSH,ACK>");
  EXPECT_THROW((void)Segment::from_form("<SEQ=x>"), std::invalid_argument);
  EXPECT_THROW((void)Segment::from_form("<CTL=SIN>"), std::invalid_argument);
}

TEST(Numbers, Wrap) {
  EXPECT_TRUE(seq_lt(0xFFFF'FFFF, 0));
  EXPECT_TRUE(seq_le(5, 5));
  EXPECT_FALSE(seq_lt(5, 5));
  EXPECT_EQ(seq_max(0xFFFF'FFF0, 3), 3U);
  EXPECT_EQ(ip("192.168.1.255"), 0xC0A8'01FFU);
  EXPECT_THROW((void)ip("1.2.3"), std::invalid_argument);
  EXPECT_THROW((void)ip("1.2.3.4.5"), std::invalid_argument);
  EXPECT_THROW((void)ip("1.2.3.256"), std::invalid_argument);
}

}  // namespace
}  // namespace tiptoe
