// SPDX-License-Identifier: Apache-2.0
#include "linux_dut.hpp"

#include <arpa/inet.h>
#include <linux/sockios.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <ctime>
#include <fstream>
#include <map>
#include <set>
#include <sstream>
#include <utility>

#include "tiptoe/dut_export.hpp"

namespace tiptoe::devices {

namespace {

constexpr int ipproto_tcp = IPPROTO_TCP;

std::uint64_t monotonic_us() {
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<std::uint64_t>(now.tv_sec) * 1'000'000 + static_cast<std::uint64_t>(now.tv_nsec) / 1000;
}

sockaddr_in address_of(std::uint32_t address, std::uint16_t port) {
  sockaddr_in a{};
  a.sin_family = AF_INET;
  a.sin_addr.s_addr = htonl(address);
  a.sin_port = htons(port);
  return a;
}

bool set_option(int fd, int level, int name, int value) {
  return ::setsockopt(fd, level, name, &value, sizeof value) == 0;
}

tcp_info info_of(int fd) {
  tcp_info info{};
  socklen_t size = sizeof info;
  ::getsockopt(fd, ipproto_tcp, TCP_INFO, &info, &size);
  return info;
}

/// The pending error, hard or soft; it counts as read then.
int error_of(int fd) {
  int error = 0;
  socklen_t size = sizeof error;
  ::getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size);
  return error;
}

std::uint32_t unread_of(int fd) {
  int n = 0;
  return ::ioctl(fd, SIOCINQ, &n) == 0 && n > 0 ? static_cast<std::uint32_t>(n) : 0;
}

std::uint32_t unacknowledged_of(int fd) {
  int n = 0;
  return ::ioctl(fd, SIOCOUTQ, &n) == 0 && n > 0 ? static_cast<std::uint32_t>(n) : 0;
}

Tuple tuple_of(int fd) {
  sockaddr_in local{};
  sockaddr_in remote{};
  socklen_t size = sizeof local;
  ::getsockname(fd, reinterpret_cast<sockaddr*>(&local), &size);
  size = sizeof remote;
  ::getpeername(fd, reinterpret_cast<sockaddr*>(&remote), &size);
  return {ntohl(local.sin_addr.s_addr), ntohs(local.sin_port), ntohl(remote.sin_addr.s_addr), ntohs(remote.sin_port)};
}

/// tcp_retries2 is a time in disguise: that of so many retransmissions from 200 ms on (tcp_model_timeout() in
/// net/ipv4/tcp_timer.c). The smallest number that lasts beyond retransmission `retries` of a timer that starts at
/// `rto`, both in microseconds.
unsigned retries2_for(std::uint64_t retries, std::uint64_t rto, std::uint64_t rto_max) {
  const auto elapsed = [rto_max](std::uint64_t first, std::uint64_t n) {  // when timer n (from 0) expires
    std::uint64_t sum = 0;
    for (std::uint64_t k = 0; k <= n; ++k) {
      sum += first;
      first = std::min(first * 2, rto_max);
    }
    return sum;
  };
  const std::uint64_t last = retries == 0 ? 0 : elapsed(rto, retries - 1);
  const std::uint64_t end = elapsed(rto, retries);
  for (unsigned k = 0; k < 60; ++k) {
    if (elapsed(200'000, k) > (last + end) / 2) return k;
  }
  return 60;
}

/// What makes the stack do, where RFCs leave a choice, what the suite's tester does, too. docs/devices.md has the
/// reasons.
struct Sysctl {
  const char* name;
  const char* value;
  bool needed;  ///< otherwise: newer kernels only
};
constexpr Sysctl our_sysctls[] = {
    {"ipv4/tcp_timestamps", "0", true},
    {"ipv4/tcp_sack", "0", true},
    {"ipv4/tcp_window_scaling", "0", true},
    {"ipv4/tcp_ecn", "0", true},
    {"ipv4/tcp_fastopen", "0", true},
    {"ipv4/tcp_syncookies", "0", true},
    {"ipv4/tcp_congestion_control", "reno", true},
    {"ipv4/tcp_recovery", "0", true},
    {"ipv4/tcp_early_retrans", "0", true},
    {"ipv4/tcp_frto", "0", true},
    {"ipv4/tcp_autocorking", "0", true},
    {"ipv4/tcp_no_metrics_save", "1", true},
    {"ipv4/tcp_moderate_rcvbuf", "0", true},
    {"ipv4/tcp_challenge_ack_limit", "2147483647", false},
    {"ipv4/tcp_syn_linear_timeouts", "0", false},
    {"ipv4/tcp_tw_reuse", "0", true},
    {"ipv4/tcp_mtu_probing", "0", true},
    {"ipv4/conf/all/rp_filter", "0", true},
    {"ipv4/conf/default/rp_filter", "0", true},
    {"ipv4/conf/tun0/rp_filter", "0", true},
    {"ipv6/conf/all/disable_ipv6", "1", false},
    {"ipv6/conf/tun0/disable_ipv6", "1", false},
};

struct Feature {
  const char* name;
  std::uint64_t bit;
  int fixed;  ///< 0 or 1: always so; -1: can be chosen
};
constexpr Feature features[] = {{"RST5961", 1, 1},   {"SYN5961", 2, 1},  {"ACK5961", 4, 1}, {"RFC1337", 8, -1},
                                {"TW_REUSE", 16, 1}, {"DELACK", 32, -1}, {"DF", 64, -1},    {"FIXED_ISS", 128, 0}};
constexpr std::uint64_t default_features = 0x3F;

const std::set<std::string> free_settings = {
    "LOCAL_IP0",    "LOCAL_IP1",   "LOCAL_IP2",    "LOCAL_IP3",   "MTU",          "TTL",
    "TOS",          "RTO_MIN",     "RTO_MAX",      "SYN_RETRIES", "DATA_RETRIES", "KEEP_IDLE_S",
    "KEEP_INTVL_S", "KEEP_PROBES", "USER_TIMEOUT", "IW_SEGS",     "CH_WINDOW"};
const std::map<std::string, std::uint64_t> fixed_settings = {
    {"RTO_INIT", 1'000'000}, {"SYN_RTO", 1'000'000}, {"SYN_BACKOFF", 1}, {"MSL", 30'000'000},
    {"FW2_TIMEOUT", 0},      {"OPEN_TIMEOUT", 0},    {"QUIET", 0},       {"CH_LIMIT", 1}};

}  // namespace

// ---- life

LinuxDut::LinuxDut(const std::string& arguments) {
  std::string text = arguments;
  std::replace(text.begin(), text.end(), ',', ' ');
  std::istringstream in(text);
  for (std::string word; in >> word;) {
    const std::size_t equals = word.find('=');
    const std::string key = word.substr(0, equals);
    if (equals == std::string::npos || !key.starts_with("sysctl.")) {
      throw DutError("linux: argument '" + word + "' is unknown; there is sysctl.NAME=VALUE");
    }
    std::string name = key.substr(7);
    std::replace(name.begin(), name.end(), '.', '/');
    sysctls_.emplace_back("ipv4/" + name, word.substr(equals + 1));
  }

  namespace_ = std::make_unique<Namespace>();  // fails now, not at the first case
}

LinuxDut::~LinuxDut() = default;

std::string LinuxDut::description() const {
  utsname u{};
  ::uname(&u);
  return std::string("TCP of the running kernel, ") + u.sysname + " " + u.release;
}

std::uint64_t LinuxDut::setting(const std::string& name, std::uint64_t otherwise) const {
  const auto it = settings_.find(name);
  return it == settings_.end() ? otherwise : it->second;
}

/// Puts it into settings_, or throws. FEATURES bits come together or one by one ("FEATURES.DELACK").
void LinuxDut::accept_setting(const std::string& name, std::uint64_t value) {
  if (name.starts_with("FEATURES.")) {
    for (const Feature& f : features) {
      if (name.substr(9) != f.name) continue;
      std::uint64_t& all = settings_.try_emplace("FEATURES", default_features).first->second;
      all = value != 0 ? all | f.bit : all & ~f.bit;
      return;
    }
  }
  if (const auto fixed = fixed_settings.find(name); fixed != fixed_settings.end()) {
    if (fixed->second == value) return;
    throw DutUnsupported("Linux has " + name + " = " + std::to_string(fixed->second) + " for good, not " +
                         std::to_string(value));
  }
  if (name != "FEATURES" && !free_settings.contains(name)) throw DutUnsupported("Linux has no setting " + name);
  settings_[name] = value;
}

void LinuxDut::reset(const DutConfig& config) {
  for (auto& [handle, socket] : sockets_) {  // nothing may be sent any more: the old namespace ends with them
    const linger at_once{.l_onoff = 1, .l_linger = 0};
    ::setsockopt(socket.fd.get(), SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
  }
  sockets_.clear();
  waiting_.clear();
  outputs_.clear();
  last_sent_ = 0;
  notifications_.clear();
  diag_.reset();
  namespace_.reset();
  namespace_ = std::make_unique<Namespace>();

  settings_.clear();
  for (const auto& [name, value] : config.settings) accept_setting(name, value);
  for (const Feature& f : features) {
    const bool wanted = (setting("FEATURES", default_features) & f.bit) != 0;
    if (f.fixed >= 0 && wanted != (f.fixed != 0)) {
      throw DutUnsupported(std::string("Linux has ") + f.name + " = " + std::to_string(f.fixed) + " for good");
    }
  }

  const Namespace::Inside inside(*namespace_);
  for (const Sysctl& s : our_sysctls) {
    if (s.needed) {
      namespace_->sysctl(std::string("net/") + s.name, s.value);
    } else {
      namespace_->try_sysctl(std::string("net/") + s.name, s.value);
    }
  }
  const std::uint64_t f = setting("FEATURES", default_features);
  const std::uint64_t rto_min = setting("RTO_MIN", 1'000'000);
  const std::uint64_t rto_max = setting("RTO_MAX", 60'000'000);
  const auto put = [&](const char* name, std::uint64_t value) {
    namespace_->sysctl(std::string("net/ipv4/") + name, std::to_string(value));
  };
  put("tcp_rfc1337", (f & 8) != 0 ? 1 : 0);
  put("ip_no_pmtu_disc", (f & 64) != 0 ? 0 : 1);
  put("ip_default_ttl", setting("TTL", 64));
  // One challenge ACK in so many milliseconds and connection. Without the setting: as many as are due.
  put("tcp_invalid_ratelimit", setting("CH_WINDOW", 0) / 1000);
  put("tcp_syn_retries", setting("SYN_RETRIES", 7));
  put("tcp_synack_retries", setting("SYN_RETRIES", 7));
  namespace_->try_sysctl("net/ipv4/tcp_rto_max_ms",
                         std::to_string(std::clamp<std::uint64_t>(rto_max / 1000, 1000, 120'000)));
  if (settings_.contains("DATA_RETRIES"))
    put("tcp_retries2", retries2_for(settings_["DATA_RETRIES"], rto_min, rto_max));
  for (const auto& [name, value] : sysctls_) namespace_->sysctl("net/" + name, value);
  for (const char* name : {"LOCAL_IP0", "LOCAL_IP1", "LOCAL_IP2", "LOCAL_IP3"}) {
    if (const std::uint64_t address = setting(name, 0); address != 0) {
      namespace_->add_address(static_cast<std::uint32_t>(address));
    }
  }
  diag_ = std::make_unique<SockDiag>();
  namespace_->start(static_cast<unsigned>(setting("MTU", 1500)), {});
  apply_route();
  zero_ = monotonic_us();
}

void LinuxDut::apply_route() {
  RouteMetrics metrics;
  metrics.rto_min_ms = static_cast<std::uint32_t>(setting("RTO_MIN", 1'000'000) / 1000);
  metrics.quickack = (setting("FEATURES", default_features) & 32) == 0;
  std::uint64_t segments = setting("IW_SEGS", 0);
  if (segments == 0) {  // RFC 5681 3.1, for the MSS of the interface; the kernel's own would be 10 (RFC 6928)
    const std::uint64_t mss = setting("MTU", 1500) - 40;
    segments = mss > 2190 ? 2 : mss > 1095 ? 3 : 4;
  }
  metrics.initcwnd = static_cast<std::uint32_t>(segments);
  namespace_->route(metrics);
}

void LinuxDut::set(const std::string& name, std::uint64_t value) {
  if (name.starts_with("LOCAL_IP") || name == "MTU") throw DutUnsupported("Linux can't change " + name + " meanwhile");
  accept_setting(name, value);
  const Namespace::Inside inside(*namespace_);
  if (name == "TTL") namespace_->sysctl("net/ipv4/ip_default_ttl", std::to_string(value));
  if (name == "CH_WINDOW") namespace_->sysctl("net/ipv4/tcp_invalid_ratelimit", std::to_string(value / 1000));
  const bool feature = name.starts_with("FEATURES");
  if (feature || name == "IW_SEGS" || name == "RTO_MIN") apply_route();
  if (feature) {
    const std::uint64_t all = setting("FEATURES", default_features);
    namespace_->sysctl("net/ipv4/tcp_rfc1337", (all & 8) != 0 ? "1" : "0");
    namespace_->sysctl("net/ipv4/ip_no_pmtu_disc", (all & 64) != 0 ? "0" : "1");
  }
  for (auto& [handle, socket] : sockets_) options_of(socket.fd.get());
}

std::uint64_t LinuxDut::counter(const std::string& name) {
  const Namespace::Inside inside(*namespace_);
  std::ifstream file("/proc/thread-self/net/snmp");
  std::string names;
  std::string values;
  while (std::getline(file, names) && std::getline(file, values)) {
    if (!names.starts_with("Tcp:")) continue;
    std::istringstream n(names);
    std::istringstream v(values);
    for (std::string key, value; n >> key && v >> value;) {
      if (key == name) return static_cast<std::uint64_t>(std::stoll(value));
    }
  }
  throw DutUnsupported("Linux has no counter " + name);
}

// ---- wire and time

std::uint64_t LinuxDut::now_us() const { return monotonic_us() - zero_; }

void LinuxDut::inject(std::span<const std::uint8_t> datagram) {
  namespace_->write(datagram);
  constexpr std::size_t protocol = 9;
  if (datagram.size() <= protocol || datagram[protocol] != IPPROTO_TCP) look_at_each_ = true;  // ICMP: a soft error
}

void LinuxDut::pump() {
  while (auto packet = namespace_->read()) {
    // Two clocks were compared for it: it may be off by a microsecond, but order is order.
    const std::uint64_t sent = packet->monotonic_us > zero_ ? packet->monotonic_us - zero_ : 0;
    last_sent_ = std::max(last_sent_, std::min(sent, now_us()));
    outputs_.push_back({.bytes = std::move(packet->bytes), .time_us = last_sent_});
  }
}

std::optional<Datagram> LinuxDut::poll_output() {
  if (outputs_.empty()) pump();
  if (outputs_.empty()) return std::nullopt;
  Datagram first = std::move(outputs_.front());
  outputs_.pop_front();
  return first;
}

void LinuxDut::wait(std::uint64_t until, bool for_output) {
  while (true) {
    pump();
    const std::uint64_t now = now_us();
    if (now >= until || (for_output && !outputs_.empty())) return;
    const std::uint64_t left = until - now;
    const timespec timeout{.tv_sec = static_cast<time_t>(left / 1'000'000),
                           .tv_nsec = static_cast<long>(left % 1'000'000) * 1000};
    pollfd wire{.fd = namespace_->wire(), .events = POLLIN, .revents = 0};
    ::ppoll(&wire, 1, &timeout, nullptr);
  }
}

std::optional<Datagram> LinuxDut::run_until_output(std::uint64_t us) {
  wait(now_us() + us, true);
  return poll_output();
}

void LinuxDut::advance(std::uint64_t us) { wait(now_us() + us, false); }

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

static std::unique_ptr<tiptoe::Dut> make_linux(const std::string& arguments) {
  return std::make_unique<tiptoe::devices::LinuxDut>(arguments);
}
TIPTOE_EXPORT_DUT("linux", make_linux)
