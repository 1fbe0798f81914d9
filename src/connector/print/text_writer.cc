#include "connector/print/text_writer.h"

#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

namespace penstock::connector {

namespace {

// A pipe that can be written to takes this much without blocking (PIPE_BUF).
constexpr size_t kWriteBytes = 4096;

enum class Ready { kYes, kNo, kNever };

Ready wait_until_ready(int descriptor, int timeout_ms) {
  pollfd poll{.fd = descriptor, .events = POLLOUT, .revents = 0};
  const int ready = ::poll(&poll, 1, timeout_ms);
  if (ready == 0 || (ready < 0 && errno == EINTR)) return Ready::kNo;
  return ready > 0 && poll.revents == POLLOUT ? Ready::kYes : Ready::kNever;  // POLLERR: nobody reads
}

}  // namespace

TextWriter::TextWriter(int descriptor, int patience_ms)
    : descriptor_(descriptor), patience_ms_(patience_ms), thread_([this] { run(); }) {}

TextWriter::~TextWriter() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_all();
  thread_.join();
}

void TextWriter::write(std::string_view text) {
  const std::lock_guard lock(mutex_);
  waiting_ += text;
  changed_.notify_all();
}

bool TextWriter::has_room() const {
  const std::lock_guard lock(mutex_);
  return waiting_.size() + writing_bytes_ < kWaitingBytesMax;
}

void TextWriter::on_room(std::function<void()> waker) {
  const std::lock_guard lock(mutex_);
  wakers_.push_back(std::move(waker));
}

void TextWriter::flush() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] { return stuck_ || (waiting_.empty() && writing_bytes_ == 0); });
}

void TextWriter::run() {
  std::unique_lock lock(mutex_);
  std::string text;
  while (true) {
    changed_.wait(lock, [&] { return stopping_ || !waiting_.empty(); });
    if (waiting_.empty()) return;
    text = std::exchange(waiting_, {});
    for (std::string_view rest = text; !rest.empty();) {
      writing_bytes_ = rest.size();
      lock.unlock();
      const Ready ready = wait_until_ready(descriptor_, patience_ms_);
      ssize_t written = 0;
      if (ready == Ready::kYes) written = ::write(descriptor_, rest.data(), std::min(rest.size(), kWriteBytes));
      lock.lock();
      if (written > 0) rest.remove_prefix(static_cast<size_t>(written));
      const bool closed = ready == Ready::kNever || (written < 0 && errno != EINTR && errno != EAGAIN);
      stuck_ = written <= 0;
      if (stuck_) changed_.notify_all();
      if (closed || (stuck_ && stopping_)) break;  // nobody will ever read it
    }
    writing_bytes_ = 0;
    changed_.notify_all();
    const std::vector<std::function<void()>> wakers = wakers_;
    lock.unlock();
    for (const auto& waker : wakers) waker();
    lock.lock();
  }
}

}  // namespace penstock::connector
