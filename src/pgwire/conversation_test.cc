#include "pgwire/conversation.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "engine/fake_engine_test.h"
#include "pgwire/wire.h"

namespace penstock::pgwire {
namespace {

using engine::CannedStatement;
using std::string_literals::operator""s;
using types::TypeKind;

const types::Schema kNumbers{{.name = "n", .type = TypeKind::kBigInt}};

// The server's messages in short: "T(n:20) D(1) C(SELECT 1) Z(I)".
std::string brief(std::string_view bytes) {
  FrameReader reader(1 << 30);
  reader.feed(bytes);
  std::string text;
  for (auto frame = reader.next(); *frame; frame = reader.next()) {
    if (!text.empty()) text += ' ';
    const Frame& f = **frame;
    const auto message = decode_backend(f);
    EXPECT_TRUE(message);
    text += f.type;
    if (const auto* row = std::get_if<DataRow>(&*message)) {
      std::string values;
      for (const auto& value : row->values) values += (values.empty() ? "" : ",") + std::string(value.value_or("NULL"));
      text += "(" + values + ")";
    } else if (const auto* description = std::get_if<RowDescription>(&*message)) {
      std::string columns;
      for (const auto& column : description->columns) columns += fmt::format("{}:{}", column.name, column.oid);
      text += "(" + columns + ")";
    } else if (const auto* complete = std::get_if<CommandComplete>(&*message)) {
      text += "(" + std::string(complete->tag) + ")";
    } else if (const auto* error = std::get_if<ErrorResponse>(&*message)) {
      text += "(" + std::string(error->error.sql_state);
      if (error->error.position) text += fmt::format("@{}", *error->error.position);
      text += ")";
    } else if (const auto* notice = std::get_if<NoticeResponse>(&*message)) {
      text += "(" + std::string(notice->notice.sql_state) + ")";
    } else if (const auto* ready = std::get_if<ReadyForQuery>(&*message)) {
      text += fmt::format("({})", static_cast<char>(ready->status));
    } else if (const auto* status = std::get_if<ParameterStatus>(&*message)) {
      text += fmt::format("({}={})", status->name, status->value);
    } else if (f.type == 't') {
      WireReader in(f.payload);
      std::string oids;
      for (int count = in.int16(); count > 0; --count) oids += (oids.empty() ? "" : ",") + std::to_string(in.int32());
      text += "(" + oids + ")";
    }
  }
  EXPECT_EQ(reader.unread(), "");
  return text;
}

class ConversationTest : public testing::Test {
 protected:
  ConversationTest() {
    engine_.statements["select 1"] = {
        .parameters = {}, .schema = kNumbers, .batches = {"+ 1"}, .tag = "SELECT 1", .endless = false, .error = {}};
    engine_.statements["select n"] = {.parameters = {},
                                      .schema = kNumbers,
                                      .batches = {"+ 1 | + 2", "+ 3"},
                                      .tag = "SELECT 3",
                                      .endless = false,
                                      .error = {}};
    engine_.statements["insert"] = {
        .parameters = {}, .schema = {}, .batches = {}, .tag = "INSERT 0 1", .endless = false, .error = {}};
    engine_.statements["select bad"] = {.parameters = {},
                                        .schema = kNumbers,
                                        .batches = {},
                                        .tag = "",
                                        .endless = false,
                                        .error = invalid_argument("column \"bad\" does not exist").at(7)};
    engine_.statements["select $1"] = {.parameters = {TypeKind::kBigInt},
                                       .schema = kNumbers,
                                       .batches = {"+ 1"},
                                       .tag = "SELECT 1",
                                       .endless = false,
                                       .error = {}};
  }

  // Feeds everything, and gives all that comes back until more input is needed.
  std::string exchange(std::string_view bytes) {
    conversation_.feed(bytes);
    std::string out;
    do {
      step_ = conversation_.advance(out);
    } while (step_ == Conversation::Step::kWrite);
    return out;
  }

  void start(std::vector<std::pair<std::string_view, std::string_view>> parameters = {{"user", "me"}}) {
    std::string startup;
    encode(startup, StartupMessage{.protocol = kProtocolOldest, .parameters = std::move(parameters)});
    greeting_ = brief(exchange(startup));
    ASSERT_TRUE(conversation_.established()) << greeting_;
  }

  std::string query(std::string_view sql) {
    std::string bytes;
    encode(bytes, QueryMessage{.sql = sql});
    return brief(exchange(bytes));
  }
  template <class... Messages>
  std::string send(const Messages&... messages) {
    std::string bytes;
    (encode(bytes, messages), ...);
    return brief(exchange(bytes));
  }

  engine::FakeEngine engine_;
  CancelRegistry cancels_;
  Conversation conversation_{
      engine_, cancels_, {.server_version = "15.0 (Penstock test)", .statements_max = 2, .portals_max = 2}};
  Conversation::Step step_ = Conversation::Step::kNeedInput;
  std::string greeting_;
};

// --- startup ---

TEST_F(ConversationTest, Starts) {
  start();
  EXPECT_THAT(greeting_, testing::StartsWith("R S("));
  EXPECT_THAT(greeting_, testing::HasSubstr("S(server_version=15.0 (Penstock test))"));
  EXPECT_THAT(greeting_, testing::HasSubstr("S(client_encoding=UTF8)"));
  EXPECT_THAT(greeting_, testing::HasSubstr("S(integer_datetimes=on)"));
  EXPECT_THAT(greeting_, testing::HasSubstr("S(standard_conforming_strings=on)"));
  EXPECT_THAT(greeting_, testing::EndsWith("K Z(I)"));
}

TEST_F(ConversationTest, DeclinesEncryptionThenStarts) {
  std::string ssl;
  encode(ssl, SslRequest{});
  EXPECT_EQ(exchange(ssl), "N");
  EXPECT_EQ(exchange("\0\0\0\x08\x04\xd2\x16\x30"s), "N");  // GSSENCRequest
  start();
}

TEST_F(ConversationTest, NegotiatesNewerProtocols) {
  std::string startup;
  encode(startup, StartupMessage{.protocol = protocol_version(3, 9), .parameters = {{"user", "me"}, {"_pq_.x", "1"}}});
  const std::string out = exchange(startup);
  const std::string negotiation = "v\0\0\0\x13\0\3\0\2\0\0\0\1_pq_.x\0"s;
  EXPECT_EQ(out.substr(0, negotiation.size()), negotiation);
  EXPECT_TRUE(conversation_.established());
}

TEST_F(ConversationTest, TakesSettingsFromTheStartup) {
  start({{"user", "me"},
         {"TimeZone", "Europe/Berlin"},
         {"application_name", "test"},
         {"client_encoding", "LATIN1"},
         {"options", "-c statement_timeout=5s -c nonsense=1"}});
  EXPECT_THAT(greeting_, testing::HasSubstr("S(TimeZone=Europe/Berlin)"));
  EXPECT_THAT(greeting_, testing::HasSubstr("S(client_encoding=UTF8)"));
  EXPECT_EQ(query("show application_name"), "T(application_name:25) D(test) C(SHOW) Z(I)");
  EXPECT_EQ(query("show statement_timeout"), "T(statement_timeout:25) D(5s) C(SHOW) Z(I)");
}

TEST_F(ConversationTest, RefusesBadStartups) {
  std::string startup;
  encode(startup, StartupMessage{.protocol = kProtocolOldest, .parameters = {{"database", "x"}}});
  EXPECT_EQ(brief(exchange(startup)), "E(28000)");
  EXPECT_EQ(step_, Conversation::Step::kClose);
}

TEST_F(ConversationTest, RefusesOldProtocolsAndReplication) {
  Conversation old(engine_, cancels_, {});
  std::string out;
  old.feed("\0\0\0\x09\0\2\0\0\0"s);
  EXPECT_EQ(old.advance(out), Conversation::Step::kClose);
  EXPECT_EQ(brief(out), "E(0A000)");
  std::string startup;
  encode(startup,
         StartupMessage{.protocol = kProtocolOldest, .parameters = {{"user", "me"}, {"replication", "database"}}});
  EXPECT_EQ(brief(exchange(startup)), "E(0A000)");
}

TEST_F(ConversationTest, CancelsOnlyWithTheKey) {
  const auto session = engine_.create_session();
  const CancelRegistry::Entry entry(cancels_, *session);
  const auto cancel = [&](const std::string& key) {
    Conversation other(engine_, cancels_, {});
    std::string request;
    encode(request, CancelRequest{.process_id = entry.process_id(), .secret_key = key});
    other.feed(request);
    std::string out;
    EXPECT_EQ(other.advance(out), Conversation::Step::kClose);
    EXPECT_EQ(out, "");
  };
  std::string wrong = entry.secret_key();
  wrong[0] = static_cast<char>(wrong[0] ^ 1);
  cancel(wrong);
  EXPECT_EQ(engine_.cancels, 0);
  cancel(entry.secret_key());
  EXPECT_EQ(engine_.cancels, 1);
}

// --- simple queries ---

TEST_F(ConversationTest, SimpleQueries) {
  start();
  EXPECT_EQ(query("select 1"), "T(n:20) D(1) C(SELECT 1) Z(I)");
  EXPECT_EQ(query("insert; select n"), "C(INSERT 0 1) T(n:20) D(1) D(2) D(3) C(SELECT 3) Z(I)");
  EXPECT_EQ(query(""), "I Z(I)");
  EXPECT_EQ(query(" ; ; "), "I Z(I)");
}

TEST_F(ConversationTest, AnErrorEndsTheScriptAndShowsItsPlace) {
  start();
  EXPECT_EQ(query("insert; select bad; insert"), "C(INSERT 0 1) E(42703@16) Z(I)");
  EXPECT_EQ(query("nonsense"), "E(42601@1) Z(I)");
  EXPECT_EQ(engine_.executed, (std::vector<std::string>{"insert", "select bad"}));
}

TEST_F(ConversationTest, LargeResultsComeInPieces) {
  CannedStatement& many = engine_.statements["select many"];
  many.schema = types::Schema{{.name = "s", .type = TypeKind::kString}};
  std::string batch;
  for (int i = 0; i < 1000; ++i) batch += (i == 0 ? "+ " : " | + ") + std::string(100, 'x');
  many.batches.assign(10, batch);
  many.tag = "SELECT 10000";
  start();

  std::string bytes;
  encode(bytes, QueryMessage{.sql = "select many"});
  conversation_.feed(bytes);
  size_t total = 0;
  size_t largest = 0;
  Conversation::Step step = Conversation::Step::kWrite;
  while (step == Conversation::Step::kWrite) {
    std::string out;
    step = conversation_.advance(out);
    largest = std::max(largest, out.size());
    total += out.size();
  }
  EXPECT_GT(total, 10'000U * 100);
  EXPECT_LT(largest, 100'000U);
}

TEST_F(ConversationTest, ALiveStatementIsWrittenBeforeItWaits) {
  engine_.statements["subscribe v"] = {
      .parameters = {}, .schema = kNumbers, .batches = {"+ 1"}, .tag = "", .endless = true, .error = {}};
  start();
  std::string bytes;
  encode(bytes, QueryMessage{.sql = "subscribe v"});
  conversation_.feed(bytes);
  std::string head;
  ASSERT_EQ(conversation_.advance(head), Conversation::Step::kWrite);
  EXPECT_EQ(brief(head), "T(n:20)");
  std::string row;
  ASSERT_EQ(conversation_.advance(row), Conversation::Step::kWrite);
  EXPECT_EQ(brief(row), "D(1)");
}

// --- transactions ---

TEST_F(ConversationTest, TransactionStatus) {
  start();
  EXPECT_EQ(query("begin"), "C(BEGIN) Z(T)");
  EXPECT_EQ(query("begin"), "N(25001) C(BEGIN) Z(T)");
  EXPECT_EQ(query("select 1"), "T(n:20) D(1) C(SELECT 1) Z(T)");
  EXPECT_EQ(query("select bad"), "E(42703@8) Z(E)");
  EXPECT_EQ(query("select 1"), "E(25P02) Z(E)");
  EXPECT_EQ(query("commit"), "C(ROLLBACK) Z(I)");
  EXPECT_EQ(query("commit"), "N(25P01) C(COMMIT) Z(I)");
}

TEST_F(ConversationTest, SavepointsBringAFailedTransactionBack) {
  start();
  EXPECT_EQ(query("begin; savepoint a"), "C(BEGIN) C(SAVEPOINT) Z(T)");
  EXPECT_EQ(query("nonsense"), "E(42601@1) Z(E)");
  EXPECT_EQ(query("rollback to a"), "C(ROLLBACK) Z(T)");
  EXPECT_EQ(query("release a; commit"), "C(RELEASE) C(COMMIT) Z(I)");
}

TEST_F(ConversationTest, ARollbackSaysThatNothingIsTakenBack) {
  start();
  EXPECT_EQ(query("begin; select 1; rollback"), "C(BEGIN) T(n:20) D(1) C(SELECT 1) C(ROLLBACK) Z(I)");
  EXPECT_EQ(query("begin; insert; rollback"), "C(BEGIN) C(INSERT 0 1) N(01000) C(ROLLBACK) Z(I)");
}

// --- settings and functions ---

TEST_F(ConversationTest, SettingsAreReported) {
  start();
  EXPECT_EQ(query("set timezone = 'Asia/Tokyo'"), "S(TimeZone=Asia/Tokyo) C(SET) Z(I)");
  EXPECT_EQ(query("set time zone 'Nowhere'"), "E(22023) Z(I)");
  EXPECT_EQ(query("show time zone"), "T(TimeZone:25) D(Asia/Tokyo) C(SHOW) Z(I)");
  EXPECT_EQ(query("set client_encoding to 'latin1'"), "E(0A000) Z(I)");
  EXPECT_EQ(query("select set_config('application_name', 'x', false)"),
            "S(application_name=x) T(set_config:25) D(x) C(SELECT 1) Z(I)");
  EXPECT_EQ(query("select current_setting('nothing')"), "E(42704) Z(I)");
  EXPECT_EQ(query("select version(), current_user as u"),
            "T(version:25u:25) D(PostgreSQL 15.0 (Penstock test),me) C(SELECT 1) Z(I)");
  EXPECT_EQ(query("copy t from stdin"), "E(0A000) Z(I)");
}

// --- extended queries ---

TEST_F(ConversationTest, ExtendedQuery) {
  start();
  const std::string five = "5";
  EXPECT_EQ(send(ParseMessage{.statement = "", .sql = "select $1", .parameter_oids = {}},
                 DescribeMessage{.target = Target::kStatement, .name = ""},
                 BindMessage{.portal = "", .statement = "", .parameter_formats = {}, .parameters = {five}},
                 DescribeMessage{.target = Target::kPortal, .name = ""}, ExecuteMessage{}, SyncMessage{}),
            "1 t(20) T(n:20) 2 T(n:20) D(1) C(SELECT 1) Z(I)");
  EXPECT_EQ(engine_.executed_parameters.back(), std::vector{types::Value(int64_t{5})});
}

TEST_F(ConversationTest, BinaryParametersAndResults) {
  start();
  std::string five;
  append_int32(five, 5);
  EXPECT_EQ(send(ParseMessage{.statement = "", .sql = "select $1", .parameter_oids = {23}},
                 BindMessage{.portal = "",
                             .statement = "",
                             .parameter_formats = {Format::kBinary},
                             .parameters = {five},
                             .result_formats = {Format::kBinary}},
                 ExecuteMessage{}, SyncMessage{}),
            "1 2 D(" + "\0\0\0\0\0\0\0\1"s + ") C(SELECT 1) Z(I)");
  EXPECT_EQ(engine_.executed_parameters.back(), std::vector{types::Value(int64_t{5})});
}

TEST_F(ConversationTest, AnErrorSkipsToSync) {
  start();
  EXPECT_EQ(send(ParseMessage{.statement = "", .sql = "nonsense"}, BindMessage{}, ExecuteMessage{}, FlushMessage{},
                 QueryMessage{.sql = "select 1"}, SyncMessage{}, QueryMessage{.sql = "select 1"}),
            "E(42601@1) Z(I) T(n:20) D(1) C(SELECT 1) Z(I)");
}

TEST_F(ConversationTest, RowLimitsSuspendThePortal) {
  start();
  EXPECT_EQ(
      send(QueryMessage{.sql = "begin"}, ParseMessage{.statement = "s", .sql = "select n"},
           BindMessage{.portal = "p", .statement = "s"}, ExecuteMessage{.portal = "p", .rows_max = 2}, SyncMessage{}),
      "C(BEGIN) Z(T) 1 2 D(1) D(2) s Z(T)");
  // Another statement of the session runs in between.
  EXPECT_EQ(query("select 1"), "T(n:20) D(1) C(SELECT 1) Z(T)");
  EXPECT_EQ(send(ExecuteMessage{.portal = "p", .rows_max = 1}, ExecuteMessage{.portal = "p", .rows_max = 1},
                 ExecuteMessage{.portal = "p", .rows_max = 1}, SyncMessage{}),
            "D(3) s C(SELECT 3) C(SELECT 0) Z(T)");
  EXPECT_EQ(send(QueryMessage{.sql = "commit"}, ExecuteMessage{.portal = "p"}, SyncMessage{}),
            "C(COMMIT) Z(I) E(34000) Z(I)");
}

TEST_F(ConversationTest, PortalsEndWithTheStatementOutsideATransaction) {
  start();
  EXPECT_EQ(
      send(ParseMessage{.statement = "s", .sql = "select n"}, BindMessage{.portal = "p", .statement = "s"},
           ExecuteMessage{.portal = "p", .rows_max = 1}, SyncMessage{}, ExecuteMessage{.portal = "p"}, SyncMessage{}),
      "1 2 D(1) s Z(I) E(34000) Z(I)");
}

TEST_F(ConversationTest, EmptyAndLocalStatementsInExtendedQueries) {
  start();
  EXPECT_EQ(send(ParseMessage{.statement = "", .sql = ""}, DescribeMessage{.target = Target::kStatement, .name = ""},
                 BindMessage{}, ExecuteMessage{}, SyncMessage{}),
            "1 t() n 2 I Z(I)");
  EXPECT_EQ(send(ParseMessage{.statement = "", .sql = "BEGIN"}, BindMessage{}, ExecuteMessage{},
                 ParseMessage{.statement = "", .sql = "select 1"}, BindMessage{}, ExecuteMessage{},
                 ParseMessage{.statement = "", .sql = "COMMIT"}, BindMessage{}, ExecuteMessage{}, SyncMessage{}),
            "1 2 C(BEGIN) 1 2 D(1) C(SELECT 1) 1 2 C(COMMIT) Z(I)");
  EXPECT_EQ(send(ParseMessage{.statement = "", .sql = "show timezone"},
                 DescribeMessage{.target = Target::kStatement, .name = ""}, BindMessage{}, ExecuteMessage{},
                 ExecuteMessage{}, SyncMessage{}),
            "1 t() T(TimeZone:25) 2 D(UTC) C(SHOW) C(SELECT 0) Z(I)");
}

TEST_F(ConversationTest, WrongUsesOfTheExtendedProtocol) {
  start();
  const ParseMessage one{.statement = "s", .sql = "select $1"};
  const std::string five = "5";
  const std::string text = "five";
  EXPECT_EQ(send(one, SyncMessage{}, one, SyncMessage{}), "1 Z(I) E(42P05) Z(I)");
  EXPECT_EQ(send(BindMessage{.portal = "", .statement = "s"}, SyncMessage{}), "E(08P01) Z(I)");
  EXPECT_EQ(send(BindMessage{.portal = "", .statement = "s", .parameters = {text}}, SyncMessage{}), "E(22P02) Z(I)");
  EXPECT_EQ(
      send(
          BindMessage{
              .portal = "", .statement = "s", .parameters = {five}, .result_formats = {Format::kText, Format::kText}},
          SyncMessage{}),
      "E(08P01) Z(I)");
  EXPECT_EQ(send(BindMessage{.portal = "", .statement = "t"}, SyncMessage{}), "E(26000) Z(I)");
  EXPECT_EQ(send(DescribeMessage{.target = Target::kStatement, .name = "t"}, SyncMessage{}), "E(26000) Z(I)");
  EXPECT_EQ(send(DescribeMessage{.target = Target::kPortal, .name = "t"}, SyncMessage{}), "E(34000) Z(I)");
  EXPECT_EQ(send(ExecuteMessage{.portal = "t"}, SyncMessage{}), "E(34000) Z(I)");
  EXPECT_EQ(send(ParseMessage{.statement = "", .sql = "select 1; select 1"}, SyncMessage{}), "E(42601@1) Z(I)");
  EXPECT_EQ(send(CloseMessage{.target = Target::kStatement, .name = "s"},
                 CloseMessage{.target = Target::kPortal, .name = "t"}, SyncMessage{}),
            "3 3 Z(I)");
}

TEST_F(ConversationTest, StatementsAndPortalsAreBounded) {
  start();
  EXPECT_EQ(send(ParseMessage{.statement = "a", .sql = "select 1"}, ParseMessage{.statement = "b", .sql = "select 1"},
                 ParseMessage{.statement = "c", .sql = "select 1"}, SyncMessage{}),
            "1 1 E(54000) Z(I)");
  EXPECT_EQ(
      send(QueryMessage{.sql = "begin"}, BindMessage{.portal = "p", .statement = "a"},
           BindMessage{.portal = "q", .statement = "a"}, BindMessage{.portal = "r", .statement = "a"}, SyncMessage{}),
      "C(BEGIN) Z(T) 2 2 E(54000) Z(E)");
  EXPECT_EQ(query("rollback; deallocate a; deallocate a"), "C(ROLLBACK) C(DEALLOCATE) E(26000) Z(I)");
}

TEST_F(ConversationTest, TextParametersMustBeUtf8) {
  engine_.statements["select $s"] = {.parameters = {TypeKind::kString},
                                     .schema = kNumbers,
                                     .batches = {"+ 1"},
                                     .tag = "SELECT 1",
                                     .endless = false,
                                     .error = {}};
  start();
  for (const std::string& bad : {"\xff"s, "a\0b"s, "\xc0\x80"s, "\xed\xa0\x80"s, "\xf4\x90\x80\x80"s, "\xe2\x82"s}) {
    EXPECT_EQ(send(ParseMessage{.statement = "", .sql = "select $s"},
                   BindMessage{.portal = "", .statement = "", .parameters = {bad}}, SyncMessage{}),
              "1 E(22P02) Z(I)")
        << testing::PrintToString(bad);
  }
  const std::string good = "h\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80";
  EXPECT_EQ(send(ParseMessage{.statement = "", .sql = "select $s"},
                 BindMessage{.portal = "", .statement = "", .parameters = {good}}, ExecuteMessage{}, SyncMessage{}),
            "1 2 D(1) C(SELECT 1) Z(I)");
}

// --- malformed input ---

TEST_F(ConversationTest, UnknownMessagesEndTheConnection) {
  start();
  EXPECT_EQ(brief(exchange("?\0\0\0\4"s)), "E(08P01)");
  EXPECT_EQ(step_, Conversation::Step::kClose);
}

TEST_F(ConversationTest, UnknownMessagesAreNotWaitedFor) {
  start();
  EXPECT_EQ(brief(exchange("\0\0\x01\0\0"s)), "E(08P01)") << "its length says 64 KiB";
  EXPECT_EQ(step_, Conversation::Step::kClose);
}

TEST_F(ConversationTest, MalformedExtendedMessagesDoNot) {
  start();
  EXPECT_EQ(brief(exchange("P\0\0\0\5x"s + "S\0\0\0\4"s)), "E(08P01) Z(I)");
  EXPECT_EQ(query("select 1"), "T(n:20) D(1) C(SELECT 1) Z(I)");
}

TEST_F(ConversationTest, TerminateCloses) {
  start();
  EXPECT_EQ(send(TerminateMessage{}), "");
  EXPECT_EQ(step_, Conversation::Step::kClose);
}

}  // namespace
}  // namespace penstock::pgwire
