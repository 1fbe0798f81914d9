// Lets scans deliver the fields of ROW columns that are used, in place of the whole columns:
//
//   Project(bid.price * 2)          ->   Project($2 * 2)
//     Scan(kind, bid)                      Scan(kind, bid; bid.price)
//
// Before that, fields go down through the operators that pass their rows on, which then carry and keep just these:
//
//   Project(o.id, item)             ->   Project($2, item)
//     Unnest(o.items)                      Unnest(o.items)
//       Scan(o)                              Project(o, o.items, o.id)
//                                              Scan(o)
//
// prune_columns then drops the columns of which nobody needs all.
#include <algorithm>
#include <optional>

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

// --- down to the scans ---

// An input with fields of its columns as columns behind its own.
class FieldInput {
 public:
  explicit FieldInput(LogicalPtr input) : input_(std::move(input)) {}

  size_t columns() const { return input_->schema.size(); }
  size_t added() const { return paths_.size(); }
  void add(const FieldPath& path) {
    if (!find(path)) paths_.push_back(path);
  }
  // The place of the field among those that are added.
  std::optional<size_t> find(const FieldPath& path) const {
    auto at = std::ranges::find(paths_, path);
    if (at == paths_.end()) return std::nullopt;
    return static_cast<size_t>(at - paths_.begin());
  }
  LogicalPtr finish() const {
    if (paths_.empty()) return input_;
    std::vector<ExprPtr> expressions;
    std::vector<std::string> names = column_names(*input_);
    for (int column : identity(columns())) expressions.push_back(column_of(input_->schema, column));
    for (const FieldPath& path : paths_) {
      expressions.push_back(access_field(column_of(input_->schema, path.column), path.fields));
      names.push_back(expressions.back()->to_string());
    }
    return make_project(input_, std::move(expressions), std::move(names));
  }

 private:
  LogicalPtr input_;
  std::vector<FieldPath> paths_;
};

// The fields that the expressions use of columns of which they do not use all.
std::vector<FieldPath> fields_alone(const std::vector<ExprPtr>& expressions) {
  std::vector<FieldPath> fields;
  std::vector<int> whole;
  for (const ExprPtr& expression : expressions) {
    replace_fields(expression, [&](const FieldPath& path, const ExprPtr& used) {
      if (path.fields.empty()) {
        whole.push_back(path.column);
      } else {
        fields.push_back(path);
      }
      return used;
    });
  }
  std::erase_if(fields, [&](const FieldPath& path) { return std::ranges::find(whole, path.column) != whole.end(); });
  return fields;
}

// The columns of an operator's input come first in its output, what it adds behind them.
bool passes_columns_on(const LogicalNode& node) {
  return node.get_if<Unnest>() != nullptr || node.get_if<ClockFilter>() != nullptr ||
         node.get_if<ProcessingTime>() != nullptr || node.get_if<AssignWindow>() != nullptr ||
         node.get_if<Rank>() != nullptr || node.get_if<Deduplicate>() != nullptr || node.get_if<Over>() != nullptr ||
         node.get_if<Filter>() != nullptr;
}

LogicalPtr take_fields_below(const LogicalNode& node, const Project& project) {
  const LogicalNode& middle = node.input();
  FieldInput input(middle.inputs.front());
  auto is_of_input = [&](const FieldPath& path) { return static_cast<size_t>(path.column) < input.columns(); };
  for (const FieldPath& path : fields_alone(project.expressions)) {
    if (is_of_input(path)) input.add(path);
  }
  if (input.added() == 0) return nullptr;
  std::vector<ExprPtr> expressions;
  for (const ExprPtr& expression : project.expressions) {
    expressions.push_back(replace_fields(expression, [&](const FieldPath& path, const ExprPtr& used) -> ExprPtr {
      auto column = static_cast<size_t>(path.column);
      if (!path.fields.empty()) {
        std::optional<size_t> place = input.find(path);
        if (!place) return nullptr;
        column = input.columns() + *place;
      } else if (!is_of_input(path)) {
        column += input.added();
      }
      return expr::Expr::column(column, used->type(), used->to_string());
    }));
  }
  LogicalPtr below = input.finish();
  std::vector<std::string> names = column_names(*below);
  for (size_t i = input.columns(); i < middle.schema.size(); ++i) names.push_back(middle.schema[i].name);
  LogicalPtr rebuilt = make_node(LogicalOperator(middle.op), {std::move(below)}, std::move(names));
  return make_project(std::move(rebuilt), std::move(expressions), column_names(node));
}

LogicalPtr take_fields_below_join(const LogicalNode& node, const Project& project, const Join& join) {
  const LogicalNode& middle = node.input();
  FieldInput left(middle.inputs[0]);
  FieldInput right(middle.inputs[1]);
  auto on_left = [&](int column) { return static_cast<size_t>(join.output[column]) < left.columns(); };
  // The field as one of the side that it comes from.
  auto of_side = [&](const FieldPath& path) {
    int column = join.output[path.column] - (on_left(path.column) ? 0 : static_cast<int>(left.columns()));
    return FieldPath{.column = column, .fields = path.fields};
  };
  for (const FieldPath& path : fields_alone(project.expressions)) {
    (on_left(path.column) ? left : right).add(of_side(path));
  }
  if (left.added() + right.added() == 0) return nullptr;
  // New columns stand behind the others: of the left fields, then of the right ones.
  std::vector<ExprPtr> expressions;
  for (const ExprPtr& expression : project.expressions) {
    expressions.push_back(replace_fields(expression, [&](const FieldPath& path, const ExprPtr& used) -> ExprPtr {
      std::optional<size_t> place = (on_left(path.column) ? left : right).find(of_side(path));
      if (!place) return nullptr;
      size_t column = join.output.size() + *place + (on_left(path.column) ? 0 : left.added());
      return expr::Expr::column(column, used->type(), used->to_string());
    }));
  }
  std::vector<int> moved = identity(left.columns());
  for (size_t i = 0; i < right.columns(); ++i) moved.push_back(static_cast<int>(left.columns() + left.added() + i));
  Join rebuilt = join;
  remap(rebuilt.output, moved);
  if (join.condition != nullptr) rebuilt.condition = expr::remap_columns(join.condition, moved);
  for (size_t i = 0; i < left.added(); ++i) rebuilt.output.push_back(static_cast<int>(left.columns() + i));
  size_t behind = left.columns() + left.added() + right.columns();
  for (size_t i = 0; i < right.added(); ++i) rebuilt.output.push_back(static_cast<int>(behind + i));
  LogicalPtr joined = make_node(std::move(rebuilt), {left.finish(), right.finish()}, column_names(middle));
  return make_project(std::move(joined), std::move(expressions), column_names(node));
}

// From the top, so that what goes through one operator goes on through the next.
LogicalPtr push_down(const LogicalPtr& node) {
  LogicalPtr pushed;
  if (const auto* project = node->get_if<Project>()) {
    if (const auto* join = node->input().get_if<Join>()) {
      pushed = take_fields_below_join(*node, *project, *join);
    } else if (passes_columns_on(node->input())) {
      pushed = take_fields_below(*node, *project);
    }
  }
  if (pushed == nullptr) pushed = node;
  std::vector<LogicalPtr> inputs;
  for (const LogicalPtr& input : pushed->inputs) inputs.push_back(push_down(input));
  return with_inputs(pushed, std::move(inputs));
}

}  // namespace

LogicalPtr push_fields_into_scans(const LogicalPtr& plan, const RuleContext& context) {
  // Below each operator the whole rows are dropped where only fields are used now, and a projection on the way becomes
  // part of the one that has come down to it: so it can go on.
  LogicalPtr pushed = plan;
  for (uint32_t round = 0; round < plan->height; ++round) {
    LogicalPtr next = push_down(pushed);
    if (next == pushed) break;
    pushed = merge_projections(prune_columns(next, context), context);
  }
  return rewrite_bottom_up(pushed, rewrite);
}

}  // namespace penstock::plan
