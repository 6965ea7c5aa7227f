// SPDX-License-Identifier: Apache-2.0
// The tester itself, against devices that do exactly what a test scripts.
#include <gtest/gtest.h>

#include <deque>
#include <fstream>
#include <functional>
#include <set>

#include "tiptoe/choices.hpp"
#include "tiptoe/conformance/campaign.hpp"
#include "tiptoe/conformance/json.hpp"
#include "tiptoe/conformance/runner.hpp"
#include "tiptoe/conformance/tester.hpp"
#include "tiptoe/plugin.hpp"

namespace tiptoe::conformance {
namespace {

/// Answers each datagram with what `answer` makes of it; has no user.
class FakeDut : public Dut {
 public:
  std::function<std::vector<Segment>(const Segment&)> answer = [](const Segment&) { return std::vector<Segment>{}; };
  std::uint64_t latency = 0;
  std::function<void()> on_settle = [] {};

  std::string name() const override { return "fake"; }
  std::string description() const override { return "fake"; }
  void reset(const DutConfig& config) override {
    settings = config.settings;
    now_ = 0;
    queue_.clear();
  }
  void inject(std::span<const std::uint8_t> datagram) override {
    for (const Segment& s : answer(Segment::parse(ByteView{datagram}))) push(s, latency);
  }
  std::optional<Datagram> poll_output() override {
    if (queue_.empty() || queue_.front().time_us > now_) return std::nullopt;
    Datagram d = queue_.front();
    queue_.pop_front();
    return d;
  }
  void settle() override { on_settle(); }
  std::optional<Datagram> run_until_output(std::uint64_t us) override {
    if (queue_.empty() || queue_.front().time_us > now_ + us) {
      now_ += us;
      return std::nullopt;
    }
    now_ = std::max(now_, queue_.front().time_us);
    return poll_output();
  }
  void advance(std::uint64_t us) override { now_ += us; }
  std::uint64_t now_us() const override { return now_; }
  std::uint64_t cycles() const override { return 0; }
  CallResult open_passive(const OpenArgs&) override { return {.handle = {1}}; }
  CallResult open_active(const OpenArgs&) override { return {.handle = {2}}; }
  CallResult accept(Handle) override { return {.handle = {3}}; }
  CallResult send(Handle, std::span<const std::uint8_t> d) override {
    return {.length = static_cast<std::uint32_t>(d.size())};
  }
  CallResult receive(Handle, std::uint32_t) override { return {.data = to_read}; }
  CallResult close(Handle, bool) override { return {}; }
  CallResult abort(Handle) override { return {}; }
  CallResult status(Handle) override { return {.state = State::established}; }
  CallResult set_options(Handle, bool, bool) override { return {}; }
  std::optional<Notification> poll_notification() override { return std::nullopt; }
  void set(const std::string&, std::uint64_t) override {}
  std::uint64_t counter(const std::string&) override { return 0; }
  void set_fault(const std::string&) override {}

  void push(const Segment& s, std::uint64_t after) {
    queue_.push_back({.bytes = s.build(), .time_us = now_ + after, .cycle = 0, .to_device = false});
  }

  std::vector<std::pair<std::string, std::uint64_t>> settings;
  Bytes to_read;

 private:
  std::uint64_t now_ = 0;
  std::deque<Datagram> queue_;
};

/// <SEQ=500><CTL=SYN,ACK> for a SYN, nothing else.
std::vector<Segment> syn_ack(const Segment& s) {
  if (!s.has(SYN)) return {};
  Segment a = reply_to(s);
  a.seq = 500;
  a.ack = *s.seq + 1;
  a.flags = SYN | ACK;
  a.window = 1000;
  return {a};
}

Result run(FakeDut& dut, std::function<void(Tester&)> body, const RunOptions& options = {}) {
  const Case c{.id = "test/case", .title = "t", .rules = {"MUST-1"}, .description = "d", .run = std::move(body)};
  return run_case(c, dut, options);
}

testing::AssertionResult fails_with(const Result& r, const std::string& text) {
  if (r.verdict != Verdict::fail) return testing::AssertionFailure() << to_string(r.verdict) << ": " << r.message;
  if (r.message.find(text) == std::string::npos) return testing::AssertionFailure() << r.message;
  return testing::AssertionSuccess();
}

TEST(Tester, PassesWhenAllIsAsExpected) {
  FakeDut dut;
  dut.answer = syn_ack;
  const Result r = run(dut, [](Tester& t) {
    t.send_syn();
    t.expect_syn_ack();
    EXPECT_EQ(t.S(), 501U);
    EXPECT_EQ(t.W(), 1000U);
    t.send_ack();
    EXPECT_EQ(t.U(), 501U);
  });
  EXPECT_EQ(r.verdict, Verdict::pass) << r.message;
  EXPECT_EQ(r.frames.size(), 3U);
  EXPECT_NE(r.ladder.find("Flags [S.]"), std::string::npos) << r.ladder;
  EXPECT_NE(r.repeat.find("tiptoe run test/case --dut fake --seed 1"), std::string::npos) << r.repeat;
}

TEST(Tester, NothingElseMayComeBefore) {
  FakeDut dut;
  dut.answer = syn_ack;
  EXPECT_TRUE(fails_with(run(dut,
                             [](Tester& t) {
                               t.send_syn();
                               t.send_ack();
                             }),
                         "nothing more before the tester sends"));
}

TEST(Tester, NothingElseMayComeAtTheEnd) {
  FakeDut dut;
  dut.answer = syn_ack;
  EXPECT_TRUE(fails_with(run(dut, [](Tester& t) { t.send_syn(); }), "nothing more after the end of the case"));
  dut.latency = 5000;  // within the quiet time
  EXPECT_TRUE(fails_with(run(dut, [](Tester& t) { t.send_syn(); }), "nothing more after the end of the case"));
}

TEST(Tester, NothingElseMayComeBetween) {
  FakeDut dut;
  dut.answer = [](const Segment& s) {
    auto out = syn_ack(s);
    if (!out.empty()) out.push_back(out[0]);
    return out;
  };
  EXPECT_TRUE(fails_with(run(dut,
                             [](Tester& t) {
                               t.send_syn();
                               t.expect_syn_ack();
                               t.expect_nothing();
                             }),
                         "expected: nothing for 1 ms"));
}

TEST(Tester, MissingAnswerIsTold) {
  FakeDut dut;
  const Result r = run(dut, [](Tester& t) {
    t.send_syn();
    t.expect_syn_ack();
  });
  EXPECT_TRUE(fails_with(r, "nothing came until 0.001000 s"));
  EXPECT_NE(r.message.find("MUST-1"), std::string::npos) << r.message;
}

TEST(Tester, LateAnswerIsTold) {
  FakeDut dut;
  dut.answer = syn_ack;
  dut.latency = 2000;
  EXPECT_TRUE(fails_with(run(dut,
                             [](Tester& t) {
                               t.send_syn();
                               t.expect_syn_ack();
                             }),
                         "nothing came"));
}

/// One way to spoil the SYN,ACK, and what the tester must say.
struct Spoilt {
  const char* what;
  std::function<void(Segment&)> spoil;
  const char* text;
};

void PrintTo(const Spoilt& spoilt, std::ostream* out) { *out << spoilt.what; }

class EveryDatagram : public testing::TestWithParam<Spoilt> {};

TEST_P(EveryDatagram, IsChecked) {
  FakeDut dut;
  dut.answer = [](const Segment& s) {
    auto out = syn_ack(s);
    for (Segment& a : out) GetParam().spoil(a);
    return out;
  };
  const Result r = run(dut, [](Tester& t) {
    t.send_syn();
    t.expect_syn_ack();
  });
  EXPECT_TRUE(fails_with(r, GetParam().text));
}

INSTANTIATE_TEST_SUITE_P(
    Tester, EveryDatagram,
    testing::Values(Spoilt{"checksum", [](Segment& s) { s.corrupt_checksum = true; }, "TCP checksum"},
                    Spoilt{"ip checksum", [](Segment& s) { s.corrupt_ip_checksum = true; }, "checksum"},
                    Spoilt{"seq of another ack", [](Segment& s) { s.ack = *s.ack + 1; }, "acknowledges up to"},
                    Spoilt{"ack", [](Segment& s) { s.ack = *s.ack - 1; }, "ACK number is"},
                    Spoilt{"flags", [](Segment& s) { s.flags = ACK; }, "CTL"},
                    Spoilt{"SYN and FIN", [](Segment& s) { s.flags = SYN | FIN | ACK; },
                           "SYN and FIN are set together"},
                    Spoilt{"reserved", [](Segment& s) { s.reserved = std::uint8_t{4}; }, "reserved header bits"},
                    Spoilt{"ttl", [](Segment& s) { s.ttl = std::uint8_t{0}; }, "TTL is 0"},
                    Spoilt{"source", [](Segment& s) { s.src = ip("10.9.9.9"); }, "no address of the device"},
                    Spoilt{"port", [](Segment& s) { s.src_port = std::uint16_t{81}; }, "source port is 81"},
                    Spoilt{"option length",
                           [](Segment& s) {
                             s.options = Options{Bytes{2, 1, 0, 0}};
                           },
                           "illegal length"},
                    Spoilt{"after EOL",
                           [](Segment& s) {
                             s.options = Options{Bytes{0, 0, 7, 0}};
                           },
                           "MUST-69"},
                    Spoilt{"text", [](Segment& s) { s.payload = Bytes(1); }, "text is"},
                    Spoilt{"trailer", [](Segment& s) { s.trailer = Bytes(2); }, "beyond its total length"}),
    [](const auto& test) {
      std::string name = test.param.what;
      for (char& ch : name) ch = ch == ' ' ? '_' : ch;
      return name;
    });

/// After the handshake, the answer to the tester's first text.
Result after_handshake(FakeDut& dut, const std::function<void(Segment&)>& make,
                       const std::function<void(Tester&)>& expectation) {
  dut.answer = [make](const Segment& s) -> std::vector<Segment> {
    if (s.has(SYN)) return syn_ack(s);
    if (s.text_length() == 0) return {};
    Segment a = reply_to(s);
    a.seq = 501;
    a.ack = *s.seq + s.length();
    a.flags = ACK;
    a.window = 1000;
    make(a);
    return {a};
  };
  return run(dut, [expectation](Tester& t) {
    t.send_syn();
    t.expect_syn_ack();
    t.send_ack();
    t.send_text(10);
    expectation(t);
  });
}

TEST(Tester, SequenceNumbersAreTracked) {
  FakeDut dut;
  EXPECT_EQ(after_handshake(
                dut, [](Segment&) {}, [](Tester& t) { t.expect_delayed_ack(); })
                .verdict,
            Verdict::pass);
  EXPECT_TRUE(fails_with(after_handshake(
                             dut, [](Segment& s) { s.seq = 502; }, [](Tester& t) { t.expect_delayed_ack(); }),
                         "leaves out octets"));
  EXPECT_TRUE(
      fails_with(after_handshake(
                     dut, [](Segment& s) { s.ack = *s.ack - 10 - 1; }, [](Tester& t) { t.expect_delayed_ack(); }),
                 "goes back"));
  EXPECT_TRUE(fails_with(after_handshake(
                             dut, [](Segment& s) { s.payload = Bytes(3); }, [](Tester& t) { t.expect_loose({}); }),
                         "the user has sent 0"));
  EXPECT_TRUE(fails_with(after_handshake(
                             dut, [](Segment& s) { s.flags = SYN | ACK; }, [](Tester& t) { t.expect_loose({}); }),
                         "does not repeat ISS"));
}

TEST(Tester, TextIsCompared) {
  FakeDut dut;
  dut.answer = syn_ack;
  const auto with_text = [&](std::size_t wrong) {
    return run(dut, [&, wrong](Tester& t) {
      t.listen();
      t.send_syn();
      t.expect_syn_ack();
      t.send_ack();
      t.accept();
      t.user_send(20);
      Bytes text = t.c().user_text(0, 20);
      if (wrong < 20) text[wrong] ^= 1;
      dut.push({.src = device_ip,
                .dst = peer_ip,
                .src_port = device_port,
                .dst_port = peer_port,
                .seq = 501,
                .ack = t.R(),
                .flags = ACK,
                .window = 1000,
                .payload = text},
               0);
      t.expect_text(20);
    });
  };
  EXPECT_EQ(with_text(20).verdict, Verdict::pass) << with_text(20).message;
  EXPECT_TRUE(fails_with(with_text(13), "octet 13 of its text"));
  const auto read = [&](Bytes data) {
    dut.to_read = std::move(data);
    return run(dut, [](Tester& t) {
      t.listen();
      t.accept();
      t.user_receive(3);
    });
  };
  EXPECT_TRUE(fails_with(read(Bytes{1, 2, 3}), "of the stream reached the user"));
  EXPECT_TRUE(fails_with(read(Bytes{}), "the user read 0 octets"));
}

TEST(Tester, WindowOfTheTesterHolds) {
  FakeDut dut;
  dut.answer = syn_ack;
  const Result r = run(dut, [&](Tester& t) {
    t.c().window = 10;
    t.listen();
    t.send_syn();
    t.expect_syn_ack();
    t.send_ack();
    t.accept();
    t.user_send(20);
    dut.push({.src = device_ip,
              .dst = peer_ip,
              .src_port = device_port,
              .dst_port = peer_port,
              .seq = 501,
              .ack = t.R(),
              .flags = ACK,
              .window = 1000,
              .payload = t.c().user_text(0, 11)},
             0);
    t.expect_loose({});
  });
  EXPECT_TRUE(fails_with(r, "beyond the window"));
}

TEST(Runner, Verdicts) {
  FakeDut dut;
  EXPECT_EQ(run(dut, [](Tester& t) { t.inapplicable("no such thing"); }).verdict, Verdict::inapplicable);
  EXPECT_EQ(run(dut, [](Tester& t) { t.inconclusive("never came"); }).verdict, Verdict::inconclusive);
  EXPECT_EQ(run(dut, [](Tester&) { throw DutHang("stuck"); }).verdict, Verdict::fail);
  EXPECT_EQ(run(dut, [](Tester&) { throw Divergence("apart"); }).verdict, Verdict::fail);
  EXPECT_EQ(run(dut, [](Tester&) { throw DutError("unplugged"); }).verdict, Verdict::error);
  EXPECT_EQ(run(dut, [](Tester&) { throw std::logic_error("oops"); }).verdict, Verdict::error);
  EXPECT_EQ(run(dut, [](Tester&) { throw DutUnsupported("no slot"); }).verdict, Verdict::inapplicable);
  EXPECT_EQ(run(dut, [](Tester&) { throw DutNonsense("17"); }).verdict, Verdict::fail);
  EXPECT_EQ(run(dut,
                [](Tester& t) {
                  while (true) t.step("on and on");
                })
                .verdict,
            Verdict::fail);
}

TEST(Runner, Waivers) {
  FakeDut dut;
  const auto failing = [](Tester& t) { t.fail("broken"); };
  const auto passing = [](Tester&) {};
  RunOptions options;
  options.waivers = {{.pattern = "test/*", .who = "nn", .why = "known", .until = "2026-06-30"}};
  options.today = "2026-06-30";
  EXPECT_EQ(run(dut, failing, options).verdict, Verdict::waived);
  const Result needless = run(dut, passing, options);
  EXPECT_EQ(needless.verdict, Verdict::pass);
  EXPECT_TRUE(needless.unexpected_pass && needless.fails_run());
  EXPECT_NE(needless.remarks.back().find("remove the waiver"), std::string::npos);
  options.waivers[0].partly = true;
  EXPECT_FALSE(run(dut, passing, options).fails_run());
  EXPECT_EQ(run(dut, failing, options).verdict, Verdict::waived);
  options.waivers[0].partly = false;
  options.today = "2026-07-01";
  EXPECT_EQ(run(dut, failing, options).verdict, Verdict::fail);
  EXPECT_FALSE(run(dut, passing, options).fails_run());
  options.waivers[0].pattern = "other/*";
  EXPECT_EQ(run(dut, failing, options).verdict, Verdict::fail);
  options.waivers[0].pattern = "*";
  options.today.clear();
  EXPECT_EQ(run(dut, failing, options).verdict, Verdict::waived);
}

TEST(Runner, WaiversOfRules) {
  Case c;
  c.id = "test/case";
  c.rules = {"MUST-1", "MUST-2"};
  EXPECT_TRUE((Waiver{.pattern = "", .rule = "MUST-2"}.covers(c)));
  EXPECT_FALSE((Waiver{.pattern = "", .rule = "MUST-3"}.covers(c)));
  EXPECT_FALSE((Waiver{.pattern = "test", .rule = ""}.covers(c)));
}

TEST(Runner, WaiversAreRead) {
  const std::string file = testing::TempDir() + "tiptoe-waivers.txt";
  std::ofstream(file) << "# comment\n\ncase a/* | nn | 2026-12-31 | because | of this\n"
                         "partly rule MUST-1 | mm | 2027-01-01 | y\n";
  const std::vector<Waiver> got = read_waivers(file);
  ASSERT_EQ(got.size(), 2U);
  EXPECT_EQ(got[0].pattern, "a/*");
  EXPECT_EQ(got[0].who, "nn");
  EXPECT_EQ(got[0].until, "2026-12-31");
  EXPECT_EQ(got[0].why, "because | of this");
  EXPECT_FALSE(got[0].partly);
  EXPECT_EQ(got[1].rule, "MUST-1");
  EXPECT_TRUE(got[1].partly);
  for (const char* bad :
       {"case a/* | nn | soon | why", "a/* | nn | 2026-12-31 | why", "rule | nn | 2026-12-31 | why"}) {
    std::ofstream(file) << bad << '\n';
    EXPECT_THROW(read_waivers(file), std::runtime_error) << bad;
  }
  EXPECT_THROW(read_waivers(file + ".none"), std::runtime_error);
}

TEST(Runner, SettingsReachTheDevice) {
  FakeDut dut;
  const Case c{.id = "test/case",
               .title = "t",
               .rules = {"MUST-1"},
               .description = "d",
               .run = [](Tester&) {},
               .profile = "base",
               .settings = {{"MSL", 5}, {"FIXED_ISS", 1}, {"MSL", 6}}};
  run_case(c, dut, {});
  const std::map<std::string, std::uint64_t> got(dut.settings.begin(), dut.settings.end());
  EXPECT_EQ(got.at("MSL"), 6U);
  EXPECT_EQ(got.at("FEATURES"), 0x30U | 0x80U);
  EXPECT_EQ(got.at("LOCAL_IP0"), device_ip);
  run_case(c, dut, {.profile = "rfc5961", .settings = {{"MSL", 7}}});
  const std::map<std::string, std::uint64_t> again(dut.settings.begin(), dut.settings.end());
  EXPECT_EQ(again.at("MSL"), 7U);
  EXPECT_EQ(again.at("FEATURES"), 0x37U | 0x80U);
}

TEST(Registry, RefusesIncompleteCases) {
  Registry r;
  const Case good{.id = "a/b", .title = "t", .rules = {"MUST-1"}, .description = "d", .run = [](Tester&) {}};
  const auto refused = [&](const std::function<void(Case&)>& spoil) {
    Case c = good;
    c.id = "a/c";
    spoil(c);
    EXPECT_THROW(r.add(c), std::exception);
  };
  r.add(good);
  refused([](Case& c) { c.id = "a/b"; });
  refused([](Case& c) { c.id = "no-group"; });
  refused([](Case& c) { c.id = "a/b c"; });
  refused([](Case& c) { c.rules.clear(); });
  refused([](Case& c) { c.rules = {"MUST-1", "MUST-1"}; });
  refused([](Case& c) { c.profile = "none"; });
  refused([](Case& c) { c.run = nullptr; });
  EXPECT_EQ(r.cases().size(), 1U);
}

TEST(Registry, Patterns) {
  EXPECT_TRUE(matches("*", "a/b"));
  EXPECT_TRUE(matches("a/*", "a/b"));
  EXPECT_TRUE(matches("*/TB-1?*", "textbook/TB-12a"));
  EXPECT_FALSE(matches("*/TB-1?", "textbook/TB-12a"));
  EXPECT_FALSE(matches("a/b", "a/bc"));
  EXPECT_FALSE(matches("", "a"));
}

TEST(Suite, EveryCaseIsComplete) {
  const Registry& all = all_cases();
  EXPECT_GT(all.cases().size(), 100U);
  std::set<std::string> ids;
  for (const Case& c : all.cases()) EXPECT_TRUE(ids.insert(c.id).second) << c.id;
  EXPECT_NE(to_json(all).find("\"cases\""), std::string::npos);
}

TEST(Suite, ARunDependsOnCaseAndSeedOnly) {
  const auto dut = make_dut("model", {});
  const auto other = make_dut("model", {});
  const std::vector<const Case*> some = all_cases().select("textbook/TB-0*");
  std::vector<Result> first;
  first.reserve(some.size());
  for (const Case* c : some) first.push_back(run_case(*c, *dut, {.seed = 5}));
  for (std::size_t i = some.size(); i-- > 0;) {
    const Result again = run_case(*some[i], *other, {.seed = 5});
    EXPECT_EQ(again.ladder, first[i].ladder) << some[i]->id;
    EXPECT_EQ(again.cycles, first[i].cycles) << some[i]->id;
  }
}

TEST(Suite, ThroughTheCAbiItSaysTheSame) {
  const auto model = make_dut("model", {});
  Capabilities has;
  has.choices = engine_choices();  // as the model has; without them cases take what is legal, and wait for it
  const auto loaded = load_dut(TIPTOE_TEST_DEVICES "/model_device.so", has);
  for (const Case& c : all_cases().cases()) {
    const Result here = run_case(c, *model, {.seed = 3});
    const Result there = run_case(c, *loaded, {.seed = 3});
    ASSERT_EQ(to_string(there.verdict), to_string(here.verdict)) << c.id << ": " << there.message;
    EXPECT_EQ(there.message, here.message) << c.id;
    EXPECT_EQ(there.ladder, here.ladder) << c.id;
    EXPECT_EQ(there.cycles, here.cycles) << c.id;
  }
}

/// An exchange that depends on nothing in the profile is judged once on a device that cannot switch, whichever bits it
/// has for good; one that depends on a bit is judged by that bit alone.
TEST(Suite, WhatTheProfileDoesNotMatterForIsJudgedOnce) {
  const auto applies = [](const std::string& id, const std::map<std::string, std::uint64_t>& fixed) {
    Capabilities has;
    has.choices = engine_choices();
    has.all_settings = false;
    has.settable = {"LOCAL_IP0", "LOCAL_IP1"};
    has.fixed = fixed;
    const auto dut = load_dut(TIPTOE_TEST_DEVICES "/model_device.so", has);
    const Result r = run_case(*all_cases().find(id), *dut);
    EXPECT_TRUE(r.verdict == Verdict::pass || r.verdict == Verdict::inapplicable) << r.message;
    return r.verdict == Verdict::pass;
  };
  const std::string row = "transitions/ESTABLISHED/ACK-DUP/";
  for (const std::uint64_t rst : {0U, 1U}) {
    for (const std::uint64_t syn : {0U, 1U}) {
      for (const std::uint64_t ack : {0U, 1U}) {
        const std::map<std::string, std::uint64_t> bits{
            {"RST5961", rst}, {"SYN5961", syn}, {"ACK5961", ack}, {"RFC1337", 0}};
        EXPECT_EQ(applies(row + "base", bits), rst + syn + ack == 0);
        EXPECT_EQ(applies(row + "rfc5961", bits), rst + syn + ack != 0);
      }
    }
  }
  // The device has all of RFC 5961 in truth: its answer to a RST is judged whatever it says of SYNs.
  for (const std::uint64_t syn : {0U, 1U}) {
    const std::map<std::string, std::uint64_t> bits{{"RST5961", 1}, {"SYN5961", syn}, {"ACK5961", 1}, {"RFC1337", 1}};
    EXPECT_TRUE(applies("transitions/ESTABLISHED/RST-INWIN/rfc5961", bits));
    EXPECT_FALSE(applies("transitions/ESTABLISHED/RST-INWIN/base/R.1", bits));
  }
}

TEST(Campaign, FindsWhoCatchesWhat) {
  const CampaignReport report = run_campaign(
      {.jobs = 2, .cases = "textbook/TB-17*", .faults = {"closed_silent", "closed_rst_wrong_ack", "psh_never"}});
  EXPECT_EQ(report.caught_by.at("closed_silent").size(), 1U);
  EXPECT_EQ(report.caught_by.at("closed_rst_wrong_ack").size(), 1U);
  EXPECT_EQ(report.uncaught, std::vector<std::string>{"psh_never"});
  EXPECT_TRUE(report.untripped.empty());
  EXPECT_TRUE(report.broken.empty());
}

}  // namespace
}  // namespace tiptoe::conformance
