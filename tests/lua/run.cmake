# Runs one script by facet, with nothing left of an earlier run.
file(REMOVE_RECURSE ${SCRATCH})
execute_process(COMMAND ${FACET} run ${FILE} --quiet --runs ${SCRATCH}/runs RESULT_VARIABLE code)
if(NOT code EQUAL 0)
  message(FATAL_ERROR "${FILE}: exit code ${code}")
endif()
