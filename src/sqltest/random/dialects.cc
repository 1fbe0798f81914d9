#include "sqltest/random/dialects.h"

#include "base/check.h"

namespace penstock::sqltest {

namespace {

std::string filled(std::string_view pattern, std::initializer_list<Text> arguments, std::string Text::* dialect) {
  std::string text;
  const Text* next = arguments.begin();
  for (size_t at = 0; at < pattern.size(); ++at) {
    const bool numbered = at + 2 < pattern.size() && pattern[at] == '{' && pattern[at + 2] == '}';
    if (numbered) {
      text += (arguments.begin() + (pattern[at + 1] - '0'))->*dialect;
      at += 2;
      continue;
    }
    if (!pattern.substr(at).starts_with("{}")) {
      text += pattern[at];
      continue;
    }
    PENSTOCK_CHECK(next != arguments.end(), "a pattern with more places than arguments");
    text += (next++)->*dialect;
    ++at;
  }
  return text;
}

}  // namespace

Text& Text::operator+=(const Text& more) {
  engine += more.engine;
  sqlite += more.sqlite;
  return *this;
}

Text same(std::string text) { return {.engine = text, .sqlite = text}; }

Text dialects(std::string_view engine, std::string_view sqlite, std::initializer_list<Text> arguments) {
  return {.engine = filled(engine, arguments, &Text::engine), .sqlite = filled(sqlite, arguments, &Text::sqlite)};
}

Text both(std::string_view pattern, std::initializer_list<Text> arguments) {
  return dialects(pattern, pattern, arguments);
}

Text joined(const std::vector<Text>& parts, std::string_view between) {
  Text all;
  for (size_t i = 0; i < parts.size(); ++i) {
    if (i > 0) all += same(std::string(between));
    all += parts[i];
  }
  return all;
}

}  // namespace penstock::sqltest
