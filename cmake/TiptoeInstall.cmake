# SPDX-License-Identifier: Apache-2.0
# tiptoe_install_library(TARGET COMPONENT component)
#
# Installs a library, the libraries of this tree that it links, and the *.h / *.hpp of their public include directories,
# so that find_package(tiptoe COMPONENTS component) gives tiptoe::<component>.
include_guard(GLOBAL)
include(CMakePackageConfigHelpers)

set(TIPTOE_CMAKE_DIR ${CMAKE_INSTALL_LIBDIR}/cmake/tiptoe)

# Appends the target NAME and the targets of this tree that it links to the list OUT, each once.
function(tiptoe_link_closure OUT NAME)
  get_target_property(alias ${NAME} ALIASED_TARGET)
  if(alias)
    set(NAME ${alias})
  endif()
  if(NOT NAME IN_LIST ${OUT})
    list(APPEND ${OUT} ${NAME})
    get_target_property(links ${NAME} INTERFACE_LINK_LIBRARIES)
    foreach(link IN LISTS links)
      string(REGEX REPLACE "^\\$<LINK_ONLY:(.*)>$" "\\1" link "${link}")
      if(TARGET ${link})
        get_target_property(imported ${link} IMPORTED)
        if(NOT imported)
          tiptoe_link_closure(${OUT} ${link})
        endif()
      endif()
    endforeach()
  endif()
  set(${OUT} ${${OUT}} PARENT_SCOPE)
endfunction()

function(tiptoe_install_library TARGET)
  cmake_parse_arguments(A "" "COMPONENT" "" ${ARGN})
  if(A_UNPARSED_ARGUMENTS OR NOT A_COMPONENT)
    message(FATAL_ERROR "tiptoe_install_library: COMPONENT is required; unknown: '${A_UNPARSED_ARGUMENTS}'")
  endif()
  tiptoe_link_closure(targets ${TARGET})
  list(REMOVE_ITEM targets tiptoe_warnings) # our warnings are ours, not the user's

  foreach(target IN LISTS targets)
    string(REGEX REPLACE "^tiptoe_" "" name ${target})
    get_target_property(links ${target} INTERFACE_LINK_LIBRARIES)
    if(links)
      list(FILTER links EXCLUDE REGEX "tiptoe(::|_)warnings")
    else()
      set(links)
    endif()
    get_target_property(includes ${target} INTERFACE_INCLUDE_DIRECTORIES)
    if(NOT includes)
      set(includes)
    endif()
    foreach(dir IN LISTS includes)
      string(REGEX REPLACE "^\\$<BUILD_INTERFACE:(.*)>$" "\\1" dir "${dir}")
      if(IS_ABSOLUTE "${dir}")
        install(DIRECTORY ${dir}/ DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} COMPONENT ${A_COMPONENT}
                FILES_MATCHING PATTERN "*.h" PATTERN "*.hpp")
      endif()
    endforeach()
    list(TRANSFORM includes REPLACE "^(/.*)$" "$<BUILD_INTERFACE:\\1>") # plain paths mean this tree only
    set_target_properties(${target} PROPERTIES
      EXPORT_NAME ${name} INTERFACE_LINK_LIBRARIES "${links}" INTERFACE_INCLUDE_DIRECTORIES "${includes}")
  endforeach()

  install(TARGETS ${targets} EXPORT tiptoe_${A_COMPONENT}
          ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT ${A_COMPONENT}
          LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT ${A_COMPONENT}
          INCLUDES DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
  install(EXPORT tiptoe_${A_COMPONENT} NAMESPACE tiptoe:: FILE tiptoe-${A_COMPONENT}.cmake
          DESTINATION ${TIPTOE_CMAKE_DIR} COMPONENT ${A_COMPONENT})
  install(FILES ${tiptoe_BINARY_DIR}/cmake/tiptoeConfig.cmake ${tiptoe_BINARY_DIR}/cmake/tiptoeConfigVersion.cmake
          DESTINATION ${TIPTOE_CMAKE_DIR} COMPONENT ${A_COMPONENT})
endfunction()

configure_package_config_file(${CMAKE_CURRENT_LIST_DIR}/tiptoeConfig.cmake.in
  ${tiptoe_BINARY_DIR}/cmake/tiptoeConfig.cmake INSTALL_DESTINATION ${TIPTOE_CMAKE_DIR})
write_basic_package_version_file(${tiptoe_BINARY_DIR}/cmake/tiptoeConfigVersion.cmake
  COMPATIBILITY SameMinorVersion)
