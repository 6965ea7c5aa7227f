// SPDX-License-Identifier: Apache-2.0
// Output queue (microarchitecture 8.4): connections that have more to send, each at most once.
//
//   push_i, idx_i     COMMIT; ignored when the connection is queued already
//   valid_o, idx_o    head, offered as OUT event; pop_i in the grant cycle
//   count_o           registered number of entries
module tiptoe_outq #(
  parameter int unsigned CONNS = 64,
  localparam int unsigned IDX_W = $clog2(CONNS)
) (
  input  logic             clk_i,
  input  logic             rst_i,
  input  logic             push_i,
  input  logic [IDX_W-1:0] idx_i,
  output logic             valid_o,
  output logic [IDX_W-1:0] idx_o,
  input  logic             pop_i,
  output logic [10:0]      count_o
);

  logic [IDX_W-1:0] mem [CONNS];
  logic [CONNS-1:0] queued_q;
  logic [IDX_W-1:0] wptr_q, rptr_q, head;
  logic [10:0] count_q;
  logic push;

  assign valid_o = count_q != '0;
  assign head = mem[rptr_q];
  assign idx_o = head;
  assign count_o = count_q;

  // The popped connection's bit counts as cleared already.
  assign push = push_i && (!queued_q[idx_i] || (pop_i && head == idx_i));

  always_ff @(posedge clk_i) begin
    if (push) mem[wptr_q] <= idx_i;
  end

  always_ff @(posedge clk_i) begin
    if (rst_i) begin
      queued_q <= '0;
      wptr_q <= '0;
      rptr_q <= '0;
      count_q <= '0;
    end else begin
      if (pop_i) begin
        queued_q[head] <= 1'b0;
        rptr_q <= rptr_q + 1'b1;
      end
      if (push) begin
        queued_q[idx_i] <= 1'b1;
        wptr_q <= wptr_q + 1'b1;
      end
      if (push && !pop_i) count_q <= count_q + 11'd1;
      if (pop_i && !push) count_q <= count_q - 11'd1;
    end
  end

`ifndef SYNTHESIS
  always_ff @(posedge clk_i) begin
    if (!rst_i && push && !pop_i) no_overflow: assert (count_q < CONNS[10:0]);
    if (!rst_i && pop_i) no_underflow: assert (valid_o);
  end
`endif

endmodule
