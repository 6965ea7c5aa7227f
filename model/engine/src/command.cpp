// SPDX-License-Identifier: Apache-2.0
#include "command.hpp"

#include "siphash.hpp"

namespace tiptoe::model {

void CommandFrontEnd::resolve(const ListenTable& listeners, const Registers& registers, const tcp::Faults& faults) {
  tcp::Command& c = decoded_.command;
  decoded_.looks_up = decoded_.listener_live = false;
  if (!opens(c)) return;
  const bool from_listener = c.op == static_cast<std::uint8_t>(tcp::Op::SEND) || (c.flags & tcp::FROM_LISTENER) != 0;
  if (from_listener) {
    const unsigned idx = tcp::listener_index(c.handle);
    decoded_.listener_live = tcp::is_listener(c.handle) && listeners.live(idx, tcp::listener_gen(c.handle));
    if (!decoded_.listener_live) return;
    const FourTuple& address = listeners[idx].address;
    if (c.lip == 0) c.lip = address.lip;
    if (c.lport == 0) c.lport = address.lport;
    if (c.rip == 0) c.rip = address.rip;
    if (c.rport == 0) c.rport = address.rport;
  }
  if (c.lip == 0) c.lip = registers.config().local_ip[0];
  // The argument checks of connection-processing 4a.
  const bool host = (c.rip < 0xE0000000U && c.rip >> 24 != 127 && !(c.rip == c.lip && c.rport == c.lport)) ||
                    faults.on(tcp::Fault::open_invalid_remote_accepted);
  decoded_.looks_up = c.rip != 0 && c.rport != 0 && c.lport != 0 && registers.is_local(c.lip) && host;
}

void CommandFrontEnd::look_up(const Context& c) {
  const tcp::Command& k = decoded_.command;
  cam_ = c.cam.lookup({k.lip, k.rip, k.lport, k.rport}, c.registers.config().cam_key, c.faults);
  stale_ = c.tables_written;
}

void CommandFrontEnd::step(const Context& c, const Inputs& in) {
  switch (state_) {
    case State::EMPTY: {
      tcp::Command& k = decoded_.command;
      k.op = in.cmd_op & 0xF;
      k.handle = in.cmd_handle & 0x1FFFF;
      k.flags = in.cmd_flags;
      k.lip = in.cmd_lip;
      k.lport = in.cmd_lport;
      k.rip = in.cmd_rip;
      k.rport = in.cmd_rport;
      k.len = in.cmd_len;
      tag_ = in.cmd_tag;
      state_ = State::DECODE;
      return;
    }
    case State::DECODE:
      cam_ = {};
      isn_ = 0;
      offer_from_ = c.cycle + 1;
      if (decoded_.looks_up) {
        look_up(c);
        const tcp::Command& k = decoded_.command;
        isn_ = isn_hash(c.registers.config().isn_key, k.lip, k.lport, k.rip, k.rport);
        offer_from_ = c.cycle + kIsnHashCycles;
      }
      state_ = State::OFFER;
      return;
    case State::OFFER:
      if (c.granted) {
        state_ = State::EMPTY;
      } else if (decoded_.looks_up) {
        if (stale_ && c.cycle >= offer_from_)
          state_ = State::LOOKUP;
        else
          stale_ |= c.tables_written;
      }
      return;
    case State::LOOKUP:
      look_up(c);
      offer_from_ = c.cycle + 2;
      state_ = State::OFFER;
      return;
  }
}

}  // namespace tiptoe::model
