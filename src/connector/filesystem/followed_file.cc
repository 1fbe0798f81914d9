#include "connector/filesystem/followed_file.h"

#include <utility>

#include "base/logging.h"

namespace penstock::connector {

Result<bool> FollowedFile::open(io::Env& env, const LineReader::Options& options) {
  if (reader_ != nullptr) return true;
  Result<std::unique_ptr<FileBytes>> bytes = FileBytes::open(env, found_.path, found_.name, position_);
  if (!bytes && bytes.error().code() == ErrorCode::kNotFound) return false;
  if (!bytes) return bytes.error();
  const io::FileInfo info = (*bytes)->info();
  const bool other = opened_id_ != 0 && opened_id_ != info.id;
  const bool shorter = !(*bytes)->compressed() && info.size < position_;
  if (other || shorter) {
    start_over(other ? "another one has its name" : "it is shorter than what was read of it");
    bytes = FileBytes::open(env, found_.path, found_.name, position_);
    if (!bytes) return bytes.error();
  }
  opened_id_ = (*bytes)->info().id;
  reader_ = std::make_unique<LineReader>(options, *std::move(bytes), position_);
  return true;
}

void FollowedFile::close() {
  if (reader_ == nullptr) return;
  position_ = reader_->position();
  seen_ = reader_->seen();
  reader_.reset();
}

void FollowedFile::end() {
  reader_.reset();
  position_ = kFileRead;
}

bool FollowedFile::update(const FoundFile& found, bool gone) {
  const bool renamed = found.info.id != found_.info.id;
  found_ = found;
  gone_ = gone;
  if (ended()) return false;
  if (renamed && opened_id_ == found.info.id) generation_ = found.generation;  // it was opened after the renaming
  if (gone || (renamed && generation_ != found.generation)) {
    // What is left of an open file is read first.
    if (reader_ != nullptr) reader_->end_at(UINT64_MAX);
    if (reader_ == nullptr && gone) end();
    if (reader_ == nullptr && !gone) start_over("another one has its name");
    return !ended();
  }
  if (generation_ != found.generation || found.info.size < seen()) start_over("it was truncated");
  return found.info.size > seen() || reader_ == nullptr;
}

bool FollowedFile::next_of_name() {
  if (gone_ || generation_ == found_.generation) {
    end();
    return false;
  }
  start_over("another one has its name");
  return true;
}

void FollowedFile::start_over(std::string_view why) {
  logging::warning("a file is read from its beginning again",
                   {{"file", found_.name}, {"reason", why}, {"position", position()}});
  reader_.reset();
  position_ = 0;
  seen_ = 0;
  opened_id_ = 0;
  generation_ = found_.generation;
}

}  // namespace penstock::connector
