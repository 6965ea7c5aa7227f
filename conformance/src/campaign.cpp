// SPDX-License-Identifier: Apache-2.0
#include "tiptoe/conformance/campaign.hpp"

#include <algorithm>
#include <atomic>
#include <mutex>
#include <thread>

#include "tiptoe/conformance/json.hpp"
#include "tiptoe/tcp/faults.hpp"

namespace tiptoe::conformance {

namespace {

bool trips(const Result& r) { return r.verdict == Verdict::fail || r.verdict == Verdict::error; }

std::string map_json(const std::map<std::string, std::vector<std::string>>& map) {
  std::string out = "{";
  for (const auto& [name, list] : map) {
    out += (out.size() > 1 ? ",\n    " : "\n    ") + json_string(name) + ": " + json_list(list);
  }
  return out + "\n  }";
}

}  // namespace

std::string CampaignReport::to_json() const {
  std::string broken_json = "{";
  for (const auto& [id, message] : broken) {
    broken_json += (broken_json.size() > 1 ? ", " : "") + json_string(id) + ": " + json_string(message);
  }
  return "{\n  \"uncaught\": " + json_list(uncaught) + ",\n  \"untripped\": " + json_list(untripped) +
         ",\n  \"waived\": " + json_list(waived) + ",\n  \"coarse\": " + json_list(coarse) +
         ",\n  \"broken\": " + broken_json + "},\n  \"caught_by\": " + map_json(caught_by) +
         ",\n  \"tripped_by\": " + map_json(tripped_by) + "\n}\n";
}

std::vector<std::string> model_faults() {
  std::vector<std::string> out;
  out.reserve(tcp::FAULTS.size());
  for (const tcp::FaultInfo& info : tcp::FAULTS) out.emplace_back(info.id);
  return out;
}

CampaignReport run_campaign(const CampaignOptions& options) {
  CampaignReport report;
  report.faults = options.faults.empty() ? model_faults() : options.faults;
  const std::vector<const Case*> cases = all_cases().select(options.cases);
  for (const Case* c : cases) report.cases.push_back(c->id);

  // One piece of work: one fault (or none) and all cases, on a device of its own.
  const std::size_t pieces = report.faults.size() + 1;
  std::atomic<std::size_t> next{0};
  std::mutex guard;
  const auto work = [&] {
    const std::unique_ptr<Dut> dut = options.make ? options.make() : make_dut("model", {});
    for (std::size_t piece = next++; piece < pieces; piece = next++) {
      const std::string fault = piece == 0 ? "none" : report.faults[piece - 1];
      dut->set_fault(fault);
      std::vector<std::pair<std::string, std::string>> failed;
      std::vector<std::string> waived;
      for (const Case* c : cases) {
        const Result r = run_case(*c, *dut, options.run);
        if (trips(r)) failed.emplace_back(c->id, r.message);
        if (piece == 0 && r.verdict == Verdict::waived) waived.push_back(c->id);
      }
      dut->set_fault("none");
      const std::lock_guard lock(guard);
      report.waived.insert(report.waived.end(), waived.begin(), waived.end());
      for (auto& [id, message] : failed) {
        if (piece == 0) {
          report.broken[id] = message;
        } else {
          report.caught_by[fault].push_back(id);
        }
      }
    }
  };
  const unsigned jobs = std::max(1U, options.jobs != 0 ? options.jobs : std::thread::hardware_concurrency());
  std::vector<std::thread> threads;
  for (unsigned i = 0; i < jobs; ++i) threads.emplace_back(work);
  for (std::thread& thread : threads) thread.join();

  for (auto& [fault, list] : report.caught_by) {
    std::erase_if(list, [&](const std::string& id) { return report.broken.contains(id); });  // proves nothing
    for (const std::string& id : list) report.tripped_by[id].push_back(fault);
  }
  for (const std::string& fault : report.faults) {
    if (report.caught_by[fault].empty()) report.uncaught.push_back(fault);
  }
  for (const std::string& id : report.cases) {
    const bool waived = std::find(report.waived.begin(), report.waived.end(), id) != report.waived.end();
    if (!waived && !report.tripped_by.contains(id)) report.untripped.push_back(id);
  }
  const std::size_t many = report.cases.size() * 15 / 100;
  for (const auto& [id, faults] : report.tripped_by) {
    if (std::all_of(faults.begin(), faults.end(),
                    [&](const std::string& f) { return report.caught_by[f].size() > many; })) {
      report.coarse.push_back(id);
    }
  }
  return report;
}

}  // namespace tiptoe::conformance
