// Intervals as people write them: '1 day 02:03:04', '2 hours 5 minutes'.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace penstock::types {

// An amount of time in the two kinds that intervals come in.
struct IntervalAmount {
  int64_t months = 0;
  int64_t micros = 0;

  // Adds `whole` units of so many months, or microseconds, and a part of a unit in millionths; false when the amount
  // becomes too large.
  bool add_months(int64_t whole, int64_t factor);
  bool add_micros(int64_t whole, int64_t factor, int64_t millionths = 0);
};

// Reads numbers, words and separators from the front of an interval's text.
class IntervalReader {
 public:
  explicit IntervalReader(std::string_view text) : rest_(text) { skip_space(); }

  bool at_end() const { return rest_.empty(); }
  bool accept(char c);
  void skip_space();
  std::optional<int64_t> number();
  // ".5" as 500,000 millionths; 0 when there is no point.
  std::optional<int64_t> fraction();
  // Letters, at most so many, and the blanks behind them.
  std::string_view word(size_t letters_max = std::string_view::npos);
  bool accept_word(std::string_view word);

 private:
  std::string_view rest_;
};

// The amount that a text says; nothing when it says none. Units are PostgreSQL's words, also in the plural: years to
// microseconds. Or as ISO 8601 has it, "P1Y2M3DT4H5M6S", or "1-2" for years and months and "3 4:05:06" for days and a
// clock. A sign is that of the part behind it, as in '-1 day 2 hours', and "ago" turns the signs of all.
std::optional<IntervalAmount> interval_amount_from_words(std::string_view text);

}  // namespace penstock::types
