// 'connector' = 'nexmark': the events of the Nexmark benchmark, as fast as they are taken.
#pragma once

#include <span>
#include <string>

#include "base/result.h"
#include "connector/connector.h"

namespace penstock::connector {

std::span<const OptionDoc> nexmark_option_docs();
Status validate_nexmark(const ConnectorContext& context, const TableDefinition& table);
Result<bool> is_nexmark_bounded(const std::string& table, const OptionMap& options);
Result<SourcePlan> plan_nexmark_source(const ConnectorContext& context, ScanRequest request);

}  // namespace penstock::connector
