// SPDX-License-Identifier: Apache-2.0
// Event pipeline (microarchitecture 8.2): READ | CHECK | UPDATE | OUTPUT | COMMIT. One event per cycle, no stalls. The
// connection memory is here; the deadline memory is in tiptoe_timer, which answers READ like this memory does.
//
//   init_i, init_idx_i   write an empty record (initialisation)
//   grant_i, ev_i     GRANT: event of this cycle, in READ in the next one
//   stage_valid_o, stage_idx_o   events with a connection in READ, CHECK, UPDATE, OUTPUT (bit 0 READ), for the arbiter
//   active_o          READ ... COMMIT hold an event (bit 0 READ ... bit 4 COMMIT)
//   creator_busy_o, cmd_busy_o   a creator, a CMD event is in READ ... COMMIT
//   dl_rd_o, dl_idx_o, dl_i      READ: deadlines, answered in CHECK
//   orphan_idx_o, orphan_gen_o, orphan_alive_i   CHECK: is the record's listener still there?
//   pre_o, pre_key_o  OUTPUT: key of a CAM write that COMMIT may do in the next cycle
//   co_*              COMMIT
module tiptoe_pipeline #(
  parameter int unsigned CONNS = 64,
  parameter int unsigned TX_BUF_LOG2 = 14,
  parameter int unsigned RX_BUF_LOG2 = 14,
  localparam int unsigned IDX_W = $clog2(CONNS)
) (
  input  logic                     clk_i,
  input  logic                     rst_i,
  input  logic                     init_i,
  input  logic [IDX_W-1:0]         init_idx_i,
  input  tiptoe_pkg::cfg_t         cfg_i,
  input  logic [47:0]              boot_us_i,
  input  logic                     grant_i,
  input  tiptoe_pkg::event_t       ev_i,
  output logic [3:0]               stage_valid_o,
  output logic [39:0]              stage_idx_o,
  output logic [4:0]               active_o,
  output logic                     creator_busy_o,
  output logic                     cmd_busy_o,
  output logic                     dl_rd_o,
  output logic [IDX_W-1:0]         dl_idx_o,
  input  tiptoe_pkg::deadlines_t   dl_i,
  output logic [4:0]               orphan_idx_o,
  output logic [3:0]               orphan_gen_o,
  input  logic                     orphan_alive_i,
  output logic                     pre_o,
  output tiptoe_pkg::tuple_t       pre_key_o,
  output logic                     co_valid_o,
  output logic [2:0]               co_kind_o,
  output logic                     co_has_conn_o,    // record and deadlines are written
  output logic [9:0]               co_idx_o,
  output tiptoe_pkg::tuple_t       co_tuple_o,       // addresses of an OPEN_PASSIVE
  output tiptoe_pkg::conn_t        co_rec_o,
  output tiptoe_pkg::deadlines_t   co_dl_o,
  output tiptoe_pkg::commit_t      co_o,             // all 0 while co_valid_o is 0
  output tiptoe_dp_pkg::tx_desc_t  co_tx_o,
  output tiptoe_dp_pkg::mv_cmd_t   co_mv_o,
  output tiptoe_dp_pkg::host_cmd_t co_host_o,
  output tiptoe_pkg::rsp_t         co_rsp_o
);

  localparam int unsigned RECORD_W = tiptoe_pkg::RECORD_W;

  logic rd_valid_q, ck_valid_q, up_valid_q, op_valid_q, co_valid_q;
  logic [4:0] creator_q, cmd_q;              // by stage, bit 0 READ
  tiptoe_pkg::event_t rd_ev_q, ck_ev_q, up_ev_q, op_ev_q;

  // ---- GRANT -> READ ----
  always_ff @(posedge clk_i) begin
    if (rst_i) begin
      {rd_valid_q, ck_valid_q, up_valid_q, op_valid_q, co_valid_q} <= '0;
      creator_q <= '0;
      cmd_q <= '0;
    end else begin
      {rd_valid_q, ck_valid_q, up_valid_q, op_valid_q, co_valid_q} <=
          {grant_i, rd_valid_q, ck_valid_q, up_valid_q, op_valid_q};
      creator_q <= {creator_q[3:0], grant_i && ev_i.creator};
      cmd_q <= {cmd_q[3:0], grant_i && ev_i.kind == tiptoe_pkg::SRC_CMD};
    end
  end

  assign active_o = {co_valid_q, op_valid_q, up_valid_q, ck_valid_q, rd_valid_q};
  assign creator_busy_o = creator_q != '0;
  assign cmd_busy_o = cmd_q != '0;
  assign stage_valid_o = {op_valid_q && op_ev_q.has_conn, up_valid_q && up_ev_q.has_conn,
                          ck_valid_q && ck_ev_q.has_conn, rd_valid_q && rd_ev_q.has_conn};
  assign stage_idx_o = {op_ev_q.idx, up_ev_q.idx, ck_ev_q.idx, rd_ev_q.idx};

  // ---- READ: connection memory ----
  logic [RECORD_W-1:0] mem [CONNS];
  logic [RECORD_W-1:0] ck_rec_q;
  logic we;
  assign dl_rd_o = rd_valid_q;
  assign dl_idx_o = rd_ev_q.idx[IDX_W-1:0];
  assign we = co_valid_q && co_has_conn_o;

  always_ff @(posedge clk_i) begin
    if (grant_i) rd_ev_q <= ev_i;
    if (rd_valid_q) begin
      ck_rec_q <= mem[rd_ev_q.idx[IDX_W-1:0]];
      ck_ev_q <= rd_ev_q;
    end
    if (init_i) mem[init_idx_i] <= '0;
    else if (we) mem[co_idx_o[IDX_W-1:0]] <= co_rec_o;
  end

  // ---- CHECK ----
  tiptoe_pkg::conn_t ck_rec;
  tiptoe_pkg::check_t chk;
  logic orphan;
  assign ck_rec = ck_rec_q;
  assign orphan_idx_o = ck_rec.lsn_idx;
  assign orphan_gen_o = ck_rec.lsn_gen;
  assign orphan = ck_rec.unaccepted && !orphan_alive_i;

  tiptoe_check #(
    .TX_BUF_LOG2(TX_BUF_LOG2)
  ) u_check (
    .valid_i(ck_valid_q),
    .ev_i(ck_ev_q),
    .rec_i(ck_rec),
    .dl_i,
    .cfg_i,
    .orphan_i(orphan),
    .boot_us_i,
    .chk_o(chk)
  );

  tiptoe_pkg::check_t up_chk_q;
  tiptoe_pkg::conn_t up_rec_q;
  tiptoe_pkg::deadlines_t up_dl_q;
  always_ff @(posedge clk_i) begin
    if (ck_valid_q) begin
      up_ev_q <= ck_ev_q;
      up_rec_q <= ck_rec;
      up_dl_q <= dl_i;
      up_chk_q <= chk;
    end
  end

  // ---- UPDATE ----
  tiptoe_pkg::conn_t up_rec;
  tiptoe_pkg::deadlines_t up_dl;
  tiptoe_pkg::update_t upd;
  tiptoe_update #(
    .RX_BUF_LOG2(RX_BUF_LOG2)
  ) u_update (
    .valid_i(up_valid_q),
    .ev_i(up_ev_q),
    .rec_i(up_rec_q),
    .dl_i(up_dl_q),
    .chk_i(up_chk_q),
    .cfg_i,
    .rec_o(up_rec),
    .dl_o(up_dl),
    .upd_o(upd)
  );

  tiptoe_pkg::update_t op_upd_q;
  tiptoe_pkg::conn_t op_rec_q;
  tiptoe_pkg::deadlines_t op_dl_q;
  always_ff @(posedge clk_i) begin
    if (up_valid_q) begin
      op_ev_q <= up_ev_q;
      op_rec_q <= up_rec;
      op_dl_q <= up_dl;
      op_upd_q <= upd;
    end
  end

  // ---- OUTPUT ----
  tiptoe_pkg::conn_t op_rec;
  tiptoe_pkg::deadlines_t op_dl;
  tiptoe_pkg::commit_t com;
  tiptoe_dp_pkg::tx_desc_t tx;
  tiptoe_dp_pkg::mv_cmd_t mv;
  tiptoe_dp_pkg::host_cmd_t host;
  tiptoe_pkg::rsp_t rsp;
  tiptoe_output #(
    .TX_BUF_LOG2(TX_BUF_LOG2),
    .RX_BUF_LOG2(RX_BUF_LOG2)
  ) u_output (
    .valid_i(op_valid_q),
    .ev_i(op_ev_q),
    .rec_i(op_rec_q),
    .dl_i(op_dl_q),
    .upd_i(op_upd_q),
    .cfg_i,
    .rec_o(op_rec),
    .dl_o(op_dl),
    .com_o(com),
    .tx_o(tx),
    .mv_o(mv),
    .host_o(host),
    .rsp_o(rsp)
  );
  logic op_new;      // the event came with the free index
  assign op_new = (op_ev_q.kind == tiptoe_pkg::SRC_SEG && !op_ev_q.hit) || op_ev_q.opener;
  assign pre_o = op_valid_q;
  assign pre_key_o.lip = op_rec_q.lip;
  assign pre_key_o.lport = op_rec_q.lport;
  assign pre_key_o.rip = op_rec_q.rip;
  assign pre_key_o.rport = op_rec_q.rport;

  // ---- COMMIT ----
  always_ff @(posedge clk_i) begin
    co_o <= rst_i ? '0 : com;
    if (op_valid_q) begin
      co_kind_o <= op_ev_q.kind;
      // A creator that has created nothing leaves no trace.
      co_has_conn_o <= op_ev_q.has_conn && (com.take || !op_new);
      co_idx_o <= op_ev_q.idx;
      co_tuple_o <= op_ev_q.tuple;
      co_rec_o <= op_rec;
      co_dl_o <= op_dl;
      co_tx_o <= tx;
      co_mv_o <= mv;
      co_host_o <= host;
      co_rsp_o <= rsp;
    end
  end
  assign co_valid_o = co_valid_q;

`ifndef SYNTHESIS
  if ($bits(tiptoe_pkg::conn_t) != tiptoe_pkg::RECORD_W ||
      $bits(tiptoe_pkg::deadlines_t) != tiptoe_pkg::DEADLINE_W) begin : gen_bad_width
    $fatal(1, "tiptoe_pipeline: RECORD_W or DEADLINE_W is not the width of its structure");
  end

  logic live;
  assign live = we && co_rec_o.state != tiptoe_pkg::CLOSED;

  always_ff @(posedge clk_i) begin
    if (!rst_i) begin
      one_creator: assert ($onehot0(creator_q));
      one_command: assert ($onehot0(cmd_q));
    end

    // A connection has one event in flight: hazards are handled by the arbiter and nowhere else.
    if (!rst_i && grant_i && ev_i.has_conn) begin
      not_in_read: assert (!(stage_valid_o[0] && stage_idx_o[9:0] == ev_i.idx));
      not_in_check: assert (!(stage_valid_o[1] && stage_idx_o[19:10] == ev_i.idx));
      not_in_update: assert (!(stage_valid_o[2] && stage_idx_o[29:20] == ev_i.idx));
      not_in_output: assert (!(stage_valid_o[3] && stage_idx_o[39:30] == ev_i.idx));
    end

    if (!rst_i && live) begin
      // SND.UNA <= RTX.NXT <= SND.NXT <= one past the FIN
      snd_una_nxt: assert (tiptoe_pkg::seq_le(co_rec_o.snd_una, co_rec_o.snd_nxt));
      rtx_after_una: assert (tiptoe_pkg::seq_le(co_rec_o.snd_una, co_rec_o.rtx_nxt));
      rtx_before_nxt: assert (tiptoe_pkg::seq_le(co_rec_o.rtx_nxt, co_rec_o.snd_nxt));
      nothing_invented: assert (tiptoe_pkg::seq_le(co_rec_o.snd_nxt, co_rec_o.snd_end + 32'd1));
      // what the host has freed <= has taken <= RCV.NXT <= advertised, and the advertised octets have a place
      free_user: assert (tiptoe_pkg::seq_le(co_rec_o.rcv_free, co_rec_o.rcv_user));
      user_nxt: assert (tiptoe_pkg::seq_le(co_rec_o.rcv_user, co_rec_o.rcv_nxt));
      nxt_adv: assert (tiptoe_pkg::seq_le(co_rec_o.rcv_nxt, co_rec_o.rcv_adv));
      rcv_fits: assert (co_rec_o.rcv_adv - co_rec_o.rcv_free <=
                        (32'd1 << RX_BUF_LOG2) + {31'd0, tiptoe_pkg::fin_seen(co_rec_o.state)});
      // what is unacknowledged is under a timer
      if (co_rec_o.snd_una != co_rec_o.snd_nxt) timer_runs: assert (co_dl_o.rtx.armed);
      // what nobody has accepted is looked at again, whether its peer speaks or not
      if (co_rec_o.unaccepted) accept_check: assert (co_dl_o.rtx.armed || co_dl_o.lingr.armed);
    end
    if (!rst_i && co_o.cam_del)
      delete_closes: assert (co_has_conn_o && co_rec_o.state == tiptoe_pkg::CLOSED && co_dl_o == '0);
    if (!rst_i && co_o.cam_ins)
      create_opens: assert (co_has_conn_o && (co_rec_o.state == tiptoe_pkg::SYN_SENT ||
                                              co_rec_o.state == tiptoe_pkg::SYN_RECEIVED));
  end
`endif

endmodule
