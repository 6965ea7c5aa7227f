// SPDX-License-Identifier: Apache-2.0
// The event pipeline (micro-architecture 8.2): READ | CHECK | UPDATE | OUTPUT | COMMIT. Events do not move: a stage is
// a distance from the cycle of the grant. The protocol function runs once per event, in its CHECK cycle.
#pragma once

#include <array>
#include <cstdint>

#include "tiptoe/tcp/process.hpp"

namespace tiptoe::model {

class Pipeline {
 public:
  enum Stage : unsigned { READ, CHECK, UPDATE, OUTPUT, COMMIT };

  struct Slot {
    tcp::Event event;
    tcp::Decision decision;
    std::uint8_t segment_slot = 0;  ///< SEG: where the datagram is
    std::uint8_t tag = 0;           ///< CMD
    bool creator = false;
  };

  void reset() {
    valid_ = creators_ = commands_ = 0;
    at_ = 0;
  }

  unsigned valid() const { return valid_; }  ///< bit 0 READ ... bit 4 COMMIT
  bool valid(Stage stage) const { return (valid_ >> stage & 1U) != 0; }
  Slot& stage(Stage stage) { return slots_[(at_ - 1U - stage) % kSlotCount]; }
  const Slot& stage(Stage stage) const { return slots_[(at_ - 1U - stage) % kSlotCount]; }

  /// Something in READ, CHECK, UPDATE or OUTPUT has this connection.
  bool has_connection(std::uint16_t idx) const {
    for (unsigned s = READ; s < COMMIT; ++s)
      if ((valid_ >> s & 1U) != 0) {
        const tcp::Event& e = stage(static_cast<Stage>(s)).event;
        if (e.has_conn && e.idx == idx) return true;
      }
    return false;
  }
  bool has_creator() const { return creators_ != 0; }  ///< in READ ... COMMIT
  bool has_command() const { return commands_ != 0; }  ///< in READ ... COMMIT

  /// The place for the event that is granted in this cycle.
  Slot& granted() { return slots_[at_ % kSlotCount]; }

  void tick(bool granted) {
    const unsigned in = granted ? 1U : 0U;
    const Slot& slot = slots_[at_ % kSlotCount];
    constexpr unsigned kAll = 0x1F;
    valid_ = (valid_ << 1 | in) & kAll;
    creators_ = (creators_ << 1 | (in & (slot.creator ? 1U : 0U))) & kAll;
    commands_ = (commands_ << 1 | (in & (slot.event.source == tcp::Source::CMD ? 1U : 0U))) & kAll;
    ++at_;
  }

 private:
  static constexpr unsigned kSlotCount = 8;  // at least 6: five stages and the grant

  unsigned at_ = 0;  // counts cycles: the event granted in cycle t is in slot t mod kSlotCount
  unsigned valid_ = 0, creators_ = 0, commands_ = 0;
  std::array<Slot, kSlotCount> slots_;
};

}  // namespace tiptoe::model
