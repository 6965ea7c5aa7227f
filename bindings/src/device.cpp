// SPDX-License-Identifier: Apache-2.0
// Devices as Python holds them: built in, from a shared object, or written in Python.
#include "device.hpp"

#include <algorithm>

#include "python_dut.hpp"
#include "tiptoe/choices.hpp"
#include "tiptoe/registers.hpp"

namespace tiptoe::python {
namespace {

// -------------------------------------------------------------------------------------------------------- small things

std::string number(std::uint64_t n) { return std::to_string(n); }

std::string available_sets() {
  std::string text;
  for (const DutOptions& o : rtl_parameter_sets()) {
    text += (text.empty() ? "" : ", ") + number(o.data_w) + " bit with " + number(o.conns) + " connections";
  }
  return text.empty() ? "none" : text;
}

struct Parameter {
  const char* name;
  unsigned DutOptions::*member;
};
constexpr std::array kParameters{Parameter{"width", &DutOptions::data_w},
                                 Parameter{"connections", &DutOptions::conns},
                                 Parameter{"listeners", &DutOptions::listeners},
                                 Parameter{"tx_buffer_log2", &DutOptions::tx_buf_log2},
                                 Parameter{"rx_buffer_log2", &DutOptions::rx_buf_log2},
                                 Parameter{"timer_scan", &DutOptions::timer_scan}};

OpenArgs open_args(const py::object& local_ip, std::uint16_t local_port, const py::object& remote_ip,
                   std::uint16_t remote_port) {
  OpenArgs a;
  if (!local_ip.is_none()) a.local_ip = to_ip(local_ip);
  a.local_port = local_port;
  if (!remote_ip.is_none()) a.remote_ip = to_ip(remote_ip);
  a.remote_port = remote_port;
  return a;
}

DutConfig config(std::uint64_t seed, const py::dict& settings) {
  DutConfig c{.settings = {}, .seed = seed};
  for (const auto& [name, value] : settings) {
    c.settings.emplace_back(py::cast<std::string>(name), py::cast<std::uint64_t>(value));
  }
  return c;
}

std::string call_repr(const CallResult& r) {
  std::string text = std::string("<CallResult ") + to_string(r.status) + ", handle " + number(r.handle.value) + ", " +
                     to_string(r.state);
  if (r.length != 0) text += ", length " + number(r.length);
  if (r.readable != 0) text += ", readable " + number(r.readable);
  if (r.room != 0) text += ", room " + number(r.room);
  if (!r.data.empty()) text += ", data of " + number(r.data.size()) + " octets";
  return text + ">";
}

py::object notify_object(std::uint16_t flags) { return enum_member("Notify", flags); }

/// Fields of the connection record that the device tells, by the names of section 8.3 of the micro-architecture.
py::dict fields_of(const RetireRecord& r) {
  py::dict out;
  if (!r.record.empty()) {
    for (const RecordField& field : record_fields()) {
      out[py::str(std::string(field.name))] = packed_field(r.record, field);
    }
    return out;
  }
  using R = RetireRecord;
  const auto put = [&](const char* name, std::uint32_t bit, std::uint32_t value) {
    if ((r.fields & bit) == bit) out[name] = value;
  };
  put("lip", R::has_tuple, r.local_ip);
  put("lport", R::has_tuple, r.local_port);
  put("rip", R::has_tuple, r.remote_ip);
  put("rport", R::has_tuple, r.remote_port);
  put("iss", R::has_iss, r.iss);
  put("irs", R::has_irs, r.irs);
  put("snd_una", R::has_snd_una, r.snd_una);
  put("snd_nxt", R::has_snd_nxt, r.snd_nxt);
  put("snd_wnd", R::has_snd_wnd, r.snd_wnd);
  put("rcv_nxt", R::has_rcv_nxt, r.rcv_nxt);
  put("rcv_adv", R::has_rcv_nxt | R::has_rcv_wnd, r.rcv_nxt + r.rcv_wnd);
  put("rto", R::has_rto, r.rto);
  return out;
}

template <class E>
[[noreturn]] void again(const E& e, const std::string& kind) {
  throw E("the device " + kind + " cannot be reset: " + e.what());
}

/// An exception of a device from outside says whose it is: nobody has asked for a reset yet.
void first_reset(Device& device, const DutConfig& start, bool built_in) {
  const auto reset = [&] { device.run([&](Dut& dut) { dut.reset(start); }); };
  if (built_in) return reset();
  try {
    reset();
  } catch (const DutHang& e) {
    again(e, device.kind());
  } catch (const DutUnsupported& e) {
    again(e, device.kind());
  } catch (const DutNonsense& e) {
    again(e, device.kind());
  } catch (const DutError& e) {
    again(e, device.kind());
  }
}

void bind_values(py::module_& m) {
  py::class_<Handle>(m, "Handle")
      .def(py::init([](std::uint32_t value) { return Handle{value}; }), py::arg("value"))
      .def_readonly("value", &Handle::value)
      .def(
          "__eq__", [](const Handle& a, const Handle& b) { return a == b; }, py::is_operator())
      .def("__hash__", [](const Handle& h) { return h.value; })
      .def("__repr__", [](const Handle& h) { return "Handle(" + number(h.value) + ")"; });

  py::class_<OpenArgs>(m, "OpenArgs")
      .def_property_readonly("local_ip", [](const OpenArgs& a) { return ip_to_string(a.local_ip); })
      .def_readonly("local_port", &OpenArgs::local_port)
      .def_property_readonly("remote_ip", [](const OpenArgs& a) { return ip_to_string(a.remote_ip); })
      .def_readonly("remote_port", &OpenArgs::remote_port)
      .def_readonly("backlog", &OpenArgs::backlog)
      .def_readonly("nodelay", &OpenArgs::nodelay)
      .def_readonly("keepalive", &OpenArgs::keepalive)
      .def_readonly("from_listener", &OpenArgs::from_listener);

  py::class_<CallResult>(m, "CallResult")
      .def(py::init([](CallStatus status, std::optional<Handle> handle, std::uint32_t length, State state,
                       std::uint32_t readable, std::uint32_t room, const py::object& data) {
             return CallResult{.status = status,
                               .handle = handle.value_or(Handle{}),
                               .length = length,
                               .state = state,
                               .readable = readable,
                               .room = room,
                               .data = data.is_none() ? Bytes{} : to_datagram(data)};
           }),
           py::arg("status"), py::kw_only(), py::arg("handle") = py::none(), py::arg("length") = 0,
           py::arg("state") = State::closed, py::arg("readable") = 0, py::arg("room") = 0, py::arg("data") = py::none())
      .def_readonly("status", &CallResult::status)
      .def_readonly("handle", &CallResult::handle)
      .def_readonly("length", &CallResult::length)
      .def_readonly("state", &CallResult::state)
      .def_readonly("readable", &CallResult::readable)
      .def_readonly("room", &CallResult::room)
      .def_property_readonly("data", [](const CallResult& r) { return to_bytes(r.data); })
      .def("__bool__", [](const CallResult& r) { return static_cast<bool>(r); })
      .def("__repr__", &call_repr);

  py::class_<Notification>(m, "Notification")
      .def(py::init([](Handle handle, std::uint16_t flags, std::uint64_t time_us) {
             return Notification{handle, flags, time_us};
           }),
           py::arg("handle"), py::arg("flags"), py::arg("time_us") = 0)
      .def_readonly("handle", &Notification::handle)
      .def_property_readonly("flags", [](const Notification& n) { return notify_object(n.flags); })
      .def_readonly("time_us", &Notification::time_us)
      .def("__repr__", [](const Notification& n) {
        return "<Notification handle " + number(n.handle.value) + ", " +
               py::cast<std::string>(py::str(notify_object(n.flags).attr("name"))) + ", " + number(n.time_us) + " us>";
      });

  py::class_<RetireRecord>(m, "RetireRecord")
      .def_readonly("order", &RetireRecord::order)
      .def_property_readonly("kind", [](const RetireRecord& r) { return enum_member("EventKind", r.kind); })
      .def_readonly("cycle", &RetireRecord::cycle)
      .def_readonly("time_us", &RetireRecord::time_us)
      .def_readonly("connection", &RetireRecord::connection)
      .def_readonly("reason", &RetireRecord::reason)
      .def_readonly("state", &RetireRecord::state)
      .def_readonly("sent", &RetireRecord::sent)
      .def_property_readonly("fields", &fields_of)
      .def("__repr__", [](const RetireRecord& r) {
        return "<RetireRecord " + number(r.order) + ": " +
               py::cast<std::string>(enum_member("EventKind", r.kind).attr("name")) + ", " +
               (r.connection ? "connection " + number(*r.connection) + ", " + to_string(r.state) : "no connection") +
               ", reason " + number(r.reason) + (r.sent ? ", sent" : "") + ", cycle " + number(r.cycle) + ", " +
               number(r.time_us) + " us>";
      });
}

}  // namespace

// ---------------------------------------------------------------------------------------------------------------
// Device

Device::Use::Use(Device& device) : device_(device) {
  if (device.busy_.test_and_set()) throw UsageError("this device is in use by another thread");
  if (device.dut_ == nullptr) {
    device.busy_.clear();
    throw UsageError("this device has been closed");
  }
}

void Device::close() {
  if (dut_ == nullptr) return;
  std::unique_ptr<Dut> dut;
  {
    const Use use(*this);
    dut = std::move(dut_);
  }
  const py::gil_scoped_release nogil;
  dut.reset();
}

void Device::inject(Dut& dut, ByteView datagram) {
  dut.inject(datagram);
  if (recording_) frames_.push_back({Bytes(datagram.begin(), datagram.end()), dut.now_us(), dut.cycles(), true});
}

std::vector<Datagram> Device::take_frames() { return std::exchange(frames_, {}); }

DutOptions dut_options(const py::dict& parameters) {
  DutOptions o;
  for (const Parameter& parameter : kParameters) {
    if (parameters.contains(parameter.name)) o.*parameter.member = py::cast<unsigned>(parameters[parameter.name]);
  }
  return o;
}

void bind_device(py::module_& m) {
  bind_values(m);

  py::class_<Device> cls(m, "Device");
  cls.def(py::init([](const py::object& kind, unsigned width, unsigned connections, unsigned listeners,
                      unsigned tx_buffer_log2, unsigned rx_buffer_log2, unsigned timer_scan, bool random_stalls,
                      const std::string& waves, std::uint64_t seed, const py::dict& settings, bool record,
                      const std::string& arguments, const py::object& capabilities) {
            const DutOptions options{.data_w = width,
                                     .conns = connections,
                                     .listeners = listeners,
                                     .tx_buf_log2 = tx_buffer_log2,
                                     .rx_buf_log2 = rx_buffer_log2,
                                     .timer_scan = timer_scan,
                                     .random_stalls = random_stalls,
                                     .waves = waves};
            std::unique_ptr<Device> device;
            const std::string name = py::isinstance<py::str>(kind) ? py::cast<std::string>(kind) : "";
            if (is_built_in(name)) {
              if (!arguments.empty() || !capabilities.is_none()) {
                throw UsageError("'" + name +
                                 "' is built in: arguments and a capability file are for devices of your own");
              }
              const py::gil_scoped_release nogil;
              device = std::make_unique<Device>(make_dut(name, options), name, options);
            } else {
              Outside found = make_outside(kind, arguments, capabilities);
              device = std::make_unique<Device>(std::move(found.dut), found.kind, options);
            }
            device->set_recording(record);
            const DutConfig start = config(seed, settings);
            first_reset(*device, start, is_built_in(name));
            return device;
          }),
          py::arg("kind") = "model", py::kw_only(), py::arg("width") = 64, py::arg("connections") = 64,
          py::arg("listeners") = 8, py::arg("tx_buffer_log2") = 14, py::arg("rx_buffer_log2") = 14,
          py::arg("timer_scan") = 4, py::arg("random_stalls") = false, py::arg("waves") = "", py::arg("seed") = 1,
          py::arg("settings") = py::dict(), py::arg("record") = false, py::arg("arguments") = "",
          py::arg("capabilities") = py::none())
      .def("__enter__", [](const py::object& self) { return self; })
      .def("__exit__", [](Device& d, const py::args&) { d.close(); })
      .def("shut_down", &Device::close)
      .def("set_journal", &Device::set_journal, py::arg("fd"))
      .def_property_readonly("closed", &Device::closed)
      .def_property_readonly("kind", &Device::kind)
      .def_property_readonly("user_calls", &Device::user_calls)
      .def_property_readonly("capabilities", [](Device& d) { return to_dict(d.capabilities()); })
      .def_property_readonly("name", [](Device& d) { return d.run([](Dut& dut) { return dut.name(); }); })
      .def_property_readonly("description", [](Device& d) { return d.run([](Dut& dut) { return dut.description(); }); })
      .def_property_readonly("width", [](const Device& d) { return d.options().data_w; })
      .def_property_readonly("connections", [](const Device& d) { return d.options().conns; })
      .def("__repr__",
           [](Device& d) {
             return d.closed() ? "<Device " + d.kind() + ", closed>"
                               : "<Device " + d.run([](Dut& dut) { return dut.description(); }) + ">";
           })
      // ---- L0
      .def(
          "reset",
          [](Device& d, std::uint64_t seed, const py::kwargs& settings) {
            const DutConfig c = config(seed, settings);
            d.run([&](Dut& dut) { dut.reset(c); });
            d.take_frames();
          },
          py::arg("seed") = 1)
      .def("settle", [](Device& d) { d.run([](Dut& dut) { dut.settle(); }); })
      .def(
          "advance", [](Device& d, std::uint64_t us) { d.run([us](Dut& dut) { dut.advance(us); }); }, py::arg("us"))
      .def_property_readonly("now_us", [](Device& d) { return d.run([](Dut& dut) { return dut.now_us(); }); })
      .def_property_readonly("cycles", [](Device& d) { return d.run([](Dut& dut) { return dut.cycles(); }); })
      // ---- L1
      .def(
          "open_passive",
          [](Device& d, std::uint16_t port, const py::object& local_ip, const py::object& remote_ip,
             std::uint16_t remote_port, unsigned backlog) {
            OpenArgs a = open_args(local_ip, port, remote_ip, remote_port);
            a.backlog = backlog;
            return d.run([&](Dut& dut) { return dut.open_passive(a); });
          },
          py::arg("port"), py::kw_only(), py::arg("local_ip") = py::none(), py::arg("remote_ip") = py::none(),
          py::arg("remote_port") = 0, py::arg("backlog") = 8)
      .def(
          "open_active",
          [](Device& d, const py::object& remote_ip, std::uint16_t remote_port, std::uint16_t local_port,
             const py::object& local_ip, bool nodelay, bool keepalive, std::optional<Handle> from_listener) {
            OpenArgs a = open_args(local_ip, local_port, remote_ip, remote_port);
            a.nodelay = nodelay;
            a.keepalive = keepalive;
            a.from_listener = from_listener;
            return d.run([&](Dut& dut) { return dut.open_active(a); });
          },
          py::arg("remote_ip"), py::arg("remote_port"), py::kw_only(), py::arg("local_port"),
          py::arg("local_ip") = py::none(), py::arg("nodelay") = false, py::arg("keepalive") = false,
          py::arg("from_listener") = py::none())
      .def(
          "accept", [](Device& d, Handle h) { return d.run([h](Dut& dut) { return dut.accept(h); }); },
          py::arg("listener"))
      .def(
          "send",
          [](Device& d, Handle h, const py::object& data) {
            const Buffer buffer(data);
            return d.run([&](Dut& dut) { return dut.send(h, buffer.view()); });
          },
          py::arg("handle"), py::arg("data"))
      .def(
          "receive",
          [](Device& d, Handle h, std::uint32_t max) { return d.run([=](Dut& dut) { return dut.receive(h, max); }); },
          py::arg("handle"), py::arg("max") = 65535)
      .def(
          "close", [](Device& d, Handle h, bool half) { return d.run([=](Dut& dut) { return dut.close(h, half); }); },
          py::arg("handle"), py::kw_only(), py::arg("half") = false)
      .def(
          "abort", [](Device& d, Handle h) { return d.run([h](Dut& dut) { return dut.abort(h); }); }, py::arg("handle"))
      .def(
          "status", [](Device& d, Handle h) { return d.run([h](Dut& dut) { return dut.status(h); }); },
          py::arg("handle"))
      .def(
          "set_options",
          [](Device& d, Handle h, bool nodelay, bool keepalive) {
            return d.run([=](Dut& dut) { return dut.set_options(h, nodelay, keepalive); });
          },
          py::arg("handle"), py::kw_only(), py::arg("nodelay"), py::arg("keepalive"))
      .def("poll_notification", [](Device& d) { return d.run([](Dut& dut) { return dut.poll_notification(); }); })
      .def("notifications",
           [](Device& d) {
             return d.run([](Dut& dut) {
               std::vector<Notification> all;
               while (auto n = dut.poll_notification()) all.push_back(*n);
               return all;
             });
           })
      // ---- settings, counters, L2, faults
      .def(
          "set",
          [](Device& d, const std::string& name, std::uint64_t value) {
            d.run([&](Dut& dut) { dut.set(name, value); });
          },
          py::arg("name"), py::arg("value"))
      .def(
          "counter",
          [](Device& d, const std::string& name) { return d.run([&](Dut& dut) { return dut.counter(name); }); },
          py::arg("name"))
      .def_property_readonly("has_retire_records",
                             [](Device& d) { return d.run([](Dut& dut) { return dut.has_retire_records(); }); })
      .def(
          "set_retire_recording", [](Device& d, bool on) { d.run([on](Dut& dut) { dut.set_retire_recording(on); }); },
          py::arg("on") = true)
      .def("take_retire_records", [](Device& d) { return d.run([](Dut& dut) { return dut.take_retire_records(); }); })
      .def(
          "set_fault", [](Device& d, const std::string& id) { d.run([&](Dut& dut) { dut.set_fault(id); }); },
          py::arg("id"))
      // ---- recording
      .def_property("recording", &Device::recording, &Device::set_recording)
      .def_property_readonly("frames", [](const Device& d) { return d.frames(); })
      .def("take_frames", &Device::take_frames);

  add_packet_methods(cls);

  m.def("rtl_parameter_sets", [] {
    py::list sets;
    for (const DutOptions& o : rtl_parameter_sets()) {
      py::dict d;
      for (const Parameter& parameter : kParameters) d[parameter.name] = o.*parameter.member;
      sets.append(d);
    }
    return sets;
  });
  m.def("available_sets", &available_sets);
  m.def("registers", [] {
    py::list all;
    for (const RegisterInfo& r : registers())
      all.append(py::make_tuple(std::string(r.name), r.writable, r.reset_value));
    return all;
  });
  m.def("choices", [] {
    py::list all;
    for (const Choice& c : all_choices()) {
      const std::vector<std::string> answers(c.answers.begin(), c.answers.end());
      all.append(py::make_tuple(std::string(c.name), answers, std::string(c.question)));
    }
    return all;
  });
  m.def("all_calls", [] { return Capabilities::all_calls(); });
}

}  // namespace tiptoe::python
