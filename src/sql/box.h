// A pointer that owns its target, like std::unique_ptr, and compares by the target's value. Syntax trees are made of
// it, so that two trees can be compared with ==.
#pragma once

#include <memory>
#include <utility>

namespace penstock::sql {

template <class T>
class Box {
 public:
  Box() = default;
  explicit Box(T value);

  explicit operator bool() const { return pointer_ != nullptr; }
  T& operator*() const { return *pointer_; }
  T* operator->() const { return pointer_.get(); }
  T* get() const { return pointer_.get(); }

  friend bool operator==(const Box& a, const Box& b) {
    if (!a || !b) return !a && !b;
    return *a == *b;
  }

 private:
  std::unique_ptr<T> pointer_;
};

template <class T>
Box<T>::Box(T value) : pointer_(std::make_unique<T>(std::move(value))) {}

}  // namespace penstock::sql
