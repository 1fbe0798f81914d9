// PostgreSQL's text of an array: {1,2}, {a,"b c",NULL} or {{1,2},{3,4}}.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace penstock::types {

// Reads it from the front, piece by piece. Blanks around the pieces do not count.
class ArrayTextReader {
 public:
  explicit ArrayTextReader(std::string_view text);

  bool at_end() const { return rest_.empty(); }
  bool at(char c) const { return rest_.starts_with(c); }
  // Takes a brace or a comma, where it stands.
  bool accept(char c);
  // An element that is no array itself; nothing for NULL.
  Result<std::optional<std::string>> element();
  // What is said of a text that is none.
  Error unreadable() const;

 private:
  void skip_blanks();
  char take();

  std::string_view text_;
  std::string_view rest_;
};

}  // namespace penstock::types
