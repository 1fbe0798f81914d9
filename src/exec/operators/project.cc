#include "exec/operators/project.h"

#include <algorithm>
#include <utility>

#include "expr/common_parts.h"
#include "expr/evaluate.h"

namespace penstock::exec {

namespace {

// Large values are computed for so many rows at once that they have about this size.
constexpr size_t kPieceBytes = 4 << 20;

// Whether a value may be far larger than what it is made of, as GENERATE_SERIES(1, n) is.
bool may_be_large(const expr::ExprPtr& expression) {
  return expression->type().is_nested() && expression->kind() != expr::Expr::Kind::kColumn &&
         !expression->is_constant();
}

class Project : public Operator {
 public:
  Project(const std::vector<expr::ExprPtr>& expressions, ExpressionContext context)
      : expressions_(expr::share_common_parts(expressions)),
        context_(std::move(context)),
        in_pieces_(std::ranges::any_of(expressions_, may_be_large)) {}

  Status process(int /*port*/, const columnar::ChangeBatch& batch, Output& out) override {
    if (!in_pieces_) return project(batch, out);
    batch_ = batch;
    next_ = 0;
    return resume(out);
  }

  bool unfinished() const override { return next_ < batch_.rows(); }

  Status resume(Output& out) override {
    const size_t end = std::min(batch_.rows(), next_ + piece_rows_);
    const bool whole = next_ == 0 && end == batch_.rows();
    PENSTOCK_TRY(project(whole ? batch_ : batch_.slice(next_, end), out));
    next_ = end;
    if (!unfinished()) {
      batch_ = {};
      next_ = 0;
    }
    return {};
  }

 private:
  Status project(const columnar::ChangeBatch& batch, Output& out) {
    expr::RowErrors errors;
    std::vector<columnar::ColumnPtr> columns = expr::evaluate_all(expressions_, batch, context_.eval(), errors);
    if (in_pieces_) choose_piece(columns, batch.rows());
    columnar::ChangeBatch projected = batch.with_columns(std::move(columns));
    if (!errors.empty()) {
      PENSTOCK_TRY(context_.set_aside(batch, errors));
      projected = projected.take(expr::rows_without(errors, batch.rows()));
    }
    if (!projected.empty()) out.emit(std::move(projected));
    return {};
  }

  // The next piece has twice as many rows at most, since nothing is known of them.
  void choose_piece(const std::vector<columnar::ColumnPtr>& columns, size_t rows) {
    size_t bytes = 1;
    for (size_t i = 0; i < columns.size(); ++i) bytes += may_be_large(expressions_[i]) ? columns[i]->bytes() : 0;
    piece_rows_ = std::clamp<size_t>(rows * kPieceBytes / bytes, 1, std::min(2 * rows, columnar::kBatchRowsMax));
  }

  const std::vector<expr::ExprPtr> expressions_;
  const ExpressionContext context_;
  const bool in_pieces_;
  columnar::ChangeBatch batch_;  // of which the rows from next_ on are left
  size_t next_ = 0;
  size_t piece_rows_ = 1;
};

}  // namespace

std::unique_ptr<Operator> make_project(const std::vector<expr::ExprPtr>& expressions, ExpressionContext context) {
  return std::make_unique<Project>(expressions, std::move(context));
}

}  // namespace penstock::exec
