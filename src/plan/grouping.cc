#include "plan/grouping.h"

#include <algorithm>
#include <string>
#include <utility>

#include "expr/registry.h"
#include "plan/binder.h"
#include "plan/node.h"

namespace penstock::plan {
namespace {

using expr::Expr;
using expr::ExprPtr;
using types::DataType;
using types::TypeKind;

Error too_many_sets() {
  return make_error(ErrorCode::kResourceExhausted, "GROUP BY has more than {} sets", kGroupingSetsMax);
}

void add_keys(GroupingSet& set, const GroupingSet& keys) {
  for (int key : keys) {
    if (std::ranges::find(set, key) == set.end()) set.push_back(key);
  }
}

bool has(const GroupingSet& set, int key) { return std::ranges::find(set, key) != set.end(); }

LogicalPtr project(LogicalPtr input, std::vector<ExprPtr> columns) {
  std::vector<std::string> names;
  for (const ExprPtr& column : columns) names.push_back(label(*column));
  return make_project(std::move(input), std::move(columns), std::move(names));
}

// Adds what the calls use to `columns`, and sets the calls' columns.
std::vector<AggregateCall> place_arguments(std::vector<FoundAggregate> found, std::vector<ExprPtr>& columns) {
  std::vector<AggregateCall> calls;
  for (FoundAggregate& one : found) {
    if (one.argument != nullptr) one.call.argument = find_or_add(columns, one.argument);
    if (one.filter != nullptr) one.call.filter = find_or_add(columns, one.filter);
    calls.push_back(one.call);
  }
  return calls;
}

}  // namespace

Result<std::vector<GroupingSet>> grouping_sets(sql::GroupingKind kind, const std::vector<GroupingSet>& elements) {
  std::vector<GroupingSet> sets;
  switch (kind) {
    case sql::GroupingKind::kSimple:
    case sql::GroupingKind::kGroupingSets: return elements;
    case sql::GroupingKind::kRollup:
      for (size_t count = elements.size() + 1; count-- > 0;) {
        sets.emplace_back();
        for (size_t i = 0; i < count; ++i) add_keys(sets.back(), elements[i]);
      }
      return sets;
    case sql::GroupingKind::kCube:
      sets = {{}};
      for (const GroupingSet& element : elements) sets = PENSTOCK_TRY(combine_sets(sets, {element, {}}));
      return sets;
  }
  return sets;
}

Result<std::vector<GroupingSet>> combine_sets(const std::vector<GroupingSet>& sets,
                                              const std::vector<GroupingSet>& others) {
  if (sets.size() * others.size() > kGroupingSetsMax) return too_many_sets();
  std::vector<GroupingSet> combined;
  for (const GroupingSet& set : sets) {
    for (const GroupingSet& other : others) {
      combined.push_back(set);
      add_keys(combined.back(), other);
    }
  }
  return combined;
}

Result<ExprPtr> grouping_bits(const Grouping& grouping, const GroupingSet& keys) {
  DataType type = DataType(TypeKind::kBigInt).with_nullable(false);
  auto literal = [&](int64_t value) { return Expr::literal(types::Value(value), type); };
  auto bits_of = [&](const GroupingSet& set) {
    int64_t bits = 0;
    for (int key : keys) bits = bits * 2 + (has(set, key) ? 0 : 1);
    return bits;
  };
  ExprPtr number = Expr::column(kGroupingSetColumn, type, "grouping set");
  std::vector<ExprPtr> cases;
  int64_t otherwise = bits_of(grouping.sets.back());
  for (size_t i = 0; i < grouping.sets.size(); ++i) {
    int64_t bits = bits_of(grouping.sets[i]);
    if (bits == otherwise) continue;
    cases.push_back(PENSTOCK_TRY(expr::bind_call("=", {number, literal(static_cast<int64_t>(i))})));
    cases.push_back(literal(bits));
  }
  cases.push_back(literal(otherwise));
  return cases.size() == 1 ? std::move(cases.front()) : expr::bind_case(std::move(cases));
}

// Whether a row of nothing but NULLs makes a difference: it does where the argument is a ROW of several things, too.
bool counts_nulls(const FoundAggregate& one) {
  const expr::BoundAggregate& function = one.call.function;
  return one.argument == nullptr || function.parameters->inputs.size() > 1 || function.function->takes.nulls_count;
}

Result<LogicalPtr> make_aggregation(LogicalPtr input, const Grouping& grouping, std::vector<FoundAggregate> found) {
  Aggregate aggregate;
  size_t keys = grouping.keys.size();
  aggregate.keys = identity(keys);
  std::vector<ExprPtr> columns = grouping.keys;
  if (!grouping.has_sets()) {
    aggregate.calls = place_arguments(std::move(found), columns);
    return make_node(std::move(aggregate), {project(std::move(input), std::move(columns))});
  }
  Expand expand;
  for (size_t number = 0; number < grouping.sets.size(); ++number) {
    const GroupingSet& set = grouping.sets[number];
    std::vector<int>& nulls = expand.null_columns.emplace_back();
    for (int key : aggregate.keys) {
      if (!has(set, key)) nulls.push_back(key);
    }
    // The total of nothing is a row, as without GROUP BY.
    if (set.empty()) expand.always.push_back(static_cast<int>(number));
  }
  // What is aggregated stays as it is where keys become NULL; the row that is always there counts for nothing.
  ExprPtr counted = Expr::literal(types::Value(true), DataType(TypeKind::kBoolean).with_nullable(false));
  for (FoundAggregate& one : found) {
    if (one.filter == nullptr && !expand.always.empty() && counts_nulls(one)) one.filter = counted;
  }
  std::vector<ExprPtr> arguments;
  std::vector<AggregateCall> calls = place_arguments(std::move(found), arguments);
  columns.insert(columns.end(), arguments.begin(), arguments.end());
  for (AggregateCall& call : calls) {
    if (call.argument >= 0) call.argument += static_cast<int>(keys);
    if (call.filter >= 0) call.filter += static_cast<int>(keys);
  }
  aggregate.keys.push_back(static_cast<int>(columns.size()));
  aggregate.calls = std::move(calls);
  size_t outputs = keys + 1 + aggregate.calls.size();
  LogicalPtr expanded = make_node(std::move(expand), {project(std::move(input), std::move(columns))});
  LogicalPtr grouped = make_node(std::move(aggregate), {std::move(expanded)});
  std::vector<int> output = identity(outputs);
  std::rotate(output.begin() + static_cast<ptrdiff_t>(keys), output.begin() + static_cast<ptrdiff_t>(keys) + 1,
              output.end());
  return make_selection(std::move(grouped), output);
}

}  // namespace penstock::plan
