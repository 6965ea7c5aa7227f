// SPDX-License-Identifier: Apache-2.0
// Names for messages, as the RFCs and the micro-architecture page write them.
#include "tiptoe/tcp/types.hpp"

namespace tiptoe::tcp {

const char* name(State s) {
  constexpr std::array names = {"CLOSED",     "LISTEN",     "SYN_SENT", "SYN_RECEIVED", "ESTABLISHED", "FIN_WAIT_1",
                                "FIN_WAIT_2", "CLOSE_WAIT", "CLOSING",  "LAST_ACK",     "TIME_WAIT"};
  const auto i = static_cast<std::size_t>(s);
  return i < names.size() ? names[i] : "?";
}

const char* name(Timer t) {
  constexpr std::array names = {"RTX", "DACK", "KEEP", "WAIT", "USER"};
  const auto i = static_cast<std::size_t>(t);
  return i < names.size() ? names[i] : "?";
}

const char* name(Source s) {
  constexpr std::array names = {"TMR", "SEG", "CMD", "TXD", "RXD", "OUT"};
  const auto i = static_cast<std::size_t>(s);
  return i < names.size() ? names[i] : "?";
}

const char* name(Reason r) {
  constexpr std::array names = {
      "NONE",        "IP_SHORT", "IP_VERSION",  "IP_IHL",        "IP_LENGTH", "IP_CKSUM",           "IP_FRAGMENT",
      "IP_PROTOCOL", "IP_DST",   "IP_SRC",      "TCP_SHORT",     "TCP_DOFF",  "TCP_CKSUM",          "?",
      "?",           "?",        "QUIET",       "NO_CONNECTION", "BACKLOG",   "TABLE_FULL",         "CAM_FULL",
      "BAD_ACK",     "RESET",    "RST_IGNORED", "NO_SYN",        "CHALLENGE", "SYN_BACK_TO_LISTEN", "OUT_OF_WINDOW",
      "NO_ACK",      "OOO_FULL", "ORPHAN"};
  const auto i = static_cast<std::size_t>(r);
  return i < names.size() ? names[i] : "?";
}

const char* name(Status s) {
  constexpr std::array names = {"OK",      "NO_CONNECTION", "EXISTS", "NO_RESOURCES", "CLOSING", "REMOTE_UNSPECIFIED",
                                "INVALID", "WOULD_BLOCK",   "ABORTED"};
  const auto i = static_cast<std::size_t>(s);
  return i < names.size() ? names[i] : "?";
}

}  // namespace tiptoe::tcp
