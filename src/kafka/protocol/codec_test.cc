// Every message in every version: random messages survive a round trip, and no damage to the bytes does more than fail.
#include "kafka/protocol/codec.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <random>

#include "kafka/protocol/codec_impl.h"
#include "kafka/protocol/messages/all.h"

namespace penstock::kafka::protocol {
namespace {

// Fills the fields that a version has with random values; a small size keeps nested arrays short.
class RandomFields {
 public:
  RandomFields(std::mt19937& random, int16_t version, bool flexible)
      : random_(random), version_(version), flexible_(flexible) {}

  template <class T>
  void operator()(T& value, Field field = {}) {
    if (field.in(version_) && (field.tag < 0 || flexible_)) fill(value, field);
  }

 private:
  size_t below(size_t n) { return random_() % n; }

  template <class T>
  void fill(T& value, const Field& field) {
    if constexpr (internal::kIsOptional<T>) {
      value.reset();
      if (version_ < field.nullable_since || below(4) != 0) fill(value.emplace(), field);
    } else if constexpr (internal::kIsVector<T>) {
      value.resize(below(4));
      for (auto& element : value) fill(element, field);
    } else if constexpr (std::is_same_v<T, std::string>) {
      value.assign(below(8) == 0 ? 200 : below(12), static_cast<char>('a' + below(26)));
    } else if constexpr (std::is_same_v<T, Bytes>) {
      fill(value.value, field);
    } else if constexpr (std::is_same_v<T, Records>) {
      value = {};
      value.is_null = below(4) == 0;
      for (size_t n = value.is_null ? 0 : below(4); n > 0; --n) {
        auto bytes = std::make_shared<std::string>(below(300), static_cast<char>(below(256)));
        value.pieces.push_back({.bytes = *bytes, .owner = bytes});
      }
    } else if constexpr (std::is_same_v<T, Uuid>) {
      value = {.high = random_(), .low = random_()};
    } else if constexpr (std::is_same_v<T, bool>) {
      value = below(2) == 0;
    } else if constexpr (internal::Integer<T>) {
      value = static_cast<T>(uint64_t{random_()} << below(64));
    } else {
      T::fields(*this, value);
    }
  }

  std::mt19937& random_;
  const int16_t version_;
  const bool flexible_;
};

template <class Message>
Message random_message(std::mt19937& random, int16_t version) {
  Message message;
  RandomFields fill(random, version, Message::kApi.is_flexible(version));
  Message::fields(fill, message);
  return message;
}

template <class Message>
std::string encode(const Message& message, int16_t version) {
  Writer out;
  Codec<Message>::encode(message, version, out);
  return std::move(out).finish().joined();
}

template <class Message>
std::string name(int16_t version) {
  const bool request = requires { typename Message::Response; };
  return fmt::format("{}{} v{}", Message::kApi.name, request ? "Request" : "Response", version);
}

template <class Action>
void for_each_version(Action action) {
  for_each_message([&]<class Message>() {
    for (int16_t v = Message::kApi.versions.min; v <= Message::kApi.versions.max; ++v) {
      action.template operator()<Message>(v);
    }
  });
}

// Where PENSTOCK_KAFKA_MESSAGES says, for another implementation to read (tests/clients/test_java.py): every message
// with whether it is a request, its key, its version and its length, 32 bits each.
class MessageFile {
 public:
  MessageFile() {
    if (const char* path = std::getenv("PENSTOCK_KAFKA_MESSAGES")) file_.open(path, std::ios::binary);
  }
  template <class Message>
  void add(int16_t version, const std::string& bytes) {
    if (!file_.is_open()) return;
    const bool request = requires { typename Message::Response; };
    Writer out;
    out.u32(request ? 1 : 0);
    out.u32(static_cast<uint32_t>(Message::kApi.key));
    out.u32(static_cast<uint32_t>(version));
    out.u32(static_cast<uint32_t>(bytes.size()));
    file_ << std::move(out).finish().joined() << bytes;
  }

 private:
  std::ofstream file_;
};

TEST(CodecTest, EveryMessageSurvivesARoundTrip) {
  std::mt19937 random(1);
  MessageFile file;
  int messages = 0;
  for_each_version([&]<class Message>(int16_t version) {
    for (int i = 0; i < 30; ++i) {
      const auto message = random_message<Message>(random, version);
      const std::string bytes = encode(message, version);
      const auto decoded = Codec<Message>::decode(bytes, version);
      ASSERT_TRUE(decoded) << name<Message>(version) << ": " << decoded.error().message();
      EXPECT_TRUE(*decoded == message) << name<Message>(version);
      EXPECT_EQ(encode(*decoded, version), bytes) << name<Message>(version);
      file.add<Message>(version, bytes);
      ++messages;
    }
  });
  EXPECT_GT(messages, 5000);
}

TEST(CodecTest, EveryTruncationIsAnError) {
  std::mt19937 random(2);
  for_each_version([&]<class Message>(int16_t version) {
    const std::string bytes = encode(random_message<Message>(random, version), version);
    for (size_t size = 0; size < bytes.size(); ++size) {
      const auto decoded = Codec<Message>::decode(std::string_view(bytes).substr(0, size), version);
      ASSERT_FALSE(decoded) << name<Message>(version) << " cut at " << size << " of " << bytes.size();
    }
  });
}

TEST(CodecTest, BytesAfterTheMessageAreIgnored) {
  std::mt19937 random(3);
  for_each_version([&]<class Message>(int16_t version) {
    const auto message = random_message<Message>(random, version);
    const std::string bytes = encode(message, version) + "x";
    const auto decoded = Codec<Message>::decode(bytes, version);
    ASSERT_TRUE(decoded) << name<Message>(version);
    EXPECT_TRUE(*decoded == message) << name<Message>(version);
  });
}

TEST(CodecTest, DamagedBytesNeverDoMoreThanFail) {
  std::mt19937 random(4);
  for_each_version([&]<class Message>(int16_t version) {
    const std::string bytes = encode(random_message<Message>(random, version), version);
    for (int i = 0; i < 40 && !bytes.empty(); ++i) {
      std::string damaged = bytes;
      for (size_t n = 1 + random() % 3; n > 0; --n) {
        constexpr uint8_t kNasty[] = {0x00, 0x01, 0x7f, 0x80, 0xff};
        damaged[random() % damaged.size()] = static_cast<char>(kNasty[random() % std::size(kNasty)]);
      }
      if (auto decoded = Codec<Message>::decode(damaged, version)) encode(*decoded, version);
    }
  });
}

TEST(CodecTest, UnknownTaggedFieldsAreSkipped) {
  const HeartbeatRequest request{.group_id = "g", .generation_id = 3, .member_id = "m", .group_instance_id = {}};
  std::string bytes = encode(request, 4);
  ASSERT_EQ(bytes.back(), 0);  // no tagged fields
  bytes.pop_back();
  bytes += std::string("\x02\x07\x03xyz\x85\x01\x01w", 10);
  const auto decoded = Codec<HeartbeatRequest>::decode(bytes, 4);
  ASSERT_TRUE(decoded) << decoded.error().message();
  EXPECT_TRUE(*decoded == request);
}

TEST(CodecTest, ATaggedFieldOfTheWrongLengthIsAnError) {
  CreateTopicsResponse response;
  response.topics.resize(1);
  response.topics[0].config_error = KafkaError::kInvalidConfig;
  std::string bytes = encode(response, 7);
  const size_t at = bytes.rfind(std::string("\x01\x00\x02\x00\x28", 5));  // one tag: 0, two bytes, 40
  ASSERT_NE(at, std::string::npos);
  bytes[at + 2] = 1;
  bytes.erase(at + 4, 1);
  EXPECT_FALSE(Codec<CreateTopicsResponse>::decode(bytes, 7));
}

TEST(CodecTest, NullIsRefusedWhereTheVersionDoesNotHaveIt) {
  EXPECT_FALSE(Codec<MetadataRequest>::decode(std::string("\xff\xff\xff\xff", 4), 0));
  const auto all = Codec<MetadataRequest>::decode(std::string("\xff\xff\xff\xff", 4), 1);
  ASSERT_TRUE(all);
  EXPECT_FALSE(all->topics.has_value());
}

TEST(CodecTest, ALengthIsBelievedOnlyWhenTheBytesAreThere) {
  // 2^31-1 topics, in four bytes.
  const auto classic = Codec<MetadataRequest>::decode(std::string("\x7f\xff\xff\xff", 4), 1);
  ASSERT_FALSE(classic);
  EXPECT_EQ(classic.error().message(), "an array of length 2147483647 does not fit at byte 4 of 4");
  EXPECT_FALSE(Codec<MetadataRequest>::decode(std::string("\xff\xff\xff\xff\x0f", 5), 9));
  EXPECT_FALSE(Codec<MetadataRequest>::decode(std::string("\xff\xff\xff\xff\xff\xff", 6), 9));  // varint too long
}

TEST(CodecTest, TheNumberOfElementsIsBounded) {
  Writer out;
  out.u32(kElementsMax + 1);
  out.raw(std::string(2 * (kElementsMax + 1), '\0'));  // as many empty names
  const auto decoded = Codec<MetadataRequest>::decode(std::move(out).finish().joined(), 1);
  ASSERT_FALSE(decoded);
  EXPECT_NE(decoded.error().message().find("array elements"), std::string::npos);
}

TEST(CodecTest, ClassicStringsAreCutAtTheirLongest) {
  HeartbeatRequest request;
  request.group_id.assign(40'000, 'g');
  const auto classic = Codec<HeartbeatRequest>::decode(encode(request, 0), 0);
  ASSERT_TRUE(classic);
  EXPECT_EQ(classic->group_id.size(), 32767);
  EXPECT_EQ(Codec<HeartbeatRequest>::decode(encode(request, 4), 4)->group_id.size(), 40'000);
}

}  // namespace
}  // namespace penstock::kafka::protocol
