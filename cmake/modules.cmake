# One library per line of layers.txt, with all of src/<module>/**.cc but tests and benches, linked against the
# modules named on that line. Its *_test.cc become one test program, <module>_test; its *_bench.cc one benchmark,
# <module>_bench (target `benches`); each *_fuzz.cc a fuzzer (target `fuzzers`, preset fuzz), and in every preset a test
# that replays the corpus in fuzz/corpus/<fuzzer>/.
add_custom_target(benches)
add_custom_target(fuzzers)

function(penstock_add_modules layers_file)
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${layers_file})
  file(STRINGS ${layers_file} lines REGEX "^[a-z]")
  foreach(line IN LISTS lines)
    string(REGEX MATCH "^([a-z/_]+):(.*)$" _ "${line}")
    set(module ${CMAKE_MATCH_1})
    separate_arguments(deps UNIX_COMMAND "${CMAKE_MATCH_2}")
    if(EXISTS ${CMAKE_SOURCE_DIR}/src/${module})
      penstock_add_module(${module} "${deps}")
    endif()
  endforeach()
endfunction()

function(penstock_add_module module deps)
  string(REPLACE "/" "_" name ${module})
  set(dir ${CMAKE_SOURCE_DIR}/src/${module})
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS ${dir}/*.cc)
  if(module STREQUAL "kafka")
    list(FILTER sources EXCLUDE REGEX "src/kafka/protocol/")
  endif()
  set(tests ${sources})
  list(FILTER tests INCLUDE REGEX "_test\\.cc$")
  set(fuzzers ${sources})
  list(FILTER fuzzers INCLUDE REGEX "_fuzz\\.cc$")
  set(benches ${sources})
  list(FILTER benches INCLUDE REGEX "_bench\\.cc$")
  list(FILTER sources EXCLUDE REGEX "(_test|_bench|_fuzz|/main)\\.cc$")
  if(NOT sources)
    return()
  endif()

  if(module STREQUAL "http")
    penstock_embed_console(console_files)
    list(APPEND sources ${console_files})
  endif()

  if(module STREQUAL "app")
    penstock_embed_text(examples/fraud/fraud.sql app/demo/fraud_sql.h kFraudSql fraud_sql)
    list(APPEND sources ${fraud_sql})
  endif()

  add_library(penstock_${name} STATIC ${sources})
  target_link_libraries(penstock_${name} PRIVATE penstock_flags)
  target_link_libraries(penstock_${name} PUBLIC ${PENSTOCK_LIBS_${name}})
  foreach(dep IN LISTS deps)
    string(REPLACE "/" "_" dep_name ${dep})
    if(TARGET penstock_${dep_name})
      target_link_libraries(penstock_${name} PUBLIC penstock_${dep_name})
    endif()
  endforeach()

  if(PENSTOCK_PRECOMPILE)
    file(GLOB_RECURSE headers CONFIGURE_DEPENDS ${dir}/*.h)
    list(FILTER headers EXCLUDE REGEX "(_test|test_[a-z_]+)\\.h$")
    target_precompile_headers(penstock_${name} PRIVATE ${headers})
  endif()

  if(tests)
    add_executable(${name}_test ${tests})
    target_link_libraries(${name}_test PRIVATE penstock_${name} penstock_flags GTest::gmock GTest::gtest_main)
    if(PENSTOCK_SANITIZE)
      target_compile_options(${name}_test PRIVATE -O0)  # half the time to compile, and hardly any more to run
    endif()
    # Tests run from the root of the tree; an absolute path here would spoil ccache for a second clone.
    target_compile_definitions(${name}_test PRIVATE PENSTOCK_SOURCE_DIR=".")
    add_test(NAME ${name} COMMAND ${name}_test WORKING_DIRECTORY ${CMAKE_SOURCE_DIR})
  endif()
  if(benches)
    add_executable(${name}_bench EXCLUDE_FROM_ALL ${benches})
    target_link_libraries(${name}_bench PRIVATE penstock_${name} penstock_flags benchmark::benchmark_main)
    add_dependencies(benches ${name}_bench)
  endif()
  foreach(fuzzer IN LISTS fuzzers)
    get_filename_component(fuzzer_name ${fuzzer} NAME_WE)
    penstock_add_fuzzer(${fuzzer_name} ${fuzzer} penstock_${name})
  endforeach()
endfunction()

function(penstock_add_fuzzer name source library)
  if(PENSTOCK_FUZZ)
    add_executable(${name} EXCLUDE_FROM_ALL ${source})
    target_link_libraries(${name} PRIVATE ${library} penstock_flags -fsanitize=fuzzer)
    add_dependencies(fuzzers ${name})
  endif()
  add_executable(${name}_replay ${source} ${CMAKE_SOURCE_DIR}/fuzz/replay.cc)
  target_link_libraries(${name}_replay PRIVATE ${library} penstock_flags GTest::gtest)
  add_test(NAME ${name} COMMAND ${name}_replay --corpus=fuzz/corpus/${name} WORKING_DIRECTORY ${CMAKE_SOURCE_DIR})
endfunction()

# Makes a source file of the built console and gives its path.
function(penstock_embed_console variable)
  set(folder ${CMAKE_SOURCE_DIR}/console/dist)
  set(output ${CMAKE_BINARY_DIR}/generated/console_files.cc)
  file(GLOB_RECURSE files CONFIGURE_DEPENDS ${folder}/*)
  add_custom_command(
    OUTPUT ${output}
    COMMAND ${CMAKE_COMMAND} -D FOLDER=${folder} -D OUTPUT=${output} -P ${CMAKE_SOURCE_DIR}/cmake/embed.cmake
    DEPENDS ${files} ${CMAKE_SOURCE_DIR}/cmake/embed.cmake
    COMMENT "Embedding the console")
  set(${variable} ${output} PARENT_SCOPE)
endfunction()

# Makes a source file that defines the constant of a header as the text of a file, and gives its path.
function(penstock_embed_text file header constant variable)
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/${file})
  file(READ ${CMAKE_SOURCE_DIR}/${file} text)
  set(output ${CMAKE_BINARY_DIR}/generated/${variable}.cc)
  file(CONFIGURE OUTPUT ${output} @ONLY CONTENT
    "#include \"@header@\"\n\nnamespace penstock::app {\n\nconst std::string_view @constant@ = R\"sql(@text@)sql\";\n\n}  // namespace penstock::app\n")
  set(${variable} ${output} PARENT_SCOPE)
endfunction()
