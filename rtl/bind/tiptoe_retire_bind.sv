// SPDX-License-Identifier: Apache-2.0
// Simulation only: makes retire records out of a design's own signals and tells them to a predictor (tiptoe_dpi.sv),
// without touching the design. Bind it to the module that decides about events, and connect what it has; FIELDS says
// what that is (HAS_... of tiptoe_dpi), the rest is tied to 0.
//
//   bind my_tcp_fsm tiptoe_retire_bind #(
//     .PREDICTOR("dut"), .FIELDS(tiptoe_dpi::HAS_TUPLE | tiptoe_dpi::HAS_STATE | tiptoe_dpi::HAS_RCV_NXT)
//   ) u_tiptoe_retire (
//     .clk_i(clk), .rst_i(rst), .now_us_i(now_us), .valid_i(rx_done), .kind_i(3'd1), .has_connection_i(1'b1),
//     .connection_i(16'(session)), .state_i(my_state_number(state_q)), .rcv_nxt_i(rcv_nxt_q), ...);
//
// A record is one event that the design has finished, told in the order in which it finished them. kind: 1 for every
// segment that arrived, also when it was dropped; the other kinds (0 timer, 2 user call, 3 SEND payload, 4 RECEIVE
// payload, 5 output) are compared only when a rule asks for it. The 4-tuple must be told with the first record of a
// connection at least.
module tiptoe_retire_bind #(
  parameter string       PREDICTOR = "dut",  // the name it was created with, before the first record
  parameter int unsigned FIELDS = 0
) (
  input logic        clk_i,
  input logic        rst_i,
  input logic [47:0] now_us_i,          // the clock that the bench gives the predictor
  input logic        valid_i,           // an event is finished in this cycle
  input logic [2:0]  kind_i,
  input logic        has_connection_i,
  input logic [15:0] connection_i,      // the design's own number
  input logic [31:0] local_ip_i,
  input logic [15:0] local_port_i,
  input logic [31:0] remote_ip_i,
  input logic [15:0] remote_port_i,
  input logic [3:0]  state_before_i,    // 0 CLOSED, 2 SYN_SENT, 3 SYN_RECEIVED ... 10 TIME_WAIT, 15 unknown
  input logic [3:0]  state_i,           // this and all that follows: after the event
  input logic [7:0]  reason_i,          // why the segment was dropped (connection-processing.md section 14), 0: it was not
  input logic        sent_i,
  input logic [7:0]  flags_out_i,       // FIN 1 ... CWR 128
  input logic [31:0] iss_i,
  input logic [31:0] irs_i,
  input logic [31:0] snd_una_i,
  input logic [31:0] snd_nxt_i,
  input logic [31:0] snd_wnd_i,         // octets
  input logic [31:0] rcv_nxt_i,
  input logic [31:0] rcv_wnd_i,         // octets
  input logic [31:0] rto_i              // microseconds
);

  chandle predictor;

  always @(posedge clk_i) begin
    if (!rst_i && valid_i) begin
      automatic int status;
      if (predictor == null) predictor = tiptoe_dpi::tiptoe_dpi_find(PREDICTOR);
      if (predictor == null) begin
        $fatal(1, "%m: there is no predictor '%s'; create it with that name before the first record", PREDICTOR);
      end else begin
        status = tiptoe_dpi::tiptoe_dpi_record(
            predictor, 64'(now_us_i), 32'(kind_i), FIELDS, has_connection_i ? 32'(connection_i) : tiptoe_dpi::NONE,
            local_ip_i, 32'(local_port_i), remote_ip_i, 32'(remote_port_i), 32'(state_before_i), 32'(state_i),
            32'(reason_i), 32'(sent_i), 32'(flags_out_i), iss_i, irs_i, snd_una_i, snd_nxt_i, snd_wnd_i, rcv_nxt_i,
            rcv_wnd_i, rto_i);
        if (status < 0) $error("%m: %s", tiptoe_dpi::tiptoe_dpi_last_error(predictor));
      end
    end
  end

endmodule
