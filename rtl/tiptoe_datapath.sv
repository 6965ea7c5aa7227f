// SPDX-License-Identifier: Apache-2.0
// Everything that touches payload (the byte side of microarchitecture 5): receive parser and segment store, mover and
// receive buffer, host reader, host writer and send buffer, TX engine. It talks to the control side in descriptors
// (tiptoe_dp_pkg) only. Timing of every port: see the module that it belongs to.
module tiptoe_datapath #(
  parameter int unsigned DATA_W = 64,
  parameter int unsigned CONNS = 64,
  parameter int unsigned TX_BUF_LOG2 = 14,
  parameter int unsigned RX_BUF_LOG2 = 14,
  localparam int unsigned B = DATA_W / 8
) (
  input  logic                        clk_i,
  input  logic                        rst_i,
  input  logic                        running_i,
  // registers
  input  logic [127:0]                local_ip_i,       // LOCAL_IP0 in [31:0]
  input  logic [7:0]                  ttl_i,
  input  logic [7:0]                  tos_i,
  input  logic                        df_i,
  // network
  input  logic [DATA_W-1:0]           s_axis_tdata_i,
  input  logic [B-1:0]                s_axis_tkeep_i,
  input  logic                        s_axis_tvalid_i,
  input  logic                        s_axis_tlast_i,
  output logic                        s_axis_tready_o,
  output logic [DATA_W-1:0]           m_axis_tdata_o,
  output logic [B-1:0]                m_axis_tkeep_o,
  output logic                        m_axis_tvalid_o,
  output logic                        m_axis_tlast_o,
  input  logic                        m_axis_tready_i,
  // host payload
  input  logic [DATA_W-1:0]           txd_tdata_i,
  input  logic                        txd_tvalid_i,
  output logic                        txd_tready_o,
  output logic [DATA_W-1:0]           rxd_tdata_o,
  output logic [B-1:0]                rxd_tkeep_o,
  output logic                        rxd_tvalid_o,
  output logic                        rxd_tlast_o,
  input  logic                        rxd_tready_i,
  output logic [15:0]                 rxd_handle_o,
  // raw FIFO head, for HEAD
  output logic                        raw_valid_o,
  output tiptoe_dp_pkg::raw_desc_t    raw_o,
  input  logic                        raw_pop_i,
  // COMMIT
  input  logic                        mv_push_i,
  input  tiptoe_dp_pkg::mv_cmd_t      mv_cmd_i,
  input  logic                        tx_push_i,
  input  tiptoe_dp_pkg::tx_desc_t     tx_desc_i,
  input  logic                        wr_push_i,
  input  tiptoe_dp_pkg::host_cmd_t    wr_cmd_i,
  output logic                        wr_full_o,
  input  logic                        rd_push_i,
  input  tiptoe_dp_pkg::host_cmd_t    rd_cmd_i,
  output logic                        rd_full_o,
  // TXD and RXD events
  output logic                        txd_ev_valid_o,
  output tiptoe_dp_pkg::host_done_t   txd_ev_o,
  input  logic                        txd_ev_grant_i,
  output logic                        rxd_ev_valid_o,
  output tiptoe_dp_pkg::host_done_t   rxd_ev_o,
  input  logic                        rxd_ev_grant_i,
  // probes and quiescence
  output logic [3:0]                  slots_used_o,
  output logic [3:0]                  raw_count_o,
  output logic [4:0]                  txq_count_o,
  output logic [1:0]                  tx_state_o,
  output logic                        mover_busy_o,
  output logic [1:0]                  writer_state_o,
  output logic [1:0]                  reader_state_o,
  output logic                        idle_o            // no datagram, stage, command or descriptor anywhere in here
);

  localparam int unsigned OFF_W = $clog2(B);
  localparam int unsigned IDX_W = $clog2(CONNS);
  localparam int unsigned ST_W = $clog2(tiptoe_dp_pkg::SLOTS) + tiptoe_dp_pkg::SLOT_LOG2;
  localparam int unsigned RB_W = IDX_W + RX_BUF_LOG2;
  localparam int unsigned SB_W = IDX_W + TX_BUF_LOG2;

  logic st_we, st_re, rb_we, rb_re, sb_we, sb_re;
  logic [ST_W-1:0] st_waddr, st_raddr;
  logic [RB_W-1:0] rb_waddr, rb_raddr;
  logic [SB_W-1:0] sb_waddr, sb_raddr;
  logic [OFF_W:0] rb_wlen, sb_wlen;
  logic [DATA_W-1:0] st_rdata, rb_wdata, rb_rdata, sb_wdata, sb_rdata;
  logic slot_release;
  logic [15:0] mv_issued, mv_done, txd_issued, txd_loaded;
  logic rx_idle, mover_idle, writer_idle, reader_idle, tx_idle;

  tiptoe_rx_parser #(
    .DATA_W(DATA_W)
  ) u_rx_parser (
    .clk_i,
    .rst_i,
    .running_i,
    .local_ip_i,
    .s_axis_tdata_i,
    .s_axis_tkeep_i,
    .s_axis_tvalid_i,
    .s_axis_tlast_i,
    .s_axis_tready_o,
    .st_we_o(st_we),
    .st_addr_o(st_waddr),
    .slot_release_i(slot_release),
    .raw_valid_o,
    .raw_o,
    .raw_pop_i,
    .raw_count_o,
    .slots_used_o,
    .idle_o(rx_idle)
  );

  tiptoe_umem #(
    .DATA_W(DATA_W),
    .ADDR_W(ST_W),
    .REGION_LOG2(tiptoe_dp_pkg::SLOT_LOG2),
    .WR_ALIGNED(1'b1)
  ) u_segment_store (
    .clk_i,
    .wr_en_i(st_we),
    .wr_addr_i(st_waddr),
    .wr_len_i(B[OFF_W:0]),
    .wr_data_i(s_axis_tdata_i),
    .rd_en_i(st_re),
    .rd_addr_i(st_raddr),
    .rd_data_o(st_rdata)
  );

  tiptoe_mover #(
    .DATA_W(DATA_W),
    .CONNS(CONNS),
    .RX_BUF_LOG2(RX_BUF_LOG2)
  ) u_mover (
    .clk_i,
    .rst_i,
    .push_i(mv_push_i),
    .cmd_i(mv_cmd_i),
    .st_re_o(st_re),
    .st_addr_o(st_raddr),
    .st_data_i(st_rdata),
    .rb_we_o(rb_we),
    .rb_addr_o(rb_waddr),
    .rb_len_o(rb_wlen),
    .rb_data_o(rb_wdata),
    .slot_release_o(slot_release),
    .issued_o(mv_issued),
    .done_o(mv_done),
    .busy_o(mover_busy_o),
    .idle_o(mover_idle)
  );

  tiptoe_umem #(
    .DATA_W(DATA_W),
    .ADDR_W(RB_W),
    .REGION_LOG2(RX_BUF_LOG2)
  ) u_receive_buffer (
    .clk_i,
    .wr_en_i(rb_we),
    .wr_addr_i(rb_waddr),
    .wr_len_i(rb_wlen),
    .wr_data_i(rb_wdata),
    .rd_en_i(rb_re),
    .rd_addr_i(rb_raddr),
    .rd_data_o(rb_rdata)
  );

  tiptoe_host_reader #(
    .DATA_W(DATA_W),
    .CONNS(CONNS),
    .RX_BUF_LOG2(RX_BUF_LOG2)
  ) u_host_reader (
    .clk_i,
    .rst_i,
    .push_i(rd_push_i),
    .cmd_i(rd_cmd_i),
    .issued_i(mv_issued + {15'b0, mv_push_i}),
    .done_i(mv_done),
    .rb_re_o(rb_re),
    .rb_addr_o(rb_raddr),
    .rb_data_i(rb_rdata),
    .rxd_tdata_o,
    .rxd_tkeep_o,
    .rxd_tvalid_o,
    .rxd_tlast_o,
    .rxd_tready_i,
    .rxd_handle_o,
    .ev_valid_o(rxd_ev_valid_o),
    .ev_o(rxd_ev_o),
    .ev_grant_i(rxd_ev_grant_i),
    .full_o(rd_full_o),
    .idle_o(reader_idle),
    .state_o(reader_state_o)
  );

  tiptoe_host_writer #(
    .DATA_W(DATA_W),
    .CONNS(CONNS),
    .TX_BUF_LOG2(TX_BUF_LOG2)
  ) u_host_writer (
    .clk_i,
    .rst_i,
    .push_i(wr_push_i),
    .cmd_i(wr_cmd_i),
    .issued_i(txd_issued),
    .loaded_i(txd_loaded),
    .txd_tdata_i,
    .txd_tvalid_i,
    .txd_tready_o,
    .sb_we_o(sb_we),
    .sb_addr_o(sb_waddr),
    .sb_len_o(sb_wlen),
    .sb_data_o(sb_wdata),
    .ev_valid_o(txd_ev_valid_o),
    .ev_o(txd_ev_o),
    .ev_grant_i(txd_ev_grant_i),
    .full_o(wr_full_o),
    .idle_o(writer_idle),
    .state_o(writer_state_o)
  );

  tiptoe_umem #(
    .DATA_W(DATA_W),
    .ADDR_W(SB_W),
    .REGION_LOG2(TX_BUF_LOG2)
  ) u_send_buffer (
    .clk_i,
    .wr_en_i(sb_we),
    .wr_addr_i(sb_waddr),
    .wr_len_i(sb_wlen),
    .wr_data_i(sb_wdata),
    .rd_en_i(sb_re),
    .rd_addr_i(sb_raddr),
    .rd_data_o(sb_rdata)
  );

  tiptoe_tx_engine #(
    .DATA_W(DATA_W),
    .CONNS(CONNS),
    .TX_BUF_LOG2(TX_BUF_LOG2)
  ) u_tx_engine (
    .clk_i,
    .rst_i,
    .push_i(tx_push_i),
    .desc_i(tx_desc_i),
    .txq_count_o,
    .issued_o(txd_issued),
    .loaded_o(txd_loaded),
    .ttl_i,
    .tos_i,
    .df_i,
    .sb_re_o(sb_re),
    .sb_addr_o(sb_raddr),
    .sb_data_i(sb_rdata),
    .m_axis_tdata_o,
    .m_axis_tkeep_o,
    .m_axis_tvalid_o,
    .m_axis_tlast_o,
    .m_axis_tready_i,
    .idle_o(tx_idle),
    .state_o(tx_state_o)
  );

  assign idle_o = rx_idle & ~raw_valid_o & mover_idle & writer_idle & reader_idle & tx_idle;

endmodule
