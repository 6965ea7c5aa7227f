// SPDX-License-Identifier: Apache-2.0
// A device that hands everything on to another one: the base of those that change or watch some of it.
//
//   class Louder final : public ForwardingDut {
//    public:
//     using ForwardingDut::ForwardingDut;
//     void inject(std::span<const std::uint8_t> d) override { std::puts("inject"); ForwardingDut::inject(d); }
//   };
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "tiptoe/dut.hpp"

namespace tiptoe {

class ForwardingDut : public Dut {
 public:
  explicit ForwardingDut(Dut& device) : inner_(&device) {}

  std::string name() const override { return inner_->name(); }
  std::string description() const override { return inner_->description(); }
  const Capabilities& capabilities() const override { return inner_->capabilities(); }
  void reset(const DutConfig& config) override { inner_->reset(config); }
  void inject(std::span<const std::uint8_t> datagram) override { inner_->inject(datagram); }
  std::optional<Datagram> poll_output() override { return inner_->poll_output(); }
  void settle() override { inner_->settle(); }
  std::optional<Datagram> run_until_output(std::uint64_t us) override { return inner_->run_until_output(us); }
  void advance(std::uint64_t us) override { inner_->advance(us); }
  std::uint64_t now_us() const override { return inner_->now_us(); }
  std::uint64_t cycles() const override { return inner_->cycles(); }
  CallResult open_passive(const OpenArgs& a) override { return inner_->open_passive(a); }
  CallResult open_active(const OpenArgs& a) override { return inner_->open_active(a); }
  CallResult accept(Handle h) override { return inner_->accept(h); }
  CallResult send(Handle h, std::span<const std::uint8_t> data) override { return inner_->send(h, data); }
  CallResult receive(Handle h, std::uint32_t max) override { return inner_->receive(h, max); }
  CallResult close(Handle h, bool half) override { return inner_->close(h, half); }
  CallResult abort(Handle h) override { return inner_->abort(h); }
  CallResult status(Handle h) override { return inner_->status(h); }
  CallResult set_options(Handle h, bool nodelay, bool keepalive) override {
    return inner_->set_options(h, nodelay, keepalive);
  }
  std::optional<Notification> poll_notification() override { return inner_->poll_notification(); }
  void set(const std::string& name, std::uint64_t value) override { inner_->set(name, value); }
  std::uint64_t counter(const std::string& name) override { return inner_->counter(name); }
  bool has_retire_records() const override { return inner_->has_retire_records(); }
  void set_retire_recording(bool on) override { inner_->set_retire_recording(on); }
  std::vector<RetireRecord> take_retire_records() override { return inner_->take_retire_records(); }
  void set_fault(const std::string& id) override { inner_->set_fault(id); }

 protected:
  Dut& inner() const { return *inner_; }

 private:
  Dut* inner_;
};

}  // namespace tiptoe
