// Compares the demo's views with a plain recomputation from its topics.
#pragma once

#include <string>

#include "base/result.h"
#include "engine/engine.h"

namespace penstock::app {

// Reads the topics as any Kafka consumer does, and the views as any SQL client does. Nothing may be produced meanwhile.
// The error names the first difference; success gives a line that says what was compared.
Result<std::string> check_demo(const std::string& kafka_address, engine::Engine& engine);

}  // namespace penstock::app
