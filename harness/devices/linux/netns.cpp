// SPDX-License-Identifier: Apache-2.0
#include "netns.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <linux/if_tun.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <ctime>
#include <utility>

#include "tiptoe/dut.hpp"

namespace tiptoe::devices {

namespace {

std::uint64_t clock_us(clockid_t clock) {
  timespec now{};
  ::clock_gettime(clock, &now);
  return static_cast<std::uint64_t>(now.tv_sec) * 1'000'000 + static_cast<std::uint64_t>(now.tv_nsec) / 1000;
}

/// A netlink message under construction.
class Message {
 public:
  template <class Body>
  Message(std::uint16_t type, std::uint16_t flags, std::uint32_t sequence, const Body& body) {
    nlmsghdr head{};
    head.nlmsg_type = type;
    head.nlmsg_flags = static_cast<std::uint16_t>(flags | NLM_F_REQUEST | NLM_F_ACK);
    head.nlmsg_seq = sequence;
    append(&head, sizeof head);
    append(&body, sizeof body);
  }
  void attribute(std::uint16_t type, const void* data, std::size_t size) {
    rtattr a{};
    a.rta_len = static_cast<std::uint16_t>(RTA_LENGTH(size));
    a.rta_type = type;
    append(&a, sizeof a);
    append(data, size);
  }
  template <class Value>
  void attribute(std::uint16_t type, const Value& value) {
    attribute(type, &value, sizeof value);
  }
  std::span<const std::uint8_t> finish() {
    const auto length = static_cast<std::uint32_t>(bytes_.size());
    std::memcpy(bytes_.data(), &length, sizeof length);  // nlmsg_len is the first field
    return bytes_;
  }
  std::vector<std::uint8_t>& bytes() { return bytes_; }

 private:
  void append(const void* data, std::size_t size) {
    const auto* p = static_cast<const std::uint8_t*>(data);
    bytes_.insert(bytes_.end(), p, p + size);
    while (bytes_.size() % 4 != 0) bytes_.push_back(0);
  }
  std::vector<std::uint8_t> bytes_;
};

}  // namespace

std::string with_errno(const std::string& text) { return text + ": " + std::strerror(errno); }

Fd& Fd::operator=(Fd&& other) noexcept {
  if (this != &other) {
    close();
    fd_ = other.release();
  }
  return *this;
}

int Fd::release() noexcept { return std::exchange(fd_, -1); }

void Fd::close() noexcept {
  if (fd_ >= 0) ::close(release());
}

Namespace::Inside::Inside(const Namespace& ns) : home_(ns.home_.get()) {
  if (::setns(ns.own_.get(), CLONE_NEWNET) != 0) throw DutError(with_errno("can't enter the network namespace"));
}

Namespace::Inside::~Inside() { ::setns(home_, CLONE_NEWNET); }

Namespace::Namespace() : buffer_(65'600) {
  home_ = Fd(::open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC));
  if (!home_) throw DutError(with_errno("can't see the own network namespace (/proc/thread-self/ns/net)"));
  if (::unshare(CLONE_NEWNET) != 0) {
    throw DutError(with_errno("can't make a network namespace; it takes root, or try `unshare -r`"));
  }
  own_ = Fd(::open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC));
  struct Home {  // whatever happens below, the thread goes back
    int fd;
    ~Home() { ::setns(fd, CLONE_NEWNET); }
  } const home{home_.get()};
  if (!own_) throw DutError(with_errno("can't see the new network namespace"));

  tun_ = Fd(::open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC));
  if (!tun_) throw DutError(with_errno("can't open /dev/net/tun; it takes root and the kernel's TUN driver"));
  ifreq name{};
  std::strcpy(name.ifr_name, "tun0");
  name.ifr_flags = IFF_TUN | IFF_NO_PI;
  if (::ioctl(tun_.get(), TUNSETIFF, &name) != 0) throw DutError(with_errno("can't make a TUN device"));
  index_ = static_cast<int>(::if_nametoindex("tun0"));

  netlink_ = Fd(::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE));
  if (!netlink_) throw DutError(with_errno("no netlink socket"));

  // What the TUN device sends, a second time, with the time at which the kernel sent it: a tester that is late does not
  // make the device late.
  tap_ = Fd(::socket(AF_PACKET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!tap_) throw DutError(with_errno("no packet socket"));
  std::array<sock_filter, 4> outgoing{
      {BPF_STMT(BPF_LD | BPF_W | BPF_ABS, static_cast<std::uint32_t>(SKF_AD_OFF) + SKF_AD_PKTTYPE),
       BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, PACKET_OUTGOING, 0, 1), BPF_STMT(BPF_RET | BPF_K, 0xFFFF),
       BPF_STMT(BPF_RET | BPF_K, 0)}};
  const sock_fprog filter{.len = outgoing.size(), .filter = outgoing.data()};
  const int on = 1;
  sockaddr_ll any{};
  any.sll_family = AF_PACKET;
  any.sll_protocol = htons(ETH_P_ALL);
  any.sll_ifindex = index_;
  if (::setsockopt(tap_.get(), SOL_SOCKET, SO_ATTACH_FILTER, &filter, sizeof filter) != 0 ||
      ::setsockopt(tap_.get(), SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof on) != 0 ||
      ::bind(tap_.get(), reinterpret_cast<const sockaddr*>(&any), sizeof any) != 0) {
    throw DutError(with_errno("can't watch the TUN device"));
  }
  int down = 0;  // it is not up yet, and the socket would say so first
  socklen_t size = sizeof down;
  ::getsockopt(tap_.get(), SOL_SOCKET, SO_ERROR, &down, &size);
}

void Namespace::sysctl(const std::string& name, const std::string& value) const {
  if (!try_sysctl(name, value)) throw DutError(with_errno("can't set " + name + " = " + value));
}

bool Namespace::try_sysctl(const std::string& name, const std::string& value) const noexcept {
  const Fd file(::open(("/proc/sys/" + name).c_str(), O_WRONLY | O_CLOEXEC));
  return file && ::write(file.get(), value.data(), value.size()) == static_cast<ssize_t>(value.size());
}

void Namespace::request(std::span<const std::uint8_t> message) {
  if (::send(netlink_.get(), message.data(), message.size(), 0) != static_cast<ssize_t>(message.size())) {
    throw DutError(with_errno("netlink"));
  }
  std::array<std::uint8_t, 8192> answer{};
  const ssize_t n = ::recv(netlink_.get(), answer.data(), answer.size(), 0);
  nlmsghdr head{};
  nlmsgerr error{};
  if (n < static_cast<ssize_t>(NLMSG_LENGTH(sizeof error))) throw DutError("netlink: a short answer");
  std::memcpy(&head, answer.data(), sizeof head);
  std::memcpy(&error, answer.data() + NLMSG_HDRLEN, sizeof error);
  if (head.nlmsg_type == NLMSG_ERROR && error.error != 0) {
    errno = -error.error;
    throw DutError(with_errno("netlink"));
  }
}

void Namespace::add_address(std::uint32_t address) {
  ifaddrmsg body{};
  body.ifa_family = AF_INET;
  body.ifa_prefixlen = 32;
  body.ifa_index = static_cast<unsigned>(index_);
  Message m(RTM_NEWADDR, NLM_F_CREATE | NLM_F_REPLACE, ++sequence_, body);
  m.attribute(IFA_LOCAL, htonl(address));
  m.attribute(IFA_ADDRESS, htonl(address));
  request(m.finish());
}

void Namespace::start(unsigned mtu, const RouteMetrics& metrics) {
  for (const int index : {1, index_}) {  // lo is always the first
    ifinfomsg body{};
    body.ifi_family = AF_UNSPEC;
    body.ifi_index = index;
    body.ifi_flags = IFF_UP;
    body.ifi_change = IFF_UP;
    Message m(RTM_NEWLINK, 0, ++sequence_, body);
    if (index == index_) {
      m.attribute(IFLA_MTU, std::uint32_t{mtu});
      m.attribute(IFLA_TXQLEN, std::uint32_t{10'000});
    }
    request(m.finish());
  }
  route(metrics);
}

void Namespace::route(const RouteMetrics& metrics) {
  rtmsg body{};
  body.rtm_family = AF_INET;
  body.rtm_table = RT_TABLE_MAIN;
  body.rtm_protocol = RTPROT_BOOT;
  body.rtm_scope = RT_SCOPE_LINK;
  body.rtm_type = RTN_UNICAST;
  Message m(RTM_NEWROUTE, NLM_F_CREATE | NLM_F_REPLACE, ++sequence_, body);
  m.attribute(RTA_OIF, std::int32_t{index_});
  const std::size_t begin = m.bytes().size();
  m.attribute(RTA_METRICS, nullptr, 0);
  if (metrics.rto_min_ms) {
    m.attribute(RTAX_LOCK, std::uint32_t{1U << RTAX_RTO_MIN});
    m.attribute(RTAX_RTO_MIN, *metrics.rto_min_ms);
  }
  if (metrics.initcwnd) m.attribute(RTAX_INITCWND, *metrics.initcwnd);
  if (metrics.quickack) m.attribute(RTAX_QUICKACK, std::uint32_t{1});
  const auto length = static_cast<std::uint16_t>(m.bytes().size() - begin);
  std::memcpy(m.bytes().data() + begin, &length, sizeof length);
  request(m.finish());
}

bool Namespace::write(std::span<const std::uint8_t> datagram) const {
  while (true) {
    const ssize_t n = ::write(tun_.get(), datagram.data(), datagram.size());
    if (n >= 0) return true;
    if (errno == EINVAL) return false;
    if (errno == EAGAIN || errno == ENOBUFS || errno == EINTR) continue;
    throw DutError(with_errno("writing to the TUN device"));
  }
}

std::optional<Namespace::Packet> Namespace::read() {
  const ssize_t n = ::read(tun_.get(), buffer_.data(), buffer_.size());
  if (n < 0) {
    if (errno == EAGAIN || errno == EINTR) return std::nullopt;
    throw DutError(with_errno("reading from the TUN device"));
  }
  Packet packet{.bytes = {buffer_.begin(), buffer_.begin() + n}, .monotonic_us = clock_us(CLOCK_MONOTONIC)};

  // The same datagram from the packet socket: they come in the same order.
  alignas(cmsghdr) std::array<char, 128> control{};
  std::array<std::uint8_t, 64> head{};
  iovec part{.iov_base = head.data(), .iov_len = head.size()};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = control.data();
  message.msg_controllen = control.size();
  const auto compared = static_cast<std::size_t>(std::min<ssize_t>(n, static_cast<ssize_t>(head.size())));
  do {  // one that the TUN device had no room for was seen here all the same
    message.msg_controllen = control.size();
    const ssize_t seen = ::recvmsg(tap_.get(), &message, MSG_TRUNC);
    if (seen < 0) return packet;
    if (seen == n && std::memcmp(head.data(), packet.bytes.data(), compared) == 0) break;
  } while (true);
  for (cmsghdr* c = CMSG_FIRSTHDR(&message); c != nullptr; c = CMSG_NXTHDR(&message, c)) {
    if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SO_TIMESTAMPNS) continue;
    timespec stamp{};
    std::memcpy(&stamp, CMSG_DATA(c), sizeof stamp);
    const std::uint64_t sent =
        static_cast<std::uint64_t>(stamp.tv_sec) * 1'000'000 + static_cast<std::uint64_t>(stamp.tv_nsec) / 1000;
    const std::uint64_t real = clock_us(CLOCK_REALTIME);
    const std::uint64_t monotonic = clock_us(CLOCK_MONOTONIC);
    if (sent <= real && real - sent < 10'000'000) packet.monotonic_us = monotonic - (real - sent);
  }
  return packet;
}

}  // namespace tiptoe::devices
