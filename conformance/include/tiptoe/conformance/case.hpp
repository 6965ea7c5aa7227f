// SPDX-License-Identifier: Apache-2.0
// A case: one exchange with a device, its rules, and the settings it runs under.
//
//   void register_my_cases(tiptoe::conformance::Registry& r) {
//     r.add({.id = "protocol/rst-in-window",
//            .title = "A RST inside the window draws a challenge ACK",
//            .rules = {"RFC5961-3.2-3", "RFC5961-3.2-4"},
//            .description = "In ESTABLISHED the tester sends <SEQ=R+1><CTL=RST>. The device must answer "
//                           "<SEQ=S><ACK=R><CTL=ACK>, once, and stay ESTABLISHED.",
//            .run = [](Tester& t) {
//              t.reach(State::established);
//              t.send(rst(t.R() + 1));
//              t.expect_ack();
//              t.probe_state(State::established);
//            },
//            .profile = "rfc5961"});
//   }
//
// Every file of cases offers one such function; all_cases() calls them (a static library keeps no static registrars).
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tiptoe::conformance {

class Tester;

/// How strongly the strongest rule of a case is worded. A failed `must` fails the run, a failed `should` warns, a
/// failed `may` is recorded.
enum class Level : std::uint8_t { must, should, may };
const char* to_string(Level) noexcept;

/// Register name (docs/microarchitecture.md section 12) or name of a FEATURES bit (RST5961, SYN5961, ACK5961, RFC1337,
/// TW_REUSE, DELACK, DF, FIXED_ISS; value 0 or 1) -> value. Later entries win.
using Settings = std::vector<std::pair<std::string, std::uint64_t>>;

struct Case {
  std::string id;                  ///< "group/…": unique, file-name characters and '/' only
  std::string title;               ///< one line
  std::vector<std::string> rules;  ///< ids of the catalogue: MUST-13, RFC5961-3.2-3, ST-ESTABLISHED-RST-INWIN, TB-12 …
  std::string description;         ///< one paragraph: what is sent, what must come
  std::function<void(Tester&)> run;
  Level level = Level::must;
  std::string profile = "default";  ///< name of a Profile
  Settings settings = {};           ///< on top of the profile
  /// Names of those settings (of the profile, too) that make the exchange shorter or calmer, but that its rules do not
  /// depend on: a device that can't have them is judged all the same. All other settings are needs.
  std::set<std::string> wishes = {};
  /// Another profile, under which the same exchange is a case of its own: a device that is the same under both of them,
  /// for want of settings, is judged there only.
  std::string same_as = {};
  std::optional<std::uint32_t> peer_isn = {};  ///< the tester's ISN; a value from the seed when empty
};

/// A named set of settings under which cases run.
struct Profile {
  std::string name;
  std::string description;
  Settings settings;
};

/// default, base, rfc5961, rfc1337, linux-syn, bsd-syn …
const std::vector<Profile>& profiles();
/// Throws std::out_of_range with the known names.
const Profile& profile(std::string_view name);

/// Puts the names of FEATURES bits into one FEATURES value (starting from the device default 0x3F) and keeps the last
/// value of every other name.
Settings resolve(const Settings&);

class Registry {
 public:
  /// Throws std::invalid_argument when the case is incomplete, its profile unknown or its id taken.
  void add(Case);
  /// Adds the case, and once more as "<id>-wrap" with both initial sequence numbers just below 2^32.
  void add_with_wrap(Case);
  /// Adds "<id>-wrap" only.
  void add_wrap(Case);
  const std::vector<Case>& cases() const noexcept { return cases_; }
  const Case* find(std::string_view id) const noexcept;
  /// Cases whose id matches the pattern ('*' any run of characters, '?' one), in registration order.
  std::vector<const Case*> select(std::string_view pattern) const;

 private:
  std::vector<Case> cases_;
};

/// Both first data octets of a "-wrap" case are close to 2^32: ISS of the device and ISN of the tester.
inline constexpr std::uint32_t wrap_iss = 0xFFFFFFE0U;
inline constexpr std::uint32_t wrap_isn = 0xFFFFFF80U;

/// Every case of the suite.
const Registry& all_cases();

bool matches(std::string_view pattern, std::string_view id) noexcept;

}  // namespace tiptoe::conformance
