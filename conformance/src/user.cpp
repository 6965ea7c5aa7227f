// SPDX-License-Identifier: Apache-2.0
// User calls and notifications: the device's other side.
#include <algorithm>

#include "tiptoe/conformance/tester.hpp"
#include "words.hpp"

namespace tiptoe::conformance {

const Handle& Conn::need_handle() const {
  if (!handle) tester_->fail("the tester has no handle of connection " + name() + " (a defect of the case)");
  return *handle;
}

CallResult Conn::answered(const std::string& call, CallResult result, CallStatus expected) {
  std::string text = "user -> " + call + ": " + to_string(result.status);
  if (result.length != 0 || !result.data.empty()) {
    text += ", " + std::to_string(std::max<std::size_t>(result.length, result.data.size())) + " octets";
  }
  tester_->note(text);
  tester_->last_sent_ = "the user call " + call + " " + tester_->when();
  tester_->drain_notifications();
  if (result.status != expected) {
    tester_->fail(call + " returned " + to_string(result.status) + " " + tester_->when() + ", expected " +
                  to_string(expected));
  }
  return result;
}

void Conn::listen(OpenArgs extra) {
  if (listen_by_itself(extra)) return;
  const unsigned most = tester_->capabilities().listeners;
  if (most != 0 && tester_->listeners_.size() >= most) {
    tester_->inapplicable("the case needs " + std::to_string(most + 1) + " listeners, the device has " +
                          std::to_string(most) + " (capability listeners)");
  }
  tester_->nothing_pending("the user listens");
  extra.local_port = device.port;
  listener =
      answered("OPEN passive, port " + std::to_string(device.port), tester_->dut().open_passive(extra), CallStatus::ok)
          .handle;
  tester_->listeners_[device.port] = *listener;
}

CallResult Conn::open(CallStatus expected, OpenArgs extra) {
  if (!tester_->can("open")) {
    open_by_itself(expected, extra);
    return {.handle = own_handle};
  }
  need_place();
  tester_->nothing_pending("the user opens");
  if (extra.local_ip == 0 && device.ip != device_ip) extra.local_ip = device.ip;
  extra.local_port = device.port;
  extra.remote_ip = peer.ip;
  extra.remote_port = peer.port;
  CallResult result = answered("OPEN active, port " + std::to_string(device.port) + " to " + name(),
                               tester_->dut().open_active(extra), expected);
  if (result) handle = result.handle;
  if (result) alive_ = true;
  return result;
}

CallResult Conn::accept(CallStatus expected) {
  if (!listener) {
    const auto it = tester_->listeners_.find(device.port);
    if (it == tester_->listeners_.end()) tester_->fail("nobody listens on the port (a defect of the case)");
    listener = it->second;
  }
  tester_->settle();
  if (*listener == own_handle) {
    if (expected != CallStatus::ok) not_by_itself("ACCEPT");
    handle = own_handle;
    return {.handle = own_handle};
  }
  tester_->need_call("accept", "ACCEPT");
  CallResult got = tester_->dut().accept(*listener);
  if (expected == CallStatus::ok && !tester_->can("notifications")) {  // nobody tells when it is there
    const std::uint64_t until = tester_->now() + tester_->patience(at_once);
    while (got.status == CallStatus::would_block && tester_->now() < until) {
      tester_->dut().advance(std::min<std::uint64_t>(until - tester_->now(), 100));
      got = tester_->dut().accept(*listener);
    }
  }
  CallResult result = answered("ACCEPT", std::move(got), expected);
  if (result) handle = result.handle;
  return result;
}

CallResult Conn::offer(std::size_t n, CallStatus expected) {
  if (application() != nullptr) not_by_itself("SEND");
  tester_->need_call("send", "SEND");
  tester_->settle();
  const Bytes text = user_text(user_supplied, n);
  // The octets count as supplied before the call: the device may send them before it answers.
  user_supplied += n;
  CallResult result = tester_->dut().send(need_handle(), text);
  user_supplied -= n - (result ? result.length : 0);
  return answered("SEND " + std::to_string(n), std::move(result), expected);
}

void Conn::need_send_buffer(std::size_t n) {
  if (!send_buffer_) {
    if (tester_->capabilities().send_buffer != 0) {
      send_buffer_ = tester_->capabilities().send_buffer;
    } else {
      if (user_supplied != 0 || application() != nullptr || !tester_->can("status")) return;
      tester_->settle();
      const CallResult empty = tester_->dut().status(need_handle());
      if (!empty || empty.room == 0) return;  // the device does not tell
      send_buffer_ = empty.room;
    }
  }
  const std::uint64_t acknowledged = iss_known && U != iss ? user_offset(U) : 0;
  const std::uint64_t held = user_supplied - std::min(acknowledged, user_supplied);
  if (held + n > *send_buffer_) {
    tester_->inapplicable("the case needs a send buffer of " + std::to_string(held + n) + " octets, the device's has " +
                          std::to_string(*send_buffer_));
  }
}

void Conn::user_send(std::size_t n) {
  if (application() != nullptr) return send_by_echo(n);
  need_send_buffer(n);
  const CallResult result = offer(n);
  if (result.length != n) {
    tester_->fail("SEND of " + std::to_string(n) + " octets took " + std::to_string(result.length));
  }
}

CallResult Conn::receive(std::uint32_t max, CallStatus expected) {
  if (application() != nullptr) not_by_itself("RECEIVE");
  tester_->need_call("receive", "RECEIVE");
  tester_->settle();
  CallResult result = answered("RECEIVE " + std::to_string(max), tester_->dut().receive(need_handle(), max), expected);
  if (result.data.size() > max) {
    tester_->fail("RECEIVE of " + std::to_string(max) + " gave " + std::to_string(result.data.size()) + " octets");
  }
  const Bytes right = peer_text(user_read, result.data.size());
  if (check_text && result.data != right) {
    const auto at = std::mismatch(right.begin(), right.end(), result.data.begin());
    tester_->fail("octet " + std::to_string(user_read + static_cast<std::uint64_t>(at.first - right.begin())) +
                  " of the stream reached the user as " + std::to_string(*at.second) + ", the tester sent " +
                  std::to_string(*at.first));
  }
  user_read += result.data.size();
  read_since_window_ = true;
  return result;
}

void Conn::user_receive(std::size_t n) {
  if (application() != nullptr) return receive_by_itself(n);
  tester_->need_call("receive", "RECEIVE");
  const std::uint64_t until = tester_->now() + (tester_->capabilities().real_time ? tester_->patience(at_once) : 0);
  std::size_t got = 0;
  while (got < n) {
    const std::size_t now = receive(static_cast<std::uint32_t>(n - got)).data.size();
    if (now == 0 && tester_->now() >= until) break;
    if (now == 0) tester_->dut().advance(100);
    got += now;
  }
  if (got != n) {
    tester_->fail("the user read " + std::to_string(got) + " octets, there should be " + std::to_string(n));
  }
}

CallResult Conn::close(CallStatus expected, bool half) {
  if (application() != nullptr) {
    close_by_itself(expected, half);
    return {};
  }
  tester_->need_call(half ? "half_close" : "close", half ? "CLOSE half" : "CLOSE");
  tester_->settle();
  return answered(half ? "CLOSE half" : "CLOSE", tester_->dut().close(need_handle(), half), expected);
}

CallResult Conn::abort(CallStatus expected) {
  if (application() != nullptr) not_by_itself("ABORT");
  tester_->need_call("abort", "ABORT");
  tester_->settle();
  return answered("ABORT", tester_->dut().abort(need_handle()), expected);
}

CallResult Conn::status(CallStatus expected) {
  if (application() != nullptr) not_by_itself("STATUS");
  tester_->need_call("status", "STATUS");
  tester_->settle();
  return answered("STATUS", tester_->dut().status(need_handle()), expected);
}

CallResult Conn::set_options(bool nodelay, bool keepalive, CallStatus expected) {
  if (application() != nullptr) not_by_itself("setting options of the connection");
  tester_->need_call("set_options", "an option of a connection");
  tester_->settle();
  return answered(std::string("SETOPT") + (nodelay ? " nodelay" : "") + (keepalive ? " keepalive" : ""),
                  tester_->dut().set_options(need_handle(), nodelay, keepalive), expected);
}

void Conn::expect_status(State state) {
  if (!handle || *handle == own_handle || !tester_->can("status") || !tester_->can("state")) return;
  tester_->settle();
  CallResult result = tester_->dut().status(*handle);
  if (state == State::time_wait && result.status == CallStatus::no_connection) {  // the handle's life may be over
    answered("STATUS", std::move(result), CallStatus::no_connection);
    return;
  }
  result = answered("STATUS", std::move(result), CallStatus::ok);
  if (result.state != state && result.state != State::unknown) {
    tester_->fail(std::string("STATUS tells ") + to_string(result.state) + ", it should be " + to_string(state));
  }
}

// ---- notifications

bool Conn::told() const { return tester_->can("notifications") && application() == nullptr; }

std::uint16_t Conn::pending_notifications() {
  if (!told()) tester_->need_call("notifications", "to know what the user is told");
  tester_->settle();
  tester_->drain_notifications();
  std::uint16_t flags = 0;
  if (handle) flags = static_cast<std::uint16_t>(flags | tester_->notified_[handle->value]);
  if (listener)
    flags = static_cast<std::uint16_t>(flags | (tester_->notified_[listener->value] & Notification::accept));
  return flags;
}

std::uint16_t Conn::take_notifications() {
  const std::uint16_t flags = pending_notifications();
  if (handle) tester_->notified_[handle->value] = 0;
  if (listener) tester_->notified_[listener->value] = 0;
  return flags;
}

void Conn::expect_notification(std::uint16_t flags, std::uint64_t within) {
  if (!told()) return tester_->settle();
  if (tester_->longest_wait_us_ != 0 && tester_->patience(within) > tester_->longest_wait_us_) {
    tester_->too_long(tester_->patience(within));
  }
  const std::uint64_t until = tester_->now() + tester_->patience(within);
  const std::uint64_t step = std::max<std::uint64_t>(tester_->patience(within) / 64, 10);
  while ((pending_notifications() & flags) != flags && tester_->now() < until) {
    tester_->dut().advance(std::min(step, until - tester_->now()));
  }
  const std::uint16_t pending = pending_notifications();
  if ((pending & flags) != flags) {
    tester_->fail("the user was not told " + notification_names(static_cast<std::uint16_t>(flags & ~pending)) +
                  " until " + tester_->when());
  }
  const auto used = static_cast<std::uint16_t>(~flags);
  if (handle) tester_->notified_[handle->value] &= used;
  if (listener && (flags & Notification::accept) != 0) tester_->notified_[listener->value] &= used;
}

void Conn::expect_no_notification(std::uint16_t flags) {
  if (!told()) return;
  const auto unwanted = static_cast<std::uint16_t>(pending_notifications() & flags);
  if (unwanted != 0) tester_->fail("the user was told " + notification_names(unwanted) + ", and should not have been");
}

}  // namespace tiptoe::conformance
