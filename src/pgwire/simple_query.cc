// The simple query protocol: a script of statements, all results as text.
#include <utility>

#include "pgwire/conversation.h"
#include "pgwire/sql_state.h"

namespace penstock::pgwire {

void Conversation::on_message(std::string& out, const QueryMessage& message) {
  statements_.erase("");
  portals_.erase("");
  Result<std::vector<engine::Session::Part>> parts = session_->split(message.sql);
  if (!parts) {
    fail(out, failure_in(message.sql, 0, std::move(parts).error()));
    write_ready_for_query(out, transaction_);
    return;
  }
  if (parts->empty()) {
    write_empty_query_response(out);
    write_ready_for_query(out, transaction_);
    return;
  }
  script_ = Script{.sql = std::string(message.sql), .parts = *std::move(parts), .next = 0, .result = nullptr};
}

bool Conversation::advance_script(std::string& out) {
  for (;;) {
    if (script_->result == nullptr) {
      if (script_->next == script_->parts.size()) break;
      if (const auto failure = start_part(out, script_->parts[script_->next++])) {
        fail(out, *failure);
        break;
      }
    }
    int64_t unbounded = -1;
    Result<ResultStream::Progress> progress = script_->result->pump(out, unbounded);
    if (!progress) {
      fail(out, failure_in(script_->sql, script_->parts[script_->next - 1].offset, std::move(progress).error()));
      break;
    }
    if (*progress == ResultStream::Progress::kWrite) return true;
    write_command_complete(out, script_->result->tag());
    script_->result.reset();
    note_ended();
  }
  script_.reset();
  write_ready_for_query(out, transaction_);
  return false;
}

std::optional<Conversation::Failure> Conversation::start_part(std::string& out, const engine::Session::Part& part) {
  const std::optional<LocalStatement> local = recognise_local(part.text);
  if (Status usable = check_transaction(local); !usable) {
    return failure_without_place(sql_state::kFailedTransaction, std::move(usable).error());
  }
  note_started(part.text);
  Result<std::unique_ptr<engine::Cursor>> cursor = local ? run_local(out, *local) : session_->execute(part.text);
  if (!cursor) return failure_in(script_->sql, part.offset, std::move(cursor).error());
  if (!local) note_change(part.text);
  script_->result =
      std::make_unique<ResultStream>(*std::move(cursor), std::vector<Format>(), is_live_statement(part.text));
  const auto& schema = script_->result->schema();
  if (schema) write_row_description(out, describe_columns(*schema, {}));
  return std::nullopt;
}

}  // namespace penstock::pgwire
