// SPDX-License-Identifier: Apache-2.0
// Challenge ACKs: RFC 5961 7. The limit is per connection and its window has a length of its own for every connection,
// for a limit that all share can be measured from outside (CVE-2016-5696).
#include "step.hpp"

namespace tiptoe::tcp::step {

void challenge_ack(Ctx& c) {
  Record& r = c.r;
  const std::uint32_t window = c.cfg.ch_window + ((r.iss & 0x3FF) << 10);
  if (c.now32() - r.ch_start >= window) {
    r.ch_start = c.now32();
    r.ch_cnt = 0;
  }
  if (r.ch_cnt < c.cfg.ch_limit || c.on(Fault::challenge_limit_ignored)) {
    r.ch_cnt = static_cast<std::uint8_t>(r.ch_cnt + 1);
    c.ack_now = c.challenge = true;
    c.d.count(Counter::ChallengeAcks);
  } else {
    c.d.count(Counter::ChallengeLimited);
  }
}

}  // namespace tiptoe::tcp::step
