#include "app/shell/completion.h"

#include <algorithm>
#include <cctype>

#include "sql/keywords.h"

namespace penstock::app {
namespace {

constexpr std::string_view kKeywords[] = {
    "ALERT",       "ALL",
    "AND",         "AS",
    "ASC",         "BETWEEN",
    "BIGINT",      "BOOLEAN",
    "BY",          "CASE",
    "CAST",        "COUNT",
    "CREATE",      "CUMULATE",
    "DATE",        "DECIMAL",
    "DEDUPLICATE", "DESC",
    "DESCRIBE",    "DESCRIPTOR",
    "DISTINCT",    "DOUBLE",
    "DROP",        "ELSE",
    "END",         "EXISTS",
    "EXPLAIN",     "FALSE",
    "FLUSH",       "FOR",
    "FROM",        "FULL",
    "GROUP",       "HAVING",
    "HOP",         "IN",
    "INNER",       "INSERT",
    "INT",         "INTERVAL",
    "INTO",        "IS",
    "JOBS",        "JOIN",
    "LEFT",        "LIKE",
    "LIMIT",       "MATERIALIZED",
    "MAX",         "MIN",
    "NOT",         "NULL",
    "ON",          "OR",
    "ORDER",       "OUTER",
    "OVER",        "PARTITION",
    "PRIMARY KEY", "RESET",
    "RIGHT",       "SELECT",
    "SESSION",     "SET",
    "SHOW",        "STRING",
    "SUBSCRIBE",   "SUM",
    "SYSTEM",      "TABLE",
    "TABLES",      "THEN",
    "TIMESTAMP",   "TIMESTAMP_LTZ",
    "TOPICS",      "TRUE",
    "TUMBLE",      "UNION",
    "VALUES",      "VIEW",
    "VIEWS",       "WATERMARK FOR",
    "WHEN",        "WHERE",
    "WITH",
};
constexpr std::string_view kCommands[] = {"\\?", "\\d",      "\\da",     "\\dj", "\\dt",    "\\dv",
                                          "\\i", "\\format", "\\timing", "\\q",  "\\watch", "\\x"};
// After these words stands a table or view.
constexpr std::string_view kBeforeRelations[] = {"FROM", "JOIN", "INTO", "TABLE", "VIEW", "SUBSCRIBE", "DESCRIBE"};
constexpr std::string_view kSpace = " \t\n,(";

bool starts_ignoring_case(std::string_view text, std::string_view prefix) {
  return sql::equal_ignoring_case(text.substr(0, prefix.size()), prefix);
}

// The word before `end`, without the space between.
std::string_view word_before(std::string_view line, size_t end) {
  const std::string_view head = line.substr(0, end);
  const size_t last = head.find_last_not_of(kSpace);
  if (last == std::string_view::npos) return {};
  const size_t space = head.find_last_of(kSpace, last);
  const size_t begin = space == std::string_view::npos ? 0 : space + 1;
  return head.substr(begin, last + 1 - begin);
}

}  // namespace

std::vector<std::string> Completion::candidates(std::string_view line, size_t begin) const {
  const std::string_view word = line.substr(begin);
  const std::string_view previous = word_before(line, begin);
  std::vector<std::string> found;
  const auto add = [&](std::string_view name) {
    if (starts_ignoring_case(name, word)) found.emplace_back(name);
  };

  if (word.starts_with('\\')) {
    for (const std::string_view command : kCommands) add(command);
    return found;
  }
  const bool relation =
      std::any_of(std::begin(kBeforeRelations), std::end(kBeforeRelations),
                  [&](std::string_view keyword) { return sql::equal_ignoring_case(previous, keyword); });
  for (const std::string& name : relations_) add(name);
  if (relation || previous.starts_with("\\d")) return found;
  for (const std::string& name : columns_) add(name);
  const bool lower = !word.empty() && std::islower(static_cast<unsigned char>(word.back())) != 0;
  for (const std::string_view keyword : kKeywords) {
    if (starts_ignoring_case(keyword, word)) found.push_back(lower ? sql::to_lower(keyword) : std::string(keyword));
  }
  std::sort(found.begin(), found.end());
  found.erase(std::unique(found.begin(), found.end()), found.end());
  return found;
}

}  // namespace penstock::app
