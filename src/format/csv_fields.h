// Splits one CSV record into its fields (RFC 4180, with Flink's options).
#pragma once

#include <string>
#include <string_view>

#include "format/format.h"

namespace penstock::format {

class CsvFields {
 public:
  enum class Next : uint8_t { kField, kEnd, kUnclosedQuote, kTextAfterQuote };

  // `record` without its end of line; it must outlive the reader, and `options` too.
  CsvFields(const FormatOptions& options, std::string_view record) : options_(options), rest_(record) {}

  // Reads the next field. `text` is valid until the next call; `quoted` says whether it stood in quotes.
  Next next(std::string_view& text, bool& quoted);

 private:
  Next quoted_field(std::string_view& text);
  Next plain_field(std::string_view& text);
  // Steps over the delimiter at `at`, or to the end.
  void advance(size_t at);

  const FormatOptions& options_;
  std::string_view rest_;
  bool ended_ = false;
  std::string unescaped_;
};

}  // namespace penstock::format
