#include "connector/blackhole/blackhole_sink.h"

#include <utility>

#include "connector/transient_sink.h"

namespace penstock::connector {

namespace {

class BlackholeOperator : public exec::Operator {
 public:
  explicit BlackholeOperator(std::shared_ptr<TransientSink> sink) : sink_(std::move(sink)) {}

  Status process(int /*port*/, const columnar::ChangeBatch& batch, exec::Output& /*out*/) override {
    if (!sink_->muted()) sink_->add_rows_written(batch.rows());
    return {};
  }

 private:
  const std::shared_ptr<TransientSink> sink_;
};

class BlackholeSink : public TransientSink {
 public:
  using TransientSink::TransientSink;

  Result<std::unique_ptr<exec::Operator>> make_operator(SinkInstance /*instance*/) override {
    return std::make_unique<BlackholeOperator>(shared_from_this());
  }
};

Status check_options(const std::string& table, const OptionMap& options) {
  return TableOptions(table, options, {}).finish();
}

}  // namespace

std::span<const OptionDoc> blackhole_option_docs() { return {}; }

Status validate_blackhole(const ConnectorContext& /*context*/, const TableDefinition& table) {
  return check_options(table.name, table.options);
}

Result<std::shared_ptr<Sink>> make_blackhole_sink(const ConnectorContext& context, SinkRequest request) {
  PENSTOCK_TRY(check_options(request.table, request.options));
  return std::make_shared<BlackholeSink>(PENSTOCK_TRY(PositionStore::open(context, request.group)));
}

}  // namespace penstock::connector
