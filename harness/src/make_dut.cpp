// SPDX-License-Identifier: Apache-2.0
#include "tiptoe/dut.hpp"

#ifdef TIPTOE_HAVE_MODEL
#include "model_engine.hpp"
#include "tiptoe/lockstep.hpp"
#endif

namespace tiptoe {

std::unique_ptr<Dut> make_dut(const std::string& kind, const DutOptions& options) {
#ifdef TIPTOE_HAVE_MODEL
  if (kind == "model") {
    if (!options.waves.empty()) throw DutError("waves come from the RTL; the model has none");
    return std::make_unique<EngineDut<ModelEngine>>(kind, options, options);
  }
#ifdef TIPTOE_HAVE_RTL
  if (kind == "rtl") return std::make_unique<EngineDut<OwnedRtl>>(kind, options, make_rtl_engine(options));
  if (kind == "lockstep") {
    return std::make_unique<EngineDut<LockstepEngine<ModelEngine>>>(kind, options, options, make_rtl_engine(options),
                                                                    options);
  }
#else
  if (kind == "rtl" || kind == "lockstep") make_rtl_engine(options);  // says why not
#endif
  throw DutError("no device '" + kind + "'; there are model, rtl and lockstep");
#else
  (void)options;
  throw DutError("no device '" + kind + "': this build has no model");
#endif
}

}  // namespace tiptoe
