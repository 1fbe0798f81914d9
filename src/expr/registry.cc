#include "expr/registry.h"

#include <algorithm>
#include <array>
#include <map>

#include "expr/binding.h"
#include "expr/constant_check.h"
#include "expr/evaluate.h"
#include "expr/special_forms.h"
#include "types/text_scanner.h"

namespace penstock::expr {

namespace {

std::string to_upper(std::string_view text) {
  std::string upper(text);
  for (char& c : upper) {
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
  }
  return upper;
}

using OverloadMap = std::map<std::string, std::vector<const ScalarFunction*>, std::less<>>;

std::vector<const ScalarFunction*> list_functions() {
  std::vector<const ScalarFunction*> all;
  // Those of JSON stand before those of text: || of JSON goes before || of what it is written in.
  for (std::span<const ScalarFunction> table : {arithmetic_functions(),
                                                json_functions(),
                                                json_construction_functions(),
                                                json_operator_functions(),
                                                json_change_functions(),
                                                math_functions(),
                                                number_functions(),
                                                comparison_functions(),
                                                logic_functions(),
                                                pattern_functions(),
                                                regex_functions(),
                                                regex_place_functions(),
                                                text_functions(),
                                                text_parts_functions(),
                                                text_format_functions(),
                                                printf_functions(),
                                                encoding_functions(),
                                                hash_functions(),
                                                temporal_functions(),
                                                temporal_construction_functions(),
                                                temporal_conversion_functions(),
                                                time_bucket_functions(),
                                                to_char_functions(),
                                                nested_functions(),
                                                array_functions(),
                                                array_set_functions(),
                                                array_operator_functions(),
                                                map_functions(),
                                                geography_functions(),
                                                system_functions()}) {
    for (const ScalarFunction& function : table) all.push_back(&function);
  }
  return all;
}

const OverloadMap& overloads() {
  static const OverloadMap kOverloads = [] {
    OverloadMap map;
    for (const ScalarFunction* function : list_functions()) map[std::string(function->name)].push_back(function);
    return map;
  }();
  return kOverloads;
}

bool is_word(std::string_view name) {
  return !name.empty() && ((name[0] >= 'A' && name[0] <= 'Z') || name[0] == '_') && name.find(' ') == name.npos;
}

Error unknown_function(std::string_view name) {
  std::vector<std::string_view> names;
  for (const auto& [known, functions] : overloads()) {
    if (is_word(known)) names.push_back(known);
  }
  for (std::string_view form : special_form_names()) names.push_back(form);
  Error error = not_found("there is no function {}", name);
  std::string closest = closest_name(to_upper(name), names);
  if (closest.empty()) return error;
  return std::move(error).hint(fmt::format("did you mean {}?", closest));
}

std::string type_list(std::span<const ExprPtr> arguments) {
  std::string text;
  for (const ExprPtr& argument : arguments) {
    if (!text.empty()) text += ", ";
    text += argument->type().with_nullable(true).to_string();
  }
  return text;
}

Error no_overload(std::string_view name, std::span<const ExprPtr> arguments,
                  std::span<const ScalarFunction* const> candidates) {
  std::string signatures;
  for (const ScalarFunction* candidate : candidates) {
    if (!signatures.empty()) signatures += "; ";
    signatures += candidate->signature;
  }
  return invalid_argument("{} does not take ({})", name, type_list(arguments)).hint("it is: " + signatures);
}

// Whether the constants among the arguments of a call are right.
Status check_constants(const ScalarFunction& function, std::span<const ExprPtr> arguments) {
  for (std::span<const ConstantCheck> checks :
       {temporal_conversion_checks(), json_checks(), map_checks(), number_checks()}) {
    for (const ConstantCheck& check : checks) {
      if (check.bind != function.bind || check.argument >= arguments.size()) continue;
      const Expr& argument = *arguments[check.argument];
      if (!argument.is_constant()) continue;
      // What cannot be computed fails in the rows that reach it.
      const Result<Value> value = evaluate_constant(argument, {});
      if (value && !value->is_null()) PENSTOCK_TRY(check.check(types::to_text(*value, argument.type())));
    }
  }
  return {};
}

DataType result_type(const ScalarFunction& function, const CallSignature& call) {
  bool nullable = false;
  switch (function.nulls) {
    case NullRule::kMakes: nullable = true; break;
    case NullRule::kHandles: nullable = !call.never_null; break;
    case NullRule::kPropagates:
      nullable = std::any_of(call.arguments.begin(), call.arguments.end(),
                             [](const ExprPtr& argument) { return argument->type().nullable(); });
  }
  return call.result.with_nullable(nullable);
}

}  // namespace

std::string canonical_name(std::string_view name) {
  constexpr std::string_view kJsonb = "JSONB_";
  std::string upper = to_upper(name);
  if (upper.starts_with(kJsonb)) upper.erase(kJsonb.size() - 2, 1);
  return upper == "TO_JSONB" ? "TO_JSON" : upper;
}

Result<ExprPtr> convert_argument(ExprPtr argument, DataType type) {
  if (argument->type().same_type(type) || type.kind() == TypeKind::kNull) return argument;
  if (argument->is_null_literal()) return Expr::literal({}, type);
  bool is_literal = argument->is_literal();
  bool depends_on_zone = type.kind() == TypeKind::kTimestampLtz || argument->type().kind() == TypeKind::kTimestampLtz;
  ExprPtr cast = Expr::cast(std::move(argument), type);
  if (!is_literal || depends_on_zone) return cast;
  return Expr::literal(PENSTOCK_TRY(evaluate_constant(*cast, {})), type);
}

Result<ExprPtr> bind_call(std::string_view name, std::vector<ExprPtr> arguments) {
  std::string upper = canonical_name(name);
  if (SpecialForm form = find_special_form(upper)) return form(upper, std::move(arguments));
  auto found = overloads().find(upper);
  if (found == overloads().end()) return unknown_function(name);
  for (const ScalarFunction* function : found->second) {
    CallSignature call{.arguments = arguments};
    for (const ExprPtr& argument : arguments) {
      call.argument_types.push_back(argument->type().with_nullable(true));
    }
    if (!function->bind(call)) continue;
    if (Status right = check_constants(*function, arguments); !right) return std::move(right).error().context(upper);
    std::vector<ExprPtr> converted;
    for (size_t i = 0; i < arguments.size(); ++i) {
      Result<ExprPtr> argument = convert_argument(arguments[i], call.argument_types[i]);
      if (!argument) return std::move(argument.error()).context(upper);
      converted.push_back(*std::move(argument));
    }
    DataType type = result_type(*function, call);
    return Expr::call(*function, call.kernel, std::move(converted), type);
  }
  return no_overload(upper, arguments, found->second);
}

Result<ExprPtr> bind_cast(ExprPtr child, DataType type, bool try_cast) {
  DataType from = child->type();
  if (child->is_null_literal()) return Expr::literal({}, type);
  if (from.same_type(type)) return child;
  if (!explicitly_castable(from, type)) {
    Error error = invalid_argument("there is no cast from {} to {}", from.with_nullable(true).to_string(),
                                   type.with_nullable(true).to_string());
    if (from.is_numeric() && type.is_timestamp()) {
      return std::move(error).hint("use TO_TIMESTAMP_LTZ(seconds_or_millis, 0 or 3)");
    }
    if (from.is_timestamp() && type.is_numeric()) return std::move(error).hint("use UNIX_TIMESTAMP or TIMESTAMPDIFF");
    return error;
  }
  return try_cast ? Expr::try_cast(std::move(child), type) : Expr::cast(std::move(child), type);
}

Result<ExprPtr> coerce(ExprPtr child, DataType type) {
  bool fits = implicitly_castable(child->type(), type) ||
              // A literal that the type can hold: INSERT of 1 into a TINYINT.
              (child->is_literal() && child->type().is_numeric() && type.is_numeric());
  if (!fits) {
    return invalid_argument("{} is not taken as {} without a cast", child->type().with_nullable(true).to_string(),
                            type.with_nullable(true).to_string());
  }
  bool narrows = child->type().is_integer() && type.is_integer() && type.kind() < child->type().kind();
  if (narrows) {
    types::IntegerRange range = types::integer_range(type.kind());
    int64_t value = child->value().as_int64();
    if (value < range.min || value > range.max) {
      return invalid_argument("{} does not fit {}", value, type.with_nullable(true).to_string());
    }
  }
  return convert_argument(std::move(child), type);
}

Result<ExprPtr> number_literal(std::string_view text) {
  size_t point = text.find('.');
  if (text.find_first_of("eE") != text.npos) {
    return Expr::literal(Value(PENSTOCK_TRY(types::double_from_text(text))), TypeKind::kDouble);
  }
  std::string digits(text.substr(0, point));
  int scale = 0;
  if (point != text.npos) {
    digits += text.substr(point + 1);
    scale = static_cast<int>(text.size() - point - 1);
  }
  if (digits.empty() || digits.find_first_not_of("0123456789") != digits.npos) {
    return invalid_argument("'{}' is not a number", types::excerpt(text));
  }
  if (scale == 0) {
    if (Result<Value> value = types::from_text(digits, TypeKind::kInt)) return Expr::literal(*value, TypeKind::kInt);
    if (Result<Value> value = types::from_text(digits, TypeKind::kBigInt)) {
      return Expr::literal(*value, TypeKind::kBigInt);
    }
    digits.erase(0, std::min(digits.find_first_not_of('0'), digits.size() - 1));
  }
  // As Calcite: every digit that is written counts, so 0.908 is a DECIMAL(4, 3).
  int precision = static_cast<int>(digits.size());
  if (precision > 38) return invalid_argument("the number {} has more than 38 digits", types::excerpt(text));
  DataType type = DataType::decimal(precision, scale);
  return Expr::literal(Value(PENSTOCK_TRY(types::decimal_from_text(text, precision, scale))), type);
}

bool is_scalar_function(std::string_view name) {
  std::string upper = canonical_name(name);
  if (!is_word(upper)) return false;
  return find_special_form(upper) != nullptr || overloads().contains(upper);
}

std::vector<const ScalarFunction*> scalar_functions() { return list_functions(); }

std::string closest_name(std::string_view name, std::span<const std::string_view> known) {
  std::string upper = to_upper(name);
  auto distance = [&](std::string_view other) {  // Levenshtein's
    std::vector<size_t> row(other.size() + 1);
    for (size_t j = 0; j <= other.size(); ++j) row[j] = j;
    for (size_t i = 1; i <= upper.size(); ++i) {
      size_t diagonal = row[0];
      row[0] = i;
      for (size_t j = 1; j <= other.size(); ++j) {
        size_t substitute = diagonal + (upper[i - 1] == other[j - 1] ? 0 : 1);
        diagonal = row[j];
        row[j] = std::min({substitute, row[j] + 1, row[j - 1] + 1});
      }
    }
    return row.back();
  };
  constexpr size_t kNameBytesMax = 128;
  if (upper.size() > kNameBytesMax) return {};
  std::string_view best;
  size_t best_distance = std::max<size_t>(upper.size() / 3, 1) + 1;
  for (std::string_view candidate : known) {
    size_t d = distance(to_upper(candidate));
    if (d < best_distance) {
      best = candidate;
      best_distance = d;
    }
  }
  return std::string(best);
}

}  // namespace penstock::expr
