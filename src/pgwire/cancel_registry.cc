#include "pgwire/cancel_registry.h"

#include <cstring>
#include <random>

namespace penstock::pgwire {
namespace {

// Protocol 3.0 has room for four bytes.
std::string random_key() {
  std::random_device device;
  const uint32_t bits = device();
  std::string key(sizeof bits, '\0');
  std::memcpy(key.data(), &bits, sizeof bits);
  return key;
}

}  // namespace

CancelRegistry::Entry::Entry(CancelRegistry& registry, engine::Session& session)
    : registry_(registry), session_(session), process_id_(0), secret_key_(random_key()) {
  const std::lock_guard lock(registry_.mutex_);
  do {
    process_id_ = registry_.next_process_id_;
    registry_.next_process_id_ = process_id_ == INT32_MAX ? 1 : process_id_ + 1;
  } while (!registry_.entries_.try_emplace(process_id_, this).second);
}

CancelRegistry::Entry::~Entry() {
  const std::lock_guard lock(registry_.mutex_);
  registry_.entries_.erase(process_id_);
}

void CancelRegistry::cancel(int32_t process_id, std::string_view secret_key) {
  const std::lock_guard lock(mutex_);
  const auto found = entries_.find(process_id);
  if (found != entries_.end() && found->second->secret_key_ == secret_key) found->second->session_.cancel();
}

void CancelRegistry::cancel(int32_t process_id) {
  const std::lock_guard lock(mutex_);
  const auto found = entries_.find(process_id);
  if (found != entries_.end()) found->second->session_.cancel();
}

void CancelRegistry::cancel_all() {
  const std::lock_guard lock(mutex_);
  for (const auto& [process_id, entry] : entries_) entry->session_.cancel();
}

}  // namespace penstock::pgwire
