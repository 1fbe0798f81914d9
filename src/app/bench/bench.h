// `penstock bench`: whole-program benchmarks. bench/README.md says what each case measures and how to read it.
#pragma once

#include <cstdint>
#include <string>

namespace penstock::app {

struct BenchOptions {
  std::string suite = "penstock";  // or nexmark
  std::string case_name = "all";   // of the suite: one, several with commas between them, or all
  int64_t events = 0;              // 0: the case's own default
  int64_t workers = 0;             // of the server; 0: its default
  std::string data_dir;            // where the server keeps its data; empty: a temporary directory, removed afterwards
  int64_t rate = 20'000;           // events per second of the latency case
  bool json_only = false;          // no progress on standard error
};

// Runs the cases against a server of their own, prints one JSON line for each on standard output, and returns the exit
// status: 0 when every case ran and its result was right.
int run_bench(const BenchOptions& options);

}  // namespace penstock::app
