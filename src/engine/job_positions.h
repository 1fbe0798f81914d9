// The positions of a job whose plan has several scans.
#pragma once

#include <string>

#include "connector/scan.h"
#include "exec/message.h"

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

}  // namespace penstock::engine
