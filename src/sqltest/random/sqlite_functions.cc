#include "sqltest/random/sqlite_functions.h"

#include <fmt/format.h>
#include <sqlite3.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <map>
#include <optional>
#include <regex>
#include <vector>

namespace penstock::sqltest {

namespace {

struct StreamRow {
  int64_t number = 0;
  int64_t key = 0;
  std::optional<int64_t> time;
};

std::string text_of(sqlite3_value* value) {
  const auto* text = reinterpret_cast<const char*>(sqlite3_value_text(value));
  return text == nullptr ? std::string() : text;
}

std::vector<StreamRow> rows_of(const std::string& text) {
  std::vector<StreamRow> rows;
  const char* at = text.c_str();
  while (*at != '\0') {
    char* end = nullptr;
    StreamRow row;
    row.number = std::strtoll(at, &end, 10);
    row.key = std::strtoll(end, &end, 10);
    at = *end == ' ' ? end + 1 : end;
    if (*at != ',' && *at != '\0') {
      row.time = std::strtoll(at, &end, 10);
      at = end;
    }
    if (*at == ',') ++at;
    rows.push_back(row);
  }
  return rows;
}

// The greatest time so far and how far behind it the watermark is; nothing before the first row.
class Watermark {
 public:
  explicit Watermark(int64_t delay) : delay_(delay) {}
  bool has_reached(int64_t time) const { return greatest_ && *greatest_ - delay_ >= time; }
  void add(int64_t time) { greatest_ = greatest_ ? std::max(*greatest_, time) : time; }

 private:
  int64_t delay_;
  std::optional<int64_t> greatest_;
};

void answer(sqlite3_context* context, const std::vector<std::string>& parts) {
  const std::string json = fmt::format("[{}]", fmt::join(parts, ","));
  sqlite3_result_text(context, json.c_str(), static_cast<int>(json.size()), SQLITE_TRANSIENT);
}

void pattern_matches(sqlite3_context* context, int /*count*/, sqlite3_value** arguments) {
  const std::string letters = text_of(arguments[0]);
  const std::regex pattern(text_of(arguments[1]));
  const bool past_last = sqlite3_value_int(arguments[2]) != 0;
  std::vector<std::string> found;
  for (size_t at = 0; at < letters.size();) {
    std::smatch match;
    const auto begin = letters.begin() + static_cast<ptrdiff_t>(at);
    if (!std::regex_search(begin, letters.end(), match, pattern, std::regex_constants::match_continuous)) {
      ++at;
      continue;
    }
    const auto length = static_cast<size_t>(match.length());
    found.push_back(fmt::format("[{},{}]", at, at + length - 1));
    at += past_last ? length : 1;
  }
  answer(context, found);
}

struct Session {
  int64_t start = 0;
  int64_t end = 0;
  std::vector<int64_t> rows;
};

void rows_of_sessions(sqlite3_context* context, int /*count*/, sqlite3_value** arguments) {
  const int64_t gap = sqlite3_value_int64(arguments[1]);
  Watermark watermark(sqlite3_value_int64(arguments[2]));
  std::map<int64_t, std::vector<Session>> open;
  std::vector<std::string> closed;
  const auto close = [&](std::vector<Session>& sessions, bool all) {
    std::erase_if(sessions, [&](const Session& session) {
      if (!all && !watermark.has_reached(session.end - 1)) return false;
      for (const int64_t row : session.rows)
        closed.push_back(fmt::format("[{},{},{}]", row, session.start, session.end));
      return true;
    });
  };
  for (const StreamRow& row : rows_of(text_of(arguments[0]))) {
    if (!row.time) continue;
    std::vector<Session>& sessions = open[row.key];
    close(sessions, false);
    Session own{.start = *row.time, .end = *row.time + gap, .rows = {row.number}};
    const auto meets = [&](const Session& session) { return session.start <= own.end && own.start <= session.end; };
    const bool alone = std::ranges::none_of(sessions, meets);
    if (!alone || !watermark.has_reached(own.end - 1)) {
      // Those that it is near to become one.
      Session joint = own;
      std::erase_if(sessions, [&](const Session& session) {
        if (!meets(session)) return false;
        joint.start = std::min(joint.start, session.start);
        joint.end = std::max(joint.end, session.end);
        joint.rows.insert(joint.rows.end(), session.rows.begin(), session.rows.end());
        return true;
      });
      sessions.push_back(joint);
    }
    watermark.add(*row.time);
  }
  for (auto& [key, sessions] : open) close(sessions, true);
  answer(context, closed);
}

void first_rows(sqlite3_context* context, int /*count*/, sqlite3_value** arguments) {
  const int64_t within = sqlite3_value_int64(arguments[1]);
  Watermark watermark(sqlite3_value_int64(arguments[2]));
  std::map<int64_t, int64_t> known_until;
  std::vector<std::string> first;
  for (const StreamRow& row : rows_of(text_of(arguments[0]))) {
    if (!row.time) continue;
    const auto known = known_until.find(row.key);
    const bool repeated = known != known_until.end() && !watermark.has_reached(known->second);
    if (!watermark.has_reached(*row.time) && !repeated) {
      first.push_back(std::to_string(row.number));
      known_until[row.key] = *row.time + within;
    }
    watermark.add(*row.time);
  }
  answer(context, first);
}

void nested_text_of(sqlite3_context* context, int /*count*/, sqlite3_value** arguments) {
  if (sqlite3_value_type(arguments[0]) == SQLITE_NULL) return sqlite3_result_null(context);
  const std::string brackets = text_of(arguments[1]);
  const std::string text = nested_text(text_of(arguments[0]), brackets[0], brackets[1]);
  sqlite3_result_text(context, text.c_str(), static_cast<int>(text.size()), SQLITE_TRANSIENT);
}

}  // namespace

bool add_functions(sqlite3* database) {
  const auto add = [&](const char* name, int arguments, void (*function)(sqlite3_context*, int, sqlite3_value**)) {
    return sqlite3_create_function(database, name, arguments, SQLITE_UTF8 | SQLITE_DETERMINISTIC, nullptr, function,
                                   nullptr, nullptr) == SQLITE_OK;
  };
  return add("PATTERN_MATCHES", 3, pattern_matches) && add("ROWS_OF_SESSIONS", 3, rows_of_sessions) &&
         add("FIRST_ROWS", 3, first_rows) && add("NESTED_TEXT", 2, nested_text_of);
}

std::string nested_text(std::string_view json, char open, char close) {
  std::string text(1, open);
  bool in_string = false;
  for (size_t at = 1; at + 1 < json.size(); ++at) {
    const char c = json[at];
    if (c == '"') {
      in_string = !in_string;
    } else if (in_string) {
      text += c;
    } else if (json.substr(at).starts_with("null")) {
      text += "NULL";
      at += 3;
    } else if (c == ',') {
      text += ", ";
    } else {
      text += c == ':' ? '=' : c;
    }
  }
  return text + close;
}

}  // namespace penstock::sqltest
