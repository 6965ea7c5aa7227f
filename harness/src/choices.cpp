// SPDX-License-Identifier: Apache-2.0
#include "tiptoe/choices.hpp"

#include <algorithm>
#include <array>

namespace tiptoe {
namespace {

template <std::size_t N>
using Answers = std::array<std::string_view, N>;

constexpr Answers<2> ack_below_window = {"dropped", "used"};
constexpr Answers<2> ack_never_sent = {"taken", "refused"};
constexpr Answers<2> across_window = {"trimmed", "dropped"};
constexpr Answers<2> beyond_window = {"refused", "taken"};
constexpr Answers<2> class_e_addresses = {"refused", "unicast"};
constexpr Answers<2> datagrams_for_others = {"discarded", "forwarded"};
constexpr Answers<2> fast_recovery = {"inflation", "proportional"};
constexpr Answers<2> flight = {"window", "segment"};
constexpr Answers<2> foreign_local_address = {"refused", "unused"};
constexpr Answers<3> full_backlog = {"silence", "reset", "unlimited"};
constexpr Answers<2> gap_filling_ack = {"at_once", "delayed"};
constexpr Answers<2> isn_clock = {"4us", "faster"};
constexpr Answers<2> malformed_ip_options = {"skipped", "discarded"};
constexpr Answers<3> malformed_tcp_options = {"skipped", "discarded", "reset"};
constexpr Answers<2> orphans = {"reset", "kept"};
constexpr Answers<2> own_address_as_source = {"discarded", "answered"};
constexpr Answers<2> partial_ack = {"rest", "whole"};
constexpr Answers<2> probe_interval = {"rto", "own"};
constexpr Answers<2> push = {"last", "any"};
constexpr Answers<2> r2 = {"count", "time"};
constexpr Answers<2> recovery_exit = {"threshold", "one_more"};
constexpr Answers<2> repeated_timeout = {"held", "lowered"};
constexpr Answers<2> silly_window = {"half", "segment"};
constexpr Answers<2> slow_start_growth = {"segment", "octets"};
constexpr Answers<2> syn_fin_in_listen = {"answered", "discarded"};
constexpr Answers<2> syn_lost_window = {"one", "kept"};
constexpr Answers<2> syn_text = {"kept", "dropped"};
constexpr Answers<2> time_wait_no_ack = {"silence", "ack"};
constexpr Answers<2> time_wait_reuse = {"from_rcv_nxt", "above_rcv_nxt"};
constexpr Answers<2> time_wait_rst = {"challenge", "ignored"};
constexpr Answers<2> user_timeout = {"exact", "next_timer"};
constexpr Answers<2> zero_window_probe = {"text", "empty"};

constexpr std::array kChoices = {
    Choice{
        "ack_below_window", ack_below_window,
        "whether the ACK field of a segment that ends just below RCV.NXT counts: RFC 9293 3.10.7.4 drops the segment; "
        "A.2 knows that simultaneous open and close want the ACK, and leaves the cure open"},
    Choice{"ack_never_sent", ack_never_sent,
           "whether an ACK inside SND.UNA - MAX.SND.WND that no octet ever sent belongs to is taken (RFC 5961 5.2: "
           "acceptable only if inside, not always if inside)"},
    Choice{"across_window", across_window,
           "what becomes of text in order that is longer than the window: its beginning is taken, or the segment is "
           "refused whole and has to come again (RFC 9293 3.10.7.4, first check: one could trim)"},
    Choice{"beyond_window", beyond_window,
           "what becomes of segments just beyond the window that was told last: refused, or taken by a receiver that "
           "holds more room than it has told (RFC 9293 3.8.6.2.2); for RST see also 'outside' in RFC 5961 3.2"},
    Choice{
        "class_e_addresses", class_e_addresses,
        "whether 240.0.0.0/4 holds addresses of hosts: reserved for experimental use, but not in the list of special "
        "cases (RFC 1122 3.2.1.3)"},
    Choice{
        "datagrams_for_others", datagrams_for_others,
        "what becomes of a datagram for another host: a host discards it (RFC 1122 3.2.1.3), one that is a router as "
        "well sends it on (RFC 1122 3.1)"},
    Choice{"fast_recovery", fast_recovery,
           "how many new segments the duplicate ACKs of fast recovery release: by an inflated window (RFC 5681 3.2), "
           "or in proportion to what has arrived (RFC 6937; RFC 5681 4.3 and RFC 9293 MAY-18 allow others)"},
    Choice{"flight", flight,
           "how much is out at a time: what the windows allow, or one segment, and a FIN when that is acknowledged "
           "(RFC 5681 2 and 3 bound it from above only)"},
    Choice{
        "foreign_local_address", foreign_local_address,
        "what OPEN says to a local address that is not the host's: no RFC asks for an error, only that no datagram has "
        "it as source (RFC 1122 3.2.1.3)"},
    Choice{"full_backlog", full_backlog,
           "what a SYN meets when as many connections wait for ACCEPT as the listener asked for: a backlog is not "
           "described in the standards documents, and differences are acceptable (RFC 4987 2.1)"},
    Choice{
        "gap_filling_ack", gap_filling_ack,
        "whether a segment that fills a gap is acknowledged at once or like other text (RFC 5681 4.2: SHOULD at once)"},
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
    Choice{"orphans", orphans,
           "what becomes of connections that wait for ACCEPT when their listener is closed: reset, or kept as long as "
           "their peers want (RFC 9293 3.10.4 closes the listener, and knows no backlog)"},
    Choice{
        "own_address_as_source", own_address_as_source,
        "a datagram with the device's own address as source: not in the list of addresses that are invalid there (RFC "
        "1122 3.2.1.3), but a well-known attack"},
    Choice{"partial_ack", partial_ack,
           "what is repeated after an ACK in the middle of a segment: what is left of it, or all of it (RFC 9293 "
           "3.10.7.4: entirely acknowledged segments are removed)"},
    Choice{"probe_interval", probe_interval,
           "how long it is between probes of a zero window: the RTO, doubled each time, or a series of its own that "
           "grows exponentially (RFC 9293 3.8.6.1, SHLD-30)"},
    Choice{"push", push,
           "which segments of a SEND have PSH: the last one, which must (RFC 9293 3.9.1.2, MUST-61), or others, too"},
    Choice{"r2", r2,
           "how R2 is measured: as a count of retransmissions, or in time units (RFC 9293 3.8.3), looked at when the "
           "timer "
           "fires"},
    Choice{"recovery_exit", recovery_exit,
           "the window after fast recovery: ssthresh (RFC 5681 3.2, step 6), or a segment more, which the full ACK "
           "adds by congestion avoidance"},
    Choice{"repeated_timeout", repeated_timeout,
           "whether ssthresh is held when the same segment times out again (RFC 5681 3.1), or lowered once more "
           "(section 3: a sender may be more conservative)"},
    Choice{"silly_window", silly_window,
           "whether half of the largest window ever offered is enough to send into, or a whole segment is waited for "
           "until a timeout (RFC 9293 3.8.6.2.1: recommended rules, MUST-38 for some algorithm)"},
    Choice{"slow_start_growth", slow_start_growth,
           "how much an ACK of several segments opens the window in slow start: one segment (RFC 5681 3.1), or what it "
           "acknowledges (RFC 3465; RFC 9406 4.2; RFC 9293 MAY-18)"},
    Choice{"syn_fin_in_listen", syn_fin_in_listen,
           "a SYN with FIN in LISTEN: other control is processed in SYN_RECEIVED (RFC 9293 3.10.7.2), or the segment, "
           "which "
           "no TCP sends, is discarded as if it had been lost"},
    Choice{"syn_lost_window", syn_lost_window,
           "the initial window after one lost SYN or SYN,ACK: one segment (RFC 5681 3.1), or as always (RECOMMENDED by "
           "RFC 6928 2)"},
    Choice{"syn_text", syn_text,
           "whether text that comes with the SYN,ACK is kept, or dropped and has to come again (RFC 9293 3.10.7.3)"},
    Choice{"time_wait_no_ack", time_wait_no_ack,
           "whether a segment without ACK in TIME_WAIT is dropped (RFC 9293 3.10.7.4, fifth check) or draws an ACK, as "
           "text does where nothing can be received any more (first check, RCV.WND = 0)"},
    Choice{"time_wait_reuse", time_wait_reuse,
           "the lowest SYN that reopens a connection in TIME_WAIT: greater than the last sequence number seen (RFC "
           "6191 2), "
           "which RCV.NXT is, or greater than RCV.NXT"},
    Choice{"time_wait_rst", time_wait_rst,
           "whether a RST inside the window in TIME_WAIT draws a challenge ACK (RFC 5961 3.2) or is ignored (RFC 1337 "
           "F1)"},
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
