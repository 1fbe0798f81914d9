#include "connector/print/print_sink.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "connector/connector_test_fixture.h"
#include "connector/print/text_writer.h"

namespace penstock::connector {
namespace {

using columnar::batch_from_text;
using testing::HasSubstr;

class Pipe {
 public:
  Pipe() { EXPECT_EQ(::pipe2(ends_, O_CLOEXEC), 0); }
  ~Pipe() {
    close_reader();
    ::close(ends_[1]);
  }
  int writer() const { return ends_[1]; }
  void close_reader() {
    if (ends_[0] >= 0) ::close(std::exchange(ends_[0], -1));
  }
  std::string read(size_t size) {
    std::string text;
    while (text.size() < size) {
      char buffer[4096];
      const ssize_t n = ::read(ends_[0], buffer, std::min(sizeof buffer, size - text.size()));
      if (n <= 0) break;
      text.append(buffer, static_cast<size_t>(n));
    }
    return text;
  }

 private:
  int ends_[2] = {-1, -1};
};

class PrintSinkTest : public ConnectorTest {
 protected:
  std::shared_ptr<Sink> open(OptionMap options = {}) {
    options.emplace("connector", "print");
    SinkRequest request;
    request.table = "t";
    request.options = std::move(options);
    request.schema = schema_;
    request.append_only = false;
    request.group = "job.1";
    ConnectorContext with_pipes = context();
    with_pipes.output_fd = output_.writer();
    with_pipes.error_fd = errors_.writer();
    auto sink = make_sink(with_pipes, std::move(request));
    EXPECT_TRUE(sink) << sink.error().to_string();
    return std::move(*sink);
  }
  void write(Sink& sink, SinkInstance instance, const std::string& rows) {
    CollectedOutput out;
    auto op = sink.make_operator(instance).value();
    EXPECT_TRUE(op->process(0, batch_from_text(rows, schema_).value(), out));
    EXPECT_TRUE(sink.close());
  }

  types::Schema schema_ = schema_of({{"a", "BIGINT"}, {"b", "STRING"}, {"c", "BOOLEAN"}});
  Pipe output_;
  Pipe errors_;
};

TEST_F(PrintSinkTest, EveryChangeIsALine) {
  const std::string expected = "+I[1, two words, true]\n-U[2, null, false]\n+U[2, x, null]\n-D[1, two words, true]\n";
  auto sink = open();
  write(*sink, {}, "+I 1 'two words' TRUE | -U 2 NULL FALSE | +U 2 x NULL | -D 1 'two words' TRUE");
  EXPECT_EQ(output_.read(expected.size()), expected);
  EXPECT_EQ(sink->rows_written(), 4u);
}

TEST_F(PrintSinkTest, PrefixesAreFlinks) {
  const auto line = [&](OptionMap options, SinkInstance instance, const std::string& expected) {
    Pipe& pipe = options.contains("standard-error") ? errors_ : output_;
    write(*open(options), instance, "+ 1 x TRUE");
    EXPECT_EQ(pipe.read(expected.size()), expected);
  };
  line({{"print-identifier", "here"}}, {.number = 0, .parallelism = 1}, "here> +I[1, x, true]\n");
  line({{"print-identifier", "here"}}, {.number = 1, .parallelism = 2}, "here:2> +I[1, x, true]\n");
  line({}, {.number = 1, .parallelism = 2}, "2> +I[1, x, true]\n");
  line({{"standard-error", "true"}}, {}, "+I[1, x, true]\n");
}

TEST_F(PrintSinkTest, PositionsAreCommitted) {
  ASSERT_TRUE(log_->create_topic("in", 1, {}));
  auto sink = open();
  ASSERT_TRUE(sink->commit(Epoch(1), {{log::partition_of("in", 0), log::Offset(3)}}));
  ASSERT_TRUE(sink->close());
  EXPECT_EQ(positions_text(open()->committed()), "in/0=3");
}

TEST_F(PrintSinkTest, AMutedSinkPrintsNothing) {
  auto sink = open();
  sink->set_muted(true);
  write(*sink, {}, "+ 1 x TRUE");
  sink->set_muted(false);
  write(*sink, {}, "+ 2 x TRUE");
  EXPECT_EQ(output_.read(15), "+I[2, x, true]\n");
}

TEST_F(PrintSinkTest, ItCannotBeRead) {
  options_ = {{"connector", "print"}};
  const auto plan = plan_source(context(), request(schema_));
  ASSERT_FALSE(plan);
  EXPECT_THAT(plan.error().message(), HasSubstr("cannot be read"));
  options_["prnt-identifier"] = "x";
  EXPECT_THAT(validate_table(context(), {.name = "t", .physical = schema_, .metadata = {}, .options = options_})
                  .error()
                  .to_string(),
              HasSubstr("did you mean \"print-identifier\""));
}

TEST(TextWriterTest, AReaderThatTakesNothingHoldsUpOnlyTheWriter) {
  Pipe pipe;
  std::atomic<int> wakes{0};
  TextWriter writer(pipe.writer(), 1);
  writer.on_room([&] { wakes.fetch_add(1); });
  const std::string block(64 << 10, 'x');
  // More than it lets wait, and what a pipe takes.
  const size_t written = 2 * TextWriter::kWaitingBytesMax;
  for (size_t i = 0; i < written; i += block.size()) writer.write(block);
  writer.flush();  // gives up
  EXPECT_FALSE(writer.has_room());
  EXPECT_EQ(pipe.read(written), std::string(written, 'x'));
  writer.flush();
  EXPECT_TRUE(writer.has_room());
  writer.write("end");
  EXPECT_EQ(pipe.read(3), "end");
  EXPECT_GT(wakes.load(), 0);
}

TEST(TextWriterTest, AReaderThatHasGoneIsNotWaitedFor) {
  Pipe pipe;
  TextWriter writer(pipe.writer());
  pipe.close_reader();
  writer.write("lost");
  writer.flush();
}

}  // namespace
}  // namespace penstock::connector
