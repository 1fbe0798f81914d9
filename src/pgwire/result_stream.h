// An executed statement on its way to the client: its cursor, and the place in the batch that is being sent.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "columnar/change_batch.h"
#include "engine/engine.h"
#include "pgwire/row_encoder.h"

namespace penstock::pgwire {

// Belongs to a conversation. next() of the cursor is called only when everything before it has been encoded.
class ResultStream {
 public:
  // `live`: the statement does not end by itself, so its rows must not wait for more of them.
  ResultStream(std::unique_ptr<engine::Cursor> cursor, const std::vector<Format>& formats, bool live);

  enum class Progress : uint8_t {
    kWrite,    // there is enough in `out`, or waiting for more rows would hold them back
    kRowsMax,  // `rows_left` has become 0
    kEnded,
  };
  // Appends rows, at most `rows_left` of them (which is counted down; negative: no bound).
  Result<Progress> pump(std::string& out, int64_t& rows_left);

  const std::optional<types::Schema>& schema() const { return cursor_->schema(); }
  // The command tag, after the end.
  std::string tag() const { return cursor_->tag(); }

 private:
  std::unique_ptr<engine::Cursor> cursor_;
  RowEncoder encoder_;
  const bool live_;
  columnar::ChangeBatch batch_;
  size_t row_ = 0;
  size_t rows_at_once_ = 1;
  bool ended_ = false;
};

// True for statements whose cursor does not end by itself.
bool is_live_statement(std::string_view sql);

}  // namespace penstock::pgwire
