// SPDX-License-Identifier: Apache-2.0
// The verilated engine for C++17 code: the same eval/tick as the golden model. This pair of files is the only place
// under model/ that knows of harness/, and only when the RTL is built.
#pragma once

#include <memory>

#include "tiptoe/model/pins.hpp"

namespace tiptoe::systemc {

class RtlEngine {
 public:
  /// Throws when this parameter set was not verilated.
  explicit RtlEngine(const model::Parameters& parameters = model::Parameters());
  ~RtlEngine();
  const model::Outputs& eval(const model::Inputs& inputs);
  void tick();

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace tiptoe::systemc
