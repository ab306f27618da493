# Library, headers, program, pkg-config file and CMake package.
include(CMakePackageConfigHelpers)

set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/tarn)
set(libraries tarn)
if(BUILD_SHARED)
  list(APPEND libraries tarn_shared)
endif()
install(TARGETS ${libraries} EXPORT tarnTargets
  ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR} LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(EXPORT tarnTargets NAMESPACE tarn:: DESTINATION ${package_dir})
install(DIRECTORY include/tarn DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
if(TARGET tarn_cli)
  install(TARGETS tarn_cli RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
endif()

# Users of the static library need the parts it was built with: name them in both packages.
set(find_parts "")
set(requires_private "")
set(rest ${tarn_modules})
while(rest)
  list(GET rest 0 name)
  list(GET rest 1 module)
  list(REMOVE_AT rest 0 1)
  string(APPEND find_parts "pkg_check_modules(TARN_${name} REQUIRED IMPORTED_TARGET ${module})\n")
  string(APPEND requires_private " ${module}")
endwhile()
# Relative to the file itself: --prefix at installation and moving the tree later both work.
file(RELATIVE_PATH pc_to_prefix /prefix/${CMAKE_INSTALL_LIBDIR}/pkgconfig /prefix)
string(REGEX REPLACE "/$" "" pc_to_prefix ${pc_to_prefix})
configure_file(cmake/tarn.pc.in tarn.pc @ONLY)
configure_package_config_file(cmake/tarnConfig.cmake.in tarnConfig.cmake
  INSTALL_DESTINATION ${package_dir})
write_basic_package_version_file(tarnConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${CMAKE_BINARY_DIR}/tarn.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
install(FILES ${CMAKE_BINARY_DIR}/tarnConfig.cmake ${CMAKE_BINARY_DIR}/tarnConfigVersion.cmake
  DESTINATION ${package_dir})
