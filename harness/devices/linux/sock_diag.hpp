// SPDX-License-Identifier: Apache-2.0
// Asks the kernel for a connection by its four addresses, also one that no socket stands for any more (TIME_WAIT).
//
//   SockDiag diag;                                        // made inside the namespace
//   if (diag.state(tuple) == State::time_wait) ...
#pragma once

#include <cstdint>
#include <optional>

#include "netns.hpp"
#include "tiptoe/dut.hpp"

namespace tiptoe::devices {

/// Local and remote socket, host order.
struct Tuple {
  std::uint32_t local_ip = 0;
  std::uint16_t local_port = 0;
  std::uint32_t remote_ip = 0;
  std::uint16_t remote_port = 0;
  friend bool operator==(const Tuple&, const Tuple&) = default;
};

/// The kernel's number of a TCP state as ours.
State to_state(unsigned kernel) noexcept;

class SockDiag {
 public:
  SockDiag();  ///< in the namespace of the calling thread; throws DutError

  /// None: there is no such connection (a listener on the port does not count).
  std::optional<State> state(const Tuple&);
  /// Ends the connection as `ss --kill` does. False: there is none.
  bool destroy(const Tuple&);

 private:
  struct Answer {
    int error = 0;
    std::optional<State> state{};
  };
  Answer ask(std::uint16_t type, std::uint16_t flags, const Tuple&);
  Fd socket_;
  std::uint32_t sequence_ = 0;
};

}  // namespace tiptoe::devices
