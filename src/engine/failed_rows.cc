#include "engine/failed_rows.h"

#include <fmt/format.h>

#include <utility>

#include "base/json_text.h"
#include "base/logging.h"
#include "columnar/nested_json.h"
#include "types/value.h"

namespace penstock::engine {

namespace {

// How much of an event an error shows.
constexpr size_t kShownBytesMax = 1'000;

void append_value(std::string& out, const columnar::Column& column, size_t row) {
  types::append_text(out, column.value(row), column.type());
}

}  // namespace

RowLetterLimit::RowLetterLimit(Options options)
    : options_(std::move(options)), rows_({.lines = options_.rows_max, .interval = options_.interval}) {}

bool RowLetterLimit::pass() {
  if (rows_.pass()) return true;
  options_.beyond->add();
  if (log_.pass()) {
    logging::warning("rows that could not be computed are no dead letters: there are too many",
                     {{"job", options_.job}, {"limit", "sql.row_dead_letters_per_s_max"}, {"rows", options_.rows_max}});
  }
  return false;
}

FailedRowLetters::FailedRowLetters(std::string job, std::string op, types::Schema schema,
                                   connector::DeadLetterSink& letters, std::shared_ptr<RowLetterLimit> limit)
    : job_(std::move(job)),
      op_(std::move(op)),
      schema_(std::move(schema)),
      letters_(letters),
      limit_(std::move(limit)) {}

void FailedRowLetters::add(const columnar::ChangeBatch& batch, const expr::RowErrors& errors) {
  for (const expr::RowError& error : expr::one_error_per_row(errors)) {
    if (batch.weight(error.row) < 0) continue;
    const std::string message = fmt::format("{}, in {}", error.message, op_);
    const std::string raw = text_of(batch, error.row);
    letters_.add(
        {.table = job_, .topic = {}, .partition = 0, .offset = 0, .raw = raw, .error = message, .admit = [this] {
           return limit_->pass();
         }});
  }
}

std::string FailedRowLetters::text_of(const columnar::ChangeBatch& batch, size_t row) const {
  const bool known = schema_.size() == batch.columns().size();
  std::string text = "{";
  for (size_t i = 0; i < batch.columns().size(); ++i) {
    if (i > 0) text += ",";
    append_json_string(text, known ? schema_[i].name : fmt::format("${}", i));
    text += ":";
    columnar::append_json(text, *batch.column(i), row, false, append_value);
  }
  return text + "}";
}

void StrictLetters::add(const connector::DeadLetter& letter) {
  const std::lock_guard lock(mutex_);
  if (error_) return;
  const std::string_view raw = letter.raw.substr(0, kShownBytesMax);
  error_ = letter.topic.empty() ? invalid_argument("{}: {}", letter.error, raw)
                                : invalid_argument("{}, at {} {}, offset {}: {}", letter.error, letter.topic,
                                                   letter.partition, letter.offset, raw);
  if (job_ != nullptr) job_->fail(*error_);
}

void StrictLetters::set_job(exec::Job& job) {
  const std::lock_guard lock(mutex_);
  job_ = &job;
  if (error_) job_->fail(*error_);
}

Status StrictLetters::status() {
  const std::lock_guard lock(mutex_);
  if (error_) return *error_;
  return {};
}

}  // namespace penstock::engine
