// SPDX-License-Identifier: Apache-2.0
// Timer block (micro-architecture 8.5): the memory of deadlines and the scan that finds those that have expired.
#pragma once

#include <cstdint>
#include <limits>
#include <vector>

#include "tiptoe/tcp/faults.hpp"
#include "tiptoe/tcp/types.hpp"

namespace tiptoe::model {

class TimerBlock {
 public:
  TimerBlock(unsigned connections, unsigned scan)
      : scan_(scan), groups_(connections / scan), deadlines_(connections), earliest_(connections, kNone) {}

  void reset();

  const tcp::Deadlines& deadlines(unsigned idx) const { return deadlines_[idx]; }

  bool request() const { return request_; }
  std::uint16_t request_idx() const { return request_idx_; }
  tcp::Timer request_timer() const { return request_timer_; }

  unsigned ptr() const { return ptr_; }
  bool clean() const { return clean_cnt_ == groups_; }
  /// The scan sleeps: everything was looked at and the earliest deadline is still ahead.
  bool asleep(std::uint64_t now) const { return clean() && now < min_acc_; }
  bool next_deadline_valid() const { return clean() && min_acc_ != kNone; }
  std::uint64_t next_deadline() const { return min_acc_ == kNone ? 0 : min_acc_; }

  /// One cycle. `written`: COMMIT writes a deadline record (by write(), afterwards). `granted`: the request.
  void tick(std::uint64_t now, bool written, bool granted) {
    if (written) {
      clean_cnt_ = 0;
      min_acc_ = kNone;
    } else if (!request_ && !asleep(now)) {
      examine(now);
    }
    if (granted) request_ = false;
  }
  void write(unsigned idx, const tcp::Deadlines& value, const tcp::Faults& faults);

 private:
  static constexpr std::uint64_t kNone = std::numeric_limits<std::uint64_t>::max();  // later than any 48-bit time

  void examine(std::uint64_t now);

  unsigned scan_, groups_;
  unsigned ptr_ = 0, clean_cnt_ = 0;
  std::uint64_t min_acc_ = kNone;
  bool request_ = false;
  std::uint16_t request_idx_ = 0;
  tcp::Timer request_timer_ = tcp::Timer::RTX;
  std::vector<tcp::Deadlines> deadlines_;
  std::vector<std::uint64_t> earliest_;  // of each record's armed deadlines
};

}  // namespace tiptoe::model
