#include "connector/filesystem/line_reader.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <utility>

#include "format/decoder.h"

namespace penstock::connector {

namespace {

constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";
// What a dead letter shows of a record that is too long.
constexpr size_t kHeadBytes = 1 << 10;

bool is_blank(std::string_view text) { return text.find_first_not_of(" \t\r") == std::string_view::npos; }

}  // namespace

LineReader::LineReader(const Options& options, std::unique_ptr<FileBytes> bytes, uint64_t position)
    : options_(options),
      bytes_(std::move(bytes)),
      position_(position),
      at_beginning_(position == 0),
      header_(options.header && position <= kByteOrderMark.size()) {}

Result<LineReader::State> LineReader::read(size_t lines_max, std::vector<Line>& out) {
  out.clear();
  if (stopped()) return State::kRest;
  if (ended_) return State::kEnd;
  split(lines_max, false, out);
  if (!out.empty()) return State::kLines;
  if (stopped()) return State::kRest;
  make_room();
  const Result<FileBytes::Read> got = bytes_->read(
      buffer_.data() + end_, buffer_.size() - format::kDecodePaddingBytes - end_, file_end_.value_or(UINT64_MAX));
  if (!got && got.error().code() == ErrorCode::kCorruption) {
    tell({}, got.error().message() + "; the rest of the file is left out");
    ended_ = true;
    return State::kEnd;
  }
  if (!got) return got.error();
  end_ += got->bytes;
  if (!got->moved) return file_end_ ? finish(lines_max, out) : Result<State>(State::kRest);
  split(lines_max, false, out);
  return out.empty() ? State::kMore : State::kLines;
}

// All has been read.
Result<LineReader::State> LineReader::finish(size_t lines_max, std::vector<Line>& out) {
  split(lines_max, true, out);
  if (!out.empty()) return State::kLines;
  if (stopped()) return State::kRest;
  ended_ = true;
  if (bytes_->cut_off()) tell({}, "the compressed file is cut off");
  return State::kEnd;
}

void LineReader::split(size_t lines_max, bool last, std::vector<Line>& out) {
  if (!pass_byte_order_mark(last)) return;
  while (out.size() < lines_max && !stopped()) {
    if (dropped_ > 0 && !pass_long_record(last)) return;
    std::string_view record;
    size_t next = 0;
    if (!format::split_record(options_.format, pending(), last, record, next)) return;
    take(record, next, out);
  }
}

// False while it cannot be known whether one is there.
bool LineReader::pass_byte_order_mark(bool last) {
  if (!at_beginning_) return true;
  const std::string_view text = pending();
  if (!last && text.size() < kByteOrderMark.size() && kByteOrderMark.starts_with(text)) return false;
  at_beginning_ = false;
  if (text.starts_with(kByteOrderMark)) consume(kByteOrderMark.size());
  return true;
}

void LineReader::take(std::string_view record, size_t next, std::vector<Line>& out) {
  const bool header = std::exchange(header_, false);
  if (record.size() > options_.record_bytes_max) {
    tell(record.substr(0, kHeadBytes), fmt::format("longer than {} bytes", options_.record_bytes_max));
  } else if (!header && !(options_.format.kind == format::FormatKind::kJson && is_blank(record))) {
    out.push_back({.text = record, .offset = position_});
  }
  consume(next);
}

void LineReader::consume(size_t bytes) {
  begin_ += bytes;
  position_ += bytes;
}

// Makes room behind what is pending, which no record ends in.
void LineReader::make_room() {
  if (end_ - begin_ > options_.record_bytes_max) give_up_record();
  if (begin_ > 0) {
    std::memmove(buffer_.data(), buffer_.data() + begin_, end_ - begin_);
    end_ -= std::exchange(begin_, 0);
  }
  const size_t capacity = std::max(buffer_.size(), format::kDecodePaddingBytes) - format::kDecodePaddingBytes;
  if (end_ < capacity) return;
  buffer_.resize(std::max(options_.buffer_bytes, 2 * capacity) + format::kDecodePaddingBytes);
}

// What is pending is longer than a record may be. In CSV a quote may only not be closed: then the first line alone is
// given up.
void LineReader::give_up_record() {
  const std::string_view text = pending();
  const size_t line_end = text.find('\n');
  if (line_end != std::string_view::npos) {
    tell(text.substr(0, std::min(line_end, kHeadBytes)),
         fmt::format("a quote is not closed within {} bytes", options_.record_bytes_max));
    consume(line_end + 1);
    return;
  }
  dropped_head_ = text.substr(0, kHeadBytes);
  dropped_ = text.size();
  begin_ = end_;
}

// Drops what follows of a record that is too long; false while its end has not come.
bool LineReader::pass_long_record(bool last) {
  const std::string_view text = pending();
  const size_t line_end = text.find('\n');
  const size_t bytes = line_end == std::string_view::npos ? text.size() : line_end + 1;
  begin_ += bytes;
  dropped_ += bytes;
  if (line_end == std::string_view::npos && !last) return false;
  tell(dropped_head_, fmt::format("longer than {} bytes", options_.record_bytes_max));
  position_ += std::exchange(dropped_, 0);
  dropped_head_.clear();
  header_ = false;
  return true;
}

void LineReader::rest() {
  std::string kept(pending());
  end_ = kept.size();
  begin_ = 0;
  if (!kept.empty()) kept.resize(kept.size() + format::kDecodePaddingBytes);
  buffer_ = std::move(kept);
}

void LineReader::tell(std::string_view raw, std::string error) const {
  options_.on_bad_line({.offset = position_, .raw = raw, .error = std::move(error)});
}

}  // namespace penstock::connector
