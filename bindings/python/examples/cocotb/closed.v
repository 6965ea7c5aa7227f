// SPDX-License-Identifier: Apache-2.0
// A host without open ports, one octet per cycle: every segment draws what RFC 9293 3.10.7.1 says ("If the state is
// CLOSED"). Datagrams with a wrong checksum, a fragment, or of another protocol or address draw nothing.
module closed (
  input  wire        clk,
  input  wire        rst,
  input  wire [127:0] local_ip,  // four addresses, 0: none
  input  wire [7:0]  s_tdata,
  input  wire        s_tvalid,
  input  wire        s_tlast,
  output wire        s_tready,
  output wire [7:0]  m_tdata,
  output wire        m_tvalid,
  output wire        m_tlast,
  input  wire        m_tready
);
  reg [15:0] count, total, ip_sum, tcp_sum;
  reg [7:0]  version, protocol, flags;
  reg [13:0] fragment;
  reg [31:0] source, destination, seq, ack;
  reg [31:0] ports;
  reg [3:0]  offset;
  reg [5:0]  left;      // octets of the answer still to send
  reg [319:0] answer;   // next octet on top

  function [15:0] add(input [15:0] a, input [15:0] b);  // ones' complement
    reg [16:0] sum;
    begin
      sum = a + b;
      add = sum[15:0] + {15'd0, sum[16]};
    end
  endfunction
  function [15:0] addresses(input [31:0] a, input [31:0] b);
    addresses = add(add(a[31:16], a[15:0]), add(b[31:16], b[15:0]));
  endfunction

  // ---- what an octet is
  wire [15:0] header = {10'd0, version[3:0], 2'd0};
  wire [15:0] at = count - header;                    // in the segment
  wire in_header = count < 16'd1 || count < header;
  wire in_segment = !in_header && count < total;
  wire [15:0] part = count[0] ? {8'd0, s_tdata} : {s_tdata, 8'd0};
  wire takes = s_tvalid && s_tready;

  // ---- with the last octet: the sums as they are then
  wire [15:0] ip_all = in_header ? add(ip_sum, part) : ip_sum;
  wire [15:0] tcp_all = in_segment ? add(tcp_sum, part) : tcp_sum;
  wire [15:0] segment = total - header;
  wire [15:0] text = segment - {10'd0, offset, 2'd0};
  wire mine = destination != 0 && (destination == local_ip[31:0] || destination == local_ip[63:32] ||
              destination == local_ip[95:64] || destination == local_ip[127:96]);
  wire good = version[7:4] == 4 && header >= 20 && total >= header + 20 && count + 16'd1 >= total && &ip_all &&
              fragment == 0 && protocol == 6 && mine && offset >= 5 &&
              {10'd0, offset, 2'd0} <= segment && source[31:29] != 3'b111 &&
              &add(tcp_all, add(addresses(source, destination), add(16'd6, segment))) && !flags[2];

  wire [31:0] rst_seq = flags[4] ? ack : 32'd0;
`ifdef MISTAKE  // the SYN is forgotten
  wire [31:0] rst_ack = flags[4] ? 32'd0 : seq + {16'd0, text} + {31'd0, flags[0]};
`else
  wire [31:0] rst_ack = flags[4] ? 32'd0 : seq + {16'd0, text} + {31'd0, flags[1]} + {31'd0, flags[0]};
`endif
  wire [15:0] rst_word = flags[4] ? 16'h5004 : 16'h5014;
  wire [15:0] both = addresses(source, destination);
  wire [15:0] ip_check = ~add(both, add(16'h4500, add(16'd40, 16'h4006)));
  wire [15:0] tcp_check = ~add(add(both, add(16'd6, 16'd20)),
                               add(addresses(rst_seq, rst_ack), add(rst_word, add(ports[31:16], ports[15:0]))));

  assign s_tready = left == 0;
  assign m_tvalid = left != 0;
  assign m_tlast = left == 1;
  assign m_tdata = answer[319:312];

  always @(posedge clk) begin
    if (takes) begin
      count <= count + 16'd1;
      if (in_header) ip_sum <= add(ip_sum, part);
      if (in_segment) tcp_sum <= add(tcp_sum, part);
      case (count)
        0: version <= s_tdata;
        2, 3: total <= {total[7:0], s_tdata};
        6, 7: fragment <= {fragment[5:0], s_tdata};
        9: protocol <= s_tdata;
        12, 13, 14, 15: source <= {source[23:0], s_tdata};
        16, 17, 18, 19: destination <= {destination[23:0], s_tdata};
        default: ;
      endcase
      if (in_segment) case (at)
        0, 1, 2, 3: ports <= {ports[23:0], s_tdata};
        4, 5, 6, 7: seq <= {seq[23:0], s_tdata};
        8, 9, 10, 11: ack <= {ack[23:0], s_tdata};
        12: offset <= s_tdata[7:4];
        13: flags <= s_tdata;
        default: ;
      endcase
      if (s_tlast) begin
        {count, ip_sum, tcp_sum, total, offset, flags, version} <= 0;
        if (good) begin
          left <= 40;
          answer <= {16'h4500, 16'd40, 32'd0, 16'h4006, ip_check, destination, source,
                     ports[15:0], ports[31:16], rst_seq, rst_ack, rst_word, 16'd0, tcp_check, 16'd0};
        end
      end
    end
    if (m_tvalid && m_tready) begin
      answer <= answer << 8;
      left <= left - 6'd1;
    end
    if (rst) {left, count, ip_sum, tcp_sum, total, offset, flags, version} <= 0;
  end
endmodule
