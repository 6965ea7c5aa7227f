// SPDX-License-Identifier: Apache-2.0
#include "host_writer.hpp"

#include <algorithm>
#include <array>
#include <cstring>

namespace tiptoe::model {

void HostWriter::step(TransferFifo& fifo, std::uint16_t txd_loaded, const Inputs& in, bool granted, Buffers& send) {
  switch (state_) {
    case State::IDLE:
      if (!reached(txd_loaded, fifo.front().snapshot)) return;
      command_ = fifo.front();
      fifo.pop();
      written_ = 0;
      state_ = State::COPY;
      return;
    case State::COPY: {
      if (!in.txd_tvalid) return;
      std::array<std::uint8_t, 8 * kMaxBeatWords> beat;
      std::memcpy(beat.data(), in.txd_tdata.data(), beat_bytes_);
      const std::uint32_t n = std::min<std::uint32_t>(beat_bytes_, command_.n - written_);
      send.write(command_.idx, command_.base + written_, beat.data(), n);
      written_ += n;
      if (written_ == command_.n) state_ = State::DONE;
      return;
    }
    case State::DONE:
      if (granted) state_ = State::IDLE;
      return;
  }
}

}  // namespace tiptoe::model
