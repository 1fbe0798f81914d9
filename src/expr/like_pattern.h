// Patterns of LIKE.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace penstock::expr {

// A compiled pattern: '%' is any text, '_' any one character, `escape` takes away the meaning of the next one.
class LikePattern {
 public:
  // kInvalidArgument when an escape stands before anything but '%', '_' and itself.
  static Result<LikePattern> compile(std::string_view pattern, char escape);
  bool matches(std::string_view text) const;

 private:
  // What stands between two '%': text in which any_at[i] says that one character of any kind stands there.
  struct Piece {
    struct Element {
      bool any;          // '_'
      std::string text;  // else this
    };
    std::vector<Element> elements;
    bool plain() const { return elements.size() == 1 && !elements[0].any; }
  };

  // Where the piece ends when it matches at `at`; npos when it does not.
  static size_t match_at(const Piece& piece, std::string_view text, size_t at);

  // The pieces with a '%' between each two; the first and last are anchored at the ends. Never empty.
  std::vector<Piece> pieces_;
};

}  // namespace penstock::expr
