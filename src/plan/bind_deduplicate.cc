// DEDUPLICATE(TABLE t PARTITION BY id, DESCRIPTOR(ts), INTERVAL '24' HOUR)
#include <algorithm>
#include <array>
#include <utility>

#include "plan/binder.h"
#include "plan/current_watermark.h"
#include "plan/node.h"
#include "plan/window_call.h"

namespace penstock::plan {

Result<LogicalPtr> Binder::bind_deduplicate(const sql::FunctionCall& call) {
  static constexpr std::array<std::string_view, 3> kParameters = {"DATA", "TIMECOL", "WITHIN"};
  std::vector<const sql::Expression*> arguments = PENSTOCK_TRY(match_arguments(call, kParameters, kParameters.size()));
  const uint32_t position = arguments[0]->position.offset;
  const auto* data = arguments[0]->get_if<sql::TableArgument>();
  if (data == nullptr || data->partition_by.empty() || !data->order_by.empty()) {
    return invalid_argument(
               "DEDUPLICATE needs a table and its keys, as in DEDUPLICATE(TABLE payments PARTITION BY id, "
               "DESCRIPTOR(ts), INTERVAL '24' HOUR)")
        .at(position);
  }
  LogicalPtr input = PENSTOCK_TRY(bind_table_argument(*data, call.name, arguments[0]->position));
  Deduplicate first;
  const sql::Identifier time = PENSTOCK_TRY(time_descriptor(*arguments[1]));
  first.time_column = PENSTOCK_TRY(resolve_column(time, *input));
  const types::DataType type = input->schema[first.time_column].type;
  if (!type.is_timestamp()) {
    return invalid_argument("DEDUPLICATE needs a TIMESTAMP or TIMESTAMP_LTZ, but {} is {}", time.text,
                            type.with_nullable(true).to_string())
        .at(time.position.offset);
  }
  if (!input->traits.append_only) {
    return unsupported("DEDUPLICATE needs rows that are never taken back, and those of this table may be").at(position);
  }
  first.keys = PENSTOCK_TRY(bind_partition_columns(*data, *input));
  first.within_us = PENSTOCK_TRY(bind_window_interval(*arguments[2], "the time within which a key comes out once"));
  if (first.within_us <= 0) {
    return invalid_argument("the time within which a key comes out once must be more than zero")
        .at(arguments[2]->position.offset);
  }
  LogicalPtr rows = add_split_watermark(input, first.time_column);
  if (rows == nullptr) {
    return invalid_argument(
               "DEDUPLICATE needs rows that come straight from a table that has a watermark for their time {}",
               time.text)
        .at(time.position.offset)
        .hint(
            "declare WATERMARK FOR it in CREATE TABLE, and deduplicate before joins and groups; by the clock, take "
            "ROW_NUMBER() OVER (PARTITION BY key ORDER BY PROCTIME()) = 1 and 'table.exec.state.ttl'");
  }
  const size_t columns = input->schema.size();
  first.watermark_column = static_cast<int>(columns);
  return make_selection(make_node(std::move(first), {std::move(rows)}), identity(columns));
}

}  // namespace penstock::plan
