// Lets scans deliver the fields of ROW columns that are used, in place of the whole columns:
//
//   Project(bid.price * 2)          ->   Project($2 * 2)
//     Scan(kind, bid)                      Scan(kind, bid; bid.price)
//
// prune_columns then drops the column where nobody needs all of it.
#include <algorithm>

#include "expr/registry.h"
#include "plan/node.h"
#include "plan/rules.h"

namespace penstock::plan {

using expr::ExprPtr;

std::optional<FieldPath> as_field_path(const expr::Expr& expression) {
  if (expression.kind() == expr::Expr::Kind::kColumn) {
    return FieldPath{.column = static_cast<int>(expression.column_index()), .fields = {}};
  }
  std::optional<expr::FieldAccess> access = expr::as_field_access(expression);
  if (!access) return std::nullopt;
  std::optional<FieldPath> path = as_field_path(*access->row);
  if (path) path->fields.push_back(access->field);
  return path;
}

ExprPtr replace_fields(const ExprPtr& expression, const ReplaceField& replace) {
  if (std::optional<FieldPath> path = as_field_path(*expression)) {
    if (ExprPtr replaced = replace(*path, expression)) return replaced;
  }
  std::vector<ExprPtr> children;
  bool changed = false;
  for (const ExprPtr& child : expression->children()) {
    children.push_back(replace_fields(child, replace));
    changed = changed || children.back() != child;
  }
  return changed ? expression->with_children(std::move(children)) : expression;
}

ExprPtr access_field(ExprPtr value, std::span<const size_t> fields) {
  for (size_t field : fields) {
    ExprPtr place = expr::Expr::literal(types::Value(static_cast<int64_t>(field)), types::TypeKind::kInt);
    value = expr::bind_call(".", {std::move(value), std::move(place)}).value();
  }
  return value;
}

namespace {

bool can_give_fields(const LogicalScan& scan) {
  return scan.source->kind == ScanSource::Kind::kTable && scan.source->reads_fields;
}

// Replaces the fields of the scan's columns that the expressions use by columns behind those of the scan, which it
// adds.
class FieldScan {
 public:
  explicit FieldScan(const LogicalScan& scan) : scan_(scan) {}

  ExprPtr rewrite(const ExprPtr& expression) {
    return replace_fields(expression, [&](const FieldPath& path, const ExprPtr& used) -> ExprPtr {
      if (path.fields.empty() || static_cast<size_t>(path.column) >= scan_.columns.size()) return nullptr;
      FieldPath of_source{.column = scan_.columns[path.column], .fields = path.fields};
      auto at = std::ranges::find(scan_.fields, of_source);
      size_t column = scan_.columns.size() + static_cast<size_t>(at - scan_.fields.begin());
      if (at == scan_.fields.end()) scan_.fields.push_back(std::move(of_source));
      return expr::Expr::column(column, used->type(), used->to_string());
    });
  }

  // The scan with these fields, its own condition over them too.
  LogicalScan finish() {
    if (scan_.filter != nullptr) scan_.filter = rewrite(scan_.filter);
    return std::move(scan_);
  }

 private:
  LogicalScan scan_;
};

LogicalPtr rewrite_node(const LogicalPtr& node) {
  const auto* project = node->get_if<Project>();
  const auto* scan = project == nullptr ? nullptr : node->input().get_if<LogicalScan>();
  if (scan == nullptr || !can_give_fields(*scan)) return node;
  FieldScan fields(*scan);
  std::vector<ExprPtr> expressions;
  for (const ExprPtr& expression : project->expressions) expressions.push_back(fields.rewrite(expression));
  LogicalPtr input = make_node(fields.finish(), {}, column_names(node->input()));
  return make_project(std::move(input), std::move(expressions), column_names(*node));
}

// A scan that is not below a projection has only a condition that may use fields.
LogicalPtr rewrite(const LogicalPtr& node) {
  std::vector<LogicalPtr> inputs;
  for (const LogicalPtr& input : node->inputs) {
    const auto* scan = input->get_if<LogicalScan>();
    bool alone =
        scan != nullptr && can_give_fields(*scan) && scan->filter != nullptr && node->get_if<Project>() == nullptr;
    if (!alone) {
      inputs.push_back(input);
      continue;
    }
    LogicalPtr filtered = make_node(FieldScan(*scan).finish(), {}, column_names(*input));
    inputs.push_back(make_selection(std::move(filtered), identity(input->schema.size())));
  }
  return rewrite_node(with_inputs(node, std::move(inputs)));
}

}  // namespace

LogicalPtr push_fields_into_scans(const LogicalPtr& plan, const RuleContext& /*context*/) {
  return rewrite_bottom_up(plan, rewrite);
}

}  // namespace penstock::plan
