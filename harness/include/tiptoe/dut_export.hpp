// SPDX-License-Identifier: Apache-2.0
// The way back: any C++ tiptoe::Dut as a shared object with the C ABI of tiptoe/dut_abi.h. Header only; the device
// links nothing of tiptoe.
//
//   #include "tiptoe/dut_export.hpp"
//   class Mine : public tiptoe::Dut { ... };
//   static std::unique_ptr<tiptoe::Dut> make(const std::string& arguments) { return std::make_unique<Mine>(arguments);
//   } TIPTOE_EXPORT_DUT("mine", make)
//
//   g++ -std=c++20 -shared -fPIC -fvisibility=hidden -I harness/include mine.cpp -o mine.so && tiptoe run --dut
//   ./mine.so
//
// All functions of the table are there. What the device does not override throws DutUnsupported and so becomes
// TIPTOE_UNSUPPORTED; the capability file says beforehand what is there. TIPTOE_EXPORT_DUT_L0 leaves user calls,
// settings and counters out of the table. Exceptions: DutUnsupported, DutHang and DutError become their codes; any
// other exception from the factory or a method is TIPTOE_ERROR with its text.
#pragma once

#include <cstddef>
#include <cstdio>
#include <cstring>
#include <deque>
#include <exception>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "tiptoe/dut.hpp"
#include "tiptoe/dut_abi.h"

namespace tiptoe::exported {

using Factory = std::unique_ptr<Dut> (*)(const std::string& arguments);

/// What a tiptoe_dut* of ours points to.
struct Instance {
  std::unique_ptr<Dut> dut;
  std::string error{};
  std::string description{};
  std::deque<Datagram> outputs{};  ///< taken from the device, not by the caller yet
  std::deque<RetireRecord> records{};
};

inline Instance& of(tiptoe_dut* p) { return *reinterpret_cast<Instance*>(p); }

/// Runs f(Instance&), which gives a tiptoe_rc; nothing is thrown further.
template <class F>
tiptoe_rc guarded(tiptoe_dut* p, F&& f) noexcept {
  Instance& i = of(p);
  const auto failed = [&i](tiptoe_rc rc, const char* what) noexcept {
    try {
      i.error = what;
    } catch (...) {
      i.error.clear();
    }
    return rc;
  };
  try {
    return std::forward<F>(f)(i);
  } catch (const DutUnsupported& e) {
    return failed(TIPTOE_UNSUPPORTED, e.what());
  } catch (const DutHang& e) {
    return failed(TIPTOE_HANG, e.what());
  } catch (const std::exception& e) {
    return failed(TIPTOE_ERROR, e.what());
  } catch (...) {
    return failed(TIPTOE_ERROR, "something that is no std::exception was thrown");
  }
}

/// A user call.
template <class F>
tiptoe_rc call(tiptoe_dut* p, tiptoe_call_result* out, F&& f) noexcept {
  return guarded(p, [&](Instance& i) {
    const CallResult r = std::forward<F>(f)(*i.dut);
    *out = {static_cast<std::uint32_t>(r.status), r.handle.value, r.length,
            static_cast<std::uint32_t>(r.state),  r.readable,     r.room};
    return TIPTOE_OK;
  });
}

inline OpenArgs open_args(const tiptoe_open_args& a) {
  OpenArgs out;
  out.local_ip = a.local_ip;
  out.local_port = a.local_port;
  out.remote_ip = a.remote_ip;
  out.remote_port = a.remote_port;
  out.backlog = a.backlog;
  out.nodelay = a.nodelay != 0;
  out.keepalive = a.keepalive != 0;
  if (a.has_from_listener != 0) out.from_listener = Handle{a.from_listener};
  return out;
}

template <Factory factory>
tiptoe_dut* create(const char* arguments, char* error, std::size_t error_size) noexcept {
  const auto say = [&](const char* text) {
    if (error != nullptr && error_size > 0) std::snprintf(error, error_size, "%s", text);
  };
  try {
    std::unique_ptr<Dut> dut = factory(arguments != nullptr ? arguments : "");
    if (dut == nullptr) {
      say("the factory made nothing");
      return nullptr;
    }
    return reinterpret_cast<tiptoe_dut*>(new Instance{.dut = std::move(dut)});
  } catch (const std::exception& e) {
    say(e.what());
  } catch (...) {
    say("something that is no std::exception was thrown");
  }
  return nullptr;
}

inline tiptoe_rc reset(tiptoe_dut* p, const tiptoe_setting* settings, std::size_t count, std::uint64_t seed) noexcept {
  return guarded(p, [&](Instance& i) {
    DutConfig config{.settings = {}, .seed = seed};
    for (std::size_t n = 0; n < count; ++n) config.settings.emplace_back(settings[n].name, settings[n].value);
    i.outputs.clear();
    i.records.clear();
    i.dut->reset(config);
    return TIPTOE_OK;
  });
}

inline tiptoe_rc poll_output(tiptoe_dut* p, std::uint8_t* octets, std::size_t capacity, tiptoe_output* out) noexcept {
  return guarded(p, [&](Instance& i) {
    if (i.outputs.empty()) {
      std::optional<Datagram> next = i.dut->poll_output();
      if (!next) return TIPTOE_NONE;
      i.outputs.push_back(std::move(*next));
    }
    const Datagram& d = i.outputs.front();
    if (d.bytes.size() > capacity) {
      throw DutError("a datagram of " + std::to_string(d.bytes.size()) + " octets does not fit into " +
                     std::to_string(capacity));
    }
    if (!d.bytes.empty()) std::memcpy(octets, d.bytes.data(), d.bytes.size());
    *out = {d.time_us, d.cycle, static_cast<std::uint32_t>(d.bytes.size())};
    i.outputs.pop_front();
    return TIPTOE_OK;
  });
}

inline tiptoe_rc run(tiptoe_dut* p, std::uint64_t until_us, int stop_at_output) noexcept {
  return guarded(p, [&](Instance& i) {
    const std::uint64_t now = i.dut->now_us();
    const std::uint64_t span = until_us > now ? until_us - now : 0;
    if (stop_at_output == 0) {
      i.dut->advance(span);
    } else if (i.outputs.empty()) {
      if (auto got = i.dut->run_until_output(span)) i.outputs.push_back(std::move(*got));
    }
    return TIPTOE_OK;
  });
}

inline const char* description(tiptoe_dut* p) noexcept {
  Instance& i = of(p);
  guarded(p, [](Instance& one) {
    one.description = one.dut->description();
    return TIPTOE_OK;
  });
  return i.description.c_str();
}

inline tiptoe_rc poll_record(tiptoe_dut* p, tiptoe_record* out) noexcept {
  return guarded(p, [&](Instance& i) {
    if (i.records.empty()) {
      for (RetireRecord& r : i.dut->take_retire_records()) i.records.push_back(r);
      if (i.records.empty()) return TIPTOE_NONE;
    }
    const RetireRecord& r = i.records.front();
    *out = {};
    out->cycle = r.cycle;
    out->time_us = r.time_us;
    out->order = r.order;
    out->fields = r.fields;
    out->kind = r.kind;
    out->reason = r.reason;
    out->flags_out = r.flags_out;
    out->local_ip = r.local_ip;
    out->remote_ip = r.remote_ip;
    out->local_port = r.local_port;
    out->remote_port = r.remote_port;
    out->iss = r.iss;
    out->irs = r.irs;
    out->snd_una = r.snd_una;
    out->snd_nxt = r.snd_nxt;
    out->snd_wnd = r.snd_wnd;
    out->rcv_nxt = r.rcv_nxt;
    out->rcv_wnd = r.rcv_wnd;
    out->rto = r.rto;
    out->connection = r.connection ? *r.connection : 0xFFFF'FFFFU;
    out->state = static_cast<std::uint8_t>(r.state);
    out->state_before = static_cast<std::uint8_t>(r.state_before);
    out->sent = r.sent ? 1 : 0;
    i.records.pop_front();
    return TIPTOE_OK;
  });
}

/// Life and level L0.
template <Factory factory>
tiptoe_dut_api table_l0(const char* name) {
  tiptoe_dut_api t{};
  t.abi_major = TIPTOE_DUT_ABI_MAJOR;
  t.abi_minor = TIPTOE_DUT_ABI_MINOR;
  t.size = sizeof t;
  t.name = name;
  t.create = &create<factory>;
  t.destroy = [](tiptoe_dut* p) { delete &of(p); };
  t.last_error = [](tiptoe_dut* p) { return of(p).error.c_str(); };
  t.reset = &reset;
  t.inject = [](tiptoe_dut* p, const std::uint8_t* octets, std::size_t length) {
    return guarded(p, [&](Instance& i) {
      i.dut->inject({octets, length});
      return TIPTOE_OK;
    });
  };
  t.poll_output = &poll_output;
  t.run = &run;
  t.now_us = [](tiptoe_dut* p) { return of(p).dut->now_us(); };
  t.description = &description;
  t.cycles = [](tiptoe_dut* p) { return of(p).dut->cycles(); };
  t.settle = [](tiptoe_dut* p) {
    return guarded(p, [](Instance& i) {
      i.dut->settle();
      return TIPTOE_OK;
    });
  };
  return t;
}

/// Everything.
template <Factory factory>
tiptoe_dut_api table(const char* name) {
  using H = std::uint32_t;
  using Out = tiptoe_call_result;
  tiptoe_dut_api t = table_l0<factory>(name);
  t.open_passive = [](tiptoe_dut* p, const tiptoe_open_args* a, Out* out) {
    return call(p, out, [a](Dut& d) { return d.open_passive(open_args(*a)); });
  };
  t.open_active = [](tiptoe_dut* p, const tiptoe_open_args* a, Out* out) {
    return call(p, out, [a](Dut& d) { return d.open_active(open_args(*a)); });
  };
  t.accept = [](tiptoe_dut* p, H h, Out* out) { return call(p, out, [h](Dut& d) { return d.accept(Handle{h}); }); };
  t.send = [](tiptoe_dut* p, H h, const std::uint8_t* octets, std::size_t length, Out* out) {
    return call(p, out, [=](Dut& d) { return d.send(Handle{h}, {octets, length}); });
  };
  t.receive = [](tiptoe_dut* p, H h, std::uint8_t* octets, std::size_t capacity, Out* out) {
    return call(p, out, [=](Dut& d) {
      CallResult r = d.receive(Handle{h}, static_cast<std::uint32_t>(capacity));
      if (r.data.size() > capacity) {
        throw DutError("RECEIVE of " + std::to_string(capacity) + " octets gave " + std::to_string(r.data.size()));
      }
      if (!r.data.empty()) std::memcpy(octets, r.data.data(), r.data.size());
      r.length = static_cast<std::uint32_t>(r.data.size());
      return r;
    });
  };
  t.close = [](tiptoe_dut* p, H h, int half, Out* out) {
    return call(p, out, [=](Dut& d) { return d.close(Handle{h}, half != 0); });
  };
  t.abort = [](tiptoe_dut* p, H h, Out* out) { return call(p, out, [h](Dut& d) { return d.abort(Handle{h}); }); };
  t.status = [](tiptoe_dut* p, H h, Out* out) { return call(p, out, [h](Dut& d) { return d.status(Handle{h}); }); };
  t.set_options = [](tiptoe_dut* p, H h, int nodelay, int keepalive, Out* out) {
    return call(p, out, [=](Dut& d) { return d.set_options(Handle{h}, nodelay != 0, keepalive != 0); });
  };
  t.poll_notification = [](tiptoe_dut* p, tiptoe_notification* out) {
    return guarded(p, [out](Instance& i) {
      const std::optional<Notification> n = i.dut->poll_notification();
      if (!n) return TIPTOE_NONE;
      *out = {n->handle.value, n->flags, n->time_us};
      return TIPTOE_OK;
    });
  };
  t.set = [](tiptoe_dut* p, const char* setting, std::uint64_t value) {
    return guarded(p, [=](Instance& i) {
      i.dut->set(setting, value);
      return TIPTOE_OK;
    });
  };
  t.counter = [](tiptoe_dut* p, const char* counter, std::uint64_t* value) {
    return guarded(p, [=](Instance& i) {
      *value = i.dut->counter(counter);
      return TIPTOE_OK;
    });
  };
  t.set_recording = [](tiptoe_dut* p, int on) {
    return guarded(p, [on](Instance& i) {
      i.dut->set_retire_recording(on != 0);
      return TIPTOE_OK;
    });
  };
  t.poll_record = &poll_record;
  return t;
}

}  // namespace tiptoe::exported

/// The entry of the shared object, once in it. factory: std::unique_ptr<tiptoe::Dut> (const std::string& arguments).
#define TIPTOE_EXPORT_DUT(name, factory)                                         \
  extern "C" TIPTOE_DUT_EXPORT const tiptoe_dut_api* tiptoe_dut_entry() {        \
    static const tiptoe_dut_api api = tiptoe::exported::table<&(factory)>(name); \
    return &api;                                                                 \
  }
/// The same for a device without user calls, settings and counters.
#define TIPTOE_EXPORT_DUT_L0(name, factory)                                         \
  extern "C" TIPTOE_DUT_EXPORT const tiptoe_dut_api* tiptoe_dut_entry() {           \
    static const tiptoe_dut_api api = tiptoe::exported::table_l0<&(factory)>(name); \
    return &api;                                                                    \
  }
