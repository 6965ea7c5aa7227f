// SPDX-License-Identifier: Apache-2.0
#include "rx_parser.hpp"

#include <algorithm>
#include <bit>
#include <cstring>

#include "checksum.hpp"

namespace tiptoe::model {
namespace {

using tcp::Fault;
using tcp::Reason;

std::uint16_t be16(const std::uint8_t* p) { return static_cast<std::uint16_t>(p[0] << 8 | p[1]); }
std::uint32_t be32(const std::uint8_t* p) { return std::uint32_t{be16(p)} << 16 | be16(p + 2); }

bool bad_source(std::uint32_t source, std::uint32_t destination) {
  return source == 0 || source >> 24 == 127 || source >= 0xE0000000U || source == destination;
}

/// The checks before (1 ... 7) and after (9 ... 12) that of the destination, in the order of the page.
Reason check(const std::uint8_t* p, std::uint64_t n, bool oversize, RawDescriptor& d, const tcp::Faults& faults) {
  if (n < 20) return Reason::IP_SHORT;
  if (p[0] >> 4 != 4 && !faults.on(Fault::engine_bad_version_accepted)) return Reason::IP_VERSION;
  const unsigned ihl = p[0] & 0xF, header = 4 * ihl;
  unsigned total = be16(p + 2);
  if (ihl < 5 || header > total) return Reason::IP_IHL;
  const bool truncated = total > n && !oversize && faults.on(Fault::engine_truncated_accepted) && n >= header;
  if (truncated) total = static_cast<unsigned>(n);
  if (total < 20 || total > n || oversize) return Reason::IP_LENGTH;

  const bool once = faults.on(Fault::engine_csum_no_second_fold);
  const bool zero_refused = faults.on(Fault::engine_csum_zero_refused);
  if ((fold(word_sum(p, header), once) != 0xFFFF && !faults.on(Fault::engine_csum_not_verified_ip)) ||
      (zero_refused && be16(p + 10) == 0))
    return Reason::IP_CKSUM;
  if ((be16(p + 6) & 0x3FFF) != 0 && !faults.on(Fault::engine_fragment_accepted)) return Reason::IP_FRAGMENT;
  const bool other_protocol = p[9] != 6;
  if (other_protocol && !faults.on(Fault::engine_wrong_protocol_accepted)) return Reason::IP_PROTOCOL;
  tcp::Segment& s = d.segment;
  s.rip = be32(p + 12);
  s.lip = be32(p + 16);
  if (bad_source(s.rip, s.lip) && !faults.on(Fault::engine_bad_src_accepted)) return Reason::IP_SRC;

  const unsigned length = total - header;
  if (length < 20) return Reason::TCP_SHORT;
  const std::uint8_t* t = p + (faults.on(Fault::engine_ip_options_not_skipped) ? 20 : header);
  unsigned data_offset = t[12] >> 4;
  if (data_offset < 5 && faults.on(Fault::engine_short_doff_accepted)) data_offset = 5;
  if (faults.on(Fault::engine_ip_options_not_skipped) && header != 20)
    data_offset = std::clamp(data_offset, 5U, std::min(15U, length / 4));
  if (data_offset < 5 || 4 * data_offset > length) return Reason::TCP_DOFF;
  const std::uint32_t sum = pseudo_header_sum(s.rip, s.lip, length) + word_sum(p + header, length);
  if ((fold(sum, once) != 0xFFFF && !faults.on(Fault::engine_csum_not_verified_tcp) && !truncated && !other_protocol) ||
      (zero_refused && be16(p + header + 16) == 0))
    return Reason::TCP_CKSUM;

  s.rport = be16(t);
  s.lport = be16(t + 2);
  s.seq = be32(t + 4);
  s.ack = be32(t + 8);
  s.flags = t[13];
  s.wnd = be16(t + 14);
  s.up = be16(t + 18);
  s.payload_off = static_cast<std::uint16_t>(header + 4 * data_offset);
  s.len = static_cast<std::uint16_t>(length - 4 * data_offset);
  if (faults.on(Fault::engine_padding_in_csum)) s.len = static_cast<std::uint16_t>(n - s.payload_off);
  d.options_length = static_cast<std::uint8_t>(4 * data_offset - 20);
  std::memcpy(d.options.data(), t + 20, std::min<std::size_t>(d.options_length, d.options.size()));
  return Reason::NONE;
}

}  // namespace

RawDescriptor parse_datagram(const std::uint8_t* bytes, std::uint64_t received, bool oversize,
                             const tcp::Faults& faults) {
  RawDescriptor d;
  d.segment.drop = static_cast<std::uint8_t>(check(bytes, received, oversize, d, faults));
  return d;
}

void RxParser::reset() {
  in_datagram_ = oversize_ = back_to_back_ = false;
  slot_ = slots_used_ = 0;
  offset_ = 0;
  received_ = 0;
  stage_ = {};
}

void RxParser::accept(const Inputs& in, SegmentStore& store, const tcp::Faults& faults) {
  if (!in_datagram_) {
    in_datagram_ = true;
    oversize_ = false;
    offset_ = 0;
    received_ = 0;
    ++slots_used_;
    back_to_back_ = stage_[1] != 0;  // the beat before was the last of another datagram
  }
  const std::uint64_t lanes = beat_bytes_ == 64 ? ~std::uint64_t{0} : (std::uint64_t{1} << beat_bytes_) - 1;
  received_ += static_cast<unsigned>(std::popcount(in.s_axis_tkeep & lanes));
  if (offset_ < kSlotBytes) {
    std::memcpy(store.slot(slot_) + offset_, in.s_axis_tdata.data(), beat_bytes_);
    offset_ += beat_bytes_;
  } else {
    oversize_ = true;
  }
  if (!in.s_axis_tlast) return;
  in_datagram_ = false;
  RawDescriptor& d = descriptors_[slot_];
  d = parse_datagram(store.slot(slot_), received_, oversize_, faults);
  if (faults.on(Fault::engine_header_fifo_late) && back_to_back_ && d.segment.drop == 0) {
    const RawDescriptor& before = descriptors_[(slot_ + kSlots - 1U) % kSlots];
    if (before.segment.drop == 0) {
      const std::uint16_t offset = d.segment.payload_off, length = d.segment.len;
      d.segment = before.segment;
      d.segment.payload_off = offset;
      d.segment.len = length;
    }
  }
  stage_[0] = static_cast<std::uint8_t>(slot_ + 1);
  slot_ = static_cast<std::uint8_t>((slot_ + 1U) % kSlots);
}

void RxParser::check_destination(RawDescriptor& d, const Registers& registers, const tcp::Faults& faults) {
  constexpr auto kDst = static_cast<std::uint8_t>(Reason::IP_DST);
  if (d.segment.drop != 0 && d.segment.drop < kDst) return;
  if (!registers.is_local(d.segment.lip) && !faults.on(Fault::engine_wrong_dst_accepted)) d.segment.drop = kDst;
}

}  // namespace tiptoe::model
