// SPDX-License-Identifier: Apache-2.0
// The fault campaign: the suite against a model with one seeded fault at a time. A fault that no case catches is a hole
// in the suite; a case that no fault trips has not proved that it can fail.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "tiptoe/conformance/runner.hpp"

namespace tiptoe::conformance {

struct CampaignOptions {
  RunOptions run = {};
  unsigned jobs = 0;                                ///< 0: one per processor
  std::string cases = "*";                          ///< pattern of case ids
  std::vector<std::string> faults;                  ///< ids; empty: every one of the model
  std::function<std::unique_ptr<Dut>()> make = {};  ///< default: the model
};

struct CampaignReport {
  std::vector<std::string> faults, cases;
  std::map<std::string, std::vector<std::string>> caught_by;   ///< fault -> cases that failed under it
  std::map<std::string, std::vector<std::string>> tripped_by;  ///< case -> faults that made it fail
  std::map<std::string, std::string> broken;                   ///< cases that fail without any fault -> message
  std::vector<std::string> waived;                             ///< cases that a waiver covers: they prove nothing
  std::vector<std::string> uncaught, untripped;
  /// Cases that only coarse faults trip: those that more than 15 % of the cases catch. They deserve a fault of their
  /// own.
  std::vector<std::string> coarse;

  std::string to_json() const;
};

/// The seeded faults of the model that is linked in (none when it has none).
std::vector<std::string> model_faults();

CampaignReport run_campaign(const CampaignOptions&);

}  // namespace tiptoe::conformance
