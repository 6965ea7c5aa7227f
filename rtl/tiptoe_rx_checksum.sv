// SPDX-License-Identifier: Apache-2.0
// The two one's-complement sums of a received datagram, at the full bus width (microarchitecture 6.1): over the IPv4
// header (bytes 0 ... 4*IHL-1) and over the TCP segment (bytes 4*IHL ... total_length-1). Bytes beyond total_length are
// padding and do not count; an odd segment is padded with a zero byte.
//
//   en_i      in cycle t: data_i is beat number beat_i of a datagram with this ihl_i and total_i; first_i on beat 0
//   ip_sum_o, tcp_sum_o   in t+2: the sums up to and including that beat. Not folded (tiptoe_dp_pkg::fold16), no
//             pseudo-header, 16-bit words in the byte order of the lanes (a sum of swapped words is the swapped sum).
//
// Stage 1 (register at the end of t): lanes of 32 bits, masked and added. Stage 2 (end of t+1): accumulators.
// Beyond byte 2048 beat_i may stand still and the sums are worthless: such a datagram is dropped anyway.
module tiptoe_rx_checksum #(
  parameter int unsigned DATA_W = 64,
  localparam int unsigned B = DATA_W / 8,
  localparam int unsigned BEAT_W = tiptoe_dp_pkg::SLOT_LOG2 - $clog2(B) + 1
) (
  input  logic              clk_i,
  input  logic              rst_i,
  input  logic              en_i,
  input  logic              first_i,
  input  logic [DATA_W-1:0] data_i,
  input  logic [BEAT_W-1:0] beat_i,
  input  logic [3:0]        ihl_i,
  input  logic [15:0]       total_i,
  output logic [47:0]       ip_sum_o,
  output logic [47:0]       tcp_sum_o
);

  localparam int unsigned LANES = B / 4;

  // Sum of the words of this beat that belong to the header: the first `words` ones.
  function automatic logic [36:0] ip_lanes(input logic [DATA_W-1:0] data, input logic [3:0] words);
    ip_lanes = '0;
    for (int unsigned i = 0; i < LANES; i++) begin
      if (i < {28'b0, words}) ip_lanes = ip_lanes + {5'b0, data[32*i+:32]};
    end
  endfunction

  // Sum of the others, up to byte `rest` of this beat.
  function automatic logic [36:0] tcp_lanes(input logic [DATA_W-1:0] data, input logic [3:0] words,
                                            input logic [15:0] rest);
    logic [31:0] lane;
    tcp_lanes = '0;
    for (int unsigned i = 0; i < LANES; i++) begin
      lane = data[32*i+:32];
      case ({16'b0, rest})
        4 * i + 1: lane = {24'b0, lane[7:0]};
        4 * i + 2: lane = {16'b0, lane[15:0]};
        4 * i + 3: lane = {8'b0, lane[23:0]};
        default: ;
      endcase
      if (i >= {28'b0, words} && 4 * i < {16'b0, rest}) tcp_lanes = tcp_lanes + {5'b0, lane};
    end
  endfunction

  // What is left of header (words) and datagram (bytes) at the beginning of this beat.
  logic [15:0] start, rest;
  logic [3:0] words;
  assign start = 16'({beat_i, {$clog2(B) {1'b0}}});
  assign rest = total_i > start ? total_i - start : '0;
  assign words = {10'b0, ihl_i, 2'b0} > start ? ihl_i - start[5:2] : '0;

  logic s1_valid_q, s1_first_q;
  logic [36:0] s1_ip_q, s1_tcp_q;
  logic [47:0] ip_sum_q, tcp_sum_q;

  always_ff @(posedge clk_i) begin
    s1_valid_q <= en_i & ~rst_i;
    if (en_i) begin
      s1_first_q <= first_i;
      s1_ip_q <= ip_lanes(data_i, words);
      s1_tcp_q <= tcp_lanes(data_i, words, rest);
    end
    if (s1_valid_q) begin
      ip_sum_q <= (s1_first_q ? '0 : ip_sum_q) + {11'b0, s1_ip_q};
      tcp_sum_q <= (s1_first_q ? '0 : tcp_sum_q) + {11'b0, s1_tcp_q};
    end
  end

  assign ip_sum_o = ip_sum_q;
  assign tcp_sum_o = tcp_sum_q;

endmodule
