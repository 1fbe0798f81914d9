#include "kafka/protocol/reader.h"

namespace penstock::kafka::protocol {

Status Reader::status() const {
  if (error_) return invalid_argument("{}", *error_);
  return {};
}

void Reader::fail(std::string what) {
  if (error_) return;
  error_ = fmt::format("{} at byte {} of {}", what, at_, bytes_.size());
  at_ = bytes_.size();
}

std::string_view Reader::view(size_t size) {
  if (size > remaining()) {
    fail(fmt::format("{} bytes expected", size));
    return {};
  }
  const auto result = bytes_.substr(at_, size);
  at_ += size;
  return result;
}

uint64_t Reader::big_endian(size_t width) {
  uint64_t value = 0;
  for (const char byte : view(width)) value = value << 8 | static_cast<uint8_t>(byte);
  return value;
}

uint32_t Reader::unsigned_varint() {
  uint64_t value = 0;
  for (int shift = 0; shift <= 28; shift += 7) {
    const uint8_t byte = u8();
    value |= static_cast<uint64_t>(byte & 0x7f) << shift;
    if ((byte & 0x80) == 0) {
      if (value <= UINT32_MAX) return static_cast<uint32_t>(value);
      break;
    }
  }
  fail("a varint does not fit into 32 bits");
  return 0;
}

std::optional<size_t> Reader::checked(int64_t length, std::string_view what) {
  if (length == -1) return std::nullopt;
  if (length < 0 || static_cast<uint64_t>(length) > remaining()) {
    fail(fmt::format("{} of length {} does not fit", what, length));
    return 0;
  }
  return static_cast<size_t>(length);
}

std::optional<size_t> Reader::string_length(bool flexible) {
  const int64_t length = flexible ? int64_t{unsigned_varint()} - 1 : static_cast<int16_t>(u16());
  if (!ok()) return 0;
  return checked(length, "a string");
}

std::optional<size_t> Reader::bytes_length(bool flexible) {
  const int64_t length = flexible ? int64_t{unsigned_varint()} - 1 : static_cast<int32_t>(u32());
  if (!ok()) return 0;
  return checked(length, "a byte field");
}

std::optional<size_t> Reader::array_length(bool flexible) {
  const int64_t length = flexible ? int64_t{unsigned_varint()} - 1 : static_cast<int32_t>(u32());
  if (!ok()) return 0;
  const auto result = checked(length, "an array");
  const size_t elements = result.value_or(0);
  if (elements > elements_left_) {
    fail(fmt::format("more than {} array elements in one message", kElementsMax));
    return 0;
  }
  elements_left_ -= elements;
  return result;
}

void Reader::skip_tags() {
  for (uint32_t tags = unsigned_varint(); tags > 0 && ok(); --tags) {
    unsigned_varint();
    skip(unsigned_varint());
  }
}

}  // namespace penstock::kafka::protocol
