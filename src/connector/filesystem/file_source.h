// Reads a table of files: 'connector' = 'filesystem'.
#pragma once

#include "base/result.h"
#include "connector/scan.h"

namespace penstock::connector {

Result<SourcePlan> plan_file_source(const ConnectorContext& context, ScanRequest request);

}  // namespace penstock::connector
