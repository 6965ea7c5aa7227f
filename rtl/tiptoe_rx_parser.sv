// SPDX-License-Identifier: Apache-2.0
// Receive parser (microarchitecture 6.1): takes datagrams from the network, one beat per cycle without bubbles, stores
// them in the segment store, verifies them, and queues one raw descriptor per datagram.
//
//   s_axis_*          datagrams; s_axis_tready_o = running and (inside a datagram, or a slot is free)
//   st_we_o, st_addr_o   in the cycle of an accepted beat: write it to the segment store at this byte address
//   slot_release_i    the mover has finished with the oldest slot
//   local_ip_i        LOCAL_IP0 in [31:0] ... LOCAL_IP3 in [127:96]
//   raw_*             head of the raw FIFO; a datagram whose last beat is accepted in t is at the head in t+4 or later
//   idle_o            inside no datagram, stages empty (the raw FIFO is not looked at)
module tiptoe_rx_parser #(
  parameter int unsigned DATA_W = 64,
  localparam int unsigned B = DATA_W / 8,
  localparam int unsigned SLOT_LOG2 = tiptoe_dp_pkg::SLOT_LOG2,
  localparam int unsigned SLOTS = tiptoe_dp_pkg::SLOTS,
  localparam int unsigned SLOT_W = $clog2(SLOTS)
) (
  input  logic                        clk_i,
  input  logic                        rst_i,
  input  logic                        running_i,
  input  logic [127:0]                local_ip_i,
  input  logic [DATA_W-1:0]           s_axis_tdata_i,
  input  logic [B-1:0]                s_axis_tkeep_i,
  input  logic                        s_axis_tvalid_i,
  input  logic                        s_axis_tlast_i,
  output logic                        s_axis_tready_o,
  output logic                        st_we_o,
  output logic [SLOT_W+SLOT_LOG2-1:0] st_addr_o,
  input  logic                        slot_release_i,
  output logic                        raw_valid_o,
  output tiptoe_dp_pkg::raw_desc_t    raw_o,
  input  logic                        raw_pop_i,
  output logic [SLOT_W:0]             raw_count_o,
  output logic [SLOT_W:0]             slots_used_o,
  output logic                        idle_o
);

  localparam int unsigned OFF_W = $clog2(B);
  localparam int unsigned BEAT_W = SLOT_LOG2 - OFF_W + 1;           // counts to one past the last beat of a slot
  localparam int unsigned HDR_BEATS = (120 + B - 1) / B;            // IPv4 and TCP header are at most 120 bytes
  localparam int unsigned HDR_W = HDR_BEATS * DATA_W;
  localparam int unsigned N_W = SLOT_LOG2 + 2;

  // ---- beats ----
  logic in_datagram_q;                 // between the first and the last beat
  logic [BEAT_W-1:0] beat_q;           // number of the next beat; stays one past the slot
  logic [SLOT_W-1:0] slot_q;           // slot of the datagram that is coming in or comes next
  logic [SLOT_W:0] slots_used_q;
  logic [3:0] ihl_q, ihl;
  logic [15:0] total_q, total;
  logic accept, first, in_slot;

  assign s_axis_tready_o = running_i & ~rst_i & (in_datagram_q | ~slots_used_q[SLOT_W]);
  assign accept = s_axis_tvalid_i & s_axis_tready_o;
  assign first = ~in_datagram_q;
  assign in_slot = ~beat_q[BEAT_W-1];   // this beat lies in the slot
  assign ihl = first ? s_axis_tdata_i[3:0] : ihl_q;
  assign total = first ? {s_axis_tdata_i[23:16], s_axis_tdata_i[31:24]} : total_q;

  assign st_we_o = accept & in_slot;
  assign st_addr_o = {slot_q, beat_q[BEAT_W-2:0], {OFF_W{1'b0}}};
  assign slots_used_o = slots_used_q;

  always_ff @(posedge clk_i) begin
    if (rst_i) begin
      in_datagram_q <= 1'b0;
      beat_q <= '0;
      slot_q <= '0;
      slots_used_q <= '0;
    end else begin
      if (accept) begin
        in_datagram_q <= ~s_axis_tlast_i;
        if (s_axis_tlast_i) slot_q <= slot_q + 1'b1;
        if (s_axis_tlast_i) beat_q <= '0;
        else if (in_slot) beat_q <= beat_q + 1'b1;
      end
      if (accept && first && !slot_release_i) slots_used_q <= slots_used_q + 1'b1;
      if (slot_release_i && !(accept && first)) slots_used_q <= slots_used_q - 1'b1;
    end
  end

  // Bytes of a beat. Full beats are the common case.
  function automatic logic [OFF_W:0] popcount(input logic [B-1:0] keep);
    popcount = '0;
    if (&keep) popcount = B[OFF_W:0];
    else for (int unsigned i = 0; i < B; i++) popcount = popcount + {{OFF_W{1'b0}}, keep[i]};
  endfunction

  // ---- stage 1 (registers written at the end of t): header bytes, length; sums in tiptoe_rx_checksum ----
  logic s1_last_q;
  logic [HDR_W-1:0] hdr_q;
  logic [N_W-1:0] n_q;                 // bytes received; worthless when over_q
  logic over_q;
  logic [SLOT_W-1:0] s1_slot_q;
  logic [47:0] ip_sum, tcp_sum;

  always_ff @(posedge clk_i) begin
    s1_last_q <= accept & s_axis_tlast_i & ~rst_i;
    if (accept) begin
      if (first) begin
        ihl_q <= ihl;
        total_q <= total;
      end
      for (int unsigned i = 0; i < HDR_BEATS; i++) begin
        if (beat_q == i[BEAT_W-1:0]) hdr_q[DATA_W*i+:DATA_W] <= s_axis_tdata_i;
      end
      if (in_slot) n_q <= (first ? '0 : n_q) + {{(N_W - OFF_W - 1) {1'b0}}, popcount(s_axis_tkeep_i)};
      over_q <= ~in_slot;
      s1_slot_q <= slot_q;
    end
  end

  tiptoe_rx_checksum #(
    .DATA_W(DATA_W)
  ) u_checksum (
    .clk_i,
    .rst_i,
    .en_i(accept),
    .first_i(first),
    .data_i(s_axis_tdata_i),
    .beat_i(beat_q),
    .ihl_i(ihl),
    .total_i(total),
    .ip_sum_o(ip_sum),
    .tcp_sum_o(tcp_sum)
  );

  // ---- stage 2 (end of t+1): fields of the finished datagram in their places; the accumulators are complete ----
  logic s2_last_q;
  /* verilator lint_off UNUSEDSIGNAL */  // fields that decide nothing: TOS, identification, TTL, checksums ...
  logic [159:0] s2_ip_q;               // fixed IPv4 header, byte i in [8*i +: 8]
  logic [479:0] s2_tcp_q;              // 60 bytes from 4*IHL on
  /* verilator lint_on UNUSEDSIGNAL */
  logic [N_W-1:0] s2_n_q;
  logic s2_over_q;
  logic [SLOT_W-1:0] s2_slot_q;

  always_ff @(posedge clk_i) begin
    s2_last_q <= s1_last_q & ~rst_i;
    if (s1_last_q) begin
      s2_ip_q <= hdr_q[159:0];
      s2_tcp_q <= 480'(hdr_q >> {hdr_q[3:0], 5'b0});
      s2_n_q <= n_q;
      s2_over_q <= over_q;
      s2_slot_q <= s1_slot_q;
    end
  end

  // ---- stage 3 (end of t+2): sums folded, drop reason, descriptor ----
  logic [15:0] s2_total, s2_tcp_len;
  logic [31:0] s2_src, s2_dst;
  logic [10:0] s2_pay_off;

  assign s2_total = tiptoe_dp_pkg::swap16(s2_ip_q[31:16]);
  assign s2_tcp_len = s2_total - {10'b0, s2_ip_q[3:0], 2'b0};
  assign s2_src = tiptoe_dp_pkg::swap32(s2_ip_q[127:96]);
  assign s2_dst = tiptoe_dp_pkg::swap32(s2_ip_q[159:128]);
  assign s2_pay_off = {5'b0, s2_ip_q[3:0], 2'b0} + {5'b0, s2_tcp_q[103:100], 2'b0};

  // TCP sum with the pseudo-header (both addresses, protocol 6, TCP length), in the byte order of the lanes.
  function automatic logic [47:0] with_pseudo(input logic [47:0] sum, input logic [63:0] addresses,
                                              input logic [15:0] tcp_len);
    with_pseudo = sum + {16'b0, addresses[31:0]} + {16'b0, addresses[63:32]} + 48'h0600
                  + {32'b0, tiptoe_dp_pkg::swap16(tcp_len)};
  endfunction

  function automatic logic is_local(input logic [31:0] addr, input logic [127:0] local_ip);
    is_local = addr != '0 && (addr == local_ip[31:0] || addr == local_ip[63:32] || addr == local_ip[95:64]
                              || addr == local_ip[127:96]);
  endfunction

  // First reason that applies. Decided here and not in an always_comb, so that it costs nothing but once per datagram.
  function automatic logic [3:0] drop_reason(
      input logic short_ip, input logic [3:0] version, input logic [3:0] ihl_words, input logic [15:0] total_len,
      input logic bad_len, input logic [47:0] sum_ip, input logic [13:0] fragment, input logic [7:0] protocol,
      input logic local_dst, input logic [31:0] src, input logic src_is_dst, input logic [15:0] tcp_len,
      input logic [3:0] doff, input logic [47:0] sum_tcp);
    if (short_ip) drop_reason = tiptoe_dp_pkg::DROP_IP_SHORT;
    else if (version != 4'd4) drop_reason = tiptoe_dp_pkg::DROP_IP_VERSION;
    else if (ihl_words < 4'd5 || {10'b0, ihl_words, 2'b0} > total_len) drop_reason = tiptoe_dp_pkg::DROP_IP_IHL;
    else if (bad_len) drop_reason = tiptoe_dp_pkg::DROP_IP_LENGTH;
    else if (tiptoe_dp_pkg::fold16(sum_ip) != 16'hffff) drop_reason = tiptoe_dp_pkg::DROP_IP_CKSUM;
    else if (fragment != '0) drop_reason = tiptoe_dp_pkg::DROP_IP_FRAGMENT;
    else if (protocol != 8'd6) drop_reason = tiptoe_dp_pkg::DROP_IP_PROTOCOL;
    else if (!local_dst) drop_reason = tiptoe_dp_pkg::DROP_IP_DST;
    else if (src == '0 || src[31:24] == 8'd127 || src[31:29] == 3'b111 || src_is_dst)
      drop_reason = tiptoe_dp_pkg::DROP_IP_SRC;
    else if (tcp_len < 16'd20) drop_reason = tiptoe_dp_pkg::DROP_TCP_SHORT;
    else if (doff < 4'd5 || {10'b0, doff, 2'b0} > tcp_len) drop_reason = tiptoe_dp_pkg::DROP_TCP_DOFF;
    else if (tiptoe_dp_pkg::fold16(sum_tcp) != 16'hffff) drop_reason = tiptoe_dp_pkg::DROP_TCP_CKSUM;
    else drop_reason = tiptoe_dp_pkg::DROP_NONE;
  endfunction

  logic s3_valid_q;
  tiptoe_dp_pkg::raw_desc_t desc_q;

  always_ff @(posedge clk_i) begin
    s3_valid_q <= s2_last_q & ~rst_i;
    if (s2_last_q) begin
      desc_q.slot <= s2_slot_q;
      desc_q.reason <= drop_reason(
          ~s2_over_q & (s2_n_q < N_W'(20)), s2_ip_q[7:4], s2_ip_q[3:0], s2_total,
          s2_over_q | (s2_total < 16'd20) | (s2_total > {{(16 - N_W) {1'b0}}, s2_n_q}), ip_sum,
          {s2_ip_q[53:48], s2_ip_q[63:56]}, s2_ip_q[79:72], is_local(s2_dst, local_ip_i), s2_src, s2_src == s2_dst,
          s2_tcp_len, s2_tcp_q[103:100], with_pseudo(tcp_sum, s2_ip_q[159:96], s2_tcp_len));
      desc_q.src <= s2_src;
      desc_q.dst <= s2_dst;
      desc_q.sport <= tiptoe_dp_pkg::swap16(s2_tcp_q[15:0]);
      desc_q.dport <= tiptoe_dp_pkg::swap16(s2_tcp_q[31:16]);
      desc_q.seq <= tiptoe_dp_pkg::swap32(s2_tcp_q[63:32]);
      desc_q.ack <= tiptoe_dp_pkg::swap32(s2_tcp_q[95:64]);
      desc_q.wnd <= tiptoe_dp_pkg::swap16(s2_tcp_q[127:112]);
      desc_q.up <= tiptoe_dp_pkg::swap16(s2_tcp_q[159:144]);
      desc_q.flags <= s2_tcp_q[111:104];
      desc_q.pay_off <= s2_pay_off;
      desc_q.pay_len <= s2_total[10:0] - s2_pay_off;
      desc_q.doff <= s2_tcp_q[103:100];
      desc_q.opts <= s2_tcp_q[479:160];
    end
  end

  // ---- raw FIFO, pushed in t+3 ----
  logic unused_full;
  tiptoe_fifo #(
    .WIDTH(tiptoe_dp_pkg::RAW_DESC_W),
    .DEPTH(SLOTS)
  ) u_raw (
    .clk_i,
    .rst_i,
    .push_i(s3_valid_q),
    .data_i(desc_q),
    .pop_i(raw_pop_i),
    .valid_o(raw_valid_o),
    .data_o(raw_o),
    .full_o(unused_full),
    .count_o(raw_count_o)
  );

  assign idle_o = ~(in_datagram_q | s1_last_q | s2_last_q | s3_valid_q);

`ifndef SYNTHESIS
  if (DATA_W != 64 && DATA_W != 128 && DATA_W != 256 && DATA_W != 512) begin : gen_bad_width
    $fatal(1, "tiptoe_rx_parser: DATA_W must be 64, 128, 256 or 512");
  end
  if ($bits(tiptoe_dp_pkg::raw_desc_t) != tiptoe_dp_pkg::RAW_DESC_W) begin : gen_bad_raw
    $fatal(1, "tiptoe_rx_parser: RAW_DESC_W");
  end
  slots_bound: assert property (@(posedge clk_i) disable iff (rst_i)
    slots_used_q <= SLOTS[SLOT_W:0] && !(slot_release_i && slots_used_q == '0));
`endif

endmodule
