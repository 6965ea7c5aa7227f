// SPDX-License-Identifier: Apache-2.0
#include "tiptoe/tcp/pack.hpp"

#include <gtest/gtest.h>

#include <random>
#include <type_traits>

#include "tiptoe/tcp/faults.hpp"

namespace tiptoe::tcp {
namespace {

TEST(Pack, LastFieldStandsAtBitZero) {
  Record r;
  r.ch_start = 0x12345678;
  r.ch_cnt = 0xAB;
  const RecordWords w = pack(r);
  EXPECT_EQ(w[0], 0x12345678U);
  EXPECT_EQ(w[1], 0xABU);
}

TEST(Pack, StateStandsAtTheTop) {
  Record r;
  r.state = State::TIME_WAIT;
  const RecordWords w = pack(r);
  EXPECT_EQ(w[(RECORD_W - 4) / 32] >> ((RECORD_W - 4) % 32), 10U);
  for (std::size_t i = 0; i + 1 < w.size(); ++i) EXPECT_EQ(w[i], 0U);
}

TEST(Pack, Deadlines) {
  Deadlines d;
  d.arm(Timer::USER, 0xFEDCBA987654);
  d.arm(Timer::RTX, 1);
  const DeadlineWords w = pack(d);
  EXPECT_EQ(w[0], 0xBA987654U);
  EXPECT_EQ(w[1], 0x1FEDCU);
  EXPECT_EQ(w[6], 1U << (4 * 49 - 6 * 32));
  EXPECT_EQ(w[7], 1U << (5 * 49 - 1 - 7 * 32));
  EXPECT_EQ(unpack_deadlines(w), d);
}

TEST(Pack, RoundTripOfRandomRecords) {
  std::mt19937_64 rng(1);
  for (int i = 0; i < 1000; ++i) {
    RecordWords w;
    for (std::uint32_t& x : w) x = static_cast<std::uint32_t>(rng());
    w.back() &= (1U << RECORD_W % 32) - 1;
    EXPECT_EQ(pack(unpack_record(w)), w);
  }
}

TEST(Faults, TableIsComplete) {
  EXPECT_EQ(FAULTS.size(), PROTOCOL_FAULTS.size() + ENGINE_FAULTS.size());
  for (const FaultInfo& f : FAULTS) {
    EXPECT_EQ(fault_by_id(f.id), f.fault);
    EXPECT_EQ(fault_info(f.fault)->id, f.id);
    EXPECT_TRUE(f.text.ends_with('.')) << f.id;
    EXPECT_FALSE(f.source.empty()) << f.id;
    for (const FaultInfo& g : FAULTS) EXPECT_TRUE(&f == &g || f.text != g.text) << f.id << " and " << g.id;
  }
  EXPECT_EQ(fault_by_id("none"), Fault::none);
  EXPECT_EQ(fault_info(Fault::none), nullptr);
}

}  // namespace
}  // namespace tiptoe::tcp
