// SPDX-License-Identifier: Apache-2.0
#include "settings.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <span>
#include <utility>

#include "tiptoe/registers.hpp"
#include "tiptoe/segment.hpp"

namespace tiptoe::packetdrill {
namespace {

std::uint64_t number(std::string_view name, std::string_view text) {
  std::uint64_t value = 0;
  const bool hex = text.starts_with("0x");
  const std::string_view digits = hex ? text.substr(2) : text;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value, hex ? 16 : 10);
  if (error != std::errc{} || end != digits.data() + digits.size()) {
    throw SettingsError("'" + std::string(name) + "' wants a number, not '" + std::string(text) + "'");
  }
  return value;
}

struct Width {
  std::string_view name;
  unsigned DutOptions::*member;
};
constexpr std::array kWidths{Width{"width", &DutOptions::data_w},
                             Width{"connections", &DutOptions::conns},
                             Width{"listeners", &DutOptions::listeners},
                             Width{"tx_buffer_log2", &DutOptions::tx_buf_log2},
                             Width{"rx_buffer_log2", &DutOptions::rx_buf_log2},
                             Width{"timer_scan", &DutOptions::timer_scan}};

using Register = std::pair<std::string_view, std::uint64_t>;
// Times and limits that scripts written on these systems take for granted; microseconds, segments, retries.
constexpr std::array kLinux{
    Register{"RTO_MIN", 200'000}, Register{"RTO_MAX", 120'000'000},    Register{"DACK", 40'000},
    Register{"IW_SEGS", 10},      Register{"SYN_RETRIES", 6},          Register{"DATA_RETRIES", 15},
    Register{"MSL", 30'000'000},  Register{"FW2_TIMEOUT", 60'000'000}, Register{"USER_TIMEOUT", 0}};
constexpr std::array kFreebsd{Register{"RTO_MIN", 230'000}, Register{"RTO_MAX", 64'000'000},
                              Register{"DACK", 40'000},     Register{"IW_SEGS", 10},
                              Register{"MSL", 30'000'000},  Register{"FW2_TIMEOUT", 60'000'000},
                              Register{"USER_TIMEOUT", 0}};

void add_profile(std::string_view name, Settings& settings) {
  std::span<const Register> profile;
  if (name == "linux") {
    profile = kLinux;
  } else if (name == "freebsd") {
    profile = kFreebsd;
  } else {
    throw SettingsError("no profile '" + std::string(name) + "'; there are linux and freebsd");
  }
  for (const auto& [reg, value] : profile) settings.config.settings.emplace_back(reg, value);
}

void read_pair(std::string_view name, std::string_view value, Settings& settings) {
  const auto* width = std::find_if(kWidths.begin(), kWidths.end(), [&](const Width& w) { return w.name == name; });
  if (width != kWidths.end()) {
    settings.options.*width->member = static_cast<unsigned>(number(name, value));
  } else if (name == "seed") {
    settings.config.seed = number(name, value);
  } else if (name == "stalls") {
    settings.options.random_stalls = number(name, value) != 0;
  } else if (name == "waves") {
    settings.options.waves = value;
  } else if (name == "patience") {
    settings.patience_us = number(name, value) * 1'000'000;
  } else if (name == "profile") {
    add_profile(value, settings);
  } else if (name == "local_ip") {
    try {
      settings.local_ip = ip(value);
    } catch (const std::invalid_argument&) {
      throw SettingsError("'local_ip' wants an address like 192.168.0.1, not '" + std::string(value) + "'");
    }
  } else if (const RegisterInfo* reg = find_register(name); reg != nullptr && reg->writable) {
    settings.config.settings.emplace_back(name, number(name, value));
  } else {
    throw SettingsError("no setting '" + std::string(name) +
                        "'; there are width, connections, listeners, tx_buffer_log2, rx_buffer_log2, timer_scan, seed, "
                        "stalls, waves, patience, profile, local_ip and the registers of docs/microarchitecture.md "
                        "section 12");
  }
}

}  // namespace

void read_settings(std::string_view text, Settings& settings) {
  constexpr std::string_view kSeparators = " \t\n,";
  for (std::size_t at = text.find_first_not_of(kSeparators); at != std::string_view::npos;
       at = text.find_first_not_of(kSeparators, at)) {
    const std::size_t end = std::min(text.find_first_of(kSeparators, at), text.size());
    const std::string_view word = text.substr(at, end - at);
    at = end;
    const std::size_t equals = word.find('=');
    if (equals != std::string_view::npos) {
      read_pair(word.substr(0, equals), word.substr(equals + 1), settings);
    } else if (word == "model" || word == "rtl" || word == "lockstep") {
      settings.kind = word;
    } else {
      throw SettingsError("no device '" + std::string(word) + "'; there are model, rtl and lockstep");
    }
  }
}

}  // namespace tiptoe::packetdrill
