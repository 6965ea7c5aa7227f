// SPDX-License-Identifier: Apache-2.0
// Command front end (microarchitecture 7.1): one command register; resolves addresses, checks the arguments of an active
// open, looks its 4-tuple up, hashes its initial sequence number, and offers the command to the arbiter.
//
//   cmd_*             host commands
//   lsn_ok_i, lsn_tuple_i   listener entry that the command's handle names (handle_o, {generation, index})
//   look_req_o, look_key_o, cam_*_i   lookup request, always served; results in the next cycle, registered here
//   table_write_i     COMMIT writes the CAM or the listener table in this cycle
//   ev_valid_o, ev_o  offered CMD event (the fields that are known here; others are 0), until ev_grant_i
//   empty_o           command register empty
//
// Loaded in c, DECODE in c+1, offered from c+2; active opens with valid arguments from c+11 (lookup and hash).
module tiptoe_cmd (
  input  logic                clk_i,
  input  logic                rst_i,
  input  logic                running_i,
  input  logic [127:0]        local_ip_i,
  input  logic [127:0]        isn_key_i,
  input  logic                cmd_valid_i,
  output logic                cmd_ready_o,
  input  logic [3:0]          cmd_op_i,
  input  logic [7:0]          cmd_tag_i,
  input  logic [16:0]         cmd_handle_i,
  input  logic [7:0]          cmd_flags_i,
  input  tiptoe_pkg::tuple_t  cmd_tuple_i,
  input  logic [31:0]         cmd_len_i,
  output logic [8:0]          handle_o,
  input  logic                lsn_ok_i,
  input  tiptoe_pkg::tuple_t  lsn_tuple_i,
  output logic                look_req_o,
  output tiptoe_pkg::tuple_t  look_key_o,
  input  logic                cam_hit_i,
  input  logic                cam_room_i,
  input  logic                table_write_i,
  output logic                ev_valid_o,
  output tiptoe_pkg::event_t  ev_o,
  input  logic                ev_grant_i,
  output logic                empty_o
);

  typedef enum logic [2:0] {
    EMPTY,
    DECODE,
    OFFER,   // or waiting for the hash
    LOOK     // a stale lookup is repeated; its result comes in the cycle after
  } phase_e;

  phase_e phase_q;
  logic result_q;          // the lookup result comes in this cycle
  logic wait_q;            // the repeated lookup's result is not registered yet
  logic stale_q;
  logic hit_q, room_q;

  // ---- command register ----
  logic [3:0] op_q;
  logic [7:0] tag_q, flags_q;
  logic [16:0] handle_q;
  logic [31:0] len_q;
  tiptoe_pkg::tuple_t tuple_q;      // as given by the host, from DECODE on with the addresses filled in
  logic opener_q;                   // OPEN_ACTIVE, or SEND on a listener handle
  logic looker_q;                   // opener with valid arguments
  logic [3:0] pre_status_q;

  assign cmd_ready_o = running_i && phase_q == EMPTY && !rst_i;
  assign empty_o = phase_q == EMPTY;
  assign handle_o = handle_q[8:0];

  logic load;
  assign load = cmd_valid_i && cmd_ready_o;

  // ---- DECODE: arguments of an active open (connection-processing 4a, checks in the order of the page) ----
  logic opener, from_listener;
  logic [3:0] pre_status;
  tiptoe_pkg::tuple_t full;
  always_comb begin
    opener = 1'b0;
    from_listener = 1'b0;
    pre_status = tiptoe_pkg::ST_OK;
    full = tuple_q;
    if (phase_q == DECODE) begin
      opener = op_q == tiptoe_pkg::OP_OPEN_ACTIVE || (op_q == tiptoe_pkg::OP_SEND && handle_q[16]);
      from_listener = op_q == tiptoe_pkg::OP_SEND || flags_q[tiptoe_pkg::CF_FROM_LISTENER];
      if (opener) begin
        if (from_listener) begin
          if (tuple_q.lip == '0) full.lip = lsn_tuple_i.lip;
          if (tuple_q.lport == '0) full.lport = lsn_tuple_i.lport;
          if (tuple_q.rip == '0) full.rip = lsn_tuple_i.rip;
          if (tuple_q.rport == '0) full.rport = lsn_tuple_i.rport;
        end
        if (full.lip == '0) full.lip = local_ip_i[31:0];
        if (from_listener && !handle_q[16]) pre_status = tiptoe_pkg::ST_INVALID;
        else if (from_listener && !lsn_ok_i) pre_status = tiptoe_pkg::ST_NO_CONNECTION;
        else if (full.rip == '0 || full.rport == '0) pre_status = tiptoe_pkg::ST_REMOTE_UNSPECIFIED;
        else if (full.lport == '0 || !tiptoe_pkg::is_local(full.lip, local_ip_i) ||
                 tiptoe_pkg::is_multicast(full.rip) || full.rip[31:24] == 8'd127 ||
                 (full.rip == full.lip && full.rport == full.lport)) pre_status = tiptoe_pkg::ST_INVALID;
      end
    end
  end

  // ---- lookup and hash ----
  logic first_look, hash_done, settled;
  logic [31:0] hash;
  assign first_look = opener && pre_status == tiptoe_pkg::ST_OK;
  assign look_req_o = first_look || phase_q == LOOK;
  assign look_key_o = first_look ? full : tuple_q;

  tiptoe_siphash u_hash (
    .clk_i,
    .rst_i,
    .start_i(first_look),
    .key_i(isn_key_i),
    .tuple_i(full),
    .done_o(hash_done),
    .hash_o(hash)
  );

  // ---- offer ----
  assign settled = phase_q == OFFER && (!looker_q || (hash_done && !wait_q));
  assign ev_valid_o = settled && (!looker_q || (!stale_q && !table_write_i));

  always_ff @(posedge clk_i) begin
    if (rst_i) begin
      phase_q <= EMPTY;
      result_q <= 1'b0;
      wait_q <= 1'b0;
      stale_q <= 1'b0;
      looker_q <= 1'b0;
    end else begin
      case (phase_q)
        EMPTY: if (load) phase_q <= DECODE;
        DECODE: phase_q <= OFFER;
        LOOK: phase_q <= OFFER;
        default: begin
          if (ev_grant_i) phase_q <= EMPTY;
          else if (settled && looker_q && stale_q) phase_q <= LOOK;
        end
      endcase
      if (phase_q == DECODE) looker_q <= first_look;
      result_q <= look_req_o;
      wait_q <= phase_q == LOOK;
      if (look_req_o) stale_q <= table_write_i;
      else if (table_write_i) stale_q <= 1'b1;
    end

    if (load) begin
      op_q <= cmd_op_i;
      tag_q <= cmd_tag_i;
      handle_q <= cmd_handle_i;
      flags_q <= cmd_flags_i;
      len_q <= cmd_len_i;
      tuple_q <= cmd_tuple_i;
    end else if (phase_q == DECODE) begin
      tuple_q <= full;
      opener_q <= opener;
      pre_status_q <= pre_status;
    end
    if (result_q) begin
      hit_q <= cam_hit_i;
      room_q <= cam_room_i;
    end
  end

  // ---- event ----
  always_comb begin
    ev_o = '0;
    if (ev_valid_o) begin
      ev_o.kind = tiptoe_pkg::SRC_CMD;
      ev_o.op = op_q;
      ev_o.tag = tag_q;
      ev_o.handle = handle_q;
      ev_o.cflags = flags_q;
      ev_o.tuple = tuple_q;
      ev_o.len = len_q;
      ev_o.opener = opener_q;
      ev_o.pre_status = pre_status_q;
      ev_o.hit = hit_q;
      ev_o.cam_room = room_q;
      ev_o.isn_hash = hash;
      // Creators (8.1): whatever makes or removes a connection or a listener.
      ev_o.creator = opener_q || op_q == tiptoe_pkg::OP_OPEN_PASSIVE ||
                     (handle_q[16] && (op_q == tiptoe_pkg::OP_CLOSE || op_q == tiptoe_pkg::OP_ABORT));
    end
  end

`ifndef SYNTHESIS
  always_ff @(posedge clk_i) begin
    if (!rst_i && ev_grant_i) grant_offered: assert (ev_valid_o);
  end
`endif

endmodule
