# libtarn from all of src/, one compilation for the static and the shared library.

file(GLOB_RECURSE tarn_sources CONFIGURE_DEPENDS src/*.c)

# Kernels of an instruction set say so in the file name, and are chosen at run time.
function(tarn_isa suffix processors)
  set(kept ${tarn_sources})
  list(FILTER kept INCLUDE REGEX "_${suffix}\\.c$")
  if(NOT CMAKE_SYSTEM_PROCESSOR MATCHES "^(${processors})$")
    list(REMOVE_ITEM tarn_sources ${kept} "")
    set(tarn_sources ${tarn_sources} PARENT_SCOPE)
  elseif(kept)
    set_property(SOURCE ${kept} APPEND PROPERTY COMPILE_OPTIONS ${ARGN})
  endif()
endfunction()
set(x86 "x86_64|AMD64|amd64")
tarn_isa(avx2 ${x86} -mavx2 -mfma -mf16c)
tarn_isa(avx512 ${x86} -mavx512f -mavx512dq -mavx512bw -mavx512vl -mavx2 -mfma)
tarn_isa(neon "aarch64|arm64")

# Texts that generated sources start with: one source for the library and for what it prints.
function(tarn_embed symbol file)
  set(text ${CMAKE_BINARY_DIR}/gen/${symbol}.c)
  add_custom_command(OUTPUT ${text}
    COMMAND ${CMAKE_COMMAND} -DIN=${CMAKE_SOURCE_DIR}/${file} -DOUT=${text} -DNAME=ti_${symbol}
            -P ${CMAKE_SOURCE_DIR}/cmake/embed.cmake
    DEPENDS ${CMAKE_SOURCE_DIR}/${file} cmake/embed.cmake
    COMMENT "Embedding ${file}" VERBATIM)
  set(tarn_sources ${tarn_sources} ${text} PARENT_SCOPE)
endfunction()
tarn_embed(prelude_text src/codegen/prelude.h)
tarn_embed(cuda_begin_text src/codegen/cuda/begin.h)
tarn_embed(cuda_device_text src/codegen/cuda/device.h)

# Readers and writers of ONNX's messages are made from their description.
set(tarn_generated ${CMAKE_BINARY_DIR}/gen)
if(TARN_PROTOBUF_C_FOUND)
  set(messages ${tarn_generated}/onnx.pb-c.c)
  file(MAKE_DIRECTORY ${tarn_generated})
  add_custom_command(OUTPUT ${messages} ${tarn_generated}/onnx.pb-c.h
    COMMAND ${PROTOC_C} --proto_path=${CMAKE_SOURCE_DIR}/src/format/onnx --c_out=${tarn_generated}
            onnx.proto
    DEPENDS src/format/onnx/onnx.proto
    COMMENT "Making onnx.pb-c.c" VERBATIM)
  set_property(SOURCE ${messages} APPEND PROPERTY COMPILE_OPTIONS -w)
  list(APPEND tarn_sources ${messages} ${tarn_generated}/onnx.pb-c.h)
else()
  list(FILTER tarn_sources EXCLUDE REGEX "/src/format/onnx/")
endif()

add_library(tarn_objects OBJECT ${tarn_sources})
target_include_directories(tarn_objects PRIVATE include src ${tarn_generated})
target_compile_definitions(tarn_objects PRIVATE ${tarn_defs})
target_link_libraries(tarn_objects PRIVATE ${tarn_links})

function(tarn_library target kind)
  add_library(${target} ${kind} $<TARGET_OBJECTS:tarn_objects>)
  set_target_properties(${target} PROPERTIES OUTPUT_NAME tarn EXPORT_NAME ${target})
  target_include_directories(${target} INTERFACE
    $<BUILD_INTERFACE:${CMAKE_SOURCE_DIR}/include> $<INSTALL_INTERFACE:include>)
  target_link_libraries(${target} PRIVATE ${tarn_links})
endfunction()

tarn_library(tarn STATIC)
if(BUILD_SHARED)
  tarn_library(tarn_shared SHARED)
  # Binary compatibility holds within one minor release, so the soname names it.
  set_target_properties(tarn_shared PROPERTIES VERSION ${PROJECT_VERSION}
    SOVERSION ${PROJECT_VERSION_MAJOR}.${PROJECT_VERSION_MINOR})
endif()
