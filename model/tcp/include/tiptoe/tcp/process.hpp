// SPDX-License-Identifier: Apache-2.0
//
// The protocol: one event, one connection, one decision. A pure function; see docs/connection-processing.md.
//
//   Decision d = process(record, deadlines, event, config, faults);
//   if (d.write) { record = d.record; deadlines = d.deadlines; }
//   if (d.tx) send(d.segment);
//
// Without a connection (event.has_conn false) pass an empty record. For an event that may create a connection pass the
// record read at the index that it would get: its generation is kept.
#pragma once

#include "tiptoe/tcp/faults.hpp"
#include "tiptoe/tcp/types.hpp"

namespace tiptoe::tcp {

Decision process(const Record& record, const Deadlines& deadlines, const Event& event, const Config& config,
                 const Faults& faults = {});

}  // namespace tiptoe::tcp
