// SPDX-License-Identifier: Apache-2.0
#include "notify.hpp"

#include <algorithm>

namespace tiptoe::model {

void Notify::reset() {
  std::fill(memory_.begin(), memory_.end(), Entry{});
  queue_.reset();
  listeners_pending_ = 0;
  valid_ = false;
}

int Notify::load(const ListenTable& listeners) {
  valid_ = true;
  if (listeners_pending_ != 0) {
    const auto idx = static_cast<unsigned>(std::countr_zero(listeners_pending_));
    listeners_pending_ &= listeners_pending_ - 1;
    handle_ = tcp::listener_handle(static_cast<std::uint8_t>(idx), listeners[idx].gen);
    flags_ = tcp::EVT_ACCEPT;
    return kNothing;
  }
  const unsigned idx = queue_.front();
  queue_.pop();
  Entry& e = memory_[idx];
  handle_ = e.handle;
  flags_ = e.flags;
  const bool release = e.release_pending;
  e = Entry{};
  return release ? static_cast<int>(idx) : kNothing;
}

bool Notify::commit(unsigned idx, std::uint16_t flags, std::uint32_t handle, bool held, bool accepted, bool release) {
  Entry& e = memory_[idx];
  if (pushes(idx, flags, held, accepted)) {
    e.queued = true;
    queue_.push(static_cast<std::uint16_t>(idx));
  }
  if (flags != 0) {
    e.flags |= flags;
    e.handle = static_cast<std::uint16_t>(handle);
  }
  if (!release) return false;
  if (e.queued) {
    e.release_pending = true;
    return false;
  }
  e.flags = 0;
  return true;
}

}  // namespace tiptoe::model
