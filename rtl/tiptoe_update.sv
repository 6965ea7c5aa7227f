// SPDX-License-Identifier: Apache-2.0
// UPDATE stage (microarchitecture 8.2): carries out what CHECK has decided on the connection record and the deadlines.
// Combinational. Section numbers in the comments are those of docs/connection-processing.md unless an RFC is named.
//
//   valid_i, ev_i, rec_i, dl_i, chk_i   event, record and deadlines as read, decision
//   rec_o, dl_o, upd_o   new record and deadlines, what OUTPUT has to know; meaningful while valid_i is 1
module tiptoe_update #(
  parameter int unsigned RX_BUF_LOG2 = 14
) (
  input  logic                   valid_i,
  /* verilator lint_off UNUSEDSIGNAL */  // every stage sees whole structures and uses its part of them
  input  tiptoe_pkg::event_t     ev_i,
  input  tiptoe_pkg::conn_t      rec_i,
  input  tiptoe_pkg::deadlines_t dl_i,
  input  tiptoe_pkg::check_t     chk_i,
  input  tiptoe_pkg::cfg_t       cfg_i,
  /* verilator lint_on UNUSEDSIGNAL */
  output tiptoe_pkg::conn_t      rec_o,
  output tiptoe_pkg::deadlines_t dl_o,
  output tiptoe_pkg::update_t    upd_o
);

  localparam logic [31:0] RX_SIZE = 32'd1 << RX_BUF_LOG2;
  localparam logic [31:0] RX_WND = (RX_BUF_LOG2 >= 16) ? 32'd65535 : RX_SIZE;

  logic [47:0] now;
  logic [31:0] mss, seg_wnd, mtu_mss;
  // RTT (RFC 6298)
  logic sample, enter;
  logic [31:0] r, rtt_d, rto_raw;
  // congestion (RFC 5681, 6582)
  logic [31:0] acked, cwnd_old, flight, iw, unsent;
  logic [47:0] silent;
  // window
  logic [31:0] wnd_before;
  // text (4)
  logic [31:0] wnd, s, e, ms, me, text_end;
  logic [3:0] valid4, touch, slot;
  logic text_new, in_order, cut, fin_here, time_wait;
  tiptoe_pkg::state_e state_in;
  // window edge (4.3)
  logic [31:0] used, edge_new;
  // challenge (6)
  logic [31:0] ch_len;

  always_comb begin
    rec_o = rec_i;
    dl_o = dl_i;
    upd_o = '0;
    now = '0;
    {mss, seg_wnd, mtu_mss} = '0;
    {sample, enter} = '0;
    {r, rtt_d, rto_raw} = '0;
    {acked, cwnd_old, flight, iw, unsent, wnd_before} = '0;
    silent = '0;
    {wnd, s, e, ms, me, text_end} = '0;
    {valid4, touch, slot} = '0;
    {text_new, in_order, cut, fin_here, time_wait} = '0;
    state_in = rec_i.state;
    {used, edge_new, ch_len} = '0;

    if (valid_i) begin
      now = ev_i.now;
      seg_wnd = {16'd0, ev_i.wnd};
      mtu_mss = {16'd0, cfg_i.mtu} - 32'd40;

      upd_o.run_c = chk_i.run_c;
      upd_o.reason = chk_i.reason;
      upd_o.created = (chk_i.create_pas && !chk_i.reuse) || chk_i.create_act;
      upd_o.reuse = chk_i.reuse;
      upd_o.passive = chk_i.create_pas;
      upd_o.del = chk_i.del;
      upd_o.estab_old = tiptoe_pkg::estab(rec_i.state);
      upd_o.evt = chk_i.evt;
      upd_o.reply = chk_i.reply;
      upd_o.reply_seq = chk_i.reply_seq;
      upd_o.reply_ack = chk_i.reply_ack;
      upd_o.reply_flags = chk_i.reply_flags;
      upd_o.reply_wnd = chk_i.reply_wnd;
      upd_o.ack_now = chk_i.ack_now;
      upd_o.mv_seq = chk_i.seq;
      upd_o.status = chk_i.status;
      upd_o.handle_ok = chk_i.handle_ok;
      upd_o.n = chk_i.n;
      upd_o.send = chk_i.send;
      upd_o.recv = chk_i.recv;
      upd_o.accept = chk_i.accept;
      upd_o.lsn_add = chk_i.lsn_add;
      upd_o.lsn_rem = chk_i.lsn_rem;
      upd_o.cnt = chk_i.cnt;

      // ------------------------------------------------------------------------- 1.1 create a connection
      if (chk_i.create_pas || chk_i.create_act) begin
        rec_o = '0;
        dl_o = '0;
        rec_o.gen = rec_i.gen + {5'd0, chk_i.reuse};
        rec_o.lip = ev_i.tuple.lip;
        rec_o.lport = ev_i.tuple.lport;
        rec_o.rip = ev_i.tuple.rip;
        rec_o.rport = ev_i.tuple.rport;
        // RFC 9293 3.4.1, RFC 6528: ISN = M + F(4-tuple, key), M counts 4 us ticks.
        rec_o.iss = cfg_i.features[tiptoe_pkg::FT_FIXED_ISS] ? cfg_i.isn_key0 : ev_i.isn_hash + now[33:2];
        if (chk_i.reuse && !tiptoe_pkg::seq_lt(rec_i.snd_nxt, rec_o.iss)) rec_o.iss = rec_i.snd_nxt + 32'd128000;
        rec_o.snd_una = rec_o.iss;
        rec_o.snd_nxt = rec_o.iss;
        rec_o.rtx_nxt = rec_o.iss;
        rec_o.snd_end = rec_o.iss + 32'd1;
        rec_o.syn_out = 1'b1;
        rec_o.recover = rec_o.iss;
        rec_o.ssthresh = tiptoe_pkg::CWND_MAX;
        rec_o.rto = cfg_i.syn_rto;
        rec_o.snd_mss = 16'(tiptoe_pkg::min32(32'd536, mtu_mss));
        rec_o.ch_start = now[31:0];
        if (chk_i.create_pas) begin
          rec_o.state = tiptoe_pkg::SYN_RECEIVED;
          rec_o.passive = 1'b1;
          rec_o.unaccepted = 1'b1;
          rec_o.lsn_idx = ev_i.lsn_idx;
          rec_o.lsn_gen = ev_i.lsn_gen;
          upd_o.cnt.passive_opens = 1'b1;
        end else begin
          rec_o.state = tiptoe_pkg::SYN_SENT;
          rec_o.nodelay = ev_i.cflags[tiptoe_pkg::CF_NODELAY];
          rec_o.keepalive = ev_i.cflags[tiptoe_pkg::CF_KEEPALIVE];
          upd_o.cnt.active_opens = 1'b1;
        end
        if (cfg_i.open_timeout != '0) dl_o.user = tiptoe_pkg::arm(now, {16'd0, cfg_i.open_timeout});
        else if (cfg_i.user_timeout != '0) dl_o.user = tiptoe_pkg::arm(now, {16'd0, cfg_i.user_timeout});
      end else begin
        // ----------------------------------------------------------------------- 3.0 idle timers start again
        if (chk_i.keep_rearm) begin
          dl_o.keep = tiptoe_pkg::arm(now, tiptoe_pkg::seconds(cfg_i.keep_idle_s));
          rec_o.keep_cnt = '0;
        end
        if (chk_i.fw2_rearm) dl_o.lingr = tiptoe_pkg::arm(now, {16'd0, cfg_i.fw2_timeout});
      end

      // --------------------------------------------------------------------------- peer's SYN (1.1, 2 step 3)
      if (chk_i.create_pas || chk_i.syn_sent_syn) begin
        rec_o.irs = ev_i.seq;
        rec_o.rcv_nxt = ev_i.seq + 32'd1;
        rec_o.rcv_user = ev_i.seq + 32'd1;
        rec_o.rcv_free = ev_i.seq + 32'd1;
        rec_o.rcv_adv = ev_i.seq + 32'd1 + RX_WND;
        rec_o.snd_wnd = seg_wnd;
        rec_o.max_snd_wnd = seg_wnd;
        rec_o.snd_wl1 = ev_i.seq;
        rec_o.snd_wl2 = chk_i.syn_sent_ack ? ev_i.ack : '0;
        // 2.1 (RFC 9293 3.7.1, MUST-15)
        mss = !ev_i.mss_valid ? 32'd536 : (ev_i.mss < 16'd48) ? 32'd48 : {16'd0, ev_i.mss};
        rec_o.snd_mss = 16'(tiptoe_pkg::min32(mss, mtu_mss));
      end
      if (chk_i.syn_sent_syn) begin
        if (chk_i.syn_sent_ack) begin
          rec_o.snd_una = ev_i.ack;
          rec_o.rtx_nxt = ev_i.ack;
        end else begin
          // Simultaneous open (RFC 9293 Figure 7): C sends the SYN,ACK.
          rec_o.state = tiptoe_pkg::SYN_RECEIVED;
          rec_o.passive = 1'b0;
          rec_o.rtx_nxt = rec_i.iss;
          rec_o.rtx_cnt = '0;
          rec_o.rto = cfg_i.syn_rto;
          dl_o.rtx = '0;
        end
      end
      mss = {16'd0, rec_o.snd_mss};
      // Initial window (RFC 5681 3.1), also the restart window
      if (cfg_i.iw_segs != '0) iw = cfg_i.iw_segs * mss;
      else if (mss > 32'd2190) iw = mss << 1;
      else if (mss > 32'd1095) iw = (mss << 1) + mss;
      else iw = mss << 2;

      // --------------------------------------------------------------------------- 3.5 ACK in SYN_RECEIVED
      if (chk_i.sr_ack) begin
        rec_o.snd_una = ev_i.ack;
        rec_o.rtx_nxt = tiptoe_pkg::seq_max(rec_i.rtx_nxt, ev_i.ack);
        rec_o.snd_wnd = seg_wnd;
        rec_o.max_snd_wnd = tiptoe_pkg::max32(rec_i.max_snd_wnd, seg_wnd);
        rec_o.snd_wl1 = chk_i.seq;
        rec_o.snd_wl2 = ev_i.ack;
        upd_o.aq_push = rec_i.unaccepted;
      end
      enter = chk_i.sr_ack || chk_i.syn_sent_ack;

      // --------------------------------------------------------------------------- 5.5 RTT sample (RFC 6298 2)
      sample = (enter && rec_i.rtt_on && !rec_i.syn_rtx) ||
               (chk_i.new_ack && rec_i.rtt_on && tiptoe_pkg::seq_lt(rec_i.rtt_seq, ev_i.ack));
      if (sample) begin
        r = now[31:0] - rec_i.rtt_start;
        if (!rec_i.rtt_valid) begin
          rec_o.srtt = r << 3;
          rec_o.rttvar = r << 1;
          rec_o.rtt_valid = 1'b1;
        end else begin
          rtt_d = ((rec_i.srtt >> 3) >= r) ? (rec_i.srtt >> 3) - r : r - (rec_i.srtt >> 3);
          rec_o.rttvar = rec_i.rttvar + rtt_d - (rec_i.rttvar >> 2);
          rec_o.srtt = rec_i.srtt + r - (rec_i.srtt >> 3);
        end
        rto_raw = (rec_o.srtt >> 3) + tiptoe_pkg::max32(32'd1, rec_o.rttvar);
        rec_o.rto = tiptoe_pkg::min32(tiptoe_pkg::max32(rto_raw, cfg_i.rto_min), cfg_i.rto_max);
        rec_o.rtt_on = 1'b0;
      end

      // --------------------------------------------------------------------------- 5.1 enter ESTABLISHED
      if (enter) begin
        rec_o.state = rec_i.fin_queued ? tiptoe_pkg::FIN_WAIT_1 : tiptoe_pkg::ESTABLISHED;
        rec_o.syn_out = 1'b0;
        dl_o.rtx = '0;
        dl_o.user = '0;
        rec_o.rtx_cnt = '0;
        rec_o.persist = 1'b0;
        rec_o.rtt_on = 1'b0;
        if (rec_i.syn_rtx) rec_o.rto = tiptoe_pkg::max32(32'd3000000, cfg_i.rto_min);   // RFC 6298 5.7
        else if (!rec_o.rtt_valid) rec_o.rto = cfg_i.rto_init;
        rec_o.cwnd = rec_i.syn_rtx ? mss : iw;
        rec_o.ca_acc = '0;
        rec_o.last_sent = now;
        if (rec_i.keepalive) dl_o.keep = tiptoe_pkg::arm(now, tiptoe_pkg::seconds(cfg_i.keep_idle_s));
        upd_o.evt = upd_o.evt | tiptoe_pkg::E_CONNECTED;
      end

      // --------------------------------------------------------------------------- 5.2 new ACK
      flight = rec_i.snd_nxt - rec_i.snd_una;
      if (chk_i.new_ack) begin
        acked = ev_i.ack - rec_i.snd_una;
        cwnd_old = rec_i.cwnd;
        flight = rec_i.snd_nxt - ev_i.ack;
        rec_o.snd_una = ev_i.ack;
        rec_o.syn_out = 1'b0;
        rec_o.rtx_nxt = tiptoe_pkg::seq_max(rec_i.rtx_nxt, ev_i.ack);
        rec_o.rtx_cnt = '0;
        upd_o.evt = upd_o.evt | tiptoe_pkg::E_SPACE;
        if (rec_i.in_recovery) begin
          if (tiptoe_pkg::seq_le(rec_i.recover, ev_i.ack)) begin                    // RFC 6582 3.2 step 3, full ACK
            rec_o.cwnd = rec_i.ssthresh;
            rec_o.in_recovery = 1'b0;
            rec_o.dupacks = '0;
            rec_o.ca_acc = '0;
          end else begin                                                            // partial ACK
            upd_o.rtx_one = 1'b1;
            rec_o.cwnd = (cwnd_old < acked) ? '0 : cwnd_old - acked;
            if (acked >= mss) rec_o.cwnd = rec_o.cwnd + mss;
            rec_o.cwnd = tiptoe_pkg::max32(rec_o.cwnd, mss);
          end
        end else begin
          if (tiptoe_pkg::seq_lt(rec_i.recover, ev_i.ack - 32'd1)) rec_o.recover = ev_i.ack - 32'd1;
          rec_o.dupacks = '0;
          if (cwnd_old < rec_i.ssthresh) begin                                      // slow start, RFC 5681 3.1
            rec_o.cwnd = cwnd_old + tiptoe_pkg::min32(acked, mss);
          end else begin                                                            // congestion avoidance
            rec_o.ca_acc = rec_i.ca_acc + acked;
            if (rec_o.ca_acc >= cwnd_old) begin
              rec_o.ca_acc = rec_o.ca_acc - cwnd_old;
              rec_o.cwnd = cwnd_old + mss;
            end
          end
        end
        rec_o.cwnd = tiptoe_pkg::min32(rec_o.cwnd, tiptoe_pkg::CWND_MAX);
        // RFC 6298 5.2, 5.3
        rec_o.persist = 1'b0;
        if (flight == '0) begin
          dl_o.rtx = '0;
          dl_o.user = '0;
        end else begin
          dl_o.rtx = tiptoe_pkg::arm(now, {16'd0, rec_o.rto});
          if (cfg_i.user_timeout != '0) dl_o.user = tiptoe_pkg::arm(now, {16'd0, cfg_i.user_timeout});
        end
      end

      // --------------------------------------------------------------------------- 5.3 duplicate ACK (RFC 5681 3.2)
      if (chk_i.dup_ack) begin
        if (rec_i.dupacks != 3'd7) rec_o.dupacks = rec_i.dupacks + 3'd1;
        if (rec_i.dupacks == '0) rec_o.lt_nxt = rec_i.snd_nxt;
        if (rec_i.in_recovery) begin
          rec_o.cwnd = tiptoe_pkg::min32(rec_i.cwnd + mss, tiptoe_pkg::CWND_MAX);
        end else if (rec_i.dupacks == 3'd2 && tiptoe_pkg::seq_lt(rec_i.recover, ev_i.ack)) begin
          // What limited transmit has added since does not count (RFC 5681 3.2 step 2).
          rec_o.ssthresh = tiptoe_pkg::max32((rec_i.lt_nxt - rec_i.snd_una) >> 1, mss << 1);
          rec_o.cwnd = rec_o.ssthresh + (mss << 1) + mss;
          rec_o.recover = rec_i.snd_nxt;
          rec_o.in_recovery = 1'b1;
          upd_o.rtx_one = 1'b1;
        end
      end

      // --------------------------------------------------------------------------- 3.5 window
      wnd_before = rec_i.snd_wnd;
      if (chk_i.wnd_chk) begin
        if (chk_i.wnd_upd) begin
          rec_o.snd_wnd = seg_wnd;
          rec_o.snd_wl1 = chk_i.seq;
          rec_o.snd_wl2 = ev_i.ack;
          rec_o.max_snd_wnd = tiptoe_pkg::max32(rec_i.max_snd_wnd, seg_wnd);
          if (wnd_before == '0 && seg_wnd != '0) begin
            rec_o.persist = 1'b0;
            rec_o.rtx_cnt = '0;
            dl_o.rtx = '0;
            if (flight != '0) rec_o.rtx_nxt = rec_o.snd_una;
          end
        end
        if (rec_o.persist) rec_o.rtx_cnt = '0;
      end

      // --------------------------------------------------------------------------- 3.5 own FIN acknowledged
      if (chk_i.own_fin) begin
        if (rec_i.state == tiptoe_pkg::FIN_WAIT_1) begin
          rec_o.state = tiptoe_pkg::FIN_WAIT_2;
          if (cfg_i.fw2_timeout != '0 && !rec_i.half) dl_o.lingr = tiptoe_pkg::arm(now, {16'd0, cfg_i.fw2_timeout});
        end else if (rec_i.state == tiptoe_pkg::CLOSING) begin
          time_wait = 1'b1;
          rec_o.state = tiptoe_pkg::TIME_WAIT;
        end
      end

      // --------------------------------------------------------------------------- 3.6 URG (RFC 9293 3.8.5)
      state_in = rec_o.state;
      if (chk_i.urg && (state_in == tiptoe_pkg::ESTABLISHED || state_in == tiptoe_pkg::FIN_WAIT_1 ||
                        state_in == tiptoe_pkg::FIN_WAIT_2)) upd_o.evt = upd_o.evt | tiptoe_pkg::E_URGENT;

      // --------------------------------------------------------------------------- 4 text and FIN
      wnd = rec_o.rcv_adv - rec_o.rcv_nxt;
      text_end = chk_i.seq + {21'd0, chk_i.text};
      if (chk_i.rest && (state_in == tiptoe_pkg::ESTABLISHED || state_in == tiptoe_pkg::FIN_WAIT_1 ||
                         state_in == tiptoe_pkg::FIN_WAIT_2)) begin
        // 4.1 Trim to the window.
        s = tiptoe_pkg::seq_max(chk_i.seq, rec_o.rcv_nxt);
        e = tiptoe_pkg::seq_min(text_end, rec_o.rcv_nxt + wnd);
        if (rec_i.fin_pend) e = tiptoe_pkg::seq_min(e, rec_i.fin_seq);
        cut = chk_i.text != '0 && tiptoe_pkg::seq_lt(e, text_end);
        fin_here = chk_i.fin && !cut;
        if (fin_here && !rec_i.fin_pend) begin
          if (text_end - rec_o.rcv_nxt <= wnd &&
              !(rec_i.ooo0.valid && tiptoe_pkg::seq_lt(text_end, rec_i.ooo0.last)) &&
              !(rec_i.ooo1.valid && tiptoe_pkg::seq_lt(text_end, rec_i.ooo1.last)) &&
              !(rec_i.ooo2.valid && tiptoe_pkg::seq_lt(text_end, rec_i.ooo2.last)) &&
              !(rec_i.ooo3.valid && tiptoe_pkg::seq_lt(text_end, rec_i.ooo3.last))) begin
            rec_o.fin_pend = 1'b1;
            rec_o.fin_seq = text_end;
          end else begin
            upd_o.ack_now = 1'b1;
          end
        end

        text_new = tiptoe_pkg::seq_lt(s, e);
        if (text_new) begin
          valid4 = {rec_i.ooo3.valid, rec_i.ooo2.valid, rec_i.ooo1.valid, rec_i.ooo0.valid};
          touch[0] = valid4[0] && tiptoe_pkg::seq_le(rec_i.ooo0.first, e) && tiptoe_pkg::seq_le(s, rec_i.ooo0.last);
          touch[1] = valid4[1] && tiptoe_pkg::seq_le(rec_i.ooo1.first, e) && tiptoe_pkg::seq_le(s, rec_i.ooo1.last);
          touch[2] = valid4[2] && tiptoe_pkg::seq_le(rec_i.ooo2.first, e) && tiptoe_pkg::seq_le(s, rec_i.ooo2.last);
          touch[3] = valid4[3] && tiptoe_pkg::seq_le(rec_i.ooo3.first, e) && tiptoe_pkg::seq_le(s, rec_i.ooo3.last);
          ms = s;
          me = e;
          if (touch[0]) begin
            ms = tiptoe_pkg::seq_min(ms, rec_i.ooo0.first);
            me = tiptoe_pkg::seq_max(me, rec_i.ooo0.last);
          end
          if (touch[1]) begin
            ms = tiptoe_pkg::seq_min(ms, rec_i.ooo1.first);
            me = tiptoe_pkg::seq_max(me, rec_i.ooo1.last);
          end
          if (touch[2]) begin
            ms = tiptoe_pkg::seq_min(ms, rec_i.ooo2.first);
            me = tiptoe_pkg::seq_max(me, rec_i.ooo2.last);
          end
          if (touch[3]) begin
            ms = tiptoe_pkg::seq_min(ms, rec_i.ooo3.first);
            me = tiptoe_pkg::seq_max(me, rec_i.ooo3.last);
          end
          in_order = ms == rec_o.rcv_nxt;
          upd_o.mv_off = ev_i.pay_off + (s[10:0] - chk_i.seq[10:0]);
          upd_o.mv_seq = s;
          if (in_order) begin
            upd_o.mv_len = e[10:0] - s[10:0];
            rec_o.rcv_nxt = me;
            if (touch[0]) rec_o.ooo0 = '0;
            if (touch[1]) rec_o.ooo1 = '0;
            if (touch[2]) rec_o.ooo2 = '0;
            if (touch[3]) rec_o.ooo3 = '0;
            upd_o.evt = upd_o.evt | tiptoe_pkg::E_READABLE;
          end else begin
            // One-hot: the lowest touching range, else the lowest free one.
            if (touch != '0) slot = touch & (~touch + 4'd1);
            else slot = ~valid4 & (valid4 + 4'd1);
            if (slot == '0) begin
              upd_o.reason = tiptoe_pkg::R_OOO_FULL;
              upd_o.cnt.ooo_drops = 1'b1;
            end else begin
              upd_o.mv_len = e[10:0] - s[10:0];
              if (slot[0]) rec_o.ooo0 = {1'b1, ms, me};
              else if (touch[0]) rec_o.ooo0 = '0;
              if (slot[1]) rec_o.ooo1 = {1'b1, ms, me};
              else if (touch[1]) rec_o.ooo1 = '0;
              if (slot[2]) rec_o.ooo2 = {1'b1, ms, me};
              else if (touch[2]) rec_o.ooo2 = '0;
              if (slot[3]) rec_o.ooo3 = {1'b1, ms, me};
              else if (touch[3]) rec_o.ooo3 = '0;
            end
          end
          // RFC 9293 3.8.6.3, RFC 5681 4.2: delay only what is in order and leaves no gap.
          if (in_order && valid4 == '0 && cfg_i.features[tiptoe_pkg::FT_DELACK] && cfg_i.dack != '0 &&
              !dl_i.dack.armed) dl_o.dack = tiptoe_pkg::arm(now, {16'd0, cfg_i.dack});
          else upd_o.ack_now = 1'b1;
        end else if (chk_i.text != '0) begin
          upd_o.ack_now = 1'b1;
        end

        // 4.2 FIN (RFC 9293 3.10.7.4 eighth)
        if (rec_o.fin_pend && rec_o.rcv_nxt == rec_o.fin_seq) begin
          rec_o.rcv_nxt = rec_o.rcv_nxt + 32'd1;
          rec_o.fin_pend = 1'b0;
          rec_o.rcv_adv = tiptoe_pkg::seq_max(rec_o.rcv_adv, rec_o.rcv_nxt);
          upd_o.ack_now = 1'b1;
          upd_o.evt = upd_o.evt | tiptoe_pkg::E_PEER_FIN | tiptoe_pkg::E_READABLE;
          case (state_in)
            tiptoe_pkg::ESTABLISHED: rec_o.state = tiptoe_pkg::CLOSE_WAIT;
            tiptoe_pkg::FIN_WAIT_1: rec_o.state = tiptoe_pkg::CLOSING;
            default: begin
              time_wait = 1'b1;
              rec_o.state = tiptoe_pkg::TIME_WAIT;
            end
          endcase
        end else if (fin_here && rec_o.fin_pend) begin
          upd_o.ack_now = 1'b1;
        end
      end

      // 5.4 TIME_WAIT
      if (time_wait) begin
        dl_o = '0;
        dl_o.lingr = tiptoe_pkg::arm(now, {15'd0, cfg_i.msl, 1'b0});
        rec_o.persist = 1'b0;
        upd_o.evt = upd_o.evt | tiptoe_pkg::E_CLOSED;
      end
      // 3.8 A FIN after the peer's FIN, 3.4 the peer's FIN again
      if (chk_i.rest && chk_i.fin && tiptoe_pkg::fin_seen(state_in)) begin
        upd_o.ack_now = 1'b1;
        if (state_in == tiptoe_pkg::TIME_WAIT) dl_o.lingr = tiptoe_pkg::arm(now, {15'd0, cfg_i.msl, 1'b0});
      end
      if (chk_i.wait_rearm) dl_o.lingr = tiptoe_pkg::arm(now, {15'd0, cfg_i.msl, 1'b0});

      // --------------------------------------------------------------------------- 6 challenge ACK (RFC 5961 7)
      if (chk_i.challenge) begin
        ch_len = cfg_i.ch_window + {12'd0, rec_i.iss[9:0], 10'd0};
        if (now[31:0] - rec_i.ch_start >= ch_len) begin
          rec_o.ch_start = now[31:0];
          rec_o.ch_cnt = '0;
        end
        if ({24'd0, rec_o.ch_cnt} < cfg_i.ch_limit) begin
          rec_o.ch_cnt = rec_o.ch_cnt + 8'd1;
          upd_o.ack_now = 1'b1;
          upd_o.cnt.challenge_acks = 1'b1;
        end else begin
          upd_o.cnt.challenge_limited = 1'b1;
        end
      end

      // --------------------------------------------------------------------------- 4c timers
      if (chk_i.tmr) begin
        case (ev_i.timer)
          tiptoe_pkg::T_RTX: dl_o.rtx = '0;
          tiptoe_pkg::T_DACK: dl_o.dack = '0;
          tiptoe_pkg::T_KEEP: dl_o.keep = '0;
          tiptoe_pkg::T_WAIT: dl_o.lingr = '0;
          default: dl_o.user = '0;
        endcase
      end
      if (chk_i.rtx_fire) begin                                                     // RFC 6298 5.4-5.6
        rec_o.rtx_cnt = rec_i.rtx_cnt + 5'd1;
        if ({27'd0, rec_o.rtx_cnt} == cfg_i.r1) upd_o.evt = upd_o.evt | tiptoe_pkg::E_SOFT;   // RFC 9293 3.8.3
        rec_o.rtt_on = 1'b0;
        rec_o.rtx_nxt = rec_i.snd_una;
        if (rec_i.state == tiptoe_pkg::SYN_SENT || rec_i.state == tiptoe_pkg::SYN_RECEIVED) begin
          rec_o.syn_rtx = 1'b1;
          rec_o.rto = rec_i.rto << cfg_i.syn_backoff;
          if (cfg_i.syn_backoff == 32'd1) rec_o.rto = tiptoe_pkg::min32(rec_o.rto, cfg_i.rto_max);
        end else begin
          if (rec_i.rtx_cnt == '0) rec_o.ssthresh = tiptoe_pkg::max32(flight >> 1, mss << 1);  // RFC 5681 3.1 (4)
          rec_o.rto = tiptoe_pkg::min32(rec_i.rto << 1, cfg_i.rto_max);
          rec_o.cwnd = mss;
          rec_o.ca_acc = '0;
          rec_o.dupacks = '0;
          rec_o.in_recovery = 1'b0;
          rec_o.recover = rec_i.snd_nxt;
        end
      end
      if (chk_i.probe_fire) begin                                                   // RFC 9293 3.8.6.1
        rec_o.rtx_cnt = rec_i.rtx_cnt + 5'd1;
        if (rec_i.persist_exp != 4'd15) rec_o.persist_exp = rec_i.persist_exp + 4'd1;
        upd_o.probe = 1'b1;
      end
      // Not accepted yet: is the listener still there? CHECK asks at every timer event (4a).
      if (chk_i.accept_check || upd_o.aq_push) dl_o.lingr = tiptoe_pkg::arm(now, tiptoe_pkg::ACCEPT_CHECK);
      if (chk_i.accept) dl_o.lingr = '0;
      if (chk_i.keep_idle) dl_o.keep = tiptoe_pkg::arm(now, tiptoe_pkg::seconds(cfg_i.keep_idle_s));
      if (chk_i.keep_probe) begin
        rec_o.keep_cnt = rec_i.keep_cnt + 4'd1;
        dl_o.keep = tiptoe_pkg::arm(now, tiptoe_pkg::seconds(cfg_i.keep_intvl_s));
      end

      // --------------------------------------------------------------------------- 4a, 4b host
      if (chk_i.send) begin
        rec_o.tx_busy = 1'b1;
        upd_o.base = rec_i.snd_end;
      end
      if (chk_i.recv) begin
        rec_o.rx_busy = 1'b1;
        rec_o.rcv_user = rec_i.rcv_user + {15'd0, chk_i.n};
        upd_o.base = rec_i.rcv_user;
      end
      if (chk_i.close) begin                                                        // RFC 9293 3.10.4
        rec_o.fin_queued = 1'b1;
        rec_o.half = ev_i.cflags[tiptoe_pkg::CF_HALF];
        if (rec_i.state == tiptoe_pkg::CLOSE_WAIT) rec_o.state = tiptoe_pkg::LAST_ACK;
        else if (rec_i.state == tiptoe_pkg::ESTABLISHED || (rec_i.snd_end == rec_i.iss + 32'd1 && !rec_i.tx_busy))
          rec_o.state = tiptoe_pkg::FIN_WAIT_1;
      end
      if (chk_i.setopt) begin
        rec_o.nodelay = ev_i.cflags[tiptoe_pkg::CF_NODELAY];
        rec_o.keepalive = ev_i.cflags[tiptoe_pkg::CF_KEEPALIVE];
        if (!rec_o.keepalive) dl_o.keep = '0;
        else if (!rec_i.keepalive && rec_i.state >= tiptoe_pkg::ESTABLISHED && rec_i.state != tiptoe_pkg::TIME_WAIT)
          dl_o.keep = tiptoe_pkg::arm(now, tiptoe_pkg::seconds(cfg_i.keep_idle_s));
      end
      if (chk_i.accept) rec_o.unaccepted = 1'b0;
      if (chk_i.txd) begin
        rec_o.tx_busy = 1'b0;
        if (rec_i.state != tiptoe_pkg::CLOSED) rec_o.snd_end = rec_i.snd_end + ev_i.len;
      end
      if (chk_i.rxd) begin
        rec_o.rx_busy = 1'b0;
        if (rec_i.state != tiptoe_pkg::CLOSED) begin
          rec_o.rcv_free = rec_i.rcv_free + ev_i.len;
          // Window update when the edge of 4.3 would move (RFC 9293 3.8.6.2.2).
          used = rec_i.rcv_nxt - rec_o.rcv_free;
          edge_new = rec_i.rcv_nxt + tiptoe_pkg::min32(RX_SIZE - used, 32'd65535);
          if ((rec_i.state == tiptoe_pkg::ESTABLISHED || rec_i.state == tiptoe_pkg::FIN_WAIT_1 ||
               rec_i.state == tiptoe_pkg::FIN_WAIT_2) &&
              $signed(edge_new - rec_i.rcv_adv) >= $signed(tiptoe_pkg::min32(RX_SIZE >> 1, mtu_mss))) upd_o.ack_now = 1'b1;
        end
      end

      // --------------------------------------------------------------------------- 7 delete
      upd_o.gen = rec_o.gen;
      upd_o.was_syn_rcvd = rec_i.state == tiptoe_pkg::SYN_RECEIVED;
      if (chk_i.del) begin
        upd_o.cnt.attempt_fails = rec_i.state == tiptoe_pkg::SYN_SENT || rec_i.state == tiptoe_pkg::SYN_RECEIVED;
        upd_o.cnt.estab_resets = tiptoe_pkg::estab(rec_i.state);                     // RFC 4022
        rec_o.state = tiptoe_pkg::CLOSED;
        dl_o = '0;
        upd_o.rel = !rec_o.tx_busy && !rec_o.rx_busy;
        if (rec_i.unaccepted) upd_o.evt = '0;
      end
      if (chk_i.rel) upd_o.rel = 1'b1;

      // --------------------------------------------------------------------------- 8.2 restart window (RFC 5681 4.1)
      // Text waits to be sent, and none has been sent for more than an RTO.
      unsent = rec_o.snd_end - rec_o.rtx_nxt;
      silent = now - rec_o.last_sent;
      if (chk_i.run_c && !chk_i.del && !chk_i.reply && !upd_o.rtx_one && !upd_o.probe && $signed(unsent) > 0 &&
          (rec_o.state == tiptoe_pkg::ESTABLISHED || rec_o.state == tiptoe_pkg::CLOSE_WAIT ||
           rec_o.state == tiptoe_pkg::FIN_WAIT_1 || rec_o.state == tiptoe_pkg::CLOSING ||
           rec_o.state == tiptoe_pkg::LAST_ACK) &&
          !(rec_o.syn_out && rec_o.rtx_nxt == rec_o.iss) && silent > {16'd0, rec_o.rto} && rec_o.cwnd > iw) begin
        rec_o.cwnd = iw;
        rec_o.ca_acc = '0;
      end
      if (upd_o.rel) rec_o.gen = rec_o.gen + 6'd1;
    end
  end

endmodule
