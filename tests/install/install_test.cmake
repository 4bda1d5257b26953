# Run by ctest: installs facet from BUILD, copies the foreign projects of SOURCE away from the tree, builds them with
# find_package(facet), and puts them to use with the installed executable.
set(work ${BUILD}/install_test)
set(prefix ${work}/prefix)
file(REMOVE_RECURSE ${work})

# Runs a command; its output stands in `said` afterwards.
function(run)
  execute_process(COMMAND ${ARGN} RESULT_VARIABLE status OUTPUT_VARIABLE out ERROR_VARIABLE err)
  list(JOIN ARGN " " line)
  message(STATUS "${line}")
  if(NOT status EQUAL 0)
    message(FATAL_ERROR "ended with ${status}:\n${out}${err}")
  endif()
  set(said "${out}" PARENT_SCOPE)
endfunction()

function(expect_said text)
  if(NOT said MATCHES "${text}")
    message(FATAL_ERROR "does not say \"${text}\":\n${said}")
  endif()
endfunction()

function(expect_file name)
  if(NOT EXISTS ${prefix}/${name})
    message(FATAL_ERROR "${name} is not installed")
  endif()
endfunction()

# Builds a copy of `folder` in ${work}/<name>/build.
function(build name folder)
  file(COPY ${folder}/ DESTINATION ${work}/${name})
  run(${CMAKE_COMMAND} -S ${work}/${name} -B ${work}/${name}/build -G Ninja -DCMAKE_BUILD_TYPE=Release
      -DCMAKE_PREFIX_PATH=${prefix} -DCMAKE_CXX_COMPILER=${CXX} "-DCMAKE_CXX_FLAGS=${CXX_FLAGS}"
      -DFACET_INTERFACE=${INTERFACE})
  run(${CMAKE_COMMAND} --build ${work}/${name}/build)
endfunction()

run(${CMAKE_COMMAND} --install ${BUILD} --prefix ${prefix})
foreach(name include/facet/plugin.h include/facet/build.h lib/libfacet.so lib/cmake/facet/facetConfig.cmake)
  expect_file(${name})
endforeach()

build(project ${SOURCE}/tests/install/project)
build(batch_topk ${SOURCE}/examples/batch_topk)

set(facet ${prefix}/bin/facet)
if(NOT EXISTS ${facet})
  message(STATUS "no executable was built: the plugins were not put to use")
  return()
endif()
file(REMOVE_RECURSE ${work}/plugins)
file(COPY ${work}/batch_topk/build/batch_topk.so ${work}/project/build/spread.so DESTINATION ${work}/plugins)
run(${facet} check ${work}/plugins/batch_topk.so)
run(${facet} check ${work}/plugins/spread.so)
set(ENV{FACET_PLUGIN_PATH} ${work}/plugins)
run(${facet} help sae example_batch_topk)
expect_said("d_sae")
run(${facet} list)
expect_said("example_batch_topk")
expect_said("spread")
set(ENV{FACET_RUNS} ${work}/runs)
run(${facet} run ${SOURCE}/tests/install/train.toml)
