// SPDX-License-Identifier: Apache-2.0
// The user of a soak's device: random calls, with handles that are, were and never have been.
#pragma once

#include <cstdint>
#include <vector>

#include "soak_world.hpp"

namespace tiptoe {

class SoakHost {
 public:
  explicit SoakHost(SoakWorld& world) : w_(world) {}

  void clear();
  void act();                           ///< something random
  void react(const EngineResponse& r);  ///< to the answer to a command
  void react(const Notification& n);
  void command(EngineCommand c);  ///< when there is room

 private:
  void remember(std::uint32_t handle);
  void send(std::uint32_t handle);
  void receive(std::uint32_t handle);
  std::uint32_t any_handle();
  EngineCommand active_open();

  SoakWorld& w_;
  std::vector<std::uint32_t> handles_{}, listeners_{};
};

}  // namespace tiptoe
