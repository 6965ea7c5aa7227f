// SPDX-License-Identifier: Apache-2.0
// An impaired wire between two endpoints: loss, duplication, reordering, delay, corruption, in virtual time and by
// seed.
//
//   tiptoe::Link link(dut_a, dut_b, {.loss_ppm = 10'000, .delay_us = 500}, {.delay_us = 500}, seed);
//   link.run(5'000'000);   // five seconds of both devices' time
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "tiptoe/dut.hpp"
#include "tiptoe/random.hpp"

namespace tiptoe {

struct LinkFaults {
  std::uint32_t loss_ppm = 0;       ///< of a million datagrams, so many are lost
  std::uint32_t duplicate_ppm = 0;  ///< come twice
  std::uint32_t reorder_ppm = 0;    ///< are held back by up to 4 delays
  std::uint32_t corrupt_ppm = 0;    ///< have one bit flipped
  std::uint64_t delay_us = 1000;    ///< at least 1
  std::uint64_t jitter_us = 0;      ///< added at random; order is kept unless `reorder_ppm` strikes
};

struct LinkCounters {
  std::uint64_t sent = 0, delivered = 0, lost = 0, duplicated = 0, reordered = 0, corrupted = 0;
  friend bool operator==(const LinkCounters&, const LinkCounters&) = default;
};

/// One direction: datagrams go in at one time and come out at another.
class Channel {
 public:
  Channel(const LinkFaults& faults, std::uint64_t seed) : faults_(faults), random_(seed) {}

  void push(Bytes bytes, std::uint64_t now_us);
  /// The time at which the next one is due.
  std::optional<std::uint64_t> next() const;
  std::optional<Datagram> pop(std::uint64_t now_us);
  bool empty() const noexcept { return waiting_.empty(); }
  const LinkFaults& faults() const noexcept { return faults_; }
  const LinkCounters& counters() const noexcept { return counters_; }

 private:
  struct Waiting {
    std::uint64_t due, serial;
    Bytes bytes;
  };
  void hold(Bytes bytes, std::uint64_t due);

  LinkFaults faults_;
  Random random_;
  LinkCounters counters_{};
  std::vector<Waiting> waiting_{};  ///< sorted, earliest last
  std::uint64_t serial_ = 0;
  std::uint64_t latest_ = 0;
};

/// What can stand at an end of a link; a Dut, or a tester peer of your own.
class Endpoint {
 public:
  virtual ~Endpoint() = default;
  virtual std::uint64_t now_us() const = 0;
  virtual void inject(const Datagram& datagram) = 0;
  /// Runs until a datagram comes out (returned) or until time `us` of its own clock.
  virtual std::optional<Datagram> run_until(std::uint64_t us) = 0;
};

class DutEndpoint final : public Endpoint {
 public:
  explicit DutEndpoint(Dut& dut) : dut_(dut) {}
  std::uint64_t now_us() const override { return dut_.now_us(); }
  void inject(const Datagram& datagram) override { dut_.inject(datagram.bytes); }
  std::optional<Datagram> run_until(std::uint64_t us) override {
    return dut_.run_until_output(us > dut_.now_us() ? us - dut_.now_us() : 0);
  }

 private:
  Dut& dut_;
};

class Link {
 public:
  Link(Dut& a, Dut& b, const LinkFaults& a_to_b, const LinkFaults& b_to_a, std::uint64_t seed)
      : Link(std::make_unique<DutEndpoint>(a), std::make_unique<DutEndpoint>(b), a_to_b, b_to_a, seed) {}
  Link(std::unique_ptr<Endpoint> a, std::unique_ptr<Endpoint> b, const LinkFaults& a_to_b, const LinkFaults& b_to_a,
       std::uint64_t seed);

  /// Both ends advance by `us` from the later of the two; neither is ever ahead of what it may still receive.
  void run(std::uint64_t us);
  const LinkCounters& a_to_b() const noexcept { return channel_[0].counters(); }
  const LinkCounters& b_to_a() const noexcept { return channel_[1].counters(); }

  /// Called for every datagram that an end sends (true: a) before the link treats it.
  std::function<void(const Datagram&, bool from_a)> on_send{};

 private:
  std::uint64_t now(unsigned end) const { return end_[end]->now_us() - start_[end]; }

  std::array<std::unique_ptr<Endpoint>, 2> end_;
  std::array<Channel, 2> channel_;  ///< [0] a to b, [1] b to a
  std::array<std::uint64_t, 2> start_{};
};

}  // namespace tiptoe
