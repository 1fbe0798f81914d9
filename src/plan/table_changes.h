// What the records of a table say about rows, as far as the names of its connector and format tell.
#pragma once

#include <string_view>

#include "catalog/entry.h"

namespace penstock::plan {

// Whether a record is an event about a row, that it is there now or that it is gone, and not just a new row. The
// connector then gives the metadata kRowIsGone.
bool gives_events(const catalog::Table& table);
// What a connector says with each event: BOOLEAN NOT NULL.
inline constexpr std::string_view kRowIsGone = "row-is-gone";

// Whether what is written takes the place of the last row with the same primary key.
bool takes_upserts(const catalog::Table& table);
// Whether what is written says what has become of a row.
bool takes_events(const catalog::Table& table);

// The option 'format' or 'value.format'; null when there is none.
const std::string* format_of(const catalog::Table& table);

}  // namespace penstock::plan
