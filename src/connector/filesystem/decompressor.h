// Compressed files, a piece at a time: gzip and zstd, several members or frames one after the other too.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>

#include "base/result.h"

namespace penstock::connector {

enum class Compression : uint8_t { kNone, kGzip, kZstd };

// By the end of the name: .gz, .gzip, .zst, .zstd.
Compression compression_of(std::string_view file_name);

// Not thread-safe.
class Decompressor {
 public:
  // Null for kNone.
  static Result<std::unique_ptr<Decompressor>> make(Compression compression);
  virtual ~Decompressor() = default;

  struct Step {
    size_t taken = 0;  // of the input
    size_t given = 0;  // to the output
  };
  // Goes on with `in`; takes and gives nothing when it needs more input. kCorruption when this is no such data.
  virtual Result<Step> run(std::string_view in, char* out, size_t out_size) = 0;
  // Whether a member or frame has begun whose end has not come.
  virtual bool inside() const = 0;
};

}  // namespace penstock::connector
