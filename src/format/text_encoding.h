// How values are written as text in records: JSON and CSV share all but the quotes.
#pragma once

#include <string>

#include "columnar/column.h"
#include "format/format.h"

namespace penstock::format {

// Appends the value of a row that is not NULL, of any type but STRING: numbers plain, BYTES in base64, timestamps in
// the chosen form without trailing zeros in the fraction, TIMESTAMP_LTZ in UTC with 'Z'.
void append_plain_value(std::string& out, const columnar::Column& column, size_t row, TimestampFormat format);

}  // namespace penstock::format
