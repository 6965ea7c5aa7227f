// SPDX-License-Identifier: Apache-2.0
// liblwip.so.0 of Debian, loaded as a private copy: all of lwIP's state is in global variables, so a fresh copy of the
// library is a fresh stack.
//
//   LwipLibrary lwip;        // nothing but the C library is shared with other copies
//   lwip.lwip_init();
//   tcp_pcb* pcb = lwip.tcp_new();
//
// There is no TCP/IP thread: what lwIP would leave to it (datagrams to an address of its own wait in netif.loop_first)
// the owner does after each event.
//
// Only headers are needed to build this. Where the library is missing the constructor says so.
#pragma once

#include <lwip/init.h>
#include <lwip/ip.h>
#include <lwip/ip4_frag.h>
#include <lwip/netif.h>
#include <lwip/pbuf.h>
#include <lwip/priv/tcp_priv.h>
#include <lwip/tcp.h>

#include <string>

namespace tiptoe::devices {

class LwipLibrary {
 public:
  /// Throws DutError when the library is not there or is not the one that the headers describe.
  LwipLibrary();
  ~LwipLibrary();
  LwipLibrary(const LwipLibrary&) = delete;
  LwipLibrary& operator=(const LwipLibrary&) = delete;

 private:
  void replace(const char* function, void* ours) const;
  [[noreturn]] void refuse(const std::string& why) const;
  int file_;  ///< stays open: the loader knows libraries by name, and its number is part of the name
  void* library_;
  void* symbol(const char* name) const;
  template <class T>
  T* get(const char* name) const {
    return reinterpret_cast<T*>(symbol(name));
  }

 public:
  // Functions of the raw API, by their own names.
  decltype(&::lwip_init) lwip_init = get<decltype(::lwip_init)>("lwip_init");
  decltype(&::ip_input) ip_input = get<decltype(::ip_input)>("ip_input");
  decltype(&::ip_reass_tmr) ip_reass_tmr = get<decltype(::ip_reass_tmr)>("ip_reass_tmr");
  decltype(&::netif_add) netif_add = get<decltype(::netif_add)>("netif_add");
  decltype(&::netif_set_default) netif_set_default = get<decltype(::netif_set_default)>("netif_set_default");
  decltype(&::netif_set_link_up) netif_set_link_up = get<decltype(::netif_set_link_up)>("netif_set_link_up");
  decltype(&::netif_set_up) netif_set_up = get<decltype(::netif_set_up)>("netif_set_up");
  decltype(&::pbuf_alloc) pbuf_alloc = get<decltype(::pbuf_alloc)>("pbuf_alloc");
  decltype(&::pbuf_copy_partial) pbuf_copy_partial = get<decltype(::pbuf_copy_partial)>("pbuf_copy_partial");
  decltype(&::pbuf_free) pbuf_free = get<decltype(::pbuf_free)>("pbuf_free");
  decltype(&::pbuf_take) pbuf_take = get<decltype(::pbuf_take)>("pbuf_take");
  decltype(&::tcp_abort) tcp_abort = get<decltype(::tcp_abort)>("tcp_abort");
  decltype(&::tcp_accept) tcp_accept = get<decltype(::tcp_accept)>("tcp_accept");
  decltype(&::tcp_arg) tcp_arg = get<decltype(::tcp_arg)>("tcp_arg");
  decltype(&::tcp_bind) tcp_bind = get<decltype(::tcp_bind)>("tcp_bind");
  decltype(&::tcp_close) tcp_close = get<decltype(::tcp_close)>("tcp_close");
  decltype(&::tcp_connect) tcp_connect = get<decltype(::tcp_connect)>("tcp_connect");
  decltype(&::tcp_err) tcp_err = get<decltype(::tcp_err)>("tcp_err");
  decltype(&::tcp_listen_with_backlog_and_err) tcp_listen_with_backlog_and_err =
      get<decltype(::tcp_listen_with_backlog_and_err)>("tcp_listen_with_backlog_and_err");
  decltype(&::tcp_new) tcp_new = get<decltype(::tcp_new)>("tcp_new");
  decltype(&::tcp_output) tcp_output = get<decltype(::tcp_output)>("tcp_output");
  decltype(&::tcp_recv) tcp_recv = get<decltype(::tcp_recv)>("tcp_recv");
  decltype(&::tcp_recved) tcp_recved = get<decltype(::tcp_recved)>("tcp_recved");
  decltype(&::tcp_sent) tcp_sent = get<decltype(::tcp_sent)>("tcp_sent");
  decltype(&::tcp_shutdown) tcp_shutdown = get<decltype(::tcp_shutdown)>("tcp_shutdown");
  decltype(&::tcp_tmr) tcp_tmr = get<decltype(::tcp_tmr)>("tcp_tmr");
  decltype(&::tcp_write) tcp_write = get<decltype(::tcp_write)>("tcp_write");
  // Variables.
  tcp_pcb** tcp_active_pcbs = get<tcp_pcb*>("tcp_active_pcbs");
  tcp_pcb** tcp_bound_pcbs = get<tcp_pcb*>("tcp_bound_pcbs");
  tcp_pcb** tcp_tw_pcbs = get<tcp_pcb*>("tcp_tw_pcbs");
  tcp_listen_pcbs_t* tcp_listen_pcbs = get<tcp_listen_pcbs_t>("tcp_listen_pcbs");
};

}  // namespace tiptoe::devices
