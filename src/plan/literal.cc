#include "plan/literal.h"

#include <algorithm>
#include <array>
#include <optional>

#include "expr/registry.h"
#include "sql/keywords.h"
#include "sql/printer.h"
#include "types/calendar.h"
#include "types/interval_text.h"
#include "types/value.h"

namespace penstock::plan {
namespace {

using expr::Expr;
using expr::ExprPtr;
using sql::IntervalUnit;
using types::DataType;
using types::IntervalAmount;
using types::IntervalReader;
using types::TypeKind;
using types::Value;

constexpr int kTimestampPrecisionMax = 9;

// The number of digits after the point of the seconds.
int fraction_digits(std::string_view text) {
  size_t point = text.find('.');
  if (point == std::string_view::npos) return 0;
  size_t end = text.find_first_not_of("0123456789", point + 1);
  size_t digits = (end == std::string_view::npos ? text.size() : end) - point - 1;
  return static_cast<int>(std::min<size_t>(digits, kTimestampPrecisionMax));
}

Result<ExprPtr> text_literal(std::string_view text, DataType type) {
  return Expr::literal(PENSTOCK_TRY(types::from_text(text, type)), type.with_nullable(false));
}

Result<ExprPtr> bind_binary(std::string_view hex) {
  auto digit = [](char c) { return c >= '0' && c <= '9' ? c - '0' : (c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1); };
  if (hex.size() % 2 != 0) return invalid_argument("X'{}' has an odd number of digits", hex);
  std::string bytes;
  for (size_t i = 0; i < hex.size(); i += 2) {
    int high = digit(hex[i]);
    int low = digit(hex[i + 1]);
    if (high < 0 || low < 0) return invalid_argument("X'{}' is not hexadecimal", hex);
    bytes.push_back(static_cast<char>(high * 16 + low));
  }
  return Expr::literal(Value(std::move(bytes)), DataType(TypeKind::kBytes).with_nullable(false));
}

bool is_of_months(IntervalUnit unit) {
  return unit == IntervalUnit::kYear || unit == IntervalUnit::kQuarter || unit == IntervalUnit::kMonth;
}

// Adds `whole` units and a fraction, in millionths, to the amount; false when it becomes too large.
bool add(IntervalAmount& amount, IntervalUnit unit, int64_t whole, int64_t millionths) {
  int64_t factor = 0;
  switch (unit) {
    case IntervalUnit::kYear: factor = 12; break;
    case IntervalUnit::kQuarter: factor = 3; break;
    case IntervalUnit::kMonth: factor = 1; break;
    case IntervalUnit::kWeek: factor = 7 * types::kMicrosPerDay; break;
    case IntervalUnit::kDay: factor = types::kMicrosPerDay; break;
    case IntervalUnit::kHour: factor = types::kMicrosPerHour; break;
    case IntervalUnit::kMinute: factor = types::kMicrosPerMinute; break;
    case IntervalUnit::kSecond: factor = types::kMicrosPerSecond; break;
    case IntervalUnit::kMillisecond: factor = types::kMicrosPerMilli; break;
  }
  return is_of_months(unit) ? amount.add_months(whole, factor) : amount.add_micros(whole, factor, millionths);
}

// '1:30' MINUTE TO SECOND: one number per unit, with the separators that stand between them.
bool read_fields(IntervalReader& in, IntervalUnit from, IntervalUnit to, IntervalAmount& amount) {
  using enum IntervalUnit;
  static constexpr std::array<IntervalUnit, 6> kOrder = {kYear, kMonth, kDay, kHour, kMinute, kSecond};
  const auto* unit = std::ranges::find(kOrder, from);
  const auto* last = std::ranges::find(kOrder, to);
  if (from == to) unit = last = &from;  // weeks and quarters stand alone
  if (unit > last || last == kOrder.end()) return false;
  for (;; ++unit) {
    std::optional<int64_t> whole = in.number();
    std::optional<int64_t> fraction = *unit == kSecond ? in.fraction() : 0;
    if (!whole || !fraction || !add(amount, *unit, *whole, *fraction)) return false;
    if (unit == last) break;
    if (!in.accept(*unit == kYear ? '-' : (*unit == kDay ? ' ' : ':'))) return false;
  }
  in.skip_space();
  return in.at_end();
}

}  // namespace

Result<ExprPtr> bind_literal(const sql::Literal& literal) {
  using enum sql::LiteralKind;
  switch (literal.kind) {
    case kNull: return Expr::literal({}, TypeKind::kNull);
    case kBoolean:
      return Expr::literal(Value(sql::equal_ignoring_case(literal.text, "TRUE")),
                           DataType(TypeKind::kBoolean).with_nullable(false));
    case kInteger:
    case kDecimal:
    case kDouble: return expr::number_literal(literal.text);
    case kString: return Expr::literal(Value(literal.text), DataType(TypeKind::kString).with_nullable(false));
    case kBinary: return bind_binary(literal.text);
    case kDate: return text_literal(literal.text, TypeKind::kDate);
    case kTime: return text_literal(literal.text, DataType::time(fraction_digits(literal.text)));
    case kTimestamp: return text_literal(literal.text, DataType::timestamp(fraction_digits(literal.text)));
    case kTimestampLtz: return text_literal(literal.text, DataType::timestamp_ltz(fraction_digits(literal.text)));
  }
  return make_error(ErrorCode::kInternal, "a literal of an unknown kind");
}

namespace {

struct ReadInterval {
  IntervalAmount amount;
  bool of_months = false;
};

Result<ReadInterval> read_interval(const sql::IntervalLiteral& literal) {
  IntervalAmount amount;
  bool read = false;
  bool negative = literal.negative;
  if (literal.from) {
    std::string_view text = literal.text;
    while (text.starts_with(' ')) text.remove_prefix(1);
    negative = negative != text.starts_with('-');
    if (text.starts_with('-') || text.starts_with('+')) text.remove_prefix(1);
    IntervalReader reader(text);
    read = !text.empty() && read_fields(reader, *literal.from, literal.to.value_or(*literal.from), amount);
  } else if (const auto words = types::interval_amount_from_words(literal.text)) {
    read = true;
    amount = *words;
  }
  if (!read) {
    return invalid_argument("'{}' is not an interval{}{}{}{}", literal.text, literal.from ? " of " : "",
                            literal.from ? sql::interval_unit_name(*literal.from) : "", literal.to ? " TO " : "",
                            literal.to ? sql::interval_unit_name(*literal.to) : "")
        .hint("write INTERVAL '10' SECOND, INTERVAL '1:30' MINUTE TO SECOND or INTERVAL '2 hours 5 minutes'");
  }
  if (negative) amount = {.months = -amount.months, .micros = -amount.micros};
  return ReadInterval{amount, amount.months != 0 || (literal.from && is_of_months(*literal.from))};
}

ExprPtr interval_of(int64_t value, TypeKind kind) {
  return Expr::literal(Value(value), DataType(kind).with_nullable(false));
}

}  // namespace

Result<ExprPtr> bind_interval(const sql::IntervalLiteral& literal) {
  const ReadInterval read = PENSTOCK_TRY(read_interval(literal));
  if (read.amount.months != 0 && read.amount.micros != 0) {
    return unsupported("an interval is either of years and months or of days and less, where it is not added to a time")
        .hint("add two intervals");
  }
  return read.of_months ? interval_of(read.amount.months, TypeKind::kIntervalYearMonth)
                        : interval_of(read.amount.micros, TypeKind::kIntervalDayTime);
}

std::optional<MixedInterval> bind_mixed_interval(const sql::Expression& expression) {
  const auto* interval = expression.get_if<sql::IntervalLiteral>();
  const auto* cast = expression.get_if<sql::Cast>();
  const auto* text = cast != nullptr && !cast->try_cast && cast->type->name == "INTERVAL"
                         ? cast->operand->get_if<sql::Literal>()
                         : nullptr;
  sql::IntervalLiteral written;
  if (text != nullptr && text->kind == sql::LiteralKind::kString) {
    written.text = text->text;
    interval = &written;
  }
  if (interval == nullptr || interval->from) return std::nullopt;
  const Result<ReadInterval> read = read_interval(*interval);
  if (!read || read->amount.months == 0 || read->amount.micros == 0) return std::nullopt;
  return MixedInterval{interval_of(read->amount.months, TypeKind::kIntervalYearMonth),
                       interval_of(read->amount.micros, TypeKind::kIntervalDayTime)};
}

Result<DataType> bind_type(const sql::TypeName& type) {
  Result<DataType> parsed = DataType::parse(sql::print(type));
  if (!parsed) return std::move(parsed).error().at(type.position.offset);
  return *parsed;
}

}  // namespace penstock::plan
