// SPDX-License-Identifier: Apache-2.0
// HEAD (micro-architecture 6.2): takes one datagram at a time from the raw FIFO, looks its connection up, walks the
// options of a SYN, hashes its ISN and offers the SEG event.
#pragma once

#include <cstdint>

#include "cam.hpp"
#include "listen_table.hpp"
#include "rx_parser.hpp"

namespace tiptoe::model {

class Head {
 public:
  enum class State : std::uint8_t { IDLE, WAIT, READY };

  void reset() { *this = Head{}; }

  State state() const { return state_; }
  bool idle() const { return state_ == State::IDLE; }

  /// A SEG event is offered in this cycle.
  bool offers(std::uint64_t cycle, bool tables_written) const {
    return state_ == State::READY && cycle >= offer_from_ && !stale_ && !tables_written;
  }
  const CamResult& cam() const { return cam_; }
  const ListenerMatch& listener() const { return listener_; }
  std::uint32_t isn() const { return isn_; }
  bool mss_valid() const { return mss_valid_; }
  std::uint16_t mss() const { return mss_; }

  struct Context {
    std::uint64_t cycle;
    bool tables_written;    ///< COMMIT writes the CAM or the listener table in this cycle
    bool command_looks_up;  ///< the command front end takes the lookup of this cycle
    bool granted;           ///< the arbiter grants SEG in this cycle
    const RxParser& parser;
    const Cam& cam;
    const ListenTable& listeners;
    const Registers& registers;
    const tcp::Faults& faults;
  };
  void tick(const Context& c, RxParser::RawFifo& raw) {
    if (state_ != State::IDLE || !raw.empty()) step(c, raw);
  }

 private:
  void step(const Context& c, RxParser::RawFifo& raw);
  void start(const Context& c, const RawDescriptor& d);

  State state_ = State::IDLE;
  bool stale_ = false;
  bool started_ = false;  // option walk and ISN hash of the datagram at the raw FIFO's head
  bool mss_valid_ = false;
  std::uint16_t mss_ = 0;
  std::uint32_t isn_ = 0;
  std::uint64_t offer_from_ = 0;  // first cycle in which walk and hash are finished
  CamResult cam_;
  ListenerMatch listener_;
};

}  // namespace tiptoe::model
