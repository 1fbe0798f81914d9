// Sessions over random rows, watermarks and cuts into batches, held against a recomputation from the definition.
#include <gtest/gtest.h>

#include <algorithm>
#include <limits>
#include <map>
#include <random>
#include <set>

#include "exec/operators/changes_test.h"
#include "exec/operators/window.h"
#include "exec/operators/window_aggregate.h"

namespace penstock::exec {
namespace {

constexpr int64_t kMilli = types::kMicrosPerMilli;

struct Row {
  int64_t key;
  std::optional<int64_t> time;
  std::optional<int64_t> value;
};

// Keeps every row of every open session.
class Oracle {
 public:
  explicit Oracle(int64_t gap_us) : gap_(gap_us) {}

  void add(const Row& row) {
    if (!row.time) {
      ++late;
      return;
    }
    std::vector<std::vector<Row>>& own = open_[row.key];
    std::vector<Row> joined{row};
    bool alone = true;
    for (size_t i = 0; i < own.size();) {
      const auto [first, last] = std::ranges::minmax(own[i], {}, &Row::time);
      if (*row.time - *last.time > gap_ || *first.time - *row.time > gap_) {
        ++i;
        continue;
      }
      alone = false;
      joined.insert(joined.end(), own[i].begin(), own[i].end());
      own.erase(own.begin() + static_cast<ptrdiff_t>(i));
    }
    if (alone && *row.time + gap_ - kMilli <= watermark_) {
      ++late;
      return;
    }
    own.push_back(std::move(joined));
  }

  void advance(int64_t watermark) {
    watermark_ = watermark;
    for (auto& [key, own] : open_) {
      std::erase_if(own, [&](const std::vector<Row>& session) {
        const auto [first, last] = std::ranges::minmax(session, {}, &Row::time);
        if (*last.time + gap_ - kMilli > watermark) return false;
        close(session, *first.time, *last.time + gap_);
        return true;
      });
    }
  }

  std::map<IntRow, int> groups;  // key, COUNT(*), SUM, MIN, MAX, COUNT(DISTINCT), window_start, window_end
  std::map<IntRow, int> rows;    // key, time, value, window_start, window_end, window_time
  uint64_t late = 0;

 private:
  void close(const std::vector<Row>& session, int64_t start, int64_t end) {
    IntRow group = {session[0].key, std::ssize(session), std::nullopt, std::nullopt, std::nullopt, 0, start, end};
    std::set<int64_t> values;
    for (const Row& row : session) {
      ++rows[{row.key, row.time, row.value, start, end, end - kMilli}];
      if (!row.value) continue;
      values.insert(*row.value);
      group[2] = group[2].value_or(0) + *row.value;
    }
    if (!values.empty()) {
      group[3] = *values.begin();
      group[4] = *values.rbegin();
      group[5] = std::ssize(values);
    }
    ++groups[group];
  }

  const int64_t gap_;
  int64_t watermark_ = std::numeric_limits<int64_t>::min();
  std::map<int64_t, std::vector<std::vector<Row>>> open_;
};

// Both forms of sessions, fed with the same rows around a time that moves on.
class RandomRun {
 public:
  explicit RandomRun(uint64_t seed)
      : random_(seed), keys_(seed % 4 == 0 ? 3000 : 3), gap_us_((1 + below(20)) * kMilli), oracle_(gap_us_) {
    aggregate_ =
        make_session_aggregate({.window = types::Window::session(gap_us_),
                                .time_column = 1,
                                .time_type = kTimestamp,
                                .keys = {0},
                                .key_types = {kBigInt},
                                .calls = {call("COUNT", -1, false), call("SUM", 2, false), call("MIN", 2, false),
                                          call("MAX", 2, false), call("COUNT", 2, false, true)},
                                .properties = {WindowProperty::kStart, WindowProperty::kEnd},
                                .late = {.dropped = &late_groups_}});
    window_ = make_session_window({.window = types::Window::session(gap_us_),
                                   .time_column = 1,
                                   .keys = {0},
                                   .key_types = {kBigInt},
                                   .column_types = {kBigInt, kTimestamp, kBigInt},
                                   .late = {.dropped = &late_rows_}});
  }

  void run() {
    int64_t now = -200 * kMilli;
    for (int round = 0; round < 40; ++round) {
      for (uint64_t n = 1 + random_() % (keys_ > 3 ? 1000 : 15); n > 0; --n) add(now);
      flush();
      now += below(10) == 0 ? below(300) * kMilli : below(8) * kMilli;
      if (random_() % 3 != 0) continue;
      watermark_ = std::max(watermark_, now - 30 * kMilli - below(1000));
      advance_to(watermark_);
    }
    advance_to(std::numeric_limits<int64_t>::max());
    EXPECT_EQ(late_groups_.value(), oracle_.late);
    EXPECT_EQ(late_rows_.value(), oracle_.late);
  }

 private:
  int64_t below(uint64_t bound) { return static_cast<int64_t>(random_() % bound); }

  void add(int64_t now) {
    Row row{.key = below(keys_), .time = now + below(80) * kMilli - 40 * kMilli, .value = below(8) - 4};
    if (random_() % 4 == 0) *row.time += below(1000);  // finer than the precision of SQL's times
    if (random_() % 20 == 0) row.time.reset();
    if (random_() % 8 == 0) row.value.reset();
    oracle_.add(row);
    batch_.column(0).append_int64(row.key);
    row.time ? batch_.column(1).append_int64(*row.time) : batch_.column(1).append_null();
    row.value ? batch_.column(2).append_int64(*row.value) : batch_.column(2).append_null();
    batch_.end_row();
    if (batch_.full() || random_() % 25 == 0) flush();
  }

  void flush() {
    if (batch_.rows() == 0) return;
    const columnar::ChangeBatch batch = batch_.finish();
    ASSERT_TRUE(aggregate_->process(0, batch, groups_).has_value());
    ASSERT_TRUE(window_->process(0, batch, rows_).has_value());
  }

  void advance_to(int64_t watermark) {
    oracle_.advance(watermark);
    advance(*aggregate_, EventTime(watermark), groups_);
    advance(*window_, EventTime(watermark), rows_);
    ASSERT_EQ(groups_.weights, oracle_.groups) << "at watermark " << watermark;
    ASSERT_EQ(rows_.weights, oracle_.rows) << "at watermark " << watermark;
  }

  std::mt19937_64 random_;
  const uint64_t keys_;
  const int64_t gap_us_;
  Oracle oracle_;
  Counter late_groups_;
  Counter late_rows_;
  std::unique_ptr<Operator> aggregate_;
  std::unique_ptr<Operator> window_;
  Applied groups_;
  Applied rows_;
  columnar::BatchBuilder batch_{{kBigInt, kTimestamp, kBigInt}};
  int64_t watermark_ = std::numeric_limits<int64_t>::min();
};

TEST(Session, RandomRowsFallIntoTheirSessions) {
  for (uint64_t seed = 0; seed < 16; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    ASSERT_NO_FATAL_FAILURE(RandomRun(seed).run());
  }
}

// Without a watermark every session stays open: rows in any order must not take time in proportion to their number.
TEST(Session, ManyOpenSessionsOfOneKeyInReverse) {
  constexpr int64_t kSessions = 50'000;
  std::unique_ptr<Operator> op = make_session_aggregate({.window = types::Window::session(kMilli),
                                                         .time_column = 0,
                                                         .time_type = kTimestamp,
                                                         .calls = {call("COUNT", -1, false)},
                                                         .properties = {WindowProperty::kStart}});
  Applied applied;
  columnar::BatchBuilder batch({kTimestamp});
  for (int64_t i = kSessions; i > 0; --i) {
    batch.column(0).append_int64(i * 10 * kMilli);
    batch.end_row();
    if (batch.full() || i == 1) ASSERT_TRUE(op->process(0, batch.finish(), applied).has_value());
  }
  advance(*op, kMaxEventTime, applied);
  EXPECT_EQ(applied.weights.size(), static_cast<size_t>(kSessions));
}

// A job may be stopped at any time: what is open, and what is half emitted, is given up.
TEST(Session, StoppingInBetweenFreesAll) {
  std::unique_ptr<Operator> window =
      make_session_window({.window = types::Window::session(kMilli), .time_column = 0, .column_types = {kTimestamp}});
  Applied applied;
  for (int64_t part = 0; part < 3; ++part) {
    columnar::BatchBuilder batch({kTimestamp});
    while (!batch.full()) {
      batch.column(0).append_int64(part * kMilli);
      batch.end_row();
    }
    ASSERT_TRUE(window->process(0, batch.finish(), applied).has_value());
  }
  ASSERT_EQ(*window->on_watermark(kMaxEventTime, applied), Progress::kMore);
  EXPECT_EQ(applied.weights.begin()->second, static_cast<int>(columnar::kBatchRowsMax));
}

}  // namespace
}  // namespace penstock::exec
