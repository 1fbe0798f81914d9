#include "base/logging.h"

#include <fmt/format.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cmath>

#include "base/json_text.h"
#include "base/time.h"

namespace penstock::logging {
namespace {

std::atomic<Level> minimum_level{Level::kInfo};
std::atomic<Format> line_format{Format::kLogfmt};

std::string_view level_name(Level level) {
  switch (level) {
    case Level::kDebug: return "debug";
    case Level::kInfo: return "info";
    case Level::kWarning: return "warning";
    case Level::kError: return "error";
    case Level::kOff: return "off";
  }
  return "off";
}

// A quoted value, cut where it is too long for a log line. logfmt's readers know JSON's escapes as well.
void append_quoted(std::string& out, std::string_view text) {
  if (text.size() <= kValueBytesMax) {
    append_json_string(out, text);
    return;
  }
  size_t cut = kValueBytesMax;
  while (cut > 0 && (static_cast<uint8_t>(text[cut]) & 0xc0) == 0x80) --cut;  // not inside a UTF-8 character
  append_json_string(out, text.substr(0, cut));
  out.insert(out.size() - 1, "...");
}

// logfmt quotes only what would otherwise be read as something else.
void append_logfmt_text(std::string& out, std::string_view text) {
  const auto plain = [](char c) { return c > ' ' && c < 0x7f && c != '"' && c != '=' && c != '\\'; };
  bool quoted = text.empty() || text.size() > kValueBytesMax;
  for (const char c : text) quoted = quoted || !plain(c);
  quoted ? append_quoted(out, text) : void(out += text);
}

void append_value(std::string& out, Format format, const Field::Value& value) {
  if (const auto* text = std::get_if<std::string_view>(&value)) {
    format == Format::kJson ? append_quoted(out, *text) : append_logfmt_text(out, *text);
  } else if (const auto* integer = std::get_if<int64_t>(&value)) {
    fmt::format_to(std::back_inserter(out), "{}", *integer);
  } else if (const auto* number = std::get_if<double>(&value)) {
    // JSON has no NaN and no infinity, so there they are text.
    const std::string_view quote = format == Format::kJson && !std::isfinite(*number) ? "\"" : "";
    fmt::format_to(std::back_inserter(out), "{}{}{}", quote, *number, quote);
  } else {
    out += std::get<bool>(value) ? "true" : "false";
  }
}

}  // namespace

void configure(Level level, Format format) {
  minimum_level.store(level, std::memory_order_relaxed);
  line_format.store(format, std::memory_order_relaxed);
}

bool enabled(Level level) { return level >= minimum_level.load(std::memory_order_relaxed) && level != Level::kOff; }

std::string format_line(Format format, int64_t wall_us, Level level, std::string_view message,
                        std::initializer_list<Field> fields) {
  const bool json = format == Format::kJson;
  const std::string time = format_iso8601_ms(wall_us);
  std::string out = json ? fmt::format(R"({{"ts":"{}","level":"{}","msg":)", time, level_name(level))
                         : fmt::format("ts={} level={} msg=", time, level_name(level));
  append_value(out, format, message);
  for (const Field& field : fields) {
    if (json) {
      out += ',';
      append_quoted(out, field.key);
      out += ':';
    } else {
      out += ' ';
      out += field.key;
      out += '=';
    }
    append_value(out, format, field.value);
  }
  out += json ? "}\n" : "\n";
  return out;
}

void write(Level level, std::string_view message, std::initializer_list<Field> fields) {
  if (!enabled(level)) return;
  const std::string line =
      format_line(line_format.load(std::memory_order_relaxed), wall_time_us(), level, message, fields);
  // One system call a line, so that lines of several threads do not mix. What cannot be logged is lost: there is
  // nobody left to tell.
  while (::write(STDERR_FILENO, line.data(), line.size()) < 0 && errno == EINTR) {
  }
}

}  // namespace penstock::logging
