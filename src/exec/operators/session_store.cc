#include "exec/operators/session_store.h"

#include <algorithm>
#include <cstring>
#include <iterator>
#include <map>
#include <new>
#include <utility>

namespace penstock::exec {

namespace {

constexpr size_t align16(size_t bytes) { return (bytes + 15) & ~size_t{15}; }

}  // namespace

SessionStore::SessionStore(Options options)
    : options_(std::move(options)),
      stride_(sizeof(Session) + align16(options_.payload.bytes)),
      keys_(options_.key_types, {.bytes = sizeof(KeySessions),
                                 .destroy = [](void* /*context*/, std::byte* key) { delete at(key).earlier; }}) {}

SessionStore::~SessionStore() {
  for (; !due_.empty(); due_.pop()) {
    if (due_.top().session->merged_into == nullptr) destroy_payload(due_.top().session);
  }
  for (Session* session : closed_) destroy_payload(session);
}

void SessionStore::destroy_payload(Session* session) const {
  const state::PayloadLayout& layout = options_.payload;
  if (layout.destroy != nullptr) layout.destroy(layout.context, session->payload());
}

void SessionStore::assign(std::span<const columnar::ColumnPtr> keys, const columnar::Column& times, size_t rows,
                          std::vector<Session*>& sessions) {
  keys_.find_or_insert(keys, rows, groups_);
  const std::span<const int64_t> values = times.values<int64_t>();
  sessions.assign(rows, nullptr);
  std::vector<std::byte*> refused;  // keys of rows that are in no session
  for (size_t row = 0; row < rows; ++row) {
    const bool has_time = !times.is_null(row) && types::in_window_range(values[row]);
    if (has_time) sessions[row] = session_of(groups_[row], values[row]);
    if (sessions[row] == nullptr) refused.push_back(groups_[row]);
  }
  // A later row may have merged what an earlier one was given.
  for (Session*& session : sessions) {
    while (session != nullptr && session->merged_into != nullptr) session = session->merged_into;
  }
  std::ranges::sort(refused);
  const auto repeated = std::ranges::unique(refused);
  refused.erase(repeated.begin(), repeated.end());
  for (std::byte* key : refused) {
    if (at(key).latest == nullptr) keys_.erase(key);
  }
}

Session* SessionStore::session_of(std::byte* key, int64_t time) {
  KeySessions& own = at(key);
  if (own.latest != nullptr && time < own.latest->start) return session_before_latest(key, time);
  if (own.latest != nullptr && reaches(own.latest->last, time)) {
    own.latest->last = std::max(own.latest->last, time);
    return own.latest;
  }
  Session* const made = make_session(key, time);
  if (made == nullptr) return nullptr;
  if (own.latest != nullptr) insert_earlier(own.latest);
  own.latest = made;
  return made;
}

// Sessions are further apart than the gap, so a time can be near to one before it and to one after it, and no more.
Session* SessionStore::session_before_latest(std::byte* key, int64_t time) {
  KeySessions& own = at(key);
  Session* before = nullptr;
  Session* after = own.latest;
  if (own.earlier != nullptr) {
    const auto next = own.earlier->upper_bound(time);
    if (next != own.earlier->end()) after = next->second;
    if (next != own.earlier->begin()) before = std::prev(next)->second;
  }
  if (before != nullptr && !reaches(before->last, time)) before = nullptr;
  if (!reaches(time, after->start)) after = nullptr;
  if (before != nullptr) {
    before->last = std::max(before->last, time);
    if (after != nullptr) merge(before, after);
    return before;
  }
  if (after == nullptr) {
    Session* const made = make_session(key, time);
    if (made != nullptr) insert_earlier(made);
    return made;
  }
  if (after == own.latest) {
    after->start = time;
  } else {
    own.earlier->erase(after->start);
    after->start = time;
    insert_earlier(after);
  }
  return after;
}

void SessionStore::merge(Session* into, Session* session) {
  KeySessions& own = at(into->key);
  into->last = std::max(into->last, session->last);
  options_.merge(into->payload(), session->payload());
  destroy_payload(session);
  // It stays in due_ and is freed from there.
  session->merged_into = into;
  if (own.latest == session) {
    own.earlier->erase(into->start);
    own.latest = into;
  } else {
    own.earlier->erase(session->start);
  }
}

Session* SessionStore::make_session(std::byte* key, int64_t time) {
  const int64_t end = time + options_.gap_us;
  if (EventTime(end - types::kLastMomentUs) <= watermark_) return nullptr;
  if (free_.empty()) {
    blocks_.emplace_back(new std::byte[kBlockSessions * stride_]);
    blocks_bytes_.set(blocks_.size() * kBlockSessions * stride_);
    for (size_t i = kBlockSessions; i-- > 0;) {
      free_.push_back(reinterpret_cast<Session*>(blocks_.back().get() + i * stride_));
    }
  }
  Session* const session = free_.back();
  free_.pop_back();
  *session = {.start = time, .last = time, .key = key, .merged_into = nullptr};
  std::memset(session->payload(), 0, options_.payload.bytes);
  if (options_.payload.init != nullptr) options_.payload.init(options_.payload.context, session->payload());
  due_.push({.end = end, .number = due_number_++, .session = session});
  return session;
}

void SessionStore::insert_earlier(Session* session) {
  KeySessions& own = at(session->key);
  if (own.earlier == nullptr) own.earlier = new Earlier();
  own.earlier->emplace(session->start, session);
}

void SessionStore::remove_from_key(Session* session) {
  KeySessions& own = at(session->key);
  if (own.latest != session) {
    own.earlier->erase(session->start);
    return;
  }
  own.latest = nullptr;
  if (own.earlier == nullptr || own.earlier->empty()) {
    keys_.erase(session->key);
    return;
  }
  const auto last = std::prev(own.earlier->end());
  own.latest = last->second;
  own.earlier->erase(last);
}

bool SessionStore::close_some(EventTime watermark, size_t max) {
  watermark_ = watermark;
  while (!due_.empty() && closed_.size() < max && EventTime(due_.top().end - types::kLastMomentUs) <= watermark) {
    const Due due = due_.top();
    due_.pop();
    Session* const session = due.session;
    if (session->merged_into != nullptr) {
      free_.push_back(session);
    } else if (end_of(*session) > due.end) {
      due_.push({.end = end_of(*session), .number = due.number, .session = session});
    } else {
      closed_.push_back(session);
    }
  }
  return !closed_.empty();
}

void SessionStore::release_closed() {
  for (Session* session : closed_) {
    remove_from_key(session);
    destroy_payload(session);
    free_.push_back(session);
  }
  closed_.clear();
  if (!due_.empty()) return;
  // There is no session: one day of many does not take memory for ever.
  due_ = {};
  free_ = StateVector<Session*>();
  blocks_.clear();
  blocks_bytes_.set(0);
}

void SessionStore::append_keys(std::span<Session* const> sessions, std::span<columnar::ColumnBuilder> builders) {
  groups_.clear();
  for (Session* session : sessions) groups_.push_back(session->key);
  keys_.append_keys(groups_, builders);
}

}  // namespace penstock::exec
