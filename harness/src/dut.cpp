// SPDX-License-Identifier: Apache-2.0
#include "tiptoe/dut.hpp"

namespace tiptoe {

const char* to_string(State state) noexcept {
  switch (state) {
    case State::closed: return "CLOSED";
    case State::listen: return "LISTEN";
    case State::syn_sent: return "SYN_SENT";
    case State::syn_received: return "SYN_RECEIVED";
    case State::established: return "ESTABLISHED";
    case State::fin_wait_1: return "FIN_WAIT_1";
    case State::fin_wait_2: return "FIN_WAIT_2";
    case State::close_wait: return "CLOSE_WAIT";
    case State::closing: return "CLOSING";
    case State::last_ack: return "LAST_ACK";
    case State::time_wait: return "TIME_WAIT";
    case State::unknown: break;
  }
  return "unknown";
}

const char* to_string(CallStatus status) noexcept {
  switch (status) {
    case CallStatus::ok: return "OK";
    case CallStatus::no_connection: return "NO_CONNECTION";
    case CallStatus::exists: return "EXISTS";
    case CallStatus::no_resources: return "NO_RESOURCES";
    case CallStatus::closing: return "CLOSING";
    case CallStatus::remote_unspecified: return "REMOTE_UNSPECIFIED";
    case CallStatus::invalid: return "INVALID";
    case CallStatus::would_block: return "WOULD_BLOCK";
    case CallStatus::aborted: return "ABORTED";
  }
  return "unknown";
}

}  // namespace tiptoe
