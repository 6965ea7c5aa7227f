// SPDX-License-Identifier: Apache-2.0
// How the tester brings a device into each of the eleven states, and how it asks, as a stranger would, where it is.
#include <algorithm>

#include "tiptoe/conformance/tester.hpp"

namespace tiptoe::conformance {

namespace {
constexpr std::uint64_t retransmission = 64'000'000;  // the longest a repetition may take to come
constexpr std::uint64_t no_retransmission = 3'000'000;
}  // namespace

void Conn::reach(State state, Role role) {
  if (state == State::closed) return;
  if (state == State::listen) return listen();
  if (role == Role::passive) {
    if (state == State::syn_sent) tester_->fail("SYN_SENT has no passive role (a defect of the case)");
    if (!listener && !tester_->listeners_.contains(device.port)) listen();
    send_syn();
    expect_syn_ack();
    if (state == State::syn_received) return;
    send_ack();
    if (!listener) listener = tester_->listeners_[device.port];
    expect_notification(Notification::accept);
    accept();
  } else {
    open();
    expect_syn();
    if (state == State::syn_sent) return;
    if (state == State::syn_received) {  // SYNs cross
      send_syn();
      meet_simultaneous_open();
      expect_syn_ack();
      return;
    }
    Segment s{.seq = isn, .flags = SYN | ACK};
    if (mss) s.options = Options().mss(*mss);
    send(std::move(s));
    expect_ack();
  }
  expect_notification(Notification::connected);
  reach_from_established(state);
}

/// MUST-10 is judged by the cases that name it. For others a device that leaves a crossing SYN without answer has no
/// such state.
void Conn::meet_simultaneous_open() {
  const auto& rules = tester_->the_case().rules;
  if (std::find(rules.begin(), rules.end(), "MUST-10") != rules.end()) return;
  auto first = tester_->take(tester_->patience(at_once));
  if (!first) {
    tester_->inapplicable(
        "the case begins in SYN_RECEIVED after a simultaneous open, which the device does not do (MUST-10 is judged by "
        "cases of its own)");
  }
  tester_->held_.push_front(*std::move(first));
}

void Conn::reach_from_established(State state) {
  switch (state) {
    case State::established: return;
    case State::fin_wait_1:
    case State::fin_wait_2:
    case State::closing:
    case State::time_wait:
      close();
      expect_fin();
      if (state == State::fin_wait_1) return;
      if (state == State::closing) {
        send_fin(S - 1);
        expect_ack();
        return;
      }
      send_ack();
      if (state == State::fin_wait_2) {
        tester_->expect_nothing(0);
        return;
      }
      send_fin();
      expect_delayed_ack();
      return;
    case State::close_wait:
    case State::last_ack:
      send_fin();
      expect_delayed_ack();
      expect_notification(Notification::peer_fin);
      if (state == State::close_wait) return;
      close();
      expect_fin();
      return;
    default: tester_->fail("no way to this state (a defect of the case)");
  }
}

void Conn::probe_data_both_ways(State state) {
  send_text(1);
  expect_delayed_ack();
  if (handle && tester_->can_read(*this)) user_receive(1);
  if (state == State::established && handle && tester_->can_send(*this)) {
    user_send(1);
    expect_text(1);
    send_ack();
    tester_->expect_nothing(0);
  }
}

void Conn::probe_gone() {
  send({.seq = R, .ack = S, .flags = ACK});
  expect_rst(S);
  if (handle && *handle != own_handle && tester_->can("status")) status(CallStatus::no_connection);
}

void Conn::probe_state(State state) {
  tester_->step(std::string("probing for ") + to_string(state));
  switch (state) {
    case State::closed: probe_gone(); break;
    case State::listen: {
      Conn& other = tester_->add_conn(device, {peer.ip, tester_->next_port_});
      other.send({.seq = other.isn, .ack = 4711, .flags = ACK});
      other.expect_rst(4711);
      other.send_syn();
      other.expect_syn_ack();
      other.send({.flags = RST});
      tester_->expect_nothing(0);
      break;
    }
    case State::syn_sent:
      send({.ack = iss + 100, .flags = ACK});
      expect_rst(iss + 100);
      expect_status(state);
      expect_syn(retransmission);
      break;
    case State::syn_received:
      expect_status(state);
      expect_syn_ack(retransmission);
      break;
    case State::established:
      expect_status(state);
      probe_data_both_ways(state);
      break;
    case State::fin_wait_1:
      expect_status(state);
      expect_loose({.ack = R, .flags_set = FIN | ACK, .flags_clear = SYN | RST}, retransmission);
      send({.seq = R, .ack = S - 1, .flags = ACK | PSH, .payload = peer_text(peer_offset(R), 1)});
      took(R + 1);
      expect_delayed_ack();
      if (handle && tester_->can_read(*this)) user_receive(1);
      break;
    case State::fin_wait_2:
      expect_status(state);
      tester_->expect_nothing(no_retransmission);
      probe_data_both_ways(state);
      if (handle && *handle != own_handle && tester_->can("send")) offer(1, CallStatus::closing);
      break;
    case State::close_wait:
      expect_status(state);
      send({.seq = R - 1, .flags = FIN | ACK});
      expect_ack();
      if (handle && tester_->can_send(*this)) {
        user_send(1);
        expect_text(1);
        send_ack();
        tester_->expect_nothing(0);
      }
      break;
    case State::closing:
      expect_status(state);
      expect_fin_again(retransmission);
      send_ack();
      send({.seq = R - 1, .flags = FIN | ACK});
      expect_ack();
      tester_->expect_nothing(no_retransmission);
      break;
    case State::last_ack:
      expect_status(state);
      expect_fin_again(retransmission);
      send_ack();
      probe_gone();
      break;
    case State::time_wait:
      expect_status(state);
      send({.seq = R - 1, .flags = FIN | ACK});
      expect_ack();
      tester_->expect_nothing(no_retransmission);
      break;
    default: tester_->fail("no probe for this state (a defect of the case)");
  }
  if (state != State::listen && state != State::closed && state != State::closing && state != State::last_ack) {
    expect_status(state);
  }
  tester_->step_.clear();
}

}  // namespace tiptoe::conformance
