// SPDX-License-Identifier: Apache-2.0
// Pins for datapath_test.cpp: the datapath with its descriptors taken apart, and next to it a FIFO, the option walker and
// the two descriptions of the unaligned memory.
module tiptoe_datapath_tb #(
  parameter int unsigned DATA_W = 64,
  localparam int unsigned B = DATA_W / 8,
  localparam int unsigned OFF_W = $clog2(B)
) (
  input  logic              clk_i,
  input  logic              rst_i,
  input  logic              running_i,
  input  logic [31:0]       ip0_i,
  input  logic [31:0]       ip1_i,
  input  logic [31:0]       ip2_i,
  input  logic [31:0]       ip3_i,
  input  logic [7:0]        ttl_i,
  input  logic [7:0]        tos_i,
  input  logic              df_i,

  input  logic [DATA_W-1:0] s_tdata_i,
  input  logic [B-1:0]      s_tkeep_i,
  input  logic              s_tvalid_i,
  input  logic              s_tlast_i,
  output logic              s_tready_o,
  output logic [DATA_W-1:0] m_tdata_o,
  output logic [B-1:0]      m_tkeep_o,
  output logic              m_tvalid_o,
  output logic              m_tlast_o,
  input  logic              m_tready_i,
  input  logic [DATA_W-1:0] txd_tdata_i,
  input  logic              txd_tvalid_i,
  output logic              txd_tready_o,
  output logic [DATA_W-1:0] rxd_tdata_o,
  output logic [B-1:0]      rxd_tkeep_o,
  output logic              rxd_tvalid_o,
  output logic              rxd_tlast_o,
  input  logic              rxd_tready_i,
  output logic [15:0]       rxd_handle_o,

  output logic              raw_valid_o,
  input  logic              raw_pop_i,
  output logic [2:0]        raw_slot_o,
  output logic [3:0]        raw_reason_o,
  output logic [31:0]       raw_src_o,
  output logic [31:0]       raw_dst_o,
  output logic [15:0]       raw_sport_o,
  output logic [15:0]       raw_dport_o,
  output logic [31:0]       raw_seq_o,
  output logic [31:0]       raw_ack_o,
  output logic [15:0]       raw_wnd_o,
  output logic [15:0]       raw_up_o,
  output logic [7:0]        raw_flags_o,
  output logic [10:0]       raw_pay_off_o,
  output logic [10:0]       raw_pay_len_o,
  output logic [3:0]        raw_doff_o,
  output logic [319:0]      raw_opts_o,

  input  logic              mv_push_i,
  input  logic [2:0]        mv_slot_i,
  input  logic [10:0]       mv_offset_i,
  input  logic [10:0]       mv_len_i,
  input  logic [9:0]        mv_idx_i,
  input  logic [31:0]       mv_seq_i,

  input  logic              tx_push_i,
  input  logic [31:0]       tx_lip_i,
  input  logic [31:0]       tx_rip_i,
  input  logic [15:0]       tx_lport_i,
  input  logic [15:0]       tx_rport_i,
  input  logic [31:0]       tx_seq_i,
  input  logic [31:0]       tx_ack_i,
  input  logic [7:0]        tx_flags_i,
  input  logic [15:0]       tx_wnd_i,
  input  logic              tx_mss_valid_i,
  input  logic [15:0]       tx_mss_i,
  input  logic [9:0]        tx_idx_i,
  input  logic [15:0]       tx_len_i,

  input  logic              wr_push_i,
  input  logic              rd_push_i,
  input  logic [9:0]        host_idx_i,
  input  logic [15:0]       host_handle_i,
  input  logic [31:0]       host_base_i,
  input  logic [16:0]       host_len_i,
  output logic              wr_full_o,
  output logic              rd_full_o,
  output logic              txd_ev_valid_o,
  output logic [9:0]        txd_ev_idx_o,
  output logic [15:0]       txd_ev_handle_o,
  output logic [16:0]       txd_ev_len_o,
  input  logic              txd_ev_grant_i,
  output logic              rxd_ev_valid_o,
  output logic [9:0]        rxd_ev_idx_o,
  output logic [15:0]       rxd_ev_handle_o,
  output logic [16:0]       rxd_ev_len_o,
  input  logic              rxd_ev_grant_i,

  output logic [3:0]        slots_used_o,
  output logic [3:0]        raw_count_o,
  output logic [4:0]        txq_count_o,
  output logic [1:0]        tx_state_o,
  output logic              mover_busy_o,
  output logic [1:0]        writer_state_o,
  output logic [1:0]        reader_state_o,
  output logic              idle_o,

  input  logic              walk_start_i,
  input  logic [319:0]      walk_opts_i,
  input  logic [3:0]        walk_doff_i,
  output logic              walk_done_o,
  output logic              walk_mss_valid_o,
  output logic [15:0]       walk_mss_o,

  input  logic              fifo_push_i,
  input  logic [15:0]       fifo_data_i,
  input  logic              fifo_pop_i,
  output logic              fifo_valid_o,
  output logic [15:0]       fifo_data_o,
  output logic              fifo_full_o,
  output logic [2:0]        fifo_count_o,

  input  logic              um_we_i,
  input  logic [11:0]       um_waddr_i,
  input  logic [OFF_W:0]    um_wlen_i,
  input  logic [DATA_W-1:0] um_wdata_i,
  input  logic              um_re_i,
  input  logic [11:0]       um_raddr_i,
  output logic [DATA_W-1:0] um_merged_o,
  output logic [DATA_W-1:0] um_strobes_o
);

  tiptoe_dp_pkg::raw_desc_t raw;
  tiptoe_dp_pkg::mv_cmd_t mv_cmd;
  tiptoe_dp_pkg::tx_desc_t tx_desc;
  tiptoe_dp_pkg::host_cmd_t host_cmd;
  tiptoe_dp_pkg::host_done_t txd_ev, rxd_ev;

  assign {raw_slot_o, raw_reason_o, raw_src_o, raw_dst_o, raw_sport_o, raw_dport_o, raw_seq_o, raw_ack_o, raw_wnd_o,
          raw_up_o, raw_flags_o, raw_pay_off_o, raw_pay_len_o, raw_doff_o, raw_opts_o} = raw;
  assign mv_cmd = {mv_slot_i, mv_offset_i, mv_len_i, mv_idx_i, mv_seq_i};
  assign tx_desc = {tx_lip_i, tx_rip_i, tx_lport_i, tx_rport_i, tx_seq_i, tx_ack_i, tx_flags_i, tx_wnd_i, tx_mss_valid_i,
                    tx_mss_i, tx_idx_i, tx_len_i};
  assign host_cmd = {host_idx_i, host_handle_i, host_base_i, host_len_i};
  assign {txd_ev_idx_o, txd_ev_handle_o, txd_ev_len_o} = txd_ev;
  assign {rxd_ev_idx_o, rxd_ev_handle_o, rxd_ev_len_o} = rxd_ev;

  tiptoe_datapath #(
    .DATA_W(DATA_W),
    .CONNS(16),
    .TX_BUF_LOG2(12),
    .RX_BUF_LOG2(11)
  ) u_dp (
    .clk_i,
    .rst_i,
    .running_i,
    .local_ip_i({ip3_i, ip2_i, ip1_i, ip0_i}),
    .ttl_i,
    .tos_i,
    .df_i,
    .s_axis_tdata_i(s_tdata_i),
    .s_axis_tkeep_i(s_tkeep_i),
    .s_axis_tvalid_i(s_tvalid_i),
    .s_axis_tlast_i(s_tlast_i),
    .s_axis_tready_o(s_tready_o),
    .m_axis_tdata_o(m_tdata_o),
    .m_axis_tkeep_o(m_tkeep_o),
    .m_axis_tvalid_o(m_tvalid_o),
    .m_axis_tlast_o(m_tlast_o),
    .m_axis_tready_i(m_tready_i),
    .txd_tdata_i,
    .txd_tvalid_i,
    .txd_tready_o,
    .rxd_tdata_o,
    .rxd_tkeep_o,
    .rxd_tvalid_o,
    .rxd_tlast_o,
    .rxd_tready_i,
    .rxd_handle_o,
    .raw_valid_o,
    .raw_o(raw),
    .raw_pop_i,
    .mv_push_i,
    .mv_cmd_i(mv_cmd),
    .tx_push_i,
    .tx_desc_i(tx_desc),
    .wr_push_i,
    .wr_cmd_i(host_cmd),
    .wr_full_o,
    .rd_push_i,
    .rd_cmd_i(host_cmd),
    .rd_full_o,
    .txd_ev_valid_o,
    .txd_ev_o(txd_ev),
    .txd_ev_grant_i,
    .rxd_ev_valid_o,
    .rxd_ev_o(rxd_ev),
    .rxd_ev_grant_i,
    .slots_used_o,
    .raw_count_o,
    .txq_count_o,
    .tx_state_o,
    .mover_busy_o,
    .writer_state_o,
    .reader_state_o,
    .idle_o
  );

  tiptoe_opt_walk u_walk (
    .clk_i,
    .rst_i,
    .start_i(walk_start_i),
    .opts_i(walk_opts_i),
    .doff_i(walk_doff_i),
    .done_o(walk_done_o),
    .mss_valid_o(walk_mss_valid_o),
    .mss_o(walk_mss_o)
  );

  tiptoe_fifo #(
    .WIDTH(16),
    .DEPTH(4)
  ) u_fifo (
    .clk_i,
    .rst_i,
    .push_i(fifo_push_i),
    .data_i(fifo_data_i),
    .pop_i(fifo_pop_i),
    .valid_o(fifo_valid_o),
    .data_o(fifo_data_o),
    .full_o(fifo_full_o),
    .count_o(fifo_count_o)
  );

  tiptoe_umem #(
    .DATA_W(DATA_W),
    .ADDR_W(12),
    .REGION_LOG2(10),
    .STROBES(1'b0)
  ) u_merged (
    .clk_i,
    .wr_en_i(um_we_i),
    .wr_addr_i(um_waddr_i),
    .wr_len_i(um_wlen_i),
    .wr_data_i(um_wdata_i),
    .rd_en_i(um_re_i),
    .rd_addr_i(um_raddr_i),
    .rd_data_o(um_merged_o)
  );

  tiptoe_umem #(
    .DATA_W(DATA_W),
    .ADDR_W(12),
    .REGION_LOG2(10),
    .STROBES(1'b1)
  ) u_strobes (
    .clk_i,
    .wr_en_i(um_we_i),
    .wr_addr_i(um_waddr_i),
    .wr_len_i(um_wlen_i),
    .wr_data_i(um_wdata_i),
    .rd_en_i(um_re_i),
    .rd_addr_i(um_raddr_i),
    .rd_data_o(um_strobes_o)
  );

endmodule
