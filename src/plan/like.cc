#include "plan/like.h"

#include <algorithm>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/suggest.h"
#include "catalog/catalog.h"
#include "catalog/partition.h"
#include "sql/keywords.h"
#include "sql/printer.h"

namespace penstock::plan {
namespace {

using catalog::Column;
using sql::LikeFeature;
using sql::LikeStrategy;

// What a column is besides physical, and the feature that says what becomes of it.
struct ColumnKind {
  std::string_view name;
  LikeFeature feature;
};

std::optional<ColumnKind> special_kind(const Column& column) {
  if (!column.computed.empty()) return ColumnKind{"computed", LikeFeature::kGenerated};
  if (column.metadata && !catalog::partition_level(column)) return ColumnKind{"metadata", LikeFeature::kMetadata};
  return std::nullopt;
}

Result<catalog::EntryPtr> find_source(const sql::QualifiedName& name, const PlanContext& context) {
  const std::string full = PENSTOCK_TRY(context.catalog->resolve(name, context.names));
  const uint32_t at = name.position().offset;
  catalog::EntryPtr entry = context.catalog->find_relation(full);
  if (entry == nullptr) {
    return not_found("there is no table {}", sql::print(name))
        .at(at)
        .hint(did_you_mean(full, context.catalog->names_in(context.names)));
  }
  if (entry->table() != nullptr) return entry;
  return invalid_argument("{} is a {}: LIKE takes the definition of a table", entry->plain_name(), entry->kind_name())
      .at(at)
      .hint("CREATE TABLE ... AS SELECT makes a table of what a view shows");
}

}  // namespace

LikeStrategies::LikeStrategies(const sql::LikeClause& like) {
  strategies_.fill(LikeStrategy::kIncluding);
  strategies_.at(static_cast<size_t>(LikeFeature::kOptions)) = LikeStrategy::kOverwriting;
  for (const sql::LikeOption& option : like.options) {
    if (option.feature == LikeFeature::kAll) strategies_.fill(option.strategy);
  }
  for (const sql::LikeOption& option : like.options) {
    strategies_.at(static_cast<size_t>(option.feature)) = option.strategy;
  }
}

Result<catalog::Table> take_from_source(const sql::LikeClause& like, const PlanContext& context) {
  const catalog::EntryPtr entry = PENSTOCK_TRY(find_source(like.source, context));
  const catalog::Table& source = *entry->table();
  const LikeStrategies strategies(like);
  const uint32_t at = like.source.position().offset;
  catalog::Table table;
  std::vector<int> places;  // of the source's columns in the new table; -1: left out
  for (const Column& column : source.columns) {
    const std::optional<ColumnKind> kind = special_kind(column);
    const bool taken = !kind || strategies.of(kind->feature) != LikeStrategy::kExcluding;
    places.push_back(taken ? static_cast<int>(table.columns.size()) : -1);
    if (!taken) continue;
    table.columns.push_back(column);
    const bool excluded = strategies.of(LikeFeature::kPartitions) == LikeStrategy::kExcluding;
    if (excluded && catalog::partition_level(column)) table.columns.back().metadata.reset();
  }
  if (strategies.of(LikeFeature::kOptions) != LikeStrategy::kExcluding) table.options = source.options;
  if (strategies.of(LikeFeature::kConstraints) != LikeStrategy::kExcluding) {
    for (const int column : source.primary_key) {
      if (places[column] < 0) {
        return invalid_argument("column {} is in the primary key of {}, but left out", source.columns[column].name,
                                entry->plain_name())
            .at(at)
            .hint("say EXCLUDING CONSTRAINTS too");
      }
      table.primary_key.push_back(places[column]);
    }
  }
  if (source.watermark && strategies.of(LikeFeature::kWatermarks) != LikeStrategy::kExcluding) {
    if (places[source.watermark->column] < 0) {
      return invalid_argument("the watermark of {} is for column {}, which is left out", entry->plain_name(),
                              source.columns[source.watermark->column].name)
          .at(at)
          .hint("say EXCLUDING WATERMARKS too");
    }
    table.watermark = catalog::Watermark{places[source.watermark->column], source.watermark->expression};
  }
  return table;
}

Status overwrite(Column& old, Column column, const sql::LikeClause& like, sql::Position position) {
  const std::optional<ColumnKind> kind = special_kind(column);
  const std::optional<ColumnKind> old_kind = special_kind(old);
  if (!kind || !old_kind || kind->feature != old_kind->feature) {
    return invalid_argument("the source table has a column {} already", column.name)
        .at(position.offset)
        .hint("only computed columns and metadata columns can take the place of one of their kind");
  }
  if (LikeStrategies(like).of(kind->feature) != LikeStrategy::kOverwriting) {
    const std::string_view feature = sql::like_feature_name(kind->feature);
    return invalid_argument("the source table has a {} column {} already", kind->name, column.name)
        .at(position.offset)
        .hint(fmt::format("say OVERWRITING {0}, or EXCLUDING {0}", feature));
  }
  old = std::move(column);
  return {};
}

Status put_options(catalog::Options& options, catalog::Options own, const sql::CreateTable& statement) {
  const bool overwriting =
      statement.like && LikeStrategies(*statement.like).of(LikeFeature::kOptions) == LikeStrategy::kOverwriting;
  for (auto& [key, value] : own) {
    const auto old = std::ranges::find(options, key, &catalog::Options::value_type::first);
    if (old == options.end()) {
      options.emplace_back(std::move(key), std::move(value));
      continue;
    }
    if (!overwriting) {
      const auto written = std::ranges::find(statement.options, key, &sql::Option::key);
      return invalid_argument("the source table has an option '{}' already", key)
          .at(written->position.offset)
          .hint("say OVERWRITING OPTIONS, or EXCLUDING OPTIONS");
    }
    old->second = std::move(value);
  }
  return {};
}

}  // namespace penstock::plan
