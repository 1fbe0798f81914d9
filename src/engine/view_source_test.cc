// Reading a view as a table: when it counts as loaded.
#include "engine/view_source.h"

#include <gtest/gtest.h>

#include "columnar/change_batch.h"

namespace penstock::engine {
namespace {

using exec::SourceState;

const types::Schema kSchema = {{"k", types::TypeKind::kBigInt}};

columnar::ChangeBatch row(int64_t key) {
  columnar::BatchBuilder builder({types::TypeKind::kBigInt});
  builder.column(0).append_int64(key);
  builder.end_row();
  return builder.finish();
}

class Counted : public exec::SourceOutput {
 public:
  void emit(columnar::ChangeBatch batch) override {
    ++emitted;
    rows += batch.rows();
  }
  void watermark(exec::Watermark /*watermark*/) override {}

  size_t emitted = 0;
  size_t rows = 0;
};

class ViewChanges : public testing::Test {
 protected:
  void open(bool loads) {
    view_ = view::View::make({.name = "v", .schema = kSchema, .key = {0}, .loads = loads});
    source_ = make_view_changes_source(view_, {0}, std::make_shared<ViewProgress>(view_));
    source_->set_waker([this] { ++wakes_; });
  }
  void publish(int64_t epoch) {
    view_->stage(Epoch(epoch), row(epoch));
    ASSERT_TRUE(view_->publish(Epoch(epoch)));
  }
  SourceState poll_all() {
    while (true) {
      const Result<SourceState> state = source_->poll(out_);
      if (*state != SourceState::kMore) return *state;
    }
  }

  std::shared_ptr<view::View> view_;
  std::unique_ptr<exec::Source> source_;
  Counted out_;
  int wakes_ = 0;
};

TEST_F(ViewChanges, AViewThatIsOnlyBeingComputedIsNotLoaded) {
  open(true);
  EXPECT_EQ(poll_all(), SourceState::kPaused);
  publish(1);
  EXPECT_EQ(poll_all(), SourceState::kPaused);
  EXPECT_EQ(out_.rows, 1U);
  publish(2);
  view_->set_loaded();
  EXPECT_EQ(poll_all(), SourceState::kWaiting);
  EXPECT_EQ(out_.rows, 2U);
}

TEST_F(ViewChanges, WhoReadsAViewIsToldWhenItIsLoaded) {
  open(true);
  publish(1);
  EXPECT_EQ(poll_all(), SourceState::kPaused);
  const int wakes = wakes_;
  const size_t emitted = out_.emitted;
  view_->set_loaded();
  EXPECT_GT(wakes_, wakes);
  EXPECT_EQ(poll_all(), SourceState::kWaiting);
  EXPECT_EQ(out_.emitted, emitted + 1) << "no epoch would end in which the reader finds that it is loaded, too";
  EXPECT_EQ(poll_all(), SourceState::kWaiting);
  EXPECT_EQ(out_.emitted, emitted + 1);
}

TEST_F(ViewChanges, ATableIsLoadedFromTheStart) {
  open(false);
  EXPECT_EQ(poll_all(), SourceState::kWaiting);
  const size_t emitted = out_.emitted;
  publish(1);
  EXPECT_EQ(poll_all(), SourceState::kWaiting);
  EXPECT_EQ(out_.emitted, emitted + 1);
}

TEST_F(ViewChanges, WhatHasEndedIsLoaded) {
  open(true);
  publish(1);
  view_->end();
  EXPECT_EQ(poll_all(), SourceState::kEnded);
}

}  // namespace
}  // namespace penstock::engine
