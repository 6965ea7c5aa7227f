// SPDX-License-Identifier: Apache-2.0
#include "tiptoe/soak.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <deque>
#include <stdexcept>
#include <utility>
#include <vector>

#include "model_engine.hpp"
#include "tiptoe/engine_dut.hpp"
#include "tiptoe/link.hpp"
#include "tiptoe/lockstep.hpp"
#include "tiptoe/random.hpp"
#include "tiptoe/registers.hpp"
#include "tiptoe/segment.hpp"

namespace tiptoe {
namespace {

using Clock = std::chrono::steady_clock;

/// The octet that a flow carries at a sequence number.
constexpr std::uint8_t flow_octet(std::uint32_t flow, std::uint32_t seq) noexcept {
  return static_cast<std::uint8_t>(((seq ^ flow) * 0x9E37'79B1U) >> 24);
}
void fill_flow(Bytes& bytes, std::uint32_t flow, std::uint32_t seq) noexcept {
  for (std::uint8_t& octet : bytes) octet = flow_octet(flow, seq++);
}
constexpr std::uint32_t flow_id(std::uint32_t from, std::uint16_t from_port, std::uint32_t to, std::uint16_t to_port) {
  std::uint64_t x = (static_cast<std::uint64_t>(from) << 32 | to) * 0x9E37'79B9'7F4A'7C15ULL;
  x ^= (static_cast<std::uint64_t>(from_port) << 16 | to_port) * 0xD1B5'4A32'D192'ED03ULL;
  return static_cast<std::uint32_t>(x >> 32) ^ static_cast<std::uint32_t>(x);
}

const RecordField& field(std::string_view name) {
  for (const RecordField& f : record_fields()) {
    if (f.name == name) return f;
  }
  throw std::out_of_range(std::string(name));
}

/// The fields of the last retire record of each connection that the soak needs.
struct Shadow {
  unsigned state = 0;
  bool tx_busy = false, rx_busy = false;
  std::uint32_t rcv_user = 0;
  std::array<std::uint32_t, model::kMaxRecordWords> record{};
};

struct Peer {  ///< the tester's idea of one connection
  std::uint32_t device = 0, peer = 0;
  std::uint16_t device_port = 0, peer_port = 0;
  std::uint32_t to_device = 0, from_device = 0;  ///< flow ids
  std::uint32_t iss = 0;
  std::uint32_t snd_nxt = 0, snd_una = 0;
  std::uint32_t rcv_nxt = 0;
  std::uint32_t window = 0;  ///< the device's
  std::uint16_t mss = 536;
  bool synchronized = false, fin_sent = false, fin_received = false, mute = false;
};

template <ClockedEngine Engine>
class Soaker {
 public:
  template <class... Args>
  Soaker(const SoakOptions& options, SoakResult& result, Args&&... args)
      : options_(options),
        result_(result),
        driver_(with_stalls(options), std::forward<Args>(args)...),
        shadow_(options.dut.conns) {
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

  void log(const std::string& text) {
    options_.log(std::to_string(driver_.cycle()) + " " + std::to_string(driver_.now_us()) + " us " + text);
  }

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
    random_ = Random(options_.seed * 1'000'003ULL + episode_);
    peers_.clear(), handles_.clear(), listeners_.clear();
    send_grants_.clear(), receive_grants_.clear();
    answered_ = 0;
    draining_ = false;
    std::fill(shadow_.begin(), shadow_.end(), Shadow{});
    logged_.clear();
    wire_.emplace(LinkFaults{.loss_ppm = pick<std::uint32_t>({0, 0, 10'000, 50'000}),
                             .duplicate_ppm = pick<std::uint32_t>({0, 10'000, 50'000}),
                             .reorder_ppm = pick<std::uint32_t>({0, 20'000, 100'000}),
                             .corrupt_ppm = pick<std::uint32_t>({0, 10'000}),
                             .delay_us = pick<std::uint32_t>({1, 20, 300, 3000}),  // unit: cycles
                             .jitter_us = pick<std::uint32_t>({0, 50, 1000})},
                  random_());
    try {
      driver_.reset(random_());
      configure();
      std::uint64_t next = 0;
      unsigned pace = 1;
      while (driver_.cycle() < cycles && result_.passed) {
        step();
        const std::uint64_t now = driver_.cycle();
        while (auto datagram = wire_->pop(now)) {
          ++result_.datagrams_in;
          if (options_.log) log("-> device " + Segment::parse(*datagram).to_string());
          driver_.push_datagram(std::move(datagram->bytes));
        }
        if (now >= next) {
          if (random_.below(64) == 0) pace = pick<unsigned>({1, 2, 5, 20, 80, 400});
          next = now + 1 + random_.below(pace * 2);
          act();
        }
        if (driver_.idle() && wire_->empty()) {
          if (random_.below(3) != 0) jump_to_deadline();
          next = now;
        }
      }
      if (!one_in(4)) drain();  // else the next reset strikes in the middle of things
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
    draining_ = true;
    settle();
    static const RecordField &gen = field("gen"), &lip = field("lip"), &lport = field("lport"), &rip = field("rip"),
                             &rport = field("rport"), &rcv_nxt = field("rcv_nxt");
    for (int round = 0; round < 4 && result_.passed; ++round) {
      for (std::size_t i = 0; i < shadow_.size(); ++i) {
        const Shadow t = shadow_[i];
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
    draining_ = false;
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

  template <class T>
  T pick(std::initializer_list<T> list) {
    return list.begin()[random_.below(list.size())];
  }
  bool one_in(std::uint64_t n) { return random_.below(n) == 0; }

  void set(std::string_view name, std::uint32_t value) {
    if (options_.log) log("register " + std::string(name) + " := " + std::to_string(value));
    driver_.write_register(find_register(name)->address, value);
  }

  void configure() {
    for (const char* key : {"ISN_KEY0", "ISN_KEY1", "ISN_KEY2", "ISN_KEY3", "CAM_KEY"}) set(key, random_.u32());
    addresses_ = {0x0A00'0001};
    set("LOCAL_IP0", addresses_[0]);
    if (one_in(2)) {
      addresses_.push_back(0xC0A8'0101);
      set(pick<const char*>({"LOCAL_IP1", "LOCAL_IP2", "LOCAL_IP3"}), addresses_[1]);
    }
    calm_ = one_in(2);
    const bool defaults = one_in(4);
    if (!defaults) {
      set("FEATURES", static_cast<std::uint32_t>(random_.below(128)) | (one_in(8) ? 0x80U : 0U));
      if (one_in(8)) set("ISN_KEY0", pick<std::uint32_t>({0xFFFF'FFF0, 0x7FFF'FFFA, 0xFFFF'0000}));
      set("MTU", pick<std::uint32_t>(
                     {1500, 1500, 296, 576, 2048, 9000, 10, 296 + static_cast<std::uint32_t>(random_.below(1753))}));
      set("RTO_INIT", pick<std::uint32_t>({1000, 20'000, 1'000'000}));
      set("RTO_MIN", pick<std::uint32_t>({10, 500, 5000, 200'000}));
      set("RTO_MAX", pick<std::uint32_t>({50'000, 2'000'000, 60'000'000}));
      set("SYN_RTO", pick<std::uint32_t>({100, 5000, 1'000'000}));
      set("SYN_BACKOFF", pick<std::uint32_t>({0, 1, 1, 2}));
      set("SYN_RETRIES", pick<std::uint32_t>({0, 1, 3, 7}));
      set("DATA_RETRIES", pick<std::uint32_t>({0, 2, 8, 15}));
      set("R1", pick<std::uint32_t>({1, 2, 3}));
      set("DACK", pick<std::uint32_t>({0, 5, 300, 40'000, 200'000}));
      set("MSL", pick<std::uint32_t>({5, 400, 20'000, 1'000'000}));
      set("FW2_TIMEOUT", pick<std::uint32_t>({0, 200, 50'000}));
      set("KEEP_IDLE_S", pick<std::uint32_t>({1, 2, 7200}));
      set("KEEP_INTVL_S", pick<std::uint32_t>({1, 2, 75}));
      set("KEEP_PROBES", pick<std::uint32_t>({0, 1, 3, 9}));
      set("USER_TIMEOUT", calm_ ? 300'000'000 : pick<std::uint32_t>({0, 3000, 500'000, 300'000'000}));
      set("OPEN_TIMEOUT", calm_ ? 0 : pick<std::uint32_t>({0, 0, 700, 100'000}));
      if (one_in(6)) set("QUIET", pick<std::uint32_t>({1, 50}));
      set("CH_LIMIT", pick<std::uint32_t>({0, 1, 10, 255}));
      set("CH_WINDOW", pick<std::uint32_t>({0, 1000, 5'000'000}));
      set("IW_SEGS", pick<std::uint32_t>({0, 0, 1, 10}));
      set("TTL", random_.u32());
      set("TOS", random_.u32());
    }
    ports_ = 1 + static_cast<unsigned>(random_.below(options_.dut.listeners));
    for (unsigned i = 0; i < ports_; ++i)
      command({.op = 1, .lport = listen_port(i), .len = pick<std::uint32_t>({1, 2, 8, 16})});
    hostility_ = pick<unsigned>({0, 1, 1, 4, 12});
    churn_ = pick<unsigned>({0, 1, 1, 3});
    sniper_ = pick<unsigned>({0, 20, 8, 2});
    lazy_ = pick<unsigned>({1, 1, 1, 12});
    peer_hosts_ = pick<unsigned>({1, 2, 6});
    peer_ports_ = pick<unsigned>({2, 8, 40, 300});
  }

  static std::uint16_t listen_port(unsigned i) { return static_cast<std::uint16_t>(80 + i); }
  std::uint32_t device_address() { return addresses_[random_.below(addresses_.size())]; }
  std::uint32_t peer_address() { return 0x0A00'0064U + static_cast<std::uint32_t>(random_.below(peer_hosts_)); }
  std::uint16_t peer_port() { return static_cast<std::uint16_t>(2000 + random_.below(peer_ports_)); }

  // ------------------------------------------------------------------------------------------------- what comes out

  void digest(std::uint64_t value) { result_.digest = (result_.digest ^ value) * 0x100'0000'01B3ULL; }

  void on_retire(const model::Probes& p) {
    static const RecordField &state = field("state"), &tx_busy = field("tx_busy"), &rx_busy = field("rx_busy"),
                             &rcv_user = field("rcv_user"), &snd_end = field("snd_end"), &lip = field("lip"),
                             &lport = field("lport"), &rip = field("rip"), &rport = field("rport");
    if (options_.log) log_retire(p);
    ++result_.retired;
    ++result_.kinds[p.ret_kind & 7U];
    ++result_.reasons[p.ret_reason & 31U];
    if (!p.ret_has_conn || p.ret_conn >= shadow_.size()) return;
    const auto get = [&](const RecordField& f) { return packed_field(p.ret_record, f); };
    const auto get32 = [&](const RecordField& f) { return static_cast<std::uint32_t>(get(f)); };
    const auto get16 = [&](const RecordField& f) { return static_cast<std::uint16_t>(get(f)); };
    const Shadow now{static_cast<unsigned>(get(state)), get(tx_busy) != 0, get(rx_busy) != 0, get32(rcv_user),
                     p.ret_record};
    Shadow& before = shadow_[p.ret_conn];
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
      if (r.status != 0) continue;
      if (r.op == 1) listeners_.push_back(r.handle);
      if (r.op == 2 || r.op == 8 || (r.op == 3 && r.handle >> 16 == 0 && r.len == 0)) remember(r.handle);
      if (r.op == 4 && r.avail > 0 && !one_in(8)) receive(r.handle);
    }
  }

  void remember(std::uint32_t handle) {
    if (handle >> 16 != 0) return;
    if (std::find(handles_.begin(), handles_.end(), handle) != handles_.end()) return;
    if (handles_.size() >= 2 * options_.dut.conns) handles_.erase(handles_.begin());
    handles_.push_back(handle);
  }

  void on_notifications() {
    while (!driver_.notifications.empty()) {
      const Notification n = driver_.notifications.front();
      driver_.notifications.pop_front();
      ++result_.notifications;
      if (options_.log)
        log("notification " + notification_names(n.flags) + " handle " + std::to_string(n.handle.value));
      digest(n.flags * 131072ULL + n.handle.value);
      if ((n.flags & Notification::accept) != 0 && !one_in(8)) command({.op = 8, .handle = n.handle.value});
      if ((n.flags & Notification::readable) != 0 && !one_in(4)) receive(n.handle.value);
      if ((n.flags & Notification::peer_fin) != 0 && one_in(2)) command({.op = 5, .handle = n.handle.value});
      if ((n.flags & (Notification::connected | Notification::space)) != 0 && one_in(2)) send(n.handle.value);
      if ((n.flags & Notification::closed) != 0 && !one_in(16)) std::erase(handles_, n.handle.value);
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
      if (!draining_) react(s);
    }
  }

  // ------------------------------------------------------------------------------------------------------- the peer

  Peer* find(const Segment& s) {
    for (Peer& p : peers_) {
      if (p.device == *s.src && p.peer == *s.dst && p.device_port == *s.src_port && p.peer_port == *s.dst_port)
        return &p;
    }
    return nullptr;
  }

  Peer& add_peer(std::uint32_t device, std::uint16_t device_port, std::uint32_t peer, std::uint16_t port) {
    if (peers_.size() >= 3 * options_.dut.conns)
      peers_.erase(peers_.begin() + static_cast<std::ptrdiff_t>(random_.below(peers_.size())));
    Peer p;
    p.device = device, p.device_port = device_port, p.peer = peer, p.peer_port = port;
    p.to_device = flow_id(peer, port, device, device_port);
    p.from_device = flow_id(device, device_port, peer, port);
    restart(p);
    peers_.push_back(p);
    return peers_.back();
  }

  void restart(Peer& p) {
    p.iss = pick<std::uint32_t>({random_.u32(), random_.u32(),
                                 0xFFFF'FFFF - static_cast<std::uint32_t>(random_.below(3000)),
                                 0x7FFF'FFFF - static_cast<std::uint32_t>(random_.below(3000)), 0});
    p.snd_nxt = p.iss + 1, p.snd_una = p.iss;
    p.mss = pick<std::uint16_t>({0, 1, 60, 536, 1460, 1460, 1460, 8960});
    p.synchronized = p.fin_sent = p.fin_received = false;
    p.mute = !calm_ && one_in(10);
  }

  void transmit(const Segment& s) { wire_->push(s.build(), driver_.cycle()); }

  Segment from(const Peer& p, std::uint32_t seq, std::uint8_t flags, std::size_t text = 0) {
    Segment s{.src = p.peer,
              .dst = p.device,
              .src_port = p.peer_port,
              .dst_port = p.device_port,
              .seq = seq,
              .ack = (flags & ACK) != 0 ? p.rcv_nxt : 0,
              .flags = flags,
              .window = peer_window()};
    if (text != 0) {
      s.payload = Bytes(text);
      fill_flow(*s.payload, p.to_device, seq + ((flags & SYN) != 0 ? 1U : 0U));
    }
    s.id = static_cast<std::uint16_t>(random_());
    if (one_in(20)) s.ip_options = Bytes(1 + random_.below(40), 1);
    if (one_in(20) && (flags & SYN) == 0) s.options = options(0);
    if (one_in(20)) s.trailer = Bytes(1 + random_.below(30), 0xEE);
    return s;
  }

  std::uint16_t peer_window() {
    return pick<std::uint16_t>({65535, 65535, 32768, 4096, 1460, 536, 1, 0, static_cast<std::uint16_t>(random_())});
  }

  Options options(std::uint16_t mss) {
    Options o;
    while (o.bytes.size() < 36 && !one_in(3)) {
      switch (random_.below(9)) {
        case 0: o.nop(); break;
        case 1: o.wscale(static_cast<std::uint8_t>(random_())); break;
        case 2: o.sack_permitted(); break;
        case 3:
          if (o.bytes.size() <= 26) o.timestamps(random_.u32(), random_.u32());
          break;
        case 4: o.unknown(static_cast<std::uint8_t>(2 + random_.below(250)), Bytes(random_.below(4))); break;
        case 5: o.kind(2); break;  // an MSS without its length, or whatever follows
        case 6:
          if (hostility_ > 1) o.kind(77), o.kind(static_cast<std::uint8_t>(random_.below(3)));
          break;
        case 7:
          if (one_in(4)) o.eol();
          break;
        default:
          if (mss != 0) o.mss(mss);
          break;
      }
    }
    if (mss != 0 && o.bytes.size() <= 36 && !one_in(8)) o.mss(mss);
    if (o.bytes.size() > 40) o.bytes.resize(40);
    return o;
  }

  std::size_t text_length() {
    switch (random_.below(10)) {
      case 0:
      case 1: return 1;
      case 2:
      case 3: return 1 + random_.below(20);
      case 4:
      case 5:
      case 6: return 1460;
      case 7: return 536;
      case 8: return 1 + random_.below(1460);
      default: return 1 + random_.below(1960);
    }
  }

  void syn(Peer& p, std::uint8_t flags) {
    Segment s = from(p, p.iss, flags, one_in(20) ? 1 + random_.below(30) : 0);
    s.options = options(p.mss);
    if ((flags & SYN) != 0 && !one_in(10)) s.window = pick<std::uint16_t>({65535, 8192, 1000});
    if (s.payload && s.payload->size() + s.options->bytes.size() > 1500) s.payload.reset();
    transmit(s);
  }

  void react(const Segment& s) {
    Peer* found = find(s);
    if (found == nullptr) {
      if (!s.has(SYN) || s.has(ACK) || s.has(RST)) return;
      found = &add_peer(*s.src, *s.src_port, *s.dst, *s.dst_port);
    }
    Peer& p = *found;
    if (s.has(RST)) {
      if (one_in(4))
        restart(p);
      else
        peers_.erase(peers_.begin() + (found - peers_.data()));
      return;
    }
    p.window = *s.window;
    if (s.has(SYN)) {
      if (!s.has(ACK) && !p.synchronized && p.snd_una != p.iss) restart(p);
      p.rcv_nxt = *s.seq + 1;
      if (s.has(ACK)) {
        if (seq_lt(p.snd_una, *s.ack) && seq_le(*s.ack, p.snd_nxt)) p.snd_una = *s.ack;
        p.synchronized = true;
        switch (random_.below(16)) {
          case 0: break;
          case 1:
            if (hostility_ > 1) transmit(from(p, *s.ack, RST));
            break;
          case 2: transmit(from(p, p.iss + 1, ACK, 1)), note_sent(p, p.iss + 2); break;
          case 3:
            if (hostility_ > 1) syn(p, SYN | ACK);
            break;
          default: transmit(from(p, p.iss + 1, ACK)); break;
        }
      } else {
        switch (random_.below(24)) {
          case 0: break;
          case 1: transmit(from(p, 0, RST | ACK)); break;
          case 2:
          case 3:
          case 4: syn(p, SYN); break;  // simultaneous open
          case 5: {
            Segment bad = from(p, p.iss, SYN | ACK);
            bad.ack = p.rcv_nxt + 1 - static_cast<std::uint32_t>(random_.below(3));
            transmit(bad);
            break;
          }
          default: syn(p, SYN | ACK), p.synchronized = true; break;
        }
      }
      return;
    }
    if (s.has(ACK) && seq_lt(p.snd_una, *s.ack) && seq_le(*s.ack, p.snd_nxt)) p.snd_una = *s.ack;
    const bool in_order = *s.seq == p.rcv_nxt;
    if (in_order && s.length() > 0) {
      result_.text_out += s.text_length();
      p.rcv_nxt += s.length();
      if (s.has(FIN)) p.fin_received = true;
    }
    if (p.mute || s.length() == 0) return;
    const std::uint64_t copies = in_order ? (one_in(4) ? 0 : 1) : pick<std::uint64_t>({0, 1, 1, 1, 3});
    for (std::uint64_t i = 0; i < copies; ++i) {
      Segment ack = from(p, p.snd_nxt, ACK);
      if (!in_order || !one_in(8)) ack.window = 65535;
      transmit(ack);
    }
    if (s.has(FIN) && in_order && (calm_ || one_in(2))) fin(p);
  }

  static void note_sent(Peer& p, std::uint32_t end) {
    if (seq_lt(p.snd_nxt, end)) p.snd_nxt = end;
  }

  void fin(Peer& p) {
    const std::size_t text = one_in(3) ? text_length() : 0;
    transmit(from(p, p.snd_nxt, FIN | ACK, text));
    if (!p.fin_sent) note_sent(p, p.snd_nxt + static_cast<std::uint32_t>(text) + 1), p.fin_sent = true;
  }

  void act_as_peer() {
    if (driver_.datagrams_waiting() > 12) return;
    if (sniper_ != 0 && one_in(sniper_)) return snipe();
    if (peers_.empty() || one_in(churn_ == 0 ? 30 : 12 / churn_)) {
      Peer& p =
          add_peer(device_address(), one_in(12) ? 7777 : listen_port(static_cast<unsigned>(random_.below(ports_))),
                   peer_address(), peer_port());
      syn(p, SYN);
      return;
    }
    Peer& p = peers_[one_in(2) ? peers_.size() - 1 - random_.below(std::min<std::size_t>(peers_.size(), 4))
                               : random_.below(peers_.size())];
    const std::uint32_t window = std::max<std::uint32_t>(p.window, 1);
    const std::uint64_t what = random_.below(hostility_ == 0 ? 40 : 40 + 2 * hostility_);
    switch (what) {
      case 0:
      case 1:
      case 2:
      case 3:
      case 4:
      case 5:
      case 6:
      case 7:
      case 8:
      case 9: {  // text in order
        const std::size_t burst = one_in(4) ? 1 + random_.below(6) : 1;
        for (std::size_t i = 0; i < burst; ++i) {
          std::size_t text = text_length();
          if (!one_in(8)) {  // mostly no more than the device will take
            const std::uint32_t in_flight = p.snd_nxt - p.snd_una;
            const std::uint32_t room = p.window > in_flight ? p.window - in_flight : 0;
            text = p.fin_sent ? 0 : std::min<std::size_t>(text, room);
          }
          transmit(from(p, p.snd_nxt, one_in(2) ? ACK : ACK | PSH, text));
          if (!p.fin_sent) p.snd_nxt += static_cast<std::uint32_t>(text);
        }
        break;
      }
      case 10:
      case 11:
      case 12:  // a hole
        transmit(from(p, p.snd_nxt + static_cast<std::uint32_t>(1 + random_.below(3000)), ACK, text_length()));
        break;
      case 13:
      case 14:
      case 15: {  // again, overlapping
        const std::uint32_t back = static_cast<std::uint32_t>(random_.below(3000));
        const std::size_t text = text_length();
        transmit(from(p, p.snd_nxt - back, ACK, text));
        if (!p.fin_sent) note_sent(p, p.snd_nxt - back + static_cast<std::uint32_t>(text));
        break;
      }
      case 16:
      case 17:
      case 18: transmit(from(p, p.snd_una, ACK, text_length())); break;  // retransmission
      case 19:
      case 20:
      case 21:
      case 22: transmit(from(p, p.snd_nxt, ACK)); break;  // window update or duplicate
      case 23:
        for (int i = 0; i < 4; ++i) {
          Segment s = from(p, p.snd_nxt, ACK);
          s.window = 65535;
          transmit(s);
        }
        break;
      case 24:
      case 25: fin(p); break;
      case 26: {  // close to the right edge of the window
        const std::uint32_t seq = p.snd_una + window - 3 + static_cast<std::uint32_t>(random_.below(6));
        transmit(from(p, seq, one_in(4) ? ACK | FIN : ACK, random_.below(5)));
        break;
      }
      case 27: transmit(from(p, p.snd_una - 1, ACK, random_.below(2))); break;  // keepalive, zero-window probe
      case 28: {
        Segment s = from(p, p.snd_nxt, ACK);
        s.ack = p.rcv_nxt - static_cast<std::uint32_t>(random_.below(4000));  // old acknowledgment
        transmit(s);
        break;
      }
      case 29: {
        Segment s = from(p, p.snd_nxt, ACK | URG, text_length());
        s.urgent = static_cast<std::uint16_t>(random_.below(3));
        transmit(s);
        break;
      }
      case 30: p.mute = !calm_ && !p.mute; break;
      case 31:  // the same tuple again
        if (one_in(3)) {
          restart(p);
          if (one_in(2)) p.iss = p.snd_una + static_cast<std::uint32_t>(random_.below(100'000)), p.snd_nxt = p.iss + 1;
          syn(p, SYN);
        }
        break;
      case 32:
        if (one_in(2)) transmit(from(p, p.snd_nxt, RST)), restart(p);
        break;
      case 33: {
        Segment s = from(p, p.snd_nxt, ACK);
        s.ack =
            p.rcv_nxt + static_cast<std::uint32_t>(random_.below(one_in(2) ? 2 : 5000));  // partial in flight, future
        transmit(s);
        break;
      }
      case 34: {  // one octet at a time, out of order: fills the ranges
        for (int i = 0; i < 6; ++i) {
          transmit(from(p, p.snd_nxt + 2 * static_cast<std::uint32_t>(random_.below(8)), ACK, 1 + random_.below(3)));
        }
        break;
      }
      case 35:
      case 36:
      case 37:
      case 38:
      case 39: break;
      default: hostile(p, window); break;
    }
  }

  void hostile(Peer& p, std::uint32_t window) {
    const auto any_flags = [&] { return static_cast<std::uint8_t>(random_()); };
    switch (random_.below(14)) {
      case 0: transmit(from(p, p.snd_una + static_cast<std::uint32_t>(random_.below(window)), RST | ACK)); break;
      case 1: transmit(from(p, p.snd_una + window + static_cast<std::uint32_t>(random_.below(3)) - 1, RST)); break;
      case 2: transmit(from(p, random_.u32(), RST)); break;
      case 3: transmit(from(p, p.snd_una + static_cast<std::uint32_t>(random_.below(window)), SYN)); break;
      case 4: transmit(from(p, random_.u32(), SYN | ACK)); break;
      case 5: transmit(from(p, p.snd_nxt, any_flags(), 0)); break;
      case 6: {
        const std::uint32_t seq = p.snd_una + static_cast<std::uint32_t>(random_.below(window));
        const auto flags = static_cast<std::uint8_t>(any_flags() & ~SYN);
        transmit(from(p, seq, flags, random_.below(50)));
        break;
      }
      case 7: {
        Segment s = from(p, p.snd_nxt, ACK);
        s.ack = random_.u32();
        transmit(s);
        break;
      }
      case 8: transmit(from(p, random_.u32(), ACK, text_length())); break;
      case 9: transmit(from(p, p.snd_nxt, 0, random_.below(20))); break;
      case 10: {  // nobody's segment
        Peer stranger;
        stranger.device = device_address(), stranger.device_port = static_cast<std::uint16_t>(random_.below(100));
        stranger.peer = peer_address(), stranger.peer_port = 9;
        stranger.rcv_nxt = random_.u32();
        transmit(from(stranger, random_.u32(), static_cast<std::uint8_t>(any_flags() & ~SYN), random_.below(9)));
        break;
      }
      default: malformed(p); break;
    }
  }

  /// A live connection of the device, preferring those in rare states.
  const Shadow* target() {
    const Shadow* chosen = nullptr;
    std::uint64_t weight = 0;
    for (const Shadow& s : shadow_) {
      if (s.state == 0) continue;
      const std::uint64_t w = s.state == 4 ? 1 : 3;
      weight += w;
      if (random_.below(weight) < w) chosen = &s;
    }
    return chosen;
  }

  /// Aims with the device's own record: numbers at and around every edge that the rules know.
  void snipe() {
    static const RecordField &lip = field("lip"), &lport = field("lport"), &rip = field("rip"), &rport = field("rport"),
                             &rcv_nxt = field("rcv_nxt"), &rcv_adv = field("rcv_adv"), &snd_una = field("snd_una"),
                             &snd_nxt = field("snd_nxt"), &snd_end = field("snd_end"), &irs = field("irs"),
                             &iss = field("iss"), &fin_seq = field("fin_seq"), &ooo_start = field("ooo0.start"),
                             &ooo_end = field("ooo0.end"), &max_wnd = field("max_snd_wnd");
    const Shadow* t = target();
    if (t == nullptr) return;
    const auto get = [&](const RecordField& f) { return static_cast<std::uint32_t>(packed_field(t->record, f)); };
    const auto near = [&] { return static_cast<std::uint32_t>(random_.below(3)) - 1; };
    Peer p;
    p.device = get(lip), p.device_port = static_cast<std::uint16_t>(get(lport));
    p.peer = get(rip), p.peer_port = static_cast<std::uint16_t>(get(rport));
    p.to_device = flow_id(p.peer, p.peer_port, p.device, p.device_port);
    p.rcv_nxt = one_in(2) ? get(snd_nxt)
                          : pick<std::uint32_t>({get(snd_una), get(snd_nxt), get(snd_end), get(snd_end) + 1, get(iss),
                                                 get(snd_una) - get(max_wnd), get(snd_una) + 1460}) +
                                near();
    const std::uint32_t seq =
        one_in(2) ? get(rcv_nxt)
                  : pick<std::uint32_t>({get(rcv_nxt), get(rcv_adv), get(irs), get(fin_seq), get(ooo_start),
                                         get(ooo_end), get(rcv_nxt) + 0x7FFF'FFFF, get(rcv_nxt) + 100'000}) +
                        near();
    std::uint8_t flags = ACK;
    if (one_in(5)) flags = ACK | FIN;
    if (hostility_ > 1 && one_in(6)) {
      flags = pick<std::uint8_t>({RST, RST | ACK, SYN, SYN | ACK, SYN | FIN, 0, URG | ACK, 0xFF, FIN, RST | SYN | ACK});
    }
    if (t->state == 10 && one_in(2)) flags = pick<std::uint8_t>({SYN, SYN, RST, FIN | ACK, RST | ACK});
    const std::size_t text = one_in(2) ? 0 : pick<std::size_t>({1, 1, 2, 3, 536, 1460});
    Segment s = from(p, seq, flags, (flags & SYN) != 0 && one_in(2) ? 0 : text);
    if ((flags & SYN) != 0) s.options = options(1460);
    if ((flags & URG) != 0) s.urgent = static_cast<std::uint16_t>(random_.below(2));
    if (s.options && s.options->bytes.size() + text > 1900) s.options.reset();
    const std::size_t times = one_in(10) ? 4 : 1;
    for (std::size_t i = 0; i < times; ++i) transmit(s);
  }

  void malformed(Peer& p) {
    Segment s = from(p, p.snd_nxt, ACK, random_.below(60));
    switch (random_.below(18)) {
      case 0: s.corrupt_checksum = true; break;
      case 1: s.corrupt_ip_checksum = true; break;
      case 2: s.ip_version = static_cast<std::uint8_t>(random_()); break;
      case 3: s.ihl = static_cast<std::uint8_t>(random_.below(5)); break;
      case 4: s.ihl = 15; break;
      case 5: s.trailer.reset(), s.total_length = static_cast<std::uint16_t>(random_.below(70)); break;
      case 6: s.trailer.reset(), s.total_length = static_cast<std::uint16_t>(random_()); break;
      case 7: s.mf = true; break;
      case 8: s.fragment_offset = static_cast<std::uint16_t>(1 + random_.below(8000)); break;
      case 9: s.protocol = static_cast<std::uint8_t>(random_()); break;
      case 10: s.dst = random_.u32(); break;
      case 11: s.src = pick<std::uint32_t>({0, 0x7F00'0001, 0xE000'0001, 0xFFFF'FFFF, p.device}); break;
      case 12: s.data_offset = static_cast<std::uint8_t>(random_.below(5)); break;
      case 13:
        s.payload = Bytes(), s.options.reset(), s.trailer.reset(),
        s.data_offset = static_cast<std::uint8_t>(6 + random_.below(10));
        break;
      case 14: {  // too long for a slot
        s.payload = Bytes(2040 + random_.below(200));
        fill_flow(*s.payload, p.to_device, *s.seq);
        break;
      }
      case 15: {  // cut off
        Bytes octets = s.build();
        octets.resize(1 + random_.below(octets.size()));
        wire_->push(std::move(octets), driver_.cycle());
        return;
      }
      case 16: {  // noise
        Bytes octets(1 + random_.below(80));
        for (auto& octet : octets) octet = static_cast<std::uint8_t>(random_());
        wire_->push(std::move(octets), driver_.cycle());
        return;
      }
      default: {  // total length just so that a TCP header does not fit
        s.total_length = static_cast<std::uint16_t>(20 + random_.below(22));
        s.ip_options.reset(), s.trailer.reset();
        break;
      }
    }
    transmit(s);
  }

  // ------------------------------------------------------------------------------------------------------- the host

  void command(EngineCommand c) {
    if (draining_ || driver_.commands_waiting() > 12) return;
    ++result_.commands;
    if (options_.log) {
      log("command " + std::string(command_name(c.op)) + " handle " + std::to_string(c.handle) + " len " +
          std::to_string(c.len) + " flags " + std::to_string(c.flags) + " local " + ip_to_string(c.lip) + ":" +
          std::to_string(c.lport) + " remote " + ip_to_string(c.rip) + ":" + std::to_string(c.rport));
    }
    if (c.op == 3) c.payload.resize(c.len);
    driver_.push_command(std::move(c));
  }
  void send(std::uint32_t handle) {
    const std::uint32_t buffer = 1U << options_.dut.tx_buf_log2;
    command({.op = 3,
             .handle = handle,
             .len = pick<std::uint32_t>({1, 2, 9, 100, 1460, 1461, 3000, 0, buffer, buffer + 1,
                                         static_cast<std::uint32_t>(random_.below(4000))})});
  }
  void receive(std::uint32_t handle) {
    if (!one_in(lazy_)) return;
    command({.op = 4,
             .handle = handle,
             .len = pick<std::uint32_t>(
                 {1, 7, 100, 1460, 100'000, 100'000, 0, static_cast<std::uint32_t>(random_.below(4000))})});
  }

  std::uint32_t any_handle() {
    if (!handles_.empty() && !one_in(40)) return handles_[random_.below(handles_.size())];
    if (!listeners_.empty() && one_in(2)) return listeners_[random_.below(listeners_.size())];
    return static_cast<std::uint32_t>(random_.below(1U << 17));
  }

  EngineCommand active_open() {
    EngineCommand c{.op = 2,
                    .flags = static_cast<std::uint8_t>(random_.below(4)),
                    .rip = peer_address(),
                    .lport = static_cast<std::uint16_t>(5000 + random_.below(peer_ports_)),
                    .rport = peer_port()};
    if (one_in(4)) c.lip = device_address();
    if (one_in(30)) c.lip = random_.u32();
    if (one_in(30)) c.rip = pick<std::uint32_t>({0, 0x7F00'0001, 0xE100'0000, addresses_[0]});
    if (one_in(30)) c.rport = 0;
    if (one_in(30)) c.lport = 0;
    return c;
  }

  void act_as_host() {
    std::uint32_t handle = any_handle();
    if (one_in(12)) {
      static const RecordField& gen = field("gen");
      if (const Shadow* t = target()) {
        handle = static_cast<std::uint32_t>(packed_field(t->record, gen) << 10 |
                                            static_cast<std::uint64_t>(t - shadow_.data()));
      }
    }
    if (churn_ > 1 && one_in(12)) return command(one_in(3) ? active_open() : EngineCommand{.op = 5, .handle = handle});
    switch (random_.below(40)) {
      case 0:
      case 1:
      case 2:
      case 3:
      case 4:
      case 5:
      case 6:
      case 7:
      case 8: send(handle); break;
      case 9:
      case 10:
      case 11:
      case 12:
      case 13:
      case 14:
      case 15: receive(handle); break;
      case 16:
      case 17:
      case 18: command(active_open()); break;
      case 19: command({.op = 5, .flags = static_cast<std::uint8_t>(one_in(2) ? 4 : 0), .handle = handle}); break;
      case 20:
        if (one_in(2)) command({.op = 6, .handle = handle});
        break;
      case 21:
      case 22:
      case 23: command({.op = 7, .handle = handle}); break;
      case 24:
      case 25: command({.op = 9, .flags = static_cast<std::uint8_t>(random_.below(4)), .handle = handle}); break;
      case 26:
      case 27:
      case 28:
        if (!listeners_.empty()) command({.op = 8, .handle = listeners_[random_.below(listeners_.size())]});
        break;
      case 29:
        if (one_in(4)) {
          EngineCommand c{.op = 1,
                          .lport = listen_port(static_cast<unsigned>(random_.below(ports_ + 2))),
                          .len = static_cast<std::uint32_t>(random_.below(20))};
          if (one_in(3)) c.lip = device_address();
          if (one_in(3)) c.rip = peer_address();
          if (one_in(4)) c.rport = peer_port();
          if (one_in(20)) c.lip = random_.u32();
          if (one_in(20)) c.lport = 0;
          command(std::move(c));
        }
        break;
      case 30:
        if (!listeners_.empty() && one_in(6)) {  // close a listener, mostly open it again
          const std::size_t which = random_.below(listeners_.size());
          command({.op = static_cast<std::uint8_t>(one_in(2) ? 5 : 6), .handle = listeners_[which]});
          listeners_.erase(listeners_.begin() + static_cast<std::ptrdiff_t>(which));
          if (!one_in(4)) {
            command({.op = 1, .lport = listen_port(static_cast<unsigned>(random_.below(ports_))), .len = 8});
          }
        }
        break;
      case 31:
        if (!listeners_.empty() && one_in(4)) {  // an active open out of LISTEN, by OPEN or by SEND
          EngineCommand c = active_open();
          c.handle = listeners_[random_.below(listeners_.size())];
          if (one_in(2)) c.lport = 0;
          if (one_in(2))
            c.op = 3, c.len = 10;
          else
            c.flags = static_cast<std::uint8_t>(c.flags | 8U);
          command(std::move(c));
        }
        break;
      case 32:
        command({.op = static_cast<std::uint8_t>(random_.below(16)),
                 .flags = static_cast<std::uint8_t>(random_() & 7),
                 .handle = static_cast<std::uint32_t>(random_.below(1U << 17)),
                 .lip = random_.u32(),
                 .rip = random_.u32(),
                 .lport = static_cast<std::uint16_t>(random_()),
                 .rport = static_cast<std::uint16_t>(random_()),
                 .len = static_cast<std::uint32_t>(random_.below(3000))});
        break;
      default: driver_.watch_register(static_cast<std::uint8_t>(random_.below(0x60))); break;
    }
  }

  // ------------------------------------------------------------------------------------------------------- time

  void jump_to_deadline() {
    if (driver_.has_deadline() && driver_.next_deadline() > driver_.now_us() &&
        driver_.next_deadline() - driver_.now_us() < 400'000'000) {
      driver_.jump_to(driver_.next_deadline() - (one_in(8) ? 1 : 0));
    } else {
      driver_.jump_to(driver_.now_us() + 1 + random_.below(1000));
    }
  }

  void act() {
    const std::uint64_t what = random_.below(100);
    if (what < 55)
      act_as_peer();
    else if (what < 92)
      act_as_host();
    else if (what < 97)
      driver_.jump_to(driver_.now_us() + random_.below(pick<std::uint64_t>({3, 100, 3000})));
    else if (!calm_ && one_in(20))
      driver_.jump_to(driver_.now_us() + random_.below(pick<std::uint64_t>({50'000, 2'000'000, 300'000'000})));
    else if (one_in(6))
      jump_to_deadline();
    else if (one_in(30))  // what a clock of 32 bits would take for a short time
      driver_.jump_to(driver_.now_us() + (std::uint64_t{1} << 32) + random_.below(pick<std::uint64_t>({100, 100'000})));
  }

  struct Grant {
    std::uint32_t flow, start;
  };

  SoakOptions options_;
  SoakResult& result_;
  EngineDriver<Engine> driver_;
  Random random_{1};
  std::uint64_t episode_ = 0;
  std::optional<Channel> wire_{};
  std::vector<Peer> peers_{};
  std::vector<std::uint32_t> handles_{}, listeners_{}, addresses_{};
  std::vector<Shadow> shadow_;
  std::vector<
      std::pair<std::array<std::uint32_t, model::kMaxRecordWords>, std::array<std::uint32_t, model::kDeadlineWords>>>
      logged_{};
  std::deque<Grant> send_grants_{}, receive_grants_{};
  bool calm_ = false, draining_ = false;
  std::uint64_t answered_ = 0;
  unsigned ports_ = 1, hostility_ = 1, churn_ = 1, sniper_ = 0, lazy_ = 1, peer_hosts_ = 1, peer_ports_ = 1;
};

/// Calls f with an engine-constructing argument pack of the wanted kind.
template <class F>
void with_engine(const std::string& kind, const DutOptions& options, std::uint64_t seed, F&& f) {
  if (kind == "model")
    f(std::type_identity<ModelEngine>{}, options);
  else if (kind == "rtl")
    f(std::type_identity<OwnedRtl>{}, make_rtl_engine(options, seed));
  else if (kind == "lockstep")
    f(std::type_identity<LockstepEngine<ModelEngine>>{}, options, make_rtl_engine(options, seed), options);
  else
    throw DutError("no device '" + kind + "'; there are model, rtl and lockstep");
}

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

// ---------------------------------------------------------------------------------------------------------- measuring

namespace {

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
    return {driver_.cycle() - start, seconds_since(start_time)};
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
