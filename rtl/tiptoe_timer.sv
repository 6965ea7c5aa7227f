// SPDX-License-Identifier: Apache-2.0
// Timers (microarchitecture 8.5): the deadlines of all connections and the scan that finds expired ones.
//
//   init_i, init_idx_i   disarm this connection's deadlines (initialisation)
//   rd_i, rd_idx_i    READ: dl_o is the record in the next cycle
//   wr_i, wr_idx_i, wr_dl_i   COMMIT
//   ev_valid_o, ev_idx_o, ev_timer_o   offered TMR event, until ev_grant_i
//   next_o, next_valid_o      earliest armed deadline
//   ptr_o, clean_o    probes; asleep_o: nothing to do before next_o (quiescent)
//
// Beside each record stands its earliest deadline, so that the scan reads 49 bits per connection.
module tiptoe_timer #(
  parameter int unsigned CONNS = 64,
  parameter int unsigned TIMER_SCAN = 4,
  localparam int unsigned IDX_W = $clog2(CONNS)
) (
  input  logic                   clk_i,
  input  logic                   rst_i,
  input  logic                   running_i,
  input  logic [47:0]            now_us_i,
  input  logic                   init_i,
  input  logic [IDX_W-1:0]       init_idx_i,
  input  logic                   rd_i,
  input  logic [IDX_W-1:0]       rd_idx_i,
  output tiptoe_pkg::deadlines_t dl_o,
  input  logic                   wr_i,
  input  logic [IDX_W-1:0]       wr_idx_i,
  input  tiptoe_pkg::deadlines_t wr_dl_i,
  output logic                   ev_valid_o,
  output logic [IDX_W-1:0]       ev_idx_o,
  output logic [2:0]             ev_timer_o,
  input  logic                   ev_grant_i,
  output logic [47:0]            next_o,
  output logic                   next_valid_o,
  output logic [9:0]             ptr_o,
  output logic                   clean_o,
  output logic                   asleep_o
);

  localparam int unsigned DL_W = tiptoe_pkg::DEADLINE_W;
  localparam int unsigned SCAN_W = $clog2(TIMER_SCAN);
  localparam int unsigned GROUPS = CONNS / (TIMER_SCAN == 0 ? 1 : TIMER_SCAN);  // 0 is refused below
  localparam int unsigned G_W = $clog2(GROUPS);
  localparam int unsigned FIRST_W = 49;                // {armed, earliest deadline}

  logic [DL_W-1:0] mem [CONNS];
  logic [TIMER_SCAN*FIRST_W-1:0] first [GROUPS];

  // ---- write ----
  function automatic logic [FIRST_W-1:0] earlier(input logic [FIRST_W-1:0] a, input logic [FIRST_W-1:0] b);
    earlier = !b[48] || (a[48] && a[47:0] <= b[47:0]) ? a : b;
  endfunction

  logic we;
  logic [IDX_W-1:0] we_idx;
  logic [DL_W-1:0] we_dl;
  logic [FIRST_W-1:0] we_first;
  assign we = init_i || wr_i;
  assign we_idx = init_i ? init_idx_i : wr_idx_i;

  always_comb begin
    we_dl = '0;
    we_first = '0;
    if (wr_i) begin
      we_dl = wr_dl_i;
      we_first = earlier(earlier(wr_dl_i.rtx, wr_dl_i.dack),
                         earlier(wr_dl_i.keep, earlier(wr_dl_i.lingr, wr_dl_i.user)));
    end
  end

  logic [G_W-1:0] we_group;
  assign we_group = we_idx[IDX_W-1:SCAN_W];
  always_ff @(posedge clk_i) begin
    if (we) mem[we_idx] <= we_dl;
  end
  if (TIMER_SCAN == 1) begin : gen_one
    always_ff @(posedge clk_i) begin
      if (we) first[we_group] <= we_first;
    end
  end else begin : gen_many
    always_ff @(posedge clk_i) begin
      for (int unsigned i = 0; i < TIMER_SCAN; i++) begin
        if (we && we_idx[SCAN_W-1:0] == i[SCAN_W-1:0]) first[we_group][FIRST_W*i+:FIRST_W] <= we_first;
      end
    end
  end

  // ---- read for the pipeline ----
  logic [DL_W-1:0] dl_q;
  always_ff @(posedge clk_i) begin
    if (rd_i) dl_q <= mem[rd_idx_i];
  end
  assign dl_o = dl_q;

  // ---- scan ----
  logic [G_W-1:0] ptr_q;
  logic [G_W:0] clean_q;
  logic [FIRST_W-1:0] min_q, min_d;
  logic req_q;
  logic [IDX_W-1:0] req_idx_q;
  logic [2:0] req_timer_q;

  logic clean, asleep, scan, found;
  logic [IDX_W-1:0] found_idx;
  logic [2:0] found_timer;
  logic [TIMER_SCAN*FIRST_W-1:0] group;
  logic [FIRST_W-1:0] entry;
  /* verilator lint_off UNUSEDSIGNAL */                // the last timer need not be looked at
  tiptoe_pkg::deadlines_t dl;
  /* verilator lint_on UNUSEDSIGNAL */

  assign clean = clean_q == GROUPS[G_W:0];
  assign asleep = clean && (!min_q[48] || now_us_i < min_q[47:0]);
  assign scan = running_i && !wr_i && !req_q && !asleep;

  always_comb begin
    found = 1'b0;
    found_idx = '0;
    found_timer = '0;
    min_d = min_q;
    group = '0;
    entry = '0;
    dl = '0;
    if (scan) begin
      group = first[ptr_q];
      for (int unsigned i = TIMER_SCAN; i > 0; i--) begin
        entry = group[FIRST_W*(i-1)+:FIRST_W];
        min_d = earlier(min_d, entry);
        if (entry[48] && entry[47:0] <= now_us_i) begin
          found = 1'b1;
          found_idx = IDX_W'(32'(ptr_q) * TIMER_SCAN + i - 1);
        end
      end
      if (found) begin
        dl = mem[found_idx];
        if (dl.rtx.armed && dl.rtx.at <= now_us_i) found_timer = tiptoe_pkg::T_RTX;
        else if (dl.dack.armed && dl.dack.at <= now_us_i) found_timer = tiptoe_pkg::T_DACK;
        else if (dl.keep.armed && dl.keep.at <= now_us_i) found_timer = tiptoe_pkg::T_KEEP;
        else if (dl.lingr.armed && dl.lingr.at <= now_us_i) found_timer = tiptoe_pkg::T_WAIT;
        else found_timer = tiptoe_pkg::T_USER;
      end
    end
  end

  always_ff @(posedge clk_i) begin
    if (rst_i) begin
      ptr_q <= '0;
      clean_q <= '0;
      min_q <= '0;
      req_q <= 1'b0;
    end else begin
      if (wr_i || (scan && found)) begin
        clean_q <= '0;
        min_q <= '0;
      end else if (scan) begin
        min_q <= min_d;
        if (!clean) clean_q <= clean_q + 1'b1;
      end
      if (scan) ptr_q <= ptr_q + 1'b1;
      if (scan && found) req_q <= 1'b1;
      else if (ev_grant_i) req_q <= 1'b0;
    end
    if (scan && found) begin
      req_idx_q <= found_idx;
      req_timer_q <= found_timer;
    end
  end

  assign ev_valid_o = req_q;
  assign ev_idx_o = req_idx_q;
  assign ev_timer_o = req_timer_q;
  assign next_o = min_q[47:0];
  assign next_valid_o = clean && min_q[48];
  assign ptr_o = 10'(ptr_q);
  assign clean_o = clean;
  assign asleep_o = asleep && !req_q;

`ifndef SYNTHESIS
  if (TIMER_SCAN != 1 && TIMER_SCAN != 2 && TIMER_SCAN != 4 && TIMER_SCAN != 8 || TIMER_SCAN > CONNS / 4)
  begin : gen_bad_scan
    $fatal(1, "tiptoe_timer: TIMER_SCAN must be 1, 2, 4 or 8 and at most CONNS/4");
  end
  always_ff @(posedge clk_i) begin
    if (!rst_i && ev_grant_i) grant_offered: assert (ev_valid_o);
  end
`endif

endmodule
