// CREATE TABLE ... LIKE: what a new table takes from another one.
#pragma once

#include <array>

#include "base/result.h"
#include "catalog/entry.h"
#include "plan/planner.h"
#include "sql/statement.h"

namespace penstock::plan {

// How the parts of a source table are taken. As Flink has it: everything is, and new options win over those of the
// source.
class LikeStrategies {
 public:
  explicit LikeStrategies(const sql::LikeClause& like);
  sql::LikeStrategy of(sql::LikeFeature feature) const { return strategies_.at(static_cast<size_t>(feature)); }

 private:
  std::array<sql::LikeStrategy, static_cast<size_t>(sql::LikeFeature::kWatermarks) + 1> strategies_{};
};

// What the new table begins with: the columns, options, key and watermark of the source that it takes. kNotFound, and
// kInvalidArgument where the parts that are taken need one that is not, with the position of the clause.
Result<catalog::Table> take_from_source(const sql::LikeClause& like, const PlanContext& context);

// Puts a column of the new table in the place of one that was taken from the source; fails where that is not allowed.
Status overwrite(catalog::Column& old, catalog::Column column, const sql::LikeClause& like, sql::Position position);

// Adds the options of the new table to those of the source.
Status put_options(catalog::Options& options, catalog::Options own, const sql::CreateTable& statement);

}  // namespace penstock::plan
