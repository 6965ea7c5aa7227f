// SPDX-License-Identifier: Apache-2.0
#include "tiptoe/dut.hpp"

namespace tiptoe {

std::unique_ptr<Dut> make_dut(const std::string& kind, const DutOptions&) {
  throw DutError("no device '" + kind + "' is built in");
}

std::vector<DutOptions> rtl_parameter_sets() { return {}; }

}  // namespace tiptoe
