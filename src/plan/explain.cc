// Plans for people and for the console.
#include <fmt/format.h>

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <unordered_map>
#include <utility>
#include <variant>
#include <vector>

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

// What is written of a node beside its kind and details.
enum class Detail : uint8_t {
  kMeaning,    // nothing: it only says what the query means
  kExecution,  // its state and traits
};

Description describe(const PhysicalNode& node, Detail detail) {
  Description out = std::visit([&](const auto& op) { return plan::describe(op, node); }, node.op);
  if (detail == Detail::kMeaning) {
    // Of the plan that runs: what is equal in a join's condition is not found yet.
    std::erase_if(out.details, [](const auto& one) { return one.first == "warning"; });
    return out;
  }
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
Description describe(const PhysicalNode& node, Detail detail, SharedNodes::Place place) {
  if (!place.first) return {.kind = "Shared", .details = {{"number", std::to_string(place.number)}}};
  Description description = describe(node, detail);
  if (place.number > 0) description.add("shared", std::to_string(place.number));
  return description;
}

void append_line(const Description& description, size_t depth, std::string& out) {
  out.append(2 * depth, ' ');
  out += description.kind + "(";
  for (size_t i = 0; i < description.details.size(); ++i) {
    if (i > 0) out += ", ";
    out += description.details[i].first + "=" + description.details[i].second;
  }
  out += ")";
}

void append_text(const PhysicalNode& node, Detail detail, SharedNodes& shared, size_t depth, std::string& out) {
  const SharedNodes::Place place = shared.place_of(node);
  append_line(describe(node, detail, place), depth, out);
  if (detail == Detail::kExecution) out += "  -- " + traits_text(node);
  out += "\n";
  if (!place.first) return;
  for (const PhysicalPtr& input : node.inputs) append_text(*input, detail, shared, depth + 1, out);
}

std::string text_of(const PhysicalNode& root, Detail detail, size_t depth) {
  std::string out;
  SharedNodes shared(root);
  append_text(root, detail, shared, depth, out);
  return out;
}

// What takes the rows of a statement's query; nullopt where they are the result.
std::optional<Description> describe_operation(const ExplainedStatement& statement) {
  if (statement.operation.empty()) return std::nullopt;
  Description out{.kind = statement.operation, .details = {{"table", statement.target}}};
  if (!statement.columns.empty()) out.add("columns", list_text(statement.columns));
  return out;
}

std::string text_of(const ExplainedStatement& statement, const PhysicalNode& root, Detail detail) {
  const std::optional<Description> operation = describe_operation(statement);
  std::string out;
  if (operation) {
    append_line(*operation, 0, out);
    out += "\n";
  }
  return out + text_of(root, detail, operation ? 1 : 0);
}

using Drawn = std::unordered_map<const LogicalNode*, PhysicalPtr>;

// A logical plan in the form of a physical one, to be described: the same operators, without exchanges.
Result<PhysicalPtr> draw(const LogicalPtr& plan, Drawn& drawn) {
  if (const auto known = drawn.find(plan.get()); known != drawn.end()) return known->second;
  PhysicalInputs inputs;
  for (const LogicalPtr& input : plan->inputs) inputs.push_back(PENSTOCK_TRY(draw(input, drawn)));
  const auto to_physical = [&]<class Op>(const Op& op) -> Result<PhysicalPtr> {
    if constexpr (std::is_same_v<Op, LogicalScan>) {
      return convert(op, *plan, {});
    } else {
      return make_physical_node(op, std::move(inputs), *plan);
    }
  };
  PhysicalPtr node = PENSTOCK_TRY(std::visit(to_physical, plan->op));
  drawn.emplace(plan.get(), node);
  return node;
}

// The beginning of an object.
void append_fields(const Description& description, std::string& out) {
  auto string = [&](std::string_view text) { append_json_string(out, text); };
  out += "{\"operator\":";
  string(description.kind);
  for (const auto& [name, value] : description.details) {
    out += ",";
    string(name);
    out += ":";
    string(value);
  }
}

void append_json(const PhysicalNode& node, SharedNodes& shared, std::string& out) {
  auto string = [&](std::string_view text) { append_json_string(out, text); };
  const SharedNodes::Place place = shared.place_of(node);
  append_fields(describe(node, Detail::kExecution, place), out);
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

std::string operator_name(const PhysicalNode& node) { return describe(node, Detail::kMeaning).kind; }

std::string explain_text(const PhysicalNode& root) { return text_of(root, Detail::kExecution, 0); }

Result<std::string> explain_text(const std::vector<ExplainedStatement>& statements) {
  std::string bound = "== Abstract Syntax Tree ==\n";
  std::string runs = "== Optimized Physical Plan ==\n";
  for (const ExplainedStatement& statement : statements) {
    Drawn drawn;
    bound += text_of(statement, *PENSTOCK_TRY(draw(statement.query.bound, drawn)), Detail::kMeaning) + "\n";
    if (&statement != statements.data()) runs += "\n";
    runs += text_of(statement, *statement.query.root, Detail::kExecution);
  }
  return bound + runs;
}

std::string explain_json(const PhysicalNode& root) {
  std::string out;
  SharedNodes shared(root);
  append_json(root, shared, out);
  return out;
}

std::string explain_json(const ExplainedStatement& statement) {
  std::string plan = explain_json(*statement.query.root);
  const std::optional<Description> operation = describe_operation(statement);
  if (!operation) return plan;
  std::string out;
  append_fields(*operation, out);
  return out + ",\"inputs\":[" + plan + "]}";
}

}  // namespace penstock::plan
