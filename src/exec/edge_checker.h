// Holds what a task emits against the rules of a stream.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/epoch.h"
#include "base/result.h"
#include "base/time.h"
#include "exec/message.h"
#include "types/type.h"

namespace penstock::exec {

// Sees every message that goes from one operator of a job to the next, in checked builds. Called only on the task's
// thread. The rules: batches fit the schema and kBatchRowsMax; epochs rise; watermarks never go back; nothing comes
// after EndOfInput; at a barrier no row has been deleted more often than inserted. An error names the broken rule; it
// is a bug of an operator or source.
class EdgeChecker {
 public:
  // Above so many different rows, half of them are no longer counted: the same ones always, by their hash.
  static constexpr size_t kCountedRowsMax = 20'000;

  // `from_the_beginning`: else rows may be deleted that were inserted before a restart.
  explicit EdgeChecker(types::Schema schema, bool from_the_beginning = true)
      : schema_(std::move(schema)), from_the_beginning_(from_the_beginning) {}

  Status check(const Message& message);

 private:
  Status check_batch(const columnar::ChangeBatch& batch);
  Status check_weights() const;
  void count(const columnar::ChangeBatch& batch);

  types::Schema schema_;
  bool from_the_beginning_;
  Watermark watermark_;
  Epoch epoch_;
  bool ended_ = false;
  // Rows are known by their hashes: encoding each would cost more than what made it.
  uint64_t not_counted_ = 0;                            // rows with one of these bits in their hash
  std::unordered_map<uint64_t, int64_t> weights_;       // rows of weight 0 are left out
  std::unordered_map<uint64_t, std::string> negative_;  // their texts
  std::vector<uint64_t> hashes_;
};

}  // namespace penstock::exec
