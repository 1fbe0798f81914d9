#include "sqltest/random/run.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>
#include <optional>
#include <set>
#include <string_view>
#include <utility>
#include <variant>

#include "base/result.h"
#include "sqltest/file_run.h"
#include "sqltest/instance.h"
#include "sqltest/random/sqlite_oracle.h"

namespace penstock::sqltest {

namespace {

// What the documentation says is not possible: pieces of the errors.
constexpr std::array<std::string_view, 4> kNotSupported = {
    "is not supported",
    "in the ON of an outer, semi or anti join, a subquery",
    "of columns of the query around this one belongs to that query",
    "this subquery uses columns of the query around it where that is not possible",
};

bool is_listed(const Error& error) {
  const std::string text = error.to_string();
  return std::ranges::any_of(kNotSupported, [&](std::string_view piece) { return text.contains(piece); });
}

// As readable_row, but -0.0 is 0.0, which it equals.
Lines sorted_lines(const Rows& rows) {
  Lines lines;
  for (const columnar::ChangeBatch& batch : rows.batches) {
    for (size_t row = 0; row < batch.rows(); ++row) {
      std::string line;
      for (size_t c = 0; c < batch.columns().size(); ++c) {
        const types::DataType type = batch.column(c)->type();
        types::Value value = batch.column(c)->value(row);
        if (!value.is_null() && type.physical() == types::Physical::kDouble && value.as_double() == 0) {
          value = types::Value(0.0);
        }
        if (c > 0) line += kBetweenFields;
        append_readable(line, value, type);
      }
      lines.push_back(std::move(line));
    }
  }
  std::ranges::sort(lines);
  return lines;
}

// A line as input blocks have it.
Record record_of(const std::string& line, bool keyed) {
  if (!keyed) return {.key = {}, .value = line};
  const size_t arrow = line.find(kKeyArrow);
  if (arrow == std::string::npos) return {.key = line, .value = {}};
  return {.key = line.substr(0, arrow), .value = line.substr(arrow + kKeyArrow.size())};
}

std::string create_view(const RandomView& view, const RandomQuery& query) {
  return fmt::format("CREATE {} {} AS {}", view.plain ? "VIEW" : "MATERIALIZED VIEW", view.name,
                     query.text.engine + (view.plain ? "" : query.emit));
}

std::string set_time_zone() { return fmt::format("SET 'table.local-time-zone' = '{}'", kTimeZone); }

class ScenarioRun {
 public:
  explicit ScenarioRun(const Scenario& scenario) : scenario_(scenario) {}

  RandomOutcome run() {
    auto queries = scenario_.queries();
    if (!queries) {
      outcome_.verdict = Verdict::kInvalid;
      return outcome_;
    }
    queries_ = *std::move(queries);
    finish(start());
    for (step_ = 0; good() && step_ < scenario_.steps.size(); ++step_) {
      finish(std::visit([this](const auto& step) { return run(step); }, scenario_.steps[step_]));
    }
    if (good()) finish(end());
    return std::move(outcome_);
  }

 private:
  bool good() const { return outcome_.verdict == Verdict::kSame; }

  void wrong(Verdict verdict, size_t view, std::string what) {
    if (!good()) return;
    outcome_.verdict = verdict;
    outcome_.view = view;
    outcome_.step = step_;
    outcome_.what = std::move(what);
  }

  void finish(const Status& status) {
    if (!status) wrong(Verdict::kFailed, 0, status.error().to_string());
  }

  Status oracle(const std::string& sql) {
    const Status done = sqlite_->run(sql);
    if (!done) wrong(Verdict::kOracle, 0, done.error().to_string());
    return {};
  }

  Status engine(const std::string& sql) {
    const Result<Rows> done = instance_->run(sql);
    if (!done) return make_error(done.error().code(), "{}: {}", done.error().to_string(), sql);
    return {};
  }

  Status start() {
    sqlite_.emplace(PENSTOCK_TRY(SqliteOracle::open()));
    instance_ = PENSTOCK_TRY(Instance::start({.workers = scenario_.workers,
                                              .batch_rows_max = scenario_.batch_rows_max,
                                              .epoch_interval_busy_us = scenario_.epoch_interval_busy_us,
                                              .seed = scenario_.seed}));
    PENSTOCK_TRY(engine(set_time_zone()));
    for (const size_t t : scenario_.tables_read()) {
      const Relation& table = scenario_.tables[t];
      const Text create = create_table(table);
      std::string sql = create.engine;
      std::map<int32_t, int64_t> ends;
      if (table.of_topic()) {
        PENSTOCK_TRY(instance_->create_topic(table.name, table.partitions));
        ends = scenario_.records(t);
        for (auto& [partition, offset] : ends) ++offset;  // and the record of end()
        sql = with_end(sql, table.name, ends);
      }
      PENSTOCK_TRY(engine(sql));
      PENSTOCK_TRY(oracle(create.sqlite));
      there_.insert(t);
      if (!has_versions(table)) continue;
      for (const std::string& versions : create_versions(table)) {
        PENSTOCK_TRY(engine(with_end(versions, table.name, ends)));
      }
    }
    return oracle(fmt::format("CREATE TABLE {0} (number INTEGER); INSERT INTO {0} VALUES (0)", kRowsSeen));
  }

  // Of views that depend on what comes before what.
  bool is_row_by_row() const {
    return std::ranges::any_of(created_, [&](size_t view) {
      const RandomQuery& query = queries_.at(view);
      return query.row_by_row || query.as_rows_come;
    });
  }

  // Adds to the views of look-ups what the rows give that are not seen yet.
  Status look_up() {
    for (const size_t view : created_) {
      const RandomQuery& query = queries_.at(view);
      if (query.as_rows_come) {
        PENSTOCK_TRY(oracle(fmt::format("INSERT INTO {} {}", scenario_.views[view].name, query.text.sqlite)));
      }
    }
    return oracle(fmt::format("UPDATE {} SET number = {}", kRowsSeen, rows_of_streams_));
  }

  Status run(const NewRows& rows) {
    if (!there_.contains(rows.table) || rows.rows.empty()) return {};
    const Relation& table = scenario_.tables[rows.table];
    if (!table.stream || !is_row_by_row()) return add(rows);
    NewRows row = rows;
    for (size_t i = 0; i < rows.rows.size(); ++i) {
      row.rows = {rows.rows[i]};
      row.lines = {rows.lines[i]};
      PENSTOCK_TRY(instance_->settle());
      PENSTOCK_TRY(add(row));
    }
    return instance_->settle();
  }

  Status add(const NewRows& rows) {
    const Relation& table = scenario_.tables[rows.table];
    const Text insert = insert_statement(scenario_, rows);
    PENSTOCK_TRY(oracle(table.stream ? numbered(rows) : insert.sqlite));
    if (table.stream) PENSTOCK_TRY(look_up());
    if (!table.of_topic()) return engine(insert.engine);
    std::vector<Record> records;
    for (const std::string& line : rows.lines) records.push_back(record_of(line, table.upsert));
    return instance_->append(table.name, rows.partition, records);
  }

  // INSERT of rows of a stream, which have numbers over all streams, as they come.
  std::string numbered(const NewRows& rows) {
    const Relation& table = scenario_.tables[rows.table];
    std::string columns = "rowid";
    for (const Column& column : table.columns) columns += ", " + column.name;
    if (table.local) columns += fmt::format(", {}", kMomentColumn);
    std::string values;
    for (const Text& row : rows.rows) {
      values += fmt::format("{}({}, {}", values.empty() ? "" : ", ", ++rows_of_streams_, row.sqlite.substr(1));
    }
    return fmt::format("INSERT INTO {} ({}) VALUES {}", table.name, columns, values);
  }

  Status run(const Change& change) {
    if (!there_.contains(change.table) || !there_.contains(change.reads)) return {};
    PENSTOCK_TRY(oracle(change.sql.sqlite));
    return engine(change.sql.engine);
  }

  Status run(const CreateRandomView& create) {
    const auto it = queries_.find(create.view);
    const std::string& name = scenario_.views[create.view].name;
    for (const std::string& read : it->second.reads) {
      if (!refused_.contains(read)) continue;
      refused_.insert(name);
      return {};
    }
    ++outcome_.queries;
    if (it->second.as_rows_come) PENSTOCK_TRY(instance_->settle());
    const std::string sql = create_view(scenario_.views[create.view], it->second);
    const Result<Rows> done = instance_->run(sql);
    if (!done) {
      refused_.insert(name);
      if (!is_listed(done.error())) wrong(Verdict::kRefused, create.view, done.error().to_string());
      return {};
    }
    ++outcome_.accepted;
    created_.push_back(create.view);
    if (it->second.without_oracle) return {};
    if (it->second.as_rows_come) return look_up_all(name, it->second);
    return oracle(fmt::format("CREATE VIEW {} AS {}", name, it->second.text.sqlite));
  }

  // All rows meet what is there now, as they do when the view is new and when the engine starts again.
  Status look_up_all(const std::string& view, const RandomQuery& query) {
    PENSTOCK_TRY(oracle(fmt::format("UPDATE {} SET number = 0", kRowsSeen)));
    PENSTOCK_TRY(oracle(fmt::format("DROP TABLE IF EXISTS {0}; CREATE TABLE {0} AS {1}", view, query.text.sqlite)));
    PENSTOCK_TRY(oracle(fmt::format("UPDATE {} SET number = {}", kRowsSeen, rows_of_streams_)));
    return instance_->settle();
  }

  Status run(const Compare& /*compare*/) { return compare(false); }

  Status run(const Restart& restart) {
    PENSTOCK_TRY(instance_->restart(restart.workers, restart.crash));
    PENSTOCK_TRY(engine(set_time_zone()));
    for (const size_t view : created_) {
      const RandomQuery& query = queries_.at(view);
      if (query.as_rows_come) PENSTOCK_TRY(look_up_all(scenario_.views[view].name, query));
    }
    return {};
  }

  // All inputs end: every window closes.
  Status end() {
    const Record nothing;
    for (const size_t t : there_) {
      const Relation& table = scenario_.tables[t];
      for (int32_t p = 0; table.of_topic() && p < table.partitions; ++p) {
        PENSTOCK_TRY(instance_->append(table.name, p, {&nothing, 1}));
      }
    }
    return compare(true);
  }

  Status compare(bool ended) {
    PENSTOCK_TRY(instance_->settle());
    for (const size_t view : created_) {
      if (const auto failure = instance_->failure(scenario_.views[view].name)) {
        wrong(Verdict::kFailed, view, "the job has failed: " + *failure);
      }
      const RandomQuery& query = queries_.at(view);
      if (!ended && (query.reads_end_only || query.of_late_rows)) continue;
      if (good()) compare_view(view, ended || !query.end_only);
    }
    return {};
  }

  void compare_view(size_t view, bool complete) {
    const std::string& name = scenario_.views[view].name;
    const RandomQuery& query = queries_.at(view);
    const Result<Rows> shown = instance_->run("SELECT * FROM " + name);
    if (!shown) return wrong(Verdict::kFailed, view, shown.error().to_string());
    const Result<Rows> computed = instance_->run(query.text.engine);
    if (!computed) return wrong(Verdict::kFailed, view, "the query from scratch: " + computed.error().to_string());
    Result<Lines> right = query.without_oracle ? Result<Lines>(sorted_lines(*computed))
                                               : sqlite_->rows("SELECT * FROM " + name, computed->schema);
    // What takes SQLite too long is only compared with itself.
    if (!right && right.error().code() == ErrorCode::kResourceExhausted) {
      if (query.of_late_rows || query.as_rows_come) return;
      right = sorted_lines(*computed);
    }
    if (!right) return wrong(Verdict::kOracle, view, right.error().to_string());
    const Lines of_view = sorted_lines(*shown);
    const Lines of_query = sorted_lines(*computed);
    ++outcome_.comparisons;
    outcome_.rows += static_cast<int>(right->size());
    const bool query_right = query.of_late_rows || query.as_rows_come || of_query == *right;
    const bool view_right = !complete || of_view == *right;
    if (query_right && view_right) return;
    std::string what;
    if (!view_right)
      what += fmt::format("the view and {} (-)\n", query.without_oracle ? "the query from scratch" : "SQLite") +
              diff(*right, of_view);
    if (!query_right) what += "the query from scratch and SQLite (-)\n" + diff(*right, of_query);
    outcome_.expected = *right;
    wrong(view_right            ? Verdict::kSelectWrong
          : query_right         ? Verdict::kViewWrong
          : of_view == of_query ? Verdict::kQueryWrong
                                : Verdict::kAllDiffer,
          view, std::move(what));
  }

  const Scenario& scenario_;
  std::map<size_t, RandomQuery> queries_;
  std::optional<SqliteOracle> sqlite_;
  std::unique_ptr<Instance> instance_;
  std::set<size_t> there_;         // tables
  std::vector<size_t> created_;    // views
  std::set<std::string> refused_;  // views
  int64_t rows_of_streams_ = 0;
  size_t step_ = 0;
  RandomOutcome outcome_;
};

}  // namespace

const char* name_of(Verdict verdict) {
  switch (verdict) {
    case Verdict::kSame: return "same";
    case Verdict::kViewWrong: return "the view is wrong";
    case Verdict::kQueryWrong: return "the query is wrong";
    case Verdict::kSelectWrong: return "the query from scratch is wrong";
    case Verdict::kAllDiffer: return "the view, the query from scratch and SQLite differ";
    case Verdict::kRefused: return "a query is refused";
    case Verdict::kFailed: return "something failed";
    case Verdict::kOracle: return "SQLite cannot";
    case Verdict::kCrashed: return "crashed";
    case Verdict::kHung: return "hung";
    case Verdict::kInvalid: return "invalid";
  }
  return "";
}

RandomOutcome run_scenario(const Scenario& scenario) { return ScenarioRun(scenario).run(); }

std::string test_file_of(const Scenario& scenario, const RandomOutcome& outcome) {
  const auto queries = scenario.queries();
  if (!queries) return "";
  std::string text = fmt::format("# {}, found by seed {}\n\n", name_of(outcome.verdict), scenario.seed);
  text += fmt::format("statement\n{};\n\n", set_time_zone());
  const std::vector<size_t> read = scenario.tables_read();
  const auto is_read = [&](size_t table) { return std::ranges::count(read, table) > 0; };
  for (const size_t t : read) {
    const Relation& table = scenario.tables[t];
    if (table.partitions > 1) text += fmt::format("topic {} partitions {}\n\n", table.name, table.partitions);
    text += fmt::format("statement\n{};\n\n", create_table(table).engine);
    if (!has_versions(table)) continue;
    for (const std::string& versions : create_versions(table)) {
      const bool used = std::ranges::any_of(*queries, [&](const auto& query) {
        return query.second.text.engine.contains(table.name + kVersions) ||
               query.second.text.engine.contains(table.name + kLastRows);
      });
      if (used) text += fmt::format("statement\n{};\n\n", versions);
    }
  }
  for (size_t i = 0; i < std::min(outcome.step + 1, scenario.steps.size()); ++i) {
    const RandomStep& step = scenario.steps[i];
    if (const auto* create = std::get_if<CreateRandomView>(&step)) {
      const RandomView& view = scenario.views[create->view];
      const RandomQuery& query = queries->at(create->view);
      text += view.plain ? fmt::format("statement\n{};\n\n", create_view(view, query))
                         : fmt::format("stream {}\n{}{};\n\n", view.name, query.text.engine, query.emit);
    } else if (const auto* change = std::get_if<Change>(&step);
               change != nullptr && is_read(change->table) && is_read(change->reads)) {
      text += fmt::format("statement\n{};\n\n", change->sql.engine);
    } else if (const auto* rows = std::get_if<NewRows>(&step); rows != nullptr && is_read(rows->table)) {
      const Relation& table = scenario.tables[rows->table];
      if (!table.of_topic()) {
        text += fmt::format("statement\n{};\n\n", insert_statement(scenario, *rows).engine);
        continue;
      }
      text += fmt::format("input {}{}{}\n", table.name, table.upsert ? " keyed" : "",
                          table.partitions > 1 ? fmt::format(" partition {}", rows->partition) : "");
      for (const std::string& line : rows->lines) text += line + "\n";
      text += "\n";
    } else if (std::holds_alternative<Restart>(step)) {
      text += "# (a restart)\n\n";
    }
  }
  if (outcome.step >= scenario.steps.size()) text += "end\n\n";
  if (outcome.verdict != Verdict::kRefused) {
    text += fmt::format("result {}\n", scenario.views[outcome.view].name);
    for (const std::string& line : outcome.expected) text += line + "\n";
  }
  return text;
}

}  // namespace penstock::sqltest
