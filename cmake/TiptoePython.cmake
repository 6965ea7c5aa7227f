# SPDX-License-Identifier: Apache-2.0
# Install component "python": the package and its extension module, into TIPTOE_PYTHON_DEST. Two users:
# tools/install-python (the tree's .venv, Debian packages alone) and the wheel (scikit-build-core, which defines SKBUILD
# and wants paths relative to site-packages).
include_guard(GLOBAL)

set(package ${tiptoe_SOURCE_DIR}/bindings/python/tiptoe)
if(TARGET _core)
  install(TARGETS _core LIBRARY DESTINATION ${TIPTOE_PYTHON_DEST} COMPONENT python)
endif()
if(EXISTS ${package})
  install(DIRECTORY ${package}/ DESTINATION ${TIPTOE_PYTHON_DEST} COMPONENT python
          PATTERN "__pycache__" EXCLUDE PATTERN "*.so" EXCLUDE)
endif()
