# facet_add_plugin(NAME SOURCE...): one shared library that facet loads, here and in foreign projects.
# The digest of the sources is compiled in, so that a run knows which code produced it.
set(FACET_DIGEST_SCRIPT "${CMAKE_CURRENT_LIST_DIR}/source_digest.cmake")

# Writes a header that defines MACRO as the digest of FILES (names relative to FOLDER, and contents).
function(facet_source_digest header macro folder)
  set(files "")
  foreach(file IN LISTS ARGN)
    cmake_path(ABSOLUTE_PATH file BASE_DIRECTORY "${folder}" NORMALIZE)
    list(APPEND files "${file}")
  endforeach()
  list(JOIN files "|" joined)
  add_custom_command(OUTPUT "${header}"
    COMMAND ${CMAKE_COMMAND} "-DHEADER=${header}" -DMACRO=${macro} "-DFOLDER=${folder}" "-DFILES=${joined}"
            -P "${FACET_DIGEST_SCRIPT}"
    DEPENDS ${files} "${FACET_DIGEST_SCRIPT}" VERBATIM)
endfunction()

function(facet_add_plugin name)
  add_library(${name} MODULE ${ARGN})
  set(digest "${CMAKE_CURRENT_BINARY_DIR}/${name}.digest/facet_plugin_digest.h")
  facet_source_digest("${digest}" FACET_PLUGIN_DIGEST "${CMAKE_CURRENT_SOURCE_DIR}" ${ARGN})
  target_sources(${name} PRIVATE "${digest}")
  target_include_directories(${name} PRIVATE "${CMAKE_CURRENT_BINARY_DIR}/${name}.digest")
  target_link_libraries(${name} PRIVATE facet::facet)
  target_compile_features(${name} PRIVATE cxx_std_20)
  set_target_properties(${name} PROPERTIES PREFIX "" CXX_EXTENSIONS OFF POSITION_INDEPENDENT_CODE ON
    CXX_VISIBILITY_PRESET hidden VISIBILITY_INLINES_HIDDEN ON)
  if(TARGET facet_pch)  # in this tree: one precompiled header
    target_precompile_headers(${name} REUSE_FROM facet_pch)
    target_compile_options(${name} PRIVATE -Wall -Wextra)
  endif()
  if(TARGET facet_pch AND CMAKE_LIBRARY_OUTPUT_DIRECTORY STREQUAL "${PROJECT_BINARY_DIR}/lib/facet")  # shipped
    set_target_properties(${name} PROPERTIES INSTALL_RPATH "$ORIGIN/..;${LibTorch_LIB_DIR}")
    install(TARGETS ${name} LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR}/facet)
  endif()
endfunction()
