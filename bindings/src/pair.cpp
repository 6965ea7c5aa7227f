// SPDX-License-Identifier: Apache-2.0
// Two devices as each other's peers (tiptoe/pair.hpp). Both are in use while it runs, and free between two slices.
#include "tiptoe/pair.hpp"

#include "device.hpp"

namespace tiptoe::python {
namespace {

py::dict to_dict(const PairEndCounters& c, const LinkCounters& l) {
  py::dict d;
  d["octets"] = c.octets;
  d["opened"] = c.opened;
  d["accepted"] = c.accepted;
  d["datagrams"] = c.datagrams;
  d["retransmissions"] = c.retransmissions;
  d["resets"] = c.resets;
  d["late_resets"] = c.late_resets;
  d["refused_calls"] = c.refused_calls;
  d["ghosts"] = c.ghosts;
  d["time_wait"] = c.time_wait;
  d["lost"] = l.lost;
  d["duplicated"] = l.duplicated;
  d["reordered"] = l.reordered;
  d["corrupted"] = l.corrupted;
  return d;
}

py::dict to_dict(const PairResult& r) {
  py::dict d;
  d["done"] = r.done;
  d["a"] = to_dict(r.end[0], r.link[0]);
  d["b"] = to_dict(r.end[1], r.link[1]);
  d["connections"] = r.flows;
  d["failed"] = r.failed;
  d["most_open"] = r.most_open;
  d["device_us"] = r.device_us;
  d["bulk_us"] = r.bulk_us;
  d["seconds"] = r.seconds;
  d["digest"] = r.digest;
  d["failures"] = r.failures;
  return d;
}

class PairOfDevices {
 public:
  PairOfDevices(Device& a, Device& b, const std::array<std::uint32_t, 2>& addresses, const PairOptions& options)
      : a_(a), b_(b) {
    both([&](Dut& one, Dut& two) { pair_.emplace(one, two, addresses, options); });
  }

  bool run(unsigned ms) {
    bool more = false;
    both([&](Dut&, Dut&) { more = pair_->run(ms); });
    return more;
  }
  const PairResult& result() const { return pair_->result(); }
  bool real_time() const { return pair_->real_time(); }

 private:
  /// The GIL is given back once, by the inner one.
  template <class F>
  void both(F&& f) {
    a_.with_gil([&](Dut& one) { b_.run([&](Dut& two) { std::forward<F>(f)(one, two); }); });
  }

  Device& a_;
  Device& b_;
  std::optional<Pair> pair_{};
};

}  // namespace

void bind_pair(py::module_& m) {
  py::class_<PairOfDevices>(m, "Pair")
      .def(py::init([](Device& a, Device& b, const py::object& a_ip, const py::object& b_ip, std::uint64_t bytes,
                       std::uint64_t opens, std::uint64_t size, unsigned side_by_side, std::uint32_t loss_ppm,
                       std::uint32_t duplicate_ppm, std::uint32_t reorder_ppm, std::uint32_t corrupt_ppm,
                       std::uint64_t delay_us, std::uint64_t jitter_us, std::uint64_t seed, unsigned a_tables,
                       unsigned b_tables) {
             const PairOptions options{.bytes = bytes,
                                       .opens = opens,
                                       .size = size,
                                       .side_by_side = side_by_side,
                                       .link = {.loss_ppm = loss_ppm,
                                                .duplicate_ppm = duplicate_ppm,
                                                .reorder_ppm = reorder_ppm,
                                                .corrupt_ppm = corrupt_ppm,
                                                .delay_us = delay_us,
                                                .jitter_us = jitter_us},
                                       .seed = seed,
                                       .tables = {a_tables, b_tables}};
             return std::make_unique<PairOfDevices>(a, b, std::array{to_ip(a_ip), to_ip(b_ip)}, options);
           }),
           py::arg("a"), py::arg("b"), py::kw_only(), py::arg("a_ip"), py::arg("b_ip"), py::arg("bytes") = 0,
           py::arg("opens") = 0, py::arg("size") = 512, py::arg("side_by_side") = 0, py::arg("loss_ppm") = 0,
           py::arg("duplicate_ppm") = 0, py::arg("reorder_ppm") = 0, py::arg("corrupt_ppm") = 0,
           py::arg("delay_us") = 1000, py::arg("jitter_us") = 0, py::arg("seed") = 1, py::arg("a_tables") = 0,
           py::arg("b_tables") = 0, py::keep_alive<1, 2>(), py::keep_alive<1, 3>())
      .def("run", &PairOfDevices::run, py::arg("ms") = 100)
      .def_property_readonly("real_time", &PairOfDevices::real_time)
      .def("result", [](const PairOfDevices& p) { return to_dict(p.result()); });
}

}  // namespace tiptoe::python
