// SPDX-License-Identifier: Apache-2.0
#include "common.hpp"
namespace tiptoe::python {
void bind_serve(py::module_&) {}
}  // namespace tiptoe::python
