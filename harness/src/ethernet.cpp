// SPDX-License-Identifier: Apache-2.0
// Devices that speak Ethernet (capability `link: ethernet`): frames outside, datagrams inside. ARP (RFC 826) is
// answered here and asked here; everything that is neither IPv4 nor ARP is passed over.
#include <algorithm>
#include <array>
#include <cstdio>
#include <deque>
#include <utility>

#include "tiptoe/forwarding_dut.hpp"
#include "tiptoe/plugin.hpp"
#include "tiptoe/segment.hpp"

namespace tiptoe {
namespace {

using Mac = std::array<std::uint8_t, 6>;
constexpr Mac kOurs = {0x02, 0x74, 0x69, 0x70, 0x74, 0x6F};  // locally administered
constexpr Mac kEverybody = {0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF};
constexpr std::size_t kHeader = 14;
constexpr std::size_t kShortest = 60;  // without the FCS; what is shorter is padded with zeros
constexpr std::uint16_t kIpv4 = 0x0800, kArp = 0x0806;
constexpr std::uint16_t kRequest = 1, kReply = 2;

std::uint16_t word(std::span<const std::uint8_t> b, std::size_t at) {
  return static_cast<std::uint16_t>((b[at] << 8) | b[at + 1]);
}
std::uint32_t address(std::span<const std::uint8_t> b, std::size_t at) {
  return (std::uint32_t{word(b, at)} << 16) | word(b, at + 2);
}
Mac mac(std::span<const std::uint8_t> b, std::size_t at) {
  Mac m{};
  std::copy_n(b.begin() + static_cast<std::ptrdiff_t>(at), m.size(), m.begin());
  return m;
}
void put(Bytes& b, std::uint64_t value, unsigned octets) {
  for (unsigned i = octets; i-- > 0;) b.push_back(static_cast<std::uint8_t>(value >> (8 * i)));
}
void put(Bytes& b, const Mac& m) { b.insert(b.end(), m.begin(), m.end()); }
std::string text(const Mac& m) {
  std::array<char, 18> out{};
  std::snprintf(out.data(), out.size(), "%02x:%02x:%02x:%02x:%02x:%02x", m[0], m[1], m[2], m[3], m[4], m[5]);
  return out.data();
}

Bytes frame(const Mac& to, std::uint16_t type, std::span<const std::uint8_t> content) {
  Bytes b;
  b.reserve(std::max(kHeader + content.size(), kShortest));
  put(b, to);
  put(b, kOurs);
  put(b, type, 2);
  b.insert(b.end(), content.begin(), content.end());
  b.resize(std::max(b.size(), kShortest));
  return b;
}

Bytes arp(std::uint16_t operation, std::uint32_t our_ip, const Mac& whose, std::uint32_t their_ip) {
  Bytes b;
  put(b, 1, 2);  // Ethernet
  put(b, kIpv4, 2);
  put(b, 6, 1);
  put(b, 4, 1);
  put(b, operation, 2);
  put(b, kOurs);
  put(b, our_ip, 4);
  put(b, whose);
  put(b, their_ip, 4);
  return frame(operation == kRequest ? kEverybody : whose, kArp, b);
}

class EthernetDut final : public ForwardingDut {
 public:
  explicit EthernetDut(std::unique_ptr<Dut> device) : ForwardingDut(*device), device_(std::move(device)) {}

  void reset(const DutConfig& config) override {
    inner().reset(config);
    datagrams_.clear();
    neighbour_.reset();
    own_ = capabilities().addresses;
    if (!own_.empty()) return;
    for (const auto& [name, value] : config.settings) {
      if (name.starts_with("LOCAL_IP") && value != 0) own_.push_back(static_cast<std::uint32_t>(value));
    }
  }
  void inject(std::span<const std::uint8_t> datagram) override {
    if (datagram.size() >= 20 && kHeader + datagram.size() < kShortest && datagram.size() < word(datagram, 2)) {
      throw DutUnsupported("a datagram cut down to " + std::to_string(datagram.size()) +
                           " octets cannot be sent on Ethernet, whose frames have at least 46");
    }
    if (!neighbour_) resolve(datagram.size() >= 20 ? address(datagram, 12) : 0);
    inner().inject(frame(*neighbour_, kIpv4, datagram));
  }
  std::optional<Datagram> poll_output() override {
    drain();
    return first();
  }
  void settle() override {
    do {
      inner().settle();
    } while (drain());
  }
  std::optional<Datagram> run_until_output(std::uint64_t us) override {
    const std::uint64_t until = now_us() + us;
    drain();
    while (datagrams_.empty() && now_us() < until) {
      if (const auto got = inner().run_until_output(until - now_us())) take(*got);
      drain();
    }
    return first();
  }
  void advance(std::uint64_t us) override {  // ARP is answered meanwhile
    const std::uint64_t until = now_us() + us;
    drain();
    while (now_us() < until) {
      if (const auto got = inner().run_until_output(until - now_us())) take(*got);
      drain();
    }
  }

 private:
  /// Takes all frames that are there. True when it has answered one.
  bool drain() {
    bool answered = false;
    while (const auto got = inner().poll_output()) answered = take(*got) || answered;
    return answered;
  }
  std::optional<Datagram> first() {
    if (datagrams_.empty()) return std::nullopt;
    Datagram d = std::move(datagrams_.front());
    datagrams_.pop_front();
    return d;
  }

  bool take(const Datagram& got) {
    const std::span<const std::uint8_t> b = got.bytes;
    if (b.size() < kHeader) {
      throw DutNonsense("a frame of " + std::to_string(b.size()) + " octets, an Ethernet header has 14");
    }
    const std::uint16_t type = word(b, 12);
    if (type == kArp) return take_arp(b);
    if (type != kIpv4) return false;
    neighbour_ = mac(b, 6);
    if (mac(b, 0) != kOurs) {
      throw DutNonsense("an IPv4 datagram to " + text(mac(b, 0)) + ", the neighbours of the device have " +
                        text(kOurs));
    }
    std::size_t end = b.size();
    if (end <= kShortest && end >= kHeader + 20) {  // the padding of a short frame is none of IP's business
      end = std::min<std::size_t>(end, kHeader + std::max<std::size_t>(word(b, kHeader + 2), 20));
    }
    Datagram d = got;
    d.bytes.assign(b.begin() + kHeader, b.begin() + static_cast<std::ptrdiff_t>(end));
    datagrams_.push_back(std::move(d));
    return false;
  }

  bool take_arp(std::span<const std::uint8_t> b) {
    const std::span<const std::uint8_t> a = b.subspan(kHeader);
    if (a.size() < 28 || word(a, 0) != 1 || word(a, 2) != kIpv4 || a[4] != 6 || a[5] != 4) {
      throw DutNonsense("an ARP packet that is none for IPv4 on Ethernet (RFC 826)");
    }
    const Mac sender = mac(a, 8);
    neighbour_ = sender;
    const std::uint32_t target = address(a, 24);
    // Announcements and probes (RFC 5227) ask for an address of the device's own: nobody else has it.
    const bool own = target == address(a, 14) || std::find(own_.begin(), own_.end(), target) != own_.end();
    if (word(a, 6) != kRequest || own) return false;
    inner().inject(arp(kReply, target, sender, address(a, 14)));
    return true;
  }

  void resolve(std::uint32_t our_ip) {
    if (own_.empty()) {
      throw DutUnsupported("a device on Ethernet needs its address: capability addresses, or the setting LOCAL_IP0");
    }
    const std::uint64_t until = now_us() + capabilities().at_once_us;
    inner().inject(arp(kRequest, our_ip, {}, own_.front()));
    inner().settle();
    drain();
    while (!neighbour_ && now_us() < until) {
      if (const auto got = inner().run_until_output(until - now_us())) take(*got);
    }
    if (neighbour_) return;
    throw DutNonsense("it does not answer an ARP request for " + ip_to_string(own_.front()) + " within " +
                      std::to_string(capabilities().at_once_us) + " us (RFC 826)");
  }

  std::unique_ptr<Dut> device_;
  std::vector<std::uint32_t> own_{};
  std::optional<Mac> neighbour_{};
  std::deque<Datagram> datagrams_{};
};

}  // namespace

std::unique_ptr<Dut> on_ethernet(std::unique_ptr<Dut> device) {
  return std::make_unique<EthernetDut>(std::move(device));
}

}  // namespace tiptoe
