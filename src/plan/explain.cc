// Plans for people and for the console.
#include <fmt/format.h>

#include "base/json_text.h"
#include "plan/node.h"
#include "plan/planner.h"
#include "types/calendar.h"

namespace penstock::plan {

using expr::ExprPtr;
using types::Schema;

std::string list_text(const std::vector<std::string>& texts) { return fmt::format("[{}]", fmt::join(texts, ", ")); }

std::string column_list(const std::vector<int>& columns, const Schema& schema) {
  std::vector<std::string> names;
  for (int column : columns) names.push_back(schema[column].name);
  return list_text(names);
}

std::string name_list(const Schema& schema) {
  std::vector<std::string> names;
  for (const types::Field& field : schema) names.push_back(field.name);
  return list_text(names);
}

std::string duration_text(int64_t micros) {
  if (micros == 0) return "0 s";
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
  return list_text(texts);
}

namespace {

Description describe(const PhysicalNode& node) {
  return std::visit([&](const auto& op) { return plan::describe(op, node); }, node.op);
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

std::string operator_name(const PhysicalNode& node) { return describe(node).kind; }

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
