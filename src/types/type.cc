#include "types/type.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <map>
#include <memory>
#include <mutex>
#include <optional>

#include "base/ascii.h"
#include "types/text_scanner.h"

namespace penstock::types {

namespace {

struct TypeName {
  std::string_view name;
  TypeKind kind;
};

// Every accepted name of one word, in lower case.
constexpr TypeName kTypeNames[] = {
    {"null", TypeKind::kNull},
    {"boolean", TypeKind::kBoolean},
    {"bool", TypeKind::kBoolean},
    {"tinyint", TypeKind::kTinyInt},
    {"smallint", TypeKind::kSmallInt},
    {"int2", TypeKind::kSmallInt},
    {"int", TypeKind::kInt},
    {"integer", TypeKind::kInt},
    {"int4", TypeKind::kInt},
    {"bigint", TypeKind::kBigInt},
    {"int8", TypeKind::kBigInt},
    {"float", TypeKind::kFloat},
    {"real", TypeKind::kFloat},
    {"float4", TypeKind::kFloat},
    {"double", TypeKind::kDouble},
    {"float8", TypeKind::kDouble},
    {"decimal", TypeKind::kDecimal},
    {"dec", TypeKind::kDecimal},
    {"numeric", TypeKind::kDecimal},
    {"string", TypeKind::kString},
    {"varchar", TypeKind::kString},
    {"char", TypeKind::kString},
    {"character", TypeKind::kString},
    {"text", TypeKind::kString},
    {"bpchar", TypeKind::kString},
    {"name", TypeKind::kString},
    {"json", TypeKind::kString},
    {"jsonb", TypeKind::kString},
    {"uuid", TypeKind::kString},
    {"bytes", TypeKind::kBytes},
    {"binary", TypeKind::kBytes},
    {"varbinary", TypeKind::kBytes},
    {"bytea", TypeKind::kBytes},
    {"date", TypeKind::kDate},
    {"time", TypeKind::kTime},
    {"timestamp", TypeKind::kTimestamp},
    {"timestamp_ltz", TypeKind::kTimestampLtz},
    {"timestamp_tz", TypeKind::kTimestampLtz},
    {"timestamptz", TypeKind::kTimestampLtz},
    {"interval", TypeKind::kIntervalDayTime},
    {"array", TypeKind::kArray},
    {"multiset", TypeKind::kMultiset},
    {"map", TypeKind::kMap},
    {"row", TypeKind::kRow},
};

// Flink's precision of TIMESTAMP and TIMESTAMP_LTZ, and of DECIMAL, written without one.
constexpr int kTimestampPrecisionDefault = 6;
constexpr int kTimestampPrecisionMax = 9;
constexpr int kDecimalPrecisionDefault = 10;
constexpr int kDecimalPrecisionMaximum = 38;

// Reads words, numbers and punctuation of a type's text.
class TypeReader {
 public:
  explicit TypeReader(std::string_view text) : rest_(trim_space(text)) {}

  bool at_end() const { return rest_.empty(); }

  // The next word, empty when something else follows.
  std::string_view word() {
    size_t size = 0;
    while (size < rest_.size() && (is_alpha(rest_[size]) || (size > 0 && is_digit(rest_[size])))) ++size;
    return take(size);
  }
  bool accept_word(std::string_view expected) {
    std::string_view before = rest_;
    if (equal_ignoring_case(word(), expected)) return true;
    rest_ = before;
    return false;
  }
  // All of the words, or nothing.
  bool accept_words(std::initializer_list<std::string_view> expected) {
    std::string_view before = rest_;
    for (std::string_view word : expected) {
      if (!accept_word(word)) {
        rest_ = before;
        return false;
      }
    }
    return true;
  }
  bool accept(char c) {
    if (rest_.empty() || rest_[0] != c) return false;
    take(1);
    return true;
  }
  // A name: a word, or anything between backticks (doubled inside).
  std::optional<std::string> name() {
    if (rest_.empty() || rest_[0] != '`') {
      std::string_view plain = word();
      return plain.empty() ? std::nullopt : std::optional<std::string>(plain);
    }
    std::string quoted;
    size_t at = 1;
    for (; at < rest_.size(); ++at) {
      if (rest_[at] == '`' && (at + 1 == rest_.size() || rest_[at + 1] != '`')) break;
      if (rest_[at] == '`') ++at;
      quoted += rest_[at];
    }
    if (at >= rest_.size()) return std::nullopt;
    take(at + 1);
    return quoted;
  }
  std::optional<int> number() {
    int value = 0;
    auto [at, error] = std::from_chars(rest_.data(), rest_.data() + rest_.size(), value);
    if (error != std::errc() || value < 0) return std::nullopt;
    take(static_cast<size_t>(at - rest_.data()));
    return value;
  }

 private:
  static bool is_alpha(char c) { return is_letter(c) || c == '_'; }

  std::string_view take(size_t size) {
    std::string_view taken = rest_.substr(0, size);
    rest_.remove_prefix(size);
    while (!rest_.empty() && (rest_[0] == ' ' || rest_[0] == '\t' || rest_[0] == '\n')) rest_.remove_prefix(1);
    return taken;
  }

  std::string_view rest_;
};

// What stood in parentheses after a type's name.
struct TypeParameters {
  int count = 0;
  std::array<int, 2> value{};
};

bool read_parameters(TypeReader& in, TypeParameters& parameters) {
  if (!in.accept('(')) return true;
  do {
    std::optional<int> value = in.number();
    if (!value || parameters.count == 2) return false;
    parameters.value[static_cast<size_t>(parameters.count++)] = *value;
  } while (in.accept(','));
  return in.accept(')');
}

Error unknown_type(std::string_view text) {
  return invalid_argument("'{}' is not a type", excerpt(text))
      .hint(
          "types are BOOLEAN, TINYINT, SMALLINT, INT, BIGINT, FLOAT, DOUBLE, DECIMAL(p, s), STRING, BYTES, DATE, "
          "TIME, TIMESTAMP(p), TIMESTAMP_LTZ(p), INTERVAL DAY TO SECOND, INTERVAL YEAR TO MONTH, ARRAY<type>, "
          "MULTISET<type>, MAP<type, type>, ROW<name type, ...>");
}

Result<DataType> decimal_type(std::string_view text, const TypeParameters& parameters) {
  int precision = parameters.count > 0 ? parameters.value[0] : kDecimalPrecisionDefault;
  int scale = parameters.count > 1 ? parameters.value[1] : 0;
  if (precision < 1 || precision > kDecimalPrecisionMaximum || scale > precision) {
    return invalid_argument("'{}': a DECIMAL has a precision of 1 to {} and a scale of 0 to its precision",
                            excerpt(text), kDecimalPrecisionMaximum);
  }
  return DataType::decimal(precision, scale);
}

Result<DataType> time_type(std::string_view text, TypeKind kind, TypeReader& in, const TypeParameters& parameters) {
  if (in.accept_words({"with", "local", "time", "zone"}) || in.accept_words({"with", "time", "zone"})) {
    if (kind == TypeKind::kTime) return unsupported("'{}': TIME WITH TIME ZONE is not supported", excerpt(text));
    kind = TypeKind::kTimestampLtz;
  } else {
    in.accept_words({"without", "time", "zone"});
  }
  int precision_default = kind == TypeKind::kTime ? 0 : kTimestampPrecisionDefault;
  int precision = parameters.count > 0 ? parameters.value[0] : precision_default;
  if (precision > kTimestampPrecisionMax || parameters.count > 1) {
    return invalid_argument("'{}': the precision of a time is 0 to {}", excerpt(text), kTimestampPrecisionMax);
  }
  if (kind == TypeKind::kTime) return DataType::time(precision);
  return kind == TypeKind::kTimestamp ? DataType::timestamp(precision) : DataType::timestamp_ltz(precision);
}

// After INTERVAL: "YEAR [TO MONTH]", "MONTH", "DAY(2) TO SECOND(3)" and the like; nothing is DAY TO SECOND.
bool read_interval(TypeReader& in, TypeKind& kind) {
  bool first = true;
  do {
    std::string_view unit = in.word();
    if (unit.empty()) return first;
    if (equal_ignoring_case(unit, "year") || equal_ignoring_case(unit, "month")) {
      kind = TypeKind::kIntervalYearMonth;
    } else if (!equal_ignoring_case(unit, "day") && !equal_ignoring_case(unit, "hour") &&
               !equal_ignoring_case(unit, "minute") && !equal_ignoring_case(unit, "second")) {
      return false;
    }
    TypeParameters ignored;
    if (!read_parameters(in, ignored)) return false;
    first = false;
  } while (in.accept_word("to"));
  return true;
}

std::optional<TypeKind> kind_of_name(std::string_view name) {
  for (const TypeName& known : kTypeNames) {
    if (equal_ignoring_case(name, known.name)) return known.kind;
  }
  return std::nullopt;
}

// Reads types from a text, with what is nested in them.
class TypeParser {
 public:
  explicit TypeParser(std::string_view text) : text_(text), in_(text) {}

  Result<DataType> parse() {
    DataType type = PENSTOCK_TRY(read());
    if (!in_.at_end()) return unknown_type(text_);
    return type;
  }

 private:
  // A type with what may follow it: ARRAY, MULTISET, [], NOT NULL.
  Result<DataType> read() {
    if (++depth_ > kNestedDepthMax + 1) return too_deep();
    DataType type = PENSTOCK_TRY(read_base());
    while (true) {
      if (in_.accept_word("multiset")) {
        type = DataType::multiset(type);
      } else if (in_.accept_word("array")) {
        type = DataType::array(type);
      } else if (in_.accept('[')) {
        if (!in_.accept(']')) return unknown_type(text_);
        type = DataType::array(type);
      } else {
        break;
      }
      if (type.depth() > kNestedDepthMax) return too_deep();
    }
    bool not_null = in_.accept_words({"not", "null"});
    if (!not_null) in_.accept_word("null");
    --depth_;
    return type.with_nullable(!not_null);
  }

  Result<DataType> read_base() {
    std::string_view name = in_.word();
    std::optional<TypeKind> kind = kind_of_name(name);
    if (!kind) return unknown_type(text_);
    switch (*kind) {
      case TypeKind::kArray:
      case TypeKind::kMultiset:
      case TypeKind::kMap: return read_collection(*kind);
      case TypeKind::kRow: return read_row();
      default: return read_scalar(name, *kind);
    }
  }

  Result<DataType> read_collection(TypeKind kind) {
    if (!in_.accept('<')) return unknown_type(text_);
    DataType first = PENSTOCK_TRY(read());
    DataType second;
    if (kind == TypeKind::kMap) {
      if (!in_.accept(',')) return unknown_type(text_);
      second = PENSTOCK_TRY(read());
    }
    if (!in_.accept('>')) return unknown_type(text_);
    if (kind == TypeKind::kMap) return DataType::map(first, second);
    return kind == TypeKind::kArray ? DataType::array(first) : DataType::multiset(first);
  }

  Result<DataType> read_row() {
    bool angle = in_.accept('<');
    if (!angle && !in_.accept('(')) return unknown_type(text_);
    std::vector<Field> fields;
    do {
      std::optional<std::string> name = in_.name();
      if (!name) return unknown_type(text_);
      for (const Field& field : fields) {
        if (field.name == *name) return invalid_argument("there are two fields {} in a ROW", *name);
      }
      fields.push_back({*std::move(name), PENSTOCK_TRY(read())});
    } while (in_.accept(','));
    if (!in_.accept(angle ? '>' : ')')) return unknown_type(text_);
    return DataType::row(std::move(fields));
  }

  Result<DataType> read_scalar(std::string_view name, TypeKind kind) {
    if (kind == TypeKind::kIntervalDayTime) {
      if (!read_interval(in_, kind)) return unknown_type(text_);
      return DataType(kind);
    }
    if (equal_ignoring_case(name, "double")) in_.accept_word("precision");
    if (equal_ignoring_case(name, "character") || equal_ignoring_case(name, "char")) in_.accept_word("varying");
    TypeParameters parameters;
    if (!read_parameters(in_, parameters)) return unknown_type(text_);
    switch (kind) {
      case TypeKind::kDecimal: return decimal_type(text_, parameters);
      case TypeKind::kTime:
      case TypeKind::kTimestamp:
      case TypeKind::kTimestampLtz: return time_type(text_, kind, in_, parameters);
      case TypeKind::kString:
      case TypeKind::kBytes:
        if (parameters.count > 1) return unknown_type(text_);
        return DataType(kind);
      default:
        if (parameters.count > 0) {
          return invalid_argument("'{}': this type takes no parameters", excerpt(text_));
        }
        return DataType(kind);
    }
  }

  static Error too_deep() {
    return make_error(ErrorCode::kResourceExhausted, "a type has at most {} levels of nesting", kNestedDepthMax);
  }

  std::string_view text_;
  TypeReader in_;
  int depth_ = 0;
};

std::string quoted_name(std::string_view name) {
  std::string quoted = "`";
  for (char c : name) {
    if (c == '`') quoted += '`';
    quoted += c;
  }
  return quoted + "`";
}

std::string base_name(DataType type) {
  switch (type.kind()) {
    case TypeKind::kNull: return "NULL";
    case TypeKind::kBoolean: return "BOOLEAN";
    case TypeKind::kTinyInt: return "TINYINT";
    case TypeKind::kSmallInt: return "SMALLINT";
    case TypeKind::kInt: return "INT";
    case TypeKind::kBigInt: return "BIGINT";
    case TypeKind::kFloat: return "FLOAT";
    case TypeKind::kDouble: return "DOUBLE";
    case TypeKind::kDecimal: return fmt::format("DECIMAL({}, {})", type.precision(), type.scale());
    case TypeKind::kString: return "STRING";
    case TypeKind::kBytes: return "BYTES";
    case TypeKind::kDate: return "DATE";
    case TypeKind::kTime: return fmt::format("TIME({})", type.precision());
    case TypeKind::kTimestamp: return fmt::format("TIMESTAMP({})", type.precision());
    case TypeKind::kTimestampLtz: return fmt::format("TIMESTAMP_LTZ({})", type.precision());
    case TypeKind::kIntervalDayTime: return "INTERVAL DAY TO SECOND";
    case TypeKind::kIntervalYearMonth: return "INTERVAL YEAR TO MONTH";
    case TypeKind::kArray: return fmt::format("ARRAY<{}>", type.part(0).to_string());
    case TypeKind::kMultiset: return fmt::format("MULTISET<{}>", type.part(0).to_string());
    case TypeKind::kMap: return fmt::format("MAP<{}, {}>", type.part(0).to_string(), type.part(1).to_string());
    case TypeKind::kRow: {
      std::string text;
      for (const Field& field : type.parts()) {
        text += fmt::format("{}{} {}", text.empty() ? "" : ", ", quoted_name(field.name), field.type.to_string());
      }
      return "ROW<" + text + ">";
    }
  }
  return "?";
}

// Every nested type that was ever made. Thread-safe.
class NestedTypes {
 public:
  // The process's; never destroyed, for types may outlive everything else.
  static NestedTypes& instance() {
    static NestedTypes& types = *new NestedTypes();
    return types;
  }

  const NestedType* intern(std::vector<Field> parts) {
    std::lock_guard lock(mutex_);
    return intern_locked(std::move(parts));
  }
  size_t size() {
    std::lock_guard lock(mutex_);
    return types_.size();
  }

 private:
  const NestedType* intern_locked(std::vector<Field> parts) {
    auto [at, added] = types_.try_emplace(identity(parts));
    if (!added) return at->second.get();
    auto type = std::make_unique<NestedType>();
    std::vector<Field> nullable = parts;
    for (Field& part : nullable) {
      type->depth = std::max(type->depth, part.type.depth() + 1);
      part.type = part.type.all_nullable();
    }
    bool is_nullable = nullable == parts;
    type->parts = std::move(parts);
    type->all_nullable = type.get();
    at->second = std::move(type);
    NestedType* added_type = at->second.get();
    if (!is_nullable) added_type->all_nullable = intern_locked(std::move(nullable));
    return added_type;
  }

  static std::string identity(const std::vector<Field>& parts) {
    std::string text;
    for (const Field& part : parts) text += quoted_name(part.name) + part.type.to_string() + ",";
    return text;
  }

  std::mutex mutex_;
  std::map<std::string, std::unique_ptr<NestedType>, std::less<>> types_;
};

}  // namespace

DataType DataType::nested(TypeKind kind, std::vector<Field> parts) {
  DataType type(kind);
  type.nested_ = NestedTypes::instance().intern(std::move(parts));
  return type;
}

DataType DataType::with_parts(std::vector<Field> parts) const {
  return nested(kind_, std::move(parts)).with_nullable(nullable_);
}

DataType DataType::array(DataType element) { return nested(TypeKind::kArray, {{"", element}}); }
DataType DataType::multiset(DataType element) {
  return nested(TypeKind::kMultiset, {{"", element}, {"", TypeKind::kInt}});
}
DataType DataType::map(DataType key, DataType value) { return nested(TypeKind::kMap, {{"", key}, {"", value}}); }
DataType DataType::row(std::vector<Field> fields) { return nested(TypeKind::kRow, std::move(fields)); }

Status check_nested_type(DataType type) {
  if (!type.is_nested()) return {};
  if (type.depth() > kNestedDepthMax) {
    return make_error(ErrorCode::kResourceExhausted, "a type has at most {} levels of nesting", kNestedDepthMax);
  }
  if (NestedTypes::instance().size() > kNestedTypesMax) {
    return make_error(ErrorCode::kResourceExhausted, "there are more than {} different nested types in this process",
                      kNestedTypesMax);
  }
  return {};
}

std::string DataType::to_string() const {
  std::string name = base_name(*this);
  if (!nullable_) name += " NOT NULL";
  return name;
}

Result<DataType> DataType::parse(std::string_view text) {
  DataType type = PENSTOCK_TRY(TypeParser(text).parse());
  PENSTOCK_TRY(check_nested_type(type));
  return type;
}

int find_field(const Schema& schema, std::string_view name) {
  int found = -1;
  for (size_t i = 0; i < schema.size(); ++i) {
    if (schema[i].name == name) return static_cast<int>(i);
    if (equal_ignoring_case(schema[i].name, name)) found = found == -1 ? static_cast<int>(i) : -2;
  }
  return found;
}

}  // namespace penstock::types
