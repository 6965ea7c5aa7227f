// SPDX-License-Identifier: Apache-2.0
// RtlEngine over one class that Verilator made of tiptoe_top. Included by one generated source file per parameter set.
#pragma once

#include <verilated.h>

#include <algorithm>
#include <cstring>
#include <memory>
#include <string>
#include <type_traits>

#include "tiptoe/rtl_engine.hpp"

namespace tiptoe {
namespace verilated {

// Pins are CData ... QData up to 64 bits, VlWide beyond.
template <class Pin, class Value>
inline void put(Pin& pin, Value value) noexcept {
  pin = static_cast<Pin>(value);
}
inline void put_beat(QData& pin, const model::Beat& beat) noexcept { pin = beat[0]; }
template <std::size_t N>
inline void put_beat(VlWide<N>& pin, const model::Beat& beat) noexcept {
  std::memcpy(pin.data(), beat.data(), N * sizeof(EData));
}
inline void get_beat(model::Beat& beat, const QData& pin) noexcept { beat[0] = pin; }
template <std::size_t N>
inline void get_beat(model::Beat& beat, const VlWide<N>& pin) noexcept {
  std::memcpy(beat.data(), pin.data(), N * sizeof(EData));
}
template <std::size_t M, std::size_t N>
inline void get_words(std::array<std::uint32_t, M>& words, const VlWide<N>& pin) noexcept {
  static_assert(N <= M);
  std::memcpy(words.data(), pin.data(), N * sizeof(EData));
}

}  // namespace verilated

/// `Waves` is VerilatedFstC for a class with waves compiled in, else void.
template <class Top, class Waves = void>
class VerilatedEngine final : public RtlEngine {
 public:
  VerilatedEngine(const DutOptions& options, std::uint64_t seed) : options_(options) {
    context_ = std::make_unique<VerilatedContext>();
    Verilated::threadContextp(context_.get());
    context_->randReset(2);
    context_->randSeed(static_cast<int>(seed & 0x7FFF'FFFFU) | 1);
    context_->fatalOnError(false);  // a failed assertion is reported by check(), it does not end the process
    if constexpr (!std::is_void_v<Waves>) context_->traceEverOn(true);
    top_ = std::make_unique<Top>(context_.get(), "tiptoe");
    if constexpr (!std::is_void_v<Waves>) {
      waves_ = std::make_unique<WavesOrChar>();
      top_->trace(waves_.get(), 99);
      waves_->open(options_.waves.c_str());
    }
    top_->clk = 0;
  }
  ~VerilatedEngine() override {
    Verilated::threadContextp(context_.get());
    if constexpr (!std::is_void_v<Waves>) waves_->close();
    top_->final();
  }

  const model::Outputs& eval(const model::Inputs& in) override {
    Verilated::threadContextp(context_.get());
    apply(in);
    top_->clk = 0;
    top_->eval();
    if constexpr (!std::is_void_v<Waves>) dump(in, 0);
    fill();
    reset_ = in.rst;
    return out_;
  }

  void tick() override {
    Verilated::threadContextp(context_.get());
    top_->clk = 1;
    top_->eval();
    if constexpr (!std::is_void_v<Waves>) dump_edge();
    ++ticks_;
    cycle_ = reset_ ? 0 : cycle_ + 1;
    if (context_->gotError()) check();
  }

  std::uint64_t cycle() const override { return cycle_; }

 private:
  using WavesOrChar = std::conditional_t<std::is_void_v<Waves>, char, Waves>;

  void apply(const model::Inputs& in) noexcept {
    using verilated::put;
    Top& t = *top_;
    put(t.rst, in.rst);
    put(t.now_us, in.now_us);
    if (in.s_axis_tvalid) {
      verilated::put_beat(t.s_axis_tdata, in.s_axis_tdata);
      put(t.s_axis_tkeep, in.s_axis_tkeep);
      put(t.s_axis_tlast, in.s_axis_tlast);
    }
    put(t.s_axis_tvalid, in.s_axis_tvalid);
    put(t.m_axis_tready, in.m_axis_tready);
    if (in.cmd_valid) {
      put(t.cmd_op, in.cmd_op);
      put(t.cmd_tag, in.cmd_tag);
      put(t.cmd_handle, in.cmd_handle);
      put(t.cmd_flags, in.cmd_flags);
      put(t.cmd_lip, in.cmd_lip);
      put(t.cmd_rip, in.cmd_rip);
      put(t.cmd_lport, in.cmd_lport);
      put(t.cmd_rport, in.cmd_rport);
      put(t.cmd_len, in.cmd_len);
    }
    put(t.cmd_valid, in.cmd_valid);
    put(t.rsp_ready, in.rsp_ready);
    put(t.evt_ready, in.evt_ready);
    if (in.txd_tvalid) verilated::put_beat(t.txd_tdata, in.txd_tdata);
    put(t.txd_tvalid, in.txd_tvalid);
    put(t.rxd_tready, in.rxd_tready);
    put(t.reg_wr, in.reg_wr);
    put(t.reg_addr, in.reg_addr);
    put(t.reg_wdata, in.reg_wdata);
  }

  void fill() noexcept {
    using verilated::put;
    const Top& t = *top_;
    model::Outputs& o = out_;
    put(o.s_axis_tready, t.s_axis_tready);
    if (t.m_axis_tvalid) {
      verilated::get_beat(o.m_axis_tdata, t.m_axis_tdata);
      put(o.m_axis_tkeep, t.m_axis_tkeep);
      put(o.m_axis_tlast, t.m_axis_tlast);
    }
    put(o.m_axis_tvalid, t.m_axis_tvalid);
    put(o.cmd_ready, t.cmd_ready);
    if (t.rsp_valid) {
      put(o.rsp_tag, t.rsp_tag);
      put(o.rsp_op, t.rsp_op);
      put(o.rsp_status, t.rsp_status);
      put(o.rsp_handle, t.rsp_handle);
      put(o.rsp_len, t.rsp_len);
      put(o.rsp_state, t.rsp_state);
      put(o.rsp_avail, t.rsp_avail);
      put(o.rsp_room, t.rsp_room);
    }
    put(o.rsp_valid, t.rsp_valid);
    if (t.evt_valid) {
      put(o.evt_handle, t.evt_handle);
      put(o.evt_flags, t.evt_flags);
    }
    put(o.evt_valid, t.evt_valid);
    put(o.txd_tready, t.txd_tready);
    if (t.rxd_tvalid) {
      verilated::get_beat(o.rxd_tdata, t.rxd_tdata);
      put(o.rxd_tkeep, t.rxd_tkeep);
      put(o.rxd_tlast, t.rxd_tlast);
      put(o.rxd_handle, t.rxd_handle);
    }
    put(o.rxd_tvalid, t.rxd_tvalid);
    put(o.reg_rdata, t.reg_rdata);
    put(o.quiescent, t.quiescent);
    put(o.next_deadline, t.next_deadline);
    put(o.next_deadline_valid, t.next_deadline_valid);

    model::Probes& p = o.prb;
    put(p.slots_used, t.prb_slots_used);
    put(p.raw_count, t.prb_raw_count);
    put(p.head_state, t.prb_head_state);
    put(p.stage_valid, t.prb_stage_valid);
    put(p.txq_count, t.prb_txq_count);
    put(p.tx_state, t.prb_tx_state);
    put(p.mover_busy, t.prb_mover_busy);
    put(p.writer_state, t.prb_writer_state);
    put(p.reader_state, t.prb_reader_state);
    put(p.scan_ptr, t.prb_scan_ptr);
    put(p.scan_clean, t.prb_scan_clean);
    put(p.outq_count, t.prb_outq_count);
    put(p.evtq_count, t.prb_evtq_count);
    put(p.free_count, t.prb_free_count);
    put(p.ret_valid, t.prb_ret_valid);
    if (t.prb_ret_valid) {
      put(p.ret_kind, t.prb_ret_kind);
      put(p.ret_order, t.prb_ret_order);
      put(p.ret_conn, t.prb_ret_conn);
      put(p.ret_has_conn, t.prb_ret_has_conn);
      put(p.ret_reason, t.prb_ret_reason);
      put(p.ret_tx, t.prb_ret_tx);
      verilated::get_words(p.ret_record, t.prb_ret_record);
      verilated::get_words(p.ret_deadlines, t.prb_ret_deadlines);
    }
  }

  [[noreturn]] void check() {
    context_->gotError(false);
    context_->gotFinish(false);
    throw DutError("An assertion of the RTL failed in cycle " + std::to_string(cycle_) +
                   "; the simulator has printed which one.");
  }

  bool in_window() const noexcept { return cycle_ >= options_.waves_from && cycle_ <= options_.waves_to; }
  void dump(const model::Inputs& in, int) {
    if constexpr (!std::is_void_v<Waves>) {
      if (in_window() || in.rst) waves_->dump(ticks_ * 4000);
    }
  }
  void dump_edge() {
    if constexpr (!std::is_void_v<Waves>) {
      if (in_window() || reset_) {
        waves_->dump(ticks_ * 4000 + 2000);
        if (cycle_ == options_.waves_to) waves_->flush();
      }
    }
  }

  DutOptions options_;
  std::unique_ptr<VerilatedContext> context_;
  std::unique_ptr<Top> top_;
  std::unique_ptr<WavesOrChar> waves_;
  model::Outputs out_{};
  std::uint64_t ticks_ = 0;  ///< ever
  std::uint64_t cycle_ = 0;  ///< since reset
  bool reset_ = false;
};

}  // namespace tiptoe
