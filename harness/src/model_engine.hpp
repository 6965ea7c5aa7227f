// SPDX-License-Identifier: Apache-2.0
// The golden model as EngineDut wants it: faults by name, errors as DutError.
#pragma once

#include <stdexcept>
#include <string>

#include "tiptoe/engine_dut.hpp"
#include "tiptoe/model/engine.hpp"
#include "tiptoe/rtl_engine.hpp"
#include "tiptoe/tcp/faults.hpp"

namespace tiptoe {

class ModelEngine {
 public:
  explicit ModelEngine(const DutOptions& options) : engine_(make(options)) {}
  const model::Outputs& eval(const model::Inputs& in) { return engine_.eval(in); }
  void tick() { engine_.tick(); }
  /// "none" is the golden model again.
  void set_fault(const std::string& id) {
    const tcp::Fault fault = tcp::fault_by_id(id);
    if (fault == tcp::Fault::none && id != "none") throw DutError("the model has no fault '" + id + "'");
    engine_.set_fault(fault);
  }

 private:
  static model::Engine make(const DutOptions& options) try {
    return model::Engine(to_parameters(options));
  } catch (const std::invalid_argument& error) {
    throw DutError(std::string("no model with ") + parameters_to_string(options) + ": " + error.what());
  }
  model::Engine engine_;
};

/// RtlEngine, owned, as EngineDut wants it.
class OwnedRtl {
 public:
  explicit OwnedRtl(std::unique_ptr<RtlEngine> rtl) : rtl_(std::move(rtl)) {}
  const model::Outputs& eval(const model::Inputs& in) { return rtl_->eval(in); }
  void tick() { rtl_->tick(); }

 private:
  std::unique_ptr<RtlEngine> rtl_;
};

}  // namespace tiptoe
