// SPDX-License-Identifier: Apache-2.0
// Device, time, waiting, packets.
#include "host.hpp"

#include <fcntl.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <string_view>
#include <utility>

#include "tiptoe/segment.hpp"

namespace tiptoe::packetdrill {
namespace {

constexpr std::uint64_t kEpoch = 1'000'000'000'000'000;       // microseconds since 1970 when device time is 0
constexpr std::uint64_t kAlone = 600'000'000;                 // so long the script's own thread may wait, microseconds
constexpr std::uint64_t kStep = 1000;                         // of those, microseconds
constexpr auto kStandstill = std::chrono::milliseconds(500);  // wall time; packetdrill itself gives up after a second
constexpr std::uint32_t kFirstMulticast = 0xE000'0000U;       // 224.0.0.0

}  // namespace

Host::Host(const Settings& settings)
    : dut_(make_dut(settings.kind, settings.options)), options_(settings.options), patience_us_(settings.patience_us) {
  DutConfig config = settings.config;
  if (settings.local_ip) config.settings.emplace_back("LOCAL_IP0", *settings.local_ip);
  addresses_ = dut_->capabilities().addresses;
  for (const auto& [name, value] : config.settings) {
    if (name.starts_with("LOCAL_IP") && value != 0) addresses_.push_back(static_cast<std::uint32_t>(value));
  }
  dut_->reset(config);
}

void Host::give_up() {
  for (Waiting* call : waiting_) {
    if (!call->done) call->finish(-EIO, 0);
  }
  answered_.notify_all();
}

// ---------------------------------------------------------------------------------------------------------------- time

std::uint64_t Host::clock() {
  const auto answer = answer_times_.extract(std::this_thread::get_id());
  if (!answer.empty()) return kEpoch + answer.mapped();
  if (std::exchange(asked_, true)) run(dut_->now_us() + 1, false);
  return kEpoch + dut_->now_us();
}

void Host::sleep(std::uint64_t us) { run(dut_->now_us() + us, false); }

/// Until device time `until`, or until there is an output to take. Waiting calls are served on the way.
void Host::run(std::uint64_t until, bool stop_at_output) {
  while (true) {
    update();
    const std::uint64_t now = dut_->now_us();
    if (now >= until || (stop_at_output && !outputs_.empty())) return;
    std::uint64_t stop = until;
    for (const Waiting* call : waiting_) {
      if (!call->done) stop = std::min(stop, call->deadline);
    }
    if (auto datagram = dut_->run_until_output(stop - std::min(stop, now))) outputs_.push_back(std::move(*datagram));
  }
}

void Host::update() {
  const std::uint64_t now = dut_->now_us();
  const auto noted = take_notifications();
  serve(noted ? std::min(*noted, now) : now);
}

void Host::serve(std::uint64_t now) {
  bool answered = false;
  for (Waiting* call : waiting_) {
    if (call->done) continue;
    if (const auto result = call->attempt()) {
      call->finish(*result, now);
    } else if (call->deadline <= dut_->now_us()) {
      call->finish(call->give_up(), call->deadline);
    }
    answered |= call->done;
  }
  if (answered) answered_.notify_all();
}

long Host::perform(Lock& lock, bool may_wait, std::uint64_t timeout_us, Attempt attempt,
                   std::function<long()> give_up) {
  update();
  if (const auto result = attempt()) return *result;
  if (!may_wait) return give_up();

  struct Enrolled : Waiting {
    Enrolled(Host& h, Waiting&& w) : Waiting(std::move(w)), host(h) { host.waiting_.push_back(this); }
    Enrolled(const Enrolled&) = delete;
    Enrolled& operator=(const Enrolled&) = delete;
    ~Enrolled() { std::erase(host.waiting_, this); }
    Host& host;
  };
  const std::uint64_t now = dut_->now_us();
  Enrolled call(*this, {.attempt = std::move(attempt),
                        .give_up = std::move(give_up),
                        .deadline = timeout_us == kForever ? kForever : now + timeout_us});
  if (std::this_thread::get_id() != script_thread_) {
    // When packetdrill itself waits for this call, nobody moves time: the call does it, if it knows until when.
    std::uint64_t seen = calls_;
    while (!answered_.wait_for(lock, kStandstill, [&] { return call.done; })) {
      if (calls_ == seen && call.deadline != kForever) run(call.deadline, false);
      seen = calls_;
    }
    answer_times_[std::this_thread::get_id()] = call.answered_us;
    return call.result;
  }
  // Nobody else can move time, nor send anything: what the device does by itself must do. In steps, because the device
  // stops for its outputs alone, not for its notifications.
  if (call.deadline == kForever) {
    call.deadline = now + kAlone;
    call.give_up = [] { return -long{EDEADLK}; };
  }
  while (!call.done) run(std::min(call.deadline, dut_->now_us() + kStep), false);
  return call.result;
}

// ------------------------------------------------------------------------------------------------------- notifications

/// The time of the latest one.
std::optional<std::uint64_t> Host::take_notifications() {
  std::optional<std::uint64_t> latest;
  while (const auto notification = dut_->poll_notification()) {
    latest = notification->time_us;
    note(*notification);
  }
  return latest;
}

void Host::note(const Notification& n) {
  const auto known = by_handle_.find(n.handle.value);
  const std::shared_ptr<Socket> socket = known != by_handle_.end() ? known->second.lock() : nullptr;
  const bool closed = (n.flags & Notification::closed) != 0;
  if (socket == nullptr) {
    if (orphans_.count(n.handle.value) == 0) return;
    if (closed) {
      orphans_.erase(n.handle.value);
    } else if ((n.flags & Notification::readable) != 0) {
      // Text for a program that has closed: nobody will ever read it (RFC 1122 4.2.2.13).
      const CallResult now = dut_->status(n.handle);
      if (now && now.readable > 0 && (now.state == State::fin_wait_1 || now.state == State::fin_wait_2)) {
        dut_->abort(n.handle);
      }
    }
    return;
  }
  ++socket->edges;
  if ((n.flags & Notification::connected) != 0 && socket->phase == Socket::Phase::connecting) {
    socket->phase = Socket::Phase::connected;
  }
  if ((n.flags & Notification::peer_fin) != 0) socket->peer_closed = true;
  if ((n.flags & Notification::urgent) != 0) socket->urgent = true;
  if ((n.flags & Notification::reset) != 0) socket->error = ECONNRESET;
  if ((n.flags & Notification::timeout) != 0) socket->error = ETIMEDOUT;
  if ((n.flags & Notification::refused) != 0) socket->error = ECONNREFUSED;
  if (closed && dut_->status(n.handle).status == CallStatus::no_connection) gone(*socket);
}

/// The device has no such connection any more.
void Host::gone(Socket& socket) {
  if (socket.handle) by_handle_.erase(socket.handle->value);
  socket.handle.reset();
  if (socket.phase == Socket::Phase::connecting) {
    socket.phase = Socket::Phase::fresh;
    if (socket.error == 0) socket.error = ECONNABORTED;
  }
}

CallResult Host::status(Socket& socket) {
  if (!socket.handle) return {.status = CallStatus::no_connection};
  CallResult result = dut_->status(*socket.handle);
  if (result.status == CallStatus::no_connection) {
    take_notifications();
    gone(socket);
  }
  return result;
}

void Host::attach(const std::shared_ptr<Socket>& socket, Handle handle) {
  socket->handle = handle;
  by_handle_[handle.value] = socket;
  orphans_.erase(handle.value);
}

void Host::leave(Socket& socket) {
  if (!socket.handle) return;
  by_handle_.erase(socket.handle->value);
  orphans_.insert(socket.handle->value);
  socket.handle.reset();
}

// ------------------------------------------------------------------------------------------------------------- packets

long Host::inject(Octets packet) {
  if (packet.size() < 20) return -EINVAL;
  if (packet[0] >> 4 != 4) return -EAFNOSUPPORT;
  const std::uint32_t destination = static_cast<std::uint32_t>(packet[16]) << 24 |
                                    static_cast<std::uint32_t>(packet[17]) << 16 |
                                    static_cast<std::uint32_t>(packet[18]) << 8 | packet[19];
  if (addresses_.empty() && destination < kFirstMulticast) own(destination);
  const Lengths before = accept_queues();
  dut_->inject(packet);
  dut_->settle();
  note_callers(packet, before);
  update();
  return 0;
}

std::optional<Datagram> Host::next_output() {
  if (outputs_.empty()) run(dut_->now_us() + patience_us_, true);
  if (outputs_.empty()) return std::nullopt;
  std::optional<Datagram> oldest = std::move(outputs_.front());
  outputs_.pop_front();
  oldest->time_us += kEpoch;
  return oldest;
}

/// The device does not tell who called: whoever sent the segment that made an accept queue longer.
Host::Lengths Host::accept_queues() {
  Lengths lengths;
  for (const auto& [fd, file] : files_) {
    if (file.socket != nullptr && file.socket->phase == Socket::Phase::listening && file.socket->handle) {
      lengths[file.socket.get()] = dut_->status(*file.socket->handle).readable;
    }
  }
  return lengths;
}

void Host::note_callers(Octets packet, const Lengths& before) {
  if (before.empty()) return;
  const Segment segment = Segment::parse(packet);
  for (const auto& [fd, file] : files_) {
    const auto old = before.find(file.socket.get());
    if (old == before.end()) continue;
    if (dut_->status(*file.socket->handle).readable <= old->second) continue;
    file.socket->queue.push_back({.remote = {segment.src.value_or(0), segment.src_port.value_or(0)},
                                  .local = {segment.dst.value_or(0), segment.dst_port.value_or(0)}});
  }
}

// ---------------------------------------------------------------------------------------------- descriptors, addresses

File* Host::file(int fd) {
  const auto found = files_.find(fd);
  return found == files_.end() ? nullptr : &found->second;
}

std::shared_ptr<Socket> Host::find(int fd, long& error) {
  const File* known = file(fd);
  error = known == nullptr ? -EBADF : known->socket == nullptr ? -ENOTSOCK : 0;
  return known == nullptr ? nullptr : known->socket;
}

/// Numbers are descriptors of this process: packetdrill closes what a script has left open with the system's own
/// close().
long Host::add(File added) {
  const int fd = ::open("/dev/null", O_RDWR | O_CLOEXEC);
  if (fd < 0) return -errno;
  files_[fd] = std::move(added);
  return fd;
}

bool Host::own(std::uint32_t ip) {
  if (std::find(addresses_.begin(), addresses_.end(), ip) != addresses_.end()) return true;
  if (!addresses_.empty()) return false;
  dut_->set("LOCAL_IP0", ip);
  addresses_.push_back(ip);
  return true;
}

bool Host::port_taken(const Address& address, const Socket& other) const {
  return std::any_of(files_.begin(), files_.end(), [&](const auto& entry) {
    const Socket* socket = entry.second.socket.get();
    if (socket == nullptr || socket == &other || !socket->bound || socket->local.port != address.port) return false;
    if (socket->local.ip != 0 && address.ip != 0 && socket->local.ip != address.ip) return false;
    return socket->phase == Socket::Phase::listening || !(socket->options.reuse_address && other.options.reuse_address);
  });
}

std::uint16_t Host::free_port() {
  const Socket nobody;
  do {
    next_port_ = next_port_ == 60999 ? std::uint16_t{32768} : static_cast<std::uint16_t>(next_port_ + 1);
  } while (port_taken({.ip = 0, .port = next_port_}, nobody));
  return next_port_;
}

}  // namespace tiptoe::packetdrill
