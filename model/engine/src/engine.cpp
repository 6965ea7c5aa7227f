// SPDX-License-Identifier: Apache-2.0
// The wiring of the blocks (micro-architecture, section 5).
//
// A cycle is two-phase. The signals between blocks (who is granted, whether COMMIT writes a table, which slot is
// released) are formed first, from registered state alone. Then every block takes its step from those signals and from
// its own state; FIFOs show their old contents until the end. COMMIT is applied last, so that nothing sees in cycle t
// what is written in cycle t.
#include "tiptoe/model/engine.hpp"

#include <algorithm>
#include <new>
#include <stdexcept>
#include <type_traits>

#include "arbiter.hpp"
#include "cam.hpp"
#include "command.hpp"
#include "fifo.hpp"
#include "free_list.hpp"
#include "head.hpp"
#include "host_reader.hpp"
#include "host_writer.hpp"
#include "listen_table.hpp"
#include "mover.hpp"
#include "notify.hpp"
#include "output_queue.hpp"
#include "pipeline.hpp"
#include "registers.hpp"
#include "rx_parser.hpp"
#include "timer_block.hpp"
#include "tiptoe/tcp/pack.hpp"
#include "tiptoe/tcp/process.hpp"
#include "tx_engine.hpp"
#include "umem.hpp"

namespace tiptoe::model {
namespace {

using tcp::Fault;
using tcp::Op;
using tcp::Source;

constexpr unsigned kTxQueueLimit = 8;  // fuller than this, nothing is granted

struct Response {
  std::uint8_t tag = 0, op = 0, status = 0, state = 0;
  std::uint32_t handle = 0, len = 0, avail = 0, room = 0;
};

constexpr unsigned bit(Source source) { return 1U << static_cast<unsigned>(source); }

}  // namespace

const char* why_illegal(const Parameters& p) noexcept {
  const auto one_of = [](unsigned value, auto... legal) { return ((value == legal) || ...); };
  if (!one_of(p.data_w, 64U, 128U, 256U, 512U)) return "DATA_W must be 64, 128, 256 or 512";
  if (!one_of(p.conns, 16U, 32U, 64U, 128U, 256U, 512U, 1024U)) return "CONNS must be a power of two, 16 to 1024";
  if (!one_of(p.listeners, 4U, 8U, 16U, 32U)) return "LISTENERS must be 4, 8, 16 or 32";
  if (p.tx_buf_log2 < 11 || p.tx_buf_log2 > 16) return "TX_BUF_LOG2 must be 11 to 16";
  if (p.rx_buf_log2 < 11 || p.rx_buf_log2 > 16) return "RX_BUF_LOG2 must be 11 to 16";
  if (!one_of(p.timer_scan, 1U, 2U, 4U, 8U)) return "TIMER_SCAN must be 1, 2, 4 or 8";
  if (p.timer_scan > p.conns / 4) return "TIMER_SCAN must be at most CONNS/4";
  if (p.conns << p.tx_buf_log2 > 1U << 26) return "CONNS << TX_BUF_LOG2 must be at most 2^26";
  if (p.conns << p.rx_buf_log2 > 1U << 26) return "CONNS << RX_BUF_LOG2 must be at most 2^26";
  return nullptr;
}

class Engine::Impl {
 public:
  explicit Impl(const Parameters& p)
      : parameters_(check(p)),
        registers_(p.tx_buf_log2, p.rx_buf_log2),
        send_(p.conns, p.tx_buf_log2),
        receive_(p.conns, p.rx_buf_log2),
        parser_(p.data_w / 8),
        cam_(p.conns),
        listeners_(p.listeners),
        records_(p.conns),
        timers_(p.conns, p.timer_scan),
        free_(p.conns),
        out_queue_(p.conns),
        notify_(p.conns),
        mover_(p.data_w / 8),
        tx_(p.data_w / 8),
        writer_(p.data_w / 8),
        reader_(p.data_w / 8) {
    reset();
  }

  const Parameters& parameters() const { return parameters_; }
  std::uint64_t cycles() const { return cycle_; }
  const tcp::Record& record(unsigned idx) const { return records_.at(idx); }
  const tcp::Deadlines& deadlines(unsigned idx) const { return timers_.deadlines(idx); }
  void set_fault(Fault fault) { faults_.active = fault; }

  const Outputs& eval(const Inputs& in) {
    in_ = in;
    in_.now_us &= tcp::TIME_MASK;
    if (in.rst != gated_) gate(in.rst);
    out_.quiescent = idle_ && timers_.asleep(in_.now_us);
    return out_;
  }

  void tick() {
    if (in_.rst || !running_) {
      out_of_service();
    } else if (idle_ && !in_.s_axis_tvalid && !in_.cmd_valid && timers_.asleep(in_.now_us)) {
      access_registers();
    } else {
      work();
    }
    ++cycle_;
  }

 private:
  static const Parameters& check(const Parameters& p) {
    if (const char* reason = why_illegal(p)) throw std::invalid_argument(reason);
    return p;
  }

  void reset();
  void out_of_service();
  void access_registers() {
    out_.reg_rdata = registers_.read(in_.reg_addr);
    if (in_.reg_wr) registers_.write(in_.reg_addr, in_.reg_wdata);
  }
  void work();

  // Arbiter.
  unsigned offers(bool tables_written) const;
  bool may_be_granted(Source source, Pipeline::Slot& slot) const;
  bool describe_segment(Pipeline::Slot& slot) const;
  bool describe_command(Pipeline::Slot& slot) const;
  bool notified_by_commit(std::uint16_t idx) const;

  // Pipeline.
  void check_stage();
  void commit(const Pipeline::Slot& slot);
  void commit_tables(const tcp::Event& event, const tcp::Decision& d);

  // Outputs.
  void gate(bool rst);
  void drive();
  void drive_retire();
  bool nothing_to_do() const;

  Parameters parameters_;
  tcp::Faults faults_;
  std::uint64_t cycle_ = 0;
  bool running_ = false;
  unsigned initialise_ = 0;  // records still to be written after reset
  bool idle_ = false;        // section 8.6, all but the time
  bool gated_ = false;       // outputs show what they are while rst is high
  bool dirty_ = false;       // records or deadlines were written since reset

  Inputs in_;
  Outputs out_;

  Registers registers_;
  SegmentStore store_;
  Buffers send_, receive_;
  RxParser parser_;
  RxParser::RawFifo raw_;
  Head head_;
  CommandFrontEnd command_;
  Cam cam_;
  ListenTable listeners_;
  Arbiter arbiter_;
  Pipeline pipeline_;
  std::vector<tcp::Record> records_;
  TimerBlock timers_;
  FreeList free_;
  OutputQueue out_queue_;
  Notify notify_;
  Fifo<Response, 4> responses_;
  Mover::CommandFifo mover_fifo_;
  Mover mover_;
  TxEngine::DescriptorFifo tx_fifo_;
  TxEngine tx_;
  TransferFifo writer_fifo_, reader_fifo_;
  HostWriter writer_;
  HostReader reader_;
  std::uint16_t txd_issued_ = 0, mv_issued_ = 0;
  std::uint32_t retired_ = 0;
  bool out_of_step_ = false;  // a seeded fault
};

// ------------------------------------------------------------------------------------------------------ reset (4)

void Engine::Impl::reset() {
  running_ = false;
  initialise_ = parameters_.conns;
  registers_.reset(in_.now_us);
  parser_.reset();
  raw_.reset();
  head_.reset();
  command_.reset();
  cam_.reset();
  listeners_.reset();
  arbiter_.reset();
  pipeline_.reset();
  // Cycle i of the initialisation clears record i. Nothing can look at a record before, so all are cleared at once.
  if (dirty_) {
    std::fill(records_.begin(), records_.end(), tcp::Record{});
    dirty_ = false;
  }
  timers_.reset();
  free_.reset();
  out_queue_.reset();
  notify_.reset();
  responses_.reset();
  mover_fifo_.reset();
  mover_.reset();
  tx_fifo_.reset();
  tx_.reset();
  writer_fifo_.reset();
  reader_fifo_.reset();
  writer_.reset();
  reader_.reset();
  txd_issued_ = mv_issued_ = 0;
  retired_ = 0;
  out_of_step_ = false;
  out_ = Outputs{};
  drive();
}

void Engine::Impl::out_of_service() {
  if (in_.rst) {
    reset();
  } else {
    access_registers();
    if (--initialise_ == 0) running_ = true;
    if (running_) drive();
  }
}

// ------------------------------------------------------------------------------------------------------ one cycle

void Engine::Impl::work() {
  const bool committing = pipeline_.valid(Pipeline::COMMIT);
  const Pipeline::Slot& commit_slot = pipeline_.stage(Pipeline::COMMIT);
  const tcp::Decision& effects = commit_slot.decision;
  const bool tables_written =
      committing && (effects.cam_insert || effects.cam_delete || effects.listener != tcp::ListenerOp::NONE);
  const bool deadlines_written = committing && effects.write;

  // Signals between the blocks.
  command_.decode(listeners_, registers_, faults_);
  const bool command_looks_up = command_.looks_up();
  int granted = Arbiter::kNobody;
  if (const unsigned offered = offers(tables_written); offered != 0 && tx_fifo_.count() <= kTxQueueLimit) {
    Pipeline::Slot& slot = pipeline_.granted();
    granted = arbiter_.grant(offered, [&](Source source) { return may_be_granted(source, slot); });
    if (granted != Arbiter::kNobody) {
      const tcp::Event& event = slot.event;
      if (event.source == Source::OUT) out_queue_.pop();
      if (event.accept_valid)
        listeners_.pop(tcp::listener_index(event.cmd.handle), faults_.on(Fault::engine_accept_lifo));
    }
  }
  const auto is_granted = [granted](Source source) { return granted == static_cast<int>(source); };
  const bool slot_released = mover_.releases(mover_fifo_);

  // Every block.
  if (pipeline_.valid(Pipeline::CHECK)) check_stage();
  head_.tick({cycle_, tables_written, command_looks_up, is_granted(Source::SEG), parser_, cam_, listeners_, registers_,
              faults_},
             raw_);
  command_.tick({cycle_, tables_written, is_granted(Source::CMD), cam_, listeners_, registers_, faults_}, in_);
  parser_.tick(in_, slot_released, registers_, store_, raw_, faults_);
  writer_.tick(writer_fifo_, tx_.loaded(), in_, is_granted(Source::TXD), send_);
  reader_.tick(reader_fifo_, mover_.done(), in_.rxd_tready, is_granted(Source::RXD), receive_, out_);
  mover_.tick(mover_fifo_, store_, receive_, faults_);
  const bool beat_changed = tx_.tick(tx_fifo_, send_, registers_.config(), in_.m_axis_tready, faults_);
  timers_.tick(in_.now_us, deadlines_written, is_granted(Source::TMR));
  if (const int idx = notify_.tick(committing, in_.evt_ready, listeners_); idx != Notify::kNothing)
    free_.release(static_cast<unsigned>(idx));
  if (!responses_.empty() && in_.rsp_ready) responses_.pop();

  // Writes.
  const std::uint32_t rdata = registers_.read(in_.reg_addr);
  if (committing) commit(commit_slot);
  if (in_.reg_wr) registers_.write(in_.reg_addr, in_.reg_wdata);

  // The edge.
  raw_.tick();
  responses_.tick();
  mover_fifo_.tick();
  tx_fifo_.tick();
  writer_fifo_.tick();
  reader_fifo_.tick();
  out_queue_.tick();
  notify_.tick_queue();
  pipeline_.tick(granted != Arbiter::kNobody);
  out_.reg_rdata = rdata;
  if (beat_changed) tx_.drive(out_);
  drive();
}

// ------------------------------------------------------------------------------------------------------ arbiter (8.1)

unsigned Engine::Impl::offers(bool tables_written) const {
  unsigned offered = 0;
  if (timers_.request()) offered |= bit(Source::TMR);
  if (head_.offers(cycle_, tables_written)) offered |= bit(Source::SEG);
  if (command_.offers(cycle_, tables_written)) offered |= bit(Source::CMD);
  if (writer_.offers()) offered |= bit(Source::TXD);
  if (reader_.offers()) offered |= bit(Source::RXD);
  if (!out_queue_.empty()) offered |= bit(Source::OUT);
  return offered;
}

/// Fills `slot` with the event as it would be granted in this cycle, and says whether it may be.
bool Engine::Impl::may_be_granted(Source source, Pipeline::Slot& slot) const {
  tcp::Event& e = slot.event;
  e = tcp::Event{};
  e.source = source;
  e.now = in_.now_us;
  slot.creator = false;
  const auto transfer = [&e](const TransferCommand& c) {
    e.idx = c.idx;
    e.handle = c.handle;
    e.n = c.n;
  };
  e.has_conn = true;
  bool may = true;
  switch (source) {
    case Source::TMR:
      e.idx = timers_.request_idx();
      e.timer = timers_.request_timer();
      break;
    case Source::SEG: may = describe_segment(slot); break;
    case Source::CMD: may = describe_command(slot); break;
    case Source::TXD: transfer(writer_.command()); break;
    case Source::RXD: transfer(reader_.command()); break;
    case Source::OUT: e.idx = out_queue_.front(); break;
  }
  return may && !(slot.creator && pipeline_.has_creator()) && !(e.has_conn && pipeline_.has_connection(e.idx));
}

bool Engine::Impl::describe_segment(Pipeline::Slot& slot) const {
  tcp::Event& e = slot.event;
  slot.segment_slot = raw_.front();
  e.seg = parser_.descriptor(slot.segment_slot).segment;
  e.has_conn = false;
  if (e.seg.drop != 0) return true;

  e.seg.mss_valid = head_.mss_valid();
  e.seg.mss = head_.mss();
  e.isn_hash = head_.isn();
  e.hit = head_.cam().hit;
  e.cam_room = head_.cam().room;
  const ListenerMatch& listener = head_.listener();
  e.lsn_hit = listener.hit;
  e.lsn_idx = listener.idx;
  e.lsn_gen = listener.gen;
  e.lsn_room = listener.hit && listeners_.live(listener.idx, listener.gen) && listeners_.room(listener.idx);
  e.new_ok = free_.any();
  const bool first = e.seg.has(tcp::SYN) && !e.seg.has(tcp::ACK) && !e.seg.has(tcp::RST);
  slot.creator = first && (e.hit || e.lsn_hit);
  if (e.hit) {
    e.has_conn = true;
    e.idx = head_.cam().idx;
    e.evt_pending = notify_.pending(e.idx) || notified_by_commit(e.idx);
  } else if (slot.creator) {
    e.has_conn = e.new_ok;
    e.idx = free_.lowest();
  }
  return e.hit || !pipeline_.has_creator();
}

/// COMMIT of this cycle puts the connection into the notification queue.
bool Engine::Impl::notified_by_commit(std::uint16_t idx) const {
  if (!pipeline_.valid(Pipeline::COMMIT)) return false;
  const Pipeline::Slot& slot = pipeline_.stage(Pipeline::COMMIT);
  const tcp::Decision& d = slot.decision;
  return d.write && slot.event.idx == idx && notify_.pushes(idx, d.evt, d.record.unaccepted, d.accepted);
}

bool Engine::Impl::describe_command(Pipeline::Slot& slot) const {
  if (pipeline_.has_command() || responses_.full() || writer_fifo_.full() || reader_fifo_.full()) return false;
  tcp::Event& e = slot.event;
  e.cmd = command_.command();
  slot.tag = command_.tag();
  e.has_conn = false;
  const bool on_listener = tcp::is_listener(e.cmd.handle);
  const unsigned lsn = tcp::listener_index(e.cmd.handle);
  e.lsn_valid = on_listener && listeners_.live(lsn, tcp::listener_gen(e.cmd.handle));

  if (command_.opens()) {
    slot.creator = true;
    const bool from_listener =
        e.cmd.op == static_cast<std::uint8_t>(Op::SEND) || (e.cmd.flags & tcp::FROM_LISTENER) != 0;
    if (from_listener) e.lsn_valid = e.lsn_valid && command_.listener_was_live();
    e.hit = command_.cam().hit;
    e.cam_room = command_.cam().room;
    e.isn_hash = command_.isn();
    e.new_ok = e.has_conn = free_.any();
    e.idx = free_.lowest();
    return true;
  }
  switch (static_cast<Op>(e.cmd.op)) {
    case Op::OPEN_PASSIVE: {
      slot.creator = true;
      e.lsn_duplicate = listeners_.duplicate({e.cmd.lip, e.cmd.rip, e.cmd.lport, e.cmd.rport});
      const int free = listeners_.lowest_free();
      e.lsn_free = free >= 0;
      if (e.lsn_free) {
        e.lsn_free_idx = static_cast<std::uint8_t>(free);
        e.lsn_free_gen = listeners_[e.lsn_free_idx].gen;
      }
      return true;
    }
    case Op::ACCEPT:
      if (e.lsn_valid && listeners_[lsn].queued != 0) {
        e.accept_valid = true;
        e.accept_handle = listeners_.front(lsn, faults_.on(Fault::engine_accept_lifo));
        e.has_conn = true;
        e.idx = tcp::connection_index(e.accept_handle);
      }
      return true;
    case Op::OPEN_ACTIVE:  // above
    case Op::SEND:
    case Op::RECEIVE:
    case Op::CLOSE:
    case Op::ABORT:
    case Op::STATUS:
    case Op::SETOPT:
      slot.creator = on_listener && (e.cmd.op == static_cast<std::uint8_t>(Op::CLOSE) ||
                                     e.cmd.op == static_cast<std::uint8_t>(Op::ABORT));
      if (on_listener) {
        if (e.lsn_valid) e.accept_count = listeners_[lsn].queued;
      } else {
        e.idx = tcp::connection_index(e.cmd.handle);
        e.has_conn = e.idx < parameters_.conns;
      }
      return true;
  }
  return true;  // an unknown operation: INVALID
}

// ------------------------------------------------------------------------------------------------------ pipeline (8.2)

void Engine::Impl::check_stage() {
  static constexpr tcp::Record kNoRecord{};
  static constexpr tcp::Deadlines kNoDeadlines{};
  Pipeline::Slot& slot = pipeline_.stage(Pipeline::CHECK);
  tcp::Event& e = slot.event;
  const tcp::Record& record = e.has_conn ? records_[e.idx] : kNoRecord;
  const tcp::Deadlines& deadlines = e.has_conn ? timers_.deadlines(e.idx) : kNoDeadlines;
  e.orphan = record.unaccepted && !listeners_.live(record.lsn_idx, record.lsn_gen);

  static_assert(std::is_trivially_destructible_v<tcp::Decision>);
  tcp::Decision& d = *::new (&slot.decision) tcp::Decision(
      tcp::process(record, deadlines, e, registers_.config(), faults_));  // in place, no copy

  if (faults_.active == Fault::none) return;
  if (faults_.on(Fault::engine_timer_not_restarted))
    for (std::size_t t = 0; t < tcp::TIMERS; ++t)
      if (deadlines.timer[t].armed && d.deadlines.timer[t].armed) d.deadlines.timer[t] = deadlines.timer[t];
  if (faults_.on(Fault::engine_rst_dropped) && d.is_rst) d.tx = false;
  if (faults_.on(Fault::engine_ports_swapped) && d.is_rst && e.source == Source::SEG && !e.has_conn)
    std::swap(d.segment.lport, d.segment.rport);
}

void Engine::Impl::commit(const Pipeline::Slot& slot) {
  const tcp::Event& e = slot.event;
  const tcp::Decision& d = slot.decision;
  ++retired_;

  const std::uint8_t gen_before = e.has_conn ? records_[e.idx].gen : std::uint8_t{0};
  if (d.write) {
    dirty_ = true;
    records_[e.idx] = d.record;
    timers_.write(e.idx, d.deadlines, faults_);
  }
  if (d.cam_insert || d.cam_delete || d.listener != tcp::ListenerOp::NONE || d.backlog != 0 || d.accept_push)
    commit_tables(e, d);

  if (d.tx) {
    TxDescriptor& t = tx_fifo_.push();
    t.segment = d.segment;
    t.idx = e.idx;
    t.retransmission = d.is_retransmission;
    ++txd_issued_;
  }
  if (e.source == Source::SEG) {
    MoverCommand& m = mover_fifo_.push();
    m.slot = m.source_slot = slot.segment_slot;
    m.offset = d.store_off;
    m.len = d.store ? d.store_len : std::uint16_t{0};
    m.idx = e.idx;
    m.seq = d.store_seq;
    ++mv_issued_;
    if (faults_.on(Fault::engine_fifo_out_of_step)) {
      if (out_of_step_) m.source_slot = static_cast<std::uint8_t>((m.slot + kSlots - 1U) % kSlots);
      if (d.store && (d.store_len != e.seg.len)) out_of_step_ = true;
    }
    if (e.seg.drop != 0) registers_.count(static_cast<std::uint8_t>(kDropCounterBase + e.seg.drop));
  }
  const auto transfer = [&](std::uint16_t snapshot) {
    return TransferCommand{e.idx, static_cast<std::uint16_t>(tcp::connection_handle(e.idx, d.record.gen)), d.xfer_seq,
                           d.xfer_len, snapshot};
  };
  if (d.writer) writer_fifo_.push(transfer(txd_issued_));
  if (d.reader) reader_fifo_.push(transfer(mv_issued_));
  if (d.respond) {
    Response& r = responses_.push();
    r.tag = slot.tag;
    r.op = e.cmd.op;
    r.status = static_cast<std::uint8_t>(d.status);
    r.handle = d.rsp_handle;
    r.len = d.rsp_len;
    r.state = static_cast<std::uint8_t>(d.rsp_state);
    r.avail = d.rsp_avail;
    r.room = d.rsp_room;
  }

  if (d.take) free_.take(e.idx);
  if (d.evt != 0 || d.accepted || d.release) {
    const std::uint8_t gen = d.release ? gen_before : d.record.gen;  // the handle that the host knows
    if (notify_.commit(e.idx, d.evt, tcp::connection_handle(e.idx, gen), d.record.unaccepted, d.accepted, d.release))
      free_.release(e.idx);
  }
  if (d.out_push) out_queue_.push(e.idx);

  for (std::uint32_t left = d.counters; left != 0; left &= left - 1)
    registers_.count(static_cast<std::uint8_t>(kCounterBase + std::countr_zero(left)));
  if (d.curr_estab != 0)
    registers_.count(kCounterBase + static_cast<std::uint8_t>(tcp::Counter::CurrEstab),
                     static_cast<std::uint32_t>(std::int32_t{d.curr_estab}));
}

void Engine::Impl::commit_tables(const tcp::Event& e, const tcp::Decision& d) {
  const std::uint32_t cam_key = registers_.config().cam_key;
  const FourTuple key{d.record.lip, d.record.rip, d.record.lport, d.record.rport};
  if (d.cam_insert) cam_.insert(key, e.idx, cam_key);
  if (d.cam_delete && !faults_.on(Fault::engine_cam_delete_missing)) cam_.erase(key, e.idx, cam_key);
  if (d.backlog != 0) listeners_.add_to_backlog(d.lsn_idx, d.lsn_gen, d.backlog);
  if (d.accept_push && listeners_.push(d.lsn_idx, d.lsn_gen, static_cast<std::uint16_t>(d.accept_handle)))
    notify_.listener_has_something(d.lsn_idx);
  if (d.listener == tcp::ListenerOp::INSERT)
    listeners_.insert(d.lsn_idx, {d.lsn_lip, d.lsn_rip, d.lsn_lport, d.lsn_rport}, d.lsn_backlog);
  if (d.listener == tcp::ListenerOp::REMOVE) {
    listeners_.remove(d.lsn_idx);
    notify_.listener_removed(d.lsn_idx);
  }
}

// ------------------------------------------------------------------------------------------------------ outputs

/// While rst is high all valids and readies are 0.
void Engine::Impl::gate(bool rst) {
  gated_ = rst;
  if (!rst) {
    drive();
    tx_.drive(out_);
    out_.rxd_tvalid = reader_.state() == HostReader::State::OUT;
    return;
  }
  out_.s_axis_tready = out_.m_axis_tvalid = out_.cmd_ready = out_.rsp_valid = out_.evt_valid = false;
  out_.txd_tready = out_.rxd_tvalid = false;
}

/// All outputs of the coming cycle, but m_axis and rxd (their blocks do that when they change) and quiescent.
void Engine::Impl::drive() {
  out_.s_axis_tready = running_ && parser_.ready();
  out_.cmd_ready = running_ && command_.empty();
  out_.txd_tready = writer_.state() == HostWriter::State::COPY;
  out_.rsp_valid = !responses_.empty();
  if (out_.rsp_valid) {
    const Response& r = responses_.front();
    out_.rsp_tag = r.tag;
    out_.rsp_op = r.op;
    out_.rsp_status = r.status;
    out_.rsp_handle = r.handle;
    out_.rsp_len = r.len;
    out_.rsp_state = r.state;
    out_.rsp_avail = r.avail;
    out_.rsp_room = r.room;
  }
  out_.evt_valid = notify_.valid();
  out_.evt_handle = notify_.handle();
  out_.evt_flags = notify_.flags();
  out_.next_deadline = timers_.next_deadline();
  out_.next_deadline_valid = timers_.next_deadline_valid();

  Probes& p = out_.prb;
  p.slots_used = static_cast<std::uint8_t>(parser_.slots_used());
  p.raw_count = static_cast<std::uint8_t>(raw_.count());
  p.head_state = static_cast<std::uint8_t>(head_.state());
  p.stage_valid = static_cast<std::uint8_t>(pipeline_.valid());
  p.txq_count = static_cast<std::uint8_t>(tx_fifo_.count());
  p.tx_state = static_cast<std::uint8_t>(tx_.state());
  p.mover_busy = mover_.busy();
  p.writer_state = static_cast<std::uint8_t>(writer_.state());
  p.reader_state = static_cast<std::uint8_t>(reader_.state());
  p.scan_ptr = static_cast<std::uint16_t>(timers_.ptr());
  p.scan_clean = timers_.clean();
  p.outq_count = static_cast<std::uint16_t>(out_queue_.count());
  p.evtq_count = static_cast<std::uint16_t>(notify_.count());
  p.free_count = static_cast<std::uint16_t>(free_.count());
  p.ret_valid = pipeline_.valid(Pipeline::COMMIT);
  if (p.ret_valid) drive_retire();
  idle_ = nothing_to_do();
}

void Engine::Impl::drive_retire() {
  const Pipeline::Slot& slot = pipeline_.stage(Pipeline::COMMIT);
  const tcp::Decision& d = slot.decision;
  Probes& p = out_.prb;
  p.ret_kind = static_cast<std::uint8_t>(slot.event.source);
  p.ret_order = retired_;
  p.ret_has_conn = d.write;
  p.ret_conn = d.write ? slot.event.idx : std::uint16_t{0};
  p.ret_reason = static_cast<std::uint8_t>(d.reason);
  p.ret_tx = d.tx;
  static_assert(tcp::RECORD_WORDS <= kMaxRecordWords && tcp::DEADLINE_WORDS == kDeadlineWords);
  if (d.write) {
    const tcp::RecordWords record = tcp::pack(d.record);
    std::copy(record.begin(), record.end(), p.ret_record.begin());
    p.ret_deadlines = tcp::pack(d.deadlines);
  } else {
    p.ret_record.fill(0);
    p.ret_deadlines.fill(0);
  }
}

/// Section 8.6, all but the time.
bool Engine::Impl::nothing_to_do() const {
  return running_ && timers_.clean() && !timers_.request() && parser_.idle() && raw_.empty() && head_.idle() &&
         !mover_.busy() && mover_fifo_.empty() && command_.empty() && pipeline_.valid() == 0 && out_queue_.empty() &&
         tx_fifo_.empty() && tx_.idle() && writer_.state() == HostWriter::State::IDLE && writer_fifo_.empty() &&
         reader_.state() == HostReader::State::IDLE && reader_fifo_.empty() && responses_.empty() && notify_.idle();
}

// ------------------------------------------------------------------------------------------------------ Engine

Engine::Engine(const Parameters& parameters) : impl_(std::make_unique<Impl>(parameters)) {}
Engine::Engine(const Engine& other) : impl_(std::make_unique<Impl>(*other.impl_)) {}
Engine::Engine(Engine&& other) noexcept = default;
Engine& Engine::operator=(const Engine& other) {
  if (this != &other) impl_ = std::make_unique<Impl>(*other.impl_);
  return *this;
}
Engine& Engine::operator=(Engine&& other) noexcept = default;
Engine::~Engine() = default;

const Parameters& Engine::parameters() const noexcept { return impl_->parameters(); }
const Outputs& Engine::eval(const Inputs& inputs) { return impl_->eval(inputs); }
void Engine::tick() { impl_->tick(); }
void Engine::set_fault(tcp::Fault fault) { impl_->set_fault(fault); }
std::uint64_t Engine::cycles() const noexcept { return impl_->cycles(); }
const tcp::Record& Engine::record(unsigned connection) const { return impl_->record(connection); }
const tcp::Deadlines& Engine::deadlines(unsigned connection) const { return impl_->deadlines(connection); }

}  // namespace tiptoe::model
