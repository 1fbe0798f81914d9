// Rows as lines of text.
#pragma once

#include <string>
#include <vector>

#include "columnar/change_batch.h"
#include "types/type.h"
#include "types/value.h"

namespace penstock::sqltest {

using Lines = std::vector<std::string>;

// As test files show rows: fields joined by " | ", NULL as NULL; text as it is, but in single quotes where it is empty,
// reads as NULL, begins or ends with a space or quote, or holds a bar, a backslash or a control character.
std::string readable_row(const columnar::ChangeBatch& batch, size_t row);
// One field of it.
void append_readable(std::string& line, const types::Value& value, types::DataType type);
inline constexpr const char* kBetweenFields = " | ";

// As recorded goldens have them: fields joined by a tab, NULL as \N; backslash, tab and line feed escaped.
std::string canonical_row(const columnar::ChangeBatch& batch, size_t row);

// "name TYPE | name TYPE".
std::string column_line(const types::Schema& schema);

// The lines that only one side has, those that are expected with "-" and the others with "+": the first kDiffLinesMax.
// Empty when both are equal.
inline constexpr size_t kDiffLinesMax = 40;
std::string diff(const Lines& expected, const Lines& actual);

}  // namespace penstock::sqltest
