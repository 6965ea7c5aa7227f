# SPDX-License-Identifier: Apache-2.0
# tiptoe_install_library(TARGET COMPONENT component HEADERS dir [INCLUDE_PREFIX path])
#
# Installs a library so that find_package(tiptoe COMPONENTS component) gives tiptoe::<component>. HEADERS is a directory
# whose *.h and *.hpp are copied to include/<INCLUDE_PREFIX>. A target that is found this way needs no part of this tree.
include_guard(GLOBAL)
include(CMakePackageConfigHelpers)

set(TIPTOE_CMAKE_DIR ${CMAKE_INSTALL_LIBDIR}/cmake/tiptoe)

function(tiptoe_install_library TARGET)
  cmake_parse_arguments(PARSE_ARGV 1 A "" "COMPONENT;INCLUDE_PREFIX" "HEADERS")
  if(A_UNPARSED_ARGUMENTS OR NOT A_COMPONENT)
    message(FATAL_ERROR "tiptoe_install_library: COMPONENT is required; unknown: '${A_UNPARSED_ARGUMENTS}'")
  endif()
  get_target_property(links ${TARGET} INTERFACE_LINK_LIBRARIES)
  if(links) # our warnings are ours, not the user's
    list(FILTER links EXCLUDE REGEX "tiptoe(::|_)warnings")
    set_target_properties(${TARGET} PROPERTIES INTERFACE_LINK_LIBRARIES "${links}")
  endif()
  get_target_property(includes ${TARGET} INTERFACE_INCLUDE_DIRECTORIES)
  if(includes) # plain paths of this tree mean the build only
    list(TRANSFORM includes REPLACE "^(/.*)$" "$<BUILD_INTERFACE:\\1>")
    set_target_properties(${TARGET} PROPERTIES INTERFACE_INCLUDE_DIRECTORIES "${includes}")
  endif()
  set_target_properties(${TARGET} PROPERTIES EXPORT_NAME ${A_COMPONENT})
  install(TARGETS ${TARGET} EXPORT tiptoe_${A_COMPONENT}
          ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT ${A_COMPONENT}
          LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT ${A_COMPONENT}
          INCLUDES DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} ${CMAKE_INSTALL_INCLUDEDIR}/${A_INCLUDE_PREFIX})
  foreach(dir IN LISTS A_HEADERS)
    install(DIRECTORY ${dir}/ DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/${A_INCLUDE_PREFIX} COMPONENT ${A_COMPONENT}
            FILES_MATCHING PATTERN "*.h" PATTERN "*.hpp" PATTERN "tests" EXCLUDE PATTERN "test" EXCLUDE)
  endforeach()
  install(EXPORT tiptoe_${A_COMPONENT} NAMESPACE tiptoe:: FILE tiptoe-${A_COMPONENT}.cmake
          DESTINATION ${TIPTOE_CMAKE_DIR} COMPONENT ${A_COMPONENT})
  install(FILES ${tiptoe_BINARY_DIR}/cmake/tiptoeConfig.cmake ${tiptoe_BINARY_DIR}/cmake/tiptoeConfigVersion.cmake
          DESTINATION ${TIPTOE_CMAKE_DIR} COMPONENT ${A_COMPONENT})
endfunction()

configure_package_config_file(${CMAKE_CURRENT_LIST_DIR}/tiptoeConfig.cmake.in
  ${tiptoe_BINARY_DIR}/cmake/tiptoeConfig.cmake INSTALL_DESTINATION ${TIPTOE_CMAKE_DIR})
write_basic_package_version_file(${tiptoe_BINARY_DIR}/cmake/tiptoeConfigVersion.cmake
  COMPATIBILITY SameMinorVersion)
