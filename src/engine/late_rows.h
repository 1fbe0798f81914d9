// Late rows of a job: what late_rows('name') reads.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "exec/late_rows.h"
#include "types/type.h"
#include "types/value.h"

namespace penstock::engine {

struct LateRowsOptions {
  std::string name;           // of the operator, for people: "window"
  types::Schema schema;       // of the rows
  types::DataType time_type;  // of watermarks
  // The rows are of windows whose end alone is known.
  bool only_window_end = false;
  size_t rows_max = 10'000;
  size_t bytes_max = size_t{16} << 20;
};

// Keeps the last rows that one operator dropped, in memory; older ones make way. Thread-safe.
class LateRowStore : public exec::LateRows {
 public:
  explicit LateRowStore(LateRowsOptions options) : options_(std::move(options)) {}

  void add(const columnar::ChangeBatch& batch, std::span<const exec::LateRow> rows, EventTime watermark) override;

  const std::string& name() const { return options_.name; }
  // The columns of the rows, then late_reason, late_window_start, late_window_end and late_watermark.
  types::Schema schema() const;
  // Oldest first.
  std::vector<std::vector<types::Value>> rows() const;

 private:
  struct Kept {
    std::vector<types::Value> values;
    size_t bytes = 0;
  };

  const LateRowsOptions options_;
  mutable std::mutex mutex_;
  std::deque<Kept> rows_;
  size_t bytes_ = 0;
};

}  // namespace penstock::engine
