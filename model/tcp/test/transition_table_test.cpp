// SPDX-License-Identifier: Apache-2.0
// Every segment event in every state, twice: with the protections of RFC 5961 and RFC 1337, and without.
#include "transition_table.hpp"

namespace tiptoe::tcp {
namespace {

struct Expected {
  std::string send, next;  // next empty: the state stays
};

Expected parse(std::string cell, bool protections) {
  if (const auto slash = cell.find('/'); slash != std::string::npos) {
    cell = protections ? cell.substr(0, slash) : cell.substr(slash + 1);
  }
  const auto arrow = cell.find('>');
  Expected e{cell.substr(0, arrow), arrow == std::string::npos ? "" : cell.substr(arrow + 1)};
  if (e.send == ".") e.send.clear();
  return e;
}

// What was sent, in the words of the table.
std::string classify(const Bench& b, const Segment& s) {
  std::string all;
  for (const TxSegment& x : b.sent) {
    EXPECT_EQ(x.lip, LIP);
    EXPECT_EQ(x.rport, RPORT);
    EXPECT_EQ(x.seq, x.payload_seq);
    const std::uint32_t len = s.len + (s.has(SYN) ? 1U : 0U) + (s.has(FIN) ? 1U : 0U);
    if (x.flags == ACK && x.seq == b.S() && x.ack == b.R() && x.len == 0)
      all += 'A';
    else if (x.flags == RST && x.seq == s.ack && x.wnd == 0)
      all += "Ra";
    else if (x.flags == (RST | ACK) && x.seq == 0 && x.ack == s.seq + len && x.wnd == 0)
      all += "R0";
    else if (x.flags == (SYN | ACK) && x.seq == b.r.iss && x.ack == s.seq + 1 && x.mss_valid)
      all += "SA";
    else
      all += " ? " + b.text(x);
  }
  return all;
}

class TransitionTable : public testing::TestWithParam<std::tuple<std::size_t, bool, std::uint32_t>> {};

TEST_P(TransitionTable, Row) {
  const auto [index, protections, iss] = GetParam();
  const Row row = transition_table()[index];
  for (std::size_t i = 0; i < STATES.size(); ++i) {
    if (row.cell[i] == std::string("-")) continue;
    const Expected expected = parse(row.cell[i], protections);
    for (std::size_t variant = 0;; ++variant) {
      Bench b(iss, iss + 1000);
      if (!protections) b.cfg.features = FIXED_ISS | DELACK;
      b.reach(STATES[i]);
      const State before = b.r.state;
      const std::vector<Segment> stimuli = row.stimuli(b);
      if (variant == stimuli.size()) break;
      const Segment& s = stimuli[variant];
      SCOPED_TRACE(std::string(row.event) + " in " + STATES[i] + ", variant " + std::to_string(variant));
      b.seg(s);
      if (b.t.armed(Timer::DACK)) b.fire(Timer::DACK);
      EXPECT_EQ(classify(b, s), expected.send);
      const State next = expected.next.empty()   ? before
                         : expected.next == "LI" ? State::CLOSED
                                                 : short_state(expected.next);
      EXPECT_EQ(b.r.state, next);
      if (expected.next == "LI" || (expected.next == "CL" && before == State::TIME_WAIT)) {
        EXPECT_EQ(b.events(), 0);
      }
      if (next == State::CLOSED && before != State::CLOSED) {
        EXPECT_FALSE(b.in_cam);
        EXPECT_EQ(b.t, Deadlines{});
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(All, TransitionTable,
                         testing::Combine(testing::Range(std::size_t{0}, transition_table().size()), testing::Bool(),
                                          testing::Values(0x1000U, 0xFFFFFFFFU, 0x7FFFFFFFU)));

}  // namespace
}  // namespace tiptoe::tcp
