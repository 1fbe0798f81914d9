#include "expr/aggregate.h"

#include <algorithm>

#include "expr/aggregate_state.h"
#include "expr/registry.h"
#include "types/decimal.h"

namespace penstock::expr {

using types::DataType;

namespace {

const std::vector<AggregateFunction>& all_aggregates() {
  static const std::vector<AggregateFunction> kAll = [] {
    std::vector<AggregateFunction> all;
    for (std::span<const AggregateFunction> table :
         {sum_aggregates(), extreme_aggregates(), logic_aggregates(), collection_aggregates(), text_aggregates(),
          json_aggregates(), best_row_aggregates(), variance_aggregates(), pair_aggregates(), percentile_aggregates(),
          approximate_aggregates()}) {
      all.insert(all.end(), table.begin(), table.end());
    }
    return all;
  }();
  return kAll;
}

// What the argument's column is: the only input, or a ROW of all.
DataType argument_type(const std::vector<DataType>& inputs) {
  if (inputs.empty()) return {};
  if (inputs.size() == 1) return inputs.front().with_nullable(true);
  std::vector<types::Field> fields;
  for (size_t i = 0; i < inputs.size(); ++i) fields.push_back({fmt::format("f{}", i), inputs[i].with_nullable(true)});
  return DataType::row(std::move(fields));
}

std::string type_list(const std::vector<DataType>& inputs) {
  std::string text;
  for (DataType input : inputs) {
    if (!text.empty()) text += ", ";
    text += input.with_nullable(true).to_string();
  }
  return text;
}

}  // namespace

const AggregateFunction* find_aggregate(std::string_view name) {
  const auto found = std::ranges::find(all_aggregates(), canonical_name(name), &AggregateFunction::name);
  return found == all_aggregates().end() ? nullptr : &*found;
}

Result<BoundAggregate> bind_aggregate(const AggregateFunction& function, AggregateParameters parameters,
                                      bool retractable) {
  AggregateParameters given = parameters;
  for (DataType& input : parameters.inputs) input = input.with_nullable(true);
  auto shared = std::make_shared<AggregateParameters>(std::move(parameters));
  AggregateSignature call{
      .parameters = *shared, .retractable = retractable, .result = {}, .kernels = {}, .complaint = {}};
  const size_t values = shared->values();
  const bool counts_fit = values >= function.takes.values_min && values <= function.takes.values_max;
  const size_t constants = shared->constants.size();
  const bool constants_fit = constants >= function.takes.constants_min && constants <= function.takes.constants_max;
  if (!counts_fit || !constants_fit || !function.bind(call)) {
    if (!call.complaint.empty()) return invalid_argument("{}: {}", function.name, call.complaint);
    return invalid_argument("{} does not take {}", function.name,
                            given.inputs.empty() ? "that argument" : type_list(given.inputs))
        .hint(fmt::format("it is: {}", function.signature));
  }
  return BoundAggregate{.function = &function,
                        .argument_type = argument_type(shared->inputs),
                        .result_type = call.result,
                        .kernels = call.kernels,
                        .parameters = std::move(shared),
                        .given = std::move(given)};
}

Result<BoundAggregate> bind_aggregate(std::string_view name, DataType argument, bool retractable) {
  const AggregateFunction* function = find_aggregate(name);
  if (function == nullptr) {
    std::vector<std::string_view> names;
    for (const AggregateFunction& known : all_aggregates()) names.push_back(known.name);
    std::string closest = closest_name(name, names);
    Error error = not_found("there is no aggregate function {}", name);
    if (closest.empty()) return error;
    return std::move(error).hint(fmt::format("did you mean {}?", closest));
  }
  AggregateParameters parameters;
  if (argument.kind() != types::TypeKind::kNull) parameters.inputs.push_back(argument);
  return bind_aggregate(*function, std::move(parameters), retractable);
}

Result<BoundAggregate> bind_retractable(const BoundAggregate& bound) {
  return bind_aggregate(*bound.function, bound.given, true);
}

std::optional<double> constant_double(const AggregateConstant& constant) {
  if (constant.value.is_null()) return std::nullopt;
  if (constant.type.is_integer()) return static_cast<double>(constant.value.as_int64());
  if (constant.type.is_approximate()) return constant.value.as_double();
  if (constant.type.kind() != types::TypeKind::kDecimal) return std::nullopt;
  return types::decimal_to_double(constant.value.as_int128(), constant.type.scale());
}

std::optional<int64_t> constant_integer(const AggregateConstant& constant) {
  if (constant.value.is_null() || !constant.type.is_integer()) return std::nullopt;
  return constant.value.as_int64();
}

std::span<const AggregateFunction> aggregate_functions() { return all_aggregates(); }

}  // namespace penstock::expr
