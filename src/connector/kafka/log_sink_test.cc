#include "connector/kafka/log_sink.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>

#include "connector/connector_test_fixture.h"
#include "connector/kafka/partition_reader.h"

namespace penstock::connector {
namespace {

using columnar::batch_from_text;
using log::Offset;
using log::partition_of;
using log::read_values;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class LogSinkTest : public SinkTest {
 protected:
  LogSinkTest() {
    options_ = {{"connector", "kafka"}, {"topic", "out"}, {"format", "csv"}};
    EXPECT_TRUE(log_->create_topic("out", 1, {}));
    EXPECT_TRUE(log_->create_topic("in", 1, {}));
  }

  void end_epoch(Sink& sink, exec::Operator& op, int64_t epoch, int64_t position) {
    commit(sink, op, epoch, {{partition_of("in", 0), Offset(position)}});
    EXPECT_TRUE(sink.close());
  }
};

TEST_F(LogSinkTest, AnEpochAndItsPositionsAreWrittenTogether) {
  auto sink = open();
  EXPECT_THAT(sink->committed(), IsEmpty());
  auto op = sink->make_operator({}).value();
  write(*op, "+ a 1 | + b 2");
  EXPECT_THAT(read_values(*log_, partition_of("out", 0), 0), IsEmpty()) << "not before the epoch is complete";
  end_epoch(*sink, *op, 1, 2);
  EXPECT_THAT(read_values(*log_, partition_of("out", 0), 0), ElementsAre("a,1", "b,2"));
  EXPECT_EQ(sink->rows_written(), 2u);
  EXPECT_EQ(positions_text(open()->committed()), "in/0=2");
}

TEST_F(LogSinkTest, AFullDiskHoldsItUpAndNothingIsLostOrDoubled) {
  auto sink = open();
  auto op = sink->make_operator({}).value();
  env_.fail(io::SimulatedEnv::Operation::kSync, 1, true, ErrorCode::kResourceExhausted);
  std::vector<std::string> expected;
  const auto end_next_epoch = [&](int64_t epoch) {
    write(*op, fmt::format("+ a {}", epoch));
    expected.push_back(fmt::format("a,{}", epoch));
    EXPECT_TRUE(op->on_barrier(Epoch(epoch), out_));
    EXPECT_TRUE(sink->commit(Epoch(epoch), {{partition_of("in", 0), Offset(epoch)}}));
  };
  for (int64_t epoch = 1; epoch <= 20; ++epoch) end_next_epoch(epoch);
  while (log_->accepts_writes(nullptr)) std::this_thread::yield();
  for (int64_t epoch = 21; epoch <= 40; ++epoch) end_next_epoch(epoch);
  EXPECT_FALSE(sink->durable(Epoch(1)));
  env_.clear_fault();
  while (!log_->accepts_writes(nullptr)) {
    env_.advance(100'000);  // the log waits by this clock
    std::this_thread::yield();
  }
  for (int64_t epoch = 41; epoch <= 60; ++epoch) end_next_epoch(epoch);
  while (!sink->durable(Epoch(60))) std::this_thread::yield();
  EXPECT_TRUE(sink->close());
  EXPECT_EQ(read_values(*log_, partition_of("out", 0), 0), expected);
  EXPECT_EQ(sink->rows_written(), 60U);
  EXPECT_EQ(positions_text(open()->committed()), "in/0=60");
}

TEST_F(LogSinkTest, AStopDoesNotWaitForRoom) {
  auto sink = open();
  auto op = sink->make_operator({}).value();
  env_.fail(io::SimulatedEnv::Operation::kSync, 1, true, ErrorCode::kResourceExhausted);
  for (int64_t epoch = 1; epoch <= 2; ++epoch) {
    write(*op, fmt::format("+ a {}", epoch));
    EXPECT_TRUE(op->on_barrier(Epoch(epoch), out_));
    EXPECT_TRUE(sink->commit(Epoch(epoch), {{partition_of("in", 0), Offset(epoch)}}));
    while (log_->accepts_writes(nullptr)) std::this_thread::yield();
  }
  const Status closed = sink->close();
  ASSERT_FALSE(closed);
  EXPECT_THAT(closed.error().message(), HasSubstr("until the disk has room"));
  env_.clear_fault();
}

TEST_F(LogSinkTest, AnEpochThatWasNotCommittedLeavesNothing) {
  {
    auto sink = open();
    auto op = sink->make_operator({}).value();
    write(*op, "+ a 1");
    EXPECT_TRUE(op->on_barrier(Epoch(1), out_));
  }
  EXPECT_THAT(read_values(*log_, partition_of("out", 0), 0), IsEmpty());
  EXPECT_THAT(open()->committed(), IsEmpty());
}

TEST_F(LogSinkTest, PositionsMoveWithoutRows) {
  auto sink = open();
  auto op = sink->make_operator({}).value();
  end_epoch(*sink, *op, 1, 7);
  EXPECT_EQ(positions_text(open()->committed()), "in/0=7");
  EXPECT_EQ(sink->rows_written(), 0u);
}

TEST_F(LogSinkTest, AMutedSinkWritesNothing) {
  auto sink = open();
  auto op = sink->make_operator({}).value();
  sink->set_muted(true);
  write(*op, "+ a 1");
  EXPECT_TRUE(op->on_barrier(Epoch(1), out_));
  sink->set_muted(false);
  write(*op, "+ b 2");
  end_epoch(*sink, *op, 2, 2);
  EXPECT_THAT(read_values(*log_, partition_of("out", 0), 0), ElementsAre("b,2"));
}

TEST_F(LogSinkTest, KeysChooseThePartitionAsJavasClientDoes) {
  // What org.apache.kafka.common.utils.Utils.murmur2 gives, from its own test.
  EXPECT_EQ(partition_for_key("21", 1 << 30), (-973932308 & 0x7fffffff) % (1 << 30));
  EXPECT_EQ(partition_for_key("foobar", 1 << 30), (-790332482 & 0x7fffffff) % (1 << 30));
  EXPECT_EQ(partition_for_key("a-little-bit-long-string", 1 << 30), (-985981536 & 0x7fffffff) % (1 << 30));
  EXPECT_EQ(partition_for_key("a-little-bit-longer-string", 1 << 30), (-1486304829 & 0x7fffffff) % (1 << 30));

  ASSERT_TRUE(log_->add_partitions("out", 4));
  options_["key.fields"] = "k;v";
  auto sink = open();
  auto op = sink->make_operator({}).value();
  write(*op, "+ a 1 | + b 2 | + a 1");
  end_epoch(*sink, *op, 1, 3);
  const auto a = read_values(*log_, partition_of("out", partition_for_key("a|1", 4)), 0);
  EXPECT_EQ(std::ranges::count(a, "a,1"), 2);
  const auto b = read_values(*log_, partition_of("out", partition_for_key("b|2", 4)), 0);
  EXPECT_EQ(std::ranges::count(b, "b,2"), 1);
}

class UpsertSinkTest : public LogSinkTest {
 protected:
  UpsertSinkTest() {
    options_ = {{"connector", "upsert-kafka"}, {"topic", "out"}, {"key.format", "json"}, {"value.format", "json"}};
  }
  std::shared_ptr<Sink> open() {
    SinkRequest r = sink_request();
    r.append_only = false;
    r.primary_key = {"k"};
    auto sink = make_sink(context(), std::move(r));
    EXPECT_TRUE(sink) << sink.error().to_string();
    return std::move(*sink);
  }
  // "key => value", a tombstone without a value.
  std::vector<std::string> records(int32_t partition = 0) {
    std::vector<std::string> texts;
    PartitionReader reader(*log_, partition_of("out", partition), Offset(0), std::nullopt, {});
    std::vector<log::Record> read;
    EXPECT_TRUE(reader.read(1000, read));
    for (const log::Record& record : read) {
      texts.push_back(std::string(*record.key) + " =>" + (record.value ? " " + std::string(*record.value) : ""));
    }
    return texts;
  }
};

TEST_F(UpsertSinkTest, AnEpochWritesTheLastRowOfEachKeyOrATombstone) {
  auto sink = open();
  auto op = sink->make_operator({}).value();
  write(*op, "+I a 1 | +I b 2 | -U a 1 | +U a 3");
  write(*op, "-U a 3 | +U a 4");
  end_epoch(*sink, *op, 1, 1);
  EXPECT_THAT(records(), ElementsAre(R"({"k":"a"} => {"k":"a","v":4})", R"({"k":"b"} => {"k":"b","v":2})"));
  EXPECT_EQ(sink->rows_written(), 2U);
  sink = open();
  op = sink->make_operator({}).value();
  write(*op, "-D a 4 | +I c 1 | -D c 1");
  end_epoch(*sink, *op, 2, 2);
  EXPECT_THAT(records(),
              ElementsAre(R"({"k":"a"} => {"k":"a","v":4})", R"({"k":"b"} => {"k":"b","v":2})", R"({"k":"a"} =>)"));
}

TEST_F(UpsertSinkTest, TheKeysBytesChooseThePartition) {
  ASSERT_TRUE(log_->add_partitions("out", 4));
  auto sink = open();
  auto op = sink->make_operator({}).value();
  write(*op, "+I a 1 | +I b 2 | +I c 3");
  end_epoch(*sink, *op, 1, 1);
  size_t found = 0;
  for (int32_t partition = 0; partition < 4; ++partition) {
    for (const std::string& record : records(partition)) {
      EXPECT_EQ(partition_for_key(record.substr(0, record.find(" =>")), 4), partition);
      ++found;
    }
  }
  EXPECT_EQ(found, 3U);
}

TEST_F(UpsertSinkTest, ValuesWithoutTheKey) {
  schema_ = schema_of({{"key_id", "BIGINT"}, {"id", "BIGINT"}});
  options_["value.fields-include"] = "EXCEPT_KEY";
  options_["key.fields-prefix"] = "key_";
  SinkRequest r = sink_request();
  r.append_only = false;
  r.primary_key = {"key_id"};
  auto sink = make_sink(context(), std::move(r)).value();
  auto op = sink->make_operator({}).value();
  write(*op, "+I 1 2");
  end_epoch(*sink, *op, 1, 1);
  EXPECT_THAT(records(), ElementsAre(R"({"id":1} => {"id":2})"));
}

TEST_F(LogSinkTest, TheTimestampCanBeWritten) {
  schema_ = schema_of({{"k", "STRING"}, {"t", "TIMESTAMP_LTZ(3)"}, {"v", "BIGINT"}});
  SinkRequest r = sink_request();
  r.metadata.push_back({.column = 1, .key = "timestamp"});
  auto sink = make_sink(context(), std::move(r)).value();
  auto op = sink->make_operator({}).value();
  write(*op, "+ a '1970-01-01 00:00:12.345Z' 1");
  end_epoch(*sink, *op, 1, 1);
  EXPECT_THAT(read_values(*log_, partition_of("out", 0), 0), ElementsAre("a,1"));
  const auto found = log_->offset_of_max_timestamp(partition_of("out", 0));
  EXPECT_EQ((*found)->timestamp_ms, 12'345);
}

TEST_F(LogSinkTest, WhatItCannotWriteIsRefusedBeforeItRuns) {
  SinkRequest changes = sink_request();
  changes.append_only = false;
  const auto sink = make_sink(context(), std::move(changes));
  ASSERT_FALSE(sink);
  EXPECT_THAT(sink.error().to_string(), HasSubstr("takes only inserts"));

  SinkRequest offset = sink_request();
  offset.metadata.push_back({.column = 1, .key = "offset"});
  const auto read_only = make_sink(context(), std::move(offset));
  ASSERT_FALSE(read_only);
  EXPECT_THAT(read_only.error().to_string(), HasSubstr("'offset' of column v cannot be written (hint: declare the"));

  auto op = open()->make_operator({}).value();
  EXPECT_FALSE(op->process(0, batch_from_text("+I a 1 | -D a 1", schema_).value(), out_));
}

TEST_F(LogSinkTest, AFailedWriteEndsTheJob) {
  auto sink = open();
  auto op = sink->make_operator({}).value();
  write(*op, "+ a 1");
  EXPECT_TRUE(op->on_barrier(Epoch(1), out_));
  env_.fail(io::SimulatedEnv::Operation::kSync, 1, true);
  EXPECT_TRUE(sink->commit(Epoch(1), {{partition_of("in", 0), Offset(1)}})) << "written in the background";
  EXPECT_FALSE(sink->close());
  EXPECT_FALSE(sink->commit(Epoch(2), {{partition_of("in", 0), Offset(2)}}));
  EXPECT_EQ(sink->rows_written(), 0u);
}

}  // namespace
}  // namespace penstock::connector
