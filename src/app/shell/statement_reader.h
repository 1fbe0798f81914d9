// Cuts what is typed or read from a file into statements and backslash commands.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace penstock::app {

// Knows just enough of SQL to find the semicolons that end statements: strings, quoted names, comments, statement sets.
class StatementReader {
 public:
  // Adds a line, without its newline.
  void add_line(std::string_view line);

  struct Item {
    bool is_command = false;  // a line that begins with a backslash, without the statement it may follow
    std::string text;         // of a statement: with its semicolon
  };
  // The next complete item; nothing when more lines are needed.
  std::optional<Item> next();
  // At the end of the input: what is left, as a statement; nothing when only space and comments are.
  std::optional<Item> rest();

  // In the midst of a statement: the prompt shows it.
  bool pending() const;
  void clear() { buffer_.clear(); }

 private:
  std::string buffer_;
};

}  // namespace penstock::app
