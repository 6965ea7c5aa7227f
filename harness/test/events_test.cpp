// SPDX-License-Identifier: Apache-2.0
// The event comparison, fed by hand: what may differ is let through, everything else is found and named.
#include "tiptoe/events.hpp"

#include <gtest/gtest.h>

#include <functional>
#include <stdexcept>

namespace tiptoe {
namespace {

constexpr std::uint32_t kModelIsn = 0xFFFF'FFF0;  // wraps inside the tests
constexpr std::uint32_t kDeviceIsn = 70'000;
constexpr std::uint32_t kPeerIsn = 1'000;
constexpr Party kModel = Party::model, kDevice = Party::device;

/// Both sides of one connection. Sequence numbers are relative to the initial ones of their owner.
class Events : public ::testing::Test {
 protected:
  EventComparator compare{};
  std::uint16_t remote_port = 4000;
  std::uint32_t model_isn = kModelIsn, device_isn = kDeviceIsn;

  Segment out(Party party, std::uint8_t flags, std::uint32_t seq, std::uint32_t ack, std::size_t text = 0) const {
    Segment s{.src = ip("10.0.0.1"), .dst = ip("10.0.0.2"), .src_port = 80, .dst_port = remote_port};
    s.seq = (party == kModel ? model_isn : device_isn) + seq;
    s.ack = kPeerIsn + ack;
    s.flags = flags;
    s.window = 8'000;
    s.id = 7;
    if (text != 0) s.payload = pattern(text, seq);
    return s;
  }
  Segment in(std::uint8_t flags, std::uint32_t seq, std::uint32_t device_ack) const {
    return {.src = ip("10.0.0.2"),
            .dst = ip("10.0.0.1"),
            .src_port = remote_port,
            .dst_port = 80,
            .seq = kPeerIsn + seq,
            .ack = (flags & ACK) != 0 ? device_isn + device_ack : 0,
            .flags = flags};
  }
  void stimulus(std::uint64_t us, const Segment& s) { compare.stimulus(us, s.build()); }
  void sends(Party party, std::uint64_t us, const Segment& s) {
    compare.observe(party, Datagram{.bytes = s.build(), .time_us = us});
  }
  void both(std::uint64_t us, std::uint8_t flags, std::uint32_t seq, std::uint32_t ack, std::size_t text = 0) {
    sends(kModel, us, out(kModel, flags, seq, ack, text));
    sends(kDevice, us, out(kDevice, flags, seq, ack, text));
  }
  void handshake(std::uint64_t us = 10) {
    stimulus(us, in(SYN, 0, 0));
    both(us, SYN | ACK, 0, 1);
    stimulus(us, in(ACK, 1, 1));
  }
  /// `length` octets from the peer.
  void text_in(std::uint64_t us, std::uint32_t seq, std::size_t length) {
    Segment s = in(ACK, seq, 1);
    s.payload = pattern(length);
    stimulus(us, s);
  }
  RetireRecord record(Party party, std::uint64_t us, State before = State::established,
                      State after = State::established) const {
    using R = RetireRecord;
    const std::uint32_t isn = party == kModel ? model_isn : device_isn;
    return {.kind = 1,
            .time_us = us,
            .connection = static_cast<std::uint16_t>(party == kModel ? 3 : 200),
            .state = after,
            .fields = 2 * R::has_rto - 1,
            .state_before = before,
            .local_ip = ip("10.0.0.1"),
            .remote_ip = ip("10.0.0.2"),
            .local_port = 80,
            .remote_port = remote_port,
            .iss = isn,
            .irs = kPeerIsn,
            .snd_una = isn + 1,
            .snd_nxt = isn + 1,
            .snd_wnd = 9'000,
            .rcv_nxt = kPeerIsn + 1,
            .rcv_wnd = 8'000,
            .rto = 1'000'000};
  }
  /// One mismatch, whose text has all of `words`.
  void expect_one(const std::vector<std::string>& words) {
    ASSERT_EQ(compare.mismatches().size(), 1U) << (compare.mismatches().size() < 2 ? "" : compare.mismatches()[1].text);
    for (const std::string& word : words) {
      EXPECT_NE(compare.mismatches()[0].text.find(word), std::string::npos) << "no '" << word << "' in:\n"
                                                                            << compare.mismatches()[0].text;
    }
  }
  void expect_none() { EXPECT_TRUE(compare.mismatches().empty()) << compare.mismatches()[0].text; }
};

TEST_F(Events, OtherInitialNumbersAndLatenciesAreNoDifference) {
  stimulus(10, in(SYN, 0, 0));
  sends(kModel, 10, out(kModel, SYN | ACK, 0, 1));
  sends(kDevice, 300'010, out(kDevice, SYN | ACK, 0, 1));
  stimulus(400'000, in(ACK, 1, 1));
  sends(kModel, 400'000, out(kModel, ACK | PSH, 1, 1, 100));
  sends(kModel, 400'000, out(kModel, ACK | PSH, 101, 1, 50));
  sends(kDevice, 700'000, out(kDevice, ACK | PSH, 1, 1, 100));
  sends(kDevice, 1'100'000, out(kDevice, ACK | PSH, 101, 1, 50));
  compare.finish();
  expect_none();
  EXPECT_EQ(compare.counts().segments, 3U);
  EXPECT_EQ(compare.isn(kDevice, {ip("10.0.0.1"), 80, ip("10.0.0.2"), 4000}), kDeviceIsn);
  EXPECT_EQ(compare.summary(), "compared 3 segments, 0 pure ACKs (0 left to choice), 0 records: 0 mismatches");
}

TEST_F(Events, ExactIsnIsARule) {
  compare.rules().set("exact_isn", 1);
  handshake();
  expect_one({"sequence number is 4294967280 in the model and 70000 in the device"});
}

TEST_F(Events, SequenceNumbersCountFromTheInitialOnes) {
  handshake();
  sends(kModel, 20, out(kModel, ACK | PSH, 1, 1, 100));
  sends(kDevice, 20, out(kDevice, ACK | PSH, 2, 1, 100));
  expect_one({"Connection 10.0.0.1:80 - 10.0.0.2:4000: segment 2 of the device differs",
              "sequence number is 1 in the model and 2 in the device"});
  both(30, ACK | PSH, 500, 1, 10);  // nothing can be paired any more, and one sentence is enough
  compare.finish();
  EXPECT_EQ(compare.mismatches().size(), 1U);
}

TEST_F(Events, TheModelGetsItsOwnAckNumbersAndAWrongChecksumStaysWrong) {
  handshake();
  Segment ack = in(ACK, 1, 41);
  const Segment moved = Segment::parse(compare.for_model(ack.build()));
  EXPECT_EQ(moved.ack, kModelIsn + 41);
  EXPECT_FALSE(moved.defective());
  ack.corrupt_checksum = true;
  EXPECT_TRUE(Segment::parse(compare.for_model(ack.build())).has_defect(Defect::tcp_checksum));
  ack.corrupt_checksum = false;
  ack.src_port = 4001;  // an unknown connection
  EXPECT_EQ(compare.for_model(ack.build()), ack.build());
  const Bytes rubbish{0x45, 0, 0};
  EXPECT_EQ(compare.for_model(rubbish), rubbish);
}

TEST_F(Events, ANewIncarnationHasItsOwnNumbers) {
  handshake();
  both(20, RST | ACK, 1, 1);
  model_isn = 5, device_isn = 0x8000'0000;
  handshake(40);
  both(50, ACK | PSH, 1, 1, 30);
  compare.finish();
  expect_none();
  EXPECT_EQ(Segment::parse(compare.for_model(in(ACK, 1, 31).build())).ack, 5U + 31U);
}

TEST_F(Events, ConnectionsMayInterleaveAsTheyLike) {
  handshake();
  remote_port = 4001;
  handshake();
  sends(kModel, 20, out(kModel, ACK | PSH, 1, 1, 10));
  remote_port = 4000;
  sends(kModel, 20, out(kModel, ACK | PSH, 1, 1, 20));
  sends(kDevice, 30, out(kDevice, ACK | PSH, 1, 1, 20));
  remote_port = 4001;
  sends(kDevice, 30, out(kDevice, ACK | PSH, 1, 1, 10));
  compare.finish();
  expect_none();
}

// ---- fields of segments

struct FieldCase {
  const char* rule;  ///< that switches it off; "": cannot be switched off
  const char* words;
  std::function<void(Segment&)> change;  ///< of the device
};
void PrintTo(const FieldCase& c, std::ostream* to) { *to << c.words; }

class SegmentFields : public Events, public ::testing::WithParamInterface<FieldCase> {
 protected:
  void exchange() {
    handshake();
    Segment model = out(kModel, ACK | PSH | URG, 1, 1, 100);
    model.urgent = 4, model.options = Options().nop().nop().timestamps(1, 2);
    Segment device = out(kDevice, ACK | PSH | URG, 1, 1, 100);
    device.urgent = 4, device.options = Options().nop().nop().timestamps(1, 2);
    GetParam().change(device);
    sends(kModel, 20, model);
    sends(kDevice, 25, device);
  }
};
TEST_P(SegmentFields, ADifferenceIsFoundWithBothValues) {
  exchange();
  expect_one({"segment 2 of the device differs", GetParam().words, "Last events", "device sent  10.0.0.1.80",
              "model sent   10.0.0.1.80", "to both      10.0.0.2.4000"});
}
TEST_P(SegmentFields, AMaskedOneIsNot) {
  if (*GetParam().rule == '\0') {  // then no mask may hide it
    for (const char* field : {"ttl", "tos", "df", "psh", "window", "urgent", "options"}) {
      compare.rules().set(std::string("segment.") + field, 0);
    }
    exchange();
    EXPECT_EQ(compare.mismatches().size(), 1U);
    return;
  }
  compare.rules().set(GetParam().rule, 0);
  exchange();
  compare.finish();
  expect_none();
  EXPECT_EQ(compare.counts().segments, 2U);
}
INSTANTIATE_TEST_SUITE_P(
    All, SegmentFields,
    ::testing::Values(
        FieldCase{"segment.ttl", "TTL is 64 in the model and 3 in the device", [](Segment& s) { s.ttl = 3; }},
        FieldCase{"segment.tos", "TOS is 0 in the model and 8 in the device", [](Segment& s) { s.tos = 8; }},
        FieldCase{"segment.df", "DF flag is clear in the model and set in the device", [](Segment& s) { s.df = true; }},
        FieldCase{"segment.psh", "PSH flag is set in the model and clear in the device",
                  [](Segment& s) { s.flags = ACK | URG; }},
        FieldCase{"segment.window", "window is 8000 in the model and 8001 in the device",
                  [](Segment& s) { s.window = 8'001; }},
        FieldCase{"segment.urgent", "urgent pointer is 4 in the model and 5 in the device",
                  [](Segment& s) { s.urgent = 5; }},
        FieldCase{"segment.options", "option list is [] in the model and [wscale 2] in the device",
                  [](Segment& s) { s.options = Options().wscale(2).nop(); }},
        FieldCase{"", "URG flag is set in the model and clear in the device",
                  [](Segment& s) { s.flags = ACK | PSH, s.urgent = 0; }},
        FieldCase{"", "ECE flag is clear in the model and set in the device",
                  [](Segment& s) { s.flags = ACK | PSH | URG | ECE; }},
        FieldCase{"", "length of the text is 100 in the model and 99 in the device",
                  [](Segment& s) { s.payload->pop_back(); }},
        FieldCase{"", "text octet 60 (from 0) is",
                  [](Segment& s) { (*s.payload)[60] = static_cast<std::uint8_t>((*s.payload)[60] ^ 1U); }},
        FieldCase{"", "set of flags is PSH,ACK,URG in the model and FIN,PSH,ACK,URG in the device",
                  [](Segment& s) { s.flags = FIN | ACK | PSH | URG; }}));

TEST_F(Events, TheAckNumberOfASynMustBeRight) {
  stimulus(10, in(SYN, 0, 0));
  sends(kModel, 10, out(kModel, SYN | ACK, 0, 1));
  sends(kDevice, 10, out(kDevice, SYN | ACK, 0, 2));
  expect_one({"ACK number is 1001 in the model and 1002 in the device"});
}

TEST_F(Events, ADefectiveDatagramIsAMismatchOfItsOwn) {
  handshake();
  Segment bad = out(kDevice, ACK | PSH, 1, 1, 10);
  bad.corrupt_checksum = true;
  sends(kDevice, 20, bad);
  ASSERT_FALSE(compare.mismatches().empty());
  EXPECT_NE(compare.mismatches()[0].headline.find("The device sent a defective datagram: "), std::string::npos);
}

// ---- volatile fields

TEST_F(Events, IpIdentification) {
  const auto exchange = [this](std::uint16_t first, std::uint16_t second) {
    handshake();
    Segment a = out(kDevice, ACK | PSH, 1, 1, 10);
    Segment b = out(kDevice, ACK | PSH, 11, 1, 10);
    a.id = first, b.id = second;
    sends(kModel, 20, out(kModel, ACK | PSH, 1, 1, 10));
    sends(kModel, 20, out(kModel, ACK | PSH, 11, 1, 10));
    sends(kDevice, 20, a);
    sends(kDevice, 20, b);
  };
  exchange(900, 100);
  expect_none();

  compare = EventComparator();
  compare.rules().set("ip_id", 1);
  exchange(8, 300);
  expect_none();

  compare = EventComparator();
  compare.rules().set("ip_id", 1);
  exchange(300, 300);
  expect_one({"the device's IP identification does not rise: 300 after 300 to the same address"});

  compare = EventComparator();
  compare.rules().set("ip_id", 2);
  exchange(7, 9);
  expect_one({"IP identification is 7 in the model and 9 in the device"});
}

TEST_F(Events, Timestamps) {
  const auto exchange = [this] {
    handshake();
    Segment m = out(kModel, ACK | PSH, 1, 1, 10);
    Segment d = out(kDevice, ACK | PSH, 1, 1, 10);
    m.options = Options().nop().nop().timestamps(1, 2);
    d.options = Options().nop().nop().timestamps(100, 2);
    sends(kModel, 20, m);
    sends(kDevice, 20, d);
  };
  exchange();
  expect_none();
  compare = EventComparator();
  compare.rules().set("exact_timestamps", 1);
  exchange();
  expect_one({"option list is [TS val 1 ecr 2] in the model and [TS val 100 ecr 2]"});
}

// ---- acknowledgments

TEST_F(Events, ADelayedAckMayStandForTwo) {
  handshake();
  text_in(20, 1, 100);
  sends(kModel, 20, out(kModel, ACK, 1, 101));
  text_in(30, 101, 100);
  sends(kModel, 30, out(kModel, ACK, 1, 201));
  sends(kDevice, 200'030, out(kDevice, ACK, 1, 201));
  compare.advance(2'000'000);
  compare.finish();
  expect_none();
  EXPECT_EQ(compare.counts().acks, 3U);
  EXPECT_EQ(compare.counts().excused, 3U);
}

TEST_F(Events, TextMayCarryTheAcknowledgment) {
  handshake();
  text_in(20, 1, 100);
  sends(kModel, 20, out(kModel, ACK, 1, 101));
  sends(kModel, 30, out(kModel, ACK | PSH, 1, 101, 10));
  sends(kDevice, 30, out(kDevice, ACK | PSH, 1, 101, 10));
  compare.advance(2'000'000);
  compare.finish();
  expect_none();
  EXPECT_EQ(compare.counts().excused, 1U);
}

TEST_F(Events, ADelayedAckThatNeverComesIsMissed) {
  handshake();
  text_in(20, 1, 100);
  sends(kModel, 20, out(kModel, ACK, 1, 101));
  compare.advance(400'000);
  expect_none();
  compare.advance(900'000);
  expect_one({"the model acknowledged more with its segment 2 at 20 us, the device did not within 500000 us"});
}

TEST_F(Events, ADelayedAckThatComesTooLateIsMissed) {
  handshake();
  text_in(20, 1, 100);
  sends(kDevice, 20, out(kDevice, ACK, 1, 101));
  sends(kModel, 600'000, out(kModel, ACK, 1, 101));
  ASSERT_FALSE(compare.mismatches().empty());
  EXPECT_NE(compare.mismatches()[0].text.find("the model only at 600000 us, more than 500000 us later"),
            std::string::npos);
}

TEST_F(Events, TheAllowedDelayIsARule) {
  compare.rules().set("ack_us", 50'000);
  handshake();
  text_in(20, 1, 100);
  sends(kModel, 20, out(kModel, ACK, 1, 101));
  sends(kDevice, 100'000, out(kDevice, ACK, 1, 101));
  EXPECT_EQ(compare.mismatches().size(), 1U);
}

TEST_F(Events, WithExactAcksEveryOneCounts) {
  compare.rules().set("exact_acks", 1);
  handshake();
  text_in(20, 1, 100);
  sends(kModel, 20, out(kModel, ACK, 1, 101));
  text_in(30, 101, 100);
  sends(kModel, 30, out(kModel, ACK, 1, 201));
  sends(kDevice, 200'030, out(kDevice, ACK, 1, 201));
  expect_one({"ACK number is 1101 in the model and 1201 in the device"});
}

TEST_F(Events, ADuplicateAckIsNoChoice) {
  for (const Party silent : {kModel, kDevice}) {
    compare = EventComparator();
    handshake();
    text_in(20, 101, 100);  // out of order
    const Party speaks = silent == kModel ? kDevice : kModel;
    sends(speaks, 20, out(speaks, ACK, 1, 1));
    compare.advance(1'000'000);
    expect_one({std::string("the ") + (silent == kModel ? "device" : "model") +
                    " sent an ACK that says nothing new and so is no delayed-ACK choice",
                std::string("the ") + (silent == kModel ? "model" : "device") + " did not within 1000 us"});
  }
  compare = EventComparator();
  handshake();
  text_in(20, 101, 100);
  both(20, ACK, 1, 1);
  compare.advance(1'000'000);
  compare.finish();
  expect_none();
}

TEST_F(Events, AckNumbersDoNotGoBack) {
  handshake();
  text_in(20, 1, 100);
  both(20, ACK, 1, 101);
  sends(kDevice, 30, out(kDevice, ACK, 1, 51));
  expect_one({"segment 3 of the device acknowledges 50 octets less than an earlier one"});
}

TEST_F(Events, TheRightEdgeOfTheWindowDoesNotMoveBack) {
  handshake();
  text_in(20, 1, 100);
  sends(kModel, 20, out(kModel, ACK, 1, 101));
  Segment shrunk = out(kDevice, ACK, 1, 101);
  shrunk.window = 7'000;
  sends(kDevice, 20, shrunk);
  ASSERT_FALSE(compare.mismatches().empty());
  EXPECT_NE(compare.mismatches()[0].text.find("moves the right edge of the window back by 900 octets"),
            std::string::npos);
}

TEST_F(Events, AnOpenedWindowIsOwedToo) {
  for (const std::uint64_t slack : {2'048U, 100U}) {
    compare = EventComparator();
    compare.rules().set("window_slack", slack);
    handshake();
    Segment update = out(kModel, ACK, 1, 1);
    update.window = 10'000;  // 2000 more
    sends(kModel, 20, update);
    compare.advance(1'000'000);
    if (slack >= 2'000) {
      expect_none();
    } else {
      expect_one({"the model opened the window further", "the device did not within 500000 us"});
    }
  }
}

TEST_F(Events, AKeepaliveProbeNeedsACounterpart) {
  handshake();
  sends(kModel, 20, out(kModel, ACK, 0, 1));
  compare.advance(500'000);
  sends(kDevice, 900'000, out(kDevice, ACK, 0, 1));
  compare.advance(4'000'000);
  expect_none();
  sends(kModel, 5'000'000, out(kModel, ACK, 0, 1));
  compare.advance(9'000'000);
  expect_one({"the model sent a keepalive probe", "at 5000000 us, the device did not"});
}

// ---- what is missing, what is late

TEST_F(Events, AMissingSegmentIsNamedWhenItIsOverdue) {
  handshake();
  sends(kModel, 20, out(kModel, ACK | PSH, 1, 1, 100));
  compare.advance(900'000);
  expect_none();
  compare.advance(1'600'000);
  expect_one({"the model sent segment 2 (10.0.0.1.80 > 10.0.0.2.4000: Flags [P.], seq 1",
              "at 20 us, the device did not", "within 1000000 us"});
  EXPECT_EQ(compare.mismatches()[0].time_us, 1'600'000U);
}

TEST_F(Events, ASegmentTooManyIsNamedAtTheEnd) {
  handshake();
  sends(kDevice, 20, out(kDevice, ACK | PSH, 1, 1, 100));
  sends(kDevice, 20, out(kDevice, ACK | PSH, 101, 1, 100));
  compare.finish();
  expect_one({"the device sent segment 2", "the model did not", "nor what follows (1 more)"});
}

TEST_F(Events, HowLateIsARule) {
  compare.rules().set("late_us", 100);
  handshake();
  sends(kModel, 20, out(kModel, ACK | PSH, 1, 1, 100));
  sends(kDevice, 121, out(kDevice, ACK | PSH, 1, 1, 100));
  expect_one({"the model's time is 20 us, the device's 121 us"});
}

// ---- retire records

struct RecordCase {
  const char* rule;
  bool counts;  ///< without a word from the user
  const char* words;
  std::function<void(RetireRecord&)> change;  ///< of the device
};
void PrintTo(const RecordCase& c, std::ostream* to) { *to << c.rule; }

class RecordFields : public Events, public ::testing::WithParamInterface<RecordCase> {
 protected:
  void exchange(std::uint32_t hidden = 0) {
    handshake();
    RetireRecord device = record(kDevice, 20);
    GetParam().change(device);
    device.fields &= ~hidden;
    compare.observe(kModel, record(kModel, 20));
    compare.observe(kDevice, device);
    compare.finish();
  }
};
TEST_P(RecordFields, ADifferenceIsFoundWithBothValues) {
  compare.rules().set(GetParam().rule, 1);
  exchange();
  expect_one({"SEG record 1 of the device differs: ", GetParam().words, "Last events"});
}
TEST_P(RecordFields, AMaskedOneIsNot) {
  compare.rules().set(GetParam().rule, 0);
  exchange();
  expect_none();
  EXPECT_EQ(compare.counts().records, 1U);
}
TEST_P(RecordFields, TheDefaultIsTheOneThatIsWrittenDown) {
  exchange();
  EXPECT_EQ(compare.mismatches().size(), GetParam().counts ? 1U : 0U);
}
TEST_P(RecordFields, WhatTheDesignDoesNotTellIsNotCompared) {
  compare.rules().set(GetParam().rule, 1);
  exchange(~std::uint32_t{RetireRecord::has_tuple});
  expect_none();
}
INSTANTIATE_TEST_SUITE_P(
    All, RecordFields,
    ::testing::Values(RecordCase{"record.reason", true, "reason is 0 in the model and 27 OUT_OF_WINDOW in the device",
                                 [](RetireRecord& r) { r.reason = 27; }},
                      RecordCase{"record.state", true, "state is ESTABLISHED in the model and CLOSE_WAIT in the device",
                                 [](RetireRecord& r) { r.state = State::close_wait; }},
                      RecordCase{"record.state_before", true,
                                 "state before is ESTABLISHED in the model and FIN_WAIT_1 in the device",
                                 [](RetireRecord& r) { r.state_before = State::fin_wait_1; }},
                      RecordCase{"record.sent", false,
                                 "one that sends nothing in the model and one that sends in the device",
                                 [](RetireRecord& r) { r.sent = true; }},
                      RecordCase{"record.flags_out", true, "is none in the model and RST in the device",
                                 [](RetireRecord& r) { r.flags_out = RST | ACK; }},
                      RecordCase{"record.irs", true, "irs is 1000 in the model and 1001 in the device",
                                 [](RetireRecord& r) { r.irs += 1; }},
                      RecordCase{"record.snd_una", true, "snd_una is 1 in the model and 2 in the device",
                                 [](RetireRecord& r) { r.snd_una += 1; }},
                      RecordCase{"record.snd_nxt", false, "snd_nxt is 1 in the model and 8 in the device",
                                 [](RetireRecord& r) { r.snd_nxt += 7; }},
                      RecordCase{"record.snd_wnd", true, "snd_wnd is 9000 in the model and 8999 in the device",
                                 [](RetireRecord& r) { r.snd_wnd -= 1; }},
                      RecordCase{"record.rcv_nxt", true, "rcv_nxt is 1001 in the model and 1002 in the device",
                                 [](RetireRecord& r) { r.rcv_nxt += 1; }},
                      RecordCase{"record.rcv_wnd", false, "rcv_wnd is 8000 in the model and 8100 in the device",
                                 [](RetireRecord& r) { r.rcv_wnd += 100; }},
                      RecordCase{"record.rto", false, "rto is 1000000 in the model and 3000000 in the device",
                                 [](RetireRecord& r) { r.rto = 3'000'000; }}));

TEST_F(Events, IssIsComparedOnlyExactly) {
  handshake();
  compare.observe(kModel, record(kModel, 20));
  compare.observe(kDevice, record(kDevice, 20));
  expect_none();

  compare = EventComparator();
  compare.rules().set("exact_isn", 1);
  compare.rules().set("record.iss", 1);
  device_isn = model_isn;
  handshake();
  RetireRecord other = record(kDevice, 20);
  other.iss += 1;
  compare.observe(kModel, record(kModel, 20));
  compare.observe(kDevice, other);
  expect_one({"iss is 4294967280 in the model and 4294967281 in the device"});
}

TEST_F(Events, FlagsThatARecordSendsHaveAMask) {
  const auto exchange = [this] {
    handshake();
    RetireRecord device = record(kDevice, 20);
    device.flags_out = ACK;
    compare.observe(kModel, record(kModel, 20));
    compare.observe(kDevice, device);
  };
  exchange();
  expect_none();
  compare = EventComparator();
  compare.rules().set("record.flags_mask", ACK | SYN);
  exchange();
  expect_one({"is none in the model and ACK in the device"});
}

TEST_F(Events, KindsThatDependOnTheDesignAreLeftOut) {
  const auto exchange = [this](std::uint8_t kind) {
    handshake();
    RetireRecord device = record(kDevice, 20);
    device.kind = kind;
    compare.observe(kDevice, device);
    compare.finish();
  };
  for (const char* name : {"TMR", "CMD", "TXD", "RXD", "OUT"}) {
    const auto kind = static_cast<std::uint8_t>(std::string("TMRSEGCMDTXDRXDOUT").find(name) / 3);
    compare = EventComparator();
    exchange(kind);
    expect_none();
    compare = EventComparator();
    compare.rules().set(std::string("kind.") + name, 1);
    exchange(kind);
    expect_one({std::string("the device retired ") + name + " record", "the model did not"});
  }
}

TEST_F(Events, ADivergenceEndsOneKindOfRecordsOnly) {
  compare.rules().set("kind.TMR", 1);
  handshake();
  RetireRecord wrong = record(kDevice, 20);
  wrong.rcv_nxt += 1;
  compare.observe(kModel, record(kModel, 20));
  compare.observe(kDevice, wrong);
  compare.observe(kModel, record(kModel, 30));
  compare.observe(kDevice, wrong);
  EXPECT_EQ(compare.mismatches().size(), 1U);
  RetireRecord timer = record(kDevice, 40);
  timer.kind = 0, timer.state = State::closed;
  RetireRecord model_timer = record(kModel, 40);
  model_timer.kind = 0;
  compare.observe(kModel, model_timer);
  compare.observe(kDevice, timer);
  EXPECT_GT(compare.mismatches().size(), 1U);
}

TEST_F(Events, ARecordWithoutAnIssWaitsForItsSyn) {
  stimulus(10, in(SYN, 0, 0));
  RetireRecord device = record(kDevice, 10, State::closed, State::syn_received);
  device.fields &= ~std::uint32_t{RetireRecord::has_iss};
  compare.observe(kModel, record(kModel, 10, State::closed, State::syn_received));
  sends(kModel, 10, out(kModel, SYN | ACK, 0, 1));
  compare.observe(kDevice, device);
  EXPECT_EQ(compare.counts().records, 0U);
  sends(kDevice, 30, out(kDevice, SYN | ACK, 0, 1));
  EXPECT_EQ(compare.counts().records, 1U);
  compare.advance(3'000'000);
  compare.finish();
  expect_none();
}

TEST_F(Events, ASynThatNeverComesIsSaid) {
  RetireRecord device = record(kDevice, 10, State::closed, State::syn_received);
  device.fields &= ~std::uint32_t{RetireRecord::has_iss};
  compare.observe(kModel, record(kModel, 10, State::closed, State::syn_received));
  compare.observe(kDevice, device);
  compare.finish();
  expect_one({"no initial sequence number of the device has been seen"});
}

TEST_F(Events, AConnectionNumberNeedsA4TupleOnce) {
  handshake();
  RetireRecord first = record(kDevice, 20);
  RetireRecord later = record(kDevice, 30);
  later.fields &= ~std::uint32_t{RetireRecord::has_tuple};
  later.local_ip = 0, later.remote_port = 0;
  compare.observe(kModel, record(kModel, 20));
  compare.observe(kModel, record(kModel, 30));
  compare.observe(kDevice, first);
  compare.observe(kDevice, later);
  compare.finish();
  expect_none();
  EXPECT_EQ(compare.counts().records, 2U);

  compare = EventComparator();
  compare.observe(kDevice, later);
  compare.observe(kDevice, later);
  expect_one({"names connection 200, but no record has given the 4-tuple"});
}

TEST_F(Events, EventsWithoutAConnectionAreComparedToo) {
  RetireRecord dropped{.kind = 1, .time_us = 5, .reason = 12};
  compare.observe(kModel, dropped);
  dropped.reason = 8;
  compare.observe(kDevice, dropped);
  expect_one({"Events without a connection", "reason is 12 TCP_CKSUM in the model and 8 IP_DST in the device"});
}

// ---- rules, story, limits

TEST_F(Events, RulesHaveNamesAndBounds) {
  EventRules rules;
  for (const std::string& name : EventRules::names()) EXPECT_NO_THROW(rules.set(name, 1)) << name;
  const auto refusal = [&rules](const char* name, std::uint64_t value) -> std::string {
    try {
      rules.set(name, value);
    } catch (const std::invalid_argument& wrong) {
      return wrong.what();
    }
    return "";
  };
  EXPECT_NE(refusal("segment.tll", 0).find("no rule 'segment.tll'; there are segment.ttl, "), std::string::npos);
  EXPECT_EQ(refusal("segment.ttl", 2), "rule 'segment.ttl' takes 0 to 1, not 2");
  EXPECT_EQ(refusal("ip_id", 3), "rule 'ip_id' takes 0 to 2, not 3");
}

TEST_F(Events, TheStoryIsThatOfTheConnection) {
  handshake();
  compare.stimulus(15, "CLOSE 0x00003", {ip("10.0.0.1"), 80, ip("10.0.0.2"), 4000});
  remote_port = 4001;
  handshake();
  remote_port = 4000;
  compare.observe(kModel, record(kModel, 17));
  sends(kModel, 20, out(kModel, FIN | ACK, 1, 1));
  sends(kDevice, 20, out(kDevice, RST | ACK, 1, 1));
  expect_one({"set of flags is FIN,ACK in the model and RST,ACK in the device",
              "          15 us  user call    CLOSE 0x00003", "model        SEG record", "Flags [F.], seq 1, ack 1"});
  EXPECT_EQ(compare.mismatches()[0].text.find("4001"), std::string::npos);
}

TEST_F(Events, AfterTheLimitNothingIsCompared) {
  compare.rules().set("max_mismatches", 2);
  for (remote_port = 4000; remote_port < 4010; ++remote_port) {
    stimulus(10, in(SYN, 0, 0));
    sends(kModel, 10, out(kModel, SYN | ACK, 0, 1));
    sends(kDevice, 10, out(kDevice, RST | ACK, 0, 1));
  }
  EXPECT_EQ(compare.mismatches().size(), 2U);
  EXPECT_NE(compare.summary().find("2 mismatches (the limit; nothing after that was compared)"), std::string::npos);
}

}  // namespace
}  // namespace tiptoe
