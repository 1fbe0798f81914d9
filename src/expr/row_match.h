// What the conditions and measures of MATCH_RECOGNIZE see of the rows of a match.
#pragma once

#include <cstdint>
#include <vector>

#include "expr/aggregate.h"
#include "expr/expr.h"
#include "types/row_pattern.h"

namespace penstock::expr {

// One value that is taken from the rows of a match. Expressions over a match have one column for each that they use.
//
// The rows of some variables are counted, in order. Running, they are those up to the current row: the one that a
// condition is tried for, or that comes out; else all of the match.
struct MatchReference {
  enum class Kind : uint8_t {
    kRow,          // a column of one of the rows; NULL where there is none
    kAggregate,    // over a column of all of them
    kClassifier,   // the name of the current row's variable
    kMatchNumber,  // of the match in its partition, from 1
    kMatchTime,    // the time of the match's last row
  };

  Kind kind = Kind::kRow;
  types::VariableSet variables = types::kAllVariables;
  bool running = true;
  bool first = false;     // of kRow: the count begins at the first row, else at the last
  int64_t offset = 0;     // of kRow: rows of the variables from there
  int64_t distance = 0;   // of kRow: then so many rows of the partition on, or back when it is negative
  int column = -1;        // of the input; -1: COUNT(*)
  int filter = -1;        // of kAggregate, a BOOLEAN column: only rows where it is TRUE count; -1: all
  bool distinct = false;  // of kAggregate: each value counts once
  BoundAggregate aggregate;
  types::DataType type;

  // The row that a condition is tried for, or that comes out, when it is one of `variable`.
  bool is_current_row(int variable) const {
    return kind == Kind::kRow && types::contains(variables, variable) && running && !first && offset == 0 &&
           distance == 0;
  }
  bool operator==(const MatchReference& other) const {
    return kind == other.kind && variables == other.variables && running == other.running && first == other.first &&
           offset == other.offset && distance == other.distance && column == other.column && filter == other.filter &&
           distinct == other.distinct && aggregate.same_call(other.aggregate);
  }
};

// Which rows a variable may stand for: those for which both conditions are TRUE.
struct MatchDefinition {
  ExprPtr row_condition;  // over the input's columns; null: any row
  ExprPtr condition;      // over the references; null: any row
  std::vector<MatchReference> references;
};

}  // namespace penstock::expr
