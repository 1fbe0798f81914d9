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

// What both forms of sessions give.
struct ClosedSessions {
  std::map<IntRow, int> groups;  // key, COUNT(*), SUM, MIN, MAX, COUNT(DISTINCT), window_start, window_end
  std::map<IntRow, int> rows;    // key, time, value, window_start, window_end, window_time

  void add(const std::vector<Row>& session, int64_t start, int64_t end) {
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
        closed.add(session, *first.time, *last.time + gap_);
        return true;
      });
    }
  }

  ClosedSessions closed;
  uint64_t late = 0;

 private:
  const int64_t gap_;
  int64_t watermark_ = std::numeric_limits<int64_t>::min();
  std::map<int64_t, std::vector<std::vector<Row>>> open_;
};

// Over a key, a time and a value.
WindowAggregateOptions aggregate_options(int64_t gap_us, bool retractable, Counter& late) {
  return {.window = types::Window::session(gap_us),
          .time_column = 1,
          .time_type = kTimestamp,
          .keys = {0},
          .key_types = {kBigInt},
          .calls = {call("COUNT", -1, retractable), call("SUM", 2, retractable), call("MIN", 2, retractable),
                    call("MAX", 2, retractable), call("COUNT", 2, retractable, true)},
          .properties = {WindowProperty::kStart, WindowProperty::kEnd},
          .late = {.dropped = &late}};
}

SessionWindowOptions window_options(int64_t gap_us, Counter& late) {
  return {.window = types::Window::session(gap_us),
          .time_column = 1,
          .keys = {0},
          .key_types = {kBigInt},
          .column_types = {kBigInt, kTimestamp, kBigInt},
          .late = {.dropped = &late}};
}

// Both forms of sessions, fed with the same rows.
class BothForms {
 public:
  BothForms(std::unique_ptr<Operator> aggregate, std::unique_ptr<Operator> window)
      : aggregate_(std::move(aggregate)), window_(std::move(window)) {}

  void add(const Row& row, columnar::RowOp op) {
    batch_.column(0).append_int64(row.key);
    row.time ? batch_.column(1).append_int64(*row.time) : batch_.column(1).append_null();
    row.value ? batch_.column(2).append_int64(*row.value) : batch_.column(2).append_null();
    batch_.end_row(op);
  }
  bool full() const { return batch_.full(); }
  void flush() {
    if (batch_.rows() == 0) return;
    const columnar::ChangeBatch batch = batch_.finish();
    ASSERT_TRUE(aggregate_->process(0, batch, groups_).has_value());
    ASSERT_TRUE(window_->process(0, batch, rows_).has_value());
  }
  void advance_to(int64_t watermark) {
    advance(*aggregate_, EventTime(watermark), groups_);
    advance(*window_, EventTime(watermark), rows_);
  }
  void end_epoch() {
    while (*aggregate_->on_barrier(Epoch(1), groups_) == Progress::kMore) {
    }
    while (*window_->on_barrier(Epoch(1), rows_) == Progress::kMore) {
    }
  }
  void compare(const ClosedSessions& expected, int64_t watermark) const {
    ASSERT_EQ(groups_.weights, expected.groups) << "at watermark " << watermark;
    ASSERT_EQ(rows_.weights, expected.rows) << "at watermark " << watermark;
  }

 private:
  const std::unique_ptr<Operator> aggregate_;
  const std::unique_ptr<Operator> window_;
  Applied groups_;
  Applied rows_;
  columnar::BatchBuilder batch_{{kBigInt, kTimestamp, kBigInt}};
};

// Rows around a time that moves on.
class RandomRun {
 public:
  explicit RandomRun(uint64_t seed)
      : random_(seed),
        keys_(seed % 4 == 0 ? 3000 : 3),
        gap_us_((1 + below(20)) * kMilli),
        oracle_(gap_us_),
        sessions_(make_session_aggregate(aggregate_options(gap_us_, false, late_groups_)),
                  make_session_window(window_options(gap_us_, late_rows_))) {}

  void run() {
    int64_t now = -200 * kMilli;
    for (int round = 0; round < 40; ++round) {
      for (uint64_t n = 1 + random_() % (keys_ > 3 ? 1000 : 15); n > 0; --n) add(now);
      sessions_.flush();
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
    sessions_.add(row, columnar::RowOp::kInsert);
    if (sessions_.full() || random_() % 25 == 0) sessions_.flush();
  }

  void advance_to(int64_t watermark) {
    oracle_.advance(watermark);
    sessions_.advance_to(watermark);
    sessions_.compare(oracle_.closed, watermark);
  }

  std::mt19937_64 random_;
  const uint64_t keys_;
  const int64_t gap_us_;
  Oracle oracle_;
  Counter late_groups_;
  Counter late_rows_;
  BothForms sessions_;
  int64_t watermark_ = std::numeric_limits<int64_t>::min();
};

// Keeps how often each row is there, and looks at all of them whenever something is asked.
class ChangingOracle {
 public:
  explicit ChangingOracle(int64_t gap_us) : gap_(gap_us) {}

  void add(const Row& row, int weight) {
    std::map<int64_t, std::map<IntRow, int>>& times = keys_[row.key];
    const bool near = std::ranges::any_of(
        times, [&](const auto& time) { return std::abs(time.first - row.time.value_or(0)) <= gap_; });
    const bool open = row.time && (times.contains(*row.time) || !is_passed(*row.time) || (weight > 0 && near));
    if (!open) {
      ++late;
      return;
    }
    times[*row.time][{row.key, row.time, row.value}] += weight;
  }

  bool has(const Row& row) const {
    if (!row.time || !keys_.contains(row.key) || !keys_.at(row.key).contains(*row.time)) return false;
    const std::map<IntRow, int>& rows = keys_.at(row.key).at(*row.time);
    const auto found = rows.find({row.key, row.time, row.value});
    return found != rows.end() && found->second > 0;
  }

  void advance(int64_t watermark) {
    watermark_ = watermark;
    for (auto& [key, times] : keys_) {
      while (!times.empty()) {
        auto end = std::next(times.begin());
        while (end != times.end() && end->first - std::prev(end)->first <= gap_) ++end;
        if (!is_passed(std::prev(end)->first)) break;  // those behind it end later
        close({times.begin(), end});
        times.erase(times.begin(), end);
      }
    }
  }

  void end_epoch() {
    for (auto& [key, times] : keys_) {
      for (auto& [time, rows] : times) std::erase_if(rows, [](const auto& row) { return row.second <= 0; });
      std::erase_if(times, [](const auto& time) { return time.second.empty(); });
    }
    advance(watermark_);
  }

  ClosedSessions closed;
  uint64_t late = 0;

 private:
  bool is_passed(int64_t last) const { return last + gap_ - kMilli <= watermark_; }

  void close(const std::map<int64_t, std::map<IntRow, int>>& times) {
    std::vector<Row> session;
    const auto end_session = [&] {
      if (!session.empty()) closed.add(session, *session.front().time, *session.back().time + gap_);
      session.clear();
    };
    for (const auto& [time, rows] : times) {
      for (const auto& [row, count] : rows) {
        if (count > 0 && !session.empty() && time - *session.back().time > gap_) end_session();
        for (int i = 0; i < count; ++i) session.push_back({.key = *row[0], .time = row[1], .value = row[2]});
      }
    }
    end_session();
  }

  const int64_t gap_;
  int64_t watermark_ = std::numeric_limits<int64_t>::min();
  std::map<int64_t, std::map<int64_t, std::map<IntRow, int>>> keys_;  // rows by key and time
};

// Rows that come and go, in epochs; of an update the new row may come first, or behind a watermark.
class RandomChanges {
 public:
  explicit RandomChanges(uint64_t seed)
      : random_(seed),
        keys_(seed % 4 == 0 ? 300 : 2),
        ages_ms_(seed % 3 == 0 ? 200 : 40),
        gap_us_((1 + below(20)) * kMilli),
        oracle_(gap_us_),
        sessions_(make_changing_session_aggregate(aggregate_options(gap_us_, true, late_groups_)),
                  make_changing_session_window(window_options(gap_us_, late_rows_))) {}

  void run() {
    for (int round = 0; round < 60; ++round) {
      for (uint64_t n = 1 + random_() % (keys_ > 2 ? 600 : 12); n > 0; --n) change();
      sessions_.flush();
      now_ += below(10) == 0 ? below(300) * kMilli : below(8) * kMilli;
      if (random_() % 3 == 0) {
        watermark_ = std::max(watermark_, now_ - 30 * kMilli - below(1000));
        advance_to(watermark_);
      }
      if (random_() % 2 == 0) end_epoch();
    }
    advance_to(std::numeric_limits<int64_t>::max());
    end_epoch();
    EXPECT_EQ(late_groups_.value(), oracle_.late);
    EXPECT_EQ(late_rows_.value(), oracle_.late);
  }

 private:
  int64_t below(uint64_t bound) { return static_cast<int64_t>(random_() % bound); }

  Row random_row() {
    Row row{.key = below(keys_), .time = now_ + below(80) * kMilli - 40 * kMilli, .value = below(8) - 4};
    if (random_() % 40 == 0) row.time.reset();
    if (random_() % 8 == 0) row.value.reset();
    return row;
  }

  void change() {
    const Row row = random_row();
    if (there_.empty() || random_() % 2 == 0) {
      there_.push_back(row);
      add(row, 1);
      return;
    }
    // Mostly one of the latest, which is in an open session.
    const size_t age = std::min(there_.size() - 1, static_cast<size_t>(below(static_cast<uint64_t>(ages_ms_))));
    const auto old = there_.end() - 1 - static_cast<ptrdiff_t>(age);
    const Row taken = *old;
    there_.erase(old);
    const bool has = oracle_.has(taken);
    if (random_() % 3 == 0) {
      add(taken, -1);
      return;
    }
    Row updated = row;
    updated.key = taken.key;
    if (random_() % 2 == 0) updated.time = taken.time;
    there_.push_back(updated);
    const bool new_first = has && random_() % 3 == 0;
    add(new_first ? updated : taken, new_first ? 1 : -1);
    add(new_first ? taken : updated, new_first ? -1 : 1);
  }

  void add(const Row& row, int weight) {
    oracle_.add(row, weight);
    sessions_.add(row, weight > 0 ? columnar::RowOp::kInsert : columnar::RowOp::kDelete);
    if (sessions_.full() || random_() % 25 == 0) sessions_.flush();
  }

  void advance_to(int64_t watermark) {
    oracle_.advance(watermark);
    sessions_.advance_to(watermark);
    sessions_.compare(oracle_.closed, watermark);
  }

  void end_epoch() {
    oracle_.end_epoch();
    sessions_.end_epoch();
    sessions_.compare(oracle_.closed, watermark_);
  }

  std::mt19937_64 random_;
  const uint64_t keys_;
  const int64_t ages_ms_;
  const int64_t gap_us_;
  ChangingOracle oracle_;
  Counter late_groups_;
  Counter late_rows_;
  BothForms sessions_;
  std::vector<Row> there_;
  int64_t now_ = -200 * kMilli;
  int64_t watermark_ = std::numeric_limits<int64_t>::min();
};

TEST(Session, RandomChangesFallIntoTheirSessions) {
  for (uint64_t seed = 0; seed < 24; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    ASSERT_NO_FATAL_FAILURE(RandomChanges(seed).run());
  }
}

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

// Changes of a key on the second, as both forms get them.
class Changes {
 public:
  void add(int64_t second, int64_t value, int weight = 1) {
    forms_.add({.key = 1, .time = second * 1000 * kMilli, .value = value},
               weight > 0 ? columnar::RowOp::kInsert : columnar::RowOp::kDelete);
    if (forms_.full()) forms_.flush();
  }
  void advance_to(int64_t second) {
    forms_.flush();
    forms_.advance_to(second * 1000 * kMilli);
  }
  void end_epoch() {
    forms_.flush();
    forms_.end_epoch();
  }
  void expect(const std::vector<std::vector<std::pair<int64_t, int64_t>>>& sessions) {
    ClosedSessions expected;
    for (const auto& session : sessions) {
      std::vector<Row> rows;
      for (const auto& [second, value] : session) {
        rows.push_back({.key = 1, .time = second * 1000 * kMilli, .value = value});
      }
      expected.add(rows, *rows.front().time, *rows.back().time + kGapUs);
    }
    forms_.flush();
    forms_.compare(expected, 0);
  }

 private:
  static constexpr int64_t kGapUs = 10'000 * kMilli;
  Counter late_;
  BothForms forms_{make_changing_session_aggregate(aggregate_options(kGapUs, true, late_)),
                   make_changing_session_window(window_options(kGapUs, late_))};
};

TEST(Session, WhatIsTakenBackOfAClosedOneIsNotTakenFromAnOpenOneWithItsTime) {
  Changes changes;
  changes.add(0, 1);
  changes.advance_to(10);
  changes.expect({{{0, 1}}});
  // The time is late, but a session that it belongs to is open.
  changes.add(10, 2);
  changes.add(0, 4);
  changes.add(0, 8);
  changes.add(0, 1, -1);  // it has left already
  changes.end_epoch();
  changes.add(0, 4, -1);
  changes.add(0, 4, -1);  // there was one
  changes.end_epoch();
  changes.advance_to(20);
  changes.expect({{{0, 1}}, {{0, 8}, {10, 2}}});
}

TEST(Session, OneThatComesToBeAnotherAgainLeavesTwice) {
  Changes changes;
  changes.add(0, 1);
  changes.advance_to(10);
  changes.add(10, 2);
  changes.add(0, 1);
  changes.add(10, 2, -1);
  changes.end_epoch();
  changes.expect({{{0, 1}}, {{0, 1}}});
}

// A session of which rows go, each in an epoch of its own, is not looked through for each.
TEST(Session, ALongOneLosesItsRowsOneByOne) {
  constexpr int64_t kRows = 10'000;
  const auto run = [](const auto& nth) {
    Changes changes;
    for (int64_t i = 0; i < kRows; ++i) changes.add(i * 5, 1);
    changes.advance_to(kRows * 5 - 20);
    for (int64_t i = 0; i < kRows / 2; ++i) {
      changes.add(nth(i) * 5, 1, -1);
      changes.end_epoch();
    }
    changes.advance_to(kRows * 5 + 20);
  };
  run([](int64_t i) { return i; });
  run([](int64_t i) { return 2 * i + 1; });
  run([](int64_t i) { return kRows - 4 - i; });
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
