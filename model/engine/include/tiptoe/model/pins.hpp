// SPDX-License-Identifier: Apache-2.0
// The pins of the engine (docs/microarchitecture.md, sections 2, 3 and 13) as plain data.
// The golden model and every adapter of a verilated engine speak this one struct pair. C++17, for SystemC's sake.
#pragma once

#include <array>
#include <cstdint>

namespace tiptoe::model {

/// Parameter set of one engine (section 2). Illegal sets are refused by Engine's constructor.
struct Parameters {
  unsigned data_w = 64;       ///< bits per beat: 64, 128, 256, 512
  unsigned conns = 64;        ///< connections: 16 ... 1024, power of two
  unsigned listeners = 8;     ///< 4, 8, 16, 32
  unsigned tx_buf_log2 = 14;  ///< log2 of send-buffer bytes per connection, 11 ... 16
  unsigned rx_buf_log2 = 14;  ///< log2 of receive-buffer bytes per connection, 11 ... 16
  unsigned timer_scan = 4;    ///< deadline entries examined per cycle: 1, 2, 4, 8

  friend bool operator==(const Parameters& a, const Parameters& b) {
    return a.data_w == b.data_w && a.conns == b.conns && a.listeners == b.listeners && a.tx_buf_log2 == b.tx_buf_log2 &&
           a.rx_buf_log2 == b.rx_buf_log2 && a.timer_scan == b.timer_scan;
  }
  friend bool operator!=(const Parameters& a, const Parameters& b) { return !(a == b); }
};

inline constexpr unsigned kMaxBeatWords = 8;     ///< 512 bits as 64-bit words
inline constexpr unsigned kMaxRecordWords = 64;  ///< packed connection record, 32-bit words
inline constexpr unsigned kDeadlineWords = 8;    ///< packed deadline record (245 bits)

/// One beat of DATA_W bits; byte 0 is bits 7..0 of word 0. Words beyond DATA_W are 0.
using Beat = std::array<std::uint64_t, kMaxBeatWords>;

struct Inputs {
  bool rst = false;
  std::uint64_t now_us = 0;  ///< 48 bits

  Beat s_axis_tdata{};
  std::uint64_t s_axis_tkeep = 0;
  bool s_axis_tvalid = false;
  bool s_axis_tlast = false;
  bool m_axis_tready = false;

  bool cmd_valid = false;
  std::uint8_t cmd_op = 0;
  std::uint8_t cmd_tag = 0;
  std::uint32_t cmd_handle = 0;
  std::uint8_t cmd_flags = 0;
  std::uint32_t cmd_lip = 0;
  std::uint32_t cmd_rip = 0;
  std::uint16_t cmd_lport = 0;
  std::uint16_t cmd_rport = 0;
  std::uint32_t cmd_len = 0;
  bool rsp_ready = false;
  bool evt_ready = false;

  Beat txd_tdata{};
  bool txd_tvalid = false;
  bool rxd_tready = false;

  bool reg_wr = false;
  std::uint8_t reg_addr = 0;
  std::uint32_t reg_wdata = 0;
};

/// Probes of section 13; the ret_* group is valid in the COMMIT cycle.
struct Probes {
  std::uint8_t slots_used = 0;
  std::uint8_t raw_count = 0;
  std::uint8_t head_state = 0;
  std::uint8_t stage_valid = 0;
  std::uint8_t txq_count = 0;
  std::uint8_t tx_state = 0;
  bool mover_busy = false;
  std::uint8_t writer_state = 0;
  std::uint8_t reader_state = 0;
  std::uint16_t scan_ptr = 0;
  bool scan_clean = false;
  std::uint16_t outq_count = 0;
  std::uint16_t evtq_count = 0;
  std::uint16_t free_count = 0;

  bool ret_valid = false;
  std::uint8_t ret_kind = 0;
  std::uint32_t ret_order = 0;
  std::uint16_t ret_conn = 0;
  bool ret_has_conn = false;
  std::uint8_t ret_reason = 0;
  bool ret_tx = false;
  std::array<std::uint32_t, kMaxRecordWords> ret_record{};
  std::array<std::uint32_t, kDeadlineWords> ret_deadlines{};
};

struct Outputs {
  bool s_axis_tready = false;
  Beat m_axis_tdata{};
  std::uint64_t m_axis_tkeep = 0;
  bool m_axis_tvalid = false;
  bool m_axis_tlast = false;

  bool cmd_ready = false;
  bool rsp_valid = false;
  std::uint8_t rsp_tag = 0;
  std::uint8_t rsp_op = 0;
  std::uint8_t rsp_status = 0;
  std::uint32_t rsp_handle = 0;
  std::uint32_t rsp_len = 0;
  std::uint8_t rsp_state = 0;
  std::uint32_t rsp_avail = 0;
  std::uint32_t rsp_room = 0;

  bool evt_valid = false;
  std::uint32_t evt_handle = 0;
  std::uint16_t evt_flags = 0;

  bool txd_tready = false;
  Beat rxd_tdata{};
  std::uint64_t rxd_tkeep = 0;
  bool rxd_tvalid = false;
  bool rxd_tlast = false;
  std::uint16_t rxd_handle = 0;

  std::uint32_t reg_rdata = 0;
  bool quiescent = false;
  std::uint64_t next_deadline = 0;
  bool next_deadline_valid = false;

  Probes prb;
};

// How a clocked engine is driven (model and verilated RTL alike), once per clock cycle:
//   const Outputs& eval(const Inputs&)  outputs of this cycle for these inputs (combinational settle; may be called
//                                       more than once per cycle with different inputs)
//   void tick()                         the rising edge that ends the cycle

}  // namespace tiptoe::model
