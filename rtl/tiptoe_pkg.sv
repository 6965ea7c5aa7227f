// SPDX-License-Identifier: Apache-2.0
// What the control side has in common: the connection record bit by bit (microarchitecture 8.3), events, what the
// pipeline stages hand to each other, configuration, constants. Widths are those of the largest parameter set.
package tiptoe_pkg;

  // A package offers names; that one of them is not used in some build is no defect.
  /* verilator lint_off UNUSEDPARAM */

  // ---- fixed sizes (microarchitecture 2) ----
  localparam int unsigned IDX_W = 10;         // connection index
  localparam int unsigned GEN_W = 6;          // generation of a connection handle
  localparam int unsigned LSN_W = 5;          // listener index
  localparam int unsigned BACKLOG_MAX = 16;
  localparam int unsigned RECORD_W = 1310;    // $bits(conn_t), asserted in tiptoe_pipeline
  localparam int unsigned DEADLINE_W = 245;   // $bits(deadlines_t), asserted in tiptoe_pipeline
  localparam int unsigned SOURCES = 6;

  // ---- event sources (8.1) ----
  localparam logic [2:0] SRC_TMR = 3'd0, SRC_SEG = 3'd1, SRC_CMD = 3'd2, SRC_TXD = 3'd3, SRC_RXD = 3'd4, SRC_OUT = 3'd5;

  // ---- states (8.3) ----
  typedef enum logic [3:0] {
    CLOSED       = 4'd0,
    LISTEN       = 4'd1,
    SYN_SENT     = 4'd2,
    SYN_RECEIVED = 4'd3,
    ESTABLISHED  = 4'd4,
    FIN_WAIT_1   = 4'd5,
    FIN_WAIT_2   = 4'd6,
    CLOSE_WAIT   = 4'd7,
    CLOSING      = 4'd8,
    LAST_ACK     = 4'd9,
    TIME_WAIT    = 4'd10
  } state_e;

  // ---- TCP header flags ----
  localparam logic [7:0] F_FIN = 8'h01, F_SYN = 8'h02, F_RST = 8'h04, F_PSH = 8'h08, F_ACK = 8'h10, F_URG = 8'h20;
  localparam int unsigned B_FIN = 0, B_SYN = 1, B_RST = 2, B_ACK = 4, B_URG = 5;

  // ---- host commands, their flags and status codes (3, 9) ----
  localparam logic [3:0] OP_OPEN_PASSIVE = 4'd1, OP_OPEN_ACTIVE = 4'd2, OP_SEND = 4'd3, OP_RECEIVE = 4'd4,
                         OP_CLOSE = 4'd5, OP_ABORT = 4'd6, OP_STATUS = 4'd7, OP_ACCEPT = 4'd8, OP_SETOPT = 4'd9;
  localparam int unsigned CF_NODELAY = 0, CF_KEEPALIVE = 1, CF_HALF = 2, CF_FROM_LISTENER = 3;
  localparam logic [3:0] ST_OK = 4'd0, ST_NO_CONNECTION = 4'd1, ST_EXISTS = 4'd2, ST_NO_RESOURCES = 4'd3,
                         ST_CLOSING = 4'd4, ST_REMOTE_UNSPECIFIED = 4'd5, ST_INVALID = 4'd6, ST_WOULD_BLOCK = 4'd7,
                         ST_ABORTED = 4'd8;

  // ---- notification flags (10) ----
  localparam logic [11:0] E_CONNECTED = 12'h001, E_READABLE = 12'h002, E_PEER_FIN = 12'h004, E_SPACE = 12'h008,
                          E_CLOSED = 12'h010, E_RESET = 12'h020, E_REFUSED = 12'h040, E_TIMEOUT = 12'h080,
                          E_SOFT = 12'h100, E_ACCEPT = 12'h200, E_URGENT = 12'h400;

  // ---- retire reasons beyond the parser's drop reasons (connection-processing) ----
  localparam logic [4:0] R_NONE = 5'd0, R_QUIET = 5'd16, R_NO_CONNECTION = 5'd17, R_BACKLOG = 5'd18,
                         R_TABLE_FULL = 5'd19, R_CAM_FULL = 5'd20, R_BAD_ACK = 5'd21, R_RESET = 5'd22,
                         R_RST_IGNORED = 5'd23, R_NO_SYN = 5'd24, R_CHALLENGE = 5'd25, R_SYN_BACK_TO_LISTEN = 5'd26,
                         R_OUT_OF_WINDOW = 5'd27, R_NO_ACK = 5'd28, R_OOO_FULL = 5'd29, R_ORPHAN = 5'd30;

  // ---- timers (8.3) ----
  localparam logic [2:0] T_RTX = 3'd0, T_DACK = 3'd1, T_KEEP = 3'd2, T_WAIT = 3'd3, T_USER = 3'd4;

  // ---- FEATURES register (12) ----
  localparam int unsigned FT_RST5961 = 0, FT_SYN5961 = 1, FT_ACK5961 = 2, FT_RFC1337 = 3, FT_TW_REUSE = 4, FT_DELACK = 5,
                          FT_DF = 6, FT_FIXED_ISS = 7;

  // A connection that waits for ACCEPT looks every so many microseconds whether its listener is still there (4a, 4c).
  localparam logic [47:0] ACCEPT_CHECK = 48'd1 << 20;

  // cwnd and the initial ssthresh are limited to this (1.1, 5.2).
  localparam logic [31:0] CWND_MAX = 32'h3fff_ffff;

  // ---- connection record (8.3) ----
  typedef struct packed {
    logic        valid;
    logic [31:0] first;   // start: first octet of the range
    logic [31:0] last;    // end: one past its last octet
  } range_t;

  typedef struct packed {
    state_e      state;
    logic [5:0]  gen;
    logic        passive;
    logic        unaccepted;
    logic [4:0]  lsn_idx;
    logic [3:0]  lsn_gen;
    logic        nodelay;
    logic        keepalive;
    logic        half;
    logic        tx_busy;
    logic        rx_busy;
    logic [31:0] lip;
    logic [15:0] lport;
    logic [31:0] rip;
    logic [15:0] rport;
    logic [31:0] iss;
    logic [31:0] irs;
    logic [31:0] snd_una;
    logic [31:0] snd_nxt;
    logic [31:0] rtx_nxt;
    logic [31:0] snd_end;
    logic [31:0] snd_wnd;
    logic [31:0] snd_wl1;
    logic [31:0] snd_wl2;
    logic [31:0] max_snd_wnd;
    logic [15:0] snd_mss;
    logic        syn_out;
    logic        fin_queued;
    logic        persist;
    logic [31:0] cwnd;
    logic [31:0] ssthresh;
    logic [31:0] ca_acc;
    logic [31:0] recover;
    logic [31:0] lt_nxt;      // snd_nxt at the first duplicate ACK
    logic [47:0] last_sent;   // when text or a FIN was sent last
    logic [2:0]  dupacks;
    logic        in_recovery;
    logic [31:0] rcv_nxt;
    logic [31:0] rcv_adv;
    logic [31:0] rcv_user;
    logic [31:0] rcv_free;
    range_t      ooo0;
    range_t      ooo1;
    range_t      ooo2;
    range_t      ooo3;
    logic        fin_pend;
    logic [31:0] fin_seq;
    logic [31:0] srtt;
    logic [31:0] rttvar;
    logic [31:0] rto;
    logic        rtt_valid;
    logic        rtt_on;
    logic [31:0] rtt_seq;
    logic [31:0] rtt_start;
    logic [4:0]  rtx_cnt;
    logic [3:0]  persist_exp;
    logic        syn_rtx;
    logic [3:0]  keep_cnt;
    logic [7:0]  ch_cnt;
    logic [31:0] ch_start;
  } conn_t;

  typedef struct packed {
    logic        armed;
    logic [47:0] at;      // 0 when not armed
  } deadline_t;

  typedef struct packed {
    deadline_t rtx;
    deadline_t dack;
    deadline_t keep;
    deadline_t lingr;     // WAIT: 2 MSL in TIME_WAIT, FW2_TIMEOUT in FIN_WAIT_2, ACCEPT_CHECK before ACCEPT
    deadline_t user;
  } deadlines_t;

  // ---- configuration: the writable registers (12) ----
  typedef struct packed {
    logic [31:0] local_ip0;
    logic [31:0] local_ip1;
    logic [31:0] local_ip2;
    logic [31:0] local_ip3;
    logic [15:0] mtu;
    logic [7:0]  ttl;
    logic [7:0]  tos;
    logic [31:0] features;
    logic [31:0] rto_init;
    logic [31:0] rto_min;
    logic [31:0] rto_max;
    logic [31:0] syn_rto;
    logic [31:0] syn_backoff;
    logic [31:0] syn_retries;
    logic [31:0] data_retries;
    logic [31:0] r1;
    logic [31:0] dack;
    logic [31:0] msl;
    logic [31:0] fw2_timeout;
    logic [31:0] keep_idle_s;
    logic [31:0] keep_intvl_s;
    logic [31:0] keep_probes;
    logic [31:0] user_timeout;
    logic [31:0] open_timeout;
    logic [31:0] quiet;
    logic [31:0] ch_limit;
    logic [31:0] ch_window;
    logic [31:0] iw_segs;
    logic [31:0] cam_key;
    logic [31:0] isn_key3;
    logic [31:0] isn_key2;
    logic [31:0] isn_key1;
    logic [31:0] isn_key0;
  } cfg_t;

  // ---- 4-tuple ----
  typedef struct packed {
    logic [31:0] lip;
    logic [15:0] lport;
    logic [31:0] rip;
    logic [15:0] rport;
  } tuple_t;

  // ---- event: what a grant puts into READ (8.1) ----
  typedef struct packed {
    logic [2:0]  kind;        // SRC_*
    logic        has_conn;
    logic [9:0]  idx;
    logic        creator;
    logic [47:0] now;         // now_us of the grant cycle
    // SEG and CMD OPEN_ACTIVE
    tuple_t      tuple;
    logic [31:0] isn_hash;
    logic        hit;         // CAM lookup
    logic        cam_room;
    logic        new_ok;      // sampled: a free connection exists, new_idx is its index
    // SEG
    logic [3:0]  drop;        // parser's drop reason
    logic [2:0]  slot;
    logic [31:0] seq;
    logic [31:0] ack;
    logic [15:0] wnd;
    logic        up;          // SEG.UP > 0
    logic [7:0]  flags;
    logic [10:0] pay_off;
    logic [10:0] pay_len;
    logic        mss_valid;
    logic [15:0] mss;
    logic        lsn_hit;
    logic [4:0]  lsn_idx;
    logic [3:0]  lsn_gen;
    logic        lsn_room;    // sampled: entry valid, same generation, count < backlog
    logic        evt_pending; // sampled: a notification of this connection is queued
    // CMD (handle and len also TXD, RXD)
    logic [3:0]  op;
    logic [7:0]  tag;
    logic [16:0] handle;
    logic [7:0]  cflags;
    logic [31:0] len;
    logic        opener;      // OPEN_ACTIVE, or SEND on a listener handle
    logic [3:0]  pre_status;  // opener: argument check of the front end
    logic        lsn_ok;      // sampled: the listener handle names a valid entry
    logic        lsn_free;    // sampled: a free listener entry exists ...
    logic [4:0]  lsn_new;     // ... lowest one
    logic [3:0]  lsn_new_gen; // ... its generation
    logic        lsn_dup;     // sampled: the same four addresses are listened on
    logic        aq_valid;    // sampled: accept queue not empty
    logic [15:0] aq_handle;   // sampled: its head
    logic [4:0]  aq_len;      // sampled: its length
    // TMR
    logic [2:0]  timer;
  } event_t;

  // ---- counters (12): one bit per counter that this event increments ----
  typedef struct packed {
    logic active_opens;
    logic passive_opens;
    logic attempt_fails;
    logic estab_resets;
    logic challenge_acks;
    logic challenge_limited;
    logic listen_drops;
    logic table_full;
    logic cam_full;
    logic ooo_drops;
  } count_t;

  // ---- CHECK -> UPDATE: what is to be done ----
  typedef struct packed {
    logic        run_c;        // section 8 (output) runs
    logic [4:0]  reason;
    logic        create_pas;   // 1.1, also for the re-creation of a TIME_WAIT connection
    logic        create_act;
    logic        reuse;        // with create_pas: in place, next generation, no CAM change
    logic        del;          // 7
    logic        rel;          // CLOSED record loses its last busy bit: release
    logic [11:0] evt;
    logic        reply;
    logic [31:0] reply_seq;
    logic [31:0] reply_ack;
    logic [7:0]  reply_flags;
    logic [15:0] reply_wnd;
    logic        ack_now;
    logic        challenge;    // 6
    // SEG: sequence number of the first text octet, text and FIN that count
    logic [31:0] seq;
    logic [10:0] text;
    logic        fin;
    logic        syn_sent_syn; // 2 step 3
    logic        syn_sent_ack; // ... with ACK: enter ESTABLISHED
    logic        sr_ack;       // 3.5, acceptable ACK in SYN_RECEIVED
    logic        new_ack;      // 5.2
    logic        dup_ack;      // 5.3
    logic        wnd_chk;      // 3.5 window: snd_una (before) <= SEG.ACK
    logic        wnd_upd;      // ... and the segment is not older than WL1, WL2
    logic        own_fin;      // 3.5 own FIN acknowledged
    logic        urg;          // 3.6
    logic        rest;         // 3.7, 3.8
    logic        keep_rearm;   // 3.0
    logic        fw2_rearm;    // 3.0
    logic        wait_rearm;   // arm WAIT at now + 2 MSL (3.4, 3.8)
    // TMR
    logic        tmr;          // the timer has expired: disarm it and act
    logic        rtx_fire;     // 4c RTX, persist = 0
    logic        probe_fire;   // 4c RTX, persist = 1
    logic        accept_check; // 4c WAIT: not accepted yet, arm again
    logic        keep_idle;    // 4c KEEP: arm at now + KEEP_IDLE
    logic        keep_probe;   // 4c KEEP: probe sent, arm at now + KEEP_INTVL
    // CMD, TXD, RXD
    logic [3:0]  status;
    logic        handle_ok;    // the handle names this live record
    logic [16:0] n;            // granted octets
    logic        send;
    logic        recv;
    logic        close;        // fin_queued := 1, state moves, half := flag
    logic        setopt;
    logic        accept;
    logic        txd;
    logic        rxd;
    logic        lsn_add;
    logic        lsn_rem;
    count_t      cnt;
  } check_t;

  // ---- UPDATE -> OUTPUT ----
  typedef struct packed {
    logic        run_c;
    logic [4:0]  reason;
    logic        created;      // take the free index
    logic        reuse;
    logic        passive;      // with created or reuse: backlog count + 1
    logic        del;
    logic        rel;          // release the index
    logic        estab_old;    // ESTABLISHED or CLOSE_WAIT when read
    logic        was_syn_rcvd; // SYN_RECEIVED when read
    logic [5:0]  gen;          // generation that the host knows
    logic [11:0] evt;
    logic        reply;
    logic [31:0] reply_seq;
    logic [31:0] reply_ack;
    logic [7:0]  reply_flags;
    logic [15:0] reply_wnd;
    logic        ack_now;
    logic        rtx_one;
    logic        probe;
    logic        aq_push;
    logic [10:0] mv_off;
    logic [10:0] mv_len;
    logic [31:0] mv_seq;
    logic [3:0]  status;
    logic        handle_ok;
    logic [16:0] n;
    logic        send;
    logic        recv;
    logic [31:0] base;         // of a granted SEND or RECEIVE
    logic        accept;
    logic        lsn_add;
    logic        lsn_rem;
    count_t      cnt;
  } update_t;

  // ---- response (9) ----
  typedef struct packed {
    logic [7:0]  tag;
    logic [3:0]  op;
    logic [3:0]  status;
    logic [16:0] handle;
    logic [31:0] len;
    logic [3:0]  state;
    logic [31:0] avail;
    logic [31:0] room;
  } rsp_t;

  // ---- OUTPUT -> COMMIT: side effects (8.4); record, deadlines, response and datapath commands travel beside ----
  typedef struct packed {
    logic        cam_ins;
    logic        cam_del;
    logic        take;        // free list
    logic        rel;
    logic        lsn_add;
    logic        lsn_rem;
    logic [4:0]  lsn_idx;     // of add, remove, count, push
    logic [3:0]  lsn_gen;     // of count and push
    logic [4:0]  backlog;     // of add
    logic        cnt_up;      // backlog count
    logic        cnt_down;
    logic        aq_push;
    logic [15:0] handle;      // of the connection as the host knows it
    logic        tx_push;
    logic        mv_push;
    logic        wr_push;
    logic        rd_push;
    logic        rsp_push;
    logic [11:0] evt;
    logic        unaccepted;  // notifications are held
    logic        accepted;    // hold ends
    logic        outq_push;
    logic [4:0]  reason;
    count_t      cnt;
    logic        seg;         // event was a SEG
    logic        out_seg;     // a segment was sent, not of old octets only
    logic        retrans;
    logic        out_rst;
    logic        estab_up;    // CurrEstab
    logic        estab_down;
  } commit_t;

  /* verilator lint_on UNUSEDPARAM */

  // Names inside functions are qualified: Yosys 0.23 looks them up where the function is called.

  // ---- sequence arithmetic, modulo 2^32 (1) ----
  function automatic logic seq_lt(input logic [31:0] a, input logic [31:0] b);
    seq_lt = $signed(a - b) < 0;
  endfunction

  function automatic logic seq_le(input logic [31:0] a, input logic [31:0] b);
    seq_le = $signed(b - a) >= 0;
  endfunction

  function automatic logic [31:0] seq_max(input logic [31:0] a, input logic [31:0] b);
    seq_max = tiptoe_pkg::seq_lt(a, b) ? b : a;
  endfunction

  function automatic logic [31:0] seq_min(input logic [31:0] a, input logic [31:0] b);
    seq_min = tiptoe_pkg::seq_lt(b, a) ? b : a;
  endfunction

  function automatic logic [31:0] min32(input logic [31:0] a, input logic [31:0] b);
    min32 = (b < a) ? b : a;
  endfunction

  function automatic logic [31:0] max32(input logic [31:0] a, input logic [31:0] b);
    max32 = (b > a) ? b : a;
  endfunction

  // A deadline_t: armed at now + delay; deadlines have 48 bits.
  function automatic logic [48:0] arm(input logic [47:0] now, input logic [47:0] delay);
    arm = {1'b1, now + delay};
  endfunction

  function automatic logic [47:0] seconds(input logic [31:0] s);
    seconds = {16'b0, s} * 48'd1000000;
  endfunction

  // The FIN of the peer has been processed: it is counted in rcv_nxt.
  function automatic logic fin_seen(input tiptoe_pkg::state_e s);
    fin_seen = s == tiptoe_pkg::CLOSE_WAIT || s == tiptoe_pkg::CLOSING || s == tiptoe_pkg::LAST_ACK ||
               s == tiptoe_pkg::TIME_WAIT;
  endfunction

  function automatic logic estab(input tiptoe_pkg::state_e s);
    estab = s == tiptoe_pkg::ESTABLISHED || s == tiptoe_pkg::CLOSE_WAIT;
  endfunction

  // Functions take plain vectors only: Yosys 0.23 cannot resolve members of a structure inside a function.
  function automatic logic is_local(input logic [31:0] a, input logic [127:0] ips);
    is_local = a != '0 && (a == ips[31:0] || a == ips[63:32] || a == ips[95:64] || a == ips[127:96]);
  endfunction

  function automatic logic is_multicast(input logic [31:0] a);  // or reserved: >= 224.0.0.0
    is_multicast = a >= 32'he000_0000;
  endfunction

endpackage
