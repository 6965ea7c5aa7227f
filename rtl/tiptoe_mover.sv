// SPDX-License-Identifier: Apache-2.0
// Mover (microarchitecture 6.5): copies text from the segment store to the receive buffer, one word per cycle, and
// releases the slot. One command per SEG event, in commit order; it holds the mover FIFO.
//
//   push_i, cmd_i     a command; at the FIFO's head in the next cycle
//   st_*              read port of the segment store (address {slot, byte})
//   rb_*              write port of the receive buffer (address {idx, byte})
//   slot_release_o    in the cycle of the last write, or in which an empty command is popped
//   issued_o, done_o  commands pushed and finished since reset (registers)
//   busy_o            state COPY (probe); idle_o: not COPY and the FIFO empty
//
// Command at the head in cycle m: reads in m ... m+w-1, writes in m+1 ... m+w with w = ceil(len/B); the next one is looked
// at in m+w+1 (len 0: m+1).
module tiptoe_mover #(
  parameter int unsigned DATA_W = 64,
  parameter int unsigned CONNS = 64,
  parameter int unsigned RX_BUF_LOG2 = 14,
  localparam int unsigned B = DATA_W / 8,
  localparam int unsigned OFF_W = $clog2(B),
  localparam int unsigned IDX_W = $clog2(CONNS),
  localparam int unsigned SLOT_LOG2 = tiptoe_dp_pkg::SLOT_LOG2,
  localparam int unsigned SLOT_W = $clog2(tiptoe_dp_pkg::SLOTS)
) (
  input  logic                         clk_i,
  input  logic                         rst_i,
  input  logic                         push_i,
  input  tiptoe_dp_pkg::mv_cmd_t       cmd_i,
  output logic                         st_re_o,
  output logic [SLOT_W+SLOT_LOG2-1:0]  st_addr_o,
  input  logic [DATA_W-1:0]            st_data_i,
  output logic                         rb_we_o,
  output logic [IDX_W+RX_BUF_LOG2-1:0] rb_addr_o,
  output logic [OFF_W:0]               rb_len_o,
  output logic [DATA_W-1:0]            rb_data_o,
  output logic                         slot_release_o,
  output logic [15:0]                  issued_o,
  output logic [15:0]                  done_o,
  output logic                         busy_o,
  output logic                         idle_o
);

  localparam int unsigned K_W = SLOT_LOG2 - OFF_W;  // words of a slot

  logic valid, pop;
  /* verilator lint_off UNUSEDSIGNAL */  // idx has room for CONNS = 1024, seq is used modulo the buffer
  tiptoe_dp_pkg::mv_cmd_t cmd;
  /* verilator lint_on UNUSEDSIGNAL */
  logic unused_full;
  logic [SLOT_W:0] unused_count;
  tiptoe_fifo #(
    .WIDTH(tiptoe_dp_pkg::MV_CMD_W),
    .DEPTH(tiptoe_dp_pkg::SLOTS)
  ) u_fifo (
    .clk_i,
    .rst_i,
    .push_i,
    .data_i(cmd_i),
    .pop_i(pop),
    .valid_o(valid),
    .data_o(cmd),
    .full_o(unused_full),
    .count_o(unused_count)
  );

  // In COPY word k_q is written and word k_q + 1 is read; in IDLE word 0 is read.
  logic copy_q;
  logic [K_W-1:0] k_q, last_k;
  logic [15:0] issued_q, done_q;
  logic start, last, some;

  assign some = cmd.len != '0;
  assign start = ~copy_q & valid & some;
  assign last_k = K_W'((cmd.len - 11'd1) >> OFF_W);
  assign last = copy_q & (k_q == last_k);
  assign pop = last | (~copy_q & valid & ~some);

  assign st_re_o = start | (copy_q & ~last);
  assign st_addr_o = {cmd.slot, cmd.offset + (copy_q ? {k_q + 1'b1, {OFF_W{1'b0}}} : 11'd0)};

  assign rb_we_o = copy_q;
  assign rb_addr_o = {cmd.idx[IDX_W-1:0],
                      cmd.seq[RX_BUF_LOG2-1:0] + RX_BUF_LOG2'({k_q, {OFF_W{1'b0}}})};
  assign rb_len_o = !last || cmd.len[OFF_W-1:0] == '0 ? B[OFF_W:0] : {1'b0, cmd.len[OFF_W-1:0]};
  assign rb_data_o = st_data_i;

  always_ff @(posedge clk_i) begin
    if (rst_i) begin
      copy_q <= 1'b0;
      issued_q <= '0;
      done_q <= '0;
    end else begin
      if (start) copy_q <= 1'b1;
      else if (last) copy_q <= 1'b0;
      if (push_i) issued_q <= issued_q + 16'd1;
      if (pop) done_q <= done_q + 16'd1;
    end
    if (start) k_q <= '0;
    else if (copy_q) k_q <= k_q + 1'b1;
  end

  assign slot_release_o = pop;
  assign issued_o = issued_q;
  assign done_o = done_q;
  assign busy_o = copy_q;
  assign idle_o = ~copy_q & ~valid;

`ifndef SYNTHESIS
  if ($bits(tiptoe_dp_pkg::mv_cmd_t) != tiptoe_dp_pkg::MV_CMD_W) begin : gen_bad_cmd
    $fatal(1, "tiptoe_mover: MV_CMD_W");
  end
  inside_slot: assert property (@(posedge clk_i) disable iff (rst_i)
    push_i |-> {1'b0, cmd_i.offset} + {1'b0, cmd_i.len} <= 12'd2048 || cmd_i.len == '0);
`endif

endmodule
