// SPDX-License-Identifier: Apache-2.0
// Segments, options, datagrams and traces in Python.
#include "tiptoe/segment.hpp"

#include <pybind11/numpy.h>

#include <algorithm>
#include <limits>
#include <map>
#include <string_view>
#include <tuple>

#include "common.hpp"

namespace tiptoe::python {
namespace {

// ---- fields: one table drives constructor, attributes, repr, pickling and comparison

std::uint64_t to_number(const py::handle& value, const char* name, std::uint64_t most) {
  const auto refuse = [&]() -> SegmentError {
    return SegmentError(std::string(name) + " is " + repr_of(value) + ", it must be a number in 0 … " +
                        std::to_string(most));
  };
  const py::object index = py::reinterpret_steal<py::object>(PyNumber_Index(value.ptr()));
  if (!index) {
    PyErr_Clear();
    throw refuse();
  }
  const unsigned long long number = PyLong_AsUnsignedLongLong(index.ptr());
  if (PyErr_Occurred() != nullptr || number > most) {
    PyErr_Clear();
    throw refuse();
  }
  return number;
}

Bytes to_octets(const py::handle& value) {
  const Buffer buffer(value);
  return {buffer.view().begin(), buffer.view().end()};
}

using Getter = py::object (*)(const Segment&);
using Setter = void (*)(Segment&, const py::handle&, const char* name);
struct Field {
  const char* name;
  Getter get;
  Setter set;
  const char* doc;
};

template <auto Member>
using Value = typename std::remove_reference_t<decltype(std::declval<Segment>().*Member)>::value_type;

template <auto Member>
py::object get_number(const Segment& s) {
  return s.*Member ? py::object(py::int_(*(s.*Member))) : py::object(py::none());
}
template <auto Member, std::uint64_t Most = std::numeric_limits<Value<Member>>::max()>
void set_number(Segment& s, const py::handle& value, const char* name) {
  if (value.is_none())
    (s.*Member).reset();
  else
    s.*Member = static_cast<Value<Member>>(to_number(value, name, Most));
}

/// Sequence numbers are modulo 2^32: R + 1 and R - 1 mean what they say whatever R is.
template <auto Member>
void set_sequence(Segment& s, const py::handle& value, const char* name) {
  if (value.is_none()) {
    (s.*Member).reset();
    return;
  }
  const py::object index = py::reinterpret_steal<py::object>(PyNumber_Index(value.ptr()));
  if (!index) {
    PyErr_Clear();
    throw SegmentError(std::string(name) + " is " + repr_of(value) + ", it must be a number");
  }
  const unsigned long long number = PyLong_AsUnsignedLongLongMask(index.ptr());
  if (PyErr_Occurred() != nullptr) throw py::error_already_set();
  s.*Member = static_cast<std::uint32_t>(number);
}

template <auto Member>
py::object get_flags(const Segment& s) {
  return s.*Member ? flags_object(*(s.*Member)) : py::object(py::none());
}
template <auto Member>
void set_flags(Segment& s, const py::handle& value, const char* name) {
  if (value.is_none()) {
    (s.*Member).reset();
  } else if (py::isinstance<py::str>(value)) {
    try {
      s.*Member = flags_from_string(py::cast<std::string>(value));
    } catch (const std::invalid_argument& e) {
      throw SegmentError(e.what());
    }
  } else {
    s.*Member = static_cast<std::uint8_t>(to_number(value, name, 255));
  }
}

template <auto Member>
py::object get_ip(const Segment& s) {
  return s.*Member ? py::object(py::str(ip_to_string(*(s.*Member)))) : py::object(py::none());
}
template <auto Member>
void set_ip(Segment& s, const py::handle& value, const char*) {
  if (value.is_none())
    (s.*Member).reset();
  else
    s.*Member = to_ip(value);
}

template <auto Member>
py::object get_bit(const Segment& s) {
  return s.*Member ? py::object(py::bool_(*(s.*Member))) : py::object(py::none());
}
template <auto Member>
void set_bit(Segment& s, const py::handle& value, const char*) {
  if (value.is_none())
    (s.*Member).reset();
  else
    s.*Member = py::cast<bool>(value);
}

template <auto Member>
py::object get_switch(const Segment& s) {
  return s.*Member ? py::object(py::bool_(true)) : py::object(py::none());
}
template <auto Member>
void set_switch(Segment& s, const py::handle& value, const char*) {
  s.*Member = !value.is_none() && py::cast<bool>(value);
}

template <auto Member>
py::object get_octets(const Segment& s) {
  return s.*Member ? py::object(to_bytes(*(s.*Member))) : py::object(py::none());
}
template <auto Member>
void set_octets(Segment& s, const py::handle& value, const char*) {
  if (value.is_none())
    (s.*Member).reset();
  else
    s.*Member = to_octets(value);
}

py::object get_options(const Segment& s) { return s.options ? py::cast(*s.options) : py::object(py::none()); }
void set_options(Segment& s, const py::handle& value, const char*) {
  if (value.is_none())
    s.options.reset();
  else if (py::isinstance<Options>(value))
    s.options = py::cast<Options>(value);
  else
    s.options = Options{to_octets(value)};
}

constexpr std::array kFields{
    Field{"src", get_ip<&Segment::src>, set_ip<&Segment::src>, "Source address, as \"10.0.0.2\"."},
    Field{"dst", get_ip<&Segment::dst>, set_ip<&Segment::dst>, "Destination address."},
    Field{"src_port", get_number<&Segment::src_port>, set_number<&Segment::src_port>, "Source port."},
    Field{"dst_port", get_number<&Segment::dst_port>, set_number<&Segment::dst_port>, "Destination port."},
    Field{"seq", get_number<&Segment::seq>, set_sequence<&Segment::seq>, "SEG.SEQ, taken modulo 2^32."},
    Field{"ack", get_number<&Segment::ack>, set_sequence<&Segment::ack>, "SEG.ACK, taken modulo 2^32."},
    Field{"flags", get_flags<&Segment::flags>, set_flags<&Segment::flags>,
          "Control bits: Flags, or text like \"SYN,ACK\"."},
    Field{"window", get_number<&Segment::window>, set_number<&Segment::window>,
          "SEG.WND; 65535 when absent and built."},
    Field{"urgent", get_number<&Segment::urgent>, set_number<&Segment::urgent>, "SEG.UP."},
    Field{"options", get_options, set_options, "TCP options; padded to a multiple of four octets when built."},
    Field{"payload", get_octets<&Segment::payload>, set_octets<&Segment::payload>, "The text."},
    Field{"data_offset", get_number<&Segment::data_offset>, set_number<&Segment::data_offset, 15>,
          "Overrides the right data offset, in 32-bit words."},
    Field{"reserved", get_number<&Segment::reserved>, set_number<&Segment::reserved, 15>,
          "The four bits after the data offset."},
    Field{"checksum", get_number<&Segment::checksum>, set_number<&Segment::checksum>,
          "Overrides the right TCP checksum."},
    Field{"corrupt_checksum", get_switch<&Segment::corrupt_checksum>, set_switch<&Segment::corrupt_checksum>,
          "Makes the TCP checksum wrong, whatever it is."},
    Field{"ip_version", get_number<&Segment::ip_version>, set_number<&Segment::ip_version, 15>, "IP version."},
    Field{"ihl", get_number<&Segment::ihl>, set_number<&Segment::ihl, 15>,
          "Overrides the right IPv4 header length, in 32-bit words."},
    Field{"tos", get_number<&Segment::tos>, set_number<&Segment::tos>, "Type of service."},
    Field{"total_length", get_number<&Segment::total_length>, set_number<&Segment::total_length>,
          "Overrides the right total length."},
    Field{"id", get_number<&Segment::id>, set_number<&Segment::id>, "IPv4 identification."},
    Field{"ip_reserved", get_bit<&Segment::ip_reserved>, set_bit<&Segment::ip_reserved>, "Reserved flag of IPv4."},
    Field{"df", get_bit<&Segment::df>, set_bit<&Segment::df>, "Don't fragment."},
    Field{"mf", get_bit<&Segment::mf>, set_bit<&Segment::mf>, "More fragments."},
    Field{"fragment_offset", get_number<&Segment::fragment_offset>, set_number<&Segment::fragment_offset, 8191>,
          "In units of eight octets."},
    Field{"ttl", get_number<&Segment::ttl>, set_number<&Segment::ttl>, "Time to live; 64 when absent and built."},
    Field{"protocol", get_number<&Segment::protocol>, set_number<&Segment::protocol>,
          "IP protocol; 6 when absent and built."},
    Field{"ip_checksum", get_number<&Segment::ip_checksum>, set_number<&Segment::ip_checksum>,
          "Overrides the right IPv4 header checksum."},
    Field{"corrupt_ip_checksum", get_switch<&Segment::corrupt_ip_checksum>, set_switch<&Segment::corrupt_ip_checksum>,
          "Makes the IPv4 header checksum wrong."},
    Field{"ip_options", get_octets<&Segment::ip_options>, set_octets<&Segment::ip_options>, "IPv4 options."},
    Field{"trailer", get_octets<&Segment::trailer>, set_octets<&Segment::trailer>,
          "Octets beyond the total length (link padding)."},
    Field{"flags_set", get_flags<&Segment::flags_set>, set_flags<&Segment::flags_set>,
          "Matching only: these control bits must be set."},
    Field{"flags_clear", get_flags<&Segment::flags_clear>, set_flags<&Segment::flags_clear>,
          "Matching only: these control bits must be clear."},
};

const Field* find_field(std::string_view name) {
  static const auto* const table = [] {
    auto* t = new std::map<std::string_view, const Field*>;
    for (const Field& field : kFields) t->emplace(field.name, &field);
    return t;
  }();
  const auto found = table->find(name);
  return found == table->end() ? nullptr : found->second;
}

std::string_view text_of(const py::handle& key) {
  Py_ssize_t length = 0;
  const char* text = PyUnicode_AsUTF8AndSize(key.ptr(), &length);
  if (text == nullptr) throw py::error_already_set();
  return {text, static_cast<std::size_t>(length)};
}

void set_fields(Segment& s, const py::dict& fields) {
  for (const auto& [key, value] : fields) {
    const std::string_view name = text_of(key);
    if (const Field* field = find_field(name)) {
      field->set(s, value, field->name);
    } else if (name == "mss") {
      s.options = Options().mss(static_cast<std::uint16_t>(to_number(value, "mss", 65535)));
    } else {
      throw py::type_error("a segment has no field '" + std::string(name) + "'");
    }
  }
}

py::dict get_fields(const Segment& s) {
  py::dict fields;
  for (const Field& field : kFields) {
    if (const py::object value = field.get(s); !value.is_none()) fields[field.name] = value;
  }
  return fields;
}

std::string segment_repr(const Segment& s) {
  std::string text;
  for (const Field& field : kFields) {
    const py::object value = field.get(s);
    if (value.is_none()) continue;
    if (!text.empty()) text.append(", ");
    text.append(field.name).append("=");
    if (std::string_view(field.name).starts_with("flags")) {
      text.append("'").append(flags_to_string(py::cast<std::uint8_t>(py::int_(value)))).append("'");
    } else {
      text.append(repr_of(value));
    }
  }
  return "Segment(" + text + ")";
}

auto tied(const Segment& s) {
  return std::tie(s.src, s.dst, s.src_port, s.dst_port, s.seq, s.ack, s.flags, s.window, s.urgent, s.options, s.payload,
                  s.data_offset, s.reserved, s.checksum, s.corrupt_checksum, s.ip_version, s.ihl, s.tos, s.total_length,
                  s.id, s.ip_reserved, s.df, s.mf, s.fragment_offset, s.ttl, s.protocol, s.ip_checksum,
                  s.corrupt_ip_checksum, s.ip_options, s.trailer, s.flags_set, s.flags_clear);
}

Segment parse(const py::handle& octets, bool strict) {
  Segment s;
  {
    const Buffer buffer(octets);
    s = Segment::parse(buffer.view());
  }
  if (strict && s.defective()) throw SegmentError(s.defects.front().text);
  return s;
}

// ---- traces

struct Row {
  std::uint64_t time_us, cycle;
  bool to_device;
  std::uint16_t length;
  std::uint32_t src, dst;
  std::uint16_t src_port, dst_port;
  std::uint32_t seq, ack;
  std::uint8_t flags;
  std::uint16_t window, text_length;
  bool defective;
};

py::object trace(const std::vector<Datagram>& frames) {
  // At the first use, not when the module is loaded: this is what imports NumPy.
  static const bool registered = [] {
    PYBIND11_NUMPY_DTYPE(Row, time_us, cycle, to_device, length, src, dst, src_port, dst_port, seq, ack, flags, window,
                         text_length, defective);
    return true;
  }();
  static_cast<void>(registered);
  py::array_t<Row> array(static_cast<py::ssize_t>(frames.size()));
  Row* row = array.mutable_data();
  for (const Datagram& frame : frames) {
    const Segment s = Segment::parse(frame);
    *row++ = {.time_us = frame.time_us,
              .cycle = frame.cycle,
              .to_device = frame.to_device,
              .length = static_cast<std::uint16_t>(std::min<std::size_t>(frame.bytes.size(), 65535)),
              .src = s.src.value_or(0),
              .dst = s.dst.value_or(0),
              .src_port = s.src_port.value_or(0),
              .dst_port = s.dst_port.value_or(0),
              .seq = s.seq.value_or(0),
              .ack = s.ack.value_or(0),
              .flags = s.flags.value_or(0),
              .window = s.window.value_or(0),
              .text_length = static_cast<std::uint16_t>(s.text_length()),
              .defective = s.defective()};
  }
  return array;
}

}  // namespace

std::uint32_t to_ip(const py::handle& object) {
  if (py::isinstance<py::str>(object)) {
    try {
      return ip(py::cast<std::string>(object));
    } catch (const std::invalid_argument& e) {
      throw SegmentError(e.what());
    }
  }
  if (py::hasattr(object, "__index__")) return static_cast<std::uint32_t>(to_number(object, "address", 0xFFFFFFFF));
  // ipaddress.IPv4Address turns into its number by int() alone.
  return static_cast<std::uint32_t>(
      to_number(py::int_(py::reinterpret_borrow<py::object>(object)), "address", 0xFFFFFFFF));
}

Segment to_segment(const py::handle& object, const py::dict& fields) {
  Segment s;
  if (py::isinstance<Segment>(object)) {
    s = py::cast<Segment>(object);
  } else if (py::isinstance<py::str>(object)) {
    try {
      s = Segment::from_form(py::cast<std::string>(object));
    } catch (const std::invalid_argument& e) {
      throw SegmentError(e.what());
    }
  } else if (!object.is_none()) {
    s = parse(object, true);
  }
  set_fields(s, fields);
  return s;
}

Bytes to_datagram(const py::handle& object) {
  if (py::isinstance<Segment>(object)) return py::cast<const Segment&>(object).build();
  return to_octets(object);
}

void bind_segment(py::module_& m) {
  py::class_<Options>(m, "Options")
      .def(py::init([](const py::object& octets) { return octets.is_none() ? Options{} : Options{to_octets(octets)}; }),
           py::arg("octets") = py::none())
      .def(
          "raw", [](Options o, const py::object& octets) { return o.raw(to_octets(octets)); }, py::arg("octets"))
      .def("eol", [](Options o) { return o.eol(); })
      .def("nop", [](Options o) { return o.nop(); })
      .def(
          "mss", [](Options o, std::uint16_t value) { return o.mss(value); }, py::arg("value"))
      .def(
          "wscale", [](Options o, std::uint8_t shift) { return o.wscale(shift); }, py::arg("shift"))
      .def("sack_permitted", [](Options o) { return o.sack_permitted(); })
      .def(
          "sack",
          [](Options o, const std::vector<std::pair<std::uint32_t, std::uint32_t>>& blocks) { return o.sack(blocks); },
          py::arg("blocks"))
      .def(
          "timestamps", [](Options o, std::uint32_t value, std::uint32_t echo) { return o.timestamps(value, echo); },
          py::arg("value"), py::arg("echo"))
      .def(
          "unknown",
          [](Options o, std::uint8_t kind, const py::bytes& data) { return o.unknown(kind, to_octets(data)); },
          py::arg("kind"), py::arg("data") = py::bytes())
      .def(
          "pad", [](Options o, std::size_t to, std::uint8_t with) { return o.pad(to, with); }, py::arg("to"),
          py::arg("octet") = 1)
      .def("items",
           [](const Options& o) {
             py::list items;
             for (const Option& option : parse_options(o.bytes).list) {
               items.append(py::make_tuple(option.kind, to_bytes(option.data)));
             }
             return items;
           })
      .def("__bytes__", [](const Options& o) { return to_bytes(o.bytes); })
      .def("__len__", [](const Options& o) { return o.bytes.size(); })
      .def(
          "__eq__", [](const Options& a, const Options& b) { return a == b; }, py::is_operator())
      .def("__hash__", [](const Options& o) { return py::hash(to_bytes(o.bytes)); })
      .def("__str__", [](const Options& o) { return options_to_string(o.bytes); })
      .def("__repr__", [](const Options& o) { return "Options(" + repr_of(to_bytes(o.bytes)) + ")"; })
      .def(py::pickle([](const Options& o) { return py::make_tuple(to_bytes(o.bytes)); },
                      [](const py::tuple& state) { return Options{to_octets(state[0])}; }));

  py::class_<Segment> segment(m, "Segment");
  segment
      .def(py::init([](const py::kwargs& fields) {
        Segment s;
        set_fields(s, fields);
        return s;
      }))
      .def_static("parse", &parse, py::arg("octets"), py::kw_only(), py::arg("strict") = false)
      .def_static(
          "from_form", [](const std::string& form) { return to_segment(py::str(form), {}); }, py::arg("form"))
      .def("build", [](const Segment& s) { return to_bytes(s.build()); })
      .def("__bytes__", [](const Segment& s) { return to_bytes(s.build()); })
      .def("replace",
           [](Segment s, const py::kwargs& fields) {
             set_fields(s, fields);
             return s;
           })
      .def("reply",
           [](const Segment& s, const py::kwargs& fields) {
             Segment r = reply_to(s);
             set_fields(r, fields);
             return r;
           })
      .def("fields", &get_fields)
      .def("differences", &Segment::differences, py::arg("actual"))
      .def("matches", &Segment::matches, py::arg("actual"))
      .def("has", &Segment::has, py::arg("flags"))
      .def("form", &Segment::form, py::arg("with_window") = false)
      .def_property_readonly("defects",
                             [](const Segment& s) {
                               py::list list;
                               for (const DefectReport& d : s.defects) list.append(py::make_tuple(d.defect, d.text));
                               return list;
                             })
      .def_property_readonly("text_length", &Segment::text_length)
      .def_property_readonly("seg_len", &Segment::length)
      .def_property_readonly("mss", &Segment::mss)
      .def(
          "__eq__", [](const Segment& a, const Segment& b) { return tied(a) == tied(b); }, py::is_operator())
      .def("__str__", [](const Segment& s) { return s.to_string(); })
      .def("__repr__", &segment_repr)
      .def("__copy__", [](const Segment& s) { return Segment(s); })
      .def("__deepcopy__", [](const Segment& s, const py::dict&) { return Segment(s); })
      .def(py::pickle([](const Segment& s) { return get_fields(s); },
                      [](const py::dict& fields) {
                        Segment s;
                        set_fields(s, fields);
                        return s;
                      }));
  for (const Field& field : kFields) {
    segment.def_property(
        field.name, py::cpp_function(field.get),
        py::cpp_function([&field](Segment& s, const py::object& value) { field.set(s, value, field.name); }),
        field.doc);
  }

  py::class_<conformance::Received, Segment>(m, "Received")
      .def_readonly("time_us", &conformance::Received::time_us)
      .def_readonly("cycle", &conformance::Received::cycle);

  m.def(
      "pattern",
      [](std::size_t n, std::uint64_t position, std::uint64_t seed) { return to_bytes(pattern(n, position, seed)); },
      py::arg("n"), py::arg("position") = 0, py::arg("seed") = 1);
  m.def(
      "hexdump", [](const py::object& octets) { return hexdump(to_datagram(octets)); }, py::arg("octets"));
  m.def(
      "ladder",
      [](const std::vector<Datagram>& frames) {
        RelativeNumbers relative;
        std::string text;
        for (const Datagram& frame : frames) {
          const Segment s = Segment::parse(frame);
          relative.note(s);
          const std::string line = s.to_string(&relative);
          const std::size_t colon = line.find(": ");
          std::string time = std::to_string(frame.time_us);
          time.insert(0, time.size() < 12 ? 12 - time.size() : 0, ' ');
          text += time + (frame.to_device ? " us  tester -> device  " : " us  tester <- device  ") +
                  (colon == std::string::npos ? line : line.substr(colon + 2)) + '\n';
        }
        return text;
      },
      py::arg("frames"));

  m.def("trace_array", &trace, py::arg("frames"));
}

}  // namespace tiptoe::python
