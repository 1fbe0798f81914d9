// Joins with a table as it is, or was, at a time of the row to the left: JOIN rates FOR SYSTEM_TIME AS OF o.ts ON ...,
// and with the nearest row of a stream: ASOF JOIN quotes MATCH_CONDITION (t.ts >= quotes.ts) ON ...
#include <algorithm>
#include <tuple>

#include "expr/function.h"
#include "plan/binder.h"
#include "plan/node.h"
#include "plan/rules.h"
#include "plan/time_bound.h"

namespace penstock::plan {
namespace {

using expr::ExprPtr;

// Whether the rows are those of a table or materialized view: then it is known when all that is there has been read.
bool is_scan(const LogicalNode& node) {
  if (node.get_if<LogicalScan>() != nullptr) return true;
  const bool passes = node.get_if<Project>() != nullptr || node.get_if<Filter>() != nullptr;
  return (passes || node.get_if<Normalize>() != nullptr) && is_scan(node.input());
}

using Versions = AsOf::Versions;

struct VersionedRows {
  LogicalPtr plan;
  int time = 0;
  std::vector<int> key;
  int gone = -1;  // a BOOLEAN column: the key has no version from then on; -1: it always has
};

// The place of a column of its input in a projection, at whose end it is added where it is missing.
int place_of(int column, const LogicalNode& input, std::vector<ExprPtr>& expressions, std::vector<std::string>& names) {
  ExprPtr wanted = column_of(input.schema, column);
  auto found = std::ranges::find_if(expressions, [&](const ExprPtr& one) { return one->equals(*wanted); });
  if (found == expressions.end()) names.push_back(wanted->column_name());
  return found == expressions.end() ? find_or_add(expressions, wanted) : static_cast<int>(found - expressions.begin());
}

// Of a table, the events that it is made of, where it has a key and a time. `plan` is as the binder makes it.
std::optional<VersionedRows> versions_of_table(const LogicalPtr& plan) {
  bool of_events = plan->get_if<Normalize>() != nullptr;
  const LogicalPtr& rows = of_events ? plan->inputs.front() : plan;
  const auto* scan = rows->get_if<LogicalScan>();
  if (scan == nullptr || !scan->source->traits.append_only) return std::nullopt;
  bool is_whole = scan->columns.size() == scan->source->schema.size() && scan->filter == nullptr;
  if (!is_whole || scan->source->primary_key.empty() || scan->source->watermark_column < 0) return std::nullopt;
  return VersionedRows{.plan = rows,
                       .time = scan->source->watermark_column,
                       .key = scan->source->primary_key,
                       .gone = of_events ? static_cast<int>(plan->schema.size()) : -1};
}

// The rows of which the last one per key is kept (ROW_NUMBER() ... ORDER BY time DESC = 1): each is a version.
std::optional<VersionedRows> versions_of_deduplication(const Rank& rank, const LogicalPtr& rows) {
  bool last_row = rank.function == Rank::Function::kRowNumber && rank.first <= 1 && rank.last == 1 &&
                  rank.order_by.size() == 1 && rank.order_by.front().descending && !rank.partition_by.empty();
  if (!last_row || !rows->traits.append_only) return std::nullopt;
  int time = rank.order_by.front().column;
  bool is_time = rows->traits.bounded ? rows->schema[time].type.is_timestamp()
                                      : std::ranges::count(rows->traits.time_columns, time) > 0;
  if (!is_time) return std::nullopt;
  return VersionedRows{.plan = rows, .time = time, .key = rank.partition_by};
}

// Those of a table, or of a deduplication, also below projections.
std::optional<VersionedRows> versions_of(const LogicalPtr& plan) {
  if (const auto* rank = plan->get_if<Rank>()) return versions_of_deduplication(*rank, plan->inputs.front());
  const auto* project = plan->get_if<Project>();
  if (project == nullptr) return versions_of_table(plan);
  std::optional<VersionedRows> below = versions_of(plan->inputs.front());
  if (!below) return std::nullopt;
  // The rank, which is behind the columns of its input, is 1.
  auto replace_rank = [&](ExprPtr node) {
    bool is_rank = node->kind() == expr::Expr::Kind::kColumn && node->column_index() >= below->plan->schema.size();
    return is_rank ? expr::Expr::literal(types::Value(int64_t{1}), node->type()) : node;
  };
  std::vector<ExprPtr> expressions;
  for (const ExprPtr& one : project->expressions) expressions.push_back(expr::transform(one, replace_rank));
  std::vector<std::string> names = column_names(*plan);
  VersionedRows rows{.plan = nullptr, .time = place_of(below->time, *below->plan, expressions, names)};
  for (int column : below->key) rows.key.push_back(place_of(column, *below->plan, expressions, names));
  if (below->gone >= 0) rows.gone = place_of(below->gone, *below->plan, expressions, names);
  rows.plan = make_project(below->plan, std::move(expressions), std::move(names));
  return rows;
}

// Whether the condition says that the column (of the right side) is equal to something of the left side.
bool determines(const ExprPtr& condition, size_t column, size_t left_columns) {
  if (condition->kind() != expr::Expr::Kind::kCall || condition->function().name != "=") return false;
  auto is_column = [&](const ExprPtr& side) {
    return side->kind() == expr::Expr::Kind::kColumn && side->column_index() == column;
  };
  auto of_left = [&](const ExprPtr& side) {
    std::vector<size_t> used;
    expr::collect_columns(*side, used);
    return !used.empty() && std::ranges::all_of(used, [&](size_t one) { return one < left_columns; });
  };
  const ExprPtr& first = condition->child(0);
  const ExprPtr& second = condition->child(1);
  return (is_column(first) && of_left(second)) || (is_column(second) && of_left(first));
}

Status check_key(const Versions& versions, const LogicalNode& right, size_t left_columns, const ExprPtr& condition) {
  for (int column : versions.version_key) {
    bool is_compared = std::ranges::any_of(expr::split_conjunction(condition), [&](const ExprPtr& one) {
      return determines(one, left_columns + static_cast<size_t>(column), left_columns);
    });
    if (!is_compared) {
      return invalid_argument("ON must say what {} is equal to: it is part of the key of the versions",
                              right.schema[column].name);
    }
  }
  return {};
}

}  // namespace

Result<std::optional<int>> Binder::bind_as_of_time(const sql::Expression& time, const Named& left) {
  ExprPtr bound = PENSTOCK_TRY(bind_expression(time, {.scope = &left.second, .place = "in FOR SYSTEM_TIME AS OF"}));
  if (is_processing_time(*bound)) return std::nullopt;
  const Traits& traits = left.first->traits;
  if (bound->kind() == expr::Expr::Kind::kColumn) {
    auto column = static_cast<int>(bound->column_index());
    if (std::ranges::count(traits.processing_times, column) > 0) return std::nullopt;
    bool is_time = traits.bounded ? bound->type().is_timestamp() : std::ranges::count(traits.time_columns, column) > 0;
    if (is_time) return std::optional(column);
  }
  return unsupported(
             "FOR SYSTEM_TIME AS OF takes a time of the left side: a column that is PROCTIME(), or has a watermark")
      .at(time.position.offset)
      .hint("SELECT *, PROCTIME() AS processed FROM orders gives each row the time at which it is processed");
}

Result<Binder::AsOfTable> Binder::bind_as_of_table(const sql::NamedTable& table, std::optional<int> left_time,
                                                   const Named& left) {
  const uint32_t position = table.name.position().offset;
  LogicalPtr plan = PENSTOCK_TRY(bind_named_table(table.name, table.hints));
  if (!left_time) {
    if (is_scan(*plan)) return AsOfTable{std::move(plan), std::nullopt};
    if (context_.expands_materialized_views) {
      return unsupported(
                 "in an INSERT, FOR SYSTEM_TIME AS OF a PROCTIME() takes a table: views are computed anew there")
          .at(position)
          .hint("leave FOR SYSTEM_TIME AS OF out: the join then follows the changes of both sides");
    }
    return unsupported("FOR SYSTEM_TIME AS OF a PROCTIME() takes a table or a materialized view, not a query")
        .at(position)
        .hint("make it a MATERIALIZED VIEW");
  }
  std::optional<VersionedRows> rows = versions_of(plan);
  if (!rows) {
    RuleContext rule_context{.eval = context_.eval, .mode = context_.mode, .cancelled = context_.cancelled};
    LogicalPtr optimized = PENSTOCK_TRY(optimize(plan, rule_context, context_.disabled_rules));
    rows = versions_of(with_names(optimized, column_names(*plan)));
  }
  if (!rows) {
    return unsupported(
               "it is not known which versions {} had: it has no PRIMARY KEY and WATERMARK over a stream of rows",
               table.name.parts.back().text)
        .at(position)
        .hint("a view of the last row per key will do, too: ROW_NUMBER() OVER (PARTITION BY key ORDER BY ts DESC) = 1");
  }
  types::DataType left_type = left.first->schema[*left_time].type;
  types::DataType right_type = rows->plan->schema[rows->time].type;
  if (left_type.kind() != right_type.kind()) {
    return invalid_argument("FOR SYSTEM_TIME AS OF a {}, but the versions have a {}",
                            left_type.with_nullable(true).to_string(), right_type.with_nullable(true).to_string())
        .at(table.as_of->position.offset);
  }
  Versions versions{
      .left_time = *left_time, .right_time = rows->time, .version_key = std::move(rows->key), .gone = rows->gone};
  return AsOfTable{std::move(rows->plan), std::move(versions)};
}

Result<Binder::Named> Binder::bind_join_as_of(const sql::Join& join, const sql::NamedTable& table, Named left) {
  const uint32_t position = join.right->position.offset;
  JoinKind kind = kind_of(join.kind);
  bool is_known = (join.kind == sql::JoinKind::kInner || join.kind == sql::JoinKind::kLeft) && join.on;
  if (!is_known) return unsupported("FOR SYSTEM_TIME AS OF needs JOIN ... ON or LEFT JOIN ... ON").at(position);
  std::optional<int> left_time = PENSTOCK_TRY(bind_as_of_time(*table.as_of, left));
  if (!left.first->traits.append_only) {
    return unsupported("rows on the left of FOR SYSTEM_TIME AS OF must not be taken back later, and these may be")
        .at(position)
        .hint("a join without FOR SYSTEM_TIME AS OF follows the changes of both sides");
  }
  AsOfTable of_right = PENSTOCK_TRY(bind_as_of_table(table, left_time, left));
  if (!left_time) use_lookup_hint(*join.right);
  const std::string& name = table.name.parts.back().text;
  Named right = PENSTOCK_TRY(name_table(*join.right, name, PENSTOCK_TRY(bind_named_table(table.name, table.hints))));
  PENSTOCK_TRY(check_table_names(left.second, right.second, join.right->position));
  Scope scope(left.second, right.second);
  ExprPtr condition = PENSTOCK_TRY(bind_condition(*join.on, {.scope = &scope, .place = "in ON"}));
  if (of_right.versions) {
    Status compared = check_key(*of_right.versions, *of_right.plan, left.second.size(), condition);
    if (!compared) return std::move(compared).error().at(join.on->position.offset);
  }
  Join looked_up{.kind = kind,
                 .keys = {},
                 .condition = std::move(condition),
                 .output = {},
                 .time = {},
                 .as_of = AsOf{std::move(of_right.versions)}};
  right.first = std::move(of_right.plan);
  return join_as_of(std::move(looked_up), std::move(left), std::move(right), join.right->position);
}

Result<Binder::Named> Binder::join_as_of(Join join, Named left, Named right, sql::Position position) const {
  Scope scope(left.second, right.second);
  join.output = identity(scope.size());
  const JoinKind kind = join.kind;
  LogicalPtr joined = make_node(std::move(join), {std::move(left.first), std::move(right.first)});
  PENSTOCK_TRY(check_size(joined, position));
  set_joined(scope, kind, left.second.size(), joined->schema);
  return Named(std::move(joined), std::move(scope));
}

// left time >= right time, or by >, <= or <; another bound may limit how far they are apart.
Result<AsOf::Versions> Binder::bind_match_condition(const sql::Join& join, const Named& left, const Named& right) {
  const uint32_t position = join.match_condition->position.offset;
  Scope scope(left.second, right.second);
  ExprPtr condition =
      PENSTOCK_TRY(bind_condition(*join.match_condition, {.scope = &scope, .place = "in MATCH_CONDITION"}));
  Versions versions;
  versions.upper_us.reset();
  std::optional<std::pair<int, int>> times;
  for (const ExprPtr& one : expr::split_conjunction(condition)) {
    std::optional<TimeBound> bound = match_time_bound(*one, left.first->schema, right.first->schema);
    if (!bound || (times && *times != std::pair(bound->left, bound->right))) {
      return unsupported(
                 "MATCH_CONDITION compares a time of the left side with one of the right side by >=, >, <= or <")
          .at(position)
          .hint("t.ts >= q.ts; how far they may be apart can follow: AND q.ts >= t.ts - INTERVAL '1' MINUTE");
    }
    times = {bound->left, bound->right};
    std::optional<int64_t>& limit = bound->upper ? versions.upper_us : versions.lower_us;
    if (!limit) limit = bound->limit_us;
    limit = bound->upper ? std::min(*limit, bound->limit_us) : std::max(*limit, bound->limit_us);
  }
  const std::optional<int64_t>& lower = versions.lower_us;
  const std::optional<int64_t>& upper = versions.upper_us;
  if (lower && upper && *lower > *upper) {
    return invalid_argument("MATCH_CONDITION is true for no two times").at(position);
  }
  bool before = upper && *upper <= 0;
  bool after = lower && *lower >= 0;
  if (!before && !after) {
    return unsupported("MATCH_CONDITION does not say whether the row of the right side is the one before or after")
        .at(position)
        .hint("t.ts >= q.ts takes the last row before, t.ts <= q.ts the first one after");
  }
  std::tie(versions.left_time, versions.right_time) = *times;
  for (const auto& [plan, column] :
       {std::pair(left.first, versions.left_time), std::pair(right.first, versions.right_time)}) {
    if (plan->traits.bounded || std::ranges::count(plan->traits.time_columns, column) > 0) continue;
    return invalid_argument("column {} has no watermark, so nobody knows when all rows before it have come",
                            plan->schema[column].name)
        .at(position)
        .hint("declare WATERMARK FOR it in CREATE TABLE");
  }
  return versions;
}

Result<Binder::Named> Binder::bind_asof_join(const sql::Join& join, Named left) {
  Named right = PENSTOCK_TRY(bind_table(*join.right));
  PENSTOCK_TRY(check_table_names(left.second, right.second, join.right->position));
  if (!left.first->traits.append_only || !right.first->traits.append_only) {
    return unsupported("ASOF JOIN takes rows that are never taken back").at(join.right->position.offset);
  }
  Versions versions = PENSTOCK_TRY(bind_match_condition(join, left, right));
  Join last_row{.kind = kind_of(join.kind), .keys = {}, .condition = nullptr, .output = {}, .time = {}, .as_of = {}};
  if (join.on) {
    Scope scope(left.second, right.second);
    size_t left_columns = left.second.size();
    last_row.condition = PENSTOCK_TRY(bind_condition(*join.on, {.scope = &scope, .place = "in ON"}));
    for (const ExprPtr& one : expr::split_conjunction(last_row.condition)) {
      std::vector<size_t> used;
      expr::collect_columns(*one, used);
      auto key = std::ranges::find_if(
          used, [&](size_t column) { return column >= left_columns && determines(one, column, left_columns); });
      if (key == used.end()) {
        return unsupported("ON of an ASOF JOIN says only what columns of the right side are equal to")
            .at(join.on->position.offset)
            .hint("put other conditions into WHERE");
      }
      versions.version_key.push_back(static_cast<int>(*key - left_columns));
    }
  }
  last_row.as_of = AsOf{std::move(versions)};
  return join_as_of(std::move(last_row), std::move(left), std::move(right), join.right->position);
}

}  // namespace penstock::plan
