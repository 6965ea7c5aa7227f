// SPDX-License-Identifier: Apache-2.0
// Listener table (micro-architecture 6.4) with the accept queues.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "cam.hpp"
#include "tiptoe/tcp/faults.hpp"
#include "tiptoe/tcp/types.hpp"

namespace tiptoe::model {

struct ListenerMatch {
  bool hit = false;
  std::uint8_t idx = 0, gen = 0;
};

class ListenTable {
 public:
  struct Entry {
    bool valid = false;
    std::uint8_t gen = 0;
    FourTuple address;  ///< 0 = any
    std::uint8_t backlog = 0;
    std::uint8_t count = 0;
    std::array<std::uint16_t, tcp::BACKLOG_MAX> queue{};  ///< connection handles, oldest first from `head`
    std::uint8_t head = 0, queued = 0;
  };

  explicit ListenTable(unsigned listeners) : entries_(listeners) {}

  void reset();
  /// The listener for a segment: highest 4*(rip) + 2*(rport) + (lip), lowest index on a tie.
  ListenerMatch match(const FourTuple& key, const tcp::Faults& faults = {}) const;

  /// Entry `idx` is live and of generation `gen`.
  bool live(unsigned idx, unsigned gen) const {
    return idx < entries_.size() && entries_[idx].valid && entries_[idx].gen == gen;
  }
  bool room(unsigned idx) const { return entries_[idx].count < entries_[idx].backlog; }
  const Entry& operator[](unsigned idx) const { return entries_[idx]; }

  bool duplicate(const FourTuple& address) const;
  int lowest_free() const;  ///< -1: none

  std::uint16_t front(unsigned idx, bool lifo = false) const;
  void pop(unsigned idx, bool lifo = false);

  // What COMMIT writes.
  void insert(unsigned idx, const FourTuple& address, std::uint8_t backlog);
  void remove(unsigned idx);
  void add_to_backlog(unsigned idx, unsigned gen, int by);
  /// False when the entry is no longer that listener.
  bool push(unsigned idx, unsigned gen, std::uint16_t handle);

 private:
  std::vector<Entry> entries_;
};

}  // namespace tiptoe::model
