#include "connector/scan.h"

#include <algorithm>
#include <utility>

#include "connector/log_source.h"
#include "connector/log_table.h"

namespace penstock::connector {

void ScanProgress::add_partition(std::shared_ptr<const Partition> partition) {
  const std::lock_guard lock(mutex_);
  partitions_.push_back(std::move(partition));
}

int64_t ScanProgress::lag(const log::Log& log) const {
  const std::lock_guard lock(mutex_);
  int64_t lag = 0;
  for (const auto& p : partitions_) {
    const Result<log::Offset> end = log.high_watermark(p->partition);
    if (end) lag += std::max<int64_t>(0, end->value() - p->position.load(std::memory_order_relaxed));
  }
  return lag;
}

void ScanProgress::note(int instance, Epoch epoch, Positions positions) {
  const std::lock_guard lock(mutex_);
  noted_[epoch][instance] = std::move(positions);
}

Positions ScanProgress::take_positions(Epoch epoch) {
  const std::lock_guard lock(mutex_);
  Positions all;
  if (const auto it = noted_.find(epoch); it != noted_.end()) {
    for (const auto& [instance, positions] : it->second) all.insert(all.end(), positions.begin(), positions.end());
  }
  noted_.erase(noted_.begin(), noted_.upper_bound(epoch));
  return all;
}

void ScanProgress::release() {
  std::vector<std::function<void()>> wakers;
  {
    const std::lock_guard lock(mutex_);
    released_.store(true, std::memory_order_release);
    wakers.swap(wakers_);
  }
  for (const auto& waker : wakers) waker();
}

void ScanProgress::on_release(std::function<void()> waker) {
  const std::lock_guard lock(mutex_);
  wakers_.push_back(std::move(waker));
}

Result<std::string> connector_of(const std::string& table, const OptionMap& options) {
  TableOptions reader(table, options);
  PENSTOCK_TRY(reader.require("connector"));
  return reader.get_choice("connector", "", {"kafka"});
}

Status validate_table(const ConnectorContext& context, const std::string& table, const types::Schema& physical,
                      const OptionMap& options) {
  PENSTOCK_TRY(connector_of(table, options));
  return validate_log_table(context, table, physical, options);
}

Result<types::Schema> metadata_columns(const std::string& table, const OptionMap& options) {
  PENSTOCK_TRY(connector_of(table, options));
  return log_metadata_columns();
}

Result<SourcePlan> plan_source(const ConnectorContext& context, ScanRequest request) {
  PENSTOCK_TRY(connector_of(request.table, *request.options));
  return plan_log_source(context, std::move(request));
}

}  // namespace penstock::connector
