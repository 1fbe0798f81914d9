// Writes text to a file descriptor on a thread of its own, so that a terminal or pipe that takes nothing holds up only
// who writes to it.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <functional>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace penstock::connector {

// Thread-safe. The descriptor stays the caller's and must outlive it.
class TextWriter {
 public:
  // When nothing has been taken for `patience_ms`, nobody waits any longer for the rest.
  explicit TextWriter(int descriptor, int patience_ms = 2000);
  ~TextWriter();
  TextWriter(const TextWriter&) = delete;
  TextWriter& operator=(const TextWriter&) = delete;

  void write(std::string_view text);
  // Text that waits; above it a caller should wait for its waker.
  static constexpr size_t kWaitingBytesMax = 1 << 20;
  bool has_room() const;
  void on_room(std::function<void()> waker);

  // Waits until everything has been written, or patience has run out.
  void flush();

 private:
  void run();

  const int descriptor_;
  const int patience_ms_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::string waiting_;
  size_t writing_bytes_ = 0;  // taken by the thread, not yet written
  bool stuck_ = false;        // patience has run out, or the other end is closed
  bool stopping_ = false;
  std::vector<std::function<void()>> wakers_;
  std::thread thread_;
};

}  // namespace penstock::connector
