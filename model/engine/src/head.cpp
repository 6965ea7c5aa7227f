// SPDX-License-Identifier: Apache-2.0
#include "head.hpp"

#include <algorithm>
#include <limits>

#include "option_walk.hpp"
#include "siphash.hpp"

namespace tiptoe::model {

void Head::step(const Context& c, RxParser::RawFifo& raw) {
  switch (state_) {
    case State::IDLE: {
      const RawDescriptor& d = c.parser.descriptor(raw.front());
      if (d.segment.drop != 0) {
        offer_from_ = 0;
        cam_ = {};
        listener_ = {};
        state_ = State::READY;
      } else {
        if (c.command_looks_up) return;  // one lookup per cycle, the front end first
        const tcp::Segment& s = d.segment;
        const FourTuple key{s.lip, s.rip, s.lport, s.rport};
        cam_ = c.cam.lookup(key, c.registers.config().cam_key, c.faults);
        listener_ = c.listeners.match(key, c.faults);
        if (!started_) start(c, d);
        state_ = State::WAIT;
      }
      stale_ = c.tables_written;
      return;
    }
    case State::WAIT:
      stale_ |= c.tables_written;
      state_ = State::READY;
      return;
    case State::READY:
      if (c.granted) {
        raw.pop();
        started_ = false;
        state_ = State::IDLE;
      } else if (stale_) {
        state_ = State::IDLE;  // only the lookup is repeated
      } else {
        stale_ = c.tables_written;
      }
      return;
  }
}

void Head::start(const Context& c, const RawDescriptor& d) {
  started_ = true;
  mss_valid_ = false;
  mss_ = 0;
  isn_ = 0;
  offer_from_ = 0;
  const tcp::Segment& s = d.segment;
  if (!s.has(tcp::SYN) || s.has(tcp::RST)) return;
  const OptionWalk walk = walk_options(d.options, d.options_length, c.faults);
  mss_valid_ = walk.mss_valid;
  mss_ = walk.mss;
  isn_ = isn_hash(c.registers.config().isn_key, s.lip, s.lport, s.rip, s.rport);
  offer_from_ = walk.steps == kWalkForever ? std::numeric_limits<std::uint64_t>::max()
                                           : c.cycle + std::max(kIsnHashCycles, walk.steps + 1);
}

}  // namespace tiptoe::model
