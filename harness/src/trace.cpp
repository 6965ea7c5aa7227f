// SPDX-License-Identifier: Apache-2.0
#include "tiptoe/trace.hpp"

#include <algorithm>
#include <array>
#include <cstdio>

#include "tiptoe/registers.hpp"

namespace tiptoe {
namespace {

std::string hex(std::uint64_t v) {
  std::array<char, 24> text{};
  std::snprintf(text.data(), text.size(), "0x%llx", static_cast<unsigned long long>(v));
  return text.data();
}

std::string seconds(std::uint64_t us) {
  std::array<char, 40> text{};
  std::snprintf(text.data(), text.size(), "%6llu.%06llu", static_cast<unsigned long long>(us / 1'000'000),
                static_cast<unsigned long long>(us % 1'000'000));
  return text.data();
}

std::string endpoint(std::uint32_t address, std::uint16_t port) {
  std::string text = address == 0 ? std::string("*") : ip_to_string(address);
  text += ':';
  text += port == 0 ? std::string("*") : std::to_string(port);
  return text;
}

/// The segment as the ladder shows it: RFC form, window and MSS.
std::string rung(const Segment& segment, const RelativeNumbers* relative) {
  Segment s = segment;
  if (relative != nullptr) {
    s.seq = relative->seq(segment);
    if (segment.has(ACK)) s.ack = relative->ack(segment);
  }
  std::string text = s.form(true);
  if (const auto mss = segment.mss()) text += "<MSS=" + std::to_string(*mss) + ">";
  for (const DefectReport& report : segment.defects) text += " !" + std::string(to_string(report.defect));
  return text;
}

}  // namespace

std::string to_string(const Notification& n) { return notification_names(n.flags) + " handle " + hex(n.handle.value); }

std::string to_string(const CallResult& r) {
  std::string text = std::string(to_string(r.status)) + " handle " + hex(r.handle.value) + " " + to_string(r.state);
  if (r.length != 0) text += " length " + std::to_string(r.length);
  if (r.readable != 0) text += " readable " + std::to_string(r.readable);
  return text;
}

void Trace::add(const Datagram& d) {
  entries_.push_back({TraceEntry::Kind::datagram, d.time_us, d.cycle, d.to_device, d.bytes, {}});
}

void Trace::add(TraceEntry::Kind kind, std::uint64_t time_us, std::uint64_t cycle, std::string text) {
  entries_.push_back({kind, time_us, cycle, false, {}, std::move(text)});
}

std::string Trace::list(bool relative) const {
  RelativeNumbers numbers;
  std::string text;
  for (const TraceEntry& entry : entries_) {
    text += seconds(entry.time_us) + "  ";
    if (entry.kind == TraceEntry::Kind::datagram) {
      const Segment segment = Segment::parse(ByteView{entry.bytes});
      numbers.note(segment);
      text += (entry.to_device ? "-> " : "<- ") + segment.to_string(relative ? &numbers : nullptr);
    } else {
      text += "   " + entry.text;
    }
    text += '\n';
  }
  return text;
}

std::string Trace::ladder(bool relative, std::size_t last) const {
  constexpr std::size_t kWidth = 72;
  RelativeNumbers numbers;
  std::string text = std::string(15, ' ') + "tester" + std::string(kWidth - 10, ' ') + "device\n";
  const std::size_t skip = last != 0 && entries_.size() > last ? entries_.size() - last : 0;
  if (skip != 0) text += std::string(15, ' ') + "  (" + std::to_string(skip) + " earlier entries left out)\n";
  for (std::size_t i = 0; i < entries_.size(); ++i) {
    const TraceEntry& entry = entries_[i];
    std::string line;
    if (entry.kind == TraceEntry::Kind::datagram) {
      const Segment segment = Segment::parse(ByteView{entry.bytes});
      numbers.note(segment);
      const std::string label = " " + rung(segment, relative ? &numbers : nullptr) + " ";
      const std::string dashes(label.size() + 4 < kWidth ? kWidth - label.size() - 3 : 1, '-');
      line = entry.to_device ? "|--" : "|<";
      line += entry.to_device ? label + dashes + ">|" : dashes + label + "--|";
    } else {
      const std::string padding(entry.text.size() < kWidth ? kWidth - entry.text.size() : 0, ' ');
      line = "|";
      line += padding + entry.text + " |";
    }
    if (i >= skip) text += seconds(entry.time_us) + "  " + line + "\n";
  }
  return text;
}

// ---------------------------------------------------------------------------------------------------------- TracedDut

void TracedDut::collect() {
  while (std::optional<Datagram> datagram = dut_.poll_output()) {
    trace_.add(*datagram);
    outputs_.push_back(std::move(*datagram));
  }
  while (std::optional<Notification> notification = dut_.poll_notification()) {
    trace_.add(TraceEntry::Kind::notification, notification->time_us, dut_.cycles(), to_string(*notification));
    notifications_.push_back(*notification);
  }
}

CallResult TracedDut::called(std::string what, CallResult result) {
  trace_.add(TraceEntry::Kind::call, dut_.now_us(), dut_.cycles(), std::move(what) + " = " + to_string(result));
  collect();
  return result;
}

void TracedDut::reset(const DutConfig& config) {
  outputs_.clear();
  notifications_.clear();
  trace_.clear();
  dut_.reset(config);
  collect();
}

void TracedDut::inject(std::span<const std::uint8_t> datagram) {
  dut_.inject(datagram);
  // Before what it caused: nothing of that can have left while its last octets were still coming in, but answers to
  // earlier datagrams can; those carry an earlier time.
  const std::uint64_t cycle = dut_.cycles();
  std::deque<Datagram> later;
  while (std::optional<Datagram> out = dut_.poll_output()) {
    if (out->cycle < cycle) {
      trace_.add(*out);
      outputs_.push_back(std::move(*out));
    } else {
      later.push_back(std::move(*out));
    }
  }
  trace_.add(Datagram{Bytes(datagram.begin(), datagram.end()), dut_.now_us(), cycle, true});
  for (Datagram& out : later) {
    trace_.add(out);
    outputs_.push_back(std::move(out));
  }
  collect();
}

std::optional<Datagram> TracedDut::poll_output() {
  collect();
  if (outputs_.empty()) return std::nullopt;
  std::optional<Datagram> oldest = std::move(outputs_.front());
  outputs_.pop_front();
  return oldest;
}

void TracedDut::settle() {
  dut_.settle();
  collect();
}

std::optional<Datagram> TracedDut::run_until_output(std::uint64_t us) {
  collect();
  if (outputs_.empty()) {
    if (std::optional<Datagram> datagram = dut_.run_until_output(us)) {
      trace_.add(*datagram);
      outputs_.push_back(std::move(*datagram));
    }
  }
  return poll_output();
}

void TracedDut::advance(std::uint64_t us) {
  dut_.advance(us);
  collect();
}

CallResult TracedDut::open_passive(const OpenArgs& a) {
  return called(
      "open_passive(" + endpoint(a.local_ip, a.local_port) + ", " + endpoint(a.remote_ip, a.remote_port) + ")",
      dut_.open_passive(a));
}
CallResult TracedDut::open_active(const OpenArgs& a) {
  return called("open_active(" + endpoint(a.local_ip, a.local_port) + ", " + endpoint(a.remote_ip, a.remote_port) + ")",
                dut_.open_active(a));
}
CallResult TracedDut::accept(Handle listener) {
  return called("accept(" + hex(listener.value) + ")", dut_.accept(listener));
}
CallResult TracedDut::send(Handle handle, std::span<const std::uint8_t> data) {
  return called("send(" + hex(handle.value) + ", " + std::to_string(data.size()) + " octets)", dut_.send(handle, data));
}
CallResult TracedDut::receive(Handle handle, std::uint32_t max) {
  return called("receive(" + hex(handle.value) + ", " + std::to_string(max) + ")", dut_.receive(handle, max));
}
CallResult TracedDut::close(Handle handle, bool half) {
  return called(std::string(half ? "close_half(" : "close(") + hex(handle.value) + ")", dut_.close(handle, half));
}
CallResult TracedDut::abort(Handle handle) { return called("abort(" + hex(handle.value) + ")", dut_.abort(handle)); }
CallResult TracedDut::status(Handle handle) { return called("status(" + hex(handle.value) + ")", dut_.status(handle)); }
CallResult TracedDut::set_options(Handle handle, bool nodelay, bool keepalive) {
  return called(
      "set_options(" + hex(handle.value) + (nodelay ? ", nodelay" : "") + (keepalive ? ", keepalive" : "") + ")",
      dut_.set_options(handle, nodelay, keepalive));
}

std::optional<Notification> TracedDut::poll_notification() {
  collect();
  if (notifications_.empty()) return std::nullopt;
  const Notification oldest = notifications_.front();
  notifications_.pop_front();
  return oldest;
}

void TracedDut::set(const std::string& name, std::uint64_t value) {
  dut_.set(name, value);
  trace_.add(TraceEntry::Kind::note, dut_.now_us(), dut_.cycles(), name + " := " + std::to_string(value));
}

}  // namespace tiptoe
