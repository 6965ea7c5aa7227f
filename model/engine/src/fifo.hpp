// SPDX-License-Identifier: Apache-2.0
// tiptoe_fifo (micro-architecture, section 1): pushed in cycle t -> at the head in t+1, popped in t -> next entry in
// t+1, push and pop may coincide, no bypass. front(), empty(), full() and count() show registered state; push() and
// pop() take effect at tick().
#pragma once

#include <array>
#include <cassert>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace tiptoe::model {

template <class T, class Storage>
class BasicFifo {
 public:
  bool empty() const { return count_ == 0; }
  bool full() const { return count_ == storage_.size(); }
  std::uint32_t count() const { return count_; }

  const T& front() const { return storage_[head_]; }
  T& front() { return storage_[head_]; }

  /// The place of the entry that this cycle pushes.
  T& push() {
    assert(!full() && !pushed_);
    pushed_ = 1;
    std::size_t tail = head_ + count_;
    if (tail >= storage_.size()) tail -= storage_.size();
    return storage_[tail];
  }
  void push(const T& value) { push() = value; }
  void pop() {
    assert(!empty() && !popped_);
    popped_ = 1;
  }

  void tick() {
    if (pushed_ | popped_) {
      head_ += popped_;
      if (head_ == storage_.size()) head_ = 0;
      count_ = count_ + pushed_ - popped_;
      pushed_ = popped_ = 0;
    }
  }
  void reset() { head_ = count_ = pushed_ = popped_ = 0; }

 protected:
  Storage storage_{};

 private:
  std::uint32_t head_ = 0, count_ = 0, pushed_ = 0, popped_ = 0;
};

/// Depth known at compile time.
template <class T, std::size_t N>
class Fifo : public BasicFifo<T, std::array<T, N>> {};

/// Depth known at construction (queues of connection indices).
template <class T>
class DynamicFifo : public BasicFifo<T, std::vector<T>> {
 public:
  explicit DynamicFifo(std::size_t depth) { this->storage_.resize(depth); }
};

}  // namespace tiptoe::model
