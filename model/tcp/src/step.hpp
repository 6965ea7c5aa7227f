// SPDX-License-Identifier: Apache-2.0
//
// The steps that process() is made of. One event in progress is a Ctx; a step reads and changes it. Numbers in brackets
// are sections of docs/connection-processing.md.
#pragma once

#include <algorithm>
#include <cstdint>

#include "tiptoe/tcp/faults.hpp"
#include "tiptoe/tcp/seq.hpp"
#include "tiptoe/tcp/types.hpp"

namespace tiptoe::tcp::step {

struct Ctx {
  const Event& ev;
  const Config& cfg;
  const Faults& faults;
  Decision& d;
  Record& r;     // = d.record
  Deadlines& t;  // = d.deadlines
  Segment seg;   // = ev.seg; SYN, text and FIN are taken away as they are dealt with

  // Working flags, 0 at the start of each event.
  bool ack_now = false;    // an ACK is owed
  bool rtx_one = false;    // retransmit one segment at SND.UNA
  bool probe = false;      // send a zero window probe
  bool reply = false;      // d.segment is outside the connection's stream; nothing else is sent
  bool remove = false;     // delete the connection
  bool no_output = false;  // the event does nothing: section C is left out
  bool challenge = false;  // the ACK owed is a challenge ACK
  bool rsp_conn = false;   // the response describes a live connection

  bool on(Fault f) const { return faults.on(f); }
  std::uint32_t now32() const { return static_cast<std::uint32_t>(ev.now); }
  std::uint32_t mss() const { return r.snd_mss; }
  std::uint32_t wnd() const { return r.rcv_adv - r.rcv_nxt; }     // RCV.WND
  std::uint32_t flight() const { return r.snd_nxt - r.snd_una; }  // RFC 5681 FlightSize
  void arm_in(Timer timer, std::uint64_t us) { t.arm(timer, ev.now + us); }
};

enum class Flow : std::uint8_t { NEXT, STOP };  // go on with the next step, or be done with this segment

constexpr std::uint32_t CWND_MAX = 0x3FFFFFFF;
constexpr std::uint64_t ACCEPT_CHECK = std::uint64_t{1} << 20;  // microseconds between looks at the listener

inline bool syn_state(State s) { return s == State::SYN_SENT || s == State::SYN_RECEIVED; }
inline bool synchronized(State s) { return s >= State::ESTABLISHED; }
inline bool may_receive(State s) { return s == State::ESTABLISHED || s == State::FIN_WAIT_1 || s == State::FIN_WAIT_2; }
// The peer's FIN has been processed, and RCV.NXT counts it.
inline bool peer_closed(State s) {
  return s == State::CLOSE_WAIT || s == State::CLOSING || s == State::LAST_ACK || s == State::TIME_WAIT;
}
inline bool counts_as_established(State s) { return s == State::ESTABLISHED || s == State::CLOSE_WAIT; }

// SEG.LEN: text, SYN and FIN.
inline std::uint32_t seg_len(const Segment& s) {
  return std::uint32_t{s.len} + (s.has(SYN) ? 1U : 0U) + (s.has(FIN) ? 1U : 0U);
}

inline std::uint32_t tx_buffer(const Config& cfg) { return std::uint32_t{1} << cfg.tx_buf_log2; }
inline std::uint32_t rx_buffer(const Config& cfg) { return std::uint32_t{1} << cfg.rx_buf_log2; }
inline std::uint32_t own_mss(const Config& cfg) { return cfg.mtu - 40; }

// [1] closed.cpp, listen.cpp
void no_connection(Ctx& c);
void listen(Ctx& c);
void reset_for_segment(Ctx& c);  // the RST that refuses c.seg
// [1.1, 2.1] create.cpp
void create_passive(Ctx& c, std::uint32_t iss);
void create_active(Ctx& c);
std::uint32_t initial_sequence_number(const Ctx& c);
void peer_mss(Ctx& c);
std::uint32_t initial_rcv_window(const Config& cfg);
std::uint32_t syn_rto(const Ctx& c);
// [2] syn_sent.cpp
void syn_sent(Ctx& c);
// [3] segment.cpp: the order of the steps of RFC 9293 3.10.7.4
void other_states(Ctx& c);
// [3.0] time_wait.cpp
bool reopen(Ctx& c);           // MAY-2
void enter_time_wait(Ctx& c);  // [5.4]
void restart_time_wait(Ctx& c);
// [3.1, 3.4] sequence.cpp
std::uint32_t rcv_window(const Ctx& c);
bool in_window(const Ctx& c);
bool acceptable(const Ctx& c);
Flow not_acceptable(Ctx& c);
// [3.2] rst.cpp
Flow rst(Ctx& c);
// [3.3] syn.cpp
Flow syn(Ctx& c, bool seq_ok);
// [3.5, 5.1, 5.2] ack.cpp
Flow ack(Ctx& c);
void enter_established(Ctx& c);
// [3.6] urg.cpp
void urg(Ctx& c);
// [3.7, 4.1] text.cpp
void text(Ctx& c);
// [3.8, 4.2] fin.cpp
void fin(Ctx& c);
// [5.1 ... 5.3, 8.2] congestion.cpp
void initial_cwnd(Ctx& c);
void restart_window(Ctx& c);
void congestion_new_ack(Ctx& c, std::uint32_t acked);
void duplicate_ack(Ctx& c);
void congestion_timeout(Ctx& c);
// [5.5] rtt.cpp
void rtt_sample(Ctx& c, std::uint32_t rtt);
// [6] challenge.cpp
void challenge_ack(Ctx& c);
// [4a] calls.cpp
void call(Ctx& c);
void response(Ctx& c);
// [4b] payload.cpp
void payload_loaded(Ctx& c);   // TXD
void payload_drained(Ctx& c);  // RXD
// [4c] timers.cpp
void timer(Ctx& c);
std::uint64_t persist_interval(const Ctx& c);
void start_keepalive(Ctx& c);
void wait_for_accept(Ctx& c);
// [7] remove.cpp
bool orphan(Ctx& c);
void remove(Ctx& c);
void release(Ctx& c);
// [8] output.cpp
void send_reply(Ctx& c, std::uint32_t seq, std::uint32_t ack, std::uint8_t flags, std::uint16_t wnd = 0);
void reset_connection(Ctx& c);            // reply <SEQ=SND.NXT><ACK=RCV.NXT><CTL=RST,ACK>
std::uint32_t window_edge(const Ctx& c);  // [4.3] what RCV.ADV becomes when a segment is sent now
void output(Ctx& c);

}  // namespace tiptoe::tcp::step
