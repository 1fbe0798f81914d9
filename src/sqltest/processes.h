// Files run in processes of their own, so that one that crashes or hangs is told of and keeps no other from running.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "sqltest/report.h"

namespace penstock::sqltest {

struct ProcessOptions {
  int processes = 2;
  int64_t timeout_ms = 300'000;  // for all ways of a file; what takes longer hangs
};

// Runs every file and prints what failed. Must be called while the process has one thread.
Counts run_in_processes(const std::vector<std::string>& files, const RunOptions& options,
                        const ProcessOptions& process_options);

}  // namespace penstock::sqltest
