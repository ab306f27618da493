# Language, warnings, build types, sanitizers: for every target of the project.

if(NOT CMAKE_BUILD_TYPE AND NOT CMAKE_CONFIGURATION_TYPES)
  set(CMAKE_BUILD_TYPE Release CACHE STRING "Release, RelWithDebInfo or Debug" FORCE)
endif()
set(CMAKE_C_STANDARD 11)
set(CMAKE_C_STANDARD_REQUIRED ON)
set(CMAKE_C_EXTENSIONS OFF)
set(CMAKE_C_VISIBILITY_PRESET hidden)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_C_FLAGS_RELEASE "-O3 -DNDEBUG")
set(CMAKE_C_FLAGS_RELWITHDEBINFO "-O3 -g -DNDEBUG")
set(CMAKE_C_FLAGS_DEBUG "-O1 -g")

add_compile_definitions(_POSIX_C_SOURCE=200809L _DEFAULT_SOURCE)
# The arithmetic of a graph is defined by the graph: a fused multiply-add is written out, never
# left to the compiler. The other two free loops from errno and traps without changing a bit.
add_compile_options(-ffp-contract=off -fno-math-errno -fno-trapping-math)
add_compile_options(-Wall -Wextra -Wshadow -Wconversion -Wdouble-promotion -Wvla)
# The note on passing vectors by value is about calls between files; ours are inlined.
add_compile_options(-Wno-psabi)
if(CMAKE_C_COMPILER_ID STREQUAL "GNU")
  # gcc cannot know that an error status is never 0, so it takes every `TI_TRY(f(&x))` for a path
  # on which x stays unset. clang's form of the warning and valgrind watch instead.
  add_compile_options(-Wno-maybe-uninitialized)
else()
  # Loops carry gcc's hint that they may be vectorised; clang decides by itself. It also calls the
  # constants NAN and INFINITY a promotion from float; gcc knows better and keeps the warning.
  add_compile_options(-Wno-unknown-pragmas -Wno-double-promotion)
endif()
if(TARN_WERROR)
  add_compile_options(-Werror)
endif()

if(TARN_FUZZ AND NOT CMAKE_C_COMPILER_ID MATCHES "Clang")
  message(FATAL_ERROR "TARN_FUZZ needs clang: libFuzzer is part of it")
endif()
set(sanitizers "")
if(TARN_FUZZ)
  set(sanitizers fuzzer-no-link,address,undefined)
elseif(TARN_SANITIZE STREQUAL "address")
  set(sanitizers address,undefined)
elseif(TARN_SANITIZE STREQUAL "thread")
  set(sanitizers thread)
elseif(NOT TARN_SANITIZE STREQUAL "")
  message(FATAL_ERROR "TARN_SANITIZE=${TARN_SANITIZE}: expected address or thread")
endif()
if(sanitizers)
  # Warnings are judged in plain builds: the sanitizers' own code makes gcc see conversions that
  # are not in the source.
  add_compile_options(-w)
  add_compile_options(-fsanitize=${sanitizers} -fno-sanitize-recover=all -fno-omit-frame-pointer)
  add_link_options(-fsanitize=${sanitizers})
endif()
# Allocations fail on demand only in builds that are made for tests.
if(sanitizers OR CMAKE_BUILD_TYPE STREQUAL "Debug")
  add_compile_definitions(TARN_TEST_LIMITS)
endif()
