// SPDX-License-Identifier: Apache-2.0
#include "tiptoe/rtl_engine.hpp"

#include "rtl_sets.hpp"
#include "tiptoe/engine_dut.hpp"

namespace tiptoe {
namespace {

std::vector<DutOptions> sets(bool waves) {
  std::vector<DutOptions> list;
  for (const RtlSet& set : rtl_sets()) {
    if (set.waves == waves) list.push_back(set.options);
  }
  return list;
}

}  // namespace

#ifndef TIPTOE_HAVE_RTL
const std::vector<RtlSet>& rtl_sets() {
  static const std::vector<RtlSet> none;
  return none;
}
#endif

std::vector<DutOptions> rtl_parameter_sets() { return sets(false); }
std::vector<DutOptions> rtl_wave_sets() { return sets(true); }

std::unique_ptr<RtlEngine> make_rtl_engine(const DutOptions& options, std::uint64_t seed) {
  const bool waves = !options.waves.empty();
  for (const RtlSet& set : rtl_sets()) {
    if (set.waves == waves && to_parameters(set.options) == to_parameters(options)) return set.make(options, seed);
  }
  std::string text = std::string("no verilated engine") + (waves ? " with waves" : "") + " is linked in for " +
                     parameters_to_string(options) + "; there are: ";
  const std::vector<DutOptions> list = sets(waves);
  for (const DutOptions& set : list) text += "\n  " + parameters_to_string(set);
  if (list.empty())
    text += waves ? "none (configure with -DTIPTOE_BUILD_WAVES=ON)" : "none (configure with -DTIPTOE_BUILD_RTL=ON)";
  throw DutError(text);
}

}  // namespace tiptoe
