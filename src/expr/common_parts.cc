#include "expr/common_parts.h"

#include <bit>
#include <unordered_map>

#include "base/hash.h"
#include "expr/function.h"

namespace penstock::expr {

namespace {

// Makes equal nodes one, from the leaves up, so that two are equal when they are alike and have the same children.
class CommonParts {
 public:
  // The node that stands for all that are equal to `expr`.
  const Expr* intern(const ExprPtr& expr) {
    std::vector<ExprPtr> children;
    bool changed = false;
    for (const ExprPtr& child : expr->children()) {
      children.push_back(nodes_.at(intern(child)).node);
      changed |= children.back() != child;
    }
    const ExprPtr node = changed ? expr->with_children(std::move(children)) : expr;
    const uint64_t hash = hash_of(*node);
    const auto [begin, end] = by_hash_.equal_range(hash);
    for (auto one = begin; one != end; ++one) {
      if (one->second->equals(*node)) return one->second;
    }
    by_hash_.emplace(hash, node.get());
    nodes_.emplace(node.get(), Node{.node = node});
    for (const ExprPtr& child : node->children()) ++nodes_.at(child.get()).uses;
    return node.get();
  }

  void use(const Expr* root) { ++nodes_.at(root).uses; }

  // The node with marks on what is common in it.
  ExprPtr marked(const Expr* expr) {
    Node& node = nodes_.at(expr);
    if (node.marked != nullptr) return node.marked;
    std::vector<ExprPtr> children;
    bool changed = false;
    for (const ExprPtr& child : expr->children()) {
      children.push_back(marked(child.get()));
      changed |= children.back() != child;
    }
    node.marked = changed ? expr->with_children(std::move(children)) : node.node;
    if (node.uses > 1 && !expr->children().empty() && expr->is_deterministic()) node.marked = node.marked->as_common();
    return node.marked;
  }

 private:
  struct Node {
    ExprPtr node;
    int uses = 0;              // by different nodes, and as a root
    ExprPtr marked = nullptr;  // made when first asked for
  };

  static uint64_t hash_of(const Expr& expr) {
    uint64_t hash = mix64(static_cast<uint64_t>(expr.kind()) << 32 | expr.column_index());
    if (expr.is_literal()) hash = mix64(hash ^ hash_of(expr.value(), expr.type()));
    if (expr.kind() == Expr::Kind::kCall) hash = mix64(hash ^ reinterpret_cast<uintptr_t>(&expr.function()));
    for (const ExprPtr& child : expr.children()) hash = mix64(hash ^ reinterpret_cast<uintptr_t>(child.get()));
    return hash;
  }

  // Without it, long lists of constants would all meet in one place of the table.
  static uint64_t hash_of(const types::Value& value, types::DataType type) {
    if (value.is_null()) return 0;
    switch (type.physical()) {
      case types::Physical::kBool: return value.as_bool() ? 1 : 2;
      case types::Physical::kInt64: return static_cast<uint64_t>(value.as_int64());
      case types::Physical::kDouble: return std::bit_cast<uint64_t>(value.as_double());
      case types::Physical::kInt128:
        return mix64(static_cast<uint64_t>(value.as_int128() >> 64)) ^ static_cast<uint64_t>(value.as_int128());
      case types::Physical::kString: return hash64(value.as_string());
    }
    return 0;
  }

  std::unordered_multimap<uint64_t, const Expr*> by_hash_;
  std::unordered_map<const Expr*, Node> nodes_;
};

}  // namespace

std::vector<ExprPtr> share_common_parts(const std::vector<ExprPtr>& expressions) {
  CommonParts parts;
  std::vector<const Expr*> roots;
  for (const ExprPtr& expression : expressions) {
    roots.push_back(parts.intern(expression));
    parts.use(roots.back());
  }
  std::vector<ExprPtr> shared;
  shared.reserve(roots.size());
  for (const Expr* root : roots) shared.push_back(parts.marked(root));
  return shared;
}

ExprPtr share_common_parts(const ExprPtr& expression) {
  return share_common_parts(std::vector<ExprPtr>{expression}).front();
}

}  // namespace penstock::expr
