// Rows that an operator drops because they came too late.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string_view>

#include "base/metrics.h"
#include "base/time.h"
#include "columnar/change_batch.h"
#include "types/window.h"

namespace penstock::exec {

enum class LateReason : uint8_t {
  kWindowClosed,     // all windows that it would be in are closed
  kBehindWatermark,  // its time has been passed
  kInNoWindow,       // it has no time, or one that no window has
};
constexpr std::string_view text_of(LateReason reason) {
  constexpr std::string_view kTexts[] = {"window closed", "behind the watermark", "in no window"};
  return kTexts[static_cast<size_t>(reason)];
}

struct LateRow {
  uint16_t row = 0;  // of the batch that it came in
  LateReason reason = LateReason::kWindowClosed;
  std::optional<types::TimeSpan> window = {};  // the last that it would have been in
};

// Keeps such rows. Thread-safe: all instances of an operator tell one.
class LateRows {
 public:
  virtual ~LateRows() = default;
  // `watermark`: of the operator, when the batch came.
  virtual void add(const columnar::ChangeBatch& batch, std::span<const LateRow> rows, EventTime watermark) = 0;
};

// What an operator does with rows that it drops: counts them and, where somebody wants them, hands them over.
struct LateOutput {
  Counter* dropped = nullptr;      // may be null
  std::shared_ptr<LateRows> rows;  // may be null

  void add(const columnar::ChangeBatch& batch, std::span<const LateRow> late, EventTime watermark) const {
    if (late.empty()) return;
    if (dropped != nullptr) dropped->add(late.size());
    if (rows != nullptr) rows->add(batch, late, watermark);
  }
};

}  // namespace penstock::exec
