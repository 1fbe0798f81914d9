// The changes of a native table, kept in a topic of their own as JSON: the value of a record is the row, its header
// `op` says what happened to it (+I or -D), its key is the row's primary key as JSON. Any Kafka client can follow them.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "columnar/change_batch.h"
#include "format/decoder.h"
#include "format/encoder.h"
#include "io/env.h"
#include "log/log.h"
#include "types/type.h"

namespace penstock::connector {

// Used by one thread at a time.
class ChangeLog {
 public:
  struct Options {
    log::Log* log = nullptr;
    io::Env* env = nullptr;
    std::string topic;
    types::Schema schema;
    std::vector<int> key;  // columns of the primary key; may be empty
  };
  // Makes the topic when there is none: one partition, kept for ever.
  static Result<std::unique_ptr<ChangeLog>> open(Options options);

  // Gives all changes from the beginning, in order; each batch is one that append() was given, or a part of one.
  Status replay(const std::function<Status(const columnar::ChangeBatch&)>& take);

  // Appends all rows as one: after a crash either all are there or none. Durable when it returns.
  Status append(std::span<const columnar::ChangeBatch> changes);

 private:
  explicit ChangeLog(Options options) : options_(std::move(options)) {}

  const Options options_;
  std::unique_ptr<format::RowEncoder> encoder_;
  std::unique_ptr<format::RowEncoder> key_encoder_;  // none without a key
  std::unique_ptr<format::RowDecoder> decoder_;
};

}  // namespace penstock::connector
