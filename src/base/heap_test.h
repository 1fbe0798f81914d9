// What the heap of a test holds, to hold estimates of memory against.
#pragma once

#include <malloc.h>

#include <cstddef>
#include <cstdint>

#if defined(__SANITIZE_ADDRESS__)
#define PENSTOCK_SANITIZED_HEAP 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define PENSTOCK_SANITIZED_HEAP 1
#endif
#endif

#ifdef PENSTOCK_SANITIZED_HEAP
#include <sanitizer/allocator_interface.h>
#endif

namespace penstock {

// Bytes that are allocated now. Some hundred KiB of small blocks that have been freed may still be among them.
inline int64_t heap_bytes() {
#ifdef PENSTOCK_SANITIZED_HEAP
  return static_cast<int64_t>(__sanitizer_get_current_allocated_bytes());
#else
  const struct mallinfo2 info = mallinfo2();
  return static_cast<int64_t>(info.uordblks + info.hblkhd);
#endif
}

}  // namespace penstock
