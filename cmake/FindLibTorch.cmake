# Finds LibTorch without its own TorchConfig.cmake, which insists on a CUDA toolkit.
#
# Looks in LIBTORCH_ROOT (variable or environment: the folder that holds include/ and lib/), then in
# <source>/.deps/torch, where scripts/libtorch puts it, then in CMAKE_PREFIX_PATH.
# Target: LibTorch::cpu (torch_cpu and c10, all that facet and its plugins link).
# Variables: LibTorch_VERSION, LibTorch_LIB_DIR.
set(LIBTORCH_ROOT "$ENV{LIBTORCH_ROOT}" CACHE PATH "folder with LibTorch's include/ and lib/")
set(_hints "${LIBTORCH_ROOT}" "${PROJECT_SOURCE_DIR}/.deps/torch" "${FACET_LIBTORCH_HINT}")
find_path(LibTorch_INCLUDE_DIR torch/headeronly/version.h
  HINTS ${_hints} PATH_SUFFIXES include NO_DEFAULT_PATH)
find_path(LibTorch_INCLUDE_DIR torch/headeronly/version.h PATH_SUFFIXES include torch/include)
if(LibTorch_INCLUDE_DIR)
  get_filename_component(LibTorch_LIB_DIR "${LibTorch_INCLUDE_DIR}/../lib" ABSOLUTE)
  find_library(LibTorch_CPU_LIBRARY torch_cpu HINTS "${LibTorch_LIB_DIR}" NO_DEFAULT_PATH)
  find_library(LibTorch_C10_LIBRARY c10 HINTS "${LibTorch_LIB_DIR}" NO_DEFAULT_PATH)
  file(STRINGS "${LibTorch_INCLUDE_DIR}/torch/headeronly/version.h" _version
    REGEX "#define TORCH_VERSION_(MAJOR|MINOR|PATCH) +[0-9]+")
  string(REGEX REPLACE "[^0-9;]+" "" _version "${_version}")
  list(JOIN _version "." LibTorch_VERSION)
endif()

include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(LibTorch
  REQUIRED_VARS LibTorch_CPU_LIBRARY LibTorch_C10_LIBRARY LibTorch_INCLUDE_DIR
  VERSION_VAR LibTorch_VERSION
  REASON_FAILURE_MESSAGE "run scripts/libtorch, or set LIBTORCH_ROOT to a LibTorch 2.11 folder")

if(LibTorch_FOUND AND NOT TARGET LibTorch::cpu)
  find_package(Threads REQUIRED)
  add_library(LibTorch::c10 SHARED IMPORTED)
  set_target_properties(LibTorch::c10 PROPERTIES IMPORTED_LOCATION "${LibTorch_C10_LIBRARY}")
  add_library(LibTorch::cpu SHARED IMPORTED)
  set_target_properties(LibTorch::cpu PROPERTIES IMPORTED_LOCATION "${LibTorch_CPU_LIBRARY}")
  target_link_libraries(LibTorch::cpu INTERFACE LibTorch::c10 Threads::Threads)
  # -idirafter, not -isystem: the wheel bundles an fmt that would shadow the one spdlog was built with.
  foreach(_dir IN ITEMS "${LibTorch_INCLUDE_DIR}" "${LibTorch_INCLUDE_DIR}/torch/csrc/api/include")
    target_compile_options(LibTorch::cpu INTERFACE "$<$<COMPILE_LANGUAGE:CXX>:SHELL:-idirafter ${_dir}>")
  endforeach()
  # NVIDIA's run-time libraries lie beside the wheel's torch folder; torch_cpu finds them by its own
  # RPATH when it runs, the linker has to be told.
  file(GLOB _runtime_dirs "${LibTorch_LIB_DIR}/../../nvidia/*/lib")
  foreach(_dir IN LISTS _runtime_dirs ITEMS "${LibTorch_LIB_DIR}")
    target_link_options(LibTorch::cpu INTERFACE "LINKER:-rpath-link,${_dir}")
  endforeach()
endif()
mark_as_advanced(LibTorch_INCLUDE_DIR LibTorch_CPU_LIBRARY LibTorch_C10_LIBRARY)
