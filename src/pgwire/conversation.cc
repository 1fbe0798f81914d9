#include "pgwire/conversation.h"

#include <fmt/format.h>

#include <utility>

#include "pgwire/sql_state.h"
#include "pgwire/word_scanner.h"

namespace penstock::pgwire {
namespace {

// Output of pipelined messages is written when it has grown to this.
constexpr size_t kWriteBytes = 64 * 1024;

constexpr char kNotEncrypted = 'N';

// Of extended queries: an error in them is answered and what follows is skipped up to Sync.
bool is_extended(char type) { return std::string_view("PBDEC").find(type) != std::string_view::npos; }

}  // namespace

Conversation::Conversation(engine::Engine& engine, CancelRegistry& cancels, ConversationOptions options)
    : engine_(engine), cancels_(cancels), options_(std::move(options)), reader_(options_.message_bytes_max) {}

Conversation::~Conversation() = default;

Conversation::Step Conversation::advance(std::string& out) {
  for (;;) {
    if (script_ && advance_script(out)) return Step::kWrite;
    if (execution_ && advance_execution(out)) return Step::kWrite;
    if (out.size() >= kWriteBytes) return Step::kWrite;

    if (const std::string_view unread = reader_.unread();
        established_ && !unread.empty() && !is_frontend_type(unread.front())) {
      return fatal(out, invalid_argument("invalid frontend message type {}", static_cast<uint8_t>(unread.front())),
                   sql_state::kProtocolViolation);
    }
    const Result<std::optional<Frame>> frame = established_ ? reader_.next() : reader_.next_startup();
    if (!frame) return fatal(out, frame.error(), sql_state::kProtocolViolation);
    if (!*frame) return Step::kNeedInput;
    ++messages_;
    const Step step = established_ ? handle_message(out, **frame) : handle_startup(out, **frame);
    if (step != Step::kNeedInput) return step;
  }
}

void Conversation::write_shutdown(std::string& out) {
  write_error(out, {.severity = "FATAL",
                    .sql_state = sql_state::kAdminShutdown,
                    .message = "terminating connection: the server is shutting down"});
}

void Conversation::write_no_memory(std::string& out, size_t message_bytes) {
  write_error(out, {.severity = "FATAL",
                    .sql_state = sql_state::kOutOfMemory,
                    .message = fmt::format("there is no memory for a message of {} bytes", message_bytes),
                    .hint = "other clients' large messages are being worked on; try again"});
}

// --- startup ---

Conversation::Step Conversation::fatal(std::string& out, const Error& error, std::string_view sql_state) {
  write_error(out, {.severity = "FATAL", .sql_state = sql_state, .message = error.message(), .hint = error.hint()});
  return Step::kClose;
}

Conversation::Step Conversation::handle_startup(std::string& out, const Frame& frame) {
  const Result<StartupPacket> packet = decode_startup(frame.payload);
  if (!packet) return fatal(out, packet.error(), sql_state_of(packet.error()));
  if (const auto* cancel = std::get_if<CancelRequest>(&*packet)) {
    cancels_.cancel(cancel->process_id, cancel->secret_key);
    return Step::kClose;
  }
  if (const auto* startup = std::get_if<StartupMessage>(&*packet)) return start_session(out, *startup);
  out += kNotEncrypted;
  return Step::kNeedInput;
}

Conversation::Step Conversation::start_session(std::string& out, const StartupMessage& message) {
  std::vector<std::string_view> unknown_options;
  for (const auto& [name, value] : message.parameters) {
    if (name == "user") user_ = value;
    if (name == "database") database_ = value;
    if (name == "replication" && value != "false" && value != "off" && value != "0") {
      return fatal(out, unsupported("replication is not supported"), sql_state::kFeatureNotSupported);
    }
    if (name.starts_with("_pq_.")) unknown_options.push_back(name);
  }
  if (user_.empty()) {
    return fatal(out, invalid_argument("no user name specified in the startup packet"), "28000");
  }
  if (database_.empty()) database_ = user_;

  session_ = engine_.create_session();
  entry_ = std::make_unique<CancelRegistry::Entry>(cancels_, *session_);
  settings_ = std::make_unique<Settings>(options_.server_version, user_);
  apply_startup_parameters(message);

  if (message.protocol > kProtocolNewest || !unknown_options.empty()) {
    write_negotiate_protocol(out, std::min(message.protocol, kProtocolNewest), unknown_options);
  }
  write_authentication_ok(out);
  for (const auto& [name, value] : settings_->all()) {
    if (Settings::reported(name)) write_parameter_status(out, name, value);
  }
  write_backend_key_data(out, entry_->process_id(), entry_->secret_key());
  write_ready_for_query(out, transaction_);
  established_ = true;
  return Step::kWrite;
}

// A startup parameter that cannot be had must not keep a client out: it is left at its default and the client is told
// the real value by ParameterStatus.
void Conversation::apply_startup_parameters(const StartupMessage& message) {
  std::string unreported;
  for (const auto& [name, value] : message.parameters) {
    if (name == "options") {
      apply_startup_options(value);
    } else if (Settings::known(name)) {
      static_cast<void>(set_setting(unreported, std::string(name), std::string(value)));
    }
  }
}

// "-c name=value -c name=value": https://www.postgresql.org/docs/15/libpq-connect.html, options.
void Conversation::apply_startup_options(std::string_view options) {
  std::string unreported;
  while (!options.empty()) {
    const size_t space = options.find(' ');
    std::string_view option = options.substr(0, space);
    options.remove_prefix(space == std::string_view::npos ? options.size() : space + 1);
    if (option.starts_with("-c")) option.remove_prefix(2);
    if (option.starts_with("--")) option.remove_prefix(2);
    const size_t equals = option.find('=');
    if (equals == std::string_view::npos || !Settings::known(option.substr(0, equals))) continue;
    static_cast<void>(
        set_setting(unreported, std::string(option.substr(0, equals)), std::string(option.substr(equals + 1))));
  }
}

// --- messages ---

Conversation::Step Conversation::handle_message(std::string& out, const Frame& frame) {
  if (skipping_to_sync_ && frame.type != 'S' && frame.type != 'X') return Step::kNeedInput;
  const Result<FrontendMessage> message = decode_frontend(frame);
  if (!message) {
    if (!is_extended(frame.type)) return fatal(out, message.error(), sql_state::kProtocolViolation);
    fail_extended(out, failure_without_place(sql_state::kProtocolViolation, message.error()));
    return Step::kNeedInput;
  }
  std::visit([&](const auto& m) { on_message(out, m); }, *message);
  return closing_ ? Step::kClose : Step::kNeedInput;
}

void Conversation::on_message(std::string& out, const SyncMessage& /*message*/) {
  skipping_to_sync_ = false;
  if (transaction_ == TransactionStatus::kIdle) portals_.clear();
  write_ready_for_query(out, transaction_);
}

// advance() asks to write whenever it has to wait for more messages, so there is nothing left to flush.
void Conversation::on_message(std::string& /*out*/, const FlushMessage& /*message*/) {}

void Conversation::on_message(std::string& /*out*/, const TerminateMessage& /*message*/) { closing_ = true; }

void Conversation::on_message(std::string& /*out*/, const CopyMessage& /*message*/) {}

void Conversation::on_message(std::string& out, const FunctionCallMessage& /*message*/) {
  fail(out, failure_without_place(sql_state::kFeatureNotSupported, unsupported("function calls are not supported")));
  write_ready_for_query(out, transaction_);
}

// --- both kinds of queries ---

Status Conversation::check_transaction(const std::optional<LocalStatement>& local) const {
  if (transaction_ != TransactionStatus::kFailed) return {};
  if (local && (local->kind == LocalKind::kCommit || local->kind == LocalKind::kRollback ||
                local->kind == LocalKind::kRollbackTo)) {
    return {};
  }
  return invalid_argument("current transaction is aborted, commands ignored until end of transaction block");
}

Result<MemoryReservation> Conversation::reserve(size_t bytes) const {
  MemoryReservation reservation(options_.memory);
  if (options_.memory == nullptr || reservation.try_resize(bytes)) return reservation;
  return make_error(ErrorCode::kResourceExhausted,
                    "there is no memory for {} bytes: prepared statements, portals and messages take {} of {}", bytes,
                    options_.memory->used_bytes(), options_.memory->limit_bytes())
      .hint("close those that are not used any more");
}

void Conversation::note_started(std::string_view sql) {
  if (options_.statements_total != nullptr) options_.statements_total->add();
  running_.timed_out = false;
  running_.live = is_live_statement(sql);
  running_.number = ++statements_started_;
  const int64_t timeout_ms = settings_->statement_timeout_ms();
  if (timeout_ms > 0 && options_.on_timed_statement) options_.on_timed_statement(statements_started_, timeout_ms);
}

void Conversation::note_ended() { running_.number = 0; }

Conversation::Failure Conversation::failure_without_place(std::string_view sql_state, Error error) {
  return {.error = std::move(error), .sql_state = sql_state, .position = std::nullopt};
}

Conversation::Failure Conversation::failure_in(std::string_view sql, uint32_t offset, Error error) {
  const std::string_view state = sql_state_of(error);
  std::optional<uint32_t> position;
  if (error.position()) position = character_position(sql, offset + *error.position());
  return {.error = std::move(error), .sql_state = state, .position = position};
}

void Conversation::fail(std::string& out, const Failure& failure) {
  note_ended();
  if (options_.errors_total != nullptr) options_.errors_total->add();
  if (transaction_ == TransactionStatus::kInTransaction) transaction_ = TransactionStatus::kFailed;
  const bool timed_out = failure.error.code() == ErrorCode::kCancelled && running_.timed_out;
  write_error(out, {.severity = "ERROR",
                    .sql_state = failure.sql_state,
                    .message = timed_out ? "canceling statement due to statement timeout" : failure.error.message(),
                    .hint = failure.error.hint(),
                    .position = failure.position});
}

void Conversation::fail_extended(std::string& out, const Failure& failure) {
  fail(out, failure);
  skipping_to_sync_ = true;
}

}  // namespace penstock::pgwire
