// Runs the statements of compat.h.
#include <utility>

#include "columnar/change_batch.h"
#include "pgwire/conversation.h"
#include "pgwire/sql_state.h"
#include "pgwire/word_scanner.h"

namespace penstock::pgwire {
namespace {

using types::Value;

// At most one row that is at hand.
class LocalCursor : public engine::Cursor {
 public:
  LocalCursor(std::string tag, std::optional<types::Schema> schema, std::vector<Value> row)
      : tag_(std::move(tag)), schema_(std::move(schema)), row_(std::move(row)) {}

  const std::optional<types::Schema>& schema() const override { return schema_; }
  std::string tag() const override { return tag_; }

  Result<std::optional<columnar::ChangeBatch>> next() override {
    if (row_.empty()) return std::nullopt;
    std::vector<columnar::ColumnPtr> columns;
    for (size_t i = 0; i < row_.size(); ++i) {
      columns.push_back(columnar::Column::constant((*schema_)[i].type, row_[i], 1));
    }
    row_.clear();
    return columnar::ChangeBatch(1, std::move(columns));
  }

 private:
  const std::string tag_;
  const std::optional<types::Schema> schema_;
  std::vector<Value> row_;
};

// Statements whose effects a ROLLBACK would have to take back.
constexpr std::string_view kChangingWords[] = {"insert", "update", "delete", "create", "drop", "alter", "execute"};

}  // namespace

void Conversation::note_change(std::string_view sql) {
  WordScanner in(sql);
  for (const std::string_view word : kChangingWords) {
    if (in.accept(word)) changed_in_transaction_ = true;
  }
}

void Conversation::warn(std::string& out, std::string_view sql_state, std::string_view message) {
  write_notice(out, {.severity = "WARNING", .sql_state = sql_state, .message = message});
}

Result<std::unique_ptr<engine::Cursor>> Conversation::run_local(std::string& out, const LocalStatement& statement) {
  std::vector<Value> row;
  std::string tag = statement.tag;
  switch (statement.kind) {
    case LocalKind::kBegin:
    case LocalKind::kCommit:
    case LocalKind::kRollback:
    case LocalKind::kRollbackTo:
    case LocalKind::kSavepoint:
    case LocalKind::kRelease: tag = run_transaction(out, statement); break;
    case LocalKind::kSet: PENSTOCK_TRY(set_setting(out, statement.name, statement.value)); break;
    case LocalKind::kDiscard:
      statements_.clear();
      portals_.clear();
      [[fallthrough]];
    case LocalKind::kResetAll:
      settings_->reset_all();
      static_cast<void>(session_->set("timezone", *settings_->get("timezone")));
      for (const auto& [name, value] : settings_->all()) report_setting(out, name);
      break;
    case LocalKind::kShow: row.emplace_back(settings_->get(statement.name).value_or("")); break;
    case LocalKind::kSelect:
      for (const LocalFunction& function : statement.functions) {
        row.push_back(PENSTOCK_TRY(call_function(out, function)));
      }
      break;
    case LocalKind::kDeallocate:
      if (!statement.value) {
        statements_.clear();
      } else if (statements_.erase(statement.name) == 0) {
        return not_found("prepared statement \"{}\" does not exist", statement.name);
      }
      break;
    case LocalKind::kIgnored: break;
    case LocalKind::kCopy:
      return unsupported("COPY is not supported").hint("use INSERT, or write to the topic with a Kafka client");
  }
  return std::make_unique<LocalCursor>(std::move(tag), statement.schema(), std::move(row));
}

std::string Conversation::run_transaction(std::string& out, const LocalStatement& statement) {
  const bool idle = transaction_ == TransactionStatus::kIdle;
  switch (statement.kind) {
    case LocalKind::kBegin:
      if (!idle) warn(out, sql_state::kActiveTransaction, "there is already a transaction in progress");
      if (idle) changed_in_transaction_ = false;
      transaction_ = TransactionStatus::kInTransaction;
      return statement.tag;
    case LocalKind::kRollbackTo:
      if (transaction_ == TransactionStatus::kFailed) transaction_ = TransactionStatus::kInTransaction;
      [[fallthrough]];
    case LocalKind::kSavepoint:
    case LocalKind::kRelease: return statement.tag;
    default: break;
  }
  if (idle) warn(out, sql_state::kNoActiveTransaction, "there is no transaction in progress");
  const bool rolled_back = statement.kind == LocalKind::kRollback || transaction_ == TransactionStatus::kFailed;
  if (!idle && rolled_back && changed_in_transaction_) {
    warn(out, sql_state::kWarning,
         "there are no transactions here: the statements before this one have taken effect and stay");
  }
  transaction_ = TransactionStatus::kIdle;
  portals_.clear();
  return rolled_back ? "ROLLBACK" : "COMMIT";
}

Status Conversation::set_setting(std::string& out, const std::string& name, const std::optional<std::string>& value) {
  const std::optional<std::string> before = settings_->get(name);
  if (value) {
    PENSTOCK_TRY(settings_->set(name, *value));
  } else {
    settings_->reset(name);
  }
  const std::string now = settings_->get(name).value_or("");
  const std::string_view canonical = Settings::canonical_name(name);
  if (canonical == "TimeZone" || canonical == "application_name") {
    // The engine knows these, too, and may refuse a time zone that does not exist.
    if (Status taken = session_->set(canonical, now); !taken) {
      static_cast<void>(settings_->set(name, before.value_or("")));
      return taken;
    }
  }
  report_setting(out, name);
  return {};
}

void Conversation::report_setting(std::string& out, std::string_view name) {
  if (!Settings::reported(name)) return;
  write_parameter_status(out, Settings::canonical_name(name), settings_->get(name).value_or(""));
}

Result<Value> Conversation::call_function(std::string& out, const LocalFunction& function) {
  const std::string& name = function.name;
  if (name == "version") return Value("PostgreSQL " + options_.server_version);
  if (name == "current_schema") return Value(session_->setting("search_path").value_or("public"));
  if (name == "current_database" || name == "current_catalog") return Value(database_);
  if (name == "pg_backend_pid") return Value(int64_t{process_id()});
  if (name == "pg_is_in_recovery") return Value(false);
  if (name == "current_setting") {
    std::optional<std::string> value = settings_->get(function.arguments[0]);
    if (!value) value = session_->setting(function.arguments[0]);
    if (!value) return not_found("setting \"{}\" does not exist", function.arguments[0]);
    return Value(*std::move(value));
  }
  if (name == "set_config") {
    const std::string& setting = function.arguments[0];
    if (!Settings::known(setting)) return not_found("setting \"{}\" does not exist", setting);
    PENSTOCK_TRY(set_setting(out, setting, function.arguments[1]));
    return Value(settings_->get(setting).value_or(""));
  }
  return Value(user_);
}

}  // namespace penstock::pgwire
