// SPDX-License-Identifier: Apache-2.0
// Two devices compared by what they did, not when: the golden model and somebody's design, which has other latencies,
// other initial sequence numbers and another mind about when to acknowledge. Lockstep (lockstep.hpp) is for our own
// RTL.
//
//   tiptoe::EventComparator compare;
//   compare.stimulus(now_us, datagram);                          // what the peer sends to both
//   model.inject(compare.for_model(datagram));                   // its ACK number in the model's sequence space
//   while (auto d = model.poll_output()) compare.observe(tiptoe::Party::model, *d);
//   compare.observe(tiptoe::Party::device, {.bytes = seen_on_the_wire, .time_us = now_us});
//   compare.advance(now_us);                                     // judges what is overdue
//   compare.finish();
//   for (const auto& m : compare.mismatches()) puts(m.text.c_str());
//
// What is compared, per connection (4-tuple) and in order: segments that occupy sequence space or carry SYN, FIN or
// RST; pure ACKs; retire records, per kind. docs/dpi.md has the rules, docs/decisions/ says why they are what they are.
// All times are microseconds of device time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "tiptoe/dut.hpp"
#include "tiptoe/segment.hpp"

namespace tiptoe {

enum class Party : std::uint8_t { model, device };

/// A connection as the device sees it. Addresses in host order.
struct Flow {
  std::uint32_t local_ip = 0;
  std::uint16_t local_port = 0;
  std::uint32_t remote_ip = 0;
  std::uint16_t remote_port = 0;
  friend bool operator==(const Flow&, const Flow&) = default;
  friend bool operator<(const Flow& a, const Flow& b) noexcept {
    return std::tie(a.local_ip, a.local_port, a.remote_ip, a.remote_port) <
           std::tie(b.local_ip, b.local_port, b.remote_ip, b.remote_port);
  }
};
std::string to_string(const Flow& flow);  ///< "10.0.0.1:80 - 10.0.0.2:4000"

/// Which fields count, which may differ, and how late the other side may be. Every rule also has a name, for benches
/// that are not C++: `rules.set("segment.ttl", 0)`.
struct EventRules {
  enum SegmentField : std::uint32_t {
    ttl = 1,
    tos = 2,
    df = 4,
    psh = 8,
    window = 16,
    urgent = 32,
    options = 64,
  };
  std::uint32_t segment_fields = 0x7F;  ///< sequence numbers, SYN, FIN, RST, ACK, URG and the text are always compared

  std::uint32_t record_kinds = 1U << 1;  ///< bit k: records of kind k; the others depend on how a design is built
  std::uint32_t record_fields = RetireRecord::has_reason | RetireRecord::has_state | RetireRecord::has_state_before |
                                RetireRecord::has_flags_out | RetireRecord::has_irs | RetireRecord::has_snd_una |
                                RetireRecord::has_snd_wnd | RetireRecord::has_rcv_nxt;
  std::uint8_t record_flags =
      SYN | RST;  ///< of flags_out: whether text, ACK and FIN go out with this event is a choice

  enum class IpId : std::uint8_t { ignored, monotone, exact };
  IpId ip_id = IpId::ignored;
  bool exact_isn = false;         ///< false: learnt per connection, sequence numbers are compared relative to it
  bool exact_timestamps = false;  ///< false: the option (RFC 7323) is not looked at
  bool exact_acks = false;        ///< false: the delayed-ACK choice is free (RFC 9293 3.8.6.3)

  std::uint64_t ack_us = 500'000;  ///< what one side acknowledges the other one acknowledges within this time (MUST-40)
  std::uint64_t answer_us = 1'000;     ///< how far apart two ACKs that must be sent at once may be
  std::uint64_t late_us = 1'000'000;   ///< how far apart everything else may be
  std::uint32_t window_slack = 2'048;  ///< octets by which right window edges may stay apart
  std::size_t max_mismatches = 64;     ///< after so many nothing is compared any more

  /// By name; throws std::invalid_argument with the nearest name, or with the legal values.
  void set(std::string_view name, std::uint64_t value);
  static std::vector<std::string> names();
};

struct Mismatch {
  std::uint64_t time_us = 0;  ///< when it was noticed
  std::string headline{};     ///< one sentence: which connection, which event, which field, both values
  std::string text{};         ///< the headline, both events, the last events of the connection
};

class EventComparator {
 public:
  explicit EventComparator(const EventRules& rules = {});
  ~EventComparator();
  EventComparator(EventComparator&&) noexcept;
  EventComparator& operator=(EventComparator&&) noexcept;

  /// May be changed before the first event only.
  EventRules& rules() noexcept;

  /// A datagram that was handed to both sides, and a user call (in words; `flow` {}: on no connection) that both were
  /// given. The comparison needs to know them: two ACKs after the same stimulus mean the same.
  void stimulus(std::uint64_t now_us, ByteView datagram);
  void stimulus(std::uint64_t now_us, std::string call, const Flow& flow);
  /// The peer's datagram with the ACK number moved from the device's sequence space into the model's (the checksum
  /// stays as right or as wrong as it was). Unchanged while the two initial sequence numbers are not both known.
  Bytes for_model(ByteView datagram) const;

  void observe(Party party, const Datagram& datagram);
  void observe(Party party, const RetireRecord& record);

  /// Both sides have been observed up to now_us: whatever is overdue is a mismatch.
  void advance(std::uint64_t now_us);
  /// The end: whatever has no counterpart is a mismatch, except acknowledgments for which there would still be time (go
  /// on for ack_us first if they matter).
  void finish();

  const std::vector<Mismatch>& mismatches() const noexcept;
  /// What was compared; a comparison of nothing passes too, so look at these.
  struct Counts {
    std::uint64_t segments = 0;  ///< pairs: text, SYN, FIN, RST
    std::uint64_t acks = 0;      ///< pure ACKs, either side, found in order
    std::uint64_t excused = 0;   ///< those of them that the other side left out or merged
    std::uint64_t records = 0;   ///< pairs
  };
  const Counts& counts() const noexcept;
  /// "compared 120 segments, 60 pure ACKs (12 left to choice), 200 records: 0 mismatches"
  std::string summary() const;
  /// The last initial sequence number of one side, if it has been seen.
  std::optional<std::uint32_t> isn(Party party, const Flow& flow) const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace tiptoe
