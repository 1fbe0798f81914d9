// Reads the journal back after a start and finds its durable end.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "base/result.h"
#include "io/env.h"
#include "log/journal.h"
#include "log/journal_format.h"
#include "log/shared_bytes.h"

namespace penstock::log {

// Called for every frame of every durable commit, in order. The frame's payload lives as long as `commit`. To an error
// of kCorruption or kUnsupported the reader adds the file and offset of the frame.
using JournalVisitor = std::function<Status(const JournalFrame& frame, const std::shared_ptr<const void>& commit)>;

struct JournalEnd {
  uint64_t next_sequence = 0;  // of the commit that was never made or is torn
  uint64_t commits_count = 0;
  uint64_t next_segment = 0;  // higher than any that exists and not below the start
  bool any_segment = false;   // whether there was a file to read
};

// Reads the commits from `start`. The first that is missing or damaged ends the journal, since a commit is
// written only after the one before it is durable; so if a later one is found anywhere, the damage is to durable
// data: kCorruption, naming file and offset. Changes nothing.
Result<JournalEnd> read_journal(io::Env& env, const std::string& directory, uint64_t journal_id, JournalPosition start,
                                const JournalVisitor& visit);

}  // namespace penstock::log
