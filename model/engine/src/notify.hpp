// SPDX-License-Identifier: Apache-2.0
// Notifications (micro-architecture 10): sticky flags per connection, a queue of indices, one output register.
#pragma once

#include <bit>
#include <cstdint>
#include <vector>

#include "fifo.hpp"
#include "listen_table.hpp"
#include "tiptoe/tcp/types.hpp"

namespace tiptoe::model {

class Notify {
 public:
  explicit Notify(unsigned connections) : memory_(connections), queue_(connections) {}

  void reset();

  bool valid() const { return valid_; }
  std::uint32_t handle() const { return handle_; }
  std::uint16_t flags() const { return flags_; }
  bool pending(unsigned idx) const { return memory_[idx].queued; }
  unsigned count() const { return queue_.count(); }
  bool idle() const { return !valid_ && queue_.empty() && listeners_pending_ == 0; }

  static constexpr int kNothing = -1;
  /// One cycle without COMMIT effects; returns an index that becomes free, or kNothing.
  int tick(bool committing, bool ready, const ListenTable& listeners) {
    if (valid_) {
      if (ready) valid_ = false;
      return kNothing;
    }
    if (committing || idle()) return kNothing;
    return load(listeners);
  }

  /// COMMIT of a connection's event puts it into the queue.
  bool pushes(unsigned idx, std::uint16_t flags, bool held, bool accepted) const {
    const Entry& e = memory_[idx];
    return (flags != 0 || accepted) && (e.flags | flags) != 0 && !e.queued && !held;
  }
  /// COMMIT of a connection's event. Returns whether a release frees the index at once.
  bool commit(unsigned idx, std::uint16_t flags, std::uint32_t handle, bool held, bool accepted, bool release);
  void listener_has_something(unsigned idx) { listeners_pending_ |= 1U << idx; }
  void listener_removed(unsigned idx) { listeners_pending_ &= ~(1U << idx); }

  /// End of the cycle.
  void tick_queue() { queue_.tick(); }

 private:
  struct Entry {
    std::uint16_t flags = 0;
    std::uint16_t handle = 0;
    bool queued = false;
    bool release_pending = false;
  };
  int load(const ListenTable& listeners);

  std::vector<Entry> memory_;
  DynamicFifo<std::uint16_t> queue_;
  std::uint32_t listeners_pending_ = 0;
  bool valid_ = false;
  std::uint32_t handle_ = 0;
  std::uint16_t flags_ = 0;
};

}  // namespace tiptoe::model
