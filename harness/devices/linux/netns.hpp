// SPDX-License-Identifier: Apache-2.0
// A network namespace of its own with one TUN device: the wire between the kernel's TCP and the tester.
//
//   Namespace ns;
//   {
//     Namespace::Inside inside(ns);          // the calling thread is in there until the end of the block
//     ns.sysctl("net/ipv4/tcp_sack", "0");
//     ns.add_address(0x0A000001);
//     ns.start(1500, {});
//     fd = ::socket(AF_INET, SOCK_STREAM, 0); // belongs to the namespace for good
//   }
//   ns.write(datagram);                      // the kernel has dealt with it when this returns
//
// Wants the rights to make namespaces and TUN devices (root, or `unshare -r` where /dev/net/tun may be opened). The
// namespace ends with the object; nothing of the machine's own network is touched.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace tiptoe::devices {

/// A file descriptor that is closed with its owner.
class Fd {
 public:
  Fd() = default;
  explicit Fd(int fd) : fd_(fd) {}
  Fd(Fd&& other) noexcept : fd_(other.release()) {}
  Fd& operator=(Fd&& other) noexcept;
  Fd(const Fd&) = delete;
  Fd& operator=(const Fd&) = delete;
  ~Fd() { close(); }

  int get() const noexcept { return fd_; }
  explicit operator bool() const noexcept { return fd_ >= 0; }
  int release() noexcept;
  void close() noexcept;

 private:
  int fd_ = -1;
};

/// "text: what errno says".
std::string with_errno(const std::string& text);

/// Metrics of the one route of a namespace (ip-route(8)); absent ones are left to the kernel.
struct RouteMetrics {
  std::optional<std::uint32_t> rto_min_ms{};
  std::optional<std::uint32_t> initcwnd{};  ///< segments
  bool quickack = false;                    ///< no delayed ACKs
};

class Namespace {
 public:
  /// Throws DutError with what is missing and what to do.
  Namespace();

  /// Puts the calling thread into the namespace, and back where it was.
  class Inside {
   public:
    explicit Inside(const Namespace& ns);
    ~Inside();
    Inside(const Inside&) = delete;
    Inside& operator=(const Inside&) = delete;

   private:
    int home_;
  };

  // ---- to be called inside
  void sysctl(const std::string& name, const std::string& value) const;  ///< "net/ipv4/tcp_sack"; throws DutError
  bool try_sysctl(const std::string& name, const std::string& value) const noexcept;  ///< false: not this kernel
  void add_address(std::uint32_t address);                                            ///< host order, as /32
  void start(unsigned mtu, const RouteMetrics& metrics);  ///< lo and the TUN device up, every address reached by it
  void route(const RouteMetrics& metrics);                ///< puts the metrics in the place of those before

  // ---- from anywhere
  /// False: the interface does not take it (no IP datagram at all).
  bool write(std::span<const std::uint8_t> datagram) const;
  struct Packet {
    std::vector<std::uint8_t> bytes;
    std::uint64_t monotonic_us;  ///< when the kernel sent it
  };
  /// What the kernel has sent and nobody has read yet, oldest first.
  std::optional<Packet> read();
  int wire() const noexcept { return tun_.get(); }  ///< for poll()

 private:
  void request(std::span<const std::uint8_t> message);

  Fd home_, own_;
  Fd tun_;
  Fd tap_;      ///< packet socket that sees the same datagrams, with the kernel's time stamps
  Fd netlink_;  ///< routes and addresses
  int index_ = 0;
  std::uint32_t sequence_ = 0;
  std::vector<std::uint8_t> buffer_;
};

}  // namespace tiptoe::devices
