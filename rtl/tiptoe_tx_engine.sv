// SPDX-License-Identifier: Apache-2.0
// TX engine (microarchitecture 11): takes transmit descriptors, loads the text from the send buffer, and sends the
// finished datagram with both checksums. It holds the transmit FIFO.
//
//   push_i, desc_i    a descriptor; at the FIFO's head in the next cycle
//   txq_count_o       registered number of queued descriptors
//   issued_o          descriptors pushed since reset, counting one that is pushed in this cycle (for the writer's snapshot)
//   loaded_o          descriptors that no longer need the send buffer (register)
//   ttl_i, tos_i, df_i   registers, taken in SUM
//   sb_*              read port of the send buffer (address {idx, byte})
//   m_axis_*          datagrams; unused bytes of the last beat are 0
//   idle_o            state IDLE and FIFO empty; state_o: probe
//
// Popped in cycle x with w = ceil(len/B) > 0: LOAD x+1 ... x+w+1 (word k is read in x+1+k and arrives in x+2+k), SUM x+w+2,
// first beat offered in x+w+3. Without text: SUM x+1, first beat x+2.
module tiptoe_tx_engine #(
  parameter int unsigned DATA_W = 64,
  parameter int unsigned CONNS = 64,
  parameter int unsigned TX_BUF_LOG2 = 14,
  localparam int unsigned B = DATA_W / 8,
  localparam int unsigned OFF_W = $clog2(B),
  localparam int unsigned IDX_W = $clog2(CONNS)
) (
  input  logic                              clk_i,
  input  logic                              rst_i,
  input  logic                              push_i,
  input  tiptoe_dp_pkg::tx_desc_t           desc_i,
  output logic [$clog2(tiptoe_dp_pkg::TXQ):0] txq_count_o,
  output logic [15:0]                       issued_o,
  output logic [15:0]                       loaded_o,
  input  logic [7:0]                        ttl_i,
  input  logic [7:0]                        tos_i,
  input  logic                              df_i,
  output logic                              sb_re_o,
  output logic [IDX_W+TX_BUF_LOG2-1:0]      sb_addr_o,
  input  logic [DATA_W-1:0]                 sb_data_i,
  output logic [DATA_W-1:0]                 m_axis_tdata_o,
  output logic [B-1:0]                      m_axis_tkeep_o,
  output logic                              m_axis_tvalid_o,
  output logic                              m_axis_tlast_o,
  input  logic                              m_axis_tready_i,
  output logic                              idle_o,
  output logic [1:0]                        state_o
);

  localparam int unsigned K_W = 11 - OFF_W;                   // words of the staging buffer (2048 bytes)
  localparam int unsigned LANES = B / 4;
  localparam int unsigned HDR_LANES = LANES > 11 ? LANES : (11 + LANES - 1) / LANES * LANES;
  localparam int unsigned HDR_W = 32 * HDR_LANES;             // 44 bytes, rounded up to beats
  localparam int unsigned S40 = 40 % B;                       // first lane of the text, without and with MSS option
  localparam int unsigned S44 = 44 % B;

  // ---- transmit FIFO ----
  logic valid, pop, unused_full;
  tiptoe_dp_pkg::tx_desc_t head;
  tiptoe_fifo #(
    .WIDTH(tiptoe_dp_pkg::TX_DESC_W),
    .DEPTH(tiptoe_dp_pkg::TXQ)
  ) u_fifo (
    .clk_i,
    .rst_i,
    .push_i,
    .data_i(desc_i),
    .pop_i(pop),
    .valid_o(valid),
    .data_o(head),
    .full_o(unused_full),
    .count_o(txq_count_o)
  );

  // ---- state ----
  logic [1:0] state_q;
  /* verilator lint_off UNUSEDSIGNAL */  // idx has room for CONNS = 1024, len for 65535
  tiptoe_dp_pkg::tx_desc_t desc_q;
  /* verilator lint_on UNUSEDSIGNAL */
  logic [15:0] next_id_q, id_q;
  logic [15:0] issued_q, loaded_q;
  logic [K_W-1:0] k_q, last_k;           // LOAD: word that is read; EMIT: word in word_q, or word 0 before the text
  logic arrives_q;                       // LOAD: word k_q - 1 is at the read port
  logic load_last, load_end;
  logic emit, accept, last;

  assign pop = state_q == tiptoe_dp_pkg::TX_IDLE && valid;
  assign last_k = K_W'((desc_q.len[10:0] - 11'd1) >> OFF_W);
  assign emit = state_q == tiptoe_dp_pkg::TX_EMIT;
  assign accept = m_axis_tvalid_o & m_axis_tready_i;

  always_ff @(posedge clk_i) begin
    if (rst_i) begin
      state_q <= tiptoe_dp_pkg::TX_IDLE;
      next_id_q <= '0;
      issued_q <= '0;
      loaded_q <= '0;
    end else begin
      case (state_q)
        tiptoe_dp_pkg::TX_IDLE: if (pop) state_q <= head.len == '0 ? tiptoe_dp_pkg::TX_SUM : tiptoe_dp_pkg::TX_LOAD;
        tiptoe_dp_pkg::TX_LOAD: if (load_end) state_q <= tiptoe_dp_pkg::TX_SUM;
        tiptoe_dp_pkg::TX_SUM: state_q <= tiptoe_dp_pkg::TX_EMIT;
        default: if (accept && last) state_q <= tiptoe_dp_pkg::TX_IDLE;
      endcase
      if (pop) next_id_q <= next_id_q + 16'd1;
      issued_q <= issued_o;
      if ((pop && head.len == '0) || load_end) loaded_q <= loaded_q + 16'd1;
    end
    if (pop) begin
      desc_q <= head;
      id_q <= next_id_q;
    end
  end

  assign issued_o = issued_q + {15'b0, push_i};
  assign loaded_o = loaded_q;
  assign idle_o = state_q == tiptoe_dp_pkg::TX_IDLE && !valid;
  assign state_o = state_q;

  // ---- LOAD: words into the staging buffer and the sum. Bytes beyond the text become 0. ----
  logic reading_q;                       // LOAD: a word is read in this cycle
  logic [DATA_W-1:0] staging [1 << K_W];
  logic [K_W-1:0] stage_k_q;             // word that arrives
  logic [47:0] sum_q;                    // text, 32-bit words in the byte order of the lanes

  assign load_last = reading_q & (k_q == last_k);
  assign load_end = arrives_q & ~reading_q;
  assign sb_re_o = reading_q;
  assign sb_addr_o = {desc_q.idx[IDX_W-1:0],
                      desc_q.seq[TX_BUF_LOG2-1:0] + TX_BUF_LOG2'({k_q, {OFF_W{1'b0}}})};

  // Bytes 0 ... left-1 of a word; left = 0 stands for all.
  function automatic logic [DATA_W-1:0] first_bytes(input logic [DATA_W-1:0] data, input logic [OFF_W-1:0] left);
    first_bytes = data;
    if (left != '0) begin
      for (int unsigned i = 0; i < B; i++) begin
        if (i[OFF_W-1:0] >= left) first_bytes[8*i+:8] = '0;
      end
    end
  endfunction

  function automatic logic [36:0] lanes(input logic [DATA_W-1:0] data);
    lanes = '0;
    for (int unsigned i = 0; i < LANES; i++) lanes = lanes + {5'b0, data[32*i+:32]};
  endfunction

  logic [DATA_W-1:0] arrived;            // 0 when nothing arrives, so that idle cycles do nothing
  always_comb begin
    arrived = '0;
    if (arrives_q) arrived = first_bytes(sb_data_i, reading_q ? '0 : desc_q.len[OFF_W-1:0]);
  end

  always_ff @(posedge clk_i) begin
    if (rst_i) begin
      reading_q <= 1'b0;
      arrives_q <= 1'b0;
    end else begin
      if (pop && head.len != '0) reading_q <= 1'b1;
      else if (load_last) reading_q <= 1'b0;
      arrives_q <= reading_q;
    end
    stage_k_q <= k_q;
    if (pop) sum_q <= '0;
    if (arrives_q) begin
      staging[stage_k_q] <= arrived;
      sum_q <= sum_q + {11'b0, lanes(arrived)};
    end
  end

  // ---- SUM and EMIT ----
  // The low beat of hdr_q goes out; below it the next header beat waits, or, once the text has begun, what the last word
  // left over. word_q is the next word of text, shifted up behind the header's tail.
  logic [HDR_W-1:0] hdr_q;               // bytes behind the header are 0
  logic [DATA_W-1:0] word_q, up, over;
  logic [15:0] rest_q;                   // bytes from this beat to the end of the datagram
  logic [3:0] hdr_beats_q;               // full header beats left
  logic text;                            // this beat holds text (or the header's tail)
  logic [15:0] size;
  logic word_en, word_none;

  // The staging buffer's read port: word 0 in SUM, the next one when a beat with text is accepted; 0 after the last.
  assign word_en = state_q == tiptoe_dp_pkg::TX_SUM || (accept && text);
  assign word_none = desc_q.len == '0 || (emit && k_q == last_k);
  always_ff @(posedge clk_i) begin
    if (word_en) word_q <= word_none ? '0 : staging[emit ? k_q + 1'b1 : '0];
  end

  assign size = desc_q.len + (desc_q.mss_valid ? 16'd44 : 16'd40);
  assign text = hdr_beats_q == '0;

  always_comb begin
    up = '0;
    over = '0;
    if (emit && text) begin
      up = desc_q.mss_valid ? word_q << (8 * S44) : word_q << (8 * S40);
      over = desc_q.mss_valid ? DATA_W'({{DATA_W{1'b0}}, word_q} >> (8 * (B - S44)))
                              : DATA_W'({{DATA_W{1'b0}}, word_q} >> (8 * (B - S40)));
    end
  end

  always_ff @(posedge clk_i) begin : beats
    logic [351:0] h;                     // header in SUM; byte i in [8*i +: 8]
    logic [15:0] tcp_len;
    logic [47:0] sum;
    if (state_q == tiptoe_dp_pkg::TX_IDLE) k_q <= '0;
    else if (reading_q && !load_last) k_q <= k_q + 1'b1;
    if (state_q == tiptoe_dp_pkg::TX_SUM) begin
      tcp_len = desc_q.len + (desc_q.mss_valid ? 16'd24 : 16'd20);
      h = '0;
      h[7:0] = 8'h45;
      h[15:8] = tos_i;
      h[31:16] = tiptoe_dp_pkg::swap16(size);
      h[47:32] = tiptoe_dp_pkg::swap16(id_q);
      h[63:48] = {8'h00, 1'b0, df_i, 6'b0};
      h[71:64] = ttl_i;
      h[79:72] = 8'd6;
      h[127:96] = tiptoe_dp_pkg::swap32(desc_q.lip);
      h[159:128] = tiptoe_dp_pkg::swap32(desc_q.rip);
      h[175:160] = tiptoe_dp_pkg::swap16(desc_q.lport);
      h[191:176] = tiptoe_dp_pkg::swap16(desc_q.rport);
      h[223:192] = tiptoe_dp_pkg::swap32(desc_q.seq);
      h[255:224] = tiptoe_dp_pkg::swap32(desc_q.ack);
      h[263:256] = desc_q.mss_valid ? 8'h60 : 8'h50;
      h[271:264] = desc_q.flags;
      h[287:272] = tiptoe_dp_pkg::swap16(desc_q.wnd);
      if (desc_q.mss_valid) h[351:320] = {tiptoe_dp_pkg::swap16(desc_q.mss), 16'h0402};
      sum = '0;
      for (int unsigned i = 0; i < 5; i++) sum = sum + {16'b0, h[32*i+:32]};
      h[95:80] = ~tiptoe_dp_pkg::fold16(sum);
      sum = sum_q + {16'b0, h[127:96]} + {16'b0, h[159:128]} + 48'h0600 + {32'b0, tiptoe_dp_pkg::swap16(tcp_len)};
      for (int unsigned i = 5; i < 11; i++) sum = sum + {16'b0, h[32*i+:32]};
      h[303:288] = ~tiptoe_dp_pkg::fold16(sum);
      hdr_q <= HDR_W'(h);
      hdr_beats_q <= desc_q.mss_valid ? 4'(44 / B) : 4'(40 / B);
      rest_q <= size;
      k_q <= '0;
    end
    if (accept) begin
      rest_q <= rest_q - B[15:0];
      if (text) begin
        hdr_q <= HDR_W'(over);
        k_q <= k_q + 1'b1;
      end else begin
        hdr_q <= hdr_q >> DATA_W;
        hdr_beats_q <= hdr_beats_q - 4'd1;
      end
    end
  end

  assign last = rest_q <= B[15:0];
  assign m_axis_tvalid_o = emit & ~rst_i;
  assign m_axis_tlast_o = last;
  assign m_axis_tkeep_o = last ? ~({B{1'b1}} << rest_q[OFF_W:0]) : '1;
  assign m_axis_tdata_o = hdr_q[DATA_W-1:0] | up;

`ifndef SYNTHESIS
  if ($bits(tiptoe_dp_pkg::tx_desc_t) != tiptoe_dp_pkg::TX_DESC_W) begin : gen_bad_desc
    $fatal(1, "tiptoe_tx_engine: TX_DESC_W");
  end
  len_in_range: assert property (@(posedge clk_i) disable iff (rst_i) push_i |-> desc_i.len <= 16'd2008);
  stable: assert property (@(posedge clk_i) disable iff (rst_i)
    m_axis_tvalid_o && !m_axis_tready_i |=> m_axis_tvalid_o && $stable(m_axis_tdata_o) && $stable(m_axis_tkeep_o) &&
                                            $stable(m_axis_tlast_o));
`endif

endmodule
