// Random expressions over the columns that a query sees.
#pragma once

#include <functional>
#include <vector>

#include "sqltest/random/choices.h"
#include "sqltest/random/dialects.h"
#include "sqltest/random/schema.h"

namespace penstock::sqltest {

struct Expression {
  Text text;
  Type type;
};

// What an expression may name: columns, or the keys and aggregates of a group.
using Scope = std::vector<Expression>;

// Adds a column; of a nested one its parts.
void add_column(Scope& scope, const Text& column, const Type& type);
Scope columns_of(const std::vector<Column>& columns, const std::string& prefix = "");

class ExpressionGenerator {
 public:
  explicit ExpressionGenerator(Choices& choices) : choices_(choices) {}

  // Conditions with a subquery come from here when it is set; it may give none.
  using SubqueryCondition = std::function<Text(const Scope&)>;
  void set_subqueries(SubqueryCondition condition) { subquery_condition_ = std::move(condition); }

  // A value of that type; of kInt of either width, of kDecimal with just its scale.
  Expression value(const Scope& scope, const Type& type, int depth);
  // Any value: mostly a column.
  Expression any_value(const Scope& scope, int depth);
  // A condition in three-valued logic.
  Text condition(const Scope& scope, int depth);
  // Columns of the scope of a kind that compare with this type.
  Scope of_kind(const Scope& scope, ValueKind kind) const;
  // Numbers of other types, which compare with this one all the same.
  Scope other_numbers(const Scope& scope, const Type& type) const;
  static Text mixed(const Expression& a, const char* comparison, const Expression& b);

 private:
  Expression number(const Scope& scope, bool wide, int depth);
  Expression whole(const Scope& scope, int depth);
  Expression decimal(const Scope& scope, const Type& type, int depth);
  Expression floating(const Scope& scope, int depth);
  Expression text(const Scope& scope, int depth);
  Expression time(const Scope& scope, int depth);
  Expression choice(const Scope& scope, const Type& type, int depth);
  Expression leaf(const Scope& scope, const Type& type);
  Text comparison(const Scope& scope, int depth);

  Choices& choices_;
  SubqueryCondition subquery_condition_;
};

// Whether sums of the type over this many rows fit; they are what SUM gives.
bool can_be_summed(const Type& type);
Type sum_type(const Type& type);

}  // namespace penstock::sqltest
