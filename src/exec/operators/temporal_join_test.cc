// Temporal joins over random rows and versions in random disorder, held against plain lists.
#include "exec/operators/temporal_join.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <optional>
#include <random>
#include <utility>
#include <vector>

#include "exec/operators/changes_test.h"

namespace penstock::exec {
namespace {

enum Columns : uint8_t { kKey, kId, kTime, kGone, kColumns };
constexpr size_t kRowColumns = kGone;  // of the left side, and of the output for each

// Which version counts.
struct Rule {
  JoinKind kind = JoinKind::kInner;
  bool first_counts = false;
  std::optional<int64_t> lower;
  std::optional<int64_t> upper = 0;
};

// The join, one row at a time and without any index.
class Plain {
 public:
  explicit Plain(const Rule& rule) : rule_(rule) {}

  void add_row(const IntRow& row) {
    if (row[kKey] && row[kTime] && !is_decided(row)) {
      waiting_.push_back(row);
    } else {
      leave(row);
    }
  }

  void add_version(const IntRow& version) {
    if (!version[kKey]) return;
    std::map<int64_t, IntRow>& versions = versions_[*version[kKey]];
    if (version[kTime]) {
      versions[*version[kTime]] = version;
    } else if (version[kGone] == 1 && !versions.empty()) {
      versions.rbegin()->second[kGone] = 1;
    }
    forget();
  }

  void advance(int64_t watermark) {
    watermark_ = watermark;
    std::erase_if(waiting_, [&](const IntRow& row) {
      if (!is_decided(row)) return false;
      leave(row);
      return true;
    });
    forget();
  }

  void finish() {
    for (const IntRow& row : waiting_) leave(row);
  }

  std::map<IntRow, int> weights;

 private:
  bool is_near(int64_t version, int64_t row) const {
    return (!rule_.lower || version >= row + *rule_.lower) && (!rule_.upper || version <= row + *rule_.upper);
  }

  bool is_decided(const IntRow& row) {
    if (rule_.upper && *row[kTime] + *rule_.upper <= watermark_) return true;
    const std::map<int64_t, IntRow>& versions = versions_[*row[kKey]];
    return rule_.first_counts && std::ranges::any_of(versions, [&](const auto& version) {
             return version.first >= *row[kTime] + *rule_.lower && version.first <= watermark_;
           });
  }

  void leave(const IntRow& row) {
    IntRow version(kColumns);
    bool found = false;
    for (const auto& [time, candidate] : row[kKey] ? versions_[*row[kKey]] : std::map<int64_t, IntRow>()) {
      if (!row[kTime] || !is_near(time, *row[kTime]) || (found && rule_.first_counts)) continue;
      version = candidate;
      found = true;
    }
    if (version[kGone] == 1) {
      version = IntRow(kColumns);
      found = false;
    }
    if (!found && rule_.kind == JoinKind::kInner) return;
    IntRow both(row.begin(), row.begin() + kRowColumns);
    both.insert(both.end(), version.begin(), version.begin() + kRowColumns);
    ++weights[both];
  }

  // Versions from the front that no row behind the watermark will meet.
  void forget() {
    for (auto& [key, versions] : versions_) {
      const bool is_asked_for =
          std::ranges::any_of(waiting_, [&, k = key](const IntRow& row) { return *row[kKey] == k && is_decided(row); });
      while (!is_asked_for && !versions.empty() && is_done(versions)) versions.erase(versions.begin());
    }
  }
  bool is_done(const std::map<int64_t, IntRow>& versions) const {
    const auto& [time, version] = *versions.begin();
    if (rule_.first_counts) return time <= watermark_;
    if (rule_.lower && time - *rule_.lower <= watermark_) return true;
    const int64_t last = watermark_ + *rule_.upper;
    return (version[kGone] == 1 && time <= last) || (versions.size() > 1 && std::next(versions.begin())->first <= last);
  }

  const Rule rule_;
  int64_t watermark_ = -1'000'000;
  std::vector<IntRow> waiting_;
  std::map<int64_t, std::map<int64_t, IntRow>> versions_;
};

void process(Operator& op, Side side, const std::vector<IntRow>& rows, Output& out) {
  std::vector<types::DataType> types = {kBigInt, kBigInt, kTimestamp, types::TypeKind::kBoolean};
  if (side == kLeftSide) types.pop_back();
  columnar::BatchBuilder builder(types);
  for (const IntRow& row : rows) {
    for (size_t i = 0; i < kRowColumns; ++i) {
      builder.column(i).append(row[i] ? types::Value(*row[i]) : types::Value());
    }
    if (side == kRightSide) builder.column(kGone).append(types::Value(*row[kGone] == 1));
    builder.end_row();
  }
  ASSERT_TRUE(op.process(side, builder.finish(), out).has_value());
}

std::vector<IntRow> random_rows(int64_t now, int64_t& next_id, std::mt19937_64& random) {
  std::vector<IntRow> rows;
  for (size_t count = random() % 20; rows.size() < count;) {
    const int64_t distance = static_cast<int64_t>(random() % 60) - 20;
    rows.push_back({static_cast<int64_t>(random() % 6), next_id++, now + distance, random() % 5 == 0 ? 1 : 0});
    if (random() % 12 == 0) rows.back()[kKey].reset();
    if (random() % 12 == 0) rows.back()[kTime].reset();
  }
  return rows;
}

void run(const Rule& rule, uint64_t seed) {
  std::mt19937_64 random(seed);
  TemporalJoinOptions options{.kind = rule.kind,
                              .times = {kTime, kTime},
                              .gone = kGone,
                              .first_counts = rule.first_counts,
                              .lower_us = rule.lower,
                              .upper_us = rule.upper,
                              .nulls_match = {false},
                              .output = {0, 1, 2, 3, 4, 5}};
  for (JoinInput& input : options.inputs) input = {.types = {kBigInt, kBigInt, kTimestamp}, .keys = {kKey}};
  options.inputs[kRightSide].types.push_back(types::TypeKind::kBoolean);
  const std::unique_ptr<Operator> op = make_temporal_join(std::move(options));
  Applied out;
  Plain plain(rule);
  int64_t now = 1000;
  int64_t next_id = 0;
  for (int step = 0; step < 60; ++step) {
    const Side side = random() % 2 == 0 ? kLeftSide : kRightSide;
    const std::vector<IntRow> rows = random_rows(now, next_id, random);
    for (const IntRow& row : rows) side == kLeftSide ? plain.add_row(row) : plain.add_version(row);
    if (!rows.empty()) process(*op, side, rows, out);
    if (random() % 3 == 0) {
      now += static_cast<int64_t>(random() % 15);
      plain.advance(now);
      advance(*op, EventTime(now), out);
      EXPECT_EQ(op->output_watermark(EventTime(now)).value(), now - (rule.first_counts ? rule.upper.value_or(0) : 0));
    }
    ASSERT_EQ(out.weights, plain.weights) << "seed " << seed << ", step " << step;
  }
  advance(*op, kMaxEventTime, out);
  plain.finish();
  EXPECT_EQ(out.weights, plain.weights) << "seed " << seed;
  EXPECT_EQ(op->output_watermark(kMaxEventTime), kMaxEventTime);
}

TEST(TemporalJoin, GivesWhatPlainListsGive) {
  const Rule rules[] = {{},
                        {.lower = -25},
                        {.upper = -3},
                        {.lower = -30, .upper = -7},
                        {.first_counts = true, .lower = 0, .upper = std::nullopt},
                        {.first_counts = true, .lower = 2, .upper = std::nullopt},
                        {.first_counts = true, .lower = 1, .upper = 12}};
  for (Rule rule : rules) {
    for (uint64_t seed = 1; seed <= 30; ++seed) {
      rule.kind = seed % 2 == 0 ? JoinKind::kInner : JoinKind::kLeft;
      SCOPED_TRACE(testing::Message() << "lower " << rule.lower.value_or(-1000) << ", upper "
                                      << rule.upper.value_or(1000));
      run(rule, seed);
    }
  }
}

}  // namespace
}  // namespace penstock::exec
