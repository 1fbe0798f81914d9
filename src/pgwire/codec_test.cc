#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>
#include <string>

#include "pgwire/backend.h"
#include "pgwire/frame.h"
#include "pgwire/frontend.h"
#include "pgwire/wire.h"

namespace penstock::pgwire {
namespace {

using std::string_literals::operator""s;
using testing::ElementsAre;

constexpr size_t kMessageBytesMax = 1000;

template <class Message>
std::string encoded(const Message& message) {
  std::string out;
  encode(out, message);
  return out;
}

// The one frame that `bytes` are.
Frame frame_of(const std::string& bytes) { return {.type = bytes[0], .payload = std::string_view(bytes).substr(5)}; }

template <class Message>
Message decoded(const std::string& bytes) {
  const auto message = decode_frontend(frame_of(bytes));
  EXPECT_TRUE(message) << message.error().message();
  return std::get<Message>(*message);
}

TEST(FrameReaderTest, CutsMessagesHoweverTheyArrive) {
  const std::string bytes = encoded(QueryMessage{.sql = "select 1"}) + encoded(SyncMessage{}) +
                            encoded(QueryMessage{.sql = std::string(500, 'x')});
  for (size_t piece = 1; piece <= bytes.size(); ++piece) {
    FrameReader reader(kMessageBytesMax);
    std::string types;
    for (size_t i = 0; i < bytes.size(); i += piece) {
      reader.feed(std::string_view(bytes).substr(i, piece));
      for (auto frame = reader.next(); *frame; frame = reader.next()) types += (*frame)->type;
    }
    EXPECT_EQ(types, "QSQ") << piece;
    EXPECT_EQ(reader.unread(), "");
  }
}

TEST(FrameReaderTest, TellsHowLongAnIncompleteMessageIs) {
  std::string message;
  {
    const MessageScope scope(message, 'Q');
    message += std::string(200'000, 'x');
  }
  FrameReader reader(kMessageBytesMax + 200'000);
  reader.feed(message.substr(0, 4));
  EXPECT_EQ(reader.incomplete_bytes(), 0U) << "its length is not there yet";
  reader.feed(message.substr(4, 100));
  EXPECT_EQ(reader.incomplete_bytes(), message.size());
  reader.make_room();
  EXPECT_FALSE(*reader.next());
  reader.feed(message.substr(104) + "Q");
  EXPECT_EQ(reader.incomplete_bytes(), 0U) << "it is there";
  EXPECT_EQ((**reader.next()).payload.size(), 200'000U);
  reader.trim();
  EXPECT_EQ(reader.unread(), "Q");
  EXPECT_EQ(reader.incomplete_bytes(), 0U);
}

TEST(FrameReaderTest, RefusesImpossibleLengths) {
  for (const std::string& bytes : {"Q\0\0\0\3"s, "Q\0\0\4\0"s, "Q\xff\xff\xff\xff"s}) {
    FrameReader reader(kMessageBytesMax);
    reader.feed(bytes);
    EXPECT_FALSE(reader.next()) << testing::PrintToString(bytes);
  }
  FrameReader at_the_limit(kMessageBytesMax);
  at_the_limit.feed("Q\0\0\3\xe8"s + std::string(996, 'x'));
  EXPECT_TRUE(*at_the_limit.next());
  FrameReader startup(kMessageBytesMax);
  startup.feed("\0\0\x27\x11"s);  // 10,001
  EXPECT_FALSE(startup.next_startup());
}

TEST(FrontendTest, RoundTrips) {
  const std::string query = encoded(QueryMessage{.sql = "select 'x'"});
  EXPECT_EQ(decoded<QueryMessage>(query).sql, "select 'x'");

  const std::string parse_bytes = encoded(ParseMessage{.statement = "s", .sql = "q", .parameter_oids = {0, 23}});
  const auto parse = decoded<ParseMessage>(parse_bytes);
  EXPECT_EQ(parse.statement, "s");
  EXPECT_EQ(parse.sql, "q");
  EXPECT_THAT(parse.parameter_oids, ElementsAre(0, 23));

  const std::string bytes = "\0\1"s;
  const std::string bind_bytes = encoded(BindMessage{.portal = "p",
                                                     .statement = "s",
                                                     .parameter_formats = {Format::kText, Format::kBinary},
                                                     .parameters = {std::nullopt, bytes},
                                                     .result_formats = {Format::kBinary}});
  const auto bind = decoded<BindMessage>(bind_bytes);
  EXPECT_EQ(bind.portal, "p");
  EXPECT_EQ(bind.statement, "s");
  EXPECT_THAT(bind.parameter_formats, ElementsAre(Format::kText, Format::kBinary));
  EXPECT_THAT(bind.parameters, ElementsAre(std::nullopt, bytes));
  EXPECT_THAT(bind.result_formats, ElementsAre(Format::kBinary));

  const std::string execute_bytes = encoded(ExecuteMessage{.portal = "p", .rows_max = 7});
  const auto execute = decoded<ExecuteMessage>(execute_bytes);
  EXPECT_EQ(execute.portal, "p");
  EXPECT_EQ(execute.rows_max, 7);
  const std::string describe_bytes = encoded(DescribeMessage{.target = Target::kPortal, .name = "p"});
  EXPECT_EQ(decoded<DescribeMessage>(describe_bytes).target, Target::kPortal);
  EXPECT_EQ(decoded<DescribeMessage>(describe_bytes).name, "p");
  const std::string close_bytes = encoded(CloseMessage{.target = Target::kStatement, .name = "s"});
  EXPECT_EQ(decoded<CloseMessage>(close_bytes).name, "s");
}

// Every message cut short at every place, and with a byte too many, is refused and nothing is read beyond its end.
TEST(FrontendTest, RefusesWhatIsCutShortOrTooLong) {
  const std::vector<std::string> messages = {
      encoded(QueryMessage{.sql = "q"}),
      encoded(ParseMessage{.statement = "s", .sql = "q", .parameter_oids = {23}}),
      encoded(BindMessage{.portal = "p",
                          .statement = "s",
                          .parameter_formats = {Format::kText},
                          .parameters = {"x"},
                          .result_formats = {Format::kText}}),
      encoded(DescribeMessage{.target = Target::kPortal, .name = "p"}),
      encoded(ExecuteMessage{.portal = "p", .rows_max = 7}),
      encoded(CloseMessage{.target = Target::kStatement, .name = "s"}),
  };
  for (const std::string& message : messages) {
    for (size_t size = 5; size < message.size(); ++size) {
      const std::string cut = message.substr(0, size);
      EXPECT_FALSE(decode_frontend(frame_of(cut))) << testing::PrintToString(cut);
    }
    EXPECT_TRUE(decode_frontend(frame_of(message)));
    EXPECT_FALSE(decode_frontend(frame_of(message + "\0"s)));
  }
}

TEST(FrontendTest, RefusesCountsThatPromiseMoreThanThereIs) {
  EXPECT_FALSE(decode_frontend({.type = 'P', .payload = "s\0q\0\xff\xff"s}));
  EXPECT_FALSE(decode_frontend({.type = 'B', .payload = "p\0s\0\0\0\xff\xff"s}));
  EXPECT_FALSE(decode_frontend({.type = 'B', .payload = "p\0s\0\0\0\0\1\x7f\xff\xff\xff"s}));
  EXPECT_FALSE(decode_frontend({.type = 'B', .payload = "p\0s\0\0\0\0\1\xff\xff\xff\xfe\0\0"s}));  // length -2
  EXPECT_FALSE(decode_frontend({.type = 'B', .payload = "p\0s\0\0\1\0\2\0\0\0\0"s}));              // format 2
  EXPECT_FALSE(decode_frontend({.type = '\x01', .payload = ""}));
}

TEST(FrontendTest, ReadsStartupPackets) {
  const auto packet = [](const auto& message) { return encoded(message).substr(4); };
  const std::string startup =
      packet(StartupMessage{.protocol = kProtocolOldest, .parameters = {{"user", "me"}, {"database", ""}}});
  const auto message = std::get<StartupMessage>(*decode_startup(startup));
  EXPECT_EQ(message.protocol, protocol_version(3, 0));
  EXPECT_THAT(message.parameters, ElementsAre(testing::Pair("user", "me"), testing::Pair("database", "")));
  for (size_t size = 0; size < startup.size(); ++size) EXPECT_FALSE(decode_startup(startup.substr(0, size))) << size;

  EXPECT_TRUE(std::holds_alternative<SslRequest>(*decode_startup(packet(SslRequest{}))));
  const std::string cancel_bytes = packet(CancelRequest{.process_id = 7, .secret_key = "abcd"});
  const auto cancel = std::get<CancelRequest>(*decode_startup(cancel_bytes));
  EXPECT_EQ(cancel.process_id, 7);
  EXPECT_EQ(cancel.secret_key, "abcd");
  EXPECT_FALSE(decode_startup("\0\2\0\0\0"s));  // protocol 2
}

TEST(BackendTest, RoundTripsWhatClientsRead) {
  std::string out;
  write_row_description(out,
                        std::vector<ColumnDescription>{{.name = "a", .oid = 23, .size = 4}, {.name = "b", .oid = 25}});
  const auto description = decode_backend(frame_of(out));
  ASSERT_TRUE(description);
  const auto& columns = std::get<RowDescription>(*description).columns;
  ASSERT_EQ(columns.size(), 2U);
  EXPECT_EQ(columns[0].name, "a");
  EXPECT_EQ(columns[1].oid, 25U);

  std::string error;
  write_error(error, {.severity = "FATAL", .sql_state = "42601", .message = "m", .hint = "h", .position = 12});
  const auto decoded_error = decode_backend(frame_of(error));
  ASSERT_TRUE(decoded_error);
  const Diagnostic& fields = std::get<ErrorResponse>(*decoded_error).error;
  EXPECT_EQ(fields.severity, "FATAL");
  EXPECT_EQ(fields.sql_state, "42601");
  EXPECT_EQ(fields.message, "m");
  EXPECT_EQ(fields.hint, "h");
  EXPECT_EQ(fields.position, 12U);
  for (size_t size = 5; size < error.size(); ++size) {
    const std::string cut = error.substr(0, size);
    EXPECT_FALSE(decode_backend(frame_of(cut)));
  }
}

TEST(BackendTest, AZeroByteInATextCannotForgeAField) {
  std::string out;
  write_error(out, {.sql_state = "42601", .message = "bad\0CXXXXX"s});
  EXPECT_EQ(std::get<ErrorResponse>(*decode_backend(frame_of(out))).error.sql_state, "42601");
}

TEST(CodecTest, RandomBytesAreRefusedOrRead) {
  std::mt19937 random(7);  // NOLINT(cert-msc51-cpp): a seed that gives the same bytes again
  for (int round = 0; round < 20'000; ++round) {
    std::string bytes(random() % 40, '\0');
    for (char& c : bytes) c = static_cast<char>(random() % 4 == 0 ? random() : random() % 4);
    const char type = "QPBDECSHXdF"[random() % 11];
    static_cast<void>(decode_frontend({.type = type, .payload = bytes}));
    static_cast<void>(decode_backend({.type = "RSKZTDCENI"[random() % 10], .payload = bytes}));
    static_cast<void>(decode_startup(bytes));
  }
}

}  // namespace
}  // namespace penstock::pgwire
