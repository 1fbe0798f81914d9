// Window table functions.
#include <algorithm>
#include <array>

#include "base/suggest.h"
#include "expr/evaluate.h"
#include "plan/binder.h"
#include "plan/rules.h"
#include "sql/keywords.h"
#include "sql/printer.h"
#include "types/calendar.h"

namespace penstock::plan {
namespace {

using expr::ExprPtr;
using types::TypeKind;

// The arguments of a call by their parameters' names; a call names all of them or none.
Result<std::vector<const sql::Expression*>> match_arguments(const sql::FunctionCall& call,
                                                            std::span<const std::string_view> parameters,
                                                            size_t required) {
  std::vector<const sql::Expression*> matched(parameters.size(), nullptr);
  size_t next = 0;
  for (const sql::Expression& argument : call.arguments) {
    size_t index = next++;
    const sql::Expression* value = &argument;
    if (const auto* named = argument.get_if<sql::NamedArgument>()) {
      auto known = std::ranges::find_if(
          parameters, [&](std::string_view name) { return sql::equal_ignoring_case(name, named->name.text); });
      index = static_cast<size_t>(known - parameters.begin());
      value = named->value.get();
    }
    bool fits = index < parameters.size() && matched[index] == nullptr;
    if (!fits)
      return invalid_argument("an argument that {} does not take", sql::print(call.name)).at(argument.position.offset);
    matched[index] = value;
  }
  for (size_t i = 0; i < required; ++i) {
    if (matched[i] == nullptr) {
      return invalid_argument("{} needs {}", sql::print(call.name), parameters[i]).at(call.name.position().offset);
    }
  }
  return matched;
}

}  // namespace

Result<LogicalPtr> Binder::bind_table_function(const sql::FunctionCall& call) {
  std::string name = sql::to_upper(call.name.parts.back().text);
  if (name == "TUMBLE") return bind_tumble(call);
  for (std::string_view known : {"HOP", "CUMULATE", "SESSION", "UNNEST"}) {
    if (name == known) return unsupported("{} is not supported", name).hint("TUMBLE is");
  }
  return not_found("there is no table function {}", name).hint(did_you_mean(name, {"TUMBLE"}));
}

Result<LogicalPtr> Binder::with_window_times(LogicalPtr input) const {
  if (input->traits.bounded || !input->traits.time_columns.empty()) return input;
  RuleContext rule_context{.eval = context_.eval, .mode = context_.mode};
  LogicalPtr optimized = PENSTOCK_TRY(optimize(input, rule_context, context_.disabled_rules));
  return with_names(optimized, column_names(*input));
}

// TUMBLE(TABLE t, DESCRIPTOR(time), size [, offset])
Result<LogicalPtr> Binder::bind_tumble(const sql::FunctionCall& call) {
  static constexpr std::array<std::string_view, 4> kParameters = {"DATA", "TIMECOL", "SIZE", "OFFSET"};
  std::vector<const sql::Expression*> arguments = PENSTOCK_TRY(match_arguments(call, kParameters, 3));
  const auto* data = arguments[0]->get_if<sql::TableArgument>();
  if (data == nullptr || !data->partition_by.empty() || !data->order_by.empty()) {
    return invalid_argument("TUMBLE needs a table, as in TUMBLE(TABLE orders, DESCRIPTOR(ts), INTERVAL '1' MINUTE)")
        .at(arguments[0]->position.offset);
  }
  LogicalPtr input = data->query ? PENSTOCK_TRY(bind_query(*data->query)) : PENSTOCK_TRY(bind_named_table(data->name));
  input = PENSTOCK_TRY(with_window_times(std::move(input)));
  TumblingWindow window;
  window.time_column = PENSTOCK_TRY(bind_window_time(*arguments[1], *input));
  window.size_us = PENSTOCK_TRY(bind_window_interval(*arguments[2], "the size of a window"));
  if (window.size_us <= 0) {
    return invalid_argument("the size of a window must be more than zero").at(arguments[2]->position.offset);
  }
  if (arguments[3] != nullptr) {
    int64_t offset = PENSTOCK_TRY(bind_window_interval(*arguments[3], "the offset of a window"));
    window.offset_us = types::floor_modulo(offset, window.size_us);
  }
  return make_node(AssignWindow{window}, {std::move(input)});
}

Result<int64_t> Binder::bind_window_interval(const sql::Expression& expression, std::string_view what) {
  ExprPtr bound = PENSTOCK_TRY(bind_expression(expression, {.place = "in a window"}));
  if (bound->type().kind() != TypeKind::kIntervalDayTime || !bound->is_constant()) {
    return invalid_argument("{} is an interval of days or less, such as INTERVAL '10' SECOND", what)
        .at(expression.position.offset);
  }
  types::Value value = PENSTOCK_TRY(located(expr::evaluate_constant(*bound, context_.eval), expression.position));
  if (value.is_null()) return invalid_argument("{} is NULL", what).at(expression.position.offset);
  return value.as_int64();
}

Result<int> Binder::bind_window_time(const sql::Expression& expression, const LogicalNode& input) {
  const auto* descriptor = expression.get_if<sql::Descriptor>();
  if (descriptor == nullptr || descriptor->columns.size() != 1) {
    return invalid_argument("the time of a window is written DESCRIPTOR(column)").at(expression.position.offset);
  }
  const sql::Identifier& name = descriptor->columns.front();
  sql::QualifiedName qualified;
  qualified.parts.push_back(name);
  int column = static_cast<int>(PENSTOCK_TRY(Scope("", input.schema).resolve(qualified)));
  types::DataType type = input.schema[column].type;
  if (!type.is_timestamp()) {
    return invalid_argument("a window needs a TIMESTAMP or TIMESTAMP_LTZ, but {} is {}", name.text,
                            type.with_nullable(true).to_string())
        .at(name.position.offset);
  }
  const std::vector<int>& times = input.traits.time_columns;
  if (!input.traits.bounded && std::ranges::find(times, column) == times.end()) {
    return invalid_argument("column {} has no watermark, so windows over it would never close", name.text)
        .at(name.position.offset)
        .hint("declare WATERMARK FOR it in CREATE TABLE");
  }
  return column;
}

}  // namespace penstock::plan
