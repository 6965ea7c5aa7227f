// SPDX-License-Identifier: Apache-2.0
#include "soak_host.hpp"

#include <algorithm>
#include <utility>

#include "tiptoe/segment.hpp"

namespace tiptoe {

void SoakHost::clear() {
  handles_.clear();
  listeners_.clear();
}

void SoakHost::react(const EngineResponse& r) {
  if (r.status != 0) return;
  if (r.op == 1) listeners_.push_back(r.handle);
  if (r.op == 2 || r.op == 8 || (r.op == 3 && r.handle >> 16 == 0 && r.len == 0)) remember(r.handle);
  if (r.op == 4 && r.avail > 0 && !w_.one_in(8)) receive(r.handle);
}

void SoakHost::react(const Notification& n) {
  if ((n.flags & Notification::accept) != 0 && !w_.one_in(8)) command({.op = 8, .handle = n.handle.value});
  if ((n.flags & Notification::readable) != 0 && !w_.one_in(4)) receive(n.handle.value);
  if ((n.flags & Notification::peer_fin) != 0 && w_.one_in(2)) command({.op = 5, .handle = n.handle.value});
  if ((n.flags & (Notification::connected | Notification::space)) != 0 && w_.one_in(2)) send(n.handle.value);
  if ((n.flags & Notification::closed) != 0 && !w_.one_in(16)) std::erase(handles_, n.handle.value);
}

void SoakHost::remember(std::uint32_t handle) {
  if (handle >> 16 != 0) return;
  if (std::find(handles_.begin(), handles_.end(), handle) != handles_.end()) return;
  if (handles_.size() >= 2 * w_.options.dut.conns) handles_.erase(handles_.begin());
  handles_.push_back(handle);
}

void SoakHost::command(EngineCommand c) {
  if (w_.draining || w_.device.commands_waiting() > 12) return;
  ++w_.result.commands;
  if (w_.options.log) {
    w_.log("command " + std::string(command_name(c.op)) + " handle " + std::to_string(c.handle) + " len " +
           std::to_string(c.len) + " flags " + std::to_string(c.flags) + " local " + ip_to_string(c.lip) + ":" +
           std::to_string(c.lport) + " remote " + ip_to_string(c.rip) + ":" + std::to_string(c.rport));
  }
  if (c.op == 3) c.payload.resize(c.len);
  w_.device.push_command(std::move(c));
}
void SoakHost::send(std::uint32_t handle) {
  const std::uint32_t buffer = 1U << w_.options.dut.tx_buf_log2;
  command({.op = 3,
           .handle = handle,
           .len = w_.pick<std::uint32_t>({1, 2, 9, 100, 1460, 1461, 3000, 0, buffer, buffer + 1,
                                          static_cast<std::uint32_t>(w_.random.below(4000))})});
}
void SoakHost::receive(std::uint32_t handle) {
  if (!w_.one_in(w_.lazy)) return;
  command({.op = 4,
           .handle = handle,
           .len = w_.pick<std::uint32_t>(
               {1, 7, 100, 1460, 100'000, 100'000, 0, static_cast<std::uint32_t>(w_.random.below(4000))})});
}

std::uint32_t SoakHost::any_handle() {
  if (!handles_.empty() && !w_.one_in(40)) return handles_[w_.random.below(handles_.size())];
  if (!listeners_.empty() && w_.one_in(2)) return listeners_[w_.random.below(listeners_.size())];
  return static_cast<std::uint32_t>(w_.random.below(1U << 17));
}

EngineCommand SoakHost::active_open() {
  EngineCommand c{.op = 2,
                  .flags = static_cast<std::uint8_t>(w_.random.below(4)),
                  .rip = w_.peer_address(),
                  .lport = static_cast<std::uint16_t>(5000 + w_.random.below(w_.peer_ports)),
                  .rport = w_.peer_port()};
  if (w_.one_in(4)) c.lip = w_.device_address();
  if (w_.one_in(30)) c.lip = w_.random.u32();
  if (w_.one_in(30)) c.rip = w_.pick<std::uint32_t>({0, 0x7F00'0001, 0xE100'0000, w_.addresses[0]});
  if (w_.one_in(30)) c.rport = 0;
  if (w_.one_in(30)) c.lport = 0;
  return c;
}

void SoakHost::act() {
  std::uint32_t handle = any_handle();
  if (w_.one_in(12)) {
    static const RecordField& gen = soak_field("gen");
    if (const SoakShadow* t = w_.target()) {
      handle = static_cast<std::uint32_t>(packed_field(t->record, gen) << 10 |
                                          static_cast<std::uint64_t>(t - w_.shadow.data()));
    }
  }
  if (w_.churn > 1 && w_.one_in(12))
    return command(w_.one_in(3) ? active_open() : EngineCommand{.op = 5, .handle = handle});
  switch (w_.random.below(40)) {
    case 0:
    case 1:
    case 2:
    case 3:
    case 4:
    case 5:
    case 6:
    case 7:
    case 8: send(handle); break;
    case 9:
    case 10:
    case 11:
    case 12:
    case 13:
    case 14:
    case 15: receive(handle); break;
    case 16:
    case 17:
    case 18: command(active_open()); break;
    case 19: command({.op = 5, .flags = static_cast<std::uint8_t>(w_.one_in(2) ? 4 : 0), .handle = handle}); break;
    case 20:
      if (w_.one_in(2)) command({.op = 6, .handle = handle});
      break;
    case 21:
    case 22:
    case 23: command({.op = 7, .handle = handle}); break;
    case 24:
    case 25: command({.op = 9, .flags = static_cast<std::uint8_t>(w_.random.below(4)), .handle = handle}); break;
    case 26:
    case 27:
    case 28:
      if (!listeners_.empty()) command({.op = 8, .handle = listeners_[w_.random.below(listeners_.size())]});
      break;
    case 29:
      if (w_.one_in(4)) {
        EngineCommand c{.op = 1,
                        .lport = w_.listen_port(static_cast<unsigned>(w_.random.below(w_.ports + 2))),
                        .len = static_cast<std::uint32_t>(w_.random.below(20))};
        if (w_.one_in(3)) c.lip = w_.device_address();
        if (w_.one_in(3)) c.rip = w_.peer_address();
        if (w_.one_in(4)) c.rport = w_.peer_port();
        if (w_.one_in(20)) c.lip = w_.random.u32();
        if (w_.one_in(20)) c.lport = 0;
        command(std::move(c));
      }
      break;
    case 30:
      if (!listeners_.empty() && w_.one_in(6)) {  // close a listener, mostly open it again
        const std::size_t which = w_.random.below(listeners_.size());
        command({.op = static_cast<std::uint8_t>(w_.one_in(2) ? 5 : 6), .handle = listeners_[which]});
        listeners_.erase(listeners_.begin() + static_cast<std::ptrdiff_t>(which));
        if (!w_.one_in(4)) {
          command({.op = 1, .lport = w_.listen_port(static_cast<unsigned>(w_.random.below(w_.ports))), .len = 8});
        }
      }
      break;
    case 31:
      if (!listeners_.empty() && w_.one_in(4)) {  // an active open out of LISTEN, by OPEN or by SEND
        EngineCommand c = active_open();
        c.handle = listeners_[w_.random.below(listeners_.size())];
        if (w_.one_in(2)) c.lport = 0;
        if (w_.one_in(2))
          c.op = 3, c.len = 10;
        else
          c.flags = static_cast<std::uint8_t>(c.flags | 8U);
        command(std::move(c));
      }
      break;
    case 32:
      command({.op = static_cast<std::uint8_t>(w_.random.below(16)),
               .flags = static_cast<std::uint8_t>(w_.random() & 7),
               .handle = static_cast<std::uint32_t>(w_.random.below(1U << 17)),
               .lip = w_.random.u32(),
               .rip = w_.random.u32(),
               .lport = static_cast<std::uint16_t>(w_.random()),
               .rport = static_cast<std::uint16_t>(w_.random()),
               .len = static_cast<std::uint32_t>(w_.random.below(3000))});
      break;
    default: w_.device.watch_register(static_cast<std::uint8_t>(w_.random.below(0x60))); break;
  }
}

}  // namespace tiptoe
