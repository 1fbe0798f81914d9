#include "connector/blackhole/blackhole_sink.h"

#include <atomic>
#include <utility>
#include <vector>

#include "base/metrics.h"
#include "columnar/row_key.h"
#include "connector/transient_sink.h"

namespace penstock::connector {

namespace {

constexpr OptionDoc kOptions[] = {
    {"checksum", "false",
     "Counts the rows that are left when all changes are applied, and sums their hashes: of the last INSERT the "
     "metrics "
     "penstock_blackhole_rows and penstock_blackhole_checksum."},
};

// What is left of all rows, whatever the order in which they came and were taken back. Thread-safe.
class Remainder {
 public:
  void add(int64_t rows, uint64_t hashes) {
    rows_.fetch_add(rows, std::memory_order_relaxed);
    hashes_.fetch_add(hashes, std::memory_order_relaxed);
  }
  int64_t rows() const { return rows_.load(std::memory_order_relaxed); }
  // 52 bits of the sum, which a number of Prometheus holds exactly.
  uint64_t checksum() const { return hashes_.load(std::memory_order_relaxed) >> 12; }

 private:
  std::atomic<int64_t> rows_{0};
  std::atomic<uint64_t> hashes_{0};
};

class BlackholeSink : public TransientSink {
 public:
  // `remainder` may be null.
  BlackholeSink(std::unique_ptr<PositionStore> store, std::shared_ptr<Remainder> remainder)
      : TransientSink(std::move(store)), remainder_(std::move(remainder)) {}

  Result<std::unique_ptr<exec::Operator>> make_operator(SinkInstance instance) override;

  Remainder* remainder() const { return remainder_.get(); }

 private:
  const std::shared_ptr<Remainder> remainder_;
};

class BlackholeOperator : public exec::Operator {
 public:
  explicit BlackholeOperator(std::shared_ptr<BlackholeSink> sink) : sink_(std::move(sink)) {}

  Status process(int /*port*/, const columnar::ChangeBatch& batch, exec::Output& /*out*/) override {
    if (sink_->muted()) return {};
    sink_->add_rows_written(batch.rows());
    if (sink_->remainder() != nullptr) add_up(batch);
    return {};
  }

 private:
  void add_up(const columnar::ChangeBatch& batch) {
    columnar::hash_rows(batch.columns(), batch.rows(), hashes_);
    int64_t rows = 0;
    uint64_t sum = 0;
    for (size_t row = 0; row < batch.rows(); ++row) {
      const int weight = batch.weight(row);
      rows += weight;
      sum += static_cast<uint64_t>(weight) * hashes_[row];
    }
    sink_->remainder()->add(rows, sum);
  }

  const std::shared_ptr<BlackholeSink> sink_;
  std::vector<uint64_t> hashes_;
};

Result<std::unique_ptr<exec::Operator>> BlackholeSink::make_operator(SinkInstance /*instance*/) {
  return std::make_unique<BlackholeOperator>(std::static_pointer_cast<BlackholeSink>(shared_from_this()));
}

// Whether a checksum is wanted.
Result<bool> parse_options(const std::string& table, const OptionMap& options) {
  TableOptions reader(table, options, kOptions);
  const bool checksum = PENSTOCK_TRY(reader.get_bool("checksum", false));
  PENSTOCK_TRY(reader.finish());
  return checksum;
}

std::shared_ptr<Remainder> publish_remainder(MetricsRegistry& metrics, const std::string& table) {
  auto remainder = std::make_shared<Remainder>();
  const Labels labels{{"table", table}};
  metrics.callback("penstock_blackhole_rows", "Rows that are left of those written to a blackhole table.", labels,
                   [remainder] { return static_cast<double>(remainder->rows()); });
  metrics.callback("penstock_blackhole_checksum", "A checksum of the rows that are left, in any order.", labels,
                   [remainder] { return static_cast<double>(remainder->checksum()); });
  return remainder;
}

}  // namespace

std::span<const OptionDoc> blackhole_option_docs() { return kOptions; }

Status validate_blackhole(const ConnectorContext& /*context*/, const TableDefinition& table) {
  PENSTOCK_TRY(parse_options(table.name, table.options));
  return {};
}

Result<std::shared_ptr<Sink>> make_blackhole_sink(const ConnectorContext& context, SinkRequest request) {
  const bool checksum = PENSTOCK_TRY(parse_options(request.table, request.options));
  auto store = PENSTOCK_TRY(PositionStore::open(context, request.group));
  std::shared_ptr<Remainder> remainder;
  if (checksum && context.metrics != nullptr) remainder = publish_remainder(*context.metrics, request.table);
  return std::make_shared<BlackholeSink>(std::move(store), std::move(remainder));
}

}  // namespace penstock::connector
