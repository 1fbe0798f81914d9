// Bound expressions: trees whose names are columns and functions, and whose types are known.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "types/type.h"
#include "types/value.h"

namespace penstock::types {
class TimeZone;
}

namespace penstock::expr {

struct ScalarFunction;
class KernelCall;
// Computes a call of a scalar function for all rows at once; see kernel.h.
using Kernel = void (*)(KernelCall& call);

class Expr;
using ExprPtr = std::shared_ptr<const Expr>;

// A node of an expression. Immutable and shared; may be evaluated on several threads at once.
//
// The factories take what is already typed and build exactly that. To resolve names and overloads and to insert
// implicit casts, use bind_call(), bind_case() and bind_cast() of registry.h.
class Expr {
 public:
  enum class Kind : uint8_t {
    kColumn,    // a column of the input batch
    kLiteral,   // a constant
    kCall,      // a scalar function of its children
    kCast,      // child 0 as type(); a value that cannot be cast is a row error
    kTryCast,   // the same, but such a value gives NULL
    kAnd,       // three-valued; a child is evaluated only for the rows that the ones before did not make FALSE
    kOr,        // three-valued; likewise for TRUE
    kCase,      // children: condition, result, condition, result, ..., else. Lazy
    kCoalesce,  // the first child that is not NULL. Lazy
  };

  // `name` is what to_string() shows.
  static ExprPtr column(size_t index, types::DataType type, std::string name = {});
  static ExprPtr literal(types::Value value, types::DataType type);
  static ExprPtr call(const ScalarFunction& function, Kernel kernel, std::vector<ExprPtr> children,
                      types::DataType type);
  static ExprPtr cast(ExprPtr child, types::DataType type);
  static ExprPtr try_cast(ExprPtr child, types::DataType type);
  static ExprPtr logical_and(std::vector<ExprPtr> children);  // no children: TRUE
  static ExprPtr logical_or(std::vector<ExprPtr> children);   // no children: FALSE
  // An odd number of children, the last is ELSE.
  static ExprPtr case_when(std::vector<ExprPtr> children, types::DataType type);
  static ExprPtr coalesce(std::vector<ExprPtr> children, types::DataType type);

  Kind kind() const { return kind_; }
  types::DataType type() const { return type_; }
  std::span<const ExprPtr> children() const { return children_; }
  const ExprPtr& child(size_t i) const { return children_[i]; }

  size_t column_index() const { return column_index_; }          // kColumn
  const std::string& column_name() const { return name_; }       // kColumn; may be empty
  const types::Value& value() const { return value_; }           // kLiteral
  const ScalarFunction& function() const { return *function_; }  // kCall
  Kernel kernel() const { return kernel_; }                      // kCall

  // The time zone in which a call or cast computes, where that matters; null: that of the evaluation.
  const types::TimeZone* zone() const { return zone_; }

  // Whether it is a part of several expressions, or of one in several places: see share_common_parts().
  bool is_common() const { return is_common_; }

  bool is_literal() const { return kind_ == Kind::kLiteral; }
  bool is_null_literal() const { return is_literal() && value_.is_null(); }
  // How high the tree is, and how many nodes it has, where one that stands in several places counts in each: what walks
  // over expressions costs, since they are walked as trees.
  uint32_t levels() const { return levels_; }
  uint32_t parts() const { return parts_; }
  // True when no column and no function that depends on time or chance is in it.
  bool is_constant() const;
  // True when the same row always gives the same value: needed for anything evaluated on retractions.
  bool is_deterministic() const;

  // The same tree, as SQL would write it: "(price * 2) > 10". Columns without a name show as $index.
  std::string to_string() const;
  // Structural equality.
  bool equals(const Expr& other) const;

  // This node with other children, of the same types.
  ExprPtr with_children(std::vector<ExprPtr> children) const;
  // This node in a time zone, which must live as long.
  ExprPtr with_zone(const types::TimeZone& zone) const;
  // This node, marked as common.
  ExprPtr as_common() const;

 private:
  Expr() = default;
  static std::shared_ptr<Expr> make(Kind kind, types::DataType type, std::vector<ExprPtr> children);
  void set_children(std::vector<ExprPtr> children);

  Kind kind_ = Kind::kLiteral;
  types::DataType type_;
  std::vector<ExprPtr> children_;
  uint32_t levels_ = 1;
  uint32_t parts_ = 1;  // at most the greatest number
  size_t column_index_ = 0;
  std::string name_;
  types::Value value_;
  const ScalarFunction* function_ = nullptr;
  Kernel kernel_ = nullptr;
  const types::TimeZone* zone_ = nullptr;
  bool is_common_ = false;
};

// Adds the indexes of all columns in `expr` to `columns`, each once, in the order of first use.
void collect_columns(const Expr& expr, std::vector<size_t>& columns);

// Rebuilds the tree from the leaves up: `replace` gets each node with its new children and returns what stands for it.
ExprPtr transform(const ExprPtr& expr, const std::function<ExprPtr(ExprPtr)>& replace);

// The same expression with `zone` in every call and cast to which the time zone matters and that has none yet.
ExprPtr in_time_zone(const ExprPtr& expr, const types::TimeZone& zone);

// The same expression over other columns: column i becomes column `mapping[i]`, which must not be negative if used.
ExprPtr remap_columns(const ExprPtr& expr, std::span<const int> mapping);

// The parts of a condition that are joined by AND at the top, and the reverse (no parts: TRUE).
std::vector<ExprPtr> split_conjunction(const ExprPtr& condition);
ExprPtr join_conjunction(std::vector<ExprPtr> parts);

}  // namespace penstock::expr
