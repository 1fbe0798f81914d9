#include "exec/edge_checker.h"

#include <variant>

#include "columnar/row_key.h"

namespace penstock::exec {

namespace {

Error broken(std::string message) { return Error(ErrorCode::kInternal, std::move(message)); }

}  // namespace

Status EdgeChecker::check(const Message& message) {
  if (ended_) return broken("a message after the end of input");
  if (const auto* batch = std::get_if<columnar::ChangeBatch>(&message)) return check_batch(*batch);
  if (const auto* watermark = std::get_if<Watermark>(&message)) {
    if (watermark->time < watermark_.time) {
      return broken(
          fmt::format("the watermark went back from {} to {}", watermark_.time.value(), watermark->time.value()));
    }
    watermark_ = *watermark;
    return {};
  }
  if (const auto* barrier = std::get_if<Barrier>(&message)) {
    if (barrier->epoch <= epoch_) {
      return broken(fmt::format("epoch {} after epoch {}", barrier->epoch.value(), epoch_.value()));
    }
    epoch_ = barrier->epoch;
    return check_weights();
  }
  ended_ = true;
  return check_weights();
}

Status EdgeChecker::check_batch(const columnar::ChangeBatch& batch) {
  if (batch.empty() || batch.rows() > columnar::kBatchRowsMax) {
    return broken(fmt::format("a batch of {} rows", batch.rows()));
  }
  if (batch.columns().size() != schema_.size()) {
    return broken(fmt::format("a batch of {} columns where {} are declared", batch.columns().size(), schema_.size()));
  }
  for (size_t i = 0; i < schema_.size(); ++i) {
    const columnar::Column& column = *batch.column(i);
    if (!column.type().same_type(schema_[i].type)) {
      return broken(fmt::format("column {} is {} but is declared as {}", schema_[i].name, column.type().to_string(),
                                schema_[i].type.to_string()));
    }
    if (column.size() != batch.rows()) {
      return broken(fmt::format("column {} has {} of {} rows", schema_[i].name, column.size(), batch.rows()));
    }
  }
  if (!batch.append_only() && batch.ops()->size() != batch.rows()) return broken("ops and rows differ in number");
  if (from_the_beginning_) count(batch);
  return {};
}

void EdgeChecker::count(const columnar::ChangeBatch& batch) {
  columnar::hash_rows(batch.columns(), batch.rows(), hashes_);
  for (size_t row = 0; row < batch.rows(); ++row) {
    const uint64_t hash = hashes_[row];
    if ((hash & not_counted_) != 0) continue;
    const auto found = weights_.try_emplace(hash, 0).first;
    found->second += batch.weight(row);
    if (found->second < 0) {
      if (!negative_.contains(hash))
        negative_.emplace(hash, columnar::to_text({1, batch.slice(row, row + 1).columns()}));
    } else if (!negative_.empty()) {
      negative_.erase(hash);
    }
    if (found->second == 0) weights_.erase(found);
  }
  if (weights_.size() <= kCountedRowsMax) return;
  not_counted_ = not_counted_ << 1 | 1;
  std::erase_if(weights_, [&](const auto& entry) { return (entry.first & not_counted_) != 0; });
  std::erase_if(negative_, [&](const auto& entry) { return (entry.first & not_counted_) != 0; });
}

Status EdgeChecker::check_weights() const {
  if (negative_.empty()) return {};
  return broken(fmt::format("a row was deleted more often than inserted: {}", negative_.begin()->second));
}

}  // namespace penstock::exec
