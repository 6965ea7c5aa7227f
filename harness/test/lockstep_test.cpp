// SPDX-License-Identifier: Apache-2.0
// Model and RTL side by side on random traffic. Long runs are tools/soak's business; this is the smoke that every
// commit sees.
#include <gtest/gtest.h>

#include "tiptoe/engine_dut.hpp"
#include "tiptoe/segment.hpp"
#include "tiptoe/soak.hpp"

namespace tiptoe {
namespace {

TEST(Lockstep, EveryParameterSetOnRandomTraffic) {
  for (const DutOptions& set : rtl_parameter_sets()) {
    for (const bool stalls : {false, true}) {
      const SoakResult result =
          soak({.cycles = 200'000, .seed = 11, .dut = set, .stalls = stalls, .episode_cycles = 40'000});
      EXPECT_TRUE(result.passed) << parameters_to_string(set) << "\n" << result.failure;
      EXPECT_GT(result.retired, 500U);
    }
  }
}

TEST(Lockstep, RtlAndLockstepSeeTheSameRun) {
  if (rtl_parameter_sets().empty()) GTEST_SKIP() << "no RTL in this build";
  const auto digest = [](const char* kind) {
    return soak({.kind = kind, .cycles = 50'000, .seed = 5, .dut = rtl_parameter_sets().front()}).digest;
  };
  EXPECT_EQ(digest("model"), digest("rtl"));
  EXPECT_EQ(digest("model"), digest("lockstep"));
}

TEST(Lockstep, AFaultOfTheModelIsNoticed) {
  if (rtl_parameter_sets().empty()) GTEST_SKIP() << "no RTL in this build";
  const SoakResult result =
      soak({.cycles = 300'000, .seed = 1, .dut = rtl_parameter_sets().front(), .fault = "out_of_window_silent"});
  EXPECT_FALSE(result.passed);
  EXPECT_TRUE(result.diverged) << result.failure;
  EXPECT_NE(result.failure.find("event pipeline: prb_ret_"), std::string::npos) << result.failure;
}

TEST(Soak, ModelAloneIsDeterministic) {
  const auto run = [](std::uint64_t seed) { return soak({.kind = "model", .cycles = 200'000, .seed = seed}); };
  const SoakResult first = run(1);
  EXPECT_TRUE(first.passed) << first.failure;
  EXPECT_EQ(first.digest, run(1).digest);
  EXPECT_NE(first.digest, run(2).digest);
}

TEST(Soak, EpisodesAreIndependent) {
  const SoakResult whole = soak({.kind = "model", .cycles = 60'000, .seed = 3, .episode_cycles = 30'000});
  const SoakResult second =
      soak({.kind = "model", .cycles = 30'000, .seed = 3, .episode_cycles = 30'000, .first_episode = 1});
  EXPECT_TRUE(whole.passed) << whole.failure;
  const SoakResult first = soak({.kind = "model", .cycles = 30'000, .seed = 3, .episode_cycles = 30'000});
  EXPECT_EQ(whole.retired, first.retired + second.retired);
}

}  // namespace
}  // namespace tiptoe
