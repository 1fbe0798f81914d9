#include "plan/physical.h"

#include <unordered_set>

namespace penstock::plan {
namespace {

void collect(const PhysicalNode& node, std::unordered_set<const PhysicalNode*>& seen,
             std::vector<const PhysicalNode*>& nodes) {
  if (!seen.insert(&node).second) return;
  for (const PhysicalPtr& input : node.inputs) collect(*input, seen, nodes);
  nodes.push_back(&node);
}

}  // namespace

std::vector<const PhysicalNode*> nodes_of(const PhysicalNode& root) {
  std::unordered_set<const PhysicalNode*> seen;
  std::vector<const PhysicalNode*> nodes;
  collect(root, seen, nodes);
  return nodes;
}

std::map<const PhysicalNode*, int> count_readers(const PhysicalNode& root) {
  std::map<const PhysicalNode*, int> readers;
  for (const PhysicalNode* node : nodes_of(root)) {
    for (const PhysicalPtr& input : node->inputs) ++readers[input.get()];
  }
  return readers;
}

}  // namespace penstock::plan
