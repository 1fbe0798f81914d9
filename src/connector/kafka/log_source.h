// Reads topics of the embedded log: 'connector' = 'kafka' and 'upsert-kafka'.
#pragma once

#include <string>

#include "base/result.h"
#include "connector/options.h"
#include "connector/scan.h"

namespace penstock::connector {

Result<SourcePlan> plan_log_source(const ConnectorContext& context, ScanRequest request);

// Startup and bounded modes that go by the end of the topic or by times, as offsets.
Result<OptionMap> fix_log_options(const ConnectorContext& context, const std::string& table, const OptionMap& options);

}  // namespace penstock::connector
