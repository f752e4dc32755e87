# `cmake --install`: binaries, the client library with its headers, and find_package(penstock), all relocatable.

include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

# Next to what is installed, wherever the tree is moved to.
set_target_properties(penstockd penstock-worker penstock PROPERTIES
  INSTALL_RPATH "$ORIGIN/../${CMAKE_INSTALL_LIBDIR}/penstock")
install(TARGETS penstockd penstock-worker penstock RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
install(FILES "${DUCKDB_LIBRARY}" DESTINATION ${CMAKE_INSTALL_LIBDIR}/penstock)

install(TARGETS penstock_base penstock_record penstock_wire penstock_rpc penstock_client
  EXPORT penstock ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
# What applications test themselves with brings the broker along.
install(TARGETS penstock_testing penstock_fakes penstock_storage penstock_raft penstock_broker_producers
  penstock_broker_host penstock_broker_peer penstock_broker_controller penstock_broker_group
  penstock_broker_partition penstock_broker_server
  EXPORT penstock-testing ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(FILES "${PROJECT_SOURCE_DIR}/testing/broker.h" DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/penstock/testing)
install(TARGETS penstock_c EXPORT penstock LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(FILES "${PROJECT_SOURCE_DIR}/client/include/penstock.h" DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
foreach(folder base protocol client)
  install(DIRECTORY "${PROJECT_SOURCE_DIR}/${folder}" DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/penstock
    FILES_MATCHING PATTERN "*.h" PATTERN "*.proto")
endforeach()
install(DIRECTORY "${CMAKE_BINARY_DIR}/protocol" DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/penstock
  FILES_MATCHING PATTERN "*.pb.h" PATTERN "CMakeFiles" EXCLUDE)

install(EXPORT penstock NAMESPACE penstock:: FILE penstock-targets.cmake
  DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/penstock)
install(EXPORT penstock-testing NAMESPACE penstock:: FILE penstock-testing-targets.cmake
  DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/penstock)
configure_package_config_file("${PROJECT_SOURCE_DIR}/cmake/penstock-config.cmake.in"
  "${CMAKE_BINARY_DIR}/penstock-config.cmake"
  INSTALL_DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/penstock)
write_basic_package_version_file("${CMAKE_BINARY_DIR}/penstock-config-version.cmake"
  COMPATIBILITY SameMinorVersion)
install(FILES "${CMAKE_BINARY_DIR}/penstock-config.cmake"
  "${CMAKE_BINARY_DIR}/penstock-config-version.cmake"
  DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/penstock)
