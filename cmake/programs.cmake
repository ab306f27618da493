# The tarn program, examples and benchmarks. They see <tarn/...> only.

file(GLOB cli_sources CONFIGURE_DEPENDS cli/*.c)
if(cli_sources)
  add_executable(tarn_cli ${cli_sources})
  set_target_properties(tarn_cli PROPERTIES OUTPUT_NAME tarn
    RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR})
  target_link_libraries(tarn_cli PRIVATE tarn m)
endif()

# One program for each .c of a folder, as build/FOLDER/NAME.
foreach(folder examples bench)
  file(GLOB sources CONFIGURE_DEPENDS ${folder}/*.c)
  foreach(source IN LISTS sources)
    get_filename_component(name ${source} NAME_WE)
    add_executable(${folder}_${name} ${source})
    set_target_properties(${folder}_${name} PROPERTIES OUTPUT_NAME ${name}
      RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/${folder})
    target_link_libraries(${folder}_${name} PRIVATE tarn m)
  endforeach()
endforeach()
