// SPDX-License-Identifier: Apache-2.0
// What a run of a case comes to, and the exceptions that end one early.
#pragma once

#include <cstdint>
#include <stdexcept>
#include <string>
#include <vector>

#include "tiptoe/conformance/case.hpp"
#include "tiptoe/dut.hpp"

namespace tiptoe::conformance {

enum class Verdict : std::uint8_t {
  pass,
  fail,          ///< the device broke a rule (or hung, or diverged from its twin)
  inapplicable,  ///< the device lacks what the case needs; the message says what
  waived,        ///< it failed, and somebody has taken that on until a date
  inconclusive,  ///< the exchange did not reach the point where the rule can be judged
  error,         ///< the tester or the adapter of the device failed, not the device
};
const char* to_string(Verdict) noexcept;

/// The device did something else than the rule says: what() is the whole story in sentences.
class CaseFailure : public std::runtime_error {
  using std::runtime_error::runtime_error;
};
/// The device can't be judged by this case.
class Inapplicable : public std::runtime_error {
  using std::runtime_error::runtime_error;
};
/// The case did not come to its point.
class Inconclusive : public std::runtime_error {
  using std::runtime_error::runtime_error;
};

struct Result {
  std::string id;
  Level level = Level::must;
  Verdict verdict = Verdict::error;
  std::string message;               ///< empty for pass
  std::vector<std::string> remarks;  ///< things worth knowing that do not change the verdict
  std::string ladder;                ///< the exchange as text, one line per datagram, user call and notification
  std::vector<Datagram> frames;      ///< both directions, in order
  std::string repeat;                ///< the command that repeats this run with waves
  std::uint64_t seed = 0;
  std::uint64_t cycles = 0;
  std::uint64_t virtual_us = 0;
  double wall_s = 0;
  bool unexpected_pass = false;  ///< it passed although a waiver covers it; the remarks say which

  /// True when this result must fail the whole run: a `must` that failed, an error, a waiver that is no longer needed.
  bool fails_run() const noexcept {
    return verdict == Verdict::error || (verdict == Verdict::fail && level == Level::must) || unexpected_pass;
  }
};

}  // namespace tiptoe::conformance
