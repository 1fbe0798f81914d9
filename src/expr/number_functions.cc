// Functions of whole numbers, PostgreSQL's functions of numbers, bits, and chance.
#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>
#include <numeric>
#include <random>

#include "expr/binding.h"
#include "expr/constant_check.h"
#include "expr/registry.h"
#include "expr/slots.h"

namespace penstock::expr {

namespace {

// --- whole numbers ---

uint64_t magnitude(int64_t v) { return v < 0 ? -static_cast<uint64_t>(v) : static_cast<uint64_t>(v); }

void greatest_common_divisor(KernelCall& call) {
  map_binary<int64_t, int64_t, int64_t>(
      call, [](int64_t a, int64_t b) { return static_cast<int64_t>(std::gcd(magnitude(a), magnitude(b))); });
}
void least_common_multiple(KernelCall& call) {
  auto as = call.argument<int64_t>(0);
  auto bs = call.argument<int64_t>(1);
  map_valid<int64_t>(call, [&](size_t row) -> int64_t {
    const uint64_t a = magnitude(as[row]);
    const uint64_t b = magnitude(bs[row]);
    if (a == 0 || b == 0) return 0;
    int64_t result = 0;
    if (__builtin_mul_overflow(a / std::gcd(a, b), b, &result)) call.fail(row, "the result does not fit BIGINT");
    return result;
  });
}
void factorial(KernelCall& call) {
  auto values = call.argument<int64_t>(0);
  map_valid<int64_t>(call, [&](size_t row) -> int64_t {
    constexpr int64_t kLargest = 20;  // 21! does not fit
    if (values[row] < 0 || values[row] > kLargest) {
      call.fail(row, fmt::format("FACTORIAL takes 0 to {}, not {}", kLargest, values[row]));
      return 0;
    }
    int64_t product = 1;
    for (int64_t i = 2; i <= values[row]; ++i) product *= i;
    return product;
  });
}
void whole_quotient(KernelCall& call) {
  auto as = call.argument<double>(0);
  auto bs = call.argument<double>(1);
  map_valid<double>(call, [&](size_t row) -> double {
    if (bs[row] != 0) return std::trunc(as[row] / bs[row]);
    call.fail(row, "division by zero");
    return 0;
  });
}
// The library's is off by one digit for 27; a step of Newton's method puts that right.
double cube_root(double v) {
  const double root = std::cbrt(v);
  if (root == 0 || !std::isfinite(root)) return root;
  return root - (root * root * root - v) / (3 * root * root);
}
void cube_root_kernel(KernelCall& call) { map_unary<double, double>(call, cube_root); }

// WIDTH_BUCKET(value, low, high, count): 0 below, count + 1 from high on.
void width_bucket(KernelCall& call) {
  auto values = call.argument<double>(0);
  auto lows = call.argument<double>(1);
  auto highs = call.argument<double>(2);
  auto counts = call.argument<int64_t>(3);
  map_valid<int64_t>(call, [&](size_t row) -> int64_t {
    const double low = lows[row];
    const double high = highs[row];
    const int64_t count = counts[row];
    if (count < 1 || count > INT32_MAX - 1 || !(low < high || high < low)) {
      call.fail(row, "WIDTH_BUCKET needs two different bounds and at least one bucket");
      return 0;
    }
    const double share = (values[row] - low) / (high - low);  // of a range that may run downwards
    if (!(share >= 0)) return 0;
    if (share >= 1) return count + 1;
    return std::min(static_cast<int64_t>(share * static_cast<double>(count)), count - 1) + 1;
  });
}

// --- bits ---

struct And {
  static int64_t apply(int64_t a, int64_t b) { return a & b; }
};
struct Or {
  static int64_t apply(int64_t a, int64_t b) { return a | b; }
};
struct Xor {
  static int64_t apply(int64_t a, int64_t b) { return a ^ b; }
};
template <class Operation>
void bits_kernel(KernelCall& call) {
  map_binary<int64_t, int64_t, int64_t>(call, [](int64_t a, int64_t b) { return Operation::apply(a, b); });
}
void not_kernel(KernelCall& call) {
  map_unary<int64_t, int64_t>(call, [](int64_t v) { return ~v; });
}

void bit_count(KernelCall& call) {
  map_unary<int64_t, int64_t>(call, [](int64_t v) { return std::popcount(static_cast<uint64_t>(v)); });
}

// The result has the wider type of both.
template <Kernel kernel>
bool bind_bits(CallSignature& call) {
  if (call.argument_types.empty() || call.argument_types.size() > 2) return false;
  for (DataType& type : call.argument_types) {
    if (type.kind() == TypeKind::kNull) type = TypeKind::kInt;
    if (!type.is_integer()) return false;
  }
  call.result = std::max(call.argument_types.front().kind(), call.argument_types.back().kind());
  call.kernel = kernel;
  return true;
}

// Shifts by 64 and more leave nothing; of a narrower type the result is cut to it, as Java does.
template <bool left>
void shift(KernelCall& call) {
  const TypeKind kind = call.result_type().kind();
  map_binary<int64_t, int64_t, int64_t>(call, [kind](int64_t value, int64_t count) -> int64_t {
    const int64_t bits = kind == TypeKind::kBigInt ? 63 : 31;
    const auto distance = static_cast<uint64_t>(count & bits);
    if (!left) return value >> distance;
    const auto shifted = static_cast<int64_t>(static_cast<uint64_t>(value) << distance);
    return kind == TypeKind::kBigInt ? shifted : static_cast<int32_t>(shifted);
  });
}
template <bool left>
bool bind_shift(CallSignature& call) {
  if (call.argument_types.size() != 2) return false;
  DataType& value = call.argument_types[0];
  if (value.kind() == TypeKind::kNull) value = TypeKind::kInt;
  if (!value.is_integer() || !accept_argument(Takes::kInteger, call.argument_types[1])) return false;
  call.argument_types[1] = TypeKind::kBigInt;
  call.result = value.kind() == TypeKind::kBigInt ? TypeKind::kBigInt : TypeKind::kInt;
  call.kernel = shift<left>;
  return true;
}

// --- chance ---

std::mt19937_64& generator() {
  thread_local std::mt19937_64 random([] {
    std::random_device device;
    return uint64_t{device()} << 32 | device();
  }());
  return random;
}

void random_double(KernelCall& call) {
  std::vector<double> out(call.rows());
  for (double& value : out) value = std::uniform_real_distribution<double>(0, 1)(generator());
  call.finish(std::move(out));
}
void random_integer(KernelCall& call) {
  auto bounds = call.argument<int64_t>(0);
  map_valid<int64_t>(call, [&](size_t row) -> int64_t {
    if (bounds[row] >= 1) return std::uniform_int_distribution<int64_t>(0, bounds[row] - 1)(generator());
    call.fail(row, "the bound of RAND_INTEGER is at least 1");
    return 0;
  });
}
// Version 4 of RFC 9562.
void random_uuid(KernelCall& call) {
  TextOutput out(call);
  for (size_t row = 0; row < call.rows(); ++row) {
    const uint64_t high = (generator()() & 0xFFFFFFFFFFFF0FFFU) | 0x4000U;
    const uint64_t low = (generator()() & 0x3FFFFFFFFFFFFFFFU) | 0x8000000000000000U;
    out.set(row, fmt::format("{:08x}-{:04x}-{:04x}-{:04x}-{:012x}", high >> 32, high >> 16 & 0xFFFF, high & 0xFFFF,
                             low >> 48, low & 0xFFFFFFFFFFFFU));
  }
  out.finish();
}

// What Java's java.util.Random gives first for a seed, as Flink has it for a seed that is no constant.
class JavaRandom {
 public:
  explicit JavaRandom(int64_t seed) : state_((static_cast<uint64_t>(seed) ^ kMultiplier) & kMask) {}

  double next_double() {
    const uint64_t high = static_cast<uint64_t>(next(26)) << 27;
    return static_cast<double>(high + static_cast<uint64_t>(next(27))) * 0x1.0p-53;
  }
  // `bound` is at least 1.
  int64_t next_int(int32_t bound) {
    const int64_t first = next(31);
    if (std::has_single_bit(static_cast<uint32_t>(bound))) return bound * first >> 31;
    // Numbers beyond the last whole multiple of the bound would make some of the results likelier.
    for (int64_t bits = first;; bits = next(31)) {
      const int64_t value = bits % bound;
      if (bits - value + (bound - 1) <= std::numeric_limits<int32_t>::max()) return value;
    }
  }

 private:
  static constexpr uint64_t kMultiplier = 0x5DEECE66D;
  static constexpr uint64_t kMask = (uint64_t{1} << 48) - 1;

  // So many bits; not negative.
  int64_t next(int bits) {
    state_ = (state_ * kMultiplier + 0xB) & kMask;
    return static_cast<int64_t>(state_ >> (48 - bits));
  }

  uint64_t state_;
};

void seeded_double(KernelCall& call) {
  map_unary<double, int64_t>(call, [](int64_t seed) { return JavaRandom(seed).next_double(); });
}

void seeded_integer(KernelCall& call) {
  auto seeds = call.argument<int64_t>(0);
  auto bounds = call.argument<int64_t>(1);
  map_valid<int64_t>(call, [&](size_t row) -> int64_t {
    if (bounds[row] < 1 || bounds[row] > std::numeric_limits<int32_t>::max()) {
      call.fail(row, fmt::format("the bound of RAND_INTEGER is an INT of 1 or more, not {}", bounds[row]));
      return 0;
    }
    return JavaRandom(seeds[row]).next_int(static_cast<int32_t>(bounds[row]));
  });
}

// Kernels keep no place in a sequence.
Status refuse_constant_seed(std::string_view seed) {
  return invalid_argument("with the constant seed {} every row would have the same number", seed)
      .hint("leave out the seed, or take it from the rows");
}

constexpr FunctionCategory kCategory = FunctionCategory::kArithmetic;
constexpr FunctionCategory kBits = FunctionCategory::kBits;
constexpr NullRule kPropagates = NullRule::kPropagates;
using enum Takes;
constexpr TypeKind kBig = TypeKind::kBigInt;
constexpr TypeKind kReal = TypeKind::kDouble;

constexpr auto kBindSeededDouble = bind_fixed<seeded_double, kReal, kInteger>;
constexpr auto kBindSeededInteger = bind_fixed<seeded_integer, TypeKind::kInt, kInteger, kInteger>;

constexpr ConstantCheck kChecks[] = {
    {kBindSeededDouble, 0, refuse_constant_seed},
    {kBindSeededInteger, 0, refuse_constant_seed},
};

constexpr ScalarFunction kFunctions[] = {
    {"GCD", kCategory, "GCD(a, b)", "The greatest common divisor.", "GCD(12, 18) => 6",
     bind_fixed<greatest_common_divisor, kBig, kInteger, kInteger>},
    {"LCM", kCategory, "LCM(a, b)", "The least common multiple.", "LCM(4, 6) => 12",
     bind_fixed<least_common_multiple, kBig, kInteger, kInteger>},
    {"FACTORIAL", kCategory, "FACTORIAL(n)", "The product of 1 to n, which is at most 20.", "FACTORIAL(5) => 120",
     bind_fixed<factorial, kBig, kInteger>},
    {"DIV", kCategory, "DIV(a, b)", "The quotient cut to a whole number, as DOUBLE.", "DIV(7.5, 2) => 3.0",
     bind_fixed<whole_quotient, kReal, Takes::kDouble, Takes::kDouble>},
    {"CBRT", kCategory, "CBRT(number)", "The cube root.", "CBRT(27) => 3.0",
     bind_fixed<cube_root_kernel, kReal, Takes::kDouble>},
    {"WIDTH_BUCKET", kCategory, "WIDTH_BUCKET(value, low, high, count)",
     "The number of the bucket, from 1, in which the value is of so many between two bounds; 0 below, count + 1 above.",
     "WIDTH_BUCKET(35, 0, 100, 10) => 4",
     bind_fixed<width_bucket, TypeKind::kInt, Takes::kDouble, Takes::kDouble, Takes::kDouble, kInteger>},
    {"RAND", kCategory, "RAND()", "A DOUBLE from 0 up to but without 1, another in each row.", "",
     bind_fixed<random_double, kReal>, kPropagates, false, true},
    {"RANDOM", kCategory, "RANDOM()", "The same as RAND.", "", bind_fixed<random_double, kReal>, kPropagates, false,
     true},
    {"RAND_INTEGER", kCategory, "RAND_INTEGER(bound)",
     "An INT from 0 up to but without the bound, another in each row.", "",
     bind_fixed<random_integer, TypeKind::kInt, kInteger>, kPropagates, false, true},
    {"RAND", kCategory, "RAND(column)",
     "The DOUBLE that the seed stands for: always the same of one seed, and what Flink gives. The seed is no constant, "
     "with which every row would have the same number.",
     "RAND(x) FROM (VALUES (42)) AS t(x) => 0.7275636800328681", kBindSeededDouble},
    {"RAND_INTEGER", kCategory, "RAND_INTEGER(column, bound)",
     "The INT, from 0 up to but without the bound, that the seed stands for, which is no constant.",
     "RAND_INTEGER(x, 100) FROM (VALUES (42)) AS t(x) => 30", kBindSeededInteger},
    {"UUID", FunctionCategory::kSystem, "UUID()", "A random UUID (version 4), another in each row.", "",
     bind_fixed<random_uuid, TypeKind::kString>, kPropagates, false, true},
    {"GEN_RANDOM_UUID", FunctionCategory::kSystem, "GEN_RANDOM_UUID()", "The same as UUID.", "",
     bind_fixed<random_uuid, TypeKind::kString>, kPropagates, false, true},
    {"&", kBits, "a & b", "The bits that both have.", "6 & 3 => 2", bind_bits<bits_kernel<And>>},
    {"|", kBits, "a | b", "The bits that one has.", "6 | 3 => 7", bind_bits<bits_kernel<Or>>},
    {"#", kBits, "a # b", "The bits that only one has.", "6 # 3 => 5", bind_bits<bits_kernel<Xor>>},
    {"BITWISE NOT", kBits, "~ a", "The other bits.", "~ 5 => -6", bind_bits<not_kernel>},
    {"BIT_COUNT", kBits, "BIT_COUNT(integer)", "How many bits of the BIGINT are set.", "BIT_COUNT(7) => 3",
     bind_fixed<bit_count, TypeKind::kInt, kInteger>},
    {"<<", kBits, "a << count", "The bits moved to the left.", "1 << 4 => 16", bind_shift<true>},
    {">>", kBits, "a >> count", "The bits moved to the right; the sign stays.", "-16 >> 2 => -4", bind_shift<false>},
};

}  // namespace

std::span<const ScalarFunction> number_functions() { return kFunctions; }
std::span<const ConstantCheck> number_checks() { return kChecks; }

}  // namespace penstock::expr
