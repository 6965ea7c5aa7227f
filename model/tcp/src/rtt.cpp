// SPDX-License-Identifier: Apache-2.0
// Round-trip time: RFC 6298 2. Microseconds; SRTT is kept times 8, RTTVAR times 4.
#include "step.hpp"

namespace tiptoe::tcp::step {

void rtt_sample(Ctx& c, std::uint32_t rtt) {
  Record& r = c.r;
  if (!r.rtt_valid) {  // (2.2)
    r.srtt = rtt << 3;
    r.rttvar = rtt << 1;
    r.rtt_valid = true;
  } else {  // (2.3) alpha = 1/8, beta = 1/4
    const std::uint32_t srtt = r.srtt >> 3;
    const std::uint32_t delta = srtt > rtt ? srtt - rtt : rtt - srtt;
    r.rttvar += delta - (r.rttvar >> 2);
    r.srtt += rtt - srtt;
  }
  const std::uint32_t rto = (r.srtt >> 3) + std::max<std::uint32_t>(1, r.rttvar);
  const std::uint32_t floor = c.on(Fault::rto_below_minimum) ? 0 : c.cfg.rto_min;  // (2.4)
  r.rto = std::min(std::max(rto, floor), c.cfg.rto_max);                           // (2.5)
}

}  // namespace tiptoe::tcp::step
