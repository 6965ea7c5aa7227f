// SPDX-License-Identifier: Apache-2.0
#include "tx_engine.hpp"

#include <algorithm>
#include <cstring>
#include <utility>

#include "checksum.hpp"

namespace tiptoe::model {
namespace {

using tcp::Fault;

constexpr unsigned kIpHeader = 20, kTcpHeader = 20, kMssOption = 4;
constexpr unsigned kMaxDatagram = kIpHeader + kTcpHeader + kMssOption + 65535;

void put16(std::uint8_t* p, std::uint32_t v) {
  p[0] = static_cast<std::uint8_t>(v >> 8);
  p[1] = static_cast<std::uint8_t>(v);
}
void put32(std::uint8_t* p, std::uint32_t v) {
  put16(p, v >> 16);
  put16(p + 2, v & 0xFFFF);
}

}  // namespace

TxEngine::TxEngine(unsigned beat_bytes) : beat_bytes_(beat_bytes), datagram_(kMaxDatagram + 64) {}

void TxEngine::reset() {
  state_ = State::IDLE;
  repeat_ = false;
  ip_id_ = next_ip_id_ = loaded_ = last_checksum_ = other_checksum_ = 0;
}

bool TxEngine::step(DescriptorFifo& fifo, const Buffers& send, const tcp::Config& config, bool tready,
                    const tcp::Faults& faults) {
  switch (state_) {
    case State::IDLE:
      descriptor_ = fifo.front();
      fifo.pop();
      if (faults.on(Fault::engine_mss_without_syn) && !descriptor_.segment.mss_valid) {
        descriptor_.segment.mss_valid = true;
        descriptor_.segment.mss = 1460;
      }
      ip_id_ = next_ip_id_++;
      if (descriptor_.segment.len == 0) {
        ++loaded_;
        state_ = State::SUM;
      } else {
        left_ = (descriptor_.segment.len + beat_bytes_ - 1) / beat_bytes_ + 1;
        state_ = State::LOAD;
      }
      return false;
    case State::LOAD:
      if (--left_ == 0) {
        load(send, config, faults);
        ++loaded_;
        state_ = State::SUM;
      }
      return false;
    case State::SUM:
      build(config, faults);
      repeat_ = faults.on(Fault::engine_duplicate_output) && descriptor_.segment.len != 0;
      state_ = State::EMIT;
      return true;
    case State::EMIT:
      if (!tready) return false;
      offset_ += beat_bytes_;
      if (offset_ >= length_) {
        if (!repeat_) {
          state_ = State::IDLE;
          return true;
        }
        repeat_ = false;
        ip_id_ = next_ip_id_++;
        build(config, faults);
      }
      return true;
  }
  return false;
}

unsigned TxEngine::payload_at() const {
  return kIpHeader + kTcpHeader + (descriptor_.segment.mss_valid ? kMssOption : 0);
}

void TxEngine::load(const Buffers& send, const tcp::Config& config, const tcp::Faults& faults) {
  const tcp::TxSegment& s = descriptor_.segment;
  std::uint8_t* payload = datagram_.data() + payload_at();
  send.read(descriptor_.idx, s.payload_seq, payload, s.len);
  if (faults.on(Fault::engine_payload_wrap)) {
    const std::uint32_t ring = 1U << config.tx_buf_log2;
    const std::uint32_t before_wrap = ring - (s.payload_seq & (ring - 1));
    for (std::uint32_t i = before_wrap; i < s.len; ++i) payload[i] ^= 0xFF;
  }
}

void TxEngine::build(const tcp::Config& config, const tcp::Faults& faults) {
  const tcp::TxSegment& s = descriptor_.segment;
  const unsigned header = payload_at() - kIpHeader;
  length_ = payload_at() + s.len;
  offset_ = 0;
  const bool once = faults.on(Fault::engine_csum_no_second_fold);
  const bool constant_id = faults.on(Fault::engine_ip_id_constant);
  std::uint8_t* ip = datagram_.data();
  std::uint8_t* t = ip + kIpHeader;

  ip[0] = 0x45;
  ip[1] = config.tos;
  put16(ip + 2, length_ - (faults.on(Fault::engine_ip_length_wrong) && s.mss_valid ? kMssOption : 0));
  put16(ip + 4, constant_id ? 0 : ip_id_);
  put16(ip + 6, config.has(tcp::DF) && !constant_id ? 0x4000 : 0);
  ip[8] = config.ttl;
  ip[9] = 6;
  put16(ip + 10, 0);
  put32(ip + 12, s.lip);
  put32(ip + 16, s.rip);
  put16(ip + 10, static_cast<std::uint16_t>(~fold(word_sum(ip, kIpHeader), once)));

  put16(t, s.lport);
  put16(t + 2, s.rport);
  put32(t + 4, s.seq);
  put32(t + 8, s.ack);
  t[12] = static_cast<std::uint8_t>(header / 4 << 4);
  t[13] = s.flags;
  put16(t + 14, s.wnd);
  put16(t + 16, 0);
  put16(t + 18, 0);
  if (faults.on(Fault::engine_reserved_bits_set)) t[12] |= 0x0E;
  if (faults.on(Fault::engine_urgent_pointer_garbage)) {
    t[13] |= tcp::URG;
    put16(t + 18, 1);
  }
  if (s.mss_valid) {
    t[20] = 2;
    t[21] = 4;
    put16(t + 22, s.mss);
  }
  unsigned summed = header + s.len;
  if (faults.on(Fault::engine_odd_length)) summed &= ~1U;
  std::uint32_t sum = word_sum(t, summed);
  if (!faults.on(Fault::engine_pseudo_header_missing)) sum += pseudo_header_sum(s.lip, s.rip, header + s.len);
  auto checksum = static_cast<std::uint16_t>(~fold(sum, once));
  if (checksum != last_checksum_) other_checksum_ = std::exchange(last_checksum_, checksum);
  if (faults.on(Fault::engine_csum_wrong_retransmission) && descriptor_.retransmission) checksum = other_checksum_;
  put16(t + 16, checksum);
  std::memset(ip + length_, 0, beat_bytes_);
}

void TxEngine::drive(Outputs& out) const {
  out.m_axis_tvalid = state_ == State::EMIT;
  if (!out.m_axis_tvalid) return;
  std::memcpy(out.m_axis_tdata.data(), datagram_.data() + offset_, beat_bytes_);
  const unsigned rest = length_ - offset_;
  out.m_axis_tlast = rest <= beat_bytes_;
  const unsigned bytes = std::min(rest, beat_bytes_);
  out.m_axis_tkeep = bytes == 64 ? ~std::uint64_t{0} : (std::uint64_t{1} << bytes) - 1;
}

}  // namespace tiptoe::model
