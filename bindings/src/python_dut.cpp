// SPDX-License-Identifier: Apache-2.0
#include "python_dut.hpp"

#include <algorithm>
#include <array>

#include "tiptoe/plugin.hpp"

namespace tiptoe::python {
namespace {

/// The contract of dut.hpp on top of a Python object (class tiptoe.Dut). Every method takes the GIL.
class PythonDut final : public Dut {
 private:
  /// Runs f, which calls `method` of the device; what it raises becomes an exception of the contract, in one sentence.
  template <class F>
  static auto call(const char* method, F&& f) {
    const py::gil_scoped_acquire gil;
    try {
      return f();
    } catch (py::error_already_set& e) {
      const py::module_ errors = py::module_::import("tiptoe._errors");
      const auto story = [&] {
        return std::string(method) + "() raised " +
               py::cast<std::string>(errors.attr("_story")(e.value(), e.trace() ? e.trace() : py::none()));
      };
      if (e.matches(PyExc_SystemExit)) throw DutNonsense("it wants to end the program: " + story());
      if (!e.matches(PyExc_Exception)) throw;  // KeyboardInterrupt goes on
      const bool hang = e.matches(errors.attr("DeviceHang"));
      const bool unsupported = e.matches(errors.attr("DeviceUnsupported"));
      const bool nonsense = e.matches(errors.attr("DeviceNonsense"));
      const bool ours = e.matches(errors.attr("DeviceError"));
      const std::string what = ours ? py::cast<std::string>(py::str(e.value())) : story();
      if (hang) throw DutHang(what);
      if (unsupported) throw DutUnsupported(what);
      if (nonsense) throw DutNonsense(what);
      throw DutError(what);
    }
  }
  [[noreturn]] static void nonsense(const char* method, const py::object& o, const char* wanted) {
    auto text = py::cast<std::string>(py::repr(o));
    if (text.size() > 60) text = text.substr(0, 57) + "...";
    throw DutNonsense(std::string(method) + " gave " + text + ", which is not " + wanted);
  }
  template <class T>
  static T value(const char* method, const py::object& o, const char* wanted) {
    try {
      return py::cast<T>(o);
    } catch (const py::cast_error&) {
      nonsense(method, o, wanted);
    }
  }
  template <class T>
  T attribute(const char* name, const char* wanted) const {
    return call(name, [&] { return value<T>(name, object_.attr(name), wanted); });
  }
  static std::optional<Datagram> datagram(const char* method, const py::object& o) {
    if (o.is_none()) return std::nullopt;
    if (is_datagram(o)) return datagram_value(o);
    try {
      return Datagram{.bytes = to_datagram(o)};
    } catch (const std::exception&) {
      nonsense(method, o, "a datagram (a tiptoe.Datagram, or octets)");
    }
  }
  static CallResult result(const char* method, const py::object& o) {
    if (py::isinstance<CallResult>(o)) return py::cast<CallResult>(o);
    CallResult r;
    r.status = value<CallStatus>(method, o, "a tiptoe.CallResult or CallStatus");
    return r;
  }
  template <class... A>
  CallResult user(const char* method, const A&... arguments) {
    return call(method, [&] { return result(method, object_.attr(method)(arguments...)); });
  }

 public:
  PythonDut(py::object object, Capabilities capabilities)
      : object_(std::move(object)), capabilities_(std::move(capabilities)) {}
  PythonDut(const PythonDut&) = delete;
  PythonDut& operator=(const PythonDut&) = delete;
  ~PythonDut() override {
    const py::gil_scoped_acquire gil;
    object_ = py::object();
  }

  std::string name() const override { return attribute<std::string>("name", "a text"); }
  std::string description() const override { return attribute<std::string>("description", "a text"); }
  const Capabilities& capabilities() const override { return capabilities_; }
  void reset(const DutConfig& config) override {
    call("reset", [&] {
      py::dict settings;
      for (const auto& [name, value] : config.settings) settings[py::str(name)] = value;
      object_.attr("reset")(settings, config.seed);
    });
  }
  void inject(std::span<const std::uint8_t> datagram) override {
    call("inject", [&] { object_.attr("inject")(to_bytes(datagram)); });
  }
  std::optional<Datagram> poll_output() override {
    return call("poll_output", [&] { return datagram("poll_output", object_.attr("poll_output")()); });
  }
  void settle() override {
    call("settle", [&] { object_.attr("settle")(); });
  }
  std::optional<Datagram> run_until_output(std::uint64_t us) override {
    return call("run_until_output", [&] { return datagram("run_until_output", object_.attr("run_until_output")(us)); });
  }
  void advance(std::uint64_t us) override {
    call("advance", [&] { object_.attr("advance")(us); });
  }
  std::uint64_t now_us() const override { return attribute<std::uint64_t>("now_us", "a whole number of microseconds"); }
  std::uint64_t cycles() const override { return attribute<std::uint64_t>("cycles", "a whole number of clock cycles"); }
  CallResult open_passive(const OpenArgs& a) override { return user("open_passive", a); }
  CallResult open_active(const OpenArgs& a) override { return user("open_active", a); }
  CallResult accept(Handle h) override { return user("accept", h); }
  CallResult send(Handle h, std::span<const std::uint8_t> data) override {
    return call("send", [&] { return result("send", object_.attr("send")(h, to_bytes(data))); });
  }
  CallResult receive(Handle h, std::uint32_t max) override { return user("receive", h, max); }
  CallResult close(Handle h, bool half) override { return user("close", h, half); }
  CallResult abort(Handle h) override { return user("abort", h); }
  CallResult status(Handle h) override { return user("status", h); }
  CallResult set_options(Handle h, bool nodelay, bool keepalive) override {
    return user("set_options", h, nodelay, keepalive);
  }
  std::optional<Notification> poll_notification() override {
    return call("poll_notification", [&] {
      return value<std::optional<Notification>>("poll_notification", object_.attr("poll_notification")(),
                                                "a tiptoe.Notification or None");
    });
  }
  void set(const std::string& name, std::uint64_t value) override {
    call("set", [&] { object_.attr("set")(name, value); });
  }
  std::uint64_t counter(const std::string& name) override {
    return call("counter",
                [&] { return value<std::uint64_t>("counter", object_.attr("counter")(name), "a whole number"); });
  }
  void set_fault(const std::string& id) override {
    throw DutError("no fault can be armed in " + name() + " (" + id + ")");
  }

 private:
  py::object object_;
  Capabilities capabilities_;
};

// One list for both directions: key of the dictionary, member. Keys are those of a capability file.
template <class C, class F>
void visit(C& c, F&& field) {
  field("name", c.name);
  field("description", c.description);
  field("calls", c.calls);
  field("calls_promised", c.calls_promised);
  field("addresses", c.addresses);
  field("peers", c.peers);
  field("ethernet", c.ethernet);
  field("mtu", c.mtu);
  field("real_time", c.real_time);
  field("at_once_us", c.at_once_us);
  field("timer_tolerance_us", c.timer_tolerance_us);
  field("quiet_us", c.quiet_us);
  field("longest_wait_us", c.longest_wait_us);
  field("connections", c.connections);
  field("listeners", c.listeners);
  field("send_buffer", c.send_buffer);
  field("receive_buffer", c.receive_buffer);
  field("all_settings", c.all_settings);
  field("settable", c.settable);
  field("fixed", c.fixed);
  field("choices", c.choices);
  field("all_counters", c.all_counters);
  field("counters", c.counters);
}
template <class S, class F>
void visit_service(S& s, F&& field) {
  field("port", s.port);
  field("reads", s.reads);
  field("echoes", s.echoes);
  field("closes", s.closes);
  field("talks", s.talks);
}
template <class S, class F>
void visit_client(S& s, F&& field) {
  field("port", s.port);
  field("within_us", s.within_us);
  field("reads", s.reads);
  field("closes", s.closes);
}

/// Takes a member out of a dictionary when it is there.
struct FromDict {
  const py::dict& d;
  template <class T>
  void operator()(const char* key, T& member) const {
    if (d.contains(key)) member = py::cast<T>(d[key]);
  }
  void operator()(const char* key, std::set<std::string>& member) const {  // any iterable
    if (!d.contains(key)) return;
    member.clear();
    for (const py::handle item : d[key]) member.insert(py::cast<std::string>(item));
  }
};
struct IntoDict {
  py::dict& d;
  template <class T>
  void operator()(const char* key, const T& member) const {
    d[key] = member;
  }
};

}  // namespace

Capabilities to_capabilities(const py::dict& d) {
  Capabilities c;
  visit(c, FromDict{d});
  if (d.contains("service") && !d["service"].is_none()) {
    const py::dict inner = d["service"];
    visit_service(*(c.service = Capabilities::Service{}), FromDict{inner});
  }
  if (d.contains("client") && !d["client"].is_none()) {
    const py::dict inner = d["client"];
    visit_client(*(c.client = Capabilities::Client{}), FromDict{inner});
  }
  return c;
}

py::dict to_dict(const Capabilities& c) {
  py::dict d;
  visit(c, IntoDict{d});
  d["service"] = py::none();
  d["client"] = py::none();
  if (c.service) {
    py::dict inner;
    visit_service(*c.service, IntoDict{inner});
    d["service"] = inner;
  }
  if (c.client) {
    py::dict inner;
    visit_client(*c.client, IntoDict{inner});
    d["client"] = inner;
  }
  return d;
}

bool is_built_in(const std::string& kind) {
  constexpr std::array names{"model", "rtl", "lockstep"};
  return std::find(names.begin(), names.end(), kind) != names.end();
}

Outside make_outside(const py::object& kind, const std::string& arguments, const py::object& capabilities) {
  const py::object found = py::module_::import("tiptoe.plug").attr("find")(kind, arguments, capabilities);
  Outside out;
  out.kind = py::cast<std::string>(found.attr("kind"));
  const Capabilities c = to_capabilities(found.attr("capabilities"));
  const auto library = py::cast<std::string>(found.attr("library"));
  if (library.empty()) {
    out.dut = check_answers(std::make_unique<PythonDut>(found.attr("device"), c));
    if (c.ethernet) out.dut = on_ethernet(std::move(out.dut));
  } else {
    const py::gil_scoped_release nogil;
    out.dut = load_dut(library, c, arguments);
  }
  return out;
}

}  // namespace tiptoe::python
