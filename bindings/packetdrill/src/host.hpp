// SPDX-License-Identifier: Apache-2.0
// A host with sockets around a device: what an operating system would put between programs and tiptoe::Dut.
//
//   Host host(settings);
//   Host::Lock lock(host.mutex());
//   int fd = host.socket(AF_INET, SOCK_STREAM, 0);       // results as in POSIX, errors as negative errno values
//   if (host.connect(lock, fd, address, length) == -ECONNREFUSED) ...
//
// Time is the device's. It moves in sleep(), next_output() and clock(), and within the calls of the thread that made
// the host (packetdrill's own). A call that has to wait on another thread stands still and is looked at whenever the
// device has done something, in the order in which the calls came: what it returns, and when, depends on device time
// alone. The first clock() after it on that thread tells the time of its answer. The one exception: when nobody calls
// for half a second of wall time, a waiting call that has a time limit moves time to that limit by itself.
//
// Everything wants the mutex locked. Exceptions come from the device alone (DutError).
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <limits>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <span>
#include <thread>
#include <vector>

#include "interface.hpp"
#include "settings.hpp"
#include "socket.hpp"
#include "tiptoe/dut.hpp"

namespace tiptoe::packetdrill {

class Host {
 public:
  using Lock = std::unique_lock<std::mutex>;
  using Octets = std::span<const std::uint8_t>;
  using Parts = std::span<const iovec>;

  explicit Host(const Settings& settings);
  Host(const Host&) = delete;
  Host& operator=(const Host&) = delete;
  ~Host() = default;

  std::mutex& mutex() noexcept { return mutex_; }
  /// Lets go of the device (its waves are complete then); nothing else may be called any more.
  void close_device() noexcept { dut_.reset(); }
  /// A call begins or ends; one that is not clock() lets the next clock() tell the time without moving it.
  void count_call(bool clock) noexcept {
    ++calls_;
    asked_ = asked_ && clock;
  }
  /// The device is unusable: lets every waiting call return -EIO.
  void give_up();

  // ---- time and packets
  std::uint64_t clock();         ///< microseconds since 1970, on a clock that starts in September 2001
  void sleep(std::uint64_t us);  ///< device time
  long inject(Octets packet);
  std::optional<Datagram> next_output();  ///< time_us as clock(); nothing: patience is over

  // ---- sockets (open.cpp)
  long socket(int domain, int type, int protocol);
  long bind(int fd, const sockaddr* address, socklen_t length);
  long listen(int fd, int backlog);
  long accept(Lock& lock, int fd, sockaddr* address, socklen_t* length);
  long connect(Lock& lock, int fd, const sockaddr* address, socklen_t length);
  long shutdown(int fd, int how);
  long close(Lock& lock, int fd);

  // ---- data (transfer.cpp)
  long receive(Lock& lock, int fd, Parts parts, int flags, bool file_call = false);
  long send(Lock& lock, int fd, Parts parts, int flags, bool file_call = false);

  // ---- readiness (ready.cpp)
  long poll(Lock& lock, pollfd* fds, nfds_t count, int timeout_ms);
  long epoll_create(int size);
  long epoll_ctl(int epoll_fd, int operation, int fd, const epoll_event* event);
  long epoll_wait(Lock& lock, int epoll_fd, epoll_event* events, int room, int timeout_ms);

  // ---- options (options.cpp)
  long get_option(int fd, int level, int name, void* value, socklen_t* length);
  long set_option(int fd, int level, int name, const void* value, socklen_t length);
  long fcntl(int fd, int command, int argument);
  long ioctl(int fd, unsigned long request, int* argument);

 private:
  static constexpr std::uint64_t kForever = std::numeric_limits<std::uint64_t>::max();
  using Attempt = std::function<std::optional<long>()>;

  /// A call that waits: `attempt` says when it is over; at `deadline` (device time), or when it may not wait at all,
  /// `give_up` says how it ends.
  struct Waiting {
    Attempt attempt;
    std::function<long()> give_up;
    std::uint64_t deadline = kForever;
    bool done = false;
    long result = 0;
    std::uint64_t answered_us = 0;
    void finish(long value, std::uint64_t now) { done = true, result = value, answered_us = now; }
  };
  long perform(Lock& lock, bool may_wait, std::uint64_t timeout_us, Attempt attempt, std::function<long()> give_up);
  void run(std::uint64_t until, bool stop_at_output);
  void serve(std::uint64_t now);
  std::optional<std::uint64_t> take_notifications();
  void note(const Notification& notification);
  void update();  ///< after anything that the device did: notifications, then waiting calls

  File* file(int fd);
  std::shared_ptr<Socket> find(int fd, long& error);  ///< -EBADF, -ENOTSOCK
  long add(File file);
  std::uint16_t free_port();
  bool port_taken(const Address& address, const Socket& other) const;
  bool own(std::uint32_t ip);  ///< one of the device's addresses; the first that is asked for becomes it
  CallResult status(Socket& socket);
  void attach(const std::shared_ptr<Socket>& socket, Handle handle);
  void leave(Socket& socket);  ///< its connection belongs to nobody now
  void gone(Socket& socket);
  using Lengths = std::map<const Socket*, std::uint32_t>;
  Lengths accept_queues();
  void note_callers(Octets packet, const Lengths& before);
  static std::optional<long> try_connect(Socket& socket);
  std::optional<long> try_accept(Socket& listener, Address& caller);
  long start_connect(const std::shared_ptr<Socket>& socket, const Address& remote);
  void close_listener(Socket& socket);
  bool fill(Socket& socket, std::size_t wanted);  ///< false: no more will come
  static long take_error(Socket& socket);
  short ready(Socket& socket);  ///< POLL* bits
  bool is_ready(int fd, EpollSet::Interest& interest, std::uint32_t& events);
  long apply_options(Socket& socket);

  std::mutex mutex_{};
  std::condition_variable answered_{};
  std::unique_ptr<Dut> dut_;
  DutOptions options_;
  std::uint64_t patience_us_;
  std::thread::id script_thread_ = std::this_thread::get_id();
  bool asked_ = false;  ///< the last call was clock()
  std::uint64_t calls_ = 0;
  std::map<std::thread::id, std::uint64_t> answer_times_{};
  std::vector<Waiting*> waiting_{};
  std::deque<Datagram> outputs_{};

  std::vector<std::uint32_t> addresses_{};
  bool addresses_fixed_ = false;
  std::map<int, File> files_{};
  std::map<std::uint32_t, std::weak_ptr<Socket>> by_handle_{};
  std::set<std::uint32_t> orphans_{};  ///< handles of connections whose socket was closed
  std::uint16_t next_port_ = 32768;
};

}  // namespace tiptoe::packetdrill
