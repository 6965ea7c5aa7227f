// SPDX-License-Identifier: Apache-2.0
// What the RFCs leave open (choices.hpp), on the model as a device of which only the capability file is known: every
// legal answer is accepted, a device that names its own is held to it, and no answer covers a fault.
#include <gtest/gtest.h>

#include <ostream>
#include <string>

#include "tiptoe/choices.hpp"
#include "tiptoe/conformance/runner.hpp"
#include "tiptoe/plugin.hpp"

namespace tiptoe::conformance {
namespace {

struct Said {
  const char* question;
  const char* answer;  ///< "": none
  const char* fault;   ///< of the model; "": none
  const char* id;
  Verdict verdict;
};
void PrintTo(const Said& s, std::ostream* out) {
  *out << s.question << ": " << s.answer << ", fault " << s.fault << ", " << s.id;
}

class Choices : public testing::TestWithParam<Said> {};

TEST_P(Choices, IsJudgedByWhatItHasSaid) {
  const Said& said = GetParam();
  Capabilities c;
  if (*said.answer != '\0') c.choices[said.question] = said.answer;
  ASSERT_NE(find_choice(said.question), nullptr);
  const auto dut = load_dut(TIPTOE_TEST_DEVICES "/model_device.so", c, said.fault);
  const Case* one = all_cases().find(said.id);
  ASSERT_NE(one, nullptr);
  const Result r = run_case(*one, *dut);
  EXPECT_EQ(to_string(r.verdict), std::string(to_string(said.verdict))) << r.message;
}

constexpr const char* full = "textbook/TB-32b-backlog-full";
constexpr const char* half_open = "textbook/TB-32c-backlog-half-open";
constexpr const char* clock_of_isn = "textbook/TB-04a-isn-clock";
constexpr const char* hash_of_isn = "textbook/TB-04c-isn-hash";
constexpr auto pass = Verdict::pass;
constexpr auto fail = Verdict::fail;

// A fault of the engine that is legal elsewhere.
INSTANTIATE_TEST_SUITE_P(OtherAnswer, Choices,
                         testing::Values(Said{"full_backlog", "", "backlog_ignored", full, pass},
                                         Said{"full_backlog", "unlimited", "backlog_ignored", full, pass},
                                         Said{"full_backlog", "silence", "backlog_ignored", full, fail},
                                         Said{"full_backlog", "reset", "backlog_ignored", full, fail},
                                         Said{"full_backlog", "unlimited", "backlog_ignored", half_open, pass},
                                         Said{"full_backlog", "", "full_backlog_answered_by_rst", full, pass},
                                         Said{"full_backlog", "reset", "full_backlog_answered_by_rst", full, pass},
                                         Said{"full_backlog", "silence", "full_backlog_answered_by_rst", full, fail}));

constexpr const char* seq_bad = "transitions/ESTABLISHED/SEQ-BAD/rfc5961";
constexpr const char* zero_window = "transitions/ESTABLISHED/ZWIN/rfc5961";
constexpr const char* rst_in_time_wait = "transitions/TIME-WAIT/RST-INWIN/rfc5961";
INSTANTIATE_TEST_SUITE_P(
    OtherAnswerOfAWindow, Choices,
    testing::Values(Said{"beyond_window", "", "zero_window_data_accepted", zero_window, pass},
                    Said{"beyond_window", "taken", "zero_window_data_accepted", zero_window, pass},
                    Said{"beyond_window", "refused", "zero_window_data_accepted", zero_window, fail},
                    Said{"beyond_window", "", "window_edge_off_by_one", seq_bad, pass},
                    Said{"beyond_window", "refused", "window_edge_off_by_one", seq_bad, fail},
                    Said{"beyond_window", "taken", "out_of_window_silent", seq_bad, fail},
                    Said{"orphans", "", "orphan_kept", "protocol/user-orphan", pass},
                    Said{"orphans", "reset", "orphan_kept", "protocol/user-orphan", fail},
                    Said{"orphans", "", "orphan_kept_while_silent", "protocol/user-orphan-silent-close", pass},
                    Said{"orphans", "reset", "orphan_kept_while_silent", "protocol/user-orphan-silent-close", fail},
                    Said{"time_wait_rst", "", "rst_in_window_silent", rst_in_time_wait, pass},
                    Said{"time_wait_rst", "challenge", "rst_in_window_silent", rst_in_time_wait, fail}));

// The engine, with an answer that is not its own.
INSTANTIATE_TEST_SUITE_P(
    NotItsOwn, Choices,
    testing::Values(Said{"full_backlog", "reset", "", full, fail}, Said{"full_backlog", "unlimited", "", full, fail},
                    Said{"class_e_addresses", "unicast", "", "protocol/user-invalid-remote", fail},
                    Said{"malformed_ip_options", "discarded", "", "hostile/datagram-header-lengths", fail},
                    Said{"malformed_tcp_options", "discarded", "", "hostile/options-all-ones", fail},
                    Said{"malformed_tcp_options", "reset", "", "hostile/options-length-0", fail},
                    Said{"syn_fin_in_listen", "discarded", "", "textbook/TB-29-christmas-tree-LISTEN-passive", fail},
                    Said{"time_wait_reuse", "above_rcv_nxt", "", "textbook/TB-14a-new-syn-accepted-0", fail},
                    Said{"ack_never_sent", "refused", "", "transitions/ESTABLISHED/ACK-OLD/rfc5961/edge", fail},
                    Said{"partial_ack", "whole", "", "protocol/ack-partial", fail},
                    Said{"syn_text", "dropped", "", "transitions/SYN-SENT/URG/rfc5961/syn-ack", fail},
                    Said{"time_wait_rst", "ignored", "", rst_in_time_wait, fail}));

// The wider answer, and what it does not cover.
INSTANTIATE_TEST_SUITE_P(
    Wider, Choices,
    testing::Values(Said{"isn_clock", "faster", "", clock_of_isn, pass},
                    Said{"isn_clock", "faster", "isn_not_clocked", clock_of_isn, fail},
                    Said{"isn_clock", "", "isn_constant", clock_of_isn, fail},
                    Said{"isn_clock", "faster", "", hash_of_isn, pass},
                    Said{"isn_clock", "faster", "isn_same_for_all_tuples", hash_of_isn, fail},
                    Said{"flight", "", "", "protocol/window-shrunk", pass},
                    Said{"flight", "segment", "mss_option_ignored", "textbook/TB-09c-mss-of-peer-passive", fail},
                    Said{"orphans", "kept", "unaccepted_given_up", "protocol/user-accept-late", fail},
                    Said{"push", "any", "psh_never", "textbook/TB-37-push", fail},
                    Said{"r2", "time", "", "protocol/rto-r2-3", pass},
                    Said{"r2", "time", "r2_never", "protocol/rto-r2-3", fail},
                    Said{"r2", "", "r2_too_early", "protocol/rto-r2-5", fail},
                    Said{"user_timeout", "next_timer", "", "protocol/rto-user-timeout", pass},
                    Said{"user_timeout", "next_timer", "user_timeout_ignored", "protocol/rto-user-timeout", fail},
                    Said{"own_address_as_source", "answered", "", "hostile/land-LISTEN", pass},
                    Said{"datagrams_for_others", "forwarded", "", "protocol/datagram-other-host", pass},
                    Said{"ack_below_window", "used", "", "transitions/CLOSING/SEQ-BAD/rfc5961", pass},
                    Said{"across_window", "dropped", "", "protocol/reassembly-straddles-right-edge", pass},
                    Said{"gap_filling_ack", "delayed", "ooo_ack_delayed", "protocol/reassembly-gap-filling-ack", fail},
                    Said{"probe_interval", "own", "", "protocol/window-probe-interval", pass},
                    Said{"probe_interval", "own", "probe_interval_constant", "protocol/window-probe-interval", fail},
                    Said{"recovery_exit", "one_more", "no_window_deflation", "protocol/cc-deflation", fail},
                    Said{"fast_recovery", "proportional", "ssthresh_not_halved", "protocol/cc-inflation", fail},
                    Said{"repeated_timeout", "lowered", "", "protocol/cc-threshold-once", pass},
                    Said{"slow_start_growth", "octets", "cwnd_never_grows", "protocol/cc-slow-start-bytes", fail}));

}  // namespace
}  // namespace tiptoe::conformance
