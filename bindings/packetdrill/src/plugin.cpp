// SPDX-License-Identifier: Apache-2.0
// The shared object's one symbol, and the functions behind its table: locks, errno, exceptions.
#include <cerrno>
#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <memory>
#include <string>
#include <utility>

#include "host.hpp"

namespace {

using tiptoe::packetdrill::Host;
using tiptoe::packetdrill::Settings;

struct Plugin {
  std::unique_ptr<Host> host{};
  bool failed = false;

  void fail(const char* what) noexcept {
    std::fprintf(stderr, "tiptoe: %s\n", what);
    failed = true;
    if (host != nullptr) host->give_up();
  }
};

/// packetdrill ends by exit() when a script fails, without free(): waves must be whole even so.
Plugin* newest = nullptr;
void at_exit() {
  if (newest == nullptr || newest->host == nullptr) return;
  const Host::Lock lock(newest->host->mutex(), std::try_to_lock);
  if (!lock.owns_lock()) return;
  newest->failed = true;  // for threads that are still waiting
  newest->host->close_device();
}

/// Runs f(Host&, Lock&), whose result is one of POSIX or a negative errno value. After the device has failed, only
/// that.
template <class Result = int, class F>
Result call(void* userdata, F&& f, bool clock = false) {
  Plugin& plugin = *static_cast<Plugin*>(userdata);
  if (plugin.host == nullptr) {
    errno = ENODEV;
    return -1;
  }
  Host::Lock lock(plugin.host->mutex());
  long result = -EIO;
  if (!plugin.failed) {
    plugin.host->count_call(clock);
    try {
      result = std::forward<F>(f)(*plugin.host, lock);
    } catch (const std::exception& e) {
      plugin.fail(e.what());
    }
    plugin.host->count_call(true);
  }
  if (result >= 0) return static_cast<Result>(result);
  errno = static_cast<int>(-result);
  return -1;
}

/// So that a failure that comes last, in packetdrill's cleaning up, is not taken for success.
void release(void* userdata) {
  const std::unique_ptr<Plugin> plugin(static_cast<Plugin*>(userdata));
  newest = nullptr;
  if (plugin->failed) std::_Exit(EXIT_FAILURE);
}

iovec part(const void* buffer, std::size_t length) {
  return {.iov_base = const_cast<void*>(buffer), .iov_len = length};  // NOLINT: iovec serves both directions
}

/// The caller's table of parts, if it is one.
long parts_of(const iovec* vector, long long count, Host::Parts& to) {
  if (count < 0 || count > 1024) return -EINVAL;  // UIO_MAXIOV
  if (vector == nullptr && count > 0) return -EFAULT;
  to = Host::Parts(vector, static_cast<std::size_t>(count));
  return 0;
}

long receive_parts(Host& host, Host::Lock& lock, int fd, const iovec* vector, long long count, int flags, bool file) {
  Host::Parts parts;
  const long error = parts_of(vector, count, parts);
  return error != 0 ? error : host.receive(lock, fd, parts, flags, file);
}

long send_parts(Host& host, Host::Lock& lock, int fd, const iovec* vector, long long count, int flags, bool file) {
  Host::Parts parts;
  const long error = parts_of(vector, count, parts);
  return error != 0 ? error : host.send(lock, fd, parts, flags, file);
}

int do_socket(void* u, int domain, int type, int protocol) {
  return call(u, [&](Host& h, auto&) { return h.socket(domain, type, protocol); });
}
int do_bind(void* u, int fd, const sockaddr* address, socklen_t length) {
  return call(u, [&](Host& h, auto&) { return h.bind(fd, address, length); });
}
int do_listen(void* u, int fd, int backlog) {
  return call(u, [&](Host& h, auto&) { return h.listen(fd, backlog); });
}
int do_accept(void* u, int fd, sockaddr* address, socklen_t* length) {
  return call(u, [&](Host& h, auto& lock) { return h.accept(lock, fd, address, length); });
}
int do_connect(void* u, int fd, const sockaddr* address, socklen_t length) {
  return call(u, [&](Host& h, auto& lock) { return h.connect(lock, fd, address, length); });
}
ssize_t do_read(void* u, int fd, void* buffer, std::size_t count) {
  const iovec one = part(buffer, count);
  return call<ssize_t>(u, [&](Host& h, auto& lock) { return receive_parts(h, lock, fd, &one, 1, 0, true); });
}
ssize_t do_readv(void* u, int fd, const iovec* vector, int count) {
  return call<ssize_t>(u, [&](Host& h, auto& lock) { return receive_parts(h, lock, fd, vector, count, 0, true); });
}
ssize_t do_recv(void* u, int fd, void* buffer, std::size_t length, int flags) {
  const iovec one = part(buffer, length);
  return call<ssize_t>(u, [&](Host& h, auto& lock) { return receive_parts(h, lock, fd, &one, 1, flags, false); });
}
ssize_t do_recvfrom(void* u, int fd, void* buffer, std::size_t length, int flags, sockaddr* source,
                    socklen_t* source_length) {
  if (source != nullptr && source_length != nullptr) *source_length = 0;  // a stream has no senders
  return do_recv(u, fd, buffer, length, flags);
}
ssize_t do_recvmsg(void* u, int fd, msghdr* message, int flags) {
  return call<ssize_t>(u, [&](Host& h, auto& lock) -> long {
    if (message == nullptr) return -EFAULT;
    const long result =
        receive_parts(h, lock, fd, message->msg_iov, static_cast<long long>(message->msg_iovlen), flags, false);
    if (result >= 0) {
      message->msg_namelen = 0;
      message->msg_controllen = 0;
      message->msg_flags = 0;
    }
    return result;
  });
}
ssize_t do_write(void* u, int fd, const void* buffer, std::size_t count) {
  const iovec one = part(buffer, count);
  return call<ssize_t>(u, [&](Host& h, auto& lock) { return send_parts(h, lock, fd, &one, 1, 0, true); });
}
ssize_t do_writev(void* u, int fd, const iovec* vector, int count) {
  return call<ssize_t>(u, [&](Host& h, auto& lock) { return send_parts(h, lock, fd, vector, count, 0, true); });
}
ssize_t do_send(void* u, int fd, const void* buffer, std::size_t length, int flags) {
  const iovec one = part(buffer, length);
  return call<ssize_t>(u, [&](Host& h, auto& lock) { return send_parts(h, lock, fd, &one, 1, flags, false); });
}
ssize_t do_sendto(void* u, int fd, const void* buffer, std::size_t length, int flags, const sockaddr*, socklen_t) {
  return do_send(u, fd, buffer, length, flags);  // a stream has its destination
}
ssize_t do_sendmsg(void* u, int fd, const msghdr* message, int flags) {
  return call<ssize_t>(u, [&](Host& h, auto& lock) -> long {
    if (message == nullptr) return -EFAULT;
    if (message->msg_controllen != 0) return -EOPNOTSUPP;
    return send_parts(h, lock, fd, message->msg_iov, static_cast<long long>(message->msg_iovlen), flags, false);
  });
}
int do_fcntl(void* u, int fd, int command, ...) {
  va_list rest;
  va_start(rest, command);
  const int argument = va_arg(rest, int);
  va_end(rest);
  return call(u, [&](Host& h, auto&) { return h.fcntl(fd, command, argument); });
}
int do_ioctl(void* u, int fd, unsigned long request, ...) {
  va_list rest;
  va_start(rest, request);
  int* argument = va_arg(rest, int*);
  va_end(rest);
  return call(u, [&](Host& h, auto&) { return h.ioctl(fd, request & 0xFFFF'FFFFUL, argument); });
}
int do_close(void* u, int fd) {
  return call(u, [&](Host& h, auto& lock) { return h.close(lock, fd); });
}
int do_shutdown(void* u, int fd, int how) {
  return call(u, [&](Host& h, auto&) { return h.shutdown(fd, how); });
}
int do_getsockopt(void* u, int fd, int level, int name, void* value, socklen_t* length) {
  return call(u, [&](Host& h, auto&) { return h.get_option(fd, level, name, value, length); });
}
int do_setsockopt(void* u, int fd, int level, int name, const void* value, socklen_t length) {
  return call(u, [&](Host& h, auto&) { return h.set_option(fd, level, name, value, length); });
}
int do_poll(void* u, pollfd* fds, nfds_t count, int timeout_ms) {
  return call(u, [&](Host& h, auto& lock) { return h.poll(lock, fds, count, timeout_ms); });
}
int do_netdev_send(void* u, const void* packet, std::size_t count) {
  return call(u, [&](Host& h, auto&) -> long {
    if (packet == nullptr) return -EFAULT;
    return h.inject({static_cast<const std::uint8_t*>(packet), count});
  });
}
/// Never -1, upon which packetdrill would ask for ever.
int do_netdev_receive(void* u, void* packet, std::size_t* count, long long* time_usecs) {
  const std::size_t room = *count;
  *count = 0;
  const int result = call(u, [&](Host& h, auto&) -> long {
    const auto datagram = h.next_output();
    if (!datagram) {
      std::fputs("tiptoe: the device sent nothing more; what follows is packetdrill's way to say so\n", stderr);
      return 0;
    }
    *count = std::min(room, datagram->bytes.size());
    std::memcpy(packet, datagram->bytes.data(), *count);
    *time_usecs = static_cast<long long>(datagram->time_us);
    return 0;
  });
  return result < 0 ? 0 : result;
}
int do_usleep(void* u, useconds_t microseconds) {
  return call(u, [&](Host& h, auto&) {
    h.sleep(microseconds);
    return 0L;
  });
}
int do_gettimeofday(void* u, timeval* now, struct timezone* zone) {
  const auto ask = [&](Host& h, auto&) {
    const std::uint64_t us = h.clock();
    *now = {.tv_sec = static_cast<time_t>(us / 1'000'000), .tv_usec = static_cast<suseconds_t>(us % 1'000'000)};
    if (zone != nullptr) *zone = {};
    return 0L;
  };
  return call(u, ask, true);
}
int do_epoll_create(void* u, int size) {
  return call(u, [&](Host& h, auto&) { return h.epoll_create(size); });
}
int do_epoll_ctl(void* u, int epoll_fd, int operation, int fd, epoll_event* event) {
  return call(u, [&](Host& h, auto&) { return h.epoll_ctl(epoll_fd, operation, fd, event); });
}
int do_epoll_wait(void* u, int epoll_fd, epoll_event* events, int room, int timeout_ms) {
  return call(u, [&](Host& h, auto& lock) { return h.epoll_wait(lock, epoll_fd, events, room, timeout_ms); });
}
int do_pipe(void* u, int*) {
  return call(u, [](Host&, auto&) { return -long{EOPNOTSUPP}; });
}
int do_splice(void* u, int, loff_t*, int, loff_t*, std::size_t, unsigned int) {
  return call(u, [](Host&, auto&) { return -long{EOPNOTSUPP}; });
}

}  // namespace

/// Words in TIPTOE_DUT come first, those in `flags` (--so_flags) override them. When they make no sense, or there is no
/// such device, stderr gets a sentence and every function of the table fails with ENODEV.
extern "C" __attribute__((visibility("default"))) void packetdrill_interface_init(const char* flags,
                                                                                  packetdrill_interface* table) {
  auto plugin = std::make_unique<Plugin>();
  try {
    Settings settings;
    if (const char* environment = std::getenv("TIPTOE_DUT")) read_settings(environment, settings);
    if (flags != nullptr) read_settings(flags, settings);
    plugin->host = std::make_unique<Host>(settings);
  } catch (const std::exception& e) {
    std::fprintf(stderr, "tiptoe: %s\n", e.what());
  }
  static const bool registered = std::atexit(at_exit) == 0;
  newest = registered ? plugin.get() : nullptr;
  *table = {.userdata = plugin.release(),
            .free = release,
            .socket = do_socket,
            .bind = do_bind,
            .listen = do_listen,
            .accept = do_accept,
            .connect = do_connect,
            .read = do_read,
            .readv = do_readv,
            .recv = do_recv,
            .recvfrom = do_recvfrom,
            .recvmsg = do_recvmsg,
            .write = do_write,
            .writev = do_writev,
            .send = do_send,
            .sendto = do_sendto,
            .sendmsg = do_sendmsg,
            .fcntl = do_fcntl,
            .ioctl = do_ioctl,
            .close = do_close,
            .shutdown = do_shutdown,
            .getsockopt = do_getsockopt,
            .setsockopt = do_setsockopt,
            .poll = do_poll,
            .netdev_send = do_netdev_send,
            .netdev_receive = do_netdev_receive,
            .usleep = do_usleep,
            .gettimeofday = do_gettimeofday,
            .epoll_create = do_epoll_create,
            .epoll_ctl = do_epoll_ctl,
            .epoll_wait = do_epoll_wait,
            .pipe = do_pipe,
            .splice = do_splice};
}
