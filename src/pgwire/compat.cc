#include "pgwire/compat.h"

#include <algorithm>
#include <array>
#include <utility>

#include "pgwire/settings.h"
#include "pgwire/word_scanner.h"

namespace penstock::pgwire {
namespace {

// A longer SELECT is not one of ours, and is not worth reading twice.
constexpr size_t kSelectBytesMax = 512;

struct Function {
  std::string_view name;
  size_t arguments;
  bool parentheses_optional;
};
constexpr Function kFunctions[] = {
    {"version", 0, false},
    {"current_schema", 0, true},
    {"current_database", 0, false},
    {"current_catalog", 0, true},
    {"current_user", 0, true},
    {"session_user", 0, true},
    {"user", 0, true},
    {"pg_backend_pid", 0, false},
    {"pg_is_in_recovery", 0, false},
    {"current_setting", 1, false},
    {"set_config", 3, false},
};

using Recognised = std::optional<LocalStatement>;

Recognised transaction(WordScanner& in, LocalKind kind, std::string tag) {
  static_cast<void>(in.accept("work") || in.accept("transaction"));
  return LocalStatement{.kind = kind, .tag = std::move(tag), .name = {}, .value = {}, .functions = {}};
}

Recognised rollback(WordScanner& in) {
  Recognised statement = transaction(in, LocalKind::kRollback, "ROLLBACK");
  if (in.accept("to")) {
    in.accept("savepoint");
    statement->kind = LocalKind::kRollbackTo;
  }
  return statement;
}

LocalStatement make(LocalKind kind, std::string tag, std::string name = {}, std::optional<std::string> value = {}) {
  return {.kind = kind, .tag = std::move(tag), .name = std::move(name), .value = std::move(value), .functions = {}};
}

// 'ISO, DMY' may also come as a list of words.
std::optional<std::string> value_list(WordScanner& in) {
  std::optional<std::string> value = in.accept_value();
  while (value && in.accept(",")) {
    const std::optional<std::string> more = in.accept_value();
    if (!more) return std::nullopt;
    *value += ", " + *more;
  }
  return value;
}

Recognised set_time_zone(WordScanner& in) {
  if (in.accept("local") || in.accept("default")) return make(LocalKind::kSet, "SET", "timezone");
  const std::optional<std::string> zone = in.accept_value();
  if (!zone || !in.at_end()) return std::nullopt;
  return make(LocalKind::kSet, "SET", "timezone", zone);
}

Recognised set(WordScanner& in) {
  if (in.accept("session")) {
    if (in.accept("characteristics")) return make(LocalKind::kIgnored, "SET");
  } else {
    in.accept("local");
  }
  if (in.accept("transaction")) return make(LocalKind::kIgnored, "SET");
  if (in.accept("time")) return in.accept("zone") ? set_time_zone(in) : std::nullopt;
  if (in.accept("names")) {
    const std::optional<std::string> encoding = in.accept_value();
    return make(LocalKind::kSet, "SET", "client_encoding", encoding);
  }
  const std::optional<std::string> name = in.accept_name();
  if (!name || !Settings::known(*name) || (!in.accept("=") && !in.accept("to"))) return std::nullopt;
  if (in.accept("default")) return make(LocalKind::kSet, "SET", *name);
  std::optional<std::string> value = value_list(in);
  if (!value || !in.at_end()) return std::nullopt;
  return make(LocalKind::kSet, "SET", *name, std::move(value));
}

Recognised reset(WordScanner& in) {
  if (in.accept("all")) return make(LocalKind::kResetAll, "RESET");
  const std::optional<std::string> name = in.accept_name();
  if (!name || !Settings::known(*name)) return std::nullopt;
  return make(LocalKind::kSet, "RESET", *name);
}

Recognised show(WordScanner& in) {
  if (in.accept("time"))
    return in.accept("zone") ? Recognised(make(LocalKind::kShow, "SHOW", "TimeZone")) : std::nullopt;
  if (in.accept("transaction")) {
    return in.accept("isolation") ? Recognised(make(LocalKind::kShow, "SHOW", "transaction_isolation")) : std::nullopt;
  }
  const std::optional<std::string> name = in.accept_name();
  if (!name || !Settings::known(*name) || !in.at_end()) return std::nullopt;
  return make(LocalKind::kShow, "SHOW", std::string(Settings::canonical_name(*name)));
}

Recognised deallocate(WordScanner& in) {
  in.accept("prepare");
  if (in.accept("all")) return make(LocalKind::kDeallocate, "DEALLOCATE ALL");
  const std::optional<std::string> name = in.accept_name();
  if (!name) return std::nullopt;
  LocalStatement statement = make(LocalKind::kDeallocate, "DEALLOCATE", *name);
  statement.value = *name;
  return statement;
}

std::optional<LocalFunction> function(WordScanner& in) {
  const std::optional<std::string> name = in.accept_name();
  if (!name) return std::nullopt;
  const auto* const known = std::find_if(std::begin(kFunctions), std::end(kFunctions),
                                         [&](const Function& function) { return function.name == *name; });
  if (known == std::end(kFunctions)) return std::nullopt;

  LocalFunction call{.name = *name, .arguments = {}, .column = *name};
  if (in.accept("(")) {
    for (size_t i = 0; i < known->arguments; ++i) {
      std::optional<std::string> argument = i == 0 || in.accept(",") ? in.accept_value() : std::nullopt;
      if (!argument) return std::nullopt;
      call.arguments.push_back(std::move(*argument));
    }
    if (!in.accept(")")) return std::nullopt;
  } else if (!known->parentheses_optional) {
    return std::nullopt;
  }
  if (in.accept("as")) {
    const std::optional<std::string> alias = in.accept_name();
    if (!alias) return std::nullopt;
    call.column = *alias;
  }
  return call;
}

Recognised select(WordScanner& in) {
  LocalStatement statement = make(LocalKind::kSelect, "SELECT 1");
  do {
    std::optional<LocalFunction> call = function(in);
    if (!call) return std::nullopt;
    statement.functions.push_back(std::move(*call));
  } while (in.accept(","));
  if (!in.at_end()) return std::nullopt;
  return statement;
}

types::DataType result_type(const LocalFunction& function) {
  if (function.name == "pg_backend_pid") return types::TypeKind::kInt;
  if (function.name == "pg_is_in_recovery") return types::TypeKind::kBoolean;
  return types::TypeKind::kString;
}

}  // namespace

std::optional<types::Schema> LocalStatement::schema() const {
  if (kind == LocalKind::kShow) return types::Schema{{.name = name, .type = types::TypeKind::kString}};
  if (kind != LocalKind::kSelect) return std::nullopt;
  types::Schema schema;
  for (const LocalFunction& function : functions) {
    schema.push_back({.name = function.column, .type = result_type(function)});
  }
  return schema;
}

std::optional<LocalStatement> recognise_local(std::string_view sql) {
  WordScanner in(sql);
  if (in.accept("select")) return sql.size() <= kSelectBytesMax ? select(in) : std::nullopt;
  if (in.accept("set")) return set(in);
  if (in.accept("show")) return show(in);
  if (in.accept("begin")) {
    if (in.accept("statement")) return std::nullopt;  // a statement set
    return transaction(in, LocalKind::kBegin, "BEGIN");
  }
  if (in.accept("start"))
    return in.accept("transaction") ? transaction(in, LocalKind::kBegin, "START TRANSACTION") : std::nullopt;
  if (in.accept("commit") || in.accept("end")) return transaction(in, LocalKind::kCommit, "COMMIT");
  if (in.accept("rollback") || in.accept("abort")) return rollback(in);
  if (in.accept("savepoint")) return make(LocalKind::kSavepoint, "SAVEPOINT");
  if (in.accept("release")) return make(LocalKind::kRelease, "RELEASE");
  if (in.accept("reset")) return reset(in);
  if (in.accept("deallocate")) return deallocate(in);
  if (in.accept("discard")) return make(LocalKind::kDiscard, "DISCARD ALL");
  if (in.accept("close"))
    return in.accept("all") ? Recognised(make(LocalKind::kIgnored, "CLOSE CURSOR ALL")) : std::nullopt;
  if (in.accept("listen")) return make(LocalKind::kIgnored, "LISTEN");
  if (in.accept("unlisten")) return make(LocalKind::kIgnored, "UNLISTEN");
  if (in.accept("copy")) return make(LocalKind::kCopy, "COPY");
  return std::nullopt;
}

}  // namespace penstock::pgwire
