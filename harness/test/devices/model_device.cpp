// SPDX-License-Identifier: Apache-2.0
// The golden model as a shared object: the suite through the C ABI must say what it says about the model itself.
// Arguments: the id of a seeded fault, or nothing.
#include "model_engine.hpp"
#include "tiptoe/dut_export.hpp"

namespace {

std::unique_ptr<tiptoe::Dut> make_model(const std::string& fault) {
  const tiptoe::DutOptions options;
  auto dut = std::make_unique<tiptoe::EngineDut<tiptoe::ModelEngine>>("model", options, options);
  if (!fault.empty()) dut->set_fault(fault);
  return dut;
}

}  // namespace

TIPTOE_EXPORT_DUT("model", make_model)
