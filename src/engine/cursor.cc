#include "engine/cursor.h"

#include <atomic>
#include <deque>
#include <optional>
#include <utility>

#include "columnar/change_batch.h"
#include "types/types_of.h"

namespace penstock::engine {

namespace {

using columnar::ChangeBatch;
using NextBatch = Result<std::optional<ChangeBatch>>;

Error cancelled() { return Error(ErrorCode::kCancelled, "canceling statement due to user request"); }

class RowsCursor : public Cursor {
 public:
  RowsCursor(std::optional<types::Schema> schema, ValueRows rows, std::string tag)
      : schema_(std::move(schema)), rows_(std::move(rows)), tag_(std::move(tag)) {}

  const std::optional<types::Schema>& schema() const override { return schema_; }
  std::string tag() const override { return tag_; }

  NextBatch next() override {
    if (next_ >= rows_.size()) return std::nullopt;
    columnar::BatchBuilder builder(types_of(*schema_));
    for (; next_ < rows_.size() && !builder.full(); ++next_) {
      for (size_t c = 0; c < schema_->size(); ++c) builder.column(c).append(rows_[next_][c]);
      builder.end_row();
    }
    return builder.finish();
  }

 private:
  const std::optional<types::Schema> schema_;
  const ValueRows rows_;
  const std::string tag_;
  size_t next_ = 0;
};

class BatchesCursor : public Cursor {
 public:
  BatchesCursor(types::Schema schema, std::vector<ChangeBatch> batches, std::string tag)
      : schema_(std::move(schema)), batches_(std::move(batches)), tag_(std::move(tag)) {}

  const std::optional<types::Schema>& schema() const override { return schema_; }
  std::string tag() const override { return tag_; }
  NextBatch next() override {
    if (next_ == batches_.size()) return std::nullopt;
    return batches_[next_++];
  }

 private:
  const std::optional<types::Schema> schema_;
  const std::vector<ChangeBatch> batches_;
  const std::string tag_;
  size_t next_ = 0;
};

class QueryCursor : public CancellableCursor {
 public:
  QueryCursor(types::Schema schema, std::shared_ptr<exec::ResultQueue> queue,
              std::function<Result<std::unique_ptr<exec::Job>>()> start)
      : schema_(std::move(schema)), queue_(std::move(queue)), start_(std::move(start)) {}

  ~QueryCursor() override { queue_->finish(cancelled()); }

  const std::optional<types::Schema>& schema() const override { return schema_; }
  std::string tag() const override { return "SELECT " + std::to_string(rows_); }

  NextBatch next() override {
    if (start_) job_ = PENSTOCK_TRY(std::exchange(start_, nullptr)());
    std::optional<ChangeBatch> batch = PENSTOCK_TRY(queue_->pop());
    if (batch) rows_ += batch->rows();
    return batch;
  }

  void cancel() override { queue_->finish(cancelled()); }

 private:
  const std::optional<types::Schema> schema_;
  const std::shared_ptr<exec::ResultQueue> queue_;
  std::function<Result<std::unique_ptr<exec::Job>>()> start_;
  std::unique_ptr<exec::Job> job_;
  size_t rows_ = 0;
};

class SubscriptionCursor : public CancellableCursor {
 public:
  explicit SubscriptionCursor(std::shared_ptr<view::View> view)
      : view_(std::move(view)), schema_(subscription_schema(view_->options().schema)), feed_(view_->subscribe({})) {
    feed_->on_ready([this] { wake(); });
  }

  const std::optional<types::Schema>& schema() const override { return schema_; }
  std::string tag() const override { return "SUBSCRIBE"; }
  void cancel() override {
    cancelled_ = true;
    wake();
  }

  NextBatch next() override {
    for (;;) {
      if (cancelled_) return cancelled();
      if (!ready_.empty()) {
        ChangeBatch batch = std::move(ready_.front());
        ready_.pop_front();
        return batch;
      }
      const uint32_t seen = signals_.load();
      std::optional<view::FeedUpdate> update = feed_->poll(columnar::kBatchRowsMax);
      if (!update) {
        signals_.wait(seen);
        continue;
      }
      if (update->kind == view::FeedUpdate::Kind::kDropped) return std::nullopt;
      for (const ChangeBatch& batch : update->batches) ready_.push_back(with_epoch_and_op(update->epoch, batch));
    }
  }

 private:
  void wake() {
    signals_.fetch_add(1);
    signals_.notify_all();
  }

  static ChangeBatch with_epoch_and_op(Epoch epoch, const ChangeBatch& batch) {
    columnar::ColumnBuilder ops(types::TypeKind::kString, batch.rows());
    for (size_t row = 0; row < batch.rows(); ++row) ops.append_string(columnar::short_name(batch.op(row)));
    std::vector<columnar::ColumnPtr> columns{
        columnar::Column::constant(types::TypeKind::kBigInt, types::Value(epoch.value()), batch.rows()), ops.finish()};
    columns.insert(columns.end(), batch.columns().begin(), batch.columns().end());
    return {batch.rows(), std::move(columns)};
  }

  const std::shared_ptr<view::View> view_;
  const std::optional<types::Schema> schema_;
  std::atomic<bool> cancelled_{false};
  std::atomic<uint32_t> signals_{0};
  std::deque<ChangeBatch> ready_;
  std::unique_ptr<view::ChangeFeed> feed_;
};

}  // namespace

std::unique_ptr<Cursor> make_tag_cursor(std::string tag) {
  return std::make_unique<RowsCursor>(std::nullopt, ValueRows(), std::move(tag));
}

std::unique_ptr<Cursor> make_rows_cursor(types::Schema schema, ValueRows rows, std::string tag) {
  return std::make_unique<RowsCursor>(std::move(schema), std::move(rows), std::move(tag));
}

std::unique_ptr<Cursor> make_batches_cursor(types::Schema schema, std::vector<ChangeBatch> batches, std::string tag) {
  return std::make_unique<BatchesCursor>(std::move(schema), std::move(batches), std::move(tag));
}

std::shared_ptr<CancellableCursor> make_query_cursor(types::Schema schema, std::shared_ptr<exec::ResultQueue> queue,
                                                     std::function<Result<std::unique_ptr<exec::Job>>()> start) {
  return std::make_shared<QueryCursor>(std::move(schema), std::move(queue), std::move(start));
}

std::shared_ptr<CancellableCursor> make_subscription_cursor(std::shared_ptr<view::View> view) {
  return std::make_shared<SubscriptionCursor>(std::move(view));
}

types::Schema subscription_schema(const types::Schema& view_schema) {
  types::Schema schema{{"epoch", types::TypeKind::kBigInt}, {"op", types::TypeKind::kString}};
  schema.insert(schema.end(), view_schema.begin(), view_schema.end());
  return schema;
}

}  // namespace penstock::engine
