#include "plan/array_text.h"

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "expr/registry.h"
#include "types/array_text.h"
#include "types/value.h"

namespace penstock::plan {
namespace {

using expr::Expr;
using expr::ExprPtr;
using types::DataType;
using types::TypeKind;

Result<ExprPtr> read_array(types::ArrayTextReader& in, DataType type);

Result<ExprPtr> read_element(types::ArrayTextReader& in, DataType type) {
  if (type.kind() == TypeKind::kArray && in.at('{')) return read_array(in, type);
  std::optional<std::string> text = PENSTOCK_TRY(in.element());
  if (!text) return Expr::literal({}, type.with_nullable(true));
  if (type.kind() == TypeKind::kArray) return in.unreadable();
  return expr::bind_cast(
      Expr::literal(types::Value(*std::move(text)), DataType(TypeKind::kString).with_nullable(false)), type);
}

// It is as deep as its type.
Result<ExprPtr> read_array(types::ArrayTextReader& in, DataType type) {
  if (!in.accept('{')) return in.unreadable();
  std::vector<ExprPtr> elements;
  if (!in.accept('}')) {
    do {
      elements.push_back(PENSTOCK_TRY(read_element(in, type.part(0))));
    } while (in.accept(','));
    if (!in.accept('}')) return in.unreadable();
  }
  return expr::bind_cast(PENSTOCK_TRY(expr::bind_call("ARRAY", std::move(elements))), type.with_nullable(false));
}

}  // namespace

Result<ExprPtr> bind_array_text(std::string_view text, DataType type) {
  types::ArrayTextReader in(text);
  ExprPtr array = PENSTOCK_TRY(read_array(in, type));
  if (!in.at_end()) return in.unreadable();
  return array;
}

}  // namespace penstock::plan
