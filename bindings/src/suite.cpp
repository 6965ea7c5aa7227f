// SPDX-License-Identifier: Apache-2.0
// Cases and runs in Python. Everything goes over as plain values; tiptoe/suite.py makes dataclasses of them.
#include <algorithm>

#include "device.hpp"
#include "tester.hpp"
#include "tiptoe/conformance/runner.hpp"

namespace tiptoe::python {
namespace {

using conformance::Case;
using conformance::Result;
using conformance::RunOptions;

py::dict to_dict(const conformance::Settings& settings) {
  py::dict d;
  for (const auto& [name, value] : settings) d[py::str(name)] = value;
  return d;
}

conformance::Settings to_settings(const py::dict& d) {
  conformance::Settings settings;
  for (const auto& [name, value] : d) {
    settings.emplace_back(py::cast<std::string>(name), py::cast<std::uint64_t>(value));
  }
  return settings;
}

py::dict to_dict(const Case& c) {
  py::dict d;
  d["id"] = c.id;
  d["title"] = c.title;
  d["rules"] = py::tuple(py::cast(c.rules));
  d["description"] = c.description;
  d["level"] = conformance::to_string(c.level);
  d["profile"] = c.profile;
  d["settings"] = to_dict(c.settings);
  return d;
}

py::dict to_dict(Result&& r, bool frames) {
  py::dict d;
  d["verdict"] = conformance::to_string(r.verdict);
  d["message"] = std::move(r.message);
  d["remarks"] = py::tuple(py::cast(r.remarks));
  d["ladder"] = std::move(r.ladder);
  d["repeat"] = std::move(r.repeat);
  d["seed"] = r.seed;
  d["cycles"] = r.cycles;
  d["virtual_us"] = r.virtual_us;
  d["wall_seconds"] = r.wall_s;
  d["frames"] = frames ? py::tuple(py::cast(std::move(r.frames))) : py::tuple();
  return d;
}

RunOptions run_options(std::uint64_t seed, const py::dict& settings, const std::string& arguments) {
  RunOptions o;
  o.seed = seed;
  o.settings = to_settings(settings);
  o.dut_arguments = arguments;
  return o;
}

py::dict run(const Case& c, Device& device, const RunOptions& options, bool frames,
             const std::shared_ptr<std::exception_ptr>& interrupted = {}) {
  Result r = device.run([&](Dut& dut) {
    Journal* journal = device.journal();
    if (journal == nullptr) return conformance::run_case(c, dut, options);
    journal->begin(c.id);
    JournalDut watched(dut, *journal);
    return conformance::run_case(c, watched, options);
  });
  if (interrupted && *interrupted) std::rethrow_exception(*interrupted);
  return to_dict(std::move(r), frames);
}

}  // namespace

void bind_suite(py::module_& m) {
  m.def("cases", [] {
    py::list all;
    for (const Case& c : conformance::all_cases().cases()) all.append(to_dict(c));
    return all;
  });
  m.def("profiles", [] {
    py::list all;
    for (const conformance::Profile& p : conformance::profiles()) {
      all.append(py::make_tuple(p.name, p.description, to_dict(p.settings)));
    }
    return all;
  });
  m.def(
      "run_case",
      [](const std::string& id, Device& device, std::uint64_t seed, const py::dict& settings,
         const std::string& arguments, bool frames) {
        const Case* c = conformance::all_cases().find(id);
        if (c == nullptr) throw UsageError("no case '" + id + "'");
        return run(*c, device, run_options(seed, settings, arguments), frames);
      },
      py::arg("id"), py::arg("device"), py::kw_only(), py::arg("seed") = 1, py::arg("settings") = py::dict(),
      py::arg("arguments") = "", py::arg("frames") = true);
  m.def(
      "run_function",
      [](const py::dict& description, const py::object& function, Device& device, std::uint64_t seed,
         const py::dict& settings, const std::string& arguments, bool frames) {
        const auto interrupted = std::make_shared<std::exception_ptr>();
        const auto text = [&](const char* key) { return py::cast<std::string>(description[key]); };
        Case c;
        c.id = text("id");
        c.title = text("title");
        c.rules = py::cast<std::vector<std::string>>(description["rules"]);
        c.description = text("description");
        const std::string level = text("level");
        c.level = level == "should" ? conformance::Level::should
                  : level == "may"  ? conformance::Level::may
                                    : conformance::Level::must;
        c.profile = text("profile");
        try {
          conformance::profile(c.profile);
        } catch (const std::out_of_range& e) {
          throw UsageError(e.what());
        }
        c.settings = to_settings(description["settings"]);
        c.run = python_body(function, interrupted);
        return run(c, device, run_options(seed, settings, arguments), frames, interrupted);
      },
      py::arg("description"), py::arg("function"), py::arg("device"), py::kw_only(), py::arg("seed") = 1,
      py::arg("settings") = py::dict(), py::arg("arguments") = "", py::arg("frames") = true);
}

}  // namespace tiptoe::python
