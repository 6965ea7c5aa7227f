// SPDX-License-Identifier: Apache-2.0
// The tester in the hands of a Python case. It lives as long as the case runs; later use raises.
#pragma once

#include <memory>
#include <utility>

#include "common.hpp"
#include "tiptoe/conformance/tester.hpp"

namespace tiptoe::python {

class PyTester {
 public:
  explicit PyTester(conformance::Tester& tester) : tester_(&tester) {}
  conformance::Tester& get() const {
    if (tester_ == nullptr) throw UsageError("the case is over: its tester cannot be used any more");
    return *tester_;
  }
  void end() { tester_ = nullptr; }

 private:
  conformance::Tester* tester_;
};

struct PyConn {
  std::shared_ptr<PyTester> tester;
  conformance::Conn* conn;
};

/// A case whose body is a Python function that takes a Tester. An exception that is no Exception (KeyboardInterrupt …)
/// is kept in `interrupted`, to be raised after the run.
std::function<void(conformance::Tester&)> python_body(py::object function,
                                                      std::shared_ptr<std::exception_ptr> interrupted);

}  // namespace tiptoe::python
