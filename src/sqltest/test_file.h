// A SQL test file: what tests/sql/README.md describes, read into steps.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/result.h"

namespace penstock::sqltest {

using Lines = std::vector<std::string>;

// Lines of a file that say what is expected, numbered from 1: [begin, end).
struct Expected {
  Lines lines;
  size_t begin = 0;
  size_t end = 0;
};

// A statement; its outcome is not looked at but for an error, which must be just the one that is expected.
struct Statement {
  std::string sql;
  std::optional<Expected> error;
};

// A query that ends, whose rows are compared in their order or, when `sorted`, in any.
struct Query {
  std::string sql;
  bool sorted = false;
  bool with_columns = false;  // the first line has the columns' names and types
  Expected rows;
};

// A query that goes on.
struct Stream {
  std::string name;
  std::string sql;
};

// Records of one partition, in their order.
struct Input {
  std::string topic;
  int32_t partition = 0;
  bool partition_given = false;
  int64_t timestamp_ms = 0;
  bool keyed = false;  // lines are KEY => VALUE
  Lines lines;
  std::string file;  // in place of lines
};

// Lines that are added to a file of the files directory, which is made when there is none.
struct FileInput {
  std::string name;
  Lines lines;
};

// The rows of a stream, compared in any order.
struct StreamResult {
  std::string stream;
  Expected rows;
  std::string golden;  // in place of rows: a golden with checksum
};

// What has changed in a stream since the last time, net.
struct StreamChanges {
  std::string stream;
  Expected changes;
};

// The clock goes on.
struct Advance {
  int64_t us = 0;
};

// All inputs end.
struct End {};

struct Step {
  size_t line = 0;
  std::variant<Statement, Query, Stream, Input, FileInput, StreamResult, StreamChanges, Advance, End> what;
};

struct TestFile {
  std::string path;
  std::string title;
  std::vector<Step> steps;
  std::map<std::string, int32_t> topics;            // partitions, of topics that are declared
  std::map<std::string, std::string> skipped_ways;  // with the reason
  std::optional<std::string> steps_only;            // the reason why only ways that keep the steps are run
  bool large_input = false;                         // fewer ways, one seed, whole batches
  std::optional<std::string> loop_variable;
  Lines loop_values;

  bool has_end() const;
  // The first step after which nothing comes in any more; checks from there on hold in every way.
  size_t first_final_step() const;
  // The partitions of every topic that has input or is declared.
  std::map<std::string, int32_t> partitions() const;
};

// Reads a file and those that it includes. `substitute` replaces $NAME in every line. Errors say file and line.
Result<TestFile> read_test_file(const std::string& path, const std::map<std::string, std::string>& substitute);

// The same from text, for tests; `include` is refused.
Result<TestFile> parse_test_file(const std::string& path, std::string_view text,
                                 const std::map<std::string, std::string>& substitute);

}  // namespace penstock::sqltest
