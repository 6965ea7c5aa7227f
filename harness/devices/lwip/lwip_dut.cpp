// SPDX-License-Identifier: Apache-2.0
#include "lwip_dut.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cstdlib>
#include <set>
#include <unordered_set>
#include <utility>

#include "tiptoe/dut_export.hpp"

namespace tiptoe::devices {

namespace {

constexpr std::uint64_t tcp_interval = std::uint64_t{TCP_TMR_INTERVAL} * 1000;  // microseconds
constexpr std::uint64_t fragment_interval = std::uint64_t{IP_TMR_INTERVAL} * 1000;
constexpr std::size_t longest_datagram = 0xFFFF;
constexpr unsigned most_to_itself = 10'000;

const std::set<std::string> settable = {"LOCAL_IP0", "LOCAL_IP1",   "LOCAL_IP2",    "LOCAL_IP3",  "MTU",
                                        "TOS",       "KEEP_IDLE_S", "KEEP_INTVL_S", "KEEP_PROBES"};

/// Host order to network order; lwIP's own function is in the library, which is not linked.
u32_t to_network(std::uint32_t value) noexcept {
  const std::array<std::uint8_t, 4> octets = {static_cast<std::uint8_t>(value >> 24),
                                              static_cast<std::uint8_t>(value >> 16),
                                              static_cast<std::uint8_t>(value >> 8), static_cast<std::uint8_t>(value)};
  return std::bit_cast<u32_t>(octets);
}

ip_addr_t address_of(std::uint32_t host_order) {
  ip_addr_t a{};
  a.type = IPADDR_TYPE_V4;
  a.u_addr.ip4.addr = to_network(host_order);
  return a;
}

State to_state(tcp_state state) noexcept {
  switch (state) {
    case CLOSED: return State::closed;
    case LISTEN: return State::listen;
    case SYN_SENT: return State::syn_sent;
    case SYN_RCVD: return State::syn_received;
    case ESTABLISHED: return State::established;
    case FIN_WAIT_1: return State::fin_wait_1;
    case FIN_WAIT_2: return State::fin_wait_2;
    case CLOSE_WAIT: return State::close_wait;
    case CLOSING: return State::closing;
    case LAST_ACK: return State::last_ack;
    case TIME_WAIT: return State::time_wait;
  }
  return State::unknown;
}

CallResult failed(CallStatus status) { return {.status = status}; }

CallStatus status_of(err_t error) noexcept {
  switch (error) {
    case ERR_OK: return CallStatus::ok;
    case ERR_MEM:
    case ERR_BUF: return CallStatus::no_resources;
    case ERR_USE:
    case ERR_ISCONN:
    case ERR_ALREADY: return CallStatus::exists;
    case ERR_CONN: return CallStatus::closing;
    case ERR_WOULDBLOCK: return CallStatus::would_block;
    default: return CallStatus::invalid;
  }
}

}  // namespace

// ---- life

LwipDut::LwipDut(const std::string& arguments) {
  if (!arguments.empty()) throw DutError("lwip takes no arguments, and was given '" + arguments + "'");
  lwip_ = std::make_unique<LwipLibrary>();  // fails now, not at the first case
  lwip_->lwip_init();
}

LwipDut::~LwipDut() { stop(); }

std::string LwipDut::description() const {
  return "lwIP " LWIP_VERSION_STRING " (Debian's liblwip), raw API, in virtual time";
}

void LwipDut::stop() {
  if (lwip_ == nullptr) return;
  silent_ = true;
  for (Connection& c : connections_) c.dut = nullptr;  // nobody is told any more
  connections_.clear();
  listeners_.clear();
  const auto each = [this](tcp_pcb** list) {
    while (*list != nullptr) {
      lwip_->tcp_err(*list, nullptr);
      lwip_->tcp_abort(*list);
    }
  };
  each(lwip_->tcp_active_pcbs);
  each(lwip_->tcp_tw_pcbs);
  each(lwip_->tcp_bound_pcbs);
  while (lwip_->tcp_listen_pcbs->pcbs != nullptr) lwip_->tcp_close(lwip_->tcp_listen_pcbs->pcbs);
  lwip_.reset();
  netifs_.clear();
  outputs_.clear();
  notifications_.clear();
  silent_ = false;
}

std::uint64_t LwipDut::setting(const std::string& name, std::uint64_t otherwise) const {
  const auto it = settings_.find(name);
  return it == settings_.end() ? otherwise : it->second;
}

void LwipDut::reset(const DutConfig& config) {
  for (const auto& [name, value] : config.settings) {
    if (!settable.contains(name)) throw DutUnsupported("lwIP has no setting " + name);
  }
  stop();
  settings_.clear();
  for (const auto& [name, value] : config.settings) settings_[name] = value;
  now_ = 0;
  last_handle_ = 0;
  tcp_timer_.reset();
  time_wait_count_ = 0;
  fragment_timer_ = fragment_interval;

  lwip_ = std::make_unique<LwipLibrary>();
  std::srand(static_cast<unsigned>(config.seed));  // LWIP_RAND() of Debian's build
  lwip_->lwip_init();
  for (const char* name : {"LOCAL_IP0", "LOCAL_IP1", "LOCAL_IP2", "LOCAL_IP3"}) {
    const auto own = static_cast<std::uint32_t>(setting(name, 0));
    if (own == 0) continue;
    const ip4_addr_t address{to_network(own)};
    const ip4_addr_t mask{to_network(0xFFFF'FFFF)};  // all others by the first interface
    const ip4_addr_t gateway{0};
    netif& n = netifs_.emplace_back();
    if (lwip_->netif_add(&n, &address, &mask, &gateway, this, &LwipDut::on_netif, lwip_->ip_input) == nullptr) {
      throw DutError("lwip: no network interface");
    }
    lwip_->netif_set_up(&n);
    lwip_->netif_set_link_up(&n);
  }
  if (!netifs_.empty()) lwip_->netif_set_default(&netifs_.front());
}

void LwipDut::set(const std::string& name, std::uint64_t value) {
  if (!settable.contains(name) || name.starts_with("LOCAL_IP")) throw DutUnsupported("lwIP has no setting " + name);
  settings_[name] = value;
  for (netif& n : netifs_) n.mtu = static_cast<u16_t>(setting("MTU", 1500));
  for (const Connection& c : connections_) {
    if (c.pcb != nullptr) options_of(c.pcb);
  }
}

err_t LwipDut::on_netif(netif* n) {
  const auto* dut = static_cast<const LwipDut*>(n->state);
  n->name[0] = 't';
  n->name[1] = 't';
  n->mtu = static_cast<u16_t>(dut->setting("MTU", 1500));
  n->output = &LwipDut::on_output;
  return ERR_OK;
}

// ---- wire and time

err_t LwipDut::on_output(netif* n, pbuf* p, const ip4_addr_t*) {
  auto* dut = static_cast<LwipDut*>(n->state);
  if (dut->silent_) return ERR_OK;
  Bytes bytes(p->tot_len);
  dut->lwip_->pbuf_copy_partial(p, bytes.data(), p->tot_len, 0);
  dut->outputs_.push_back({.bytes = std::move(bytes), .time_us = dut->now_});
  return ERR_OK;
}

void LwipDut::inject(std::span<const std::uint8_t> datagram) {
  if (datagram.empty() || datagram.size() > longest_datagram || netifs_.empty()) return;
  const auto length = static_cast<u16_t>(datagram.size());
  // Not PBUF_POOL: in Debian's library a buffer of that pool is smaller than lwIP believes (TCP_MSS was 536 for
  // memp.c).
  pbuf* p = lwip_->pbuf_alloc(PBUF_RAW, length, PBUF_RAM);
  if (p == nullptr) throw DutError("lwip: no buffer for a datagram");
  lwip_->pbuf_take(p, datagram.data(), length);
  netif& n = netifs_.front();
  if (n.input(p, &n) != ERR_OK) lwip_->pbuf_free(p);
  after_event();
}

std::uint64_t LwipDut::next_timer() const {
  return tcp_timer_ ? std::min(*tcp_timer_, fragment_timer_) : fragment_timer_;
}

void LwipDut::run_timers() {
  if (fragment_timer_ <= now_) {
    lwip_->ip_reass_tmr();
    fragment_timer_ += fragment_interval;
  }
  if (tcp_timer_ && *tcp_timer_ <= now_) {
    lwip_->tcp_tmr();
    *tcp_timer_ += tcp_interval;
  }
  after_event(true);
}

/// Datagrams to an address of its own come back at once, as netif_poll() would have it, which has no end where lwIP
/// answers itself for ever.
void LwipDut::talk_to_itself() {
  unsigned count = 0;
  for (auto n = netifs_.begin(); n != netifs_.end();) {
    pbuf* const first = n->loop_first;
    if (first == nullptr) {
      ++n;
      continue;
    }
    pbuf* last = first;
    while (last->len != last->tot_len) last = last->next;
    n->loop_first = last == n->loop_last ? nullptr : last->next;
    if (n->loop_first == nullptr) n->loop_last = nullptr;
    last->next = nullptr;
    if (++count > most_to_itself) {
      lwip_->pbuf_free(first);
      throw DutHang("lwIP answers itself without end: " + std::to_string(most_to_itself) +
                    " datagrams to an address of its own within one event");
    }
    if (lwip_->ip_input(first, &*n) != ERR_OK) lwip_->pbuf_free(first);
    n = netifs_.begin();
  }
}

/// As tcp_timer_needed() and tcpip_tcp_timer() of timeouts.c: TCP's timer runs while there are connections.
void LwipDut::after_event(bool timers_ran) {
  talk_to_itself();
  const bool needed = *lwip_->tcp_active_pcbs != nullptr || *lwip_->tcp_tw_pcbs != nullptr;
  if (needed && !tcp_timer_) tcp_timer_ = now_ + tcp_interval;
  if (!needed) tcp_timer_.reset();

  // What the stack tells nobody: that TIME_WAIT begins and ends. It ends by the timer, or when a new connection needs
  // the memory; there may be thousands, so that they are compared only then.
  std::size_t waiting = 0;
  for (const tcp_pcb* pcb = *lwip_->tcp_tw_pcbs; pcb != nullptr; pcb = pcb->next) ++waiting;
  const bool some_may_be_over = timers_ran || waiting != time_wait_count_;
  time_wait_count_ = waiting;
  std::unordered_set<const void*> alive;
  if (some_may_be_over) {
    alive.reserve(waiting);
    for (const tcp_pcb* pcb = *lwip_->tcp_tw_pcbs; pcb != nullptr; pcb = pcb->next) alive.insert(pcb->callback_arg);
  }
  for (auto c = connections_.begin(); c != connections_.end();) {
    bool over = false;
    if (c->time_wait) {
      over = some_may_be_over && !alive.contains(&*c);
    } else if (c->pcb != nullptr && c->pcb->state == TIME_WAIT) {
      c->time_wait = true;
      tell(*c, Notification::closed);
    }
    c = over ? connections_.erase(c) : std::next(c);
  }
}

std::optional<Datagram> LwipDut::poll_output() {
  if (outputs_.empty()) return std::nullopt;
  Datagram first = std::move(outputs_.front());
  outputs_.pop_front();
  return first;
}

std::optional<Datagram> LwipDut::run_until_output(std::uint64_t us) {
  const std::uint64_t end = now_ + us;
  while (outputs_.empty() && next_timer() <= end) {
    now_ = next_timer();
    run_timers();
  }
  if (outputs_.empty()) now_ = end;
  return poll_output();
}

void LwipDut::advance(std::uint64_t us) {
  const std::uint64_t end = now_ + us;
  while (next_timer() <= end) {
    now_ = next_timer();
    run_timers();
  }
  now_ = end;
}

// ---- what the stack tells

void LwipDut::tell(Connection& c, unsigned flags) {
  if (c.dut == nullptr || flags == 0) return;
  if (c.handle == 0) {
    c.untold |= flags;
    return;
  }
  notifications_.push_back({.handle = {c.handle}, .flags = static_cast<std::uint16_t>(flags), .time_us = now_});
}

void LwipDut::adopt(Connection& c, tcp_pcb* pcb) {
  c.dut = this;
  c.pcb = pcb;
  lwip_->tcp_arg(pcb, &c);
  lwip_->tcp_recv(pcb, &LwipDut::on_receive);
  lwip_->tcp_sent(pcb, &LwipDut::on_sent);
  lwip_->tcp_err(pcb, &LwipDut::on_error);
}

err_t LwipDut::on_accept(void* argument, tcp_pcb* pcb, err_t error) {
  auto* listener = static_cast<Listener*>(argument);
  if (listener == nullptr || pcb == nullptr || error != ERR_OK) return ERR_VAL;
  LwipDut& dut = *listener->dut;
  Connection& c = dut.connections_.emplace_back();
  dut.adopt(c, pcb);
  dut.options_of(pcb);
  if (listener->args.nodelay) tcp_nagle_disable(pcb);
  if (listener->args.keepalive) ip_set_option(pcb, SOF_KEEPALIVE);
  c.connected = true;
  c.untold = Notification::connected;
  listener->waiting.push_back(&c);
  dut.notifications_.push_back({.handle = {listener->handle}, .flags = Notification::accept, .time_us = dut.now_});
  return ERR_OK;
}

err_t LwipDut::on_connected(void* argument, tcp_pcb*, err_t) {
  auto& c = *static_cast<Connection*>(argument);
  c.connected = true;
  c.dut->tell(c, Notification::connected);
  return ERR_OK;
}

err_t LwipDut::on_receive(void* argument, tcp_pcb*, pbuf* p, err_t) {
  auto& c = *static_cast<Connection*>(argument);
  LwipDut& dut = *c.dut;
  if (p == nullptr) {
    c.peer_fin = true;
    dut.tell(c, Notification::peer_fin);
    return ERR_OK;
  }
  Bytes bytes(p->tot_len);
  dut.lwip_->pbuf_copy_partial(p, bytes.data(), p->tot_len, 0);
  c.unread.insert(c.unread.end(), bytes.begin(), bytes.end());
  dut.lwip_->pbuf_free(p);
  dut.tell(c, Notification::readable);
  return ERR_OK;
}

err_t LwipDut::on_sent(void* argument, tcp_pcb*, u16_t) {
  auto& c = *static_cast<Connection*>(argument);
  c.dut->tell(c, Notification::space);
  return ERR_OK;
}

/// The control block is gone already.
void LwipDut::on_error(void* argument, err_t error) {
  auto* connection = static_cast<Connection*>(argument);
  if (connection == nullptr) return;
  Connection& c = *connection;
  c.pcb = nullptr;
  unsigned flags = Notification::closed;
  if (error == ERR_RST) flags |= c.connected ? Notification::reset : Notification::refused;
  if (error == ERR_ABRT) flags |= Notification::timeout;  // tcp_abort() of ours does not come here
  c.dut->tell(c, flags);
  if (c.handle != 0) c.dut->forget(c);
}

std::optional<Notification> LwipDut::poll_notification() {
  if (notifications_.empty()) return std::nullopt;
  const Notification first = notifications_.front();
  notifications_.pop_front();
  return first;
}

// ---- user calls

LwipDut::Connection* LwipDut::find(Handle h) {
  const auto it = std::find_if(connections_.begin(), connections_.end(),
                               [&](const Connection& c) { return h.value != 0 && c.handle == h.value; });
  return it == connections_.end() ? nullptr : &*it;
}

LwipDut::Listener* LwipDut::find_listener(Handle h) {
  const auto it =
      std::find_if(listeners_.begin(), listeners_.end(), [&](const Listener& l) { return l.handle == h.value; });
  return it == listeners_.end() ? nullptr : &*it;
}

void LwipDut::forget(const Connection& gone) {
  connections_.remove_if([&](const Connection& c) { return &c == &gone; });
}

void LwipDut::options_of(tcp_pcb* pcb) const {
  pcb->tos = static_cast<u8_t>(setting("TOS", 0));
  pcb->keep_idle = static_cast<u32_t>(setting("KEEP_IDLE_S", TCP_KEEPIDLE_DEFAULT / 1000) * 1000);
  pcb->keep_intvl = static_cast<u32_t>(setting("KEEP_INTVL_S", TCP_KEEPINTVL_DEFAULT / 1000) * 1000);
  pcb->keep_cnt = static_cast<u32_t>(setting("KEEP_PROBES", TCP_KEEPCNT_DEFAULT));
}

CallResult LwipDut::open_passive(const OpenArgs& args) {
  if (args.remote_ip != 0 || args.remote_port != 0) {
    throw DutUnsupported("a listening control block of lwIP can't be bound to one peer");
  }
  tcp_pcb* pcb = lwip_->tcp_new();
  if (pcb == nullptr) return failed(CallStatus::no_resources);
  ip_set_option(pcb, SOF_REUSEADDR);
  const ip_addr_t local = address_of(args.local_ip);
  err_t error = lwip_->tcp_bind(pcb, &local, args.local_port);
  tcp_pcb* listening = nullptr;
  if (error == ERR_OK) listening = lwip_->tcp_listen_with_backlog_and_err(pcb, TCP_DEFAULT_LISTEN_BACKLOG, &error);
  if (listening == nullptr) {
    lwip_->tcp_close(pcb);
    return failed(status_of(error));
  }
  Listener& l = listeners_.emplace_back();
  l = {.dut = this, .handle = ++last_handle_, .pcb = listening, .args = args};
  lwip_->tcp_arg(listening, &l);
  lwip_->tcp_accept(listening, &LwipDut::on_accept);
  return {.handle = {l.handle}, .state = State::listen};
}

CallResult LwipDut::open_active(const OpenArgs& args) {
  if (args.from_listener) throw DutUnsupported("a listening control block of lwIP can't open actively");
  if (args.remote_ip == 0 || args.remote_port == 0) throw DutUnsupported("tcp_connect() always names a remote socket");
  tcp_pcb* pcb = lwip_->tcp_new();
  if (pcb == nullptr) return failed(CallStatus::no_resources);
  ip_set_option(pcb, SOF_REUSEADDR);
  if (args.nodelay) tcp_nagle_disable(pcb);
  if (args.keepalive) ip_set_option(pcb, SOF_KEEPALIVE);
  options_of(pcb);
  const ip_addr_t local = address_of(args.local_ip);
  const ip_addr_t remote = address_of(args.remote_ip);
  err_t error = lwip_->tcp_bind(pcb, &local, args.local_port);
  Connection& c = connections_.emplace_back();
  adopt(c, pcb);
  c.handle = ++last_handle_;
  if (error == ERR_OK) error = lwip_->tcp_connect(pcb, &remote, args.remote_port, &LwipDut::on_connected);
  if (error != ERR_OK) {
    lwip_->tcp_err(pcb, nullptr);
    lwip_->tcp_close(pcb);
    forget(c);
    return failed(status_of(error));
  }
  CallResult result{.handle = {c.handle}, .state = to_state(pcb->state)};
  after_event();  // the end may have come from an address of its own
  return result;
}

CallResult LwipDut::accept(Handle h) {
  Listener* l = find_listener(h);
  if (l == nullptr) return failed(find(h) == nullptr ? CallStatus::no_connection : CallStatus::invalid);
  if (l->waiting.empty()) return failed(CallStatus::would_block);
  Connection& c = *l->waiting.front();
  l->waiting.pop_front();
  if (c.pcb == nullptr) {  // it died in the queue
    forget(c);
    return failed(CallStatus::aborted);
  }
  c.handle = ++last_handle_;
  tell(c, std::exchange(c.untold, 0));
  return {.handle = {c.handle}, .state = to_state(c.pcb->state)};
}

CallResult LwipDut::send(Handle h, std::span<const std::uint8_t> octets) {
  Connection* c = find(h);
  if (c == nullptr) {
    return failed(find_listener(h) == nullptr ? CallStatus::no_connection : CallStatus::remote_unspecified);
  }
  if (c->time_wait || c->closing) return failed(CallStatus::closing);
  if (octets.empty()) return {.state = to_state(c->pcb->state), .room = tcp_sndbuf(c->pcb)};
  const std::size_t most = std::min<std::size_t>(octets.size(), tcp_sndbuf(c->pcb));
  auto length = static_cast<u16_t>(std::min<std::size_t>(most, 0xFFFF));
  err_t error =
      length == 0 ? err_t{ERR_WOULDBLOCK} : lwip_->tcp_write(c->pcb, octets.data(), length, TCP_WRITE_FLAG_COPY);
  while (error == ERR_MEM && length > 1) {  // too many segments would wait
    length = static_cast<u16_t>(length / 2);
    error = lwip_->tcp_write(c->pcb, octets.data(), length, TCP_WRITE_FLAG_COPY);
  }
  if (error == ERR_MEM) error = ERR_WOULDBLOCK;
  if (error != ERR_OK) return failed(status_of(error));
  lwip_->tcp_output(c->pcb);
  CallResult result{.length = length, .state = to_state(c->pcb->state), .room = tcp_sndbuf(c->pcb)};
  after_event();  // may end the connection
  return result;
}

CallResult LwipDut::receive(Handle h, std::uint32_t max) {
  Connection* c = find(h);
  if (c == nullptr) return failed(find_listener(h) == nullptr ? CallStatus::no_connection : CallStatus::would_block);
  if (c->unread.empty()) return failed(c->peer_fin || c->time_wait ? CallStatus::closing : CallStatus::would_block);
  const std::size_t n = std::min<std::size_t>(max, c->unread.size());
  const auto end = c->unread.begin() + static_cast<std::ptrdiff_t>(n);
  CallResult result{.length = static_cast<std::uint32_t>(n), .data = Bytes(c->unread.begin(), end)};
  c->unread.erase(c->unread.begin(), end);
  for (std::size_t left = n; left > 0 && !c->time_wait;) {
    const auto step = static_cast<u16_t>(std::min<std::size_t>(left, 0xFFFF));
    lwip_->tcp_recved(c->pcb, step);
    left -= step;
  }
  result.state = to_state(c->pcb->state);
  result.readable = static_cast<std::uint32_t>(c->unread.size());
  after_event();
  return result;
}

CallResult LwipDut::close(Handle h, bool) {
  if (Listener* l = find_listener(h); l != nullptr) {
    for (Connection* c : l->waiting) {  // nobody will take them
      if (c->pcb != nullptr) {
        lwip_->tcp_err(c->pcb, nullptr);
        lwip_->tcp_abort(c->pcb);
      }
      forget(*c);
    }
    lwip_->tcp_arg(l->pcb, nullptr);
    lwip_->tcp_close(l->pcb);
    listeners_.remove_if([&](const Listener& one) { return &one == l; });
    after_event();
    return {};
  }
  Connection* c = find(h);
  if (c == nullptr) return failed(CallStatus::no_connection);
  if (c->closing || c->time_wait) return failed(CallStatus::closing);
  if (c->pcb->state == SYN_SENT) {
    lwip_->tcp_err(c->pcb, nullptr);
    lwip_->tcp_close(c->pcb);
    tell(*c, Notification::closed);
    forget(*c);
    after_event();
    return {};
  }
  const err_t error = lwip_->tcp_shutdown(c->pcb, 0, 1);
  if (error != ERR_OK) return failed(status_of(error));
  c->closing = true;
  CallResult result{.state = to_state(c->pcb->state)};
  after_event();
  return result;
}

CallResult LwipDut::abort(Handle h) {
  if (find_listener(h) != nullptr) return close(h, false);
  Connection* c = find(h);
  if (c == nullptr) return failed(CallStatus::no_connection);
  const bool told = c->time_wait;
  lwip_->tcp_err(c->pcb, nullptr);
  lwip_->tcp_abort(c->pcb);
  if (!told) tell(*c, Notification::closed);
  forget(*c);
  after_event();
  return {};
}

CallResult LwipDut::status(Handle h) {
  if (const Listener* l = find_listener(h); l != nullptr) {
    return {.state = State::listen, .readable = static_cast<std::uint32_t>(l->waiting.size())};
  }
  const Connection* c = find(h);
  if (c == nullptr) return failed(CallStatus::no_connection);
  return {.state = to_state(c->pcb->state),
          .readable = static_cast<std::uint32_t>(c->unread.size()),
          .room = c->time_wait ? std::uint32_t{0} : tcp_sndbuf(c->pcb)};
}

CallResult LwipDut::set_options(Handle h, bool nodelay, bool keepalive) {
  Connection* c = find(h);
  if (c == nullptr) return failed(CallStatus::no_connection);
  if (nodelay) {
    tcp_nagle_disable(c->pcb);
  } else {
    tcp_nagle_enable(c->pcb);
  }
  if (keepalive) {
    ip_set_option(c->pcb, SOF_KEEPALIVE);
  } else {
    ip_reset_option(c->pcb, SOF_KEEPALIVE);
  }
  return {};
}

}  // namespace tiptoe::devices

static std::unique_ptr<tiptoe::Dut> make_lwip(const std::string& arguments) {
  return std::make_unique<tiptoe::devices::LwipDut>(arguments);
}
TIPTOE_EXPORT_DUT("lwip", make_lwip)
