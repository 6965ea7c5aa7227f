// SPDX-License-Identifier: Apache-2.0
// Listener table (microarchitecture 6.4): entries with wildcards, backlog counts, accept queues.
//
//   req_i, key_i           cycle h: match; hit_o, idx_o, gen_o are valid in h+1 (as the CAM)
//   seg_idx_i, seg_gen_i   -> seg_room_o: the entry is valid, has this generation, and its backlog is not full
//   cmd_handle_i           -> cmd_ok_o: names a valid entry; cmd_tuple_o: its addresses; aq_*: its accept queue
//   dup_req_i, dup_key_i   -> dup_o: the same four addresses are listened on; free_o, new_idx_o, new_gen_o:
//                          lowest free entry
//   orphan_idx_i, _gen_i   -> orphan_alive_o: the entry is valid and has this generation
//   evt_idx_i              -> evt_gen_o: generation, for notifications
//   c_*                    COMMIT: add, remove, count up or down, push a handle (the last three only when the entry is
//                          valid and has generation c_gen_i); aq_pushed_o: the push takes place
module tiptoe_listen #(
  parameter int unsigned LISTENERS = 8,
  localparam int unsigned L_W = $clog2(LISTENERS)
) (
  input  logic               clk_i,
  input  logic               rst_i,
  input  logic               req_i,
  input  tiptoe_pkg::tuple_t key_i,
  output logic               hit_o,
  output logic [4:0]         idx_o,
  output logic [3:0]         gen_o,
  input  logic [4:0]         seg_idx_i,
  input  logic [3:0]         seg_gen_i,
  output logic               seg_room_o,
  input  logic [8:0]         cmd_handle_i,
  output logic               cmd_ok_o,
  output tiptoe_pkg::tuple_t cmd_tuple_o,
  output logic               aq_valid_o,
  output logic [15:0]        aq_handle_o,
  output logic [4:0]         aq_len_o,
  input  logic               aq_pop_i,
  input  logic               dup_req_i,
  input  tiptoe_pkg::tuple_t dup_key_i,
  output logic               dup_o,
  output logic               free_o,
  output logic [4:0]         new_idx_o,
  output logic [3:0]         new_gen_o,
  input  logic [4:0]         orphan_idx_i,
  input  logic [3:0]         orphan_gen_i,
  output logic               orphan_alive_o,
  input  logic [L_W-1:0]     evt_idx_i,
  output logic [3:0]         evt_gen_o,
  input  logic               c_add_i,
  input  logic               c_rem_i,
  input  logic               c_up_i,
  input  logic               c_down_i,
  input  logic               c_push_i,
  input  logic [L_W-1:0]     c_idx_i,
  input  logic [3:0]         c_gen_i,
  input  logic [4:0]         c_backlog_i,
  input  tiptoe_pkg::tuple_t c_tuple_i,
  input  logic [15:0]        c_handle_i,
  output logic               aq_pushed_o
);

  localparam int unsigned QUEUE = tiptoe_pkg::BACKLOG_MAX;

  // ---- entries ----
  logic [LISTENERS-1:0] valid_q;
  logic [4*LISTENERS-1:0] gen_q;
  logic [95:0] tuple_q [LISTENERS];
  logic [4:0] backlog_q [LISTENERS];
  logic [4:0] count_q [LISTENERS];
  logic [15:0] queue [LISTENERS*QUEUE];
  logic [3:0] rptr_q [LISTENERS];
  logic [4:0] len_q [LISTENERS];

  // ---- match: key registered at the end of h, compared in h+1 ----
  logic req_q;
  tiptoe_pkg::tuple_t key_q;
  logic hit;
  logic [4:0] idx;
  logic [2:0] score, best;
  tiptoe_pkg::tuple_t entry;

  always_ff @(posedge clk_i) begin
    req_q <= req_i & ~rst_i;
    if (req_i) key_q <= key_i;
  end

  always_comb begin
    hit = 1'b0;
    idx = '0;
    best = '0;
    score = '0;
    entry = '0;
    if (req_q) begin
      for (int unsigned i = 0; i < LISTENERS; i++) begin
        entry = tuple_q[i];
        score = {entry.rip != '0, entry.rport != '0, entry.lip != '0};
        if (valid_q[i] && entry.lport == key_q.lport && (!score[0] || entry.lip == key_q.lip) &&
            (!score[2] || entry.rip == key_q.rip) && (!score[1] || entry.rport == key_q.rport) &&
            (!hit || score > best)) begin
          hit = 1'b1;
          best = score;
          idx = i[4:0];
        end
      end
    end
  end

  assign hit_o = hit;
  assign idx_o = idx;
  assign gen_o = gen_q[{idx[L_W-1:0], 2'b00}+:4];

  // ---- reads in the grant cycle, by the command front end, by CHECK, by the notifications ----
  function automatic logic in_table(input logic [4:0] i);
    in_table = {27'd0, i} < LISTENERS;
  endfunction

  logic [L_W-1:0] seg_i, cmd_i, orphan_i, c_i;
  assign seg_i = seg_idx_i[L_W-1:0];
  assign cmd_i = cmd_handle_i[L_W-1:0];
  assign orphan_i = orphan_idx_i[L_W-1:0];
  assign c_i = c_idx_i;

  assign seg_room_o = in_table(seg_idx_i) && valid_q[seg_i] && gen_q[{seg_i, 2'b00}+:4] == seg_gen_i &&
                      count_q[seg_i] < backlog_q[seg_i];
  assign cmd_ok_o = in_table(cmd_handle_i[4:0]) && valid_q[cmd_i] && gen_q[{cmd_i, 2'b00}+:4] == cmd_handle_i[8:5];
  assign cmd_tuple_o = tuple_q[cmd_i];
  assign aq_len_o = len_q[cmd_i];
  assign aq_valid_o = cmd_ok_o && len_q[cmd_i] != '0;
  assign aq_handle_o = queue[{cmd_i, rptr_q[cmd_i]}];
  assign orphan_alive_o = in_table(orphan_idx_i) && valid_q[orphan_i] && gen_q[{orphan_i, 2'b00}+:4] == orphan_gen_i;
  assign new_gen_o = gen_q[{new_idx_o[L_W-1:0], 2'b00}+:4];
  assign evt_gen_o = gen_q[{evt_idx_i, 2'b00}+:4];

  always_comb begin
    dup_o = 1'b0;
    free_o = 1'b0;
    new_idx_o = '0;
    if (dup_req_i) begin
      for (int unsigned i = 0; i < LISTENERS; i++) begin
        if (valid_q[i] && tuple_q[i] == dup_key_i) dup_o = 1'b1;
      end
      for (int unsigned i = LISTENERS; i > 0; i--) begin
        if (!valid_q[i-1]) begin
          free_o = 1'b1;
          new_idx_o = 5'(i - 1);
        end
      end
    end
  end

  // ---- COMMIT ----
  // Only an entry that still exists counts and queues; its connections are orphans otherwise (connection-processing 4a).
  logic alive, push, overflow;
  logic [3:0] wptr;
  assign alive = valid_q[c_i] && gen_q[{c_i, 2'b00}+:4] == c_gen_i;
  // Handles of connections that died stay queued until ACCEPT takes them, so the queue can be full.
  assign overflow = len_q[c_i][4] && !(aq_pop_i && cmd_i == c_i);
  assign push = c_push_i && alive && !overflow;
  assign aq_pushed_o = push;
  assign wptr = rptr_q[c_i] + len_q[c_i][3:0];

  always_ff @(posedge clk_i) begin
    if (rst_i) begin
      valid_q <= '0;
      gen_q <= '0;
    end else begin
      if (c_add_i) valid_q[c_i] <= 1'b1;
      if (c_rem_i) begin
        valid_q[c_i] <= 1'b0;
        gen_q[{c_i, 2'b00}+:4] <= gen_q[{c_i, 2'b00}+:4] + 4'd1;
      end
    end

    if (c_add_i) begin
      tuple_q[c_i] <= c_tuple_i;
      backlog_q[c_i] <= c_backlog_i;
      count_q[c_i] <= '0;
    end else if (c_up_i && alive) begin
      count_q[c_i] <= count_q[c_i] + 5'd1;
    end else if (c_down_i && alive) begin
      count_q[c_i] <= count_q[c_i] - 5'd1;
    end

    if (push) queue[{c_i, wptr}] <= c_handle_i;
    if (aq_pop_i) rptr_q[cmd_i] <= rptr_q[cmd_i] + 4'd1;
    if (push && aq_pop_i && cmd_i == c_i) begin
      // length stays
    end else begin
      if (push) len_q[c_i] <= len_q[c_i] + 5'd1;
      if (aq_pop_i) len_q[cmd_i] <= len_q[cmd_i] - 5'd1;
    end
    if (c_add_i) begin
      rptr_q[c_i] <= '0;
      len_q[c_i] <= '0;
    end
  end

`ifndef SYNTHESIS
  if (LISTENERS != 4 && LISTENERS != 8 && LISTENERS != 16 && LISTENERS != 32) begin : gen_bad_listeners
    $fatal(1, "tiptoe_listen: LISTENERS must be 4, 8, 16 or 32");
  end
  always_ff @(posedge clk_i) begin
    if (!rst_i && c_add_i) add_free: assert (!valid_q[c_i]);
    if (!rst_i && c_rem_i) remove_used: assert (valid_q[c_i]);
    if (!rst_i && c_up_i && alive) count_up: assert (count_q[c_i] < backlog_q[c_i]);
    if (!rst_i && c_down_i && alive) count_down: assert (count_q[c_i] != '0);
    if (!rst_i && aq_pop_i) pop_used: assert (aq_valid_o);
  end
`endif

endmodule
