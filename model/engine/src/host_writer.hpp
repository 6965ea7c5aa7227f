// SPDX-License-Identifier: Apache-2.0
// Host writer (micro-architecture 7.2): payload of granted SENDs from txd into the send buffer.
#pragma once

#include <cstdint>

#include "fifo.hpp"
#include "tiptoe/model/pins.hpp"
#include "umem.hpp"

namespace tiptoe::model {

/// For the writer and the reader alike.
struct TransferCommand {
  std::uint16_t idx = 0;
  std::uint16_t handle = 0;
  std::uint32_t base = 0;  ///< sequence number of the first octet
  std::uint32_t n = 0;
  std::uint16_t snapshot = 0;  ///< of txd_issued / mv_issued: what has to be finished first
};
using TransferFifo = Fifo<TransferCommand, 4>;

/// (finished - snapshot) as signed 16 bit >= 0.
constexpr bool reached(std::uint16_t finished, std::uint16_t snapshot) {
  return static_cast<std::int16_t>(static_cast<std::uint16_t>(finished - snapshot)) >= 0;
}

class HostWriter {
 public:
  enum class State : std::uint8_t { IDLE, COPY, DONE };

  explicit HostWriter(unsigned beat_bytes) : beat_bytes_(beat_bytes) {}
  void reset() { state_ = State::IDLE; }

  State state() const { return state_; }
  bool offers() const { return state_ == State::DONE; }  ///< a TXD event
  const TransferCommand& command() const { return command_; }

  void tick(TransferFifo& fifo, std::uint16_t txd_loaded, const Inputs& in, bool granted, Buffers& send) {
    if (state_ != State::IDLE || !fifo.empty()) step(fifo, txd_loaded, in, granted, send);
  }

 private:
  void step(TransferFifo& fifo, std::uint16_t txd_loaded, const Inputs& in, bool granted, Buffers& send);

  unsigned beat_bytes_;
  State state_ = State::IDLE;
  TransferCommand command_;
  std::uint32_t written_ = 0;
};

}  // namespace tiptoe::model
