// The frame of a window function: which rows of the partition it looks at, relative to the row that it is computed for.
#pragma once

#include <cstdint>

namespace penstock::types {

struct FrameBound {
  bool unbounded = false;  // UNBOUNDED PRECEDING where the frame starts, UNBOUNDED FOLLOWING where it ends
  // Else how far from the current row, before it when negative: in rows, in groups of rows that ORDER BY finds equal,
  // or in the physical unit of the one ORDER BY column. 0 is CURRENT ROW.
  int64_t offset = 0;

  bool operator==(const FrameBound&) const = default;
};

struct Frame {
  enum class Unit : uint8_t { kRows, kRange, kGroups };
  enum class Exclusion : uint8_t { kNone, kCurrentRow, kGroup, kTies };

  Unit unit = Unit::kRange;
  FrameBound start{.unbounded = true};
  FrameBound end;
  Exclusion exclusion = Exclusion::kNone;

  // Every row of the partition.
  static Frame whole() { return {.end = {.unbounded = true}}; }
  // Whether it never reaches a row that ORDER BY puts behind the current one and its equals.
  bool looks_back() const { return !end.unbounded && end.offset <= 0; }
  bool operator==(const Frame&) const = default;
};

}  // namespace penstock::types
