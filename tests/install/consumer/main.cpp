// SPDX-License-Identifier: Apache-2.0
// A program that knows tiptoe only from its installed package: a SYN to a port where nobody listens must draw
// <SEQ=0><ACK=SEG.SEQ+1><CTL=RST,ACK> (RFC 9293 3.10.7.1). Exit code 0 if it does.
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <vector>

#include "tiptoe/model/engine.hpp"

namespace {

using Octets = std::vector<std::uint8_t>;

std::uint16_t checksum(const Octets& octets, std::size_t from, std::size_t to, std::uint32_t sum) {
  for (std::size_t i = from; i < to; i += 2) sum += static_cast<std::uint32_t>(octets[i] << 8 | octets[i + 1]);
  while (sum > 0xFFFF) sum = (sum & 0xFFFF) + (sum >> 16);
  return static_cast<std::uint16_t>(~sum);
}

Octets syn() {
  Octets d = {0x45, 0,    0, 40, 0, 0, 0, 0,  64, 6, 0, 0, 10,   0,    1,    1,    10, 0, 0, 1,   // 10.0.1.1 > 10.0.0.1
              0x9C, 0x40, 0, 7,  0, 0, 0, 99, 0,  0, 0, 0, 0x50, 0x02, 0xFF, 0xFF, 0,  0, 0, 0};  // 40000 > 7, SEQ 99
  const std::uint16_t ip = checksum(d, 0, 20, 0);
  d[10] = static_cast<std::uint8_t>(ip >> 8), d[11] = static_cast<std::uint8_t>(ip);
  const std::uint16_t tcp = checksum(d, 20, 40, 0x0A00 + 0x0101 + 0x0A00 + 0x0001 + 6 + 20);
  d[36] = static_cast<std::uint8_t>(tcp >> 8), d[37] = static_cast<std::uint8_t>(tcp);
  return d;
}

class Bench {
 public:
  Bench() {
    in_.m_axis_tready = in_.rsp_ready = in_.evt_ready = in_.rxd_tready = true;
    in_.rst = true;
    cycle();
    in_.rst = false;
    in_.reg_wr = true;  // LOCAL_IP0 = 10.0.0.1
    in_.reg_addr = 0x01;
    in_.reg_wdata = 0x0A000001;
    cycle();
    in_.reg_wr = false;
  }

  void send(const Octets& datagram) {
    for (std::size_t at = 0; at < datagram.size(); at += 8) {
      in_.s_axis_tdata[0] = in_.s_axis_tkeep = 0;
      for (std::size_t i = 0; i < 8 && at + i < datagram.size(); ++i) {
        in_.s_axis_tdata[0] |= static_cast<std::uint64_t>(datagram[at + i]) << (8 * i);
        in_.s_axis_tkeep |= std::uint64_t{1} << i;
      }
      in_.s_axis_tlast = at + 8 >= datagram.size();
      in_.s_axis_tvalid = true;
      while (!cycle()) {
      }
    }
    in_.s_axis_tvalid = false;
  }

  Octets receive(unsigned cycles) {
    while (!complete_ && cycles-- > 0) cycle();
    return out_;
  }

 private:
  bool cycle() {  // true: the beat was taken
    const tiptoe::model::Outputs& out = engine_.eval(in_);
    if (out.m_axis_tvalid && !complete_) {
      for (unsigned i = 0; i < 8 && (out.m_axis_tkeep >> i & 1) != 0; ++i) {
        out_.push_back(static_cast<std::uint8_t>(out.m_axis_tdata[0] >> (8 * i)));
      }
      complete_ = out.m_axis_tlast;
    }
    const bool taken = out.s_axis_tready;
    engine_.tick();
    return taken;
  }

  tiptoe::model::Engine engine_{};
  tiptoe::model::Inputs in_{};
  Octets out_{};
  bool complete_ = false;
};

}  // namespace

int main() {
  Bench bench;
  bench.send(syn());
  const Octets answer = bench.receive(2000);
  const bool right = answer.size() == 40 && answer[33] == 0x14 && answer[31] == 100 && answer[27] == 0;
  std::printf("%zu octets, flags 0x%02X: %s\n", answer.size(), answer.size() > 33 ? answer[33] : 0U,
              right ? "RST,ACK with ACK=100" : "not what RFC 9293 3.10.7.1 says");
  return right ? 0 : 1;
}
