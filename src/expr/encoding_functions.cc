// Text and bytes in other notations: base64, hexadecimal, URLs, character sets.
#include <algorithm>
#include <array>
#include <charconv>
#include <iterator>
#include <limits>
#include <optional>

#include "base/utf8.h"
#include "expr/base64.h"
#include "expr/binding.h"
#include "expr/slots.h"
#include "expr/utf8.h"

namespace penstock::expr {

namespace {

// --- hexadecimal ---

void append_hex(std::string& out, std::string_view bytes, bool upper) {
  const std::string_view digits = upper ? "0123456789ABCDEF" : "0123456789abcdef";
  for (char c : bytes) {
    out += digits[static_cast<unsigned char>(c) >> 4];
    out += digits[static_cast<unsigned char>(c) & 15];
  }
}

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if ((c | 0x20) >= 'a' && (c | 0x20) <= 'f') return (c | 0x20) - 'a' + 10;
  return -1;
}

bool read_hex(std::string_view text, std::string& out) {
  int high = text.size() % 2 == 1 ? 0 : -1;  // an odd number of digits begins with half a byte
  for (char c : text) {
    const int digit = hex_digit(c);
    if (digit < 0) return false;
    if (high < 0) {
      high = digit;
    } else {
      out += static_cast<char>(high * 16 + digit);
      high = -1;
    }
  }
  return true;
}

void append_number(std::string& out, uint64_t value, int base, bool upper) {
  std::array<char, 64> digits;
  char* end = std::to_chars(digits.begin(), digits.end(), value, base).ptr;
  if (upper)
    std::transform(digits.begin(), end, digits.begin(),
                   [](char c) { return c >= 'a' ? static_cast<char>(c - 32) : c; });
  out.append(digits.begin(), end);
}

// --- kernels ---

template <void (*append)(std::string&, std::string_view)>
void map_bytes(KernelCall& call) {
  auto values = call.argument<StringCell>(0);
  write_rows(call, [&](std::string& out, size_t row) { append(out, values[row].view()); });
}

// Text that cannot be read is NULL.
template <bool (*read)(std::string_view, std::string&)>
void read_bytes(KernelCall& call) {
  auto values = call.argument<StringCell>(0);
  write_rows(call, [&](std::string& out, size_t row) {
    if (!read(values[row].view(), out)) call.set_null(row);
  });
}

void upper_hex(std::string& out, std::string_view bytes) { append_hex(out, bytes, true); }

template <int base, bool upper>
void number_in_base(KernelCall& call) {
  auto values = call.argument<int64_t>(0);
  write_rows(
      call, [&](std::string& out, size_t row) { append_number(out, static_cast<uint64_t>(values[row]), base, upper); });
}

// --- URLs ---

bool is_unreserved(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_' ||
         c == '.' || c == '*';
}

// As application/x-www-form-urlencoded, which Java's URLEncoder writes.
void append_url_encoded(std::string& out, std::string_view text) {
  for (char c : text) {
    if (is_unreserved(c)) {
      out += c;
    } else if (c == ' ') {
      out += '+';
    } else {
      out += '%';
      append_hex(out, {&c, 1}, true);
    }
  }
}

bool read_url_encoded(std::string_view text, std::string& out) {
  for (size_t at = 0; at < text.size(); ++at) {
    if (text[at] == '+') {
      out += ' ';
    } else if (text[at] != '%') {
      out += text[at];
    } else {
      if (text.size() - at < 3) return false;
      const int high = hex_digit(text[at + 1]);
      const int low = hex_digit(text[at + 2]);
      if (high < 0 || low < 0) return false;
      out += static_cast<char>(high * 16 + low);
      at += 2;
    }
  }
  return true;
}

// --- character sets: ENCODE(text, set) and DECODE(bytes, set); and PostgreSQL's notations of bytes ---

enum class Charset : uint8_t { kAscii, kLatin1, kUtf8, kUtf16, kUtf16Be, kUtf16Le };

std::optional<Charset> charset_named(std::string_view name) {
  if (name == "US-ASCII") return Charset::kAscii;
  if (name == "ISO-8859-1") return Charset::kLatin1;
  if (name == "UTF-8" || name == "UTF8") return Charset::kUtf8;
  if (name == "UTF-16") return Charset::kUtf16;
  if (name == "UTF-16BE") return Charset::kUtf16Be;
  if (name == "UTF-16LE") return Charset::kUtf16Le;
  return std::nullopt;
}

uint32_t code_point_at(std::string_view text, size_t at, size_t size) {
  auto byte = [&](size_t i) { return static_cast<uint32_t>(static_cast<unsigned char>(text[at + i])); };
  if (size == 1) return byte(0) < 0x80 ? byte(0) : 0xFFFD;
  if (size == 2) return (byte(0) & 0x1F) << 6 | (byte(1) & 0x3F);
  if (size == 3) return (byte(0) & 0x0F) << 12 | (byte(1) & 0x3F) << 6 | (byte(2) & 0x3F);
  return (byte(0) & 0x07) << 18 | (byte(1) & 0x3F) << 12 | (byte(2) & 0x3F) << 6 | (byte(3) & 0x3F);
}

void append_utf16_unit(std::string& out, uint32_t unit, bool little) {
  out += static_cast<char>(little ? unit & 0xFF : unit >> 8);
  out += static_cast<char>(little ? unit >> 8 : unit & 0xFF);
}

void append_in_charset(std::string& out, std::string_view text, Charset charset) {
  if (charset == Charset::kUtf8) {
    out += text;
    return;
  }
  if (charset == Charset::kUtf16) append_utf16_unit(out, 0xFEFF, false);
  const bool little = charset == Charset::kUtf16Le;
  const uint32_t largest = charset == Charset::kAscii ? 0x7F : 0xFF;
  for (size_t at = 0; at < text.size();) {
    const size_t size = character_bytes(text, at);
    const uint32_t code = code_point_at(text, at, size);
    at += size;
    if (charset == Charset::kAscii || charset == Charset::kLatin1) {
      out += code <= largest ? static_cast<char>(code) : '?';
    } else if (code < 0x10000) {
      append_utf16_unit(out, code, little);
    } else {
      append_utf16_unit(out, 0xD800 + ((code - 0x10000) >> 10), little);
      append_utf16_unit(out, 0xDC00 + ((code - 0x10000) & 0x3FF), little);
    }
  }
}

void append_from_charset(std::string& out, std::string_view bytes, Charset charset) {
  constexpr uint32_t kReplacement = 0xFFFD;
  if (charset == Charset::kUtf8 || charset == Charset::kAscii || charset == Charset::kLatin1) {
    for (size_t at = 0; at < bytes.size();) {
      const size_t size = charset == Charset::kUtf8 ? character_bytes(bytes, at) : 1;
      const auto byte = static_cast<unsigned char>(bytes[at]);
      const bool plain = size > 1 || byte < 0x80;
      if (plain) out += bytes.substr(at, size);
      if (!plain) append_utf8(out, charset == Charset::kLatin1 ? byte : kReplacement);
      at += size;
    }
    return;
  }
  bool little = charset == Charset::kUtf16Le;
  auto unit_at = [&](size_t at) {
    const auto a = static_cast<unsigned char>(bytes[at]);
    const auto b = static_cast<unsigned char>(bytes[at + 1]);
    return static_cast<uint32_t>(little ? b << 8 | a : a << 8 | b);
  };
  for (size_t at = 0; at + 1 < bytes.size(); at += 2) {
    uint32_t unit = unit_at(at);
    if (at == 0 && charset == Charset::kUtf16 && (unit == 0xFEFF || unit == 0xFFFE)) {
      little = unit == 0xFFFE;
      continue;
    }
    const bool high = unit >= 0xD800 && unit < 0xDC00 && at + 3 < bytes.size();
    const uint32_t low = high ? unit_at(at + 2) : 0;
    if (low >= 0xDC00 && low < 0xE000) {
      append_utf8(out, 0x10000 + ((unit - 0xD800) << 10) + (low - 0xDC00));
      at += 2;
    } else {
      append_utf8(out, unit >= 0xD800 && unit < 0xE000 ? kReplacement : unit);
    }
  }
}

std::string upper(std::string_view text) {
  std::string out(text);
  std::ranges::transform(out, out.begin(), [](char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c; });
  return out;
}

std::string unknown_charset(std::string_view name) {
  return fmt::format("there is no character set '{}': it is US-ASCII, ISO-8859-1, UTF-8, UTF-16, UTF-16BE or UTF-16LE",
                     name);
}

template <void (*convert)(std::string&, std::string_view, Charset)>
void in_charset(KernelCall& call) {
  auto values = call.argument<StringCell>(0);
  auto names = call.argument<StringCell>(1);
  write_rows(call, [&](std::string& out, size_t row) {
    const std::optional<Charset> charset = charset_named(upper(names[row].view()));
    if (!charset) return call.fail(row, unknown_charset(names[row].view()));
    convert(out, values[row].view(), *charset);
  });
}

// ENCODE(bytes, 'hex' or 'base64') and the reverse.
template <bool encode>
void in_notation(KernelCall& call) {
  auto values = call.argument<StringCell>(0);
  const bool hex = upper(call.constant_text(1)) == "HEX";
  write_rows(call, [&](std::string& out, size_t row) {
    const std::string_view value = values[row].view();
    if (encode) return hex ? append_hex(out, value, false) : append_base64(out, value);
    const bool read = hex ? value.size() % 2 == 0 && read_hex(value, out) : read_base64(value, out);
    if (!read) call.fail(row, fmt::format("'{}' is not {}", value.substr(0, 100), hex ? "hexadecimal" : "base64"));
  });
}

template <bool encode>
bool bind_notation(CallSignature& call) {
  if (call.argument_types.size() != 2) return false;
  const std::optional<std::string> name = literal_text_upper(call, 1);
  if (!name || (*name != "HEX" && *name != "BASE64")) return false;
  if (!accept_argument(encode ? Takes::kBytes : Takes::kText, call.argument_types[0])) return false;
  call.argument_types[0] = encode ? TypeKind::kBytes : TypeKind::kString;
  call.result = encode ? TypeKind::kString : TypeKind::kBytes;
  call.kernel = in_notation<encode>;
  return true;
}

// --- addresses of IPv4 ---

// Up to four numbers with points between them: of less than four, the last is the last byte, as MySQL reads them.
std::optional<int64_t> address_from_text(std::string_view text) {
  constexpr size_t kBytes = 4;
  std::array<uint32_t, kBytes> numbers{};
  size_t count = 0;
  const char* at = text.data();
  for (const char* end = text.data() + text.size();; ++at) {
    if (count == kBytes) return std::nullopt;
    const auto [behind, error] = std::from_chars(at, end, numbers[count]);
    if (error != std::errc()) return std::nullopt;
    ++count;
    at = behind;
    if (at == end) break;
    if (*at != '.') return std::nullopt;
  }
  if (count == 1) return numbers[0];
  int64_t address = 0;
  for (size_t i = 0; i < count; ++i) {
    if (numbers[i] > 255) return std::nullopt;
    const size_t place = i + 1 == count ? kBytes - 1 : i;
    address |= int64_t{numbers[i]} << (8 * (kBytes - 1 - place));
  }
  return address;
}

void address_to_number(KernelCall& call) {
  auto texts = call.argument<StringCell>(0);
  map_valid<int64_t>(call, [&](size_t row) {
    const std::optional<int64_t> address = address_from_text(texts[row].view());
    if (!address) call.set_null(row);
    return address.value_or(0);
  });
}

// The bits of a number below 0 of less than 8 bytes are an address too, as in Flink.
int64_t unsigned_bits(TypeKind kind, int64_t number) {
  switch (kind) {
    case TypeKind::kTinyInt: return static_cast<uint8_t>(number);
    case TypeKind::kSmallInt: return static_cast<uint16_t>(number);
    case TypeKind::kInt: return static_cast<uint32_t>(number);
    default: return number;
  }
}

void number_to_address(KernelCall& call) {
  const TypeKind kind = call.argument_type(0).kind();
  auto numbers = call.argument<int64_t>(0);
  write_rows(call, [&](std::string& out, size_t row) {
    const int64_t number = unsigned_bits(kind, numbers[row]);
    if (number < 0 || number > std::numeric_limits<uint32_t>::max()) return call.set_null(row);
    fmt::format_to(std::back_inserter(out), "{}.{}.{}.{}", number >> 24, number >> 16 & 255, number >> 8 & 255,
                   number & 255);
  });
}

bool bind_number_to_address(CallSignature& call) {
  if (call.argument_types.size() != 1) return false;
  DataType& number = call.argument_types[0];
  if (number.kind() == TypeKind::kNull) number = TypeKind::kBigInt;
  if (!number.is_integer()) return false;
  call.result = TypeKind::kString;
  call.kernel = number_to_address;
  return true;
}

constexpr FunctionCategory kCategory = FunctionCategory::kEncoding;
constexpr NullRule kMakes = NullRule::kMakes;
using enum Takes;
constexpr TypeKind kString = TypeKind::kString;

constexpr ScalarFunction kFunctions[] = {
    {"TO_BASE64", kCategory, "TO_BASE64(text or bytes)", "The bytes in base64.",
     "TO_BASE64('hello') => aGVsbG8=", bind_fixed<map_bytes<append_base64>, kString, kTextOrBytes>},
    {"FROM_BASE64", kCategory, "FROM_BASE64(text)", "The text that is written in base64; NULL for what is not.",
     "FROM_BASE64('aGVsbG8=') => hello", bind_fixed<read_bytes<read_base64>, kString, kText>, kMakes},
    {"HEX", kCategory, "HEX(integer)", "The number in hexadecimal.", "HEX(255) => FF",
     bind_fixed<number_in_base<16, true>, kString, kInteger>},
    {"HEX", kCategory, "HEX(text or bytes)", "The bytes in hexadecimal.", "HEX('abc') => 616263",
     bind_fixed<map_bytes<upper_hex>, kString, kTextOrBytes>},
    {"UNHEX", kCategory, "UNHEX(text)", "The bytes that are written in hexadecimal; NULL for what is not.",
     "DECODE(UNHEX('616263'), 'UTF-8') => abc", bind_fixed<read_bytes<read_hex>, TypeKind::kBytes, kText>, kMakes},
    {"TO_HEX", kCategory, "TO_HEX(integer)", "The number in hexadecimal, in small letters.", "TO_HEX(255) => ff",
     bind_fixed<number_in_base<16, false>, kString, kInteger>},
    {"BIN", kCategory, "BIN(integer)", "The number in binary.", "BIN(4) => 100",
     bind_fixed<number_in_base<2, false>, kString, kInteger>},
    {"ENCODE", kCategory, "ENCODE(bytes, 'hex' | 'base64')", "The bytes in that notation, as PostgreSQL has it.",
     "ENCODE(X'00ff', 'hex') => 00ff", bind_notation<true>},
    {"DECODE", kCategory, "DECODE(text, 'hex' | 'base64')", "The bytes that are written so, as PostgreSQL has it.",
     "DECODE('00ff', 'hex') => 00ff", bind_notation<false>},
    {"ENCODE", kCategory, "ENCODE(text, charset)",
     "The bytes of the text in a character set: US-ASCII, ISO-8859-1, UTF-8, UTF-16, UTF-16BE, UTF-16LE.",
     "HEX(ENCODE('a', 'UTF-16BE')) => 0061", bind_fixed<in_charset<append_in_charset>, TypeKind::kBytes, kText, kText>},
    {"DECODE", kCategory, "DECODE(bytes, charset)", "The text that the bytes are in a character set.",
     "DECODE(X'616263', 'UTF-8') => abc", bind_fixed<in_charset<append_from_charset>, kString, kBytes, kText>},
    {"URL_ENCODE", kCategory, "URL_ENCODE(text)", "The text as part of a URL.", "URL_ENCODE('a b&c') => a+b%26c",
     bind_fixed<map_bytes<append_url_encoded>, kString, kText>},
    {"URL_DECODE", kCategory, "URL_DECODE(text)", "The text that part of a URL stands for; NULL for what is none.",
     "URL_DECODE('a+b%26c') => a b&c", bind_fixed<read_bytes<read_url_encoded>, kString, kText>, kMakes},
    {"INET_ATON", kCategory, "INET_ATON(text)",
     "The number, a BIGINT, that an IPv4 address is; NULL for what is none. Of less than four numbers the last is the "
     "last byte, and a single one is the whole address.",
     "INET_ATON('192.168.1.1') => 3232235777\nINET_ATON('127.1') => 2130706433",
     bind_fixed<address_to_number, TypeKind::kBigInt, kText>, kMakes},
    {"INET_NTOA", kCategory, "INET_NTOA(integer)", "The IPv4 address that a number is; NULL where it is none.",
     "INET_NTOA(3232235777) => 192.168.1.1", bind_number_to_address, kMakes},
};

}  // namespace

std::span<const ScalarFunction> encoding_functions() { return kFunctions; }

}  // namespace penstock::expr
