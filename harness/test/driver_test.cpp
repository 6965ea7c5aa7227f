// SPDX-License-Identifier: Apache-2.0
// EngineDut, links and traces over a stub: nothing here depends on TCP.
#include <gtest/gtest.h>

#include "stub_engine.hpp"
#include "tiptoe/engine_dut.hpp"
#include "tiptoe/link.hpp"
#include "tiptoe/lockstep.hpp"
#include "tiptoe/segment.hpp"
#include "tiptoe/trace.hpp"

namespace tiptoe {
namespace {

using test::StubEngine;
using StubDut = EngineDut<StubEngine>;

Bytes sample(std::size_t text) {
  return Segment{.src = ip("10.0.0.2"),
                 .dst = ip("10.0.0.1"),
                 .src_port = 4,
                 .dst_port = 5,
                 .seq = 1,
                 .flags = SYN,
                 .payload = pattern(text)}
      .build();
}

class Widths : public ::testing::TestWithParam<std::tuple<unsigned, bool>> {};
INSTANTIATE_TEST_SUITE_P(All, Widths, ::testing::Combine(::testing::Values(64U, 128U, 256U, 512U), ::testing::Bool()));

TEST_P(Widths, EveryLengthCrossesBothWays) {
  const auto [width, stalls] = GetParam();
  StubDut dut("stub", {.data_w = width, .random_stalls = stalls});
  dut.reset({});
  for (std::size_t text = 0; text < 140; ++text) {
    const Bytes octets = sample(text);
    dut.inject(octets);
    const auto back = dut.run_until_output(10);
    ASSERT_TRUE(back) << text;
    EXPECT_EQ(back->bytes, octets);
    EXPECT_FALSE(back->to_device);
  }
}

TEST(EngineDut, TimeJumpsToTheDeadline) {
  StubDut dut("stub", {});
  dut.driver().engine().deadline = 240'000'000;
  dut.reset({});
  EXPECT_FALSE(dut.run_until_output(239'000'000));
  EXPECT_EQ(dut.now_us(), 239'000'000U);
  const auto out = dut.run_until_output(2'000'000);
  ASSERT_TRUE(out);
  EXPECT_EQ(out->time_us, 240'000'000U);
  dut.advance(5);
  EXPECT_EQ(dut.now_us(), 240'000'005U);
  EXPECT_LT(dut.cycles(), 100U);
}

TEST(EngineDut, WhatIsDueAtTheEndOfAnAdvanceIsDone) {
  StubDut dut("stub", {});
  dut.driver().engine().deadline = 1000;
  dut.reset({});
  dut.advance(999);
  EXPECT_FALSE(dut.poll_output());
  dut.advance(1);
  EXPECT_TRUE(dut.poll_output());
  EXPECT_EQ(dut.now_us(), 1000U);
}

TEST(EngineDut, HeldTimeMovesWhenToldAlone) {
  StubDut dut("stub", {});
  dut.reset({});
  dut.driver().hold_time(true);
  const Bytes octets = sample(1400);  // more beats than a microsecond has cycles, there and back
  for (int i = 0; i < 4; ++i) dut.inject(octets);
  dut.settle();
  EXPECT_EQ(dut.now_us(), 0U);
  EXPECT_GT(dut.cycles(), 2U * kCyclesPerMicrosecond);
  dut.driver().engine().deadline = 700;
  dut.driver().step();  // the driver sees it
  dut.advance(1000);
  EXPECT_EQ(dut.now_us(), 1000U);
  std::vector<std::uint64_t> times;
  while (const auto out = dut.poll_output()) times.push_back(out->time_us);
  EXPECT_EQ(times, (std::vector<std::uint64_t>{0, 0, 0, 0, 700}));
}

TEST(EngineDut, CallsAreAnswered) {
  StubDut dut("stub", {.random_stalls = true});
  dut.reset({});
  const CallResult result = dut.status(Handle{3});
  EXPECT_TRUE(result);
  EXPECT_EQ(result.state, State::established);
  EXPECT_EQ(dut.status(Handle{0xFFFF'FFFF}).status, CallStatus::no_connection);
}

TEST(EngineDut, HangIsASentence) {
  StubDut dut("stub", {});
  dut.reset({});
  dut.driver().engine().never_ready = true;
  try {
    dut.inject(sample(1));
    FAIL();
  } catch (const DutHang& hang) {
    const std::string text = hang.what();
    EXPECT_NE(text.find("s_axis_tready"), std::string::npos) << text;
    EXPECT_NE(text.find("4161 cycles"), std::string::npos) << text;
    EXPECT_NE(text.find("HEAD IDLE"), std::string::npos) << text;
  }
}

TEST(EngineDut, FallingValidIsNoticed) {
  StubDut dut("stub", {.random_stalls = true});
  dut.reset({});
  dut.driver().engine().forgets_valid = true;
  EXPECT_THROW(
      {
        for (int i = 0; i < 200; ++i) {
          dut.inject(sample(100));
          dut.settle();
        }
      },
      DutError);
}

TEST(EngineDut, UnknownNamesAreExplained) {
  StubDut dut("stub", {});
  dut.reset({});
  try {
    dut.set("MUT", 1);
    FAIL();
  } catch (const DutError& error) {
    EXPECT_STREQ(error.what(), "unknown register 'MUT'; did you mean 'MTU'?");
  }
  EXPECT_THROW(dut.set("InSegs", 1), DutError);
  EXPECT_THROW(dut.set_fault("anything"), DutError);
}

TEST(Registers, LayoutOfTheRecord) {
  std::array<std::uint32_t, 64> record{};
  record[(kRecordWidth - 1) / 32] |= 1U << ((kRecordWidth - 1) % 32);  // most significant bit of state
  EXPECT_EQ(record_field(record, "state"), 8U);
  record[0] = 0xDEAD'BEEF;
  EXPECT_EQ(record_field(record, "ch_start"), 0xDEAD'BEEFU);
  EXPECT_EQ(find_register("FEATURES.DF")->bit, 6);
}

TEST(Lockstep, DifferencesAreNamed) {
  model::Outputs a, b;
  EXPECT_TRUE(same_outputs(a, b));
  b.rsp_len = 7;  // not valid: does not count
  b.prb.ret_conn = 7;
  EXPECT_TRUE(same_outputs(a, b));
  a.prb.ret_valid = b.prb.ret_valid = true;
  b.prb.ret_record[0] = 5;
  EXPECT_FALSE(same_outputs(a, b));
  const auto differences = pin_differences(a, b, 64);
  ASSERT_EQ(differences.size(), 1U);
  EXPECT_EQ(differences[0].signal, "prb_ret_record.ch_start");
  FlightRecorder recorder;
  EXPECT_THROW(report_divergence(a, b, {}, 5, 0, recorder), Divergence);
}

TEST(Channel, SameSeedSameFate) {
  const LinkFaults faults{.loss_ppm = 100'000,
                          .duplicate_ppm = 100'000,
                          .reorder_ppm = 100'000,
                          .corrupt_ppm = 100'000,
                          .delay_us = 50,
                          .jitter_us = 20};
  const auto run = [&](std::uint64_t seed) {
    Channel channel(faults, seed);
    std::vector<std::pair<std::uint64_t, Bytes>> out;
    for (std::uint64_t t = 0; t < 2000; ++t) {
      if (t < 1000) channel.push(pattern(20, t), t);
      while (auto datagram = channel.pop(t)) out.emplace_back(t, datagram->bytes);
    }
    EXPECT_TRUE(channel.empty());
    const LinkCounters& n = channel.counters();
    EXPECT_EQ(n.delivered, n.sent - n.lost + n.duplicated);
    EXPECT_NEAR(static_cast<double>(n.lost), 100, 40);
    return out;
  };
  EXPECT_EQ(run(1), run(1));
  EXPECT_NE(run(1), run(2));
}

TEST(Channel, KeepsOrderWithoutReordering) {
  Channel channel({.delay_us = 10, .jitter_us = 100}, 1);
  for (std::uint64_t t = 0; t < 100; ++t) channel.push(pattern(4, t), t);
  for (std::uint64_t t = 0; t < 100; ++t) EXPECT_EQ(channel.pop(1000)->bytes, pattern(4, t));
}

TEST(Link, TwoDevicesKeepPace) {
  StubDut a("a", {}), b("b", {});
  a.driver().engine().deadline = 100;
  a.reset({});
  b.reset({});
  Link link(a, b, {.delay_us = 10}, {.delay_us = 10}, 1);
  std::vector<std::uint64_t> times;
  link.on_send = [&](const Datagram& d, bool) { times.push_back(d.time_us); };
  link.run(155);
  EXPECT_EQ(times, (std::vector<std::uint64_t>{100, 110, 120, 130, 140, 150}));
}

TEST(Trace, LadderTellsTheStory) {
  TracedDut dut(std::make_unique<StubDut>("stub", DutOptions{}));
  dut.reset({});
  dut.inject(sample(3));
  ASSERT_TRUE(dut.run_until_output(10));
  (void)dut.status(Handle{1});
  const std::string ladder = dut.trace().ladder();
  EXPECT_NE(ladder.find("|-- <SEQ=0><WND=65535><DATA=3><CTL=SYN>"), std::string::npos) << ladder;
  EXPECT_NE(ladder.find("|<---"), std::string::npos) << ladder;
  EXPECT_NE(ladder.find("status(0x1) = OK"), std::string::npos) << ladder;
  ASSERT_EQ(dut.trace().entries().size(), 3U);
  EXPECT_TRUE(dut.trace().entries()[0].to_device);
}

}  // namespace
}  // namespace tiptoe
