// SPDX-License-Identifier: Apache-2.0
#include "tiptoe/lockstep.hpp"

#include <algorithm>
#include <bit>
#include <cstdio>
#include <span>

#include "tiptoe/registers.hpp"
#include "tiptoe/segment.hpp"

namespace tiptoe {
namespace {

std::string hex(std::uint64_t v) {
  std::array<char, 24> text{};
  std::snprintf(text.data(), text.size(), "0x%llx", static_cast<unsigned long long>(v));
  return text.data();
}

std::string value_text(std::uint64_t v) { return v < 10 ? std::to_string(v) : hex(v) + " (" + std::to_string(v) + ")"; }

std::string beat_text(const model::Beat& beat, unsigned data_w) {
  std::string text;
  std::array<char, 24> buffer{};
  for (unsigned octet = 0; octet < data_w / 8; ++octet) {
    std::snprintf(buffer.data(), buffer.size(), "%02x",
                  static_cast<unsigned>(beat[octet / 8] >> (8 * (octet % 8)) & 0xFF));
    if (octet != 0 && octet % 4 == 0) text += ' ';
    text += buffer.data();
  }
  return text;
}

struct Collector {
  std::vector<PinDifference> list{};

  template <class T>
  void operator()(const char* block, std::string signal, T model, T rtl) {
    if (model != rtl) {
      list.push_back({block, std::move(signal), value_text(static_cast<std::uint64_t>(model)),
                      value_text(static_cast<std::uint64_t>(rtl))});
    }
  }
  void packed(const std::string& signal, std::span<const RecordField> fields, std::span<const std::uint32_t> model,
              std::span<const std::uint32_t> rtl) {
    for (const RecordField& field : fields) {
      (*this)("event pipeline", signal + "." + std::string(field.name), packed_field(model, field),
              packed_field(rtl, field));
    }
  }
};

std::string time_text(std::uint64_t cycle, std::uint64_t now_us) {
  std::array<char, 64> text{};
  std::snprintf(text.data(), text.size(), "  cycle %9llu  %12llu us  ", static_cast<unsigned long long>(cycle),
                static_cast<unsigned long long>(now_us));
  return text.data();
}

}  // namespace

std::vector<PinDifference> pin_differences(const model::Outputs& m, const model::Outputs& r, unsigned data_w) {
  Collector c;
  const model::Probes& p = m.prb;
  const model::Probes& q = r.prb;
  // Causes before effects: receive side, pipeline, queues, transmit side, host side, summary pins.
  c("RX parser", "s_axis_tready", m.s_axis_tready, r.s_axis_tready);
  c("RX parser", "prb_slots_used", p.slots_used, q.slots_used);
  c("RX parser", "prb_raw_count", p.raw_count, q.raw_count);
  c("HEAD", "prb_head_state", p.head_state, q.head_state);
  c("arbiter", "prb_stage_valid", p.stage_valid, q.stage_valid);
  c("event pipeline", "prb_ret_valid", p.ret_valid, q.ret_valid);
  if (p.ret_valid && q.ret_valid) {
    c("event pipeline", "prb_ret_kind", p.ret_kind, q.ret_kind);
    c("event pipeline", "prb_ret_order", p.ret_order, q.ret_order);
    c("event pipeline", "prb_ret_has_conn", p.ret_has_conn, q.ret_has_conn);
    if (p.ret_has_conn && q.ret_has_conn) c("event pipeline", "prb_ret_conn", p.ret_conn, q.ret_conn);
    c("event pipeline", "prb_ret_reason", p.ret_reason, q.ret_reason);
    c("event pipeline", "prb_ret_tx", p.ret_tx, q.ret_tx);
    c.packed("prb_ret_record", record_fields(), p.ret_record, q.ret_record);
    c.packed("prb_ret_deadlines", deadline_fields(), p.ret_deadlines, q.ret_deadlines);
  }
  c("free list", "prb_free_count", p.free_count, q.free_count);
  c("output queue", "prb_outq_count", p.outq_count, q.outq_count);
  c("notifications", "prb_evtq_count", p.evtq_count, q.evtq_count);
  c("timers", "prb_scan_ptr", p.scan_ptr, q.scan_ptr);
  c("timers", "prb_scan_clean", p.scan_clean, q.scan_clean);
  c("timers", "next_deadline_valid", m.next_deadline_valid, r.next_deadline_valid);
  if (m.next_deadline_valid && r.next_deadline_valid) {
    c("timers", "next_deadline", m.next_deadline, r.next_deadline);
  }
  c("mover", "prb_mover_busy", p.mover_busy, q.mover_busy);
  c("TX engine", "prb_txq_count", p.txq_count, q.txq_count);
  c("TX engine", "prb_tx_state", p.tx_state, q.tx_state);
  c("TX engine", "m_axis_tvalid", m.m_axis_tvalid, r.m_axis_tvalid);
  if (m.m_axis_tvalid && r.m_axis_tvalid) {
    c("TX engine", "m_axis_tkeep", m.m_axis_tkeep, r.m_axis_tkeep);
    c("TX engine", "m_axis_tlast", m.m_axis_tlast, r.m_axis_tlast);
    if (m.m_axis_tdata != r.m_axis_tdata) {
      c.list.push_back({"TX engine", "m_axis_tdata (byte 0 first)", beat_text(m.m_axis_tdata, data_w),
                        beat_text(r.m_axis_tdata, data_w)});
    }
  }
  c("command front end", "cmd_ready", m.cmd_ready, r.cmd_ready);
  c("responses", "rsp_valid", m.rsp_valid, r.rsp_valid);
  if (m.rsp_valid && r.rsp_valid) {
    c("responses", "rsp_tag", m.rsp_tag, r.rsp_tag);
    c("responses", "rsp_op", m.rsp_op, r.rsp_op);
    c("responses", "rsp_status", m.rsp_status, r.rsp_status);
    c("responses", "rsp_handle", m.rsp_handle, r.rsp_handle);
    c("responses", "rsp_len", m.rsp_len, r.rsp_len);
    c("responses", "rsp_state", m.rsp_state, r.rsp_state);
    c("responses", "rsp_avail", m.rsp_avail, r.rsp_avail);
    c("responses", "rsp_room", m.rsp_room, r.rsp_room);
  }
  c("notifications", "evt_valid", m.evt_valid, r.evt_valid);
  if (m.evt_valid && r.evt_valid) {
    c("notifications", "evt_handle", m.evt_handle, r.evt_handle);
    c("notifications", "evt_flags", m.evt_flags, r.evt_flags);
  }
  c("host writer", "prb_writer_state", p.writer_state, q.writer_state);
  c("host writer", "txd_tready", m.txd_tready, r.txd_tready);
  c("host reader", "prb_reader_state", p.reader_state, q.reader_state);
  c("host reader", "rxd_tvalid", m.rxd_tvalid, r.rxd_tvalid);
  if (m.rxd_tvalid && r.rxd_tvalid) {
    c("host reader", "rxd_tkeep", m.rxd_tkeep, r.rxd_tkeep);
    c("host reader", "rxd_tlast", m.rxd_tlast, r.rxd_tlast);
    c("host reader", "rxd_handle", m.rxd_handle, r.rxd_handle);
    if (m.rxd_tdata != r.rxd_tdata) {
      c.list.push_back(
          {"host reader", "rxd_tdata (byte 0 first)", beat_text(m.rxd_tdata, data_w), beat_text(r.rxd_tdata, data_w)});
    }
  }
  c("registers", "reg_rdata", m.reg_rdata, r.reg_rdata);
  c("quiescence", "quiescent", m.quiescent, r.quiescent);
  return c.list;
}

void FlightRecorder::note_events(std::uint64_t cycle, const model::Inputs& in, const model::Outputs& out) noexcept {
  if (in.reg_wr) {
    next() = {Event::write, cycle, in.now_us, {in.reg_addr, in.reg_wdata}};
  }
  if (in.cmd_valid && out.cmd_ready) {
    next() = {Event::command,
              cycle,
              in.now_us,
              {in.cmd_op, in.cmd_handle, in.cmd_len, in.cmd_flags, in.cmd_lip, in.cmd_lport, in.cmd_rip, in.cmd_rport}};
  }
  if (out.prb.ret_valid) {
    const model::Probes& p = out.prb;
    const auto state = static_cast<std::uint32_t>(packed_field(p.ret_record, record_fields().front()));
    next() = {Event::retire,
              cycle,
              in.now_us,
              {p.ret_order, p.ret_kind, p.ret_has_conn, p.ret_conn, p.ret_reason, p.ret_tx, state}};
  }
  if (out.rsp_valid && in.rsp_ready) {
    next() = {Event::response,
              cycle,
              in.now_us,
              {out.rsp_op, out.rsp_status, out.rsp_handle, out.rsp_len, out.rsp_state, out.rsp_avail, out.rsp_room}};
  }
  if (out.evt_valid && in.evt_ready) {
    next() = {Event::notification, cycle, in.now_us, {out.evt_handle, out.evt_flags}};
  }
}

void FlightRecorder::note_beat(Frames& frames, std::uint64_t cycle, std::uint64_t now, const model::Beat& data,
                               std::uint64_t keep, bool last) noexcept {
  Frame& frame = frames.ring[frames.at % kFrames];
  if (frame.complete) frame.length = 0, frame.complete = false;
  const auto n = static_cast<std::size_t>(std::popcount(keep));
  if (frame.length < kFrameSize) std::memcpy(frame.bytes.data() + frame.length, data.data(), n);
  frame.length += n;
  frame.cycle = cycle;
  frame.now_us = now;
  if (last) {
    frame.complete = true;
    ++frames.at;
  }
}

std::string FlightRecorder::text() const {
  std::string text = "Last events, oldest first:\n";
  const std::size_t first = event_ > kEvents ? event_ - kEvents : 0;
  for (std::size_t i = first; i < event_; ++i) {
    const Event& e = events_[i % kEvents];
    const auto& v = e.values;
    text += time_text(e.cycle, e.now_us);
    switch (e.kind) {
      case Event::retire:
        text += "retired #" + std::to_string(v[0]) + " " + std::string(event_kind_name(v[1]));
        if (v[2] != 0) {
          text += " connection " + std::to_string(v[3]) + " now " + to_string(static_cast<State>(v[6]));
        }
        if (v[4] != 0) text += ", reason " + std::string(reason_name(v[4]));
        if (v[5] != 0) text += ", sends";
        break;
      case Event::command:
        text += "command " + std::string(command_name(v[0])) + " handle " + hex(v[1]) + " len " + std::to_string(v[2]) +
                " flags " + hex(v[3]) + " local " + ip_to_string(v[4]) + ":" + std::to_string(v[5]) + " remote " +
                ip_to_string(v[6]) + ":" + std::to_string(v[7]);
        break;
      case Event::response:
        text += "response " + std::string(command_name(v[0])) + " " + to_string(static_cast<CallStatus>(v[1])) +
                " handle " + hex(v[2]) + " len " + std::to_string(v[3]) + " state " +
                to_string(static_cast<State>(v[4])) + " avail " + std::to_string(v[5]) + " room " +
                std::to_string(v[6]);
        break;
      case Event::notification: text += "notification " + hex(v[0]) + " " + notification_names(v[1]); break;
      case Event::write: text += "register " + hex(v[0]) + " := " + hex(v[1]); break;
      case Event::none: break;
    }
    text += '\n';
  }

  text += "Last datagrams, oldest first:\n";
  struct Line {
    const Frame* frame;
    bool in;
  };
  std::vector<Line> lines;
  for (const auto* frames : {&in_frames_, &out_frames_}) {
    for (const Frame& frame : frames->ring) {
      if (frame.length != 0) lines.push_back({&frame, frames == &in_frames_});
    }
  }
  std::sort(lines.begin(), lines.end(), [](const Line& a, const Line& b) { return a.frame->cycle < b.frame->cycle; });
  for (const Line& line : lines) {
    const std::size_t n = std::min(line.frame->length, kFrameSize);
    text += time_text(line.frame->cycle, line.frame->now_us) + (line.in ? "-> device  " : "<- device  ");
    if (!line.frame->complete) {
      text += "(under way, " + std::to_string(line.frame->length) + " octets so far)\n";
      continue;
    }
    Segment segment = Segment::parse(ByteView{line.frame->bytes}.first(n));
    if (line.frame->length > kFrameSize) {
      segment.defects.clear();  // it was cut here, not on the wire
      text += segment.to_string() + " (" + std::to_string(line.frame->length) + " octets in all)\n";
    } else {
      text += segment.to_string() + "\n";
    }
  }
  return text;
}

void report_divergence(const model::Outputs& model, const model::Outputs& rtl, const DutOptions& options,
                       std::uint64_t cycle, std::uint64_t now_us, const FlightRecorder& recorder) {
  const std::vector<PinDifference> differences = pin_differences(model, rtl, options.data_w);
  std::string text = "Model and RTL differ in cycle " + std::to_string(cycle) + " (now_us " + std::to_string(now_us) +
                     ", " + parameters_to_string(options) + "):\n";
  constexpr std::size_t kShown = 24;
  for (std::size_t i = 0; i < differences.size() && i < kShown; ++i) {
    const PinDifference& d = differences[i];
    text += "  " + d.block + ": " + d.signal + " is " + d.model + " in the model, " + d.rtl + " in the RTL\n";
  }
  if (differences.size() > kShown) text += "  and " + std::to_string(differences.size() - kShown) + " more\n";
  if (model.prb.ret_valid || rtl.prb.ret_valid) {
    const model::Probes& p = model.prb.ret_valid ? model.prb : rtl.prb;
    text += "  (in the retire record of event #" + std::to_string(p.ret_order) + ", " +
            std::string(event_kind_name(p.ret_kind)) + ", reason " + std::string(reason_name(p.ret_reason)) +
            (p.ret_has_conn ? ", connection " + std::to_string(p.ret_conn) : "") + ")\n";
  }
  text += "Model: " + probes_to_string(model) + "\nRTL:   " + probes_to_string(rtl) + "\n" + recorder.text();
  text += "For waves around it: the same run with waves_from=" + std::to_string(cycle > 400 ? cycle - 400 : 0) +
          " waves_to=" + std::to_string(cycle + 20) + "\n";
  throw Divergence(text);
}

}  // namespace tiptoe
