// SPDX-License-Identifier: Apache-2.0
// RX parser and checksum (micro-architecture 6.1): datagrams into the slots of the segment store, one raw descriptor
// each.
//
// The descriptor is worked out in one go when the last beat is accepted (cycle t); what the clock sees is a pipeline of
// three stages behind it: the LOCAL_IP registers are looked at in t+2, the raw FIFO is pushed in t+3.
#pragma once

#include <array>
#include <cstdint>

#include "fifo.hpp"
#include "registers.hpp"
#include "tiptoe/model/pins.hpp"
#include "tiptoe/tcp/faults.hpp"
#include "tiptoe/tcp/types.hpp"
#include "umem.hpp"

namespace tiptoe::model {

/// What the parser knows of the datagram in a slot. `segment.drop` is the drop reason.
struct RawDescriptor {
  tcp::Segment segment;
  std::uint8_t options_length = 0;  ///< 4*data offset - 20
  std::array<std::uint8_t, 40> options{};
};

/// Parses one datagram of `received` bytes, all but the check of the destination address (IP_DST, reason 8).
/// `oversize`: more arrived than a slot holds.
RawDescriptor parse_datagram(const std::uint8_t* bytes, std::uint64_t received, bool oversize,
                             const tcp::Faults& faults);

class RxParser {
 public:
  using RawFifo = Fifo<std::uint8_t, kSlots>;  ///< slot numbers; the descriptors stay with the slots

  explicit RxParser(unsigned beat_bytes) : beat_bytes_(beat_bytes) {}

  void reset();

  bool ready() const { return in_datagram_ || slots_used_ < kSlots; }  ///< s_axis_tready while running
  unsigned slots_used() const { return slots_used_; }
  bool idle() const { return !in_datagram_ && (stage_[0] | stage_[1] | stage_[2]) == 0; }
  const RawDescriptor& descriptor(unsigned slot) const { return descriptors_[slot]; }

  /// One cycle. `release`: the mover gives a slot back.
  void tick(const Inputs& in, bool release, const Registers& registers, SegmentStore& store, RawFifo& raw,
            const tcp::Faults& faults) {
    const bool accepted = in.s_axis_tvalid && ready();
    if (stage_[2] != 0) raw.push(static_cast<std::uint8_t>(stage_[2] - 1));
    if (stage_[1] != 0) check_destination(descriptors_[stage_[1] - 1], registers, faults);
    stage_[2] = stage_[1];
    stage_[1] = stage_[0];
    stage_[0] = 0;
    if (release) --slots_used_;
    if (accepted) accept(in, store, faults);
  }

 private:
  void accept(const Inputs& in, SegmentStore& store, const tcp::Faults& faults);
  static void check_destination(RawDescriptor& d, const Registers& registers, const tcp::Faults& faults);

  unsigned beat_bytes_;
  bool in_datagram_ = false, oversize_ = false;
  bool back_to_back_ = false;  // for a seeded fault
  std::uint8_t slot_ = 0, slots_used_ = 0;
  std::uint32_t offset_ = 0;  // of the next beat; stays put once it is beyond the slot
  std::uint64_t received_ = 0;
  std::array<std::uint8_t, 3> stage_{};  // slot + 1 of the datagram that ended 1, 2, 3 cycles ago; 0: none
  std::array<RawDescriptor, kSlots> descriptors_{};
};

}  // namespace tiptoe::model
