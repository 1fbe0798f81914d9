// One file of a scan: how far it has been read, and what has become of it since.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "base/result.h"
#include "connector/filesystem/file_access.h"
#include "connector/filesystem/line_reader.h"

namespace penstock::connector {

// The position of a file that will not be looked at again.
inline constexpr uint64_t kFileRead = INT64_MAX;

// Owned by one source; not thread-safe.
class FollowedFile {
 public:
  // `position` is where reading begins, kFileRead to leave it out.
  FollowedFile(FoundFile found, uint64_t position)
      : found_(std::move(found)), generation_(found_.generation), position_(position) {}

  const FoundFile& found() const { return found_; }
  bool ended() const { return position_ == kFileRead; }
  bool gone() const { return gone_; }
  // Of the next record.
  uint64_t position() const { return reader_ != nullptr ? reader_->position() : position_; }
  // How far has been looked: of which generation, and in the file's own bytes.
  uint64_t generation() const { return generation_; }
  uint64_t seen() const { return reader_ != nullptr ? reader_->seen() : seen_; }
  // Null when it is not open.
  LineReader* reader() { return reader_.get(); }

  // Opens it where reading goes on, when it is not open. False when it is not there any more.
  Result<bool> open(io::Env& env, const LineReader::Options& options);
  // Closes it, to be opened again when there is more. What is read of an unfinished line is read again then.
  void close();
  // There will be nothing more.
  void end();

  // Takes what a look has found; true when there is something to read. Says what was truncated or replaced.
  bool update(const FoundFile& found, bool gone);
  // The end of what is open has come. True when another file is to be opened under its name; else it has ended.
  bool next_of_name();

 private:
  void start_over(std::string_view why);

  FoundFile found_;      // as of the last look
  uint64_t generation_;  // of what is read; that of found_ is later when the open file has lost its name
  std::unique_ptr<LineReader> reader_;
  uint64_t position_;
  uint64_t seen_ = 0;
  uint64_t opened_id_ = 0;  // of the file that position_ is about; 0: not known yet
  bool gone_ = false;
};

}  // namespace penstock::connector
