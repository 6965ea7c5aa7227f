// SPDX-License-Identifier: Apache-2.0
// What every file of the extension module needs: enums as the Python enums of tiptoe._enums, exceptions as the classes
// of tiptoe._errors, buffers.
#pragma once

#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <array>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <type_traits>

#include "tiptoe/conformance/case.hpp"
#include "tiptoe/conformance/conn.hpp"
#include "tiptoe/conformance/verdict.hpp"
#include "tiptoe/dut.hpp"
#include "tiptoe/segment.hpp"

namespace tiptoe::python {

namespace py = pybind11;

/// The caller asked for something that is not there.
class UsageError : public std::runtime_error {
  using std::runtime_error::runtime_error;
};
/// A field that cannot be written as asked.
class SegmentError : public std::runtime_error {
  using std::runtime_error::runtime_error;
};
class ServeError : public std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// Member `value` of the enum class `name` in tiptoe._enums (new reference). Members are looked up once per process.
py::object enum_member(const char* name, unsigned value);
/// One of the StrEnum members, by its string.
py::object enum_member(const char* name, const std::string& value);
/// Any combination of control bits.
py::object flags_object(std::uint8_t flags);

/// Sees the octets of anything with the buffer protocol; keeps them alive.
class Buffer {
 public:
  explicit Buffer(const py::handle& object);
  Buffer(const Buffer&) = delete;
  Buffer& operator=(const Buffer&) = delete;
  ~Buffer() { PyBuffer_Release(&view_); }
  ByteView view() const { return {static_cast<const std::uint8_t*>(view_.buf), static_cast<std::size_t>(view_.len)}; }

 private:
  Py_buffer view_{};
};

inline py::bytes to_bytes(ByteView b) { return {reinterpret_cast<const char*>(b.data()), b.size()}; }

/// A Segment from a Segment, a form ("<SEQ=1><CTL=SYN>"), octets or nothing, with fields on top.
Segment to_segment(const py::handle& object, const py::dict& fields);
/// Octets of a Segment or of anything with the buffer protocol.
Bytes to_datagram(const py::handle& object);
/// An IPv4 address from "10.0.0.1", a number, or an ipaddress.IPv4Address.
std::uint32_t to_ip(const py::handle& object);

std::string repr_of(const py::handle& object);

/// Makes a C++ exception the current Python one, by the rules of bind_errors().
void set_python_error(const std::exception_ptr& error) noexcept;

bool is_datagram(const py::handle& object);
Datagram datagram_value(const py::handle& object);
py::object datagram_object(const Datagram& datagram);

void bind_errors(py::module_& m);
void bind_datagram(py::module_& m);
void bind_segment(py::module_& m);
void bind_device(py::module_& m);
void bind_suite(py::module_& m);
void bind_tester(py::module_& m);
void bind_serve(py::module_& m);
void bind_bench(py::module_& m);
void bind_pair(py::module_& m);

/// A C++ enum that is an IntEnum in Python.
template <class E>
struct IntEnumName;
template <>
struct IntEnumName<State> {
  static constexpr auto name = py::detail::const_name("State");
};
template <>
struct IntEnumName<CallStatus> {
  static constexpr auto name = py::detail::const_name("CallStatus");
};
template <>
struct IntEnumName<Defect> {
  static constexpr auto name = py::detail::const_name("Defect");
};

}  // namespace tiptoe::python

namespace pybind11::detail {

template <class E>
struct tiptoe_int_enum_caster {
  PYBIND11_TYPE_CASTER(E, tiptoe::python::IntEnumName<E>::name);
  bool load(handle source, bool) {
    if (!PyLong_Check(source.ptr())) return false;
    const auto number = PyLong_AsUnsignedLong(source.ptr());
    if (PyErr_Occurred() != nullptr) {
      PyErr_Clear();
      return false;
    }
    if (number > 255) return false;
    value = static_cast<E>(number);
    return true;
  }
  static handle cast(E source, return_value_policy, handle) {
    return tiptoe::python::enum_member(tiptoe::python::IntEnumName<E>::name.text, static_cast<unsigned>(source))
        .release();
  }
};
template <>
struct type_caster<tiptoe::State> : tiptoe_int_enum_caster<tiptoe::State> {};
template <>
struct type_caster<tiptoe::CallStatus> : tiptoe_int_enum_caster<tiptoe::CallStatus> {};
template <>
struct type_caster<tiptoe::Defect> : tiptoe_int_enum_caster<tiptoe::Defect> {};

template <>
struct type_caster<tiptoe::Datagram> {
  PYBIND11_TYPE_CASTER(tiptoe::Datagram, const_name("Datagram"));
  bool load(handle source, bool) {
    if (!tiptoe::python::is_datagram(source)) return false;
    value = tiptoe::python::datagram_value(source);
    return true;
  }
  static handle cast(const tiptoe::Datagram& source, return_value_policy, handle) {
    return tiptoe::python::datagram_object(source).release();
  }
};

}  // namespace pybind11::detail
