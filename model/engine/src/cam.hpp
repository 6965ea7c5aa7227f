// SPDX-License-Identifier: Apache-2.0
// Connection CAM (micro-architecture 6.3): 4-tuple -> connection. Parallel compare up to 64 connections, a hash table
// of 4 ways above that. This class is the table; who asks adds the two cycles of latency.
#pragma once

#include <cstdint>
#include <vector>

#include "tiptoe/tcp/faults.hpp"

namespace tiptoe::model {

struct FourTuple {
  std::uint32_t lip = 0, rip = 0;
  std::uint16_t lport = 0, rport = 0;
  friend bool operator==(const FourTuple&, const FourTuple&) = default;
};

struct CamResult {
  bool hit = false;
  std::uint16_t idx = 0;
  bool room = false;  ///< an insert of this key would succeed
};

class Cam {
 public:
  explicit Cam(unsigned connections);

  void reset();
  CamResult lookup(const FourTuple& key, std::uint32_t cam_key, const tcp::Faults& faults = {}) const;
  /// Only after a lookup of the same key that missed and had room.
  void insert(const FourTuple& key, std::uint16_t idx, std::uint32_t cam_key);
  void erase(const FourTuple& key, std::uint16_t idx, std::uint32_t cam_key);

  bool hashed() const { return buckets_ != 0; }
  unsigned bucket(const FourTuple& key, std::uint32_t cam_key) const;

 private:
  struct Entry {
    FourTuple key;
    std::uint16_t idx = 0;
    bool valid = false;
  };
  static constexpr unsigned kWays = 4;

  std::vector<Entry> entries_;  // parallel: one per connection; hashed: kWays per bucket
  unsigned buckets_ = 0;        // 0: parallel
};

}  // namespace tiptoe::model
