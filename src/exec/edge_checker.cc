#include "exec/edge_checker.h"

#include <algorithm>
#include <variant>

#include "base/hash.h"
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
  for (size_t row = 0; row < batch.rows(); ++row) {
    key_.clear();
    columnar::append_key(key_, batch.columns(), row);
    count(key_, batch.weight(row));
  }
  return {};
}

void EdgeChecker::count(std::string_view row, int weight) {
  const auto counted = [&](std::string_view key) { return (hash64(key) & not_counted_) == 0; };
  if (!counted(row)) return;
  const auto found = weights_.try_emplace(std::string(row), 0).first;
  found->second += weight;
  if (found->second == 0) weights_.erase(found);
  if (weights_.size() <= kCountedRowsMax) return;
  not_counted_ = not_counted_ << 1 | 1;
  std::erase_if(weights_, [&](const auto& entry) { return !counted(entry.first); });
}

Status EdgeChecker::check_weights() const {
  auto negative = std::ranges::find_if(weights_, [](const auto& entry) { return entry.second < 0; });
  if (negative == weights_.end()) return {};
  std::vector<columnar::ColumnBuilder> builders;
  for (const types::Field& field : schema_) builders.emplace_back(field.type);
  std::string_view key = negative->first;
  columnar::decode_key(key, builders);
  std::vector<columnar::ColumnPtr> columns;
  for (columnar::ColumnBuilder& builder : builders) columns.push_back(builder.finish());
  return broken(fmt::format("a row was deleted more often than inserted: {}",
                            columnar::to_text(columnar::ChangeBatch(1, std::move(columns)))));
}

}  // namespace penstock::exec
