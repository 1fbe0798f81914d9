// The syntax tree of queries.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "sql/box.h"
#include "sql/expression.h"

namespace penstock::sql {

struct Option {
  std::string key;
  std::string value;
  Position position;
  bool operator==(const Option&) const = default;
};

// /*+ NAME('key' = 'value', ...) */; arguments that are not pairs have an empty value.
struct Hint {
  Identifier name;
  std::vector<Option> arguments;
  bool operator==(const Hint&) const = default;
};

struct TableAlias {
  Identifier name;
  std::vector<Identifier> columns;
  bool operator==(const TableAlias&) const = default;
};

struct TableReference;

struct NamedTable {
  QualifiedName name;
  std::vector<Hint> hints;
  Box<Expression> as_of;  // FOR SYSTEM_TIME AS OF x; may be empty
  bool operator==(const NamedTable&) const = default;
};

struct DerivedTable {
  bool lateral = false;
  Box<Query> query;
  bool operator==(const DerivedTable&) const = default;
};

// TABLE(f(...)), f(...), LATERAL TABLE(f(...)) or UNNEST(...) [WITH ORDINALITY].
struct TableFunction {
  bool lateral = false;
  bool with_ordinality = false;
  FunctionCall call;
  bool operator==(const TableFunction&) const = default;
};

enum class JoinKind : uint8_t { kInner, kLeft, kRight, kFull, kCross, kSemi, kAnti };

struct Join {
  JoinKind kind = JoinKind::kInner;
  bool natural = false;
  Box<TableReference> left;
  Box<TableReference> right;
  Box<Expression> on;               // may be empty
  Box<Expression> match_condition;  // of ASOF JOIN, which is a kLeft; else empty
  std::vector<Identifier> using_columns;
  bool operator==(const Join&) const = default;
};

struct SelectItem {
  Expression value;
  std::optional<Identifier> alias;
  bool operator==(const SelectItem&) const = default;
};

// {min,max}, and the signs that stand for it; without a maximum it goes on without end.
struct PatternQuantifier {
  uint32_t min = 0;
  std::optional<uint32_t> max;
  bool reluctant = false;
  Position position;
  bool operator==(const PatternQuantifier&) const = default;
};

enum class PatternTermKind : uint8_t { kVariable, kSequence, kAlternation, kPermutation, kExclusion };

// A part of a row pattern: a variable, (a b c), (a | b), PERMUTE(a, b) or {- a -}. Sequences and alternations without a
// quantifier lie flat in the sequence or alternation that they are in.
struct PatternTerm {
  PatternTermKind kind = PatternTermKind::kVariable;
  Identifier variable;
  std::vector<PatternTerm> parts;
  std::optional<PatternQuantifier> quantifier;
  Position position;
  bool operator==(const PatternTerm&) const;
};

// SUBSET name = (variable, ...)
struct PatternSubset {
  Identifier name;
  std::vector<Identifier> variables;
  bool operator==(const PatternSubset&) const = default;
};

// DEFINE variable AS condition
struct PatternDefinition {
  Identifier variable;
  Expression condition;
  bool operator==(const PatternDefinition&) const = default;
};

enum class SkipTo : uint8_t { kNextRow, kPastLastRow, kFirst, kLast };

struct AfterMatch {
  SkipTo to = SkipTo::kNextRow;
  Identifier variable;  // of kFirst and kLast
  Position position;
  bool operator==(const AfterMatch&) const = default;
};

enum class RowsPerMatch : uint8_t { kOne, kAll, kAllShowEmpty, kAllOmitEmpty, kAllWithUnmatched };

// table MATCH_RECOGNIZE (...)
struct MatchRecognize {
  Box<TableReference> input;
  std::vector<Expression> partition_by;
  std::vector<OrderItem> order_by;
  std::vector<SelectItem> measures;
  RowsPerMatch rows = RowsPerMatch::kOne;
  Position rows_position;
  std::optional<AfterMatch> after;
  PatternTerm pattern;
  Box<Expression> within;  // may be empty
  std::vector<PatternSubset> subsets;
  std::vector<PatternDefinition> definitions;
  Position position;
  bool operator==(const MatchRecognize&) const = default;
};

struct TableReference {
  std::variant<NamedTable, DerivedTable, TableFunction, Join, MatchRecognize> node;
  std::optional<TableAlias> alias;
  Position position;
  bool operator==(const TableReference&) const = default;
};

enum class GroupingKind : uint8_t { kSimple, kGroupingSets, kRollup, kCube };

// kSimple has one set with one expression, or an empty one for (); the others have one set per element.
struct GroupingElement {
  GroupingKind kind = GroupingKind::kSimple;
  std::vector<std::vector<Expression>> sets;
  bool operator==(const GroupingElement&) const = default;
};

struct NamedWindow {
  Identifier name;
  WindowSpecification specification;
  bool operator==(const NamedWindow&) const = default;
};

struct Select {
  std::vector<Hint> hints;
  bool distinct = false;
  std::vector<Expression> distinct_on;  // DISTINCT ON (...); empty without ON
  std::vector<SelectItem> items;
  std::vector<TableReference> from;  // a comma list; empty without FROM
  Box<Expression> where;
  std::vector<GroupingElement> group_by;
  Box<Expression> having;
  std::vector<NamedWindow> windows;
  Box<Expression> qualify;
  bool operator==(const Select&) const = default;
};

struct Values {
  std::vector<std::vector<Expression>> rows;
  bool operator==(const Values&) const = default;
};

enum class SetOperator : uint8_t { kUnion, kIntersect, kExcept };

// Two or more inputs, combined from the left.
struct SetOperation {
  SetOperator op = SetOperator::kUnion;
  bool all = false;
  std::vector<Query> inputs;
  bool operator==(const SetOperation&) const = default;
};

// Of a WITH RECURSIVE, its query may read the rows that it gives.
struct CommonTableExpression {
  Identifier name;
  std::vector<Identifier> columns;
  Box<Query> query;
  bool operator==(const CommonTableExpression&) const = default;
};

enum class EmitKind : uint8_t { kOnUpdate, kOnWindowClose, kEvery, kComplete };

// EMIT ON UPDATE, EMIT ON WINDOW CLOSE, EMIT EVERY interval, EMIT COMPLETE [EVERY interval]: when the result of a
// statement comes out, and as what.
struct Emit {
  EmitKind kind = EmitKind::kOnUpdate;
  Box<Expression> interval;  // of kEvery, and of kComplete where it is given
  Position position;
  bool operator==(const Emit&) const = default;
};

struct Query {
  std::vector<CommonTableExpression> with;
  bool recursive = false;  // WITH RECURSIVE
  std::variant<Select, Values, SetOperation> body;
  std::vector<OrderItem> order_by;
  Box<Expression> limit;
  Box<Expression> offset;
  std::optional<Emit> emit;  // only of a statement's own query
  Position position;
  bool operator==(const Query&) const;
};

}  // namespace penstock::sql
