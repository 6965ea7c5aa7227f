// SPDX-License-Identifier: Apache-2.0
// Pure ACKs in the event comparison. An ACK that is the first of its side to say something (a higher ACK number, a
// further window) informs: whether it goes out now, later, or with a later one is the sender's choice (RFC 9293
// 3.8.6.3), and the other side only has to say as much within ack_us. An ACK that says nothing new answers something
// (text out of order, RFC 5681 4.2; an unacceptable segment; a probe) and needs a counterpart.
#include "event_impl.hpp"

namespace tiptoe {

using namespace events;

/// One side has said `value`: the other one owes it, unless it said as much before; what this side owed may be paid.
void EventComparator::Impl::owe(const Flow& flow, Lane& lane, Party party, const Sent& sent,
                                std::deque<Owed> Half::*debts, std::optional<std::uint32_t> Half::*said,
                                std::uint32_t value, std::uint32_t slack, const char* what) {
  Half& mine = lane.of(party);
  Half& theirs = lane.of(other(party));
  auto& own = mine.*debts;
  while (!own.empty() && seq_le(own.front().value - slack, value)) {
    const Owed& paid = own.front();
    if (sent.time > later(paid.time, rules.ack_us) && !lane.acks_over) {
      report(&flow,
             "the " + name(other(party)) + std::string(what) + " with its segment " + std::to_string(paid.number) +
                 " at " + std::to_string(paid.time) + " us, the " + name(party) + " only at " +
                 std::to_string(sent.time) + " us, more than " + std::to_string(rules.ack_us) + " us later",
             "");
      lane.acks_over = true;
    }
    own.pop_front();
  }
  const bool more = !(mine.*said) || seq_lt(*(mine.*said), value);
  if (!more) return;
  mine.*said = value;
  if (theirs.isns.size() < mine.isns.size()) return;  // not there yet; its SYN is compared anyway
  if ((theirs.*said) && seq_le(value - slack, *(theirs.*said))) return;
  (theirs.*debts).push_back({value, sent.time, sent.number});
}

void EventComparator::Impl::say(const Flow& flow, Lane& lane, Party party, const Sent& sent, bool pure, bool probe) {
  Half& half = lane.of(party);
  const std::uint32_t ack = *sent.segment.ack;
  const std::uint32_t edge = ack + sent.segment.window.value_or(0);
  if (half.said_ack && seq_lt(ack, *half.said_ack)) {
    report(&flow,
           "segment " + std::to_string(sent.number) + " of the " + name(party) + " acknowledges " +
               std::to_string(*half.said_ack - ack) + " octets less than an earlier one",
           "  " + time_text(sent.time) + shown(lane, party, sent) + "\n");
    return;
  }
  const bool windows = (rules.segment_fields & EventRules::window) != 0;
  const bool informs =
      !half.said_ack || seq_lt(*half.said_ack, ack) || (windows && half.said_edge && seq_lt(*half.said_edge, edge));
  if (windows && party == Party::device && half.said_edge && seq_lt(edge, *half.said_edge)) {
    report(&flow,
           "segment " + std::to_string(sent.number) + " of the device moves the right edge of the window back by " +
               std::to_string(*half.said_edge - edge) + " octets (RFC 9293 3.8.6)",
           "  " + time_text(sent.time) + shown(lane, party, sent) + "\n");
  }
  owe(flow, lane, party, sent, &Half::owed_acks, &Half::said_ack, ack, 0, " acknowledged everything up to there");
  if (windows) {
    owe(flow, lane, party, sent, &Half::owed_edges, &Half::said_edge, edge, rules.window_slack, " opened the window");
  }
  if (!pure) return;
  PureAck item{sent};
  item.ack = ack;
  item.informs = informs && !probe;
  item.probe = probe;
  half.pure.push_back(std::move(item));
  PureAck& mine = half.pure.back();
  if (!mine.informs) return;
  // Both at once: nobody else's counterpart.
  for (PureAck& theirs : lane.of(other(party)).pure) {
    if (theirs.paired || !theirs.informs || theirs.ack != ack || theirs.stimulus != mine.stimulus ||
        theirs.incarnation != mine.incarnation || apart(theirs.time, mine.time) > rules.answer_us) {
      continue;
    }
    party == Party::model ? pair_acks(flow, lane, mine, theirs) : pair_acks(flow, lane, theirs, mine);
    return;
  }
}

void EventComparator::Impl::pair_acks(const Flow& flow, Lane& lane, PureAck& model, PureAck& device) {
  model.paired = device.paired = true;
  SegmentPair pair{model.segment, device.segment};
  pair.same_stimulus = model.stimulus == device.stimulus;
  // What else was on its way when it was sent is a matter of time; after the same stimulus it is not.
  const bool same = same_seq(lane, model, device, pair);
  pair.same_seq = same || !pair.same_stimulus;
  for (const std::string& difference : compare_segments(rules, pair).list) {
    report(&flow, "pure ACK (segment " + std::to_string(device.number) + " of the device) differs: " + difference,
           pair_text(lane, model, device));
  }
}

/// The other side's unpaired ACK that says the same and may have been sent for the same reason.
events::PureAck* EventComparator::Impl::find_partner(Lane& lane, Party party, const PureAck& ack, bool informing) {
  for (PureAck& candidate : lane.of(other(party)).pure) {
    if (candidate.paired || candidate.informs != informing || candidate.ack != ack.ack ||
        candidate.probe != ack.probe || candidate.incarnation != ack.incarnation ||
        apart(candidate.time, ack.time) > wait(ack)) {
      continue;
    }
    // The model answers at once, so the device's answer to the same thing cannot come before it.
    const PureAck& model = party == Party::model ? ack : candidate;
    const PureAck& device = party == Party::model ? candidate : ack;
    if (!ack.probe && device.stimulus < model.stimulus) continue;
    return &candidate;
  }
  return nullptr;
}

void EventComparator::Impl::judge_acks(const Flow& flow, Lane& lane, std::uint64_t now, bool final) {
  for (const Party party : {Party::model, Party::device}) {
    for (PureAck& ack : lane.of(party).pure) {
      if (ack.informs || ack.paired || (!final && now <= later(ack.time, wait(ack)))) continue;
      PureAck* partner = find_partner(lane, party, ack, false);
      if (partner == nullptr) partner = find_partner(lane, party, ack, true);
      if (partner != nullptr) {
        party == Party::model ? pair_acks(flow, lane, ack, *partner) : pair_acks(flow, lane, *partner, ack);
        continue;
      }
      ack.paired = true;  // said once
      report(&flow,
             "the " + name(party) + " sent " +
                 (ack.probe ? "a keepalive probe" : "an ACK that says nothing new and so is no delayed-ACK choice") +
                 " (segment " + std::to_string(ack.number) + ") at " + std::to_string(ack.time) + " us, the " +
                 name(other(party)) + " did not within " + std::to_string(wait(ack)) + " us",
             "  " + time_text(ack.time) + shown(lane, party, ack) + "\n");
    }
  }
  for (const Party party : {Party::model, Party::device}) {
    Half& half = lane.of(party);
    while (!half.pure.empty()) {
      const PureAck& ack = half.pure.front();
      if (!final && now <= later(ack.time, 2 * wait(ack))) break;
      ++counts.acks;
      if (!ack.paired) ++counts.excused;
      half.pure.pop_front();
    }
    const auto unpaid = [&](std::deque<Owed>& debts, const char* what) {
      if (debts.empty() || now <= later(debts.front().time, rules.ack_us)) return;
      if (!lane.acks_over) {
        report(&flow,
               "the " + name(other(party)) + what + " with its segment " + std::to_string(debts.front().number) +
                   " at " + std::to_string(debts.front().time) + " us, the " + name(party) + " did not within " +
                   std::to_string(rules.ack_us) + " us",
               "");
      }
      lane.acks_over = true;
      debts.clear();
    };
    unpaid(half.owed_acks, " acknowledged more");
    unpaid(half.owed_edges, " opened the window further");
  }
}

}  // namespace tiptoe
