// EMIT ON WINDOW CLOSE: gives the rows of a window once, when it is closed.
#pragma once

#include <memory>
#include <vector>

#include "exec/operator.h"
#include "exec/operators/closing_window.h"
#include "types/type.h"

namespace penstock::exec {

struct EmitOnCloseOptions {
  std::vector<types::DataType> types;  // of the columns
  ClosingWindow window;
};

// Takes changes and gives rows that are never taken back. A window is closed at the first barrier behind the watermark
// that has passed its end, since what comes before may have come out at that barrier; changes of closed windows are
// dropped, and counted. State: the rows of the windows that are not closed.
std::unique_ptr<Operator> make_emit_on_close(EmitOnCloseOptions options);

}  // namespace penstock::exec
