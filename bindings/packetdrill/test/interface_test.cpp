// SPDX-License-Identifier: Apache-2.0
// Loads the shared object as packetdrill does, and calls what is in its table.
#include <dlfcn.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

#include "../src/interface.hpp"
#include "tiptoe/segment.hpp"

namespace tiptoe {
namespace {

constexpr std::uint32_t kUs = 0xC0A8'0001U, kPeer = 0xC000'0201U;  // 192.168.0.1, 192.0.2.1
constexpr std::uint16_t kPort = 8080, kPeerPort = 40000;
constexpr long long kMs = 1000, kS = 1'000'000;

sockaddr_in at(std::uint32_t address, std::uint16_t port) {
  sockaddr_in a{};
  a.sin_family = AF_INET;
  a.sin_addr.s_addr = htonl(address);
  a.sin_port = htons(port);
  return a;
}

const sockaddr* generic(const sockaddr_in& a) { return static_cast<const sockaddr*>(static_cast<const void*>(&a)); }

/// -errno after a call that answered -1, else the answer.
long outcome(long result) { return result == -1 ? -long{errno} : result; }

/// Time starts far from 0; here it is counted from the start of the test.
class PacketdrillInterface : public testing::Test {
 protected:
  PacketdrillInterface() { load("seed=5"); }
  ~PacketdrillInterface() override { unload(); }

  void load(const char* flags) {
    void* library = dlopen(TIPTOE_PACKETDRILL_SO, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE | RTLD_DEEPBIND);
    ASSERT_NE(library, nullptr) << dlerror();
    void* symbol = dlsym(library, "packetdrill_interface_init");
    ASSERT_NE(symbol, nullptr) << dlerror();
    void (*init)(const char*, packetdrill_interface*) = nullptr;
    std::memcpy(&init, &symbol, sizeof init);
    init(flags, &i);
    u = i.userdata;
    start = absolute_now();
  }
  void unload() {
    if (u != nullptr) i.free(u);
    u = nullptr;
  }

  long long absolute_now() {
    timeval t{};
    if (i.gettimeofday(u, &t, nullptr) != 0) return -1;
    return static_cast<long long>(t.tv_sec) * kS + t.tv_usec;
  }
  long long now() { return absolute_now() - start; }

  int new_socket() { return i.socket(u, AF_INET, SOCK_STREAM, IPPROTO_TCP); }
  int listener(bool non_blocking = true) {
    const int fd = new_socket();
    const sockaddr_in a = at(kUs, kPort);
    EXPECT_EQ(i.bind(u, fd, generic(a), sizeof a), 0);
    EXPECT_EQ(i.listen(u, fd, 4), 0);
    if (non_blocking) set_non_blocking(fd);
    return fd;
  }
  void set_non_blocking(int fd) { EXPECT_EQ(i.fcntl(u, fd, F_SETFL, O_RDWR | O_NONBLOCK), 0); }

  void inject(const Segment& segment) {
    const Bytes bytes = segment.build();
    ASSERT_EQ(i.netdev_send(u, bytes.data(), bytes.size()), 0);
  }
  Segment from_peer(std::uint8_t flags, Bytes payload = {}) const {
    Segment s{.src = kPeer, .dst = kUs};
    s.src_port = kPeerPort, s.dst_port = kPort;
    s.seq = seq, s.ack = ack, s.flags = flags, s.window = 60000, s.payload = std::move(payload);
    return s;
  }
  Segment next() {
    Bytes buffer(70000);
    std::size_t count = buffer.size();
    EXPECT_EQ(i.netdev_receive(u, buffer.data(), &count, &output_time), 0);
    EXPECT_NE(count, 0U) << "nothing was sent";
    buffer.resize(count);
    output_time -= start;
    return count == 0 ? Segment{} : Segment::parse(buffer);
  }
  void expect(std::uint8_t flags, std::uint32_t relative_seq, std::uint32_t relative_ack, std::size_t length = 0) {
    const Segment got = next();
    EXPECT_EQ(flags_to_string(got.flags.value_or(0)), flags_to_string(flags));
    EXPECT_EQ(got.seq.value_or(0) - iss, relative_seq);
    if ((flags & ACK) != 0) {
      EXPECT_EQ(got.ack.value_or(0), relative_ack);
    }
    EXPECT_EQ(got.payload.value_or(Bytes{}).size(), length);
  }
  /// The peer's numbers start at 0: everything that it sends has its relative numbers. Ours are counted from `iss`.
  void handshake_passive() {
    seq = 0, ack = 0;
    inject(from_peer(SYN));
    const Segment answer = next();
    iss = answer.seq.value_or(0);
    seq = 1, ack = iss + 1;
    inject(from_peer(ACK));
  }
  int established(int lsn) {
    handshake_passive();
    const int fd = i.accept(u, lsn, nullptr, nullptr);
    EXPECT_GE(fd, 0);
    return fd;
  }
  int option(int fd, int level, int name) {
    int value = -1;
    socklen_t length = sizeof value;
    EXPECT_EQ(i.getsockopt(u, fd, level, name, &value, &length), 0);
    EXPECT_EQ(length, sizeof value);
    return value;
  }
  long set_option(int fd, int level, int name, int value) {
    return outcome(i.setsockopt(u, fd, level, name, &value, sizeof value));
  }
  short poll_once(int fd, short events) {
    pollfd one{.fd = fd, .events = events, .revents = 0};
    const int found = i.poll(u, &one, 1, 0);
    EXPECT_EQ(found, one.revents != 0 ? 1 : 0);
    return one.revents;
  }

  packetdrill_interface i{};
  void* u = nullptr;
  long long start = 0, output_time = 0;
  std::uint32_t seq = 0, ack = 0, iss = 0;
};

/// A call on a second thread, with what it answered and what the clock then said there. The constructor returns when
/// the call stands still, or is over: it looks at the thread's state, as packetdrill does.
class Waiting {
 public:
  template <class F, class Clock>
  Waiting(F call, Clock clock)
      : thread_([this, call, clock] {
          thread_id_ = gettid();
          result = outcome(call());
          time = clock();
          over_ = true;
        }) {
    while (!over_ && !sleeping()) std::this_thread::yield();
  }
  Waiting(const Waiting&) = delete;
  Waiting& operator=(const Waiting&) = delete;
  ~Waiting() { join(); }
  void join() {
    if (thread_.joinable()) thread_.join();
  }
  long result = 0;
  long long time = 0;

 private:
  bool sleeping() const {
    if (thread_id_ == 0) return false;
    std::ifstream file("/proc/self/task/" + std::to_string(thread_id_) + "/stat");
    std::string text;
    std::getline(file, text);
    const std::size_t name_end = text.rfind(')');
    return name_end != std::string::npos && text.substr(name_end).starts_with(") S");
  }
  std::atomic<pid_t> thread_id_ = 0;
  std::atomic<bool> over_ = false;
  std::thread thread_;
};

TEST_F(PacketdrillInterface, TableIsComplete) {
  // userdata and 32 functions, all of them there
  std::array<void*, 33> entries{};
  static_assert(sizeof i == sizeof entries);
  std::memcpy(entries.data(), &i, sizeof i);
  for (const void* entry : entries) EXPECT_NE(entry, nullptr);
}

TEST_F(PacketdrillInterface, TimeMovesOnWhenAsked) {
  const long long t = now();
  EXPECT_GT(now(), t);
  EXPECT_EQ(i.usleep(u, 250'000), 0);
  const long long later = now();
  EXPECT_GE(later, t + 250'000);
  EXPECT_LT(later, t + 250'010);
  EXPECT_EQ(i.usleep(u, 3'600'000'000U), 0);  // an hour
  EXPECT_GE(now(), t + 3600 * kS);
}

TEST_F(PacketdrillInterface, HandshakeDataBothWaysClose) {
  const int lsn = listener();
  EXPECT_EQ(outcome(i.accept(u, lsn, nullptr, nullptr)), -EAGAIN);
  handshake_passive();
  sockaddr_in peer{};
  socklen_t length = sizeof peer;
  const int fd = i.accept(u, lsn, static_cast<sockaddr*>(static_cast<void*>(&peer)), &length);
  ASSERT_GE(fd, 0);
  EXPECT_EQ(ntohl(peer.sin_addr.s_addr), kPeer);
  EXPECT_EQ(ntohs(peer.sin_port), kPeerPort);

  set_non_blocking(fd);
  std::array<char, 64> buffer{};
  EXPECT_EQ(outcome(i.read(u, fd, buffer.data(), buffer.size())), -EAGAIN);
  inject(from_peer(ACK | PSH, {'h', 'e', 'l', 'l', 'o'}));
  seq += 5;
  EXPECT_EQ(i.recv(u, fd, buffer.data(), 4, MSG_PEEK), 4);
  std::array<iovec, 2> parts{iovec{buffer.data() + 10, 2}, iovec{buffer.data() + 20, 40}};
  EXPECT_EQ(i.readv(u, fd, parts.data(), 2), 5);
  EXPECT_EQ(std::string(buffer.data() + 10, 2) + std::string(buffer.data() + 20, 3), "hello");

  std::array<char, 6> text{'w', 'o', 'r', 'l', 'd', '!'};
  parts = {iovec{text.data(), 2}, iovec{text.data() + 2, 4}};
  EXPECT_EQ(i.writev(u, fd, parts.data(), 2), 6);
  const Segment data = next();
  EXPECT_EQ(data.payload.value_or(Bytes{}), Bytes({'w', 'o', 'r', 'l', 'd', '!'}));
  EXPECT_EQ(data.ack.value_or(0), 6U);
  ack += 6;
  inject(from_peer(ACK));

  inject(from_peer(FIN | ACK));
  expect(ACK, 7, 7);
  EXPECT_EQ(i.read(u, fd, buffer.data(), buffer.size()), 0);
  EXPECT_EQ(i.close(u, fd), 0);
  expect(FIN | ACK, 7, 7);
  EXPECT_EQ(outcome(i.read(u, fd, buffer.data(), 1)), -EBADF);
  EXPECT_EQ(i.close(u, lsn), 0);
}

TEST_F(PacketdrillInterface, NonBlockingConnect) {
  const int fd = new_socket();
  set_non_blocking(fd);
  const sockaddr_in peer = at(kPeer, 80);
  EXPECT_EQ(outcome(i.connect(u, fd, generic(peer), sizeof peer)), -EINPROGRESS);
  EXPECT_EQ(outcome(i.connect(u, fd, generic(peer), sizeof peer)), -EALREADY);
  EXPECT_EQ(poll_once(fd, POLLOUT), 0);
  const Segment syn = next();
  EXPECT_EQ(syn.flags.value_or(0), SYN);
  EXPECT_EQ(syn.dst.value_or(0), kPeer);
  iss = syn.seq.value_or(0);
  Segment answer{.src = kPeer, .dst = syn.src};
  answer.src_port = 80, answer.dst_port = syn.src_port, answer.seq = 9, answer.ack = iss + 1;
  answer.flags = SYN | ACK, answer.window = 60000;
  inject(answer);
  expect(ACK, 1, 10);
  EXPECT_EQ(option(fd, SOL_SOCKET, SO_ERROR), 0);
  EXPECT_EQ(poll_once(fd, POLLOUT), POLLOUT);
  EXPECT_EQ(i.connect(u, fd, generic(peer), sizeof peer), 0);
  EXPECT_EQ(outcome(i.connect(u, fd, generic(peer), sizeof peer)), -EISCONN);
}

TEST_F(PacketdrillInterface, RefusedAndTimedOut) {
  const sockaddr_in peer = at(kPeer, 80);
  const int refused = new_socket();
  set_non_blocking(refused);
  EXPECT_EQ(outcome(i.connect(u, refused, generic(peer), sizeof peer)), -EINPROGRESS);
  const Segment syn = next();
  Segment answer{.src = kPeer, .dst = syn.src};
  answer.src_port = 80, answer.dst_port = syn.src_port, answer.seq = 0, answer.ack = syn.seq.value_or(0) + 1;
  answer.flags = RST | ACK;
  inject(answer);
  EXPECT_NE(poll_once(refused, POLLOUT) & POLLERR, 0);
  EXPECT_EQ(option(refused, SOL_SOCKET, SO_ERROR), ECONNREFUSED);
  EXPECT_EQ(option(refused, SOL_SOCKET, SO_ERROR), 0);

  const int lost = new_socket();  // blocking, on the script's own thread: the device's retries are all that happens
  EXPECT_EQ(set_option(lost, IPPROTO_TCP, TCP_SYNCNT, 2), 0);
  const long long before = now();
  EXPECT_EQ(outcome(i.connect(u, lost, generic(peer), sizeof peer)), -ETIMEDOUT);
  EXPECT_NEAR(static_cast<double>(now() - before), 7e6, 1e4);  // 1 + 2 + 4 s
  for (int n = 0; n < 3; ++n) EXPECT_EQ(next().flags.value_or(0), SYN);
}

TEST_F(PacketdrillInterface, BlockingAcceptAndReadReturnAtTheRightTime) {
  const int lsn = listener(false);
  const auto clock = [this] { return now(); };
  int fd = -1;
  {
    Waiting accept([&] { return fd = i.accept(u, lsn, nullptr, nullptr); }, clock);
    EXPECT_EQ(i.usleep(u, 100'000), 0);
    const long long when = now();
    handshake_passive();
    accept.join();
    EXPECT_GE(accept.result, 0);
    EXPECT_NEAR(static_cast<double>(accept.time), static_cast<double>(when), 20);
  }
  std::array<char, 64> buffer{};
  {
    Waiting read([&] { return i.read(u, fd, buffer.data(), buffer.size()); }, clock);
    EXPECT_EQ(i.usleep(u, 700'000), 0);
    const long long when = now();
    inject(from_peer(ACK | PSH, Bytes(10, 'x')));
    seq += 10;
    EXPECT_EQ(i.usleep(u, 700'000), 0);  // packetdrill's main thread runs on
    read.join();
    EXPECT_EQ(read.result, 10);
    EXPECT_NEAR(static_cast<double>(read.time), static_cast<double>(when), 20);
  }
  {
    Waiting read([&] { return i.recv(u, fd, buffer.data(), 30, MSG_WAITALL); }, clock);
    inject(from_peer(ACK | PSH, Bytes(10, 'y')));
    seq += 10;
    EXPECT_EQ(i.usleep(u, 1000), 0);
    inject(from_peer(FIN | ACK, Bytes(5, 'z')));
    read.join();
    EXPECT_EQ(read.result, 15);
  }
}

TEST_F(PacketdrillInterface, BlockingCallsEndByDeviceEventsAndTimeouts) {
  const int fd = established(listener());
  const auto clock = [this] { return now(); };
  std::array<char, 64> buffer{};
  {
    const timeval limit{.tv_sec = 2, .tv_usec = 0};
    EXPECT_EQ(i.setsockopt(u, fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit), 0);
    const long long before = now();
    Waiting read([&] { return i.read(u, fd, buffer.data(), buffer.size()); }, clock);
    EXPECT_EQ(i.usleep(u, 10'000'000), 0);
    read.join();
    EXPECT_EQ(read.result, -EAGAIN);
    EXPECT_NEAR(static_cast<double>(read.time - before), 2e6, 20);
  }
  {
    // A user timeout of 5 s: data that nobody acknowledges ends the connection, and the call that waits.
    const timeval none{};
    EXPECT_EQ(i.setsockopt(u, fd, SOL_SOCKET, SO_RCVTIMEO, &none, sizeof none), 0);
    EXPECT_EQ(set_option(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, 5000), 0);
    const long long before = now();
    EXPECT_EQ(i.write(u, fd, buffer.data(), 10), 10);
    Waiting read([&] { return i.read(u, fd, buffer.data(), buffer.size()); }, clock);
    EXPECT_EQ(i.usleep(u, 60'000'000), 0);
    read.join();
    EXPECT_EQ(read.result, -ETIMEDOUT);
    EXPECT_NEAR(static_cast<double>(read.time - before), 5e6, 1000);
  }
}

TEST_F(PacketdrillInterface, WriteWaitsForRoom) {
  const int fd = established(listener());
  const Bytes data(20'000, 'd');
  const auto clock = [this] { return now(); };
  Waiting write([&] { return i.write(u, fd, data.data(), data.size()); }, clock);
  int pending = 0;
  std::size_t got = 0;
  while (got < data.size()) {
    const Segment segment = next();
    got += segment.payload.value_or(Bytes{}).size();
    ack = segment.seq.value_or(0) + static_cast<std::uint32_t>(segment.payload.value_or(Bytes{}).size());
    inject(from_peer(ACK));
  }
  write.join();
  EXPECT_EQ(write.result, 20'000);
  EXPECT_EQ(i.ioctl(u, fd, SIOCOUTQ, &pending), 0);
  EXPECT_EQ(pending, 0);

  set_non_blocking(fd);
  EXPECT_EQ(i.write(u, fd, data.data(), data.size()), 16'384);  // the send buffer
  EXPECT_EQ(outcome(i.write(u, fd, data.data(), data.size())), -EAGAIN);
  EXPECT_EQ(poll_once(fd, POLLOUT), 0);
  EXPECT_EQ(i.ioctl(u, fd, SIOCOUTQ, &pending), 0);
  EXPECT_EQ(pending, 16'384);
}

TEST_F(PacketdrillInterface, AWaitingCallMovesTimeWhenNobodyElseDoes) {
  const int lsn = listener(false);
  pollfd one{.fd = lsn, .events = POLLIN, .revents = 0};
  const long long before = now();
  Waiting poll([&] { return i.poll(u, &one, 1, 300); }, [this] { return now(); });
  poll.join();
  EXPECT_EQ(poll.result, 0);
  EXPECT_NEAR(static_cast<double>(poll.time - before), 3e5, 20);
}

TEST_F(PacketdrillInterface, EpollLevelEdgeOneShot) {
  const int fd = established(listener());
  const int set = i.epoll_create(u, 1);
  ASSERT_GE(set, 0);
  epoll_event event{.events = EPOLLIN, .data = {.fd = 77}};
  EXPECT_EQ(i.epoll_ctl(u, set, EPOLL_CTL_ADD, fd, &event), 0);
  EXPECT_EQ(outcome(i.epoll_ctl(u, set, EPOLL_CTL_ADD, fd, &event)), -EEXIST);
  std::array<epoll_event, 4> found{};
  EXPECT_EQ(i.epoll_wait(u, set, found.data(), 4, 0), 0);
  inject(from_peer(ACK, Bytes(3, 'a')));
  seq += 3;
  for (int n = 0; n < 2; ++n) {
    ASSERT_EQ(i.epoll_wait(u, set, found.data(), 4, 0), 1);
    EXPECT_EQ(found[0].events, std::uint32_t{EPOLLIN});
    EXPECT_EQ(found[0].data.fd, 77);
  }
  event.events = EPOLLIN | std::uint32_t{EPOLLET};
  EXPECT_EQ(i.epoll_ctl(u, set, EPOLL_CTL_MOD, fd, &event), 0);
  EXPECT_EQ(i.epoll_wait(u, set, found.data(), 4, 0), 1);
  EXPECT_EQ(i.epoll_wait(u, set, found.data(), 4, 0), 0);
  inject(from_peer(ACK, Bytes(3, 'b')));
  seq += 3;
  EXPECT_EQ(i.epoll_wait(u, set, found.data(), 4, 0), 1);
  event.events = EPOLLIN | std::uint32_t{EPOLLONESHOT};
  EXPECT_EQ(i.epoll_ctl(u, set, EPOLL_CTL_MOD, fd, &event), 0);
  EXPECT_EQ(i.epoll_wait(u, set, found.data(), 4, 0), 1);
  inject(from_peer(ACK, Bytes(3, 'c')));
  EXPECT_EQ(i.epoll_wait(u, set, found.data(), 4, 0), 0);
  EXPECT_EQ(i.epoll_ctl(u, set, EPOLL_CTL_DEL, fd, nullptr), 0);
  EXPECT_EQ(outcome(i.epoll_ctl(u, set, EPOLL_CTL_DEL, fd, nullptr)), -ENOENT);
  EXPECT_EQ(outcome(i.read(u, set, found.data(), 1)), -EINVAL);
  EXPECT_EQ(outcome(i.recv(u, set, found.data(), 1, 0)), -ENOTSOCK);
}

TEST_F(PacketdrillInterface, ResetByPeer) {
  const int fd = established(listener());
  inject(from_peer(RST));
  EXPECT_NE(poll_once(fd, POLLIN) & POLLERR, 0);
  char c = 0;
  EXPECT_EQ(outcome(i.read(u, fd, &c, 1)), -ECONNRESET);
  EXPECT_EQ(i.read(u, fd, &c, 1), 0);
  EXPECT_EQ(outcome(i.write(u, fd, &c, 1)), -EPIPE);
}

TEST_F(PacketdrillInterface, ResetByClose) {
  const int lsn = listener();
  const int unread = established(lsn);
  inject(from_peer(ACK, Bytes(3, 'u')));
  EXPECT_EQ(i.close(u, unread), 0);
  expect(RST | ACK, 1, 4);

  const int lingering = established(lsn);
  const linger now_or_never{.l_onoff = 1, .l_linger = 0};
  EXPECT_EQ(i.setsockopt(u, lingering, SOL_SOCKET, SO_LINGER, &now_or_never, sizeof now_or_never), 0);
  EXPECT_EQ(i.close(u, lingering), 0);
  expect(RST | ACK, 1, 1);

  const int orphan = established(lsn);  // text for a program that has closed (RFC 1122 4.2.2.13)
  EXPECT_EQ(i.close(u, orphan), 0);
  expect(FIN | ACK, 1, 1);
  ack += 1;
  inject(from_peer(ACK));
  inject(from_peer(ACK, Bytes(3, 'l')));
  EXPECT_EQ(next().flags.value_or(0) & RST, RST);

  handshake_passive();  // in the accept queue when the listener goes
  EXPECT_EQ(i.close(u, lsn), 0);
  expect(RST | ACK, 1, 1);
}

TEST_F(PacketdrillInterface, CloseLingers) {
  const int fd = established(listener());
  const linger ten{.l_onoff = 1, .l_linger = 10};
  EXPECT_EQ(i.setsockopt(u, fd, SOL_SOCKET, SO_LINGER, &ten, sizeof ten), 0);
  Waiting close([&] { return i.close(u, fd); }, [this] { return now(); });
  expect(FIN | ACK, 1, 1);
  EXPECT_EQ(i.usleep(u, 400'000), 0);
  const long long when = now();
  ack += 1;
  inject(from_peer(ACK));
  close.join();
  EXPECT_EQ(close.result, 0);
  EXPECT_NEAR(static_cast<double>(close.time), static_cast<double>(when), 20);
}

TEST_F(PacketdrillInterface, ShutdownByHalves) {
  const int fd = established(listener());
  std::array<char, 16> buffer{};
  inject(from_peer(ACK, Bytes(4, 's')));
  seq += 4;
  inject(from_peer(FIN | ACK));
  expect(ACK, 1, 6);
  EXPECT_EQ(i.shutdown(u, fd, SHUT_WR), 0);
  expect(FIN | ACK, 1, 6);
  seq += 1, ack += 1;
  inject(from_peer(ACK));  // LAST_ACK -> CLOSED: the device forgets the connection, the octets are still to be read
  EXPECT_EQ(outcome(i.write(u, fd, buffer.data(), 1)), -EPIPE);
  EXPECT_EQ(i.read(u, fd, buffer.data(), buffer.size()), 4);
  EXPECT_EQ(i.read(u, fd, buffer.data(), buffer.size()), 0);
  EXPECT_EQ(outcome(i.shutdown(u, fd, SHUT_RD)), -ENOTCONN);
}

TEST_F(PacketdrillInterface, Options) {
  const int fd = established(listener());
  EXPECT_EQ(option(fd, IPPROTO_TCP, TCP_NODELAY), 0);
  EXPECT_EQ(set_option(fd, IPPROTO_TCP, TCP_NODELAY, 1), 0);
  EXPECT_EQ(option(fd, IPPROTO_TCP, TCP_NODELAY), 1);
  std::array<char, 3> text{};
  for (std::uint32_t n = 0; n < 2; ++n) {  // small segments although one is in flight
    EXPECT_EQ(i.write(u, fd, text.data(), 3), 3);
    expect(ACK | PSH, 1 + 3 * n, 1, 3);
  }
  EXPECT_EQ(option(fd, IPPROTO_TCP, TCP_MAXSEG), 1460);
  EXPECT_EQ(option(fd, SOL_SOCKET, SO_RCVBUF), 16384);
  EXPECT_EQ(set_option(fd, SOL_SOCKET, SO_KEEPALIVE, 1), 0);
  EXPECT_EQ(option(fd, SOL_SOCKET, SO_KEEPALIVE), 1);
  EXPECT_EQ(set_option(fd, IPPROTO_IP, IP_TTL, 9), 0);
  EXPECT_EQ(i.write(u, fd, text.data(), 3), 3);
  EXPECT_EQ(next().ttl.value_or(0), 9);
  tcp_info info{};
  socklen_t length = sizeof info;
  EXPECT_EQ(i.getsockopt(u, fd, IPPROTO_TCP, TCP_INFO, &info, &length), 0);
  EXPECT_EQ(info.tcpi_state, TCP_ESTABLISHED);
  EXPECT_EQ(i.fcntl(u, fd, F_GETFL), O_RDWR);
  set_non_blocking(fd);
  EXPECT_EQ(i.fcntl(u, fd, F_GETFL), O_RDWR | O_NONBLOCK);
  EXPECT_EQ(set_option(fd, IPPROTO_TCP, TCP_CORK, 1), -ENOPROTOOPT);
  EXPECT_EQ(set_option(fd, IPPROTO_IP, IP_TTL, 300), -EINVAL);
  EXPECT_EQ(outcome(i.setsockopt(u, fd, IPPROTO_TCP, TCP_NODELAY, nullptr, 4)), -EFAULT);
}

TEST_F(PacketdrillInterface, WhatCannotBeServed) {
  EXPECT_EQ(outcome(i.socket(u, AF_INET6, SOCK_STREAM, 0)), -EAFNOSUPPORT);
  EXPECT_EQ(outcome(i.socket(u, AF_INET, SOCK_DGRAM, 0)), -ESOCKTNOSUPPORT);
  EXPECT_EQ(outcome(i.socket(u, AF_INET, SOCK_STREAM, IPPROTO_SCTP)), -EPROTONOSUPPORT);
  std::array<int, 2> fds{};
  EXPECT_EQ(outcome(i.pipe(u, fds.data())), -EOPNOTSUPP);
  EXPECT_EQ(outcome(i.splice(u, 0, nullptr, 1, nullptr, 1, 0)), -EOPNOTSUPP);
  const Bytes ipv6(40, 0x60);
  EXPECT_EQ(outcome(i.netdev_send(u, ipv6.data(), ipv6.size())), -EAFNOSUPPORT);
  EXPECT_EQ(outcome(i.netdev_send(u, ipv6.data(), 3)), -EINVAL);
  const int fd = established(listener());
  char c = 0;
  EXPECT_EQ(outcome(i.send(u, fd, &c, 1, MSG_OOB)), -EOPNOTSUPP);
  EXPECT_EQ(outcome(i.recv(u, fd, &c, 1, MSG_OOB)), -EINVAL);
  EXPECT_EQ(outcome(i.recv(u, fd, &c, 1, MSG_ERRQUEUE)), -EAGAIN);
}

TEST_F(PacketdrillInterface, ErrorValues) {
  char c = 0;
  EXPECT_EQ(outcome(i.read(u, 4711, &c, 1)), -EBADF);
  EXPECT_EQ(outcome(i.close(u, 4711)), -EBADF);
  const int fd = new_socket();
  EXPECT_EQ(outcome(i.read(u, fd, &c, 1)), -ENOTCONN);
  EXPECT_EQ(outcome(i.write(u, fd, &c, 1)), -EPIPE);
  EXPECT_EQ(outcome(i.write(u, fd, nullptr, 1)), -EFAULT);
  EXPECT_EQ(outcome(i.readv(u, fd, nullptr, 1)), -EFAULT);
  EXPECT_EQ(outcome(i.readv(u, fd, nullptr, -1)), -EINVAL);
  EXPECT_EQ(outcome(i.accept(u, fd, nullptr, nullptr)), -EINVAL);
  EXPECT_EQ(outcome(i.shutdown(u, fd, SHUT_RDWR)), -ENOTCONN);
  EXPECT_EQ(outcome(i.shutdown(u, fd, 17)), -EINVAL);
  const sockaddr_in a = at(kUs, kPort), elsewhere = at(kUs + 1, kPort);
  EXPECT_EQ(outcome(i.bind(u, fd, nullptr, sizeof a)), -EFAULT);
  EXPECT_EQ(outcome(i.bind(u, fd, generic(a), 4)), -EINVAL);
  EXPECT_EQ(i.bind(u, fd, generic(a), sizeof a), 0);  // makes it the device's address
  EXPECT_EQ(outcome(i.bind(u, fd, generic(a), sizeof a)), -EINVAL);
  const int other = new_socket();
  EXPECT_EQ(outcome(i.bind(u, other, generic(elsewhere), sizeof elsewhere)), -EADDRNOTAVAIL);
  EXPECT_EQ(outcome(i.bind(u, other, generic(a), sizeof a)), -EADDRINUSE);
  EXPECT_EQ(i.listen(u, fd, 1), 0);
  EXPECT_EQ(outcome(i.connect(u, fd, generic(elsewhere), sizeof elsewhere)), -EISCONN);
  const sockaddr_in multicast = at(0xE000'0001U, 1);
  EXPECT_EQ(outcome(i.connect(u, other, generic(multicast), sizeof multicast)), -ENETUNREACH);
}

TEST_F(PacketdrillInterface, NothingIsSentInThreeHours) {
  listener();
  std::array<char, 64> buffer{};
  std::size_t count = buffer.size();
  long long time = 0;
  EXPECT_EQ(i.netdev_receive(u, buffer.data(), &count, &time), 0);
  EXPECT_EQ(count, 0U);
  EXPECT_GE(now(), 10'800 * kS);
}

TEST_F(PacketdrillInterface, FlagsMakeTheDevice) {
  unload();
  load("profile=linux,rx_buffer_log2=12 RTO_MIN=300000 local_ip=192.168.0.1");
  const int fd = established(listener());
  EXPECT_EQ(option(fd, SOL_SOCKET, SO_RCVBUF), 4096);
  std::array<char, 3> text{};
  EXPECT_EQ(i.write(u, fd, text.data(), 3), 3);
  EXPECT_EQ(i.usleep(u, 1000), 0);
  expect(ACK | PSH, 1, 1, 3);
  const long long first = output_time;
  expect(ACK | PSH, 1, 1, 3);
  EXPECT_NEAR(static_cast<double>(output_time - first), 300.0 * kMs, 100);
}

TEST_F(PacketdrillInterface, FlagsThatMakeNoSense) {
  for (const char* flags : {"toaster", "width=3", "MUT=1500", "MTU=abc", "local_ip=here", "profile=beos", "ID=1"}) {
    unload();
    testing::internal::CaptureStderr();
    load(flags);
    const std::string said = testing::internal::GetCapturedStderr();
    EXPECT_TRUE(said.starts_with("tiptoe: ")) << flags << ": " << said;
    EXPECT_EQ(outcome(new_socket()), -ENODEV) << flags;
    timeval t{};
    EXPECT_EQ(outcome(i.gettimeofday(u, &t, nullptr)), -ENODEV) << flags;  // upon which packetdrill ends
  }
}

#ifdef TIPTOE_HAVE_RTL
TEST_F(PacketdrillInterface, Lockstep) {
  unload();
  load("lockstep width=512 stalls=1");
  const int fd = established(listener());
  std::array<char, 16> buffer{};
  inject(from_peer(ACK | PSH, Bytes(7, 'k')));
  EXPECT_EQ(i.read(u, fd, buffer.data(), buffer.size()), 7);
  EXPECT_EQ(i.write(u, fd, buffer.data(), 7), 7);
  expect(ACK | PSH, 1, 8, 7);
}
#endif

}  // namespace
}  // namespace tiptoe
