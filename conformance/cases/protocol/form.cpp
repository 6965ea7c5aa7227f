// SPDX-License-Identifier: Apache-2.0
// The form of what the device sends, and the acceptance test of RFC 9293 Table 6.
#include <algorithm>

#include "../support.hpp"

namespace tiptoe::conformance::cases {

namespace {

/// The tester checks every datagram; here each kind of segment passes before it once.
void every_kind(Tester& t) {
  t.listen();
  t.send_syn();
  const Received syn_ack = t.expect_syn_ack();
  t.check(syn_ack.mss().has_value(), "the SYN,ACK carries no MSS option");
  t.send_ack();
  t.accept();
  for (const std::size_t n : {1U, 2U, 3U, 500U, 501U, 1460U}) {
    t.user_send(n);
    const Received text = t.expect_text(n);
    t.check(!text.mss(), "an MSS option on a segment without SYN");
    t.send_text(n);
    const Received ack = t.expect_delayed_ack();
    t.check(!ack.mss(), "an MSS option on an ACK");
    t.check_equal(std::size_t{*ack.data_offset} * 4, 20 + (ack.options ? ack.options->bytes.size() : 0),
                  "the header length");
  }
  t.user_receive(2467);
  t.close();
  const Received fin = t.expect_fin();
  t.check(!fin.mss(), "an MSS option on a FIN");
  t.send_ack();
  t.step("RST of either form");
  Conn& none = t.add_conn({device_ip, device_port_2}, {peer_ip, 9});
  none.send_syn();
  t.check(!none.expect_rst_ack(0, none.isn + 1).mss(), "an MSS option on a RST");
  none.send({.seq = 1, .ack = 2, .flags = ACK});
  t.check(!none.expect_rst(2).mss(), "an MSS option on a RST");
}

void empty_segments(Tester& t) {
  t.reach(State::established);
  const std::uint32_t r = t.R();
  const std::uint32_t w = t.W();
  for (const std::uint32_t seq : {r, r + 1, r + w / 2, r + w - 1}) {
    t.step("inside: RCV.NXT + " + std::to_string(seq - r));
    t.send({.seq = seq, .flags = ACK});
    t.expect_nothing(300_ms);
  }
  for (const std::uint32_t seq : {r - 1, r + w, r + w + 1, r - 0x40000000U, r + 0x80000000U}) {
    t.step("outside: RCV.NXT + " + std::to_string(static_cast<std::int32_t>(seq - r)));
    t.send({.seq = seq, .flags = ACK});
    const bool near = seq == r + w || seq == r + w + 1;
    if (near && t.may("beyond_window", "taken")) {
      t.allow({.flags = ACK});
    } else {
      t.expect_ack();
    }
    t.advance(2_s);
  }
  t.probe_state(State::established);
}

void text_segments(Tester& t) {
  t.reach(State::established);
  const std::uint32_t r = t.R();
  const std::uint32_t w = t.W();
  t.step("wholly outside: nothing is taken");
  for (const std::uint32_t seq : {r - 10, r - 1000, r + w, r + w + 100, r + 0x80000000U, r - 0x7FFFFFF0U}) {
    t.send({.seq = seq, .flags = ACK | PSH, .payload = Bytes(10, 0xEE)});
    t.expect_ack();
  }
  t.receive(1, CallStatus::would_block);
  t.step("a window's worth in order is taken");
  std::uint32_t at = 0;
  while (at < w) {
    const std::uint32_t n = std::min<std::uint32_t>(1300, w - at);
    t.send_text(n);
    at += n;
    t.expect_delayed_ack();
  }
  t.user_receive(w);
}

void syn_received_syn(Tester& t, std::uint32_t offset) {
  t.reach(State::syn_received);
  t.send({.seq = t.R() + offset, .flags = SYN});
  if (t.allow({.flags = ACK})) {  // RFC 5961, as many do it: a challenge ACK
    t.send_ack();
    t.expect_nothing();
    t.accept();
    t.probe_state(State::established);
    return;
  }
  t.step("back to LISTEN, without a segment");
  t.expect_nothing(5_s);
  t.accept(CallStatus::would_block);
  t.probe_state(State::listen);
}

void syn_received_syn_again(Tester& t) {
  t.reach(State::syn_received);
  t.send_syn();  // the original SYN, below the window
  t.expect_one_of({{.flags = ACK}, {.seq = t.c().iss, .flags = SYN | ACK}});
  t.probe_state(State::syn_received);
  t.send_ack();
  t.expect_nothing();
  t.accept();
  t.probe_state(State::established);
}

}  // namespace

void register_protocol_form(Registry& r) {
  r.add_with_wrap({.id = "protocol/form-every-kind",
                   .title = "Every kind of segment is well formed",
                   .rules = {"MUST-2", "MUST-65", "MUST-68", "MUST-69", "RFC9293-3.1-1", "RFC9293-3.1-2",
                             "RFC9293-3.1-4", "RFC9293-3.1-6", "RFC1122-3.2.1.3-3", "MUST-45"},
                   .description =
                       "SYN,ACK, text of odd and even length, ACK, FIN, RST and RST,ACK: checksums, lengths, reserved "
                       "bits, options and addresses are right; the MSS option is on SYN only.",
                   .run = every_kind});
  r.add_with_wrap({.id = "protocol/acceptance-empty",
                   .title = "Acceptance test for empty segments",
                   .rules = {"RFC9293-3.4-3b", "RFC9293-3.5.2-4", "ST-ESTABLISHED-SEQ-BAD"},
                   .description =
                       "Empty segments at R, R+1, R+W/2 and R+W-1 draw nothing; those at R-1, R+W and far away draw "
                       "<SEQ=S><ACK=R>.",
                   .run = empty_segments});
  r.add_with_wrap({.id = "protocol/acceptance-text",
                   .title = "Acceptance test for text",
                   .rules = {"RFC9293-3.4-3d", "RFC9293-3.5.2-4", "ST-ESTABLISHED-SEQ-BAD", "RFC9293-3.4-1"},
                   .description =
                       "Text wholly below or above the window, near and far: an ACK each, nothing taken. Then a whole "
                       "window in order is taken.",
                   .run = text_segments});
  for (const std::uint32_t offset : {0U, 100U}) {
    r.add({.id = "protocol/syn-in-syn-received-" + std::to_string(offset),
           .title = "SYN inside the window in SYN_RECEIVED after a passive open",
           .rules = {"RFC1122-4.2.2.20-e", "ST-SYN-RECEIVED-SYN-IN"},
           .description = "SYN at RCV.NXT + " + std::to_string(offset) +
                          ": back to LISTEN without a segment, or a challenge ACK (both are read from the RFCs).",
           .run = [offset](Tester& t) { syn_received_syn(t, offset); },
           .profile = "base",
           .wishes = bits_but({})});
  }
  r.add_with_wrap({.id = "protocol/syn-again-in-syn-received",
                   .title = "The SYN again in SYN_RECEIVED",
                   .rules = {"ST-SYN-RECEIVED-SYN-OUT", "RFC9293-3.5.2-4"},
                   .description =
                       "The original SYN, which is below the window now: an ACK or the SYN,ACK again; the connection "
                       "opens.",
                   .run = syn_received_syn_again});
}

}  // namespace tiptoe::conformance::cases
