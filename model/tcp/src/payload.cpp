// SPDX-License-Identifier: Apache-2.0
// [4b] The host's payload has moved: TXD into the send buffer, RXD out of the receive buffer.
#include "step.hpp"

namespace tiptoe::tcp::step {

void payload_loaded(Ctx& c) {
  Record& r = c.r;
  if (connection_gen(c.ev.handle) != r.gen) {
    c.no_output = true;
    return;
  }
  r.tx_busy = false;
  if (r.state == State::CLOSED) {
    if (!r.rx_busy) release(c);
    return;
  }
  r.snd_end += c.ev.n;
}

void payload_drained(Ctx& c) {
  Record& r = c.r;
  if (connection_gen(c.ev.handle) != r.gen) {
    c.no_output = true;
    return;
  }
  r.rx_busy = false;
  if (r.state == State::CLOSED) {
    if (!r.tx_busy) release(c);
    return;
  }
  r.rcv_free += c.ev.n;
  // RFC 9293 3.8.6.2.2: a window that has opened enough is advertised at once.
  if (may_receive(r.state) && window_edge(c) != r.rcv_adv && !c.on(Fault::window_update_not_sent)) c.ack_now = true;
}

}  // namespace tiptoe::tcp::step
