// SPDX-License-Identifier: Apache-2.0
// lwIP as a device: Debian's liblwip in this process, driven through its raw API, in virtual time.
//
//   tiptoe::devices::LwipDut dut("");
//   dut.reset({.settings = {{"LOCAL_IP0", 0x0A000001}}});
//   dut.open_passive({.local_port = 80});
//   dut.inject(syn);
//   auto syn_ack = dut.run_until_output(0);
//
// There is no thread and no clock: the timers of the stack (TCP 250 ms, reassembly 1 s) are called when virtual time
// comes by, as lwIP's timeouts.c would. docs/devices.md says how user calls become calls of the raw API.
#pragma once

#include <cstdint>
#include <deque>
#include <list>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "lwip_library.hpp"
#include "tiptoe/dut.hpp"

namespace tiptoe::devices {

class LwipDut final : public Dut {
 public:
  /// Takes no arguments. Throws DutError when there are some, or when the library is missing.
  explicit LwipDut(const std::string& arguments);
  ~LwipDut() override;
  LwipDut(const LwipDut&) = delete;
  LwipDut& operator=(const LwipDut&) = delete;

  std::string name() const override { return "lwip"; }
  std::string description() const override;

  void reset(const DutConfig&) override;
  void inject(std::span<const std::uint8_t> datagram) override;
  std::optional<Datagram> poll_output() override;
  void settle() override {}  ///< every call returns with all done that is due
  std::optional<Datagram> run_until_output(std::uint64_t us) override;
  void advance(std::uint64_t us) override;
  std::uint64_t now_us() const override { return now_; }

  CallResult open_passive(const OpenArgs&) override;
  CallResult open_active(const OpenArgs&) override;
  CallResult accept(Handle listener) override;
  CallResult send(Handle, std::span<const std::uint8_t>) override;
  CallResult receive(Handle, std::uint32_t max) override;
  CallResult close(Handle, bool half) override;
  CallResult abort(Handle) override;
  CallResult status(Handle) override;
  CallResult set_options(Handle, bool nodelay, bool keepalive) override;
  std::optional<Notification> poll_notification() override;
  void set(const std::string& name, std::uint64_t value) override;

 private:
  struct Connection {
    LwipDut* dut = nullptr;
    std::uint32_t handle = 0;  ///< 0: it waits for ACCEPT
    tcp_pcb* pcb = nullptr;    ///< null: its life is over
    std::deque<std::uint8_t> unread{};
    unsigned untold = 0;  ///< notifications before ACCEPT
    bool connected = false;
    bool peer_fin = false;
    bool closing = false;  ///< the user has called CLOSE
    bool time_wait = false;
  };
  struct Listener {
    LwipDut* dut = nullptr;
    std::uint32_t handle = 0;
    tcp_pcb* pcb = nullptr;
    OpenArgs args{};
    std::deque<Connection*> waiting{};
  };

  // Callbacks of the stack.
  static err_t on_netif(netif*);
  static err_t on_output(netif*, pbuf*, const ip4_addr_t*);
  static err_t on_accept(void* listener, tcp_pcb*, err_t);
  static err_t on_connected(void* connection, tcp_pcb*, err_t);
  static err_t on_receive(void* connection, tcp_pcb*, pbuf*, err_t);
  static err_t on_sent(void* connection, tcp_pcb*, u16_t);
  static void on_error(void* connection, err_t);

  void stop();  ///< ends all connections, silently, and the stack
  void apply(const std::string& name, std::uint64_t value);
  std::uint64_t setting(const std::string& name, std::uint64_t otherwise) const;
  void options_of(tcp_pcb*) const;
  void adopt(Connection&, tcp_pcb*);
  std::uint64_t next_timer() const;
  void run_timers();
  void after_event(bool timers_ran = false);
  void talk_to_itself();
  void tell(Connection&, unsigned flags);
  Connection* find(Handle);
  Listener* find_listener(Handle);
  void forget(const Connection&);

  std::unique_ptr<LwipLibrary> lwip_{};
  std::list<netif> netifs_{};
  std::map<std::string, std::uint64_t> settings_{};
  std::list<Connection> connections_{};
  std::list<Listener> listeners_{};
  std::uint32_t last_handle_ = 0;
  std::uint64_t now_ = 0;
  std::optional<std::uint64_t> tcp_timer_{};  ///< next call of tcp_tmr(); none: it does not run
  std::size_t time_wait_count_ = 0;           ///< of the stack, when after_event() last looked
  std::uint64_t fragment_timer_ = 0;
  std::deque<Datagram> outputs_{};
  std::deque<Notification> notifications_{};
  bool silent_ = false;
};

}  // namespace tiptoe::devices
