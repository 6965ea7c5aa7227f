// SPDX-License-Identifier: Apache-2.0
// Calls that make and end sockets and connections.
#include <netinet/in.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "host.hpp"

namespace tiptoe::packetdrill {
namespace {

constexpr std::uint32_t kDefaultAddress = 0xC0A8'0002U;  // 192.168.0.2, when a connect comes first and nothing is set

long read_address(const sockaddr* from, socklen_t length, Address& to) {
  if (from == nullptr) return -EFAULT;
  if (length < sizeof(sa_family_t)) return -EINVAL;
  if (from->sa_family != AF_INET) return -EAFNOSUPPORT;
  if (length < sizeof(sockaddr_in)) return -EINVAL;
  sockaddr_in address{};
  std::memcpy(&address, from, sizeof address);
  to = {.ip = ntohl(address.sin_addr.s_addr), .port = ntohs(address.sin_port)};
  return 0;
}

void write_address(const Address& from, sockaddr* to, socklen_t* length) {
  if (to == nullptr || length == nullptr) return;
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(from.ip);
  address.sin_port = htons(from.port);
  std::memcpy(to, &address, std::min<std::size_t>(*length, sizeof address));
  *length = sizeof address;
}

long open_error(CallStatus status, bool passive) {
  switch (status) {
    case CallStatus::ok: return 0;
    case CallStatus::exists: return passive ? -EADDRINUSE : -EADDRNOTAVAIL;
    case CallStatus::no_resources: return -ENOBUFS;
    case CallStatus::remote_unspecified: return -EADDRNOTAVAIL;
    case CallStatus::invalid: return passive ? -EINVAL : -ENETUNREACH;
    default: return -EIO;
  }
}

}  // namespace

long Host::socket(int domain, int type, int protocol) {
  const int kind = type & ~(SOCK_NONBLOCK | SOCK_CLOEXEC);
  if (domain != AF_INET) return -EAFNOSUPPORT;
  if (kind != SOCK_STREAM) return -ESOCKTNOSUPPORT;
  if (protocol != 0 && protocol != IPPROTO_TCP) return -EPROTONOSUPPORT;
  auto made = std::make_shared<Socket>();
  made->non_blocking = (type & SOCK_NONBLOCK) != 0;
  return add({.socket = std::move(made), .epoll = {}, .fd_flags = (type & SOCK_CLOEXEC) != 0 ? 1 : 0});
}

long Host::bind(int fd, const sockaddr* address, socklen_t length) {
  long error = 0;
  const auto socket = find(fd, error);
  if (socket == nullptr) return error;
  Address wanted;
  if ((error = read_address(address, length, wanted)) != 0) return error;
  if (socket->bound || socket->phase != Socket::Phase::fresh) return -EINVAL;
  if (wanted.ip != 0 && !own(wanted.ip)) return -EADDRNOTAVAIL;
  if (wanted.port == 0) {
    wanted.port = free_port();
  } else if (port_taken(wanted, *socket)) {
    return -EADDRINUSE;
  }
  socket->local = wanted;
  socket->bound = true;
  return 0;
}

long Host::listen(int fd, int backlog) {
  long error = 0;
  const auto socket = find(fd, error);
  if (socket == nullptr) return error;
  if (socket->phase == Socket::Phase::listening) return 0;
  if (socket->phase != Socket::Phase::fresh) return -EINVAL;
  if (!socket->bound) socket->local.port = free_port();
  const CallResult opened = dut_->open_passive({.local_ip = socket->local.ip,
                                                .local_port = socket->local.port,
                                                .backlog = static_cast<unsigned>(std::max(backlog, 1)),
                                                .from_listener = {}});
  if (!opened) return open_error(opened.status, true);
  socket->bound = true;
  socket->phase = Socket::Phase::listening;
  attach(socket, opened.handle);
  return 0;
}

std::optional<long> Host::try_accept(Socket& listener, Address& remote) {
  if (!listener.handle) return -EINVAL;  // shut down meanwhile
  const CallResult accepted = dut_->accept(*listener.handle);
  if (accepted.status == CallStatus::would_block) return std::nullopt;
  Socket::Caller caller;
  if (!listener.queue.empty()) {
    caller = listener.queue.front();
    listener.queue.pop_front();
  }
  if (accepted.status == CallStatus::aborted) return -ECONNABORTED;
  if (!accepted) return -EINVAL;
  auto made = std::make_shared<Socket>();
  made->phase = Socket::Phase::connected;
  made->connect_told = made->bound = true;
  made->local = {.ip = caller.local.ip, .port = listener.local.port};
  made->remote = caller.remote;
  made->options = listener.options;
  attach(made, accepted.handle);
  if (made->options.nodelay || made->options.keepalive) apply_options(*made);
  remote = caller.remote;
  return add({.socket = std::move(made), .epoll = {}});
}

long Host::accept(Lock& lock, int fd, sockaddr* address, socklen_t* length) {
  long error = 0;
  const auto listener = find(fd, error);
  if (listener == nullptr) return error;
  if (listener->phase != Socket::Phase::listening) return -EINVAL;
  Address remote;
  const std::uint64_t timeout = listener->options.receive_timeout_us;
  const long result = perform(
      lock, !listener->non_blocking, timeout != 0 ? timeout : kForever, [&] { return try_accept(*listener, remote); },
      [] { return -long{EAGAIN}; });
  if (result >= 0) write_address(remote, address, length);
  return result;
}

std::optional<long> Host::try_connect(Socket& socket) {
  if (socket.error != 0) return take_error(socket);
  if (socket.phase != Socket::Phase::connected) return std::nullopt;
  socket.connect_told = true;
  return 0;
}

long Host::start_connect(const std::shared_ptr<Socket>& socket, const Address& remote) {
  if (socket->local.ip == 0) {
    if (addresses_.empty()) own(kDefaultAddress);
    socket->local.ip = addresses_.front();
  }
  if (!socket->bound) socket->local.port = free_port();
  socket->bound = true;
  const CallResult opened = dut_->open_active({.local_ip = socket->local.ip,
                                               .local_port = socket->local.port,
                                               .remote_ip = remote.ip,
                                               .remote_port = remote.port,
                                               .nodelay = socket->options.nodelay,
                                               .keepalive = socket->options.keepalive,
                                               .from_listener = {}});
  if (!opened) return open_error(opened.status, false);
  socket->remote = remote;
  socket->phase = Socket::Phase::connecting;
  socket->error = 0;
  socket->connect_told = socket->peer_closed = socket->shut_read = socket->shut_write = false;
  attach(socket, opened.handle);
  return 0;
}

long Host::connect(Lock& lock, int fd, const sockaddr* address, socklen_t length) {
  long error = 0;
  const auto socket = find(fd, error);
  if (socket == nullptr) return error;
  if (address == nullptr) return -EFAULT;
  if (length >= sizeof(sa_family_t) && address->sa_family == AF_UNSPEC) {  // dissolves the association
    if (socket->handle && socket->phase != Socket::Phase::listening) {
      dut_->abort(*socket->handle);
      leave(*socket);
    }
    if (socket->phase == Socket::Phase::listening) close_listener(*socket);
    socket->phase = Socket::Phase::fresh;
    return 0;
  }
  Address remote;
  if ((error = read_address(address, length, remote)) != 0) return error;
  take_notifications();
  switch (socket->phase) {
    case Socket::Phase::listening: return -EISCONN;
    case Socket::Phase::connected:
      if (socket->connect_told) return -EISCONN;
      break;
    case Socket::Phase::connecting:
      if (socket->non_blocking) return -EALREADY;
      break;
    case Socket::Phase::fresh:
      if (socket->error != 0) return take_error(*socket);  // of the attempt before
      if ((error = start_connect(socket, remote)) != 0) return error;
      break;
  }
  const std::uint64_t timeout = socket->options.send_timeout_us;
  return perform(
      lock, !socket->non_blocking, timeout != 0 ? timeout : kForever, [socket] { return try_connect(*socket); },
      [] { return -long{EINPROGRESS}; });
}

long Host::shutdown(int fd, int how) {
  long error = 0;
  const auto socket = find(fd, error);
  if (socket == nullptr) return error;
  if (how != SHUT_RD && how != SHUT_WR && how != SHUT_RDWR) return -EINVAL;
  if (socket->phase == Socket::Phase::listening) {
    if (how == SHUT_WR) return -ENOTCONN;
    close_listener(*socket);
    return 0;
  }
  if (socket->phase != Socket::Phase::connected || !status(*socket)) return -ENOTCONN;
  if (how != SHUT_WR) socket->shut_read = true;
  if (how != SHUT_RD && !socket->shut_write) {
    // When the peer has closed too, the last ACK deletes the connection and what is unread in the device with it.
    if (socket->peer_closed) fill(*socket, kForever);
    socket->shut_write = true;
    dut_->close(*socket->handle, true);
  }
  ++socket->edges;
  update();
  return 0;
}

/// Connections that nobody has accepted are reset.
void Host::close_listener(Socket& socket) {
  if (!socket.handle) return;
  while (true) {
    const CallResult queued = dut_->accept(*socket.handle);
    if (queued.status != CallStatus::ok && queued.status != CallStatus::aborted) break;
    if (queued) dut_->abort(queued.handle);
  }
  dut_->close(*socket.handle, false);
  by_handle_.erase(socket.handle->value);
  socket.handle.reset();
  socket.queue.clear();
}

long Host::close(Lock& lock, int fd) {
  const File* known = file(fd);
  if (known == nullptr) return -EBADF;
  const auto socket = known->socket;
  files_.erase(fd);
  ::close(fd);
  for (auto& [other, entry] : files_) {
    if (entry.epoll != nullptr) entry.epoll->interests.erase(fd);
  }
  if (socket == nullptr || !socket->handle) return 0;
  if (socket->phase == Socket::Phase::listening) {
    close_listener(*socket);
    return 0;
  }
  const CallResult now = status(*socket);
  if (!now) return 0;
  const Handle handle = *socket->handle;
  const bool unread = now.readable > 0 || !socket->stash.empty();  // the peer must learn that it was lost: RFC 1122
  if (unread || (socket->options.linger && socket->options.linger_s == 0)) {
    dut_->abort(handle);
    by_handle_.erase(handle.value);
    socket->handle.reset();
    return 0;
  }
  dut_->close(handle, false);
  leave(*socket);
  if (!socket->options.linger) return 0;
  const auto delivered = [this, handle]() -> std::optional<long> {
    const CallResult later = dut_->status(handle);
    const bool open = later && (later.state == State::fin_wait_1 || later.state == State::closing ||
                                later.state == State::last_ack || later.state == State::syn_received);
    return open ? std::nullopt : std::optional<long>(0);
  };
  return perform(lock, true, static_cast<std::uint64_t>(socket->options.linger_s) * 1'000'000, delivered,
                 [] { return 0L; });
}

}  // namespace tiptoe::packetdrill
