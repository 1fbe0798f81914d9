// SQL text that means the same to the engine and to SQLite, which is the oracle.
//
// Types differ in SQLite: a DECIMAL(p, s) is an integer of 10^-s, a TIMESTAMP the milliseconds since 1970, a BOOLEAN 0
// or 1.
#pragma once

#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

namespace penstock::sqltest {

struct Text {
  std::string engine;
  std::string sqlite;

  Text& operator+=(const Text& more);
  bool operator==(const Text&) const = default;
};

Text same(std::string text);

// The patterns with each {} replaced by the next argument, in its dialect, and {0}, {1} by that one. A list in braces,
// as that is evaluated from the left: a seed must mean the same with every compiler.
Text dialects(std::string_view engine, std::string_view sqlite, std::initializer_list<Text> arguments);
Text both(std::string_view pattern, std::initializer_list<Text> arguments);

Text joined(const std::vector<Text>& parts, std::string_view between);

}  // namespace penstock::sqltest
