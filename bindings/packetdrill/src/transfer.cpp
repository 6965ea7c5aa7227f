// SPDX-License-Identifier: Apache-2.0
// Data in both directions.
#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstring>
#include <numeric>

#include "host.hpp"

namespace tiptoe::packetdrill {
namespace {

/// Octets of all parts; or -EFAULT, -EINVAL.
long total_length(Host::Parts parts) {
  std::size_t total = 0;
  for (const iovec& part : parts) {
    if (part.iov_len > static_cast<std::size_t>(SSIZE_MAX) - total) return -EINVAL;
    if (part.iov_base == nullptr && part.iov_len != 0) return -EFAULT;
    total += part.iov_len;
  }
  return static_cast<long>(total);
}

void scatter(std::span<const std::uint8_t> octets, Host::Parts parts) {
  for (const iovec& part : parts) {
    const std::size_t n = std::min(part.iov_len, octets.size());
    if (n == 0) continue;
    std::memcpy(part.iov_base, octets.data(), n);
    octets = octets.subspan(n);
  }
}

Bytes gather(Host::Parts parts, std::size_t total) {
  Bytes octets(total);
  std::size_t at = 0;
  for (const iovec& part : parts) {
    if (part.iov_len == 0) continue;
    std::memcpy(octets.data() + at, part.iov_base, part.iov_len);
    at += part.iov_len;
  }
  return octets;
}

}  // namespace

long Host::take_error(Socket& socket) { return -std::exchange(socket.error, 0); }

/// Takes octets out of the device until `wanted` are in the stash.
bool Host::fill(Socket& socket, std::size_t wanted) {
  while (socket.stash.size() < wanted) {
    if (!socket.handle) return false;
    constexpr std::size_t kMost = 1U << 20;
    const CallResult got =
        dut_->receive(*socket.handle, static_cast<std::uint32_t>(std::min(wanted - socket.stash.size(), kMost)));
    if (got.status == CallStatus::would_block) return true;
    if (got.status == CallStatus::no_connection) {
      take_notifications();
      gone(socket);
    }
    if (!got) return false;
    socket.stash.insert(socket.stash.end(), got.data.begin(), got.data.end());
  }
  return true;
}

long Host::receive(Lock& lock, int fd, Parts parts, int flags, bool file_call) {
  long error = 0;
  const auto socket = find(fd, error);
  if (socket == nullptr) return file_call && error == -ENOTSOCK ? -EINVAL : error;
  constexpr int kKnown = MSG_PEEK | MSG_DONTWAIT | MSG_WAITALL | MSG_TRUNC | MSG_NOSIGNAL | MSG_CMSG_CLOEXEC;
  if ((flags & MSG_OOB) != 0) return -EINVAL;       // urgent data stays in line (RFC 6093)
  if ((flags & MSG_ERRQUEUE) != 0) return -EAGAIN;  // there is no such queue
  if ((flags & ~kKnown) != 0) return -EOPNOTSUPP;
  const bool discard = (flags & MSG_TRUNC) != 0;
  long total = 0;
  if (discard) {
    for (const iovec& part : parts) total += static_cast<long>(part.iov_len);
  } else if ((total = total_length(parts)) < 0) {
    return total;
  }
  if (socket->phase == Socket::Phase::listening) return -ENOTCONN;
  if (socket->phase == Socket::Phase::fresh) return socket->error != 0 ? take_error(*socket) : -ENOTCONN;
  if (total == 0) return 0;

  const auto wanted = static_cast<std::size_t>(total);
  const bool may_wait = !socket->non_blocking && (flags & MSG_DONTWAIT) == 0;
  const std::size_t least =
      !may_wait ? 1
      : (flags & MSG_WAITALL) != 0
          ? wanted
          : std::min<std::size_t>(wanted, static_cast<std::size_t>(std::max(socket->options.receive_low_water, 1)));
  const auto deliver = [=, this, &parts](std::size_t enough) -> std::optional<long> {
    Bytes& stash = socket->stash;
    const bool more = socket->phase == Socket::Phase::connecting || fill(*socket, wanted);
    const std::size_t n = std::min(wanted, stash.size());
    const bool end = !more || socket->shut_read;
    if (n >= enough || (n > 0 && end)) {
      if (!discard) scatter(std::span(stash).first(n), parts);
      if ((flags & MSG_PEEK) == 0) stash.erase(stash.begin(), stash.begin() + static_cast<std::ptrdiff_t>(n));
      return static_cast<long>(n);
    }
    if (socket->error != 0) return take_error(*socket);
    if (end || socket->phase == Socket::Phase::fresh) return 0;
    return std::nullopt;
  };
  const std::uint64_t timeout = socket->options.receive_timeout_us;
  return perform(
      lock, may_wait, timeout != 0 ? timeout : kForever, [&] { return deliver(least); },
      [&] { return deliver(1).value_or(-EAGAIN); });
}

long Host::send(Lock& lock, int fd, Parts parts, int flags, bool file_call) {
  long error = 0;
  const auto socket = find(fd, error);
  if (socket == nullptr) return file_call && error == -ENOTSOCK ? -EINVAL : error;
  constexpr int kKnown = MSG_DONTWAIT | MSG_NOSIGNAL | MSG_EOR;
  if ((flags & ~kKnown) != 0) return -EOPNOTSUPP;
  const long length = total_length(parts);
  if (length < 0) return length;
  if (socket->phase == Socket::Phase::fresh || socket->phase == Socket::Phase::listening) {
    return socket->error != 0 ? take_error(*socket) : -EPIPE;
  }
  const Bytes octets = gather(parts, static_cast<std::size_t>(length));
  std::size_t sent = 0;
  const auto result = [&](long otherwise) { return sent > 0 ? static_cast<long>(sent) : otherwise; };
  const auto attempt = [&]() -> std::optional<long> {
    if (socket->error != 0) return sent > 0 ? static_cast<long>(sent) : take_error(*socket);
    if (socket->shut_write || socket->phase == Socket::Phase::fresh) return result(-EPIPE);
    if (socket->phase == Socket::Phase::connecting) return std::nullopt;
    while (sent < octets.size()) {
      const CallResult taken = socket->handle ? dut_->send(*socket->handle, std::span(octets).subspan(sent))
                                              : CallResult{.status = CallStatus::no_connection};
      if (taken.status == CallStatus::would_block) return std::nullopt;
      if (taken.status == CallStatus::no_connection) {
        take_notifications();
        gone(*socket);
        return sent == 0 && socket->error != 0 ? take_error(*socket) : result(-EPIPE);
      }
      if (!taken) return result(-EPIPE);
      sent += taken.length;
    }
    return static_cast<long>(sent);
  };
  const std::uint64_t timeout = socket->options.send_timeout_us;
  return perform(lock, !socket->non_blocking && (flags & MSG_DONTWAIT) == 0, timeout != 0 ? timeout : kForever, attempt,
                 [&] { return result(-EAGAIN); });
}

}  // namespace tiptoe::packetdrill
