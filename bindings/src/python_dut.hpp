// SPDX-License-Identifier: Apache-2.0
// Devices that are not built in: shared objects and Python objects, found by tiptoe/plug.py. Capabilities as a
// dictionary.
#pragma once

#include <memory>
#include <string>

#include "common.hpp"

namespace tiptoe::python {

bool is_built_in(const std::string& kind);

struct Outside {
  std::unique_ptr<Dut> dut;
  std::string kind;
};
/// kind: a path, "file.py:Class", "module:Class", a shipped device, or a Python object; capabilities: None, the path of
/// a file, or a mapping with the keys of one.
Outside make_outside(const py::object& kind, const std::string& arguments, const py::object& capabilities);

/// Keys are the members of Capabilities; what is missing keeps its default.
Capabilities to_capabilities(const py::dict& d);
py::dict to_dict(const Capabilities& c);

}  // namespace tiptoe::python
