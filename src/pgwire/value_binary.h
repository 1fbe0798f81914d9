// PostgreSQL's binary forms: big-endian integers and floats, base-10000 numerics, times counted from the year 2000.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"
#include "types/type.h"
#include "types/value.h"

namespace penstock::pgwire {

// The number of microseconds, or days, from 1970-01-01 to 2000-01-01, where PostgreSQL counts from.
inline constexpr int64_t kPgEpochDays = 10'957;
inline constexpr int64_t kPgEpochMicros = kPgEpochDays * 86'400'000'000;

// --- results ---

void append_float4(std::string& out, double value);
void append_float8(std::string& out, double value);
// An unscaled decimal as PostgreSQL's numeric.
void append_numeric(std::string& out, types::Int128 unscaled, int scale);
void append_interval(std::string& out, int64_t micros, int64_t months);

// --- parameters ---

// Reads a parameter sent in the binary form of the type `oid` as a value of `type`, converting where they differ
// (a numeric for a DOUBLE, an int8 for an INT).
Result<types::Value> value_from_binary(std::string_view bytes, uint32_t oid, types::DataType type);

}  // namespace penstock::pgwire
