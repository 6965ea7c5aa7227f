# SPDX-License-Identifier: Apache-2.0
# tiptoe_verilate(): one library per parameter set of the RTL.
#
#   tiptoe_verilate(TARGET rtl_w64 PREFIX Vtiptoe_w64 PARAMS "DATA_W=64;CONNS=16")
#   tiptoe_verilate(TARGET rtl_w64_trace PREFIX Vtiptoe_w64_trace PARAMS "DATA_W=64;CONNS=16" TRACE)
#   target_link_libraries(harness PRIVATE rtl_w64 rtl_w64_trace)     # then #include "Vtiptoe_w64.h"
#
# Each PREFIX is a class of its own, so any number of parameter sets goes into one binary. TRACE compiles FST waves in
# (0.73x the speed even when nothing is dumped), so it is a second target, not a switch.
#
#   TARGET, PREFIX     required; PREFIX must be unique in the build
#   PARAMS             list of NAME=VALUE, the top module's parameters
#   TOP, MANIFEST      default tiptoe_top and rtl/tiptoe.f (one path per line relative to the manifest; // and # comments)
#   TRACE              waves as FST; use VerilatedFstC
#   NO_ASSERT          leave the RTL's assertions out
#   VERILATOR_ARGS     more arguments
#
# Verilation happens at build time and only when RTL changed. All libraries share one run-time (tiptoe_verilated_rt).
# Registers start with what VerilatedContext::randReset(2) and randSeed(n) give: reset bugs show, and show again.
include_guard(GLOBAL)
include(ProcessorCount)

find_program(TIPTOE_VERILATOR verilator REQUIRED)
execute_process(COMMAND ${TIPTOE_VERILATOR} --getenv VERILATOR_ROOT OUTPUT_VARIABLE _root
                OUTPUT_STRIP_TRAILING_WHITESPACE COMMAND_ERROR_IS_FATAL ANY)
set(TIPTOE_VERILATOR_INCLUDE ${_root}/include CACHE PATH "Verilator's run-time sources")
find_package(Threads REQUIRED)
find_package(ZLIB REQUIRED)
find_program(TIPTOE_MAKE NAMES make gmake REQUIRED)

# Verilated models are compiled for speed whatever the build type is: an unoptimised one is six times slower.
set(TIPTOE_VERILATED_OPT_FAST "-O3" CACHE STRING "Optimisation of verilated code")
# Those with waves repeat single cases: 15 s to compile instead of 26 (DATA_W=512).
set(TIPTOE_VERILATED_OPT_TRACE "-O1" CACHE STRING "Optimisation of verilated code with waves")
# One translation unit per parameter set takes half the processor time of split ones (measured: 13 s against 30 s at
# DATA_W=512), and the parameter sets are what is compiled in parallel.
option(TIPTOE_VERILATED_SPLIT "Compile each verilated model as many files (for a single, very large one)" OFF)

add_library(tiptoe_verilated_rt STATIC
  ${TIPTOE_VERILATOR_INCLUDE}/verilated.cpp
  ${TIPTOE_VERILATOR_INCLUDE}/verilated_threads.cpp
  ${TIPTOE_VERILATOR_INCLUDE}/verilated_fst_c.cpp)
target_compile_options(tiptoe_verilated_rt PRIVATE -w -O3)
target_compile_definitions(tiptoe_verilated_rt PUBLIC VM_SC=0 VM_COVERAGE=0)
target_include_directories(tiptoe_verilated_rt SYSTEM PUBLIC
  ${TIPTOE_VERILATOR_INCLUDE} ${TIPTOE_VERILATOR_INCLUDE}/vltstd)
target_link_libraries(tiptoe_verilated_rt PUBLIC Threads::Threads ZLIB::ZLIB)

# Sets OUT to the absolute paths that MANIFEST lists.
function(tiptoe_read_manifest OUT MANIFEST)
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${MANIFEST})
  get_filename_component(dir ${MANIFEST} DIRECTORY)
  file(STRINGS ${MANIFEST} lines)
  set(files)
  foreach(line IN LISTS lines)
    string(REGEX REPLACE "(#|//).*" "" line "${line}")
    string(STRIP "${line}" line)
    if(line AND NOT line MATCHES "^[-+]")
      get_filename_component(path ${line} ABSOLUTE BASE_DIR ${dir})
      list(APPEND files ${path})
    endif()
  endforeach()
  set(${OUT} ${files} PARENT_SCOPE)
endfunction()

# verilated.mk appends to these, or puts them on the compiler's command line; a shell that happens to have one of them
# (OPT, say) must not change what is built, or keep it from being built.
set(_tiptoe_make_env)
foreach(name MAKEFLAGS MFLAGS GNUMAKEFLAGS OPT M32 VPATH CPPFLAGS CXXFLAGS LDFLAGS LDLIBS USER_CPPFLAGS USER_LDFLAGS
             USER_LDLIBS VK_CPPFLAGS_ALWAYS VK_CPPFLAGS_WALL)
  list(APPEND _tiptoe_make_env --unset=${name})
endforeach()
set_property(GLOBAL PROPERTY TIPTOE_MAKE_ENV ${_tiptoe_make_env})

function(tiptoe_verilate)
  cmake_parse_arguments(A "TRACE;NO_ASSERT" "TARGET;PREFIX;TOP;MANIFEST" "PARAMS;VERILATOR_ARGS" ${ARGN})
  if(A_UNPARSED_ARGUMENTS OR NOT A_TARGET OR NOT A_PREFIX)
    message(FATAL_ERROR "tiptoe_verilate: TARGET and PREFIX are required; unknown: '${A_UNPARSED_ARGUMENTS}'")
  endif()
  if(NOT A_TOP)
    set(A_TOP tiptoe_top)
  endif()
  if(NOT A_MANIFEST)
    set(A_MANIFEST ${tiptoe_SOURCE_DIR}/rtl/tiptoe.f)
  endif()
  tiptoe_read_manifest(sources ${A_MANIFEST})
  get_filename_component(rtl_dir ${A_MANIFEST} DIRECTORY)
  file(GLOB_RECURSE headers CONFIGURE_DEPENDS ${rtl_dir}/*.svh ${rtl_dir}/*.vlt)

  set(args --cc --top-module ${A_TOP} --prefix ${A_PREFIX} --Mdir . -sv -I${rtl_dir} --no-timing -O3
           --x-assign fast --x-initial unique --output-split 8000 --output-split-cfuncs 2000 -Wno-fatal -Werror-USERERROR -Werror-USERFATAL)
  # Verilator 5.006 loses the loop variable when it splits a function in which it has made a loop of many equal
  # assignments (a record of 40 words and more), so it makes none.
  list(APPEND args --reloop-limit 100000)
  foreach(parameter IN LISTS A_PARAMS)
    list(APPEND args -G${parameter})
  endforeach()
  if(NOT A_NO_ASSERT)
    list(APPEND args --assert)
  endif()
  if(A_TRACE)
    list(APPEND args --trace-fst --trace-structs --trace-params)
  endif()
  list(APPEND args ${A_VERILATOR_ARGS})

  # Flags that must agree with the rest of the program.
  set(flags "-std=gnu++20 -fPIC -w")
  set(fast "${TIPTOE_VERILATED_OPT_FAST}")
  if(A_TRACE)
    set(fast "${TIPTOE_VERILATED_OPT_TRACE}")
  endif()
  if(TIPTOE_NATIVE)
    string(APPEND fast " -march=native")
  endif()
  if(TIPTOE_VERILATED_SPLIT)
    ProcessorCount(jobs)
    set(make_args -j${jobs} VM_PARALLEL_BUILDS=1 OPT_SLOW=-O1)
  else()
    set(make_args -j1 VM_PARALLEL_BUILDS=0)
  endif()
  if(TIPTOE_CCACHE)
    list(APPEND make_args OBJCACHE=${TIPTOE_CCACHE})
  endif()

  get_property(make_env GLOBAL PROPERTY TIPTOE_MAKE_ENV)
  set(dir ${CMAKE_CURRENT_BINARY_DIR}/verilated/${A_PREFIX})
  set(archive ${dir}/${A_PREFIX}__ALL.a)
  file(MAKE_DIRECTORY ${dir})
  add_custom_command(
    OUTPUT ${archive}
    BYPRODUCTS ${dir}/${A_PREFIX}.h ${dir}/${A_PREFIX}.mk
    WORKING_DIRECTORY ${dir}
    COMMAND ${TIPTOE_VERILATOR} ${args} ${sources}
    COMMAND ${CMAKE_COMMAND} -E env ${make_env}
            ${TIPTOE_MAKE} -s -B -f ${A_PREFIX}.mk ${make_args} CXX=${CMAKE_CXX_COMPILER}
            VM_USER_CFLAGS=${flags} OPT_FAST=${fast} ${A_PREFIX}__ALL.a
    DEPENDS ${sources} ${headers}
    COMMENT "Verilating ${A_TOP} as ${A_PREFIX} (${A_PARAMS})"
    VERBATIM)
  add_custom_target(${A_TARGET}_gen DEPENDS ${archive})

  add_library(${A_TARGET} INTERFACE)
  add_dependencies(${A_TARGET} ${A_TARGET}_gen)
  target_include_directories(${A_TARGET} SYSTEM INTERFACE ${dir})
  target_link_libraries(${A_TARGET} INTERFACE ${archive} tiptoe_verilated_rt)
endfunction()
