#include "exec/operators/project.h"

#include <utility>

#include "expr/evaluate.h"

namespace penstock::exec {

namespace {

class Project : public Operator {
 public:
  Project(std::vector<expr::ExprPtr> expressions, ExpressionContext context)
      : expressions_(std::move(expressions)), context_(std::move(context)) {}

  Status process(int /*port*/, const columnar::ChangeBatch& batch, Output& out) override {
    expr::RowErrors errors;
    const expr::EvalContext eval = context_.eval();
    std::vector<columnar::ColumnPtr> columns;
    columns.reserve(expressions_.size());
    for (const expr::ExprPtr& expression : expressions_) {
      columns.push_back(expr::evaluate(*expression, batch, eval, errors));
    }
    PENSTOCK_TRY(first_error(errors));
    out.emit(batch.with_columns(std::move(columns)));
    return {};
  }

 private:
  const std::vector<expr::ExprPtr> expressions_;
  const ExpressionContext context_;
};

}  // namespace

std::unique_ptr<Operator> make_project(std::vector<expr::ExprPtr> expressions, ExpressionContext context) {
  return std::make_unique<Project>(std::move(expressions), std::move(context));
}

}  // namespace penstock::exec
