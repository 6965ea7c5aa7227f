// SPDX-License-Identifier: Apache-2.0
// Extension module tiptoe._core. Python code sees it through the package `tiptoe` only.
#include <map>
#include <utility>

#include "common.hpp"

namespace tiptoe::python {
namespace {

// Classes and members live as long as the interpreter: they are leaked on purpose, nothing runs at its end.
py::handle python_class(const char* module, const char* name) {
  static auto* cache = new std::map<std::pair<std::string, std::string>, py::object>;
  auto& slot = (*cache)[{module, name}];
  if (!slot) slot = py::module_::import(module).attr(name);
  return slot;
}

void raise(const char* name, const char* text) { PyErr_SetString(python_class("tiptoe._errors", name).ptr(), text); }

}  // namespace

py::object enum_member(const char* name, unsigned value) {
  static auto* cache = new std::map<std::pair<const char*, unsigned>, py::object>;
  auto& slot = (*cache)[{name, value}];
  if (!slot) slot = python_class("tiptoe._enums", name)(value);
  return slot;
}

py::object enum_member(const char* name, const std::string& value) {
  return python_class("tiptoe._enums", name)(value);
}

py::object flags_object(std::uint8_t flags) {
  static auto* cache = new std::array<py::object, 256>;
  auto& slot = (*cache)[flags];
  if (!slot) slot = python_class("tiptoe._enums", "Flags")(flags);
  return slot;
}

Buffer::Buffer(const py::handle& object) {
  if (PyObject_GetBuffer(object.ptr(), &view_, PyBUF_SIMPLE) != 0) throw py::error_already_set();
}

std::string repr_of(const py::handle& object) { return py::cast<std::string>(py::repr(object)); }

namespace {

/// True when it was one of ours.
bool translate(const std::exception_ptr& error) {
  try {
    if (error) std::rethrow_exception(error);
  } catch (const Divergence& e) {
    raise("Divergence", e.what());
  } catch (const DutHang& e) {
    raise("DeviceHang", e.what());
  } catch (const DutUnsupported& e) {
    raise("DeviceUnsupported", e.what());
  } catch (const DutNonsense& e) {
    raise("DeviceNonsense", e.what());
  } catch (const DutError& e) {
    raise("DeviceError", e.what());
  } catch (const conformance::CaseFailure& e) {
    raise("ExpectationError", e.what());
  } catch (const conformance::Inapplicable& e) {
    raise("Inapplicable", e.what());
  } catch (const conformance::Inconclusive& e) {
    raise("Inconclusive", e.what());
  } catch (const SegmentError& e) {
    raise("SegmentError", e.what());
  } catch (const ServeError& e) {
    raise("ServeError", e.what());
  } catch (const UsageError& e) {
    raise("UsageError", e.what());
  } catch (...) {
    return false;
  }
  return true;
}

}  // namespace

void bind_errors(py::module_&) {
  py::register_local_exception_translator([](std::exception_ptr error) {
    if (!translate(error)) std::rethrow_exception(std::move(error));
  });
}

void set_python_error(const std::exception_ptr& error) noexcept {
  try {
    if (!translate(error)) std::rethrow_exception(error);
  } catch (py::error_already_set& e) {
    e.restore();
  } catch (const py::builtin_exception& e) {
    e.set_error();
  } catch (const std::bad_alloc&) {
    PyErr_NoMemory();
  } catch (const std::exception& e) {
    PyErr_SetString(PyExc_RuntimeError, e.what());
  } catch (...) {
    PyErr_SetString(PyExc_RuntimeError, "unknown C++ exception");
  }
}

}  // namespace tiptoe::python

PYBIND11_MODULE(_core, m) {
  using namespace tiptoe::python;
  m.doc() = "Devices, segments and cases of tiptoe. Private: use the package tiptoe.";
  m.attr("VERSION") = TIPTOE_VERSION;
  bind_errors(m);
  bind_datagram(m);
  bind_segment(m);
  bind_device(m);
  bind_suite(m);
  bind_tester(m);
  bind_serve(m);
  bind_bench(m);
  bind_pair(m);
}
