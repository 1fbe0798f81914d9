// Big-endian integers and zero-terminated strings: the alphabet of the PostgreSQL protocol.
#pragma once

#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

namespace penstock::pgwire {

inline void append_int16(std::string& out, int16_t value) {
  const auto bits = static_cast<uint16_t>(value);
  const char bytes[] = {static_cast<char>(bits >> 8), static_cast<char>(bits)};
  out.append(bytes, sizeof bytes);
}

inline void append_int32(std::string& out, int32_t value) {
  const uint32_t bits = __builtin_bswap32(static_cast<uint32_t>(value));
  char bytes[sizeof bits];
  std::memcpy(bytes, &bits, sizeof bits);
  out.append(bytes, sizeof bytes);
}

inline void append_int64(std::string& out, int64_t value) {
  const uint64_t bits = __builtin_bswap64(static_cast<uint64_t>(value));
  char bytes[sizeof bits];
  std::memcpy(bytes, &bits, sizeof bits);
  out.append(bytes, sizeof bytes);
}

// The text and a zero byte. What follows a zero byte in `text` would be read as the next field, so it is cut there.
inline void append_cstring(std::string& out, std::string_view text) {
  out += text.substr(0, text.find('\0'));
  out += '\0';
}

// Overwrites the four bytes at `at`: a length precedes what it measures and is known only afterwards.
inline void patch_length(std::string& out, size_t at, size_t length) {
  const uint32_t bits = __builtin_bswap32(static_cast<uint32_t>(length));
  std::memcpy(out.data() + at, &bits, sizeof bits);
}

// Begins a message (of type '\0': one without a type byte) and fills in its length when it goes.
class MessageScope {
 public:
  MessageScope(std::string& out, char type) : out_(out) {
    if (type != '\0') out_ += type;
    length_at_ = out_.size();
    append_int32(out_, 0);
  }
  ~MessageScope() { patch_length(out_, length_at_, out_.size() - length_at_); }
  MessageScope(const MessageScope&) = delete;
  MessageScope& operator=(const MessageScope&) = delete;

 private:
  std::string& out_;
  size_t length_at_;
};

// Reads fields from the front of a message. After the first field that does not fit, every read gives zero or nothing
// and ok() is false: callers read a whole message and ask once.
class WireReader {
 public:
  explicit WireReader(std::string_view bytes) : rest_(bytes) {}

  bool ok() const { return ok_; }
  // True when the message was read to its end without a fault.
  bool complete() const { return ok_ && rest_.empty(); }
  std::string_view rest() const { return rest_; }

  uint8_t byte() { return static_cast<uint8_t>(unsigned_integer<1>()); }
  int16_t int16() { return static_cast<int16_t>(unsigned_integer<2>()); }
  int32_t int32() { return static_cast<int32_t>(unsigned_integer<4>()); }
  int64_t int64() { return static_cast<int64_t>(unsigned_integer<8>()); }

  std::string_view bytes(size_t size) {
    if (size > rest_.size()) return fail();
    const std::string_view taken = rest_.substr(0, size);
    rest_.remove_prefix(size);
    return taken;
  }

  std::string_view cstring() {
    const size_t end = rest_.find('\0');
    if (end == std::string_view::npos) return fail();
    const std::string_view text = rest_.substr(0, end);
    rest_.remove_prefix(end + 1);
    return text;
  }

 private:
  template <size_t kSize>
  uint64_t unsigned_integer() {
    uint64_t value = 0;
    for (const char c : bytes(kSize)) value = value << 8 | static_cast<uint8_t>(c);
    return value;
  }

  std::string_view fail() {
    ok_ = false;
    rest_ = {};
    return {};
  }

  std::string_view rest_;
  bool ok_ = true;
};

}  // namespace penstock::pgwire
