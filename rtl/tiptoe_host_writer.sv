// SPDX-License-Identifier: Apache-2.0
// Host writer (microarchitecture 7.2): payload of granted SENDs from txd to the send buffer, in grant order. It holds the
// writer FIFO and starts a command when every transmit descriptor that had been issued by then has been loaded, because
// those may still read octets that the new ones replace.
//
//   push_i, cmd_i, issued_i   a command, and txd_issued counting a descriptor that is pushed in the same cycle
//   loaded_i          txd_loaded (register of the TX engine)
//   txd_*             payload, ceil(len/B) full beats per command, lane 0 first
//   sb_*              write port of the send buffer (address {idx, byte}), in the cycle of the accepted beat
//   ev_valid_o, ev_o  offered TXD event, until ev_grant_i
//   full_o            writer FIFO full; idle_o: state IDLE and FIFO empty; state_o: probe
module tiptoe_host_writer #(
  parameter int unsigned DATA_W = 64,
  parameter int unsigned CONNS = 64,
  parameter int unsigned TX_BUF_LOG2 = 14,
  localparam int unsigned B = DATA_W / 8,
  localparam int unsigned OFF_W = $clog2(B),
  localparam int unsigned IDX_W = $clog2(CONNS)
) (
  input  logic                         clk_i,
  input  logic                         rst_i,
  input  logic                         push_i,
  input  tiptoe_dp_pkg::host_cmd_t     cmd_i,
  input  logic [15:0]                  issued_i,
  input  logic [15:0]                  loaded_i,
  input  logic [DATA_W-1:0]            txd_tdata_i,
  input  logic                         txd_tvalid_i,
  output logic                         txd_tready_o,
  output logic                         sb_we_o,
  output logic [IDX_W+TX_BUF_LOG2-1:0] sb_addr_o,
  output logic [OFF_W:0]               sb_len_o,
  output logic [DATA_W-1:0]            sb_data_o,
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
  logic reached;                                 // loaded_i has reached the snapshot
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
  assign reached = tiptoe_dp_pkg::not_before(loaded_i, head[CMD_W+:16]);

  logic [1:0] state_q;
  /* verilator lint_off UNUSEDSIGNAL */          // base is used modulo the buffer
  tiptoe_dp_pkg::host_cmd_t cmd_q;
  /* verilator lint_on UNUSEDSIGNAL */
  logic [TX_BUF_LOG2-1:0] pos_q;                 // where the next beat goes
  logic [16:0] rest_q;                           // octets to come
  logic accept, last;

  assign pop = state_q == tiptoe_dp_pkg::WR_IDLE && valid && reached;
  assign txd_tready_o = state_q == tiptoe_dp_pkg::WR_COPY && !rst_i;
  assign accept = txd_tvalid_i & txd_tready_o;
  assign last = rest_q <= B[16:0];

  assign sb_we_o = accept;
  assign sb_addr_o = {cmd_q.idx[IDX_W-1:0], pos_q};
  assign sb_len_o = last ? rest_q[OFF_W:0] : B[OFF_W:0];
  assign sb_data_o = txd_tdata_i;

  always_ff @(posedge clk_i) begin
    if (rst_i) begin
      state_q <= tiptoe_dp_pkg::WR_IDLE;
    end else begin
      case (state_q)
        tiptoe_dp_pkg::WR_IDLE: if (pop) state_q <= tiptoe_dp_pkg::WR_COPY;
        tiptoe_dp_pkg::WR_COPY: if (accept && last) state_q <= tiptoe_dp_pkg::WR_DONE;
        default: if (ev_grant_i) state_q <= tiptoe_dp_pkg::WR_IDLE;
      endcase
    end
    if (pop) begin
      cmd_q <= head_cmd;
      pos_q <= head_cmd.base[TX_BUF_LOG2-1:0];
      rest_q <= head_cmd.len;
    end else if (accept) begin
      pos_q <= pos_q + B[TX_BUF_LOG2-1:0];
      rest_q <= rest_q - B[16:0];
    end
  end

  assign ev_valid_o = state_q == tiptoe_dp_pkg::WR_DONE;
  assign ev_o.idx = cmd_q.idx;
  assign ev_o.handle = cmd_q.handle;
  assign ev_o.len = cmd_q.len;
  assign idle_o = state_q == tiptoe_dp_pkg::WR_IDLE && !valid;
  assign state_o = state_q;

`ifndef SYNTHESIS
  if ($bits(tiptoe_dp_pkg::host_cmd_t) != tiptoe_dp_pkg::HOST_CMD_W) begin : gen_bad_cmd
    $fatal(1, "tiptoe_host_writer: HOST_CMD_W");
  end
  len_in_range: assert property (@(posedge clk_i) disable iff (rst_i)
    push_i |-> cmd_i.len != '0 && cmd_i.len <= 17'(1 << TX_BUF_LOG2));
  grant_offered: assert property (@(posedge clk_i) disable iff (rst_i) ev_grant_i |-> ev_valid_o);
`endif

endmodule
