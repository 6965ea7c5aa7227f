// SPDX-License-Identifier: Apache-2.0
#include "tiptoe/tcp/process.hpp"

namespace tiptoe::tcp {

Decision process(const Record& record, const Deadlines& deadlines, const Event& event, const Config&, const Faults&) {
  Decision d;
  d.record = record;
  d.deadlines = deadlines;
  d.write = event.has_conn;
  return d;
}

}  // namespace tiptoe::tcp
