// SPDX-License-Identifier: Apache-2.0
// Registers and counters (microarchitecture 12).
//
//   reg_*             register port: a write takes effect in the next cycle; reg_rdata_o is the register that reg_addr_i
//                     named in the previous cycle, as it was then
//   cfg_o             the configuration
//   c_valid_i, c_i    COMMIT: what to count
module tiptoe_regs (
  input  logic                clk_i,
  input  logic                rst_i,
  input  logic                reg_wr_i,
  input  logic [7:0]          reg_addr_i,
  input  logic [31:0]         reg_wdata_i,
  output logic [31:0]         reg_rdata_o,
  output tiptoe_pkg::cfg_t    cfg_o,
  input  logic                c_valid_i,
  /* verilator lint_off UNUSEDSIGNAL */  // COMMIT's side effects as a whole; those that are counted are used
  input  tiptoe_pkg::commit_t c_i
  /* verilator lint_on UNUSEDSIGNAL */
);

  // ---- configuration ----
  tiptoe_pkg::cfg_t cfg_q;
  assign cfg_o = cfg_q;

  function automatic logic [15:0] clamp_mtu(input logic [31:0] v);
    clamp_mtu = (v < 32'd296) ? 16'd296 : (v > 32'd2048) ? 16'd2048 : v[15:0];
  endfunction

  // Limits of registers that are compared with narrow counters of the record (rtx_cnt, keep_cnt, ch_cnt).
  function automatic logic [31:0] limit(input logic [31:0] v, input logic [31:0] most);
    limit = (v > most) ? most : v;
  endfunction

  always_ff @(posedge clk_i) begin
    if (rst_i) begin
      cfg_q.local_ip0 <= 32'd0;
      cfg_q.local_ip1 <= 32'd0;
      cfg_q.local_ip2 <= 32'd0;
      cfg_q.local_ip3 <= 32'd0;
      cfg_q.mtu <= 16'd1500;
      cfg_q.ttl <= 8'd64;
      cfg_q.tos <= 8'd0;
      cfg_q.features <= 32'h0000_003f;
      cfg_q.rto_init <= 32'd1000000;
      cfg_q.rto_min <= 32'd1000000;
      cfg_q.rto_max <= 32'd60000000;
      cfg_q.syn_rto <= 32'd1000000;
      cfg_q.syn_backoff <= 32'd1;
      cfg_q.syn_retries <= 32'd7;
      cfg_q.data_retries <= 32'd8;
      cfg_q.r1 <= 32'd3;
      cfg_q.dack <= 32'd200000;
      cfg_q.msl <= 32'd120000000;
      cfg_q.fw2_timeout <= 32'd0;
      cfg_q.keep_idle_s <= 32'd7200;
      cfg_q.keep_intvl_s <= 32'd75;
      cfg_q.keep_probes <= 32'd9;
      cfg_q.user_timeout <= 32'd300000000;
      cfg_q.open_timeout <= 32'd0;
      cfg_q.quiet <= 32'd0;
      cfg_q.ch_limit <= 32'd10;
      cfg_q.ch_window <= 32'd5000000;
      cfg_q.iw_segs <= 32'd0;
      cfg_q.cam_key <= 32'h5bd1_e995;
      cfg_q.isn_key0 <= 32'h0302_0100;
      cfg_q.isn_key1 <= 32'h0706_0504;
      cfg_q.isn_key2 <= 32'h0b0a_0908;
      cfg_q.isn_key3 <= 32'h0f0e_0d0c;
    end else if (reg_wr_i) begin
      case (reg_addr_i)
        8'h01: cfg_q.local_ip0 <= reg_wdata_i;
        8'h02: cfg_q.local_ip1 <= reg_wdata_i;
        8'h03: cfg_q.local_ip2 <= reg_wdata_i;
        8'h04: cfg_q.local_ip3 <= reg_wdata_i;
        8'h05: cfg_q.mtu <= clamp_mtu(reg_wdata_i);
        8'h06: cfg_q.ttl <= reg_wdata_i[7:0];
        8'h07: cfg_q.tos <= reg_wdata_i[7:0];
        8'h08: cfg_q.features <= reg_wdata_i;
        8'h09: cfg_q.rto_init <= reg_wdata_i;
        8'h0a: cfg_q.rto_min <= reg_wdata_i;
        8'h0b: cfg_q.rto_max <= reg_wdata_i;
        8'h0c: cfg_q.syn_rto <= reg_wdata_i;
        8'h0d: cfg_q.syn_backoff <= reg_wdata_i;
        8'h0e: cfg_q.syn_retries <= limit(reg_wdata_i, 32'd31);
        8'h0f: cfg_q.data_retries <= limit(reg_wdata_i, 32'd31);
        8'h10: cfg_q.r1 <= reg_wdata_i;
        8'h11: cfg_q.dack <= reg_wdata_i;
        8'h12: cfg_q.msl <= reg_wdata_i;
        8'h13: cfg_q.fw2_timeout <= reg_wdata_i;
        8'h14: cfg_q.keep_idle_s <= reg_wdata_i;
        8'h15: cfg_q.keep_intvl_s <= reg_wdata_i;
        8'h16: cfg_q.keep_probes <= limit(reg_wdata_i, 32'd15);
        8'h17: cfg_q.user_timeout <= reg_wdata_i;
        8'h18: cfg_q.open_timeout <= reg_wdata_i;
        8'h19: cfg_q.quiet <= reg_wdata_i;
        8'h1a: cfg_q.ch_limit <= limit(reg_wdata_i, 32'd255);
        8'h1b: cfg_q.ch_window <= reg_wdata_i;
        8'h1c: cfg_q.iw_segs <= reg_wdata_i;
        8'h1d: cfg_q.cam_key <= reg_wdata_i;
        8'h1e: cfg_q.isn_key0 <= reg_wdata_i;
        8'h1f: cfg_q.isn_key1 <= reg_wdata_i;
        8'h20: cfg_q.isn_key2 <= reg_wdata_i;
        8'h21: cfg_q.isn_key3 <= reg_wdata_i;
        default: ;
      endcase
    end
  end

  // ---- counters ----
  logic [31:0] active_opens_q, passive_opens_q, attempt_fails_q, estab_resets_q, curr_estab_q, in_segs_q, out_segs_q,
               retrans_segs_q, in_errs_q, out_rsts_q, challenge_acks_q, challenge_limited_q, listen_drops_q, table_full_q,
               cam_full_q, ooo_drops_q;
  logic [32*12-1:0] dropped_q;               // reason 1 in [31:0] ... 12

  logic [3:0] drop;                          // parser's drop reason of this SEG, 0: none
  assign drop = (c_i.seg && !c_i.reason[4]) ? c_i.reason[3:0] : 4'd0;

  always_ff @(posedge clk_i) begin
    if (rst_i) begin
      active_opens_q <= '0;
      passive_opens_q <= '0;
      attempt_fails_q <= '0;
      estab_resets_q <= '0;
      curr_estab_q <= '0;
      in_segs_q <= '0;
      out_segs_q <= '0;
      retrans_segs_q <= '0;
      in_errs_q <= '0;
      out_rsts_q <= '0;
      challenge_acks_q <= '0;
      challenge_limited_q <= '0;
      listen_drops_q <= '0;
      table_full_q <= '0;
      cam_full_q <= '0;
      ooo_drops_q <= '0;
      dropped_q <= '0;
    end else if (c_valid_i) begin
      if (c_i.cnt.active_opens) active_opens_q <= active_opens_q + 32'd1;
      if (c_i.cnt.passive_opens) passive_opens_q <= passive_opens_q + 32'd1;
      if (c_i.cnt.attempt_fails) attempt_fails_q <= attempt_fails_q + 32'd1;
      if (c_i.cnt.estab_resets) estab_resets_q <= estab_resets_q + 32'd1;
      if (c_i.estab_up) curr_estab_q <= curr_estab_q + 32'd1;
      if (c_i.estab_down) curr_estab_q <= curr_estab_q - 32'd1;
      if (c_i.seg && (drop == 4'd0 || drop >= 4'd10)) in_segs_q <= in_segs_q + 32'd1;
      if (c_i.out_seg) out_segs_q <= out_segs_q + 32'd1;
      if (c_i.retrans) retrans_segs_q <= retrans_segs_q + 32'd1;
      if (drop >= 4'd10) in_errs_q <= in_errs_q + 32'd1;
      if (c_i.out_rst) out_rsts_q <= out_rsts_q + 32'd1;
      if (c_i.cnt.challenge_acks) challenge_acks_q <= challenge_acks_q + 32'd1;
      if (c_i.cnt.challenge_limited) challenge_limited_q <= challenge_limited_q + 32'd1;
      if (c_i.cnt.listen_drops) listen_drops_q <= listen_drops_q + 32'd1;
      if (c_i.cnt.table_full) table_full_q <= table_full_q + 32'd1;
      if (c_i.cnt.cam_full) cam_full_q <= cam_full_q + 32'd1;
      if (c_i.cnt.ooo_drops) ooo_drops_q <= ooo_drops_q + 32'd1;
      for (int unsigned r = 1; r <= 12; r++) begin
        if (drop == r[3:0]) dropped_q[32*(r-1)+:32] <= dropped_q[32*(r-1)+:32] + 32'd1;
      end
    end
  end

  // ---- read ----
  logic [31:0] rdata;
  always_comb begin
    case (reg_addr_i)
      8'h00: rdata = 32'h5449_5031;
      8'h01: rdata = cfg_q.local_ip0;
      8'h02: rdata = cfg_q.local_ip1;
      8'h03: rdata = cfg_q.local_ip2;
      8'h04: rdata = cfg_q.local_ip3;
      8'h05: rdata = {16'd0, cfg_q.mtu};
      8'h06: rdata = {24'd0, cfg_q.ttl};
      8'h07: rdata = {24'd0, cfg_q.tos};
      8'h08: rdata = cfg_q.features;
      8'h09: rdata = cfg_q.rto_init;
      8'h0a: rdata = cfg_q.rto_min;
      8'h0b: rdata = cfg_q.rto_max;
      8'h0c: rdata = cfg_q.syn_rto;
      8'h0d: rdata = cfg_q.syn_backoff;
      8'h0e: rdata = cfg_q.syn_retries;
      8'h0f: rdata = cfg_q.data_retries;
      8'h10: rdata = cfg_q.r1;
      8'h11: rdata = cfg_q.dack;
      8'h12: rdata = cfg_q.msl;
      8'h13: rdata = cfg_q.fw2_timeout;
      8'h14: rdata = cfg_q.keep_idle_s;
      8'h15: rdata = cfg_q.keep_intvl_s;
      8'h16: rdata = cfg_q.keep_probes;
      8'h17: rdata = cfg_q.user_timeout;
      8'h18: rdata = cfg_q.open_timeout;
      8'h19: rdata = cfg_q.quiet;
      8'h1a: rdata = cfg_q.ch_limit;
      8'h1b: rdata = cfg_q.ch_window;
      8'h1c: rdata = cfg_q.iw_segs;
      8'h1d: rdata = cfg_q.cam_key;
      8'h1e: rdata = cfg_q.isn_key0;
      8'h1f: rdata = cfg_q.isn_key1;
      8'h20: rdata = cfg_q.isn_key2;
      8'h21: rdata = cfg_q.isn_key3;
      8'h40: rdata = active_opens_q;
      8'h41: rdata = passive_opens_q;
      8'h42: rdata = attempt_fails_q;
      8'h43: rdata = estab_resets_q;
      8'h44: rdata = curr_estab_q;
      8'h45: rdata = in_segs_q;
      8'h46: rdata = out_segs_q;
      8'h47: rdata = retrans_segs_q;
      8'h48: rdata = in_errs_q;
      8'h49: rdata = out_rsts_q;
      8'h4a: rdata = challenge_acks_q;
      8'h4b: rdata = challenge_limited_q;
      8'h4c: rdata = listen_drops_q;
      8'h4d: rdata = table_full_q;
      8'h4e: rdata = cam_full_q;
      8'h4f: rdata = ooo_drops_q;
      8'h51, 8'h52, 8'h53, 8'h54, 8'h55, 8'h56, 8'h57, 8'h58, 8'h59, 8'h5a, 8'h5b, 8'h5c:
        rdata = dropped_q[{reg_addr_i[3:0] - 4'd1, 5'd0}+:32];
      default: rdata = '0;
    endcase
  end

  logic [31:0] rdata_q;
  always_ff @(posedge clk_i) begin
    rdata_q <= rst_i ? '0 : rdata;
  end
  assign reg_rdata_o = rdata_q;

endmodule
