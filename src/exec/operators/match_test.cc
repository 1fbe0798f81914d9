// Row patterns against their definition: all ways to read the rows are tried one after the other, in the order in which
// the pattern prefers them.
#include "exec/operators/match.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <functional>
#include <numeric>
#include <random>
#include <set>
#include <string>

#include "exec/operators/changes_test.h"
#include "expr/registry.h"
#include "types/test_row_pattern.h"

namespace penstock::exec {
namespace {

using columnar::ChangeBatch;
using expr::Expr;
using expr::ExprPtr;
using expr::MatchReference;
using types::group;
using types::PatternAutomaton;
using types::repetition;
using types::RowPattern;
using types::variable;
using types::VariableSet;
using Kind = RowPattern::Kind;
using Rule = PatternAutomaton::Rule;

constexpr int kVariables = 4;
const types::DataType kBoolean = types::TypeKind::kBoolean;

// Columns: partition, time, value, then a flag for each variable. The time tells rows apart.
constexpr int kTime = 1;
constexpr int kValue = 2;
constexpr int kFlags = 3;

struct Row {
  int64_t partition = 0;
  int64_t time = 0;
  int64_t value = 0;
  std::array<bool, kVariables> flags{};
};

// What a variable stands for.
struct Condition {
  enum class Kind : uint8_t { kAny, kFlag, kAboveLast, kSumBelow, kAbovePrevious, kAboveNext };
  Kind kind = Kind::kAny;
  int other = 0;       // whose rows are looked at
  int64_t number = 0;  // how far from their last, or what their sum is below
};

struct Query {
  RowPattern pattern;
  std::array<Condition, kVariables> conditions;
  std::optional<int64_t> within;
  types::MatchSkip skip;
};

// --- the definition ---

// The matches of one partition.
class Definition {
 public:
  Definition(const Query& query, std::vector<Row> rows)
      : query_(query),
        rows_(std::move(rows)),
        rule_(types::is_flink_pattern(query.pattern) ? Rule::kFirstToEnd : Rule::kFirstInOrder) {}

  // A line for each row of each match.
  std::vector<std::string> matches() {
    std::vector<std::string> lines;
    size_t number = 0;
    for (start_ = 0; start_ < rows_.size();) {
      best_.reset();
      ran_out_ = false;
      labels_.clear();
      walk(query_.pattern, {}, [this](VariableSet) { return end(); });
      if (!best_) {
        if (rule_ == Rule::kFirstToEnd && ran_out_ && !query_.within) break;
        ++start_;
        continue;
      }
      ++number;
      for (size_t i = 0; i < best_->size(); ++i) {
        const Row& row = rows_[start_ + i];
        lines.push_back(fmt::format("{} {} {} {}", row.partition, number, row.time, (*best_)[i]));
      }
      start_ += query_.skip.to == types::MatchSkip::To::kNextRow ? 1 : best_->size();
    }
    return lines;
  }

 private:
  // Gets the variables that the next row must not fit; true when nothing else need be tried.
  using Then = std::function<bool(VariableSet)>;

  // Another way to a match.
  bool end() {
    if (!best_ || labels_.size() < best_->size()) best_ = labels_;
    return rule_ == Rule::kFirstInOrder;
  }

  bool fits(int variable) const {
    const size_t at = start_ + labels_.size();
    const Row& row = rows_[at];
    const Condition& condition = query_.conditions[static_cast<size_t>(variable)];
    std::vector<int64_t> values;  // of the other variable
    for (size_t i = 0; i < labels_.size(); ++i) {
      if (labels_[i] == condition.other) values.push_back(rows_[start_ + i].value);
    }
    if (condition.other == variable) values.push_back(row.value);
    switch (condition.kind) {
      case Condition::Kind::kAny: return true;
      case Condition::Kind::kFlag: return row.flags[static_cast<size_t>(variable)];
      case Condition::Kind::kAboveLast: {
        const auto back = static_cast<size_t>(condition.number);
        return values.size() > back && row.value > values[values.size() - 1 - back];
      }
      case Condition::Kind::kSumBelow:
        return !values.empty() && std::accumulate(values.begin(), values.end(), int64_t{0}) < condition.number;
      case Condition::Kind::kAbovePrevious: return at > 0 && row.value > rows_[at - 1].value;
      case Condition::Kind::kAboveNext: return at + 1 < rows_.size() && row.value > rows_[at + 1].value;
    }
    return false;
  }

  bool read(int variable, VariableSet unless, const Then& then) {
    const size_t at = start_ + labels_.size();
    if (at == rows_.size()) {
      ran_out_ = true;
      return false;
    }
    if (query_.within && rows_[at].time - rows_[start_].time >= *query_.within) return false;
    for (int other = 0; other < kVariables; ++other) {
      if (types::contains(unless, other) && fits(other)) return false;
    }
    if (!fits(variable)) return false;
    labels_.push_back(variable);
    const bool done = then(0);
    labels_.pop_back();
    return done;
  }

  bool walk_all(const std::vector<const RowPattern*>& parts, size_t first, VariableSet unless, const Then& then) {
    if (first == parts.size()) return then(unless);
    return walk(*parts[first], unless, [&](VariableSet later) { return walk_all(parts, first + 1, later, then); });
  }

  bool repeat(const RowPattern& pattern, uint32_t done, VariableSet unless, const Then& then) {
    const auto once_more = [&] {
      if (pattern.max && done == *pattern.max) return false;
      return walk(pattern.parts.front(), unless,
                  [&](VariableSet later) { return repeat(pattern, done + 1, later, then); });
    };
    const auto stop = [&] {
      if (done < pattern.min) return false;
      const bool fixed = pattern.max && (*pattern.max == pattern.min || (pattern.min == 0 && *pattern.max == 1));
      const bool keeps = rule_ == Rule::kFirstToEnd && pattern.greedy && !fixed;
      return then(keeps ? unless | VariableSet{1} << pattern.parts.front().variable : unless);
    };
    return pattern.greedy ? once_more() || stop() : stop() || once_more();
  }

  bool walk(const RowPattern& pattern, VariableSet unless, const Then& then) {
    switch (pattern.kind) {
      case Kind::kVariable: return read(pattern.variable, unless, then);
      case Kind::kExclusion: return walk(pattern.parts.front(), unless, then);
      case Kind::kRepetition: return repeat(pattern, 0, unless, then);
      case Kind::kAlternation:
        return std::ranges::any_of(pattern.parts, [&](const RowPattern& part) { return walk(part, unless, then); });
      case Kind::kSequence: return walk_all(in_order(pattern, {}), 0, unless, then);
      case Kind::kPermutation: {
        std::vector<size_t> order(pattern.parts.size());
        std::iota(order.begin(), order.end(), size_t{0});
        do {
          if (walk_all(in_order(pattern, order), 0, unless, then)) return true;
        } while (std::ranges::next_permutation(order).found);
        return false;
      }
    }
    return false;
  }

  static std::vector<const RowPattern*> in_order(const RowPattern& pattern, const std::vector<size_t>& order) {
    std::vector<const RowPattern*> parts;
    for (size_t i = 0; i < pattern.parts.size(); ++i) {
      parts.push_back(&pattern.parts[order.empty() ? i : order[i]]);
    }
    return parts;
  }

  const Query& query_;
  const std::vector<Row> rows_;
  const Rule rule_;
  size_t start_ = 0;
  std::vector<int> labels_;  // of the rows that have been read
  std::optional<std::vector<int>> best_;
  bool ran_out_ = false;  // a way needed another row
};

// --- random queries ---

class Random {
 public:
  explicit Random(uint32_t seed) : engine_(seed) {}
  int below(int n) { return std::uniform_int_distribution<int>(0, n - 1)(engine_); }
  std::mt19937& engine() { return engine_; }

  RowPattern quantified(RowPattern part) {
    RowPattern repeated;
    repeated.kind = Kind::kRepetition;
    repeated.min = static_cast<uint32_t>(below(3));
    if (below(2) == 0) repeated.max = std::max(1U, repeated.min + static_cast<uint32_t>(below(3)));
    repeated.greedy = below(3) > 0;
    repeated.parts.push_back(std::move(part));
    return repeated;
  }

  RowPattern pattern(int depth) {
    RowPattern pattern;
    const int kind = depth == 0 ? 0 : below(7);
    if (kind <= 1) {
      pattern.variable = below(kVariables);
      return pattern;
    }
    if (kind <= 3) return quantified(this->pattern(depth - 1));
    pattern.kind = kind == 4 ? Kind::kSequence : kind == 5 ? Kind::kAlternation : Kind::kPermutation;
    for (int parts = 2 + below(2); parts > 0; --parts) pattern.parts.push_back(this->pattern(depth - 1));
    return pattern;
  }

  // Different variables one after the other, as Flink has them.
  RowPattern flat_pattern() {
    std::array<int, kVariables> order{};
    std::iota(order.begin(), order.end(), 0);
    std::ranges::shuffle(order, engine_);
    RowPattern sequence;
    sequence.kind = Kind::kSequence;
    for (int i = 0, count = 2 + below(kVariables - 1); i < count; ++i) {
      RowPattern variable;
      variable.variable = order[static_cast<size_t>(i)];
      sequence.parts.push_back(below(2) == 0 ? variable : quantified(variable));
    }
    return sequence;
  }

  Query query() {
    Query query;
    do {
      query.pattern = below(2) == 0 ? flat_pattern() : pattern(3);
    } while (types::can_match_nothing(query.pattern) || types::can_repeat_nothing(query.pattern));
    const bool plain = below(3) == 0;
    for (Condition& condition : query.conditions) {
      condition = {.kind = static_cast<Condition::Kind>(below(plain ? 2 : 6)), .other = below(kVariables)};
      condition.number = condition.kind == Condition::Kind::kSumBelow ? below(20) : below(2);
    }
    if (below(3) == 0) query.within = 1 + below(8);
    if (below(2) == 0) query.skip.to = types::MatchSkip::To::kPastLastRow;
    return query;
  }

  std::vector<Row> rows() {
    std::vector<Row> rows(static_cast<size_t>(below(12)));
    int64_t time = 0;
    for (Row& row : rows) {
      time += 1 + below(2);
      row = {.partition = below(2), .time = time, .value = below(8), .flags = {}};
      for (bool& flag : row.flags) flag = below(3) > 0;
    }
    return rows;
  }

 private:
  std::mt19937 engine_;
};

// --- the operator ---

MatchReference row_reference(VariableSet variables, int column, types::DataType type) {
  return {.variables = variables, .column = column, .type = type};
}

expr::MatchDefinition definition_of(const Condition& condition, int variable) {
  expr::MatchDefinition definition;
  if (condition.kind == Condition::Kind::kAny) return definition;
  if (condition.kind == Condition::Kind::kFlag) {
    definition.row_condition = Expr::column(static_cast<size_t>(kFlags + variable), kBoolean);
    return definition;
  }
  const VariableSet own = VariableSet{1} << variable;
  const VariableSet others = VariableSet{1} << condition.other;
  definition.references.push_back(row_reference(own, kValue, kBigInt));
  ExprPtr value = Expr::column(0, kBigInt);
  ExprPtr other = Expr::column(1, kBigInt);
  if (condition.kind == Condition::Kind::kSumBelow) {
    MatchReference sum{.kind = MatchReference::Kind::kAggregate, .variables = others, .column = kValue};
    sum.aggregate = *expr::bind_aggregate("SUM", kBigInt, false);
    sum.type = sum.aggregate.result_type;
    definition.references.push_back(sum);
    value = Expr::literal(types::Value(condition.number), kBigInt);
  } else {
    MatchReference reference = row_reference(own, kValue, kBigInt);
    if (condition.kind == Condition::Kind::kAboveLast) {
      reference.variables = others;
      reference.offset = condition.number;
    } else {
      reference.distance = condition.kind == Condition::Kind::kAbovePrevious ? -1 : 1;
    }
    definition.references.push_back(reference);
  }
  definition.condition = *expr::bind_call(">", {value, other});
  return definition;
}

MatchOptions options_of(const Query& query) {
  MatchOptions options;
  options.schema = {{"k", kBigInt}, {"t", kTimestamp}, {"v", kBigInt}};
  for (int i = 0; i < kVariables; ++i) {
    options.schema.push_back({fmt::format("f{}", i), kBoolean});
    options.variables.push_back(std::to_string(i));
    options.definitions.push_back(definition_of(query.conditions[static_cast<size_t>(i)], i));
  }
  options.partition_by = {0};
  options.order_by = {{.column = kTime}};
  options.automaton = std::make_shared<const PatternAutomaton>(*types::compile_pattern(query.pattern));
  options.references = {row_reference(types::kAllVariables, 0, kBigInt),
                        {.kind = MatchReference::Kind::kMatchNumber, .type = kBigInt},
                        row_reference(types::kAllVariables, kTime, kTimestamp),
                        {.kind = MatchReference::Kind::kClassifier, .type = types::TypeKind::kString}};
  for (size_t i = 0; i < options.references.size(); ++i) {
    options.outputs.push_back(Expr::column(i, options.references[i].type));
  }
  options.all_rows = true;
  options.skip = query.skip;
  options.within_us = query.within;
  return options;
}

ChangeBatch batch_of(const std::vector<Row>& rows) {
  std::vector<types::DataType> types = {kBigInt, kTimestamp, kBigInt};
  types.resize(kFlags + kVariables, kBoolean);
  columnar::BatchBuilder builder(types);
  for (const Row& row : rows) {
    builder.column(0).append_int64(row.partition);
    builder.column(kTime).append_int64(row.time);
    builder.column(kValue).append_int64(row.value);
    for (size_t i = 0; i < kVariables; ++i) builder.column(kFlags + i).append_bool(row.flags[i]);
    builder.end_row();
  }
  return builder.finish();
}

class Lines : public Output {
 public:
  void emit(ChangeBatch batch) override {
    ASSERT_TRUE(batch.append_only());
    for (size_t row = 0; row < batch.rows(); ++row) {
      lines.push_back(fmt::format("{} {} {} {}", batch.column(0)->values<int64_t>()[row],
                                  batch.column(1)->values<int64_t>()[row], batch.column(2)->values<int64_t>()[row],
                                  batch.column(3)->value(row).as_string()));
    }
  }
  std::vector<std::string> lines;
};

// In batches of any size and order, between watermarks that pass no row that is still to come.
std::vector<std::string> run(const Query& query, const std::vector<Row>& rows, Random& random) {
  const std::unique_ptr<Operator> op = make_match(options_of(query));
  Lines out;
  std::vector<Row> left = rows;
  while (!left.empty()) {
    std::vector<Row> batch;
    const auto near = std::min<ptrdiff_t>(std::ssize(left), 4);
    std::ranges::shuffle(left.begin(), left.begin() + near, random.engine());
    for (int count = 1 + random.below(3); count > 0 && !left.empty(); --count) {
      batch.push_back(left.front());
      left.erase(left.begin());
    }
    EXPECT_TRUE(op->process(0, batch_of(batch), out));
    if (left.empty() || random.below(2) == 0) continue;
    advance(*op, EventTime(std::ranges::min(left, {}, &Row::time).time - 1), out);
  }
  advance(*op, kMaxEventTime, out);
  std::ranges::sort(out.lines);
  return out.lines;
}

std::string text_of(const RowPattern& pattern) {
  std::string text;
  for (const RowPattern& part : pattern.parts) text += text_of(part) + " ";
  switch (pattern.kind) {
    case Kind::kVariable: return std::to_string(pattern.variable);
    case Kind::kAlternation: return "any(" + text + ")";
    case Kind::kPermutation: return "permute(" + text + ")";
    case Kind::kRepetition:
      return fmt::format("({}){{{},{}}}{}", text, pattern.min, pattern.max ? std::to_string(*pattern.max) : "",
                         pattern.greedy ? "" : "?");
    default: return "(" + text + ")";
  }
}

TEST(MatchTest, FindsWhatTheDefinitionFinds) {
  size_t found = 0;
  for (uint32_t seed = 1; seed <= 3'000; ++seed) {
    Random random(seed);
    const Query query = random.query();
    const std::vector<Row> rows = random.rows();
    std::vector<std::string> expected;
    for (int64_t partition = 0; partition < 2; ++partition) {
      std::vector<Row> own;
      std::ranges::copy_if(rows, std::back_inserter(own), [&](const Row& row) { return row.partition == partition; });
      std::ranges::copy(Definition(query, own).matches(), std::back_inserter(expected));
    }
    std::ranges::sort(expected);
    found += expected.empty() ? 0 : 1;
    ASSERT_EQ(run(query, rows, random), expected) << "seed " << seed << ", " << text_of(query.pattern);
  }
  EXPECT_GT(found, 500);
}

std::vector<Row> equal_rows(size_t count) {
  std::vector<Row> rows(count);
  for (size_t i = 0; i < count; ++i) rows[i] = {.time = static_cast<int64_t>(i) + 1, .value = 1, .flags = {}};
  return rows;
}

TEST(MatchTest, RunsThatHaveOneFutureAreOne) {
  // 2^100 ways to read the rows, where it matters to nobody which variable a row was.
  Query query;
  query.pattern =
      group(Kind::kSequence, {repetition(group(Kind::kAlternation, {variable(0), variable(1)}), 1, {}), variable(2)});
  query.conditions[2] = {.kind = Condition::Kind::kFlag};
  query.skip.to = types::MatchSkip::To::kPastLastRow;
  std::vector<Row> rows = equal_rows(100);
  rows.back().flags[2] = true;
  Random random(1);
  EXPECT_EQ(run(query, rows, random).size(), 100);
}

TEST(MatchTest, TooManyRunsAreAnError) {
  Query query;
  query.pattern =
      group(Kind::kSequence, {repetition(group(Kind::kAlternation, {variable(0), variable(1)}), 1, {}), variable(2)});
  query.conditions[2] = {.kind = Condition::Kind::kSumBelow, .other = 0, .number = 0};
  const std::unique_ptr<Operator> op = make_match(options_of(query));
  Lines out;
  ASSERT_TRUE(op->process(0, batch_of(equal_rows(100)), out));
  const Result<Progress> progress = op->on_watermark(kMaxEventTime, out);
  ASSERT_FALSE(progress);
  EXPECT_EQ(progress.error().code(), ErrorCode::kResourceExhausted);
}

TEST(MatchTest, LongMatchesCostWhatTheyAreLong) {
  Query query;
  query.pattern = group(Kind::kSequence, {repetition(variable(0), 1, {}), variable(1)});
  query.conditions[0] = {.kind = Condition::Kind::kSumBelow, .other = 0, .number = 5'000};
  query.skip.to = types::MatchSkip::To::kPastLastRow;
  Random random(1);
  const std::vector<std::string> lines = run(query, equal_rows(5'000), random);
  EXPECT_EQ(lines.size(), 5'000);
}

}  // namespace
}  // namespace penstock::exec
