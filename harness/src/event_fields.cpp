// SPDX-License-Identifier: Apache-2.0
#include "event_fields.hpp"

#include <algorithm>
#include <utility>

#include "tiptoe/registers.hpp"

namespace tiptoe {
namespace {

struct Sentences {
  Differences out{};

  void text(const std::string& what, const std::string& model, const std::string& device) {
    out.list.push_back("the " + what + " is " + model + " in the model and " + device + " in the device");
  }
  template <class T>
  void number(const std::string& what, T model, T device) {
    if (model != device) text(what, std::to_string(model), std::to_string(device));
  }
};

std::string on_off(bool on) { return on ? "set" : "clear"; }

/// The options without padding and, unless they count, timestamps; in the order in which they are sent.
Bytes essential_options(const Segment& segment, bool timestamps) {
  Bytes essential;
  for (const Option& option : segment.parsed_options().list) {
    if (option.kind == 1 || (option.kind == 8 && !timestamps)) continue;
    essential.push_back(option.kind);
    essential.push_back(static_cast<std::uint8_t>(option.data.size() + 2));
    essential.insert(essential.end(), option.data.begin(), option.data.end());
  }
  return essential;
}

void compare_text(Sentences& out, const Bytes& model, const Bytes& device) {
  const auto [m, d] = std::mismatch(model.begin(), model.end(), device.begin(), device.end());
  if (m == model.end() || d == device.end()) return;  // lengths have been compared
  out.text("text octet " + std::to_string(m - model.begin()) + " (from 0)", std::to_string(*m), std::to_string(*d));
}

}  // namespace

Differences compare_segments(const EventRules& rules, const SegmentPair& pair) {
  const Segment& m = pair.model;
  const Segment& d = pair.device;
  const std::uint8_t mf = m.flags.value_or(0);
  const std::uint8_t df = d.flags.value_or(0);
  Sentences out;

  constexpr std::uint8_t kControl = SYN | FIN | RST;
  if ((mf & kControl) != (df & kControl)) out.text("set of flags", flags_to_string(mf), flags_to_string(df));
  if (!pair.same_seq) out.number("sequence number", pair.model_seq, pair.device_seq);
  out.number("length of the text", m.text_length(), d.text_length());
  if (!out.out.list.empty()) {
    out.out.other_event = true;
    return std::move(out.out);
  }

  for (const auto& [bit, name] : {std::pair{ACK, "ACK"}, std::pair{PSH, "PSH"}, std::pair{URG, "URG"},
                                  std::pair{ECE, "ECE"}, std::pair{CWR, "CWR"}}) {
    if (bit == PSH && (rules.segment_fields & EventRules::psh) == 0) continue;
    if (((mf ^ df) & bit) != 0) out.text(std::string(name) + " flag", on_off(m.has(bit)), on_off(d.has(bit)));
  }
  compare_text(out, m.payload.value_or(Bytes{}), d.payload.value_or(Bytes{}));
  const bool both_ack = m.has(ACK) && d.has(ACK);
  if (both_ack && pair.exact_ack) out.number("ACK number", m.ack.value_or(0), d.ack.value_or(0));
  if ((rules.segment_fields & EventRules::window) != 0 && pair.same_stimulus && (!both_ack || m.ack == d.ack)) {
    out.number("window", m.window.value_or(0), d.window.value_or(0));
  }
  if ((rules.segment_fields & EventRules::urgent) != 0 && m.has(URG) && d.has(URG)) {
    out.number("urgent pointer", m.urgent.value_or(0), d.urgent.value_or(0));
  }
  if ((rules.segment_fields & EventRules::options) != 0) {
    const Bytes mo = essential_options(m, rules.exact_timestamps);
    const Bytes dopt = essential_options(d, rules.exact_timestamps);
    if (mo != dopt) out.text("option list", "[" + options_to_string(mo) + "]", "[" + options_to_string(dopt) + "]");
  }
  if ((rules.segment_fields & EventRules::ttl) != 0) out.number("TTL", m.ttl.value_or(0), d.ttl.value_or(0));
  if ((rules.segment_fields & EventRules::tos) != 0) out.number("TOS", m.tos.value_or(0), d.tos.value_or(0));
  if ((rules.segment_fields & EventRules::df) != 0 && m.df != d.df) {
    out.text("DF flag", on_off(m.df.value_or(false)), on_off(d.df.value_or(false)));
  }
  if (rules.ip_id == EventRules::IpId::exact) {
    out.number("IP identification", m.id.value_or(0), d.id.value_or(0));
  }
  return std::move(out.out);
}

Differences compare_records(const EventRules& rules, const RetireRecord& m, std::uint32_t m_base, const RetireRecord& d,
                            std::uint32_t d_base) {
  using R = RetireRecord;
  const std::uint32_t fields = rules.record_fields & m.fields & d.fields;
  const auto both = [fields](std::uint32_t field) { return (fields & field) != 0; };
  Sentences out;
  if ((m.fields & d.fields & R::has_tuple) != 0) {
    const Flow mf{m.local_ip, m.local_port, m.remote_ip, m.remote_port};
    const Flow df{d.local_ip, d.local_port, d.remote_ip, d.remote_port};
    if (mf != df) out.text("4-tuple", to_string(mf), to_string(df));
  }
  if (both(R::has_reason) && m.reason != d.reason) {
    const auto name = [](unsigned reason) {
      return std::to_string(reason) + (reason == 0 ? "" : " " + std::string(reason_name(reason)));
    };
    out.text("reason", name(m.reason), name(d.reason));
  }
  const auto state = [&](std::uint32_t field, const char* what, State ms, State ds) {
    if (both(field) && ms != ds) out.text(what, to_string(ms), to_string(ds));
  };
  state(R::has_state_before, "state before", m.state_before, d.state_before);
  state(R::has_state, "state", m.state, d.state);
  if (both(R::has_sent) && m.sent != d.sent) {
    out.text("record", m.sent ? "one that sends" : "one that sends nothing",
             d.sent ? "one that sends" : "one that sends nothing");
  }
  if (both(R::has_flags_out) && ((m.flags_out ^ d.flags_out) & rules.record_flags) != 0) {
    const auto name = [&](std::uint8_t flags) {
      const auto counted = static_cast<std::uint8_t>(flags & rules.record_flags);
      return counted == 0 ? std::string("none") : flags_to_string(counted);
    };
    out.text("set of flags sent (as far as compared)", name(m.flags_out), name(d.flags_out));
  }
  // What a record of a connection that is gone holds is nobody's business.
  if ((m.fields & d.fields & R::has_state) != 0 && m.state == State::closed && d.state == State::closed) {
    return std::move(out.out);
  }
  const auto value = [&](std::uint32_t field, const char* name, std::uint32_t mv, std::uint32_t dv) {
    if (both(field)) out.number(name, mv, dv);
  };
  if (rules.exact_isn) value(R::has_iss, "iss", m.iss, d.iss);
  value(R::has_irs, "irs", m.irs, d.irs);
  value(R::has_snd_una, "snd_una", m.snd_una - m_base, d.snd_una - d_base);
  value(R::has_snd_nxt, "snd_nxt", m.snd_nxt - m_base, d.snd_nxt - d_base);
  value(R::has_snd_wnd, "snd_wnd", m.snd_wnd, d.snd_wnd);
  value(R::has_rcv_nxt, "rcv_nxt", m.rcv_nxt, d.rcv_nxt);
  value(R::has_rcv_wnd, "rcv_wnd", m.rcv_wnd, d.rcv_wnd);
  value(R::has_rto, "rto", m.rto, d.rto);
  return std::move(out.out);
}

std::string record_to_string(const RetireRecord& r, std::uint32_t base) {
  using R = RetireRecord;
  const auto has = [&r](std::uint32_t field) { return (r.fields & field) != 0; };
  std::string text(event_kind_name(r.kind));
  text += " record " + std::to_string(r.order);
  if (has(R::has_state) && r.connection) {
    text += ": ";
    if (has(R::has_state_before)) text += std::string(to_string(r.state_before)) + " -> ";
    text += to_string(r.state);
  }
  if (has(R::has_reason) && r.reason != 0) {
    text += ", reason " + std::to_string(r.reason) + " " + std::string(reason_name(r.reason));
  }
  if (has(R::has_flags_out) && r.flags_out != 0)
    text += ", sends " + flags_to_string(r.flags_out);
  else if (has(R::has_sent) && r.sent)
    text += ", sends";
  const auto value = [&](std::uint32_t field, const char* name, std::uint32_t v) {
    if (has(field)) text += std::string(", ") + name + " " + std::to_string(v);
  };
  value(R::has_snd_una, "snd_una", r.snd_una - base);
  value(R::has_snd_nxt, "snd_nxt", r.snd_nxt - base);
  value(R::has_snd_wnd, "snd_wnd", r.snd_wnd);
  value(R::has_rcv_nxt, "rcv_nxt", r.rcv_nxt - (has(R::has_irs) ? r.irs : 0));
  value(R::has_rcv_wnd, "rcv_wnd", r.rcv_wnd);
  return text;
}

}  // namespace tiptoe
