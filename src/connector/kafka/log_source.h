// Reads a topic of the embedded log: 'connector' = 'kafka' without 'properties.bootstrap.servers'.
#pragma once

#include "base/result.h"
#include "connector/scan.h"

namespace penstock::connector {

Result<SourcePlan> plan_log_source(const ConnectorContext& context, ScanRequest request);

}  // namespace penstock::connector
