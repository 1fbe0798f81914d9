// How expressions read in EXPLAIN and in messages.
#include <fmt/format.h>

#include "expr/expr.h"
#include "expr/function.h"

namespace penstock::expr {

namespace {

using types::TypeKind;

std::string literal_text(const types::Value& value, types::DataType type) {
  if (value.is_null()) return "NULL";
  std::string text = types::to_text(value, type);
  auto quoted = [&] {
    std::string out = "'";
    for (char c : text) {
      if (c == '\'') out += '\'';
      out += c;
    }
    return out + "'";
  };
  switch (type.kind()) {
    case TypeKind::kString: return quoted();
    case TypeKind::kBytes: return "X" + quoted();
    case TypeKind::kDate: return "DATE " + quoted();
    case TypeKind::kTime: return "TIME " + quoted();
    case TypeKind::kTimestamp: return "TIMESTAMP " + quoted();
    case TypeKind::kTimestampLtz: return "TIMESTAMP_LTZ " + quoted();
    case TypeKind::kIntervalDayTime: return "INTERVAL " + quoted() + " DAY TO SECOND";
    case TypeKind::kIntervalYearMonth: return "INTERVAL " + quoted() + " YEAR TO MONTH";
    default: return text;
  }
}

// a.b, a[i], ARRAY[a], MAP[a, b]: these bind tighter than all operators.
bool is_tight(const Expr& expr) {
  if (expr.kind() != Expr::Kind::kCall) return false;
  std::string_view name = expr.function().name;
  return name == "." || name == "[]" || name == "ARRAY" || name == "MAP";
}

// Operands of operators stand in parentheses unless they are leaves or calls with parentheses of their own.
std::string operand_text(const Expr& expr) {
  std::string text = expr.to_string();
  bool has_operator = expr.kind() == Expr::Kind::kAnd || expr.kind() == Expr::Kind::kOr ||
                      (expr.kind() == Expr::Kind::kCall && !text.empty() && text.back() != ')') ||
                      (expr.kind() == Expr::Kind::kCall && expr.function().signature.find('(') == std::string::npos);
  return has_operator && !is_tight(expr) ? "(" + text + ")" : text;
}

std::string joined(std::span<const ExprPtr> children, std::string_view separator, bool as_operands) {
  std::string out;
  for (const ExprPtr& child : children) {
    if (!out.empty()) out += separator;
    out += as_operands ? operand_text(*child) : child->to_string();
  }
  return out;
}

std::string call_text(const Expr& expr) {
  std::string_view name = expr.function().name;
  std::span<const ExprPtr> children = expr.children();
  if (name == "NEGATE") return "-" + operand_text(*children[0]);
  if (name == "NOT") return "NOT " + operand_text(*children[0]);
  if (name == ".") {
    size_t field = static_cast<size_t>(children[1]->value().as_int64());
    return operand_text(*children[0]) + "." + children[0]->type().parts()[field].name;
  }
  if (name == "[]") return fmt::format("{}[{}]", operand_text(*children[0]), children[1]->to_string());
  if (name == "ARRAY" || name == "MAP") return fmt::format("{}[{}]", name, joined(children, ", ", false));
  if (name == "IN" || name == "NOT IN") {
    return fmt::format("{} {} ({})", operand_text(*children[0]), name, joined(children.subspan(1), ", ", false));
  }
  bool infix = expr.function().signature.find('(') == std::string_view::npos;
  if (!infix) return fmt::format("{}({})", name, joined(children, ", ", false));
  if (children.empty()) return std::string(name);
  if (children.size() == 1) return fmt::format("{} {}", operand_text(*children[0]), name);
  if (children.size() == 3) {  // only LIKE and its kin
    return fmt::format("{} {} {} ESCAPE {}", operand_text(*children[0]), name, operand_text(*children[1]),
                       operand_text(*children[2]));
  }
  return joined(children, fmt::format(" {} ", name), true);
}

std::string case_text(std::span<const ExprPtr> children) {
  std::string out = "CASE";
  for (size_t i = 0; i + 1 < children.size(); i += 2) {
    out += fmt::format(" WHEN {} THEN {}", children[i]->to_string(), children[i + 1]->to_string());
  }
  return out + fmt::format(" ELSE {} END", children.back()->to_string());
}

}  // namespace

std::string Expr::to_string() const {
  switch (kind_) {
    case Kind::kColumn: return name_.empty() ? fmt::format("${}", column_index_) : name_;
    case Kind::kLiteral: return literal_text(value_, type_);
    case Kind::kCall: return call_text(*this);
    case Kind::kCast:
    case Kind::kTryCast:
      return fmt::format("{}({} AS {})", kind_ == Kind::kCast ? "CAST" : "TRY_CAST", children_[0]->to_string(),
                         type_.with_nullable(true).to_string());
    case Kind::kAnd: return joined(children_, " AND ", true);
    case Kind::kOr: return joined(children_, " OR ", true);
    case Kind::kCase: return case_text(children_);
    case Kind::kCoalesce: return fmt::format("COALESCE({})", joined(children_, ", ", false));
  }
  return "?";
}

}  // namespace penstock::expr
