#include "sqltest/random/scenario.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <iterator>
#include <set>
#include <utility>

#include "sqltest/random/expressions.h"

namespace penstock::sqltest {

namespace {

// Of a step, and in large scenarios.
constexpr uint32_t kRowsMax = 8;
constexpr uint32_t kLargeRowsMax = 300;
constexpr uint32_t kKeysMax = 15;
constexpr uint32_t kLargeKeysMax = 400;
constexpr uint32_t kLargeValues = 150;
constexpr uint32_t kLargePercent = 10;
constexpr std::array<int, 3> kWorkers = {1, 2, 4};

// Makes the steps, in the order of time.
class Happenings {
 public:
  Happenings(Choices& choices, Scenario& scenario) : choices_(choices), scenario_(scenario) {
    for (const Relation& table : scenario.tables) {
      clock_ms_.push_back(table.local ? kPutBackMs - kShownTwiceMs - 1000 * choices.below(30) : kFirstTimeMs);
    }
  }

  void make() {
    const uint32_t epochs = 2 + choices_.below(4);
    const size_t views = scenario_.views.size();
    size_t created = 0;
    bool may_restart = true;
    for (size_t v = 0; v < views; ++v) {
      if (!scenario_.views[v].first) continue;
      scenario_.steps.emplace_back(CreateRandomView{v});
      may_restart = false;
    }
    const auto create_until = [&](size_t end) {
      for (; created < end; ++created) {
        if (!scenario_.views[created].first) scenario_.steps.emplace_back(CreateRandomView{created});
      }
    };
    for (uint32_t epoch = 0; epoch < epochs; ++epoch) {
      const size_t until = epoch + 1 == epochs ? views : views * (epoch + 1) / epochs;
      if (epoch > 0 || choices_.chance(70)) {
        create_until(until);
      }
      for (uint32_t count = 2 + choices_.below(4); count > 0; --count) something();
      scenario_.steps.emplace_back(Compare{});
      if (choices_.chance(20) && may_restart) {
        scenario_.steps.emplace_back(Restart{.workers = kWorkers[choices_.below(3)], .crash = choices_.chance(50)});
      }
    }
    create_until(views);
    scenario_.steps.emplace_back(Compare{});
  }

 private:
  void something() {
    const size_t t = choices_.below(static_cast<uint32_t>(scenario_.tables.size()));
    const Relation& table = scenario_.tables[t];
    const uint32_t what = table.of_topic() ? 0 : choices_.below(6);
    if (what == 5 && copy_rows(t)) return;
    if (what < 3) {
      new_rows(t);
    } else if (what == 3 || what == 5) {
      update(t);
    } else {
      const Text condition = where(table);
      scenario_.steps.emplace_back(
          Change{.table = t, .reads = t, .sql = both("DELETE FROM {}{}", {same(table.name), condition})});
    }
  }

  void new_rows(size_t t) {
    const Relation& table = scenario_.tables[t];
    NewRows made{.table = t, .rows = {}, .lines = {}, .conflict = {}};
    if (table.stream) made.partition = static_cast<int32_t>(choices_.below(static_cast<uint32_t>(table.partitions)));
    const uint32_t rows_max = scenario_.large ? kLargeRowsMax : kRowsMax;
    for (uint32_t count = 1 + choices_.below(rows_max); count > 0; --count) {
      std::vector<Text> values;
      std::string json;
      for (size_t c = 0; c < table.columns.size(); ++c) {
        const Column& column = table.columns[c];
        if (table.key == static_cast<int>(c)) {
          values.push_back(same(std::to_string(choices_.below(scenario_.large ? kLargeKeysMax : kKeysMax))));
          continue;
        }
        if (table.local && column.name == kTimeColumn) {
          json += (json.empty() ? "" : ", ") + moment(t, values);
          continue;
        }
        Text value = literal(choices_, column.type, true, scenario_.large ? kLargeValues : kUsualValues);
        if (table.stream && column.name == kTimeColumn) value = event_time(t);
        json += fmt::format("{}\"{}\": {}", json.empty() ? "" : ", ", column.name, json_of(value, column.type));
        values.push_back(std::move(value));
      }
      if (table.upsert) {
        upsert(table, values, json, made);
        continue;
      }
      made.rows.push_back(both("({})", {joined(values, ", ")}));
      if (table.stream) made.lines.push_back("{" + json + "}");
    }
    if (table.key >= 0 && !table.upsert) resolve_keys(table, made);
    scenario_.steps.emplace_back(std::move(made));
  }

  // A record of a topic of upserts; the rows of SQLite are statements.
  void upsert(const Relation& table, const std::vector<Text>& values, const std::string& json, NewRows& made) {
    const std::string& id = values.front().sqlite;
    const std::string key = fmt::format("{{\"id\": {}}}", id);
    Text row = same(fmt::format("DELETE FROM {} WHERE id = {};", table.name, id));
    if (choices_.chance(25)) {  // a tombstone
      made.lines.push_back(key);
    } else {
      made.lines.push_back(fmt::format("{}{}{{\"id\": {}, {}}}", key, kKeyArrow, id, json));
      row.sqlite += fmt::format(" INSERT INTO {} VALUES ({});", table.name, joined(values, ", ").sqlite);
    }
    made.rows.push_back(row);
  }

  // Each key once in a statement; rows that are there already are changed or stay.
  void resolve_keys(const Relation& table, NewRows& made) {
    std::set<std::string> keys;
    std::erase_if(made.rows,
                  [&](const Text& row) { return !keys.insert(row.engine.substr(0, row.engine.find(','))).second; });
    if (choices_.chance(40)) {
      made.conflict = same(" ON CONFLICT (id) DO NOTHING");
      return;
    }
    std::string set;
    for (size_t c = 1; c < table.columns.size(); ++c) {
      if (c > 1 && choices_.chance(30)) continue;
      set += fmt::format("{0}{1} = EXCLUDED.{1}", set.empty() ? "" : ", ", table.columns[c].name);
    }
    made.conflict = same(" ON CONFLICT (id) DO UPDATE SET " + set);
  }

  // In disorder, but never at or behind the watermark, unless rows may be late.
  Text event_time(size_t t) {
    const Relation& table = scenario_.tables[t];
    if (table.time_may_be_null && choices_.chance(10)) return same("NULL");
    clock_ms_[t] += 500 * choices_.below(10);
    // To where clocks show once more what they have shown.
    const bool may_skip = table.local && clock_ms_[t] < kPutBackMs - kShownTwiceMs / 2;
    if (may_skip && choices_.chance(10)) clock_ms_[t] += kShownTwiceMs;
    int64_t behind = 500 * choices_.below(static_cast<uint32_t>(table.watermark_delay_ms / 500));
    if (table.late && choices_.chance(30)) behind = table.watermark_delay_ms + 500 * choices_.below(40);
    return time_literal(clock_ms_[t] - behind);
  }

  // The event time of a stream whose ts is local: its field, and its values for SQLite.
  std::string moment(size_t t, std::vector<Text>& values) {
    const Text at = event_time(t);
    const std::string json = json_of(at, {.kind = ValueKind::kTime});
    if (json == "null") {
      values.insert(values.end(), 2, at);
      return fmt::format("\"{}\": null", kMomentColumn);
    }
    const int64_t ms = std::stoll(at.sqlite);
    values.push_back(time_literal(ms + (ms < kPutBackMs ? kOffsetBeforeMs : kOffsetAfterMs)));
    values.push_back(at);
    return fmt::format("\"{}\": {}Z\"", kMomentColumn, json.substr(0, json.size() - 1));
  }

  // INSERT ... SELECT from a table that has rows to give; where rows have keys they get other ones.
  bool copy_rows(size_t t) {
    const Relation& table = scenario_.tables[t];
    const Relation& from = choices_.pick(scenario_.tables);
    if (from.of_topic() || table.key >= 0) return false;
    ExpressionGenerator expressions(choices_);
    std::vector<Text> values;
    for (const Column& column : table.columns) {
      const Scope found = expressions.of_kind(columns_of(from.columns), column.type.kind);
      // Of the same type: what is wider does not go into a column unasked.
      Scope fitting;
      std::ranges::copy_if(found, std::back_inserter(fitting),
                           [&](const Expression& e) { return column.type.wide || !e.type.wide; });
      values.push_back(fitting.empty() ? literal(choices_, column.type, false) : choices_.pick(fitting).text);
    }
    const Text condition = both(" WHERE {}", {expressions.condition(columns_of(from.columns), 1)});
    scenario_.steps.emplace_back(
        Change{.table = t,
               .reads = static_cast<size_t>(&from - scenario_.tables.data()),
               .sql = both("INSERT INTO {} SELECT {} FROM {}{}",
                           {same(table.name), joined(values, ", "), same(from.name), condition})});
    return true;
  }

  Text where(const Relation& table) {
    ExpressionGenerator expressions(choices_);
    return both(" WHERE {}", {expressions.condition(columns_of(table.columns), 1)});
  }

  void update(size_t t) {
    const Relation& table = scenario_.tables[t];
    const size_t first = table.key >= 0 ? 1 : 0;
    const size_t c = first + choices_.below(static_cast<uint32_t>(table.columns.size() - first));
    const Column& column = table.columns[c];
    Text value = literal(choices_, column.type, true);
    if (column.type.kind == ValueKind::kInt && choices_.chance(50)) {
      value = both("{} + {}", {same(column.name), literal(choices_, column.type, false)});
    }
    const Text condition = where(table);
    scenario_.steps.emplace_back(
        Change{.table = t,
               .reads = t,
               .sql = both("UPDATE {} SET {} = {}{}", {same(table.name), same(column.name), value, condition})});
  }

  Choices& choices_;
  Scenario& scenario_;
  std::vector<int64_t> clock_ms_;  // of each stream
};

// What its query from scratch gives is something else.
bool is_of_moments(const RandomQuery& query) { return query.of_late_rows || query.as_rows_come; }

Relation relation_of(const RandomView& view, const RandomQuery& query) {
  return {.name = view.name,
          .columns = query.columns,
          .view = true,
          .end_only = query.end_only || (view.plain && !query.emit.empty()),  // EMIT is not part of it then
          .without_oracle = query.without_oracle,
          .unfinished = view.plain ? query.reads_end_only : query.end_only};
}

}  // namespace

Scenario Scenario::make(uint64_t seed) {
  Choices choices(seed * 2 + 1);
  Scenario scenario;
  scenario.seed = seed;
  scenario.workers = kWorkers[choices.below(3)];
  scenario.batch_rows_max = choices.chance(40) ? 1 + choices.below(5) : 2048;
  scenario.epoch_interval_busy_us = 1000 * choices.below(3);
  scenario.large = choices.chance(kLargePercent);
  if (scenario.large && scenario.batch_rows_max < 2048) scenario.batch_rows_max *= 20;
  scenario.tables = make_tables(choices);
  std::vector<Relation> relations = scenario.tables;
  for (uint32_t count = 4 + choices.below(4); count > 0; --count) {
    Choices of_query(seed * 1000 + count);
    const RandomQuery query = QueryGenerator(of_query, relations, scenario.large).query();
    scenario.views.push_back({.name = fmt::format("v{}", scenario.views.size()),
                              .choices = of_query.taken(),
                              .plain = query.bounded || (!is_of_moments(query) && choices.chance(20)),
                              .first = query.row_by_row});
    if (!scenario.large && !query.bounded) relations.push_back(relation_of(scenario.views.back(), query));
  }
  Happenings(choices, scenario).make();
  return scenario;
}

std::optional<std::map<size_t, RandomQuery>> Scenario::queries() const {
  std::vector<Relation> relations = tables;
  std::set<std::string> there;
  for (const Relation& table : tables) there.insert(table.name);
  std::map<size_t, RandomQuery> made;
  std::set<size_t> created;
  for (const RandomStep& step : steps) {
    if (const auto* create = std::get_if<CreateRandomView>(&step)) created.insert(create->view);
  }
  for (size_t v = 0; v < views.size(); ++v) {
    Choices choices(views[v].choices);
    RandomQuery query = QueryGenerator(choices, relations, large).query();
    if (!large && !query.bounded) relations.push_back(relation_of(views[v], query));
    if (!created.contains(v)) continue;
    if (!std::ranges::includes(there, query.reads)) return std::nullopt;
    there.insert(views[v].name);
    made.emplace(v, std::move(query));
  }
  return made;
}

std::vector<size_t> Scenario::tables_read() const {
  std::set<std::string> read;
  if (const auto made = queries()) {
    for (const auto& [view, query] : *made) read.insert(query.reads.begin(), query.reads.end());
  }
  std::vector<size_t> found;
  for (size_t t = 0; t < tables.size(); ++t) {
    if (read.contains(tables[t].name)) found.push_back(t);
  }
  return found;
}

std::map<int32_t, int64_t> Scenario::records(size_t table) const {
  std::map<int32_t, int64_t> counts;
  for (int32_t partition = 0; partition < tables[table].partitions; ++partition) counts[partition] = 0;
  for (const RandomStep& step : steps) {
    const auto* rows = std::get_if<NewRows>(&step);
    if (rows == nullptr || rows->table != table) continue;
    counts[rows->partition] += static_cast<int64_t>(rows->rows.size());
  }
  return counts;
}

Text insert_statement(const Scenario& scenario, const NewRows& rows) {
  if (scenario.tables[rows.table].upsert) return joined(rows.rows, " ");
  return both("INSERT INTO {} VALUES {}{}",
              {same(scenario.tables[rows.table].name), joined(rows.rows, ", "), rows.conflict});
}

}  // namespace penstock::sqltest
