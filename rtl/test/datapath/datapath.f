# SPDX-License-Identifier: Apache-2.0
../../tiptoe_dp_pkg.sv
../../tiptoe_fifo.sv
../../tiptoe_umem.sv
../../tiptoe_rx_checksum.sv
../../tiptoe_rx_parser.sv
../../tiptoe_opt_walk.sv
../../tiptoe_mover.sv
../../tiptoe_host_writer.sv
../../tiptoe_host_reader.sv
../../tiptoe_tx_engine.sv
../../tiptoe_tready_check.sv
../../tiptoe_datapath.sv
tiptoe_datapath_tb.sv
