// SPDX-License-Identifier: Apache-2.0
// tiptoe_sc: an engine as a pin-level SystemC module. Everything inside is plain C++ behind one SC_METHOD, which runs
// at rising edges and when rst or now_us change (valids, readies and quiescent depend on them in the same cycle).
//
//   sc_core::sc_clock clk("clk", 4, sc_core::SC_NS);
//   tiptoe::systemc::signals<64> s("s");                        // all pins as sc_signals
//   tiptoe::systemc::tiptoe_sc<tiptoe::model::Engine> dut("dut", parameters);
//   dut.clk(clk);
//   s.bind(dut);
//
// EngineT is anything with `const Outputs& eval(const Inputs&)` and `void tick()`: the golden model, or a verilated
// engine behind the same two functions. Pins are those of docs/microarchitecture.md, section 3, without the probes;
// engine() has them. Timing: as RTL, inputs are sampled at the rising edge, outputs change one delta cycle after it.
#pragma once

#include <systemc>

#include <cstdint>
#include <utility>

#include "tiptoe/model/pins.hpp"

namespace tiptoe::systemc {

namespace detail {

template <unsigned W>
model::Beat to_beat(const sc_dt::sc_bv<W>& bits) {
  model::Beat beat{};
  for (unsigned i = 0; i < W / 32; ++i)
    beat[i / 2] |= std::uint64_t{static_cast<std::uint32_t>(bits.get_word(static_cast<int>(i)))} << (32 * (i % 2));
  return beat;
}
template <unsigned W>
sc_dt::sc_bv<W> to_bv(const model::Beat& beat) {
  sc_dt::sc_bv<W> bits;
  for (unsigned i = 0; i < W / 32; ++i)
    bits.set_word(static_cast<int>(i), static_cast<sc_dt::sc_digit>(beat[i / 2] >> (32 * (i % 2))));
  return bits;
}

}  // namespace detail

// clang-format 14 never settles on these two.
// clang-format off
/// X(name) for every pin but clk: for binding, tracing, printing.
#define TIPTOE_SC_INPUT_PINS(X)                                                                                       \
  X(rst)                                                                                                              \
  X(now_us)                                                                                                           \
  X(s_axis_tdata) X(s_axis_tkeep) X(s_axis_tvalid) X(s_axis_tlast) X(m_axis_tready) X(cmd_valid) X(cmd_op) X(cmd_tag) \
      X(cmd_handle) X(cmd_flags) X(cmd_lip) X(cmd_lport) X(cmd_rip) X(cmd_rport) X(cmd_len) X(rsp_ready) X(evt_ready) \
          X(txd_tdata) X(txd_tvalid) X(rxd_tready) X(reg_wr) X(reg_addr) X(reg_wdata)
#define TIPTOE_SC_OUTPUT_PINS(X)                                                                                     \
  X(s_axis_tready)                                                                                                   \
  X(m_axis_tdata)                                                                                                    \
  X(m_axis_tkeep) X(m_axis_tvalid) X(m_axis_tlast) X(cmd_ready) X(rsp_valid) X(rsp_tag) X(rsp_op) X(rsp_status)      \
      X(rsp_handle) X(rsp_len) X(rsp_state) X(rsp_avail) X(rsp_room) X(evt_valid) X(evt_handle) X(evt_flags)         \
          X(txd_tready) X(rxd_tdata) X(rxd_tkeep) X(rxd_tvalid) X(rxd_tlast) X(rxd_handle) X(reg_rdata) X(quiescent) \
              X(next_deadline) X(next_deadline_valid)
// clang-format on

template <class EngineT, unsigned DATA_W = 64>
class tiptoe_sc : public sc_core::sc_module {
 public:
  using data_t = sc_dt::sc_bv<DATA_W>;

  sc_core::sc_in<bool> clk{"clk"}, rst{"rst"};
  sc_core::sc_in<std::uint64_t> now_us{"now_us"};

  sc_core::sc_in<data_t> s_axis_tdata{"s_axis_tdata"};
  sc_core::sc_in<std::uint64_t> s_axis_tkeep{"s_axis_tkeep"};
  sc_core::sc_in<bool> s_axis_tvalid{"s_axis_tvalid"}, s_axis_tlast{"s_axis_tlast"};
  sc_core::sc_out<bool> s_axis_tready{"s_axis_tready"};

  sc_core::sc_out<data_t> m_axis_tdata{"m_axis_tdata"};
  sc_core::sc_out<std::uint64_t> m_axis_tkeep{"m_axis_tkeep"};
  sc_core::sc_out<bool> m_axis_tvalid{"m_axis_tvalid"}, m_axis_tlast{"m_axis_tlast"};
  sc_core::sc_in<bool> m_axis_tready{"m_axis_tready"};

  sc_core::sc_in<bool> cmd_valid{"cmd_valid"};
  sc_core::sc_out<bool> cmd_ready{"cmd_ready"};
  sc_core::sc_in<std::uint32_t> cmd_op{"cmd_op"}, cmd_tag{"cmd_tag"}, cmd_handle{"cmd_handle"}, cmd_flags{"cmd_flags"},
      cmd_lip{"cmd_lip"}, cmd_lport{"cmd_lport"}, cmd_rip{"cmd_rip"}, cmd_rport{"cmd_rport"}, cmd_len{"cmd_len"};

  sc_core::sc_out<bool> rsp_valid{"rsp_valid"};
  sc_core::sc_in<bool> rsp_ready{"rsp_ready"};
  sc_core::sc_out<std::uint32_t> rsp_tag{"rsp_tag"}, rsp_op{"rsp_op"}, rsp_status{"rsp_status"},
      rsp_handle{"rsp_handle"}, rsp_len{"rsp_len"}, rsp_state{"rsp_state"}, rsp_avail{"rsp_avail"},
      rsp_room{"rsp_room"};

  sc_core::sc_out<bool> evt_valid{"evt_valid"};
  sc_core::sc_in<bool> evt_ready{"evt_ready"};
  sc_core::sc_out<std::uint32_t> evt_handle{"evt_handle"}, evt_flags{"evt_flags"};

  sc_core::sc_in<data_t> txd_tdata{"txd_tdata"};
  sc_core::sc_in<bool> txd_tvalid{"txd_tvalid"};
  sc_core::sc_out<bool> txd_tready{"txd_tready"};

  sc_core::sc_out<data_t> rxd_tdata{"rxd_tdata"};
  sc_core::sc_out<std::uint64_t> rxd_tkeep{"rxd_tkeep"};
  sc_core::sc_out<bool> rxd_tvalid{"rxd_tvalid"}, rxd_tlast{"rxd_tlast"};
  sc_core::sc_out<std::uint32_t> rxd_handle{"rxd_handle"};
  sc_core::sc_in<bool> rxd_tready{"rxd_tready"};

  sc_core::sc_in<bool> reg_wr{"reg_wr"};
  sc_core::sc_in<std::uint32_t> reg_addr{"reg_addr"}, reg_wdata{"reg_wdata"};
  sc_core::sc_out<std::uint32_t> reg_rdata{"reg_rdata"};

  sc_core::sc_out<bool> quiescent{"quiescent"}, next_deadline_valid{"next_deadline_valid"};
  sc_core::sc_out<std::uint64_t> next_deadline{"next_deadline"};

  /// `args` go to the engine's constructor.
  template <class... Args>
  explicit tiptoe_sc(const sc_core::sc_module_name& name, Args&&... args)
      : sc_core::sc_module(name), engine_(std::forward<Args>(args)...) {
    SC_HAS_PROCESS(tiptoe_sc);
    SC_METHOD(settle);
    sensitive << clk.pos() << rst << now_us;
  }

  EngineT& engine() { return engine_; }

 private:
  void settle() {
    if (clk.posedge()) {
      sample();
      engine_.eval(in_);
      engine_.tick();
    } else {
      in_.rst = rst.read();
      in_.now_us = now_us.read();
    }
    drive(engine_.eval(in_));
  }

  void sample() {
    in_.rst = rst.read();
    in_.now_us = now_us.read();
    in_.s_axis_tvalid = s_axis_tvalid.read();
    if (in_.s_axis_tvalid) {
      in_.s_axis_tdata = detail::to_beat<DATA_W>(s_axis_tdata.read());
      in_.s_axis_tkeep = s_axis_tkeep.read();
      in_.s_axis_tlast = s_axis_tlast.read();
    }
    in_.m_axis_tready = m_axis_tready.read();
    in_.cmd_valid = cmd_valid.read();
    if (in_.cmd_valid) {
      in_.cmd_op = static_cast<std::uint8_t>(cmd_op.read());
      in_.cmd_tag = static_cast<std::uint8_t>(cmd_tag.read());
      in_.cmd_handle = cmd_handle.read();
      in_.cmd_flags = static_cast<std::uint8_t>(cmd_flags.read());
      in_.cmd_lip = cmd_lip.read();
      in_.cmd_lport = static_cast<std::uint16_t>(cmd_lport.read());
      in_.cmd_rip = cmd_rip.read();
      in_.cmd_rport = static_cast<std::uint16_t>(cmd_rport.read());
      in_.cmd_len = cmd_len.read();
    }
    in_.rsp_ready = rsp_ready.read();
    in_.evt_ready = evt_ready.read();
    in_.txd_tvalid = txd_tvalid.read();
    if (in_.txd_tvalid) in_.txd_tdata = detail::to_beat<DATA_W>(txd_tdata.read());
    in_.rxd_tready = rxd_tready.read();
    in_.reg_wr = reg_wr.read();
    in_.reg_addr = static_cast<std::uint8_t>(reg_addr.read());
    in_.reg_wdata = reg_wdata.read();
  }

  /// Payload is written under its valid only.
  void drive(const model::Outputs& out) {
    s_axis_tready.write(out.s_axis_tready);
    m_axis_tvalid.write(out.m_axis_tvalid);
    if (out.m_axis_tvalid) {
      m_axis_tdata.write(detail::to_bv<DATA_W>(out.m_axis_tdata));
      m_axis_tkeep.write(out.m_axis_tkeep);
      m_axis_tlast.write(out.m_axis_tlast);
    }
    cmd_ready.write(out.cmd_ready);
    rsp_valid.write(out.rsp_valid);
    if (out.rsp_valid) {
      rsp_tag.write(out.rsp_tag);
      rsp_op.write(out.rsp_op);
      rsp_status.write(out.rsp_status);
      rsp_handle.write(out.rsp_handle);
      rsp_len.write(out.rsp_len);
      rsp_state.write(out.rsp_state);
      rsp_avail.write(out.rsp_avail);
      rsp_room.write(out.rsp_room);
    }
    evt_valid.write(out.evt_valid);
    if (out.evt_valid) {
      evt_handle.write(out.evt_handle);
      evt_flags.write(out.evt_flags);
    }
    txd_tready.write(out.txd_tready);
    rxd_tvalid.write(out.rxd_tvalid);
    if (out.rxd_tvalid) {
      rxd_tdata.write(detail::to_bv<DATA_W>(out.rxd_tdata));
      rxd_tkeep.write(out.rxd_tkeep);
      rxd_tlast.write(out.rxd_tlast);
      rxd_handle.write(out.rxd_handle);
    }
    reg_rdata.write(out.reg_rdata);
    quiescent.write(out.quiescent);
    next_deadline_valid.write(out.next_deadline_valid);
    if (out.next_deadline_valid) next_deadline.write(out.next_deadline);
  }

  EngineT engine_;
  model::Inputs in_;
};

/// One sc_signal per pin, under the pin's name.
template <unsigned DATA_W = 64>
struct signals : sc_core::sc_module {
  explicit signals(const sc_core::sc_module_name& name) : sc_core::sc_module(name) {}

  using data_t = sc_dt::sc_bv<DATA_W>;

  sc_core::sc_signal<bool> rst{"rst"}, s_axis_tvalid{"s_axis_tvalid"}, s_axis_tlast{"s_axis_tlast"},
      s_axis_tready{"s_axis_tready"}, m_axis_tvalid{"m_axis_tvalid"}, m_axis_tlast{"m_axis_tlast"},
      m_axis_tready{"m_axis_tready"}, cmd_valid{"cmd_valid"}, cmd_ready{"cmd_ready"}, rsp_valid{"rsp_valid"},
      rsp_ready{"rsp_ready"}, evt_valid{"evt_valid"}, evt_ready{"evt_ready"}, txd_tvalid{"txd_tvalid"},
      txd_tready{"txd_tready"}, rxd_tvalid{"rxd_tvalid"}, rxd_tlast{"rxd_tlast"}, rxd_tready{"rxd_tready"},
      reg_wr{"reg_wr"}, quiescent{"quiescent"}, next_deadline_valid{"next_deadline_valid"};
  sc_core::sc_signal<data_t> s_axis_tdata{"s_axis_tdata"}, m_axis_tdata{"m_axis_tdata"}, txd_tdata{"txd_tdata"},
      rxd_tdata{"rxd_tdata"};
  sc_core::sc_signal<std::uint64_t> now_us{"now_us"}, s_axis_tkeep{"s_axis_tkeep"}, m_axis_tkeep{"m_axis_tkeep"},
      rxd_tkeep{"rxd_tkeep"}, next_deadline{"next_deadline"};
  sc_core::sc_signal<std::uint32_t> cmd_op{"cmd_op"}, cmd_tag{"cmd_tag"}, cmd_handle{"cmd_handle"},
      cmd_flags{"cmd_flags"}, cmd_lip{"cmd_lip"}, cmd_lport{"cmd_lport"}, cmd_rip{"cmd_rip"}, cmd_rport{"cmd_rport"},
      cmd_len{"cmd_len"}, rsp_tag{"rsp_tag"}, rsp_op{"rsp_op"}, rsp_status{"rsp_status"}, rsp_handle{"rsp_handle"},
      rsp_len{"rsp_len"}, rsp_state{"rsp_state"}, rsp_avail{"rsp_avail"}, rsp_room{"rsp_room"},
      evt_handle{"evt_handle"}, evt_flags{"evt_flags"}, rxd_handle{"rxd_handle"}, reg_addr{"reg_addr"},
      reg_wdata{"reg_wdata"}, reg_rdata{"reg_rdata"};

  /// Binds every pin but clk.
  template <class Module>
  void bind(Module& module) {
#define X(pin) module.pin(pin);
    TIPTOE_SC_INPUT_PINS(X)
    TIPTOE_SC_OUTPUT_PINS(X)
#undef X
  }
  void trace(sc_core::sc_trace_file* file) const override {
#define X(pin) sc_core::sc_trace(file, pin, #pin);
    TIPTOE_SC_INPUT_PINS(X)
    TIPTOE_SC_OUTPUT_PINS(X)
#undef X
  }
};

}  // namespace tiptoe::systemc
