// SPDX-License-Identifier: Apache-2.0
// What is behind one handle of tiptoe_dpi.h: a model that follows the bench's clock, and the comparison of what it does
// with what the device does.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "model_engine.hpp"
#include "tiptoe/engine_dut.hpp"
#include "tiptoe/events.hpp"

namespace tiptoe::dpi {

inline constexpr std::size_t kMaxDatagram = 65575;
inline constexpr std::size_t kMaxKept = 65536;

/// "DATA_W=64 CONNS=16"; throws DutError.
DutOptions parse_parameters(std::string_view text);

/// Octets of a stream that arrives in beats.
class Assembler {
 public:
  /// True when the datagram is complete; it is then in octets() until the next beat. Throws DutError.
  bool beat(const std::uint32_t* data, const std::uint32_t* keep, bool last, const char* what);
  const Bytes& octets() const noexcept { return octets_; }
  bool pending() const noexcept { return !done_ && !octets_.empty(); }
  void clear() noexcept { octets_.clear(), done_ = false; }

 private:
  Bytes octets_{};
  bool done_ = false;
};
/// Appends the octets of one beat. Throws DutError when keep is not contiguous from bit 0.
void append_beat(Bytes& to, const std::uint32_t* data, const std::uint32_t* keep, const char* what);

/// Every function may throw DutError; the C functions make sentences of that.
class Predictor {
 public:
  explicit Predictor(const DutOptions& options);

  void reset(std::uint64_t seed);
  void mode(bool compare, bool keep);
  void set(const std::string& name, std::uint64_t value);
  std::uint64_t get(const std::string& name) { return dut_.counter(name); }
  void rule(const std::string& name, std::uint64_t value);
  void set_fault(const std::string& id) { dut_.set_fault(id); }

  void advance(std::uint64_t now_us);
  std::optional<std::uint64_t> next_deadline();

  void push(std::uint64_t now_us, ByteView datagram);
  void observe(std::uint64_t now_us, ByteView datagram);
  void observe(const RetireRecord& record);
  CallResult call(std::uint64_t now_us, const std::string& words, const std::function<CallResult(Dut&)>& what);

  void finish();
  EventComparator& comparison() noexcept { return compare_; }

  Assembler pushed{}, observed{};
  Bytes payload{};           ///< collected for the next SEND
  Bytes current{};           ///< what octet() and pop_beat() read
  std::size_t beat_at = 0;   ///< next octet of `current` for pop_beat()
  bool in_datagram = false;  ///< pop_beat() has not come to the end of it
  std::deque<Datagram> datagrams{};
  std::deque<RetireRecord> records{};
  std::deque<Notification> notifications{};
  void must_keep() const;

  std::uint32_t records_seen = 0;  ///< of the device, since reset
  std::string last_error{};
  std::string last_text{};  ///< the string that was returned last
  std::string label{};      ///< by which bind modules find it

 private:
  void collect();
  void collect(std::vector<RetireRecord> retired);
  template <class T>
  void keep(std::deque<T>& queue, T item, const char* what);

  EngineDut<ModelEngine> dut_;
  EventComparator compare_{};
  EventRules rules_{};
  bool comparing_ = true;
  bool keeping_ = false;
  bool begun_ = false;  ///< something was compared or could have been
  std::deque<std::uint8_t> flags_{};
};

}  // namespace tiptoe::dpi
