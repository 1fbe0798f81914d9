# Flags for our own code, carried by the interface target penstock_flags.
add_library(penstock_flags INTERFACE)
target_compile_options(penstock_flags INTERFACE
  -Wall -Wextra -Wnon-virtual-dtor -Woverloaded-virtual -Wno-missing-field-initializers -Werror)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  # Coroutine frames and std::expected make g++ 12 see uninitialised memory that is not there.
  target_compile_options(penstock_flags INTERFACE -Wno-maybe-uninitialized)
endif()
if(PENSTOCK_PRECOMPILE AND CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  # Precompiled, the standard library's headers are no system headers to it, and it warns of what it inlines from them.
  # With -fpch-preprocess ccache sees what a precompiled header was made from, wherever the clone lies.
  target_compile_options(penstock_flags INTERFACE
    -Wno-array-bounds -Wno-stringop-overflow -Wno-stringop-overread -Wno-restrict -fpch-preprocess)
elseif(PENSTOCK_PRECOMPILE)
  target_compile_options(penstock_flags INTERFACE "SHELL:-Xclang -fno-pch-timestamp")  # ccache wants them equal
endif()
target_include_directories(penstock_flags INTERFACE ${CMAKE_SOURCE_DIR}/src ${CMAKE_BINARY_DIR}/generated)
target_compile_definitions(penstock_flags INTERFACE PENSTOCK_CHECKED=$<BOOL:${PENSTOCK_CHECKED}>)

# The sanitizers must see every object, so they are global.
if(PENSTOCK_SANITIZE)
  add_compile_options(-fsanitize=${PENSTOCK_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer)
  add_link_options(-fsanitize=${PENSTOCK_SANITIZE})
endif()
if(PENSTOCK_FUZZ)
  add_compile_options(-fsanitize=fuzzer-no-link)
endif()

# mold links the program in a tenth of the time of bfd.
find_program(PENSTOCK_MOLD mold)
if(PENSTOCK_MOLD)
  add_link_options(-fuse-ld=mold)
endif()

find_program(PENSTOCK_CCACHE ccache)
if(PENSTOCK_CCACHE)
  set(CMAKE_CXX_COMPILER_LAUNCHER
      ${CMAKE_COMMAND} -E env CCACHE_BASEDIR=${CMAKE_SOURCE_DIR} CCACHE_NOHASHDIR=1
      CCACHE_SLOPPINESS=pch_defines,time_macros ${PENSTOCK_CCACHE})
endif()
