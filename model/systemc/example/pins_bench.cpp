// SPDX-License-Identifier: Apache-2.0
// Two engines at pin level, wired to each other, with a host on either side: A opens a connection to B, 5000 octets go
// over, B closes. `--vcd name` writes waves.
#include <cstdio>
#include <cstring>
#include <string>
#include <vector>

#include "device.hpp"
#include "tiptoe/systemc/pins.hpp"

namespace {

using Bytes = std::vector<std::uint8_t>;
using Signals = tiptoe::systemc::signals<64>;
constexpr std::uint32_t kAddressA = 0x0A000001, kAddressB = 0x0A000002;

/// The host's side of the pins, for an SC_THREAD.
class Host {
 public:
  Host(Signals& pins, sc_core::sc_clock& clk) : pins_(pins), clk_(clk) {}

  struct Response {
    std::uint32_t status, handle, len;
  };

  void reset() {
    pins_.rst = true;
    clock(3);
    pins_.rst = false;
    for (auto* ready : {&pins_.rsp_ready, &pins_.evt_ready, &pins_.rxd_tready}) *ready = true;
  }
  void write(std::uint32_t address, std::uint32_t value) {
    pins_.reg_wr = true;
    pins_.reg_addr = address;
    pins_.reg_wdata = value;
    clock();
    pins_.reg_wr = false;
  }
  Response call(std::uint32_t op, std::uint32_t handle, std::uint32_t len = 0, std::uint32_t lport = 0,
                std::uint32_t rip = 0, std::uint32_t rport = 0) {
    pins_.cmd_op = op;
    pins_.cmd_handle = handle;
    pins_.cmd_len = len;
    pins_.cmd_lport = lport;
    pins_.cmd_rip = rip;
    pins_.cmd_rport = rport;
    pins_.cmd_valid = true;
    do clock();
    while (!pins_.cmd_ready.read());
    pins_.cmd_valid = false;
    do clock();
    while (!pins_.rsp_valid.read());
    return {pins_.rsp_status.read(), pins_.rsp_handle.read(), pins_.rsp_len.read()};
  }
  std::size_t send(std::uint32_t handle, const Bytes& data, std::size_t from) {
    const Response r = call(3, handle, static_cast<std::uint32_t>(data.size() - from));
    if (r.status != 0) return 0;
    for (std::size_t at = 0; at < r.len; at += 8) {
      std::uint64_t word = 0;
      std::memcpy(&word, data.data() + from + at, std::min<std::size_t>(8, r.len - at));
      pins_.txd_tdata = sc_dt::sc_bv<64>(word);
      pins_.txd_tvalid = true;
      do clock();
      while (!pins_.txd_tready.read());
      pins_.txd_tvalid = false;
    }
    return r.len;
  }
  void receive(std::uint32_t handle, Bytes& data) {
    const Response r = call(4, handle, 1U << 20);
    if (r.status != 0) return;
    for (const std::size_t end = data.size() + r.len; data.size() < end;) {
      clock();
      if (!pins_.rxd_tvalid.read()) continue;
      const std::uint64_t word = pins_.rxd_tdata.read().to_uint64();
      for (unsigned i = 0; i < 8; ++i)
        if ((pins_.rxd_tkeep.read() >> i & 1) != 0) data.push_back(static_cast<std::uint8_t>(word >> 8 * i));
    }
  }
  void clock(unsigned cycles = 1) {
    for (unsigned i = 0; i < cycles; ++i) sc_core::wait(clk_.posedge_event());
  }

 private:
  Signals& pins_;
  sc_core::sc_clock& clk_;
};

class Bench : public sc_core::sc_module {
 public:
  sc_core::sc_clock clk{"clk", 4, sc_core::SC_NS};
  Signals a{"a"}, b{"b"};
  tiptoe::systemc::tiptoe_sc<Device> engine_a{"engine_a"}, engine_b{"engine_b"};
  bool passed = false;

  explicit Bench(const sc_core::sc_module_name& name) : sc_core::sc_module(name) {
    SC_HAS_PROCESS(Bench);
    engine_a.clk(clk);
    engine_b.clk(clk);
    a.bind(engine_a);
    b.bind(engine_b);
    SC_METHOD(wires);
    sensitive << a.m_axis_tdata << a.m_axis_tkeep << a.m_axis_tvalid << a.m_axis_tlast << a.s_axis_tready
              << b.m_axis_tdata << b.m_axis_tkeep << b.m_axis_tvalid << b.m_axis_tlast << b.s_axis_tready;
    SC_METHOD(time);
    sensitive << clk.posedge_event();
    SC_THREAD(server);
    SC_THREAD(client);
  }

 private:
  void wires() {
    const auto connect = [](Signals& from, Signals& to) {
      to.s_axis_tdata = from.m_axis_tdata.read();
      to.s_axis_tkeep = from.m_axis_tkeep.read();
      to.s_axis_tvalid = from.m_axis_tvalid.read();
      to.s_axis_tlast = from.m_axis_tlast.read();
      from.m_axis_tready = to.s_axis_tready.read();
    };
    connect(a, b);
    connect(b, a);
  }
  void time() {
    const auto us = static_cast<std::uint64_t>(sc_core::sc_time_stamp() / sc_core::sc_time(1, sc_core::SC_US));
    a.now_us = us;
    b.now_us = us;
  }

  void server() {
    Host host(b, clk);
    host.reset();
    host.write(0x01, kAddressB);
    const auto listener = host.call(1, 0, 4, 80);  // OPEN_PASSIVE, backlog 4, port 80
    Host::Response connection{};
    do connection = host.call(8, listener.handle);  // ACCEPT
    while (connection.status != 0);
    Bytes received;
    while (received.size() < text_.size()) host.receive(connection.handle, received);
    passed = received == text_ && host.call(5, connection.handle).status == 0;  // CLOSE
    host.clock(500);
    std::printf("%s: %zu octets by %s\n", passed ? "passed" : "FAILED", received.size(),
                sc_core::sc_time_stamp().to_string().c_str());
    sc_core::sc_stop();
  }

  void client() {
    for (std::size_t i = 0; i < text_.size(); ++i) text_[i] = static_cast<std::uint8_t>(i * i >> 3);
    Host host(a, clk);
    host.reset();
    host.write(0x01, kAddressA);
    host.clock(300);                                                  // B listens by now
    const auto connection = host.call(2, 0, 0, 5000, kAddressB, 80);  // OPEN_ACTIVE
    for (std::size_t sent = 0; sent < text_.size();) sent += host.send(connection.handle, text_, sent);
  }

  Bytes text_ = Bytes(5000);
};

}  // namespace

int sc_main(int argc, char* argv[]) {
  Bench bench("bench");
  sc_core::sc_trace_file* waves = nullptr;
  if (argc == 3 && std::string(argv[1]) == "--vcd") {
    waves = sc_core::sc_create_vcd_trace_file(argv[2]);
    bench.a.trace(waves);
  }
  sc_core::sc_start(10, sc_core::SC_MS);
  if (waves != nullptr) sc_core::sc_close_vcd_trace_file(waves);
  return bench.passed ? 0 : 1;
}
