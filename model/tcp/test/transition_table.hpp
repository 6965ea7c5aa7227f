// SPDX-License-Identifier: Apache-2.0
//
// State x event, as in the transition table of the requirements catalogue. Cells: what is sent, then the next state if
// it changes. A: <SEQ=SND.NXT><ACK=RCV.NXT><CTL=ACK>, Ra: <SEQ=SEG.ACK><CTL=RST>, R0:
// <SEQ=0><ACK=SEG.SEQ+SEG.LEN><CTL=RST,ACK>, SA: <SEQ=ISS><ACK=SEG.SEQ+1><CTL=SYN,ACK>, ".": nothing and no change,
// "-": not applicable. x/y: x with RFC 5961, RFC 1337 and re-opening from TIME_WAIT, y without them. A delayed ACK
// counts as sent.
#pragma once

#include <array>
#include <functional>
#include <string>
#include <vector>

#include "bench.hpp"

namespace tiptoe::tcp {

inline constexpr std::array STATES = {"CL", "LI", "SS", "SR", "SA", "ES", "F1", "F2", "CW", "CG", "LA", "TW"};

struct Row {
  const char* event;
  std::array<const char*, STATES.size()> cell;
  std::function<std::vector<Segment>(const Bench&)> stimuli;  // variants, each for a fresh connection
};

// An ACK that changes nothing, or opens what waits for it.
inline std::uint32_t calm_ack(const Bench& b) { return b.r.state == State::SYN_RECEIVED ? b.S() : b.U(); }

inline std::vector<Row> transition_table() {
  using V = std::vector<Segment>;
  return {
      //             CL    LI       SS       SR           SA           ES           F1           F2           CW CG LA
      //             TW
      {"SEQ-BAD",
       {"Ra", "Ra", ".", "A", "A", "A", "A", "A", "A", "A", "A", "A"},
       [](const Bench& b) {
         return V{b.make(ACK, b.R() - 10, b.S(), 10), b.make(ACK, b.R() + b.W(), b.S(), 10),
                  b.make(ACK, b.R() - 1, b.S()), b.make(ACK, b.R() + b.W(), b.S())};
       }},
      {"RST-OUT",
       {".", ".", ".", ".", ".", ".", ".", ".", ".", ".", ".", "."},
       [](const Bench& b) {
         if (b.r.state == State::SYN_SENT) {
           return V{b.make(RST, 0, 0), b.make(RST | ACK, 0, b.r.iss), b.make(RST | ACK, 0, b.r.iss + 2),
                    b.make(RST | ACK, 0, b.r.iss - 1)};
         }
         return V{b.make(RST, b.R() - 1, 0), b.make(RST, b.R() + b.W(), 0), b.make(RST, b.R() + 0x80000000U, 0),
                  b.make(RST | ACK, b.R() - 1, b.S())};
       }},
      {"RST-EXACT",
       {".", ".", ">CL", ">LI", ">CL", ">CL", ">CL", ">CL", ">CL", ">CL", ">CL", "./>CL"},
       [](const Bench& b) { return V{b.make(RST | (b.r.state == State::SYN_SENT ? ACK : 0), b.R(), b.S())}; }},
      {"RST-INWIN",
       {".", ".", ".", "A/>LI", "A/>CL", "A/>CL", "A/>CL", "A/>CL", "A/>CL", "A/>CL", "A/>CL", "A/>CL"},
       [](const Bench& b) {
         return V{b.make(RST, b.R() + 1, 0), b.make(RST, b.R() + b.W() - 1, 0)};
       }},
      {"SYN-IN",
       {"R0", "SA>SR", "SA>SR", ">LI", "A/R0>CL", "A/R0>CL", "A/R0>CL", "A/R0>CL", "A/R0>CL", "A/R0>CL", "A/R0>CL",
        "SA>SR/R0>CL"},
       [](const Bench& b) { return V{b.make(SYN, b.R() + 1, 0)}; }},
      {"SYN-OUT, the original SYN",
       {"R0", "SA>SR", "SA>SR", "A", "A", "A", "A", "A", "A", "A", "A", "A"},
       [](const Bench& b) { return V{b.make(SYN, b.irs, 0)}; }},
      {"SYN-OUT, beyond the window",
       {"R0", "SA>SR", "SA>SR", "A", "A", "A", "A", "A", "A", "A", "A", "SA>SR/A"},
       [](const Bench& b) { return V{b.make(SYN, b.R() + b.W() + 1000, 0)}; }},
      {"SYNACK",
       {"Ra", "Ra", "A>ES", ">LI", "A/Ra>CL", "A/Ra>CL", "A/Ra>CL", "A/Ra>CL", "A/Ra>CL", "A/Ra>CL", "A/Ra>CL",
        "A/Ra>CL"},
       [](const Bench& b) { return V{b.make(SYN | ACK, b.R() + 1, b.S())}; }},
      {"SYNACK, unacceptable ACK",
       {"-", "-", "Ra", "-", "-", "-", "-", "-", "-", "-", "-", "-"},
       [](const Bench& b) {
         return V{b.make(SYN | ACK, 9, b.r.iss), b.make(SYN | ACK, 9, b.r.iss + 2),
                  b.make(SYN | ACK, 9, b.r.iss + 0x80000000U)};
       }},
      {"SYNACK, simultaneous open",
       {"-", "-", "-", "-", ">ES", "-", "-", "-", "-", "-", "-", "-"},
       [](const Bench& b) { return V{b.make(SYN | ACK, b.irs, b.S())}; }},
      {"ACK-OFF",
       {"R0", ".", ".", ".", ".", ".", ".", ".", ".", ".", ".", "."},
       [](const Bench& b) {
         return V{b.make(0, b.R(), 0, 10), b.make(PSH, b.R(), 0, 10), b.make(URG, b.R(), 0, 10),
                  b.make(FIN, b.R(), 0, 10)};
       }},
      {"ACK-NEW",
       {"Ra", "Ra", ".", ">ES", ">ES", "-", "-", "-", "-", "-", "-", "-"},
       [](const Bench& b) { return V{b.make(ACK, b.R(), b.S())}; }},
      {"ACK-DUP",
       {"Ra", "Ra", "Ra", "Ra", "Ra", ".", ".", ".", ".", ".", ".", "."},
       [](const Bench& b) { return V{b.make(ACK, b.R(), b.U())}; }},
      {"ACK-FUT",
       {"Ra", "Ra", "Ra", "A/Ra", "A/Ra", "A", "A", "A", "A", "A", "A", "A"},
       [](const Bench& b) {
         return V{b.make(ACK, b.R(), b.S() + 1, 10), b.make(ACK, b.R(), b.S() + 70000)};
       }},
      {"ACK-OLD",
       {"Ra", "Ra", "Ra", "A/Ra", "A/Ra", "A", "A", "A", "A/.", "A/.", "A/.", "A/."},
       [](const Bench& b) { return V{b.make(ACK, b.R(), b.U() - b.r.max_snd_wnd - 1, 10)}; }},
      {"ACK-FIN",
       {"Ra", "Ra", ".", "-", "-", ".", ">F2", ".", ".", ">TW", ">CL", "."},
       [](const Bench& b) { return V{b.make(ACK, b.R(), b.S())}; }},
      {"WND-UPD, nothing queued",
       {"Ra", "Ra", "Ra", "Ra", "Ra", ".", ".", ".", ".", ".", ".", "."},
       [](const Bench& b) {
         Segment s = b.make(ACK, b.R(), b.U());
         s.wnd = 7777;
         return V{s};
       }},
      {"URG",
       {"Ra", "Ra", "-", "A>ES", "A>ES", "A", "A", "A", ".", ".", ".", "."},
       [](const Bench& b) {
         Segment s = b.make(URG | ACK, b.R(), calm_ack(b), 10);
         s.up = 5;
         return V{s};
       }},
      {"TXT-INORD",
       {"Ra", "Ra", "-", "A>ES", "A>ES", "A", "A", "A", ".", ".", ".", "."},
       [](const Bench& b) { return V{b.make(ACK, b.R(), calm_ack(b), 10)}; }},
      {"TXT-OOO",
       {"Ra", "Ra", "-", "A>ES", "A>ES", "A", "A", "A", ".", ".", ".", "."},
       [](const Bench& b) { return V{b.make(ACK, b.R() + 10, calm_ack(b), 10)}; }},
      {"TXT-OVL",
       {"Ra", "Ra", "-", "A>ES", "A>ES", "A", "A", "A", ".", ".", ".", "."},
       [](const Bench& b) {
         return V{b.make(ACK, b.R() - 10, calm_ack(b), 20), b.make(ACK, b.R() + b.W() - 10, calm_ack(b), 20)};
       }},
      {"FIN",
       {"Ra", "Ra", "-", "A>CW", "A>CW", "A>CW", "A>CG", "A>TW", "A", "A", "A", "A"},
       [](const Bench& b) {
         return V{b.make(FIN | ACK, b.R(), calm_ack(b)), b.make(FIN | ACK, b.R(), calm_ack(b), 10)};
       }},
      {"FINACK",
       {"Ra", "Ra", "-", "A>CW", "A>CW", "-", "A>TW", "-", "-", "-", "-", "-"},
       [](const Bench& b) { return V{b.make(FIN | ACK, b.R(), b.S())}; }},
      {"FIN-OOO",
       {"Ra", "Ra", "-", "A>ES", "A>ES", "A", "A", "A", "A", "A", "A", "A"},
       [](const Bench& b) { return V{b.make(FIN | ACK, b.R() + 10, calm_ack(b))}; }},
      {"FIN-DUP",
       {"-", "-", "-", "-", "-", "-", "-", "-", "A", "A", "A", "A"},
       [](const Bench& b) {
         return V{b.make(FIN | ACK, b.R() - 1, b.U()), b.make(FIN | ACK, b.R() - 1, b.S())};
       }},
  };
}

}  // namespace tiptoe::tcp
