// A row has passed only projections, conditions and windows since it was read where CURRENT_WATERMARK can be asked for:
//
//   Filter(ts > CURRENT_WATERMARK(ts))         Project(the columns without it)
//     Project(ts, ...)                  ->       Filter(ts > watermark)
//       Scan                                       Project(ts, ..., watermark)
//                                                    Scan with the watermark as one more column
#include "plan/current_watermark.h"

#include <algorithm>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "expr/function.h"
#include "expr/registry.h"
#include "plan/correlation.h"
#include "plan/node.h"
#include "plan/rules.h"

namespace penstock::plan {
namespace {

using expr::Expr;
using expr::ExprPtr;

constexpr std::string_view kFunction = "CURRENT_WATERMARK";

bool is_call(const Expr& expression) {
  return expression.kind() == Expr::Kind::kCall && expression.function().name == kFunction;
}

const Expr* find_call(const Expr& expression) {
  if (is_call(expression)) return &expression;
  for (const ExprPtr& child : expression.children()) {
    if (const Expr* found = find_call(*child)) return found;
  }
  return nullptr;
}

// One of the watermarks that a scan can give with a row.
struct RowWatermark {
  std::string_view name;
  std::string_view key;      // of the metadata
  int ScanSource::* column;  // where it is in the source
  int precision;             // of its type
  bool of_split;             // the row's alone, also of a bounded input
};
constexpr RowWatermark kOfAllSplits = {kFunction, kCurrentWatermarkKey, &ScanSource::current_watermark_column, 3,
                                       false};
constexpr RowWatermark kOfSplit = {"split_watermark", kSplitWatermarkKey, &ScanSource::split_watermark_column, 6, true};

// The source with one more column.
std::shared_ptr<const ScanSource> with_watermark_column(const ScanSource& source, const RowWatermark& wanted) {
  auto wider = std::make_shared<ScanSource>(source);
  const types::DataType time = source.schema[source.watermark_column].type;
  const types::DataType type = time.kind() == types::TypeKind::kTimestampLtz
                                   ? types::DataType::timestamp_ltz(wanted.precision)
                                   : types::DataType::timestamp(wanted.precision);
  types::Field field{std::string(wanted.name), type.with_nullable(true)};
  wider->columns.push_back(Expr::column(source.base.size(), field.type, field.name));
  wider->base.push_back({field, std::string(wanted.key)});
  (*wider).*wanted.column = static_cast<int>(source.schema.size());
  wider->schema.push_back(std::move(field));
  return wider;
}

// The same rows with their watermark as one more column, the last; null where `rowtime` is not a table's.
LogicalPtr add_watermark(const LogicalPtr& node, int rowtime, const RowWatermark& wanted) {
  if (const auto* scan = node->get_if<LogicalScan>()) {
    const bool has_watermark = wanted.of_split ? scan->source->watermark != nullptr : scan->with_watermark;
    const bool of_table = has_watermark && scan->columns[rowtime] == scan->source->watermark_column;
    if (!of_table || !scan->fields.empty()) return nullptr;
    LogicalScan wider = *scan;
    if ((*wider.source).*wanted.column < 0) wider.source = with_watermark_column(*wider.source, wanted);
    wider.columns.push_back((*wider.source).*wanted.column);
    return make_node(std::move(wider), {}, column_names(*node));
  }
  if (node->get_if<UnionAll>() != nullptr && wanted.of_split) {
    std::vector<LogicalPtr> inputs;
    for (const LogicalPtr& input : node->inputs) {
      inputs.push_back(add_watermark(input, rowtime, wanted));
      if (inputs.back() == nullptr) return nullptr;
    }
    return make_node(UnionAll{}, std::move(inputs), column_names(*node));
  }
  if (node->inputs.size() != 1) return nullptr;
  const auto* project = node->get_if<Project>();
  if (project != nullptr) {
    const Expr& column = *project->expressions[rowtime];
    if (column.kind() != Expr::Kind::kColumn || is_outer_column(column)) return nullptr;
    rowtime = static_cast<int>(column.column_index());
  }
  const LogicalPtr& old_input = node->inputs.front();
  const auto inputs = static_cast<int>(old_input->schema.size());
  const auto* assign = node->get_if<AssignWindow>();
  const bool passes = project != nullptr || node->get_if<Filter>() != nullptr ||
                      (assign != nullptr && assign->window.kind != types::Window::Kind::kSession);
  if (!passes || rowtime >= inputs) return nullptr;
  LogicalPtr input = add_watermark(old_input, rowtime, wanted);
  if (input == nullptr) return nullptr;
  std::vector<std::string> names = column_names(*node);
  if (project != nullptr) {
    std::vector<ExprPtr> expressions = project->expressions;
    expressions.push_back(column_of(input->schema, inputs));
    names.emplace_back(wanted.name);
    return make_project(std::move(input), std::move(expressions), std::move(names));
  }
  if (assign == nullptr) return make_filter(std::move(input), node->get_if<Filter>()->predicate);
  // The window's columns come behind those of the input.
  LogicalPtr assigned = make_node(*assign, {std::move(input)});
  std::vector<int> columns;
  for (int i = 0; i < static_cast<int>(assigned->schema.size()); ++i) {
    if (i != inputs) columns.push_back(i);
  }
  columns.push_back(inputs);
  return make_selection(std::move(assigned), columns);
}

// Puts columns of the watermark for the calls of one operator.
class Reader {
 public:
  explicit Reader(LogicalPtr input) : input_(std::move(input)) {}

  ExprPtr read(const ExprPtr& expression) {
    return expr::transform(expression, [&](ExprPtr node) { return is_call(*node) ? read_call(node) : node; });
  }
  const LogicalPtr& input() const { return input_; }

 private:
  ExprPtr read_call(const ExprPtr& call) {
    const Expr& rowtime = *call->child(0);
    if (rowtime.kind() != Expr::Kind::kColumn || is_outer_column(rowtime)) return call;
    auto known = std::ranges::find(columns_, rowtime.column_index(), &std::pair<size_t, int>::first);
    if (known != columns_.end()) return column_of(input_->schema, known->second);
    LogicalPtr wider = add_watermark(input_, static_cast<int>(rowtime.column_index()), kOfAllSplits);
    if (wider == nullptr) return call;
    input_ = std::move(wider);
    columns_.emplace_back(rowtime.column_index(), static_cast<int>(input_->schema.size()) - 1);
    return column_of(input_->schema, columns_.back().second);
  }

  LogicalPtr input_;
  std::vector<std::pair<size_t, int>> columns_;  // of rowtimes, and of their watermarks
};

LogicalPtr rewrite(const LogicalPtr& node) {
  if (const auto* filter = node->get_if<Filter>()) {
    if (find_call(*filter->predicate) == nullptr) return node;
    Reader reader(node->inputs.front());
    ExprPtr predicate = reader.read(filter->predicate);
    return make_selection(make_filter(reader.input(), std::move(predicate)), identity(node->schema.size()));
  }
  const auto* project = node->get_if<Project>();
  auto has_call = [](const ExprPtr& expression) { return find_call(*expression) != nullptr; };
  if (project == nullptr || std::ranges::none_of(project->expressions, has_call)) return node;
  Reader reader(node->inputs.front());
  std::vector<ExprPtr> expressions;
  for (const ExprPtr& expression : project->expressions) expressions.push_back(reader.read(expression));
  return make_project(reader.input(), std::move(expressions), column_names(*node));
}

// A call that is still there.
const Expr* find_left(const LogicalNode& node) {
  const Expr* left = nullptr;
  visit_expressions(node.op, [&](const ExprPtr& expression) {
    if (left == nullptr) left = find_call(*expression);
  });
  for (const LogicalPtr& input : node.inputs) {
    if (left == nullptr) left = find_left(*input);
  }
  return left;
}

}  // namespace

Result<ExprPtr> make_current_watermark(ExprPtr rowtime, int64_t position) {
  types::DataType type = types::DataType(types::TypeKind::kBigInt).with_nullable(false);
  return expr::bind_call(kFunction, {std::move(rowtime), Expr::literal(types::Value(position), type)});
}

Result<LogicalPtr> read_current_watermarks(const LogicalPtr& plan) {
  if (plan->traits.bounded) return plan;
  LogicalPtr read = rewrite_bottom_up(plan, rewrite);
  const Expr* left = find_left(*read);
  if (left == nullptr) return read;
  Error error = unsupported(
                    "CURRENT_WATERMARK is known only of a column with a watermark, of rows that come straight "
                    "from its table")
                    .hint("ask for it in a query over the table alone, before joins and groups");
  const int64_t position = left->child(1)->value().as_int64();
  return position < 0 ? std::move(error) : std::move(error).at(static_cast<uint32_t>(position));
}

LogicalPtr add_split_watermark(const LogicalPtr& node, int rowtime) { return add_watermark(node, rowtime, kOfSplit); }

}  // namespace penstock::plan
