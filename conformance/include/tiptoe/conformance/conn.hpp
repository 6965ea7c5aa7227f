// SPDX-License-Identifier: Apache-2.0
// One connection as the tester sees it: the peer's end, with full track of the device's sequence variables.
//
// The variables are those of the catalogue, all of them the device's: R = RCV.NXT, W = RCV.WND, S = SND.NXT, U =
// SND.UNA, M = largest window the tester ever offered. They follow the wire: every segment of the device that an
// expectation takes moves S, R and W; every acceptable ACK of the tester moves U; send_text() and send_fin() move R
// (the device owes that ACK); a raw send() does not move R.
//
// In segments to send, absent fields become: addresses and ports of the connection, SEQ = R, ACK = S (when the ACK flag
// is set), window = `window`. In segments to expect, absent fields become: SEQ = S and ACK = R (not for RST), no text,
// exactly these flags (PSH is free unless named in flags_set / flags_clear). The window is compared when given.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tiptoe/dut.hpp"
#include "tiptoe/segment.hpp"

namespace tiptoe::conformance {

class Tester;

/// The handle of listeners and connections that belong to an application of the device's own.
inline constexpr Handle own_handle{0xFFFF'FFFE};

constexpr std::uint64_t operator""_us(unsigned long long n) { return n; }
constexpr std::uint64_t operator""_ms(unsigned long long n) { return n * 1'000; }
constexpr std::uint64_t operator""_s(unsigned long long n) { return n * 1'000'000; }

/// Stands for RunOptions::at_once_us: the answer needs no timer.
inline constexpr std::uint64_t at_once = ~std::uint64_t{0};
/// No ACK may be delayed by more (MUST-40, RFC5681-4.2-3).
inline constexpr std::uint64_t ack_delay = 500'000;

struct Endpoint {
  std::uint32_t ip = 0;
  std::uint16_t port = 0;
  friend bool operator==(const Endpoint&, const Endpoint&) = default;
};

/// A segment of the device that an expectation took.
struct Received : Segment {
  std::uint64_t time_us = 0;
  std::uint64_t cycle = 0;
  bool with_echo = false;  ///< it also carried text that a service sends back, and that the case does not see
};

/// Which end opens.
enum class Role : std::uint8_t {
  passive,  ///< the device listens, the tester sends the SYN
  active,   ///< the device sends the SYN; for SYN_RECEIVED: SYNs cross
};
const char* to_string(Role) noexcept;

/// What stands on top of a device that has no user calls: its own application.
struct Application {
  const char* key = "";  ///< of the capability file: "service" or "client"
  bool reads = true, echoes = false, closes = true, talks = false;
};

class Conn {
 public:
  Conn(Tester& tester, Endpoint device, Endpoint peer, std::uint32_t isn, std::uint64_t salt);

  /// Forgets everything that has been: the next incarnation of the same 4-tuple, with this ISN.
  void restart(std::uint32_t isn);

  // ---- addresses and handles
  Endpoint device, peer;
  std::optional<Handle> handle;    ///< the device's name of the connection, once the user has it
  std::optional<Handle> listener;  ///< of the passive open

  // ---- sequence variables of the device
  std::uint32_t R = 0, W = 0, S = 0, U = 0, M = 0;
  std::uint32_t iss = 0;  ///< the device's ISS, once its SYN was seen
  std::uint32_t isn = 0;  ///< the tester's ISN = the device's IRS
  bool iss_known = false;

  // ---- what the tester says of itself
  std::uint16_t window = 65535;             ///< goes into every segment that names none
  std::optional<std::uint16_t> mss = 1460;  ///< MSS option of the tester's SYN; none: no option
  std::uint64_t salt = 1;                   ///< of the payload patterns
  bool check_text = true;                   ///< compare every octet the device sends with user_text()
  /// After a RECEIVE the device may tell that its window has moved: <SEQ=S><ACK=R> again with a larger right edge. Such
  /// a segment is taken silently, one per RECEIVE, unless the case wants to see it.
  bool absorb_window_updates = true;

  // ---- payload: octet k of a direction depends on k and the connection only
  Bytes peer_text(std::uint64_t offset, std::size_t n) const;  ///< tester -> device
  Bytes user_text(std::uint64_t offset, std::size_t n) const;  ///< device's user -> tester
  std::uint64_t peer_offset(std::uint32_t seq) const { return seq - (isn + 1); }
  std::uint64_t user_offset(std::uint32_t seq) const { return seq - (iss + 1); }
  std::uint64_t user_supplied = 0;  ///< octets that the device has taken from its user
  std::uint64_t user_read = 0;      ///< octets that the user has read

  // ---- the wire, towards the device
  Segment fill(Segment) const;  ///< with the defaults above
  void send(Segment);  ///< what the device owes must have been taken before: anything else that comes is a failure
  void send_burst(const std::vector<Segment>&);  ///< back to back, no time between
  void send_syn();                               ///< <SEQ=isn><CTL=SYN> with the MSS option
  void send_ack() { send({.flags = ACK}); }      ///< <SEQ=R><ACK=S><CTL=ACK>
  /// In-order text of the pattern, one segment; R moves. More than the peer may send at once goes into several cases.
  void send_text(std::size_t n, std::uint8_t more_flags = 0);
  /// The segment that carries pattern text [seq, seq+n), ready for send(): R does not move.
  Segment text_at(std::uint32_t seq, std::size_t n, std::uint8_t flags = ACK | PSH) const;
  void send_fin(std::optional<std::uint32_t> ack = {});  ///< <SEQ=R><ACK=ack or S><CTL=FIN,ACK>; R moves over it

  // ---- the wire, from the device
  Received expect(const Segment& pattern, std::uint64_t within = at_once);
  /// Compares only what the pattern names (and the addresses).
  Received expect_loose(const Segment& pattern, std::uint64_t within = at_once);
  /// Not before `at`, not after, but for RunOptions::timer_tolerance_us.
  Received expect_at(const Segment& pattern, std::uint64_t at);
  Received expect_ack(std::uint64_t within = at_once) { return expect({.flags = ACK}, within); }
  /// The ACK of in-order text: at once, or up to 500 ms late.
  Received expect_delayed_ack() { return expect({.flags = ACK}, ack_delay); }
  /// n octets of the user's text at S (or at `seq`), in one segment or several, content compared. The last is returned.
  Received expect_text(std::size_t n, std::uint64_t within = at_once, std::optional<std::uint32_t> seq = {});
  Received expect_fin(std::uint64_t within = at_once) { return expect({.flags = FIN | ACK}, within); }
  /// The FIN once more: alone, or at the end of text that comes along with it.
  Received expect_fin_again(std::uint64_t within);
  Received expect_syn(std::uint64_t within = at_once);      ///< <SEQ=ISS><CTL=SYN>; the first one sets iss, S, U
  Received expect_syn_ack(std::uint64_t within = at_once);  ///< <SEQ=ISS><ACK=R><CTL=SYN,ACK>; likewise
  /// <SEQ=seq><CTL=RST>. An ACK field besides draws a remark only: 3.5.2 shows none there, but forbids none.
  Received expect_rst(std::uint32_t seq, std::uint64_t within = at_once);
  Received expect_rst_ack(std::uint32_t seq, std::uint32_t ack, std::uint64_t within = at_once);
  /// The RST that an ABORT or a give-up sends: <SEQ=S>, with or without <ACK=R>.
  Received expect_abort_rst(std::uint64_t within = at_once);
  /// One of several segments, whichever the device chooses: index of the first pattern that matched.
  std::size_t expect_one_of(const std::vector<Segment>& patterns, std::uint64_t within = at_once);
  /// Takes the segment if it is what comes first within the time; any other segment is a failure.
  std::optional<Received> allow(const Segment& pattern, std::uint64_t within = at_once);

  // ---- user calls (device side); the expected status is part of the case
  void listen(OpenArgs extra = {});  ///< passive OPEN on device.port; backlog etc. from `extra`
  CallResult open(CallStatus expected = CallStatus::ok, OpenArgs extra = {});  ///< active OPEN to peer
  CallResult accept(CallStatus expected = CallStatus::ok);                     ///< sets handle
  /// Ends the case as inapplicable when the device's buffer can't hold n octets more than it has to hold now.
  void need_send_buffer(std::size_t n);
  void need_receive_buffer(std::size_t n);
  /// Likewise when text does not stay in the device until the case reads it.
  void need_unread() const;
  void user_send(std::size_t n);                                          ///< all n octets must be taken
  CallResult offer(std::size_t n, CallStatus expected = CallStatus::ok);  ///< as many as it takes: result.length
  void user_receive(std::size_t n);                                       ///< exactly n octets, content compared
  CallResult receive(std::uint32_t max, CallStatus expected = CallStatus::ok);
  CallResult close(CallStatus expected = CallStatus::ok, bool half = false);
  CallResult abort(CallStatus expected = CallStatus::ok);
  CallResult status(CallStatus expected = CallStatus::ok);
  CallResult set_options(bool nodelay, bool keepalive, CallStatus expected = CallStatus::ok);
  /// STATUS must tell this state (nothing on devices that have no STATUS).
  void expect_status(State);

  // ---- notifications
  /// All these flags have been, or are within the time, signalled for this connection; they count as used then.
  void expect_notification(std::uint16_t flags, std::uint64_t within = at_once);
  /// None of these flags is pending.
  void expect_no_notification(std::uint16_t flags);
  /// Those that are pending count as used.
  void forget_notifications() {
    if (told()) static_cast<void>(take_notifications());
  }
  bool told() const;  ///< the user of this connection is told of anything at all; otherwise nothing is expected
  std::uint16_t pending_notifications();

  // ---- states
  /// Brings the device there through the wire and user calls alone, from a fresh start. Everything it sends on the way
  /// is checked; nothing is outstanding afterwards (but for the device's unacknowledged SYN or FIN).
  void reach(State, Role = Role::passive);
  /// Asks as a stranger would (catalogue section 3) whether the device is there. Where the state lives on, so does the
  /// connection: SYN_RECEIVED and FIN_WAIT_1 are asked by waiting for their retransmission, data states by an octet
  /// each way. CLOSING becomes TIME_WAIT, LAST_ACK becomes CLOSED, and the tester says so in the failure text.
  void probe_state(State);
  /// No connection any more: <SEQ=R><ACK=S><CTL=ACK> draws <SEQ=S><CTL=RST>; STATUS fails.
  void probe_gone();

  Tester& tester() const { return *tester_; }
  std::string name() const;  ///< "10.0.1.1.40000"

 private:
  friend class Tester;
  Segment strict(Segment) const;
  void note_form(const Segment& pattern, const Received& got);
  Segment addressed(Segment) const;
  void note_sent(const Segment&);
  void note_received(const Received&);
  bool is_window_update(const Segment&) const;
  /// The oldest outstanding segment again, not sooner than its timer allows, on a device that was denied calm timers.
  bool is_due_repetition(const Received&) const;
  std::uint16_t take_notifications();
  // ---- a device with an application of its own (application.cpp)
  const Application* application() const;
  [[noreturn]] void not_by_itself(const std::string& what) const;
  bool listen_by_itself(const OpenArgs& extra);
  void open_by_itself(CallStatus expected, const OpenArgs& extra);
  void send_by_echo(std::size_t n);
  void receive_by_itself(std::size_t n);
  void close_by_itself(CallStatus expected, bool half);
  std::optional<Received> filter(Received);  ///< what the case gets to see of a segment; nothing: take the next one
  std::optional<Received> without_echo(Received);
  bool closes_unasked() const;  ///< its application closes now, and the case has not asked for it
  void need_place();            ///< for one more connection
  void note_edge(std::uint32_t ack, std::uint32_t offered, bool known);
  void took(std::uint32_t up_to);  ///< in-order octets are on the wire: R moves
  Received expect_pattern(Segment, std::uint64_t within);
  Received judged(Segment pattern, std::uint64_t patience, std::uint32_t before, std::optional<Received> got);
  Segment behind_echo(Segment pattern, std::uint32_t before, const Segment& got) const;
  std::string check(const Segment&) const;  ///< what no segment of this connection may violate; empty: fine
  void reach_from_established(State);
  void meet_simultaneous_open();
  const Handle& need_handle() const;
  CallResult answered(const std::string& call, CallResult result, CallStatus expected);
  void probe_data_both_ways(State);

  Tester* tester_;
  std::uint32_t peer_edge_ = 0;     ///< one past the highest octet the tester has sent
  std::uint32_t in_order_end_ = 0;  ///< one past the highest that has reached the device with none missing
  std::uint32_t send_edge_ = 0;     ///< right edge of all windows the tester has offered
  std::uint32_t ack_high_ = 0;      ///< highest ACK of the device
  std::uint32_t window_edge_ = 0;   ///< right edge the device has offered last
  bool send_edge_known_ = false, ack_seen_ = false, read_since_window_ = false;
  std::optional<std::uint32_t> pending_window_;
  std::optional<std::uint64_t> send_buffer_;   ///< octets, once the device has told
  bool alive_ = false;                         ///< as far as the tester knows, it takes a place in the device
  std::optional<std::uint32_t> fin_end_;       ///< one past the tester's FIN
  bool user_closed_ = false;                   ///< the case has called close(); only with an application of its own
  std::optional<Received> held_fin_;           ///< the device's FIN that came before the case called close()
  std::uint32_t own_from_ = 0, own_to_ = 0;    ///< sequence numbers of echoed octets that the case wants to see
  std::optional<std::uint32_t> stimulus_end_;  ///< ACK that an echoed SEND draws, and the case need not see
  std::uint32_t first_window_ = 0;             ///< that the device has offered
  bool wrong_ack_ = false;                     ///< the tester has answered the SYN with an ACK of something else
  std::uint64_t last_sequence_us_ = 0;         ///< when a segment came that takes sequence numbers
};

}  // namespace tiptoe::conformance
