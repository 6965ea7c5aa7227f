// SPDX-License-Identifier: Apache-2.0
// Runs the episodes: configures the device, checks what comes out, and lets soak_peers.cpp and soak_host.cpp act.
#include "tiptoe/soak.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <deque>
#include <stdexcept>
#include <utility>
#include <vector>

#include "engines.hpp"
#include "soak_host.hpp"
#include "soak_peers.hpp"
#include "soak_world.hpp"
#include "tiptoe/registers.hpp"
#include "tiptoe/segment.hpp"

namespace tiptoe {
namespace {

using Clock = std::chrono::steady_clock;

template <ClockedEngine Engine>
class Soaker {
 public:
  template <class... Args>
  Soaker(const SoakOptions& options, SoakResult& result, Args&&... args)
      : options_(options),
        result_(result),
        driver_(with_stalls(options), std::forward<Args>(args)...),
        world_(options_, result_, handle_) {
    driver_.on_send_granted = [this](const EngineResponse& response, Bytes& payload) {
      if (send_grants_.empty())
        return fail("a SEND was granted " + std::to_string(response.len) +
                    " octets without a retired event that says so");
      fill_flow(payload, send_grants_.front().flow, send_grants_.front().start);
      send_grants_.pop_front();
    };
  }

  Engine& engine() { return driver_.engine(); }

  void run() {
    const std::uint64_t last =
        options_.first_episode + (options_.cycles + options_.episode_cycles - 1) / options_.episode_cycles;
    std::uint64_t left = options_.cycles;
    for (episode_ = options_.first_episode; episode_ < last && result_.passed; ++episode_) {
      const std::uint64_t cycles = std::min(left, options_.episode_cycles);
      run_episode(cycles);
      left -= cycles;
    }
  }

 private:
  static DutOptions with_stalls(const SoakOptions& options) {
    DutOptions dut = options.dut;
    dut.random_stalls = options.stalls;
    return dut;
  }

  void log(const std::string& text) const { world_.log(text); }

  void log_retire(const model::Probes& p) {
    std::string text = "#" + std::to_string(p.ret_order) + " " + std::string(event_kind_name(p.ret_kind));
    if (p.ret_reason != 0) text += " " + std::string(reason_name(p.ret_reason));
    if (p.ret_tx) text += " sends";
    if (p.ret_has_conn) {
      text += " connection " + std::to_string(p.ret_conn) + ":";
      logged_.resize(options_.dut.conns);
      auto& [record, deadlines] = logged_[p.ret_conn % logged_.size()];
      for (const RecordField& f : record_fields()) {
        const std::uint64_t before = packed_field(record, f), after = packed_field(p.ret_record, f);
        if (before == after) continue;
        text += " " + std::string(f.name) + " " +
                (f.name == "state" ? to_string(static_cast<State>(after)) : std::to_string(after));
      }
      for (const RecordField& f : deadline_fields()) {
        const std::uint64_t before = packed_field(deadlines, f), after = packed_field(p.ret_deadlines, f);
        if (before != after) text += " " + std::string(f.name) + " " + std::to_string(after);
      }
      record = p.ret_record;
      deadlines = p.ret_deadlines;
    }
    log(text);
  }

  void fail(const std::string& why) {
    if (!result_.passed) return;
    result_.passed = false;
    result_.failure = why;
  }

  // ---------------------------------------------------------------------------------------------------- one episode

  void run_episode(std::uint64_t cycles) {
    ++result_.episodes;
    world_.begin(options_.seed * 1'000'003ULL + episode_);
    peers_.clear(), host_.clear();
    send_grants_.clear(), receive_grants_.clear();
    answered_ = 0;
    logged_.clear();
    world_.wire.emplace(LinkFaults{.loss_ppm = world_.pick<std::uint32_t>({0, 0, 10'000, 50'000}),
                                   .duplicate_ppm = world_.pick<std::uint32_t>({0, 10'000, 50'000}),
                                   .reorder_ppm = world_.pick<std::uint32_t>({0, 20'000, 100'000}),
                                   .corrupt_ppm = world_.pick<std::uint32_t>({0, 10'000}),
                                   .delay_us = world_.pick<std::uint32_t>({1, 20, 300, 3000}),  // unit: cycles
                                   .jitter_us = world_.pick<std::uint32_t>({0, 50, 1000})},
                        world_.random());
    try {
      driver_.reset(world_.random());
      configure();
      std::uint64_t next = 0;
      unsigned pace = 1;
      while (driver_.cycle() < cycles && result_.passed) {
        step();
        const std::uint64_t now = driver_.cycle();
        while (auto datagram = world_.wire->pop(now)) {
          ++result_.datagrams_in;
          if (options_.log) log("-> device " + Segment::parse(*datagram).to_string());
          driver_.push_datagram(std::move(datagram->bytes));
        }
        if (now >= next) {
          if (world_.random.below(64) == 0) pace = world_.pick<unsigned>({1, 2, 5, 20, 80, 400});
          next = now + 1 + world_.random.below(pace * 2);
          act();
        }
        if (driver_.idle() && world_.wire->empty()) {
          if (world_.random.below(3) != 0) jump_to_deadline();
          next = now;
        }
      }
      if (!world_.one_in(4)) drain();  // else the next reset strikes in the middle of things
    } catch (const Divergence& error) {
      result_.diverged = true;
      fail(error.what());
    } catch (const DutError& error) {
      fail(error.what());
    }
    result_.cycles += driver_.cycle();
    result_.device_us += driver_.now_us();
    result_.longest_tready_wait = std::max(result_.longest_tready_wait, driver_.longest_tready_wait());
    if (!result_.passed) {
      result_.failed_episode = episode_;
      if (!result_.failure.ends_with('\n')) result_.failure += '\n';
      result_.failure += "Repeat with: " + repeat_command() + "\n";
    }
  }

  void step() {
    driver_.step();
    const model::Outputs& out = driver_.outputs();
    if (out.prb.ret_valid) on_retire(out.prb);
    if (!driver_.datagrams.empty()) on_datagrams();
    if (!driver_.responses.empty()) on_responses();
    if (!driver_.notifications.empty()) on_notifications();
    if (!driver_.received.empty()) on_received();
    // A command waits for four transfers at most.
    if (driver_.commands_waiting() == 0) answered_ = driver_.cycle();
    if (driver_.cycle() - answered_ > answer_bound()) driver_.hang("a response", driver_.cycle() - answered_);
  }

  std::uint64_t answer_bound() const {
    const unsigned log2 = std::max(options_.dut.tx_buf_log2, options_.dut.rx_buf_log2);
    const std::uint64_t transfers = 4ULL * ((8ULL << log2) / options_.dut.data_w);
    return (transfers + 20'000) * (options_.stalls ? 16 : 1);
  }

  void settle() {
    const std::uint64_t start = driver_.cycle();
    while (!driver_.idle() && result_.passed) {
      step();
      if (driver_.cycle() - start > 2 * answer_bound())
        driver_.hang("the device to become quiescent", driver_.cycle() - start);
    }
  }

  /// The end of an episode: the tester falls silent, the device must come to rest; everything is aborted from both
  /// sides, and every connection must be free again.
  void drain() {
    world_.draining = true;
    settle();
    static const RecordField &gen = soak_field("gen"), &lip = soak_field("lip"), &lport = soak_field("lport"),
                             &rip = soak_field("rip"), &rport = soak_field("rport"), &rcv_nxt = soak_field("rcv_nxt");
    for (int round = 0; round < 4 && result_.passed; ++round) {
      for (std::size_t i = 0; i < world_.shadow.size(); ++i) {
        const SoakShadow t = world_.shadow[i];
        if (t.state == 0) continue;
        const auto get = [&](const RecordField& f) { return static_cast<std::uint32_t>(packed_field(t.record, f)); };
        driver_.push_command({.op = 6, .handle = get(gen) << 10 | static_cast<std::uint32_t>(i)});
        driver_.push_datagram(Segment{.src = get(rip),
                                      .dst = get(lip),
                                      .src_port = static_cast<std::uint16_t>(get(rport)),
                                      .dst_port = static_cast<std::uint16_t>(get(lport)),
                                      .seq = get(rcv_nxt),
                                      .flags = RST}
                                  .build());
        settle();
      }
    }
    world_.draining = false;
    if (!result_.passed) return;
    const std::uint32_t established = driver_.read_register(find_register("CurrEstab")->address);
    if (driver_.outputs().prb.free_count != options_.dut.conns || established != 0) {
      fail("Everything was aborted from both sides, and " +
           std::to_string(options_.dut.conns - driver_.outputs().prb.free_count) +
           " connections are still not free (CurrEstab " + std::to_string(established) + "). " +
           probes_to_string(driver_.outputs()) + "\n");
    }
  }

  std::string repeat_command() const {
    const DutOptions& d = options_.dut;
    std::string text = "tiptoe_soak --kind " + options_.kind + " --seed " + std::to_string(options_.seed) +
                       " --first-episode " + std::to_string(episode_) + " --cycles " +
                       std::to_string(options_.episode_cycles) + " --episode-cycles " +
                       std::to_string(options_.episode_cycles) + " --width " + std::to_string(d.data_w) + " --conns " +
                       std::to_string(d.conns) + " --listeners " + std::to_string(d.listeners) + " --tx-buf-log2 " +
                       std::to_string(d.tx_buf_log2) + " --rx-buf-log2 " + std::to_string(d.rx_buf_log2) + " --scan " +
                       std::to_string(d.timer_scan);
    if (!options_.stalls) text += " --no-stalls";
    if (!options_.fault.empty()) text += " --fault " + options_.fault;
    const std::uint64_t cycle = driver_.cycle();
    return text + " --log soak.log --waves soak.fst --waves-from " + std::to_string(cycle > 400 ? cycle - 400 : 0) +
           " --waves-to " + std::to_string(cycle + 20);
  }

  void set(std::string_view name, std::uint32_t value) {
    if (options_.log) log("register " + std::string(name) + " := " + std::to_string(value));
    driver_.write_register(find_register(name)->address, value);
  }

  void configure() {
    for (const char* key : {"ISN_KEY0", "ISN_KEY1", "ISN_KEY2", "ISN_KEY3", "CAM_KEY"}) set(key, world_.random.u32());
    world_.addresses = {0x0A00'0001};
    set("LOCAL_IP0", world_.addresses[0]);
    if (world_.one_in(2)) {
      world_.addresses.push_back(0xC0A8'0101);
      set(world_.pick<const char*>({"LOCAL_IP1", "LOCAL_IP2", "LOCAL_IP3"}), world_.addresses[1]);
    }
    world_.calm = world_.one_in(2);
    const bool defaults = world_.one_in(4);
    if (!defaults) {
      set("FEATURES", static_cast<std::uint32_t>(world_.random.below(128)) | (world_.one_in(8) ? 0x80U : 0U));
      if (world_.one_in(8)) set("ISN_KEY0", world_.pick<std::uint32_t>({0xFFFF'FFF0, 0x7FFF'FFFA, 0xFFFF'0000}));
      set("MTU", world_.pick<std::uint32_t>({1500, 1500, 296, 576, 2048, 9000, 10,
                                             296 + static_cast<std::uint32_t>(world_.random.below(1753))}));
      set("RTO_INIT", world_.pick<std::uint32_t>({1000, 20'000, 1'000'000}));
      set("RTO_MIN", world_.pick<std::uint32_t>({10, 500, 5000, 200'000}));
      set("RTO_MAX", world_.pick<std::uint32_t>({50'000, 2'000'000, 60'000'000}));
      set("SYN_RTO", world_.pick<std::uint32_t>({100, 5000, 1'000'000}));
      set("SYN_BACKOFF", world_.pick<std::uint32_t>({0, 1, 1, 2}));
      set("SYN_RETRIES", world_.pick<std::uint32_t>({0, 1, 3, 7}));
      set("DATA_RETRIES", world_.pick<std::uint32_t>({0, 2, 8, 15}));
      set("R1", world_.pick<std::uint32_t>({1, 2, 3}));
      set("DACK", world_.pick<std::uint32_t>({0, 5, 300, 40'000, 200'000}));
      set("MSL", world_.pick<std::uint32_t>({5, 400, 20'000, 1'000'000}));
      set("FW2_TIMEOUT", world_.pick<std::uint32_t>({0, 200, 50'000}));
      set("KEEP_IDLE_S", world_.pick<std::uint32_t>({1, 2, 7200}));
      set("KEEP_INTVL_S", world_.pick<std::uint32_t>({1, 2, 75}));
      set("KEEP_PROBES", world_.pick<std::uint32_t>({0, 1, 3, 9}));
      set("USER_TIMEOUT", world_.calm ? 300'000'000 : world_.pick<std::uint32_t>({0, 3000, 500'000, 300'000'000}));
      set("OPEN_TIMEOUT", world_.calm ? 0 : world_.pick<std::uint32_t>({0, 0, 700, 100'000}));
      if (world_.one_in(6)) set("QUIET", world_.pick<std::uint32_t>({1, 50}));
      set("CH_LIMIT", world_.pick<std::uint32_t>({0, 1, 10, 255}));
      set("CH_WINDOW", world_.pick<std::uint32_t>({0, 1000, 5'000'000}));
      set("IW_SEGS", world_.pick<std::uint32_t>({0, 0, 1, 10}));
      set("TTL", world_.random.u32());
      set("TOS", world_.random.u32());
    }
    world_.ports = 1 + static_cast<unsigned>(world_.random.below(options_.dut.listeners));
    for (unsigned i = 0; i < world_.ports; ++i)
      host_.command({.op = 1, .lport = SoakWorld::listen_port(i), .len = world_.pick<std::uint32_t>({1, 2, 8, 16})});
    world_.hostility = world_.pick<unsigned>({0, 1, 1, 4, 12});
    world_.churn = world_.pick<unsigned>({0, 1, 1, 3});
    world_.sniper = world_.pick<unsigned>({0, 20, 8, 2});
    world_.lazy = world_.pick<unsigned>({1, 1, 1, 12});
    world_.peer_hosts = world_.pick<unsigned>({1, 2, 6});
    world_.peer_ports = world_.pick<unsigned>({2, 8, 40, 300});
  }

  // ------------------------------------------------------------------------------------------------- what comes out

  void digest(std::uint64_t value) { result_.digest = (result_.digest ^ value) * 0x100'0000'01B3ULL; }

  void on_retire(const model::Probes& p) {
    static const RecordField &state = soak_field("state"), &tx_busy = soak_field("tx_busy"),
                             &rx_busy = soak_field("rx_busy"), &rcv_user = soak_field("rcv_user"),
                             &snd_end = soak_field("snd_end"), &lip = soak_field("lip"), &lport = soak_field("lport"),
                             &rip = soak_field("rip"), &rport = soak_field("rport");
    if (options_.log) log_retire(p);
    ++result_.retired;
    ++result_.kinds[p.ret_kind & 7U];
    ++result_.reasons[p.ret_reason & 31U];
    if (!p.ret_has_conn || p.ret_conn >= world_.shadow.size()) return;
    const auto get = [&](const RecordField& f) { return packed_field(p.ret_record, f); };
    const auto get32 = [&](const RecordField& f) { return static_cast<std::uint32_t>(get(f)); };
    const auto get16 = [&](const RecordField& f) { return static_cast<std::uint16_t>(get(f)); };
    const SoakShadow now{static_cast<unsigned>(get(state)), get(tx_busy) != 0, get(rx_busy) != 0, get32(rcv_user),
                         p.ret_record};
    SoakShadow& before = world_.shadow[p.ret_conn];
    ++result_.transitions[before.state & 15U][now.state & 15U];
    if (p.ret_kind == 2) {
      if (now.tx_busy && !before.tx_busy) {
        send_grants_.push_back({flow_id(get32(lip), get16(lport), get32(rip), get16(rport)), get32(snd_end)});
      }
      if (now.rx_busy && !before.rx_busy) {
        receive_grants_.push_back({flow_id(get32(rip), get16(rport), get32(lip), get16(lport)), before.rcv_user});
      }
    }
    before = now;
  }

  void on_received() {
    while (!driver_.received.empty()) {
      const EngineReceived got = std::move(driver_.received.front());
      driver_.received.pop_front();
      if (receive_grants_.empty()) return fail("payload was delivered without a retired RECEIVE");
      const Grant grant = receive_grants_.front();
      receive_grants_.pop_front();
      result_.text_in += got.data.size();
      std::size_t wrong = 0, first = 0, last = 0;
      for (std::size_t i = 0; i < got.data.size(); ++i) {
        digest(got.data[i]);
        if (got.data[i] == flow_octet(grant.flow, grant.start + static_cast<std::uint32_t>(i))) continue;
        if (wrong++ == 0) first = i;
        last = i;
      }
      if (wrong != 0) {
        return fail(std::to_string(wrong) + " of " + std::to_string(got.data.size()) +
                    " octets delivered to the host for connection handle " + std::to_string(got.handle) +
                    " are not what the peer sent there: octet " + std::to_string(first) + " (sequence number " +
                    std::to_string(grant.start + static_cast<std::uint32_t>(first)) + ") to " + std::to_string(last) +
                    " (cycle " + std::to_string(driver_.cycle()) + ").\n");
      }
    }
  }

  void on_responses() {
    while (!driver_.responses.empty()) {
      const EngineResponse r = driver_.responses.front();
      driver_.responses.pop_front();
      digest(r.cycle * 64 + r.status);
      if (options_.log) {
        log("response " + std::string(command_name(r.op)) + " " + to_string(static_cast<CallStatus>(r.status)) +
            " handle " + std::to_string(r.handle) + " len " + std::to_string(r.len) + " avail " +
            std::to_string(r.avail));
      }
      host_.react(r);
    }
  }

  void on_notifications() {
    while (!driver_.notifications.empty()) {
      const Notification n = driver_.notifications.front();
      driver_.notifications.pop_front();
      ++result_.notifications;
      if (options_.log)
        log("notification " + notification_names(n.flags) + " handle " + std::to_string(n.handle.value));
      digest(n.flags * 131072ULL + n.handle.value);
      host_.react(n);
    }
  }

  void on_datagrams() {
    while (!driver_.datagrams.empty()) {
      const Datagram d = std::move(driver_.datagrams.front());
      driver_.datagrams.pop_front();
      ++result_.datagrams_out;
      digest(d.cycle);
      for (const std::uint8_t octet : d.bytes) digest(octet);
      const Segment s = Segment::parse(d);
      if (options_.log) log("<- device " + s.to_string());
      if (s.defective())
        return fail("The device sent a defective datagram: " + s.to_string() + "\n" + hexdump(d.bytes));
      const std::uint32_t flow = flow_id(*s.src, *s.src_port, *s.dst, *s.dst_port);
      for (std::size_t i = 0; i < s.text_length(); ++i) {
        if ((*s.payload)[i] != flow_octet(flow, *s.seq + static_cast<std::uint32_t>(i))) {
          return fail("Octet " + std::to_string(i) + " of a segment's text is not what the host supplied there: " +
                      s.to_string() + " (cycle " + std::to_string(d.cycle) + ")\n");
        }
      }
      if (!world_.draining) peers_.react(s);
    }
  }

  // ------------------------------------------------------------------------------------------------------- time

  void jump_to_deadline() {
    if (driver_.has_deadline() && driver_.next_deadline() > driver_.now_us() &&
        driver_.next_deadline() - driver_.now_us() < 400'000'000) {
      driver_.jump_to(driver_.next_deadline() - (world_.one_in(8) ? 1 : 0));
    } else {
      driver_.jump_to(driver_.now_us() + 1 + world_.random.below(1000));
    }
  }

  void act() {
    const std::uint64_t what = world_.random.below(100);
    if (what < 55)
      peers_.act();
    else if (what < 92)
      host_.act();
    else if (what < 97)
      driver_.jump_to(driver_.now_us() + world_.random.below(world_.pick<std::uint64_t>({3, 100, 3000})));
    else if (!world_.calm && world_.one_in(20))
      driver_.jump_to(driver_.now_us() +
                      world_.random.below(world_.pick<std::uint64_t>({50'000, 2'000'000, 300'000'000})));
    else if (world_.one_in(6))
      jump_to_deadline();
    else if (world_.one_in(30))  // what a clock of 32 bits would take for a short time
      driver_.jump_to(driver_.now_us() + (std::uint64_t{1} << 32) +
                      world_.random.below(world_.pick<std::uint64_t>({100, 100'000})));
  }

  struct Grant {
    std::uint32_t flow, start;
  };

  /// The driver as peers and host see it.
  class Handle final : public SoakDevice {
   public:
    explicit Handle(EngineDriver<Engine>& driver) : driver_(driver) {}
    std::uint64_t cycle() const override { return driver_.cycle(); }
    std::uint64_t now_us() const override { return driver_.now_us(); }
    std::size_t datagrams_waiting() const override { return driver_.datagrams_waiting(); }
    std::size_t commands_waiting() const override { return driver_.commands_waiting(); }
    void push_command(EngineCommand command) override { driver_.push_command(std::move(command)); }
    void watch_register(std::uint8_t address) override { driver_.watch_register(address); }

   private:
    EngineDriver<Engine>& driver_;
  };

  SoakOptions options_;
  SoakResult& result_;
  EngineDriver<Engine> driver_;
  Handle handle_{driver_};
  SoakWorld world_;
  SoakPeers peers_{world_};
  SoakHost host_{world_};
  std::uint64_t episode_ = 0;
  std::vector<
      std::pair<std::array<std::uint32_t, model::kMaxRecordWords>, std::array<std::uint32_t, model::kDeadlineWords>>>
      logged_{};
  std::deque<Grant> send_grants_{}, receive_grants_{};
  std::uint64_t answered_ = 0;
};

double seconds_since(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

}  // namespace

SoakResult soak(const SoakOptions& options) {
  SoakResult result;
  with_engine(
      options.kind, options.dut, options.seed, [&]<class E, class... Args>(std::type_identity<E>, Args&&... args) {
        Soaker<E> soaker(options, result, std::forward<Args>(args)...);
        if (!options.fault.empty()) {
          if constexpr (requires { soaker.engine().set_fault(options.fault); })
            soaker.engine().set_fault(options.fault);
          else
            throw DutError("'" + options.kind + "' contains no model, so it has no fault '" + options.fault + "'");
        }
        const auto start = Clock::now();
        soaker.run();
        result.seconds = seconds_since(start);
      });
  return result;
}

std::string SoakResult::summary() const {
  std::array<char, 512> line{};
  std::snprintf(line.data(), line.size(),
                "%s: %llu cycles in %.1f s (%.0f cycles/s), %llu episodes, %.3f s of device time\n"
                "  %llu datagrams in, %llu out; %llu octets of text in, %llu out; %llu commands, %llu notifications\n"
                "  longest wait for s_axis_tready: %llu cycles; digest %016llx\n  %llu events:",
                passed ? "passed" : "FAILED", static_cast<unsigned long long>(cycles), seconds,
                seconds > 0 ? static_cast<double>(cycles) / seconds : 0.0, static_cast<unsigned long long>(episodes),
                static_cast<double>(device_us) / 1e6, static_cast<unsigned long long>(datagrams_in),
                static_cast<unsigned long long>(datagrams_out), static_cast<unsigned long long>(text_in),
                static_cast<unsigned long long>(text_out), static_cast<unsigned long long>(commands),
                static_cast<unsigned long long>(notifications), static_cast<unsigned long long>(longest_tready_wait),
                static_cast<unsigned long long>(digest), static_cast<unsigned long long>(retired));
  std::string text = line.data();
  for (unsigned i = 0; i < 6; ++i) text += " " + std::string(event_kind_name(i)) + " " + std::to_string(kinds[i]);
  text += "\n  reasons:";
  for (unsigned i = 1; i < reasons.size(); ++i) {
    if (reasons[i] != 0) text += " " + std::string(reason_name(i)) + " " + std::to_string(reasons[i]);
  }
  text += "\n  transitions:";
  for (unsigned from = 0; from < 11; ++from) {
    for (unsigned to = 0; to < 11; ++to) {
      if (from != to && transitions[from][to] != 0) {
        text += "\n    " + std::string(to_string(static_cast<State>(from))) + " -> " +
                to_string(static_cast<State>(to)) + " " + std::to_string(transitions[from][to]);
      }
    }
  }
  return text + "\n";
}

}  // namespace tiptoe
