// The positions of a job whose plan has several scans.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <utility>

#include "connector/connector.h"
#include "connector/scan.h"
#include "exec/message.h"
#include "log/log.h"

namespace penstock::engine {

// A scan's place among those of its job that read the same topic or path. The first one's positions are kept as they
// are, so that those in topics are offsets of the job's group that any of Kafka's tools shows; those of the others have
// the place before the split's name.
class ScanPlace {
 public:
  // `input`: what it reads; `before`: how many scans of the job before it read the same.
  ScanPlace(std::string input, int before) : input_(std::move(input)), before_(before) {}

  // Adds what the scan has noted to the positions of its job.
  void add(connector::ScanProgress::Noted noted, connector::Positions& job) const;
  // The scan's own, of the job's.
  connector::Positions positions(const connector::Positions& job) const;
  connector::ScanHold hold(const connector::Positions& job) const;

 private:
  std::string prefix() const;
  log::TopicPartition watermark_split() const;

  std::string input_;
  int before_;
};

// The log forgets the offsets of a group with their topic. What a job keeps under other names, which are positions of
// all scans but the first, ends and watermarks, it does not: where there is such a thing, the ids of the topics are
// positions, too.
void add_topics(const std::map<std::string, log::TopicId>& topics, connector::Positions& job);

struct KeptPositions {
  connector::Positions valid;  // without the ids
  connector::Positions gone;   // as they are committed to be forgotten
};
// Tells apart what is of topics that are no more, or are others of the same name, which have other records.
KeptPositions check_topics(connector::Positions job,
                           const std::function<std::optional<log::TopicId>(const std::string& name)>& find);

// Gives the scans of a job their places, in their order.
class ScanPlaces {
 public:
  // Behind all that have a topic or path in common with it.
  ScanPlace next(const connector::TableInput& input);

 private:
  std::map<std::string, int> next_;  // by topic or path
  int next_of_any_ = 0;              // of those that are not there
};

}  // namespace penstock::engine
