#include "expr/special_forms.h"

#include <algorithm>
#include <array>

#include "expr/json_construction.h"
#include "expr/registry.h"

namespace penstock::expr {

using types::DataType;
using types::TypeKind;

namespace {

Error wrong_count(std::string_view name, std::string_view signature, size_t given) {
  return invalid_argument("{} does not take {} argument{}", name, given, given == 1 ? "" : "s")
      .hint("it is: " + std::string(signature));
}

Result<ExprPtr> as_boolean(std::string_view name, ExprPtr argument) {
  TypeKind kind = argument->type().kind();
  if (kind != TypeKind::kBoolean && kind != TypeKind::kNull) {
    return invalid_argument("{} needs a BOOLEAN and not {}", name, argument->type().with_nullable(true).to_string());
  }
  return convert_argument(std::move(argument), TypeKind::kBoolean);
}

// The arguments from `first` on, every `step`-th, cast to their common type.
Result<DataType> to_common_type(std::string_view name, std::vector<ExprPtr>& arguments,
                                std::span<const size_t> positions) {
  std::vector<DataType> types;
  for (size_t position : positions) types.push_back(arguments[position]->type());
  Result<DataType> common = common_type(types);
  if (!common) return std::move(common.error()).context(name);
  if (common->kind() == TypeKind::kNull) return *common;
  for (size_t position : positions) {
    arguments[position] = PENSTOCK_TRY(convert_argument(std::move(arguments[position]), *common));
  }
  return *common;
}

std::vector<size_t> positions_from(size_t first, size_t count) {
  std::vector<size_t> positions;
  for (size_t i = first; i < count; ++i) positions.push_back(i);
  return positions;
}

Result<ExprPtr> bind_logic(std::string_view name, std::vector<ExprPtr> arguments) {
  if (arguments.size() < 2) return wrong_count(name, fmt::format("a {} b", name), arguments.size());
  // Chains become one node: (a AND b) AND c.
  Expr::Kind kind = name == "AND" ? Expr::Kind::kAnd : Expr::Kind::kOr;
  std::vector<ExprPtr> children;
  for (ExprPtr& argument : arguments) {
    argument = PENSTOCK_TRY(as_boolean(name, std::move(argument)));
    if (argument->kind() == kind) {
      children.insert(children.end(), argument->children().begin(), argument->children().end());
    } else {
      children.push_back(argument);
    }
  }
  return name == "AND" ? Expr::logical_and(std::move(children)) : Expr::logical_or(std::move(children));
}

Result<ExprPtr> bind_coalesce(std::string_view name, std::vector<ExprPtr> arguments) {
  bool is_ifnull = name == "IFNULL" || name == "NVL";
  if (arguments.empty() || (is_ifnull && arguments.size() != 2)) {
    return wrong_count(name, is_ifnull ? "IFNULL(value, replacement)" : "COALESCE(value, ...)", arguments.size());
  }
  DataType type = PENSTOCK_TRY(to_common_type(name, arguments, positions_from(0, arguments.size())));
  bool nullable = std::all_of(arguments.begin(), arguments.end(),
                              [](const ExprPtr& argument) { return argument->type().nullable(); });
  if (arguments.size() == 1) return arguments[0];
  return Expr::coalesce(std::move(arguments), type.with_nullable(nullable));
}

// NULLIF(a, b) is CASE WHEN a = b THEN NULL ELSE a END.
Result<ExprPtr> bind_nullif(std::string_view name, std::vector<ExprPtr> arguments) {
  if (arguments.size() != 2) return wrong_count(name, "NULLIF(a, b)", arguments.size());
  ExprPtr value = arguments[0];
  ExprPtr equal = PENSTOCK_TRY(bind_call("=", std::move(arguments)));
  return bind_case({std::move(equal), Expr::literal({}, TypeKind::kNull), std::move(value)});
}

Result<ExprPtr> bind_if(std::string_view name, std::vector<ExprPtr> arguments) {
  if (arguments.size() != 3) return wrong_count(name, "IF(condition, then, else)", arguments.size());
  return bind_case(std::move(arguments));
}

// OVERLAPS(start, end, start, end): an end may be an interval, and before its start.
Result<ExprPtr> bind_overlaps(std::string_view name, std::vector<ExprPtr> arguments) {
  if (arguments.size() != 4) return wrong_count(name, "(start, end) OVERLAPS (start, end)", arguments.size());
  for (size_t i : {size_t{0}, size_t{2}}) {
    if (arguments[i + 1]->type().is_interval()) {
      arguments[i + 1] = PENSTOCK_TRY(bind_call("+", {arguments[i], arguments[i + 1]}));
    }
  }
  const auto end_of = [&](std::string_view which, size_t period) {
    return bind_call(which, {arguments[period], arguments[period + 1]});
  };
  ExprPtr first =
      PENSTOCK_TRY(bind_call("<=", {PENSTOCK_TRY(end_of("LEAST", 0)), PENSTOCK_TRY(end_of("GREATEST", 2))}));
  ExprPtr second =
      PENSTOCK_TRY(bind_call(">=", {PENSTOCK_TRY(end_of("GREATEST", 0)), PENSTOCK_TRY(end_of("LEAST", 2))}));
  return bind_call("AND", {std::move(first), std::move(second)});
}

Result<ExprPtr> bind_json_object_form(std::string_view, std::vector<ExprPtr> arguments) {
  return bind_json_object(std::move(arguments), false);
}
// The standard leaves NULLs out, PostgreSQL's function does not.
Result<ExprPtr> bind_json_array_form(std::string_view name, std::vector<ExprPtr> arguments) {
  return bind_json_array(std::move(arguments), name == "JSON_ARRAY");
}
Result<ExprPtr> bind_json_string_form(std::string_view, std::vector<ExprPtr> arguments) {
  return bind_json_string(std::move(arguments));
}

// Those without a function have syntax of their own and come through bind_case() and bind_cast().
constexpr FunctionCategory kConditional = FunctionCategory::kConditional;
constexpr std::array kForms = std::to_array<SpecialFormEntry>({
    {"AND", FunctionCategory::kLogic, "a AND b", "Whether both are TRUE; b is only computed where a is not FALSE.",
     "TRUE AND NULL => NULL", bind_logic},
    {"OR", FunctionCategory::kLogic, "a OR b", "Whether one is TRUE; b is only computed where a is not TRUE.",
     "TRUE OR NULL => TRUE", bind_logic},
    {"CASE", kConditional, "CASE WHEN condition THEN result ... [ELSE result] END",
     "The result of the first condition that is TRUE; NULL where none is and there is no ELSE.",
     "CASE WHEN 1 > 2 THEN 'a' ELSE 'b' END => b", nullptr},
    {"COALESCE", kConditional, "COALESCE(value, ...)", "The first value that is not NULL.", "COALESCE(NULL, 2) => 2",
     bind_coalesce},
    {"IFNULL", kConditional, "IFNULL(value, replacement)", "The value, or the replacement where it is NULL.",
     "IFNULL(NULL, 2) => 2", bind_coalesce},
    {"NVL", kConditional, "NVL(value, replacement)", "The same as IFNULL.", "NVL(1, 2) => 1", bind_coalesce},
    {"NULLIF", kConditional, "NULLIF(a, b)", "NULL where a equals b, else a.", "NULLIF(1, 1) => NULL", bind_nullif},
    {"IF", kConditional, "IF(condition, then, else)", "One of two values.", "IF(1 > 2, 'a', 'b') => b", bind_if},
    {"CAST", FunctionCategory::kCast, "CAST(value AS type)",
     "The value as another type; a value that cannot be fails its row.", "CAST('12' AS INT) => 12", nullptr},
    {"OVERLAPS", FunctionCategory::kTemporal, "(start, end) OVERLAPS (start, end)",
     "Whether two periods have a moment in common, their ends included; an end may be an interval.",
     "(TIME '02:55:00', INTERVAL '1' HOUR) OVERLAPS (TIME '03:30:00', INTERVAL '2' HOUR) => TRUE", bind_overlaps},
    {"JSON_OBJECT", FunctionCategory::kJson, "JSON_OBJECT([[KEY] name VALUE value, ...] [NULL | ABSENT ON NULL])",
     "A JSON object; NULLs become null unless ABSENT ON NULL is said. Values that are JSON by themselves (of "
     "JSON_OBJECT, JSON_ARRAY, JSON, JSON_QUERY, ->) stand as they are.",
     "JSON_OBJECT(KEY 'a' VALUE 1, KEY 'b' VALUE ARRAY['x']) => {\"a\":1,\"b\":[\"x\"]}", bind_json_object_form},
    {"JSON_ARRAY", FunctionCategory::kJson, "JSON_ARRAY([value, ...] [NULL | ABSENT ON NULL])",
     "A JSON array; NULLs are left out unless NULL ON NULL is said.",
     "JSON_ARRAY(1, 'a', NULL) => [1,\"a\"]\nJSON_ARRAY(1, NULL NULL ON NULL) => [1,null]", bind_json_array_form},
    {"JSON_STRING", FunctionCategory::kJson, "JSON_STRING(value)", "The value as JSON; NULL is NULL.",
     "JSON_STRING(ARRAY[1, 2]) => [1,2]\nJSON_STRING('a') => \"a\"", bind_json_string_form},
    {"JSON_BUILD_OBJECT", FunctionCategory::kJson, "JSON_BUILD_OBJECT(name, value, ...)",
     "PostgreSQL's name of JSON_OBJECT.", "JSON_BUILD_OBJECT('a', 1) => {\"a\":1}", bind_json_object_form},
    {"JSON_BUILD_ARRAY", FunctionCategory::kJson, "JSON_BUILD_ARRAY(value, ...)",
     "A JSON array in which NULLs are null.", "JSON_BUILD_ARRAY(1, NULL) => [1,null]", bind_json_array_form},
    {"TO_JSON", FunctionCategory::kJson, "TO_JSON(value)", "The same as JSON_STRING.", "TO_JSON(TRUE) => true",
     bind_json_string_form},
    {"ROW_TO_JSON", FunctionCategory::kJson, "ROW_TO_JSON(row)", "A row as a JSON object.",
     "ROW_TO_JSON(CAST(ROW(1, 'a') AS ROW<n INT, s STRING>)) => {\"n\":1,\"s\":\"a\"}", bind_json_string_form},
    {"TRY_CAST", FunctionCategory::kCast, "TRY_CAST(value AS type)",
     "The value as another type, NULL where it cannot be.", "TRY_CAST('x' AS INT) => NULL", nullptr},
});
constexpr auto kFormNames = [] {
  std::array<std::string_view, kForms.size()> names;
  for (size_t i = 0; i < names.size(); ++i) names[i] = kForms[i].name;
  return names;
}();

}  // namespace

SpecialForm find_special_form(std::string_view name) {
  for (const SpecialFormEntry& form : kForms) {
    if (form.name == name) return form.bind;
  }
  return nullptr;
}

std::span<const std::string_view> special_form_names() { return kFormNames; }

std::span<const SpecialFormEntry> special_forms() { return kForms; }

Result<ExprPtr> bind_case(std::vector<ExprPtr> children) {
  if (children.size() < 3 || children.size() % 2 == 0) {
    return invalid_argument("CASE needs at least one WHEN ... THEN ...");
  }
  std::vector<size_t> results;
  for (size_t i = 0; i + 1 < children.size(); i += 2) {
    children[i] = PENSTOCK_TRY(as_boolean("WHEN", std::move(children[i])));
    results.push_back(i + 1);
  }
  results.push_back(children.size() - 1);
  bool nullable = std::any_of(results.begin(), results.end(),
                              [&](size_t position) { return children[position]->type().nullable(); });
  DataType type = PENSTOCK_TRY(to_common_type("CASE", children, results));
  return Expr::case_when(std::move(children), type.with_nullable(nullable));
}

}  // namespace penstock::expr
