// SPDX-License-Identifier: Apache-2.0
// CHECK stage (microarchitecture 8.2): decides what an event does; UPDATE and OUTPUT carry it out. Combinational.
// Section numbers in the comments are those of docs/connection-processing.md unless an RFC is named.
//
//   valid_i, ev_i, rec_i, dl_i   event, its connection's record and deadlines
//   orphan_i          the record is unaccepted and its listener is gone
//   boot_us_i         time of the last reset, for the quiet time
//   chk_o             the decision; all 0 while valid_i is 0
module tiptoe_check #(
  parameter int unsigned TX_BUF_LOG2 = 14
) (
  input  logic                   valid_i,
  /* verilator lint_off UNUSEDSIGNAL */  // every stage sees whole structures and uses its part of them
  input  tiptoe_pkg::event_t     ev_i,
  input  tiptoe_pkg::conn_t      rec_i,
  input  tiptoe_pkg::deadlines_t dl_i,
  input  tiptoe_pkg::cfg_t       cfg_i,
  /* verilator lint_on UNUSEDSIGNAL */
  input  logic                   orphan_i,
  input  logic [47:0]            boot_us_i,
  output tiptoe_pkg::check_t     chk_o
);

  localparam logic [31:0] TX_SIZE = 32'd1 << TX_BUF_LOG2;

  // Names as in RFC 9293: wnd is RCV.WND, len is SEG.LEN.
  logic f_syn, f_ack, f_rst, f_fin, syn;
  logic [31:0] seq, seg_ack, len, wnd, text, flight;
  logic quiet, orphan, in_wnd, acceptable, unusable, allowance, ack_ok, simultaneous, reuse;
  logic rst5961, syn5961, ack5961;
  logic reset, reset_by_syn;
  // timers, commands
  tiptoe_pkg::deadline_t timer;
  logic syn_state;
  logic [31:0] room, avail;
  logic from_listener, lip_local;

  always_comb begin
    chk_o = '0;
    {f_syn, f_ack, f_rst, f_fin, syn} = '0;
    {seq, seg_ack, len, wnd, text, flight} = '0;
    {quiet, orphan, in_wnd, acceptable, unusable, allowance, ack_ok, simultaneous, reuse} = '0;
    {rst5961, syn5961, ack5961, reset, reset_by_syn} = '0;
    timer = '0;
    syn_state = 1'b0;
    {room, avail} = '0;
    {from_listener, lip_local} = '0;

    if (valid_i) begin
      quiet = ev_i.now - boot_us_i < {16'd0, cfg_i.quiet};   // RFC 9293 3.4.3
      flight = rec_i.snd_nxt - rec_i.snd_una;
      syn_state = rec_i.state == tiptoe_pkg::SYN_SENT || rec_i.state == tiptoe_pkg::SYN_RECEIVED;
      rst5961 = cfg_i.features[tiptoe_pkg::FT_RST5961];
      syn5961 = cfg_i.features[tiptoe_pkg::FT_SYN5961];
      ack5961 = cfg_i.features[tiptoe_pkg::FT_ACK5961];
      orphan = orphan_i && ev_i.has_conn && rec_i.state != tiptoe_pkg::CLOSED && rec_i.state != tiptoe_pkg::TIME_WAIT;

      case (ev_i.kind)
        // =============================================================================================== SEG
        tiptoe_pkg::SRC_SEG: begin
          f_syn = ev_i.flags[tiptoe_pkg::B_SYN];
          f_ack = ev_i.flags[tiptoe_pkg::B_ACK];
          f_rst = ev_i.flags[tiptoe_pkg::B_RST];
          f_fin = ev_i.flags[tiptoe_pkg::B_FIN];
          seq = ev_i.seq;
          seg_ack = ev_i.ack;
          text = {21'd0, ev_i.pay_len};
          len = text + {31'd0, f_syn} + {31'd0, f_fin};
          wnd = rec_i.rcv_adv - rec_i.rcv_nxt;

          if (ev_i.drop != tiptoe_dp_pkg::DROP_NONE) begin
            chk_o.reason = {1'b0, ev_i.drop};

          // ------------------------------------------------- 1: no connection (RFC 9293 3.10.7.1, 3.10.7.2)
          end else if (!ev_i.hit || rec_i.state == tiptoe_pkg::CLOSED) begin
            if (quiet) begin
              chk_o.reason = tiptoe_pkg::R_QUIET;
              chk_o.cnt.listen_drops = 1'b1;
            end else if (f_rst) begin
              chk_o.reason = tiptoe_pkg::R_NO_CONNECTION;
            end else if (ev_i.lsn_hit && !f_ack && f_syn) begin
              if (!ev_i.lsn_room) begin
                chk_o.reason = tiptoe_pkg::R_BACKLOG;
                chk_o.cnt.listen_drops = 1'b1;
              end else if (!ev_i.new_ok || !ev_i.has_conn || ev_i.hit) begin
                chk_o.reason = tiptoe_pkg::R_TABLE_FULL;
                chk_o.cnt.table_full = 1'b1;
              end else if (!ev_i.cam_room) begin
                chk_o.reason = tiptoe_pkg::R_CAM_FULL;
                chk_o.cnt.cam_full = 1'b1;
              end else begin
                chk_o.create_pas = 1'b1;
                chk_o.run_c = 1'b1;
              end
            end else begin
              chk_o.reason = tiptoe_pkg::R_NO_CONNECTION;
              if (f_ack) begin
                chk_o.reply = 1'b1;
                chk_o.reply_seq = seg_ack;
                chk_o.reply_flags = tiptoe_pkg::F_RST;
              end else if (!ev_i.lsn_hit) begin
                chk_o.reply = 1'b1;
                chk_o.reply_ack = seq + len;
                chk_o.reply_flags = tiptoe_pkg::F_RST | tiptoe_pkg::F_ACK;
              end
            end

          end else if (orphan && !f_rst) begin
            chk_o.reason = tiptoe_pkg::R_ORPHAN;     // handled below

          // ------------------------------------------------- 2: SYN_SENT (RFC 9293 3.10.7.3, erratum 8167)
          end else if (rec_i.state == tiptoe_pkg::SYN_SENT) begin
            chk_o.run_c = 1'b1;
            if (f_ack && !(tiptoe_pkg::seq_lt(rec_i.iss, seg_ack) && tiptoe_pkg::seq_le(seg_ack, rec_i.snd_nxt))) begin
              chk_o.reason = tiptoe_pkg::R_BAD_ACK;
              chk_o.reply = !f_rst;
              chk_o.reply_seq = seg_ack;
              chk_o.reply_flags = tiptoe_pkg::F_RST;
            end else if (f_rst) begin
              if (f_ack) begin
                chk_o.del = 1'b1;
                chk_o.evt = tiptoe_pkg::E_REFUSED | tiptoe_pkg::E_CLOSED;
                chk_o.reason = tiptoe_pkg::R_RESET;
              end else begin
                chk_o.reason = tiptoe_pkg::R_RST_IGNORED;
              end
            end else if (f_syn) begin
              chk_o.syn_sent_syn = 1'b1;
              if (f_ack) begin
                chk_o.syn_sent_ack = 1'b1;
                chk_o.ack_now = 1'b1;
                chk_o.rest = 1'b1;
                chk_o.seq = seq + 32'd1;
                chk_o.text = ev_i.pay_len;
                chk_o.fin = f_fin;
                chk_o.urg = ev_i.flags[tiptoe_pkg::B_URG] && ev_i.up;
              end
            end else begin
              chk_o.reason = tiptoe_pkg::R_NO_SYN;
            end

          // ------------------------------------------------- 3: the other states (RFC 9293 3.10.7.4)
          end else begin
            chk_o.run_c = 1'b1;

            // 3.0 Simultaneous open completes (RFC 9293 Figure 7): the SYN has been received already.
            simultaneous = rec_i.state == tiptoe_pkg::SYN_RECEIVED && f_syn && f_ack && !f_rst && seq == rec_i.irs &&
                           seg_ack == rec_i.snd_nxt && !rec_i.passive;
            syn = f_syn && !simultaneous;
            if (simultaneous) begin
              seq = seq + 32'd1;
              len = len - 32'd1;
            end
            // 3.0 A new incarnation from TIME_WAIT (RFC 9293 3.6.1 MAY-2, RFC 6191)
            reuse = rec_i.state == tiptoe_pkg::TIME_WAIT && f_syn && !f_ack && !f_rst &&
                    cfg_i.features[tiptoe_pkg::FT_TW_REUSE] && ev_i.lsn_hit && ev_i.lsn_room && !ev_i.evt_pending &&
                    !rec_i.tx_busy && !rec_i.rx_busy && !rec_i.unaccepted && tiptoe_pkg::seq_le(rec_i.rcv_nxt, seq);

            // 3.1 Sequence (RFC 9293 Table 6)
            in_wnd = seq - rec_i.rcv_nxt < wnd;
            if (len == '0) acceptable = (wnd == '0) ? seq == rec_i.rcv_nxt : in_wnd;
            else acceptable = wnd != '0 && (in_wnd || rec_i.rcv_nxt - seq < len);   // starts in it, or left of it and reaches it

            // A SYN outside the window is not acceptable whatever else it carries (3.3).
            unusable = !acceptable || syn;
            // RFC 9293 3.10.7.4: with a closed window valid ACKs are still processed.
            allowance = wnd == '0 && text != '0 && seq == rec_i.rcv_nxt;
            ack_ok = tiptoe_pkg::seq_le(rec_i.snd_una - rec_i.max_snd_wnd, seg_ack) &&
                     tiptoe_pkg::seq_le(seg_ack, rec_i.snd_nxt);

            if (reuse) begin
              chk_o.create_pas = 1'b1;
              chk_o.reuse = 1'b1;
            end else begin
              chk_o.keep_rearm = dl_i.keep.armed;
              chk_o.fw2_rearm = rec_i.state == tiptoe_pkg::FIN_WAIT_2 && dl_i.lingr.armed;

              // 3.2 RST (RFC 9293 3.10.7.4 second, RFC 5961 3, RFC 1337)
              if (f_rst) begin
                if (!(seq == rec_i.rcv_nxt || in_wnd)) begin
                  chk_o.reason = tiptoe_pkg::R_RST_IGNORED;
                end else if (rec_i.state == tiptoe_pkg::TIME_WAIT && cfg_i.features[tiptoe_pkg::FT_RFC1337] &&
                             (seq == rec_i.rcv_nxt || !rst5961)) begin
                  chk_o.reason = tiptoe_pkg::R_RST_IGNORED;
                end else if (rst5961 && seq != rec_i.rcv_nxt) begin
                  chk_o.challenge = 1'b1;
                  chk_o.reason = tiptoe_pkg::R_CHALLENGE;
                end else begin
                  reset = 1'b1;
                end

              // 3.3 SYN (RFC 9293 3.10.7.4 fourth, RFC 5961 4)
              end else if (syn && (rec_i.state == tiptoe_pkg::SYN_RECEIVED ? in_wnd : (syn5961 || in_wnd))) begin
                if (rec_i.state == tiptoe_pkg::SYN_RECEIVED && rec_i.passive) begin
                  chk_o.del = 1'b1;
                  chk_o.reason = tiptoe_pkg::R_SYN_BACK_TO_LISTEN;
                end else if (syn5961) begin
                  chk_o.challenge = 1'b1;
                  chk_o.reason = tiptoe_pkg::R_CHALLENGE;
                end else begin
                  reset_by_syn = 1'b1;
                end

              end else begin
                // 3.4 Not acceptable (RFC 9293 3.10.7.4 first)
                if (unusable) begin
                  chk_o.reason = tiptoe_pkg::R_OUT_OF_WINDOW;
                  if (len != '0) chk_o.ack_now = 1'b1;
                  else chk_o.challenge = 1'b1;
                  chk_o.wait_rearm = rec_i.state == tiptoe_pkg::TIME_WAIT && f_fin && seq + len == rec_i.rcv_nxt;
                end
                if (!unusable || allowance) begin
                  chk_o.seq = seq;
                  chk_o.text = unusable ? '0 : ev_i.pay_len;
                  chk_o.fin = f_fin && !unusable;

                  // 3.5 ACK (RFC 9293 3.10.7.4 fifth)
                  if (!f_ack) begin
                    chk_o.reason = tiptoe_pkg::R_NO_ACK;
                  end else if (ack5961 && !ack_ok) begin                            // RFC 5961 5
                    chk_o.challenge = 1'b1;
                    chk_o.reason = tiptoe_pkg::R_CHALLENGE;
                  end else if (rec_i.state == tiptoe_pkg::SYN_RECEIVED) begin
                    if (tiptoe_pkg::seq_lt(rec_i.snd_una, seg_ack) && tiptoe_pkg::seq_le(seg_ack, rec_i.snd_nxt)) begin
                      chk_o.sr_ack = 1'b1;
                      chk_o.rest = 1'b1;
                    end else begin
                      chk_o.reason = tiptoe_pkg::R_BAD_ACK;
                      chk_o.reply = 1'b1;
                      chk_o.reply_seq = seg_ack;
                      chk_o.reply_flags = tiptoe_pkg::F_RST;
                    end
                  end else if (tiptoe_pkg::seq_lt(rec_i.snd_nxt, seg_ack)) begin
                    chk_o.challenge = 1'b1;
                    chk_o.reason = tiptoe_pkg::R_BAD_ACK;
                  end else begin
                    chk_o.new_ack = tiptoe_pkg::seq_lt(rec_i.snd_una, seg_ack);
                    // 5.3 (RFC 5681 2)
                    chk_o.dup_ack = flight != '0 && ev_i.pay_len == '0 && !f_fin && !f_syn &&
                                    seg_ack == rec_i.snd_una && {16'd0, ev_i.wnd} == rec_i.snd_wnd;
                    chk_o.wnd_chk = tiptoe_pkg::seq_le(rec_i.snd_una, seg_ack);
                    chk_o.wnd_upd = chk_o.wnd_chk &&
                                    (tiptoe_pkg::seq_lt(rec_i.snd_wl1, seq) ||
                                     (rec_i.snd_wl1 == seq && tiptoe_pkg::seq_le(rec_i.snd_wl2, seg_ack)));
                    chk_o.own_fin = rec_i.fin_queued && seg_ack == rec_i.snd_end + 32'd1 &&
                                    rec_i.snd_nxt == rec_i.snd_end + 32'd1;
                    if (chk_o.own_fin && rec_i.state == tiptoe_pkg::LAST_ACK) begin
                      chk_o.del = 1'b1;
                      chk_o.evt = tiptoe_pkg::E_CLOSED;
                      chk_o.reason = tiptoe_pkg::R_NONE;
                    end else begin
                      chk_o.rest = 1'b1;
                    end
                  end
                  chk_o.urg = chk_o.rest && ev_i.flags[tiptoe_pkg::B_URG] && ev_i.up;
                end
              end
            end

            if (reset) begin
              chk_o.del = 1'b1;
              chk_o.reason = tiptoe_pkg::R_RESET;
              case (rec_i.state)
                tiptoe_pkg::SYN_RECEIVED: begin
                  if (!rec_i.passive) chk_o.evt = tiptoe_pkg::E_REFUSED | tiptoe_pkg::E_CLOSED;
                end
                tiptoe_pkg::ESTABLISHED, tiptoe_pkg::CLOSE_WAIT: begin
                  chk_o.evt = tiptoe_pkg::E_RESET | tiptoe_pkg::E_CLOSED;
                end
                tiptoe_pkg::FIN_WAIT_1, tiptoe_pkg::FIN_WAIT_2: chk_o.evt = tiptoe_pkg::E_RESET | tiptoe_pkg::E_CLOSED;
                tiptoe_pkg::CLOSING, tiptoe_pkg::LAST_ACK: chk_o.evt = tiptoe_pkg::E_CLOSED;
                default: ;
              endcase
            end
            if (reset_by_syn) begin
              chk_o.del = 1'b1;
              chk_o.reason = tiptoe_pkg::R_RESET;
              if (rec_i.state != tiptoe_pkg::TIME_WAIT) chk_o.evt = tiptoe_pkg::E_RESET | tiptoe_pkg::E_CLOSED;
              chk_o.reply = 1'b1;
              chk_o.reply_seq = f_ack ? seg_ack : '0;
              chk_o.reply_ack = f_ack ? '0 : seq + len;
              chk_o.reply_flags = f_ack ? tiptoe_pkg::F_RST : tiptoe_pkg::F_RST | tiptoe_pkg::F_ACK;
            end
          end
        end

        // =============================================================================================== TMR (4c)
        tiptoe_pkg::SRC_TMR: begin
          case (ev_i.timer)
            tiptoe_pkg::T_RTX: timer = dl_i.rtx;
            tiptoe_pkg::T_DACK: timer = dl_i.dack;
            tiptoe_pkg::T_KEEP: timer = dl_i.keep;
            tiptoe_pkg::T_WAIT: timer = dl_i.lingr;
            default: timer = dl_i.user;
          endcase
          if (orphan) begin
            chk_o.reason = tiptoe_pkg::R_ORPHAN;
          end else if (timer.armed && timer.at <= ev_i.now) begin
            chk_o.tmr = 1'b1;
            chk_o.run_c = 1'b1;
            case (ev_i.timer)
              tiptoe_pkg::T_RTX: begin                                              // RFC 6298 5.4-5.6
                if ({27'd0, rec_i.rtx_cnt} >= (syn_state && !rec_i.persist ? cfg_i.syn_retries : cfg_i.data_retries)) begin
                  chk_o.del = 1'b1;
                  chk_o.evt = tiptoe_pkg::E_TIMEOUT | tiptoe_pkg::E_CLOSED;
                end else if (rec_i.persist) begin                                   // RFC 9293 3.8.6.1
                  chk_o.probe_fire = 1'b1;
                end else begin
                  chk_o.rtx_fire = 1'b1;
                end
              end
              tiptoe_pkg::T_DACK: chk_o.ack_now = 1'b1;
              tiptoe_pkg::T_KEEP: begin                                             // RFC 9293 3.8.4
                if (rec_i.state == tiptoe_pkg::ESTABLISHED || rec_i.state == tiptoe_pkg::CLOSE_WAIT ||
                    rec_i.state == tiptoe_pkg::FIN_WAIT_1 || rec_i.state == tiptoe_pkg::FIN_WAIT_2) begin
                  if (flight != '0) begin
                    chk_o.keep_idle = 1'b1;
                  end else if ({28'd0, rec_i.keep_cnt} >= cfg_i.keep_probes) begin
                    chk_o.del = 1'b1;
                    chk_o.evt = tiptoe_pkg::E_TIMEOUT | tiptoe_pkg::E_CLOSED;
                  end else begin
                    chk_o.keep_probe = 1'b1;
                    chk_o.reply = 1'b1;
                    chk_o.reply_seq = rec_i.snd_nxt - 32'd1;
                    chk_o.reply_ack = rec_i.rcv_nxt;
                    chk_o.reply_flags = tiptoe_pkg::F_ACK;
                    chk_o.reply_wnd = rec_i.rcv_adv[15:0] - rec_i.rcv_nxt[15:0];
                  end
                end
              end
              tiptoe_pkg::T_WAIT: begin
                if (rec_i.state == tiptoe_pkg::TIME_WAIT) begin
                  chk_o.del = 1'b1;
                end else if (rec_i.state == tiptoe_pkg::FIN_WAIT_2) begin
                  chk_o.del = 1'b1;
                  chk_o.evt = tiptoe_pkg::E_TIMEOUT | tiptoe_pkg::E_CLOSED;
                end else begin
                  chk_o.accept_check = rec_i.unaccepted;
                end
              end
              default: begin                                                        // user timeout, RFC 9293 3.10.8
                chk_o.del = 1'b1;
                chk_o.evt = tiptoe_pkg::E_TIMEOUT | tiptoe_pkg::E_CLOSED;
                if (rec_i.state == tiptoe_pkg::ESTABLISHED || rec_i.state == tiptoe_pkg::CLOSE_WAIT ||
                    rec_i.state == tiptoe_pkg::FIN_WAIT_1 || rec_i.state == tiptoe_pkg::FIN_WAIT_2 ||
                    rec_i.state == tiptoe_pkg::SYN_RECEIVED) begin
                  chk_o.reply = 1'b1;
                  chk_o.reply_seq = rec_i.snd_nxt;
                  chk_o.reply_ack = rec_i.rcv_nxt;
                  chk_o.reply_flags = tiptoe_pkg::F_RST | tiptoe_pkg::F_ACK;
                end
              end
            endcase
          end
        end

        // =============================================================================================== CMD (4a)
        tiptoe_pkg::SRC_CMD: begin
          from_listener = ev_i.op == tiptoe_pkg::OP_SEND || ev_i.cflags[tiptoe_pkg::CF_FROM_LISTENER];
          if (ev_i.op == 4'd0 || ev_i.op > tiptoe_pkg::OP_SETOPT) begin
            chk_o.status = tiptoe_pkg::ST_INVALID;

          end else if (ev_i.op == tiptoe_pkg::OP_OPEN_PASSIVE) begin
            lip_local = tiptoe_pkg::is_local(ev_i.tuple.lip,
                                             {cfg_i.local_ip3, cfg_i.local_ip2, cfg_i.local_ip1, cfg_i.local_ip0});
            if (ev_i.tuple.lport == '0 || (ev_i.tuple.lip != '0 && !lip_local) ||
                tiptoe_pkg::is_multicast(ev_i.tuple.rip)) chk_o.status = tiptoe_pkg::ST_INVALID;
            else if (ev_i.lsn_dup) chk_o.status = tiptoe_pkg::ST_EXISTS;
            else if (!ev_i.lsn_free) chk_o.status = tiptoe_pkg::ST_NO_RESOURCES;
            else chk_o.lsn_add = 1'b1;

          end else if (ev_i.opener) begin                                           // OPEN_ACTIVE, SEND on a listener
            if (from_listener && ev_i.handle[16] && !ev_i.lsn_ok)                    // gone, whatever else is wrong
              chk_o.status = tiptoe_pkg::ST_NO_CONNECTION;
            else if (ev_i.pre_status != tiptoe_pkg::ST_OK) chk_o.status = ev_i.pre_status;
            else if (ev_i.hit) chk_o.status = tiptoe_pkg::ST_EXISTS;
            else if (!ev_i.new_ok || !ev_i.cam_room || quiet) chk_o.status = tiptoe_pkg::ST_NO_RESOURCES;
            else begin
              chk_o.create_act = 1'b1;
              chk_o.run_c = 1'b1;
              chk_o.lsn_rem = from_listener;
              chk_o.handle_ok = 1'b1;
            end

          end else if (ev_i.op == tiptoe_pkg::OP_ACCEPT) begin
            if (!ev_i.handle[16]) chk_o.status = tiptoe_pkg::ST_INVALID;
            else if (!ev_i.lsn_ok) chk_o.status = tiptoe_pkg::ST_NO_CONNECTION;
            else if (!ev_i.aq_valid) chk_o.status = tiptoe_pkg::ST_WOULD_BLOCK;
            else if (rec_i.state == tiptoe_pkg::CLOSED || rec_i.gen != ev_i.aq_handle[15:10])
              chk_o.status = tiptoe_pkg::ST_ABORTED;
            else begin
              chk_o.accept = 1'b1;
              chk_o.run_c = 1'b1;
              chk_o.handle_ok = 1'b1;
            end

          end else if (ev_i.handle[16]) begin                                       // on a listener
            if (ev_i.op == tiptoe_pkg::OP_RECEIVE || ev_i.op == tiptoe_pkg::OP_SETOPT)
              chk_o.status = tiptoe_pkg::ST_INVALID;
            else if (!ev_i.lsn_ok) chk_o.status = tiptoe_pkg::ST_NO_CONNECTION;
            else chk_o.lsn_rem = ev_i.op != tiptoe_pkg::OP_STATUS;

          end else if (!ev_i.has_conn || rec_i.state == tiptoe_pkg::CLOSED || rec_i.gen != ev_i.handle[15:10] ||
                       rec_i.unaccepted) begin
            chk_o.status = tiptoe_pkg::ST_NO_CONNECTION;

          end else begin                                                            // on a connection
            chk_o.run_c = 1'b1;
            chk_o.handle_ok = 1'b1;
            case (ev_i.op)
              tiptoe_pkg::OP_SEND: begin
                room = TX_SIZE - (rec_i.snd_end - (rec_i.syn_out ? rec_i.iss + 32'd1 : rec_i.snd_una));
                if (!(syn_state || tiptoe_pkg::estab(rec_i.state)) || rec_i.fin_queued)
                  chk_o.status = tiptoe_pkg::ST_CLOSING;
                else if (rec_i.tx_busy || room == '0) chk_o.status = tiptoe_pkg::ST_WOULD_BLOCK;
                else if (ev_i.len != '0) begin
                  chk_o.send = 1'b1;
                  chk_o.n = 17'(tiptoe_pkg::min32(ev_i.len, room));
                end
              end
              tiptoe_pkg::OP_RECEIVE: begin
                avail = rec_i.rcv_nxt - rec_i.rcv_user - {31'd0, tiptoe_pkg::fin_seen(rec_i.state)};
                if (syn_state || rec_i.rx_busy) chk_o.status = tiptoe_pkg::ST_WOULD_BLOCK;
                else if (avail == '0) chk_o.status = tiptoe_pkg::fin_seen(rec_i.state) ? tiptoe_pkg::ST_CLOSING
                                                                                      : tiptoe_pkg::ST_WOULD_BLOCK;
                else if (ev_i.len != '0) begin
                  chk_o.recv = 1'b1;
                  chk_o.n = 17'(tiptoe_pkg::min32(ev_i.len, avail));
                end
              end
              tiptoe_pkg::OP_CLOSE: begin                                           // RFC 9293 3.10.4
                case (rec_i.state)
                  tiptoe_pkg::SYN_SENT: begin
                    chk_o.del = 1'b1;
                    chk_o.evt = tiptoe_pkg::E_CLOSED;
                  end
                  tiptoe_pkg::SYN_RECEIVED: begin
                    if (rec_i.fin_queued) chk_o.status = tiptoe_pkg::ST_CLOSING;
                    else chk_o.close = 1'b1;
                  end
                  tiptoe_pkg::ESTABLISHED, tiptoe_pkg::CLOSE_WAIT: chk_o.close = 1'b1;
                  default: chk_o.status = tiptoe_pkg::ST_CLOSING;
                endcase
              end
              tiptoe_pkg::OP_ABORT: begin                                           // RFC 9293 3.10.5
                chk_o.del = 1'b1;
                if (rec_i.state != tiptoe_pkg::TIME_WAIT) chk_o.evt = tiptoe_pkg::E_CLOSED;
                if (rec_i.state == tiptoe_pkg::SYN_RECEIVED || rec_i.state == tiptoe_pkg::ESTABLISHED ||
                    rec_i.state == tiptoe_pkg::FIN_WAIT_1 || rec_i.state == tiptoe_pkg::FIN_WAIT_2 ||
                    rec_i.state == tiptoe_pkg::CLOSE_WAIT) begin
                  chk_o.reply = 1'b1;
                  chk_o.reply_seq = rec_i.snd_nxt;
                  chk_o.reply_ack = rec_i.rcv_nxt;
                  chk_o.reply_flags = tiptoe_pkg::F_RST | tiptoe_pkg::F_ACK;
                end
              end
              tiptoe_pkg::OP_SETOPT: chk_o.setopt = 1'b1;
              default: ;                                                            // STATUS
            endcase
          end
        end

        // =============================================================================================== 4b
        tiptoe_pkg::SRC_TXD: begin
          if (rec_i.gen == ev_i.handle[15:10]) begin
            chk_o.txd = 1'b1;
            chk_o.rel = rec_i.state == tiptoe_pkg::CLOSED && !rec_i.rx_busy;
            chk_o.run_c = rec_i.state != tiptoe_pkg::CLOSED;
          end
        end
        tiptoe_pkg::SRC_RXD: begin
          if (rec_i.gen == ev_i.handle[15:10]) begin
            chk_o.rxd = 1'b1;
            chk_o.rel = rec_i.state == tiptoe_pkg::CLOSED && !rec_i.tx_busy;
            chk_o.run_c = rec_i.state != tiptoe_pkg::CLOSED;
          end
        end
        default: begin                                                              // OUT
          if (orphan) chk_o.reason = tiptoe_pkg::R_ORPHAN;
          else chk_o.run_c = rec_i.state != tiptoe_pkg::CLOSED;
        end
      endcase

      // 4a Orphans: the listener is gone, nobody will ever accept the connection.
      if (chk_o.reason == tiptoe_pkg::R_ORPHAN) begin
        chk_o.del = 1'b1;
        chk_o.reply = 1'b1;
        chk_o.reply_seq = rec_i.snd_nxt;
        chk_o.reply_ack = rec_i.rcv_nxt;
        chk_o.reply_flags = tiptoe_pkg::F_RST | tiptoe_pkg::F_ACK;
      end
    end
  end

endmodule
