// SPDX-License-Identifier: Apache-2.0
// Cases and results as JSON text.
#pragma once

#include <string>
#include <string_view>

#include "tiptoe/conformance/case.hpp"
#include "tiptoe/conformance/verdict.hpp"

namespace tiptoe::conformance {

std::string json_string(std::string_view text);  ///< quoted and escaped
std::string json_list(const std::vector<std::string>& texts);
std::string to_json(const Case&);
std::string to_json(const Registry&);  ///< {"cases": […], "profiles": […]}
std::string to_json(const Result&, bool with_ladder = true);

}  // namespace tiptoe::conformance
