// SPDX-License-Identifier: Apache-2.0
// OUTPUT stage (microarchitecture 8.2): chooses the segment to send, sets the timers that go with it, and gathers the
// side effects of COMMIT. Combinational. Section numbers in the comments are those of docs/connection-processing.md unless
// an RFC is named.
//
//   valid_i, ev_i, rec_i, dl_i, upd_i   event, record and deadlines after UPDATE
//   rec_o, dl_o       record and deadlines to be written
//   com_o, tx_o, mv_o, host_o, rsp_o    side effects (8.4); com_o is all 0 while valid_i is 0
module tiptoe_output #(
  parameter int unsigned TX_BUF_LOG2 = 14,
  parameter int unsigned RX_BUF_LOG2 = 14
) (
  input  logic                     valid_i,
  /* verilator lint_off UNUSEDSIGNAL */  // every stage sees whole structures and uses its part of them
  input  tiptoe_pkg::event_t       ev_i,
  input  tiptoe_pkg::conn_t        rec_i,
  input  tiptoe_pkg::deadlines_t   dl_i,
  input  tiptoe_pkg::update_t      upd_i,
  input  tiptoe_pkg::cfg_t         cfg_i,
  /* verilator lint_on UNUSEDSIGNAL */
  output tiptoe_pkg::conn_t        rec_o,
  output tiptoe_pkg::deadlines_t   dl_o,
  output tiptoe_pkg::commit_t      com_o,
  output tiptoe_dp_pkg::tx_desc_t  tx_o,
  output tiptoe_dp_pkg::mv_cmd_t   mv_o,
  output tiptoe_dp_pkg::host_cmd_t host_o,
  output tiptoe_pkg::rsp_t         rsp_o
);

  localparam logic [31:0] TX_SIZE = 32'd1 << TX_BUF_LOG2;
  localparam logic [31:0] RX_SIZE = 32'd1 << RX_BUF_LOG2;
  localparam logic [31:0] RX_WND = (RX_BUF_LOG2 >= 16) ? 32'd65535 : RX_SIZE;

  logic [31:0] mss, mtu_mss, flight, base, seq, d, cw, lim, u, len, n, rest, used, edge_new;
  logic syn_sent_now, data_state, later, fin, retrans, sent_data, sent_ack, send_ok, special, blocked, again;
  logic [46:0] interval;
  logic [31:0] next_probe;
  logic listener_cmd, dead_accept;

  always_comb begin
    rec_o = rec_i;
    dl_o = dl_i;
    com_o = '0;
    tx_o = '0;
    mv_o = '0;
    host_o = '0;
    rsp_o = '0;
    {mss, mtu_mss, flight, base, seq, d, cw, lim, u, len, n, rest, used, edge_new} = '0;
    {syn_sent_now, data_state, later, fin, retrans, sent_data, sent_ack, send_ok, special, blocked, again} = '0;
    interval = '0;
    next_probe = '0;
    listener_cmd = 1'b0;
    dead_accept = 1'b0;

    if (valid_i) begin
      mss = {16'd0, rec_i.snd_mss};
      mtu_mss = {16'd0, cfg_i.mtu} - 32'd40;

      // Addresses of whatever is sent: those of the connection, or of the segment that is answered.
      tx_o.lip = (ev_i.kind == tiptoe_pkg::SRC_SEG) ? ev_i.tuple.lip : rec_i.lip;
      tx_o.rip = (ev_i.kind == tiptoe_pkg::SRC_SEG) ? ev_i.tuple.rip : rec_i.rip;
      tx_o.lport = (ev_i.kind == tiptoe_pkg::SRC_SEG) ? ev_i.tuple.lport : rec_i.lport;
      tx_o.rport = (ev_i.kind == tiptoe_pkg::SRC_SEG) ? ev_i.tuple.rport : rec_i.rport;
      tx_o.idx = ev_i.idx;

      if (upd_i.reply) begin
        // ----------------------------------------------------------------------- the reply is the segment
        com_o.tx_push = 1'b1;
        tx_o.seq = upd_i.reply_seq;
        tx_o.ack = upd_i.reply_ack;
        tx_o.flags = upd_i.reply_flags;
        tx_o.wnd = upd_i.reply_wnd;
        com_o.out_rst = upd_i.reply_flags[tiptoe_pkg::B_RST];
        com_o.out_seg = 1'b1;

      end else if (upd_i.run_c && !upd_i.del) begin
        data_state = rec_i.state == tiptoe_pkg::ESTABLISHED || rec_i.state == tiptoe_pkg::CLOSE_WAIT ||
                     rec_i.state == tiptoe_pkg::FIN_WAIT_1 || rec_i.state == tiptoe_pkg::CLOSING ||
                     rec_i.state == tiptoe_pkg::LAST_ACK;
        later = rec_i.state >= tiptoe_pkg::ESTABLISHED;
        flight = rec_i.snd_nxt - rec_i.snd_una;

        // ----------------------------------------------------------------------- 8.1 SYN
        if (rec_i.syn_out && rec_i.rtx_nxt == rec_i.iss) begin
          syn_sent_now = 1'b1;
          com_o.tx_push = 1'b1;
          tx_o.seq = rec_i.iss;
          tx_o.mss_valid = 1'b1;                                                    // RFC 9293 3.7.1 MUST-14
          tx_o.mss = mtu_mss[15:0];
          if (rec_i.state == tiptoe_pkg::SYN_SENT) begin
            tx_o.flags = tiptoe_pkg::F_SYN;
            tx_o.wnd = RX_WND[15:0];
          end else begin
            tx_o.flags = tiptoe_pkg::F_SYN | tiptoe_pkg::F_ACK;
            tx_o.ack = rec_i.rcv_nxt;
            tx_o.wnd = rec_i.rcv_adv[15:0] - rec_i.rcv_nxt[15:0];
          end
          retrans = tiptoe_pkg::seq_lt(rec_i.iss, rec_i.snd_nxt);
          if (rec_i.snd_nxt == rec_i.iss) begin
            rec_o.rtt_on = 1'b1;
            rec_o.rtt_seq = rec_i.iss;
            rec_o.rtt_start = ev_i.now[31:0];
          end
          rec_o.snd_nxt = tiptoe_pkg::seq_max(rec_i.snd_nxt, rec_i.iss + 32'd1);
          rec_o.rtx_nxt = rec_i.iss + 32'd1;
          dl_o.rtx = tiptoe_pkg::arm(ev_i.now, {16'd0, rec_i.rto});
          again = rec_i.fin_queued && (rec_i.state == tiptoe_pkg::FIN_WAIT_1 || rec_i.state == tiptoe_pkg::CLOSING ||
                                       rec_i.state == tiptoe_pkg::LAST_ACK);

        // ----------------------------------------------------------------------- 8.2 data
        end else if (data_state) begin
          special = upd_i.rtx_one || upd_i.probe;
          base = rec_i.syn_out ? rec_i.iss + 32'd1 : rec_i.snd_una;                // first octet of text not acknowledged
          seq = special ? rec_i.snd_una : rec_i.rtx_nxt;
          d = rec_i.snd_end - seq;
          cw = rec_i.cwnd;
          if (!rec_i.in_recovery && rec_i.dupacks == 3'd1) cw = cw + mss;           // limited transmit, RFC 3042
          if (!rec_i.in_recovery && rec_i.dupacks == 3'd2) cw = cw + (mss << 1);
          if (upd_i.probe) lim = rec_i.snd_una + 32'd1;
          else if (upd_i.rtx_one) lim = rec_i.snd_una + rec_i.snd_wnd;
          else lim = rec_i.snd_una + tiptoe_pkg::min32(rec_i.snd_wnd, cw);
          u = lim - seq;
          if (u[31]) u = '0;
          if ($signed(d) > 0) len = tiptoe_pkg::min32(tiptoe_pkg::min32(d, u), mss);
          fin = rec_i.fin_queued && !rec_i.tx_busy && seq + len == rec_i.snd_end &&
                (rec_i.snd_end - base <= rec_i.snd_wnd || upd_i.probe) && !(upd_i.probe && len != '0);
          retrans = tiptoe_pkg::seq_lt(seq, rec_i.snd_nxt);
          // Nagle and silly window avoidance (RFC 9293 3.7.4, 3.8.6.2.1)
          send_ok = retrans || upd_i.probe || fin || len == mss ||
                    (len == d && (rec_i.nodelay || flight == '0)) || (len << 1) >= rec_i.max_snd_wnd;
          if ((len != '0 || fin) && send_ok) begin
            sent_data = 1'b1;
            com_o.tx_push = 1'b1;
            n = len + {31'd0, fin};
            tx_o.seq = seq;
            tx_o.ack = rec_i.rcv_nxt;
            tx_o.flags = tiptoe_pkg::F_ACK | (fin ? tiptoe_pkg::F_FIN : 8'h00) |
                         ((len != '0 && seq + len == rec_i.snd_end) ? tiptoe_pkg::F_PSH : 8'h00);
            tx_o.len = len[15:0];
            rec_o.last_sent = ev_i.now;
            if (retrans) begin                                                      // Karn, RFC 6298 3
              rec_o.rtt_on = 1'b0;
            end else if (!rec_i.rtt_on) begin
              rec_o.rtt_on = 1'b1;
              rec_o.rtt_seq = seq;
              rec_o.rtt_start = ev_i.now[31:0];
            end
            rec_o.snd_nxt = tiptoe_pkg::seq_max(rec_i.snd_nxt, seq + n);
            rec_o.rtx_nxt = special ? tiptoe_pkg::seq_max(rec_i.rtx_nxt, seq + n) : seq + n;
          end

          // --------------------------------------------------------------------- 8.3 timers
          flight = rec_o.snd_nxt - rec_o.snd_una;
          blocked = $signed(rec_i.snd_end - base) > 0 && (rec_i.snd_wnd == '0 || flight == '0);
          if (blocked) begin
            if (!rec_i.persist) begin
              rec_o.persist = 1'b1;
              rec_o.rtx_cnt = '0;
              rec_o.persist_exp = '0;
              dl_o.user = '0;
              dl_o.rtx = tiptoe_pkg::arm(ev_i.now, {16'd0, rec_i.rto});
            end else if (upd_i.probe && sent_data) begin
              interval = {15'd0, rec_i.rto} << rec_i.persist_exp;
              next_probe = (interval < {15'd0, cfg_i.rto_max}) ? interval[31:0] : cfg_i.rto_max;
              dl_o.rtx = tiptoe_pkg::arm(ev_i.now, {16'd0, next_probe});
            end
          end else begin
            if (rec_i.persist) begin
              rec_o.persist = 1'b0;
              dl_o.rtx = '0;
            end
            if (flight == '0) begin
              dl_o.rtx = '0;
            end else begin
              if (!dl_o.rtx.armed || (upd_i.rtx_one && sent_data)) dl_o.rtx = tiptoe_pkg::arm(ev_i.now, {16'd0, rec_i.rto});
              if (!dl_o.user.armed && cfg_i.user_timeout != '0)
                dl_o.user = tiptoe_pkg::arm(ev_i.now, {16'd0, cfg_i.user_timeout});
            end
          end
          rest = rec_i.snd_end - rec_o.rtx_nxt;
          again = sent_data && !upd_i.probe &&
                  (upd_i.rtx_one || $signed(rest) > 0 || (rec_i.fin_queued && rest == '0));
        end

        // ----------------------------------------------------------------------- 8.4 ACK
        if (!syn_sent_now && !sent_data && upd_i.ack_now && rec_i.state != tiptoe_pkg::SYN_SENT &&
            rec_i.state != tiptoe_pkg::CLOSED) begin
          sent_ack = 1'b1;
          com_o.tx_push = 1'b1;
          tx_o.seq = rec_i.snd_nxt;
          tx_o.ack = rec_i.rcv_nxt;
          tx_o.flags = tiptoe_pkg::F_ACK;
        end

        // 4.3 Window to advertise (RFC 9293 3.8.6.2.2); the edge never moves left.
        if (sent_data || sent_ack) begin
          if (later) begin
            used = rec_i.rcv_nxt - rec_i.rcv_free - {31'd0, tiptoe_pkg::fin_seen(rec_i.state)};
            edge_new = rec_i.rcv_nxt + tiptoe_pkg::min32(RX_SIZE - used, 32'd65535);
            if ($signed(edge_new - rec_i.rcv_adv) >= $signed(tiptoe_pkg::min32(RX_SIZE >> 1, mtu_mss)))
              rec_o.rcv_adv = edge_new;
            dl_o.dack = '0;
          end
          tx_o.wnd = rec_o.rcv_adv[15:0] - rec_o.rcv_nxt[15:0];
        end

        com_o.retrans = (syn_sent_now || sent_data) && retrans;
        // RFC 4022: old octets only, or some new ones with them
        com_o.out_seg = com_o.tx_push && !(com_o.retrans && (syn_sent_now || tiptoe_pkg::seq_le(seq + n, rec_i.snd_nxt)));
        com_o.outq_push = again;
      end

      // ------------------------------------------------------------------------- COMMIT side effects (8.4)
      com_o.cam_ins = upd_i.created;
      com_o.cam_del = upd_i.del;
      com_o.take = upd_i.created;
      com_o.rel = upd_i.rel;
      com_o.lsn_add = upd_i.lsn_add;
      com_o.lsn_rem = upd_i.lsn_rem;
      dead_accept = ev_i.kind == tiptoe_pkg::SRC_CMD && upd_i.status == tiptoe_pkg::ST_ABORTED;
      com_o.lsn_idx = upd_i.lsn_add ? ev_i.lsn_new : (upd_i.lsn_rem || dead_accept) ? ev_i.handle[4:0] : rec_i.lsn_idx;
      com_o.lsn_gen = dead_accept ? ev_i.handle[8:5] : rec_i.lsn_gen;
      com_o.backlog = (ev_i.len == '0) ? 5'd1 : (ev_i.len > 32'(tiptoe_pkg::BACKLOG_MAX))
                                         ? 5'(tiptoe_pkg::BACKLOG_MAX) : ev_i.len[4:0];
      com_o.cnt_up = upd_i.passive;
      // A connection in the accept queue keeps its place until ACCEPT takes it, dead or alive.
      com_o.cnt_down = upd_i.accept || dead_accept || (upd_i.del && rec_i.unaccepted && upd_i.was_syn_rcvd);
      com_o.aq_push = upd_i.aq_push && !upd_i.del;
      com_o.handle = {upd_i.gen, ev_i.idx};
      com_o.evt = upd_i.evt;
      com_o.unaccepted = rec_i.unaccepted;
      com_o.accepted = upd_i.accept;
      com_o.reason = upd_i.reason;
      com_o.cnt = upd_i.cnt;
      com_o.seg = ev_i.kind == tiptoe_pkg::SRC_SEG;
      com_o.estab_up = !upd_i.estab_old && tiptoe_pkg::estab(rec_i.state);
      com_o.estab_down = upd_i.estab_old && !tiptoe_pkg::estab(rec_i.state);

      // Mover command of every SEG event: text to store, in any case the slot's release.
      com_o.mv_push = com_o.seg;
      mv_o.slot = ev_i.slot;
      mv_o.offset = upd_i.mv_off;
      mv_o.len = upd_i.mv_len;
      mv_o.idx = ev_i.idx;
      mv_o.seq = upd_i.mv_seq;

      com_o.wr_push = upd_i.send;
      com_o.rd_push = upd_i.recv;
      host_o.idx = ev_i.idx;
      host_o.handle = com_o.handle;
      host_o.base = upd_i.base;
      host_o.len = upd_i.n;

      // Response (9)
      if (ev_i.kind == tiptoe_pkg::SRC_CMD) begin
        listener_cmd = ev_i.op == tiptoe_pkg::OP_STATUS && ev_i.handle[16] && upd_i.status == tiptoe_pkg::ST_OK;
        com_o.rsp_push = 1'b1;
        rsp_o.tag = ev_i.tag;
        rsp_o.op = ev_i.op;
        rsp_o.status = upd_i.status;
        if (upd_i.lsn_add) rsp_o.handle = {1'b1, 7'd0, ev_i.lsn_new_gen, ev_i.lsn_new};
        else if (upd_i.created || upd_i.accept) rsp_o.handle = {1'b0, com_o.handle};
        else rsp_o.handle = ev_i.handle;
        rsp_o.len = {15'd0, upd_i.n};
        if (listener_cmd) begin
          rsp_o.state = 4'd1;
          rsp_o.avail = {27'd0, ev_i.aq_len};
        end else if (upd_i.handle_ok && rec_i.state != tiptoe_pkg::CLOSED) begin
          rsp_o.state = rec_i.state;
          rsp_o.avail = rec_i.rcv_nxt - rec_i.rcv_user - {31'd0, tiptoe_pkg::fin_seen(rec_i.state)};
          // Nothing is used once the FIN is acknowledged (snd_una is then one past snd_end).
          used = rec_i.snd_end - (rec_i.syn_out ? rec_i.iss + 32'd1 : rec_i.snd_una);
          rsp_o.room = TX_SIZE - (used[31] ? '0 : used);
        end
      end
    end
  end

endmodule
