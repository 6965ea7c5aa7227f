// SPDX-License-Identifier: Apache-2.0
// Two segments or two retire records, field by field: what differs, in words. Part of the event comparison.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "tiptoe/events.hpp"

namespace tiptoe {

struct Differences {
  std::vector<std::string> list{};  ///< "the window is 65535 in the model and 64075 in the device"
  bool other_event = false;         ///< not the same event at all: what follows cannot be paired any more
};

struct SegmentPair {
  const Segment& model;
  const Segment& device;
  std::uint32_t model_seq = 0, device_seq = 0;  ///< relative where that is how they are compared
  bool same_seq = false;                        ///< the caller knows the incarnations
  bool same_stimulus = false;                   ///< sent after the same stimulus: the windows mean the same
  bool exact_ack = false;                       ///< the ACK numbers must be equal
};
Differences compare_segments(const EventRules& rules, const SegmentPair& pair);

/// Sequence numbers relative to the bases (0 for absolute ones).
Differences compare_records(const EventRules& rules, const RetireRecord& model, std::uint32_t model_base,
                            const RetireRecord& device, std::uint32_t device_base);

/// "SEG record, ESTABLISHED -> CLOSE_WAIT, snd_una 1, rcv_nxt 1007"; without a base its own sequence numbers are
/// absolute.
std::string record_to_string(const RetireRecord& record, std::uint32_t base);

}  // namespace tiptoe
