#include "base/logging.h"

#include <fmt/format.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cmath>

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

// The length of the well-formed UTF-8 character at the start of `text` (RFC 3629), or 0.
size_t utf8_length(std::string_view text) {
  const auto byte = [&](size_t i) { return static_cast<uint8_t>(text[i]); };
  const uint8_t first = byte(0);
  if (first < 0x80) return 1;
  const size_t length = first < 0xc2 ? 0 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : first < 0xf5 ? 4 : 0;
  if (length == 0 || text.size() < length) return 0;
  for (size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xc0) != 0x80) return 0;
  }
  // Overlong forms, surrogates, and what lies above U+10FFFF.
  if ((first == 0xe0 && byte(1) < 0xa0) || (first == 0xed && byte(1) >= 0xa0)) return 0;
  if ((first == 0xf0 && byte(1) < 0x90) || (first == 0xf4 && byte(1) >= 0x90)) return 0;
  return length;
}

// Appends `text` with the escapes of a JSON string, which logfmt's readers know as well.
void append_escaped(std::string& out, std::string_view text) {
  const size_t end = out.size() + kValueBytesMax;
  while (!text.empty()) {
    if (out.size() >= end) {
      out += "...";
      return;
    }
    const size_t length = utf8_length(text);
    const char c = text[0];
    if (length == 0) {
      out += "\ufffd";
    } else if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (c == '\n') {
      out += "\\n";
    } else if (c == '\t') {
      out += "\\t";
    } else if (c == '\r') {
      out += "\\r";
    } else if (static_cast<uint8_t>(c) < 0x20 || c == 0x7f) {
      fmt::format_to(std::back_inserter(out), "\\u{:04x}", static_cast<unsigned>(c));
    } else {
      out += text.substr(0, length);
    }
    text.remove_prefix(length == 0 ? 1 : length);
  }
}

void append_quoted(std::string& out, std::string_view text) {
  out += '"';
  append_escaped(out, text);
  out += '"';
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
