// = <> < <= > >=, IS [NOT] DISTINCT FROM, IN and BETWEEN's parts, for every type.
#include <algorithm>
#include <cmath>
#include <unordered_set>

#include "expr/binding.h"
#include "expr/decimal_arithmetic.h"
#include "expr/evaluator.h"
#include "expr/registry.h"
#include "expr/type_rules.h"
#include "types/decimal.h"

namespace penstock::expr {

namespace {

// --- orders of the physical forms; NaN equals itself and is the largest, as in Java's compare ---

struct Equal {
  template <class T>
  static bool apply(const T& a, const T& b) {
    return a == b;
  }
  static bool apply(double a, double b) { return a == b || (std::isnan(a) && std::isnan(b)); }
};
struct Less {
  template <class T>
  static bool apply(const T& a, const T& b) {
    return a < b;
  }
  static bool apply(double a, double b) { return a < b || (std::isnan(b) && !std::isnan(a)); }
  static bool apply(const StringCell& a, const StringCell& b) { return a.view() < b.view(); }
};

// Exchange and negation make all six operators of two.
template <class Relation, bool exchanged, bool negated>
struct Compare {
  template <class T>
  static bool apply(const T& a, const T& b) {
    return Relation::apply(exchanged ? b : a, exchanged ? a : b) != negated;
  }
};
using Equals = Compare<Equal, false, false>;
using NotEquals = Compare<Equal, false, true>;
using LessThan = Compare<Less, false, false>;
using LessOrEqual = Compare<Less, true, true>;
using GreaterThan = Compare<Less, true, false>;
using GreaterOrEqual = Compare<Less, false, true>;

template <class Operator, class T>
void compare_kernel(KernelCall& call) {
  map_binary<uint8_t, T, T>(call, [](const T& a, const T& b) { return Operator::apply(a, b) ? 1 : 0; });
}

// Brings two types to where they can be compared; text meets other types as those.
bool to_comparable(DataType& a, DataType& b) {
  if (a.kind() == TypeKind::kNull && b.kind() == TypeKind::kNull) a = b = TypeKind::kInt;
  // Nothing is read as a nested value.
  bool any_null = a.kind() == TypeKind::kNull || b.kind() == TypeKind::kNull;
  if (!any_null && a.is_nested() != b.is_nested()) return false;
  // Integers of any width compare as they are held.
  if (a.is_integer() && b.is_integer()) return true;
  auto reads_text = [](DataType type) { return type.kind() != TypeKind::kString && type.kind() != TypeKind::kBytes; };
  if (a.kind() == TypeKind::kString && reads_text(b)) {
    if (b.kind() != TypeKind::kNull) a = b.is_integer() ? DataType(TypeKind::kBigInt) : b;
  } else if (b.kind() == TypeKind::kString && reads_text(a)) {
    if (a.kind() != TypeKind::kNull) b = a.is_integer() ? DataType(TypeKind::kBigInt) : a;
  }
  if (a.is_integer() && b.is_integer()) return true;
  const DataType types[] = {a, b};
  Result<DataType> common = common_type(types);
  if (!common) return false;
  a = b = *common;
  return true;
}

// DECIMALs that have no common type without losing digits are compared as they are.
template <class Operator>
void compare_decimals(KernelCall& call) {
  int scale_a = call.argument_type(0).scale();
  int scale_b = call.argument_type(1).scale();
  map_binary<uint8_t, Int128, Int128>(call, [=](Int128 a, Int128 b) {
    return Operator::apply(int64_t{decimal_compare(a, scale_a, b, scale_b)}, int64_t{0}) ? 1 : 0;
  });
}

bool loses_digits(DataType a, DataType b) {
  bool exact = a.is_numeric() && b.is_numeric() && !a.is_approximate() && !b.is_approximate();
  if (!exact) return false;
  a = as_decimal(a);
  b = as_decimal(b);
  return std::max(a.precision() - a.scale(), b.precision() - b.scale()) + std::max(a.scale(), b.scale()) >
         types::kDecimalPrecisionMax;
}

template <class Operator>
bool bind_compare(CallSignature& call) {
  if (call.argument_types.size() == 2 && loses_digits(call.argument_types[0], call.argument_types[1])) {
    for (DataType& type : call.argument_types) type = as_decimal(type);
    call.result = TypeKind::kBoolean;
    call.kernel = compare_decimals<Operator>;
    return true;
  }
  if (call.argument_types.size() != 2 || !to_comparable(call.argument_types[0], call.argument_types[1])) return false;
  call.result = TypeKind::kBoolean;
  call.kernel = with_physical(call.argument_types[0].physical(),
                              []<class T>(T) -> Kernel { return compare_kernel<Operator, T>; });
  return true;
}

// --- IS [NOT] DISTINCT FROM: NULL is a value like others ---

template <bool distinct, class T>
void distinct_kernel(KernelCall& call) {
  auto a = call.argument<T>(0);
  auto b = call.argument<T>(1);
  std::vector<uint8_t> out(call.rows());
  for (size_t row = 0; row < out.size(); ++row) {
    bool null_a = call.is_argument_null(0, row);
    bool null_b = call.is_argument_null(1, row);
    bool same = null_a || null_b ? null_a == null_b : Equal::apply(a[row], b[row]);
    out[row] = same != distinct ? 1 : 0;
  }
  call.finish(std::move(out));
}

template <bool distinct>
bool bind_distinct(CallSignature& call) {
  if (call.argument_types.size() != 2 || !to_comparable(call.argument_types[0], call.argument_types[1])) return false;
  call.result = TypeKind::kBoolean;
  call.never_null = true;
  call.kernel = with_physical(call.argument_types[0].physical(),
                              []<class T>(T) -> Kernel { return distinct_kernel<distinct, T>; });
  return true;
}

// --- IN: TRUE when found, else NULL when a candidate is NULL ---

// From so many constant candidates on, a hash set is quicker than looking at each.
constexpr size_t kHashCandidatesMin = 8;

template <class T>
struct CandidateHash {
  size_t operator()(const T& value) const {
    if constexpr (std::is_same_v<T, StringCell>) {
      return std::hash<std::string_view>()(value.view());
    } else if constexpr (std::is_same_v<T, Int128>) {
      return std::hash<uint64_t>()(static_cast<uint64_t>(value) ^ static_cast<uint64_t>(value >> 64) * 31);
    } else if constexpr (std::is_same_v<T, double>) {
      return std::isnan(value) ? 1 : std::hash<double>()(value);
    } else {
      return std::hash<T>()(value);
    }
  }
};
template <class T>
struct CandidateEqual {
  bool operator()(const T& a, const T& b) const { return Equal::apply(a, b); }
};

template <bool negated, class T>
void in_kernel(KernelCall& call) {
  auto values = call.argument<T>(0);
  std::unordered_set<T, CandidateHash<T>, CandidateEqual<T>> set;
  std::vector<size_t> compared;  // candidates to look at one by one
  bool hashed = call.argument_count() > kHashCandidatesMin;
  bool null_candidate = false;
  for (size_t i = 1; i < call.argument_count(); ++i) {
    if (call.operand(i).is_null_constant()) {
      null_candidate = true;
    } else if (hashed && call.operand(i).is_constant()) {
      set.insert(call.argument<T>(i)[0]);
    } else {
      compared.push_back(i);
    }
  }
  std::vector<ArgumentView<T>> candidates;
  for (size_t i : compared) candidates.push_back(call.argument<T>(i));
  std::vector<uint8_t> out(call.rows());
  for (size_t row = 0; row < out.size(); ++row) {
    if (call.is_argument_null(0, row)) {
      call.set_null(row);
      continue;
    }
    bool found = !set.empty() && set.contains(values[row]);
    bool unknown = null_candidate;
    for (size_t c = 0; c < compared.size() && !found; ++c) {
      if (call.is_argument_null(compared[c], row)) {
        unknown = true;
      } else {
        found = Equal::apply(values[row], candidates[c][row]);
      }
    }
    if (!found && unknown) call.set_null(row);
    out[row] = found != negated ? 1 : 0;
  }
  call.finish(std::move(out));
}

template <bool negated>
bool bind_in(CallSignature& call) {
  std::vector<DataType>& types = call.argument_types;
  if (types.size() < 2) return false;
  // All meet in one type: that of the value and the first candidate, widened by every other.
  DataType meeting = types[0];
  for (size_t i = 1; i < types.size(); ++i) {
    DataType candidate = types[i];
    if (!to_comparable(meeting, candidate)) return false;
    if (meeting.is_integer() && candidate.is_integer()) meeting = std::max(meeting.kind(), candidate.kind());
  }
  std::fill(types.begin(), types.end(), meeting);
  call.result = TypeKind::kBoolean;
  call.kernel = with_physical(meeting.physical(), []<class T>(T) -> Kernel { return in_kernel<negated, T>; });
  return true;
}

constexpr FunctionCategory kCategory = FunctionCategory::kComparison;

constexpr ScalarFunction kFunctions[] = {
    {"=", kCategory, "a = b", "Whether two values are equal.", "1 = 1.0 => TRUE", bind_compare<Equals>},
    {"<>", kCategory, "a <> b", "Whether two values differ.", "1 <> 2 => TRUE", bind_compare<NotEquals>},
    {"<", kCategory, "a < b", "Whether a is less than b.", "'a' < 'b' => TRUE", bind_compare<LessThan>},
    {"<=", kCategory, "a <= b", "Whether a is at most b.", "2 <= 2 => TRUE", bind_compare<LessOrEqual>},
    {">", kCategory, "a > b", "Whether a is greater than b.", "2 > 2 => FALSE", bind_compare<GreaterThan>},
    {">=", kCategory, "a >= b", "Whether a is at least b.", "2 >= 2 => TRUE", bind_compare<GreaterOrEqual>},
    {"IS DISTINCT FROM", kCategory, "a IS DISTINCT FROM b", "Whether two values differ, where NULL equals NULL.",
     "1 IS DISTINCT FROM NULL => TRUE", bind_distinct<true>, NullRule::kHandles},
    {"IS NOT DISTINCT FROM", kCategory, "a IS NOT DISTINCT FROM b",
     "Whether two values are equal, where NULL equals NULL.", "NULL IS NOT DISTINCT FROM NULL => TRUE",
     bind_distinct<false>, NullRule::kHandles},
    {"IN", kCategory, "a IN (b, ...)", "Whether a value is among others.", "2 IN (1, 2) => TRUE", bind_in<false>,
     NullRule::kHandles},
    {"NOT IN", kCategory, "a NOT IN (b, ...)", "Whether a value is not among others.", "2 NOT IN (1, 2) => FALSE",
     bind_in<true>, NullRule::kHandles},
};

}  // namespace

std::span<const ScalarFunction> comparison_functions() { return kFunctions; }

}  // namespace penstock::expr
