// SPDX-License-Identifier: Apache-2.0
// The DUT contract over the golden model: calls, datagrams, virtual time, links. The protocol itself is the suite's
// job.
#include <gtest/gtest.h>

#include <array>

#include "tiptoe/link.hpp"
#include "tiptoe/segment.hpp"
#include "tiptoe/trace.hpp"

namespace tiptoe {
namespace {

const std::uint32_t kDevice = ip("10.0.0.1");
const std::uint32_t kTester = ip("10.0.0.2");

DutConfig config(std::uint32_t address = kDevice, std::uint64_t seed = 1) {
  return {.settings = {{"LOCAL_IP0", address}}, .seed = seed};
}

Segment segment(std::uint32_t seq, std::uint32_t ack, std::uint8_t flags, Bytes text = {}) {
  return {.src = kTester,
          .dst = kDevice,
          .src_port = 4000,
          .dst_port = 80,
          .seq = seq,
          .ack = ack,
          .flags = flags,
          .window = 60000,
          .payload = std::move(text)};
}

/// A device with one established, accepted connection: tester 1001, device `iss` + 1.
struct Established {
  std::unique_ptr<Dut> dut;
  Handle connection{};
  std::uint32_t iss = 0;

  explicit Established(const DutOptions& options = {}, const char* kind = "model") : dut(make_dut(kind, options)) {
    dut->reset(config());
    const CallResult listener = dut->open_passive({.local_port = 80});
    EXPECT_TRUE(listener) << to_string(listener);
    Segment syn = segment(1000, 0, SYN);
    syn.options = Options().mss(1460);
    dut->inject(syn.build());
    const auto syn_ack = dut->run_until_output(1000);
    EXPECT_TRUE(syn_ack);
    if (!syn_ack) return;
    const Segment s = Segment::parse(*syn_ack);
    EXPECT_TRUE((Segment{.ack = 1001, .flags = SYN | ACK, .options = Options().mss(1460)}.matches(s))) << s.to_string();
    EXPECT_FALSE(s.defective()) << s.to_string();
    iss = *s.seq;
    dut->inject(segment(1001, iss + 1, ACK).build());
    dut->settle();
    const CallResult accepted = dut->accept(listener.handle);
    EXPECT_TRUE(accepted) << to_string(accepted);
    connection = accepted.handle;
    EXPECT_EQ(accepted.state, State::established);
    dut->settle();  // its notification, held until now, comes out
  }
};

class Sets : public ::testing::TestWithParam<std::tuple<unsigned, bool>> {};
INSTANTIATE_TEST_SUITE_P(All, Sets, ::testing::Combine(::testing::Values(64U, 128U, 256U, 512U), ::testing::Bool()));

TEST_P(Sets, DataBothWays) {
  const auto [width, stalls] = GetParam();
  Established e({.data_w = width, .random_stalls = stalls});
  const Bytes text = pattern(1000);
  e.dut->inject(segment(1001, e.iss + 1, PSH | ACK, text).build());
  e.dut->settle();
  const CallResult received = e.dut->receive(e.connection, 5000);
  EXPECT_TRUE(received) << to_string(received);
  EXPECT_EQ(received.data, text);

  const CallResult sent = e.dut->send(e.connection, pattern(3000, 7));
  ASSERT_TRUE(sent) << to_string(sent);
  EXPECT_EQ(sent.length, 3000U);
  Bytes got;
  while (auto out = e.dut->run_until_output(1000)) {
    const Segment s = Segment::parse(*out);
    EXPECT_FALSE(s.defective()) << s.to_string();
    if (s.text_length() == 0) continue;
    EXPECT_EQ(*s.seq, e.iss + 1 + got.size());
    got.insert(got.end(), s.payload->begin(), s.payload->end());
    e.dut->inject(segment(2001, *s.seq + s.length(), ACK).build());
  }
  EXPECT_EQ(got, pattern(3000, 7));
}

TEST(ModelDut, TwoMslCostFewCycles) {
  Established e;
  ASSERT_TRUE(e.dut->close(e.connection));
  const auto fin = e.dut->run_until_output(1000);
  ASSERT_TRUE(fin);
  EXPECT_TRUE(Segment::parse(*fin).has(FIN));
  e.dut->inject(segment(1001, e.iss + 2, FIN | ACK).build());
  ASSERT_TRUE(e.dut->run_until_output(1000));
  EXPECT_EQ(e.dut->status(e.connection).state, State::time_wait);
  const std::uint64_t before = e.dut->cycles();
  e.dut->advance(239'000'000);
  EXPECT_EQ(e.dut->status(e.connection).state, State::time_wait);
  e.dut->advance(2'000'000);
  EXPECT_EQ(e.dut->status(e.connection).status, CallStatus::no_connection);
  EXPECT_LT(e.dut->cycles() - before, 3000U);
}

TEST(ModelDut, RetransmissionComesOnTime) {
  Established e;
  ASSERT_TRUE(e.dut->send(e.connection, pattern(10)));
  const auto first = e.dut->run_until_output(1000);
  ASSERT_TRUE(first);
  const auto second = e.dut->run_until_output(3'000'000);
  ASSERT_TRUE(second);
  EXPECT_NEAR(static_cast<double>(second->time_us - first->time_us), 1e6, 2);
}

TEST(ModelDut, NotificationsCountersAndRetireRecords) {
  Established e;
  std::uint16_t seen = 0;
  while (const auto n = e.dut->poll_notification()) seen = static_cast<std::uint16_t>(seen | n->flags);
  EXPECT_NE(seen & Notification::accept, 0);
  EXPECT_NE(seen & Notification::connected, 0);
  EXPECT_EQ(e.dut->counter("PassiveOpens"), 1U);
  EXPECT_EQ(e.dut->counter("CurrEstab"), 1U);
  e.dut->set_retire_recording(true);
  e.dut->inject(segment(1001, e.iss + 1, PSH | ACK, pattern(5)).build());
  e.dut->settle();
  const auto records = e.dut->take_retire_records();
  ASSERT_FALSE(records.empty());
  EXPECT_EQ(records[0].kind, 1);
  EXPECT_EQ(records[0].state, State::established);
  EXPECT_EQ(records[0].fields & RetireRecord::has_state_before, 0U) << "recording began in the middle";
  EXPECT_EQ(records[0].local_ip, kDevice);
  EXPECT_EQ(records[0].remote_ip, kTester);
  EXPECT_EQ(records[0].iss, e.iss);
  EXPECT_EQ(records[0].snd_una, e.iss + 1);
  EXPECT_EQ(records[0].rcv_nxt, 1006U);
  e.dut->inject(segment(1006, e.iss + 1, FIN | ACK).build());
  e.dut->settle();
  const auto fin = e.dut->take_retire_records();
  ASSERT_FALSE(fin.empty());
  EXPECT_EQ(fin[0].state_before, State::established);
  EXPECT_EQ(fin[0].state, State::close_wait);
  EXPECT_NE(fin[0].fields & RetireRecord::has_state_before, 0U);
}

TEST(ModelDut, ResetGivesTheSameRunAgain) {
  const auto run = [](Dut& dut) {
    dut.reset(config(kDevice, 7));
    EXPECT_TRUE(dut.open_active({.local_port = 9, .remote_ip = kTester, .remote_port = 80}));
    const auto syn = dut.run_until_output(1000);
    return syn ? std::pair(syn->bytes, syn->cycle) : std::pair(Bytes{}, std::uint64_t{0});
  };
  const auto dut = make_dut("model", {.random_stalls = true});
  const auto first = run(*dut);
  EXPECT_FALSE(first.first.empty());
  EXPECT_EQ(run(*dut), first);
  EXPECT_EQ(run(*make_dut("model", {.random_stalls = true})), first);
}

TEST(ModelDut, FaultsAreArmedByName) {
  const auto dut = make_dut("model", {});
  dut->set_fault("isn_constant");
  dut->set_fault("none");
  EXPECT_THROW(dut->set_fault("no such fault"), DutError);
}

TEST(MakeDut, RefusesInSentences) {
  EXPECT_THROW((void)make_dut("toaster", {}), DutError);
  EXPECT_THROW((void)make_dut("model", {.data_w = 65}), DutError);
  EXPECT_THROW((void)make_dut("rtl", {.data_w = 65}), DutError);
}

/// Two models, one link: `octets` from a to b, whatever the link does to them.
std::string transfer(std::size_t octets, const LinkFaults& faults, std::uint64_t seed,
                     LinkCounters* counters = nullptr) {
  const auto a = make_dut("model", {});
  const auto b = make_dut("model", {});
  a->reset(config(ip("10.0.0.1"), seed));
  b->reset(config(ip("10.0.0.2"), seed + 1));
  EXPECT_TRUE(b->open_passive({.local_port = 80}));
  const CallResult open = a->open_active({.local_port = 1000, .remote_ip = ip("10.0.0.2"), .remote_port = 80});
  EXPECT_TRUE(open) << to_string(open);
  Link link(*a, *b, faults, faults, seed);
  std::string log;
  link.on_send = [&](const Datagram& d, bool from_a) {
    const Segment s = Segment::parse(d);
    EXPECT_FALSE(s.defective()) << s.to_string();
    log += std::to_string(d.time_us) + (from_a ? " a " : " b ") + s.to_string() + "\n";
  };
  const Bytes data = pattern(octets);
  std::size_t sent = 0;
  Bytes got;
  std::optional<Handle> server;
  Handle listener{0x10000};
  while (got.size() < octets && a->now_us() < 600'000'000) {
    link.run(1000);
    while (const auto n = b->poll_notification()) {
      if ((n->flags & Notification::accept) != 0) listener = n->handle;
    }
    if (!server) {
      if (const CallResult accepted = b->accept(listener)) server = accepted.handle;
    }
    if (sent < octets) {
      const CallResult r =
          a->send(open.handle, std::span(data).subspan(sent, std::min<std::size_t>(4000, octets - sent)));
      if (r) sent += r.length;
    }
    if (server) {
      const CallResult r = b->receive(*server, 10000);
      got.insert(got.end(), r.data.begin(), r.data.end());
    }
  }
  EXPECT_EQ(got, data);
  if (counters != nullptr) *counters = link.a_to_b();
  return log;
}

TEST(ModelLink, CleanTransfer) { transfer(100'000, {.delay_us = 200}, 1); }

TEST(ModelLink, BadLinkLosesNothingAndIsDeterministic) {
  const LinkFaults faults{.loss_ppm = 30'000,
                          .duplicate_ppm = 20'000,
                          .reorder_ppm = 30'000,
                          .corrupt_ppm = 20'000,
                          .delay_us = 500,
                          .jitter_us = 300};
  LinkCounters first, second;
  EXPECT_EQ(transfer(60'000, faults, 3, &first), transfer(60'000, faults, 3, &second));
  EXPECT_EQ(first, second);
  EXPECT_GT(first.lost + first.corrupted + first.reordered, 0U);
}

}  // namespace
}  // namespace tiptoe
