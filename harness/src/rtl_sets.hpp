// SPDX-License-Identifier: Apache-2.0
// The table of verilated classes; defined in a generated file, or empty in rtl_engine.cpp when nothing is verilated.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "tiptoe/rtl_engine.hpp"

namespace tiptoe {

struct RtlSet {
  DutOptions options;
  std::unique_ptr<RtlEngine> (*make)(const DutOptions&, std::uint64_t seed);
  bool waves;
};
const std::vector<RtlSet>& rtl_sets();

}  // namespace tiptoe
