// SPDX-License-Identifier: Apache-2.0
// Packet library: one IPv4 datagram with one TCP segment, as a value that builds, parses, matches and prints.
//
//   using namespace tiptoe;
//   Segment syn{.src = ip("10.0.0.2"), .dst = ip("10.0.0.1"), .src_port = 4000, .dst_port = 80,
//               .seq = 1000, .flags = SYN, .window = 65535, .options = Options().mss(1460)};
//   dut->inject(syn.build());                               // lengths and checksums are right unless overridden
//   Segment got = Segment::parse(dut->run_until_output(1'000'000)->bytes);
//   Segment want{.ack = 1001, .flags = SYN | ACK};          // absent fields are not compared
//   for (const std::string& difference : want.differences(got)) puts(difference.c_str());
//
// Every field is optional. Building replaces an absent field by the value that a correct sender would put there;
// matching ignores it. Nothing here is shared with the model: the checksum is an implementation of its own.
#pragma once

#include <compare>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "tiptoe/dut.hpp"

namespace tiptoe {

using ByteView = std::span<const std::uint8_t>;

// ---- flags
inline constexpr std::uint8_t FIN = 0x01, SYN = 0x02, RST = 0x04, PSH = 0x08, ACK = 0x10, URG = 0x20, ECE = 0x40,
                              CWR = 0x80;
std::string flags_to_string(std::uint8_t flags);       ///< "SYN,ACK"
std::uint8_t flags_from_string(std::string_view ctl);  ///< the way back; throws std::invalid_argument

// ---- numbers
/// Sequence numbers, modulo 2^32.
constexpr bool seq_lt(std::uint32_t a, std::uint32_t b) noexcept { return ((a - b) & 0x8000'0000U) != 0; }
constexpr bool seq_le(std::uint32_t a, std::uint32_t b) noexcept { return !seq_lt(b, a); }
constexpr std::uint32_t seq_max(std::uint32_t a, std::uint32_t b) noexcept { return seq_lt(a, b) ? b : a; }

std::uint32_t ip(std::string_view dotted);  ///< "10.0.0.1" -> 0x0a000001; throws std::invalid_argument
std::string ip_to_string(std::uint32_t address);

// ---- checksums (RFC 1071)
/// Sum in ones' complement arithmetic of big-endian 16-bit words, an odd last octet padded with zero; folded.
std::uint16_t ones_complement_sum(ByteView bytes, std::uint32_t start = 0) noexcept;
/// What belongs into the header of an IPv4 datagram (its checksum field is read as zero).
std::uint16_t ipv4_checksum(ByteView header) noexcept;
/// What belongs into the header of a TCP segment (its checksum field, if there, is read as zero).
std::uint16_t tcp_checksum(std::uint32_t src, std::uint32_t dst, ByteView segment) noexcept;

// ---- TCP options
/// One option as found in a header.
struct Option {
  std::uint8_t kind = 0;
  Bytes data;              ///< without kind and length
  std::size_t offset = 0;  ///< of the kind octet, from the first option octet
};

/// The option part of a TCP header: raw octets with helpers that append. `Options().mss(1460).nop().wscale(7)`.
struct Options {
  Bytes bytes;

  Options& raw(ByteView octets);  ///< appends anything
  Options& eol() { return kind(0); }
  Options& nop() { return kind(1); }
  Options& mss(std::uint16_t value);
  Options& wscale(std::uint8_t shift);
  Options& sack_permitted();
  Options& sack(std::span<const std::pair<std::uint32_t, std::uint32_t>> blocks);
  Options& timestamps(std::uint32_t value, std::uint32_t echo);
  Options& unknown(std::uint8_t kind, ByteView data = {});  ///< kind, length, data
  Options& kind(std::uint8_t single);                       ///< one octet
  Options& pad(std::size_t to, std::uint8_t with = 1);      ///< up to `to` octets

  friend bool operator==(const Options&, const Options&) = default;
};

/// Options taken apart; never throws and always ends. What follows EOL or a malformed option is not looked at.
struct ParsedOptions {
  std::vector<Option> list;  ///< NOP included, EOL not
  std::optional<std::uint16_t> mss;
  std::optional<std::uint8_t> wscale;
  std::optional<std::pair<std::uint32_t, std::uint32_t>> timestamps;  ///< TSval, TSecr
  bool sack_permitted = false;
  std::vector<std::pair<std::uint32_t, std::uint32_t>> sack;
  std::string malformed;  ///< a sentence, or empty
};
ParsedOptions parse_options(ByteView octets);
std::string options_to_string(ByteView octets);  ///< "mss 1460,nop,wscale 7"

// ---- defects
enum class Defect : std::uint8_t {
  ip_short,
  ip_version,
  ip_header_length,
  ip_total_length,
  ip_checksum,
  ip_fragment,
  ip_protocol,
  tcp_short,
  tcp_data_offset,
  tcp_checksum,
  tcp_options
};
const char* to_string(Defect) noexcept;
struct DefectReport {
  Defect defect{};
  std::string text;  ///< a sentence with the numbers in it
};

/// Turns absolute sequence numbers into small ones, the way tcpdump does: per direction, from the first one seen.
class RelativeNumbers {
 public:
  void note(const struct Segment&);  ///< a SYN restarts its direction
  std::uint32_t seq(const struct Segment&) const;
  std::uint32_t ack(const struct Segment&) const;

 private:
  using Flow = std::tuple<std::uint32_t, std::uint16_t, std::uint32_t, std::uint16_t>;
  std::map<Flow, std::uint32_t> first_;
};

/// One datagram. Order of the members = order of designated initializers: IP addresses, ports, TCP, payload, the rest.
struct Segment {
  std::optional<std::uint32_t> src{}, dst{};  ///< addresses, host order; absent: 0
  std::optional<std::uint16_t> src_port{}, dst_port{};
  std::optional<std::uint32_t> seq{}, ack{};
  std::optional<std::uint8_t> flags{};
  std::optional<std::uint16_t> window{};  ///< absent when building: 65535
  std::optional<std::uint16_t> urgent{};
  std::optional<Options> options{};  ///< padded with EOL to a multiple of four octets when built
  std::optional<Bytes> payload{};

  std::optional<std::uint8_t> data_offset{};  ///< overrides the right one (0 … 15, in 32-bit words)
  std::optional<std::uint8_t> reserved{};     ///< the 4 bits after the data offset
  std::optional<std::uint16_t> checksum{};    ///< overrides the right one
  bool corrupt_checksum = false;              ///< makes it wrong, whatever it is

  std::optional<std::uint8_t> ip_version{};
  std::optional<std::uint8_t> ihl{};  ///< overrides the right one (32-bit words)
  std::optional<std::uint8_t> tos{};
  std::optional<std::uint16_t> total_length{};  ///< overrides the right one
  std::optional<std::uint16_t> id{};
  std::optional<bool> ip_reserved{}, df{}, mf{};
  std::optional<std::uint16_t> fragment_offset{};  ///< in units of 8 octets
  std::optional<std::uint8_t> ttl{};               ///< absent when building: 64
  std::optional<std::uint8_t> protocol{};          ///< absent when building: 6
  std::optional<std::uint16_t> ip_checksum{};      ///< overrides the right one
  bool corrupt_ip_checksum = false;
  std::optional<Bytes> ip_options{};  ///< padded with EOL to a multiple of four octets when built
  std::optional<Bytes> trailer{};     ///< octets beyond total_length (link padding)

  std::optional<std::uint8_t> flags_set{};    ///< matching only: these must be set
  std::optional<std::uint8_t> flags_clear{};  ///< matching only: these must be clear

  std::vector<DefectReport> defects{};  ///< filled by parse(), ignored by build() and matching

  /// The octets of the datagram, IPv4 header first. With overridden lengths the checksums are those that a receiver
  /// which believes the overridden fields computes, so that one override is one defect.
  Bytes build() const;

  /// Takes any octets; every field that lies inside them is filled, everything wrong is in `defects`.
  static Segment parse(ByteView datagram);
  static Segment parse(const Datagram& datagram) { return parse(ByteView{datagram.bytes}); }

  /// One sentence per field that is present here and different there.
  std::vector<std::string> differences(const Segment& actual) const;
  bool matches(const Segment& actual) const { return differences(actual).empty(); }

  // ---- reading
  bool has(std::uint8_t mask) const noexcept { return (flags.value_or(0) & mask) == mask; }
  bool defective() const noexcept { return !defects.empty(); }
  bool has_defect(Defect) const noexcept;
  std::size_t text_length() const noexcept { return payload ? payload->size() : 0; }
  /// SEG.LEN of RFC 9293: text, SYN and FIN.
  std::uint32_t length() const noexcept;
  ParsedOptions parsed_options() const { return parse_options(options ? ByteView{options->bytes} : ByteView{}); }
  std::optional<std::uint16_t> mss() const { return parsed_options().mss; }

  /// "10.0.0.2.4000 > 10.0.0.1.80: Flags [S.], seq 1000, ack 1, win 65535, options [mss 1460], length 0"
  std::string to_string(const RelativeNumbers* relative = nullptr) const;
  /// "<SEQ=1000><ACK=1><CTL=SYN,ACK>", with <WND=…> and <DATA=octets> when asked for or present.
  std::string form(bool with_window = false) const;
  /// The way back: SEQ, ACK, WND, UP, MSS, DATA (so many octets, 0, 1, 2 …) and CTL; throws std::invalid_argument.
  static Segment from_form(std::string_view form);
};

/// The segment's addresses and ports swapped: the envelope of an answer.
Segment reply_to(const Segment& segment);

/// `n` octets that tell where they come from: the octet for sequence position p depends on p and seed only.
Bytes pattern(std::size_t n, std::uint64_t position = 0, std::uint64_t seed = 1);

/// Hex and ASCII, 16 octets a line.
std::string hexdump(ByteView bytes);

}  // namespace tiptoe
