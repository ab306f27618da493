# Libraries that Tarn stands on: jansson always, the others where they are found.
# Sets tarn_links (targets), tarn_defs (TARN_HAVE_X, TARN_VERSION_X) and tarn_modules (pkg-config).

find_package(PkgConfig REQUIRED)
set(THREADS_PREFER_PTHREAD_FLAG ON)
find_package(Threads REQUIRED)

set(tarn_links Threads::Threads m ${CMAKE_DL_LIBS})
set(tarn_defs "")
set(tarn_modules "")

function(tarn_part name module)
  pkg_check_modules(TARN_${name} ${ARGN} IMPORTED_TARGET ${module})
  if(NOT TARN_${name}_FOUND)
    message(STATUS "Without ${module}")
    return()
  endif()
  set(tarn_links ${tarn_links} PkgConfig::TARN_${name} PARENT_SCOPE)
  set(tarn_defs ${tarn_defs} TARN_HAVE_${name}=1
      TARN_VERSION_${name}="${TARN_${name}_VERSION}" PARENT_SCOPE)
  set(tarn_modules ${tarn_modules} ${name} ${module} PARENT_SCOPE)
endfunction()

tarn_part(JANSSON jansson REQUIRED)
tarn_part(YAML yaml-0.1)
tarn_part(ZLIB zlib)
tarn_part(PNG libpng)
tarn_part(JPEG libjpeg)
tarn_part(CAIRO cairo)
# MPI's module is named after its maker; Debian has a name for whichever is chosen.
pkg_search_module(TARN_SOME_MPI QUIET mpi-c ompi-c mpich)
if(TARN_SOME_MPI_FOUND)
  tarn_part(MPI ${TARN_SOME_MPI_MODULE_NAME})
else()
  message(STATUS "Without MPI")
endif()
# ONNX: the library, and at build the compiler of its message descriptions.
find_program(PROTOC_C protoc-c)
if(PROTOC_C)
  tarn_part(PROTOBUF_C libprotobuf-c)
else()
  message(STATUS "Without protoc-c")
endif()
