// Runs one test file in one way.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "sqltest/rows.h"
#include "sqltest/test_file.h"
#include "sqltest/way.h"

namespace penstock::sqltest {

struct Failure {
  size_t line = 0;
  std::string what;  // one line or more
};

struct Outcome {
  std::vector<Failure> failures;
  // What came where the file says what is expected, by number of the step.
  std::map<size_t, Lines> actual;
};

Outcome run_file(const TestFile& file, const Way& way);

// The file's text with what came in the places of what is expected. `lines` are those of the file.
Lines rewritten(const TestFile& file, const Lines& lines, const std::map<size_t, Lines>& actual);

// The statement's table, when it is a CREATE TABLE over a topic, made to end at these offsets (by partition);
// otherwise, and when the table has a bounded mode already, the statement as it is.
std::string with_end(const std::string& sql, const std::string& topic, const std::map<int32_t, int64_t>& ends);

}  // namespace penstock::sqltest
