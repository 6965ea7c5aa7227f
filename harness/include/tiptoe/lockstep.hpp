// SPDX-License-Identifier: Apache-2.0
// Two engines on the same inputs, compared in every cycle: every output pin and every probe, payload under its valid,
// the retire record under ret_valid. The first difference throws Divergence with the whole story.
//
//   tiptoe::LockstepEngine<tiptoe::model::Engine> engine(tiptoe::make_rtl_engine(options), parameters);
#pragma once

#include <array>
#include <cstdint>
#include <cstring>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "tiptoe/dut.hpp"
#include "tiptoe/engine_dut.hpp"
#include "tiptoe/model/pins.hpp"
#include "tiptoe/rtl_engine.hpp"

namespace tiptoe {

/// One pin or probe in which two engines differ.
struct PinDifference {
  std::string block;   ///< "TX engine"
  std::string signal;  ///< "m_axis_tdata", "prb_ret_record.cwnd"
  std::string model;   ///< value, as text
  std::string rtl;
};

/// Nothing allocated, one pass over the pins. True when nothing that counts differs.
inline bool same_outputs(const model::Outputs& a, const model::Outputs& b) noexcept {
  const model::Probes& p = a.prb;
  const model::Probes& q = b.prb;
  const auto x = [](auto l, auto r) { return static_cast<std::uint64_t>(l) ^ static_cast<std::uint64_t>(r); };
  std::uint64_t d = x(a.s_axis_tready, b.s_axis_tready) | x(a.m_axis_tvalid, b.m_axis_tvalid) |
                    x(a.cmd_ready, b.cmd_ready) | x(a.rsp_valid, b.rsp_valid) | x(a.evt_valid, b.evt_valid) |
                    x(a.txd_tready, b.txd_tready) | x(a.rxd_tvalid, b.rxd_tvalid) | x(a.reg_rdata, b.reg_rdata) |
                    x(a.quiescent, b.quiescent) | x(a.next_deadline_valid, b.next_deadline_valid);
  if (a.next_deadline_valid) d |= x(a.next_deadline, b.next_deadline);
  d |= x(p.slots_used, q.slots_used) | x(p.raw_count, q.raw_count) | x(p.head_state, q.head_state) |
       x(p.stage_valid, q.stage_valid) | x(p.txq_count, q.txq_count) | x(p.tx_state, q.tx_state) |
       x(p.mover_busy, q.mover_busy) | x(p.writer_state, q.writer_state) | x(p.reader_state, q.reader_state) |
       x(p.scan_ptr, q.scan_ptr) | x(p.scan_clean, q.scan_clean) | x(p.outq_count, q.outq_count) |
       x(p.evtq_count, q.evtq_count) | x(p.free_count, q.free_count) | x(p.ret_valid, q.ret_valid);
  if (a.m_axis_tvalid) {
    d |= x(a.m_axis_tkeep, b.m_axis_tkeep) | x(a.m_axis_tlast, b.m_axis_tlast);
    for (unsigned i = 0; i < model::kMaxBeatWords; ++i) d |= a.m_axis_tdata[i] ^ b.m_axis_tdata[i];
  }
  if (a.rsp_valid) {
    d |= x(a.rsp_tag, b.rsp_tag) | x(a.rsp_op, b.rsp_op) | x(a.rsp_status, b.rsp_status) |
         x(a.rsp_handle, b.rsp_handle) | x(a.rsp_len, b.rsp_len) | x(a.rsp_state, b.rsp_state) |
         x(a.rsp_avail, b.rsp_avail) | x(a.rsp_room, b.rsp_room);
  }
  if (a.evt_valid) d |= x(a.evt_handle, b.evt_handle) | x(a.evt_flags, b.evt_flags);
  if (a.rxd_tvalid) {
    d |= x(a.rxd_tkeep, b.rxd_tkeep) | x(a.rxd_tlast, b.rxd_tlast) | x(a.rxd_handle, b.rxd_handle);
    for (unsigned i = 0; i < model::kMaxBeatWords; ++i) d |= a.rxd_tdata[i] ^ b.rxd_tdata[i];
  }
  if (p.ret_valid) {
    d |= x(p.ret_kind, q.ret_kind) | x(p.ret_order, q.ret_order) | x(p.ret_has_conn, q.ret_has_conn) |
         x(p.ret_reason, q.ret_reason) | x(p.ret_tx, q.ret_tx);
    if (p.ret_has_conn) d |= x(p.ret_conn, q.ret_conn);
    d |= static_cast<std::uint64_t>(
        std::memcmp(p.ret_record.data(), q.ret_record.data(), ((kRecordWidth + 31) / 32) * 4) != 0);
    d |= static_cast<std::uint64_t>(
        std::memcmp(p.ret_deadlines.data(), q.ret_deadlines.data(), ((kDeadlineWidth + 31) / 32) * 4) != 0);
  }
  return d == 0;
}

/// The same comparison, slowly and in words; `data_w` bounds how much of a beat is shown.
std::vector<PinDifference> pin_differences(const model::Outputs& model, const model::Outputs& rtl, unsigned data_w);

/// What happened lately, kept in fixed memory: host traffic, retired events and datagrams.
class FlightRecorder {
 public:
  void note(std::uint64_t cycle, const model::Inputs& in, const model::Outputs& out) noexcept {
    if (out.prb.ret_valid || (in.cmd_valid && out.cmd_ready) || (out.rsp_valid && in.rsp_ready) ||
        (out.evt_valid && in.evt_ready) || in.reg_wr) {
      note_events(cycle, in, out);
    }
    if (in.s_axis_tvalid && out.s_axis_tready) {
      note_beat(in_frames_, cycle, in.now_us, in.s_axis_tdata, in.s_axis_tkeep, in.s_axis_tlast);
    }
    if (out.m_axis_tvalid && in.m_axis_tready) {
      note_beat(out_frames_, cycle, in.now_us, out.m_axis_tdata, out.m_axis_tkeep, out.m_axis_tlast);
    }
  }
  void clear() noexcept { *this = FlightRecorder(); }
  std::string text() const;

 private:
  struct Event {
    enum Kind : std::uint8_t { none, retire, command, response, notification, write } kind = none;
    std::uint64_t cycle = 0, now_us = 0;
    std::array<std::uint32_t, 8> values{};
  };
  static constexpr std::size_t kEvents = 32, kFrames = 8, kFrameSize = 256;
  struct Frame {
    std::uint64_t cycle = 0, now_us = 0;
    std::size_t length = 0;
    bool complete = false;
    std::array<std::uint8_t, kFrameSize + 64> bytes{};  ///< the first kFrameSize octets
  };
  struct Frames {
    std::array<Frame, kFrames> ring{};
    std::size_t at = 0;
  };
  void note_events(std::uint64_t cycle, const model::Inputs& in, const model::Outputs& out) noexcept;
  static void note_beat(Frames& frames, std::uint64_t cycle, std::uint64_t now, const model::Beat& data,
                        std::uint64_t keep, bool last) noexcept;
  Event& next() noexcept { return events_[event_++ % kEvents]; }

  std::array<Event, kEvents> events_{};
  std::size_t event_ = 0;
  Frames in_frames_{}, out_frames_{};
};

/// Throws Divergence.
[[noreturn]] void report_divergence(const model::Outputs& model, const model::Outputs& rtl, const DutOptions& options,
                                    std::uint64_t cycle, std::uint64_t now_us, const FlightRecorder& recorder);

template <ClockedEngine Model>
class LockstepEngine {
 public:
  template <class... Args>
  LockstepEngine(const DutOptions& options, std::unique_ptr<RtlEngine> rtl, Args&&... model)
      : options_(options), rtl_(std::move(rtl)), model_(std::forward<Args>(model)...) {}

  const model::Outputs& eval(const model::Inputs& in) {
    const model::Outputs& expected = model_.eval(in);
    const model::Outputs& actual = rtl_->eval(in);
    if (in.rst) [[unlikely]] {
      recorder_.clear();
      cycle_ = 0;
      reset_ = true;
      if (reset_edges_ == 0) return expected;  // before the first edge in reset a register holds anything
    } else {
      reset_ = false;
      reset_edges_ = 0;
      recorder_.note(cycle_, in, actual);
    }
    if (!same_outputs(expected, actual)) [[unlikely]] {
      report_divergence(expected, actual, options_, cycle_, in.now_us, recorder_);
    }
    return expected;
  }

  void tick() {
    model_.tick();
    rtl_->tick();
    if (reset_)
      ++reset_edges_;
    else
      ++cycle_;
  }

  Model& model() noexcept { return model_; }
  template <class Id>
  auto set_fault(const Id& id) -> decltype(std::declval<Model&>().set_fault(id)) {
    return model_.set_fault(id);
  }

 private:
  DutOptions options_;
  std::unique_ptr<RtlEngine> rtl_;
  Model model_;
  FlightRecorder recorder_{};
  std::uint64_t cycle_ = 0;
  unsigned reset_edges_ = 0;  ///< since rst rose
  bool reset_ = false;
};

}  // namespace tiptoe
