// What the names in DEFINE and MEASURES of MATCH_RECOGNIZE stand for. Private to the module.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "expr/expr.h"
#include "expr/row_match.h"
#include "plan/scope.h"
#include "sql/query.h"
#include "types/row_pattern.h"

namespace penstock::plan {

// The variables of a pattern, numbered as they come in it, and names for several of them (SUBSET).
class PatternVariables {
 public:
  // The number of a variable, which is added when it is new; kResourceExhausted when there are too many.
  Result<int> add(const sql::Identifier& name);
  Status add_subset(const sql::PatternSubset& subset);

  const std::vector<std::string>& names() const { return names_; }
  std::optional<int> find(std::string_view name) const;
  // The variables that a name stands for, which may be a SUBSET.
  std::optional<types::VariableSet> find_set(std::string_view name) const;
  // "there is no pattern variable X", with the nearest name.
  Error unknown(const sql::Identifier& name) const;

 private:
  std::vector<std::string> names_;
  std::vector<std::pair<std::string, types::VariableSet>> subsets_;
};

struct MatchScope {
  const Scope* input = nullptr;
  int time_column = 0;
  const PatternVariables* variables = nullptr;
  // What references are of, over the input: its columns, then expressions that are added.
  std::vector<expr::ExprPtr>* columns = nullptr;
  // Where references are collected; expressions have a column for each.
  std::vector<expr::MatchReference>* references = nullptr;
  std::optional<int> defined;  // the variable whose condition this is; in MEASURES none
  bool running = true;         // where neither RUNNING nor FINAL is written

  // Inside of FIRST, PREV, SUM and the like, where names are columns of one row: of which variables, once one of them
  // has been named.
  struct Argument {
    std::optional<types::VariableSet> variables;
  };
  Argument* argument = nullptr;

  // A column for the reference.
  expr::ExprPtr refer(expr::MatchReference reference, std::string text) const;
};

}  // namespace penstock::plan
