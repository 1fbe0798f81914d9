#include "sqltest/random/expressions.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

namespace penstock::sqltest {

namespace {

constexpr double kIntMax = 2e9;
constexpr double kBigintMax = 4e18;
constexpr double kCastMax = 1e13;    // to DECIMAL(18, 2)
constexpr double kDoubleMax = 1e12;  // with quarters, far from 2^53
// How often one row may come out of joins.
constexpr double kRowsMax = 1e5;

constexpr std::array<const char*, 6> kComparisons = {"=", "<", ">=", "<>", "<=", ">"};
constexpr std::array<const char*, 6> kPatterns = {"'a%'", "'%b'", "'%'", "'_'", "'%a%b%'", "''"};

bool fits(const Type& type) {
  switch (type.kind) {
    case ValueKind::kInt: return type.bound <= (type.wide ? kBigintMax : kIntMax);
    case ValueKind::kDecimal: return type.bound <= kBigintMax;
    case ValueKind::kDouble: return type.bound <= kDoubleMax;
    default: return true;
  }
}

}  // namespace

void add_column(Scope& scope, const Text& column, const Type& type) {
  const Type number = {.kind = ValueKind::kInt, .wide = true, .bound = 1000};
  const Type count = {.kind = ValueKind::kInt, .bound = 10};
  switch (type.kind) {
    case ValueKind::kRow:
      scope.push_back({.text = dialects("{}.a", "JSON_EXTRACT({}, '$[0]')", {column}), .type = number});
      scope.push_back(
          {.text = dialects("{}.b", "JSON_EXTRACT({}, '$[1]')", {column}), .type = {.kind = ValueKind::kString}});
      break;
    case ValueKind::kArray:
      scope.push_back({.text = dialects("{}[1]", "JSON_EXTRACT({}, '$[0]')", {column}), .type = number});
      scope.push_back({.text = dialects("CARDINALITY({})", "JSON_ARRAY_LENGTH({})", {column}), .type = count});
      scope.push_back(
          {.text = dialects("ARRAY_MAX({})", "(SELECT MAX(value) FROM JSON_EACH({}))", {column}), .type = number});
      break;
    case ValueKind::kMap:
      scope.push_back({.text = dialects("{}['a']", "JSON_EXTRACT({}, '$.a')", {column}), .type = number});
      scope.push_back(
          {.text = dialects("CARDINALITY({})",
                            "CASE WHEN {0} IS NOT NULL THEN (SELECT COUNT(*) FROM JSON_EACH({0})) END", {column}),
           .type = count});
      break;
    default: scope.push_back({.text = column, .type = type}); break;
  }
}

Scope columns_of(const std::vector<Column>& columns, const std::string& prefix) {
  Scope scope;
  for (const Column& column : columns) add_column(scope, same(prefix + column.name), column.type);
  return scope;
}

bool can_be_summed(const Type& type) {
  if (type.kind != ValueKind::kInt && type.kind != ValueKind::kDecimal && type.kind != ValueKind::kDouble) return false;
  return !type.inexact && fits(sum_type(type));
}

Type sum_type(const Type& type) {
  Type sum = type;
  sum.bound = type.bound * kRowsMax;
  return sum;
}

Scope ExpressionGenerator::of_kind(const Scope& scope, ValueKind kind) const {
  Scope found;
  std::ranges::copy_if(scope, std::back_inserter(found), [&](const Expression& e) { return e.type.kind == kind; });
  return found;
}

Scope ExpressionGenerator::other_numbers(const Scope& scope, const Type& type) const {
  const auto is_number = [](const Type& t) {
    return t.kind == ValueKind::kInt || t.kind == ValueKind::kDecimal || t.kind == ValueKind::kDouble;
  };
  Scope found;
  if (!is_number(type)) return found;
  std::ranges::copy_if(scope, std::back_inserter(found), [&](const Expression& e) {
    return is_number(e.type) && !e.type.inexact && (e.type.kind != type.kind || e.type.scale != type.scale) &&
           e.type.bound < kDoubleMax;
  });
  return found;
}

Text ExpressionGenerator::mixed(const Expression& a, const char* comparison, const Expression& b) {
  // To SQLite all in thousandths of thousandths, or as doubles where one is.
  const bool as_double = a.type.kind == ValueKind::kDouble || b.type.kind == ValueKind::kDouble;
  const auto number = [&](const Expression& e) {
    std::string scaled = e.text.sqlite;
    if (e.type.kind == ValueKind::kDouble) return scaled;
    for (int digit = e.type.scale; digit < 6; ++digit) scaled += " * 10";
    return as_double ? fmt::format("(({}) / 1000000.0)", scaled) : fmt::format("({})", scaled);
  };
  return {.engine = fmt::format("({} {} {})", a.text.engine, comparison, b.text.engine),
          .sqlite = fmt::format("({} {} {})", number(a), comparison, number(b))};
}

Expression ExpressionGenerator::leaf(const Scope& scope, const Type& type) {
  Scope found = of_kind(scope, type.kind);
  if (type.kind == ValueKind::kDecimal) {
    std::erase_if(found, [&](const Expression& e) { return e.type.scale != type.scale; });
  }
  if (!found.empty() && !choices_.chance(20)) return choices_.pick(found);
  Type made = type;
  made.inexact = false;
  made.bound = type.kind == ValueKind::kDecimal ? 1200 : 100;
  if (type.kind == ValueKind::kInt) made.wide = false;  // literals are INT
  return {.text = literal(choices_, made, false), .type = made};
}

Expression ExpressionGenerator::choice(const Scope& scope, const Type& type, int depth) {
  const Expression a = value(scope, type, depth - 1);
  const Expression b = value(scope, type, depth - 1);
  Type both_types = a.type;
  both_types.wide = a.type.wide || b.type.wide;
  both_types.bound = std::max(a.type.bound, b.type.bound);
  both_types.inexact = a.type.inexact || b.type.inexact;
  switch (choices_.below(4)) {
    case 0: return {.text = both("COALESCE({}, {})", {a.text, b.text}), .type = both_types};
    case 1: return {.text = both("NULLIF({}, {})", {a.text, b.text}), .type = a.type};
    case 2: return {.text = both("CASE WHEN {} THEN {} END", {condition(scope, depth - 1), a.text}), .type = a.type};
    default:
      return {.text = both("CASE WHEN {} THEN {} ELSE {} END", {condition(scope, depth - 1), a.text, b.text}),
              .type = both_types};
  }
}

Expression ExpressionGenerator::number(const Scope& scope, bool wide, int depth) {
  const Type plain = {.kind = ValueKind::kInt, .wide = wide};
  if (depth <= 0 || choices_.chance(50)) return leaf(scope, plain);
  Expression a = value(scope, plain, depth - 1);
  Expression made = a;
  switch (choices_.below(10)) {
    case 0:
    case 1: {
      const Expression b = value(scope, plain, depth - 1);
      made.type.wide = a.type.wide || b.type.wide;
      made.type.bound = a.type.bound + b.type.bound;
      made.text = both(choices_.chance(50) ? "({} - {})" : "({} + {})", {a.text, b.text});
      break;
    }
    case 2: {
      const Expression b = value(scope, plain, depth - 1);
      made.type.wide = a.type.wide || b.type.wide;
      made.type.bound = a.type.bound * b.type.bound;
      made.text = both("({} * {})", {a.text, b.text});
      break;
    }
    case 3: made.text = both(choices_.chance(50) ? "({} / 3)" : "({} % 4)", {a.text}); break;
    case 4: {
      static const std::vector<const char*> kFunctions = {"ABS({})", "(- {})", "SIGN({})"};
      made.text = both(choices_.pick(kFunctions), {a.text});
      break;
    }
    case 7: {
      const Expression b = value(scope, plain, depth - 1);
      made.type.wide = a.type.wide || b.type.wide;
      made.type.bound = std::max(a.type.bound, b.type.bound);
      made.text = choices_.chance(50) ? dialects("GREATEST({}, {})", "MAX({}, {})", {a.text, b.text})
                                      : dialects("LEAST({}, {})", "MIN({}, {})", {a.text, b.text});
      break;
    }
    case 8: made = whole(scope, depth); break;
    case 5: {
      const Expression b = text(scope, depth - 1);
      const bool position = choices_.chance(30);
      made.text = position ? dialects("POSITION('b' IN {})", "INSTR({}, 'b')", {b.text})
                           : dialects("CHAR_LENGTH({})", "LENGTH({})", {b.text});
      made.type = {.kind = ValueKind::kInt, .bound = 1000};
      break;
    }
    case 6: {
      const Expression b = time(scope, depth - 1);
      switch (choices_.below(4)) {
        case 0: made.text = dialects("EXTRACT(HOUR FROM {})", "({} / 3600000 % 24)", {b.text}); break;
        case 1: made.text = dialects("MINUTE({})", "({} / 60000 % 60)", {b.text}); break;
        default: made.text = dialects("EXTRACT(SECOND FROM {})", "({} / 1000 % 60)", {b.text}); break;
      }
      made.type = {.kind = ValueKind::kInt, .wide = true, .bound = 60};
      break;
    }
    default: return choice(scope, plain, depth);
  }
  return fits(made.type) ? made : a;
}

// A whole number of another type's values.
Expression ExpressionGenerator::whole(const Scope& scope, int depth) {
  const Type plain = {.kind = ValueKind::kInt, .wide = true};
  switch (choices_.below(3)) {
    case 0: {
      const Expression from = time(scope, depth - 1);
      const Expression to = time(scope, depth - 1);
      return {.text = dialects("TIMESTAMPDIFF(SECOND, {}, {})", "(({1} - {0}) / 1000)", {from.text, to.text}),
              .type = {.kind = ValueKind::kInt, .bound = 1e6}};
    }
    case 1: {
      const Expression from = value(scope, {.kind = ValueKind::kDouble}, depth - 1);
      if (from.type.inexact) return leaf(scope, plain);
      return {.text = dialects("CAST({} AS BIGINT)", "CAST({} AS INTEGER)", {from.text}),
              .type = {.kind = ValueKind::kInt, .wide = true, .bound = from.type.bound + 1}};
    }
    default: {
      const Expression from = decimal(scope, {.kind = ValueKind::kDecimal, .scale = 2}, depth - 1);
      return {.text = dialects("CAST({} AS BIGINT)", "({} / 100)", {from.text}),
              .type = {.kind = ValueKind::kInt, .wide = true, .bound = from.type.bound}};
    }
  }
}

Expression ExpressionGenerator::decimal(const Scope& scope, const Type& type, int depth) {
  const Type plain = {.kind = ValueKind::kDecimal, .scale = type.scale};
  if (depth <= 0 || choices_.chance(60)) return leaf(scope, plain);
  const Expression a = value(scope, plain, depth - 1);
  Expression made = a;
  switch (choices_.below(5)) {
    case 0: {
      const Expression b = value(scope, plain, depth - 1);
      made.text = both(choices_.chance(50) ? "({} - {})" : "({} + {})", {a.text, b.text});
      made.type.bound = a.type.bound + b.type.bound;
      break;
    }
    case 1: made.text = both(choices_.chance(50) ? "ABS({})" : "(- {})", {a.text}); break;
    case 3: {
      const Expression b = number(scope, false, 0);
      made.text = both("({} * {})", {a.text, b.text});
      made.type.bound = a.type.bound * b.type.bound;
      break;
    }
    case 4: {
      const Expression b = number(scope, true, depth - 1);
      if (type.scale != 2 || b.type.bound > kCastMax) break;
      made.text = dialects("CAST({} AS DECIMAL(18, 2))", "({} * 100)", {b.text});
      made.type.bound = b.type.bound * 100;
      break;
    }
    default: return choice(scope, plain, depth);
  }
  return fits(made.type) ? made : a;
}

Expression ExpressionGenerator::floating(const Scope& scope, int depth) {
  const Type plain = {.kind = ValueKind::kDouble};
  if (depth <= 0 || choices_.chance(60)) return leaf(scope, plain);
  Expression a = value(scope, plain, depth - 1);
  Expression made = a;
  switch (choices_.below(4)) {
    case 0: {
      const Expression b = value(scope, plain, depth - 1);
      made.text = both(choices_.chance(50) ? "({} - {})" : "({} + {})", {a.text, b.text});
      made.type.bound = a.type.bound + b.type.bound;
      made.type.inexact = a.type.inexact || b.type.inexact;
      break;
    }
    case 1:
      made.text = both("({} * 2.0e0)", {a.text});
      made.type.bound *= 2;
      break;
    case 2: {
      const Expression b = number(scope, true, depth - 1);
      if (b.type.bound > kDoubleMax) return a;
      made.text = dialects("CAST({} AS DOUBLE)", "CAST({} AS REAL)", {b.text});
      made.type = {.kind = ValueKind::kDouble, .bound = b.type.bound};
      break;
    }
    default: return choice(scope, plain, depth);
  }
  return fits(made.type) ? made : a;
}

Expression ExpressionGenerator::text(const Scope& scope, int depth) {
  const Type plain = {.kind = ValueKind::kString};
  if (depth <= 0 || choices_.chance(60)) return leaf(scope, plain);
  switch (choices_.below(5)) {
    case 0:
      return {.text = both("({} || {})", {text(scope, depth - 1).text, text(scope, depth - 1).text}), .type = plain};
    case 1:
      return {.text = choices_.chance(50) ? both("LOWER({})", {text(scope, depth - 1).text})
                                          : both("UPPER({})", {text(scope, depth - 1).text}),
              .type = plain};
    case 2:
      return {.text = dialects("SUBSTRING({} FROM 2)", "SUBSTR({}, 2)", {text(scope, depth - 1).text}), .type = plain};
    case 3:
      switch (choices_.below(8)) {
        case 0: return {.text = both("REPLACE({}, 'a', 'xy')", {text(scope, depth - 1).text}), .type = plain};
        case 1: return {.text = both("TRIM({})", {text(scope, depth - 1).text}), .type = plain};
        case 2: return {.text = both("LTRIM({})", {text(scope, depth - 1).text}), .type = plain};
        case 3:
          return {.text = dialects("CAST({} AS VARCHAR(2))", "SUBSTR({}, 1, 2)", {text(scope, depth - 1).text}),
                  .type = plain};
        case 4:
          return {
              .text = dialects("DATE_FORMAT({}, 'yyyy-MM-dd HH:mm:ss')",
                               "STRFTIME('%Y-%m-%d %H:%M:%S', {} / 1000, 'unixepoch')", {time(scope, depth - 1).text}),
              .type = plain};
        case 5:
          return {.text = dialects("CAST({} AS STRING)", "CASE {} WHEN 0 THEN 'FALSE' WHEN 1 THEN 'TRUE' END",
                                   {value(scope, {.kind = ValueKind::kBool}, depth - 1).text}),
                  .type = plain};
        default: break;
      }
      return {.text = dialects("CAST({} AS STRING)", "CAST({} AS TEXT)", {number(scope, true, depth - 1).text}),
              .type = plain};
    default: return choice(scope, plain, depth);
  }
}

Expression ExpressionGenerator::time(const Scope& scope, int depth) {
  const Type plain = {.kind = ValueKind::kTime};
  if (depth <= 0 || choices_.chance(60)) return leaf(scope, plain);
  if (choices_.chance(50)) return choice(scope, plain, depth);
  const Expression a = time(scope, depth - 1);
  switch (choices_.below(4)) {
    case 0: return {.text = dialects("FLOOR({} TO MINUTE)", "({0} - {0} % 60000)", {a.text}), .type = plain};
    case 1:
      return {.text = dialects("GREATEST({}, {})", "MAX({}, {})", {a.text, time(scope, depth - 1).text}),
              .type = plain};
    default: return {.text = dialects("({} + INTERVAL '3' SECOND)", "({} + 3000)", {a.text}), .type = plain};
  }
}

Expression ExpressionGenerator::value(const Scope& scope, const Type& type, int depth) {
  switch (type.kind) {
    case ValueKind::kInt: return number(scope, type.wide, depth);
    case ValueKind::kDecimal: return decimal(scope, type, depth);
    case ValueKind::kDouble: return floating(scope, depth);
    case ValueKind::kString: return text(scope, depth);
    case ValueKind::kTime: return time(scope, depth);
    case ValueKind::kBool:
      if (depth > 0 && choices_.chance(40)) {
        return {.text = both("({})", {condition(scope, depth - 1)}), .type = {.kind = ValueKind::kBool}};
      }
      return leaf(scope, type);
    case ValueKind::kHuge:
    case ValueKind::kRow:
    case ValueKind::kArray:
    case ValueKind::kMap: return leaf(scope, type);
  }
  return leaf(scope, type);
}

Expression ExpressionGenerator::any_value(const Scope& scope, int depth) {
  if (scope.empty()) return leaf(scope, {.kind = ValueKind::kInt});
  const Expression column = choices_.pick(scope);
  if (column.type.kind == ValueKind::kDecimal && depth > 0 && choices_.chance(20)) {
    const Expression other = leaf(scope, column.type);
    Expression product{.text = both("({} * {})", {column.text, other.text}), .type = column.type};
    product.type.scale += other.type.scale;
    product.type.bound *= other.type.bound;
    if (product.type.scale <= 6 && fits(product.type)) return product;
  }
  return choices_.chance(40) ? value(scope, column.type, depth) : column;
}

Text ExpressionGenerator::comparison(const Scope& scope, int depth) {
  const Expression a = any_value(scope, depth);
  if (a.type.kind == ValueKind::kBool) return both("({} = {})", {a.text, value(scope, a.type, 0).text});
  const Scope others = other_numbers(scope, a.type);
  if (!others.empty() && a.type.bound < kDoubleMax && choices_.chance(15)) {
    return mixed(a, kComparisons[choices_.below(kComparisons.size())], choices_.pick(others));
  }
  Expression b = value(scope, a.type, depth);
  if (b.text == a.text) b = {.text = literal(choices_, a.type, false), .type = a.type};
  const Text op = same(kComparisons[choices_.below(kComparisons.size())]);
  return both("({} {} {})", {a.text, op, b.text});
}

Text ExpressionGenerator::condition(const Scope& scope, int depth) {
  if (subquery_condition_ && depth > 0 && choices_.chance(16)) {
    if (Text made = subquery_condition_(scope); !made.engine.empty()) return made;
  }
  if (depth <= 0 || choices_.chance(40)) return comparison(scope, depth - 1);
  switch (choices_.below(10)) {
    case 0:
      return choices_.chance(50) ? both("({} IS NOT NULL)", {any_value(scope, depth - 1).text})
                                 : both("({} IS NULL)", {any_value(scope, depth - 1).text});
    case 1: return both("({} AND {})", {condition(scope, depth - 1), condition(scope, depth - 1)});
    case 2: return both("({} OR {})", {condition(scope, depth - 1), condition(scope, depth - 1)});
    case 3: return both("(NOT {})", {condition(scope, depth - 1)});
    case 4: {
      const Expression a = any_value(scope, depth - 1);
      std::vector<Text> list;
      for (uint32_t i = 0; i < 1 + choices_.below(3); ++i) list.push_back(literal(choices_, a.type, true));
      return both(choices_.chance(30) ? "({} NOT IN ({}))" : "({} IN ({}))", {a.text, joined(list, ", ")});
    }
    case 5: {
      const Expression a = any_value(scope, depth - 1);
      if (a.type.kind == ValueKind::kBool) return both("({} IS NOT TRUE)", {a.text});
      const Text low = value(scope, a.type, depth - 1).text;
      const Text high = value(scope, a.type, depth - 1).text;
      return both(choices_.chance(30) ? "({} NOT BETWEEN {} AND {})" : "({} BETWEEN {} AND {})", {a.text, low, high});
    }
    case 6: {
      const Text pattern = same(kPatterns[choices_.below(kPatterns.size())]);
      const Text value = text(scope, depth - 1).text;
      return both(choices_.chance(30) ? "({} NOT LIKE {})" : "({} LIKE {})", {value, pattern});
    }
    case 7: {
      const Expression a = any_value(scope, depth - 1);
      const Text b = value(scope, a.type, depth - 1).text;
      return both(choices_.chance(50) ? "({} IS DISTINCT FROM {})" : "({} IS NOT DISTINCT FROM {})", {a.text, b});
    }
    case 8: {
      static const std::vector<std::pair<const char*, const char*>> kTests = {{"IS TRUE", "IS TRUE"},
                                                                              {"IS NOT TRUE", "IS NOT TRUE"},
                                                                              {"IS FALSE", "IS FALSE"},
                                                                              {"IS UNKNOWN", "IS NULL"},
                                                                              {"IS NOT FALSE", "IS NOT FALSE"}};
      const auto& [engine, sqlite] = choices_.pick(kTests);
      return both("({} {})", {condition(scope, depth - 1), Text{.engine = engine, .sqlite = sqlite}});
    }
    default: return comparison(scope, depth - 1);
  }
}

}  // namespace penstock::sqltest
