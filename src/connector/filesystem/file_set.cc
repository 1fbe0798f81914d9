#include "connector/filesystem/file_set.h"

#include <utility>

namespace penstock::connector {

Status FileSet::look() {
  std::vector<std::function<void()>> wakers;
  {
    const std::lock_guard lock(mutex_);  // one look at a time, so that none brings back what an earlier one saw
    const std::vector<FoundFile> found = PENSTOCK_TRY(access_.find(path_));
    ++looks_;
    bool changed = false;
    auto next = found.begin();
    for (auto& [name, entry] : entries_) {
      while (next != found.end() && next->name < name) ++next;
      const bool there = next != found.end() && next->name == name;
      if (there || entry.known.gone) continue;
      entry.known.gone = true;
      entry.changed_at = looks_;
      changed = true;
    }
    for (const FoundFile& file : found) changed |= update(file);
    if (!changed) {
      --looks_;
      return {};
    }
    wakers = wakers_;
  }
  for (const auto& waker : wakers) waker();
  return {};
}

// True when it is new or has changed.
bool FileSet::update(const FoundFile& found) {
  const auto [it, fresh] = entries_.try_emplace(found.name);
  Entry& entry = it->second;
  const FoundFile& before = entry.known.file;
  if (!fresh && !entry.known.gone && before.info == found.info && before.path == found.path) return false;
  const bool same =
      !fresh && !entry.known.gone && before.info.id == found.info.id && before.info.size <= found.info.size;
  const uint64_t generation = same ? before.generation : next_generation_++;
  if (fresh) entry.known.number = next_number_++;
  entry.known.file = found;
  entry.known.file.generation = generation;
  entry.known.gone = false;
  entry.changed_at = looks_;
  return true;
}

std::vector<FileSet::Known> FileSet::changes_since(uint64_t& seen) const {
  const std::lock_guard lock(mutex_);
  std::vector<Known> changes;
  if (seen == looks_) return changes;
  for (const auto& [name, entry] : entries_) {
    if (entry.changed_at > seen) changes.push_back(entry.known);
  }
  seen = looks_;
  return changes;
}

std::vector<FoundFile> FileSet::files() const {
  const std::lock_guard lock(mutex_);
  std::vector<FoundFile> files;
  for (const auto& [name, entry] : entries_) {
    if (!entry.known.gone) files.push_back(entry.known.file);
  }
  return files;
}

void FileSet::forget(const std::string& name) {
  const std::lock_guard lock(mutex_);
  const auto it = entries_.find(name);
  if (it != entries_.end() && it->second.known.gone) entries_.erase(it);
}

void FileSet::on_change(std::function<void()> waker) {
  const std::lock_guard lock(mutex_);
  wakers_.push_back(std::move(waker));
}

}  // namespace penstock::connector
