// SPDX-License-Identifier: Apache-2.0
#include "mover.hpp"

#include <algorithm>
#include <array>

namespace tiptoe::model {

void Mover::copy(const MoverCommand& c, const SegmentStore& store, Buffers& receive, const tcp::Faults& faults) {
  const std::uint8_t* slot = store.slot(c.source_slot);
  const unsigned offset = c.offset % kSlotBytes;
  const unsigned first = std::min<unsigned>(c.len, kSlotBytes - offset);  // reads wrap inside the slot
  if (faults.on(tcp::Fault::engine_payload_swapped) && c.len >= 2 && first >= 2) {
    const std::array<std::uint8_t, 2> swapped{slot[offset + 1], slot[offset]};
    receive.write(c.idx, c.seq, swapped.data(), 2);
    receive.write(c.idx, c.seq + 2, slot + offset + 2, first - 2);
  } else {
    receive.write(c.idx, c.seq, slot + offset, first);
  }
  if (first < c.len) receive.write(c.idx, c.seq + first, slot, c.len - first);
}

}  // namespace tiptoe::model
