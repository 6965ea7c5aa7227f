// SPDX-License-Identifier: Apache-2.0
#include "tiptoe/conformance/runner.hpp"

#include <algorithm>
#include <chrono>
#include <exception>
#include <fstream>
#include <optional>
#include <stdexcept>
#include <string_view>

#include "tiptoe/conformance/tester.hpp"

namespace tiptoe::conformance {

namespace {

std::string shell_quote(const std::string& text) {
  const bool plain = text.find_first_of(" '\"$*?&|;<>()\\`") == std::string::npos;
  return plain ? text : "'" + text + "'";
}

void apply_waivers(Result& result, const Case& the_case, const RunOptions& options) {
  if (result.verdict != Verdict::fail && result.verdict != Verdict::pass) return;
  for (const Waiver& waiver : options.waivers) {
    if (!waiver.covers(the_case)) continue;
    if (!options.today.empty() && waiver.until < options.today) {
      if (result.verdict == Verdict::pass) continue;
      result.remarks.push_back("the waiver of " + waiver.who + " (" + waiver.why + ") ran out on " + waiver.until);
    } else if (result.verdict == Verdict::fail) {
      result.verdict = Verdict::waived;
      result.message = "waived by " + waiver.who + " until " + waiver.until + ": " + waiver.why + ". " + result.message;
      return;
    } else if (!waiver.partly) {
      result.unexpected_pass = true;
      result.remarks.push_back("it passes, although " + waiver.who + " waived it (" + waiver.why +
                               "): remove the waiver");
    }
  }
}

std::string trimmed(std::string text) {
  text.erase(0, text.find_first_not_of(' '));
  text.erase(text.find_last_not_of(' ') + 1);
  return text;
}

bool take_word(std::string& text, std::string_view word) {
  if (!text.starts_with(word)) return false;
  text = trimmed(text.substr(word.size()));
  return true;
}

/// Empty when the line is not a waiver.
std::optional<Waiver> to_waiver(const std::string& line) {
  std::vector<std::string> fields(1);
  for (const char ch : line) {
    if (ch == '|' && fields.size() < 4) {
      fields.emplace_back();
    } else {
      fields.back() += ch;
    }
  }
  for (std::string& field : fields) field = trimmed(field);
  if (fields.size() != 4) return std::nullopt;
  Waiver out{.pattern = {}, .who = fields[1], .why = fields[3], .until = fields[2]};
  std::string& what = fields[0];
  out.partly = take_word(what, "partly ");
  if (take_word(what, "case ")) {
    out.pattern = what;
  } else if (take_word(what, "rule ")) {
    out.rule = what;
  } else {
    return std::nullopt;
  }
  const bool complete = !what.empty() && !out.who.empty() && !out.why.empty() && out.until.size() == 10;
  return complete ? std::optional(out) : std::nullopt;
}

}  // namespace

const char* to_string(Verdict verdict) noexcept {
  switch (verdict) {
    case Verdict::pass: return "pass";
    case Verdict::fail: return "fail";
    case Verdict::inapplicable: return "inapplicable";
    case Verdict::waived: return "waived";
    case Verdict::inconclusive: return "inconclusive";
    case Verdict::error: return "error";
  }
  return "?";
}

bool Waiver::covers(const Case& the_case) const {
  if (!pattern.empty()) return matches(pattern, the_case.id);
  return std::find(the_case.rules.begin(), the_case.rules.end(), rule) != the_case.rules.end();
}

std::vector<Waiver> read_waivers(const std::string& file) {
  std::ifstream in(file);
  if (!in) throw std::runtime_error("can't read the waivers in " + file);
  std::vector<Waiver> out;
  std::string line;
  while (std::getline(in, line)) {
    if (line.empty() || line[0] == '#') continue;
    const std::optional<Waiver> waiver = to_waiver(line);
    if (!waiver) {
      std::string text = file;
      text.append(": not 'case PATTERN | who | until (2026-12-31) | why' or 'rule ID | ...': ").append(line);
      throw std::runtime_error(text);
    }
    out.push_back(*waiver);
  }
  return out;
}

Result run_case(const Case& the_case, Dut& dut, const RunOptions& options) {
  Result result;
  result.id = the_case.id;
  result.level = the_case.level;
  result.seed = options.seed;
  const std::string device = options.dut_arguments.empty() ? "--dut " + dut.name() : options.dut_arguments;
  const bool has_waves = dut.name() == "rtl" || dut.name() == "lockstep";
  result.repeat = "tiptoe run " + shell_quote(the_case.id) + " " + device + " --seed " + std::to_string(options.seed) +
                  (has_waves ? " --waves waves/" : "");
  const auto begin = std::chrono::steady_clock::now();
  Tester tester(dut, the_case, options);
  const auto ends = [&](Verdict verdict, const std::string& message) {
    result.verdict = verdict;
    result.message = message;
  };
  try {
    tester.start();
    the_case.run(tester);
    tester.finish();
    result.verdict = Verdict::pass;
  } catch (const CaseFailure& e) {
    ends(Verdict::fail, e.what());
  } catch (const Inapplicable& e) {
    ends(Verdict::inapplicable, e.what());
  } catch (const Inconclusive& e) {
    ends(Verdict::inconclusive, e.what());
  } catch (const DutHang& e) {
    ends(Verdict::fail, the_case.id + ": the device hangs: " + e.what());
  } catch (const Divergence& e) {
    ends(Verdict::fail, the_case.id + ": model and RTL diverge: " + e.what());
  } catch (const DutUnsupported& e) {
    ends(Verdict::inapplicable, e.what());
  } catch (const DutNonsense& e) {
    const std::string after = tester.last_sent().empty() ? "" : "after " + tester.last_sent() + ", ";
    ends(Verdict::fail, the_case.id + ": " + after + "the device answered nonsense: " + e.what());
  } catch (const DutError& e) {
    ends(Verdict::error, the_case.id + ": the adapter of the device failed: " + e.what());
  } catch (const std::exception& e) {
    ends(Verdict::error, the_case.id + ": the tester failed: " + e.what());
  }
  result.ladder = tester.ladder();
  result.frames = tester.take_frames();
  result.remarks = tester.take_remarks();
  try {
    result.virtual_us = dut.now_us();
    result.cycles = dut.cycles();
  } catch (const DutError&) {  // the verdict says already what is wrong
    result.virtual_us = result.cycles = 0;
  }
  result.wall_s = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  apply_waivers(result, the_case, options);
  return result;
}

}  // namespace tiptoe::conformance
