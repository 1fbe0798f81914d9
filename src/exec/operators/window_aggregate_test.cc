// Window aggregations over random rows, watermarks and cuts into batches, held against a recomputation from the
// definition of each kind of window.
#include "exec/operators/window_aggregate.h"

#include <gtest/gtest.h>

#include <limits>
#include <map>
#include <random>
#include <set>

#include "exec/operators/changes_test.h"

namespace penstock::exec {
namespace {

using columnar::RowOp;
using types::TimeSpan;
using types::Window;

constexpr int64_t kMilli = types::kMicrosPerMilli;

// The windows that hold a time, in milliseconds, by trying every end.
std::vector<TimeSpan> windows_of(const Window& window, int64_t time_us) {
  const int64_t time = types::floor_divide(time_us, kMilli);
  const int64_t size = window.size_us / kMilli;
  const int64_t step = window.step_us / kMilli;
  const int64_t offset = window.offset_us / kMilli;
  std::vector<TimeSpan> found;
  int64_t period = time;  // the start of cumulating windows
  while (types::floor_modulo(period - offset, size) != 0) --period;
  for (int64_t end = time + 1; end <= time + size; ++end) {
    if (window.kind == Window::Kind::kCumulate) {
      if (types::floor_modulo(end - offset, step) == 0 && end <= period + size) found.push_back({period, end});
    } else if (types::floor_modulo(end - size - offset, step) == 0) {
      found.push_back({end - size, end});
    }
  }
  for (TimeSpan& one : found) one = {one.start * kMilli, one.end * kMilli};
  return found;
}

struct Row {
  int64_t key;
  std::optional<int64_t> time;
  std::optional<int64_t> value;
};

// What the rows of one key and window give.
struct Group {
  int64_t count = 0;
  std::map<int64_t, int64_t> values;  // with how often each is there

  void add(const Row& row, int weight) {
    count += weight;
    if (!row.value) return;
    if ((values[*row.value] += weight) == 0) values.erase(*row.value);
  }
};

// Keeps every row of every open window.
class Oracle {
 public:
  explicit Oracle(Window window) : window_(window) {}

  void add(const Row& row, int weight) {
    bool open = false;
    for (const TimeSpan& one : row.time ? windows_of(window_, *row.time) : std::vector<TimeSpan>()) {
      if (one.end - kMilli <= watermark_) continue;
      open = true;
      groups_[{one.end, one.start, row.key}].add(row, weight);
    }
    if (!open) ++late;
  }

  // Adds the rows of the windows that close: key, COUNT(*), SUM, MIN, MAX, COUNT(DISTINCT), window_start, window_end.
  void advance(int64_t watermark) {
    watermark_ = watermark;
    while (!groups_.empty() && std::get<0>(groups_.begin()->first) - kMilli <= watermark) {
      const auto& [place, group] = *groups_.begin();
      const auto [end, start, key] = place;
      IntRow row = {key, group.count, std::nullopt, std::nullopt, std::nullopt, std::ssize(group.values), start, end};
      for (const auto& [value, times] : group.values) row[2] = row[2].value_or(0) + value * times;
      if (!group.values.empty()) {
        row[3] = group.values.begin()->first;
        row[4] = group.values.rbegin()->first;
      }
      if (group.count > 0) expected[row] = 1;
      groups_.erase(groups_.begin());
    }
  }

  std::map<IntRow, int> expected;
  uint64_t late = 0;

 private:
  const Window window_;
  int64_t watermark_ = std::numeric_limits<int64_t>::min();
  std::map<std::tuple<int64_t, int64_t, int64_t>, Group> groups_;  // by end, start and key
};

// Feeds rows around a time that moves on, some of them late, and holds what comes out against the oracle.
class RandomRun {
 public:
  RandomRun(Window window, uint64_t seed)
      : random_(seed), retractions_(seed % 3 == 0), keys_(seed % 5 == 0 ? 5000 : 4), oracle_(window) {
    op_ = make_window_aggregate(
        {.window = window,
         .time_column = 1,
         .time_type = kTimestamp,
         .keys = {0},
         .key_types = {kBigInt},
         .calls = {call("COUNT", -1, retractions_), call("SUM", 2, retractions_), call("MIN", 2, retractions_),
                   call("MAX", 2, retractions_), call("COUNT", 2, retractions_, true)},
         .properties = {WindowProperty::kStart, WindowProperty::kEnd},
         .late = {.dropped = &late_}});
  }

  void run() {
    int64_t now = -200 * kMilli;
    for (int round = 0; round < 40; ++round) {
      for (uint64_t n = 1 + random_() % (keys_ > 4 ? 300 : 30); n > 0; --n) add(now);
      flush();
      now += below(10) == 0 ? below(300) * kMilli : below(8) * kMilli;  // sometimes a jump
      if (random_() % 3 != 0) continue;
      watermark_ = std::max(watermark_, now - 5 * kMilli - below(1000));
      advance_to(watermark_);
      ASSERT_EQ(applied_.weights, oracle_.expected) << "at watermark " << watermark_;
    }
    advance_to(std::numeric_limits<int64_t>::max());
    ASSERT_EQ(applied_.weights, oracle_.expected) << "at the end";
    EXPECT_EQ(late_.value(), oracle_.late);
  }

 private:
  int64_t below(uint64_t bound) { return static_cast<int64_t>(random_() % bound); }

  void add(int64_t now) {
    if (retractions_ && !rows_.empty() && random_() % 3 == 0) {
      const size_t i = random_() % rows_.size();
      put(rows_[i], random_() % 2 == 0 ? RowOp::kDelete : RowOp::kUpdateBefore);
      rows_.erase(rows_.begin() + static_cast<ptrdiff_t>(i));
      return;
    }
    Row row{.key = below(keys_), .time = now + below(40 * kMilli) - 20 * kMilli, .value = below(8) - 4};
    if (random_() % 20 == 0) row.time.reset();
    if (random_() % 8 == 0) row.value.reset();
    put(row, RowOp::kInsert);
    if (retractions_) rows_.push_back(row);
  }

  void put(const Row& row, RowOp row_op) {
    batch_.column(0).append_int64(row.key);
    row.time ? batch_.column(1).append_int64(*row.time) : batch_.column(1).append_null();
    row.value ? batch_.column(2).append_int64(*row.value) : batch_.column(2).append_null();
    batch_.end_row(row_op);
    oracle_.add(row, columnar::weight(row_op));
    if (batch_.full() || random_() % 25 == 0) flush();
  }

  void flush() {
    if (batch_.rows() > 0) ASSERT_TRUE(op_->process(0, batch_.finish(), applied_).has_value());
  }

  void advance_to(int64_t watermark) {
    oracle_.advance(watermark);
    advance(*op_, EventTime(watermark), applied_);
  }

  std::mt19937_64 random_;
  const bool retractions_;
  const uint64_t keys_;
  Oracle oracle_;
  Counter late_;
  std::unique_ptr<Operator> op_;
  Applied applied_;
  columnar::BatchBuilder batch_{{kBigInt, kTimestamp, kBigInt}};
  std::vector<Row> rows_;  // that can be taken back
  int64_t watermark_ = std::numeric_limits<int64_t>::min();
};

void run_seeds(const std::function<Window(std::mt19937_64&)>& make_window) {
  for (uint64_t seed = 0; seed < 16; ++seed) {
    std::mt19937_64 random(seed);
    const Window window = make_window(random);
    SCOPED_TRACE("seed " + std::to_string(seed) + ", size " + std::to_string(window.size_us) + ", step " +
                 std::to_string(window.step_us) + ", offset " + std::to_string(window.offset_us));
    ASSERT_NO_FATAL_FAILURE(RandomRun(window, seed).run());
  }
}

int64_t millis(std::mt19937_64& random, uint64_t max) { return static_cast<int64_t>(1 + random() % max) * kMilli; }

TEST(WindowAggregate, TumblingWindowsHoldTheirRows) {
  run_seeds([](auto& random) { return Window::tumble(millis(random, 30), millis(random, 30)); });
}

TEST(WindowAggregate, HoppingWindowsHoldTheirRows) {
  run_seeds([](auto& random) { return Window::hop(millis(random, 30), millis(random, 40), millis(random, 30)); });
}

TEST(WindowAggregate, CumulatingWindowsHoldTheirRows) {
  run_seeds([](auto& random) {
    const int64_t step = millis(random, 8);
    return Window::cumulate(step * static_cast<int64_t>(1 + random() % 6), step, millis(random, 30));
  });
}

// Times that no window can be computed for are counted with the late ones.
TEST(WindowAggregate, TimesOutOfRangeAreInNoWindow) {
  Counter late;
  std::unique_ptr<Operator> op = make_window_aggregate({.window = Window::hop(10 * kMilli, 3 * kMilli),
                                                        .time_column = 0,
                                                        .time_type = kTimestamp,
                                                        .calls = {call("COUNT", -1, false)},
                                                        .properties = {WindowProperty::kEnd},
                                                        .late = {.dropped = &late}});
  columnar::BatchBuilder batch({kTimestamp});
  for (int64_t time : {std::numeric_limits<int64_t>::min(), std::numeric_limits<int64_t>::max(),
                       types::kWindowTimeMaxUs + 1, -types::kWindowTimeMaxUs, types::kWindowTimeMaxUs}) {
    batch.column(0).append_int64(time);
    batch.end_row();
  }
  Applied applied;
  ASSERT_TRUE(op->process(0, batch.finish(), applied).has_value());
  advance(*op, kMaxEventTime, applied);
  EXPECT_EQ(late.value(), 3U);
  EXPECT_EQ(applied.weights.size(),
            windows_of(Window::hop(10 * kMilli, 3 * kMilli), types::kWindowTimeMaxUs).size() +
                windows_of(Window::hop(10 * kMilli, 3 * kMilli), -types::kWindowTimeMaxUs).size());
}

}  // namespace
}  // namespace penstock::exec
