// SPDX-License-Identifier: Apache-2.0
// The C functions of tiptoe_dpi.h: they check handles and numbers, and turn exceptions into sentences.
#include "tiptoe_dpi.h"

#include <exception>
#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "predictor.hpp"

namespace {

using tiptoe::CallResult;
using tiptoe::Dut;
using tiptoe::DutError;
using tiptoe::Handle;
using tiptoe::RetireRecord;
using tiptoe::dpi::Predictor;

/// Which handles are alive, and their names. A handle that is not in here is refused and not followed.
struct Registry {
  std::mutex mutex{};
  std::map<const void*, std::unique_ptr<Predictor>> alive{};
};
Registry& registry() {
  static Registry all;
  return all;
}
thread_local std::string no_handle_error;  // NOLINT(bugprone-dynamic-static-initializers)

Predictor* look_up(const void* handle) {
  Registry& all = registry();
  const std::lock_guard lock(all.mutex);
  const auto found = all.alive.find(handle);
  return found == all.alive.end() ? nullptr : found->second.get();
}

int refuse(const char* function, const void* handle) {
  no_handle_error =
      std::string(function) + (handle == nullptr
                                   ? ": the handle is null; create a predictor first (tiptoe_dpi_create)"
                                   : ": this is no handle of a living predictor; it was destroyed or never created");
  return -1;
}

/// Runs `body(predictor)`, which returns the function's result.
template <class Body>
int guarded(const char* function, void* handle, const Body& body) noexcept {
  try {
    Predictor* predictor = look_up(handle);
    if (predictor == nullptr) return refuse(function, handle);
    try {
      return body(*predictor);
    } catch (const std::exception& error) {
      predictor->last_error = std::string(function) + ": " + error.what();
    } catch (...) {
      predictor->last_error = std::string(function) + ": unknown error";
    }
  } catch (...) {  // no memory for the sentence
  }
  return -1;
}

std::string text_or(const char* text, const char* what) {
  if (text == nullptr) throw DutError(std::string("no ") + what + " is given (null)");
  return text;
}
tiptoe::ByteView octets_of(const std::uint8_t* octets, std::uint32_t length) {
  if (octets == nullptr) throw DutError("no octets are given (null)");
  if (length > tiptoe::dpi::kMaxDatagram) {
    throw DutError("a datagram of " + std::to_string(length) + " octets is too long; " +
                   std::to_string(tiptoe::dpi::kMaxDatagram) + " are the limit");
  }
  return {octets, length};
}
template <class T, class V>
void store(T* to, V value) {
  if (to != nullptr) *to = static_cast<T>(value);
}
std::uint16_t port(std::uint32_t value, const char* what) {
  if (value > 0xFFFFU) throw DutError(std::string(what) + " " + std::to_string(value) + " is no port (0 ... 65535)");
  return static_cast<std::uint16_t>(value);
}
std::string hex(std::uint32_t value) {
  constexpr char digits[] = "0123456789abcdef";
  std::string text = "0x";
  for (int shift = 16; shift >= 0; shift -= 4) text += digits[value >> shift & 0xFU];
  return text;
}

int user_call(const char* function, void* handle, std::uint64_t now, const std::string& words,
              const std::function<CallResult(Predictor&, Dut&)>& what,
              const std::function<void(Predictor&, const CallResult&)>& then) {
  return guarded(function, handle, [&](Predictor& p) {
    const CallResult result = p.call(now, words, [&](Dut& dut) { return what(p, dut); });
    then(p, result);
    return static_cast<int>(result.status);
  });
}
void nothing_more(Predictor&, const CallResult&) {}

std::uint8_t checked(std::uint32_t value, std::uint32_t largest, const char* what) {
  if (value > largest) {
    throw DutError(std::string(what) + " " + std::to_string(value) + " is none (0 ... " + std::to_string(largest) +
                   ")");
  }
  return static_cast<std::uint8_t>(value);
}
tiptoe::State state_of(std::uint32_t value, const char* what) {
  if (value > 10 && value != 15) {
    throw DutError(std::string(what) + " " + std::to_string(value) + " is no state (0 ... 10, or 15 for unknown)");
  }
  return static_cast<tiptoe::State>(value);
}

// The C header repeats these numbers.
static_assert(
    TIPTOE_DPI_REASON == int{RetireRecord::has_reason} && TIPTOE_DPI_STATE == int{RetireRecord::has_state} &&
    TIPTOE_DPI_SENT == int{RetireRecord::has_sent} && TIPTOE_DPI_STATE_BEFORE == int{RetireRecord::has_state_before} &&
    TIPTOE_DPI_TUPLE == int{RetireRecord::has_tuple} && TIPTOE_DPI_FLAGS_OUT == int{RetireRecord::has_flags_out} &&
    TIPTOE_DPI_ISS == int{RetireRecord::has_iss} && TIPTOE_DPI_IRS == int{RetireRecord::has_irs} &&
    TIPTOE_DPI_SND_UNA == int{RetireRecord::has_snd_una} && TIPTOE_DPI_SND_NXT == int{RetireRecord::has_snd_nxt} &&
    TIPTOE_DPI_SND_WND == int{RetireRecord::has_snd_wnd} && TIPTOE_DPI_RCV_NXT == int{RetireRecord::has_rcv_nxt} &&
    TIPTOE_DPI_RCV_WND == int{RetireRecord::has_rcv_wnd} && TIPTOE_DPI_RTO == int{RetireRecord::has_rto});
static_assert(TIPTOE_DPI_MAX_DATAGRAM == tiptoe::dpi::kMaxDatagram && TIPTOE_DPI_MAX_KEPT == tiptoe::dpi::kMaxKept);
constexpr std::uint32_t kFields = 2 * TIPTOE_DPI_RTO - 1;

}  // namespace

extern "C" {

// ---- life

void* tiptoe_dpi_create(const char* name, const char* parameters) {
  try {
    const std::string wanted = name == nullptr ? "" : name;
    auto made = std::make_unique<Predictor>(tiptoe::dpi::parse_parameters(parameters == nullptr ? "" : parameters));
    made->label = wanted;
    Registry& all = registry();
    const std::lock_guard lock(all.mutex);
    for (const auto& [handle, predictor] : all.alive) {
      if (!wanted.empty() && predictor->label == wanted) {
        throw DutError("there is a predictor '" + wanted + "' already; names are for bind modules to find it");
      }
    }
    void* handle = made.get();
    all.alive.emplace(handle, std::move(made));
    return handle;
  } catch (const std::exception& error) {
    no_handle_error = std::string("tiptoe_dpi_create: ") + error.what();
  } catch (...) {
    no_handle_error = "tiptoe_dpi_create: unknown error";
  }
  return nullptr;
}

int tiptoe_dpi_destroy(void* handle) {
  Registry& all = registry();
  const std::lock_guard lock(all.mutex);
  return all.alive.erase(handle) == 1 ? 0 : refuse("tiptoe_dpi_destroy", handle);
}

void* tiptoe_dpi_find(const char* name) {
  if (name == nullptr || *name == '\0') return nullptr;
  Registry& all = registry();
  const std::lock_guard lock(all.mutex);
  for (const auto& [handle, predictor] : all.alive) {
    if (predictor->label == name) return predictor.get();
  }
  return nullptr;
}

const char* tiptoe_dpi_last_error(void* handle) {
  const Predictor* predictor = look_up(handle);
  return predictor == nullptr ? no_handle_error.c_str() : predictor->last_error.c_str();
}

const char* tiptoe_dpi_version(void) { return TIPTOE_VERSION; }

int tiptoe_dpi_reset(void* handle, std::uint64_t seed) {
  return guarded(__func__, handle, [&](Predictor& p) { return p.reset(seed), 0; });
}

int tiptoe_dpi_mode(void* handle, int compare, int keep) {
  return guarded(__func__, handle, [&](Predictor& p) { return p.mode(compare != 0, keep != 0), 0; });
}

int tiptoe_dpi_set(void* handle, const char* name, std::uint64_t value) {
  return guarded(__func__, handle, [&](Predictor& p) { return p.set(text_or(name, "register"), value), 0; });
}

int tiptoe_dpi_get(void* handle, const char* name, std::uint64_t* value) {
  return guarded(__func__, handle, [&](Predictor& p) { return store(value, p.get(text_or(name, "register"))), 0; });
}

int tiptoe_dpi_rule(void* handle, const char* name, std::uint64_t value) {
  return guarded(__func__, handle, [&](Predictor& p) { return p.rule(text_or(name, "rule"), value), 0; });
}

int tiptoe_dpi_set_fault(void* handle, const char* id) {
  return guarded(__func__, handle, [&](Predictor& p) { return p.set_fault(text_or(id, "fault")), 0; });
}

// ---- time

int tiptoe_dpi_advance(void* handle, std::uint64_t now) {
  return guarded(__func__, handle, [&](Predictor& p) { return p.advance(now), 0; });
}

int tiptoe_dpi_next_deadline(void* handle, std::uint64_t* us) {
  return guarded(__func__, handle, [&](Predictor& p) {
    const auto deadline = p.next_deadline();
    store(us, deadline.value_or(0));
    return deadline ? 0 : 1;
  });
}

// ---- datagrams, both directions

int tiptoe_dpi_push(void* handle, std::uint64_t now, const std::uint8_t* octets, std::uint32_t length) {
  return guarded(__func__, handle, [&](Predictor& p) { return p.push(now, octets_of(octets, length)), 0; });
}

int tiptoe_dpi_push_beat(void* handle, std::uint64_t now, const std::uint32_t* data, const std::uint32_t* keep,
                         unsigned char last) {
  return guarded(__func__, handle, [&](Predictor& p) {
    if (p.pushed.beat(data, keep, last != 0, "to the device")) p.push(now, p.pushed.octets());
    return 0;
  });
}

int tiptoe_dpi_observe(void* handle, std::uint64_t now, const std::uint8_t* octets, std::uint32_t length) {
  return guarded(__func__, handle, [&](Predictor& p) { return p.observe(now, octets_of(octets, length)), 0; });
}

int tiptoe_dpi_observe_beat(void* handle, std::uint64_t now, const std::uint32_t* data, const std::uint32_t* keep,
                            unsigned char last) {
  return guarded(__func__, handle, [&](Predictor& p) {
    if (p.observed.beat(data, keep, last != 0, "of the device")) p.observe(now, p.observed.octets());
    return 0;
  });
}

// ---- user calls

int tiptoe_dpi_open_passive(void* handle, std::uint64_t now, std::uint32_t local_ip, std::uint32_t local_port,
                            std::uint32_t remote_ip, std::uint32_t remote_port, std::uint32_t backlog,
                            std::uint32_t* listener) {
  return user_call(
      __func__, handle, now, "OPEN passive, port " + std::to_string(local_port),
      [&](Predictor&, Dut& dut) {
        return dut.open_passive({.local_ip = local_ip,
                                 .local_port = port(local_port, "local port"),
                                 .remote_ip = remote_ip,
                                 .remote_port = port(remote_port, "remote port"),
                                 .backlog = backlog});
      },
      [&](Predictor&, const CallResult& result) { store(listener, result.handle.value); });
}

int tiptoe_dpi_open_active(void* handle, std::uint64_t now, std::uint32_t local_ip, std::uint32_t local_port,
                           std::uint32_t remote_ip, std::uint32_t remote_port, unsigned char nodelay,
                           unsigned char keepalive, std::uint32_t listener, std::uint32_t* connection) {
  return user_call(
      __func__, handle, now,
      "OPEN active, port " + std::to_string(local_port) + " to " + tiptoe::ip_to_string(remote_ip) + ":" +
          std::to_string(remote_port),
      [&](Predictor&, Dut& dut) {
        tiptoe::OpenArgs args{.local_ip = local_ip,
                              .local_port = port(local_port, "local port"),
                              .remote_ip = remote_ip,
                              .remote_port = port(remote_port, "remote port"),
                              .nodelay = nodelay != 0,
                              .keepalive = keepalive != 0};
        if (listener != TIPTOE_DPI_NONE) args.from_listener = Handle{listener};
        return dut.open_active(args);
      },
      [&](Predictor&, const CallResult& result) { store(connection, result.handle.value); });
}

int tiptoe_dpi_accept(void* handle, std::uint64_t now, std::uint32_t listener, std::uint32_t* connection) {
  return user_call(
      __func__, handle, now, "ACCEPT " + hex(listener),
      [&](Predictor&, Dut& dut) { return dut.accept(Handle{listener}); },
      [&](Predictor&, const CallResult& result) { store(connection, result.handle.value); });
}

int tiptoe_dpi_payload_octet(void* handle, unsigned char octet) {
  return guarded(__func__, handle, [&](Predictor& p) { return p.payload.push_back(octet), 0; });
}

int tiptoe_dpi_payload_beat(void* handle, const std::uint32_t* data, const std::uint32_t* keep) {
  return guarded(__func__, handle, [&](Predictor& p) {
    tiptoe::dpi::append_beat(p.payload, data, keep, "the payload");
    return 0;
  });
}

int tiptoe_dpi_send(void* handle, std::uint64_t now, std::uint32_t connection, std::uint32_t* taken) {
  const Predictor* given = look_up(handle);
  const std::size_t size = given == nullptr ? 0 : given->payload.size();
  return user_call(
      __func__, handle, now, "SEND " + std::to_string(size) + " octets on " + hex(connection),
      [&](Predictor& p, Dut& dut) {
        const tiptoe::Bytes payload = std::exchange(p.payload, {});
        return dut.send(Handle{connection}, payload);
      },
      [&](Predictor&, const CallResult& result) { store(taken, result.length); });
}

int tiptoe_dpi_receive(void* handle, std::uint64_t now, std::uint32_t connection, std::uint32_t most,
                       std::uint32_t* length) {
  return user_call(
      __func__, handle, now, "RECEIVE at most " + std::to_string(most) + " octets of " + hex(connection),
      [&](Predictor&, Dut& dut) { return dut.receive(Handle{connection}, most); },
      [&](Predictor& p, const CallResult& result) {
        store(length, result.data.size());
        p.current = result.data;
        p.in_datagram = false;
      });
}

int tiptoe_dpi_close(void* handle, std::uint64_t now, std::uint32_t connection, unsigned char half) {
  return user_call(
      __func__, handle, now, "CLOSE " + hex(connection),
      [&](Predictor&, Dut& dut) { return dut.close(Handle{connection}, half != 0); }, nothing_more);
}

int tiptoe_dpi_abort(void* handle, std::uint64_t now, std::uint32_t connection) {
  return user_call(
      __func__, handle, now, "ABORT " + hex(connection),
      [&](Predictor&, Dut& dut) { return dut.abort(Handle{connection}); }, nothing_more);
}

int tiptoe_dpi_status(void* handle, std::uint64_t now, std::uint32_t connection, std::uint32_t* state,
                      std::uint32_t* readable, std::uint32_t* room) {
  return user_call(
      __func__, handle, now, "STATUS " + hex(connection),
      [&](Predictor&, Dut& dut) { return dut.status(Handle{connection}); },
      [&](Predictor&, const CallResult& result) {
        store(state, result.state);
        store(readable, result.readable);
        store(room, result.room);
      });
}

int tiptoe_dpi_set_options(void* handle, std::uint64_t now, std::uint32_t connection, unsigned char nodelay,
                           unsigned char keepalive) {
  return user_call(
      __func__, handle, now, "SETOPT " + hex(connection),
      [&](Predictor&, Dut& dut) { return dut.set_options(Handle{connection}, nodelay != 0, keepalive != 0); },
      nothing_more);
}

// ---- what the model did

int tiptoe_dpi_pop(void* handle, std::uint32_t* length, std::uint64_t* time_us) {
  return guarded(__func__, handle, [&](Predictor& p) {
    p.must_keep();
    store(length, 0U);
    if (p.datagrams.empty()) return 1;
    p.current = std::move(p.datagrams.front().bytes);
    store(time_us, p.datagrams.front().time_us);
    p.datagrams.pop_front();
    store(length, p.current.size());
    p.in_datagram = true;
    p.beat_at = 0;
    return 0;
  });
}

int tiptoe_dpi_octet(void* handle, std::uint32_t index) {
  return guarded(__func__, handle, [&](Predictor& p) -> int {
    if (index >= p.current.size()) {
      throw DutError("there is no octet " + std::to_string(index) + "; what was taken last has " +
                     std::to_string(p.current.size()));
    }
    return p.current[index];
  });
}

int tiptoe_dpi_pop_beat(void* handle, std::uint32_t octets, std::uint32_t* data, std::uint32_t* keep,
                        unsigned char* last) {
  return guarded(__func__, handle, [&](Predictor& p) {
    if (octets < 1 || octets > 64) throw DutError("a beat has 1 to 64 octets, not " + std::to_string(octets));
    if (!p.in_datagram) {
      const int status = tiptoe_dpi_pop(handle, nullptr, nullptr);
      if (status != 0) return status;
    }
    std::fill(data, data + 16, 0U);
    std::uint64_t bits = 0;
    for (std::uint32_t i = 0; i < octets && p.beat_at < p.current.size(); ++i, ++p.beat_at) {
      data[i / 4] |= static_cast<std::uint32_t>(p.current[p.beat_at]) << (8 * (i % 4));
      bits |= 1ULL << i;
    }
    keep[0] = static_cast<std::uint32_t>(bits);
    keep[1] = static_cast<std::uint32_t>(bits >> 32);
    p.in_datagram = p.beat_at < p.current.size();
    *last = p.in_datagram ? 0 : 1;
    return 0;
  });
}

int tiptoe_dpi_pop_record(void* handle, std::uint64_t* time_us, std::uint32_t* kind, std::uint32_t* fields,
                          std::uint32_t* connection, std::uint32_t* local_ip, std::uint32_t* local_port,
                          std::uint32_t* remote_ip, std::uint32_t* remote_port, std::uint32_t* state_before,
                          std::uint32_t* state, std::uint32_t* reason, std::uint32_t* sent, std::uint32_t* flags_out,
                          std::uint32_t* iss, std::uint32_t* irs, std::uint32_t* snd_una, std::uint32_t* snd_nxt,
                          std::uint32_t* snd_wnd, std::uint32_t* rcv_nxt, std::uint32_t* rcv_wnd, std::uint32_t* rto) {
  return guarded(__func__, handle, [&](Predictor& p) {
    p.must_keep();
    if (p.records.empty()) return 1;
    const RetireRecord r = p.records.front();
    p.records.pop_front();
    store(time_us, r.time_us);
    store(kind, r.kind);
    store(fields, r.fields);
    store(connection, r.connection ? std::uint32_t{*r.connection} : TIPTOE_DPI_NONE);
    store(local_ip, r.local_ip);
    store(local_port, r.local_port);
    store(remote_ip, r.remote_ip);
    store(remote_port, r.remote_port);
    store(state_before, r.state_before);
    store(state, r.state);
    store(reason, r.reason);
    store(sent, r.sent ? 1U : 0U);
    store(flags_out, r.flags_out);
    store(iss, r.iss);
    store(irs, r.irs);
    store(snd_una, r.snd_una);
    store(snd_nxt, r.snd_nxt);
    store(snd_wnd, r.snd_wnd);
    store(rcv_nxt, r.rcv_nxt);
    store(rcv_wnd, r.rcv_wnd);
    store(rto, r.rto);
    return 0;
  });
}

int tiptoe_dpi_pop_notification(void* handle, std::uint32_t* connection, std::uint32_t* flags) {
  return guarded(__func__, handle, [&](Predictor& p) {
    p.must_keep();
    if (p.notifications.empty()) return 1;
    store(connection, p.notifications.front().handle.value);
    store(flags, p.notifications.front().flags);
    p.notifications.pop_front();
    return 0;
  });
}

// ---- what the device did

int tiptoe_dpi_record(void* handle, std::uint64_t now, std::uint32_t kind, std::uint32_t fields,
                      std::uint32_t connection, std::uint32_t local_ip, std::uint32_t local_port,
                      std::uint32_t remote_ip, std::uint32_t remote_port, std::uint32_t state_before,
                      std::uint32_t state, std::uint32_t reason, std::uint32_t sent, std::uint32_t flags_out,
                      std::uint32_t iss, std::uint32_t irs, std::uint32_t snd_una, std::uint32_t snd_nxt,
                      std::uint32_t snd_wnd, std::uint32_t rcv_nxt, std::uint32_t rcv_wnd, std::uint32_t rto) {
  return guarded(__func__, handle, [&](Predictor& p) {
    if ((fields & ~kFields) != 0) throw DutError("the mask of fields has unknown bits: " + std::to_string(fields));
    RetireRecord r{.kind = checked(kind, 5, "kind"), .time_us = now};
    if (connection != TIPTOE_DPI_NONE) {
      if (connection > 0xFFFFU) throw DutError("connection numbers have 16 bits, not " + std::to_string(connection));
      r.connection = static_cast<std::uint16_t>(connection);
    }
    r.order = p.records_seen++;
    r.fields = fields;
    r.local_ip = local_ip;
    r.local_port = port(local_port, "local port");
    r.remote_ip = remote_ip;
    r.remote_port = port(remote_port, "remote port");
    if ((fields & TIPTOE_DPI_STATE_BEFORE) != 0) r.state_before = state_of(state_before, "state before");
    if ((fields & TIPTOE_DPI_STATE) != 0) r.state = state_of(state, "state");
    r.reason = checked(reason, 255, "reason");
    r.sent = sent != 0;
    r.flags_out = checked(flags_out, 255, "set of flags");
    r.iss = iss, r.irs = irs, r.snd_una = snd_una, r.snd_nxt = snd_nxt, r.snd_wnd = snd_wnd;
    r.rcv_nxt = rcv_nxt, r.rcv_wnd = rcv_wnd, r.rto = rto;
    p.observe(r);
    return 0;
  });
}

// ---- verdict

int tiptoe_dpi_mismatches(void* handle) {
  return guarded(__func__, handle, [](Predictor& p) { return static_cast<int>(p.comparison().mismatches().size()); });
}

const char* tiptoe_dpi_mismatch(void* handle, std::uint32_t number) {
  const char* text = "";
  guarded(__func__, handle, [&](Predictor& p) {
    const auto& all = p.comparison().mismatches();
    p.last_text = number < all.size() ? all[number].text : "";
    text = p.last_text.c_str();
    return 0;
  });
  return text;
}

int tiptoe_dpi_finish(void* handle) {
  return guarded(__func__, handle, [](Predictor& p) { return p.finish(), 0; });
}

std::uint64_t tiptoe_dpi_compared(void* handle, std::uint32_t what) {
  std::uint64_t value = 0;
  guarded(__func__, handle, [&](Predictor& p) {
    const auto& c = p.comparison().counts();
    switch (what) {
      case 0: value = c.segments; break;
      case 1: value = c.acks; break;
      case 2: value = c.excused; break;
      case 3: value = c.records; break;
      default: throw DutError("there is no count " + std::to_string(what) + " (0 ... 3)");
    }
    return 0;
  });
  return value;
}

const char* tiptoe_dpi_summary(void* handle) {
  const char* text = "";
  guarded(__func__, handle, [&](Predictor& p) {
    p.last_text = p.comparison().summary();
    text = p.last_text.c_str();
    return 0;
  });
  return text;
}

}  // extern "C"
