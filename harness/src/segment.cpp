// SPDX-License-Identifier: Apache-2.0
#include "tiptoe/segment.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdio>
#include <stdexcept>

namespace tiptoe {
namespace {

constexpr std::size_t kIpHeader = 20;
constexpr std::size_t kTcpHeader = 20;

struct FlagName {
  std::uint8_t bit;
  const char* name;
  char letter;
};
// In the order of RFC 9293's <CTL=...> examples.
constexpr std::array<FlagName, 8> kFlags{{{SYN, "SYN", 'S'},
                                          {FIN, "FIN", 'F'},
                                          {RST, "RST", 'R'},
                                          {PSH, "PSH", 'P'},
                                          {ACK, "ACK", '.'},
                                          {URG, "URG", 'U'},
                                          {ECE, "ECE", 'E'},
                                          {CWR, "CWR", 'W'}}};

void put8(Bytes& b, unsigned v) { b.push_back(static_cast<std::uint8_t>(v & 0xFF)); }
void put16(Bytes& b, unsigned v) { put8(b, v >> 8), put8(b, v); }
void put32(Bytes& b, std::uint32_t v) { put16(b, v >> 16), put16(b, v & 0xFFFF); }
void set16(Bytes& b, std::size_t at, unsigned v) {
  b[at] = static_cast<std::uint8_t>((v >> 8) & 0xFF);
  b[at + 1] = static_cast<std::uint8_t>(v & 0xFF);
}
std::uint16_t get16(ByteView b, std::size_t at) { return static_cast<std::uint16_t>((b[at] << 8) | b[at + 1]); }
std::uint32_t get32(ByteView b, std::size_t at) {
  return (static_cast<std::uint32_t>(get16(b, at)) << 16) | get16(b, at + 2);
}

void pad4(Bytes& b) {
  while (b.size() % 4 != 0) b.push_back(0);
}

std::uint16_t complement(std::uint16_t v) { return static_cast<std::uint16_t>(~v & 0xFFFF); }

std::string number(std::uint64_t v) { return std::to_string(v); }

std::string hex(std::uint64_t v, int digits) {
  std::array<char, 24> text{};
  std::snprintf(text.data(), text.size(), "0x%0*llx", digits, static_cast<unsigned long long>(v));
  return text.data();
}

std::uint32_t sum_pseudo_header(std::uint32_t src, std::uint32_t dst, std::size_t length) {
  const std::uint32_t tcp_length = static_cast<std::uint32_t>(length);
  return (src >> 16) + (src & 0xFFFF) + (dst >> 16) + (dst & 0xFFFF) + 6 + (tcp_length >> 16) + (tcp_length & 0xFFFF);
}

std::string plural(std::size_t n, const char* what) { return number(n) + " " + what + (n == 1 ? "" : "s"); }

}  // namespace

// ------------------------------------------------------------------------------------------------------------ numbers

std::string flags_to_string(std::uint8_t flags) {
  std::string text;
  for (const FlagName& flag : kFlags) {
    if ((flags & flag.bit) != 0) {
      if (!text.empty()) text += ',';
      text += flag.name;
    }
  }
  return text;
}

std::uint8_t flags_from_string(std::string_view ctl) {
  unsigned flags = 0;
  while (!ctl.empty()) {
    const std::size_t comma = ctl.find(',');
    const std::string_view word = ctl.substr(0, comma);
    const auto* flag =
        std::find_if(kFlags.begin(), kFlags.end(), [&](const FlagName& candidate) { return word == candidate.name; });
    if (flag == kFlags.end()) throw std::invalid_argument("no control bit is called '" + std::string(word) + "'");
    flags |= flag->bit;
    ctl.remove_prefix(comma == std::string_view::npos ? ctl.size() : comma + 1);
  }
  return static_cast<std::uint8_t>(flags);
}

std::uint32_t ip(std::string_view dotted) {
  std::uint32_t address = 0;
  const char* at = dotted.data();
  const char* const end = at + dotted.size();
  for (int part = 0; part < 4; ++part) {
    unsigned octet = 256;
    const auto [next, error] = std::from_chars(at, end, octet);
    const bool last = part == 3;
    if (error != std::errc{} || octet > 255 || (last ? next != end : (next == end || *next != '.'))) {
      throw std::invalid_argument("not an IPv4 address: '" + std::string(dotted) + "'");
    }
    address = (address << 8) | octet;
    at = last ? next : next + 1;
  }
  return address;
}

std::string ip_to_string(std::uint32_t a) {
  return number(a >> 24) + "." + number((a >> 16) & 255) + "." + number((a >> 8) & 255) + "." + number(a & 255);
}

// ---------------------------------------------------------------------------------------------------------- checksums

std::uint16_t ones_complement_sum(ByteView bytes, std::uint32_t start) noexcept {
  std::uint64_t sum = start;
  std::size_t i = 0;
  for (; i + 1 < bytes.size(); i += 2) sum += get16(bytes, i);
  if (i < bytes.size()) sum += static_cast<std::uint64_t>(bytes[i]) << 8;
  while ((sum >> 16) != 0) sum = (sum & 0xFFFF) + (sum >> 16);
  return static_cast<std::uint16_t>(sum);
}

std::uint16_t ipv4_checksum(ByteView header) noexcept {
  std::uint32_t sum = ones_complement_sum(header);
  if (header.size() >= 12) sum += complement(get16(header, 10));  // takes the field out again
  return complement(ones_complement_sum({}, sum));
}

std::uint16_t tcp_checksum(std::uint32_t src, std::uint32_t dst, ByteView segment) noexcept {
  std::uint32_t sum = sum_pseudo_header(src, dst, segment.size());
  sum += ones_complement_sum(segment.first(std::min<std::size_t>(segment.size(), 16)));
  if (segment.size() > 18) sum += ones_complement_sum(segment.subspan(18));
  return complement(ones_complement_sum({}, sum));
}

// ------------------------------------------------------------------------------------------------------------ options

Options& Options::raw(ByteView octets) {
  bytes.insert(bytes.end(), octets.begin(), octets.end());
  return *this;
}
Options& Options::kind(std::uint8_t single) {
  bytes.push_back(single);
  return *this;
}
Options& Options::mss(std::uint16_t value) {
  put8(bytes, 2), put8(bytes, 4), put16(bytes, value);
  return *this;
}
Options& Options::wscale(std::uint8_t shift) {
  put8(bytes, 3), put8(bytes, 3), put8(bytes, shift);
  return *this;
}
Options& Options::sack_permitted() {
  put8(bytes, 4), put8(bytes, 2);
  return *this;
}
Options& Options::sack(std::span<const std::pair<std::uint32_t, std::uint32_t>> blocks) {
  put8(bytes, 5), put8(bytes, static_cast<unsigned>(2 + 8 * blocks.size()));
  for (const auto& [left, right] : blocks) put32(bytes, left), put32(bytes, right);
  return *this;
}
Options& Options::timestamps(std::uint32_t value, std::uint32_t echo) {
  put8(bytes, 8), put8(bytes, 10), put32(bytes, value), put32(bytes, echo);
  return *this;
}
Options& Options::unknown(std::uint8_t option_kind, ByteView data) {
  put8(bytes, option_kind), put8(bytes, static_cast<unsigned>(2 + data.size()));
  return raw(data);
}
Options& Options::pad(std::size_t to, std::uint8_t with) {
  if (bytes.size() < to) bytes.resize(to, with);
  return *this;
}

ParsedOptions parse_options(ByteView octets) {
  ParsedOptions parsed;
  std::size_t at = 0;
  while (at < octets.size()) {
    const std::uint8_t kind = octets[at];
    if (kind == 0) break;
    if (kind == 1) {
      parsed.list.push_back({kind, {}, at});
      ++at;
      continue;
    }
    const std::string where = "option kind " + number(kind) + " at octet " + number(at);
    if (at + 1 >= octets.size()) {
      parsed.malformed = where + " has no length octet";
      break;
    }
    const std::size_t length = octets[at + 1];
    if (length < 2) {
      parsed.malformed = where + " has the illegal length " + number(length);
      break;
    }
    if (at + length > octets.size()) {
      parsed.malformed = where + " claims " + number(length) + " octets, " + number(octets.size() - at) + " are there";
      break;
    }
    const ByteView data = octets.subspan(at + 2, length - 2);
    parsed.list.push_back({kind, Bytes(data.begin(), data.end()), at});
    if (kind == 2 && length == 4) parsed.mss = get16(data, 0);
    if (kind == 3 && length == 3) parsed.wscale = data[0];
    if (kind == 4 && length == 2) parsed.sack_permitted = true;
    if (kind == 5 && length % 8 == 2) {
      for (std::size_t i = 0; i < data.size(); i += 8) parsed.sack.emplace_back(get32(data, i), get32(data, i + 4));
    }
    if (kind == 8 && length == 10) parsed.timestamps = {get32(data, 0), get32(data, 4)};
    at += length;
  }
  return parsed;
}

std::string options_to_string(ByteView octets) {
  const ParsedOptions parsed = parse_options(octets);
  std::string text;
  const auto add = [&](const std::string& word) { text += (text.empty() ? "" : ",") + word; };
  for (const Option& option : parsed.list) {
    const ByteView d{option.data};
    switch (option.kind) {
      case 1: add("nop"); break;
      case 2: add(d.size() == 2 ? "mss " + number(get16(d, 0)) : "mss?"); break;
      case 3: add(d.size() == 1 ? "wscale " + number(d[0]) : "wscale?"); break;
      case 4: add("sackOK"); break;
      case 5: {
        std::string blocks = "sack";
        for (std::size_t i = 0; i + 8 <= d.size(); i += 8) {
          blocks += " {" + number(get32(d, i)) + ":" + number(get32(d, i + 4)) + "}";
        }
        add(blocks);
        break;
      }
      case 8: add(d.size() == 8 ? "TS val " + number(get32(d, 0)) + " ecr " + number(get32(d, 4)) : "TS?"); break;
      default: add("kind " + number(option.kind) + " len " + number(d.size() + 2)); break;
    }
  }
  if (!parsed.malformed.empty()) add("malformed");
  return text;
}

// ------------------------------------------------------------------------------------------------------------ defects

const char* to_string(Defect defect) noexcept {
  switch (defect) {
    case Defect::ip_short: return "ip_short";
    case Defect::ip_version: return "ip_version";
    case Defect::ip_header_length: return "ip_header_length";
    case Defect::ip_total_length: return "ip_total_length";
    case Defect::ip_checksum: return "ip_checksum";
    case Defect::ip_fragment: return "ip_fragment";
    case Defect::ip_protocol: return "ip_protocol";
    case Defect::tcp_short: return "tcp_short";
    case Defect::tcp_data_offset: return "tcp_data_offset";
    case Defect::tcp_checksum: return "tcp_checksum";
    case Defect::tcp_options: return "tcp_options";
  }
  return "?";
}

bool Segment::has_defect(Defect wanted) const noexcept {
  return std::any_of(defects.begin(), defects.end(), [&](const DefectReport& r) { return r.defect == wanted; });
}

std::uint32_t Segment::length() const noexcept {
  return static_cast<std::uint32_t>(text_length()) + (has(SYN) ? 1U : 0U) + (has(FIN) ? 1U : 0U);
}

// -------------------------------------------------------------------------------------------------------------- build

Bytes Segment::build() const {
  Bytes ip_opts = ip_options.value_or(Bytes{});
  pad4(ip_opts);
  Bytes tcp_opts = options ? options->bytes : Bytes{};
  pad4(tcp_opts);

  const std::size_t ip_length = kIpHeader + ip_opts.size();
  const std::size_t tcp_length = kTcpHeader + tcp_opts.size() + text_length();
  const std::size_t total = ip_length + tcp_length;
  const unsigned ihl_field = ihl.value_or(static_cast<std::uint8_t>(ip_length / 4)) & 0xFU;
  const unsigned total_field = total_length.value_or(static_cast<std::uint16_t>(total));

  Bytes b;
  b.reserve(total + (trailer ? trailer->size() : 0));
  put8(b, (ip_version.value_or(4) & 0xFU) << 4 | ihl_field);
  put8(b, tos.value_or(0));
  put16(b, total_field);
  put16(b, id.value_or(0));
  put16(b, (ip_reserved.value_or(false) ? 0x8000U : 0U) | (df.value_or(false) ? 0x4000U : 0U) |
               (mf.value_or(false) ? 0x2000U : 0U) | (fragment_offset.value_or(0) & 0x1FFFU));
  put8(b, ttl.value_or(64));
  put8(b, protocol.value_or(6));
  put16(b, 0);
  put32(b, src.value_or(0));
  put32(b, dst.value_or(0));
  b.insert(b.end(), ip_opts.begin(), ip_opts.end());

  put16(b, src_port.value_or(0));
  put16(b, dst_port.value_or(0));
  put32(b, seq.value_or(0));
  put32(b, ack.value_or(0));
  const unsigned doff = data_offset.value_or(static_cast<std::uint8_t>((kTcpHeader + tcp_opts.size()) / 4)) & 0xFU;
  put8(b, doff << 4 | (reserved.value_or(0) & 0xFU));
  put8(b, flags.value_or(0));
  put16(b, window.value_or(65535));
  put16(b, 0);
  put16(b, urgent.value_or(0));
  b.insert(b.end(), tcp_opts.begin(), tcp_opts.end());
  if (payload) b.insert(b.end(), payload->begin(), payload->end());

  // A receiver that believes IHL and total length sums those octets.
  const std::size_t believed_header =
      ihl_field * 4U >= kIpHeader && ihl_field * 4U <= b.size() ? ihl_field * 4U : ip_length;
  std::size_t believed_total = total;
  if (believed_header == ip_length && total_field >= ip_length + kTcpHeader && total_field <= total) {
    believed_total = total_field;
  }
  if (trailer) {
    b.insert(b.end(), trailer->begin(), trailer->end());
    if (believed_header == ip_length && total_field > total && total_field <= b.size()) believed_total = total_field;
  }

  unsigned tcp_sum = checksum.value_or(
      tcp_checksum(src.value_or(0), dst.value_or(0), ByteView{b}.subspan(ip_length, believed_total - ip_length)));
  if (corrupt_checksum) tcp_sum ^= 1U;
  set16(b, ip_length + 16, tcp_sum);
  // Last, for an IHL that reaches into the TCP header sums that, too.
  unsigned ip_sum = ip_checksum.value_or(ipv4_checksum(ByteView{b}.first(believed_header)));
  if (corrupt_ip_checksum) ip_sum ^= 1U;
  set16(b, 10, ip_sum);
  return b;
}

// -------------------------------------------------------------------------------------------------------------- parse

Segment Segment::parse(ByteView d) {
  Segment s;
  const auto defect = [&](Defect which, std::string text) { s.defects.push_back({which, std::move(text)}); };
  if (d.size() < kIpHeader) {
    defect(Defect::ip_short, plural(d.size(), "octet") + " are less than an IPv4 header");
    return s;
  }
  s.ip_version = static_cast<std::uint8_t>(d[0] >> 4);
  s.ihl = static_cast<std::uint8_t>(d[0] & 0xF);
  s.tos = d[1];
  s.total_length = get16(d, 2);
  s.id = get16(d, 4);
  s.ip_reserved = (d[6] & 0x80) != 0;
  s.df = (d[6] & 0x40) != 0;
  s.mf = (d[6] & 0x20) != 0;
  s.fragment_offset = static_cast<std::uint16_t>(get16(d, 6) & 0x1FFF);
  s.ttl = d[8];
  s.protocol = d[9];
  s.ip_checksum = get16(d, 10);
  s.src = get32(d, 12);
  s.dst = get32(d, 16);
  if (*s.ip_version != 4) defect(Defect::ip_version, "the IP version is " + number(*s.ip_version));

  std::size_t header = *s.ihl * std::size_t{4};
  if (header < kIpHeader || header > d.size() || header > *s.total_length) {
    defect(Defect::ip_header_length, "IHL " + number(*s.ihl) + " does not fit a total length of " +
                                         number(*s.total_length) + " in " + plural(d.size(), "octet"));
    header = kIpHeader;
  } else if (ones_complement_sum(d.first(header)) != 0xFFFF) {
    defect(Defect::ip_checksum, "the IPv4 header checksum is " + hex(*s.ip_checksum, 4) + ", right would be " +
                                    hex(ipv4_checksum(d.first(header)), 4));
  }
  std::size_t total = *s.total_length;
  if (total < header || total > d.size()) {
    defect(Defect::ip_total_length,
           "the total length is " + number(total) + ", " + plural(d.size(), "octet") + " are there");
    total = std::clamp(total, header, d.size());
    if (*s.total_length < header) total = d.size();
  } else if (total < d.size()) {
    s.trailer = Bytes(d.begin() + static_cast<std::ptrdiff_t>(total), d.end());
  }
  if (header > kIpHeader) s.ip_options = Bytes(d.begin() + kIpHeader, d.begin() + static_cast<std::ptrdiff_t>(header));
  if (*s.mf || *s.fragment_offset != 0) {
    defect(Defect::ip_fragment,
           "this is a fragment (offset " + number(*s.fragment_offset * 8U) + ", MF " + (*s.mf ? "set" : "clear") + ")");
  }
  if (*s.protocol != 6) {
    defect(Defect::ip_protocol, "the protocol is " + number(*s.protocol) + ", not TCP");
  }

  const ByteView t = d.subspan(header, total - header);
  const auto have = [&](std::size_t n) { return t.size() >= n; };
  if (have(2)) s.src_port = get16(t, 0);
  if (have(4)) s.dst_port = get16(t, 2);
  if (have(8)) s.seq = get32(t, 4);
  if (have(12)) s.ack = get32(t, 8);
  if (!have(kTcpHeader)) {
    defect(Defect::tcp_short, plural(t.size(), "octet") + " are less than a TCP header");
    return s;
  }
  s.data_offset = static_cast<std::uint8_t>(t[12] >> 4);
  s.reserved = static_cast<std::uint8_t>(t[12] & 0xF);
  s.flags = t[13];
  s.window = get16(t, 14);
  s.checksum = get16(t, 16);
  s.urgent = get16(t, 18);
  if (ones_complement_sum(t, sum_pseudo_header(*s.src, *s.dst, t.size())) != 0xFFFF) {
    defect(Defect::tcp_checksum, "the TCP checksum is " + hex(*s.checksum, 4) + ", right would be " +
                                     hex(tcp_checksum(*s.src, *s.dst, t), 4));
  }
  std::size_t offset = *s.data_offset * std::size_t{4};
  if (offset < kTcpHeader || offset > t.size()) {
    defect(Defect::tcp_data_offset,
           "data offset " + number(*s.data_offset) + " does not fit a TCP length of " + number(t.size()));
    offset = kTcpHeader;
  }
  const ByteView option_octets = t.subspan(kTcpHeader, offset - kTcpHeader);
  s.options = Options{Bytes(option_octets.begin(), option_octets.end())};
  if (ParsedOptions parsed = parse_options(option_octets); !parsed.malformed.empty()) {
    defect(Defect::tcp_options, parsed.malformed);
  }
  s.payload = Bytes(t.begin() + static_cast<std::ptrdiff_t>(offset), t.end());
  return s;
}

// -------------------------------------------------------------------------------------------------------------- match

std::vector<std::string> Segment::differences(const Segment& actual) const {
  std::vector<std::string> out;
  const auto sentence = [&](const char* field, const std::string& want, const std::string& got) {
    out.push_back(std::string(field) + " is " + got + ", expected " + want);
  };
  const auto compare = [&](const char* field, const auto& want, const auto& got, auto&& print) {
    if (!want) return;
    if (!got)
      sentence(field, print(*want), "absent");
    else if (*want != *got)
      sentence(field, print(*want), print(*got));
  };
  const auto decimal = [](auto v) { return number(v); };
  const auto address = [](std::uint32_t v) { return ip_to_string(v); };
  const auto boolean = [](bool v) { return std::string(v ? "set" : "clear"); };
  const auto hexadecimal = [](std::uint16_t v) { return hex(v, 4); };
  const auto control = [](std::uint8_t v) { return v == 0 ? std::string("none") : flags_to_string(v); };

  compare("source address", src, actual.src, address);
  compare("destination address", dst, actual.dst, address);
  compare("source port", src_port, actual.src_port, decimal);
  compare("destination port", dst_port, actual.dst_port, decimal);
  compare("SEQ", seq, actual.seq, decimal);
  compare("ACK number", ack, actual.ack, decimal);
  compare("CTL", flags, actual.flags, control);
  if (flags_set && !actual.has(*flags_set)) {
    sentence("CTL", "at least " + control(*flags_set), control(actual.flags.value_or(0)));
  }
  if (flags_clear && (actual.flags.value_or(0) & *flags_clear) != 0) {
    sentence("CTL", "without " + control(*flags_clear), control(actual.flags.value_or(0)));
  }
  compare("window", window, actual.window, decimal);
  compare("urgent pointer", urgent, actual.urgent, decimal);
  if (options) {
    Bytes want = options->bytes;
    pad4(want);
    const Bytes got = actual.options ? actual.options->bytes : Bytes{};
    if (want != got) {
      sentence("option list", "[" + options_to_string(want) + "] in " + plural(want.size(), "octet"),
               "[" + options_to_string(got) + "] in " + plural(got.size(), "octet"));
    }
  }
  if (payload) {
    const Bytes got = actual.payload.value_or(Bytes{});
    if (payload->size() != got.size()) {
      sentence("text", plural(payload->size(), "octet"), plural(got.size(), "octet") + " long");
    } else if (*payload != got) {
      const auto at = std::mismatch(payload->begin(), payload->end(), got.begin());
      const auto position = static_cast<std::size_t>(at.first - payload->begin());
      sentence(("text octet " + number(position) + " of " + number(got.size())).c_str(), hex(*at.first, 2),
               hex(*at.second, 2));
    }
  }
  compare("data offset", data_offset, actual.data_offset, decimal);
  compare("reserved field", reserved, actual.reserved, decimal);
  compare("TCP checksum", checksum, actual.checksum, hexadecimal);
  compare("IP version", ip_version, actual.ip_version, decimal);
  compare("IHL", ihl, actual.ihl, decimal);
  compare("TOS", tos, actual.tos, decimal);
  compare("total length", total_length, actual.total_length, decimal);
  compare("IP identification", id, actual.id, decimal);
  compare("IP reserved flag", ip_reserved, actual.ip_reserved, boolean);
  compare("DF", df, actual.df, boolean);
  compare("MF", mf, actual.mf, boolean);
  compare("fragment offset", fragment_offset, actual.fragment_offset, decimal);
  compare("TTL", ttl, actual.ttl, decimal);
  compare("protocol", protocol, actual.protocol, decimal);
  compare("IP checksum", ip_checksum, actual.ip_checksum, hexadecimal);
  if (ip_options && *ip_options != actual.ip_options.value_or(Bytes{})) {
    sentence("IP option list", plural(ip_options->size(), "octet"),
             plural(actual.ip_options.value_or(Bytes{}).size(), "octet") + " long or different");
  }
  if (trailer && *trailer != actual.trailer.value_or(Bytes{})) {
    sentence("trailer", plural(trailer->size(), "octet"),
             plural(actual.trailer.value_or(Bytes{}).size(), "octet") + " long or different");
  }
  return out;
}

// -------------------------------------------------------------------------------------------------------------- print

void RelativeNumbers::note(const Segment& s) {
  if (!s.src || !s.dst || !s.src_port || !s.dst_port || !s.seq) return;
  const Flow flow{*s.src, *s.src_port, *s.dst, *s.dst_port};
  if (s.has(SYN))
    first_[flow] = *s.seq;
  else
    first_.try_emplace(flow, *s.seq);
  if (s.has(ACK) && s.ack) first_.try_emplace(Flow{*s.dst, *s.dst_port, *s.src, *s.src_port}, *s.ack);
}

std::uint32_t RelativeNumbers::seq(const Segment& s) const {
  const auto found =
      first_.find({s.src.value_or(0), s.src_port.value_or(0), s.dst.value_or(0), s.dst_port.value_or(0)});
  return s.seq.value_or(0) - (found == first_.end() ? 0 : found->second);
}

std::uint32_t RelativeNumbers::ack(const Segment& s) const {
  const auto found =
      first_.find({s.dst.value_or(0), s.dst_port.value_or(0), s.src.value_or(0), s.src_port.value_or(0)});
  return s.ack.value_or(0) - (found == first_.end() ? 0 : found->second);
}

std::string Segment::to_string(const RelativeNumbers* relative) const {
  std::string text = ip_to_string(src.value_or(0)) + "." + number(src_port.value_or(0)) + " > " +
                     ip_to_string(dst.value_or(0)) + "." + number(dst_port.value_or(0)) + ": Flags [";
  bool any = false;
  for (const FlagName& flag : kFlags) {
    if (has(flag.bit)) text += flag.letter, any = true;
  }
  text += any ? "]" : "none]";
  const std::uint32_t shown_seq = relative != nullptr ? relative->seq(*this) : seq.value_or(0);
  if (seq && (length() > 0 || !has(ACK) || has(RST))) {
    text += ", seq " + number(shown_seq);
    if (text_length() > 0) text += ":" + number(shown_seq + static_cast<std::uint32_t>(text_length()));
  }
  if (ack && has(ACK)) text += ", ack " + number(relative != nullptr ? relative->ack(*this) : *ack);
  if (window) text += ", win " + number(*window);
  if (urgent && has(URG)) text += ", urg " + number(*urgent);
  if (options && !options->bytes.empty()) text += ", options [" + options_to_string(options->bytes) + "]";
  text += ", length " + number(text_length());
  for (const DefectReport& report : defects) text += " (" + report.text + ")";
  return text;
}

std::string Segment::form(bool with_window) const {
  std::string text;
  if (seq) text += "<SEQ=" + number(*seq) + ">";
  if (ack && (!flags || has(ACK))) text += "<ACK=" + number(*ack) + ">";
  if (with_window && window) text += "<WND=" + number(*window) + ">";
  if (urgent && has(URG)) text += "<UP=" + number(*urgent) + ">";
  if (text_length() > 0) text += "<DATA=" + number(text_length()) + ">";
  if (flags) text += "<CTL=" + flags_to_string(*flags) + ">";
  return text;
}

Segment Segment::from_form(std::string_view form) {
  Segment s;
  const auto bad = [&](const std::string& why) {
    return std::invalid_argument("'" + std::string(form) + "' is no segment form: " + why);
  };
  std::string_view rest = form;
  while (!rest.empty()) {
    if (rest.front() == ' ') {
      rest.remove_prefix(1);
      continue;
    }
    const std::size_t equals = rest.find('=');
    const std::size_t end = rest.find('>');
    if (rest.front() != '<' || equals == std::string_view::npos || end == std::string_view::npos || equals > end) {
      throw bad("<NAME=value> wanted at '" + std::string(rest) + "'");
    }
    const std::string_view name = rest.substr(1, equals - 1);
    const std::string_view value = rest.substr(equals + 1, end - equals - 1);
    rest.remove_prefix(end + 1);
    if (name == "CTL") {
      s.flags = flags_from_string(value);
      continue;
    }
    std::uint32_t n = 0;
    const auto [next, error] = std::from_chars(value.data(), value.data() + value.size(), n);
    if (error != std::errc{} || next != value.data() + value.size()) {
      throw bad("'" + std::string(value) + "' is no number below 2^32");
    }
    if (name == "SEQ")
      s.seq = n;
    else if (name == "ACK")
      s.ack = n;
    else if (name == "WND")
      s.window = static_cast<std::uint16_t>(n);
    else if (name == "UP")
      s.urgent = static_cast<std::uint16_t>(n);
    else if (name == "MSS")
      s.options = Options().mss(static_cast<std::uint16_t>(n));
    else if (name == "DATA" && n <= 65535)
      s.payload = pattern(n);
    else
      throw bad("unknown or too large: " + std::string(name));
  }
  return s;
}

Segment reply_to(const Segment& segment) {
  return {.src = segment.dst, .dst = segment.src, .src_port = segment.dst_port, .dst_port = segment.src_port};
}

Bytes pattern(std::size_t n, std::uint64_t position, std::uint64_t seed) {
  Bytes bytes(n);
  for (std::size_t i = 0; i < n; ++i) {
    std::uint64_t x = (position + i) * 0x9E37'79B9'7F4A'7C15ULL + seed * 0xD1B5'4A32'D192'ED03ULL;
    x ^= x >> 29;
    x *= 0xBF58'476D'1CE4'E5B9ULL;
    bytes[i] = static_cast<std::uint8_t>(x >> 56);
  }
  return bytes;
}

std::string hexdump(ByteView bytes) {
  std::string text;
  std::array<char, 24> buffer{};
  for (std::size_t line = 0; line < bytes.size(); line += 16) {
    std::snprintf(buffer.data(), buffer.size(), "%04zx ", line);
    text += buffer.data();
    const ByteView row = bytes.subspan(line, std::min<std::size_t>(16, bytes.size() - line));
    for (std::size_t i = 0; i < 16; ++i) {
      if (i < row.size()) std::snprintf(buffer.data(), buffer.size(), " %02x", static_cast<unsigned>(row[i]));
      text += i < row.size() ? buffer.data() : "   ";
    }
    text += "  ";
    for (const std::uint8_t octet : row) text += octet >= 0x20 && octet < 0x7F ? static_cast<char>(octet) : '.';
    text += '\n';
  }
  return text;
}

}  // namespace tiptoe
