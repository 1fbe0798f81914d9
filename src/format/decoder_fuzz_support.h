// What the fuzzers of decoders share.
#pragma once

#include <numeric>
#include <string>
#include <string_view>
#include <vector>

#include "base/check.h"
#include "columnar/change_batch.h"
#include "format/decoder.h"
#include "format/encoder.h"

namespace penstock::format::fuzzing {

inline void add_columns(types::Schema& schema, std::initializer_list<const char*> types) {
  for (const char* text : types) {
    schema.push_back({.name = "c" + std::to_string(schema.size()), .type = types::DataType::parse(text).value()});
  }
}

// A column of every type that is not nested.
inline types::Schema all_types() {
  types::Schema schema;
  add_columns(schema, {"INT", "BIGINT", "DOUBLE", "DECIMAL(20, 4)", "STRING", "BOOLEAN", "BYTES", "DATE", "TIME(3)",
                       "TIMESTAMP(3)", "TIMESTAMP_LTZ(6)", "FLOAT", "INTERVAL DAY TO SECOND"});
  return schema;
}

// Decodes what split_record finds in `bytes`, and checks that every failed record left no trace.
inline columnar::ChangeBatch decode_lines(const FormatOptions& options, const types::Schema& schema,
                                          std::string_view bytes, bool in_place) {
  std::vector<std::string_view> records;
  std::string_view rest = bytes;
  std::string_view record;
  size_t next = 0;
  while (records.size() < columnar::kBatchRowsMax && split_record(options, rest, true, record, next)) {
    PENSTOCK_CHECK(next > 0 && next <= rest.size(), "a record takes some of the bytes");
    records.push_back(record);
    rest.remove_prefix(next);
  }
  std::vector<size_t> wanted(schema.size());
  std::iota(wanted.begin(), wanted.end(), 0);
  auto decoder = RowDecoder::make(options, schema, wanted).value();
  std::vector<columnar::ColumnBuilder> builders;
  for (const types::Field& field : schema) builders.emplace_back(field.type);
  std::vector<FailedRecord> failed;
  decoder->decode(records, in_place ? bytes : std::string_view(), builders, failed);
  std::vector<columnar::ColumnPtr> columns;
  for (columnar::ColumnBuilder& builder : builders) {
    columns.push_back(builder.finish());
    PENSTOCK_CHECK(columns.back()->size() == records.size() - failed.size(), "a failed record left a trace");
  }
  return {records.size() - failed.size(), std::move(columns)};
}

// What was decoded, encoded as lines again.
inline std::string encode_lines(const FormatOptions& options, const types::Schema& schema,
                                const columnar::ChangeBatch& batch) {
  auto encoder = RowEncoder::make(options, schema).value();
  std::string lines;
  for (size_t row = 0; row < batch.rows(); ++row) {
    encoder->encode(batch, row, lines);
    lines += '\n';
  }
  return lines;
}

}  // namespace penstock::format::fuzzing
