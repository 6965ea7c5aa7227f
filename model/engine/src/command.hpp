// SPDX-License-Identifier: Apache-2.0
// Command front end (micro-architecture 7.1): one command register; OPEN_ACTIVE is looked up and gets its ISN hash
// here.
#pragma once

#include <cstdint>

#include "cam.hpp"
#include "listen_table.hpp"
#include "registers.hpp"
#include "tiptoe/model/pins.hpp"
#include "tiptoe/tcp/types.hpp"

namespace tiptoe::model {

class CommandFrontEnd {
 public:
  void reset() { *this = CommandFrontEnd{}; }

  bool empty() const { return state_ == State::EMPTY; }
  /// The lookup of this cycle is the front end's.
  bool looks_up() const { return state_ == State::LOOKUP || (state_ == State::DECODE && decoded_.looks_up); }
  /// A CMD event is offered in this cycle.
  bool offers(std::uint64_t cycle, bool tables_written) const {
    return state_ == State::OFFER && cycle >= offer_from_ && (!decoded_.looks_up || (!stale_ && !tables_written));
  }

  const tcp::Command& command() const { return decoded_.command; }
  std::uint8_t tag() const { return tag_; }
  bool opens() const { return opens(decoded_.command); }  ///< OPEN_ACTIVE, or SEND on a listener handle
  const CamResult& cam() const { return cam_; }
  std::uint32_t isn() const { return isn_; }
  /// FROM_LISTENER: the handle named a live listener when the addresses were taken from it.
  bool listener_was_live() const { return decoded_.listener_live; }

  struct Context {
    std::uint64_t cycle;
    bool tables_written;  ///< COMMIT writes the CAM or the listener table in this cycle
    bool granted;         ///< the arbiter grants CMD in this cycle
    const Cam& cam;
    const ListenTable& listeners;
    const Registers& registers;
    const tcp::Faults& faults;
  };
  /// Before tick(), in the DECODE cycle: what the command asks for, from the listeners and LOCAL_IP0 of this cycle.
  void decode(const ListenTable& listeners, const Registers& registers, const tcp::Faults& faults) {
    if (state_ == State::DECODE) resolve(listeners, registers, faults);
  }
  void tick(const Context& c, const Inputs& in) {
    if (state_ != State::EMPTY || in.cmd_valid) step(c, in);
  }

  static bool opens(const tcp::Command& c) {
    return c.op == static_cast<std::uint8_t>(tcp::Op::OPEN_ACTIVE) ||
           (c.op == static_cast<std::uint8_t>(tcp::Op::SEND) && tcp::is_listener(c.handle));
  }

 private:
  enum class State : std::uint8_t { EMPTY, DECODE, OFFER, LOOKUP };
  struct Decoded {
    tcp::Command command;
    bool looks_up = false;  ///< an open with valid arguments
    bool listener_live = false;
  };

  void step(const Context& c, const Inputs& in);
  void look_up(const Context& c);
  void resolve(const ListenTable& listeners, const Registers& registers, const tcp::Faults& faults);

  State state_ = State::EMPTY;
  std::uint8_t tag_ = 0;
  bool stale_ = false;
  Decoded decoded_;
  CamResult cam_;
  std::uint32_t isn_ = 0;
  std::uint64_t offer_from_ = 0;
};

}  // namespace tiptoe::model
