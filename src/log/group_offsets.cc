#include "log/group_offsets.h"

namespace penstock::log {
namespace {

constexpr size_t kEncodedOffsetBytes = 4 + 8 + 4 + 4 + 8;

void encode_offset(uint32_t handle, const CommittedOffset& offset, ByteWriter* to) {
  to->put(handle);
  to->put(offset.offset.value());
  to->put(offset.leader_epoch);
  to->put(offset.commit_time_ms);
  to->put_string(offset.metadata);
}

std::pair<uint32_t, CommittedOffset> decode_offset(ByteReader* from) {
  std::pair<uint32_t, CommittedOffset> entry;
  entry.first = from->get<uint32_t>();
  entry.second.offset = Offset(from->get<int64_t>());
  entry.second.leader_epoch = from->get<int32_t>();
  entry.second.commit_time_ms = from->get<int64_t>();
  entry.second.metadata = from->get_string();
  return entry;
}

}  // namespace

void GroupOffsets::encode(ByteWriter* to) const {
  to->put_string(group);
  to->put(static_cast<uint32_t>(offsets.size()));
  for (const auto& [handle, offset] : offsets) encode_offset(handle, offset, to);
}

bool GroupOffsets::decode(ByteReader* from) {
  group = from->get_string();
  offsets.clear();
  const uint32_t count = from->get_count(kEncodedOffsetBytes);
  if (group.size() > kGroupNameBytesMax || (group.empty() && count > 0)) return false;
  for (uint32_t i = 0; i < count && from->ok(); ++i) {
    offsets.push_back(decode_offset(from));
    if (offsets.back().second.metadata.size() > kOffsetMetadataBytesMax) return false;
  }
  return from->ok();
}

void GroupOffsetsTable::apply(const GroupOffsets& commit) {
  if (commit.offsets.empty()) return;
  auto& offsets = groups_[commit.group];
  for (const auto& [handle, offset] : commit.offsets) offsets[handle] = offset;
}

void GroupOffsetsTable::erase_group(std::string_view group) {
  if (const auto found = groups_.find(group); found != groups_.end()) groups_.erase(found);
}

void GroupOffsetsTable::erase_partition(uint32_t handle) {
  for (auto& [group, offsets] : groups_) offsets.erase(handle);
  std::erase_if(groups_, [](const auto& entry) { return entry.second.empty(); });
}

std::set<uint32_t> GroupOffsetsTable::partitions() const {
  std::set<uint32_t> handles;
  for (const auto& [group, offsets] : groups_) {
    for (const auto& [handle, offset] : offsets) handles.insert(handle);
  }
  return handles;
}

const CommittedOffset* GroupOffsetsTable::find(std::string_view group, uint32_t handle) const {
  const auto* offsets = find(group);
  if (offsets == nullptr) return nullptr;
  const auto found = offsets->find(handle);
  return found == offsets->end() ? nullptr : &found->second;
}

const std::unordered_map<uint32_t, CommittedOffset>* GroupOffsetsTable::find(std::string_view group) const {
  const auto found = groups_.find(group);
  return found == groups_.end() ? nullptr : &found->second;
}

std::vector<std::string> GroupOffsetsTable::groups() const {
  std::vector<std::string> names;
  for (const auto& [group, offsets] : groups_) names.push_back(group);
  return names;
}

void GroupOffsetsTable::encode(ByteWriter* to) const {
  to->put(static_cast<uint32_t>(groups_.size()));
  for (const auto& [group, offsets] : groups_) {
    to->put_string(group);
    to->put(static_cast<uint32_t>(offsets.size()));
    for (const auto& [handle, offset] : offsets) encode_offset(handle, offset, to);
  }
}

bool GroupOffsetsTable::decode(ByteReader* from) {
  groups_.clear();
  const uint32_t count = from->get_count(8);
  for (uint32_t i = 0; i < count; ++i) {
    GroupOffsets commit;
    if (!commit.decode(from) || commit.offsets.empty() || groups_.contains(commit.group)) return false;
    apply(commit);
  }
  return from->ok();
}

}  // namespace penstock::log
