// SPDX-License-Identifier: Apache-2.0
// getsockopt, setsockopt, fcntl, ioctl. What the engine keeps per device and not per connection (keepalive times, TTL,
// maximum segment size ...) is set for the device: registers of docs/microarchitecture.md section 12.
#include <fcntl.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/ioctl.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <string>
#include <string_view>

#include "host.hpp"

namespace tiptoe::packetdrill {
namespace {

/// An option that is a register of the device: value = register / unit.
struct RegisterOption {
  int level, name;
  const char* reg;
  std::uint64_t unit;
  int least, most;
};
constexpr std::array kRegisters{RegisterOption{IPPROTO_TCP, TCP_KEEPIDLE, "KEEP_IDLE_S", 1, 1, 32767},
                                RegisterOption{IPPROTO_TCP, TCP_KEEPINTVL, "KEEP_INTVL_S", 1, 1, 32767},
                                RegisterOption{IPPROTO_TCP, TCP_KEEPCNT, "KEEP_PROBES", 1, 1, 15},
                                RegisterOption{IPPROTO_TCP, TCP_SYNCNT, "SYN_RETRIES", 1, 1, 31},
                                RegisterOption{IPPROTO_TCP, TCP_LINGER2, "FW2_TIMEOUT", 1'000'000, 0, 4000},
                                RegisterOption{IPPROTO_TCP, TCP_USER_TIMEOUT, "USER_TIMEOUT", 1000, 0, 4'000'000},
                                RegisterOption{IPPROTO_IP, IP_TTL, "TTL", 1, 1, 255},
                                RegisterOption{IPPROTO_IP, IP_TOS, "TOS", 1, 0, 255}};
constexpr int kHeaders = 40;  // IPv4 and TCP, octets
constexpr std::string_view kCongestion = "reno";

const RegisterOption* find_register_option(int level, int name) {
  const auto* found = std::find_if(kRegisters.begin(), kRegisters.end(),
                                   [&](const RegisterOption& o) { return o.level == level && o.name == name; });
  return found == kRegisters.end() ? nullptr : found;
}

template <class T>
long give(const T& from, void* value, socklen_t* length) {
  *length = static_cast<socklen_t>(std::min<std::size_t>(*length, sizeof from));
  std::memcpy(value, &from, *length);
  return 0;
}

template <class T>
bool take(const void* value, socklen_t length, T& to) {
  if (length < sizeof to) return false;
  std::memcpy(&to, value, sizeof to);
  return true;
}

timeval to_timeval(std::uint64_t us) {
  return {.tv_sec = static_cast<time_t>(us / 1'000'000), .tv_usec = static_cast<suseconds_t>(us % 1'000'000)};
}

/// Numbers of the kernel's TCP states.
std::uint8_t kernel_state(State state) {
  switch (state) {
    case State::established: return TCP_ESTABLISHED;
    case State::syn_sent: return TCP_SYN_SENT;
    case State::syn_received: return TCP_SYN_RECV;
    case State::fin_wait_1: return TCP_FIN_WAIT1;
    case State::fin_wait_2: return TCP_FIN_WAIT2;
    case State::time_wait: return TCP_TIME_WAIT;
    case State::close_wait: return TCP_CLOSE_WAIT;
    case State::last_ack: return TCP_LAST_ACK;
    case State::listen: return TCP_LISTEN;
    case State::closing: return TCP_CLOSING;
    default: return TCP_CLOSE;
  }
}

}  // namespace

long Host::get_option(int fd, int level, int name, void* value, socklen_t* length) {
  long error = 0;
  const auto socket = find(fd, error);
  if (socket == nullptr) return error;
  if (value == nullptr || length == nullptr) return -EFAULT;
  update();
  const SocketOptions& o = socket->options;
  const auto integer = [&](int n) { return give(n, value, length); };
  if (level == SOL_SOCKET) {
    switch (name) {
      case SO_TYPE: return integer(SOCK_STREAM);
      case SO_DOMAIN: return integer(AF_INET);
      case SO_PROTOCOL: return integer(IPPROTO_TCP);
      case SO_ACCEPTCONN: return integer(socket->phase == Socket::Phase::listening ? 1 : 0);
      case SO_ERROR: return integer(std::exchange(socket->error, 0));
      case SO_KEEPALIVE: return integer(o.keepalive ? 1 : 0);
      case SO_REUSEADDR: return integer(o.reuse_address ? 1 : 0);
      case SO_REUSEPORT: return integer(o.reuse_port ? 1 : 0);
      case SO_RCVLOWAT: return integer(o.receive_low_water);
      case SO_SNDLOWAT: return integer(1);
      case SO_RCVBUF: return integer(1 << options_.rx_buf_log2);
      case SO_SNDBUF: return integer(1 << options_.tx_buf_log2);
      case SO_LINGER: return give(linger{.l_onoff = o.linger ? 1 : 0, .l_linger = o.linger_s}, value, length);
      case SO_RCVTIMEO: return give(to_timeval(o.receive_timeout_us), value, length);
      case SO_SNDTIMEO: return give(to_timeval(o.send_timeout_us), value, length);
      default: return -ENOPROTOOPT;
    }
  }
  if (const RegisterOption* reg = find_register_option(level, name)) {
    return integer(static_cast<int>(dut_->counter(reg->reg) / reg->unit));
  }
  if (level == IPPROTO_IP && name == IP_MTU_DISCOVER) {
    return integer(dut_->counter("FEATURES.DF") != 0 ? IP_PMTUDISC_DO : IP_PMTUDISC_DONT);
  }
  if (level != IPPROTO_TCP) return -ENOPROTOOPT;
  switch (name) {
    case TCP_NODELAY: return integer(o.nodelay ? 1 : 0);
    case TCP_MAXSEG: return integer(static_cast<int>(dut_->counter("MTU")) - kHeaders);
    case TCP_CONGESTION: {
      std::array<char, 16> text{};  // as long as the kernel's
      kCongestion.copy(text.data(), text.size());
      return give(text, value, length);
    }
    case TCP_INFO: {  // what the device tells; the rest is 0
      tcp_info info{};
      const CallResult now = status(*socket);
      info.tcpi_state = socket->phase == Socket::Phase::listening ? std::uint8_t{TCP_LISTEN} : kernel_state(now.state);
      info.tcpi_advmss = static_cast<std::uint32_t>(dut_->counter("MTU")) - kHeaders;
      info.tcpi_pmtu = static_cast<std::uint32_t>(dut_->counter("MTU"));
      info.tcpi_total_retrans = static_cast<std::uint32_t>(dut_->counter("RetransSegs"));
      return give(info, value, length);
    }
    default: return -ENOPROTOOPT;
  }
}

long Host::apply_options(Socket& socket) {
  if (socket.handle && socket.phase != Socket::Phase::listening) {
    dut_->set_options(*socket.handle, socket.options.nodelay, socket.options.keepalive);
  }
  return 0;
}

long Host::set_option(int fd, int level, int name, const void* value, socklen_t length) {
  long error = 0;
  const auto socket = find(fd, error);
  if (socket == nullptr) return error;
  if (value == nullptr) return -EFAULT;
  SocketOptions& o = socket->options;
  int n = 0;
  std::uint8_t small = 0;
  bool integer = take(value, length, n);
  if (!integer && level == IPPROTO_IP && take(value, length, small)) n = small, integer = true;  // as in every kernel
  const auto flag = [&](bool& to) { return integer ? (to = n != 0, 0L) : -long{EINVAL}; };
  const auto time = [&](std::uint64_t& to) {
    timeval t{};
    if (!take(value, length, t)) return -long{EINVAL};
    if (t.tv_usec < 0 || t.tv_usec >= 1'000'000) return -long{EDOM};
    to = t.tv_sec < 0 ? 0 : static_cast<std::uint64_t>(t.tv_sec) * 1'000'000 + static_cast<std::uint64_t>(t.tv_usec);
    return 0L;
  };
  if (level == SOL_SOCKET) {
    switch (name) {
      case SO_KEEPALIVE: return (error = flag(o.keepalive)) != 0 ? error : apply_options(*socket);
      case SO_REUSEADDR: return flag(o.reuse_address);
      case SO_REUSEPORT: return flag(o.reuse_port);
      case SO_RCVBUF:
      case SO_SNDBUF: return integer ? 0 : -EINVAL;  // taken as a wish; getsockopt tells what the device has
      case SO_RCVLOWAT: return integer ? (o.receive_low_water = std::max(n, 1), 0L) : -EINVAL;
      case SO_RCVTIMEO: return time(o.receive_timeout_us);
      case SO_SNDTIMEO: return time(o.send_timeout_us);
      case SO_LINGER: {
        linger wanted{};
        if (!take(value, length, wanted)) return -EINVAL;
        o.linger = wanted.l_onoff != 0;
        o.linger_s = std::max(wanted.l_linger, 0);
        return 0;
      }
      default: return -ENOPROTOOPT;
    }
  }
  if (const RegisterOption* reg = find_register_option(level, name)) {
    if (!integer || n < reg->least || n > reg->most) return -EINVAL;
    dut_->set(reg->reg, static_cast<std::uint64_t>(n) * reg->unit);
    return 0;
  }
  if (level == IPPROTO_IP && name == IP_MTU_DISCOVER) {
    if (!integer || n < IP_PMTUDISC_DONT || n > IP_PMTUDISC_DO) return -EINVAL;
    dut_->set("FEATURES.DF", n == IP_PMTUDISC_DONT ? 0 : 1);
    return 0;
  }
  if (level != IPPROTO_TCP) return -ENOPROTOOPT;
  switch (name) {
    case TCP_NODELAY: return (error = flag(o.nodelay)) != 0 ? error : apply_options(*socket);
    case TCP_MAXSEG:
      if (!integer || n < 256 || n > 2008) return -EINVAL;  // MTU 296 to 2048
      dut_->set("MTU", static_cast<std::uint64_t>(n) + kHeaders);
      return 0;
    case TCP_CONGESTION: {
      std::string_view wanted(static_cast<const char*>(value), length);
      return wanted.substr(0, wanted.find('\0')) == kCongestion ? 0 : -ENOENT;
    }
    default: return -ENOPROTOOPT;
  }
}

long Host::fcntl(int fd, int command, int argument) {
  File* known = file(fd);
  if (known == nullptr) return -EBADF;
  switch (command) {
    case F_GETFD: return known->fd_flags;
    case F_SETFD: known->fd_flags = argument & FD_CLOEXEC; return 0;
    case F_GETFL: return O_RDWR | (known->socket != nullptr && known->socket->non_blocking ? O_NONBLOCK : 0);
    case F_SETFL:
      if (known->socket != nullptr) known->socket->non_blocking = (argument & O_NONBLOCK) != 0;
      return 0;
    default: return -EINVAL;
  }
}

long Host::ioctl(int fd, unsigned long request, int* argument) {
  long error = 0;
  const auto socket = find(fd, error);
  if (socket == nullptr) return error == -ENOTSOCK ? -ENOTTY : error;
  if (request != FIONREAD && request != SIOCOUTQ && request != FIONBIO) return -EINVAL;
  if (argument == nullptr) return -EFAULT;
  if (request == FIONBIO) {
    socket->non_blocking = *argument != 0;
    return 0;
  }
  if (socket->phase == Socket::Phase::listening) return -EINVAL;
  update();
  const CallResult now = status(*socket);
  if (request == FIONREAD) {
    *argument = static_cast<int>(socket->stash.size() + now.readable);
  } else {
    *argument = now ? (1 << options_.tx_buf_log2) - static_cast<int>(now.room) : 0;
  }
  return 0;
}

}  // namespace tiptoe::packetdrill
