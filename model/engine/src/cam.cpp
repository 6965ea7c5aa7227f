// SPDX-License-Identifier: Apache-2.0
#include "cam.hpp"

#include <algorithm>
#include <bit>

namespace tiptoe::model {
namespace {

/// The key without what a seeded fault leaves out of the comparison (and of the hash, so that it can be found).
FourTuple compared(FourTuple key, const tcp::Faults& faults) {
  if (faults.on(tcp::Fault::engine_cam_no_remote_port)) key.rport = 0;
  if (faults.on(tcp::Fault::engine_cam_no_remote_address)) key.rip = 0;
  return key;
}

}  // namespace

Cam::Cam(unsigned connections)
    : entries_(connections <= 64 ? connections : connections / 2 * kWays),
      buckets_(connections <= 64 ? 0 : connections / 2) {}

void Cam::reset() { std::fill(entries_.begin(), entries_.end(), Entry{}); }

unsigned Cam::bucket(const FourTuple& key, std::uint32_t cam_key) const {
  const std::uint32_t ports = std::uint32_t{key.rport} << 16 | key.lport;
  const std::uint32_t x = (key.rip ^ std::rotl(key.lip, 11) ^ ports ^ cam_key) * 0x9E3779B1U;
  return (x ^ x >> 15 ^ x >> 7) & (buckets_ - 1);
}

CamResult Cam::lookup(const FourTuple& key, std::uint32_t cam_key, const tcp::Faults& faults) const {
  CamResult result;
  const bool partial =
      faults.on(tcp::Fault::engine_cam_no_remote_port) || faults.on(tcp::Fault::engine_cam_no_remote_address);
  if (partial) {  // every entry, whatever its bucket
    for (const Entry& e : entries_)
      if (e.valid && compared(e.key, faults) == compared(key, faults) && !result.hit) {
        result.hit = true;
        result.idx = e.idx;
      }
    result.room = true;
    if (hashed()) {
      const Entry* way = &entries_[bucket(key, cam_key) * kWays];
      result.room = !std::all_of(way, way + kWays, [](const Entry& e) { return e.valid; });
    }
    return result;
  }
  if (!hashed()) {
    for (const Entry& e : entries_)
      if (e.valid && e.key == key) {
        result.hit = true;
        result.idx = e.idx;
        break;
      }
    result.room = true;
    return result;
  }
  const Entry* way = &entries_[bucket(key, cam_key) * kWays];
  for (unsigned w = 0; w < kWays; ++w) {
    if (!way[w].valid) {
      result.room = true;
    } else if (way[w].key == key && !result.hit) {
      result.hit = true;
      result.idx = way[w].idx;
    }
  }
  return result;
}

void Cam::insert(const FourTuple& key, std::uint16_t idx, std::uint32_t cam_key) {
  Entry* entry = &entries_[idx % entries_.size()];
  if (hashed()) {
    Entry* way = &entries_[bucket(key, cam_key) * kWays];
    entry = std::find_if(way, way + kWays, [](const Entry& e) { return !e.valid; });
    if (entry == way + kWays) return;
  } else if (entry->valid) {  // only with the seeded fault that forgets to delete: what is there stays
    const auto free = std::find_if(entries_.begin(), entries_.end(), [](const Entry& e) { return !e.valid; });
    if (free != entries_.end()) entry = &*free;
  }
  *entry = {key, idx, true};
}

void Cam::erase(const FourTuple& key, std::uint16_t idx, std::uint32_t cam_key) {
  if (!hashed()) {
    entries_[idx].valid = false;
    return;
  }
  Entry* way = &entries_[bucket(key, cam_key) * kWays];
  for (unsigned w = 0; w < kWays; ++w)
    if (way[w].valid && way[w].key == key) {
      way[w].valid = false;
      return;
    }
}

}  // namespace tiptoe::model
