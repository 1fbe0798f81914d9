// One client's side of the PostgreSQL protocol, without I/O: bytes in, bytes out.
//
//   conversation.feed(received);
//   for (;;) switch (conversation.advance(out)) { ... }   // write `out`, then go on as told
//
// Owned by a connection; called by one thread at a time, which may block: statements run inside advance().
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/memory.h"
#include "base/metrics.h"
#include "engine/engine.h"
#include "pgwire/backend.h"
#include "pgwire/cancel_registry.h"
#include "pgwire/compat.h"
#include "pgwire/frame.h"
#include "pgwire/frontend.h"
#include "pgwire/result_stream.h"
#include "pgwire/settings.h"

namespace penstock::pgwire {

struct ConversationOptions {
  std::string server_version;  // "15.0 (Penstock 0.1.0)"
  size_t message_bytes_max = 16 << 20;
  size_t statements_max = 1000;  // prepared ones of a session
  size_t portals_max = 100;
  MemoryBudget* memory = nullptr;  // of prepared statements and of portals' parameters
  Counter* statements_total = nullptr;
  Counter* errors_total = nullptr;
  // Called when a statement starts that must not take longer (SET statement_timeout), on advance()'s thread.
  std::function<void(uint64_t statement, int64_t timeout_ms)> on_timed_statement;
};

// What other threads may know of a conversation: which statement runs now, so that they cancel that one and no later.
struct RunningStatement {
  std::atomic<uint64_t> number{0};  // counts the statements of the session; 0 while none runs
  std::atomic<bool> timed_out{false};
  std::atomic<bool> live{false};  // it does not end by itself
};

class Conversation {
 public:
  Conversation(engine::Engine& engine, CancelRegistry& cancels, ConversationOptions options);
  ~Conversation();

  void feed(std::string_view bytes) { reader_.feed(bytes); }

  enum class Step : uint8_t {
    kNeedInput,  // write `out`, then feed() what the client sends
    kWrite,      // write `out`, then call advance() again: there is more
    kClose,      // write `out`, then close
  };
  // Does what was asked, up to the next point where the client has to be written to or heard from.
  Step advance(std::string& out);

  // The startup is over: the client may be silent for as long as it likes.
  bool established() const { return established_; }
  // The session's number for CancelRegistry; 0 before established().
  int32_t process_id() const { return entry_ ? entry_->process_id() : 0; }
  // Of messages that were handed out by the reader.
  uint64_t messages() const { return messages_; }
  // What the reader says of a message that has come in part, and what it may do about it.
  size_t incomplete_bytes() const { return established_ ? reader_.incomplete_bytes() : 0; }
  void trim_input() { reader_.trim(); }
  void make_room() { reader_.make_room(); }

  RunningStatement& running() { return running_; }
  const RunningStatement& running() const { return running_; }
  // Bytes that were fed and not understood yet.
  std::string_view unread() const { return reader_.unread(); }

  // Tells the client that the server shuts down, or that there is no memory for what it is sending.
  static void write_shutdown(std::string& out);
  static void write_no_memory(std::string& out, size_t message_bytes);

 private:
  // A statement as Parse left it: the engine's, one of ours, or (with neither) an empty one.
  struct Statement {
    std::string sql;
    std::shared_ptr<const engine::PreparedStatement> prepared;
    std::optional<LocalStatement> local;
    std::vector<uint32_t> parameter_oids;
    MemoryReservation memory;

    bool empty() const { return prepared == nullptr && !local; }
    std::optional<types::Schema> schema() const;
  };
  struct Portal {
    std::shared_ptr<const Statement> statement;
    std::vector<types::Value> parameters;
    std::vector<Format> result_formats;
    std::unique_ptr<ResultStream> result;  // once it has been executed
    bool ended = false;
    MemoryReservation memory;
  };
  // The statements of a Query message that are still to be run.
  struct Script {
    std::string sql;
    std::vector<engine::Session::Part> parts;
    size_t next = 0;
    std::unique_ptr<ResultStream> result;  // of the part before `next`
  };
  // An Execute that has more rows to send.
  struct Execution {
    std::shared_ptr<Portal> portal;
    int64_t rows_left = -1;
  };
  // An error with its place in PostgreSQL's terms.
  struct Failure {
    Error error;
    std::string_view sql_state;
    std::optional<uint32_t> position;
  };

  // --- startup (conversation.cc) ---
  Step handle_startup(std::string& out, const Frame& frame);
  Step start_session(std::string& out, const StartupMessage& message);
  void apply_startup_parameters(const StartupMessage& message);
  void apply_startup_options(std::string_view options);
  Step fatal(std::string& out, const Error& error, std::string_view sql_state);

  // --- messages ---
  Step handle_message(std::string& out, const Frame& frame);
  void on_message(std::string& out, const QueryMessage& message);
  void on_message(std::string& out, const ParseMessage& message);
  void on_message(std::string& out, const BindMessage& message);
  void on_message(std::string& out, const DescribeMessage& message);
  void on_message(std::string& out, const ExecuteMessage& message);
  void on_message(std::string& out, const CloseMessage& message);
  void on_message(std::string& out, const SyncMessage& message);
  void on_message(std::string& out, const FlushMessage& message);
  void on_message(std::string& out, const TerminateMessage& message);
  void on_message(std::string& out, const CopyMessage& message);
  void on_message(std::string& out, const FunctionCallMessage& message);

  // --- simple queries (simple_query.cc) ---
  // This and advance_execution() return true when `out` should be written before going on.
  bool advance_script(std::string& out);
  std::optional<Failure> start_part(std::string& out, const engine::Session::Part& part);
  void end_script(std::string& out);

  // --- extended queries (extended_query.cc) ---
  bool advance_execution(std::string& out);
  Result<std::shared_ptr<const Statement>> prepare(std::string_view sql, const std::vector<uint32_t>& oids);
  static Result<std::vector<types::Value>> parameters(const BindMessage& message, const Statement& statement);
  std::optional<Failure> start_portal(std::string& out, Portal& portal);
  // RowDescription, or NoData.
  static void describe_result(std::string& out, const Statement& statement, const std::vector<Format>& formats);

  // --- statements of our own (local_statements.cc) ---
  Result<std::unique_ptr<engine::Cursor>> run_local(std::string& out, const LocalStatement& statement);
  Status set_setting(std::string& out, const std::string& name, const std::optional<std::string>& value);
  Result<types::Value> call_function(std::string& out, const LocalFunction& function);
  // Changes the transaction's state; returns the command tag.
  std::string run_transaction(std::string& out, const LocalStatement& statement);
  void report_setting(std::string& out, std::string_view name);
  void warn(std::string& out, std::string_view sql_state, std::string_view message);

  // --- both ---
  // An error when the transaction has failed and this statement does not end it.
  Status check_transaction(const std::optional<LocalStatement>& local) const;
  void note_started(std::string_view sql);
  // Accounts for what a session keeps of a client's message.
  Result<MemoryReservation> reserve(size_t bytes) const;
  void note_ended();
  // Remembers that a ROLLBACK could not take this back.
  void note_change(std::string_view sql);
  void fail(std::string& out, const Failure& failure);
  // The same in an extended query: what follows is skipped up to Sync.
  void fail_extended(std::string& out, const Failure& failure);
  static Failure failure_in(std::string_view sql, uint32_t offset, Error error);
  static Failure failure_without_place(std::string_view sql_state, Error error);

  engine::Engine& engine_;
  CancelRegistry& cancels_;
  const ConversationOptions options_;
  FrameReader reader_;
  bool established_ = false;
  bool closing_ = false;

  std::unique_ptr<engine::Session> session_;
  std::unique_ptr<CancelRegistry::Entry> entry_;
  std::unique_ptr<Settings> settings_;
  std::string user_;
  std::string database_;

  TransactionStatus transaction_ = TransactionStatus::kIdle;
  bool changed_in_transaction_ = false;
  bool skipping_to_sync_ = false;
  RunningStatement running_;
  uint64_t statements_started_ = 0;
  uint64_t messages_ = 0;

  std::map<std::string, std::shared_ptr<const Statement>, std::less<>> statements_;
  std::map<std::string, std::shared_ptr<Portal>, std::less<>> portals_;
  std::optional<Script> script_;
  std::optional<Execution> execution_;
};

}  // namespace penstock::pgwire
