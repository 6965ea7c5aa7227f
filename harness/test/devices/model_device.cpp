// SPDX-License-Identifier: Apache-2.0
// The golden model as a shared object: the suite through the C ABI must say what it says about the model itself.
// Arguments: nothing, the id of a seeded fault, or `settled`: it has 10.9.8.7 as its only address, for good.
#include "model_engine.hpp"
#include "tiptoe/dut_export.hpp"
#include "tiptoe/forwarding_dut.hpp"

namespace {

using Model = tiptoe::EngineDut<tiptoe::ModelEngine>;

std::unique_ptr<Model> model() {
  const tiptoe::DutOptions options;
  return std::make_unique<Model>("model", options, options);
}

class Settled final : public tiptoe::ForwardingDut {
 public:
  explicit Settled(std::unique_ptr<Model> owned) : ForwardingDut(*owned), owned_(std::move(owned)) {}
  void reset(const tiptoe::DutConfig& config) override {
    tiptoe::DutConfig own = config;
    std::erase_if(own.settings, [](const auto& setting) { return setting.first.starts_with("LOCAL_IP"); });
    own.settings.emplace_back("LOCAL_IP0", 0x0A090807);
    ForwardingDut::reset(own);
  }

 private:
  std::unique_ptr<Model> owned_;
};

std::unique_ptr<tiptoe::Dut> make_model(const std::string& argument) {
  auto dut = model();
  if (argument == "settled") return std::make_unique<Settled>(std::move(dut));
  if (!argument.empty()) dut->set_fault(argument);
  return dut;
}

}  // namespace

TIPTOE_EXPORT_DUT("model", make_model)
