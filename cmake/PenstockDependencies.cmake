# Third-party libraries: all from the distribution except DuckDB (docs/decisions/0002-duckdb.md).

find_package(Threads REQUIRED)
find_package(PkgConfig REQUIRED)
find_package(Boost 1.81 REQUIRED COMPONENTS json)
set(Protobuf_USE_STATIC_LIBS OFF)
find_package(Protobuf REQUIRED)  # module mode: the distribution ships no CMake package
find_package(zstd REQUIRED)
find_package(ZLIB REQUIRED)
find_package(spdlog REQUIRED)
find_package(gflags REQUIRED)
find_package(prometheus-cpp REQUIRED COMPONENTS core)
pkg_check_modules(LZ4 REQUIRED IMPORTED_TARGET liblz4)
pkg_check_modules(ISAL REQUIRED IMPORTED_TARGET libisal)
pkg_check_modules(XXHASH REQUIRED IMPORTED_TARGET libxxhash)
find_package(Snappy REQUIRED)
if(PENSTOCK_BUILD_TESTS)
  find_package(GTest REQUIRED)
endif()
find_package(benchmark REQUIRED)

# DuckDB's C API: DUCKDB_ROOT, then the system, then what tools/setup unpacked.
set(DUCKDB_ROOT "$ENV{DUCKDB_ROOT}" CACHE PATH "Folder that holds duckdb.h and libduckdb.so")
if(DEFINED ENV{XDG_CACHE_HOME})
  set(penstock_cache "$ENV{XDG_CACHE_HOME}/penstock")
else()
  set(penstock_cache "$ENV{HOME}/.cache/penstock")
endif()
set(penstock_duckdb_hints ${DUCKDB_ROOT} ${penstock_cache}/duckdb-1.4.4)
find_path(DUCKDB_INCLUDE_DIR duckdb.h HINTS ${penstock_duckdb_hints} PATH_SUFFIXES include)
find_library(DUCKDB_LIBRARY duckdb HINTS ${penstock_duckdb_hints} PATH_SUFFIXES lib)
if(NOT DUCKDB_INCLUDE_DIR OR NOT DUCKDB_LIBRARY)
  message(FATAL_ERROR "libduckdb was not found. Run tools/setup, or set DUCKDB_ROOT to a folder that "
                      "holds duckdb.h and libduckdb.so.")
endif()
add_library(penstock_duckdb SHARED IMPORTED)
set_target_properties(penstock_duckdb PROPERTIES
  IMPORTED_LOCATION "${DUCKDB_LIBRARY}"
  IMPORTED_NO_SONAME OFF
  INTERFACE_INCLUDE_DIRECTORIES "${DUCKDB_INCLUDE_DIR}")
