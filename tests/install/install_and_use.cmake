# SPDX-License-Identifier: Apache-2.0
# cmake -D BUILD= -D WORK= -D CONSUMER= -D GENERATOR= -D CXX= -D BUILD_TYPE= -P install_and_use.cmake
function(run)
  execute_process(COMMAND ${ARGV} COMMAND_ECHO STDOUT COMMAND_ERROR_IS_FATAL ANY)
endfunction()

file(REMOVE_RECURSE ${WORK})
run(${CMAKE_COMMAND} --install ${BUILD} --component model --prefix ${WORK}/prefix)

file(GLOB_RECURSE strays ${WORK}/prefix/*.cpp ${WORK}/prefix/*.so ${WORK}/prefix/*test*)
if(strays)
  message(FATAL_ERROR "the model component installs what it should not: ${strays}")
endif()

run(${CMAKE_COMMAND} -S ${CONSUMER} -B ${WORK}/build -G ${GENERATOR} -D CMAKE_PREFIX_PATH=${WORK}/prefix
    -D CMAKE_CXX_COMPILER=${CXX} -D CMAKE_BUILD_TYPE=${BUILD_TYPE} -D HEADERS=${WORK}/prefix/include)
run(${CMAKE_COMMAND} --build ${WORK}/build)
run(${WORK}/build/consumer)
