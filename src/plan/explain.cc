// Plans for people and for the console.
#include <fmt/format.h>

#include <map>

#include "base/json_text.h"
#include "plan/node.h"
#include "plan/planner.h"
#include "plan/state_description.h"
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
  Description out = std::visit([&](const auto& op) { return plan::describe(op, node); }, node.op);
  if (std::optional<StateDescription> state = describe_state(node)) out.add("state", std::move(state->keeps));
  return out;
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

// Numbers, from 1, of the nodes that have more than one reader.
class SharedNodes {
 public:
  explicit SharedNodes(const PhysicalNode& root) : readers_(count_readers(root)) {}

  struct Place {
    int number = 0;     // 0: it has one reader
    bool first = true;  // it has not been asked for before
  };
  Place place_of(const PhysicalNode& node) {
    const auto found = readers_.find(&node);
    if (found == readers_.end() || found->second < 2) return {};
    const auto [known, first] = numbers_.try_emplace(&node, static_cast<int>(numbers_.size()) + 1);
    return {.number = known->second, .first = first};
  }

 private:
  const std::map<const PhysicalNode*, int> readers_;
  std::map<const PhysicalNode*, int> numbers_;
};

// The node's description; of one that has been written before, only which it is.
Description describe(const PhysicalNode& node, SharedNodes::Place place) {
  if (!place.first) return {.kind = "Shared", .details = {{"number", std::to_string(place.number)}}};
  Description description = describe(node);
  if (place.number > 0) description.add("shared", std::to_string(place.number));
  return description;
}

void append_text(const PhysicalNode& node, SharedNodes& shared, size_t depth, std::string& out) {
  const SharedNodes::Place place = shared.place_of(node);
  Description description = describe(node, place);
  out.append(2 * depth, ' ');
  out += description.kind + "(";
  for (size_t i = 0; i < description.details.size(); ++i) {
    if (i > 0) out += ", ";
    out += description.details[i].first + "=" + description.details[i].second;
  }
  out += ")  -- " + traits_text(node) + "\n";
  if (!place.first) return;
  for (const PhysicalPtr& input : node.inputs) append_text(*input, shared, depth + 1, out);
}

void append_json(const PhysicalNode& node, SharedNodes& shared, std::string& out) {
  auto string = [&](std::string_view text) { append_json_string(out, text); };
  const SharedNodes::Place place = shared.place_of(node);
  Description description = describe(node, place);
  out += "{\"operator\":";
  string(description.kind);
  for (const auto& [name, value] : description.details) {
    out += ",";
    string(name);
    out += ":";
    string(value);
  }
  if (const std::optional<StateDescription> state = describe_state(node)) {
    out += ",\"state_bound\":";
    string(name_of(state->bound));
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
  for (size_t i = 0; place.first && i < node.inputs.size(); ++i) {
    if (i > 0) out += ",";
    append_json(*node.inputs[i], shared, out);
  }
  out += "]}";
}

}  // namespace

std::string operator_name(const PhysicalNode& node) { return describe(node).kind; }

std::string explain_text(const PhysicalNode& root) {
  std::string out;
  SharedNodes shared(root);
  append_text(root, shared, 0, out);
  return out;
}

std::string explain_json(const PhysicalNode& root) {
  std::string out;
  SharedNodes shared(root);
  append_json(root, shared, out);
  return out;
}

}  // namespace penstock::plan
