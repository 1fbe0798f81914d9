// The bytes of one file in order, decompressed where its name says that it is compressed.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <utility>

#include "base/result.h"
#include "connector/filesystem/decompressor.h"
#include "io/env.h"

namespace penstock::connector {

// Owned by one reader; not thread-safe. Holds the file open, so that it is read to its end even when its name has gone
// to another one.
class FileBytes {
 public:
  // `name` says how it is compressed, `position` is the first byte to give, counted after decompression. Errors:
  // kInvalidArgument when it is no regular file.
  static Result<std::unique_ptr<FileBytes>> open(io::Env& env, const std::string& path, const std::string& name,
                                                 uint64_t position);

  struct Read {
    size_t bytes = 0;    // given
    bool moved = false;  // got ahead in the file, though it may have given nothing
  };
  // Gives up to `size` bytes, of what lies before `file_end` in the file. Neither given nor moved: there is no more for
  // now. kCorruption when compressed data is malformed.
  Result<Read> read(char* out, size_t size, uint64_t file_end);

  // As it was when it was opened.
  const io::FileInfo& info() const { return info_; }
  bool compressed() const { return decompressor_ != nullptr; }
  // How far in the file has been read, in its own bytes.
  uint64_t file_position() const { return file_position_; }
  // Whether compressed data is cut off here.
  bool cut_off() const { return decompressor_ != nullptr && decompressor_->inside(); }

 private:
  FileBytes(std::unique_ptr<io::File> file, io::FileInfo info, std::unique_ptr<Decompressor> decompressor)
      : file_(std::move(file)), info_(info), decompressor_(std::move(decompressor)) {}

  const std::unique_ptr<io::File> file_;
  const io::FileInfo info_;
  const std::unique_ptr<Decompressor> decompressor_;  // none: the file is not compressed
  uint64_t file_position_ = 0;
  uint64_t skip_ = 0;  // decompressed bytes that are not given
  std::string input_;  // compressed, from input_begin_ on
  size_t input_begin_ = 0;
};

}  // namespace penstock::connector
