// SPDX-License-Identifier: Apache-2.0
// What packetdrill calls in a shared object that it is given with --so_filename: one exported function, which fills a
// table of 32 functions. Written from the description of that interface; names and order are its binary form.
//
//   extern "C" void packetdrill_interface_init(const char* flags, packetdrill_interface* table);   // flags: --so_flags
//
// Every function takes `userdata` first and otherwise behaves as the call of its name in POSIX: -1 and errno on error.
// What is not from POSIX:
//   netdev_send     one IPv4 or IPv6 packet towards the stack; 0 or -1
//   netdev_receive  the next packet that leaves the stack. `count`: room in, octets out. `time_usecs`: when it left, on
//                   the clock of gettimeofday. packetdrill repeats the call for as long as it answers -1; 0 with a
//                   count of 0 ends the script with an error.
//   usleep, gettimeofday   packetdrill's only clock. It sleeps until shortly before an event, then asks for the time
//                   again and again until it has come: time must move on by itself.
#pragma once

#include <poll.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/types.h>
#include <sys/uio.h>

#include <cstddef>

struct packetdrill_interface {
  void* userdata;
  void (*free)(void* userdata);
  int (*socket)(void* userdata, int domain, int type, int protocol);
  int (*bind)(void* userdata, int fd, const sockaddr* address, socklen_t length);
  int (*listen)(void* userdata, int fd, int backlog);
  int (*accept)(void* userdata, int fd, sockaddr* address, socklen_t* length);
  int (*connect)(void* userdata, int fd, const sockaddr* address, socklen_t length);
  ssize_t (*read)(void* userdata, int fd, void* buffer, std::size_t count);
  ssize_t (*readv)(void* userdata, int fd, const iovec* vector, int count);
  ssize_t (*recv)(void* userdata, int fd, void* buffer, std::size_t length, int flags);
  ssize_t (*recvfrom)(void* userdata, int fd, void* buffer, std::size_t length, int flags, sockaddr* source,
                      socklen_t* source_length);
  ssize_t (*recvmsg)(void* userdata, int fd, msghdr* message, int flags);
  ssize_t (*write)(void* userdata, int fd, const void* buffer, std::size_t count);
  ssize_t (*writev)(void* userdata, int fd, const iovec* vector, int count);
  ssize_t (*send)(void* userdata, int fd, const void* buffer, std::size_t length, int flags);
  ssize_t (*sendto)(void* userdata, int fd, const void* buffer, std::size_t length, int flags,
                    const sockaddr* destination, socklen_t destination_length);
  ssize_t (*sendmsg)(void* userdata, int fd, const msghdr* message, int flags);
  int (*fcntl)(void* userdata, int fd, int command, ...);
  int (*ioctl)(void* userdata, int fd, unsigned long request, ...);
  int (*close)(void* userdata, int fd);
  int (*shutdown)(void* userdata, int fd, int how);
  int (*getsockopt)(void* userdata, int fd, int level, int name, void* value, socklen_t* length);
  int (*setsockopt)(void* userdata, int fd, int level, int name, const void* value, socklen_t length);
  int (*poll)(void* userdata, pollfd* fds, nfds_t count, int timeout_ms);
  int (*netdev_send)(void* userdata, const void* packet, std::size_t count);
  int (*netdev_receive)(void* userdata, void* packet, std::size_t* count, long long* time_usecs);
  int (*usleep)(void* userdata, useconds_t microseconds);
  int (*gettimeofday)(void* userdata, timeval* now, struct timezone* zone);
  int (*epoll_create)(void* userdata, int size);
  int (*epoll_ctl)(void* userdata, int epoll_fd, int operation, int fd, epoll_event* event);
  int (*epoll_wait)(void* userdata, int epoll_fd, epoll_event* events, int room, int timeout_ms);
  int (*pipe)(void* userdata, int fds[2]);
  int (*splice)(void* userdata, int fd_in, loff_t* offset_in, int fd_out, loff_t* offset_out, std::size_t length,
                unsigned int flags);
};
