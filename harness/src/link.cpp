// SPDX-License-Identifier: Apache-2.0
#include "tiptoe/link.hpp"

#include <algorithm>
#include <utility>

namespace tiptoe {

void Channel::hold(Bytes bytes, std::uint64_t due) {
  Waiting item{due, serial_++, std::move(bytes)};
  const auto later = [](const Waiting& a, const Waiting& b) {
    return std::pair(a.due, a.serial) > std::pair(b.due, b.serial);
  };
  waiting_.insert(std::lower_bound(waiting_.begin(), waiting_.end(), item, later), std::move(item));
}

void Channel::push(Bytes bytes, std::uint64_t now_us) {
  ++counters_.sent;
  // Every draw happens for every datagram, so that one fault more or less does not change all that follows.
  const bool lost = random_.chance(faults_.loss_ppm);
  const bool duplicated = random_.chance(faults_.duplicate_ppm);
  const bool reordered = random_.chance(faults_.reorder_ppm);
  const bool corrupted = random_.chance(faults_.corrupt_ppm);
  const std::uint64_t jitter = random_.below(faults_.jitter_us + 1);
  const std::uint64_t where = random_();
  const std::uint64_t extra = random_();

  if (lost) {
    ++counters_.lost;
    return;
  }
  const std::uint64_t delay = std::max<std::uint64_t>(faults_.delay_us, 1);
  std::uint64_t due = now_us + delay + jitter;
  if (reordered) {
    ++counters_.reordered;
    due += 1 + extra % (4 * delay);
  } else {
    due = latest_ = std::max(due, latest_);
  }
  if (corrupted && !bytes.empty()) {
    ++counters_.corrupted;
    bytes[where % bytes.size()] ^= static_cast<std::uint8_t>(1U << (where >> 32 & 7U));
  }
  if (duplicated) {
    ++counters_.duplicated;
    hold(bytes, due + 1 + (extra >> 32) % delay);
  }
  hold(std::move(bytes), due);
}

std::optional<std::uint64_t> Channel::next() const {
  if (waiting_.empty()) return std::nullopt;
  return waiting_.back().due;
}

std::optional<Datagram> Channel::pop(std::uint64_t now_us) {
  if (waiting_.empty() || waiting_.back().due > now_us) return std::nullopt;
  ++counters_.delivered;
  Datagram datagram{
      .bytes = std::move(waiting_.back().bytes), .time_us = waiting_.back().due, .cycle = 0, .to_device = true};
  waiting_.pop_back();
  return datagram;
}

Link::Link(std::unique_ptr<Endpoint> a, std::unique_ptr<Endpoint> b, const LinkFaults& a_to_b, const LinkFaults& b_to_a,
           std::uint64_t seed)
    : end_{std::move(a), std::move(b)}, channel_{Channel(a_to_b, seed * 2), Channel(b_to_a, seed * 2 + 1)} {
  start_ = {end_[0]->now_us(), end_[1]->now_us()};
}

void Link::run(std::uint64_t us) {
  const std::uint64_t until = std::max(now(0), now(1)) + us;
  while (true) {
    // The end that is behind moves, but not beyond the moment at which the other one might still reach it.
    const unsigned self = now(1) < now(0) ? 1 : 0;
    const unsigned other = 1 - self;
    if (now(self) >= until) return;
    Channel& inbound = channel_[other];
    Channel& outbound = channel_[self];
    while (std::optional<Datagram> datagram = inbound.pop(now(self))) end_[self]->inject(*datagram);

    std::uint64_t horizon = std::min(until, now(other) + std::max<std::uint64_t>(inbound.faults().delay_us, 1));
    if (const auto due = inbound.next()) horizon = std::min(horizon, *due);
    horizon = std::max(horizon, now(self) + 1);
    if (std::optional<Datagram> out = end_[self]->run_until(start_[self] + horizon)) {
      if (on_send) on_send(*out, self == 0);
      const std::uint64_t sent = out->time_us - start_[self];
      outbound.push(std::move(out->bytes), sent);
    }
  }
}

}  // namespace tiptoe
