// Committed offsets of consumer groups.
#include <algorithm>
#include <utility>

#include "log/log_core.h"

namespace penstock::log {

Result<GroupOffsets> LogCore::resolve_offsets(
    const std::string& group, const std::vector<std::pair<TopicPartition, CommittedOffset>>& offsets) const {
  GroupOffsets resolved{.group = group, .offsets = {}};
  if (group.size() > kGroupNameBytesMax) {
    return invalid_argument("a group's name has at most {} bytes, this one {}", kGroupNameBytesMax, group.size());
  }
  if (group.empty() && !offsets.empty()) return invalid_argument("offsets are committed by a group with a name");
  for (const auto& [name, offset] : offsets) {
    const auto partition = find_partition(name);
    if (partition == nullptr) {
      return not_found("there is no partition {} of a topic \"{}\"", name.partition.value(), name.topic);
    }
    if (offset.metadata.size() > kOffsetMetadataBytesMax) {
      return invalid_argument("the metadata of a committed offset has {} bytes, the most is {}", offset.metadata.size(),
                              kOffsetMetadataBytesMax);
    }
    resolved.offsets.emplace_back(partition->handle, offset);
  }
  return resolved;
}

void LogCore::commit_offsets(const std::string& group, std::vector<std::pair<TopicPartition, CommittedOffset>> offsets,
                             std::function<void(Status)> done) {
  append_together({}, group, std::move(offsets), std::move(done));
}

std::optional<CommittedOffset> LogCore::committed_offset(const std::string& group, const TopicPartition& of) const {
  const std::lock_guard lock(mutex_);
  const auto partition = find_partition(of);
  if (partition == nullptr) return std::nullopt;
  const CommittedOffset* found = groups_.find(group, partition->handle);
  return found == nullptr ? std::nullopt : std::optional(*found);
}

std::vector<std::pair<TopicPartition, CommittedOffset>> LogCore::committed_offsets(const std::string& group) const {
  const std::lock_guard lock(mutex_);
  std::vector<std::pair<TopicPartition, CommittedOffset>> result;
  const auto* offsets = groups_.find(group);
  if (offsets == nullptr) return result;
  for (const auto& [handle, offset] : *offsets) {
    // Of a topic that was deleted while the commit waited, nothing is said.
    if (const auto name = names_by_handle_.find(handle); name != names_by_handle_.end()) {
      result.emplace_back(name->second, offset);
    }
  }
  std::ranges::sort(result, {}, [](const auto& entry) -> const TopicPartition& { return entry.first; });
  return result;
}

std::vector<std::string> LogCore::groups_with_offsets() const {
  const std::lock_guard lock(mutex_);
  return groups_.groups();
}

Status LogCore::delete_group_offsets(const std::string& group) {
  {
    const std::lock_guard lock(mutex_);
    if (groups_.find(group) == nullptr) return not_found("group \"{}\" has no committed offsets", group);
  }
  Pending change;
  change.deleted_group = group;
  return commit_and_wait(std::move(change));
}

}  // namespace penstock::log
