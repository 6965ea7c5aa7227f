// SPDX-License-Identifier: Apache-2.0
// Which sockets something has happened to, and whose urgent pointer has come or moved on (RFC 9293 3.8.5, MUST-32).
//
//   News news;
//   news.watch(fd);                      // a connection, before its first segment
//   if (!news.collect()) ...             // something was lost: every socket must be asked
//   if (News::any(fd)) ...               // each piece of news is handed out once
//
// The kernel tells by a queued signal that names the descriptor (F_SETSIG, O_ASYNC). poll() and epoll would not do:
// they wait for the urgent octet, and the pointer may come long before (tcp_check_urg(), sk_send_sigurg() in the
// kernel's source). The signal is kept blocked in the calling thread and taken from its queue; nothing is interrupted,
// and no handler is installed. It does not come when octets are acknowledged, when the connection ends by the last ACK
// of a FIN, or with a soft error (ICMP).
#pragma once

#include <pthread.h>
#include <cstdint>
#include <vector>

namespace tiptoe::devices {

class News {
 public:
  /// From now on the kernel tells of this descriptor, in the calling thread.
  void watch(int fd);
  /// Takes the queue of the calling thread. False: some of it was lost, or another thread was told; then watch() all
  /// anew and ask pending().
  bool collect();
  static bool any(int fd);     ///< text, FIN, RST, room, an error
  static bool urgent(int fd);  ///< the urgent pointer
  /// Urgent octets, here or still on their way, wait to be read now. The socket must have SO_OOBINLINE.
  static bool pending(int fd);

 private:
  pthread_t thread_{};
  std::uint64_t lost_ = 0;  ///< overflows of the queue that this object knows of
};

}  // namespace tiptoe::devices
