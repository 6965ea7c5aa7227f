// SPDX-License-Identifier: Apache-2.0
// Option walker of HEAD (microarchitecture 6.2): finds the MSS option of a SYN. One option per cycle; every option moves
// the position by at least one byte, so 40 bytes take at most 41 cycles whatever they hold.
//
//   start_i           cycle h: begin at position 0; opts_i and doff_i stay stable from h until done_o
//   done_o            register: the walk that was started last has ended (0 from h+1 until the cycle after the deciding
//                     one). 0 after reset.
//   mss_valid_o, mss_o   the last well-formed MSS option; meaningful with done_o
module tiptoe_opt_walk (
  input  logic         clk_i,
  input  logic         rst_i,
  input  logic         start_i,
  input  logic [319:0] opts_i,  // byte i in [8*i +: 8]
  input  logic [3:0]   doff_i,  // at least 5
  output logic         done_o,
  output logic         mss_valid_o,
  output logic [15:0]  mss_o
);

  logic busy_q, done_q, mss_valid_q;
  logic [5:0] pos_q;
  logic [15:0] mss_q;

  logic [5:0] limit;       // bytes of options
  logic [31:0] window;     // option kind in the low byte, its length, two bytes of value
  logic [7:0] kind, len;
  logic [8:0] next;        // position after an option with a length byte
  logic stop;

  assign limit = {doff_i, 2'b0} - 6'd20;
  assign kind = window[7:0];
  assign len = window[15:8];
  assign next = {3'b0, pos_q} + {1'b0, len};

  // Guarded: this is a wide multiplexer and the walker mostly sleeps.
  always_comb begin
    window = '0;
    if (busy_q) window = 32'(opts_i >> {pos_q, 3'b0});
  end

  always_comb begin
    if (pos_q >= limit || kind == 8'd0) stop = 1'b1;
    else if (kind == 8'd1) stop = 1'b0;
    else stop = pos_q + 6'd1 >= limit || len < 8'd2 || next > {3'b0, limit};
  end

  always_ff @(posedge clk_i) begin
    if (rst_i) begin
      busy_q <= 1'b0;
      done_q <= 1'b0;
      mss_valid_q <= 1'b0;
    end else if (start_i) begin
      busy_q <= 1'b1;
      done_q <= 1'b0;
      mss_valid_q <= 1'b0;
      pos_q <= '0;
    end else if (busy_q) begin
      if (stop) begin
        busy_q <= 1'b0;
        done_q <= 1'b1;
      end else if (kind == 8'd1) begin
        pos_q <= pos_q + 6'd1;
      end else begin
        pos_q <= next[5:0];
        if (kind == 8'd2 && len == 8'd4) begin
          mss_valid_q <= 1'b1;
          mss_q <= {window[23:16], window[31:24]};
        end
      end
    end
  end

  assign done_o = done_q;
  assign mss_valid_o = mss_valid_q;
  assign mss_o = mss_q;

`ifndef SYNTHESIS
  logic [5:0] cycles_q;
  always_ff @(posedge clk_i) cycles_q <= (start_i || !busy_q) ? '0 : cycles_q + 6'd1;
  bounded: assert property (@(posedge clk_i) disable iff (rst_i) busy_q |-> cycles_q < 6'd41);
`endif

endmodule
