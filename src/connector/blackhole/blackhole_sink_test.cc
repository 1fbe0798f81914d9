#include "connector/blackhole/blackhole_sink.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "connector/connector_test_fixture.h"

namespace penstock::connector {
namespace {

class BlackholeSinkTest : public ConnectorTest {};

TEST_F(BlackholeSinkTest, ItCountsRowsAndKeepsPositions) {
  ASSERT_TRUE(log_->create_topic("in", 1, {}));
  const types::Schema schema = schema_of({{"a", "BIGINT"}});
  SinkRequest request{.table = "t", .options = {{"connector", "blackhole"}}, .schema = schema, .metadata = {}};
  request.append_only = false;
  request.group = "job.1";
  auto sink = make_sink(context(), request).value();
  CollectedOutput out;
  auto op = sink->make_operator({}).value();
  EXPECT_TRUE(op->process(0, columnar::batch_from_text("+I 1 | -D 1 | +I 2", schema).value(), out));
  EXPECT_EQ(sink->rows_written(), 3u);
  EXPECT_EQ(out.batches, 0u);
  ASSERT_TRUE(sink->commit(Epoch(1), {{log::partition_of("in", 0), log::Offset(9)}}));
  ASSERT_TRUE(sink->close());
  EXPECT_EQ(positions_text(make_sink(context(), request).value()->committed()), "in/0=9");
}

TEST_F(BlackholeSinkTest, TheChecksumIsThatOfWhatIsLeft) {
  const types::Schema schema = schema_of({{"a", "BIGINT"}});
  const auto left_of = [&](std::string_view changes) {
    MetricsRegistry metrics;
    ConnectorContext with_metrics = context();
    with_metrics.metrics = &metrics;
    auto sink = make_sink(with_metrics, {.table = "t",
                                         .options = {{"connector", "blackhole"}, {"checksum", "true"}},
                                         .schema = schema,
                                         .metadata = {},
                                         .append_only = false,
                                         .group = ""})
                    .value();
    CollectedOutput out;
    EXPECT_TRUE(sink->make_operator({}).value()->process(0, columnar::batch_from_text(changes, schema).value(), out));
    return metrics.prometheus_text();
  };
  const std::string one = left_of("+I 1");
  EXPECT_THAT(one, testing::HasSubstr("penstock_blackhole_rows{table=\"t\"} 1\n"));
  EXPECT_EQ(left_of("+I 2 | +I 1 | -D 2"), one);
  EXPECT_EQ(left_of("-U 3 | +U 1 | +I 3"), one);
  EXPECT_NE(left_of("+I 2"), one);
  EXPECT_NE(left_of("+I 1 | +I 1"), one);
}

TEST_F(BlackholeSinkTest, ItHasNoFormat) {
  EXPECT_FALSE(validate_table(context(), {.name = "t",
                                          .physical = schema_of({{"a", "BIGINT"}}),
                                          .metadata = {},
                                          .options = {{"connector", "blackhole"}, {"format", "json"}}}));
}

}  // namespace
}  // namespace penstock::connector
