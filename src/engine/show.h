// SHOW, DESCRIBE and EXPLAIN: what the program says of itself, as rows.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "base/result.h"
#include "engine/engine.h"
#include "engine/engine_impl.h"
#include "engine/settings.h"
#include "plan/planner.h"
#include "sql/statement.h"
#include "types/type.h"

namespace penstock::engine {

using CursorResult = Result<std::unique_ptr<Cursor>>;

// Where objects of a kind are named; and the full name that a name stands for there.
catalog::NameSpace name_space_of(sql::ObjectKind kind);
Result<std::string> full_name_in(catalog::NameSpace name_space, const sql::QualifiedName& name,
                                 const catalog::Catalog& catalog, const catalog::NameScope& names);

// The columns that one of these statements gives; nullopt for other statements.
std::optional<types::Schema> show_schema(const sql::Statement& statement);

CursorResult show_objects(EngineImpl& engine, const catalog::NameScope& names, const sql::ShowObjects& show);
CursorResult show_current(const sql::ShowCurrent& show, const catalog::NameScope& names);
CursorResult show_create(EngineImpl& engine, const catalog::NameScope& names, const sql::ShowCreate& show);
CursorResult show_columns(EngineImpl& engine, const catalog::NameScope& names, const sql::ShowColumns& show);
CursorResult show_partitions(EngineImpl& engine, const plan::PlanContext& context, const sql::ShowPartitions& show);
// The name of a schema or catalog is one that there is.
CursorResult describe_object(EngineImpl& engine, const catalog::NameScope& names, const sql::Describe& describe);
CursorResult show_settings(const SessionSettings& settings);
CursorResult show_setting(const SessionSettings& settings, const std::string& name);
CursorResult explain_rows(const std::string& text);

}  // namespace penstock::engine
