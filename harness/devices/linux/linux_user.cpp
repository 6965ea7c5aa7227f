// SPDX-License-Identifier: Apache-2.0
// The device's user: his calls, and what he is told.
#include <poll.h>
#include <sys/socket.h>

#include <cerrno>
#include <utility>

#include "linux_dut.hpp"
#include "socket_calls.hpp"

namespace tiptoe::devices {

// ---- user calls

Fd LinuxDut::make_socket() const {
  const Namespace::Inside inside(*namespace_);
  Fd fd(::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!fd) throw DutError(with_errno("no socket"));
  set_option(fd.get(), SOL_SOCKET, SO_REUSEADDR, 1);
  set_option(fd.get(), SOL_SOCKET, SO_OOBINLINE, 1);
  options_of(fd.get());
  return fd;
}

void LinuxDut::options_of(int fd) const {
  if (const auto tos = settings_.find("TOS"); tos != settings_.end()) {
    set_option(fd, IPPROTO_IP, IP_TOS, static_cast<int>(tos->second));
  }
  if (const auto timeout = settings_.find("USER_TIMEOUT"); timeout != settings_.end()) {
    set_option(fd, ipproto_tcp, TCP_USER_TIMEOUT, static_cast<int>(timeout->second / 1000));
  }
  set_option(fd, ipproto_tcp, TCP_KEEPIDLE, static_cast<int>(setting("KEEP_IDLE_S", 7200)));
  set_option(fd, ipproto_tcp, TCP_KEEPINTVL, static_cast<int>(setting("KEEP_INTVL_S", 75)));
  set_option(fd, ipproto_tcp, TCP_KEEPCNT, static_cast<int>(setting("KEEP_PROBES", 9)));
}

Handle LinuxDut::add(Socket socket) {
  const Handle handle{++last_handle_};
  sockets_.emplace(handle.value, std::move(socket));
  return handle;
}

LinuxDut::Socket* LinuxDut::find(Handle handle) {
  look_at_all();
  const auto it = sockets_.find(handle.value);
  return it == sockets_.end() ? nullptr : &it->second;
}

namespace {

CallResult failed(CallStatus status) { return {.status = status}; }

CallStatus status_of(int error) {
  switch (error) {
    case EADDRINUSE:
    case EADDRNOTAVAIL:
    case EISCONN:
    case EALREADY: return CallStatus::exists;
    case ENOMEM:
    case ENOBUFS:
    case EMFILE:
    case ENFILE: return CallStatus::no_resources;
    case EAGAIN:
    case EINPROGRESS: return CallStatus::would_block;
    case EPIPE: return CallStatus::closing;
    case ENOTCONN:
    case ECONNRESET: return CallStatus::no_connection;
    case EDESTADDRREQ: return CallStatus::remote_unspecified;
    case ECONNABORTED: return CallStatus::aborted;
    default: return CallStatus::invalid;
  }
}

}  // namespace

CallResult LinuxDut::open_passive(const OpenArgs& args) {
  if (args.remote_ip != 0 || args.remote_port != 0) {
    throw DutUnsupported("a listening socket can't be bound to one peer");
  }
  // The kernel gives a connection to the listener of its own address first, then to that of all addresses. It would let
  // two with the same address share their port, and spread connections over them.
  for (const auto& [handle, other] : sockets_) {
    if (other.listener && other.tuple.local_ip == args.local_ip && other.tuple.local_port == args.local_port) {
      return failed(CallStatus::exists);
    }
  }
  Socket socket{.fd = make_socket(), .listener = true};
  set_option(socket.fd.get(), SOL_SOCKET, SO_REUSEPORT, 1);
  const sockaddr_in local = address_of(args.local_ip, args.local_port);
  if (::bind(socket.fd.get(), reinterpret_cast<const sockaddr*>(&local), sizeof local) != 0) {
    return failed(status_of(errno));
  }
  if (args.nodelay) set_option(socket.fd.get(), ipproto_tcp, TCP_NODELAY, 1);
  if (args.keepalive) set_option(socket.fd.get(), SOL_SOCKET, SO_KEEPALIVE, 1);
  // listen(n) lets n+1 connections wait.
  if (::listen(socket.fd.get(), args.backlog > 0 ? static_cast<int>(args.backlog) - 1 : 0) != 0) {
    return failed(status_of(errno));
  }
  socket.tuple = {args.local_ip, args.local_port, 0, 0};
  return {.handle = add(std::move(socket)), .state = State::listen};
}

CallResult LinuxDut::open_active(const OpenArgs& args) {
  if (args.from_listener) throw DutUnsupported("a listening socket can't open actively: connect() says EISCONN");
  if (args.remote_ip == 0 || args.remote_port == 0) {
    throw DutUnsupported("connect() always names a remote socket (0.0.0.0 is the host itself)");
  }
  Socket socket{.fd = make_socket()};
  set_option(socket.fd.get(), SOL_SOCKET, SO_REUSEPORT, 1);
  if (args.nodelay) set_option(socket.fd.get(), ipproto_tcp, TCP_NODELAY, 1);
  if (args.keepalive) set_option(socket.fd.get(), SOL_SOCKET, SO_KEEPALIVE, 1);
  const sockaddr_in local = address_of(args.local_ip, args.local_port);
  const sockaddr_in remote = address_of(args.remote_ip, args.remote_port);
  if (::bind(socket.fd.get(), reinterpret_cast<const sockaddr*>(&local), sizeof local) != 0) {
    return failed(status_of(errno));
  }
  news_.watch(socket.fd.get());
  if (::connect(socket.fd.get(), reinterpret_cast<const sockaddr*>(&remote), sizeof remote) != 0 &&
      errno != EINPROGRESS) {
    return failed(status_of(errno));
  }
  socket.tuple = tuple_of(socket.fd.get());
  socket.tuple.remote_ip = args.remote_ip;
  socket.tuple.remote_port = args.remote_port;
  return {.handle = add(std::move(socket)), .state = State::syn_sent};
}

CallResult LinuxDut::accept(Handle handle) {
  Socket* listener = find(handle);
  if (listener == nullptr) return failed(CallStatus::no_connection);
  if (!listener->listener) return failed(CallStatus::invalid);
  Socket socket{.fd = Fd(::accept4(listener->fd.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC))};
  if (!socket.fd) return failed(status_of(errno));
  if (listener->waiting > 0) --listener->waiting;
  options_of(socket.fd.get());
  set_option(socket.fd.get(), SOL_SOCKET, SO_OOBINLINE, 1);
  news_.watch(socket.fd.get());
  socket.urgent = News::pending(socket.fd.get());
  socket.tuple = tuple_of(socket.fd.get());
  return {.handle = add(std::move(socket)), .state = State::established};
}

CallResult LinuxDut::send(Handle handle, std::span<const std::uint8_t> octets) {
  Socket* socket = find(handle);
  if (socket == nullptr) return failed(in_time_wait(handle) ? CallStatus::closing : CallStatus::no_connection);
  if (socket->listener) return failed(CallStatus::remote_unspecified);  // EPIPE; there is no peer
  if (socket->time_wait || socket->over) return failed(CallStatus::closing);
  const ssize_t n = ::send(socket->fd.get(), octets.data(), octets.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
  if (n < 0 && errno == EAGAIN && !socket->connected) {
    throw DutUnsupported("send() waits until the connection stands");
  }
  if (n < 0) return failed(status_of(errno));
  socket->unacknowledged += static_cast<std::uint32_t>(n);
  return {.length = static_cast<std::uint32_t>(n)};
}

CallResult LinuxDut::receive(Handle handle, std::uint32_t max) {
  Socket* socket = find(handle);
  if (socket == nullptr) return failed(in_time_wait(handle) ? CallStatus::closing : CallStatus::no_connection);
  if (socket->listener) return failed(CallStatus::would_block);
  CallResult result;
  result.data.resize(max);
  const ssize_t n = ::recv(socket->fd.get(), result.data.data(), max, MSG_DONTWAIT);
  if (n <= 0) return failed(n == 0 ? CallStatus::closing : status_of(errno));
  result.data.resize(static_cast<std::size_t>(n));
  result.length = static_cast<std::uint32_t>(n);
  socket->unread -= std::min<std::uint32_t>(socket->unread, result.length);
  return result;
}

CallResult LinuxDut::close(Handle handle, bool) {
  Socket* socket = find(handle);
  if (socket == nullptr) return failed(in_time_wait(handle) ? CallStatus::closing : CallStatus::no_connection);
  const State state = to_state(info_of(socket->fd.get()).tcpi_state);
  if (socket->listener || state == State::syn_sent) {
    sockets_.erase(handle.value);
    if (state == State::syn_sent) tell(handle.value, Notification::closed);
    return {};
  }
  if (socket->closing || socket->time_wait || socket->over) return failed(CallStatus::closing);
  if (::shutdown(socket->fd.get(), SHUT_WR) != 0) return failed(status_of(errno));
  socket->closing = true;
  return {};
}

CallResult LinuxDut::abort(Handle handle) {
  Socket* socket = find(handle);
  if (socket == nullptr && in_time_wait(handle)) {
    diag_->destroy(waiting_.at(handle.value));
    waiting_.erase(handle.value);
    return {};
  }
  if (socket == nullptr) return failed(CallStatus::no_connection);
  if (socket->time_wait) {
    diag_->destroy(socket->tuple);
  } else {
    const linger at_once{.l_onoff = 1, .l_linger = 0};
    ::setsockopt(socket->fd.get(), SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
  }
  const bool listener = socket->listener;
  const bool told = socket->time_wait || socket->over;
  sockets_.erase(handle.value);
  if (!listener && !told) tell(handle.value, Notification::closed);
  return {};
}

CallResult LinuxDut::status(Handle handle) {
  Socket* socket = find(handle);
  if (socket == nullptr && in_time_wait(handle)) return {.state = State::time_wait};
  if (socket == nullptr) return failed(CallStatus::no_connection);
  if (socket->time_wait) return {.state = State::time_wait, .readable = unread_of(socket->fd.get())};
  const tcp_info info = info_of(socket->fd.get());
  CallResult result{.state = to_state(info.tcpi_state)};
  result.readable = socket->listener ? info.tcpi_unacked : unread_of(socket->fd.get());
  return result;
}

CallResult LinuxDut::set_options(Handle handle, bool nodelay, bool keepalive) {
  Socket* socket = find(handle);
  if (socket == nullptr) return failed(CallStatus::no_connection);
  set_option(socket->fd.get(), ipproto_tcp, TCP_NODELAY, nodelay ? 1 : 0);
  set_option(socket->fd.get(), SOL_SOCKET, SO_KEEPALIVE, keepalive ? 1 : 0);
  return {};
}

// ---- what the kernel tells the user

void LinuxDut::tell(std::uint32_t handle, unsigned flags) {
  if (flags == 0) return;
  notifications_.push_back({.handle = {handle}, .flags = static_cast<std::uint16_t>(flags), .time_us = now_us()});
}

unsigned LinuxDut::end_flags(int error) const {
  switch (error) {
    case 0: return Notification::closed;
    case ECONNREFUSED: return Notification::closed | Notification::refused;
    case ECONNRESET:
    case EPIPE: return Notification::closed | Notification::reset;  // EPIPE: a RST in CLOSE_WAIT
    case ETIMEDOUT: return Notification::closed | Notification::timeout;
    default:
      return Notification::closed | Notification::timeout | Notification::soft;  // an ICMP error was the last word
  }
}

bool LinuxDut::look_at(std::uint32_t handle, Socket& s) {
  const int fd = s.fd.get();
  if (s.over) return unread_of(fd) > 0;
  const tcp_info info = info_of(fd);
  const State state = to_state(info.tcpi_state);
  if (s.listener) {
    if (info.tcpi_unacked > s.waiting) tell(handle, Notification::accept);
    s.waiting = info.tcpi_unacked;
    return true;
  }
  unsigned flags = 0;
  const int error = error_of(fd);
  const bool open = state != State::syn_sent && state != State::syn_received && state != State::closed;
  if (!s.connected &&
      (open || (state == State::closed && error == 0 && s.tuple.remote_port != 0 && unread_of(fd) > 0))) {
    s.connected = true;
    flags |= Notification::connected;
  }
  const std::uint32_t left = unacknowledged_of(fd);
  if (left < s.unacknowledged) flags |= Notification::space;
  s.unacknowledged = left;
  const std::uint32_t unread = unread_of(fd);
  if (unread > s.unread) flags |= Notification::readable;
  s.unread = unread;
  if (News::urgent(fd) || s.urgent) flags |= Notification::urgent;
  s.urgent = false;
  pollfd events{.fd = fd, .events = POLLIN | POLLRDHUP, .revents = 0};
  ::poll(&events, 1, 0);

  if (s.time_wait) {
    tell(handle, flags);
    if (unread > 0) return true;
    waiting_.emplace(handle, s.tuple);
    return false;
  }
  if (state != State::closed) {
    if (error != 0) flags |= Notification::soft;
    if ((events.revents & POLLRDHUP) != 0 && !s.fin_told) {
      s.fin_told = true;
      flags |= Notification::peer_fin;
    }
    tell(handle, flags);
    return true;
  }
  if (error == 0 && diag_->state(s.tuple)) {  // TIME_WAIT, which the kernel keeps apart from the socket
    if (!s.fin_told) flags |= Notification::peer_fin;
    s.fin_told = s.time_wait = true;
    tell(handle, flags | Notification::closed);
    return true;
  }
  if (error == 0 && s.connected && unread > 0) {  // both FINs are acknowledged, but not all has been read
    if (!s.fin_told) flags |= Notification::peer_fin;
    s.over = true;
    tell(handle, flags | Notification::closed);
    return true;
  }
  const bool refused = error == ECONNRESET && !s.connected;  // a RST in SYN_RECEIVED; connect() fails
  tell(handle, flags | end_flags(refused ? ECONNREFUSED : error));
  return false;
}

/// The handle of a connection in TIME_WAIT; its end is noticed when somebody asks.
bool LinuxDut::in_time_wait(Handle handle) {
  const auto it = waiting_.find(handle.value);
  if (it == waiting_.end()) return false;
  if (diag_->state(it->second) == State::time_wait) return true;  // not a new connection of the same addresses
  waiting_.erase(it);
  return false;
}

/// What the kernel does not tell of by itself: the progress of text and FIN, and that the open is over.
bool LinuxDut::may_have_changed(const Socket& s) {
  return s.look || s.urgent || s.listener || !s.connected || s.closing || s.time_wait || s.over || s.unacknowledged > 0;
}

void LinuxDut::look_at_all() {
  if (!news_.collect()) {  // the calls come from another thread now, or the queue was too short
    for (auto& [handle, socket] : sockets_) {
      if (socket.listener) continue;
      news_.watch(socket.fd.get());
      socket.urgent = News::pending(socket.fd.get());
      socket.look = true;
    }
  }
  const bool each = std::exchange(look_at_each_, false);
  for (auto it = sockets_.begin(); it != sockets_.end();) {
    Socket& s = it->second;
    const bool news = News::any(s.fd.get());
    const bool alive = !(each || news || may_have_changed(s)) || look_at(it->first, s);
    s.look = false;
    it = alive ? std::next(it) : sockets_.erase(it);
  }
}

std::optional<Notification> LinuxDut::poll_notification() {
  if (notifications_.empty()) look_at_all();
  if (notifications_.empty()) return std::nullopt;
  const Notification first = notifications_.front();
  notifications_.pop_front();
  return first;
}

}  // namespace tiptoe::devices
