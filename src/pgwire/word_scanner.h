// Reads the words of a short statement from the front. For the statements that are answered in front of the engine.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace penstock::pgwire {

// A cursor over a text that outlives it. Skips white space and comments. Keywords match in any case.
class WordScanner {
 public:
  explicit WordScanner(std::string_view sql);

  // Takes the next token when it is this keyword (given in lower case) or symbol.
  bool accept(std::string_view token);
  // Takes a name, quoted or not, possibly with dots: the last part counts ("pg_catalog.version" is "version").
  std::optional<std::string> accept_name();
  // Takes a string, number or name as a value, without its quotes.
  std::optional<std::string> accept_value();
  // True when nothing but a semicolon follows.
  bool at_end();

 private:
  void skip_space();
  // The next token's text; empty at the end.
  std::string_view peek() const { return token_; }
  void advance();
  std::optional<std::string> accept_name_part();

  std::string_view rest_;
  std::string_view token_;
};

}  // namespace penstock::pgwire
