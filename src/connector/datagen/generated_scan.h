// A scan of a table whose rows are computed from their numbers.
#pragma once

#include <cstdint>
#include <limits>
#include <memory>
#include <string>
#include <vector>

#include "connector/datagen/field_generator.h"
#include "connector/scan.h"

namespace penstock::connector {

inline constexpr int64_t kEndless = std::numeric_limits<int64_t>::max();

struct GeneratedTable {
  std::string input;  // names its splits: "<connector>:<table>"
  // Over all instances; infinite: as fast as they are taken.
  double rows_per_second = std::numeric_limits<double>::infinity();
  int64_t rows_max = kEndless;
  int64_t rows_of_select = 0;              // what a SELECT reads where there is no end
  std::vector<FieldGeneratorPtr> columns;  // one per column of ScanRequest::physical
};

SourcePlan plan_generated_scan(const ConnectorContext& context, ScanRequest request, GeneratedTable table);

}  // namespace penstock::connector
