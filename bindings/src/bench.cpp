// SPDX-License-Identifier: Apache-2.0
// Soak, seeded faults and measurements.
#include <ctime>

#include "device.hpp"
#include "tiptoe/soak.hpp"
#include "tiptoe/tcp/faults.hpp"

namespace tiptoe::python {
namespace {

/// Processor time of this thread: what other programs do on this machine is no part of it.
double cpu_seconds() {
  timespec t{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
  return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_nsec) * 1e-9;
}

py::dict to_dict(const SoakResult& r) {
  py::dict d;
  d["passed"] = r.passed;
  d["diverged"] = r.diverged;
  d["failure"] = r.failure;
  d["failed_episode"] = r.failed_episode;
  d["cycles"] = r.cycles;
  d["device_us"] = r.device_us;
  d["seconds"] = r.seconds;
  d["episodes"] = r.episodes;
  d["datagrams_in"] = r.datagrams_in;
  d["datagrams_out"] = r.datagrams_out;
  d["commands"] = r.commands;
  d["notifications"] = r.notifications;
  d["retired"] = r.retired;
  d["text_in"] = r.text_in;
  d["text_out"] = r.text_out;
  d["digest"] = r.digest;
  return d;
}

/// One exchange per datagram, as tiptoe.commands.bench does it in Python: the time of the loop alone, and what came
/// out.
std::pair<std::uint64_t, double> drive_packets(Device& device, const std::vector<py::bytes>& prepared,
                                               unsigned rounds) {
  std::vector<Bytes> datagrams;
  datagrams.reserve(prepared.size());
  for (const py::bytes& octets : prepared) datagrams.push_back(to_datagram(octets));
  return device.run([&](Dut& dut) {
    std::uint64_t answers = 0;
    const double begin = cpu_seconds();
    for (unsigned round = 0; round < rounds; ++round) {
      for (const Bytes& datagram : datagrams) {
        dut.inject(datagram);
        dut.settle();
        std::vector<Datagram> out;
        while (auto answer = dut.poll_output()) out.push_back(std::move(*answer));
        answers += out.size();
      }
    }
    return std::pair{answers, cpu_seconds() - begin};
  });
}

}  // namespace

void bind_bench(py::module_& m) {
  m.def("faults", [] {
    py::list all;
    for (const tcp::FaultInfo& fault : tcp::FAULTS) all.append(py::make_tuple(fault.id, fault.text, fault.source));
    return all;
  });
  m.def(
      "soak",
      [](const std::string& kind, const py::dict& parameters, std::uint64_t cycles, std::uint64_t seed,
         std::uint64_t first_episode, const std::string& fault, const std::string& waves) {
        SoakOptions o;
        o.kind = kind;
        o.cycles = cycles;
        o.seed = seed;
        o.dut = dut_options(parameters);
        o.dut.waves = waves;
        o.first_episode = first_episode;
        o.fault = fault;
        SoakResult r;
        {
          const py::gil_scoped_release nogil;
          r = soak(o);
        }
        return to_dict(r);
      },
      py::arg("kind"), py::arg("parameters"), py::kw_only(), py::arg("cycles"), py::arg("seed"),
      py::arg("first_episode") = 0, py::arg("fault") = "", py::arg("waves") = "");
  m.def(
      "measure_speed",
      [](const std::string& kind, const py::dict& parameters, std::uint64_t cycles) {
        const DutOptions options = dut_options(parameters);
        const py::gil_scoped_release nogil;
        const SpeedResult r = measure_speed(kind, options, cycles);
        return std::pair{r.cycles, r.seconds};
      },
      py::arg("kind"), py::arg("parameters"), py::kw_only(), py::arg("cycles"));
  m.def(
      "measure_segment_rate",
      [](const std::string& kind, const py::dict& parameters, unsigned connections, std::uint64_t segments) {
        const DutOptions options = dut_options(parameters);
        const py::gil_scoped_release nogil;
        const SegmentRate r = measure_segment_rate(kind, options, connections, segments);
        return std::pair{r.segments, r.cycles};
      },
      py::arg("kind"), py::arg("parameters"), py::kw_only(), py::arg("connections"), py::arg("segments"));
  m.def("drive_packets", &drive_packets, py::arg("device"), py::arg("prepared"), py::arg("rounds"));
}

}  // namespace tiptoe::python
