// SPDX-License-Identifier: Apache-2.0
// Connection CAM (microarchitecture 6.3): 4-tuple -> connection index. One lookup per cycle.
//
//   req_i, key_i      cycle h: look up; hit_o, idx_o, room_o are valid in h+1 (the requester registers them, h+2)
//   pre_i, pre_key_i  the cycle before COMMIT: key of an insert or delete that may follow in the next cycle
//   ins_i, del_i, idx_i, wr_key_i   COMMIT: insert or delete; seen by lookups that are requested in later cycles
//   cam_key_i         register CAM_KEY (hashed variant only)
//
// CONNS <= 64: one entry per connection, all compared at once; room_o is always 1.
// CONNS > 64: hashed, four ways, CONNS/2 buckets; room_o = a way of the bucket is free. An insert takes the lowest free
// way; a full bucket is never inserted into, so nobody's entry is ever displaced.
module tiptoe_cam #(
  parameter int unsigned CONNS = 64,
  localparam int unsigned IDX_W = $clog2(CONNS)
) (
  input  logic               clk_i,
  input  logic               rst_i,
  input  logic [31:0]        cam_key_i,
  input  logic               req_i,
  input  tiptoe_pkg::tuple_t key_i,
  output logic               hit_o,
  output logic [IDX_W-1:0]   idx_o,
  output logic               room_o,
  input  logic               pre_i,
  input  tiptoe_pkg::tuple_t pre_key_i,
  input  logic               ins_i,
  input  logic               del_i,
  input  logic [IDX_W-1:0]   idx_i,
  input  tiptoe_pkg::tuple_t wr_key_i
);

  logic req_q;
  logic [95:0] key_q;

  always_ff @(posedge clk_i) begin
    req_q <= req_i & ~rst_i;
    if (req_i) key_q <= key_i;
  end

  if (CONNS <= 64) begin : gen_parallel
    logic [CONNS-1:0] valid_q;
    logic [95:0] mem [CONNS];

    always_ff @(posedge clk_i) begin
      if (rst_i) valid_q <= '0;
      else if (ins_i) valid_q[idx_i] <= 1'b1;
      else if (del_i) valid_q[idx_i] <= 1'b0;
      if (ins_i) mem[idx_i] <= wr_key_i;
    end

    // At most one entry matches, so the indices of the matching ones may be ORed.
    assign room_o = 1'b1;
    always_comb begin
      hit_o = 1'b0;
      idx_o = '0;
      if (req_q) begin
        for (int unsigned i = 0; i < CONNS; i++) begin
          if (valid_q[i] && mem[i] == key_q) begin
            hit_o = 1'b1;
            idx_o = idx_o | i[IDX_W-1:0];
          end
        end
      end
    end

    logic unused;
    assign unused = &{1'b0, cam_key_i, pre_i, pre_key_i};

`ifndef SYNTHESIS
    always_ff @(posedge clk_i) begin
      if (!rst_i && ins_i) insert_free: assert (!valid_q[idx_i]);
      if (!rst_i && del_i) delete_used: assert (valid_q[idx_i] && mem[idx_i] == wr_key_i);
    end
`endif
  end else begin : gen_hashed
    localparam int unsigned BUCKETS = CONNS / 2;
    localparam int unsigned BKT_W = IDX_W - 1;

    // Multiplicative hash of the key, then folded from above: the high bits of the product depend on all key bits.
    function automatic logic [BKT_W-1:0] bucket_of(input logic [95:0] key, input logic [31:0] cam_key);
      logic [31:0] lip, x;
      lip = key[95:64];
      x = (key[47:16] ^ {lip[20:0], lip[31:21]} ^ {key[15:0], key[63:48]} ^ cam_key) * 32'h9e3779b1;
      bucket_of = BKT_W'(x ^ (x >> 15) ^ (x >> 7));
    endfunction

    // Ways of a bucket; valid bits apart because reset clears them.
    logic [4*BUCKETS-1:0] valid_q;
    logic [96+IDX_W-1:0] way0 [BUCKETS];
    logic [96+IDX_W-1:0] way1 [BUCKETS];
    logic [96+IDX_W-1:0] way2 [BUCKETS];
    logic [96+IDX_W-1:0] way3 [BUCKETS];
    logic [1:0] way_of [CONNS];          // where each connection's entry is

    // Lookup: the bucket is read in h, compared in h+1.
    logic [BKT_W-1:0] rd_bucket, rd_bucket_q;
    logic [96+IDX_W-1:0] w0_q, w1_q, w2_q, w3_q;
    assign rd_bucket = req_i ? bucket_of(key_i, cam_key_i) : '0;
    always_ff @(posedge clk_i) begin
      if (req_i) begin
        rd_bucket_q <= rd_bucket;
        w0_q <= way0[rd_bucket];
        w1_q <= way1[rd_bucket];
        w2_q <= way2[rd_bucket];
        w3_q <= way3[rd_bucket];
      end
    end

    // An entry that is written between read and compare makes the result stale; HEAD and command front end ask again.
    logic [3:0] rd_valid, match;
    assign rd_valid = valid_q[{rd_bucket_q, 2'b00}+:4];
    always_comb begin
      match = '0;
      if (req_q) begin
        match[0] = rd_valid[0] && w0_q[95:0] == key_q;
        match[1] = rd_valid[1] && w1_q[95:0] == key_q;
        match[2] = rd_valid[2] && w2_q[95:0] == key_q;
        match[3] = rd_valid[3] && w3_q[95:0] == key_q;
      end
    end
    assign hit_o = |match;
    assign idx_o = match[0] ? w0_q[96+:IDX_W] : match[1] ? w1_q[96+:IDX_W] : match[2] ? w2_q[96+:IDX_W]
                                                                                      : w3_q[96+:IDX_W];
    assign room_o = ~&rd_valid;

    // Write: the bucket is a function of the key, computed one cycle ahead.
    logic [BKT_W-1:0] wr_bucket_q;
    logic [3:0] wr_valid;
    logic [1:0] free_way;
    logic [96+IDX_W-1:0] entry;
    always_ff @(posedge clk_i) begin
      if (pre_i) wr_bucket_q <= bucket_of(pre_key_i, cam_key_i);
    end
    assign wr_valid = valid_q[{wr_bucket_q, 2'b00}+:4];
    assign free_way = !wr_valid[0] ? 2'd0 : !wr_valid[1] ? 2'd1 : !wr_valid[2] ? 2'd2 : 2'd3;
    assign entry = {idx_i, wr_key_i};

    always_ff @(posedge clk_i) begin
      if (rst_i) valid_q <= '0;
      else if (ins_i) valid_q[{wr_bucket_q, free_way}] <= 1'b1;
      else if (del_i) valid_q[{wr_bucket_q, way_of[idx_i]}] <= 1'b0;
      if (ins_i) begin
        way_of[idx_i] <= free_way;
        case (free_way)
          2'd0: way0[wr_bucket_q] <= entry;
          2'd1: way1[wr_bucket_q] <= entry;
          2'd2: way2[wr_bucket_q] <= entry;
          default: way3[wr_bucket_q] <= entry;
        endcase
      end
    end

`ifndef SYNTHESIS
    always_ff @(posedge clk_i) begin
      if (!rst_i && ins_i) insert_room: assert (wr_valid != 4'hf);
      if (!rst_i && del_i) delete_used: assert (wr_valid[way_of[idx_i]]);
    end
    // A write between read and compare may show one entry twice; that lookup is stale.
    logic written_q;
    always_ff @(posedge clk_i) written_q <= ins_i || del_i;
    always_ff @(posedge clk_i) begin
      if (!rst_i && req_q && !written_q) one_match: assert ($onehot0(match));
    end
`endif
  end

`ifndef SYNTHESIS
  always_ff @(posedge clk_i) begin
    if (!rst_i) one_write: assert (!(ins_i && del_i));
  end
`endif

endmodule
