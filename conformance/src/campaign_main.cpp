// SPDX-License-Identifier: Apache-2.0
// tiptoe_fault_campaign: every case against the model with every seeded fault, one at a time.
//
//   tiptoe_fault_campaign [--cases PATTERN] [--fault ID]... [--jobs N] [--seed S] [--allow FILE] [--json FILE]
//   [--partial]
//
// Fails when a fault is caught by no case, or a case is tripped by no fault (the latter only when all cases and faults
// take part; --partial never asks for it). The allow file has lines "fault ID: reason" and "case ID-PATTERN: reason".
#include <algorithm>
#include <cstdio>
#include <exception>
#include <fstream>
#include <iostream>
#include <string>
#include <vector>

#include "tiptoe/conformance/campaign.hpp"

namespace {

struct Allowed {
  std::vector<std::pair<std::string, std::string>> entries;  // "fault x" or "case pattern", reason

  bool covers(const std::string& kind, const std::string& id) const {
    for (const auto& [what, reason] : entries) {
      if (what.starts_with(kind + " ") && tiptoe::conformance::matches(what.substr(kind.size() + 1), id)) return true;
    }
    return false;
  }
};

bool read_allowed(const std::string& file, Allowed& out) {
  std::ifstream in(file);
  if (!in) {
    std::cerr << "can't read " << file << '\n';
    return false;
  }
  std::string line;
  while (std::getline(in, line)) {
    if (line.empty() || line[0] == '#') continue;
    const std::size_t colon = line.find(": ");
    if (colon == std::string::npos || (!line.starts_with("fault ") && !line.starts_with("case "))) {
      std::cerr << file << ": neither 'fault ID: reason' nor 'case PATTERN: reason': " << line << '\n';
      return false;
    }
    out.entries.emplace_back(line.substr(0, colon), line.substr(colon + 2));
  }
  return true;
}

}  // namespace

int main(int argc, char** argv) {
  using namespace tiptoe::conformance;
  CampaignOptions options;
  Allowed allowed;
  std::string json;
  bool partial = false;
  for (int i = 1; i < argc; ++i) {
    const std::string name = argv[i];
    if (name == "--partial") {
      partial = true;
      continue;
    }
    if (i + 1 >= argc) {
      std::cerr << "tiptoe_fault_campaign: " << name << " needs a value, or is unknown\n";
      return 2;
    }
    const std::string value = argv[++i];
    if (name == "--cases") {
      options.cases = value;
      partial = true;
    } else if (name == "--fault") {
      options.faults.push_back(value);
      partial = true;
    } else if (name == "--jobs") {
      options.jobs = static_cast<unsigned>(std::stoul(value));
    } else if (name == "--seed") {
      options.run.seed = std::stoull(value);
    } else if (name == "--waivers") {
      try {
        options.run.waivers = read_waivers(value);
      } catch (const std::exception& e) {
        std::cerr << "tiptoe_fault_campaign: " << e.what() << '\n';
        return 2;
      }
    } else if (name == "--json") {
      json = value;
    } else if (name == "--allow") {
      if (!read_allowed(value, allowed)) return 2;
    } else {
      std::cerr << "tiptoe_fault_campaign: unknown option " << name << '\n';
      return 2;
    }
  }
  const std::vector<std::string> known = model_faults();
  for (const std::string& fault : options.faults) {
    if (std::find(known.begin(), known.end(), fault) != known.end()) continue;
    std::cerr << "tiptoe_fault_campaign: the model has no fault '" << fault
              << "' (model/tcp/include/tiptoe/tcp/faults.hpp lists them)\n";
    return 2;
  }
  const CampaignReport report = run_campaign(options);
  if (!json.empty()) std::ofstream(json) << report.to_json();
  std::size_t bad = 0;
  for (const auto& [id, message] : report.broken) {
    std::cout << "fails without a fault: " << id << ": " << message << '\n';
    ++bad;
  }
  for (const std::string& fault : report.uncaught) {
    if (allowed.covers("fault", fault)) continue;
    std::cout << "no case catches fault " << fault << '\n';
    ++bad;
  }
  for (const std::string& id : report.untripped) {
    if (partial || allowed.covers("case", id) || report.broken.contains(id)) continue;
    std::cout << "no fault trips case " << id << '\n';
    ++bad;
  }
  if (!options.faults.empty()) {
    for (const auto& [fault, cases] : report.caught_by) {
      std::cout << fault << " is caught by " << cases.size() << " cases\n";
      for (const std::string& id : cases) std::cout << "  " << id << '\n';
    }
  }
  if (!partial) std::cout << report.coarse.size() << " cases are tripped by coarse faults only\n";
  std::cout << report.faults.size() << " faults, " << report.cases.size() << " cases, " << bad << " defects\n";
  return bad == 0 ? 0 : 1;
}
