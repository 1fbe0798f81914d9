// The ways in which one test file is run. All must come to the same results.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "columnar/change_batch.h"
#include "sqltest/test_file.h"

namespace penstock::sqltest {

struct Way {
  std::string name;
  uint64_t seed = 1;        // of all that is random in it
  bool seeded = false;      // whether anything is
  bool keeps_steps = true;  // an input has gone through everything before the next step; else only the end is compared
  int workers = 1;
  bool cuts = false;      // inputs come in pieces, batches are small, epochs end anywhere
  bool backlog = false;   // all inputs are there before the first statement
  bool scatters = false;  // rows without a partition of their own go to any of several
  bool bounded = false;   // streams are plain views, and their results bounded queries
  bool restarts = false;  // stops and crashes, and goes on with another number of workers
};

struct WayInfo {
  std::string_view name;
  std::string_view description;
};
// The names, in the order in which the ways are run.
std::vector<WayInfo> way_infos();

struct WayFilter {
  std::string name;   // empty: all
  uint64_t seed = 0;  // 0: the usual ones
  int seeds = 2;      // how many of each way that has one
};
// The ways to run a file in; without those that it leaves out, or for which it has no use.
std::vector<Way> ways_of(const TestFile& file, const WayFilter& filter);

}  // namespace penstock::sqltest
