// SPDX-License-Identifier: Apache-2.0
// Output queue (micro-architecture 8.4): connections that have more to send, each at most once.
#pragma once

#include <cstdint>
#include <vector>

#include "fifo.hpp"

namespace tiptoe::model {

class OutputQueue {
 public:
  explicit OutputQueue(unsigned connections) : queue_(connections), inside_(connections) {}

  void reset() {
    queue_.reset();
    inside_.assign(inside_.size(), false);
  }
  bool empty() const { return queue_.empty(); }
  unsigned count() const { return queue_.count(); }
  std::uint16_t front() const { return queue_.front(); }

  /// In the grant cycle. Before push() of the same cycle: a push for the connection that is popped takes place.
  void pop() {
    inside_[queue_.front()] = false;
    queue_.pop();
  }
  void push(std::uint16_t idx) {
    if (inside_[idx]) return;
    inside_[idx] = true;
    queue_.push(idx);
  }
  void tick() { queue_.tick(); }

 private:
  DynamicFifo<std::uint16_t> queue_;
  std::vector<std::uint8_t> inside_;
};

}  // namespace tiptoe::model
