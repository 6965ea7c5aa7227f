// SPDX-License-Identifier: Apache-2.0
#include "mover.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace tiptoe::model {

void Mover::copy(const MoverCommand& c, const SegmentStore& store, Buffers& receive, const tcp::Faults& faults) {
  const std::uint8_t* slot = store.slot(c.source_slot);
  std::uint32_t seq = c.seq;
  for (unsigned offset = c.offset % kSlotBytes, left = c.len; left != 0; offset = 0) {  // reads wrap inside the slot
    const unsigned n = std::min(left, kSlotBytes - offset);
    receive.write(c.idx, seq, slot + offset, n);
    seq += n;
    left -= n;
  }
  if (faults.on(tcp::Fault::engine_payload_swapped) && c.len >= 2) {
    std::array<std::uint8_t, 2> first;
    receive.read(c.idx, c.seq, first.data(), 2);
    std::swap(first[0], first[1]);
    receive.write(c.idx, c.seq, first.data(), 2);
  }
}

}  // namespace tiptoe::model
