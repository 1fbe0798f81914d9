// Plans for people and for the console.
#include <fmt/format.h>

#include "base/json_text.h"
#include "plan/logical.h"
#include "plan/physical.h"
#include "plan/planner.h"
#include "types/calendar.h"

namespace penstock::plan {
namespace {

using expr::ExprPtr;
using types::Schema;

std::string join(const std::vector<std::string>& texts) { return fmt::format("{}", fmt::join(texts, ", ")); }

std::string column_list(const std::vector<int>& columns, const Schema& schema) {
  std::vector<std::string> names;
  for (int column : columns) names.push_back(schema[column].name);
  return "[" + join(names) + "]";
}

std::string name_list(const Schema& schema) {
  std::vector<std::string> names;
  for (const types::Field& field : schema) names.push_back(field.name);
  return "[" + join(names) + "]";
}

// The largest unit that leaves no remainder: "10 s".
std::string duration(int64_t micros) {
  static constexpr std::pair<int64_t, std::string_view> kUnits[] = {
      {types::kMicrosPerDay, "d"},    {types::kMicrosPerHour, "h"},   {types::kMicrosPerMinute, "min"},
      {types::kMicrosPerSecond, "s"}, {types::kMicrosPerMilli, "ms"},
  };
  for (auto [size, unit] : kUnits) {
    if (micros % size == 0) return fmt::format("{} {}", micros / size, unit);
  }
  return fmt::format("{} us", micros);
}

std::string expression_list(const std::vector<ExprPtr>& expressions, const Schema& output) {
  std::vector<std::string> texts;
  for (size_t i = 0; i < expressions.size(); ++i) {
    std::string text = expressions[i]->to_string();
    texts.push_back(text == output[i].name ? text : output[i].name + " = " + text);
  }
  return "[" + join(texts) + "]";
}

std::string window_text(const TumblingWindow& window, const Schema& input) {
  std::string offset = window.offset_us == 0 ? "" : ", offset " + duration(window.offset_us);
  return fmt::format("tumble({}, {}{})", input[window.time_column].name, duration(window.size_us), offset);
}

std::string call_list(const std::vector<AggregateCall>& calls, const Schema& input) {
  std::vector<std::string> texts;
  for (const AggregateCall& call : calls) texts.push_back(label(call, input));
  return "[" + join(texts) + "]";
}

// A node's kind and its details as pairs of name and value, once for both forms.
struct Description {
  std::string kind;
  std::vector<std::pair<std::string, std::string>> details;

  void add(std::string name, std::string value) { details.emplace_back(std::move(name), std::move(value)); }
  void add_limit(std::optional<int64_t> limit, int64_t offset) {
    if (limit) add("limit", std::to_string(*limit));
    if (offset != 0) add("offset", std::to_string(offset));
  }
};

struct Describe {
  const PhysicalNode& node;
  Description& out;

  const Schema& input() const { return node.inputs.front()->schema; }

  void operator()(const ScanTable& op) const {
    out.kind = "ScanTable";
    out.add("table", op.table);
    out.add("reads", name_list(op.physical));
    std::vector<std::string> metadata;
    for (const ScanTable::Metadata& column : op.metadata) metadata.push_back(column.key);
    if (!metadata.empty()) out.add("metadata", "[" + join(metadata) + "]");
    if (!op.projections.empty()) out.add("columns", expression_list(op.projections, node.schema));
    if (op.filter != nullptr) out.add("filter", op.filter->to_string());
    if (op.watermark != nullptr) out.add("watermark", op.watermark->to_string());
  }
  void operator()(const ScanView& op) const {
    out.kind = "ScanView";
    out.add("view", op.view);
    out.add("reads", name_list(node.schema));
  }
  void operator()(const ScanSystem& op) const {
    out.kind = "ScanSystem";
    out.add("table", op.table);
    out.add("reads", name_list(node.schema));
  }
  void operator()(const Values& op) const {
    out.kind = "Values";
    out.add("rows", std::to_string(op.rows.size()));
  }
  void operator()(const Project& op) const {
    out.kind = "Project";
    out.add("columns", expression_list(op.expressions, node.schema));
  }
  void operator()(const Filter& op) const {
    out.kind = "Filter";
    out.add("condition", op.predicate->to_string());
  }
  void operator()(const AssignWindow& op) const {
    out.kind = "AssignWindow";
    out.add("window", window_text(op.window, input()));
  }
  void operator()(const Aggregate& op) const {
    out.kind = "Aggregate";
    out.add("keys", column_list(op.keys, input()));
    out.add("calls", call_list(op.calls, input()));
  }
  void operator()(const WindowAggregate& op) const {
    static constexpr std::string_view kProperties[] = {"start", "end", "time"};
    out.kind = "WindowAggregate";
    out.add("window", window_text(op.window, input()));
    out.add("keys", column_list(op.keys, input()));
    out.add("calls", call_list(op.calls, input()));
    std::vector<std::string> properties;
    for (auto property : op.properties) properties.emplace_back(kProperties[static_cast<size_t>(property)]);
    out.add("properties", "[" + join(properties) + "]");
  }
  void operator()(const Sort& op) const {
    out.kind = "Sort";
    std::vector<std::string> keys;
    for (const SortKey& key : op.keys) {
      keys.push_back(
          fmt::format("{}{}{}", input()[key.column].name, key.descending ? " DESC" : "",
                      key.nulls_first == key.descending ? (key.nulls_first ? " NULLS FIRST" : " NULLS LAST") : ""));
    }
    out.add("by", "[" + join(keys) + "]");
    out.add_limit(op.limit, op.offset);
  }
  void operator()(const Limit& op) const {
    out.kind = "Limit";
    out.add_limit(op.limit, op.offset);
  }
  void operator()(const UnionAll&) const { out.kind = "UnionAll"; }
  void operator()(const Exchange& op) const {
    out.kind = "Exchange";
    out.add("to", op.kind == Exchange::Kind::kSingle ? "one task" : "hash" + column_list(op.keys, input()));
  }
};

Description describe(const PhysicalNode& node) {
  Description description;
  std::visit(Describe{node, description}, node.op);
  return description;
}

std::string traits_text(const PhysicalNode& node) {
  std::string text = node.traits.append_only ? "append-only" : "retract";
  if (node.traits.bounded) text += ", bounded";
  if (node.traits.key) {
    text += node.traits.key->empty() ? ", one row" : ", key " + column_list(*node.traits.key, node.schema);
  }
  if (!node.traits.time_columns.empty()) text += ", time " + column_list(node.traits.time_columns, node.schema);
  return text;
}

void append_text(const PhysicalNode& node, size_t depth, std::string& out) {
  Description description = describe(node);
  out.append(2 * depth, ' ');
  out += description.kind + "(";
  for (size_t i = 0; i < description.details.size(); ++i) {
    if (i > 0) out += ", ";
    out += description.details[i].first + "=" + description.details[i].second;
  }
  out += ")  -- " + traits_text(node) + "\n";
  for (const PhysicalPtr& input : node.inputs) append_text(*input, depth + 1, out);
}

void append_json(const PhysicalNode& node, std::string& out) {
  auto string = [&](std::string_view text) { append_json_string(out, text); };
  Description description = describe(node);
  out += "{\"operator\":";
  string(description.kind);
  for (const auto& [name, value] : description.details) {
    out += ",";
    string(name);
    out += ":";
    string(value);
  }
  out += ",\"traits\":";
  string(traits_text(node));
  out += ",\"schema\":[";
  for (size_t i = 0; i < node.schema.size(); ++i) {
    out += i > 0 ? ",{\"name\":" : "{\"name\":";
    string(node.schema[i].name);
    out += ",\"type\":";
    string(node.schema[i].type.to_string());
    out += "}";
  }
  out += "],\"inputs\":[";
  for (size_t i = 0; i < node.inputs.size(); ++i) {
    if (i > 0) out += ",";
    append_json(*node.inputs[i], out);
  }
  out += "]}";
}

}  // namespace

std::string explain_text(const PhysicalNode& root) {
  std::string out;
  append_text(root, 0, out);
  return out;
}

std::string explain_json(const PhysicalNode& root) {
  std::string out;
  append_json(root, out);
  return out;
}

}  // namespace penstock::plan
