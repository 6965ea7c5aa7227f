// SPDX-License-Identifier: Apache-2.0
#include "tiptoe/choices.hpp"

#include <algorithm>
#include <array>

namespace tiptoe {
namespace {

template <std::size_t N>
using Answers = std::array<std::string_view, N>;

constexpr Answers<2> class_e_addresses = {"refused", "unicast"};
constexpr Answers<2> datagrams_for_others = {"discarded", "forwarded"};
constexpr Answers<2> foreign_local_address = {"refused", "unused"};
constexpr Answers<3> full_backlog = {"silence", "reset", "unlimited"};
constexpr Answers<2> isn_clock = {"4us", "faster"};
constexpr Answers<2> malformed_ip_options = {"skipped", "discarded"};
constexpr Answers<3> malformed_tcp_options = {"skipped", "discarded", "reset"};
constexpr Answers<2> own_address_as_source = {"discarded", "answered"};
constexpr Answers<2> r2 = {"count", "time"};
constexpr Answers<2> syn_fin_in_listen = {"answered", "discarded"};
constexpr Answers<2> time_wait_reuse = {"from_rcv_nxt", "above_rcv_nxt"};
constexpr Answers<2> user_timeout = {"exact", "next_timer"};
constexpr Answers<2> zero_window_probe = {"text", "empty"};

constexpr std::array kChoices = {
    Choice{
        "class_e_addresses", class_e_addresses,
        "whether 240.0.0.0/4 holds addresses of hosts: reserved for experimental use, but not in the list of special "
        "cases (RFC 1122 3.2.1.3)"},
    Choice{
        "datagrams_for_others", datagrams_for_others,
        "what becomes of a datagram for another host: a host discards it (RFC 1122 3.2.1.3), one that is a router as "
        "well sends it on (RFC 1122 3.1)"},
    Choice{
        "foreign_local_address", foreign_local_address,
        "what OPEN says to a local address that is not the host's: no RFC asks for an error, only that no datagram has "
        "it as source (RFC 1122 3.2.1.3)"},
    Choice{"full_backlog", full_backlog,
           "what a SYN meets when as many connections wait for ACCEPT as the listener asked for: a backlog is not "
           "described in the standards documents, and differences are acceptable (RFC 4987 2.1)"},
    Choice{"isn_clock", isn_clock,
           "how fast the clock in the ISN is: it typically increments at least once every roughly 4 microseconds (RFC "
           "9293 3.4.1)"},
    Choice{"malformed_ip_options", malformed_ip_options,
           "a datagram whose IPv4 options cannot be parsed: options that are not understood are ignored (RFC 1122 "
           "3.2.1.8), and a host that cannot process a header discards the datagram (RFC 792, Parameter Problem)"},
    Choice{
        "malformed_tcp_options", malformed_tcp_options,
        "a segment with an option of illegal length: a TCP must be prepared for it, and a reset is suggested (RFC 9293 "
        "3.1, MUST-7)"},
    Choice{
        "own_address_as_source", own_address_as_source,
        "a datagram with the device's own address as source: not in the list of addresses that are invalid there (RFC "
        "1122 3.2.1.3), but a well-known attack"},
    Choice{"r2", r2,
           "how R2 is measured: as a count of retransmissions, or in time units (RFC 9293 3.8.3), looked at when the "
           "timer "
           "fires"},
    Choice{"syn_fin_in_listen", syn_fin_in_listen,
           "a SYN with FIN in LISTEN: other control is processed in SYN_RECEIVED (RFC 9293 3.10.7.2), or the segment, "
           "which "
           "no TCP sends, is discarded as if it had been lost"},
    Choice{"time_wait_reuse", time_wait_reuse,
           "the lowest SYN that reopens a connection in TIME_WAIT: greater than the last sequence number seen (RFC "
           "6191 2), "
           "which RCV.NXT is, or greater than RCV.NXT"},
    Choice{"user_timeout", user_timeout,
           "when a connection ends whose user timeout has expired: at once, or when the next timer fires (RFC 9293 "
           "3.9.1.1 "
           "and 3.10.8 set no bound)"},
    Choice{"zero_window_probe", zero_window_probe,
           "what a probe of a zero window carries: text from SND.UNA on (RFC 9293 3.8.6.1), or nothing at SND.UNA - 1, "
           "which draws the same ACK"},
};

}  // namespace

std::span<const Choice> all_choices() noexcept { return kChoices; }

const Choice* find_choice(std::string_view name) noexcept {
  const auto* const it = std::ranges::find(kChoices, name, &Choice::name);
  return it == kChoices.end() ? nullptr : &*it;
}

const std::map<std::string, std::string>& engine_choices() {
  static const std::map<std::string, std::string> all = [] {
    std::map<std::string, std::string> out;
    for (const Choice& c : kChoices) out.emplace(c.name, c.answers.front());
    return out;
  }();
  return all;
}

}  // namespace tiptoe
