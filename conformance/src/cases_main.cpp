// SPDX-License-Identifier: Apache-2.0
// tiptoe_cases: the cases of the suite. --json for everything about them, otherwise one line each.
#include <cstdio>
#include <cstring>

#include "tiptoe/conformance/json.hpp"

int main(int argc, char** argv) {
  using namespace tiptoe::conformance;
  if (argc > 1 && std::strcmp(argv[1], "--json") == 0) {
    std::fputs(to_json(all_cases()).c_str(), stdout);
    return 0;
  }
  for (const Case& c : all_cases().cases()) std::printf("%-60s %s\n", c.id.c_str(), c.title.c_str());
  return 0;
}
