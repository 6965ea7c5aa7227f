// SPDX-License-Identifier: Apache-2.0
#include "tiptoe/journal.hpp"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

namespace tiptoe {

namespace {
constexpr std::size_t kText = 2 * Journal::kName;  // where the lines begin
}

Journal::Journal(int fd) {
  void* mapped = MAP_FAILED;
  if (::ftruncate(fd, static_cast<off_t>(kSize)) == 0) {
    mapped = ::mmap(nullptr, kSize, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  }
  if (mapped == MAP_FAILED) throw DutError(std::string("the journal cannot be mapped: ") + std::strerror(errno));
  memory_ = static_cast<char*>(mapped);
  begin("");
}

Journal::~Journal() { ::munmap(memory_, kSize); }

void Journal::name(std::size_t at, std::string_view text) {
  const std::size_t n = std::min(text.size(), kName - 1);
  std::memcpy(memory_ + at, text.data(), n);
  memory_[at + n] = '\0';
}

void Journal::begin(std::string_view the_case) {
  leave();
  name(kName, the_case);
  end_ = kText;
  memory_[end_] = '\0';
}

void Journal::enter(std::string_view function) { name(0, function); }

void Journal::event(std::uint64_t time_us, std::string_view what) {
  const std::string micros = std::to_string(time_us % 1'000'000);
  std::string line = std::to_string(time_us / 1'000'000) + "." + std::string(6 - micros.size(), '0') + micros + "  ";
  line.append(what.substr(0, 400)).append("\n");
  if (end_ + line.size() >= kSize) {  // the newer half stays, from the beginning of a line
    const char* middle = static_cast<const char*>(std::memchr(memory_ + kSize / 2, '\n', end_ - kSize / 2));
    const std::size_t from = middle == nullptr ? end_ : static_cast<std::size_t>(middle - memory_) + 1;
    std::memmove(memory_ + kText, memory_ + from, end_ - from);
    end_ = kText + (end_ - from);
  }
  std::memcpy(memory_ + end_, line.data(), line.size());
  end_ += line.size();
  memory_[end_] = '\0';
}

// ---- the device

template <class F>
auto JournalDut::in(std::string_view function, F&& f) {
  struct Leave {
    Journal* journal;
    ~Leave() { journal->leave(); }
  } const leave{journal_};
  journal_->enter(function);
  return f();
}

template <class F>
CallResult JournalDut::user(std::string_view function, const std::string& call, F&& f) {
  journal_->event(inner().now_us(), "user -> " + call);
  CallResult r = in(function, std::forward<F>(f));
  if (!r) journal_->event(inner().now_us(), std::string("user <- ") + to_string(r.status));
  return r;
}

void JournalDut::show(std::span<const std::uint8_t> datagram, std::uint64_t time_us, bool to_device) {
  const Segment s = Segment::parse(datagram);
  relative_.note(s);
  journal_->event(time_us, (to_device ? "-----> " : "<----- ") + s.to_string(&relative_));
}

std::optional<Datagram> JournalDut::shown(std::optional<Datagram> d) {
  if (d) show(d->bytes, d->time_us, false);
  return d;
}

void JournalDut::reset(const DutConfig& config) {
  relative_ = {};
  journal_->event(0, "reset");
  in("reset", [&] { inner().reset(config); });
}
void JournalDut::inject(std::span<const std::uint8_t> datagram) {
  show(datagram, inner().now_us(), true);
  in("inject", [&] { inner().inject(datagram); });
}
std::optional<Datagram> JournalDut::poll_output() {
  return shown(in("poll_output", [&] { return inner().poll_output(); }));
}
void JournalDut::settle() {
  in("settle", [&] { inner().settle(); });
}
std::optional<Datagram> JournalDut::run_until_output(std::uint64_t us) {
  return shown(in("run", [&] { return inner().run_until_output(us); }));
}
void JournalDut::advance(std::uint64_t us) {
  in("run", [&] { inner().advance(us); });
}

CallResult JournalDut::open_passive(const OpenArgs& a) {
  return user("open_passive", "OPEN passive, port " + std::to_string(a.local_port),
              [&] { return inner().open_passive(a); });
}
CallResult JournalDut::open_active(const OpenArgs& a) {
  return user("open_active", "OPEN active, to port " + std::to_string(a.remote_port),
              [&] { return inner().open_active(a); });
}
CallResult JournalDut::accept(Handle h) {
  return user("accept", "ACCEPT", [&] { return inner().accept(h); });
}
CallResult JournalDut::send(Handle h, std::span<const std::uint8_t> data) {
  return user("send", "SEND " + std::to_string(data.size()), [&] { return inner().send(h, data); });
}
CallResult JournalDut::receive(Handle h, std::uint32_t max) {
  return user("receive", "RECEIVE " + std::to_string(max), [&] { return inner().receive(h, max); });
}
CallResult JournalDut::close(Handle h, bool half) {
  return user("close", half ? "CLOSE half" : "CLOSE", [&] { return inner().close(h, half); });
}
CallResult JournalDut::abort(Handle h) {
  return user("abort", "ABORT", [&] { return inner().abort(h); });
}
CallResult JournalDut::status(Handle h) {
  return in("status", [&] { return inner().status(h); });
}
CallResult JournalDut::set_options(Handle h, bool nodelay, bool keepalive) {
  return user("set_options", "SETOPT", [&] { return inner().set_options(h, nodelay, keepalive); });
}
std::optional<Notification> JournalDut::poll_notification() {
  return in("poll_notification", [&] { return inner().poll_notification(); });
}
void JournalDut::set(const std::string& name, std::uint64_t value) {
  journal_->event(inner().now_us(), "set " + name + " = " + std::to_string(value));
  in("set", [&] { inner().set(name, value); });
}
std::uint64_t JournalDut::counter(const std::string& name) {
  return in("counter", [&] { return inner().counter(name); });
}

}  // namespace tiptoe
