// Structured logging to standard error, one line an event, as logfmt or JSON:
//
//   logging::info("topic created", {{"topic", name}, {"partitions", 4}});
//   ts=2026-01-02T03:04:05.678Z level=info msg="topic created" topic=orders partitions=4
//
// Thread-safe; a line is written whole. Never log in a loop over events: count them in a metric.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <variant>

namespace penstock::logging {

enum class Level : uint8_t { kDebug, kInfo, kWarning, kError, kOff };
enum class Format : uint8_t { kLogfmt, kJson };

// A longer message or value is cut here, at a character, and ends in "...".
inline constexpr size_t kValueBytesMax = 4096;

// Keys are literals of the program: letters, digits, '_' and '.'. Values may be any bytes.
struct Field {
  using Value = std::variant<std::string_view, int64_t, double, bool>;

  Field(std::string_view key, std::string_view value) : key(key), value(value) {}
  Field(std::string_view key, const char* value) : key(key), value(std::string_view(value)) {}
  Field(std::string_view key, bool value) : key(key), value(value) {}
  Field(std::string_view key, std::integral auto value) : key(key), value(static_cast<int64_t>(value)) {}
  Field(std::string_view key, std::floating_point auto value) : key(key), value(static_cast<double>(value)) {}

  std::string_view key;
  Value value;
};

// Process-wide; info and logfmt until called. Call before threads start.
void configure(Level level, Format format);
bool enabled(Level level);

void write(Level level, std::string_view message, std::initializer_list<Field> fields);

// The line that write() prints, with its newline: what is not UTF-8 becomes U+FFFD, control characters are escaped.
std::string format_line(Format format, int64_t wall_us, Level level, std::string_view message,
                        std::initializer_list<Field> fields);

inline void debug(std::string_view message, std::initializer_list<Field> fields = {}) {
  if (enabled(Level::kDebug)) write(Level::kDebug, message, fields);
}
inline void info(std::string_view message, std::initializer_list<Field> fields = {}) {
  write(Level::kInfo, message, fields);
}
inline void warning(std::string_view message, std::initializer_list<Field> fields = {}) {
  write(Level::kWarning, message, fields);
}
inline void error(std::string_view message, std::initializer_list<Field> fields = {}) {
  write(Level::kError, message, fields);
}

}  // namespace penstock::logging
