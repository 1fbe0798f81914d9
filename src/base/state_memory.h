// What the containers of an operator's state hold, counted as they take and give back memory.
//
// There is one count per thread, and operators run on one thread at a time: what a call of one has made of its state
// is how far the count has moved meanwhile (StateMeter). So whatever keeps state only has to use these containers, or
// to say how large a block is (StateBytes), and nothing has to be added up.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/hash.h"

namespace penstock {

// What an allocation costs beside its bytes: the allocator's own, and rounding up.
inline constexpr int64_t kAllocationBytes = 16;

namespace internal {
inline thread_local constinit int64_t state_bytes_of_thread = 0;
}

// How much more the state that this thread works on holds than when the meter was made.
class StateMeter {
 public:
  int64_t bytes() const { return internal::state_bytes_of_thread - start_; }

 private:
  const int64_t start_ = internal::state_bytes_of_thread;
};

// For memory that is no container's: what its owner says, until it goes. Belongs to the state of one operator.
class StateBytes {
 public:
  StateBytes() = default;
  explicit StateBytes(size_t bytes) { set(bytes); }
  StateBytes(StateBytes&& other) noexcept : bytes_(std::exchange(other.bytes_, 0)) {}
  StateBytes& operator=(StateBytes&& other) noexcept {
    std::swap(bytes_, other.bytes_);
    return *this;
  }
  ~StateBytes() { internal::state_bytes_of_thread -= bytes_; }

  size_t bytes() const { return static_cast<size_t>(bytes_); }
  void set(size_t bytes) {
    internal::state_bytes_of_thread += static_cast<int64_t>(bytes) - bytes_;
    bytes_ = static_cast<int64_t>(bytes);
  }

 private:
  int64_t bytes_ = 0;
};

// For containers whose elements are state.
template <class T>
struct StateAllocator {
  using value_type = T;

  StateAllocator() = default;
  template <class U>
  StateAllocator(const StateAllocator<U>& /*other*/) {}  // NOLINT(google-explicit-constructor): as the standard asks

  T* allocate(size_t count) {
    T* const memory = std::allocator<T>().allocate(count);
    internal::state_bytes_of_thread += bytes_of(count);
    return memory;
  }
  void deallocate(T* memory, size_t count) {
    internal::state_bytes_of_thread -= bytes_of(count);
    std::allocator<T>().deallocate(memory, count);
  }
  template <class U>
  bool operator==(const StateAllocator<U>& /*other*/) const {
    return true;
  }

 private:
  static int64_t bytes_of(size_t count) {
    const size_t elements = count * sizeof(T);  // NOLINT(bugprone-sizeof-expression): pointers, too
    return static_cast<int64_t>(elements) + kAllocationBytes;
  }
};

template <class T>
using StateVector = std::vector<T, StateAllocator<T>>;
using StateString = std::basic_string<char, std::char_traits<char>, StateAllocator<char>>;

// The order and the hash of texts of any kind, for containers with keys that are StateStrings.
struct TextLess {
  using is_transparent = void;
  bool operator()(std::string_view a, std::string_view b) const { return a < b; }
};
struct TextHash {
  size_t operator()(std::string_view text) const { return hash64(text); }
};

}  // namespace penstock
