// PostgreSQL's text forms, where they differ from Flink's in types/value.h.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"
#include "types/type.h"
#include "types/value.h"

namespace penstock::pgwire {

// --- results ---

// The shortest digits that read back, in fixed notation while the exponent is moderate: "1.5", "100000", "1e+20".
void append_float_text(std::string& out, double value, bool is_float);
// "2026-01-02"; years before 1 end in " BC".
void append_date_text(std::string& out, int64_t days);
// "2026-01-02 03:04:05.678", the fraction without trailing zeros; with `utc` as "...+00".
void append_timestamp_text(std::string& out, int64_t micros, bool utc);
// "1 day 02:03:04.5", "-00:00:01".
void append_interval_text(std::string& out, int64_t micros);
// "1 year 2 mons".
void append_month_interval_text(std::string& out, int64_t months);
// "\x0aff".
void append_bytea_text(std::string& out, std::string_view bytes);

// An element of an array's text form, in quotes where it needs them.
void append_array_element(std::string& out, std::string_view text);

// --- parameters ---

// Reads a parameter's text as a value of `type`; kInvalidArgument when it is none.
Result<types::Value> value_from_text(std::string_view text, types::DataType type);

}  // namespace penstock::pgwire
