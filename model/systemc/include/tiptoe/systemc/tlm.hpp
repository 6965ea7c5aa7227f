// SPDX-License-Identifier: Apache-2.0
// tiptoe_tlm: an engine as a loosely timed TLM-2.0 module. SystemC time is protocol time: the engine's clock runs while
// there is something to do, and then the module sleeps until the engine's next deadline or the next transaction.
//
//   tiptoe::systemc::tiptoe_tlm<tiptoe::model::Engine> dut("dut", 64, sc_time(4, SC_NS), parameters);
//   initiator.socket.bind(dut.net_in);    // b_transport, write: one IPv4 datagram arrives (address is ignored)
//   dut.net_out.bind(target.socket);      // b_transport, write: one IPv4 datagram leaves
//   initiator2.socket.bind(dut.regs);     // b_transport: 32-bit registers at 4 * reg_addr
//   auto r = dut.call(command);           // host commands: blocking calls from an SC_THREAD
//
// EngineT as for tiptoe_sc. Transactions may come from any process; a datagram is accepted at once and queued.
#pragma once

#include <tlm_utils/simple_initiator_socket.h>
#include <tlm_utils/simple_target_socket.h>
#include <systemc>
#include <tlm>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <deque>
#include <map>
#include <utility>
#include <vector>

#include "tiptoe/model/pins.hpp"

namespace tiptoe::systemc {

using Bytes = std::vector<std::uint8_t>;

struct HostCommand {  ///< the cmd_* pins
  std::uint8_t op = 0;
  std::uint32_t handle = 0;
  std::uint8_t flags = 0;
  std::uint32_t lip = 0;
  std::uint16_t lport = 0;
  std::uint32_t rip = 0;
  std::uint16_t rport = 0;
  std::uint32_t len = 0;
};
struct HostResponse {  ///< the rsp_* pins
  std::uint8_t status = 0, state = 0;
  std::uint32_t handle = 0, len = 0, avail = 0, room = 0;
};
struct HostEvent {  ///< the evt_* pins
  std::uint32_t handle = 0;
  std::uint16_t flags = 0;
};

template <class EngineT>
class tiptoe_tlm : public sc_core::sc_module {
 public:
  tlm_utils::simple_target_socket<tiptoe_tlm> net_in{"net_in"}, regs{"regs"};
  tlm_utils::simple_initiator_socket<tiptoe_tlm> net_out{"net_out"};

  /// `data_w` is the engine's; `period` its clock; `args` go to the engine's constructor.
  template <class... Args>
  tiptoe_tlm(const sc_core::sc_module_name& name, unsigned data_w, const sc_core::sc_time& period, Args&&... args)
      : sc_core::sc_module(name), engine_(std::forward<Args>(args)...), beat_(data_w / 8), period_(period) {
    SC_HAS_PROCESS(tiptoe_tlm);
    net_in.register_b_transport(this, &tiptoe_tlm::datagram_in);
    regs.register_b_transport(this, &tiptoe_tlm::access_register);
    in_.m_axis_tready = in_.rsp_ready = in_.evt_ready = in_.rxd_tready = true;
    in_.rst = true;
    cycle();
    cycle();
    in_.rst = false;
    SC_THREAD(run);
  }

  EngineT& engine() { return engine_; }
  std::uint64_t cycles() const { return cycles_; }

  /// One host command; returns with its response. From an SC_THREAD, one caller at a time.
  HostResponse call(const HostCommand& command) {
    commands_.push_back(command);
    wake_.notify(sc_core::SC_ZERO_TIME);
    while (responses_.empty()) wait(response_event_);
    const HostResponse response = responses_.front();
    responses_.pop_front();
    return response;
  }
  /// SEND; takes the octets that were granted (response.len).
  HostResponse send(std::uint32_t handle, const Bytes& data) {
    HostCommand command;
    command.op = 3;
    command.handle = handle;
    command.len = static_cast<std::uint32_t>(data.size());
    const HostResponse response = call(command);
    const std::size_t n = response.status == 0 ? std::min<std::size_t>(response.len, data.size()) : 0;
    for (std::size_t at = 0; at < n; at += beat_) {
      model::Beat beat{};
      std::memcpy(beat.data(), data.data() + at, std::min<std::size_t>(beat_, n - at));
      txd_.push_back(beat);
    }
    wake_.notify(sc_core::SC_ZERO_TIME);
    return response;
  }
  /// RECEIVE of up to `max` octets; returns with them.
  Bytes receive(std::uint32_t handle, std::uint32_t max) {
    HostCommand command;
    command.op = 4;
    command.handle = handle;
    command.len = max;
    const HostResponse response = call(command);
    if (response.status != 0) return {};
    Bytes& data = received_[handle & 0xFFFF];
    while (data.size() < response.len) wait(data_event_);
    Bytes result;
    result.swap(data);
    return result;
  }
  /// The oldest notification that was not yet taken; waits for one.
  HostEvent next_event() {
    while (events_.empty()) wait(notification_event_);
    const HostEvent event = events_.front();
    events_.pop_front();
    return event;
  }
  bool has_event() const { return !events_.empty(); }

 private:
  static std::uint64_t microseconds(const sc_core::sc_time& t) {
    return static_cast<std::uint64_t>(t / sc_core::sc_time(1, sc_core::SC_US));
  }

  void run() {
    sc_core::sc_time local = sc_core::SC_ZERO_TIME;  // this process is so far ahead
    const auto catch_up = [&] {
      if (local != sc_core::SC_ZERO_TIME) wait(local);
      local = sc_core::SC_ZERO_TIME;
    };
    for (;;) {
      const bool nothing_to_do = cycle(local);
      local += period_;
      while (!out_datagrams_.empty()) {
        catch_up();
        emit();
      }
      if (!nothing_to_do) {
        if (local >= quantum()) catch_up();
        continue;
      }
      if (local > period_) {  // time has passed since: look again
        catch_up();
        continue;
      }
      local = sc_core::SC_ZERO_TIME;
      if (!deadline_valid_) {
        wait(wake_);
      } else {
        const sc_core::sc_time at = sc_core::sc_time(1, sc_core::SC_US) * static_cast<double>(deadline_);
        if (at > sc_core::sc_time_stamp()) wait(at - sc_core::sc_time_stamp(), wake_);
      }
    }
  }
  sc_core::sc_time quantum() const {
    const sc_core::sc_time global = tlm::tlm_global_quantum::instance().get();
    return global == sc_core::SC_ZERO_TIME ? sc_core::sc_time(1, sc_core::SC_US) : global;
  }

  void emit() {
    Bytes datagram = std::move(out_datagrams_.front());
    out_datagrams_.pop_front();
    tlm::tlm_generic_payload transaction;
    transaction.set_command(tlm::TLM_WRITE_COMMAND);
    transaction.set_address(0);
    transaction.set_data_ptr(datagram.data());
    transaction.set_data_length(static_cast<unsigned>(datagram.size()));
    transaction.set_streaming_width(static_cast<unsigned>(datagram.size()));
    transaction.set_response_status(tlm::TLM_INCOMPLETE_RESPONSE);
    sc_core::sc_time delay = sc_core::SC_ZERO_TIME;
    net_out->b_transport(transaction, delay);
    if (transaction.is_response_error()) SC_REPORT_WARNING(name(), "net_out: the datagram was refused");
  }

  void datagram_in(tlm::tlm_generic_payload& transaction, sc_core::sc_time&) {
    if (transaction.get_command() != tlm::TLM_WRITE_COMMAND) {
      transaction.set_response_status(tlm::TLM_COMMAND_ERROR_RESPONSE);
    } else if (transaction.get_byte_enable_ptr() != nullptr) {
      transaction.set_response_status(tlm::TLM_BYTE_ENABLE_ERROR_RESPONSE);
    } else if (transaction.get_data_length() == 0 ||
               transaction.get_streaming_width() < transaction.get_data_length()) {
      transaction.set_response_status(tlm::TLM_BURST_ERROR_RESPONSE);
    } else {
      const unsigned char* data = transaction.get_data_ptr();
      in_datagrams_.emplace_back(data, data + transaction.get_data_length());
      wake_.notify(sc_core::SC_ZERO_TIME);
      transaction.set_response_status(tlm::TLM_OK_RESPONSE);
    }
  }

  void access_register(tlm::tlm_generic_payload& transaction, sc_core::sc_time& delay) {
    const std::uint64_t address = transaction.get_address();
    if (address % 4 != 0 || address / 4 > 0xFF) {
      transaction.set_response_status(tlm::TLM_ADDRESS_ERROR_RESPONSE);
      return;
    }
    if (transaction.get_data_length() != 4 || transaction.get_byte_enable_ptr() != nullptr) {
      transaction.set_response_status(tlm::TLM_BURST_ERROR_RESPONSE);
      return;
    }
    std::uint32_t value = 0;
    in_.reg_addr = static_cast<std::uint8_t>(address / 4);
    if (transaction.is_write()) {
      std::memcpy(&value, transaction.get_data_ptr(), 4);
      in_.reg_wr = true;
      in_.reg_wdata = value;
      cycle();
      in_.reg_wr = false;
    } else if (transaction.is_read()) {
      cycle();
      value = engine_.eval(in_).reg_rdata;
      std::memcpy(transaction.get_data_ptr(), &value, 4);
    }
    delay += period_;
    wake_.notify(sc_core::SC_ZERO_TIME);
    transaction.set_response_status(tlm::TLM_OK_RESPONSE);
  }

  /// One clock cycle at `local` after the present; true when there is nothing more to do at this time.
  bool cycle(const sc_core::sc_time& local = sc_core::SC_ZERO_TIME) {
    in_.now_us = std::max(in_.now_us, microseconds(sc_core::sc_time_stamp() + local));
    if (!in_.s_axis_tvalid && !in_datagrams_.empty()) {
      const Bytes& datagram = in_datagrams_.front();
      const std::size_t n = std::min<std::size_t>(beat_, datagram.size() - at_);
      in_.s_axis_tdata = {};
      std::memcpy(in_.s_axis_tdata.data(), datagram.data() + at_, n);
      in_.s_axis_tkeep = n == 64 ? ~std::uint64_t{0} : (std::uint64_t{1} << n) - 1;
      in_.s_axis_tlast = at_ + n == datagram.size();
      in_.s_axis_tvalid = true;
    }
    if (!in_.cmd_valid && !commands_.empty()) {
      const HostCommand& c = commands_.front();
      in_.cmd_op = c.op;
      in_.cmd_handle = c.handle;
      in_.cmd_flags = c.flags;
      in_.cmd_lip = c.lip;
      in_.cmd_lport = c.lport;
      in_.cmd_rip = c.rip;
      in_.cmd_rport = c.rport;
      in_.cmd_len = c.len;
      in_.cmd_valid = true;
      commands_.pop_front();
    }
    if (!in_.txd_tvalid && !txd_.empty()) {
      in_.txd_tdata = txd_.front();
      in_.txd_tvalid = true;
      txd_.pop_front();
    }
    const model::Outputs& out = engine_.eval(in_);
    const bool nothing_to_do = out.quiescent && !in_.s_axis_tvalid && !in_.cmd_valid && !in_.txd_tvalid;
    deadline_valid_ = out.next_deadline_valid;
    deadline_ = out.next_deadline;
    const bool s_taken = in_.s_axis_tvalid && out.s_axis_tready;
    const bool cmd_taken = in_.cmd_valid && out.cmd_ready;
    const bool txd_taken = in_.txd_tvalid && out.txd_tready;
    if (out.m_axis_tvalid) {
      append(current_, out.m_axis_tdata, out.m_axis_tkeep);
      if (out.m_axis_tlast) {
        out_datagrams_.push_back(std::move(current_));
        current_.clear();
      }
    }
    if (out.rxd_tvalid) {
      append(received_[out.rxd_handle], out.rxd_tdata, out.rxd_tkeep);
      data_event_.notify(local + period_);
    }
    if (out.rsp_valid) {
      HostResponse r;
      r.status = out.rsp_status;
      r.state = out.rsp_state;
      r.handle = out.rsp_handle;
      r.len = out.rsp_len;
      r.avail = out.rsp_avail;
      r.room = out.rsp_room;
      responses_.push_back(r);
      response_event_.notify(local + period_);
    }
    if (out.evt_valid) {
      HostEvent e;
      e.handle = out.evt_handle;
      e.flags = out.evt_flags;
      events_.push_back(e);
      notification_event_.notify(local + period_);
    }
    engine_.tick();
    ++cycles_;
    if (s_taken) {
      in_.s_axis_tvalid = false;
      at_ += beat_;
      if (in_.s_axis_tlast) {
        in_datagrams_.pop_front();
        at_ = 0;
      }
    }
    if (cmd_taken) in_.cmd_valid = false;
    if (txd_taken) in_.txd_tvalid = false;
    return nothing_to_do;
  }

  static void append(Bytes& to, const model::Beat& beat, std::uint64_t keep) {
    unsigned n = 0;
    while (n < 64 && (keep >> n & 1) != 0) ++n;
    const std::size_t at = to.size();
    to.resize(at + n);
    std::memcpy(to.data() + at, beat.data(), n);
  }

  EngineT engine_;
  std::size_t beat_;
  sc_core::sc_time period_;
  model::Inputs in_;
  std::uint64_t cycles_ = 0;
  bool deadline_valid_ = false;
  std::uint64_t deadline_ = 0;

  std::deque<Bytes> in_datagrams_, out_datagrams_;
  std::size_t at_ = 0;
  Bytes current_;
  std::deque<HostCommand> commands_;
  std::deque<HostResponse> responses_;
  std::deque<HostEvent> events_;
  std::deque<model::Beat> txd_;
  std::map<std::uint32_t, Bytes> received_;
  sc_core::sc_event wake_, response_event_, data_event_, notification_event_;
};

}  // namespace tiptoe::systemc
