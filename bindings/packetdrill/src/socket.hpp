// SPDX-License-Identifier: Apache-2.0
// What a file descriptor stands for: a TCP socket (a listener or connection of the device and what POSIX keeps beside
// it) or an epoll set.
#pragma once

#include <sys/epoll.h>

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>

#include "tiptoe/dut.hpp"

namespace tiptoe::packetdrill {

struct Address {
  std::uint32_t ip = 0;  ///< host order; 0: any
  std::uint16_t port = 0;
  friend bool operator==(const Address&, const Address&) = default;
};

struct SocketOptions {
  bool nodelay = false, keepalive = false;
  bool reuse_address = false, reuse_port = false;
  bool linger = false;
  int linger_s = 0;
  int receive_low_water = 1;             ///< octets
  std::uint64_t receive_timeout_us = 0;  ///< 0: none
  std::uint64_t send_timeout_us = 0;
};

struct Socket {
  enum class Phase : std::uint8_t { fresh, listening, connecting, connected };
  Phase phase = Phase::fresh;
  std::optional<Handle> handle{};  ///< of the device; nothing any more when the connection has gone
  bool non_blocking = false;
  bool bound = false;
  Address local{}, remote{};
  SocketOptions options{};

  int error = 0;              ///< SO_ERROR
  bool connect_told = false;  ///< connect() has returned 0
  bool peer_closed = false;   ///< their FIN has been processed
  bool shut_read = false, shut_write = false;
  bool urgent = false;
  Bytes stash{};  ///< taken from the device, not yet by the user (MSG_PEEK, MSG_WAITALL)
  struct Caller {
    Address remote{}, local{};
  };
  std::deque<Caller> queue{};  ///< listener: who is in the device's accept queue
  std::uint64_t edges = 0;     ///< indications so far, for EPOLLET
};

struct EpollSet {
  struct Interest {
    epoll_event event{};
    std::optional<std::uint64_t> told{};  ///< Socket::edges at the last report
    bool spent = false;                   ///< EPOLLONESHOT
  };
  std::map<int, Interest> interests{};
};

struct File {
  std::shared_ptr<Socket> socket{};
  std::shared_ptr<EpollSet> epoll{};
  int fd_flags = 0;
};

}  // namespace tiptoe::packetdrill
