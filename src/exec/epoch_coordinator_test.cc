#include "exec/epoch_coordinator.h"

#include <gtest/gtest.h>

#include <limits>
#include <vector>

#include "base/time.h"

namespace penstock::exec {
namespace {

constexpr int64_t kNever = std::numeric_limits<int64_t>::max();

// A coordinator whose tasks are played by the test.
struct Job {
  explicit Job(size_t source_count, size_t sink_count, int64_t busy_interval_us = kNever, bool one_epoch = false,
               int64_t interval_us = 0, bool loads = false)
      : sources(source_count),
        sinks(sink_count),
        coordinator({.sources = source_count,
                     .sinks = sink_count,
                     .one_epoch = one_epoch,
                     .busy_interval_us = busy_interval_us,
                     .interval_us = interval_us,
                     .loads = loads,
                     .on_epoch = [this](Epoch epoch) -> Status {
                       published.push_back(epoch.value());
                       return {};
                     },
                     .wake_sources = [this] { ++wakes; }}) {}

  int64_t requested() const { return coordinator.requested().value(); }
  // Every task passes the barrier that is requested.
  void pass() {
    for (size_t i = 0; i < sources; ++i) coordinator.source_passed(i);
    for (size_t i = 0; i < sinks; ++i) EXPECT_TRUE(coordinator.sink_passed().has_value());
  }

  size_t sources;
  size_t sinks;
  std::vector<int64_t> published;
  int wakes = 0;
  EpochCoordinator coordinator;
};

TEST(EpochCoordinator, TheClockBeginsAnEpochWithoutData) {
  Job job(1, 1);
  job.coordinator.source_polled(0, false, SourceState::kWaiting);
  job.coordinator.wake();
  EXPECT_EQ(job.requested(), 1) << "the first is not complete";
  job.pass();
  EXPECT_EQ(job.requested(), 2) << "it was asked for before";
  job.pass();
  EXPECT_EQ(job.requested(), 2);
  job.coordinator.wake();
  EXPECT_EQ(job.requested(), 3);
  job.pass();
  EXPECT_EQ(job.published, (std::vector<int64_t>{1, 2, 3}));
}

TEST(EpochCoordinator, TheFirstEpochNeedsNoData) {
  Job job(2, 1);
  job.coordinator.source_polled(0, false, SourceState::kWaiting);
  EXPECT_EQ(job.requested(), 0) << "the other source has not been heard of";
  job.coordinator.source_polled(1, false, SourceState::kWaiting);
  EXPECT_EQ(job.requested(), 1);
  EXPECT_EQ(job.wakes, 1);
  job.pass();
  EXPECT_EQ(job.published, (std::vector<int64_t>{1}));
  EXPECT_EQ(job.coordinator.completed(), Epoch(1));
  // Nothing has happened since.
  job.coordinator.source_polled(0, false, SourceState::kWaiting);
  EXPECT_EQ(job.requested(), 1);
}

TEST(EpochCoordinator, AnIdleJobsBarrierFollowsTheDataAtOnce) {
  Job job(2, 2);
  job.coordinator.source_polled(0, false, SourceState::kWaiting);
  job.coordinator.source_polled(1, false, SourceState::kWaiting);
  job.pass();
  job.coordinator.source_polled(1, true, SourceState::kWaiting);
  EXPECT_EQ(job.requested(), 2);
}

TEST(EpochCoordinator, ChangesDuringAnEpochAreTheNextOnes) {
  Job job(1, 2);
  job.coordinator.source_polled(0, true, SourceState::kWaiting);
  EXPECT_EQ(job.requested(), 1);
  job.coordinator.source_passed(0);
  job.coordinator.source_polled(0, true, SourceState::kWaiting);
  EXPECT_TRUE(job.coordinator.sink_passed().has_value());
  EXPECT_EQ(job.requested(), 1) << "one task has not passed the barrier";
  EXPECT_TRUE(job.published.empty());
  EXPECT_TRUE(job.coordinator.sink_passed().has_value());
  EXPECT_EQ(job.published, (std::vector<int64_t>{1}));
  EXPECT_EQ(job.requested(), 2);
  EXPECT_EQ(job.wakes, 2);
}

TEST(EpochCoordinator, ABusyJobWaitsForItsInterval) {
  Job patient(1, 1, kNever);
  patient.coordinator.source_polled(0, true, SourceState::kMore);
  EXPECT_EQ(patient.requested(), 0);
  patient.coordinator.source_polled(0, false, SourceState::kWaiting);
  EXPECT_EQ(patient.requested(), 1);
  Job eager(1, 1, 0);
  eager.coordinator.source_polled(0, true, SourceState::kMore);
  EXPECT_EQ(eager.requested(), 1);
}

TEST(EpochCoordinator, TheEndOfAllSourcesClosesTheLastEpoch) {
  Job job(2, 1);
  job.coordinator.source_polled(0, true, SourceState::kEnded);
  EXPECT_EQ(job.requested(), 0);
  job.coordinator.source_polled(1, true, SourceState::kWaiting);
  EXPECT_EQ(job.requested(), 1);
  EXPECT_FALSE(job.coordinator.is_last(Epoch(1)));
  job.pass();
  job.coordinator.source_polled(1, false, SourceState::kEnded);
  EXPECT_EQ(job.requested(), 2) << "also when nothing came";
  EXPECT_TRUE(job.coordinator.is_last(Epoch(2)));
  EXPECT_FALSE(job.coordinator.finished());
  job.pass();
  EXPECT_TRUE(job.coordinator.finished());
  EXPECT_EQ(job.published, (std::vector<int64_t>{1, 2}));
}

TEST(EpochCoordinator, AJobOfOneEpochHasOnlyTheLast) {
  Job job(1, 1, 0, true);
  job.coordinator.source_polled(0, true, SourceState::kMore);
  job.coordinator.source_polled(0, true, SourceState::kWaiting);
  EXPECT_EQ(job.requested(), 0);
  job.coordinator.source_polled(0, true, SourceState::kEnded);
  EXPECT_EQ(job.requested(), 1);
  EXPECT_TRUE(job.coordinator.is_last(Epoch(1)));
}

TEST(EpochCoordinator, ALeastTimeBetweenBarriersHoldsThemBack) {
  Job job(1, 1, kNever, false, kNever);
  job.coordinator.source_polled(0, false, SourceState::kWaiting);
  EXPECT_EQ(job.requested(), 1) << "the empty result is published at once";
  job.pass();
  job.coordinator.source_polled(0, true, SourceState::kWaiting);
  job.coordinator.check();
  EXPECT_EQ(job.requested(), 1);
  job.coordinator.hurry();
  EXPECT_EQ(job.requested(), 2);
  job.pass();
  job.coordinator.source_polled(0, true, SourceState::kWaiting);
  EXPECT_EQ(job.requested(), 2) << "hurry is for one barrier";
  job.coordinator.source_polled(0, false, SourceState::kEnded);
  EXPECT_EQ(job.requested(), 3) << "the last one waits for nothing";
}

TEST(EpochCoordinator, WhatWasThereAtFirstDoesNotWaitForTheLeastTime) {
  Job job(2, 1, 0, false, kNever, true);
  job.coordinator.source_polled(0, true, SourceState::kMore);
  job.coordinator.source_polled(1, true, SourceState::kMore);
  EXPECT_EQ(job.requested(), 1);
  job.pass();
  job.coordinator.source_polled(0, true, SourceState::kWaiting);
  EXPECT_EQ(job.requested(), 1) << "there is more: what is there by then would only be a part";
  job.coordinator.source_polled(1, true, SourceState::kWaiting);
  EXPECT_EQ(job.requested(), 2);
  job.coordinator.loaded();
  job.pass();
  job.coordinator.source_polled(0, true, SourceState::kWaiting);
  EXPECT_EQ(job.requested(), 2);
}

TEST(EpochCoordinator, HurryWithoutDataIsForTheNextData) {
  Job job(1, 1, kNever, false, kNever);
  job.coordinator.source_polled(0, false, SourceState::kWaiting);
  job.pass();
  job.coordinator.hurry();
  EXPECT_EQ(job.requested(), 1);
  job.coordinator.source_polled(0, true, SourceState::kWaiting);
  EXPECT_EQ(job.requested(), 2);
}

TEST(EpochCoordinator, WhenTheLeastTimeHasPassedTheNextBarrierComes) {
  Job job(1, 1, kNever, false, 1);
  job.coordinator.source_polled(0, false, SourceState::kWaiting);
  job.pass();
  const int64_t before = monotonic_time_us();
  while (monotonic_time_us() <= before + 1) {
  }
  job.coordinator.source_polled(0, true, SourceState::kWaiting);
  EXPECT_EQ(job.requested(), 2);
}

}  // namespace
}  // namespace penstock::exec
