// SPDX-License-Identifier: Apache-2.0
#include "news.hpp"

#include <fcntl.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <ctime>
#include <set>

namespace tiptoe::devices {

namespace {

/// One that neither the C library nor a debugger takes. It is queued, one for each piece of news.
int our_signal() { return SIGRTMIN + 9; }

/// What a thread was told. Descriptors are numbers of the whole process, so devices can share it.
struct Told {
  std::set<int> any{};
  std::set<int> urgent{};
  std::uint64_t lost = 0;
};
Told& told() {
  thread_local Told of_this_thread;
  return of_this_thread;
}

sigset_t our_signals() {
  sigset_t set;
  ::sigemptyset(&set);
  ::sigaddset(&set, our_signal());
  ::sigaddset(&set, SIGIO);  // comes in the place of one that the queue has no room for
  return set;
}

void drain() {
  const sigset_t set = our_signals();
  const timespec at_once{};
  siginfo_t info{};
  while (::sigtimedwait(&set, &info, &at_once) > 0) {
    if (info.si_signo == SIGIO) {
      ++told().lost;
      continue;
    }
    told().any.insert(info.si_fd);
    if (info.si_code == POLL_PRI) told().urgent.insert(info.si_fd);
  }
}

}  // namespace

void News::watch(int fd) {
  const sigset_t set = our_signals();
  ::pthread_sigmask(SIG_BLOCK, &set, nullptr);
  drain();
  told().any.erase(fd);  // of a descriptor that had the same number
  told().urgent.erase(fd);
  const f_owner_ex owner{.type = F_OWNER_TID, .pid = ::gettid()};
  ::fcntl(fd, F_SETSIG, our_signal());
  ::fcntl(fd, F_SETOWN_EX, &owner);
  ::fcntl(fd, F_SETFL, ::fcntl(fd, F_GETFL) | O_ASYNC);
  thread_ = ::pthread_self();
  lost_ = told().lost;
}

bool News::collect() {
  drain();
  return ::pthread_equal(thread_, ::pthread_self()) != 0 && lost_ == told().lost;
}

bool News::any(int fd) { return told().any.erase(fd) != 0; }

bool News::urgent(int fd) { return told().urgent.erase(fd) != 0; }

bool News::pending(int fd) {
  // MSG_OOB knows of a pointer whose octet has not come (EAGAIN), but is refused while urgent octets are in line. No
  // segment can come in between: they come when this thread writes them.
  const auto in_line = [fd](int on) { ::setsockopt(fd, SOL_SOCKET, SO_OOBINLINE, &on, sizeof on); };
  in_line(0);
  char octet = 0;
  const ssize_t n = ::recv(fd, &octet, 1, MSG_OOB | MSG_PEEK | MSG_DONTWAIT);
  const bool is = n >= 0 || errno == EAGAIN;
  in_line(1);
  return is;
}

}  // namespace tiptoe::devices
