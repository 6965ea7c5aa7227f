// SPDX-License-Identifier: Apache-2.0
#include "registers.hpp"

#include <algorithm>

namespace tiptoe::model {
namespace {

struct Reset {
  std::uint8_t address;
  std::uint32_t value;
};
constexpr std::uint32_t kId = 0x54495031;
constexpr std::uint8_t kFirstWritable = 0x01, kMtu = 0x05, kTtl = 0x06, kTos = 0x07, kLastWritable = 0x21;
constexpr std::array kDefaults{
    Reset{0x00, kId},        Reset{0x05, 1500},       Reset{0x06, 64},         Reset{0x08, 0x3F},
    Reset{0x09, 1000000},    Reset{0x0A, 1000000},    Reset{0x0B, 60000000},   Reset{0x0C, 1000000},
    Reset{0x0D, 1},          Reset{0x0E, 7},          Reset{0x0F, 8},          Reset{0x10, 3},
    Reset{0x11, 200000},     Reset{0x12, 120000000},  Reset{0x14, 7200},       Reset{0x15, 75},
    Reset{0x16, 9},          Reset{0x17, 300000000},  Reset{0x1A, 10},         Reset{0x1B, 5000000},
    Reset{0x1D, 0x5bd1e995}, Reset{0x1E, 0x03020100}, Reset{0x1F, 0x07060504}, Reset{0x20, 0x0b0a0908},
    Reset{0x21, 0x0f0e0d0c},
};

// Registers that are compared with narrow counters of the connection record: retries, keepalive probes, challenge ACKs.
struct Most {
  std::uint8_t address;
  std::uint32_t value;
};
constexpr std::array kMost{Most{0x0E, 31}, Most{0x0F, 31}, Most{0x16, 15}, Most{0x1A, 255}};

}  // namespace

Registers::Registers(unsigned tx_buf_log2, unsigned rx_buf_log2) {
  config_.tx_buf_log2 = tx_buf_log2;
  config_.rx_buf_log2 = rx_buf_log2;
  reset(0);
}

void Registers::reset(std::uint64_t boot_us) {
  value_.fill(0);
  for (const Reset& r : kDefaults) value_[r.address] = r.value;
  config_.boot_us = boot_us;
  load_config();
}

void Registers::write(std::uint8_t address, std::uint32_t data) {
  if (address < kFirstWritable || address > kLastWritable) return;
  if (address == kMtu) data = std::clamp<std::uint32_t>(data, 296, 2048);
  if (address == kTtl || address == kTos) data &= 0xFF;
  for (const Most& m : kMost) {
    if (address == m.address) data = std::min(data, m.value);
  }
  value_[address] = data;
  load_config();
}

void Registers::load_config() {
  tcp::Config& c = config_;
  for (std::size_t i = 0; i < c.local_ip.size(); ++i) c.local_ip[i] = value_[0x01 + i];
  c.mtu = value_[0x05];
  c.ttl = static_cast<std::uint8_t>(value_[0x06]);
  c.tos = static_cast<std::uint8_t>(value_[0x07]);
  c.features = value_[0x08];
  c.rto_init = value_[0x09];
  c.rto_min = value_[0x0A];
  c.rto_max = value_[0x0B];
  c.syn_rto = value_[0x0C];
  c.syn_backoff = value_[0x0D];
  c.syn_retries = value_[0x0E];
  c.data_retries = value_[0x0F];
  c.r1 = value_[0x10];
  c.dack = value_[0x11];
  c.msl = value_[0x12];
  c.fw2_timeout = value_[0x13];
  c.keep_idle_s = value_[0x14];
  c.keep_intvl_s = value_[0x15];
  c.keep_probes = value_[0x16];
  c.user_timeout = value_[0x17];
  c.open_timeout = value_[0x18];
  c.quiet = value_[0x19];
  c.ch_limit = value_[0x1A];
  c.ch_window = value_[0x1B];
  c.iw_segs = value_[0x1C];
  c.cam_key = value_[0x1D];
  for (std::size_t i = 0; i < c.isn_key.size(); ++i) c.isn_key[i] = value_[0x1E + i];
}

}  // namespace tiptoe::model
