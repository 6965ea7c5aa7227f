// SPDX-License-Identifier: Apache-2.0
#include "predictor.hpp"

#include <array>
#include <bit>
#include <charconv>
#include <stdexcept>
#include <utility>

namespace tiptoe::dpi {

DutOptions parse_parameters(std::string_view text) {
  DutOptions options{.data_w = 512};
  const std::array<std::pair<std::string_view, unsigned*>, 6> known{{{"DATA_W", &options.data_w},
                                                                     {"CONNS", &options.conns},
                                                                     {"LISTENERS", &options.listeners},
                                                                     {"TX_BUF_LOG2", &options.tx_buf_log2},
                                                                     {"RX_BUF_LOG2", &options.rx_buf_log2},
                                                                     {"TIMER_SCAN", &options.timer_scan}}};
  while (true) {
    const std::size_t first = text.find_first_not_of(" \t,");
    if (first == std::string_view::npos) return options;
    text.remove_prefix(first);
    const std::string_view item = text.substr(0, text.find_first_of(" \t,"));
    text.remove_prefix(item.size());
    const std::size_t equals = item.find('=');
    const auto* entry = known.begin();
    while (entry != known.end() && entry->first != item.substr(0, equals)) ++entry;
    if (equals == std::string_view::npos || entry == known.end()) {
      std::string names;
      for (const auto& [name, value] : known) names += " " + std::string(name);
      throw DutError("'" + std::string(item) + "' is no parameter; write NAME=VALUE with a name of" + names);
    }
    const std::string_view digits = item.substr(equals + 1);
    const auto [end, wrong] = std::from_chars(digits.data(), digits.data() + digits.size(), *entry->second);
    if (wrong != std::errc{} || end != digits.data() + digits.size()) {
      throw DutError("parameter " + std::string(entry->first) + " has no number: '" + std::string(item) + "'");
    }
  }
}

void append_beat(Bytes& to, const std::uint32_t* data, const std::uint32_t* keep, const char* what) {
  const std::uint64_t bits = static_cast<std::uint64_t>(keep[1]) << 32 | keep[0];
  const auto n = static_cast<unsigned>(std::popcount(bits));
  if (bits != (n == 64 ? ~0ULL : (1ULL << n) - 1)) {
    throw DutError(std::string("a beat of ") + what + " has a keep that is not contiguous from bit 0");
  }
  for (unsigned i = 0; i < n; ++i) to.push_back(static_cast<std::uint8_t>(data[i / 4] >> (8 * (i % 4))));
}

bool Assembler::beat(const std::uint32_t* data, const std::uint32_t* keep, bool last, const char* what) {
  if (done_) clear();
  done_ = last;
  append_beat(octets_, data, keep, what);
  if (octets_.size() > kMaxDatagram) {
    const std::size_t size = octets_.size();
    clear();
    throw DutError(std::string("a datagram ") + what + " has " + std::to_string(size) + " octets and no end yet; " +
                   std::to_string(kMaxDatagram) + " are the limit: is `last` connected?");
  }
  return last;
}

Predictor::Predictor(const DutOptions& options) : dut_("model", options, options) {
  dut_.driver().hold_time(true);
  reset(1);
}

void Predictor::reset(std::uint64_t seed) {
  dut_.set_retire_recording(true);
  dut_.reset({.settings = {}, .seed = seed});
  compare_ = EventComparator(rules_);
  begun_ = false;
  pushed.clear(), observed.clear(), payload.clear(), current.clear();
  beat_at = 0, in_datagram = false, records_seen = 0;
  datagrams.clear(), records.clear(), notifications.clear(), flags_.clear();
  collect();
}

void Predictor::mode(bool compare, bool keep) {
  comparing_ = compare;
  keeping_ = keep;
}

void Predictor::set(const std::string& name, std::uint64_t value) {
  dut_.set(name, value);
  dut_.settle();
  collect();
}

void Predictor::rule(const std::string& name, std::uint64_t value) {
  if (begun_) throw DutError("rule '" + name + "' comes too late: rules are given before the first event");
  try {
    rules_.set(name, value);
  } catch (const std::invalid_argument& wrong) {
    throw DutError(wrong.what());
  }
  compare_ = EventComparator(rules_);
}

void Predictor::advance(std::uint64_t now_us) {
  const std::uint64_t now = dut_.now_us();
  if (now_us < now) {
    throw DutError("time goes backwards: " + std::to_string(now_us) + " us after " + std::to_string(now) + " us");
  }
  if (now_us >> 48 != 0) throw DutError("time has 48 bits; " + std::to_string(now_us) + " us do not fit");
  dut_.advance(now_us - now);
  collect();
  if (comparing_) compare_.advance(now_us);
}

std::optional<std::uint64_t> Predictor::next_deadline() {
  dut_.settle();
  if (!dut_.driver().has_deadline()) return std::nullopt;
  return dut_.driver().next_deadline();
}

void Predictor::push(std::uint64_t now_us, ByteView datagram) {
  if (datagram.empty()) throw DutError("an empty datagram cannot be pushed");
  advance(now_us);
  begun_ = true;
  if (comparing_) {
    const Bytes moved = compare_.for_model(datagram);
    compare_.stimulus(now_us, datagram);
    dut_.inject(moved);
  } else {
    dut_.inject(datagram);
  }
  dut_.settle();
  collect();
}

void Predictor::observe(std::uint64_t now_us, ByteView datagram) {
  if (!comparing_) throw DutError("the comparison is switched off (tiptoe_dpi_mode)");
  if (datagram.empty()) throw DutError("an empty datagram cannot be observed");
  advance(now_us);
  begun_ = true;
  compare_.observe(Party::device, Datagram{.bytes = Bytes(datagram.begin(), datagram.end()), .time_us = now_us});
}

void Predictor::observe(const RetireRecord& record) {
  if (!comparing_) throw DutError("the comparison is switched off (tiptoe_dpi_mode)");
  advance(record.time_us);
  begun_ = true;
  compare_.observe(Party::device, record);
}

CallResult Predictor::call(std::uint64_t now_us, const std::string& words,
                           const std::function<CallResult(Dut&)>& what) {
  advance(now_us);
  begun_ = true;
  CallResult result = what(dut_);
  dut_.settle();
  std::vector<RetireRecord> records_of_call = dut_.take_retire_records();
  if (comparing_) {
    Flow flow;
    for (const RetireRecord& r : records_of_call) {
      if (r.kind == 2 && r.connection) flow = {r.local_ip, r.local_port, r.remote_ip, r.remote_port};
    }
    compare_.stimulus(now_us, words, flow);
  }
  collect(std::move(records_of_call));
  return result;
}

void Predictor::finish() {
  if (!comparing_) throw DutError("the comparison is switched off (tiptoe_dpi_mode)");
  if (pushed.pending() || observed.pending()) {
    throw DutError(std::string("a datagram ") + (pushed.pending() ? "to" : "of") +
                   " the device is under way: finish after its last beat");
  }
  compare_.finish();
}

void Predictor::must_keep() const {
  if (!keeping_) throw DutError("nothing is kept: switch it on with tiptoe_dpi_mode(p, compare, 1) before traffic");
}

template <class T>
void Predictor::keep(std::deque<T>& queue, T item, const char* what) {
  if (queue.size() >= kMaxKept) {
    throw DutError(std::to_string(kMaxKept) + " " + what +
                   " wait to be taken: take them, or switch keeping off (tiptoe_dpi_mode)");
  }
  queue.push_back(std::move(item));
}

void Predictor::collect() { collect(dut_.take_retire_records()); }

void Predictor::collect(std::vector<RetireRecord> retired) {
  std::vector<Datagram> sent;
  while (auto datagram = dut_.poll_output()) {
    const std::size_t header = static_cast<std::size_t>(datagram->bytes[0] & 0xFU) * 4;
    flags_.push_back(header + 13 < datagram->bytes.size() ? datagram->bytes[header + 13] : 0);
    sent.push_back(std::move(*datagram));
  }
  for (RetireRecord& record : retired) {
    // Segments leave in the order in which events are retired, and the engine is at rest: each has left.
    if (!record.sent || !flags_.empty()) record.fields |= RetireRecord::has_flags_out;
    if (record.sent && !flags_.empty()) {
      record.flags_out = flags_.front();
      flags_.pop_front();
    }
    if (comparing_) compare_.observe(Party::model, record);
    if (keeping_) keep(records, record, "records");
  }
  for (Datagram& datagram : sent) {
    if (comparing_) compare_.observe(Party::model, datagram);
    if (keeping_) keep(datagrams, std::move(datagram), "datagrams");
  }
  while (const auto note = dut_.poll_notification()) {
    if (keeping_) keep(notifications, *note, "notifications");
  }
}

}  // namespace tiptoe::dpi
