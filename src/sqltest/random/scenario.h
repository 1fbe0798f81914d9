// One random test: tables, views over them, and what happens to them.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "sqltest/random/choices.h"
#include "sqltest/random/dialects.h"
#include "sqltest/random/queries.h"
#include "sqltest/random/schema.h"

namespace penstock::sqltest {

// Rows that come into a table: an INSERT, or records of a stream's topic.
struct NewRows {
  size_t table = 0;
  int32_t partition = 0;           // of a stream's topic
  std::vector<Text> rows;          // "(1, 'a')"; of upserts a statement for SQLite
  std::vector<std::string> lines;  // the same as JSON; of streams
  Text conflict;                   // ON CONFLICT ...
};

// An UPDATE, a DELETE or an INSERT ... SELECT.
struct Change {
  size_t table = 0;
  size_t reads = 0;  // another table
  Text sql;
};

struct CreateRandomView {
  size_t view = 0;
};

// Everything has gone through, and all views are compared.
struct Compare {};

struct Restart {
  int workers = 1;
  bool crash = false;
};

using RandomStep = std::variant<NewRows, Change, CreateRandomView, Compare, Restart>;

struct RandomView {
  std::string name;
  std::vector<uint32_t> choices;  // its query comes of these
  bool plain = false;             // CREATE VIEW: nothing is kept, others read it
  bool first = false;             // created before anything comes, and never started again
};

struct Scenario {
  uint64_t seed = 0;
  int workers = 1;
  size_t batch_rows_max = 2048;
  int64_t epoch_interval_busy_us = 50'000;
  bool large = false;  // hundreds of rows a step, of many keys; views over tables only
  std::vector<Relation> tables;
  std::vector<RandomView> views;
  std::vector<RandomStep> steps;

  static Scenario make(uint64_t seed);
  // The queries of the views that are created, in the order of their creation; a view reads tables and views before it.
  // nullopt when a query reads what is not there, as happens while a scenario is shrunk.
  std::optional<std::map<size_t, RandomQuery>> queries() const;
  // The tables that something is read from.
  std::vector<size_t> tables_read() const;
  // How many records each partition of a stream gets.
  std::map<int32_t, int64_t> records(size_t table) const;
};

// INSERT INTO ... VALUES of all rows.
Text insert_statement(const Scenario& scenario, const NewRows& rows);

}  // namespace penstock::sqltest
