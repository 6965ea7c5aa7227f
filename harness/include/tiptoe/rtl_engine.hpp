// SPDX-License-Identifier: Apache-2.0
// The verilated engine behind the eval/tick interface of engine_dut.hpp. One object is one simulation with a context of
// its own: any number of them in one process, each used by one thread at a time.
//
//   auto rtl = tiptoe::make_rtl_engine({.data_w = 512});   // a parameter set that is linked in, else DutError
//   tiptoe::EngineDriver<tiptoe::RtlEngine&> driver(options, *rtl);
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "tiptoe/dut.hpp"
#include "tiptoe/model/pins.hpp"

namespace tiptoe {

class RtlEngine {
 public:
  RtlEngine() = default;
  RtlEngine(const RtlEngine&) = delete;
  RtlEngine& operator=(const RtlEngine&) = delete;
  virtual ~RtlEngine() = default;

  /// Payload outputs are filled under their valid only, the retire record only under ret_valid.
  virtual const model::Outputs& eval(const model::Inputs& inputs) = 0;
  virtual void tick() = 0;
  virtual std::uint64_t cycle() const = 0;  ///< since reset
};

/// Registers that reset does not reach start with random values of this seed. With `options.waves` an FST file is
/// written (DutOptions::waves_from/waves_to bound it) if the parameter set is linked in with waves.
std::unique_ptr<RtlEngine> make_rtl_engine(const DutOptions& options, std::uint64_t seed = 1);

/// Parameter sets that can write waves.
std::vector<DutOptions> rtl_wave_sets();

}  // namespace tiptoe
