// SPDX-License-Identifier: Apache-2.0
// SipHash-2-4 of a connection's 4-tuple (RFC 6528 F(); microarchitecture 6.2, 7.1). One round per cycle.
//
//   start_i   cycle h: take key and tuple
//   done_o    0 from h+1 on, 1 from h+10 on; hash_o is then the low 32 bits of the result
//
// h: load and first message word; h+1, h+2: its rounds; h+3, h+4: rounds of the second word; h+5 ... h+8: finalisation;
// h+9: the four words are added up.
module tiptoe_siphash (
  input  logic               clk_i,
  input  logic               rst_i,
  input  logic               start_i,
  input  logic [127:0]       key_i,    // {ISN_KEY3, ISN_KEY2, ISN_KEY1, ISN_KEY0}
  input  tiptoe_pkg::tuple_t tuple_i,
  output logic               done_o,
  output logic [31:0]        hash_o
);

  function automatic logic [15:0] swap16(input logic [15:0] v);
    swap16 = {v[7:0], v[15:8]};
  endfunction

  function automatic logic [31:0] swap32(input logic [31:0] v);
    swap32 = {v[7:0], v[15:8], v[23:16], v[31:24]};
  endfunction

  // Message: 12 bytes in network byte order, taken as little-endian 64-bit words; the last byte is the length.
  logic [63:0] m0, m1;
  logic [31:0] rip_swapped;
  assign rip_swapped = swap32(tuple_i.rip);
  assign m0 = {rip_swapped[15:0], swap16(tuple_i.lport), swap32(tuple_i.lip)};
  assign m1 = {8'd12, 24'd0, swap16(tuple_i.rport), rip_swapped[31:16]};

  logic [63:0] v0_q, v1_q, v2_q, v3_q, m0_q, m1_q;
  logic [3:0] step_q;        // 0 idle, else number of the cycle after h
  logic done_q;
  logic [31:0] hash_q;

  logic [63:0] a0, a1, a2, a3, b0, b1, b2, b3;
  always_comb begin
    {a0, a1, a2, a3, b0, b1, b2, b3} = '0;
    if (step_q != 4'd0) begin : round
      a0 = v0_q + v1_q;
      a1 = {v1_q[50:0], v1_q[63:51]} ^ a0;
      a2 = v2_q + v3_q;
      a3 = {v3_q[47:0], v3_q[63:48]} ^ a2;
      b0 = {a0[31:0], a0[63:32]} + a3;
      b3 = {a3[42:0], a3[63:43]} ^ b0;
      b2 = a2 + a1;
      b1 = {a1[46:0], a1[63:47]} ^ b2;
    end
  end

  always_ff @(posedge clk_i) begin
    if (rst_i) begin
      step_q <= 4'd0;
      done_q <= 1'b0;
    end else if (start_i) begin
      step_q <= 4'd1;
      done_q <= 1'b0;
    end else if (step_q == 4'd9) begin
      step_q <= 4'd0;
      done_q <= 1'b1;
    end else if (step_q != 4'd0) begin
      step_q <= step_q + 4'd1;
    end

    if (start_i) begin
      m0_q <= m0;
      m1_q <= m1;
      v0_q <= key_i[63:0] ^ 64'h736f6d6570736575;
      v1_q <= key_i[127:64] ^ 64'h646f72616e646f6d;
      v2_q <= key_i[63:0] ^ 64'h6c7967656e657261;
      v3_q <= key_i[127:64] ^ 64'h7465646279746573 ^ m0;
    end else if (step_q == 4'd9) begin
      hash_q <= v0_q[31:0] ^ v1_q[31:0] ^ v2_q[31:0] ^ v3_q[31:0];
    end else if (step_q != 4'd0) begin
      v1_q <= b1;
      // After the rounds of a word it is added to v0; before those of the next one, that one to v3.
      v0_q <= (step_q == 4'd2) ? b0 ^ m0_q : (step_q == 4'd4) ? b0 ^ m1_q : b0;
      v3_q <= (step_q == 4'd2) ? b3 ^ m1_q : b3;
      v2_q <= {b2[31:0], b2[63:32]} ^ {56'd0, (step_q == 4'd4) ? 8'hff : 8'h00};
    end
  end

  assign done_o = done_q;
  assign hash_o = hash_q;

endmodule
