// SPDX-License-Identifier: Apache-2.0
// Questions to one socket, in plain words.
//
//   if (unread_of(fd) > 0 && error_of(fd) == 0) ...
#pragma once

#include <arpa/inet.h>
#include <linux/sockios.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <cstdint>

#include "sock_diag.hpp"

namespace tiptoe::devices {

inline constexpr int ipproto_tcp = IPPROTO_TCP;

inline sockaddr_in address_of(std::uint32_t address, std::uint16_t port) {
  sockaddr_in a{};
  a.sin_family = AF_INET;
  a.sin_addr.s_addr = htonl(address);
  a.sin_port = htons(port);
  return a;
}

inline bool set_option(int fd, int level, int name, int value) {
  return ::setsockopt(fd, level, name, &value, sizeof value) == 0;
}

inline tcp_info info_of(int fd) {
  tcp_info info{};
  socklen_t size = sizeof info;
  ::getsockopt(fd, ipproto_tcp, TCP_INFO, &info, &size);
  return info;
}

/// The pending error, hard or soft; it counts as read then.
inline int error_of(int fd) {
  int error = 0;
  socklen_t size = sizeof error;
  ::getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size);
  return error;
}

inline std::uint32_t unread_of(int fd) {
  int n = 0;
  return ::ioctl(fd, SIOCINQ, &n) == 0 && n > 0 ? static_cast<std::uint32_t>(n) : 0;
}

inline std::uint32_t unacknowledged_of(int fd) {
  int n = 0;
  return ::ioctl(fd, SIOCOUTQ, &n) == 0 && n > 0 ? static_cast<std::uint32_t>(n) : 0;
}

inline Tuple tuple_of(int fd) {
  sockaddr_in local{};
  sockaddr_in remote{};
  socklen_t size = sizeof local;
  ::getsockname(fd, reinterpret_cast<sockaddr*>(&local), &size);
  size = sizeof remote;
  ::getpeername(fd, reinterpret_cast<sockaddr*>(&remote), &size);
  return {ntohl(local.sin_addr.s_addr), ntohs(local.sin_port), ntohl(remote.sin_addr.s_addr), ntohs(remote.sin_port)};
}

}  // namespace tiptoe::devices
