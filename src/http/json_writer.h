// SQL values, rows and errors as JSON, as docs/http-api.md describes them.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "base/result.h"
#include "columnar/change_batch.h"
#include "types/type.h"

namespace penstock::http {

// Integers and decimals that a double cannot hold exactly, times, bytes (as \x hex) and numbers that are not finite are
// strings; nested values are arrays and objects.
void append_value(std::string& out, const columnar::Column& column, size_t row);

// `prefix` and then the values: [1,"food"].
void append_row(std::string& out, const columnar::ChangeBatch& batch, size_t row, std::string_view prefix = {});

// [{"name":"category","type":"STRING"}, ...]
void append_columns(std::string& out, const types::Schema& schema);

// {"code":...,"message":...,"hint":...,"position":...}; the position counts characters of `sql` from 1.
std::string error_json(const Error& error, std::string_view sql = {}, size_t sql_offset = 0);

// The HTTP status that goes with an error.
int http_status(ErrorCode code);

}  // namespace penstock::http
