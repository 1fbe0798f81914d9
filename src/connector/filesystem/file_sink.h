// Writes rows into files of a directory, exactly once: what a reader sees are whole files, each of whole rows, and the
// rows of an epoch count when its files are durable together with the positions that its input had reached.
#pragma once

#include "base/result.h"
#include "connector/sink.h"

namespace penstock::connector {

Result<std::shared_ptr<Sink>> make_file_sink(const ConnectorContext& context, SinkRequest request);

}  // namespace penstock::connector
