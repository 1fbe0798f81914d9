// Sources, operators and fragments that tests of whole jobs share.
#pragma once

#include <gtest/gtest.h>

#include <condition_variable>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <random>
#include <set>
#include <thread>
#include <utility>
#include <vector>

#include "columnar/change_batch.h"
#include "exec/job.h"

namespace penstock::exec {

using columnar::ChangeBatch;

inline const types::Schema kSchema = {{"k", types::TypeKind::kBigInt}, {"v", types::TypeKind::kBigInt}};

inline ChangeBatch make_batch(const std::vector<std::pair<int64_t, int64_t>>& rows) {
  columnar::BatchBuilder builder({types::TypeKind::kBigInt, types::TypeKind::kBigInt});
  for (auto [k, v] : rows) {
    builder.column(0).append_int64(k);
    builder.column(1).append_int64(v);
    builder.end_row();
  }
  return builder.finish();
}

// Gives batches of rows, sometimes waiting to be woken by another thread.
class ListSource : public Source {
 public:
  ListSource(std::vector<ChangeBatch> batches, uint64_t seed, bool bounded)
      : batches_(std::move(batches)), random_(seed), bounded_(bounded) {}
  ~ListSource() override {
    if (thread_.joinable()) thread_.join();
  }

  Result<SourceState> poll(SourceOutput& out) override {
    for (uint64_t i = random_() % 3; i > 0 && next_ < batches_.size(); --i) {
      out.emit(batches_[next_++]);
      out.watermark({.time = EventTime(static_cast<int64_t>(next_))});
    }
    if (next_ == batches_.size()) return bounded_ ? SourceState::kEnded : SourceState::kWaiting;
    if (random_() % 4 != 0) return SourceState::kMore;
    if (thread_.joinable()) thread_.join();
    thread_ = std::thread(waker_);
    return SourceState::kWaiting;
  }
  void set_waker(std::function<void()> waker) override { waker_ = std::move(waker); }

 private:
  std::vector<ChangeBatch> batches_;
  std::mt19937_64 random_;
  bool bounded_;
  size_t next_ = 0;
  std::function<void()> waker_;
  std::thread thread_;
};

struct Collected {
  std::mutex mutex;
  std::multiset<std::pair<int64_t, int64_t>> rows;
  std::map<int64_t, std::set<int>> owners;  // of each key
  bool accepting = true;
  std::function<void()> waker;
  std::condition_variable changed;
  std::vector<Epoch> epochs;
};

class Collect : public Operator {
 public:
  Collect(Collected& collected, int instance) : collected_(collected), instance_(instance) {}
  Status process(int /*port*/, const ChangeBatch& batch, Output& /*out*/) override {
    std::lock_guard lock(collected_.mutex);
    for (size_t row = 0; row < batch.rows(); ++row) {
      const int64_t k = batch.column(0)->values<int64_t>()[row];
      collected_.rows.emplace(k, batch.column(1)->values<int64_t>()[row]);
      collected_.owners[k].insert(instance_);
    }
    collected_.changed.notify_all();
    return {};
  }
  bool can_accept() const override {
    std::lock_guard lock(collected_.mutex);
    return collected_.accepting;
  }
  void set_waker(std::function<void()> waker) override {
    std::lock_guard lock(collected_.mutex);
    collected_.waker = std::move(waker);
  }

 private:
  Collected& collected_;
  int instance_;
};

// Takes a few batches and then no more.
class TakesFew : public Operator {
 public:
  Status process(int /*port*/, const ChangeBatch& batch, Output& out) override {
    EXPECT_FALSE(done());
    --left_;
    out.emit(batch);
    return {};
  }
  bool done() const override { return left_ == 0; }

 private:
  int left_ = 3;
};

class EndlessSource : public Source {
 public:
  Result<SourceState> poll(SourceOutput& out) override {
    out.emit(make_batch({{1, 1}, {2, 2}, {3, 3}}));
    return SourceState::kMore;
  }
  void set_waker(std::function<void()> /*waker*/) override {}
};

inline std::vector<ChangeBatch> random_batches(std::mt19937_64& random, std::multiset<std::pair<int64_t, int64_t>>& all,
                                               size_t count) {
  std::vector<ChangeBatch> batches;
  for (size_t i = 0; i < count; ++i) {
    std::vector<std::pair<int64_t, int64_t>> rows;
    for (uint64_t n = 1 + random() % 40; n > 0; --n) {
      rows.emplace_back(static_cast<int64_t>(random() % 50), static_cast<int64_t>(random() % 1000));
    }
    all.insert(rows.begin(), rows.end());
    batches.push_back(make_batch(rows));
  }
  return batches;
}

inline FragmentSpec source_fragment(std::vector<std::vector<ChangeBatch>> batches, uint64_t seed, bool bounded) {
  FragmentSpec fragment;
  fragment.name = "source";
  fragment.parallelism = static_cast<int>(batches.size());
  fragment.output_schema = kSchema;
  fragment.source = [batches = std::move(batches), seed, bounded](int instance) -> Result<std::unique_ptr<Source>> {
    const auto i = static_cast<size_t>(instance);
    return std::make_unique<ListSource>(batches[i], seed + i, bounded);
  };
  return fragment;
}

// A source of that type, and an operator behind it.
template <class OneSource, class OneOperator>
FragmentSpec source_with_operator() {
  FragmentSpec fragment{.name = "source", .output_schema = kSchema};
  fragment.source = [](int) -> Result<std::unique_ptr<Source>> { return std::make_unique<OneSource>(); };
  fragment.chain.emplace_back([](int) -> Result<std::unique_ptr<Operator>> { return std::make_unique<OneOperator>(); });
  return fragment;
}

inline FragmentSpec collect_fragment(Collected& collected, int parallelism, EdgeSpec edge) {
  FragmentSpec fragment;
  fragment.name = "collect";
  fragment.parallelism = parallelism;
  fragment.inputs = {std::move(edge)};
  fragment.chain.emplace_back([&collected](int instance) -> Result<std::unique_ptr<Operator>> {
    return std::make_unique<Collect>(collected, instance);
  });
  return fragment;
}

inline ExecutorOptions options(int workers, int channel_messages_max) {
  return {.workers = workers, .channel_messages_max = channel_messages_max, .epoch_interval_busy_us = 200};
}

}  // namespace penstock::exec
