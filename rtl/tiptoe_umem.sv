// SPDX-License-Identifier: Apache-2.0
// Memory with unaligned access, one read and one write port (microarchitecture 6.5). Byte addresses; an access that
// passes the end of its region of 2^REGION_LOG2 bytes goes on at the region's start.
//
//   wr_en_i   in cycle t: store the wr_len_i (1 ... B) bytes from lane 0 of wr_data_i at wr_addr_i; read from t+1 on
//   rd_en_i   in cycle t: rd_data_o in t+1 is the B bytes that start at rd_addr_i, as they were before a write in t.
//             rd_data_o stays until the next read.
//
// Two banks, one with the even and one with the odd words of B bytes: any B consecutive bytes touch each bank at most
// once. Each bank is a simple dual-port block RAM with byte strobes and a registered read; the rotation to lane 0 follows
// the read register.
//
// WR_ALIGNED = 1: writes are whole words at multiples of B (wr_len_i and the low address bits are ignored), which saves
// the write rotation and the strobes.
// STROBES (when not WR_ALIGNED) chooses between two descriptions of the same memory: one assignment per byte, which
// synthesis maps to byte enables, and one merged word, which simulates faster. The test of this module runs both side by
// side.
`ifdef SYNTHESIS
`define TIPTOE_UMEM_STROBES 1'b1
`else
`define TIPTOE_UMEM_STROBES 1'b0
`endif
module tiptoe_umem #(
  parameter int unsigned DATA_W = 64,
  parameter int unsigned ADDR_W = 14,       // log2 of all bytes
  parameter int unsigned REGION_LOG2 = 11,  // log2 of the bytes of a region
  parameter bit WR_ALIGNED = 1'b0,
  parameter bit STROBES = `TIPTOE_UMEM_STROBES,
  localparam int unsigned B = DATA_W / 8,
  localparam int unsigned OFF_W = $clog2(B)
) (
  input  logic              clk_i,
  input  logic              wr_en_i,
  input  logic [ADDR_W-1:0] wr_addr_i,
  input  logic [OFF_W:0]    wr_len_i,
  input  logic [DATA_W-1:0] wr_data_i,
  input  logic              rd_en_i,
  input  logic [ADDR_W-1:0] rd_addr_i,
  output logic [DATA_W-1:0] rd_data_o
);

  localparam int unsigned BANK_W = ADDR_W - OFF_W - 1;        // address of a bank
  localparam int unsigned WRAP_W = REGION_LOG2 - OFF_W - 1;   // its bits inside a region

  // Read port: both banks' words, and what the rotation needs.
  logic [BANK_W-1:0] rd_addr_even, rd_addr_odd;
  logic [DATA_W-1:0] even_q, odd_q;

  // The even word of an access that starts in word `word` (the odd one is always word >> 1).
  function automatic logic [BANK_W-1:0] even_addr(input logic [BANK_W:0] word);
    logic [WRAP_W-1:0] low;
    low = word[WRAP_W:1] + {{(WRAP_W - 1) {1'b0}}, word[0]};
    even_addr = word[BANK_W:1];
    even_addr[WRAP_W-1:0] = low;
  endfunction

  // Lane i of the result is lane (i + off) mod B.
  function automatic logic [DATA_W-1:0] rotate_down(input logic [DATA_W-1:0] data, input logic [OFF_W-1:0] off);
    rotate_down = DATA_W'({data, data} >> {off, 3'b0});
  endfunction

  function automatic logic [DATA_W-1:0] bit_mask(input logic [B-1:0] bytes);
    for (int unsigned i = 0; i < B; i++) bit_mask[8*i+:8] = {8{bytes[i]}};
  endfunction

  // Bytes off ... off+len-1 of two consecutive words.
  function automatic logic [2*B-1:0] strobes(input logic [OFF_W-1:0] off, input logic [OFF_W:0] len);
    strobes = {{B{1'b0}}, ~({B{1'b1}} << len)} << off;
  endfunction

  function automatic logic [DATA_W-1:0] merge(input logic [DATA_W-1:0] old, input logic [B-1:0] be,
                                              input logic [DATA_W-1:0] data);
    merge = (old & ~bit_mask(be)) | (data & bit_mask(be));
  endfunction

  // ---- banks ----
  if (STROBES && !WR_ALIGNED) begin : gen_strobes
    logic [OFF_W-1:0] off;
    logic [BANK_W:0] word;
    logic [2*B-1:0] be;           // strobes of the first word (low half) and of the next one
    logic [B-1:0] be_even, be_odd;
    logic [DATA_W-1:0] data;
    logic [BANK_W-1:0] addr_even, addr_odd;
    assign off = wr_addr_i[OFF_W-1:0];
    assign word = wr_addr_i[ADDR_W-1:OFF_W];
    assign be = wr_en_i ? strobes(off, wr_len_i) : '0;
    assign be_even = word[0] ? be[2*B-1:B] : be[B-1:0];
    assign be_odd = word[0] ? be[B-1:0] : be[2*B-1:B];
    assign data = rotate_down(wr_data_i, -off);
    assign addr_even = even_addr(word);
    assign addr_odd = word[BANK_W:1];

    // Columns of eight bytes, the natural width of a block RAM; one memory with 64 strobes takes Yosys minutes.
    for (genvar c = 0; c < B / 8; c++) begin : gen_column
      logic [63:0] even [1 << BANK_W];
      logic [63:0] odd [1 << BANK_W];
      always_ff @(posedge clk_i) begin
        if (rd_en_i) begin
          even_q[64*c+:64] <= even[rd_addr_even];
          odd_q[64*c+:64] <= odd[rd_addr_odd];
        end
        for (int unsigned i = 0; i < 8; i++) begin
          if (be_even[8*c+i]) even[addr_even][8*i+:8] <= data[64*c+8*i+:8];
          if (be_odd[8*c+i]) odd[addr_odd][8*i+:8] <= data[64*c+8*i+:8];
        end
      end
    end
  end else begin : gen_words
    logic [DATA_W-1:0] even [1 << BANK_W];
    logic [DATA_W-1:0] odd [1 << BANK_W];

    always_ff @(posedge clk_i) begin
      if (rd_en_i) begin
        even_q <= even[rd_addr_even];
        odd_q <= odd[rd_addr_odd];
      end
    end

    if (WR_ALIGNED) begin : gen_aligned
      always_ff @(posedge clk_i) begin
        if (wr_en_i && !wr_addr_i[OFF_W]) even[wr_addr_i[ADDR_W-1:OFF_W+1]] <= wr_data_i;
        if (wr_en_i && wr_addr_i[OFF_W]) odd[wr_addr_i[ADDR_W-1:OFF_W+1]] <= wr_data_i;
      end
      logic unused;
      assign unused = &{1'b0, wr_len_i, wr_addr_i[OFF_W-1:0]};
    end else begin : gen_merged
      logic [BANK_W:0] word;
      assign word = wr_addr_i[ADDR_W-1:OFF_W];

      always_ff @(posedge clk_i) begin : write
        logic [2*B-1:0] be;
        logic [DATA_W-1:0] data;
        if (wr_en_i) begin
          be = strobes(wr_addr_i[OFF_W-1:0], wr_len_i);
          data = rotate_down(wr_data_i, -wr_addr_i[OFF_W-1:0]);
          if (word[0]) begin
            odd[word[BANK_W:1]] <= merge(odd[word[BANK_W:1]], be[B-1:0], data);
            even[even_addr(word)] <= merge(even[even_addr(word)], be[2*B-1:B], data);
          end else begin
            even[word[BANK_W:1]] <= merge(even[word[BANK_W:1]], be[B-1:0], data);
            odd[word[BANK_W:1]] <= merge(odd[word[BANK_W:1]], be[2*B-1:B], data);
          end
        end
      end
    end
  end

  // ---- read ----
  logic [DATA_W-1:0] lanes_first, lanes_next, select;
  logic [OFF_W:0] off_q;

  assign rd_addr_even = even_addr(rd_addr_i[ADDR_W-1:OFF_W]);
  assign rd_addr_odd = rd_addr_i[ADDR_W-1:OFF_W+1];

  always_ff @(posedge clk_i) begin
    if (rd_en_i) off_q <= rd_addr_i[OFF_W:0];
  end

  assign lanes_first = off_q[OFF_W] ? odd_q : even_q;
  assign lanes_next = off_q[OFF_W] ? even_q : odd_q;
  assign select = bit_mask({B{1'b1}} << off_q[OFF_W-1:0]);
  assign rd_data_o = rotate_down((lanes_first & select) | (lanes_next & ~select), off_q[OFF_W-1:0]);

`ifndef SYNTHESIS
  if (ADDR_W < REGION_LOG2 || WRAP_W < 2) begin : gen_bad_size
    $fatal(1, "tiptoe_umem: a region has at least eight words and is not larger than the memory");
  end
  if (!WR_ALIGNED) begin : gen_checks
    len_in_range: assert property (@(posedge clk_i) wr_en_i |-> wr_len_i != '0 && wr_len_i <= B[OFF_W:0]);
  end
`endif

endmodule
`undef TIPTOE_UMEM_STROBES
