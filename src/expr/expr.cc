#include "expr/expr.h"

#include <algorithm>
#include <cmath>

#include "base/check.h"
#include "expr/function.h"

namespace penstock::expr {

std::shared_ptr<Expr> Expr::make(Kind kind, types::DataType type, std::vector<ExprPtr> children) {
  auto expr = std::shared_ptr<Expr>(new Expr());
  expr->kind_ = kind;
  expr->type_ = type;
  expr->set_children(std::move(children));
  return expr;
}

void Expr::set_children(std::vector<ExprPtr> children) {
  children_ = std::move(children);
  levels_ = 1;
  uint64_t parts = 1;
  for (const ExprPtr& child : children_) {
    levels_ = std::max(levels_, child->levels_ + 1);
    parts += child->parts_;
  }
  parts_ = static_cast<uint32_t>(std::min<uint64_t>(parts, UINT32_MAX));
}

ExprPtr Expr::column(size_t index, types::DataType type, std::string name) {
  auto expr = make(Kind::kColumn, type, {});
  expr->column_index_ = index;
  expr->name_ = std::move(name);
  return expr;
}

ExprPtr Expr::literal(types::Value value, types::DataType type) {
  auto expr = make(Kind::kLiteral, type.with_nullable(value.is_null()), {});
  expr->value_ = std::move(value);
  return expr;
}

ExprPtr Expr::call(const ScalarFunction& function, Kernel kernel, std::vector<ExprPtr> children, types::DataType type) {
  auto expr = make(Kind::kCall, type, std::move(children));
  expr->function_ = &function;
  expr->kernel_ = kernel;
  return expr;
}

ExprPtr Expr::cast(ExprPtr child, types::DataType type) {
  bool nullable = child->type().nullable();
  return make(Kind::kCast, type.with_nullable(nullable), {std::move(child)});
}

ExprPtr Expr::try_cast(ExprPtr child, types::DataType type) {
  return make(Kind::kTryCast, type.with_nullable(true), {std::move(child)});
}

namespace {

bool any_nullable(std::span<const ExprPtr> children) {
  return std::any_of(children.begin(), children.end(), [](const ExprPtr& child) { return child->type().nullable(); });
}

types::DataType boolean(bool nullable) { return types::DataType(types::TypeKind::kBoolean).with_nullable(nullable); }

}  // namespace

ExprPtr Expr::logical_and(std::vector<ExprPtr> children) {
  if (children.empty()) return literal(types::Value(true), types::TypeKind::kBoolean);
  if (children.size() == 1) return children[0];
  bool nullable = any_nullable(children);
  return make(Kind::kAnd, boolean(nullable), std::move(children));
}

ExprPtr Expr::logical_or(std::vector<ExprPtr> children) {
  if (children.empty()) return literal(types::Value(false), types::TypeKind::kBoolean);
  if (children.size() == 1) return children[0];
  bool nullable = any_nullable(children);
  return make(Kind::kOr, boolean(nullable), std::move(children));
}

ExprPtr Expr::case_when(std::vector<ExprPtr> children, types::DataType type) {
  PENSTOCK_CHECK(children.size() % 2 == 1, "CASE needs pairs and an ELSE");
  return make(Kind::kCase, type, std::move(children));
}

ExprPtr Expr::coalesce(std::vector<ExprPtr> children, types::DataType type) {
  return make(Kind::kCoalesce, type, std::move(children));
}

ExprPtr Expr::with_children(std::vector<ExprPtr> children) const {
  PENSTOCK_CHECK(children.size() == children_.size(), "another number of children");
  auto expr = std::shared_ptr<Expr>(new Expr(*this));
  expr->set_children(std::move(children));
  return expr;
}

ExprPtr Expr::with_zone(const types::TimeZone& zone) const {
  auto expr = std::shared_ptr<Expr>(new Expr(*this));
  expr->zone_ = &zone;
  return expr;
}

ExprPtr Expr::as_common() const {
  auto expr = std::shared_ptr<Expr>(new Expr(*this));
  expr->is_common_ = true;
  return expr;
}

bool Expr::is_constant() const {
  if (kind_ == Kind::kColumn || (kind_ == Kind::kCall && !function_->deterministic)) return false;
  return std::all_of(children_.begin(), children_.end(), [](const ExprPtr& child) { return child->is_constant(); });
}

bool Expr::is_deterministic() const {
  if (kind_ == Kind::kCall && !function_->deterministic) return false;
  return std::all_of(children_.begin(), children_.end(),
                     [](const ExprPtr& child) { return child->is_deterministic(); });
}

namespace {

// 0.0 and -0.0 compare as equal, but what is divided by them is not.
bool same_literal(const types::Value& a, const types::Value& b, types::DataType type) {
  if (!(a == b)) return false;
  return a.is_null() || type.physical() != types::Physical::kDouble ||
         std::signbit(a.as_double()) == std::signbit(b.as_double());
}

}  // namespace

bool Expr::equals(const Expr& other) const {
  if (this == &other) return true;
  return kind_ == other.kind_ && type_ == other.type_ && column_index_ == other.column_index_ &&
         same_literal(value_, other.value_, type_) && function_ == other.function_ && kernel_ == other.kernel_ &&
         zone_ == other.zone_ &&
         std::equal(children_.begin(), children_.end(), other.children_.begin(), other.children_.end(),
                    [](const ExprPtr& a, const ExprPtr& b) { return a->equals(*b); });
}

void collect_columns(const Expr& expr, std::vector<size_t>& columns) {
  if (expr.kind() == Expr::Kind::kColumn) {
    if (std::find(columns.begin(), columns.end(), expr.column_index()) == columns.end()) {
      columns.push_back(expr.column_index());
    }
  }
  for (const ExprPtr& child : expr.children()) collect_columns(*child, columns);
}

ExprPtr transform(const ExprPtr& expr, const std::function<ExprPtr(ExprPtr)>& replace) {
  bool changed = false;
  std::vector<ExprPtr> children;
  children.reserve(expr->children().size());
  for (const ExprPtr& child : expr->children()) {
    children.push_back(transform(child, replace));
    changed |= children.back() != child;
  }
  return replace(changed ? expr->with_children(std::move(children)) : expr);
}

namespace {

// Whether a value of the type is a moment, or holds one: what it looks like depends on the time zone.
bool holds_moments(types::DataType type) {
  if (type.kind() == types::TypeKind::kTimestampLtz) return true;
  return std::any_of(type.parts().begin(), type.parts().end(),
                     [](const types::Field& part) { return holds_moments(part.type); });
}

bool depends_on_zone(const Expr& expr) {
  bool computes =
      expr.kind() == Expr::Kind::kCall || expr.kind() == Expr::Kind::kCast || expr.kind() == Expr::Kind::kTryCast;
  if (!computes) return false;
  if (expr.kind() == Expr::Kind::kCall && (expr.function().in_zone || !expr.function().deterministic)) return true;
  return holds_moments(expr.type()) || std::any_of(expr.children().begin(), expr.children().end(),
                                                   [](const ExprPtr& child) { return holds_moments(child->type()); });
}

}  // namespace

ExprPtr in_time_zone(const ExprPtr& expr, const types::TimeZone& zone) {
  return transform(expr, [&](ExprPtr node) {
    return node->zone() == nullptr && depends_on_zone(*node) ? node->with_zone(zone) : node;
  });
}

ExprPtr remap_columns(const ExprPtr& expr, std::span<const int> mapping) {
  return transform(expr, [&](ExprPtr node) -> ExprPtr {
    if (node->kind() != Expr::Kind::kColumn) return node;
    PENSTOCK_CHECK(node->column_index() < mapping.size() && mapping[node->column_index()] >= 0,
                   "a column that is used is not mapped");
    return Expr::column(static_cast<size_t>(mapping[node->column_index()]), node->type(), node->column_name());
  });
}

std::vector<ExprPtr> split_conjunction(const ExprPtr& condition) {
  if (condition->kind() == Expr::Kind::kAnd) {
    std::vector<ExprPtr> parts;
    for (const ExprPtr& child : condition->children()) {
      for (ExprPtr& part : split_conjunction(child)) parts.push_back(std::move(part));
    }
    return parts;
  }
  if (condition->is_literal() && condition->value() == types::Value(true)) return {};
  return {condition};
}

ExprPtr join_conjunction(std::vector<ExprPtr> parts) { return Expr::logical_and(std::move(parts)); }

}  // namespace penstock::expr
