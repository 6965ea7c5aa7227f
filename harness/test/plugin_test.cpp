// SPDX-License-Identifier: Apache-2.0
// Devices from shared objects: what is refused, with which sentence, and which answers are nonsense.
#include "tiptoe/plugin.hpp"

#include <gtest/gtest.h>

#include <functional>

#include "tiptoe/dut_abi.h"
#include "tiptoe/segment.hpp"

namespace tiptoe {
namespace {

std::string device(const std::string& name) { return std::string(TIPTOE_TEST_DEVICES "/") + name + ".so"; }

std::string refusal(const std::string& path, const Capabilities& c = {}, const std::string& arguments = {}) {
  try {
    load_dut(path, c, arguments);
  } catch (const DutError& e) {
    return e.what();
  }
  return "nothing was refused";
}

testing::AssertionResult says(const std::string& text, const std::string& part) {
  if (text.find(part) != std::string::npos) return testing::AssertionSuccess();
  return testing::AssertionFailure() << text;
}

TEST(Plugin, RefusesWithOneSentence) {
  EXPECT_TRUE(says(refusal("/nowhere/libmine.so"), "/nowhere/libmine.so cannot be loaded: "));
  EXPECT_TRUE(says(refusal(device("odd_no_entry")), "does not export tiptoe_dut_entry()"));
  EXPECT_TRUE(says(refusal(device("odd_no_table")), "returned NULL"));
  EXPECT_TRUE(
      says(refusal(device("odd_version")), "speaks version 7.0 of the DUT contract, this tiptoe speaks version 1"));
  EXPECT_TRUE(says(refusal(device("odd_small")), "has a table of 16 octets"));
  EXPECT_TRUE(says(refusal(device("odd_no_run")), "leaves out what every device must have (level L0): run"));
  EXPECT_TRUE(says(refusal(device("odd"), {}, "refuse"), "could not be made: there is no card in the slot"));
  EXPECT_TRUE(says(refusal(device("odd"), {}, "refuse-silently"), "no reason"));
}

TEST(Plugin, ATableDecidesWhatTheDeviceCan) {
  const auto lacks_abort = load_dut(device("odd_no_abort"));
  EXPECT_EQ(lacks_abort->name(), "odd");
  EXPECT_FALSE(lacks_abort->capabilities().can("abort"));
  EXPECT_FALSE(lacks_abort->capabilities().can("set_options"));
  EXPECT_TRUE(lacks_abort->capabilities().can("half_close"));
  EXPECT_FALSE(lacks_abort->capabilities().all_counters);
  EXPECT_THROW(lacks_abort->abort(Handle{1}), DutUnsupported);
  EXPECT_THROW(lacks_abort->counter("InSegs"), DutUnsupported);
  EXPECT_THROW(lacks_abort->set("MSL", 1), DutUnsupported);

  Capabilities promise;
  promise.calls = {"listen", "abort"};
  promise.calls_promised = true;
  EXPECT_TRUE(says(refusal(device("odd_no_abort"), promise), "promises under `calls`: abort (abort)"));
  promise.calls = {"listen"};
  EXPECT_EQ(load_dut(device("odd_no_abort"), promise)->capabilities().calls, std::set<std::string>{"listen"});
  promise.counters = {"InSegs"};
  EXPECT_TRUE(says(refusal(device("odd"), promise), "promises InSegs under `counters`"));
}

TEST(Plugin, AnOlderTableIsShorter) {
  static_assert(offsetof(tiptoe_dut_api, description) == 80, "odd_old of CMakeLists.txt ends where L0 ends");
  const auto old = load_dut(device("odd_old"));
  EXPECT_TRUE(old->capabilities().calls.empty());
  old->reset({});
  old->advance(10);
  EXPECT_EQ(old->now_us(), 10U);
  EXPECT_EQ(old->cycles(), 0U);
  EXPECT_THROW(old->open_passive({}), DutUnsupported);
}

using Steps = std::function<void(Dut&)>;
void datagrams(Dut& dut) {
  dut.advance(100);
  dut.inject(Bytes{1, 2, 3});
  while (dut.poll_output()) continue;
  dut.advance(100);
  dut.run_until_output(100);
}
void calls(Dut& dut) {
  const Handle h = dut.open_passive({}).handle;
  dut.accept(h);
  dut.send(h, Bytes{1, 2});
  dut.receive(h, 10);
  dut.status(h);
}
void notes(Dut& dut) {
  while (dut.poll_notification()) continue;
}

template <class E>
testing::AssertionResult throws(const char* how, const Steps& steps, const std::string& part) {
  const auto dut = load_dut(device("odd"), {}, how);
  dut->reset({});
  try {
    steps(*dut);
  } catch (const E& e) {
    return says(e.what(), part);
  } catch (const std::exception& e) {
    return testing::AssertionFailure() << "another exception: " << e.what();
  }
  return testing::AssertionFailure() << "nothing was thrown";
}

TEST(Plugin, ReturnCodes) {
  EXPECT_TRUE(throws<DutError>("error", datagrams, "inject(): the cable is out"));
  EXPECT_TRUE(throws<DutError>("error-silent", datagrams, "inject(): no reason given"));
  EXPECT_TRUE(throws<DutUnsupported>("unsupported", datagrams, "the cable is out"));
  EXPECT_TRUE(throws<DutHang>("stuck", datagrams, "the cable is out"));
  EXPECT_TRUE(throws<DutNonsense>("rc", datagrams, "inject() returned 99"));
  EXPECT_TRUE(throws<DutNonsense>("none", datagrams, "returned TIPTOE_NONE"));
}

TEST(Plugin, NonsenseIsNotBelieved) {
  EXPECT_TRUE(throws<DutNonsense>("back", datagrams, "its time went back from 100 us to 95 us"));
  EXPECT_TRUE(throws<DutNonsense>("leap", datagrams, "18446744073709551608 us have passed"));
  EXPECT_TRUE(throws<DutNonsense>("early", datagrams, "told to run until 100 us, and came back at 0 us"));
  EXPECT_TRUE(throws<DutNonsense>("length", datagrams, "a datagram of 2147483647 octets"));
  EXPECT_TRUE(throws<DutNonsense>("empty", datagrams, "no octets"));
  EXPECT_TRUE(throws<DutNonsense>("future", datagrams, "left at 1000100 us, it is 100 us"));
  EXPECT_TRUE(throws<DutNonsense>("flood", datagrams, "more than 20000 datagrams at one time"));
  EXPECT_TRUE(throws<DutNonsense>("status", calls, "status 77"));
  EXPECT_TRUE(throws<DutNonsense>("big-status", calls, "status 65536"));
  EXPECT_TRUE(throws<DutNonsense>("state", calls, "state 12"));
  EXPECT_TRUE(throws<DutNonsense>("handle", calls, "0xFFFFFFFF"));
  EXPECT_TRUE(throws<DutNonsense>("taken", calls, "SEND of 2 octets took 4294967280"));
  EXPECT_TRUE(throws<DutNonsense>("note", notes, "more than 20000 indications"));
  EXPECT_TRUE(throws<DutNonsense>("note-handle", notes, "0xFFFFFFFF"));
  EXPECT_TRUE(throws<DutNonsense>("note-flags", notes, "flags 16384"));
  EXPECT_TRUE(throws<DutNonsense>("note-big", notes, "flags 65536"));
}

TEST(Plugin, AGoodDeviceIsBelieved) {
  const auto dut = load_dut(device("odd"));
  dut->reset({});
  datagrams(*dut);
  calls(*dut);
  notes(*dut);
  EXPECT_EQ(dut->now_us(), 300U);
}

#ifdef TIPTOE_TEST_MODEL
std::string record_text(const RetireRecord& r) {
  std::string text;
  for (const std::uint64_t n : {std::uint64_t{r.order},
                                std::uint64_t{r.kind},
                                r.cycle,
                                r.time_us,
                                std::uint64_t{r.connection.value_or(0xFFFF)},
                                std::uint64_t{r.reason},
                                static_cast<std::uint64_t>(r.state),
                                std::uint64_t{r.sent},
                                std::uint64_t{r.fields},
                                static_cast<std::uint64_t>(r.state_before),
                                std::uint64_t{r.local_ip},
                                std::uint64_t{r.remote_ip},
                                std::uint64_t{r.local_port},
                                std::uint64_t{r.remote_port},
                                std::uint64_t{r.flags_out},
                                std::uint64_t{r.iss},
                                std::uint64_t{r.irs},
                                std::uint64_t{r.snd_una},
                                std::uint64_t{r.snd_nxt},
                                std::uint64_t{r.snd_wnd},
                                std::uint64_t{r.rcv_nxt},
                                std::uint64_t{r.rcv_wnd},
                                std::uint64_t{r.rto}}) {
    text += std::to_string(n) + " ";
  }
  return text;
}

TEST(Plugin, RecordsCrossWhole) {
  const auto records = [](Dut& dut) {
    dut.set_retire_recording(true);
    dut.reset({.settings = {{"LOCAL_IP0", ip("10.0.0.1")}}});
    dut.open_passive({.local_port = 7});
    const Segment syn{.src = ip("10.0.1.1"),
                      .dst = ip("10.0.0.1"),
                      .src_port = 4000,
                      .dst_port = 7,
                      .seq = 1000,
                      .flags = SYN,
                      .options = Options().mss(1000)};
    dut.inject(syn.build());
    dut.advance(5'000'000);
    std::vector<std::string> all;
    for (const RetireRecord& r : dut.take_retire_records()) all.push_back(record_text(r));
    return all;
  };
  const auto loaded = load_dut(device("model_device"));
  ASSERT_TRUE(loaded->has_retire_records());
  EXPECT_FALSE(load_dut(device("odd"))->has_retire_records());
  const auto there = records(*loaded);
  EXPECT_GE(there.size(), 3U);
  EXPECT_EQ(there, records(*make_dut("model", {})));
}
#endif

}  // namespace
}  // namespace tiptoe
