// SPDX-License-Identifier: Apache-2.0
// Receive head (microarchitecture 6.2): takes one datagram at a time from the raw FIFO, looks its connection up, walks
// its options and hashes its initial sequence number when it is a SYN, and offers it to the arbiter.
//
//   raw_*             head of the raw FIFO; popped in the grant cycle
//   look_req_o, look_key_o, look_block_i   lookup request; the command front end goes first
//   cam_*, lsn_*      lookup results, in the cycle after the request; registered here
//   table_write_i     COMMIT writes the CAM or the listener table in this cycle
//   ev_valid_o, ev_o  offered SEG event (the fields that HEAD knows; others are 0), until ev_grant_i
//   state_o           probe: 0 IDLE, 1 WAIT, 2 READY
module tiptoe_rx_head (
  input  logic                     clk_i,
  input  logic                     rst_i,
  input  logic [127:0]             isn_key_i,
  input  logic                     raw_valid_i,
  input  tiptoe_dp_pkg::raw_desc_t raw_i,
  output logic                     raw_pop_o,
  output logic                     look_req_o,
  output tiptoe_pkg::tuple_t       look_key_o,
  input  logic                     look_block_i,
  input  logic                     cam_hit_i,
  input  logic [9:0]               cam_idx_i,
  input  logic                     cam_room_i,
  input  logic                     lsn_hit_i,
  input  logic [4:0]               lsn_idx_i,
  input  logic [3:0]               lsn_gen_i,
  input  logic                     table_write_i,
  output logic                     ev_valid_o,
  output tiptoe_pkg::event_t       ev_o,
  input  logic                     ev_grant_i,
  output logic [1:0]               state_o
);

  localparam logic [1:0] IDLE = 2'd0, WAIT = 2'd1, READY = 2'd2;

  logic [1:0] state_q;
  logic stale_q;          // a table was written since the lookup
  logic started_q;        // option walk and hash of this datagram were started

  logic hit_q, room_q, lsn_hit_q;
  logic [9:0] idx_q;
  logic [4:0] lsn_idx_q;
  logic [3:0] lsn_gen_q;

  logic dropped, is_syn, start, look;
  assign dropped = raw_i.reason != tiptoe_dp_pkg::DROP_NONE;
  assign look = state_q == IDLE && raw_valid_i && !dropped;
  assign look_req_o = look && !look_block_i;
  assign is_syn = raw_i.flags[tiptoe_pkg::B_SYN] && !raw_i.flags[tiptoe_pkg::B_RST];
  assign start = look_req_o && is_syn && !started_q;

  assign look_key_o.lip = raw_i.dst;
  assign look_key_o.lport = raw_i.dport;
  assign look_key_o.rip = raw_i.src;
  assign look_key_o.rport = raw_i.sport;

  // ---- option walk and hash ----
  logic walk_done, hash_done, mss_valid;
  logic [15:0] mss;
  logic [31:0] hash;

  tiptoe_opt_walk u_walk (
    .clk_i,
    .rst_i,
    .start_i(start),
    .opts_i(raw_i.opts),
    .doff_i(raw_i.doff),
    .done_o(walk_done),
    .mss_valid_o(mss_valid),
    .mss_o(mss)
  );

  tiptoe_siphash u_hash (
    .clk_i,
    .rst_i,
    .start_i(start),
    .key_i(isn_key_i),
    .tuple_i(look_key_o),
    .done_o(hash_done),
    .hash_o(hash)
  );

  // ---- state ----
  assign ev_valid_o = state_q == READY && !stale_q && !table_write_i && (!started_q || (walk_done && hash_done));
  assign raw_pop_o = ev_grant_i;
  assign state_o = state_q;

  always_ff @(posedge clk_i) begin
    if (rst_i) begin
      state_q <= IDLE;
      stale_q <= 1'b0;
      started_q <= 1'b0;
    end else begin
      case (state_q)
        IDLE: begin
          if (raw_valid_i && dropped) state_q <= READY;
          else if (look_req_o) state_q <= WAIT;
          stale_q <= table_write_i;
        end
        WAIT: state_q <= READY;
        default: begin
          if (ev_grant_i || stale_q) state_q <= IDLE;
        end
      endcase
      if (state_q != IDLE && table_write_i) stale_q <= 1'b1;
      if (ev_grant_i) started_q <= 1'b0;
      else if (start) started_q <= 1'b1;
    end

    if (state_q == WAIT) begin
      hit_q <= cam_hit_i;
      idx_q <= cam_idx_i;
      room_q <= cam_room_i;
      lsn_hit_q <= lsn_hit_i;
      lsn_idx_q <= lsn_idx_i;
      lsn_gen_q <= lsn_gen_i;
    end
  end

  // ---- event ----
  always_comb begin
    ev_o = '0;
    if (ev_valid_o) begin
      ev_o.kind = tiptoe_pkg::SRC_SEG;
      ev_o.drop = raw_i.reason;
      ev_o.slot = raw_i.slot;
      if (!dropped) begin
        ev_o.tuple = look_key_o;
        ev_o.hit = hit_q;
        ev_o.idx = idx_q;
        ev_o.cam_room = room_q;
        ev_o.isn_hash = hash;
        ev_o.seq = raw_i.seq;
        ev_o.ack = raw_i.ack;
        ev_o.wnd = raw_i.wnd;
        ev_o.up = raw_i.up != '0;
        ev_o.flags = raw_i.flags;
        ev_o.pay_off = raw_i.pay_off;
        ev_o.pay_len = raw_i.pay_len;
        ev_o.mss_valid = mss_valid && started_q;
        ev_o.mss = mss;
        ev_o.lsn_hit = lsn_hit_q;
        ev_o.lsn_idx = lsn_idx_q;
        ev_o.lsn_gen = lsn_gen_q;
        // Creator: a SYN that may make a connection, or re-create one in TIME_WAIT (8.1).
        ev_o.creator = is_syn && !raw_i.flags[tiptoe_pkg::B_ACK] && (hit_q || lsn_hit_q);
      end
    end
  end

`ifndef SYNTHESIS
  always_ff @(posedge clk_i) begin
    if (!rst_i && ev_grant_i) grant_offered: assert (ev_valid_o);
  end
`endif

endmodule
