// The visitors behind Codec. Included by the .cc files of the messages (which instantiate) and by tests.
#pragma once

#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "kafka/protocol/codec.h"
#include "kafka/protocol/reader.h"

namespace penstock::kafka::protocol {
namespace internal {

template <class T>
inline constexpr bool kIsOptional = false;
template <class T>
inline constexpr bool kIsOptional<std::optional<T>> = true;
template <class T>
inline constexpr bool kIsVector = false;
template <class T>
inline constexpr bool kIsVector<std::vector<T>> = true;
template <class T>
concept Integer = std::is_integral_v<T> || std::is_enum_v<T>;

}  // namespace internal

// Visits the fields of one struct in wire order and writes them.
class FieldWriter {
 public:
  FieldWriter(Writer& out, int16_t version, bool flexible) : out_(out), version_(version), flexible_(flexible) {}

  template <class Message>
  static void write(const Message& message, int16_t version, bool flexible, Writer& out) {
    FieldWriter writer(out, version, flexible);
    Message::fields(writer, message);
    writer.finish();
  }

  template <class T>
  void operator()(const T& value, Field field = {}) {
    if (!field.in(version_)) return;
    if (field.tag < 0) return put(value, field, out_);
    if (!flexible_ || value == T{}) return;
    Writer tagged;
    put(value, field, tagged);
    tags_.emplace_back(field.tag, std::move(tagged).finish().bytes);
  }

 private:
  template <class T>
  void put(const T& value, const Field& field, Writer& out) {
    if constexpr (internal::kIsOptional<T>) {
      using Value = typename T::value_type;
      if (value) return put(*value, field, out);
      if (version_ < field.nullable_since) return put(Value{}, field, out);
      std::is_same_v<Value, std::string> ? out.null_string(flexible_) : out.null_length(flexible_);
    } else if constexpr (internal::kIsVector<T>) {
      out.array_length(value.size(), flexible_);
      for (const auto& element : value) put(element, field, out);
    } else if constexpr (std::is_same_v<T, std::string>) {
      out.string(value, flexible_);
    } else if constexpr (std::is_same_v<T, Bytes>) {
      out.byte_field(value.value, flexible_);
    } else if constexpr (std::is_same_v<T, Records>) {
      out.records(value, flexible_);
    } else if constexpr (std::is_same_v<T, Uuid>) {
      out.u64(value.high);
      out.u64(value.low);
    } else if constexpr (internal::Integer<T>) {
      put_integer(value, out);
    } else {
      write(value, version_, flexible_, out);
    }
  }

  template <class T>
  static void put_integer(T value, Writer& out) {
    if constexpr (sizeof(T) == 1) out.u8(static_cast<uint8_t>(value));
    if constexpr (sizeof(T) == 2) out.u16(static_cast<uint16_t>(value));
    if constexpr (sizeof(T) == 4) out.u32(static_cast<uint32_t>(value));
    if constexpr (sizeof(T) == 8) out.u64(static_cast<uint64_t>(value));
  }

  void finish() {
    if (!flexible_) return;
    out_.unsigned_varint(static_cast<uint32_t>(tags_.size()));
    for (const auto& [tag, bytes] : tags_) {
      out_.unsigned_varint(static_cast<uint32_t>(tag));
      out_.unsigned_varint(static_cast<uint32_t>(bytes.size()));
      out_.raw(bytes);
    }
  }

  Writer& out_;
  const int16_t version_;
  const bool flexible_;
  std::vector<std::pair<int16_t, std::string>> tags_;
};

// Visits the fields of one struct: once in wire order for the untagged ones, then once for each tag found.
class FieldReader {
 public:
  FieldReader(Reader& in, int16_t version, bool flexible) : in_(in), version_(version), flexible_(flexible) {}

  template <class Message>
  static void read(Message& message, int16_t version, bool flexible, Reader& in) {
    FieldReader reader(in, version, flexible);
    Message::fields(reader, message);
    if (flexible) reader.read_tags(message);
  }

  template <class T>
  void operator()(T& value, Field field = {}) {
    if (field.tag != tag_ || !field.in(version_) || !in_.ok()) return;
    get(value, field);
    tag_known_ = true;
  }

 private:
  template <class Message>
  void read_tags(Message& message) {
    for (uint32_t tags = in_.unsigned_varint(); tags > 0 && in_.ok(); --tags) {
      const uint32_t tag = in_.unsigned_varint();
      const uint32_t size = in_.unsigned_varint();
      if (size > in_.remaining()) return in_.fail("a tagged field does not fit");
      const size_t end = in_.remaining() - size;
      tag_ = tag <= INT16_MAX ? static_cast<int16_t>(tag) : INT16_MAX;
      tag_known_ = false;
      Message::fields(*this, message);
      if (!tag_known_) in_.skip(size);
      if (in_.ok() && in_.remaining() != end) in_.fail("a tagged field is not as long as it says");
    }
  }

  template <class T>
  void get(T& value, const Field& field) {
    if constexpr (internal::kIsOptional<T>) {
      get_optional(value, field);
    } else if constexpr (internal::kIsVector<T>) {
      const auto length = in_.array_length(flexible_);
      if (!length) return in_.fail("an array is null");
      get_elements(value, *length, field);
    } else if constexpr (std::is_same_v<T, std::string>) {
      const auto length = in_.string_length(flexible_);
      if (!length) return in_.fail("a string is null");
      value = in_.view(*length);
    } else if constexpr (std::is_same_v<T, Bytes>) {
      const auto length = in_.bytes_length(flexible_);
      if (!length) return in_.fail("a byte field is null");
      value.value = in_.view(*length);
    } else if constexpr (std::is_same_v<T, Records>) {
      const auto length = in_.bytes_length(flexible_);
      value.is_null = !length.has_value();
      if (length) value.pieces.push_back({.bytes = in_.view(*length), .owner = nullptr});
    } else if constexpr (std::is_same_v<T, Uuid>) {
      value.high = in_.u64();
      value.low = in_.u64();
    } else if constexpr (internal::Integer<T>) {
      get_integer(value);
    } else {
      read(value, version_, flexible_, in_);
    }
  }

  template <class T>
  void get_integer(T& value) {
    if constexpr (std::is_same_v<T, bool>) {
      value = in_.u8() != 0;
    } else if constexpr (sizeof(T) == 1) {
      value = static_cast<T>(in_.u8());
    } else if constexpr (sizeof(T) == 2) {
      value = static_cast<T>(in_.u16());
    } else if constexpr (sizeof(T) == 4) {
      value = static_cast<T>(in_.u32());
    } else {
      value = static_cast<T>(in_.u64());
    }
  }

  template <class T>
  void get_optional(std::optional<T>& value, const Field& field) {
    std::optional<size_t> length;
    if constexpr (std::is_same_v<T, std::string>) {
      length = in_.string_length(flexible_);
    } else {
      length = in_.array_length(flexible_);
    }
    if (!length) {
      value.reset();
      if (version_ < field.nullable_since) in_.fail("a field is null that may not be in this version");
      return;
    }
    if constexpr (std::is_same_v<T, std::string>) {
      value = in_.view(*length);
    } else {
      get_elements(value.emplace(), *length, field);
    }
  }

  template <class T>
  void get_elements(std::vector<T>& elements, size_t length, const Field& field) {
    for (size_t i = 0; i < length && in_.ok(); ++i) get(elements.emplace_back(), field);
  }

  Reader& in_;
  const int16_t version_;
  const bool flexible_;
  int16_t tag_ = -1;  // which fields are being read: -1 the untagged ones
  bool tag_known_ = false;
};

template <class Message>
Result<Message> Codec<Message>::decode(std::string_view bytes, int16_t version) {
  Reader in(bytes);
  Message message;
  FieldReader::read(message, version, Message::kApi.is_flexible(version), in);
  if (!in.ok()) return std::move(in.status()).error();
  return message;
}

template <class Message>
void Codec<Message>::encode(const Message& message, int16_t version, Writer& out) {
  FieldWriter::write(message, version, Message::kApi.is_flexible(version), out);
}

}  // namespace penstock::kafka::protocol
