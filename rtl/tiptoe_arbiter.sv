// SPDX-License-Identifier: Apache-2.0
// Arbiter (microarchitecture 8.1): grants one event per cycle, round robin, and completes it with what is sampled in the
// grant cycle. Nothing is granted that COMMIT might not have room for, or whose connection is in the pipeline already.
//
//   tmr_*, seg_*, cmd_*, txd_*, rxd_*, out_*   offered events, in the order of the sources
//   stage_*           events in READ, CHECK, UPDATE, OUTPUT (bit 0 READ): valid and with a connection, its index
//   creator_busy_i, cmd_busy_i   a creator, a CMD event is in READ ... COMMIT
//   host_full_i       response, writer or reader FIFO is full
//   txq_count_i       registered count of the transmit FIFO
//   new_*, seg_room_i, seg_pending_i, lsn_*, aq_*   sampled into the event
//   grant_o           one-hot by source; ev_o the granted event, all 0 without a grant
module tiptoe_arbiter #(
  parameter int unsigned CONNS = 64
) (
  input  logic                      clk_i,
  input  logic                      rst_i,
  input  logic [47:0]               now_us_i,
  input  logic                      tmr_valid_i,
  input  logic [9:0]                tmr_idx_i,
  input  logic [2:0]                tmr_timer_i,
  input  logic                      seg_valid_i,
  input  tiptoe_pkg::event_t        seg_i,
  input  logic                      cmd_valid_i,
  input  tiptoe_pkg::event_t        cmd_i,
  input  logic                      txd_valid_i,
  input  tiptoe_dp_pkg::host_done_t txd_i,
  input  logic                      rxd_valid_i,
  input  tiptoe_dp_pkg::host_done_t rxd_i,
  input  logic                      out_valid_i,
  input  logic [9:0]                out_idx_i,
  input  logic [3:0]                stage_valid_i,
  input  logic [39:0]               stage_idx_i,
  input  logic                      creator_busy_i,
  input  logic                      cmd_busy_i,
  input  logic                      host_full_i,
  input  logic [4:0]                txq_count_i,
  input  logic                      new_ok_i,
  input  logic [9:0]                new_idx_i,
  input  logic                      seg_room_i,
  input  logic                      seg_pending_i,
  input  logic                      lsn_ok_i,
  input  logic                      lsn_free_i,
  input  logic [4:0]                lsn_new_i,
  input  logic [3:0]                lsn_new_gen_i,
  input  logic                      lsn_dup_i,
  input  logic                      aq_valid_i,
  input  logic [15:0]               aq_handle_i,
  input  logic [4:0]                aq_len_i,
  output logic [5:0]                grant_o,
  output tiptoe_pkg::event_t        ev_o
);

  localparam logic [4:0] TXQ_ROOM = 5'd8;   // a transmit descriptor of every stage and of this grant still fits

  logic [5:0] offer, able, later;
  logic [2:0] rr_q, source;
  logic room, any;

  assign offer = {out_valid_i, rxd_valid_i, txd_valid_i, cmd_valid_i, seg_valid_i, tmr_valid_i};
  assign room = txq_count_i <= TXQ_ROOM;

  // ---- connections of SEG and CMD ----
  logic seg_conn, cmd_conn, cmd_on_conn, cmd_accept;
  logic [9:0] seg_idx, cmd_idx;

  always_comb begin
    seg_conn = 1'b0;
    seg_idx = '0;
    if (seg_valid_i && seg_i.drop == tiptoe_dp_pkg::DROP_NONE) begin
      if (seg_i.hit) begin
        seg_conn = 1'b1;
        seg_idx = seg_i.idx;
      end else if (seg_i.creator && new_ok_i) begin
        seg_conn = 1'b1;
        seg_idx = new_idx_i;
      end
    end
  end

  always_comb begin
    cmd_conn = 1'b0;
    cmd_idx = '0;
    cmd_on_conn = 1'b0;
    cmd_accept = 1'b0;
    if (cmd_valid_i) begin
      cmd_on_conn = !cmd_i.handle[16] && !cmd_i.opener &&
                    (cmd_i.op == tiptoe_pkg::OP_SEND || cmd_i.op == tiptoe_pkg::OP_RECEIVE ||
                     cmd_i.op == tiptoe_pkg::OP_CLOSE || cmd_i.op == tiptoe_pkg::OP_ABORT ||
                     cmd_i.op == tiptoe_pkg::OP_STATUS || cmd_i.op == tiptoe_pkg::OP_SETOPT);
      cmd_accept = cmd_i.handle[16] && cmd_i.op == tiptoe_pkg::OP_ACCEPT && aq_valid_i;
      if (cmd_i.opener) begin
        cmd_conn = new_ok_i;
        cmd_idx = new_ok_i ? new_idx_i : '0;
      end else if (cmd_accept) begin
        cmd_conn = 1'b1;
        cmd_idx = aq_handle_i[9:0];
      end else if (cmd_on_conn && {22'd0, cmd_i.handle[9:0]} < CONNS) begin
        cmd_conn = 1'b1;
        cmd_idx = cmd_i.handle[9:0];
      end
    end
  end

  // ---- who may be granted ----
  function automatic logic in_flight(input logic [9:0] idx, input logic [3:0] valid, input logic [39:0] stages);
    in_flight = (valid[0] && stages[9:0] == idx) || (valid[1] && stages[19:10] == idx) ||
                (valid[2] && stages[29:20] == idx) || (valid[3] && stages[39:30] == idx);
  endfunction

  always_comb begin
    able = '0;
    later = '0;
    source = '0;
    if (offer != '0 && room) begin
      able[0] = offer[0] && !in_flight(tmr_idx_i, stage_valid_i, stage_idx_i);
      able[1] = offer[1] && !(seg_conn && in_flight(seg_idx, stage_valid_i, stage_idx_i)) &&
                !(creator_busy_i && seg_i.drop == tiptoe_dp_pkg::DROP_NONE && (seg_i.creator || !seg_i.hit));
      able[2] = offer[2] && !(cmd_conn && in_flight(cmd_idx, stage_valid_i, stage_idx_i)) &&
                !(creator_busy_i && cmd_i.creator) && !cmd_busy_i && !host_full_i;
      able[3] = offer[3] && !in_flight(txd_i.idx, stage_valid_i, stage_idx_i);
      able[4] = offer[4] && !in_flight(rxd_i.idx, stage_valid_i, stage_idx_i);
      able[5] = offer[5] && !in_flight(out_idx_i, stage_valid_i, stage_idx_i);
      later = able & (6'h3f << rr_q);
      if (later == '0) later = able;
      for (int unsigned i = 6; i > 0; i--) begin
        if (later[i-1]) source = 3'(i - 1);
      end
    end
  end
  assign any = able != '0;
  assign grant_o = any ? 6'd1 << source : '0;

  always_ff @(posedge clk_i) begin
    if (rst_i) rr_q <= '0;
    else if (any) rr_q <= (source == 3'd5) ? 3'd0 : source + 3'd1;
  end

  // ---- the granted event ----
  always_comb begin
    ev_o = '0;
    if (any) begin
      case (source)
        tiptoe_pkg::SRC_SEG: begin
          ev_o = seg_i;
          ev_o.has_conn = seg_conn;
          ev_o.idx = seg_idx;
          ev_o.lsn_room = seg_i.lsn_hit && seg_room_i;
          ev_o.evt_pending = seg_i.hit && seg_pending_i;
        end
        tiptoe_pkg::SRC_CMD: begin
          ev_o = cmd_i;
          ev_o.has_conn = cmd_conn;
          ev_o.idx = cmd_idx;
          ev_o.lsn_ok = lsn_ok_i;
          ev_o.lsn_free = lsn_free_i;
          ev_o.lsn_new = lsn_new_i;
          ev_o.lsn_new_gen = lsn_new_gen_i;
          ev_o.lsn_dup = lsn_dup_i;
          ev_o.aq_valid = aq_valid_i;
          ev_o.aq_handle = aq_handle_i;
          ev_o.aq_len = aq_len_i;
        end
        tiptoe_pkg::SRC_TMR: begin
          ev_o.has_conn = 1'b1;
          ev_o.idx = tmr_idx_i;
          ev_o.timer = tmr_timer_i;
        end
        tiptoe_pkg::SRC_TXD: begin
          ev_o.has_conn = 1'b1;
          ev_o.idx = txd_i.idx;
          ev_o.handle = {1'b0, txd_i.handle};
          ev_o.len = {15'd0, txd_i.len};
        end
        tiptoe_pkg::SRC_RXD: begin
          ev_o.has_conn = 1'b1;
          ev_o.idx = rxd_i.idx;
          ev_o.handle = {1'b0, rxd_i.handle};
          ev_o.len = {15'd0, rxd_i.len};
        end
        default: begin
          ev_o.has_conn = 1'b1;
          ev_o.idx = out_idx_i;
        end
      endcase
      ev_o.kind = source;
      ev_o.now = now_us_i;
      ev_o.new_ok = new_ok_i;
    end
  end

`ifndef SYNTHESIS
  always_ff @(posedge clk_i) begin
    if (!rst_i) one_grant: assert ($onehot0(grant_o));
  end
`endif

endmodule
