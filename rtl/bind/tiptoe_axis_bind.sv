// SPDX-License-Identifier: Apache-2.0
// Simulation only: tells a predictor (tiptoe_dpi.sv) what crosses an AXI4-Stream of a design, without touching the
// design. The datagrams begin with the IPv4 header.
//
//   bind my_tcp tiptoe_axis_bind #(.PREDICTOR("dut"), .DATA_W(64), .TO_DEVICE(1'b1)) u_tiptoe_in (
//     .clk_i(clk), .rst_i(rst), .now_us_i(now_us), .tdata_i(rx_tdata), .tkeep_i(rx_tkeep), .tlast_i(rx_tlast),
//     .tvalid_i(rx_tvalid), .tready_i(rx_tready));
module tiptoe_axis_bind #(
  parameter string       PREDICTOR = "dut",  // the name it was created with, before the first beat
  parameter int unsigned DATA_W = 64,        // up to 512
  parameter bit          TO_DEVICE = 1'b0    // 1: from the network to the device
) (
  input logic                clk_i,
  input logic                rst_i,
  input logic [47:0]         now_us_i,
  input logic [DATA_W-1:0]   tdata_i,
  input logic [DATA_W/8-1:0] tkeep_i,
  input logic                tlast_i,
  input logic                tvalid_i,
  input logic                tready_i
);

  chandle predictor;

  always @(posedge clk_i) begin
    if (!rst_i && tvalid_i && tready_i) begin
      automatic int status;
      if (predictor == null) predictor = tiptoe_dpi::tiptoe_dpi_find(PREDICTOR);
      if (predictor == null) begin
        $fatal(1, "%m: there is no predictor '%s'; create it with that name before the first beat", PREDICTOR);
      end else begin
        if (TO_DEVICE) begin
          status = tiptoe_dpi::tiptoe_dpi_push_beat(predictor, 64'(now_us_i), 512'(tdata_i), 64'(tkeep_i),
                                                    {7'b0, tlast_i});
        end else begin
          status = tiptoe_dpi::tiptoe_dpi_observe_beat(predictor, 64'(now_us_i), 512'(tdata_i), 64'(tkeep_i),
                                                       {7'b0, tlast_i});
        end
        if (status < 0) $error("%m: %s", tiptoe_dpi::tiptoe_dpi_last_error(predictor));
      end
    end
  end

endmodule
