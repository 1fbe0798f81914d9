// The parts of the syntax tree that cannot be defined where their types are still incomplete.
#include "sql/statement.h"

namespace penstock::sql {

Expression::Expression() = default;
Expression::Expression(Node node, Position position) : node(std::move(node)), position(position) {}
Expression::Expression(Expression&&) noexcept = default;
Expression& Expression::operator=(Expression&&) noexcept = default;
Expression::~Expression() = default;
bool Expression::operator==(const Expression&) const = default;

bool TypeName::operator==(const TypeName&) const = default;
bool PatternTerm::operator==(const PatternTerm&) const = default;
bool Query::operator==(const Query&) const = default;

std::string_view interval_unit_name(IntervalUnit unit) {
  switch (unit) {
    case IntervalUnit::kYear: return "YEAR";
    case IntervalUnit::kQuarter: return "QUARTER";
    case IntervalUnit::kMonth: return "MONTH";
    case IntervalUnit::kWeek: return "WEEK";
    case IntervalUnit::kDay: return "DAY";
    case IntervalUnit::kHour: return "HOUR";
    case IntervalUnit::kMinute: return "MINUTE";
    case IntervalUnit::kSecond: return "SECOND";
    case IntervalUnit::kMillisecond: return "MILLISECOND";
  }
  return "";
}

std::string_view binary_operator_symbol(BinaryOperator op) {
  switch (op) {
    case BinaryOperator::kAdd: return "+";
    case BinaryOperator::kSubtract: return "-";
    case BinaryOperator::kMultiply: return "*";
    case BinaryOperator::kDivide: return "/";
    case BinaryOperator::kModulo: return "%";
    case BinaryOperator::kConcat: return "||";
    case BinaryOperator::kEqual: return "=";
    case BinaryOperator::kNotEqual: return "<>";
    case BinaryOperator::kLess: return "<";
    case BinaryOperator::kLessOrEqual: return "<=";
    case BinaryOperator::kGreater: return ">";
    case BinaryOperator::kGreaterOrEqual: return ">=";
    case BinaryOperator::kPower: return "^";
    case BinaryOperator::kBitAnd: return "&";
    case BinaryOperator::kBitOr: return "|";
    case BinaryOperator::kBitXor: return "#";
    case BinaryOperator::kShiftLeft: return "<<";
    case BinaryOperator::kShiftRight: return ">>";
    case BinaryOperator::kJsonValue: return "->";
    case BinaryOperator::kJsonText: return "->>";
    case BinaryOperator::kJsonPathValue: return "#>";
    case BinaryOperator::kJsonPathText: return "#>>";
    case BinaryOperator::kJsonRemovePath: return "#-";
    case BinaryOperator::kContains: return "@>";
    case BinaryOperator::kContainedBy: return "<@";
    case BinaryOperator::kHas: return "?";
    case BinaryOperator::kHasAny: return "?|";
    case BinaryOperator::kHasAll: return "?&";
    case BinaryOperator::kOverlaps: return "&&";
    case BinaryOperator::kMatches: return "~";
    case BinaryOperator::kMatchesAnyCase: return "~*";
    case BinaryOperator::kMatchesNot: return "!~";
    case BinaryOperator::kMatchesNotAnyCase: return "!~*";
  }
  return "";
}

std::string_view truth_test_name(TruthTest test) {
  switch (test) {
    case TruthTest::kNull: return "NULL";
    case TruthTest::kTrue: return "TRUE";
    case TruthTest::kFalse: return "FALSE";
    case TruthTest::kUnknown: return "UNKNOWN";
    case TruthTest::kJson: return "JSON";
    case TruthTest::kJsonScalar: return "JSON SCALAR";
    case TruthTest::kJsonArray: return "JSON ARRAY";
    case TruthTest::kJsonObject: return "JSON OBJECT";
  }
  return "";
}

std::string_view like_strategy_name(LikeStrategy strategy) {
  switch (strategy) {
    case LikeStrategy::kIncluding: return "INCLUDING";
    case LikeStrategy::kExcluding: return "EXCLUDING";
    case LikeStrategy::kOverwriting: return "OVERWRITING";
  }
  return "";
}

std::string_view like_feature_name(LikeFeature feature) {
  switch (feature) {
    case LikeFeature::kAll: return "ALL";
    case LikeFeature::kConstraints: return "CONSTRAINTS";
    case LikeFeature::kGenerated: return "GENERATED";
    case LikeFeature::kMetadata: return "METADATA";
    case LikeFeature::kOptions: return "OPTIONS";
    case LikeFeature::kPartitions: return "PARTITIONS";
    case LikeFeature::kWatermarks: return "WATERMARKS";
  }
  return "";
}

std::string_view object_kind_name(ObjectKind kind) {
  switch (kind) {
    case ObjectKind::kTable: return "TABLE";
    case ObjectKind::kView: return "VIEW";
    case ObjectKind::kMaterializedView: return "MATERIALIZED VIEW";
    case ObjectKind::kAlert: return "ALERT";
    case ObjectKind::kJob: return "JOB";
    case ObjectKind::kFunction: return "FUNCTION";
    case ObjectKind::kTopic: return "TOPIC";
    case ObjectKind::kSchema: return "SCHEMA";
    case ObjectKind::kCatalog: return "CATALOG";
  }
  return "";
}

}  // namespace penstock::sql
