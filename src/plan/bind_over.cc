// Window functions: calls with OVER.
//
// They are collected while the select list and ORDER BY are bound, each as a column numbered from kOverColumns on. When
// the rows that they are over are planned (after grouping), each becomes an operator that adds a column.
#include <algorithm>
#include <array>

#include "plan/binder.h"
#include "sql/keywords.h"

namespace penstock::plan {
namespace {

using expr::Expr;
using expr::ExprPtr;
using types::TypeKind;

struct RankName {
  std::string_view name;
  Rank::Function function;
};
constexpr std::array<RankName, 3> kRankNames = {{
    {"ROW_NUMBER", Rank::Function::kRowNumber},
    {"RANK", Rank::Function::kRank},
    {"DENSE_RANK", Rank::Function::kDenseRank},
}};

}  // namespace

bool FoundOver::operator==(const FoundOver& other) const {
  return function == other.function &&
         std::ranges::equal(window.partition_by, other.window.partition_by,
                            [](const ExprPtr& a, const ExprPtr& b) { return a->equals(*b); }) &&
         std::ranges::equal(
             window.order_by, other.window.order_by, [](const OverWindow::Order& a, const OverWindow::Order& b) {
               return a.value->equals(*b.value) && a.descending == b.descending && a.nulls_first == b.nulls_first;
             });
}

// PARTITION BY and ORDER BY, behind those of the named window that the specification begins with.
Result<OverWindow> Binder::bind_over_window(const sql::WindowSpecification& specification,
                                            const ExpressionContext& context) {
  OverWindow window;
  if (specification.base) {
    const sql::Identifier& name = *specification.base;
    auto named = std::ranges::find_if(context.named_windows, [&](const sql::NamedWindow& known) {
      return sql::equal_ignoring_case(known.name.text, name.text);
    });
    if (named == context.named_windows.end()) {
      return not_found("there is no window {}", name.text)
          .at(name.position.offset)
          .hint("declare it in WINDOW, before the windows that begin with it");
    }
    ExpressionContext earlier = context;
    earlier.named_windows = context.named_windows.first(static_cast<size_t>(named - context.named_windows.begin()));
    window = PENSTOCK_TRY(bind_over_window(named->specification, earlier));
  }
  for (const sql::Expression& key : specification.partition_by) {
    window.partition_by.push_back(PENSTOCK_TRY(bind_expression(key, context)));
  }
  for (const sql::OrderItem& item : specification.order_by) {
    window.order_by.push_back({.value = PENSTOCK_TRY(bind_expression(*item.value, context)),
                               .descending = item.descending,
                               .nulls_first = item.nulls_first.value_or(!item.descending)});
  }
  return window;
}

Result<ExprPtr> Binder::bind_over_call(const sql::Expression& expression, const sql::FunctionCall& call) {
  std::string name = sql::to_upper(call.name.parts.back().text);
  const ExpressionContext& outer = *expression_context_;
  if (outer.overs == nullptr) {
    return invalid_argument("{} OVER is not allowed {}", name, outer.place)
        .at(expression.position.offset)
        .hint("put it into a subquery, and the condition around that");
  }
  auto known = std::ranges::find(kRankNames, name, &RankName::name);
  if (known == kRankNames.end()) {
    return unsupported("{} OVER is not supported", name)
        .at(expression.position.offset)
        .hint("ROW_NUMBER, RANK and DENSE_RANK are");
  }
  if (!call.arguments.empty()) {
    return invalid_argument("{} takes no arguments", name).at(call.arguments.front().position.offset);
  }
  if (call.over->frame) return invalid_argument("{} takes no frame", name).at(expression.position.offset);
  ExpressionContext inner = outer;
  inner.overs = nullptr;
  inner.place = "inside OVER";
  FoundOver found{.function = known->function, .window = PENSTOCK_TRY(bind_over_window(*call.over, inner))};
  if (found.window.order_by.empty()) {
    return invalid_argument("{} needs ORDER BY in its window", name).at(expression.position.offset);
  }
  auto same = std::ranges::find(*outer.overs, found);
  size_t index = static_cast<size_t>(same - outer.overs->begin());
  if (same == outer.overs->end()) outer.overs->push_back(std::move(found));
  return Expr::column(kOverColumns + index, types::DataType(TypeKind::kBigInt).with_nullable(false), name + "() OVER");
}

// Puts an operator per window function on top of `plan`, and their columns for the numbers that stand for them.
LogicalPtr Binder::add_overs(LogicalPtr plan, const std::vector<FoundOver>& overs,
                             std::span<std::vector<ExprPtr>* const> lists) {
  std::vector<int> columns;  // of each window function
  for (const FoundOver& over : overs) {
    std::vector<ExprPtr> inputs;
    std::vector<std::string> names;
    for (size_t i = 0; i < plan->schema.size(); ++i) inputs.push_back(column_of(plan->schema, static_cast<int>(i)));
    Rank rank{.function = over.function, .partition_by = {}, .order_by = {}, .last = std::nullopt};
    for (const ExprPtr& key : over.window.partition_by) rank.partition_by.push_back(find_or_add(inputs, key));
    for (const OverWindow::Order& by : over.window.order_by) {
      rank.order_by.push_back({find_or_add(inputs, by.value), by.descending, by.nulls_first});
    }
    for (size_t i = 0; i < inputs.size(); ++i) {
      names.push_back(i < plan->schema.size() ? plan->schema[i].name : label(*inputs[i]));
    }
    if (inputs.size() > plan->schema.size()) plan = make_project(std::move(plan), std::move(inputs), std::move(names));
    columns.push_back(static_cast<int>(plan->schema.size()));
    plan = make_node(std::move(rank), {std::move(plan)});
  }
  for (std::vector<ExprPtr>* list : lists) {
    for (ExprPtr& expression : *list) {
      expression = expr::transform(expression, [&](ExprPtr node) {
        bool over = node->kind() == Expr::Kind::kColumn && node->column_index() >= kOverColumns;
        return over ? column_of(plan->schema, columns[node->column_index() - kOverColumns]) : node;
      });
    }
  }
  return plan;
}

}  // namespace penstock::plan
