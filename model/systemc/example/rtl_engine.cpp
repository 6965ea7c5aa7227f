// SPDX-License-Identifier: Apache-2.0
#include "rtl_engine.hpp"

#include "tiptoe/rtl_engine.hpp"

namespace tiptoe::systemc {

class RtlEngine::Impl {
 public:
  std::unique_ptr<tiptoe::RtlEngine> engine;
};

RtlEngine::RtlEngine(const model::Parameters& p) : impl_(std::make_unique<Impl>()) {
  DutOptions options;
  options.data_w = p.data_w;
  options.conns = p.conns;
  options.listeners = p.listeners;
  options.tx_buf_log2 = p.tx_buf_log2;
  options.rx_buf_log2 = p.rx_buf_log2;
  options.timer_scan = p.timer_scan;
  impl_->engine = make_rtl_engine(options);
}
RtlEngine::~RtlEngine() = default;
const model::Outputs& RtlEngine::eval(const model::Inputs& inputs) { return impl_->engine->eval(inputs); }
void RtlEngine::tick() { impl_->engine->tick(); }

}  // namespace tiptoe::systemc
