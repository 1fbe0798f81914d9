// BOOL_AND, BOOL_OR and EVERY; BIT_AND, BIT_OR and BIT_XOR. All take rows back: they count what they have seen.
#include <array>

#include "expr/aggregate_state.h"

namespace penstock::expr {

namespace {

using columnar::ColumnBuilder;
using types::TypeKind;

template <bool every>
struct TruthCounts {
  using Input = uint8_t;
  int64_t trues = 0;
  int64_t falses = 0;
  void add(uint8_t value, int weight) { (value != 0 ? trues : falses) += weight; }
  void merge(const TruthCounts& later) {
    trues += later.trues;
    falses += later.falses;
  }
  void result(ColumnBuilder& out) const {
    if (trues + falses <= 0) return out.append_null();
    out.append_bool(every ? falses <= 0 : trues > 0);
  }
};

template <bool every>
bool bind_truth(AggregateSignature& call) {
  if (call.input().kind() != TypeKind::kBoolean) return false;
  call.result = TypeKind::kBoolean;
  call.kernels = fixed_kernels<TruthCounts<every>>(true);
  return true;
}

struct BitAnd {
  static constexpr int64_t kNeutral = -1;
  static int64_t apply(int64_t a, int64_t b) { return a & b; }
  static bool of_count(int64_t ones, int64_t rows) { return ones == rows; }
};
struct BitOr {
  static constexpr int64_t kNeutral = 0;
  static int64_t apply(int64_t a, int64_t b) { return a | b; }
  static bool of_count(int64_t ones, int64_t) { return ones > 0; }
};

// Rows that are never taken back.
template <class Operation>
struct HeldBits {
  using Input = int64_t;
  int64_t bits = Operation::kNeutral;
  int64_t rows = 0;
  void add(int64_t value, int) {
    bits = Operation::apply(bits, value);
    ++rows;
  }
  void merge(const HeldBits& later) {
    bits = Operation::apply(bits, later.bits);
    rows += later.rows;
  }
  void result(ColumnBuilder& out) const { rows == 0 ? out.append_null() : out.append_int64(bits); }
};

// How many rows have each bit.
template <class Operation>
struct CountedBits {
  using Input = int64_t;
  std::array<int64_t, 64> ones = {};
  int64_t rows = 0;
  void add(int64_t value, int weight) {
    for (size_t bit = 0; bit < ones.size(); ++bit) ones[bit] += (value >> bit & 1) != 0 ? weight : 0;
    rows += weight;
  }
  void merge(const CountedBits& later) {
    for (size_t bit = 0; bit < ones.size(); ++bit) ones[bit] += later.ones[bit];
    rows += later.rows;
  }
  void result(ColumnBuilder& out) const {
    if (rows <= 0) return out.append_null();
    uint64_t bits = 0;
    for (size_t bit = 0; bit < ones.size(); ++bit) {
      bits |= uint64_t{Operation::of_count(ones[bit], rows) ? 1U : 0U} << bit;
    }
    out.append_int64(static_cast<int64_t>(bits));
  }
  void save(std::string& out) const {
    save_value(out, ones);
    save_value(out, rows);
  }
  bool load(std::string_view& bytes) { return load_value(bytes, ones) && load_value(bytes, rows); }
};

// Takes itself back.
struct ExclusiveBits {
  using Input = int64_t;
  int64_t bits = 0;
  int64_t rows = 0;
  void add(int64_t value, int weight) {
    bits ^= value;
    rows += weight;
  }
  void merge(const ExclusiveBits& later) {
    bits ^= later.bits;
    rows += later.rows;
  }
  void result(ColumnBuilder& out) const { rows <= 0 ? out.append_null() : out.append_int64(bits); }
};

template <class Operation>
bool bind_bits(AggregateSignature& call) {
  if (!call.input().is_integer()) return false;
  call.result = call.input();
  call.kernels =
      call.retractable ? boxed_kernels<CountedBits<Operation>>(true) : fixed_kernels<HeldBits<Operation>>(false);
  return true;
}
bool bind_exclusive_bits(AggregateSignature& call) {
  if (!call.input().is_integer()) return false;
  call.result = call.input();
  call.kernels = fixed_kernels<ExclusiveBits>(true);
  return true;
}

constexpr FunctionCategory kCategory = FunctionCategory::kAggregate;

constexpr AggregateFunction kFunctions[] = {
    {"BOOL_AND", kCategory, "BOOL_AND(condition)", "Whether every condition that is not NULL is TRUE.",
     "BOOL_AND(x > 1) FROM (VALUES (1), (2)) AS t(x) => FALSE", bind_truth<true>},
    {"EVERY", kCategory, "EVERY(condition)", "The same as BOOL_AND.",
     "EVERY(x > 0) FROM (VALUES (1), (2)) AS t(x) => TRUE", bind_truth<true>},
    {"BOOL_OR", kCategory, "BOOL_OR(condition)", "Whether one condition is TRUE.",
     "BOOL_OR(x > 1) FROM (VALUES (1), (2)) AS t(x) => TRUE", bind_truth<false>},
    {"BIT_AND", kCategory, "BIT_AND(integer)", "The bits that all values have.",
     "BIT_AND(x) FROM (VALUES (6), (3)) AS t(x) => 2", bind_bits<BitAnd>},
    {"BIT_OR", kCategory, "BIT_OR(integer)", "The bits that any value has.",
     "BIT_OR(x) FROM (VALUES (6), (3)) AS t(x) => 7", bind_bits<BitOr>},
    {"BIT_XOR", kCategory, "BIT_XOR(integer)", "The bits that an odd number of values have.",
     "BIT_XOR(x) FROM (VALUES (6), (3)) AS t(x) => 5", bind_exclusive_bits},
};

}  // namespace

std::span<const AggregateFunction> logic_aggregates() { return kFunctions; }

}  // namespace penstock::expr
