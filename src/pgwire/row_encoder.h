// Writes the rows of a batch as DataRow messages.
#pragma once

#include <string>
#include <vector>

#include "columnar/change_batch.h"
#include "pgwire/backend.h"
#include "pgwire/frontend.h"
#include "types/type.h"

namespace penstock::pgwire {

// Made once for a result, for its types and the formats that the client asked for. Immutable.
class RowEncoder {
 public:
  // `formats` is of one of the lengths that format_at() knows.
  RowEncoder(const types::Schema& schema, const std::vector<Format>& formats);

  // Appends the rows [begin, end) of `batch`, which has the schema's columns.
  void append_rows(std::string& out, const columnar::ChangeBatch& batch, size_t begin, size_t end) const;

 private:
  // Appends the value of one row, which is not null.
  using AppendValue = void (*)(std::string& out, const columnar::Column& column, size_t row);
  static AppendValue text_form(types::DataType type);
  static AppendValue binary_form(types::DataType type);
  // Of nested types: arrays in PostgreSQL's forms, and JSON for what it has no array for.
  static void append_array_text(std::string& out, const columnar::Column& column, size_t row);
  static void append_array_binary(std::string& out, const columnar::Column& column, size_t row);
  static void append_json(std::string& out, const columnar::Column& column, size_t row);

  std::vector<AppendValue> columns_;
};

// The columns of a RowDescription.
std::vector<ColumnDescription> describe_columns(const types::Schema& schema, const std::vector<Format>& formats);

}  // namespace penstock::pgwire
