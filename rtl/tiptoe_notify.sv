// SPDX-License-Identifier: Apache-2.0
// Notifications to the host (microarchitecture 10): a flag word per connection, a queue that holds each connection at
// most once, a pending bit per listener, an output register. A connection's index is freed when its last word has been
// taken from the queue.
//
//   init_i, init_idx_i   clear this connection's flags (initialisation)
//   c_*               COMMIT (c_valid_i: any event): flags, handle, notifications held, hold ends, index released
//   aq_pushed_i, lsn_rem_i, aq_lsn_i   COMMIT pushed an accept queue, removed a listener
//   lsn_idx_o, lsn_gen_i    generation of the listener that is taken next
//   pend_idx_i, pend_o      is this connection queued?
//   free_o, free_idx_o      this index is free from the next cycle on
//   evt_*             notification pins; idle_o: nothing queued, pending or in the output register
module tiptoe_notify #(
  parameter int unsigned CONNS = 64,
  parameter int unsigned LISTENERS = 8,
  localparam int unsigned IDX_W = $clog2(CONNS),
  localparam int unsigned L_W = $clog2(LISTENERS)
) (
  input  logic             clk_i,
  input  logic             rst_i,
  input  logic             init_i,
  input  logic [IDX_W-1:0] init_idx_i,
  input  logic             c_valid_i,
  input  logic [11:0]      c_evt_i,
  input  logic [IDX_W-1:0] c_idx_i,
  input  logic [15:0]      c_handle_i,
  input  logic             c_unaccepted_i,
  input  logic             c_accepted_i,
  input  logic             c_rel_i,
  input  logic             aq_pushed_i,
  input  logic [L_W-1:0]   aq_lsn_i,
  input  logic             lsn_rem_i,
  output logic [L_W-1:0]   lsn_idx_o,
  input  logic [3:0]       lsn_gen_i,
  input  logic [IDX_W-1:0] pend_idx_i,
  output logic             pend_o,
  output logic             free_o,
  output logic [IDX_W-1:0] free_idx_o,
  output logic             evt_valid_o,
  input  logic             evt_ready_i,
  output logic [16:0]      evt_handle_o,
  output logic [11:0]      evt_flags_o,
  output logic [10:0]      count_o,
  output logic             idle_o
);

  logic [11:0] flags [CONNS];
  logic [15:0] handles [CONNS];
  logic [CONNS-1:0] queued_q, release_q;
  logic [LISTENERS-1:0] pending_q;

  // ---- COMMIT: gather flags, queue ----
  logic [11:0] gathered;
  logic push, rel_now;
  always_comb begin
    gathered = '0;
    push = 1'b0;
    rel_now = 1'b0;
    if (c_valid_i) begin
      if (c_evt_i != '0 || c_accepted_i) begin
        gathered = flags[c_idx_i] | c_evt_i;
        push = gathered != '0 && !c_unaccepted_i && !queued_q[c_idx_i];
      end
      rel_now = c_rel_i && !queued_q[c_idx_i] && !push;
    end
  end

  // ---- output register ----
  logic valid_q, load, load_lsn, load_conn, q_valid, unused_full;
  logic [IDX_W-1:0] q_idx;
  logic [16:0] handle_q;
  logic [11:0] flags_q;
  logic [L_W-1:0] lsn_idx;

  tiptoe_fifo #(
    .WIDTH(IDX_W),
    .DEPTH(CONNS)
  ) u_queue (
    .clk_i,
    .rst_i,
    .push_i(push),
    .data_i(c_idx_i),
    .pop_i(load_conn),
    .valid_o(q_valid),
    .data_o(q_idx),
    .full_o(unused_full),
    .count_o(count_o[IDX_W:0])
  );
  if (IDX_W < 10) begin : gen_count
    assign count_o[10:IDX_W+1] = '0;
  end

  always_comb begin
    lsn_idx = '0;
    if (pending_q != '0) begin
      for (int unsigned i = LISTENERS; i > 0; i--) begin
        if (pending_q[i-1]) lsn_idx = L_W'(i - 1);
      end
    end
  end
  assign lsn_idx_o = lsn_idx;

  assign load = !valid_q && !c_valid_i;
  assign load_lsn = load && pending_q != '0;
  assign load_conn = load && pending_q == '0 && q_valid;

  always_ff @(posedge clk_i) begin
    if (rst_i) begin
      valid_q <= 1'b0;
      queued_q <= '0;
      release_q <= '0;
      pending_q <= '0;
    end else begin
      if (load_lsn || load_conn) valid_q <= 1'b1;
      else if (evt_ready_i) valid_q <= 1'b0;
      if (load_lsn) pending_q[lsn_idx] <= 1'b0;
      if (aq_pushed_i) pending_q[aq_lsn_i] <= 1'b1;
      if (lsn_rem_i) pending_q[aq_lsn_i] <= 1'b0;
      if (load_conn) begin
        queued_q[q_idx] <= 1'b0;
        release_q[q_idx] <= 1'b0;
      end
      if (push) queued_q[c_idx_i] <= 1'b1;
      if (c_valid_i && c_rel_i && !rel_now) release_q[c_idx_i] <= 1'b1;
    end

    if (load_lsn) begin
      handle_q <= {1'b1, 7'd0, lsn_gen_i, 5'(lsn_idx)};
      flags_q <= tiptoe_pkg::E_ACCEPT;
    end else if (load_conn) begin
      handle_q <= {1'b0, handles[q_idx]};
      flags_q <= flags[q_idx];
    end
  end

  // One write per cycle: initialisation, COMMIT, or the connection that goes to the output register.
  logic flags_we;
  logic [IDX_W-1:0] flags_idx;
  logic [11:0] flags_new;
  assign flags_we = init_i || load_conn || rel_now || (c_valid_i && c_evt_i != '0);
  assign flags_idx = init_i ? init_idx_i : c_valid_i ? c_idx_i : q_idx;
  assign flags_new = (c_valid_i && !rel_now) ? gathered : '0;
  always_ff @(posedge clk_i) begin
    if (flags_we) flags[flags_idx] <= flags_new;
    if (c_valid_i && c_evt_i != '0) handles[c_idx_i] <= c_handle_i;
  end

  assign free_o = rel_now || (load_conn && release_q[q_idx]);
  assign free_idx_o = c_valid_i ? c_idx_i : q_idx;
  assign pend_o = queued_q[pend_idx_i] || (push && c_idx_i == pend_idx_i);

  assign evt_valid_o = valid_q && !rst_i;
  assign evt_handle_o = handle_q;
  assign evt_flags_o = flags_q;
  assign idle_o = !valid_q && !q_valid && pending_q == '0;

`ifndef SYNTHESIS
  always_ff @(posedge clk_i) begin
    if (!rst_i && push) queued_once: assert (!queued_q[c_idx_i]);
    if (!rst_i && init_i) init_alone: assert (!c_valid_i && !load_conn);
    if (!rst_i && c_valid_i && c_accepted_i) accept_held: assert (!c_unaccepted_i);
  end
`endif

endmodule
