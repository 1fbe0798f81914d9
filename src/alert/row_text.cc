#include "alert/row_text.h"

#include <fmt/format.h>

#include <cmath>
#include <string_view>

#include "base/hash.h"
#include "base/json_text.h"
#include "types/value.h"

namespace penstock::alert {

namespace {

// The first bytes, without half of a UTF-8 character.
std::string_view prefix_of(std::string_view text, size_t bytes) {
  while (bytes > 0 && (static_cast<unsigned char>(text[bytes]) & 0xc0) == 0x80) --bytes;
  return text.substr(0, bytes);
}

void append_json_value(std::string& out, const types::Value& value, types::DataType type) {
  if (value.is_null()) {
    out += "null";
    return;
  }
  const std::string text = types::to_text(value, type);
  const bool finite = type.physical() != types::Physical::kDouble || std::isfinite(value.as_double());
  if ((type.is_numeric() && finite) || type.kind() == types::TypeKind::kBoolean) {
    out += text;
  } else if (text.size() <= kValueTextBytesMax) {
    append_json_string(out, text);
  } else {
    append_json_string(out, std::string(prefix_of(text, kValueTextBytesMax)) + "...");
  }
}

}  // namespace

std::string row_json(const types::Schema& schema, const columnar::ChangeBatch& batch, size_t row) {
  std::string out = "{";
  for (size_t c = 0; c < schema.size(); ++c) {
    if (c > 0) out += ",";
    append_json_string(out, schema[c].name);
    out += ":";
    append_json_value(out, batch.column(c)->value(row), schema[c].type);
  }
  return out + "}";
}

std::string key_text(const types::Schema& schema, const std::vector<int>& key, const columnar::ChangeBatch& batch,
                     size_t row) {
  std::string out;
  for (const int c : key) {
    const auto column = static_cast<size_t>(c);
    if (!out.empty()) out += ", ";
    out += schema[column].name + "=" + types::to_text(batch.column(column)->value(row), schema[column].type);
  }
  if (out.size() <= kKeyTextBytesMax) return out;
  return fmt::format("{}... #{:016x}", prefix_of(out, kKeyTextBytesMax), hash64(out));
}

}  // namespace penstock::alert
