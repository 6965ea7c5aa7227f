// SPDX-License-Identifier: Apache-2.0
// The engine's registers and counters by name (docs/microarchitecture.md section 12), and the connection record's
// layout (section 8.3) for whoever prints one.
//
//   const RegisterInfo* mtu = find_register("MTU");          // address 5
//   const RegisterInfo* bit = find_register("FEATURES.DF");  // address 8, bit 6
//   std::uint64_t cwnd = record_field(retired.record, "cwnd");
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace tiptoe {

struct RegisterInfo {
  std::string_view name;
  std::uint8_t address = 0;
  bool writable = false;
  std::int8_t bit = -1;           ///< a single bit of the register ("FEATURES.DELACK"), or -1 for all of it
  std::uint32_t reset_value = 0;  ///< of the whole register
};

/// All settings and counters, in order of address; single bits follow their register.
std::span<const RegisterInfo> registers() noexcept;
const RegisterInfo* find_register(std::string_view name) noexcept;
/// "unknown register 'MUT'; did you mean 'MTU'?"
std::string unknown_register(std::string_view name);

struct RecordField {
  std::string_view name;
  unsigned width = 0;
  unsigned lsb = 0;  ///< position of its least significant bit in the packed record
};

/// Connection record, most significant field first; ooo ranges are "ooo0.valid", "ooo0.start", "ooo0.end" ...
std::span<const RecordField> record_fields() noexcept;
inline constexpr unsigned kRecordWidth = 1310;
/// Deadlines: "RTX.armed", "RTX.deadline", "DACK.armed" ...
std::span<const RecordField> deadline_fields() noexcept;
inline constexpr unsigned kDeadlineWidth = 245;

/// A field of a packed value, least significant 32-bit word first.
std::uint64_t packed_field(std::span<const std::uint32_t> words, const RecordField& field) noexcept;
/// By name; throws std::out_of_range.
std::uint64_t record_field(std::span<const std::uint32_t> words, std::string_view name);

/// Names for people: event kinds "SEG", retire reasons "OUT_OF_WINDOW", notification flags "CONNECTED|READABLE".
std::string_view event_kind_name(unsigned kind) noexcept;
std::string_view reason_name(unsigned reason) noexcept;
std::string notification_names(unsigned flags);
std::string_view command_name(unsigned op) noexcept;

}  // namespace tiptoe
