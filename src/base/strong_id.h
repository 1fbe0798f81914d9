// Integers that cannot be mistaken for one another:
//
//   using Offset = StrongId<struct OffsetTag, int64_t>;
#pragma once

#include <compare>
#include <cstddef>
#include <functional>

namespace penstock {

template <class Tag, class Rep>
class StrongId {
 public:
  using rep = Rep;

  constexpr StrongId() = default;
  constexpr explicit StrongId(Rep value) : value_(value) {}

  constexpr Rep value() const { return value_; }
  constexpr auto operator<=>(const StrongId&) const = default;

  constexpr StrongId operator+(Rep n) const { return StrongId(static_cast<Rep>(value_ + n)); }
  constexpr StrongId operator-(Rep n) const { return StrongId(static_cast<Rep>(value_ - n)); }
  constexpr Rep operator-(StrongId other) const { return static_cast<Rep>(value_ - other.value_); }
  constexpr StrongId& operator++() {
    ++value_;
    return *this;
  }

 private:
  Rep value_{};
};

}  // namespace penstock

template <class Tag, class Rep>
struct std::hash<penstock::StrongId<Tag, Rep>> {
  size_t operator()(penstock::StrongId<Tag, Rep> id) const noexcept { return std::hash<Rep>{}(id.value()); }
};
