// SPDX-License-Identifier: Apache-2.0
// The last events of a device, written where they outlive the process: when the device takes its process down, somebody
// else can still say what came last.
//
//   Journal journal(fd);               // an open file; the reader has it open, too
//   journal.begin("textbook/TB-01");
//   JournalDut watched(device, journal);
//   watched.inject(syn);               // "at 0.000001 s  -----> 10.0.1.1.40000 > ..." and, while it runs, "inject"
//
// Layout of the file, text with a NUL behind: 64 octets, the function of the device that runs now (empty between
// calls); 64 octets more, the case; then one line per event, the oldest dropped when there is no more room. See
// bindings/python/tiptoe/runner.py for the reader.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "tiptoe/dut.hpp"
#include "tiptoe/forwarding_dut.hpp"
#include "tiptoe/segment.hpp"

namespace tiptoe {

class Journal {
 public:
  static constexpr std::size_t kName = 64;                    ///< octets of either name
  static constexpr std::size_t kSize = std::size_t{1} << 15;  ///< octets of the file

  /// Maps the file, which gets that size. Throws DutError when it cannot be mapped.
  explicit Journal(int fd);
  Journal(const Journal&) = delete;
  Journal& operator=(const Journal&) = delete;
  ~Journal();

  void begin(std::string_view the_case);  ///< forgets everything before
  void enter(std::string_view function);  ///< of the device
  void leave() { memory_[0] = '\0'; }
  void event(std::uint64_t time_us, std::string_view what);

 private:
  void name(std::size_t at, std::string_view text);
  char* memory_ = nullptr;
  std::size_t end_ = 0;
};

/// A device whose calls go into a journal. Costs some microseconds per datagram and call.
class JournalDut final : public ForwardingDut {
 public:
  JournalDut(Dut& device, Journal& journal) : ForwardingDut(device), journal_(&journal) {}

  void reset(const DutConfig& config) override;
  void inject(std::span<const std::uint8_t> datagram) override;
  std::optional<Datagram> poll_output() override;
  void settle() override;
  std::optional<Datagram> run_until_output(std::uint64_t us) override;
  void advance(std::uint64_t us) override;
  CallResult open_passive(const OpenArgs& a) override;
  CallResult open_active(const OpenArgs& a) override;
  CallResult accept(Handle h) override;
  CallResult send(Handle h, std::span<const std::uint8_t> data) override;
  CallResult receive(Handle h, std::uint32_t max) override;
  CallResult close(Handle h, bool half) override;
  CallResult abort(Handle h) override;
  CallResult status(Handle h) override;
  CallResult set_options(Handle h, bool nodelay, bool keepalive) override;
  std::optional<Notification> poll_notification() override;
  void set(const std::string& name, std::uint64_t value) override;
  std::uint64_t counter(const std::string& name) override;

 private:
  template <class F>
  auto in(std::string_view function, F&& f);
  template <class F>
  CallResult user(std::string_view function, const std::string& call, F&& f);
  void show(std::span<const std::uint8_t> datagram, std::uint64_t time_us, bool to_device);
  std::optional<Datagram> shown(std::optional<Datagram> d);

  Journal* journal_;
  RelativeNumbers relative_{};
};

}  // namespace tiptoe
