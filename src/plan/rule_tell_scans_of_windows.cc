// A source emits a watermark before each row that it could make late. When nothing but windows of one kind looks at the
// watermark, that is so only where a window ends: then the source's batches stay whole in between.
#include "plan/rules.h"

namespace penstock::plan {
namespace {

// The plan with the windows noted in the scans that only operators without an eye for watermarks lie above.
LogicalPtr note(const LogicalPtr& node, const types::WindowEnds& ends) {
  if (const auto* scan = node->get_if<LogicalScan>()) {
    LogicalScan noted = *scan;
    noted.window_ends = ends;
    return make_node(std::move(noted), {}, column_names(*node));
  }
  bool passes =
      node->get_if<Project>() != nullptr || node->get_if<Filter>() != nullptr || node->get_if<UnionAll>() != nullptr;
  if (!passes) return node;
  std::vector<LogicalPtr> inputs;
  for (const LogicalPtr& input : node->inputs) inputs.push_back(note(input, ends));
  return with_inputs(node, std::move(inputs));
}

LogicalPtr rewrite(const LogicalPtr& node) {
  const auto* aggregate = node->get_if<WindowAggregate>();
  const auto* assign = node->get_if<AssignWindow>();
  const bool session = assign != nullptr && assign->window.kind == types::Window::Kind::kSession;
  if (session) return with_inputs(node, {note(node->inputs.front(), assign->window.ends())});
  if (aggregate == nullptr || aggregate->attached) return node;
  return with_inputs(node, {note(node->inputs.front(), aggregate->window.ends())});
}

}  // namespace

LogicalPtr tell_scans_of_windows(const LogicalPtr& plan, const RuleContext& /*context*/) {
  return rewrite_bottom_up(plan, rewrite);
}

}  // namespace penstock::plan
