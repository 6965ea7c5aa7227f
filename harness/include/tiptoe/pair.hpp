// SPDX-License-Identifier: Apache-2.0
// Two devices as each other's peers: wired through the seeded impaired link, user calls at both ends, no tester.
//
//   tiptoe::Pair pair(*model, *lwip, {.bytes = 1 << 20, .opens = 100, .link = {.loss_ppm = 10'000}});
//   while (pair.run(100)) show(pair.result().octets);   // 100 ms of wall time each
//   if (!pair.result().failures.empty()) ...
//
// First `bytes` octets go each way at once over two connections (one opened by each end, the opener closes first), then
// `opens` connections are opened and closed, from both ends in turn, the opener or the other end closing first in turn.
// Every octet is compared with a pattern, and every connection must end in order at both ends. Two devices in virtual
// time share one clock, and the same seed gives the same datagrams; beside a device in real time the other one follows
// wall time. docs/pairs.md.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "tiptoe/dut.hpp"
#include "tiptoe/link.hpp"
#include "tiptoe/segment.hpp"

namespace tiptoe {

struct PairOptions {
  std::uint64_t bytes = 0;           ///< octets of bulk transfer each way
  std::uint64_t opens = 0;           ///< connections opened and closed after that
  std::uint64_t size = 512;          ///< octets each way of one of those, at least 4
  unsigned side_by_side = 0;         ///< connections at once; 0: as many as both tables hold
  LinkFaults link{};                 ///< both ways
  std::uint64_t seed = 1;            ///< of link, patterns and ports
  std::uint64_t patience_us = 0;     ///< without any progress for so long: a failure; 0: 600 s, in real time 120 s
  std::array<unsigned, 2> tables{};  ///< connections that each device has room for; 0: any number
};

struct PairEndCounters {
  std::uint64_t octets = 0;           ///< that the user of the other end sent and this one received, all compared
  std::uint64_t opened = 0;           ///< active opens
  std::uint64_t accepted = 0;         ///< connections that ACCEPT gave
  std::uint64_t datagrams = 0;        ///< sent
  std::uint64_t retransmissions = 0;  ///< of those: segments that begin with a sequence number sent before
  std::uint64_t resets = 0;           ///< of those: RST segments
  std::uint64_t late_resets = 0;      ///< the user was told of a reset after all had been said and heard (LAST_ACK)
  std::uint64_t refused_calls = 0;    ///< OPENs that the device put off: table full, ports in use
  std::uint64_t ghosts = 0;           ///< accepted, and ended before a word was said
  std::uint64_t time_wait = 0;        ///< still in TIME_WAIT when the run ended
};

struct PairResult {
  bool done = false;
  std::array<PairEndCounters, 2> end{};  ///< A, B
  std::array<LinkCounters, 2> link{};    ///< A to B, B to A
  std::uint64_t flows = 0;               ///< connections that have ended, in whatever way
  std::uint64_t failed = 0;              ///< of those: not in order
  std::uint64_t most_open = 0;           ///< side by side
  std::uint64_t device_us = 0;           ///< time of the devices
  std::uint64_t bulk_us = 0;             ///< of that: the bulk transfer
  double seconds = 0;                    ///< wall time
  std::uint64_t digest = 0;              ///< of all datagrams and their times (virtual time only)
  std::vector<std::string> failures{};   ///< the first of them, one line each
};

class Pair {
 public:
  /// Both devices must have been reset with addresses of their own. Throws DutError when one of them can't do it.
  Pair(Dut& a, Dut& b, const std::array<std::uint32_t, 2>& addresses, const PairOptions& options);

  /// Goes on for so many milliseconds of wall time. False: it has ended.
  bool run(unsigned ms);
  const PairResult& result() const noexcept { return result_; }
  bool real_time() const noexcept { return side_[0].real || side_[1].real; }

 private:
  using Clock = std::chrono::steady_clock;
  static constexpr std::uint16_t kPort = 7;
  static constexpr std::uint32_t kNobody = ~0U;

  /// One end of a connection.
  struct End {
    std::uint32_t flow = kNobody;  ///< kNobody: accepted, and has not said yet who it is
    Handle handle{};
    std::uint64_t sent = 0, received = 0;  ///< octets, by the user
    Bytes name{};                          ///< the first octets that an accepted connection hears
    bool opener = false;
    bool connected = false;
    bool fin = false;     ///< all that the peer said has been read
    bool closed = false;  ///< CLOSE has been called
    bool over = false;    ///< the device has told that it ended
  };
  struct Flow {
    std::uint64_t length = 0;  ///< octets each way
    unsigned opener = 0;       ///< side
    bool opener_closes = false;
    bool failed = false, ended = false, started = false;
    std::array<End*, 2> end{};  ///< by side; null: not there yet
  };
  struct Sent {  ///< what an end has sent on one pair of ports
    std::uint32_t iss = 0, next = 0;
  };
  struct Side {
    Dut* dut = nullptr;
    std::uint32_t address = 0;
    unsigned tables = 0;
    bool real = false, half_close = false, knows_state = false;
    std::uint64_t start = 0;  ///< its time when the run began
    Handle listener{};
    std::uint16_t next_port = 0;
    unsigned opening = 0;  ///< its opens that the other end has not accepted
    unsigned live = 0;     ///< ends that are not over
    std::unordered_map<std::uint32_t, End*> by_handle{};
    std::deque<std::pair<Handle, std::uint32_t>> waiting{};  ///< ended for the user, maybe in TIME_WAIT; and the flow
    std::uint64_t looked = 0;                                ///< when `waiting` was last asked about
    std::unordered_map<std::uint32_t, Sent> sent{};          ///< by ports
  };

  std::uint64_t now(unsigned side) const { return side_[side].dut->now_us() - side_[side].start; }
  std::uint64_t now() const;
  void step_virtual();
  void step_real();
  bool deliver(unsigned side, std::uint64_t until);
  bool collect(unsigned side);
  void put(unsigned side, Datagram datagram);
  void watch(unsigned side, ByteView datagram);

  void serve(unsigned side);
  void accept_all(unsigned side);
  void told(unsigned side, const Notification& n);
  void pump(unsigned side, End& end);
  void read(unsigned side, End& end);
  void hear(unsigned side, End& end, ByteView octets);
  bool say_who(unsigned side, End& end);
  void write(unsigned side, End& end);
  void maybe_close(unsigned side, End& end);
  void over(unsigned side, End& end, unsigned flags);
  void end_flow_if_done(Flow& flow);

  void open_more(unsigned side);
  bool room(unsigned side);
  bool open_one(unsigned side, std::uint32_t number);
  void forget_waiting(unsigned side);
  void finish_if_done();
  void finish();
  void last_look(unsigned side);
  void fail(std::uint32_t flow, const std::string& why);
  std::string where(std::uint32_t flow) const;
  void moved() { progress_ = now(); }

  PairOptions options_;
  PairResult result_{};
  std::array<Side, 2> side_{};
  std::array<Channel, 2> channel_;  ///< [0] a to b, [1] b to a
  std::vector<Flow> flows_{};
  std::deque<End> ends_{};
  std::uint32_t bulk_flows_ = 0;
  std::uint32_t next_flow_ = 0;
  std::uint64_t progress_ = 0;  ///< when something last moved
  std::optional<std::uint64_t> drained_since_{};
};

}  // namespace tiptoe
