// Runs whole files, each in all of its ways, and tells how it went.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "base/result.h"
#include "sqltest/way.h"

namespace penstock::sqltest {

struct RunOptions {
  WayFilter ways;
  bool rewrite = false;  // write what the first way gives into the files
  // Files that are known to fail, and the text that is then in the error: what is not supported yet.
  std::map<std::string, std::string> unsupported;
};

struct Counts {
  int passed = 0;
  int failed = 0;
  int unsupported = 0;
};

// Runs the file in this process. Prints failures, and a line "@ WAY" before each way, so that it is known which one a
// crash was in.
Counts run_all_ways(const std::string& path, const RunOptions& options);

// The lines "PATH: text of the error" of a file; '#' begins a comment. Paths are relative to the file's folder.
Result<std::map<std::string, std::string>> read_unsupported(const std::string& path);

// All *.test files in the folder, sorted.
std::vector<std::string> find_test_files(const std::string& folder);

}  // namespace penstock::sqltest
