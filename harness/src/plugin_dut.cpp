// SPDX-License-Identifier: Apache-2.0
// The DUT contract over the C ABI of tiptoe/dut_abi.h.
#include <dlfcn.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstring>
#include <utility>

#include "tiptoe/dut_abi.h"
#include "tiptoe/plugin.hpp"

namespace tiptoe {
namespace {

static_assert(static_cast<unsigned>(TIPTOE_TIME_WAIT) == static_cast<unsigned>(State::time_wait));
static_assert(static_cast<unsigned>(TIPTOE_STATE_UNKNOWN) == static_cast<unsigned>(State::unknown));
static_assert(static_cast<unsigned>(TIPTOE_CALL_ABORTED) == static_cast<unsigned>(CallStatus::aborted));
static_assert(static_cast<unsigned>(TIPTOE_HAS_RTO) == RetireRecord::has_rto);
static_assert(static_cast<unsigned>(TIPTOE_NOTE_URGENT) == Notification::urgent);

/// The shared object. It stays loaded: what a device leaves behind (threads, thread-local objects, handlers) may still
/// be running its code.
class Library {
 public:
  /// A bare file name is one in this directory, not one of the loader's search path.
  explicit Library(const std::string& path) : path_(path.find('/') == std::string::npos ? "./" + path : path) {
    handle_ = ::dlopen(path_.c_str(), RTLD_NOW | RTLD_LOCAL);
    if (handle_ == nullptr) {
      const std::string why = ::dlerror();
      const bool link = why.find("undefined symbol") != std::string::npos;
      refuse("cannot be loaded: " + why + (link ? "; link the library that has it" : ""));
    }
  }

  const tiptoe_dut_api* entry() const {
    void* symbol = ::dlsym(handle_, TIPTOE_DUT_ENTRY);
    if (symbol == nullptr) {
      refuse("does not export " TIPTOE_DUT_ENTRY "(): it is no device, or was compiled without TIPTOE_DUT_EXPORT");
    }
    tiptoe_dut_entry_fn function = nullptr;  // the way POSIX blesses from an object to a function pointer
    static_assert(sizeof function == sizeof symbol);
    std::memcpy(&function, &symbol, sizeof function);
    return function();
  }
  [[noreturn]] void refuse(const std::string& why) const { throw DutError("the device " + path_ + " " + why + "."); }

 private:
  std::string path_;
  void* handle_ = nullptr;
};

/// The table, complete to our size: what an older device does not know is NULL.
tiptoe_dut_api checked_table(const Library& library) {
  const tiptoe_dut_api* theirs = library.entry();
  if (theirs == nullptr) library.refuse("gives no table: " TIPTOE_DUT_ENTRY "() returned NULL");
  if (theirs->abi_major != TIPTOE_DUT_ABI_MAJOR) {
    library.refuse("speaks version " + std::to_string(theirs->abi_major) + "." + std::to_string(theirs->abi_minor) +
                   " of the DUT contract, this tiptoe speaks version " + std::to_string(TIPTOE_DUT_ABI_MAJOR) + "." +
                   std::to_string(TIPTOE_DUT_ABI_MINOR) + ": compile it with this tiptoe's dut_abi.h");
  }
  constexpr std::size_t least = offsetof(tiptoe_dut_api, description);  // up to the end of L0
  if (theirs->size < least) {
    library.refuse("has a table of " + std::to_string(theirs->size) + " octets, level L0 alone has " +
                   std::to_string(least) + ": set .size = sizeof(tiptoe_dut_api)");
  }
  tiptoe_dut_api api{};
  std::memcpy(&api, theirs, std::min<std::size_t>(theirs->size, sizeof api));

  std::string missing;
  const auto need = [&missing](const char* name, bool there) {
    if (!there) missing += (missing.empty() ? "" : ", ") + std::string(name);
  };
  need("name", api.name != nullptr);
  need("create", api.create != nullptr);
  need("destroy", api.destroy != nullptr);
  need("last_error", api.last_error != nullptr);
  need("reset", api.reset != nullptr);
  need("inject", api.inject != nullptr);
  need("poll_output", api.poll_output != nullptr);
  need("run", api.run != nullptr);
  need("now_us", api.now_us != nullptr);
  if (!missing.empty()) library.refuse("leaves out what every device must have (level L0): " + missing);
  return api;
}

/// Calls that the table lacks go; a capability file that promised one of them is wrong.
void restrict(Capabilities& c, const tiptoe_dut_api& api, const Library& library) {
  std::string missing;
  const auto has = [&](const char* call, const char* entry, bool there) {
    if (there || c.calls.erase(call) == 0 || !c.calls_promised) return;
    missing += (missing.empty() ? "" : ", ") + std::string(call) + " (" + entry + ")";
  };
  has("listen", "open_passive", api.open_passive != nullptr);
  has("open", "open_active", api.open_active != nullptr);
  has("accept", "accept", api.accept != nullptr);
  has("send", "send", api.send != nullptr);
  has("receive", "receive", api.receive != nullptr);
  has("close", "close", api.close != nullptr);
  has("half_close", "close", api.close != nullptr);
  has("abort", "abort", api.abort != nullptr);
  has("status", "status", api.status != nullptr);
  has("state", "status", api.status != nullptr);
  has("set_options", "set_options", api.set_options != nullptr);
  has("notifications", "poll_notification", api.poll_notification != nullptr);
  if (!missing.empty()) {
    library.refuse("lacks calls that its capability file promises under `calls`: " + missing +
                   "; put them into the table or take them out of the file");
  }
  if (api.counter == nullptr) {
    if (!c.counters.empty()) {
      library.refuse("lacks the function `counter`, but its capability file promises " + *c.counters.begin() +
                     " under `counters`");
    }
    c.all_counters = false;
  }
  if (c.name.empty()) c.name = api.name;
}

class PluginDut final : public Dut {
 public:
  PluginDut(const std::string& path, Capabilities capabilities, const std::string& arguments)
      : library_(path), api_(checked_table(library_)), capabilities_(std::move(capabilities)) {
    restrict(capabilities_, api_, library_);
    std::array<char, 1024> error{};
    dut_ = api_.create(arguments.c_str(), error.data(), error.size());
    if (dut_ == nullptr) {
      error.back() = '\0';
      library_.refuse("could not be made: " + (error[0] != '\0' ? std::string(error.data())
                                                                : std::string("create() returned NULL, no reason")));
    }
    buffer_.resize(TIPTOE_DUT_MAX_FRAME);
  }
  PluginDut(const PluginDut&) = delete;
  PluginDut& operator=(const PluginDut&) = delete;
  ~PluginDut() override { api_.destroy(dut_); }

  std::string name() const override { return capabilities_.name; }
  std::string description() const override {
    const char* text = api_.description != nullptr ? api_.description(dut_) : nullptr;
    if (text != nullptr) return text;
    return capabilities_.description.empty() ? capabilities_.name : capabilities_.description;
  }
  const Capabilities& capabilities() const override { return capabilities_; }

  // ---- L0
  void reset(const DutConfig& config) override {
    std::vector<tiptoe_setting> settings;
    settings.reserve(config.settings.size());
    for (const auto& [name, value] : config.settings) settings.push_back({name.c_str(), value});
    done("reset", api_.reset(dut_, settings.data(), settings.size(), config.seed));
  }
  void inject(std::span<const std::uint8_t> datagram) override {
    done("inject", api_.inject(dut_, datagram.data(), datagram.size()));
  }
  std::optional<Datagram> poll_output() override {
    tiptoe_output out{};
    if (!some("poll_output", api_.poll_output(dut_, buffer_.data(), buffer_.size(), &out))) return std::nullopt;
    if (out.length > buffer_.size()) {
      throw DutNonsense("a datagram of " + std::to_string(out.length) + " octets in a buffer of " +
                        std::to_string(buffer_.size()));
    }
    return Datagram{.bytes = Bytes(buffer_.begin(), buffer_.begin() + out.length),
                    .time_us = out.time_us,
                    .cycle = out.cycle,
                    .to_device = false};
  }
  void settle() override {
    if (api_.settle == nullptr) return run(now_us(), false);
    done("settle", api_.settle(dut_));
  }
  std::optional<Datagram> run_until_output(std::uint64_t us) override {
    run(now_us() + us, true);
    return poll_output();
  }
  void advance(std::uint64_t us) override { run(now_us() + us, false); }
  std::uint64_t now_us() const override { return api_.now_us(dut_); }
  std::uint64_t cycles() const override { return api_.cycles != nullptr ? api_.cycles(dut_) : 0; }

  // ---- L1
  CallResult open_passive(const OpenArgs& a) override {
    const tiptoe_open_args args = open_args(a);
    return call("open_passive", api_.open_passive, &args);
  }
  CallResult open_active(const OpenArgs& a) override {
    const tiptoe_open_args args = open_args(a);
    return call("open_active", api_.open_active, &args);
  }
  CallResult accept(Handle h) override { return call("accept", api_.accept, h.value); }
  CallResult send(Handle h, std::span<const std::uint8_t> data) override {
    return call("send", api_.send, h.value, data.data(), data.size());
  }
  CallResult receive(Handle h, std::uint32_t max) override {
    Bytes data(max);
    CallResult r = call("receive", api_.receive, h.value, data.data(), std::size_t{max});
    if (r.length > max) {
      throw DutNonsense("RECEIVE of " + std::to_string(max) + " octets gave " + std::to_string(r.length));
    }
    data.resize(r ? r.length : 0);
    r.data = std::move(data);
    return r;
  }
  CallResult close(Handle h, bool half) override { return call("close", api_.close, h.value, half ? 1 : 0); }
  CallResult abort(Handle h) override { return call("abort", api_.abort, h.value); }
  CallResult status(Handle h) override {
    CallResult r = call("status", api_.status, h.value);
    if (!capabilities_.can("state")) r.state = State::unknown;
    return r;
  }
  CallResult set_options(Handle h, bool nodelay, bool keepalive) override {
    return call("set_options", api_.set_options, h.value, nodelay ? 1 : 0, keepalive ? 1 : 0);
  }
  std::optional<Notification> poll_notification() override {
    if (api_.poll_notification == nullptr) return std::nullopt;
    tiptoe_notification n{};
    if (!some("poll_notification", api_.poll_notification(dut_, &n))) return std::nullopt;
    if (n.flags > 0xFFFF) throw DutNonsense("an indication with flags " + std::to_string(n.flags));
    return Notification{Handle{n.handle}, static_cast<std::uint16_t>(n.flags), n.time_us};
  }

  // ---- settings and counters
  void set(const std::string& name, std::uint64_t value) override {
    if (api_.set == nullptr) throw DutUnsupported("the device cannot change a setting (" + name + ") while it runs");
    done("set", api_.set(dut_, name.c_str(), value));
  }
  std::uint64_t counter(const std::string& name) override {
    if (api_.counter == nullptr) throw DutUnsupported("the device has no counters (" + name + ")");
    std::uint64_t value = 0;
    done("counter", api_.counter(dut_, name.c_str(), &value));
    return value;
  }

  // ---- L2
  bool has_retire_records() const override { return api_.set_recording != nullptr && api_.poll_record != nullptr; }
  void set_retire_recording(bool on) override {
    if (has_retire_records()) done("set_recording", api_.set_recording(dut_, on ? 1 : 0));
  }
  std::vector<RetireRecord> take_retire_records() override {
    constexpr std::size_t most = 10'000'000;
    std::vector<RetireRecord> all;
    tiptoe_record r{};
    while (has_retire_records() && some("poll_record", api_.poll_record(dut_, &r))) {
      if (all.size() == most) throw DutNonsense("more than " + std::to_string(most) + " records at one time");
      RetireRecord to;
      to.cycle = r.cycle;
      to.time_us = r.time_us;
      to.order = r.order;
      to.fields = r.fields;
      to.kind = r.kind;
      to.reason = r.reason;
      to.flags_out = r.flags_out;
      to.local_ip = r.local_ip;
      to.remote_ip = r.remote_ip;
      to.local_port = r.local_port;
      to.remote_port = r.remote_port;
      to.iss = r.iss;
      to.irs = r.irs;
      to.snd_una = r.snd_una;
      to.snd_nxt = r.snd_nxt;
      to.snd_wnd = r.snd_wnd;
      to.rcv_nxt = r.rcv_nxt;
      to.rcv_wnd = r.rcv_wnd;
      to.rto = r.rto;
      if (r.connection != 0xFFFF'FFFFU) to.connection = static_cast<std::uint16_t>(r.connection);
      to.state = static_cast<State>(r.state);
      to.state_before = static_cast<State>(r.state_before);
      to.sent = r.sent != 0;
      all.push_back(to);
    }
    return all;
  }

 private:
  static tiptoe_open_args open_args(const OpenArgs& a) {
    tiptoe_open_args out{};
    out.size = sizeof out;
    out.local_ip = a.local_ip;
    out.remote_ip = a.remote_ip;
    out.local_port = a.local_port;
    out.remote_port = a.remote_port;
    out.backlog = a.backlog;
    out.from_listener = a.from_listener.value_or(Handle{}).value;
    out.has_from_listener = a.from_listener ? 1 : 0;
    out.nodelay = a.nodelay ? 1 : 0;
    out.keepalive = a.keepalive ? 1 : 0;
    return out;
  }

  void run(std::uint64_t until, bool stop_at_output) { done("run", api_.run(dut_, until, stop_at_output ? 1 : 0)); }

  /// True for OK, false for NONE; everything else throws.
  bool some(const char* function, tiptoe_rc rc) const {
    const auto value = static_cast<unsigned>(rc);  // it may be any number
    if (value == TIPTOE_OK) return true;
    if (value == TIPTOE_NONE) return false;
    const char* text = api_.last_error(dut_);
    const std::string why =
        std::string(function) + "(): " + (text != nullptr && *text != '\0' ? text : "no reason given by last_error()");
    switch (value) {
      case TIPTOE_UNSUPPORTED: throw DutUnsupported(why);
      case TIPTOE_HANG: throw DutHang(why);
      case TIPTOE_ERROR: throw DutError(why);
      default:
        throw DutNonsense(std::string(function) + "() returned " + std::to_string(value) + "; a tiptoe_rc is 0 to 4");
    }
  }
  void done(const char* function, tiptoe_rc rc) const {
    if (!some(function, rc)) throw DutNonsense(std::string(function) + "() returned TIPTOE_NONE, which it may not");
  }

  template <class Function, class... Arguments>
  CallResult call(const char* name, Function function, Arguments... arguments) {
    if (function == nullptr) throw DutUnsupported(std::string("the device has no call `") + name + "`");
    tiptoe_call_result r{};
    done(name, function(dut_, arguments..., &r));
    if (r.status > 255 || r.state > 255) {
      throw DutNonsense(std::string(name) + "() gave status " + std::to_string(r.status) + " and state " +
                        std::to_string(r.state) + "; there are statuses 0 to 8 and states 0 to 10 and 15");
    }
    return {.status = static_cast<CallStatus>(r.status),
            .handle = Handle{r.handle},
            .length = r.length,
            .state = static_cast<State>(r.state),
            .readable = r.readable,
            .room = r.room};
  }

  Library library_;
  tiptoe_dut_api api_;
  Capabilities capabilities_;
  tiptoe_dut* dut_ = nullptr;
  Bytes buffer_;
};

}  // namespace

std::unique_ptr<Dut> load_dut(const std::string& path, Capabilities capabilities, const std::string& arguments) {
  auto dut = check_answers(std::make_unique<PluginDut>(path, std::move(capabilities), arguments));
  return dut->capabilities().ethernet ? on_ethernet(std::move(dut)) : std::move(dut);
}

}  // namespace tiptoe
