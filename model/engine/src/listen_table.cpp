// SPDX-License-Identifier: Apache-2.0
#include "listen_table.hpp"

#include <algorithm>

namespace tiptoe::model {

void ListenTable::reset() { std::fill(entries_.begin(), entries_.end(), Entry{}); }

ListenerMatch ListenTable::match(const FourTuple& key, const tcp::Faults& faults) const {
  const bool any_address = faults.on(tcp::Fault::engine_listen_any_address);
  const bool first_wins = faults.on(tcp::Fault::engine_listen_precedence);
  ListenerMatch best;
  int best_score = -1;
  for (std::size_t i = 0; i < entries_.size(); ++i) {
    const Entry& e = entries_[i];
    if (!e.valid || e.address.lport != key.lport) continue;
    if (e.address.lip != 0 && e.address.lip != key.lip && !any_address) continue;
    if (e.address.rip != 0 && e.address.rip != key.rip) continue;
    if (e.address.rport != 0 && e.address.rport != key.rport) continue;
    const int score = first_wins ? 0 : 4 * (e.address.rip != 0) + 2 * (e.address.rport != 0) + (e.address.lip != 0);
    if (score > best_score) {
      best_score = score;
      best = {true, static_cast<std::uint8_t>(i), e.gen};
    }
  }
  return best;
}

bool ListenTable::duplicate(const FourTuple& address) const {
  return std::any_of(entries_.begin(), entries_.end(), [&](const Entry& e) { return e.valid && e.address == address; });
}

int ListenTable::lowest_free() const {
  const auto it = std::find_if(entries_.begin(), entries_.end(), [](const Entry& e) { return !e.valid; });
  return it == entries_.end() ? -1 : static_cast<int>(it - entries_.begin());
}

std::uint16_t ListenTable::front(unsigned idx, bool lifo) const {
  const Entry& e = entries_[idx];
  return e.queue[(e.head + (lifo ? e.queued - 1U : 0U)) % e.queue.size()];
}

void ListenTable::pop(unsigned idx, bool lifo) {
  Entry& e = entries_[idx];
  if (!lifo) e.head = static_cast<std::uint8_t>((e.head + 1U) % e.queue.size());
  --e.queued;
}

void ListenTable::insert(unsigned idx, const FourTuple& address, std::uint8_t backlog) {
  Entry& e = entries_[idx];
  e.valid = true;
  e.address = address;
  e.backlog = backlog;
  e.count = e.head = e.queued = 0;
}

void ListenTable::remove(unsigned idx) {
  Entry& e = entries_[idx];
  e.valid = false;
  e.gen = (e.gen + 1U) & 0xF;
  e.count = e.head = e.queued = 0;
}

void ListenTable::add_to_backlog(unsigned idx, unsigned gen, int by) {
  if (live(idx, gen)) entries_[idx].count = static_cast<std::uint8_t>(entries_[idx].count + by);
}

bool ListenTable::push(unsigned idx, unsigned gen, std::uint16_t handle) {
  if (!live(idx, gen)) return false;
  Entry& e = entries_[idx];
  if (e.queued == e.queue.size()) return false;
  e.queue[(e.head + e.queued) % e.queue.size()] = handle;
  ++e.queued;
  return true;
}

}  // namespace tiptoe::model
