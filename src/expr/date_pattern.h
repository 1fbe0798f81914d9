// Patterns of dates and times as java.time's DateTimeFormatter reads them: "yyyy-MM-dd HH:mm:ss.SSS".
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace penstock::expr {

// A compiled pattern. Letters: y (or u) year, M month (MMM, MMMM names), d day, D day of year, E day of week (EEEE full
// name), H hour 0-23, h hour 1-12, m minute, s second, S fraction, a AM or PM, 'text' and other characters themselves.
class DatePattern {
 public:
  // kInvalidArgument for a letter that means nothing here.
  static Result<DatePattern> compile(std::string_view pattern);

  void format(int64_t local_micros, std::string& out) const;
  // The local time that `text` shows; nothing when it does not follow the pattern. Fields that the pattern does not
  // have are those of 1970-01-01 00:00:00.
  std::optional<int64_t> parse(std::string_view text) const;

 private:
  struct Part {
    char letter;  // 0: literal text
    int count;
    std::string text;
  };
  std::vector<Part> parts_;
};

}  // namespace penstock::expr
