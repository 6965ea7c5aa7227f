// SPDX-License-Identifier: Apache-2.0
#include "linux_dut.hpp"

#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/utsname.h>

#include <algorithm>
#include <ctime>
#include <fstream>
#include <map>
#include <set>
#include <sstream>

#include "tiptoe/dut_export.hpp"

namespace tiptoe::devices {

namespace {

std::uint64_t monotonic_us() {
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<std::uint64_t>(now.tv_sec) * 1'000'000 + static_cast<std::uint64_t>(now.tv_nsec) / 1000;
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
    {"ipv4/tcp_max_reordering", "3", true},
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

}  // namespace tiptoe::devices

static std::unique_ptr<tiptoe::Dut> make_linux(const std::string& arguments) {
  return std::make_unique<tiptoe::devices::LinuxDut>(arguments);
}
TIPTOE_EXPORT_DUT("linux", make_linux)
