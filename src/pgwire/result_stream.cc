#include "pgwire/result_stream.h"

#include <algorithm>

#include "pgwire/word_scanner.h"

namespace penstock::pgwire {
namespace {

// About as many bytes are handed to the socket at a time.
constexpr size_t kWriteBytes = 64 * 1024;
// Rows that are encoded before looking at the size of the output again, unless those before were large.
constexpr size_t kRowsAtOnce = 64;

const types::Schema kNoColumns;

}  // namespace

ResultStream::ResultStream(std::unique_ptr<engine::Cursor> cursor, const std::vector<Format>& formats, bool live)
    : cursor_(std::move(cursor)), encoder_(cursor_->schema() ? *cursor_->schema() : kNoColumns, formats), live_(live) {}

Result<ResultStream::Progress> ResultStream::pump(std::string& out, int64_t& rows_left) {
  for (;;) {
    while (row_ < batch_.rows()) {
      if (rows_left == 0) return Progress::kRowsMax;
      if (out.size() >= kWriteBytes) return Progress::kWrite;
      size_t rows = std::min(rows_at_once_, batch_.rows() - row_);
      if (rows_left > 0) rows = std::min(rows, static_cast<size_t>(rows_left));
      const size_t bytes_before = out.size();
      encoder_.append_rows(out, batch_, row_, row_ + rows);
      row_ += rows;
      const size_t row_bytes = (out.size() - bytes_before) / rows;
      rows_at_once_ = std::clamp<size_t>(kWriteBytes / (row_bytes + 1), 1, kRowsAtOnce);
      if (rows_left > 0) rows_left -= static_cast<int64_t>(rows);
    }
    if (rows_left == 0) return Progress::kRowsMax;
    if (ended_) return Progress::kEnded;
    if (live_ && !out.empty()) return Progress::kWrite;
    std::optional<columnar::ChangeBatch> next = PENSTOCK_TRY(cursor_->next());
    ended_ = !next.has_value();
    batch_ = next ? std::move(*next) : columnar::ChangeBatch();
    row_ = 0;
  }
}

bool is_live_statement(std::string_view sql) { return WordScanner(sql).accept("subscribe"); }

}  // namespace penstock::pgwire
