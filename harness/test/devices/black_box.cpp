// SPDX-License-Identifier: Apache-2.0
// The golden model with an application on top of it and nothing else to be seen: level L0, as a board on a desk that
// serves a port or opens connections by itself. Arguments, words:
//
//   echo, discard     the service on port 5000 sends back what comes, or throws it away
//   chargen           it sends text of its own as soon as somebody has connected, as much as the peer takes
//   deaf              it reads nothing
//   open              it does not close when the peer has closed
//   client            connects to port 6000 of 192.168.1.1 (.2 with `other`)
//   fault=ID          with this seeded fault of the model
//   ethernet          frames instead of datagrams, with ARP
//   no-arp, astray    … but it answers no ARP; or it sends to an Ethernet address that nobody has
//
// Its address is 192.168.1.50 for good.
#include <algorithm>
#include <array>
#include <deque>
#include <map>
#include <set>
#include <sstream>
#include <utility>

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
      } else if (!std::set<std::string>{"echo", "discard", "chargen", "deaf", "open", "client", "other", "ethernet",
                                        "no-arp", "astray"}
                      .contains(word)) {
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
    frames_.clear();
    last_us_ = last_cycle_ = 0;
    waiting_.clear();
    neighbours_.clear();
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
    if (is("ethernet")) {
      take_frame(datagram);
    } else {
      model_.inject(datagram);
    }
    work();
  }
  std::optional<Datagram> poll_output() override {
    if (!is("ethernet")) return model_.poll_output();
    while (auto out = model_.poll_output()) give_frame(std::move(*out));
    return first_frame();
  }
  void settle() override { work(); }
  std::optional<Datagram> run_until_output(std::uint64_t us) override {
    std::optional<Datagram> out;
    if (is("ethernet")) {
      if (auto waiting = poll_output()) return waiting;
      if (auto d = model_.run_until_output(us)) give_frame(std::move(*d));
      out = first_frame();
    } else {
      out = model_.run_until_output(us);
    }
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

  // ---- Ethernet: one station, which asks before it sends
  static constexpr std::array<std::uint8_t, 6> kMac = {0x02, 0, 0, 0, 0, 0x50};

  static std::uint32_t number(const Bytes& ip) {
    return std::uint32_t{ip[0]} << 24 | std::uint32_t{ip[1]} << 16 | std::uint32_t{ip[2]} << 8 | ip[3];
  }
  void take_frame(std::span<const std::uint8_t> f) {
    if (f.size() < 60 || (f[0] != 0xFF && !std::equal(kMac.begin(), kMac.end(), f.begin()))) {
      throw DutError("a frame that is too short, or not for this station");
    }
    const std::span<const std::uint8_t> content = f.subspan(14);
    if (f[12] == 8 && f[13] == 0) {
      const std::size_t length = std::size_t{content[2]} * 256 + content[3];
      model_.inject(f.size() == 60 ? content.first(std::clamp<std::size_t>(length, 20, 46)) : content);
      return;
    }
    if (f[13] != 6) throw DutError("neither IPv4 nor ARP");
    const Bytes sender(content.begin() + 8, content.begin() + 14), who(content.begin() + 14, content.begin() + 18);
    neighbours_[number(who)] = sender;
    if (content[7] == 1 && !is("no-arp")) send_arp(2, sender, who);
    for (Datagram& d : std::exchange(waiting_, {})) give_frame(std::move(d));
  }
  void give_frame(Datagram d) {
    const Bytes to(d.bytes.begin() + 16, d.bytes.begin() + 20);
    if (!neighbours_.contains(number(to))) {
      waiting_.push_back(std::move(d));
      return send_arp(1, Bytes(6, 0), to);
    }
    Bytes mac = neighbours_[number(to)];
    if (is("astray")) mac[5] ^= 1;
    put_frame(mac, 0, d.bytes, d.time_us, d.cycle);
  }
  void send_arp(std::uint8_t operation, const Bytes& mac, const Bytes& ip) {
    Bytes a = {0, 1, 8, 0, 6, 4, 0, operation};
    a.insert(a.end(), kMac.begin(), kMac.end());
    a.insert(a.end(), {0xC0, 0xA8, 0x01, 0x32});
    a.insert(a.end(), mac.begin(), mac.end());
    a.insert(a.end(), ip.begin(), ip.end());
    put_frame(operation == 1 ? Bytes(6, 0xFF) : mac, 6, a, model_.now_us(), model_.cycles());
  }
  void put_frame(const Bytes& to, std::uint8_t type, const Bytes& content, std::uint64_t time_us, std::uint64_t cycle) {
    Bytes f = to;
    f.insert(f.end(), kMac.begin(), kMac.end());
    f.insert(f.end(), {8, type});
    f.insert(f.end(), content.begin(), content.end());
    f.resize(std::max<std::size_t>(f.size(), 60), 0x55);  // padding need not be zero
    last_us_ = std::max(time_us, last_us_);               // one behind the other
    last_cycle_ = std::max(cycle, last_cycle_);
    frames_.push_back({.bytes = std::move(f), .time_us = last_us_, .cycle = last_cycle_});
  }
  std::optional<Datagram> first_frame() {
    if (frames_.empty()) return std::nullopt;
    Datagram f = std::move(frames_.front());
    frames_.pop_front();
    return f;
  }

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
      if (is("chargen")) c.to_send.assign(100'000, 'x');
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
  std::deque<Datagram> frames_{};
  std::uint64_t last_us_ = 0, last_cycle_ = 0;
  std::vector<Datagram> waiting_{};  ///< for ARP
  std::map<std::uint32_t, Bytes> neighbours_{};
};

std::unique_ptr<Dut> make(const std::string& arguments) { return std::make_unique<BlackBox>(arguments); }

}  // namespace

TIPTOE_EXPORT_DUT_L0("black box", make)
