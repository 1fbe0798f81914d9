// What SQLite needs beside its own functions to say what a query must give.
#pragma once

#include <string>
#include <string_view>

struct sqlite3;

namespace penstock::sqltest {

// Adds to a database:
//   PATTERN_MATCHES(letters, expression, past_last): the matches of a regular expression in a text, one after the
//   other,
//     as a JSON array of [first, last]; the next one may begin behind the match, or else with its second letter.
//   ROWS_OF_SESSIONS(rows, gap, delay): the rows of a stream that are in time for their sessions, as [number, start,
//   end]. FIRST_ROWS(rows, within, delay): the numbers of those that DEDUPLICATE gives. NESTED_TEXT(json, brackets):
//   see nested_text().
// `rows` are "number key time" each, with commas between, in the order in which they came; a row without a time has
// none. Times are milliseconds, the watermark is `delay` behind the greatest one so far.
bool add_functions(sqlite3* database);

// A flat array or object of JSON as the engine shows it in a cast to text.
std::string nested_text(std::string_view json, char open, char close);

}  // namespace penstock::sqltest
