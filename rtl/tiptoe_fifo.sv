// SPDX-License-Identifier: Apache-2.0
// FIFO (microarchitecture 1). Pushed in cycle t: at the head in t+1, also when it was empty. Popped in t: the next entry
// is at the head in t+1. Push and pop may coincide. No bypass. The caller keeps the rules: no push while full_o (not even
// with a pop), no pop while not valid_o.
//
//   push_i, data_i    write
//   pop_i             drop the head
//   valid_o, data_o   head; data_o is don't-care while valid_o is 0
//   count_o           registered number of entries
//   full_o            count_o = DEPTH
module tiptoe_fifo #(
  parameter int unsigned WIDTH = 8,
  parameter int unsigned DEPTH = 4,  // a power of two, at least 2
  localparam int unsigned PTR_W = $clog2(DEPTH)
) (
  input  logic             clk_i,
  input  logic             rst_i,
  input  logic             push_i,
  input  logic [WIDTH-1:0] data_i,
  input  logic             pop_i,
  output logic             valid_o,
  output logic [WIDTH-1:0] data_o,
  output logic             full_o,
  output logic [PTR_W:0]   count_o
);

  logic [WIDTH-1:0] mem [DEPTH];
  logic [PTR_W-1:0] wptr_q, rptr_q;
  logic [PTR_W:0] count_q;

  assign valid_o = count_q != '0;
  assign full_o = count_q[PTR_W];
  assign count_o = count_q;
  assign data_o = mem[rptr_q];

  always_ff @(posedge clk_i) begin
    if (push_i) mem[wptr_q] <= data_i;
  end

  always_ff @(posedge clk_i) begin
    if (rst_i) begin
      wptr_q <= '0;
      rptr_q <= '0;
      count_q <= '0;
    end else begin
      if (push_i) wptr_q <= wptr_q + 1'b1;
      if (pop_i) rptr_q <= rptr_q + 1'b1;
      if (push_i && !pop_i) count_q <= count_q + 1'b1;
      if (pop_i && !push_i) count_q <= count_q - 1'b1;
    end
  end

`ifndef SYNTHESIS
  if (DEPTH < 2 || DEPTH != (1 << PTR_W)) begin : gen_bad_depth
    $fatal(1, "tiptoe_fifo: DEPTH must be a power of two, at least 2");
  end
  no_overflow: assert property (@(posedge clk_i) disable iff (rst_i) !(push_i && full_o));
  no_underflow: assert property (@(posedge clk_i) disable iff (rst_i) !(pop_i && !valid_o));
`endif

endmodule
