#include "expr/aggregate.h"

#include <algorithm>

#include "expr/aggregate_state.h"
#include "expr/registry.h"

namespace penstock::expr {

namespace {

const std::vector<AggregateFunction>& all_aggregates() {
  static const std::vector<AggregateFunction> kAll = [] {
    std::vector<AggregateFunction> all;
    for (std::span<const AggregateFunction> table :
         {sum_aggregates(), extreme_aggregates(), variance_aggregates(), collection_aggregates()}) {
      all.insert(all.end(), table.begin(), table.end());
    }
    return all;
  }();
  return kAll;
}

const AggregateFunction* find_aggregate(std::string_view name) {
  std::string upper(name);
  for (char& c : upper) {
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
  }
  for (const AggregateFunction& function : all_aggregates()) {
    if (function.name == upper) return &function;
  }
  return nullptr;
}

}  // namespace

Result<BoundAggregate> bind_aggregate(std::string_view name, types::DataType argument, bool retractable) {
  const AggregateFunction* function = find_aggregate(name);
  if (function == nullptr) {
    std::vector<std::string_view> names;
    for (const AggregateFunction& known : all_aggregates()) names.push_back(known.name);
    std::string closest = closest_name(name, names);
    Error error = not_found("there is no aggregate function {}", name);
    if (closest.empty()) return error;
    return std::move(error).hint(fmt::format("did you mean {}?", closest));
  }
  BoundAggregate bound{.function = function, .argument_type = argument.with_nullable(true)};
  if (!function->bind(bound.argument_type, bound.result_type, bound.kernels, retractable)) {
    return invalid_argument("{} does not take {}", function->name,
                            argument.kind() == types::TypeKind::kNull ? std::string("that argument")
                                                                      : argument.with_nullable(true).to_string())
        .hint(fmt::format("it is: {}", function->signature));
  }
  return bound;
}

bool is_aggregate_function(std::string_view name) { return find_aggregate(name) != nullptr; }

std::span<const AggregateFunction> aggregate_functions() { return all_aggregates(); }

}  // namespace penstock::expr
