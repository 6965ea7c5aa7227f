// SPDX-License-Identifier: Apache-2.0
// Simulation only: s_axis_tready returns within SLOTS * (256 + 2048/B) + 64 cycles of anything that can arrive
// (microarchitecture 6.2), as long as the network output accepts every beat and the host drains responses. A cycle in
// which one of these does not hold starts the count again.
module tiptoe_tready_check #(
  parameter int unsigned DATA_W = 64
) (
  input logic clk_i,
  input logic rst_i,
  input logic running_i,
  input logic s_axis_tready_i,
  input logic m_axis_tvalid_i,
  input logic m_axis_tready_i,
  input logic rsp_valid_i,
  input logic rsp_ready_i
);

`ifndef SYNTHESIS
  localparam int unsigned BOUND = tiptoe_dp_pkg::SLOTS * (256 + 2048 / (DATA_W / 8)) + 64;

  logic [15:0] waiting_q;
  always_ff @(posedge clk_i) begin
    if (rst_i || !running_i || s_axis_tready_i || (m_axis_tvalid_i && !m_axis_tready_i) || (rsp_valid_i && !rsp_ready_i))
      waiting_q <= '0;
    else waiting_q <= waiting_q + 16'd1;
  end
  tready_returns: assert property (@(posedge clk_i) disable iff (rst_i) waiting_q <= BOUND[15:0]);
`else
  logic unused;
  assign unused = &{1'b0, clk_i, rst_i, running_i, s_axis_tready_i, m_axis_tvalid_i, m_axis_tready_i, rsp_valid_i,
                    rsp_ready_i};
`endif

endmodule
