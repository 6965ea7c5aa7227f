// SPDX-License-Identifier: Apache-2.0
// RFC 9293 3.10.7.4 sixth: the URG bit. MUST-32: the user is told; the data stays in line (RFC 6093).
#include "step.hpp"

namespace tiptoe::tcp::step {

void urg(Ctx& c) {
  if (c.seg.has(URG) && c.seg.up > 0 && may_receive(c.r.state) && !c.on(Fault::urgent_not_signalled)) {
    c.d.evt |= EVT_URGENT;
  }
}

}  // namespace tiptoe::tcp::step
