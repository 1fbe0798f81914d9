// The rows of a view, in chunks that snapshots share.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/hash.h"
#include "base/result.h"
#include "columnar/change_batch.h"
#include "types/type.h"

namespace penstock::view {

// A whole row as bytes (columnar::append_key of all columns), and how often it is there: always once in a view with a
// key.
struct StoredRow {
  std::string bytes;
  uint32_t count = 1;
};

inline constexpr size_t kChunkRows = 1024;
using Chunk = std::vector<StoredRow>;

struct BytesHash {
  using is_transparent = void;
  size_t operator()(std::string_view bytes) const { return hash64(bytes); }
};

// The net change of an epoch, or of several: rows with weights that are not 0.
using NetRows = std::unordered_map<std::string, int32_t, BytesHash, std::equal_to<>>;

// Adds the rows of `batch` to `net`, and takes out what comes to nothing.
void add_rows(NetRows& net, const columnar::ChangeBatch& batch);
void add_rows(NetRows& net, const NetRows& more);

// Rows as batches of at most kBatchRowsMax; deletions before insertions.
std::vector<columnar::ChangeBatch> to_batches(const NetRows& net, std::span<const types::DataType> types);

// Not thread-safe: the view's lock guards it. A chunk that a snapshot shares is copied before it is changed.
class RowStore {
 public:
  RowStore(std::vector<types::DataType> types, std::vector<int> key) : types_(std::move(types)), key_(std::move(key)) {}

  // Applies a net change, or changes nothing and says what contradicts.
  Status apply(const NetRows& net);

  size_t rows() const { return rows_; }
  // An estimate of the memory held.
  size_t bytes() const { return bytes_; }
  const std::vector<std::shared_ptr<Chunk>>& chunks() const { return chunks_; }
  const std::vector<types::DataType>& types() const { return types_; }

 private:
  // The bytes that are unique in the store: of the key, or of the whole row.
  std::string index_key(std::string_view row) const;
  Status check(const NetRows& net) const;
  void insert(const std::string& row, uint32_t count);
  void remove(const std::string& row, uint32_t count);
  StoredRow& writable(size_t position);
  const StoredRow& at(size_t position) const { return (*chunks_[position / kChunkRows])[position % kChunkRows]; }
  std::string describe(std::string_view row) const;

  const std::vector<types::DataType> types_;
  const std::vector<int> key_;
  std::vector<std::shared_ptr<Chunk>> chunks_;                                 // all full but the last
  std::unordered_map<std::string, size_t, BytesHash, std::equal_to<>> index_;  // to positions
  size_t stored_ = 0;
  size_t rows_ = 0;
  size_t bytes_ = 0;
};

}  // namespace penstock::view
