// SPDX-License-Identifier: Apache-2.0
// Two engines, loosely timed, socket to socket: A opens a connection to B, sends, both close; then 2 MSL pass in no
// time.
#include <cstdio>
#include <vector>

#include "device.hpp"
#include "tiptoe/systemc/tlm.hpp"

namespace {

using tiptoe::systemc::Bytes;
using tiptoe::systemc::HostCommand;
using tiptoe::systemc::HostResponse;
constexpr std::uint32_t kAddressA = 0x0A000001, kAddressB = 0x0A000002;
constexpr std::uint8_t kOpenPassive = 1, kOpenActive = 2, kClose = 5, kStatus = 7, kAccept = 8;
constexpr std::uint8_t kOk = 0, kNoConnection = 1;

class Bench : public sc_core::sc_module {
 public:
  using Engine = tiptoe::systemc::tiptoe_tlm<Device>;
  Engine a{"a", 64, sc_core::sc_time(4, sc_core::SC_NS)}, b{"b", 64, sc_core::sc_time(4, sc_core::SC_NS)};
  tlm_utils::simple_initiator_socket<Bench> regs_a{"regs_a"}, regs_b{"regs_b"};
  bool passed = false;

  explicit Bench(const sc_core::sc_module_name& name) : sc_core::sc_module(name) {
    SC_HAS_PROCESS(Bench);
    a.net_out.bind(b.net_in);
    b.net_out.bind(a.net_in);
    regs_a.bind(a.regs);
    regs_b.bind(b.regs);
    SC_THREAD(client);
    SC_THREAD(server);
  }

 private:
  using Registers = tlm_utils::simple_initiator_socket<Bench>;
  static std::uint32_t access(Registers& socket, tlm::tlm_command command, std::uint64_t address, std::uint32_t value) {
    tlm::tlm_generic_payload transaction;
    transaction.set_command(command);
    transaction.set_address(4 * address);
    transaction.set_data_ptr(reinterpret_cast<unsigned char*>(&value));
    transaction.set_data_length(4);
    transaction.set_streaming_width(4);
    sc_core::sc_time delay = sc_core::SC_ZERO_TIME;
    socket->b_transport(transaction, delay);
    if (transaction.is_response_error()) SC_REPORT_ERROR("bench", transaction.get_response_string().c_str());
    return value;
  }

  void client() {
    access(regs_a, tlm::TLM_WRITE_COMMAND, 0x01, kAddressA);
    wait(10, sc_core::SC_US);
    HostCommand open;
    open.op = kOpenActive;
    open.lport = 5000;
    open.rip = kAddressB;
    open.rport = 80;
    const HostResponse connection = a.call(open);
    for (std::size_t sent = 0; sent < text_.size();) {
      const Bytes rest(text_.begin() + static_cast<std::ptrdiff_t>(sent), text_.end());
      const HostResponse r = a.send(connection.handle, rest);
      if (r.status == kOk) sent += r.len;
      wait(1, sc_core::SC_US);
    }
    HostCommand close;
    close.op = kClose;
    close.handle = connection.handle;
    a.call(close);
    wait(300, sc_core::SC_SEC);  // TIME_WAIT is over
    HostCommand status;
    status.op = kStatus;
    status.handle = connection.handle;
    passed = passed && a.call(status).status == kNoConnection;
    std::printf("%s: %s of protocol time in %llu and %llu clock cycles, %u segments out\n",
                passed ? "passed" : "FAILED", sc_core::sc_time_stamp().to_string().c_str(),
                static_cast<unsigned long long>(a.cycles()), static_cast<unsigned long long>(b.cycles()),
                access(regs_a, tlm::TLM_READ_COMMAND, 0x46, 0));
    sc_core::sc_stop();
  }

  void server() {
    access(regs_b, tlm::TLM_WRITE_COMMAND, 0x01, kAddressB);
    HostCommand listen;
    listen.op = kOpenPassive;
    listen.lport = 80;
    listen.len = 4;
    const HostResponse listener = b.call(listen);
    b.next_event();  // something to accept
    HostCommand accept;
    accept.op = kAccept;
    accept.handle = listener.handle;
    const HostResponse connection = b.call(accept);
    Bytes received;
    while (received.size() < text_.size()) {
      const Bytes part = b.receive(connection.handle, 1U << 20);
      received.insert(received.end(), part.begin(), part.end());
      if (part.empty()) b.next_event();
    }
    passed = received == text_;
    wait(1, sc_core::SC_SEC);
    HostCommand close;
    close.op = kClose;
    close.handle = connection.handle;
    b.call(close);
  }

  Bytes text_ = [] {
    Bytes text(100000);
    for (std::size_t i = 0; i < text.size(); ++i) text[i] = static_cast<std::uint8_t>(i * i >> 5);
    return text;
  }();
};

}  // namespace

int sc_main(int, char*[]) {
  Bench bench("bench");
  sc_core::sc_start(400, sc_core::SC_SEC);
  return bench.passed ? 0 : 1;
}
