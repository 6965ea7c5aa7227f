// SPDX-License-Identifier: Apache-2.0
// Devices made of a clocked engine: anything with
//
//   const tiptoe::model::Outputs& eval(const tiptoe::model::Inputs&);   // outputs of this cycle
//   void tick();                                                        // the edge that ends it
//
// EngineDriver surrounds its pins with queues (datagrams, commands, payload, notifications) and moves one clock cycle
// at a time; EngineDut is the DUT contract on top of it.
//
//   tiptoe::EngineDut<tiptoe::model::Engine> dut("model", options, parameters);
//
// Time: 250 cycles are one microsecond, and when the engine says `quiescent` and the driver has nothing to hand in,
// time jumps to the engine's next deadline or to the end of the wait. Every channel's handshake rules are checked on
// the way.
#pragma once

#include <array>
#include <bit>
#include <concepts>
#include <cstdint>
#include <cstring>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "tiptoe/choices.hpp"
#include "tiptoe/dut.hpp"
#include "tiptoe/model/pins.hpp"
#include "tiptoe/random.hpp"
#include "tiptoe/registers.hpp"

namespace tiptoe {

template <class E>
concept ClockedEngine = requires(E& engine, const model::Inputs& inputs) {
  { engine.eval(inputs) } -> std::same_as<const model::Outputs&>;
  engine.tick();
};

inline constexpr unsigned kCyclesPerMicrosecond = 250;

model::Parameters to_parameters(const DutOptions& options) noexcept;
/// "DATA_W=64 CONNS=64 LISTENERS=8 TX_BUF_LOG2=14 RX_BUF_LOG2=14 TIMER_SCAN=4"
std::string parameters_to_string(const DutOptions& options);
/// One line of the engine's inner state, from the probes.
std::string probes_to_string(const model::Outputs& outputs);
/// What the retire port tells (section 13); cycle, time, state_before and flags_out are the caller's to fill.
RetireRecord retire_record(const model::Probes& probes);

struct EngineCommand {
  std::uint8_t op = 0;
  std::uint8_t flags = 0;
  std::uint32_t handle = 0;
  std::uint32_t lip = 0, rip = 0;
  std::uint16_t lport = 0, rport = 0;
  std::uint32_t len = 0;
  Bytes payload{};  ///< SEND: as much of it as is granted goes to txd
};

struct EngineResponse {
  std::uint8_t tag = 0, op = 0, status = 0, state = 0;
  std::uint32_t handle = 0, len = 0, avail = 0, room = 0;
  std::uint64_t cycle = 0;
};

struct EngineReceived {
  std::uint16_t handle = 0;
  Bytes data{};
};

/// Back-pressure of changing temper on every channel, the same for the same seed.
class StallPattern {
 public:
  enum Channel : unsigned { s_axis, m_axis, cmd, rsp, evt, txd, rxd, count };
  void seed(std::uint64_t seed, bool on) noexcept {
    random_ = Random(seed);
    on_ = on;
    left_ = 1;
  }
  bool on() const noexcept { return on_; }
  void next_cycle() noexcept {
    if (!on_) return;
    bits_ = random_();
    if (--left_ == 0) {
      left_ = 16 + static_cast<unsigned>(bits_ >> 57);
      std::uint64_t choice = random_();
      for (auto& mode : modes_) {
        constexpr std::array<std::uint8_t, 8> kinds{0, 0, 1, 1, 2, 2, 3, 4};
        mode = kinds[choice & 7];
        choice >>= 3;
      }
    }
  }
  bool operator()(Channel channel) const noexcept {
    if (!on_) return false;
    const unsigned draw = static_cast<unsigned>(bits_ >> (8 * channel)) & 7U;
    switch (modes_[channel]) {
      case 0: return false;
      case 1: return draw == 0;
      case 2: return draw < 4;
      case 3: return draw != 0;
      default: return true;
    }
  }

 private:
  Random random_{1};
  std::uint64_t bits_ = 0;
  unsigned left_ = 1;
  bool on_ = false;
  std::array<std::uint8_t, count> modes_{};
};

/// Queues around the pins of one engine, one clock cycle at a time. Nothing is allocated in a cycle in which nothing is
/// handed over.
template <ClockedEngine Engine>
class EngineDriver {
 public:
  template <class... Args>
  explicit EngineDriver(const DutOptions& options, Args&&... args)
      : options_(options), beat_(options.data_w / 8), engine_(std::forward<Args>(args)...) {
    frame_.reserve(4096);
  }

  Engine& engine() noexcept { return engine_; }
  const DutOptions& options() const noexcept { return options_; }

  // ---- clock and time
  void reset(std::uint64_t seed);
  void step();  ///< one cycle
  std::uint64_t cycle() const noexcept { return cycle_; }
  std::uint64_t now_us() const noexcept { return now_; }
  /// Time is an input; it may jump forward whenever the caller likes.
  void jump_to(std::uint64_t us) noexcept { now_ = us, sub_ = 0, idle_ = false; }
  /// Cycles take no time: now_us moves by jump_to() alone, for an engine that follows somebody else's clock.
  void hold_time(bool on) noexcept { held_time_ = on; }
  unsigned cycle_in_us() const noexcept { return sub_; }
  /// In the last cycle the engine was quiescent, and nothing was or is to be handed in.
  bool idle() const noexcept { return idle_ && nothing_to_hand_in(); }
  bool has_deadline() const noexcept { return deadline_valid_; }
  std::uint64_t next_deadline() const noexcept { return deadline_; }
  const model::Outputs& outputs() const noexcept { return *out_; }  ///< of the last cycle

  // ---- handing in
  void push_datagram(Bytes datagram) { input_.push_back(std::move(datagram)); }
  std::size_t datagrams_waiting() const noexcept { return input_.size(); }
  void push_command(EngineCommand command) { commands_.push_back(std::move(command)); }
  std::size_t commands_waiting() const noexcept { return commands_.size() + outstanding_.size(); }
  bool payload_waiting() const noexcept { return !payload_.empty(); }
  bool payload_expected() const noexcept { return !expected_.empty(); }
  void write_register(std::uint8_t address, std::uint32_t value);  ///< one cycle
  std::uint32_t read_register(std::uint8_t address);               ///< two cycles
  void watch_register(std::uint8_t address) noexcept { in_.reg_addr = address; }

  // ---- taking out (queues that only the caller shrinks)
  std::deque<Datagram> datagrams;
  std::deque<EngineResponse> responses;
  std::deque<EngineReceived> received;
  std::deque<Notification> notifications;
  std::vector<RetireRecord> retired;
  void record_retired(bool on) {
    if (on && !recording_) states_.assign(options_.conns, cycle_ == 0 ? State::closed : State::unknown);
    recording_ = on;
  }
  /// May rewrite the payload of a SEND when its grant is known (the granted length is its size).
  std::function<void(const EngineResponse&, Bytes& payload)> on_send_granted{};

  /// Throws DutHang: "Waited 4160 cycles for ...; <probes>".
  [[noreturn]] void hang(const std::string& what, std::uint64_t cycles) const;

  /// docs/microarchitecture.md 6.2; with random stalls in both directions sixteen times as much.
  std::uint64_t tready_bound() const noexcept {
    return (8U * (256U + 2048U / beat_) + 64U) * (stalls_.on() ? 16U : 1U);
  }
  std::uint64_t longest_tready_wait() const noexcept { return longest_wait_; }

 private:
  bool nothing_to_hand_in() const noexcept {
    return input_.empty() && commands_.empty() && outstanding_.empty() && payload_.empty() && expected_.empty() &&
           delivered_.empty();
  }
  void drive();
  void sample(const model::Outputs& out);
  void sample_network(const model::Outputs& out);
  void sample_host(const model::Outputs& out);
  void note_retired(const model::Probes& probes);
  void finish_datagram();
  [[noreturn]] void broken(const std::string& rule) const;

  static void load(model::Beat& beat, const std::uint8_t* from, std::size_t n) noexcept {
    static_assert(std::endian::native == std::endian::little);
    beat = {};
    std::memcpy(beat.data(), from, n);
  }
  static std::uint64_t keep(std::size_t n) noexcept { return n >= 64 ? ~0ULL : (1ULL << n) - 1; }

  DutOptions options_;
  unsigned beat_;  ///< octets
  Engine engine_;
  model::Inputs in_{};
  model::Outputs none_{};
  const model::Outputs* out_ = &none_;
  StallPattern stalls_{};

  std::uint64_t cycle_ = 0;
  std::uint64_t now_ = 0;
  unsigned sub_ = 0;
  bool held_time_ = false;
  bool idle_ = false;
  bool recording_ = false;
  std::vector<State> states_{};  ///< of every connection, while recording
  bool deadline_valid_ = false;
  std::uint64_t deadline_ = 0;

  std::deque<Bytes> input_{};
  std::size_t input_at_ = 0;
  std::uint64_t tready_wait_ = 0;
  std::uint64_t longest_wait_ = 0;

  std::deque<EngineCommand> commands_{};
  struct Outstanding {
    std::uint8_t tag, op;
    Bytes payload;
  };
  std::deque<Outstanding> outstanding_{};
  std::uint8_t next_tag_ = 0;
  std::deque<Bytes> payload_{};
  std::size_t payload_at_ = 0;
  struct Expected {
    std::uint16_t handle;
    std::uint32_t length;
  };
  std::deque<Expected> expected_{};
  Bytes incoming_{};
  std::uint16_t incoming_handle_ = 0;
  std::deque<EngineReceived> delivered_{};  ///< complete, not yet matched with a response

  Bytes frame_{};
  bool m_held_ = false, rsp_held_ = false, evt_held_ = false, rxd_held_ = false;
  model::Outputs held_{};  ///< what must not change while a ready is low
};

/// The DUT contract (L0, L1, L2) on an engine.
template <ClockedEngine Engine>
class EngineDut final : public Dut {
 public:
  template <class... Args>
  EngineDut(std::string name, const DutOptions& options, Args&&... args)
      : name_(std::move(name)), driver_(options, std::forward<Args>(args)...) {}

  EngineDriver<Engine>& driver() noexcept { return driver_; }

  std::string name() const override { return name_; }
  std::string description() const override;
  const Capabilities& capabilities() const override {
    static const Capabilities own{
        .name = "engine", .description = "the engine and its model", .choices = engine_choices()};
    return own;
  }
  void reset(const DutConfig& config) override;
  void inject(std::span<const std::uint8_t> datagram) override;
  std::optional<Datagram> poll_output() override;
  void settle() override;
  std::optional<Datagram> run_until_output(std::uint64_t us) override;
  void advance(std::uint64_t us) override { run(driver_.now_us() + us, false); }
  std::uint64_t now_us() const override { return driver_.now_us(); }
  std::uint64_t cycles() const override { return driver_.cycle(); }

  CallResult open_passive(const OpenArgs& args) override;
  CallResult open_active(const OpenArgs& args) override;
  CallResult accept(Handle listener) override { return call({.op = 8, .handle = listener.value}); }
  CallResult send(Handle handle, std::span<const std::uint8_t> data) override;
  CallResult receive(Handle handle, std::uint32_t max) override {
    return call({.op = 4, .handle = handle.value, .len = max});
  }
  CallResult close(Handle handle, bool half) override {
    return call({.op = 5, .flags = static_cast<std::uint8_t>(half ? 4 : 0), .handle = handle.value});
  }
  CallResult abort(Handle handle) override { return call({.op = 6, .handle = handle.value}); }
  CallResult status(Handle handle) override { return call({.op = 7, .handle = handle.value}); }
  CallResult set_options(Handle handle, bool nodelay, bool keepalive) override {
    return call({.op = 9, .flags = option_flags(nodelay, keepalive), .handle = handle.value});
  }
  std::optional<Notification> poll_notification() override;

  void set(const std::string& name, std::uint64_t value) override;
  std::uint64_t counter(const std::string& name) override;

  bool has_retire_records() const override { return true; }
  void set_retire_recording(bool on) override { driver_.record_retired(on); }
  std::vector<RetireRecord> take_retire_records() override { return std::exchange(driver_.retired, {}); }
  void set_fault(const std::string& id) override;

 private:
  static constexpr std::uint64_t kSettleBound = 3'000'000;
  static constexpr std::uint64_t kCallBound = 1'000'000;

  static std::uint8_t option_flags(bool nodelay, bool keepalive) noexcept {
    return static_cast<std::uint8_t>((nodelay ? 1U : 0U) | (keepalive ? 2U : 0U));
  }
  CallResult call(EngineCommand command);
  bool run(std::uint64_t until, bool stop_on_output);

  std::string name_;
  DutConfig config_{};
  EngineDriver<Engine> driver_;
};

// ------------------------------------------------------------------------------------------------------- EngineDriver

template <ClockedEngine Engine>
void EngineDriver<Engine>::reset(std::uint64_t seed) {
  input_.clear(), commands_.clear(), outstanding_.clear(), payload_.clear(), expected_.clear();
  datagrams.clear(), responses.clear(), received.clear(), notifications.clear(), retired.clear();
  frame_.clear(), incoming_.clear(), delivered_.clear();
  input_at_ = payload_at_ = 0;
  tready_wait_ = longest_wait_ = 0;
  m_held_ = rsp_held_ = evt_held_ = rxd_held_ = false;
  if (recording_) states_.assign(options_.conns, State::closed);
  next_tag_ = 0;
  stalls_.seed(seed ^ 0x5741'1153ULL, options_.random_stalls);
  now_ = 0, sub_ = 0, idle_ = false;
  in_ = {};
  in_.rst = true;
  for (int i = 0; i < 4; ++i) {
    out_ = &engine_.eval(in_);
    engine_.tick();
  }
  in_.rst = false;
  cycle_ = 0;
}

template <ClockedEngine Engine>
inline void EngineDriver<Engine>::step() {
  drive();
  const model::Outputs& out = engine_.eval(in_);
  out_ = &out;
  sample(out);
  engine_.tick();
  ++cycle_;
  if (!held_time_ && ++sub_ == kCyclesPerMicrosecond) sub_ = 0, ++now_;
}

template <ClockedEngine Engine>
inline void EngineDriver<Engine>::drive() {
  stalls_.next_cycle();
  in_.now_us = now_;
  if (!in_.s_axis_tvalid && !input_.empty() && !stalls_(StallPattern::s_axis)) {
    const Bytes& datagram = input_.front();
    const std::size_t n = std::min<std::size_t>(beat_, datagram.size() - input_at_);
    load(in_.s_axis_tdata, datagram.data() + input_at_, n);
    in_.s_axis_tkeep = keep(n);
    in_.s_axis_tlast = input_at_ + n == datagram.size();
    in_.s_axis_tvalid = true;
    input_at_ += n;
  }
  if (!in_.cmd_valid && !commands_.empty() && !stalls_(StallPattern::cmd)) {
    const EngineCommand& c = commands_.front();
    in_.cmd_valid = true;
    in_.cmd_op = c.op;
    in_.cmd_tag = next_tag_++;
    in_.cmd_handle = c.handle & 0x1FFFFU;
    in_.cmd_flags = c.flags;
    in_.cmd_lip = c.lip, in_.cmd_rip = c.rip, in_.cmd_lport = c.lport, in_.cmd_rport = c.rport;
    in_.cmd_len = c.len;
  }
  if (!in_.txd_tvalid && !payload_.empty() && !stalls_(StallPattern::txd)) {
    const Bytes& payload = payload_.front();
    const std::size_t n = std::min<std::size_t>(beat_, payload.size() - payload_at_);
    load(in_.txd_tdata, payload.data() + payload_at_, n);
    in_.txd_tvalid = true;
    payload_at_ += n;
  }
  in_.m_axis_tready = !stalls_(StallPattern::m_axis);
  in_.rsp_ready = !stalls_(StallPattern::rsp);
  in_.evt_ready = !stalls_(StallPattern::evt);
  in_.rxd_tready = !stalls_(StallPattern::rxd);
}

template <ClockedEngine Engine>
inline void EngineDriver<Engine>::sample(const model::Outputs& out) {
  idle_ = out.quiescent && !in_.s_axis_tvalid && !in_.cmd_valid && !in_.txd_tvalid && !in_.reg_wr;
  deadline_valid_ = out.next_deadline_valid;
  deadline_ = out.next_deadline;
  if (in_.s_axis_tvalid || out.m_axis_tvalid || m_held_) sample_network(out);
  if (in_.cmd_valid || out.rsp_valid || out.evt_valid || in_.txd_tvalid || out.rxd_tvalid || rsp_held_ || evt_held_ ||
      rxd_held_) {
    sample_host(out);
  }
  if (out.prb.ret_valid && recording_) note_retired(out.prb);
}

template <ClockedEngine Engine>
void EngineDriver<Engine>::note_retired(const model::Probes& probes) {
  RetireRecord record = retire_record(probes);
  record.cycle = cycle_;
  record.time_us = now_;
  if (record.connection && *record.connection < states_.size()) {
    State& before = states_[*record.connection];
    if (before != State::unknown) record.state_before = before, record.fields |= RetireRecord::has_state_before;
    before = record.state;
  }
  retired.push_back(std::move(record));
}

template <ClockedEngine Engine>
void EngineDriver<Engine>::sample_network(const model::Outputs& out) {
  if (in_.s_axis_tvalid) {
    if (out.s_axis_tready) {
      in_.s_axis_tvalid = false;
      tready_wait_ = 0;
      if (in_.s_axis_tlast) {
        input_.pop_front();
        input_at_ = 0;
      }
    } else if (++tready_wait_ > longest_wait_) {
      longest_wait_ = tready_wait_;
      if (tready_wait_ > tready_bound()) hang("s_axis_tready", tready_wait_);
    }
  }
  if (m_held_) {
    if (!out.m_axis_tvalid) broken("m_axis_tvalid fell before the beat was taken");
    if (out.m_axis_tdata != held_.m_axis_tdata || out.m_axis_tkeep != held_.m_axis_tkeep ||
        out.m_axis_tlast != held_.m_axis_tlast) {
      broken("m_axis payload changed before the beat was taken");
    }
  }
  m_held_ = out.m_axis_tvalid && !in_.m_axis_tready;
  if (m_held_) {
    held_.m_axis_tdata = out.m_axis_tdata;
    held_.m_axis_tkeep = out.m_axis_tkeep;
    held_.m_axis_tlast = out.m_axis_tlast;
  } else if (out.m_axis_tvalid) {
    const auto n = static_cast<std::size_t>(std::popcount(out.m_axis_tkeep));
    if (out.m_axis_tkeep != keep(n) || n == 0 || n > beat_) broken("m_axis_tkeep is not contiguous from bit 0");
    if (!out.m_axis_tlast && n != beat_) broken("m_axis has a partial beat before the last one");
    const std::size_t at = frame_.size();
    frame_.resize(at + n);
    std::memcpy(frame_.data() + at, out.m_axis_tdata.data(), n);
    if (out.m_axis_tlast) {
      std::array<std::uint8_t, 64> octets{};
      std::memcpy(octets.data(), out.m_axis_tdata.data(), beat_);
      for (std::size_t i = n; i < beat_; ++i) {
        if (octets[i] != 0) broken("unused octets of the last beat of m_axis are not 0");
      }
      finish_datagram();
    }
  }
}

template <ClockedEngine Engine>
void EngineDriver<Engine>::finish_datagram() {
  datagrams.push_back({.bytes = frame_, .time_us = now_, .cycle = cycle_, .to_device = false});
  frame_.clear();
}

template <ClockedEngine Engine>
void EngineDriver<Engine>::sample_host(const model::Outputs& out) {
  if (in_.cmd_valid && out.cmd_ready) {
    in_.cmd_valid = false;
    outstanding_.push_back({in_.cmd_tag, in_.cmd_op, std::move(commands_.front().payload)});
    commands_.pop_front();
  }

  if (rsp_held_ &&
      (!out.rsp_valid || out.rsp_tag != held_.rsp_tag || out.rsp_op != held_.rsp_op ||
       out.rsp_status != held_.rsp_status || out.rsp_handle != held_.rsp_handle || out.rsp_len != held_.rsp_len ||
       out.rsp_state != held_.rsp_state || out.rsp_avail != held_.rsp_avail || out.rsp_room != held_.rsp_room)) {
    broken("a response fell or changed before it was taken");
  }
  rsp_held_ = out.rsp_valid && !in_.rsp_ready;
  if (rsp_held_) {
    held_.rsp_tag = out.rsp_tag, held_.rsp_op = out.rsp_op, held_.rsp_status = out.rsp_status;
    held_.rsp_handle = out.rsp_handle, held_.rsp_len = out.rsp_len, held_.rsp_state = out.rsp_state;
    held_.rsp_avail = out.rsp_avail, held_.rsp_room = out.rsp_room;
  } else if (out.rsp_valid) {
    if (outstanding_.empty()) broken("a response without a command");
    Outstanding& command = outstanding_.front();
    if (command.tag != out.rsp_tag || command.op != out.rsp_op) {
      broken("the response to tag " + std::to_string(out.rsp_tag) + " came, the oldest open command has tag " +
             std::to_string(command.tag));
    }
    const EngineResponse response{out.rsp_tag, out.rsp_op,    out.rsp_status, out.rsp_state, out.rsp_handle,
                                  out.rsp_len, out.rsp_avail, out.rsp_room,   cycle_};
    if (command.op == 3 && out.rsp_status == 0 && out.rsp_len > 0) {
      if (out.rsp_len > command.payload.size()) broken("SEND was granted more octets than were offered");
      command.payload.resize(out.rsp_len);
      if (on_send_granted) on_send_granted(response, command.payload);
      payload_.push_back(std::move(command.payload));
    }
    if (command.op == 4 && out.rsp_status == 0 && out.rsp_len > 0) {
      expected_.push_back({static_cast<std::uint16_t>(out.rsp_handle), out.rsp_len});
    }
    responses.push_back(response);
    outstanding_.pop_front();
  }

  if (evt_held_ && (!out.evt_valid || out.evt_handle != held_.evt_handle || out.evt_flags != held_.evt_flags)) {
    broken("a notification fell or changed before it was taken");
  }
  evt_held_ = out.evt_valid && !in_.evt_ready;
  if (evt_held_) {
    held_.evt_handle = out.evt_handle, held_.evt_flags = out.evt_flags;
  } else if (out.evt_valid) {
    notifications.push_back({Handle{out.evt_handle}, out.evt_flags, now_});
  }

  if (in_.txd_tvalid && out.txd_tready) {
    in_.txd_tvalid = false;
    if (payload_at_ == payload_.front().size()) {
      payload_.pop_front();
      payload_at_ = 0;
    }
  }

  if (rxd_held_ && (!out.rxd_tvalid || out.rxd_tdata != held_.rxd_tdata || out.rxd_tkeep != held_.rxd_tkeep ||
                    out.rxd_tlast != held_.rxd_tlast || out.rxd_handle != held_.rxd_handle)) {
    broken("an rxd beat fell or changed before it was taken");
  }
  rxd_held_ = out.rxd_tvalid && !in_.rxd_tready;
  if (rxd_held_) {
    held_.rxd_tdata = out.rxd_tdata, held_.rxd_tkeep = out.rxd_tkeep;
    held_.rxd_tlast = out.rxd_tlast, held_.rxd_handle = out.rxd_handle;
  } else if (out.rxd_tvalid) {
    const auto n = static_cast<std::size_t>(std::popcount(out.rxd_tkeep));
    if (out.rxd_tkeep != keep(n) || n == 0 || n > beat_) broken("rxd_tkeep is not contiguous from bit 0");
    const std::size_t at = incoming_.size();
    incoming_.resize(at + n);
    std::memcpy(incoming_.data() + at, out.rxd_tdata.data(), n);
    if (at != 0 && out.rxd_handle != incoming_handle_) broken("rxd_handle changed within one delivery");
    incoming_handle_ = out.rxd_handle;
    if (!out.rxd_tlast && n != beat_) broken("rxd has a partial beat before the last one");
    if (out.rxd_tlast) {
      delivered_.push_back({out.rxd_handle, incoming_});
      incoming_.clear();
    }
  }
  // A delivery may overtake the response that announces it when the host is slow to take responses.
  while (!delivered_.empty() && !expected_.empty()) {
    const Expected& grant = expected_.front();
    if (grant.handle != delivered_.front().handle) {
      broken("rxd payload of another connection than the oldest granted RECEIVE");
    }
    if (delivered_.front().data.size() != grant.length) {
      broken("rxd_tlast after " + std::to_string(delivered_.front().data.size()) + " of " +
             std::to_string(grant.length) + " octets");
    }
    received.push_back(std::move(delivered_.front()));
    delivered_.pop_front();
    expected_.pop_front();
  }
}

template <ClockedEngine Engine>
void EngineDriver<Engine>::write_register(std::uint8_t address, std::uint32_t value) {
  in_.reg_wr = true, in_.reg_addr = address, in_.reg_wdata = value;
  step();
  in_.reg_wr = false;
}

template <ClockedEngine Engine>
std::uint32_t EngineDriver<Engine>::read_register(std::uint8_t address) {
  in_.reg_addr = address;
  step();
  step();
  return out_->reg_rdata;
}

template <ClockedEngine Engine>
void EngineDriver<Engine>::hang(const std::string& what, std::uint64_t cycles) const {
  throw DutHang("The device did not answer: waited " + std::to_string(cycles) + " cycles for " + what + " (cycle " +
                std::to_string(cycle_) + ", " + std::to_string(now_) + " us). " + probes_to_string(*out_));
}

template <ClockedEngine Engine>
void EngineDriver<Engine>::broken(const std::string& rule) const {
  throw DutError("Handshake rule broken: " + rule + " (cycle " + std::to_string(cycle_) + ", " + std::to_string(now_) +
                 " us). " + probes_to_string(*out_));
}

// ---------------------------------------------------------------------------------------------------------- EngineDut

template <ClockedEngine Engine>
std::string EngineDut<Engine>::description() const {
  return name_ + " of the tiptoe engine, " + parameters_to_string(driver_.options()) +
         (driver_.options().random_stalls ? ", random stalls" : "");
}

template <ClockedEngine Engine>
void EngineDut<Engine>::reset(const DutConfig& config) {
  config_ = config;
  driver_.reset(config.seed);
  Random keys(config.seed * 0x9E37'79B9'7F4A'7C15ULL + 1);
  for (unsigned i = 0; i < 4; ++i) {
    driver_.write_register(static_cast<std::uint8_t>(0x1E + i), static_cast<std::uint32_t>(keys()));
  }
  for (const auto& [name, value] : config.settings) set(name, value);
  settle();
}

template <ClockedEngine Engine>
void EngineDut<Engine>::set(const std::string& name, std::uint64_t value) {
  const RegisterInfo* info = find_register(name);
  if (info == nullptr) throw DutError(unknown_register(name));
  if (!info->writable) throw DutError("register '" + name + "' is read only");
  if (info->bit >= 0) {
    const std::uint32_t mask = 1U << info->bit;
    const std::uint32_t old = driver_.read_register(info->address);
    driver_.write_register(info->address, value != 0 ? old | mask : old & ~mask);
  } else {
    if (value > 0xFFFF'FFFFULL)
      throw DutError("register '" + name + "' has 32 bits; " + std::to_string(value) + " does not fit");
    driver_.write_register(info->address, static_cast<std::uint32_t>(value));
  }
  driver_.step();  // from the next cycle on
}

template <ClockedEngine Engine>
std::uint64_t EngineDut<Engine>::counter(const std::string& name) {
  const RegisterInfo* info = find_register(name);
  if (info == nullptr) throw DutError(unknown_register(name));
  const std::uint32_t value = driver_.read_register(info->address);
  return info->bit >= 0 ? (value >> info->bit) & 1U : value;
}

template <ClockedEngine Engine>
void EngineDut<Engine>::inject(std::span<const std::uint8_t> datagram) {
  if (datagram.empty()) throw DutError("an empty datagram cannot be injected");
  driver_.push_datagram(Bytes(datagram.begin(), datagram.end()));
  while (driver_.datagrams_waiting() != 0) driver_.step();  // bounded by s_axis_tready's bound
}

template <ClockedEngine Engine>
std::optional<Datagram> EngineDut<Engine>::poll_output() {
  if (driver_.datagrams.empty()) return std::nullopt;
  std::optional<Datagram> oldest = std::move(driver_.datagrams.front());
  driver_.datagrams.pop_front();
  return oldest;
}

template <ClockedEngine Engine>
std::optional<Notification> EngineDut<Engine>::poll_notification() {
  if (driver_.notifications.empty()) return std::nullopt;
  const Notification oldest = driver_.notifications.front();
  driver_.notifications.pop_front();
  return oldest;
}

template <ClockedEngine Engine>
void EngineDut<Engine>::settle() {
  const std::uint64_t start = driver_.cycle();
  while (!driver_.idle()) {
    driver_.step();
    if (driver_.cycle() - start > kSettleBound) driver_.hang("the device to become quiescent", kSettleBound);
  }
}

/// True when it stopped because of an output. At `until` the microsecond is used up for what is due in it.
template <ClockedEngine Engine>
bool EngineDut<Engine>::run(std::uint64_t until, bool stop_on_output) {
  std::uint64_t busy_since = driver_.cycle();
  while (true) {
    if (stop_on_output && !driver_.datagrams.empty()) return true;
    if (driver_.idle()) {
      busy_since = driver_.cycle();
      if (driver_.now_us() >= until) return false;
      std::uint64_t target = until;
      if (driver_.has_deadline() && driver_.next_deadline() < target) target = driver_.next_deadline();
      if (target > driver_.now_us()) driver_.jump_to(target);
    } else if (driver_.now_us() >= until && driver_.cycle_in_us() == kCyclesPerMicrosecond - 1) {
      return false;
    } else if (driver_.cycle() - busy_since > kSettleBound) {
      driver_.hang("the device to become quiescent", kSettleBound);
    }
    driver_.step();
  }
}

template <ClockedEngine Engine>
std::optional<Datagram> EngineDut<Engine>::run_until_output(std::uint64_t us) {
  run(driver_.now_us() + us, true);
  return poll_output();
}

template <ClockedEngine Engine>
CallResult EngineDut<Engine>::open_passive(const OpenArgs& a) {
  return call({.op = 1,
               .lip = a.local_ip,
               .rip = a.remote_ip,
               .lport = a.local_port,
               .rport = a.remote_port,
               .len = a.backlog});
}

template <ClockedEngine Engine>
CallResult EngineDut<Engine>::open_active(const OpenArgs& a) {
  const unsigned flags = option_flags(a.nodelay, a.keepalive) | (a.from_listener ? 8U : 0U);
  return call({.op = 2,
               .flags = static_cast<std::uint8_t>(flags),
               .handle = a.from_listener.value_or(Handle{}).value,
               .lip = a.local_ip,
               .rip = a.remote_ip,
               .lport = a.local_port,
               .rport = a.remote_port});
}

template <ClockedEngine Engine>
CallResult EngineDut<Engine>::send(Handle handle, std::span<const std::uint8_t> data) {
  return call({.op = 3,
               .handle = handle.value,
               .len = static_cast<std::uint32_t>(data.size()),
               .payload = Bytes(data.begin(), data.end())});
}

template <ClockedEngine Engine>
CallResult EngineDut<Engine>::call(EngineCommand command) {
  if (command.handle > 0x1FFFFU) return {.status = CallStatus::no_connection};  // no such handle was ever given out
  const std::string what(command_name(command.op));
  driver_.push_command(std::move(command));
  const std::uint64_t start = driver_.cycle();
  const auto step_until = [&](auto done, const char* awaited) {
    while (!done()) {
      driver_.step();
      if (driver_.cycle() - start > kCallBound) driver_.hang(awaited + what, kCallBound);
    }
  };
  step_until([&] { return !driver_.responses.empty(); }, "the response to ");
  const EngineResponse response = driver_.responses.front();
  driver_.responses.pop_front();

  CallResult result{.status = static_cast<CallStatus>(response.status),
                    .handle = Handle{response.handle},
                    .length = response.len,
                    .state = static_cast<State>(response.state),
                    .readable = response.avail,
                    .room = response.room};
  // The transfer belongs to the call, up to the engine's own "done": the next call finds the connection free again.
  if (response.op == 3 && response.len > 0) {
    step_until([&] { return !driver_.payload_waiting() && driver_.outputs().prb.writer_state == 0; },
               "the payload to be taken after ");
  }
  if (response.op == 4 && response.len > 0) {
    step_until([&] { return !driver_.received.empty() && driver_.outputs().prb.reader_state == 0; },
               "the payload after ");
    result.data = std::move(driver_.received.front().data);
    driver_.received.pop_front();
  }
  return result;
}

template <ClockedEngine Engine>
void EngineDut<Engine>::set_fault(const std::string& id) {
  if constexpr (requires { driver_.engine().set_fault(id); }) {
    driver_.engine().set_fault(id);
  } else {
    throw DutError("'" + name_ + "' contains no model, so it has no fault '" + id + "'");
  }
}

}  // namespace tiptoe
