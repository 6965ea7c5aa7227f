// SPDX-License-Identifier: Apache-2.0
#include "tiptoe/registers.hpp"

#include <algorithm>
#include <array>
#include <stdexcept>
#include <vector>

namespace tiptoe {
namespace {

constexpr RegisterInfo rw(std::string_view name, unsigned address, std::uint32_t reset_value) {
  return {name, static_cast<std::uint8_t>(address), true, -1, reset_value};
}
constexpr RegisterInfo ro(std::string_view name, unsigned address, std::uint32_t reset_value = 0) {
  return {name, static_cast<std::uint8_t>(address), false, -1, reset_value};
}
constexpr RegisterInfo feature(std::string_view name, int bit) {
  return {name, 0x08, true, static_cast<std::int8_t>(bit), 0x3F};
}

constexpr std::array kRegisters{ro("ID", 0x00, 0x54495031),
                                rw("LOCAL_IP0", 0x01, 0),
                                rw("LOCAL_IP1", 0x02, 0),
                                rw("LOCAL_IP2", 0x03, 0),
                                rw("LOCAL_IP3", 0x04, 0),
                                rw("MTU", 0x05, 1500),
                                rw("TTL", 0x06, 64),
                                rw("TOS", 0x07, 0),
                                rw("FEATURES", 0x08, 0x3F),
                                feature("FEATURES.RST5961", 0),
                                feature("FEATURES.SYN5961", 1),
                                feature("FEATURES.ACK5961", 2),
                                feature("FEATURES.RFC1337", 3),
                                feature("FEATURES.TW_REUSE", 4),
                                feature("FEATURES.DELACK", 5),
                                feature("FEATURES.DF", 6),
                                feature("FEATURES.FIXED_ISS", 7),
                                rw("RTO_INIT", 0x09, 1000000),
                                rw("RTO_MIN", 0x0A, 1000000),
                                rw("RTO_MAX", 0x0B, 60000000),
                                rw("SYN_RTO", 0x0C, 1000000),
                                rw("SYN_BACKOFF", 0x0D, 1),
                                rw("SYN_RETRIES", 0x0E, 7),
                                rw("DATA_RETRIES", 0x0F, 8),
                                rw("R1", 0x10, 3),
                                rw("DACK", 0x11, 200000),
                                rw("MSL", 0x12, 120000000),
                                rw("FW2_TIMEOUT", 0x13, 0),
                                rw("KEEP_IDLE_S", 0x14, 7200),
                                rw("KEEP_INTVL_S", 0x15, 75),
                                rw("KEEP_PROBES", 0x16, 9),
                                rw("USER_TIMEOUT", 0x17, 300000000),
                                rw("OPEN_TIMEOUT", 0x18, 0),
                                rw("QUIET", 0x19, 0),
                                rw("CH_LIMIT", 0x1A, 10),
                                rw("CH_WINDOW", 0x1B, 5000000),
                                rw("IW_SEGS", 0x1C, 0),
                                rw("CAM_KEY", 0x1D, 0x5bd1e995),
                                rw("ISN_KEY0", 0x1E, 0x03020100),
                                rw("ISN_KEY1", 0x1F, 0x07060504),
                                rw("ISN_KEY2", 0x20, 0x0b0a0908),
                                rw("ISN_KEY3", 0x21, 0x0f0e0d0c),
                                ro("ActiveOpens", 0x40),
                                ro("PassiveOpens", 0x41),
                                ro("AttemptFails", 0x42),
                                ro("EstabResets", 0x43),
                                ro("CurrEstab", 0x44),
                                ro("InSegs", 0x45),
                                ro("OutSegs", 0x46),
                                ro("RetransSegs", 0x47),
                                ro("InErrs", 0x48),
                                ro("OutRsts", 0x49),
                                ro("ChallengeAcks", 0x4A),
                                ro("ChallengeLimited", 0x4B),
                                ro("ListenDrops", 0x4C),
                                ro("TableFull", 0x4D),
                                ro("CamFull", 0x4E),
                                ro("OooDrops", 0x4F),
                                ro("Drop.IP_SHORT", 0x51),
                                ro("Drop.IP_VERSION", 0x52),
                                ro("Drop.IP_IHL", 0x53),
                                ro("Drop.IP_LENGTH", 0x54),
                                ro("Drop.IP_CKSUM", 0x55),
                                ro("Drop.IP_FRAGMENT", 0x56),
                                ro("Drop.IP_PROTOCOL", 0x57),
                                ro("Drop.IP_DST", 0x58),
                                ro("Drop.IP_SRC", 0x59),
                                ro("Drop.TCP_SHORT", 0x5A),
                                ro("Drop.TCP_DOFF", 0x5B),
                                ro("Drop.TCP_CKSUM", 0x5C)};

struct NameWidth {
  std::string_view name;
  unsigned width;
};
constexpr NameWidth kRecord[]{
    {"state", 4},        {"gen", 6},        {"passive", 1},    {"unaccepted", 1},  {"lsn_idx", 5},    {"lsn_gen", 4},
    {"nodelay", 1},      {"keepalive", 1},  {"half", 1},       {"tx_busy", 1},     {"rx_busy", 1},    {"lip", 32},
    {"lport", 16},       {"rip", 32},       {"rport", 16},     {"iss", 32},        {"irs", 32},       {"snd_una", 32},
    {"snd_nxt", 32},     {"rtx_nxt", 32},   {"snd_end", 32},   {"snd_wnd", 32},    {"snd_wl1", 32},   {"snd_wl2", 32},
    {"max_snd_wnd", 32}, {"snd_mss", 16},   {"syn_out", 1},    {"fin_queued", 1},  {"persist", 1},    {"cwnd", 32},
    {"ssthresh", 32},    {"ca_acc", 32},    {"recover", 32},   {"lt_nxt", 32},     {"last_sent", 48}, {"dupacks", 3},
    {"in_recovery", 1},  {"rcv_nxt", 32},   {"rcv_adv", 32},   {"rcv_user", 32},   {"rcv_free", 32},  {"ooo0.valid", 1},
    {"ooo0.start", 32},  {"ooo0.end", 32},  {"ooo1.valid", 1}, {"ooo1.start", 32}, {"ooo1.end", 32},  {"ooo2.valid", 1},
    {"ooo2.start", 32},  {"ooo2.end", 32},  {"ooo3.valid", 1}, {"ooo3.start", 32}, {"ooo3.end", 32},  {"fin_pend", 1},
    {"fin_seq", 32},     {"srtt", 32},      {"rttvar", 32},    {"rto", 32},        {"rtt_valid", 1},  {"rtt_on", 1},
    {"rtt_seq", 32},     {"rtt_start", 32}, {"rtx_cnt", 5},    {"persist_exp", 4}, {"syn_rtx", 1},    {"keep_cnt", 4},
    {"ch_cnt", 8},       {"ch_start", 32}};
constexpr NameWidth kDeadlines[]{{"RTX.armed", 1},  {"RTX.deadline", 48},  {"DACK.armed", 1}, {"DACK.deadline", 48},
                                 {"KEEP.armed", 1}, {"KEEP.deadline", 48}, {"WAIT.armed", 1}, {"WAIT.deadline", 48},
                                 {"USER.armed", 1}, {"USER.deadline", 48}};

template <std::size_t N>
constexpr std::array<RecordField, N> lay_out(const NameWidth (&list)[N]) {
  std::array<RecordField, N> fields{};
  unsigned lsb = 0;
  for (std::size_t i = N; i-- > 0;) {
    fields[i] = {list[i].name, list[i].width, lsb};
    lsb += list[i].width;
  }
  return fields;
}
constexpr auto kRecordFields = lay_out(kRecord);
constexpr auto kDeadlineFields = lay_out(kDeadlines);
static_assert(kRecordFields.front().lsb + kRecordFields.front().width == kRecordWidth);
static_assert(kDeadlineFields.front().lsb + kDeadlineFields.front().width == kDeadlineWidth);

std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t above = row[j];
      row[j] = std::min({row[j] + 1, row[j - 1] + 1, diagonal + (a[i - 1] == b[j - 1] ? 0U : 1U)});
      diagonal = above;
    }
  }
  return row[b.size()];
}

}  // namespace

std::span<const RegisterInfo> registers() noexcept { return kRegisters; }

const RegisterInfo* find_register(std::string_view name) noexcept {
  const auto found =
      std::find_if(kRegisters.begin(), kRegisters.end(), [&](const RegisterInfo& r) { return r.name == name; });
  return found == kRegisters.end() ? nullptr : &*found;
}

std::string unknown_register(std::string_view name) {
  const auto nearest = std::min_element(kRegisters.begin(), kRegisters.end(), [&](const auto& a, const auto& b) {
    return edit_distance(name, a.name) < edit_distance(name, b.name);
  });
  return "unknown register '" + std::string(name) + "'; did you mean '" + std::string(nearest->name) + "'?";
}

std::span<const RecordField> record_fields() noexcept { return kRecordFields; }
std::span<const RecordField> deadline_fields() noexcept { return kDeadlineFields; }

std::uint64_t packed_field(std::span<const std::uint32_t> words, const RecordField& field) noexcept {
  std::uint64_t value = 0;
  unsigned got = 0;
  for (std::size_t i = field.lsb / 32; got < field.width && i < words.size(); ++i) {
    const unsigned skip = got == 0 ? field.lsb % 32 : 0;
    value |= static_cast<std::uint64_t>(words[i] >> skip) << got;
    got += 32 - skip;
  }
  return field.width >= 64 ? value : value & ((1ULL << field.width) - 1);
}

std::uint64_t record_field(std::span<const std::uint32_t> words, std::string_view name) {
  for (const RecordField& field : kRecordFields) {
    if (field.name == name) return packed_field(words, field);
  }
  throw std::out_of_range("the connection record has no field '" + std::string(name) + "'");
}

std::string_view event_kind_name(unsigned kind) noexcept {
  constexpr std::array<std::string_view, 6> names{"TMR", "SEG", "CMD", "TXD", "RXD", "OUT"};
  return kind < names.size() ? names[kind] : "?";
}

std::string_view reason_name(unsigned reason) noexcept {
  constexpr std::array<std::string_view, 31> names{
      "-",           "IP_SHORT", "IP_VERSION",  "IP_IHL",        "IP_LENGTH", "IP_CKSUM",           "IP_FRAGMENT",
      "IP_PROTOCOL", "IP_DST",   "IP_SRC",      "TCP_SHORT",     "TCP_DOFF",  "TCP_CKSUM",          "?13",
      "?14",         "?15",      "QUIET",       "NO_CONNECTION", "BACKLOG",   "TABLE_FULL",         "CAM_FULL",
      "BAD_ACK",     "RESET",    "RST_IGNORED", "NO_SYN",        "CHALLENGE", "SYN_BACK_TO_LISTEN", "OUT_OF_WINDOW",
      "NO_ACK",      "OOO_FULL", "ORPHAN"};
  return reason < names.size() ? names[reason] : "?";
}

std::string notification_names(unsigned flags) {
  constexpr std::array<std::string_view, 12> names{"CONNECTED", "READABLE", "PEER_FIN", "SPACE",  "CLOSED", "RESET",
                                                   "REFUSED",   "TIMEOUT",  "SOFT",     "ACCEPT", "URGENT", "bit11"};
  std::string text;
  for (unsigned i = 0; i < names.size(); ++i) {
    if ((flags >> i & 1U) == 0) continue;
    if (!text.empty()) text += '|';
    text += names[i];
  }
  return text.empty() ? "none" : text;
}

std::string_view command_name(unsigned op) noexcept {
  constexpr std::array<std::string_view, 10> names{"op 0",  "OPEN_PASSIVE", "OPEN_ACTIVE", "SEND",   "RECEIVE",
                                                   "CLOSE", "ABORT",        "STATUS",      "ACCEPT", "SETOPT"};
  return op < names.size() ? names[op] : "op above 9";
}

}  // namespace tiptoe
