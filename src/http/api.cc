#include "http/api.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <optional>
#include <utility>

#include "base/json_text.h"
#include "base/time.h"
#include "http/json_writer.h"
#include "view/view.h"

namespace penstock::http {

namespace {

constexpr int64_t kStatusIntervalUs = 950'000;

std::string quoted_time(std::optional<EventTime> time) {
  if (!time) return "null";
  return "\"" + format_iso8601_ms(time->value()) + "\"";
}

std::string job_json(const engine::JobStatus& job, int64_t now_us) {
  std::string out = fmt::format(R"({{"id":{},"name":)", job.id) + json_string(job.name);
  fmt::format_to(std::back_inserter(out), R"(,"kind":"{}","state":"{}","error":)", job.kind, job.state);
  out += job.error.empty() ? "null" : json_string(job.error);
  fmt::format_to(
      std::back_inserter(out),
      R"(,"events_in_total":{},"events_in_per_s":{:.1f},"rows_out_total":{},"lag_events":{},"watermark":{},)",
      job.events_in_total, job.events_in_per_s, job.rows_out_total, job.lag_events, quoted_time(job.watermark));
  out += R"("watermark_delay_ms":)";
  out += job.watermark ? std::to_string((now_us - job.watermark->value()) / 1000) : "null";
  fmt::format_to(std::back_inserter(out), R"(,"late_dropped_total":{},"too_far_ahead_total":{},"state_bytes":{}}})",
                 job.late_dropped_total, job.too_far_ahead_total, job.state_bytes);
  return out;
}

}  // namespace

std::string view_json(const engine::ViewInfo& info) {
  std::string out = R"({"name":)" + json_string(info.name) + R"(,"sql":)" + json_string(info.sql);
  out += info.metric ? R"(,"metric":true,"columns":)" : R"(,"metric":false,"columns":)";
  append_columns(out, info.schema);
  out += R"(,"key":[)";
  for (const int column : info.key) {
    if (out.back() == '"') out += ',';
    append_json_string(out, info.schema[static_cast<size_t>(column)].name);
  }
  out += R"(],"time_column":)";
  out += info.time_column ? json_string(info.schema[static_cast<size_t>(*info.time_column)].name) : "null";
  fmt::format_to(std::back_inserter(out), R"(,"rows":{},"epoch":{}}})", info.view->rows(), info.view->epoch().value());
  return out;
}

Api::Api(ApiOptions options)
    : options_(std::move(options)),
      reply_memory_(std::make_shared<MemoryBudget>("http replies", options_.replies_bytes_max, options_.memory)),
      started_us_(monotonic_time_us()) {
  if (options_.metrics == nullptr) return;
  options_.metrics->callback("penstock_http_reply_bytes", "Large answers until they are written", {},
                             [weak = std::weak_ptr(reply_memory_)] {
                               const auto memory = weak.lock();
                               return memory != nullptr ? static_cast<double>(memory->used_bytes()) : 0;
                             });
}

Reply Api::error_reply(const Error& error, std::string_view sql) {
  return {.status = http_status(error.code()), .body = R"({"error":)" + error_json(error, sql) + "}"};
}

// An answer that has rows in it, which are many or not. It is accounted while it grows and until it is written.
class Api::GrowingReply {
 public:
  explicit GrowingReply(const Api& api, std::string begin)
      : body(std::move(begin)), bytes_max_(api.options_.reply_bytes_max), memory_(api.reply_memory_.get()) {}

  // To be called after a batch of rows has been added.
  Status check() {
    if (body.size() > bytes_max_) {
      return make_error(ErrorCode::kResourceExhausted, "the answer has more than {} bytes", bytes_max_)
          .hint("ask for fewer rows, or read them through the PostgreSQL port");
    }
    if (body.size() <= kSmallReplyBytes || memory_.try_resize(body.size())) return {};
    return Error(ErrorCode::kUnavailable, "too many large answers are on their way").hint("try again");
  }

  Reply finish(std::string_view end, int status = 200) && {
    body += end;
    return {.status = status, .body = std::move(body), .memory = std::move(memory_)};
  }

  std::string body;

 private:
  static constexpr size_t kSmallReplyBytes = 64 << 10;

  const size_t bytes_max_;
  MemoryReservation memory_;
};

Reply Api::sql(std::string_view script, engine::Session& session) const {
  const auto parts = session.split(script);
  if (!parts) return error_reply(parts.error(), script);
  GrowingReply reply(*this, R"({"results":[)");
  for (const engine::Session::Part& part : *parts) {
    const size_t before = reply.body.size();
    if (reply.body.back() == '}') reply.body += ',';
    const Status added = append_result(reply, part.text, session);
    if (added) continue;
    reply.body.resize(before);
    return std::move(reply).finish(R"(],"error":)" + error_json(added.error(), script, part.offset) + "}",
                                   http_status(added.error().code()));
  }
  return std::move(reply).finish("]}");
}

Status Api::append_result(GrowingReply& reply, std::string_view sql, engine::Session& session) const {
  const auto cursor = PENSTOCK_TRY(session.execute(sql));
  std::string& out = reply.body;
  out += R"({"columns":)";
  append_columns(out, cursor->schema().value_or(types::Schema()));
  out += R"(,"rows":[)";
  int64_t rows = 0;
  while (const auto batch = PENSTOCK_TRY(cursor->next())) {
    const int64_t before = rows;
    rows += static_cast<int64_t>(batch->rows());
    if (rows > options_.sql_rows_max) {
      return make_error(ErrorCode::kResourceExhausted, "the result has more than {} rows", options_.sql_rows_max)
          .hint("add a LIMIT, or read it through the PostgreSQL port");
    }
    for (size_t row = 0; row < batch->rows(); ++row) {
      if (before > 0 || row > 0) out += ',';
      append_row(out, *batch, row);
    }
    PENSTOCK_TRY(reply.check());
  }
  out += R"(],"tag":)" + json_string(cursor->tag()) + "}";
  return {};
}

std::string Api::views_json() const {
  std::string out = "[";
  for (const engine::ViewInfo& info : options_.engine->views()) {
    if (out.size() > 1) out += ',';
    out += view_json(info);
  }
  return out + "]";
}

Reply Api::views() const { return {.body = R"({"views":)" + views_json() + "}"}; }

Reply Api::view(std::string_view name, int64_t limit) const {
  const std::optional<engine::ViewInfo> info = options_.engine->find_view(name);
  if (!info) return error_reply(not_found("view \"{}\" does not exist", name));
  const auto snapshot = info->view->snapshot();
  GrowingReply reply(*this, R"({"view":)" + view_json(*info));
  std::string& out = reply.body;
  fmt::format_to(std::back_inserter(out), R"(,"epoch":{},"rows":[)", snapshot->epoch().value());
  int64_t rows = 0;
  size_t position = 0;
  while (rows < limit) {
    const auto batch = snapshot->next(position);
    if (!batch) break;
    for (size_t row = 0; row < batch->rows() && rows < limit; ++row, ++rows) {
      if (rows > 0) out += ',';
      append_row(out, *batch, row);
    }
    if (const Status fits = reply.check(); !fits) return error_reply(fits.error());
  }
  const bool truncated = static_cast<size_t>(rows) < snapshot->rows();
  return std::move(reply).finish(truncated ? R"(],"truncated":true})" : R"(],"truncated":false})");
}

std::string Api::status_json() {
  const std::lock_guard lock(status_mutex_);
  const int64_t now_us = monotonic_time_us();
  if (status_.empty() || now_us - status_at_us_ >= kStatusIntervalUs) status_ = make_status(now_us);
  return status_;
}

std::string Api::make_status(int64_t now_us) {
  const engine::EngineStatus status = options_.engine->status();
  const IoCounters io = options_.io_counters ? options_.io_counters() : IoCounters();
  const uint64_t events_out = io.events_out + status.view_changes_total;
  double in_per_s = 0;
  double out_per_s = 0;
  if (status_at_us_ != 0) {
    const double seconds = static_cast<double>(now_us - status_at_us_) / 1e6;
    in_per_s = static_cast<double>(io.events_in - last_in_) / seconds;
    // Dropping a view takes its changes out of the sum.
    out_per_s = static_cast<double>(events_out - std::min(events_out, last_out_)) / seconds;
  }
  status_at_us_ = now_us;
  last_in_ = io.events_in;
  last_out_ = events_out;
  const int64_t wall_us = wall_time_us();
  std::string out =
      fmt::format(R"({{"version":"{}","uptime_ms":{},"time":"{}","events_in_total":{},"events_in_per_s":{:.1f},)",
                  options_.version, (now_us - started_us_) / 1000, format_iso8601_ms(wall_us), io.events_in, in_per_s);
  fmt::format_to(
      std::back_inserter(out),
      R"("events_out_total":{},"events_out_per_s":{:.1f},"lag_events":{},"watermark_delay_ms":{},"dead_letters_total":{},)",
      events_out, out_per_s, status.lag_events,
      status.watermark_delay_ms ? std::to_string(*status.watermark_delay_ms) : "null", status.dead_letters_total);
  fmt::format_to(std::back_inserter(out), R"("late_dropped_total":{},"memory_bytes":{},"jobs":[)",
                 status.late_dropped_total, options_.memory != nullptr ? options_.memory->used_bytes() : 0);
  for (size_t i = 0; i < status.jobs.size(); ++i) {
    if (i > 0) out += ',';
    out += job_json(status.jobs[i], wall_us);
  }
  return out + "]}";
}

Reply Api::status() { return {.body = status_json()}; }

std::string Api::alerts_json() const {
  std::string out = "[";
  for (const alert::Incident& incident : options_.alerts->incidents()) {
    if (out.size() > 1) out += ',';
    out += alert::to_json(incident);
  }
  return out + "]";
}

Reply Api::alerts() const { return {.body = R"({"alerts":)" + alerts_json() + "}"}; }

Reply Api::metrics_json() const {
  GrowingReply reply(*this, "{");
  std::string& out = reply.body;
  for (const engine::ViewInfo& info : options_.engine->views()) {
    if (!info.metric) continue;
    const auto snapshot = info.view->snapshot();
    size_t position = 0;
    while (const auto batch = snapshot->next(position)) {
      for (size_t row = 0; row < batch->rows(); ++row) {
        std::string prefix = info.name;
        for (const int key : info.key) {
          const columnar::ColumnPtr& column = batch->column(static_cast<size_t>(key));
          prefix += "." + types::to_text(column->value(row), column->type());
        }
        const size_t values = info.schema.size() - info.key.size();
        for (size_t c = 0; c < info.schema.size(); ++c) {
          if (std::ranges::find(info.key, static_cast<int>(c)) != info.key.end()) continue;
          if (out.size() > 1) out += ',';
          append_json_string(out, values == 1 ? prefix : prefix + "." + info.schema[c].name);
          out += ':';
          append_value(out, *batch->column(c), row);
        }
      }
      if (const Status fits = reply.check(); !fits) return error_reply(fits.error());
    }
  }
  return std::move(reply).finish("}");
}

Reply Api::prometheus() const {
  return {.content_type = "text/plain; version=0.0.4; charset=utf-8", .body = options_.metrics->prometheus_text()};
}

Reply Api::ready() const {
  const Status ready = options_.ready ? options_.ready() : Status();
  if (ready) return {.content_type = "text/plain", .body = "ok\n"};
  return {.status = 503, .content_type = "text/plain", .body = ready.error().message() + "\n"};
}

}  // namespace penstock::http
