// SPDX-License-Identifier: Apache-2.0
// TX engine (micro-architecture 11): one descriptor at a time; loads its payload, adds headers and checksums, emits
// beats.
#pragma once

#include <cstdint>
#include <vector>

#include "fifo.hpp"
#include "tiptoe/model/pins.hpp"
#include "tiptoe/tcp/faults.hpp"
#include "tiptoe/tcp/types.hpp"
#include "umem.hpp"

namespace tiptoe::model {

inline constexpr unsigned kTxQueue = 16;

struct TxDescriptor {
  tcp::TxSegment segment;
  std::uint16_t idx = 0;
  bool retransmission = false;  // for a seeded fault
};

class TxEngine {
 public:
  enum class State : std::uint8_t { IDLE, LOAD, SUM, EMIT };
  using DescriptorFifo = Fifo<TxDescriptor, kTxQueue>;

  explicit TxEngine(unsigned beat_bytes);
  void reset();

  State state() const { return state_; }
  bool idle() const { return state_ == State::IDLE; }
  std::uint16_t loaded() const { return loaded_; }  ///< txd_loaded

  /// Returns whether the beat on m_axis has changed: then call drive().
  bool tick(DescriptorFifo& fifo, const Buffers& send, const tcp::Config& config, bool tready,
            const tcp::Faults& faults) {
    return (state_ != State::IDLE || !fifo.empty()) && step(fifo, send, config, tready, faults);
  }
  void drive(Outputs& out) const;

 private:
  bool step(DescriptorFifo& fifo, const Buffers& send, const tcp::Config& config, bool tready,
            const tcp::Faults& faults);
  void load(const Buffers& send, const tcp::Config& config, const tcp::Faults& faults);
  void build(const tcp::Config& config, const tcp::Faults& faults);
  unsigned payload_at() const;

  unsigned beat_bytes_;
  State state_ = State::IDLE;
  bool repeat_ = false;  // a seeded fault
  std::uint16_t ip_id_ = 0, next_ip_id_ = 0;
  std::uint16_t loaded_ = 0;
  std::uint16_t last_checksum_ = 0, other_checksum_ = 0;  // for a seeded fault
  unsigned left_ = 0;                                     // LOAD cycles to come
  unsigned length_ = 0, offset_ = 0;                      // EMIT
  TxDescriptor descriptor_;
  std::vector<std::uint8_t> datagram_;  // headers at 0, payload behind them, zeros up to the next beat
};

}  // namespace tiptoe::model
