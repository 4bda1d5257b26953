# cmake --install: the executable, the kernel, the SDK's headers and the package for find_package(facet). The plugins
# install themselves (facet_add_plugin).
include(CMakePackageConfigHelpers)
set(package ${CMAKE_INSTALL_LIBDIR}/cmake/facet)
cmake_path(GET LibTorch_LIB_DIR PARENT_PATH FACET_LIBTORCH_HINT)

set_target_properties(facet PROPERTIES INSTALL_RPATH "$ORIGIN;${LibTorch_LIB_DIR}")
install(TARGETS facet LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR})
if(TARGET facet_cli)
  set_target_properties(facet_cli PROPERTIES INSTALL_RPATH "$ORIGIN/../${CMAKE_INSTALL_LIBDIR};${LibTorch_LIB_DIR}")
  install(TARGETS facet_cli RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
endif()
install(DIRECTORY ${PROJECT_SOURCE_DIR}/core/include/facet ${PROJECT_BINARY_DIR}/include/facet
  DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} FILES_MATCHING PATTERN "*.h")

# A plugin fits one interface of facet, so that is the package's version: find_package(facet 1).
configure_package_config_file(${CMAKE_CURRENT_LIST_DIR}/facetConfig.cmake.in ${PROJECT_BINARY_DIR}/package/facetConfig.cmake
  INSTALL_DESTINATION ${package} PATH_VARS CMAKE_INSTALL_INCLUDEDIR CMAKE_INSTALL_LIBDIR)
write_basic_package_version_file(${PROJECT_BINARY_DIR}/package/facetConfigVersion.cmake
  VERSION ${FACET_INTERFACE}.${PROJECT_VERSION} COMPATIBILITY SameMajorVersion)
install(FILES ${PROJECT_BINARY_DIR}/package/facetConfig.cmake ${PROJECT_BINARY_DIR}/package/facetConfigVersion.cmake
  ${CMAKE_CURRENT_LIST_DIR}/FindLibTorch.cmake ${CMAKE_CURRENT_LIST_DIR}/facet_plugin.cmake
  ${CMAKE_CURRENT_LIST_DIR}/source_digest.cmake DESTINATION ${package})
