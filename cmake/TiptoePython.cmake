# SPDX-License-Identifier: Apache-2.0
# Install component "python": the package and its extension module. Two users: tools/install-python (the tree's .venv,
# Debian packages alone) and the wheel (scikit-build-core, which defines SKBUILD and wants paths relative to
# site-packages).
include_guard(GLOBAL)

set(package ${tiptoe_SOURCE_DIR}/bindings/python/tiptoe)
if(SKBUILD)
  set(site .)
else()
  set(site site-packages)
endif()
if(TARGET _core)
  install(TARGETS _core LIBRARY DESTINATION ${site}/tiptoe COMPONENT python)
endif()
if(EXISTS ${package})
  install(DIRECTORY ${package}/ DESTINATION ${site}/tiptoe COMPONENT python
          PATTERN "__pycache__" EXCLUDE PATTERN "*.so" EXCLUDE)
endif()
