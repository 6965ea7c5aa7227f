// SPDX-License-Identifier: Apache-2.0
// Somebody's TCP engine: ours behind buffers that hold each datagram back for a while, with pauses, so that nothing
// comes when the model does it. It stands for your design in this example; nothing in it knows of a predictor.
//
// +mistake=lost: the fourth datagram that it sends is lost inside. The other mistakes are in the bench.
module axis_delay #(
  parameter int unsigned DATA_W = 64,
  parameter int unsigned DELAY = 40,             // cycles, at least
  parameter int unsigned DEPTH = 4096            // beats
) (
  input  logic                clk,
  input  logic                rst,
  input  int unsigned         lose,              // 1 ...: this datagram is lost; 0: none
  input  logic [DATA_W-1:0]   s_tdata,
  input  logic [DATA_W/8-1:0] s_tkeep,
  input  logic                s_tvalid,
  input  logic                s_tlast,
  output logic                s_tready,
  output logic [DATA_W-1:0]   m_tdata,
  output logic [DATA_W/8-1:0] m_tkeep,
  output logic                m_tvalid,
  output logic                m_tlast,
  input  logic                m_tready,
  output logic                empty
);
  localparam int unsigned A = $clog2(DEPTH);
  logic [DATA_W+DATA_W/8:0] beats [DEPTH];
  logic [31:0] due [DEPTH];
  logic [A-1:0] rd, wr;
  logic [31:0] cycle;
  logic [15:0] lfsr;
  int unsigned count;

  assign s_tready = !rst && wr + A'(1) != rd;
  assign empty = wr == rd && !m_tvalid;

  always_ff @(posedge clk) begin
    cycle <= cycle + 1;
    lfsr <= {lfsr[14:0], lfsr[15] ^ lfsr[13] ^ lfsr[12] ^ lfsr[10]};
    if (s_tvalid && s_tready) begin
      beats[wr] <= {s_tlast, s_tkeep, s_tdata};
      due[wr] <= cycle + DELAY;
      if (count + 1 != lose) wr <= wr + A'(1);
      if (s_tlast) count <= count + 1;
    end
    if (!m_tvalid || m_tready) begin
      m_tvalid <= 1'b0;
      if (rd != wr && due[rd] <= cycle && lfsr[1:0] != 0) begin
        m_tvalid <= 1'b1;
        {m_tlast, m_tkeep, m_tdata} <= beats[rd];
        rd <= rd + A'(1);
      end
    end
    if (rst) begin
      {rd, wr, cycle, count} <= '0;
      lfsr <= 16'hace1;
      m_tvalid <= 1'b0;
    end
  end
endmodule

module stranger (
  input  logic        clk,
  input  logic        rst,
  input  logic [47:0] now_us,
  input  logic [63:0] rx_tdata,
  input  logic [7:0]  rx_tkeep,
  input  logic        rx_tvalid,
  input  logic        rx_tlast,
  output logic        rx_tready,
  output logic [63:0] tx_tdata,
  output logic [7:0]  tx_tkeep,
  output logic        tx_tvalid,
  output logic        tx_tlast,
  input  logic        tx_tready,
  input  logic        cmd_valid,
  output logic        cmd_ready,
  input  logic [3:0]  cmd_op,
  input  logic [16:0] cmd_handle,
  input  logic [15:0] cmd_port,
  input  logic [31:0] cmd_len,
  output logic        rsp_valid,
  output logic [3:0]  rsp_status,
  output logic [16:0] rsp_handle,
  output logic [31:0] rsp_len,
  input  logic [63:0] txd_tdata,
  input  logic        txd_tvalid,
  output logic        txd_tready,
  output logic [63:0] rxd_tdata,
  output logic [7:0]  rxd_tkeep,
  output logic        rxd_tvalid,
  output logic        rxd_tlast,
  input  logic        reg_wr,
  input  logic [7:0]  reg_addr,
  input  logic [31:0] reg_wdata,
  output logic        idle,
  output logic [47:0] next_deadline,
  output logic        next_deadline_valid
);
  logic [63:0] s_tdata, m_tdata;
  logic [7:0] s_tkeep, m_tkeep;
  logic s_tvalid, s_tlast, s_tready, m_tvalid, m_tlast, m_tready, in_empty, out_empty, quiescent;
  int unsigned lose;
  string mistake;
  initial begin
    lose = 0;
    if ($value$plusargs("mistake=%s", mistake) && mistake == "lost") lose = 4;
  end
  assign idle = quiescent && in_empty && out_empty;

  axis_delay #(.DELAY(30)) u_in (
    .clk, .rst, .lose(0),
    .s_tdata(rx_tdata), .s_tkeep(rx_tkeep), .s_tvalid(rx_tvalid), .s_tlast(rx_tlast), .s_tready(rx_tready),
    .m_tdata(s_tdata), .m_tkeep(s_tkeep), .m_tvalid(s_tvalid), .m_tlast(s_tlast), .m_tready(s_tready),
    .empty(in_empty));
  axis_delay #(.DELAY(70)) u_out (
    .clk, .rst, .lose,
    .s_tdata(m_tdata), .s_tkeep(m_tkeep), .s_tvalid(m_tvalid), .s_tlast(m_tlast), .s_tready(m_tready),
    .m_tdata(tx_tdata), .m_tkeep(tx_tkeep), .m_tvalid(tx_tvalid), .m_tlast(tx_tlast), .m_tready(tx_tready),
    .empty(out_empty));

  tiptoe_top #(.DATA_W(64), .CONNS(16), .LISTENERS(4), .TX_BUF_LOG2(12), .RX_BUF_LOG2(12), .TIMER_SCAN(1)) u_engine (
    .clk, .rst, .now_us,
    .s_axis_tdata(s_tdata), .s_axis_tkeep(s_tkeep), .s_axis_tvalid(s_tvalid), .s_axis_tlast(s_tlast),
    .s_axis_tready(s_tready),
    .m_axis_tdata(m_tdata), .m_axis_tkeep(m_tkeep), .m_axis_tvalid(m_tvalid), .m_axis_tlast(m_tlast),
    .m_axis_tready(m_tready),
    .cmd_valid, .cmd_ready, .cmd_op, .cmd_tag('0), .cmd_handle, .cmd_flags('0), .cmd_lip('0), .cmd_lport(cmd_port),
    .cmd_rip('0), .cmd_rport('0), .cmd_len,
    .rsp_valid, .rsp_ready(1'b1), .rsp_tag(), .rsp_op(), .rsp_status, .rsp_handle, .rsp_len, .rsp_state(),
    .rsp_avail(), .rsp_room(),
    .evt_valid(), .evt_ready(1'b1), .evt_handle(), .evt_flags(),
    .txd_tdata, .txd_tvalid, .txd_tready,
    .rxd_tdata, .rxd_tkeep, .rxd_tvalid, .rxd_tlast, .rxd_tready(1'b1), .rxd_handle(),
    .reg_wr, .reg_addr, .reg_wdata, .reg_rdata(),
    .quiescent, .next_deadline, .next_deadline_valid,
    .prb_slots_used(), .prb_raw_count(), .prb_head_state(), .prb_stage_valid(), .prb_txq_count(), .prb_tx_state(),
    .prb_mover_busy(), .prb_writer_state(), .prb_reader_state(), .prb_scan_ptr(), .prb_scan_clean(),
    .prb_outq_count(), .prb_evtq_count(), .prb_free_count(),
    .prb_ret_valid(), .prb_ret_kind(), .prb_ret_order(), .prb_ret_conn(), .prb_ret_has_conn(), .prb_ret_reason(),
    .prb_ret_record(), .prb_ret_deadlines(), .prb_ret_tx());
endmodule
