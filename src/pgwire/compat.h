// The statements that PostgreSQL clients send around the ones that matter: transactions, settings, who and where am I.
//
// They are recognised in front of the engine, by their words; everything else is the engine's business. The whole list:
//   BEGIN, START TRANSACTION, COMMIT, END, ROLLBACK, ABORT, SAVEPOINT, RELEASE, ROLLBACK TO
//   SET, RESET, SHOW of the settings in settings.h; SET TIME ZONE, SET NAMES, SET TRANSACTION, SHOW TIME ZONE,
//   SHOW TRANSACTION ISOLATION LEVEL
//   DEALLOCATE, DISCARD, CLOSE ALL, LISTEN, UNLISTEN
//   SELECT of version(), current_schema(), current_database(), current_catalog, current_user, session_user, user,
//   pg_backend_pid(), pg_is_in_recovery(), current_setting('x'), set_config('x', 'y', b), one or several, without FROM
//   COPY, which is refused
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "types/type.h"

namespace penstock::pgwire {

enum class LocalKind : uint8_t {
  kBegin,
  kCommit,
  kRollback,
  kSavepoint,
  kRelease,
  kRollbackTo,
  kSet,  // name, value; without a value: to its default
  kResetAll,
  kShow,        // name
  kSelect,      // functions
  kDeallocate,  // name; without one: all
  kDiscard,
  kIgnored,  // tag
  kCopy,
};

// current_setting('TimeZone') as s: a function of this list, its arguments, and the name of its column.
struct LocalFunction {
  std::string name;
  std::vector<std::string> arguments;
  std::string column;
};

struct LocalStatement {
  LocalKind kind = LocalKind::kIgnored;
  std::string tag;  // of CommandComplete
  std::string name;
  std::optional<std::string> value;
  std::vector<LocalFunction> functions;

  // The columns of the result; nothing for statements without rows.
  std::optional<types::Schema> schema() const;
};

// Nothing when the statement is the engine's.
std::optional<LocalStatement> recognise_local(std::string_view sql);

}  // namespace penstock::pgwire
