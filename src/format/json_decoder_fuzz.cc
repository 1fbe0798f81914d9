// Lines of JSON decode to the same rows in place and copied; what was decoded is encoded, and decodes to itself.
#include "format/decoder_fuzz_support.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace penstock;
  static const types::Schema kSchema = [] {
    types::Schema schema = format::fuzzing::all_types();
    format::fuzzing::add_columns(schema, {"ARRAY<INT>", "MAP<STRING, ARRAY<DOUBLE>>", "MULTISET<STRING>",
                                          "ROW<a INT, b ROW<c STRING NOT NULL, d ARRAY<TIMESTAMP(3)>>>"});
    return schema;
  }();
  const format::FormatOptions options;
  std::string_view bytes(reinterpret_cast<const char*>(data), size);
  columnar::ChangeBatch rows = format::fuzzing::decode_lines(options, kSchema, bytes, true);
  columnar::ChangeBatch copied = format::fuzzing::decode_lines(options, kSchema, bytes, false);
  PENSTOCK_CHECK(to_text(rows) == to_text(copied), "decoding in place gives the same");
  std::string lines = format::fuzzing::encode_lines(options, kSchema, rows);
  columnar::ChangeBatch again = format::fuzzing::decode_lines(options, kSchema, lines, true);
  PENSTOCK_CHECK(to_text(rows) == to_text(again), "what was written reads back: " + lines);
  return 0;
}
