#include "plan/array_text.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "expr/registry.h"
#include "sql/keywords.h"
#include "types/text_scanner.h"
#include "types/value.h"

namespace penstock::plan {
namespace {

using expr::Expr;
using expr::ExprPtr;
using types::DataType;
using types::TypeKind;

constexpr std::string_view kBlanks = " \t\n\r";

// Reads an array from the front of a text. It is as deep as its type.
class ArrayText {
 public:
  explicit ArrayText(std::string_view text) : text_(text), rest_(text) {}

  Result<ExprPtr> read_all(DataType type) {
    skip_blanks();
    ExprPtr array = PENSTOCK_TRY(read(type));
    skip_blanks();
    if (!rest_.empty()) return bad();
    return array;
  }

 private:
  Result<ExprPtr> read(DataType type) {
    if (!accept('{')) return bad();
    std::vector<ExprPtr> elements;
    skip_blanks();
    if (!accept('}')) {
      do {
        elements.push_back(PENSTOCK_TRY(read_element(type.part(0))));
        skip_blanks();
      } while (accept(','));
      if (!accept('}')) return bad();
    }
    return expr::bind_cast(PENSTOCK_TRY(expr::bind_call("ARRAY", std::move(elements))), type.with_nullable(false));
  }

  Result<ExprPtr> read_element(DataType type) {
    skip_blanks();
    if (type.kind() == TypeKind::kArray && rest_.starts_with('{')) return read(type);
    const bool quoted = rest_.starts_with('"');
    const std::string text = quoted ? read_quoted() : read_plain();
    if (!quoted && text.empty()) return bad();
    if (!quoted && sql::equal_ignoring_case(text, "NULL")) return Expr::literal({}, type.with_nullable(true));
    ExprPtr literal = Expr::literal(types::Value(text), DataType(TypeKind::kString).with_nullable(false));
    return expr::bind_cast(std::move(literal), type);
  }

  std::string read_quoted() {
    std::string text;
    rest_.remove_prefix(1);
    while (!rest_.empty() && !accept('"')) text += take();
    return text;
  }

  // Up to a comma or the end of the array, without blanks around it.
  std::string read_plain() {
    std::string text;
    while (!rest_.empty() && rest_.front() != ',' && rest_.front() != '}') text += take();
    text.erase(text.find_last_not_of(kBlanks) + 1);
    return text;
  }

  // One character; a backslash takes the meaning from the one behind it.
  char take() {
    if (rest_.size() > 1 && rest_.front() == '\\') rest_.remove_prefix(1);
    const char c = rest_.front();
    rest_.remove_prefix(1);
    return c;
  }

  bool accept(char c) {
    if (!rest_.starts_with(c)) return false;
    rest_.remove_prefix(1);
    return true;
  }
  void skip_blanks() { rest_.remove_prefix(std::min(rest_.find_first_not_of(kBlanks), rest_.size())); }
  Error bad() const {
    return invalid_argument("cannot read '{}' as an array", types::excerpt(text_))
        .hint("write its elements in braces: '{1,2}'");
  }

  std::string_view text_;
  std::string_view rest_;
};

}  // namespace

Result<ExprPtr> bind_array_text(std::string_view text, DataType type) { return ArrayText(text).read_all(type); }

}  // namespace penstock::plan
