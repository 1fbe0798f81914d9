#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/state_memory.h"
#include "columnar/row_key.h"
#include "exec/operators/changing_sessions.h"
#include "exec/operators/late_session_rows.h"
#include "exec/operators/local_times.h"
#include "exec/operators/session_store.h"
#include "exec/operators/window.h"

namespace penstock::exec {

namespace {

using columnar::ChangeBatch;
using columnar::ColumnBuilder;
using columnar::ColumnPtr;

// The payload of a session: its rows, encoded one after the other.
StateString*& rows_of(std::byte* payload) { return *reinterpret_cast<StateString**>(payload); }

// The columns of what leaves.
std::vector<ColumnBuilder> make_builders(const SessionWindowOptions& options) {
  std::vector<ColumnBuilder> builders(options.column_types.begin(), options.column_types.end());
  const types::DataType time = options.column_types[static_cast<size_t>(options.time_column)];
  const types::DataType bound = types::window_bound_type(time);
  for (const types::DataType type : {bound, bound, time}) builders.emplace_back(type);
  return builders;
}

// Appends the window columns of one row.
void append_window(types::TimeSpan window, const types::TimeZone* zone, std::span<ColumnBuilder> builders) {
  builders[0].append_int64(window.start);
  builders[1].append_int64(window.end);
  builders[2].append_int64(types::closing_watermark(zone, window.end));
}

void emit_rows(size_t rows, std::vector<ColumnBuilder> builders, Output& out) {
  std::vector<ColumnPtr> columns;
  for (ColumnBuilder& builder : builders) columns.push_back(builder.finish());
  out.emit(ChangeBatch(rows, std::move(columns)));
}

class SessionWindow : public Operator {
 public:
  explicit SessionWindow(SessionWindowOptions options)
      : options_(std::move(options)),
        local_(options_.window),
        sessions_({.gap_us = options_.window.size_us,
                   .key_types = options_.key_types,
                   .payload = {.bytes = sizeof(StateString*),
                               .init = [](void* /*context*/, std::byte* at) { rows_of(at) = new StateString(); },
                               .destroy = [](void* /*context*/, std::byte* at) { delete rows_of(at); }},
                   .merge = [](std::byte* into, std::byte* from) { *rows_of(into) += *rows_of(from); }}) {}

  Status process(int /*port*/, const ChangeBatch& batch, Output& /*out*/) override {
    if (!batch.append_only()) return make_error(ErrorCode::kInternal, "sessions take only inserts");
    const ColumnPtr times = local_.of(batch.column(static_cast<size_t>(options_.time_column)));
    sessions_.assign(batch.columns_at(options_.keys), *times, batch.rows(), of_rows_);
    bool all = true;
    for (size_t row = 0; row < batch.rows(); ++row) {
      if (of_rows_[row] == nullptr) {
        all = false;
      } else {
        row_.clear();
        columnar::append_key(row_, batch.columns(), row);
        *rows_of(of_rows_[row]->payload()) += row_;
      }
    }
    if (!all) options_.late.add(batch, late_session_rows(*times, of_rows_, options_.window.size_us), watermark_);
    return {};
  }

  // Emits one batch a call, of as many sessions as there is room for.
  Result<Progress> on_watermark(EventTime watermark, Output& out) override {
    watermark_ = watermark;
    std::vector<ColumnBuilder> builders = make_builders(options_);
    size_t rows = 0;
    while (rows < columnar::kBatchRowsMax && has_next_session()) rows += append_rows(rows, builders);
    if (rows == 0) return Progress::kDone;
    emit_rows(rows, std::move(builders), out);
    return Progress::kMore;
  }

 private:
  // Makes closed()[next_] the next session to emit.
  bool has_next_session() {
    if (next_ < sessions_.closed().size()) return true;
    sessions_.release_closed();
    next_ = 0;
    return sessions_.close_some(local_.of(watermark_), columnar::kBatchRowsMax);
  }

  // Appends rows of that session behind `rows` others; goes on to the next one when there are no more.
  size_t append_rows(size_t rows, std::vector<ColumnBuilder>& builders) {
    Session& session = *sessions_.closed()[next_];
    const size_t width = options_.column_types.size();
    std::string_view left = *rows_of(session.payload());
    left.remove_prefix(emitted_bytes_);
    size_t added = 0;
    for (; !left.empty() && rows + added < columnar::kBatchRowsMax; ++added) {
      columnar::decode_key(left, std::span(builders).first(width));
      append_window({session.start, sessions_.end_of(session)}, options_.window.zone,
                    std::span(builders).subspan(width));
    }
    emitted_bytes_ = rows_of(session.payload())->size() - left.size();
    if (!left.empty()) return added;
    ++next_;
    emitted_bytes_ = 0;
    return added;
  }

  const SessionWindowOptions options_;
  LocalTimes local_;
  SessionStore sessions_;
  EventTime watermark_ = kMinEventTime;
  std::vector<Session*> of_rows_;  // of the batch at hand
  std::string row_;                // the one at hand
  // Among the closed sessions the one that is being emitted, and how much of it has been.
  size_t next_ = 0;
  size_t emitted_bytes_ = 0;
};

// Keeps how often each row is there.
class ChangingSessionWindow : public Operator {
 public:
  explicit ChangingSessionWindow(SessionWindowOptions options)
      : options_(std::move(options)),
        local_(options_.window),
        sessions_({.gap_us = options_.window.size_us,
                   .key_types = options_.key_types,
                   .group_types = options_.column_types,
                   .groups_of_equal_rows = true,
                   .payload = {.bytes = sizeof(ChangingSessions::Group)},
                   .forget = {}}) {}

  Status process(int /*port*/, const ChangeBatch& batch, Output& /*out*/) override {
    const ColumnPtr times = local_.of(batch.column(static_cast<size_t>(options_.time_column)));
    sessions_.add(batch.columns_at(options_.keys), batch.columns(), *times, batch, groups_);
    options_.late.add(batch, late_session_rows(*times, groups_, options_.window.size_us), watermark_);
    return {};
  }

  Result<Progress> on_watermark(EventTime watermark, Output& out) override {
    watermark_ = watermark;
    if (group_ == sessions_.closed_groups().size()) {
      sessions_.release_closed();
      session_ = group_ = 0;
      if (!sessions_.close_some(local_.of(watermark), columnar::kBatchRowsMax)) return Progress::kDone;
    }
    std::vector<std::byte*> groups;  // of each row
    std::vector<ColumnBuilder> builders = make_builders(options_);
    const std::span<ColumnBuilder> window = std::span(builders).subspan(options_.column_types.size());
    while (groups.size() < columnar::kBatchRowsMax && group_ < sessions_.closed_groups().size()) {
      const ChangingSessions::Closed* session = &sessions_.closed()[session_];
      if (group_ == session->first + session->groups) session = &sessions_.closed()[++session_];
      std::byte* const group = sessions_.closed_groups()[group_];
      groups.push_back(group);
      append_window({session->start, sessions_.end_of(*session)}, options_.window.zone, window);
      if (++emitted_ < ChangingSessions::at(group).rows) continue;
      emitted_ = 0;
      ++group_;
    }
    sessions_.append_groups(groups, std::span(builders).first(options_.column_types.size()));
    emit_rows(groups.size(), std::move(builders), out);
    return Progress::kMore;
  }

  Result<Progress> on_barrier(Epoch /*epoch*/, Output& out) override {
    sessions_.end_epoch();
    return on_watermark(watermark_, out);
  }

 private:
  const SessionWindowOptions options_;
  LocalTimes local_;
  ChangingSessions sessions_;
  EventTime watermark_ = kMinEventTime;
  std::vector<std::byte*> groups_;  // of the batch at hand
  // Among the closed sessions what is being emitted, and how many rows of the group have been.
  size_t session_ = 0;
  size_t group_ = 0;
  int64_t emitted_ = 0;
};

}  // namespace

std::unique_ptr<Operator> make_session_window(SessionWindowOptions options) {
  return std::make_unique<SessionWindow>(std::move(options));
}

std::unique_ptr<Operator> make_changing_session_window(SessionWindowOptions options) {
  return std::make_unique<ChangingSessionWindow>(std::move(options));
}

}  // namespace penstock::exec
