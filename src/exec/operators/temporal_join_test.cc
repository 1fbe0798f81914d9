// Temporal joins over random rows and versions in random disorder, held against plain lists.
#include "exec/operators/temporal_join.h"

#include <gtest/gtest.h>

#include <map>
#include <optional>
#include <random>
#include <utility>
#include <vector>

#include "exec/operators/changes_test.h"

namespace penstock::exec {
namespace {

enum Columns : uint8_t { kKey, kId, kTime, kColumns };

// The join, one row at a time and without any index.
class Plain {
 public:
  explicit Plain(JoinKind kind) : kind_(kind) {}

  void add_row(const IntRow& row) {
    if (row[kKey] && row[kTime] && *row[kTime] > watermark_) {
      waiting_.push_back(row);
    } else {
      leave(row);
    }
  }

  void add_version(const IntRow& version) {
    if (!version[kKey] || !version[kTime]) return;
    versions_[*version[kKey]][*version[kTime]] = version;
    forget();
  }

  void advance(int64_t watermark) {
    watermark_ = watermark;
    std::erase_if(waiting_, [&](const IntRow& row) {
      if (*row[kTime] > watermark) return false;
      leave(row);
      return true;
    });
    forget();
  }

  std::map<IntRow, int> weights;

 private:
  void leave(const IntRow& row) {
    IntRow version(kColumns);
    bool found = false;
    for (const auto& [time, candidate] : row[kKey] ? versions_[*row[kKey]] : std::map<int64_t, IntRow>()) {
      if (!row[kTime] || time > *row[kTime]) continue;
      version = candidate;
      found = true;
    }
    if (!found && kind_ == JoinKind::kInner) return;
    IntRow both = row;
    both.insert(both.end(), version.begin(), version.end());
    ++weights[both];
  }
  // Versions that another one before the watermark has followed.
  void forget() {
    for (auto& [key, versions] : versions_) {
      while (versions.size() > 1 && std::next(versions.begin())->first <= watermark_) versions.erase(versions.begin());
    }
  }

  const JoinKind kind_;
  int64_t watermark_ = -1'000'000;
  std::vector<IntRow> waiting_;
  std::map<int64_t, std::map<int64_t, IntRow>> versions_;
};

void process(Operator& op, Side side, const std::vector<IntRow>& rows, Output& out) {
  columnar::BatchBuilder builder({kBigInt, kBigInt, kTimestamp});
  for (const IntRow& row : rows) {
    for (size_t i = 0; i < kColumns; ++i) builder.column(i).append(row[i] ? types::Value(*row[i]) : types::Value());
    builder.end_row();
  }
  ASSERT_TRUE(op.process(side, builder.finish(), out).has_value());
}

std::vector<IntRow> random_rows(int64_t now, int64_t& next_id, std::mt19937_64& random) {
  std::vector<IntRow> rows;
  for (size_t count = random() % 20; rows.size() < count;) {
    const int64_t distance = static_cast<int64_t>(random() % 60) - 20;
    rows.push_back({static_cast<int64_t>(random() % 6), next_id++, now + distance});
    if (random() % 12 == 0) rows.back()[kKey].reset();
    if (random() % 12 == 0) rows.back()[kTime].reset();
  }
  return rows;
}

void run(JoinKind kind, uint64_t seed) {
  std::mt19937_64 random(seed);
  TemporalJoinOptions options{
      .kind = kind, .times = {kTime, kTime}, .nulls_match = {false}, .output = {0, 1, 2, 3, 4, 5}};
  for (JoinInput& input : options.inputs) input = {.types = {kBigInt, kBigInt, kTimestamp}, .keys = {kKey}};
  const std::unique_ptr<Operator> op = make_temporal_join(std::move(options));
  Applied out;
  Plain plain(kind);
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
    }
    ASSERT_EQ(out.weights, plain.weights) << "seed " << seed << ", step " << step;
  }
  plain.advance(now + 1000);
  advance(*op, kMaxEventTime, out);
  EXPECT_EQ(out.weights, plain.weights) << "seed " << seed;
}

TEST(TemporalJoin, GivesWhatPlainListsGive) {
  for (uint64_t seed = 1; seed <= 40; ++seed) run(seed % 2 == 0 ? JoinKind::kInner : JoinKind::kLeft, seed);
}

}  // namespace
}  // namespace penstock::exec
