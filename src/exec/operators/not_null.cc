#include "exec/operators/not_null.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <utility>

#include "columnar/change_batch.h"
#include "exec/operators/expression_context.h"
#include "expr/evaluate.h"

namespace penstock::exec {

namespace {

class NotNull : public Operator {
 public:
  explicit NotNull(NotNullOptions options)
      : options_(std::move(options)), context_{.failed_rows = options_.failed_rows} {}

  Status process(int /*port*/, const columnar::ChangeBatch& batch, Output& out) override {
    expr::RowErrors errors;
    columnar::Selection kept;
    for (size_t row = 0; row < batch.rows(); ++row) {
      const NotNullOptions::Column* const column = first_null(batch, row);
      if (column == nullptr) {
        kept.push_back(static_cast<uint16_t>(row));
      } else if (!options_.drops) {
        errors.push_back({static_cast<uint16_t>(row),
                          fmt::format("table \"{}\": column {} is NOT NULL", options_.table, column->name)});
      }
    }
    PENSTOCK_TRY(context_.set_aside(batch, errors));
    if (kept.size() == batch.rows()) {
      out.emit(batch);
    } else if (!kept.empty()) {
      out.emit(batch.take(kept));
    }
    return {};
  }

 private:
  const NotNullOptions::Column* first_null(const columnar::ChangeBatch& batch, size_t row) const {
    const auto found = std::ranges::find_if(
        options_.columns, [&](const auto& column) { return batch.column(column.place)->is_null(row); });
    return found == options_.columns.end() ? nullptr : &*found;
  }

  const NotNullOptions options_;
  const ExpressionContext context_;
};

}  // namespace

std::unique_ptr<Operator> make_not_null(NotNullOptions options) {
  return std::make_unique<NotNull>(std::move(options));
}

}  // namespace penstock::exec
