# Each tests/FOLDER/NAME.c is one program build/tests/FOLDER/NAME; a .c directly in tests/ is
# shared by all of them (the runner and helpers). Fuzz targets become build/fuzz/NAME.

enable_testing()

# Tests may look inside: internal headers, and what the library was built with.
function(tarn_test_target target)
  target_include_directories(${target} PRIVATE src tests ${tarn_generated})
  target_compile_definitions(${target} PRIVATE ${tarn_defs}
    TARN_SOURCE_DIR="${CMAKE_SOURCE_DIR}" TARN_PROGRAM="${CMAKE_BINARY_DIR}/tarn"
    TARN_PLUGIN_DIR="${CMAKE_BINARY_DIR}/tests/plugin")
  target_link_libraries(${target} PRIVATE tarn ${tarn_links})
endfunction()

file(GLOB support_sources CONFIGURE_DEPENDS tests/*.c)
list(FILTER support_sources EXCLUDE REGEX "/fuzz_main\\.c$")
if(support_sources)
  add_library(test_support OBJECT ${support_sources})
  tarn_test_target(test_support)
endif()

foreach(folder unit ops grad parity probes e2e gpu)
  file(GLOB sources CONFIGURE_DEPENDS tests/${folder}/*.c)
  foreach(source IN LISTS sources)
    get_filename_component(name ${source} NAME_WE)
    set(target test_${folder}_${name})
    add_executable(${target} ${source} $<TARGET_OBJECTS:test_support>)
    tarn_test_target(${target})
    set_target_properties(${target} PROPERTIES OUTPUT_NAME ${name}
      RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/tests/${folder})
    add_test(NAME ${folder}/${name} COMMAND ${target})
  endforeach()
endforeach()

# What tests load at run time: tests/plugin/NAME.c is build/tests/plugin/NAME.so.
file(GLOB sources CONFIGURE_DEPENDS tests/plugin/*.c)
foreach(source IN LISTS sources)
  get_filename_component(name ${source} NAME_WE)
  add_library(plugin_${name} MODULE ${source})
  target_include_directories(plugin_${name} PRIVATE src tests)
  target_link_libraries(plugin_${name} PRIVATE Threads::Threads)
  set_target_properties(plugin_${name} PROPERTIES PREFIX "" OUTPUT_NAME ${name} SUFFIX .so
    LIBRARY_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/tests/plugin)
endforeach()

file(GLOB scripts CONFIGURE_DEPENDS tests/cli/*.sh)
foreach(script IN LISTS scripts)
  get_filename_component(name ${script} NAME_WE)
  add_test(NAME cli/${name} COMMAND sh ${script})
  set_tests_properties(cli/${name} PROPERTIES SKIP_RETURN_CODE 77
    ENVIRONMENT "TARN=${CMAKE_BINARY_DIR}/tarn")
endforeach()

# With libFuzzer the target searches; without, it replays tests/fuzz/NAME/ and what it is given.
file(GLOB sources CONFIGURE_DEPENDS tests/fuzz/*.c)
add_custom_target(fuzz)
foreach(source IN LISTS sources)
  get_filename_component(name ${source} NAME_WE)
  add_executable(fuzz_${name} ${source})
  tarn_test_target(fuzz_${name})
  add_dependencies(fuzz fuzz_${name})
  set_target_properties(fuzz_${name} PROPERTIES OUTPUT_NAME ${name}
    RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/fuzz)
  if(TARN_FUZZ)
    target_link_options(fuzz_${name} PRIVATE -fsanitize=fuzzer)
  else()
    target_sources(fuzz_${name} PRIVATE tests/fuzz_main.c)
    file(GLOB corpus CONFIGURE_DEPENDS tests/fuzz/${name})
    add_test(NAME fuzz/${name} COMMAND fuzz_${name} ${corpus})
  endif()
endforeach()
