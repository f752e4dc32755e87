# The compiler, its flags, the build types and the sanitizers.

if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 13)
  message(FATAL_ERROR
    "Penstock needs clang 19: gcc ${CMAKE_CXX_COMPILER_VERSION} destroys temporaries of co_await "
    "expressions twice (every gcc before 13 does), which corrupts memory at run time.\n"
    "Run tools/setup once, then configure with a preset: cmake --preset dev")
endif()
if(NOT CMAKE_CXX_COMPILER_ID STREQUAL "Clang" OR CMAKE_CXX_COMPILER_VERSION VERSION_LESS 19)
  message(FATAL_ERROR
    "Penstock is built and tested with clang 19; this is ${CMAKE_CXX_COMPILER_ID} "
    "${CMAKE_CXX_COMPILER_VERSION}.\nRun tools/setup once, then configure with a preset: "
    "cmake --preset dev")
endif()

set(CMAKE_CXX_STANDARD 23)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_RUNTIME_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}/bin")
set(CMAKE_LIBRARY_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}/lib")
set(CMAKE_ARCHIVE_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}/lib")

option(PENSTOCK_BUILD_TESTS "Build the tests" ON)
set(PENSTOCK_SANITIZER "" CACHE STRING "address (with undefined), thread, or empty")

set(CMAKE_CXX_FLAGS_DEV "-O1 -g1 -D_GLIBCXX_ASSERTIONS")
set(CMAKE_C_FLAGS_DEV "-O1 -g1")
set(CMAKE_CXX_FLAGS_RELEASE "-O2 -g1 -D_GLIBCXX_ASSERTIONS -D_FORTIFY_SOURCE=3")
set(CMAKE_C_FLAGS_RELEASE "-O2 -g1")

add_compile_options(-Wall -Wextra -Wconversion -Wno-sign-conversion -Werror
                    -fstack-protector-strong)
add_link_options(-fuse-ld=lld -Wl,-z,relro -Wl,-z,now)

if(PENSTOCK_SANITIZER STREQUAL "address")
  add_compile_options(-fsanitize=address,undefined -fno-sanitize=function
                      -fno-sanitize-recover=all -fno-omit-frame-pointer)
  add_link_options(-fsanitize=address,undefined -fno-sanitize=function)
elseif(PENSTOCK_SANITIZER STREQUAL "thread")
  add_compile_options(-fsanitize=thread -fno-omit-frame-pointer)
  add_link_options(-fsanitize=thread)
elseif(NOT PENSTOCK_SANITIZER STREQUAL "")
  message(FATAL_ERROR "PENSTOCK_SANITIZER is '${PENSTOCK_SANITIZER}': use address, thread or nothing")
endif()

set(PENSTOCK_MUTANT 0 CACHE STRING "Builds in the known bug of that number (base/mutant.h); -1: all, one awake")
if(NOT PENSTOCK_MUTANT EQUAL 0)
  add_compile_definitions(PENSTOCK_MUTANT=${PENSTOCK_MUTANT})
endif()

find_program(PENSTOCK_CCACHE ccache)
if(PENSTOCK_CCACHE)
  set(CMAKE_CXX_COMPILER_LAUNCHER "${PENSTOCK_CCACHE}")
  set(CMAKE_C_COMPILER_LAUNCHER "${PENSTOCK_CCACHE}")
endif()
