// SPDX-License-Identifier: Apache-2.0
// What the files of the transition table share: the eleven states, how a connection that has a past gets there, and the
// notation of an outcome, which is that of the catalogue's compact table.
#pragma once

#include <array>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "../support.hpp"

namespace tiptoe::conformance::cases::transitions {

/// CLOSED … TIME_WAIT in the order of the catalogue's columns.
inline constexpr std::array<State, 11> columns = {
    State::closed,     State::listen,     State::syn_sent, State::syn_received, State::established, State::fin_wait_1,
    State::fin_wait_2, State::close_wait, State::closing,  State::last_ack,     State::time_wait};

/// "FIN-WAIT-1", as rows and cases are named.
std::string row_name(State);

struct Past {
  bool outstanding = false;  ///< 100 octets of the device are not acknowledged
  bool blocked = false;      ///< the peer's window is zero and 50 octets of the device wait for it
  bool full = false;         ///< the device's receive window is full, the user has read nothing of it
};

/// The state, through the wire and user calls alone. Every connection that gets beyond the handshake has carried 20
/// octets each way before, so that numbers below the window and below SND.UNA are its own old ones.
void bring(Tester&, State, Role, const Past& = {});

/// The user has closed, and the FIN has not come: the device sends one segment at a time (choice flight), and text is
/// outstanding.
bool fin_waits(const Conn&, State);

/// Octets of the peer that `full` leaves for the user to read.
std::size_t unread(const Conn&);

/// One legal outcome: what is sent, the octets that are delivered, whether a FIN is taken, the next state, what the
/// user is told. Written "[{question=answer}]<send>[+octets][f][>STATE][!told][?told]":
///   {}     legal where the RFCs leave it open, and the device has not said that it does otherwise (choices.hpp)
///   send   .  nothing                                  A  <SEQ=SND.NXT><ACK=RCV.NXT><CTL=ACK>
///          D  the same, at once or up to 500 ms late   SA <SEQ=ISS><ACK=RCV.NXT><CTL=SYN,ACK>
///          Ra <SEQ=SEG.ACK><CTL=RST>                   R0 <SEQ=0><ACK=SEG.SEQ+SEG.LEN><CTL=RST,ACK>
///   STATE  CL LI SS SR ES F1 F2 CW CG LA TW; the old one when absent
///   told   C connected, R readable, P peer's FIN, X closed, T reset, F refused, U urgent; behind '?': told or not
struct Outcome {
  std::string text;
  std::string question, answer;  ///< empty: legal in any case
  std::string send;
  std::uint32_t octets = 0;
  bool fin = false;
  State next = State::unknown;  ///< unknown: stays
  std::uint16_t told = 0;
  std::uint16_t may_be_told = 0;
};
/// All the legal ones of a cell, separated by '|'. Throws std::invalid_argument.
std::vector<Outcome> parse_cell(std::string_view);

/// Every flag that tells of a transition. SPACE is none.
inline constexpr std::uint16_t telling =
    connected | readable | peer_fin | closed | was_reset | refused | timed_out | urgent;

/// Nothing but these flags is pending, and all of them are. CLOSED may come or not where a connection ends in silence,
/// and so may those of `optional`.
void expect_told(Tester&, std::uint16_t flags, State next, std::uint16_t optional = 0);

/// The state by STATUS and by its probe. A connection that waits in the backlog is accepted on the way.
void confirm(Tester&, State before, State state);

/// Timers that do not disturb: retransmissions come after 20 s. Wishes: a device whose timers are its own repeats what
/// is due, and the tester passes over it.
Settings calm();
std::set<std::string> calm_wishes();

}  // namespace tiptoe::conformance::cases::transitions
