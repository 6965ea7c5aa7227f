// SPDX-License-Identifier: Apache-2.0
#include "timer_block.hpp"

#include <algorithm>

namespace tiptoe::model {

void TimerBlock::reset() {
  ptr_ = clean_cnt_ = 0;
  min_acc_ = kNone;
  request_ = false;
  std::fill(deadlines_.begin(), deadlines_.end(), tcp::Deadlines{});
  std::fill(earliest_.begin(), earliest_.end(), kNone);
}

void TimerBlock::examine(std::uint64_t now) {
  const unsigned first = ptr_ * scan_;
  ptr_ = ptr_ + 1 == groups_ ? 0 : ptr_ + 1;
  std::uint64_t earliest = kNone;
  for (unsigned i = first; i < first + scan_; ++i) earliest = std::min(earliest, earliest_[i]);
  if (earliest > now) {
    min_acc_ = std::min(min_acc_, earliest);
    if (clean_cnt_ < groups_) ++clean_cnt_;
    return;
  }
  unsigned idx = first;
  while (earliest_[idx] > now) ++idx;
  unsigned timer = 0;
  const auto& d = deadlines_[idx].timer;
  while (timer + 1 < d.size() && !(d[timer].armed && d[timer].at <= now)) ++timer;
  request_ = true;
  request_idx_ = static_cast<std::uint16_t>(idx);
  request_timer_ = static_cast<tcp::Timer>(timer);
  clean_cnt_ = 0;
  min_acc_ = kNone;
}

void TimerBlock::write(unsigned idx, const tcp::Deadlines& value, const tcp::Faults& faults) {
  deadlines_[idx] = value;
  std::uint64_t earliest = kNone;
  for (const tcp::Deadline& d : value.timer)
    if (d.armed) earliest = std::min(earliest, d.at);
  if (faults.on(tcp::Fault::engine_timer_late) && idx % 2 == 1 && earliest != kNone) earliest += 2'000'000;
  earliest_[idx] = earliest;
}

}  // namespace tiptoe::model
