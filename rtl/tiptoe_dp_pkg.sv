// SPDX-License-Identifier: Apache-2.0
// Descriptors that cross the boundary between the datapath (byte streams, buffers) and the control side (event
// pipeline), and what the datapath's modules have in common.
//
// Yosys 0.23 takes these structs as ports and as signals of a module, and their members in assign and always. It has no
// $bits of them, and inside a *function* a struct (argument, local or result) does not work: it stops, or silently makes
// the members undefined. Functions here and elsewhere take and give plain vectors.
package tiptoe_dp_pkg;

  // A package offers names; that one of them is not used in some build is no defect.
  /* verilator lint_off UNUSEDPARAM */

  // Fixed sizes (microarchitecture 2).
  localparam int unsigned SLOTS = 8;         // segment-store slots
  localparam int unsigned SLOT_LOG2 = 11;    // log2 of the bytes of a slot
  localparam int unsigned TXQ = 16;          // transmit descriptors
  localparam int unsigned HOSTQ = 4;         // writer and reader commands
  localparam int unsigned IDX_MAX_W = 10;    // connection index as it stands in descriptors

  // Drop reasons of the parser (6.1), first that applies.
  localparam logic [3:0] DROP_NONE = 4'd0;
  localparam logic [3:0] DROP_IP_SHORT = 4'd1;
  localparam logic [3:0] DROP_IP_VERSION = 4'd2;
  localparam logic [3:0] DROP_IP_IHL = 4'd3;
  localparam logic [3:0] DROP_IP_LENGTH = 4'd4;
  localparam logic [3:0] DROP_IP_CKSUM = 4'd5;
  localparam logic [3:0] DROP_IP_FRAGMENT = 4'd6;
  localparam logic [3:0] DROP_IP_PROTOCOL = 4'd7;
  localparam logic [3:0] DROP_IP_DST = 4'd8;
  localparam logic [3:0] DROP_IP_SRC = 4'd9;
  localparam logic [3:0] DROP_TCP_SHORT = 4'd10;
  localparam logic [3:0] DROP_TCP_DOFF = 4'd11;
  localparam logic [3:0] DROP_TCP_CKSUM = 4'd12;

  // Raw descriptor: one received datagram (6.1). All fields but slot and reason are meaningful when reason is 0.
  typedef struct packed {
    logic [2:0]   slot;     // segment-store slot
    logic [3:0]   reason;   // DROP_*
    logic [31:0]  src;      // IPv4 source address
    logic [31:0]  dst;      // IPv4 destination address (local)
    logic [15:0]  sport;    // source port
    logic [15:0]  dport;    // destination port (local)
    logic [31:0]  seq;      // SEG.SEQ
    logic [31:0]  ack;      // SEG.ACK
    logic [15:0]  wnd;      // SEG.WND
    logic [15:0]  up;       // SEG.UP
    logic [7:0]   flags;    // CWR ECE URG ACK PSH RST SYN FIN (bit 7 ... bit 0)
    logic [10:0]  pay_off;  // offset of the text in the slot
    logic [10:0]  pay_len;  // octets of text
    logic [3:0]   doff;     // data offset, 32-bit words
    logic [319:0] opts;     // the 40 bytes after the fixed TCP header; byte i is opts[8*i +: 8]
  } raw_desc_t;

  // Transmit descriptor: one segment to send (11).
  typedef struct packed {
    logic [31:0] lip;        // local address = IPv4 source
    logic [31:0] rip;        // remote address = IPv4 destination
    logic [15:0] lport;
    logic [15:0] rport;
    logic [31:0] seq;
    logic [31:0] ack;
    logic [7:0]  flags;      // as in raw_desc_t
    logic [15:0] wnd;
    logic        mss_valid;  // carry an MSS option
    logic [15:0] mss;
    logic [9:0]  idx;        // connection whose send buffer holds the text
    logic [15:0] len;        // octets of text, at most 2008
  } tx_desc_t;

  // Mover command: text from the segment store to a receive buffer, then release the slot (6.5). len 0: release only.
  typedef struct packed {
    logic [2:0]  slot;
    logic [10:0] offset;  // of the first octet to store, in the slot
    logic [10:0] len;
    logic [9:0]  idx;
    logic [31:0] seq;     // of the first octet
  } mv_cmd_t;

  // Command of the host writer (7.2) and of the host reader (7.3). The snapshot of txd_issued / mv_issued is added where
  // the command is pushed, inside tiptoe_host_writer and tiptoe_host_reader.
  typedef struct packed {
    logic [9:0]  idx;
    logic [15:0] handle;  // connection handle, {generation, index}
    logic [31:0] base;    // sequence number of the first octet
    logic [16:0] len;     // octets, not 0
  } host_cmd_t;

  // What the TXD and RXD events carry.
  typedef struct packed {
    logic [9:0]  idx;
    logic [15:0] handle;
    logic [16:0] len;
  } host_done_t;

  // Widths of the structs, for FIFOs (Yosys 0.23 has no $bits of a package type; the modules check them in simulation).
  localparam int unsigned RAW_DESC_W = 553;
  localparam int unsigned TX_DESC_W = 227;
  localparam int unsigned MV_CMD_W = 67;
  localparam int unsigned HOST_CMD_W = 75;
  localparam int unsigned HOST_DONE_W = 43;

  // States as the probes show them (13).
  localparam logic [1:0] TX_IDLE = 2'd0, TX_LOAD = 2'd1, TX_SUM = 2'd2, TX_EMIT = 2'd3;
  localparam logic [1:0] WR_IDLE = 2'd0, WR_COPY = 2'd1, WR_DONE = 2'd2;
  localparam logic [1:0] RD_IDLE = 2'd0, RD_READ = 2'd1, RD_OUT = 2'd2, RD_DONE = 2'd3;

  // One's complement sum, folded to 16 bits. The first line leaves at most 18 bits, the second may carry once more.
  // The byte order does not matter as long as the caller keeps to one: the sum of swapped words is the swapped sum.
  function automatic logic [15:0] fold16(input logic [47:0] sum);
    logic [17:0] once;
    logic [16:0] twice;
    once = {2'b0, sum[15:0]} + {2'b0, sum[31:16]} + {2'b0, sum[47:32]};
    twice = {1'b0, once[15:0]} + {15'b0, once[17:16]};
    fold16 = twice[15:0] + {15'b0, twice[16]};
  endfunction

  // a - b as a signed number is not negative.
  function automatic logic not_before(input logic [15:0] a, input logic [15:0] b);
    not_before = (a - b) < 16'h8000;
  endfunction

  function automatic logic [15:0] swap16(input logic [15:0] v);
    swap16 = {v[7:0], v[15:8]};
  endfunction

  function automatic logic [31:0] swap32(input logic [31:0] v);
    swap32 = {v[7:0], v[15:8], v[23:16], v[31:24]};
  endfunction

  /* verilator lint_on UNUSEDPARAM */

endpackage
