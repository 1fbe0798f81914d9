// The rows of a view as SUBSCRIBE's changes have made them, drawn in place on a terminal.
#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "app/shell/pg_client.h"
#include "base/result.h"

namespace penstock::app {

// Pure: changes in, lines out.
class LiveTable {
 public:
  // The columns of the view, without those that SUBSCRIBE puts in front.
  explicit LiveTable(std::vector<ResultColumn> columns, size_t rows_max = 100'000)
      : order_{columns}, columns_(std::move(columns)), rows_max_(rows_max) {}

  using Row = std::vector<std::optional<std::string>>;
  // Takes a row in (`weight` 1) or out (-1); kResourceExhausted when there are too many to hold.
  Status apply(Row row, int weight);

  size_t rows() const { return rows_; }
  // A header and as many rows as fit, in order of their values, no line wider than `width`.
  std::vector<std::string> draw(size_t height, size_t width) const;

 private:
  // By value, numbers as numbers; nulls first.
  struct Order {
    std::vector<ResultColumn> columns;
    bool operator()(const Row& a, const Row& b) const;
  };

  Order order_;
  std::vector<ResultColumn> columns_;
  size_t rows_max_;
  size_t rows_ = 0;
  // A change may take a row out before another brings it in: counts below zero are kept until then.
  std::map<Row, int, Order> counts_{order_};
};

// `text` cut to `width` columns of a terminal.
std::string clipped(std::string_view text, size_t width);

}  // namespace penstock::app
