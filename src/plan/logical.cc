#include "plan/logical.h"

#include <algorithm>
#include <limits>
#include <ranges>

namespace penstock::plan {
namespace {

using types::DataType;
using types::Field;
using types::Schema;

// The positions that input columns have in the output of a node which passes some on; -1 for those that it drops.
std::vector<int> invert(const std::vector<int>& columns, size_t input_columns) {
  std::vector<int> mapping(input_columns, -1);
  for (size_t i = 0; i < columns.size(); ++i) {
    if (columns[i] >= 0 && mapping[columns[i]] < 0) mapping[columns[i]] = static_cast<int>(i);
  }
  return mapping;
}

// Traits where column i of the input is column mapping[i] of the output.
Traits map_traits(const Traits& input, const std::vector<int>& mapping) {
  Traits traits = input;
  traits.key.reset();
  traits.time_columns.clear();
  if (input.key && std::ranges::all_of(*input.key, [&](int column) { return mapping[column] >= 0; })) {
    traits.key.emplace();
    for (int column : *input.key) traits.key->push_back(mapping[column]);
  }
  for (int column : input.time_columns) {
    if (mapping[column] >= 0) traits.time_columns.push_back(mapping[column]);
  }
  return traits;
}

// Gives one kind of operator its output schema and traits.
struct Derivation {
  const std::vector<LogicalPtr>& inputs;
  Schema& schema;
  Traits& traits;

  const LogicalNode& input() const { return *inputs.front(); }
  void as_input() const {
    schema = input().schema;
    traits = input().traits;
  }
  void add(std::string name, DataType type) const { schema.push_back({std::move(name), type}); }
  void add_window_columns(DataType time, std::span<const WindowAggregate::Property> properties) const {
    static constexpr std::string_view kNames[] = {"window_start", "window_end", "window_time"};
    for (auto property : properties) {
      traits.time_columns.push_back(static_cast<int>(schema.size()));
      add(std::string(kNames[static_cast<size_t>(property)]), time.with_nullable(false));
    }
  }
  void add_keys(const std::vector<int>& keys) const {
    for (int key : keys) schema.push_back(input().schema[key]);
  }
  void add_calls(const std::vector<AggregateCall>& calls) const {
    for (const AggregateCall& call : calls) add(label(call, input().schema), call.function.result_type);
  }

  void operator()(const LogicalScan& op) const {
    for (int column : op.columns) schema.push_back(op.source->schema[column]);
    traits = map_traits(op.source->traits, invert(op.columns, op.source->schema.size()));
    if (!op.with_watermark) traits.time_columns.clear();
  }
  void operator()(const Values& op) const {
    traits.bounded = true;
    if (op.rows.size() <= 1) traits.key.emplace();
  }
  void operator()(const Project& op) const {
    std::vector<int> columns;
    for (const expr::ExprPtr& expression : op.expressions) {
      bool plain = expression->kind() == expr::Expr::Kind::kColumn;
      columns.push_back(plain ? static_cast<int>(expression->column_index()) : -1);
      add(plain ? input().schema[columns.back()].name : "EXPR$" + std::to_string(schema.size()), expression->type());
    }
    traits = map_traits(input().traits, invert(columns, input().schema.size()));
    // A time column that is passed on twice stays one in both places.
    for (size_t i = 0; i < columns.size(); ++i) {
      bool is_time = columns[i] >= 0 &&
                     std::ranges::find(input().traits.time_columns, columns[i]) != input().traits.time_columns.end();
      bool known = std::ranges::find(traits.time_columns, static_cast<int>(i)) != traits.time_columns.end();
      if (is_time && !known) traits.time_columns.push_back(static_cast<int>(i));
    }
    std::ranges::sort(traits.time_columns);
  }
  void operator()(const Filter&) const { as_input(); }
  void operator()(const Sort& op) const {
    as_input();
    if (op.limit && *op.limit <= 1) traits.key.emplace();
  }
  void operator()(const Limit& op) const {
    as_input();
    if (op.limit && *op.limit <= 1) traits.key.emplace();
  }
  void operator()(const AssignWindow& op) const {
    as_input();
    DataType time = schema[op.window.time_column].type;
    using enum WindowAggregate::Property;
    static constexpr WindowAggregate::Property kAll[] = {kStart, kEnd, kTime};
    bool is_time = std::ranges::find(traits.time_columns, op.window.time_column) != traits.time_columns.end();
    add_window_columns(time, kAll);
    if (!is_time) traits.time_columns = input().traits.time_columns;
  }
  void operator()(const Aggregate& op) const {
    add_keys(op.keys);
    add_calls(op.calls);
    traits.bounded = input().traits.bounded;
    traits.append_only = traits.bounded;  // a bounded input gives its groups once, at the end
    traits.key.emplace(std::views::iota(0, static_cast<int>(op.keys.size())).begin(),
                       std::views::iota(0, static_cast<int>(op.keys.size())).end());
  }
  void operator()(const WindowAggregate& op) const {
    add_keys(op.keys);
    add_calls(op.calls);
    traits.bounded = input().traits.bounded;
    if (!op.properties.empty()) {
      traits.key.emplace();
      for (size_t i = 0; i < op.keys.size(); ++i) traits.key->push_back(static_cast<int>(i));
      traits.key->push_back(static_cast<int>(schema.size()));
    }
    add_window_columns(input().schema[op.window.time_column].type, op.properties);
  }
  void operator()(const UnionAll&) const {
    schema = input().schema;
    traits = input().traits;
    traits.key.reset();
    for (size_t i = 1; i < inputs.size(); ++i) {
      const Traits& other = inputs[i]->traits;
      traits.append_only = traits.append_only && other.append_only;
      traits.bounded = traits.bounded && other.bounded;
      std::erase_if(traits.time_columns, [&](int column) {
        return std::ranges::find(other.time_columns, column) == other.time_columns.end();
      });
      for (size_t c = 0; c < schema.size(); ++c) {
        bool nullable = schema[c].type.nullable() || inputs[i]->schema[c].type.nullable();
        schema[c].type = schema[c].type.with_nullable(nullable);
      }
    }
  }
};

}  // namespace

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
  std::visit(Derivation{node->inputs, node->schema, node->traits}, node->op);
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
