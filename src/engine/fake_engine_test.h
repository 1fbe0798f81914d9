// An engine of canned statements, for tests of what stands above it: no SQL is understood, only looked up.
#pragma once

#include <atomic>
#include <condition_variable>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "columnar/change_batch.h"
#include "engine/engine.h"

namespace penstock::engine {

// What a statement does: its types, and the batches it gives for its parameters.
struct CannedStatement {
  std::vector<types::DataType> parameters;
  std::optional<types::Schema> schema;
  std::vector<std::string> batches;  // in the form of columnar::to_text
  std::string tag;
  bool endless = false;  // after the batches, waits for cancel()
  std::optional<Error> error;
};

class FakeEngine : public Engine {
 public:
  std::map<std::string, CannedStatement> statements;
  std::vector<std::vector<types::Value>> executed_parameters;  // of every execute(), in turn
  std::vector<std::string> executed;
  std::atomic<int> cancels{0};
  std::atomic<int> sessions{0};

  std::unique_ptr<Session> create_session() override;
  std::vector<ViewInfo> views() const override { return {}; }
  std::optional<ViewInfo> find_view(std::string_view /*name*/) const override { return std::nullopt; }
  void on_catalog_changed(std::function<void()> /*callback*/) override {}
  EngineStatus status() const override { return {}; }
  void set_alert_listener(AlertListener* /*listener*/) override {}
  void add_system_table(SystemTable /*table*/) override {}
  Status close() override { return {}; }
};

class FakeSession : public Session {
 public:
  explicit FakeSession(FakeEngine& engine) : engine_(engine) { ++engine_.sessions; }
  ~FakeSession() override { --engine_.sessions; }

  // Cuts at every semicolon.
  Result<std::vector<Part>> split(std::string_view sql) override {
    std::vector<Part> parts;
    for (size_t begin = 0; begin < sql.size();) {
      const size_t end = std::min(sql.find(';', begin), sql.size());
      const size_t text = sql.find_first_not_of(" \n", begin);
      if (text < end) {
        parts.push_back({.text = std::string(sql.substr(text, end - text)), .offset = static_cast<uint32_t>(text)});
      }
      begin = end + 1;
    }
    return parts;
  }

  Result<std::shared_ptr<const PreparedStatement>> prepare(std::string_view sql,
                                                           std::span<const types::DataType> /*types*/) override {
    const auto found = engine_.statements.find(std::string(sql.substr(0, sql.find(';'))));
    if (found == engine_.statements.end()) return invalid_argument("syntax error").at(0);
    auto prepared = std::make_shared<Prepared>();
    prepared->text = sql;
    prepared->canned = found->second;
    return prepared;
  }

  Result<std::unique_ptr<Cursor>> execute(std::shared_ptr<const PreparedStatement> statement,
                                          std::vector<types::Value> parameters) override {
    engine_.executed.push_back(statement->sql());
    engine_.executed_parameters.push_back(std::move(parameters));
    const CannedStatement& canned = static_cast<const Prepared&>(*statement).canned;
    if (canned.error) return *canned.error;
    cancelled_ = false;
    return std::make_unique<FakeCursor>(*this, canned);
  }

  Result<std::unique_ptr<Cursor>> execute(std::string_view sql) override {
    return execute(PENSTOCK_TRY(prepare(sql, {})), {});
  }

  void cancel() override {
    ++engine_.cancels;
    const std::lock_guard lock(mutex_);
    cancelled_ = true;
    changed_.notify_all();
  }

  std::optional<std::string> setting(std::string_view name) const override {
    const auto found = settings_.find(std::string(name));
    if (found == settings_.end()) return std::nullopt;
    return found->second;
  }
  Status set(std::string_view name, std::string_view value) override {
    if (value == "Nowhere") return invalid_argument("unknown time zone \"{}\"", value);
    settings_[std::string(name)] = value;
    return {};
  }

 private:
  struct Prepared : PreparedStatement {
    std::string text;
    CannedStatement canned;
    const std::string& sql() const override { return text; }
    const std::vector<types::DataType>& parameter_types() const override { return canned.parameters; }
    const std::optional<types::Schema>& result_schema() const override { return canned.schema; }
  };

  class FakeCursor : public Cursor {
   public:
    FakeCursor(FakeSession& session, CannedStatement canned) : session_(session), canned_(std::move(canned)) {}
    const std::optional<types::Schema>& schema() const override { return canned_.schema; }
    std::string tag() const override { return canned_.tag; }
    Result<std::optional<columnar::ChangeBatch>> next() override {
      if (next_ < canned_.batches.size()) {
        return PENSTOCK_TRY(columnar::batch_from_text(canned_.batches[next_++], *canned_.schema));
      }
      if (!canned_.endless) return std::nullopt;
      std::unique_lock lock(session_.mutex_);
      session_.changed_.wait(lock, [this] { return session_.cancelled_; });
      return Error(ErrorCode::kCancelled, "canceling statement due to user request");
    }

   private:
    FakeSession& session_;
    const CannedStatement canned_;
    size_t next_ = 0;
  };

  FakeEngine& engine_;
  std::map<std::string, std::string> settings_;
  std::mutex mutex_;
  std::condition_variable changed_;
  bool cancelled_ = false;
};

inline std::unique_ptr<Session> FakeEngine::create_session() { return std::make_unique<FakeSession>(*this); }

}  // namespace penstock::engine
