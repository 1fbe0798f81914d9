// One SQL value, for constants, parameters, options and the edges of the program. Data between operators is columns.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

#include "base/result.h"
#include "types/type.h"

namespace penstock::types {

using Int128 = __int128;

// NULL, or the physical form of a DataType kept beside it.
class Value {
 public:
  Value() = default;  // NULL
  explicit Value(bool v) : data_(v) {}
  explicit Value(int64_t v) : data_(v) {}
  explicit Value(double v) : data_(v) {}
  explicit Value(Int128 v) : data_(v) {}
  explicit Value(std::string v) : data_(std::move(v)) {}

  bool is_null() const { return data_.index() == 0; }
  bool as_bool() const { return std::get<bool>(data_); }
  int64_t as_int64() const { return std::get<int64_t>(data_); }
  double as_double() const { return std::get<double>(data_); }
  Int128 as_int128() const { return std::get<Int128>(data_); }
  const std::string& as_string() const { return std::get<std::string>(data_); }

  bool operator==(const Value&) const = default;

 private:
  std::variant<std::monostate, bool, int64_t, double, Int128, std::string> data_;
};

// --- text ---

// SQL's text form as Flink's CAST(x AS STRING) gives it: "2026-01-02 03:04:05.678", "1.50", "TRUE", bytes in hex,
// nested values as in nested.h. NULL gives "NULL"; TIMESTAMP_LTZ is shown in UTC (expr casts with the session's time
// zone).
std::string to_text(const Value& value, DataType type);
void append_text(std::string& out, const Value& value, DataType type);

// Reads SQL's text form, as CAST(string AS type) does; kInvalidArgument with the text and the type otherwise. Nested
// values have none that can be read.
Result<Value> from_text(std::string_view text, DataType type);

// --- pieces of the above, for hot paths ---

std::string int128_to_text(Int128 unscaled, int scale);
// Rounds half up to `scale`; kInvalidArgument when it is no number or needs more than `precision` digits.
Result<Int128> decimal_from_text(std::string_view text, int precision, int scale);
// "2026-01-02 03:04:05[.fff]" or with 'T', an optional fraction of up to 9 digits (cut to microseconds) and, where
// `zone_allowed`, a trailing 'Z' or offset. Microseconds since 1970.
Result<int64_t> timestamp_from_text(std::string_view text, bool zone_allowed);
// "2026-01-02 03:04:05.678" with exactly `precision` digits of fraction.
void append_timestamp(std::string& out, int64_t microseconds, int precision);
// The shortest text that reads back as the same double, in Java's form as Flink prints it ("1.0", "1.0E10").
void append_double(std::string& out, double value, bool is_float);
// Java's Double.parseDouble: also "NaN", "Infinity"; what is too large becomes infinite, what is too small zero.
Result<double> double_from_text(std::string_view text);

struct IntegerRange {
  int64_t min;
  int64_t max;
};
// The values that an integer type holds; int64's for every other kind.
IntegerRange integer_range(TypeKind kind);

}  // namespace penstock::types
