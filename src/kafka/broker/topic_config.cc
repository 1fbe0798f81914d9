#include "kafka/broker/topic_config.h"

#include <algorithm>
#include <charconv>

namespace penstock::kafka {
namespace {

using enum ConfigType;

constexpr std::string_view kNoEffect = "Kept, without an effect here";
constexpr std::string_view kMaxLong = "9223372036854775807";

constexpr TopicSetting kSettings[] = {
    {"cleanup.policy", kList, "delete",
     "delete: old segments go by retention.*; compact: nothing is deleted (records are not compacted)"},
    {"compression.gzip.level", kInt, "-1", kNoEffect},
    {"compression.lz4.level", kInt, "9", kNoEffect},
    {"compression.type", kString, "producer", "Batches are kept as producers sent them, whatever is set"},
    {"compression.zstd.level", kInt, "3", kNoEffect},
    {"delete.retention.ms", kLong, "86400000", kNoEffect},
    {"file.delete.delay.ms", kLong, "60000", kNoEffect},
    {"flush.messages", kLong, kMaxLong, "Every acknowledged record is on disk, whatever is set"},
    {"flush.ms", kLong, kMaxLong, "Every acknowledged record is on disk, whatever is set"},
    {"index.interval.bytes", kInt, "4096", kNoEffect},
    {"max.compaction.lag.ms", kLong, kMaxLong, kNoEffect},
    {"max.message.bytes", kInt, "16777216", "The largest record batch"},
    {"message.timestamp.after.max.ms", kLong, "3600000", kNoEffect},
    {"message.timestamp.before.max.ms", kLong, kMaxLong, kNoEffect},
    {"message.timestamp.type", kString, "CreateTime",
     "CreateTime: records keep the time that producers gave them; LogAppendTime: they get that of their arrival"},
    {"min.cleanable.dirty.ratio", kDouble, "0.5", kNoEffect},
    {"min.compaction.lag.ms", kLong, "0", kNoEffect},
    {"min.insync.replicas", kInt, "1", "There is one replica, whatever is set"},
    {"preallocate", kBoolean, "false", kNoEffect},
    {"retention.bytes", kLong, "-1", "A partition larger than this loses its oldest segments; -1: no limit"},
    {"retention.ms", kLong, "604800000", "Records older than this go with their segment; -1: no limit"},
    {"segment.bytes", kInt, "268435456", "The size of a segment of a partition"},
    {"segment.index.bytes", kInt, "10485760", kNoEffect},
    {"segment.jitter.ms", kLong, "0", kNoEffect},
    {"segment.ms", kLong, "604800000", kNoEffect},
    {"unclean.leader.election.enable", kBoolean, "false", kNoEffect},
};

Error bad_value(std::string_view name, std::string_view value, std::string_view what) {
  return invalid_argument("invalid value \"{}\" for {}: {}", value, name, what);
}

Result<int64_t> integer(std::string_view name, std::string_view value, int64_t min, int64_t max) {
  int64_t number = 0;
  const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), number);
  if (error != std::errc{} || end != value.data() + value.size() || number < min || number > max) {
    return bad_value(name, value, fmt::format("an integer from {} to {} is expected", min, max));
  }
  return number;
}

Status check_type(const TopicSetting& setting, const std::string& value) {
  switch (setting.type) {
    case kBoolean:
      if (value != "true" && value != "false") return bad_value(setting.name, value, "true or false is expected");
      return {};
    case kInt: PENSTOCK_TRY(integer(setting.name, value, INT32_MIN, INT32_MAX)); return {};
    case kLong: PENSTOCK_TRY(integer(setting.name, value, INT64_MIN, INT64_MAX)); return {};
    case kDouble:
    case kString:
    case kList: return {};
  }
  return {};
}

// The settings with an effect.
Status apply(log::TopicConfig& config, std::string_view name, const std::string& value, bool* compacted) {
  constexpr int64_t kSegmentBytesMin = 1 << 10;
  if (name == "retention.ms") {
    config.retention_ms = PENSTOCK_TRY(integer(name, value, -1, INT64_MAX));
  } else if (name == "retention.bytes") {
    config.retention_bytes = PENSTOCK_TRY(integer(name, value, -1, INT64_MAX));
  } else if (name == "segment.bytes") {
    config.segment_bytes = PENSTOCK_TRY(integer(name, value, kSegmentBytesMin, INT32_MAX));
  } else if (name == "max.message.bytes") {
    config.max_message_bytes = static_cast<int32_t>(PENSTOCK_TRY(integer(name, value, 0, INT32_MAX)));
  } else if (name == "message.timestamp.type") {
    if (value != "CreateTime" && value != "LogAppendTime") {
      return bad_value(name, value, "CreateTime or LogAppendTime is expected");
    }
  } else if (name == "cleanup.policy") {
    if (value != "delete" && value != "compact" && value != "compact,delete" && value != "delete,compact") {
      return bad_value(name, value, "delete, compact or both are expected");
    }
    *compacted = value == "compact";
  }
  return {};
}

}  // namespace

std::span<const TopicSetting> topic_settings() { return kSettings; }

const TopicSetting* find_topic_setting(std::string_view name) {
  const auto* const found = std::ranges::find(kSettings, name, &TopicSetting::name);
  return found == std::end(kSettings) ? nullptr : found;
}

Result<log::TopicConfig> make_topic_config(ConfigEntries entries) {
  log::TopicConfig config;
  bool compacted = false;
  for (const auto& [name, value] : entries) {
    const TopicSetting* setting = find_topic_setting(name);
    if (setting == nullptr) return invalid_argument("unknown topic setting \"{}\"", name);
    PENSTOCK_TRY(check_type(*setting, value));
    PENSTOCK_TRY(apply(config, name, value, &compacted));
  }
  // A compacted topic keeps the last record of every key for good: retention must not take it.
  if (compacted) config.retention_ms = config.retention_bytes = -1;
  config.entries = std::move(entries);
  return config;
}

}  // namespace penstock::kafka
