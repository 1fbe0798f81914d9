// The sessions of each key: stretches of time in which no two neighbouring rows are further apart than a gap.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <queue>
#include <span>
#include <vector>

#include "base/state_memory.h"
#include "base/time.h"
#include "columnar/change_batch.h"
#include "columnar/column.h"
#include "state/group_table.h"
#include "types/type.h"
#include "types/window.h"

namespace penstock::exec {

// A session. Its payload lies behind it.
struct alignas(16) Session {
  int64_t start;         // the time of its first row
  int64_t last;          // and of its last one
  std::byte* key;        // in the table of keys
  Session* merged_into;  // of a session that has become part of another one

  std::byte* payload() { return reinterpret_cast<std::byte*>(this + 1); }
};

// Owned by one operator. A session is open until the watermark has passed its end, the last row's time plus the gap:
// until then a row that is no further away than the gap joins it, and a row that is near to two makes one of them.
class SessionStore {
 public:
  struct Options {
    int64_t gap_us = 0;
    std::vector<types::DataType> key_types;
    state::PayloadLayout payload;
    // Adds the payload of a session to that of the one before it; `from` is destroyed afterwards.
    std::function<void(std::byte* into, std::byte* from)> merge;
  };

  explicit SessionStore(Options options);
  ~SessionStore();
  SessionStore(const SessionStore&) = delete;
  SessionStore& operator=(const SessionStore&) = delete;

  // Sets sessions[i] to the session of row i, made, grown or merged as its time demands; nullptr where it would be in
  // none that is open. They are valid until the next call.
  void assign(std::span<const columnar::ColumnPtr> keys, const columnar::Column& times, size_t rows,
              std::vector<Session*>& sessions);

  // Closes at most `max` sessions whose last moment is at or before `watermark`, in the order of their ends; false when
  // there are none. They are closed() until release_closed().
  bool close_some(EventTime watermark, size_t max);
  std::span<Session* const> closed() const { return closed_; }
  void release_closed();

  int64_t end_of(const Session& session) const { return session.last + options_.gap_us; }
  // Appends the keys of sessions to the builders.
  void append_keys(std::span<Session* const> sessions, std::span<columnar::ColumnBuilder> builders);

 private:
  // The payload of the table of keys: the open sessions of one key. Most have one, and most rows go to the latest.
  using Earlier = std::map<int64_t, Session*, std::less<>, StateAllocator<std::pair<const int64_t, Session*>>>;
  struct KeySessions {
    Session* latest;
    Earlier* earlier;  // the others by start; nullptr when there have been none
  };
  // When to look at a session again; it may have grown since.
  struct Due {
    int64_t end;
    uint64_t number;  // of sessions with the same end the one that came first
    Session* session;
    bool operator>(const Due& other) const { return end != other.end ? end > other.end : number > other.number; }
  };

  static KeySessions& at(std::byte* key) { return *reinterpret_cast<KeySessions*>(key); }
  // Whether a row at `time` joins a session that has rows up to `last`.
  bool reaches(int64_t last, int64_t time) const { return time - last <= options_.gap_us; }
  Session* session_of(std::byte* key, int64_t time);
  Session* session_before_latest(std::byte* key, int64_t time);
  // nullptr when the session would be closed already.
  Session* make_session(std::byte* key, int64_t time);
  void insert_earlier(Session* session);
  void remove_from_key(Session* session);
  // Adds a session to the one before it.
  void merge(Session* into, Session* session);
  void destroy_payload(Session* session) const;

  static constexpr size_t kBlockSessions = 256;

  const Options options_;
  const size_t stride_;
  state::GroupTable keys_;
  std::vector<std::byte*> groups_;  // of the batch at hand
  std::vector<std::unique_ptr<std::byte[]>> blocks_;
  StateBytes blocks_bytes_;
  StateVector<Session*> free_;
  std::vector<Session*> closed_;
  std::priority_queue<Due, StateVector<Due>, std::greater<>> due_;
  uint64_t due_number_ = 0;
  EventTime watermark_ = kMinEventTime;
};

}  // namespace penstock::exec
