// SPDX-License-Identifier: Apache-2.0
// Mover (micro-architecture 6.5): text from the segment store to the receive buffer, then the slot is free. A command
// of W beats takes W+1 cycles; the octets are copied in the cycle of the last write.
#pragma once

#include <cstdint>

#include "fifo.hpp"
#include "tiptoe/tcp/faults.hpp"
#include "umem.hpp"

namespace tiptoe::model {

struct MoverCommand {
  std::uint8_t slot = 0;
  std::uint8_t source_slot = 0;  ///< the same, but for a seeded fault
  std::uint16_t offset = 0, len = 0;
  std::uint16_t idx = 0;
  std::uint32_t seq = 0;
};

class Mover {
 public:
  using CommandFifo = Fifo<MoverCommand, kSlots>;

  explicit Mover(unsigned beat_bytes) : beat_bytes_(beat_bytes) {}
  void reset() {
    left_ = 0;
    done_ = 0;
  }

  bool busy() const { return left_ != 0; }
  std::uint16_t done() const { return done_; }  ///< mv_done

  /// The slot of the command at the FIFO's head is released in this cycle.
  bool releases(const CommandFifo& fifo) const {
    return left_ == 1 || (left_ == 0 && !fifo.empty() && fifo.front().len == 0);
  }
  void tick(CommandFifo& fifo, const SegmentStore& store, Buffers& receive, const tcp::Faults& faults) {
    if (left_ == 0) {
      if (fifo.empty()) return;
      if (fifo.front().len == 0)
        finish(fifo);
      else
        left_ = (fifo.front().len + beat_bytes_ - 1) / beat_bytes_;
    } else if (--left_ == 0) {
      copy(fifo.front(), store, receive, faults);
      finish(fifo);
    }
  }

 private:
  void finish(CommandFifo& fifo) {
    fifo.pop();
    ++done_;
  }
  static void copy(const MoverCommand& c, const SegmentStore& store, Buffers& receive, const tcp::Faults& faults);

  unsigned beat_bytes_;
  unsigned left_ = 0;  // writes to come
  std::uint16_t done_ = 0;
};

}  // namespace tiptoe::model
