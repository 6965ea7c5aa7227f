// SPDX-License-Identifier: Apache-2.0
// The measurements of soak.hpp: friendly traffic, counted.
#include <algorithm>
#include <chrono>
#include <utility>
#include <vector>

#include "engines.hpp"
#include "tiptoe/registers.hpp"
#include "tiptoe/segment.hpp"
#include "tiptoe/soak.hpp"

namespace tiptoe {
namespace {

using Clock = std::chrono::steady_clock;

/// Friendly traffic: the peer keeps `connections` connections busy, the host empties them and sends back.
template <ClockedEngine Engine>
class Bench {
 public:
  template <class... Args>
  explicit Bench(const DutOptions& options, Args&&... args) : driver_(options, std::forward<Args>(args)...) {}

  EngineDriver<Engine>& driver() { return driver_; }

  void open(unsigned connections) {
    driver_.reset(1);
    driver_.write_register(find_register("LOCAL_IP0")->address, kDevice);
    settle();
    driver_.push_command({.op = 1, .lport = 80, .len = 16});
    settle();
    const std::uint32_t listener = driver_.responses.back().handle;
    for (unsigned i = 0; i < connections; ++i) {
      peers_.push_back({.port = static_cast<std::uint16_t>(1000 + i), .seq = 1});
      Segment syn = segment(i, SYN, 0);
      syn.seq = 0;
      syn.options = Options().mss(1460);
      driver_.push_datagram(syn.build());
      settle();
      if (driver_.datagrams.empty()) throw DutError("no SYN,ACK while the measurement was set up");
      const Segment answer = Segment::parse(driver_.datagrams.front());
      peers_[i].ack = *answer.seq + 1;
      driver_.push_datagram(segment(i, ACK, 0).build());
      settle();
      driver_.push_command({.op = 8, .handle = listener});
      settle();
      peers_[i].handle = driver_.responses.back().handle;
      driver_.datagrams.clear(), driver_.responses.clear();
    }
    driver_.notifications.clear();
  }

  void settle() {
    do driver_.step();
    while (!driver_.idle());
  }

  Segment segment(unsigned i, std::uint8_t flags, std::size_t text) const {
    return {.src = kPeer,
            .dst = kDevice,
            .src_port = peers_[i].port,
            .dst_port = 80,
            .seq = peers_[i].seq,
            .ack = (flags & ACK) != 0 ? peers_[i].ack : 0,
            .flags = flags,
            .window = 65535,
            .payload = Bytes(text, 0x55)};
  }

  SegmentRate segment_rate(unsigned connections, std::uint64_t segments, std::size_t text) {
    open(connections);
    // In bursts that fit the receive buffers, so that nothing is refused for want of window.
    SegmentRate rate;
    const std::uint64_t per_round = std::min<std::uint64_t>(
        segments, connections * std::max<std::uint64_t>(1, 4096 / std::max<std::size_t>(text, 1)));
    while (rate.segments < segments) {
      const std::uint64_t n = std::min(per_round, segments - rate.segments);
      for (std::uint64_t k = 0; k < n; ++k) {
        const auto i = static_cast<unsigned>(k % connections);
        driver_.push_datagram(segment(i, ACK, text).build());
        peers_[i].seq += static_cast<std::uint32_t>(text);
      }
      const std::uint64_t start = driver_.cycle();
      std::uint64_t last = start;
      for (std::uint64_t seen = 0; seen < n;) {
        driver_.step();
        if (driver_.outputs().prb.ret_valid && driver_.outputs().prb.ret_kind == 1) {
          if (driver_.outputs().prb.ret_reason != 0)
            throw DutError("a segment of the measurement was refused: " +
                           std::string(reason_name(driver_.outputs().prb.ret_reason)));
          ++seen;
          last = driver_.cycle();
        }
        if (driver_.cycle() - start > 1000 * n + 100'000)
          driver_.hang("the measured segments to retire", driver_.cycle() - start);
      }
      rate.segments += n;
      rate.cycles += last - start;
      settle();
      drain();
    }
    return rate;
  }

  void drain() {
    for (const PeerState& p : peers_) {
      driver_.push_command({.op = 4, .handle = p.handle, .len = 1'000'000});
      settle();
    }
    driver_.datagrams.clear(), driver_.responses.clear(), driver_.received.clear(), driver_.notifications.clear();
  }

  SpeedResult speed(std::uint64_t cycles) {
    constexpr unsigned kConnections = 8;
    open(kConnections);
    const auto start_time = Clock::now();
    const std::uint64_t start = driver_.cycle();
    unsigned turn = 0;
    while (driver_.cycle() - start < cycles) {
      driver_.step();
      while (!driver_.datagrams.empty()) {
        const Segment s = Segment::parse(driver_.datagrams.front());
        driver_.datagrams.pop_front();
        PeerState& p = peers_[*s.dst_port - 1000U];
        if (*s.seq == p.ack && s.length() > 0) {
          p.ack += s.length();
          driver_.push_datagram(segment(*s.dst_port - 1000U, ACK, 0).build());
        }
        if (s.has(ACK)) p.acked = *s.ack;
      }
      while (!driver_.notifications.empty()) {
        const Notification n = driver_.notifications.front();
        driver_.notifications.pop_front();
        if ((n.flags & Notification::readable) != 0)
          driver_.push_command({.op = 4, .handle = n.handle.value, .len = 65536});
      }
      while (!driver_.received.empty()) {
        driver_.push_command(
            {.op = 3, .handle = driver_.received.front().handle, .len = 1000, .payload = Bytes(1000, 7)});
        driver_.received.pop_front();
      }
      driver_.responses.clear();
      if (driver_.datagrams_waiting() == 0) {
        PeerState& p = peers_[turn];
        if (p.seq - p.acked < 8000) {
          driver_.push_datagram(segment(turn, ACK | PSH, 1000).build());
          p.seq += 1000;
        }
        turn = (turn + 1) % kConnections;
      }
    }
    return {driver_.cycle() - start, std::chrono::duration<double>(Clock::now() - start_time).count()};
  }

 private:
  static constexpr std::uint32_t kDevice = 0x0A00'0001, kPeer = 0x0A00'0002;
  struct PeerState {
    std::uint16_t port = 0;
    std::uint32_t seq = 0, ack = 0, handle = 0, acked = 1;
  };
  EngineDriver<Engine> driver_;
  std::vector<PeerState> peers_{};
};

}  // namespace

SpeedResult measure_speed(const std::string& kind, const DutOptions& options, std::uint64_t cycles) {
  SpeedResult result;
  with_engine(kind, options, 1, [&]<class E, class... Args>(std::type_identity<E>, Args&&... args) {
    result = Bench<E>(options, std::forward<Args>(args)...).speed(cycles);
  });
  return result;
}

SegmentRate measure_segment_rate(const std::string& kind, const DutOptions& options, unsigned connections,
                                 std::uint64_t segments, std::size_t text) {
  SegmentRate result;
  with_engine(kind, options, 1, [&]<class E, class... Args>(std::type_identity<E>, Args&&... args) {
    result = Bench<E>(options, std::forward<Args>(args)...).segment_rate(connections, segments, text);
  });
  return result;
}

}  // namespace tiptoe
