// SPDX-License-Identifier: Apache-2.0
// The tester: the side of the wire that faces the device, and the user on top of it.
//
//   void data_is_acknowledged(Tester& t) {
//     t.reach(State::established);
//     t.send_text(100);           // <SEQ=R><ACK=S><CTL=PSH,ACK><DATA=100>
//     t.expect_delayed_ack();     // <SEQ=S><ACK=R>, at once or within 500 ms
//     t.user_receive(100);        // these very octets
//   }
//
// Every datagram that leaves the device is checked (IPv4 header, checksums, flags, options, sequence and ACK numbers of
// its connection, octets of its text), and **nothing but what is expected may be sent**: before, between or after. At
// the end the runner lets the device settle and listens for a quiet time.
#pragma once

#include <cstdint>
#include <deque>
#include <list>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "tiptoe/conformance/case.hpp"
#include "tiptoe/conformance/conn.hpp"
#include "tiptoe/conformance/runner.hpp"
#include "tiptoe/conformance/verdict.hpp"
#include "tiptoe/dut.hpp"
#include "tiptoe/segment.hpp"
#include "tiptoe/translate.hpp"

namespace tiptoe::conformance {

// The neighbourhood: the device has up to four addresses (LOCAL_IP0 … 3), the tester any other. A device whose
// addresses or port are its own (capabilities) is seen through an AddressMap: cases never know.
inline constexpr std::uint32_t device_ip = 0x0A000001;    ///< 10.0.0.1, LOCAL_IP0
inline constexpr std::uint32_t device_ip_2 = 0x0A000002;  ///< 10.0.0.2, LOCAL_IP1
inline constexpr std::uint32_t peer_ip = 0x0A000101;      ///< 10.0.1.1
inline constexpr std::uint32_t peer_ip_2 = 0x0A000102;    ///< 10.0.1.2
inline constexpr std::uint16_t device_port = 7;           ///< where the device listens
inline constexpr std::uint16_t device_port_2 = 8888;
inline constexpr std::uint16_t peer_port = 40000;
inline constexpr std::uint16_t peer_port_2 = 7777;

class Tester {
 public:
  Tester(Dut& dut, const Case& the_case, const RunOptions& options);
  Tester(const Tester&) = delete;
  Tester& operator=(const Tester&) = delete;

  Dut& dut() { return *dut_; }  ///< through the map of addresses, when there is one
  const Case& the_case() const { return *case_; }
  const RunOptions& options() const { return *options_; }
  /// What the device has. The tester asks by itself wherever a case does something.
  const Capabilities& capabilities() const { return *capabilities_; }
  bool can(const std::string& call) const { return capabilities_->can(call); }
  /// The device may answer this open question so (choices.hpp): it has said that it does, or has said nothing.
  bool may(std::string_view question, std::string_view answer) const;
  /// The device's user can have it send what the case says.
  bool can_send(const Conn& conn) const {
    const Application* own = application(conn);
    return own == nullptr ? can("send") : own->echoes;
  }
  bool can_send() { return can_send(c()); }
  bool can_read(const Conn& conn) const {
    const Application* own = application(conn);
    return own == nullptr ? can("receive") : own->reads;
  }
  /// Ends the case as inapplicable when the device lacks the call.
  void need_call(const std::string& call, const std::string& what) const;

  // ---- connections. c() is the first; the functions below act on it.
  Conn& c() { return conns_.front(); }
  /// One more: other peer port by default, own ISN, own payload pattern.
  Conn& add_conn();
  Conn& add_conn(Endpoint device, Endpoint peer);
  /// A peer that the device has never heard of.
  Conn& stranger() { return add_conn(); }

  std::uint32_t R() { return c().R; }
  std::uint32_t W() { return c().W; }
  std::uint32_t S() { return c().S; }
  std::uint32_t U() { return c().U; }
  std::uint32_t M() { return c().M; }

  void send(const Segment& s) { c().send(s); }
  void send_burst(const std::vector<Segment>& s) { c().send_burst(s); }
  void send_syn() { c().send_syn(); }
  void send_ack() { c().send_ack(); }
  void send_text(std::size_t n, std::uint8_t more_flags = 0) { c().send_text(n, more_flags); }
  Segment text_at(std::uint32_t seq, std::size_t n, std::uint8_t flags = ACK | PSH) {
    return c().text_at(seq, n, flags);
  }
  void send_fin(std::optional<std::uint32_t> ack = {}) { c().send_fin(ack); }
  Received expect(const Segment& p, std::uint64_t within = at_once) { return c().expect(p, within); }
  Received expect_loose(const Segment& p, std::uint64_t within = at_once) { return c().expect_loose(p, within); }
  Received expect_at(const Segment& p, std::uint64_t at) { return c().expect_at(p, at); }
  Received expect_ack(std::uint64_t within = at_once) { return c().expect_ack(within); }
  Received expect_delayed_ack() { return c().expect_delayed_ack(); }
  Received expect_text(std::size_t n, std::uint64_t within = at_once, std::optional<std::uint32_t> seq = {}) {
    return c().expect_text(n, within, seq);
  }
  Received expect_fin(std::uint64_t within = at_once) { return c().expect_fin(within); }
  Received expect_syn(std::uint64_t within = at_once) { return c().expect_syn(within); }
  Received expect_syn_ack(std::uint64_t within = at_once) { return c().expect_syn_ack(within); }
  Received expect_rst(std::uint32_t seq, std::uint64_t within = at_once) { return c().expect_rst(seq, within); }
  Received expect_rst_ack(std::uint32_t seq, std::uint32_t ack, std::uint64_t within = at_once) {
    return c().expect_rst_ack(seq, ack, within);
  }
  Received expect_abort_rst(std::uint64_t within = at_once) { return c().expect_abort_rst(within); }
  std::size_t expect_one_of(const std::vector<Segment>& p, std::uint64_t within = at_once) {
    return c().expect_one_of(p, within);
  }
  std::optional<Received> allow(const Segment& p, std::uint64_t within = at_once) { return c().allow(p, within); }

  void listen(OpenArgs extra = {}) { c().listen(extra); }
  CallResult open(CallStatus expected = CallStatus::ok, OpenArgs extra = {}) { return c().open(expected, extra); }
  CallResult accept(CallStatus expected = CallStatus::ok) { return c().accept(expected); }
  void user_send(std::size_t n) { c().user_send(n); }
  CallResult offer(std::size_t n, CallStatus expected = CallStatus::ok) { return c().offer(n, expected); }
  void user_receive(std::size_t n) { c().user_receive(n); }
  CallResult receive(std::uint32_t max, CallStatus expected = CallStatus::ok) { return c().receive(max, expected); }
  CallResult close(CallStatus expected = CallStatus::ok, bool half = false) { return c().close(expected, half); }
  CallResult abort(CallStatus expected = CallStatus::ok) { return c().abort(expected); }
  CallResult status(CallStatus expected = CallStatus::ok) { return c().status(expected); }
  void expect_status(State state) { c().expect_status(state); }
  void expect_notification(std::uint16_t flags, std::uint64_t within = at_once) {
    c().expect_notification(flags, within);
  }
  void expect_no_notification(std::uint16_t flags) { c().expect_no_notification(flags); }
  void reach(State state, Role role = Role::passive) { c().reach(state, role); }
  void probe_state(State state) { c().probe_state(state); }
  void probe_gone() { c().probe_gone(); }

  // ---- the wire as a whole
  /// Any datagram, sent as it is. What the device owes must have been taken before.
  void send_raw(ByteView datagram, std::string_view what);
  /// No datagram at all for so long.
  void expect_nothing(std::uint64_t us = at_once);
  /// These segments, all of them, in any order and on any connection (absent fields are not compared).
  std::vector<Received> expect_set(const std::vector<Segment>& patterns, std::uint64_t within = at_once);
  /// The next datagram, if one comes within the time; it has passed every check, but is expected by nobody yet.
  std::optional<Received> next(std::uint64_t within = at_once);

  // ---- time
  std::uint64_t now() { return dut_->now_us(); }
  void advance(std::uint64_t us) { expect_nothing(us); }  ///< lets time pass, in silence
  std::uint64_t tolerance() const { return tolerance_us_; }

  // ---- settings and counters of the device
  /// The value in force: what was set, what the device has for good, or the default of the register. FEATURES bits by
  /// their own names.
  std::uint64_t setting(const std::string& name) const;
  /// The device can't have this wish of the case (Case::wishes).
  bool denied(const std::string& name) const { return denied_.contains(name); }
  void set(const std::string& name, std::uint64_t value);
  std::uint64_t counter(const std::string& name);
  /// How much the counter has grown since the last call for this name (or since the start).
  std::uint64_t counter_growth(const std::string& name);
  /// The counter has grown by `by` since the last call for this name (or since the start).
  void expect_counter(const std::string& name, std::uint64_t by);

  /// Power-on again, with the settings of the case: every connection is forgotten, also by expectations; the numbers in
  /// the connections stay. Time restarts at 0.
  void reset_device();

  // ---- saying things
  /// What the case is doing; appears in the ladder and in the sentence of a failure.
  void step(std::string text);
  [[noreturn]] void fail(const std::string& text);
  /// Nothing has come: "after the tester's … at …, expected: …; nothing came until …".
  [[noreturn]] void fail_silent(const std::string& expected);
  void check(bool condition, const std::string& text) {
    if (!condition) fail(text);
  }
  template <class A, class B>
  void check_equal(const A& actual, const B& expected, const std::string& what);
  [[noreturn]] void inapplicable(const std::string& reason);
  [[noreturn]] void inconclusive(const std::string& reason);
  void remark(std::string text) { remarks_.push_back(std::move(text)); }

  // ---- numbers that depend on the seed only
  std::uint32_t random();
  std::uint32_t random(std::uint32_t below) { return random() % below; }

  // ---- for the runner
  void start();   ///< resets the device with the settings of the case
  void finish();  ///< settle, quiet time, nothing left over
  std::string ladder() const;
  const std::string& last_sent() const { return last_sent_; }  ///< "the tester's <SEQ=1><CTL=SYN> at 0.000001 s"
  std::vector<Datagram> take_frames();                         ///< with the addresses of the wire
  std::vector<std::string> take_remarks() { return std::move(remarks_); }

 private:
  friend class Conn;
  static constexpr std::size_t text_line = static_cast<std::size_t>(-1);  ///< a line that shows no frame
  void record(const Datagram&);
  void inject(const Segment&);
  void inject_bytes(ByteView bytes, const Segment& parsed);
  void nothing_pending(const std::string& before);
  [[noreturn]] void unexpected(const std::string& expected, const Received& got);
  void settle();
  /// The next datagram. Repetitions that are due are passed over when the wish for quiet timers was denied, unless they
  /// match one of `wanted`.
  std::optional<Received> take(std::uint64_t within, const std::vector<Segment>& wanted = {});
  std::string check_datagram(const Segment&) const;
  static std::string check_icmp(ByteView datagram);
  Conn* find(const Segment& from_device);
  void drain_notifications();
  void call_line(const std::string& text);
  void note(std::string text);
  std::string when() const;
  std::string story(const std::string& expected, const Segment* got, std::uint64_t time, std::uint64_t cycle) const;
  std::uint64_t patience(std::uint64_t within) const { return within == at_once ? at_once_us_ : within; }
  [[noreturn]] void too_long(std::uint64_t us) const;
  // ---- capabilities (needs.cpp)
  void translate();
  Settings wanted_settings() const;
  Settings granted(const Settings& all);
  bool can_have(const std::string& name, std::uint64_t value) const;
  void not_twice(const Settings& own) const;
  std::uint64_t bit_in_force(const std::string& bit, std::uint64_t told) const;
  void judge(Settings& out, const std::string& name, const std::string& told, std::uint64_t value,
             std::uint64_t by_default) const;
  bool has_counter(const std::string& name) const;
  bool has_second_address() const;
  void need_second_address() const;
  const Application* application(const Conn&) const;
  void meet_client();
  bool background(const Segment&) const;
  bool is_forwarded(const Datagram&, const Segment& parsed) const;
  void nobody_closes_unasked() const;

  Dut* dut_;
  const Capabilities* capabilities_;
  std::unique_ptr<TranslatedDut> translated_;
  std::uint64_t at_once_us_, tolerance_us_, quiet_us_, longest_wait_us_;
  const Case* case_;
  const RunOptions* options_;
  std::list<Conn> conns_;
  std::vector<Datagram> frames_;
  std::vector<Bytes> wire_;                      ///< the same with the addresses of the wire; only when they differ
  std::deque<Received> held_;                    ///< comes before anything else
  std::optional<Application> service_, client_;  ///< once a case has asked for it
  const Conn* client_conn_ = nullptr;
  std::size_t client_syn_ = static_cast<std::size_t>(-1);  ///< frame with the SYN of a device that opens by itself
  bool counters_skipped_ = false, sent_anything_ = false;
  struct Line {
    std::size_t frame;  ///< index into frames_, or npos for text
    std::string text;
    std::uint64_t time_us;
  };
  void line(Line one);
  std::vector<Line> lines_;
  std::vector<std::string> remarks_;
  std::map<std::uint32_t, std::uint16_t> notified_;  ///< handle -> flags not used yet
  std::map<std::string, std::uint64_t> counters_;
  std::map<std::uint16_t, Handle> listeners_;  ///< by port
  std::string step_;
  std::string last_sent_;
  std::uint64_t random_state_ = 0;
  std::uint16_t next_port_ = 0;
  Settings resolved_;
  std::set<std::string> denied_;  ///< wishes
};

template <class A, class B>
void Tester::check_equal(const A& actual, const B& expected, const std::string& what) {
  if (!(actual == expected)) {
    fail(what + " is " + std::to_string(actual) + ", it should be " + std::to_string(expected));
  }
}

}  // namespace tiptoe::conformance
