// Window table functions, and GROUP BY over windows.
#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "plan/node.h"

namespace penstock::plan {
namespace {

using Property = WindowAggregate::Property;

// Adds the columns of windows over a time. Their last moment is a time, too: no row comes later than that; and so is
// their end where it is no local one.
void add_window_columns(types::DataType time, const types::Window& of, std::span<const Property> properties,
                        Derived& derived) {
  static constexpr std::string_view kNames[] = {"window_start", "window_end", "window_time"};
  const types::DataType bound = types::window_bound_type(time);
  WindowColumns window{.zone = of.zone};
  for (Property property : properties) {
    auto column = static_cast<int>(derived.schema.size());
    (property == Property::kStart ? window.start : property == Property::kEnd ? window.end : window.time) = column;
    const bool is_time = property == Property::kTime || (property == Property::kEnd && of.zone == nullptr);
    if (is_time) derived.traits.time_columns.push_back(column);
    const types::DataType type = property == Property::kTime ? time : bound;
    derived.add(std::string(kNames[static_cast<size_t>(property)]), type.with_nullable(false));
  }
  if (window.end >= 0 || window.time >= 0) derived.traits.window = window;
}

// The window's columns among the keys are those of the output too.
void attach_window(const WindowAggregate& op, const LogicalNode& input, Derived& derived) {
  std::vector<int> mapping(input.schema.size(), -1);
  for (size_t i = 0; i < op.keys.size(); ++i) mapping[op.keys[i]] = static_cast<int>(i);
  derived.traits.key = identity(op.keys.size());
  const std::optional<WindowColumns>& window = input.traits.window;
  if (!window) return;
  Traits attached;
  attached.window = window;
  for (int column : {window->end, window->time}) {
    if (is_time(input.traits, column)) attached.time_columns.push_back(column);
  }
  attached = map_traits(attached, mapping);
  derived.traits.window = attached.window;
  derived.traits.time_columns = attached.time_columns;
}

// The columns of the output that tell its rows apart.
//
// A late row that joins an open session may take it back to where another one began that has closed. None can end where
// another one of its key has, but for those of rows that may be taken back, which may come to be the same again.
std::optional<std::vector<int>> find_key(const WindowAggregate& op, const LogicalNode& input) {
  const bool session = op.window.kind == types::Window::Kind::kSession;
  if (session && !input.traits.append_only) return std::nullopt;
  const auto one = std::ranges::find_if(op.properties, [&](Property property) {
    return determines_window(property, op.window) && !(session && property == Property::kStart);
  });
  if (one == op.properties.end()) return std::nullopt;
  std::vector<int> key = identity(op.keys.size());
  key.push_back(static_cast<int>(op.keys.size() + op.calls.size()) + static_cast<int>(one - op.properties.begin()));
  return key;
}

// What changes is found by columns.
Status check_columns(size_t columns, std::string_view what) {
  if (columns <= kCountedColumnsMax) return {};
  return unsupported("{} are known by at most {} columns, not {}", what, kCountedColumnsMax, columns)
      .hint("select fewer columns");
}

}  // namespace

std::string window_text(const types::Window& window, int time_column, const types::Schema& input) {
  static constexpr std::string_view kNames[] = {"tumble", "hop", "cumulate", "session"};
  std::string text = fmt::format("{}({}", kNames[static_cast<size_t>(window.kind)], input[time_column].name);
  if (window.kind == types::Window::Kind::kHop || window.kind == types::Window::Kind::kCumulate) {
    text += ", " + duration_text(window.step_us);
  }
  text += ", " + duration_text(window.size_us);
  if (window.offset_us != 0) text += ", offset " + duration_text(window.offset_us);
  if (window.zone != nullptr && !window.zone->is_utc()) text += ", " + window.zone->name();
  return text + ")";
}

bool determines_window(Property property, const types::Window& window) {
  using Kind = types::Window::Kind;
  switch (property) {
    case Property::kStart: return window.kind != Kind::kCumulate;
    case Property::kEnd: return true;
    case Property::kTime: break;
  }
  // Windows that end where clocks go forward, at times that are skipped, have the same last moment.
  const bool overlap = window.kind == Kind::kHop || window.kind == Kind::kCumulate;
  return !overlap || window.zone == nullptr || window.zone->is_utc();
}

Derived derive(const AssignWindow& op, const LogicalInputs& inputs) {
  static constexpr std::array kAll = {Property::kStart, Property::kEnd, Property::kTime};
  Derived derived = as_input(inputs);
  Traits& traits = derived.traits;
  // Sessions hold their rows back, so that these come later than their own times; and what has left is not taken back,
  // whatever becomes of its key later.
  if (op.window.kind == types::Window::Kind::kSession) {
    traits.time_columns.clear();
    if (!traits.append_only) traits.key.reset();
    traits.append_only = true;
  }
  traits.window.reset();
  traits.closing_window.reset();
  auto first = static_cast<int>(derived.schema.size());
  add_window_columns(derived.schema[op.time_column].type, op.window, kAll, derived);
  bool multiplied = op.window.kind == types::Window::Kind::kHop || op.window.kind == types::Window::Kind::kCumulate;
  if (traits.key && multiplied) traits.key->push_back(first + 1);
  return derived;
}

Pruned prune(const AssignWindow& op, const LogicalNode& node, const Columns& needed) {
  size_t columns = node.input().schema.size();
  Columns below(needed.begin(), needed.begin() + static_cast<ptrdiff_t>(columns));
  below[op.time_column] = true;
  for (int key : op.keys) below[key] = true;
  Pruned input = prune(node.inputs.front(), below);
  AssignWindow pruned = op;
  remap(pruned.keys, input.mapping);
  pruned.time_column = input.mapping[op.time_column];
  std::vector<int> mapping = input.mapping;
  size_t kept = input.plan->schema.size();
  for (size_t i = columns; i < needed.size(); ++i) mapping.push_back(static_cast<int>(kept + i - columns));
  return {make_node(std::move(pruned), {std::move(input.plan)}), std::move(mapping)};
}

// A session without some of its rows would be another one: only whole keys can be left out before.
LogicalPtr push_filter(const AssignWindow& op, const LogicalPtr& node, Conjuncts conjuncts) {
  if (op.window.kind != types::Window::Kind::kSession) return push_filter_through(node, std::move(conjuncts));
  Columns fits(node->schema.size(), false);
  for (int key : op.keys) fits[key] = true;
  Conjuncts below = take_over_columns(conjuncts, fits);
  LogicalPtr input = push_filter(node->inputs.front(), std::move(below));
  return with_filter(with_inputs(node, {std::move(input)}), std::move(conjuncts));
}

Result<PhysicalPtr> convert(const AssignWindow& op, const LogicalNode& node, PhysicalInputs inputs) {
  bool session = op.window.kind == types::Window::Kind::kSession;
  if (session && !node.input().traits.append_only) {
    PENSTOCK_TRY(check_columns(node.input().schema.size(), "rows that are in sessions and change"));
  }
  PhysicalPtr input = session ? exchange_by(std::move(inputs[0]), op.keys) : std::move(inputs[0]);
  return make_physical_node(op, {std::move(input)}, node);
}

Description describe(const AssignWindow& op, const PhysicalNode& node) {
  const types::Schema& input = node.inputs.front()->schema;
  Description out{.kind = "AssignWindow", .details = {{"window", window_text(op.window, op.time_column, input)}}};
  if (!op.keys.empty()) out.add("keys", column_list(op.keys, input));
  return out;
}

Derived derive(const WindowAggregate& op, const LogicalInputs& inputs) {
  const LogicalNode& input = *inputs.front();
  Derived derived;
  for (int key : op.keys) derived.schema.push_back(input.schema[key]);
  derive_calls(op.calls, input.schema, derived);
  derived.traits.bounded = input.traits.bounded;
  if (op.attached) attach_window(op, input, derived);
  if (auto key = find_key(op, input)) derived.traits.key = std::move(key);
  add_window_columns(input.schema[op.time_column].type, op.window, op.properties, derived);
  return derived;
}

Pruned prune(const WindowAggregate& op, const LogicalNode& node, const Columns& needed) {
  size_t keys = op.keys.size();
  Columns below(node.input().schema.size(), false);
  for (int key : op.keys) below[key] = true;
  below[op.time_column] = true;
  std::vector<int> mapping = identity(needed.size());
  std::fill(mapping.begin() + static_cast<ptrdiff_t>(keys), mapping.end(), -1);
  WindowAggregate pruned = op;
  pruned.calls = prune_calls(op.calls, keys, needed, below, mapping);
  pruned.properties.clear();
  for (size_t i = 0; i < op.properties.size(); ++i) {
    size_t column = keys + op.calls.size() + i;
    if (!needed[column]) continue;
    mapping[column] = static_cast<int>(keys + pruned.calls.size() + pruned.properties.size());
    pruned.properties.push_back(op.properties[i]);
  }
  Pruned input = prune(node.inputs.front(), below);
  remap(pruned.keys, input.mapping);
  remap_calls(pruned.calls, input.mapping);
  pruned.time_column = input.mapping[op.time_column];
  return {make_node(std::move(pruned), {std::move(input.plan)}), std::move(mapping)};
}

Result<PhysicalPtr> convert(const WindowAggregate& op, const LogicalNode& node, PhysicalInputs inputs) {
  WindowAggregate window = op;
  if (!node.input().traits.append_only) {
    PENSTOCK_TRY(bind_retractable(window.calls));
    // The groups of sessions are kept by their times, too.
    if (op.window.kind == types::Window::Kind::kSession) {
      PENSTOCK_TRY(check_columns(op.keys.size() + 1, "sessions that change and their times"));
    }
  }
  return make_physical_node(std::move(window), {exchange_by(std::move(inputs[0]), op.keys)}, node);
}

Description describe(const WindowAggregate& op, const PhysicalNode& node) {
  static constexpr std::string_view kProperties[] = {"start", "end", "time"};
  const types::Schema& input = node.inputs.front()->schema;
  std::vector<std::string> properties;
  for (Property property : op.properties) properties.emplace_back(kProperties[static_cast<size_t>(property)]);
  return {.kind = "WindowAggregate",
          .details = {{"window", op.attached ? "attached(" + input[op.time_column].name + ")"
                                             : window_text(op.window, op.time_column, input)},
                      {"keys", column_list(op.keys, input)},
                      {"calls", call_list(op.calls, input)},
                      {"properties", list_text(properties)}}};
}

}  // namespace penstock::plan
