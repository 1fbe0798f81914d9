// Lines of CSV, with the options that the first byte chooses, decode; what was decoded is encoded, and decodes to
// itself.
#include "format/decoder_fuzz_support.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace penstock;
  static const types::Schema kSchema = format::fuzzing::all_types();
  if (size == 0) return 0;
  format::FormatOptions options{.kind = format::FormatKind::kCsv};
  options.escape_character = (data[0] & 1) != 0 ? '\\' : '\0';
  options.allow_comments = (data[0] & 2) != 0;
  options.field_delimiter = (data[0] & 4) != 0 ? '|' : ',';
  options.has_null_literal = true;
  options.null_literal = "NULL";
  std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  columnar::ChangeBatch rows = format::fuzzing::decode_lines(options, kSchema, bytes, true);
  std::string lines = format::fuzzing::encode_lines(options, kSchema, rows);
  columnar::ChangeBatch again = format::fuzzing::decode_lines(options, kSchema, lines, true);
  PENSTOCK_CHECK(to_text(rows) == to_text(again), "what was written reads back: " + lines);
  return 0;
}
