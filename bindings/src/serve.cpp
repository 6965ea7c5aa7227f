// SPDX-License-Identifier: Apache-2.0
// A device in real time behind a file descriptor that carries datagrams (a Linux TUN interface), with an echo
// application on top of its user calls.
//
// The loop: read what the wire has, inject it, let the device settle, let its clock catch up with the wall clock, write
// what it sends, serve its notifications. A device is quicker or slower than real time; its clock never runs ahead, and
// it is never more than one round of the loop behind.
#include <poll.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstring>
#include <map>

#include "device.hpp"

namespace tiptoe::python {
namespace {

using Clock = std::chrono::steady_clock;

struct Counters {
  std::uint64_t datagrams_in = 0, datagrams_out = 0, ignored = 0, lost = 0;
  std::uint64_t octets_in = 0, octets_out = 0;  ///< of text, as the user sees it
  std::uint64_t opened = 0, ended = 0, failed = 0;
  std::size_t most_open = 0;
};

class Server {
 public:
  Server(Device& device, int fd) : device_(device), fd_(fd) {}

  /// Accepts connections to a port of the device and echoes them.
  void listen(std::uint16_t port, unsigned backlog) {
    device_.run([&](Dut& dut) {
      OpenArgs a;
      a.local_port = port;
      a.backlog = backlog;
      const CallResult r = dut.open_passive(a);
      if (!r)
        throw ServeError("the device refuses to listen on port " + std::to_string(port) + ": " + to_string(r.status));
      listeners_.push_back(r.handle);
    });
  }

  /// Opens towards a server, sends `data`, echoes what it says; with data, closes when all of it has been sent and
  /// comes back or the peer closes.
  void connect(std::uint32_t ip, std::uint16_t port, std::uint16_t local_port, Bytes data) {
    device_.run([&](Dut& dut) {
      OpenArgs a;
      a.remote_ip = ip;
      a.remote_port = port;
      a.local_port = local_port;
      a.nodelay = true;
      const CallResult r = dut.open_active(a);
      if (!r) throw ServeError("the device refuses to open: " + std::string(to_string(r.status)));
      Connection& c = connections_[r.handle.value];
      c.active = true;
      c.sink = !data.empty();
      c.pending = std::move(data);
      ++counters_.opened;
    });
  }

  /// Serves for so many milliseconds of wall time, or until a signal arrives.
  void run(unsigned ms) {
    device_.run([&](Dut& dut) {
      if (!started_) {
        started_ = true;
        start_ = Clock::now() - std::chrono::microseconds(dut.now_us());
      }
      const auto end = Clock::now() + std::chrono::milliseconds(ms);
      bool busy = false;
      while (Clock::now() < end) {
        if (!wait(busy ? 0 : kIdleMs)) return;
        busy = read_wire(dut);
        catch_up(dut);
        busy = write_wire(dut) || busy;
        for (int rounds = 0; rounds < kRounds && serve(dut); ++rounds) {
          dut.settle();
          busy = write_wire(dut) || busy;
        }
      }
    });
  }

  /// Resets every connection, so that no peer waits for ever.
  void stop() {
    device_.run([&](Dut& dut) {
      for (const Handle listener : listeners_) {
        while (true) {
          const CallResult r = dut.accept(listener);
          if (r)
            dut.abort(r.handle);
          else if (r.status != CallStatus::aborted)
            break;
        }
        dut.close(listener, false);
      }
      for (const auto& [handle, c] : connections_) dut.abort(Handle{handle});
      dut.settle();
      write_wire(dut);
      listeners_.clear();
      connections_.clear();
    });
  }

  const Counters& counters() const { return counters_; }
  std::size_t open() const { return connections_.size(); }
  const std::string& result() const { return result_; }
  Bytes take_received() { return std::exchange(received_, {}); }

 private:
  static constexpr int kIdleMs = 2;
  static constexpr int kRounds = 64;
  static constexpr int kBatch = 32;
  static constexpr std::size_t kChunk = 16384;

  struct Connection {
    Bytes pending{};         ///< read, not sent yet
    std::size_t at = 0;      ///< the first octet of it that has not been sent
    bool active = false;     ///< opened by us
    bool sink = false;       ///< keeps what comes instead of echoing it
    bool peer_done = false;  ///< the peer's FIN has been reached
    bool closed = false;     ///< CLOSE has been called
    bool ready = true;       ///< something may be done; false: wait for a notification
  };

  /// False when a signal came.
  bool wait(int ms) {
    pollfd p{.fd = fd_, .events = POLLIN, .revents = 0};
    const int n = ::poll(&p, 1, ms);
    if (n < 0 && errno == EINTR) return false;
    if (n < 0) throw ServeError(std::string("poll: ") + std::strerror(errno));
    if ((p.revents & (POLLERR | POLLNVAL)) != 0) throw ServeError("the interface has gone away");
    return true;
  }

  bool read_wire(Dut& dut) {
    int n = 0;
    for (; n < kBatch; ++n) {
      std::array<std::uint8_t, 65536> buffer;  // NOLINT: filled by read()
      const ssize_t length = ::read(fd_, buffer.data(), buffer.size());
      if (length <= 0) {
        if (length == 0 || errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR) break;
        throw ServeError(std::string("the interface cannot be read: ") + std::strerror(errno));
      }
      const ByteView datagram{buffer.data(), static_cast<std::size_t>(length)};
      if (datagram[0] >> 4 != 4) {  // the kernel says hello in IPv6
        ++counters_.ignored;
        continue;
      }
      ++counters_.datagrams_in;
      dut.inject(datagram);
    }
    if (n != 0) dut.settle();
    return n != 0;
  }

  void catch_up(Dut& dut) {
    const auto wall = static_cast<std::uint64_t>(
        std::chrono::duration_cast<std::chrono::microseconds>(Clock::now() - start_).count());
    const std::uint64_t now = dut.now_us();
    if (wall > now) dut.advance(wall - now);
  }

  bool write_wire(Dut& dut) {
    bool any = false;
    while (const std::optional<Datagram> d = dut.poll_output()) {
      any = true;
      ++counters_.datagrams_out;
      if (::write(fd_, d->bytes.data(), d->bytes.size()) < 0) ++counters_.lost;  // TCP knows what to do
    }
    return any;
  }

  /// True when something was done for a user.
  bool serve(Dut& dut) {
    bool any = false;
    while (const std::optional<Notification> n = dut.poll_notification()) {
      any = true;
      if ((n->flags & Notification::accept) != 0) accept(dut, n->handle);
      const auto found = connections_.find(n->handle.value);
      if (found == connections_.end()) continue;
      Connection& c = found->second;
      c.ready = true;
      const bool failure = (n->flags & (Notification::reset | Notification::refused | Notification::timeout)) != 0;
      if ((n->flags & Notification::closed) != 0) {
        if (!failure) pump(dut, n->handle, c);  // what came with the FIN
        end(found, n->flags);
      }
    }
    for (auto& [handle, c] : connections_) {
      if (c.ready) any = pump(dut, Handle{handle}, c) || any;
      c.ready = false;
    }
    return any;
  }

  void accept(Dut& dut, Handle listener) {
    while (true) {
      const CallResult r = dut.accept(listener);
      if (r.status == CallStatus::aborted) continue;
      if (!r) return;
      dut.set_options(r.handle, /*nodelay=*/true, /*keepalive=*/false);
      connections_[r.handle.value] = {};
      ++counters_.opened;
      counters_.most_open = std::max(counters_.most_open, connections_.size());
    }
  }

  void end(std::map<std::uint32_t, Connection>::iterator found, std::uint16_t flags) {
    const bool failure = (flags & (Notification::reset | Notification::refused | Notification::timeout)) != 0;
    ++(failure ? counters_.failed : counters_.ended);
    if (found->second.active) {
      result_ = (flags & Notification::refused) != 0   ? "refused"
                : (flags & Notification::reset) != 0   ? "reset"
                : (flags & Notification::timeout) != 0 ? "timed out"
                                                       : "closed";
    }
    connections_.erase(found);
  }

  /// Moves text on: send what is pending, then receive more. True when anything moved.
  bool pump(Dut& dut, Handle handle, Connection& c) {
    bool any = false;
    while (true) {
      if (c.at < c.pending.size()) {
        if (c.closed) return any;
        const CallResult r = dut.send(handle, ByteView{c.pending}.subspan(c.at));
        if (!r) {
          if (r.status != CallStatus::would_block) c.at = c.pending.size();
          return any;
        }
        any = true;
        counters_.octets_out += r.length;
        c.at += r.length;
        continue;
      }
      c.pending.clear();
      c.at = 0;
      if (c.sink && !c.closed) {
        // All that there was to say has been said: tell the peer, and keep what it answers.
        c.closed = true;
        dut.close(handle, false);
        any = true;
      }
      if (c.peer_done) {
        if (!c.closed) {
          c.closed = true;
          dut.close(handle, false);
          any = true;
        }
        return any;
      }
      CallResult r = dut.receive(handle, kChunk);
      if (r.status == CallStatus::closing)
        c.peer_done = true;
      else if (!r || r.data.empty())
        return any;
      counters_.octets_in += r.data.size();
      any = true;
      if (c.sink)
        received_.insert(received_.end(), r.data.begin(), r.data.end());
      else
        c.pending = std::move(r.data);
    }
  }

  Device& device_;
  int fd_;
  bool started_ = false;
  Clock::time_point start_{};
  std::vector<Handle> listeners_{};
  std::map<std::uint32_t, Connection> connections_{};
  Counters counters_{};
  Bytes received_{};
  std::string result_{};
};

}  // namespace

void bind_serve(py::module_& m) {
  py::class_<Server>(m, "Server")
      .def(py::init<Device&, int>(), py::arg("device"), py::arg("fd"), py::keep_alive<1, 2>())
      .def("listen", &Server::listen, py::arg("port"), py::arg("backlog") = 16)
      .def(
          "connect",
          [](Server& s, const py::object& ip, std::uint16_t port, std::uint16_t local_port, const py::object& data) {
            s.connect(to_ip(ip), port, local_port, data.is_none() ? Bytes{} : to_datagram(data));
          },
          py::arg("ip"), py::arg("port"), py::arg("local_port"), py::arg("data") = py::none())
      .def("run", &Server::run, py::arg("ms") = 100)
      .def("stop", &Server::stop)
      .def_property_readonly("open_connections", &Server::open)
      .def_property_readonly("result", &Server::result)
      .def("take_received", [](Server& s) { return to_bytes(s.take_received()); })
      .def("counters", [](const Server& s) {
        const Counters& c = s.counters();
        py::dict d;
        d["datagrams_in"] = c.datagrams_in;
        d["datagrams_out"] = c.datagrams_out;
        d["ignored"] = c.ignored;
        d["lost"] = c.lost;
        d["octets_in"] = c.octets_in;
        d["octets_out"] = c.octets_out;
        d["opened"] = c.opened;
        d["ended"] = c.ended;
        d["failed"] = c.failed;
        d["most_open"] = c.most_open;
        return d;
      });
}

}  // namespace tiptoe::python
