#include "expr/aggregate.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>
#include <set>
#include <sstream>

#include "columnar/change_batch.h"
#include "types/decimal.h"
#include "types/nested.h"

namespace penstock::expr {
namespace {

using columnar::ChangeBatch;
using columnar::ColumnBuilder;
using columnar::ColumnPtr;
using types::DataType;
using types::Int128;
using types::TypeKind;
using types::Value;

// Accumulators in a row, as an operator has them.
class States {
 public:
  States(const BoundAggregate& aggregate, size_t count)
      : kernels_(aggregate.kernels), memory_(count * kSlotBytes + 16) {
    EXPECT_LE(kernels_.state_bytes, kSlotBytes);
    EXPECT_LE(kernels_.state_align, 16U);
    auto base = (reinterpret_cast<uintptr_t>(memory_.data()) + 15) & ~uintptr_t{15};
    for (size_t i = 0; i < count; ++i) {
      all_.push_back(reinterpret_cast<std::byte*>(base) + i * kSlotBytes);
      kernels_.init(all_.back(), *aggregate.parameters);
    }
  }
  ~States() {
    for (AggregateKernels::State state : all_) {
      if (kernels_.destroy != nullptr) kernels_.destroy(state);
    }
  }
  const std::vector<AggregateKernels::State>& all() const { return all_; }
  // One pointer per row, row i to state groups[i].
  std::vector<AggregateKernels::State> per_row(std::span<const size_t> groups) const {
    std::vector<AggregateKernels::State> rows;
    for (size_t group : groups) rows.push_back(all_[group]);
    return rows;
  }

 private:
  static constexpr size_t kSlotBytes = 256;
  const AggregateKernels& kernels_;
  std::vector<std::byte> memory_;
  std::vector<AggregateKernels::State> all_;
};

std::string results(const BoundAggregate& aggregate, const States& states) {
  ColumnBuilder out(aggregate.result_type);
  aggregate.kernels.result(states.all(), out);
  ColumnPtr column = out.finish();
  std::string text;
  for (size_t i = 0; i < column->size(); ++i) {
    text += (i == 0 ? "" : " ") + types::to_text(column->value(i), column->type());
  }
  return text;
}

// The aggregate of one column given as batch text with ops, all in one group: "TYPE: value".
std::string aggregate_text(std::string_view name, std::string_view type_text, std::string_view rows) {
  DataType type = DataType::parse(type_text).value();
  ChangeBatch batch = columnar::batch_from_text(rows, {{"x", type}}).value();
  bool retractable = !batch.append_only();
  Result<BoundAggregate> bound = bind_aggregate(name, type, retractable);
  if (!bound) return "error: " + bound.error().to_string();
  ColumnPtr column = batch.column(0);
  if (!bound->argument_type.same_type(type)) {
    EXPECT_EQ(bound->argument_type, DataType(TypeKind::kDouble));
    ColumnBuilder as_double(TypeKind::kDouble);
    for (size_t i = 0; i < column->size(); ++i) {
      if (column->is_null(i)) {
        as_double.append_null();
      } else {
        as_double.append_double(std::stod(types::to_text(column->value(i), type)));
      }
    }
    column = as_double.finish();
  }
  States states(*bound, 1);
  std::vector<size_t> groups(batch.rows(), 0);
  std::vector<int8_t> weights;
  for (size_t i = 0; i < batch.rows(); ++i) weights.push_back(static_cast<int8_t>(batch.weight(i)));
  bound->kernels.update(states.per_row(groups), column.get(), retractable ? weights.data() : nullptr);
  return bound->result_type.with_nullable(true).to_string() + ": " + results(*bound, states);
}

TEST(AggregateTest, ResultsAndTypes) {
  EXPECT_EQ(aggregate_text("count", "INT", "+ 1 | + NULL | + 3"), "BIGINT: 2");
  EXPECT_EQ(aggregate_text("SUM", "INT", "+ 1 | + NULL | + 3"), "INT: 4");
  EXPECT_EQ(aggregate_text("SUM", "INT", "+ 2147483647 | + 1"), "INT: -2147483648");
  EXPECT_EQ(aggregate_text("SUM", "INT", "+ NULL"), "INT: NULL");
  EXPECT_EQ(aggregate_text("SUM", "DOUBLE", "+ 1.5 | + 2"), "DOUBLE: 3.5");
  EXPECT_EQ(aggregate_text("SUM", "DECIMAL(5, 2)", "+ 1.50 | + 2.25"), "DECIMAL(38, 2): 3.75");
  EXPECT_EQ(aggregate_text("AVG", "INT", "+ 1 | + 2 | + NULL"), "INT: 1");
  EXPECT_EQ(aggregate_text("AVG", "BIGINT", "+ 9223372036854775807 | + 9223372036854775805"),
            "BIGINT: 9223372036854775806");
  EXPECT_EQ(aggregate_text("AVG", "INT", "+ -1 | + -2"), "INT: -1");
  EXPECT_EQ(aggregate_text("AVG", "DOUBLE", "+ 1 | + 2"), "DOUBLE: 1.5");
  EXPECT_EQ(aggregate_text("AVG", "DECIMAL(5, 2)", "+ 1.00 | + 1.00 | + 0.00"), "DECIMAL(38, 6): 0.666667");
  EXPECT_EQ(aggregate_text("AVG", "DECIMAL(20, 8)", "+ 1 | + 2"), "DECIMAL(38, 8): 1.50000000");
  EXPECT_EQ(aggregate_text("MIN", "INT", "+ 3 | + NULL | + 1"), "INT: 1");
  EXPECT_EQ(aggregate_text("MAX", "STRING", "+ b | + 'c and more than twelve' | + a"),
            "STRING: c and more than twelve");
  EXPECT_EQ(aggregate_text("MAX", "DOUBLE", "+ NaN | + 1.0"), "DOUBLE: NaN");
  EXPECT_EQ(aggregate_text("MIN", "DOUBLE", "+ NaN | + 1.0"), "DOUBLE: 1.0");
  EXPECT_EQ(aggregate_text("MIN", "DATE", "+ 2026-01-02 | + 2026-01-01"), "DATE: 2026-01-01");
  EXPECT_EQ(aggregate_text("FIRST_VALUE", "INT", "+ NULL | + 5 | + 6"), "INT: 5");
  EXPECT_EQ(aggregate_text("LAST_VALUE", "INT", "+ 5 | + 6 | + NULL"), "INT: 6");
  EXPECT_EQ(aggregate_text("VAR_POP", "DOUBLE", "+ 2 | + 4 | + 4 | + 4 | + 5 | + 5 | + 7 | + 9"), "DOUBLE: 4.0");
  EXPECT_EQ(aggregate_text("STDDEV_POP", "INT", "+ 2 | + 4 | + 4 | + 4 | + 5 | + 5 | + 7 | + 9"), "INT: 2");
  EXPECT_EQ(aggregate_text("STDDEV_SAMP", "DOUBLE", "+ 2"), "DOUBLE: NULL");
  EXPECT_EQ(aggregate_text("VAR_SAMP", "DECIMAL(3, 1)", "+ 1 | + 3"), "DECIMAL(38, 6): 2.000000");
}

TEST(AggregateTest, Retractions) {
  EXPECT_EQ(aggregate_text("COUNT", "INT", "+ 1 | + 2 | - 1"), "BIGINT: 1");
  EXPECT_EQ(aggregate_text("SUM", "INT", "+ 1 | + 2 | - 1 | - 2"), "INT: NULL");
  EXPECT_EQ(aggregate_text("AVG", "INT", "+ 1 | + 5 | - 1"), "INT: 5");
  EXPECT_EQ(aggregate_text("MIN", "INT", "+ 1 | + 2 | + 1 | - 1"), "INT: 1");
  EXPECT_EQ(aggregate_text("MIN", "INT", "+ 1 | + 2 | - 1"), "INT: 2");
  EXPECT_EQ(aggregate_text("MAX", "STRING", "+ a | + b | - b"), "STRING: a");
  EXPECT_EQ(aggregate_text("MIN", "INT", "- 1 | + 1 | + 3"), "INT: 3");
  EXPECT_EQ(aggregate_text("FIRST_VALUE", "INT", "+ 1 | + 2 | + 1 | - 1"), "INT: 2");
  EXPECT_EQ(aggregate_text("LAST_VALUE", "INT", "+ 1 | + 2 | - 2"), "INT: 1");
  EXPECT_EQ(aggregate_text("LAST_VALUE", "INT", "+ 1 | - 2 | + 2"), "INT: 1");
  EXPECT_EQ(aggregate_text("VAR_POP", "DOUBLE", "+ 1000000001 | + 1000000003 | + 1000000009 | - 1000000009"),
            "DOUBLE: 1.0");
  // A sum that leaves the range of DECIMAL and comes back.
  EXPECT_EQ(aggregate_text("SUM", "DECIMAL(38, 0)",
                           "+ 99999999999999999999999999999999999999 | + 99999999999999999999999999999999999999 | "
                           "- 99999999999999999999999999999999999999"),
            "DECIMAL(38, 0): 99999999999999999999999999999999999999");
  EXPECT_EQ(aggregate_text("SUM", "DECIMAL(38, 0)",
                           "+ 99999999999999999999999999999999999999 | + 99999999999999999999999999999999999999"),
            "DECIMAL(38, 0): NULL");
}

TEST(AggregateTest, Collections) {
  EXPECT_EQ(aggregate_text("ARRAY_AGG", "STRING", "+ b | + NULL | + a"), "ARRAY<STRING>: [b, NULL, a]");
  EXPECT_EQ(aggregate_text("ARRAY_AGG", "INT", "+ 1 | + 2 | - 1 | + 3 | - 7 | + 7"), "ARRAY<INT>: [2, 3]");
  EXPECT_EQ(aggregate_text("ARRAY_AGG", "INT", "+ 1 | - 1"), "ARRAY<INT>: NULL");
  EXPECT_EQ(aggregate_text("COLLECT", "DOUBLE", "+ 2 | + NULL | + 1 | + 2"),
            "MULTISET<DOUBLE NOT NULL>: {1.0=1, 2.0=2}");
  EXPECT_EQ(aggregate_text("COLLECT", "STRING", "- a | + b | + b | - b"), "MULTISET<STRING NOT NULL>: {b=1}");
  EXPECT_EQ(aggregate_text("COLLECT", "INT", "+ NULL"), "MULTISET<INT NOT NULL>: {}");
}

// Halves of a group, saved and read back, give together what all of it gives.
TEST(AggregateTest, CollectionsMergeAndAreKept) {
  for (const char* name : {"ARRAY_AGG", "COLLECT"}) {
    for (bool retractable : {false, true}) {
      BoundAggregate aggregate = bind_aggregate(name, TypeKind::kString, retractable).value();
      ChangeBatch batch = columnar::batch_from_text("+ a | + b | + NULL | + b", {{"x", TypeKind::kString}}).value();
      States states(aggregate, 4);  // all rows, either half, what is read back
      const size_t whole[] = {0, 0, 0, 0};
      const size_t halves[] = {1, 1, 2, 2};
      aggregate.kernels.update(states.per_row(whole), batch.column(0).get(), nullptr);
      aggregate.kernels.update(states.per_row(halves), batch.column(0).get(), nullptr);
      std::string saved;
      aggregate.kernels.save(states.all()[1], saved);
      for (size_t size = 0; size < saved.size(); ++size) {
        States broken(aggregate, 1);
        std::string_view cut = std::string_view(saved).substr(0, size);
        EXPECT_FALSE(aggregate.kernels.load(broken.all()[0], cut)) << name;
      }
      std::string_view bytes = saved;
      ASSERT_TRUE(aggregate.kernels.load(states.all()[3], bytes));
      EXPECT_TRUE(bytes.empty());
      aggregate.kernels.merge({&states.all()[3], 1}, {&states.all()[2], 1});
      ColumnBuilder out(aggregate.result_type);
      aggregate.kernels.result(states.all(), out);
      ColumnPtr column = out.finish();
      EXPECT_EQ(column->value(3), column->value(0)) << name;
    }
  }
}

TEST(AggregateTest, CountStarCountsNulls) {
  BoundAggregate count = bind_aggregate("COUNT", {}, false).value();
  EXPECT_FALSE(count.result_type.nullable());
  States states(count, 2);
  const size_t groups[] = {0, 1, 1};
  count.kernels.update(states.per_row(groups), nullptr, nullptr);
  EXPECT_EQ(results(count, states), "1 2");
  const int8_t weights[] = {-1, 1, -1};
  count.kernels.update(states.per_row(groups), nullptr, weights);
  EXPECT_EQ(results(count, states), "0 2");
}

TEST(AggregateTest, ErrorsHelp) {
  EXPECT_EQ(bind_aggregate("SUN", TypeKind::kInt, false).error().to_string(),
            "there is no aggregate function SUN (hint: did you mean SUM?)");
  EXPECT_EQ(bind_aggregate("sum", TypeKind::kString, false).error().to_string(),
            "SUM does not take STRING (hint: it is: SUM([DISTINCT] number))");
  EXPECT_FALSE(bind_aggregate("MIN", {}, false).has_value());
}

// Equal texts; numbers of inexact functions only nearly so.
void expect_same(const std::string& actual, const std::string& expected, bool exact) {
  if (exact) {
    EXPECT_EQ(actual, expected);
    return;
  }
  std::istringstream a(actual);
  std::istringstream b(expected);
  double x = 0;
  double y = 0;
  while (b >> y) {
    ASSERT_TRUE(a >> x) << actual;
    EXPECT_NEAR(x, y, std::abs(y) * 1e-9) << actual << " and " << expected;
  }
}

Value random_value(DataType type, std::mt19937_64& random) {
  if (random() % 8 == 0) return {};
  int64_t small = static_cast<int64_t>(random() % 50) - 25;
  switch (type.physical()) {
    case types::Physical::kBool: return Value(small > 0);
    case types::Physical::kInt64: return Value(small);
    case types::Physical::kDouble: return Value(static_cast<double>(small));
    case types::Physical::kInt128: return Value(static_cast<Int128>(small));
    case types::Physical::kString: return Value("text number " + std::to_string(small));
  }
  return {};
}

// Rows for the call: single values, or ROWs of them.
ColumnPtr random_column(const BoundAggregate& bound, size_t rows, std::mt19937_64& random) {
  ColumnBuilder builder(bound.argument_type);
  const std::vector<DataType>& inputs = bound.parameters->inputs;
  for (size_t i = 0; i < rows; ++i) {
    if (inputs.size() == 1) {
      builder.append(random_value(inputs[0], random));
      continue;
    }
    std::string row;
    for (DataType input : inputs) types::SlotWriter(row, input).append(random_value(input, random));
    builder.append_string(row);
  }
  return builder.finish();
}

// The ways in which a function can be called with values of that type.
std::vector<AggregateParameters> calls_of(const AggregateFunction& function, DataType type) {
  const AggregateTakes& takes = function.takes;
  std::vector<AggregateParameters> calls(1);
  calls[0].inputs.assign(std::max<size_t>(takes.values_min, takes.values_max > 0 ? 1 : 0), type);
  if (takes.order == AggregateTakes::Order::kIsValue) {
    calls[0].inputs = {type};
    calls[0].order = {{.descending = true}};
  }
  if (takes.order == AggregateTakes::Order::kMay) {
    calls.push_back(calls[0]);
    calls[1].inputs.push_back(TypeKind::kBigInt);
    calls[1].inputs.push_back(TypeKind::kString);
    calls[1].order = {{.descending = true, .nulls_first = true}, {.descending = false, .nulls_first = false}};
  }
  const AggregateConstant constants[] = {{TypeKind::kDouble, Value(0.4)}, {TypeKind::kInt, Value(int64_t{3})}};
  if (takes.constants_min == 0) return calls;
  std::vector<AggregateParameters> with_constants;
  for (const AggregateParameters& call : calls) {
    for (const AggregateConstant& constant : constants) {
      with_constants.push_back(call);
      with_constants.back().constants = {constant};
    }
  }
  return with_constants;
}

// Whether the rows' places count in the result.
bool order_matters(const AggregateFunction& function, const AggregateParameters& call) {
  constexpr std::string_view kByPlace[] = {"FIRST_VALUE", "LAST_VALUE", "ANY_VALUE",     "ARRAY_AGG",
                                           "LISTAGG",     "STRING_AGG", "JSON_ARRAYAGG", "JSON_AGG"};
  return call.order.empty() && std::ranges::count(kByPlace, function.name) > 0;
}

// One state updated at once; partial states that are saved, loaded and merged; and rows that came and were taken back
// again, all give the same.
void check_parts_and_retractions(const BoundAggregate& bound, bool retractable, std::mt19937_64& random) {
  constexpr size_t kGroups = 7;
  constexpr size_t kRows = 300;
  std::vector<size_t> groups;
  for (size_t i = 0; i < kRows; ++i) groups.push_back(random() % kGroups);
  ColumnPtr column = random_column(bound, kRows, random);

  States whole(bound, kGroups);
  bound.kernels.update(whole.per_row(groups), column.get(), nullptr);

  States merged(bound, kGroups);
  for (size_t begin = 0; begin < kRows; begin += 100) {
    States part(bound, kGroups);
    std::span<const size_t> part_groups = std::span(groups).subspan(begin, 100);
    bound.kernels.update(part.per_row(part_groups), column->slice(begin, begin + 100).get(), nullptr);
    std::string bytes;
    for (AggregateKernels::State state : part.all()) bound.kernels.save(state, bytes);
    States loaded(bound, kGroups);
    std::string_view rest = bytes;
    for (AggregateKernels::State state : loaded.all()) ASSERT_TRUE(bound.kernels.load(state, rest));
    EXPECT_TRUE(rest.empty());
    std::string_view cut = std::string_view(bytes).substr(0, bytes.size() - 1);
    States broken(bound, kGroups);
    bool all_loaded = true;
    for (AggregateKernels::State state : broken.all()) all_loaded = all_loaded && bound.kernels.load(state, cut);
    EXPECT_FALSE(all_loaded);
    bound.kernels.merge(merged.all(), loaded.all());
  }
  std::string_view name = bound.function->name;
  bool exact = bound.function->category != FunctionCategory::kStatistics || !bound.result_type.is_approximate() ||
               name.starts_with("PERCENTILE");
  if (name.starts_with("VAR") || name.starts_with("STD")) exact = false;
  expect_same(results(bound, merged), results(bound, whole), exact);

  if (!retractable) return;
  // Other rows come and go, before and after.
  States visited(bound, kGroups);
  ColumnPtr visitors = random_column(bound, kRows, random);
  std::vector<int8_t> minus(kRows, -1);
  if (order_matters(*bound.function, *bound.parameters)) {
    // Taking back removes the earliest row of a value, so the visitors must be strangers.
    bound.kernels.update(visited.per_row(groups), visitors.get(), nullptr);
    bound.kernels.update(visited.per_row(groups), visitors.get(), minus.data());
    bound.kernels.update(visited.per_row(groups), column.get(), nullptr);
  } else {
    bound.kernels.update(visited.per_row(groups), visitors.get(), minus.data());
    bound.kernels.update(visited.per_row(groups), column.get(), nullptr);
    bound.kernels.update(visited.per_row(groups), visitors.get(), nullptr);
  }
  expect_same(results(bound, visited), results(bound, whole), exact);
}

TEST(AggregateTest, PartsAndRetractionsGiveTheSame) {
  std::mt19937_64 random(11);
  const DataType kTypes[] = {TypeKind::kBoolean, TypeKind::kBigInt, TypeKind::kDouble, DataType::decimal(20, 3),
                             TypeKind::kString};
  std::set<std::string_view> checked;
  for (const AggregateFunction& function : aggregate_functions()) {
    for (DataType type : kTypes) {
      for (const AggregateParameters& call : calls_of(function, type)) {
        for (bool retractable : {false, true}) {
          Result<BoundAggregate> bound = bind_aggregate(function, call, retractable);
          if (!bound) continue;
          SCOPED_TRACE(fmt::format("{} {} {}", function.name, bound->argument_type.to_string(), retractable));
          ASSERT_TRUE(!retractable || bound->kernels.retracts);
          check_parts_and_retractions(*bound, retractable, random);
          checked.insert(function.name);
        }
      }
    }
  }
  EXPECT_EQ(checked.size(), aggregate_functions().size());
}

}  // namespace
}  // namespace penstock::expr
