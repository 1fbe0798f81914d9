// The cases of `penstock bench`. Each starts servers of its own in `options.data_dir`, which exists and is empty.
//
// An error means that the case could not be run; a wrong result is in the measurement's problems.
#pragma once

#include "app/bench/bench.h"
#include "app/bench/measurement.h"
#include "base/result.h"

namespace penstock::app {

Result<Measurement> run_ingest_case(const BenchOptions& options);
Result<Measurement> run_windows_case(const BenchOptions& options);
Result<Measurement> run_latency_case(const BenchOptions& options);
Result<Measurement> run_start_case(const BenchOptions& options);
Result<Measurement> run_idle_case(const BenchOptions& options);
// The query of examples/nexmark that options.case_name names.
Result<Measurement> run_nexmark_query(const BenchOptions& options);

}  // namespace penstock::app
