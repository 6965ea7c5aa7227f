// SPDX-License-Identifier: Apache-2.0
// Two devices as each other's peers. What the pair must notice is shown with a device that does wrong on purpose.
#include "tiptoe/pair.hpp"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>

#include "tiptoe/forwarding_dut.hpp"

namespace tiptoe {
namespace {

constexpr std::array<std::uint32_t, 2> kAddresses{0x0A00'0001, 0x0A00'0002};

std::unique_ptr<Dut> model(unsigned side) {
  auto dut = make_dut("model", {});
  dut->reset({.settings = {{"LOCAL_IP0", kAddresses[side]}, {"MSL", 1'000'000}}, .seed = 1 + side});
  return dut;
}

PairResult run(Dut& a, Dut& b, const PairOptions& options) {
  Pair pair(a, b, kAddresses, options);
  while (pair.run(1000)) continue;
  return pair.result();
}

PairResult models(PairOptions options) {
  options.tables = {64, 64};
  const auto a = model(0);
  const auto b = model(1);
  return run(*a, *b, options);
}

std::string words(const PairResult& r) { return r.failures.empty() ? "" : r.failures.front(); }

constexpr LinkFaults kBad{
    .loss_ppm = 20'000, .duplicate_ppm = 20'000, .reorder_ppm = 20'000, .corrupt_ppm = 10'000, .delay_us = 500};

TEST(Pair, BulkBothWaysOverACleanLink) {
  const PairResult r = models({.bytes = 300'001});
  EXPECT_EQ(words(r), "");
  for (const PairEndCounters& end : r.end) {
    EXPECT_EQ(end.octets, 300'001U);
    EXPECT_EQ(end.opened, 1U);
    EXPECT_EQ(end.accepted, 1U);
    EXPECT_EQ(end.retransmissions, 0U);
    EXPECT_EQ(end.time_wait, 0U);  // the clock ran on until it was over
  }
  EXPECT_GT(r.bulk_us, 0U);
}

TEST(Pair, BulkAndOpensOverABadLink) {
  const PairResult r = models({.bytes = 100'000, .opens = 100, .link = kBad, .seed = 3});
  EXPECT_EQ(words(r), "");
  EXPECT_EQ(r.flows, 102U);
  EXPECT_EQ(r.end[0].octets, 100'000U + 100 * 512U);
  EXPECT_EQ(r.end[1].octets, 100'000U + 100 * 512U);
  EXPECT_GT(r.link[0].lost, 0U);
  EXPECT_GT(r.end[0].retransmissions + r.end[1].retransmissions, 0U);
}

TEST(Pair, TheSameSeedGivesTheSameDatagrams) {
  const PairOptions options{.bytes = 50'000, .opens = 20, .link = kBad, .seed = 5};
  const PairResult first = models(options);
  const PairResult second = models(options);
  EXPECT_EQ(first.digest, second.digest);
  EXPECT_EQ(first.device_us, second.device_us);
  PairOptions other = options;
  other.seed = 6;
  EXPECT_NE(models(other).digest, first.digest);
}

TEST(Pair, TimeWaitAndTheTableLimitWhatIsOpen) {
  // 40 connections that stay in TIME_WAIT for 2 s each, at one end or the other, do not fit into 64 entries twice over.
  const PairResult r = models({.opens = 200});
  EXPECT_EQ(words(r), "");
  EXPECT_LE(r.most_open, 64U);
  EXPECT_GT(r.device_us, 2'000'000U);
  EXPECT_EQ(r.end[0].opened, 100U);
  EXPECT_EQ(r.end[1].accepted, 100U);
  EXPECT_EQ(r.end[0].refused_calls, 0U);
}

/// Reads one octet of the text wrong.
class Misreads final : public ForwardingDut {
 public:
  using ForwardingDut::ForwardingDut;
  CallResult receive(Handle h, std::uint32_t max) override {
    CallResult r = ForwardingDut::receive(h, max);
    read_ += r.data.size();
    if (read_ > 5000 && !done_ && !r.data.empty()) {
      done_ = true;
      r.data.back() ^= 1;
    }
    return r;
  }

 private:
  std::size_t read_ = 0;
  bool done_ = false;
};

/// Never tells that a connection has ended.
class NeverEnds final : public ForwardingDut {
 public:
  using ForwardingDut::ForwardingDut;
  std::optional<Notification> poll_notification() override {
    auto n = ForwardingDut::poll_notification();
    if (n) n->flags &= static_cast<std::uint16_t>(~Notification::closed);
    return n;
  }
};

/// Throws the end of some texts away.
class Forgets final : public ForwardingDut {
 public:
  using ForwardingDut::ForwardingDut;
  CallResult close(Handle h, bool half) override {
    return ++count_ % 8 == 0 ? abort(h) : ForwardingDut::close(h, half);
  }

 private:
  unsigned count_ = 0;
};

TEST(Pair, NoticesAWrongOctet) {
  const auto a = model(0);
  const auto inner = model(1);
  Misreads b(*inner);
  const PairResult r = run(*a, b, {.bytes = 20'000, .tables = {64, 64}});
  EXPECT_EQ(r.failed, 1U);
  EXPECT_NE(words(r).find("B received a wrong octet at position"), std::string::npos) << words(r);
}

TEST(Pair, NoticesAConnectionThatNeverEnds) {
  const auto a = model(0);
  const auto inner = model(1);
  NeverEnds b(*inner);
  const PairResult r = run(*a, b, {.opens = 4, .patience_us = 5'000'000, .tables = {64, 64}});
  EXPECT_TRUE(r.done);
  EXPECT_NE(words(r).find("nothing moves for 5 s"), std::string::npos) << words(r);
}

TEST(Pair, NoticesAnAbort) {
  const auto a = model(0);
  const auto inner = model(1);
  Forgets b(*inner);
  const PairResult r = run(*a, b, {.opens = 16, .tables = {64, 64}});
  EXPECT_GT(r.failed, 0U);
  EXPECT_FALSE(r.failures.empty());
}

/// No calls at all.
class Mute final : public ForwardingDut {
 public:
  using ForwardingDut::ForwardingDut;
  const Capabilities& capabilities() const override {
    static const Capabilities none{.name = "mute", .calls = {"listen"}};
    return none;
  }
};

TEST(Pair, RefusesADeviceWithoutCalls) {
  const auto a = model(0);
  const auto inner = model(1);
  Mute b(*inner);
  try {
    run(*a, b, {.opens = 1});
    FAIL() << "nothing was refused";
  } catch (const DutError& e) {
    EXPECT_NE(std::string(e.what()).find("B (model) has no call 'open'"), std::string::npos) << e.what();
  }
}

}  // namespace
}  // namespace tiptoe
