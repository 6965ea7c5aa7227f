// SPDX-License-Identifier: Apache-2.0
// All that ties the design to the predictor "dut": its two network streams, and retire records made of signals deep
// inside it. The design itself is left as it is.
bind stranger tiptoe_axis_bind #(.PREDICTOR("dut"), .DATA_W(64), .TO_DEVICE(1'b1)) u_tiptoe_in (
  .clk_i(clk), .rst_i(rst), .now_us_i(now_us), .tdata_i(rx_tdata), .tkeep_i(rx_tkeep), .tlast_i(rx_tlast),
  .tvalid_i(rx_tvalid), .tready_i(rx_tready));

bind stranger tiptoe_axis_bind #(.PREDICTOR("dut"), .DATA_W(64), .TO_DEVICE(1'b0)) u_tiptoe_out (
  .clk_i(clk), .rst_i(rst), .now_us_i(now_us), .tdata_i(tx_tdata), .tkeep_i(tx_tkeep), .tlast_i(tx_tlast),
  .tvalid_i(tx_tvalid), .tready_i(tx_tready));

// In the scope of tiptoe_top: co_* is what its pipeline commits. `bench::wrong_record` is the example's mistake.
bind tiptoe_top tiptoe_retire_bind #(
  .PREDICTOR("dut"),
  .FIELDS(tiptoe_dpi::HAS_TUPLE | tiptoe_dpi::HAS_STATE | tiptoe_dpi::HAS_REASON | tiptoe_dpi::HAS_ISS |
          tiptoe_dpi::HAS_IRS | tiptoe_dpi::HAS_SND_UNA | tiptoe_dpi::HAS_SND_NXT | tiptoe_dpi::HAS_SND_WND |
          tiptoe_dpi::HAS_RCV_NXT)
) u_tiptoe_retire (
  .clk_i(clk), .rst_i(rst), .now_us_i(now_us), .valid_i(co_valid), .kind_i(co_kind), .has_connection_i(co_has_conn),
  .connection_i(16'(co_idx)), .local_ip_i(co_rec.lip), .local_port_i(co_rec.lport), .remote_ip_i(co_rec.rip),
  .remote_port_i(co_rec.rport), .state_before_i('0), .state_i(co_rec.state), .reason_i(8'(co.reason)), .sent_i('0),
  .flags_out_i('0), .iss_i(co_rec.iss), .irs_i(co_rec.irs), .snd_una_i(co_rec.snd_una), .snd_nxt_i(co_rec.snd_nxt),
  .snd_wnd_i(co_rec.snd_wnd), .rcv_nxt_i(co_rec.rcv_nxt + 32'(bench.wrong_record)), .rcv_wnd_i('0), .rto_i('0));
