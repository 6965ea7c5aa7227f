// SPDX-License-Identifier: Apache-2.0
// The far side of a soak's wire: peers that open, answer, send, close and lie, and segments aimed with the device's own
// records.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "soak_world.hpp"
#include "tiptoe/segment.hpp"

namespace tiptoe {

class SoakPeers {
 public:
  explicit SoakPeers(SoakWorld& world) : w_(world) {}

  void clear() { peers_.clear(); }
  void act();                    ///< something random
  void react(const Segment& s);  ///< to what came from the device

 private:
  struct Peer {  ///< the tester's idea of one connection
    std::uint32_t device = 0, peer = 0;
    std::uint16_t device_port = 0, peer_port = 0;
    std::uint32_t to_device = 0, from_device = 0;  ///< flow ids
    std::uint32_t iss = 0;
    std::uint32_t snd_nxt = 0, snd_una = 0;
    std::uint32_t rcv_nxt = 0;
    std::uint32_t window = 0;  ///< the device's
    std::uint16_t mss = 536;
    bool synchronized = false, fin_sent = false, fin_received = false, mute = false;
  };

  Peer* find(const Segment& s);
  Peer& add_peer(std::uint32_t device, std::uint16_t device_port, std::uint32_t peer, std::uint16_t port);
  void restart(Peer& p);
  static void note_sent(Peer& p, std::uint32_t end);

  void transmit(const Segment& s);
  Segment from(const Peer& p, std::uint32_t seq, std::uint8_t flags, std::size_t text = 0);
  std::uint16_t peer_window();
  Options options(std::uint16_t mss);
  std::size_t text_length();

  void syn(Peer& p, std::uint8_t flags);
  void fin(Peer& p);
  void hostile(Peer& p, std::uint32_t window);
  void malformed(Peer& p);
  void snipe();

  SoakWorld& w_;
  std::vector<Peer> peers_{};
};

}  // namespace tiptoe
