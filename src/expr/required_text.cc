#include "expr/required_text.h"

#include <optional>

#include "expr/utf8.h"

namespace penstock::expr {

namespace {

// Where a class or group that begins at `at` ends: behind its bracket. nullopt when it is not closed, or is not read
// here, as flags, which hold beyond it.
std::optional<size_t> end_of_class(std::string_view pattern, size_t at) {
  size_t i = at + 1;
  if (i < pattern.size() && pattern[i] == '^') ++i;
  if (i < pattern.size() && pattern[i] == ']') ++i;  // the first is a member
  for (; i < pattern.size(); ++i) {
    if (pattern[i] == '\\') {
      ++i;
    } else if (pattern[i] == '[' && i + 1 < pattern.size() && pattern[i + 1] == ':') {
      i = pattern.find(":]", i + 2);
      if (i == pattern.npos) return std::nullopt;
      ++i;
    } else if (pattern[i] == ']') {
      return i + 1;
    }
  }
  return std::nullopt;
}

std::optional<size_t> end_of_group(std::string_view pattern, size_t at) {
  if (pattern.substr(at).starts_with("(?")) {
    const std::string_view rest = pattern.substr(at + 2);
    if (!rest.starts_with(":") && !rest.starts_with("P<")) return std::nullopt;
  }
  int depth = 0;
  for (size_t i = at; i < pattern.size();) {
    const char c = pattern[i];
    if (c == '[') {
      const std::optional<size_t> end = end_of_class(pattern, i);
      if (!end) return std::nullopt;
      i = *end;
      continue;
    }
    if (c == '\\' && i + 1 < pattern.size() && pattern[i + 1] == 'Q') return std::nullopt;
    if (c == '(') ++depth;
    if (c == ')' && --depth == 0) return i + 1;
    i += c == '\\' ? 2 : 1;
  }
  return std::nullopt;
}

bool is_letter_or_digit(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9'); }

}  // namespace

std::string required_text(std::string_view pattern) {
  std::string longest;
  std::string run;  // characters that follow each other in every match
  size_t last = 0;  // where the last of them begins in `run`
  const auto end_run = [&] {
    if (run.size() > longest.size()) longest = run;
    run.clear();
    last = 0;
  };
  const auto add = [&](std::string_view character) {
    last = run.size();
    run += character;
  };
  for (size_t at = 0; at < pattern.size();) {
    const char c = pattern[at];
    std::optional<size_t> end = at + 1;
    switch (c) {
      case '|': return {};  // either side
      case '(':
        end_run();
        end = end_of_group(pattern, at);
        break;
      case '[':
        end_run();
        end = end_of_class(pattern, at);
        break;
      case '.':
      case '^':
      case '$':
      case ')': end_run(); break;
      case '*':
      case '?':
      case '{':  // of the character before, maybe none
        run.resize(last);
        end_run();
        if (c == '{') {
          end = pattern.find_first_not_of("0123456789,", at + 1);
          if (*end == pattern.npos || pattern[*end] != '}') return {};  // no repetition
          ++*end;
        }
        break;
      case '+': end_run(); break;  // once at least, and what follows may not follow the first
      case '\\':
        if (at + 1 == pattern.size() || pattern[at + 1] == 'Q') return {};
        if (pattern.find_first_of("xpP01234567", at + 1) == at + 1) return {};  // longer than two characters
        if (is_letter_or_digit(pattern[at + 1])) {                              // a class, or a place
          end_run();
        } else {
          add(pattern.substr(at + 1, character_bytes(pattern, at + 1)));
        }
        end = at + 1 + character_bytes(pattern, at + 1);
        break;
      default: add(pattern.substr(at, character_bytes(pattern, at))); end = at + character_bytes(pattern, at);
    }
    if (!end) return {};
    at = *end;
  }
  end_run();
  return longest;
}

}  // namespace penstock::expr
