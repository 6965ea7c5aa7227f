// SPDX-License-Identifier: Apache-2.0
// What crossed the wire and the host interface, in order, for people: a tcpdump-like list and a ladder diagram. Files
// (pcapng) are written by whoever wants them, from entries().
//
//   tiptoe::TracedDut dut(tiptoe::make_dut("model", {}));   // a Dut like any other
//   ...
//   std::puts(dut.trace().ladder().c_str());
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "tiptoe/dut.hpp"
#include "tiptoe/segment.hpp"

namespace tiptoe {

struct TraceEntry {
  enum class Kind : std::uint8_t { datagram, call, notification, note } kind = Kind::note;
  std::uint64_t time_us = 0;
  std::uint64_t cycle = 0;
  bool to_device = false;  ///< datagrams only
  Bytes bytes{};           ///< datagrams only: IPv4 header first
  std::string text{};      ///< everything else: "send(0x400, 5) = OK, 5 octets"
};

class Trace {
 public:
  void add(const Datagram& datagram);
  void add(TraceEntry::Kind kind, std::uint64_t time_us, std::uint64_t cycle, std::string text);
  void clear() { entries_.clear(); }
  const std::vector<TraceEntry>& entries() const noexcept { return entries_; }

  /// One line per entry: time, direction, segment. `relative`: sequence numbers from the first one seen.
  std::string list(bool relative = true) const;
  /// Tester on the left, device on the right, time downwards. At most `last` entries (0 = all).
  std::string ladder(bool relative = true, std::size_t last = 0) const;

 private:
  std::vector<TraceEntry> entries_{};
};

/// "CONNECTED|READABLE handle 0x0" and "OK handle 0x0 ESTABLISHED".
std::string to_string(const Notification& notification);
std::string to_string(const CallResult& result);

/// Any device, with a record of everything that it was told and said.
class TracedDut final : public Dut {
 public:
  explicit TracedDut(std::unique_ptr<Dut> dut) : owned_(std::move(dut)), dut_(*owned_) {}
  explicit TracedDut(Dut& dut) : dut_(dut) {}

  Trace& trace() noexcept { return trace_; }
  const Trace& trace() const noexcept { return trace_; }
  Dut& inner() noexcept { return dut_; }

  std::string name() const override { return dut_.name(); }
  std::string description() const override { return dut_.description(); }
  const Capabilities& capabilities() const override { return dut_.capabilities(); }
  void reset(const DutConfig& config) override;
  void inject(std::span<const std::uint8_t> datagram) override;
  std::optional<Datagram> poll_output() override;
  void settle() override;
  std::optional<Datagram> run_until_output(std::uint64_t us) override;
  void advance(std::uint64_t us) override;
  std::uint64_t now_us() const override { return dut_.now_us(); }
  std::uint64_t cycles() const override { return dut_.cycles(); }
  CallResult open_passive(const OpenArgs& args) override;
  CallResult open_active(const OpenArgs& args) override;
  CallResult accept(Handle listener) override;
  CallResult send(Handle handle, std::span<const std::uint8_t> data) override;
  CallResult receive(Handle handle, std::uint32_t max) override;
  CallResult close(Handle handle, bool half) override;
  CallResult abort(Handle handle) override;
  CallResult status(Handle handle) override;
  CallResult set_options(Handle handle, bool nodelay, bool keepalive) override;
  std::optional<Notification> poll_notification() override;
  void set(const std::string& name, std::uint64_t value) override;
  std::uint64_t counter(const std::string& name) override { return dut_.counter(name); }
  bool has_retire_records() const override { return dut_.has_retire_records(); }
  void set_retire_recording(bool on) override { dut_.set_retire_recording(on); }
  std::vector<RetireRecord> take_retire_records() override { return dut_.take_retire_records(); }
  void set_fault(const std::string& id) override { dut_.set_fault(id); }

 private:
  void collect();
  CallResult called(std::string what, CallResult result);

  std::unique_ptr<Dut> owned_{};
  Dut& dut_;
  Trace trace_{};
  std::deque<Datagram> outputs_{};
  std::deque<Notification> notifications_{};
};

}  // namespace tiptoe
