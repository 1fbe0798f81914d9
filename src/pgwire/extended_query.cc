// The extended query protocol: Parse, Bind, Describe, Execute, Close.
#include <algorithm>
#include <optional>
#include <utility>

#include "pgwire/conversation.h"
#include "pgwire/pg_type.h"
#include "pgwire/sql_state.h"
#include "pgwire/value_binary.h"
#include "pgwire/value_text.h"
#include "types/decimal.h"

namespace penstock::pgwire {
namespace {

// Whether rows of the one fit what a client has been told of the other: tables may have been altered meanwhile.
bool are_alike(const std::optional<types::Schema>& one, const std::optional<types::Schema>& other) {
  if (one.has_value() != other.has_value()) return false;
  return !one || std::ranges::equal(
                     *one, *other, {}, [](const types::Field& field) { return field.type.kind(); },
                     [](const types::Field& field) { return field.type.kind(); });
}

bool is_utf8_without_zero(std::string_view text) {
  size_t i = 0;
  while (i < text.size()) {
    const auto lead = static_cast<uint8_t>(text[i]);
    const size_t size = lead < 0x80 ? 1 : lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
    if (lead == 0 || (lead >= 0x80 && lead < 0xc2) || lead > 0xf4 || i + size > text.size()) return false;
    uint32_t code = size == 1 ? lead : lead & (0xffU >> (size + 1));
    for (size_t j = 1; j < size; ++j) {
      const auto next = static_cast<uint8_t>(text[i + j]);
      if ((next & 0xc0) != 0x80) return false;
      code = code << 6 | (next & 0x3f);
    }
    constexpr uint32_t kSmallest[] = {0, 0, 0x80, 0x800, 0x10000};
    if (code < kSmallest[size] || code > 0x10ffff || (code >= 0xd800 && code < 0xe000)) return false;
    i += size;
  }
  return true;
}

// The query tells the precision of a numeric parameter, as in `amount > $1`. Where it tells none, or another kind of
// type that would lose digits, the parameter is declared as Flink's widest decimal. True when there is such a one.
bool declare_numerics(const std::vector<uint32_t>& oids, const std::vector<types::DataType>& inferred,
                      std::vector<types::DataType>& declared) {
  constexpr int kScale = 18;
  bool changed = false;
  for (size_t i = 0; i < oids.size() && i < inferred.size(); ++i) {
    const bool fits = inferred[i].kind() == types::TypeKind::kDecimal || inferred[i].is_approximate();
    if (oids[i] != oid::kNumeric || fits) continue;
    declared[i] = types::DataType::decimal(types::kDecimalPrecisionMax, kScale);
    changed = true;
  }
  return changed;
}

}  // namespace

std::optional<types::Schema> Conversation::Statement::schema() const {
  if (local) return local->schema();
  return prepared == nullptr ? std::nullopt : prepared->result_schema();
}

// --- Parse ---

Result<std::shared_ptr<const Conversation::Statement>> Conversation::prepare(std::string_view sql,
                                                                             const std::vector<uint32_t>& oids) {
  auto statement = std::make_shared<Statement>();
  statement->memory = PENSTOCK_TRY(reserve(sql.size()));
  statement->sql = sql;
  const size_t parts = PENSTOCK_TRY(session_->split(sql)).size();
  if (parts > 1) return invalid_argument("cannot insert multiple commands into a prepared statement").at(0);
  if (parts == 1) statement->local = recognise_local(sql);
  PENSTOCK_TRY(check_transaction(statement->local));
  statement->parameter_oids = oids;
  if (parts == 0 || statement->local) return statement;

  std::vector<types::DataType> declared;
  for (const uint32_t oid : oids) declared.push_back(data_type_of(oid).value_or(types::DataType()));
  statement->prepared = PENSTOCK_TRY(session_->prepare(sql, declared));
  if (declare_numerics(oids, statement->prepared->parameter_types(), declared)) {
    statement->prepared = PENSTOCK_TRY(session_->prepare(sql, declared));
  }
  const auto& inferred = statement->prepared->parameter_types();
  statement->parameter_oids.resize(inferred.size());
  for (size_t i = 0; i < inferred.size(); ++i) {
    uint32_t& oid = statement->parameter_oids[i];
    if (oid == oid::kUnspecified || oid == oid::kUnknown) oid = pg_type_of(inferred[i]).oid;
  }
  return statement;
}

void Conversation::on_message(std::string& out, const ParseMessage& message) {
  if (!message.statement.empty() && statements_.contains(message.statement)) {
    return fail_extended(
        out, failure_without_place(
                 sql_state::kDuplicateStatement,
                 make_error(ErrorCode::kAlreadyExists, "prepared statement \"{}\" already exists", message.statement)));
  }
  if (statements_.size() >= options_.statements_max && !message.statement.empty()) {
    return fail_extended(
        out, failure_without_place(sql_state::kTooMany,
                                   make_error(ErrorCode::kResourceExhausted,
                                              "a session can have {} prepared statements", options_.statements_max)
                                       .hint("close those that are not used any more")));
  }
  Result<std::shared_ptr<const Statement>> statement = prepare(message.sql, message.parameter_oids);
  if (!statement) {
    Failure failure = failure_in(message.sql, 0, std::move(statement).error());
    if (transaction_ == TransactionStatus::kFailed) failure.sql_state = sql_state::kFailedTransaction;
    return fail_extended(out, failure);
  }
  statements_.insert_or_assign(std::string(message.statement), *std::move(statement));
  write_parse_complete(out);
}

// --- Bind ---

Result<std::vector<types::Value>> Conversation::parameters(const BindMessage& message, const Statement& statement) {
  std::vector<types::Value> values;
  for (size_t i = 0; i < message.parameters.size(); ++i) {
    const auto& bytes = message.parameters[i];
    if (!bytes) {
      values.emplace_back();
      continue;
    }
    const types::DataType type = statement.prepared->parameter_types()[i];
    const bool text = format_at(message.parameter_formats, i) == Format::kText;
    Result<types::Value> value =
        text ? value_from_text(*bytes, type) : value_from_binary(*bytes, statement.parameter_oids[i], type);
    if (value && type.kind() == types::TypeKind::kString && !is_utf8_without_zero(value->as_string())) {
      value = invalid_argument("invalid byte sequence for encoding \"UTF8\"");
    }
    if (!value) return std::move(value).error().context("parameter $" + std::to_string(i + 1));
    values.push_back(*std::move(value));
  }
  return values;
}

void Conversation::on_message(std::string& out, const BindMessage& message) {
  const auto refuse = [&](std::string_view state, Error error) {
    fail_extended(out, failure_without_place(state, std::move(error)));
  };
  const auto found = statements_.find(message.statement);
  if (found == statements_.end()) {
    return refuse(sql_state::kInvalidStatementName,
                  not_found("prepared statement \"{}\" does not exist", message.statement));
  }
  const Statement& statement = *found->second;
  if (!message.portal.empty() && portals_.contains(message.portal)) {
    return refuse(sql_state::kDuplicateCursor,
                  make_error(ErrorCode::kAlreadyExists, "portal \"{}\" already exists", message.portal));
  }
  if (portals_.size() >= options_.portals_max && !message.portal.empty()) {
    return refuse(sql_state::kTooMany,
                  make_error(ErrorCode::kResourceExhausted, "a session can have {} portals", options_.portals_max));
  }
  const size_t parameters_needed = statement.prepared == nullptr ? 0 : statement.prepared->parameter_types().size();
  if (message.parameters.size() != parameters_needed) {
    return refuse(sql_state::kProtocolViolation,
                  invalid_argument("bind message supplies {} parameters, but prepared statement \"{}\" requires {}",
                                   message.parameters.size(), message.statement, parameters_needed));
  }
  const std::optional<types::Schema> schema = statement.schema();
  const size_t columns = schema ? schema->size() : 0;
  if (message.result_formats.size() > 1 && message.result_formats.size() != columns) {
    return refuse(sql_state::kProtocolViolation,
                  invalid_argument("bind message has {} result formats but query has {} columns",
                                   message.result_formats.size(), columns));
  }
  Result<std::vector<types::Value>> values = parameters(message, statement);
  if (!values) return refuse(sql_state::kInvalidTextRepresentation, std::move(values).error());
  size_t parameter_bytes = 0;
  for (const auto& parameter : message.parameters) parameter_bytes += parameter ? parameter->size() : 0;
  Result<MemoryReservation> memory = reserve(parameter_bytes);
  if (!memory) return refuse(sql_state::kOutOfMemory, std::move(memory).error());
  portals_.insert_or_assign(std::string(message.portal),
                            std::make_shared<Portal>(Portal{.statement = found->second,
                                                            .parameters = *std::move(values),
                                                            .result_formats = message.result_formats,
                                                            .result = nullptr,
                                                            .ended = false,
                                                            .memory = *std::move(memory)}));
  write_bind_complete(out);
}

// --- Describe, Close ---

void Conversation::describe_result(std::string& out, const Statement& statement, const std::vector<Format>& formats) {
  const std::optional<types::Schema> schema = statement.schema();
  if (!schema) return write_no_data(out);
  write_row_description(out, describe_columns(*schema, formats));
}

void Conversation::on_message(std::string& out, const DescribeMessage& message) {
  if (message.target == Target::kStatement) {
    const auto found = statements_.find(message.name);
    if (found == statements_.end()) {
      return fail_extended(out,
                           failure_without_place(sql_state::kInvalidStatementName,
                                                 not_found("prepared statement \"{}\" does not exist", message.name)));
    }
    write_parameter_description(out, found->second->parameter_oids);
    return describe_result(out, *found->second, {});
  }
  const auto found = portals_.find(message.name);
  if (found == portals_.end()) {
    return fail_extended(out, failure_without_place(sql_state::kInvalidCursorName,
                                                    not_found("portal \"{}\" does not exist", message.name)));
  }
  describe_result(out, *found->second->statement, found->second->result_formats);
}

void Conversation::on_message(std::string& out, const CloseMessage& message) {
  if (message.target == Target::kStatement) {
    if (const auto found = statements_.find(message.name); found != statements_.end()) statements_.erase(found);
  } else if (const auto found = portals_.find(message.name); found != portals_.end()) {
    portals_.erase(found);
  }
  write_close_complete(out);
}

// --- Execute ---

void Conversation::on_message(std::string& out, const ExecuteMessage& message) {
  const auto found = portals_.find(message.portal);
  if (found == portals_.end()) {
    return fail_extended(out, failure_without_place(sql_state::kInvalidCursorName,
                                                    not_found("portal \"{}\" does not exist", message.portal)));
  }
  const std::shared_ptr<Portal> portal = found->second;
  if (portal->statement->empty()) return write_empty_query_response(out);
  if (portal->ended) {
    if (portal->statement->schema()) return write_command_complete(out, "SELECT 0");
    return fail_extended(
        out, failure_without_place("55000", invalid_argument("portal \"{}\" cannot be run again", message.portal)));
  }
  note_started(portal->statement->sql);
  if (portal->result == nullptr) {
    if (const auto failure = start_portal(out, *portal)) return fail_extended(out, *failure);
  }
  execution_ = Execution{.portal = portal, .rows_left = message.rows_max > 0 ? message.rows_max : -1};
}

std::optional<Conversation::Failure> Conversation::start_portal(std::string& out, Portal& portal) {
  const Statement& statement = *portal.statement;
  if (Status usable = check_transaction(statement.local); !usable) {
    return failure_without_place(sql_state::kFailedTransaction, std::move(usable).error());
  }
  Result<std::unique_ptr<engine::Cursor>> cursor =
      statement.local ? run_local(out, *statement.local)
                      : session_->execute(statement.prepared, std::move(portal.parameters));
  if (!cursor) return failure_in(statement.sql, 0, std::move(cursor).error());
  if (!statement.local && !are_alike((*cursor)->schema(), statement.schema())) {
    return failure_without_place(
        sql_state::kFeatureNotSupported,
        unsupported("cached plan must not change result type").hint("prepare the statement again"));
  }
  if (!statement.local) note_change(statement.sql);
  portal.result =
      std::make_unique<ResultStream>(*std::move(cursor), portal.result_formats, is_live_statement(statement.sql));
  return std::nullopt;
}

bool Conversation::advance_execution(std::string& out) {
  Portal& portal = *execution_->portal;
  Result<ResultStream::Progress> progress = portal.result->pump(out, execution_->rows_left);
  if (progress && *progress == ResultStream::Progress::kWrite) return true;
  if (!progress) {
    portal.ended = true;
    portal.result.reset();
    fail_extended(out, failure_in(portal.statement->sql, 0, std::move(progress).error()));
  } else if (*progress == ResultStream::Progress::kRowsMax) {
    write_portal_suspended(out);
  } else {
    write_command_complete(out, portal.result->tag());
    portal.ended = true;
    portal.result.reset();
  }
  note_ended();
  execution_.reset();
  return false;
}

}  // namespace penstock::pgwire
