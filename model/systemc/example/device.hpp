// SPDX-License-Identifier: Apache-2.0
// Which engine stands in the benches: golden model and RTL are exchanged by the `using` line.
#pragma once

#ifdef TIPTOE_EXAMPLE_RTL
#include "rtl_engine.hpp"
using Device = tiptoe::systemc::RtlEngine;
#else
#include "tiptoe/model/engine.hpp"
using Device = tiptoe::model::Engine;
#endif
