#include "expr/window_function.h"

#include <algorithm>
#include <array>

namespace penstock::expr {

namespace {

using Kind = WindowFunctionKind;

constexpr std::array<WindowFunction, 11> kFunctions = {{
    {.kind = Kind::kRowNumber,
     .name = "ROW_NUMBER",
     .signature = "ROW_NUMBER() OVER (... ORDER BY ...)",
     .description = "The number of the row within its partition, from 1.",
     .examples = "ROW_NUMBER() OVER (ORDER BY x) FROM (VALUES (7), (8)) AS t(x) => 1; 2"},
    {.kind = Kind::kRank,
     .name = "RANK",
     .signature = "RANK() OVER (... ORDER BY ...)",
     .description = "One more than the number of rows before it; equal rows have equal ranks.",
     .examples = "RANK() OVER (ORDER BY x) FROM (VALUES (7), (7), (8)) AS t(x) => 1; 1; 3"},
    {.kind = Kind::kDenseRank,
     .name = "DENSE_RANK",
     .signature = "DENSE_RANK() OVER (... ORDER BY ...)",
     .description = "The rank without gaps behind equal rows.",
     .examples = "DENSE_RANK() OVER (ORDER BY x) FROM (VALUES (7), (7), (8)) AS t(x) => 1; 1; 2"},
    {.kind = Kind::kPercentRank,
     .name = "PERCENT_RANK",
     .signature = "PERCENT_RANK() OVER (... ORDER BY ...)",
     .description = "(rank - 1) / (rows - 1) within the partition; 0 for a single row.",
     .examples = "PERCENT_RANK() OVER (ORDER BY x) FROM (VALUES (7), (8)) AS t(x) => 0.0; 1.0"},
    {.kind = Kind::kCumeDist,
     .name = "CUME_DIST",
     .signature = "CUME_DIST() OVER (... ORDER BY ...)",
     .description = "The share of the partition's rows that are not behind this one.",
     .examples = "CUME_DIST() OVER (ORDER BY x) FROM (VALUES (7), (8)) AS t(x) => 0.5; 1.0"},
    {.kind = Kind::kNtile,
     .name = "NTILE",
     .signature = "NTILE(n) OVER (... ORDER BY ...)",
     .description = "The number, from 1, of the row's share when the partition is cut into n equal ones.",
     .examples = "NTILE(2) OVER (ORDER BY x) FROM (VALUES (7), (8)) AS t(x) => 1; 2",
     .arguments_min = 1,
     .arguments_max = 1},
    {.kind = Kind::kLag,
     .name = "LAG",
     .signature = "LAG(value [, offset [, default]]) [IGNORE NULLS] OVER (... ORDER BY ...)",
     .description = "The value in the row that is `offset` (1) rows before; the default (NULL) where there is none.",
     .examples = "LAG(x) OVER (ORDER BY x) FROM (VALUES (7), (8)) AS t(x) => 7; NULL",
     .arguments_min = 1,
     .arguments_max = 3,
     .takes_nulls = true},
    {.kind = Kind::kLead,
     .name = "LEAD",
     .signature = "LEAD(value [, offset [, default]]) [IGNORE NULLS] OVER (... ORDER BY ...)",
     .description = "The value in the row that is `offset` (1) rows behind; the default (NULL) where there is none.",
     .examples = "LEAD(x, 1, 0) OVER (ORDER BY x) FROM (VALUES (7), (8)) AS t(x) => 0; 8",
     .arguments_min = 1,
     .arguments_max = 3,
     .takes_nulls = true},
    {.kind = Kind::kFirstValue,
     .name = "FIRST_VALUE",
     .signature = "FIRST_VALUE(value) [RESPECT NULLS] OVER (...)",
     .description = "The first value of the frame that is not NULL; with RESPECT NULLS the first one.",
     .examples = "FIRST_VALUE(x) OVER (ORDER BY x) FROM (VALUES (7), (8)) AS t(x) => 7; 7",
     .arguments_min = 1,
     .arguments_max = 1,
     .needs_order = false,
     .framed = true,
     .takes_nulls = true},
    {.kind = Kind::kLastValue,
     .name = "LAST_VALUE",
     .signature = "LAST_VALUE(value) [RESPECT NULLS] OVER (...)",
     .description = "The last value of the frame that is not NULL; with RESPECT NULLS the last one.",
     .examples = "LAST_VALUE(x) OVER (ORDER BY x) FROM (VALUES (7), (8)) AS t(x) => 7; 8",
     .arguments_min = 1,
     .arguments_max = 1,
     .needs_order = false,
     .framed = true,
     .takes_nulls = true},
    {.kind = Kind::kNthValue,
     .name = "NTH_VALUE",
     .signature = "NTH_VALUE(value, n) [IGNORE NULLS] OVER (...)",
     .description = "The value in the n-th row of the frame, from 1; NULL where the frame has fewer.",
     .examples = "NTH_VALUE(x, 2) OVER (ORDER BY x) FROM (VALUES (7), (8)) AS t(x) => 8; NULL",
     .arguments_min = 2,
     .arguments_max = 2,
     .needs_order = false,
     .framed = true,
     .takes_nulls = true},
}};

}  // namespace

const WindowFunction* find_window_function(std::string_view name) {
  const auto* found = std::ranges::find(kFunctions, name, &WindowFunction::name);
  return found == kFunctions.end() ? nullptr : found;
}

std::span<const WindowFunction> window_functions() { return kFunctions; }

}  // namespace penstock::expr
