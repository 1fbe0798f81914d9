// EMIT: when the result of a statement comes out, and as what.
#include <algorithm>

#include "plan/node.h"
#include "plan/rules.h"

namespace penstock::plan {
namespace {

// The windows that the rows of an input are in, known when their results are final.
const WindowColumns* windows_of(const LogicalNode& input) {
  const Traits& traits = input.traits;
  return traits.window ? &*traits.window : traits.closing_window ? &*traits.closing_window : nullptr;
}

bool waits_for_windows(const Emit& op, const LogicalNode& input) {
  return op.kind == Emit::Kind::kOnWindowClose && !input.traits.append_only;
}

Status check_windows(const Emit& op, const LogicalNode& input) {
  if (!waits_for_windows(op, input) || windows_of(input) != nullptr) return {};
  Error error =
      unsupported("EMIT ON WINDOW CLOSE needs rows that each belong to a window, and these change for ever")
          .hint("group by window_start and window_end of a window function, and select window_end or window_time");
  return op.written_at ? std::move(error).at(*op.written_at) : error;
}

// Rows are counted by all of their columns.
Status check_columns(const LogicalNode& node) {
  if (node.schema.size() <= kCountedColumnsMax) return {};
  return unsupported("rows that change are known by at most {} columns, not {}", kCountedColumnsMax, node.schema.size())
      .hint("select fewer columns");
}

}  // namespace

Derived derive(const Emit& op, const LogicalInputs& inputs) {
  const LogicalNode& input = *inputs.front();
  Derived derived = as_input(inputs);
  Traits& traits = derived.traits;
  if (waits_for_windows(op, input)) {
    traits.append_only = true;
    // A row stays when its window is closed, whatever becomes of its key later.
    if (const WindowColumns* window = windows_of(input); window != nullptr && traits.key) {
      const int column = window->end >= 0 ? window->end : window->time;
      if (std::ranges::find(*traits.key, column) == traits.key->end()) traits.key->push_back(column);
    }
    // Rows come with the barrier behind the watermark.
    traits.time_columns.clear();
    traits.window.reset();
    traits.closing_window.reset();
  }
  if (op.kind == Emit::Kind::kComplete && !traits.bounded) {
    traits = Traits{};
    traits.append_only = true;
  }
  return derived;
}

Pruned prune(const Emit& op, const LogicalNode& node, const Columns& needed) {
  // Which rows are equal is decided by all columns.
  static_cast<void>(needed);
  Pruned input = prune(node.inputs.front(), Columns(node.schema.size(), true));
  LogicalPtr columns = make_selection(std::move(input.plan), input.mapping);
  return {make_node(op, {std::move(columns)}, column_names(node)), identity(node.schema.size())};
}

Result<PhysicalPtr> convert(const Emit& op, const LogicalNode& node, PhysicalInputs inputs) {
  const LogicalNode& input = node.input();
  if (input.traits.bounded || op.kind == Emit::Kind::kOnUpdate) return inputs[0];
  PENSTOCK_TRY(check_windows(op, input));
  if (!input.traits.append_only || op.kind == Emit::Kind::kComplete) PENSTOCK_TRY(check_columns(node));
  Emit emit = op;
  const std::vector<int> all = identity(node.schema.size());
  if (waits_for_windows(op, input)) {
    const WindowColumns& window = *windows_of(input);
    emit.of_end = window.time < 0;
    emit.time_column = emit.of_end ? window.end : window.time;
    emit.zone = window.zone;
    return make_physical_node(emit, {exchange_by(std::move(inputs[0]), input.traits.key.value_or(all))}, node);
  }
  switch (op.kind) {
    case Emit::Kind::kComplete: return make_physical_node(emit, {gather(std::move(inputs[0]))}, node);
    case Emit::Kind::kEvery:
      if (input.traits.append_only) return make_physical_node(emit, std::move(inputs), node);
      return make_physical_node(emit, {exchange_by(std::move(inputs[0]), input.traits.key.value_or(all))}, node);
    default: return inputs[0];
  }
}

Description describe(const Emit& op, const PhysicalNode& node) {
  Description out{.kind = "Emit", .details = {}};
  switch (op.kind) {
    case Emit::Kind::kOnUpdate: out.add("on", "update"); break;
    case Emit::Kind::kOnWindowClose: out.add("on", "window close of " + node.schema[op.time_column].name); break;
    case Emit::Kind::kEvery: break;
    case Emit::Kind::kComplete: out.add("what", "complete result"); break;
  }
  if (op.interval_us > 0) out.add("every", duration_text(op.interval_us));
  return out;
}

}  // namespace penstock::plan
