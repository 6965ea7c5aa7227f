// SPDX-License-Identifier: Apache-2.0
// Tester and connections in Python: conformance/include/tiptoe/conformance/{tester,conn}.hpp under the same names.
#include "tester.hpp"

#include <optional>
#include <vector>

namespace tiptoe::python {
namespace {

using conformance::Conn;
using conformance::Tester;

Conn& conn_of(const PyTester& t) { return t.get().c(); }
Conn& conn_of(const PyConn& c) {
  c.tester->get();
  return *c.conn;
}

/// Runs without the GIL.
template <class F>
auto quietly(F&& f) {
  const py::gil_scoped_release nogil;
  return std::forward<F>(f)();
}

std::uint64_t take_us(py::dict& fields, const char* name, std::uint64_t otherwise) {
  if (!fields.contains(name)) return otherwise;
  const auto us = py::cast<std::uint64_t>(fields[name]);
  PyDict_DelItemString(fields.ptr(), name);
  return us;
}

std::vector<Segment> segments(const py::iterable& items) {
  std::vector<Segment> all;
  for (const py::handle item : items) all.push_back(to_segment(item, {}));
  return all;
}

conformance::Role to_role(const py::handle& role) {
  const auto text = py::cast<std::string>(py::str(role));
  if (text == "passive") return conformance::Role::passive;
  if (text == "active") return conformance::Role::active;
  throw UsageError("a role is 'passive' or 'active', not " + repr_of(role));
}

OpenArgs open_args(unsigned backlog, bool nodelay, bool keepalive, const py::object& local_ip,
                   const py::object& remote_ip, std::uint16_t remote_port) {
  OpenArgs a;
  a.backlog = backlog;
  a.nodelay = nodelay;
  a.keepalive = keepalive;
  if (!local_ip.is_none()) a.local_ip = to_ip(local_ip);
  if (!remote_ip.is_none()) a.remote_ip = to_ip(remote_ip);
  a.remote_port = remote_port;
  return a;
}

/// What acts on one connection; a tester passes it on to its first one.
template <class T, class C>
void bind_connection(C& cls) {
  const auto within = py::arg("within") = conformance::at_once;
  const auto ok = py::arg("expected") = CallStatus::ok;
  cls  // ---- sequence variables of the device
      .def_property_readonly("R", [](const T& t) { return conn_of(t).R; })
      .def_property_readonly("W", [](const T& t) { return conn_of(t).W; })
      .def_property_readonly("S", [](const T& t) { return conn_of(t).S; })
      .def_property_readonly("U", [](const T& t) { return conn_of(t).U; })
      .def_property_readonly("M", [](const T& t) { return conn_of(t).M; })
      .def_property_readonly("iss", [](const T& t) { return conn_of(t).iss; })
      .def_property_readonly("isn", [](const T& t) { return conn_of(t).isn; })
      .def_property(
          "window", [](const T& t) { return conn_of(t).window; },
          [](const T& t, std::uint16_t window) { conn_of(t).window = window; })
      .def_property(
          "mss", [](const T& t) { return conn_of(t).mss; },
          [](const T& t, std::optional<std::uint16_t> mss) { conn_of(t).mss = mss; })
      // ---- the wire, towards the device
      .def(
          "send",
          [](const T& t, const py::object& segment, const py::kwargs& fields) {
            const Segment s = to_segment(segment, fields);
            quietly([&] { conn_of(t).send(s); });
          },
          py::arg("segment") = py::none())
      .def(
          "send_burst",
          [](const T& t, const py::iterable& items) {
            const auto all = segments(items);
            quietly([&] { conn_of(t).send_burst(all); });
          },
          py::arg("segments"))
      .def("send_syn", [](const T& t) { quietly([&] { conn_of(t).send_syn(); }); })
      .def("send_ack", [](const T& t) { quietly([&] { conn_of(t).send_ack(); }); })
      .def(
          "send_text",
          [](const T& t, std::size_t n, std::uint8_t flags) { quietly([&] { conn_of(t).send_text(n, flags); }); },
          py::arg("n"), py::arg("more_flags") = 0)
      .def(
          "text_at",
          [](const T& t, long long seq, std::size_t n, std::uint8_t flags) {
            return conn_of(t).text_at(static_cast<std::uint32_t>(seq & 0xFFFFFFFF), n, flags);
          },
          py::arg("seq"), py::arg("n"), py::arg("flags") = ACK | PSH)
      .def(
          "send_fin",
          [](const T& t, std::optional<long long> ack) {
            quietly([&] {
              conn_of(t).send_fin(ack ? std::optional{static_cast<std::uint32_t>(*ack & 0xFFFFFFFF)} : std::nullopt);
            });
          },
          py::arg("ack") = py::none())
      // ---- the wire, from the device
      .def(
          "expect",
          [](const T& t, const py::object& pattern, py::kwargs fields) {
            const std::uint64_t us = take_us(fields, "within", conformance::at_once);
            const Segment s = to_segment(pattern, fields);
            return quietly([&] { return conn_of(t).expect(s, us); });
          },
          py::arg("pattern") = py::none())
      .def(
          "expect_loose",
          [](const T& t, const py::object& pattern, py::kwargs fields) {
            const std::uint64_t us = take_us(fields, "within", conformance::at_once);
            const Segment s = to_segment(pattern, fields);
            return quietly([&] { return conn_of(t).expect_loose(s, us); });
          },
          py::arg("pattern") = py::none())
      .def(
          "expect_at",
          [](const T& t, std::uint64_t at, const py::object& pattern, const py::kwargs& fields) {
            const Segment s = to_segment(pattern, fields);
            return quietly([&] { return conn_of(t).expect_at(s, at); });
          },
          py::arg("at"), py::arg("pattern") = py::none())
      .def(
          "expect_ack", [](const T& t, std::uint64_t us) { return quietly([&] { return conn_of(t).expect_ack(us); }); },
          within)
      .def("expect_delayed_ack", [](const T& t) { return quietly([&] { return conn_of(t).expect_delayed_ack(); }); })
      .def(
          "expect_text",
          [](const T& t, std::size_t n, std::uint64_t us, std::optional<long long> seq) {
            return quietly([&] {
              return conn_of(t).expect_text(
                  n, us, seq ? std::optional{static_cast<std::uint32_t>(*seq & 0xFFFFFFFF)} : std::nullopt);
            });
          },
          py::arg("n"), within, py::arg("seq") = py::none())
      .def(
          "expect_fin", [](const T& t, std::uint64_t us) { return quietly([&] { return conn_of(t).expect_fin(us); }); },
          within)
      .def(
          "expect_syn", [](const T& t, std::uint64_t us) { return quietly([&] { return conn_of(t).expect_syn(us); }); },
          within)
      .def(
          "expect_syn_ack",
          [](const T& t, std::uint64_t us) { return quietly([&] { return conn_of(t).expect_syn_ack(us); }); }, within)
      .def(
          "expect_rst",
          [](const T& t, long long seq, std::uint64_t us) {
            return quietly([&] { return conn_of(t).expect_rst(static_cast<std::uint32_t>(seq & 0xFFFFFFFF), us); });
          },
          py::arg("seq"), within)
      .def(
          "expect_rst_ack",
          [](const T& t, long long seq, long long ack, std::uint64_t us) {
            return quietly([&] {
              return conn_of(t).expect_rst_ack(static_cast<std::uint32_t>(seq & 0xFFFFFFFF),
                                               static_cast<std::uint32_t>(ack & 0xFFFFFFFF), us);
            });
          },
          py::arg("seq"), py::arg("ack"), within)
      .def(
          "expect_abort_rst",
          [](const T& t, std::uint64_t us) { return quietly([&] { return conn_of(t).expect_abort_rst(us); }); }, within)
      .def(
          "expect_one_of",
          [](const T& t, const py::iterable& patterns, std::uint64_t us) {
            const auto all = segments(patterns);
            return quietly([&] { return conn_of(t).expect_one_of(all, us); });
          },
          py::arg("patterns"), within)
      .def(
          "allow",
          [](const T& t, const py::object& pattern, py::kwargs fields) {
            const std::uint64_t us = take_us(fields, "within", conformance::at_once);
            const Segment s = to_segment(pattern, fields);
            return quietly([&] { return conn_of(t).allow(s, us); });
          },
          py::arg("pattern") = py::none())
      // ---- user calls
      .def(
          "listen",
          [](const T& t, unsigned backlog, const py::object& local_ip, const py::object& remote_ip,
             std::uint16_t remote_port) {
            const OpenArgs a = open_args(backlog, false, false, local_ip, remote_ip, remote_port);
            quietly([&] { conn_of(t).listen(a); });
          },
          py::kw_only(), py::arg("backlog") = 8, py::arg("local_ip") = py::none(), py::arg("remote_ip") = py::none(),
          py::arg("remote_port") = 0)
      .def(
          "open",
          [](const T& t, CallStatus expected, bool nodelay, bool keepalive) {
            const OpenArgs a = open_args(8, nodelay, keepalive, py::none(), py::none(), 0);
            return quietly([&] { return conn_of(t).open(expected, a); });
          },
          ok, py::kw_only(), py::arg("nodelay") = false, py::arg("keepalive") = false)
      .def(
          "accept",
          [](const T& t, CallStatus expected) { return quietly([&] { return conn_of(t).accept(expected); }); }, ok)
      .def(
          "user_send", [](const T& t, std::size_t n) { quietly([&] { conn_of(t).user_send(n); }); }, py::arg("n"))
      .def(
          "offer",
          [](const T& t, std::size_t n, CallStatus expected) {
            return quietly([&] { return conn_of(t).offer(n, expected); });
          },
          py::arg("n"), ok)
      .def(
          "user_receive", [](const T& t, std::size_t n) { quietly([&] { conn_of(t).user_receive(n); }); }, py::arg("n"))
      .def(
          "receive",
          [](const T& t, std::uint32_t max, CallStatus expected) {
            return quietly([&] { return conn_of(t).receive(max, expected); });
          },
          py::arg("max"), ok)
      .def(
          "close",
          [](const T& t, CallStatus expected, bool half) {
            return quietly([&] { return conn_of(t).close(expected, half); });
          },
          ok, py::kw_only(), py::arg("half") = false)
      .def(
          "abort", [](const T& t, CallStatus expected) { return quietly([&] { return conn_of(t).abort(expected); }); },
          ok)
      .def(
          "status",
          [](const T& t, CallStatus expected) { return quietly([&] { return conn_of(t).status(expected); }); }, ok)
      .def(
          "expect_status", [](const T& t, State state) { quietly([&] { conn_of(t).expect_status(state); }); },
          py::arg("state"))
      // ---- notifications
      .def(
          "expect_notification",
          [](const T& t, std::uint16_t flags, std::uint64_t us) {
            quietly([&] { conn_of(t).expect_notification(flags, us); });
          },
          py::arg("flags"), within)
      .def(
          "expect_no_notification",
          [](const T& t, std::uint16_t flags) { quietly([&] { conn_of(t).expect_no_notification(flags); }); },
          py::arg("flags"))
      // ---- states
      .def(
          "reach",
          [](const T& t, State state, const py::object& role) {
            const auto r = to_role(role);
            quietly([&] { conn_of(t).reach(state, r); });
          },
          py::arg("state"), py::arg("role") = "passive")
      .def(
          "probe_state", [](const T& t, State state) { quietly([&] { conn_of(t).probe_state(state); }); },
          py::arg("state"))
      .def("probe_gone", [](const T& t) { quietly([&] { conn_of(t).probe_gone(); }); });
}

}  // namespace

std::function<void(Tester&)> python_body(py::object function, std::shared_ptr<std::exception_ptr> interrupted) {
  // Copies of a std::function copy what it holds, with or without the GIL: so hold a pointer.
  const std::shared_ptr<py::object> held(new py::object(std::move(function)), [](py::object* o) {
    const py::gil_scoped_acquire gil;
    delete o;
  });
  return [held, interrupted = std::move(interrupted)](Tester& tester) {
    const py::gil_scoped_acquire gil;
    const auto handle = std::make_shared<PyTester>(tester);
    try {
      (*held)(handle);
      handle->end();
    } catch (py::error_already_set& e) {
      handle->end();
      const py::module_ errors = py::module_::import("tiptoe._errors");
      const std::string text = py::cast<std::string>(py::str(e.value()));
      const auto last_line = [&] {
        return py::cast<std::string>(errors.attr("_where")(e.value(), e.trace() ? e.trace() : py::none()));
      };
      if (!e.matches(PyExc_Exception)) {
        *interrupted = std::make_exception_ptr(std::move(e));
        throw std::runtime_error("interrupted");
      }
      if (e.matches(errors.attr("Inapplicable"))) throw conformance::Inapplicable(text);
      if (e.matches(errors.attr("Inconclusive"))) throw conformance::Inconclusive(text);
      if (e.matches(errors.attr("ExpectationError"))) throw conformance::CaseFailure(text);
      if (e.matches(errors.attr("DeviceHang"))) throw DutHang(text);
      if (e.matches(errors.attr("Divergence"))) throw Divergence(text);
      if (e.matches(PyExc_AssertionError)) tester.fail(text.empty() ? last_line() : text + " (" + last_line() + ")");
      throw std::runtime_error(py::cast<std::string>(e.type().attr("__name__")) + ": " + text + " (" + last_line() +
                               ")");
    }
  };
}

void bind_tester(py::module_& m) {
  py::class_<PyConn> conn(m, "Connection");
  conn.def_property_readonly("name", [](const PyConn& c) { return conn_of(c).name(); })
      .def_property_readonly("device_ip", [](const PyConn& c) { return ip_to_string(conn_of(c).device.ip); })
      .def_property_readonly("device_port", [](const PyConn& c) { return conn_of(c).device.port; })
      .def_property_readonly("peer_ip", [](const PyConn& c) { return ip_to_string(conn_of(c).peer.ip); })
      .def_property_readonly("peer_port", [](const PyConn& c) { return conn_of(c).peer.port; })
      .def_property_readonly("handle", [](const PyConn& c) { return conn_of(c).handle; })
      .def("__repr__", [](const PyConn& c) { return "<Connection " + conn_of(c).name() + ">"; });
  bind_connection<PyConn>(conn);

  py::class_<PyTester, std::shared_ptr<PyTester>> tester(m, "Tester");
  tester
      .def_property_readonly("connection",
                             [](const std::shared_ptr<PyTester>& t) {
                               return PyConn{t, &t->get().c()};
                             })
      .def("add_connection",
           [](const std::shared_ptr<PyTester>& t) {
             return PyConn{t, &t->get().add_conn()};
           })
      .def(
          "send_raw",
          [](const PyTester& t, const py::object& octets, const std::string& what) {
            const Bytes bytes = to_datagram(octets);
            quietly([&] { t.get().send_raw(bytes, what); });
          },
          py::arg("octets"), py::arg("what") = "raw octets")
      .def(
          "expect_nothing", [](const PyTester& t, std::uint64_t us) { quietly([&] { t.get().expect_nothing(us); }); },
          py::arg("us") = conformance::at_once)
      .def(
          "expect_set",
          [](const PyTester& t, const py::iterable& patterns, std::uint64_t us) {
            const auto all = segments(patterns);
            return quietly([&] { return t.get().expect_set(all, us); });
          },
          py::arg("patterns"), py::arg("within") = conformance::at_once)
      .def(
          "next", [](const PyTester& t, std::uint64_t us) { return quietly([&] { return t.get().next(us); }); },
          py::arg("within") = conformance::at_once)
      .def_property_readonly("now_us", [](const PyTester& t) { return t.get().now(); })
      .def(
          "advance", [](const PyTester& t, std::uint64_t us) { quietly([&] { t.get().advance(us); }); }, py::arg("us"))
      .def(
          "set", [](const PyTester& t, const std::string& name, std::uint64_t value) { t.get().set(name, value); },
          py::arg("name"), py::arg("value"))
      .def(
          "counter", [](const PyTester& t, const std::string& name) { return t.get().counter(name); }, py::arg("name"))
      .def(
          "expect_counter",
          [](const PyTester& t, const std::string& name, std::uint64_t by) { t.get().expect_counter(name, by); },
          py::arg("name"), py::arg("by"))
      .def("reset_device", [](const PyTester& t) { quietly([&] { t.get().reset_device(); }); })
      .def(
          "step", [](const PyTester& t, const std::string& text) { t.get().step(text); }, py::arg("text"))
      .def(
          "fail", [](const PyTester& t, const std::string& text) { t.get().fail(text); }, py::arg("text"))
      .def(
          "check", [](const PyTester& t, bool condition, const std::string& text) { t.get().check(condition, text); },
          py::arg("condition"), py::arg("text"))
      .def(
          "inapplicable", [](const PyTester& t, const std::string& reason) { t.get().inapplicable(reason); },
          py::arg("reason"))
      .def(
          "inconclusive", [](const PyTester& t, const std::string& reason) { t.get().inconclusive(reason); },
          py::arg("reason"))
      .def(
          "remark", [](const PyTester& t, const std::string& text) { t.get().remark(text); }, py::arg("text"))
      .def(
          "random",
          [](const PyTester& t, std::uint32_t below) { return below == 0 ? t.get().random() : t.get().random(below); },
          py::arg("below") = 0)
      .def_property_readonly("ladder", [](const PyTester& t) { return t.get().ladder(); });
  bind_connection<PyTester>(tester);
  m.attr("AT_ONCE") = conformance::at_once;
  m.attr("ACK_DELAY_US") = conformance::ack_delay;
}

}  // namespace tiptoe::python
