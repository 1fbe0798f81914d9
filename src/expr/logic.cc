// NOT and the tests of three-valued logic. AND and OR are nodes of their own.
#include "expr/binding.h"

namespace penstock::expr {

namespace {

void not_kernel(KernelCall& call) {
  map_unary<uint8_t, uint8_t>(call, [](uint8_t v) { return v ^ 1U; });
}

template <bool wanted_null>
void null_test_kernel(KernelCall& call) {
  std::vector<uint8_t> out(call.rows());
  for (size_t row = 0; row < out.size(); ++row) out[row] = call.is_argument_null(0, row) == wanted_null ? 1 : 0;
  call.finish(std::move(out));
}

template <bool wanted_null>
bool bind_null_test(CallSignature& call) {
  if (call.argument_types.size() != 1) return false;
  call.result = TypeKind::kBoolean;
  call.kernel = null_test_kernel<wanted_null>;
  call.never_null = true;
  return true;
}

// IS [NOT] TRUE and IS [NOT] FALSE: NULL is neither.
template <bool wanted, bool negated>
void truth_test_kernel(KernelCall& call) {
  auto values = call.argument<uint8_t>(0);
  std::vector<uint8_t> out(call.rows());
  for (size_t row = 0; row < out.size(); ++row) {
    bool is = !call.is_argument_null(0, row) && (values[row] != 0) == wanted;
    out[row] = is != negated ? 1 : 0;
  }
  call.finish(std::move(out));
}

template <bool wanted, bool negated>
bool bind_truth_test(CallSignature& call) {
  static constexpr Takes kTakes[] = {Takes::kBoolean};
  if (!accept_arguments(call, kTakes, 1)) return false;
  call.result = TypeKind::kBoolean;
  call.kernel = truth_test_kernel<wanted, negated>;
  call.never_null = true;
  return true;
}

// What a subquery that is a value is held against: how many rows it has.
void at_most_one_row_kernel(KernelCall& call) {
  auto rows = call.argument<int64_t>(0);
  for (size_t row = 0; row < call.rows(); ++row) {
    bool more = !call.is_argument_null(0, row) && rows[row] > 1;
    if (more) call.fail(row, "more than one row returned by a subquery used as an expression");
  }
  call.finish(std::vector<uint8_t>(call.rows(), 1));
}

bool bind_at_most_one_row(CallSignature& call) {
  static constexpr Takes kTakes[] = {Takes::kInteger};
  if (!accept_arguments(call, kTakes, 1)) return false;
  call.result = TypeKind::kBoolean;
  call.kernel = at_most_one_row_kernel;
  return true;
}

constexpr FunctionCategory kCategory = FunctionCategory::kLogic;

constexpr ScalarFunction kFunctions[] = {
    {"NOT", kCategory, "NOT a", "The opposite; of NULL it is NULL.", "NOT TRUE => FALSE",
     bind_fixed<not_kernel, TypeKind::kBoolean, Takes::kBoolean>},
    {"IS NULL", kCategory, "a IS NULL", "Whether there is no value.", "NULL IS NULL => TRUE", bind_null_test<true>,
     NullRule::kHandles},
    {"IS NOT NULL", kCategory, "a IS NOT NULL", "Whether there is a value.", "1 IS NOT NULL => TRUE",
     bind_null_test<false>, NullRule::kHandles},
    {"IS TRUE", kCategory, "a IS TRUE", "TRUE for TRUE, FALSE for FALSE and NULL.", "(1 = NULL) IS TRUE => FALSE",
     bind_truth_test<true, false>, NullRule::kHandles},
    {"IS NOT TRUE", kCategory, "a IS NOT TRUE", "TRUE for FALSE and NULL.", "(1 = NULL) IS NOT TRUE => TRUE",
     bind_truth_test<true, true>, NullRule::kHandles},
    {"IS FALSE", kCategory, "a IS FALSE", "TRUE for FALSE, FALSE for TRUE and NULL.", "(1 = 2) IS FALSE => TRUE",
     bind_truth_test<false, false>, NullRule::kHandles},
    {"IS NOT FALSE", kCategory, "a IS NOT FALSE", "TRUE for TRUE and NULL.", "(1 = NULL) IS NOT FALSE => TRUE",
     bind_truth_test<false, true>, NullRule::kHandles},
    {"IS UNKNOWN", kCategory, "a IS UNKNOWN", "Whether a condition is NULL.", "(1 = NULL) IS UNKNOWN => TRUE",
     bind_null_test<true>, NullRule::kHandles},
    {"AT MOST ONE ROW", FunctionCategory::kInternal, "AT MOST ONE ROW count",
     "TRUE for a count of 1, 0 or NULL, an error for others.", "", bind_at_most_one_row, NullRule::kHandles},
    {"IS NOT UNKNOWN", kCategory, "a IS NOT UNKNOWN", "Whether a condition is TRUE or FALSE.",
     "(1 = 2) IS NOT UNKNOWN => TRUE", bind_null_test<false>, NullRule::kHandles},
};

}  // namespace

std::span<const ScalarFunction> logic_functions() { return kFunctions; }

}  // namespace penstock::expr
