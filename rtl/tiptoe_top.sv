// SPDX-License-Identifier: Apache-2.0
// tiptoe: a TCP offload engine on layer 3 (docs/microarchitecture.md; pins: section 3, probes: section 13).
module tiptoe_top #(
  parameter int unsigned DATA_W = 64,         // 64, 128, 256, 512
  parameter int unsigned CONNS = 64,          // 16 ... 1024, a power of two
  parameter int unsigned LISTENERS = 8,       // 4, 8, 16, 32
  parameter int unsigned TX_BUF_LOG2 = 14,    // 11 ... 16
  parameter int unsigned RX_BUF_LOG2 = 14,    // 11 ... 16
  parameter int unsigned TIMER_SCAN = 4,      // 1, 2, 4, 8; at most CONNS/4
  localparam int unsigned B = DATA_W / 8,
  localparam int unsigned IDX_W = $clog2(CONNS),
  localparam int unsigned L_W = $clog2(LISTENERS),
  localparam int unsigned RECORD_W = tiptoe_pkg::RECORD_W,
  localparam int unsigned DEADLINE_W = tiptoe_pkg::DEADLINE_W
) (
  input  logic                  clk,
  input  logic                  rst,
  input  logic [47:0]           now_us,
  // datagrams from the network
  input  logic [DATA_W-1:0]     s_axis_tdata,
  input  logic [B-1:0]          s_axis_tkeep,
  input  logic                  s_axis_tvalid,
  input  logic                  s_axis_tlast,
  output logic                  s_axis_tready,
  // datagrams to the network
  output logic [DATA_W-1:0]     m_axis_tdata,
  output logic [B-1:0]          m_axis_tkeep,
  output logic                  m_axis_tvalid,
  output logic                  m_axis_tlast,
  input  logic                  m_axis_tready,
  // host commands, responses, notifications
  input  logic                  cmd_valid,
  output logic                  cmd_ready,
  input  logic [3:0]            cmd_op,
  input  logic [7:0]            cmd_tag,
  input  logic [16:0]           cmd_handle,
  input  logic [7:0]            cmd_flags,
  input  logic [31:0]           cmd_lip,
  input  logic [15:0]           cmd_lport,
  input  logic [31:0]           cmd_rip,
  input  logic [15:0]           cmd_rport,
  input  logic [31:0]           cmd_len,
  output logic                  rsp_valid,
  input  logic                  rsp_ready,
  output logic [7:0]            rsp_tag,
  output logic [3:0]            rsp_op,
  output logic [3:0]            rsp_status,
  output logic [16:0]           rsp_handle,
  output logic [31:0]           rsp_len,
  output logic [3:0]            rsp_state,
  output logic [31:0]           rsp_avail,
  output logic [31:0]           rsp_room,
  output logic                  evt_valid,
  input  logic                  evt_ready,
  output logic [16:0]           evt_handle,
  output logic [11:0]           evt_flags,
  // payload
  input  logic [DATA_W-1:0]     txd_tdata,
  input  logic                  txd_tvalid,
  output logic                  txd_tready,
  output logic [DATA_W-1:0]     rxd_tdata,
  output logic [B-1:0]          rxd_tkeep,
  output logic                  rxd_tvalid,
  output logic                  rxd_tlast,
  input  logic                  rxd_tready,
  output logic [15:0]           rxd_handle,
  // registers
  input  logic                  reg_wr,
  input  logic [7:0]            reg_addr,
  input  logic [31:0]           reg_wdata,
  output logic [31:0]           reg_rdata,
  // idle time
  output logic                  quiescent,
  output logic [47:0]           next_deadline,
  output logic                  next_deadline_valid,
  // probes
  output logic [3:0]            prb_slots_used,
  output logic [3:0]            prb_raw_count,
  output logic [1:0]            prb_head_state,
  output logic [4:0]            prb_stage_valid,
  output logic [4:0]            prb_txq_count,
  output logic [1:0]            prb_tx_state,
  output logic                  prb_mover_busy,
  output logic [1:0]            prb_writer_state,
  output logic [1:0]            prb_reader_state,
  output logic [9:0]            prb_scan_ptr,
  output logic                  prb_scan_clean,
  output logic [10:0]           prb_outq_count,
  output logic [10:0]           prb_evtq_count,
  output logic [10:0]           prb_free_count,
  output logic                  prb_ret_valid,
  output logic [2:0]            prb_ret_kind,
  output logic [31:0]           prb_ret_order,
  output logic [9:0]            prb_ret_conn,
  output logic                  prb_ret_has_conn,
  output logic [4:0]            prb_ret_reason,
  output logic [RECORD_W-1:0]   prb_ret_record,
  output logic [DEADLINE_W-1:0] prb_ret_deadlines,
  output logic                  prb_ret_tx
);

  // ---- legal parameters (microarchitecture 2) ----
`ifndef SYNTHESIS
  if (DATA_W != 64 && DATA_W != 128 && DATA_W != 256 && DATA_W != 512) begin : gen_bad_data_w
    $fatal(1, "tiptoe_top: DATA_W must be 64, 128, 256 or 512");
  end
  if (CONNS != 16 && CONNS != 32 && CONNS != 64 && CONNS != 128 && CONNS != 256 && CONNS != 512 && CONNS != 1024)
  begin : gen_bad_conns
    $fatal(1, "tiptoe_top: CONNS must be 16, 32, 64, 128, 256, 512 or 1024");
  end
  if (LISTENERS != 4 && LISTENERS != 8 && LISTENERS != 16 && LISTENERS != 32) begin : gen_bad_listeners
    $fatal(1, "tiptoe_top: LISTENERS must be 4, 8, 16 or 32");
  end
  if (TX_BUF_LOG2 < 11 || TX_BUF_LOG2 > 16 || RX_BUF_LOG2 < 11 || RX_BUF_LOG2 > 16) begin : gen_bad_buffers
    $fatal(1, "tiptoe_top: TX_BUF_LOG2 and RX_BUF_LOG2 must be 11 to 16");
  end
  if (TIMER_SCAN != 1 && TIMER_SCAN != 2 && TIMER_SCAN != 4 && TIMER_SCAN != 8 || TIMER_SCAN > CONNS / 4)
  begin : gen_bad_scan
    $fatal(1, "tiptoe_top: TIMER_SCAN must be 1, 2, 4 or 8 and at most CONNS/4");
  end
  if ((64'(CONNS) << TX_BUF_LOG2) > 64'h400_0000 || (64'(CONNS) << RX_BUF_LOG2) > 64'h400_0000) begin : gen_bad_memory
    $fatal(1, "tiptoe_top: CONNS << TX_BUF_LOG2 and CONNS << RX_BUF_LOG2 must not exceed 2^26");
  end
`endif

  // ---- initialisation (4): connection i is cleared in cycle i after reset ----
  logic running_q, init;
  logic [IDX_W-1:0] init_idx_q;
  logic [47:0] boot_us_q;
  assign init = !rst && !running_q;

  always_ff @(posedge clk) begin
    if (rst) begin
      running_q <= 1'b0;
      init_idx_q <= '0;
      boot_us_q <= now_us;
    end else if (!running_q) begin
      init_idx_q <= init_idx_q + 1'b1;
      running_q <= &init_idx_q;
    end
  end

  // ---- registers ----
  tiptoe_pkg::cfg_t cfg;
  logic [127:0] local_ip, isn_key;
  assign local_ip = {cfg.local_ip3, cfg.local_ip2, cfg.local_ip1, cfg.local_ip0};
  assign isn_key = {cfg.isn_key3, cfg.isn_key2, cfg.isn_key1, cfg.isn_key0};

  // ---- COMMIT ----
  logic co_valid, co_has_conn;
  logic [2:0] co_kind;
  logic [9:0] co_idx;
  tiptoe_pkg::tuple_t co_tuple, co_rec_tuple;
  tiptoe_pkg::conn_t co_rec;
  tiptoe_pkg::deadlines_t co_dl;
  tiptoe_pkg::commit_t co;
  tiptoe_dp_pkg::tx_desc_t co_tx;
  tiptoe_dp_pkg::mv_cmd_t co_mv;
  tiptoe_dp_pkg::host_cmd_t co_host;
  tiptoe_pkg::rsp_t co_rsp;
  logic table_write;                         // makes lookups stale (8.4)
  assign table_write = co.cam_ins || co.cam_del || co.lsn_add || co.lsn_rem;
  assign co_rec_tuple.lip = co_rec.lip;
  assign co_rec_tuple.lport = co_rec.lport;
  assign co_rec_tuple.rip = co_rec.rip;
  assign co_rec_tuple.rport = co_rec.rport;

  tiptoe_regs u_regs (
    .clk_i(clk),
    .rst_i(rst),
    .reg_wr_i(reg_wr),
    .reg_addr_i(reg_addr),
    .reg_wdata_i(reg_wdata),
    .reg_rdata_o(reg_rdata),
    .cfg_o(cfg),
    .c_valid_i(co_valid),
    .c_i(co)
  );

  // ---- datapath: everything that touches payload ----
  logic raw_valid, raw_pop, datapath_idle;
  tiptoe_dp_pkg::raw_desc_t raw;
  logic txd_ev_valid, rxd_ev_valid, wr_full, rd_full;
  tiptoe_dp_pkg::host_done_t txd_ev, rxd_ev;
  logic [5:0] grant;

  tiptoe_datapath #(
    .DATA_W(DATA_W),
    .CONNS(CONNS),
    .TX_BUF_LOG2(TX_BUF_LOG2),
    .RX_BUF_LOG2(RX_BUF_LOG2)
  ) u_datapath (
    .clk_i(clk),
    .rst_i(rst),
    .running_i(running_q),
    .local_ip_i(local_ip),
    .ttl_i(cfg.ttl),
    .tos_i(cfg.tos),
    .df_i(cfg.features[tiptoe_pkg::FT_DF]),
    .s_axis_tdata_i(s_axis_tdata),
    .s_axis_tkeep_i(s_axis_tkeep),
    .s_axis_tvalid_i(s_axis_tvalid),
    .s_axis_tlast_i(s_axis_tlast),
    .s_axis_tready_o(s_axis_tready),
    .m_axis_tdata_o(m_axis_tdata),
    .m_axis_tkeep_o(m_axis_tkeep),
    .m_axis_tvalid_o(m_axis_tvalid),
    .m_axis_tlast_o(m_axis_tlast),
    .m_axis_tready_i(m_axis_tready),
    .txd_tdata_i(txd_tdata),
    .txd_tvalid_i(txd_tvalid),
    .txd_tready_o(txd_tready),
    .rxd_tdata_o(rxd_tdata),
    .rxd_tkeep_o(rxd_tkeep),
    .rxd_tvalid_o(rxd_tvalid),
    .rxd_tlast_o(rxd_tlast),
    .rxd_tready_i(rxd_tready),
    .rxd_handle_o(rxd_handle),
    .raw_valid_o(raw_valid),
    .raw_o(raw),
    .raw_pop_i(raw_pop),
    .mv_push_i(co.mv_push),
    .mv_cmd_i(co_mv),
    .tx_push_i(co.tx_push),
    .tx_desc_i(co_tx),
    .wr_push_i(co.wr_push),
    .wr_cmd_i(co_host),
    .wr_full_o(wr_full),
    .rd_push_i(co.rd_push),
    .rd_cmd_i(co_host),
    .rd_full_o(rd_full),
    .txd_ev_valid_o(txd_ev_valid),
    .txd_ev_o(txd_ev),
    .txd_ev_grant_i(grant[3]),
    .rxd_ev_valid_o(rxd_ev_valid),
    .rxd_ev_o(rxd_ev),
    .rxd_ev_grant_i(grant[4]),
    .slots_used_o(prb_slots_used),
    .raw_count_o(prb_raw_count),
    .txq_count_o(prb_txq_count),
    .tx_state_o(prb_tx_state),
    .mover_busy_o(prb_mover_busy),
    .writer_state_o(prb_writer_state),
    .reader_state_o(prb_reader_state),
    .idle_o(datapath_idle)
  );

  // ---- lookups ----
  // (Ports are connected to plain names in this file: Yosys 0.23 cannot set parameters of a top module with expressions.)
  logic head_look, cmd_look, cam_hit, cam_room, lsn_hit;
  tiptoe_pkg::tuple_t head_key, cmd_key, look_key;
  logic [IDX_W-1:0] cam_idx;
  logic [4:0] lsn_idx;
  logic [3:0] lsn_gen;
  assign look_key = cmd_look ? cmd_key : head_key;
  logic cam_look, lsn_look;
  logic [9:0] cam_idx10;
  assign cam_look = cmd_look || head_look;
  assign lsn_look = head_look && !cmd_look;
  assign cam_idx10 = 10'(cam_idx);

  logic pre_valid;
  tiptoe_pkg::tuple_t pre_key;
  tiptoe_cam #(
    .CONNS(CONNS)
  ) u_cam (
    .clk_i(clk),
    .rst_i(rst),
    .cam_key_i(cfg.cam_key),
    .req_i(cam_look),
    .key_i(look_key),
    .hit_o(cam_hit),
    .idx_o(cam_idx),
    .room_o(cam_room),
    .pre_i(pre_valid),
    .pre_key_i(pre_key),
    .ins_i(co.cam_ins),
    .del_i(co.cam_del),
    .idx_i(co_idx[IDX_W-1:0]),
    .wr_key_i(co_rec_tuple)
  );

  tiptoe_pkg::event_t seg_ev, cmd_ev, grant_ev;
  logic seg_valid, cmd_ev_valid;
  logic [8:0] cmd_reg_handle;
  logic seg_room, lsn_ok, lsn_dup, lsn_free, aq_valid, aq_pop, aq_pushed, orphan_alive;
  logic [4:0] lsn_new, aq_len, orphan_idx;
  logic [3:0] lsn_new_gen, orphan_gen, evt_lsn_gen;
  logic [15:0] aq_handle;
  logic [L_W-1:0] evt_lsn;
  tiptoe_pkg::tuple_t lsn_tuple;
  logic dup_req;
  assign dup_req = cmd_ev_valid && cmd_ev.op == tiptoe_pkg::OP_OPEN_PASSIVE;
  assign aq_pop = grant[2] && cmd_ev.op == tiptoe_pkg::OP_ACCEPT && cmd_ev.handle[16] && aq_valid;

  tiptoe_listen #(
    .LISTENERS(LISTENERS)
  ) u_listen (
    .clk_i(clk),
    .rst_i(rst),
    .req_i(lsn_look),
    .key_i(head_key),
    .hit_o(lsn_hit),
    .idx_o(lsn_idx),
    .gen_o(lsn_gen),
    .seg_idx_i(seg_ev.lsn_idx),
    .seg_gen_i(seg_ev.lsn_gen),
    .seg_room_o(seg_room),
    .cmd_handle_i(cmd_reg_handle),
    .cmd_ok_o(lsn_ok),
    .cmd_tuple_o(lsn_tuple),
    .aq_valid_o(aq_valid),
    .aq_handle_o(aq_handle),
    .aq_len_o(aq_len),
    .aq_pop_i(aq_pop),
    .dup_req_i(dup_req),
    .dup_key_i(cmd_ev.tuple),
    .dup_o(lsn_dup),
    .free_o(lsn_free),
    .new_idx_o(lsn_new),
    .new_gen_o(lsn_new_gen),
    .orphan_idx_i(orphan_idx),
    .orphan_gen_i(orphan_gen),
    .orphan_alive_o(orphan_alive),
    .evt_idx_i(evt_lsn),
    .evt_gen_o(evt_lsn_gen),
    .c_add_i(co.lsn_add),
    .c_rem_i(co.lsn_rem),
    .c_up_i(co.cnt_up),
    .c_down_i(co.cnt_down),
    .c_push_i(co.aq_push),
    .c_idx_i(co.lsn_idx[L_W-1:0]),
    .c_gen_i(co.lsn_gen),
    .c_backlog_i(co.backlog),
    .c_tuple_i(co_tuple),
    .c_handle_i(co.handle),
    .aq_pushed_o(aq_pushed)
  );

  tiptoe_rx_head u_head (
    .clk_i(clk),
    .rst_i(rst),
    .isn_key_i(isn_key),
    .raw_valid_i(raw_valid),
    .raw_i(raw),
    .raw_pop_o(raw_pop),
    .look_req_o(head_look),
    .look_key_o(head_key),
    .look_block_i(cmd_look),
    .cam_hit_i(cam_hit),
    .cam_idx_i(cam_idx10),
    .cam_room_i(cam_room),
    .lsn_hit_i(lsn_hit),
    .lsn_idx_i(lsn_idx),
    .lsn_gen_i(lsn_gen),
    .table_write_i(table_write),
    .ev_valid_o(seg_valid),
    .ev_o(seg_ev),
    .ev_grant_i(grant[1]),
    .state_o(prb_head_state)
  );

  // ---- command front end ----
  logic cmd_empty;
  tiptoe_pkg::tuple_t cmd_tuple;
  assign cmd_tuple.lip = cmd_lip;
  assign cmd_tuple.lport = cmd_lport;
  assign cmd_tuple.rip = cmd_rip;
  assign cmd_tuple.rport = cmd_rport;

  tiptoe_cmd u_cmd (
    .clk_i(clk),
    .rst_i(rst),
    .running_i(running_q),
    .local_ip_i(local_ip),
    .isn_key_i(isn_key),
    .cmd_valid_i(cmd_valid),
    .cmd_ready_o(cmd_ready),
    .cmd_op_i(cmd_op),
    .cmd_tag_i(cmd_tag),
    .cmd_handle_i(cmd_handle),
    .cmd_flags_i(cmd_flags),
    .cmd_tuple_i(cmd_tuple),
    .cmd_len_i(cmd_len),
    .handle_o(cmd_reg_handle),
    .lsn_ok_i(lsn_ok),
    .lsn_tuple_i(lsn_tuple),
    .look_req_o(cmd_look),
    .look_key_o(cmd_key),
    .cam_hit_i(cam_hit),
    .cam_room_i(cam_room),
    .table_write_i(table_write),
    .ev_valid_o(cmd_ev_valid),
    .ev_o(cmd_ev),
    .ev_grant_i(grant[2]),
    .empty_o(cmd_empty)
  );

  // ---- timers ----
  logic tmr_valid, dl_rd, timer_asleep;
  logic [IDX_W-1:0] tmr_idx, dl_idx;
  logic [2:0] tmr_timer;
  tiptoe_pkg::deadlines_t dl;
  logic co_write;
  assign co_write = co_valid && co_has_conn;

  tiptoe_timer #(
    .CONNS(CONNS),
    .TIMER_SCAN(TIMER_SCAN)
  ) u_timer (
    .clk_i(clk),
    .rst_i(rst),
    .running_i(running_q),
    .now_us_i(now_us),
    .init_i(init),
    .init_idx_i(init_idx_q),
    .rd_i(dl_rd),
    .rd_idx_i(dl_idx),
    .dl_o(dl),
    .wr_i(co_write),
    .wr_idx_i(co_idx[IDX_W-1:0]),
    .wr_dl_i(co_dl),
    .ev_valid_o(tmr_valid),
    .ev_idx_o(tmr_idx),
    .ev_timer_o(tmr_timer),
    .ev_grant_i(grant[0]),
    .next_o(next_deadline),
    .next_valid_o(next_deadline_valid),
    .ptr_o(prb_scan_ptr),
    .clean_o(prb_scan_clean),
    .asleep_o(timer_asleep)
  );

  // ---- free list, output queue, notifications ----
  logic new_ok, rel, seg_pending, outq_valid, notify_idle;
  logic [IDX_W-1:0] new_idx, rel_idx, outq_idx;

  tiptoe_freelist #(
    .CONNS(CONNS)
  ) u_free (
    .clk_i(clk),
    .rst_i(rst),
    .take_i(co.take),
    .take_idx_i(co_idx[IDX_W-1:0]),
    .free_i(rel),
    .free_idx_i(rel_idx),
    .new_ok_o(new_ok),
    .new_idx_o(new_idx),
    .count_o(prb_free_count)
  );

  tiptoe_outq #(
    .CONNS(CONNS)
  ) u_outq (
    .clk_i(clk),
    .rst_i(rst),
    .push_i(co.outq_push),
    .idx_i(co_idx[IDX_W-1:0]),
    .valid_o(outq_valid),
    .idx_o(outq_idx),
    .pop_i(grant[5]),
    .count_o(prb_outq_count)
  );

  tiptoe_notify #(
    .CONNS(CONNS),
    .LISTENERS(LISTENERS)
  ) u_notify (
    .clk_i(clk),
    .rst_i(rst),
    .init_i(init),
    .init_idx_i(init_idx_q),
    .c_valid_i(co_valid),
    .c_evt_i(co.evt),
    .c_idx_i(co_idx[IDX_W-1:0]),
    .c_handle_i(co.handle),
    .c_unaccepted_i(co.unaccepted),
    .c_accepted_i(co.accepted),
    .c_rel_i(co.rel),
    .aq_pushed_i(aq_pushed),
    .lsn_rem_i(co.lsn_rem),
    .aq_lsn_i(co.lsn_idx[L_W-1:0]),
    .lsn_idx_o(evt_lsn),
    .lsn_gen_i(evt_lsn_gen),
    .pend_idx_i(seg_ev.idx[IDX_W-1:0]),
    .pend_o(seg_pending),
    .free_o(rel),
    .free_idx_o(rel_idx),
    .evt_valid_o(evt_valid),
    .evt_ready_i(evt_ready),
    .evt_handle_o(evt_handle),
    .evt_flags_o(evt_flags),
    .count_o(prb_evtq_count),
    .idle_o(notify_idle)
  );

  // ---- responses (9) ----
  localparam int unsigned RSP_W = 133;       // $bits(rsp_t)
  logic rsp_head_valid, rsp_full, rsp_pop;
  logic [2:0] unused_rsp_count;
  tiptoe_pkg::rsp_t rsp_head;
  tiptoe_fifo #(
    .WIDTH(RSP_W),
    .DEPTH(4)
  ) u_responses (
    .clk_i(clk),
    .rst_i(rst),
    .push_i(co.rsp_push),
    .data_i(co_rsp),
    .pop_i(rsp_pop),
    .valid_o(rsp_head_valid),
    .data_o(rsp_head),
    .full_o(rsp_full),
    .count_o(unused_rsp_count)
  );
  assign rsp_valid = rsp_head_valid && !rst;
  assign rsp_pop = rsp_valid && rsp_ready;
  assign rsp_tag = rsp_head.tag;
  assign rsp_op = rsp_head.op;
  assign rsp_status = rsp_head.status;
  assign rsp_handle = rsp_head.handle;
  assign rsp_len = rsp_head.len;
  assign rsp_state = rsp_head.state;
  assign rsp_avail = rsp_head.avail;
  assign rsp_room = rsp_head.room;

  // ---- arbiter and pipeline ----
  logic [3:0] stage_valid;
  logic [39:0] stage_idx;
  logic creator_busy, cmd_busy, host_full, granted;
  logic [9:0] tmr_idx10, outq_idx10, new_idx10;
  assign host_full = rsp_full || wr_full || rd_full;
  assign granted = grant != '0;
  assign tmr_idx10 = 10'(tmr_idx);
  assign outq_idx10 = 10'(outq_idx);
  assign new_idx10 = 10'(new_idx);

  tiptoe_arbiter #(
    .CONNS(CONNS)
  ) u_arbiter (
    .clk_i(clk),
    .rst_i(rst),
    .now_us_i(now_us),
    .tmr_valid_i(tmr_valid),
    .tmr_idx_i(tmr_idx10),
    .tmr_timer_i(tmr_timer),
    .seg_valid_i(seg_valid),
    .seg_i(seg_ev),
    .cmd_valid_i(cmd_ev_valid),
    .cmd_i(cmd_ev),
    .txd_valid_i(txd_ev_valid),
    .txd_i(txd_ev),
    .rxd_valid_i(rxd_ev_valid),
    .rxd_i(rxd_ev),
    .out_valid_i(outq_valid),
    .out_idx_i(outq_idx10),
    .stage_valid_i(stage_valid),
    .stage_idx_i(stage_idx),
    .creator_busy_i(creator_busy),
    .cmd_busy_i(cmd_busy),
    .host_full_i(host_full),
    .txq_count_i(prb_txq_count),
    .new_ok_i(new_ok),
    .new_idx_i(new_idx10),
    .seg_room_i(seg_room),
    .seg_pending_i(seg_pending),
    .lsn_ok_i(lsn_ok),
    .lsn_free_i(lsn_free),
    .lsn_new_i(lsn_new),
    .lsn_new_gen_i(lsn_new_gen),
    .lsn_dup_i(lsn_dup),
    .aq_valid_i(aq_valid),
    .aq_handle_i(aq_handle),
    .aq_len_i(aq_len),
    .grant_o(grant),
    .ev_o(grant_ev)
  );

  tiptoe_pipeline #(
    .CONNS(CONNS),
    .TX_BUF_LOG2(TX_BUF_LOG2),
    .RX_BUF_LOG2(RX_BUF_LOG2)
  ) u_pipeline (
    .clk_i(clk),
    .rst_i(rst),
    .init_i(init),
    .init_idx_i(init_idx_q),
    .cfg_i(cfg),
    .boot_us_i(boot_us_q),
    .grant_i(granted),
    .ev_i(grant_ev),
    .stage_valid_o(stage_valid),
    .stage_idx_o(stage_idx),
    .active_o(prb_stage_valid),
    .creator_busy_o(creator_busy),
    .cmd_busy_o(cmd_busy),
    .dl_rd_o(dl_rd),
    .dl_idx_o(dl_idx),
    .dl_i(dl),
    .orphan_idx_o(orphan_idx),
    .orphan_gen_o(orphan_gen),
    .orphan_alive_i(orphan_alive),
    .pre_o(pre_valid),
    .pre_key_o(pre_key),
    .co_valid_o(co_valid),
    .co_kind_o(co_kind),
    .co_has_conn_o(co_has_conn),
    .co_idx_o(co_idx),
    .co_tuple_o(co_tuple),
    .co_rec_o(co_rec),
    .co_dl_o(co_dl),
    .co_o(co),
    .co_tx_o(co_tx),
    .co_mv_o(co_mv),
    .co_host_o(co_host),
    .co_rsp_o(co_rsp)
  );

  // ---- quiescent (8.6) ----
  assign quiescent = running_q && !rst && timer_asleep && datapath_idle && prb_head_state == 2'd0 && cmd_empty &&
                     prb_stage_valid == '0 && !outq_valid && !rsp_head_valid && notify_idle;

  // ---- retire record (13) ----
  logic [31:0] order_q;
  always_ff @(posedge clk) begin
    if (rst) order_q <= '0;
    else if (co_valid) order_q <= order_q + 32'd1;
  end

  assign prb_ret_valid = co_valid;
  assign prb_ret_order = order_q;
  always_comb begin
    prb_ret_kind = '0;
    prb_ret_conn = '0;
    prb_ret_has_conn = 1'b0;
    prb_ret_reason = '0;
    prb_ret_record = '0;
    prb_ret_deadlines = '0;
    prb_ret_tx = 1'b0;
    if (co_valid) begin
      prb_ret_kind = co_kind;
      prb_ret_conn = co_has_conn ? co_idx : '0;
      prb_ret_has_conn = co_has_conn;
      prb_ret_reason = co.reason;
      prb_ret_tx = co.tx_push;
      if (co_has_conn) begin
        prb_ret_record = co_rec;
        prb_ret_deadlines = co_dl;
      end
    end
  end

`ifndef SYNTHESIS
  if ($bits(tiptoe_pkg::rsp_t) != RSP_W) begin : gen_bad_rsp
    $fatal(1, "tiptoe_top: RSP_W");
  end

  tiptoe_tready_check #(
    .DATA_W(DATA_W)
  ) u_tready_check (
    .clk_i(clk),
    .rst_i(rst),
    .running_i(running_q),
    .s_axis_tready_i(s_axis_tready),
    .m_axis_tvalid_i(m_axis_tvalid),
    .m_axis_tready_i(m_axis_tready),
    .rsp_valid_i(rsp_valid),
    .rsp_ready_i(rsp_ready)
  );
`endif

endmodule
