#include "sqltest/file_run.h"

#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <random>
#include <set>
#include <utility>
#include <variant>

#include "base/hash.h"
#include "sql/parser.h"
#include "sqltest/files.h"
#include "sqltest/golden.h"
#include "sqltest/input_plan.h"
#include "sqltest/instance.h"
#include "view/view.h"

namespace penstock::sqltest {

namespace {

constexpr int kWorkersMax = 4;
constexpr size_t kSmallBatchMax = 7;
// Inputs that are cut into pieces get about so many, however long they are.
constexpr size_t kPiecesMax = 12;

// "at 7: there is no column nope (did you mean ...)".
Lines error_lines(const Error& error) {
  std::string text;
  if (error.position()) text = fmt::format("at {}: ", *error.position());
  return split_lines(text + error.to_string());
}

const Expected* expected_of(const Step& step) {
  if (const auto* statement = std::get_if<Statement>(&step.what)) {
    return statement->error ? &*statement->error : nullptr;
  }
  if (const auto* query = std::get_if<Query>(&step.what)) return &query->rows;
  if (const auto* changes = std::get_if<StreamChanges>(&step.what)) return &changes->changes;
  const auto* result = std::get_if<StreamResult>(&step.what);
  return result != nullptr && result->golden.empty() ? &result->rows : nullptr;
}

class FileRun {
 public:
  FileRun(const TestFile& file, const Way& way)
      : file_(file), way_(way), random_(way.seed ^ hash64(way.name)), first_final_(file.first_final_step()) {}

  Outcome run() {
    if (Status started = start(); !started) {
      fail(1, started.error().to_string());
      return std::move(outcome_);
    }
    for (step_ = 0; step_ < file_.steps.size(); ++step_) {
      const Status done = std::visit([this](const auto& what) { return run(what); }, file_.steps[step_].what);
      if (done) continue;
      fail(line(), done.error().to_string());
      return std::move(outcome_);
    }
    if (Status settled = settle(); !settled) fail(line(), settled.error().to_string());
    if (const auto failure = instance_->any_failure(); failure && !failure_expected_) {
      fail(file_.steps.back().line, "a job has failed: " + *failure);
    }
    return std::move(outcome_);
  }

 private:
  bool chance(uint32_t percent) { return random_() % 100 < percent; }
  size_t up_to(size_t most) { return 1 + random_() % most; }

  size_t line() const { return file_.steps[std::min(step_, file_.steps.size() - 1)].line; }
  void fail(size_t line, std::string what) { outcome_.failures.push_back({.line = line, .what = std::move(what)}); }

  Status start() {
    plan_ = PENSTOCK_TRY(InputPlan::make(file_, way_, random_));
    Instance::Options options{.workers = way_.workers, .seed = way_.seed};
    if (way_.cuts) {
      options.workers = static_cast<int>(up_to(kWorkersMax));
      if (!file_.large_input) options.batch_rows_max = up_to(kSmallBatchMax);
      options.epoch_interval_busy_us = chance(50) ? 0 : 1'000;
    }
    instance_ = PENSTOCK_TRY(Instance::start(options));
    for (const auto& [topic, partitions] : plan_.topics()) {
      PENSTOCK_TRY(instance_->create_topic(topic, partitions));
    }
    if (!way_.keeps_steps) waiting_ = plan_.all();
    for (size_t i = 0; i < file_.steps.size(); ++i) {
      if (std::holds_alternative<Input>(file_.steps[i].what)) last_input_ = i;
    }
    return way_.backlog ? feed_waiting(true) : Status();
  }

  // --- checks ---

  void check(const Expected& expected, Lines actual, bool sorted) {
    Lines wanted = expected.lines;
    if (sorted) {
      std::ranges::sort(wanted);
      std::ranges::sort(actual);
    }
    std::string difference = diff(wanted, actual);
    if (!difference.empty()) fail(line(), "not what is expected\n" + difference);
    outcome_.actual[step_] = std::move(actual);
  }

  // Whether a check at this step is made in this way.
  bool holds_here() const { return way_.keeps_steps || step_ >= first_final_; }

  Status settle() {
    if (std::exchange(settled_, true)) return {};
    return instance_->settle();
  }

  // --- steps ---

  Status run(const Statement& statement) {
    settled_ = false;
    std::string sql = statement.sql;
    if (file_.has_end() && !way_.bounded) {
      for (const auto& [topic, partitions] : plan_.topics()) sql = with_end(sql, topic, plan_.totals(topic));
    }
    const Result<Rows> result = instance_->run(sql);
    if (statement.error) {
      check(*statement.error, result ? Lines{"no error"} : error_lines(result.error()), false);
      return {};
    }
    if (!result) return invalid_argument("{}", sql::describe_error(sql, result.error()));
    if (sql.starts_with("SET ")) settings_.push_back(sql);
    return {};
  }

  Status run(const Query& query) {
    if (!holds_here() || way_.bounded) return {};
    PENSTOCK_TRY(settle());
    const Result<Rows> rows = instance_->run(query.sql);
    if (!rows) return invalid_argument("{}", sql::describe_error(query.sql, rows.error()));
    Lines lines = lines_of(rows->batches, readable_row);
    if (query.sorted) std::ranges::sort(lines);
    if (query.with_columns) lines.insert(lines.begin(), column_line(rows->schema));
    check(query.rows, std::move(lines), false);
    return {};
  }

  Status run(const Stream& stream) {
    settled_ = false;
    const std::string sql =
        fmt::format("CREATE {} {} AS {}", way_.bounded ? "VIEW" : "MATERIALIZED VIEW", stream.name, stream.sql);
    const Result<Rows> created = instance_->run(sql);
    if (!created) return invalid_argument("{}", sql::describe_error(sql, created.error()));
    if (way_.keeps_steps) feeds_[stream.name] = instance_->view(stream.name)->subscribe({.snapshot = true});
    return {};
  }

  Status run(const StreamResult& result) {
    if (!holds_here()) return {};
    PENSTOCK_TRY(settle());
    const bool golden = !result.golden.empty();
    if (const auto failure = instance_->failure(result.stream)) {
      failure_expected_ = true;
      if (golden) return invalid_argument("failed: {}", *failure);
      check(result.rows, split_lines("failed: " + *failure), false);
      return {};
    }
    const Rows rows = PENSTOCK_TRY(instance_->run("SELECT * FROM " + result.stream));
    Lines lines = lines_of(rows.batches, golden ? canonical_row : readable_row);
    if (!golden) {
      check(result.rows, std::move(lines), true);
      return {};
    }
    std::ranges::sort(lines);
    const Status checked = check_golden(result.golden, lines);
    if (!checked) fail(line(), checked.error().message());
    return {};
  }

  Status run(const StreamChanges& changes) {
    if (!way_.keeps_steps) return {};
    PENSTOCK_TRY(settle());
    const auto feed = feeds_.find(changes.stream);
    if (feed == feeds_.end()) return not_found("there is no stream {}", changes.stream);
    check(changes.changes, net_changes(*feed->second), true);
    return {};
  }

  Status run(const Input& /*input*/) {
    if (!way_.keeps_steps) return feed_waiting(step_ == last_input_);
    PENSTOCK_TRY(settle());  // what statements have changed has come everywhere
    for (const Piece& piece : plan_.input(step_)) {
      std::span<const Record> rest = piece.records;
      const size_t most = std::max<size_t>(1, rest.size() / kPiecesMax * 2);
      while (!rest.empty()) {
        const size_t size = way_.cuts ? std::min(rest.size(), up_to(std::max(most, kSmallBatchMax))) : rest.size();
        PENSTOCK_TRY(append(piece.partition, rest.first(size)));
        rest = rest.subspan(size);
        if (way_.cuts && chance(30)) PENSTOCK_TRY(settle());  // an epoch ends here
      }
    }
    return settle();
  }

  Status run(const FileInput& input) {
    std::span<const std::string> rest = input.lines;
    do {
      const size_t size = way_.cuts && !rest.empty() ? std::min(rest.size(), up_to(kSmallBatchMax)) : rest.size();
      std::string text;
      for (const std::string& line : rest.first(size)) text += line + "\n";
      settled_ = false;
      PENSTOCK_TRY(instance_->append_to_file(input.name, text));
      rest = rest.subspan(size);
      if (way_.cuts && chance(30)) PENSTOCK_TRY(settle());
      if (way_.restarts && chance(30)) PENSTOCK_TRY(restart());
    } while (!rest.empty());
    return way_.keeps_steps ? settle() : Status();
  }

  // The clock goes on, and a record without a row lets every source look at it.
  Status run(const Advance& advance) {
    instance_->advance(advance.us);
    PENSTOCK_TRY(append_everywhere());
    return settle();
  }

  Status run(const End& /*end*/) {
    if (way_.bounded) return {};
    PENSTOCK_TRY(append_everywhere());
    PENSTOCK_TRY(settle());
    return way_.restarts ? restart() : Status();
  }

  // --- inputs ---

  Status append(const Partition& partition, std::span<const Record> records) {
    settled_ = false;
    return instance_->append(partition.first, partition.second, records);
  }

  Status append_everywhere() {
    const Record nothing;
    for (const auto& [topic, partitions] : plan_.topics()) {
      for (int32_t p = 0; p < partitions; ++p) PENSTOCK_TRY(append({topic, p}, {&nothing, 1}));
    }
    return {};
  }

  // Feeds pieces of any partitions that have something waiting: all of it, or as many as chance will have.
  Status feed_waiting(bool all) {
    size_t total = 0;
    for (const auto& [partition, records] : waiting_) total += records.size();
    const size_t most = std::max(kSmallBatchMax, 2 * total / kPiecesMax);
    while (!waiting_.empty() && (all || chance(70))) {
      const auto it = std::next(waiting_.begin(), static_cast<ptrdiff_t>(random_() % waiting_.size()));
      std::vector<Record>& records = it->second;
      const size_t size = std::min(records.size(), up_to(most));
      PENSTOCK_TRY(append(it->first, std::span(records).first(size)));
      records.erase(records.begin(), records.begin() + static_cast<ptrdiff_t>(size));
      if (records.empty()) waiting_.erase(it);
      if (way_.cuts && chance(30)) PENSTOCK_TRY(settle());
      if (way_.restarts && chance(30)) PENSTOCK_TRY(restart());
    }
    return {};
  }

  Status restart() {
    settled_ = false;
    PENSTOCK_TRY(instance_->restart(static_cast<int>(up_to(kWorkersMax)), chance(50)));
    for (const std::string& sql : settings_) PENSTOCK_TRY(instance_->run(sql));
    return {};
  }

  // --- rows ---

  static Lines lines_of(const std::vector<columnar::ChangeBatch>& batches,
                        std::string (*text)(const columnar::ChangeBatch&, size_t)) {
    Lines lines;
    for (const columnar::ChangeBatch& batch : batches) {
      for (size_t row = 0; row < batch.rows(); ++row) lines.push_back(text(batch, row));
    }
    return lines;
  }

  static Lines net_changes(view::ChangeFeed& feed) {
    std::map<std::string, int> weights;
    while (const auto update = feed.poll(columnar::kBatchRowsMax)) {
      for (const columnar::ChangeBatch& batch : update->batches) {
        for (size_t row = 0; row < batch.rows(); ++row) weights[readable_row(batch, row)] += batch.weight(row);
      }
    }
    Lines lines;
    for (const auto& [row, weight] : weights) {
      for (int i = 0; i < std::abs(weight); ++i) lines.push_back((weight > 0 ? "+ " : "- ") + row);
    }
    return lines;
  }

  const TestFile& file_;
  const Way& way_;
  std::mt19937_64 random_;
  const size_t first_final_;
  InputPlan plan_;
  std::unique_ptr<Instance> instance_;
  std::map<std::string, std::unique_ptr<view::ChangeFeed>> feeds_;
  std::map<Partition, std::vector<Record>> waiting_;  // when the steps are not kept
  size_t last_input_ = 0;
  std::vector<std::string> settings_;  // SET statements, for sessions after a restart
  size_t step_ = 0;
  bool settled_ = true;
  bool failure_expected_ = false;
  Outcome outcome_;
};

}  // namespace

Outcome run_file(const TestFile& file, const Way& way) { return FileRun(file, way).run(); }

Lines rewritten(const TestFile& file, const Lines& lines, const std::map<size_t, Lines>& actual) {
  Lines out;
  size_t next = 1;
  for (const auto& [step, came] : actual) {
    const Expected* expected = expected_of(file.steps[step]);
    if (expected == nullptr || expected->lines == came) continue;
    for (; next < expected->begin; ++next) out.push_back(lines[next - 1]);
    out.insert(out.end(), came.begin(), came.end());
    next = expected->end;
  }
  for (; next <= lines.size(); ++next) out.push_back(lines[next - 1]);
  return out;
}

std::string with_end(const std::string& sql, const std::string& topic, const std::map<int32_t, int64_t>& ends) {
  const Result<sql::Statement> statement = sql::parse_statement(sql);
  if (!statement) return sql;
  const auto* create = std::get_if<sql::CreateTable>(&statement->node);
  if (create == nullptr) return sql;
  const auto has = [&](std::string_view key, std::string_view value) {
    return std::ranges::any_of(create->options, [&](const sql::Option& option) {
      return option.key == key && (value.empty() || option.value == value);
    });
  };
  if (!has("topic", topic) || has("scan.bounded.mode", "")) return sql;
  std::string offsets;
  for (const auto& [partition, offset] : ends) {
    offsets += fmt::format("{}partition:{},offset:{}", offsets.empty() ? "" : ";", partition, offset);
  }
  std::string ended = sql;
  ended.insert(ended.rfind(')'), fmt::format(", 'scan.bounded.mode' = 'specific-offsets', "
                                             "'scan.bounded.specific-offsets' = '{}'",
                                             offsets));
  return ended;
}

}  // namespace penstock::sqltest
