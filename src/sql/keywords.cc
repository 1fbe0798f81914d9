#include "sql/keywords.h"

#include <algorithm>
#include <array>

namespace penstock::sql {
namespace {

char upper(char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c; }

// Sorted. Few, so that common column names (date, timestamp, value, user, type, ...) need no quotes.
constexpr std::array<std::string_view, 61> kReserved = {
    "ALL",       "AND",       "AS",     "BETWEEN", "BY",      "CASE",    "CAST",   "CREATE", "CROSS",
    "DELETE",    "DISTINCT",  "DROP",   "ELSE",    "END",     "ESCAPE",  "EXCEPT", "EXISTS", "FALSE",
    "FETCH",     "FOR",       "FROM",   "FULL",    "GROUP",   "HAVING",  "ILIKE",  "IN",     "INNER",
    "INSERT",    "INTERSECT", "INTO",   "IS",      "JOIN",    "LATERAL", "LEFT",   "LIKE",   "LIMIT",
    "NATURAL",   "NOT",       "NULL",   "OFFSET",  "ON",      "OR",      "ORDER",  "OVER",   "QUALIFY",
    "RETURNING", "RIGHT",     "SELECT", "SET",     "SIMILAR", "TABLE",   "THEN",   "TO",     "TRUE",
    "UNION",     "USING",     "VALUES", "WHEN",    "WHERE",   "WINDOW",  "WITH",
};
static_assert(std::ranges::is_sorted(kReserved));

constexpr std::array<std::string_view, 8> kBareFunctions = {
    "CURRENT_CATALOG",   "CURRENT_DATE", "CURRENT_SCHEMA", "CURRENT_TIME",
    "CURRENT_TIMESTAMP", "CURRENT_USER", "LOCALTIME",      "LOCALTIMESTAMP",
};
static_assert(std::ranges::is_sorted(kBareFunctions));

// Words that may be names, but begin something else where an expression or table can stand; printed names that are
// spelt so are quoted.
constexpr std::array<std::string_view, 13> kContextual = {
    "ARRAY", "BOTH",    "CONSTRAINT", "DATE", "GROUPING",  "INTERVAL", "LEADING",
    "MAP",   "PRIMARY", "ROW",        "TIME", "TIMESTAMP", "TRAILING",
};
static_assert(std::ranges::is_sorted(kContextual));

// Words that may be names, but mean something else before a parenthesis.
constexpr std::array<std::string_view, 7> kContextualBeforeParenthesis = {
    "ANY", "CUBE", "DESCRIPTOR", "ROLLUP", "ROW", "SOME", "TRY_CAST",
};
static_assert(std::ranges::is_sorted(kContextualBeforeParenthesis));

template <size_t n>
bool contains(const std::array<std::string_view, n>& sorted, std::string_view word) {
  return std::ranges::binary_search(sorted, to_upper(word));
}

bool is_plain_word(std::string_view name) {
  auto is_letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; };
  if (name.empty() || !is_letter(name.front())) return false;
  return std::ranges::all_of(name, [&](char c) { return is_letter(c) || (c >= '0' && c <= '9'); });
}

std::string quote(std::string_view text, char quote_char) {
  std::string result(1, quote_char);
  for (char c : text) {
    if (c == quote_char) result.push_back(c);
    result.push_back(c);
  }
  result.push_back(quote_char);
  return result;
}

}  // namespace

std::string to_upper(std::string_view text) {
  std::string result(text);
  std::ranges::transform(result, result.begin(), upper);
  return result;
}

std::string to_lower(std::string_view text) {
  std::string result(text);
  std::ranges::transform(result, result.begin(), penstock::to_lower);
  return result;
}

bool is_reserved(std::string_view word) { return contains(kReserved, word); }
bool is_bare_function(std::string_view word) { return contains(kBareFunctions, word); }

std::string quote_identifier(std::string_view name) {
  bool plain = is_plain_word(name) && !is_reserved(name) && !is_bare_function(name) && !contains(kContextual, name);
  return plain ? std::string(name) : quote(name, '`');
}

std::string quote_function_name(std::string_view name) {
  bool join_word = equal_ignoring_case(name, "LEFT") || equal_ignoring_case(name, "RIGHT");
  bool special =
      (is_reserved(name) && !join_word) || is_bare_function(name) || contains(kContextualBeforeParenthesis, name);
  return is_plain_word(name) && !special ? std::string(name) : quote(name, '`');
}

std::string quote_type_name(std::string_view name) {
  bool words = name.starts_with("INTERVAL ");
  return words || (is_plain_word(name) && !is_reserved(name)) ? std::string(name) : quote(name, '`');
}

std::string quote_string(std::string_view text) { return quote(text, '\''); }

}  // namespace penstock::sql
