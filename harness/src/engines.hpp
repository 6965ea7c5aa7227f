// SPDX-License-Identifier: Apache-2.0
// The engines by their names, for code that is a template over them.
#pragma once

#include <cstdint>
#include <string>
#include <type_traits>

#include "model_engine.hpp"
#include "tiptoe/engine_dut.hpp"
#include "tiptoe/lockstep.hpp"

namespace tiptoe {

/// Calls f(std::type_identity<Engine>, arguments of its constructor...) for "model", "rtl" or "lockstep". Throws
/// DutError.
template <class F>
void with_engine(const std::string& kind, const DutOptions& options, std::uint64_t seed, F&& f) {
  if (kind == "model") f(std::type_identity<ModelEngine>{}, options);
#ifdef TIPTOE_HAVE_RTL
  else if (kind == "rtl")
    f(std::type_identity<OwnedRtl>{}, make_rtl_engine(options, seed));
  else if (kind == "lockstep")
    f(std::type_identity<LockstepEngine<ModelEngine>>{}, options, make_rtl_engine(options, seed), options);
#else
  else if (kind == "rtl" || kind == "lockstep")
    make_rtl_engine(options, seed);  // says why not; the templates need not be compiled
#endif
  else
    throw DutError("no device '" + kind + "'; there are model, rtl and lockstep");
}

}  // namespace tiptoe
