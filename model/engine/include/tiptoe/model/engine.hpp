// SPDX-License-Identifier: Apache-2.0
// The golden model of the TCP offload engine: every block of docs/microarchitecture.md, cycle for cycle, behind the
// pins of pins.hpp. No globals, no I/O: any number of engines in a process and in threads; a copy is a snapshot.
//
//   tiptoe::model::Engine engine({.data_w = 64, .conns = 64});
//   tiptoe::model::Inputs in;
//   in.rst = true;
//   engine.eval(in);
//   engine.tick();                                    // one clock cycle with reset
//   in.rst = false;
//   for (;;) {
//     const auto& out = engine.eval(in);              // outputs of this cycle for these inputs
//     ...                                             // look at out; change `in` and eval() again if need be
//     engine.tick();                                  // rising edge, with the inputs of the last eval()
//   }
//
// This header and pins.hpp are C++17, so that SystemC adapters can use them; the model itself is C++20.
#pragma once

#include <cstdint>
#include <memory>

#include "tiptoe/model/pins.hpp"

namespace tiptoe::tcp {
enum class Fault : std::uint16_t;  // tiptoe/tcp/faults.hpp
struct Record;                     // tiptoe/tcp/types.hpp
struct Deadlines;
}  // namespace tiptoe::tcp

namespace tiptoe::model {

class Engine {
 public:
  /// Throws std::invalid_argument with the reason when the parameter set is illegal.
  explicit Engine(const Parameters& parameters = Parameters());
  Engine(const Engine& other);
  Engine(Engine&& other) noexcept;
  Engine& operator=(const Engine& other);
  Engine& operator=(Engine&& other) noexcept;
  ~Engine();

  const Parameters& parameters() const noexcept;

  /// Outputs of this cycle for these inputs. May be called more than once per cycle; the last inputs count.
  const Outputs& eval(const Inputs& inputs);
  /// The rising edge that ends the cycle.
  void tick();

  /// Arms one seeded fault (Fault::none: the golden model again). Survives reset.
  void set_fault(tcp::Fault fault);

  /// Clock cycles since construction.
  std::uint64_t cycles() const noexcept;
  /// What the record and deadline memories hold; for debuggers and tests.
  const tcp::Record& record(unsigned connection) const;
  const tcp::Deadlines& deadlines(unsigned connection) const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

/// The reason why a parameter set is illegal, nullptr when it is legal (micro-architecture, section 2).
const char* why_illegal(const Parameters& parameters) noexcept;

}  // namespace tiptoe::model
