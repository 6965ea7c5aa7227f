// SPDX-License-Identifier: Apache-2.0
// The golden model as predictor and judge in a SystemVerilog bench (docs/dpi.md). Link libtiptoe_dpi.so or .a.
//
//   import tiptoe_dpi::*;
//   predictor judge = new("dut", "CONNS=64 TX_BUF_LOG2=14 RX_BUF_LOG2=14");
//   judge.set("LOCAL_IP0", 'h0a000001);
//   judge.push_beat(now_us, tdata, tkeep, tlast);      // what the device has accepted from the network ...
//   judge.observe_beat(now_us, tdata, tkeep, tlast);   // ... and what it sends
//   judge.finish();
//   if (judge.mismatches() != 0) $display("%s", judge.mismatch(0));
//
// Times are microseconds and do not go backwards. Beats: octet 0 in bits 7:0, keep contiguous from bit 0; a narrower bus
// is padded with zeros (assign it). Whatever the library refuses is an $error with its sentence.
package tiptoe_dpi;

  localparam int unsigned NONE = 32'hffff_ffff;  // no connection, no listener

  /* verilator lint_off UNUSEDPARAM */
  // Members of a record that count (fields).
  localparam int unsigned HAS_REASON = 1 << 0;
  localparam int unsigned HAS_STATE = 1 << 1;
  localparam int unsigned HAS_SENT = 1 << 2;
  localparam int unsigned HAS_STATE_BEFORE = 1 << 3;
  localparam int unsigned HAS_TUPLE = 1 << 4;
  localparam int unsigned HAS_FLAGS_OUT = 1 << 5;
  localparam int unsigned HAS_ISS = 1 << 6;
  localparam int unsigned HAS_IRS = 1 << 7;
  localparam int unsigned HAS_SND_UNA = 1 << 8;
  localparam int unsigned HAS_SND_NXT = 1 << 9;
  localparam int unsigned HAS_SND_WND = 1 << 10;
  localparam int unsigned HAS_RCV_NXT = 1 << 11;
  localparam int unsigned HAS_RCV_WND = 1 << 12;
  localparam int unsigned HAS_RTO = 1 << 13;
  /* verilator lint_on UNUSEDPARAM */

  // One retired event: kind 0 timer 1 segment 2 user call 3 SEND payload 4 RECEIVE payload 5 output; states as in
  // RFC 9293 from 0 CLOSED to 10 TIME_WAIT, 15 unknown; flags_out FIN 1 ... CWR 128. Values after the event.
  typedef struct {
    longint unsigned time_us;
    int unsigned kind;
    int unsigned fields;
    int unsigned connection;
    int unsigned local_ip;
    int unsigned local_port;
    int unsigned remote_ip;
    int unsigned remote_port;
    int unsigned state_before;
    int unsigned state;
    int unsigned reason;
    int unsigned sent;
    int unsigned flags_out;
    int unsigned iss;
    int unsigned irs;
    int unsigned snd_una;
    int unsigned snd_nxt;
    int unsigned snd_wnd;
    int unsigned rcv_nxt;
    int unsigned rcv_wnd;
    int unsigned rto;
  } record_t;

  // ---- the C functions; tiptoe_dpi.h says what each does ----
  import "DPI-C" function chandle tiptoe_dpi_create(input string name, input string parameters);
  import "DPI-C" function int tiptoe_dpi_destroy(input chandle p);
  import "DPI-C" function chandle tiptoe_dpi_find(input string name);
  import "DPI-C" function string tiptoe_dpi_last_error(input chandle p);
  import "DPI-C" function string tiptoe_dpi_version();
  import "DPI-C" function int tiptoe_dpi_reset(input chandle p, input longint unsigned seed);
  import "DPI-C" function int tiptoe_dpi_mode(input chandle p, input int compare, input int keep);
  import "DPI-C" function int tiptoe_dpi_set(input chandle p, input string name, input longint unsigned value);
  import "DPI-C" function int tiptoe_dpi_get(input chandle p, input string name, output longint unsigned value);
  import "DPI-C" function int tiptoe_dpi_rule(input chandle p, input string name, input longint unsigned value);
  import "DPI-C" function int tiptoe_dpi_set_fault(input chandle p, input string id);
  import "DPI-C" function int tiptoe_dpi_advance(input chandle p, input longint unsigned now_us);
  import "DPI-C" function int tiptoe_dpi_next_deadline(input chandle p, output longint unsigned us);
  import "DPI-C" function int tiptoe_dpi_push_beat(
    input chandle p, input longint unsigned now_us, input bit [511:0] data, input bit [63:0] keep,
    input byte unsigned last);
  import "DPI-C" function int tiptoe_dpi_observe_beat(
    input chandle p, input longint unsigned now_us, input bit [511:0] data, input bit [63:0] keep,
    input byte unsigned last);
  import "DPI-C" function int tiptoe_dpi_open_passive(
    input chandle p, input longint unsigned now_us, input int unsigned local_ip, input int unsigned local_port,
    input int unsigned remote_ip, input int unsigned remote_port, input int unsigned backlog,
    output int unsigned listener);
  import "DPI-C" function int tiptoe_dpi_open_active(
    input chandle p, input longint unsigned now_us, input int unsigned local_ip, input int unsigned local_port,
    input int unsigned remote_ip, input int unsigned remote_port, input byte unsigned nodelay,
    input byte unsigned keepalive, input int unsigned listener, output int unsigned connection);
  import "DPI-C" function int tiptoe_dpi_accept(
    input chandle p, input longint unsigned now_us, input int unsigned listener, output int unsigned connection);
  import "DPI-C" function int tiptoe_dpi_payload_octet(input chandle p, input byte unsigned octet);
  import "DPI-C" function int tiptoe_dpi_payload_beat(input chandle p, input bit [511:0] data, input bit [63:0] keep);
  import "DPI-C" function int tiptoe_dpi_send(
    input chandle p, input longint unsigned now_us, input int unsigned connection, output int unsigned taken);
  import "DPI-C" function int tiptoe_dpi_receive(
    input chandle p, input longint unsigned now_us, input int unsigned connection, input int unsigned most,
    output int unsigned length);
  import "DPI-C" function int tiptoe_dpi_close(
    input chandle p, input longint unsigned now_us, input int unsigned connection, input byte unsigned half);
  import "DPI-C" function int tiptoe_dpi_abort(
    input chandle p, input longint unsigned now_us, input int unsigned connection);
  import "DPI-C" function int tiptoe_dpi_status(
    input chandle p, input longint unsigned now_us, input int unsigned connection, output int unsigned state,
    output int unsigned readable, output int unsigned room);
  import "DPI-C" function int tiptoe_dpi_set_options(
    input chandle p, input longint unsigned now_us, input int unsigned connection, input byte unsigned nodelay,
    input byte unsigned keepalive);
  import "DPI-C" function int tiptoe_dpi_pop(
    input chandle p, output int unsigned length, output longint unsigned time_us);
  import "DPI-C" function int tiptoe_dpi_octet(input chandle p, input int unsigned index);
  import "DPI-C" function int tiptoe_dpi_pop_beat(
    input chandle p, input int unsigned octets, output bit [511:0] data, output bit [63:0] keep,
    output byte unsigned last);
  import "DPI-C" function int tiptoe_dpi_pop_record(
    input chandle p, output longint unsigned time_us, output int unsigned kind, output int unsigned fields,
    output int unsigned connection, output int unsigned local_ip, output int unsigned local_port,
    output int unsigned remote_ip, output int unsigned remote_port, output int unsigned state_before,
    output int unsigned state, output int unsigned reason, output int unsigned sent, output int unsigned flags_out,
    output int unsigned iss, output int unsigned irs, output int unsigned snd_una, output int unsigned snd_nxt,
    output int unsigned snd_wnd, output int unsigned rcv_nxt, output int unsigned rcv_wnd, output int unsigned rto);
  import "DPI-C" function int tiptoe_dpi_pop_notification(
    input chandle p, output int unsigned handle, output int unsigned flags);
  import "DPI-C" function int tiptoe_dpi_record(
    input chandle p, input longint unsigned now_us, input int unsigned kind, input int unsigned fields,
    input int unsigned connection, input int unsigned local_ip, input int unsigned local_port,
    input int unsigned remote_ip, input int unsigned remote_port, input int unsigned state_before,
    input int unsigned state, input int unsigned reason, input int unsigned sent, input int unsigned flags_out,
    input int unsigned iss, input int unsigned irs, input int unsigned snd_una, input int unsigned snd_nxt,
    input int unsigned snd_wnd, input int unsigned rcv_nxt, input int unsigned rcv_wnd, input int unsigned rto);
  import "DPI-C" function int tiptoe_dpi_mismatches(input chandle p);
  import "DPI-C" function string tiptoe_dpi_mismatch(input chandle p, input int unsigned number);
  import "DPI-C" function int tiptoe_dpi_finish(input chandle p);
  import "DPI-C" function longint unsigned tiptoe_dpi_compared(input chandle p, input int unsigned what);
  import "DPI-C" function string tiptoe_dpi_summary(input chandle p);

  // ---- the same as a class ----
  class predictor;
    chandle handle;

    // `name`: how bind modules find it; `parameters`: tiptoe_dpi.h.
    function new(string name, string parameters);
      handle = tiptoe_dpi_create(name, parameters);
      if (handle == null) $fatal(1, "%s", tiptoe_dpi_last_error(handle));
    endfunction

    // There are no destructors; the library gives the memory back at the end of the simulation otherwise.
    function void destroy();
      void'(checked(tiptoe_dpi_destroy(handle)));
      handle = null;
    endfunction

    // -1 becomes an $error.
    function int checked(int status);
      if (status < 0) $error("%s", tiptoe_dpi_last_error(handle));
      return status;
    endfunction

    function void reset(longint unsigned seed);
      void'(checked(tiptoe_dpi_reset(handle, seed)));
    endfunction
    function void mode(int compare, int keep);
      void'(checked(tiptoe_dpi_mode(handle, compare, keep)));
    endfunction
    function void set(string name, longint unsigned value);
      void'(checked(tiptoe_dpi_set(handle, name, value)));
    endfunction
    function longint unsigned get(string name);
      longint unsigned value;
      value = 0;
      void'(checked(tiptoe_dpi_get(handle, name, value)));
      return value;
    endfunction
    function void rule(string name, longint unsigned value);
      void'(checked(tiptoe_dpi_rule(handle, name, value)));
    endfunction
    function void set_fault(string id);
      void'(checked(tiptoe_dpi_set_fault(handle, id)));
    endfunction

    function void advance(longint unsigned now_us);
      void'(checked(tiptoe_dpi_advance(handle, now_us)));
    endfunction
    // All ones: no timer runs.
    function longint unsigned next_deadline();
      longint unsigned us;
      us = 0;
      return checked(tiptoe_dpi_next_deadline(handle, us)) == 0 ? us : '1;
    endfunction

    function void push_beat(longint unsigned now_us, bit [511:0] data, bit [63:0] keep, bit last);
      void'(checked(tiptoe_dpi_push_beat(handle, now_us, data, keep, {7'b0, last})));
    endfunction
    function void observe_beat(longint unsigned now_us, bit [511:0] data, bit [63:0] keep, bit last);
      void'(checked(tiptoe_dpi_observe_beat(handle, now_us, data, keep, {7'b0, last})));
    endfunction
    function void observe(record_t r);
      void'(checked(tiptoe_dpi_record(
          handle, r.time_us, r.kind, r.fields, r.connection, r.local_ip, r.local_port, r.remote_ip, r.remote_port,
          r.state_before, r.state, r.reason, r.sent, r.flags_out, r.iss, r.irs, r.snd_una, r.snd_nxt, r.snd_wnd,
          r.rcv_nxt, r.rcv_wnd, r.rto)));
    endfunction

    // User calls return the answer (docs/microarchitecture.md section 9): 0 is OK.
    function int open_passive(longint unsigned now_us, int unsigned local_port, int unsigned backlog,
                              output int unsigned listener);
      return checked(tiptoe_dpi_open_passive(handle, now_us, 0, local_port, 0, 0, backlog, listener));
    endfunction
    function int open_active(longint unsigned now_us, int unsigned local_port, int unsigned remote_ip,
                             int unsigned remote_port, output int unsigned connection);
      return checked(tiptoe_dpi_open_active(handle, now_us, 0, local_port, remote_ip, remote_port, 0, 0, NONE, connection));
    endfunction
    function int accept(longint unsigned now_us, int unsigned listener, output int unsigned connection);
      return checked(tiptoe_dpi_accept(handle, now_us, listener, connection));
    endfunction
    // Octets for the next send().
    function void payload(byte unsigned octet);
      void'(checked(tiptoe_dpi_payload_octet(handle, octet)));
    endfunction
    function int send(longint unsigned now_us, int unsigned connection, output int unsigned taken);
      return checked(tiptoe_dpi_send(handle, now_us, connection, taken));
    endfunction
    // What was received is then read with octet().
    function int receive(longint unsigned now_us, int unsigned connection, int unsigned most,
                         output int unsigned length);
      return checked(tiptoe_dpi_receive(handle, now_us, connection, most, length));
    endfunction
    function int close(longint unsigned now_us, int unsigned connection);
      return checked(tiptoe_dpi_close(handle, now_us, connection, 0));
    endfunction
    function int abort(longint unsigned now_us, int unsigned connection);
      return checked(tiptoe_dpi_abort(handle, now_us, connection));
    endfunction
    function int status(longint unsigned now_us, int unsigned connection, output int unsigned state,
                        output int unsigned readable, output int unsigned room);
      return checked(tiptoe_dpi_status(handle, now_us, connection, state, readable, room));
    endfunction

    // What the model did, oldest first, after mode(?, 1). 1: there is nothing.
    function int pop(output int unsigned length, output longint unsigned time_us);
      return checked(tiptoe_dpi_pop(handle, length, time_us));
    endfunction
    function byte unsigned octet(int unsigned index);
      return 8'(checked(tiptoe_dpi_octet(handle, index)));
    endfunction
    // `octets`: of a beat.
    function int pop_beat(int unsigned octets, output bit [511:0] data, output bit [63:0] keep, output bit last);
      byte unsigned is_last;
      int answer;
      is_last = 0;
      answer = checked(tiptoe_dpi_pop_beat(handle, octets, data, keep, is_last));
      last = is_last != 0;
      return answer;
    endfunction
    function int pop_record(output record_t r);
      return checked(tiptoe_dpi_pop_record(
          handle, r.time_us, r.kind, r.fields, r.connection, r.local_ip, r.local_port, r.remote_ip, r.remote_port,
          r.state_before, r.state, r.reason, r.sent, r.flags_out, r.iss, r.irs, r.snd_una, r.snd_nxt, r.snd_wnd,
          r.rcv_nxt, r.rcv_wnd, r.rto));
    endfunction
    function int pop_notification(output int unsigned connection, output int unsigned flags);
      return checked(tiptoe_dpi_pop_notification(handle, connection, flags));
    endfunction

    function int mismatches();
      return checked(tiptoe_dpi_mismatches(handle));
    endfunction
    function string mismatch(int unsigned number);
      return tiptoe_dpi_mismatch(handle, number);
    endfunction
    function void finish();
      void'(checked(tiptoe_dpi_finish(handle)));
    endfunction
    // 0 segments, 1 pure ACKs, 2 those that were left to choice, 3 records.
    function longint unsigned compared(int unsigned what);
      return tiptoe_dpi_compared(handle, what);
    endfunction
    function string summary();
      return tiptoe_dpi_summary(handle);
    endfunction
  endclass

endpackage
