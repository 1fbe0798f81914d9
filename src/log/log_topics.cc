// Topics, their settings, and producer ids: what the catalog holds. A change is on disk before it takes effect.
#include <algorithm>
#include <utility>

#include "base/logging.h"
#include "log/log_core.h"

namespace penstock::log {
namespace {

// A file's name may have 255 bytes: a long topic name is cut, the id behind it keeps the directory unique.
constexpr size_t kDirectoryNameBytesMax = 200;

// Gives a topic handles for more partitions: numbers that were never given before.
Status add_handles(Catalog* catalog, Catalog::Topic* topic, int32_t count) {
  if (static_cast<uint32_t>(count) > UINT32_MAX - catalog->next_handle) {
    return make_error(ErrorCode::kResourceExhausted, "the log has had {} partitions, and can give no new one a number",
                      catalog->next_handle - 1);
  }
  for (int32_t i = 0; i < count; ++i) topic->handles.push_back(catalog->next_handle++);
  topic->info.partitions += count;
  return {};
}

Error no_such_topic(const std::string& name) { return not_found("there is no topic \"{}\"", name); }

}  // namespace

Status LogCore::write_catalog(Catalog catalog) {
  {
    const std::lock_guard lock(mutex_);
    if (const auto error = refusal()) return *error;
  }
  if (Status written = env_.write_file_atomically(path("catalog"), catalog.encode()); !written) {
    // It may be on disk all the same: going on with the old one could acknowledge what a restart does not know.
    catalog_unsure_ = true;
    stop_taking(written.error());
    const std::lock_guard lock(mutex_);
    return *stopped();
  }
  catalog_ = std::move(catalog);
  return {};
}

void LogCore::install_topic(const Catalog::Topic& from) {
  const auto [at, fresh] = topics_.try_emplace(from.info.name);
  Topic& topic = at->second;
  topic.info = from.info;
  topic.settings = std::make_shared<TopicSettings>(from.info.config);
  const auto directory =
      fresh ? std::make_shared<const std::string>(fmt::format("{}/{}-{:016x}{:016x}", path("topics"),
                                                              from.info.name.substr(0, kDirectoryNameBytesMax),
                                                              from.info.id.high, from.info.id.low))
            : topic.partitions.front()->topic_directory;
  for (const auto& partition : topic.partitions) partition->settings = topic.settings;
  for (size_t i = topic.partitions.size(); i < from.handles.size(); ++i) {
    const auto index = static_cast<int32_t>(i);
    topic.partitions.push_back(std::make_shared<Partition>(from.handles[i], topic.settings, directory, index));
    names_by_handle_[from.handles[i]] = {from.info.name, PartitionId(index)};
  }
  metrics_.partitions.set(static_cast<int64_t>(names_by_handle_.size()));
}

void LogCore::notify_topics_changed() {
  std::vector<std::shared_ptr<Subscriber>> subscribers;
  {
    const std::lock_guard lock(mutex_);
    topic_subscribers_.collect(&subscribers);
    // Retention has something to watch from the first topic on.
    maintenance_wakeup_.notify_one();
  }
  for (const auto& subscriber : subscribers) subscriber->notify();
}

Result<TopicInfo> LogCore::create_topic(const std::string& name, int32_t partitions, TopicConfig config) {
  PENSTOCK_TRY(check_topic_name(name));
  PENSTOCK_TRY(check_topic_config(config));
  if (partitions < 1 || partitions > kPartitionsPerTopicMax) {
    return invalid_argument("a topic has 1 to {} partitions, not {}", kPartitionsPerTopicMax, partitions);
  }
  Catalog::Topic topic;
  {
    const std::lock_guard admin_lock(admin_mutex_);
    if (catalog_.topics.contains(name)) return make_error(ErrorCode::kAlreadyExists, "topic \"{}\" exists", name);
    {
      const std::lock_guard lock(mutex_);
      if (names_by_handle_.size() + static_cast<size_t>(partitions) > kPartitionsMax) {
        return make_error(ErrorCode::kResourceExhausted, "the log has {} partitions, the most is {}",
                          names_by_handle_.size(), kPartitionsMax);
      }
    }
    Catalog catalog = catalog_;
    topic.info = {.name = name,
                  .id = {env_.random_u64(), env_.random_u64()},
                  .config = std::move(config),
                  .internal = is_reserved_name(name) || name.starts_with("__")};
    PENSTOCK_TRY(add_handles(&catalog, &topic, partitions));
    catalog.topics.emplace(name, topic);
    PENSTOCK_TRY(write_catalog(std::move(catalog)));
    const std::lock_guard lock(mutex_);
    install_topic(topic);
  }
  notify_topics_changed();
  return topic.info;
}

Status LogCore::add_partitions(const std::string& name, int32_t partitions_total) {
  {
    const std::lock_guard admin_lock(admin_mutex_);
    Catalog catalog = catalog_;
    const auto found = catalog.topics.find(name);
    if (found == catalog.topics.end()) return no_such_topic(name);
    Catalog::Topic& topic = found->second;
    if (partitions_total <= topic.info.partitions || partitions_total > kPartitionsPerTopicMax) {
      return invalid_argument("topic \"{}\" has {} partitions; it can grow to {}, not become {}", name,
                              topic.info.partitions, kPartitionsPerTopicMax, partitions_total);
    }
    {
      const std::lock_guard lock(mutex_);
      const size_t total = names_by_handle_.size() + static_cast<size_t>(partitions_total - topic.info.partitions);
      if (total > kPartitionsMax) {
        return make_error(ErrorCode::kResourceExhausted, "the log would have {} partitions, the most is {}", total,
                          kPartitionsMax);
      }
    }
    PENSTOCK_TRY(add_handles(&catalog, &topic, partitions_total - topic.info.partitions));
    const Catalog::Topic grown = topic;
    PENSTOCK_TRY(write_catalog(std::move(catalog)));
    const std::lock_guard lock(mutex_);
    install_topic(grown);
  }
  notify_topics_changed();
  return {};
}

Status LogCore::set_topic_config(const std::string& name, TopicConfig config) {
  PENSTOCK_TRY(check_topic_config(config));
  const std::lock_guard admin_lock(admin_mutex_);
  Catalog catalog = catalog_;
  const auto found = catalog.topics.find(name);
  if (found == catalog.topics.end()) return no_such_topic(name);
  found->second.info.config = std::move(config);
  const Catalog::Topic changed = found->second;
  PENSTOCK_TRY(write_catalog(std::move(catalog)));
  const std::lock_guard lock(mutex_);
  install_topic(changed);
  return {};
}

Status LogCore::delete_topic(const std::string& name) {
  std::vector<std::shared_ptr<Subscriber>> subscribers;
  {
    const std::lock_guard admin_lock(admin_mutex_);
    Catalog catalog = catalog_;
    if (catalog.topics.erase(name) == 0) return no_such_topic(name);
    PENSTOCK_TRY(write_catalog(std::move(catalog)));
    // A flush may be reading the tails.
    const std::lock_guard flush_lock(flush_mutex_);
    std::vector<Tail::Batch> dropped;
    std::vector<std::shared_ptr<Partition>> partitions;
    {
      const std::lock_guard lock(mutex_);
      partitions = std::move(topics_.at(name).partitions);
      topics_.erase(name);
      for (const auto& partition : partitions) {
        partition->deleted = true;
        for (size_t i = partition->tail.find(partition->flushed_offset); i < partition->tail.size(); ++i) {
          unflushed_bytes_ -= partition->tail[i].bytes.bytes.size();
        }
        give_back(partition->tail.drop_below(partition->high_watermark, &dropped));
        names_by_handle_.erase(partition->handle);
        groups_.erase_partition(partition->handle);
        partition->subscribers.collect(&subscribers);
      }
      std::erase_if(dirty_, [](const auto& partition) { return partition->deleted; });
      std::erase_if(cached_, [](const auto& partition) { return partition->deleted; });
      metrics_.partitions.set(static_cast<int64_t>(names_by_handle_.size()));
    }
    for (const auto& partition : partitions) segment_cache_.erase(partition->handle, INT64_MAX);
    const std::string& directory = *partitions.front()->topic_directory;
    segment_writer_.forget(directory);
    if (Status removed = env_.remove_tree(directory); !removed) {
      // Harmless: the next start removes what the catalog does not name.
      logging::warning("cannot remove a deleted topic's files", {{"reason", removed.error().message()}});
    }
  }
  for (const auto& subscriber : subscribers) subscriber->notify();
  notify_topics_changed();
  return {};
}

std::vector<TopicInfo> LogCore::topics() const {
  const std::lock_guard lock(mutex_);
  std::vector<TopicInfo> infos;
  infos.reserve(topics_.size());
  for (const auto& [name, topic] : topics_) infos.push_back(topic.info);
  return infos;
}

std::optional<TopicInfo> LogCore::topic(std::string_view name) const {
  const std::lock_guard lock(mutex_);
  const auto found = topics_.find(name);
  if (found == topics_.end()) return std::nullopt;
  return found->second.info;
}

std::unique_ptr<Subscription> LogCore::on_topics_changed(std::function<void()> callback) {
  const std::lock_guard lock(mutex_);
  return topic_subscribers_.add(std::move(callback));
}

std::unique_ptr<Subscription> LogCore::on_advance(const TopicPartition& name, std::function<void()> callback) {
  const std::lock_guard lock(mutex_);
  const auto partition = find_partition(name);
  // Of a partition that does not exist nothing will ever be told.
  SubscriberList nobody;
  return (partition == nullptr ? nobody : partition->subscribers).add(std::move(callback));
}

Result<Offset> LogCore::delete_records(const TopicPartition& from, Offset before) {
  Pending change;
  {
    const std::lock_guard lock(mutex_);
    change.partition = find_partition(from);
    if (change.partition == nullptr) {
      return not_found("there is no partition {} of a topic \"{}\"", from.partition.value(), from.topic);
    }
    const Partition& partition = *change.partition;
    if (before.value() < 0 || before.value() > partition.high_watermark) {
      return invalid_argument("offset {} is out of range: \"{}\" partition {} has {} to {}", before.value(), from.topic,
                              from.partition.value(), partition.log_start_offset, partition.high_watermark);
    }
    // Also when nothing more goes: what retention took away a moment ago may not be durable yet, the answer must be.
    change.log_start_offset = std::max(before.value(), partition.log_start_offset);
  }
  PENSTOCK_TRY(commit_and_wait(std::move(change)));
  return log_start_offset(from);
}

Result<ProducerId> LogCore::allocate_producer_id() {
  const std::lock_guard admin_lock(admin_mutex_);
  if (producer_ids_left_ == 0) {
    Catalog catalog = catalog_;
    if (catalog.next_producer_id > kProducerIdMax - kProducerIdBlock) {
      return make_error(ErrorCode::kResourceExhausted, "all producer ids up to {} were given", kProducerIdMax);
    }
    catalog.next_producer_id += kProducerIdBlock;
    PENSTOCK_TRY(write_catalog(std::move(catalog)));
    producer_ids_left_ = kProducerIdBlock;
  }
  return ProducerId(catalog_.next_producer_id - producer_ids_left_--);
}

}  // namespace penstock::log
