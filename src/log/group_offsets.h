// The committed offsets of consumer groups, by partition handle.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "log/coding.h"
#include "log/log.h"

namespace penstock::log {

inline constexpr size_t kGroupNameBytesMax = 32'767;
// Kafka's offset.metadata.max.bytes.
inline constexpr size_t kOffsetMetadataBytesMax = 4096;

// What one group commits at once. A partition is known by its handle, which is never used again: offsets of a deleted
// topic cannot come to mean a new one of the same name.
struct GroupOffsets {
  std::string group;
  std::vector<std::pair<uint32_t, CommittedOffset>> offsets;

  void encode(ByteWriter* to) const;
  // False when the bytes are malformed or exceed the limits above.
  bool decode(ByteReader* from);
};

// All groups. Guarded by the log's mutex.
class GroupOffsetsTable {
 public:
  void apply(const GroupOffsets& commit);
  void erase_group(std::string_view group);
  void erase_partition(uint32_t handle);
  // The handles that have offsets, ascending.
  std::set<uint32_t> partitions() const;

  const CommittedOffset* find(std::string_view group, uint32_t handle) const;
  // nullptr when the group has none.
  const std::unordered_map<uint32_t, CommittedOffset>* find(std::string_view group) const;
  std::vector<std::string> groups() const;

  void encode(ByteWriter* to) const;
  bool decode(ByteReader* from);

 private:
  std::map<std::string, std::unordered_map<uint32_t, CommittedOffset>, std::less<>> groups_;
};

}  // namespace penstock::log
