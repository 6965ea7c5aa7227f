// SPDX-License-Identifier: Apache-2.0
// Every case as a GoogleTest test, on one device.
//
//   tiptoe_conformance_test [--dut=model|rtl|lockstep|PATH.so] [--data-w=64] [--conns=64] [--listeners=8]
//                           [--tx-buf-log2=14] [--stalls] [--seed=1] [--fault=ID] [--strict] [--waivers=FILE]
//                           [--today=2026-12-31] [--ladders] [--dut-args=TEXT] [--gtest_filter='textbook.TB_05*']
//
// Without --dut the environment variable TIPTOE_DUT decides, then "model". A "should" or "may" case that fails is a
// warning; with --strict it fails. FILE holds the lines that requirements/waivers_text.py makes of a YAML file.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <exception>
#include <iostream>
#include <memory>
#include <string>

#include "tiptoe/conformance/runner.hpp"
#include "tiptoe/plugin.hpp"

namespace {

using namespace tiptoe::conformance;

struct Bench {
  std::string kind = "model";
  tiptoe::DutOptions parameters;
  std::string fault;
  std::string arguments;  ///< of a shared object
  RunOptions options;
  bool ladders = false;
  bool strict = false;
  std::unique_ptr<tiptoe::Dut> dut;

  tiptoe::Dut& device() {
    if (!dut) {
      // The remaining parameters are those of the verilated set with this width and number of connections.
      for (const tiptoe::DutOptions& set : tiptoe::rtl_parameter_sets()) {
        if (set.data_w != parameters.data_w || set.conns != parameters.conns) continue;
        const bool stalls = parameters.random_stalls;
        parameters = set;
        parameters.random_stalls = stalls;
      }
      dut = kind.ends_with(".so") ? tiptoe::load_dut(kind, {}, arguments) : tiptoe::make_dut(kind, parameters);
      if (!fault.empty()) dut->set_fault(fault);
    }
    return *dut;
  }
};

Bench& bench() {
  static Bench the_bench;
  return the_bench;
}

class CaseTest : public testing::Test {
 public:
  explicit CaseTest(const Case& c) : case_(c) {}

  void TestBody() override {
    const Result r = run_case(case_, bench().device(), bench().options);
    RecordProperty("verdict", to_string(r.verdict));
    for (const std::string& remark : r.remarks) std::cout << r.id << ": " << remark << '\n';
    if (bench().ladders) std::cout << r.ladder;
    if (r.verdict == Verdict::inapplicable) GTEST_SKIP() << "inapplicable: " << r.message;
    if (r.verdict == Verdict::waived) std::cout << r.id << ": " << r.message << '\n';
    if (r.unexpected_pass) ADD_FAILURE() << r.remarks.back();
    if (r.verdict == Verdict::pass || r.verdict == Verdict::waived) return;
    const std::string story = r.message + "\n" + r.ladder + "repeat: " + r.repeat + "\n";
    if (r.fails_run() || r.verdict == Verdict::inconclusive || bench().strict) {
      ADD_FAILURE() << story;
    } else {
      std::cout << "WARNING (" << to_string(r.level) << "): " << story;
    }
  }

 private:
  const Case& case_;
};

}  // namespace

int main(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  if (const char* kind = std::getenv("TIPTOE_DUT")) bench().kind = kind;
  for (int i = 1; i < argc; ++i) {
    const std::string argument = argv[i];
    const auto value = [&](const char* name) -> const char* {
      const std::string prefix = std::string(name) + "=";
      return argument.starts_with(prefix) ? argv[i] + prefix.size() : nullptr;
    };
    const auto number = [&](const char* name, unsigned& where) {
      const char* text = value(name);
      if (text != nullptr) where = static_cast<unsigned>(std::strtoul(text, nullptr, 10));
      return text != nullptr;
    };
    tiptoe::DutOptions& parameters = bench().parameters;
    if (const char* kind = value("--dut")) {
      bench().kind = kind;
    } else if (const char* seed = value("--seed")) {
      bench().options.seed = std::strtoull(seed, nullptr, 10);
    } else if (number("--data-w", parameters.data_w) || number("--conns", parameters.conns) ||
               number("--listeners", parameters.listeners) || number("--tx-buf-log2", parameters.tx_buf_log2) ||
               number("--rx-buf-log2", parameters.rx_buf_log2) || number("--timer-scan", parameters.timer_scan)) {
      continue;
    } else if (argument == "--stalls") {
      parameters.random_stalls = true;
    } else if (const char* file = value("--waivers")) {
      try {
        bench().options.waivers = tiptoe::conformance::read_waivers(file);
      } catch (const std::exception& e) {
        std::cerr << e.what() << '\n';
        return 2;
      }
    } else if (const char* today = value("--today")) {
      bench().options.today = today;
    } else if (const char* fault = value("--fault")) {
      bench().fault = fault;
    } else if (const char* text = value("--dut-args")) {
      bench().arguments = text;
    } else if (argument == "--strict") {
      bench().strict = true;
    } else if (argument == "--ladders") {
      bench().ladders = true;
    } else {
      std::cerr << "unknown argument " << argument << '\n';
      return 2;
    }
  }
  for (const Case& c : all_cases().cases()) {
    std::string id = c.id;
    std::replace(id.begin(), id.end(), '-', '_');  // '-' has a meaning in --gtest_filter
    const std::size_t slash = id.rfind('/');
    testing::RegisterTest(id.substr(0, slash).c_str(), id.substr(slash + 1).c_str(), nullptr, nullptr, __FILE__,
                          __LINE__, [&c]() -> testing::Test* { return new CaseTest(c); });
  }
  return RUN_ALL_TESTS();
}
