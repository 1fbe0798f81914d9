#include "connector/filesystem/file_bytes.h"

#include <algorithm>
#include <cstring>
#include <utility>

namespace penstock::connector {

namespace {

constexpr size_t kInputBytes = 64 << 10;

}  // namespace

Result<std::unique_ptr<FileBytes>> FileBytes::open(io::Env& env, const std::string& path, const std::string& name,
                                                   uint64_t position) {
  auto file = PENSTOCK_TRY(env.open(path, io::OpenMode::kRead));
  const io::FileInfo info = PENSTOCK_TRY(file->info());
  if (info.kind != io::FileKind::kRegular) return invalid_argument("\"{}\" is no regular file", name);
  auto decompressor = PENSTOCK_TRY(Decompressor::make(compression_of(name)));
  const bool compressed = decompressor != nullptr;
  auto bytes = std::unique_ptr<FileBytes>(new FileBytes(std::move(file), info, std::move(decompressor)));
  (compressed ? bytes->skip_ : bytes->file_position_) = position;
  return bytes;
}

Result<FileBytes::Read> FileBytes::read(char* out, size_t size, uint64_t file_end) {
  const uint64_t left = file_end > file_position_ ? file_end - file_position_ : 0;
  if (decompressor_ == nullptr) {
    const size_t n = PENSTOCK_TRY(file_->read_at(file_position_, out, std::min<uint64_t>(size, left)));
    file_position_ += n;
    return Read{.bytes = n, .moved = n > 0};
  }
  Read read;
  if (input_begin_ == input_.size()) {
    input_.resize(std::min<uint64_t>(kInputBytes, left));
    input_.resize(PENSTOCK_TRY(file_->read_at(file_position_, input_.data(), input_.size())));
    input_begin_ = 0;
    file_position_ += input_.size();
    read.moved = !input_.empty();
  }
  const Decompressor::Step step =
      PENSTOCK_TRY(decompressor_->run(std::string_view(input_).substr(input_begin_), out, size));
  input_begin_ += step.taken;
  const auto skipped = static_cast<size_t>(std::min<uint64_t>(skip_, step.given));
  skip_ -= skipped;
  read.bytes = step.given - skipped;
  if (skipped > 0) std::memmove(out, out + skipped, read.bytes);
  read.moved = read.moved || step.taken > 0 || step.given > 0;
  return read;
}

}  // namespace penstock::connector
