// SPDX-License-Identifier: Apache-2.0
// A device as Python holds it: closed deterministically, used by one thread at a time, the GIL released while it runs.
#pragma once

#include <atomic>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "common.hpp"
#include "tiptoe/journal.hpp"

namespace tiptoe::python {

class Device {
 public:
  Device(std::unique_ptr<Dut> dut, std::string kind, DutOptions options)
      : dut_(std::move(dut)),
        kind_(std::move(kind)),
        options_(std::move(options)),
        capabilities_(dut_->capabilities()) {}

  const std::string& kind() const { return kind_; }
  const DutOptions& options() const { return options_; }
  const Capabilities& capabilities() const { return capabilities_; }
  bool user_calls() const { return !capabilities_.calls.empty(); }
  bool closed() const { return dut_ == nullptr; }
  void close();

  /// The last events of every case go there, for whoever looks after this process. An open file.
  void set_journal(int fd) { journal_ = std::make_unique<Journal>(fd); }
  Journal* journal() const { return journal_.get(); }

  void set_recording(bool on) { recording_ = on; }
  bool recording() const { return recording_; }
  std::vector<Datagram> take_frames();
  const std::vector<Datagram>& frames() const { return frames_; }

  /// Runs f(Dut&) without the GIL. Throws when another thread is inside or the device is closed.
  template <class F>
  auto run(F&& f) {
    const Use use(*this);
    const py::gil_scoped_release nogil;
    return std::forward<F>(f)(*dut_);
  }

  /// The same, but with the GIL.
  template <class F>
  auto with_gil(F&& f) {
    const Use use(*this);
    return std::forward<F>(f)(*dut_);
  }

  /// Inside run().
  void inject(Dut& dut, ByteView datagram);
  void note(const std::optional<Datagram>& d) {
    if (recording_ && d) frames_.push_back(*d);
  }

 private:
  class Use {
   public:
    explicit Use(Device& device);
    Use(const Use&) = delete;
    Use& operator=(const Use&) = delete;
    ~Use() { device_.busy_.clear(); }

   private:
    Device& device_;
  };

  std::unique_ptr<Dut> dut_;
  std::string kind_;
  DutOptions options_;
  Capabilities capabilities_;
  std::unique_ptr<Journal> journal_{};
  bool recording_ = false;
  std::vector<Datagram> frames_;
  std::atomic_flag busy_ = ATOMIC_FLAG_INIT;
};

/// From the names that rtl_parameter_sets() gives in Python; what is missing has its default.
DutOptions dut_options(const py::dict& parameters);

/// inject, exchange, run_until_output, poll, outputs.
void add_packet_methods(py::class_<Device>& cls);

}  // namespace tiptoe::python
