// SPDX-License-Identifier: Apache-2.0
// The golden model with an application on top of it and nothing else to be seen: level L0, as a board on a desk that
// serves a port or opens connections by itself. Arguments, words:
//
//   echo, discard     the service on port 5000 sends back what comes, or throws it away
//   deaf              it reads nothing
//   open              it does not close when the peer has closed
//   client            connects to port 6000 of 192.168.1.1 (.2 with `other`)
//   fault=ID          with this seeded fault of the model
//
// Its address is 192.168.1.50 for good.
#include <algorithm>
#include <map>
#include <set>
#include <sstream>

#include "model_engine.hpp"
#include "tiptoe/dut_export.hpp"

namespace {

using namespace tiptoe;

constexpr std::uint32_t kAddress = 0xC0A80132;  // 192.168.1.50
constexpr std::uint32_t kPeer = 0xC0A80101;     // 192.168.1.1
constexpr std::uint16_t kServicePort = 5000, kClientPort = 6000;

class BlackBox final : public Dut {
 public:
  explicit BlackBox(const std::string& arguments) : model_("model", DutOptions{}, DutOptions{}) {
    std::istringstream words(arguments);
    for (std::string word; words >> word;) {
      if (word.starts_with("fault=")) {
        model_.set_fault(word.substr(6));
      } else if (!std::set<std::string>{"echo", "discard", "deaf", "open", "client", "other"}.contains(word)) {
        throw DutError("a black box knows no word '" + word + "'");
      }
      words_.insert(word);
    }
  }

  std::string name() const override { return "black box"; }
  void reset(const DutConfig& config) override {
    DutConfig own = config;
    std::erase_if(own.settings, [](const auto& setting) { return setting.first.starts_with("LOCAL_IP"); });
    own.settings.emplace_back("LOCAL_IP0", kAddress);
    model_.reset(own);
    connections_.clear();
    listener_.reset();
    if (is("client")) {
      const CallResult r = model_.open_active(
          {.local_port = 49'200, .remote_ip = is("other") ? kPeer + 1 : kPeer, .remote_port = kClientPort});
      if (r) connections_.try_emplace(r.handle.value);
    } else {
      listener_ = model_.open_passive({.local_port = kServicePort}).handle;
    }
    work();
  }
  void inject(std::span<const std::uint8_t> datagram) override {
    model_.inject(datagram);
    work();
  }
  std::optional<Datagram> poll_output() override { return model_.poll_output(); }
  void settle() override { work(); }
  std::optional<Datagram> run_until_output(std::uint64_t us) override {
    std::optional<Datagram> out = model_.run_until_output(us);
    work();
    return out;
  }
  void advance(std::uint64_t us) override {
    model_.advance(us);
    work();
  }
  std::uint64_t now_us() const override { return model_.now_us(); }
  std::uint64_t cycles() const override { return model_.cycles(); }

 private:
  struct Connection {
    Bytes to_send{};
    bool peer_closed = false, closed = false;
  };

  bool is(const char* word) const { return words_.contains(word); }

  /// The application: whatever there is to do, at once.
  void work() {
    model_.settle();
    bool again = true;
    while (again) {
      again = false;
      while (const auto n = model_.poll_notification()) {
        again = true;
        if ((n->flags & Notification::accept) != 0) take_new();
        Connection& c = connections_[n->handle.value];
        if ((n->flags & Notification::peer_fin) != 0) c.peer_closed = true;
        if ((n->flags & Notification::closed) != 0) connections_.erase(n->handle.value);
      }
      for (auto& [handle, c] : connections_) serve(Handle{handle}, c);
      if (again) model_.settle();
    }
  }
  void take_new() {
    while (const CallResult r = model_.accept(*listener_)) {
      Connection& c = connections_[r.handle.value];
      c.peer_closed = model_.status(r.handle).state == State::close_wait;
    }
  }
  void serve(Handle h, Connection& c) {
    if (h == listener_) return;
    if (!is("deaf")) {
      while (c.to_send.size() < 65'536) {
        const CallResult r = model_.receive(h, 65'535);
        if (!r || r.data.empty()) break;
        if (is("echo")) c.to_send.insert(c.to_send.end(), r.data.begin(), r.data.end());
      }
    }
    while (!c.to_send.empty()) {
      const CallResult r = model_.send(h, c.to_send);
      if (!r || r.length == 0) break;
      c.to_send.erase(c.to_send.begin(), c.to_send.begin() + r.length);
    }
    if (c.peer_closed && !c.closed && c.to_send.empty() && !is("open")) {
      c.closed = true;
      static_cast<void>(model_.close(h, false));
    }
    model_.settle();
  }

  EngineDut<ModelEngine> model_;
  std::set<std::string> words_{};
  std::map<std::uint32_t, Connection> connections_{};
  std::optional<Handle> listener_{};
};

std::unique_ptr<Dut> make(const std::string& arguments) { return std::make_unique<BlackBox>(arguments); }

}  // namespace

TIPTOE_EXPORT_DUT_L0("black box", make)
