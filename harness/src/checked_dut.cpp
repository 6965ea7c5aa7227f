// SPDX-License-Identifier: Apache-2.0
// A device whose answers are checked before anybody believes them.
#include <utility>

#include "tiptoe/dut_abi.h"
#include "tiptoe/plugin.hpp"

namespace tiptoe {
namespace {

constexpr std::uint64_t kEndOfTime = std::uint64_t{1} << 62;  // no device lives that long: 146 000 years
constexpr std::uint32_t kNobody = 0xFFFF'FFFF;
constexpr unsigned kAllNotes = 2 * TIPTOE_NOTE_URGENT - 1;

std::string number(std::uint64_t n) { return std::to_string(n); }
std::string us(std::uint64_t n) { return number(n) + " us"; }

class CheckedDut final : public Dut {
 public:
  explicit CheckedDut(std::unique_ptr<Dut> device) : inner_(std::move(device)) {}

  std::string name() const override { return inner_->name(); }
  std::string description() const override { return inner_->description(); }
  const Capabilities& capabilities() const override { return inner_->capabilities(); }

  void reset(const DutConfig& config) override {
    inner_->reset(config);
    now_ = cycle_ = output_time_ = output_cycle_ = 0;
    still();
    look();
  }
  void inject(std::span<const std::uint8_t> datagram) override {
    inner_->inject(datagram);
    look();
  }
  std::optional<Datagram> poll_output() override { return output(inner_->poll_output()); }
  void settle() override {
    inner_->settle();
    look();
  }
  std::optional<Datagram> run_until_output(std::uint64_t span) override {
    const std::uint64_t until = now_ + span;
    std::optional<Datagram> got = output(inner_->run_until_output(span));
    if (!got && now_ < until) nonsense("it was told to run until " + us(until) + ", and came back at " + us(now_));
    return got;
  }
  void advance(std::uint64_t span) override {
    const std::uint64_t until = now_ + span;
    inner_->advance(span);
    look();
    if (now_ < until) nonsense("it was told to run until " + us(until) + ", and came back at " + us(now_));
  }
  std::uint64_t now_us() const override {
    look();
    return now_;
  }
  std::uint64_t cycles() const override {
    look();
    return cycle_;
  }

  CallResult open_passive(const OpenArgs& a) override {
    has("listen");
    return opened("OPEN passive", inner_->open_passive(a));
  }
  CallResult open_active(const OpenArgs& a) override {
    has("open");
    return opened("OPEN active", inner_->open_active(a));
  }
  CallResult accept(Handle h) override {
    has("accept");
    return opened("ACCEPT", inner_->accept(h));
  }
  CallResult send(Handle h, std::span<const std::uint8_t> data) override {
    has("send");
    CallResult r = answered("SEND", inner_->send(h, data));
    if (r && r.length > data.size()) {
      nonsense("SEND of " + number(data.size()) + " octets took " + number(r.length));
    }
    return r;
  }
  CallResult receive(Handle h, std::uint32_t max) override {
    has("receive");
    CallResult r = answered("RECEIVE", inner_->receive(h, max));
    if (r.data.size() > max) nonsense("RECEIVE of " + number(max) + " octets gave " + number(r.data.size()));
    return r;
  }
  CallResult close(Handle h, bool half) override {
    has(half ? "half_close" : "close");
    return answered("CLOSE", inner_->close(h, half));
  }
  CallResult abort(Handle h) override {
    has("abort");
    return answered("ABORT", inner_->abort(h));
  }
  CallResult status(Handle h) override {
    has("status");
    return answered("STATUS", inner_->status(h));
  }
  CallResult set_options(Handle h, bool nodelay, bool keepalive) override {
    has("set_options");
    return answered("the options of a connection", inner_->set_options(h, nodelay, keepalive));
  }
  std::optional<Notification> poll_notification() override {
    if (!capabilities().can("notifications")) return std::nullopt;
    std::optional<Notification> n = inner_->poll_notification();
    look();
    if (!n) return n;
    count(notes_, "indications to the user");
    if (n->handle.value == kNobody) nonsense("an indication for connection 0xFFFFFFFF, which stands for none");
    if ((n->flags & ~kAllNotes) != 0) nonsense("an indication with flags " + number(n->flags));
    if (n->time_us > now_) nonsense("an indication of " + us(n->time_us) + ", it is " + us(now_));
    return n;
  }

  void set(const std::string& name, std::uint64_t value) override {
    inner_->set(name, value);
    look();
  }
  std::uint64_t counter(const std::string& name) override {
    const std::uint64_t value = inner_->counter(name);
    look();
    return value;
  }

  bool has_retire_records() const override { return inner_->has_retire_records(); }
  void set_retire_recording(bool on) override { inner_->set_retire_recording(on); }
  std::vector<RetireRecord> take_retire_records() override {
    std::vector<RetireRecord> all = inner_->take_retire_records();
    for (const RetireRecord& r : all) {
      if (r.kind > 5) nonsense("a record of kind " + number(r.kind) + "; kinds are 0 to 5");
      check_state(r.state, "a record");
      check_state(r.state_before, "a record");
    }
    return all;
  }
  void set_fault(const std::string& id) override { inner_->set_fault(id); }

 private:
  /// What the capability file leaves out is not used, even where the adapter has a function for it.
  void has(const char* call) const {
    if (!capabilities().can(call)) {
      throw DutUnsupported(std::string("the device has no `") + call + "` (capability calls)");
    }
  }

  [[noreturn]] static void nonsense(const std::string& what) { throw DutNonsense(what); }

  /// Its time goes forwards only.
  void look() const {
    const std::uint64_t now = inner_->now_us();
    const std::uint64_t cycle = inner_->cycles();
    if (now < now_) nonsense("its time went back from " + us(now_) + " to " + us(now));
    if (now > kEndOfTime) nonsense("it says that " + us(now) + " have passed since reset");
    if (cycle < cycle_) nonsense("its cycle counter went back from " + number(cycle_) + " to " + number(cycle));
    if (now != now_) still();
    now_ = now;
    cycle_ = cycle;
  }
  void still() const { outputs_ = notes_ = 0; }
  static void count(unsigned& n, const char* what) {
    if (++n > kFlood) nonsense("more than " + number(kFlood) + " " + what + " at one time");
  }

  std::optional<Datagram> output(std::optional<Datagram> d) {
    look();
    if (!d) return d;
    count(outputs_, "datagrams");
    if (d->bytes.empty()) nonsense("a datagram of no octets");
    if (d->bytes.size() > TIPTOE_DUT_MAX_FRAME) {
      nonsense("a datagram of " + number(d->bytes.size()) + " octets, at most " + number(TIPTOE_DUT_MAX_FRAME) +
               " can be");
    }
    if (d->time_us > now_) nonsense("a datagram that left at " + us(d->time_us) + ", it is " + us(now_));
    if (d->time_us < output_time_) {
      nonsense("a datagram that left at " + us(d->time_us) + " comes after one that left at " + us(output_time_));
    }
    if (d->cycle < output_cycle_ && d->cycle != 0) {
      nonsense("a datagram of cycle " + number(d->cycle) + " comes after one of cycle " + number(output_cycle_));
    }
    output_time_ = d->time_us;
    output_cycle_ = d->cycle;
    return d;
  }

  static void check_state(State state, const std::string& where) {
    if (state > State::time_wait && state != State::unknown) {
      nonsense(where + " tells state " + number(static_cast<unsigned>(state)) + ", which is none of RFC 9293 3.3.2");
    }
  }
  CallResult answered(const char* call, CallResult r) {
    look();
    if (r.status > CallStatus::aborted) {
      nonsense(std::string(call) + " was answered with status " + number(static_cast<unsigned>(r.status)) +
               "; there are 0 to 8");
    }
    check_state(r.state, call);
    return r;
  }
  CallResult opened(const char* call, CallResult r) {
    r = answered(call, std::move(r));
    if (r && r.handle.value == kNobody) {
      nonsense(std::string(call) + " gave handle 0xFFFFFFFF, which stands for no connection");
    }
    return r;
  }

  std::unique_ptr<Dut> inner_;
  mutable std::uint64_t now_ = 0;
  mutable std::uint64_t cycle_ = 0;
  std::uint64_t output_time_ = 0, output_cycle_ = 0;
  mutable unsigned outputs_ = 0, notes_ = 0;  ///< since time has moved
};

}  // namespace

std::unique_ptr<Dut> check_answers(std::unique_ptr<Dut> device) {
  return std::make_unique<CheckedDut>(std::move(device));
}

}  // namespace tiptoe
