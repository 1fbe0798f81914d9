// The values of one column of a generated table.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>

#include "base/result.h"
#include "columnar/column.h"
#include "connector/options.h"
#include "types/type.h"

namespace penstock::connector {

// Gives the values of any rows by their numbers, so that what was generated once can be generated again, in any order
// and on any instance: a random value is a hash of the seed and the row's number. Only dates and times depend on the
// clock, as in Flink. Immutable.
class FieldGenerator {
 public:
  // That of a column of a datagen table: reads the options fields.<name>.*. `seed` is that of the table.
  static Result<std::unique_ptr<FieldGenerator>> make(TableOptions& options, const types::Field& field, uint64_t seed);
  virtual ~FieldGenerator() = default;

  // The values of the rows from `first_row` on.
  virtual columnar::ColumnPtr generate(int64_t first_row, size_t rows, int64_t now_us) const = 0;
  // How many rows there are; nullopt when there is no end.
  virtual std::optional<int64_t> rows_max() const { return std::nullopt; }
};

using FieldGeneratorPtr = std::shared_ptr<const FieldGenerator>;

}  // namespace penstock::connector
