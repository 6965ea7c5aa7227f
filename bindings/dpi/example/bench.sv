// SPDX-License-Identifier: Apache-2.0
// A bench with two predictors: one is the peer at the other end of the wire (its predictions are the stimulus), the
// other one judges the design: what it sends, and what it retires (binds.sv). Ends with "PASS" or with the mismatch.
//
//   Vbench [+mistake=lost|timer|record] [+verbose]
//
// Two connections, text in both directions, a delayed ACK, a repeated datagram, a damaged one, close from either side.
module bench;
  import tiptoe_dpi::*;

  localparam int unsigned DUT_IP = 'h0a000001, PEER_IP = 'h0a000002;
  localparam int unsigned OPEN_PASSIVE = 1, SEND = 3, RECEIVE = 4, CLOSE = 5, ACCEPT = 8;  // cmd_op

  predictor judge, peer;
  bit verbose, wrong_record, running;
  string mistake;

  // ---- clock and time: eight cycles are a microsecond; when nothing is under way, time jumps to the
  // next deadline, by ten milliseconds at most ----
  logic clk = 0, rst = 1;
  logic [47:0] now_us = 0;
  logic idle, next_deadline_valid;
  logic [47:0] next_deadline;
  int unsigned sub = 0, quiet = 0;
  always #2 clk = ~clk;

  always @(posedge clk) begin
    automatic longint unsigned next;
    sub <= (sub + 1) % 8;
    quiet <= idle && !rx_tvalid && !tx_tvalid && !cmd_valid && !txd_tvalid ? quiet + 1 : 0;
    if (sub == 7) now_us <= now_us + 1;
    if (running && quiet > 64) begin
      next = peer.next_deadline();
      if (next_deadline_valid && 64'(next_deadline) < next) next = 64'(next_deadline);
      if (next > 64'(now_us) + 10000) next = 64'(now_us) + 10000;
      if (next > 64'(now_us)) now_us <= 48'(next);
      quiet <= 0;
    end
  end

  // ---- the design ----
  logic [63:0] rx_tdata, tx_tdata, txd_tdata, rxd_tdata;
  logic [7:0] rx_tkeep, tx_tkeep, rxd_tkeep, reg_addr;
  logic rx_tvalid = 0, rx_tlast, rx_tready, tx_tvalid, tx_tlast, cmd_valid = 0, cmd_ready, rsp_valid;
  logic txd_tvalid = 0, txd_tready, rxd_tvalid, rxd_tlast, reg_wr = 0;
  logic [3:0] cmd_op, rsp_status;
  logic [16:0] cmd_handle, rsp_handle;
  logic [15:0] cmd_port;
  logic [31:0] cmd_len, rsp_len, reg_wdata;
  stranger u_dut (.*, .tx_tready(1'b1));

  // ---- the wire ----
  bit [63:0] kept[$];            // the last datagram to the device, in beats (full ones but the last)
  bit [7:0] kept_keep;
  bit again, damage, replaying;  // once more; with an octet changed
  int unsigned at;

  always @(posedge clk) begin
    automatic bit [511:0] data;
    automatic bit [63:0] keep;
    automatic bit last;
    if (running) begin
      if (tx_tvalid) peer.push_beat(64'(now_us), 512'(tx_tdata), 64'(tx_tkeep), tx_tlast);
      else if (sub == 0) peer.advance(64'(now_us));
      if (!rx_tvalid || rx_tready) begin
        rx_tvalid <= 0;
        if (replaying) begin
          rx_tvalid <= 1;
          rx_tdata <= kept[at] ^ (damage && at == 5 ? 64'h10 : 64'h0);
          rx_tlast <= at + 1 == kept.size();
          rx_tkeep <= at + 1 == kept.size() ? kept_keep : 8'hff;
          at <= at + 1;
          if (at + 1 == kept.size()) {replaying, again} <= '0;
        end else if (again && (!rx_tvalid || rx_tlast)) begin
          replaying <= 1;
          at <= 0;
        end else if (peer.pop_beat(8, data, keep, last) == 0) begin
          if (!rx_tvalid || rx_tlast) kept.delete();
          kept.push_back(data[63:0]);
          kept_keep = keep[7:0];
          rx_tvalid <= 1;
          rx_tdata <= data[63:0];
          rx_tkeep <= keep[7:0];
          rx_tlast <= last;
        end
      end
    end
  end

  // ---- the user of the design: it drives at the falling edge and looks at the rising one; the judge is told what the
  // device has answered ----
  int unsigned status, handle, granted;

  task automatic command(int unsigned op, int unsigned of = 0, int unsigned port = 0, int unsigned len = 0);
    @(negedge clk);
    cmd_valid = 1;
    cmd_op = 4'(op);
    cmd_handle = 17'(of);
    cmd_port = 16'(port);
    cmd_len = len;
    do @(posedge clk); while (!cmd_ready);
    @(negedge clk);
    cmd_valid = 0;
    while (!rsp_valid) @(negedge clk);
    status = 32'(rsp_status);
    handle = 32'(rsp_handle);
    granted = rsp_len;
    @(posedge clk);
  endtask

  task automatic same(string what, int unsigned device, int unsigned model);
    if (device != model) begin
      $display("FAIL: %s: the device says %0d, the model %0d (at %0d us)", what, device, model, now_us);
      $finish;
    end
  endtask

  function automatic void say(string what);
    if (verbose) $display("%10d us: %s", now_us, what);
  endfunction

  task automatic write_register(bit [7:0] address, bit [31:0] value);
    @(negedge clk);
    reg_wr = 1;
    reg_addr = address;
    reg_wdata = value;
    @(negedge clk);
    reg_wr = 0;
  endtask

  task automatic wait_us(int unsigned us);
    automatic longint unsigned t = 64'(now_us) + 64'(us);
    while (64'(now_us) < t) @(posedge clk);
  endtask

  // Octet i of stream s.
  function automatic byte unsigned text(int unsigned s, int unsigned i);
    return 8'((i * 7 + s * 31 + i / 256) % 251);
  endfunction

  task automatic device_sends(int unsigned of, int unsigned in_judge, int unsigned stream, int unsigned length);
    automatic int unsigned taken;
    for (int unsigned i = 0; i < length; i++) judge.payload(text(stream, i));
    command(SEND, of, 0, length);
    same("SEND", status, 32'(judge.send(64'(now_us), in_judge, taken)));
    same("SEND, octets taken", granted, taken);
    for (int unsigned i = 0; i < taken; i += 8) begin
      @(negedge clk);
      for (int unsigned j = 0; j < 8; j++) txd_tdata[8*j+:8] = text(stream, i + j);
      txd_tvalid = 1;
      do @(posedge clk); while (!txd_tready);
    end
    @(negedge clk);
    txd_tvalid = 0;
  endtask

  task automatic device_receives(int unsigned of, int unsigned in_judge, int unsigned stream, int unsigned want);
    automatic int unsigned got = 0, length;
    while (got < want) begin
      wait_us(500);
      command(RECEIVE, of, 0, 5000);
      same("RECEIVE", status, 32'(judge.receive(64'(now_us), in_judge, 5000, length)));
      same("RECEIVE, octets", granted, length);
      for (int unsigned i = 0; i < granted; i += 8) begin
        do @(posedge clk); while (!rxd_tvalid);
        for (int unsigned j = 0; j < 8; j++) begin
          if (rxd_tkeep[j]) same("octet received", 32'(rxd_tdata[8*j+:8]), 32'(text(stream, got + i + j)));
        end
      end
      got += granted;
    end
  endtask

  task automatic peer_sends(int unsigned of, int unsigned stream, int unsigned length);
    automatic int unsigned taken;
    for (int unsigned i = 0; i < length; i++) peer.payload(text(stream, i));
    void'(peer.send(64'(now_us), of, taken));
    same("octets that the peer takes", taken, length);
  endtask

  task automatic peer_receives(int unsigned of, int unsigned stream, int unsigned want);
    automatic int unsigned got = 0, length;
    while (got < want) begin
      wait_us(1000);
      if (peer.receive(64'(now_us), of, 5000, length) == 0) begin
        for (int unsigned i = 0; i < length; i++) same("octet at the peer", 32'(peer.octet(i)), 32'(text(stream, got + i)));
        got += length;
      end
    end
  endtask

  // ---- the traffic ----
  initial begin
    automatic int unsigned listener, judge_listener, device_conn[2], judge_conn[2], peer_conn[2];
    verbose = $test$plusargs("verbose") != 0;
    if (!$value$plusargs("mistake=%s", mistake)) mistake = "";
    judge = new("dut", "CONNS=16 LISTENERS=4 TX_BUF_LOG2=12 RX_BUF_LOG2=12");
    peer = new("", "CONNS=16");
    judge.set("LOCAL_IP0", 64'(DUT_IP));
    peer.set("LOCAL_IP0", 64'(PEER_IP));
    peer.mode(0, 1);
    wrong_record = mistake == "record";

    repeat (4) @(posedge clk);
    @(negedge clk);
    rst = 0;
    repeat (40) @(posedge clk);
    write_register(8'h01, DUT_IP);
    // Another delayed-ACK time than the model's 200 ms is the design's free choice, up to half a second.
    write_register(8'h11, mistake == "timer" ? 900000 : 50000);
    write_register(8'h1e, 32'h5eed1234);  // other initial sequence numbers too
    running = 1;

    say("open");
    command(OPEN_PASSIVE, 0, 80, 4);
    listener = handle;
    same("OPEN", status, 32'(judge.open_passive(64'(now_us), 80, 4, judge_listener)));
    for (int i = 0; i < 2; i++) begin
      void'(peer.open_active(64'(now_us), 4000 + i, DUT_IP, 80, peer_conn[i]));
      wait_us(2000);
      say("accept");
      command(ACCEPT, listener);
      device_conn[i] = handle;
      same("ACCEPT", status, 32'(judge.accept(64'(now_us), judge_listener, judge_conn[i])));
    end

    for (int unsigned i = 0; i < 6; i++) begin
      say("text to the peer and to the device");
      device_sends(device_conn[i%2], judge_conn[i%2], 2 * i, 3000 + i);
      peer_receives(peer_conn[i%2], 2 * i, 3000 + i);
      peer_sends(peer_conn[1-i%2], 2 * i + 1, 3500 - i);
      device_receives(device_conn[1-i%2], judge_conn[1-i%2], 2 * i + 1, 3500 - i);
    end
    say("a short text, so that the ACK is delayed");
    peer_sends(peer_conn[0], 100, 100);
    wait_us(1200000);
    say("strays");
    @(negedge clk);
    again = 1;  // the same text once more
    wait_us(3000);
    @(negedge clk);
    {damage, again} = '1;  // and with a wrong checksum
    wait_us(3000);
    damage = 0;
    device_receives(device_conn[0], judge_conn[0], 100, 100);

    say("close");
    void'(peer.close(64'(now_us), peer_conn[0]));
    wait_us(300000);
    for (int i = 0; i < 2; i++) begin
      command(CLOSE, device_conn[i]);
      same("CLOSE", status, 32'(judge.close(64'(now_us), judge_conn[i])));
      wait_us(300000);
    end
    void'(peer.close(64'(now_us), peer_conn[1]));
    wait_us(2000000);
    judge.advance(64'(now_us));
    judge.finish();
    over();
  end

  task automatic over();
    $display("%s", judge.summary());
    if (judge.mismatches() != 0) $display("FAIL: %s", judge.mismatch(0));
    else if (judge.compared(0) < 20 || judge.compared(1) < 20 || judge.compared(3) < 40) $display("FAIL: too little was compared");
    else $display("PASS");
    $finish;
  endtask

  // A mismatch ends the test at once; so does a test that does not end.
  always @(posedge clk) begin
    if (running && sub == 0) begin
      judge.advance(64'(now_us));
      if (judge.mismatches() != 0) over();
    end
    if (now_us > 60000000) begin
      $display("FAIL: no end after 60 s");
      $finish;
    end
  end
endmodule
