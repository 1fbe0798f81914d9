#include "connector/datagen/field_generator.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "base/hash.h"
#include "connector/datagen/random_bits.h"
#include "types/decimal.h"
#include "types/value.h"

namespace penstock::connector {

namespace {

using columnar::Column;
using columnar::ColumnPtr;
using types::DataType;
using types::Int128;
using types::TypeKind;
using types::Value;
using UInt128 = unsigned __int128;

constexpr int64_t kDayUs = 86'400'000'000;
constexpr int64_t kLengthMax = 1 << 20;
// Flink's defaults for intervals: up to 10,000 years.
constexpr int64_t kMonthsMax = 120'000;
constexpr int64_t kIntervalMsMax = 315'360'000'000'000;

// Where the random values of a column come from, and which are NULL.
class RandomField : public FieldGenerator {
 public:
  struct Base {
    DataType type;
    uint64_t seed = 0;
    double null_rate = 0;
  };
  explicit RandomField(const Base& base) : base_(base) {}

 protected:
  uint64_t bits(int64_t row) const { return random_bits(base_.seed, static_cast<uint64_t>(row)); }

  std::vector<uint8_t> nulls(int64_t first_row, size_t rows) const {
    if (base_.null_rate <= 0) return {};
    const uint64_t seed = ~base_.seed;
    std::vector<uint8_t> nulls(rows);
    for (size_t i = 0; i < rows; ++i) {
      nulls[i] = unit_fraction(random_bits(seed, static_cast<uint64_t>(first_row) + i)) < base_.null_rate ? 1 : 0;
    }
    return nulls;
  }

  // One value per row, by its number.
  template <class T, class Value>
  ColumnPtr column(int64_t first_row, size_t rows, const Value& value) const {
    std::vector<T> values(rows);
    for (size_t i = 0; i < rows; ++i) values[i] = value(first_row + static_cast<int64_t>(i));
    return std::make_shared<Column>(base_.type, std::move(values), nulls(first_row, rows));
  }

  const Base base_;
};

class RandomBoolean : public RandomField {
 public:
  using RandomField::RandomField;
  ColumnPtr generate(int64_t first_row, size_t rows, int64_t /*now_us*/) const override {
    return column<uint8_t>(first_row, rows, [&](int64_t row) { return static_cast<uint8_t>(bits(row) >> 63); });
  }
};

// Whole numbers from min to max, times a unit: milliseconds are held as microseconds.
class RandomInteger : public RandomField {
 public:
  RandomInteger(const Base& base, int64_t min, int64_t max, int64_t unit = 1)
      : RandomField(base),
        min_(static_cast<uint64_t>(min)),
        span_(static_cast<uint64_t>(max) - static_cast<uint64_t>(min) + 1),
        unit_(unit) {}
  ColumnPtr generate(int64_t first_row, size_t rows, int64_t /*now_us*/) const override {
    return column<int64_t>(first_row, rows,
                           [&](int64_t row) { return static_cast<int64_t>(min_ + scaled(bits(row), span_)) * unit_; });
  }

 private:
  const uint64_t min_;
  const uint64_t span_;
  const int64_t unit_;
};

class RandomDouble : public RandomField {
 public:
  RandomDouble(const Base& base, double min, double max) : RandomField(base), min_(min), max_(max) {}
  ColumnPtr generate(int64_t first_row, size_t rows, int64_t /*now_us*/) const override {
    const bool is_float = base_.type.kind() == TypeKind::kFloat;
    return column<double>(first_row, rows, [&](int64_t row) {
      const double fraction = unit_fraction(bits(row));
      const double value = min_ * (1 - fraction) + max_ * fraction;
      return is_float ? static_cast<double>(static_cast<float>(value)) : value;
    });
  }

 private:
  const double min_;
  const double max_;
};

class RandomDecimal : public RandomField {
 public:
  RandomDecimal(const Base& base, Int128 min, Int128 max)
      : RandomField(base), min_(static_cast<UInt128>(min)), span_(static_cast<UInt128>(max) - min_ + 1) {}
  ColumnPtr generate(int64_t first_row, size_t rows, int64_t /*now_us*/) const override {
    if (span_ <= UINT64_MAX) {
      const auto span = static_cast<uint64_t>(span_);
      return column<Int128>(first_row, rows,
                            [&](int64_t row) { return static_cast<Int128>(min_ + scaled(bits(row), span)); });
    }
    const uint64_t seed = mix64(base_.seed);
    return column<Int128>(first_row, rows, [&](int64_t row) {
      const UInt128 wide = UInt128{bits(row)} << 64 | random_bits(seed, static_cast<uint64_t>(row));
      return static_cast<Int128>(min_ + wide % span_);
    });
  }

 private:
  const UInt128 min_;
  const UInt128 span_;
};

// Text of hexadecimal digits, or bytes.
class RandomText : public RandomField {
 public:
  RandomText(const Base& base, size_t length, bool variable)
      : RandomField(base), length_(length), variable_(variable), hex_(base.type.kind() == TypeKind::kString) {}

  ColumnPtr generate(int64_t first_row, size_t rows, int64_t /*now_us*/) const override {
    columnar::ColumnBuilder builder(base_.type, rows);
    const std::vector<uint8_t> nulls = this->nulls(first_row, rows);
    std::string text(length_ + kPieceBytes, '\0');
    for (size_t i = 0; i < rows; ++i) {
      if (!nulls.empty() && nulls[i] != 0) {
        builder.append_null();
        continue;
      }
      const uint64_t seed = bits(first_row + static_cast<int64_t>(i));
      const size_t size = variable_ && length_ > 0 ? 1 + scaled(seed, length_) : length_;
      fill(seed, size, text.data());
      builder.append_string(std::string_view(text.data(), size));
    }
    return builder.finish();
  }

 private:
  // What one piece of 64 bits fills at most.
  static constexpr size_t kPieceBytes = 16;

  // Writes up to kPieceBytes more than `size`.
  void fill(uint64_t seed, size_t size, char* out) const {
    static constexpr std::string_view kDigits = "0123456789abcdef";
    for (uint64_t piece = 0; size > 0; ++piece) {
      uint64_t bits = random_bits(seed, piece);
      const size_t count = std::min(size, hex_ ? kPieceBytes : sizeof bits);
      for (size_t i = 0; i < count; ++i) {
        out[i] = hex_ ? kDigits[bits & 15] : static_cast<char>(bits & 255);
        bits >>= hex_ ? 4 : 8;
      }
      out += count;
      size -= count;
    }
  }

  const size_t length_;
  const bool variable_;
  const bool hex_;
};

// A time up to max_past before now; of DATE and TIME it is the current one, as in Flink.
class RecentTime : public RandomField {
 public:
  RecentTime(const Base& base, int64_t max_past_us) : RandomField(base), max_past_us_(max_past_us) {
    for (int digit = base.type.precision(); digit < 6; ++digit) unit_us_ *= 10;
  }
  ColumnPtr generate(int64_t first_row, size_t rows, int64_t now_us) const override {
    const uint64_t span = static_cast<uint64_t>(max_past_us_) + 1;
    return column<int64_t>(first_row, rows, [&](int64_t row) {
      const int64_t time_us = now_us - static_cast<int64_t>(scaled(bits(row), span));
      if (base_.type.kind() == TypeKind::kDate) return time_us / kDayUs;
      if (base_.type.kind() == TypeKind::kTime) return time_us % kDayUs / unit_us_ * unit_us_;
      return time_us / unit_us_ * unit_us_;
    });
  }

 private:
  const int64_t max_past_us_;
  int64_t unit_us_ = 1;
};

// start, start + 1, ... end, in the form of the column's type.
class Sequence : public FieldGenerator {
 public:
  Sequence(DataType type, int64_t start, int64_t end) : type_(type), start_(start), end_(end) {}

  std::optional<int64_t> rows_max() const override {
    // All of int64 is one more than fits.
    const uint64_t last = static_cast<uint64_t>(end_) - static_cast<uint64_t>(start_);
    return static_cast<int64_t>(std::min<uint64_t>(last, INT64_MAX - 1)) + 1;
  }

  ColumnPtr generate(int64_t first_row, size_t rows, int64_t /*now_us*/) const override {
    const int64_t first = start_ + first_row;
    const auto count = static_cast<int64_t>(rows);
    switch (type_.physical()) {
      case types::Physical::kInt128: {
        std::vector<Int128> values(rows);
        const Int128 one = types::power_of_ten(type_.scale());
        for (int64_t i = 0; i < count; ++i) values[static_cast<size_t>(i)] = Int128{first + i} * one;
        return std::make_shared<Column>(type_, std::move(values), std::vector<uint8_t>());
      }
      case types::Physical::kDouble: {
        std::vector<double> values(rows);
        for (int64_t i = 0; i < count; ++i) values[static_cast<size_t>(i)] = static_cast<double>(first + i);
        return std::make_shared<Column>(type_, std::move(values), std::vector<uint8_t>());
      }
      case types::Physical::kString: {
        columnar::ColumnBuilder builder(type_, rows);
        for (int64_t i = 0; i < count; ++i) builder.append_string(fmt::format_int(first + i).c_str());
        return builder.finish();
      }
      default: break;
    }
    std::vector<int64_t> values(rows);
    for (int64_t i = 0; i < count; ++i) values[static_cast<size_t>(i)] = first + i;
    return std::make_shared<Column>(type_, std::move(values), std::vector<uint8_t>());
  }

 private:
  const DataType type_;
  const int64_t start_;
  const int64_t end_;
};

// Reads the options of one column.
class FieldOptions {
 public:
  FieldOptions(TableOptions& options, const types::Field& field) : options_(options), field_(field) {}

  std::string key(std::string_view what) const { return fmt::format("fields.{}.{}", field_.name, what); }

  // A value of `type`, between what the type holds.
  Result<Value> value(std::string_view what, DataType type, Value default_value) const {
    const std::string name = key(what);
    const std::optional<std::string> text = options_.find(name);
    if (!text) return default_value;
    const Result<Value> parsed = types::from_text(*text, type);
    if (parsed && !parsed->is_null()) return *parsed;
    return options_.bad_value(name, *text, "a value of type " + type.with_nullable(true).to_string());
  }

  Error wrong_order(std::string_view low, std::string_view high) const {
    return invalid_argument("table \"{}\": option '{}' is greater than '{}'", options_.table(), key(low), key(high));
  }

  template <class T, class Get>
  Result<std::pair<T, T>> range(DataType type, T min, T max, const Get& get) const {
    const T low = get(PENSTOCK_TRY(value("min", type, Value(min))));
    const T high = get(PENSTOCK_TRY(value("max", type, Value(max))));
    if (low > high) return wrong_order("min", "max");
    return std::pair(low, high);
  }
  Result<std::pair<int64_t, int64_t>> integers(TypeKind kind, int64_t min, int64_t max) const {
    return range<int64_t>(DataType(kind), min, max, [](const Value& value) { return value.as_int64(); });
  }

  Result<std::unique_ptr<FieldGenerator>> sequence() const;
  Result<std::unique_ptr<FieldGenerator>> random(uint64_t seed) const;

 private:
  Result<std::unique_ptr<FieldGenerator>> random_text(const RandomField::Base& base) const;

  TableOptions& options_;
  const types::Field& field_;
};

Result<std::unique_ptr<FieldGenerator>> FieldOptions::sequence() const {
  const DataType type = field_.type;
  if (!type.is_numeric() && type.kind() != TypeKind::kString) {
    return unsupported("table \"{}\", column {}: {} cannot be a sequence", options_.table(), field_.name,
                       type.with_nullable(true).to_string())
        .hint("numbers and STRING can; compute others from one, as in `t AS TO_TIMESTAMP_LTZ(n * 1000, 3)`");
  }
  types::IntegerRange bounds = types::integer_range(type.is_integer() ? type.kind() : TypeKind::kBigInt);
  if (type.kind() == TypeKind::kDecimal && type.precision() - type.scale() < 19) {
    bounds.max = static_cast<int64_t>(types::power_of_ten(type.precision() - type.scale()) - 1);
    bounds.min = -bounds.max;
  }
  for (const char* end : {"start", "end"}) PENSTOCK_TRY(options_.require(key(end)));
  const int64_t start = PENSTOCK_TRY(options_.get_int(key("start"), 0, bounds.min, bounds.max));
  const int64_t end = PENSTOCK_TRY(options_.get_int(key("end"), 0, bounds.min, bounds.max));
  if (start > end) return wrong_order("start", "end");
  return std::make_unique<Sequence>(type, start, end);
}

Result<std::unique_ptr<FieldGenerator>> FieldOptions::random_text(const RandomField::Base& base) const {
  const int64_t length = PENSTOCK_TRY(options_.get_int(key("length"), 100, 0, kLengthMax));
  const bool variable = PENSTOCK_TRY(options_.get_bool(key("var-len"), false));
  return std::make_unique<RandomText>(base, static_cast<size_t>(length), variable);
}

Result<std::unique_ptr<FieldGenerator>> FieldOptions::random(uint64_t seed) const {
  const DataType type = field_.type;
  RandomField::Base base{.type = type, .seed = mix64(seed ^ hash64(field_.name))};
  base.null_rate = PENSTOCK_TRY(options_.get_double(key("null-rate"), 0));
  if (base.null_rate < 0 || base.null_rate > 1) {
    return options_.bad_value(key("null-rate"), fmt::to_string(base.null_rate), "a number from 0 to 1");
  }
  if (base.null_rate > 0 && !type.nullable()) {
    return invalid_argument("table \"{}\": option '{}': the column is NOT NULL", options_.table(), key("null-rate"));
  }
  switch (type.kind()) {
    case TypeKind::kBoolean: return std::make_unique<RandomBoolean>(base);
    case TypeKind::kTinyInt:
    case TypeKind::kSmallInt:
    case TypeKind::kInt:
    case TypeKind::kBigInt: {
      const types::IntegerRange bounds = types::integer_range(type.kind());
      const auto [min, max] = PENSTOCK_TRY(integers(type.kind(), bounds.min, bounds.max));
      return std::make_unique<RandomInteger>(base, min, max);
    }
    case TypeKind::kFloat:
    case TypeKind::kDouble: {
      const double bound =
          type.kind() == TypeKind::kFloat ? std::numeric_limits<float>::max() : std::numeric_limits<double>::max();
      const auto [min, max] =
          PENSTOCK_TRY(range<double>(type, -bound, bound, [](const Value& value) { return value.as_double(); }));
      if (!std::isfinite(min) || !std::isfinite(max)) {
        return invalid_argument("table \"{}\", column {}: the range is not finite", options_.table(), field_.name);
      }
      return std::make_unique<RandomDouble>(base, min, max);
    }
    case TypeKind::kDecimal: {
      const Int128 bound = types::power_of_ten(type.precision()) - 1;
      const auto [min, max] =
          PENSTOCK_TRY(range<Int128>(type, -bound, bound, [](const Value& value) { return value.as_int128(); }));
      return std::make_unique<RandomDecimal>(base, min, max);
    }
    case TypeKind::kString:
    case TypeKind::kBytes: return random_text(base);
    case TypeKind::kDate:
    case TypeKind::kTime: return std::make_unique<RecentTime>(base, 0);
    case TypeKind::kTimestamp:
    case TypeKind::kTimestampLtz:
      return std::make_unique<RecentTime>(base, PENSTOCK_TRY(options_.get_duration_us(key("max-past"), 0)));
    case TypeKind::kIntervalYearMonth: {
      const auto [min, max] = PENSTOCK_TRY(integers(TypeKind::kInt, 0, kMonthsMax));
      return std::make_unique<RandomInteger>(base, min, max);
    }
    case TypeKind::kIntervalDayTime: {
      const auto [min, max] = PENSTOCK_TRY(integers(TypeKind::kBigInt, 0, kIntervalMsMax));
      if (max > INT64_MAX / 1000 || min < INT64_MIN / 1000) {
        return invalid_argument("table \"{}\", column {}: the range is too large", options_.table(), field_.name);
      }
      return std::make_unique<RandomInteger>(base, min, max, 1000);
    }
    default: break;
  }
  return unsupported("table \"{}\", column {}: {} cannot be generated", options_.table(), field_.name,
                     type.to_string());
}

}  // namespace

Result<std::unique_ptr<FieldGenerator>> FieldGenerator::make(TableOptions& options, const types::Field& field,
                                                             uint64_t seed) {
  const FieldOptions reader(options, field);
  const std::string kind = PENSTOCK_TRY(options.get_choice(reader.key("kind"), "random", {"random", "sequence"}));
  return kind == "sequence" ? reader.sequence() : reader.random(seed);
}

}  // namespace penstock::connector
