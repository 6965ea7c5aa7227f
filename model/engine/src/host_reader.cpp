// SPDX-License-Identifier: Apache-2.0
#include "host_reader.hpp"

#include <algorithm>
#include <array>
#include <cstring>

namespace tiptoe::model {

void HostReader::step(TransferFifo& fifo, std::uint16_t mv_done, bool tready, bool granted, const Buffers& receive,
                      Outputs& out) {
  switch (state_) {
    case State::IDLE:
      if (!reached(mv_done, fifo.front().snapshot)) return;
      command_ = fifo.front();
      fifo.pop();
      read_ = 0;
      state_ = State::READ;
      return;
    case State::READ: {
      std::array<std::uint8_t, 8 * kMaxBeatWords> word{};
      const std::uint32_t n = std::min<std::uint32_t>(beat_bytes_, command_.n - read_);
      receive.read(command_.idx, command_.base + read_, word.data(), n);
      read_ += n;
      std::memcpy(out.rxd_tdata.data(), word.data(), beat_bytes_);
      out.rxd_tkeep = n == 64 ? ~std::uint64_t{0} : (std::uint64_t{1} << n) - 1;
      out.rxd_tlast = read_ == command_.n;
      out.rxd_handle = command_.handle;
      out.rxd_tvalid = true;
      state_ = State::OUT;
      return;
    }
    case State::OUT:
      if (!tready) return;
      out.rxd_tvalid = false;
      state_ = read_ == command_.n ? State::DONE : State::READ;
      return;
    case State::DONE:
      if (granted) state_ = State::IDLE;
      return;
  }
}

}  // namespace tiptoe::model
