// SPDX-License-Identifier: Apache-2.0
// The running kernel's TCP as a device: sockets for the user calls, a TUN device for the wire, a network namespace of
// its own for each reset, real time.
//
//   tiptoe::devices::LinuxDut dut("");
//   dut.reset({.settings = {{"LOCAL_IP0", 0x0A000001}}});
//   dut.open_passive({.local_port = 80});
//   dut.inject(syn);
//   auto syn_ack = dut.run_until_output(50'000);
//
// docs/devices.md says which sysctls are set and why, and how user calls become calls of the socket API.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "netns.hpp"
#include "news.hpp"
#include "sock_diag.hpp"
#include "tiptoe/dut.hpp"

namespace tiptoe::devices {

class LinuxDut final : public Dut {
 public:
  /// Arguments "key=value", separated by spaces or commas:
  ///   sysctl.NAME=VALUE   net.ipv4.NAME on top of ours ("sysctl.tcp_sack=1")
  /// Throws DutError when an argument is unknown, or when the rights to make a namespace are missing.
  explicit LinuxDut(const std::string& arguments);
  ~LinuxDut() override;
  LinuxDut(const LinuxDut&) = delete;
  LinuxDut& operator=(const LinuxDut&) = delete;

  std::string name() const override { return "linux"; }
  std::string description() const override;  ///< with the kernel's release

  void reset(const DutConfig&) override;
  void inject(std::span<const std::uint8_t> datagram) override;
  std::optional<Datagram> poll_output() override;
  void settle() override {}  ///< what is due now was done before inject() and the calls returned
  std::optional<Datagram> run_until_output(std::uint64_t us) override;
  void advance(std::uint64_t us) override;
  std::uint64_t now_us() const override;

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
  std::uint64_t counter(const std::string& name) override;

 private:
  struct Socket {
    Fd fd;
    bool listener = false;
    bool connected = false;            ///< the user knows that it is open
    bool closing = false;              ///< the user has called CLOSE
    bool fin_told = false;             ///< PEER_FIN
    bool urgent = false;               ///< urgent data from before the kernel told of it
    bool look = true;                  ///< whatever the kernel tells
    bool time_wait = false;            ///< CLOSED was told, the four addresses live on
    bool over = false;                 ///< CLOSED was told, the user has not read everything yet
    std::uint32_t unread = 0;          ///< octets of which the user knows
    std::uint32_t unacknowledged = 0;  ///< octets of SEND
    std::uint32_t waiting = 0;         ///< listener: connections in its queue, of which the user knows
    Tuple tuple{};
  };
  using Sockets = std::map<std::uint32_t, Socket>;

  Handle add(Socket socket);
  Socket* find(Handle handle);
  bool in_time_wait(Handle handle);
  Fd make_socket() const;
  void options_of(int fd) const;
  void apply_route();
  void accept_setting(const std::string& name, std::uint64_t value);
  void pump();         ///< takes what the kernel has sent
  void look_at_all();  ///< notices what has happened to the sockets
  static bool may_have_changed(const Socket& socket);
  bool look_at(std::uint32_t handle, Socket& socket);  ///< false: its life is over
  void tell(std::uint32_t handle, unsigned flags);
  unsigned end_flags(int error) const;
  void wait(std::uint64_t until, bool for_output);
  std::uint64_t setting(const std::string& name, std::uint64_t otherwise) const;

  std::vector<std::pair<std::string, std::string>> sysctls_{};  ///< from the arguments
  std::unique_ptr<Namespace> namespace_{};
  std::unique_ptr<SockDiag> diag_{};
  std::map<std::string, std::uint64_t> settings_{};
  Sockets sockets_{};
  std::map<std::uint32_t, Tuple> waiting_{};  ///< in TIME_WAIT, all read: nothing happens to them but the end
  News news_{};
  bool look_at_each_ = false;  ///< what has come may change any of them, and is no news
  std::uint32_t last_handle_ = 0;
  std::uint64_t zero_ = 0;  ///< monotonic time of the last reset
  std::deque<Datagram> outputs_{};
  std::uint64_t last_sent_ = 0;  ///< device time of the newest of them
  std::deque<Notification> notifications_{};
};

}  // namespace tiptoe::devices
