#include "view/view.h"

#include <gtest/gtest.h>

#include <atomic>
#include <map>
#include <random>
#include <string>
#include <thread>

#include "columnar/change_batch.h"
#include "columnar/row_key.h"

namespace penstock::view {
namespace {

using columnar::ChangeBatch;
using types::TypeKind;

const types::Schema kSchema = {{"k", TypeKind::kBigInt}, {"v", TypeKind::kString}};

ChangeBatch batch(std::string_view text) {
  Result<ChangeBatch> parsed = columnar::batch_from_text(text, kSchema);
  EXPECT_TRUE(parsed) << parsed.error().message();
  return *std::move(parsed);
}

std::shared_ptr<View> make_view(std::vector<int> key, MemoryBudget* memory = nullptr) {
  return View::make({.name = "v", .schema = kSchema, .key = std::move(key), .memory = memory});
}

// Rows as text, with how often each is there.
using Rows = std::map<std::string, int>;

void add(Rows& rows, const ChangeBatch& changes) {
  for (size_t row = 0; row < changes.rows(); ++row) {
    const uint16_t chosen = static_cast<uint16_t>(row);
    const ChangeBatch one = changes.take(std::span(&chosen, 1));
    const std::string text = columnar::to_text(ChangeBatch(1, one.columns()));
    if ((rows[text] += changes.weight(row)) == 0) rows.erase(text);
  }
}

Rows rows_of(const Snapshot& snapshot) {
  Rows rows;
  size_t position = 0;
  while (const auto part = snapshot.next(position)) add(rows, *part);
  return rows;
}

TEST(View, ShowsAnEpochAtOnce) {
  const auto view = make_view({0});
  view->stage(Epoch(1), batch("+ 1 a | + 2 b"));
  EXPECT_EQ(view->rows(), 0U);
  ASSERT_TRUE(view->publish(Epoch(1)));
  EXPECT_EQ(view->rows(), 2U);
  EXPECT_EQ(view->epoch(), Epoch(1));
  const auto before = view->snapshot();
  view->stage(Epoch(2), batch("- 1 a | + 1 c"));
  view->stage(Epoch(3), batch("+ 3 x"));
  ASSERT_TRUE(view->publish(Epoch(2)));
  EXPECT_EQ(rows_of(*view->snapshot()), (Rows{{"+I 1 c", 1}, {"+I 2 b", 1}}));
  EXPECT_EQ(rows_of(*before), (Rows{{"+I 1 a", 1}, {"+I 2 b", 1}}));
  EXPECT_TRUE(view->wait_for_epoch(Epoch(2), 0));
  EXPECT_FALSE(view->wait_for_epoch(Epoch(3), 0));
}

TEST(View, RefusesChangesThatContradictItsRowsAndStaysAsItWas) {
  const auto view = make_view({0});
  view->stage(Epoch(1), batch("+ 1 a"));
  ASSERT_TRUE(view->publish(Epoch(1)));
  for (const char* bad : {"- 2 b", "- 1 b", "+ 1 b", "+ 1 a", "+ 5 x | + 5 y", "+ 7 z | + 7 z", "+ 9 q | - 1 nope"}) {
    view->stage(Epoch(2), batch(bad));
    const Status refused = view->publish(Epoch(2));
    ASSERT_FALSE(refused) << bad;
    EXPECT_EQ(refused.error().code(), ErrorCode::kInternal);
    EXPECT_EQ(rows_of(*view->snapshot()), (Rows{{"+I 1 a", 1}})) << bad;
  }
}

TEST(View, FindsARowByItsKey) {
  // The key is not the first column.
  const auto view = make_view({1});
  view->stage(Epoch(1), batch("+ 1 a | + 2 bb"));
  ASSERT_TRUE(view->publish(Epoch(1)));
  const auto key = [](std::string text) {
    std::string encoded;
    columnar::append_key_value(encoded, types::Value(std::move(text)), kSchema[1].type);
    return encoded;
  };
  const auto found = view->lookup(key("bb"));
  ASSERT_TRUE(found);
  EXPECT_EQ(columnar::to_text(*found), "+I 2 bb");
  EXPECT_FALSE(view->lookup(key("b")));
  EXPECT_FALSE(view->lookup(""));
  EXPECT_FALSE(make_view({1})->lookup(key("bb")));
  EXPECT_FALSE(make_view({})->lookup(key("bb")));
}

TEST(View, WithoutAKeyIsAMultiset) {
  const auto view = make_view({});
  view->stage(Epoch(1), batch("+ 1 a | + 1 a | + 1 a | + 1 b"));
  ASSERT_TRUE(view->publish(Epoch(1)));
  EXPECT_EQ(rows_of(*view->snapshot()), (Rows{{"+I 1 a", 3}, {"+I 1 b", 1}}));
  view->stage(Epoch(2), batch("- 1 a | - 1 b"));
  ASSERT_TRUE(view->publish(Epoch(2)));
  EXPECT_EQ(rows_of(*view->snapshot()), (Rows{{"+I 1 a", 2}}));
  EXPECT_EQ(view->rows(), 2U);
}

TEST(View, AMultisetOfManyEqualRowsIsReadInBatches) {
  const auto view = make_view({});
  for (int i = 0; i < 3000; ++i) view->stage(Epoch(1), batch("+ 1 a | + 2 b"));
  ASSERT_TRUE(view->publish(Epoch(1)));
  EXPECT_EQ(rows_of(*view->snapshot()), (Rows{{"+I 1 a", 3000}, {"+I 2 b", 3000}}));
}

TEST(View, HoldsToItsMemoryLimit) {
  MemoryBudget memory("test", 2000);
  const auto view = make_view({0}, &memory);
  view->stage(Epoch(1), batch("+ 1 a"));
  ASSERT_TRUE(view->publish(Epoch(1)));
  EXPECT_GT(memory.used_bytes(), 0U);
  for (int i = 2; i < 100; ++i) view->stage(Epoch(2), batch("+ " + std::to_string(i) + " b"));
  const Status refused = view->publish(Epoch(2));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code(), ErrorCode::kOutOfMemory);
}

TEST(ChangeFeed, GivesASnapshotThenChangesThenTheDrop) {
  const auto view = make_view({0});
  view->stage(Epoch(1), batch("+ 1 a"));
  ASSERT_TRUE(view->publish(Epoch(1)));
  const auto feed = view->subscribe({});
  int told = 0;
  feed->on_ready([&] { ++told; });
  EXPECT_EQ(told, 1);
  auto update = feed->poll(100);
  ASSERT_TRUE(update);
  EXPECT_EQ(update->kind, FeedUpdate::Kind::kSnapshot);
  EXPECT_TRUE(update->first && update->last);
  EXPECT_EQ(update->epoch, Epoch(1));
  EXPECT_FALSE(feed->poll(100));
  view->stage(Epoch(2), batch("- 1 a | + 1 b"));
  ASSERT_TRUE(view->publish(Epoch(2)));
  view->stage(Epoch(3), batch("- 1 b | + 1 c"));
  ASSERT_TRUE(view->publish(Epoch(3)));
  EXPECT_EQ(told, 2);
  update = feed->poll(100);
  ASSERT_TRUE(update);
  EXPECT_EQ(update->kind, FeedUpdate::Kind::kChanges);
  EXPECT_EQ(update->epoch, Epoch(3));
  ASSERT_EQ(update->batches.size(), 1U);
  EXPECT_EQ(columnar::to_text(update->batches[0]), "-D 1 a | +I 1 c");
  view->drop();
  EXPECT_EQ(told, 3);
  update = feed->poll(100);
  ASSERT_TRUE(update);
  EXPECT_EQ(update->kind, FeedUpdate::Kind::kDropped);
  EXPECT_FALSE(feed->poll(100));
}

TEST(ChangeFeed, AnEmptyViewGivesAnEmptySnapshot) {
  const auto view = make_view({0});
  const auto feed = view->subscribe({});
  const auto update = feed->poll(100);
  ASSERT_TRUE(update);
  EXPECT_TRUE(update->first && update->last);
  EXPECT_TRUE(update->batches.empty());
}

// Follows a feed as a client does.
struct Follower {
  std::unique_ptr<ChangeFeed> feed;
  Rows rows;
  Epoch epoch;
  bool whole = true;
  int snapshots = 0;

  bool poll() {
    const auto update = feed->poll(64);
    if (!update) return false;
    if (update->kind == FeedUpdate::Kind::kSnapshot && update->first) {
      rows.clear();
      ++snapshots;
    }
    for (const ChangeBatch& changes : update->batches) add(rows, changes);
    whole = update->last;
    epoch = update->epoch;
    return true;
  }
};

// Random changes against a plain map: every snapshot, and every follower, however slow, is right at its epoch.
void run_against_oracle(uint32_t seed, bool keyed) {
  std::mt19937 random(seed);
  const auto view = make_view(keyed ? std::vector<int>{0} : std::vector<int>{});
  std::map<Epoch, Rows> history{{Epoch(0), {}}};
  Rows now;
  std::map<int, std::string> by_key;
  std::vector<Follower> followers(4);
  for (size_t i = 0; i < followers.size(); ++i) {
    followers[i].feed = view->subscribe({.snapshot = true, .pending_rows_max = i == 0 ? size_t{20} : size_t{100'000}});
  }
  for (int64_t epoch = 1; epoch <= 60; ++epoch) {
    const int changes = static_cast<int>(random() % 60);
    for (int i = 0; i < changes; ++i) {
      const int key = static_cast<int>(random() % 2500);
      const std::string value = "value-" + std::to_string(random() % 3) + std::string(random() % 2 * 20, 'x');
      std::string text;
      if (keyed) {
        if (const auto it = by_key.find(key); it != by_key.end()) text = fmt::format("- {} {} | ", key, it->second);
        if (random() % 4 == 0 && !text.empty()) {
          by_key.erase(key);
          text.resize(text.size() - 3);
        } else {
          text += fmt::format("+ {} {}", key, value);
          by_key[key] = value;
        }
      } else if (!now.empty() && random() % 3 == 0) {
        const auto it = std::next(now.begin(), static_cast<long>(random() % now.size()));
        text = "- " + it->first.substr(3);
      } else {
        text = fmt::format("+ {} {}", key % 5, value);
      }
      add(now, batch(text));
      view->stage(Epoch(epoch), batch(text));
    }
    ASSERT_TRUE(view->publish(Epoch(epoch))) << "seed " << seed;
    history[Epoch(epoch)] = now;
    ASSERT_EQ(rows_of(*view->snapshot()), now) << "seed " << seed << " epoch " << epoch;
    for (size_t i = 0; i < followers.size(); ++i) {
      if (random() % (2 * i + 1) != 0 || !followers[i].poll()) continue;
      if (followers[i].whole) {
        ASSERT_EQ(followers[i].rows, history[followers[i].epoch]) << "seed " << seed;
      }
    }
  }
  for (Follower& follower : followers) {
    while (follower.poll()) {
    }
    ASSERT_EQ(follower.rows, now) << "seed " << seed;
  }
}

// Changes the one row of a view.
void change_row(View& view, int64_t epoch) {
  const std::string before = epoch == 1 ? "" : fmt::format("- 1 value-{} | ", epoch - 1);
  view.stage(Epoch(epoch), batch(before + fmt::format("+ 1 value-{}", epoch)));
  ASSERT_TRUE(view.publish(Epoch(epoch)));
}

TEST(ChangeFeed, WhatWaitsForASlowReaderIsAccountedAndHoldsToTheLimit) {
  MemoryBudget memory("test", 10'000);
  const auto view = make_view({0});
  Follower slow{.feed = view->subscribe({.memory = &memory})};
  ASSERT_TRUE(slow.poll());
  size_t used_max = 0;
  for (int64_t epoch = 1; epoch <= 100; ++epoch) {
    change_row(*view, epoch);
    ASSERT_LE(memory.used_bytes(), memory.limit_bytes());
    used_max = std::max(used_max, memory.used_bytes());
  }
  EXPECT_GT(used_max, 0U);
  while (slow.poll()) {
  }
  EXPECT_EQ(slow.snapshots, 2) << "the second one in place of changes that did not fit";
  EXPECT_EQ(slow.rows, rows_of(*view->snapshot()));
  EXPECT_EQ(memory.used_bytes(), 0U);
  change_row(*view, 101);
  change_row(*view, 102);
  EXPECT_GT(memory.used_bytes(), 0U);
  slow.feed.reset();
  EXPECT_EQ(memory.used_bytes(), 0U);
}

TEST(ChangeFeed, AReaderThatKeepsUpIsServedWhenOthersHaveUsedUpTheMemory) {
  MemoryBudget memory("test", 0);
  const auto view = make_view({0});
  Follower follower{.feed = view->subscribe({.memory = &memory})};
  ASSERT_TRUE(follower.poll());
  for (int64_t epoch = 1; epoch <= 20; ++epoch) {
    change_row(*view, epoch);
    ASSERT_TRUE(follower.poll());
    ASSERT_EQ(follower.epoch, Epoch(epoch));
  }
  EXPECT_EQ(follower.snapshots, 1);
  EXPECT_EQ(follower.rows, rows_of(*view->snapshot()));
}

TEST(View, EverySnapshotAndFollowerIsRightAtItsEpoch) {
  for (uint32_t seed = 1; seed <= 4; ++seed) {
    run_against_oracle(seed, true);
    run_against_oracle(seed, false);
  }
}

TEST(View, ReadersRunBesideTheWriter) {
  const auto view = make_view({0});
  std::atomic<bool> stop{false};
  // Every epoch moves one unit from one row to another, so the sum over a whole snapshot never changes.
  std::vector<int> values(100, 10);
  for (size_t k = 0; k < values.size(); ++k) view->stage(Epoch(1), batch(fmt::format("+ {} 10", k)));
  ASSERT_TRUE(view->publish(Epoch(1)));
  std::vector<std::thread> readers;
  for (int r = 0; r < 2; ++r) {
    readers.emplace_back([&] {
      const auto feed = view->subscribe({});
      while (!stop) {
        int64_t sum = 0;
        size_t position = 0;
        const auto snapshot = view->snapshot();
        while (const auto part = snapshot->next(position)) {
          for (size_t i = 0; i < part->rows(); ++i) sum += std::stoll(part->column(1)->value(i).as_string());
        }
        ASSERT_EQ(sum, 1000);
        feed->poll(1000);
      }
    });
  }
  std::mt19937 random(7);
  for (int64_t epoch = 2; epoch < 300; ++epoch) {
    const size_t from = random() % 100;
    const size_t to = (from + 1 + random() % 99) % 100;
    view->stage(Epoch(epoch), batch(fmt::format("- {} {} | + {} {} | - {} {} | + {} {}", from, values[from], from,
                                                values[from] - 1, to, values[to], to, values[to] + 1)));
    --values[from];
    ++values[to];
    ASSERT_TRUE(view->publish(Epoch(epoch)));
  }
  stop = true;
  for (std::thread& reader : readers) reader.join();
}

}  // namespace
}  // namespace penstock::view
