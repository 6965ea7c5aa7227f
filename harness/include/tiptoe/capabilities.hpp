// SPDX-License-Identifier: Apache-2.0
// What a device has: the contents of a capability file (docs/plug-in.md). Cases choose themselves by it.
//
//   Capabilities c;                       // everything, as the engine has it
//   c.calls.erase("abort");
//   c.fixed["RTO_MIN"] = 200'000;         // microseconds; can't be changed
//
// The defaults are those of the built-in engine, so that a device that says nothing is judged by everything.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace tiptoe {

struct Capabilities {
  std::string name{};
  std::string description{};

  // ---- level L1. Names of user calls: listen open accept send receive close half_close abort status set_options
  // notifications (the device tells of connections by itself), state (STATUS tells the RFC 9293 state).
  static const std::set<std::string>& all_calls() {
    static const std::set<std::string> all = {"listen",     "open",  "accept", "send",        "receive",       "close",
                                              "half_close", "abort", "status", "set_options", "notifications", "state"};
    return all;
  }
  std::set<std::string> calls = all_calls();
  bool calls_promised = false;  ///< `calls` was written down, not assumed: a device that lacks one of them is refused

  // ---- level L0: what the device does by itself
  struct Service {           ///< it listens on this port, always
    std::uint16_t port = 0;  ///< host order
    bool reads = true;       ///< its application takes what arrives, at once
    bool echoes = false;     ///< … and sends it back
    bool closes = true;      ///< … and closes when the peer has closed
    bool talks = false;      ///< it sends text of its own as soon as the connection is there
  };
  std::optional<Service> service{};
  struct Client {                         ///< it opens connections by itself
    std::uint16_t port = 0;               ///< to this port of the tester
    std::uint64_t within_us = 1'000'000;  ///< the SYN comes this soon after reset
    bool reads = true;
    bool closes = true;
  };
  std::optional<Client> client{};

  // ---- the wire
  bool ethernet = false;                   ///< frames instead of datagrams; the harness answers ARP
  std::vector<std::uint32_t> addresses{};  ///< its own, host order; empty: settings LOCAL_IP0 … LOCAL_IP3
  std::vector<std::uint32_t> peers{};      ///< addresses that the tester takes, host order; empty: its own
  unsigned mtu = 1500;                     ///< octets of a datagram

  // ---- time
  bool real_time = false;                    ///< its time is wall time
  std::uint64_t at_once_us = 1'000;          ///< how long an answer may take that needs no timer
  std::uint64_t timer_tolerance_us = 2'000;  ///< how far a timer may be off
  std::uint64_t quiet_us = 10'000;           ///< silence that must follow the end of a case
  std::uint64_t longest_wait_us = 0;         ///< cases that must wait longer are inapplicable; 0: no limit

  // ---- limits; 0: as many as a case asks for
  unsigned connections = 0;
  unsigned listeners = 0;
  std::uint64_t send_buffer = 0;     ///< octets
  std::uint64_t receive_buffer = 0;  ///< octets

  // ---- settings (register names of docs/microarchitecture.md section 12, FEATURES bits by their own names)
  bool all_settings = true;                      ///< it has all of them
  std::set<std::string> settable{};              ///< otherwise: these can be set …
  std::map<std::string, std::uint64_t> fixed{};  ///< … and these have a value of their own that can't be changed
  bool all_counters = true;
  std::set<std::string> counters{};  ///< otherwise: these are there

  // ---- what the RFCs leave open (choices.hpp): question -> the device's answer; where it says none, each is accepted
  std::map<std::string, std::string> choices{};

  bool can(const std::string& call) const { return calls.count(call) != 0; }
};

}  // namespace tiptoe
