# SPDX-License-Identifier: Apache-2.0
# What every target of this tree has in common.
include_guard(GLOBAL)
include(GNUInstallDirs)

if(NOT CMAKE_BUILD_TYPE AND NOT CMAKE_CONFIGURATION_TYPES)
  set(CMAKE_BUILD_TYPE Release CACHE STRING "Build type" FORCE)
endif()

set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_POSITION_INDEPENDENT_CODE ON) # everything may end up in the Python extension or a DUT .so
set(CMAKE_CXX_VISIBILITY_PRESET hidden)
set(CMAKE_VISIBILITY_INLINES_HIDDEN ON)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)

if(TIPTOE_NATIVE)
  add_compile_options(-march=native)
endif()

if(TIPTOE_SANITIZE)
  add_compile_options(-fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer)
  add_link_options(-fsanitize=address,undefined)
endif()

# tiptoe_seldom_run(TARGET...): tests, which run for milliseconds and take half the time to compile when they are not
# optimised so much. What they test is. Measured: datapath_test.cpp 19.6 s with -O3, 9.2 s with -O1.
function(tiptoe_seldom_run)
  foreach(target IN LISTS ARGN)
    if(TIPTOE_SANITIZE)
      target_compile_options(${target} PRIVATE -O0)
    else()
      target_compile_options(${target} PRIVATE $<$<CONFIG:Release>:-O1>)
    endif()
  endforeach()
endfunction()

find_program(TIPTOE_CCACHE ccache)
if(TIPTOE_CCACHE)
  foreach(lang C CXX)
    if(NOT CMAKE_${lang}_COMPILER_LAUNCHER)
      set(CMAKE_${lang}_COMPILER_LAUNCHER ${TIPTOE_CCACHE})
    endif()
  endforeach()
endif()

# The Python of the distribution: its packages (pybind11, numpy, pytest ...) are the ones that we build against, whatever
# other python3 happens to be first on PATH. A wheel build brings its own.
if(TIPTOE_BUILD_PYTHON AND NOT SKBUILD AND NOT Python_EXECUTABLE AND EXISTS /usr/bin/python3)
  set(Python_EXECUTABLE /usr/bin/python3 CACHE FILEPATH "Python that the extension module is for")
  set(PYTHON_EXECUTABLE /usr/bin/python3 CACHE FILEPATH "the same, as pybind11 2.10 calls it")
endif()
set(PYBIND11_FINDPYTHON ON)

# Where generated files of the Python package are installed (COMPONENT python).
if(SKBUILD)
  set(TIPTOE_PYTHON_DEST tiptoe)
else()
  set(TIPTOE_PYTHON_DEST site-packages/tiptoe)
endif()
