// SPDX-License-Identifier: Apache-2.0
#include "sock_diag.hpp"

#include <arpa/inet.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <cstring>

namespace tiptoe::devices {

State to_state(unsigned kernel) noexcept {
  switch (kernel) {  // include/net/tcp_states.h
    case 1: return State::established;
    case 2: return State::syn_sent;
    case 3:
    case 12: return State::syn_received;
    case 4: return State::fin_wait_1;
    case 5: return State::fin_wait_2;
    case 6: return State::time_wait;
    case 7: return State::closed;
    case 8: return State::close_wait;
    case 9: return State::last_ack;
    case 10: return State::listen;
    case 11: return State::closing;
    default: return State::unknown;
  }
}

SockDiag::SockDiag() : socket_(::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_SOCK_DIAG)) {
  if (!socket_) throw DutError(with_errno("no netlink socket for the states of connections"));
}

SockDiag::Answer SockDiag::ask(std::uint16_t type, std::uint16_t flags, const Tuple& t) {
  struct {
    nlmsghdr head{};
    inet_diag_req_v2 body{};
  } request;
  request.head.nlmsg_len = sizeof request;
  request.head.nlmsg_type = type;
  request.head.nlmsg_flags = static_cast<std::uint16_t>(flags | NLM_F_REQUEST);
  request.head.nlmsg_seq = ++sequence_;
  request.body.sdiag_family = AF_INET;
  request.body.sdiag_protocol = IPPROTO_TCP;
  request.body.idiag_states = ~0U;
  request.body.id.idiag_sport = htons(t.local_port);
  request.body.id.idiag_dport = htons(t.remote_port);
  request.body.id.idiag_src[0] = htonl(t.local_ip);
  request.body.id.idiag_dst[0] = htonl(t.remote_ip);
  request.body.id.idiag_cookie[0] = request.body.id.idiag_cookie[1] = INET_DIAG_NOCOOKIE;
  if (::send(socket_.get(), &request, sizeof request, 0) != sizeof request) {
    throw DutError(with_errno("asking for the state of a connection"));
  }
  std::array<std::uint8_t, 8192> buffer{};
  const ssize_t n = ::recv(socket_.get(), buffer.data(), buffer.size(), 0);
  nlmsghdr head{};
  if (n < static_cast<ssize_t>(sizeof head)) throw DutError("a short answer for the state of a connection");
  std::memcpy(&head, buffer.data(), sizeof head);
  Answer answer;
  if (head.nlmsg_type == NLMSG_ERROR) {
    nlmsgerr error{};
    std::memcpy(&error, buffer.data() + NLMSG_HDRLEN, sizeof error);
    answer.error = -error.error;
    return answer;
  }
  inet_diag_msg body{};
  std::memcpy(&body, buffer.data() + NLMSG_HDRLEN, sizeof body);
  answer.state = to_state(body.idiag_state);
  return answer;
}

std::optional<State> SockDiag::state(const Tuple& tuple) {
  const Answer answer = ask(SOCK_DIAG_BY_FAMILY, 0, tuple);
  return answer.state == State::listen ? std::nullopt : answer.state;
}

bool SockDiag::destroy(const Tuple& tuple) {
  if (!state(tuple)) return false;
  const Answer answer = ask(SOCK_DESTROY, NLM_F_ACK, tuple);
  if (answer.error == EOPNOTSUPP) throw DutError("the kernel can't destroy sockets (CONFIG_INET_DIAG_DESTROY)");
  return answer.error == 0;
}

}  // namespace tiptoe::devices
