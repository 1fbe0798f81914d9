// Plans are graphs: what several nodes read is one node, and stays one when a plan is rewritten.
#pragma once

#include <memory>
#include <unordered_map>
#include <utility>

namespace penstock::plan {

// Makes one copy of each node. Node: PhysicalNode or LogicalNode.
template <class Node>
class RewriteOnce {
 public:
  using Ptr = std::shared_ptr<const Node>;

  // The copy as `change` has made it the first time; it sees to the inputs.
  template <class Change>
  Ptr operator()(const Ptr& node, const Change& change) {
    if (const auto known = done_.find(node.get()); known != done_.end()) return known->second;
    auto copy = std::make_shared<Node>(*node);
    change(*copy);
    Ptr rewritten = std::move(copy);
    done_.emplace(node.get(), rewritten);
    return rewritten;
  }

 private:
  std::unordered_map<const Node*, Ptr> done_;
};

}  // namespace penstock::plan
