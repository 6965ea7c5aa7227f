// SPDX-License-Identifier: Apache-2.0
#include "tiptoe/engine_dut.hpp"

namespace tiptoe {

model::Parameters to_parameters(const DutOptions& o) noexcept {
  return {.data_w = o.data_w,
          .conns = o.conns,
          .listeners = o.listeners,
          .tx_buf_log2 = o.tx_buf_log2,
          .rx_buf_log2 = o.rx_buf_log2,
          .timer_scan = o.timer_scan};
}

std::string parameters_to_string(const DutOptions& o) {
  return "DATA_W=" + std::to_string(o.data_w) + " CONNS=" + std::to_string(o.conns) +
         " LISTENERS=" + std::to_string(o.listeners) + " TX_BUF_LOG2=" + std::to_string(o.tx_buf_log2) +
         " RX_BUF_LOG2=" + std::to_string(o.rx_buf_log2) + " TIMER_SCAN=" + std::to_string(o.timer_scan);
}

std::string probes_to_string(const model::Outputs& o) {
  constexpr std::array<const char*, 4> head{"IDLE", "WAIT", "READY", "?"};
  constexpr std::array<const char*, 4> tx{"IDLE", "LOAD", "SUM", "EMIT"};
  constexpr std::array<const char*, 4> writer{"IDLE", "COPY", "DONE", "?"};
  constexpr std::array<const char*, 4> reader{"IDLE", "READ", "OUT", "DONE"};
  constexpr std::array<char, 5> stage{'R', 'c', 'u', 'o', 'C'};
  const model::Probes& p = o.prb;
  std::string stages;
  for (unsigned i = 0; i < stage.size(); ++i) stages += (p.stage_valid >> i & 1U) != 0 ? stage[i] : '.';
  return std::string("HEAD ") + head[p.head_state & 3U] + ", " + std::to_string(p.slots_used) + " slots used, " +
         std::to_string(p.raw_count) + " raw descriptors, pipeline [" + stages + "], " + std::to_string(p.txq_count) +
         " transmit descriptors, TX " + tx[p.tx_state & 3U] + ", mover " + (p.mover_busy ? "busy" : "idle") +
         ", writer " + writer[p.writer_state & 3U] + ", reader " + reader[p.reader_state & 3U] + ", scan at " +
         std::to_string(p.scan_ptr) + (p.scan_clean ? " (clean)" : "") + ", output queue " +
         std::to_string(p.outq_count) + ", notification queue " + std::to_string(p.evtq_count) + ", " +
         std::to_string(p.free_count) + " connections free, ready s_axis/cmd/txd " + (o.s_axis_tready ? "1" : "0") +
         (o.cmd_ready ? "1" : "0") + (o.txd_tready ? "1" : "0") + ", quiescent " + (o.quiescent ? "1" : "0") + ".";
}

}  // namespace tiptoe
