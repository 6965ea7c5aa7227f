// SPDX-License-Identifier: Apache-2.0
#include "tiptoe/pair.hpp"

#include <algorithm>
#include <utility>

#include "tiptoe/registers.hpp"

namespace tiptoe {
namespace {

constexpr std::size_t kName = 4;  ///< octets with which an opener says which connection it is
constexpr std::size_t kSendChunk = 4096;
constexpr std::uint32_t kReceiveChunk = 16384;
constexpr unsigned kBacklog = 16;
constexpr unsigned kOpeningMost = 8;  ///< connections on their way to one listener: its backlog is never the reason
constexpr unsigned kMostBeside = 256;
constexpr std::uint64_t kLookEvery = 1000;           // microseconds between two looks at TIME_WAIT
constexpr std::uint64_t kLongestWait = 300'000'000;  // microseconds for TIME_WAIT to end; lwIP's lasts two minutes
constexpr std::size_t kMostFailures = 20;
constexpr std::uint16_t kFirstPort = 10'000;
constexpr std::uint16_t kLastPort = 59'999;
constexpr unsigned kFailureFlags = Notification::reset | Notification::refused | Notification::timeout;

/// The octet that a connection carries at a position, by direction.
constexpr std::uint8_t octet_of(std::uint64_t key, std::uint64_t at) noexcept {
  return static_cast<std::uint8_t>(((at ^ key) * 0x9E37'79B9'7F4A'7C15ULL) >> 56);
}
constexpr std::uint64_t pattern_key(std::uint64_t seed, std::uint32_t flow, unsigned from) noexcept {
  return (seed * 0xD1B5'4A32'D192'ED03ULL) ^ (std::uint64_t{flow} << 33 | std::uint64_t{from} << 32);
}

std::uint32_t word_at(ByteView octets, std::size_t at) noexcept {
  return std::uint32_t{octets[at]} << 24 | std::uint32_t{octets[at + 1]} << 16 | std::uint32_t{octets[at + 2]} << 8 |
         octets[at + 3];
}

constexpr std::uint64_t kDigestStart = 0xCBF2'9CE4'8422'2325ULL;  // FNV-1a
void digest_number(std::uint64_t& digest, std::uint64_t number) noexcept {
  digest = (digest ^ number) * 0x0000'0100'0000'01B3ULL;
}

const char* letter(unsigned side) noexcept { return side == 0 ? "A" : "B"; }

}  // namespace

Pair::Pair(Dut& a, Dut& b, const std::array<std::uint32_t, 2>& addresses, const PairOptions& options)
    : options_(options),
      channel_{Channel(options.link, options.seed * 2), Channel(options.link, options.seed * 2 + 1)} {
  const std::array<Dut*, 2> duts{&a, &b};
  for (unsigned i = 0; i < 2; ++i) {
    Side& s = side_[i];
    const Capabilities& has = duts[i]->capabilities();
    for (const char* call : {"listen", "open", "accept", "send", "receive", "close", "notifications"}) {
      if (!has.can(call))
        throw DutError(std::string(letter(i)) + " (" + duts[i]->name() + ") has no call '" + call +
                       "'; a pair needs listen, open, accept, send, receive, close and notifications");
    }
    s.dut = duts[i];
    s.address = addresses[i];
    s.tables = options.tables[i] != 0 ? options.tables[i] : has.connections;
    s.real = has.real_time;
    s.half_close = has.can("half_close");
    s.knows_state = has.can("status") && has.can("state");
    s.start = s.dut->now_us();
    s.next_port = static_cast<std::uint16_t>(kFirstPort + options.seed % 1000);
    const CallResult listening = s.dut->open_passive({.local_port = kPort, .backlog = kBacklog});
    if (!listening)
      throw DutError(std::string(letter(i)) + " (" + s.dut->name() +
                     ") refuses to listen: " + to_string(listening.status));
    s.listener = listening.handle;
  }
  if (options_.patience_us == 0) options_.patience_us = real_time() ? 120'000'000 : 600'000'000;
  options_.size = std::max<std::uint64_t>(options_.size, kName);
  if (options.bytes != 0) {
    // One connection opened by A, one by B; the opener closes first.
    const std::uint64_t first = std::max<std::uint64_t>(options.bytes - options.bytes / 2, kName);
    flows_.push_back({.length = first, .opener = 0, .opener_closes = true});
    if (options.bytes > first)
      flows_.push_back(
          {.length = std::max<std::uint64_t>(options.bytes - first, kName), .opener = 1, .opener_closes = true});
  }
  bulk_flows_ = static_cast<std::uint32_t>(flows_.size());
  flows_.reserve(flows_.size() + options.opens);
  for (std::uint64_t i = 0; i < options.opens; ++i) {
    flows_.push_back(
        {.length = options_.size, .opener = static_cast<unsigned>(i & 1), .opener_closes = (i >> 1 & 1) == 0});
  }
  result_.digest = kDigestStart;
}

std::uint64_t Pair::now() const {
  if (side_[0].real) return now(0);
  if (side_[1].real) return now(1);
  return std::max(now(0), now(1));
}

bool Pair::run(unsigned ms) {
  const Clock::time_point begin = Clock::now();
  const Clock::time_point end = begin + std::chrono::milliseconds(ms);
  // A look at the wall clock decides when to return and nothing else.
  while (!result_.done) {
    for (unsigned i = 0; i < 16 && !result_.done; ++i) {
      if (real_time()) {
        step_real();
      } else {
        step_virtual();
      }
      finish_if_done();
    }
    if (Clock::now() >= end) break;
  }
  result_.seconds += std::chrono::duration<double>(Clock::now() - begin).count();
  result_.device_us = now();
  result_.link = {channel_[0].counters(), channel_[1].counters()};
  return !result_.done;
}

// ---- wire and time

/// The end that is behind moves, but not beyond the moment at which the other one might still reach it.
void Pair::step_virtual() {
  const unsigned self = now(1) < now(0) ? 1 : 0;
  Channel& inbound = channel_[1 - self];
  deliver(self, now(self));
  std::uint64_t horizon = now(1 - self) + std::max<std::uint64_t>(options_.link.delay_us, 1);
  if (const auto due = inbound.next()) horizon = std::min(horizon, *due);
  horizon = std::max(horizon, now(self) + 1);
  if (auto out = side_[self].dut->run_until_output(horizon - now(self))) put(self, std::move(*out));
  collect(self);
  serve(self);
}

/// Wall time decides: a device in virtual time is brought up to it.
void Pair::step_real() {
  bool busy = false;
  for (unsigned self = 0; self < 2; ++self) {
    Side& s = side_[self];
    const std::uint64_t wall = now();
    if (!s.real) {
      while (true) {
        const auto due = channel_[1 - self].next();
        if (!due || *due > wall) break;
        if (*due > now(self)) s.dut->advance(*due - now(self));
        busy = deliver(self, *due) || busy;
      }
      if (wall > now(self)) s.dut->advance(wall - now(self));
    } else {
      busy = deliver(self, wall) || busy;
    }
    busy = collect(self) || busy;
    serve(self);
    busy = collect(self) || busy;
  }
  if (busy) return;
  const unsigned clock = side_[0].real ? 0 : 1;
  std::uint64_t wait = 1000;
  for (const Channel& channel : channel_) {
    if (const auto due = channel.next()) wait = std::min(wait, *due > now() ? *due - now() : 0);
  }
  if (auto out = side_[clock].dut->run_until_output(wait)) put(clock, std::move(*out));
}

bool Pair::deliver(unsigned side, std::uint64_t until) {
  bool any = false;
  Dut& dut = *side_[side].dut;
  while (const auto datagram = channel_[1 - side].pop(until)) {
    any = true;
    dut.inject(datagram->bytes);
    dut.settle();
    collect(side);
    serve(side);
  }
  return any;
}

bool Pair::collect(unsigned side) {
  bool any = false;
  while (auto out = side_[side].dut->poll_output()) {
    any = true;
    put(side, std::move(*out));
  }
  return any;
}

void Pair::put(unsigned side, Datagram datagram) {
  const std::uint64_t start = side_[side].start;
  const std::uint64_t sent = datagram.time_us > start ? datagram.time_us - start : 0;
  ++result_.end[side].datagrams;
  watch(side, datagram.bytes);
  if (!real_time()) {
    digest_number(result_.digest, sent * 2 + side);
    for (const std::uint8_t octet : datagram.bytes) digest_number(result_.digest, octet);
  }
  channel_[side].push(std::move(datagram.bytes), sent);
}

/// Retransmissions as the wire shows them, the same for every device.
void Pair::watch(unsigned side, ByteView d) {
  if (d.size() < 40 || d[0] >> 4 != 4 || d[9] != 6) return;
  const std::size_t ip = (d[0] & 0xFU) * 4;
  if (d.size() < ip + 20) return;
  const std::size_t header = ip + (d[ip + 12] >> 4) * std::size_t{4};
  const std::uint8_t flags = d[ip + 13];
  PairEndCounters& count = result_.end[side];
  if ((flags & RST) != 0) ++count.resets;
  const std::uint32_t ports = word_at(d, ip);
  const std::uint32_t seq = word_at(d, ip + 4);
  const auto text = static_cast<std::uint32_t>(d.size() > header ? d.size() - header : 0);
  const std::uint32_t length = text + ((flags & SYN) != 0 ? 1 : 0) + ((flags & FIN) != 0 ? 1 : 0);
  if (length == 0 || (flags & RST) != 0) return;
  auto [found, fresh] = side_[side].sent.try_emplace(ports);
  Sent& s = found->second;
  if ((flags & SYN) != 0 && (fresh || s.iss != seq)) {
    s = {.iss = seq, .next = seq + length};
    return;
  }
  if (!fresh && static_cast<std::int32_t>(seq - s.next) < 0) ++count.retransmissions;
  if (fresh || static_cast<std::int32_t>(seq + length - s.next) > 0) s.next = seq + length;
}

// ---- the users

void Pair::serve(unsigned side) {
  while (const auto n = side_[side].dut->poll_notification()) told(side, *n);
  open_more(side);
}

void Pair::accept_all(unsigned side) {
  Side& s = side_[side];
  while (true) {
    const CallResult r = s.dut->accept(s.listener);
    if (r.status == CallStatus::aborted) continue;
    if (!r) return;
    End& end = ends_.emplace_back();
    end.handle = r.handle;
    end.connected = true;
    s.by_handle[r.handle.value] = &end;
    ++s.live;
    ++result_.end[side].accepted;
    moved();
  }
}

void Pair::told(unsigned side, const Notification& n) {
  Side& s = side_[side];
  if (n.handle == s.listener) {
    if ((n.flags & Notification::accept) != 0) accept_all(side);
    return;
  }
  const auto found = s.by_handle.find(n.handle.value);
  if (found == s.by_handle.end()) return;
  End& end = *found->second;
  moved();
  if ((n.flags & Notification::connected) != 0) end.connected = true;
  if ((n.flags & kFailureFlags) == 0) pump(side, end);
  if ((n.flags & Notification::closed) != 0) over(side, end, n.flags);
}

/// Reads and writes until the device has no more, or takes no more.
void Pair::pump(unsigned side, End& end) {
  if (!end.connected || end.over) return;
  read(side, end);
  if (end.flow == kNobody) return;
  write(side, end);
  maybe_close(side, end);
}

void Pair::read(unsigned side, End& end) {
  while (!end.fin) {
    const CallResult r = side_[side].dut->receive(end.handle, kReceiveChunk);
    if (r.status == CallStatus::closing) {
      end.fin = true;
      if (end.flow == kNobody) {
        fail(kNobody, std::string(letter(side)) + " accepted a connection that closed after " +
                          std::to_string(end.name.size()) + " octets");
        side_[side].dut->close(end.handle, side_[side].half_close);
        end.closed = true;
      } else if (end.received != flows_[end.flow].length) {
        fail(end.flow, std::string(letter(side)) + " reads the end of the text after " + std::to_string(end.received) +
                           " of " + std::to_string(flows_[end.flow].length) + " octets");
      }
      return;
    }
    if (!r || r.data.empty()) return;
    hear(side, end, r.data);
  }
}

void Pair::hear(unsigned side, End& end, ByteView octets) {
  if (end.flow == kNobody) {
    const std::size_t part = std::min(octets.size(), kName - end.name.size());
    end.name.insert(end.name.end(), octets.begin(), octets.begin() + static_cast<std::ptrdiff_t>(part));
    octets = octets.subspan(part);
    if (end.name.size() < kName || !say_who(side, end)) return;
  }
  const std::uint64_t key = pattern_key(options_.seed, end.flow, 1 - side);
  Flow& flow = flows_[end.flow];
  for (const std::uint8_t octet : octets) {
    if (end.received >= flow.length || octet != octet_of(key, end.received)) {
      fail(end.flow, std::string(letter(side)) + " received a wrong octet at position " + std::to_string(end.received) +
                         (end.received >= flow.length ? ", after the end of the text" : ""));
      side_[side].dut->abort(end.handle);
      return;
    }
    ++end.received;
  }
  result_.end[side].octets += octets.size();
}

/// An accepted connection has said which one it is. False: there is no such one.
bool Pair::say_who(unsigned side, End& end) {
  const std::uint32_t number = word_at(end.name, 0);
  if (number >= flows_.size() || !flows_[number].started || flows_[number].opener == side ||
      flows_[number].end[side] != nullptr) {
    fail(kNobody, std::string(letter(side)) + " accepted a connection that says it is number " +
                      std::to_string(number) + ", which " +
                      (number < flows_.size() && flows_[number].end[side] != nullptr ? "is there already"
                                                                                     : "nobody has opened"));
    side_[side].dut->abort(end.handle);
    return false;
  }
  end.flow = number;
  end.received = kName;
  result_.end[side].octets += kName;
  flows_[number].end[side] = &end;
  if (!flows_[number].ended) --side_[1 - side].opening;
  return true;
}

void Pair::write(unsigned side, End& end) {
  const Flow& flow = flows_[end.flow];
  const std::uint64_t key = pattern_key(options_.seed, end.flow, side);
  Bytes text;
  while (end.sent < flow.length && !end.closed) {
    text.resize(static_cast<std::size_t>(std::min<std::uint64_t>(flow.length - end.sent, kSendChunk)));
    for (std::size_t i = 0; i < text.size(); ++i) {
      const std::uint64_t at = end.sent + i;
      text[i] = end.opener && at < kName ? static_cast<std::uint8_t>(end.flow >> (24 - 8 * at)) : octet_of(key, at);
    }
    const CallResult r = side_[side].dut->send(end.handle, text);
    if (!r || r.length == 0) return;
    end.sent += r.length;
  }
}

/// One end closes when it has said everything, the other one when it has heard everything, too.
void Pair::maybe_close(unsigned side, End& end) {
  const Flow& flow = flows_[end.flow];
  if (end.closed || end.sent < flow.length) return;
  if (end.opener != flow.opener_closes && !end.fin) return;
  Side& s = side_[side];
  if (s.dut->close(end.handle, s.half_close)) end.closed = true;
}

void Pair::over(unsigned side, End& end, unsigned flags) {
  Side& s = side_[side];
  end.over = true;
  --s.live;
  s.by_handle.erase(end.handle.value);
  if (s.knows_state && s.dut->status(end.handle).status != CallStatus::no_connection)
    s.waiting.emplace_back(end.handle, end.flow);
  if (end.flow == kNobody) {
    if (!end.fin) ++result_.end[side].ghosts;
    return;
  }
  Flow& flow = flows_[end.flow];
  // CLOSED without a failure says that the peer's FIN came; a device may have forgotten the connection before we read
  // it.
  const bool heard = end.fin || (flags & kFailureFlags) == 0;
  const bool complete = end.closed && heard && end.sent == flow.length && end.received == flow.length;
  if (!complete && !flow.failed) {
    std::string why = std::string(letter(side)) + " was told " + notification_names(flags) + " after sending " +
                      std::to_string(end.sent) + " and receiving " + std::to_string(end.received) + " of " +
                      std::to_string(flow.length) + " octets";
    if ((flags & kFailureFlags) == 0) why += ": lost without a word";
    fail(end.flow, why);
  } else if (complete && (flags & Notification::reset) != 0) {
    ++result_.end[side].late_resets;
  } else if (complete && (flags & kFailureFlags) != 0) {
    fail(end.flow, std::string(letter(side)) + " was told " + notification_names(flags) +
                       " after all had been said and heard, waiting for the acknowledgment of its FIN");
  }
  end_flow_if_done(flow);
}

void Pair::end_flow_if_done(Flow& flow) {
  const End* opener = flow.end[flow.opener];
  const End* other = flow.end[1 - flow.opener];
  if (flow.ended || opener == nullptr || !opener->over || (other != nullptr && !other->over)) return;
  if (other == nullptr) --side_[flow.opener].opening;
  flow.ended = true;
  ++result_.flows;
  if (flow.failed) ++result_.failed;
}

// ---- opening

void Pair::open_more(unsigned side) {
  while (next_flow_ < flows_.size() && flows_[next_flow_].opener == side) {
    if (next_flow_ >= bulk_flows_ && result_.flows < bulk_flows_) return;
    if (next_flow_ == bulk_flows_) result_.bulk_us = now();
    if (!room(side) || !open_one(side, next_flow_)) return;
    ++next_flow_;
  }
}

/// Whether both tables have room, with what is in TIME_WAIT and what is on its way.
bool Pair::room(unsigned side) {
  if (side_[side].opening >= kOpeningMost) return false;
  const std::uint64_t open = next_flow_ - result_.flows;
  if (open >= (options_.side_by_side != 0 ? options_.side_by_side : kMostBeside)) return false;
  for (unsigned i = 0; i < 2; ++i) {
    Side& s = side_[i];
    if (s.tables == 0) continue;
    const unsigned coming = side_[1 - i].opening;
    if (s.live + s.waiting.size() + coming >= s.tables) forget_waiting(i);
    if (s.live + s.waiting.size() + coming >= s.tables) return false;
  }
  return true;
}

bool Pair::open_one(unsigned side, std::uint32_t number) {
  Side& s = side_[side];
  const std::uint16_t port = s.next_port;
  s.next_port = port >= kLastPort ? kFirstPort : static_cast<std::uint16_t>(port + 1);
  const CallResult r = s.dut->open_active(
      {.local_ip = s.address, .local_port = port, .remote_ip = side_[1 - side].address, .remote_port = kPort});
  if (!r) {
    if (r.status != CallStatus::exists && r.status != CallStatus::no_resources)
      throw DutError(std::string(letter(side)) + " (" + s.dut->name() + ") refuses to open: " + to_string(r.status));
    ++result_.end[side].refused_calls;
    return false;
  }
  End& end = ends_.emplace_back();
  end.flow = number;
  end.handle = r.handle;
  end.opener = true;
  s.by_handle[r.handle.value] = &end;
  ++s.live;
  ++s.opening;
  flows_[number].started = true;
  flows_[number].end[side] = &end;
  ++result_.end[side].opened;
  result_.most_open = std::max<std::uint64_t>(result_.most_open, next_flow_ + 1 - result_.flows);
  moved();
  return true;
}

/// Takes those out of the list that the device has forgotten: their time in TIME_WAIT is over. It ends in the order in
/// which it began.
void Pair::forget_waiting(unsigned side) {
  Side& s = side_[side];
  if (s.looked != 0 && now(side) < s.looked + kLookEvery) return;
  s.looked = now(side);
  while (!s.waiting.empty() && s.dut->status(s.waiting.front().first).status == CallStatus::no_connection)
    s.waiting.pop_front();
}

// ---- the end

void Pair::finish_if_done() {
  if (result_.flows == flows_.size()) {
    const bool wire_empty = channel_[0].empty() && channel_[1].empty();
    const bool users_done = side_[0].live == 0 && side_[1].live == 0;
    if (!drained_since_) {
      drained_since_ = now();
      if (bulk_flows_ == flows_.size()) result_.bulk_us = now();
    }
    bool empty = wire_empty && users_done;
    for (unsigned i = 0; i < 2; ++i) {
      if (empty && !side_[i].real) forget_waiting(i);
      empty = empty && (side_[i].waiting.empty() || side_[i].real);
    }
    const std::uint64_t most = real_time() ? 5'000'000 : kLongestWait;
    if (empty || (now() - *drained_since_ > most && (users_done || now() - *drained_since_ > options_.patience_us)))
      finish();
    return;
  }
  if (now() - progress_ <= options_.patience_us) return;
  for (std::uint32_t i = 0; i < next_flow_; ++i) {
    if (!flows_[i].ended && !flows_[i].failed)
      fail(i,
           "nothing moves for " + std::to_string(options_.patience_us / 1'000'000) + " s of device time; " + where(i));
  }
  if (next_flow_ < flows_.size())
    fail(kNobody, "connection " + std::to_string(next_flow_) + " and those after it could not be opened: a table is " +
                      "full for " + std::to_string(options_.patience_us / 1'000'000) + " s of device time");
  finish();
}

void Pair::finish() {
  result_.done = true;
  for (unsigned i = 0; i < 2; ++i) last_look(i);
}

/// Both tables must be empty, but for TIME_WAIT.
void Pair::last_look(unsigned side) {
  Side& s = side_[side];
  for (const auto& [handle, end] : s.by_handle) {
    if (end->flow == kNobody)
      fail(kNobody, std::string(letter(side)) + " holds an accepted connection whose opener says nothing");
  }
  for (const auto& [handle, flow] : s.waiting) {
    const CallResult r = s.dut->status(handle);
    if (r.status == CallStatus::no_connection) continue;
    if (r && r.state == State::time_wait) {
      ++result_.end[side].time_wait;
    } else {
      fail(flow, std::string(letter(side)) + " still has it in state " + to_string(r.state) +
                     " after telling that it has ended");
    }
  }
  const Capabilities& has = s.dut->capabilities();
  if (result_.failures.empty() && (has.all_counters || has.counters.contains("CurrEstab"))) {
    if (const std::uint64_t open = s.dut->counter("CurrEstab"); open != 0)
      fail(kNobody, std::string(letter(side)) + " counts " + std::to_string(open) +
                        " established connections (CurrEstab) where there are none");
  }
}

void Pair::fail(std::uint32_t number, const std::string& why) {
  std::string text = std::to_string(now()) + " us: ";
  if (number != kNobody) {
    Flow& flow = flows_[number];
    if (flow.failed) return;
    flow.failed = true;
    if (flow.ended) ++result_.failed;
    text += "connection " + std::to_string(number) + " (opened by " + letter(flow.opener) + ", " +
            letter(flow.opener_closes ? flow.opener : 1 - flow.opener) + " closes first): ";
  }
  if (result_.failures.size() < kMostFailures) result_.failures.push_back(text + why);
}

std::string Pair::where(std::uint32_t number) const {
  std::string text;
  for (unsigned i = 0; i < 2; ++i) {
    const End* end = flows_[number].end[i];
    text += std::string(i == 0 ? "" : "; ") + letter(i);
    if (end == nullptr) {
      text += " has not heard of it";
      continue;
    }
    const CallResult r = side_[i].knows_state ? side_[i].dut->status(end->handle) : CallResult{};
    text += end->over ? " has ended it" : std::string(" is in ") + to_string(r.state);
    text += ", " + std::to_string(end->sent) + " sent, " + std::to_string(end->received) + " received";
  }
  return text;
}

}  // namespace tiptoe
