// SPDX-License-Identifier: Apache-2.0
#include "tiptoe/events.hpp"

#include <cstdio>

#include "event_impl.hpp"
#include "tiptoe/registers.hpp"

namespace tiptoe {

using namespace events;

namespace {

bool opening(State state) { return state == State::syn_sent || state == State::syn_received; }

/// The connection ends, or may end: nobody need acknowledge any more.
void forgive(Half& half) { half.owed_acks.clear(), half.owed_edges.clear(); }

bool parse_flow(const Segment& s, bool to_device, Flow& flow) {
  if (!s.src || !s.dst || !s.src_port || !s.dst_port || !s.seq || !s.flags) return false;
  flow = to_device ? Flow{*s.dst, *s.dst_port, *s.src, *s.src_port} : Flow{*s.src, *s.src_port, *s.dst, *s.dst_port};
  return true;
}

std::string apart_text(std::uint64_t model, std::uint64_t device) {
  return "the model's time is " + std::to_string(model) + " us, the device's " + std::to_string(device) + " us";
}

}  // namespace

std::string events::time_text(std::uint64_t us) {
  std::array<char, 40> text{};
  std::snprintf(text.data(), text.size(), "%12llu us  ", static_cast<unsigned long long>(us));
  return text.data();
}

std::string to_string(const Flow& f) {
  if (f == Flow{}) return "none";
  return ip_to_string(f.local_ip) + ":" + std::to_string(f.local_port) + " - " + ip_to_string(f.remote_ip) + ":" +
         std::to_string(f.remote_port);
}

// --------------------------------------------------------------------------------------------------------- the story

Note& EventComparator::Impl::add_note(Note::Kind kind, std::uint64_t time, const Flow& flow) {
  if (notes_.size() == kNotes) notes_.pop_front();
  now_ = std::max(now_, time);
  Note& note = notes_.emplace_back();
  note.kind = kind, note.time = time, note.flow = flow;
  return note;
}

void EventComparator::Impl::note_stimulus(std::uint64_t now_us, ByteView datagram) {
  ++stimuli_;
  Segment segment = Segment::parse(datagram);
  Flow flow;
  if (parse_flow(segment, true, flow)) {
    Lane& lane = lanes[flow];
    if (segment.has(SYN) && !segment.defective()) lane.remote_isn = segment.seq;
    if (segment.has(RST)) forgive(lane.half[0]), forgive(lane.half[1]);
    if (lane.remote_isn) segment.seq = *segment.seq - *lane.remote_isn;
    const Half& device = lane.of(Party::device);
    if (segment.ack && !device.isns.empty()) segment.ack = *segment.ack - device.isns.back();
  }
  add_note(Note::stimulus, now_us, flow).seg = std::move(segment);
}

void EventComparator::Impl::note_call(std::uint64_t now_us, std::string call, const Flow& flow) {
  ++stimuli_;
  add_note(Note::call, now_us, flow).text = std::move(call);
}

std::string EventComparator::Impl::story(const Flow* flow) const {
  std::vector<const Note*> chosen;
  for (auto note = notes_.rbegin(); note != notes_.rend() && chosen.size() < kNotesShown; ++note) {
    if (flow == nullptr || note->flow == *flow) chosen.push_back(&*note);
  }
  std::string text =
      chosen.empty() ? "" : "Last events, oldest first (sequence numbers relative to the initial ones):\n";
  for (auto at = chosen.rbegin(); at != chosen.rend(); ++at) {
    const Note& note = **at;
    text += "  " + time_text(note.time);
    switch (note.kind) {
      case Note::stimulus: text += "to both      " + note.seg.to_string(); break;
      case Note::call: text += "user call    " + note.text; break;
      case Note::segment:
        text += (note.party == Party::model ? "model sent   " : "device sent  ") + note.seg.to_string();
        break;
      case Note::record:
        text += (note.party == Party::model ? "model        " : "device       ") +
                record_to_string(note.retired, note.base);
        break;
    }
    text += '\n';
  }
  return text;
}

void EventComparator::Impl::report(const Flow* flow, const std::string& headline, const std::string& details) {
  if (full()) return;
  std::string where;
  if (flow != nullptr) {
    where = *flow == Flow{} ? "Events without a connection: " : "Connection " + to_string(*flow) + ": ";
  }
  Mismatch mismatch{now_, where + headline, {}};
  mismatch.text = mismatch.headline + "\n" + details + story(flow);
  mismatches.push_back(std::move(mismatch));
}

std::string EventComparator::Impl::shown(const Lane& lane, Party party, const Sent& sent) {
  Segment segment = sent.segment;
  const auto own = isn(lane.half[index(party)], sent.incarnation);
  if (own) segment.seq = *segment.seq - *own;
  if (lane.remote_isn && segment.ack) segment.ack = *segment.ack - *lane.remote_isn;
  return segment.to_string();
}

std::string EventComparator::Impl::pair_text(const Lane& lane, const Sent& model, const Sent& device) {
  return "  model   " + time_text(model.time) + shown(lane, Party::model, model) + "\n  device  " +
         time_text(device.time) + shown(lane, Party::device, device) + "\n";
}

// ------------------------------------------------------------------------------------------------- sequence numbers

Bytes EventComparator::Impl::for_model(ByteView datagram) const {
  Bytes bytes(datagram.begin(), datagram.end());
  if (rules.exact_isn || bytes.size() < 40 || bytes[0] >> 4 != 4 || bytes[9] != 6) return bytes;
  const std::size_t tcp = static_cast<std::size_t>(bytes[0] & 0xFU) * 4;
  if (tcp < 20 || bytes.size() < tcp + 20 || ((bytes[6] & 0x3FU) | bytes[7]) != 0) return bytes;
  if ((bytes[tcp + 13] & ACK) == 0) return bytes;
  const auto half = [&bytes](std::size_t at) {
    return static_cast<std::uint32_t>(bytes[at]) << 8 | static_cast<std::uint32_t>(bytes[at + 1]);
  };
  const auto word = [&half](std::size_t at) { return half(at) << 16 | half(at + 2); };
  const auto put = [&bytes](std::size_t at, std::uint32_t value) {
    bytes[at] = static_cast<std::uint8_t>(value >> 8);
    bytes[at + 1] = static_cast<std::uint8_t>(value);
  };
  const auto found = lanes.find(
      {word(16), static_cast<std::uint16_t>(half(tcp + 2)), word(12), static_cast<std::uint16_t>(half(tcp))});
  if (found == lanes.end()) return bytes;

  // Of several incarnations the ACK means the one that it is nearest to.
  const std::uint32_t ack = word(tcp + 8);
  const auto& model = found->second.half[index(Party::model)].isns;
  const auto& device = found->second.half[index(Party::device)].isns;
  const auto distance = [ack](std::uint32_t isn) { return std::min(ack - isn, isn - ack); };
  std::optional<std::size_t> best;
  for (std::size_t i = 0; i < std::min(model.size(), device.size()); ++i) {
    if (!best || distance(device[i]) <= distance(device[*best])) best = i;
  }
  if (!best) return bytes;
  const std::uint32_t moved = ack - device[*best] + model[*best];

  // The checksum changes by what the octets under it change (RFC 1624), so a wrong one stays wrong.
  std::uint32_t sum = ~half(tcp + 16) & 0xFFFFU;
  for (const std::uint32_t part : {~(ack >> 16) & 0xFFFFU, ~ack & 0xFFFFU, moved >> 16, moved & 0xFFFFU}) sum += part;
  while (sum >> 16 != 0) sum = (sum & 0xFFFFU) + (sum >> 16);
  put(tcp + 8, moved >> 16);
  put(tcp + 10, moved & 0xFFFFU);
  put(tcp + 16, ~sum & 0xFFFFU);
  return bytes;
}

bool EventComparator::Impl::same_seq(const Lane& lane, const Sent& m, const Sent& d, SegmentPair& pair) const {
  const Half& model = lane.half[index(Party::model)];
  const Half& device = lane.half[index(Party::device)];
  const std::uint32_t ms = *m.segment.seq;
  const std::uint32_t ds = *d.segment.seq;
  const auto mi = isn(model, m.incarnation);
  const auto di = isn(device, d.incarnation);
  const bool relative = mi && di && !rules.exact_isn;
  pair.model_seq = relative ? ms - *mi : ms;
  pair.device_seq = relative ? ds - *di : ds;
  if (pair.model_seq == pair.device_seq && (!relative || m.incarnation == d.incarnation)) return true;
  if (!m.segment.has(RST) || !d.segment.has(RST) || rules.exact_isn) return false;
  // A reset takes its number from the segment that it answers: 0, or one of any incarnation.
  if (ms == ds) return true;
  for (std::size_t i = 0; i < std::min(model.isns.size(), device.isns.size()); ++i) {
    if (ms - model.isns[i] == ds - device.isns[i]) return true;
  }
  return false;
}

// ----------------------------------------------------------------------------------------------------- datagrams sent

void EventComparator::Impl::observe_datagram(Party party, const Datagram& datagram) {
  if (full()) return;
  Sent sent{Segment::parse(datagram), datagram.time_us, stimuli_};
  Segment& segment = sent.segment;
  Flow flow;
  if (!parse_flow(segment, false, flow) || segment.defective()) {
    add_note(Note::segment, sent.time, flow).party = party;
    notes_.back().seg = segment;
    std::string why;
    for (const DefectReport& defect : segment.defects) why += (why.empty() ? "" : "; ") + defect.text;
    report(nullptr, "The " + name(party) + " sent a defective datagram: " + (why.empty() ? "no TCP segment" : why),
           "  " + time_text(sent.time) + segment.to_string() + "\n");
    if (flow == Flow{}) return;
  }
  Lane& lane = lanes[flow];
  Half& half = lane.of(party);
  sent.number = ++half.segments;
  const std::uint32_t seq = *segment.seq;
  if (segment.has(SYN) && (half.isns.empty() || half.isns.back() != seq)) {
    half.isns.push_back(seq);
    half.said_ack.reset(), half.said_edge.reset();
    forgive(half);
    half.end = seq;
    for (std::size_t kind = 0; kind < kKinds; ++kind) match_records(flow, lane, kind, false);  // may have waited for it
  }
  sent.incarnation = half.isns.size();

  Note& note = add_note(Note::segment, sent.time, flow);
  note.party = party;
  note.seg = segment;
  if (!half.isns.empty()) note.seg.seq = seq - half.isns.back();
  if (lane.remote_isn && segment.ack) note.seg.ack = *segment.ack - *lane.remote_isn;

  if (party == Party::device && rules.ip_id == EventRules::IpId::monotone) check_ip_id(flow, segment);
  const bool probe = !half.isns.empty() && seq_lt(seq, half.end) && segment.text_length() == 0;
  const bool pure =
      !rules.exact_acks && segment.has(ACK) && (*segment.flags & (SYN | FIN | RST)) == 0 && segment.text_length() == 0;
  if (half.segments == 1 || seq_lt(half.end, seq + segment.length())) half.end = seq + segment.length();
  if (segment.has(RST)) forgive(half);
  if (segment.has(ACK) && !segment.has(RST) && !rules.exact_acks) say(flow, lane, party, sent, pure, probe);
  if (pure) return;
  if (!lane.stream_over) half.stream.push_back(std::move(sent));
  match_stream(flow, lane);
}

void EventComparator::Impl::check_ip_id(const Flow& flow, const Segment& segment) {
  const std::uint16_t id = segment.id.value_or(0);
  const auto [at, first] = ip_ids_.try_emplace({flow.local_ip, flow.remote_ip}, id);
  if (first) return;
  const auto step = static_cast<std::uint16_t>(id - at->second);
  if (step == 0 || step >= 0x8000U) {
    report(&flow,
           "the device's IP identification does not rise: " + std::to_string(id) + " after " +
               std::to_string(at->second) + " to the same address",
           "");
  }
  at->second = id;
}

void EventComparator::Impl::match_stream(const Flow& flow, Lane& lane) {
  auto& model = lane.of(Party::model).stream;
  auto& device = lane.of(Party::device).stream;
  while (!lane.stream_over && !model.empty() && !device.empty()) {
    const Sent& m = model.front();
    const Sent& d = device.front();
    SegmentPair pair{m.segment, d.segment};
    pair.same_seq = same_seq(lane, m, d, pair);
    pair.same_stimulus = m.stimulus == d.stimulus;
    pair.exact_ack = rules.exact_acks || m.segment.has(SYN) || m.segment.has(RST);
    Differences differences = compare_segments(rules, pair);
    if (apart(m.time, d.time) > rules.late_us) differences.list.push_back(apart_text(m.time, d.time));
    ++counts.segments;
    for (const std::string& difference : differences.list) {
      report(&flow, "segment " + std::to_string(d.number) + " of the device differs: " + difference,
             pair_text(lane, m, d));
      if (differences.other_event) break;  // one is enough
    }
    lane.stream_over = differences.other_event;
    model.pop_front();
    device.pop_front();
  }
  if (lane.stream_over) model.clear(), device.clear();
}

// --------------------------------------------------------------------------------------------------------------
// records

void EventComparator::Impl::observe_record(Party party, const RetireRecord& record) {
  using R = RetireRecord;
  if (full() || record.kind >= kKinds) return;
  Flow flow;
  if (record.connection) {
    auto& flows = flow_of_[index(party)];
    if ((record.fields & R::has_tuple) != 0) {
      flow = {record.local_ip, record.local_port, record.remote_ip, record.remote_port};
      flows[*record.connection] = flow;
    } else if (const auto known = flows.find(*record.connection); known != flows.end()) {
      flow = known->second;
    } else {
      if (!nameless_) {
        report(nullptr,
               "A record of the " + name(party) + " names connection " + std::to_string(*record.connection) +
                   ", but no record has given the 4-tuple of that connection: connect the 4-tuple, at least "
                   "when a connection is created",
               "");
      }
      nameless_ = true;
      return;
    }
  }
  Lane& lane = lanes[flow];
  Half& half = lane.of(party);
  std::size_t incarnation = 0;
  if (record.connection && (record.fields & R::has_state) != 0) {
    Half::Numbered& numbered = half.numbered[*record.connection];
    const bool opens =
        opening(record.state) || ((record.fields & R::has_state_before) != 0 && opening(record.state_before));
    if (opens && !opening(numbered.state)) numbered.incarnation = ++half.record_incarnations;
    numbered.state = record.state;
    incarnation = numbered.incarnation;
    if (record.state == State::closed) forgive(half);
  }
  Retired retired{record, ++half.record_count[record.kind], incarnation};
  Note& note = add_note(Note::record, record.time_us, flow);
  note.party = party;
  note.retired = record;
  note.base = base(half, retired).value_or(0);
  if ((rules.record_kinds >> record.kind & 1U) == 0 || lane.records_over[record.kind]) return;
  half.records[record.kind].push_back(retired);
  match_records(flow, lane, record.kind, false);
}

/// What the record's own sequence numbers count from; nothing while that has not been seen.
std::optional<std::uint32_t> EventComparator::Impl::base(const Half& half, const Retired& retired) const {
  if (rules.exact_isn) return 0;
  if ((retired.record.fields & RetireRecord::has_iss) != 0) return retired.record.iss;
  if (retired.incarnation != 0) return isn(half, retired.incarnation);
  if (half.isns.empty()) return std::nullopt;
  return half.isns.back();
}

void EventComparator::Impl::match_records(const Flow& flow, Lane& lane, std::size_t kind, bool final) {
  using R = RetireRecord;
  auto& model = lane.of(Party::model).records[kind];
  auto& device = lane.of(Party::device).records[kind];
  bool& over = lane.records_over[kind];
  while (!over && !model.empty() && !device.empty()) {
    const Retired& m = model.front();
    const Retired& d = device.front();
    const auto mb = base(lane.of(Party::model), m);
    const auto db = base(lane.of(Party::device), d);
    const std::uint32_t fields = rules.record_fields & m.record.fields & d.record.fields;
    const std::string which =
        std::string(event_kind_name(static_cast<unsigned>(kind))) + " record " + std::to_string(d.number);
    Differences differences;
    if ((!mb || !db) && (fields & (R::has_snd_una | R::has_snd_nxt)) != 0) {
      if (!final) return;  // until its SYN has been seen
      differences.list.push_back("no initial sequence number of the " + name(mb ? Party::device : Party::model) +
                                 " has been seen, neither in a SYN nor in a record, so snd_una and snd_nxt cannot be "
                                 "compared; leave them out of the mask or show the SYN");
    } else {
      differences = compare_records(rules, m.record, mb.value_or(0), d.record, db.value_or(0));
    }
    if (apart(m.record.time_us, d.record.time_us) > rules.late_us) {
      differences.list.push_back(apart_text(m.record.time_us, d.record.time_us));
    }
    ++counts.records;
    for (const std::string& difference : differences.list) {
      std::string headline = which;
      headline += " of the device differs: ";
      headline += difference;
      report(&flow, headline,
             "  model   " + time_text(m.record.time_us) + record_to_string(m.record, mb.value_or(0)) + "\n  device  " +
                 time_text(d.record.time_us) + record_to_string(d.record, db.value_or(0)) + "\n");
    }
    over = !differences.list.empty();
    model.pop_front();
    device.pop_front();
  }
  if (over) model.clear(), device.clear();
}

// ------------------------------------------------------------------------------------------------------------- the end

template <class Event, class Time, class Text>
void EventComparator::Impl::overdue(const Flow& flow, std::array<std::deque<Event>*, 2> queues, bool& over,
                                    std::uint64_t now, bool final, const Time& time, const Text& text) {
  for (const Party party : {Party::model, Party::device}) {
    auto& queue = *queues[index(party)];
    if (over || queue.empty() || !queues[index(other(party))]->empty()) continue;
    if (!final && now <= later(time(queue.front()), rules.late_us)) continue;
    const std::string rest =
        queue.size() > 1 ? ", nor what follows (" + std::to_string(queue.size() - 1) + " more)" : "";
    report(&flow,
           "the " + name(party) + " " + text(party, queue.front()) + ", the " + name(other(party)) + " did not" +
               (final ? "" : " within " + std::to_string(rules.late_us) + " us") + rest,
           "");
    over = true;
  }
  if (over) queues[0]->clear(), queues[1]->clear();
}

void EventComparator::Impl::judge(std::uint64_t now, bool final) {
  now_ = std::max(now_, now);
  // Looking at every connection costs, and lateness need not be noticed to the microsecond.
  const std::uint64_t pause = std::min({rules.ack_us, rules.answer_us, rules.late_us}) / 2;
  if (!final && now_ < later(judged_, pause)) return;
  judged_ = now_;
  for (auto& entry : lanes) {
    if (full()) return;
    const Flow& flow = entry.first;
    Lane& lane = entry.second;
    judge_acks(flow, lane, now_, final);
    Half& model = lane.of(Party::model);
    Half& device = lane.of(Party::device);
    overdue<Sent>(
        flow, {&model.stream, &device.stream}, lane.stream_over, now_, final, [](const Sent& s) { return s.time; },
        [&lane](Party party, const Sent& s) {
          return "sent segment " + std::to_string(s.number) + " (" + shown(lane, party, s) + ") at " +
                 std::to_string(s.time) + " us";
        });
    for (std::size_t kind = 0; kind < kKinds; ++kind) {
      if (final) match_records(flow, lane, kind, true);
      overdue<Retired>(
          flow, {&model.records[kind], &device.records[kind]}, lane.records_over[kind], now_, final,
          [](const Retired& r) { return r.record.time_us; },
          [this, &lane](Party party, const Retired& r) {
            return "retired " + record_to_string(r.record, base(lane.of(party), r).value_or(0)) + " at " +
                   std::to_string(r.record.time_us) + " us";
          });
    }
  }
}

// --------------------------------------------------------------------------------------------------- the public class

EventComparator::EventComparator(const EventRules& rules) : impl_(std::make_unique<Impl>(rules)) {}
EventComparator::~EventComparator() = default;
EventComparator::EventComparator(EventComparator&&) noexcept = default;
EventComparator& EventComparator::operator=(EventComparator&&) noexcept = default;
EventRules& EventComparator::rules() noexcept { return impl_->rules; }
void EventComparator::stimulus(std::uint64_t now_us, ByteView datagram) { impl_->note_stimulus(now_us, datagram); }
void EventComparator::stimulus(std::uint64_t now_us, std::string call, const Flow& flow) {
  impl_->note_call(now_us, std::move(call), flow);
}
Bytes EventComparator::for_model(ByteView datagram) const { return impl_->for_model(datagram); }
void EventComparator::observe(Party party, const Datagram& datagram) { impl_->observe_datagram(party, datagram); }
void EventComparator::observe(Party party, const RetireRecord& record) { impl_->observe_record(party, record); }
void EventComparator::advance(std::uint64_t now_us) { impl_->judge(now_us, false); }
void EventComparator::finish() { impl_->judge(0, true); }
const std::vector<Mismatch>& EventComparator::mismatches() const noexcept { return impl_->mismatches; }
const EventComparator::Counts& EventComparator::counts() const noexcept { return impl_->counts; }

std::string EventComparator::summary() const {
  const Counts& c = impl_->counts;
  const std::size_t found = impl_->mismatches.size();
  return "compared " + std::to_string(c.segments) + " segments, " + std::to_string(c.acks) + " pure ACKs (" +
         std::to_string(c.excused) + " left to choice), " + std::to_string(c.records) +
         " records: " + std::to_string(found) + (found == 1 ? " mismatch" : " mismatches") +
         (found >= impl_->rules.max_mismatches ? " (the limit; nothing after that was compared)" : "");
}

std::optional<std::uint32_t> EventComparator::isn(Party party, const Flow& flow) const {
  const auto found = impl_->lanes.find(flow);
  if (found == impl_->lanes.end() || found->second.of(party).isns.empty()) return std::nullopt;
  return found->second.of(party).isns.back();
}

}  // namespace tiptoe
