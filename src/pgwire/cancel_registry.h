// Lets one connection cancel what another one runs, as PostgreSQL's CancelRequest does.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>

#include "engine/engine.h"

namespace penstock::pgwire {

// What the connections know of each other's statements. Thread-safe.
class CancelRegistry {
 public:
  // A session's entry; forgotten when it goes. The session must outlive it.
  class Entry {
   public:
    Entry(CancelRegistry& registry, engine::Session& session);
    ~Entry();
    Entry(const Entry&) = delete;
    Entry& operator=(const Entry&) = delete;

    int32_t process_id() const { return process_id_; }
    const std::string& secret_key() const { return secret_key_; }

   private:
    friend class CancelRegistry;
    CancelRegistry& registry_;
    engine::Session& session_;
    int32_t process_id_;
    std::string secret_key_;
  };

  // Cancels the statement of the session whose keys these are; otherwise does nothing, as the protocol asks.
  void cancel(int32_t process_id, std::string_view secret_key);
  // The same for callers inside the server, who need no key.
  void cancel(int32_t process_id);
  void cancel_all();

 private:
  std::mutex mutex_;
  std::unordered_map<int32_t, Entry*> entries_;
  int32_t next_process_id_ = 1;
};

}  // namespace penstock::pgwire
