// SPDX-License-Identifier: Apache-2.0
// Class Datagram, written against the C API: a device puts out millions of them, and one of these takes a tenth of the
// time that an instance of a py::class_ takes. Its octets are a bytes object, made once.
#include <algorithm>
#include <cstddef>

#include "common.hpp"
// After Python.h:
#include <structmember.h>

namespace tiptoe::python {
namespace {

struct Object {
  PyObject head;
  PyObject* octets;
  unsigned long long time_us;
  unsigned long long cycle;
  char to_device;
};

PyTypeObject* type = nullptr;  // set once, when the module is loaded

Object* as_object(PyObject* o) { return reinterpret_cast<Object*>(o); }
PyObject* as_py(Object* o) { return reinterpret_cast<PyObject*>(o); }

ByteView view(const Object* o) {
  return {reinterpret_cast<const std::uint8_t*>(PyBytes_AS_STRING(o->octets)),
          static_cast<std::size_t>(PyBytes_GET_SIZE(o->octets))};
}

Datagram value(const Object* o) {
  const ByteView octets = view(o);
  return {.bytes = Bytes(octets.begin(), octets.end()),
          .time_us = o->time_us,
          .cycle = o->cycle,
          .to_device = o->to_device != 0};
}

Object* allocate() {
  auto* o = as_object(type->tp_alloc(type, 0));
  if (o == nullptr) throw py::error_already_set();
  return o;
}

/// Runs f, turns C++ exceptions into Python ones.
template <class F>
PyObject* guarded(F&& f) noexcept {
  try {
    return std::forward<F>(f)();
  } catch (...) {
    set_python_error(std::current_exception());
    return nullptr;
  }
}

PyObject* make(PyTypeObject*, PyObject* args, PyObject* keywords) {
  return guarded([&]() -> PyObject* {
    static const char* names[] = {"octets", "time_us", "cycle", "to_device", nullptr};
    PyObject* octets = nullptr;
    unsigned long long time_us = 0;
    unsigned long long cycle = 0;
    int to_device = 0;
    if (PyArg_ParseTupleAndKeywords(args, keywords, "O|KKp:Datagram", const_cast<char**>(names), &octets, &time_us,
                                    &cycle, &to_device) == 0) {
      return nullptr;
    }
    py::object bytes = PyBytes_CheckExact(octets) ? py::reinterpret_borrow<py::object>(octets)
                                                  : py::object(to_bytes(to_datagram(octets)));
    Object* o = allocate();
    o->octets = bytes.release().ptr();
    o->time_us = time_us;
    o->cycle = cycle;
    o->to_device = to_device != 0 ? 1 : 0;
    return as_py(o);
  });
}

void destroy(PyObject* self) {
  PyTypeObject* const its_type = Py_TYPE(self);
  Py_XDECREF(as_object(self)->octets);
  its_type->tp_free(self);
  Py_DECREF(its_type);
}

int get_buffer(PyObject* self, Py_buffer* buffer, int flags) {
  PyObject* const octets = as_object(self)->octets;
  return PyBuffer_FillInfo(buffer, self, PyBytes_AS_STRING(octets), PyBytes_GET_SIZE(octets), 1, flags);
}

Py_ssize_t length(PyObject* self) { return PyBytes_GET_SIZE(as_object(self)->octets); }

PyObject* compare(PyObject* a, PyObject* b, int op) {
  if (!is_datagram(b) || (op != Py_EQ && op != Py_NE)) Py_RETURN_NOTIMPLEMENTED;
  const Object* x = as_object(a);
  const Object* y = as_object(b);
  const bool same = x->time_us == y->time_us && x->cycle == y->cycle && x->to_device == y->to_device &&
                    std::equal(view(x).begin(), view(x).end(), view(y).begin(), view(y).end());
  return PyBool_FromLong(same == (op == Py_EQ) ? 1 : 0);
}

std::string time_and_direction(const Object* o, const char* to, const char* from) {
  return std::to_string(o->time_us) + " us" + (o->to_device != 0 ? to : from);
}

PyObject* str(PyObject* self) {
  return guarded([&] {
    const Object* o = as_object(self);
    return py::str(time_and_direction(o, " > ", " < ") + Segment::parse(view(o)).to_string()).release().ptr();
  });
}

PyObject* represent(PyObject* self) {
  return guarded([&] {
    const Object* o = as_object(self);
    const std::string text = time_and_direction(o, ", to device: ", ", from device: ");
    return py::str("<Datagram " + text + Segment::parse(view(o)).to_string() + ">").release().ptr();
  });
}

PyObject* get_octets(PyObject* self, void*) { return Py_NewRef(as_object(self)->octets); }
PyObject* get_bytes(PyObject* self, PyObject*) { return Py_NewRef(as_object(self)->octets); }
PyObject* get_segment(PyObject* self, void*) {
  return guarded([&] { return py::cast(Segment::parse(view(as_object(self)))).release().ptr(); });
}
PyObject* reduce(PyObject* self, PyObject*) {
  const Object* o = as_object(self);
  return Py_BuildValue("O(OKKO)", type, o->octets, o->time_us, o->cycle, o->to_device != 0 ? Py_True : Py_False);
}

PyMemberDef members[] = {
    {"time_us", T_ULONGLONG, offsetof(Object, time_us), READONLY, "Device time when its last octet crossed."},
    {"cycle", T_ULONGLONG, offsetof(Object, cycle), READONLY, "Device clock cycle; 0 for devices without one."},
    {"to_device", T_BOOL, offsetof(Object, to_device), READONLY, "Direction."},
    {nullptr, 0, 0, 0, nullptr}};
PyGetSetDef properties[] = {{"octets", get_octets, nullptr, "IPv4 header first, no link header.", nullptr},
                            {"segment", get_segment, nullptr, "The same, taken apart.", nullptr},
                            {nullptr, nullptr, nullptr, nullptr, nullptr}};
PyMethodDef methods[] = {{"__bytes__", get_bytes, METH_NOARGS, nullptr},
                         {"__reduce__", reduce, METH_NOARGS, nullptr},
                         {nullptr, nullptr, 0, nullptr}};

template <class F>
void* slot(F* f) {
  return reinterpret_cast<void*>(f);
}

}  // namespace

bool is_datagram(const py::handle& object) { return Py_TYPE(object.ptr()) == type; }

Datagram datagram_value(const py::handle& object) { return value(as_object(object.ptr())); }

py::object datagram_object(const Datagram& d) {
  Object* o = allocate();
  auto result = py::reinterpret_steal<py::object>(as_py(o));
  o->octets =
      PyBytes_FromStringAndSize(reinterpret_cast<const char*>(d.bytes.data()), static_cast<Py_ssize_t>(d.bytes.size()));
  if (o->octets == nullptr) throw py::error_already_set();
  o->time_us = d.time_us;
  o->cycle = d.cycle;
  o->to_device = d.to_device ? 1 : 0;
  return result;
}

void bind_datagram(py::module_& m) {
  PyType_Slot slots[] = {{Py_tp_doc, const_cast<char*>("One IPv4 datagram that crossed the device's network port.")},
                         {Py_tp_new, slot(make)},
                         {Py_tp_dealloc, slot(destroy)},
                         {Py_tp_repr, slot(represent)},
                         {Py_tp_str, slot(str)},
                         {Py_tp_richcompare, slot(compare)},
                         {Py_tp_hash, slot(PyObject_HashNotImplemented)},
                         {Py_tp_members, members},
                         {Py_tp_getset, properties},
                         {Py_tp_methods, methods},
                         {Py_sq_length, slot(length)},
                         {Py_bf_getbuffer, slot(get_buffer)},
                         {0, nullptr}};
  PyType_Spec spec{"tiptoe._core.Datagram", sizeof(Object), 0, Py_TPFLAGS_DEFAULT | Py_TPFLAGS_IMMUTABLETYPE, slots};
  auto made = py::reinterpret_steal<py::object>(PyType_FromSpec(&spec));
  if (!made) throw py::error_already_set();
  type = reinterpret_cast<PyTypeObject*>(made.ptr());
  m.attr("Datagram") = made;
  made.release();  // `type` keeps it
}

}  // namespace tiptoe::python
