// SPDX-License-Identifier: Apache-2.0
// Runs a case on a device.
//
//   auto dut = tiptoe::make_dut("model", {});
//   for (const Case& c : all_cases().cases()) {
//     Result r = run_case(c, *dut);
//     if (r.fails_run()) std::cout << r.message << '\n' << r.ladder << r.repeat << '\n';
//   }
//
// A run depends on the case, the device, the options and nothing else: the device is reset first, and the tester's
// choices come from the seed.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "tiptoe/conformance/case.hpp"
#include "tiptoe/conformance/verdict.hpp"
#include "tiptoe/dut.hpp"

namespace tiptoe::conformance {

/// A failure that somebody has taken on: of the cases of a pattern, or of all cases that name a rule.
struct Waiver {
  std::string pattern;  ///< of case ids; empty: `rule` decides
  std::string rule = {};
  std::string who = {};
  std::string why = {};
  std::string until = {};  ///< last day, 2026-12-31
  bool partly = false;     ///< some of its cases pass, and may

  bool covers(const Case&) const;
};

struct RunOptions {
  std::uint64_t seed = 1;
  std::string profile = {};  ///< instead of the case's; empty: the case's
  Settings settings = {};    ///< on top of the case's
  // Instead of what the device's capabilities say:
  std::optional<std::uint64_t> at_once_us = {};          ///< how long an immediate answer may take
  std::optional<std::uint64_t> timer_tolerance_us = {};  ///< how far a timer may be off
  std::optional<std::uint64_t> quiet_us = {};            ///< silence that must follow the end of a case
  std::optional<std::uint64_t> longest_wait_us = {};     ///< cases that wait longer are inapplicable; 0: no limit
  std::vector<Waiver> waivers = {};
  std::string today = {};          ///< 2026-04-30; empty: no waiver has run out
  std::string dut_arguments = {};  ///< goes into the repeat command, e.g. "--dut rtl --data-w 512"
};

/// Lines "case PATTERN | who | until (2026-12-31) | why" and "rule ID | ...", "partly " may stand before; '#' begins a
/// comment line. requirements/waivers_text.py makes them of the YAML that people write (docs/cli.md). Throws
/// std::runtime_error with the line.
std::vector<Waiver> read_waivers(const std::string& file);

Result run_case(const Case&, Dut&, const RunOptions& = {});

}  // namespace tiptoe::conformance
