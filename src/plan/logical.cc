#include "plan/logical.h"

#include <algorithm>
#include <limits>

#include "plan/node.h"

namespace penstock::plan {
using types::Field;
using types::Schema;

Traits map_traits(const Traits& input, const std::vector<int>& mapping) {
  Traits traits = input;
  traits.key.reset();
  traits.time_columns.clear();
  traits.processing_times.clear();
  if (input.key && std::ranges::all_of(*input.key, [&](int column) { return mapping[column] >= 0; })) {
    traits.key.emplace();
    for (int column : *input.key) traits.key->push_back(mapping[column]);
  }
  for (int column : input.time_columns) {
    if (mapping[column] >= 0) traits.time_columns.push_back(mapping[column]);
  }
  for (int column : input.processing_times) {
    if (mapping[column] >= 0) traits.processing_times.push_back(mapping[column]);
  }
  for (std::optional<WindowColumns>* window : {&traits.window, &traits.closing_window}) {
    if (!*window) continue;
    for (int* column : {&(*window)->start, &(*window)->end, &(*window)->time}) {
      if (*column >= 0) *column = mapping[*column];
    }
    if ((*window)->end < 0 && (*window)->time < 0) window->reset();
  }
  return traits;
}

bool is_time(const Traits& traits, int column) {
  return std::ranges::find(traits.time_columns, column) != traits.time_columns.end();
}

Derived as_input(const LogicalInputs& inputs) { return {inputs.front()->schema, inputs.front()->traits}; }

LogicalPtr make_node(LogicalOperator op, std::vector<LogicalPtr> inputs, std::vector<std::string> names) {
  auto node = std::make_shared<LogicalNode>();
  node->op = std::move(op);
  node->inputs = std::move(inputs);
  uint64_t size = 1;
  for (const LogicalPtr& input : node->inputs) {
    size += input->size;
    node->height = std::max(node->height, input->height + 1);
  }
  node->size = static_cast<uint32_t>(std::min<uint64_t>(size, std::numeric_limits<uint32_t>::max()));
  Derived derived = std::visit([&](const auto& op) { return derive(op, node->inputs); }, node->op);
  node->schema = std::move(derived.schema);
  node->traits = std::move(derived.traits);
  for (size_t i = 0; i < std::min(names.size(), node->schema.size()); ++i) node->schema[i].name = std::move(names[i]);
  return node;
}

LogicalPtr make_values(std::vector<std::vector<types::Value>> rows, Schema schema) {
  auto node = std::make_shared<LogicalNode>(*make_node(Values{std::move(rows)}, {}));
  node->schema = std::move(schema);
  return node;
}

LogicalPtr make_filter(LogicalPtr input, expr::ExprPtr predicate) {
  return make_node(Filter{std::move(predicate)}, {std::move(input)});
}

LogicalPtr make_project(LogicalPtr input, std::vector<expr::ExprPtr> expressions, std::vector<std::string> names) {
  return make_node(Project{std::move(expressions)}, {std::move(input)}, std::move(names));
}

LogicalPtr make_selection(LogicalPtr input, const std::vector<int>& columns) {
  bool same = columns.size() == input->schema.size();
  for (size_t i = 0; same && i < columns.size(); ++i) same = columns[i] == static_cast<int>(i);
  if (same) return input;
  std::vector<expr::ExprPtr> expressions;
  std::vector<std::string> names;
  for (int column : columns) {
    expressions.push_back(column_of(input->schema, column));
    names.push_back(input->schema[column].name);
  }
  return make_project(std::move(input), std::move(expressions), std::move(names));
}

LogicalPtr with_inputs(const LogicalPtr& node, std::vector<LogicalPtr> inputs) {
  if (node->inputs == inputs) return node;
  std::vector<std::string> names;
  for (const Field& field : node->schema) names.push_back(field.name);
  return make_node(LogicalOperator(node->op), std::move(inputs), std::move(names));
}

LogicalPtr with_names(const LogicalPtr& node, std::vector<std::string> names) {
  auto copy = std::make_shared<LogicalNode>(*node);
  for (size_t i = 0; i < names.size(); ++i) copy->schema[i].name = std::move(names[i]);
  return copy;
}

std::string label(const expr::Expr& expression) {
  constexpr size_t kLabelBytesMax = 80;
  std::string text = expression.to_string();
  if (text.size() <= kLabelBytesMax) return text;
  size_t end = kLabelBytesMax;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0U) == 0x80) --end;
  return text.substr(0, end) + "...";
}

std::string label(const AggregateCall& call, const Schema& input) {
  std::string text(call.function.function->name);
  text += call.distinct ? "(DISTINCT " : "(";
  text += call.argument < 0 ? "*" : input[call.argument].name;
  text += ")";
  if (call.filter >= 0) text += " FILTER (" + input[call.filter].name + ")";
  return text;
}

expr::ExprPtr column_of(const Schema& schema, int column) {
  return expr::Expr::column(static_cast<size_t>(column), schema[column].type, schema[column].name);
}

}  // namespace penstock::plan
