// SPDX-License-Identifier: Apache-2.0
//
// What a connection is (Record, Deadlines), what can happen to it (Event), how it is set up (Config) and what follows
// (Decision). Plain data: no function here does anything but read. Names are those of RFC 9293 and of
// docs/microarchitecture.md 8.3 (record), 12 (registers), 9 and 10 (responses, notifications).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace tiptoe::tcp {

inline constexpr std::uint64_t TIME_MASK = (std::uint64_t{1} << 48) - 1;  // time and deadlines are 48 bit microseconds
inline constexpr unsigned OOO_RANGES = 4;
inline constexpr unsigned TIMERS = 5;
inline constexpr unsigned LOCAL_IPS = 4;
inline constexpr std::uint32_t BACKLOG_MAX = 16;

// RFC 9293 3.3.2. LISTEN is never the state of a record (listeners are a table of their own); STATUS answers it.
enum class State : std::uint8_t {
  CLOSED,
  LISTEN,
  SYN_SENT,
  SYN_RECEIVED,
  ESTABLISHED,
  FIN_WAIT_1,
  FIN_WAIT_2,
  CLOSE_WAIT,
  CLOSING,
  LAST_ACK,
  TIME_WAIT,
};
const char* name(State s);

// Control bits as on the wire.
enum Ctl : std::uint8_t { FIN = 1, SYN = 2, RST = 4, PSH = 8, ACK = 16, URG = 32, ECE = 64, CWR = 128 };

// An out-of-order range [start, end) that waits in the receive buffer.
struct Range {
  bool valid = false;
  std::uint32_t start = 0, end = 0;
  friend bool operator==(const Range&, const Range&) = default;
};

// The connection record, microarchitecture 8.3, field by field.
struct Record {
  State state = State::CLOSED;
  std::uint8_t gen = 0;  // 6 bits
  bool passive = false, unaccepted = false;
  std::uint8_t lsn_idx = 0, lsn_gen = 0;  // 5, 4 bits
  bool nodelay = false, keepalive = false, half = false;
  bool tx_busy = false, rx_busy = false;
  std::uint32_t lip = 0;
  std::uint16_t lport = 0;
  std::uint32_t rip = 0;
  std::uint16_t rport = 0;
  std::uint32_t iss = 0, irs = 0;
  std::uint32_t snd_una = 0, snd_nxt = 0, rtx_nxt = 0, snd_end = 0;
  std::uint32_t snd_wnd = 0, snd_wl1 = 0, snd_wl2 = 0, max_snd_wnd = 0;
  std::uint16_t snd_mss = 0;
  bool syn_out = false, fin_queued = false, persist = false;
  std::uint32_t cwnd = 0, ssthresh = 0, ca_acc = 0, recover = 0, lt_nxt = 0;
  std::uint64_t last_sent = 0;  // 48 bits: time of the last text or FIN
  std::uint8_t dupacks = 0;     // 3 bits, saturates
  bool in_recovery = false;
  std::uint32_t rcv_nxt = 0, rcv_adv = 0, rcv_user = 0, rcv_free = 0;
  std::array<Range, OOO_RANGES> ooo{};
  bool fin_pend = false;
  std::uint32_t fin_seq = 0;
  std::uint32_t srtt = 0, rttvar = 0, rto = 0;
  bool rtt_valid = false, rtt_on = false;
  std::uint32_t rtt_seq = 0, rtt_start = 0;
  std::uint8_t rtx_cnt = 0;      // 5 bits
  std::uint8_t persist_exp = 0;  // 4 bits
  bool syn_rtx = false;
  std::uint8_t keep_cnt = 0;  // 4 bits
  std::uint8_t ch_cnt = 0;
  std::uint32_t ch_start = 0;

  friend bool operator==(const Record&, const Record&) = default;
};

enum class Timer : std::uint8_t { RTX, DACK, KEEP, WAIT, USER };
const char* name(Timer t);

struct Deadline {
  bool armed = false;
  std::uint64_t at = 0;  // 48 bits, 0 when not armed
  friend bool operator==(const Deadline&, const Deadline&) = default;
};

struct Deadlines {
  std::array<Deadline, TIMERS> timer{};
  const Deadline& operator[](Timer t) const { return timer[static_cast<std::size_t>(t)]; }
  bool armed(Timer t) const { return (*this)[t].armed; }
  void arm(Timer t, std::uint64_t at) { timer[static_cast<std::size_t>(t)] = {true, at & TIME_MASK}; }
  void disarm(Timer t) { timer[static_cast<std::size_t>(t)] = {}; }
  void disarm_all() { timer = {}; }
  friend bool operator==(const Deadlines&, const Deadlines&) = default;
};

// FEATURES register.
enum Feature : std::uint32_t {
  RST5961 = 1U << 0,
  SYN5961 = 1U << 1,
  ACK5961 = 1U << 2,
  RFC1337 = 1U << 3,
  TW_REUSE = 1U << 4,
  DELACK = 1U << 5,
  DF = 1U << 6,
  FIXED_ISS = 1U << 7,
};

// The registers of microarchitecture 12 at their values after reset, then what elaboration and reset fix.
struct Config {
  std::array<std::uint32_t, LOCAL_IPS> local_ip{};
  std::uint32_t mtu = 1500;  // already clamped to 296 ... 2048
  std::uint8_t ttl = 64;
  std::uint8_t tos = 0;
  std::uint32_t features = 0x3F;
  std::uint32_t rto_init = 1'000'000;
  std::uint32_t rto_min = 1'000'000;
  std::uint32_t rto_max = 60'000'000;
  std::uint32_t syn_rto = 1'000'000;
  std::uint32_t syn_backoff = 1;
  std::uint32_t syn_retries = 7;
  std::uint32_t data_retries = 8;
  std::uint32_t r1 = 3;
  std::uint32_t dack = 200'000;
  std::uint32_t msl = 120'000'000;
  std::uint32_t fw2_timeout = 0;
  std::uint32_t keep_idle_s = 7200;
  std::uint32_t keep_intvl_s = 75;
  std::uint32_t keep_probes = 9;
  std::uint32_t user_timeout = 300'000'000;
  std::uint32_t open_timeout = 0;
  std::uint32_t quiet = 0;
  std::uint32_t ch_limit = 10;
  std::uint32_t ch_window = 5'000'000;
  std::uint32_t iw_segs = 0;
  std::uint32_t cam_key = 0x5bd1e995;
  std::array<std::uint32_t, 4> isn_key{0x03020100, 0x07060504, 0x0b0a0908, 0x0f0e0d0c};

  unsigned tx_buf_log2 = 14;  // parameter TX_BUF_LOG2
  unsigned rx_buf_log2 = 14;  // parameter RX_BUF_LOG2
  std::uint64_t boot_us = 0;  // now_us in the last cycle of reset

  bool has(Feature f) const { return (features & f) != 0; }
};

// An arriving segment, as the parser describes it. local = destination of the datagram.
struct Segment {
  std::uint8_t drop = 0;  // the parser's drop reason, 1 ... 12; 0 = none, and everything below means something
  std::uint32_t lip = 0;
  std::uint16_t lport = 0;
  std::uint32_t rip = 0;
  std::uint16_t rport = 0;
  std::uint32_t seq = 0, ack = 0;
  std::uint16_t wnd = 0;
  std::uint16_t up = 0;
  std::uint8_t flags = 0;         // Ctl
  std::uint16_t payload_off = 0;  // of the first text octet in its slot
  std::uint16_t len = 0;          // text octets
  bool mss_valid = false;
  std::uint16_t mss = 0;

  bool has(Ctl c) const { return (flags & c) != 0; }
};

enum class Op : std::uint8_t {  // cmd_op
  OPEN_PASSIVE = 1,
  OPEN_ACTIVE = 2,
  SEND = 3,
  RECEIVE = 4,
  CLOSE = 5,
  ABORT = 6,
  STATUS = 7,
  ACCEPT = 8,
  SETOPT = 9,
};

enum CmdFlag : std::uint8_t { NODELAY = 1, KEEPALIVE = 2, HALF = 4, FROM_LISTENER = 8 };

// Handles: bit 16 set: listener, [4:0] index, [8:5] generation; else connection, [9:0] index, [15:10] generation.
constexpr bool is_listener(std::uint32_t handle) { return (handle >> 16 & 1) != 0; }
constexpr std::uint32_t connection_handle(std::uint16_t idx, std::uint8_t gen) {
  return (std::uint32_t{idx} & 0x3FFU) | (std::uint32_t{gen} & 0x3FU) << 10;
}
constexpr std::uint16_t connection_index(std::uint32_t handle) { return static_cast<std::uint16_t>(handle & 0x3FF); }
constexpr std::uint8_t connection_gen(std::uint32_t handle) { return static_cast<std::uint8_t>(handle >> 10 & 0x3F); }
constexpr std::uint32_t listener_handle(std::uint8_t idx, std::uint8_t gen) {
  return 0x10000U | (std::uint32_t{idx} & 0x1FU) | (std::uint32_t{gen} & 0xFU) << 5;
}
constexpr std::uint8_t listener_index(std::uint32_t handle) { return static_cast<std::uint8_t>(handle & 0x1F); }
constexpr std::uint8_t listener_gen(std::uint32_t handle) { return static_cast<std::uint8_t>(handle >> 5 & 0xF); }

// A host command. For OPEN_ACTIVE, and for SEND on a listener, the four addresses are those after the front end took
// the missing ones from the listener (microarchitecture 7.1) and replaced local address 0 by LOCAL_IP0.
struct Command {
  std::uint8_t op = 0;  // Op, or anything else that stood on the pins
  std::uint32_t handle = 0;
  std::uint8_t flags = 0;  // CmdFlag
  std::uint32_t lip = 0;
  std::uint16_t lport = 0;
  std::uint32_t rip = 0;
  std::uint16_t rport = 0;
  std::uint32_t len = 0;
};

enum class Source : std::uint8_t { TMR, SEG, CMD, TXD, RXD, OUT };  // in the arbiter's order
const char* name(Source s);

// One event with everything that was looked up and sampled for it. The engine fills in what its kind needs, the rest
// stays as constructed.
struct Event {
  Source source = Source::OUT;
  std::uint64_t now = 0;  // now_us in the grant cycle
  bool has_conn = false;  // the event has a connection: a record was read, and will be written
  std::uint16_t idx = 0;  // its index
  bool orphan = false;    // record unaccepted, and its listener entry not valid or of another generation

  // SEG
  Segment seg{};
  bool hit = false;      // CAM lookup found idx (also used by OPEN_ACTIVE)
  bool lsn_hit = false;  // a listener matched
  std::uint8_t lsn_idx = 0, lsn_gen = 0;
  bool lsn_room = false;     // its backlog has room, and the generation still matches (grant cycle)
  bool evt_pending = false;  // notifications of idx are queued

  // SEG and OPEN_ACTIVE
  bool cam_room = false;  // an insert of this 4-tuple would succeed
  bool new_ok = false;    // there is a free index (idx, unless the lookup hit)
  std::uint32_t isn_hash = 0;

  // CMD
  Command cmd{};
  bool lsn_valid = false;                           // cmd.handle names a live listener
  bool lsn_duplicate = false;                       // OPEN_PASSIVE: the same four addresses are listened on
  bool lsn_free = false;                            // OPEN_PASSIVE: there is a free entry ...
  std::uint8_t lsn_free_idx = 0, lsn_free_gen = 0;  // ... this one, with the generation that it will have
  bool accept_valid = false;                        // ACCEPT: the queue was not empty ...
  std::uint32_t accept_handle = 0;                  // ... and this was its head
  std::uint8_t accept_count = 0;                    // STATUS on a listener: length of its accept queue

  // TMR
  Timer timer = Timer::RTX;

  // TXD, RXD
  std::uint32_t n = 0;       // octets
  std::uint32_t handle = 0;  // connection handle that the transfer was granted for
};

// Retire reasons. 1 ... 12 are the parser's (microarchitecture 6.1).
enum class Reason : std::uint8_t {
  NONE = 0,
  IP_SHORT = 1,
  IP_VERSION = 2,
  IP_IHL = 3,
  IP_LENGTH = 4,
  IP_CKSUM = 5,
  IP_FRAGMENT = 6,
  IP_PROTOCOL = 7,
  IP_DST = 8,
  IP_SRC = 9,
  TCP_SHORT = 10,
  TCP_DOFF = 11,
  TCP_CKSUM = 12,
  QUIET = 16,
  NO_CONNECTION = 17,
  BACKLOG = 18,
  TABLE_FULL = 19,
  CAM_FULL = 20,
  BAD_ACK = 21,
  RESET = 22,
  RST_IGNORED = 23,
  NO_SYN = 24,
  CHALLENGE = 25,
  SYN_BACK_TO_LISTEN = 26,
  OUT_OF_WINDOW = 27,
  NO_ACK = 28,
  OOO_FULL = 29,
  ORPHAN = 30,
};
const char* name(Reason r);

enum class Status : std::uint8_t {
  OK,
  NO_CONNECTION,
  EXISTS,
  NO_RESOURCES,
  CLOSING,
  REMOTE_UNSPECIFIED,
  INVALID,
  WOULD_BLOCK,
  ABORTED,
};
const char* name(Status s);

// Notification flags (evt_flags).
enum Evt : std::uint16_t {
  EVT_CONNECTED = 1U << 0,
  EVT_READABLE = 1U << 1,
  EVT_PEER_FIN = 1U << 2,
  EVT_SPACE = 1U << 3,
  EVT_CLOSED = 1U << 4,
  EVT_RESET = 1U << 5,
  EVT_REFUSED = 1U << 6,
  EVT_TIMEOUT = 1U << 7,
  EVT_SOFT = 1U << 8,
  EVT_ACCEPT = 1U << 9,
  EVT_URGENT = 1U << 10,
};

// Counters: register address minus 0x40. CurrEstab moves by Decision::curr_estab, the others by one.
enum class Counter : std::uint8_t {
  ActiveOpens,
  PassiveOpens,
  AttemptFails,
  EstabResets,
  CurrEstab,
  InSegs,
  OutSegs,
  RetransSegs,
  InErrs,
  OutRsts,
  ChallengeAcks,
  ChallengeLimited,
  ListenDrops,
  TableFull,
  CamFull,
  OooDrops,
};

// A segment to send.
struct TxSegment {
  std::uint32_t lip = 0, rip = 0;
  std::uint16_t lport = 0, rport = 0;
  std::uint32_t seq = 0, ack = 0;
  std::uint8_t flags = 0;  // Ctl
  std::uint16_t wnd = 0;
  bool mss_valid = false;
  std::uint16_t mss = 0;
  std::uint16_t len = 0;  // text octets ...
  std::uint32_t payload_seq =
      0;  // ... read from the send buffer here. Always equal to seq, but for some seeded faults.
  friend bool operator==(const TxSegment&, const TxSegment&) = default;
};

enum class ListenerOp : std::uint8_t { NONE, INSERT, REMOVE };

// Everything that follows from one event. The record and the deadlines are written when `write` is set: whenever the
// event has a connection, but for one that could have created a connection and did not.
struct Decision {
  Record record{};
  Deadlines deadlines{};
  bool write = false;
  Reason reason = Reason::NONE;

  bool tx = false;  // at most one segment
  TxSegment segment{};
  bool is_retransmission = false, is_rst = false;  // of d.segment; is_retransmission: with octets that were sent before
  bool nothing_new = false;                        // ... and no others

  bool store =
      false;  // mover: store_len octets, from store_off in the segment's slot, to store_seq. Otherwise length 0.
  std::uint16_t store_off = 0, store_len = 0;
  std::uint32_t store_seq = 0;

  bool writer = false, reader = false;  // command to the host writer / reader: octets [xfer_seq, xfer_seq + xfer_len)
  std::uint32_t xfer_seq = 0, xfer_len = 0;

  bool respond = false;  // every CMD event
  Status status = Status::OK;
  std::uint32_t rsp_handle = 0, rsp_len = 0;
  State rsp_state = State::CLOSED;
  std::uint32_t rsp_avail = 0, rsp_room = 0;

  std::uint16_t evt = 0;  // notification flags (Evt) of the connection; held by the engine while record.unaccepted
  bool accepted = false;  // a successful ACCEPT: notifications are no longer held
  bool cam_insert = false, cam_delete = false;  // key: the record's 4-tuple
  bool take = false;                            // idx is no longer free
  bool release = false;                         // idx is free again (record.gen has counted on)
  std::uint8_t lsn_idx = 0, lsn_gen = 0;        // the listener that the following mean
  std::int8_t backlog = 0;                      // -1, 0, +1
  bool accept_push = false;                     // push accept_handle on its accept queue
  std::uint32_t accept_handle = 0;
  ListenerOp listener = ListenerOp::NONE;  // INSERT: with the four addresses and the backlog below. REMOVE: lsn_idx
  std::uint32_t lsn_lip = 0, lsn_rip = 0;
  std::uint16_t lsn_lport = 0, lsn_rport = 0;
  std::uint8_t lsn_backlog = 0;
  bool out_push = false;  // push idx on the output queue

  std::uint32_t counters = 0;  // bit n: counter 0x40 + n counts one
  std::int8_t curr_estab = 0;  // -1, 0, +1

  void count(Counter c) { counters |= 1U << static_cast<unsigned>(c); }
  bool counted(Counter c) const { return (counters >> static_cast<unsigned>(c) & 1U) != 0; }
  friend bool operator==(const Decision&, const Decision&) = default;
};

}  // namespace tiptoe::tcp
