// SPDX-License-Identifier: Apache-2.0
// poll and epoll.
#include <algorithm>
#include <cerrno>

#include "host.hpp"

namespace tiptoe::packetdrill {
namespace {

constexpr unsigned kRead = POLLIN | POLLRDNORM, kWrite = POLLOUT | POLLWRNORM, kAlways = POLLERR | POLLHUP | POLLNVAL;

std::uint64_t wait_us(int timeout_ms, std::uint64_t forever) {
  return timeout_ms < 0 ? forever : static_cast<std::uint64_t>(timeout_ms) * 1000;
}

}  // namespace

short Host::ready(Socket& socket) {
  unsigned bits = socket.urgent ? unsigned{POLLPRI} : 0U;
  switch (socket.phase) {
    case Socket::Phase::listening:
      if (socket.handle && dut_->status(*socket.handle).readable > 0) bits |= kRead;
      if (!socket.handle) bits |= POLLHUP;
      break;
    case Socket::Phase::fresh: bits |= kWrite | POLLHUP; break;
    case Socket::Phase::connecting: break;
    case Socket::Phase::connected: {
      const CallResult now = status(socket);
      const bool over = !now || now.state == State::time_wait;
      const auto low_water = static_cast<std::size_t>(std::max(socket.options.receive_low_water, 1));
      if (socket.stash.size() + now.readable >= low_water) bits |= kRead;
      if (over || socket.peer_closed || socket.shut_read) bits |= kRead | POLLRDHUP;
      if (over || socket.shut_write || now.room > 0) bits |= kWrite;
      if (over || (socket.shut_write && (socket.shut_read || socket.peer_closed))) bits |= POLLHUP;
      break;
    }
  }
  if (socket.error != 0) bits |= POLLERR | kRead | kWrite;
  return static_cast<short>(bits);
}

long Host::poll(Lock& lock, pollfd* fds, nfds_t count, int timeout_ms) {
  if (fds == nullptr && count != 0) return -EFAULT;
  const std::span<pollfd> all(fds, count);
  const auto attempt = [this, all]() -> std::optional<long> {
    long n = 0;
    for (pollfd& entry : all) {
      entry.revents = 0;
      if (entry.fd < 0) continue;
      const File* known = file(entry.fd);
      if (known == nullptr) {
        entry.revents = POLLNVAL;
      } else if (known->socket != nullptr) {
        const unsigned wanted = static_cast<unsigned>(entry.events) | kAlways;
        entry.revents = static_cast<short>(static_cast<unsigned>(ready(*known->socket)) & wanted);
      } else {
        bool any = false;
        for (auto& [fd, interest] : known->epoll->interests) {
          std::uint32_t events = 0;
          any |= is_ready(fd, interest, events);
        }
        if (any) entry.revents = static_cast<short>(static_cast<unsigned>(entry.events) & kRead);
      }
      if (entry.revents != 0) ++n;
    }
    return n > 0 ? std::optional<long>(n) : std::nullopt;
  };
  return perform(lock, timeout_ms != 0, wait_us(timeout_ms, kForever), attempt, [] { return 0L; });
}

long Host::epoll_create(int size) {
  if (size <= 0) return -EINVAL;
  return add({.socket = {}, .epoll = std::make_shared<EpollSet>()});
}

long Host::epoll_ctl(int epoll_fd, int operation, int fd, const epoll_event* event) {
  const File* set = file(epoll_fd);
  const File* target = file(fd);
  if (set == nullptr || target == nullptr) return -EBADF;
  if (set->epoll == nullptr || epoll_fd == fd) return -EINVAL;
  if (target->socket == nullptr) return -EINVAL;  // sets within sets
  auto& interests = set->epoll->interests;
  const auto found = interests.find(fd);
  if (operation != EPOLL_CTL_DEL && event == nullptr) return -EFAULT;
  switch (operation) {
    case EPOLL_CTL_ADD:
      if (found != interests.end()) return -EEXIST;
      interests[fd] = {.event = *event};
      break;
    case EPOLL_CTL_MOD:
      if (found == interests.end()) return -ENOENT;
      found->second = {.event = *event};
      break;
    case EPOLL_CTL_DEL:
      if (found == interests.end()) return -ENOENT;
      interests.erase(found);
      break;
    default: return -EINVAL;
  }
  update();  // a call may be waiting for it
  return 0;
}

bool Host::is_ready(int fd, EpollSet::Interest& interest, std::uint32_t& events) {
  const File* known = file(fd);
  if (known == nullptr || known->socket == nullptr || interest.spent) return false;
  const std::uint32_t edge = EPOLLET;
  if ((interest.event.events & edge) != 0 && interest.told == known->socket->edges) return false;
  const auto bits = static_cast<std::uint32_t>(static_cast<unsigned short>(ready(*known->socket)));
  events = bits & (interest.event.events | kAlways);  // EPOLL* and POLL* are the same bits
  return events != 0;
}

long Host::epoll_wait(Lock& lock, int epoll_fd, epoll_event* events, int room, int timeout_ms) {
  const File* known = file(epoll_fd);
  if (known == nullptr) return -EBADF;
  if (known->epoll == nullptr || room <= 0) return -EINVAL;
  if (events == nullptr) return -EFAULT;
  const auto set = known->epoll;
  const auto attempt = [=, this]() -> std::optional<long> {
    long n = 0;
    for (auto& [fd, interest] : set->interests) {
      std::uint32_t found = 0;
      if (n == room || !is_ready(fd, interest, found)) continue;
      interest.told = files_.at(fd).socket->edges;
      interest.spent = (interest.event.events & EPOLLONESHOT) != 0;
      events[n] = interest.event;
      events[n].events = found;
      ++n;
    }
    return n > 0 ? std::optional<long>(n) : std::nullopt;
  };
  return perform(lock, timeout_ms != 0, wait_us(timeout_ms, kForever), attempt, [] { return 0L; });
}

}  // namespace tiptoe::packetdrill
