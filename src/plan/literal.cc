#include "plan/literal.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>

#include "expr/registry.h"
#include "sql/keywords.h"
#include "sql/printer.h"
#include "types/calendar.h"
#include "types/value.h"

namespace penstock::plan {
namespace {

using expr::Expr;
using expr::ExprPtr;
using sql::IntervalUnit;
using types::DataType;
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

// An amount of time in the two kinds that intervals come in.
struct Amount {
  int64_t months = 0;
  int64_t micros = 0;
};

constexpr int64_t kAmountMax = int64_t{1} << 53;  // 285 years in microseconds

// Adds `whole` units and `fraction` (microseconds of a second) to the amount; false when it becomes too large.
bool add(Amount& amount, IntervalUnit unit, int64_t whole, int64_t fraction_micros = 0) {
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
  bool of_months = unit == IntervalUnit::kYear || unit == IntervalUnit::kQuarter || unit == IntervalUnit::kMonth;
  if (whole > kAmountMax / factor) return false;
  int64_t& part = of_months ? amount.months : amount.micros;
  part += whole * factor + fraction_micros;
  return part <= kAmountMax;
}

// Reads numbers and separators from the front of an interval's text.
class AmountReader {
 public:
  explicit AmountReader(std::string_view text) : rest_(text) { skip_space(); }

  bool at_end() const { return rest_.empty(); }
  bool accept(char c) {
    if (rest_.empty() || rest_.front() != c) return false;
    rest_.remove_prefix(1);
    return true;
  }
  void skip_space() {
    while (accept(' ')) {
    }
  }
  std::optional<int64_t> number() {
    int64_t value = 0;
    auto [end, error] = std::from_chars(rest_.data(), rest_.data() + rest_.size(), value);
    if (error != std::errc() || value < 0) return std::nullopt;
    rest_.remove_prefix(static_cast<size_t>(end - rest_.data()));
    return value;
  }
  // ".5" as 500,000 microseconds; 0 when there is no point.
  std::optional<int64_t> fraction() {
    if (!accept('.')) return 0;
    int64_t micros = 0;
    int64_t unit = 100'000;
    bool any = false;
    for (; !rest_.empty() && rest_.front() >= '0' && rest_.front() <= '9'; unit /= 10, any = true) {
      micros += (rest_.front() - '0') * unit;
      rest_.remove_prefix(1);
    }
    return any ? std::optional(micros) : std::nullopt;
  }
  std::string_view word() {
    size_t size = 0;
    while (size < rest_.size() && ((rest_[size] | 0x20) >= 'a' && (rest_[size] | 0x20) <= 'z')) ++size;
    std::string_view word = rest_.substr(0, size);
    rest_.remove_prefix(size);
    skip_space();
    return word;
  }

 private:
  std::string_view rest_;
};

// '1:30' MINUTE TO SECOND: one number per unit, with the separators that stand between them.
bool read_fields(AmountReader& in, IntervalUnit from, IntervalUnit to, Amount& amount) {
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

// '1 day 02:03:04', '2 hours 5 minutes'.
bool read_words(AmountReader& in, Amount& amount) {
  using enum IntervalUnit;
  static constexpr std::array<std::pair<std::string_view, IntervalUnit>, 13> kWords = {{
      {"year", kYear},
      {"quarter", kQuarter},
      {"month", kMonth},
      {"mon", kMonth},
      {"week", kWeek},
      {"day", kDay},
      {"hour", kHour},
      {"h", kHour},
      {"minute", kMinute},
      {"min", kMinute},
      {"second", kSecond},
      {"sec", kSecond},
      {"millisecond", kMillisecond},
  }};
  while (!in.at_end()) {
    std::optional<int64_t> whole = in.number();
    if (!whole) return false;
    if (in.accept(':')) {
      std::optional<int64_t> minutes = in.number();
      bool seconds = in.accept(':');
      std::optional<int64_t> rest = seconds ? in.number() : 0;
      std::optional<int64_t> fraction = seconds ? in.fraction() : 0;
      in.skip_space();
      return minutes && rest && fraction && in.at_end() && add(amount, kHour, *whole) &&
             add(amount, kMinute, *minutes) && add(amount, kSecond, *rest, *fraction);
    }
    std::optional<int64_t> fraction = in.fraction();
    in.skip_space();
    std::string word = sql::to_lower(in.word());
    const auto* unit = std::ranges::find_if(kWords, [&](const auto& known) {
      return word == known.first ||
             (word.size() == known.first.size() + 1 && word.starts_with(known.first) && word.back() == 's');
    });
    if (!fraction || unit == kWords.end() || (*fraction != 0 && unit->second != kSecond)) return false;
    if (!add(amount, unit->second, *whole, *fraction)) return false;
  }
  return true;
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

Result<ExprPtr> bind_interval(const sql::IntervalLiteral& literal) {
  std::string_view text = literal.text;
  while (text.starts_with(' ')) text.remove_prefix(1);
  bool negative = literal.negative != text.starts_with('-');
  if (text.starts_with('-') || text.starts_with('+')) text.remove_prefix(1);
  Amount amount;
  AmountReader reader(text);
  bool read =
      !text.empty() && (literal.from ? read_fields(reader, *literal.from, literal.to.value_or(*literal.from), amount)
                                     : read_words(reader, amount));
  if (!read) {
    return invalid_argument("'{}' is not an interval{}{}{}{}", literal.text, literal.from ? " of " : "",
                            literal.from ? sql::interval_unit_name(*literal.from) : "", literal.to ? " TO " : "",
                            literal.to ? sql::interval_unit_name(*literal.to) : "")
        .hint("write INTERVAL '10' SECOND, INTERVAL '1:30' MINUTE TO SECOND or INTERVAL '2 hours 5 minutes'");
  }
  if (amount.months != 0 && amount.micros != 0) {
    return unsupported("an interval is either of years and months or of days and less").hint("add two intervals");
  }
  bool of_months = amount.months != 0 || literal.from == IntervalUnit::kYear || literal.from == IntervalUnit::kMonth ||
                   literal.from == IntervalUnit::kQuarter;
  int64_t value = of_months ? amount.months : amount.micros;
  DataType type = of_months ? TypeKind::kIntervalYearMonth : TypeKind::kIntervalDayTime;
  return Expr::literal(Value(negative ? -value : value), type.with_nullable(false));
}

Result<DataType> bind_type(const sql::TypeName& type) {
  Result<DataType> parsed = DataType::parse(sql::print(type));
  if (!parsed) return std::move(parsed).error().at(type.position.offset);
  return *parsed;
}

}  // namespace penstock::plan
