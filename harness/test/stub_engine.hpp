// SPDX-License-Identifier: Apache-2.0
// An engine that does just enough to test what surrounds engines: it sends every datagram back, answers STATUS, sends
// one octet at a deadline, and can be told to break the rules.
#pragma once

#include <cstdint>
#include <deque>

#include "tiptoe/model/pins.hpp"

namespace tiptoe::test {

class StubEngine {
 public:
  bool never_ready = false;
  bool forgets_valid = false;
  std::uint64_t deadline = 0;  ///< 0: none

  const model::Outputs& eval(const model::Inputs& in) {
    in_ = in;
    out_ = {};
    out_.s_axis_tready = !never_ready;
    if (!beats_.empty()) {
      out_.m_axis_tvalid = !(forgets_valid && waited_ == 1);
      out_.m_axis_tdata = beats_.front().data;
      out_.m_axis_tkeep = beats_.front().keep;
      out_.m_axis_tlast = beats_.front().last;
    }
    out_.cmd_ready = !response_;
    out_.rsp_valid = response_;
    out_.rsp_tag = tag_;
    out_.rsp_op = op_;
    out_.rsp_state = 4;
    out_.prb.writer_state = 0;
    out_.next_deadline_valid = deadline != 0;
    out_.next_deadline = deadline;
    out_.quiescent = beats_.empty() && !response_ && (deadline == 0 || in.now_us < deadline);
    return out_;
  }

  void tick() {
    if (in_.rst) {
      *this = StubEngine(*this, 0);
      return;
    }
    if (out_.m_axis_tvalid && in_.m_axis_tready)
      beats_.pop_front(), waited_ = 0;
    else if (!beats_.empty())
      ++waited_;
    if (in_.s_axis_tvalid && out_.s_axis_tready)
      beats_.push_back({in_.s_axis_tdata, in_.s_axis_tkeep, in_.s_axis_tlast});
    if (out_.rsp_valid && in_.rsp_ready) response_ = false;
    if (in_.cmd_valid && out_.cmd_ready) response_ = true, tag_ = in_.cmd_tag, op_ = in_.cmd_op;
    if (deadline != 0 && in_.now_us >= deadline) {
      deadline = 0;
      beats_.push_back({{0x45}, 1, true});
    }
  }

  StubEngine() = default;

 private:
  StubEngine(const StubEngine& settings, int)
      : never_ready(settings.never_ready), forgets_valid(settings.forgets_valid), deadline(settings.deadline) {}
  struct Beat {
    model::Beat data;
    std::uint64_t keep;
    bool last;
  };
  model::Inputs in_{};
  model::Outputs out_{};
  std::deque<Beat> beats_{};
  unsigned waited_ = 0;
  bool response_ = false;
  std::uint8_t tag_ = 0, op_ = 0;
};

}  // namespace tiptoe::test
