// AND, OR, CASE and COALESCE: parts are evaluated only for the rows that need them.
#include <algorithm>
#include <numeric>

#include "expr/evaluator.h"
#include "expr/function.h"

namespace penstock::expr {

bool is_cheap_and_total(const Expr& expr) {
  bool node = false;
  switch (expr.kind()) {
    case Expr::Kind::kColumn:
    case Expr::Kind::kLiteral:
    case Expr::Kind::kAnd:
    case Expr::Kind::kOr: node = true; break;
    case Expr::Kind::kCall:
      node = expr.function().category == FunctionCategory::kComparison && expr.function().deterministic;
      break;
    default: break;
  }
  return node && std::all_of(expr.children().begin(), expr.children().end(),
                             [](const ExprPtr& child) { return is_cheap_and_total(*child); });
}

namespace {

// AND and OR are the same with TRUE and FALSE exchanged: a row is decided by the first child that has `decider`
// (FALSE for AND), and is NULL when none has and some child is NULL.
class LogicAccumulator {
 public:
  LogicAccumulator(size_t rows, bool decider) : decider_(decider), decided_(rows, 0) {}

  // Takes value i of `from` for row rows[i]; an empty `rows` means all.
  void add(const Operand& from, std::span<const uint16_t> rows) {
    if (from.is_constant()) {
      if (from.constant.is_null()) {
        for_rows(rows, [&](size_t, size_t row) { mark_unknown(row); });
      } else if (from.constant.as_bool() == decider_) {
        for_rows(rows, [&](size_t, size_t row) { decided_[row] = 1; });
      }
      return;
    }
    std::span<const uint8_t> values = from.column->values<uint8_t>();
    std::span<const uint8_t> nulls = from.column->nulls();
    const uint8_t flip = decider_ ? 0 : 1;
    if (nulls.empty() && rows.empty()) {
      for (size_t row = 0; row < decided_.size(); ++row) decided_[row] |= values[row] ^ flip;
    } else if (nulls.empty()) {
      for (size_t i = 0; i < rows.size(); ++i) decided_[rows[i]] |= values[i] ^ flip;
    } else {
      for_rows(rows, [&](size_t i, size_t row) {
        if (nulls[i] != 0) {
          mark_unknown(row);
        } else {
          decided_[row] |= values[i] ^ flip;
        }
      });
    }
  }

  columnar::Selection undecided() const {
    columnar::Selection rows(decided_.size());
    size_t count = 0;
    for (size_t row = 0; row < decided_.size(); ++row) {
      rows[count] = static_cast<uint16_t>(row);
      count += decided_[row] ^ 1U;
    }
    rows.resize(count);
    return rows;
  }

  ColumnPtr finish() {
    for (size_t row = 0; row < unknown_.size(); ++row) unknown_[row] &= decided_[row] ^ 1U;
    if (!decider_) {
      for (uint8_t& value : decided_) value ^= 1U;
    }
    return std::make_shared<const Column>(TypeKind::kBoolean, std::move(decided_), std::move(unknown_));
  }

 private:
  template <class F>
  void for_rows(std::span<const uint16_t> rows, F body) {
    size_t count = rows.empty() ? decided_.size() : rows.size();
    for (size_t i = 0; i < count; ++i) body(i, rows.empty() ? i : rows[i]);
  }
  void mark_unknown(size_t row) {
    if (unknown_.empty()) unknown_.resize(decided_.size(), 0);
    unknown_[row] = 1;
  }

  bool decider_;
  std::vector<uint8_t> decided_;  // 1 where a child has the deciding value
  std::vector<uint8_t> unknown_;  // 1 where a child is NULL; empty when none is
};

// Children of which at least this share of the rows is still needed are computed for all rows when that is safe:
// gathering costs more than a comparison.
constexpr size_t kGatherShare = 4;

}  // namespace

Operand Frame::evaluate_logic(const Expr& expr) {
  LogicAccumulator accumulator(rows_, expr.kind() == Expr::Kind::kOr);
  bool first = true;
  for (const ExprPtr& child : expr.children()) {
    if (first) {
      accumulator.add(evaluate(*child), {});
      first = false;
      continue;
    }
    columnar::Selection rows = accumulator.undecided();
    if (rows.empty()) break;
    if (rows.size() == rows_ || (rows.size() >= rows_ / kGatherShare && is_cheap_and_total(*child))) {
      accumulator.add(evaluate(*child), {});
    } else {
      accumulator.add(select(rows).evaluate(*child), rows);
    }
  }
  return {.type = expr.type(), .column = accumulator.finish(), .constant = {}};
}

Operand Frame::evaluate_case(const Expr& expr) {
  ColumnAssembler result(expr.type(), rows_);
  columnar::Selection rest(rows_);
  std::iota(rest.begin(), rest.end(), uint16_t{0});
  auto evaluate_for = [&](const Expr& part, const columnar::Selection& rows) {
    return rows.size() == rows_ ? evaluate(part) : select(rows).evaluate(part);
  };
  size_t pairs = expr.children().size() / 2;
  for (size_t pair = 0; pair < pairs && !rest.empty(); ++pair) {
    Operand condition = evaluate_for(*expr.child(2 * pair), rest);
    columnar::Selection taken;
    columnar::Selection left;
    for (size_t i = 0; i < rest.size(); ++i) {
      bool is_true = condition.is_constant()
                         ? !condition.constant.is_null() && condition.constant.as_bool()
                         : !condition.column->is_null(i) && condition.column->values<uint8_t>()[i] != 0;
      (is_true ? taken : left).push_back(rest[i]);
    }
    if (!taken.empty()) result.scatter(evaluate_for(*expr.child(2 * pair + 1), taken), taken);
    rest = std::move(left);
  }
  if (!rest.empty()) result.scatter(evaluate_for(*expr.children().back(), rest), rest);
  return {.type = expr.type(), .column = result.finish(), .constant = {}};
}

Operand Frame::evaluate_coalesce(const Expr& expr) {
  Operand first = evaluate(*expr.child(0));
  if (!first.is_constant() && !first.column->has_nulls()) {
    if (!first.type.same_type(expr.type())) first.column = first.column->retyped(expr.type());
    return first;
  }
  ColumnAssembler result(expr.type(), rows_);
  columnar::Selection rest(rows_);
  std::iota(rest.begin(), rest.end(), uint16_t{0});
  for (size_t child = 0; child < expr.children().size() && !rest.empty(); ++child) {
    Operand values = child == 0 ? first : select(rest).evaluate(*expr.child(child));
    result.scatter(values, rest);
    columnar::Selection left;
    for (size_t i = 0; i < rest.size(); ++i) {
      if (values.is_constant() ? values.constant.is_null() : values.column->is_null(i)) left.push_back(rest[i]);
    }
    rest = std::move(left);
  }
  return {.type = expr.type(), .column = result.finish(), .constant = {}};
}

ColumnAssembler::ColumnAssembler(DataType type, size_t rows) : type_(type), nulls_(rows, 1) {
  with_physical(type.physical(), [&]<class T>(T) { values_.emplace<std::vector<T>>(rows); });
}

void ColumnAssembler::scatter(const Operand& from, std::span<const uint16_t> rows) {
  PENSTOCK_DCHECK(from.is_null_constant() || from.type.physical() == type_.physical(), "branches differ in form");
  if (from.is_null_constant()) return;
  with_physical(type_.physical(), [&]<class T>(T) { scatter_values<T>(from, rows); });
}

template <class T>
void ColumnAssembler::scatter_values(const Operand& from, std::span<const uint16_t> rows) {
  std::vector<T>& values = *std::get_if<std::vector<T>>(&values_);
  if (!from.is_constant()) {
    std::span<const T> given = from.column->values<T>();
    for (size_t i = 0; i < rows.size(); ++i) values[rows[i]] = given[i];
    for (size_t i = 0; i < rows.size(); ++i) nulls_[rows[i]] = from.column->is_null(i) ? 1 : 0;
    owners_.insert(owners_.end(), from.column->owners().begin(), from.column->owners().end());
    return;
  }
  T value{};
  if constexpr (std::is_same_v<T, uint8_t>) value = from.constant.as_bool() ? 1 : 0;
  if constexpr (std::is_same_v<T, int64_t>) value = from.constant.as_int64();
  if constexpr (std::is_same_v<T, double>) value = from.constant.as_double();
  if constexpr (std::is_same_v<T, Int128>) value = from.constant.as_int128();
  if constexpr (std::is_same_v<T, StringCell>) {
    if (heap_ == nullptr) heap_ = std::make_shared<StringHeap>();
    value = heap_->add(from.constant.as_string());
  }
  for (uint16_t row : rows) {
    values[row] = value;
    nulls_[row] = 0;
  }
}

ColumnPtr ColumnAssembler::finish() {
  return std::visit(
      [&]<class T>(std::vector<T>& values) -> ColumnPtr {
        if constexpr (std::is_same_v<T, StringCell>) {
          if (heap_ != nullptr) owners_.push_back(std::move(heap_));
          return std::make_shared<const Column>(type_, std::move(values), std::move(nulls_), std::move(owners_));
        } else {
          return std::make_shared<const Column>(type_, std::move(values), std::move(nulls_));
        }
      },
      values_);
}

}  // namespace penstock::expr
