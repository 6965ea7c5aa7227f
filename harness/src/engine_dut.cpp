// SPDX-License-Identifier: Apache-2.0
#include "tiptoe/engine_dut.hpp"

#include <stdexcept>
#include <string>
#include <string_view>

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

namespace {
RecordField find_field(std::string_view name) {
  for (const RecordField& field : record_fields()) {
    if (field.name == name) return field;
  }
  throw std::out_of_range("the connection record has no field '" + std::string(name) + "'");
}
struct RetireFields {
  RecordField state = find_field("state"), lip = find_field("lip"), lport = find_field("lport"),
              rip = find_field("rip"), rport = find_field("rport"), iss = find_field("iss"), irs = find_field("irs"),
              snd_una = find_field("snd_una"), snd_nxt = find_field("snd_nxt"), snd_wnd = find_field("snd_wnd"),
              rcv_nxt = find_field("rcv_nxt"), rcv_adv = find_field("rcv_adv"), rto = find_field("rto");
};
}  // namespace

RetireRecord retire_record(const model::Probes& p) {
  static const RetireFields at;
  RetireRecord record{.order = p.ret_order, .kind = p.ret_kind, .reason = p.ret_reason, .sent = p.ret_tx};
  if (!p.ret_has_conn) {
    record.fields &= ~static_cast<std::uint32_t>(RetireRecord::has_state);
    return record;
  }
  record.connection = p.ret_conn;
  record.record.assign(std::begin(p.ret_record), std::end(p.ret_record));
  const auto field = [&p](const RecordField& f) { return static_cast<std::uint32_t>(packed_field(p.ret_record, f)); };
  record.state = static_cast<State>(field(at.state));
  record.local_ip = field(at.lip);
  record.remote_ip = field(at.rip);
  record.local_port = static_cast<std::uint16_t>(field(at.lport));
  record.remote_port = static_cast<std::uint16_t>(field(at.rport));
  record.iss = field(at.iss);
  record.snd_una = field(at.snd_una);
  record.snd_nxt = field(at.snd_nxt);
  record.snd_wnd = field(at.snd_wnd);
  record.rto = field(at.rto);
  using R = RetireRecord;
  record.fields |= R::has_tuple | R::has_iss | R::has_snd_una | R::has_snd_nxt | R::has_snd_wnd | R::has_rto;
  if (record.state != State::syn_sent) {  // nothing was received yet
    record.irs = field(at.irs);
    record.rcv_nxt = field(at.rcv_nxt);
    record.rcv_wnd = field(at.rcv_adv) - record.rcv_nxt;
    record.fields |= R::has_irs | R::has_rcv_nxt | R::has_rcv_wnd;
  }
  return record;
}

}  // namespace tiptoe
