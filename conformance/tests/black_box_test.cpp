// SPDX-License-Identifier: Apache-2.0
// Level L0: the suite on the model behind an application of its own (harness/test/devices/black_box.cpp), of which the
// tester knows the capability file only. No case may blame it, and a fault of the model must still be found.
#include <gtest/gtest.h>

#include <iostream>
#include <map>
#include <set>
#include <string>

#include "tiptoe/conformance/runner.hpp"
#include "tiptoe/plugin.hpp"

namespace tiptoe::conformance {
namespace {

constexpr const char* kBlackBox = TIPTOE_TEST_DEVICES "/black_box.so";

Capabilities box() {
  Capabilities c;
  c.name = "box";
  c.calls = {};
  c.addresses = {0xC0A80132};
  return c;
}
Capabilities service(bool reads, bool echoes, bool closes) {
  Capabilities c = box();
  c.service = Capabilities::Service{.port = 5000, .reads = reads, .echoes = echoes, .closes = closes};
  return c;
}
Capabilities talker() {
  Capabilities c = service(true, false, true);
  c.service->talks = true;
  return c;
}
Capabilities client() {
  Capabilities c = box();
  c.peers = {0xC0A80101, 0xC0A80102};
  c.client = Capabilities::Client{.port = 6000, .within_us = 1'000, .reads = true, .closes = true};
  return c;
}
Capabilities on_ethernet(Capabilities c) {
  c.ethernet = true;
  return c;
}
/// A board on a desk: one connection, nothing to be set, no long waits.
Capabilities board() {
  Capabilities c = service(true, true, true);
  c.all_settings = false;
  c.connections = 1;
  c.longest_wait_us = 5'000'000;
  return c;
}

struct Tally {
  std::map<Verdict, unsigned> of{};
  std::string bad{};  ///< what did not pass, with its story
};

Tally whole_suite(const Capabilities& c, const std::string& arguments) {
  Tally tally;
  const auto dut = load_dut(kBlackBox, c, arguments);
  for (const Case& one : all_cases().cases()) {
    const Result r = run_case(one, *dut);
    ++tally.of[r.verdict];
    if (r.verdict == Verdict::inapplicable) {
      EXPECT_FALSE(r.message.empty()) << r.id;
    } else if (r.verdict != Verdict::pass && tally.bad.size() < 20'000) {
      tally.bad += r.message + "\n" + r.ladder + "\n";
    }
  }
  return tally;
}

struct Kind {
  const char* name;
  const char* arguments;
  Capabilities capabilities;
  unsigned least;  ///< cases that judge it
};
void PrintTo(const Kind& k, std::ostream* out) { *out << k.name; }

class BlackBox : public testing::TestWithParam<Kind> {};

TEST_P(BlackBox, IsJudgedByWhatItHas) {
  const Tally tally = whole_suite(GetParam().capabilities, GetParam().arguments);
  EXPECT_EQ(tally.of.size(), 2U) << tally.bad;
  const unsigned passed = tally.of.contains(Verdict::pass) ? tally.of.at(Verdict::pass) : 0;
  EXPECT_GE(passed, GetParam().least);
  std::cout << GetParam().name << ": " << passed << " cases apply and pass\n";
}

INSTANTIATE_TEST_SUITE_P(Kinds, BlackBox,
                         testing::Values(Kind{"nothing", "discard", box(), 70},
                                         Kind{"echo", "echo", service(true, true, true), 300},
                                         Kind{"discard", "discard", service(true, false, true), 250},
                                         Kind{"deaf", "deaf open", service(false, false, false), 200},
                                         Kind{"chargen", "chargen", talker(), 80},
                                         Kind{"client", "client", client(), 120}, Kind{"board", "echo", board(), 60},
                                         Kind{"ethernet", "echo ethernet", on_ethernet(service(true, true, true)), 300},
                                         Kind{"frame_client", "client ethernet", on_ethernet(client()), 120}),
                         [](const auto& one) { return one.param.name; });

class BlackBoxFault : public testing::TestWithParam<const char*> {};

TEST_P(BlackBoxFault, IsFound) {
  const Tally tally = whole_suite(service(true, true, true), std::string("echo fault=") + GetParam());
  EXPECT_TRUE(tally.of.contains(Verdict::fail));
}

INSTANTIATE_TEST_SUITE_P(Some, BlackBoxFault,
                         testing::Values("closed_silent", "rst_exact_ignored", "out_of_window_silent"));

std::string verdict_of(const char* id, const Capabilities& c, const char* arguments) {
  const auto dut = load_dut(kBlackBox, c, arguments);
  const Case* one = all_cases().find(id);
  if (one == nullptr) return "no such case";
  const Result r = run_case(*one, *dut);
  return std::string(to_string(r.verdict)) + ": " + r.message;
}

TEST(BlackBoxWords, TellWhatIsMissing) {
  const char* passive = "textbook/TB-01a-passive-open";
  EXPECT_EQ(verdict_of(passive, box(), "discard"),
            "inapplicable: the case needs OPEN passive (listen), and the device has no `listen` (capability calls)");
  EXPECT_EQ(verdict_of("textbook/TB-01b-active-open", box(), "discard"),
            "inapplicable: the case needs OPEN, and the device has no `open` (capability calls)");
  EXPECT_EQ(verdict_of("textbook/TB-02a-close-by-device", service(true, false, true), "discard"),
            "inapplicable: CLOSE is not possible, because the device has no user calls, only an application of its own "
            "(capability service)");
  Capabilities hasty = service(true, false, true);
  hasty.longest_wait_us = 1'000'000;
  EXPECT_EQ(verdict_of("textbook/TB-07b-syn-ack-given-up", hasty, "discard"),
            "inapplicable: the case waits 2002 ms, at most 1 s are wanted (capability longest_wait_us)");
}

TEST(BlackBoxWords, OnEthernet) {
  const Capabilities c = on_ethernet(service(true, false, true));
  const std::string mute = verdict_of("textbook/TB-17-nobody-listens", c, "discard ethernet no-arp");
  EXPECT_TRUE(mute.starts_with("fail")) << mute;
  EXPECT_NE(mute.find("it does not answer an ARP request for 192.168.1.50 within 1000 us"), std::string::npos) << mute;
  const std::string astray = verdict_of("textbook/TB-17-nobody-listens", c, "discard ethernet astray");
  EXPECT_TRUE(astray.starts_with("fail")) << astray;
  EXPECT_NE(astray.find("an IPv4 datagram to 02:74:69:70:74:6e"), std::string::npos) << astray;
  const std::string no_header = verdict_of("textbook/TB-17-nobody-listens", c, "discard");  // datagrams after all
  EXPECT_TRUE(no_header.starts_with("fail")) << no_header;
}

TEST(BlackBoxWords, ADeviceThatIsNotAsItsFileSays) {
  const std::string silent = verdict_of("textbook/TB-01b-active-open", client(), "discard");
  EXPECT_TRUE(silent.starts_with("fail")) << silent;
  EXPECT_NE(silent.find("no SYN to port 6000 within 1 ms after reset (capability client)"), std::string::npos)
      << silent;
  const std::string talks = verdict_of("textbook/TB-01a-passive-open", service(true, false, true), "client");
  EXPECT_TRUE(talks.starts_with("fail")) << talks;
  EXPECT_NE(talks.find("nothing more before the user listens; came: <SEQ="), std::string::npos) << talks;
}

}  // namespace
}  // namespace tiptoe::conformance
