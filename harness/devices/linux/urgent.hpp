// SPDX-License-Identifier: Apache-2.0
// Tells when the urgent pointer of a socket comes or moves on (RFC 9293 3.8.5, MUST-32), not when the urgent octet
// does.
//
//   UrgentNews news;
//   news.watch(fd);                      // a connection, before its first segment
//   news.collect();                      // afterwards news.of(fd) says once whether there was something
//
// poll() and epoll wait for the octet itself. The kernel says it earlier by a signal: with F_SETSIG a queued one that
// names the descriptor (tcp_check_urg(), sk_send_sigurg() in the kernel's source). The signal is kept blocked in the
// calling thread and taken from its queue; nothing is interrupted, and no handler is installed.
#pragma once

#include <pthread.h>
#include <cstdint>
#include <vector>

namespace tiptoe::devices {

class UrgentNews {
 public:
  /// From now on the kernel tells of this descriptor, in the calling thread.
  void watch(int fd);
  /// Takes the queue of the calling thread. False: some of it was lost, or another thread was told; ask pending().
  bool collect();
  /// True once when the pointer has come or moved on.
  static bool of(int fd);
  /// Urgent octets, here or still on their way, wait to be read now. The socket must have SO_OOBINLINE.
  static bool pending(int fd);

 private:
  pthread_t thread_{};
  std::uint64_t lost_ = 0;  ///< overflows of the queue that this object knows of
};

}  // namespace tiptoe::devices
