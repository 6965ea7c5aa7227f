// SPDX-License-Identifier: Apache-2.0
// Host reader (micro-architecture 7.3): payload of granted RECEIVEs from the receive buffer to rxd.
#pragma once

#include <cstdint>

#include "host_writer.hpp"
#include "tiptoe/model/pins.hpp"
#include "umem.hpp"

namespace tiptoe::model {

class HostReader {
 public:
  enum class State : std::uint8_t { IDLE, READ, OUT, DONE };

  explicit HostReader(unsigned beat_bytes) : beat_bytes_(beat_bytes) {}
  void reset() { state_ = State::IDLE; }

  State state() const { return state_; }
  bool offers() const { return state_ == State::DONE; }  ///< an RXD event
  const TransferCommand& command() const { return command_; }

  /// Drives rxd_* of the next cycle.
  void tick(TransferFifo& fifo, std::uint16_t mv_done, bool tready, bool granted, const Buffers& receive,
            Outputs& out) {
    if (state_ != State::IDLE || !fifo.empty()) step(fifo, mv_done, tready, granted, receive, out);
  }

 private:
  void step(TransferFifo& fifo, std::uint16_t mv_done, bool tready, bool granted, const Buffers& receive, Outputs& out);

  unsigned beat_bytes_;
  State state_ = State::IDLE;
  TransferCommand command_;
  std::uint32_t read_ = 0;
};

}  // namespace tiptoe::model
