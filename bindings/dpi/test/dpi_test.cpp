// SPDX-License-Identifier: Apache-2.0
// The predictor as a bench uses it: through the C functions alone.
#include <gtest/gtest.h>

#include <array>
#include <cstdio>

#include "tiptoe/tcp/faults.hpp"
#include "world.hpp"

namespace tiptoe::test {
namespace {

constexpr std::uint32_t kDeviceIp = 0x0A000001;

// ---- whole traffic

class Seeds : public ::testing::TestWithParam<unsigned> {};
INSTANTIATE_TEST_SUITE_P(Worlds, Seeds, ::testing::Range(1U, 13U));

WorldOptions options_for(unsigned seed) {
  WorldOptions options{.seed = seed};
  if (seed % 2 == 0) {
    options.wire = {.loss_ppm = 20'000,
                    .duplicate_ppm = 10'000,
                    .reorder_ppm = 20'000,
                    .corrupt_ppm = 10'000,
                    .delay_us = 300,
                    .jitter_us = 200};
  }
  return options;
}

TEST_P(Seeds, AStrangersDesignThatIsRightIsRight) {
  World world(options_for(GetParam()));
  world.run();
  for (const std::string& complaint : world.complaints()) ADD_FAILURE() << complaint;
  EXPECT_EQ(world.mismatches(), 0) << world.first_mismatch();
  EXPECT_GT(tiptoe_dpi_compared(world.predictor(), 0), 60U);
  EXPECT_GT(tiptoe_dpi_compared(world.predictor(), 1), 60U);
  EXPECT_GT(tiptoe_dpi_compared(world.predictor(), 3), 120U);
}

TEST_P(Seeds, AnotherMindAboutDelayedAcksIsNoDifference) {
  WorldOptions options = options_for(GetParam() * 2 + 1);
  options.device_dack_us = 1'000 * GetParam();  // the model: 200 ms
  World world(options);
  world.run();
  EXPECT_EQ(world.mismatches(), 0) << world.first_mismatch();
}

class Faults : public ::testing::TestWithParam<const char*> {};
INSTANTIATE_TEST_SUITE_P(Worlds, Faults,
                         ::testing::Values("syn_ack_not_retransmitted", "mss_option_missing", "closed_rst_wrong_seq",
                                           "closed_silent", "out_of_window_silent", "ooo_hole_skipped",
                                           "challenge_ack_wrong_seq", "syn_silent", "ack_beyond_snd_nxt_silent",
                                           "send_window_ignored", "ooo_dropped", "ooo_ack_delayed", "old_data_silent",
                                           "delayed_ack_never", "fin_no_sequence_number"));

TEST_P(Faults, AMistakeInTheDesignIsFound) {
  for (unsigned seed = 1; seed <= 20; ++seed) {
    WorldOptions options = options_for(2 * seed);
    options.device_fault = GetParam();
    World world(options);
    world.run();
    if (world.mismatches() > 0) {
      EXPECT_NE(world.first_mismatch().find("Last events"), std::string::npos);
      return;
    }
  }
  FAIL() << "not found in 20 worlds";
}

// How many of all seeded faults 40 worlds each find; a minute, so by hand (docs/dpi.md).
TEST(Sweep, DISABLED_OfAllFaults) {
  unsigned found = 0;
  for (const tcp::FaultInfo& fault : tcp::FAULTS) {
    bool caught = false;
    for (unsigned seed = 1; seed <= 40 && !caught; ++seed) {
      WorldOptions options = options_for(seed);
      options.device_fault = fault.id;
      try {
        World world(options);
        world.run();
        caught = world.mismatches() > 0 || !world.complaints().empty();
      } catch (const DutError&) {
        caught = true;  // it hangs
      }
    }
    found += caught ? 1U : 0U;
    if (!caught) std::printf("not found: %s\n", std::string(fault.id).c_str());
  }
  std::printf("%u of %zu faults found\n", found, tcp::FAULTS.size());
  EXPECT_GE(found, 115U);
}

// ---- the functions

class Dpi : public ::testing::Test {
 protected:
  Dpi() : p(tiptoe_dpi_create("", "DATA_W=64 CONNS=16")) {
    tiptoe_dpi_set(p, "LOCAL_IP0", kDeviceIp);
    tiptoe_dpi_mode(p, 1, 1);
  }
  ~Dpi() override { tiptoe_dpi_destroy(p); }
  Dpi(const Dpi&) = delete;
  Dpi& operator=(const Dpi&) = delete;

  std::string error() const { return tiptoe_dpi_last_error(p); }
  static Bytes syn() {
    return Segment{.src = 0x0A000002,
                   .dst = kDeviceIp,
                   .src_port = 4000,
                   .dst_port = 80,
                   .seq = 1000,
                   .flags = SYN,
                   .window = 8000,
                   .options = Options().mss(1460)}
        .build();
  }
  int push(std::uint64_t us, const Bytes& octets) {
    return tiptoe_dpi_push(p, us, octets.data(), static_cast<std::uint32_t>(octets.size()));
  }
  Bytes pop() {
    std::uint32_t length = 0;
    if (tiptoe_dpi_pop(p, &length, nullptr) != 0) return {};
    Bytes octets(length);
    for (std::uint32_t i = 0; i < length; ++i) octets[i] = static_cast<std::uint8_t>(tiptoe_dpi_octet(p, i));
    return octets;
  }
  void* p;
};

TEST_F(Dpi, Predicts) {
  std::uint32_t listener = 0;
  ASSERT_EQ(tiptoe_dpi_open_passive(p, 5, 0, 80, 0, 0, 4, &listener), 0);
  ASSERT_EQ(push(100, syn()), 0) << error();
  const Segment answer = Segment::parse(pop());
  EXPECT_EQ(answer.flags, SYN | ACK);
  EXPECT_EQ(answer.ack, 1001U);
  EXPECT_TRUE(pop().empty());

  std::uint64_t us = 0;
  std::uint32_t kind = 0, fields = 0, connection = 0, state = 0, state_before = 0, flags = 0, port = 0;
  const auto record = [&] {
    return tiptoe_dpi_pop_record(p, &us, &kind, &fields, &connection, nullptr, nullptr, nullptr, &port, &state_before,
                                 &state, nullptr, nullptr, &flags, nullptr, nullptr, nullptr, nullptr, nullptr, nullptr,
                                 nullptr, nullptr);
  };
  ASSERT_EQ(record(), 0);
  EXPECT_EQ(kind, 2U);  // the call
  EXPECT_EQ(connection, TIPTOE_DPI_NONE);
  ASSERT_EQ(record(), 0);
  EXPECT_EQ(kind, 1U);
  EXPECT_EQ(us, 100U);
  EXPECT_EQ(port, 4000U);
  EXPECT_EQ(state_before, 0U);
  EXPECT_EQ(state, 3U);
  EXPECT_EQ(flags, SYN | ACK);

  EXPECT_EQ(tiptoe_dpi_next_deadline(p, &us), 0);
  EXPECT_EQ(us, 1'000'100U);  // RFC 6298 2.1
  EXPECT_EQ(tiptoe_dpi_advance(p, 1'000'100), 0);
  EXPECT_EQ(Segment::parse(pop()).seq, answer.seq);
}

TEST_F(Dpi, BeatsOfAnyWidth) {
  std::uint32_t listener = 0;
  tiptoe_dpi_open_passive(p, 0, 0, 80, 0, 0, 4, &listener);
  const Bytes octets = syn();
  for (std::size_t at = 0; at < octets.size(); at += 8) {
    std::array<std::uint32_t, 16> data{};
    std::array<std::uint32_t, 2> keep{};
    for (std::size_t i = 0; i < 8 && at + i < octets.size(); ++i) {
      data[i / 4] |= static_cast<std::uint32_t>(octets[at + i]) << (8 * (i % 4));
      keep[0] |= 1U << i;
    }
    ASSERT_EQ(tiptoe_dpi_push_beat(p, 7, data.data(), keep.data(), at + 8 >= octets.size() ? 1 : 0), 0) << error();
  }
  Bytes answer;
  std::array<std::uint32_t, 16> data{};
  std::array<std::uint32_t, 2> keep{};
  unsigned char last = 0;
  while (last == 0) {
    ASSERT_EQ(tiptoe_dpi_pop_beat(p, 8, data.data(), keep.data(), &last), 0);
    for (unsigned i = 0; i < 8; ++i) {
      if ((keep[0] >> i & 1U) != 0) answer.push_back(static_cast<std::uint8_t>(data[i / 4] >> (8 * (i % 4))));
    }
  }
  EXPECT_EQ(Segment::parse(answer).flags, SYN | ACK);
  EXPECT_EQ(tiptoe_dpi_pop_beat(p, 8, data.data(), keep.data(), &last), 1);

  keep = {0b1011, 0};
  EXPECT_EQ(tiptoe_dpi_push_beat(p, 8, data.data(), keep.data(), 0), -1);
  EXPECT_NE(error().find("not contiguous"), std::string::npos) << error();
  EXPECT_EQ(tiptoe_dpi_pop_beat(p, 65, data.data(), keep.data(), &last), -1);
}

TEST_F(Dpi, ADifferenceTellsItsStory) {
  ASSERT_EQ(tiptoe_dpi_rule(p, "kind.SEG", 0), 0);  // datagrams alone
  std::uint32_t listener = 0;
  tiptoe_dpi_open_passive(p, 0, 0, 80, 0, 0, 4, &listener);
  ASSERT_EQ(push(100, syn()), 0);
  Segment wrong = Segment::parse(pop());
  wrong.checksum.reset(), wrong.ip_checksum.reset();
  wrong.seq = 77, wrong.window = 1;
  const Bytes octets = wrong.build();
  ASSERT_EQ(tiptoe_dpi_observe(p, 200, octets.data(), static_cast<std::uint32_t>(octets.size())), 0);
  EXPECT_EQ(tiptoe_dpi_finish(p), 0);
  ASSERT_EQ(tiptoe_dpi_mismatches(p), 1);
  const std::string story = tiptoe_dpi_mismatch(p, 0);
  EXPECT_NE(story.find("the window is 16384 in the model and 1 in the device"), std::string::npos) << story;
  EXPECT_NE(story.find("device sent"), std::string::npos) << story;
  EXPECT_STREQ(tiptoe_dpi_mismatch(p, 1), "");
  EXPECT_STREQ(tiptoe_dpi_summary(p), "compared 1 segments, 0 pure ACKs (0 left to choice), 0 records: 1 mismatch");
}

TEST_F(Dpi, ResetStartsAnew) {
  ASSERT_EQ(push(100, syn()), 0);  // no listener: RST
  EXPECT_FALSE(pop().empty());
  ASSERT_EQ(tiptoe_dpi_reset(p, 2), 0);
  tiptoe_dpi_set(p, "LOCAL_IP0", kDeviceIp);
  EXPECT_TRUE(pop().empty());
  EXPECT_EQ(push(1, syn()), 0) << error();
  tiptoe_dpi_finish(p);
  EXPECT_EQ(tiptoe_dpi_mismatches(p), 2);  // the RST and the record that nobody saw
}

TEST_F(Dpi, RefusesWithASentence) {
  const auto refused = [this](int status, const char* words) {
    EXPECT_EQ(status, -1) << words;
    EXPECT_NE(error().find(words), std::string::npos) << error();
  };
  tiptoe_dpi_advance(p, 100);
  refused(tiptoe_dpi_advance(p, 99), "tiptoe_dpi_advance: time goes backwards: 99 us after 100 us");
  refused(tiptoe_dpi_advance(p, 1ULL << 48), "time has 48 bits");
  refused(tiptoe_dpi_set(p, "LOCAL_IP9", 1), "LOCAL_IP9");
  refused(tiptoe_dpi_set(p, nullptr, 1), "no register is given");
  refused(tiptoe_dpi_rule(p, "segment.tll", 1), "no rule 'segment.tll'");
  refused(tiptoe_dpi_set_fault(p, "fumble"), "fumble");
  refused(tiptoe_dpi_push(p, 100, nullptr, 4), "no octets are given");
  refused(push(100, {}), "no octets");
  refused(push(100, Bytes(66'000)), "too long");
  refused(tiptoe_dpi_octet(p, 0), "there is no octet 0");
  refused(tiptoe_dpi_open_passive(p, 100, 0, 70'000, 0, 0, 1, nullptr), "70000 is no port");
  refused(tiptoe_dpi_record(p, 100, 9, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0), "kind 9 is none");
  refused(tiptoe_dpi_record(p, 100, 1, 1U << 20, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0), "unknown bits");
  refused(tiptoe_dpi_record(p, 100, 1, 2, 0, 0, 0, 0, 0, 0, 12, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0), "is no state");
  push(100, syn());
  refused(tiptoe_dpi_rule(p, "segment.ttl", 0), "comes too late");
  tiptoe_dpi_mode(p, 0, 0);
  refused(tiptoe_dpi_pop(p, nullptr, nullptr), "nothing is kept");
  refused(tiptoe_dpi_finish(p), "switched off");
}

TEST(Handles, AreChecked) {
  EXPECT_EQ(tiptoe_dpi_advance(nullptr, 1), -1);
  EXPECT_NE(std::string(tiptoe_dpi_last_error(nullptr)).find("the handle is null"), std::string::npos);
  int stranger = 0;
  EXPECT_EQ(tiptoe_dpi_mismatches(&stranger), -1);
  EXPECT_NE(std::string(tiptoe_dpi_last_error(&stranger)).find("no handle of a living predictor"), std::string::npos);

  EXPECT_EQ(tiptoe_dpi_create("", "CONNS=17"), nullptr);
  EXPECT_NE(std::string(tiptoe_dpi_last_error(nullptr)).find("CONNS"), std::string::npos)
      << tiptoe_dpi_last_error(nullptr);
  EXPECT_EQ(tiptoe_dpi_create("", "CONNECTIONS=16"), nullptr);
  EXPECT_NE(std::string(tiptoe_dpi_last_error(nullptr)).find("is no parameter"), std::string::npos);

  void* a = tiptoe_dpi_create("a", "");
  ASSERT_NE(a, nullptr);
  EXPECT_EQ(tiptoe_dpi_create("a", ""), nullptr);
  EXPECT_EQ(tiptoe_dpi_find("a"), a);
  EXPECT_EQ(tiptoe_dpi_find("b"), nullptr);
  EXPECT_EQ(tiptoe_dpi_destroy(a), 0);
  EXPECT_EQ(tiptoe_dpi_find("a"), nullptr);
  EXPECT_EQ(tiptoe_dpi_destroy(a), -1);
}

}  // namespace
}  // namespace tiptoe::test
