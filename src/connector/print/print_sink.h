// 'connector' = 'print': writes every change to the program's output, one line each: +I[1, pen].
#pragma once

#include <memory>
#include <span>

#include "base/result.h"
#include "connector/connector.h"

namespace penstock::connector {

std::span<const OptionDoc> print_option_docs();
Status validate_print(const ConnectorContext& context, const TableDefinition& table);
Result<std::shared_ptr<Sink>> make_print_sink(const ConnectorContext& context, SinkRequest request);

}  // namespace penstock::connector
