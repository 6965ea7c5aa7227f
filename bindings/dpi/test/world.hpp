// SPDX-License-Identifier: Apache-2.0
// A device, a peer, a wire between them that loses, repeats, reorders and corrupts, users on both sides, and a
// predictor that is told what the device receives, sends, retires and is asked for. The device is the model again, at
// another bus width, with back-pressure, another ISN key and connection numbers of its own: a stranger's design as far
// as the comparison is concerned, without an RTL build.
#pragma once

#include <algorithm>
#include <string>
#include <vector>

#include "model_engine.hpp"
#include "tiptoe/engine_dut.hpp"
#include "tiptoe/link.hpp"
#include "tiptoe/random.hpp"
#include "tiptoe/segment.hpp"
#include "tiptoe_dpi.h"

namespace tiptoe::test {

struct WorldOptions {
  std::uint64_t seed = 1;
  unsigned operations = 300;   ///< user calls and strays
  LinkFaults wire{};           ///< both directions
  bool strays = true;          ///< old datagrams again, with random changes
  std::string fault = "none";  ///< in the model that predicts
  std::string device_fault = "none";
  unsigned device_dack_us = 200'000;
};

class World {
 public:
  static constexpr std::uint32_t kDevice = 0x0A000001, kPeer = 0x0A000002;

  explicit World(const WorldOptions& options)
      : options_(options),
        random_(options.seed),
        device_("device", kDeviceOptions, kDeviceOptions),
        peer_("peer", kPeerOptions, kPeerOptions),
        predictor_(tiptoe_dpi_create("", "CONNS=16 LISTENERS=4")),
        to_device_(options.wire, options.seed * 2 + 1),
        to_peer_(options.wire, options.seed * 2 + 2) {
    device_.set_retire_recording(true);
    device_.reset({.settings = {{"LOCAL_IP0", kDevice}, {"DACK", options.device_dack_us}, {"CH_LIMIT", 255}},
                   .seed = options.seed + 100});
    device_.set_fault(options.device_fault);
    peer_.driver().hold_time(true);
    peer_.reset({.settings = {{"LOCAL_IP0", kPeer}}, .seed = options.seed + 200});
    tiptoe_dpi_reset(predictor_, options.seed + 300);
    tiptoe_dpi_set(predictor_, "LOCAL_IP0", kDevice);
    tiptoe_dpi_set(predictor_, "CH_LIMIT", 255);  // its window depends on the ISN, and the ISNs differ
    tiptoe_dpi_set_fault(predictor_, options.fault.c_str());
  }
  World(const World&) = delete;
  World& operator=(const World&) = delete;
  ~World() { tiptoe_dpi_destroy(predictor_); }

  /// Runs everything; afterwards complaints() and the predictor have the verdict.
  void run() {
    both("listen", device_.open_passive({.local_port = 80, .backlog = 8}),
         [&](std::uint32_t& handle) { return tiptoe_dpi_open_passive(predictor_, now(), 0, 80, 0, 0, 8, &handle); });
    if (!calls_.empty()) listener_ = calls_.back();
    peer_.open_passive({.local_port = 90, .backlog = 8});
    for (unsigned i = 0; i < options_.operations && mismatches() == 0 && complaints_.empty(); ++i) {
      pass(random_.chance(700'000) ? random_.below(3'000) : random_.below(400'000));
      quieten();
      operate();
    }
    for (int i = 0; i < 40; ++i) pass(500'000);
    check(tiptoe_dpi_advance(predictor_, now()));
    check(tiptoe_dpi_finish(predictor_));
  }

  void* predictor() noexcept { return predictor_; }
  int mismatches() { return tiptoe_dpi_mismatches(predictor_); }
  std::string first_mismatch() { return tiptoe_dpi_mismatch(predictor_, 0); }
  std::string summary() { return tiptoe_dpi_summary(predictor_); }
  const std::vector<std::string>& complaints() const noexcept { return complaints_; }
  std::uint64_t now() const { return device_.now_us(); }

 private:
  struct Pair {
    Handle device;
    std::uint32_t model = 0;
  };
  static inline const DutOptions kDeviceOptions{.data_w = 64, .conns = 16, .listeners = 4, .random_stalls = true};
  static inline const DutOptions kPeerOptions{.data_w = 512, .conns = 16, .listeners = 4};

  void check(int status) {
    if (status < 0) complaints_.push_back(tiptoe_dpi_last_error(predictor_));
  }
  template <class Call>
  bool both(const char* what, const CallResult& device, const Call& model) {
    watch_device();
    std::uint32_t handle = 0;
    const int status = model(handle);
    check(status);
    if (status != static_cast<int>(device.status)) {
      complaints_.push_back(std::string(what) + ": the device says " + to_string(device.status) + ", the model " +
                            to_string(static_cast<CallStatus>(status)) + " at " + std::to_string(now()) + " us");
    }
    if (device && device.handle.value != 0xFFFF'FFFF) calls_.push_back({device.handle, handle});
    return static_cast<bool>(device);
  }

  /// What has come out of the device by now, in the order in which a bench would have seen it.
  void watch_device(std::optional<Datagram> out = {}) {
    const auto records = device_.take_retire_records();
    auto record = records.begin();
    if (!out) out = device_.poll_output();
    for (; out; out = device_.poll_output()) {
      while (record != records.end() && record->time_us <= out->time_us) saw(*record++);
      saw(std::move(*out));
    }
    while (record != records.end()) saw(*record++);
    while (device_.poll_notification()) {
    }
  }
  void saw(const RetireRecord& r) {
    // Its own numbers for connections; no ISS, so that the SYN has to tell.
    const std::uint32_t fields = r.fields & ~std::uint32_t{RetireRecord::has_iss};
    check(tiptoe_dpi_record(predictor_, r.time_us, r.kind, fields,
                            r.connection ? 500U - *r.connection : TIPTOE_DPI_NONE, r.local_ip, r.local_port,
                            r.remote_ip, r.remote_port, static_cast<std::uint32_t>(r.state_before),
                            static_cast<std::uint32_t>(r.state), r.reason, r.sent ? 1 : 0, r.flags_out, 0, r.irs,
                            r.snd_una, r.snd_nxt, r.snd_wnd, r.rcv_nxt, r.rcv_wnd, r.rto));
  }
  void saw(Datagram out) {
    check(tiptoe_dpi_observe(predictor_, out.time_us, out.bytes.data(), static_cast<std::uint32_t>(out.bytes.size())));
    to_peer_.push(std::move(out.bytes), out.time_us);
  }
  void deliver(const Bytes& octets) {
    device_.inject(octets);
    watch_device();
    check(tiptoe_dpi_push(predictor_, now(), octets.data(), static_cast<std::uint32_t>(octets.size())));
    if (history_.size() < 64)
      history_.push_back(octets);
    else
      history_[random_.below(64)] = octets;
  }
  void peers_turn() {
    if (now() > peer_.now_us()) peer_.advance(now() - peer_.now_us());
    while (auto due = to_peer_.pop(now())) {
      peer_.inject(due->bytes);
      peer_.settle();
    }
    while (auto out = peer_.poll_output()) to_device_.push(std::move(out->bytes), now());
    while (peer_.poll_notification()) {
    }
  }

  void pass(std::uint64_t us) {
    const std::uint64_t until = now() + us;
    while (now() < until) {
      std::uint64_t next = until;
      for (const Channel* channel : {&to_device_, &to_peer_}) {
        if (const auto due = channel->next()) next = std::min(next, *due);
      }
      if (peer_.driver().has_deadline()) next = std::min(next, peer_.driver().next_deadline());
      watch_device(device_.run_until_output(next > now() ? next - now() : 0));
      while (auto due = to_device_.pop(now())) deliver(due->bytes);
      peers_turn();
      check(tiptoe_dpi_advance(predictor_, now()));
      if (mismatches() != 0 || !complaints_.empty()) return;
    }
  }
  /// A user call finds the device at rest: what races with it is the bench's business.
  void quieten() {
    device_.settle();
    watch_device();
  }

  void operate() {
    const std::uint64_t draw = random_.below(100);
    Pair* pair = calls_.size() < 2 ? nullptr : &calls_[1 + random_.below(calls_.size() - 1)];
    const std::uint32_t peer = peers_.empty() ? 0 : peers_[random_.below(peers_.size())];
    if (draw < 8) {
      const auto result =
          peer_.open_active({.local_port = static_cast<std::uint16_t>(5000 + random_.below(12)),
                             .remote_ip = kDevice,
                             .remote_port = static_cast<std::uint16_t>(random_.chance(50'000) ? 81 : 80)});
      if (result) peers_.push_back(result.handle.value);
    } else if (draw < 11) {
      const auto port = static_cast<std::uint16_t>(6000 + random_.below(6));
      both("open", device_.open_active({.local_port = port, .remote_ip = kPeer, .remote_port = 90}),
           [&](std::uint32_t& h) {
             return tiptoe_dpi_open_active(predictor_, now(), 0, port, kPeer, 90, 0, 0, TIPTOE_DPI_NONE, &h);
           });
    } else if (draw < 22) {
      if (const auto result = peer_.accept(peer_listener_)) peers_.push_back(result.handle.value);
      both("accept", device_.accept(listener_.device),
           [&](std::uint32_t& h) { return tiptoe_dpi_accept(predictor_, now(), listener_.model, &h); });
    } else if (draw < 45 && pair != nullptr) {
      send(*pair);
    } else if (draw < 60 && pair != nullptr) {
      receive(*pair);
    } else if (draw < 63 && pair != nullptr) {
      const Pair p = *pair;
      both("close", nothing(device_.close(p.device, false)),
           [&](std::uint32_t&) { return tiptoe_dpi_close(predictor_, now(), p.model, 0); });
    } else if (draw < 64 && pair != nullptr) {
      const Pair p = *pair;
      both("abort", nothing(device_.abort(p.device)),
           [&](std::uint32_t&) { return tiptoe_dpi_abort(predictor_, now(), p.model); });
    } else if (draw < 82) {
      peer_.send(Handle{peer}, pattern(1 + random_.below(5000), stream_++));
    } else if (draw < 90) {
      peer_.receive(Handle{peer}, 65535);
    } else if (draw < 92) {
      random_.chance(800'000) ? peer_.close(Handle{peer}, false) : peer_.abort(Handle{peer});
    } else if (options_.strays && !history_.empty()) {
      stray();
    }
    peers_turn();
  }
  static CallResult nothing(CallResult result) {
    result.handle.value = 0xFFFF'FFFF;
    return result;
  }
  void send(const Pair p) {
    Bytes octets = pattern(1 + random_.below(6000), stream_++);
    const CallResult result = nothing(device_.send(p.device, octets));
    if (result) octets.resize(result.length);
    both("send", result, [&](std::uint32_t&) {
      for (const std::uint8_t octet : octets) tiptoe_dpi_payload_octet(predictor_, octet);
      std::uint32_t taken = 0;
      const int status = tiptoe_dpi_send(predictor_, now(), p.model, &taken);
      if (status == 0 && taken != octets.size()) complaints_.push_back("send: the model took another number of octets");
      return status;
    });
  }
  void receive(const Pair p) {
    const CallResult result = nothing(device_.receive(p.device, static_cast<std::uint32_t>(1 + random_.below(8000))));
    both("receive", result, [&](std::uint32_t&) {
      std::uint32_t length = 0;
      const int status = tiptoe_dpi_receive(predictor_, now(), p.model, result.length, &length);
      Bytes got(length);
      for (std::uint32_t i = 0; i < length; ++i) got[i] = static_cast<std::uint8_t>(tiptoe_dpi_octet(predictor_, i));
      if (status == 0 && result.length != 0 && got != result.data) complaints_.push_back("receive: other octets");
      return result.length == 0 && !result ? static_cast<int>(result.status) : status;
    });
  }
  void stray() {
    Segment s = Segment::parse(history_[random_.below(history_.size())]);
    s.checksum.reset(), s.ip_checksum.reset();
    switch (random_.below(7)) {
      case 0: s.seq = *s.seq + static_cast<std::uint32_t>(random_.below(200'000)) - 100'000; break;
      case 1: s.ack = s.ack.value_or(0) + static_cast<std::uint32_t>(random_.below(200'000)) - 100'000; break;
      case 2: s.flags = static_cast<std::uint8_t>(random_.below(64)); break;
      case 3: s.corrupt_checksum = true; break;
      case 4: s.window = static_cast<std::uint16_t>(random_.below(3) * 1000); break;
      case 5: s.ttl = 3, s.total_length = static_cast<std::uint16_t>(20 + random_.below(40)); break;
      default: break;  // as it was
    }
    deliver(s.build());
  }

  WorldOptions options_;
  Random random_;
  EngineDut<ModelEngine> device_, peer_;
  void* predictor_;
  Channel to_device_, to_peer_;
  std::vector<Pair> calls_{};  ///< [0] is the listener
  Pair listener_{};
  Handle peer_listener_{0x10000};
  std::vector<std::uint32_t> peers_{};
  std::vector<Bytes> history_{};
  std::vector<std::string> complaints_{};
  std::uint64_t stream_ = 1;
};

}  // namespace tiptoe::test
