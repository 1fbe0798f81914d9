#include "connector/print/print_sink.h"

#include <fmt/format.h>

#include <string>
#include <utility>

#include "connector/print/text_writer.h"
#include "connector/transient_sink.h"
#include "types/value.h"

namespace penstock::connector {

namespace {

constexpr OptionDoc kOptions[] = {
    {"print-identifier", "", "Stands before every line, followed by '> '."},
    {"standard-error", "false", "Writes to standard error in place of standard output."},
};

struct PrintOptions {
  std::string identifier;
  bool standard_error = false;
};

Result<PrintOptions> parse_print(const std::string& table, const OptionMap& options) {
  TableOptions reader(table, options, kOptions);
  PrintOptions parsed;
  parsed.identifier = reader.get("print-identifier", "");
  parsed.standard_error = PENSTOCK_TRY(reader.get_bool("standard-error", false));
  PENSTOCK_TRY(reader.finish());
  return parsed;
}

class PrintSink : public TransientSink {
 public:
  PrintSink(std::unique_ptr<PositionStore> store, PrintOptions options, int descriptor)
      : TransientSink(std::move(store)), options_(std::move(options)), writer_(descriptor) {}

  Result<std::unique_ptr<exec::Operator>> make_operator(SinkInstance instance) override;
  Status close() override {
    writer_.flush();
    return TransientSink::close();
  }

  const PrintOptions& options() const { return options_; }
  TextWriter& writer() { return writer_; }

 private:
  const PrintOptions options_;
  TextWriter writer_;
};

class PrintOperator : public exec::Operator {
 public:
  PrintOperator(std::shared_ptr<PrintSink> sink, std::string prefix)
      : sink_(std::move(sink)), prefix_(std::move(prefix)) {}

  Status process(int /*port*/, const columnar::ChangeBatch& batch, exec::Output& /*out*/) override {
    if (sink_->muted()) return {};
    text_.clear();
    for (size_t row = 0; row < batch.rows(); ++row) append_row(batch, row);
    sink_->writer().write(text_);
    sink_->add_rows_written(batch.rows());
    return {};
  }

  bool can_accept() const override { return sink_->writer().has_room(); }
  void set_waker(std::function<void()> waker) override { sink_->writer().on_room(std::move(waker)); }

 private:
  void append_row(const columnar::ChangeBatch& batch, size_t row) {
    text_ += prefix_;
    text_ += columnar::short_name(batch.op(row));
    text_ += '[';
    for (size_t c = 0; c < batch.columns().size(); ++c) {
      if (c > 0) text_ += ", ";
      const columnar::Column& column = *batch.column(c);
      if (column.is_null(row)) {
        text_ += "null";
      } else if (column.type().kind() == types::TypeKind::kBoolean) {
        text_ += column.values<uint8_t>()[row] != 0 ? "true" : "false";
      } else {
        types::append_text(text_, column.value(row), column.type());
      }
    }
    text_ += "]\n";
  }

  const std::shared_ptr<PrintSink> sink_;
  const std::string prefix_;
  std::string text_;
};

// As Flink's: "name:2> " for the second of several instances, "name> " for the only one.
Result<std::unique_ptr<exec::Operator>> PrintSink::make_operator(SinkInstance instance) {
  std::string prefix = options_.identifier;
  if (instance.parallelism > 1) prefix += fmt::format("{}{}", prefix.empty() ? "" : ":", instance.number + 1);
  if (!prefix.empty()) prefix += "> ";
  return std::make_unique<PrintOperator>(std::static_pointer_cast<PrintSink>(shared_from_this()), std::move(prefix));
}

}  // namespace

std::span<const OptionDoc> print_option_docs() { return kOptions; }

Status validate_print(const ConnectorContext& /*context*/, const TableDefinition& table) {
  PENSTOCK_TRY(parse_print(table.name, table.options));
  return {};
}

Result<std::shared_ptr<Sink>> make_print_sink(const ConnectorContext& context, SinkRequest request) {
  PrintOptions options = PENSTOCK_TRY(parse_print(request.table, request.options));
  const int descriptor = options.standard_error ? context.error_fd : context.output_fd;
  auto store = PENSTOCK_TRY(PositionStore::open(context, request.group));
  return std::make_shared<PrintSink>(std::move(store), std::move(options), descriptor);
}

}  // namespace penstock::connector
