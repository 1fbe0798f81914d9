// The records of one file, with where each begins.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "connector/filesystem/file_bytes.h"
#include "format/format.h"

namespace penstock::connector {

struct Line {
  std::string_view text;  // without its end
  uint64_t offset = 0;    // of its first byte, after decompression
};

// What cannot be taken for a record: too long, or damaged.
struct BadLine {
  uint64_t offset = 0;
  std::string_view raw;  // its beginning
  std::string error;
};

// Reads in pieces: what it holds is bounded by the longest record that is allowed. Lines end with LF or CR LF; in CSV,
// ends within quotes do not count. A byte order mark at the beginning is passed over, and so are blank lines of JSON.
// Owned by one source; not thread-safe.
class LineReader {
 public:
  struct Options {
    format::FormatOptions format;
    size_t record_bytes_max = 0;
    bool header = false;              // the first record is none
    size_t buffer_bytes = 512 << 10;  // to begin with; it grows with long records
    std::function<void(const BadLine&)> on_bad_line;
  };
  // `bytes` must begin at `position`, which is 0 or what position() gave.
  LineReader(const Options& options, std::unique_ptr<FileBytes> bytes, uint64_t position);

  enum class State : uint8_t {
    kLines,  // there are some
    kMore,   // something was read, but no whole record yet: call again
    kRest,   // nothing more for now
    kEnd,    // nothing more, ever
  };
  // Reads a bounded amount. Lines are valid until the next call.
  Result<State> read(size_t lines_max, std::vector<Line>& out);

  // The file ends there, in its own bytes: what is behind its last line end is a record too. Without an end it is
  // followed, and the rest of a line waited for.
  void end_at(uint64_t file_end) { file_end_ = file_end; }
  // Gives no record that begins at `position` or later; nullopt: gives all.
  void stop_at(std::optional<uint64_t> position) { stop_ = position; }

  // Where the next record begins, after decompression.
  uint64_t position() const { return position_; }
  // How far has been looked, in the file's own bytes; there is no whole record up to there that was not given.
  uint64_t seen() const { return bytes_->file_position(); }
  const io::FileInfo& info() const { return bytes_->info(); }
  bool compressed() const { return bytes_->compressed(); }

  // Memory that may be read, around the lines given last.
  std::string_view readable() const { return buffer_; }
  // Gives back the memory that is not needed while nothing comes.
  void rest();

 private:
  std::string_view pending() const { return std::string_view(buffer_).substr(begin_, end_ - begin_); }
  bool stopped() const { return stop_ && position_ >= *stop_; }
  void consume(size_t bytes);
  void split(size_t lines_max, bool last, std::vector<Line>& out);
  bool pass_byte_order_mark(bool last);
  void take(std::string_view record, size_t next, std::vector<Line>& out);
  void give_up_record();
  bool pass_long_record(bool last);
  void make_room();
  Result<State> finish(size_t lines_max, std::vector<Line>& out);
  void tell(std::string_view raw, std::string error) const;

  const Options options_;
  const std::unique_ptr<FileBytes> bytes_;
  std::optional<uint64_t> file_end_;
  std::optional<uint64_t> stop_;
  uint64_t position_;
  bool at_beginning_;  // a byte order mark may come
  bool header_;        // still to come
  bool ended_ = false;
  std::string buffer_;  // what is read lies from begin_ to end_; behind it is padding for decoders
  size_t begin_ = 0;
  size_t end_ = 0;
  // Of a record that is too long: how much has been dropped, behind position_, and how it began.
  uint64_t dropped_ = 0;
  std::string dropped_head_;
};

}  // namespace penstock::connector
