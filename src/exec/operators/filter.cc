#include "exec/operators/filter.h"

#include <utility>

#include "expr/common_parts.h"
#include "expr/evaluate.h"

namespace penstock::exec {

namespace {

class Filter : public Operator {
 public:
  Filter(const expr::ExprPtr& predicate, ExpressionContext context)
      : predicate_(expr::share_common_parts(predicate)), context_(std::move(context)) {}

  Status process(int /*port*/, const columnar::ChangeBatch& batch, Output& out) override {
    expr::RowErrors errors;
    const columnar::Selection rows = expr::select(*predicate_, batch, context_.eval(), errors);
    PENSTOCK_TRY(context_.set_aside(batch, errors));
    if (rows.size() == batch.rows()) {
      out.emit(batch);
    } else if (!rows.empty()) {
      out.emit(batch.take(rows));
    }
    return {};
  }

 private:
  const expr::ExprPtr predicate_;
  const ExpressionContext context_;
};

}  // namespace

std::unique_ptr<Operator> make_filter(const expr::ExprPtr& predicate, ExpressionContext context) {
  return std::make_unique<Filter>(predicate, std::move(context));
}

}  // namespace penstock::exec
