// SPDX-License-Identifier: Apache-2.0
// Inside of the event comparison: what has been seen of each side and not been compared yet. events.cpp has segments
// and records, event_acks.cpp pure ACKs, event_fields.cpp the comparison of one pair.
#pragma once

#include <algorithm>
#include <array>
#include <deque>
#include <limits>
#include <map>
#include <utility>

#include "event_fields.hpp"
#include "tiptoe/events.hpp"

namespace tiptoe {
namespace events {

inline constexpr std::size_t kKinds = 6;        ///< of records
inline constexpr std::size_t kNotes = 512;      ///< events that are remembered, of all connections
inline constexpr std::size_t kNotesShown = 16;  ///< of one connection
inline constexpr std::uint64_t kNever = std::numeric_limits<std::uint64_t>::max();

inline std::string name(Party party) { return party == Party::model ? "model" : "device"; }
inline Party other(Party party) { return party == Party::model ? Party::device : Party::model; }
inline std::size_t index(Party party) { return static_cast<std::size_t>(party); }
inline std::uint64_t apart(std::uint64_t a, std::uint64_t b) { return a < b ? b - a : a - b; }
inline std::uint64_t later(std::uint64_t time, std::uint64_t by) { return by > kNever - time ? kNever : time + by; }

/// Something a side sent. Which incarnation of the connection it belongs to is the number of ISNs seen by then.
struct Sent {
  Segment segment;
  std::uint64_t time = 0;
  std::uint64_t stimulus = 0;  ///< how many had been handed in
  std::uint32_t number = 0;    ///< of this side's segments of the connection, from 1
  std::size_t incarnation = 0;
};
struct PureAck : Sent {
  std::uint32_t ack = 0;
  bool informs = false;  ///< the first to say so: delaying it, or leaving it to a later one, is the sender's choice
  bool probe = false;    ///< keepalive probe, below SND.NXT
  bool paired = false;
};
/// What one side has said and the other side has to say too.
struct Owed {
  std::uint32_t value = 0;
  std::uint64_t time = 0;
  std::uint32_t number = 0;
};
struct Retired {
  RetireRecord record;
  std::uint32_t number = 0;     ///< of this side's records of that kind and connection, from 1
  std::size_t incarnation = 0;  ///< 0: nobody has seen it begin
};

/// What one side did on one connection and has not been compared yet.
struct Half {
  std::vector<std::uint32_t> isns{};
  std::uint32_t segments = 0;
  std::uint32_t end = 0;  ///< one past the highest sequence number sent
  std::optional<std::uint32_t> said_ack{}, said_edge{};
  std::deque<Sent> stream{};
  std::deque<PureAck> pure{};
  std::deque<Owed> owed_acks{}, owed_edges{};  ///< by this side

  std::array<std::deque<Retired>, kKinds> records{};
  std::array<std::uint32_t, kKinds> record_count{};
  /// By the number that this side gave the connection: an old incarnation may still retire when a new one has begun.
  struct Numbered {
    State state = State::unknown;
    std::size_t incarnation = 0;
  };
  std::map<std::uint16_t, Numbered> numbered{};
  std::size_t record_incarnations = 0;
};
struct Lane {
  std::array<Half, 2> half{};
  std::optional<std::uint32_t> remote_isn{};
  bool stream_over = false;  ///< a mismatch after which nothing can be paired
  bool acks_over = false;
  std::array<bool, kKinds> records_over{};
  Half& of(Party party) { return half[index(party)]; }
  const Half& of(Party party) const { return half[index(party)]; }
};

/// One line of the story.
struct Note {
  enum Kind : std::uint8_t { stimulus, call, segment, record } kind = stimulus;
  Party party = Party::model;
  std::uint64_t time = 0;
  Flow flow{};
  Segment seg{};
  RetireRecord retired{};
  std::uint32_t base = 0;
  std::string text{};
};

std::string time_text(std::uint64_t us);  ///< "        1234 us  "

}  // namespace events

class EventComparator::Impl {
 public:
  using Sent = events::Sent;
  using PureAck = events::PureAck;
  using Retired = events::Retired;
  using Half = events::Half;
  using Lane = events::Lane;
  using Note = events::Note;
  using Owed = events::Owed;

  explicit Impl(const EventRules& r) : rules(r) {}

  EventRules rules;
  std::vector<Mismatch> mismatches{};
  Counts counts{};
  std::map<Flow, Lane> lanes{};

  void note_stimulus(std::uint64_t now_us, ByteView datagram);
  void note_call(std::uint64_t now_us, std::string call, const Flow& flow);
  Bytes for_model(ByteView datagram) const;
  void observe_datagram(Party party, const Datagram& datagram);
  void observe_record(Party party, const RetireRecord& record);
  void judge(std::uint64_t now_us, bool final);

 private:
  bool full() const { return mismatches.size() >= rules.max_mismatches; }
  void report(const Flow* flow, const std::string& headline, const std::string& details);
  std::string story(const Flow* flow) const;
  Note& add_note(Note::Kind kind, std::uint64_t time, const Flow& flow);

  static std::optional<std::uint32_t> isn(const Half& half, std::size_t incarnation) {
    if (incarnation == 0 || incarnation > half.isns.size()) return std::nullopt;
    return half.isns[incarnation - 1];
  }
  /// As it is shown: numbers relative to the initial ones.
  static std::string shown(const Lane& lane, Party party, const Sent& sent);
  static std::string pair_text(const Lane& lane, const Sent& model, const Sent& device);

  void say(const Flow& flow, Lane& lane, Party party, const Sent& sent, bool pure, bool probe);
  void owe(const Flow& flow, Lane& lane, Party party, const Sent& sent, std::deque<Owed> Half::*debts,
           std::optional<std::uint32_t> Half::*said, std::uint32_t value, std::uint32_t slack, const char* what);
  void pair_acks(const Flow& flow, Lane& lane, PureAck& model, PureAck& device);
  PureAck* find_partner(Lane& lane, Party party, const PureAck& ack, bool informing);
  void judge_acks(const Flow& flow, Lane& lane, std::uint64_t now, bool final);
  std::uint64_t wait(const PureAck& ack) const { return ack.probe ? rules.late_us : rules.answer_us; }
  void check_ip_id(const Flow& flow, const Segment& segment);

  void match_stream(const Flow& flow, Lane& lane);
  bool same_seq(const Lane& lane, const Sent& model, const Sent& device, SegmentPair& pair) const;
  void match_records(const Flow& flow, Lane& lane, std::size_t kind, bool final);
  std::optional<std::uint32_t> base(const Half& half, const Retired& retired) const;
  template <class Event, class Time, class Text>
  void overdue(const Flow& flow, std::array<std::deque<Event>*, 2> queues, bool& over, std::uint64_t now, bool final,
               const Time& time, const Text& text);

  std::uint64_t now_ = 0;
  std::uint64_t judged_ = 0;
  std::uint64_t stimuli_ = 0;
  std::deque<Note> notes_{};
  std::array<std::map<std::uint16_t, Flow>, 2> flow_of_{};  ///< by the number that this side gave the connection
  bool nameless_ = false;                                   ///< has been said
  std::map<std::pair<std::uint32_t, std::uint32_t>, std::uint16_t> ip_ids_{};
};

}  // namespace tiptoe
