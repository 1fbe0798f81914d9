// 'connector' = 'datagen': rows of random values and sequences, as fast as asked.
#pragma once

#include <span>
#include <string>

#include "base/result.h"
#include "connector/connector.h"

namespace penstock::connector {

std::span<const OptionDoc> datagen_option_docs();
Status validate_datagen(const ConnectorContext& context, const TableDefinition& table);
Result<bool> is_datagen_bounded(const std::string& table, const OptionMap& options);
Result<SourcePlan> plan_datagen_source(const ConnectorContext& context, ScanRequest request);

}  // namespace penstock::connector
