// Equalities between the inputs of a join become its keys, by which rows are found and sent to their task:
//
//   Join(condition: l.a = r.b + 1 AND l.c < r.d)   ->   Join(keys: a = $new, condition: l.c < r.d)
//     l                                                   l
//     r                                                   Project(all columns, $new = b + 1)
//                                                           r
#include <algorithm>

#include "expr/registry.h"
#include "plan/node.h"
#include "plan/rules.h"

namespace penstock::plan {
namespace {

using expr::ExprPtr;

enum class Side : uint8_t { kLeft, kRight, kNeither };

// Where the columns of an expression are; kNeither also when it has none.
Side side_of(const expr::Expr& expression, size_t left_columns) {
  std::vector<size_t> used;
  expr::collect_columns(expression, used);
  auto on_left = [&](size_t column) { return column < left_columns; };
  if (used.empty()) return Side::kNeither;
  if (std::ranges::all_of(used, on_left)) return Side::kLeft;
  return std::ranges::none_of(used, on_left) ? Side::kRight : Side::kNeither;
}

// An equality of one expression on each side, of one type.
struct Equality {
  ExprPtr left;
  ExprPtr right;
  bool nulls_match = false;
};

// Gives both sides a type by which equal values have equal keys; false where there is none.
bool unify_types(Equality& equality) {
  types::DataType left = equality.left->type();
  types::DataType right = equality.right->type();
  if (left.same_type(right) || (left.is_integer() && right.is_integer())) return true;
  const types::DataType both[] = {left, right};
  Result<types::DataType> common = expr::common_type(both);
  if (!common) return false;
  Result<ExprPtr> cast_left = expr::coerce(equality.left, common->with_nullable(left.nullable()));
  Result<ExprPtr> cast_right = expr::coerce(equality.right, common->with_nullable(right.nullable()));
  if (!cast_left || !cast_right) return false;
  equality.left = *cast_left;
  equality.right = *cast_right;
  return true;
}

std::optional<Equality> match_equality(const expr::Expr& condition, size_t left_columns) {
  if (condition.kind() != expr::Expr::Kind::kCall || !condition.is_deterministic()) return std::nullopt;
  std::string_view name = condition.function().name;
  Equality equality{.left = nullptr, .right = nullptr, .nulls_match = name == "IS NOT DISTINCT FROM"};
  if (name != "=" && !equality.nulls_match) return std::nullopt;
  Side first = side_of(*condition.child(0), left_columns);
  Side second = side_of(*condition.child(1), left_columns);
  bool crossed = first == Side::kRight && second == Side::kLeft;
  if (!crossed && (first != Side::kLeft || second != Side::kRight)) return std::nullopt;
  equality.left = condition.child(crossed ? 1 : 0);
  equality.right = condition.child(crossed ? 0 : 1);
  if (!unify_types(equality)) return std::nullopt;
  return equality;
}

// An input of the join with its keys as columns, behind its own.
class KeyedInput {
 public:
  explicit KeyedInput(LogicalPtr input) : input_(std::move(input)) {
    for (size_t i = 0; i < input_->schema.size(); ++i) {
      expressions_.push_back(column_of(input_->schema, static_cast<int>(i)));
      names_.push_back(input_->schema[i].name);
    }
  }

  int column(const ExprPtr& key) {
    auto found = std::ranges::find_if(expressions_, [&](const ExprPtr& known) { return known->equals(*key); });
    if (found != expressions_.end()) return static_cast<int>(found - expressions_.begin());
    expressions_.push_back(key);
    names_.push_back(label(*key));
    return static_cast<int>(expressions_.size()) - 1;
  }
  int columns() const { return static_cast<int>(expressions_.size()); }
  LogicalPtr finish() {
    if (expressions_.size() == input_->schema.size()) return input_;
    return make_project(input_, std::move(expressions_), std::move(names_));
  }

 private:
  LogicalPtr input_;
  std::vector<ExprPtr> expressions_;
  std::vector<std::string> names_;
};

// Whether the equality may become a key: where the rows of the right input are versions, those of one key must meet.
bool may_be_key(const Join& join, const Equality& equality, size_t left_columns) {
  if (!join.as_of || !join.as_of->versions) return true;
  if (equality.right->kind() != expr::Expr::Kind::kColumn) return false;
  auto column = static_cast<int>(equality.right->column_index() - left_columns);
  return std::ranges::count(join.as_of->versions->version_key, column) > 0;
}

LogicalPtr rewrite(const LogicalPtr& node) {
  const auto* join = node->get_if<Join>();
  if (join == nullptr || join->condition == nullptr) return node;
  size_t left_columns = node->inputs[0]->schema.size();
  KeyedInput left(node->inputs[0]);
  KeyedInput right(node->inputs[1]);
  std::vector<int> from_right(left_columns, -1);
  for (int i = 0; i < right.columns(); ++i) from_right.push_back(i);
  Join keyed = *join;
  std::vector<ExprPtr> rest;
  for (ExprPtr& one : expr::split_conjunction(join->condition)) {
    std::optional<Equality> equality = match_equality(*one, left_columns);
    if (!equality || !may_be_key(*join, *equality, left_columns)) {
      rest.push_back(std::move(one));
      continue;
    }
    int on_left = left.column(equality->left);
    int on_right = right.column(expr::remap_columns(equality->right, from_right));
    keyed.keys.push_back({on_left, on_right, equality->nulls_match});
  }
  if (keyed.keys.size() == join->keys.size()) return node;
  // The columns of the right input move by as many as the left one has got.
  std::vector<int> moved = identity(left_columns);
  for (size_t i = left_columns; i < from_right.size(); ++i) moved.push_back(left.columns() + from_right[i]);
  remap(keyed.output, moved);
  keyed.condition = nullptr;
  if (!rest.empty()) keyed.condition = expr::remap_columns(expr::join_conjunction(std::move(rest)), moved);
  return make_node(std::move(keyed), {left.finish(), right.finish()}, column_names(*node));
}

}  // namespace

LogicalPtr extract_join_keys(const LogicalPtr& plan, const RuleContext&) { return rewrite_bottom_up(plan, rewrite); }

}  // namespace penstock::plan
