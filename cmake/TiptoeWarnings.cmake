# SPDX-License-Identifier: Apache-2.0
# tiptoe::warnings: link it PRIVATE to every target that holds our own code. Verilated code does not get it.
include_guard(GLOBAL)

add_library(tiptoe_warnings INTERFACE)
add_library(tiptoe::warnings ALIAS tiptoe_warnings)
target_compile_options(tiptoe_warnings INTERFACE
  -Werror -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wsign-conversion -Wold-style-cast -Wnon-virtual-dtor
  -Woverloaded-virtual -Wcast-align -Wformat=2 -Wimplicit-fallthrough
  # -Wno-restrict: GCC 12 reports a false overlap in std::string concatenation at -O3 (GCC bug 105651).
  $<$<CXX_COMPILER_ID:GNU>:-Wduplicated-cond -Wduplicated-branches -Wlogical-op -Wno-restrict>)
if(TIPTOE_SANITIZE) # instrumented code makes these guess
  target_compile_options(tiptoe_warnings INTERFACE $<$<CXX_COMPILER_ID:GNU>:-Wno-maybe-uninitialized -Wno-sign-conversion>)
endif()
