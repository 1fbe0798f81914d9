// examples/fraud/fraud.sql, embedded in the program.
#pragma once

#include <string_view>

namespace penstock::app {

extern const std::string_view kFraudSql;

}  // namespace penstock::app
