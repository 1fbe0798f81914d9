#include "engine/native_table.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <optional>
#include <unordered_set>
#include <utility>

#include "columnar/row_key.h"
#include "engine/settings.h"

namespace penstock::engine {

namespace {

using columnar::ChangeBatch;
using columnar::RowOp;

// Rows that are replayed before they are published: enough to make it cheap, few enough for little memory.
constexpr size_t kReplayRows = 100'000;
// Kafka's bound on a topic's name is 249; the id and the prefix need some of it.
constexpr size_t kTopicNameMax = 200;

bool may_be_in_a_topic(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
}

std::string topic_name(const catalog::Entry& entry, std::string_view number) {
  std::string name = entry.name.substr(0, kTopicNameMax);
  std::ranges::replace_if(name, [](char c) { return !may_be_in_a_topic(c); }, '_');
  return fmt::format("{}{}{}.{}", NativeTable::kTopicPrefix, name, number, entry.id);
}

// Whether it is another one than the first of its table.
bool has_number(std::string_view topic) {
  return std::ranges::count(topic.substr(NativeTable::kTopicPrefix.size()), '.') > 1;
}

// The same rows, all with one op.
ChangeBatch with_op(const ChangeBatch& batch, RowOp op) {
  return {batch.rows(), batch.columns(), std::make_shared<columnar::RowOps>(batch.rows(), op)};
}

}  // namespace

std::string NativeTable::topic_of(const catalog::Entry& entry, const log::Log& log) {
  if (const std::string* named = catalog::find_option(entry.scan_options, kTopicSetting)) return *named;
  for (const log::TopicInfo& topic : log.topics()) {
    if (entry_of_topic(topic.name) == entry.id && !has_number(topic.name)) return topic.name;
  }
  return topic_name(entry, "");
}

std::string NativeTable::next_topic_of(const catalog::Entry& entry, const log::Log& log) {
  for (int number = 2;; ++number) {
    std::string name = topic_name(entry, fmt::format(".{}", number));
    if (!log.topic(name)) return name;
  }
}

std::optional<int64_t> NativeTable::entry_of_topic(std::string_view topic) {
  if (!topic.starts_with(kTopicPrefix)) return std::nullopt;
  const std::string_view digits = topic.substr(topic.rfind('.') + 1);
  int64_t id = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), id);
  if (error != std::errc() || end != digits.data() + digits.size()) return std::nullopt;
  return id;
}

Error changed_meanwhile(std::string_view table) {
  return make_error(ErrorCode::kUnavailable, "table {} has been changed by another session meanwhile", table)
      .hint("try again");
}

Result<std::unique_ptr<NativeTable>> NativeTable::open(const catalog::Entry& entry, log::Log& log, io::Env& env,
                                                       MemoryBudget* memory) {
  const catalog::Table& table = *entry.table();
  auto view = view::View::make(
      {.name = entry.name, .schema = table.physical_schema(), .key = table.physical_key(), .memory = memory});
  auto changes = PENSTOCK_TRY(connector::ChangeLog::open({.log = &log,
                                                          .env = &env,
                                                          .topic = topic_of(entry, log),
                                                          .schema = view->options().schema,
                                                          .key = view->options().key}));
  auto opened = std::unique_ptr<NativeTable>(new NativeTable(std::move(view), std::move(changes)));
  PENSTOCK_TRY(opened->replay());
  return opened;
}

Status NativeTable::replay() {
  size_t waiting = 0;
  PENSTOCK_TRY(log_->replay([&](ChangeBatch batch) -> Status {
    waiting += batch.rows();
    view_->stage(next_epoch_, std::move(batch));
    if (waiting < kReplayRows) return {};
    waiting = 0;
    return publish();
  }));
  return publish();
}

Status NativeTable::publish() {
  PENSTOCK_TRY(view_->publish(next_epoch_));
  next_epoch_ = Epoch(next_epoch_.value() + 1);
  return {};
}

std::string NativeTable::key_of(const ChangeBatch& batch, size_t row) const {
  std::string bytes;
  for (const int column : key()) {
    columnar::append_key(bytes, std::span(&batch.column(static_cast<size_t>(column)), 1), row);
  }
  return bytes;
}

Status NativeTable::check_not_null(const std::vector<ChangeBatch>& added) const {
  for (size_t column = 0; column < schema().size(); ++column) {
    if (schema()[column].type.nullable()) continue;
    const bool null = std::ranges::any_of(
        added, [&](const ChangeBatch& batch) { return std::ranges::count(batch.column(column)->nulls(), 1) > 0; });
    if (!null) continue;
    return invalid_argument("null value in column \"{}\" of table \"{}\" violates its NOT NULL constraint",
                            schema()[column].name, view_->options().name);
  }
  return {};
}

Status NativeTable::check_keys(const std::vector<ChangeBatch>& removed, const std::vector<ChangeBatch>& added) const {
  if (key().empty()) return {};
  std::unordered_set<std::string> free;  // keys whose rows go
  for (const ChangeBatch& batch : removed) {
    for (size_t row = 0; row < batch.rows(); ++row) free.insert(key_of(batch, row));
  }
  std::unordered_set<std::string> taken;
  for (const ChangeBatch& batch : added) {
    for (size_t row = 0; row < batch.rows(); ++row) {
      const std::string bytes = key_of(batch, row);
      const bool fresh = taken.insert(bytes).second && (free.contains(bytes) || !view_->lookup(bytes));
      if (fresh) continue;
      std::string values;
      for (const int column : key()) {
        const auto c = static_cast<size_t>(column);
        values += (values.empty() ? "" : ", ") + types::to_text(batch.column(c)->value(row), schema()[c].type);
      }
      return make_error(ErrorCode::kAlreadyExists, "table \"{}\" has a row with the primary key ({}) already",
                        view_->options().name, values)
          .hint("ON CONFLICT DO NOTHING or DO UPDATE says what to do with such rows");
    }
  }
  return {};
}

Status NativeTable::change(const std::vector<ChangeBatch>& removed, const std::vector<ChangeBatch>& added) {
  if (retired_) return changed_meanwhile(view_->options().name);
  PENSTOCK_TRY(check_not_null(added));
  PENSTOCK_TRY(check_keys(removed, added));
  std::vector<ChangeBatch> changes;
  for (const ChangeBatch& batch : removed) changes.push_back(with_op(batch, RowOp::kDelete));
  for (const ChangeBatch& batch : added) changes.push_back(with_op(batch, RowOp::kInsert));
  PENSTOCK_TRY(log_->append(changes));
  for (ChangeBatch& batch : changes) view_->stage(next_epoch_, std::move(batch));
  return publish();
}

}  // namespace penstock::engine
