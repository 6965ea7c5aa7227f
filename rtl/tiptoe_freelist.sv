// SPDX-License-Identifier: Apache-2.0
// Free list of connection indices (microarchitecture 8.4): one bit per index, lowest free index first.
//
//   take_i            the index new_idx_o ... take_idx_i is taken
//   free_i            free_idx_i is free again; not in the same cycle as take_i
//   new_ok_o, new_idx_o   registers: some index is free, the lowest one
//   count_o           number of free indices
//
// Two levels: a word of 32 bits per group, a bit per word. The lowest one is found when the list changes.
module tiptoe_freelist #(
  parameter int unsigned CONNS = 64,
  localparam int unsigned IDX_W = $clog2(CONNS)
) (
  input  logic             clk_i,
  input  logic             rst_i,
  input  logic             take_i,
  input  logic [IDX_W-1:0] take_idx_i,
  input  logic             free_i,
  input  logic [IDX_W-1:0] free_idx_i,
  output logic             new_ok_o,
  output logic [IDX_W-1:0] new_idx_o,
  output logic [10:0]      count_o
);

  localparam int unsigned WORD = (CONNS < 32) ? CONNS : 32;
  localparam int unsigned WORDS = CONNS / WORD;
  localparam int unsigned BIT_W = $clog2(WORD);

  logic [CONNS-1:0] free_q;
  logic [WORDS-1:0] some_q, some_d;
  logic [IDX_W-1:0] new_idx_q, new_idx_d, idx;
  logic [10:0] count_q;
  logic [WORD-1:0] changed, word;
  logic [9:0] w, first_w;
  logic [BIT_W-1:0] first_b;

  assign new_ok_o = some_q != '0;
  assign new_idx_o = new_idx_q;
  assign count_o = count_q;

  always_comb begin
    idx = '0;
    some_d = some_q;
    new_idx_d = '0;
    changed = '0;
    word = '0;
    {w, first_w} = '0;
    first_b = '0;
    if (take_i || free_i) begin
      idx = take_i ? take_idx_i : free_idx_i;
      w = 10'(idx) >> BIT_W;
      changed = free_q[WORD*w+:WORD];
      changed[idx[BIT_W-1:0]] = free_i;
      for (int unsigned i = 0; i < WORDS; i++) begin
        if (w == i[9:0]) some_d[i] = changed != '0;
      end
      for (int unsigned i = WORDS; i > 0; i--) begin
        if (some_d[i-1]) first_w = 10'(i - 1);
      end
      word = (first_w == w) ? changed : free_q[WORD*first_w+:WORD];
      for (int unsigned i = WORD; i > 0; i--) begin
        if (word[i-1]) first_b = BIT_W'(i - 1);
      end
      new_idx_d = IDX_W'({first_w, first_b});
    end
  end

  always_ff @(posedge clk_i) begin
    if (rst_i) begin
      free_q <= '1;
      some_q <= '1;
      new_idx_q <= '0;
      count_q <= CONNS[10:0];
    end else if (take_i || free_i) begin
      free_q[idx] <= free_i;
      some_q <= some_d;
      new_idx_q <= new_idx_d;
      count_q <= free_i ? count_q + 11'd1 : count_q - 11'd1;
    end
  end

`ifndef SYNTHESIS
  always_ff @(posedge clk_i) begin
    if (!rst_i) one_change: assert (!(take_i && free_i));
    if (!rst_i && take_i) take_free: assert (free_q[take_idx_i]);
    if (!rst_i && free_i) free_taken: assert (!free_q[free_idx_i]);
  end
`endif

endmodule
