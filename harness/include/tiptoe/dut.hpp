// SPDX-License-Identifier: Apache-2.0
// The DUT contract: what a device must offer to be judged by the suite. Levels L0 (datagrams and time) and
// L1 (user calls) are methods; L2 (retire records) and L3 (pins) are optional views.
//
//   std::unique_ptr<tiptoe::Dut> dut = tiptoe::make_dut("lockstep", {});
//   dut->reset({});
//   auto lsn = dut->open_passive({.local_port = 80});
//   dut->inject(syn);                                  // a datagram towards the device, IPv4 header first
//   auto seg = dut->run_until_output(1'000'000);       // up to one second of device time
//
// The device owns the clock: time passes only inside inject / run_* / user calls. All times are microseconds of
// device time since reset.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "tiptoe/capabilities.hpp"

namespace tiptoe {

using Bytes = std::vector<std::uint8_t>;

/// One IPv4 datagram that crossed the device's network port.
struct Datagram {
  Bytes bytes{};              ///< IPv4 header first, no link header
  std::uint64_t time_us = 0;  ///< device time when its last octet crossed
  std::uint64_t cycle = 0;    ///< device clock cycle (0 for devices without one)
  bool to_device = false;     ///< direction
};

enum class State : std::uint8_t {
  closed,
  listen,
  syn_sent,
  syn_received,
  established,
  fin_wait_1,
  fin_wait_2,
  close_wait,
  closing,
  last_ack,
  time_wait,
  unknown = 15
};
const char* to_string(State) noexcept;  ///< RFC 9293 spelling: "SYN_RECEIVED"

enum class CallStatus : std::uint8_t {  ///< docs/microarchitecture.md section 9
  ok,
  no_connection,
  exists,
  no_resources,
  closing,
  remote_unspecified,
  invalid,
  would_block,
  aborted
};
const char* to_string(CallStatus) noexcept;

/// Opaque name of a listener or connection, valid until the device reports it closed.
struct Handle {
  std::uint32_t value = 0;
  friend bool operator==(const Handle&, const Handle&) = default;
};

struct OpenArgs {
  std::uint32_t local_ip = 0;  ///< host order; 0 = unspecified
  std::uint16_t local_port = 0;
  std::uint32_t remote_ip = 0;  ///< 0 = unspecified (passive open only)
  std::uint16_t remote_port = 0;
  unsigned backlog = 8;  ///< passive open
  bool nodelay = false;
  bool keepalive = false;
  std::optional<Handle> from_listener{};  ///< active open that converts a LISTEN connection
};

struct CallResult {
  CallStatus status = CallStatus::ok;
  Handle handle{};              ///< created or accepted connection
  std::uint32_t length = 0;     ///< octets granted (send)
  State state = State::closed;  ///< status
  std::uint32_t readable = 0;   ///< octets ready for receive
  std::uint32_t room = 0;       ///< octets that send would take
  Bytes data{};                 ///< receive
  explicit operator bool() const noexcept { return status == CallStatus::ok; }
};

/// Asynchronous indication (RFC 9293 3.9.1.8); bits as in docs/microarchitecture.md section 10.
struct Notification {
  Handle handle{};
  std::uint16_t flags = 0;
  std::uint64_t time_us = 0;
  enum : std::uint16_t {
    connected = 1,
    readable = 2,
    peer_fin = 4,
    space = 8,
    closed = 16,
    reset = 32,
    refused = 64,
    timeout = 128,
    soft = 256,
    accept = 512,
    urgent = 1024
  };
};

/// A device configuration: register name (section 12 of the micro-architecture) -> value. Devices that lack one of them
/// ignore nothing: they throw DutUnsupported with the name.
struct DutConfig {
  std::vector<std::pair<std::string, std::uint64_t>> settings{};
  std::uint64_t seed = 1;  ///< ISN key, ring of back-pressure etc.
};

/// One retired event of the device (L2). Members that a device need not know count only when their bit is in `fields`.
struct RetireRecord {
  /// Bits of `fields`.
  enum Field : std::uint32_t {
    has_reason = 1U << 0,
    has_state = 1U << 1,  ///< `state`, of the event's connection
    has_sent = 1U << 2,
    has_state_before = 1U << 3,
    has_tuple = 1U << 4,  ///< local_ip ... remote_port
    has_flags_out = 1U << 5,
    has_iss = 1U << 6,
    has_irs = 1U << 7,
    has_snd_una = 1U << 8,
    has_snd_nxt = 1U << 9,
    has_snd_wnd = 1U << 10,
    has_rcv_nxt = 1U << 11,
    has_rcv_wnd = 1U << 12,
    has_rto = 1U << 13,
  };

  std::uint32_t order = 0;  ///< gapless, from 0 after reset
  std::uint8_t kind = 0;    ///< 0 TMR 1 SEG 2 CMD 3 TXD 4 RXD 5 OUT
  std::uint64_t cycle = 0;
  std::uint64_t time_us = 0;
  std::optional<std::uint16_t> connection{};
  std::uint8_t reason = 0;
  State state = State::closed;  ///< after the event
  bool sent = false;
  std::uint32_t fields = has_reason | has_state | has_sent;
  State state_before = State::unknown;
  std::uint32_t local_ip = 0, remote_ip = 0;  ///< host order
  std::uint16_t local_port = 0, remote_port = 0;
  std::uint8_t flags_out = 0;  ///< of the segment that the event sent (FIN 1 ... CWR 128), 0: none
  std::uint32_t iss = 0, irs = 0, snd_una = 0, snd_nxt = 0, snd_wnd = 0, rcv_nxt = 0, rcv_wnd = 0;  ///< afterwards
  std::uint32_t rto = 0;                                                                            ///< microseconds
  std::vector<std::uint32_t> record{};  ///< the connection afterwards, packed (registers.hpp); empty: not told
};

/// The adapter failed, or was used wrongly: nothing that the device could be blamed for (verdict `error`).
class DutError : public std::runtime_error {
  using std::runtime_error::runtime_error;
};
/// The device lacks that: what() says what (verdict `inapplicable`).
class DutUnsupported : public DutError {
  using DutError::DutError;
};
/// The device answered something that no device may answer: a length beyond the buffer, time that goes back, a number
/// that stands for nothing (verdict `fail`).
class DutNonsense : public DutError {
  using DutError::DutError;
};
/// The device stopped answering within its stated bounds (a verdict, not an accident of the tester).
class DutHang : public DutError {
  using DutError::DutError;
};
/// Lockstep found model and RTL apart; what() is the whole story.
class Divergence : public DutError {
  using DutError::DutError;
};

/// A device. What is not pure may be left out: those functions throw DutUnsupported, and capabilities() should leave
/// their calls out.
class Dut {
 public:
  virtual ~Dut() = default;
  virtual std::string name() const = 0;                       ///< "model", "rtl", "lockstep"
  virtual std::string description() const { return name(); }  ///< with parameters, one line
  virtual const Capabilities& capabilities() const {          ///< what it has; everything unless overridden
    static const Capabilities everything{.name = "engine", .description = "the engine and its model"};
    return everything;
  }

  // ---- L0: datagrams and time
  virtual void reset(const DutConfig&) = 0;                         ///< as after power-on; time restarts at 0
  virtual void inject(std::span<const std::uint8_t> datagram) = 0;  ///< accepted by the device when this returns
  virtual std::optional<Datagram> poll_output() = 0;                ///< oldest datagram not yet taken, no time passes
  /// Lets the device finish everything that is due now: returns when it is quiescent (or throws DutHang).
  virtual void settle() { advance(0); }
  /// Runs until a datagram is available (returned) or `us` have passed.
  virtual std::optional<Datagram> run_until_output(std::uint64_t us) = 0;
  /// Runs for exactly `us`; outputs queue up for poll_output. 0: what is due now.
  virtual void advance(std::uint64_t us) = 0;
  virtual std::uint64_t now_us() const = 0;
  virtual std::uint64_t cycles() const { return 0; }  ///< clock cycles since reset (0 when meaningless)

  // ---- L1: user calls (RFC 9293 3.9.1). They return when the device has answered.
  virtual CallResult open_passive(const OpenArgs&) { lacks("OPEN passive (listen)"); }
  virtual CallResult open_active(const OpenArgs&) { lacks("OPEN active (open)"); }
  virtual CallResult accept(Handle) { lacks("ACCEPT"); }  ///< of a listener
  /// May take fewer octets: result.length.
  virtual CallResult send(Handle, std::span<const std::uint8_t>) { lacks("SEND"); }
  virtual CallResult receive(Handle, std::uint32_t /*max*/) { lacks("RECEIVE"); }
  virtual CallResult close(Handle, bool /*half*/ = false) { lacks("CLOSE"); }
  virtual CallResult abort(Handle) { lacks("ABORT"); }
  virtual CallResult status(Handle) { lacks("STATUS"); }
  virtual CallResult set_options(Handle, bool /*nodelay*/, bool /*keepalive*/) { lacks("options of a connection"); }
  virtual std::optional<Notification> poll_notification() { return std::nullopt; }

  // ---- settings and counters by name (micro-architecture section 12)
  virtual void set(const std::string& name, std::uint64_t) { lacks("setting " + name); }
  virtual std::uint64_t counter(const std::string& name) { lacks("counter " + name); }

  // ---- L2
  virtual bool has_retire_records() const { return false; }
  virtual void set_retire_recording(bool) {}
  virtual std::vector<RetireRecord> take_retire_records() { return {}; }

  /// Arms one seeded fault of the model (id as in tiptoe/tcp/faults.hpp); devices without a model throw DutError.
  virtual void set_fault(const std::string& id) { throw DutError(name() + " has no model, so it has no fault " + id); }

 private:
  [[noreturn]] static void lacks(const std::string& what) { throw DutUnsupported("the device has no " + what); }
};

/// Parameters of a device that is built in. Widths etc. must be one of the verilated sets for "rtl" and "lockstep".
struct DutOptions {
  unsigned data_w = 64;
  unsigned conns = 64;
  unsigned listeners = 8;
  unsigned tx_buf_log2 = 14;
  unsigned rx_buf_log2 = 14;
  unsigned timer_scan = 4;
  bool random_stalls = false;    ///< seeded back-pressure on every channel
  std::string waves{};           ///< FST file ("" = none); needs the trace build
  std::uint64_t waves_from = 0;  ///< first and last cycle since reset that go into it
  std::uint64_t waves_to = ~0ULL;
};

/// "model", "rtl", "lockstep". Throws DutError with what is available when the name or the set is unknown.
std::unique_ptr<Dut> make_dut(const std::string& kind, const DutOptions&);

/// Parameter sets for which verilated engines are linked in.
std::vector<DutOptions> rtl_parameter_sets();

}  // namespace tiptoe
