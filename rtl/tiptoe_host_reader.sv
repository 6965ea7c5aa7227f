// SPDX-License-Identifier: Apache-2.0
// Host reader (microarchitecture 7.3): payload of granted RECEIVEs from the receive buffer to rxd, in grant order. It
// holds the reader FIFO and starts a command when every mover command that had been issued by then is finished.
//
//   push_i, cmd_i, issued_i   a command, and mv_issued counting a mover command that is pushed in the same cycle
//   done_i            mv_done (register of the mover)
//   rb_*              read port of the receive buffer (address {idx, byte}); its output stays until the next read
//   rxd_*             payload; bytes beyond the command's length are 0; rxd_handle_o names the connection
//   ev_valid_o, ev_o  offered RXD event, until ev_grant_i
//   full_o            reader FIFO full; idle_o: state IDLE and FIFO empty; state_o: probe
module tiptoe_host_reader #(
  parameter int unsigned DATA_W = 64,
  parameter int unsigned CONNS = 64,
  parameter int unsigned RX_BUF_LOG2 = 14,
  localparam int unsigned B = DATA_W / 8,
  localparam int unsigned OFF_W = $clog2(B),
  localparam int unsigned IDX_W = $clog2(CONNS)
) (
  input  logic                         clk_i,
  input  logic                         rst_i,
  input  logic                         push_i,
  input  tiptoe_dp_pkg::host_cmd_t     cmd_i,
  input  logic [15:0]                  issued_i,
  input  logic [15:0]                  done_i,
  output logic                         rb_re_o,
  output logic [IDX_W+RX_BUF_LOG2-1:0] rb_addr_o,
  input  logic [DATA_W-1:0]            rb_data_i,
  output logic [DATA_W-1:0]            rxd_tdata_o,
  output logic [B-1:0]                 rxd_tkeep_o,
  output logic                         rxd_tvalid_o,
  output logic                         rxd_tlast_o,
  input  logic                         rxd_tready_i,
  output logic [15:0]                  rxd_handle_o,
  output logic                         ev_valid_o,
  output tiptoe_dp_pkg::host_done_t    ev_o,
  input  logic                         ev_grant_i,
  output logic                         full_o,
  output logic                         idle_o,
  output logic [1:0]                   state_o
);

  localparam int unsigned CMD_W = tiptoe_dp_pkg::HOST_CMD_W;

  logic valid, pop;
  logic [CMD_W+15:0] head;
  tiptoe_dp_pkg::host_cmd_t head_cmd;
  logic reached;                                 // done_i has reached the snapshot
  logic [$clog2(tiptoe_dp_pkg::HOSTQ):0] unused_count;
  tiptoe_fifo #(
    .WIDTH(CMD_W + 16),
    .DEPTH(tiptoe_dp_pkg::HOSTQ)
  ) u_fifo (
    .clk_i,
    .rst_i,
    .push_i,
    .data_i({issued_i, cmd_i}),
    .pop_i(pop),
    .valid_o(valid),
    .data_o(head),
    .full_o,
    .count_o(unused_count)
  );
  assign head_cmd = head[CMD_W-1:0];
  assign reached = tiptoe_dp_pkg::not_before(done_i, head[CMD_W+:16]);

  logic [1:0] state_q;
  /* verilator lint_off UNUSEDSIGNAL */          // base is used modulo the buffer
  tiptoe_dp_pkg::host_cmd_t cmd_q;
  /* verilator lint_on UNUSEDSIGNAL */
  logic [RX_BUF_LOG2-1:0] pos_q;                 // of the word that is read or shown
  logic [16:0] rest_q;                           // octets from there
  logic out, accept, last;
  logic [B-1:0] keep;

  assign pop = state_q == tiptoe_dp_pkg::RD_IDLE && valid && reached;
  assign rb_re_o = state_q == tiptoe_dp_pkg::RD_READ;
  assign rb_addr_o = {cmd_q.idx[IDX_W-1:0], pos_q};

  assign out = state_q == tiptoe_dp_pkg::RD_OUT;
  assign last = rest_q <= B[16:0];
  assign keep = last ? ~({B{1'b1}} << rest_q[OFF_W:0]) : '1;
  assign rxd_tvalid_o = out & ~rst_i;
  assign rxd_tlast_o = last;
  assign rxd_tkeep_o = keep;
  assign rxd_handle_o = cmd_q.handle;
  assign accept = rxd_tvalid_o & rxd_tready_i;

  // Only the last beat needs the mask, and only while it is shown.
  always_comb begin
    rxd_tdata_o = rb_data_i;
    if (out && last) begin
      for (int unsigned i = 0; i < B; i++) begin
        if (!keep[i]) rxd_tdata_o[8*i+:8] = '0;
      end
    end
  end

  always_ff @(posedge clk_i) begin
    if (rst_i) begin
      state_q <= tiptoe_dp_pkg::RD_IDLE;
    end else begin
      case (state_q)
        tiptoe_dp_pkg::RD_IDLE: if (pop) state_q <= tiptoe_dp_pkg::RD_READ;
        tiptoe_dp_pkg::RD_READ: state_q <= tiptoe_dp_pkg::RD_OUT;
        tiptoe_dp_pkg::RD_OUT: if (accept) state_q <= last ? tiptoe_dp_pkg::RD_DONE : tiptoe_dp_pkg::RD_READ;
        default: if (ev_grant_i) state_q <= tiptoe_dp_pkg::RD_IDLE;
      endcase
    end
    if (pop) begin
      cmd_q <= head_cmd;
      pos_q <= head_cmd.base[RX_BUF_LOG2-1:0];
      rest_q <= head_cmd.len;
    end else if (accept) begin
      pos_q <= pos_q + B[RX_BUF_LOG2-1:0];
      rest_q <= rest_q - B[16:0];
    end
  end

  assign ev_valid_o = state_q == tiptoe_dp_pkg::RD_DONE;
  assign ev_o.idx = cmd_q.idx;
  assign ev_o.handle = cmd_q.handle;
  assign ev_o.len = cmd_q.len;
  assign idle_o = state_q == tiptoe_dp_pkg::RD_IDLE && !valid;
  assign state_o = state_q;

`ifndef SYNTHESIS
  len_in_range: assert property (@(posedge clk_i) disable iff (rst_i)
    push_i |-> cmd_i.len != '0 && cmd_i.len <= 17'(1 << RX_BUF_LOG2));
  grant_offered: assert property (@(posedge clk_i) disable iff (rst_i) ev_grant_i |-> ev_valid_o);
  stable: assert property (@(posedge clk_i) disable iff (rst_i)
    rxd_tvalid_o && !rxd_tready_i |=> rxd_tvalid_o && $stable(rxd_tdata_o) && $stable(rxd_tkeep_o) &&
                                      $stable(rxd_tlast_o) && $stable(rxd_handle_o));
`endif

endmodule
