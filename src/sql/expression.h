// The syntax tree of expressions: plain structs, one per form, held by the variant Expression::node.
//
// A tree says what was written, nothing about what names mean. Parentheses leave no trace. Nodes compare by meaning:
// positions do not count. The height of a tree is at most kNestingDepthMax.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "sql/box.h"

namespace penstock::sql {

struct Expression;
struct Query;
struct TypeName;

// Where a node begins in the statement's text: a 0-based byte offset.
struct Position {
  uint32_t offset = 0;
  friend constexpr bool operator==(Position, Position) { return true; }
};

// A name as written, without its quotes. Names keep their case and are found in any case.
struct Identifier {
  std::string text;
  Position position;
  bool operator==(const Identifier&) const = default;
};

// One to three names: [[catalog.]schema.]object. Column references may have more (fields of rows).
struct QualifiedName {
  std::vector<Identifier> parts;
  Position position() const { return parts.empty() ? Position{} : parts.front().position; }
  bool operator==(const QualifiedName&) const = default;
};

enum class LiteralKind : uint8_t {
  kNull,
  kBoolean,  // text: TRUE or FALSE
  kInteger,
  kDecimal,
  kDouble,
  kString,
  kBinary,  // X'0aff'
  kDate,
  kTime,
  kTimestamp,
  kTimestampLtz,
};

// `text` is a number as written, or what stood between the quotes.
struct Literal {
  LiteralKind kind = LiteralKind::kNull;
  std::string text;
  bool operator==(const Literal&) const = default;
};

enum class IntervalUnit : uint8_t { kYear, kQuarter, kMonth, kWeek, kDay, kHour, kMinute, kSecond, kMillisecond };
std::string_view interval_unit_name(IntervalUnit unit);

// INTERVAL [-] 'text' from [TO to]; without units in PostgreSQL's form, INTERVAL '1 hour'.
struct IntervalLiteral {
  std::string text;
  bool negative = false;
  std::optional<IntervalUnit> from;
  std::optional<IntervalUnit> to;
  bool operator==(const IntervalLiteral&) const = default;
};

struct ColumnReference {
  QualifiedName name;
  bool operator==(const ColumnReference&) const = default;
};

// * or t.*, in a select list or as COUNT(*).
struct Star {
  QualifiedName qualifier;
  bool operator==(const Star&) const = default;
};

// $1, or the nth `?`. Counts from 1.
struct Parameter {
  uint32_t number = 0;
  bool operator==(const Parameter&) const = default;
};

enum class UnaryOperator : uint8_t { kPlus, kMinus, kBitNot, kNot };

struct Unary {
  UnaryOperator op = UnaryOperator::kPlus;
  Box<Expression> operand;
  bool operator==(const Unary&) const = default;
};

enum class BinaryOperator : uint8_t {
  kAdd,
  kSubtract,
  kMultiply,
  kDivide,
  kModulo,
  kConcat,
  kEqual,
  kNotEqual,
  kLess,
  kLessOrEqual,
  kGreater,
  kGreaterOrEqual,
  // PostgreSQL's
  kPower,
  kBitAnd,
  kBitOr,
  kBitXor,
  kShiftLeft,
  kShiftRight,
  kJsonValue,
  kJsonText,
  kJsonPathValue,
  kJsonPathText,
  kJsonRemovePath,
  kContains,
  kContainedBy,
  kHas,
  kHasAny,
  kHasAll,
  kOverlaps,
  kMatches,
  kMatchesAnyCase,
  kMatchesNot,
  kMatchesNotAnyCase,
};
std::string_view binary_operator_symbol(BinaryOperator op);

struct Binary {
  BinaryOperator op = BinaryOperator::kAdd;
  Box<Expression> left;
  Box<Expression> right;
  bool operator==(const Binary&) const = default;
};

// a + b + c or a || b || c, grouped from the left: three or more operands, and the operators between them.
struct Chain {
  BinaryOperator op = BinaryOperator::kAdd;
  std::vector<Expression> operands;
  std::vector<Position> operators;
  bool operator==(const Chain&) const = default;
};

// a AND b AND c, or a OR b OR c: two or more operands.
struct Logical {
  bool is_and = true;
  std::vector<Expression> operands;
  bool operator==(const Logical&) const = default;
};

enum class TruthTest : uint8_t { kNull, kTrue, kFalse, kUnknown, kJson, kJsonScalar, kJsonArray, kJsonObject };
std::string_view truth_test_name(TruthTest test);

struct IsTest {
  TruthTest test = TruthTest::kNull;
  bool negated = false;
  Box<Expression> operand;
  bool operator==(const IsTest&) const = default;
};

struct IsDistinctFrom {
  bool negated = false;
  Box<Expression> left;
  Box<Expression> right;
  bool operator==(const IsDistinctFrom&) const = default;
};

struct Between {
  bool negated = false;
  bool symmetric = false;
  Box<Expression> operand;
  Box<Expression> low;
  Box<Expression> high;
  bool operator==(const Between&) const = default;
};

struct InList {
  bool negated = false;
  Box<Expression> operand;
  std::vector<Expression> values;
  bool operator==(const InList&) const = default;
};

struct InSubquery {
  bool negated = false;
  Box<Expression> operand;
  Box<Query> query;
  bool operator==(const InSubquery&) const = default;
};

enum class PatternKind : uint8_t { kLike, kILike, kSimilarTo };

// With ANY or ALL, `pattern` is an array of patterns.
struct PatternMatch {
  enum class Of : uint8_t { kOne, kAny, kAll };

  PatternKind kind = PatternKind::kLike;
  bool negated = false;
  Of of = Of::kOne;
  Box<Expression> operand;
  Box<Expression> pattern;
  Box<Expression> escape;  // may be empty
  bool operator==(const PatternMatch&) const = default;
};

// left op ANY (right) or left op ALL (right); exactly one of `array` and `query` is there.
struct Quantified {
  BinaryOperator op = BinaryOperator::kEqual;
  bool all = false;
  Box<Expression> left;
  Box<Expression> array;
  Box<Query> query;
  bool operator==(const Quantified&) const = default;
};

struct Exists {
  Box<Query> query;
  bool operator==(const Exists&) const = default;
};

struct ScalarSubquery {
  Box<Query> query;
  bool operator==(const ScalarSubquery&) const = default;
};

struct WhenClause {
  // Several only where CASE has an operand, which may equal any of them: WHEN 1, 2.
  std::vector<Expression> conditions;
  Box<Expression> result;
  bool operator==(const WhenClause&) const = default;
};

struct Case {
  Box<Expression> operand;  // empty in CASE WHEN condition ...
  std::vector<WhenClause> whens;
  Box<Expression> otherwise;  // may be empty
  bool operator==(const Case&) const = default;
};

// CAST(x AS type), TRY_CAST(x AS type), x::type.
struct Cast {
  bool try_cast = false;
  Box<Expression> operand;
  Box<TypeName> type;
  bool operator==(const Cast&) const = default;
};

struct OrderItem {
  Box<Expression> value;
  bool descending = false;
  std::optional<bool> nulls_first;
  bool operator==(const OrderItem&) const = default;
};

enum class FrameBoundKind : uint8_t { kUnboundedPreceding, kPreceding, kCurrentRow, kFollowing, kUnboundedFollowing };

struct FrameBound {
  FrameBoundKind kind = FrameBoundKind::kCurrentRow;
  Box<Expression> distance;  // for kPreceding and kFollowing
  bool operator==(const FrameBound&) const = default;
};

enum class FrameUnit : uint8_t { kRows, kRange, kGroups };
enum class FrameExclusion : uint8_t { kNone, kCurrentRow, kGroup, kTies };

struct WindowFrame {
  FrameUnit unit = FrameUnit::kRows;
  FrameBound start;
  FrameBound end;
  FrameExclusion exclusion = FrameExclusion::kNone;
  Position position;
  bool operator==(const WindowFrame&) const = default;
};

// What follows OVER, or a name of the WINDOW clause: a base window's name, or the parts, or both.
struct WindowSpecification {
  std::optional<Identifier> base;
  std::vector<Expression> partition_by;
  std::vector<OrderItem> order_by;
  std::optional<WindowFrame> frame;
  bool operator==(const WindowSpecification&) const = default;
};

enum class NullTreatment : uint8_t { kUnspecified, kRespectNulls, kIgnoreNulls };
// Of calls over the rows of a match: those up to the current row, or all.
enum class MatchRows : uint8_t { kUnspecified, kRunning, kFinal };

// [RUNNING | FINAL] name([DISTINCT] arguments [ORDER BY ...]) [IGNORE NULLS] [FILTER (WHERE ...)] [OVER ...]
//
// The standard's special forms are calls too, a AT TIME ZONE b as TIMEZONE(b, a), (a, b) OVERLAPS (c, d) as OVERLAPS(a,
// b, c, d); JSON functions carry their clauses behind the arguments as keywords: EXTRACT(unit FROM x), CEIL(x TO unit)
// and TRIM(BOTH a FROM b) carry a Keyword argument; POSITION(a IN b), SUBSTRING(x FROM n FOR m) and OVERLAY(...) become
// ordinary argument lists; CURRENT_TIMESTAMP and its like have no arguments. Their names are in upper case.
struct FunctionCall {
  MatchRows rows = MatchRows::kUnspecified;
  QualifiedName name;
  bool distinct = false;
  std::vector<Expression> arguments;
  std::vector<OrderItem> order_by;
  NullTreatment null_treatment = NullTreatment::kUnspecified;
  Box<Expression> filter;
  Box<WindowSpecification> over;
  bool operator==(const FunctionCall&) const = default;
};

// A bare word with a meaning of its own as an argument: a time unit, BOTH, LEADING, TRAILING; or the words of a clause
// of a JSON function: NULL ON EMPTY. Upper case.
struct Keyword {
  std::string text;
  bool operator==(const Keyword&) const = default;
};

// TABLE name or TABLE (query), as an argument of a table function.
struct TableArgument {
  QualifiedName name;  // empty when there is a query
  Box<Query> query;
  std::vector<Expression> partition_by;
  std::vector<OrderItem> order_by;
  bool operator==(const TableArgument&) const = default;
};

// DESCRIPTOR(a, b), as an argument of a table function.
struct Descriptor {
  std::vector<Identifier> columns;
  bool operator==(const Descriptor&) const = default;
};

// name => value
struct NamedArgument {
  Identifier name;
  Box<Expression> value;
  bool operator==(const NamedArgument&) const = default;
};

struct ArrayConstructor {
  std::vector<Expression> elements;
  bool operator==(const ArrayConstructor&) const = default;
};

// MAP[key, value, ...]
struct MapConstructor {
  std::vector<Expression> elements;
  bool operator==(const MapConstructor&) const = default;
};

// ROW(a, ...) or (a, b, ...).
struct RowConstructor {
  std::vector<Expression> elements;
  bool operator==(const RowConstructor&) const = default;
};

struct Subscript {
  Box<Expression> operand;
  Box<Expression> index;
  bool operator==(const Subscript&) const = default;
};

// operand[first:last]
struct Slice {
  Box<Expression> operand;
  Box<Expression> first;  // may be empty
  Box<Expression> last;   // may be empty
  bool operator==(const Slice&) const = default;
};

// ARRAY(query): the values of its only column.
struct ArraySubquery {
  Box<Query> query;
  bool operator==(const ArraySubquery&) const = default;
};

// operand.field, where the operand is not a plain name.
struct FieldAccess {
  Box<Expression> operand;
  Identifier field;
  bool operator==(const FieldAccess&) const = default;
};

struct Expression {
  using Node =
      std::variant<Literal, IntervalLiteral, ColumnReference, Star, Parameter, Unary, Binary, Chain, Logical, IsTest,
                   IsDistinctFrom, Between, InList, InSubquery, PatternMatch, Quantified, Exists, ScalarSubquery, Case,
                   Cast, FunctionCall, Keyword, TableArgument, Descriptor, NamedArgument, ArrayConstructor,
                   MapConstructor, RowConstructor, Subscript, Slice, ArraySubquery, FieldAccess>;

  Expression();
  Expression(Node node, Position position);
  Expression(Expression&&) noexcept;
  Expression& operator=(Expression&&) noexcept;
  ~Expression();

  // The node when it has this form, else null.
  template <class T>
  const T* get_if() const {
    return std::get_if<T>(&node);
  }
  bool operator==(const Expression&) const;

  Node node;
  // Of the operator for binary operators (where an error about its operands belongs), else of the first token.
  Position position;
};

struct RowField {
  Identifier name;
  Box<TypeName> type;
  bool operator==(const RowField&) const = default;
};

// A type as written, under its canonical name: VARCHAR(10), DECIMAL(10, 2), TIMESTAMP_LTZ(3), ARRAY<INT>,
// MAP<STRING, INT>, ROW<a INT, b STRING>, INTERVAL DAY TO SECOND. Aliases (TEXT, INT8, ...) are the binder's matter.
struct TypeName {
  std::string name;  // upper case
  std::vector<uint32_t> parameters;
  std::vector<TypeName> elements;  // of ARRAY, MULTISET, MAP
  std::vector<RowField> fields;    // of ROW
  bool not_null = false;
  Position position;
  bool operator==(const TypeName&) const;
};

}  // namespace penstock::sql
