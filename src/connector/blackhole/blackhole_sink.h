// 'connector' = 'blackhole': takes rows and throws them away, to measure what comes before.
#pragma once

#include <memory>
#include <span>

#include "base/result.h"
#include "connector/connector.h"

namespace penstock::connector {

std::span<const OptionDoc> blackhole_option_docs();
Status validate_blackhole(const ConnectorContext& context, const TableDefinition& table);
Result<std::shared_ptr<Sink>> make_blackhole_sink(const ConnectorContext& context, SinkRequest request);

}  // namespace penstock::connector
