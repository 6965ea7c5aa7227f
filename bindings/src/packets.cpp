// SPDX-License-Identifier: Apache-2.0
// The calls that are made once per packet, against the C API: such a call costs a third of what a bound C++ function
// costs, and driving a device from Python has to keep 90 % of the speed of C++.
#include <optional>

#include "device.hpp"

namespace tiptoe::python {
namespace {

/// Octets of a Segment or of anything with the buffer protocol, for the time of a call.
class Octets {
 public:
  explicit Octets(PyObject* object) {
    if (PyBytes_CheckExact(object)) {  // nobody can change them, and the caller holds them
      view_ = {reinterpret_cast<const std::uint8_t*>(PyBytes_AS_STRING(object)),
               static_cast<std::size_t>(PyBytes_GET_SIZE(object))};
    } else if (py::isinstance<Segment>(object)) {
      built_ = py::cast<const Segment&>(py::handle(object)).build();
      view_ = built_;
    } else {
      view_ = buffer_.emplace(object).view();
    }
  }
  ByteView view() const { return view_; }

 private:
  std::optional<Buffer> buffer_{};
  Bytes built_{};
  ByteView view_{};
};

/// py::gil_scoped_release without its search for pybind11's own state of the thread, which this code has no use for.
class WithoutGil {
 public:
  WithoutGil() = default;
  WithoutGil(const WithoutGil&) = delete;
  WithoutGil& operator=(const WithoutGil&) = delete;
  ~WithoutGil() { PyEval_RestoreThread(state_); }

 private:
  PyThreadState* const state_ = PyEval_SaveThread();
};

/// Arguments of a method that takes [datagram,] [us].
struct Arguments {
  PyObject* datagram = nullptr;
  std::uint64_t us = 0;

  Arguments(const char* method, bool takes_datagram, bool takes_us, std::uint64_t default_us, PyObject* const* args,
            Py_ssize_t count, PyObject* names)
      : us(default_us) {
    PyObject* number = nullptr;
    const Py_ssize_t at_us = takes_datagram ? 1 : 0;
    if (count > at_us + (takes_us ? 1 : 0)) throw py::type_error(std::string(method) + "() takes fewer arguments");
    if (takes_datagram && count > 0) datagram = args[0];
    if (count > at_us) number = args[at_us];
    const Py_ssize_t named = names == nullptr ? 0 : PyTuple_GET_SIZE(names);
    for (Py_ssize_t i = 0; i < named; ++i) {
      PyObject* const name = PyTuple_GET_ITEM(names, i);
      if (takes_datagram && datagram == nullptr && PyUnicode_CompareWithASCIIString(name, "datagram") == 0) {
        datagram = args[count + i];
      } else if (takes_us && number == nullptr && PyUnicode_CompareWithASCIIString(name, "us") == 0) {
        number = args[count + i];
      } else {
        throw py::type_error(std::string(method) + "() has no argument " + repr_of(name) + ", or it is there twice");
      }
    }
    if (takes_datagram && datagram == nullptr) throw py::type_error(std::string(method) + "() wants a datagram");
    if (number != nullptr) {
      us = PyLong_AsUnsignedLongLong(number);
      if (PyErr_Occurred() != nullptr) throw py::error_already_set();
    }
  }
};

/// The method's descriptor has made sure that this is a Device.
Device& device_of(PyObject* self) {
  auto* const instance = reinterpret_cast<py::detail::instance*>(self);
  if (instance->simple_layout && instance->simple_value_holder[0] != nullptr) {
    return *static_cast<Device*>(instance->simple_value_holder[0]);
  }
  return py::cast<Device&>(py::handle(self));
}

/// Runs f, turns C++ exceptions into Python ones.
template <class F>
PyObject* guarded(F&& f) noexcept {
  try {
    return std::forward<F>(f)().release().ptr();
  } catch (...) {
    set_python_error(std::current_exception());
    return nullptr;
  }
}

py::object optional_datagram(Device& device, const std::optional<Datagram>& out) {
  device.note(out);
  return out ? datagram_object(*out) : py::object(py::none());
}

/// With the GIL: no time passes, nothing is computed.
py::object take_outputs(Device& device, Dut& dut) {
  auto datagram = dut.poll_output();
  auto list = py::reinterpret_steal<py::object>(PyList_New(datagram ? 1 : 0));
  if (!list) throw py::error_already_set();
  if (!datagram) return list;
  device.note(datagram);
  PyList_SET_ITEM(list.ptr(), 0, datagram_object(*datagram).release().ptr());  // most answers are one datagram
  while ((datagram = dut.poll_output())) {
    device.note(datagram);
    if (PyList_Append(list.ptr(), datagram_object(*datagram).ptr()) != 0) throw py::error_already_set();
  }
  return list;
}

PyObject* inject(PyObject* self, PyObject* const* args, Py_ssize_t count, PyObject* names) {
  return guarded([&]() -> py::object {
    const Arguments a("inject", true, false, 0, args, count, names);
    const Octets octets(a.datagram);
    Device& device = device_of(self);
    device.run([&](Dut& dut) { device.inject(dut, octets.view()); });
    return py::none();
  });
}

PyObject* exchange(PyObject* self, PyObject* const* args, Py_ssize_t count, PyObject* names) {
  return guarded([&]() -> py::object {
    const Arguments a("exchange", true, true, 0, args, count, names);
    const Octets octets(a.datagram);
    Device& device = device_of(self);
    return device.with_gil([&](Dut& dut) {
      {
        const WithoutGil nogil;
        device.inject(dut, octets.view());
        if (a.us == 0) {
          dut.settle();
        } else {
          dut.advance(a.us);
        }
      }
      return take_outputs(device, dut);
    });
  });
}

PyObject* run_until_output(PyObject* self, PyObject* const* args, Py_ssize_t count, PyObject* names) {
  return guarded([&]() -> py::object {
    const Arguments a("run_until_output", false, true, 1'000'000, args, count, names);
    Device& device = device_of(self);
    return optional_datagram(device, device.run([&](Dut& dut) { return dut.run_until_output(a.us); }));
  });
}

PyObject* poll(PyObject* self, PyObject*) {
  return guarded([&]() -> py::object {
    Device& device = device_of(self);
    return device.with_gil([&](Dut& dut) { return optional_datagram(device, dut.poll_output()); });
  });
}

PyObject* outputs(PyObject* self, PyObject*) {
  return guarded([&]() -> py::object {
    Device& device = device_of(self);
    return device.with_gil([&](Dut& dut) { return take_outputs(device, dut); });
  });
}

template <class F>
PyCFunction method(F* f) {
  return reinterpret_cast<PyCFunction>(reinterpret_cast<void (*)()>(f));
}

}  // namespace

void add_packet_methods(py::class_<Device>& cls) {
  static std::array methods{
      PyMethodDef{"inject", method(inject), METH_FASTCALL | METH_KEYWORDS,
                  "inject($self, datagram)\n--\n\nA datagram towards the device, which has accepted it on return."},
      PyMethodDef{"exchange", method(exchange), METH_FASTCALL | METH_KEYWORDS,
                  "exchange($self, datagram, us=0)\n--\n\nInjects, settles (or runs for `us`), returns what came out."},
      PyMethodDef{"run_until_output", method(run_until_output), METH_FASTCALL | METH_KEYWORDS,
                  "run_until_output($self, us=1000000)\n--\n\nRuns until a datagram is there (returned), or so long."},
      PyMethodDef{"poll", poll, METH_NOARGS, "poll($self)\n--\n\nThe oldest datagram not taken yet; no time passes."},
      PyMethodDef{"outputs", outputs, METH_NOARGS,
                  "outputs($self)\n--\n\nAll datagrams not taken yet; no time passes."}};
  auto* const type = reinterpret_cast<PyTypeObject*>(cls.ptr());
  for (PyMethodDef& definition : methods) {
    const auto descriptor = py::reinterpret_steal<py::object>(PyDescr_NewMethod(type, &definition));
    if (!descriptor) throw py::error_already_set();
    cls.attr(definition.ml_name) = descriptor;
  }
}

}  // namespace tiptoe::python
