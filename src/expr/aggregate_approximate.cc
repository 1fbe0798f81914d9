// Answers that are nearly right from little memory: how many different values, percentiles, the most frequent values.
//
// Over rows that may be taken back, what cannot be forgotten approximately is counted exactly.
#include <algorithm>
#include <bit>
#include <cmath>
#include <unordered_map>

#include "base/hash.h"
#include "columnar/nested.h"
#include "expr/aggregate_state.h"
#include "types/nested.h"

namespace penstock::expr {

namespace {

using columnar::ColumnBuilder;
using types::DataType;
using types::TypeKind;

// How often each value is there, in no order.
template <class Value, class Hash, class Equal>
using HashCounts = std::unordered_map<Value, int64_t, Hash, Equal, StateAllocator<std::pair<const Value, int64_t>>>;

// Calls `add(state, slot, weight)` with the values that are not NULL.
template <class S>
void update_with_slots(StateSpan states, const columnar::Column* argument, const int8_t* weights) {
  std::string slot;
  for (size_t i = 0; i < states.size(); ++i) {
    if (argument->is_null(i)) continue;
    slot.clear();
    columnar::append_slot(slot, *argument, i);
    BoxedStateKernels<S>::pointer(states[i])->add(slot, weights == nullptr ? 1 : int{weights[i]});
  }
}

// --- APPROX_COUNT_DISTINCT ---

// HyperLogLog with 2^12 registers (a standard error of 1.6 %), which until then keeps the hashes themselves.
struct DistinctSketch {
  static constexpr int kIndexBits = 12;
  static constexpr size_t kRegisters = size_t{1} << kIndexBits;
  static constexpr size_t kHashesMax = 384;  // so many in a table of 512, as large as the registers

  StateVector<uint64_t> hashes;  // a table with open addressing; 0 is an empty place
  size_t hash_count = 0;
  StateVector<uint8_t> registers;

  void add(std::string_view slot, int) { add_hash(hash64(slot)); }
  void add_hash(uint64_t hash) {
    if (!registers.empty()) return add_to_registers(hash);
    hash = hash == 0 ? 1 : hash;
    if ((hash_count + 1) * 4 > hashes.size() * 3) grow();
    if (!registers.empty()) return add_to_registers(hash);
    if (insert(hash)) ++hash_count;
  }
  void merge(const DistinctSketch& later) {
    for (uint64_t hash : later.hashes) {
      if (hash != 0) add_hash(hash);
    }
    if (later.registers.empty()) return;
    if (registers.empty()) to_registers();
    for (size_t i = 0; i < kRegisters; ++i) registers[i] = std::max(registers[i], later.registers[i]);
  }
  void result(ColumnBuilder& out) const { out.append_int64(registers.empty() ? counted() : estimated()); }
  void save(std::string& out) const {
    save_value(out, static_cast<uint8_t>(registers.empty() ? 0 : 1));
    if (!registers.empty()) return save_value(out, std::string(registers.begin(), registers.end()));
    save_value(out, static_cast<uint64_t>(hash_count));
    for (uint64_t hash : hashes) {
      if (hash != 0) save_value(out, hash);
    }
  }
  bool load(std::string_view& bytes) {
    uint8_t dense = 0;
    if (!load_value(bytes, dense)) return false;
    if (dense != 0) {
      std::string text;
      if (!load_value(bytes, text) || text.size() != kRegisters) return false;
      registers.assign(text.begin(), text.end());
      return true;
    }
    uint64_t count = 0;
    if (!load_value(bytes, count)) return false;
    for (uint64_t hash = 0; count > 0; --count) {
      if (!load_value(bytes, hash)) return false;
      add_hash(hash);
    }
    return true;
  }

 private:
  bool insert(uint64_t hash) {
    const size_t mask = hashes.size() - 1;
    size_t at = hash & mask;
    for (; hashes[at] != 0; at = (at + 1) & mask) {
      if (hashes[at] == hash) return false;
    }
    hashes[at] = hash;
    return true;
  }
  void grow() {
    if (hash_count >= kHashesMax) return to_registers();
    StateVector<uint64_t> old = std::exchange(hashes, StateVector<uint64_t>(std::max<size_t>(hashes.size() * 2, 8)));
    for (uint64_t hash : old) {
      if (hash != 0) insert(hash);
    }
  }
  void to_registers() {
    registers.resize(kRegisters);
    for (uint64_t hash : hashes) {
      if (hash != 0) add_to_registers(hash);
    }
    hashes = StateVector<uint64_t>();
    hash_count = 0;
  }
  void add_to_registers(uint64_t hash) {
    const size_t index = hash >> (64 - kIndexBits);
    const auto rank = static_cast<uint8_t>(std::countl_zero(hash << kIndexBits | 1U << (kIndexBits - 1)) + 1);
    registers[index] = std::max(registers[index], rank);
  }
  int64_t counted() const { return static_cast<int64_t>(hash_count); }
  int64_t estimated() const {
    constexpr double kCount = kRegisters;
    constexpr double kAlpha = 0.7213 / (1 + 1.079 / kCount);
    double sum = 0;
    double empty = 0;
    for (uint8_t rank : registers) {
      sum += std::ldexp(1.0, -rank);
      empty += rank == 0 ? 1 : 0;
    }
    double estimate = kAlpha * kCount * kCount / sum;
    if (estimate <= 2.5 * kCount && empty > 0) estimate = kCount * std::log(kCount / empty);
    return std::llround(estimate);
  }
};

// How often each hash is there, for rows that may be taken back.
struct CountedHashes {
  HashCounts<uint64_t, std::hash<uint64_t>, std::equal_to<>> counts;

  void add_times(uint64_t hash, int64_t times) {
    auto at = counts.try_emplace(hash, 0).first;
    at->second += times;
    if (at->second == 0) counts.erase(at);
  }
  void add(std::string_view slot, int weight) { add_times(hash64(slot), weight); }
  void merge(const CountedHashes& later) {
    for (const auto& [hash, times] : later.counts) add_times(hash, times);
  }
  void result(ColumnBuilder& out) const {
    out.append_int64(std::ranges::count_if(counts, [](const auto& one) { return one.second > 0; }));
  }
  void save(std::string& out) const { save_counts(out, counts); }
  bool load(std::string_view& bytes) { return load_counts(bytes, counts); }
};

bool bind_count_distinct(AggregateSignature& call) {
  call.result = DataType(TypeKind::kBigInt).with_nullable(false);
  call.kernels = call.retractable ? boxed_kernels<CountedHashes>(true, update_with_slots<CountedHashes>)
                                  : boxed_kernels<DistinctSketch>(false, update_with_slots<DistinctSketch>);
  return true;
}

// --- APPROX_PERCENTILE ---

// DDSketch: how many values are in each of the ranges whose ends are powers of kGrowth. The middle of a range is within
// 1 % of every value in it. Counts, so rows can be taken back; and at most some 70,000 ranges, so memory is bounded.
struct QuantileSketch {
  using Input = double;
  static constexpr double kError = 0.01;
  static constexpr double kGrowth = (1 + kError) / (1 - kError);

  const AggregateParameters* parameters;
  // Ranges by their place on the axis of numbers: those of negative numbers below 0, 0 for zero itself.
  StateCounts<int32_t> counts;

  explicit QuantileSketch(const AggregateParameters& call) : parameters(&call) {}

  static int32_t range_of(double value) {
    constexpr int32_t kOffset = 40'000;  // more than any range of a double is below that of 1
    if (value == 0 || std::isnan(value)) return 0;
    const double size = std::min(std::abs(value), std::numeric_limits<double>::max());
    const auto power = static_cast<int32_t>(std::ceil(std::log(size) / std::log(kGrowth)));
    return value > 0 ? power + kOffset : -(power + kOffset);
  }
  static double middle_of(int32_t range) {
    constexpr int32_t kOffset = 40'000;
    if (range == 0) return 0;
    const double size = 2 * std::exp(std::log(kGrowth) * (std::abs(range) - kOffset)) / (kGrowth + 1);
    return range > 0 ? size : -size;
  }
  void add_times(int32_t range, int64_t times) {
    auto at = counts.try_emplace(range, 0).first;
    at->second += times;
    if (at->second == 0) counts.erase(at);
  }
  void add(double value, int weight) { add_times(range_of(value), weight); }
  void merge(const QuantileSketch& later) {
    for (const auto& [range, times] : later.counts) add_times(range, times);
  }
  void result(ColumnBuilder& out) const {
    int64_t total = 0;
    for (const auto& [range, times] : counts) total += std::max<int64_t>(times, 0);
    if (total == 0) return out.append_null();
    auto rest = static_cast<int64_t>(*constant_double(parameters->constants[0]) * static_cast<double>(total - 1));
    for (const auto& [range, times] : counts) {
      rest -= std::max<int64_t>(times, 0);
      if (rest < 0) return out.append_double(middle_of(range));
    }
  }
  void save(std::string& out) const { save_counts(out, counts); }
  bool load(std::string_view& bytes) { return load_counts(bytes, counts); }
};

bool bind_percentile(AggregateSignature& call) {
  if (!call.input().is_numeric()) return false;
  const std::optional<double> fraction = constant_double(call.parameters.constants[0]);
  if (!fraction || *fraction < 0 || *fraction > 1) {
    call.complaint = "the fraction is a number from 0 to 1";
    return false;
  }
  call.input() = call.result = TypeKind::kDouble;
  call.kernels = boxed_kernels<QuantileSketch>(true);
  return true;
}

// --- APPROX_TOP_K ---

constexpr int64_t kTopMax = 1'000;

// Counts of values. Over rows that are never taken back only the most frequent are kept, and a value that comes (again)
// gets the largest count that has been dropped on top, as in the Space-Saving algorithm: so a count is too large by
// at most that.
template <bool bounded>
struct FrequentValues {
  const AggregateParameters* parameters;
  HashCounts<StateString, TextHash, std::equal_to<>> counts;
  int64_t dropped = 0;  // the largest count of those that are gone

  explicit FrequentValues(const AggregateParameters& call) : parameters(&call) {}

  size_t wanted() const { return static_cast<size_t>(*constant_integer(parameters->constants[0])); }
  size_t kept_max() const { return std::max<size_t>(1'000, wanted() * 10); }

  void add_times(std::string_view slot, int64_t times) {
    auto [at, added] = counts.try_emplace(StateString(slot), bounded ? dropped : 0);
    at->second += times;
    if (!bounded && at->second == 0) counts.erase(at);
    if (bounded && counts.size() > 2 * kept_max()) drop_rare();
  }
  void add(std::string_view slot, int weight) { add_times(slot, weight); }
  void merge(const FrequentValues& later) {
    for (const auto& [slot, times] : later.counts) add_times(slot, times);
  }
  void drop_rare() {
    std::vector<int64_t> all;
    for (const auto& [slot, times] : counts) all.push_back(times);
    auto last = all.begin() + static_cast<ptrdiff_t>(kept_max());
    std::ranges::nth_element(all, last, std::greater());
    dropped = *last;
    std::erase_if(counts, [&](const auto& one) { return one.second <= dropped; });
  }
  void result(ColumnBuilder& out) const {
    std::vector<std::pair<int64_t, std::string_view>> top;
    for (const auto& [slot, times] : counts) {
      if (times > 0) top.emplace_back(-times, slot);
    }
    if (top.empty()) return out.append_null();
    const size_t size = std::min(wanted(), top.size());
    std::ranges::partial_sort(top, top.begin() + static_cast<ptrdiff_t>(size));
    std::string array;
    for (size_t i = 0; i < size; ++i) {
      array += types::kSlotValue;
      array += top[i].second;
      types::SlotWriter(array, TypeKind::kBigInt).append_int64(-top[i].first);
    }
    out.append_string(array + types::kSlotEnd);
  }
  void save(std::string& out) const {
    save_value(out, dropped);
    save_counts(out, counts);
  }
  bool load(std::string_view& bytes) { return load_value(bytes, dropped) && load_counts(bytes, counts); }
};

bool bind_top(AggregateSignature& call) {
  const std::optional<int64_t> wanted = constant_integer(call.parameters.constants[0]);
  if (!wanted || *wanted < 1 || *wanted > kTopMax) {
    call.complaint = fmt::format("the number of values is a whole number from 1 to {}", kTopMax);
    return false;
  }
  const DataType count = DataType(TypeKind::kBigInt).with_nullable(false);
  const DataType row = DataType::row({{"value", call.input().with_nullable(false)}, {"count", count}});
  call.result = DataType::array(row.with_nullable(false));
  call.kernels = call.retractable ? boxed_kernels<FrequentValues<false>>(true, update_with_slots<FrequentValues<false>>)
                                  : boxed_kernels<FrequentValues<true>>(false, update_with_slots<FrequentValues<true>>);
  return true;
}

constexpr FunctionCategory kCategory = FunctionCategory::kStatistics;
constexpr AggregateTakes kOneConstant = {.constants_min = 1, .constants_max = 1};

constexpr AggregateFunction kFunctions[] = {
    {"APPROX_COUNT_DISTINCT", kCategory, "APPROX_COUNT_DISTINCT(value)",
     "About how many different values there are (HyperLogLog, 1.6 % standard error, exact up to some hundred), in 4 "
     "KiB; counted exactly where rows are taken back.",
     "APPROX_COUNT_DISTINCT(x) FROM (VALUES ('a'), ('b'), ('a')) AS t(x) => 2", bind_count_distinct},
    {"APPROX_PERCENTILE", kCategory, "APPROX_PERCENTILE(number, fraction)",
     "A percentile within 1 % of the value (DDSketch), in little memory.",
     "ROUND(APPROX_PERCENTILE(x, 0.5), 0) FROM (VALUES (10), (20), (40)) AS t(x) => 20.0", bind_percentile,
     kOneConstant},
    {"APPROX_TOP_K", kCategory, "APPROX_TOP_K(value, k)",
     "The k most frequent values and about how often each is there, as rows (value, count); counted exactly where rows "
     "are taken back.",
     "APPROX_TOP_K(x, 1) FROM (VALUES ('a'), ('b'), ('a')) AS t(x) => [(a, 2)]", bind_top, kOneConstant},
};

}  // namespace

std::span<const AggregateFunction> approximate_aggregates() { return kFunctions; }

}  // namespace penstock::expr
